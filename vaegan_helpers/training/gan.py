"""A GAN's training as one compiled scan: a generator and a discriminator move in turns.

Learning rates and weights are traced: a new value costs no recompilation. The rules of the game are static.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from vaegan_helpers import losses
from vaegan_helpers.inputs import (
    ArrayLike,
    require_at_least,
    require_choice,
    require_positive,
    require_share,
    require_whole,
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

PENALTIES = ("r1", "r1 and r2", "gradient penalty", None)

# name: function of (learning rate, momentum, Adam's eps_root) giving the optimiser
OPTIMIZERS = {
    "Adam": lambda rate, momentum, eps_root: optax.adam(rate, b1=momentum, eps_root=eps_root),
    "RMSprop": lambda rate, momentum, eps_root: optax.rmsprop(rate),
    "SGD": lambda rate, momentum, eps_root: optax.sgd(rate),
    "SGD with momentum": lambda rate, momentum, eps_root: optax.sgd(rate, momentum=momentum),
}


@dataclasses.dataclass(frozen=True)
class Game:
    """The rules of a GAN's game. They are static: each new combination is compiled once.

    Attributes:
      loss: one of the names in `losses.GAN_LOSSES`, or a `losses.GanLoss`, which it becomes. Pass the same
        object every time.
      penalty: "r1", "r1 and r2" (the same on generated data as well), "gradient penalty" or None; added to
        D's loss.
      batch_size: real examples, and as many generated ones, per move.
      discriminator_steps, generator_steps: moves of each player per round. 0 keeps that player as it is.
      unrolled_steps: G moves against the D that would stand there after so many more moves, and its gradient
        goes through these moves; D itself does not make them.
      optimizers: names in `OPTIMIZERS`, D's and G's.

    References:
      Metz et al., Unrolled Generative Adversarial Networks, 2017, section 2.
    """

    loss: str | losses.GanLoss = "non-saturating"
    penalty: str | None = "r1"
    batch_size: int = 64
    discriminator_steps: int = 1
    generator_steps: int = 1
    unrolled_steps: int = 0
    optimizers: tuple[str, str] = ("Adam", "Adam")

    def __post_init__(self):
        if not isinstance(self.loss, losses.GanLoss):
            require_choice(losses.GAN_LOSSES, loss=self.loss)
            object.__setattr__(self, "loss", losses.GAN_LOSSES[self.loss])
        require_choice(PENALTIES, penalty=self.penalty)
        require_whole(batch_size=self.batch_size)
        moves = {"discriminator_steps": self.discriminator_steps, "generator_steps": self.generator_steps}
        require_whole(0, unrolled_steps=self.unrolled_steps, **moves)
        if not any(moves.values()):
            raise ValueError(f"one player at least must move; got {moves}")
        for name in self.optimizers:
            require_choice(OPTIMIZERS, optimizer=name)


class GanState(NamedTuple):
    """Everything that a GAN's training changes.

    Attributes:
      generator, discriminator: the two players.
      averaged: the generator with the moving average of its weights.
      generator_optimizer, discriminator_optimizer: the states of their optimisers.
    """

    generator: Any
    discriminator: Any
    averaged: Any
    generator_optimizer: Any
    discriminator_optimizer: Any


class GanSettings(NamedTuple):
    """The traced settings of `gan_steps`, as `fit_gan` explains them; `steps` is the whole run's length."""

    discriminator_learning_rate: float = 1e-3
    generator_learning_rate: float = 1e-3
    penalty_weight: float = 2.0
    momentum: float = 0.5
    averaging: float = 0.0
    final_rate: float = 1.0
    steps: float = 1.0


def fit_gan(
    generator: Any,
    discriminator: Any,
    data: ArrayLike,
    key: jax.Array,
    *,
    steps: int,
    discriminator_learning_rate: float = 1e-3,
    generator_learning_rate: float = 1e-3,
    penalty_weight: float = 2.0,
    momentum: float = 0.5,
    averaging: float = 0.0,
    final_rate: float = 1.0,
    snapshots: int = 10,
    progress: bool = True,
    **rules: Any,
) -> tuple[Any, Any, History]:
    """Trains a generator and a discriminator against each other, in turns.

    Args:
      generator: takes noise (batch, z_dim) from a standard normal; it is not changed.
      discriminator: takes data (batch, x_dim) and a key for dropout; it is not changed.
      data: (n, x_dim). Every move draws its batch afresh, with replacement.
      key: for batches, noise and dropout.
      steps: rounds; in each first D moves, then G.
      discriminator_learning_rate, generator_learning_rate: positive.
      penalty_weight: weight of the penalty in D's loss, not negative. For R1 it is the paper's gamma.
      momentum: Adam's first decay rate, in [0, 1).
      averaging: decay of the moving average of G's weights, in [0, 1); 0 for none. See `loop.moving_average`.
      final_rate: the share of both learning rates that is left at the end of the run, in (0, 1]; they fall
        along half a cosine.
      snapshots: the run is cut into at most so many equal pieces, and G is kept at the start and after each.
      progress: whether to show a bar.
      rules: of the game, the attributes of `Game`: loss, penalty, batch_size (at most n),
        discriminator_steps, generator_steps, unrolled_steps, optimizers.

    Returns:
      (generator, discriminator, history). The generator has the averaged weights if there is averaging. The
      history is a dictionary with NumPy arrays (steps,): "discriminator_loss" without the penalty,
      "generator_loss", "penalty" without its weight, "real_output" and "fake_output" (D's mean output, with
      dropout: a probability, or for least squares and Wasserstein the plain number),
      "discriminator_gradient_norm" and "generator_gradient_norm". A player that makes several moves leaves
      its last; one that makes none leaves nothing. "snapshots" is G with an axis of length m in front of
      every weight, so `jax.vmap(lambda g: g(z))(history["snapshots"])` has shape (m, batch, x_dim), and
      "snapshot_step" (m,) counts the steps done. When the kernel is interrupted, all of it comes from the
      last finished piece.

    Raises:
      Diverged: a loss or a player became NaN or infinite; its `.models` is the last good GanState.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014, algorithm 1.
      Yazıcı et al., The Unusual Effectiveness of Averaging in GAN Training, 2019.
    """
    _check_players(generator, discriminator, data)
    data, game = as_data("data", data, generator.x_dim, generator.output), Game(**rules)
    check_run(data, key, game.batch_size, steps=steps, snapshots=snapshots)
    require_positive(
        discriminator_learning_rate=discriminator_learning_rate,
        generator_learning_rate=generator_learning_rate,
        final_rate=final_rate,
    )
    require_at_least(0, penalty_weight=penalty_weight)
    require_share(momentum=momentum, averaging=averaging)
    if final_rate > 1:
        raise ValueError(f"final_rate must be above 0 and at most 1; got {final_rate}")
    rates = (discriminator_learning_rate, generator_learning_rate)
    settings = GanSettings(*map(float, (*rates, penalty_weight, momentum, averaging, final_rate, steps)))

    def advance(state, start, length):
        return gan_steps(state, data, key, start, settings, game=game, length=length)

    state = gan_state(generator, discriminator, game.optimizers)
    state, history = run_in_chunks(
        advance, state, steps, snapshots, progress, snapshot=lambda state: state.averaged
    )
    return state.averaged, state.discriminator, history


def gan_state(generator: Any, discriminator: Any, optimizers: tuple[str, str] = ("Adam", "Adam")) -> GanState:
    """The state before the first step: no momentum yet, and an average that is the generator itself."""
    d_optimizer, g_optimizer = (OPTIMIZERS[name](0.0, 0.0, 0.0) for name in optimizers)
    return GanState(
        generator,
        discriminator,
        generator,
        g_optimizer.init(generator),
        d_optimizer.init(discriminator),
    )


@functools.partial(jax.jit, static_argnames=("game", "length"))
def gan_steps(state, data, key, start, settings, *, game, length):
    """`length` rounds of the game as one scan. With 0 moves for one player, only the other one moves.

    Args:
      state: GanState, made for the game's optimisers.
      data, key: as in `fit_gan`.
      start: the number of the first round.
      settings: GanSettings; traced.
      game: Game; static.
      length: how many rounds; static.

    Returns:
      (state, record): the record holds the entries of `fit_gan`'s history, (length,) each.
    """

    def play(state, index):
        rate = falling_rate(index, settings.steps, settings.final_rate)
        discriminator_keys, generator_keys = move_keys(
            key, index, game.discriminator_steps, game.generator_steps
        )
        record = {}
        for move_key in discriminator_keys:
            state, entries = _move_discriminator(state, data, move_key, settings, rate, game)
            record |= entries
        for move_key in generator_keys:
            state, entries = _move_generator(state, data, move_key, settings, rate, game)
            record = entries | record  # D's outputs come from D's move wherever there is one
        averaged = moving_average(state.averaged, state.generator, settings.averaging, index)
        return state._replace(averaged=averaged), record

    return jax.lax.scan(play, state, start + jnp.arange(length))


def move_keys(
    key: jax.Array, index: ArrayLike, discriminator_steps: int, generator_steps: int
) -> tuple[jax.Array, jax.Array]:
    """The keys of round `index`: one for each move of D, one for each move of G."""
    discriminator_key, generator_key = jax.random.split(jax.random.fold_in(key, index))
    return jax.random.split(discriminator_key, discriminator_steps), jax.random.split(
        generator_key, generator_steps
    )


def discriminator_batch(
    key: jax.Array, data: jax.Array, batch_size: int, z_dim: int
) -> tuple[jax.Array, jax.Array, list[jax.Array]]:
    """What D's move with this key draws: real data, noise, and the keys of dropout and of mixing."""
    batch_key, noise_key, *other_keys = jax.random.split(key, 5)
    real = draw_batch(batch_key, data, batch_size)
    return real, jax.random.normal(noise_key, (batch_size, z_dim), data.dtype), other_keys


def generator_batch(
    key: jax.Array, data: jax.Array, batch_size: int, z_dim: int
) -> tuple[jax.Array, jax.Array, tuple[jax.Array, ...]]:
    """What G's move draws: noise, real data for a paired loss, and the keys of dropout and unrolling."""
    noise_key, dropout_key = jax.random.split(key)
    batch_key, real_key, unroll_key = jax.random.split(jax.random.fold_in(key, 2), 3)
    real = draw_batch(batch_key, data, batch_size)
    noise = jax.random.normal(noise_key, (batch_size, z_dim), data.dtype)
    return noise, real, (dropout_key, real_key, unroll_key)


def _move_discriminator(state, data, key, settings, rate, game, eps_root=0.0):
    z_dim, loss = state.generator.z_dim, game.loss
    real, noise, (real_key, fake_key, mix_key) = discriminator_batch(key, data, game.batch_size, z_dim)
    fake = state.generator(noise)

    def objective(discriminator):
        real_logits, fake_logits = discriminator(real, real_key), discriminator(fake, fake_key)
        value = loss.discriminator(real_logits, fake_logits)
        parts = {
            "discriminator_loss": value,
            "real_output": loss.output(real_logits).mean(),
            "fake_output": loss.output(fake_logits).mean(),
        }
        if game.penalty is None:
            return value, parts
        # the same batch's dropout mask once more, so that the penalty is on the function that was just used
        if game.penalty == "gradient penalty":
            parts["penalty"] = losses.gradient_penalty(discriminator, real, fake, mix_key, real_key)
        else:
            parts["penalty"] = losses.r1_penalty(discriminator, real, real_key)
        if game.penalty == "r1 and r2":
            parts["penalty"] += losses.r1_penalty(discriminator, fake, fake_key)
        return value + settings.penalty_weight * parts["penalty"], parts

    gradients, parts = jax.grad(objective, has_aux=True)(state.discriminator)
    learning_rate = rate * settings.discriminator_learning_rate
    optimizer = OPTIMIZERS[game.optimizers[0]](learning_rate, settings.momentum, eps_root)
    discriminator, memory = optimizer_step(
        optimizer, state.discriminator, gradients, state.discriminator_optimizer
    )
    state = state._replace(discriminator=discriminator, discriminator_optimizer=memory)
    return state, parts | {"discriminator_gradient_norm": optax.tree.norm(gradients)}


def _move_generator(state, data, key, settings, rate, game):
    z_dim, loss = state.generator.z_dim, game.loss
    noise, real, keys = generator_batch(key, data, game.batch_size, z_dim)
    dropout_key, real_key, unroll_key = keys

    def unrolled(generator):
        def ahead_by_one(ahead, move_key):
            # eps_root keeps the derivative of Adam's root finite where a gradient is exactly 0
            return _move_discriminator(ahead, data, move_key, settings, rate, game, 1e-12)[0], None

        move_keys = jax.random.split(unroll_key, game.unrolled_steps)
        ahead, _ = jax.lax.scan(ahead_by_one, state._replace(generator=generator), move_keys)
        return ahead.discriminator

    def objective(generator):
        discriminator = unrolled(generator) if game.unrolled_steps else state.discriminator
        logits = discriminator(generator(noise), dropout_key)
        if loss.paired:
            value = loss.generator(discriminator(real, real_key), logits)
        else:
            value = loss.generator(logits)
        return value, {"generator_loss": value, "fake_output": loss.output(logits).mean()}

    gradients, parts = jax.grad(objective, has_aux=True)(state.generator)
    learning_rate = rate * settings.generator_learning_rate
    optimizer = OPTIMIZERS[game.optimizers[1]](learning_rate, settings.momentum, 0.0)
    generator, memory = optimizer_step(optimizer, state.generator, gradients, state.generator_optimizer)
    state = state._replace(generator=generator, generator_optimizer=memory)
    return state, parts | {"generator_gradient_norm": optax.tree.norm(gradients)}


def _check_players(generator, discriminator, data):
    made, taken, given = generator.x_dim, discriminator.x_dim, np.shape(data)
    if made != taken or given[1:] != (made,):
        raise ValueError(
            "generator, discriminator and data must have one width; "
            f"got (batch, {made}) made, (batch, {taken}) taken, and data of shape {given}"
        )
