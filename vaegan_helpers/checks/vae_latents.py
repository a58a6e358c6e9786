"""Checks of what a learner reads off a latent space: labels on the plane, and paths between two latents."""

import numpy as np

from vaegan_helpers.checks.table import Check


def _plane(rng):
    """Codes with labels 0 to 8 (the class 9 is absent) and points, well apart: (40, 2), (40,), (25, 2)."""
    while True:
        codes, labels = np.float32(rng.normal(0, 1, (40, 2))), rng.permutation(np.arange(40) % 9)
        points = np.float32(rng.normal(0, 1, (25, 2)))
        first, second = np.sort(_distances(codes, points), axis=1)[:, :2].T
        if np.min(second - first) > 1e-3:  # no tie that rounding could decide
            return codes, labels, points


def _offsets(codes, points):
    return np.asarray(points)[:, None] - np.asarray(codes)[None]


def _distances(codes, points):
    return np.linalg.norm(_offsets(codes, points), axis=-1)


def _met(codes, labels, points):
    """The label of the code nearest to each point."""
    return np.asarray(labels)[_distances(codes, points).argmin(1)]


nearest_label = Check(
    "the nearest label",
    "a `nearest_label(codes, labels, points)`: the label of the code nearest to each point, (n,).",
    _plane,
    _met,
    {
        "this is the number of the code, not its label: look the label up.": lambda c, labels, p: _distances(
            c, p
        ).argmin(1),
        "this is the label of the farthest code: take the smallest distance.": lambda c, labels, p: (
            np.asarray(labels)[_distances(c, p).argmax(1)]
        ),
        "argmin runs over the points; it should run over the codes.": lambda c, labels, p: np.asarray(labels)[
            _distances(c, p).argmin(0) % len(labels)
        ],
        "only the first coordinate counts here: use both.": lambda c, labels, p: np.asarray(labels)[
            np.abs(_offsets(c, p))[..., 0].argmin(1)
        ],
        "only the second coordinate counts here: use both.": lambda c, labels, p: np.asarray(labels)[
            np.abs(_offsets(c, p))[..., 1].argmin(1)
        ],
        "differences with a sign cancel: square them before you add them up.": lambda c, labels, p: (
            np.asarray(labels)[_offsets(c, p).sum(-1).argmin(1)]
        ),
        "this is the distance: wanted is the label of the code, so take argmin.": lambda c, labels, p: (
            _distances(c, p).min(1)
        ),
        "this is a count of each class; wanted is one label for each point.": lambda c, labels, p: (
            np.bincount(_met(c, labels, p), minlength=10)
        ),
    },
    meaning="one label for each point",
)

land = Check(
    "the land",
    "a `land(codes, labels, points)`: the share of the points whose nearest code is of each class, (10,).",
    _plane,
    lambda c, labels, p: np.bincount(_met(c, labels, p), minlength=10) / len(p),
    {
        "these are counts. Divide by the number of points, {3}.": lambda c, labels, p: np.bincount(
            _met(c, labels, p), minlength=10
        ),
        "divide by the number of points, not by that of the codes.": lambda c, labels, p: (
            np.bincount(_met(c, labels, p), minlength=10) / len(labels)
        ),
        "this is the share of each class among the codes; count by the points nearest to them.": (
            lambda c, labels, p: np.bincount(labels, minlength=10) / len(labels)
        ),
        "this counts the codes of each class; count the points nearest to them.": lambda c, labels, p: (
            np.bincount(labels, minlength=10)
        ),
        "only the classes that were met are here. Wanted are ten shares, some of them 0.": (
            lambda c, labels, p: np.unique(_met(c, labels, p), return_counts=True)[1] / len(p)
        ),
        "the last classes are missing, as nothing fell to them: np.bincount has minlength.": (
            lambda c, labels, p: np.bincount(_met(c, labels, p), minlength=9) / len(p)
        ),
        "these are counts, and the last classes are missing: minlength=10, then divide.": (
            lambda c, labels, p: np.bincount(_met(c, labels, p), minlength=9)
        ),
        "these are percentages; wanted are shares that sum to 1.": lambda c, labels, p: (
            100 * np.bincount(_met(c, labels, p), minlength=10) / len(p)
        ),
    },
    meaning="one share for each of the ten classes",
)


def _ends_of_a_path(rng):
    """Two latents of clearly different lengths, and how far along the path."""
    start, end = rng.normal(0, 1, (2, 5))
    start, end = start * 1.5 / np.linalg.norm(start), end * 3 / np.linalg.norm(end)
    return np.float32(start), np.float32(end), float(rng.choice([0.2, 0.3, 0.7, 0.8]))


def _lengths(start, end):
    return np.linalg.norm(start), np.linalg.norm(end)


def _turned(start, end, t, divide=True):
    """Shoemake's mixture of two vectors by sines, with the angle between them."""
    a, b = _lengths(start, end)
    angle = np.arccos(np.dot(start, end) / (a * b))
    mixture = np.sin((1 - t) * angle) * start + np.sin(t * angle) * end
    return mixture / np.sin(angle) if divide else mixture


def _direction(start, end, t, divide=True):
    a, b = _lengths(start, end)
    return _turned(start / a, end / b, t, divide)


def _length(start, end, t):
    a, b = _lengths(start, end)
    return (1 - t) * a + t * b


def _along_the_chord(start, end, t):
    a, b = _lengths(start, end)
    line = (1 - t) * start / a + t * end / b
    return _length(start, end, t) * line / np.linalg.norm(line)


spherical = Check(
    "the point on the spherical path",
    "a `spherical(start, end, t)`: the point a share t along the great circle, with a length that changes "
    "evenly.",
    _ends_of_a_path,
    lambda a, b, t: _length(a, b, t) * _direction(a, b, t),
    {
        "this is the straight line: it cuts inside the shell.": lambda a, b, t: (1 - t) * a + t * b,
        "the directions turn rightly, and the lengths are mixed with them: turn the two unit vectors, and "
        "let "
        "the length go evenly from one to the other.": _turned,
        "this is the direction alone: multiply it by the length.": _direction,
        "the direction lies on the great circle, and does not turn at a constant rate: share the angle, not "
        "the "
        "chord.": _along_the_chord,
        "start and end are exchanged in the direction.": lambda a, b, t: (
            _length(a, b, t) * _direction(b, a, t)
        ),
        "start and end are exchanged in the length.": lambda a, b, t: _length(b, a, t) * _direction(a, b, t),
        "start and end are exchanged: at t = 0 stands the start.": lambda a, b, t: (
            _length(b, a, t) * _direction(b, a, t)
        ),
        "the division by the sine of the angle is missing.": lambda a, b, t: (
            _length(a, b, t) * _direction(a, b, t, divide=False)
        ),
    },
    meaning="one latent",
)
