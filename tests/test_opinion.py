"""The fresh discriminator, against Gaussians whose divergence is known."""

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import rel_entr
from scipy.stats import norm

from vaegan_helpers import metrics

QUICK = dict(hidden_dim=32, steps=400)


def gaussians(distance, n=4000, dim=1):
    """Two standard normals, the second one moved along the first axis."""
    real, fake = np.random.default_rng(0).normal(size=(2, n, dim))
    fake[:, 0] += distance
    return real, fake


def exact_jsd(distance):
    def towards_the_middle(x):
        p, q = norm.pdf(x), norm.pdf(x, distance)
        return (rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)) / 2

    return quad(towards_the_middle, -12, 16, limit=200)[0]


@pytest.mark.parametrize("distance", [1.0, 2.0, 4.0])
def test_two_gaussians_have_their_known_divergence_accuracy_and_auc(distance):
    found = metrics.second_opinion(*gaussians(distance), jax.random.key(5), **QUICK)
    assert found.jsd == pytest.approx(exact_jsd(distance), abs=4 * found.error + 0.005)
    assert found.loss == pytest.approx(2 * np.log(2) - 2 * found.jsd)
    assert found.accuracy == pytest.approx(norm.cdf(distance / 2), abs=0.02)
    assert found.auc == pytest.approx(norm.cdf(distance / np.sqrt(2)), abs=0.02)


def test_equal_distributions_leave_it_guessing():
    found = metrics.second_opinion(*gaussians(0.0, dim=3), jax.random.key(5), **QUICK)
    assert found.jsd == pytest.approx(0, abs=4 * found.error + 0.005)
    assert found.auc == pytest.approx(0.5, abs=0.03)


def test_it_is_a_lower_bound_where_few_samples_are_soon_known_by_heart():
    """60 samples in 200 dimensions: without the watch the loss on the other half grows far beyond 2 log 2."""
    found = metrics.second_opinion(
        *gaussians(1.0, n=60, dim=200), jax.random.key(5), hidden_dim=64, steps=400
    )
    assert -0.1 < found.jsd < exact_jsd(1.0) + 4 * found.error


def test_far_away_it_reaches_log_2_and_counts_no_tie_as_a_win():
    real, fake = gaussians(50.0)
    assert metrics.second_opinion(real, fake, jax.random.key(5), **QUICK).jsd == pytest.approx(
        np.log(2), abs=0.01
    )
    same = np.ones((4000, 1))
    found = metrics.second_opinion(same, same, jax.random.key(5), **QUICK)
    assert (found.auc, found.accuracy) == (0.5, 0.5)


def test_scale_and_place_of_the_data_do_not_matter():
    real, fake = gaussians(1.0, dim=3)
    here = metrics.second_opinion(real, fake, jax.random.key(5), **QUICK)
    there = metrics.second_opinion(100 + 1000 * real, 100 + 1000 * fake, jax.random.key(5), **QUICK)
    assert there.jsd == pytest.approx(here.jsd, abs=0.01)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(real=np.ones((19, 2))), "real must be at least 20 samples; got 19"),
        (dict(fake=np.ones((50, 3))), r"fake must be an array of shape \(m, 2\)"),
        (dict(steps=19), "steps must be a whole number of at least 20"),
        (dict(key=3), "key must be one key"),
        (dict(learning_rate=0.0), "learning_rate must be a positive number"),
    ],
)
def test_bad_input_is_named(change, words):
    given = dict(real=np.ones((50, 2)), fake=np.ones((50, 2)), key=jax.random.key(5)) | change
    with pytest.raises(ValueError, match=words):
        metrics.second_opinion(**given)
