"""Checks of a comparison that a learner designs: properties of the experiment, whatever its outcome."""

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    compare,
    fresh_key,
    numbers,
    passed,
    require_finite,
)

# The batch sizes that `training.fit_vae` and `training.fit_gan` take when none is given.
DEFAULT_BATCH = {"VAE": 128, "GAN": 64}
FEWEST_POINTS = 60
FEWEST_SEEDS = 5


def own_data(points):
    """Checks data of one's own: at least 60 different points in the plane, spread out in both directions."""
    name = "your data"
    points = numbers(name, points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise NotYet(f"{name} has shape {points.shape}; wanted (n, 2): one row for each point.")
    require_finite(name, points)
    different = len(np.unique(points, axis=0))
    if different < FEWEST_POINTS:
        raise NotYet(
            f"{name} has {different} different points; draw at least {FEWEST_POINTS}, so that there is a shape."
        )
    if np.abs(points).max() > 10:
        raise NotYet(f"{name} reaches out to {np.abs(points).max():.3g}; keep it within 10 of the origin.")
    if points.std(axis=0).min() < 0.1:
        raise NotYet(
            f"{name} is almost a straight line along one axis; let it be spread out in both directions."
        )
    passed(name)


def split(function, trials=3):
    """Checks a `split(points, key)` into training and held-out points, half each, at random."""
    name = "the split"
    for rng in cases(trials):
        points = jnp.asarray(rng.permutation(np.arange(80.0)).reshape(40, 2))
        seed = int(rng.integers(2**31 - 1))
        halves = [
            _pair(name, call(name, function, points, jax.random.key(s)), "training and held-out points")
            for s in (seed, seed, seed + 1)
        ]
        train, held_out = (numbers(name, half) for half in halves[0])
        for half in (train, held_out):
            if half.ndim != 2 or half.shape[1] != 2:
                raise NotYet(
                    f"{name}: a half has shape {half.shape}; wanted (n, 2). Do not part the coordinates."
                )
        rows = {tuple(row) for row in np.asarray(points).tolist()}
        first, second = ({tuple(row) for row in half.tolist()} for half in (train, held_out))
        if first & second:
            raise NotYet(
                f"{name} leaves {len(first & second)} points in both halves: nothing is held out then."
            )
        if first | second != rows:
            raise NotYet(
                f"{name} loses or changes points: together the halves should be the points that were handed in."
            )
        if abs(len(first) - len(second)) > 1:
            raise NotYet(f"{name} gives {len(first)} and {len(second)} points; wanted halves of one size.")
        if {tuple(row) for row in np.asarray(halves[2][0]).tolist()} == first:
            raise NotYet(
                f"{name} is the same for two keys. Points come in the order in which they were drawn, so shuffle "
                "them first, as with jax.random.permutation."
            )
        if {tuple(row) for row in np.asarray(halves[1][0]).tolist()} != first:
            raise NotYet(
                f"{name} differs though the key is the same: shuffle with jax.random and the key handed in."
            )
    passed(name)


def equal_players(function):
    """Checks that `players(key)` gives (vae, generator, discriminator) for points, with equal decoder and generator."""
    name = "the players"
    (rng,) = cases(1)
    vae, generator, discriminator = _players(name, call(name, function, fresh_key(rng)))
    z_dim = generator.z_dim
    for what, model in [("decoder", lambda z: vae.decode(z)), ("generator", generator)]:
        made = numbers(f"what the {what} makes", call(f"the {what}", model, jnp.ones((3, z_dim))))
        if made.shape != (3, 2):
            raise NotYet(
                f"the {what} makes data of shape {made.shape} from 3 latents; wanted (3, 2): set x_dim=2."
            )
    if numbers("D's logits", call("the discriminator", discriminator, jnp.ones((3, 2)))).shape != (3,):
        raise NotYet("the discriminator should judge points: set x_dim=2.")
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(model)) for model in (vae.decoder, generator)]
    if sizes[0] != sizes[1]:
        raise NotYet(
            f"{name} are not equal: the decoder has {sizes[0]:,} parameters and the generator {sizes[1]:,}. "
            "Give both the same z_dim, hidden_dim and hidden_layers; their defaults differ from what you want."
        )
    shapes = [sorted(leaf.shape for leaf in jax.tree.leaves(model)) for model in (vae.decoder, generator)]
    if shapes[0] != shapes[1]:
        raise NotYet(
            f"{name} have equally many parameters in layers of different shapes: {shapes[0]} and {shapes[1]}."
        )
    far = [np.asarray(model(100 * jnp.eye(z_dim))) for model in (vae.decode, generator)]
    if any(np.all((values >= 0) & (values <= 1)) for values in far):
        raise NotYet(f"{name}: an output stays between 0 and 1, as for pixels. Points need output=as_it_is.")
    passed(name)


def players_from_key(function):
    """Checks that the first weights that `players(key)` draws depend on the key alone."""
    name = "the first weights"
    (rng,) = cases(1)
    seed = int(rng.integers(2**31 - 1))
    first, again, other = (
        _players(name, call(name, function, jax.random.key(s))) for s in (seed, seed, seed + 1)
    )
    for what, a, b, c in zip(("VAE", "generator", "discriminator"), first, again, other):
        if not _equal(a, b):
            raise NotYet(
                f"{name} of the {what} differ though the key is the same: use the key that is handed in."
            )
        if _equal(a, c):
            raise NotYet(
                f"{name} of the {what} are the same for two keys: hand it a key made from the one handed in."
            )
    passed(name)


def equal_budget(function):
    """Checks that an `experiment(seed, points, fit_vae, fit_gan)` gives both models the same steps and batches."""
    name = "the budget"
    vae, gan, *_ = _watch(name, function, seed=3)
    if vae["steps"] != gan["steps"]:
        raise NotYet(f"{name} is not equal: {vae['steps']} steps for the VAE, {gan['steps']} for the GAN.")
    if vae["batch_size"] != gan["batch_size"]:
        raise NotYet(
            f"{name} is not equal: batches of {vae['batch_size']} for the VAE, of {gan['batch_size']} for the GAN. "
            "Say batch_size in both calls: what they take without being told differs."
        )
    if vae["steps"] < 100:
        raise NotYet(f"{name} of {vae['steps']} steps teaches neither model anything; take at least 100.")
    moves = gan["named"].get("discriminator_steps", 1), gan["named"].get("generator_steps", 1)
    if moves[1] != 1:
        raise NotYet(
            f"{name} is not equal: the generator moves {moves[1]} times in each step, the decoder once."
        )
    passed(name)


def equal_data(function):
    """Checks that both models of an `experiment` learn from the points handed in, and that as many samples come back."""
    name = "the data of the experiment"
    vae, gan, points, samples = _watch(name, function, seed=5)
    for what, seen in [("VAE", vae), ("GAN", gan)]:
        if seen["data"].shape == points.shape and np.allclose(seen["data"], points):
            continue
        if len(seen["data"]) < len(points):
            raise NotYet(f"{name}: the {what} learns from {len(seen['data'])} of the {len(points)} points.")
        raise NotYet(
            f"{name}: the {what} learns from other points than were handed in. Use the argument, unchanged."
        )
    shapes = [sample.shape for sample in samples]
    if shapes[0] != shapes[1]:
        raise NotYet(
            f"{name}: the samples have shapes {shapes[0]} and {shapes[1]}. Draw equally many: most measures depend on "
            "the number."
        )
    if len(samples[0]) < 200:
        raise NotYet(
            f"{name}: {len(samples[0])} samples of each are few; draw at least 200, or chance decides."
        )
    passed(name)


def seeds_decide(function):
    """Checks that an `experiment` is the same for the same seed, and new from the first weights on for another."""
    name = "the seed"
    first, again, other = (_watch(name, function, seed=seed, points_seed=0) for seed in (1, 1, 2))
    for i, what in enumerate(("VAE", "GAN")):
        if not np.allclose(first[3][i], again[3][i]):
            raise NotYet(
                f"{name} does not fix the samples of the {what}: draw everything with keys made from the seed."
            )
        if np.array_equal(first[i]["key"], other[i]["key"]):
            raise NotYet(
                f"{name} does not reach the training of the {what}: two seeds train with the same key."
            )
        if _equal(first[i]["model"], other[i]["model"]):
            raise NotYet(
                f"{name} does not reach the first weights of the {what}: make the players inside the experiment."
            )
        if np.allclose(first[3][i], other[3][i]):
            raise NotYet(f"{name} does not reach the samples of the {what}.")
    passed(name)


def score_ranks(function, trials=2):
    """Checks that a `score(real, samples)`, larger for better, ranks good, blurred and random samples rightly."""
    name = "the score"
    for rng in cases(trials):
        real, good = _ring(rng, range(8)), _ring(rng, range(8))
        blurred, noise = good + rng.normal(0, 1, good.shape), rng.normal(0, 5, good.shape)
        values = [_score(name, function, real, samples) for samples in (good, blurred, noise)]
        if not values[0] > values[1] > values[2]:
            told = f"{values[0]:.3g} for real points, {values[1]:.3g} for blurred ones, {values[2]:.3g} for noise"
            if values[0] < values[1] < values[2] and values[2] - values[0] > 0.1 * abs(values[2]):
                raise NotYet(
                    f"{name} is the wrong way round: {told}. Larger should be better; return minus this."
                )
            if len(set(values)) == 1:
                raise NotYet(
                    f"{name} is {values[0]:.3g} for real points, blurred ones and noise alike: does it look at both?"
                )
            raise NotYet(f"{name} ranks wrongly: {told}. It should fall in this order.")
        if not np.isclose(
            values[0], _score(name, function, real, rng.permutation(good)), rtol=1e-3, atol=1e-5
        ):
            raise NotYet(
                f"{name} changes when the samples are put in another order. No sample belongs to a certain real point."
            )
        _score(name, function, real, good[:-50])  # another number of samples is no reason to fail
    passed(f"{name} ranks quality")


def score_sees_missing_modes(function, trials=2):
    """Checks that a `score(real, samples)` falls when the samples leave out a half, or nearly all, of the data."""
    name = "the score"
    for rng in cases(trials):
        real = _ring(rng, range(8))
        values = [_score(name, function, real, _ring(rng, modes)) for modes in (range(8), range(4), range(1))]
        if abs(values[0] - values[2]) < 0.1 * max(1e-9, abs(values[0])) or abs(values[0]) == abs(values[2]):
            raise NotYet(
                f"{name} is {values[0]:.3g} when all eight modes are there and {values[2]:.3g} when a single one is: it "
                "sees quality and no diversity, so a collapsed GAN would win."
            )
        if values[0] < values[1] < values[2]:
            raise NotYet(
                f"{name} is the wrong way round: it rises when modes are missing. Larger should be better."
            )
        if not values[0] > values[1] > values[2]:
            raise NotYet(
                f"{name} is {values[0]:.3g} for all eight modes, {values[1]:.3g} for four, {values[2]:.3g} for one. It "
                "should fall in this order."
            )
    passed(f"{name} sees missing modes")


def spread(function, trials=3):
    """Checks a `spread(scores)`, (seeds, 2) to the mean and the standard deviation over seeds of both columns."""
    name = "the spread"
    for rng in cases(trials):
        scores = rng.normal(rng.normal(0, 3, 2), rng.uniform(0.5, 2, 2), (int(rng.integers(5, 9)), 2))
        mean, std = _pair(
            name, call(name, function, jnp.asarray(scores)), "the means and the standard deviations"
        )
        n = len(scores)
        compare(
            "the mean over seeds",
            mean,
            scores.mean(axis=0),
            [
                (scores.mean(), "this is one number for both models: average over the seeds, axis 0."),
                (scores.mean(axis=1), "this is one number for each seed: average over the seeds, axis 0."),
                (np.median(scores, axis=0), "this is the median."),
            ],
            meaning="one number for each model",
        )
        compare(
            "the standard deviation over seeds",
            std,
            scores.std(axis=0, ddof=1),
            [
                (
                    scores.std(axis=0),
                    f"divide by n - 1 = {n - 1}, not by n: with so few seeds it matters (ddof=1).",
                ),
                (
                    scores.var(axis=0),
                    "this is the variance: take its square root, and divide by n - 1 (ddof=1).",
                ),
                (scores.var(axis=0, ddof=1), "this is the variance: take its square root."),
                (
                    scores.std(axis=0, ddof=1) / np.sqrt(n),
                    "this is the standard error of the mean; wanted is the spread of the seeds.",
                ),
                (
                    scores.std(axis=0) / np.sqrt(n),
                    "this is a standard error of the mean; wanted is the spread of the seeds, ddof=1.",
                ),
                (
                    scores.std(axis=1, ddof=1),
                    "this runs over the models; it should run over the seeds, axis 0.",
                ),
            ],
            meaning="one number for each model",
        )
    passed(name)


def difference(function, trials=3):
    """Checks a `difference(scores)`: the mean of VAE minus GAN over the seeds, in pairs, and its standard error."""
    name = "the difference"
    for rng in cases(trials):
        n = int(rng.integers(5, 9))
        scores = rng.normal(0, 2, (n, 1)) + rng.normal([0.7, -0.4], 0.5, (n, 2))
        gaps = scores[:, 0] - scores[:, 1]
        mean, error = _pair(
            name, call(name, function, jnp.asarray(scores)), "the mean difference and its standard error"
        )
        compare(
            f"{name} of the means",
            mean,
            gaps.mean(),
            [
                (-gaps.mean(), "the sign is the wrong way round: VAE minus GAN, column 0 minus column 1."),
                (abs(gaps.mean()), "keep the sign: it says which model is ahead."),
                (gaps, "this is one number for each seed: average them."),
            ],
        )
        apart = np.sqrt(scores.var(axis=0, ddof=1).sum() / n)
        compare(
            "its standard error",
            error,
            gaps.std(ddof=1) / np.sqrt(n),
            [
                (
                    gaps.std(ddof=1),
                    f"this is the spread of the differences: divide by the square root of the {n} seeds.",
                ),
                (
                    gaps.std(),
                    f"this is the spread of the differences: ddof=1, and divide by the square root of the {n} seeds.",
                ),
                (gaps.std() / np.sqrt(n), "the standard deviation of a few seeds divides by n - 1: ddof=1."),
                (gaps.std(ddof=1) / n, f"divide by the square root of the {n} seeds, not by their number."),
                (
                    apart,
                    "both models share a seed, so take the difference within each seed first: what they share cancels.",
                ),
            ],
        )
    passed(name)


def results(answer):
    """Checks a table of scores: at least five seeds, two models, no row twice."""
    name = "the table of results"
    table = numbers(name, answer)
    if table.ndim != 2 or table.shape[1] != 2:
        raise NotYet(
            f"{name} has shape {table.shape}; wanted (seeds, 2): the VAE in column 0, the GAN in column 1."
        )
    require_finite(name, table)
    if len(table) < FEWEST_SEEDS:
        raise NotYet(
            f"{name} has {len(table)} seeds; with fewer than {FEWEST_SEEDS} nobody can tell luck from skill."
        )
    if any(len(np.unique(column)) < len(column) for column in table.T):
        raise NotYet(f"{name} has the same number twice in a column: is every seed a run of its own?")
    passed(name)


def _score(name, function, real, samples):
    value = numbers(
        name, call(name, function, jnp.asarray(real, jnp.float32), jnp.asarray(samples, jnp.float32))
    )
    if value.size != 1:
        raise NotYet(f"{name} has shape {value.shape}; wanted one number.")
    require_finite(name, value)
    return float(value.reshape(()))


def _ring(rng, modes, n=500):
    """Points on some of eight small clouds around a circle."""
    angle = 2 * np.pi * rng.choice(list(modes), n) / 8
    return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.1, (n, 2))


def _pair(name, answer, what):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        kind = f"{len(answer)} things" if isinstance(answer, (tuple, list)) else type(answer).__name__
        raise NotYet(f"{name} should return two things, {what}; it returned {kind}.")
    return answer


def _players(name, answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        raise NotYet(f"{name}: return three things, (vae, generator, discriminator).")
    for what, part, model in zip(
        ("VAE", "generator", "discriminator"), ("decoder", "z_dim", "x_dim"), answer
    ):
        if not hasattr(model, part):
            raise NotYet(
                f"{name}: the {what} is of type {type(model).__name__}; the order is vae, generator, discriminator."
            )
    return answer


def _watch(name, function, seed, points_seed=None):
    """Runs an experiment with training functions that only watch.

    Returns:
      (what fit_vae saw, what fit_gan saw, the points, (VAE's samples, GAN's samples)).
    """
    points = np.float32(np.random.default_rng(points_seed).normal(0, 1, (150, 2)))
    seen = {"VAE": [], "GAN": []}

    def watch(what, models, data, key, named):
        if "steps" not in named:
            raise TypeError(f"the training of the {what} needs the argument steps")
        seen[what].append(
            {
                "model": models[0],
                "data": np.asarray(data),
                "key": np.asarray(jax.random.key_data(key)),
                "steps": named["steps"],
                "batch_size": named.get("batch_size", DEFAULT_BATCH[what]),
                "named": named,
            }
        )

    def fit_vae(model, data, key, **named):
        watch("VAE", (model,), data, key, named)
        return model, {}

    def fit_gan(generator, discriminator, data, key, **named):
        watch("GAN", (generator, discriminator), data, key, named)
        return generator, discriminator, {}

    samples = _pair(
        name,
        call(name, function, seed, jnp.asarray(points), fit_vae, fit_gan),
        "the VAE's and the GAN's samples",
    )
    for what, calls in seen.items():
        if len(calls) != 1:
            raise NotYet(
                f"{name}: the {what} was trained {len(calls)} times in one experiment. Call fit_{what.lower()}, which is "
                "handed in, once."
            )
    samples = [numbers(f"{name}, the samples,", sample) for sample in samples]
    for what, sample in zip(seen, samples):
        if sample.ndim != 2 or sample.shape[1] != 2:
            raise NotYet(f"{name}: the samples of the {what} have shape {sample.shape}; wanted (n, 2).")
        require_finite(f"{name}, the samples of the {what},", sample)
    return seen["VAE"][0], seen["GAN"][0], points, samples


def _equal(model, other):
    a, b = jax.tree.leaves(model), jax.tree.leaves(other)
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))
