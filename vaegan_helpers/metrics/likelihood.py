"""Bounds on the likelihood, and how many latents a VAE uses."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from vaegan_helpers import losses
from vaegan_helpers.inputs import ArrayLike, as_array, as_pixels, require_key, require_whole


def importance_weighted_bound(
    model: Any,
    x: ArrayLike,
    key: jax.Array,
    samples: int,
    log_likelihood: Callable = losses.bernoulli_log_likelihood,
) -> jax.Array:
    """log of the mean of `samples` importance weights p(x, z) / q(z | x), a lower bound on log p(x).

    One sample gives the ELBO. The expected bound never falls with more samples, and it tends to log p(x).

    Args:
      model: VAE.
      x: (n, x_dim).
      key: for the draws from q(z | x).
      samples: importance samples per example, at least 1.
      log_likelihood: function of (decoder output, x) giving (batch,). Pass the same function object every
        time.

    Returns:
      (n,), in nats.

    References:
      Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, section 3.
    """
    require_whole(samples=samples)
    require_key(key)
    check = as_pixels if log_likelihood is losses.bernoulli_log_likelihood else as_array
    x = check("x", x, "n", "x_dim")
    return _importance_weighted_bound(model, x, key, log_likelihood=log_likelihood, samples=samples)


@functools.partial(jax.jit, static_argnames=("samples", "log_likelihood"))
def _importance_weighted_bound(model, x, key, *, samples, log_likelihood):
    mean, logvar = model.encode(x)

    def add(log_sum, sample_key):
        z = losses.reparameterise(mean, logvar, sample_key)
        log_prior = losses.normal_log_density(z, jnp.zeros_like(z), jnp.zeros_like(z))
        log_weight = (
            log_likelihood(model.decoder(z), x) + log_prior - losses.normal_log_density(z, mean, logvar)
        )
        return jnp.logaddexp(log_sum, log_weight), None

    log_sum, _ = jax.lax.scan(add, jnp.full(len(x), -jnp.inf), jax.random.split(key, samples))
    return log_sum - jnp.log(samples)


def latent_activity(mean: ArrayLike) -> jax.Array:
    """Variance over the data of each latent's posterior mean: how far the encoder moves it at all.

    Args:
      mean: (n, z_dim), posterior means of n examples.

    Returns:
      (z_dim,). A latent counts as active when this exceeds 0.01.

    References:
      Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5.2.
    """
    mean = as_array("mean", mean, "n", "z_dim")
    if len(mean) < 2:
        raise ValueError(f"mean must hold at least 2 examples; got {len(mean)}")
    return jnp.var(mean, axis=0)


def active_units(mean: ArrayLike, threshold: float = 0.01) -> int:
    """How many latents have a `latent_activity` above the threshold."""
    return int(jnp.sum(latent_activity(mean) > threshold))
