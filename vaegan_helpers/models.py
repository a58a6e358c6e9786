"""The networks of the course, as Flax NNX modules that are plain pytrees: pass them whole to jit, grad and scan.

Each takes a `key` to draw its first weights from and stores no random state: whatever is random later (the noise of
the reparameterisation, dropout) is drawn from a key that the caller passes in.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from vaegan_helpers.inputs import require_key


class MLP(nnx.Module):
    """A multilayer perceptron: linear layers with an activation between them, none after the last.

    Args:
      sizes: widths from input to output, such as (784, 256, 2).
      key: for the first weights.
      activation: the function between layers.
    """

    def __init__(self, sizes, *, key, activation=jax.nn.relu):
        if len(sizes) < 2 or any(not isinstance(size, int) or size < 1 for size in sizes):
            raise ValueError(f"sizes are at least two positive whole numbers; got {tuple(sizes)}")
        rngs = nnx.Rngs(require_key(key))
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in zip(sizes[:-1], sizes[1:])])
        self.activation = activation
        self.x_dim = sizes[0]

    def __call__(self, x):
        """x (batch, sizes[0]) to (batch, sizes[-1])."""
        if x.ndim != 2 or x.shape[1] != self.x_dim:
            raise ValueError(f"the network takes arrays of shape (batch, {self.x_dim}); got {x.shape}")
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Encoder(nnx.Module):
    """Data to the mean and log variance of a Gaussian over latents: q(z | x) = N(mean, diag(exp(logvar)))."""

    def __init__(self, x_dim=784, hidden_dim=256, z_dim=2, hidden_layers=2, *, key):
        self.network = MLP(_sizes(x_dim, hidden_dim, hidden_layers, 2 * z_dim), key=key)

    def __call__(self, x):
        """x (batch, x_dim) to mean and logvar, each (batch, z_dim)."""
        return tuple(jnp.split(self.network(x), 2, axis=1))


class Decoder(nnx.Module):
    """Latents to the parameters of p(x | z): logits for pixels, means for points in the plane."""

    def __init__(self, z_dim=2, hidden_dim=256, x_dim=784, hidden_layers=2, *, key):
        self.network = MLP(_sizes(z_dim, hidden_dim, hidden_layers, x_dim), key=key)

    def __call__(self, z):
        """z (batch, z_dim) to (batch, x_dim)."""
        return self.network(z)


class VAE(nnx.Module):
    """A variational autoencoder: an encoder to a Gaussian over latents, and a decoder back.

    Args:
      x_dim, hidden_dim, z_dim, hidden_layers: sizes; encoder and decoder mirror each other.
      output: what turns the decoder's output into data: the sigmoid for pixels, `lambda x: x` for points.
      key: for the first weights.

    References:
      Kingma & Welling, Auto-Encoding Variational Bayes, 2014.
    """

    def __init__(self, x_dim=784, hidden_dim=256, z_dim=2, hidden_layers=2, *, output=jax.nn.sigmoid, key):
        encoder_key, decoder_key = jax.random.split(require_key(key))
        self.encoder = Encoder(x_dim, hidden_dim, z_dim, hidden_layers, key=encoder_key)
        self.decoder = Decoder(z_dim, hidden_dim, x_dim, hidden_layers, key=decoder_key)
        self.output = output
        self.x_dim, self.z_dim = x_dim, z_dim

    def encode(self, x):
        """x (batch, x_dim) to mean and logvar of q(z | x), each (batch, z_dim)."""
        return self.encoder(x)

    def decode(self, z):
        """z (batch, z_dim) to the mean of p(x | z), (batch, x_dim): for digits the probability that a pixel is on."""
        return self.output(self.decoder(z))


class Autoencoder(nnx.Module):
    """A plain autoencoder from the same parts: one point per picture instead of a Gaussian."""

    def __init__(self, x_dim=784, hidden_dim=256, z_dim=2, hidden_layers=2, *, output=jax.nn.sigmoid, key):
        encoder_key, decoder_key = jax.random.split(require_key(key))
        self.encoder = MLP(_sizes(x_dim, hidden_dim, hidden_layers, z_dim), key=encoder_key)
        self.decoder = Decoder(z_dim, hidden_dim, x_dim, hidden_layers, key=decoder_key)
        self.output = output
        self.x_dim, self.z_dim = x_dim, z_dim

    def encode(self, x):
        """x (batch, x_dim) to its code, (batch, z_dim)."""
        return self.encoder(x)

    def decode(self, z):
        """z (batch, z_dim) to x_hat, (batch, x_dim)."""
        return self.output(self.decoder(z))


class Generator(nnx.Module):
    """Noise to data: a decoder's network with nothing that leads back.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014.
    """

    def __init__(self, z_dim=2, hidden_dim=256, x_dim=784, hidden_layers=2, *, output=jax.nn.sigmoid, key):
        self.network = MLP(_sizes(z_dim, hidden_dim, hidden_layers, x_dim), key=key)
        self.output = output
        self.x_dim, self.z_dim = x_dim, z_dim

    def __call__(self, z):
        """z (batch, z_dim) to generated data, (batch, x_dim)."""
        return self.output(self.network(z))

    def decode(self, z):
        """The same under the decoder's name, so that an explorer can show either model."""
        return self(z)


class Discriminator(nnx.Module):
    """Data to one logit: the sigmoid of it is the probability that the data is real.

    Args:
      x_dim, hidden_dim, hidden_layers: sizes.
      dropout: share of hidden units switched off at random while training.
      key: for the first weights.
    """

    def __init__(self, x_dim=784, hidden_dim=256, hidden_layers=2, *, dropout=0.0, key):
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is a share of units in [0, 1); got {dropout}")
        self.network = MLP(_sizes(x_dim, hidden_dim, hidden_layers, 1), key=key, activation=jax.nn.leaky_relu)
        self.dropout = dropout
        self.x_dim = x_dim

    def __call__(self, x, key=None):
        """x (batch, x_dim) to logits (batch,). With a key hidden units are dropped, without one all of them work."""
        if x.ndim != 2 or x.shape[1] != self.x_dim:
            raise ValueError(f"the discriminator takes arrays of shape (batch, {self.x_dim}); got {x.shape}")
        keep = 1 - self.dropout
        for i, layer in enumerate(self.network.layers[:-1]):
            x = self.network.activation(layer(x))
            if key is not None and self.dropout:
                mask_key = jax.random.fold_in(key, i)
                x = jnp.where(jax.random.bernoulli(mask_key, keep, x.shape), x / keep, 0)
        return self.network.layers[-1](x)[:, 0]


def count_parameters(model):
    """How many numbers the model learns."""
    return sum(leaf.size for leaf in jax.tree.leaves(model))


def _sizes(first, hidden_dim, hidden_layers, last):
    if not isinstance(hidden_layers, int) or hidden_layers < 0:
        raise ValueError(f"hidden_layers must be a whole number of at least 0; got {hidden_layers!r}")
    return (first, *[hidden_dim] * hidden_layers, last)
