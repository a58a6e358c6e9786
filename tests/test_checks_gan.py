"""Each likely slip about the GAN gets its own message, and right answers written in other ways pass."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vaegan_helpers import checks, losses, models

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
    (lambda r, f: -jnp.log(r).mean() - jnp.log(1 - f).mean(), "logits were taken for probabilities"),
    (
        lambda r, f: -jnp.log(jnp.abs(r)).mean() - jnp.log(jnp.abs(1 - f)).mean(),
        "logits were taken for probabilities",
    ),
    (lambda r, f: softplus(-sigmoid(r)).mean() + softplus(sigmoid(f)).mean(), "sigmoid was taken twice"),
    (lambda r, f: log_sigmoid(r).mean() + log_sigmoid(-f).mean(), "sign is the wrong way round"),
    (lambda r, f: losses.discriminator_loss(f, r), "real and generated are exchanged"),
    (lambda r, f: softplus(r).mean() + softplus(-f).mean(), "real and generated are exchanged"),
    (lambda r, f: softplus(-r).mean() - softplus(f).mean(), "log(1 - D(G(z))) has the wrong sign"),
    (lambda r, f: -softplus(-r).mean() + softplus(f).mean(), "log D(x) has the wrong sign"),
    (lambda r, f: softplus(-r).mean() + softplus(-f).mean(), "D is rewarded"),
    (lambda r, f: softplus(-r).mean(), "-log(1 - D(G(z))), is missing"),
    (lambda r, f: softplus(f).mean(), "-log D(x), is missing"),
    (lambda r, f: by_labels(r, f) / 2, "Both means count fully"),
    (lambda r, f: softplus(-r).sum() + softplus(f).sum(), "average, do not sum"),
    (lambda r, f: softplus(-r) + softplus(f), "average over the batch"),
    (lambda r, f: jnp.concatenate([softplus(-r), softplus(f)]), "average over each batch"),
    (lambda r, f: -jnp.log2(sigmoid(r)).mean() - jnp.log2(1 - sigmoid(f)).mean(), "base 2"),
    (lambda r, f: jnp.nan, "not a number"),
    (lambda r, f: None, "is there a `return`"),
]

G_LOSS_RIGHT = [
    losses.generator_loss,
    lambda f: -log_sigmoid(f).mean(),
    lambda f: -jnp.log(sigmoid(f)).mean(),
    lambda f: cross_entropy(f, jnp.ones(len(f))).mean(),
    lambda f: jnp.logaddexp(0.0, -f).mean(),
]

G_LOSS_SLIPS = [
    (lambda f: -jnp.log(f).mean(), "logits were taken for probabilities"),
    (lambda f: softplus(-sigmoid(f)).mean(), "sigmoid was taken twice"),
    (lambda f: jnp.log(1 - sigmoid(f)).mean(), "this is the saturating loss"),
    (lambda f: log_sigmoid(f).mean(), "sign is the wrong way round"),
    (lambda f: cross_entropy(f, jnp.zeros(len(f))).mean(), "D's part of the loss"),
    (lambda f: softplus(-f).sum(), "average, do not sum"),
    (lambda f: softplus(-f), "average over the batch"),
    (lambda f: softplus(-f)[:, None], "average over the batch"),
    (lambda f: softplus(-f).mean() / jnp.log(2), "base 2"),
]

SATURATING_RIGHT = [
    functools.partial(losses.generator_loss, saturating=True),
    lambda f: jnp.log(1 - sigmoid(f)).mean(),
    lambda f: -cross_entropy(f, jnp.zeros(len(f))).mean(),
    lambda f: log_sigmoid(-f).mean(),
]

SATURATING_SLIPS = [
    (lambda f: jnp.log(1 - f).mean(), "logits were taken for probabilities"),
    (lambda f: jnp.log(1 - sigmoid(sigmoid(f))).mean(), "sigmoid was taken twice"),
    (losses.generator_loss, "this is the non-saturating loss"),
    (lambda f: softplus(f).mean(), "this is D's part of the game"),
    (lambda f: log_sigmoid(f).mean(), "which G would want to be large"),
    (lambda f: -softplus(f).sum(), "average, do not sum"),
    (lambda f: -softplus(f), "average over the batch"),
]

LARGE_RIGHT = [
    losses.discriminator_loss,
    losses.generator_loss,
    by_labels,
    by_loop,
    lambda f: -log_sigmoid(f).mean(),
    lambda f: jnp.logaddexp(0.0, -f).mean(),
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
    lambda l: (-sigmoid(l), -(1 - sigmoid(l))),
    lambda l: (
        jax.vmap(jax.grad(lambda one: jnp.log(1 - sigmoid(one))))(l),
        jax.vmap(jax.grad(lambda one: softplus(-one)))(l),
    ),
    lambda l: [
        jax.grad(lambda x: -softplus(x).sum())(l),
        jnp.array([jax.grad(lambda x: softplus(-x))(x) for x in l]),
    ],
]

SLOPES_SLIPS = [
    (lambda l: (sigmoid(l) - 1, -sigmoid(l)), "exchanged"),
    (lambda l: (sigmoid(l), 1 - sigmoid(l)), "sign is the wrong way round"),
    (
        lambda l: (jax.grad(lambda x: -softplus(x).mean())(l), jax.grad(lambda x: softplus(-x).mean())(l)),
        "divided by the batch",
    ),
    (lambda l: (-1 / (1 - sigmoid(l)), -1 / sigmoid(l)), "the derivative by D"),
    (lambda l: (-sigmoid(l).mean(), -(1 - sigmoid(l)).mean()), "one number for the batch"),
    (lambda l: -sigmoid(l), "wanted 2 things"),
]

DIVERGENCE_RIGHT = [
    lambda r, f: jnp.log(2.0) - losses.discriminator_loss(r, f) / 2,
    lambda r, f: 0.5 * (jnp.log(2 * sigmoid(r)).mean() + jnp.log(2 * (1 - sigmoid(f))).mean()),
]

DIVERGENCE_SLIPS = [
    (lambda r, f: losses.discriminator_loss(r, f) / 2 - jnp.log(2), "sign is the wrong way round"),
    (lambda r, f: 2 * jnp.log(2) - losses.discriminator_loss(r, f), "twice the divergence"),
    (lambda r, f: -losses.discriminator_loss(r, f) / 2, "log 2 is missing"),
    (lambda r, f: losses.discriminator_loss(r, f) / 2 + jnp.log(2), "minus D's loss"),
    (lambda r, f: jnp.log(2) - losses.discriminator_loss(r, f), "half of D's loss"),
    (lambda r, f: 1 - losses.discriminator_loss(r, f) / 2 / jnp.log(2), "in bits"),
]

BEST_SLIPS = [
    (lambda p, q: q / (p + q), "exchanged"),
    (lambda p, q: p / q, "ratio"),
]

SMOOTHED_SLIPS = [
    (lambda p, q, s: p / (p + q), "without smoothing"),
    (lambda p, q, s: (1 - s) * p / ((1 - s) * p + q), "below the line"),
    (lambda p, q, s: p / (p + q) - s, "multiply by 1 - s"),
]


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


DRAWS_RIGHT = [drawn, drawn_one_by_one, drawn_at_once, jax.jit(drawn, static_argnums=(2, 3))]

DRAWS_SLIPS = [
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
    for layer, slope in zip(g.network.layers, for_g.network.layers):
        layer.kernel[...] = layer.kernel[...] - rate * slope.kernel[...]
    return descend(d, for_d, rate)


D_STEP_RIGHT = [d_step, d_step_by_sgd, d_step_in_batches]

D_STEP_SLIPS = [
    (lambda g, d, real, noise, rate: d, "nothing has moved"),
    (lambda *a: d_step(*a, sign=-1), "uphill"),
    (lambda *a: d_step(*a[:4], 1.0), "learning rate is missing"),
    (
        lambda g, d, real, noise, rate: jax.grad(lambda d: losses.discriminator_loss(d(real), d(g(noise))))(
            d
        ),
        "these are the gradients",
    ),
    (lambda *a: d_step(*a, loss=lambda r, f: losses.discriminator_loss(f, r)), "exchanged"),
    (lambda *a: d_step(*a, loss=lambda r, f: losses.generator_loss(f)), "downhill on G's loss"),
    (lambda *a: d_step(*a, loss=lambda r, f: softplus(-r).mean()), "only the real data counts"),
    (lambda *a: d_step(*a, loss=lambda r, f: softplus(f).mean()), "only the generated data counts"),
    (lambda *a: d_step(*a, loss=lambda r, f: by_labels(r, f) / 2), "2 times too small"),
    (lambda *a: d_step(*a, loss=lambda r, f: softplus(-r).sum() + softplus(f).sum()), "sum taken for a mean"),
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


G_STEP_RIGHT = [g_step, g_step_by_sgd, g_step_by_chain_rule]

G_STEP_SLIPS = [
    (
        lambda g, d, noise, rate: descend(
            g, jax.grad(lambda g: losses.generator_loss(d(jax.lax.stop_gradient(g(noise)))))(g), rate
        ),
        "no gradient arrives",
    ),
    (lambda g, d, noise, rate: g, "no gradient arrives"),
    (lambda *a: g_step(*a, sign=-1), "uphill"),
    (lambda *a: g_step(*a[:3], 1.0), "learning rate is missing"),
    (lambda *a: g_step(*a, loss=lambda f: -softplus(f).mean()), "a step on the saturating loss"),
    (lambda *a: g_step(*a, loss=lambda f: softplus(f).mean()), "G helps D"),
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


def round_leaking(g, d, real, d_noise, g_noise, rate, own=True):
    def both(players):
        return losses.discriminator_loss(players[1](real), players[1](players[0](d_noise)))

    slopes = jax.grad(both)((g, d))
    new_d = descend(d, slopes[1], rate)
    # both steps from the same G: the leak is exactly what is added
    moved = g_step(g, new_d, g_noise, rate) if own else g
    return descend(moved, slopes[0], rate), new_d


def round_g_first(g, d, real, d_noise, g_noise, rate):
    g = g_step(g, d, g_noise, rate)
    return g, d_step(g, d, real, d_noise, rate)


ROUND_RIGHT = [round_in_turns, round_by_other_steps, jax.jit(round_in_turns)]

ROUND_SLIPS = [
    (lambda *a: round_in_turns(*a)[::-1], "wrong order"),
    (lambda *a: (g_step(a[0], a[1], a[4], a[5]), d_step(*a[:4], a[5])), "answered the old D"),
    (round_g_first, "G moved first"),
    (lambda *a: round_in_turns(*a[:4], a[3], a[5]), "G moved with D's noise"),
    (lambda *a: round_in_turns(*a[:3], a[4], a[4], a[5]), "D saw the samples of G's noise"),
    (round_leaking, "leaks into G"),
    (functools.partial(round_leaking, own=False), "on D's loss, and not on its own"),
    (lambda g, d, real, d_noise, g_noise, rate: (g, d_step(g, d, real, d_noise, rate)), "G has not moved"),
    (lambda g, d, real, d_noise, g_noise, rate: (g_step(g, d, g_noise, rate), d), "D has not moved"),
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
WITH_PLAYERS = {checks.discriminator_step, checks.generator_step, checks.one_round}


def run(check, answer):
    check(answer, *((GENERATOR, DISCRIMINATOR) if check in WITH_PLAYERS else ()))


def table(of):
    return [
        pytest.param(check, *np.atleast_1d(np.array(case, object)), id=f"{check.__name__}_{i}")
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
    assert words in str(caught.value)


@pytest.mark.parametrize("check, answer", table(RIGHT))
def test_a_right_answer_passes_however_it_is_written(check, answer, capsys):
    run(check, answer)
    assert capsys.readouterr().out.endswith(": right\n")


@pytest.mark.parametrize("check", [c for c in RIGHT if c not in WITH_PLAYERS], ids=lambda c: c.__name__)
def test_a_right_answer_passes_every_time(check):
    for answer in RIGHT[check][:2]:
        check(answer, trials=40)


@pytest.mark.parametrize("check", WITH_PLAYERS, ids=lambda c: c.__name__)
def test_a_right_step_passes_every_time(check):
    check(RIGHT[check][0], GENERATOR, DISCRIMINATOR, trials=10)


@pytest.mark.parametrize("answer, words", [(a, w) for a, w in SMOOTHED_SLIPS])
def test_a_slip_about_smoothing_gets_its_message(answer, words):
    with pytest.raises(checks.NotYet, match=words):
        checks.best_discriminator(answer, smoothing=True)


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


@pytest.mark.parametrize(
    "left",
    [(), FAULTS[:1], FAULTS[1:2], FAULTS[2:], FAULTS[:2], FAULTS[::2], FAULTS[1:], FAULTS],
    ids=lambda left: f"{len(left)}_left",
)
def test_each_fault_is_judged_by_itself(left):
    answer = functools.partial(broken_round, faults=left)
    for fault in FAULTS:
        if fault in left:
            with pytest.raises(checks.NotYet):
                checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, fault, trials=4)
        else:
            checks.repaired_round(answer, GENERATOR, DISCRIMINATOR, fault, trials=4)


def test_a_round_that_does_nothing_has_no_fault_repaired():
    for fault in FAULTS:
        with pytest.raises(checks.NotYet, match="D has not moved"):
            checks.repaired_round(lambda g, d, *rest: (g, d), GENERATOR, DISCRIMINATOR, fault)


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="fault is one of"):
        checks.repaired_round(round_in_turns, GENERATOR, DISCRIMINATOR, "all")


@pytest.mark.parametrize("check", list(RIGHT), ids=lambda c: c.__name__)
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
