"""Checks of how a learner counts modes; `modes_remedies` holds those of what is done against their loss."""

import math
from typing import Any

import numpy as np
from scipy import stats

from vaegan_helpers import metrics, mixtures
from vaegan_helpers.checks.frame import NotYet, numbers, passed
from vaegan_helpers.checks.table import Check


def _ring_of(modes, rng):
    angles = rng.uniform(0, 6) + 2 * np.pi * np.arange(modes) / modes
    return 24.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _std(rng):
    """Clearly not 1, so that 3, 3 std and 3 variances differ; and small enough to keep the modes apart."""
    return float(rng.uniform(0.42, 0.6))


def _around(means, modes, radii, std, rng):
    """Samples at these distances, in std, from the modes of these numbers, in random order: (n, 2)."""
    turn = rng.uniform(0, 2 * np.pi, len(radii))
    samples = means[modes] + std * radii[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.float32(rng.permutation(samples))


def _good_and_bad(rng):
    """Samples of high and of low quality around some modes of a ring: (samples, means, std)."""
    means, std = _ring_of(9, rng), _std(rng)
    radii = np.concatenate([rng.uniform(0.3, 2.9, 24), rng.uniform(3.1, 4.2, 40)])
    return _around(means, rng.integers(0, 5, len(radii)), radii, std, rng), np.float32(means), std


def _telling_counts(rng):
    """How many modes there are of each kind, so that what is counted without some of them differs."""
    while True:
        hit, once, rare, middle, edge, near, none = rng.integers(1, 4, 7)
        truth, modes = hit + once + rare + middle + edge, hit + once + rare + middle + edge + near + none
        wrong = [truth - 1, truth + 1, truth + near, modes, modes - truth]
        wrong += [truth - edge, truth - edge - middle, truth - once, truth - once - rare]
        if len({truth, *wrong}) == 1 + len(wrong):
            names = ("hit", "once", "rare", "middle", "edge", "near", "none")
            return dict(zip(names, (hit, once, rare, middle, edge, near, none), strict=True))


def _counted(rng):
    """Modes that are hit often, by one sample only, at their edge, missed narrowly, or not at all."""
    counts = _telling_counts(rng)
    modes = sum(counts.values())
    means, std, order = _ring_of(modes, rng), _std(rng), rng.permutation(modes)
    kinds = [
        (counts["hit"], 20, 0.3, 2.9),
        (counts["once"], 1, 0.2, 0.9),
        (counts["rare"], 2, 0.2, 0.9),
        (counts["middle"], 8, 1.85, 1.98),
        (counts["edge"], 8, 2.2, 2.9),
        (counts["near"], 8, 3.1, 4.2),
    ]
    number, radii, mode = 0, [], []
    for count, each, inner, outer in kinds:
        for _ in range(count):
            radii.append(rng.uniform(inner, outer, each))
            mode += [order[number]] * each
            number += 1
    samples = _around(means, np.array(mode), np.concatenate(radii), std, rng)
    return samples, np.float32(means), std


def _far_out(rng):
    """No sample is of high quality."""
    return np.full((6, 2), 90, np.float32), np.float32(_ring_of(int(rng.choice([7, 9])), rng)), _std(rng)


def _offsets(samples, means):
    return np.asarray(samples)[:, None] - np.asarray(means)[None]


def _norms(samples, means):
    return np.linalg.norm(_offsets(samples, means), axis=-1)


def _samples_and_means(rng):
    n, modes, dim = rng.permutation([4, 7, 9])
    return np.float32(rng.normal(0, 2, (n, dim))), np.float32(rng.normal(0, 2, (modes, dim)))


distances = Check(
    "the distances",
    "a `distances(samples, means)`: the distance of each sample to each mode, (n, modes).",
    _samples_and_means,
    _norms,
    {
        "these are the squares: the root is missing.": lambda s, m: _norms(s, m) ** 2,
        "rows and columns are exchanged; wanted a row for each sample and a column for each mode.": (
            lambda s, m: _norms(s, m).T
        ),
        "this adds up the absolute differences. Square them, add them up, take the root.": (
            lambda s, m: np.abs(_offsets(s, m)).sum(-1)
        ),
        "these are differences, coordinate by coordinate: take their length over the last axis.": (_offsets),
        "this is the distance to the nearest mode alone; wanted all of them.": lambda s, m: _norms(s, m).min(
            1
        ),
        "the length is taken over the samples; wanted over the coordinates, the last axis.": lambda s, m: (
            np.linalg.norm(_offsets(s, m), axis=0)
        ),
        "the length is taken over the modes; wanted over the coordinates, the last axis.": lambda s, m: (
            np.linalg.norm(_offsets(s, m), axis=1)
        ),
        "this is the largest difference of a coordinate. Square all of them, add them up, take the root.": (
            lambda s, m: np.abs(_offsets(s, m)).max(-1)
        ),
        "only the first two coordinates count here; wanted all of them.": lambda s, m: np.linalg.norm(
            _offsets(s, m)[..., :2], axis=-1
        ),
    },
    meaning="(samples, modes)",
)


def _within(samples, means, reach):
    """Which samples lie within this distance of a mode."""
    return _norms(samples, means).min(1) <= reach


high_quality = Check(
    "the samples of high quality",
    "a `high_quality(samples, means, std)`: which samples lie within 3 std of a mode, (n,), True or False.",
    _good_and_bad,
    lambda s, m, std: _within(s, m, 3 * std),
    {
        "these are the others: True where the distance is at most 3 std.": lambda s, m, std: (
            ~_within(s, m, 3 * std)
        ),
        "the distance is held against 3, and not against 3 standard deviations.": lambda s, m, std: _within(
            s, m, 3
        ),
        "the squared distance is held against 3 std: the root is missing.": lambda s, m, std: (
            _norms(s, m).min(1) ** 2 <= 3 * std
        ),
        "that is within one standard deviation; wanted within three.": lambda s, m, std: _within(s, m, std),
        "that is within two standard deviations; wanted within three.": lambda s, m, std: _within(
            s, m, 2 * std
        ),
        "the distance is held against three variances; wanted three standard deviations.": lambda s, m, std: (
            _within(s, m, 3 * std**2)
        ),
        "this asks for all modes to be near: one is enough, the nearest.": lambda s, m, std: (
            _norms(s, m) <= 3 * std
        ).all(1),
        "this is an answer for each mode; wanted one for each sample: is any mode near?": lambda s, m, std: (
            _norms(s, m) <= 3 * std
        ),
        "each coordinate is held against 3 std by itself, which is a square and not a circle.": (
            lambda s, m, std: (np.abs(_offsets(s, m)) <= 3 * std).all(-1).any(1)
        ),
        "these are the distances themselves; hold them against 3 std.": lambda s, m, std: _norms(s, m).min(1),
        "these are the distances in std; hold them against 3.": lambda s, m, std: _norms(s, m).min(1) / std,
        "this is the share for all samples together; wanted an answer for each.": lambda s, m, std: _within(
            s, m, 3 * std
        ).mean(),
        "this is their number; wanted an answer for each sample.": lambda s, m, std: _within(
            s, m, 3 * std
        ).sum(),
    },
    meaning="one answer for each sample",
)


def _samples_of_each(samples, means, reach):
    """How many samples lie within this distance of each mode, (modes,)."""
    return (_norms(samples, means) <= reach).sum(0)


def _modes_with(samples, means, reach, at_least=1):
    return np.sum(_samples_of_each(samples, means, reach) >= at_least)


count_modes = Check(
    "the count of modes",
    "a `count_modes(samples, means, std)`: how many modes have a sample of high quality, a whole number.",
    [_counted, _far_out],
    lambda s, m, std: _modes_with(s, m, 3 * std),
    {
        "samples of low quality count as well. Are they left out, and is the distance held against 3 std "
        "(and not "
        "against 3)?": (
            lambda s, m, std: _modes_with(s, m, 3),
            lambda s, m, std: len(np.unique(_norms(s, m).argmin(1))) if _within(s, m, 3 * std).any() else 0,
        ),
        "this is the number of all modes: those without a sample of high quality do not count.": (
            lambda s, m, std: len(m)
        ),
        "it is one too few: are the modes numbered from 0, and is mode 0 left out? Or is the largest number "
        "taken "
        "for the count?": lambda s, m, std: max(_modes_with(s, m, 3 * std) - 1, 0),
        "a mode is counted though nothing hits it, or one too many.": (
            lambda s, m, std: max(_modes_with(s, m, 3 * std), 1),
            lambda s, m, std: _modes_with(s, m, 3 * std) + 1,
        ),
        "this is the number of samples of high quality; wanted the number of different modes among them.": (
            lambda s, m, std: _within(s, m, 3 * std).sum()
        ),
        "this is the number of samples; wanted the number of different modes among the good ones.": (
            lambda s, m, std: len(s)
        ),
        "this is the number of modes that are missing.": lambda s, m, std: (
            len(m) - _modes_with(s, m, 3 * std)
        ),
        "the distance is held against two standard deviations; wanted three.": lambda s, m, std: _modes_with(
            s, m, 2 * std
        ),
        "the distance is held against something shorter than two standard deviations; wanted three. Is it "
        "the "
        "variance?": (
            lambda s, m, std: _modes_with(s, m, std),
            lambda s, m, std: _modes_with(s, m, 3 * std**2),
        ),
        "a mode with a single sample is left out: one is enough.": lambda s, m, std: _modes_with(
            s, m, 3 * std, at_least=2
        ),
        "a mode with few samples is left out: one is enough, whatever its share.": lambda s, m, std: (
            _modes_with(s, m, 3 * std, at_least=max(3, 0.05 * len(s)))
        ),
    },
    meaning="one whole number",
)


def _counts(rng):
    """Samples of each mode, with some modes empty."""
    modes = int(rng.choice([5, 7, 8]))
    counts = rng.integers(2, 300, modes)
    counts[rng.permutation(modes)[: modes // 2]] = 0
    return [counts]


def _no_empty_mode(rng):
    return [rng.integers(1, 30, int(rng.choice([5, 7, 8])))]


def _kl(counts, modes=None):
    """KL from the shares of these counts to equal shares over all modes, in nats."""
    counts = np.asarray(counts, float)
    return np.log(modes or len(counts)) - stats.entropy(counts)


def _with_logarithms(formula):
    """A sum of `formula(q, log(q * modes))` over all modes, whatever the logarithm of 0 makes of it."""

    def kl(counts):
        q = np.asarray(counts) / np.sum(counts)
        return formula(q, np.log(q * len(q)))

    return kl


reverse_kl = Check(
    "the reverse KL",
    "a `reverse_kl(counts)`: the KL from the shares of samples over modes to equal shares, in nats, one "
    "number.",
    [_no_empty_mode, _counts],
    _kl,
    {
        "a mode without a sample brings 0 log 0, which counts as 0: leave these modes out of the sum.": (
            _with_logarithms(lambda q, log: np.sum(q * log)),
            _with_logarithms(lambda q, log: np.sum(log) if (q == 0).any() else np.sum(q * log)),
        ),
        "this is the entropy of the shares. The KL to equal shares is log(modes) minus the entropy.": (
            lambda c: stats.entropy(np.asarray(c, float))
        ),
        "the sign is the wrong way round. A KL is never negative.": lambda c: -_kl(c),
        "this is in bits; wanted nats, with natural logarithms.": lambda c: _kl(c) / np.log(2),
        "the fair share is one over the number of all modes, also of those without a sample.": lambda c: _kl(
            c, np.count_nonzero(c)
        ),
        "it is divided by the number of modes: the terms are weighted by q, so add them up.": lambda c: (
            _kl(c) / len(c)
        ),
        "these are counts: divide them by their sum first.": lambda c: np.sum(
            np.asarray(c) * np.log(np.maximum(np.asarray(c) * len(c), 1))
        ),
        "this is the forward KL, from equal shares to those of the samples, which is infinite where a mode "
        "is "
        "missing: weigh by the shares of the samples.": _with_logarithms(
            lambda q, log: -np.mean(log) if (q > 0).all() else np.nan
        ),
        "something is added to every count. An empty mode needs no help: its term is 0.": (
            lambda c: _kl(np.asarray(c) + 1),
            lambda c: _kl(np.asarray(c) + 0.5),
        ),
    },
    meaning="one number",
)


reverse_kl_of_all = reverse_kl.easier(
    "the reverse KL where no mode is empty",
    "a `reverse_kl(counts)` where every mode has a sample: the KL to equal shares, in nats, one number.",
    _no_empty_mode,
    ("a mode without a sample", "the fair share is"),
)


def _share_and_confidence(rng):
    """Of which the number of samples is not nearly whole, where rounding errors would decide."""
    while True:
        share, confidence = float(rng.uniform(0.02, 0.3)), float(rng.uniform(0.8, 0.99))
        if 0.1 < _exact(share, confidence) % 1 < 0.9:
            return share, confidence


def _whole(rng):
    """A share of one half, of which a whole number of samples has exactly this confidence."""
    return 0.5, float(rng.choice([0.75, 0.9375]))


def _exact(share, confidence):
    return math.log(1 - confidence) / math.log(1 - share)


samples_needed = Check(
    "the number of samples",
    "a `samples_needed(share, confidence)`: how many samples show a mode of that share at least once, the "
    "smallest "
    "whole number n for which 1 - (1 - share)^n is at least the confidence.",
    [_share_and_confidence, _whole],
    lambda s, c: math.ceil(_exact(s, c)),
    {
        "it is not a whole number: round up.": _exact,
        "it is one too few: round up, so that the confidence is reached.": lambda s, c: (
            math.ceil(_exact(s, c) - 1) if _exact(s, c) % 1 else math.ceil(_exact(s, c))
        ),
        "it is one too many where a whole number of samples gives the confidence exactly.": lambda s, c: (
            math.floor(_exact(s, c)) + 1
        ),
        "the probability to miss the mode must fall below 1 - confidence, not below the confidence.": (
            lambda s, c: math.ceil(math.log(c) / math.log(1 - s))
        ),
        "this is the approximation for small shares; take log(1 - share).": lambda s, c: math.ceil(
            -math.log(1 - c) / s
        ),
        "the probabilities of the draws do not add up: after 1 / share samples one is expected, and yet the "
        "mode "
        "is missed more than one time in three. All n samples miss it with probability (1 - share)^n.": (
            lambda s, c: 1 / s,
            lambda s, c: math.ceil(1 / s),
            lambda s, c: c / s,
            lambda s, c: math.ceil(c / s),
        ),
    },
    meaning="one whole number",
    trials=6,
    rtol=1e-5,
    atol=1e-3,
)


def misleading_samples(samples: Any, mixture: mixtures.Mixture) -> None:
    """Checks samples that cover all modes, all with high quality, and are nevertheless far from the mixture.

    Args:
      samples: (n, dim).
      mixture: mixtures.Mixture.

    Raises:
      NotYet: one of the three numbers is not as asked for.
    """
    found = metrics.modes_covered(numbers("the samples", samples), mixture)
    modes = len(mixture.means)
    if found.count < modes:
        raise NotYet(f"the samples cover {found.count} of {modes} modes; wanted all.")
    if found.quality < 0.95:
        raise NotYet(f"{100 * found.quality:.0f} % of the samples are of high quality; wanted 95 % or more.")
    if found.reverse_kl < 0.8 * math.log(modes):
        raise NotYet(
            f"the reverse KL is {found.reverse_kl:.2f} nats, of {math.log(modes):.2f} at most: "
            "still more on one mode."
        )
    passed(
        f"{found.count} of {modes} modes, {100 * found.quality:.0f} % of high quality, "
        f"reverse KL {found.reverse_kl:.2f} nats"
    )
