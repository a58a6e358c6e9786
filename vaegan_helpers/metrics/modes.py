"""How much of a known variety a generator shows.

Modes of a mixture are counted, and support sizes estimated from coincidences.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, entropy

from vaegan_helpers.inputs import ArrayLike, as_array, require_positive, require_whole
from vaegan_helpers.mixtures import Mixture


class Modes(NamedTuple):
    """What `modes_covered` found.

    Attributes:
      count: modes with at least one sample of high quality.
      quality: share of samples of high quality.
      reverse_kl: KL from the histogram of high-quality samples over modes to the mixture's weights, in nats.
        It ranges from 0 to log(modes) for equal weights, and is infinite if no sample is of high quality.
      per_mode: (modes,), how many high-quality samples each mode has.
      quality_interval: (low, high), where the generator's true share lies with 95 % confidence.
      unseen_share: a mode with a larger share of high-quality samples than this would have been seen, with 95
        % confidence.
    """

    count: int  # type: ignore[assignment]  # a tuple's method of that name is of no use here
    quality: float
    reverse_kl: float
    per_mode: np.ndarray
    quality_interval: tuple
    unseen_share: float


def modes_covered(samples: ArrayLike, mixture: Mixture, within: float = 3.0) -> Modes:
    """Counts the modes of a mixture that samples reach, and how many samples reach any.

    A sample is of high quality if it lies within three standard deviations of its nearest mode. In the plane
    this holds for 98.9 % of real samples. The papers take 2,500 samples.

    Args:
      samples: (n, dim), such as a generator's output.
      mixture: mixtures.Mixture with at least two modes.
      within: how many standard deviations.

    Returns:
      Modes.

    References:
      Srivastava et al., VEEGAN, 2017 (experiments on synthetic data).
      Lin et al., PacGAN, 2018 (experiments on synthetic data).
    """
    means, stds, weights = (
        np.asarray(array, np.float64) for array in (mixture.means, mixture.stds, mixture.weights)
    )
    if len(means) < 2:
        raise ValueError(f"mixture must have at least two modes to count; got {len(means)}")
    require_positive(within=within)
    samples = as_array("samples", samples, "n", means.shape[1], dtype=np.float64)
    distance = np.linalg.norm(samples[:, None] - means[None], axis=-1) / stds  # (n, modes)
    nearest, good = distance.argmin(axis=1), distance.min(axis=1) <= within
    per_mode = np.bincount(nearest[good], minlength=len(means))
    return Modes(
        count=int(np.sum(per_mode > 0)),
        quality=float(good.mean()),
        reverse_kl=float(entropy(per_mode, weights)) if good.any() else math.inf,
        per_mode=per_mode,
        quality_interval=binomial_interval(good.sum(), len(samples)),
        unseen_share=1 - 0.05 ** (1 / len(samples)),
    )


def binomial_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Where a probability lies after so many successes: (low, high), never with less than this confidence.

    References:
      Clopper & Pearson, The use of confidence or fiducial limits, 1934.
    """
    interval = binomtest(int(successes), trials).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


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


def birthday_test(samples: ArrayLike, batch_size: int, distance: float) -> Birthdays:
    """Estimates how many different things a generator makes, from how often a batch holds two of the same.

    Among 23 people two share a birthday with probability one half. Turned round: if batches of s samples hold
    twins half of the time, there are about s^2 / (2 log 2) different outcomes, or fewer that matter if some
    are likelier.

    Args:
      samples: (n, dim); cut into whole batches, the rest is left out.
      batch_size: samples per batch, at least 2. The test is sharpest where about half of the batches hold
        twins.
      distance: two samples at most so far apart are twins.

    Returns:
      Birthdays. The support is infinite if no batch holds twins, and 1 if the share says no more than that.

    References:
      Arora, Risteski & Zhang, Do GANs learn the distribution? Some theory and empirics, 2018.
    """
    require_whole(2, batch_size=batch_size)
    require_positive(distance=distance)
    samples = as_array("samples", samples, "n", "dim", dtype=np.float64)
    batches = len(samples) // batch_size
    if not batches:
        raise ValueError(f"samples must hold at least one batch of {batch_size}; got {len(samples)}")
    twins = sum(_holds_twins(batch, distance) for batch in np.split(samples[: batches * batch_size], batches))
    low, high = binomial_interval(twins, batches)
    return Birthdays(
        twins / batches,
        support_size(twins / batches, batch_size),
        (support_size(high, batch_size), support_size(low, batch_size)),
    )


def support_size(coincidences: float, batch_size: int) -> float:
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
