"""A VAE and a GAN with convolutions: one pair, for notebook 8.

`python notebooks/results/convolutional.py` trains both on one seed and writes their weights and
what was measured into vaegan_helpers/results. It takes about twelve minutes on two cores, shows how
far it is, and goes on with the second model where the first is stored; `--afresh` forgets both.
"""

import argparse

import jax
from comparison.players import CLASSIFIER_SEED, digits, rounded
from comparison.samples import SAMPLES, SHARE, copies, judge, samples_of
from vaegan_helpers import convolutional, models, results, training

SEED = 201
SIZES = {"z_dim": 16, "channels": 16}
RUN = {"steps": 12_000, "batch_size": 64, "averaging": 0.998, "final_rate": 0.05}
VAE_SETTINGS = {"learning_rate": 1e-3, "beta": 1.0}
GAN_SETTINGS = {
    "discriminator_learning_rate": 1e-3,
    "generator_learning_rate": 1e-3,
    "penalty_weight": 5.0,
}
MADE_WITH = {
    "seed": SEED,
    "sizes": SIZES,
    "run": RUN,
    "vae": VAE_SETTINGS,
    "gan": GAN_SETTINGS,
    "classifier_seed": CLASSIFIER_SEED,
    "samples": SAMPLES,
    "share": SHARE,
}
USES = ("vae", "vae_run", "generator", "discriminator", "gan_run", "noise")


def keys():
    """One key per use."""
    return dict(zip(USES, jax.random.split(jax.random.key(SEED), len(USES))))


def trained(name, **run):
    """The VAE, or the GAN's generator, after training."""
    of = keys()
    if name == "VAE":
        vae = convolutional.VAE(**SIZES, key=of["vae"])
        settings = RUN | VAE_SETTINGS | run
        return training.fit_vae(vae, digits.train_images, of["vae_run"], **settings)[0]
    generator = convolutional.Generator(**SIZES, key=of["generator"])
    discriminator = convolutional.Discriminator(SIZES["channels"], key=of["discriminator"])
    players, settings = (generator, discriminator), RUN | GAN_SETTINGS | run
    return training.fit_gan(*players, digits.train_images, of["gan_run"], **settings)[0]


def measure(model):
    """Quality and diversity of 2,000 samples, as plain numbers."""
    samples = samples_of(model, keys()["noise"])
    return rounded(judge(samples) | {"copies": copies(samples)})


def main(afresh):
    """Trains and measures what is not stored yet, and stores each model at once."""
    stored = {} if afresh else results.begun("convolutional", **MADE_WITH)
    table = {"command": "python notebooks/results/convolutional.py"} | MADE_WITH
    table["models"] = stored.get("models", {})
    for name in ("VAE", "GAN"):
        if name not in table["models"]:
            model = trained(name)
            results.save_weights(f"convolutional_{name}", model)
            model = results.load_weights(f"convolutional_{name}", model)  # as the notebook has it
            count = models.count_parameters(model)
            table["models"][name] = {"parameters": count} | measure(model)
            results.save("convolutional", table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afresh", action="store_true", help="forget what is stored")
    main(parser.parse_args().afresh)
