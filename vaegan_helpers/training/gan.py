"""A generator and a discriminator trained against each other, as one compiled scan."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from vaegan_helpers import losses
from vaegan_helpers.inputs import require_positive
from vaegan_helpers.training.loop import _check_data, check_run, run_in_chunks

# name: function of (learning rate, momentum, a tiny number under Adam's root) giving the optimiser
OPTIMIZERS = {
    "Adam": lambda rate, momentum, eps_root: optax.adam(rate, b1=momentum, eps_root=eps_root),
    "RMSprop": lambda rate, momentum, eps_root: optax.rmsprop(rate),
    "SGD": lambda rate, momentum, eps_root: optax.sgd(rate),
    "SGD with momentum": lambda rate, momentum, eps_root: optax.sgd(rate, momentum=momentum),
}


class GanState(NamedTuple):
    """Everything that a GAN's training changes.

    Attributes:
      generator, discriminator: the two players.
      averaged: the generator with the moving average of its weights.
      generator_adam, discriminator_adam: the states of their optimisers, Adam or not.
    """

    generator: Any
    discriminator: Any
    averaged: Any
    generator_adam: Any
    discriminator_adam: Any


class GanSettings(NamedTuple):
    """The traced settings of `gan_steps`, with the meanings they have in `fit_gan`; `steps` is the whole run's length."""

    discriminator_learning_rate: float = 1e-3
    generator_learning_rate: float = 1e-3
    penalty_weight: float = 2.0
    momentum: float = 0.5
    averaging: float = 0.0
    final_rate: float = 1.0
    steps: float = 1.0


def fit_gan(
    generator,
    discriminator,
    data,
    key,
    *,
    steps,
    batch_size=64,
    discriminator_learning_rate=1e-3,
    generator_learning_rate=1e-3,
    discriminator_steps=1,
    generator_steps=1,
    loss="non-saturating",
    penalty="r1",
    penalty_weight=2.0,
    momentum=0.5,
    averaging=0.0,
    final_rate=1.0,
    unrolled_steps=0,
    snapshots=10,
    progress=True,
):
    """Trains a generator and a discriminator against each other, in turns, each with Adam.

    Args:
      generator: takes noise (batch, z_dim) from a standard normal; it is not changed.
      discriminator: takes data (batch, x_dim) and a key for dropout; it is not changed.
      data: (n, x_dim). Every move draws its batch afresh, with replacement.
      key: for batches, noise and dropout.
      steps: rounds; in each first D moves, then G.
      batch_size: real examples, and as many generated ones, per move; at most n.
      discriminator_learning_rate, generator_learning_rate: Adam's, positive.
      discriminator_steps, generator_steps: moves of each player per round. 0 keeps that player as it is.
      loss: one of the names in `losses.GAN_LOSSES`, or a `losses.GanLoss`. Pass the same object every time.
      penalty: "r1", "r1 and r2" (the same on generated data as well), "gradient penalty" or None; added to D's loss.
      penalty_weight: its weight, not negative. For R1 it is the paper's gamma.
      momentum: Adam's first decay rate, in [0, 1).
      averaging: decay of the moving average of G's weights, in [0, 1); 0 for none. It is slower to forget as the run
        goes on: the decay is at most (1 + step) / (10 + step).
      final_rate: the share of both learning rates that is left at the end of the run, in (0, 1]; they fall along half a
        cosine.
      unrolled_steps: G moves against the D that would stand there after so many more moves, and its gradient goes
        through these moves; D itself does not make them.
      snapshots: the run is cut into at most so many equal pieces, and G is kept at the start and after each.
      progress: whether to show a bar.

    Returns:
      (generator, discriminator, history). The generator has the averaged weights if there is averaging. The history is
      a dictionary with NumPy arrays (steps,): "discriminator_loss" without the penalty, "generator_loss", "penalty"
      without its weight, "real_output" and "fake_output" (D's mean output, with dropout: a probability, or for least
      squares and Wasserstein the plain number), "discriminator_gradient_norm" and "generator_gradient_norm". A player
      that makes several moves leaves its last; one that makes none leaves nothing. "snapshots" is G with an axis of
      length m in front of every weight, so `jax.vmap(lambda g: g(z))(history["snapshots"])` has shape (m, batch,
      x_dim), and "snapshot_step" (m,) counts the steps done. When the kernel is interrupted, all of it comes from the
      last finished piece.

    Raises:
      ValueError: players and data that do not fit each other, an unknown name, bad sizes, rates, data or key.
      Diverged: a loss or a player became NaN or infinite; its `.models` is the last good GanState.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014, algorithm 1.
      Metz et al., Unrolled Generative Adversarial Networks, 2017, section 2.
      Yazıcı et al., The Unusual Effectiveness of Averaging in GAN Training, 2019.
    """
    _check_players(generator, discriminator, data)
    data = _check_data(generator, "data", data)
    check_run(data, key, batch_size, steps=steps, snapshots=snapshots)
    loss = _check_game(loss, penalty, discriminator_steps, generator_steps, unrolled_steps)
    require_positive(
        discriminator_learning_rate=discriminator_learning_rate,
        generator_learning_rate=generator_learning_rate,
        final_rate=final_rate,
    )
    for name, value, low, high in [
        ("penalty_weight", penalty_weight, 0, np.inf),
        ("momentum", momentum, 0, 1),
        ("averaging", averaging, 0, 1),
    ]:
        if not low <= value < high:
            raise ValueError(f"{name} must be at least {low} and below {high:g}; got {value}")
    if final_rate > 1:
        raise ValueError(f"final_rate must be above 0 and at most 1; got {final_rate}")
    settings = GanSettings(
        *map(
            float,
            (
                discriminator_learning_rate,
                generator_learning_rate,
                penalty_weight,
                momentum,
                averaging,
                final_rate,
                steps,
            ),
        )
    )
    taken = {}

    def advance(state, start, length):
        taken[start] = state.averaged
        return gan_steps(
            state,
            data,
            key,
            start,
            settings,
            loss=loss,
            penalty=penalty,
            length=length,
            batch_size=batch_size,
            discriminator_steps=discriminator_steps,
            generator_steps=generator_steps,
            unrolled_steps=unrolled_steps,
        )

    state, history = run_in_chunks(advance, gan_state(generator, discriminator), steps, snapshots, progress)
    done = max((len(values) for values in history.values()), default=0)
    taken[done] = state.averaged
    history["snapshots"] = jax.tree.map(lambda *weights: jnp.stack(weights), *taken.values())
    history["snapshot_step"] = np.array(list(taken))
    return state.averaged, state.discriminator, history


def gan_state(generator, discriminator, optimizers=("Adam", "Adam")):
    """The state before the first step: no momentum yet, and an average that is the generator itself."""
    d_optimizer, g_optimizer = (OPTIMIZERS[name](0.0, 0.0, 0.0) for name in optimizers)
    return GanState(
        generator, discriminator, generator, g_optimizer.init(generator), d_optimizer.init(discriminator)
    )


@functools.partial(
    jax.jit,
    static_argnames=(
        "loss",
        "penalty",
        "length",
        "batch_size",
        "discriminator_steps",
        "generator_steps",
        "unrolled_steps",
        "optimizers",
    ),
)
def gan_steps(
    state,
    data,
    key,
    start,
    settings,
    *,
    loss,
    penalty,
    length,
    batch_size,
    discriminator_steps=1,
    generator_steps=1,
    unrolled_steps=0,
    optimizers=("Adam", "Adam"),
):
    """`length` rounds of the game as one scan. With 0 moves for one player, only the other one moves.

    Args:
      state: GanState.
      data, key, penalty, batch_size, discriminator_steps, generator_steps, unrolled_steps: as in `fit_gan`.
      start: the number of the first round.
      settings: GanSettings; traced.
      loss: GanLoss.
      length: how many rounds; static.
      optimizers: names in `OPTIMIZERS`, D's and G's; the state must have been made for them.

    Returns:
      (state, record): the record holds the entries of `fit_gan`'s history, (length,) each.
    """

    def play(state, index):
        done = jnp.minimum(index / settings.steps, 1.0)
        rate = settings.final_rate + (1 - settings.final_rate) * 0.5 * (1 + jnp.cos(jnp.pi * done))
        discriminator_keys, generator_keys = move_keys(key, index, discriminator_steps, generator_steps)
        record = {}
        for move_key in discriminator_keys:
            state, entries = _move_discriminator(
                state, data, move_key, settings, rate, loss, penalty, batch_size, optimizers[0]
            )
            record |= entries
        for move_key in generator_keys:
            state, entries = _move_generator(
                state, data, move_key, settings, rate, loss, penalty, batch_size, unrolled_steps, optimizers
            )
            record = entries | record  # D's outputs come from D's move wherever there is one
        decay = jnp.minimum(settings.averaging, (1 + index) / (10 + index))
        averaged = jax.tree.map(
            lambda old, new: decay * old + (1 - decay) * new, state.averaged, state.generator
        )
        return state._replace(averaged=averaged), record

    return jax.lax.scan(play, state, start + jnp.arange(length))


def move_keys(key, index, discriminator_steps, generator_steps):
    """The keys of round `index`: one for each move of D, one for each move of G."""
    discriminator_key, generator_key = jax.random.split(jax.random.fold_in(key, index))
    return jax.random.split(discriminator_key, discriminator_steps), jax.random.split(
        generator_key, generator_steps
    )


def discriminator_batch(key, data, batch_size, z_dim):
    """What D's move with this key draws: real data, noise, and the keys of dropout and of mixing."""
    batch_key, noise_key, *other_keys = jax.random.split(key, 5)
    real = data[jax.random.randint(batch_key, (batch_size,), 0, len(data))]
    return real, jax.random.normal(noise_key, (batch_size, z_dim)), other_keys


def generator_batch(key, data, batch_size, z_dim):
    """What G's move with this key draws: noise, real data for a paired loss, and the keys of dropout and of unrolling."""
    noise_key, dropout_key = jax.random.split(key)
    batch_key, real_key, unroll_key = jax.random.split(jax.random.fold_in(key, 2), 3)
    real = data[jax.random.randint(batch_key, (batch_size,), 0, len(data))]
    return jax.random.normal(noise_key, (batch_size, z_dim)), real, (dropout_key, real_key, unroll_key)


def _move_discriminator(state, data, key, settings, rate, loss, penalty, batch_size, optimizer, eps_root=0.0):
    real, noise, (real_key, fake_key, mix_key) = discriminator_batch(
        key, data, batch_size, state.generator.z_dim
    )
    fake = state.generator(noise)

    def objective(discriminator):
        real_logits, fake_logits = discriminator(real, real_key), discriminator(fake, fake_key)
        value = loss.discriminator(real_logits, fake_logits)
        parts = {
            "discriminator_loss": value,
            "real_output": loss.output(real_logits).mean(),
            "fake_output": loss.output(fake_logits).mean(),
        }
        if penalty is None:
            return value, parts
        # the dropout mask of the same batch once more, so that the penalty is on the function that was just used
        if penalty == "gradient penalty":
            parts["penalty"] = losses.gradient_penalty(discriminator, real, fake, mix_key, real_key)
        else:
            parts["penalty"] = losses.r1_penalty(discriminator, real, real_key)
        if penalty == "r1 and r2":
            parts["penalty"] += losses.r1_penalty(discriminator, fake, fake_key)
        return value + settings.penalty_weight * parts["penalty"], parts

    gradients, parts = jax.grad(objective, has_aux=True)(state.discriminator)
    optimizer = OPTIMIZERS[optimizer](
        rate * settings.discriminator_learning_rate, settings.momentum, eps_root
    )
    updates, adam = optimizer.update(gradients, state.discriminator_adam)
    state = state._replace(
        discriminator=optax.apply_updates(state.discriminator, updates), discriminator_adam=adam
    )
    return state, parts | {"discriminator_gradient_norm": optax.tree.norm(gradients)}


def _move_generator(state, data, key, settings, rate, loss, penalty, batch_size, unrolled_steps, optimizers):
    noise, real, (dropout_key, real_key, unroll_key) = generator_batch(
        key, data, batch_size, state.generator.z_dim
    )

    def unrolled(generator):
        def move(ahead, move_key):
            # the tiny number under Adam's root keeps its derivative finite where a gradient is exactly 0
            return _move_discriminator(
                ahead, data, move_key, settings, rate, loss, penalty, batch_size, optimizers[0], 1e-12
            )[0], None

        ahead, _ = jax.lax.scan(
            move, state._replace(generator=generator), jax.random.split(unroll_key, unrolled_steps)
        )
        return ahead.discriminator

    def objective(generator):
        discriminator = unrolled(generator) if unrolled_steps else state.discriminator
        logits = discriminator(generator(noise), dropout_key)
        if loss.paired:
            value = loss.generator(discriminator(real, real_key), logits)
        else:
            value = loss.generator(logits)
        return value, {"generator_loss": value, "fake_output": loss.output(logits).mean()}

    gradients, parts = jax.grad(objective, has_aux=True)(state.generator)
    optimizer = OPTIMIZERS[optimizers[1]](rate * settings.generator_learning_rate, settings.momentum, 0.0)
    updates, adam = optimizer.update(gradients, state.generator_adam)
    state = state._replace(generator=optax.apply_updates(state.generator, updates), generator_adam=adam)
    return state, parts | {"generator_gradient_norm": optax.tree.norm(gradients)}


def _check_players(generator, discriminator, data):
    made, taken, given = generator.x_dim, discriminator.x_dim, jnp.shape(data)
    if made != taken or given[1:] != (made,):
        raise ValueError(
            f"the generator makes arrays of shape (batch, {made}), the discriminator takes (batch, {taken}), "
            f"and the data has shape {given}; the widths must agree"
        )


def _check_game(loss, penalty, discriminator_steps, generator_steps, unrolled_steps):
    if not isinstance(loss, losses.GanLoss) and not (isinstance(loss, str) and loss in losses.GAN_LOSSES):
        raise ValueError(f"loss must be one of {', '.join(losses.GAN_LOSSES)}; got {loss!r}")
    if penalty not in ("r1", "r1 and r2", "gradient penalty", None):
        raise ValueError(f"penalty must be one of r1, r1 and r2, gradient penalty, None; got {penalty!r}")
    if not isinstance(unrolled_steps, (int, np.integer)) or unrolled_steps < 0:
        raise ValueError(f"unrolled_steps must be a whole number of at least 0; got {unrolled_steps!r}")
    moves = {"discriminator_steps": discriminator_steps, "generator_steps": generator_steps}
    counts = [isinstance(value, (int, np.integer)) and value >= 0 for value in moves.values()]
    if not all(counts) or not any(moves.values()):
        raise ValueError(f"moves per round are whole numbers, and one player at least must move; got {moves}")
    return losses.GAN_LOSSES[loss] if isinstance(loss, str) else loss
