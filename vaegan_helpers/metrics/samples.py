"""How good and how varied samples are: measured on pixels, on labels, or in a feature space."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import entropy
from sklearn.metrics import pairwise_distances_argmin

from vaegan_helpers.inputs import ArrayLike, as_array, as_labels, require_whole


def sharpness(images: ArrayLike) -> jax.Array:
    """How much neighbouring pixels differ, relative to how much ink there is.

    Blurring lowers it, fading does not.

    The sum of squared differences between pixels next to each other (across and down), divided by the sum of
    squares.

    Args:
      images: (n, 784), in any unit.

    Returns:
      (n,), without a unit. An empty picture has sharpness 0.
    """
    pixels = as_array("images", images, "n", 784).reshape(-1, 28, 28)
    across, down = jnp.diff(pixels, axis=2), jnp.diff(pixels, axis=1)
    energy = jnp.sum(across**2, axis=(1, 2)) + jnp.sum(down**2, axis=(1, 2))
    return energy / jnp.maximum(jnp.sum(pixels**2, axis=(1, 2)), 1e-12)


class PrecisionRecall(NamedTuple):
    """What `precision_recall` found.

    Attributes:
      precision: share of fake samples that lie near a real one.
      recall: share of real samples that lie near a fake one.
      density: near how many real samples a fake one lies, divided by k; an outlier among the real ones hardly
        counts. It can exceed 1.
      coverage: share of real samples that have a fake one nearer than their k-th real neighbour.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(real: ArrayLike, fake: ArrayLike, k: int = 5) -> PrecisionRecall:
    """Are the fake samples where the real ones are, and do they reach everywhere that real ones are?

    Around each sample lies a ball that reaches to its k-th nearest neighbour of its own kind; "near" means
    inside it. All four depend on the number of samples and on k, so compare only values with the same ones.

    Args:
      real: (n, dim), features of real samples.
      fake: (m, dim), features of generated samples.
      k: which neighbour, not counting the sample itself.

    Returns:
      PrecisionRecall.

    References:
      Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, 2019.
      Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020.
    """
    require_whole(k=k)
    real, fake = _feature_pair(real, fake, more_than=k)
    real_radius, fake_radius = _radius(real, k), _radius(fake, k)  # (n,), (m,)
    apart = cdist(real, fake)  # (n, m)
    in_real_ball = apart < real_radius[:, None]
    return PrecisionRecall(
        precision=float(in_real_ball.any(axis=0).mean()),
        recall=float((apart < fake_radius[None]).any(axis=1).mean()),
        density=float(in_real_ball.sum(axis=0).mean() / k),
        coverage=float((apart.min(axis=1) < real_radius).mean()),
    )


def _radius(samples, k):
    """The distance from each sample to its k-th nearest neighbour; place 0 is the sample itself."""
    return np.partition(cdist(samples, samples), k, axis=1)[:, k]


def frechet_distance(real: ArrayLike, fake: ArrayLike) -> float:
    """The squared Fréchet distance of two Gaussians with the samples' means and covariances.

        |mean_r - mean_f|^2 + trace(C_r + C_f - 2 (C_r C_f)^(1/2))

    In the features of an Inception network it is called FID; in another space it has another scale. Few
    samples make it too large: compare only values with the same number of samples.

    Args:
      real: (n, dim), features of real samples.
      fake: (m, dim), features of generated samples.

    Returns:
      A float of at least 0, in squared units of the features.

    References:
      Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982.
      Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, 2017.
    """
    real, fake = _feature_pair(real, fake, more_than=1)
    real_covariance, fake_covariance = (
        np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, fake)
    )
    # the eigenvalues of C_r C_f are those of the symmetric C_r^(1/2) C_f C_r^(1/2), which are real and not
    # negative
    values, vectors = np.linalg.eigh(real_covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ fake_covariance @ root), 0, None)).sum()
    means = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    return max(0.0, float(means + np.trace(real_covariance) + np.trace(fake_covariance) - 2 * shared))


class ClassBalance(NamedTuple):
    """What `class_balance` found.

    Attributes:
      counts: (classes,), samples of each class.
      entropy: of the shares, in nats: from 0 for a single class to log(classes) for equal shares.
      effective: exp(entropy), so many equally frequent classes would have this entropy.
    """

    counts: np.ndarray
    entropy: float
    effective: float


def class_balance(labels: ArrayLike, classes: int = 10) -> ClassBalance:
    """How evenly samples are spread over classes.

    Args:
      labels: (n,), whole numbers from 0 to classes - 1, such as `Classifier.predict` gives.
      classes: how many there are.

    Returns:
      ClassBalance.
    """
    require_whole(classes=classes)
    counts = np.bincount(as_labels("labels", labels, classes), minlength=classes)
    nats = float(entropy(counts))  # SciPy divides the counts by their sum
    return ClassBalance(counts, nats, math.exp(nats))


def nearest_neighbours(samples: ArrayLike, training: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """For each sample the training example that lies nearest, so that copies can be looked for.

    Args:
      samples: (n, dim), pictures or features.
      training: (m, dim).

    Returns:
      (distance, index): both (n,); Euclidean distances, and rows of `training`.
    """
    samples, training = _one_width(samples=samples, training=training)
    index = pairwise_distances_argmin(samples, training)
    return np.linalg.norm(samples - training[index], axis=1), index


def _feature_pair(real, fake, more_than):
    real, fake = _one_width(real=real, fake=fake)
    for name, features in [("real", real), ("fake", fake)]:
        if len(features) <= more_than:
            raise ValueError(f"{name} must hold more than {more_than} samples; got {len(features)}")
        if not np.ptp(features, axis=0).any():
            raise ValueError(
                f"{name} must hold different samples, or there is no neighbourhood and no spread; "
                f"got {len(features)} times the same"
            )
    return real, fake


def _one_width(**arrays):
    """Two arrays (n, dim) of one width, in double precision."""
    first, second = (as_array(name, array, "n", "dim", dtype=np.float64) for name, array in arrays.items())
    if first.shape[1] != second.shape[1]:
        came = " and ".join(
            f"{name} {array.shape}" for name, array in zip(arrays, (first, second), strict=True)
        )
        raise ValueError(f"{' and '.join(arrays)} must have one width; got {came}")
    return first, second
