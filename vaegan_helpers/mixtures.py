"""Mixtures of Gaussians, whose densities are known exactly."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.inputs import ArrayLike, as_array, require_key, require_positive, require_whole


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture of isotropic Gaussians in any number of dimensions.

    Attributes:
      means: (modes, dim), the centre of each mode.
      stds: (modes,), the standard deviation of each mode along every axis.
      weights: (modes,), the probability of each mode; they sum to 1.
    """

    means: jax.Array
    stds: jax.Array
    weights: jax.Array

    def sample(self, key: jax.Array, n: int) -> jax.Array:
        """Draws n points, shape (n, dim)."""
        require_whole(n=n)
        mode_key, noise_key = jax.random.split(require_key(key))
        modes = jax.random.choice(mode_key, len(self.means), (n,), p=self.weights)
        noise = jax.random.normal(noise_key, (n, self.means.shape[1]), self.means.dtype)
        return self.means[modes] + self.stds[modes, None] * noise

    def log_density(self, x: ArrayLike) -> jax.Array:
        """log p(x) of each row of x (n, dim), in nats, shape (n,)."""
        dim = self.means.shape[1]
        x = as_array("x", x, "n", dim)
        squared_distance = jnp.sum((x[:, None, :] - self.means[None]) ** 2, axis=-1)  # (n, modes)
        log_normal = (
            -squared_distance / (2 * self.stds[None] ** 2)
            - dim * jnp.log(self.stds[None])
            - dim / 2 * jnp.log(2 * jnp.pi)
        )
        return jax.nn.logsumexp(log_normal + jnp.log(self.weights[None]), axis=1)


def mixture(means: ArrayLike, stds: ArrayLike, weights: ArrayLike | None = None) -> Mixture:
    """A mixture of isotropic Gaussians; equal weights unless given.

    Args:
      means: (modes, dim), or (modes,) for a mixture on the line.
      stds: one standard deviation for all modes, or (modes,).
      weights: (modes,), positive; they are scaled to sum to 1.

    Returns:
      Mixture. One on the line has dim 1: its samples have shape (n, 1).
    """
    # NumPy: JAX would compile each of these few sums and products
    means = as_array("means", means, *("modes", "dim")[: max(1, np.ndim(means))], dtype=np.float32)
    if means.ndim == 1:
        means = means[:, None]
    modes = len(means)
    stds = as_array("stds", stds, *(modes,) * np.ndim(stds), dtype=np.float32)
    weights = as_array("weights", np.ones(modes) if weights is None else weights, modes, dtype=np.float32)
    for name, values in [("stds", stds), ("weights", weights)]:
        if not np.all(values > 0):
            raise ValueError(f"{name} must be positive; got {values.tolist()}")
    return Mixture(*map(jnp.asarray, (means, np.broadcast_to(stds, modes), weights / weights.sum())))


def gaussian_ring(modes: int = 8, radius: float = 2.0, std: float = 0.02) -> Mixture:
    """Gaussians evenly spaced on a circle around the origin, the first at (radius, 0).

    Args:
      modes: how many.
      radius: of the circle.
      std: of each mode.

    Returns:
      Mixture with means (modes, 2).

    References:
      Metz et al., Unrolled Generative Adversarial Networks, 2017, section 3.1 (radius 2, std 0.02).
    """
    require_whole(modes=modes)
    require_positive(radius=radius)
    angles = 2 * np.pi * np.arange(modes, dtype=np.float32) / modes
    return mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), std)


def gaussian_grid(side: int = 5, spacing: float = 2.0, std: float = 0.05) -> Mixture:
    """Gaussians on a square grid, side by side, centred on the origin.

    Args:
      side: modes along each edge; side * side in all.
      spacing: distance between neighbours.
      std: of each mode.

    Returns:
      Mixture with means (side * side, 2).

    References:
      Lin et al., PacGAN, 2018 (5 by 5 modes).
    """
    require_whole(side=side)
    require_positive(spacing=spacing)
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return mixture(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), std)


def two_gaussians(distance: float = 2.0, std: float = 0.3) -> Mixture:
    """Two equal Gaussians in the plane, `distance` apart on the horizontal axis, centred on the origin.

    Returns:
      Mixture with means (2, 2).
    """
    require_positive(distance=distance)
    return mixture([[-distance / 2, 0.0], [distance / 2, 0.0]], std)


def gaussian_line(length: float = 4.0, std: float = 0.05, modes: int = 33) -> Mixture:
    """Gaussians in a row that together make a line through the origin, rising by one in two.

    Args:
      length: from the first mean to the last.
      std: of each mode.
      modes: how many; the line is even where they are less than two standard deviations apart.

    Returns:
      Mixture with means (modes, 2).
    """
    require_whole(modes=modes)
    require_positive(length=length)
    along = length * (np.linspace(-0.5, 0.5, modes, dtype=np.float32) if modes > 1 else np.zeros(1))
    return mixture(along[:, None] * np.array([[2, 1]], np.float32) / np.sqrt(np.float32(5)), std)


def three_blobs() -> Mixture:
    """Three separate Gaussians of different widths and weights in the plane.

    Returns:
      Mixture with means (3, 2).
    """
    return mixture([[-1.4, 0.9], [1.5, 1.3], [0.5, -1.5]], [0.4, 0.15, 0.25], weights=[0.5, 0.2, 0.3])


def around_points(points: ArrayLike, std: float = 0.05) -> Mixture:
    """An equal, narrow Gaussian around each point of a drawing, so that its density is known.

    Args:
      points: (n, dim).
      std: of each Gaussian.

    Returns:
      Mixture with means (n, dim).
    """
    require_positive(std=std)
    return mixture(as_array("points", points, "n", "dim"), std)
