"""Modes and support sizes: against brute force, closed forms and samples whose answer is known beforehand."""

import math

import jax
import numpy as np
import pytest
from scipy.stats import binom

from vaegan_helpers import metrics, mixtures


def ring(count=8):
    return mixtures.gaussian_ring(count, radius=1.0, std=0.01)


def samples_of(mixture, n=2500, seed=0):
    return np.asarray(mixture.sample(jax.random.key(seed), n))


@pytest.mark.parametrize("mixture", [ring(), mixtures.gaussian_grid(), mixtures.gaussian_grid(side=2)])
def test_real_samples_cover_every_mode_with_the_quality_of_a_gaussian(mixture):
    found = metrics.modes_covered(samples_of(mixture, 20_000), mixture)
    assert found.count == len(mixture.means)
    assert abs(found.quality - (1 - math.exp(-4.5))) < 0.004  # P(|x| < 3 std) in the plane
    assert found.reverse_kl < 2 * len(mixture.means) / 20_000
    assert found.quality_interval[0] < found.quality < found.quality_interval[1]


def test_count_quality_and_histogram_match_a_plain_loop():
    mixture = mixtures.mixture([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], [0.1, 0.3, 0.5], weights=[0.2, 0.3, 0.5])
    samples = np.random.default_rng(0).uniform(-1, 4, (300, 2))
    per_mode, good = [0, 0, 0], 0
    for x in samples:
        distances = [
            math.dist(x, mean) / std
            for mean, std in zip(mixture.means.tolist(), mixture.stds.tolist(), strict=True)
        ]
        if min(distances) <= 3:
            good += 1
            per_mode[distances.index(min(distances))] += 1
    found = metrics.modes_covered(samples, mixture)
    assert list(found.per_mode) == per_mode and min(per_mode) > 0
    assert found.count == 3 and found.quality == good / 300
    kl = sum(k / good * math.log(k / good / w) for k, w in zip(per_mode, [0.2, 0.3, 0.5], strict=True))
    assert found.reverse_kl == pytest.approx(kl, rel=1e-5)


@pytest.mark.parametrize("kept", [1, 2, 4, 8])
def test_equal_shares_of_some_modes_give_the_log_of_how_many_are_missing(kept):
    samples = np.repeat(np.asarray(ring().means)[:kept], 40, axis=0)
    found = metrics.modes_covered(samples, ring())
    assert (found.count, found.quality) == (kept, 1.0)
    assert found.reverse_kl == pytest.approx(math.log(8 / kept), abs=1e-6)
    assert found.quality_interval[1] == 1.0


def test_one_sample_near_a_mode_is_enough_and_one_just_outside_is_not():
    means = np.asarray(ring().means)
    for distance, count in [(0.0299, 1), (0.0301, 0)]:
        samples = np.concatenate([np.zeros((99, 2)), means[:1] * (1 + distance)])
        assert metrics.modes_covered(samples, ring()).count == count


def test_without_a_good_sample_the_divergence_is_infinite():
    found = metrics.modes_covered(np.zeros((10, 2)), ring())
    assert (found.count, found.quality, found.reverse_kl) == (0, 0.0, math.inf)
    assert found.quality_interval[0] == 0.0 and found.quality_interval[1] > 0.2


def test_a_mode_with_the_unseen_share_is_missed_once_in_twenty():
    share = metrics.modes_covered(samples_of(ring()), ring()).unseen_share
    assert (1 - share) ** 2500 == pytest.approx(0.05)
    assert share == pytest.approx(3 / 2500, rel=0.01)  # the rule of three


@pytest.mark.parametrize("successes, trials", [(0, 20), (3, 20), (19, 20), (20, 20), (2475, 2500)])
def test_interval_ends_where_the_count_becomes_a_surprise(successes, trials):
    low, high = metrics.binomial_interval(successes, trials)
    if successes:
        assert binom.sf(successes - 1, trials, low) == pytest.approx(0.025)
    if successes < trials:
        assert binom.cdf(successes, trials, high) == pytest.approx(0.025)
    assert 0 <= low <= successes / trials <= high <= 1


@pytest.mark.parametrize("outcomes", [30, 365])
def test_birthdays_estimate_the_number_of_equally_likely_outcomes(outcomes):
    points = np.arange(outcomes)[:, None] * np.ones(2)
    draws = points[np.random.default_rng(1).integers(0, outcomes, 40_000)]
    found = metrics.birthday_test(draws, batch_size=round(1.2 * outcomes**0.5), distance=0.1)
    low, high = found.support_interval
    assert low < found.support < high
    assert abs(found.support / outcomes - 1) < 0.2  # the formula's own error for few outcomes


def test_twenty_three_people_share_a_birthday_half_of_the_time():
    assert metrics.support_size(0.5, 23) == pytest.approx(365, rel=0.01)


def test_twins_are_found_as_by_a_plain_loop():
    batch = np.random.default_rng(2).normal(size=(12, 3))
    nearest = min(math.dist(a, b) for i, a in enumerate(batch) for b in batch[:i])
    assert metrics.birthday_test(batch, 12, nearest * 1.001).coincidences == 1
    found = metrics.birthday_test(batch, 12, nearest * 0.999)
    assert (found.coincidences, found.support) == (0, math.inf)


def test_a_generator_that_makes_one_thing_has_support_one():
    assert metrics.birthday_test(np.zeros((100, 2)), 10, 0.1).support == 1.0


@pytest.mark.parametrize(
    "samples, words",
    [
        (np.zeros((5, 3)), r"samples must be an array of shape \(n, 2\); got \(5, 3\)"),
        (np.zeros(2), r"got \(2,\)"),
        (np.zeros((0, 2)), r"got \(0, 2\)"),
        (np.array([[0.0, np.nan], [0.0, 1.0]]), "samples must be finite; got NaN or infinity in 1 of 2 rows"),
        (np.full((3, 2), np.inf), "3 of 3 rows"),
    ],
)
def test_samples_that_cannot_be_counted_are_refused(samples, words):
    with pytest.raises(ValueError, match=words):
        metrics.modes_covered(samples, ring())


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: metrics.modes_covered(np.zeros((4, 2)), ring(1)), "at least two modes to count; got 1"),
        (
            lambda: metrics.modes_covered(np.zeros((4, 2)), ring(), within=0.0),
            "within must be a positive number; got 0.0",
        ),
        (
            lambda: metrics.birthday_test(np.zeros((4, 2)), 1, 0.1),
            "batch_size must be a whole number of at least 2; got 1",
        ),
        (
            lambda: metrics.birthday_test(np.zeros((4, 2)), 5, 0.1),
            "samples must hold at least one batch of 5; got 4",
        ),
        (lambda: metrics.birthday_test(np.zeros((4, 2)), 2, 0.0), "distance must be a positive number"),
        (lambda: metrics.birthday_test(np.full((4, 2), np.nan), 2, 0.1), "4 of 4 rows"),
    ],
)
def test_bad_settings_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
