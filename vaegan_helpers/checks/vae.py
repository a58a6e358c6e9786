"""Checks of what a learner writes about the VAE."""

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    compare,
    fresh_key,
    numbers,
    passed,
    require_finite,
    require_shape,
)

PER_PICTURE = "one number for each picture"


def standard_deviation(function, trials=3):
    """Checks a `standard_deviation(logvar)`: exp(logvar / 2), of any shape."""
    name = "the standard deviation"
    for rng in cases(trials):
        logvar = np.float32(rng.uniform(0.3, 2, (4, 3)) * rng.choice([-1, 1], (4, 3)))
        with np.errstate(invalid="ignore"):
            slips = [
                (np.exp(logvar), "this is the variance. The standard deviation is its square root."),
                (np.exp(2 * logvar), "this is the square of the variance: halve logvar, do not double it."),
                (np.sqrt(logvar), "take the exponential first: logvar is a logarithm, and may be negative."),
                (np.exp(0.5) * logvar, "halve logvar inside the exponential."),
                (0.5 * logvar, "this is its logarithm. The exponential is missing."),
                (0.5 * np.exp(logvar), "this is half the variance: halve logvar inside the exponential."),
                (logvar, "logvar is the logarithm of the variance, not the standard deviation itself."),
            ]
        compare(
            name,
            call(name, function, jnp.asarray(logvar)),
            np.exp(0.5 * logvar),
            slips,
            meaning="that of logvar",
        )
    passed(name)


def reparameterise(function, trials=3):
    """Checks that a `reparameterise(mean, logvar, key)` is mean + std * noise, whatever the noise is."""
    name = "the draw z"
    for rng in cases(trials):
        mean, logvar = jnp.asarray(rng.uniform(1, 3, (6, 4))), jnp.asarray(rng.uniform(0.5, 1.5, (6, 4)))
        seed = int(rng.integers(2**31))

        def draw(mean, logvar):
            return require_shape(
                name,
                call(name, function, mean, logvar, jax.random.key(seed)),
                (6, 4),
                "one latent vector for each picture",
            )

        noise, z = draw(0 * mean, 0 * logvar), draw(mean, logvar)
        if not np.allclose(z, draw(mean, logvar)):
            raise NotYet(
                f"{name} changes though the key does not: draw the noise with jax.random and the key handed in."
            )
        mean, logvar = np.asarray(mean), np.asarray(logvar)
        if np.allclose(z, mean):
            raise NotYet(f"{name} is the mean: the noise is missing.")
        if np.allclose(noise, 0):
            raise NotYet(
                f"{name} has no noise where logvar is 0: logvar is the logarithm of the variance, so the standard "
                "deviation is 1 there. Did you take logvar for the standard deviation?"
            )
        std = np.exp(0.5 * logvar)
        slips = [
            (
                mean + std**2 * noise,
                "the noise is multiplied with the variance; it should be the standard deviation.",
            ),
            (mean + noise, "the noise is not scaled by the standard deviation."),
            (std * noise, "the mean is missing."),
            (mean * std * noise, "the mean is added, not multiplied."),
            (mean + std + noise, "the noise is multiplied with the standard deviation, not added to it."),
            (
                mean + noise / std,
                "the noise is divided by the standard deviation: is there a minus in the exponent?",
            ),
            (mean + std**4 * noise, "the noise is scaled by exp(2 logvar): halve logvar, do not double it."),
        ]
        compare(name, z, mean + std * noise, slips)
    passed(name)


def fresh_noise(function, trials=2):
    """Checks that the noise of a `reparameterise` is standard normal, and new for each picture, latent and key."""
    name = "the noise"
    rows, columns = 5_000, 4
    zeros = jnp.zeros((rows, columns))
    for rng in cases(trials):
        seed = int(rng.integers(2**31 - 1))
        noise, again, other = (
            require_shape(name, call(name, function, zeros, zeros, jax.random.key(s)), (rows, columns))
            for s in (seed, seed, seed + 1)
        )
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
                f"{name} is shared over the batch: every picture needs noise of its own, of the shape of mean."
            )
        if np.allclose(noise, noise[:, :1]):
            raise NotYet(
                f"{name} is shared over the latents: each needs its own, so draw noise of the shape of mean."
            )
        centre, spread = noise.mean(), noise.std()  # of 20,000 draws: right to 0.01
        outside = np.mean(np.abs(noise) > 2)  # 4.6 % of a normal
        if abs(centre) > 0.06:
            raise NotYet(
                f"{name} has mean {centre:.2f}, and should have mean 0. Is it uniform instead of normal?"
            )
        if abs(spread - 1) > 0.06 or not 0.03 < outside < 0.065:
            raise NotYet(
                f"{name} is not standard normal: its standard deviation is {spread:.2f}, and {outside:.1%} of it "
                "lies beyond 2; wanted 1 and 4.6 %."
            )
    passed(name)


def gradient_through_noise(function, trials=2):
    """Checks that gradients flow through a `reparameterise` to the mean and to logvar."""
    name = "the gradient through z"
    for rng in cases(trials):
        mean, logvar = jnp.asarray(rng.normal(0, 1, (5, 3))), jnp.asarray(rng.uniform(-1, 1, (5, 3)))
        seed = int(rng.integers(2**31))

        def gradients(mean, logvar):
            def total(mean, logvar):
                return jnp.sum(function(mean, logvar, jax.random.key(seed)))

            return jax.grad(total, argnums=(0, 1))(mean, logvar)

        to_mean, to_logvar = (np.asarray(g) for g in call(name, gradients, mean, logvar))
        if not to_mean.any() and not to_logvar.any():
            raise NotYet(f"{name} is 0 everywhere: is there a stop_gradient, or a step through NumPy?")
        compare(
            f"{name}, to the mean,",
            to_mean,
            np.ones_like(to_mean),
            [(np.zeros_like(to_mean), "nothing arrives: does z depend on the mean?")],
        )
        require_finite(f"{name}, to logvar", to_logvar)
        if not np.all(to_logvar):
            raise NotYet(f"{name} does not reach every logvar.")
    passed(name)


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
        mean, logvar, batch, z_dim = _posteriors(rng)
        truth = np.asarray(losses.kl_to_standard_normal(mean, logvar))
        each = _kl_of_each_latent(mean, logvar)
        slips = [
            (-truth, "the sign is the wrong way round. A KL is never negative."),
            (2 * truth, "it is 2.0 times too large: the closed form begins with one half."),
            (each, "this is one number for each latent: sum over the latents, axis 1."),
            (
                each.mean(axis=1),
                f"it is {z_dim:.1f} times too small: sum over the latents, do not average them.",
            ),
            (
                truth.sum(),
                "this is one number for the whole batch: did you sum over the batch? Sum over axis 1 alone.",
            ),
            (
                truth.mean(),
                "this is one number for the whole batch: did you average over the batch? Leave axis 0 as it is.",
            ),
            (
                each.mean(),
                "this is the mean over everything: sum over the latents, axis 1, and leave axis 0 as it is.",
            ),
            (each.sum(axis=0), "you summed over the batch, axis 0. Sum over the latents, axis 1."),
            (batch * truth, f"it is {batch:.1f} times too large: did you sum over the batch as well?"),
            (
                _kl_of_each_latent(mean, 2 * logvar).sum(axis=1),
                "logvar is the logarithm of the variance, and you took it for that of the standard deviation.",
            ),
            (
                0.5 * np.sum(mean**2 + logvar**2 - 1 - np.log(logvar**2), axis=1),
                "logvar is a logarithm, and you took it for the standard deviation itself.",
            ),
            (truth + z_dim / 2, f"it is {z_dim / 2:.1f} nats too large: the 1 of each latent is missing."),
            (
                0.5 * np.sum(mean**2 + np.exp(logvar) - 1 + logvar, axis=1),
                "the logarithm of the variance is subtracted.",
            ),
            (0.5 * np.sum(np.exp(logvar) - 1 - logvar, axis=1), "the squared means are missing."),
            (0.5 * np.sum(mean + np.exp(logvar) - 1 - logvar, axis=1), "the means count squared."),
            (
                _kl_the_other_way(mean, logvar),
                "this is KL(p || q), the other direction: the cloud comes first.",
            ),
        ]
        answer = call(name, function, jnp.asarray(mean), jnp.asarray(logvar))
        compare(name, answer, truth, slips, meaning=PER_PICTURE)
    passed(name)


def nats_per_latent(function, trials=3):
    """Checks a `nats_per_latent(mean, logvar)`: the KL of each latent, averaged over the pictures, (z_dim,)."""
    name = "the nats of each latent"
    for rng in cases(trials):
        mean, logvar, batch, _ = _posteriors(rng)
        each = _kl_of_each_latent(mean, logvar)
        slips = [
            (each.sum(axis=0), f"they are {batch:.1f} times too large: average over the batch, do not sum."),
            (
                each.sum(axis=1),
                "this is one number for each picture: average over axis 0, and leave the latents apart.",
            ),
            (each.mean(axis=1), "this is one number for each picture: average over axis 0, not over axis 1."),
            (each, "this is one number for each picture and latent: average over the batch, axis 0."),
            (each.mean(), "this is one number for everything: leave the latents apart."),
            (each.sum(axis=1).mean(), "this is the KL of the average picture: leave the latents apart."),
            (
                _kl_of_each_latent(mean.mean(axis=0), logvar.mean(axis=0)),
                "average the KL over the pictures, not mean and logvar: the KL of an average is smaller.",
            ),
            (-each.mean(axis=0), "the sign is the wrong way round. A KL is never negative."),
            (2 * each.mean(axis=0), "they are 2.0 times too large: the closed form begins with one half."),
        ]
        answer = call(name, function, jnp.asarray(mean), jnp.asarray(logvar))
        compare(name, answer, each.mean(axis=0), slips, meaning="one number for each latent")
    passed(name)


def log_likelihood(function, trials=3):
    """Checks a `log_likelihood(logits, x)`: log p(x) of each picture under independent pixels, in nats, (batch,)."""
    name = "the log-likelihood"
    for rng in cases(trials):
        batch, x_dim = rng.choice(range(3, 9), 2, replace=False)
        logits, x = (
            np.float32(rng.normal(0, 2, (batch, x_dim))),
            np.float32(rng.uniform(0, 1, (batch, x_dim))),
        )
        p = 1 / (1 + np.exp(-logits))
        ink, paper = x * np.log(p), (1 - x) * np.log(1 - p)
        truth = np.asarray(losses.bernoulli_log_likelihood(jnp.asarray(logits), jnp.asarray(x)))
        with np.errstate(invalid="ignore", divide="ignore"):
            unsquashed = np.sum(x * np.log(logits) + (1 - x) * np.log(1 - logits), axis=1)
        twice = 1 / (1 + np.exp(-p))
        slips = [
            (-truth, "this is the surprise. The log-likelihood is minus that, and never positive."),
            (unsquashed, "you took logits for probabilities: the sigmoid comes first."),
            (
                np.sum(x * np.log(twice) + (1 - x) * np.log(1 - twice), axis=1),
                "there are two sigmoids: one is enough.",
            ),
            (
                ink.sum(axis=1),
                "only the ink counts here: the half for paper, (1 - x) log(1 - p), is missing.",
            ),
            (paper.sum(axis=1), "only the paper counts here: the half for ink, x log p, is missing."),
            (
                np.sum(ink - paper, axis=1),
                "both halves are added: each is a logarithm, and none is positive.",
            ),
            (np.sum(x * np.log(1 - p) + (1 - x) * np.log(p), axis=1), "ink and paper are exchanged."),
            (truth / x_dim, f"it is {x_dim:.1f} times too small: sum over the pixels, do not average them."),
            (ink + paper, "this is one number for each pixel: sum over the pixels, axis 1."),
            (
                truth.sum(),
                "this is one number for the whole batch: did you sum over the batch? Sum over axis 1 alone.",
            ),
            (
                truth.mean(),
                "this is one number for the whole batch: did you average over the batch? Leave axis 0 as it is.",
            ),
            (
                (ink + paper).mean(),
                "this is the mean over everything: sum over the pixels, axis 1, and keep axis 0.",
            ),
            ((ink + paper).sum(axis=0), "you summed over the batch, axis 0. Sum over the pixels, axis 1."),
            (
                -np.sum((x - p) ** 2, axis=1),
                "this is the squared error: the likelihood of a Gaussian, not of ink or paper.",
            ),
        ]
        compare(
            name, call(name, function, jnp.asarray(logits), jnp.asarray(x)), truth, slips, meaning=PER_PICTURE
        )
    passed(name)


def log_likelihood_far_out(function, trials=3):
    """Checks that a `log_likelihood` stays finite, and keeps its gradient, where the decoder is very sure."""
    name = "the log-likelihood at large logits"
    for rng in cases(trials):
        logits = jnp.asarray(rng.uniform(60, 90, (3, 4)) * rng.choice([-1, 1], (3, 4)))
        x = jnp.asarray(rng.uniform(0.3, 0.7, (3, 4)))
        answer = require_shape(name, call(name, function, logits, x), (3,), PER_PICTURE)
        require_finite(name, answer)
        compare(name, answer, losses.bernoulli_log_likelihood(logits, x))

        def gradient(logits):
            return jax.grad(lambda values: jnp.sum(function(values, x)))(logits)

        slope = numbers(name, call(name, gradient, logits))
        require_finite("its gradient", slope)
        compare(
            f"the gradient of {name}",
            slope,
            x - jax.nn.sigmoid(logits),
            [
                (
                    np.zeros((3, 4)),
                    "it is 0. A clipped probability has no slope: stay with the logits, where "
                    "log p = -softplus(-logit).",
                )
            ],
        )
    passed(name)


def vae_loss(function, trials=3):
    """Checks a `vae_loss(model, x, key, beta)` at beta = 1: minus the ELBO, averaged over the batch, one number."""
    name = "the loss"
    for rng in cases(trials):
        model, x, z_dim, x_dim = _LinearVAE(rng), *_pictures(rng)
        reconstruction, rate = model.parts(x)
        batch = len(x)
        from_probabilities = -losses.bernoulli_log_likelihood(model.decode(model.mean(x)), x)
        slips = [
            (
                -(reconstruction + rate).mean(),
                "this is the ELBO itself, which is maximised. The loss is minus that.",
            ),
            (
                (reconstruction - rate).mean(),
                "the KL is added to the surprise: both are costs. Check its sign.",
            ),
            (
                (rate - reconstruction).mean(),
                "the log-likelihood has the wrong sign: its negative, the surprise, is a cost.",
            ),
            (
                (reconstruction + rate).sum(),
                f"it is {batch:.1f} times too large: did you sum over the batch?",
            ),
            (reconstruction + rate, "this is one number for each picture: average over the batch."),
            (reconstruction.mean(), "the KL is missing."),
            (rate.mean(), "the reconstruction is missing."),
            (
                (reconstruction + rate / z_dim).mean(),
                "the KL is averaged over the latents; it should be summed.",
            ),
            (
                (reconstruction / x_dim + rate).mean(),
                "the reconstruction is averaged over the pixels; it should be summed.",
            ),
            (
                (from_probabilities + rate).mean(),
                "you took probabilities for logits: use model.decoder, not model.decode.",
            ),
            (
                (reconstruction.sum() + rate.mean()),
                "the reconstruction is summed over the batch; it should be averaged.",
            ),
            ((reconstruction.mean() + rate.sum()), "the KL is summed over the batch; it should be averaged."),
            (
                (reconstruction + 0.5 * rate).mean(),
                "the KL is 2.0 times too small: its one half stands there twice.",
            ),
            ((reconstruction + 2 * rate).mean(), "the KL is 2.0 times too large: its one half is missing."),
        ]
        answer = call(name, function, model, x, fresh_key(rng), 1.0)
        compare(name, answer, (reconstruction + rate).mean(), slips, meaning="one number")
    passed(name)


def vae_loss_beta(function, trials=3):
    """Checks that beta weighs the KL in a `vae_loss`, and nothing else."""
    name = "the effect of beta"
    for rng in cases(trials):
        model, x = _LinearVAE(rng), _pictures(rng)[0]
        reconstruction, rate = (part.mean() for part in model.parts(x))
        beta = float(rng.uniform(2, 8))
        at_one, at_beta = (
            numbers(name, call(name, function, model, x, fresh_key(rng), b)) for b in (1.0, beta)
        )
        grown = at_beta - at_one
        if np.size(grown) == 1 and np.allclose(np.abs(grown), (beta - 1) * rate, rtol=1e-3):
            continue  # the sign is the business of `vae_loss`
        extra = (beta - 1) * np.array([0, reconstruction, reconstruction + rate, rate / 2, 2 * rate])
        slips = [
            (extra[0], "there is none: beta is not used."),
            (extra[1], "beta stands on the reconstruction. It weighs the KL."),
            (extra[2], "beta stands on the whole loss. It weighs the KL alone."),
            (
                (1 / beta - 1) * reconstruction,
                "the reconstruction is divided by beta. Multiply the KL with it.",
            ),
            ((1 / beta - 1) * rate, "the KL is divided by beta, and should be multiplied with it."),
            ((beta**2 - 1) * rate, "beta stands there twice."),
        ]
        compare(name, np.mean(grown) if np.size(grown) == len(x) else grown, (beta - 1) * rate, slips)
    passed(name)


def vae_loss_noise(function, trials=2):
    """Checks that a `vae_loss` decodes a draw from the cloud, drawn with the key and new for each picture."""
    name = "the draw in the loss"
    for rng in cases(trials):
        model = _LinearVAE(rng, logvar=0.0)
        x = jnp.tile(jnp.asarray(rng.uniform(0, 1, (1, model.x_dim))), (1_000, 1))  # one picture many times
        seeds = rng.integers(2**31, size=12)
        # with beta = 0, since the KL is not the business of this check
        values = [
            np.mean(numbers(name, call(name, function, model, x, jax.random.key(int(seed)), 0.0)))
            for seed in (seeds[0], *seeds)
        ]
        if not np.isclose(values[0], values[1]):
            raise NotYet(f"{name} changes though the key does not: use the key that is handed in.")
        if np.allclose(values, values[0], rtol=1e-6):
            raise NotYet(
                f"{name} does not depend on the key. Is the mean decoded? Draw z with losses.reparameterise, "
                "hand it the key, and decode z."
            )
        scatter = np.std(values[1:]) / abs(np.mean(values))
        of_draws = model.surprise_of_draws(x, fresh_key(rng))
        if scatter > 0.25 * np.std(of_draws) / np.mean(of_draws):  # 1 if all share one draw, 0.03 if none do
            raise NotYet(
                f"{name} scatters too much for {len(x):,} pictures: is one noise shared over the batch?"
            )
    passed(name)


class _LinearVAE:
    """A VAE of two random matrices: small, new for every trial, with clouds as narrow as wanted."""

    def __init__(self, rng, x_dim=7, z_dim=3, logvar=-30.0):
        self.x_dim, self.z_dim, self.logvar = x_dim, z_dim, logvar
        self.down = jnp.asarray(rng.normal(0, 0.8, (x_dim, z_dim)))
        self.up = jnp.asarray(rng.normal(0, 1, (z_dim, x_dim)))

    def mean(self, x):
        return x @ self.down

    def encode(self, x):
        mean = self.mean(x)
        return mean, jnp.full_like(mean, self.logvar)

    encoder = encode

    def decoder(self, z):
        return z @ self.up

    def decode(self, z):
        return jax.nn.sigmoid(self.decoder(z))

    def parts(self, x):
        """Reconstruction and KL of each picture, (batch,) each, at the centres of the clouds."""
        mean, logvar = self.encode(x)
        return (
            -np.asarray(losses.bernoulli_log_likelihood(self.decoder(mean), x)),
            np.asarray(losses.kl_to_standard_normal(mean, logvar)),
        )

    def surprise_of_draws(self, x, key):
        z = losses.reparameterise(*self.encode(x), key)
        return -np.asarray(losses.bernoulli_log_likelihood(self.decoder(z), x))


def _pictures(rng):
    """Random pictures for a `_LinearVAE`, with its z_dim and x_dim."""
    return jnp.asarray(rng.uniform(0, 1, (int(rng.integers(4, 9)), 7))), 3, 7


def _posteriors(rng):
    """Means and log variances (batch, z_dim) of random clouds, with batch and z_dim, which differ."""
    batch, z_dim = rng.choice(range(3, 9), 2, replace=False)
    mean = np.float32(rng.normal(0, 1.5, (batch, z_dim)))
    return mean, np.float32(rng.uniform(-2, 1.5, (batch, z_dim))), batch, z_dim


def _kl_of_each_latent(mean, logvar):
    return 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)


def _kl_the_other_way(mean, logvar):
    return 0.5 * np.sum((1 + mean**2) / np.exp(logvar) - 1 + logvar, axis=1)
