"""The frame of every training run: a few equal chunks of compiled steps.

So a bar moves and a run can be stopped. Here stands too what the runs share: checks of data, falling rates,
moving averages.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from vaegan_helpers.inputs import as_array, as_pixels, require_key, require_whole

History = dict[str, Any]


class Diverged(FloatingPointError):
    """A loss or a model became NaN or infinite.

    Attributes:
      step: the first bad step, counted from 0.
      models: the last good models (those after the chunk before).
      history: of every step up to those models.
    """

    def __init__(self, step: int, good_steps: int, models: Any, history: History):
        super().__init__(
            f"the loss or the model is not finite at step {step}. This error keeps what you had after step "
            f"{good_steps}, the end of the last good chunk: its `.models` and `.history`. A lower learning "
            "rate is the usual remedy."
        )
        self.step, self.models, self.history = step, models, history


def run_in_chunks(
    advance: Callable,
    state: Any,
    steps: int,
    chunks: int,
    progress: bool,
    snapshot: Callable | None = None,
) -> tuple[Any, History]:
    """Calls `advance(state, start, length) -> (state, record)` until `steps` are done.

    Args:
      advance: one compiled chunk of training.
      state: a tuple that begins with the model or models.
      steps: in all.
      chunks: at most so many calls, all of one length, so that one compilation serves all of them.
      progress: whether to show a bar.
      snapshot: None, or a function that takes from a state the model to keep.

    Returns:
      (state, history): records of the chunks joined; a scalar record becomes one entry per chunk. With
      snapshots "snapshots" is what was kept at the start and after each chunk, as one tree whose leaves have
      an axis of length m in front, and "snapshot_step" (m,) counts the steps done.

    Raises:
      Diverged: an entry of the record named "...loss", or the new state, is not finite.
    """
    chunks = max(count for count in range(1, chunks + 1) if steps % count == 0)
    length = steps // chunks
    records: list[dict] = []
    kept = [] if snapshot is None else [snapshot(state)]
    bar = tqdm(
        total=steps,
        desc="training",
        disable=not progress,
        file=_Stdout(),
        mininterval=0,
        ncols=60,
        bar_format="{desc}: {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} steps",
    )
    with bar:
        try:
            for start in range(0, steps, length):
                new_state, record = advance(state, start, length)
                record = jax.tree.map(np.asarray, record)  # waits until the chunk is done
                bad = _first_bad_step(new_state, record, length)
                if bad is not None:
                    raise Diverged(start + bad, start, state, _join(records, length))
                state = new_state
                records.append(record)
                if snapshot is not None:
                    kept.append(snapshot(state))
                bar.update(length)
        except KeyboardInterrupt:
            print(f"\nInterrupted: this is the model after step {len(records) * length} of {steps}.")
    history = _join(records, length)
    if kept:
        history["snapshots"] = jax.tree.map(lambda *weights: jnp.stack(weights), *kept)
        history["snapshot_step"] = length * np.arange(len(kept))
    return state, history


def _first_bad_step(state, record, length):
    """The first step of a chunk whose loss or model is not finite; None when all of them are good."""
    for_each_step = [values for name, values in record.items() if name.endswith("loss") and np.ndim(values)]
    bad_steps = np.flatnonzero(~np.isfinite(for_each_step).all(axis=0))
    if len(bad_steps):
        return int(bad_steps[0])
    # a bad last update shows in no loss of this chunk, only in the model and in what was measured after it
    after = jax.tree.leaves(state) + [values for name, values in record.items() if name.endswith("loss")]
    finite = all(np.isfinite(leaf).all() for leaf in after if jnp.issubdtype(leaf.dtype, jnp.floating))
    return None if finite else length - 1


class _Stdout:
    """Looks sys.stdout up at each write, which a notebook replaces."""

    def write(self, text):
        print(text, end="")

    def flush(self):
        print(end="", flush=True)


def _join(records, length):
    if not records:
        return {}
    history = {
        name: np.concatenate([np.atleast_1d(record[name]) for record in records]) for name in records[0]
    }
    if "held_out_loss" in history:
        history["held_out_step"] = length * (1 + np.arange(len(records)))
    return history


def draw_batch(key: jax.Array, data: jax.Array, batch_size: int) -> jax.Array:
    """Rows of the data drawn with replacement: (batch_size, x_dim).

    The type of the numbers drawn is named here, as wherever the package draws: JAX's 64-bit switch changes
    the usual type, and with it what is drawn.
    """
    return data[jax.random.randint(key, (batch_size,), 0, len(data), jnp.int32)]


def optimizer_step(
    optimizer: optax.GradientTransformation, model: Any, gradients: Any, memory: Any
) -> tuple[Any, Any]:
    """One move of an optimiser: the model after it, and what the optimiser remembers."""
    with jax.numpy_dtype_promotion("standard"):  # Optax mixes whole numbers and floats
        updates, memory = optimizer.update(gradients, memory)
        return optax.apply_updates(model, updates), memory


def falling_rate(step: jax.Array, steps: float, final_rate: float) -> jax.Array:
    """The share of the learning rate that is left at a step: half a cosine from 1 down to `final_rate`."""
    done = jnp.minimum(step.astype(jnp.float32) / steps, 1.0)
    return final_rate + (1 - final_rate) * 0.5 * (1 + jnp.cos(jnp.pi * done))


def moving_average(average: Any, new: Any, decay: float, step: jax.Array) -> Any:
    """The exponential moving average of a model's weights after one more step.

    It is slower to forget as the run goes on: the decay is at most (1 + step) / (10 + step).
    """
    step = step.astype(jnp.float32)
    kept = jnp.minimum(decay, (1 + step) / (10 + step))
    return jax.tree.map(lambda old, now: (kept * old + (1 - kept) * now).astype(old.dtype), average, new)


def check_run(data: Any, key: jax.Array, batch_size: int, **counts: int) -> None:
    """The key is a key, the batch fits the data, and every count is a positive whole number."""
    require_whole(batch_size=batch_size, **counts)
    if batch_size > len(data):
        raise ValueError(f"batch_size must be at most the {len(data)} examples; got {batch_size}")
    require_key(key)


def as_data(name: str, data: Any, x_dim: int, output: Callable) -> jax.Array:
    """The data of a run, (n, x_dim) float32; in [0, 1] if the model's output is a sigmoid."""
    check = as_pixels if output is jax.nn.sigmoid else as_array
    return check(name, data, "n", x_dim).astype(jnp.float32)
