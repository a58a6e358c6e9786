"""The kernel estimates against quadrature of known densities: identical, shifted, disjoint; and their bias
with equal ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import rel_entr
from scipy.stats import multivariate_normal

from vaegan_helpers import mixtures, stage
from vaegan_helpers.stage.engine import divergences, scene

WIDTH = scene.KERNEL_WIDTH
X, Y, CELL = divergences.cell_centres(scene.EXTENT, scene.CELLS)


def q_of(samples, width=WIDTH):
    return divergences.kernel_density_on_grid(samples, X, Y, width)


def p_of(mixture):
    return divergences.density_on_grid(divergences.blurred(mixture, WIDTH), X, Y)


def draws(mixture, seed=0, n=scene.SAMPLES):
    return mixture.sample(jax.random.key(seed), n)


def kl_of(p, samples):
    """The stage's estimate of KL(p || q)."""
    return float(divergences.kl(p_of(p), q_of(samples), CELL, len(samples)))


def pdf(mixture, points):
    """The density of the mixture, blurred by the kernel, without the code under test."""
    return sum(
        float(weight) * multivariate_normal(np.asarray(mean), float(std) ** 2 + WIDTH**2).pdf(points)
        for mean, std, weight in zip(mixture.means, mixture.stds, mixture.weights, strict=True)
    )


def exact(p, q):
    """KL(p || q) and JS by a fine sum over a wide square, in double precision."""
    ticks = np.linspace(-5, 5, 801)
    points, area = np.stack(np.meshgrid(ticks, ticks), axis=-1), (ticks[1] - ticks[0]) ** 2
    a, b = pdf(p, points), pdf(q, points)
    js = 0.5 * rel_entr(a, (a + b) / 2) + 0.5 * rel_entr(b, (a + b) / 2)
    return rel_entr(a, b).sum() * area, js.sum() * area


ONE = mixtures.mixture([[0.3, -0.2]], 0.5)
CASES = {
    "shifted a little": (ONE, mixtures.mixture([[0.6, 0.0]], 0.5)),
    "shifted far": (ONE, mixtures.mixture([[-0.5, 0.3]], 0.5)),
    "narrower": (ONE, mixtures.mixture([[0.3, -0.2]], 0.35)),
    "wider": (ONE, mixtures.mixture([[0.3, -0.2]], 0.65)),
    "too few of one mode": (
        mixtures.two_gaussians(1.6, 0.3),
        mixtures.mixture([[-0.8, 0.0], [0.8, 0.0]], 0.3, [0.99, 0.01]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_divergences_match_quadrature(name):
    p, q = CASES[name]
    kl, js = exact(p, q)
    samples = draws(q)
    assert float(divergences.jensen_shannon(p_of(p), q_of(samples), CELL)) == pytest.approx(
        js, abs=0.01 + 0.03 * js
    )
    assert kl_of(p, samples) == pytest.approx(kl, abs=0.1 + 0.1 * kl)


def test_the_fine_sum_of_these_tests_matches_adaptive_quadrature_and_the_closed_form():
    p, q = CASES["shifted far"]
    kl, js = exact(p, q)
    assert kl == pytest.approx((0.8**2 + 0.5**2) / (2 * (0.5**2 + WIDTH**2)), rel=1e-4)

    def along(x, y):  # a plain loop over one coordinate
        a, b = pdf(p, (x, y)), pdf(q, (x, y))
        return 0.5 * rel_entr(a, (a + b) / 2) + 0.5 * rel_entr(b, (a + b) / 2)

    lines = [quad(along, -4, 4, args=(y,), epsabs=1e-5)[0] for y in np.linspace(-3, 3, 25)]
    assert js == pytest.approx(np.sum(lines) * 0.25, abs=1e-3)


@pytest.mark.parametrize("name", stage.DATA)
def test_equal_densities_give_almost_no_divergence_and_one_half(name):
    """The finite-sample bias on every data set of the stage: below 0.01 nats, and D* within some hundredths
    of 1/2."""
    mixture = stage.DATA[name]
    samples = draws(mixture)
    p, q = p_of(mixture), q_of(samples)
    assert 0 <= float(divergences.jensen_shannon(p, q, CELL)) < 0.01
    assert abs(kl_of(mixture, samples)) < 0.03
    best = divergences.best_discriminator(p, q)
    assert float(jnp.abs(best - 0.5)[p > 0.1 * p.max()].max()) < 0.1
    assert float(jnp.sum(p * jnp.abs(best - 0.5)) / p.sum()) < 0.02


@pytest.mark.parametrize("name", stage.DATA)
def test_the_plane_holds_all_of_the_data_and_the_cells_are_fine_enough(name):
    assert float(p_of(stage.DATA[name]).sum() * CELL) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("away", [2.0, 5.0, 1e3], ids=["inside the plane", "outside", "far outside"])
def test_disjoint_densities_reach_log_two_wherever_the_samples_are(away):
    p, samples = mixtures.mixture([[-2.0, 0.0]], 0.1), draws(mixtures.mixture([[away, 0.0]], 0.1))
    assert float(divergences.jensen_shannon(p_of(p), q_of(samples), CELL)) == pytest.approx(
        np.log(2), abs=1e-3
    )
    nothing = -np.log(2 * np.pi * np.e * (0.1**2 + WIDTH**2)) + np.log(
        5001 * 36
    )  # minus the entropy of p, plus the ceiling
    assert kl_of(p, samples) == pytest.approx(nothing, abs=0.1)


def test_no_sample_is_dropped():
    """Half of the samples outside of the plane: the divergence is that of a q with half of its mass where p
    has none."""
    p = mixtures.mixture([[0.0, 0.0]], 0.4)
    near = draws(p)
    half = near.at[::2].set(50.0)
    q = q_of(half)
    assert float(q.sum() * CELL) == pytest.approx(0.5, abs=0.01)
    share = 0.5  # JS(p, (p + r) / 2) with r elsewhere, by hand
    by_hand = 0.5 * np.log(1 / (1 - share / 2)) + 0.5 * (
        share * np.log(share / (1 - share / 2)) + (1 - share) * np.log(2)
    )
    assert float(divergences.jensen_shannon(p_of(p), q, CELL)) == pytest.approx(by_hand, abs=0.01)


def test_the_kernel_estimate_equals_a_plain_sum():
    samples = draws(stage.DATA["blobs"], n=50)
    sums = (
        sum(
            multivariate_normal(np.asarray(x), WIDTH**2).pdf(np.stack(np.meshgrid(X, Y), axis=-1))
            for x in samples
        )
        / 50
    )
    np.testing.assert_allclose(q_of(samples), sums, rtol=1e-3, atol=1e-5)


def test_the_optimum_against_a_generator_whose_density_is_known():
    """A linear generator makes a Gaussian: D* by its closed form, with both densities seen through the same
    kernel."""
    p, matrix, shift = (
        mixtures.two_gaussians(2.0, 0.4),
        np.array([[0.8, 0.2], [0.0, 0.5]]),
        np.array([0.3, -0.2]),
    )
    samples = jax.random.normal(jax.random.key(2), (scene.SAMPLES, 2)) @ matrix.T + shift[None]
    density = multivariate_normal(shift, matrix @ matrix.T + WIDTH**2 * np.eye(2)).pdf(
        np.stack(np.meshgrid(X, Y), axis=-1)
    )
    true_p = np.asarray(p_of(p))
    best = np.asarray(divergences.best_discriminator(p_of(p), q_of(samples)))
    seen = true_p + density > 0.1 * (true_p + density).max()
    error = np.abs(best - true_p / (true_p + density))[seen]
    assert error.mean() < 0.03 and error.max() < 0.2
    corner = best[0, 0]
    assert corner == pytest.approx(0.5, abs=0.01), "where nothing arrives no answer is better than another"
