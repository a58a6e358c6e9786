"""Checks of the draw z = mean + std * noise that a learner writes: its formula, its noise, its gradient."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    compare,
    fresh_key,
    passed,
    require_finite,
    require_shape,
)

# What the draw z = mean + std * noise may become instead: {sentence: function of (mean, logvar, noise)}. Each
# is linear in the noise, and shows it where the mean is 1 and logvar 0.
DRAW_SLIPS: dict[str, Callable] = {
    "the noise is multiplied by the variance; it should be the standard deviation.": lambda m, v, e: (
        m + np.exp(v) * e
    ),
    "where the standard deviation is below 1, the noise is multiplied by the variance.": lambda m, v, e: (
        m + np.exp(np.where(v < 0, v, 0.5 * v)) * e
    ),
    "the noise is not scaled by the standard deviation.": lambda m, v, e: m + e,
    "the mean is missing.": lambda m, v, e: np.exp(0.5 * v) * e,
    "the mean is multiplied by the noise; it should be added.": lambda m, v, e: m * np.exp(0.5 * v) * e,
    "the standard deviation is added to the noise; multiply the noise by it.": lambda m, v, e: (
        m + np.exp(0.5 * v) + e
    ),
    "the noise is divided by the standard deviation: is there a minus in the exponent?": lambda m, v, e: (
        m + np.exp(-0.5 * v) * e
    ),
    "the noise is scaled by exp(2 logvar): halve logvar, do not double it.": lambda m, v, e: (
        m + np.exp(2 * v) * e
    ),
    "logvar is halved twice: the noise is scaled by exp(logvar / 4).": lambda m, v, e: (
        m + np.exp(0.25 * v) * e
    ),
    "the sign of logvar is lost: a negative one means little noise.": lambda m, v, e: (
        m + np.exp(0.5 * np.abs(v)) * e
    ),
    "logvar is cut off at -2 and 2. It may be any number.": lambda m, v, e: (
        m + np.exp(0.5 * np.clip(v, -2, 2)) * e
    ),
}


def reparameterise(function: Callable, trials: int = 3) -> None:
    """Checks that a `reparameterise(mean, logvar, key)` is mean + std * noise, whatever the noise is.

    Args:
      function: takes mean and logvar (batch, z_dim) and a key, returns (batch, z_dim).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name, shape = "the draw z", (6, 4)
    for rng in cases(trials):
        mean = np.float32(rng.uniform(1, 3, shape) * rng.choice([-1, 1], shape))
        logvar = np.float32(rng.uniform(0.5, 4.5, shape) * rng.permutation([-1, 1] * 12).reshape(shape))
        seed = int(rng.integers(2**31))

        def draw(mean, logvar, seed=seed):
            answer = call(name, function, jnp.asarray(mean), jnp.asarray(logvar), jax.random.key(seed))
            return require_shape(name, answer, shape, "one latent vector for each picture")

        ones, zeros = np.ones_like(mean), np.zeros_like(logvar)
        probe, z = draw(ones, zeros), draw(mean, logvar)
        if not np.allclose(z, draw(mean, logvar)):
            raise NotYet(
                f"{name} changes though the key does not: draw the noise with jax.random and the key "
                "handed in."
            )
        if np.allclose(probe, 1) or np.allclose(probe, 0):
            if np.allclose(z, mean):
                raise NotYet(f"{name} is the mean: the noise is missing.")
            raise NotYet(
                f"{name} has no noise where logvar is 0: logvar is the logarithm of the variance, so the "
                "standard deviation is 1 there. Did you take logvar for the standard deviation?"
            )

        def noise_of(slip, ones=ones, zeros=zeros, probe=probe):
            """The noise that gives the probe, if the learner's formula is this slip."""
            none, one = (slip(ones, zeros, noise) for noise in (zeros, ones))
            return (probe - none) / (one - none)

        slips = [(slip(mean, logvar, noise_of(slip)), sentence) for sentence, slip in DRAW_SLIPS.items()]
        compare(name, z, mean + np.exp(0.5 * logvar) * (probe - 1), slips)
    passed(name)


def fresh_noise(function: Callable, trials: int = 2) -> None:
    """Checks that the noise of a `reparameterise` is standard normal, new for each picture, latent and key.

    Args:
      function: as in `reparameterise`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the noise is something else; the message names the likely slip.
    """
    name, shape = "the noise", (2_000, 4)
    zeros = jnp.zeros(shape)
    for rng in cases(trials):
        seed = int(rng.integers(2**31 - 1))
        noise, again, other = (
            require_shape(name, call(name, function, zeros, zeros, jax.random.key(s)), shape)
            for s in (seed, seed, seed + 1)
        )
        require_finite(name, noise)
        if not np.allclose(noise, again):
            raise NotYet(
                f"{name} differs though the key is the same: draw it with jax.random and the key handed in."
            )
        if np.allclose(noise, 0):
            raise NotYet(f"{name} is 0 where mean and logvar are 0; the standard deviation is 1 there.")
        if np.allclose(noise, other):
            raise NotYet(
                f"{name} is the same for two keys: use the key that is handed in, not one made inside."
            )
        if np.allclose(noise, noise[:1]):
            raise NotYet(
                f"{name} is shared over the batch: every picture needs noise of its own, as large as mean."
            )
        if np.allclose(noise, noise[:, :1]):
            raise NotYet(
                f"{name} is shared over the latents: each needs its own, so draw noise of the shape of mean."
            )
        if len(np.unique(np.abs(noise))) < 0.9 * noise.size:
            raise NotYet(f"{name} holds the same numbers again and again: draw each entry by itself.")
        require_standard_normal(name, noise)
    passed(name)


def require_standard_normal(name: str, noise: np.ndarray) -> None:
    """Raises `NotYet` unless hundreds of numbers, or more, look like draws from a standard normal.

    True draws are refused less than once in ten million times.
    """
    require_finite(name, noise)
    centre, spread, largest = noise.mean(), noise.std(), np.abs(noise).max()
    if abs(centre) > 6 / np.sqrt(noise.size):
        raise NotYet(
            f"{name} has mean {centre:.2f}, and should have mean 0. Is it uniform instead of normal?"
        )
    gap = stats.kstest(noise.ravel(), "norm").statistic  # the largest gap between the distribution functions
    if abs(spread - 1) > 4.2 / np.sqrt(noise.size) or gap > 3 / np.sqrt(noise.size):
        outside = np.mean(np.abs(noise) > 2)
        raise NotYet(
            f"{name} is not standard normal: its standard deviation is {spread:.2f}, and {outside:.1%} of it "
            f"lies beyond 2; wanted 1 and 4.6 %. {_other_distribution(noise)}".strip()
        )
    if noise.size > 5_000 and largest < 3.1:
        raise NotYet(
            f"{name} never goes beyond {largest:.2f} in {noise.size:,} draws: it is cut off. A normal is not."
        )


def _other_distribution(noise):
    """A guess at what noise of the wrong shape is."""
    z = noise.ravel() / noise.std()
    peaked, flat = np.mean(z**4) > 4, np.mean(z**4) < 2.2  # 3 for a normal, 6 for Laplace, 1.8 for uniform
    return "It has heavy tails: is it Laplace noise?" if peaked else "Is it uniform?" if flat else ""


def gradient_through_noise(function: Callable, trials: int = 2) -> None:
    """Checks that the right gradients flow through a `reparameterise` to the mean and to logvar.

    Args:
      function: as in `reparameterise`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: a gradient is missing or wrong; the message names the likely slip.
    """
    name = "the gradient through z"
    for rng in cases(trials):
        mean, logvar = jnp.asarray(rng.normal(0, 1, (5, 3))), jnp.asarray(rng.uniform(-2, 2, (5, 3)))
        key = fresh_key(rng)

        def draw(mean, logvar, key=key):
            return function(mean, logvar, jax.random.clone(key))

        def gradients(mean, logvar, draw=draw):
            return jax.grad(lambda m, v: jnp.sum(draw(m, v)), argnums=(0, 1))(mean, logvar)

        to_mean, to_logvar = (np.asarray(slope) for slope in call(name, gradients, mean, logvar))
        if not to_mean.any() and not to_logvar.any():
            raise NotYet(f"{name} is 0 everywhere: is there a stop_gradient, or a step through NumPy?")
        arrives = [(np.zeros_like(to_mean), "nothing arrives: does z depend on the mean?")]
        compare(f"{name}, to the mean,", to_mean, np.ones_like(to_mean), arrives)
        require_finite(f"{name}, to logvar", to_logvar)
        if not np.all(to_logvar):
            raise NotYet(f"{name} does not reach every logvar.")
        step = 0.02  # the slope of z itself, whatever its formula: that is the business of `reparameterise`
        ahead, behind = (np.asarray(call(name, draw, mean, logvar + way)) for way in (step, -step))
        rises = (ahead - behind) / (2 * step)
        held = "a part of it is held back: is there a stop_gradient on the way?"
        slips = [(share * rises, held) for share in (0.5, 2.0)]
        compare(f"{name}, to logvar,", to_logvar, rises, slips, rtol=2e-2, atol=5e-3)
    passed(name)
