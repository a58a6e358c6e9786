"""Who plays on a training stage: its networks, and their rounds compiled as loops whose length is traced."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vaegan_helpers import models, training
from vaegan_helpers.stage.engine import scene
from vaegan_helpers.stage.engine.settings import CATEGORIES, WAVES

LONGEST = 100  # rounds in one compiled call
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


class StageGenerator(models.Generator):
    """A generator whose noise may be uniform: the normal noise that it is given is squeezed into [-1, 1]."""

    def __init__(self, *args, uniform=False, **options):
        super().__init__(*args, **options)
        self.uniform = uniform

    def __call__(self, z):
        return super().__call__(2 * jax.scipy.stats.norm.cdf(z) - 1 if self.uniform else z)


class State(NamedTuple):
    """Everything that training changes: the GAN's state, the VAE and its optimiser's state."""

    gan: Any
    vae: Any
    vae_adam: Any


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
    "waves",
)


@functools.partial(jax.jit, static_argnames=ARCHITECTURE)
def networks(key, *, hidden_layers, hidden_dim, z_dim, noise, packing, minibatch_std, spectral_norm, waves):
    """G, D and the VAE of these settings; the VAE has as many layers and neurons, and always two latent numbers."""
    g_key, d_key, vae_key = jax.random.split(key, 3)
    sizes = {"hidden_dim": hidden_dim, "hidden_layers": hidden_layers}
    categories = CATEGORIES if noise == "with gaps" else 0
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
        frequencies=WAVES if waves else (),
        key=d_key,
    )
    return generator, discriminator, models.VAE(2, z_dim=2, **sizes, output=models.identity, key=vae_key)


@jax.jit
def draw(mixture, key):
    """The points that a stage trains on, (20000, 2)."""
    return mixture.sample(key, 20_000)


def _all_finite(entries, models):
    """Whether losses, gradients and weights are finite."""
    numbers = jax.tree.leaves((entries, models))
    return jnp.isfinite(jnp.concatenate([number.ravel() for number in numbers])).all()


@functools.partial(jax.jit, static_argnames="game")
def play(state, points, key, start, length, settings, *, game):
    """`length` rounds of the GAN; any piece of a run is the same compiled program.

    Args:
      state: training.GanState.
      points, key, start, settings, game: as in `training.gan_steps`.
      length: rounds, at most LONGEST; traced.

    Returns:
      (state, record, finite): the first seven CURVES in columns, (LONGEST, 7), NaN for what did not happen, and whether all
      was finite after each round, (LONGEST,).
    """
    names = CURVES[:7]

    def body(i, carry):
        state, record, finite = carry
        state, entries = training.gan_steps(
            state, points, jax.random.clone(key), start + i, settings, game=game, length=1
        )
        row = jnp.stack([entries[name][0] if name in entries else jnp.nan for name in names])
        good = _all_finite(entries, (state.generator, state.discriminator))
        return state, record.at[i].set(row), finite.at[i].set(good)

    start_values = (state, jnp.full((LONGEST, len(names)), jnp.nan), jnp.ones(LONGEST, bool))
    return jax.lax.fori_loop(0, length, body, start_values)


@functools.partial(jax.jit, static_argnames="batch_size")
def play_vae(model, adam, points, key, start, length, learning_rate, beta, batch_size):
    """The same for the VAE, with loss, reconstruction and KL as columns; the state is (model, Adam's state)."""
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
        row = jnp.stack([entries[name][0] for name in names])
        return state, record.at[i].set(row), finite.at[i].set(_all_finite(entries, state[0]))

    start_values = ((model, adam), jnp.full((LONGEST, len(names)), jnp.nan), jnp.ones(LONGEST, bool))
    return jax.lax.fori_loop(0, length, body, start_values)
