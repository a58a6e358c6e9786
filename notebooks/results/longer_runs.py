"""The VAE and the plain GAN on the grid, by one protocol, and for five times as long.

`python notebooks/results/longer_runs.py` trains each row with every seed and writes
vaegan_helpers/results/longer_runs.json, for notebook 6. It takes about three minutes on two cores,
shows how far it is, and goes on where it was interrupted; `--afresh` forgets what is stored.
"""

import argparse
import functools

import jax
import numpy as np
from mode_collapse import COMMON, MIXTURES, SAMPLES, SEEDS, players
from tqdm import tqdm
from vaegan_helpers import losses, metrics, models, results, training

ROWS = {
    f"{model}, {steps:,}": {"model": model, "steps": steps}
    for steps in (4000, 20_000)
    for model in ("VAE", "plain GAN")
}
WIDTH = 0.2  # standard deviation of the VAE's decoder
GRID = MIXTURES["grid"]
LOSS = functools.partial(
    losses.vae_loss,
    log_likelihood=functools.partial(losses.gaussian_log_likelihood, std=WIDTH),
)


def trained(row, keys):
    """The model of a row after training, from keys for model, data and run."""
    settings, run = ROWS[row], {"batch_size": COMMON["batch_size"], "progress": False}
    model_key, data_key, run_key = keys
    points = GRID.sample(data_key, 50_000)
    if settings["model"] == "VAE":
        vae = models.VAE(2, 128, z_dim=2, output=models.identity, key=model_key)
        options = {"loss": LOSS, "steps": settings["steps"]}
        return training.fit_vae(vae, points, run_key, **options, **run)[0]
    options = COMMON | run | {"steps": settings["steps"], "snapshots": 1}
    return training.fit_gan(*players("plain", "grid", model_key), points, run_key, **options)[0]


def protocol(samples):
    """Modes, quality, reverse KL, and the share further than ten std from every mode."""
    found = metrics.modes_covered(samples, GRID)
    away = np.linalg.norm(np.asarray(samples)[:, None] - np.asarray(GRID.means)[None], axis=-1)
    return {
        "modes": found.count,
        "quality": round(found.quality, 3),
        "reverse_kl": round(found.reverse_kl, 2),
        "between": round(float(np.mean((away > 10 * np.asarray(GRID.stds)).all(axis=1))), 3),
    }


def measure(row, seed):
    """One run by the protocol, as plain numbers; for a VAE also the quality of its full samples.

    Full samples are decoder means with the decoder's noise; all else is said of the means.
    """
    *keys, noise_key = jax.random.split(jax.random.key(seed), 4)
    model = trained(row, keys)
    means = model.decode(jax.random.normal(noise_key, (SAMPLES, model.z_dim)))
    found = protocol(means)
    if ROWS[row]["model"] == "VAE":
        pixel_key = jax.random.fold_in(noise_key, 1)
        full = means + WIDTH * jax.random.normal(pixel_key, means.shape)
        found["full_quality"] = protocol(full)["quality"]
    return found


def main(afresh):
    """Measures what is not stored yet, and stores each run at once."""
    made_with = {"seeds": SEEDS, "samples": SAMPLES, "width": WIDTH, "settings": ROWS}
    stored = {} if afresh else results.begun("longer_runs", **made_with)
    rows = stored.get("rows", {name: [] for name in ROWS})
    table = {"command": "python notebooks/results/longer_runs.py"} | made_with | {"rows": rows}
    with tqdm(total=len(ROWS) * len(SEEDS), unit="runs") as bar:
        for name in ROWS:
            for seed in SEEDS[len(rows[name]) :]:
                rows[name].append(measure(name, seed))
                results.save("longer_runs", table)
            bar.update(len(SEEDS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afresh", action="store_true", help="forget what is stored")
    main(parser.parse_args().afresh)
