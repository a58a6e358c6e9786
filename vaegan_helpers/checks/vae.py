"""Checks of what a learner writes about the VAE."""

import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.answers import call, cases, compare, passed


def kl(function, trials=3):
    """Checks a `kl(mean, logvar)` that gives KL(N(mean, exp(logvar)) || N(0, I)) of each picture.

    Args:
      function: takes mean and logvar (batch, z_dim), returns (batch,), in nats.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the KL"
    for rng in cases(trials):
        batch, z_dim = rng.choice(range(3, 9), 2, replace=False)
        mean, logvar = np.float32(rng.normal(0, 1.5, (batch, z_dim))), np.float32(rng.uniform(-2, 1.5, (batch, z_dim)))
        truth = np.asarray(losses.kl_to_standard_normal(mean, logvar))
        each = 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)
        std = logvar  # the slip: what is handed in is taken for a standard deviation, or for its logarithm
        slips = [
            (-truth, "the sign is the wrong way round. A KL is never negative."),
            (2 * truth, "it is 2.0 times too large: the closed form begins with one half."),
            (each, "this is one number for each latent: sum over the latents, axis 1."),
            (each.mean(axis=1), f"it is {z_dim:.1f} times too small: sum over the latents, do not average them."),
            (truth.sum(), "this is one number for the whole batch: did you sum over the batch? Keep axis 0."),
            (truth.mean(), "this is one number for the whole batch: did you average over the batch? Keep axis 0."),
            (each.mean(), "this is one number for the whole batch: sum over axis 1 and keep axis 0."),
            (each.sum(axis=0), "you summed over the batch, axis 0. Sum over the latents, axis 1."),
            (0.5 * np.sum(mean**2 + np.exp(2 * logvar) - 1 - 2 * logvar, axis=1),
             "logvar is the logarithm of the variance, and you took it for that of the standard deviation."),
            (0.5 * np.sum(mean**2 + std**2 - 1 - np.log(std**2), axis=1),
             "logvar is a logarithm, and you took it for the standard deviation itself."),
            (truth + z_dim / 2, f"it is {z_dim / 2:.1f} nats too large: the 1 of each latent is missing."),
            (0.5 * np.sum(mean**2 + np.exp(logvar) - 1 + logvar, axis=1), "the logarithm of the variance is subtracted."),
            (0.5 * np.sum(np.exp(logvar) - 1 - logvar, axis=1), "the squared means are missing."),
            (0.5 * np.sum(mean + np.exp(logvar) - 1 - logvar, axis=1), "the means count squared."),
        ]
        compare(name, call(name, function, mean, logvar), truth, slips, meaning="one number for each picture")
    passed(name)
