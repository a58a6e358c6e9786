"""How good and how varied samples are: measured on pixels, on labels, or in a feature space."""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances_argmin

from vaegan_helpers.inputs import require_whole
from vaegan_helpers.metrics.classifier import _as_labels


def sharpness(images):
    """How much neighbouring pixels differ, relative to how much ink there is: blurring lowers it, fading does not.

    The sum of squared differences between pixels next to each other (across and down), divided by the sum of squares.

    Args:
      images: (n, 784).

    Returns:
      (n,), without a unit. An empty picture has sharpness 0.

    Raises:
      ValueError: the pictures do not have 784 pixels.
    """
    images = jnp.asarray(images)
    if images.ndim != 2 or images.shape[1] != 784:
        raise ValueError(f"images has shape {images.shape}; wanted (n, 784)")
    pixels = images.reshape(-1, 28, 28)
    across, down = jnp.diff(pixels, axis=2), jnp.diff(pixels, axis=1)
    energy = jnp.sum(across**2, axis=(1, 2)) + jnp.sum(down**2, axis=(1, 2))
    return energy / jnp.maximum(jnp.sum(pixels**2, axis=(1, 2)), 1e-12)


class PrecisionRecall(NamedTuple):
    """What `precision_recall` found.

    Attributes:
      precision: share of fake samples that lie near a real one.
      recall: share of real samples that lie near a fake one.
      density: near how many real samples a fake one lies, divided by k; an outlier among the real ones hardly counts. It
        can exceed 1.
      coverage: share of real samples that have a fake one nearer than their k-th real neighbour.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(real, fake, k=5):
    """Are the fake samples where the real ones are, and do they reach everywhere that real ones are?

    Around each sample lies a ball that reaches to its k-th nearest neighbour of its own kind; "near" means inside it.
    All four depend on the number of samples and on k, so compare only values with the same ones.

    Args:
      real: (n, dim), features of real samples.
      fake: (m, dim), features of generated samples.
      k: which neighbour, not counting the sample itself.

    Returns:
      PrecisionRecall.

    Raises:
      ValueError: features of different widths, not finite or all the same, or no more samples than neighbours.

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
    """The distance from each sample to its k-th nearest neighbour; place 0 of a sorted row is the sample itself."""
    return np.partition(cdist(samples, samples), k, axis=1)[:, k]


def frechet_distance(real, fake):
    """The squared Fréchet distance of two Gaussians with the samples' means and covariances.

        |mean_r - mean_f|^2 + trace(C_r + C_f - 2 (C_r C_f)^(1/2))

    In the features of an Inception network it is called FID; in another space it has another scale. Few samples make it
    too large: compare only values with the same number of samples.

    Args:
      real: (n, dim), features of real samples.
      fake: (m, dim), features of generated samples.

    Returns:
      A float of at least 0, in squared units of the features.

    Raises:
      ValueError: features of different widths, not finite or all the same, or fewer than two samples.

    References:
      Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982.
      Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, 2017.
    """
    real, fake = _feature_pair(real, fake, more_than=1)
    real_covariance, fake_covariance = (
        np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, fake)
    )
    # the eigenvalues of C_r C_f are those of the symmetric C_r^(1/2) C_f C_r^(1/2), which are real and not negative
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


def class_balance(labels, classes=10):
    """How evenly samples are spread over classes.

    Args:
      labels: (n,), whole numbers from 0 to classes - 1, such as `Classifier.predict` gives.
      classes: how many there are.

    Returns:
      ClassBalance.

    Raises:
      ValueError: labels that are not whole numbers in that range, or none.
    """
    require_whole(classes=classes)
    counts = np.bincount(_as_labels(labels, classes), minlength=classes)
    share = counts[counts > 0] / counts.sum()
    entropy = float(-np.sum(share * np.log(share)))
    return ClassBalance(counts, entropy, math.exp(entropy))


def nearest_neighbours(samples, training):
    """For each sample the training example that lies nearest, so that copies can be looked for.

    Args:
      samples: (n, dim), pictures or features.
      training: (m, dim).

    Returns:
      (distance, index): both (n,); Euclidean distances, and rows of `training`.

    Raises:
      ValueError: widths that differ, or values that are not finite.
    """
    samples, training = _as_features("samples", samples), _as_features("training", training)
    _require_one_width(samples=samples, training=training)
    index = pairwise_distances_argmin(samples, training)
    return np.linalg.norm(samples - training[index], axis=1), index


def _feature_pair(real, fake, more_than):
    real, fake = _as_features("real", real), _as_features("fake", fake)
    _require_one_width(real=real, fake=fake)
    for name, features in [("real", real), ("fake", fake)]:
        if len(features) <= more_than:
            raise ValueError(f"{name} holds {len(features)} samples; wanted more than {more_than}")
        if not np.ptp(features, axis=0).any():
            raise ValueError(
                f"all {len(features)} features of {name} are the same, so they have no neighbourhood and no spread"
            )
    return real, fake


def _require_one_width(**arrays):
    widths = {name: array.shape[1] for name, array in arrays.items()}
    if len(set(widths.values())) > 1:
        raise ValueError(
            "features must have one width; got "
            + " and ".join(f"{name} with {w}" for name, w in widths.items())
        )


def _as_features(name, features):
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not features.size:
        raise ValueError(f"{name} has shape {features.shape}; wanted (n, dim) with n of at least 1")
    if not np.isfinite(features).all():
        raise ValueError(
            f"{int((~np.isfinite(features).all(axis=1)).sum())} of {len(features)} rows of {name} are NaN or infinite"
        )
    return features
