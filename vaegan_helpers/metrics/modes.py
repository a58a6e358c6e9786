"""How much of a known variety a generator shows: modes of a mixture counted, and support sizes from coincidences."""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from vaegan_helpers.inputs import require_positive, require_whole


class Modes(NamedTuple):
    """What `modes_covered` found.

    Attributes:
      count: modes with at least one sample of high quality.
      quality: share of samples of high quality.
      reverse_kl: KL from the histogram of high-quality samples over modes to the mixture's weights, in nats. It ranges
        from 0 to log(modes) for equal weights, and is infinite if no sample is of high quality.
      per_mode: (modes,), how many high-quality samples each mode has.
      quality_interval: (low, high), where the generator's true share lies with 95 % confidence.
      unseen_share: a mode with a larger share of high-quality samples than this would have been seen, with 95 % confidence.
    """

    count: int
    quality: float
    reverse_kl: float
    per_mode: np.ndarray
    quality_interval: tuple
    unseen_share: float


def modes_covered(samples, mixture, within=3.0):
    """Counts the modes of a mixture that samples reach, and how many samples reach any.

    A sample is of high quality if it lies within three standard deviations of its nearest mode. In the plane this holds
    for 98.9 % of real samples. The papers take 2,500 samples.

    Args:
      samples: (n, dim), such as a generator's output.
      mixture: mixtures.Mixture with at least two modes.
      within: how many standard deviations.

    Returns:
      Modes.

    Raises:
      ValueError: samples of the wrong width, none, or not finite; a mixture of a single mode.

    References:
      Srivastava et al., VEEGAN, 2017 (experiments on synthetic data).
      Lin et al., PacGAN, 2018 (experiments on synthetic data).
    """
    means, stds, weights = (
        np.asarray(array, np.float64) for array in (mixture.means, mixture.stds, mixture.weights)
    )
    if len(means) < 2:
        raise ValueError(f"counting modes needs a mixture of at least two; got {len(means)}")
    require_positive(within=within)
    samples = _points(samples, means.shape[1])
    distance = np.linalg.norm(samples[:, None] - means[None], axis=-1) / stds  # (n, modes)
    nearest, good = distance.argmin(axis=1), distance.min(axis=1) <= within
    per_mode = np.bincount(nearest[good], minlength=len(means))
    return Modes(
        count=int(np.sum(per_mode > 0)),
        quality=float(good.mean()),
        reverse_kl=_kl(per_mode, weights),
        per_mode=per_mode,
        quality_interval=binomial_interval(good.sum(), len(samples)),
        unseen_share=1 - 0.05 ** (1 / len(samples)),
    )


def _kl(counts, weights):
    if not counts.sum():
        return math.inf
    share, seen = counts / counts.sum(), counts > 0
    return float(np.sum(share[seen] * np.log(share[seen] / weights[seen])))


def binomial_interval(successes, trials, confidence=0.95):
    """Where a probability lies after so many successes: (low, high), never with less than the confidence asked for.

    References:
      Clopper & Pearson, The use of confidence or fiducial limits, 1934.
    """
    tail = (1 - confidence) / 2
    low = beta.ppf(tail, successes, trials - successes + 1) if successes else 0.0
    high = beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return float(low), float(high)


class Birthdays(NamedTuple):
    """What `birthday_test` found.

    Attributes:
      coincidences: share of batches that hold at least one pair of twins.
      support: how many equally likely different outcomes would give this share.
      support_interval: (low, high), with 95 % confidence.
    """

    coincidences: float
    support: float
    support_interval: tuple


def birthday_test(samples, batch_size, distance):
    """Estimates how many different things a generator makes, from how often a batch holds two of the same.

    Among 23 people two share a birthday with probability one half. Turned round: if batches of s samples hold twins half
    of the time, there are about s^2 / (2 log 2) different outcomes, or fewer that matter if some are likelier.

    Args:
      samples: (n, dim); cut into whole batches, the rest is left out.
      batch_size: samples per batch, at least 2. The test is sharpest where about half of the batches hold twins.
      distance: two samples at most so far apart are twins.

    Returns:
      Birthdays. The support is infinite if no batch holds twins, and 1 if the share says no more than that.

    Raises:
      ValueError: samples that are not (n, dim) or not finite, fewer than one batch, a distance that is not positive.

    References:
      Arora, Risteski & Zhang, Do GANs learn the distribution? Some theory and empirics, 2018.
    """
    require_whole(batch_size=batch_size)
    require_positive(distance=distance)
    samples = _points(samples)
    batches = len(samples) // batch_size
    if batch_size < 2 or not batches:
        raise ValueError(
            f"batch_size is {batch_size} with {len(samples)} samples; wanted at least 2, and one whole batch"
        )
    twins = sum(_holds_twins(batch, distance) for batch in np.split(samples[: batches * batch_size], batches))
    low, high = binomial_interval(twins, batches)
    return Birthdays(
        twins / batches,
        support_size(twins / batches, batch_size),
        (support_size(high, batch_size), support_size(low, batch_size)),
    )


def support_size(coincidences, batch_size):
    """The number of equally likely outcomes for which a batch holds twins with this probability; at least 1.

    From P(no twins) = exp(-s (s - 1) / (2 n)), which is close once n is well above s.
    """
    if coincidences <= 0:
        return math.inf
    if coincidences >= 1:
        return 1.0
    return max(1.0, batch_size * (batch_size - 1) / (-2 * math.log1p(-coincidences)))


def _holds_twins(batch, distance):
    squared = np.sum((batch[:, None] - batch[None]) ** 2, axis=-1)
    np.fill_diagonal(squared, np.inf)
    return bool(squared.min() <= distance**2)


def _points(samples, dim=None):
    samples = np.asarray(samples, np.float64)
    wanted = "(n, dim)" if dim is None else f"(n, {dim})"
    if samples.ndim != 2 or not samples.size or (dim is not None and samples.shape[1] != dim):
        raise ValueError(f"samples has shape {samples.shape}; wanted {wanted} with n of at least 1")
    if not np.isfinite(samples).all():
        raise ValueError(
            f"{int((~np.isfinite(samples).all(axis=1)).sum())} of {len(samples)} samples are NaN or infinite"
        )
    return samples
