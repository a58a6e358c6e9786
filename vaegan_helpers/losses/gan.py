"""Losses of the GAN: discriminator against generator in five games, and the penalties on D's input gradients.

Every loss is a mean over its batch and is minimised: where a paper maximises, the sign is turned.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from vaegan_helpers import models
from vaegan_helpers.inputs import ArrayLike, as_one_shape, require_share


def discriminator_loss(real_logits: ArrayLike, fake_logits: ArrayLike, smoothing: float = 0.0) -> jax.Array:
    """-mean log D(x) - mean log(1 - D(G(z))): how badly D tells real from generated. Minimised over D.

    2 log 2 = 1.386 when D answers 1/2 to everything, 0 when it is always sure and right. Both means count
    fully: other texts divide their sum by two.

    Args:
      real_logits: D's logits on real data, shape (batch,); D = sigmoid(logit).
      fake_logits: D's logits on generated data, shape (batch,); the two batches may differ in size.
      smoothing: the label of real data becomes 1 - smoothing, that of generated data stays 0 (one-sided). In
        [0, 1).

    Returns:
      The loss, in nats; above 0.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014, equation 1.
      Salimans et al., Improved Techniques for Training GANs, 2016, section 3.4 (smoothing).
    """
    real_logits, fake_logits = _logits(real_logits=real_logits, fake_logits=fake_logits)
    if not isinstance(smoothing, jax.core.Tracer):
        require_share(smoothing=smoothing)
    # log D = -softplus(-logit) and log(1 - D) = -softplus(logit): no logarithm of a rounded 0 at any logit.
    # With the label 1 - smoothing the cross-entropy is softplus(-logit) + smoothing * logit.
    on_real = jax.nn.softplus(-real_logits) + smoothing * real_logits
    return on_real.mean() + jax.nn.softplus(fake_logits).mean()


def generator_loss(fake_logits: ArrayLike, saturating: bool = False) -> jax.Array:
    """-mean log D(G(z)), or, saturating, mean log(1 - D(G(z))). Minimised over G.

    Both fall when D takes generated data for real. The saturating one is what the minimax game asks of G; its
    gradient vanishes where D is sure that the data is generated. The other was proposed in the same paper
    against that.

    Args:
      fake_logits: D's logits on generated data, shape (batch,).
      saturating: which of the two.

    Returns:
      The loss, in nats: above 0, or, saturating, below 0.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014, section 3.
    """
    (fake_logits,) = _logits(fake_logits=fake_logits)
    if saturating:
        return -jax.nn.softplus(fake_logits).mean()
    return jax.nn.softplus(-fake_logits).mean()


def least_squares_discriminator_loss(real_outputs: ArrayLike, fake_outputs: ArrayLike) -> jax.Array:
    """mean (D(x) - 1)^2 / 2 + mean D(G(z))^2 / 2: D's output, without a sigmoid, aims at the labels 1 and 0.

    Args:
      real_outputs, fake_outputs: D's outputs on real and on generated data, each (batch,).

    Returns:
      The loss, at least 0; 1/4 when D answers 1/2 to everything.

    References:
      Mao et al., Least Squares Generative Adversarial Networks, 2017 (labels 0 and 1).
    """
    real_outputs, fake_outputs = _logits(real_outputs=real_outputs, fake_outputs=fake_outputs)
    return 0.5 * ((real_outputs - 1) ** 2).mean() + 0.5 * (fake_outputs**2).mean()


def least_squares_generator_loss(fake_outputs: ArrayLike) -> jax.Array:
    """mean (D(G(z)) - 1)^2 / 2, minimised over G; the counterpart of `least_squares_discriminator_loss`."""
    (fake_outputs,) = _logits(fake_outputs=fake_outputs)
    return 0.5 * ((fake_outputs - 1) ** 2).mean()


def relativistic_discriminator_loss(real_logits: ArrayLike, fake_logits: ArrayLike) -> jax.Array:
    """-mean log sigmoid(D(x) - D(G(z))): real data is to look more real than the generated data beside it.

    Only differences count: to move all logits up or down together gains nothing.

    Args:
      real_logits, fake_logits: D's logits, each (batch,); row i of one is paired with row i of the other.

    Returns:
      The loss, in nats; log 2 when D sees no difference.

    References:
      Jolicoeur-Martineau, The relativistic discriminator, 2019.
      Huang et al., The GAN is dead; long live the GAN, 2024.
    """
    real_logits, fake_logits = as_one_shape(1, real_logits=real_logits, fake_logits=fake_logits)
    return jax.nn.softplus(fake_logits - real_logits).mean()


def relativistic_generator_loss(real_logits: ArrayLike, fake_logits: ArrayLike) -> jax.Array:
    """The same with the sides exchanged, minimised over G."""
    return relativistic_discriminator_loss(fake_logits, real_logits)


def critic_loss(real_scores: ArrayLike, fake_scores: ArrayLike) -> jax.Array:
    """mean f(G(z)) - mean f(x): minus the critic's estimate of the Wasserstein distance.

    Minimised over the critic f.

    It means something only while f is kept 1-Lipschitz, for instance by `gradient_penalty`.

    Args:
      real_scores, fake_scores: the critic's outputs on real and on generated data, each (batch,).

    Returns:
      The loss, in the units of the data; minus it estimates the distance, up to the constant of Lipschitz.

    References:
      Arjovsky, Chintala & Bottou, Wasserstein GAN, 2017, section 3.
    """
    real_scores, fake_scores = _logits(real_scores=real_scores, fake_scores=fake_scores)
    return fake_scores.mean() - real_scores.mean()


def critic_generator_loss(fake_scores: ArrayLike) -> jax.Array:
    """-mean f(G(z)), minimised over G; the counterpart of `critic_loss`."""
    (fake_scores,) = _logits(fake_scores=fake_scores)
    return -fake_scores.mean()


def r1_penalty(discriminator: Callable, real: ArrayLike, key: jax.Array | None = None) -> jax.Array:
    """mean |gradient of the logit at x|^2 / 2 over real data: D is to be flat where the data is.

    The half is in here, so a weight gamma gives the (gamma / 2) E|gradient|^2 of the paper.

    Args:
      discriminator: function of (x, key) giving logits (batch,), each from its own row of x.
      real: real data, (batch, x_dim).
      key: for dropout, or None.

    Returns:
      The penalty, at least 0.

    References:
      Mescheder, Geiger & Nowozin, Which Training Methods for GANs do actually Converge?, 2018, section 4.1.
    """
    return 0.5 * jnp.sum(_input_gradients(discriminator, real, key) ** 2, axis=1).mean()


def gradient_penalty(
    critic: Callable, real: ArrayLike, fake: ArrayLike, mix_key: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """mean (|gradient of the score| - 1)^2 at random points between real and generated data.

    Args:
      critic: function of (x, key) giving scores (batch,), each from its own row of x.
      real, fake: (batch, x_dim) each; row i of one is mixed with row i of the other.
      mix_key: for the uniform weights of the mixture.
      key: for dropout, or None.

    Returns:
      The penalty, at least 0. The paper weighs it with 10.

    References:
      Gulrajani et al., Improved Training of Wasserstein GANs, 2017, section 4.
    """
    real, fake = as_one_shape(real=real, fake=fake)
    weight = jax.random.uniform(mix_key, (len(real), 1), real.dtype)
    gradients = _input_gradients(critic, weight * real + (1 - weight) * fake, key)
    # the tiny number keeps the derivative of the root finite where the gradient is exactly 0
    return ((jnp.sqrt(jnp.sum(gradients**2, axis=1) + 1e-12) - 1) ** 2).mean()


def _input_gradients(discriminator, x, key):
    """Gradient of each row's output: rows do not mix, so the gradient of the sum holds them all."""
    return jax.grad(lambda points: discriminator(points, key).sum())(x)


class GanLoss(NamedTuple):
    """The two sides of a game. One with smoothed labels, for instance:

    `GAN_LOSSES["non-saturating"]._replace(discriminator=functools.partial(discriminator_loss,
    smoothing=0.1))`

    Attributes:
      discriminator: function of (real_logits, fake_logits) giving D's loss.
      generator: function of fake_logits giving G's loss.
      output: what D's logit means: the sigmoid where it is the log-odds of "real", the identity elsewhere.
      paired: True if G's loss, too, compares with real data: it is then a function of (real_logits,
        fake_logits).
    """

    discriminator: Callable
    generator: Callable
    output: Callable
    paired: bool = False


def _saturating_generator_loss(fake_logits: ArrayLike) -> jax.Array:
    return generator_loss(fake_logits, saturating=True)


GAN_LOSSES = {
    "non-saturating": GanLoss(discriminator_loss, generator_loss, jax.nn.sigmoid),
    "saturating": GanLoss(discriminator_loss, _saturating_generator_loss, jax.nn.sigmoid),
    "least squares": GanLoss(least_squares_discriminator_loss, least_squares_generator_loss, models.identity),
    "wasserstein": GanLoss(critic_loss, critic_generator_loss, models.identity),
    "relativistic": GanLoss(
        relativistic_discriminator_loss, relativistic_generator_loss, jax.nn.sigmoid, paired=True
    ),
}


def _logits(**arrays):
    """One number for each example, (batch,); the batches may differ in size."""
    return [as_one_shape(1, **{name: array})[0] for name, array in arrays.items()]
