"""`fit_gan`: against a plain loop, the same bits however it is cut, nothing recompiled, and a run that can
fail or be stopped.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from vaegan_helpers import losses, mixtures, models, training

BATCH = 16
# pieces of one step, so that most tests share one compiled program
SHORT = {"steps": 12, "batch_size": BATCH, "snapshots": 12, "progress": False}
RULES = {"batch_size": BATCH}  # of the game; the others are the usual ones


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model)]


def same_bits(a, b):
    return all(np.array_equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))


def game_key():
    return jax.random.key(5)


@pytest.fixture(scope="module")
def players():
    generator = models.Generator(
        z_dim=3, hidden_dim=8, x_dim=2, output=models.identity, key=jax.random.key(0)
    )
    discriminator = models.Discriminator(x_dim=2, hidden_dim=8, dropout=0.3, key=jax.random.key(1))
    return generator, discriminator


@pytest.fixture(scope="module")
def points():
    return mixtures.gaussian_ring().sample(jax.random.key(2), 200)


@pytest.fixture(scope="module")
def short_run(players, points):
    return training.fit_gan(*players, points, game_key(), **SHORT)


def test_scan_equals_a_plain_loop_with_nnx_optimizer(players, points):
    generator, discriminator = jax.tree.map(
        lambda leaf: leaf, players
    )  # copies: the loop changes them in place
    d_optimizer = nnx.Optimizer(discriminator, optax.adam(2e-3, b1=0.5), wrt=nnx.Param)
    g_optimizer = nnx.Optimizer(generator, optax.adam(1e-3, b1=0.5), wrt=nnx.Param)

    @nnx.jit
    def play(generator, discriminator, d_optimizer, g_optimizer, step):
        d_key, g_key = jax.random.split(jax.random.fold_in(game_key(), step))
        batch_key, noise_key, real_key, fake_key, _ = jax.random.split(jax.random.split(d_key, 1)[0], 5)
        real = points[jax.random.randint(batch_key, (BATCH,), 0, len(points))]
        fake = generator(jax.random.normal(noise_key, (BATCH, 3)))

        def d_loss(discriminator):
            logits = discriminator(real, real_key), discriminator(fake, fake_key)
            return losses.discriminator_loss(*logits) + 2.0 * losses.r1_penalty(discriminator, real, real_key)

        d_optimizer.update(discriminator, nnx.grad(d_loss)(discriminator))
        noise_key, dropout_key = jax.random.split(jax.random.split(g_key, 1)[0])
        noise = jax.random.normal(noise_key, (BATCH, 3))
        g_gradients = nnx.grad(lambda g: losses.generator_loss(discriminator(g(noise), dropout_key)))(
            generator
        )
        g_optimizer.update(generator, g_gradients)

    for step in range(SHORT["steps"]):
        play(generator, discriminator, d_optimizer, g_optimizer, step)
    fitted = training.fit_gan(
        *players, points, game_key(), **SHORT, discriminator_learning_rate=2e-3, generator_learning_rate=1e-3
    )
    for ours, loop in zip(leaves(fitted[:2]), leaves((generator, discriminator)), strict=True):
        np.testing.assert_allclose(ours, loop, atol=5e-6)
    assert not same_bits(fitted[0], players[0]) and not same_bits(fitted[1], players[1])


def test_the_same_key_gives_the_same_bits(players, points, short_run):
    again = training.fit_gan(*players, points, game_key(), **SHORT)
    assert same_bits(again, short_run)
    other = training.fit_gan(*players, points, jax.random.key(6), **SHORT)
    assert not same_bits(other[0], short_run[0])


def test_cutting_the_run_differently_changes_no_bit(players, points, short_run):
    in_one = training.fit_gan(*players, points, game_key(), **(SHORT | {"snapshots": 1}))
    assert same_bits(in_one[:2], short_run[:2])
    for name in ("discriminator_loss", "generator_loss", "penalty", "generator_gradient_norm"):
        np.testing.assert_array_equal(in_one[2][name], short_run[2][name])


def test_history_has_one_entry_for_each_step(short_run):
    history = short_run[2]
    curves = {name for name, values in history.items() if not name.startswith("snapshot")}
    assert curves == {
        "discriminator_loss",
        "generator_loss",
        "penalty",
        "real_output",
        "fake_output",
        "discriminator_gradient_norm",
        "generator_gradient_norm",
    }
    assert all(history[name].shape == (12,) for name in curves)
    assert ((history["real_output"] > 0) & (history["real_output"] < 1)).all()


def test_snapshots_lead_from_the_untrained_to_the_returned_generator(players, short_run):
    generator, _, history = short_run
    np.testing.assert_array_equal(history["snapshot_step"], np.arange(13))
    first, last = (jax.tree.map(lambda weights, i=i: weights[i], history["snapshots"]) for i in (0, -1))
    assert same_bits(first, players[0]) and same_bits(last, generator)
    z = jnp.ones((4, 3))
    assert jax.vmap(lambda g: g(z))(history["snapshots"]).shape == (13, 4, 2)


def test_changed_settings_compile_nothing(players, points, short_run):
    before = training.gan_steps._cache_size()
    training.fit_gan(
        *players,
        points,
        game_key(),
        **SHORT,
        discriminator_learning_rate=1e-3,
        penalty_weight=0,
        generator_learning_rate=5e-4,
        momentum=0,
        averaging=0.9,
        final_rate=0.1,
    )
    assert training.gan_steps._cache_size() == before


@pytest.mark.parametrize(
    "moves, moved, still",
    [
        ({"discriminator_steps": 1, "generator_steps": 0}, "discriminator", "generator"),
        ({"discriminator_steps": 0, "generator_steps": 1}, "generator", "discriminator"),
    ],
)
def test_a_player_can_move_alone(players, points, moves, moved, still):
    state = training.gan_state(*players)
    after, record = training.gan_steps(
        state, points, game_key(), 0, training.GanSettings(), game=training.Game(**RULES | moves), length=1
    )
    assert not same_bits(getattr(after, moved), getattr(state, moved))
    for part in (still, still + "_optimizer"):
        assert same_bits(getattr(after, part), getattr(state, part))
    assert f"{moved}_loss" in record and f"{still}_loss" not in record


def test_a_move_of_each_is_one_round(players, points):
    state, settings = training.gan_state(*players), training.GanSettings()
    both, _ = training.gan_steps(
        state, points, game_key(), 0, settings, game=training.Game(**RULES), length=1
    )
    half, _ = training.gan_steps(
        state, points, game_key(), 0, settings, game=training.Game(**RULES | {"generator_steps": 0}), length=1
    )
    whole, _ = training.gan_steps(
        half,
        points,
        game_key(),
        0,
        settings,
        game=training.Game(**RULES | {"discriminator_steps": 0}),
        length=1,
    )
    for a, b in zip(leaves(both), leaves(whole), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_averaged_weights_follow_their_definition(players, points):
    state, averaged = training.gan_state(*players), players[0]
    settings = training.GanSettings(generator_learning_rate=1e-2, averaging=0.15)
    for step in range(4):
        state, _ = training.gan_steps(
            state, points, game_key(), step, settings, game=training.Game(**RULES), length=1
        )
        decay = min(0.15, (1 + step) / (10 + step))
        averaged = jax.tree.map(
            lambda old, new, decay=decay: decay * old + (1 - decay) * new, averaged, state.generator
        )
    for ours, plain in zip(leaves(state.averaged), leaves(averaged), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-7)
    assert not same_bits(state.averaged, state.generator)


def test_learning_rates_fall_along_a_cosine(players, points):
    def first_update(step):
        settings = training.GanSettings(generator_learning_rate=1e-3, final_rate=0.2, steps=100.0)
        state = training.gan_state(*players)
        after, _ = training.gan_steps(
            state,
            points,
            game_key(),
            step,
            settings,
            game=training.Game(**RULES | {"discriminator_steps": 0}),
            length=1,
        )
        return max(
            np.abs(a - b).max() for a, b in zip(leaves(after.generator), leaves(players[0]), strict=True)
        )

    # Adam's first update has the size of the learning rate, whatever the gradient
    for step, share in [(0, 1.0), (50, 0.6), (100, 0.2), (300, 0.2)]:
        np.testing.assert_allclose(first_update(step), share * 1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "loss, penalty", [("saturating", None), ("least squares", "r1"), ("wasserstein", "gradient penalty")]
)
def test_every_loss_and_penalty_trains(players, points, loss, penalty):
    _, _, history = training.fit_gan(
        *players,
        points,
        game_key(),
        **SHORT,
        loss=loss,
        penalty=penalty,
        discriminator_steps=2 if loss == "wasserstein" else 1,
    )
    assert np.isfinite(history["generator_gradient_norm"]).all()
    assert ("penalty" in history) == (penalty is not None)


def test_discriminator_trained_alone_finds_the_share_of_p():
    """On two Gaussians on a line, with a generator that is the identity, D tends to p / (p + q)."""
    p, q = mixtures.mixture([1.0], 1.0), mixtures.mixture([0.0], 1.0)
    generator = models.Generator(
        z_dim=1, hidden_dim=1, x_dim=1, hidden_layers=0, output=models.identity, key=jax.random.key(0)
    )
    generator.network.layers[0].kernel[...] = jnp.ones((1, 1))
    discriminator = models.Discriminator(x_dim=1, hidden_dim=32, key=jax.random.key(1))
    same_generator, trained, _ = training.fit_gan(
        generator,
        discriminator,
        p.sample(jax.random.key(2), 20_000),
        jax.random.key(3),
        steps=800,
        batch_size=256,
        discriminator_learning_rate=1e-2,
        generator_steps=0,
        penalty=None,
        final_rate=0.01,
        progress=False,
    )
    x = jnp.linspace(-1.5, 2.5, 41)[:, None]
    exact = jax.nn.sigmoid(p.log_density(x) - q.log_density(x))
    assert float(jnp.abs(jax.nn.sigmoid(trained(x)) - exact).max()) < 0.05
    assert same_bits(same_generator, generator)


def test_a_run_that_diverges_stops_with_the_last_good_players(players, points):
    with pytest.raises(training.Diverged) as caught:
        training.fit_gan(*players, points, game_key(), **SHORT, discriminator_learning_rate=1e5)
    assert all(np.isfinite(leaf).all() for leaf in leaves(caught.value.models))
    assert isinstance(caught.value.models, training.GanState) and 0 < caught.value.step < 12


def test_an_interrupted_run_returns_what_it_has(players, points, monkeypatch, capsys):
    whole_step, calls = training.gan_steps, []

    def interrupted(*args, **options):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return whole_step(*args, **options)

    monkeypatch.setattr("vaegan_helpers.training.gan.gan_steps", interrupted)
    generator, _, history = training.fit_gan(*players, points, game_key(), **SHORT)
    assert "after step 3 of 12" in capsys.readouterr().out
    assert len(history["generator_loss"]) == 3
    np.testing.assert_array_equal(history["snapshot_step"], [0, 1, 2, 3])
    assert same_bits(jax.tree.map(lambda weights: weights[-1], history["snapshots"]), generator)


@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"discriminator_learning_rate": 0.0},
            "discriminator_learning_rate must be a positive number; got 0.0",
        ),
        ({"generator_learning_rate": -1e-3}, "generator_learning_rate must be a positive number; got -0.001"),
        (
            {"loss": "hinge"},
            "non-saturating, saturating, least squares, wasserstein, relativistic; got 'hinge'",
        ),
        ({"loss": ["saturating"]}, "loss must be one of"),
        ({"penalty": "r3"}, "r1, r1 and r2, gradient penalty, None; got 'r3'"),
        ({"penalty_weight": -1.0}, "penalty_weight must be a number of at least 0; got -1.0"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1; got 1.0"),
        ({"averaging": float("nan")}, "averaging must be at least 0"),
        ({"final_rate": 2.0}, "final_rate must be"),
        ({"discriminator_steps": 0, "generator_steps": 0}, "one player at least must move"),
        ({"generator_steps": -1}, "generator_steps must be a whole number of at least 0; got -1"),
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"snapshots": 0}, "snapshots must be a whole number of at least 1; got 0"),
        ({"batch_size": 201}, "batch_size must be at most the 200 examples; got 201"),
    ],
)
def test_bad_settings_are_named(players, points, change, words):
    with pytest.raises(ValueError, match=words):
        training.fit_gan(*players, points, game_key(), **(SHORT | change))


@pytest.mark.parametrize("x_dim, data_dim", [(3, 2), (2, 3)])
def test_players_that_do_not_fit_are_named_with_their_shapes(players, x_dim, data_dim):
    other = models.Discriminator(x_dim=x_dim, hidden_dim=8, key=jax.random.key(1))
    words = rf"one width; got \(batch, 2\) made, \(batch, {x_dim}\) taken, .* shape \(200, {data_dim}\)"
    with pytest.raises(ValueError, match=words):
        training.fit_gan(players[0], other, np.zeros((200, data_dim)), game_key(), **SHORT)


@pytest.mark.parametrize("key", [0, jax.random.PRNGKey(0)], ids=["number", "untyped"])
def test_a_key_must_be_a_key(players, points, key):
    with pytest.raises(ValueError, match="key must be one key from jax.random.key"):
        training.fit_gan(*players, points, key, **SHORT)


def test_data_outside_the_range_of_a_sigmoid_is_refused():
    generator = models.Generator(z_dim=3, hidden_dim=8, x_dim=2, key=jax.random.key(0))
    discriminator = models.Discriminator(x_dim=2, hidden_dim=8, key=jax.random.key(1))
    with pytest.raises(ValueError, match=r"data must lie in \[0, 1\]; got values from 255 to 255"):
        training.fit_gan(generator, discriminator, np.full((200, 2), 255.0), game_key(), **SHORT)


@pytest.mark.parametrize("name", training.OPTIMIZERS)
def test_each_player_moves_by_the_optimiser_that_is_named(players, points, name):
    """One move of G alone, against the optimiser applied by hand to the same gradient."""
    by_hand = {
        "Adam": optax.adam(1e-2, b1=0.5),
        "RMSprop": optax.rmsprop(1e-2),
        "SGD": optax.sgd(1e-2),
        "SGD with momentum": optax.sgd(1e-2, momentum=0.5),
    }[name]
    state = training.gan_state(*players, (name, name))
    settings = training.GanSettings(generator_learning_rate=1e-2)
    after, _ = training.gan_steps(
        state,
        points,
        game_key(),
        0,
        settings,
        game=training.Game(**RULES | {"penalty": None, "discriminator_steps": 0}, optimizers=(name, name)),
        length=1,
    )
    _, keys = training.move_keys(game_key(), 0, 0, 1)
    noise, _, (dropout_key, *_) = training.generator_batch(keys[0], points, BATCH, 3)
    gradients = jax.grad(lambda g: losses.generator_loss(players[1](g(noise), dropout_key)))(players[0])
    updates, _ = by_hand.update(gradients, by_hand.init(players[0]))
    for ours, plain in zip(
        leaves(after.generator), leaves(optax.apply_updates(players[0], updates)), strict=True
    ):
        np.testing.assert_allclose(ours, plain, atol=1e-5)
    assert same_bits(after.discriminator, players[1])
