"""Checks of what a learner writes about the losses of the GAN; `rounds` holds those of its moves."""

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    compare,
    numbers,
    passed,
    require_shape,
    told_apart,
)

MEANS_OVER_THE_BATCH = "one number for the batch"
BATCHES = (6, 9)  # few sizes, since each is compiled anew


def _softplus(x):
    return np.logaddexp(0, x)


def _sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def _log(x):
    with np.errstate(all="ignore"):
        return np.log(x)


def _logits(rng, trial, batch):
    """Logits; in the first trial they lie in (0, 1), where even their logarithms exist and tell a slip exactly."""
    return np.float32(rng.uniform(0.05, 0.95, batch) if trial == 0 else rng.normal(0, 2, batch))


def _reductions(each):
    """What other ways to reduce a loss of each example give, each with its sentence."""
    batch = len(each)
    return [
        (
            each.sum(),
            f"it is {batch}.0 times too large, and the batch has {batch} examples: average, do not sum.",
        ),
        (each, "this is one number for each example: average over the batch."),
        (each[:, None], "this is one number for each example: average over the batch."),
        (each.mean() / np.log(2), "the logarithm is to the base 2. Take the natural one, `jnp.log`."),
    ]


def discriminator_loss(function, trials=4):
    """Checks a `discriminator_loss(real_logits, fake_logits)` that gives -mean log D(x) - mean log(1 - D(G(z))).

    Args:
      function: takes logits on real and on generated data, (batch,) each, returns one number.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "D's loss"
    for trial, rng in enumerate(cases(trials)):
        real, fake, truth, slips = _d_loss_case(rng, trial)
        compare(
            name,
            call(name, function, jnp.asarray(real), jnp.asarray(fake)),
            truth,
            slips,
            meaning=MEANS_OVER_THE_BATCH,
        )
    passed(name)


def _d_loss_case(rng, trial):
    """Logits on which D's loss and its slips differ: (real, fake, truth, slips)."""
    batch = int(rng.choice(BATCHES))
    while True:
        real, fake = _logits(rng, trial, batch), _logits(rng, trial, batch)
        on_real, on_fake = _softplus(-real), _softplus(fake)
        truth = float(losses.discriminator_loss(jnp.asarray(real), jnp.asarray(fake)))
        half = "it is half of what was asked. Both means count fully: a mean over the two batches together divides by two."
        slips = [
            (
                -_log(real).mean() - _log(1 - fake).mean(),
                "the logits were taken for probabilities: D is the sigmoid of the logit."
                + (" (The logarithm of a negative number is NaN.)" if trial else ""),
            ),
            (
                _softplus(-_sigmoid(real)).mean() + _softplus(_sigmoid(fake)).mean(),
                "the sigmoid was taken twice: the function gets logits, and so does a cross-entropy that takes logits.",
            ),
            (-truth, "the sign is the wrong way round. The loss is minimised, and it is never negative."),
            (
                _softplus(real).mean() + _softplus(-fake).mean(),
                "real and generated are exchanged: log D belongs to the real data, log(1 - D) to the generated. "
                "The label of real data is 1.",
            ),
            (
                on_real.mean() - on_fake.mean(),
                "log(1 - D(G(z))) has the wrong sign: both terms count with a minus.",
            ),
            (on_fake.mean() - on_real.mean(), "log D(x) has the wrong sign: both terms count with a minus."),
            (
                on_real.mean() + _softplus(-fake).mean(),
                "D is rewarded for taking generated data for real: its part is log(1 - D(G(z))), not log D(G(z)).",
            ),
            (on_real.mean(), "the term of the generated data, -log(1 - D(G(z))), is missing."),
            (on_fake.mean(), "the term of the real data, -log D(x), is missing."),
            (truth / 2, half),
            *_reductions(on_real + on_fake),
            (
                np.concatenate([on_real, on_fake]),
                "this is one number for each example: average over each batch.",
            ),
        ]
        if told_apart(truth, slips):
            return real, fake, truth, slips


def generator_loss(function, trials=4):
    """Checks a `generator_loss(fake_logits)` that gives the non-saturating -mean log D(G(z)).

    Args:
      function: takes logits on generated data, (batch,), returns one number.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "G's loss"
    for trial, rng in enumerate(cases(trials)):
        while True:
            fake = _logits(rng, trial, int(rng.choice(BATCHES)))
            truth = float(losses.generator_loss(jnp.asarray(fake)))
            slips = [
                (
                    -_log(fake).mean(),
                    "the logits were taken for probabilities: D is the sigmoid of the logit."
                    + (" (The logarithm of a negative number is NaN.)" if trial else ""),
                ),
                (_softplus(-_sigmoid(fake)).mean(), "the sigmoid was taken twice."),
                (
                    -_softplus(fake).mean(),
                    "this is the saturating loss, mean log(1 - D(G(z))). Here -mean log D(G(z)) was asked for.",
                ),
                (-truth, "the sign is the wrong way round: as it stands, G would learn to be caught."),
                (
                    _softplus(fake).mean(),
                    "this is D's part of the loss, -mean log(1 - D(G(z))), with the label of generated data. "
                    "G wants its data to be taken for real: label 1.",
                ),
                *_reductions(_softplus(-fake)),
            ]
            if told_apart(truth, slips):
                break
        compare(name, call(name, function, jnp.asarray(fake)), truth, slips, meaning=MEANS_OVER_THE_BATCH)
    passed(name)


def saturating_generator_loss(function, trials=4):
    """Checks a `saturating_generator_loss(fake_logits)` that gives mean log(1 - D(G(z))).

    Args:
      function: takes logits on generated data, (batch,), returns one number.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "G's saturating loss"
    for trial, rng in enumerate(cases(trials)):
        while True:
            fake = _logits(rng, trial, int(rng.choice(BATCHES)))
            truth = float(losses.generator_loss(jnp.asarray(fake), saturating=True))
            slips = [
                (
                    _log(1 - fake).mean(),
                    "the logits were taken for probabilities: D is the sigmoid of the logit."
                    + (" (The logarithm of a negative number is NaN.)" if trial else ""),
                ),
                (-_softplus(_sigmoid(fake)).mean(), "the sigmoid was taken twice."),
                (
                    _softplus(-fake).mean(),
                    "this is the non-saturating loss, -mean log D(G(z)). Here mean log(1 - D(G(z))) was asked for.",
                ),
                (
                    -truth,
                    "the sign is the wrong way round: this is D's part of the game, and G minimises its opposite.",
                ),
                (-_softplus(-fake).mean(), "this is mean log D(G(z)), which G would want to be large."),
                *_reductions(-_softplus(fake)),
            ]
            if told_apart(truth, slips):
                break
        compare(name, call(name, function, jnp.asarray(fake)), truth, slips, meaning=MEANS_OVER_THE_BATCH)
    passed(name)


def large_logits(loss, trials=3):
    """Checks that a loss, of D or of G, stays exact where D is very sure and wrong, and that its gradient does.

    Args:
      loss: `discriminator_loss(real_logits, fake_logits)` or `generator_loss(fake_logits)`; which, the number of its
        arguments tells.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the loss or its gradient is not what it should be; the message names the likely slip.
    """
    name = "the loss at large logits"
    sides = _arguments(name, loss)
    for rng in cases(trials):
        size = rng.uniform(120, 400)
        logits = [jnp.full(4, sign * size) for sign in ((-1, 1) if sides == 2 else (-1,))]
        answer = require_shape(name, call(name, loss, *logits), ())
        rounded = (
            "D was rounded to 0 or 1, and log 0 is infinite. Never take the logarithm of a sigmoid: write log D with "
            "`jax.nn.log_sigmoid` or `jax.nn.softplus`."
        )
        if np.isnan(answer) or np.isinf(answer):
            raise NotYet(
                f"{name} is {answer} where D's logit is {size:.0f} and wrong: {rounded} "
                "An exponential of a large number overflows in the same way."
            )
        if abs(answer) < 1:
            raise NotYet(
                f"{name} is {abs(answer):.3g} where D is very sure and wrong, and should be {sides * size:.3g}: it is small "
                "where it should be large. Are real and generated exchanged, or is this the saturating loss?"
            )
        if abs(answer) < 0.9 * sides * size:
            raise NotYet(
                f"{name} stops at {answer:.3g} where it should be {sides * size:.3g}: was a probability clipped, "
                "or a small number added inside the logarithm? There the loss is flat and teaches nothing."
            )
        compare(name, answer, sides * size, rtol=1e-3)
        gradient_name = "the gradient of the loss at large logits"
        gradients = call(gradient_name, jax.grad(loss, argnums=tuple(range(sides))), *logits)
        for gradient, sign in zip(gradients, (-1, 1)):
            gradient = numbers(gradient_name, gradient)
            if np.isnan(gradient).any():
                raise NotYet(
                    f"{gradient_name} is NaN, though the loss is right: a branch that `jnp.where` or a clip leaves "
                    "out still overflows in the gradient. Use `jax.nn.log_sigmoid` or `jax.nn.softplus`."
                )
            compare(gradient_name, gradient, np.full(4, sign / 4))
    passed(name)


def _arguments(name, function):
    """How many arguments a loss takes: 2 (real and generated logits) or 1."""
    try:
        code = function.__code__
        return 2 if code.co_argcount - len(function.__defaults__ or ()) >= 2 else 1
    except AttributeError:
        if not callable(function):
            raise NotYet(f"{name}: wanted a function; got {type(function).__name__}.") from None
        return 1


def slopes(function, trials=3):
    """Checks a `slopes(fake_logits)` that gives the derivatives of log(1 - D) and of -log D by the logit.

    Args:
      function: takes logits (batch,), returns a pair of arrays (batch,): the slope of the saturating loss of each
        example, -D, and that of the non-saturating one, -(1 - D).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the slopes"
    for rng in cases(trials):
        logits = np.float32(rng.normal(0, 2, int(rng.choice(BATCHES))))
        answer = require_parts(
            name, call(name, function, jnp.asarray(logits)), 2, "saturating, non-saturating"
        )
        d = _sigmoid(logits)
        pairs = [(-d, -(1 - d)), (-(1 - d), -d)]
        both = [numbers(name, part) for part in answer]
        if all(
            a.shape == t.shape and np.allclose(a, t, rtol=1e-3, atol=1e-4) for a, t in zip(both, pairs[1])
        ):
            raise NotYet(f"{name}: the two are exchanged. The saturating one comes first.")
        for part, truth, by_d, which in zip(
            answer, pairs[0], (-1 / (1 - d), -1 / d), ("saturating", "non-saturating")
        ):
            compare(
                f"the slope of the {which} loss",
                part,
                truth,
                [
                    (-truth, "the sign is the wrong way round: both losses fall as the logit rises."),
                    (
                        truth / len(d),
                        "it is divided by the batch size: take the derivative of each example's loss, not of "
                        "their mean.",
                    ),
                    (truth.mean(), "this is one number for the batch; wanted one for each logit."),
                    (truth.sum(), "this is one number for the batch; wanted one for each logit."),
                    (
                        by_d,
                        "this is the derivative by D. Ask for the derivative by the logit: the chain rule brings D (1 - D).",
                    ),
                    (
                        -d * (1 - d),
                        "this is minus the derivative of the sigmoid itself: the logarithm is missing.",
                    ),
                    (d * (1 - d), "this is the derivative of the sigmoid itself: the logarithm is missing."),
                ],
                meaning="one number for each logit",
            )
    passed(name)


def best_discriminator(function, trials=3, smoothing=None):
    """Checks a `best_discriminator(p, q)` that gives the best D where the data has density p and G has density q.

    Args:
      function: takes two arrays of densities (n,), or with `smoothing` also that number; returns (n,).
      trials: how many random inputs it is tried on.
      smoothing: anything but None asks for the best D with labels 1 - smoothing for real data, as `function(p, q, s)`.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the best D"
    for rng in cases(trials):
        p, q = np.float32(rng.uniform(0.1, 3, (2, 6)))
        s = 0.0 if smoothing is None else float(rng.uniform(0.05, 0.4))
        truth = (1 - s) * p / (p + q)
        slips = [
            (q / (p + q), "this is the share of the generated data: p and q are exchanged."),
            ((1 - s) * q / (p + q), "this is the share of the generated data: p and q are exchanged."),
            (p / q, "this is the ratio p / q. D is the share p / (p + q)."),
            (
                p / (p + q),
                "this is the best D without smoothing: now real data pulls it down as well, with weight s.",
            ),
            (
                (1 - s) * p / ((1 - s) * p + q),
                "with weight s, real data also speaks for 0: in the sum below the line p counts fully.",
            ),
            (p / (p + q) - s, "s is a share: multiply by 1 - s."),
        ]
        given = (p, q) if smoothing is None else (p, q, s)
        compare(name, call(name, function, *given), truth, slips, meaning="one number for each point")
    passed(name)


def divergence(function, trials=4):
    """Checks a `divergence(real_logits, fake_logits)` that reads log 2 - L_D / 2 off a discriminator's logits.

    For the best D this is the Jensen-Shannon divergence of data and generator; for any other it lies below.

    Args:
      function: takes logits on real and on generated data, (batch,) each, returns one number, in nats.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the divergence"
    for rng in cases(trials):
        real, fake = np.float32(rng.normal(1, 2, 9)), np.float32(rng.normal(-1, 2, 9))
        loss = float(losses.discriminator_loss(jnp.asarray(real), jnp.asarray(fake)))
        truth = np.log(2) - loss / 2
        slips = [
            (-truth, "the sign is the wrong way round: a small loss of D means a large divergence."),
            (2 * truth, "this is twice the divergence: 2 JSD = 2 log 2 - L_D."),
            (
                -loss / 2,
                "log 2 is missing: the divergence is 0 where D cannot tell at all, and L_D is 2 log 2 there.",
            ),
            (np.log(2) + loss / 2, "the value of the game is minus D's loss: V = -L_D = 2 JSD - 2 log 2."),
            (
                np.log(2) - loss,
                "half of D's loss counts: V = -L_D = 2 JSD - 2 log 2, so JSD = log 2 - L_D / 2.",
            ),
            (loss, "this is D's loss itself."),
            (truth / np.log(2), "this is in bits; wanted nats, with natural logarithms."),
        ]
        compare(
            name,
            call(name, function, jnp.asarray(real), jnp.asarray(fake)),
            truth,
            slips,
            meaning=MEANS_OVER_THE_BATCH,
        )
    passed(name)


def require_parts(name, answer, count, which):
    """The parts of an answer that should be `count` things; `which` names them.

    Raises:
      NotYet: it is something else.
    """
    if not isinstance(answer, (tuple, list)) or len(answer) != count:
        came = (
            f"a {type(answer).__name__} of {len(answer)}"
            if isinstance(answer, (tuple, list))
            else ("None: is there a `return`?" if answer is None else f"one {type(answer).__name__}")
        )
        raise NotYet(f"{name}: wanted {count} things, ({which}); got {came}")
    return answer
