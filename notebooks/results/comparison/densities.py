"""Bounds on a density, scores of oddness, and the kernel estimate."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.metrics import roc_auc_score
from vaegan_helpers import losses, metrics

from comparison.latents import nearest_sample, search
from comparison.players import SIZES, digits

# of the importance-weighted bound; to fit a Gaussian to each picture
DRAWS, FIT_STEPS = [1, 10, 100, 1000, 10_000], 500


def binarised(key):
    """The held-out digits with every pixel drawn, black or white: for them the Bernoulli likelihood
    is normalised.
    """
    return jax.random.bernoulli(key, digits.test_images).astype(jnp.float32)


class Fitted(NamedTuple):
    """A decoder with a Gaussian of its own for each picture, in the place of the encoder."""

    decoder: Any
    mean: jax.Array
    logvar: jax.Array

    def encode(self, x):
        return self.mean, self.logvar


@functools.partial(jax.jit, static_argnames="steps")
def fitted(vae, x, key, steps=FIT_STEPS):
    """The encoder's Gaussians moved by Adam to where each picture's ELBO is highest."""

    def minus_elbo(posterior, noise_key):
        z = losses.reparameterise(*posterior, noise_key)
        return -(
            losses.bernoulli_log_likelihood(vae.decoder(z), x)
            - losses.kl_to_standard_normal(*posterior)
        ).sum()

    optimizer = optax.adam(optax.cosine_decay_schedule(0.05, steps))

    def step(state, noise_key):
        posterior, adam = state
        updates, adam = optimizer.update(jax.grad(minus_elbo)(posterior, noise_key), adam)
        return (optax.apply_updates(posterior, updates), adam), None

    start = vae.encode(x)
    (posterior, _), _ = jax.lax.scan(
        step, (start, optimizer.init(start)), jax.random.split(key, steps)
    )
    return Fitted(vae.decoder, *posterior)


def bounds(vae, key, draws):
    """Lower bounds on log p of 100 held-out black-and-white digits, in nats, by the encoder's and
    by fitted Gaussians.

    "independent" is what pixels that know nothing of each other reach.
    """
    pixel_key, fit_key, *draw_keys = jax.random.split(key, 2 + len(draws))
    x = binarised(pixel_key)[:100]
    mean = np.clip(digits.train_images.mean(axis=0), 1e-3, 1 - 1e-3)
    alone = losses.bernoulli_log_likelihood(
        jnp.broadcast_to(jnp.log(mean / (1 - mean)), x.shape), x
    )

    def by(proposal):
        return {
            str(count): float(
                metrics.importance_weighted_bound(
                    proposal, x, jax.random.clone(draw_key), count
                ).mean()
            )
            for count, draw_key in zip(draws, draw_keys)
        }

    return {
        "independent": float(alone.mean()),
        "encoder": by(vae),
        "fitted": by(fitted(vae, x, fit_key)),
    }


def odd_pictures(seed):
    """Three ways of being odd: chimeras of two digits, digits lying on their side, digits in faint
    ink.
    """
    images, labels = digits.test_images.reshape(-1, 28, 28), digits.test_labels
    rng = np.random.default_rng(seed)
    partner = np.array([rng.choice(np.flatnonzero(labels != label)) for label in labels])
    chimeras = np.concatenate([images[:, :, :14], images[partner][:, :, 14:]], axis=2)
    return {
        "chimeras": chimeras.reshape(-1, 784),
        "lying": np.rot90(images, axes=(1, 2)).reshape(-1, 784),
        "faint": 0.5 * digits.test_images,
    }


def oddness(vae, generator, discriminator, seed):
    """How well scores tell odd pictures from held-out digits: areas under ROC curves, 0.5 a coin.

    The bound is one on a probability for black and white pictures only, so for it every pixel is
    drawn.
    """
    bound_key, pixel_key, start_key = jax.random.split(jax.random.key(seed), 3)
    pictures = {"usual": digits.test_images} | odd_pictures(seed)
    drawn = dict(zip(pictures, jax.random.split(pixel_key, len(pictures))))

    def bound(kind):
        x = jax.random.bernoulli(drawn[kind], pictures[kind]).astype(jnp.float32)
        return metrics.importance_weighted_bound(vae, x, jax.random.clone(bound_key), 10)

    def residual(kind):
        images = np.asarray(pictures[kind])
        start = nearest_sample(generator, images, jax.random.clone(start_key))
        return search(generator, jnp.asarray(images), start)[1]

    def rebuilt(x):
        return jnp.sum((vae.decode(vae.encode(x)[0]) - x) ** 2, axis=1)

    scores = {
        "bound": lambda kind: -bound(kind),
        "reconstruction": lambda kind: rebuilt(jnp.asarray(pictures[kind])),
        "discriminator": lambda kind: -discriminator(jnp.asarray(pictures[kind])),
        "search": residual,
        "largest pixel": lambda kind: -pictures[kind].max(axis=1),
    }
    found = {}
    for name, score in scores.items():
        usual = np.asarray(score("usual"))
        for kind in list(pictures)[1:]:
            values = np.concatenate([usual, np.asarray(score(kind))])
            found[f"{name}, {kind}"] = roc_auc_score(np.arange(len(values)) >= len(usual), values)
    return found


def kernel_estimate(centres):
    """Mean log density of held-out digits under a Gaussian at each centre, in nats; width chosen on
    every other one.
    """
    squared = np.maximum(
        (digits.test_images**2).sum(1)[:, None]
        + (centres**2).sum(1)
        - 2 * digits.test_images @ np.asarray(centres).T,
        0,
    ).astype(float)

    def scores(width):
        return (
            logsumexp(-squared / (2 * width**2), axis=1)
            - np.log(len(centres))
            - 392 * np.log(2 * np.pi * width**2)
        )

    best = max(np.linspace(0.1, 0.4, 31), key=lambda width: scores(width)[::2].mean())
    return float(scores(best)[1::2].mean())


def kernel_estimates(vae, generator, seed):
    """The estimate for five sets of 1,000 pictures."""
    rng, (z_key, pixel_key) = np.random.default_rng(seed), jax.random.split(jax.random.key(seed))
    z = jax.random.normal(z_key, (1000, SIZES["z_dim"]))
    chosen = digits.train_images[rng.permutation(len(digits.train_images))[:1000]]
    clusters = KMeans(1000, init="random", n_init=1, max_iter=10, random_state=seed).fit(
        digits.train_images
    )
    means = np.asarray(vae.decode(z))
    return {
        "real digits": kernel_estimate(chosen),
        "cluster centres": kernel_estimate(clusters.cluster_centers_),
        "VAE": kernel_estimate(means),
        "GAN": kernel_estimate(np.asarray(generator(z))),
        "VAE, pixels drawn": kernel_estimate(
            np.asarray(jax.random.bernoulli(pixel_key, means)).astype(np.float32)
        ),
    }
