"""The VAE/GAN's training as one compiled scan.

The discriminator moves first, then encoder and decoder together.

References:
  Larsen, Sønderby, Larochelle & Winther, Autoencoding beyond pixels using a learned similarity metric, 2016.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from vaegan_helpers import losses
from vaegan_helpers.inputs import (
    ArrayLike,
    require_at_least,
    require_choice,
    require_positive,
    require_share,
    require_unit_interval,
)
from vaegan_helpers.training.loop import (
    History,
    as_data,
    check_run,
    draw_batch,
    falling_rate,
    moving_average,
    optimizer_step,
    run_in_chunks,
)


class VaeGanState(NamedTuple):
    """Everything that training changes; `averaged` is the VAE with the moving average of its weights."""

    vae: Any
    discriminator: Any
    averaged: Any
    vae_optimizer: Any
    discriminator_optimizer: Any


class VaeGanSettings(NamedTuple):
    """The traced settings of a run, as `fit_vae_gan` explains them; `steps` is the whole run's length."""

    weights: losses.VaeGanWeights
    learning_rate: float
    penalty_weight: float
    momentum: float
    averaging: float
    final_rate: float
    steps: float


def fit_vae_gan(
    vae: Any,
    discriminator: Any,
    data: ArrayLike,
    key: jax.Array,
    *,
    steps: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weights: losses.VaeGanWeights = losses.VaeGanWeights(),
    measure: str = "features",
    layer: int | None = None,
    penalty_weight: float = 5.0,
    momentum: float = 0.5,
    averaging: float = 0.998,
    final_rate: float = 0.05,
    chunks: int = 10,
    progress: bool = True,
) -> tuple[Any, Any, History]:
    """Trains a VAE and a discriminator together, each with Adam.

    Args:
      vae: models.VAE; it is not changed.
      discriminator: models.Discriminator of the same x_dim; it is not changed.
      data: (n, x_dim). Every move draws its batch afresh, with replacement.
      key: for batches, latents and dropout.
      steps: rounds; in each first D moves, then encoder and decoder together.
      batch_size: real examples per move; D sees as many fakes of each kind.
      learning_rate: Adam's, positive, for all three players.
      weights: losses.VaeGanWeights, each of them 0 or more and std positive.
      measure, layer: as in `vae_gan_loss`.
      penalty_weight: of the R1 penalty on D, the paper's gamma there; 0 for none.
      momentum: Adam's first decay rate, in [0, 1).
      averaging: decay of the moving average of the VAE's weights, in [0, 1); as in `training.fit_gan`.
      final_rate: the share of the learning rate left at the end, in (0, 1]; it falls along half a cosine.
      chunks, progress: as in `training.fit_vae`.

    Returns:
      (vae, discriminator, history): the VAE with the averaged weights, the last discriminator, and a
      dictionary of NumPy arrays (steps,): "discriminator_loss" without the penalty, "penalty" without its
      weight, and the parts that the two losses name.

    Raises:
      Diverged: a loss or a player became NaN or infinite.
    """
    if vae.x_dim != discriminator.x_dim:
        raise ValueError(
            "VAE and discriminator must have one width; "
            f"got a VAE of (n, {vae.x_dim}) and a discriminator of (n, {discriminator.x_dim})"
        )
    data = as_data("data", data, vae.x_dim, vae.output)
    require_choice(losses.MEASURES, measure=measure)
    if measure == "pixels":
        require_unit_interval(data=data)
    discriminator.features(data[: discriminator.packing], layer=layer)  # says which layers there are
    check_run(data, key, batch_size, steps=steps, chunks=chunks)
    require_positive(learning_rate=learning_rate, final_rate=final_rate, std=weights.std)
    require_at_least(0, penalty_weight=penalty_weight, **weights._asdict())
    require_share(momentum=momentum, averaging=averaging)
    if final_rate > 1:
        raise ValueError(f"final_rate must be above 0 and at most 1; got {final_rate}")
    rates = (learning_rate, penalty_weight, momentum, averaging, final_rate, steps)
    settings = VaeGanSettings(losses.VaeGanWeights(*map(float, weights)), *map(float, rates))

    def advance(state, start, length):
        return vae_gan_steps(
            state,
            data,
            jax.random.clone(key),
            start,
            settings,
            measure=measure,
            layer=layer,
            length=length,
            batch_size=batch_size,
        )

    adam = optax.adam(0.0)
    state = VaeGanState(vae, discriminator, vae, adam.init(vae), adam.init(discriminator))
    state, history = run_in_chunks(advance, state, steps, chunks, progress)
    return state.averaged, state.discriminator, history


@functools.partial(jax.jit, static_argnames=("measure", "layer", "length", "batch_size"))
def vae_gan_steps(
    state: Any,
    data: Any,
    key: jax.Array,
    start: Any,
    settings: Any,
    *,
    measure: Any,
    layer: Any,
    length: Any,
    batch_size: int,
) -> tuple[VaeGanState, dict]:
    """`length` rounds as one scan; returns (state, record).

    Arguments as in `fit_vae_gan`; `start` counts from 0, and `settings` are traced.
    """

    def step(state, index):
        learning_rate = falling_rate(index, settings.steps, settings.final_rate) * settings.learning_rate
        optimizer = optax.adam(learning_rate, b1=settings.momentum)
        keys = jax.random.split(jax.random.fold_in(key, index), 4)
        x, x_again = (draw_batch(batch_key, data, batch_size) for batch_key in keys[:2])

        def discriminator_objective(discriminator):
            game_key, penalty_key = jax.random.split(keys[2])
            value, parts = losses.vae_gan_discriminator_loss(discriminator, state.vae, x, game_key)
            penalty = losses.r1_penalty(discriminator, x, penalty_key)
            parts |= {"discriminator_loss": value, "penalty": penalty}
            return value + settings.penalty_weight * penalty, parts

        gradients, record = jax.grad(discriminator_objective, has_aux=True)(state.discriminator)
        discriminator, discriminator_optimizer = optimizer_step(
            optimizer, state.discriminator, gradients, state.discriminator_optimizer
        )

        gradients, parts = jax.grad(losses.vae_gan_loss, has_aux=True)(
            state.vae, discriminator, x_again, keys[3], settings.weights, measure=measure, layer=layer
        )
        vae, vae_optimizer = optimizer_step(optimizer, state.vae, gradients, state.vae_optimizer)
        averaged = moving_average(state.averaged, vae, settings.averaging, index)
        state = VaeGanState(vae, discriminator, averaged, vae_optimizer, discriminator_optimizer)
        return state, record | parts

    return jax.lax.scan(step, state, start + jnp.arange(length))
