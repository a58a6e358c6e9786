"""Second looks: they find what the visible checks of a task let pass, and every right answer passes them."""

import contextlib
import functools
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import test_checks_comparison
import test_checks_gan as gan
import test_checks_modes
import test_checks_vae as vae

from vaegan_helpers import checks, losses
from vaegan_helpers.checks import properties

P = functools.partial
sigmoid = jax.nn.sigmoid
PLAYERS = gan.GENERATOR, gan.DISCRIMINATOR


@pytest.fixture(autouse=True)
def as_a_learner():
    """A learner's kernel has neither setting of the unit tests."""
    with jax.numpy_rank_promotion("allow"), jax.debug_key_reuse(False):
        yield


def clipped(function, largest, place=1):
    """The function, with one of its arguments cut off at plus and minus a number."""

    def wrong(*arguments):
        arguments = list(arguments)
        arguments[place] = jnp.clip(arguments[place], -largest, largest)
        return function(*arguments)

    return wrong


def standardised(noise, floor=1e-6):
    """The noise with mean 0 and standard deviation 1 in every batch: no longer independent."""
    return (noise - noise.mean(axis=0)) / (noise.std(axis=0) + floor)


def draw_of_standardised(mean, logvar, key, floor=1e-6):
    return mean + jnp.exp(0.5 * logvar) * standardised(jax.random.normal(key, mean.shape), floor)


def kl(mean, logvar):
    return vae.nats(mean, logvar).sum(axis=1)


def squeezed(mean, logvar):
    return jnp.squeeze(kl(mean, logvar))


def logarithm_of_a_product(logits, x):
    p = sigmoid(logits)
    return jnp.log(jnp.prod(p**x * (1 - p) ** (1 - x), axis=1))


def without_softplus(logits, x):
    """Right for large logits alone."""
    return (x * logits - jnp.maximum(logits, 0)).sum(axis=1)


def free_bits(nats, axis):
    """The KL of each picture, but half a nat at least."""
    return jnp.maximum(jnp.sum(nats, axis=axis), 0.5)


def draws_of_standardised(data, key, batch_size, z_dim):
    real, *noises = gan.drawn(data, key, batch_size, z_dim)
    return real, *map(standardised, noises)


def ends_half_as_often(data, key, batch_size, z_dim):
    row_key, key = jax.random.split(key)
    _, *noises = gan.drawn(data, key, batch_size, z_dim)
    rows = jnp.round(jax.random.uniform(row_key, (batch_size,)) * (len(data) - 1))
    return data[rows.astype(int)], *noises


def with_slopes_cut_off(step):
    """A step of plain descent, each of whose slopes is cut off at -1 and 1."""

    def wrong(*arguments):
        rate, player = arguments[-1], arguments[0 if step is gan.g_step else 1]
        moved = step(*arguments)
        return jax.tree.map(lambda new, old: old + jnp.clip(new - old, -rate, rate), moved, player)

    return wrong


def round_with_slopes_cut_off(g, d, real, d_noise, g_noise, rate):
    d = with_slopes_cut_off(gan.d_step)(g, d, real, d_noise, rate)
    return with_slopes_cut_off(gan.g_step)(g, d, g_noise, rate), d


def by_expansion(samples, means):
    squares = (samples**2).sum(axis=1)[:, None] + (means**2).sum(axis=1) - 2 * samples @ means.T
    return jnp.sqrt(squares)


def how_many_modes_are_near(samples, means, std):
    return (test_checks_modes.norms(samples, means) <= 3 * std).sum(axis=1)


def without_the_label_of_bad_samples(samples, means, std):
    distance = test_checks_modes.norms(samples, means)
    return len(np.unique(np.where(distance.min(axis=1) <= 3 * std, distance.argmin(axis=1), -1))) - 1


def smoothed(counts):
    return test_checks_modes.kl(np.asarray(counts) + 1e-3)


def search_with_an_end(share, confidence):
    return next(n for n in range(1, 400) if 1 - (1 - share) ** n >= confidence)


def packs_of_five_at_most(x, m):
    return jnp.concatenate([x[i::m] for i in range(5)][:m], axis=1)


def one_of_each_pair(points, key):
    first, second = jnp.split(points, 2)
    changed = jax.random.bernoulli(key, 0.5, (len(first), 1))
    return jnp.where(changed, first, second), jnp.where(changed, second, first)


def by_what_is_not_in_the_other(points, key):
    train = np.asarray(jax.random.permutation(key, points))[: len(points) // 2].tolist()
    return np.array(train), np.array([point for point in np.asarray(points).tolist() if point not in train])


def in_boxes(real, samples):
    """Minus the distance of two histograms whose boxes lie around the origin."""
    edges = [np.linspace(-3, 3, 13)] * 2
    a, b = (np.histogramdd(np.asarray(points), edges)[0] / len(points) for points in (real, samples))
    return -np.abs(a - b).sum() - (1 - b.sum())


def sums_for_means(real, samples):
    """The energy distance of two samples of one size."""

    def distance(a, b):
        return jnp.linalg.norm(a[:, None] - b[None], axis=-1).sum()

    return distance(real, real) + distance(samples, samples) - 2 * distance(real, samples)


NOISE = [checks.reparameterise, checks.fresh_noise, checks.gradient_through_noise]
LOSS = [checks.vae_loss, checks.vae_loss_beta, checks.vae_loss_noise]
SATURATING = P(properties.generator_loss, saturating=True)
AT_5 = P(clipped, largest=5.0)  # of logvar
AT_1E_3 = P(clipped, largest=float(np.log(999)), place=0)  # logits of probabilities from 0.001 to 0.999
D_LOSS = checks.discriminator_loss
PACKS_OF_MORE = P(checks.pack, sizes=[4, 7])
ELSEWHERE = [P(check, elsewhere=True) for check in (checks.score_ranks, checks.score_sees_missing_modes)]


def with_players(check):
    return lambda function: check(function, *PLAYERS)


def with_steep_players(check):
    players = properties.steep(*PLAYERS, factor=3 if check is checks.generator_step else 2)
    return lambda function: check(function, *players, trials=12)


# What all visible checks of a task let pass, and its second look does not: (checks, look, answer, words).
WRONG = [
    (
        [checks.standard_deviation],
        properties.standard_deviation,
        AT_5(lambda logvar: jnp.exp(0.5 * logvar), place=0),
        "far from 0",
    ),
    (NOISE, properties.reparameterise, AT_5(vae.draw), "logvar -6"),
    (NOISE, properties.fresh_noise, draw_of_standardised, "a batch of one"),
    (NOISE, properties.fresh_noise, P(draw_of_standardised, floor=0.0), "not a number (NaN)"),
    ([checks.kl_of_unit_clouds, checks.kl], properties.kl, squeezed, "has shape (); wanted (1,)"),
    (
        [checks.kl_of_unit_clouds, checks.kl],
        P(properties.kl, logvars=[0]),
        squeezed,
        "has shape (); wanted (1,)",
    ),
    ([checks.kl], properties.kl, AT_5(kl), "logvar -12"),
    (
        [checks.nats_per_latent],
        properties.nats_per_latent,
        AT_5(lambda mean, logvar: vae.nats(mean, logvar).mean(axis=0)),
        "logvar -12",
    ),
    (
        [checks.log_likelihood],
        properties.log_likelihood,
        logarithm_of_a_product,
        "is it the logarithm of 0",
    ),
    (
        [checks.log_likelihood_far_out],
        properties.log_likelihood_far_out,
        without_softplus,
        "logits up to 90",
    ),
    (LOSS, properties.vae_loss, P(vae.loss, latents=free_bits), "every cloud the prior"),
    (
        LOSS,
        properties.vae_loss_beta,
        lambda model, x, key, beta: vae.loss(model, x, key, jnp.minimum(beta, 10)),
        "from 0 to 20",
    ),
    (
        [D_LOSS],
        properties.discriminator_loss,
        AT_1E_3(clipped(losses.discriminator_loss, float(np.log(999)))),
        "with the sign of",
    ),
    ([checks.generator_loss], properties.generator_loss, AT_1E_3(losses.generator_loss), "with the sign"),
    (
        [checks.saturating_generator_loss],
        SATURATING,
        AT_1E_3(P(losses.generator_loss, saturating=True)),
        "with the sign",
    ),
    (
        [D_LOSS, checks.large_logits],
        properties.large_logits,
        lambda r, f: (-r + jnp.log1p(jnp.exp(r))).mean() + (f + jnp.log1p(jnp.exp(-f))).mean(),
        "of either sign",
    ),
    (
        [checks.generator_loss, checks.large_logits],
        properties.large_logits,
        lambda f: (-f + jnp.log1p(jnp.exp(f))).mean(),
        "of either sign",
    ),
    ([checks.slopes], properties.slopes, AT_1E_3(gan.SLOPES_RIGHT[0]), "finite differences"),
    ([checks.round_draws], properties.round_draws, draws_of_standardised, "in batches of three"),
    ([checks.round_draws], properties.round_draws, ends_half_as_often, "share of each of three rows"),
    (
        [with_players(checks.discriminator_step)],
        with_steep_players(checks.discriminator_step),
        with_slopes_cut_off(gan.d_step),
        "D's step",
    ),
    (
        [with_players(checks.generator_step)],
        with_steep_players(checks.generator_step),
        with_slopes_cut_off(gan.g_step),
        "G's step",
    ),
    (
        [with_players(checks.one_round)],
        with_steep_players(checks.one_round),
        round_with_slopes_cut_off,
        "after the round",
    ),
    (
        [checks.divergence],
        properties.divergence,
        clipped(clipped(gan.DIVERGENCE_RIGHT[0], 6.0), 6.0, place=0),
        "sure and right",
    ),
    ([checks.distances], properties.distances, by_expansion, "points to themselves"),
    ([checks.high_quality], properties.high_quality, how_many_modes_are_near, "modes close together"),
    (
        [checks.count_modes],
        properties.count_modes,
        without_the_label_of_bad_samples,
        "every sample on a mode",
    ),
    ([checks.reverse_kl_of_all, checks.reverse_kl], properties.reverse_kl, smoothed, "one of 25 modes"),
    ([checks.samples_needed], properties.samples_needed, search_with_an_end, "StopIteration"),
    ([checks.pack], PACKS_OF_MORE, packs_of_five_at_most, "the packs"),
    ([checks.split], properties.split, one_of_each_pair, "4 different first halves"),
    ([checks.split], properties.split, by_what_is_not_in_the_other, "a half has shape"),
    ([checks.score_ranks], ELSEWHERE[0], in_boxes, "the score"),
    ([checks.score_ranks], ELSEWHERE[0], sums_for_means, "ranks wrongly"),
    ([checks.score_sees_missing_modes], ELSEWHERE[1], sums_for_means, "should fall in this order"),
]


@pytest.mark.parametrize("visible, look, answer, words", WRONG)
def test_a_second_look_finds_what_the_visible_checks_let_pass(visible, look, answer, words):
    for check in visible:
        check(answer)
    for _ in range(3):
        with pytest.raises(checks.NotYet) as caught:
            look(answer)
        assert words in str(caught.value)


def right_answers():
    """{check: answers} of the tables of all checks."""
    found = {}
    pairs = vae.RIGHT + test_checks_comparison.RIGHT
    tables = itertools.chain(gan.RIGHT.items(), test_checks_modes.RIGHT.items())
    for check, answer in pairs + [(check, answer) for check, answers in tables for answer in answers]:
        found.setdefault(check, []).append(answer)
    return found


LOOKS = {name: value for name, value in vars(properties).items() if hasattr(value, "__wrapped__")}
RIGHT = [
    pytest.param(look, answer, id=f"{name}_{i}")
    for name, look in LOOKS.items()
    for i, answer in enumerate(right_answers()[getattr(checks, name)])
]
RIGHT += [pytest.param(SATURATING, answer) for answer in gan.SATURATING_RIGHT]
RIGHT += [pytest.param(PACKS_OF_MORE, answer) for answer in test_checks_modes.RIGHT[checks.pack]]
RIGHT += [
    pytest.param(with_steep_players(check), answer)
    for check in gan.WITH_PLAYERS
    for answer in gan.RIGHT[check]
]
RIGHT += [
    pytest.param(look, answer)
    for look in ELSEWHERE
    for check, answer in test_checks_comparison.RIGHT
    if check is look.func
]


@pytest.mark.parametrize("look, answer", RIGHT)
def test_a_right_answer_passes_a_second_look_every_time(look, answer):
    for _ in range(10):  # half a second each: most of it compiles what this look has drawn
        look(answer)


def test_every_second_look_says_what_it_checks():
    for name, look in LOOKS.items():
        assert look.__doc__.startswith("Checks ") and "Args:" in look.__doc__, name
        assert hasattr(checks, name), f"{name} is no check: a look has the name of its check"


@pytest.mark.parametrize("answer", [None, lambda *a: None, lambda *a: "x", lambda *a: 1 / 0, lambda *a: {}])
def test_nonsense_is_answered_in_a_sentence(answer):
    for look in LOOKS.values():
        with pytest.raises(checks.NotYet):
            look(answer)


@pytest.mark.parametrize("number", [1.0, [[1.0]], np.ones((2, 3, 4))])
def test_numbers_of_any_shape_end_in_no_other_error(number):
    for look in LOOKS.values():
        with contextlib.suppress(checks.NotYet):
            look(lambda *a: number)


def test_help_names_the_function_and_every_option():
    for name, look in LOOKS.items():
        first, *options = inspect.signature(look).parameters
        assert first == "function" and all(f"{option}: " in look.__doc__ for option in options), name
