"""What is no key is refused with a sentence, and what a check lets through is what its name says."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from vaegan_helpers import inputs, interpolation, losses, metrics, mixtures, models, plots, training

PAIR = jnp.zeros((2, 3)), jnp.zeros((2, 3))
VAE = models.VAE(4, 5, 3, key=jax.random.key(0))

TAKES_A_KEY = {
    "reparameterise": lambda key: losses.reparameterise(*PAIR, key),
    "kl_monte_carlo": lambda key: losses.kl_monte_carlo(*PAIR, key, 5),
    "vae_loss": lambda key: losses.vae_loss(VAE, jnp.zeros((2, 4)), key),
    "Mixture.sample": lambda key: mixtures.two_gaussians().sample(key, 3),
    "importance_weighted_bound": lambda key: metrics.importance_weighted_bound(
        VAE, jnp.zeros((2, 4)), key, 3
    ),
    "VAE": lambda key: models.VAE(key=key),
    "fit_vae": lambda key: training.fit_vae(
        VAE, np.zeros((8, 4)), key, steps=1, batch_size=2, progress=False
    ),
}


@pytest.mark.parametrize("name", TAKES_A_KEY)
@pytest.mark.parametrize(
    "no_key", [0, None, np.zeros(2, np.uint32), "seed", jax.random.split(jax.random.key(0), 2)]
)
def test_what_is_no_key_is_refused(name, no_key):
    with pytest.raises(ValueError, match=r"key must be one key from jax.random.key\(seed\); got "):
        TAKES_A_KEY[name](no_key)


def test_a_key_is_taken_inside_jit_and_vmap():
    keys = jax.random.split(jax.random.key(1), 3)
    drawn = jax.jit(jax.vmap(lambda key: losses.reparameterise(*PAIR, key)))(keys)
    assert drawn.shape == (3, 2, 3)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "1e-3", None, True])
def test_positive_means_above_zero_and_finite(value):
    with pytest.raises(ValueError, match="radius must be a positive number; got"):
        inputs.require_positive(radius=value)


@pytest.mark.parametrize("value", [0, 2.5, "3", None, True])
def test_whole_means_a_count(value):
    with pytest.raises(ValueError, match="modes must be a whole number of at least 1; got"):
        inputs.require_whole(modes=value)


def test_importance_weighted_bound_refuses_pixels_that_are_none():
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]; got values from 0 to 255"):
        metrics.importance_weighted_bound(VAE, jnp.array([[0.0, 255, 0, 0]]), jax.random.key(0), 3)


# What NumPy users hand in

GRID = np.arange(12).reshape(4, 3) % 5 - 1  # whole numbers, of which every dress below holds the same
DRESSES = {
    "float32": np.float32,
    "float64": np.float64,
    "whole numbers": np.int64,
    "list": lambda x: x.tolist(),
    "pandas": lambda x: pd.DataFrame(x) if x.ndim == 2 else pd.Series(x),
    "a view with strides": lambda x: (
        np.repeat(np.repeat(x, 2, axis=0), 2, axis=-1)[::2, ..., ::2] if x.ndim == 2 else np.repeat(x, 2)[::2]
    ),
    "JAX": jnp.asarray,
}
PIXELS = (np.arange(4 * 784).reshape(4, 784) % 3 == 0).astype(int)
LABELS = np.array([0, 1, 1, 2])
D = models.Discriminator(3, 4, key=jax.random.key(2))
ONE_STEP = {"steps": 1, "batch_size": 2, "progress": False}
TAKE_ARRAYS = {
    "kl_to_standard_normal": lambda as_: losses.kl_to_standard_normal(as_(GRID), as_(GRID)),
    "normal_log_density": lambda as_: losses.normal_log_density(as_(GRID), as_(GRID), as_(GRID)),
    "bernoulli": lambda as_: losses.bernoulli_log_likelihood(as_(GRID), as_(np.clip(GRID, 0, 1))),
    "gaussian": lambda as_: losses.gaussian_log_likelihood(as_(GRID), as_(GRID), 1),
    "reparameterise": lambda as_: losses.reparameterise(as_(GRID), as_(GRID), jax.random.key(0)),
    "discriminator_loss": lambda as_: losses.discriminator_loss(as_(GRID[:, 0]), as_(GRID[0])),
    "generator_loss": lambda as_: losses.generator_loss(as_(GRID[:, 0])),
    "critic_loss": lambda as_: losses.critic_loss(as_(GRID[:, 0]), as_(GRID[0])),
    "vae_loss": lambda as_: losses.vae_loss(
        models.VAE(784, 4, key=jax.random.key(1)), as_(PIXELS), jax.random.key(0)
    )[0],
    "encode": lambda as_: VAE.encode(as_(np.c_[GRID, GRID[:, 0]])),
    "decode": lambda as_: VAE.decode(as_(GRID)),
    "discriminator": lambda as_: D(as_(GRID)),
    "log_density": lambda as_: mixtures.gaussian_ring().log_density(as_(GRID[:, :2])),
    "mixture": lambda as_: mixtures.mixture(as_(GRID), 1, as_(LABELS + 1)).weights,
    "latent_activity": lambda as_: metrics.latent_activity(as_(GRID)),
    "bound": lambda as_: metrics.importance_weighted_bound(
        models.VAE(784, 4, key=jax.random.key(1)), as_(PIXELS), jax.random.key(0), 2
    ),
    "sharpness": lambda as_: metrics.sharpness(as_(PIXELS)),
    "precision_recall": lambda as_: metrics.precision_recall(as_(GRID), as_(GRID), 1),
    "frechet_distance": lambda as_: metrics.frechet_distance(as_(GRID), as_(GRID)),
    "nearest_neighbours": lambda as_: metrics.nearest_neighbours(as_(GRID), as_(GRID))[0],
    "modes_covered": lambda as_: metrics.modes_covered(as_(GRID[:, :2]), mixtures.gaussian_grid()).per_mode,
    "spherical_path": lambda as_: interpolation.spherical_path(as_(GRID[0]), as_(GRID[1]), 5),
    "sheet": lambda as_: plots.sheet(as_(PIXELS), 2),
    "fit_vae": lambda as_: training.fit_vae(
        models.VAE(784, 4, key=jax.random.key(1)),
        as_(PIXELS),
        jax.random.key(0),
        **ONE_STEP,
    )[1]["loss"],
    "fit_gan": lambda as_: training.fit_gan(
        models.Generator(2, 4, 3, output=models.identity, key=jax.random.key(1)),
        D,
        as_(GRID),
        jax.random.key(0),
        **ONE_STEP,
    )[2]["generator_loss"],
}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("name", TAKE_ARRAYS)
def test_whatever_numpy_takes_gives_the_same_numbers(name, dress):
    wanted, came = (jax.tree.leaves(TAKE_ARRAYS[name](as_)) for as_ in (np.float32, DRESSES[dress]))
    for a, b in zip(came, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rubbish", ["text", [[1, 2], [3]], None, [[1j, 2j]], object], ids=str)
@pytest.mark.parametrize(
    "name", ["kl_to_standard_normal", "encode", "log_density", "precision_recall", "sheet", "fit_vae"]
)
def test_what_is_no_array_of_numbers_is_refused_with_a_sentence(name, rubbish):
    with pytest.raises(ValueError, match="must"):
        TAKE_ARRAYS[name](lambda _: rubbish)


def test_bytes_do_not_wrap_around():
    """0 - 255 is 1 in eight bits."""
    np.testing.assert_allclose(
        metrics.sharpness(np.uint8(255 * PIXELS)), metrics.sharpness(PIXELS.astype(float)), rtol=1e-5
    )


@pytest.mark.parametrize("whole", [int, np.int64, np.uint8])
def test_numpy_s_whole_numbers_are_sizes(whole):
    model = models.Generator(
        whole(3), whole(4), whole(2), whole(1), categories=whole(2), key=jax.random.key(0)
    )
    assert model(jnp.zeros((whole(5), 3))).shape == (5, 2)
    assert mixtures.gaussian_ring(whole(3)).sample(jax.random.key(0), whole(4)).shape == (4, 2)
