"""The checks of the VAE: right answers pass however they are written, each slip gets its own message."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from scipy.spatial import KDTree

from vaegan_helpers import checks, losses, models
from vaegan_helpers.checks.vae_draw import DRAW_SLIPS

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


def laplace(mean, logvar, key):
    return mean + jnp.exp(0.5 * logvar) * jax.random.laplace(key, mean.shape) / 2**0.5


def cut_off(mean, logvar, key):
    return mean + jnp.exp(0.5 * logvar) * jax.random.truncated_normal(key, -3.0, 3.0, mean.shape)


def again_and_again(mean, logvar, key):
    few = jax.random.normal(key, (50, mean.shape[1]))
    return mean + jnp.exp(0.5 * logvar) * jnp.tile(few, (len(mean) // 50 + 1, 1))[: len(mean)]


def inside_the_networks(model, x, key, beta):
    """Without `encode` and `decoder`: a model is made of networks."""
    mean, logvar = jnp.split(model.encoder.network(x), 2, axis=1)
    logits = model.decoder.network(draw(mean, logvar, key))
    return jnp.mean(-cross_entropy(logits, x).sum(axis=1) + beta * nats(mean, logvar).sum(axis=1))


def picture_by_picture(model, x, key, beta):
    """A loop of Python's over all pictures."""
    mean, logvar = model.encode(x)
    logits = model.decoder(draw(mean, logvar, key))
    total = 0.0
    for i in range(len(x)):
        total += -cross_entropy(logits[i], x[i]).sum() + beta * nats(mean[i], logvar[i]).sum()
    return total / len(x)


def through_numpy(model, x, key, beta):
    mean, logvar = (np.asarray(part) for part in model.encode(x))
    logits = np.asarray(model.decoder(jnp.asarray(draw(mean, logvar, key))))
    return np.mean(
        -np.asarray(cross_entropy(logits, x)).sum(1) + beta * np.asarray(nats(mean, logvar)).sum(1)
    )


def held_back(*parts):
    """The loss, with the gradient of these held back: of the mean, logvar or z."""
    cut = jax.lax.stop_gradient

    def drawn(mean, logvar, key):
        mean, logvar = (
            (cut(mean) if "mean" in parts else mean),
            (cut(logvar) if "logvar" in parts else logvar),
        )
        z = draw(mean, logvar, key)
        return cut(z) if "z" in parts else z

    return P(loss, draw=drawn)


def nearest(codes, points, axis=1):
    return jnp.argmin(jnp.sum((points[:, None] - codes[None]) ** 2, axis=-1), axis=axis)


def shares(codes, labels, points):
    return jnp.bincount(labels[nearest(codes, points)], minlength=10) / len(points)


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
    (checks.kl, lambda m, v: [float(nats(*row).sum()) for row in zip(m, v, strict=True)]),
    (checks.nats_per_latent, lambda m, v: nats(m, v).mean(axis=0)),
    (checks.nats_per_latent, lambda m, v: [float(nats(*row).mean()) for row in zip(m.T, v.T, strict=True)]),
    (checks.log_likelihood, losses.bernoulli_log_likelihood),
    (
        checks.log_likelihood,
        lambda logits, x: jnp.log(
            jax.nn.sigmoid(jnp.where(x > -1, logits, 0)) ** x * (1 - jax.nn.sigmoid(logits)) ** (1 - x)
        ).sum(axis=1),
    ),
    (checks.log_likelihood_far_out, lambda logits, x: (x * logits - jnp.logaddexp(0, logits)).sum(axis=1)),
    (checks.vae_loss, loss),
    (checks.vae_loss, lambda *a: losses.vae_loss(*a)[0]),
    (checks.vae_loss_beta, loss),
    (checks.vae_loss_noise, loss),
    (checks.reparameterise, jax.jit(draw)),
    (checks.gradient_through_noise, jax.jit(draw)),
    (checks.log_likelihood_far_out, jax.jit(losses.bernoulli_log_likelihood)),
    (checks.vae_loss, jax.jit(loss)),
    (checks.vae_loss, nnx.jit(loss)),
    (checks.vae_loss, P(loss, kl=1.0)),
    (checks.vae_loss, inside_the_networks),
    (checks.vae_loss_beta, inside_the_networks),
    (checks.vae_loss_noise, inside_the_networks),
    (checks.vae_loss_noise, nnx.jit(loss)),
    (checks.nearest_label, lambda c, labels, p: labels[nearest(c, p)]),
    (checks.nearest_label, lambda c, labels, p: np.asarray(labels)[KDTree(c).query(p)[1]].tolist()),
    (checks.land, shares),
]


@pytest.mark.parametrize("check, function", RIGHT)
def test_right_answers_pass_whatever_is_drawn(check, function):
    check(function, trials=10)


def test_a_slow_loop_over_all_pictures_passes():
    checks.vae_loss_noise(picture_by_picture, trials=1)


SLIPS = [
    (checks.fresh_noise, laplace, "is it Laplace noise?"),
    (checks.fresh_noise, cut_off, "it is cut off. A normal is not"),
    (checks.fresh_noise, again_and_again, "the same numbers again and again"),
    (
        checks.gradient_through_noise,
        lambda m, v, k: (
            m + jax.lax.stop_gradient(draw(m, v, k) - draw(0 * m, v, k) / 2) + draw(0 * m, v, k) / 2
        ),
        "to the mean|to logvar",
    ),
    (
        checks.vae_loss_beta,
        lambda m, x, k, b: loss(m, x, k, jnp.maximum(b, 1)),
        "a beta below 1 is taken for 1",
    ),
    (checks.vae_loss_beta, lambda m, x, k, b: loss(m, x, k, b or 1.0), "a beta of 0 is taken for 1"),
    (checks.vae_loss_noise, held_back("z"), "nothing reaches the encoder from the reconstruction"),
    (checks.vae_loss_noise, held_back("mean"), "nothing reaches the mean from the reconstruction"),
    (checks.vae_loss_noise, held_back("logvar"), "nothing reaches logvar from the reconstruction"),
    (
        checks.vae_loss_noise,
        P(loss, draw=lambda m, v, k: 0.5 * (draw(m, v, k) + jax.lax.stop_gradient(draw(m, v, k)))),
        "Is a part of it held back",
    ),
    (checks.vae_loss_noise, through_numpy, "Tracer"),
    (checks.reparameterise, lambda m, v, k: m, "the noise is missing"),
    (
        checks.reparameterise,
        lambda m, v, k: m + jnp.exp(v) * jax.random.normal(k, m.shape),
        "the noise is multiplied by the variance;",
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
    (
        checks.log_likelihood_far_out,
        lambda logits, x: jnp.sum(
            x * jnp.log(jax.nn.sigmoid(logits)) + (1 - x) * jnp.log(1 - jax.nn.sigmoid(logits)), axis=1
        ),
        "infinite",
    ),
    (
        checks.log_likelihood_far_out,
        lambda logits, x: jnp.sum(
            x * jnp.log(jnp.clip(jax.nn.sigmoid(logits), 1e-7, 1))
            + (1 - x) * jnp.log(jnp.clip(1 - jax.nn.sigmoid(logits), 1e-7, 1)),
            axis=1,
        ),
        "the probabilities are cut off, at about 1e-07",
    ),
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
    (checks.nearest_label, lambda c, labels, p: labels[nearest(-c, p)], "where it should be"),
]


@pytest.mark.parametrize("check, slip, words", SLIPS)
def test_slips_are_named(check, slip, words):
    for _ in range(3):
        said = message(check, slip)
        assert any(word in said for word in words.split("|")), said


def test_each_slip_of_a_check_has_its_own_message():
    words = [(check, said) for check, _, said in SLIPS]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("sentence, slip", DRAW_SLIPS.items())
def test_each_slip_of_the_draw_is_named(sentence, slip):
    def wrong(mean, logvar, key):
        return slip(mean, logvar, jax.random.normal(key, mean.shape))

    for _ in range(5):
        assert sentence in message(checks.reparameterise, wrong)


@pytest.mark.parametrize(
    "words",
    [
        "the noise is multiplied by the variance;",
        "where the standard deviation is below 1",
        "not scaled by the standard deviation",
        "the mean is missing",
        "logvar is halved twice",
        "the sign of logvar is lost",
        "divided by the standard deviation",
    ],
)
def test_each_slip_of_the_draw_in_the_loss_is_named(words):
    (slip,) = [slip for sentence, slip in DRAW_SLIPS.items() if words in sentence]

    def drawn(mean, logvar, key):
        noise = jax.random.normal(key, mean.shape)
        values = jax.pure_callback(slip, noise, mean, logvar, noise)
        return values

    for _ in range(4):
        message(checks.vae_loss_noise, P(loss, draw=drawn))


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
    checks.training_improves(P(train, rate=1e-2), small, bars(), steps=150, learning_rate=1e-2)
    checks.training_draws_afresh(train, tiny_vae(), bars()[:, 9:15])


def in_place(loss, model, images, key, steps, rate=2e-3):
    """Flax's own way: an optimiser that changes the model that was handed in."""
    optimizer = nnx.Optimizer(model, optax.adam(rate), wrt=nnx.Param)

    @nnx.jit
    def move(model, optimizer, batch, key):
        optimizer.update(model, nnx.grad(loss)(model, batch, key))

    for step in range(steps):
        batch_key, noise_key = jax.random.split(jax.random.fold_in(key, step))
        move(model, optimizer, jnp.asarray(images)[rows_of(batch_key, images)], noise_key)
    return model


def with_donated_buffers(loss, model, images, key, steps):
    optimizer, images = optax.adam(2e-3), jnp.asarray(images)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def move(model, state, key):
        batch_key, noise_key = jax.random.split(key)
        updates, state = optimizer.update(
            jax.grad(loss)(model, images[rows_of(batch_key, images)], noise_key), state
        )
        return optax.apply_updates(model, updates), state

    state = optimizer.init(model)
    for step in range(steps):
        model, state = move(model, state, jax.random.fold_in(key, step))
    return model


def with_raw_keys(loss, model, images, key, steps):
    return train(loss, model, images, jax.random.PRNGKey(jax.random.randint(key, (), 0, 2**30)), steps)


def by_epochs(loss, model, images, key, steps):
    """Every picture once before any comes twice."""
    order_key, key = jax.random.split(key)
    n = len(images) // 64
    order = [
        jax.random.permutation(jax.random.fold_in(order_key, e), len(images)) for e in range(steps // n + 1)
    ]
    batches = jnp.asarray(images)[jnp.concatenate([o[: 64 * n] for o in order])].reshape(
        -1, 64, images.shape[1]
    )
    optimizer = optax.adam(2e-3)

    def move(carry, step):
        model, state = carry
        updates, state = optimizer.update(
            jax.grad(loss)(model, batches[step], jax.random.fold_in(key, step)), state
        )
        return (optax.apply_updates(model, updates), state), None

    return jax.lax.scan(move, (model, optimizer.init(model)), jnp.arange(steps))[0][0]


def rows_of(key, images):
    return jax.random.randint(key, (64,), 0, len(images))


@pytest.mark.parametrize("function", [in_place, with_donated_buffers, with_raw_keys, by_epochs])
def test_other_ways_to_train_pass(function):
    checks.training_draws_afresh(function, tiny_vae(), bars()[:, 9:15])
    small = models.VAE(x_dim=24, hidden_dim=16, hidden_layers=1, key=jax.random.key(0))
    before = jax.tree.map(np.array, small)
    checks.training_improves(P(in_place, rate=1e-2), small, bars(), steps=150, learning_rate=1e-2)
    assert all(map(np.array_equal, jax.tree.leaves(before), jax.tree.leaves(small))), "the model was changed"


def draws_by(rows, noise):
    """A loop with these batches and keys: functions of (key, step, images) and (key, step)."""

    def loop(loss, model, images, key, steps):
        optimizer, images = optax.adam(2e-3), jnp.asarray(images)
        move = jax.jit(lambda m, s, x, k: optimizer.update(jax.grad(loss)(m, x, k), s))
        state = optimizer.init(model)
        for step in range(steps):
            updates, state = move(model, state, images[rows(key, step, images)], noise(key, step))
            model = optax.apply_updates(model, updates)
        return model

    return loop


GLOBAL = np.random.default_rng()


def random_rows(key, step, images):
    return rows_of(jax.random.fold_in(jax.random.fold_in(key, step), 1), images)


def random_noise(key, step):
    return jax.random.fold_in(jax.random.fold_in(key, step), 2)


@pytest.mark.parametrize(
    "rows, noise, words",
    [
        (lambda k, step, x: GLOBAL.integers(0, len(x), 64), random_noise, "though the key is the same"),
        (
            lambda k, step, x: jnp.arange(64) + 20 * step,
            random_noise,
            "in the order in which they are stored",
        ),
        (
            lambda k, step, x: rows_of(jax.random.key(step), x),
            random_noise,
            "the same batches for two keys",
        ),
        (
            lambda k, step, x: rows_of(jax.random.fold_in(k, step), x[: len(x) // 2]),
            random_noise,
            "never draws from 5 tenths of the data",
        ),
        (
            lambda k, step, x: 2 * rows_of(jax.random.fold_in(k, step), x[: len(x) // 2]),
            random_noise,
            "never draws some of the rows, one in 2",
        ),
        (
            lambda k, step, x: rows_of(jax.random.fold_in(k, step), x)[:32],
            random_noise,
            "has batches of [32] pictures; wanted 64",
        ),
        (
            lambda k, step, x: rows_of(jax.random.fold_in(k, step), bars()),
            random_noise,
            "does a number of images stand where `len(images)` should?",
        ),
    ],
)
def test_batches_that_are_not_drawn_with_the_key_are_named(rows, noise, words):
    assert words in message(checks.training_draws_afresh, draws_by(rows, noise), tiny_vae(), bars()[:, 9:15])


def one_key_for_both(loss, model, images, key, steps):
    optimizer, images = optax.adam(2e-3), jnp.asarray(images)
    state = optimizer.init(model)
    for k in jax.random.split(key, steps):
        updates, state = optimizer.update(jax.grad(loss)(model, images[rows_of(k, images)], k), state)
        model = optax.apply_updates(model, updates)
    return model


def test_one_key_for_batch_and_noise_is_named():
    assert "used a key twice: a draw depends on another" in message(
        checks.training_draws_afresh, one_key_for_both, tiny_vae(), bars()[:, 9:15]
    )


def begun_anew(loss, model, images, key, steps):
    optimizer, images = optax.adam(1e-2), jnp.asarray(images)

    @jax.jit
    def move(model, key):
        batch_key, noise_key = jax.random.split(key)
        slopes = jax.grad(loss)(model, images[rows_of(batch_key, images)], noise_key)
        return optax.apply_updates(model, optimizer.update(slopes, optimizer.init(model))[0])

    for k in jax.random.split(key, steps):
        model = move(model, k)
    return model


def by_plain_descent(loss, model, images, key, steps, rate):
    slopes_of = jax.jit(jax.grad(loss))  # once: 150 compilations would take longer than a check waits
    for step in range(steps):
        batch = jnp.asarray(images)[random_rows(key, step, images)]
        slopes = slopes_of(model, batch, random_noise(key, step))
        model = jax.tree.map(lambda w, s: w - rate * s, model, slopes)
    return model


@pytest.mark.parametrize(
    "slip, words",
    [
        (begun_anew, "begins anew with Adam in every step"),
        (
            lambda loss, m, x, k, steps: train(loss, m, x, k, 300, rate=1e-2),
            "steps where 40 are asked for",
        ),
        (P(by_plain_descent, rate=0.05), "goes down the gradient by itself|nats only"),
        (P(train, rate=2e-2), "has the learning rate 0.02; wanted 0.01"),
        (P(train, rate=1.4e-2), "does not go the way of Adam"),
    ],
)
def test_steps_that_are_not_those_of_adam_are_named(slip, words):
    small = models.VAE(x_dim=24, hidden_dim=16, hidden_layers=1, key=jax.random.key(0))
    said = message(checks.training_improves, slip, small, bars(), steps=150, learning_rate=1e-2)
    assert any(word in said for word in words.split("|")), said


# Paths


def lengths_and_angle(start, end):
    lengths = jnp.linalg.norm(start), jnp.linalg.norm(end)
    return *lengths, jnp.arccos(start @ end / (lengths[0] * lengths[1]))


def by_sines(start, end, t):
    a, b, angle = lengths_and_angle(start, end)
    direction = jnp.sin((1 - t) * angle) * start / a + jnp.sin(t * angle) * end / b
    return ((1 - t) * a + t * b) * direction / jnp.sin(angle)


def by_rotation(start, end, t):
    a, b, angle = lengths_and_angle(start, end)
    u = start / a
    across = end / b - (end / b @ u) * u
    return ((1 - t) * a + t * b) * (
        jnp.cos(t * angle) * u + jnp.sin(t * angle) * across / jnp.linalg.norm(across)
    )


@pytest.mark.parametrize("answer", [by_sines, by_rotation])
def test_right_paths_pass(answer):
    checks.spherical(answer, trials=20)


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda start, end, t: jnp.zeros((5, 1)), "has shape"),
        (lambda start, end, t: jnp.full(5, jnp.nan), "not a number"),
        (lambda start, end, t: None, "is there a `return`"),
    ],
)
def test_what_is_no_point_of_a_path_is_said(answer, words):
    assert words in message(checks.spherical, answer)
