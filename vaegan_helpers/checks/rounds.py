"""Checks of what a learner writes about one round of the GAN: the draws, the move of D, the move of G.

The notebook hands in a generator and a discriminator; their weights are shaken anew in every trial, so that nothing
hangs on these two.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.errors import KeyReuseError

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    compare,
    fresh_key,
    passed,
    require_finite,
    require_shape,
)
from vaegan_helpers.checks.gan import BATCHES, require_parts


def round_draws(function, trials=2):
    """Checks a `round_draws(data, key, batch_size, z_dim)` that draws what one round needs.

    Args:
      function: returns (real, discriminator_noise, generator_noise): a random batch of the data's rows, and two
        independent batches of standard normal noise (batch_size, z_dim).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: a draw is not what it should be; the message names the likely slip.
    """
    name = "the draws"
    for rng in cases(trials):
        n, batch, dim, z_dim = 1000, 400, 2, int(rng.integers(3, 6))
        data = jnp.asarray(rng.normal(size=(n, dim)) + np.arange(n)[:, None], jnp.float32)
        key, other_key = jax.random.split(fresh_key(rng))

        def draw(key):
            parts = call(name, _once(function), data, jax.random.clone(key), batch, z_dim)
            return require_parts(name, parts, 3, "real, discriminator_noise, generator_noise")

        real, *noises = draw(key)
        real = require_shape("the real batch", real, (batch, dim), "(batch_size, x_dim)")
        _require_random_rows(real, np.asarray(data))
        names = ("D's noise", "G's noise")
        noises = [
            require_shape(whose, noise, (batch, z_dim), "(batch_size, z_dim)")
            for whose, noise in zip(names, noises)
        ]
        for whose, noise in zip(names, noises):
            _require_normal(whose, noise)
        first, second = (noise.ravel() for noise in noises)
        if np.allclose(first, second):
            raise NotYet("D's noise and G's noise are the same: one draw, or one key, was used twice.")
        if abs(np.corrcoef(first, second)[0, 1]) > 0.3:
            raise NotYet("D's noise and G's noise depend on each other: draw each with a key of its own.")
        again, another = draw(key), draw(other_key)
        for which, one, same, other in zip(("the real batch", *names), (real, *noises), again, another):
            if not np.allclose(one, np.asarray(same, float)):
                raise NotYet(
                    f"{which} is another one for the same key: does it come from something else than the key?"
                )
            if np.allclose(one, np.asarray(other, float)):
                raise NotYet(
                    f"{which} is the same for two different keys: does it come from the key that was passed in?"
                )
    passed(name)


def _once(function):
    """The function, with a watch on keys that are used twice."""
    if not callable(function):
        return function

    def watched(*arguments):
        try:
            with jax.debug_key_reuse(True):
                return function(*arguments)
        except KeyReuseError:
            raise NotYet(
                "the draws: a key was used twice, so two draws that look independent are not. Split the key "
                "into one for each draw, and do not draw from a key that has been split."
            ) from None

    return watched


def _require_random_rows(real, data):
    index = np.abs(data[None] - real[:, None]).sum(axis=-1).argmin(axis=1)
    if not np.allclose(data[index], real, atol=1e-3):
        raise NotYet(
            "the real batch holds rows that are not in the data: draw whole rows, `data[index]` with one index "
            "for each row."
        )
    if len(np.unique(index)) == 1:
        raise NotYet("the real batch is one example again and again: draw batch_size indices.")
    if (np.diff(index) == 1).all():
        raise NotYet("the real batch is a piece of the data in its order: draw the rows at random.")
    if index.max() < 0.7 * len(data) or index.min() > 0.3 * len(data):
        raise NotYet(
            f"the real batch comes from rows {index.min()} to {index.max()} of {len(data)} only: draw from all "
            "of the data."
        )


def _require_normal(whose, noise):
    require_finite(whose, noise)
    if np.ptp(noise, axis=0).max() < 1e-6:
        raise NotYet(f"{whose} is the same for the whole batch: every example needs noise of its own.")
    if np.ptp(noise, axis=1).max() < 1e-6:
        raise NotYet(f"{whose} repeats one number along a row: draw (batch_size, z_dim) numbers.")
    if noise.min() >= 0 or np.abs(noise).max() <= 1:
        raise NotYet(
            f"{whose} lies between {noise.min():.2f} and {noise.max():.2f}: it looks uniform; wanted a standard "
            "normal, `jax.random.normal`."
        )
    if abs(noise.mean()) > 0.2 or not 0.85 < noise.std() < 1.15:
        raise NotYet(
            f"{whose} has mean {noise.mean():.2f} and standard deviation {noise.std():.2f}; a standard normal "
            "has 0 and 1."
        )


def discriminator_step(function, generator, discriminator, trials=2):
    """Checks a `discriminator_step(generator, discriminator, real, noise, learning_rate)`: one move of D downhill.

    Args:
      function: returns the discriminator after one step of plain gradient descent on its loss.
      generator, discriminator: players to try it on.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "D's step"
    for rng in cases(trials):
        g, d, real, noise, _, rate = _situation(rng, generator, discriminator)
        before = _vector(g)
        moved = call(name, function, g, _copy(d), real, noise, rate)
        if not np.array_equal(before, _vector(g)):
            raise NotYet(
                f"{name}: the generator has changed. D's gradient leaks into G: differentiate by D alone."
            )
        move = _move(name, moved, d, "discriminator", rate, other=g)
        fake = g(noise)
        slopes_of = {which: _gradient(loss, d) for which, loss in _discriminator_losses(real, fake).items()}
        compare(
            name,
            move,
            -slopes_of["D"],
            _step_slips(slopes_of.pop("D"), d, rate, _vector(moved))
            + [
                (
                    -slopes_of["exchanged"],
                    "real and generated data are exchanged in D's loss: the label of real data is 1.",
                ),
                (-slopes_of["G"], "D moved downhill on G's loss. Each player has a loss of its own."),
                (-slopes_of["real"], "only the real data counts: the term of the generated data is missing."),
                (-slopes_of["fake"], "only the generated data counts: the term of the real data is missing."),
            ],
            atol=3e-5,
        )
    passed(name)


def generator_step(function, generator, discriminator, trials=2):
    """Checks a `generator_step(generator, discriminator, noise, learning_rate)`: one move of G downhill.

    Args:
      function: returns the generator after one step of plain gradient descent on the non-saturating loss.
      generator, discriminator: players to try it on.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "G's step"
    for rng in cases(trials):
        g, d, _, noise, _, rate = _situation(rng, generator, discriminator)
        before = _vector(d)
        moved = call(name, function, _copy(g), d, noise, rate)
        if not np.array_equal(before, _vector(d)):
            raise NotYet(
                f"{name}: the discriminator has changed. It only judges here: differentiate by G alone."
            )
        move = _move(name, moved, g, "generator", rate, other=d)
        right = _gradient(lambda g: losses.generator_loss(d(g(noise))), g)
        saturating = _gradient(lambda g: losses.generator_loss(d(g(noise)), saturating=True), g)
        compare(
            name,
            move,
            -right,
            [
                (
                    np.zeros_like(right),
                    "G has not moved: no gradient arrives. Is its output made outside of the function that is "
                    "differentiated, or is there a `stop_gradient` on the way?",
                ),
                *_step_slips(right, g, rate, _vector(moved)),
                (
                    -saturating,
                    "this is a step on the saturating loss, mean log(1 - D(G(z))). Here -mean log D(G(z)) was asked "
                    "for.",
                ),
                (
                    saturating,
                    "G helps D: it moved downhill on D's loss, or uphill on its own saturating one.",
                ),
            ],
            atol=3e-5,
        )
    passed(name)


def one_round(function, generator, discriminator, trials=2):
    """Checks a `play_round(generator, discriminator, real, discriminator_noise, generator_noise, learning_rate)`.

    Args:
      function: returns (generator, discriminator) after one step of D and then one step of G against the new D.
      generator, discriminator: players to try it on.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the round"
    for rng in cases(trials):
        g, d, real, d_noise, g_noise, rate = _situation(rng, generator, discriminator)
        moved_g, moved_d = _pair(
            name, call(name, function, _copy(g), _copy(d), real, d_noise, g_noise, rate), g, d
        )

        def d_move(g, noise):
            return _gradient(lambda d: losses.discriminator_loss(d(real), d(g(noise))), d)

        def g_move(d, noise):
            return _gradient(lambda g: losses.generator_loss(d(g(noise))), g)

        by_d = _move("D after the round", moved_d, d, "discriminator", rate)
        first_g = _descend(g, _gradient_tree(lambda g: losses.generator_loss(d(g(g_noise))), g), rate)
        compare(
            "D after the round",
            by_d,
            -d_move(g, d_noise),
            [
                (np.zeros_like(by_d), "D has not moved."),
                (-d_move(g, g_noise), "D saw the samples of G's noise: each move has its own."),
                (
                    -d_move(first_g, d_noise),
                    "G moved first, and D answered the new G. In this round D moves first.",
                ),
                (d_move(g, d_noise), "D moved uphill on its loss."),
            ],
            atol=3e-5,
        )
        new_d = _descend(
            d, _gradient_tree(lambda d: losses.discriminator_loss(d(real), d(g(d_noise))), d), rate
        )
        right = g_move(new_d, g_noise)
        leak = _gradient(lambda g: losses.discriminator_loss(d(real), d(g(d_noise))), g)
        compare(
            "G after the round",
            _move("G after the round", moved_g, g, "generator", rate),
            -right,
            [
                (np.zeros_like(right), "G has not moved."),
                (
                    -g_move(d, g_noise),
                    "G answered the old D. The players move in turns: hand the D that has just moved to G's "
                    "step.",
                ),
                (-g_move(new_d, d_noise), "G moved with D's noise: each move has its own."),
                (-g_move(d, d_noise), "G moved with D's noise, and against the old D."),
                (right, "G moved uphill on its loss."),
                (-leak, "G moved downhill on D's loss, and not on its own."),
                (
                    -right - leak,
                    "D's gradient leaks into G: besides its own step, G has made one downhill on D's loss.",
                ),
            ],
            atol=3e-5,
        )
    passed(name)


def repaired_round(function, generator, discriminator, fault, trials=2):
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
    faults = ("D learns the wrong thing", "G is moved by D's loss", "G learns nothing from its own loss")
    if fault not in faults:
        raise ValueError(f"fault is one of {faults}; got {fault!r}")
    name = "the repaired round"
    for rng in cases(trials):
        # short steps, so that a leak that comes first hardly changes where G's own step starts
        g, d, real, d_noise, g_noise, rate = _situation(rng, generator, discriminator, rates=(0.005, 0.02))
        moved_g, moved_d = _pair(
            name, call(name, function, _copy(g), _copy(d), real, d_noise, g_noise, rate), g, d
        )
        by_d = _move("D after the round", moved_d, d, "discriminator", rate)
        if not by_d.any():
            raise NotYet("D after the round: D has not moved.")
        if fault == faults[0]:
            both = _discriminator_losses(real, g(d_noise))
            compare(
                "D after the round",
                by_d,
                -_gradient(both["D"], d),
                [
                    (
                        -_gradient(both["exchanged"], d),
                        "D learns to call real data generated: the labels are exchanged.",
                    ),
                    (
                        -0.5 * _gradient(both["D"], d),
                        "the step is half as long as asked for: both means count fully.",
                    ),
                ],
                atol=3e-5,
            )
            continue
        # what G's move is made of: so much of its own step against the D that it met, and so much of D's loss, which
        # may have its labels exchanged
        leaks = [
            _gradient_tree(loss, g)
            for loss in (
                lambda g: losses.discriminator_loss(d(real), d(g(d_noise))),
                lambda g: losses.discriminator_loss(d(g(d_noise)), d(real)),
            )
        ]
        move = _move("G after the round", moved_g, g, "generator", rate)

        def parts(start):
            own = -_gradient(lambda g: losses.generator_loss(moved_d(g(g_noise))), start)
            columns = np.stack([own, *(-_vector(leak) for leak in leaks)], axis=1)
            return np.linalg.lstsq(columns, move, rcond=None)[0]

        of_own, *of_leaks = parts(g)
        leaked = max(of_leaks, key=abs)
        if fault == faults[1] and abs(leaked) > 0.1:
            raise NotYet(
                "G after the round: D's gradient leaks into G. G has been moved by D's loss as well, "
                f"{leaked:+.2f} of a step downhill on it."
            )
        if (
            abs(leaked) > 0.1 and abs(of_own) > 0.1
        ):  # the leak may have come first: then G's own step began behind it
            behind = g
            for leak, part in zip(leaks, of_leaks):
                behind = _descend(behind, leak, rate * part)
            of_own = min(of_own, parts(behind)[0], key=lambda part: abs(part - 1))
        if fault == faults[2]:
            if abs(of_own) < 0.1:
                raise NotYet(
                    "G after the round: nothing of G's own loss has reached it. Where is its gradient cut off?"
                )
            if abs(of_own - 1) > 0.15:
                raise NotYet(
                    f"G after the round: {of_own:+.2f} of a step downhill on its own loss; wanted 1, against the D "
                    "that has just moved."
                )
    passed(f"{name}, {fault!r} is gone")


def _situation(rng, generator, discriminator, rates=(0.05, 0.2)):
    """Players with shaken weights, a real batch, two batches of noise and a learning rate, all new."""
    keys = jax.random.split(fresh_key(rng), 5)
    batch, rate = int(rng.choice(BATCHES)), float(rng.uniform(*rates))
    g, d = _shake(generator, keys[0]), _shake(discriminator, keys[1])
    real = 1.5 + jax.random.normal(keys[2], (batch, discriminator.x_dim))
    noise = [jax.random.normal(key, (batch, generator.z_dim)) for key in keys[3:]]
    return g, d, real, *noise, rate


def _shake(player, key):
    leaves, tree = jax.tree.flatten(player)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        tree, [leaf + 0.2 * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys)]
    )


def _copy(player):
    """A second object with the same weights: a learner's code may change the one that it gets."""
    return jax.tree.map(lambda leaf: leaf, player)


def _vector(player):
    leaves = [np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(player)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def _gradient_tree(loss, player):
    return jax.grad(loss)(player)


def _gradient(loss, player):
    return _vector(_gradient_tree(loss, player))


def _descend(player, gradient, rate):
    return jax.tree.map(lambda weight, slope: weight - rate * slope, player, gradient)


def _discriminator_losses(real, fake):
    """Functions of D: its loss, and what it may be confused with."""
    return {
        "D": lambda d: losses.discriminator_loss(d(real), d(fake)),
        "exchanged": lambda d: losses.discriminator_loss(d(fake), d(real)),
        "G": lambda d: losses.generator_loss(d(fake)),
        "real": lambda d: losses.generator_loss(d(real)),
        "fake": lambda d: -losses.generator_loss(d(fake), saturating=True),
    }


def _step_slips(slope, player, rate, after):
    """What any step of gradient descent can get wrong, as moves divided by the learning rate."""
    weights = _vector(player)
    return [
        (np.zeros_like(slope), "nothing has moved: return the new player, not the one that came in."),
        (slope, "it goes uphill: subtract the gradient."),
        (-slope / rate, "the learning rate is missing: subtract learning_rate times the gradient."),
        ((slope - weights) / rate, "these are the gradients; wanted the weights after the step."),
        ((-rate * slope - weights) / rate, "this is the step itself; add it to the weights."),
    ]


def _move(name, moved, player, kind, rate, other=None):
    """How far a player was moved, divided by the learning rate, as one vector."""
    if moved is None:
        raise NotYet(f"{name}: None came back: is there a `return`?")
    structure = jax.tree.structure(player)
    if other is not None and jax.tree.structure(moved) == jax.tree.structure(other) != structure:
        raise NotYet(f"{name}: this is the other player; wanted the {kind}.")
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(moved)]
    if isinstance(moved, (tuple, list)) or shapes != [leaf.shape for leaf in jax.tree.leaves(player)]:
        what = (
            f"a {type(moved).__name__} of {len(moved)}"
            if isinstance(moved, (tuple, list))
            else type(moved).__name__
        )
        raise NotYet(f"{name} should be the {kind}; it is {what}.")
    after = _vector(moved)
    if not np.isfinite(after).all():
        raise NotYet(
            f"{name}: weights of the {kind} are NaN or infinite. Is there a logarithm of a rounded 0?"
        )
    return (after - _vector(player)) / rate


def _pair(name, answer, generator, discriminator):
    """(generator, discriminator) out of an answer that should be this pair."""
    g, d = require_parts(name, answer, 2, "generator, discriminator")
    of = jax.tree.structure
    if of(g) == of(discriminator) != of(generator) and of(d) == of(generator):
        raise NotYet(f"{name}: the players came back in the wrong order; wanted (generator, discriminator).")
    return g, d
