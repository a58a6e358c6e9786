"""How good and how varied samples are, measured in a feature space: a classifier's view of the digits, and what is near in it."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances_argmin

from vaegan_helpers import models
from vaegan_helpers.inputs import require_key, require_positive, require_unit_interval, require_whole


class Classifier(nnx.Module):
    """Digits to ten logits; the layer before the last one is the feature space in which samples are compared.

    Args:
      hidden_dim: units of the first layer.
      feature_dim: units of the penultimate layer.
      key: for the first weights.
    """

    def __init__(self, hidden_dim=256, feature_dim=64, *, key):
        self.network = models.MLP((784, hidden_dim, feature_dim, 10), key=key)

    def __call__(self, images):
        """images (n, 784) to logits (n, 10)."""
        return self.network(jnp.asarray(images))

    def features(self, images):
        """images (n, 784) to the outputs of the penultimate layer, (n, feature_dim), none below 0."""
        x = jnp.asarray(images)
        if x.ndim != 2 or x.shape[1] != 784:
            raise ValueError(f"images has shape {x.shape}; wanted (n, 784)")
        for layer in self.network.layers[:-1]:
            x = self.network.activation(layer(x))
        return x

    def predict(self, images):
        """images (n, 784) to the digit that each is taken for, (n,)."""
        return np.asarray(jnp.argmax(self(images), axis=1))

    def accuracy(self, images, labels):
        """The share of images (n, 784) whose labels (n,) it names."""
        return float(np.mean(self.predict(images) == _as_labels(labels, 10, len(images))))


def fit_classifier(images, labels, key, *, steps=1500, batch_size=128, learning_rate=2e-3):
    """Trains a `Classifier` with Adam on digits moved by up to two pixels each way, about two seconds on two cores.

    The small moves are what a dense network needs to read digits that it has not seen.

    Args:
      images: (n, 784), in [0, 1].
      labels: (n,), digits 0 to 9.
      key: for the first weights, the batches and the moves.
      steps: gradient steps; the learning rate falls to 0 along a cosine.
      batch_size: digits per step.
      learning_rate: the first one.

    Returns:
      Classifier.

    Raises:
      ValueError: images or labels that do not fit, bad sizes or rates.
    """
    images = jnp.asarray(images, jnp.float32)
    if images.ndim != 2 or images.shape[1] != 784 or not len(images):
        raise ValueError(f"images has shape {images.shape}; wanted (n, 784)")
    labels = jnp.asarray(_as_labels(labels, 10, len(images)))
    require_unit_interval(images)
    require_whole(steps=steps, batch_size=batch_size)
    require_positive(learning_rate=learning_rate)
    model_key, run_key = jax.random.split(require_key(key))
    return _fit(Classifier(key=model_key), images, labels, run_key, learning_rate, steps=steps, batch_size=batch_size)


@functools.partial(jax.jit, static_argnames=("steps", "batch_size"))
def _fit(classifier, images, labels, key, learning_rate, *, steps, batch_size):
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def cross_entropy(classifier, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(classifier(x), y).mean()

    def step(state, step_key):
        classifier, adam = state
        batch_key, move_key = jax.random.split(step_key)
        batch = jax.random.randint(batch_key, (batch_size,), 0, len(images))
        x = _moved(images[batch], jax.random.randint(move_key, (batch_size, 2), -2, 3))
        updates, adam = optimizer.update(jax.grad(cross_entropy)(classifier, x, labels[batch]), adam)
        return (optax.apply_updates(classifier, updates), adam), None

    (classifier, _), _ = jax.lax.scan(step, (classifier, optimizer.init(classifier)), jax.random.split(key, steps))
    return classifier


def _moved(images, moves):
    """Each picture moved by (down, right) pixels; what leaves on one side is blank paper and comes in on the other."""
    pictures = images.reshape(-1, 28, 28)
    return jax.vmap(lambda picture, move: jnp.roll(picture, move, axis=(0, 1)))(pictures, moves).reshape(images.shape)


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
    real_radius, fake_radius = _radius(real, k), _radius(fake, k)                                # (n,), (m,)
    apart = cdist(real, fake)                                                                    # (n, m)
    in_real_ball = apart < real_radius[:, None]
    return PrecisionRecall(precision=float(in_real_ball.any(axis=0).mean()),
                           recall=float((apart < fake_radius[None]).any(axis=1).mean()),
                           density=float(in_real_ball.sum(axis=0).mean() / k),
                           coverage=float((apart.min(axis=1) < real_radius).mean()))


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
    real_covariance, fake_covariance = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, fake))
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
            raise ValueError(f"all {len(features)} features of {name} are the same, so they have no neighbourhood and no spread")
    return real, fake


def _require_one_width(**arrays):
    widths = {name: array.shape[1] for name, array in arrays.items()}
    if len(set(widths.values())) > 1:
        raise ValueError("features must have one width; got " + " and ".join(f"{name} with {w}" for name, w in widths.items()))


def _as_features(name, features):
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not features.size:
        raise ValueError(f"{name} has shape {features.shape}; wanted (n, dim) with n of at least 1")
    if not np.isfinite(features).all():
        raise ValueError(f"{int((~np.isfinite(features).all(axis=1)).sum())} of {len(features)} rows of {name} are NaN or infinite")
    return features


def _as_labels(labels, classes, count=None):
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be whole numbers of shape (n,); got {labels.dtype} of shape {labels.shape}")
    if count is not None and len(labels) != count:
        raise ValueError(f"{len(labels)} labels came with {count} images; wanted one for each")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie from 0 to {classes - 1}; got {labels.min()} to {labels.max()}")
    return labels
