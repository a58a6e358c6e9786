"""The networks that the page computes itself, run by Node and held against JAX; noise and paths as well."""

import base64
import json
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from vaegan_helpers import interpolation, models
from vaegan_helpers.widgets import base, networks, noise


def key():
    return jax.random.key(0)


NODE = shutil.which("node")

REVIVE = """
let text = '';
for await (const part of process.stdin) text += part;
const given = JSON.parse(text, (key, value) => value?.base64 === undefined ? value
  : new DataView(Uint8Array.from(Buffer.from(value.base64, 'base64')).buffer));
"""


def in_node(module, expression, **given):
    """The value of an expression in JavaScript, with what is given as `given`, after a module of the page."""
    if NODE is None:
        pytest.skip("there is no Node on this machine")
    done = subprocess.run(
        [
            NODE,
            "--input-type=module",
            "-e",
            f"{base.script(module)}\n{REVIVE}\nconsole.log(JSON.stringify({expression}));",
        ],
        input=json.dumps(given, default=lambda value: {"base64": base64.b64encode(value).decode()}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def in_the_page(description, x):
    x = np.asarray(x, np.float32)
    y = in_node(
        "page/network.js",
        "[...network(given.net)(Float32Array.from(given.x), given.n)]",
        net=description,
        x=x.ravel().tolist(),
        n=len(x),
    )
    return np.array(y).reshape(len(x), -1)


def trained_like(model, seed=1):
    """The model with weights as large as training makes them, and biases that are not zero."""
    graph, state = nnx.split(model)
    leaves, tree = jax.tree.flatten(state)
    random = np.random.default_rng(seed)
    moved = [jnp.asarray(leaf + 0.1 * random.normal(size=leaf.shape), jnp.float32) for leaf in leaves]
    return nnx.merge(graph, jax.tree.unflatten(tree, moved))


DECODERS = {
    "VAE": models.VAE(key=key()),
    "VAE with other sizes": models.VAE(64, 32, 5, 3, key=key()),
    "VAE for points": models.VAE(2, 16, 3, output=models.identity, key=key()),
    "autoencoder": models.Autoencoder(z_dim=7, key=key()),
    "linear autoencoder": models.Autoencoder(hidden_layers=0, key=key()),
    "generator": models.Generator(z_dim=32, key=key()),
    "generator with tanh": models.Generator(4, 16, 25, output=jnp.tanh, key=key()),
    "generator of a mixture": models.Generator(6, 16, 25, categories=4, key=key()),
    "generator of categories alone": models.Generator(4, 16, 25, categories=4, key=key()),
}
DISCRIMINATORS = {
    "plain": {},
    "dropout": {"dropout": 0.5},
    "spectral norm": {"spectral_norm": True},
    "Fourier features": {"frequencies": (1.0, 4.0)},
    "everything": {"dropout": 0.3, "spectral_norm": True, "frequencies": (2.0,), "hidden_layers": 3},
}


@pytest.fixture(params=DECODERS)
def decoder(request):
    return trained_like(DECODERS[request.param])


def test_the_page_decodes_as_jax_does(decoder):
    z = jax.random.normal(key(), (5, decoder.z_dim))
    np.testing.assert_allclose(
        in_the_page(networks.decoder(decoder), z), networks.decode(decoder, z), rtol=1e-5, atol=1e-5
    )


def test_with_8_bits_no_pixel_is_far_off(decoder):
    z = jax.random.normal(key(), (20, decoder.z_dim))
    small = networks.in_8_bits(networks.decoder(decoder))
    error = np.abs(in_the_page(small, z) - networks.decode(decoder, z))
    if decoder.output is jax.nn.sigmoid:  # pixels
        assert error.max() < 0.06
    assert error.mean() < 0.01
    whole = networks.decoder(decoder)["layers"]
    assert all(
        len(a["weights"]) * 4 == len(b["weights"]) for a, b in zip(small["layers"], whole, strict=True)
    )


@pytest.mark.parametrize("kind", [models.VAE, models.Autoencoder])
def test_the_page_encodes_as_jax_does(kind):
    model = trained_like(kind(z_dim=3, key=key()))
    x = jax.random.uniform(key(), (4, 784))
    code = model.encode(x)
    wanted = np.concatenate(code, axis=1) if isinstance(code, tuple) else code
    np.testing.assert_allclose(in_the_page(networks.encoder(model), x), wanted, rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(networks.encode(model, x), wanted[:, :3], atol=1e-6)


@pytest.mark.parametrize("options", DISCRIMINATORS.values(), ids=DISCRIMINATORS)
def test_the_page_judges_as_jax_does(options):
    model = trained_like(models.Discriminator(36, 16, key=key(), **options))
    x = jax.random.uniform(key(), (6, 36))
    np.testing.assert_allclose(
        in_the_page(networks.discriminator(model), x)[:, 0], model(x), rtol=1e-5, atol=1e-5
    )


class Changed(models.VAE):
    def decode(self, z):
        return 1 - super().decode(z)


@pytest.mark.parametrize(
    "description",
    [
        lambda: networks.decoder(Changed(key=key())),
        lambda: networks.decoder(models.VAE(output=lambda x: x / 2, key=key())),
        lambda: networks.decoder(object()),
        lambda: networks.encoder(models.Generator(key=key())),
        lambda: networks.discriminator(models.Discriminator(packing=2, key=key())),
        lambda: networks.discriminator(models.Discriminator(minibatch_std=True, key=key())),
    ],
)
def test_what_the_page_cannot_compute_is_left_to_the_kernel(description):
    assert description() == {}


@pytest.mark.parametrize("seed, stream", [(0, 0), (1, 0), (999_999, 3)])
def test_the_page_draws_the_same_noise(seed, stream):
    for kind in (noise.uniform, noise.normal):
        page = in_node("page/noise.js", f"[...{kind.__name__}({seed}, 500, {stream})]")
        np.testing.assert_allclose(page, kind(seed, 500, stream), atol=1e-6)
    assert in_node("page/noise.js", f"choice({seed}, 50, 6)") == noise.choice(seed, 50, 6).tolist()


def test_the_noise_is_noise():
    normal, uniform = noise.normal(3, 100_000), noise.uniform(3, 100_000)
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02 and abs((normal**4).mean() - 3) < 0.15
    assert np.abs(np.histogram(uniform, 20, (0, 1))[0] / 5000 - 1).max() < 0.06
    assert abs(np.corrcoef(normal[1:], normal[:-1])[0, 1]) < 0.02
    for other in (noise.normal(4, 100_000), noise.normal(3, 100_000, stream=2)):
        assert abs(np.corrcoef(normal, other)[0, 1]) < 0.02
    assert sorted(noise.choice(5, 40, 100)) == list(range(40))


PAIRS = {
    "any two": (np.array([1.0, 2, -1]), np.array([0.5, -1, 3])),
    "one dimension": (np.array([1.0]), np.array([-2.0])),
    "from the origin": (np.zeros(3), np.ones(3)),
    "parallel": (np.ones(3), 3 * np.ones(3)),
    "almost opposite": (np.array([1.0, 2, 3]), -np.array([1.0, 2, 3.01])),
}


@pytest.mark.parametrize("start, end", PAIRS.values(), ids=PAIRS)
def test_the_page_walks_the_same_paths(start, end):
    for name in ("linear", "spherical"):
        page = in_node(
            "page/paths.js", f"[...{name}Path(given.a, given.b, 11)]", a=start.tolist(), b=end.tolist()
        )
        wanted = getattr(interpolation, f"{name}_path")(start, end, 11)
        np.testing.assert_allclose(np.reshape(page, wanted.shape), wanted, atol=1e-5)


def test_the_page_says_what_is_wrong_with_opposite_latents():
    with pytest.raises(subprocess.CalledProcessError) as failed:
        in_node("page/paths.js", "sphericalPath([1, 2], [-1, -2], 5)")
    assert "opposite" in failed.value.stderr
