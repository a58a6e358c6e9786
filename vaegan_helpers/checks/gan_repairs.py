"""Checks of a broken round of the GAN: its faults are named, and each is judged by itself."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import NotYet, alike, call, cases, compare, copied, described, passed
from vaegan_helpers.checks.gan_rounds import (
    ATOL,
    descended,
    move,
    players,
    situation,
    slope_of_g,
    vector,
)

FAULTS = ("D learns the wrong thing", "G is moved by D's loss", "G learns nothing from its own loss")


def repaired_round(
    function: Callable,
    generator: Any,
    discriminator: Any,
    fault: str,
    trials: int = 2,
    real_label: float = 1.0,
) -> None:
    """Checks that one of three faults is gone from a round of training, whatever became of the other two.

    Args:
      function: as in `one_round`.
      generator, discriminator: players to try it on.
      fault: "D learns the wrong thing", "G is moved by D's loss" or "G learns nothing from its own loss".
      trials: how many random inputs it is tried on.
      real_label: what D is to say of real data; below 1 with one-sided label smoothing.

    Raises:
      NotYet: the fault is still there.
      ValueError: another fault.
    """
    if fault not in FAULTS:
        raise ValueError(f"fault is one of {FAULTS}; got {fault!r}")
    name = "the repaired round"
    for rng in cases(trials):
        g, d, real, d_noise, g_noise, rate = situation(rng, generator, discriminator)
        moved_g, moved_d = players(
            name, call(name, function, copied(g), copied(d), real, d_noise, g_noise, rate), g, d
        )
        by_d = move("D after the round", moved_d, d, "discriminator", rate)
        if not by_d.any():
            raise NotYet("D after the round: D has not moved.")
        if fault == FAULTS[0]:
            _require_right_lesson(by_d, g, d, real, d_noise, g_noise, real_label)
            continue
        way_of_g = move("G after the round", moved_g, g, "generator", rate)
        own, leaked = _explained(way_of_g, by_d, g, d, moved_d, real, d_noise, g_noise, rate, real_label)
        if fault == FAULTS[1] and leaked:
            raise NotYet(f"G after the round: D's gradient leaks into G. {leaked}")
        if fault == FAULTS[2] and own:
            raise NotYet(f"G after the round: {own}")
    passed(f"{name}, {fault!r} is gone")


# What may be wrong in a round, by the number under which the notebook lists it.
LABELS, HALF, LEAK, CUT_OFF, OLD_D, NOISE, SATURATING, UPHILL = range(1, 9)
OF_D, OF_G = (LABELS, HALF, UPHILL), (CUT_OFF, OLD_D, NOISE, SATURATING)


def round_with(faults: set[int], real_label: float = 1.0) -> Callable:
    """A round with these faults, at most one of D's step and one of G's: as `one_round` wants it."""

    def play(g, d, real, d_noise, g_noise, rate):
        leak, slope = _slopes_of_lesson(g, d, real, d_noise, real_label, LABELS in faults)
        size = rate * (0.5 if HALF in faults else 1.0) * (-1.0 if UPHILL in faults else 1.0)
        moved = descended(d, slope, size)
        if LEAK in faults:
            g = descended(g, leak, size)
        if CUT_OFF not in faults:
            against, noise = d if OLD_D in faults else moved, d_noise if NOISE in faults else g_noise
            g = descended(g, slope_of_g(g, against, noise, saturating=SATURATING in faults), rate)
        return g, moved

    return play


def named_faults(
    answer: Any,
    broken: Callable,
    generator: Any,
    discriminator: Any,
    real_label: float = 1.0,
) -> None:
    """Checks which faults a learner has found in a round: it is held against the round itself.

    Args:
      answer: the numbers of the faults, 1 to 8 as `LABELS` and so on give them, in a set or a list.
      broken: the round that was handed out.
      generator, discriminator: players to try it on.
      real_label: what D is to say of real data.

    Raises:
      NotYet: other faults are in it.
      ValueError: `broken` is no round with faults of this list.
    """
    name = "the faults"
    if not isinstance(answer, (set, frozenset, list, tuple)) or not all(
        isinstance(each, (int, np.integer)) and not isinstance(each, bool) for each in answer
    ):
        raise NotYet(f"{name}: wanted a set of numbers, such as {{2, 5, 7}}; it is {described(answer)}.")
    if not set(answer) <= set(range(1, 9)):
        raise NotYet(f"{name}: they have the numbers 1 to 8; got {sorted(answer)}.")
    truth = _faults_of(broken, generator, discriminator, real_label)
    if len(set(answer)) != len(truth):
        raise NotYet(f"{name}: there are {len(truth)}; you name {len(set(answer))}.")
    for kind, of_kind in (("D's own step", {*OF_D}), ("G's own step", {*OF_G}), ("the other step", {LEAK})):
        if (set(answer) & of_kind) != (truth & of_kind):
            raise NotYet(
                f"{name}: look at {kind} once more. Play one round, and print how far each weight moves."
            )
    passed(name)


def _faults_of(broken, generator, discriminator, real_label):
    """The faults of a round, by playing it beside every round that the list knows."""
    (rng,) = cases(1)
    arguments = situation(rng, generator, discriminator)
    g, d, *rest = arguments
    moved = [vector(player) for player in broken(copied(g), copied(d), *rest)]
    of_d, of_g = ([set(), *({each} for each in kind)] for kind in (OF_D, OF_G))
    for a, b, leak in itertools.product(of_d, of_g, (set(), {LEAK})):
        other = [vector(player) for player in round_with(a | b | leak, real_label)(*arguments)]
        if all(alike(x, y, 1e-4, 1e-6) for x, y in zip(moved, other, strict=True)):
            return a | b | leak
    raise ValueError("this round has other faults than the list")


def _lesson(real_logits, fake_logits, real_label, exchanged=False):
    """D's loss where real data has this label, and generated data 0; or the other way round."""
    if exchanged:
        real_logits, fake_logits = fake_logits, real_logits
    return jnp.mean(jax.nn.softplus(real_logits) - real_label * real_logits) + losses.generator_loss(
        -fake_logits
    )


@functools.partial(jax.jit, static_argnames="exchanged")
def _slopes_of_lesson(g, d, real, noise, real_label, exchanged=False):
    """Of D's loss, by both players: (what leaks into G, what D needs)."""
    return jax.grad(lambda both: _lesson(both[1](real), both[1](both[0](noise)), real_label, exchanged))(
        (g, d)
    )


def _require_right_lesson(by_d, g, d, real, d_noise, g_noise, real_label):
    def slope(noise=d_noise, label=real_label, exchanged=False):
        return vector(_slopes_of_lesson(g, d, real, noise, label, exchanged)[1])

    right = slope()
    slips = [
        (-slope(exchanged=True), "D learns to call real data generated: the labels are exchanged."),
        (-right / 2, "the step is half as long as asked for: both means count fully."),
        (right, "D moved uphill on its loss."),
        (-slope(noise=g_noise), "D saw the samples of G's noise: each move has its own."),
    ]
    if real_label != 1:
        said = f"the label of real data has become 1; here it is {real_label:g}, and that is no fault."
        slips.append((-slope(label=1.0), said))
    compare("D after the round", by_d, -right, slips, atol=ATOL)


def _explained(way_of_g, by_d, g, d, moved_d, real, d_noise, g_noise, rate, label):
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
        return -vector(slope_of_g(start, against, noise, saturating=saturating))

    def is_it(*parts):
        return alike(way_of_g, sum(parts), 1e-3, ATOL)

    if not way_of_g.any():
        return nothing, ""
    slopes = [_slopes_of_lesson(g, d, real, d_noise, label, way) for way in (False, True)]
    leaks = [-share * vector(of_g) for share in (1, 0.5) for of_g, _ in slopes]
    # a step on D's loss with the labels exchanged is one on G's own, with D's noise and against the old D:
    # which of the two it was, the way of D tells
    if is_it(leaks[1]) and alike(by_d, -vector(slopes[1][1]), 1e-3, ATOL):
        return nothing, leaked.format(1)
    own_steps = {sentence: own_step(g, *settings) for sentence, settings in own.items()}
    for sentence, step in own_steps.items():
        if is_it(step):
            return sentence, ""
        if is_it(-step):
            return f"G moved uphill. {sentence}".strip(), ""
    for share, leak in zip((1, 1, 0.5, 0.5), leaks, strict=True):
        if is_it(leak):
            return nothing, leaked.format(share)
        behind = _moved_by(g, rate * leak)  # the leak came first, and G's own step began behind it
        for sentence, settings in own.items():
            if is_it(leak, own_steps[sentence]) or is_it(leak, own_step(behind, *settings)):
                return sentence, leaked.format(share)
    # none of these: how much of each
    parts, *_ = np.linalg.lstsq(np.stack([*leaks[:2], *own_steps.values()], axis=1), way_of_g, rcond=1e-5)
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
