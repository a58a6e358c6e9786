"""A check of what a learner writes about paths between latents."""

import jax.numpy as jnp
import numpy as np

from vaegan_helpers import interpolation
from vaegan_helpers.checks.frame import call, cases, compare, passed


def spherical(function, trials=3):
    """Checks a `spherical(start, end, t)`: the point a share t along the great circle, with a length that changes evenly.

    Args:
      function: takes two latents (z_dim,) and t in [0, 1], returns (z_dim,).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the answer is wrong; the message names the likely slip.
    """
    name = "the point on the spherical path"
    for rng in cases(trials):
        start, end = (rng.normal(0, 1, 5) for _ in range(2))
        start, end = (
            start * 1.5 / np.linalg.norm(start),
            end * 3 / np.linalg.norm(end),
        )  # two lengths, clearly apart
        t = rng.choice([0.2, 0.3, 0.7, 0.8])
        truth = interpolation.spherical_path(start, end, 11)[round(10 * t)]
        units, length = [start / 1.5, end / 3], (1 - t) * 1.5 + 3 * t
        angle = np.arccos(np.dot(*units))
        line = (1 - t) * units[0] + t * units[1]
        slips = [
            ((1 - t) * start + t * end, "this is the straight line: it cuts inside the shell."),
            (
                _turn(start, end, angle, t),
                "the directions turn rightly, and the lengths are mixed with them: turn the two "
                "unit vectors, and let the length go evenly from one to the other.",
            ),
            (_turn(*units, angle, t), "this is the direction alone: multiply it by the length."),
            (
                length * line / np.linalg.norm(line),
                "the direction lies on the great circle, and does not turn at a "
                "constant rate: share the angle, not the chord.",
            ),
            (length * _turn(*units[::-1], angle, t), "start and end are exchanged in the direction."),
            (((1 - t) * 3 + t * 1.5) * _turn(*units, angle, t), "start and end are exchanged in the length."),
            (
                interpolation.spherical_path(end, start, 11)[round(10 * t)],
                "start and end are exchanged: at t = 0 stands the start.",
            ),
            (
                length * np.sin(angle) * _turn(*units, angle, t),
                "the division by the sine of the angle is missing.",
            ),
        ]
        compare(
            name,
            call(name, function, jnp.asarray(start), jnp.asarray(end), float(t)),
            truth,
            slips,
            meaning="one latent",
        )
    passed(name)


def _turn(start, end, angle, t):
    return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
