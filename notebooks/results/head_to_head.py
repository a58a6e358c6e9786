"""VAE and GAN with one decoder and generator network, seed by seed: the table of notebooks 7 and 8.

`python notebooks/results/head_to_head.py` trains both models with every seed and writes
vaegan_helpers/results/head_to_head.json; it takes about twelve minutes on two cores.
With seeds as arguments it measures these seeds only, and keeps the others.
"""

import argparse
import time

import jax
import numpy as np
from comparison.densities import (
    DRAWS,
    FIT_STEPS,
    bounds,
    kernel_estimates,
)
from comparison.latents import SEARCH_STEPS, latents
from comparison.players import (
    BATCH,
    CLASSIFIER_SEED,
    DROPOUT,
    GAN_SETTINGS,
    PIECES,
    SIZES,
    STEPS,
    VAE_SETTINGS,
    classifier,
    digits,
    keys_of,
    players,
    rounded,
    timed,
    train_gan,
    train_vae,
)
from comparison.ring import RING, RING_GAN, RING_SETTINGS, on_the_ring
from comparison.samples import (
    MOMENTS,
    SAMPLES,
    SHARE,
    WELL,
    copies,
    ends_well,
    judge,
    samples_of,
    while_training,
)
from vaegan_helpers import models, results

SEEDS = [101, 102, 103, 104, 105]  # everything is measured
MORE_SEEDS = [106, 107, 108, 109, 110]  # only how the runs end


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
