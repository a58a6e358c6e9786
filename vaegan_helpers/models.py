"""The networks of the course, as Flax NNX modules that are plain pytrees.

Pass them whole to jit, grad and scan.

Each takes a `key` to draw its first weights from and stores no random state: whatever is random later (the
noise of the reparameterisation, dropout) is drawn from a key that the caller passes in.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from vaegan_helpers.inputs import as_numbers, is_whole, require_key, require_share, require_whole


def identity(x: jax.Array) -> jax.Array:
    """The output of a model whose data is unbounded, such as points in the plane."""
    return x


class MLP(nnx.Module):
    """A multilayer perceptron: linear layers with an activation between them, none after the last.

    Args:
      sizes: widths from input to output, such as (784, 256, 2).
      key: for the first weights.
      activation: the function between layers.
    """

    def __init__(self, sizes: Sequence[int], *, key: jax.Array, activation: Callable = jax.nn.relu):
        if len(sizes) < 2 or not all(map(is_whole, sizes)):
            raise ValueError(f"sizes must be at least two positive whole numbers; got {tuple(sizes)}")
        rngs = nnx.Rngs(require_key(key))
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in itertools.pairwise(map(int, sizes))])
        self.activation = activation
        self.x_dim = int(sizes[0])

    def __call__(self, x: jax.Array) -> jax.Array:
        """x (batch, sizes[0]) to (batch, sizes[-1])."""
        x = jnp.asarray(as_numbers("x", x))
        if x.ndim != 2 or x.shape[1] != self.x_dim:
            raise ValueError(f"x must be an array of shape (batch, {self.x_dim}); got {x.shape}")
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Encoder(nnx.Module):
    """Data to the mean and log variance of a Gaussian over latents: q(z | x) = N(mean, diag(exp(logvar)))."""

    def __init__(
        self,
        x_dim: int = 784,
        hidden_dim: int = 256,
        z_dim: int = 2,
        hidden_layers: int = 2,
        *,
        key: jax.Array,
    ):
        self.network: Any = MLP(_sizes(x_dim, hidden_dim, hidden_layers, 2 * z_dim), key=key)

    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """x (batch, x_dim) to mean and logvar, each (batch, z_dim)."""
        mean, logvar = jnp.split(self.network(x), 2, axis=1)
        return mean, logvar


class Decoder(nnx.Module):
    """Latents to the parameters of p(x | z): logits for pixels, means for points in the plane."""

    def __init__(
        self,
        z_dim: int = 2,
        hidden_dim: int = 256,
        x_dim: int = 784,
        hidden_layers: int = 2,
        *,
        key: jax.Array,
    ):
        self.network = MLP(_sizes(z_dim, hidden_dim, hidden_layers, x_dim), key=key)

    def __call__(self, z: jax.Array) -> jax.Array:
        """z (batch, z_dim) to (batch, x_dim)."""
        return self.network(z)


class VAE(nnx.Module):
    """A variational autoencoder: an encoder to a Gaussian over latents, and a decoder back.

    Args:
      x_dim, hidden_dim, z_dim, hidden_layers: sizes; encoder and decoder mirror each other.
      output: what turns the decoder's output into data: the sigmoid for pixels, `identity` for points.
      key: for the first weights.

    References:
      Kingma & Welling, Auto-Encoding Variational Bayes, 2014.
    """

    def __init__(
        self,
        x_dim: int = 784,
        hidden_dim: int = 256,
        z_dim: int = 2,
        hidden_layers: int = 2,
        *,
        output: Callable = jax.nn.sigmoid,
        key: jax.Array,
    ):
        encoder_key, decoder_key = jax.random.split(require_key(key))
        # Any: `convolutional` puts other networks in their places
        self.encoder: Any = Encoder(x_dim, hidden_dim, z_dim, hidden_layers, key=encoder_key)
        self.decoder: Any = Decoder(z_dim, hidden_dim, x_dim, hidden_layers, key=decoder_key)
        self.output = output
        self.x_dim, self.z_dim = int(x_dim), int(z_dim)

    def encode(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """x (batch, x_dim) to mean and logvar of q(z | x), each (batch, z_dim)."""
        return self.encoder(x)

    def decode(self, z: jax.Array) -> jax.Array:
        """z (batch, z_dim) to the mean of p(x | z), (batch, x_dim): of digits, how likely a pixel is on."""
        return self.output(self.decoder(z))


class Autoencoder(nnx.Module):
    """A plain autoencoder from the same parts: one point per picture instead of a Gaussian."""

    def __init__(
        self,
        x_dim: int = 784,
        hidden_dim: int = 256,
        z_dim: int = 2,
        hidden_layers: int = 2,
        *,
        output: Callable = jax.nn.sigmoid,
        key: jax.Array,
    ):
        encoder_key, decoder_key = jax.random.split(require_key(key))
        self.encoder = MLP(_sizes(x_dim, hidden_dim, hidden_layers, z_dim), key=encoder_key)
        self.decoder = Decoder(z_dim, hidden_dim, x_dim, hidden_layers, key=decoder_key)
        self.output = output
        self.x_dim, self.z_dim = int(x_dim), int(z_dim)

    def encode(self, x: jax.Array) -> jax.Array:
        """x (batch, x_dim) to its code, (batch, z_dim)."""
        return self.encoder(x)

    def decode(self, z: jax.Array) -> jax.Array:
        """z (batch, z_dim) to x_hat, (batch, x_dim)."""
        return self.output(self.decoder(z))


class Generator(nnx.Module):
    """Noise to data: a decoder's network with nothing that leads back.

    Args:
      z_dim, hidden_dim, x_dim, hidden_layers: sizes.
      output: what turns the network's output into data: the sigmoid for pixels, `identity` for points.
      categories: mixture noise: the first so many of the z_dim numbers give way to a category, the
        place of the largest among them. All categories are equally likely. 0 for plain noise.
      key: for the first weights.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014.
      Gurumurthy, Sarvadevabhatla & Babu, DeLiGAN, 2017 (noise from a mixture).
    """

    def __init__(
        self,
        z_dim: int = 2,
        hidden_dim: int = 256,
        x_dim: int = 784,
        hidden_layers: int = 2,
        *,
        output: Callable = jax.nn.sigmoid,
        categories: int = 0,
        key: jax.Array,
    ):
        require_whole(0, categories=categories)
        if categories > z_dim:
            raise ValueError(f"categories must be at most z_dim = {z_dim}; got {categories}")
        self.network: Any = MLP(_sizes(z_dim, hidden_dim, hidden_layers, x_dim), key=key)
        self.output = output
        self.x_dim, self.z_dim, self.categories = int(x_dim), int(z_dim), int(categories)

    def __call__(self, z: jax.Array) -> jax.Array:
        """z (batch, z_dim) to generated data, (batch, x_dim)."""
        z = jnp.asarray(as_numbers("z", z))
        if self.categories:
            chosen = jax.nn.one_hot(jnp.argmax(z[:, : self.categories], axis=1), self.categories)
            z = jnp.concatenate(
                [3 * chosen, z[:, self.categories :]], axis=1
            )  # 3: far apart beside the other noise
        return self.output(self.network(z))

    def decode(self, z: jax.Array) -> jax.Array:
        """The same under the decoder's name, so that an explorer can show either model."""
        return self(z)


class Discriminator(nnx.Module):
    """Data to one logit: the sigmoid of it is the probability that the data is real.

    Args:
      x_dim, hidden_dim, hidden_layers: sizes.
      dropout: share of hidden units switched off at random while training.
      packing: so many examples are judged together, by one logit; the batch must be a multiple of it.
      minibatch_std: whether the second layer is told how much the first layer's outputs vary within the
        batch.
      spectral_norm: whether every layer's output is divided by its largest singular value, so that D is
        1-Lipschitz.
      frequencies: D also sees the sine and cosine of each coordinate times each of these, so that it can tell
        apart what lies close together.
      key: for the first weights.

    References:
      Lin et al., PacGAN, 2018 (packing).
      Karras et al., Progressive Growing of GANs, 2018, section 3 (standard deviation within the batch).
      Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, section 2.1.
      Tancik et al., Fourier Features Let Networks Learn High Frequency Functions, 2020.
    """

    def __init__(
        self,
        x_dim: int = 784,
        hidden_dim: int = 256,
        hidden_layers: int = 2,
        *,
        dropout: float = 0.0,
        packing: int = 1,
        minibatch_std: bool = False,
        spectral_norm: bool = False,
        frequencies: Sequence[float] = (),
        key: jax.Array,
    ):
        require_share(dropout=dropout)
        require_whole(packing=packing)
        sizes = _sizes(packing * x_dim * (1 + 2 * len(frequencies)), hidden_dim, hidden_layers, 1)
        self.network = MLP(sizes, key=key, activation=jax.nn.leaky_relu)
        if minibatch_std:
            if hidden_layers < 1:
                raise ValueError("hidden_layers must be at least 1 for minibatch_std; got 0")
            self.network.layers[1] = nnx.Linear(
                sizes[1] + 1, sizes[2], rngs=nnx.Rngs(jax.random.fold_in(key, 1))
            )
        self.dropout, self.packing = float(dropout), int(packing)
        self.frequencies = tuple(map(float, frequencies))
        self.minibatch_std, self.spectral_norm = minibatch_std, spectral_norm
        self.x_dim = int(x_dim)

    def __call__(self, x: jax.Array, key: jax.Array | None = None) -> jax.Array:
        """x (batch, x_dim) to logits (batch / packing,).

        With a key hidden units are dropped, without one all work.
        """
        return self._apply(self.network.layers[-1], self.features(x, key))[:, 0]

    def features(self, x: jax.Array, key: jax.Array | None = None, layer: int | None = None) -> jax.Array:
        """What a hidden layer makes of the data: how D describes it before it judges.

        Args:
          x: (batch, x_dim).
          key: for dropout, or None.
          layer: 1 for the first hidden layer, and so on; the last one, on which D's logit rests, unless
            given.

        Returns:
          (batch / packing, hidden_dim).
        """
        x = jnp.asarray(as_numbers("x", x))
        if x.ndim != 2 or x.shape[1] != self.x_dim or len(x) % self.packing:
            packs = f" with a batch that is a multiple of {self.packing}" if self.packing > 1 else ""
            raise ValueError(f"x must be an array of shape (batch, {self.x_dim}){packs}; got {x.shape}")
        hidden_layers = len(self.network.layers) - 1
        if layer is not None and (isinstance(layer, bool) or layer not in range(1, hidden_layers + 1)):
            raise ValueError(f"layer must be a whole number from 1 to {hidden_layers}; got {layer!r}")
        fourier = [wave(frequency * x) for frequency in self.frequencies for wave in (jnp.sin, jnp.cos)]
        x = jnp.concatenate([x, *fourier], axis=1).reshape(len(x) // self.packing, -1)
        keep = 1 - self.dropout
        for i, hidden in enumerate(self.network.layers[: layer or hidden_layers]):
            x = self.network.activation(self._apply(hidden, x))
            if key is not None and self.dropout:
                mask_key = jax.random.fold_in(key, i)
                x = jnp.where(jax.random.bernoulli(mask_key, jnp.float32(keep), x.shape), x / keep, 0)
            if self.minibatch_std and i == 0:
                spread = jnp.sqrt(jnp.var(x, axis=0) + 1e-8).mean()  # one number for the whole batch
                x = jnp.concatenate([x, jnp.full((len(x), 1), spread)], axis=1)
        return x

    def _apply(self, layer, x):
        if not self.spectral_norm:
            return layer(x)
        return layer(x) / largest_singular_value(layer.kernel[...])


def largest_singular_value(matrix: jax.Array, iterations: int = 10) -> jax.Array:
    """The factor by which a matrix can stretch a vector, by power iteration.

    A little too small if the iteration has not converged.

    The directions count as constants, as in the paper; then the gradient is that of the singular value.

    References:
      Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, section 2.1 and
        appendix A.
    """
    right = jnp.cos(jnp.arange(matrix.shape[1], dtype=matrix.dtype) + 0.5)  # any start that is not special
    for _ in range(iterations):
        left = matrix @ right
        left = left / (jnp.linalg.norm(left) + 1e-12)
        right = matrix.T @ left
        right = right / (jnp.linalg.norm(right) + 1e-12)
    left, right = jax.lax.stop_gradient((left, right))
    return left @ matrix @ right


def count_parameters(model: Any) -> int:
    """How many numbers the model learns."""
    return sum(leaf.size for leaf in jax.tree.leaves(model))


def _sizes(first, hidden_dim, hidden_layers, last):
    require_whole(0, hidden_layers=hidden_layers)
    return (first, *[hidden_dim] * hidden_layers, last)
