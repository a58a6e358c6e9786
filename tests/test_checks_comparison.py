"""The checks of a comparison: fair ones pass, each likely slip gets its own message."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vaegan_helpers import checks, metrics, models, training
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


SLIPS = [
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
    (checks.score_ranks, lambda r, s: 1.0, "alike"),
    (checks.score_ranks, lambda r, s: metrics.precision_recall(r, s).recall, "ranks wrongly|alike"),
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


def as_it_is(x):
    return x


def players(key, *, wide=32, output=as_it_is, fixed=False, x_dim=2):
    keys = jax.random.split(jax.random.key(0) if fixed else key, 3)
    return (
        models.VAE(2, 32, 2, 1, output=as_it_is, key=keys[0]),
        models.Generator(2, wide, x_dim, 1, output=output, key=keys[1]),
        models.Discriminator(2, 32, 1, key=keys[2]),
    )


def experiment(
    seed,
    points,
    fit_vae,
    fit_gan,
    *,
    vae={},
    gan={},
    vae_points=slice(None),
    own_points=False,
    fixed=(),
    count=300,
    twice=False,
):
    keys = list(jax.random.split(jax.random.key(seed), 5))
    for i in fixed:
        keys[i] = jax.random.key(99)
    model, generator, discriminator = players(keys[0])
    if own_points:
        points = jnp.zeros_like(points)
    model, _ = fit_vae(model, points[vae_points], keys[1], **{"steps": 300, "batch_size": 64} | vae)
    for _ in range(1 + twice):
        generator, _, _ = fit_gan(
            generator,
            discriminator,
            points,
            jax.random.clone(keys[2]),
            **{"steps": 300, "batch_size": 64} | gan,
        )
    return model.decode(jax.random.normal(keys[3], (300, 2))), generator(
        jax.random.normal(keys[4], (count, 2))
    )


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
        (checks.equal_budget, P(experiment, vae={"steps": 5}, gan={"steps": 5}), "teaches neither"),
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
        (checks.own_data, np.full((100, 2), np.nan), "not a number"),
        (checks.own_data, None, "None"),
        (checks.results, [[0.1, 0.2]] * 6, "the same number twice"),
        (checks.results, np.arange(8.0).reshape(4, 2), "has 4 seeds"),
        (checks.results, np.arange(10.0), "wanted (seeds, 2)"),
    ],
)
def test_slips_of_a_comparison_are_named(check, slip, words):
    assert words in message(check, slip)


def test_a_fair_comparison_passes():
    checks.equal_players(players)
    checks.players_from_key(players)
    for check in (checks.equal_budget, checks.equal_data, checks.seeds_decide):
        check(experiment)
    checks.own_data(np.random.default_rng(0).normal(size=(60, 2)))
    checks.results(np.random.default_rng(0).normal(size=(5, 2)))


def test_the_batch_sizes_taken_without_being_told_are_those_of_the_training():
    for name, function in [("VAE", training.fit_vae), ("GAN", training.fit_gan)]:
        assert (
            comparison_experiment.DEFAULT_BATCH[name]
            == inspect.signature(function).parameters["batch_size"].default
        )
