"""VAE and GAN after the same small search for settings, in three feature spaces: for notebook 8.

`python notebooks/results/fair_fight.py` tries six settings of each model on one seed, trains both
models with the best of them on five other seeds, and writes
vaegan_helpers/results/fair_fight.json. It takes about twenty minutes on two cores, shows how far it
is, and goes on where it was interrupted; `--afresh` forgets what is stored.

What is tried was written down before anything was run: for the VAE the weight of the KL term, for
the GAN that of the R1 penalty, three values each, either with a steady learning rate or with one
that falls and averaged weights. The search halves its field: all six run for half the length, and
the best three of them for the whole one; this final was added after the first search, at half the
length only, had picked steady rates for both. A setting is judged by its Fréchet distance, in the
judge's features, to 500 training digits that the models of the search do not see; no held-out digit
takes part.
"""

import argparse
import functools

import jax
import numpy as np
from comparison.densities import oddness
from comparison.players import (
    CLASSIFIER_SEED,
    GAN_SETTINGS,
    STEPS,
    classifier,
    digits,
    keys_of,
    players,
    rounded,
    train_gan,
    train_vae,
)
from comparison.samples import SAMPLES, SHARE, ends_well, judge, judge_in
from comparison.second_model import from_a_mixture
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from tqdm import tqdm
from vaegan_helpers import metrics, results

SEARCH_SEED, SEEDS = 201, [101, 102, 103, 104, 105]
STEADY = {"averaging": 0.0, "final_rate": 1.0}
FALLING = {"averaging": GAN_SETTINGS["averaging"], "final_rate": GAN_SETTINGS["final_rate"]}
TRIED = {
    "VAE": [{"beta": beta} | rates for rates in (STEADY, FALLING) for beta in (1.0, 2.0, 4.0)],
    "GAN": [
        {"penalty_weight": gamma} | rates
        for rates in (STEADY, FALLING)
        for gamma in (1.0, 5.0, 25.0)
    ],
}
SEARCHED, FINALISTS = 4000, 3  # digits that the search trains on, the other 500 judge; of six
JUDGES = [CLASSIFIER_SEED + i for i in range(5)]  # the first of them is the judge of every table
COMPONENTS = 64  # principal components of the pixels, as many as the judge has features
LOOKED_AT = 4500  # samples for the classifier two-sample test, as many as there are training digits
EQUAL_TIME = results.load("head_to_head")["equal_time"]["vae_steps"]

SETTINGS = {
    "search_seed": SEARCH_SEED,
    "seeds": SEEDS,
    "tried": TRIED,
    "searched": SEARCHED,
    "finalists": FINALISTS,
    "judges": JUDGES,
    "components": COMPONENTS,
    "looked_at": LOOKED_AT,
    "samples": SAMPLES,
    "share": SHARE,
    "steps": STEPS,
    "equal_time": EQUAL_TIME,
}


# --- The search


def tried(model, number, steps):
    """The Fréchet distance of one setting on the seed of the search."""
    keys, settings = keys_of(SEARCH_SEED), TRIED[model][number]
    vae, generator, discriminator = players(keys["players"])
    run = {"images": digits.train_images[:SEARCHED], "steps": steps}
    if model == "VAE":
        trained, _ = train_vae(vae, keys["vae"], **run, **settings)
    else:
        trained, *_ = train_gan(generator, discriminator, keys["gan"], **run, **settings)
    pictures = trained.decode(jax.random.normal(keys["noise"], (SAMPLES, trained.z_dim)))
    return judge_in(
        classifier().features(digits.train_images[SEARCHED:]), classifier().features(pictures)
    )["frechet"]


def search(table, bar):
    """Fills {model: {"half": distances, "whole": {number: distance}}}; returns the best."""
    best = {}
    for model, settings in TRIED.items():
        found = table["search"].setdefault(model, {"half": [], "whole": {}})
        for number in range(len(settings)):
            if number >= len(found["half"]):
                found["half"].append(rounded(tried(model, number, STEPS // 2)))
                results.save("fair_fight", table)
            bar.update()
        for number in np.argsort(found["half"])[:FINALISTS]:
            if str(number) not in found["whole"]:
                found["whole"][str(number)] = rounded(tried(model, number, STEPS))
                results.save("fair_fight", table)
            bar.update()
        best[model] = settings[int(min(found["whole"], key=found["whole"].get))]
    return best


# --- Feature spaces


@functools.cache
def spaces():
    """{name: function from pictures to features}: five judges, one that never learnt, pixels."""
    pixels = PCA(COMPONENTS, random_state=0).fit(digits.train_images)
    untrained = type(classifier())(key=jax.random.key(CLASSIFIER_SEED))
    read = {f"judge {seed}": classifier(seed).features for seed in JUDGES}
    return read | {
        "principal components": lambda pictures: pixels.transform(np.asarray(pictures)),
        "an untrained network": untrained.features,
    }


def measured(pictures, real, learnt, key):
    """One row: the samples in each space, and how well a fresh network tells them from real ones.

    Args:
      pictures: (LOOKED_AT, 784) samples; the first SAMPLES of them are judged.
      real: the held-out digits.
      learnt: the training digits, for the classifier two-sample test.
      key: of that test.
    """
    few = pictures[:SAMPLES]
    found = judge(few)
    row = {
        "spaces": {
            name: judge_in(features(real), features(few)) for name, features in spaces().items()
        },
        "sharpness": found["sharpness"],
        "effective_classes": found["effective_classes"],
        "ends_well": ends_well(found),
    }
    pixel_key, feature_key = jax.random.split(key)
    features = classifier().features
    opinions = {
        "pixels": metrics.second_opinion(learnt, pictures, pixel_key),
        "features": metrics.second_opinion(features(learnt), features(pictures), feature_key),
    }
    for name, opinion in opinions.items():
        row[f"auc_{name}"], row[f"jsd_{name}"] = opinion.auc, opinion.jsd
    return row


# --- One seed


def draw(model, key):
    return np.asarray(model.decode(jax.random.normal(key, (LOOKED_AT, model.z_dim))))


def on_paper(images, key):
    """Every pixel drawn, black or white: what a Bernoulli decoder's own samples are."""
    return np.asarray(jax.random.bernoulli(key, images)).astype(np.float32)


def run_of(seed, settings):
    """All rows of one seed, and the scores of oddness."""
    keys = keys_of(seed)
    vae_start, generator, discriminator = players(keys["players"])
    opinion_key, pixel_key, real_key, mixture_key = jax.random.split(keys["pixels"], 4)
    noise_key = keys["noise"]

    def clone():
        return jax.random.clone(noise_key)

    def vae_with(**options):
        key = jax.random.clone(keys["vae"])
        return train_vae(jax.tree.map(lambda leaf: leaf, vae_start), key, **options)[0]

    vae = vae_with(**settings["VAE"])
    longer = vae_with(steps=EQUAL_TIME, **settings["VAE"])
    generator, discriminator, _ = train_gan(
        generator, discriminator, keys["gan"], **settings["GAN"]
    )
    means = draw(vae, clone())
    samples = {
        "VAE": means,
        "VAE, equal time": draw(longer, clone()),
        "VAE, mixture": from_a_mixture(vae, mixture_key, LOOKED_AT),
        "VAE, pixels drawn": on_paper(means, pixel_key),
        "GAN": draw(generator, clone()),
        "real digits": np.random.default_rng(seed).permutation(digits.train_images),
    }
    rows = {}
    for name, pictures in samples.items():
        real, learnt = digits.test_images, digits.train_images
        if name == "VAE, pixels drawn":  # beside digits whose pixels are drawn in the same way
            real, learnt = (
                on_paper(images, key)
                for images, key in zip((real, learnt), jax.random.split(jax.random.clone(real_key)))
            )
        rows[name] = measured(pictures, real, learnt, jax.random.clone(opinion_key))
    logits = [discriminator(digits.test_images), discriminator(samples["GAN"][:SAMPLES])]
    rows["GAN"]["auc_own"] = roc_auc_score(
        np.repeat([1, 0], [len(each) for each in logits]), np.concatenate(logits)
    )
    return {"rows": rows, "oddness": oddness(vae, generator, discriminator, seed)}


def main(afresh):
    """Does what is not stored yet, and stores each piece at once."""
    stored = {} if afresh else results.begun("fair_fight", settings=SETTINGS)
    table = {
        "command": "python notebooks/results/fair_fight.py",
        "settings": SETTINGS,
        "search": stored.get("search", {}),
        "best": {},
        "runs": stored.get("runs", {}),
    }
    runs = sum(len(settings) + FINALISTS for settings in TRIED.values()) + len(SEEDS)
    with tqdm(total=runs, unit="runs") as bar:
        table["best"] = search(table, bar)
        for seed in SEEDS:
            if str(seed) not in table["runs"]:
                table["runs"][str(seed)] = rounded(run_of(seed, table["best"]))
                results.save("fair_fight", table)
            bar.update()
    results.save("fair_fight", table)
    print(table["best"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afresh", action="store_true", help="forget what is stored")
    main(parser.parse_args().afresh)
