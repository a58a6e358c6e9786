"""The VAE/GAN beside its parents, and what each of its parts does: the tables of notebook 9.

`python notebooks/results/hybrid.py` trains every row with every seed and writes
vaegan_helpers/results/hybrid.json; it takes about twelve minutes on two cores, shows how far it is,
and goes on where it was interrupted. With the names of rows it measures these rows anew.
"""

import argparse
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from tqdm import tqdm
from vaegan_helpers import data, losses, metrics, models, results, training

SEEDS = [101, 102, 103, 104, 105]
SAMPLES, SHARE = 2000, 500  # samples are judged in shares as large as the set of held-out digits
CLASSIFIER_SEED = 1000  # one judge for every row and every seed, the one of notebooks 7 and 8
CODED = 1000  # training digits from whose latents the class is learnt
SIZES = {"hidden_dim": 256, "z_dim": 16}
DROPOUT = 0.3  # of D
COMMON = {"steps": 3000, "batch_size": 64}
EQUAL_TIME = (
    5500  # rounds of the GAN in the time of the hybrid's; `rounds_in_equal_time` measures it
)
GAME = {"penalty_weight": 5.0, "averaging": 0.998, "final_rate": 0.05}
WEIGHTS = {"beta": 1.0, "gamma": 0.01, "adversarial": 1.0, "std": 0.5}

# One line for each row: the kind of model, and for the VAE/GAN what differs from WEIGHTS and
# fit_vae_gan's defaults.
PARENTS = {
    "VAE": {"kind": "VAE"},
    "GAN": {"kind": "GAN"},
    "GAN, equal time": {"kind": "GAN", "steps": EQUAL_TIME},
    "VAE/GAN": {"kind": "VAE/GAN"},
    "real digits": {"kind": "real"},
}
ABLATIONS = {
    "measured in pixels": {"kind": "VAE/GAN", "measure": "pixels"},
    "pixels, gamma / 100": {
        "kind": "VAE/GAN",
        "measure": "pixels",
        "weights": {"gamma": WEIGHTS["gamma"] / 100},
    },
    "without the game": {"kind": "VAE/GAN", "weights": {"adversarial": 0.0}},
}
ROWS = PARENTS | ABLATIONS


@functools.cache
def digits():
    return data.load_mnist()


@functools.cache
def classifier():
    """The judge, in whose features samples are compared."""
    return metrics.fit_classifier(
        digits().train_images, digits().train_labels, jax.random.key(CLASSIFIER_SEED)
    )


def train(row, key):
    """(model, discriminator or None, history) of a row but for the real digits; only a GAN's model
    has no `encode`.
    """
    settings = ROWS[row]
    model_key, discriminator_key, run_key = jax.random.split(key, 3)
    images, quiet = digits().train_images, {"progress": False}
    if settings["kind"] == "VAE":
        model, history = training.fit_vae(
            models.VAE(**SIZES, key=model_key), images, run_key, **COMMON, **quiet
        )
        return model, None, history
    discriminator = models.Discriminator(
        hidden_dim=SIZES["hidden_dim"], dropout=DROPOUT, key=discriminator_key
    )
    if settings["kind"] == "GAN":
        generator = models.Generator(**SIZES, key=model_key)
        run = COMMON | {"steps": settings.get("steps", COMMON["steps"])}
        return training.fit_gan(generator, discriminator, images, run_key, **run, **GAME, **quiet)
    weights = losses.VaeGanWeights(**WEIGHTS | settings.get("weights", {}))
    options = {"measure": settings["measure"]} if "measure" in settings else {}
    return training.fit_vae_gan(
        models.VAE(**SIZES, key=model_key),
        discriminator,
        images,
        run_key,
        weights=weights,
        **options,
        **COMMON,
        **GAME,
        **quiet,
    )


def judge_samples(images):
    """Quality and diversity of SAMPLES pictures against the 500 held-out digits, measured as in
    notebook 7.
    """
    real, features = (
        np.asarray(classifier().features(each)) for each in (digits().test_images, images)
    )
    shares = [features[i : i + SHARE] for i in range(0, SAMPLES, SHARE)]
    found = [
        metrics.precision_recall(real, share)._asdict()
        | {"frechet": metrics.frechet_distance(real, share)}
        for share in shares
    ]
    balance = metrics.class_balance(classifier().predict(images))
    return {name: np.mean([each[name] for each in found]) for name in found[0]} | {
        "sharpness": np.mean(metrics.sharpness(images)),
        "effective_classes": balance.effective,
        "rarest_share": balance.counts.min() / SAMPLES,
    }


def judge_reconstructions(model):
    """The held-out digits there and back, and the latents in between."""
    x, labels = digits().test_images, digits().test_labels
    codes = model.encode(x)[0]
    x_hat = model.decode(codes)
    reader = LogisticRegression(max_iter=2000).fit(
        model.encode(digits().train_images[:CODED])[0], digits().train_labels[:CODED]
    )
    return {
        "pixel_error": np.mean(np.sum((x_hat - x) ** 2, axis=1)),
        "feature_error": np.mean(
            np.sum((classifier().features(x_hat) - classifier().features(x)) ** 2, axis=1)
        ),
        "same_digit": classifier().accuracy(x_hat, labels),
        "sharpness_back": np.mean(metrics.sharpness(x_hat)),
        "linear_reading": reader.score(codes, labels),
    }


def from_a_second_model(model, key):
    """Samples for latents drawn from a mixture of ten Gaussians, fitted to those of the training
    digits, not the prior.
    """
    latent_key, order_key = jax.random.split(key)
    latents = np.float64(losses.reparameterise(*model.encode(digits().train_images), latent_key))
    draws, _ = (
        GaussianMixture(10, random_state=0).fit(latents).sample(SAMPLES)
    )  # one Gaussian after the other
    return model.decode(jax.random.permutation(order_key, jnp.asarray(draws, jnp.float32)))


def blur_over_shift(features):
    """What blurring costs over what moving by a pixel costs: mean squared distances in `features`
    of held-out digits.
    """
    x = digits().test_images
    pictures = x.reshape(-1, 28, 28)
    blurred = ndimage.gaussian_filter(pictures, (0, 1, 1))  # one pixel of standard deviation
    moved = np.roll(pictures, 1, axis=2)
    distances = [features(changed.reshape(-1, 784)) - features(x) for changed in (blurred, moved)]
    blur, shift = (np.sum(each**2, axis=1).mean() for each in distances)
    return blur / shift


def rounds_in_equal_time(rounds=300):
    """How many rounds of the GAN take as long as the hybrid's run: the best of three of each."""
    seconds = {"GAN": [], "VAE/GAN": []}
    usual, COMMON["steps"] = COMMON["steps"], rounds
    for _ in range(4):
        for row, times in seconds.items():
            start = time.perf_counter()
            jax.block_until_ready(train(row, jax.random.key(0)))
            times.append(time.perf_counter() - start)
    COMMON["steps"] = usual
    hybrid, gan = (
        min(seconds[row][1:]) for row in ("VAE/GAN", "GAN")
    )  # the first one also compiles
    return round(usual * hybrid / gan)


def measure(row, seed):
    """Trains one row once and measures it, as plain numbers for the file."""
    train_key, noise_key, _, second_key = jax.random.split(jax.random.key(seed), 4)
    images = digits().train_images
    if ROWS[row]["kind"] == "real":
        found = judge_samples(images[jax.random.permutation(noise_key, len(images))[:SAMPLES]])
    else:
        start = time.perf_counter()
        model, discriminator, history = jax.block_until_ready(train(row, train_key))
        seconds = time.perf_counter() - start
        found = judge_samples(model.decode(jax.random.normal(noise_key, (SAMPLES, model.z_dim))))
        if hasattr(model, "encode"):
            found |= judge_reconstructions(model)
            second = judge_samples(from_a_second_model(model, second_key))
            found |= {f"second_{name}": value for name, value in second.items()}
        if discriminator is not None:
            found["blur_over_shift"] = blur_over_shift(discriminator.features)
        ends = {
            name: history[name][-200:].mean()
            for name in ("kl", "discriminator_loss")
            if name in history
        }
        found |= ends | {"seconds": seconds}
    return {name: round(float(value), 4) for name, value in found.items()}


def main(again):
    """Measures what is not stored yet, and the named rows again; stores each run at once."""
    stored = results.load("hybrid") if "hybrid" in results.names() else {"rows": {}}
    rows = {}
    for name, settings in ROWS.items():
        old = stored["rows"].get(name, {})
        kept = old.get("settings") == settings and name not in again
        rows[name] = {"settings": settings, "runs": old["runs"] if kept else []}
    equal_time = stored.get("rounds_in_equal_time") or rounds_in_equal_time()
    table = {
        "command": "python notebooks/results/hybrid.py",
        "seeds": SEEDS,
        "samples": SAMPLES,
        "classifier_seed": CLASSIFIER_SEED,
        "sizes": SIZES,
        "dropout": DROPOUT,
        "common": COMMON,
        "game": GAME,
        "weights": WEIGHTS,
        "rounds_in_equal_time": equal_time,
        "rows": rows,
    }
    with tqdm(total=len(ROWS) * len(SEEDS), unit="runs") as bar:
        for name, row in rows.items():
            for seed in SEEDS[len(row["runs"]) :]:
                row["runs"].append(measure(name, seed))
                results.save("hybrid", table)
            bar.update(len(SEEDS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="row", help="names of rows to measure again")
    main(parser.parse_args().rows)
