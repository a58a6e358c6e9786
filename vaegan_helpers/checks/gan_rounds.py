"""Checks of what a learner writes about one round of the GAN: the move of D, the move of G, both in turns.

The notebook hands in a generator and a discriminator; their weights are shaken anew in every trial, so that
nothing hangs on these two.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import (
    NotYet,
    alike,
    call,
    cases,
    compare,
    copied,
    described,
    fresh_key,
    passed,
    require_parts,
)
from vaegan_helpers.checks.table import Check

ATOL = 3e-5  # of a move divided by the learning rate
# The moves. A player is a pytree, so a loss of a player has a gradient that is a player as well.


# Each gradient is one compiled function, and all batches have one size.
BATCH = 7


@jax.jit
def _slope_of_d(g, d, real, noise):
    return jax.grad(lambda d: losses.discriminator_loss(d(real), d(g(noise))))(d)


@jax.jit
def _other_slopes_of_d(g, d, real, noise):
    """Of what D's loss may be confused with: labels exchanged, G's loss, one of its two terms."""
    confused = [
        lambda d: losses.discriminator_loss(d(g(noise)), d(real)),
        lambda d: losses.generator_loss(d(g(noise))),
        lambda d: losses.generator_loss(d(real)),
        lambda d: -losses.generator_loss(d(g(noise)), saturating=True),
    ]
    return [jax.grad(loss)(d) for loss in confused]


@functools.partial(jax.jit, static_argnames="saturating")
def _slope_of_g(g, d, noise, saturating=False):
    return jax.grad(lambda g: losses.generator_loss(d(g(noise)), saturating=saturating))(g)


@jax.jit
def _slope_of_leak(g, d, real, noise):
    """Of D's loss, by G."""
    return jax.grad(lambda g: losses.discriminator_loss(d(real), d(g(noise))))(g)


@jax.jit
def _slope_of_exchanged_leak(g, d, real, noise):
    """Of D's loss with the labels exchanged, by G."""
    return jax.grad(lambda g: losses.discriminator_loss(d(g(noise)), d(real)))(g)


@jax.jit
def _descended(player, slope, rate):
    """The player after one step of gradient descent."""
    return jax.tree.map(lambda weight, s: weight - rate * s, player, slope)


def _slips_of_any_step(moving, slope_of):
    """What any step of gradient descent can get wrong: {sentence: function of the arguments}.

    Args:
      moving: which argument is the player that moves; the last argument is the learning rate.
      slope_of: function of all arguments but the last giving the gradient.
    """

    def step(*arguments, rate):
        return _descended(arguments[moving], slope_of(*arguments[:-1]), rate)

    return {
        "it goes uphill: subtract the gradient.": lambda *a: step(*a, rate=-a[-1]),
        "the learning rate is missing: subtract learning_rate times the gradient.": lambda *a: step(
            *a, rate=1.0
        ),
        "these are the gradients; wanted the weights after the step.": lambda *a: slope_of(*a[:-1]),
        "this is the step itself; add it to the weights.": lambda *a: jax.tree.map(
            lambda slope: -a[-1] * slope, slope_of(*a[:-1])
        ),
        "the step is half as long as asked for: it is 2 times too small.": lambda *a: step(
            *a, rate=a[-1] / 2
        ),
    }


def _situation(rng, generator, discriminator):
    """Players with shaken weights, a real batch, two batches of noise and a learning rate, all new."""
    keys = jax.random.split(fresh_key(rng), 5)
    rate = float(rng.uniform(0.05, 0.2))
    g, d = _shaken(generator, keys[0]), _shaken(discriminator, keys[1])
    real = 1.5 + jax.random.normal(keys[2], (BATCH, discriminator.x_dim))
    noise = [jax.random.normal(key, (BATCH, generator.z_dim)) for key in keys[3:]]
    return g, d, real, *noise, rate


def _shaken(player, key):
    leaves, tree = jax.tree.flatten(player)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        tree,
        [leaf + 0.2 * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)],
    )


def _for_d(rng, generator, discriminator):
    g, d, real, noise, _, rate = _situation(rng, generator, discriminator)
    return g, d, real, noise, rate


def _d_held(handed, arguments):
    if not np.array_equal(_vector(handed[0]), _vector(arguments[0])):
        raise NotYet(
            "D's step: the generator has changed. D's gradient leaks into G: differentiate by D alone."
        )


def _d_on(other):
    """D after a step on another loss, of this number in `_other_slopes_of_d`."""
    return lambda g, d, real, noise, rate: _descended(d, _other_slopes_of_d(g, d, real, noise)[other], rate)


discriminator_step = Check(
    "D's step",
    "a `discriminator_step(generator, discriminator, real, noise, learning_rate)`: the discriminator after "
    "one step "
    "of plain gradient descent on its loss. Besides it the check takes a generator and a discriminator.",
    _for_d,
    lambda g, d, real, noise, rate: _descended(d, _slope_of_d(g, d, real, noise), rate),
    {
        "nothing has moved: return the new player, not the one that came in.": lambda g, d, *rest: d,
        **_slips_of_any_step(1, _slope_of_d),
        "real and generated data are exchanged in D's loss: the label of real data is 1.": _d_on(0),
        "D moved downhill on G's loss. Each player has a loss of its own.": _d_on(1),
        "only the real data counts: the term of the generated data is missing.": _d_on(2),
        "only the generated data counts: the term of the real data is missing.": _d_on(3),
    },
    trials=2,
    read=lambda moved, g, d, real, noise, rate: _move("D's step", moved, d, "discriminator", rate, other=g),
    after=_d_held,
    atol=ATOL,
)


def _for_g(rng, generator, discriminator):
    g, d, _, noise, _, rate = _situation(rng, generator, discriminator)
    return g, d, noise, rate


def _g_held(handed, arguments):
    if not np.array_equal(_vector(handed[1]), _vector(arguments[1])):
        raise NotYet(
            "G's step: the discriminator has changed. It only judges here: differentiate by G alone."
        )


generator_step = Check(
    "G's step",
    "a `generator_step(generator, discriminator, noise, learning_rate)`: the generator after one step of "
    "plain "
    "gradient descent on the non-saturating loss. Besides it the check takes a generator and a "
    "discriminator.",
    _for_g,
    lambda g, d, noise, rate: _descended(g, _slope_of_g(g, d, noise), rate),
    {
        "G has not moved: no gradient arrives. Is its output made outside of the function that is "
        "differentiated, "
        "or is there a `stop_gradient` on the way?": lambda g, d, noise, rate: g,
        **_slips_of_any_step(0, _slope_of_g),
        "this is a step on the saturating loss, mean log(1 - D(G(z))). Wanted: -mean log D(G(z)).": (
            lambda g, d, noise, rate: _descended(g, _slope_of_g(g, d, noise, saturating=True), rate)
        ),
        "G helps D: it moved downhill on D's loss, or uphill on its own saturating one.": (
            lambda g, d, noise, rate: _descended(g, _slope_of_g(g, d, noise, saturating=True), -rate)
        ),
    },
    trials=2,
    read=lambda moved, g, d, noise, rate: _move("G's step", moved, g, "generator", rate, other=d),
    after=_g_held,
    atol=ATOL,
)


def _round(*, d_noise_of=0, g_noise_of=1, d_way=1, g_way=1, against_new=True, saturating=False, leak=False):
    """A round with a place for each slip; the first batch of noise is D's, the second G's."""

    def play(g, d, real, d_noise, g_noise, rate):
        noises = (d_noise, g_noise)
        new_d = _descended(d, _slope_of_d(g, d, real, noises[d_noise_of]), d_way * rate)
        against = new_d if against_new else d
        slope = _slope_of_g(g, against, noises[g_noise_of], saturating=saturating)
        new_g = _descended(g, slope, g_way * rate)
        if leak:
            new_g = _descended(new_g, _slope_of_leak(g, d, real, d_noise), rate)
        return new_g, new_d

    return play


def _g_first(g, d, real, d_noise, g_noise, rate):
    new_g = _descended(g, _slope_of_g(g, d, g_noise), rate)
    return new_g, _descended(d, _slope_of_d(new_g, d, real, d_noise), rate)


def _moves(answer, g, d, real, d_noise, g_noise, rate):
    """(D's move, G's move) of a pair (generator, discriminator)."""
    new_g, new_d = _players(THE_ROUND, answer, g, d)
    return (
        _move("D after the round", new_d, d, "discriminator", rate),
        _move("G after the round", new_g, g, "generator", rate),
    )


THE_ROUND = "the round"
one_round = Check(
    THE_ROUND,
    "a `play_round(generator, discriminator, real, discriminator_noise, generator_noise, learning_rate)`: "
    "(generator, "
    "discriminator) after one step of D and then one step of G against the new D. Besides it the check "
    "takes a "
    "generator and a discriminator.",
    _situation,
    _round(),
    {
        "D has not moved.": _round(d_way=0),
        "D saw the samples of G's noise: each move has its own.": _round(d_noise_of=1),
        "G moved first, and D answered the new G. In this round D moves first.": _g_first,
        "D moved uphill on its loss.": _round(d_way=-1),
        "G has not moved.": _round(g_way=0),
        "G answered the old D. The players move in turns: hand the D that has just moved to G's step.": (
            _round(against_new=False)
        ),
        "G moved with D's noise: each move has its own.": _round(g_noise_of=0),
        "G moved with D's noise, and against the old D.": _round(g_noise_of=0, against_new=False),
        "G moved uphill on its loss.": _round(g_way=-1),
        "G moved on the saturating loss, mean log(1 - D(G(z))); wanted -mean log D(G(z)).": _round(
            saturating=True
        ),
        "G moved downhill on D's loss, and not on its own.": _round(g_way=0, leak=True),
        "D's gradient leaks into G: besides its own step, G has made one downhill on D's loss.": _round(
            leak=True
        ),
    },
    parts=("D after the round", "G after the round"),
    trials=2,
    read=_moves,
    atol=ATOL,
)

FAULTS = ("D learns the wrong thing", "G is moved by D's loss", "G learns nothing from its own loss")


def repaired_round(
    function: Callable, generator: Any, discriminator: Any, fault: str, trials: int = 2
) -> None:
    """Checks that one of three faults is gone from a round of training, whatever became of the other two.

    Args:
      function: as in `one_round`.
      generator, discriminator: players to try it on.
      fault: "D learns the wrong thing", "G is moved by D's loss" or "G learns nothing from its own loss".
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the fault is still there.
      ValueError: another fault.
    """
    if fault not in FAULTS:
        raise ValueError(f"fault is one of {FAULTS}; got {fault!r}")
    name = "the repaired round"
    for rng in cases(trials):
        g, d, real, d_noise, g_noise, rate = _situation(rng, generator, discriminator)
        moved_g, moved_d = _players(
            name, call(name, function, copied(g), copied(d), real, d_noise, g_noise, rate), g, d
        )
        by_d = _move("D after the round", moved_d, d, "discriminator", rate)
        if not by_d.any():
            raise NotYet("D after the round: D has not moved.")
        if fault == FAULTS[0]:
            _require_right_lesson(by_d, g, d, real, d_noise, g_noise)
            continue
        move = _move("G after the round", moved_g, g, "generator", rate)
        own, leaked = _explained(move, by_d, g, d, moved_d, real, d_noise, g_noise, rate)
        if fault == FAULTS[1] and leaked:
            raise NotYet(f"G after the round: D's gradient leaks into G. {leaked}")
        if fault == FAULTS[2] and own:
            raise NotYet(f"G after the round: {own}")
    passed(f"{name}, {fault!r} is gone")


def _require_right_lesson(by_d, g, d, real, d_noise, g_noise):
    right = _vector(_slope_of_d(g, d, real, d_noise))
    exchanged = _vector(_other_slopes_of_d(g, d, real, d_noise)[0])
    slips = [
        (-exchanged, "D learns to call real data generated: the labels are exchanged."),
        (-right / 2, "the step is half as long as asked for: both means count fully."),
        (right, "D moved uphill on its loss."),
        (
            -_vector(_slope_of_d(g, d, real, g_noise)),
            "D saw the samples of G's noise: each move has its own.",
        ),
    ]
    compare("D after the round", by_d, -right, slips, atol=ATOL)


def _explained(move, by_d, g, d, moved_d, real, d_noise, g_noise, rate):
    """What G's move is made of: ("" or what is wrong with its own step, "" or what leaks into it)."""
    own = {  # (the D that G answers, the noise, whether the loss is the saturating one)
        "": (moved_d, g_noise, False),
        "G answered the old D; wanted a step against the D that has just moved.": (d, g_noise, False),
        "G moved with D's noise: each move has its own.": (moved_d, d_noise, False),
        "G moved with D's noise, and against the old D.": (d, d_noise, False),
        "G moved on the saturating loss; wanted -mean log D(G(z)).": (moved_d, g_noise, True),
        "G moved on the saturating loss, and against the old D.": (d, g_noise, True),
    }
    nothing = "nothing of G's own loss has reached it. Where is its gradient cut off?"
    leaked = "G has been moved by D's loss as well, {:+.2f} of a step downhill on it."

    def own_step(start, against, noise, saturating):
        return -_vector(_slope_of_g(start, against, noise, saturating=saturating))

    def is_it(*parts):
        return alike(move, sum(parts), 1e-3, ATOL)

    if not move.any():
        return nothing, ""
    leaks = [-_vector(slope(g, d, real, d_noise)) for slope in (_slope_of_leak, _slope_of_exchanged_leak)]
    # a step on D's loss with the labels exchanged is one on G's own, with D's noise and against the old D:
    # which of the two it was, the way of D tells
    exchanged = -_vector(_other_slopes_of_d(g, d, real, d_noise)[0])
    if is_it(leaks[1]) and alike(by_d, exchanged, 1e-3, ATOL):
        return nothing, leaked.format(1)
    own_steps = {sentence: own_step(g, *settings) for sentence, settings in own.items()}
    for sentence, step in own_steps.items():
        if is_it(step):
            return sentence, ""
        if is_it(-step):
            return f"G moved uphill. {sentence}".strip(), ""
    for leak in leaks:
        if is_it(leak):
            return nothing, leaked.format(1)
        behind = _moved_by(g, rate * leak)  # the leak came first, and G's own step began behind it
        for sentence, settings in own.items():
            if is_it(leak, own_steps[sentence]) or is_it(leak, own_step(behind, *settings)):
                return sentence, leaked.format(1)
    # none of these: how much of each
    parts, *_ = np.linalg.lstsq(np.stack([*leaks, *own_steps.values()], axis=1), move, rcond=None)
    of_leak, of_own = max(parts[:2], key=abs), parts[2:]
    wrong = (
        f"{of_own[0]:+.2f} of a step downhill on its own loss; wanted 1, against the D that has just moved."
    )
    if np.abs(of_own).max() < 0.1:
        wrong = nothing
    return wrong, leaked.format(of_leak) if abs(of_leak) > 0.1 else ""


def _moved_by(player, way):
    """The player, with a vector added to its weights."""
    leaves, tree = jax.tree.flatten(player)
    cuts = np.cumsum([leaf.size for leaf in leaves])[:-1]
    pieces = np.split(way, cuts)
    return jax.tree.unflatten(
        tree,
        [leaf + jnp.float32(piece).reshape(leaf.shape) for leaf, piece in zip(leaves, pieces, strict=True)],
    )


def _vector(player):
    leaves = [np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(player)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def _move(name, moved, player, kind, rate, other=None):
    """How far a player was moved, divided by the learning rate, as one vector."""
    if moved is None:
        raise NotYet(f"{name}: None came back: is there a `return`?")
    structure = jax.tree.structure(player)
    if other is not None and jax.tree.structure(moved) == jax.tree.structure(other) != structure:
        raise NotYet(f"{name}: this is the other player; wanted the {kind}.")
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(moved)]
    if isinstance(moved, (tuple, list)) or shapes != [leaf.shape for leaf in jax.tree.leaves(player)]:
        raise NotYet(f"{name} should be the {kind}; it is {described(moved)}.")
    after = _vector(moved)
    if not np.isfinite(after).all():
        raise NotYet(
            f"{name}: weights of the {kind} are NaN or infinite. Is there a logarithm of a rounded 0?"
        )
    return (after - _vector(player)) / rate


def _players(name, answer, generator, discriminator):
    """(generator, discriminator) out of an answer that should be this pair."""
    g, d = require_parts(name, answer, 2, "generator, discriminator")
    of = jax.tree.structure
    if of(g) == of(discriminator) != of(generator) and of(d) == of(generator):
        raise NotYet(f"{name}: the players came back in the wrong order; wanted (generator, discriminator).")
    return g, d
