"""Losses of the VAE/GAN: a VAE's decoder is the GAN's generator, and D's features compare the images.

References:
  Larsen, Sønderby, Larochelle & Winther, Autoencoding beyond pixels using a learned similarity metric, 2016.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vaegan_helpers.inputs import ArrayLike, as_one_shape, require_choice, require_positive
from vaegan_helpers.losses.gan import discriminator_loss, generator_loss
from vaegan_helpers.losses.vae import Parts, bernoulli_log_likelihood, kl_to_standard_normal, reparameterise

# What compares a reconstruction with its original: D's features, or the VAE's own likelihood of the pixels.
MEASURES = ("features", "pixels")


class VaeGanWeights(NamedTuple):
    """How much each term counts.

    Attributes:
      beta: of the KL term, for the encoder.
      gamma: of the reconstruction, for the decoder; the encoder always takes it fully.
      adversarial: of the GAN's loss, for the decoder.
      std: standard deviation that the Gaussian over D's features assumes: smaller asks for a closer match.
    """

    beta: float = 1.0
    gamma: float = 0.01
    adversarial: float = 1.0
    std: float = 0.5


def feature_error(
    discriminator: Any, x_hat: ArrayLike, x: ArrayLike, std: float, layer: int | None = None
) -> jax.Array:
    """|f(x) - f(x_hat)|^2 / (2 std^2) of each example, with f the features of a hidden layer of D.

    It is minus the log-likelihood of f(x) under N(f(x_hat), std^2 I), but for the constant. D's hidden units
    all work here: no dropout. It is no density of x: D's features differ from step to step, and forget part
    of x.

    Args:
      discriminator: has `features(x, layer=...)`.
      x_hat, x: (batch, x_dim), reconstructions and originals.
      std: one positive number, in units of the features.
      layer: which hidden layer, 1 for the first; the last one unless given.

    Returns:
      (batch,), in nats, at least 0.
    """
    x_hat, x = as_one_shape(x_hat=x_hat, x=x)
    if not isinstance(std, jax.core.Tracer):
        require_positive(std=std)
    apart = discriminator.features(x, layer=layer) - discriminator.features(x_hat, layer=layer)
    return jnp.sum(apart**2, axis=1) / (2 * std**2)


def vae_gan_loss(
    vae: Any,
    discriminator: Any,
    x: jax.Array,
    key: jax.Array,
    weights: VaeGanWeights = VaeGanWeights(),
    *,
    measure: str = "features",
    layer: int | None = None,
) -> tuple[jax.Array, Parts]:
    """What encoder and decoder minimise, in one sum of which each gets the gradient of its own loss alone.

        encoder: beta KL + reconstruction              decoder: gamma reconstruction + adversarial * (-mean
        log D(fake))

    The reconstruction stands in the sum twice, once with the decoder held still and once with the latents
    held still. The GAN's term sees latents held still, so no gradient of it reaches the encoder. Fake are,
    half and half, reconstructions and pictures decoded from the prior.

    Args:
      vae: models.VAE.
      discriminator: models.Discriminator; no gradient reaches it, or it would learn to see no difference.
      x: (batch, x_dim).
      key: for the latents of the reconstructions, those of the samples, and D's dropout.
      weights: VaeGanWeights.
      measure: "features", or "pixels" for the VAE's own Bernoulli likelihood instead of D's features.
      layer: which hidden layer of D measures; the last one unless given.

    Returns:
      (loss, parts): the sum, whose value means little, and a dictionary of the unweighted "kl",
      "reconstruction" (both in nats per example) and "adversarial_loss".

    References:
      Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016.
    """
    require_choice(MEASURES, measure=measure)
    still = jax.lax.stop_gradient
    discriminator = still(discriminator)
    latent_key, prior_key, dropout_key = jax.random.split(key, 3)

    def reconstruction(logits):
        if measure == "pixels":
            return -bernoulli_log_likelihood(logits, x).mean()
        return feature_error(discriminator, vae.output(logits), x, weights.std, layer).mean()

    mean, logvar = vae.encode(x)
    z = reparameterise(mean, logvar, latent_key)
    kl = kl_to_standard_normal(mean, logvar).mean()
    for_encoder = reconstruction(still(vae.decoder)(z))
    logits = vae.decoder(still(z))
    for_decoder = reconstruction(logits)
    sampled = vae.decode(jax.random.normal(prior_key, z.shape, z.dtype))
    fake = jnp.concatenate([vae.output(logits), sampled])
    adversarial = generator_loss(discriminator(fake, dropout_key))
    loss = weights.beta * kl + for_encoder + weights.gamma * for_decoder + weights.adversarial * adversarial
    return loss, {"kl": kl, "reconstruction": for_encoder, "adversarial_loss": adversarial}


def vae_gan_discriminator_loss(
    discriminator: Any, vae: Any, x: jax.Array, key: jax.Array
) -> tuple[jax.Array, Parts]:
    """D's loss of the plain game; half of the fakes are reconstructions, half are drawn from the prior.

    The paper adds up the two kinds of fakes. Their mean keeps 2 log 2 as the price of guessing.

    Args:
      discriminator: models.Discriminator.
      vae: models.VAE; no gradient reaches it.
      x: (batch, x_dim).
      key: for the latents and D's dropout.

    Returns:
      (loss, parts): in nats, and a dictionary of D's mean "real_output", "reconstructed_output" and
      "sampled_output".
    """
    latent_key, prior_key, real_key, fake_key = jax.random.split(key, 4)
    mean, logvar = vae.encode(x)
    z = reparameterise(mean, logvar, latent_key)
    latents = jnp.concatenate([z, jax.random.normal(prior_key, z.shape, z.dtype)])
    fake = jax.lax.stop_gradient(vae.decode(latents))
    real_logits, fake_logits = discriminator(x, real_key), discriminator(fake, fake_key)
    outputs = (real_logits, *jnp.split(fake_logits, 2))
    names = ("real_output", "reconstructed_output", "sampled_output")
    return discriminator_loss(real_logits, fake_logits), {
        name: jax.nn.sigmoid(logits).mean() for name, logits in zip(names, outputs, strict=True)
    }
