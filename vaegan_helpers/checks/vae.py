"""Checks of the formulas of the VAE that a learner writes: deviation, KL and likelihood.

`vae_draw` holds those of the draw, `vae_loss` those of the loss, `vae_training` those of a training loop.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import (
    call,
    cases,
    compare,
    numbers,
    passed,
    require_finite,
    require_shape,
)
from vaegan_helpers.checks.table import Check

PER_PICTURE = "one number for each picture"
SIZES = [(3, 5), (6, 4), (8, 3)]  # (batch, width): few, since every shape is compiled anew
LOGVAR = (-5.0, 4.0)  # beyond where a careful learner might clip it, and both signs


def _posteriors(rng):
    """Means and log variances, (batch, z_dim) each, of random Gaussians."""
    shape = SIZES[rng.integers(len(SIZES))]
    return np.float32(rng.normal(0, 1.5, shape)), np.float32(rng.uniform(*LOGVAR, shape))


standard_deviation = Check(
    "the standard deviation",
    "a `standard_deviation(logvar)`: exp(logvar / 2), entry by entry, of any shape.",
    lambda rng: [np.float32(rng.uniform(0.3, 4.5, (4, 3)) * rng.choice([-1, 1], (4, 3)))],
    lambda v: np.exp(0.5 * v),
    {
        "this is the variance. The standard deviation is its square root.": lambda v: np.exp(v),
        "this is the square of the variance: halve logvar, do not double it.": lambda v: np.exp(2 * v),
        "take the exponential first: logvar is a logarithm, and may be negative.": lambda v: np.sqrt(v),
        "halve logvar inside the exponential.": lambda v: np.exp(0.5) * v,
        "this is its logarithm. The exponential is missing.": lambda v: 0.5 * v,
        "this is half the variance: halve logvar inside the exponential.": lambda v: 0.5 * np.exp(v),
        "logvar is the logarithm of the variance, not the standard deviation itself.": lambda v: 1.0 * v,
        "logvar is halved twice.": lambda v: np.exp(0.25 * v),
        "the sign of logvar is lost: where it is negative, the deviation is below 1.": lambda v: np.exp(
            0.5 * np.abs(v)
        ),
        "the sign of logvar is the wrong way round.": lambda v: np.exp(-0.5 * v),
        "logvar is cut off at -2 and 2. It may be any number.": lambda v: np.exp(0.5 * np.clip(v, -2, 2)),
        "where it is below 1 this is the variance: the root belongs to every entry.": lambda v: np.where(
            v < 0, np.exp(v), np.exp(0.5 * v)
        ),
    },
    meaning="that of logvar",
)


def kl_of_each_latent(mean: Any, logvar: Any) -> Any:
    return 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)


def _unit_clouds(rng):
    mean, logvar = _posteriors(rng)
    return mean, np.zeros_like(logvar)


_each = kl_of_each_latent
kl = Check(
    "the KL",
    "a `kl(mean, logvar)`: KL(N(mean, exp(logvar)) || N(0, I)) of each picture, in nats, (batch,).",
    _posteriors,
    lambda m, v: _each(m, v).sum(1),
    {
        "the sign is the wrong way round. A KL is never negative.": lambda m, v: -_each(m, v).sum(1),
        "it is 2.0 times too large: the closed form begins with one half.": lambda m, v: (
            2 * _each(m, v).sum(1)
        ),
        "this is one number for each latent: sum over the latents, axis 1.": _each,
        "it is {1}.0 times too small: sum over the latents, do not average them.": lambda m, v: _each(
            m, v
        ).mean(1),
        "this is one number for the whole batch: did you sum over the batch? Sum over axis 1 alone.": (
            lambda m, v: _each(m, v).sum()
        ),
        "this is one number for the whole batch: did you average over the batch? Leave axis 0 as it is.": (
            lambda m, v: _each(m, v).sum(1).mean()
        ),
        "this is the mean over everything: sum over the latents, axis 1, and leave axis 0 as it is.": (
            lambda m, v: _each(m, v).mean()
        ),
        "you summed over the batch, axis 0. Sum over the latents, axis 1.": lambda m, v: _each(m, v).sum(0),
        "it is {0}.0 times too large: did you sum over the batch as well?": lambda m, v: (
            len(m) * _each(m, v).sum(1)
        ),
        "logvar is the logarithm of the variance, and you took it for that of the standard deviation.": (
            lambda m, v: _each(m, 2 * v).sum(1)
        ),
        "logvar is a logarithm, and you took it for the standard deviation itself.": lambda m, v: (
            0.5 * np.sum(m**2 + v**2 - 1 - np.log(v**2), 1)
        ),
        "logvar is halved, as for a standard deviation; here the variance stands.": lambda m, v: _each(
            m, 0.5 * v
        ).sum(1),
        "the 1 of each latent is missing.": lambda m, v: (_each(m, v) + 0.5).sum(1),
        "the logarithm of the variance is subtracted.": lambda m, v: (_each(m, v) + v).sum(1),
        "the squared means are missing.": lambda m, v: _each(0 * m, v).sum(1),
        "the means count squared.": lambda m, v: (_each(m, v) - 0.5 * m**2 + 0.5 * m).sum(1),
        "logvar is cut off at -2 and 2. It may be any number.": lambda m, v: _each(m, np.clip(v, -2, 2)).sum(
            1
        ),
        "this is KL(p || q), the other direction: the cloud comes first.": lambda m, v: (
            0.5 * np.sum((1 + m**2) / np.exp(v) - 1 + v, 1)
        ),
    },
    meaning=PER_PICTURE,
)

kl_of_unit_clouds = kl.easier(
    "the KL of clouds of size 1",
    "a `kl(mean, logvar)` where every logvar is 0: half the squared length of each mean, in nats, (batch,).",
    _unit_clouds,
    (
        "logvar",
        "the logarithm of the variance is subtracted",
        "this is KL(p || q)",
    ),
)

nats_per_latent = Check(
    "the nats of each latent",
    "a `nats_per_latent(mean, logvar)`: the KL of each latent, averaged over the batch, in nats, (z_dim,).",
    _posteriors,
    lambda m, v: _each(m, v).mean(0),
    {
        "they are {0}.0 times too large: average over the batch, do not sum.": lambda m, v: _each(m, v).sum(
            0
        ),
        "this is one number for each picture: average over axis 0, and leave the latents apart.": (
            lambda m, v: _each(m, v).sum(1)
        ),
        "this is one number for each picture: average over axis 0, not over axis 1.": lambda m, v: _each(
            m, v
        ).mean(1),
        "this is one number for each picture and latent: average over the batch, axis 0.": _each,
        "this is one number for everything: leave the latents apart.": lambda m, v: _each(m, v).mean(),
        "this is the KL of the average picture: leave the latents apart.": lambda m, v: (
            _each(m, v).sum(1).mean()
        ),
        "average the KL over the pictures, not mean and logvar: the KL of an average is smaller.": (
            lambda m, v: _each(m.mean(0), v.mean(0))
        ),
        "the sign is the wrong way round. A KL is never negative.": lambda m, v: -_each(m, v).mean(0),
        "they are 2.0 times too large: the closed form begins with one half.": lambda m, v: (
            2 * _each(m, v).mean(0)
        ),
        "logvar is cut off at -2 and 2. It may be any number.": lambda m, v: _each(m, np.clip(v, -2, 2)).mean(
            0
        ),
    },
    meaning="one number for each latent",
)


def sigmoid(x: Any) -> Any:
    return np.exp(-np.logaddexp(0, -x))


def log_p_of_pixels(logits: Any, x: Any) -> Any:
    """log p of each pixel."""
    return x * logits - np.logaddexp(0, logits)


def _of_probabilities(p, x):
    return x * np.log(p) + (1 - x) * np.log(1 - p)


def _logits_and_pictures(rng):
    shape = SIZES[rng.integers(len(SIZES))]
    return np.float32(rng.normal(0, 2, shape)), np.float32(rng.uniform(0, 1, shape))


log_likelihood = Check(
    "the log-likelihood",
    "a `log_likelihood(logits, x)`: log p(x) of each picture under independent pixels, in nats, (batch,).",
    _logits_and_pictures,
    lambda s, x: log_p_of_pixels(s, x).sum(1),
    {
        "this is the surprise. The log-likelihood is minus that, and never positive.": lambda s, x: (
            -log_p_of_pixels(s, x).sum(1)
        ),
        "you took logits for probabilities: the sigmoid comes first.": (
            lambda s, x: _of_probabilities(s, x).sum(1),
            lambda s, x: _of_probabilities(np.clip(s, 1e-7, 1 - 1e-7), x).sum(1),
        ),
        "there are two sigmoids: one is enough.": lambda s, x: log_p_of_pixels(sigmoid(s), x).sum(1),
        "only the ink counts here: the half for paper, (1 - x) log(1 - p), is missing.": lambda s, x: np.sum(
            x * np.log(sigmoid(s)), 1
        ),
        "only the paper counts here: the half for ink, x log p, is missing.": lambda s, x: np.sum(
            (1 - x) * np.log(sigmoid(-s)), 1
        ),
        "both halves are added: each is a logarithm, and none is positive.": lambda s, x: np.sum(
            x * np.log(sigmoid(s)) - (1 - x) * np.log(sigmoid(-s)), 1
        ),
        "ink and paper are exchanged.": lambda s, x: log_p_of_pixels(-s, x).sum(1),
        "it is {1}.0 times too small: sum over the pixels, do not average them.": lambda s, x: (
            log_p_of_pixels(s, x).mean(1)
        ),
        "this is one number for each pixel: sum over the pixels, axis 1.": log_p_of_pixels,
        "this is one number for the whole batch: did you sum over the batch? Sum over axis 1 alone.": (
            lambda s, x: log_p_of_pixels(s, x).sum()
        ),
        "this is one number for the whole batch: did you average over the batch? Leave axis 0 as it is.": (
            lambda s, x: log_p_of_pixels(s, x).sum(1).mean()
        ),
        "this is the mean over everything: sum over the pixels, axis 1, and keep axis 0.": lambda s, x: (
            log_p_of_pixels(s, x).mean()
        ),
        "you summed over the batch, axis 0. Sum over the pixels, axis 1.": lambda s, x: log_p_of_pixels(
            s, x
        ).sum(0),
        "the pictures are rounded to ink or paper: a pixel may be grey.": lambda s, x: log_p_of_pixels(
            s, np.round(x)
        ).sum(1),
        "this is the squared error: the likelihood of a Gaussian, not of ink or paper.": lambda s, x: (
            -np.sum((x - sigmoid(s)) ** 2, 1)
        ),
    },
    meaning=PER_PICTURE,
)


def log_likelihood_far_out(function: Callable, trials: int = 3) -> None:
    """Checks that a `log_likelihood` stays exact, and keeps its gradient, where the decoder is very sure.

    Args:
      function: takes logits and x (batch, x_dim), returns (batch,).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the value or its gradient is wrong; the message names the likely slip.
    """
    name = "the log-likelihood at large logits"
    for rng in cases(trials):
        logits = np.float32(rng.uniform(60, 90, (3, 4)) * rng.choice([-1, 1], (3, 4)))
        x = np.float32(rng.uniform(0.3, 0.7, (3, 4)))
        answer = require_shape(
            name, call(name, function, jnp.asarray(logits), jnp.asarray(x)), (3,), PER_PICTURE
        )
        require_finite(name, answer)
        # a cut-off probability costs the same wherever the decoder is very sure and the pixel is grey
        surprising = np.where(logits > 0, 1 - x, x).sum(1)
        cost = answer @ surprising / (surprising @ surprising)
        cut_off = (
            f"the probabilities are cut off, at about {np.exp(min(cost, 0)):.0e}. Stay with the logits, "
            "where log p = -softplus(-logit)."
        )
        slips = [(cost * surprising, cut_off)] if cost < -2 else []
        compare(name, answer, log_p_of_pixels(logits, x).sum(1), slips)

        def gradient(logits, x):
            return jax.grad(lambda values: jnp.sum(function(values, x)))(logits)

        slope = numbers(name, call(name, gradient, jnp.asarray(logits), jnp.asarray(x)))
        require_finite("its gradient", slope)
        flat = (
            "it is 0. A clipped probability has no slope: stay with the logits, "
            "where log p = -softplus(-logit)."
        )
        compare(f"the gradient of {name}", slope, x - sigmoid(logits), [(np.zeros((3, 4)), flat)])
    passed(name)
