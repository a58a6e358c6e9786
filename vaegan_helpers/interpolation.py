"""Paths between two latents, and how far each of their steps goes."""

import numpy as np

_TINY = 1e-12


def linear_path(start, end, steps):
    """The straight line from one latent to another, in equal steps.

    Args:
      start: first latent, shape (z_dim,).
      end: last latent, same shape.
      steps: number of points, both ends included, at least 2.

    Returns:
      The points, shape (steps, z_dim), float32.

    Raises:
      ValueError: the shapes differ, a number is not finite, or steps is below 2.
    """
    start, end = _ends(start, end, steps)
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    return ((1 - t) * start + t * end).astype(np.float32)


def spherical_path(start, end, steps):
    """The path along a great circle: the direction turns at a constant rate, the norm changes linearly.

    For two latents of the same norm this is Shoemake's slerp. For different norms the path stays between them, so it
    keeps to the shell on which the samples of a high-dimensional Gaussian live; the straight line cuts inside.
    Three cases have no single great circle: towards or from the origin, and between parallel latents, the path is the
    straight line; between opposite latents it turns through the axis most perpendicular to them. In one dimension
    there is nothing to turn through, so the path is the straight line.

    Args:
      start: first latent, shape (z_dim,).
      end: last latent, same shape.
      steps: number of points, both ends included, at least 2.

    Returns:
      The points, shape (steps, z_dim), float32.

    Raises:
      ValueError: the shapes differ, a number is not finite, or steps is below 2.

    References:
      Shoemake, Animating rotation with quaternion curves, 1985.
      White, Sampling generative networks, 2016.
    """
    start, end = _ends(start, end, steps)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if start.size == 1 or min(norms) < _TINY:
        return linear_path(start, end, steps)
    u, v = start / norms[0], end / norms[1]
    cosine = float(u @ v)
    across = v - cosine * u
    sine = float(np.linalg.norm(across))
    if sine < 1e-9 and cosine > 0:
        return linear_path(start, end, steps)
    if sine < 1e-9:
        axis = np.eye(u.size)[np.argmin(np.abs(u))]
        across, sine = axis - (axis @ u) * u, 0.0
    across = across / np.linalg.norm(across)
    angle = np.arctan2(sine, cosine)
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    norm = (1 - t) * norms[0] + t * norms[1]
    points = norm * (np.cos(t * angle) * u + np.sin(t * angle) * across)
    points[0], points[-1] = start, end
    return points.astype(np.float32)


def step_lengths(path):
    """The Euclidean length of each step of a path, in latent or in pixel space.

    Args:
      path: points in order, shape (steps, dim).

    Returns:
      Lengths, shape (steps - 1,), in the units of the path.

    Raises:
      ValueError: the path is not two-dimensional or has fewer than 2 points.
    """
    path = np.asarray(path, np.float64)
    if path.ndim != 2 or len(path) < 2:
        raise ValueError(f"a path is an array (steps, dim) of at least 2 points, got shape {path.shape}")
    return np.linalg.norm(np.diff(path, axis=0), axis=1)


def _ends(start, end, steps):
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    if start.ndim != 1 or start.shape != end.shape or start.size == 0:
        raise ValueError(f"both ends must have the same shape (z_dim,), got {start.shape} and {end.shape}")
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise ValueError("both ends must be finite, got NaN or infinity")
    if not isinstance(steps, (int, np.integer)) or steps < 2:
        raise ValueError(f"steps must be a whole number of at least 2, got {steps!r}")
    return start, end
