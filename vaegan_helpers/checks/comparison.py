"""Checks of what a learner compares: the data, its two halves, the players.

`comparison_experiment` holds those of the experiment, `comparison_scores` those of the numbers that come out.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    fresh_key,
    numbers,
    passed,
    require_finite,
    require_parts,
    same_weights,
)

FEWEST_POINTS = 60


def own_data(points: Any, contains: Any = ()) -> None:
    """Checks data of one's own: at least 60 different points in the plane, spread out in two directions.

    Args:
      points: (n, 2).
      contains: (m, 2), dots that were handed out and have to be among them, as far as two decimals tell.

    Raises:
      NotYet: they are too few, too far out or on a line, or dots that were handed out are missing.
    """
    name = "your data"
    points = numbers(name, points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise NotYet(f"{name} has shape {points.shape}; wanted (n, 2): one row for each point.")
    require_finite(name, points)
    different = len(np.unique(points, axis=0))
    if different < FEWEST_POINTS:
        raise NotYet(
            f"{name} has {different} different points; draw at least {FEWEST_POINTS}, so that there is a "
            "shape."
        )
    if np.abs(points).max() > 10:
        raise NotYet(f"{name} reaches out to {np.abs(points).max():.3g}; keep it within 10 of the origin.")
    across = np.sqrt(max(np.linalg.eigvalsh(np.cov(points.T))[0], 0))  # along the direction that varies least
    if across < 0.1:
        raise NotYet(f"{name} is almost a straight line; let it be spread out in two directions.")
    missing = [dot for dot in np.reshape(contains, (-1, 2)) if np.abs(points - dot).max(axis=1).min() > 0.011]
    if missing:
        raise NotYet(
            f"{name} lacks {len(missing)} of the dots that were on the page at first; leave them there."
        )
    passed(name)


def split(function: Callable, trials: int = 3) -> None:
    """Checks a `split(points, key)` into training and held-out points, half each, at random.

    Args:
      function: takes (n, 2) and a key, returns two arrays (n / 2, 2).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the halves are not random halves; the message names the likely slip.
    """
    name = "the split"
    for rng in cases(trials):
        points = rng.permutation(np.arange(80, dtype=np.float32)).reshape(40, 2)
        seed = int(rng.integers(2**31 - 1))
        halves = [
            require_two(
                name,
                call(name, function, jnp.asarray(points), jax.random.key(s)),
                "training and held-out points",
            )
            for s in (seed, seed, seed + 1)
        ]
        train, held_out = (numbers(name, half) for half in halves[0])
        for half in (train, held_out):
            if half.ndim != 2 or half.shape[1] != 2:
                raise NotYet(
                    f"{name}: a half has shape {half.shape}; wanted (n, 2). Do not part the coordinates."
                )
        place = {tuple(row): i for i, row in enumerate(points.tolist())}
        first, second = ({tuple(row) for row in half.tolist()} for half in (train, held_out))
        if first & second:
            raise NotYet(
                f"{name} leaves {len(first & second)} points in both halves: nothing is held out then."
            )
        if first | second != set(place):
            raise NotYet(
                f"{name} loses or changes points: together the halves should be the points that were handed "
                "in."
            )
        if abs(len(first) - len(second)) > 1:
            raise NotYet(f"{name} gives {len(first)} and {len(second)} points; wanted halves of one size.")
        if {tuple(row) for row in np.asarray(halves[2][0], float).tolist()} == first:
            raise NotYet(
                f"{name} is the same for two keys. Points come in the order in which they were drawn, so "
                "shuffle "
                "them first, as with jax.random.permutation."
            )
        if {tuple(row) for row in np.asarray(halves[1][0], float).tolist()} != first:
            raise NotYet(
                f"{name} differs though the key is the same: shuffle with jax.random and the key handed in."
            )
        in_first = np.isin(np.arange(40), [place[row] for row in first])
        borders = np.sum(in_first != np.roll(in_first, 1))  # about 20 for random halves
        if borders <= 4 or borders >= 38:
            raise NotYet(
                f"{name} cuts the points in the order in which they came, only at another place: that is a "
                "rotation. "
                "Shuffle them, as with jax.random.permutation."
            )
    passed(name)


def equal_players(function: Callable) -> None:
    """Checks that `players(key)` gives (vae, generator, discriminator) for points, the first two equal.

    Args:
      function: takes a key, returns the three.

    Raises:
      NotYet: they do not fit points, or are not equal.
    """
    name = "the players"
    (rng,) = cases(1)
    vae, generator, discriminator = _players(name, call(name, function, fresh_key(rng)))
    z_dim = generator.z_dim
    for what, model in [("decoder", lambda z: vae.decode(z)), ("generator", generator)]:
        made = numbers(f"what the {what} makes", call(f"the {what}", model, jnp.ones((3, z_dim))))
        if made.shape != (3, 2):
            raise NotYet(
                f"the {what} makes data of shape {made.shape} from 3 latents; wanted (3, 2): set x_dim=2."
            )
    if numbers("D's logits", call("the discriminator", discriminator, jnp.ones((3, 2)))).shape != (3,):
        raise NotYet("the discriminator should judge points: set x_dim=2.")
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(model)) for model in (vae.decoder, generator)]
    if sizes[0] != sizes[1]:
        raise NotYet(
            f"{name} are not equal: the decoder has {sizes[0]:,} parameters and the generator {sizes[1]:,}. "
            "Give both the same z_dim, hidden_dim and hidden_layers; their defaults differ from what you "
            "want."
        )
    shapes = [sorted(leaf.shape for leaf in jax.tree.leaves(model)) for model in (vae.decoder, generator)]
    if shapes[0] != shapes[1]:
        raise NotYet(
            f"{name} have equally many parameters in layers of different shapes: {shapes[0]} and {shapes[1]}."
        )
    far_out = jnp.float32(rng.normal(0, 1_000, (64, z_dim)))
    for what, model in [("VAE", vae), ("generator", generator)]:
        # One model's outputs may all have one sign by chance, those of ten with other weights do not.
        others = [jax.tree.map(lambda w: jnp.float32(rng.normal(0, 1, w.shape)), model) for _ in range(10)]
        values = np.concatenate([getattr(other, "decode", other)(far_out) for other in others])
        if values.min() >= 0 and 0 < values.max() <= 1:
            raise NotYet(
                f"{name}: an output stays between 0 and 1, as for pixels. Points need output=as_it_is "
                f"({what})."
            )
        if values.min() >= 0 or values.max() <= 0:
            raise NotYet(
                f"{name}: what the {what} makes has one sign only, as with relu. Points lie anywhere: "
                "output=as_it_is."
            )
        if np.abs(values).max() < 2:
            raise NotYet(
                f"{name}: what the {what} makes stays within {np.abs(values).max():.2g} of 0, as with tanh. "
                "Points lie anywhere: output=as_it_is."
            )
    passed(name)


def players_from_key(function: Callable) -> None:
    """Checks that the first weights that `players(key)` draws depend on the key alone.

    Args:
      function: as in `equal_players`.

    Raises:
      NotYet: they depend on something else, or not on the key.
    """
    name = "the first weights"
    (rng,) = cases(1)
    seed = int(rng.integers(2**31 - 1))
    first, again, other = (
        _players(name, call(name, function, jax.random.key(s))) for s in (seed, seed, seed + 1)
    )
    for what, a, b, c in zip(("VAE", "generator", "discriminator"), first, again, other, strict=True):
        if not same_weights(a, b):
            raise NotYet(
                f"{name} of the {what} differ though the key is the same: use the key that is handed in."
            )
        if same_weights(a, c):
            raise NotYet(
                f"{name} of the {what} are the same for two keys: hand it a key made from the one handed in."
            )
    passed(name)


def require_two(name: str, answer: Any, what: str) -> list:
    """The two things, named by `what`, that an answer should be; raises `NotYet` if it is not."""
    try:
        return require_parts(name, answer, 2, what)
    except NotYet:
        kind = f"{len(answer)} things" if isinstance(answer, (tuple, list)) else type(answer).__name__
        raise NotYet(f"{name} should return two things, {what}; it returned {kind}.") from None


def _players(name, answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        raise NotYet(f"{name}: return three things, (vae, generator, discriminator).")
    for what, part, model in zip(
        ("VAE", "generator", "discriminator"), ("decoder", "z_dim", "x_dim"), answer, strict=True
    ):
        if not hasattr(model, part):
            raise NotYet(
                f"{name}: the {what} is of type {type(model).__name__}; the order is vae, generator, "
                "discriminator."
            )
    return answer
