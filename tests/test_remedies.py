"""Remedies against mode collapse, each against its formula.

Packing, spread, spectral norm, pairing, R2, unrolling.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vaegan_helpers import losses, mixtures, models, training

BATCH = 16
RULES = {"penalty": None, "batch_size": BATCH}


def discriminator(**options):
    return models.Discriminator(x_dim=2, hidden_dim=8, key=jax.random.key(1), **options)


@pytest.fixture(scope="module")
def points():
    return mixtures.gaussian_ring().sample(jax.random.key(2), 200)


@pytest.fixture(scope="module")
def generator():
    return models.Generator(z_dim=3, hidden_dim=8, x_dim=2, output=models.identity, key=jax.random.key(0))


def same_bits(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_packed_examples_are_judged_by_one_logit(points):
    packed, wide = (
        discriminator(packing=2),
        models.Discriminator(x_dim=4, hidden_dim=8, key=jax.random.key(1)),
    )
    side_by_side = jnp.concatenate([points[0:16:2], points[1:16:2]], axis=1)
    np.testing.assert_allclose(packed(points[:16]), wide(side_by_side), rtol=1e-6)


def test_spread_of_the_batch_reaches_the_second_layer(points):
    judge, x = discriminator(minibatch_std=True), points[:16]
    first, second, last = judge.network.layers
    hidden = jax.nn.leaky_relu(first(x))
    spread = np.asarray(hidden).std(axis=0).mean()
    widened = np.concatenate([hidden, np.full((16, 1), spread)], axis=1)
    np.testing.assert_allclose(judge(x), last(jax.nn.leaky_relu(second(widened)))[:, 0], rtol=1e-4, atol=1e-5)
    assert (
        abs(float(judge(x)[0] - judge(jnp.tile(x[:1], (16, 1)))[0])) > 1e-3
    )  # the company of a point matters


def test_fourier_features_are_further_inputs(points):
    judge, wide = (
        discriminator(frequencies=[3.0]),
        models.Discriminator(x_dim=6, hidden_dim=8, key=jax.random.key(1)),
    )
    seen = jnp.concatenate([points, jnp.sin(3 * points), jnp.cos(3 * points)], axis=1)
    np.testing.assert_allclose(judge(points), wide(seen), rtol=1e-5)
    assert discriminator(frequencies=[3.0], packing=2)(points).shape == (100,)


def test_mixture_noise_has_equally_likely_categories():
    g = models.Generator(
        z_dim=6, hidden_dim=8, x_dim=2, output=models.identity, categories=6, key=jax.random.key(0)
    )
    noise = jax.random.normal(jax.random.key(6), (3000, 6))
    different, counts = np.unique(np.asarray(g(noise)).round(4), axis=0, return_counts=True)
    assert len(different) == 6 and counts.min() > 400  # 500 expected, with a standard deviation of 20
    np.testing.assert_array_equal(g(noise), g(noise * 5.0))


def test_the_rest_of_the_noise_stays_as_it_is():
    options = {"z_dim": 5, "hidden_dim": 8, "x_dim": 2, "output": models.identity, "key": jax.random.key(0)}
    g, plain = models.Generator(categories=3, **options), models.Generator(**options)
    noise = jnp.array([[0.1, 2.0, -1.0, 0.7, -0.3]])
    np.testing.assert_array_equal(g(noise), plain(jnp.array([[0.0, 3.0, 0.0, 0.7, -0.3]])))


@pytest.mark.parametrize("shape", [(2, 128), (128, 128), (5, 3), (7, 1)])
def test_largest_singular_value_and_its_gradient_match_the_decomposition(shape):
    matrix = np.asarray(jax.random.normal(jax.random.key(3), shape))
    left, values, right = np.linalg.svd(matrix)
    value, gradient = jax.value_and_grad(lambda m: models.largest_singular_value(m, iterations=500))(
        jnp.asarray(matrix)
    )
    np.testing.assert_allclose(value, values[0], rtol=1e-5)
    np.testing.assert_allclose(gradient, np.outer(left[:, 0], right[0]), atol=2e-3)
    few = float(models.largest_singular_value(jnp.asarray(matrix)))
    assert 0.9 * values[0] < few <= values[0] * (1 + 1e-5)


def test_spectral_norm_keeps_the_slope_at_most_one(points):
    judge = discriminator(spectral_norm=True)
    for layer in judge.network.layers:
        layer.kernel[...] = 30.0 * layer.kernel[...]
    slopes = jnp.linalg.norm(jax.grad(lambda x: judge(x).sum())(points), axis=1)
    assert 0 < float(slopes.max()) < 1.1  # ten rounds of the power iteration are a little short


def test_relativistic_losses_compare_pair_by_pair():
    real, fake = jnp.array([2.0, 0.0, -1.0]), jnp.array([1.0, 3.0, -1.0])
    by_hand = np.mean([np.log1p(np.exp(f - r)) for r, f in zip(real, fake, strict=True)])
    np.testing.assert_allclose(losses.relativistic_discriminator_loss(real, fake), by_hand, rtol=1e-6)
    np.testing.assert_allclose(losses.relativistic_generator_loss(fake, real), by_hand, rtol=1e-6)
    np.testing.assert_allclose(losses.relativistic_discriminator_loss(real, real), np.log(2), rtol=1e-6)
    assert np.isfinite(losses.relativistic_discriminator_loss(jnp.array([-1e4]), jnp.array([1e4])))


def moves(generator, judge, points, **options):
    return training.gan_steps(
        training.gan_state(generator, judge),
        points,
        jax.random.key(5),
        0,
        training.GanSettings(),
        game=training.Game(**RULES | options),
        length=1,
    )


def keys_of_the_first_round():
    return jax.random.split(jax.random.fold_in(jax.random.key(5), 0))


def test_r2_is_the_same_penalty_on_generated_data(generator, points):
    record = moves(generator, discriminator(), points, penalty="r1 and r2", generator_steps=0)[1]
    batch_key, noise_key, *_ = jax.random.split(jax.random.split(keys_of_the_first_round()[0], 1)[0], 5)
    real = points[jax.random.randint(batch_key, (BATCH,), 0, len(points))]
    fake = generator(jax.random.normal(noise_key, (BATCH, 3)))
    expected = losses.r1_penalty(discriminator(), real) + losses.r1_penalty(discriminator(), fake)
    np.testing.assert_allclose(record["penalty"][0], expected, rtol=1e-5)
    assert not np.isclose(expected, losses.r1_penalty(discriminator(), real), rtol=0.05)


def test_g_of_a_paired_loss_sees_real_data(generator, points):
    record = moves(
        generator, discriminator(), points, loss=losses.GAN_LOSSES["relativistic"], discriminator_steps=0
    )[1]
    shifted = moves(
        generator, discriminator(), points + 1, loss=losses.GAN_LOSSES["relativistic"], discriminator_steps=0
    )[1]
    assert abs(float(record["generator_loss"][0]) - np.log(2)) < 1
    assert not np.isclose(record["generator_loss"][0], shifted["generator_loss"][0])


@pytest.mark.parametrize("steps", [1, 3])
def test_gradient_through_unrolled_moves_matches_a_plain_loop(generator, points, steps):
    record = moves(generator, discriminator(), points, discriminator_steps=0, unrolled_steps=steps)[1]
    move_key = jax.random.split(keys_of_the_first_round()[1], 1)[0]
    noise_key, _ = jax.random.split(move_key)
    unroll_keys = jax.random.split(jax.random.split(jax.random.fold_in(move_key, 2), 3)[2], steps)
    adam = optax.adam(1e-3, b1=0.5, eps_root=1e-12)

    def loss_after(g):
        judge = discriminator()
        state = adam.init(judge)
        for key in unroll_keys:
            batch_key, fake_key, *_ = jax.random.split(key, 5)
            real = points[jax.random.randint(batch_key, (BATCH,), 0, len(points))]
            fake = g(jax.random.normal(fake_key, (BATCH, 3)))
            updates, state = adam.update(
                jax.grad(lambda d, real=real, fake=fake: losses.discriminator_loss(d(real), d(fake)))(judge),
                state,
            )
            judge = optax.apply_updates(judge, updates)
        return losses.generator_loss(judge(g(jax.random.normal(noise_key, (BATCH, 3)))))

    value, gradient = jax.value_and_grad(loss_after)(generator)
    np.testing.assert_allclose(record["generator_loss"][0], value, rtol=1e-5)
    np.testing.assert_allclose(record["generator_gradient_norm"][0], optax.tree.norm(gradient), rtol=1e-3)


def test_d_does_not_make_the_unrolled_moves(generator, points):
    state, _ = moves(generator, discriminator(), points, discriminator_steps=0, unrolled_steps=2)
    assert same_bits(state.discriminator, discriminator())
    ahead = moves(generator, discriminator(), points, discriminator_steps=0, unrolled_steps=2)[1]
    plain = moves(generator, discriminator(), points, discriminator_steps=0)[1]
    assert not np.isclose(ahead["generator_loss"][0], plain["generator_loss"][0])


@pytest.mark.parametrize(
    "options, settings",
    [
        ({"packing": 2}, {}),
        ({"frequencies": (1.0, 2.0)}, {}),
        ({"minibatch_std": True}, {}),
        ({"spectral_norm": True}, {}),
        ({}, {"loss": "relativistic", "penalty": "r1 and r2"}),
        ({}, {"unrolled_steps": 2}),
    ],
)
def test_every_remedy_trains(generator, points, options, settings):
    _, _, history = training.fit_gan(
        generator,
        discriminator(**options),
        points,
        jax.random.key(4),
        steps=4,
        batch_size=BATCH,
        snapshots=1,
        progress=False,
        **({"penalty": None} | settings),
    )
    assert (
        np.isfinite(history["generator_gradient_norm"]).all()
        and (history["generator_gradient_norm"] > 0).all()
    )


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: discriminator(packing=0), "packing must be a whole number of at least 1; got 0"),
        (lambda: discriminator(packing=1.5), "packing must be a whole number"),
        (
            lambda: discriminator(packing=2)(jnp.zeros((5, 2))),
            r"a batch that is a multiple of 2; got \(5, 2\)",
        ),
        (
            lambda: models.Discriminator(2, hidden_layers=0, minibatch_std=True, key=jax.random.key(0)),
            "hidden_layers must be at least 1",
        ),
        (lambda: models.Generator(2, categories=3, key=jax.random.key(0)), "at most z_dim = 2; got 3"),
        (
            lambda: losses.relativistic_discriminator_loss(jnp.zeros(3), jnp.zeros(2)),
            r"must have one shape \(batch,\); got real_logits \(3,\), fake_logits \(2,\)",
        ),
    ],
)
def test_remedies_that_cannot_work_say_why(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_unrolled_steps_must_be_a_count(generator, points):
    with pytest.raises(ValueError, match="unrolled_steps must be a whole number of at least 0; got -1"):
        training.fit_gan(generator, discriminator(), points, jax.random.key(4), steps=4, unrolled_steps=-1)
