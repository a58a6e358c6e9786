"""Networks: shapes, plain-pytree behaviour, the mathematics of a layer, dropout, bad input."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from vaegan_helpers import models

X = jnp.linspace(0, 1, 4 * 12).reshape(4, 12)
Z = jnp.linspace(-2, 2, 4 * 2).reshape(4, 2)
BUILDERS = {
    "vae": lambda key, **sizes: models.VAE(12, 8, 2, key=key, **sizes),
    "autoencoder": lambda key, **sizes: models.Autoencoder(12, 8, 2, key=key, **sizes),
    "generator": lambda key, **sizes: models.Generator(2, 8, 12, key=key, **sizes),
    "discriminator": lambda key, **sizes: models.Discriminator(12, 8, key=key, **sizes),
    "encoder": lambda key, **sizes: models.Encoder(12, 8, 2, key=key, **sizes),
    "decoder": lambda key, **sizes: models.Decoder(2, 8, 12, key=key, **sizes),
}


@pytest.fixture(scope="module", params=BUILDERS)
def built(request):
    return BUILDERS[request.param](jax.random.key(0))


@pytest.fixture(scope="module")
def vae():
    return BUILDERS["vae"](jax.random.key(0))


def apply(model):
    if isinstance(model, (models.VAE, models.Autoencoder)):
        return model.decode(Z)
    return model(Z if isinstance(model, (models.Generator, models.Decoder)) else X)


def test_shapes(vae):
    mean, logvar = vae.encode(X)
    autoencoder, generator, discriminator = (
        BUILDERS[name](jax.random.key(0)) for name in ("autoencoder", "generator", "discriminator")
    )
    assert mean.shape == logvar.shape == (4, 2)
    assert vae.decode(Z).shape == vae.decoder(Z).shape == (4, 12)
    assert autoencoder.encode(X).shape == (4, 2) and autoencoder.decode(Z).shape == (4, 12)
    assert generator(Z).shape == (4, 12)
    assert discriminator(X).shape == (4,)
    assert vae.z_dim == autoencoder.z_dim == generator.z_dim == 2
    assert vae.x_dim == autoencoder.x_dim == generator.x_dim == discriminator.x_dim == 12


def test_a_network_is_its_matrix_products():
    network = models.MLP((12, 8, 5, 3), key=jax.random.key(0), activation=jnp.tanh)
    hidden = np.float64(X)
    for i, layer in enumerate(network.layers):
        hidden = hidden @ np.float64(layer.kernel[...]) + np.float64(layer.bias[...])
        if i < 2:
            hidden = np.tanh(hidden)
    np.testing.assert_allclose(network(X), hidden, rtol=1e-4, atol=1e-6)
    assert [layer.kernel[...].shape for layer in network.layers] == [(12, 8), (8, 5), (5, 3)]


def test_the_encoder_outputs_mean_first_then_logvar(vae):
    outputs = vae.encoder.network(X)
    mean, logvar = vae.encode(X)
    np.testing.assert_array_equal(mean, outputs[:, :2])
    np.testing.assert_array_equal(logvar, outputs[:, 2:])


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_decode_is_the_decoder_in_data_space(name):
    model = BUILDERS[name](jax.random.key(0))
    np.testing.assert_allclose(model.decode(Z), 1 / (1 + np.exp(-np.float64(model.decoder(Z)))), rtol=1e-5)
    unbounded = BUILDERS[name](jax.random.key(0), output=models.identity)
    np.testing.assert_array_equal(unbounded.decode(Z), unbounded.decoder(Z))


def test_a_generator_decodes_as_it_generates():
    generator = BUILDERS["generator"](jax.random.key(0))
    np.testing.assert_array_equal(generator(Z), generator.decode(Z))
    np.testing.assert_allclose(generator(Z), 1 / (1 + np.exp(-np.float64(generator.network(Z)))), rtol=1e-5)


@pytest.mark.parametrize("hidden_layers", [0, 1, 3])
def test_parameters_are_counted(hidden_layers):
    sizes = [12, *[8] * hidden_layers, 1]
    wanted = sum(a * b + b for a, b in itertools.pairwise(sizes))
    assert (
        models.count_parameters(BUILDERS["discriminator"](jax.random.key(0), hidden_layers=hidden_layers))
        == wanted
    )


def test_the_default_vae_has_the_parameters_of_the_course():
    encoder = 784 * 256 + 256 + 256 * 256 + 256 + 256 * 4 + 4
    decoder = 2 * 256 + 256 + 256 * 256 + 256 + 256 * 784 + 784
    assert models.count_parameters(models.VAE(key=jax.random.key(0))) == encoder + decoder
    assert models.count_parameters(models.Generator(key=jax.random.key(0))) == decoder


def test_a_model_is_a_pytree_of_floats(built):
    leaves, structure = jax.tree.flatten(built)
    assert leaves and all(leaf.dtype == jnp.float32 for leaf in leaves)
    np.testing.assert_array_equal(apply(jax.tree.unflatten(structure, leaves)), apply(built))
    assert structure == jax.tree.structure(jax.tree.map(lambda leaf: leaf + 1, built))


def test_a_model_goes_through_jit_grad_and_scan_without_being_changed(built):
    before = [np.array(leaf) for leaf in jax.tree.leaves(built)]

    def loss(model):
        return sum(jnp.sum(output**2) for output in jax.tree.leaves(apply(model)))

    @jax.jit
    def train(model):
        def step(model, _):
            value, gradient = jax.value_and_grad(loss)(model)
            return jax.tree.map(lambda w, g: w - 1e-3 * g, model, gradient), value

        return jax.lax.scan(step, model, None, length=3)

    trained, values = train(built)
    assert values[2] < values[1] < values[0]
    assert float(loss(trained)) < float(values[2])
    for leaf, old in zip(jax.tree.leaves(built), before, strict=True):
        np.testing.assert_array_equal(leaf, old)


def test_optax_states_mirror_a_model(built):
    moments = optax.adam(1e-3).init(built)[0].mu
    assert jax.tree.structure(moments) == jax.tree.structure(built)
    assert len(jax.tree.leaves(nnx.state(built, nnx.Param))) == len(jax.tree.leaves(built))


@pytest.mark.parametrize("name", BUILDERS)
def test_the_same_key_gives_the_same_weights_and_another_key_others(name):
    first, again, other = (jax.tree.leaves(BUILDERS[name](jax.random.key(seed))) for seed in (0, 0, 1))
    kernels = [i for i, leaf in enumerate(first) if leaf.ndim == 2]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(not np.array_equal(first[i], other[i]) for i in kernels)


def test_encoder_and_decoder_draw_different_weights():
    vae = models.VAE(
        4, 8, 4, 1, key=jax.random.key(0)
    )  # square on purpose: the shapes agree where the keys must not
    assert not np.array_equal(
        vae.encoder.network.layers[0].kernel[...], vae.decoder.network.layers[0].kernel[...]
    )


# Dropout


@pytest.fixture(scope="module")
def dropping():
    return models.Discriminator(12, 500, 1, dropout=0.3, key=jax.random.key(0))


def test_dropout_acts_only_with_a_key(dropping):
    plain = models.Discriminator(12, 500, 1, key=jax.random.key(0))
    np.testing.assert_array_equal(dropping(X), plain(X))
    np.testing.assert_array_equal(plain(X, jax.random.key(1)), plain(X))
    same, again, other = (dropping(X, jax.random.key(seed)) for seed in (1, 1, 2))
    assert np.array_equal(same, again) and not np.array_equal(same, other)
    assert not np.array_equal(same, dropping(X))


def test_dropout_keeps_the_mean_and_has_the_right_variance(dropping):
    """Linear in the mask, so both are known: mean the plain output, variance sum((w h)^2) p / (1 - p)."""
    keys = jax.random.split(jax.random.key(3), 2000)
    logits = jax.jit(jax.vmap(lambda key: dropping(X, key)))(keys)
    hidden = jax.nn.leaky_relu(dropping.network.layers[0](X))
    variance = (((hidden * dropping.network.layers[1].kernel[...].T) ** 2).sum(axis=1)) * 0.3 / 0.7
    standard_error = np.sqrt(variance / len(keys))
    assert np.all(np.abs(logits.mean(axis=0) - dropping(X)) < 4.5 * standard_error)
    np.testing.assert_allclose(logits.var(axis=0), variance, rtol=4.5 * np.sqrt(2 / len(keys)))


def test_each_hidden_layer_drops_its_own_units():
    """With one mask for both layers, units of the same number would vanish together."""
    deep = models.Discriminator(12, 6, 2, dropout=0.5, key=jax.random.key(0))
    for i in range(2):  # identity weights and large positive biases: every unit passes its mask on
        deep.network.layers[i].bias[...] = jnp.full(6, 10.0)
    deep.network.layers[0].kernel[...] = jnp.zeros((12, 6))
    deep.network.layers[1].kernel[...] = jnp.eye(6)
    deep.network.layers[2].kernel[...] = jnp.ones((6, 1))
    logits = deep(jnp.zeros((200, 12)), jax.random.key(0))
    # a surviving unit gives 2 * (10 + 20) if the first mask kept it and 2 * 10 if not; one mask knows only
    # 60s
    assert np.any(np.asarray(logits) % 60 != 0)


# Bad input


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda key: models.MLP((3,), key=key), r"at least two positive whole numbers; got \(3,\)"),
        (lambda key: models.MLP((3, 0), key=key), r"positive whole numbers; got \(3, 0\)"),
        (lambda key: models.MLP((3, 2.0), key=key), r"positive whole numbers; got \(3, 2.0\)"),
        (lambda key: models.VAE(12, 8, 0, key=key), r"positive whole numbers; got \(12, 8, 8, 0\)"),
        (lambda key: models.VAE(-1, 8, 2, key=key), r"positive whole numbers; got \(-1, 8, 8, 4\)"),
        (
            lambda key: models.VAE(12, 8, 2, -1, key=key),
            "hidden_layers must be a whole number of at least 0; got -1",
        ),
        (
            lambda key: models.VAE(12, 8, 2, 1.5, key=key),
            "hidden_layers must be a whole number of at least 0; got 1.5",
        ),
        (
            lambda key: models.Discriminator(12, dropout=1.0, key=key),
            r"dropout must be at least 0 and below 1; got 1.0",
        ),
        (
            lambda key: models.Discriminator(12, dropout=-0.1, key=key),
            r"dropout must be at least 0 and below 1; got -0.1",
        ),
    ],
)
def test_bad_sizes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(jax.random.key(0))


@pytest.mark.parametrize("key", [0, None, np.zeros(2, np.uint32), "key"], ids=repr)
@pytest.mark.parametrize("name", BUILDERS)
def test_a_key_that_is_no_key_is_named(name, key):
    with pytest.raises(ValueError, match=rf"one key from jax.random.key\(seed\); got {type(key).__name__}"):
        BUILDERS[name](key)


def test_old_style_and_split_keys_are_refused():
    for keys in (jax.random.PRNGKey(0), jax.random.split(jax.random.key(0))):
        with pytest.raises(ValueError, match="must be one key from jax.random.key"):
            models.VAE(key=keys)


@pytest.mark.parametrize("shape", [(4, 11), (12,), (4, 12, 1), (4, 28, 28)])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: BUILDERS["vae"](jax.random.key(0)).encode(x),
        lambda x: BUILDERS["autoencoder"](jax.random.key(0)).encode(x),
        lambda x: BUILDERS["discriminator"](jax.random.key(0))(x),
    ],
    ids=["vae", "autoencoder", "discriminator"],
)
def test_data_of_a_wrong_shape_is_named(call, shape):
    with pytest.raises(ValueError, match=rf"x must be an array of shape \(batch, 12\); got \({shape[0]}, ?"):
        call(jnp.zeros(shape))


@pytest.mark.parametrize("shape", [(4, 3), (2,)])
def test_latents_of_a_wrong_shape_are_named(vae, shape):
    for decode in (vae.decode, BUILDERS["generator"](jax.random.key(0))):
        with pytest.raises(ValueError, match=rf"x must be an array of shape \(batch, 2\); got \({shape[0]},"):
            decode(jnp.zeros(shape))


def test_a_discriminators_logit_is_its_last_layer_on_its_features():
    d = models.Discriminator(12, 8, dropout=0.5, key=jax.random.key(0))
    first, last = d.network.layers[0], d.network.layers[-1]
    np.testing.assert_array_equal(d.features(X, layer=1), jax.nn.leaky_relu(first(X)))
    for key in (None, jax.random.key(1)):
        same_key = None if key is None else jax.random.clone(key)
        np.testing.assert_array_equal(d(X, key), last(d.features(X, same_key))[:, 0])
    np.testing.assert_array_equal(d.features(X, layer=2), d.features(X))
    assert not np.array_equal(d.features(X, jax.random.key(2)), d.features(X))


@pytest.mark.parametrize("layer", [0, 3, -1, 1.5, True, "last"])
def test_features_of_a_layer_that_is_not_there_are_refused(layer):
    with pytest.raises(ValueError, match="whole number from 1 to 2"):
        BUILDERS["discriminator"](jax.random.key(0)).features(X, layer=layer)
