"""Checks of how a learner counts modes; `remedies` holds those of what is done against their loss."""

import math

import jax.numpy as jnp
import numpy as np

from vaegan_helpers import metrics
from vaegan_helpers.checks.frame import NotYet, call, cases, compare, numbers, passed


def _scene(rng):
    """Samples around some of the modes of a ring: (samples, means, std, which).

    Some modes have samples of high quality, some only samples near by, some none at all.
    """
    modes, std = (
        int(rng.choice([7, 9, 10])),
        float(rng.uniform(0.42, 0.69)),
    )  # 8 would have as many missing as hit or near
    angles = rng.uniform(0, 6) + 2 * np.pi * np.arange(modes) / modes
    means = 12.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    order = rng.permutation(modes)
    hit, near = order[:3], order[3:5]
    inside, outside = rng.uniform(0.3, 2.9, (3, 8)), rng.uniform(3.1, 4.2, (5, 8))
    radii = np.concatenate([np.concatenate([inside, outside[:3]], axis=1).ravel(), outside[3:].ravel()])
    mode = np.concatenate([np.repeat(hit, 16), np.repeat(near, 8)])
    turn = rng.uniform(0, 2 * np.pi, len(mode))
    samples = means[mode] + std * radii[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    shuffled = rng.permutation(len(samples))
    return np.float32(samples[shuffled]), np.float32(means), std, radii[shuffled]


def distances(function, trials=3):
    """Checks a `distances(samples, means)` that gives the distance of each sample to each mode.

    Args:
      function: takes (n, dim) and (modes, dim), returns (n, modes).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the distances"
    for rng in cases(trials):
        n, modes, dim = rng.permutation([4, 7, 9])
        samples, means = np.float32(rng.normal(0, 2, (n, dim))), np.float32(rng.normal(0, 2, (modes, dim)))
        difference = samples[:, None] - means[None]
        truth = np.linalg.norm(difference, axis=-1)
        compare(
            name,
            call(name, function, jnp.asarray(samples), jnp.asarray(means)),
            truth,
            [
                (truth**2, "these are the squares: the root is missing."),
                (
                    truth.T,
                    "rows and columns are exchanged; wanted a row for each sample and a column for each mode.",
                ),
                (
                    np.abs(difference).sum(axis=-1),
                    "this adds up the absolute differences of the coordinates. Square them, add "
                    "them up, take the root.",
                ),
                (
                    difference,
                    "these are differences, coordinate by coordinate: their length is still to be taken, over the last "
                    "axis.",
                ),
                (truth.min(axis=1), "this is the distance to the nearest mode alone; wanted all of them."),
                (
                    np.linalg.norm(difference, axis=0),
                    "the length is taken over the samples; wanted over the coordinates, the last axis.",
                ),
                (
                    np.linalg.norm(difference, axis=1),
                    "the length is taken over the modes; wanted over the coordinates, the last axis.",
                ),
            ],
            meaning="(samples, modes)",
        )
    passed(name)


def high_quality(function, trials=3):
    """Checks a `high_quality(samples, means, std)` that says which samples lie within 3 std of a mode.

    Args:
      function: takes (n, 2), (modes, 2) and one number, returns (n,), True or False.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the samples of high quality"
    for rng in cases(trials):
        samples, means, std, radii = _scene(rng)
        difference = samples[:, None] - means[None]
        to_modes = np.linalg.norm(difference, axis=-1)
        nearest, truth = to_modes.min(axis=1), radii <= 3
        answer = numbers(name, call(name, function, jnp.asarray(samples), jnp.asarray(means), std))
        compare(
            name,
            answer,
            truth,
            [
                (~truth, "these are the others: True where the distance is at most 3 std."),
                (nearest <= 3, "the distance is held against 3, and not against 3 standard deviations."),
                (
                    nearest**2 <= 3 * std,
                    "the squared distance is held against 3 standard deviations: the root is missing.",
                ),
                (nearest <= std, "that is within one standard deviation; wanted within three."),
                (
                    (to_modes <= 3 * std).all(axis=1),
                    "this asks for all modes to be near: one is enough, the nearest.",
                ),
                (
                    to_modes <= 3 * std,
                    "this is an answer for each mode; wanted one for each sample: is any mode near?",
                ),
                (
                    (np.abs(difference) <= 3 * std).all(axis=-1).any(axis=1),
                    "each coordinate is held against 3 std by itself, which is a square and not a circle.",
                ),
                (nearest, "these are the distances themselves; hold them against 3 std."),
                (nearest / std, "these are the distances in std; hold them against 3."),
                (truth.mean(), "this is the share for all samples together; wanted an answer for each."),
                (truth.sum(), "this is their number; wanted an answer for each sample."),
            ],
            meaning="one answer for each sample",
        )
    passed(name)


def count_modes(function, trials=3):
    """Checks a `count_modes(samples, means, std)`: how many modes have a sample of high quality.

    Args:
      function: takes (n, 2), (modes, 2) and one number, returns a whole number.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the count of modes"
    for rng in cases(trials):
        samples, means, std, radii = _scene(rng)
        good = radii <= 3
        answer = call(name, function, jnp.asarray(samples), jnp.asarray(means), std)
        compare(
            name,
            answer,
            3,
            [
                (
                    5,
                    f"it is 5 where 3 of the {len(means)} modes have a sample of high quality: samples of low quality count as "
                    "well. Are they left out, and is the distance held against 3 std (and not against 3)?",
                ),
                (
                    len(means),
                    f"it is {len(means)}, the number of all modes: those without a sample of high quality do not count.",
                ),
                (
                    2,
                    "it is 2 where 3 modes have a sample of high quality: are the modes numbered from 0, and is mode 0 left "
                    "out? Or is the largest number taken for the count?",
                ),
                (
                    good.sum(),
                    "this is the number of samples of high quality; wanted the number of different modes among them.",
                ),
                (
                    len(samples),
                    "this is the number of samples; wanted the number of different modes among the good ones.",
                ),
                (len(means) - 3, "this is the number of modes that are missing."),
            ],
            meaning="one whole number",
        )
    nothing = call(name, function, jnp.full((5, 2), 90.0), jnp.asarray(means), std)
    compare(
        f"{name}, where every sample is far from all modes,",
        nothing,
        0,
        [(1, "it is 1 where no sample is of high quality: a mode is counted though nothing hits it.")],
    )
    passed(name)


def reverse_kl(function, trials=3):
    """Checks a `reverse_kl(counts)`: the KL from the shares of samples over modes to equal shares.

    Args:
      function: takes whole numbers (modes,), some of them 0, returns one number, in nats.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the reverse KL"
    for trial, rng in enumerate(cases(trials)):
        modes = int(rng.integers(5, 10))
        counts = rng.integers(20, 300, modes)
        if trial or trials == 1:
            counts[rng.permutation(modes)[: modes // 2]] = 0
        q, seen = counts / counts.sum(), counts > 0
        entropy = -np.sum(q[seen] * np.log(q[seen]))
        truth = np.log(modes) - entropy
        slips = [
            (
                entropy,
                "this is the entropy of the shares. The KL to equal shares is log(modes) minus the entropy.",
            ),
            (-truth, "the sign is the wrong way round. A KL is never negative."),
            (truth / np.log(2), "this is in bits; wanted nats, with natural logarithms."),
            (
                np.log(seen.sum()) - entropy,
                "the fair share is one over the number of all modes, also of those without a sample.",
            ),
            (
                truth / modes,
                "it is divided by the number of modes: the terms are weighted by q, so add them up.",
            ),
            (
                np.sum(counts[seen] * np.log(counts[seen] * modes)),
                "these are counts: divide them by their sum first.",
            ),
            (
                -np.sum(np.log(q * modes)) / modes if seen.all() else np.inf,
                "this is the forward KL, from equal shares to those of the samples, which is infinite where a mode is missing: "
                "weigh by the shares of the samples.",
            ),
        ]
        if not seen.all():
            empty = (
                "a mode without a sample brings 0 log 0, which counts as 0: leave these modes out of the sum."
            )
            slips += [(np.nan, empty), (-np.inf, empty)]
        compare(name, call(name, function, jnp.asarray(counts)), truth, slips, meaning="one number")
    passed(name)


def samples_needed(function, trials=6):
    """Checks a `samples_needed(share, confidence)`: how many samples show a mode of that share at least once.

    Args:
      function: returns the smallest whole number n for which 1 - (1 - share)^n is at least the confidence.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the number of samples"
    done = 0
    while done < trials:
        (rng,) = cases(1)
        share, confidence = float(rng.uniform(0.02, 0.3)), float(rng.uniform(0.8, 0.99))
        exact = math.log(1 - confidence) / math.log(1 - share)
        if not 0.1 < exact % 1 < 0.9:  # nearly a whole number: rounding errors would decide
            continue
        done += 1
        compare(
            name,
            call(name, function, share, confidence),
            math.ceil(exact),
            [
                (exact, "it is not a whole number: round up."),
                (math.floor(exact), "it is one too few: round up, so that the confidence is reached."),
                (
                    math.ceil(math.log(confidence) / math.log(1 - share)),
                    "the probability to miss the mode must fall below 1 - confidence, not below the confidence.",
                ),
                (
                    math.ceil(-math.log(1 - confidence) / share),
                    "this is the approximation for small shares; take log(1 - share).",
                ),
                *(
                    (
                        value,
                        "the probabilities of the draws do not add up: after 1 / share samples one is expected, and yet the mode "
                        "is missed more than one time in three. All n samples miss it with probability (1 - share)^n.",
                    )
                    for value in (
                        1 / share,
                        math.ceil(1 / share),
                        confidence / share,
                        math.ceil(confidence / share),
                    )
                ),
            ],
            rtol=1e-5,
            atol=1e-3,
            meaning="one whole number",
        )
    passed(name)


def misleading_samples(samples, mixture):
    """Checks samples that cover all modes, all with high quality, and are nevertheless far from the mixture.

    Args:
      samples: (n, dim).
      mixture: mixtures.Mixture.

    Raises:
      NotYet: one of the three numbers is not as asked for.
    """
    found = metrics.modes_covered(samples, mixture)
    modes = len(mixture.means)
    if found.count < modes:
        raise NotYet(f"the samples cover {found.count} of {modes} modes; wanted all.")
    if found.quality < 0.95:
        raise NotYet(f"{100 * found.quality:.0f} % of the samples are of high quality; wanted 95 % or more.")
    if found.reverse_kl < 0.8 * math.log(modes):
        raise NotYet(
            f"the reverse KL is {found.reverse_kl:.2f} nats, of {math.log(modes):.2f} at most: still more on one mode."
        )
    passed(
        f"{found.count} of {modes} modes, {100 * found.quality:.0f} % of high quality, reverse KL {found.reverse_kl:.2f} nats"
    )
