"""The check of a spherical path: right ways pass, each slip gets its own message."""

import jax.numpy as jnp
import pytest

from vaegan_helpers import checks


def lengths_and_angle(start, end):
    lengths = jnp.linalg.norm(start), jnp.linalg.norm(end)
    return *lengths, jnp.arccos(start @ end / (lengths[0] * lengths[1]))


def by_sines(start, end, t, divide=True):
    a, b, angle = lengths_and_angle(start, end)
    direction = jnp.sin((1 - t) * angle) * start / a + jnp.sin(t * angle) * end / b
    return ((1 - t) * a + t * b) * direction / (jnp.sin(angle) if divide else 1)


def by_rotation(start, end, t):
    a, b, angle = lengths_and_angle(start, end)
    u = start / a
    across = end / b - (end / b @ u) * u
    return ((1 - t) * a + t * b) * (
        jnp.cos(t * angle) * u + jnp.sin(t * angle) * across / jnp.linalg.norm(across)
    )


def lengths_mixed_in(start, end, t):
    _, _, angle = lengths_and_angle(start, end)
    return (jnp.sin((1 - t) * angle) * start + jnp.sin(t * angle) * end) / jnp.sin(angle)


def by_chord(start, end, t):
    a, b, _ = lengths_and_angle(start, end)
    line = (1 - t) * start / a + t * end / b
    return ((1 - t) * a + t * b) * line / jnp.linalg.norm(line)


def direction(start, end, t):
    point = by_sines(start, end, t)
    return point / jnp.linalg.norm(point)


def length_exchanged(start, end, t):
    a, b, _ = lengths_and_angle(start, end)
    return direction(start, end, t) * ((1 - t) * b + t * a)


def direction_exchanged(start, end, t):
    return direction(end, start, t) * jnp.linalg.norm(by_sines(start, end, t))


@pytest.mark.parametrize("answer", [by_sines, by_rotation])
def test_right_ways_pass(answer):
    checks.spherical(answer, trials=20)


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda start, end, t: (1 - t) * start + t * end, "straight line"),
        (lengths_mixed_in, "lengths are mixed with them"),
        (direction, "direction alone"),
        (by_chord, "constant rate"),
        (lambda start, end, t: by_sines(end, start, t), "start and end are exchanged: at t = 0"),
        (length_exchanged, "exchanged in the length"),
        (direction_exchanged, "exchanged in the direction"),
        (lambda *inputs: by_sines(*inputs, divide=False), "sine of the angle is missing"),
        (lambda start, end, t: jnp.zeros((5, 1)), "has shape"),
        (lambda start, end, t: jnp.full(5, jnp.nan), "not a number"),
        (lambda start, end, t: None, "is there a `return`"),
    ],
)
def test_each_slip_has_its_message(answer, words):
    for _ in range(5):
        with pytest.raises(checks.NotYet) as told:
            checks.spherical(answer)
        assert words in " ".join(str(told.value).split())
