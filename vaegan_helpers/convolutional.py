"""The same models with convolutions, for pictures of 28 x 28 pixels.

A convolution is written as a product with each pixel's neighbours: within a compiled scan, in which the
course trains, XLA's own convolutions are many times slower on a CPU.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

from vaegan_helpers import models
from vaegan_helpers.inputs import as_numbers, require_key, require_whole

SIDE = 28
X_DIM = SIDE * SIDE
HIDDEN_DIM = 64  # of the decoder's first layer


class Convolution(nnx.Module):
    """A convolution of 3 x 3 pixels; beyond the edge there are zeros.

    Args:
      inputs, outputs: channels.
      key: for the first weights.
    """

    def __init__(self, inputs: int, outputs: int, *, key: jax.Array):
        require_whole(inputs=inputs, outputs=outputs)
        self.inputs = int(inputs)
        self.linear = nnx.Linear(9 * inputs, outputs, rngs=nnx.Rngs(require_key(key)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """x (batch, height, width, inputs) to (batch, height, width, outputs)."""
        height, width = x.shape[1:3]
        padded = jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        shifted = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
        return self.linear(jnp.concatenate(shifted, axis=-1))


def halve(x: jax.Array) -> jax.Array:
    """Every 2 x 2 pixels become one with four times the channels: (n, h, w, c) to (n, h/2, w/2, 4c)."""
    n, height, width, channels = x.shape
    blocks = x.reshape(n, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, height // 2, width // 2, 4 * channels)


def double(x: jax.Array) -> jax.Array:
    """The way back: a pixel's channels become 2 x 2 pixels, (n, h, w, 4c) to (n, 2h, 2w, c).

    References:
      Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
        Convolutional Neural Network, 2016.
    """
    n, height, width, channels = x.shape
    blocks = x.reshape(n, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, 2 * height, 2 * width, channels // 4)


class Reader(nnx.Module):
    """Pictures to numbers: 28 x 28 to 14 x 14 to 7 x 7 pixels, and a linear layer.

    Args:
      channels: at 14 x 14 pixels; twice as many at 7 x 7.
      outputs: numbers for each picture.
      activation: between the layers.
      key: for the first weights.
    """

    def __init__(self, channels: int, outputs: int, *, activation: Callable = jax.nn.relu, key: jax.Array):
        require_whole(channels=channels, outputs=outputs)
        keys = jax.random.split(require_key(key), 3)
        self.fine = Convolution(4, channels, key=keys[0])
        self.coarse = Convolution(4 * channels, 2 * channels, key=keys[1])
        self.last = nnx.Linear(49 * 2 * channels, outputs, rngs=nnx.Rngs(keys[2]))
        self.activation = activation

    def __call__(self, x: jax.Array) -> jax.Array:
        """x (batch, 784) to (batch, outputs)."""
        x = jnp.asarray(as_numbers("x", x))
        if x.ndim != 2 or x.shape[1] != X_DIM:
            raise ValueError(f"x must be an array of shape (batch, {X_DIM}); got {x.shape}")
        picture = halve(x.reshape(len(x), SIDE, SIDE, 1))
        picture = halve(self.activation(self.fine(picture)))
        picture = self.activation(self.coarse(picture))
        return self.last(picture.reshape(len(x), self.last.in_features))


class Encoder(models.Encoder):
    """As `models.Encoder`, with convolutions."""

    def __init__(self, z_dim: int, channels: int, *, key: jax.Array):
        require_whole(z_dim=z_dim)
        self.network = Reader(channels, 2 * z_dim, key=key)


class Decoder(nnx.Module):
    """As `models.Decoder`: two dense layers, then two convolutions from 7 x 7 to 28 x 28 pixels.

    Args:
      z_dim: latents.
      channels: at 14 x 14 pixels; twice as many at 7 x 7.
      key: for the first weights.
    """

    def __init__(self, z_dim: int, channels: int, *, key: jax.Array):
        require_whole(z_dim=z_dim, channels=channels)
        keys = jax.random.split(require_key(key), 3)
        self.dense = models.MLP((z_dim, HIDDEN_DIM, 49 * 2 * channels), key=keys[0])
        self.coarse = Convolution(2 * channels, 4 * channels, key=keys[1])
        self.fine = Convolution(channels, 4, key=keys[2])

    def __call__(self, z: jax.Array) -> jax.Array:
        """z (batch, z_dim) to logits (batch, 784)."""
        picture = jax.nn.relu(self.dense(z)).reshape(len(z), 7, 7, self.coarse.inputs)
        picture = double(jax.nn.relu(self.coarse(picture)))
        return double(self.fine(picture)).reshape(len(z), X_DIM)


class VAE(models.VAE):
    """As `models.VAE`, for pictures, with convolutions. Its decoder is the `Generator`'s network."""

    def __init__(self, z_dim: int = 16, channels: int = 16, *, key: jax.Array):
        encoder_key, decoder_key = jax.random.split(require_key(key))
        self.encoder = Encoder(z_dim, channels, key=encoder_key)
        self.decoder = Decoder(z_dim, channels, key=decoder_key)
        self.output = jax.nn.sigmoid
        self.x_dim, self.z_dim = X_DIM, int(z_dim)


class Generator(models.Generator):
    """As `models.Generator`, for pictures, with convolutions. Its network is the `VAE`'s decoder."""

    def __init__(self, z_dim: int = 16, channels: int = 16, *, key: jax.Array):
        self.network = Decoder(z_dim, channels, key=key)
        self.output = jax.nn.sigmoid
        self.x_dim, self.z_dim, self.categories = X_DIM, int(z_dim), 0


class Discriminator(nnx.Module):
    """Pictures to one logit, with convolutions.

    Args:
      channels: at 14 x 14 pixels; twice as many at 7 x 7.
      key: for the first weights.

    References:
      Radford, Metz & Chintala, Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks, 2016.
    """

    def __init__(self, channels: int = 16, *, key: jax.Array):
        self.network = Reader(channels, 1, activation=jax.nn.leaky_relu, key=key)
        self.x_dim = X_DIM

    def __call__(self, x: jax.Array, key: jax.Array | None = None) -> jax.Array:
        """x (batch, 784) to logits (batch,). Nothing is dropped, so a key changes nothing."""
        return self.network(x)[:, 0]
