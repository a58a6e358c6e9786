"""Who plays on a training stage: its networks, and their rounds compiled as loops whose length is traced."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from vaegan_helpers import models, training
from vaegan_helpers.stage.engine import scene
from vaegan_helpers.stage.engine.packed import Packed, pack, whole
from vaegan_helpers.stage.engine.settings import CATEGORIES, FREQUENCIES

ROUNDS_PER_CALL = 100  # at most, in one compiled call
CURVES = (
    "discriminator_loss",
    "generator_loss",
    "penalty",
    "real_output",
    "fake_output",
    "discriminator_gradient_norm",
    "generator_gradient_norm",
    "vae_loss",
    "vae_reconstruction",
    "vae_kl",
)
# Stands in the compiled record for what did not happen: NaN there would stop `jax_debug_nans`.
MISSING = np.float32(3e38)
PATH = ("generator_number", "discriminator_number", "vae_number")  # of the Dirac game


class StageGenerator(models.Generator):
    """A generator whose noise may be uniform: the normal noise that it is given is squeezed into [-1, 1]."""

    def __init__(self, *args: Any, uniform: bool = False, **options: Any):
        super().__init__(*args, **options)
        self.uniform = uniform

    def __call__(self, z):
        return super().__call__(2 * jax.scipy.stats.norm.cdf(z) - 1 if self.uniform else z)


class State(NamedTuple):
    """Everything that training changes, each part of it Packed.

    Attributes:
      packed_gan: the parts of the GAN's state, as training.GanState has them.
      packed_vae: the VAE.
      packed_adam: the state of its optimiser.
      gan, vae: the same, whole.
    """

    packed_gan: training.GanState
    packed_vae: Packed
    packed_adam: Packed

    @property
    def gan(self) -> training.GanState:
        return training.GanState(*map(whole, self.packed_gan))

    @property
    def vae(self) -> Any:
        return self.packed_vae.whole


def _twice(x):
    return 2 * x


ARCHITECTURE = (
    "hidden_layers",
    "hidden_dim",
    "z_dim",
    "noise",
    "packing",
    "minibatch_std",
    "spectral_norm",
    "fourier_features",
)


@functools.partial(jax.jit, static_argnames=ARCHITECTURE)
def networks(
    key: jax.Array,
    *,
    hidden_layers: int,
    hidden_dim: int,
    z_dim: int,
    noise: jax.Array,
    packing: bool,
    minibatch_std: bool,
    spectral_norm: bool,
    fourier_features: bool,
) -> tuple[Any, Any, Any]:
    """G, D and the VAE of these settings; the VAE has as many layers and neurons, and always two latent
    numbers."""
    g_key, d_key, vae_key = jax.random.split(key, 3)
    sizes = {"hidden_dim": hidden_dim, "hidden_layers": hidden_layers}
    categories = CATEGORIES if noise == "mixture" else 0
    generator = StageGenerator(
        z_dim + categories,
        x_dim=2,
        **sizes,
        output=_twice,
        categories=categories,
        uniform=noise == "uniform",
        key=g_key,
    )
    discriminator = models.Discriminator(
        2,
        **sizes,
        packing=1 + packing,
        minibatch_std=minibatch_std,
        spectral_norm=spectral_norm,
        frequencies=FREQUENCIES if fourier_features else (),
        key=d_key,
    )
    return generator, discriminator, models.VAE(2, z_dim=2, **sizes, output=models.identity, key=vae_key)


class DiracGenerator(nnx.Module):
    """A generator of one number: whatever the noise, its point is (number, 0)."""

    x_dim, output = 2, staticmethod(models.identity)

    def __init__(self, number: float, z_dim: int):
        self.number, self.z_dim, self.categories = nnx.Param(jnp.float32(number)), z_dim, 0

    def __call__(self, z):
        return jnp.zeros((len(z), 2)).at[:, 0].set(self.number[...])

    decode = __call__


class DiracDiscriminator(nnx.Module):
    """A linear discriminator of one number, its slope: D's logit is number * x.

    References:
      Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, section 2.
    """

    x_dim, packing, minibatch_std = 2, 1, False

    def __init__(self, number: float):
        self.number = nnx.Param(jnp.float32(number))

    def __call__(self, x, key=None):
        return self.number[...] * x[:, 0]


class DiracVAE(nnx.Module):
    """A decoder of one number beside an encoder that answers with the prior: there is nothing to encode in
    one point."""

    x_dim, z_dim, output = 2, 2, staticmethod(models.identity)

    def __init__(self, number: float):
        self.number = nnx.Param(jnp.float32(number))

    def encode(self, x: jax.Array) -> Any:
        return jnp.zeros_like(x), jnp.zeros_like(x)

    def decode(self, z: jax.Array) -> Any:
        return jnp.zeros((len(z), 2)).at[:, 0].set(self.number[...])

    decoder = decode


def dirac(z_dim: int, generator_start: float, discriminator_start: float) -> tuple[Any, Any, Any]:
    """The three networks of one number each."""
    return (
        DiracGenerator(generator_start, z_dim),
        DiracDiscriminator(discriminator_start),
        DiracVAE(generator_start),
    )


def _numbers(*models):
    """The one number of each model of the Dirac game, and MISSING for any other model: what `PATH` names."""
    return [getattr(model, "number", jnp.float32(MISSING))[...] for model in models]


@jax.jit
def draw(mixture: Any, key: jax.Array) -> jax.Array:
    """The points that a stage trains on, (20000, 2)."""
    return mixture.sample(key, 20_000)


def _all_finite(entries, models):
    """Whether losses, gradients and weights are finite."""
    numbers = jax.tree.leaves((entries, models))
    return jnp.isfinite(jnp.concatenate([number.ravel() for number in numbers])).all()


@functools.partial(jax.jit, static_argnames="game")
def play(
    state: training.GanState,
    points: jax.Array,
    key: jax.Array,
    start: Any,
    length: Any,
    settings: Any,
    *,
    game: Any,
) -> tuple:
    """`length` rounds of the GAN; any piece of a run is the same compiled program.

    Args:
      state: training.GanState, each part of it Packed.
      points, key, start, settings, game: as in `training.gan_steps`.
      length: rounds, at most ROUNDS_PER_CALL; traced.

    Returns:
      (state, record, finite): the state as it came; the first seven CURVES and two of PATH in columns,
      (ROUNDS_PER_CALL, 9), MISSING for what did not happen; and whether all was finite after each round,
      (ROUNDS_PER_CALL,).
    """
    names = CURVES[:7]

    def body(i, carry):
        state, record, finite = carry
        state, entries = training.gan_steps(
            state, points, jax.random.clone(key), start + i, settings, game=game, length=1
        )
        values = [entries[name][0] if name in entries else MISSING for name in names]
        row = jnp.stack([*values, *_numbers(state.generator, state.discriminator)])
        good = _all_finite(entries, (state.generator, state.discriminator))
        return state, record.at[i].set(row), finite.at[i].set(good)

    record = jnp.full((ROUNDS_PER_CALL, len(names) + 2), float(MISSING))
    start_values = (training.GanState(*map(whole, state)), record, jnp.ones(ROUNDS_PER_CALL, bool))
    state, record, finite = jax.lax.fori_loop(0, length, body, start_values)
    return training.GanState(*pack(state)), record, finite


@functools.partial(jax.jit, static_argnames="batch_size")
def play_vae(
    state: tuple[Packed, Packed],
    points: jax.Array,
    key: jax.Array,
    start: Any,
    length: Any,
    learning_rate: float,
    beta: float,
    batch_size: int,
) -> tuple:
    """The same for the VAE, with loss, reconstruction, KL and the last of PATH as columns; the state is
    (model, Adam's state)."""
    names = ("loss", "reconstruction", "kl")

    def body(i, carry):
        state, record, finite = carry
        state, entries = training.vae_steps(
            state,
            points,
            None,
            jax.random.clone(key),
            start + i,
            learning_rate,
            beta,
            loss=scene.vae_loss,
            length=1,
            batch_size=batch_size,
        )
        row = jnp.stack([*(entries[name][0] for name in names), *_numbers(state[0])])
        return state, record.at[i].set(row), finite.at[i].set(_all_finite(entries, state[0]))

    record = jnp.full((ROUNDS_PER_CALL, len(names) + 1), float(MISSING))
    start_values = (tuple(map(whole, state)), record, jnp.ones(ROUNDS_PER_CALL, bool))
    state, record, finite = jax.lax.fori_loop(0, length, body, start_values)
    return tuple(pack(state)), record, finite
