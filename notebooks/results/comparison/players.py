"""The digits, the judge, and the two models with one decoder and generator network."""

import functools
import time

import jax
import numpy as np
from vaegan_helpers import data, metrics, models, training

SIZES = {
    "z_dim": 16,
    "hidden_dim": 256,
}  # of the decoder and of the generator, which are the same network
STEPS, BATCH, PIECES = 4000, 64, 20
VAE_SETTINGS = {"learning_rate": 1e-3, "beta": 1.0}
GAN_SETTINGS = {
    "discriminator_learning_rate": 1e-3,
    "generator_learning_rate": 1e-3,
    "penalty_weight": 5.0,
    "averaging": 0.998,
    "final_rate": 0.05,
}
RUN = {"batch_size": BATCH, "snapshots": PIECES, "progress": False}
DROPOUT = 0.3  # of the discriminator
CLASSIFIER_SEED = 1000  # one judge for all runs

digits = data.load_mnist()


def players(key):
    """VAE, generator and discriminator before training."""
    vae_key, g_key, d_key = jax.random.split(key, 3)
    return (
        models.VAE(**SIZES, key=vae_key),
        models.Generator(**SIZES, x_dim=784, key=g_key),
        models.Discriminator(hidden_dim=SIZES["hidden_dim"], dropout=DROPOUT, key=d_key),
    )


def train_vae(vae, key, steps=STEPS, images=digits.train_images, **options):
    """The VAE, and its history with snapshots at the start and after each of 20 pieces."""
    return training.fit_vae(
        vae,
        images,
        key,
        steps=steps,
        **RUN | VAE_SETTINGS | options,
    )


def train_gan(generator, discriminator, key, steps=STEPS, images=digits.train_images, **options):
    """Generator (averaged), discriminator, and the history with its snapshots."""
    return training.fit_gan(
        generator,
        discriminator,
        images,
        key,
        steps=steps,
        **RUN | GAN_SETTINGS | options,
    )


@functools.cache
def classifier(seed=CLASSIFIER_SEED):
    """The judge, trained on the real training digits."""
    return metrics.fit_classifier(digits.train_images, digits.train_labels, jax.random.key(seed))


def timed(call):
    """(seconds, result) of a call that is made twice: the first time compiles."""
    jax.block_until_ready(call())
    start = time.perf_counter()
    result = jax.block_until_ready(call())
    return time.perf_counter() - start, result


def keys_of(seed):
    """One key per use."""
    return dict(
        zip(
            ["players", "vae", "gan", "noise", "pixels", "latents", "bound"],
            jax.random.split(jax.random.key(seed), 7),
        )
    )


def rounded(value):
    """Plain numbers with at most four significant digits."""
    if isinstance(value, dict):
        return {name: rounded(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry) for entry in value]
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return value if isinstance(value, bool) else int(value)
    return float(f"{float(value):.4g}")
