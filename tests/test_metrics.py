"""Likelihood bounds against a model whose likelihood is known, and the activity of latents."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from flax import nnx
from scipy import ndimage

from vaegan_helpers import data, losses, metrics, models

STD = 0.5  # of x given z
GAUSSIAN = functools.partial(losses.gaussian_log_likelihood, std=STD)


class LinearVAE(nnx.Module):
    """x = z W + b + noise: log p(x) is a Gaussian's. So is the posterior, with a diagonal covariance because
    the rows of W are orthogonal; hence the encoder can be exact (shift 0, widen 1) or wrong by a known
    amount.
    """

    def __init__(self, shift=0.0, widen=1.0):
        self.weight = nnx.Param(
            jnp.array([[1.0, 1.0, 0.5], [0.6, -0.6, 0.0]])
        )  # orthogonal rows, one per latent
        self.bias = nnx.Param(jnp.array([0.3, -0.2, 0.1]))
        self.shift, self.widen = shift, widen

    def encode(self, x):
        w, b = self.weight[...], self.bias[...]
        precision = 1 + jnp.sum(w**2, axis=1) / STD**2
        mean = (x - b[None]) @ w.T / STD**2 / precision[None]
        return mean + self.shift, jnp.broadcast_to(jnp.log(self.widen / precision)[None], mean.shape)

    def decoder(self, z):
        return z @ self.weight[...] + self.bias[...][None]


@pytest.fixture(scope="module")
def x():
    return jnp.asarray(np.random.default_rng(0).normal(0, 1.2, (6, 3)), jnp.float32)


@pytest.fixture(scope="module")
def exact(x):
    model = LinearVAE()
    w = np.float64(model.weight[...])
    p = scipy.stats.multivariate_normal(np.float64(model.bias[...]), w.T @ w + STD**2 * np.eye(3))
    return p.logpdf(np.float64(x))


@pytest.mark.parametrize("samples", [1, 7])
def test_with_the_exact_posterior_the_bound_is_the_likelihood(x, exact, samples):
    bound = metrics.importance_weighted_bound(LinearVAE(), x, jax.random.key(0), samples, GAUSSIAN)
    np.testing.assert_allclose(bound, exact, atol=2e-5)


@pytest.fixture(scope="module")
def averages(x):
    """The bound of a wrong posterior, averaged over 400 repeats: {samples: (mean, standard error)}."""
    model, many = LinearVAE(shift=0.3, widen=1.5), jnp.repeat(x, 400, axis=0)  # each row has noise of its own

    def repeats(samples):
        values = metrics.importance_weighted_bound(model, many, jax.random.key(samples), samples, GAUSSIAN)
        values = np.float64(values).reshape(len(x), 400)
        return values.mean(axis=1), values.std(axis=1) / np.sqrt(400)

    return {samples: repeats(samples) for samples in (1, 4, 16)}


def test_one_sample_estimates_the_elbo(x, averages):
    model = LinearVAE(shift=0.3, widen=1.5)
    mean, logvar = model.encode(x)
    variance = jnp.exp(logvar)
    w = model.weight[...]
    # E_q[log p(x | z)] of a Gaussian q is exact: the squared error of the mean plus the trace of the variance
    reconstruction = GAUSSIAN(model.decoder(mean), x) - (variance * jnp.sum(w**2, axis=1)[None]).sum(
        axis=1
    ) / (2 * STD**2)
    elbo = reconstruction - losses.kl_to_standard_normal(mean, logvar)
    average, error = averages[1]
    assert np.all(np.abs(average - elbo) < 4.5 * error)


def test_the_bound_grows_with_samples_and_stays_below_the_likelihood(exact, averages):
    for fewer, more in [(1, 4), (4, 16)]:
        gap = averages[more][0] - averages[fewer][0]
        assert np.all(gap > 3 * np.hypot(averages[more][1], averages[fewer][1]))
    for average, error in averages.values():
        assert np.all(average < exact + 4.5 * error)


def test_with_many_samples_the_bound_tends_to_the_likelihood(x, exact):
    model = LinearVAE(shift=0.3, widen=1.5)
    bound = metrics.importance_weighted_bound(model, x, jax.random.key(2), 20_000, GAUSSIAN)
    np.testing.assert_allclose(bound, exact, atol=0.03)


@pytest.fixture(scope="module")
def vae():
    return models.VAE(7, 8, 2, 1, key=jax.random.key(0))


@pytest.fixture(scope="module")
def pixels():
    return jnp.asarray(np.random.default_rng(1).random((5, 7)), jnp.float32)


def test_the_bound_is_the_log_mean_of_its_weights(vae, pixels):
    """Brute force over the same draws, in double precision with scipy."""
    mean, logvar = map(np.float64, vae.encode(pixels))
    weights = []
    for sample_key in jax.random.split(jax.random.key(3), 6):
        z = mean + np.exp(logvar / 2) * np.float64(jax.random.normal(sample_key, mean.shape))
        log_x = np.float64(losses.bernoulli_log_likelihood(vae.decoder(jnp.asarray(z, jnp.float32)), pixels))
        weights.append(
            log_x
            + scipy.stats.norm.logpdf(z).sum(axis=1)
            - scipy.stats.norm(mean, np.exp(logvar / 2)).logpdf(z).sum(axis=1)
        )
    bound = metrics.importance_weighted_bound(vae, pixels, jax.random.key(3), 6)
    np.testing.assert_allclose(bound, scipy.special.logsumexp(weights, axis=0) - np.log(6), rtol=1e-5)


def test_the_bound_does_not_underflow_where_likelihoods_do():
    """784 pixels give weights near exp(-540), which is 0 in float32."""
    model = models.VAE(784, 8, 2, 1, key=jax.random.key(0))
    bound = metrics.importance_weighted_bound(model, jnp.full((2, 784), 0.5), jax.random.key(0), 5)
    assert np.all(np.isfinite(bound)) and np.all(bound < -500)


def test_the_bound_depends_on_its_key_alone(vae, pixels):
    first, again, other = (
        np.asarray(metrics.importance_weighted_bound(vae, pixels, jax.random.key(seed), 6))
        for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("samples", [0, -3])
def test_too_few_samples_are_named(vae, pixels, samples):
    with pytest.raises(ValueError, match=f"samples must be a whole number of at least 1; got {samples}"):
        metrics.importance_weighted_bound(vae, pixels, jax.random.key(0), samples)


@pytest.mark.parametrize("shape", [(5, 6), (7,), (5, 7, 1)])
def test_data_that_do_not_fit_the_model_are_named(vae, shape):
    with pytest.raises(
        ValueError, match=rf"x must be an array of shape \((batch, 7|n, x_dim)\); got \({shape[0]},"
    ):
        metrics.importance_weighted_bound(vae, jnp.zeros(shape), jax.random.key(0), 2)


# Active units


def test_activity_is_the_variance_of_the_means():
    mean = np.random.default_rng(0).normal(0, 1, (50, 3)).astype(np.float32) * [1, 0.05, 0.2] + [5, 5, -5]
    by_hand = [sum((value - sum(column) / 50) ** 2 for value in column) / 50 for column in mean.T.tolist()]
    np.testing.assert_allclose(metrics.latent_activity(mean), by_hand, rtol=1e-3)
    assert metrics.active_units(mean) == 2
    assert metrics.active_units(mean, threshold=0.5) == 1
    assert metrics.active_units(np.ones((4, 3))) == 0


def test_a_latent_is_active_above_the_threshold_not_at_it():
    mean = jnp.array([[-1.0], [1.0]])  # variance 1
    assert metrics.active_units(mean, threshold=1.0) == 0
    assert metrics.active_units(mean, threshold=0.99) == 1


@pytest.mark.parametrize("shape", [(3,), (1, 3), (0, 3), (2, 3, 4)])
def test_means_of_a_wrong_shape_are_named(shape):
    with pytest.raises(
        ValueError, match=r"mean must (be an array of shape \(n, z_dim\)|hold at least 2 examples); got"
    ):
        metrics.active_units(np.zeros(shape))


def test_sharpness_falls_with_every_blur_of_real_digits():
    digits = data.load_mnist().test_images[:100].reshape(-1, 28, 28)
    series = [
        metrics.sharpness(ndimage.gaussian_filter(digits, (0, width, width)).reshape(-1, 784))
        for width in (0, 0.5, 1, 1.5, 2, 3)
    ]
    assert all((sharper > blurrier).all() for sharper, blurrier in itertools.pairwise(series))


def test_sharpness_ignores_how_dark_a_picture_is():
    digits = data.load_mnist().test_images[:20]
    np.testing.assert_allclose(metrics.sharpness(digits), metrics.sharpness(0.3 * digits), rtol=1e-4)
    assert metrics.sharpness(np.zeros((1, 784)))[0] == 0


def test_sharpness_of_one_pixel_is_counted_by_hand():
    picture = np.zeros((1, 28, 28))
    picture[0, 10, 10] = 0.5  # four neighbours differ from it by 0.5
    assert metrics.sharpness(picture.reshape(1, 784))[0] == pytest.approx(4)


def test_sharpness_asks_for_pictures():
    with pytest.raises(ValueError, match=r"images must be an array of shape \(n, 784\); got \(3, 10\)"):
        metrics.sharpness(np.zeros((3, 10)))
