"""A second opinion on a generator: how well a fresh discriminator tells its samples from real data."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.metrics import roc_auc_score

from vaegan_helpers import losses, models
from vaegan_helpers.inputs import (
    ArrayLike,
    as_array,
    require_key,
    require_positive,
    require_whole,
)

LEAST = 20  # samples of each kind: fewer cannot be cut into three parts
LOOKS = 20  # how often the discriminator is looked at while it learns


class SecondOpinion(NamedTuple):
    """What `second_opinion` read on samples that its discriminator had not learnt from.

    Attributes:
      loss: of the discriminator, in nats; 2 log 2 = 1.386 if it can only guess.
      accuracy: how often it is right; the mean of its shares on real and on generated samples.
      auc: how often it finds a real sample more real than a generated one; 1/2 if it can only guess.
      jsd: log 2 - loss / 2 in nats, a lower bound of the Jensen-Shannon divergence, which is at most
        log 2 = 0.693. By chance it may lie below 0.
      error: one standard error of `jsd`, from the number of samples it was read on.
    """

    loss: float
    accuracy: float
    auc: float
    jsd: float
    error: float


def second_opinion(
    real: ArrayLike,
    fake: ArrayLike,
    key: jax.Array,
    *,
    hidden_dim: int = 256,
    steps: int = 1000,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
) -> SecondOpinion:
    """Trains a fresh discriminator on one half of the samples, and reads it on the other half.

    A GAN's own discriminator may be too small, too tightly held or too late to see a difference that is
    there. This one has nothing to do but learn: no opponent moves, no penalty holds it. Whatever it says on
    samples that it has not seen is a *lower* bound: another discriminator may see more, none sees less than
    what is there. About a second on two cores.

    A fifth of the first half is not learnt from: it says at which of twenty moments the discriminator was
    best, since a network that is given few samples soon knows them by heart.

    Args:
      real, fake: (n, dim) and (m, dim), at least 20 each. Real samples that the generator was trained on
        make it look better than others do.
      key: for the halves, the first weights and the batches.
      hidden_dim: units in each of two hidden layers.
      steps: of Adam, with the rate falling to 0; at least 20.
      batch_size: samples of each kind per step.
      learning_rate: the first one.

    Returns:
      SecondOpinion.

    References:
      Goodfellow et al., Generative Adversarial Nets, 2014, section 4.1 (the loss of the best discriminator).
      Lopez-Paz & Oquab, Revisiting Classifier Two-Sample Tests, 2017.
    """
    real = as_array("real", real, "n", "dim", dtype=np.float32)
    fake = as_array("fake", fake, "m", real.shape[1], dtype=np.float32)
    for name, samples in [("real", real), ("fake", fake)]:
        if len(samples) < LEAST:
            raise ValueError(f"{name} must be at least {LEAST} samples; got {len(samples)}")
    require_whole(hidden_dim=hidden_dim, batch_size=batch_size)
    require_whole(LOOKS, steps=steps)
    require_positive(learning_rate=learning_rate)
    halves_key, model_key, run_key = jax.random.split(require_key(key), 3)
    pairs = _parts(real, fake, halves_key)
    learnt = np.concatenate(pairs[0])
    middle, size = learnt.mean(axis=0), learnt.std() + 1e-12  # one size for all: some pixels never change
    learn, watch, read = (tuple((samples - middle) / size for samples in pair) for pair in pairs)

    fresh = models.Discriminator(real.shape[1], hidden_dim, key=model_key)
    rate = jnp.float32(learning_rate)
    best = _learn(fresh, learn, watch, run_key, rate, length=steps // LOOKS, batch_size=batch_size)
    return _read(*(np.asarray(best(samples), np.float64) for samples in read))


def _parts(real, fake, key):
    """(real, fake) to learn from, to watch with, and to read on: 2/5, 1/10 and 1/2 of the samples."""
    cut = []
    for samples, part_key in zip((real, fake), jax.random.split(key), strict=True):
        shuffled = samples[np.asarray(jax.random.permutation(part_key, len(samples)))]
        half = len(samples) // 2
        cut.append((shuffled[: half * 4 // 5], shuffled[half * 4 // 5 : half], shuffled[half:]))
    return list(zip(*cut, strict=True))


@functools.partial(jax.jit, static_argnames=("length", "batch_size"))
def _learn(discriminator, learn, watch, key, learning_rate, *, length, batch_size):
    """The best of the discriminators met in LOOKS pieces of `length` steps, by the loss on `watch`."""
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, LOOKS * length))

    def loss_of(discriminator, real, fake):
        return losses.discriminator_loss(discriminator(real), discriminator(fake))

    def step(state, step_key):
        discriminator, memory = state
        batch = [
            samples[jax.random.randint(batch_key, (batch_size,), 0, len(samples), jnp.int32)]
            for samples, batch_key in zip(learn, jax.random.split(step_key), strict=True)
        ]
        gradients = jax.grad(loss_of)(discriminator, *batch)
        with jax.numpy_dtype_promotion("standard"):  # Optax mixes whole numbers and floats
            updates, memory = optimizer.update(gradients, memory)
            return (optax.apply_updates(discriminator, updates), memory), None

    def piece(carry, piece_key):
        state, best, least = carry
        state, _ = jax.lax.scan(step, state, jax.random.split(piece_key, length))
        loss = loss_of(state[0], *watch)
        best = jax.tree.map(lambda new, old: jnp.where(loss < least, new, old), state[0], best)
        return (state, best, jnp.minimum(loss, least)), None

    start = (discriminator, optimizer.init(discriminator)), discriminator, loss_of(discriminator, *watch)
    return jax.lax.scan(piece, start, jax.random.split(key, LOOKS))[0][1]


def _read(real_logits, fake_logits):
    """SecondOpinion from the logits (n,) and (m,) of samples that were not learnt from."""
    n, m = len(real_logits), len(fake_logits)
    on_real, on_fake = np.logaddexp(0, -real_logits), np.logaddexp(0, fake_logits)
    is_real = np.arange(n + m) < n
    loss = on_real.mean() + on_fake.mean()
    return SecondOpinion(
        loss=float(loss),
        accuracy=float(((real_logits > 0).mean() + (fake_logits <= 0).mean()) / 2),
        auc=float(roc_auc_score(is_real, np.concatenate([real_logits, fake_logits]))),
        jsd=float(np.log(2) - loss / 2),
        error=float(0.5 * np.sqrt(on_real.var() / n + on_fake.var() / m)),
    )
