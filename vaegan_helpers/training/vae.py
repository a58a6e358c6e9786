"""A VAE's training as one compiled scan, called in a few equal chunks.

The learning rate, how it falls, beta and the averaging are traced: a new value costs no recompilation. The
batch of step i depends on the key and on i alone, so a run gives the same bits however it is cut into chunks.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from vaegan_helpers import losses
from vaegan_helpers.inputs import (
    ArrayLike,
    require_at_least,
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


def fit_vae(
    model: Any,
    data: ArrayLike,
    key: jax.Array,
    *,
    steps: int,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    beta: float = 1.0,
    held_out: ArrayLike | None = None,
    loss: Callable = losses.vae_loss,
    averaging: float = 0.0,
    final_rate: float = 1.0,
    chunks: int = 10,
    snapshots: int | None = None,
    progress: bool = True,
) -> tuple[Any, History]:
    """Trains a VAE (or any model with a loss of the same signature) with Adam.

    Args:
      model: VAE; it is not changed.
      data: (n, x_dim). Every step draws its batch afresh, with replacement.
      key: for batches and noise.
      steps: gradient steps. A number with many divisors, as 2,000, moves the bar in even pieces.
      batch_size: examples per step, at most n.
      learning_rate: Adam's, positive.
      beta: weight of the KL term, not negative.
      held_out: (m, x_dim) or None; the loss on it is recorded after every chunk.
      loss: function of (model, x, key, beta) giving (scalar, parts). Pass the same function object to avoid
        recompilation.
      averaging: decay of the moving average of the weights, in [0, 1); 0 for none. See `loop.moving_average`.
      final_rate: the share of the learning rate that is left at the end of the run, in (0, 1]; it falls along
        half a cosine.
      chunks: the run is cut into at most so many equal pieces.
      snapshots: None, or the run is cut into at most so many equal pieces instead, and the model is kept at
        the start and after each.
      progress: whether to show a bar.

    Returns:
      (model, history). With averaging the model has the averaged weights; so have the snapshots and the model
      that meets the held-out data. The history is a dictionary of NumPy arrays: "loss" and each part of it,
      (steps,), in nats per example; with held-out data "held_out_step" (steps done), "held_out_loss" and so
      on, one per chunk. With snapshots, "snapshots" is the model with an axis of length m in front of every
      weight, and "snapshot_step" (m,) counts the steps done. When the kernel is interrupted, all of it comes
      from the last finished chunk.

    Raises:
      Diverged: the loss became NaN or infinite.

    References:
      Kingma & Ba, Adam, 2015.
    """
    data = as_data("data", data, model.x_dim, model.output)
    if held_out is not None:
        held_out = as_data("held_out", held_out, model.x_dim, model.output)
    check_run(data, key, batch_size, steps=steps, chunks=chunks)
    require_positive(learning_rate=learning_rate, final_rate=final_rate)
    require_at_least(0, beta=beta)
    require_share(averaging=averaging)
    if final_rate > 1:
        raise ValueError(f"final_rate must be above 0 and at most 1; got {final_rate}")
    if snapshots is not None:
        require_whole(snapshots=snapshots)

    def advance(state, start, length):
        # a clone, since every chunk is meant to see the same key: jax_debug_key_reuse would object
        return vae_steps(
            state,
            data,
            held_out,
            jax.random.clone(key),
            start,
            float(learning_rate),
            float(beta),
            loss=loss,
            length=length,
            batch_size=batch_size,
            final_rate=float(final_rate),
            steps=float(steps),
            averaging=float(averaging),
        )

    state = (model, optax.adam(0.0).init(model), *([model] if averaging else []))
    state, history = run_in_chunks(
        advance,
        state,
        steps,
        snapshots or chunks,
        progress,
        snapshot=_result if snapshots else None,
    )
    return _result(state), history


def _result(state):
    """What a run gives: the moving average, where there is one."""
    return state[2] if len(state) == 3 else state[0]


@functools.partial(jax.jit, static_argnames=("loss", "length", "batch_size"))
def vae_steps(
    state: Any,
    data: Any,
    held_out: Any,
    key: jax.Array,
    start: Any,
    learning_rate: float,
    beta: float,
    *,
    loss: Any,
    length: Any,
    batch_size: int,
    final_rate: float = 1.0,
    steps: float = 1.0,
    averaging: float = 0.0,
) -> tuple[tuple, dict]:
    """`length` steps of Adam as one scan.

    Args:
      state: (model, Adam's state), or (model, Adam's state, moving average of the model).
      data, held_out, key, batch_size, loss: as in `fit_vae`.
      start: the number of the first step.
      learning_rate, beta: traced.
      length: how many steps; static.
      final_rate, averaging: as in `fit_vae`; traced. `steps` is the whole run's length.

    Returns:
      (state, record): the record holds each part of the loss, (length,), and those on held-out data, scalars.
    """
    steps_key, held_out_key = jax.random.split(key)

    def step(state, index):
        model, memory, *averaged = state
        optimizer = optax.adam(learning_rate * falling_rate(index, steps, final_rate))
        batch, noise_key = vae_batch(steps_key, index, data, batch_size)
        (value, parts), gradients = jax.value_and_grad(loss, has_aux=True)(model, batch, noise_key, beta)
        model, memory = optimizer_step(optimizer, model, gradients, memory)
        averaged = [moving_average(average, model, averaging, index) for average in averaged]
        return (model, memory, *averaged), {"loss": value, **parts}

    state, record = jax.lax.scan(step, state, start + jnp.arange(length))
    if held_out is not None:
        value, parts = loss(_result(state), held_out, held_out_key, beta)
        record |= {f"held_out_{name}": part for name, part in {"loss": value, **parts}.items()}
    return state, record


def vae_batch(
    steps_key: jax.Array, index: ArrayLike, data: jax.Array, batch_size: int
) -> tuple[jax.Array, jax.Array]:
    """What step `index` draws: its batch, and the key of the reparameterisation."""
    batch_key, noise_key = jax.random.split(jax.random.fold_in(steps_key, index))
    return draw_batch(batch_key, data, batch_size), noise_key
