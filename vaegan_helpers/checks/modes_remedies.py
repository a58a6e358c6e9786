"""Checks of what a learner does against mode collapse: two remedies, and the evidence for one of them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import NotYet, call, cases, compare, numbers, passed, require_shape
from vaegan_helpers.checks.table import Check


def pack(function: Callable, trials: int = 3, sizes: Sequence[int] = (2, 3, 5)) -> None:
    """Checks a `pack(x, m)` that puts m examples side by side in each row.

    Args:
      function: takes (batch, dim) and m, returns (batch / m, m * dim); must work under jit.
      trials: how many random inputs it is tried on.
      sizes: what m may be, each at least 2.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the packs"
    for trial, rng in enumerate(cases(trials)):
        m = int(sizes[trial % len(sizes)])
        dim, rows = (int(k) for k in rng.permutation([k for k in (2, 3, 5) if k != m])[:2])
        # no two numbers alike, and no mean of some of them is another
        steps = np.float32(rng.uniform(1, 2, rows * m * dim))
        x = np.cumsum(steps, dtype=np.float32).reshape(-1, dim)
        answer = numbers(name, call(name, function, jnp.asarray(x), m))
        if answer.shape == (rows, m, dim):
            raise NotYet(
                f"{name} have shape {answer.shape}: right, up to a last reshape to (batch / m, m * dim)."
            )
        if answer.shape == (m * dim, rows):
            raise NotYet(f"{name} stand in the columns; wanted one pack in each row.")
        if answer.shape == (rows, dim):
            raise NotYet(
                f"{name} have shape {answer.shape}, one example in each row: is a mean taken, or only a part "
                f"kept? Each row should hold {m} examples side by side."
            )
        if answer.ndim == 2 and len(answer) > rows:
            raise NotYet(
                f"{name} have shape {answer.shape}: each example belongs to one pack only, so {len(x)} "
                f"examples make {rows} packs of {m}."
            )
        answer = require_shape(name, answer, (rows, m * dim), "(batch / m, m * dim)")
        _require_whole_examples(name, answer.reshape(rows, m, dim), x, m)
        if trial == 0:  # compiling takes long, and one shape shows whether it works
            compiled = numbers(name, call(name, jax.jit(function, static_argnums=1), jnp.asarray(x), m))
            if not np.allclose(answer, compiled):
                raise NotYet(f"{name} differ under jit.")
    passed(name)


def _require_whole_examples(name, chunks, x, m):
    """Each chunk is an example, and each example is one chunk."""
    rows, m, dim = chunks.shape
    index = {tuple(example): i for i, example in enumerate(x)}
    found = [index.get(tuple(np.float32(chunk))) for chunk in chunks.reshape(-1, dim)]
    if None in found:
        grouped = chunks.reshape(rows, dim, m).transpose(0, 2, 1).reshape(-1, dim)
        if None not in [index.get(tuple(np.float32(chunk))) for chunk in grouped]:
            raise NotYet(
                f"{name} hold the right examples, but all first coordinates come before all second ones. "
                "Put the examples one after the other, each whole."
            )
        if not np.isin(np.float32(chunks), x).all():
            raise NotYet(
                f"{name} hold numbers that are in no example: is a mean or a sum taken? The examples stand "
                "side "
                "by side, as they are."
            )
        raise NotYet(
            f"{name} mix numbers of different examples: is an array transposed, or reshaped in the wrong "
            "order? Rows follow each other in memory, so one reshape is enough."
        )
    if len(set(found)) < len(found):
        raise NotYet(f"{name} hold an example twice, and others not at all: each belongs to one pack only.")


SIZES = [(5, 8), (9, 4)]  # (batch, width): few, since each is compiled anew


def _features(rng):
    """Features (batch, width) of different scales and offsets."""
    batch, width = SIZES[rng.integers(len(SIZES))]
    return [np.float32(rng.normal(0, rng.uniform(0.5, 3, width), (batch, width)) + rng.normal(0, 2, width))]


def _with_column(value):
    """The features with a last column: a number, or one for each example."""

    def append(h):
        h = np.asarray(h)
        return np.concatenate([h, np.broadcast_to(value(h), (len(h),))[:, None]], axis=1)

    return append


def _last_column(answer, features):
    """The column that was appended, after a look at the features themselves."""
    name, (batch, width) = "the spread of the batch", features.shape
    if numbers(name, answer).shape == (batch + 1, width):
        raise NotYet(f"{name} became a further row; wanted a further column, `axis=1`.")
    answer = require_shape(name, answer, (batch, width + 1), "(batch, width + 1)")
    if np.allclose(answer[:, 1:], features, atol=1e-4):
        raise NotYet(f"{name} stands in the first column; wanted it in the last.")
    if not np.allclose(answer[:, :-1], features, atol=1e-4):
        raise NotYet(
            f"{name}: the features themselves have changed; wanted them as they are, and one column more."
        )
    # divided by batch - 1 instead of batch it is as good
    column = answer[:, -1]
    unbiased = features.std(axis=0, ddof=1).mean()
    return column * features.std(axis=0).mean() / unbiased if np.allclose(column, unbiased, 1e-3) else column


append_spread = Check(
    "the spread of the batch",
    "an `append_spread(features)`: the features (batch, width), and in a last column how much the batch "
    "varies: the "
    "standard deviation of each feature over the batch, averaged over the features, (batch, width + 1).",
    _features,
    _with_column(lambda h: h.std(0).mean()),
    {
        "this is the spread within each example, over its features. Wanted over the batch, axis 0.": (
            _with_column(lambda h: h.std(1))
        ),
        "this is the spread within the examples, over their features. Wanted over the batch, axis 0.": (
            _with_column(lambda h: h.std(1).mean())
        ),
        "this is the spread of all numbers together, which is large already if the features differ. Wanted: "
        "of "
        "each feature over the batch, then the mean.": _with_column(lambda h: h.std()),
        "this is the variance; wanted the standard deviation, its root.": (
            _with_column(lambda h: h.var(0).mean())
        ),
        "this is the root of the mean variance. Take the root of each variance first, then the mean.": (
            _with_column(lambda h: math.sqrt(h.var(0).mean()))
        ),
        "this is the sum over the features; wanted their mean.": _with_column(lambda h: h.std(0).sum()),
        "this is the spread of one feature; wanted the mean over all of them.": (
            _with_column(lambda h: h.std(0)[0]),
            _with_column(lambda h: h.std(0)[-1]),
            _with_column(lambda h: h.std(0).max()),
        ),
        "it grows with the batch size: under the root stands a sum over the batch; wanted a mean.": (
            _with_column(lambda h: h.std(0).mean() * math.sqrt(len(h)))
        ),
        "it grows with the batch size: a sum over the batch is taken for a mean.": (
            _with_column(lambda h: h.std(0).mean() * len(h))
        ),
        "this is the mean; wanted the spread.": _with_column(lambda h: h.mean()),
    },
    meaning="one number for each example",
    read=_last_column,
)


def spread_gradient(function: Callable, trials: int = 3) -> None:
    """Checks that the gradient through an `append_spread(features)` is right, also for equal examples.

    Args:
      function: as in `append_spread`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: it is NaN for a collapsed batch, or another one than that of the spread.
    """
    name = "the gradient of the spread"
    for rng in cases(trials):
        (h,) = _features(rng)
        batch, width = h.shape

        def gradient(features):
            features = jnp.asarray(features)
            return numbers(name, call(name, jax.grad(lambda f: function(f)[:, -1].sum()), features))

        slope = gradient(h)
        if not np.abs(slope).max() > 1e-6:
            raise NotYet(
                f"{name} is 0 everywhere: is there a `stop_gradient`, or a detour through NumPy? G learns "
                "from it."
            )
        value = numbers(name, call(name, function, jnp.ones((batch, width))))[:, -1]
        if value.max() > 1e-2:
            raise NotYet(
                f"the spread of a batch of equal examples is {value.max():.2g}; wanted nearly 0. Is the "
                "number "
                "under the root too large?"
            )
        # of batch * mean over the features of the standard deviation
        right = (h - h.mean(axis=0)) / (h.std(axis=0) * width)
        right *= np.median(np.abs(slope) / np.abs(right)) if _divided_by_less(slope, right, batch) else 1
        first_feature, first_example = np.zeros_like(right), np.zeros_like(right)
        first_feature[:, 0], first_example[0] = right[:, 0], right[0]
        slips = [
            (-right, "it has the wrong sign: more spread should give a larger number."),
            (first_feature, "it flows through one feature only: every one of them counts."),
            (first_example, "it flows through one example only: every one of them counts."),
            (right / batch, "it is that of one row: the same number stands in all of them."),
        ]
        compare(name, slope, right, slips, rtol=1e-2, atol=2e-3)
        for where, features in [
            ("where all examples are equal", np.broadcast_to(h[:1], h.shape)),
            ("where one feature is the same for all", np.where(np.arange(width) == 0, 0, h)),
        ]:
            if not np.isfinite(gradient(features)).all():
                raise NotYet(
                    f"{name} is NaN {where}: the root has an infinite slope at 0. Add a tiny number, such "
                    "as 1e-8, "
                    "to the variance under the root."
                )
    passed(name)


def _divided_by_less(slope, right, batch):
    """Whether the standard deviations are divided by batch - 1, which is as good."""
    return np.allclose(slope, right * math.sqrt(batch / (batch - 1)), rtol=1e-2, atol=2e-3)


def _results_of_two(sign):
    """A function that draws results of two remedies over several seeds each, the first ahead or behind."""

    def draw(rng):
        n, m = rng.choice([5, 7, 10], 2, replace=False)
        while True:
            a, b = (rng.normal(rng.uniform(3, 7), rng.uniform(0.5, 2), count) for count in (n, m))
            if sign * (a.mean() - b.mean()) > 0:
                return a, b

    return draw


def _pair(difference=None, error=None):
    """A function of two samples that gives a pair, with a place for each slip."""

    def compared(a, b):
        a, b = np.asarray(a), np.asarray(b)
        n, m, va, vb = len(a), len(b), a.var(ddof=1), b.var(ddof=1)
        return (
            difference(a, b) if difference else a.mean() - b.mean(),
            error(n, m, va, vb) if error else math.sqrt(va / n + vb / m),
        )

    return compared


difference_of_means = Check(
    "the comparison",
    "a `difference_of_means(a, b)`: mean(a) - mean(b) of two samples (n,) and (m,), and the standard error "
    "of this "
    "difference, sqrt(var(a) / n + var(b) / m), with the variances divided by n - 1 and m - 1.",
    [_results_of_two(1), _results_of_two(-1)],
    _pair(),
    {
        "it has the wrong sign: the mean of a minus the mean of b.": _pair(lambda a, b: b.mean() - a.mean()),
        "it has lost its sign: the mean of a minus the mean of b.": _pair(
            lambda a, b: abs(a.mean() - b.mean())
        ),
        "this is the difference of the medians.": _pair(lambda a, b: np.median(a) - np.median(b)),
        "this is the difference of the sums.": _pair(lambda a, b: a.sum() - b.sum()),
        "it does not shrink with the number of seeds: divide each variance by its number of seeds.": _pair(
            error=lambda n, m, va, vb: math.sqrt(va + vb)
        ),
        "the root is missing.": _pair(error=lambda n, m, va, vb: va / n + vb / m),
        "variances add up, standard errors do not: add first, then take the root.": _pair(
            error=lambda n, m, va, vb: math.sqrt(va / n) + math.sqrt(vb / m)
        ),
        "the variances are divided by n; wanted by n - 1, `ddof=1`.": _pair(
            error=lambda n, m, va, vb: math.sqrt(va * (n - 1) / n**2 + vb * (m - 1) / m**2)
        ),
        "the variances add up, also for a difference.": _pair(
            error=lambda n, m, va, vb: math.sqrt(abs(va / n - vb / m))
        ),
        "these are standard deviations of the seeds, and not of the means.": _pair(
            error=lambda n, m, va, vb: math.sqrt(va) + math.sqrt(vb)
        ),
        "each standard deviation is divided by n; wanted the variances by n, and the root at the end.": _pair(
            error=lambda n, m, va, vb: math.sqrt(va) / n + math.sqrt(vb) / m
        ),
        "both variances are divided by one number of seeds; each has its own.": (
            _pair(error=lambda n, m, va, vb: math.sqrt((va + vb) / n)),
            _pair(error=lambda n, m, va, vb: math.sqrt((va + vb) / m)),
        ),
    },
    parts=("the difference of the means", "the standard error"),
    meaning="one number",
    hand_over=np.asarray,
)


def evidence(table: dict, run: Callable, first: str, second: str, seeds: int = 5) -> None:
    """Checks that results are evidence: two remedies, several seeds each, numbers that `run` gives again.

    Args:
      table: {name of a remedy: [(seed, modes, share of high quality), ...]}.
      run: function of (name, seed) giving (modes, share of high quality), for the spot check.
      first, second: the names of the two remedies that are compared.
      seeds: how many different seeds each needs.

    Raises:
      NotYet: something is missing, impossible, or not what `run` gives.
    """
    name = "the evidence"
    if not isinstance(table, dict):
        raise NotYet(f"{name} should be a dictionary {{remedy: results}}; it is {type(table).__name__}.")
    if first == second:
        raise NotYet(f"{name}: {first!r} is compared with itself.")
    for remedy in (first, second):
        if remedy not in table:
            raise NotYet(f"{name} has no results for {remedy!r}; it has {sorted(map(str, table))}.")
        rows = require_results(name, remedy, table[remedy])
        if len(set(rows[:, 0])) < len(rows):
            raise NotYet(
                f"{name}: a seed stands twice under {remedy!r}. The same run twice is one piece of evidence."
            )
        if len(rows) < seeds:
            raise NotYet(f"{name} has {len(rows)} seeds for {remedy!r}; wanted at least {seeds}.")
        (rng,) = cases(1)
        for seed, modes, quality in rows[rng.permutation(len(rows))[:2]]:
            again = require_shape(name, call("the spot check", run, remedy, int(seed)), (2,))
            # between processors a run may drift apart, so this only finds what cannot come from `run` at all
            if abs(again[1] - quality) > 0.25 or abs(again[0] - modes) > 3:
                raise NotYet(
                    f"{name}: for {remedy!r} and seed {seed:.0f} the table says {modes:.0f} modes and a "
                    "share of "
                    f"{quality:.2f}; a new run gives {again[0]:.0f} and {again[1]:.2f}."
                )
    passed(name)


def require_results(name: str, remedy: str, results: Any) -> np.ndarray:
    """Rows (seed, modes, share) as an array.

    Raises:
      NotYet: they are not such rows.
    """
    try:
        rows = np.asarray(results, float)
    except (TypeError, ValueError):
        rows = np.zeros(0)
    if rows.ndim != 2 or rows.shape[1] != 3 or not np.isfinite(rows).all():
        raise NotYet(
            f"{name}: under {remedy!r} stands {results!r:.60}; wanted rows (seed, modes, share of high "
            "quality)."
        )
    if rows[:, 1].min() < 0 or rows[:, 2].min() < 0 or rows[:, 2].max() > 1:
        raise NotYet(
            f"{name}: under {remedy!r} a count is negative, or a share lies outside [0, 1]. Is it in per "
            "cent?"
        )
    for column, what in enumerate(("a seed", "a number of modes")):
        if (rows[:, column] % 1).any():
            raise NotYet(f"{name}: under {remedy!r} {what} is not a whole number. Keep each run by itself.")
    return rows
