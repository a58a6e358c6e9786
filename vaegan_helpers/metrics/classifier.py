"""A classifier of the digits, whose penultimate layer is the feature space in which samples are compared."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from vaegan_helpers import models
from vaegan_helpers.inputs import (
    ArrayLike,
    as_array,
    as_labels,
    as_pixels,
    require_key,
    require_positive,
    require_whole,
)


class Classifier(nnx.Module):
    """Digits to ten logits; the layer before the last one is the feature space in which samples are compared.

    Args:
      hidden_dim: units of the first layer.
      feature_dim: units of the penultimate layer.
      key: for the first weights.
    """

    def __init__(self, hidden_dim: int = 256, feature_dim: int = 64, *, key: jax.Array):
        self.network = models.MLP((784, hidden_dim, feature_dim, 10), key=key)

    def __call__(self, images: ArrayLike) -> jax.Array:
        """images (n, 784) to logits (n, 10)."""
        return self.network(as_array("images", images, "n", 784))

    def features(self, images: ArrayLike) -> jax.Array:
        """images (n, 784) to the outputs of the penultimate layer, (n, feature_dim), none below 0."""
        x = as_array("images", images, "n", 784)
        for layer in self.network.layers[:-1]:
            x = self.network.activation(layer(x))
        return x

    def predict(self, images: ArrayLike) -> np.ndarray:
        """images (n, 784) to the digit that each is taken for, (n,)."""
        return np.asarray(jnp.argmax(self(images), axis=1))

    def accuracy(self, images: ArrayLike, labels: ArrayLike) -> float:
        """The share of images (n, 784) whose labels (n,) it names."""
        return float(np.mean(self.predict(images) == as_labels("labels", labels, 10, len(images))))


def fit_classifier(
    images: ArrayLike,
    labels: ArrayLike,
    key: jax.Array,
    *,
    steps: int = 1500,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
) -> Classifier:
    """Trains a `Classifier` with Adam on digits moved by up to two pixels each way.

    It takes about two seconds on two cores.

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
    """
    images = as_pixels("images", images, "n", 784).astype(jnp.float32)
    labels = jnp.asarray(as_labels("labels", labels, 10, len(images)))
    require_whole(steps=steps, batch_size=batch_size)
    require_positive(learning_rate=learning_rate)
    model_key, run_key = jax.random.split(require_key(key))
    return _fit(
        Classifier(key=model_key), images, labels, run_key, learning_rate, steps=steps, batch_size=batch_size
    )


@functools.partial(jax.jit, static_argnames=("steps", "batch_size"))
def _fit(classifier, images, labels, key, learning_rate, *, steps, batch_size):
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def cross_entropy(classifier, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(classifier(x), y).mean()

    def step(state, step_key):
        classifier, adam = state
        batch_key, move_key = jax.random.split(step_key)
        batch = jax.random.randint(batch_key, (batch_size,), 0, len(images), jnp.int32)
        x = _moved(images[batch], jax.random.randint(move_key, (batch_size, 2), -2, 3, jnp.int32))
        gradients = jax.grad(cross_entropy)(classifier, x, labels[batch])
        with jax.numpy_dtype_promotion("standard"):  # Optax mixes whole numbers and floats
            updates, adam = optimizer.update(gradients, adam)
        return (optax.apply_updates(classifier, updates), adam), None

    (classifier, _), _ = jax.lax.scan(
        step, (classifier, optimizer.init(classifier)), jax.random.split(key, steps)
    )
    return classifier


def _moved(images, moves):
    """Each picture moved by (down, right) pixels, around the edges: they are blank."""
    pictures = images.reshape(-1, 28, 28)
    return jax.vmap(lambda picture, move: jnp.roll(picture, move, axis=(0, 1)))(pictures, moves).reshape(
        images.shape
    )
