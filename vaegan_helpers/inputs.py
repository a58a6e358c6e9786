"""What public functions ask of their arguments: each check raises a ValueError that says what came and what was wanted."""

import jax
import jax.numpy as jnp
import numpy as np


def require_key(key):
    """One typed random key, as `jax.random.key(seed)` makes it; it is returned."""
    if not (
        isinstance(key, jax.Array)
        and jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key)
        and key.shape == ()
    ):
        raise ValueError(
            f"key must be one key from jax.random.key(seed); got {type(key).__name__}: {key!r:.60}"
        )
    return key


def require_positive(**values):
    """Positive, finite numbers."""
    for name, value in values.items():
        number = isinstance(value, (int, float, np.number, jax.Array)) and not isinstance(value, bool)
        if not (number and np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number; got {value!r}")


def require_whole(**values):
    """Whole numbers of at least 1."""
    for name, value in values.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")


def require_same_shape(**arrays):
    """Arrays of one shape (batch, dim)."""
    shapes = {name: jnp.shape(array) for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or len(next(iter(shapes.values()))) != 2:
        came = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"wanted arrays of one shape (batch, dim); got {came}")


def require_unit_interval(x):
    """Pixels in [0, 1]. Inside jit their values are not known yet: the training functions check the data beforehand."""
    if isinstance(x, jax.core.Tracer):
        return
    low, high = float(jnp.min(x)), float(jnp.max(x))
    if not (0 <= low and high <= 1):
        raise ValueError(f"pixels must lie in [0, 1]; got values from {low:.3g} to {high:.3g}")
