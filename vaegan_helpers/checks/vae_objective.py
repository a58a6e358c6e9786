"""Checks of the loss of the VAE that a learner writes: its value, beta, the draw in it, its gradient."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import models
from vaegan_helpers.checks.frame import (
    NotYet,
    call,
    cases,
    compare,
    copied,
    fresh_key,
    numbers,
    passed,
)
from vaegan_helpers.checks.table import Check
from vaegan_helpers.checks.vae import kl_of_each_latent, log_p_of_pixels, sigmoid
from vaegan_helpers.checks.vae_draw import DRAW_SLIPS

X_DIM, Z_DIM = 7, 3  # of a VAE with one layer each way, whose clouds have one size for all pictures


def vae_with(rng: np.random.Generator, logvar: Any) -> models.VAE:
    """A small VAE with random weights; its encoder gives the log variances (z_dim,) to every picture."""
    model = models.VAE(x_dim=X_DIM, z_dim=Z_DIM, hidden_layers=0, key=jax.random.key(0))
    (down,), (up,) = model.encoder.network.layers, model.decoder.network.layers
    kernel = np.concatenate([rng.normal(0, 0.8, (X_DIM, Z_DIM)), np.zeros((X_DIM, Z_DIM))], axis=1)
    bias = np.concatenate([rng.normal(0, 0.3, Z_DIM), np.broadcast_to(logvar, Z_DIM)])
    layer: Any
    for layer, weights, offset in [
        (down, kernel, bias),
        (up, rng.normal(0, 1.2, (Z_DIM, X_DIM)), rng.normal(0, 0.3, X_DIM)),
    ]:
        layer.kernel[...], layer.bias[...] = jnp.float32(weights), jnp.float32(offset)
    return model


def _layer(network, x):
    (layer,) = network.layers
    return np.asarray(x) @ np.asarray(layer.kernel) + np.asarray(layer.bias)


def _encoded(model, x):
    """Mean and logvar, (batch, z_dim) each, in NumPy."""
    return np.split(_layer(model.encoder.network, x), 2, axis=1)


def _costs(model, x):
    """Reconstruction and KL of each picture, (batch,) each, decoded from the centre of its cloud."""
    mean, logvar = _encoded(model, x)
    logits = _layer(model.decoder.network, mean)
    return -log_p_of_pixels(logits, np.asarray(x)).sum(1), kl_of_each_latent(mean, logvar).sum(1)


def _narrow(rng):
    """Arguments of a `vae_loss` for which noise plays no role."""
    x = rng.uniform(0, 1, (rng.choice([4, 6]), X_DIM))
    return vae_with(rng, -20.0), np.float32(x), fresh_key(rng), 1.0


def _made_of(formula):
    """A loss out of a formula of (reconstruction, KL), (batch,) each."""
    return lambda model, x, key, beta: formula(*_costs(model, x))


def _with_probabilities_for_logits(model, x, key, beta):
    logits = _layer(model.decoder.network, _encoded(model, x)[0])
    return np.mean(-log_p_of_pixels(sigmoid(logits), np.asarray(x)).sum(1) + _costs(model, x)[1])


vae_loss = Check(
    "the loss",
    "a `vae_loss(model, x, key, beta)` at beta = 1: minus the ELBO, a mean over the batch, in nats.",
    _narrow,
    _made_of(lambda rec, rate: np.mean(rec + rate)),
    {
        "this is the ELBO itself, which is maximised. The loss is minus that.": _made_of(
            lambda rec, rate: -np.mean(rec + rate)
        ),
        "the KL is added to the surprise: both are costs. Check its sign.": _made_of(
            lambda rec, rate: np.mean(rec - rate)
        ),
        "the log-likelihood has the wrong sign: its negative, the surprise, is a cost.": _made_of(
            lambda rec, rate: np.mean(rate - rec)
        ),
        "it is {0}.0 times too large: did you sum over the batch?": _made_of(
            lambda rec, rate: np.sum(rec + rate)
        ),
        "this is one number for each picture: average over the batch.": _made_of(
            lambda rec, rate: rec + rate
        ),
        "the KL is missing.": _made_of(lambda rec, rate: np.mean(rec)),
        "the reconstruction is missing.": _made_of(lambda rec, rate: np.mean(rate)),
        "the KL is averaged over the latents; it should be summed.": _made_of(
            lambda rec, rate: np.mean(rec + rate / Z_DIM)
        ),
        "the reconstruction is averaged over the pixels; it should be summed.": _made_of(
            lambda rec, rate: np.mean(rec / X_DIM + rate)
        ),
        "you took probabilities for logits: use model.decoder, not model.decode.": (
            _with_probabilities_for_logits
        ),
        "the reconstruction is summed over the batch; it should be averaged.": _made_of(
            lambda rec, rate: np.sum(rec) + np.mean(rate)
        ),
        "the KL is summed over the batch; it should be averaged.": _made_of(
            lambda rec, rate: np.mean(rec) + np.sum(rate)
        ),
        "the KL is 2.0 times too small: its one half stands there twice.": _made_of(
            lambda rec, rate: np.mean(rec + 0.5 * rate)
        ),
        "the KL is 2.0 times too large: its one half is missing.": _made_of(
            lambda rec, rate: np.mean(rec + 2 * rate)
        ),
    },
    meaning="one number",
)


def vae_loss_beta(function: Callable, trials: int = 3) -> None:
    """Checks that beta weighs the KL in a `vae_loss`, and nothing else.

    Args:
      function: as in `vae_loss`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: beta does something else; the message names the likely slip.
    """
    name = "the effect of beta"
    for rng in cases(trials):
        model, x, key, _ = _narrow(rng)
        reconstruction, rate = (part.mean() for part in _costs(model, x))

        def loss(beta, model=model, x=x, key=key):
            value = numbers(name, call(name, function, model, jnp.asarray(x), jax.random.clone(key), beta))
            return np.mean(value) if np.size(value) == len(x) else value

        at_one = loss(1.0)
        for beta in (float(rng.uniform(2, 8)), float(rng.uniform(0.1, 0.7)), 0.0):
            grown, wanted = loss(beta) - at_one, (beta - 1) * rate
            if np.size(grown) == 1 and np.allclose(np.abs(grown), np.abs(wanted), rtol=1e-3):
                continue  # the sign is the business of `vae_loss`
            # where a large beta has its effect, a small one without any is taken for 1
            without = (
                "there is none: beta is not used."
                if beta > 1
                else f"a beta {'below 1' if beta else 'of 0'} is taken for 1. It may be any number that is "
                "not negative."
            )
            slips = [
                (0.0, without),
                ((beta - 1) * reconstruction, "beta stands on the reconstruction. It weighs the KL."),
                (
                    (beta - 1) * (reconstruction + rate),
                    "beta stands on the whole loss. It weighs the KL alone.",
                ),
                ((beta**2 - 1) * rate, "beta stands there twice."),
            ]
            if beta:
                slips += [
                    (
                        (1 / beta - 1) * reconstruction,
                        "the reconstruction is divided by beta. Multiply the KL by it.",
                    ),
                    ((1 / beta - 1) * rate, "the KL is divided by beta, and should be multiplied by it."),
                ]
            compare(name, grown, wanted, slips, atol=1e-3)
    passed(name)


def vae_loss_noise(function: Callable, trials: int = 2) -> None:
    """Checks that a `vae_loss` decodes a draw of each picture's cloud, and that gradients flow through it.

    Args:
      function: as in `vae_loss`.
      trials: how many random inputs it is tried on.

    Raises:
      NotYet: the draw or the gradient is something else; the message names the likely slip.
    """
    name = "the draw in the loss"
    for rng in cases(trials):
        model, picture, truth, slips, tolerance = _noisy(rng)
        x = jnp.asarray(np.repeat(picture, 300, axis=0))
        seeds = [int(seed) for seed in rng.integers(2**31, size=20)]
        # with beta = 0, since the KL is not the business of this check
        values = np.array(
            [
                np.mean(numbers(name, call(name, function, model, x, jax.random.key(seed), 0.0)))
                for seed in (seeds[0], *seeds)
            ]
        )
        if not np.isclose(values[0], values[1]):
            raise NotYet(f"{name} changes though the key does not: use the key that is handed in.")
        if np.allclose(values, values[0], rtol=1e-6):
            raise NotYet(
                f"{name} does not depend on the key. Is the mean decoded? Draw z with losses.reparameterise, "
                "hand it the key, and decode z."
            )
        mean, of_one = truth.mean(), truth.std()  # over draws, of one picture
        if (
            np.std(values[1:]) > 0.25 * of_one
        ):  # all of it if the batch shares one draw, 0.04 of it if none do
            raise NotYet(
                f"{name} scatters too much for {len(x):,} pictures: is one noise shared over the batch?"
            )
        sign = -1 if values[1:].mean() < 0 else 1  # that, too, is the business of `vae_loss`
        wrong = [(slip.mean(), sentence) for slip, sentence in slips]
        compare(name, sign * values[1:].mean(), mean, wrong, rtol=0, atol=tolerance)
        _require_gradient(function, model, jnp.asarray(picture), fresh_key(rng), rng)
    passed(name)


def _noisy(rng):
    """A VAE with clouds of several sizes, a picture, and its surprise over draws, right and with each slip.

    Returns:
      (model, picture (1, x_dim), surprise (draws,), [(surprise (draws,), sentence)], tolerance of a mean).
    """
    draws = 20_000
    noise = rng.normal(size=(draws, Z_DIM))
    while True:
        model = vae_with(
            rng, rng.permutation([rng.uniform(-4, -3), rng.uniform(-1.5, -1), rng.uniform(2.3, 3)])
        )
        picture = np.float32(rng.uniform(0, 1, (1, X_DIM)))
        mean, logvar = _encoded(model, picture)

        def surprise(z, model=model, picture=picture):
            return -log_p_of_pixels(_layer(model.decoder.network, z), picture).sum(1)

        truth = surprise(mean + np.exp(0.5 * logvar) * noise)
        slips = [(surprise(slip(mean, logvar, noise)), sentence) for sentence, slip in DRAW_SLIPS.items()]
        tolerance = 5 * truth.std() * np.sqrt(1 / 3_000 + 1 / draws)
        shown = [abs(slip.mean() - truth.mean()) > 2 * tolerance for slip, _ in slips]
        if np.mean(shown) > 0.7:
            return model, picture, truth, slips, tolerance


def _require_gradient(function, model, x, key, rng):
    """The gradient of the loss is the slope of its own value, whichever way the weights are moved."""
    name, step = "the gradient of the loss", 0.02
    for beta in (0.0, 1.0):

        def loss(model, beta=beta):
            return jnp.mean(function(model, x, jax.random.clone(key), beta))

        slopes = call(name, jax.grad(loss), model)
        source = "" if beta else " from the reconstruction"
        for part in ("encoder", "decoder"):
            of_part = [np.asarray(leaf, float) for leaf in jax.tree.leaves(getattr(slopes, part))]
            length = np.sqrt(sum((leaf**2).sum() for leaf in of_part))
            if not np.isfinite(length):
                raise NotYet(f"{name}: what reaches the {part} is NaN or infinite.")
            if length < 1e-6:
                raise NotYet(
                    f"{name}: nothing reaches the {part}{source}. Is there a stop_gradient on the way, or a "
                    "detour through NumPy?"
                )
            if part == "encoder":
                _require_both_halves(name, of_part, source)
            for _ in range(3):
                way = [rng.normal(size=leaf.shape) for leaf in of_part]
                promised = sum((leaf * move).sum() for leaf, move in zip(of_part, way, strict=True))
                ahead, behind = (
                    float(call(name, loss, _moved(model, part, way, sign * step))) for sign in (1, -1)
                )
                rise = (ahead - behind) / (2 * step)
                if not np.isclose(rise, promised, rtol=0.05, atol=0.05 * length):
                    raise NotYet(
                        f"{name} promises a rise of the loss by {promised:.3g} for a unit of way through the "
                        f"{part}, and it rises by {rise:.3g}. Is a part of it held back, as by stop_gradient?"
                    )


def _require_both_halves(name, of_encoder, source):
    """The encoder's layer has its means in the first columns, and its log variances in the others."""
    for half, columns in (("the mean", slice(Z_DIM)), ("logvar", slice(Z_DIM, None))):
        if all(np.abs(leaf[..., columns]).max() < 1e-6 for leaf in of_encoder):
            raise NotYet(f"{name}: nothing reaches {half}{source}. Is there a stop_gradient on {half}?")


def _moved(model, part, way, length):
    """The model with one part moved so far along a way, which has an array for each of its weights."""
    moved = copied(model)
    leaves, tree = jax.tree.flatten(getattr(moved, part))
    new = [leaf + jnp.float32(length * move) for leaf, move in zip(leaves, way, strict=True)]
    setattr(moved, part, jax.tree.unflatten(tree, new))
    return moved
