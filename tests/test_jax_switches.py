"""JAX's switches change no result: 64 bits, strict promotion of types, and the search for NaN."""

import functools

import jax
import numpy as np
import pytest

from vaegan_helpers import losses, metrics, mixtures, models, stage, training

PIXELS = np.random.default_rng(0).uniform(size=(60, 784)).astype(np.float32)
POINTS = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
LABELS = np.arange(60) % 10
LOGITS, OTHERS = POINTS[:20, 0], POINTS[:20, 1]
SHORT = {"steps": 4, "batch_size": 16, "progress": False}

SWITCHES = {
    "64 bits": lambda: jax.enable_x64(True),
    "strict promotion": lambda: jax.numpy_dtype_promotion("strict"),
    "search for NaN": lambda: jax.debug_nans(True),
}


def key(seed=0):
    return jax.random.key(seed)


def picture_vae():
    return models.VAE(hidden_dim=8, hidden_layers=1, key=key(1))


def gan(discriminator=(), generator=(), **options):
    g = models.Generator(
        **{"z_dim": 3, "hidden_dim": 8, "x_dim": 2, "output": models.identity} | dict(generator), key=key(2)
    )
    d = models.Discriminator(2, 8, key=key(3), **dict(discriminator))
    g, d, history = training.fit_gan(g, d, POINTS, key(4), **SHORT, **options)
    return g, d, history["generator_loss"]


def played(**settings):
    """The curves and the counted modes of a stage after some rounds, one of them in slow motion."""
    made = stage.engine.Stage(**settings)
    made.advance(3)
    list(made.phases())
    curves = {name: values for name, values in made.history.items() if np.isfinite(values).any()}
    return curves, [] if made.path is not None else list(made.view({"per_mode", "surface"}).values())


POINT_LOSS = functools.partial(
    losses.vae_loss, log_likelihood=functools.partial(losses.gaussian_log_likelihood, std=0.1)
)
CALLS = {
    "fit_vae": lambda: training.fit_vae(picture_vae(), PIXELS, key(), held_out=PIXELS[:9], **SHORT),
    "fit_vae, points": lambda: training.fit_vae(
        models.VAE(2, 8, 2, output=models.identity, key=key()), POINTS, key(), loss=POINT_LOSS, **SHORT
    ),
    "fit_gan": lambda: gan(averaging=0.9, final_rate=0.1),
    "fit_gan, Wasserstein": lambda: gan(loss="wasserstein", penalty="gradient penalty"),
    "fit_gan, pairs": lambda: gan(loss="relativistic", penalty="r1 and r2"),
    "fit_gan, unrolled": lambda: gan(loss="saturating", penalty=None, unrolled_steps=2),
    "fit_gan, other optimisers": lambda: gan(
        loss="least squares", optimizers=("RMSprop", "SGD with momentum")
    ),
    "fit_gan, remedies": lambda: gan(
        {"packing": 2, "minibatch_std": True, "spectral_norm": True, "frequencies": (1, 2), "dropout": 0.5},
        {"categories": 2},
    ),
    "fit_vae_gan": lambda: training.fit_vae_gan(
        picture_vae(), models.Discriminator(hidden_dim=8, key=key(3)), PIXELS, key(), **SHORT
    ),
    "stage": lambda: played(hidden_dim=8, hidden_layers=1),
    "stage, Dirac": lambda: played(**stage.PRESETS["Dirac"]),
    "fit_classifier": lambda: metrics.fit_classifier(PIXELS, LABELS, key(), steps=3, batch_size=10),
    "KL": lambda: losses.kl_to_standard_normal(POINTS, POINTS),
    "KL by draws": lambda: losses.kl_monte_carlo(POINTS, POINTS, key(), 3),
    "GAN losses": lambda: [
        f(LOGITS, OTHERS)
        for f in (losses.discriminator_loss, losses.critic_loss, losses.relativistic_generator_loss)
    ],
    "G's loss": lambda: [losses.generator_loss(LOGITS, saturating) for saturating in (True, False)],
    "bound": lambda: metrics.importance_weighted_bound(picture_vae(), PIXELS[:5], key(), 3),
    "active units": lambda: metrics.latent_activity(POINTS),
    "sharpness": lambda: metrics.sharpness(PIXELS),
    "precision and recall": lambda: metrics.precision_recall(POINTS[:99], POINTS[99:], 3),
    "Fréchet distance": lambda: metrics.frechet_distance(POINTS[:99], POINTS[99:]),
    "modes": lambda: metrics.modes_covered(POINTS, mixtures.gaussian_grid())[:3],
    "mixture": lambda: (
        mixtures.gaussian_ring().sample(key(), 50),
        mixtures.gaussian_ring().log_density(POINTS),
    ),
}


def numbers(name):
    return [np.asarray(leaf, float) for leaf in jax.tree.leaves(CALLS[name]())]


@functools.cache
def usual(name):
    return numbers(name)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_changes_no_result(switch, name):
    wanted = usual(name)
    with SWITCHES[switch]():
        came = numbers(name)
    for a, b in zip(came, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
