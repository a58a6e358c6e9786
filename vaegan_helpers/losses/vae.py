"""Log-likelihoods, divergences and losses of the VAE.

Per-example functions return (batch,); losses return one number.

Every quantity is in nats per image: summed over pixels and over latents, averaged over the batch.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from vaegan_helpers.inputs import (
    ArrayLike,
    as_one_shape,
    require_at_least,
    require_key,
    require_positive,
    require_unit_interval,
    require_whole,
)

# One number for each example, (batch,), from (decoder output, x).
LogLikelihood = Callable[[jax.Array, jax.Array], jax.Array]
Parts = dict[str, jax.Array]


def kl_to_standard_normal(mean: ArrayLike, logvar: ArrayLike) -> jax.Array:
    """KL(N(mean, exp(logvar)) || N(0, I)) of each example, in closed form.

    Args:
      mean: posterior means, shape (batch, z_dim).
      logvar: log variances, same shape; not log standard deviations.

    Returns:
      KL summed over the latent dimensions, in nats, shape (batch,).

    References:
      Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    mean, logvar = as_one_shape(mean=mean, logvar=logvar)
    # expm1 keeps the digits that exp(logvar) - 1 loses near the prior
    return 0.5 * jnp.sum(mean**2 + jnp.expm1(logvar) - logvar, axis=1)


def kl_monte_carlo(mean: ArrayLike, logvar: ArrayLike, key: jax.Array, samples: int) -> jax.Array:
    """The same KL from random draws: log q(z) - log p(z) at z drawn from q.

    Each row is unbiased; average them.

    Args:
      mean: (batch, z_dim).
      logvar: log variances, same shape.
      key: for the draws.
      samples: draws per example.

    Returns:
      (samples, batch), in nats. The mean over the first axis estimates the KL; its standard error is the
      standard deviation over that axis divided by sqrt(samples).
    """
    mean, logvar = as_one_shape(mean=mean, logvar=logvar)
    require_whole(samples=samples)
    mean, logvar = mean[None], logvar[None]  # (1, batch, z_dim)
    z = mean + jnp.exp(0.5 * logvar) * jax.random.normal(
        require_key(key), (samples, *mean.shape[1:]), mean.dtype
    )
    log_q = jnp.sum(_normal_log_density(z, mean, logvar), axis=-1)
    log_p = jnp.sum(_normal_log_density(z, 0.0, 0.0), axis=-1)
    return log_q - log_p


def normal_log_density(z: ArrayLike, mean: ArrayLike, logvar: ArrayLike) -> jax.Array:
    """log N(z; mean, exp(logvar)) of each example, in nats: three arrays (batch, z_dim) to (batch,)."""
    z, mean, logvar = as_one_shape(z=z, mean=mean, logvar=logvar)
    return jnp.sum(_normal_log_density(z, mean, logvar), axis=1)


def _normal_log_density(z, mean, logvar):
    return -0.5 * ((z - mean) ** 2 / jnp.exp(logvar) + logvar + jnp.log(2 * jnp.pi))


def bernoulli_log_likelihood(logits: ArrayLike, x: ArrayLike) -> jax.Array:
    """log p(x | logits) of each example: minus the binary cross-entropy, summed over pixels.

    Grey pixels are allowed: x then weighs the two outcomes, and the value is no longer a normalised
    likelihood.

    Args:
      logits: (batch, x_dim), log-odds that a pixel is on.
      x: (batch, x_dim), pixels in [0, 1].

    Returns:
      (batch,), in nats, at most 0.
    """
    logits, x = as_one_shape(logits=logits, x=x)
    require_unit_interval(x=x)
    # x log s(l) + (1 - x) log(1 - s(l)) = x l - softplus(l): no logarithm of a rounded 0 at any logit
    return jnp.sum(x * logits - jax.nn.softplus(logits), axis=1)


def gaussian_log_likelihood(x_hat: ArrayLike, x: ArrayLike, std: ArrayLike) -> jax.Array:
    """log N(x; x_hat, std^2 I) of each example, with its normaliser.

    Maximising it is minimising the squared error, divided by 2 std^2.

    Args:
      x_hat: (batch, x_dim), means.
      x: (batch, x_dim), data.
      std: the standard deviation of every coordinate, one positive number.

    Returns:
      (batch,), in nats; above 0 where the density exceeds 1.
    """
    x_hat, x = as_one_shape(x_hat=x_hat, x=x)
    if not isinstance(std, jax.core.Tracer):
        require_positive(std=std)
    return jnp.sum(_normal_log_density(x, x_hat, 2 * jnp.log(std)), axis=1)


def reparameterise(mean: ArrayLike, logvar: ArrayLike, key: jax.Array) -> jax.Array:
    """A draw z = mean + std * noise from N(mean, exp(logvar)), with the noise from N(0, I).

    The randomness enters from outside, so gradients flow to mean and logvar.

    Args:
      mean: (batch, z_dim).
      logvar: log variances, same shape.
      key: for the noise.

    Returns:
      z, (batch, z_dim).
    """
    mean, logvar = as_one_shape(mean=mean, logvar=logvar)
    return mean + jnp.exp(0.5 * logvar) * jax.random.normal(require_key(key), mean.shape, mean.dtype)


def vae_loss(
    model: Any,
    x: ArrayLike,
    key: jax.Array,
    beta: float = 1.0,
    log_likelihood: LogLikelihood = bernoulli_log_likelihood,
) -> tuple[jax.Array, Parts]:
    """Minus the evidence lower bound (ELBO), with the KL term weighted by beta.

    Args:
      model: VAE.
      x: (batch, x_dim).
      key: for the reparameterisation; one draw per example.
      beta: weight of the KL term; 1 gives the bound on log p(x).
      log_likelihood: function of (decoder output, x) giving (batch,), such as
        `functools.partial(gaussian_log_likelihood, std=0.1)`.

    Returns:
      (loss, parts): the loss in nats per example, and a dictionary with "reconstruction", -E_q[log p(x | z)],
      and "kl", KL(q(z | x) || p(z)), both unweighted means over the batch. loss = reconstruction + beta * kl.

    References:
      Kingma & Welling, Auto-Encoding Variational Bayes, 2014, section 2.3; Higgins et al., beta-VAE, 2017.
    """
    if not isinstance(beta, jax.core.Tracer):
        require_at_least(0, beta=beta)
    mean, logvar = model.encode(x)
    z = reparameterise(mean, logvar, key)
    reconstruction = -log_likelihood(model.decoder(z), x).mean()
    kl = kl_to_standard_normal(mean, logvar).mean()
    return reconstruction + beta * kl, {"reconstruction": reconstruction, "kl": kl}


def autoencoder_loss(
    model: Any,
    x: ArrayLike,
    key: jax.Array,
    beta: float = 0.0,
    log_likelihood: LogLikelihood = bernoulli_log_likelihood,
) -> tuple[jax.Array, Parts]:
    """Reconstruction error of a plain autoencoder, in nats per example. Key and beta are taken and not used.

    Returns:
      (loss, parts) as `vae_loss` does, so that both train by the same function; "kl" is 0.
    """
    reconstruction = -log_likelihood(model.decoder(model.encode(x)), x).mean()
    return reconstruction, {"reconstruction": reconstruction, "kl": jnp.zeros(())}
