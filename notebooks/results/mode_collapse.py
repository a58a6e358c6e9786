"""Causes of mode collapse and remedies against it, each alone, on the ring and on the grid: the
table of notebook 6.

`python notebooks/results/mode_collapse.py` trains every row with every seed and writes
vaegan_helpers/results/mode_collapse.json; it takes about twenty minutes on two cores.
With the names of rows it measures these rows only.
"""

import argparse
import functools
import time

import jax
import numpy as np
from vaegan_helpers import metrics, mixtures, models, results, training

SEEDS = [101, 102, 103, 104, 105]
SAMPLES = 2500
MIXTURES = {
    "ring": mixtures.gaussian_ring(modes=8, radius=1.0, std=0.01),
    "grid": mixtures.gaussian_grid(),
}
SCALE = {"ring": 1.0, "grid": 3.0}  # G's output is multiplied by this: about the size of the data
COMMON = {
    "steps": 4000,
    "batch_size": 128,
    "loss": "non-saturating",
    "penalty": None,
    "momentum": 0.5,
    "discriminator_learning_rate": 1e-3,
    "generator_learning_rate": 1e-3,
}
SIZES = {"hidden_dim": 128, "hidden_layers": 2}
FREQUENCIES = (1.0, 2.0, 4.0, 8.0, 16.0)

# One line for each row: what differs from COMMON in the game, in the generator and in the
# discriminator.
REMEDIES = {
    "plain": {},
    "two time scales": {
        "game": {"discriminator_learning_rate": 2e-3, "generator_learning_rate": 5e-4}
    },
    "five moves of D": {"game": {"discriminator_steps": 5}},
    "R1": {"game": {"penalty": "r1", "penalty_weight": 0.1}},
    "Wasserstein, gradient penalty": {
        "game": {
            "loss": "wasserstein",
            "penalty": "gradient penalty",
            "penalty_weight": 0.1,
            "discriminator_steps": 5,
            "momentum": 0.0,
        }
    },
    "spectral norm": {"discriminator": {"spectral_norm": True}},
    "spread of the batch": {"discriminator": {"minibatch_std": True}},
    "packing of two": {"discriminator": {"packing": 2}},
    "unrolling three moves": {"game": {"unrolled_steps": 3}},
    "relativistic, R1 and R2": {
        "game": {"loss": "relativistic", "penalty": "r1 and r2", "penalty_weight": 0.1}
    },
    "averaged weights": {"game": {"averaging": 0.995}},
    "falling rates": {"game": {"final_rate": 0.01}},
    "Fourier features": {"discriminator": {"frequencies": FREQUENCIES}},
    "mixture noise": {"generator": {"z_dim": 66, "categories": 64}},
    "several together": {
        "game": {
            "loss": "relativistic",
            "penalty": "r1 and r2",
            "penalty_weight": 0.05,
            "averaging": 0.995,
            "final_rate": 0.01,
            "momentum": 0.0,
            "batch_size": 256,
        },
        "generator": {"z_dim": 66, "categories": 64},
        "discriminator": {"frequencies": FREQUENCIES},
    },
}
CAUSES = {
    "batch of 16": {"game": {"batch_size": 16}},
    "batch of 256": {"game": {"batch_size": 256}},
    "one number of noise": {"generator": {"z_dim": 1}},
    "sixteen numbers of noise": {"generator": {"z_dim": 16}},
    "D thirty times slower": {"game": {"discriminator_learning_rate": 3e-5}},
    "D ten times faster": {"game": {"discriminator_learning_rate": 1e-2}},
}
ROWS = REMEDIES | CAUSES


def scaled(scale, x):
    return scale * x


# the same function objects in every run, so that nothing is compiled twice
OUTPUT = {name: functools.partial(scaled, scale) for name, scale in SCALE.items()}


def players(row, where, key):
    """The two players of a row before training."""
    generator_key, discriminator_key = jax.random.split(key)
    settings = ROWS[row]
    generator = models.Generator(
        **{"z_dim": 2} | settings.get("generator", {}),
        x_dim=2,
        output=OUTPUT[where],
        **SIZES,
        key=generator_key,
    )
    discriminator = models.Discriminator(
        2, **SIZES, **settings.get("discriminator", {}), key=discriminator_key
    )
    return generator, discriminator


def measure(row, where, seed):
    """Trains one row once: modes, quality, reverse KL and seconds, as plain numbers."""
    model_key, data_key, run_key, noise_key = jax.random.split(jax.random.key(seed), 4)
    points = MIXTURES[where].sample(data_key, 50_000)
    start = time.perf_counter()
    generator, discriminator = players(row, where, model_key)
    generator, _, _ = training.fit_gan(
        generator,
        discriminator,
        points,
        run_key,
        snapshots=1,
        progress=False,
        **COMMON | ROWS[row].get("game", {}),
    )
    samples = generator(jax.random.normal(noise_key, (SAMPLES, generator.z_dim)))
    found = metrics.modes_covered(samples, MIXTURES[where])
    return {
        "modes": found.count,
        "quality": found.quality,
        "seconds": round(time.perf_counter() - start, 2),
        "reverse_kl": round(found.reverse_kl, 4) if np.isfinite(found.reverse_kl) else None,
    }


def main(rows):
    """Measures the rows and stores them beside those that are there."""
    for row in rows:
        measured = {where: [measure(row, where, seed) for seed in SEEDS] for where in MIXTURES}
        stored = results.load("mode_collapse")["rows"] if "mode_collapse" in results.names() else {}
        stored[row] = {"settings": ROWS[row]} | measured
        table = {
            "command": "python notebooks/results/mode_collapse.py",
            "seeds": SEEDS,
            "samples": SAMPLES,
            "common": COMMON,
            "sizes": SIZES,
            "rows": {name: stored[name] for name in ROWS if name in stored},
        }
        results.save("mode_collapse", table)
        for where in MIXTURES:
            runs = stored[row][where]
            print(
                f"{row:30} {where}: modes {[run['modes'] for run in runs]}, "
                f"quality {[round(run['quality'], 2) for run in runs]},",
                f"seconds {[run['seconds'] for run in runs]}",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "rows", nargs="*", metavar="row", help="names of rows; all of them without a name"
    )
    main(parser.parse_args().rows or list(ROWS))
