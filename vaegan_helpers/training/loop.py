"""The frame of every training run: a few equal chunks of compiled steps, so that a bar moves and a run can be stopped."""

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from vaegan_helpers.inputs import require_key, require_whole


class Diverged(FloatingPointError):
    """A loss or a model became NaN or infinite.

    Attributes:
      step: the first bad step, counted from 0.
      models: the last good models (those after the chunk before).
      history: of every step up to those models.
    """

    def __init__(self, step, good_steps, models, history):
        super().__init__(
            f"the loss or the model is not finite at step {step}. This error keeps what you had after step "
            f"{good_steps}, the end of the last good chunk: its `.models` and `.history`. A lower learning rate is "
            "the usual remedy."
        )
        self.step, self.models, self.history = step, models, history


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
      Diverged: an entry of the record named "...loss", or the new state, is not finite.
    """
    chunks = max(count for count in range(1, chunks + 1) if steps % count == 0)
    length, records = steps // chunks, []
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
                bar.update(length)
        except KeyboardInterrupt:
            print(f"\nInterrupted: this is the model after step {len(records) * length} of {steps}.")
    return state, _join(records, length)


def _first_bad_step(state, record, length):
    """Which step of a chunk first gave a loss or a model that is not finite; None when all of them are good."""
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


def check_run(data, key, batch_size, **counts):
    """Raises ValueError unless the key is a key, the batch fits the data and every count is a positive whole number."""
    require_whole(batch_size=batch_size, **counts)
    if batch_size > len(data):
        raise ValueError(f"batch_size is {batch_size}, but there are only {len(data)} examples")
    require_key(key)


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
        raise ValueError(
            f"{name} lies in [{low:.3g}, {high:.3g}]; a model whose output is a sigmoid needs [0, 1]"
        )
    return data
