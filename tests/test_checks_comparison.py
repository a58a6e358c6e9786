"""The checks of a comparison: fair ones pass, each likely slip gets its own message."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vaegan_helpers import checks, losses, metrics, models, training
from vaegan_helpers.checks import comparison_experiment

P = functools.partial


def message(check, answer, *more, **named):
    """What a check says of a wrong answer."""
    with pytest.raises(checks.NotYet) as caught:
        check(answer, *more, **named)
    return str(caught.value)


@pytest.fixture(autouse=True)
def as_a_learner():
    """A learner's kernel has neither setting of the unit tests."""
    with jax.numpy_rank_promotion("allow"), jax.debug_key_reuse(False):
        yield


RIGHT = [
    (checks.score_ranks, lambda r, s: -metrics.frechet_distance(r, s)),
    (checks.score_ranks, lambda r, s: metrics.precision_recall(r, s).coverage),
    (checks.score_sees_missing_modes, lambda r, s: metrics.precision_recall(r, s).coverage),
    (checks.spread, lambda s: (s.mean(axis=0), s.std(axis=0, ddof=1))),
    (
        checks.difference,
        lambda s: (jnp.mean(s[:, 0] - s[:, 1]), jnp.std(s[:, 0] - s[:, 1], ddof=1) / len(s) ** 0.5),
    ),
    (checks.split, lambda p, k: jnp.split(jax.random.permutation(k, p), 2)),
]


@pytest.mark.parametrize("check, function", RIGHT)
def test_right_answers_pass_whatever_is_drawn(check, function):
    check(function, trials=20)


def recall_only(real, samples):
    return metrics.precision_recall(real, samples).recall - 1e-3 * jnp.abs(samples).max()


SLIPS = [
    (
        checks.split,
        lambda p, k: jnp.split(jnp.roll(p, jax.random.randint(k, (), 1, len(p)), axis=0), 2),
        "that is a rotation|is the same for two keys",
    ),
    (
        checks.score_ranks,
        lambda r, s: -jnp.linalg.norm(r.mean(0) - s.mean(0)),
        "more than means",
    ),
    (checks.score_ranks, recall_only, "ranks wrongly|it does not see how bad they are"),
    (checks.split, lambda p, k: (p[:20], p[20:]), "the same for two keys"),
    (checks.split, lambda p, k: (p, p), "in both halves"),
    (
        checks.split,
        lambda p, k: (jax.random.permutation(k, p)[:20], jax.random.permutation(k, p)[21:]),
        "loses or changes",
    ),
    (
        checks.split,
        lambda p, k: (jax.random.permutation(k, p)[:10], jax.random.permutation(k, p)[10:]),
        "10 and 30 points",
    ),
    (checks.split, lambda p, k: tuple(p.T), "Do not part the coordinates"),
    (checks.split, lambda p, k: jax.random.permutation(k, p), "should return two things"),
    (checks.score_ranks, lambda r, s: metrics.frechet_distance(r, s), "the wrong way round"),
    (checks.score_ranks, lambda r, s: 1.0, "does it look at both"),
    (checks.score_ranks, lambda r, s: metrics.precision_recall(r, s).recall, "ranks wrongly|more than means"),
    (
        checks.score_sees_missing_modes,
        lambda r, s: metrics.precision_recall(r, s).precision,
        "quality and no diversity",
    ),
    (checks.score_sees_missing_modes, lambda r, s: metrics.frechet_distance(r, s), "the wrong way round"),
]


@pytest.mark.parametrize("check, slip, words", SLIPS)
def test_slips_are_named(check, slip, words):
    for _ in range(3):
        said = message(check, slip)
        assert any(word in said for word in words.split("|")), said


def players(key, *, wide=32, output=models.identity, fixed=False, x_dim=2):
    keys = jax.random.split(jax.random.key(0) if fixed else key, 3)
    return (
        models.VAE(2, 32, 2, 1, output=models.identity, key=keys[0]),
        models.Generator(2, wide, x_dim, 1, output=output, key=keys[1]),
        models.Discriminator(2, 32, 1, key=keys[2]),
    )


STD = 0.1


def point_loss(model, x, key, beta):
    return losses.vae_loss(
        model, x, key, beta, lambda x_hat, x: losses.gaussian_log_likelihood(x_hat, x, STD)
    )


def experiment(
    seed,
    points,
    fit_vae,
    fit_gan,
    *,
    vae=None,
    gan=None,
    vae_points=slice(None),
    own_points=False,
    fixed=(),
    count=300,
    twice=False,
    noise=STD,
    from_prior=True,
    chosen_from=None,
    scaled=(False, False),
    scaled_back=True,
):
    """A fair one, with a place for each slip."""
    keys = list(jax.random.split(jax.random.key(seed), 6))
    for i in fixed:
        keys[i] = jax.random.key(99)
    model, generator, discriminator = players(keys[0])
    if own_points:
        points = jnp.zeros_like(points)
    centre, size = points.mean(axis=0), points.std(axis=0)
    for_vae, for_gan = ((points - centre) / size if scale else points for scale in scaled)
    settings = {"steps": 300, "batch_size": 64}
    model, history = fit_vae(
        model, for_vae[vae_points], keys[1], **settings | {"loss": point_loss} | (vae or {})
    )
    print(f"{history['loss'][-1]:.1f} nats at the end")
    for _ in range(1 + twice):
        generator, _, history = fit_gan(
            generator, discriminator, for_gan, jax.random.clone(keys[2]), **settings | (gan or {})
        )
    print(f"{history['discriminator_loss'][-1]:.2f} nats at the end")
    z = jax.random.normal(keys[3], (300, 2)) if from_prior else model.encode(jnp.tile(for_vae, (2, 1)))[0]
    of_vae = model.decode(z) + noise * jax.random.normal(keys[5], (300, 2))
    of_gan = generator(jax.random.normal(keys[4], (chosen_from or count, 2)))[:count]
    if any(scaled) and scaled_back:
        of_vae, of_gan = centre + size * of_vae, centre + size * of_gan
    return of_vae, of_gan


def with_raw_keys(seed, points, fit_vae, fit_gan):
    keys = jax.random.split(jax.random.PRNGKey(seed), 6)
    model, generator, discriminator = players(jax.random.wrap_key_data(keys[0]))
    settings = {"steps": 300, "batch_size": 64}
    model, _ = fit_vae(model, points, keys[1], loss=point_loss, **settings)
    generator, _, _ = fit_gan(generator, discriminator, points, keys[2], **settings)
    of_vae = model.decode(jax.random.normal(keys[3], (300, 2))) + STD * jax.random.normal(keys[5], (300, 2))
    return of_vae, generator(jax.random.normal(keys[4], (300, 2)))


def without_players(seed, points, fit_vae, fit_gan):
    return not_written(jax.random.key(seed))


def not_written(key):
    raise NotImplementedError


TABLE = np.random.default_rng(0).normal(size=(5, 2))


@pytest.mark.parametrize(
    "check, slip, words",
    [
        (checks.equal_players, P(players, wide=48), "are not equal: the decoder has"),
        (checks.equal_players, P(players, output=jax.nn.sigmoid), "stays between 0 and 1"),
        (checks.equal_players, P(players, x_dim=3), "wanted (3, 2): set x_dim=2"),
        (checks.equal_players, lambda key: players(key)[:2], "return three things"),
        (checks.equal_players, lambda key: players(key)[::-1], "the order is vae, generator, discriminator"),
        (checks.players_from_key, P(players, fixed=True), "the same for two keys"),
        (checks.equal_budget, P(experiment, gan={"steps": 3000}), "300 steps for the VAE, 3000 for the GAN"),
        (
            checks.equal_budget,
            P(experiment, gan={"batch_size": 32}),
            "batches of 64 for the VAE, of 32 for the GAN",
        ),
        (checks.equal_budget, P(experiment, gan={"generator_steps": 3}), "the generator moves 3 times"),
        (
            checks.equal_budget,
            P(experiment, vae={"steps": 5}, gan={"steps": 5}),
            "teaches neither model enough",
        ),
        (checks.equal_budget, P(experiment, vae={"steps": 100}, gan={"steps": 100}), "take at least 300"),
        (checks.equal_budget, P(experiment, vae={"steps": 9000}, gan={"steps": 9000}), "take at most 3,000"),
        (checks.equal_budget, P(experiment, vae={"loss": losses.vae_loss}), "the loss for pixels"),
        (checks.equal_budget, P(experiment, vae={"beta": 10}), "beta = 10 changes"),
        (checks.equal_budget, P(experiment, vae={"learning_rate": 1e-6}), "1e-06 gives the VAE no fair"),
        (checks.equal_budget, P(experiment, gan={"generator_learning_rate": 1e-6}), "the generator no fair"),
        (checks.equal_budget, P(experiment, gan={"discriminator_learning_rate": 1}), "the discriminator no"),
        (checks.equal_budget, without_players, "the budget calls `not_written`, which is not written yet"),
        (checks.equal_players, P(players, output=jnp.tanh), "as with tanh"),
        (checks.equal_players, P(players, output=jax.nn.relu), "as with relu"),
        (checks.equal_data, P(experiment, noise=0.0), "add noise of the standard deviation"),
        (checks.equal_data, P(experiment, noise=3.0), "the noise of the VAE's samples has a"),
        (checks.equal_data, P(experiment, from_prior=False), "is a reconstruction"),
        (checks.equal_data, P(experiment, chosen_from=3000), "the GAN 3,000, and 300 of each came back"),
        (checks.equal_data, P(experiment, scaled=(True, False)), "scaled differently"),
        (checks.equal_data, P(experiment, scaled=(True, True), scaled_back=False), "not scaled back"),
        (checks.equal_budget, P(experiment, twice=True), "the GAN was trained 2 times"),
        (checks.equal_data, P(experiment, vae_points=slice(60)), "the VAE learns from 60 of the 150"),
        (checks.equal_data, P(experiment, own_points=True), "other points than were handed in"),
        (checks.equal_data, P(experiment, count=200), "Draw equally many"),
        (
            checks.seeds_decide,
            P(experiment, fixed=(1,)),
            "the training of the VAE: two seeds train with the same key",
        ),
        (
            checks.seeds_decide,
            P(experiment, fixed=(2,)),
            "the training of the GAN: two seeds train with the same key",
        ),
        (checks.seeds_decide, P(experiment, fixed=(0,)), "make the players inside"),
        (checks.own_data, np.ones((100, 2)), "1 different points"),
        (checks.own_data, np.ones((2, 100)), "wanted (n, 2)"),
        (checks.own_data, np.arange(200.0).reshape(100, 2), "keep it within 10"),
        (checks.own_data, np.stack([np.linspace(0, 1, 90), np.zeros(90)], axis=1), "almost a straight line"),
        (checks.own_data, np.repeat(np.linspace(0, 5, 90)[:, None], 2, axis=1), "almost a straight line"),
        (checks.own_data, np.full((100, 2), np.nan), "not a number"),
        (checks.own_data, None, "None"),
        (
            P(checks.own_data, contains=[[0.5, 0.5], [3.0, 3.0]]),
            np.random.default_rng(0).uniform(0, 2, (90, 2)).round(1) + 0.05,
            "lacks 2 of the dots",
        ),
        (checks.results, [[0.1, 0.2]] * 6, "the same number twice"),
        (checks.results, np.arange(8.0).reshape(4, 2), "has 4 seeds"),
        (checks.results, np.arange(10.0), "wanted (seeds, 2)"),
        (checks.results, 0.3 + 1e-9 * np.arange(10.0).reshape(5, 2), "the same number twice"),
    ],
)
def test_slips_of_a_comparison_are_named(check, slip, words):
    assert words in message(check, slip)


def test_a_fair_comparison_passes():
    checks.equal_players(players)
    checks.players_from_key(players)
    for check in (checks.equal_budget, checks.equal_data, checks.seeds_decide):
        check(experiment)
        check(with_raw_keys)
    checks.equal_data(P(experiment, scaled=(True, True)))
    checks.own_data(np.random.default_rng(0).normal(size=(60, 2)))
    drawn = np.random.default_rng(0).normal(size=(60, 2))
    checks.own_data(drawn.round(2), contains=drawn[:12])
    checks.results(np.random.default_rng(0).normal(size=(5, 2)))


@pytest.mark.parametrize("hidden_layers", [1, 2])
def test_equal_players_pass_whatever_their_weights(hidden_layers):
    """With one latent, of eight such models one makes positive or negative points only."""
    size = dict(x_dim=2, z_dim=1, hidden_dim=32, hidden_layers=hidden_layers, output=models.identity)

    def small(key, seed):
        key = jax.random.key(seed)
        return (
            models.VAE(**size, key=key),
            models.Generator(**size, key=key),
            models.Discriminator(2, key=key),
        )

    for seed in range(20):
        checks.equal_players(P(small, seed=seed))


def test_what_is_taken_without_being_told_is_that_of_the_training():
    of_vae, of_gan = (inspect.signature(f).parameters for f in (training.fit_vae, training.fit_gan))
    batches = {"VAE": of_vae["batch_size"].default, "GAN": training.Game().batch_size}
    assert comparison_experiment.DEFAULT_BATCH == batches
    rates = [p.default for taken in (of_vae, of_gan) for name, p in taken.items() if "learning_rate" in name]
    assert rates == [comparison_experiment.DEFAULT_RATE] * 3


def test_results_are_what_the_score_gives_for_the_held_out_points():
    runs = [(np.full((3, 2), vae), np.full((3, 2), gan)) for vae, gan in TABLE]

    def score(real, samples):
        return np.mean(samples) - np.mean(real)

    checks.results(TABLE - 1, score, np.ones((4, 2)), runs)
    assert "held against the training points" in message(
        checks.results, TABLE - 1, score, np.zeros((4, 2)), runs
    )
    assert "a pair of samples for each" in message(checks.results, TABLE, score, np.zeros((4, 2)), runs[:3])
    assert "a pair of samples for each" in message(checks.results, TABLE, score, np.zeros((4, 2)), None)
