"""Paths between two latents, and how far each of their steps goes."""

import warnings

import numpy as np
from scipy.spatial import geometric_slerp

from vaegan_helpers.inputs import ArrayLike, as_array, require_whole

# Below this, as a norm or as the sine of an angle, rounding decides the direction.
_NO_DIRECTION = 1e-12


def linear_path(start: ArrayLike, end: ArrayLike, steps: int) -> np.ndarray:
    """The straight line from one latent to another, in equal steps.

    Args:
      start: first latent, shape (z_dim,).
      end: last latent, same shape.
      steps: number of points, both ends included, at least 2.

    Returns:
      The points, shape (steps, z_dim), float32.
    """
    start, end = _ends(start, end, steps)
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    return ((1 - t) * start + t * end).astype(np.float32)


def spherical_path(start: ArrayLike, end: ArrayLike, steps: int) -> np.ndarray:
    """The path along a great circle: the direction turns at a constant rate, the norm changes linearly.

    For two latents of the same norm this is Shoemake's slerp. For different norms the path stays between
    them, so it keeps to the shell on which the samples of a high-dimensional Gaussian live; the straight
    line cuts inside. Towards or from the origin, between parallel latents, and in one dimension there is
    nothing to turn through: there the path is the straight line.

    Args:
      start: first latent, shape (z_dim,).
      end: last latent, same shape.
      steps: number of points, both ends included, at least 2.

    Returns:
      The points, shape (steps, z_dim), float32.

    Raises:
      ValueError: the latents are opposite: every great circle through one of them meets the other.

    References:
      Shoemake, Animating rotation with quaternion curves, 1985.
      White, Sampling generative networks, 2016.
    """
    start, end = _ends(start, end, steps)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if start.size == 1 or min(norms) < _NO_DIRECTION:
        return linear_path(start, end, steps)
    u, v = start / norms[0], end / norms[1]
    if np.linalg.norm(u + v) < _NO_DIRECTION:
        raise ValueError(
            "start and end must not be opposite latents, between which many great circles run; "
            f"got {start.round(3).tolist()} and {end.round(3).tolist()}. Move one of them a little."
        )
    t = np.linspace(0, 1, steps)
    with warnings.catch_warnings():  # SciPy warns of almost opposite latents, whose path is sound
        warnings.simplefilter("ignore")
        turned = geometric_slerp(u, v, t)
    points = ((1 - t) * norms[0] + t * norms[1])[:, None] * turned
    points[0], points[-1] = start, end
    return points.astype(np.float32)


def step_lengths(path: ArrayLike) -> np.ndarray:
    """The Euclidean length of each step of a path, in latent or in pixel space.

    Args:
      path: points in order, shape (steps, dim).

    Returns:
      Lengths, shape (steps - 1,), in the units of the path.
    """
    path = as_array("path", path, "steps", "dim", dtype=np.float64)
    if len(path) < 2:
        raise ValueError(f"path must hold at least 2 points; got {len(path)}")
    return np.linalg.norm(np.diff(path, axis=0), axis=1)


def _ends(start, end, steps):
    start = as_array("start", start, "z_dim", dtype=np.float64)
    end = as_array("end", end, len(start), dtype=np.float64)
    require_whole(2, steps=steps)
    return start, end
