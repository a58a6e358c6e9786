"""The VAE/GAN's training: three players share a step. The discriminator moves first, then encoder and decoder together.

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
from vaegan_helpers.inputs import require_positive, require_unit_interval
from vaegan_helpers.training.loop import check_run, run_in_chunks


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


def fit_vae_gan(
    vae,
    discriminator,
    data,
    key,
    *,
    steps,
    batch_size=64,
    learning_rate=1e-3,
    weights=losses.Weights(),
    measure="features",
    layer=None,
    penalty_weight=5.0,
    momentum=0.5,
    averaging=0.998,
    final_rate=0.05,
    chunks=10,
    progress=True,
):
    """Trains a VAE and a discriminator together, each with Adam.

    Args:
      vae: models.VAE; it is not changed.
      discriminator: models.Discriminator of the same x_dim; it is not changed.
      data: (n, x_dim). Every move draws its batch afresh, with replacement.
      key: for batches, latents and dropout.
      steps: rounds; in each first D moves, then encoder and decoder together.
      batch_size: real examples per move; D sees as many fakes of each kind.
      learning_rate: Adam's, positive, for all three players.
      weights: losses.Weights, each of them 0 or more and std positive.
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
    limits = {
        "penalty_weight": (penalty_weight, np.inf),
        "momentum": (momentum, 1),
        "averaging": (averaging, 1),
    }
    for name, (value, high) in limits.items():
        if not 0 <= value < high:
            raise ValueError(f"{name} must be at least 0 and below {high:g}; got {value}")
    if final_rate > 1:
        raise ValueError(f"final_rate must be above 0 and at most 1; got {final_rate}")
    weights = losses.Weights(*map(float, weights))
    rates = Rates(*map(float, (learning_rate, penalty_weight, momentum, averaging, final_rate, steps)))

    def advance(state, start, length):
        return hybrid_steps(
            state,
            data,
            jax.random.clone(key),
            start,
            weights,
            rates,
            measure=measure,
            layer=layer,
            length=length,
            batch_size=batch_size,
        )

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
        x, x_again = (
            data[jax.random.randint(batch_key, (batch_size,), 0, len(data))] for batch_key in keys[:2]
        )

        def discriminator_objective(discriminator):
            game_key, penalty_key = jax.random.split(keys[2])
            value, parts = losses.vae_gan_discriminator_loss(discriminator, state.vae, x, game_key)
            penalty = losses.r1_penalty(discriminator, x, penalty_key)
            return value + rates.penalty_weight * penalty, parts | {
                "discriminator_loss": value,
                "penalty": penalty,
            }

        gradients, record = jax.grad(discriminator_objective, has_aux=True)(state.discriminator)
        updates, discriminator_adam = optimizer.update(gradients, state.discriminator_adam)
        discriminator = optax.apply_updates(state.discriminator, updates)

        gradients, parts = jax.grad(losses.vae_gan_loss, has_aux=True)(
            state.vae, discriminator, x_again, keys[3], weights, measure=measure, layer=layer
        )
        updates, vae_adam = optimizer.update(gradients, state.vae_adam)
        vae = optax.apply_updates(state.vae, updates)
        decay = jnp.minimum(rates.averaging, (1 + index) / (10 + index))
        averaged = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.averaged, vae)
        return HybridState(vae, discriminator, averaged, vae_adam, discriminator_adam), record | parts

    return jax.lax.scan(step, state, start + jnp.arange(length))


def _check(vae, discriminator, data, weights, measure, layer):
    data = jnp.asarray(data, jnp.float32)
    if data.ndim != 2 or not len(data) or not data.shape[1] == vae.x_dim == discriminator.x_dim:
        raise ValueError(
            f"data has shape {data.shape}, the VAE takes (n, {vae.x_dim}) and the discriminator "
            f"(n, {discriminator.x_dim}); the widths must agree"
        )
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
    discriminator.features(data[: discriminator.packing], layer=layer)  # says which layers there are
    return data
