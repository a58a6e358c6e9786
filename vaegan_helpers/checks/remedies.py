"""Checks of what a learner does against mode collapse: two remedies, and the numbers that speak for one of them."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import NotYet, call, cases, compare, numbers, passed, require_shape

# few shapes (batch, width), since each is compiled anew
SIZES = [(5, 8), (9, 4)]


def pack(function, trials=3):
    """Checks a `pack(x, m)` that puts m examples side by side in each row.

    Args:
      function: takes (batch, dim) and m, returns (batch / m, m * dim); must work under jit.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the packs"
    for rng in cases(trials):
        m, dim, rows = (int(k) for k in rng.permutation([2, 3, 5]))
        x = np.arange(rows * m * dim, dtype=np.float32).reshape(-1, dim) + np.float32(rng.uniform(0, 9))
        answer = numbers(name, call(name, function, jnp.asarray(x), m))
        if answer.shape == (rows, m, dim):
            raise NotYet(
                f"{name} have shape {answer.shape}: right, up to a last reshape to (batch / m, m * dim)."
            )
        if answer.shape == (m * dim, rows):
            raise NotYet(f"{name} stand in the columns; wanted one pack in each row.")
        if answer.ndim == 2 and len(answer) > rows:
            raise NotYet(
                f"{name} have shape {answer.shape}: each example belongs to one pack only, so {len(x)} examples make "
                f"{rows} packs of {m}."
            )
        answer = require_shape(name, answer, (rows, m * dim), "(batch / m, m * dim)")
        _require_whole_examples(name, answer.reshape(rows, m, dim), x, m)
        if not np.allclose(answer, numbers(name, call(name, jax.jit(function, static_argnums=1), x, m))):
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
        raise NotYet(
            f"{name} mix numbers of different examples: is an array transposed, or reshaped in the wrong order? Rows "
            "follow each other in memory, so one reshape is enough."
        )
    if len(set(found)) < len(found):
        raise NotYet(f"{name} hold an example twice, and others not at all: each belongs to one pack only.")


def append_spread(function, trials=3):
    """Checks an `append_spread(features)` that tells every example how much the batch varies.

    Args:
      function: takes (batch, width), returns (batch, width + 1): the features, and in the last column one number, the
        standard deviation of each feature over the batch, averaged over the features.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the spread of the batch"
    for rng in cases(trials):
        batch, width = SIZES[rng.integers(len(SIZES))]
        h = np.float32(rng.normal(0, rng.uniform(0.5, 3, width), (batch, width)) + rng.normal(0, 2, width))
        answer = numbers(name, call(name, function, jnp.asarray(h)))
        if answer.shape == (batch + 1, width):
            raise NotYet(f"{name} became a further row; wanted a further column, `axis=1`.")
        answer = require_shape(name, answer, (batch, width + 1), "(batch, width + 1)")
        if np.allclose(answer[:, 1:], h, atol=1e-4):
            raise NotYet(f"{name} stands in the first column; wanted it in the last.")
        if not np.allclose(answer[:, :-1], h, atol=1e-4):
            raise NotYet(
                f"{name}: the features themselves have changed; wanted them as they are, and one column more."
            )
        std = h.std(axis=0)
        column, truth = answer[:, -1], std.mean()
        if np.allclose(
            column, truth * math.sqrt(batch / (batch - 1)), rtol=1e-3
        ):  # divided by batch - 1: as good
            continue
        compare(
            name,
            column,
            np.full(batch, truth),
            [
                (
                    h.std(axis=1),
                    "this is the spread within each example, over its features. Wanted over the batch, axis 0.",
                ),
                (
                    np.full(batch, h.std(axis=1).mean()),
                    "this is the spread within the examples, over their features. Wanted over the batch, axis 0.",
                ),
                (
                    np.full(batch, h.std()),
                    "this is the spread of all numbers together, which is large already if the features "
                    "differ. Wanted: of each feature over the batch, then the mean.",
                ),
                (
                    np.full(batch, h.var(axis=0).mean()),
                    "this is the variance; wanted the standard deviation, its root.",
                ),
                (
                    np.full(batch, math.sqrt(h.var(axis=0).mean())),
                    "this is the root of the mean variance. Take the root of each feature's variance first, then the mean.",
                ),
                (np.full(batch, std.sum()), "this is the sum over the features; wanted their mean."),
                (
                    np.full(batch, truth * math.sqrt(batch)),
                    "it grows with the batch size: under the root stands a sum over the batch; wanted a mean.",
                ),
                (
                    np.full(batch, truth * batch),
                    "it grows with the batch size: a sum over the batch is taken for a mean.",
                ),
                (np.full(batch, h.mean()), "this is the mean; wanted the spread."),
            ],
            meaning="one number for each example",
        )
    passed(name)


def spread_gradient(function, trials=3):
    """Checks that the gradient through an `append_spread(features)` exists, also where all examples are equal.

    Args:
      function: as in `append_spread`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: it is NaN for a collapsed batch, or nothing at all for another.
    """
    name = "the gradient of the spread"
    for rng in cases(trials):
        batch, width = SIZES[rng.integers(len(SIZES))]
        h = jnp.asarray(rng.normal(0, 1, (batch, width)), jnp.float32)

        def gradient(features):
            return numbers(name, call(name, jax.grad(lambda f: function(f)[:, -1].sum()), features))

        if not np.abs(gradient(h)).max() > 1e-6:
            raise NotYet(
                f"{name} is 0 everywhere: is there a `stop_gradient`, or a detour through NumPy? G learns from it."
            )
        for where, features in [
            ("where all examples are equal", jnp.broadcast_to(h[:1], h.shape)),
            ("where one feature is the same for all", h.at[:, 0].set(0.0)),
        ]:
            if not np.isfinite(gradient(features)).all():
                raise NotYet(
                    f"{name} is NaN {where}: the root has an infinite slope at 0. Add a tiny number, such as 1e-8, "
                    "to the variance under the root."
                )
        value = numbers(name, call(name, function, jnp.ones((batch, width))))[:, -1]
        if value.max() > 1e-2:
            raise NotYet(
                f"the spread of a batch of equal examples is {value.max():.2g}; wanted nearly 0. Is the number under "
                "the root too large?"
            )
    passed(name)


def difference_of_means(function, trials=3):
    """Checks a `difference_of_means(a, b)`: mean(a) - mean(b), and the standard error of this difference.

    Args:
      function: takes the results of two remedies over several seeds, (n,) and (m,), returns a pair of numbers: the
        difference and sqrt(var(a) / n + var(b) / m), with the variances divided by n - 1 and m - 1.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the comparison"
    for rng in cases(trials):
        a, b = (
            rng.normal(rng.uniform(3, 7), rng.uniform(0.5, 2), n)
            for n in rng.choice(range(5, 11), 2, replace=False)
        )
        answer = call(name, function, a, b)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            if np.shape(answer) != (2,):
                raise NotYet(f"{name}: wanted two numbers, (difference, standard error); got {answer!r:.60}.")
        compare(
            "the difference of the means",
            answer[0],
            a.mean() - b.mean(),
            [
                (b.mean() - a.mean(), "it has the wrong sign: the mean of a minus the mean of b."),
                (abs(a.mean() - b.mean()), "it has lost its sign: the mean of a minus the mean of b."),
                (np.median(a) - np.median(b), "this is the difference of the medians."),
                (a.sum() - b.sum(), "this is the difference of the sums."),
            ],
            meaning="one number",
        )
        n, m, va, vb = len(a), len(b), a.var(ddof=1), b.var(ddof=1)
        standard_error = math.sqrt(va / n + vb / m)
        compare(
            "the standard error",
            answer[1],
            standard_error,
            [
                (
                    math.sqrt(va + vb),
                    "it does not shrink with the number of seeds: divide each variance by its number of seeds.",
                ),
                (va / n + vb / m, "the root is missing."),
                (
                    math.sqrt(va / n) + math.sqrt(vb / m),
                    "variances add up, standard errors do not: add first, then take the root.",
                ),
                (
                    math.sqrt(a.var() / n + b.var() / m),
                    "the variances are divided by n; wanted by n - 1, `ddof=1`.",
                ),
                (math.sqrt(abs(va / n - vb / m)), "the variances add up, also for a difference."),
                (
                    math.sqrt(va) + math.sqrt(vb),
                    "these are standard deviations of the seeds, and not of the means.",
                ),
                (
                    math.sqrt(va) / n + math.sqrt(vb) / m,
                    "each standard deviation is divided by n; wanted the variances by n, and "
                    "the root at the end.",
                ),
            ],
            meaning="one number",
        )
    passed(name)


def evidence(table, run, first, second, seeds=5):
    """Checks that a table of results is evidence: two remedies, several seeds each, and numbers that `run` gives again.

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
        seed, modes, quality = rows[int(cases(1)[0].integers(len(rows)))]
        again = require_shape(name, call("the spot check", run, remedy, int(seed)), (2,))
        # between processors a run may drift apart, so this only finds what cannot come from `run` at all
        if abs(again[1] - quality) > 0.25 or abs(again[0] - modes) > 3:
            raise NotYet(
                f"{name}: for {remedy!r} and seed {seed:.0f} the table says {modes:.0f} modes and a share of "
                f"{quality:.2f}; a new run gives {again[0]:.0f} and {again[1]:.2f}."
            )
    passed(name)


def require_results(name, remedy, results):
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
            f"{name}: under {remedy!r} stands {results!r:.60}; wanted rows (seed, modes, share of high quality)."
        )
    if rows[:, 1].min() < 0 or rows[:, 2].min() < 0 or rows[:, 2].max() > 1:
        raise NotYet(
            f"{name}: under {remedy!r} a count is negative, or a share lies outside [0, 1]. Is it in per cent?"
        )
    return rows
