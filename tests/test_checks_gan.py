"""Each likely slip about the GAN gets its own message, and right answers written in other ways pass."""

import contextlib
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from vaegan_helpers import checks, losses, models
from vaegan_helpers.checks import gan_repairs

softplus, sigmoid, log_sigmoid = jax.nn.softplus, jax.nn.sigmoid, jax.nn.log_sigmoid
cross_entropy = optax.sigmoid_binary_cross_entropy
GENERATOR = models.Generator(
    z_dim=3, hidden_dim=6, x_dim=2, hidden_layers=1, output=models.identity, key=jax.random.key(0)
)
DISCRIMINATOR = models.Discriminator(x_dim=2, hidden_dim=6, hidden_layers=1, key=jax.random.key(1))


def descend(player, gradients, rate):
    return jax.tree.map(lambda weight, slope: weight - rate * slope, player, gradients)


# The losses.


def by_labels(real, fake):
    return cross_entropy(real, jnp.ones(len(real))).mean() + cross_entropy(fake, jnp.zeros(len(fake))).mean()


def by_labels_together(real, fake):
    """Right only if both batches have one size."""
    logits, labels = (
        jnp.concatenate([real, fake]),
        jnp.concatenate([jnp.ones(len(real)), jnp.zeros(len(fake))]),
    )
    return 2 * cross_entropy(logits, labels).mean()


def by_loop(real, fake):
    return -sum(log_sigmoid(r) for r in real) / len(real) - sum(log_sigmoid(-f) for f in fake) / len(fake)


D_LOSS_RIGHT = [
    losses.discriminator_loss,
    by_labels,
    by_loop,
    lambda r, f: -jnp.log(sigmoid(r)).mean() - jnp.log(1 - sigmoid(f)).mean(),
    lambda r, f: -jax.vmap(log_sigmoid)(r).mean() - jax.vmap(log_sigmoid)(-f).mean(),
    lambda r, f: float(np.mean(np.log1p(np.exp(-np.asarray(r)))) + np.mean(np.log1p(np.exp(np.asarray(f))))),
]

D_LOSS_SLIPS = [
    (by_labels_together, "right only for two batches of one size"),
    (lambda r, f: by_labels_together(r, f) / 2, "Both means count fully"),
    (lambda r, f: jnp.nan, "not a number"),
    (lambda r, f: None, "is there a `return`"),
]

G_LOSS_RIGHT = [
    losses.generator_loss,
    jax.jit(losses.generator_loss),
    lambda f: -log_sigmoid(f).mean(),
    lambda f: -jnp.log(sigmoid(f)).mean(),
    lambda f: cross_entropy(f, jnp.ones(len(f))).mean(),
    lambda f: jnp.logaddexp(0.0, -f).mean(),
]

G_LOSS_SLIPS = [(lambda f: jnp.zeros((2, 2)), "has shape (2, 2)")]

SATURATING_RIGHT = [
    functools.partial(losses.generator_loss, saturating=True),
    lambda f: jnp.log(1 - sigmoid(f)).mean(),
    lambda f: -cross_entropy(f, jnp.zeros(len(f))).mean(),
    lambda f: log_sigmoid(-f).mean(),
]

SATURATING_SLIPS = [(lambda f: jnp.zeros((2, 2)), "has shape (2, 2)")]


class Owned:
    """Losses as methods of an object."""

    def discriminator_loss(self, real_logits, fake_logits):
        return losses.discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, fake_logits):
        return losses.generator_loss(fake_logits)


def decorated(function):
    """Whatever it takes, and without the name of the original."""

    def with_a_note(*arguments):
        return function(*arguments)

    return with_a_note


LARGE_RIGHT = [
    losses.discriminator_loss,
    losses.generator_loss,
    by_labels,
    by_loop,
    lambda f: -log_sigmoid(f).mean(),
    lambda f: jnp.logaddexp(0.0, -f).mean(),
    jax.jit(losses.discriminator_loss),
    nnx.jit(losses.discriminator_loss),
    jax.jit(losses.generator_loss),
    functools.partial(losses.generator_loss, saturating=False),
    functools.partial(losses.discriminator_loss),
    Owned().generator_loss,
    Owned().discriminator_loss,
    decorated(losses.discriminator_loss),
    decorated(losses.generator_loss),
    lambda r, f, weight=1.0: weight * losses.discriminator_loss(r, f),
]

LARGE_SLIPS = [
    (lambda r, f: losses.discriminator_loss(f, r), "Are real and generated exchanged"),
    (lambda f: -softplus(f).mean(), "is this the saturating loss"),
    (lambda f: -softplus(-f).mean(), "the wrong sign"),
    (D_LOSS_RIGHT[3], "D was rounded to 0 or 1"),
    (lambda f: -jnp.log(sigmoid(f)).mean(), "D was rounded to 0 or 1"),
    (lambda f: jnp.log(1 + jnp.exp(-f)).mean(), "An exponential of a large number overflows"),
    (lambda f: -jnp.log(jnp.clip(sigmoid(f), 1e-7, 1)).mean(), "was a probability clipped"),
    (
        lambda r, f: -jnp.log(sigmoid(r) + 1e-8).mean() - jnp.log(1 - sigmoid(f) + 1e-8).mean(),
        "was a probability clipped",
    ),
    (lambda f: jnp.where(f > -50, -jnp.log(sigmoid(f)), -f).mean(), "still overflows in the gradient"),
]

SLOPES_RIGHT = [
    lambda logits: jnp.stack([-sigmoid(logits), -(1 - sigmoid(logits))]),
    lambda logits: (-sigmoid(logits), -(1 - sigmoid(logits))),
    lambda logits: (
        jax.vmap(jax.grad(lambda one: jnp.log(1 - sigmoid(one))))(logits),
        jax.vmap(jax.grad(lambda one: softplus(-one)))(logits),
    ),
    lambda logits: [
        jax.grad(lambda x: -softplus(x).sum())(logits),
        jnp.array([jax.grad(lambda x: softplus(-x))(x) for x in logits]),
    ],
]

SLOPES_SLIPS = [
    (lambda logits: (-sigmoid(logits), 1 - sigmoid(logits)), "the non-saturating loss: the sign"),
    (lambda logits: -sigmoid(logits), "wanted 2 things"),
]

DIVERGENCE_RIGHT = [
    lambda r, f: jnp.log(2.0) - losses.discriminator_loss(r, f) / 2,
    lambda r, f: 0.5 * (jnp.log(2 * sigmoid(r)).mean() + jnp.log(2 * (1 - sigmoid(f))).mean()),
]

DIVERGENCE_SLIPS = [(lambda r, f: jnp.zeros(2), "has shape (2,)")]

BEST_SLIPS = [(lambda p, q: p / (p + q) + 0.25, "differs by +0.25 everywhere")]


# The draws.


def drawn(data, key, batch_size, z_dim):
    batch_key, first_key, second_key = jax.random.split(key, 3)
    rows = data[jax.random.randint(batch_key, (batch_size,), 0, len(data))]
    return (
        rows,
        jax.random.normal(first_key, (batch_size, z_dim)),
        jax.random.normal(second_key, (batch_size, z_dim)),
    )


def drawn_one_by_one(data, key, batch_size, z_dim):
    key, batch_key = jax.random.split(key)
    real = jax.random.choice(batch_key, data, (batch_size,), replace=False)
    key, noise_key = jax.random.split(key)
    first = jax.random.normal(noise_key, (batch_size, z_dim))
    key, noise_key = jax.random.split(key)
    return real, first, jax.random.normal(noise_key, (batch_size, z_dim))


def drawn_at_once(data, key, batch_size, z_dim):
    real_key, noise_key = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    noise = jax.random.multivariate_normal(noise_key, jnp.zeros(z_dim), jnp.eye(z_dim), (2, batch_size))
    return [jnp.take(data, jax.random.permutation(real_key, len(data))[:batch_size], axis=0), *noise]


def same_noise(data, key, batch_size, z_dim):
    real, first, _ = drawn(data, key, batch_size, z_dim)
    return real, first, first


def key_twice(data, key, batch_size, z_dim):
    batch_key, noise_key = jax.random.split(key)
    noise = [jax.random.normal(noise_key, (batch_size, z_dim)) for _ in range(2)]
    return data[jax.random.randint(batch_key, (batch_size,), 0, len(data))], *noise


def parent_key(data, key, batch_size, z_dim):
    batch_key, first_key = jax.random.split(key)
    noise = [jax.random.normal(k, (batch_size, z_dim)) for k in (first_key, key)]
    return data[jax.random.randint(batch_key, (batch_size,), 0, len(data))], *noise


def shared_noise(data, key, batch_size, z_dim):
    real, first, second = drawn(data, key, batch_size, z_dim)
    return real, jnp.broadcast_to(first[:1], first.shape), second


def one_number(data, key, batch_size, z_dim):
    real, first, second = drawn(data, key, batch_size, z_dim)
    return real, first, jnp.broadcast_to(second[:, :1], second.shape)


def uniform(data, key, batch_size, z_dim):
    batch_key, *noise_keys = jax.random.split(key, 3)
    noise = [jax.random.uniform(k, (batch_size, z_dim), minval=-1) for k in noise_keys]
    return data[jax.random.randint(batch_key, (batch_size,), 0, len(data))], *noise


def wider_noise(data, key, batch_size, z_dim):
    real, first, second = drawn(data, key, batch_size, z_dim)
    return real, 2 * first, second


def first_rows(data, key, batch_size, z_dim):
    return data[:batch_size], *drawn(data, key, batch_size, z_dim)[1:]


def early_rows(data, key, batch_size, z_dim):
    batch_key, first_key, second_key = jax.random.split(key, 3)
    rows = data[jax.random.randint(batch_key, (batch_size,), 0, batch_size)]
    return (
        rows,
        jax.random.normal(first_key, (batch_size, z_dim)),
        jax.random.normal(second_key, (batch_size, z_dim)),
    )


def one_row(data, key, batch_size, z_dim):
    batch_key, first_key, second_key = jax.random.split(key, 3)
    row = data[jax.random.randint(batch_key, (1,), 0, len(data))]
    noise = [jax.random.normal(k, (batch_size, z_dim)) for k in (first_key, second_key)]
    return jnp.broadcast_to(row, (batch_size, 2)), *noise


def mixed_rows(data, key, batch_size, z_dim):
    real, first, second = drawn(data, key, batch_size, z_dim)
    return jnp.stack([real[:, 0], real[::-1, 1]], axis=1), first, second


def own_seed(data, key, batch_size, z_dim):
    return drawn(data, jax.random.key(7), batch_size, z_dim)


def numpy_noise(data, key, batch_size, z_dim):
    real, first, _ = drawn(data, key, batch_size, z_dim)
    return real, first, np.random.default_rng().normal(size=(batch_size, z_dim))


def raw_keys(data, key, batch_size, z_dim):
    return drawn(data, jax.random.PRNGKey(jax.random.randint(key, (), 0, 2**30)), batch_size, z_dim)


DRAWS_RIGHT = [drawn, raw_keys, drawn_one_by_one, drawn_at_once, jax.jit(drawn, static_argnums=(2, 3))]


def reversed_noise(data, key, batch_size, z_dim):
    real, first, _ = drawn(data, key, batch_size, z_dim)
    return real, first, first[::-1]


def opposite_noise(data, key, batch_size, z_dim):
    real, first, _ = drawn(data, key, batch_size, z_dim)
    return real, first, -jnp.roll(first, 1, axis=1)


def three_quarters(data, key, batch_size, z_dim):
    batch_key, *rest = jax.random.split(key, 3)
    rows = data[jax.random.randint(batch_key, (batch_size,), 0, 3 * len(data) // 4)]
    return rows, *(jax.random.normal(k, (batch_size, z_dim)) for k in rest)


def even_rows(data, key, batch_size, z_dim):
    return drawn(data[::2], key, batch_size, z_dim)


def not_the_last(data, key, batch_size, z_dim):
    return drawn(data[:-1], key, batch_size, z_dim)


def not_the_first(data, key, batch_size, z_dim):
    return drawn(data[1:], key, batch_size, z_dim)


def laplace_noise(data, key, batch_size, z_dim):
    real, first, _ = drawn(data, key, batch_size, z_dim)
    noise = jax.random.laplace(jax.random.fold_in(jax.random.clone(key), 7), first.shape) / 2**0.5
    return real, first, noise


DRAWS_SLIPS = [
    (reversed_noise, "the same numbers in another order"),
    (opposite_noise, "the same numbers in another order, or with another sign"),
    (three_quarters, "never draws from 3 tenths of the data|never draws from 2 tenths of the data"),
    (even_rows, "one in 2"),
    (not_the_last, "never holds row 29 of 30"),
    (not_the_first, "never holds row 0 of 30"),
    (laplace_noise, "G's noise is not standard normal"),
    (same_noise, "are the same: one draw, or one key, was used twice"),
    (key_twice, "a key was used twice"),
    (parent_key, "a key was used twice"),
    (shared_noise, "D's noise is the same for the whole batch"),
    (one_number, "G's noise repeats one number along a row"),
    (uniform, "looks uniform"),
    (wider_noise, "a standard normal has 0 and 1"),
    (first_rows, "a piece of the data in its order"),
    (early_rows, "draw from all of the data"),
    (one_row, "one example again and again"),
    (mixed_rows, "rows that are not in the data"),
    (own_seed, "is the same for two different keys"),
    (numpy_noise, "come from something else than the key"),
    (lambda data, key, batch_size, z_dim: drawn(data, key, batch_size, 1), "D's noise has shape"),
    (lambda data, key, batch_size, z_dim: drawn(data, key, batch_size, z_dim)[:2], "wanted 3 things"),
]


# The steps.


def d_step(g, d, real, noise, rate, loss=losses.discriminator_loss, sign=1.0):
    return descend(d, jax.grad(lambda d: loss(d(real), d(g(noise))))(d), sign * rate)


def d_step_by_sgd(g, d, real, noise, rate):
    fake = jax.lax.stop_gradient(g(noise))
    optimizer = optax.sgd(rate)
    gradients = jax.grad(lambda d: by_labels(d(real), d(fake)))(d)
    return optax.apply_updates(d, optimizer.update(gradients, optimizer.init(d))[0])


@jax.jit
def d_step_in_batches(g, d, real, noise, rate):
    def mean_loss(d):
        judged = jax.vmap(lambda x: d(x[None])[0])
        return softplus(-judged(real)).mean() + softplus(judged(g(noise))).mean()

    return jax.tree.map(lambda w, s: w - rate * s, d, jax.jacrev(mean_loss)(d))


def d_step_that_moves_both(g, d, real, noise, rate):
    for_g, for_d = jax.grad(lambda g, d: losses.discriminator_loss(d(real), d(g(noise))), argnums=(0, 1))(
        g, d
    )
    for layer, slope in zip(g.network.layers, for_g.network.layers, strict=True):
        layer.kernel[...] = layer.kernel[...] - rate * slope.kernel[...]
    return descend(d, for_d, rate)


def d_step_in_place(g, d, real, noise, rate):
    optimizer = nnx.Optimizer(d, optax.sgd(rate), wrt=nnx.Param)
    optimizer.update(d, nnx.grad(lambda d: losses.discriminator_loss(d(real), d(g(noise))))(d))
    return d


D_STEP_RIGHT = [d_step, d_step_by_sgd, d_step_in_batches, d_step_in_place, nnx.jit(d_step)]

D_STEP_SLIPS = [
    (lambda *a: d_step(*a, loss=lambda r, f: softplus(-r).sum() + softplus(f).sum()), "sum taken for a mean"),
    (lambda *a: d_step(*a, sign=0.3), "3.33 times too small"),
    (lambda g, d, real, noise, rate: g, "this is the other player"),
    (lambda *a: (a[0], d_step(*a)), "should be the discriminator; it is a tuple of 2"),
    (lambda *a: None, "is there a `return`"),
    (d_step_that_moves_both, "leaks into G"),
    (lambda *a: jax.tree.map(lambda w: w * jnp.nan, a[1]), "NaN or infinite"),
]


def g_step(g, d, noise, rate, loss=losses.generator_loss, sign=1.0):
    return descend(g, jax.grad(lambda g: loss(d(g(noise))))(g), sign * rate)


def g_step_by_sgd(g, d, noise, rate):
    gradients = jax.grad(lambda g: cross_entropy(d(g(noise)), jnp.ones(len(noise))).mean())(g)
    return jax.tree.map(jnp.add, g, optax.sgd(rate).update(gradients, optax.sgd(rate).init(g))[0])


def g_step_by_chain_rule(g, d, noise, rate):
    fake, pull = jax.vjp(lambda g: g(noise), g)
    slope = jax.grad(lambda x: losses.generator_loss(d(x)))(fake)
    return descend(g, pull(slope)[0], rate)


G_STEP_RIGHT = [
    g_step,
    g_step_by_sgd,
    g_step_by_chain_rule,
    jax.jit(g_step, donate_argnums=0),
]

G_STEP_SLIPS = [
    (
        lambda g, d, noise, rate: descend(
            g, jax.grad(lambda g: losses.generator_loss(d(jax.lax.stop_gradient(g(noise)))))(g), rate
        ),
        "no gradient arrives",
    ),
    (lambda g, d, noise, rate: d, "this is the other player"),
    (
        lambda g, d, noise, rate: descend(d, jax.grad(lambda d: losses.generator_loss(d(g(noise))))(d), rate),
        "this is the other player",
    ),
]


def round_in_turns(g, d, real, d_noise, g_noise, rate):
    d = d_step(g, d, real, d_noise, rate)
    return g_step(g, d, g_noise, rate), d


def round_by_other_steps(g, d, real, d_noise, g_noise, rate):
    d = d_step_by_sgd(g, d, real, d_noise, rate)
    return [g_step_by_chain_rule(g, d, g_noise, rate), d]


ROUND_RIGHT = [round_in_turns, round_by_other_steps, jax.jit(round_in_turns)]

ROUND_SLIPS = [
    (lambda *a: round_in_turns(*a)[::-1], "wrong order"),
    (
        lambda g, d, real, d_noise, g_noise, rate: round_in_turns(g, d, real, d_noise, g_noise, rate)[1],
        "wanted 2 things",
    ),
]


SLIPS = {
    checks.discriminator_loss: D_LOSS_SLIPS,
    checks.generator_loss: G_LOSS_SLIPS,
    checks.saturating_generator_loss: SATURATING_SLIPS,
    checks.large_logits: LARGE_SLIPS,
    checks.slopes: SLOPES_SLIPS,
    checks.divergence: DIVERGENCE_SLIPS,
    checks.best_discriminator: BEST_SLIPS,
    checks.round_draws: DRAWS_SLIPS,
    checks.discriminator_step: D_STEP_SLIPS,
    checks.generator_step: G_STEP_SLIPS,
    checks.one_round: ROUND_SLIPS,
}
RIGHT = {
    checks.discriminator_loss: D_LOSS_RIGHT,
    checks.generator_loss: G_LOSS_RIGHT,
    checks.saturating_generator_loss: SATURATING_RIGHT,
    checks.large_logits: LARGE_RIGHT,
    checks.slopes: SLOPES_RIGHT,
    checks.divergence: DIVERGENCE_RIGHT,
    checks.best_discriminator: [lambda p, q: 1 / (1 + q / p)],
    checks.round_draws: DRAWS_RIGHT,
    checks.discriminator_step: D_STEP_RIGHT,
    checks.generator_step: G_STEP_RIGHT,
    checks.one_round: ROUND_RIGHT,
}
WITH_PLAYERS = [checks.discriminator_step, checks.generator_step, checks.one_round]


def run(check, answer):
    check(answer, *((GENERATOR, DISCRIMINATOR) if check in WITH_PLAYERS else ()))


def name_of(check):
    return next(name for name, public in vars(checks).items() if public is check)


def table(of):
    return [
        pytest.param(check, *np.atleast_1d(np.array(case, object)), id=f"{name_of(check)}_{i}")
        for check, entries in of.items()
        for i, case in enumerate(entries)
    ]


@pytest.fixture(autouse=True)
def as_a_learner():
    """A learner's kernel has neither setting of the unit tests."""
    with jax.numpy_rank_promotion("allow"), jax.debug_key_reuse(False):
        yield


@pytest.mark.parametrize("check, answer, words", table(SLIPS))
def test_a_slip_gets_its_message(check, answer, words):
    with pytest.raises(checks.NotYet) as caught:
        run(check, answer)
    assert any(word in str(caught.value) for word in words.split("|")), str(caught.value)


@pytest.mark.parametrize("check, answer", table(RIGHT))
def test_a_right_answer_passes_however_it_is_written(check, answer, capsys):
    run(check, answer)
    assert capsys.readouterr().out.endswith(": right\n")


@pytest.mark.parametrize("check", [c for c in RIGHT if c not in WITH_PLAYERS], ids=name_of)
def test_a_right_answer_passes_every_time(check):
    for answer in RIGHT[check][:2]:
        check(answer, trials=40)


@pytest.mark.parametrize("check", WITH_PLAYERS, ids=name_of)
def test_a_right_step_passes_every_time(check):
    check(RIGHT[check][0], GENERATOR, DISCRIMINATOR, trials=10)


def test_the_best_smoothed_discriminator_passes():
    checks.best_discriminator(lambda p, q, s: (1 - s) * p / (p + q), smoothing=True)


# The broken round: every combination of the three faults keeps its own marks.
FAULTS = ("D learns the wrong thing", "G is moved by D's loss", "G learns nothing from its own loss")


def broken_round(g, d, real, d_noise, g_noise, rate, faults):
    real_label, fake_label = (0, 1) if FAULTS[0] in faults else (1, 0)

    def d_loss(players):
        logits = jnp.concatenate([players[1](real), players[1](players[0](d_noise))])
        labels = jnp.repeat(jnp.array([real_label, fake_label]), len(real))
        return 2 * cross_entropy(logits, labels).mean()

    for_g, for_d = jax.grad(d_loss)((g, d))
    d = descend(d, for_d, rate)
    if FAULTS[1] in faults:
        g = descend(g, for_g, rate)
    cut = jax.lax.stop_gradient if FAULTS[2] in faults else (lambda x: x)
    return descend(g, jax.grad(lambda g: losses.generator_loss(d(cut(g(g_noise)))))(g), rate), d


NAMED = dict(
    zip(FAULTS, ["labels are exchanged", "gradient leaks into G", "nothing of G's own loss"], strict=True)
)


@pytest.mark.parametrize(
    "left",
    [(), FAULTS[:1], FAULTS[1:2], FAULTS[2:], FAULTS[:2], FAULTS[::2], FAULTS[1:], FAULTS],
    ids=lambda left: f"{len(left)}_left",
)
def test_each_fault_is_judged_by_itself(left):
    answer = functools.partial(broken_round, faults=left)
    for fault in FAULTS:
        if fault in left:
            with pytest.raises(checks.NotYet, match=NAMED[fault]):
                checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, fault, trials=4)
        else:
            checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, fault, trials=4)


@pytest.mark.parametrize(
    "own, words",
    [
        (lambda g, old, new, d_noise, g_noise: losses.generator_loss(old(g(g_noise))), "answered the old D"),
        (
            lambda g, old, new, d_noise, g_noise: losses.generator_loss(new(g(d_noise))),
            "with D's noise:",
        ),
        (
            lambda g, old, new, d_noise, g_noise: losses.generator_loss(old(g(d_noise))),
            "with D's noise, and against the old D",
        ),
        (
            lambda g, old, new, d_noise, g_noise: losses.generator_loss(new(g(g_noise)), saturating=True),
            "on the saturating loss",
        ),
        (lambda g, old, new, d_noise, g_noise: -losses.generator_loss(new(g(g_noise))), "G moved uphill"),
        (
            lambda g, old, new, d_noise, g_noise: 0.4 * losses.generator_loss(new(g(g_noise))),
            "+0.40 of",
        ),
        (lambda g, old, new, d_noise, g_noise: 0.0 * jnp.sum(g(g_noise)), "nothing of G's own loss"),
    ],
)
def test_what_is_wrong_with_the_step_of_g_is_said_and_nobody_is_accused_of_a_leak(own, words):
    def answer(g, d, real, d_noise, g_noise, rate):
        new = d_step(g, d, real, d_noise, rate)
        return descend(g, jax.grad(lambda g: own(g, d, new, d_noise, g_noise))(g), rate), new

    checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, FAULTS[1], trials=8)
    for _ in range(3):
        with pytest.raises(checks.NotYet, match=re.escape(words)):
            checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, FAULTS[2])


LISTED = [
    set(of_d) | set(leak) | set(of_g)
    for of_d in ((gan_repairs.LABELS,), (gan_repairs.HALF,))
    for leak in ((), (gan_repairs.LEAK,))
    for of_g in ((), *((each,) for each in gan_repairs.OF_G))
]


@pytest.mark.parametrize("left", LISTED, ids=lambda left: "".join(map(str, sorted(left))))
def test_each_listed_fault_costs_its_own_marks_and_its_name_is_asked_for(left):
    answer = gan_repairs.round_with(left, 0.9)
    of_cells = [{*gan_repairs.OF_D}, {gan_repairs.LEAK}, {*gan_repairs.OF_G}]
    for fault, listed in zip(FAULTS, of_cells, strict=True):
        expected = pytest.raises(checks.NotYet) if left & listed else contextlib.nullcontext()
        with expected:
            checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, fault, real_label=0.9)
    checks.named_faults(left, answer, GENERATOR, DISCRIMINATOR, 0.9)
    with pytest.raises(checks.NotYet):
        checks.named_faults(left ^ {gan_repairs.LEAK}, answer, GENERATOR, DISCRIMINATOR, 0.9)


@pytest.mark.parametrize(
    "answer, words",
    [
        (None, "wanted a set of numbers"),
        ("134", "wanted a set of numbers"),
        ({"labels"}, "wanted a set of numbers"),
        ({0, 1, 3}, "numbers 1 to 8"),
        ({1, 3}, "there are 3; you name 2"),
        ({1, 3, 5}, "look at G's own step"),
        ({2, 3, 4}, "look at D's own step"),
    ],
)
def test_other_faults_than_those_of_the_round_are_refused(answer, words):
    broken = gan_repairs.round_with({1, 3, 4}, 0.9)
    with pytest.raises(checks.NotYet, match=words):
        checks.named_faults(answer, broken, GENERATOR, DISCRIMINATOR, 0.9)


def test_the_round_of_another_task_is_no_repair_of_one_with_smoothed_labels():
    with pytest.raises(checks.NotYet, match="has become 1; here it is 0.9"):
        checks.repaired_round(round_in_turns, GENERATOR, DISCRIMINATOR, FAULTS[0], real_label=0.9)


def test_a_round_with_faults_beyond_the_list_is_refused():
    with pytest.raises(ValueError, match="other faults"):
        checks.named_faults(
            {1}, lambda *a: round_in_turns(*round_in_turns(*a), *a[2:]), GENERATOR, DISCRIMINATOR
        )


def test_a_round_that_does_nothing_has_no_fault_repaired():
    for fault in FAULTS:
        with pytest.raises(checks.NotYet, match="D has not moved"):
            checks.repaired_round(lambda g, d, *rest: (g, d), GENERATOR, DISCRIMINATOR, fault)


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="fault is one of"):
        checks.repaired_round(round_in_turns, GENERATOR, DISCRIMINATOR, "all")


@pytest.mark.parametrize("check", list(RIGHT), ids=name_of)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        3,
        "text",
        lambda *a: 1 / 0,
        lambda *a: {},
        lambda: 0,
        lambda *a: "x",
        lambda *a: jnp.full(3, jnp.nan),
        lambda *a: [[1], [2, 3]],
        lambda *a: (None, None),
        lambda *a: (None, None, None),
        lambda *a: object(),
    ],
)
def test_nonsense_is_answered_in_a_sentence(check, answer):
    with pytest.raises(checks.NotYet):
        run(check, answer)
