"""Checks of what a learner draws for one round of the GAN: a batch of real data, and noise for each move."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.errors import KeyReuseError

from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    fresh_key,
    passed,
    require_finite,
    require_parts,
    require_shape,
)
from vaegan_helpers.checks.vae_draw import require_standard_normal
from vaegan_helpers.checks.vae_training import require_all_drawn

THE_DRAWS = ("real", "discriminator_noise", "generator_noise")


def round_draws(function: Callable, trials: int = 2) -> None:
    """Checks a `round_draws(data, key, batch_size, z_dim)`: what one round needs.

    Args:
      function: returns (real, discriminator_noise, generator_noise): a random batch of the data's rows, and
        two independent batches of standard normal noise (batch_size, z_dim).
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: a draw is not what it should be; the message names the likely slip.
    """
    name = "the draws"
    for rng in cases(trials):
        n, batch, dim, z_dim = 2_000, 800, 2, int(rng.choice([3, 5]))
        data = (rng.normal(size=(n, dim)) + np.arange(n)[:, None]).astype(np.float32)
        key, other_key, small_key = jax.random.split(fresh_key(rng), 3)

        def draw(key, data=data, batch=batch, z_dim=z_dim):
            parts = call(name, _once(function), jnp.asarray(data), jax.random.clone(key), batch, z_dim)
            return require_parts(name, parts, 3, ", ".join(THE_DRAWS))

        real, *noises = draw(key)
        real = require_shape("the real batch", real, (batch, dim), "(batch_size, x_dim)")
        _require_random_rows(real, data)
        names = ("D's noise", "G's noise")
        noises = [
            require_shape(whose, noise, (batch, z_dim), "(batch_size, z_dim)")
            for whose, noise in zip(names, noises, strict=True)
        ]
        for whose, noise in zip(names, noises, strict=True):
            _require_normal(whose, noise)
        _require_independent(*noises)
        again, another = draw(key), draw(other_key)
        for which, one, same, other in zip(
            ("the real batch", *names), (real, *noises), again, another, strict=True
        ):
            if not np.allclose(one, np.asarray(same, float)):
                raise NotYet(
                    f"{which} is another one for the same key: does it come from something else than the key?"
                )
            if np.allclose(one, np.asarray(other, float)):
                raise NotYet(
                    f"{which} is the same for two different keys: does it come from the key that was passed "
                    "in?"
                )
        few = data[:30]
        rows = [_rows(draw(k, data=few, batch=30)[0], few) for k in jax.random.split(small_key, 25)]
        never = sorted(set(range(30)) - set(np.concatenate(rows)))  # a row is missed once in 10^11 times
        if never:
            raise NotYet(
                f"the real batch never holds row {never[0]} of 30, in 25 rounds: draw from all of the data."
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


def _rows(real, data):
    """The index of each row of a batch in the data."""
    index_of = {row.tobytes(): i for i, row in enumerate(data)}
    rows = [index_of.get(np.float32(row).tobytes()) for row in np.asarray(real)]
    if None in rows:
        raise NotYet(
            "the real batch holds rows that are not in the data: draw whole rows, `data[index]` with one "
            "index "
            "for each row."
        )
    return np.array(rows)


def _require_random_rows(real, data):
    rows = _rows(real, data)
    if len(np.unique(rows)) == 1:
        raise NotYet("the real batch is one example again and again: draw batch_size indices.")
    if (np.diff(rows) == 1).mean() > 0.9:
        raise NotYet("the real batch is a piece of the data in its order: draw the rows at random.")
    if rows.max() < 0.7 * len(data) or rows.min() > 0.3 * len(data):
        raise NotYet(
            f"the real batch comes from rows {rows.min()} to {rows.max()} of {len(data)} only: draw from all "
            "of the data."
        )
    require_all_drawn("the real batch", rows, len(data))


def _require_normal(whose, noise):
    require_finite(whose, noise)
    if np.ptp(noise, axis=0).max() < 1e-6:
        raise NotYet(f"{whose} is the same for the whole batch: every example needs noise of its own.")
    if np.ptp(noise, axis=1).max() < 1e-6:
        raise NotYet(f"{whose} repeats one number along a row: draw (batch_size, z_dim) numbers.")
    if noise.min() >= 0 or np.abs(noise).max() <= 1:
        raise NotYet(
            f"{whose} lies between {noise.min():.2f} and {noise.max():.2f}: it looks uniform; wanted a "
            "standard "
            "normal, `jax.random.normal`."
        )
    if abs(noise.mean()) > 0.2 or not 0.85 < noise.std() < 1.15:
        raise NotYet(
            f"{whose} has mean {noise.mean():.2f} and standard deviation {noise.std():.2f}; a standard "
            "normal "
            "has 0 and 1."
        )
    require_standard_normal(whose, noise)


def _require_independent(first, second):
    if np.allclose(first, second):
        raise NotYet("D's noise and G's noise are the same: one draw, or one key, was used twice.")
    shared = np.intersect1d(np.abs(first), np.abs(second)).size
    if shared > 0.1 * first.size:  # two honest draws share next to none
        raise NotYet(
            "D's noise and G's noise hold the same numbers in another order, or with another sign: draw "
            "each with "
            "a key of its own."
        )
    if abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) > 0.3:
        raise NotYet("D's noise and G's noise depend on each other: draw each with a key of its own.")
