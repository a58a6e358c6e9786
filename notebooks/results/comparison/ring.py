"""Both models on a ring of eight Gaussians, whose density is known exactly."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from vaegan_helpers import losses, metrics, mixtures, models, training

RING = {"modes": 8, "radius": 1.0, "std": 0.05}
RING_SETTINGS = {"steps": 3000, "batch_size": 128}
RING_GAN = {"penalty_weight": 0.02, "averaging": 0.995, "final_rate": 0.05}
RING_SAMPLES = 10_000

ring = mixtures.gaussian_ring(**RING)
as_it_is = functools.partial(
    jnp.multiply, 1.0
)  # one object for all ring models: nothing is compiled twice
ring_loss = functools.partial(
    losses.vae_loss,
    log_likelihood=functools.partial(losses.gaussian_log_likelihood, std=RING["std"]),
)


def ring_masses(samples):
    """Where samples lie: share near a mode, share between the modes, and the divergence from the
    exact density.

    "width" is the spread of the samples near a mode around its middle, for each axis, in units of
    the true std.
    """
    samples = np.asarray(samples)
    found = metrics.modes_covered(samples, ring)
    distance = np.linalg.norm(samples[:, None] - np.asarray(ring.means)[None], axis=-1).min(axis=1)
    width = np.sqrt(np.mean(distance[distance < 3 * RING["std"]] ** 2) / 2) / RING["std"]
    edges = np.linspace(-1.5, 1.5, 61)
    share = np.histogram2d(*np.clip(samples, -1.499, 1.499).T, bins=[edges, edges])[0] / len(
        samples
    )
    fine = (np.linspace(-1.5, 1.5, 241)[1:] + np.linspace(-1.5, 1.5, 241)[:-1]) / 2
    points = jnp.stack(jnp.meshgrid(fine, fine, indexing="ij"), axis=-1).reshape(-1, 2)
    exact = np.exp(np.asarray(ring.log_density(points))).reshape(60, 4, 60, 4).sum(axis=(1, 3))
    exact, middle = exact / exact.sum(), (exact / exact.sum() + share) / 2
    js = sum(0.5 * np.sum(p[p > 0] * np.log(p[p > 0] / middle[p > 0])) for p in (exact, share))
    return {
        "modes": found.count,
        "near": found.quality,
        "between": np.mean(distance > 5 * RING["std"]),
        "width": width,
        "js": js,
    }


def on_the_ring(seed):
    """Both models trained on the ring, and where they put their mass."""
    keys = jax.random.split(jax.random.key(seed), 9)
    points = ring.sample(keys[0], 50_000)
    vae = models.VAE(2, 128, 2, output=as_it_is, key=keys[1])
    vae, _ = training.fit_vae(vae, points, keys[2], loss=ring_loss, progress=False, **RING_SETTINGS)
    generator, discriminator = (
        models.Generator(2, 128, 2, output=as_it_is, key=keys[3]),
        models.Discriminator(2, 128, key=keys[4]),
    )
    generator, _, _ = training.fit_gan(
        generator,
        discriminator,
        points,
        keys[5],
        snapshots=1,
        progress=False,
        **RING_SETTINGS,
        **RING_GAN,
    )
    z = jax.random.normal(keys[6], (RING_SAMPLES, 2))
    means, noise = vae.decode(z), RING["std"] * jax.random.normal(keys[7], (RING_SAMPLES, 2))
    real = ring.sample(keys[8], 2000)
    bound = metrics.importance_weighted_bound(
        vae, real, jax.random.key(seed), 500, ring_loss.keywords["log_likelihood"]
    )
    return {
        "real": ring_masses(ring.sample(jax.random.key(seed + 1), RING_SAMPLES)),
        "VAE": ring_masses(means + noise),
        "VAE, means": ring_masses(means),
        "GAN": ring_masses(generator(z)),
        "exact log density": float(ring.log_density(real).mean()),
        "VAE's log density": float(bound.mean()),
    }
