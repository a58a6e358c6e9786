"""Checks of a training loop that a learner writes: `train(loss, model, images, key, steps)`, which returns a model."""

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import losses
from vaegan_helpers.checks.frame import NotYet, call, cases, fresh_key, passed

NAME = "the training"


def training_improves(function, model, images, steps=200):
    """Checks that a training loop lowers the loss of a VAE, and returns the trained model.

    Args:
      function: takes (loss, model, images, key, steps), where loss(model, x, key) is one number.
      model: an untrained VAE.
      images: (n, x_dim), pixels in [0, 1].
      steps: of the run.

    Raises:
      NotYet: the loss did not fall enough; the message names the likely slip.
    """
    (rng,) = cases(1)
    measure_key, train_key = jax.random.split(fresh_key(rng))
    trained = _same_kind(call(NAME, function, _loss, model, images, train_key, steps), model)
    before, after = (
        float(_loss(m, jnp.asarray(images), jax.random.clone(measure_key))) for m in (model, trained)
    )
    if not np.isfinite(after):
        raise NotYet(
            f"{NAME} ended in a loss of {after}: is the learning rate too large? 0.002 is a good one for Adam."
        )
    if _equal(trained, model):
        raise NotYet(
            f"{NAME} returned the model that went in: keep what `optax.apply_updates` returns, and return it."
        )
    if after > before:
        raise NotYet(
            f"{NAME} made the loss rise from {before:.0f} to {after:.0f} nats. Is it going up the gradient? The "
            "updates of an optimiser are added as they are, for a loss that is minimised."
        )
    if after > 0.6 * before:
        raise NotYet(
            f"{NAME} lowered the loss from {before:.0f} to {after:.0f} nats only; about 210 is usual after {steps} "
            "steps of 64 pictures. Are all steps made, and is the learning rate about 0.002?"
        )
    passed(f"{NAME} lowers the loss")


def training_draws_afresh(function, model, images, steps=12):
    """Checks that each step of a training loop has a batch and noise of its own, drawn with the key handed in."""
    (rng,) = cases(1)
    seen = []

    def spying(model, x, key):
        jax.debug.callback(
            lambda *facts: seen.append(tuple(np.asarray(f).tobytes() for f in facts)),
            jax.random.key_data(key),
            jnp.sum(x * jnp.arange(1, 1 + x.shape[-1]), axis=-1),
        )
        return _loss(model, x, key)

    seed = int(rng.integers(2**31 - 1))
    results = []
    for run_seed in (seed, seed + 1):
        results.append(
            _same_kind(call(NAME, function, spying, model, images, jax.random.key(run_seed), steps), model)
        )
        jax.effects_barrier()
    calls = seen[: len(seen) // 2]
    if not calls:
        raise NotYet(f"{NAME} never called the loss that it was handed.")
    if len(calls) < steps:
        raise NotYet(f"{NAME} was to make {steps} steps and took the loss {len(calls)} times.")
    keys, batches = (set(facts) for facts in zip(*calls))
    if len(batches) < steps:
        raise NotYet(
            f"{NAME} used {len(batches)} different batches in {steps} steps: draw a new one in each, with a new key."
        )
    if len(keys) < steps:
        raise NotYet(
            f"{NAME} used a key twice: {len(keys)} different keys for the noise of {steps} steps. Derive one for "
            "each step, as with jax.random.fold_in(key, step)."
        )
    if _equal(*results):
        raise NotYet(
            f"{NAME} gives the same model for two keys: derive batches and noise from the key that is handed in."
        )
    passed(f"{NAME} draws afresh in every step")


def _loss(model, x, key):
    return losses.vae_loss(model, x, key)[0]


def _same_kind(trained, model):
    """The trained model, if it is one with the weights of `model`."""
    if trained is None:
        raise NotYet(f"{NAME} returned None: is there a `return`?")
    if jax.tree.structure(trained) != jax.tree.structure(model):
        kind = (
            f"a tuple of {len(trained)}"
            if isinstance(trained, tuple)
            else f"of type {type(trained).__name__}"
        )
        raise NotYet(f"{NAME} should return the trained model alone; what came is {kind}.")
    return trained


def _equal(model, other):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(model), jax.tree.leaves(other)))
