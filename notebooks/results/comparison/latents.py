"""The latent space: reconstruction, smoothness, and what a linear classifier reads off it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.linear_model import LogisticRegression
from vaegan_helpers import metrics

from comparison.players import classifier, digits, timed

SEARCH_STEPS, CODED = (
    300,
    1000,
)  # of the search for a latent; training digits whose latents are read


@functools.partial(jax.jit, static_argnames="steps")
def search(model, images, start, steps=SEARCH_STEPS):
    """For each picture the latent whose picture is nearest, by Adam from a start: (latents, squared
    errors).
    """

    def error(z):
        return jnp.sum((model.decode(z) - images) ** 2, axis=1)

    optimizer = optax.adam(optax.cosine_decay_schedule(0.1, steps))

    def step(state, _):
        z, adam = state
        updates, adam = optimizer.update(jax.grad(lambda z: error(z).sum())(z), adam)
        return (z + updates, adam), None

    (z, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), None, length=steps)
    return z, error(z)


def nearest_sample(model, images, key):
    """Where to start the search: of 2,000 draws the latent whose picture is nearest to each."""
    z = jax.random.normal(key, (2000, model.z_dim))
    _, index = metrics.nearest_neighbours(images, np.asarray(model.decode(z)))
    return z[index]


def unevenness(model, key, pairs=200, stops=17):
    """Notebook 3's measure on paths between draws of the prior: the longest step in pixels over the
    average step.
    """
    start, end = jax.random.normal(key, (2, pairs, model.z_dim))
    t = jnp.linspace(0, 1, stops)[:, None, None]
    walked = model.decode(((1 - t) * start + t * end).reshape(-1, model.z_dim)).reshape(
        stops, pairs, -1
    )
    steps = jnp.linalg.norm(jnp.diff(walked, axis=0), axis=-1)
    return float(jnp.mean(steps.max(axis=0) / steps.mean(axis=0)))


def linear_reading(train_z, train_labels, test_z, test_labels):
    """How often a linear classifier reads the class off latents that it has not seen."""
    reader = LogisticRegression(max_iter=2000).fit(np.asarray(train_z), train_labels)
    return reader.score(np.asarray(test_z), test_labels)


def linear_reading_of_noise(model, key):
    """The same for draws of the prior; a draw's class is what the judge reads on its picture."""
    z = jax.random.normal(key, (CODED + 500, model.z_dim))
    labels = classifier().predict(model.decode(z))
    return linear_reading(z[:CODED], labels[:CODED], z[CODED:], labels[CODED:])


def latents(vae, generator, key):
    """Reconstruction, smoothness and linear reading of both models."""
    start_key, vae_start_key, path_key, noise_key = jax.random.split(key, 4)
    both = jnp.asarray(np.concatenate([digits.train_images[:CODED], digits.test_images]))
    labels = digits.train_labels[:CODED]
    start = nearest_sample(generator, np.asarray(both), start_key)
    seconds, (z, error) = timed(lambda: search(generator, both, start))
    encode = jax.jit(vae.encode)
    encoding, (mean, _) = timed(lambda: encode(both))
    held_out, vae_start = both[CODED:], nearest_sample(vae, digits.test_images, vae_start_key)
    rebuilt = jnp.sum((vae.decode(mean[CODED:]) - held_out) ** 2, axis=1)
    return {
        "VAE": {
            "encoder_error": float(rebuilt.mean()),
            "milliseconds": 1000 * encoding / len(both),
            "search_error": float(search(vae, held_out, vae_start)[1].mean()),
            "unevenness": unevenness(vae, jax.random.clone(path_key)),
            "linear_noise": linear_reading_of_noise(vae, jax.random.clone(noise_key)),
            "linear_real": linear_reading(mean[:CODED], labels, mean[CODED:], digits.test_labels),
        },
        "GAN": {
            "search_error": float(error[CODED:].mean()),
            "milliseconds": 1000 * seconds / len(both),
            "unevenness": unevenness(generator, jax.random.clone(path_key)),
            "linear_noise": linear_reading_of_noise(generator, jax.random.clone(noise_key)),
            "linear_real": linear_reading(z[:CODED], labels, z[CODED:], digits.test_labels),
        },
    }
