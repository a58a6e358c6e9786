"""Samples judged in a feature space.

Against the published package, against closed forms, and against counting by hand.
"""

import jax
import numpy as np
import pytest
import scipy.linalg
from prdc import compute_prdc

from vaegan_helpers import data, metrics
from vaegan_helpers.metrics.classifier import _moved


def cloud(n, dim, seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, (n, dim))


def grid_points(n, seed):
    """Points with whole coordinates: full of equal distances and of points that lie on each other."""
    return np.random.default_rng(seed).integers(0, 6, (n, 3)).astype(float)


# Precision, recall, density, coverage


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(
    "real, fake",
    [
        (cloud(200, 8, 0), cloud(200, 8, 1)),
        (cloud(150, 8, 0), cloud(420, 8, 1, shift=0.7)),
        (cloud(300, 64, 0), 0.5 * cloud(90, 64, 1)),
        (cloud(60, 1, 0), cloud(80, 1, 1)),
        (grid_points(120, 0), grid_points(70, 1)),
        (grid_points(120, 0), grid_points(120, 0)),
        (cloud(50, 4, 0), cloud(50, 4, 1, shift=100)),
    ],
    ids=["equal sizes", "more fakes", "more real ones", "on the line", "ties", "the same points", "far away"],
)
def test_all_four_equal_the_published_package(real, fake, k):
    expected = compute_prdc(real, fake, k)
    found = metrics.precision_recall(real, fake, k)._asdict()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def test_a_case_counted_by_hand():
    real, fake = np.array([[0.0], [1], [2], [10]]), np.array([[0.5], [1.5], [30]])
    # real radii for k=1: 1, 1, 1, 8; fake radii: 1, 1, 28.5. Fake 0.5 lies in two real balls, 1.5 in two, 30
    # in none; the real 0 and 1 lie near 0.5, the real 2 near 1.5, the real 10 within 28.5 of 30.
    found = metrics.precision_recall(real, fake, k=1)
    assert found == pytest.approx((2 / 3, 1.0, 4 / 3, 3 / 4))


def test_precision_falls_with_noise_and_recall_with_a_lost_half():
    real, more = cloud(400, 4, 0), cloud(400, 4, 1)
    noisy, half = more + 3 * cloud(400, 4, 2), more[more[:, 0] > 0]
    assert (
        metrics.precision_recall(real, noisy).precision < 0.5 < metrics.precision_recall(real, more).precision
    )
    whole, cut = metrics.precision_recall(real, more), metrics.precision_recall(real, half)
    assert cut.recall < whole.recall - 0.15 and cut.precision > 0.9


def test_one_outlier_lifts_precision_and_hardly_density():
    real, fake = cloud(200, 2, 0), cloud(200, 2, 1, shift=20)
    with_outlier = np.vstack([real, [[40.0, 40.0]]])
    assert metrics.precision_recall(real, fake, k=1).precision == 0
    found = metrics.precision_recall(with_outlier, fake, k=5)
    assert found.precision > 0.9 and found.density <= 0.2 and found.coverage < 0.02


# The Fréchet distance


def published_formula(real, fake):
    """The formula as the papers print it, by scipy's square root of a matrix."""
    real_covariance, fake_covariance = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(real_covariance @ fake_covariance)
    return np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2) + np.trace(
        real_covariance + fake_covariance - 2 * root.real
    )


@pytest.mark.parametrize(
    "real, fake",
    [
        (cloud(200, 6, 0), cloud(300, 6, 1)),
        (cloud(200, 6, 0), cloud(300, 6, 1, shift=2) @ cloud(6, 6, 2)),
        (cloud(500, 64, 0), 0.3 * cloud(400, 64, 1)),
    ],
)
def test_frechet_equals_the_formula_by_a_matrix_square_root(real, fake):
    assert metrics.frechet_distance(real, fake) == pytest.approx(published_formula(real, fake), rel=1e-6)


def exactly(mean, covariance, n, seed):
    """n points whose mean and covariance are exactly these."""
    points = cloud(n, len(mean), seed)
    points = (points - points.mean(axis=0)) @ np.linalg.inv(
        scipy.linalg.sqrtm(np.cov(points, rowvar=False)).real
    )
    return points @ scipy.linalg.sqrtm(covariance).real + mean


def test_frechet_of_known_gaussians():
    """Covariances that commute: |difference of means|^2 + sum of squared differences of the standard
    deviations.
    """
    turn = np.linalg.qr(cloud(3, 3, 0))[0]
    first, second = np.diag([1.0, 4, 9]), np.diag([4.0, 4, 0.25])
    real = exactly(np.zeros(3), turn @ first @ turn.T, 50, 1)
    fake = exactly(np.array([1.0, -2, 0]), turn @ second @ turn.T, 40, 2)
    assert metrics.frechet_distance(real, fake) == pytest.approx(5 + 1 + 0 + 2.5**2, rel=1e-8)


def test_frechet_of_a_set_with_itself_is_zero_also_with_unused_features():
    features = cloud(30, 64, 0) * (np.arange(64) < 50)  # fewer samples than features, and 14 that never move
    assert metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_few_samples_make_frechet_too_large():
    def average(n):
        return np.mean(
            [metrics.frechet_distance(cloud(n, 16, seed), cloud(n, 16, 100 + seed)) for seed in range(5)]
        )

    assert average(50) > 3 * average(500) > 0


# Bad input


@pytest.mark.parametrize("measure", [metrics.precision_recall, metrics.frechet_distance])
@pytest.mark.parametrize(
    "real, fake, words",
    [
        (cloud(20, 3, 0), cloud(20, 4, 1), r"one width; got real \(20, 3\) and fake \(20, 4\)"),
        (cloud(20, 3, 0)[0], cloud(20, 3, 1), r"real must be an array of shape \(n, dim\); got \(3,\)"),
        (np.zeros((0, 3)), cloud(20, 3, 1), r"real must be an array of shape \(n, dim\); got \(0, 3\)"),
        (np.ones((20, 3)), cloud(20, 3, 1), "real must hold different samples.* got 20 times the same"),
        (cloud(20, 3, 0), np.ones((20, 3)), "fake must hold different samples.* got 20 times the same"),
        (
            cloud(20, 3, 0),
            np.full((20, 3), np.nan),
            "fake must be finite; got NaN or infinity in 20 of 20 rows",
        ),
    ],
)
def test_features_that_do_not_fit_are_named(measure, real, fake, words):
    with pytest.raises(ValueError, match=words):
        measure(real, fake)


@pytest.mark.parametrize("n, m, name", [(5, 20, "real"), (20, 5, "fake")])
def test_no_more_samples_than_neighbours_are_named(n, m, name):
    with pytest.raises(ValueError, match=f"{name} must hold more than 5 samples; got 5"):
        metrics.precision_recall(cloud(n, 3, 0), cloud(m, 3, 1), k=5)
    metrics.precision_recall(cloud(n + 1, 3, 0), cloud(m + 1, 3, 1), k=5)


@pytest.mark.parametrize("k", [0, -1, 2.0, True])
def test_k_is_a_whole_number(k):
    with pytest.raises(ValueError, match="k must be a whole number of at least 1"):
        metrics.precision_recall(cloud(20, 3, 0), cloud(20, 3, 1), k=k)


def test_one_sample_has_no_covariance():
    with pytest.raises(ValueError, match="fake must hold more than 1 samples; got 1"):
        metrics.frechet_distance(cloud(20, 3, 0), cloud(1, 3, 1))


# Classes


@pytest.mark.parametrize(
    "labels, effective", [([0, 1, 2, 3] * 5, 4), ([7] * 6, 1), ([0, 0, 0, 1], 0.75**-0.75 * 0.25**-0.25)]
)
def test_effective_classes(labels, effective):
    found = metrics.class_balance(np.array(labels))
    assert found.effective == pytest.approx(effective) and found.entropy == pytest.approx(
        np.log(effective), abs=1e-12
    )
    assert found.counts.sum() == len(labels) and len(found.counts) == 10


@pytest.mark.parametrize(
    "labels, words",
    [
        ([0, 10], "from 0 to 9; got 0 to 10"),
        ([-1, 3], "got -1 to 3"),
        ([0.5, 1.0], "whole numbers"),
        ([], "whole numbers"),
        ([[1, 2]], r"of shape \(1, 2\)"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, words):
    with pytest.raises(ValueError, match=words):
        metrics.class_balance(np.array(labels))


# Neighbours


def test_nearest_neighbours_are_found_as_by_brute_force():
    samples, training = cloud(7, 5, 0), cloud(40, 5, 1)
    distance, index = metrics.nearest_neighbours(samples, training)
    for i, sample in enumerate(samples):
        lengths = [np.sqrt(sum((sample - one) ** 2)) for one in training]
        assert index[i] == np.argmin(lengths) and distance[i] == pytest.approx(min(lengths))
    copies = metrics.nearest_neighbours(training[[3, 8]], training)
    assert list(copies[0]) == [0, 0] and list(copies[1]) == [3, 8]


def test_neighbours_need_one_width():
    with pytest.raises(ValueError, match=r"samples \(5, 2\) and training \(5, 3\)"):
        metrics.nearest_neighbours(cloud(5, 2, 0), cloud(5, 3, 0))


# The classifier


@pytest.fixture(scope="module")
def digits():
    return data.load_mnist()


@pytest.fixture(scope="module")
def classifier(digits):
    return metrics.fit_classifier(digits.train_images, digits.train_labels, jax.random.key(0), steps=600)


def test_the_classifier_reads_digits_that_it_has_not_seen(digits, classifier):
    assert classifier.accuracy(digits.test_images, digits.test_labels) > 0.93


def test_features_are_the_layer_from_which_the_logits_come(digits, classifier):
    features = classifier.features(digits.test_images[:5])
    last = classifier.network.layers[-1]
    assert features.shape == (5, 64) and (features >= 0).all()
    np.testing.assert_allclose(
        features @ last.kernel[...] + last.bias[...][None], classifier(digits.test_images[:5]), rtol=1e-5
    )


def test_the_run_depends_on_its_key(digits):
    def first_logits(seed):
        model = metrics.fit_classifier(
            digits.train_images[:200], digits.train_labels[:200], jax.random.key(seed), steps=3
        )
        return np.asarray(model(digits.test_images[:2]))

    assert np.array_equal(first_logits(0), first_logits(0)) and not np.array_equal(
        first_logits(0), first_logits(1)
    )


def test_moves_go_down_and_right():
    picture = np.zeros((1, 784), np.float32)
    picture[0, 10 * 28 + 5] = 1
    moved = _moved(picture, np.array([[2, -1]]))
    assert np.flatnonzero(moved[0]) == [12 * 28 + 4]


@pytest.mark.parametrize(
    "images, labels, words",
    [
        (np.zeros((4, 10)), np.zeros(4, int), r"images must be an array of shape \(n, 784\); got \(4, 10\)"),
        (np.zeros((4, 784)), np.zeros(5, int), "labels must be 4 whole numbers, one for each row; got 5"),
        (np.zeros((4, 784)), np.full(4, 10), "from 0 to 9; got 10 to 10"),
        (np.zeros((4, 784)), np.zeros(4), "whole numbers"),
        (np.full((4, 784), 2.0), np.zeros(4, int), r"images must lie in \[0, 1\]"),
    ],
)
def test_training_data_that_do_not_fit_are_named(images, labels, words):
    with pytest.raises(ValueError, match=words):
        metrics.fit_classifier(images, labels, jax.random.key(0), steps=1)


def test_pictures_of_another_size_are_named(classifier):
    with pytest.raises(ValueError, match=r"images must be an array of shape \(n, 784\); got \(3, 10\)"):
        classifier.features(np.zeros((3, 10)))
