"""Checks of what a learner reads off a latent plane."""

import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import call, cases, compare, passed


def nearest_label(function, trials=3):
    """Checks a `nearest_label(codes, labels, points)`: the label of the code nearest to each point, (n,)."""
    name = "the nearest label"
    for rng in cases(trials):
        codes, labels, points, distance = _plane(rng)
        nearest = distance.argmin(axis=1)
        by_each_axis = np.abs(points[:, None] - codes[None])
        slips = [
            (nearest, "this is the number of the code, not its label: look the label up."),
            (
                labels[distance.argmax(axis=1)],
                "this is the label of the farthest code: take the smallest distance.",
            ),
            (
                labels[distance.argmin(axis=0) % len(labels)],
                "argmin runs over the points; it should run over the codes.",
            ),
            (labels[by_each_axis[..., 0].argmin(axis=1)], "only the first coordinate counts here: use both."),
            (
                labels[(points[:, None] - codes[None]).sum(axis=-1).argmin(axis=1)],
                "differences with a sign cancel: square them before you add them up.",
            ),
            (distance.min(axis=1), "this is the distance: wanted is the label of the code, so take argmin."),
            (
                np.bincount(labels[nearest], minlength=10),
                "this is a count of each class; wanted is one label for each point.",
            ),
        ]
        answer = call(name, function, jnp.asarray(codes), jnp.asarray(labels), jnp.asarray(points))
        compare(name, answer, labels[nearest], slips, meaning="one label for each point")
    passed(name)


def land(function, trials=3):
    """Checks a `land(codes, labels, points)`: the share of the points whose nearest code is of each class, (10,)."""
    name = "the land"
    for rng in cases(trials):
        codes, labels, points, distance = _plane(rng)
        met = labels[distance.argmin(axis=1)]
        count = np.bincount(met, minlength=10)
        own = np.bincount(labels, minlength=10)
        slips = [
            (count, f"these are counts. Divide by the number of points, {len(points)}."),
            (count / len(labels), "divide by the number of points, not by that of the codes."),
            (
                own / len(labels),
                "this is the share of each class among the codes; count by the points nearest to them.",
            ),
            (own, "this counts the codes of each class; count the points nearest to them."),
            (
                count[np.unique(met)] / len(points),
                "only the classes that were met are here. Wanted are ten shares, some of them 0.",
            ),
            (
                np.bincount(met) / len(points),
                "the last classes are missing, as nothing fell to them: np.bincount has minlength.",
            ),
            (
                np.bincount(met),
                "these are counts, and the last classes are missing: minlength=10, then divide.",
            ),
            (100 * count / len(points), "these are percentages; wanted are shares that sum to 1."),
        ]
        answer = call(name, function, jnp.asarray(codes), jnp.asarray(labels), jnp.asarray(points))
        compare(name, answer, count / len(points), slips, meaning="one share for each of the ten classes")
    passed(name)


def _plane(rng):
    """Codes with labels 0 to 8 (the class 9 is absent), points, and the distances (points, codes), well apart."""
    while True:
        codes, labels = rng.normal(0, 1, (40, 2)), rng.permutation(np.arange(40) % 9)
        points = rng.normal(0, 1, (25, 2))
        distance = np.linalg.norm(points[:, None] - codes[None], axis=-1)
        first, second = np.sort(distance, axis=1)[:, :2].T
        if np.min(second - first) > 1e-3:  # no tie that rounding could decide
            return codes, labels, points, distance
