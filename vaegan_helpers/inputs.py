"""What public functions ask of their arguments.

Every ValueError reads: NAME must be WHAT WAS WANTED; got WHAT CAME.

Whatever NumPy users hand in is taken as an array: lists, integers, float64, a pandas frame, a view with
strides. Inside `jit` the values of an array are not known yet, so only its shape is looked at there.
"""

from collections.abc import Collection
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

# Whatever NumPy takes for an array of numbers; a function that is given one makes it an array of floats.
ArrayLike: TypeAlias = Any


def require_key(key: Any) -> jax.Array:
    """One typed random key, as `jax.random.key(seed)` makes it; it is returned."""
    if not (
        isinstance(key, jax.Array) and jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key) and not key.ndim
    ):
        raise ValueError(
            f"key must be one key from jax.random.key(seed); got {type(key).__name__}: {key!r:.60}"
        )
    return key


def require_positive(**values: Any) -> None:
    """Finite numbers above 0."""
    for name, value in values.items():
        if not (_is_number(value) and value > 0):
            raise ValueError(f"{name} must be a positive number; got {value!r}")


def require_at_least(low: float, **values: Any) -> None:
    """Finite numbers of at least `low`."""
    for name, value in values.items():
        if not (_is_number(value) and value >= low):
            raise ValueError(f"{name} must be a number of at least {low:g}; got {value!r}")


def require_share(**values: Any) -> None:
    """Numbers in [0, 1)."""
    for name, value in values.items():
        if not (_is_number(value) and 0 <= value < 1):
            raise ValueError(f"{name} must be at least 0 and below 1; got {value!r}")


def require_whole(least: int = 1, **values: Any) -> None:
    """Whole numbers of at least `least`, Python's or NumPy's."""
    for name, value in values.items():
        if not is_whole(value, least):
            raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}")


def is_whole(value: Any, least: int = 1) -> bool:
    """Whether a value is a whole number of at least `least`, Python's or NumPy's."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


def require_choice(choices: Collection[Any], **values: Any) -> None:
    """One of the choices."""
    for name, value in values.items():
        if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
            raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}; got {value!r}")


def as_numbers(name: str, array: Any) -> Any:
    """An array of floats, of JAX if it was one and of NumPy otherwise.

    Integers and Python's own numbers, which have no precision of their own, become float32.
    """
    typed = hasattr(array, "dtype") or hasattr(array, "dtypes")  # an array, or a frame of pandas
    if not isinstance(array, jax.Array):
        try:
            array = np.asarray(array)
        except (TypeError, ValueError):
            array = np.asarray(None)  # such as rows of different lengths
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise ValueError(f"{name} must be an array of numbers; got {array.dtype} of shape {array.shape}")
    return array if typed and jnp.issubdtype(array.dtype, jnp.floating) else array.astype(np.float32)


def as_array(name: str, array: Any, *axes: str | int, dtype: Any = None) -> Any:
    """Finite numbers as an array of floats with these axes.

    Args:
      name: what the message calls it.
      array: anything that NumPy takes for an array of numbers.
      axes: for each axis its length, or the name of a length that is free but at least 1: `"n", 784`.
      dtype: None for an array of JAX, which keeps its precision if it has floats. A type of NumPy, such as
        np.float64, for an array of NumPy.

    Returns:
      The array.
    """
    array = as_numbers(name, array)
    if array.ndim != len(axes) or not all(
        length == axis or (isinstance(axis, str) and length)
        for length, axis in zip(array.shape, axes, strict=True)
    ):
        shape = ", ".join(map(str, axes)) + ("," if len(axes) == 1 else "")
        raise ValueError(f"{name} must be an array of shape ({shape}); got {array.shape}")
    if not isinstance(array, jax.core.Tracer):
        rows = np.isfinite(array).reshape(array.shape[0] if array.ndim else 1, -1).all(axis=1)
        if not rows.all():
            raise ValueError(
                f"{name} must be finite; got NaN or infinity in {np.sum(~rows)} of {len(rows)} rows"
            )
    return jnp.asarray(array) if dtype is None else np.asarray(array, dtype)


def as_pixels(name: str, array: Any, *axes: str | int, dtype: Any = None) -> Any:
    """The same for pixels in [0, 1]; bytes from 0 to 255 have to be divided by 255 first."""
    array = as_array(name, array, *axes, dtype=dtype)
    require_unit_interval(**{name: array})
    return array


def require_unit_interval(**arrays: Any) -> None:
    """Pixels in [0, 1].

    Inside jit they are not known yet: the training functions check the data beforehand.
    """
    for name, x in arrays.items():
        if isinstance(x, jax.core.Tracer) or not np.size(x):
            continue
        x = np.asarray(x)  # JAX's own min would be traced within a jit
        low, high = float(x.min()), float(x.max())
        if not (0 <= low and high <= 1):
            raise ValueError(f"{name} must lie in [0, 1]; got values from {low:.3g} to {high:.3g}")


def as_one_shape(axes: int = 2, **arrays: Any) -> list[jax.Array]:
    """Arrays of floats that share one shape, (batch, dim) for two axes and (batch,) for one, as arrays of
    JAX.

    NaN and infinity pass: a loss has to be able to show that a run has broken down.
    """
    numbers = {name: as_numbers(name, array) for name, array in arrays.items()}
    shapes = {array.shape for array in numbers.values()}
    first = next(iter(shapes))
    if len(shapes) > 1 or len(first) != axes or not all(first):
        *others, last = arrays
        wanted = ("(batch,)", "(batch, dim)")[axes - 1]
        if not others:
            raise ValueError(f"{last} must be an array of shape {wanted}; got {first}")
        came = ", ".join(f"{name} {array.shape}" for name, array in numbers.items())
        raise ValueError(f"{', '.join(others)} and {last} must have one shape {wanted}; got {came}")
    return [jnp.asarray(array) for array in numbers.values()]


def as_labels(name: str, labels: Any, classes: int, count: int | None = None) -> np.ndarray:
    """Whole numbers from 0 to classes - 1, shape (n,), as an array of NumPy.

    Args:
      name: what the message calls them.
      labels: such as `Classifier.predict` gives.
      classes: how many there are.
      count: how many labels there must be; any number of at least 1 unless given.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{name} must be whole numbers of shape (n,); got {labels.dtype} of shape {labels.shape}"
        )
    if count is not None and len(labels) != count:
        raise ValueError(f"{name} must be {count} whole numbers, one for each row; got {len(labels)}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"{name} must lie from 0 to {classes - 1}; got {labels.min()} to {labels.max()}")
    return labels


def _is_number(value):
    if isinstance(value, (int, float, np.number)) or (isinstance(value, jax.Array) and not value.ndim):
        return not isinstance(value, bool) and bool(np.isfinite(value))
    return False
