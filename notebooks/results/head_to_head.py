"""VAE and GAN with one decoder and generator network, seed by seed: the table of notebook 7.

`python notebooks/results/head_to_head.py` trains both models with every seed and writes
vaegan_helpers/results/head_to_head.json; it takes about twelve minutes on two cores.
With seeds as arguments it measures these seeds only, and keeps the others.
"""

import argparse
import functools
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from vaegan_helpers import data, losses, metrics, mixtures, models, results, training

SEEDS = [101, 102, 103, 104, 105]  # everything is measured
MORE_SEEDS = [106, 107, 108, 109, 110]  # only how the runs end
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
DROPOUT = 0.3  # of the discriminator
CLASSIFIER_SEED = 1000  # one judge for all runs
SAMPLES, SHARE = 2000, 500  # samples are judged in shares as large as the set of held-out digits
# A run ends well if nothing became infinite, every digit has at least 2 % of the samples (a fifth
# of its fair share),
# and precision and recall are both at least one half. Written down before any of these seeds was
# run.
WELL = {"rarest_share": 0.02, "precision": 0.5, "recall": 0.5}
MOMENTS = [0, 1, 2, 4, 8, 12, 16, 20]  # of the 20 pieces; measured while training
DRAWS, FIT_STEPS = (
    [1, 10, 100, 1000, 10_000],
    500,
)  # of the importance-weighted bound; to fit a Gaussian to each picture
SEARCH_STEPS, CODED = (
    300,
    1000,
)  # of the search for a latent; training digits whose latents are read
RING = {"modes": 8, "radius": 1.0, "std": 0.05}
RING_SETTINGS = {"steps": 3000, "batch_size": 128}
RING_GAN = {"penalty_weight": 0.02, "averaging": 0.995, "final_rate": 0.05}
RING_SAMPLES = 10_000

digits = data.load_mnist()
ring = mixtures.gaussian_ring(**RING)
as_it_is = functools.partial(
    jnp.multiply, 1.0
)  # one object for all ring models, so that nothing is compiled twice
ring_loss = functools.partial(
    losses.vae_loss,
    log_likelihood=functools.partial(losses.gaussian_log_likelihood, std=RING["std"]),
)


# --- Training


def players(key):
    """VAE, generator and discriminator before training."""
    vae_key, g_key, d_key = jax.random.split(key, 3)
    return (
        models.VAE(**SIZES, key=vae_key),
        models.Generator(**SIZES, x_dim=784, key=g_key),
        models.Discriminator(hidden_dim=SIZES["hidden_dim"], dropout=DROPOUT, key=d_key),
    )


def train_vae(vae, key, steps=STEPS):
    """The VAE, and its history with snapshots at the start and after each of 20 pieces."""
    return training.fit_vae(
        vae,
        digits.train_images,
        key,
        steps=steps,
        batch_size=BATCH,
        snapshots=PIECES,
        progress=False,
        **VAE_SETTINGS,
    )


def train_gan(generator, discriminator, key, steps=STEPS, **options):
    """Generator (averaged), discriminator, and the history with its snapshots."""
    return training.fit_gan(
        generator,
        discriminator,
        digits.train_images,
        key,
        steps=steps,
        batch_size=BATCH,
        snapshots=PIECES,
        progress=False,
        **GAN_SETTINGS | options,
    )


@functools.cache
def classifier():
    """The judge, trained on the real training digits."""
    return metrics.fit_classifier(
        digits.train_images, digits.train_labels, jax.random.key(CLASSIFIER_SEED)
    )


def timed(call):
    """(seconds, result) of a call that is made twice: the first time compiles."""
    jax.block_until_ready(call())
    start = time.perf_counter()
    result = jax.block_until_ready(call())
    return time.perf_counter() - start, result


# --- Samples


def judge(samples):
    """Quality and diversity of pictures against the 500 held-out digits, in the classifier's
    features.

    Precision, recall, density, coverage and the Fréchet distance are means over shares of 500
    samples.
    """
    real = np.asarray(classifier().features(digits.test_images))
    features = np.asarray(classifier().features(samples))
    shares = [features[i : i + SHARE] for i in range(0, len(features), SHARE)]
    found = {
        name: np.mean([getattr(metrics.precision_recall(real, share), name) for share in shares])
        for name in metrics.precision_recall(real, shares[0])._fields
    }
    balance = metrics.class_balance(classifier().predict(samples))
    return found | {
        "frechet": np.mean([metrics.frechet_distance(real, share) for share in shares]),
        "sharpness": np.mean(metrics.sharpness(samples)),
        "effective_classes": balance.effective,
        "rarest_share": balance.counts.min() / len(samples),
    }


def copies(samples):
    """Mean distance in pixels from a sample to the nearest training digit, over the same for held-
    out digits.
    """
    near, _ = metrics.nearest_neighbours(samples, digits.train_images)
    held_out, _ = metrics.nearest_neighbours(digits.test_images, digits.train_images)
    return near.mean() / held_out.mean()


def ends_well(found):
    return bool(
        all(np.isfinite(found[name]) and found[name] >= limit for name, limit in WELL.items())
    )


def while_training(snapshots, decode, noise):
    """A few columns of `judge` at each of the moments: {name: [value at each moment]}."""
    judged = [judge(np.asarray(decode(snapshots[moment], noise))) for moment in MOMENTS]
    return {
        name: [found[name] for found in judged]
        for name in ("sharpness", "precision", "recall", "coverage", "frechet")
    }


# --- Latents


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
    encoding, (mean, _) = timed(lambda: jax.jit(lambda x: vae.encode(x))(both))
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


# --- Densities


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


def oddness(vae, discriminator, seed):
    """How well three scores tell odd pictures from held-out digits: the area under the ROC curve,
    0.5 for a coin.
    """
    key = jax.random.key(seed)
    scores = {
        "bound": lambda x: -metrics.importance_weighted_bound(vae, x, jax.random.clone(key), 10),
        "reconstruction": lambda x: jnp.sum((vae.decode(vae.encode(x)[0]) - x) ** 2, axis=1),
        "discriminator": lambda x: -discriminator(x),
    }
    found = {}
    for name, score in scores.items():
        usual = np.asarray(score(jnp.asarray(digits.test_images)))
        for kind, odd in odd_pictures(seed).items():
            values = np.concatenate([usual, np.asarray(score(jnp.asarray(odd)))])
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


# --- The ring


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


# --- One seed


def keys_of(seed):
    """One key per use."""
    return dict(
        zip(
            ["players", "vae", "gan", "noise", "pixels", "latents", "bound"],
            jax.random.split(jax.random.key(seed), 7),
        )
    )


def samples_of(model, key):
    return np.asarray(model.decode(jax.random.normal(key, (SAMPLES, model.z_dim))))


def stability(seed):
    """How three runs end: {model: what `judge` finds, and whether that is well}, with the trained
    models.
    """
    keys = keys_of(seed)
    vae, generator, discriminator = players(keys["players"])
    trained_vae, vae_moments = train_vae(vae, keys["vae"])
    trained_generator, trained_discriminator, history = train_gan(
        generator, discriminator, keys["gan"]
    )
    plain, _, _ = train_gan(
        generator, discriminator, jax.random.clone(keys["gan"]), penalty_weight=0.0
    )
    rows = {
        name: judge(samples_of(model, jax.random.clone(keys["noise"])))
        for name, model in {
            "VAE": trained_vae,
            "GAN": trained_generator,
            "GAN without R1": plain,
        }.items()
    }
    for row in rows.values():
        row["ends_well"] = ends_well(row)
    return rows, (trained_vae, vae_moments, trained_generator, trained_discriminator, history)


def measure(seed, equal_time_steps):
    """Everything for one seed, as plain numbers for the file."""
    rows, (vae, vae_moments, generator, discriminator, history) = stability(seed)
    keys = keys_of(seed)
    longer, _ = train_vae(players(keys["players"])[0], keys["vae"], equal_time_steps)
    rows["VAE, equal time"] = judge(samples_of(longer, jax.random.clone(keys["noise"])))
    means = samples_of(vae, jax.random.clone(keys["noise"]))
    rows["VAE, pixels drawn"] = judge(
        np.asarray(jax.random.bernoulli(keys["pixels"], means)).astype(np.float32)
    )
    rows["VAE"]["copies"], rows["GAN"]["copies"] = (
        copies(means),
        copies(samples_of(generator, jax.random.clone(keys["noise"]))),
    )
    noise = jax.random.normal(keys["noise"], (SAMPLES, SIZES["z_dim"]))
    at_moments = [
        jax.tree.map(lambda leaf, i=i: leaf[i], history["snapshots"]) for i in range(PIECES + 1)
    ]
    rows["VAE"]["while_training"] = while_training(
        vae_moments, lambda model, z: model.decode(z), noise
    )
    rows["GAN"]["while_training"] = while_training(
        at_moments, lambda model, z: model.decode(z), noise
    )
    for name, found in latents(vae, generator, keys["latents"]).items():
        rows[name] |= found
    rows["VAE"]["bounds"] = bounds(vae, jax.random.clone(keys["bound"]), DRAWS)
    rows["VAE, equal time"]["bounds"] = bounds(longer, jax.random.clone(keys["bound"]), DRAWS[:-1])
    chosen = digits.train_images[
        np.random.default_rng(seed).permutation(len(digits.train_images))[:SAMPLES]
    ]
    rows["real"] = judge(chosen) | {"copies": 1.0}
    return {
        "rows": rows,
        "oddness": oddness(vae, discriminator, seed),
        "kernel_estimates": kernel_estimates(vae, generator, seed),
        "ring": on_the_ring(seed),
    }


def seconds_per_step(rounds=400):
    """Of the VAE and of the GAN, one after the other in this process, each compiled beforehand; the
    best of three.
    """
    keys = keys_of(0)
    vae, generator, discriminator = players(keys["players"])
    calls = {
        "VAE": lambda: train_vae(vae, keys["vae"], rounds)[0],
        "GAN": lambda: train_gan(generator, discriminator, keys["gan"], rounds)[0],
    }
    times = {name: [] for name in calls}
    for _ in range(3):
        for name, call in calls.items():
            times[name].append(timed(call)[0] / rounds)
    return {name: min(values) for name, values in times.items()}


# --- The file


def rounded(value):
    """Plain numbers with at most four significant digits."""
    if isinstance(value, dict):
        return {name: rounded(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry) for entry in value]
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return value if isinstance(value, bool) else int(value)
    return float(f"{float(value):.4g}")


SETTINGS = {
    "seeds": SEEDS,
    "more_seeds": MORE_SEEDS,
    "sizes": SIZES,
    "steps": STEPS,
    "batch_size": BATCH,
    "vae": VAE_SETTINGS,
    "gan": GAN_SETTINGS,
    "dropout": DROPOUT,
    "classifier_seed": CLASSIFIER_SEED,
    "samples": SAMPLES,
    "share": SHARE,
    "well": WELL,
    "moments": [moment * STEPS // PIECES for moment in MOMENTS],
    "draws": DRAWS,
    "fit_steps": FIT_STEPS,
    "search_steps": SEARCH_STEPS,
    "ring": RING,
    "ring_settings": RING_SETTINGS,
    "ring_gan": RING_GAN,
}


def main(seeds):
    """Measures the seeds and stores them beside those that are there."""
    stored = results.load("head_to_head") if "head_to_head" in results.names() else {"runs": {}}
    if "equal_time" not in stored:
        times = seconds_per_step()
        stored["equal_time"] = {
            "seconds_per_step": rounded(times),
            "vae_steps": int(round(STEPS * times["GAN"] / times["VAE"], -3)),
        }
    for seed in seeds:
        start = time.perf_counter()
        run = (
            measure(seed, stored["equal_time"]["vae_steps"])
            if seed in SEEDS
            else {"rows": stability(seed)[0]}
        )
        stored["runs"][str(seed)] = rounded(run)
        vae, generator, discriminator = players(keys_of(0)["players"])
        counts = {
            name: models.count_parameters(model)
            for name, model in {
                "encoder": vae.encoder,
                "decoder": vae.decoder,
                "generator": generator,
                "discriminator": discriminator,
            }.items()
        }
        table = {
            "command": "python notebooks/results/head_to_head.py",
            "settings": SETTINGS,
            "parameters": counts,
            "classifier_accuracy": rounded(
                classifier().accuracy(digits.test_images, digits.test_labels)
            ),
            "equal_time": stored["equal_time"],
            "runs": {
                str(one): stored["runs"][str(one)]
                for one in SEEDS + MORE_SEEDS
                if str(one) in stored["runs"]
            },
        }
        results.save("head_to_head", table)
        print(
            f"seed {seed}: {time.perf_counter() - start:.0f} s, ends well",
            {name: row["ends_well"] for name, row in run["rows"].items() if "ends_well" in row},
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="*", type=int, help="all of them unless given")
    main(parser.parse_args().seeds or SEEDS + MORE_SEEDS)
