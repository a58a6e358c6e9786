"""What is no key is refused everywhere with a sentence, and what a check lets through is what its name says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vaegan_helpers import inputs, losses, metrics, mixtures, models, training

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
