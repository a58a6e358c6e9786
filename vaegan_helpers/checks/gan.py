"""Checks of what a learner writes about the losses of the GAN; `gan_rounds` holds those of its moves."""

import inspect
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import NotYet, call, cases, compare, numbers, passed, require_shape
from vaegan_helpers.checks.table import Check
from vaegan_helpers.checks.vae import sigmoid

FOR_THE_BATCH = "one number for the batch"
BATCHES = (6, 9)  # few sizes, since each is compiled anew


def _softplus(x):
    return np.logaddexp(0, x)


def _batch(rng):
    return int(rng.choice(BATCHES))


def _small(rng, *sizes):
    """Logits in (0, 1), of which even the logarithm exists and tells a slip exactly."""
    return [np.float32(rng.uniform(0.05, 0.95, size)) for size in sizes]


def _any(rng, *sizes):
    return [np.float32(rng.normal(0, 2, size)) for size in sizes]


_TAKEN_FOR_PROBABILITIES = (
    "the logits were taken for probabilities: D is the sigmoid of the logit. "
    "(The logarithm of a negative number is NaN.)"
)


def _reductions(each):
    """What other ways to reduce a loss of each example give: {sentence: wrong functions}."""
    return {
        "it is {0}.0 times too large, and the batch has {0} examples: average, do not sum.": (
            lambda *logits: each(*logits).sum()
        ),
        "this is one number for each example: average over the batch.": (
            each,
            lambda *logits: each(*logits)[:, None],
        ),
        "the logarithm is to the base 2. Take the natural one, `jnp.log`.": lambda *logits: (
            each(*logits).mean() / np.log(2)
        ),
    }


def _d_loss(real, fake):
    return _softplus(-real).mean() + _softplus(fake).mean()


def _both(real, fake):
    """D's loss on each example of both batches."""
    return np.concatenate([_softplus(-np.asarray(real)), _softplus(np.asarray(fake))])


discriminator_loss = Check(
    "D's loss",
    "a `discriminator_loss(real_logits, fake_logits)`: -mean log D(x) - mean log(1 - D(G(z))), in nats. The "
    "two "
    "batches may differ in size.",
    [
        lambda rng: _small(rng, *[_batch(rng)] * 2),
        lambda rng: _any(rng, *rng.permutation(BATCHES)),
    ],
    _d_loss,
    {
        _TAKEN_FOR_PROBABILITIES: (
            lambda r, f: -np.log(r).mean() - np.log(1 - f).mean(),
            lambda r, f: -np.log(np.abs(r)).mean() - np.log(np.abs(1 - f)).mean(),
        ),
        "the sigmoid was taken twice: the function gets logits, and so does a cross-entropy of logits.": (
            lambda r, f: _d_loss(sigmoid(r), sigmoid(f))
        ),
        "the sign is the wrong way round. The loss is minimised, and it is never negative.": lambda r, f: (
            -_d_loss(r, f)
        ),
        "real and generated are exchanged: log D belongs to the real data, log(1 - D) to the generated. "
        "The label of real data is 1.": (lambda r, f: _d_loss(f, r), lambda r, f: _d_loss(-r, -f)),
        "log(1 - D(G(z))) has the wrong sign: both terms count with a minus.": lambda r, f: (
            _softplus(-r).mean() - _softplus(f).mean()
        ),
        "log D(x) has the wrong sign: both terms count with a minus.": lambda r, f: (
            _softplus(f).mean() - _softplus(-r).mean()
        ),
        "D is rewarded for taking generated data for real: its part is log(1 - D(G(z))), not log D.": (
            lambda r, f: _d_loss(r, -f)
        ),
        "the term of the generated data, -log(1 - D(G(z))), is missing.": lambda r, f: _softplus(-r).mean(),
        "the term of the real data, -log D(x), is missing.": lambda r, f: _softplus(f).mean(),
        "it is half of what was asked. Both means count fully: a mean over the two batches together divides "
        "by "
        "two.": (lambda r, f: _d_loss(r, f) / 2, lambda r, f: _both(r, f).mean()),
        "it is right only for two batches of one size: average over each by itself, then add the means.": (
            lambda r, f: 2 * _both(r, f).mean(),
            lambda r, f: _softplus(-r).mean() + _softplus(f).sum() / len(r),
            lambda r, f: _softplus(-r).sum() / len(f) + _softplus(f).mean(),
        ),
        "this is one number for each example: average over each batch.": _both,
        **_reductions(lambda r, f: _softplus(-r) + _softplus(f)),
    },
    meaning=FOR_THE_BATCH,
    trials=4,
)


def _one_batch(rng):
    return _any(rng, _batch(rng))


def _one_small_batch(rng):
    return _small(rng, _batch(rng))


generator_loss = Check(
    "G's loss",
    "a `generator_loss(fake_logits)`: the non-saturating -mean log D(G(z)), in nats.",
    [_one_small_batch, _one_batch],
    lambda f: _softplus(-f).mean(),
    {
        _TAKEN_FOR_PROBABILITIES: (lambda f: -np.log(f).mean(), lambda f: -np.log(np.abs(f)).mean()),
        "the sigmoid was taken twice.": lambda f: _softplus(-sigmoid(f)).mean(),
        "this is the saturating loss, mean log(1 - D(G(z))). Here -mean log D(G(z)) was asked for.": (
            lambda f: -_softplus(f).mean()
        ),
        "the sign is the wrong way round: as it stands, G would learn to be caught.": lambda f: (
            -_softplus(-f).mean()
        ),
        "this is D's part of the loss, -mean log(1 - D(G(z))), with the label of generated data. "
        "G wants its data to be taken for real: label 1.": lambda f: _softplus(f).mean(),
        **_reductions(lambda f: _softplus(-f)),
    },
    meaning=FOR_THE_BATCH,
    trials=4,
)

saturating_generator_loss = Check(
    "G's saturating loss",
    "a `saturating_generator_loss(fake_logits)`: mean log(1 - D(G(z))), in nats.",
    [_one_small_batch, _one_batch],
    lambda f: -_softplus(f).mean(),
    {
        _TAKEN_FOR_PROBABILITIES: (lambda f: np.log(1 - f).mean(), lambda f: np.log(np.abs(1 - f)).mean()),
        "the sigmoid was taken twice.": lambda f: -_softplus(sigmoid(f)).mean(),
        "this is the non-saturating loss, -mean log D(G(z)). Here mean log(1 - D(G(z))) was asked for.": (
            lambda f: _softplus(-f).mean()
        ),
        "the sign is the wrong way round: this is D's part of the game, and G minimises its opposite.": (
            lambda f: _softplus(f).mean()
        ),
        "this is mean log D(G(z)), which G would want to be large.": lambda f: -_softplus(-f).mean(),
        **_reductions(lambda f: -_softplus(f)),
    },
    meaning=FOR_THE_BATCH,
    trials=4,
)


def large_logits(loss: Callable, trials: int = 3) -> None:
    """Checks that a loss, of D or of G, and its gradient stay exact where D is very sure and wrong.

    Args:
      loss: `discriminator_loss(real_logits, fake_logits)` or `generator_loss(fake_logits)`; the number
        of its arguments tells which.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the loss or its gradient is not what it should be; the message names the likely slip.
    """
    name = "the loss at large logits"
    sides = count_sides(name, loss)
    for rng in cases(trials):
        size = rng.uniform(120, 400)
        logits = [jnp.full(4, sign * size) for sign in ((-1, 1) if sides == 2 else (-1,))]
        answer = require_shape(name, call(name, loss, *logits), ())
        rounded = (
            "D was rounded to 0 or 1, and log 0 is infinite. Never take the logarithm of a sigmoid: write "
            "log D "
            "with `jax.nn.log_sigmoid` or `jax.nn.softplus`."
        )
        if np.isnan(answer) or np.isinf(answer):
            raise NotYet(
                f"{name} is {answer} where D's logit is {size:.0f} and wrong: {rounded} "
                "An exponential of a large number overflows in the same way."
            )
        if abs(answer) < 1:
            raise NotYet(
                f"{name} is {abs(answer):.3g} where D is very sure and wrong, and should be "
                f"{sides * size:.3g}: it is small where it should be large. Are real and generated "
                "exchanged, or "
                "is this the saturating loss?"
            )
        if abs(answer) < 0.9 * sides * size:
            raise NotYet(
                f"{name} stops at {answer:.3g} where it should be {sides * size:.3g}: was a probability "
                "clipped, "
                "or a small number added inside the logarithm? There the loss is flat and teaches nothing."
            )
        compare(name, answer, sides * size)
        gradient_name = "the gradient of the loss at large logits"
        gradients = call(gradient_name, jax.grad(loss, argnums=tuple(range(sides))), *logits)
        for gradient, sign in zip(gradients, (-1, 1), strict=False):
            gradient = numbers(gradient_name, gradient)
            if np.isnan(gradient).any():
                raise NotYet(
                    f"{gradient_name} is NaN, though the loss is right: a branch that `jnp.where` or a clip "
                    "leaves "
                    "out still overflows in the gradient. Use `jax.nn.log_sigmoid` or `jax.nn.softplus`."
                )
            compare(gradient_name, gradient, np.full(4, sign / 4))
    passed(name)


def count_sides(name: str, function: Callable) -> int:
    """How many batches a loss takes: 2 (real and generated logits) or 1. Its signature says, or a call."""
    if not callable(function):
        raise NotYet(f"{name}: wanted a function; got {type(function).__name__}.")
    kinds = inspect.Parameter
    try:
        given = inspect.signature(function).parameters.values()
        needed = [
            p
            for p in given
            if p.default is p.empty and p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ]
        if needed:
            return min(len(needed), 2)
    except (TypeError, ValueError):
        pass  # no signature
    for sides in (2, 1):  # it takes any number of arguments, as a decorated function may
        try:
            function(*[jnp.zeros(4)] * sides)
            return sides
        except Exception:
            continue
    return 2  # the check says what goes wrong


def _slopes(by_saturating, by_other):
    """A function of logits that gives a pair, out of two functions of D."""
    return lambda logits: (by_saturating(sigmoid(logits)), by_other(sigmoid(logits)))


slopes = Check(
    "the slopes",
    "a `slopes(fake_logits)`: the derivatives of log(1 - D) and of -log D by the logit, two arrays (batch,).",
    _one_batch,
    _slopes(lambda d: -d, lambda d: -(1 - d)),
    {
        "the two are exchanged. The saturating one comes first.": _slopes(lambda d: -(1 - d), lambda d: -d),
        "the sign is the wrong way round: both losses fall as the logit rises.": _slopes(
            lambda d: d, lambda d: 1 - d
        ),
        "it is divided by the batch size: take the derivative of each example's loss, not of their mean.": (
            _slopes(lambda d: -d / len(d), lambda d: -(1 - d) / len(d))
        ),
        "this is one number for the batch; wanted one for each logit.": (
            _slopes(lambda d: -d.mean(), lambda d: -(1 - d).mean()),
            _slopes(lambda d: -d.sum(), lambda d: -(1 - d).sum()),
        ),
        "this is the derivative by D. Take that by the logit: the chain rule brings D (1 - D).": (
            _slopes(lambda d: -1 / (1 - d), lambda d: -1 / d)
        ),
        "this is minus the derivative of the sigmoid itself: the logarithm is missing.": _slopes(
            lambda d: -d * (1 - d), lambda d: -d * (1 - d)
        ),
        "this is the derivative of the sigmoid itself: the logarithm is missing.": _slopes(
            lambda d: d * (1 - d), lambda d: d * (1 - d)
        ),
        "it is cut off: where D is nearly 0 or 1 the slope still changes with the logit.": _slopes(
            lambda d: -np.clip(d, 0.1, 0.9), lambda d: -(1 - np.clip(d, 0.1, 0.9))
        ),
    },
    parts=("the slope of the saturating loss", "the slope of the non-saturating loss"),
    meaning="one number for each logit",
)


def _densities(rng):
    return list(np.float32(rng.uniform(0.1, 3, (2, 6))))


_EXCHANGED = "this is the share of the generated data: p and q are exchanged."
_best = Check(
    "the best D",
    "a `best_discriminator(p, q)`: the best D where the data has density p and G has density q, (n,).",
    _densities,
    lambda p, q: p / (p + q),
    {
        _EXCHANGED: lambda p, q: q / (p + q),
        "this is the ratio p / q. D is the share p / (p + q).": lambda p, q: p / q,
        "this is its logit. D is the sigmoid of it, the share p / (p + q).": lambda p, q: np.log(p / q),
    },
    meaning="one number for each point",
)
_best_smoothed = Check(
    "the best D",
    "a `best_discriminator(p, q, s)`: the best D with labels 1 - s for real data, (n,).",
    lambda rng: [*_densities(rng), float(rng.uniform(0.05, 0.4))],
    lambda p, q, s: (1 - s) * p / (p + q),
    {
        _EXCHANGED: (lambda p, q, s: q / (p + q), lambda p, q, s: (1 - s) * q / (p + q)),
        "this is the ratio p / q. D is the share p / (p + q).": lambda p, q, s: p / q,
        "this is the best D without smoothing: now real data pulls it down as well, with weight s.": (
            lambda p, q, s: p / (p + q)
        ),
        "with weight s, real data also speaks for 0: in the sum below the line p counts fully.": (
            lambda p, q, s: (1 - s) * p / ((1 - s) * p + q)
        ),
        "s is a share: multiply by 1 - s.": lambda p, q, s: p / (p + q) - s,
    },
    meaning="one number for each point",
)


def best_discriminator(function: Callable, trials: int = 3, smoothing: object = None) -> None:
    """Checks a `best_discriminator(p, q)`: the best D where the data has density p and G has density q.

    Args:
      function: takes two arrays of densities (n,), or with `smoothing` also that number; returns (n,).
      trials: how many random inputs it is tried on.
      smoothing: anything but None asks for the best D with labels 1 - s for real data, `function(p, q, s)`.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    (_best if smoothing is None else _best_smoothed)(function, trials=trials)


def _apart(rng):
    return np.float32(rng.normal(1, 2, 9)), np.float32(rng.normal(-1, 2, 6))


def _blind(rng):
    """Logits of a D that is worse than a coin, so that the divergence that they show is negative."""
    while True:
        real, fake = np.float32(rng.normal(0, 1.5, 9)), np.float32(rng.normal(0.2, 1.5, 9))
        if _d_loss(real, fake) > 2 * np.log(2) + 0.1:
            return real, fake


divergence = Check(
    "the divergence",
    "a `divergence(real_logits, fake_logits)`: log 2 - L_D / 2, read off a discriminator's logits, in nats. "
    "For the "
    "best D this is the Jensen-Shannon divergence of data and generator; for any other it lies below.",
    [_apart, _blind],
    lambda r, f: np.log(2) - _d_loss(r, f) / 2,
    {
        "the sign is the wrong way round: a small loss of D means a large divergence.": lambda r, f: (
            _d_loss(r, f) / 2 - np.log(2)
        ),
        "this is twice the divergence: 2 JSD = 2 log 2 - L_D.": lambda r, f: 2 * np.log(2) - _d_loss(r, f),
        "log 2 is missing: the divergence is 0 where D cannot tell at all, and L_D is 2 log 2 there.": (
            lambda r, f: -_d_loss(r, f) / 2
        ),
        "the value of the game is minus D's loss: V = -L_D = 2 JSD - 2 log 2.": lambda r, f: (
            np.log(2) + _d_loss(r, f) / 2
        ),
        "half of D's loss counts: V = -L_D = 2 JSD - 2 log 2, so JSD = log 2 - L_D / 2.": lambda r, f: (
            np.log(2) - _d_loss(r, f)
        ),
        "this is D's loss itself.": _d_loss,
        "this is in bits; wanted nats, with natural logarithms.": lambda r, f: (
            1 - _d_loss(r, f) / 2 / np.log(2)
        ),
        "it is cut off at 0. What a poor D shows is a lower bound, and may be negative: leave it so.": (
            lambda r, f: np.maximum(0, np.log(2) - _d_loss(r, f) / 2)
        ),
        "the sign is lost. What a poor D shows is a lower bound, and may be negative.": lambda r, f: np.abs(
            np.log(2) - _d_loss(r, f) / 2
        ),
    },
    meaning=FOR_THE_BATCH,
    trials=4,
)
