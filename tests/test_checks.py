"""The checks of learners' answers: right ones pass however they are written, each likely slip gets its own message."""

import functools
import inspect
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.spatial import KDTree

from vaegan_helpers import checks, losses, metrics, models, training
from vaegan_helpers.checks import comparison, frame


def message(check, answer, *more, **named):
    """What a check says of a wrong answer."""
    with pytest.raises(checks.NotYet) as caught:
        check(answer, *more, **named)
    return str(caught.value)


# The frame


def forever(*_):
    while True:
        pass


def forever_whatever_happens(*_):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def printing(mean, logvar):
    print("here I am")


ACCIDENTS = [
    (None, "should be a function; it is None"),
    (3.0, "should be a function; it is of type float"),
    (lambda mean, logvar: (_ for _ in ()).throw(NotImplementedError), "not written yet"),
    (lambda mean: mean, "raised TypeError"),
    (lambda mean, logvar: mean @ logvar, "raised"),
    (lambda mean, logvar: undefined_name, "NameError: name 'undefined_name'"),  # noqa: F821
    (lambda mean, logvar: exec("raise SystemExit"), "raised SystemExit"),
    (printing, "returned None: is there a `return`?"),
    (lambda mean, logvar: "12", "of type str"),
    (lambda mean, logvar: {"kl": 1}, "of type dict"),
    (lambda mean, logvar: (mean, logvar), "a tuple of 2"),
    (lambda mean, logvar: jnp.full(len(mean), jnp.nan), "not a number (NaN)"),
    (lambda mean, logvar: jnp.full(len(mean), jnp.inf), "infinite"),
    (lambda mean, logvar: jnp.zeros((len(mean), 17)), "has shape"),
    (lambda mean, logvar: 11 * losses.kl_to_standard_normal(mean, logvar), "11 times too large"),
    (lambda mean, logvar: losses.kl_to_standard_normal(mean, logvar) / 11, "11 times too small"),
    (lambda mean, logvar: losses.kl_to_standard_normal(mean, logvar) + 0.75, "differs by +0.75 everywhere"),
    (lambda mean, logvar: jnp.arange(len(mean)), "where it should be"),
]


@pytest.mark.parametrize("function, words", ACCIDENTS)
def test_accidents_become_messages(function, words):
    assert words in message(checks.kl, function)


@pytest.mark.parametrize("function", [forever, forever_whatever_happens])
def test_a_call_that_never_ends_is_stopped(function, monkeypatch):
    monkeypatch.setattr(frame, "PATIENCE", 0.3)
    start = time.monotonic()
    assert "still running after 0.3 seconds" in message(checks.kl, function)
    assert time.monotonic() - start < 10


def test_the_alarm_is_off_after_a_call(monkeypatch):
    monkeypatch.setattr(frame, "PATIENCE", 0.2)
    checks.standard_deviation(lambda logvar: jnp.exp(logvar / 2), trials=1)
    time.sleep(0.4)


def test_text_on_stderr_is_kept_back(capsys):
    def warning(logvar):
        import sys
        import warnings

        warnings.warn("only a warning")
        print("on stderr", file=sys.stderr)
        return jnp.exp(logvar / 2)

    checks.standard_deviation(warning)
    assert capsys.readouterr() == ("the standard deviation: right\n", "")


def test_a_hint_prints_instead_of_stopping(capsys):
    checks.hint(checks.kl, None)
    checks.hint(checks.kl, lambda mean, logvar: -losses.kl_to_standard_normal(mean, logvar))
    checks.hint(checks.kl, losses.kl_to_standard_normal, trials=1)
    none, wrong, right = capsys.readouterr().out.splitlines()
    assert none == "no answer yet"
    assert wrong.startswith("Not yet. The KL: the sign")
    assert right == "the KL: right"


@pytest.mark.parametrize(
    "given, truth, right",
    [
        (4, 4, True),
        (np.float32(4.004), 4, True),
        (jnp.array([4.0]), 4, True),
        (4.1, 4, False),
        (float("nan"), 4, False),
        ("four", 4, False),
        ([4, 4], 4, False),
        (abs, 4, False),
        ("High ", "high", True),
        ("low", "high", False),
        (1, "high", False),
        (["a", "b"], {"b", "a"}, True),
        ({"a"}, {"b", "a"}, False),
        ("ab", {"b", "a"}, False),
        (3, {"b", "a"}, False),
    ],
)
def test_a_short_answer_is_right_or_gets_its_hint(given, truth, right, capsys):
    checks.answer("the question", given, truth, "Look again.")
    said = capsys.readouterr().out
    assert said == ("the question: right\n" if right else "the question: not yet. Look again.\n")


def test_no_short_answer_is_said_to_be_none_yet(capsys):
    checks.answer("the question", None, 4, "Look again.")
    assert capsys.readouterr().out == "the question: no answer yet\n"


def test_the_tolerance_of_a_short_answer_is_the_callers(capsys):
    checks.answer("the norm", 10.4, 10, "Look again.", 0.5)
    assert capsys.readouterr().out == "the norm: right\n"


def test_a_notebook_shows_the_message_alone():
    assert checks.NotYet("look at the sign")._render_traceback_() == ["Not yet. Look at the sign"]
    lines = checks.NotYet("word " * 50 + "\n    in the line `a`")._render_traceback_()
    assert (
        max(map(len, lines)) <= 95
        and "".join(lines).lower().count("word") == 50
        and lines[-1] == "    in the line `a`"
    )


def test_inputs_are_drawn_afresh():
    seen = []

    def remember(mean, logvar):
        seen.append(np.asarray(mean).tobytes())
        return losses.kl_to_standard_normal(mean, logvar)

    checks.kl(remember, trials=3)
    checks.kl(remember, trials=3)
    assert len(set(seen)) == 6


# The VAE


def nats(mean, logvar):
    return 0.5 * (mean**2 + jnp.exp(logvar) - 1 - logvar)


def draw(mean, logvar, key):
    return mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, mean.shape)


def cross_entropy(logits, x):
    return x * jax.nn.log_sigmoid(logits) + (1 - x) * jax.nn.log_sigmoid(-logits)


def loss(
    model,
    x,
    key,
    beta,
    *,
    rec=1.0,
    kl=1.0,
    reduce=jnp.mean,
    draw=losses.reparameterise,
    decode="decoder",
    pixels=jnp.sum,
    latents=jnp.sum,
):
    """The VAE's loss with a place for each slip."""
    mean, logvar = model.encode(x)
    logits = getattr(model, decode)(draw(mean, logvar, key))
    return reduce(
        -rec * pixels(cross_entropy(logits, x), axis=1) + kl * beta * latents(nats(mean, logvar), axis=1)
    )


def one_noise(mean, logvar, key):
    return mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, (1, mean.shape[1]))


def uniform(mean, logvar, key):
    return mean + jnp.exp(0.5 * logvar) * jax.random.uniform(key, mean.shape)


def nearest(codes, points, axis=1):
    return jnp.argmin(jnp.sum((points[:, None] - codes[None]) ** 2, axis=-1), axis=axis)


def shares(codes, labels, points):
    return jnp.bincount(labels[nearest(codes, points)], minlength=10) / len(points)


P = functools.partial

RIGHT = [
    (checks.standard_deviation, lambda logvar: jnp.exp(0.5 * logvar)),
    (checks.standard_deviation, lambda logvar: np.sqrt(np.exp(logvar))),
    (checks.reparameterise, draw),
    (
        checks.reparameterise,
        lambda m, v, k: m - jnp.exp(v / 2) * jax.random.normal(jax.random.fold_in(k, 3), m.shape),
    ),
    (checks.fresh_noise, draw),
    (checks.fresh_noise, lambda m, v, k: m + jnp.sqrt(jnp.exp(v)) * jax.random.normal(k, m.shape[::-1]).T),
    (checks.gradient_through_noise, draw),
    (checks.kl, losses.kl_to_standard_normal),
    (checks.kl, lambda m, v: [float(nats(*row).sum()) for row in zip(m, v)]),
    (checks.nats_per_latent, lambda m, v: nats(m, v).mean(axis=0)),
    (checks.nats_per_latent, lambda m, v: [float(nats(*row).mean()) for row in zip(m.T, v.T)]),
    (checks.log_likelihood, losses.bernoulli_log_likelihood),
    (
        checks.log_likelihood,
        lambda l, x: jnp.log(
            jax.nn.sigmoid(jnp.where(x > -1, l, 0)) ** x * (1 - jax.nn.sigmoid(l)) ** (1 - x)
        ).sum(axis=1),
    ),
    (checks.log_likelihood_far_out, lambda l, x: (x * l - jnp.logaddexp(0, l)).sum(axis=1)),
    (checks.vae_loss, loss),
    (checks.vae_loss, lambda *a: losses.vae_loss(*a)[0]),
    (checks.vae_loss_beta, loss),
    (checks.vae_loss_noise, loss),
    (checks.nearest_label, lambda c, l, p: l[nearest(c, p)]),
    (checks.nearest_label, lambda c, l, p: np.asarray(l)[KDTree(c).query(p)[1]].tolist()),
    (checks.land, shares),
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
    (checks.standard_deviation, lambda v: jnp.exp(v), "this is the variance"),
    (checks.standard_deviation, lambda v: jnp.exp(2 * v), "square of the variance"),
    (checks.standard_deviation, lambda v: jnp.sqrt(v), "exponential first"),
    (checks.standard_deviation, lambda v: 0.5 * v, "this is its logarithm"),
    (checks.standard_deviation, lambda v: v, "not the standard deviation itself"),
    (checks.reparameterise, lambda m, v, k: m, "the noise is missing"),
    (
        checks.reparameterise,
        lambda m, v, k: m + jnp.exp(v) * jax.random.normal(k, m.shape),
        "multiplied with the variance",
    ),
    (
        checks.reparameterise,
        lambda m, v, k: m + v * jax.random.normal(k, m.shape),
        "take logvar for the standard deviation",
    ),
    (checks.reparameterise, lambda m, v, k: m + jax.random.normal(k, m.shape), "not scaled"),
    (checks.reparameterise, lambda m, v, k: draw(0 * m, v, k), "the mean is missing"),
    (checks.reparameterise, lambda m, v, k: draw(m, -v, k), "divided by the standard deviation"),
    (
        checks.reparameterise,
        lambda m, v, k: m + np.exp(v / 2) * np.random.normal(size=m.shape),
        "though the key does not",
    ),
    (checks.fresh_noise, one_noise, "shared over the batch"),
    (
        checks.fresh_noise,
        lambda m, v, k: m + jnp.exp(v / 2) * jax.random.normal(k, (len(m), 1)),
        "shared over the latents",
    ),
    (checks.fresh_noise, lambda m, v, k: draw(m, v, jax.random.key(0)), "the same for two keys"),
    (checks.fresh_noise, lambda m, v, k: m + np.random.normal(size=m.shape), "though the key is the same"),
    (checks.fresh_noise, uniform, "Is it uniform"),
    (
        checks.fresh_noise,
        lambda m, v, k: m + np.sqrt(3) * (2 * jax.random.uniform(k, m.shape) - 1),
        "not standard normal",
    ),
    (checks.gradient_through_noise, lambda m, v, k: jax.lax.stop_gradient(draw(m, v, k)), "0 everywhere"),
    (checks.gradient_through_noise, lambda m, v, k: draw(jax.lax.stop_gradient(m), v, k), "nothing arrives"),
    (checks.gradient_through_noise, lambda m, v, k: draw(m, jax.lax.stop_gradient(v), k), "every logvar"),
    (checks.gradient_through_noise, lambda m, v, k: np.asarray(m) * 1.0, "raised"),
    (checks.kl, lambda m, v: -nats(m, v).sum(axis=1), "the sign"),
    (checks.kl, lambda m, v: 2 * nats(m, v).sum(axis=1), "2.0 times too large"),
    (checks.kl, nats, "one number for each latent"),
    (checks.kl, lambda m, v: nats(m, v).mean(axis=1), "do not average them"),
    (checks.kl, lambda m, v: nats(m, v).sum(), "did you sum over the batch?"),
    (checks.kl, lambda m, v: nats(m, v).sum(axis=1).mean(), "did you average over the batch?"),
    (checks.kl, lambda m, v: nats(m, v).mean(), "mean over everything"),
    (checks.kl, lambda m, v: nats(m, v).sum(axis=0), "summed over the batch, axis 0"),
    (checks.kl, lambda m, v: nats(m, 2 * v).sum(axis=1), "for that of the standard deviation"),
    (
        checks.kl,
        lambda m, v: 0.5 * jnp.sum(m**2 + v**2 - 1 - jnp.log(v**2), axis=1),
        "for the standard deviation itself",
    ),
    (checks.kl, lambda m, v: 0.5 * jnp.sum(m**2 + jnp.exp(v) - v, axis=1), "the 1 of each latent"),
    (checks.kl, lambda m, v: 0.5 * jnp.sum(m**2 + jnp.exp(v) - 1 + v, axis=1), "is subtracted"),
    (checks.kl, lambda m, v: nats(0 * m, v).sum(axis=1), "squared means are missing"),
    (checks.kl, lambda m, v: 0.5 * jnp.sum(m + jnp.exp(v) - 1 - v, axis=1), "count squared"),
    (checks.kl, lambda m, v: 0.5 * jnp.sum((1 + m**2) * jnp.exp(-v) - 1 + v, axis=1), "the other direction"),
    (checks.nats_per_latent, lambda m, v: nats(m, v).sum(axis=0), "do not sum"),
    (checks.nats_per_latent, lambda m, v: nats(m, v).sum(axis=1), "one number for each picture"),
    (checks.nats_per_latent, nats, "each picture and latent"),
    (checks.nats_per_latent, lambda m, v: nats(m, v).mean(), "one number for everything"),
    (
        checks.nats_per_latent,
        lambda m, v: nats(m.mean(axis=0), v.mean(axis=0)),
        "the KL of an average is smaller",
    ),
    (checks.log_likelihood, lambda l, x: -cross_entropy(l, x).sum(axis=1), "this is the surprise"),
    (
        checks.log_likelihood,
        lambda l, x: jnp.sum(x * jnp.log(l) + (1 - x) * jnp.log(1 - l), axis=1),
        "logits for probabilities",
    ),
    (checks.log_likelihood, lambda l, x: cross_entropy(jax.nn.sigmoid(l), x).sum(axis=1), "two sigmoids"),
    (checks.log_likelihood, lambda l, x: (x * jax.nn.log_sigmoid(l)).sum(axis=1), "the half for paper"),
    (checks.log_likelihood, lambda l, x: ((1 - x) * jax.nn.log_sigmoid(-l)).sum(axis=1), "the half for ink"),
    (checks.log_likelihood, lambda l, x: cross_entropy(-l, x).sum(axis=1), "are exchanged"),
    (
        checks.log_likelihood,
        lambda l, x: cross_entropy(l, x).mean(axis=1),
        "sum over the pixels, do not average",
    ),
    (checks.log_likelihood, cross_entropy, "one number for each pixel"),
    (checks.log_likelihood, lambda l, x: cross_entropy(l, x).sum(), "did you sum over the batch?"),
    (
        checks.log_likelihood,
        lambda l, x: cross_entropy(l, x).sum(axis=1).mean(),
        "did you average over the batch?",
    ),
    (checks.log_likelihood, lambda l, x: -jnp.sum((x - jax.nn.sigmoid(l)) ** 2, axis=1), "squared error"),
    (
        checks.log_likelihood_far_out,
        lambda l, x: jnp.sum(
            x * jnp.log(jax.nn.sigmoid(l)) + (1 - x) * jnp.log(1 - jax.nn.sigmoid(l)), axis=1
        ),
        "infinite",
    ),
    (
        checks.log_likelihood_far_out,
        lambda l, x: jnp.sum(
            x * jnp.log(jnp.clip(jax.nn.sigmoid(l), 1e-7, 1))
            + (1 - x) * jnp.log(jnp.clip(1 - jax.nn.sigmoid(l), 1e-7, 1)),
            axis=1,
        ),
        "where it should be|differs by",
    ),
    (checks.vae_loss, P(loss, rec=-1, kl=-1), "the ELBO itself"),
    (checks.vae_loss, P(loss, kl=-1), "the KL is added to the surprise"),
    (checks.vae_loss, P(loss, rec=-1), "log-likelihood has the wrong sign"),
    (checks.vae_loss, P(loss, reduce=jnp.sum), "did you sum over the batch?"),
    (checks.vae_loss, P(loss, reduce=lambda x: x), "one number for each picture"),
    (checks.vae_loss, P(loss, kl=0), "the KL is missing"),
    (checks.vae_loss, P(loss, rec=0), "the reconstruction is missing"),
    (checks.vae_loss, P(loss, latents=jnp.mean), "averaged over the latents"),
    (checks.vae_loss, P(loss, pixels=jnp.mean), "averaged over the pixels"),
    (checks.vae_loss, P(loss, decode="decode"), "probabilities for logits"),
    (checks.vae_loss, P(loss, kl=0.5), "one half stands there twice"),
    (checks.vae_loss, P(loss, kl=2), "one half is missing"),
    (checks.vae_loss_beta, lambda m, x, k, b: loss(m, x, k, 1.0), "beta is not used"),
    (checks.vae_loss_beta, lambda m, x, k, b: loss(m, x, k, 1.0, rec=b), "beta stands on the reconstruction"),
    (checks.vae_loss_beta, lambda m, x, k, b: b * loss(m, x, k, 1.0), "on the whole loss"),
    (checks.vae_loss_beta, lambda m, x, k, b: loss(m, x, k, 1 / b), "the KL is divided by beta"),
    (checks.vae_loss_beta, lambda m, x, k, b: loss(m, x, k, b**2), "stands there twice"),
    (checks.vae_loss_noise, P(loss, draw=lambda m, v, k: m), "Is the mean decoded?"),
    (checks.vae_loss_noise, P(loss, draw=one_noise), "one noise shared over the batch"),
    (
        checks.vae_loss_noise,
        P(loss, draw=lambda m, v, k: m + np.random.normal(size=m.shape)),
        "though the key does not",
    ),
    (checks.nearest_label, lambda c, l, p: nearest(c, p), "not its label"),
    (checks.nearest_label, lambda c, l, p: l[nearest(-c, p)], "where it should be"),
    (checks.nearest_label, lambda c, l, p: l[nearest(c[:, :1], p[:, :1])], "only the first coordinate"),
    (
        checks.nearest_label,
        lambda c, l, p: l[jnp.argmax(jnp.sum((p[:, None] - c[None]) ** 2, -1), 1)],
        "farthest",
    ),
    (
        checks.nearest_label,
        lambda c, l, p: l[jnp.argmin(jnp.sum(p[:, None] - c[None], -1), 1)],
        "with a sign cancel",
    ),
    (checks.land, lambda c, l, p: shares(c, l, p) * len(p), "these are counts. Divide"),
    (checks.land, lambda c, l, p: shares(c, l, p) * len(p) / len(l), "not by that of the codes"),
    (
        checks.land,
        lambda c, l, p: jnp.bincount(l, minlength=10) / len(l),
        "share of each class among the codes",
    ),
    (
        checks.land,
        lambda c, l, p: np.unique(l[nearest(c, p)], return_counts=True)[1] / len(p),
        "only the classes that were met",
    ),
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
    (checks.spread, lambda s: (s.mean(axis=0), s.std(axis=0)), "divide by n - 1"),
    (
        checks.spread,
        lambda s: (s.mean(axis=0), s.var(axis=0, ddof=1)),
        "this is the variance: take its square root.",
    ),
    (checks.spread, lambda s: (s.mean(axis=0), s.std(axis=0, ddof=1) / len(s) ** 0.5), "standard error"),
    (checks.spread, lambda s: (s.mean(axis=1), s.std(axis=1)), "for each seed"),
    (checks.spread, lambda s: (s.mean(), s.std()), "for both models"),
    (checks.difference, lambda s: (jnp.mean(s[:, 1] - s[:, 0]), 1.0), "VAE minus GAN"),
    (
        checks.difference,
        lambda s: (jnp.mean(s[:, 0] - s[:, 1]), jnp.std(s[:, 0] - s[:, 1], ddof=1)),
        "spread of the differences",
    ),
    (
        checks.difference,
        lambda s: (jnp.mean(s[:, 0] - s[:, 1]), jnp.std(s[:, 0] - s[:, 1]) / len(s) ** 0.5),
        "ddof=1",
    ),
    (
        checks.difference,
        lambda s: (jnp.mean(s[:, 0] - s[:, 1]), jnp.sqrt(s.var(axis=0, ddof=1).sum() / len(s))),
        "within each seed",
    ),
]


@pytest.fixture(scope="module")
def loose():
    """Learners' code runs with JAX's own settings, not with the strict ones of the tests."""
    with jax.numpy_rank_promotion("allow"), jax.debug_key_reuse(False):
        yield


@pytest.mark.parametrize("check, slip, words", SLIPS)
def test_slips_are_named(check, slip, words, loose):
    for _ in range(3):
        said = message(check, slip)
        assert any(word in said for word in words.split("|")), said


def test_each_slip_of_a_check_has_its_own_message():
    words = [(check, said) for check, _, said in SLIPS]
    assert len(words) == len(set(words))


# Training


def train(loss, model, images, key, steps, *, rate=2e-3, same_batch=False, same_noise=False, own_key=False):
    optimizer, images = optax.adam(rate), jnp.asarray(images)
    if own_key:
        key = jax.random.key(0)

    @jax.jit
    def move(model, state, batch_key, noise_key):
        batch = images[jax.random.randint(batch_key, (64,), 0, len(images))]
        updates, state = optimizer.update(jax.grad(loss)(model, batch, noise_key), state)
        return optax.apply_updates(model, updates), state

    state = optimizer.init(model)
    for step in range(steps):
        batch_key, noise_key = jax.random.split(jax.random.fold_in(key, step))
        model, state = move(
            model,
            state,
            jax.random.key(1) if same_batch else batch_key,
            jax.random.key(2) if same_noise else noise_key,
        )
    return model


def tiny_vae():
    return models.VAE(x_dim=6, hidden_dim=8, hidden_layers=0, key=jax.random.key(0))


def bars(n=300):
    """Pictures of 24 pixels: a half of them inked, the first or the second."""
    left = np.random.default_rng(0).integers(0, 2, (n, 1))
    return np.float32(np.repeat(np.concatenate([left, 1 - left], axis=1), 12, axis=1))


@pytest.mark.parametrize(
    "slip, words",
    [
        (P(train, rate=-2e-2), "going up the gradient"),
        (lambda loss, model, images, key, steps: model, "returned the model that went in"),
        (lambda loss, model, images, key, steps: train(loss, model, images, key, 1), "Are all steps made"),
        (lambda *a: train(*a) and None, "is there a `return`?"),
        (lambda *a: (train(*a), 0.0), "a tuple of 2"),
        (P(train, rate=float("nan")), "learning rate too large"),
    ],
)
def test_slips_of_a_training_loop_are_named(slip, words):
    small = models.VAE(x_dim=24, hidden_dim=16, hidden_layers=1, key=jax.random.key(0))
    assert words in message(checks.training_improves, slip, small, bars(), steps=60)


@pytest.mark.parametrize(
    "slip, words",
    [
        (P(train, same_batch=True), "1 different batches in 12 steps"),
        (P(train, same_noise=True), "used a key twice: 1 different keys"),
        (P(train, own_key=True), "the same model for two keys"),
        (
            lambda loss, model, images, key, steps: train(loss, model, images, key, 5),
            "12 steps and took the loss 5 times",
        ),
        (
            lambda loss, *rest: train(lambda model, x, key: losses.vae_loss(model, x, key)[0], *rest),
            "never called the loss",
        ),
    ],
)
def test_a_training_loop_that_repeats_itself_is_told_so(slip, words):
    assert words in message(checks.training_draws_afresh, slip, tiny_vae(), bars()[:, 9:15])


def test_right_training_loops_pass():
    small = models.VAE(x_dim=24, hidden_dim=16, hidden_layers=1, key=jax.random.key(0))
    checks.training_improves(P(train, rate=1e-2), small, bars(), steps=150)
    checks.training_draws_afresh(train, tiny_vae(), bars()[:, 9:15])


# The comparison


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
        assert comparison.DEFAULT_BATCH[name] == inspect.signature(function).parameters["batch_size"].default
