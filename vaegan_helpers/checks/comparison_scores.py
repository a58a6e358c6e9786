"""Checks of the numbers of a comparison: the score, its spread over seeds, the table of results."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import NotYet, call, cases, numbers, passed, require_finite
from vaegan_helpers.checks.table import Check

FEWEST_SEEDS = 5


def score_ranks(function: Callable, trials: int = 2, elsewhere: bool = False) -> None:
    """Checks that a `score(real, samples)`, larger for better, ranks samples of different quality rightly.

    Args:
      function: takes (n, 2) and (m, 2), returns one number.
      trials: how many random inputs it is tried on.
      elsewhere: whether all points lie away from the origin and further apart, and bad samples are fewer.

    Raises:
      NotYet: blurred samples, noise, half junk or a single blob are not ranked below good ones.
    """
    name = "the score"
    for rng in cases(trials):
        real, good = _ring(rng, range(8)), _ring(rng, range(8))
        blurred = _moved(good + rng.normal(0, 1, good.shape), good)
        noise = _moved(rng.normal(0, 5, good.shape), good)
        values = [
            _score(name, function, real, samples, elsewhere, samples is not good)
            for samples in (good, blurred, noise)
        ]
        if np.ptp(values) <= 1e-3 * abs(values[0]):
            raise NotYet(
                f"{name} is {values[0]:.3g} for real points, blurred ones and noise alike. They share "
                "their mean and nothing else: does it look at both, and at more than means?"
            )
        if not values[0] > values[1] > values[2]:
            told = "{:.3g} for real points, {:.3g} for blurred ones, {:.3g} for noise".format(*values)
            if values[0] < values[1] < values[2] and values[2] - values[0] > 0.1 * abs(values[2]):
                raise NotYet(
                    f"{name} is the wrong way round: {told}. Larger should be better; return minus this."
                )
            raise NotYet(f"{name} ranks wrongly: {told}. It should fall in this order.")
        half_junk = np.where(np.arange(len(good))[:, None] % 2, good, rng.uniform(-6, 6, good.shape))
        for what, samples, blind in [
            ("half of the samples are junk", _moved(half_junk, good), "it does not see how bad they are"),
            (
                "all samples are one blob in the middle",
                _moved(rng.normal(0, 0.5, good.shape), good),
                "it does not see where the points are",
            ),
        ]:
            value = _score(name, function, real, samples, elsewhere, bad=True)
            if not value < values[0] - 0.02 * abs(values[0]):
                raise NotYet(
                    f"{name} is {values[0]:.3g} for good samples and {value:.3g} when {what}: {blind}. It "
                    "should fall."
                )
        if not np.isclose(
            values[0], _score(name, function, real, rng.permutation(good), elsewhere), rtol=1e-3, atol=1e-5
        ):
            raise NotYet(
                f"{name} changes when the samples are put in another order. No sample belongs to a certain "
                "real "
                "point."
            )
        _score(name, function, real, good[:-50])  # another number of samples is no reason to fail
    passed(f"{name} ranks quality")


def score_sees_missing_modes(function: Callable, trials: int = 2, elsewhere: bool = False) -> None:
    """Checks that a `score(real, samples)` falls when samples leave out a half, or nearly all, of the data.

    Args:
      function, elsewhere: as in `score_ranks`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: it does not fall.
    """
    name = "the score"
    for rng in cases(trials):
        real = _ring(rng, range(8))
        values = [
            _score(name, function, real, _ring(rng, range(modes)), elsewhere, modes < 8)
            for modes in (8, 4, 1)
        ]
        if np.ptp(values) < 0.1 * max(1e-9, abs(values[0])) or abs(values[0]) == abs(values[2]):
            raise NotYet(
                f"{name} is {values[0]:.3g} when all eight modes are there and {values[2]:.3g} when a "
                "single one "
                "is: it sees quality and no diversity, so a collapsed GAN would win."
            )
        if values[0] < values[1] < values[2]:
            raise NotYet(
                f"{name} is the wrong way round: it rises when modes are missing. Larger should be better."
            )
        if not values[0] > values[1] > values[2]:
            raise NotYet(
                f"{name} is {values[0]:.3g} for all eight modes, {values[1]:.3g} for four, {values[2]:.3g} "
                "for one. It "
                "should fall in this order."
            )
    passed(f"{name} sees missing modes")


def _score(name, function, real, samples, elsewhere=False, bad=False):
    if elsewhere:
        real, samples = (1.5 * points + [6, -6] for points in (real, samples[:250] if bad else samples))
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


def _moved(samples, good):
    """Bad samples with the mean of good ones, so that the mean alone does not tell them apart."""
    return samples - samples.mean(axis=0) + good.mean(axis=0)


def _scores(sign):
    """A function that draws scores (seeds, 2) of two models that share seeds, the first ahead or behind."""

    def draw(rng):
        n = int(rng.choice([5, 8]))
        while True:
            scores = rng.normal(0, 2, (n, 1)) + rng.normal([0.5 * sign, 0], 0.6, (n, 2))
            if sign * (scores[:, 0] - scores[:, 1]).mean() > 0:
                return [scores]

    return draw


def _of(mean=None, std=None):
    """A function of scores that gives a pair, with a place for each slip."""
    return lambda scores: (
        mean(np.asarray(scores)) if mean else np.mean(scores, axis=0),
        std(np.asarray(scores)) if std else np.std(scores, axis=0, ddof=1),
    )


spread = Check(
    "the spread",
    "a `spread(scores)`: the mean and the standard deviation over seeds, (seeds, 2) to two arrays (2,).",
    [_scores(1), _scores(-1)],
    _of(),
    {
        "this is one number for both models: average over the seeds, axis 0.": _of(lambda s: s.mean()),
        "this is one number for each seed: average over the seeds, axis 0.": _of(lambda s: s.mean(1)),
        "this is the median.": _of(lambda s: np.median(s, axis=0)),
        "divide by n - 1, not by n: with so few seeds it matters (ddof=1).": _of(std=lambda s: s.std(0)),
        "this is the variance: take its square root, and divide by n - 1 (ddof=1).": _of(
            std=lambda s: s.var(0)
        ),
        "this is the variance: take its square root.": _of(std=lambda s: s.var(0, ddof=1)),
        "this is the standard error of the mean; wanted is the spread of the seeds.": _of(
            std=lambda s: s.std(0, ddof=1) / np.sqrt(len(s))
        ),
        "this is a standard error of the mean; wanted is the spread of the seeds, ddof=1.": _of(
            std=lambda s: s.std(0) / np.sqrt(len(s))
        ),
        "this runs over the models; it should run over the seeds, axis 0.": (
            _of(std=lambda s: s.std(1, ddof=1)),
            _of(std=lambda s: s.std(1)),
        ),
        "this is one number for both models: take it over the seeds, axis 0.": (
            _of(std=lambda s: s.std()),
            _of(std=lambda s: s.std(ddof=1)),
        ),
    },
    parts=("the mean over seeds", "the standard deviation over seeds"),
    meaning="one number for each model",
)


def _gap(mean=None, error=None):
    """A function of scores that gives the mean gap and its standard error, with a place for each slip."""

    def of(scores):
        gaps = np.asarray(scores)[:, 0] - np.asarray(scores)[:, 1]
        return (
            mean(gaps) if mean else gaps.mean(),
            error(gaps, len(gaps)) if error else gaps.std(ddof=1) / np.sqrt(len(gaps)),
        )

    return of


def _unpaired(scores):
    scores = np.asarray(scores)
    return scores[:, 0].mean() - scores[:, 1].mean(), np.sqrt(scores.var(0, ddof=1).sum() / len(scores))


difference = Check(
    "the difference",
    "a `difference(scores)`: the mean of VAE minus GAN over the seeds, in pairs, and its standard error, "
    "(seeds, 2) to two numbers.",
    [_scores(1), _scores(-1)],
    _gap(),
    {
        "the sign is the wrong way round: VAE minus GAN, column 0 minus column 1.": _gap(
            lambda gaps: -gaps.mean()
        ),
        "keep the sign: it says which model is ahead.": (
            _gap(lambda gaps: abs(gaps.mean())),
            _gap(lambda gaps: np.abs(gaps).mean()),
        ),
        "this is one number for each seed: average them.": _gap(lambda gaps: gaps),
        "this is the median of the differences; wanted their mean.": _gap(np.median),
        "this is the spread of the differences: divide by the square root of the {0} seeds.": _gap(
            error=lambda gaps, n: gaps.std(ddof=1)
        ),
        "this is the spread of the differences, by n: ddof=1, and divide by the square root of n.": _gap(
            error=lambda gaps, n: gaps.std()
        ),
        "the standard deviation of a few seeds divides by n - 1: ddof=1.": _gap(
            error=lambda gaps, n: gaps.std() / np.sqrt(n)
        ),
        "divide by the square root of the {0} seeds, not by their number.": _gap(
            error=lambda gaps, n: gaps.std(ddof=1) / n
        ),
        "both models share a seed, so take the difference within each seed first: what they share cancels.": (
            _unpaired
        ),
    },
    parts=("the difference of the means", "its standard error"),
    meaning="one number",
)


def results(
    answer: Any,
    score: Callable | None = None,
    held_out: Any = None,
    runs: Sequence | None = None,
) -> None:
    """Checks a table of scores: at least five seeds, two models, no number twice, and where it comes from.

    Args:
      answer: (seeds, 2), the VAE in column 0.
      score, held_out, runs: what made it: the score, the held-out points, the pair of samples of each seed.
        If they are given, the table has to be what they give.

    Raises:
      NotYet: the table is too small, repeats itself, or is another one.
    """
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
    if score is not None:
        _require_scores_of(name, table, score, held_out, runs)
    elif any((np.diff(np.sort(column)) <= 1e-6 * np.abs(table).max()).any() for column in table.T):
        raise NotYet(f"{name} has the same number twice in a column: is every seed a run of its own?")
    passed(name)


def _require_scores_of(name, table, score, held_out, runs):
    try:
        pairs = [tuple(np.asarray(samples, float) for samples in run) for run in runs]
    except (TypeError, ValueError):
        pairs = []
    if len(pairs) != len(table) or any(len(pair) != 2 for pair in pairs):
        raise NotYet(f"{name} has {len(table)} rows; keep a pair of samples for each of them in `runs`.")
    # a score that counts may give one number twice; samples of two runs are never the same
    for i, what in enumerate(("VAE", "GAN")):
        if len({pair[i].tobytes() for pair in pairs}) < len(pairs):
            raise NotYet(f"{name} has the same samples of the {what} twice: is every seed a run of its own?")
    for seed in {0, len(table) - 1}:
        for i, what in enumerate(("VAE", "GAN")):
            again = _score(name, score, held_out, pairs[seed][i])
            if not np.isclose(again, table[seed, i], rtol=1e-2, atol=1e-3 * np.abs(table).max()):
                raise NotYet(
                    f"{name}: row {seed} says {table[seed, i]:.4g} for the {what}, and your score of its "
                    "samples "
                    f"against the held-out points is {again:.4g}. Were they held against the training points?"
                )
