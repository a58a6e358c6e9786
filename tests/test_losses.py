"""The array primitives and the VAE's loss, against quadrature, scipy, optax and finite differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.integrate
import scipy.stats

from vaegan_helpers import losses, models

BATCH, Z_DIM, X_DIM = 5, 3, 7


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def gaussians(rng):
    """Means and log variances, (BATCH, Z_DIM) each."""
    return rng.normal(0, 1.5, (BATCH, Z_DIM)).astype(np.float32), rng.uniform(-3, 2, (BATCH, Z_DIM)).astype(
        np.float32
    )


# The KL term


def test_kl_matches_quadrature(gaussians):
    mean, logvar = gaussians

    def kl_of_one(m, s):
        q, p = scipy.stats.norm(m, s), scipy.stats.norm()
        return scipy.integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), m - 12 * s, m + 12 * s)[
            0
        ]

    exact = [
        [kl_of_one(float(m), float(np.exp(lv / 2))) for m, lv in zip(*row, strict=True)]
        for row in zip(mean, logvar, strict=False)
    ]
    np.testing.assert_allclose(losses.kl_to_standard_normal(mean, logvar), np.sum(exact, axis=1), rtol=1e-5)


def test_kl_is_zero_only_for_the_prior_itself():
    assert losses.kl_to_standard_normal(jnp.zeros((1, 4)), jnp.zeros((1, 4))).tolist() == [0.0]
    assert losses.kl_to_standard_normal(jnp.full((1, 1), 0.1), jnp.zeros((1, 1)))[0] > 0
    assert losses.kl_to_standard_normal(jnp.zeros((1, 1)), jnp.full((1, 1), -0.1))[0] > 0


def test_kl_takes_log_variances_not_log_standard_deviations():
    # KL(N(0, 4) || N(0, 1)) = (4 - 1 - log 4) / 2
    got = losses.kl_to_standard_normal(jnp.zeros((1, 1)), jnp.log(jnp.full((1, 1), 4.0)))
    np.testing.assert_allclose(got, [(4 - 1 - np.log(4)) / 2], rtol=1e-6)


def test_kl_gradient_matches_finite_differences(gaussians):
    def total(mean, logvar):
        return losses.kl_to_standard_normal(mean, logvar).sum()

    gradients = jax.grad(total, argnums=(0, 1))(*map(jnp.asarray, gaussians))
    step = 1e-2
    for which in range(2):
        for index in np.ndindex(BATCH, Z_DIM):
            ends = []
            for sign in (1, -1):
                moved = [np.array(array, np.float64) for array in gaussians]
                moved[which][index] += sign * step
                mean, logvar = moved
                ends.append(0.5 * np.sum(mean**2 + np.exp(logvar) - 1 - logvar))  # in double precision
            slope = (ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(gradients[which][index], slope, rtol=1e-3, atol=1e-4)


def test_monte_carlo_kl_is_unbiased_and_so_is_its_gradient(gaussians):
    mean, logvar = map(jnp.asarray, gaussians)
    samples = 20_000
    draws = losses.kl_monte_carlo(mean, logvar, jax.random.key(1), samples)
    assert draws.shape == (samples, BATCH)
    error = draws.std(axis=0) / np.sqrt(samples)
    exact = losses.kl_to_standard_normal(mean, logvar)
    assert np.all(np.abs(draws.mean(axis=0) - exact) < 4.5 * error)

    # The gradient of each repeat of 1,000 draws is one measurement; their mean and spread give the error bar.
    def estimate(mean, logvar, key):
        return losses.kl_monte_carlo(mean, logvar, key, 1_000).mean(axis=0).sum()

    keys = jax.random.split(jax.random.key(2), 40)
    repeats = jax.jit(jax.vmap(jax.grad(estimate, argnums=(0, 1)), (None, None, 0)))(mean, logvar, keys)
    exact = jax.grad(lambda m, lv: losses.kl_to_standard_normal(m, lv).sum(), argnums=(0, 1))(mean, logvar)
    for measured, wanted in zip(repeats, exact, strict=True):
        error = measured.std(axis=0, ddof=1) / np.sqrt(len(keys))
        assert np.all(np.abs(measured.mean(axis=0) - wanted) < 5 * error + 1e-5)


def test_normal_log_density_matches_scipy(gaussians, rng):
    mean, logvar = gaussians
    z = rng.normal(0, 2, mean.shape).astype(np.float32)
    exact = scipy.stats.norm(mean, np.exp(logvar / 2)).logpdf(z).sum(axis=1)
    np.testing.assert_allclose(losses.normal_log_density(z, mean, logvar), exact, rtol=1e-5)


# The reconstruction term


def test_bernoulli_matches_optax_and_scipy(rng):
    logits = rng.normal(0, 4, (BATCH, X_DIM)).astype(np.float32)
    grey = rng.random((BATCH, X_DIM)).astype(np.float32)
    np.testing.assert_allclose(
        losses.bernoulli_log_likelihood(logits, grey),
        -optax.sigmoid_binary_cross_entropy(logits, grey).sum(axis=1),
        rtol=1e-5,
    )
    binary = np.round(grey)
    exact = scipy.stats.bernoulli(1 / (1 + np.exp(-np.float64(logits)))).logpmf(binary).sum(axis=1)
    np.testing.assert_allclose(losses.bernoulli_log_likelihood(logits, binary), exact, rtol=1e-5)


def test_bernoulli_probabilities_of_all_pictures_sum_to_one(rng):
    pictures = np.array(list(np.ndindex(2, 2, 2, 2)), np.float32)
    logits = np.tile(rng.normal(0, 2, (1, 4)).astype(np.float32), (16, 1))
    assert float(jnp.exp(losses.bernoulli_log_likelihood(logits, pictures)).sum()) == pytest.approx(
        1, abs=1e-5
    )


@pytest.mark.parametrize(
    "logit, pixel, value, slope",
    [
        (1e4, 1.0, 0.0, 0.0),
        (-1e4, 0.0, 0.0, 0.0),
        (1e4, 0.0, -1e4, -1.0),
        (-1e4, 1.0, -1e4, 1.0),
        (1e4, 0.5, -5e3, -0.5),
        (-1e4, 0.5, -5e3, 0.5),
        (0.0, 0.5, -np.log(2), 0.0),
    ],
)
def test_bernoulli_is_stable_at_any_logit(logit, pixel, value, slope):
    def one(logit):
        return losses.bernoulli_log_likelihood(logit[None, None], jnp.full((1, 1), pixel))[0]

    got, gradient = jax.value_and_grad(one)(jnp.asarray(logit))
    np.testing.assert_allclose([got, gradient], [value, slope], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("std", [0.01, 0.3, 1.0, 5.0])
def test_gaussian_likelihood_matches_scipy(std, rng):
    x_hat, x = rng.normal(0, 1, (2, BATCH, X_DIM)).astype(np.float32)
    exact = scipy.stats.norm(x_hat, std).logpdf(x).sum(axis=1)
    np.testing.assert_allclose(losses.gaussian_log_likelihood(x_hat, x, std), exact, rtol=1e-4)


def test_gaussian_likelihood_is_stable_far_from_the_data():
    def one(x_hat):
        return losses.gaussian_log_likelihood(x_hat[None, None], jnp.zeros((1, 1)), 1.0)[0]

    for x_hat in (1e4, -1e4):
        value, slope = jax.value_and_grad(one)(jnp.asarray(x_hat))
        np.testing.assert_allclose(
            [value, slope], [-(x_hat**2) / 2 - np.log(2 * np.pi) / 2, -x_hat], rtol=1e-5
        )


def test_the_gaussian_std_may_be_traced():
    likelihood = jax.jit(losses.gaussian_log_likelihood)
    assert float(likelihood(jnp.zeros((1, 1)), jnp.zeros((1, 1)), 2.0)[0]) == pytest.approx(
        scipy.stats.norm(0, 2).logpdf(0), rel=1e-5
    )


# The reparameterisation


def test_reparameterised_draws_have_the_right_moments_and_gradients(gaussians):
    mean, logvar = (jnp.tile(array[:1, :1], (100_000, 1)) for array in gaussians)
    z = losses.reparameterise(mean, logvar, jax.random.key(3))
    std = float(jnp.exp(logvar[0, 0] / 2))
    assert z.shape == mean.shape
    assert float(z.mean()) == pytest.approx(float(mean[0, 0]), abs=4.5 * std / np.sqrt(len(z)))
    assert float(z.std()) == pytest.approx(std, rel=4.5 / np.sqrt(2 * len(z)))

    def draw(mean, logvar):
        return losses.reparameterise(mean, logvar, jax.random.key(4)).sum()

    mean, logvar = map(jnp.asarray, gaussians)
    to_mean, to_logvar = jax.grad(draw, argnums=(0, 1))(mean, logvar)
    noise = losses.reparameterise(mean, logvar, jax.random.key(4)) - mean  # dz/dlogvar = std * noise / 2
    np.testing.assert_allclose(to_mean, np.ones_like(mean))
    np.testing.assert_allclose(to_logvar, noise / 2, rtol=1e-5, atol=1e-6)


# The whole loss


@pytest.fixture(scope="module")
def vae():
    return models.VAE(X_DIM, 8, 2, 1, key=jax.random.key(0))


@pytest.fixture(scope="module")
def autoencoder():
    return models.Autoencoder(X_DIM, 8, 2, 1, key=jax.random.key(0))


@pytest.fixture
def x(rng):
    return jnp.asarray(rng.random((BATCH, X_DIM)), jnp.float32)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1, 4.0])
@pytest.mark.parametrize("std", [None, 0.2])
def test_vae_loss_is_the_elbo_written_out(vae, x, beta, std):
    likelihood = (
        losses.bernoulli_log_likelihood
        if std is None
        else functools.partial(losses.gaussian_log_likelihood, std=std)
    )
    loss, parts = losses.vae_loss(vae, x, jax.random.key(5), beta, likelihood)

    mean, logvar = map(np.float64, vae.encode(x))
    noise = np.float64(jax.random.normal(jax.random.key(5), mean.shape))
    output = np.float64(vae.decoder(jnp.asarray(mean + np.exp(logvar / 2) * noise, jnp.float32)))
    pixels, reconstruction, kl = np.float64(x), 0, 0
    for i in range(BATCH):  # one example, one pixel, one latent at a time
        for j in range(X_DIM):
            p = 1 / (1 + np.exp(-output[i, j]))
            reconstruction -= (
                pixels[i, j] * np.log(p) + (1 - pixels[i, j]) * np.log(1 - p)
                if std is None
                else scipy.stats.norm(output[i, j], std).logpdf(pixels[i, j])
            )
        for m, lv in zip(mean[i], logvar[i], strict=True):
            kl += (m**2 + np.exp(lv) - 1 - lv) / 2
    np.testing.assert_allclose(parts["reconstruction"], reconstruction / BATCH, rtol=1e-4)
    np.testing.assert_allclose(parts["kl"], kl / BATCH, rtol=1e-4)
    np.testing.assert_allclose(loss, (reconstruction + beta * kl) / BATCH, rtol=1e-4)


def test_vae_loss_does_not_depend_on_the_size_of_the_batch(vae, x):
    """A mean over examples: the KL of a batch repeated twice is the same."""
    once = losses.vae_loss(vae, x, jax.random.key(0))[1]["kl"]
    twice = losses.vae_loss(vae, jnp.concatenate([x, x]), jax.random.key(0))[1]["kl"]
    np.testing.assert_allclose(once, twice, rtol=1e-5)


def test_the_same_key_gives_the_same_bits_and_another_key_others(vae, x):
    first, again, other = (losses.vae_loss(vae, x, jax.random.key(seed))[0].item() for seed in (0, 0, 1))
    assert first == again != other


def test_autoencoder_loss_has_no_kl_and_no_noise(autoencoder, x):
    loss, parts = losses.autoencoder_loss(autoencoder, x, jax.random.key(0), 7.0)
    wanted = -losses.bernoulli_log_likelihood(autoencoder.decoder(autoencoder.encode(x)), x).mean()
    assert loss.item() == parts["reconstruction"].item() == pytest.approx(wanted.item(), rel=1e-6)
    assert parts["kl"].item() == 0 and set(parts) == {"reconstruction", "kl"}
    assert losses.autoencoder_loss(autoencoder, x, jax.random.key(1), 0.0)[0].item() == loss.item()


# Bad input

ROW = jnp.zeros((2, 3))
BAD_SHAPES = [jnp.zeros((2, 4)), jnp.zeros((3, 3)), jnp.zeros(3), jnp.zeros((2, 1)), jnp.zeros((2, 3, 1))]


@pytest.mark.parametrize("bad", BAD_SHAPES, ids=lambda array: str(array.shape))
@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: losses.kl_to_standard_normal(a, b),
        lambda a, b: losses.kl_monte_carlo(a, b, jax.random.key(0), 2),
        lambda a, b: losses.normal_log_density(a, b, a),
        lambda a, b: losses.normal_log_density(a, a, b),
        lambda a, b: losses.bernoulli_log_likelihood(a, b),
        lambda a, b: losses.gaussian_log_likelihood(a, b, 1.0),
        lambda a, b: losses.reparameterise(a, b, jax.random.key(0)),
    ],
    ids=["kl", "kl_monte_carlo", "normal_mean", "normal_logvar", "bernoulli", "gaussian", "reparameterise"],
)
def test_shapes_that_differ_are_named(call, bad):
    for arrays in [(ROW, bad), (bad, ROW)]:
        with pytest.raises(ValueError, match=r"must have one shape \(batch, dim\); got .*\(2, 3\)"):
            call(*arrays)


def test_one_dimensional_arrays_are_refused_though_their_shapes_agree():
    with pytest.raises(ValueError, match=r"\(batch, dim\); got mean \(3,\), logvar \(3,\)"):
        losses.kl_to_standard_normal(jnp.zeros(3), jnp.zeros(3))


@pytest.mark.parametrize(
    "pixel, range_", [(1.5, "0 to 1.5"), (-0.25, "-0.25 to 0"), (255.0, "0 to 255"), (float("nan"), "nan")]
)
def test_pixels_outside_the_unit_interval_are_named(pixel, range_):
    x = ROW.at[1, 1].set(pixel)
    with pytest.raises(ValueError, match=rf"x must lie in \[0, 1\]; got values from .*{range_}"):
        losses.bernoulli_log_likelihood(ROW, x)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda vae, x: losses.vae_loss(vae, x, jax.random.key(0), -0.5),
            "beta must be a number of at least 0; got -0.5",
        ),
        (
            lambda vae, x: losses.vae_loss(vae, x, jax.random.key(0), float("nan")),
            "beta must be a number of at least 0; got nan",
        ),
        (lambda vae, x: losses.vae_loss(vae, x[:, 1:], jax.random.key(0)), r"\(batch, 7\); got \(5, 6\)"),
        (
            lambda vae, x: losses.vae_loss(vae, x + 1, jax.random.key(0)),
            r"x must lie in \[0, 1\]; got values from 1",
        ),
        (
            lambda vae, x: losses.kl_monte_carlo(ROW, ROW, jax.random.key(0), 0),
            "samples must be a whole number of at least 1; got 0",
        ),
        (
            lambda vae, x: losses.gaussian_log_likelihood(ROW, ROW, 0.0),
            "std must be a positive number; got 0.0",
        ),
        (
            lambda vae, x: losses.gaussian_log_likelihood(ROW, ROW, -1.0),
            "std must be a positive number; got -1.0",
        ),
        (
            lambda vae, x: losses.gaussian_log_likelihood(ROW, ROW, float("nan")),
            "std must be a positive number; got nan",
        ),
        (
            lambda vae, x: losses.gaussian_log_likelihood(ROW, ROW, jnp.ones(3)),
            "std must be a positive number; got",
        ),
    ],
)
def test_bad_values_are_named(vae, x, call, message):
    with pytest.raises(ValueError, match=message):
        call(vae, x)
