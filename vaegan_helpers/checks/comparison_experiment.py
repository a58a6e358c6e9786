"""Checks of a comparison that a learner designs: whether the experiment is fair, whatever its outcome."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.comparison import require_two
from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    copied,
    key_bits,
    numbers,
    passed,
    require_finite,
    same_weights,
)

# What `training.fit_vae` and `training.fit_gan` take when nothing is said.
DEFAULT_BATCH = {"VAE": 128, "GAN": 64}
DEFAULT_RATE = 1e-3
STEPS = (300, 3_000)
RATES = (1e-4, 2e-2)  # learning rates that teach a small network something
MODELS = ("VAE", "GAN")


def equal_budget(function: Callable) -> None:
    """Checks that an `experiment(seed, points, fit_vae, fit_gan)` gives both models the same chance.

    Args:
      function: takes a seed, points (m, 2) and two training functions as in `training`; returns the samples
        of the VAE and of the GAN, (n, 2) each.

    Raises:
      NotYet: steps, batches, rates or the loss are not what a fair comparison has.
    """
    name = "the budget"
    vae, gan, *_ = _watch(name, function, seed=3)
    if vae["steps"] != gan["steps"]:
        raise NotYet(f"{name} is not equal: {vae['steps']} steps for the VAE, {gan['steps']} for the GAN.")
    if vae["batch_size"] != gan["batch_size"]:
        raise NotYet(
            f"{name} is not equal: batches of {vae['batch_size']} for the VAE, of {gan['batch_size']} for "
            "the GAN. "
            "Say batch_size in both calls: what they take without being told differs."
        )
    if vae["steps"] < STEPS[0]:
        raise NotYet(
            f"{name} of {vae['steps']} steps teaches neither model enough; take at least {STEPS[0]}."
        )
    if vae["steps"] > STEPS[1]:
        raise NotYet(f"{name} of {vae['steps']:,} steps is more than asked for; take at most {STEPS[1]:,}.")
    moves = gan["named"].get("discriminator_steps", 1), gan["named"].get("generator_steps", 1)
    if moves[1] != 1:
        raise NotYet(
            f"{name} is not equal: the generator moves {moves[1]} times in each step, the decoder once."
        )
    for what, named, argument in [
        ("VAE", vae["named"], "learning_rate"),
        ("generator", gan["named"], "generator_learning_rate"),
        ("discriminator", gan["named"], "discriminator_learning_rate"),
    ]:
        rate = float(named.get(argument, DEFAULT_RATE))
        if not RATES[0] <= rate <= RATES[1]:
            raise NotYet(
                f"{name}: a learning rate of {rate:g} gives the {what} no fair chance; take one between "
                f"{RATES[0]:g} "
                f"and {RATES[1]:g}."
            )
    if vae["named"].get("loss", losses.vae_loss) is losses.vae_loss:
        raise NotYet(
            f"{name}: the VAE is trained with the loss for pixels. Hand over the one for points, "
            "loss=point_loss."
        )
    if vae["named"].get("beta", 1.0) != 1:
        raise NotYet(
            f"{name}: beta = {vae['named']['beta']:g} changes what the VAE is for. Its own objective has "
            "beta = 1."
        )
    passed(name)


def equal_data(function: Callable) -> None:
    """Checks that both models of an `experiment` learn from the points handed in, and how it draws samples.

    Args:
      function: as in `equal_budget`.

    Raises:
      NotYet: one of the models has other data, or its samples are drawn otherwise than the task says.
    """
    name = "the data of the experiment"
    (rng,) = cases(1)
    points_seed = int(rng.integers(2**31))
    vae, gan, points, samples = _watch(name, function, seed=5, points_seed=points_seed)
    centre = np.zeros(2)
    for what, seen in [("VAE", vae), ("GAN", gan)]:
        scaling = _scaling(points, seen["data"])
        if scaling is None:
            if len(seen["data"]) < len(points):
                raise NotYet(
                    f"{name}: the {what} learns from {len(seen['data'])} of the {len(points)} points."
                )
            raise NotYet(
                f"{name}: the {what} learns from other points than were handed in. Use the argument, "
                "unchanged."
            )
        slope, offset = scaling
        centre = -offset / slope  # where a 0 of the model lies among the points
    if not np.allclose(vae["data"], gan["data"], atol=1e-4):
        raise NotYet(f"{name}: the two models learn from points that are scaled differently.")
    shapes = [sample.shape for sample in samples]
    if shapes[0] != shapes[1]:
        raise NotYet(
            f"{name}: the samples have shapes {shapes[0]} and {shapes[1]}. Draw equally many: most measures "
            "depend "
            "on the number."
        )
    if len(samples[0]) < 200:
        raise NotYet(
            f"{name}: {len(samples[0])} samples of each are few; draw at least 200, or chance decides."
        )
    _require_all_samples(name, vae, gan, samples)
    _require_samples_from_the_prior(name, function, samples[0], centre, points_seed)
    passed(name)


def _scaling(points, data):
    """(slope, offset) of each coordinate if the data is the points, perhaps standardised; else None."""
    if data.shape != points.shape:
        return None
    slope = ((data - data.mean(0)) * (points - points.mean(0))).mean(0) / points.var(0)
    offset = data.mean(0) - slope * points.mean(0)
    fits = np.allclose(data, slope * points + offset, atol=1e-3 * np.abs(slope).max())
    return (slope, offset) if fits and (np.abs(slope) > 1e-3).all() else None


def _require_all_samples(name, vae, gan, samples):
    """As many of both models were made as came back, or as many times more."""
    made = [sum(seen["made"]) for seen in (vae, gan)]
    if all(made) and made[0] != made[1] and max(made) > len(samples[0]):
        raise NotYet(
            f"{name}: the VAE made {made[0]:,} samples and the GAN {made[1]:,}, and {len(samples[0])} of "
            "each came "
            "back. Whoever may choose the best of many is not compared fairly: keep what is drawn."
        )


def _require_samples_from_the_prior(name, function, plain, centre, points_seed):
    """The VAE's samples do not go through its encoder, and have the noise of p(x | z)."""

    def of_vae(trained):
        return _watch(name, function, seed=5, points_seed=points_seed, trained_vae=trained)[3][0]

    shaken, blank = of_vae(_with_another_encoder), of_vae(_with_a_blank_decoder)
    if not np.allclose(shaken, plain):
        raise NotYet(
            f"{name}: the VAE's samples change with its encoder. Samples come from the prior: draw z from "
            "N(0, I) and "
            "decode it. What is encoded and decoded again is a reconstruction of the training points."
        )
    if blank.std(axis=0).max() < 1e-3:
        raise NotYet(
            f"{name}: the VAE's samples are the decoder's output alone. p(x | z) is a Gaussian: add noise "
            "of the "
            "standard deviation `std`."
        )
    if not 0.02 < blank.std(axis=0).mean() < 0.5:
        raise NotYet(
            f"{name}: the noise of the VAE's samples has a standard deviation of "
            f"{blank.std(axis=0).mean():.2g}; "
            "wanted that of p(x | z), `std`."
        )
    if np.abs(blank.mean(axis=0) - centre).max() > 0.3:
        raise NotYet(
            f"{name}: the models learn from scaled points, and the samples are not scaled back: they lie "
            "elsewhere "
            "than the points that were handed in."
        )


def seeds_decide(function: Callable) -> None:
    """Checks that an `experiment` is the same for a seed, and new from the first weights on for another.

    Args:
      function: as in `equal_budget`.

    Raises:
      NotYet: the seed does not reach everything, or not only the seed decides.
    """
    name = "the seed"
    first, again, other = (_watch(name, function, seed=seed, points_seed=0) for seed in (1, 1, 2))
    for i, what in enumerate(MODELS):
        if not np.allclose(first[3][i], again[3][i]):
            raise NotYet(
                f"{name} does not fix the samples of the {what}: draw everything with keys made from the "
                "seed."
            )
        if np.array_equal(first[i]["key"], other[i]["key"]):
            raise NotYet(
                f"{name} does not reach the training of the {what}: two seeds train with the same key."
            )
        if same_weights(first[i]["model"], other[i]["model"]):
            raise NotYet(
                f"{name} does not reach the first weights of the {what}: make the players inside the "
                "experiment."
            )
        if np.allclose(first[3][i], other[3][i]):
            raise NotYet(f"{name} does not reach the samples of the {what}.")
    passed(name)


class _History(dict):
    """What a training function records: a falling curve under every name that is asked for."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def __missing__(self, name):
        return np.linspace(2.0, 1.0, self.steps)


def _with_another_encoder(vae):
    vae.encoder = jax.tree.map(lambda leaf: 0.5 * leaf + 0.1, vae.encoder)
    return vae


def _with_a_blank_decoder(vae):
    vae.decoder = jax.tree.map(jnp.zeros_like, vae.decoder)
    return vae


def _counting(model, made):
    """The model, whose output notes how many rows it makes."""
    output = model.output

    def noting(x):
        made.append(len(x))
        return output(x)

    model.output = noting
    return model


def _watch(name, function, seed, points_seed=None, trained_vae=lambda vae: vae):
    """Runs an experiment with training functions that only watch.

    Returns:
      (what fit_vae saw, what fit_gan saw, the points, (VAE's samples, GAN's samples)).
    """
    points = np.float32(np.random.default_rng(points_seed).normal([1, -0.5], [1.5, 0.8], (150, 2)))
    seen = {what: [] for what in MODELS}

    def watch(what, model, data, key, named):
        if "steps" not in named:
            raise TypeError(f"the training of the {what} needs the argument steps")
        seen[what].append(
            {
                "model": copied(model),
                "data": np.asarray(data, float),
                "key": np.asarray(key_bits(key)),
                "steps": named["steps"],
                "batch_size": named.get("batch_size", DEFAULT_BATCH[what]),
                "named": named,
                "made": [],
            }
        )
        return _counting(copied(model), seen[what][-1]["made"])

    def fit_vae(model, data, key, **named):
        return trained_vae(watch("VAE", model, data, key, named)), _History(named["steps"])

    def fit_gan(generator, discriminator, data, key, **named):
        return watch("GAN", generator, data, key, named), discriminator, _History(named["steps"])

    samples = require_two(
        name,
        call(name, function, seed, jnp.asarray(points), fit_vae, fit_gan),
        "the VAE's and the GAN's samples",
    )
    for what, calls in seen.items():
        if len(calls) != 1:
            raise NotYet(
                f"{name}: the {what} was trained {len(calls)} times in one experiment. Call "
                f"fit_{what.lower()}, "
                "which is handed in, once."
            )
    samples = [numbers(f"{name}, the samples,", sample) for sample in samples]
    for what, sample in zip(seen, samples, strict=True):
        if sample.ndim != 2 or sample.shape[1] != 2:
            raise NotYet(f"{name}: the samples of the {what} have shape {sample.shape}; wanted (n, 2).")
        require_finite(f"{name}, the samples of the {what},", sample)
    return seen["VAE"][0], seen["GAN"][0], points, samples
