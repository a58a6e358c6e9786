"""What can be set on a training stage: the names, their ranges, the data sets, and a preset for each
lesson."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from vaegan_helpers import losses, mixtures, training
from vaegan_helpers.inputs import require_positive

# name: (what makes it, its options)
_MIXTURES: dict[str, tuple[Callable, dict[str, Any]]] = {
    "line": (mixtures.gaussian_line, {}),
    "two Gaussians": (mixtures.two_gaussians, {"distance": 2.4, "std": 0.3}),
    "ring": (mixtures.gaussian_ring, {"modes": 8, "radius": 2.0, "std": 0.1}),
    "grid": (mixtures.gaussian_grid, {"side": 5, "spacing": 1.0, "std": 0.05}),
    "blobs": (mixtures.three_blobs, {}),
    "Dirac": (mixtures.mixture, {"means": [[0.0, 0.0]], "stds": 1e-3}),  # one real point at 0
}
DATA = {name: make(**options) for name, (make, options) in _MIXTURES.items()}
SOURCES = {
    name: f"mixtures.{make.__name__}({', '.join(f'{option}={value!r}' for option, value in options.items())})"
    for name, (make, options) in _MIXTURES.items()
}
CATEGORIES = 64  # of mixture noise
FREQUENCIES = (1.0, 2.0, 4.0, 8.0, 16.0)
FALLING_ROUNDS = 4000.0
UNROLLED_STEPS = 3
LIMIT = 2.7  # of drawn points and of the Dirac game's start, on the plane from -3 to 3


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a learner can set. Everything a stage does follows from these values, and from the points of a
    drawing.

    Attributes:
      data: a name in `DATA`, or "drawn".
      seed: of the data, the first weights, batches and noise.
      hidden_layers, hidden_dim: of every network.
      z_dim: dimension of G's noise; the VAE always has two latent numbers.
      noise: "normal", "uniform" (in [-1, 1]), or "mixture": normal, and one of 64 categories besides.
      packing, minibatch_std, spectral_norm, fourier_features: how D judges; see `models.Discriminator`. Packs
        are of two.
      loss: a name in `losses.GAN_LOSSES`.
      discriminator_learning_rate, generator_learning_rate, vae_learning_rate: positive.
      discriminator_optimizer, generator_optimizer: names in `training.OPTIMIZERS`; the VAE has Adam.
      momentum: Adam's first decay rate, and that of SGD with momentum.
      discriminator_steps, generator_steps: moves in each round.
      penalty, penalty_weight: on D's gradients; see `training.fit_gan`.
      unrolling: G moves against the D that would stand there after three more moves.
      averaging: what is shown and measured is G with the moving average of its weights, decay 0.995.
      falling_rates: both players' rates fall to a hundredth within the first 4,000 rounds.
      batch_size: points per move, of both players and of the VAE.
      beta: weight of the VAE's KL term.
      generator_start, discriminator_start: the two numbers of the Dirac game at round 0; other data has
        networks, of random weights.
    """

    data: str = "ring"
    seed: int = 0
    hidden_layers: int = 2
    hidden_dim: int = 64
    z_dim: int = 2
    noise: str = "normal"
    packing: bool = False
    minibatch_std: bool = False
    spectral_norm: bool = False
    fourier_features: bool = False
    loss: str = "non-saturating"
    discriminator_learning_rate: float = 1e-3
    generator_learning_rate: float = 1e-3
    discriminator_optimizer: str = "Adam"
    generator_optimizer: str = "Adam"
    momentum: float = 0.5
    discriminator_steps: int = 1
    generator_steps: int = 1
    penalty: str = "r1"
    penalty_weight: float = 0.1
    unrolling: bool = False
    averaging: bool = False
    falling_rates: bool = False
    batch_size: int = 128
    beta: float = 1.0
    vae_learning_rate: float = 1e-3
    generator_start: float = 1.5
    discriminator_start: float = 0.5

    @property
    def optimizers(self) -> tuple[str, str]:
        """Names in `training.OPTIMIZERS`: D's and G's."""
        return self.discriminator_optimizer, self.generator_optimizer

    def game(self, who: str = "both") -> training.Game:
        """The rules of the GAN's game, for rounds in which one player may have to wait."""
        return training.Game(
            loss=self.loss,
            penalty=None if self.penalty == "none" else self.penalty,
            batch_size=self.batch_size,
            discriminator_steps=self.discriminator_steps * (who != "generator"),
            generator_steps=self.generator_steps * (who != "discriminator"),
            unrolled_steps=UNROLLED_STEPS * self.unrolling,
            optimizers=self.optimizers,
        )

    def traced(self) -> training.GanSettings:
        """What the compiled rounds of the GAN take as numbers."""
        rates = self.discriminator_learning_rate, self.generator_learning_rate
        averaging, final_rate = 0.995 * self.averaging, 0.01 if self.falling_rates else 1.0
        numbers = (*rates, self.penalty_weight, self.momentum, averaging, final_rate, FALLING_ROUNDS)
        return training.GanSettings(*map(float, numbers))


# Which settings begin anew, and which act at once: every field stands in one of the two.
RESETS = (
    "data",
    "seed",
    "hidden_layers",
    "hidden_dim",
    "z_dim",
    "noise",
    "packing",
    "minibatch_std",
    "spectral_norm",
    "fourier_features",
    "generator_start",
    "discriminator_start",
)
LIVE = tuple(field.name for field in dataclasses.fields(Settings) if field.name not in RESETS)
# What each setting may be: one of some names, or a whole number from the first to the second.
CHOICES = {
    "data": (*DATA, "drawn"),
    "noise": ("normal", "uniform", "mixture"),
    "loss": tuple(losses.GAN_LOSSES),
    "discriminator_optimizer": tuple(training.OPTIMIZERS),
    "generator_optimizer": tuple(training.OPTIMIZERS),
    "penalty": ("none", "r1", "r1 and r2", "gradient penalty"),
}
WHOLE = {
    "seed": (0, 2**31 - 1),
    "hidden_layers": (1, 4),
    "hidden_dim": (2, 256),
    "z_dim": (1, 16),
    "discriminator_steps": (1, 10),
    "generator_steps": (1, 10),
    "batch_size": (2, 1024),
}
PRESETS = {
    # noise without tails and a deep G put the first samples in the empty middle; plain SGD moves G by the
    # gradient as it is
    "vanishing gradient": {
        "data": "ring",
        "noise": "uniform",
        "hidden_layers": 4,
        "loss": "saturating",
        "penalty": "none",
        "discriminator_learning_rate": 3e-3,
        "generator_optimizer": "SGD",
        "generator_learning_rate": 3e-4,
    },
    # a D that learns twice as fast as G: at most 11 of 25 modes after 800 rounds, on ten seeds and on every
    # stack tried
    "mode collapse": {
        "data": "grid",
        "fourier_features": True,
        "penalty": "none",
        "discriminator_learning_rate": 2e-3,
    },
    "oscillation": {
        "data": "ring",
        "penalty": "none",
        "discriminator_learning_rate": 3e-4,
        "generator_learning_rate": 3e-3,
    },
    "a healthy run": {
        "data": "ring",
        "penalty": "r1",
        "penalty_weight": 0.05,
        "averaging": True,
        "momentum": 0.0,
    },
    "posterior collapse": {
        "data": "ring",
        "penalty": "r1",
        "penalty_weight": 0.05,
        "averaging": True,
        "momentum": 0.0,
        "beta": 500.0,
    },
    # plain gradient steps on both sides of the minimax loss go round in a circle; R1 bends it into a spiral
    "Dirac": {
        "data": "Dirac",
        "loss": "saturating",
        "penalty": "none",
        "discriminator_optimizer": "SGD",
        "generator_optimizer": "SGD",
        "discriminator_learning_rate": 0.05,
        "generator_learning_rate": 0.05,
        "vae_learning_rate": 0.01,
    },
}


def check_points(points: Any) -> np.ndarray:
    """Drawn points as (n, 2) float32, rounded to thousandths so that a line of code can hold them.

    Raises:
      ValueError: fewer than 20, another shape, not finite, or outside of the stage's plane.
    """
    points = np.asarray(points, np.float32)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points has shape {points.shape}; wanted (n, 2)")
    if len(points) < 20:
        raise ValueError(f"a drawing needs at least 20 points; got {len(points)}")
    if not np.isfinite(points).all():
        raise ValueError(
            f"{int((~np.isfinite(points).all(axis=1)).sum())} of {len(points)} points are NaN or infinite"
        )
    if np.abs(points).max() > LIMIT:
        raise ValueError(
            f"points must lie between -{LIMIT} and {LIMIT}; the farthest lies at {np.abs(points).max():.3g}"
        )
    return np.round(points, 3)


def check_settings(settings: Settings, **changes: Any) -> Settings:
    """The settings with the changes, checked.

    Raises:
      ValueError: an unknown name, or a value of the wrong kind or out of range.
    """
    fields: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(Settings)}
    unknown = set(changes) - set(fields)
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}; there are {', '.join(fields)}")
    for name, value in changes.items():
        if name in CHOICES and not (isinstance(value, str) and value in CHOICES[name]):
            raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}; got {value!r}")
        if name in WHOLE and not (
            isinstance(value, (int, np.integer))
            and not isinstance(value, bool)
            and WHOLE[name][0] <= value <= WHOLE[name][1]
        ):
            raise ValueError(
                f"{name} must be a whole number from {WHOLE[name][0]} to {WHOLE[name][1]}; got {value!r}"
            )
        if fields[name] is bool and not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False; got {value!r}")
        if name.endswith("learning_rate"):
            require_positive(**{name: value})
        if name in ("momentum", "penalty_weight", "beta"):
            high = 1 if name == "momentum" else np.inf
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float, np.number))
                or not 0 <= value < high
            ):
                raise ValueError(f"{name} must be at least 0 and below {high:g}; got {value!r}")
        if name.endswith("_start"):
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not (number and abs(value) <= LIMIT):
                raise ValueError(f"{name} must be a number from -{LIMIT} to {LIMIT}; got {value!r}")
    changes = {name: fields[name](value) for name, value in changes.items()}
    new = dataclasses.replace(settings, **changes)
    if new.packing and new.batch_size % 2:
        raise ValueError(
            f"packing judges two samples together, so batch_size must be even; got {new.batch_size}"
        )
    return new
