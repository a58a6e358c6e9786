"""A mixture of Gaussians over a VAE's codes takes the place of the prior; no network is trained."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.mixture import GaussianMixture
from vaegan_helpers import losses

from comparison.players import digits

GAUSSIANS = 10  # as many as there are digits; not tuned


def from_a_mixture(model, key, samples):
    """(samples, 784): pictures for latents drawn where the codes of the training digits lie."""
    latent_key, order_key = jax.random.split(key)
    codes = np.float64(losses.reparameterise(*model.encode(digits.train_images), latent_key))
    mixture = GaussianMixture(GAUSSIANS, random_state=0).fit(codes)
    draws = mixture.sample(samples)[0]  # one Gaussian after the other
    latents = jax.random.permutation(order_key, jnp.asarray(draws, jnp.float32))
    return np.asarray(model.decode(latents))
