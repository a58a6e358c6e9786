"""Checks of a training loop of a learner: `train(loss, model, images, key, steps)`, which returns a model."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.errors import KeyReuseError

from vaegan_helpers import losses, models
from vaegan_helpers.checks import frame
from vaegan_helpers.checks.frame import (
    NotYet,
    alike,
    call,
    cases,
    copied,
    described,
    fresh_key,
    key_bits,
    passed,
    same_weights,
    typed_key,
)

NAME = "the training"
BATCH = 64


def training_improves(
    function: Callable,
    model: Any,
    images: np.ndarray,
    steps: int = 200,
    learning_rate: float = 2e-3,
    batch_size: int = BATCH,
) -> None:
    """Checks that a training loop lowers the loss of a VAE by steps of Adam, and returns the trained model.

    Args:
      function: takes (loss, model, images, key, steps), where loss(model, x, key) is one number.
      model: an untrained VAE; it is not changed, though the loop may train in place what it is handed.
      images: (n, x_dim), pixels in [0, 1].
      steps: of the run.
      learning_rate: the one that was asked for.
      batch_size: the one that was asked for.

    Raises:
      NotYet: the loss did not fall enough, or the steps are not Adam's; the message names the likely slip.
    """
    (rng,) = cases(1)
    measure_key, train_key = jax.random.split(fresh_key(rng))
    of_a_step = _seconds_of_a_step(model, images)
    trained = _run(function, _loss, model, images, train_key, steps, of_a_step)
    before, after = (
        float(_loss(m, jnp.asarray(images), jax.random.clone(measure_key))) for m in (model, trained)
    )
    if not np.isfinite(after):
        raise NotYet(
            f"{NAME} ended in a loss of {after}: is the learning rate too large? {learning_rate:g} was "
            "asked for."
        )
    if same_weights(trained, model):
        raise NotYet(
            f"{NAME} returned the model that went in. `optax.apply_updates` changes nothing in place: keep "
            "what "
            "it returns, and return that."
        )
    if after > before:
        raise NotYet(
            f"{NAME} made the loss rise from {before:.0f} to {after:.0f} nats. Is it going up the gradient? "
            "The updates of an optimiser are added as they are, for a loss that is minimised."
        )
    if after > 0.6 * before:
        raise NotYet(
            f"{NAME} lowered the loss from {before:.0f} to {after:.0f} nats only; about 210 is usual after "
            f"{steps} steps of {batch_size} pictures. Are all steps made, and is the learning rate about "
            f"{learning_rate:g}?"
        )
    _require_adam(function, rng, learning_rate, of_a_step)
    passed(f"{NAME} lowers the loss")


def _require_adam(function, rng, rate, of_a_step, steps=40):
    """On a loss that is half the sum of all squared weights, Adam's way is known exactly."""

    def squares(model, x, key):
        return 0.5 * sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(model)) + 0 * jnp.sum(x)

    start = jax.tree.map(
        lambda leaf: jnp.float32(rng.uniform(-20 * rate, 20 * rate, leaf.shape)), _small_vae()
    )
    images = np.float32(rng.uniform(0, 1, (200, start.x_dim)))
    ended = _weights(_run(function, squares, start, images, fresh_key(rng), steps, of_a_step))
    begun = _weights(start)
    way = _adam(begun, rate, 1_000)
    if _nearly(ended, way[steps], rate):
        return
    made = int(np.abs(way - ended).max(axis=1).argmin())
    if _nearly(ended, way[made], rate):
        raise NotYet(f"{NAME} makes {made} steps where {steps} are asked for: `steps` is an argument.")
    anew = begun
    for _ in range(steps):
        anew = anew - rate * np.sign(anew)
    if _nearly(ended, anew, rate):
        raise NotYet(
            f"{NAME} begins anew with Adam in every step: each step is as long as the first. Make the state "
            "once, "
            "by `optimizer.init(model)` before the loop, and hand it on from step to step."
        )
    for factor in (0.1, 0.5, 2, 5, 10):
        if _nearly(ended, _adam(begun, factor * rate, steps)[steps], rate):
            raise NotYet(f"{NAME} has the learning rate {factor * rate:g}; wanted {rate:g}.")
    # the gradient is the weight itself, so plain descent shrinks all weights alike, whatever its rate
    left = ended @ begun / (begun @ begun)
    if 0.02 < left < 0.995 and alike(ended, left * begun, 0.0, 0.05 * rate):
        raise NotYet(f"{NAME} goes down the gradient by itself; wanted are steps of Adam.")
    raise NotYet(
        f"{NAME} does not go the way of Adam with a learning rate of {rate:g}: {steps} steps on a loss whose "
        "gradients are known end elsewhere. Is one update made in each step, from the gradient of that step?"
    )


def _adam(weights, rate, steps, b1=0.9, b2=0.999, eps=1e-8):
    """The weights after 0, 1, ... steps of Adam on half their squares, (steps + 1, n)."""
    way, first, second = [weights], np.zeros_like(weights), np.zeros_like(weights)
    for t in range(1, steps + 1):
        gradient = way[-1]
        first, second = b1 * first + (1 - b1) * gradient, b2 * second + (1 - b2) * gradient**2
        update = first / (1 - b1**t) / (np.sqrt(second / (1 - b2**t)) + eps)
        way.append(way[-1] - rate * update)
    return np.array(way)


def _nearly(ended, place, rate):
    return alike(ended, place, 0.0, 0.25 * rate)


def _weights(model):
    return np.concatenate([np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(model)])


def _small_vae():
    return models.VAE(x_dim=6, hidden_dim=8, hidden_layers=0, key=jax.random.key(0))


def training_draws_afresh(
    function: Callable, model: Any, images: np.ndarray, steps: int = 12, batch_size: int = BATCH
) -> None:
    """Checks that each step of a training loop has a batch and noise of its own, drawn with the key.

    Args:
      function: as in `training_improves`.
      model: an untrained VAE.
      images: (n, x_dim); the check hands in random ones, which it can tell apart, and an eighth fewer.
      steps: of the run.
      batch_size: the one that was asked for.

    Raises:
      NotYet: something is drawn twice, in order, or with something else than the key.
    """
    (rng,) = cases(1)
    count = len(images) * 7 // 8  # another number than the notebook's
    images = rng.uniform(0, 1, (count, np.shape(images)[1])).astype(np.float32)
    seen, of_a_step = [], _seconds_of_a_step(model, images)

    def spying(model, x, key):
        jax.debug.callback(
            lambda *facts: seen.append([np.asarray(fact) for fact in facts]),
            key_bits(key),
            x,
        )
        return _loss(model, x, key)

    def watched(key, loop=function):
        seen.clear()
        trained = _run(loop, spying, model, images, key, steps, of_a_step)
        jax.effects_barrier()
        return trained, list(seen)

    seed = int(rng.integers(2**31 - 1))
    first, calls = watched(jax.random.key(seed))
    if not calls:
        raise NotYet(f"{NAME} never called the loss that it was handed.")
    if len(calls) < steps:
        raise NotYet(f"{NAME} was to make {steps} steps and took the loss {len(calls)} times.")
    keys, batches = ({facts[i].tobytes() for facts in calls} for i in (0, 1))
    if len(batches) < steps:
        raise NotYet(
            f"{NAME} used {len(batches)} different batches in {steps} steps: draw a new one in each, with a "
            "new key."
        )
    if len(keys) < steps:
        raise NotYet(
            f"{NAME} used a key twice: {len(keys)} different keys for the noise of {steps} steps. Derive one "
            "for each step, as with jax.random.fold_in(key, step)."
        )
    # a loop may look at its loss more than once in a step
    distinct = {x.tobytes(): x for _, x in calls}.values()
    _require_random_batches(distinct, images, batch_size)
    _, again = watched(jax.random.key(seed), _each_key_once(function))
    if {x.tobytes() for _, x in again} != batches or {k.tobytes() for k, _ in again} != keys:
        raise NotYet(
            f"{NAME} draws other batches or noise though the key is the same: is there a generator besides "
            "it, "
            "as NumPy's?"
        )
    other, others = watched(jax.random.key(seed + 1))
    if same_weights(first, other):
        raise NotYet(
            f"{NAME} gives the same model for two keys: derive batches and noise from the key handed in."
        )
    if {x.tobytes() for _, x in others} & batches:
        raise NotYet(f"{NAME} has the same batches for two keys: draw them with the key that is handed in.")
    passed(f"{NAME} draws afresh in every step")


def _require_random_batches(batches, images, batch_size):
    row_of = {row.tobytes(): i for i, row in enumerate(images)}
    rows = [[row_of.get(np.float32(row).tobytes()) for row in batch] for batch in batches]
    if any(None in batch for batch in rows):
        raise NotYet(f"{NAME} hands the loss pictures that are not among the images: draw whole rows.")
    sizes = {len(batch) for batch in rows}
    if sizes != {batch_size}:
        raise NotYet(f"{NAME} has batches of {sorted(sizes)} pictures; wanted {batch_size} in every step.")
    if np.mean([np.mean(np.diff(batch) == 1) for batch in rows]) > 0.5:
        raise NotYet(f"{NAME} takes the pictures in the order in which they are stored: draw them at random.")
    drawn = np.concatenate(rows)
    require_all_drawn(NAME, drawn, len(images))
    often = np.bincount(drawn).max()
    if often > 10 + 4 * len(drawn) / len(images):  # of honest draws less than once in ten million times
        raise NotYet(
            f"{NAME} takes one picture {often} times in {len(drawn):,} draws from {len(images):,}: does a "
            "number of images stand where `len(images)` should?"
        )


def require_all_drawn(name: str, rows: np.ndarray, count: int) -> None:
    """Raises `NotYet` if a tenth of the data, or every second, third, ... row of it, was never drawn.

    Args:
      name: what draws, for the message.
      rows: indices of at least 400 draws.
      count: how many rows there are.
    """
    share = np.bincount(10 * rows // count, minlength=10)
    if (share == 0).any():
        missing = np.flatnonzero(share == 0)
        raise NotYet(
            f"{name} never draws from {len(missing)} tenths of the data, which begin at rows "
            f"{', '.join(str(m * count // 10) for m in missing)}: draw from all of it."
        )
    for stride in range(2, 11):
        if len(np.unique(rows % stride)) < stride:
            raise NotYet(f"{name} never draws some of the rows, one in {stride}: draw from all of them.")


def _each_key_once(function):
    """The loop, with a watch on keys: one for batch and noise makes the one depend on the other."""

    def watched(*arguments):
        try:
            with jax.debug_key_reuse(True):
                return function(*arguments)
        except KeyReuseError:
            raise NotYet(
                f"{NAME} used a key twice: a draw depends on another one then. Split the key into one for "
                "the "
                "batch and one for the noise, and do not use the one that was split."
            ) from None

    return watched


def _loss(model, x, key):
    return losses.vae_loss(model, x, typed_key(key))[0]


def _run(function, loss, model, images, key, steps, seconds_of_a_step):
    """What the loop makes of a copy of the model, with time in proportion to that of a plain loop."""
    handed = copied(model)
    limit = max(frame.PATIENCE, 5 * steps * seconds_of_a_step)
    trained = call(NAME, function, loss, handed, images, key, steps, seconds=limit)
    if trained is None:
        raise NotYet(f"{NAME} returned None: is there a `return`?")
    if jax.tree.structure(trained) != jax.tree.structure(model):
        raise NotYet(f"{NAME} should return the trained model alone; what came is {described(trained)}.")
    return trained


def _seconds_of_a_step(model, images):
    """How long one gradient takes that is not compiled."""
    batch, key = jnp.asarray(images[:BATCH]), jax.random.key(0)
    seconds = []
    for _ in range(2):  # the first compiles its parts
        start = time.thread_time()
        jax.block_until_ready(jax.grad(_loss)(model, batch, jax.random.clone(key)))
        seconds.append(time.thread_time() - start)
    return min(seconds)
