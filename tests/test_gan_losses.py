"""The GAN's losses against independent implementations, finite differences, and the theory of the game."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import integrate, special, stats

from vaegan_helpers import losses, models

REAL = np.array([-3.0, -0.2, 0.0, 1.5, 4.0], np.float32)
FAKE = np.array([2.0, -1.0, 0.3, -5.0, 0.0], np.float32)
EXTREME = np.array([-1e4, -50.0, 0.0, 50.0, 1e4], np.float32)
LOG_2 = np.log(2)


@pytest.fixture(scope="module")
def discriminator():
    network = models.Discriminator(x_dim=3, hidden_dim=16, dropout=0.5, key=jax.random.key(0))
    network.network.activation = jnp.tanh  # smooth, so that no finite difference steps over a kink
    return network


@pytest.fixture(scope="module")
def points():
    return jax.random.normal(jax.random.key(1), (6, 3))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_discriminator_loss_is_the_cross_entropy_of_both_batches(smoothing):
    on_real = optax.sigmoid_binary_cross_entropy(REAL, np.full_like(REAL, 1 - smoothing)).mean()
    on_fake = optax.sigmoid_binary_cross_entropy(FAKE, np.zeros_like(FAKE)).mean()
    np.testing.assert_allclose(losses.discriminator_loss(REAL, FAKE, smoothing), on_real + on_fake, rtol=1e-6)


def test_discriminator_loss_is_the_papers_formula():
    formula = (
        -special.log_expit(REAL.astype(float)).mean() - np.log1p(-special.expit(FAKE.astype(float))).mean()
    )
    np.testing.assert_allclose(losses.discriminator_loss(REAL, FAKE), formula, rtol=1e-6)


@pytest.mark.parametrize(
    "saturating, formula",
    [
        (False, lambda logits: -np.log(special.expit(logits)).mean()),
        (True, lambda logits: np.log1p(-special.expit(logits)).mean()),
    ],
)
def test_generator_losses_are_the_papers_formulas(saturating, formula):
    np.testing.assert_allclose(
        losses.generator_loss(FAKE, saturating), formula(FAKE.astype(float)), rtol=1e-6
    )


def test_least_squares_losses_aim_at_one_and_zero():
    expected = (
        optax.l2_loss(REAL, np.ones_like(REAL)).mean() + optax.l2_loss(FAKE, np.zeros_like(FAKE)).mean()
    )
    np.testing.assert_allclose(losses.least_squares_discriminator_loss(REAL, FAKE), expected, rtol=1e-6)
    np.testing.assert_allclose(
        losses.least_squares_generator_loss(FAKE), optax.l2_loss(FAKE, np.ones_like(FAKE)).mean(), rtol=1e-6
    )
    assert losses.least_squares_discriminator_loss(jnp.full(4, 0.5), jnp.full(4, 0.5)) == 0.25


def test_critic_losses_are_differences_of_means():
    np.testing.assert_allclose(losses.critic_loss(REAL, FAKE), FAKE.mean() - REAL.mean(), rtol=1e-6)
    np.testing.assert_allclose(losses.critic_generator_loss(FAKE), -FAKE.mean(), rtol=1e-6)


def test_the_best_critic_on_the_line_measures_the_wasserstein_distance():
    real, fake = np.array([1.0, 2.0, 4.0], np.float32), np.array([-1.0, 0.0, 0.5], np.float32)
    # all of the real mass lies to the right of the generated one, so f(x) = x is an optimal 1-Lipschitz
    # critic
    np.testing.assert_allclose(
        -losses.critic_loss(real, fake), stats.wasserstein_distance(real, fake), rtol=1e-6
    )


@pytest.mark.parametrize("name", ["non-saturating", "saturating", "least squares", "wasserstein"])
def test_losses_and_gradients_are_finite_at_extreme_logits(name):
    game = losses.GAN_LOSSES[name]
    for function, logits in [(lambda x: game.discriminator(x, -x), EXTREME), (game.generator, EXTREME)]:
        value, gradient = jax.value_and_grad(function)(logits)
        assert np.isfinite(value) and np.isfinite(gradient).all()


def test_original_gradients_are_right_at_extreme_logits():
    n = len(EXTREME)
    on_real, on_fake = jax.grad(losses.discriminator_loss, argnums=(0, 1))(EXTREME, EXTREME)
    np.testing.assert_allclose(on_real, -special.expit(-EXTREME) / n, atol=1e-7)
    np.testing.assert_allclose(on_fake, special.expit(EXTREME) / n, atol=1e-7)


@pytest.mark.parametrize("logit", [-2.0, -10.0, -20.0])
def test_saturating_gradient_vanishes_where_the_other_does_not(logit):
    fake_logits = jnp.full(1, logit)
    saturating = jax.grad(functools.partial(losses.generator_loss, saturating=True))(fake_logits)[0]
    non_saturating = jax.grad(losses.generator_loss)(fake_logits)[0]
    np.testing.assert_allclose(saturating, -special.expit(logit), rtol=1e-5)  # D(G(z)), which goes to 0
    np.testing.assert_allclose(
        non_saturating, -special.expit(-logit), rtol=1e-5
    )  # 1 - D(G(z)), which goes to 1


def test_undecided_discriminator_pays_two_log_two():
    np.testing.assert_allclose(losses.discriminator_loss(jnp.zeros(5), jnp.zeros(3)), 2 * LOG_2, rtol=1e-6)


def p(x):
    return 0.6 * stats.norm.pdf(x, -1, 0.5) + 0.4 * stats.norm.pdf(x, 1.5, 0.7)


def q(x):
    return stats.norm.pdf(x, 0.5, 1.2)


def expected_loss(logit):
    """The discriminator's loss under p and q for a function of x that gives its logit, by quadrature."""

    def integrand(x):
        return -p(x) * special.log_expit(logit(x)) - q(x) * special.log_expit(-logit(x))

    return integrate.quad(integrand, -8, 8, limit=200)[0]


def test_best_discriminator_is_the_share_of_p():
    def best(x):
        return np.log(p(x)) - np.log(q(x))  # the logit of p / (p + q)

    lowest = expected_loss(best)
    for bump in [lambda x: 0.1, lambda x: -0.1 * x, lambda x: 0.2 * np.sin(3 * x)]:
        assert expected_loss(lambda x, bump=bump: best(x) + bump(x)) > lowest + 1e-5
        assert expected_loss(lambda x, bump=bump: best(x) - bump(x)) > lowest + 1e-5


def test_value_of_the_game_is_twice_the_jensen_shannon_divergence_minus_two_log_two():
    def kl(a, b):
        return integrate.quad(lambda x: a(x) * np.log(a(x) / b(x)), -8, 8, limit=200)[0]

    def middle(x):
        return 0.5 * (p(x) + q(x))

    jensen_shannon = 0.5 * kl(p, middle) + 0.5 * kl(q, middle)
    value = -expected_loss(lambda x: np.log(p(x) / q(x)))
    np.testing.assert_allclose(value, 2 * jensen_shannon - 2 * LOG_2, atol=1e-7)


def test_loss_of_samples_agrees_with_quadrature():
    rng = np.random.default_rng(0)
    n = 200_000
    left = rng.random(n) < 0.6
    real = np.where(left, rng.normal(-1, 0.5, n), rng.normal(1.5, 0.7, n))
    fake = rng.normal(0.5, 1.2, n)
    logits = [jnp.asarray(np.log(p(x) / q(x)), jnp.float32) for x in (real, fake)]
    np.testing.assert_allclose(
        losses.discriminator_loss(*logits), expected_loss(lambda x: np.log(p(x) / q(x))), atol=0.01
    )


def finite_difference_gradients(function, x, step=1e-3):
    """Gradient of each row's output with respect to that row, one coordinate at a time."""
    columns = [
        (function(x.at[:, i].add(step)) - function(x.at[:, i].add(-step))) / (2 * step)
        for i in range(x.shape[1])
    ]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("dropout_key", [None, jax.random.key(3)], ids=["all units", "dropout"])
def test_r1_penalty_matches_finite_differences(discriminator, points, dropout_key):
    gradients = finite_difference_gradients(lambda x: discriminator(x, dropout_key), points)
    expected = 0.5 * (gradients**2).sum(axis=1).mean()
    np.testing.assert_allclose(losses.r1_penalty(discriminator, points, dropout_key), expected, rtol=2e-3)


@pytest.mark.parametrize("dropout_key", [None, jax.random.key(3)], ids=["all units", "dropout"])
def test_gradient_penalty_matches_finite_differences(discriminator, points, dropout_key):
    fake, mix_key = 2 - points, jax.random.key(4)
    weight = jax.random.uniform(jax.random.clone(mix_key), (len(points), 1))
    gradients = finite_difference_gradients(
        lambda x: discriminator(x, dropout_key), weight * points + (1 - weight) * fake
    )
    expected = ((np.linalg.norm(gradients, axis=1) - 1) ** 2).mean()
    np.testing.assert_allclose(
        losses.gradient_penalty(discriminator, points, fake, mix_key, dropout_key), expected, rtol=2e-3
    )


def test_r1_penalty_of_a_plane_is_half_its_squared_slope(points):
    slope = jnp.array([3.0, 0.0, 4.0])
    np.testing.assert_allclose(losses.r1_penalty(lambda x, key: x @ slope, points), 12.5, rtol=1e-6)
    penalty = losses.gradient_penalty(lambda x, key: x @ slope, points, -points, jax.random.key(0))
    np.testing.assert_allclose(penalty, 16.0, rtol=1e-6)


def test_gradient_penalty_of_a_flat_critic_has_a_finite_gradient(points):
    def penalty(slope):
        return losses.gradient_penalty(lambda x, key: x @ slope, points, -points, jax.random.key(0))

    assert np.isfinite(jax.grad(penalty)(jnp.zeros(3))).all()


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda: losses.discriminator_loss(jnp.zeros((4, 1)), jnp.zeros(4)),
            r"real_logits must be an array of shape \(batch,\); got \(4, 1\)",
        ),
        (
            lambda: losses.discriminator_loss(jnp.zeros(4), jnp.zeros(())),
            r"fake_logits must be an array of shape \(batch,\); got \(\)",
        ),
        (
            lambda: losses.discriminator_loss(jnp.zeros(4), jnp.zeros(4), smoothing=1.0),
            r"smoothing must be at least 0 and below 1; got 1.0",
        ),
        (
            lambda: losses.generator_loss(jnp.zeros((4, 1))),
            r"fake_logits must be an array of shape \(batch,\); got \(4, 1\)",
        ),
        (
            lambda: losses.generator_loss(jnp.zeros(0)),
            r"fake_logits must be an array of shape \(batch,\); got \(0,\)",
        ),
        (
            lambda: losses.least_squares_discriminator_loss(jnp.zeros(4), jnp.zeros((4, 1))),
            r"fake_outputs must be an array of shape \(batch,\); got \(4, 1\)",
        ),
        (
            lambda: losses.critic_loss(jnp.zeros((2, 2)), jnp.zeros(4)),
            r"real_scores must be an array of shape \(batch,\); got \(2, 2\)",
        ),
        (
            lambda: losses.gradient_penalty(
                lambda x, key: x[:, 0], jnp.zeros((4, 2)), jnp.zeros((3, 2)), jax.random.key(0)
            ),
            r"real \(4, 2\), fake \(3, 2\)",
        ),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
