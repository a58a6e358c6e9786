"""The VAE/GAN: a VAE's decoder that is a GAN's generator too, and whose pictures are compared by what D sees in them.

Three players share a step: the discriminator D moves first, then encoder and decoder together. Losses are minimised.

References:
  Larsen, Sønderby, Larochelle & Winther, Autoencoding beyond pixels using a learned similarity metric, 2016.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from vaegan_helpers import losses
from vaegan_helpers.inputs import require_positive, require_same_shape, require_unit_interval
from vaegan_helpers.runs import check_run, run_in_chunks


class Weights(NamedTuple):
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


def feature_error(discriminator, x_hat, x, std, layer=None):
    """|f(x) - f(x_hat)|^2 / (2 std^2) of each example, with f the features of a hidden layer of D.

    It is minus the log-likelihood of f(x) under N(f(x_hat), std^2 I), but for the constant. D's hidden units all work
    here: no dropout. It is no density of x: D's features differ from step to step, and forget part of x.

    Args:
      discriminator: has `features(x, layer=...)`.
      x_hat, x: (batch, x_dim), reconstructions and originals.
      std: one positive number, in units of the features.
      layer: which hidden layer, 1 for the first; the last one unless given.

    Returns:
      (batch,), in nats, at least 0.

    Raises:
      ValueError: the shapes differ, or std is not positive.
    """
    require_same_shape(x_hat=x_hat, x=x)
    if not isinstance(std, jax.core.Tracer):
        require_positive(std=std)
    apart = discriminator.features(x, layer=layer) - discriminator.features(x_hat, layer=layer)
    return jnp.sum(apart**2, axis=1) / (2 * std**2)


def vae_gan_loss(vae, discriminator, x, key, weights=Weights(), *, measure="features", layer=None):
    """What encoder and decoder minimise, in one sum, arranged so that each gets the gradient of its own loss alone.

        encoder: beta KL + reconstruction              decoder: gamma reconstruction + adversarial * (-mean log D(fake))

    The reconstruction stands in the sum twice, once with the decoder held still and once with the latents held still.
    The GAN's term sees latents held still, so no gradient of it reaches the encoder. Fake are, half and half,
    reconstructions and pictures decoded from the prior.

    Args:
      vae: models.VAE.
      discriminator: models.Discriminator; no gradient reaches it, or it would learn to see no difference.
      x: (batch, x_dim).
      key: for the latents of the reconstructions, those of the samples, and D's dropout.
      weights: Weights.
      measure: "features", or "pixels" for the VAE's own Bernoulli likelihood instead of D's features.
      layer: which hidden layer of D measures; the last one unless given.

    Returns:
      (loss, parts): the sum, whose value means little, and a dictionary of the unweighted "kl", "reconstruction" (both
      in nats per example) and "adversarial_loss".

    Raises:
      ValueError: shapes that do not fit, or an unknown measure.

    References:
      Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016.
    """
    if measure not in ("features", "pixels"):
        raise ValueError(f"measure must be 'features' or 'pixels'; got {measure!r}")
    still = jax.lax.stop_gradient
    discriminator = still(discriminator)
    latent_key, prior_key, dropout_key = jax.random.split(key, 3)

    def reconstruction(logits):
        if measure == "pixels":
            return -losses.bernoulli_log_likelihood(logits, x).mean()
        return feature_error(discriminator, vae.output(logits), x, weights.std, layer).mean()

    mean, logvar = vae.encode(x)
    z = losses.reparameterise(mean, logvar, latent_key)
    kl = losses.kl_to_standard_normal(mean, logvar).mean()
    for_encoder = reconstruction(still(vae.decoder)(z))
    logits = vae.decoder(still(z))
    for_decoder = reconstruction(logits)
    sampled = vae.decode(jax.random.normal(prior_key, z.shape))
    fake = jnp.concatenate([vae.output(logits), sampled])
    adversarial = losses.generator_loss(discriminator(fake, dropout_key))
    loss = weights.beta * kl + for_encoder + weights.gamma * for_decoder + weights.adversarial * adversarial
    return loss, {"kl": kl, "reconstruction": for_encoder, "adversarial_loss": adversarial}


def vae_gan_discriminator_loss(discriminator, vae, x, key):
    """D's loss of the plain game; half of the fake pictures are reconstructions, half are decoded from the prior.

    The paper adds up the two kinds of fakes. Their mean keeps 2 log 2 as the price of guessing.

    Args:
      discriminator: models.Discriminator.
      vae: models.VAE; no gradient reaches it.
      x: (batch, x_dim).
      key: for the latents and D's dropout.

    Returns:
      (loss, parts): in nats, and a dictionary of D's mean "real_output", "reconstructed_output" and "sampled_output".
    """
    latent_key, prior_key, real_key, fake_key = jax.random.split(key, 4)
    z = losses.reparameterise(*vae.encode(x), latent_key)
    latents = jnp.concatenate([z, jax.random.normal(prior_key, z.shape)])
    fake = jax.lax.stop_gradient(vae.decode(latents))
    real_logits, fake_logits = discriminator(x, real_key), discriminator(fake, fake_key)
    outputs = (real_logits, *jnp.split(fake_logits, 2))
    names = ("real_output", "reconstructed_output", "sampled_output")
    return losses.discriminator_loss(real_logits, fake_logits), {
        name: jax.nn.sigmoid(logits).mean() for name, logits in zip(names, outputs)}


class HybridState(NamedTuple):
    """Everything that training changes; `averaged` is the VAE with the moving average of its weights."""

    vae: Any
    discriminator: Any
    averaged: Any
    vae_adam: Any
    discriminator_adam: Any


class Rates(NamedTuple):
    """The traced settings of a run, as in `fit_vae_gan`; `steps` is the whole run's length."""

    learning_rate: float
    penalty_weight: float
    momentum: float
    averaging: float
    final_rate: float
    steps: float


def fit_vae_gan(vae, discriminator, data, key, *, steps, batch_size=64, learning_rate=1e-3, weights=Weights(),
                measure="features", layer=None, penalty_weight=5.0, momentum=0.5, averaging=0.998, final_rate=0.05,
                chunks=10, progress=True):
    """Trains a VAE and a discriminator together, each with Adam.

    Args:
      vae: models.VAE; it is not changed.
      discriminator: models.Discriminator of the same x_dim; it is not changed.
      data: (n, x_dim). Every move draws its batch afresh, with replacement.
      key: for batches, latents and dropout.
      steps: rounds; in each first D moves, then encoder and decoder together.
      batch_size: real examples per move; D sees as many fakes of each kind.
      learning_rate: Adam's, positive, for all three players.
      weights: Weights, each of them 0 or more and std positive.
      measure, layer: as in `vae_gan_loss`.
      penalty_weight: of the R1 penalty on D, the paper's gamma there; 0 for none.
      momentum: Adam's first decay rate, in [0, 1).
      averaging: decay of the moving average of the VAE's weights, in [0, 1); as in `training.fit_gan`.
      final_rate: the share of the learning rate left at the end, in (0, 1]; it falls along half a cosine.
      chunks, progress: as in `training.fit_vae`.

    Returns:
      (vae, discriminator, history): the VAE with the averaged weights, the last discriminator, and a dictionary of
      NumPy arrays (steps,): "discriminator_loss" without the penalty, "penalty" without its weight, and the parts that
      the two losses name.

    Raises:
      ValueError: players and data that do not fit, an unknown measure or layer, bad sizes, rates, data or key.
      Diverged: a loss or a player became NaN or infinite.
    """
    data = _check(vae, discriminator, data, weights, measure, layer)
    check_run(data, key, batch_size, steps=steps, chunks=chunks)
    require_positive(learning_rate=learning_rate, final_rate=final_rate)
    limits = {"penalty_weight": (penalty_weight, np.inf), "momentum": (momentum, 1), "averaging": (averaging, 1)}
    for name, (value, high) in limits.items():
        if not 0 <= value < high:
            raise ValueError(f"{name} must be at least 0 and below {high:g}; got {value}")
    if final_rate > 1:
        raise ValueError(f"final_rate must be above 0 and at most 1; got {final_rate}")
    weights = Weights(*map(float, weights))
    rates = Rates(*map(float, (learning_rate, penalty_weight, momentum, averaging, final_rate, steps)))

    def advance(state, start, length):
        return hybrid_steps(state, data, jax.random.clone(key), start, weights, rates, measure=measure, layer=layer,
                            length=length, batch_size=batch_size)

    adam = optax.adam(0.0)
    state = HybridState(vae, discriminator, vae, adam.init(vae), adam.init(discriminator))
    state, history = run_in_chunks(advance, state, steps, chunks, progress)
    return state.averaged, state.discriminator, history


@functools.partial(jax.jit, static_argnames=("measure", "layer", "length", "batch_size"))
def hybrid_steps(state, data, key, start, weights, rates, *, measure, layer, length, batch_size):
    """`length` rounds as one scan; returns (state, record). Arguments as in `fit_vae_gan`, `start` counts from 0."""
    def step(state, index):
        done = jnp.minimum(index / rates.steps, 1.0)
        rate = rates.final_rate + (1 - rates.final_rate) * 0.5 * (1 + jnp.cos(jnp.pi * done))
        optimizer = optax.adam(rate * rates.learning_rate, b1=rates.momentum)
        keys = jax.random.split(jax.random.fold_in(key, index), 4)
        x, x_again = (data[jax.random.randint(batch_key, (batch_size,), 0, len(data))] for batch_key in keys[:2])

        def discriminator_objective(discriminator):
            game_key, penalty_key = jax.random.split(keys[2])
            value, parts = vae_gan_discriminator_loss(discriminator, state.vae, x, game_key)
            penalty = losses.r1_penalty(discriminator, x, penalty_key)
            return value + rates.penalty_weight * penalty, parts | {"discriminator_loss": value, "penalty": penalty}

        gradients, record = jax.grad(discriminator_objective, has_aux=True)(state.discriminator)
        updates, discriminator_adam = optimizer.update(gradients, state.discriminator_adam)
        discriminator = optax.apply_updates(state.discriminator, updates)

        gradients, parts = jax.grad(vae_gan_loss, has_aux=True)(state.vae, discriminator, x_again, keys[3], weights,
                                                                measure=measure, layer=layer)
        updates, vae_adam = optimizer.update(gradients, state.vae_adam)
        vae = optax.apply_updates(state.vae, updates)
        decay = jnp.minimum(rates.averaging, (1 + index) / (10 + index))
        averaged = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.averaged, vae)
        return HybridState(vae, discriminator, averaged, vae_adam, discriminator_adam), record | parts

    return jax.lax.scan(step, state, start + jnp.arange(length))


def _check(vae, discriminator, data, weights, measure, layer):
    data = jnp.asarray(data, jnp.float32)
    if data.ndim != 2 or not len(data) or not data.shape[1] == vae.x_dim == discriminator.x_dim:
        raise ValueError(f"data has shape {data.shape}, the VAE takes (n, {vae.x_dim}) and the discriminator "
                         f"(n, {discriminator.x_dim}); the widths must agree")
    if not bool(jnp.isfinite(data).all()):
        raise ValueError("data holds values that are NaN or infinite")
    if vae.output is jax.nn.sigmoid or measure == "pixels":
        require_unit_interval(data)
    require_positive(std=weights.std)
    for name, value in weights._asdict().items():
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a number of at least 0; got {value}")
    if measure not in ("features", "pixels"):
        raise ValueError(f"measure must be 'features' or 'pixels'; got {measure!r}")
    discriminator.features(data[:discriminator.packing], layer=layer)      # says which layers there are
    return data
