"""Training runs as one compiled scan, called in a few equal chunks so that a bar moves and a run can be stopped.

Learning rates and weights are traced: a new value costs no recompilation. The batch of step i depends on the key and
on i alone, so a run gives the same bits however it is cut into chunks.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from vaegan_helpers import losses


class Diverged(FloatingPointError):
    """A loss became NaN or infinite.

    Attributes:
      step: the first bad step, counted from 0.
      models: the last good models (those after the chunk before).
      history: of every step up to those models.
    """

    def __init__(self, step, good_steps, models, history):
        super().__init__(
            f"the loss is not finite at step {step}. This error keeps what you had after step {good_steps}, the end of "
            "the last good chunk: its `.models` and `.history`. A lower learning rate is the usual remedy.")
        self.step, self.models, self.history = step, models, history


def fit_vae(model, data, key, *, steps, batch_size=128, learning_rate=1e-3, beta=1.0, held_out=None,
            loss=losses.vae_loss, chunks=10, progress=True):
    """Trains a VAE (or any model with a loss of the same signature) with Adam.

    Args:
      model: VAE; it is not changed.
      data: (n, x_dim). Every step draws its batch afresh, with replacement.
      key: for batches and noise.
      steps: gradient steps.
      batch_size: examples per step, at most n.
      learning_rate: Adam's, positive.
      beta: weight of the KL term, not negative.
      held_out: (m, x_dim) or None; the loss on it is recorded after every chunk.
      loss: function of (model, x, key, beta) giving (scalar, parts). Pass the same function object to avoid
        recompilation.
      chunks: the run is cut into at most so many equal pieces.
      progress: whether to show a bar.

    Returns:
      (model, history). The history is a dictionary of NumPy arrays: "loss" and each part of it, (steps,), in nats per
      example; with held-out data "held_out_step" (steps done) and "held_out_loss" and so on, one per chunk. When the
      kernel is interrupted, both come from the last finished chunk.

    Raises:
      ValueError: bad sizes, rates, data or key.
      Diverged: the loss became NaN or infinite.

    References:
      Kingma & Ba, Adam, 2015.
    """
    data, held_out = _check_data(model, "data", data), _check_data(model, "held_out", held_out)
    _check_run(data, key, steps, batch_size, chunks)
    require_positive(learning_rate=learning_rate)
    if not (np.isfinite(beta) and beta >= 0):
        raise ValueError(f"beta must be a number of at least 0; got {beta}")

    def advance(state, start, length):
        return vae_steps(state, data, held_out, key, start, float(learning_rate), float(beta),
                         loss=loss, length=length, batch_size=batch_size)

    (model, _), history = run_in_chunks(advance, (model, optax.adam(0.0).init(model)), steps, chunks, progress)
    return model, history


@functools.partial(jax.jit, static_argnames=("loss", "length", "batch_size"))
def vae_steps(state, data, held_out, key, start, learning_rate, beta, *, loss, length, batch_size):
    """`length` steps of Adam as one scan.

    Args:
      state: (model, Adam's state).
      data, held_out, key, batch_size, loss: as in `fit_vae`.
      start: the number of the first step.
      learning_rate, beta: traced.
      length: how many steps; static.

    Returns:
      (state, record): the record holds each part of the loss, (length,), and those on held-out data, scalars.
    """
    optimizer = optax.adam(learning_rate)
    steps_key, held_out_key = jax.random.split(key)

    def step(state, index):
        model, optimizer_state = state
        batch_key, noise_key = jax.random.split(jax.random.fold_in(steps_key, index))
        batch = data[jax.random.randint(batch_key, (batch_size,), 0, len(data))]
        (value, parts), gradients = jax.value_and_grad(loss, has_aux=True)(model, batch, noise_key, beta)
        updates, optimizer_state = optimizer.update(gradients, optimizer_state)
        return (optax.apply_updates(model, updates), optimizer_state), {"loss": value, **parts}

    state, record = jax.lax.scan(step, state, start + jnp.arange(length))
    if held_out is not None:
        value, parts = loss(state[0], held_out, held_out_key, beta)
        record |= {f"held_out_{name}": part for name, part in {"loss": value, **parts}.items()}
    return state, record


def run_in_chunks(advance, state, steps, chunks, progress):
    """Calls `advance(state, start, length) -> (state, record)` until `steps` are done.

    Args:
      advance: one compiled chunk of training.
      state: a tuple that begins with the model or models.
      steps: in all.
      chunks: at most so many calls, all of one length, so that one compilation serves all of them.
      progress: whether to show a bar.

    Returns:
      (state, history): records of the chunks joined; a scalar record becomes one entry per chunk.

    Raises:
      Diverged: an entry of the record named "...loss" is not finite.
    """
    chunks = max(count for count in range(1, chunks + 1) if steps % count == 0)
    length, records = steps // chunks, []
    bar = tqdm(total=steps, desc="training", disable=not progress, file=_Stdout(), mininterval=0, ncols=60,
               bar_format="{desc}: {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} steps")
    with bar:
        try:
            for start in range(0, steps, length):
                new_state, record = advance(state, start, length)
                record = jax.tree.map(np.asarray, record)  # waits until the chunk is done
                bad = [np.flatnonzero(~np.isfinite(np.atleast_1d(values)))
                       for name, values in record.items() if name.endswith("loss")]
                if any(len(steps_in_chunk) for steps_in_chunk in bad):
                    first = min(int(b[0]) for b in bad if len(b))
                    raise Diverged(start + first, start, state, _join(records, length))
                state = new_state
                records.append(record)
                bar.update(length)
        except KeyboardInterrupt:
            print(f"\nInterrupted: this is the model after step {len(records) * length} of {steps}.")
    return state, _join(records, length)


class _Stdout:
    """Looks sys.stdout up at each write, which a notebook replaces."""

    def write(self, text):
        print(text, end="")

    def flush(self):
        print(end="", flush=True)


def _join(records, length):
    if not records:
        return {}
    history = {name: np.concatenate([np.atleast_1d(record[name]) for record in records]) for name in records[0]}
    if "held_out_loss" in history:
        history["held_out_step"] = length * (1 + np.arange(len(records)))
    return history


def require_positive(**values):
    """Raises ValueError unless every value is a positive, finite number."""
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number; got {value}")


def _check_run(data, key, steps, batch_size, chunks):
    for name, value in {"steps": steps, "batch_size": batch_size, "chunks": chunks}.items():
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
    if batch_size > len(data):
        raise ValueError(f"batch_size is {batch_size}, but there are only {len(data)} examples")
    if not (isinstance(key, jax.Array) and jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ()):
        raise ValueError(f"key must be one key from jax.random.key(seed); got {type(key).__name__}")


def _check_data(model, name, data):
    if data is None:
        return None
    data = jnp.asarray(data, jnp.float32)
    if data.ndim != 2 or data.shape[1] != model.x_dim or not len(data):
        raise ValueError(f"{name} has shape {data.shape}; the model takes (n, {model.x_dim})")
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} holds values that are NaN or infinite")
    if model.output is jax.nn.sigmoid and not (0 <= low and high <= 1):
        raise ValueError(f"{name} lies in [{low:.3g}, {high:.3g}]; a model whose output is a sigmoid needs [0, 1]")
    return data
