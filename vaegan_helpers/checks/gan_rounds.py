"""Checks of what a learner writes about one round of the GAN: the move of D, the move of G, both in turns.

The notebook hands in a generator and a discriminator; their weights are shaken anew in every trial, so that
nothing hangs on these two.
"""

import functools
from typing import Any

import jax
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import (
    NotYet,
    described,
    fresh_key,
    require_parts,
)
from vaegan_helpers.checks.table import Check

ATOL = 3e-5  # of a move divided by the learning rate
# The moves. A player is a pytree, so a loss of a player has a gradient that is a player as well.


# Each gradient is one compiled function, and all batches have one size.
BATCH = 7


@jax.jit
def slope_of_d(g: Any, d: Any, real: jax.Array, noise: jax.Array) -> Any:
    """The gradient of D's loss, a pytree like D."""
    return jax.grad(lambda d: losses.discriminator_loss(d(real), d(g(noise))))(d)


@jax.jit
def other_slopes_of_d(g: Any, d: Any, real: jax.Array, noise: jax.Array) -> list:
    """Of what D's loss may be confused with: labels exchanged, G's loss, one of its two terms."""
    confused = [
        lambda d: losses.discriminator_loss(d(g(noise)), d(real)),
        lambda d: losses.generator_loss(d(g(noise))),
        lambda d: losses.generator_loss(d(real)),
        lambda d: -losses.generator_loss(d(g(noise)), saturating=True),
    ]
    return [jax.grad(loss)(d) for loss in confused]


@functools.partial(jax.jit, static_argnames="saturating")
def slope_of_g(g: Any, d: Any, noise: jax.Array, saturating: bool = False) -> Any:
    """The gradient of G's loss, a pytree like G."""
    return jax.grad(lambda g: losses.generator_loss(d(g(noise)), saturating=saturating))(g)


@jax.jit
def slope_of_leak(g: Any, d: Any, real: jax.Array, noise: jax.Array) -> Any:
    """Of D's loss, by G."""
    return jax.grad(lambda g: losses.discriminator_loss(d(real), d(g(noise))))(g)


@jax.jit
def descended(player: Any, slope: Any, rate: float) -> Any:
    """The player after one step of gradient descent."""
    return jax.tree.map(lambda weight, s: weight - rate * s, player, slope)


def _slips_of_any_step(moving, slope_of):
    """What any step of gradient descent can get wrong: {sentence: function of the arguments}.

    Args:
      moving: which argument is the player that moves; the last argument is the learning rate.
      slope_of: function of all arguments but the last giving the gradient.
    """

    def step(*arguments, rate):
        return descended(arguments[moving], slope_of(*arguments[:-1]), rate)

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


def situation(rng: np.random.Generator, generator: Any, discriminator: Any) -> tuple:
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
    g, d, real, noise, _, rate = situation(rng, generator, discriminator)
    return g, d, real, noise, rate


def _d_held(handed, arguments):
    if not np.array_equal(vector(handed[0]), vector(arguments[0])):
        raise NotYet(
            "D's step: the generator has changed. D's gradient leaks into G: differentiate by D alone."
        )


def _d_on(other):
    """D after a step on another loss, of this number in `_other_slopes_of_d`."""
    return lambda g, d, real, noise, rate: descended(d, other_slopes_of_d(g, d, real, noise)[other], rate)


discriminator_step = Check(
    "D's step",
    "a `discriminator_step(generator, discriminator, real, noise, learning_rate)`: the discriminator after "
    "one step "
    "of plain gradient descent on its loss. Besides it the check takes a generator and a discriminator.",
    _for_d,
    lambda g, d, real, noise, rate: descended(d, slope_of_d(g, d, real, noise), rate),
    {
        "nothing has moved: return the new player, not the one that came in.": lambda g, d, *rest: d,
        **_slips_of_any_step(1, slope_of_d),
        "real and generated data are exchanged in D's loss: the label of real data is 1.": _d_on(0),
        "D moved downhill on G's loss. Each player has a loss of its own.": _d_on(1),
        "only the real data counts: the term of the generated data is missing.": _d_on(2),
        "only the generated data counts: the term of the real data is missing.": _d_on(3),
    },
    trials=2,
    read=lambda moved, g, d, real, noise, rate: move("D's step", moved, d, "discriminator", rate, other=g),
    after=_d_held,
    atol=ATOL,
)


def _for_g(rng, generator, discriminator):
    g, d, _, noise, _, rate = situation(rng, generator, discriminator)
    return g, d, noise, rate


def _g_held(handed, arguments):
    if not np.array_equal(vector(handed[1]), vector(arguments[1])):
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
    lambda g, d, noise, rate: descended(g, slope_of_g(g, d, noise), rate),
    {
        "G has not moved: no gradient arrives. Is its output made outside of the function that is "
        "differentiated, "
        "or is there a `stop_gradient` on the way?": lambda g, d, noise, rate: g,
        **_slips_of_any_step(0, slope_of_g),
        "this is a step on the saturating loss, mean log(1 - D(G(z))). Wanted: -mean log D(G(z)).": (
            lambda g, d, noise, rate: descended(g, slope_of_g(g, d, noise, saturating=True), rate)
        ),
        "G helps D: it moved downhill on D's loss, or uphill on its own saturating one.": (
            lambda g, d, noise, rate: descended(g, slope_of_g(g, d, noise, saturating=True), -rate)
        ),
    },
    trials=2,
    read=lambda moved, g, d, noise, rate: move("G's step", moved, g, "generator", rate, other=d),
    after=_g_held,
    atol=ATOL,
)


def _round(*, d_noise_of=0, g_noise_of=1, d_way=1, g_way=1, against_new=True, saturating=False, leak=False):
    """A round with a place for each slip; the first batch of noise is D's, the second G's."""

    def play(g, d, real, d_noise, g_noise, rate):
        noises = (d_noise, g_noise)
        new_d = descended(d, slope_of_d(g, d, real, noises[d_noise_of]), d_way * rate)
        against = new_d if against_new else d
        slope = slope_of_g(g, against, noises[g_noise_of], saturating=saturating)
        new_g = descended(g, slope, g_way * rate)
        if leak:
            new_g = descended(new_g, slope_of_leak(g, d, real, d_noise), rate)
        return new_g, new_d

    return play


def _g_first(g, d, real, d_noise, g_noise, rate):
    new_g = descended(g, slope_of_g(g, d, g_noise), rate)
    return new_g, descended(d, slope_of_d(new_g, d, real, d_noise), rate)


def _moves(answer, g, d, real, d_noise, g_noise, rate):
    """(D's move, G's move) of a pair (generator, discriminator)."""
    new_g, new_d = players(THE_ROUND, answer, g, d)
    return (
        move("D after the round", new_d, d, "discriminator", rate),
        move("G after the round", new_g, g, "generator", rate),
    )


THE_ROUND = "the round"
one_round = Check(
    THE_ROUND,
    "a `play_round(generator, discriminator, real, discriminator_noise, generator_noise, learning_rate)`: "
    "(generator, "
    "discriminator) after one step of D and then one step of G against the new D. Besides it the check "
    "takes a "
    "generator and a discriminator.",
    situation,
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


def vector(player: Any) -> np.ndarray:
    """All weights of a player in one row."""
    leaves = [np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(player)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def move(name: str, moved: Any, player: Any, kind: str, rate: float, other: Any = None) -> np.ndarray:
    """How far a player was moved, divided by the learning rate, as one vector."""
    if moved is None:
        raise NotYet(f"{name}: None came back: is there a `return`?")
    of: Any = jax.tree.structure
    if other is not None and of(moved) == of(other) != of(player):
        raise NotYet(f"{name}: this is the other player; wanted the {kind}.")
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(moved)]
    if isinstance(moved, (tuple, list)) or shapes != [leaf.shape for leaf in jax.tree.leaves(player)]:
        raise NotYet(f"{name} should be the {kind}; it is {described(moved)}.")
    after = vector(moved)
    if not np.isfinite(after).all():
        raise NotYet(
            f"{name}: weights of the {kind} are NaN or infinite. Is there a logarithm of a rounded 0?"
        )
    return (after - vector(player)) / rate


def players(name: str, answer: Any, generator: Any, discriminator: Any) -> tuple:
    """(generator, discriminator) out of an answer that should be this pair."""
    g, d = require_parts(name, answer, 2, "generator, discriminator")
    of: Any = jax.tree.structure
    if of(g) == of(discriminator) != of(generator) and of(d) == of(generator):
        raise NotYet(f"{name}: the players came back in the wrong order; wanted (generator, discriminator).")
    return g, d
