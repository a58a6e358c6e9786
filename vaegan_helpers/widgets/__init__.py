"""Explorers to touch: each is one line in a notebook, moves without recompiling, and says in words what it shows."""

from vaegan_helpers.widgets.drawing import DrawDigit, like_mnist
from vaegan_helpers.widgets.flipbook import Flipbook, flipbook
from vaegan_helpers.widgets.kl import KLPlayground
from vaegan_helpers.widgets.plane import LatentPlane, Pad
from vaegan_helpers.widgets.sampler import Sampler
from vaegan_helpers.widgets.side_by_side import SideBySide
from vaegan_helpers.widgets.walks import Interpolation, Traversal

__all__ = [
    "DrawDigit",
    "Flipbook",
    "Interpolation",
    "KLPlayground",
    "LatentPlane",
    "Pad",
    "Sampler",
    "SideBySide",
    "TrainingStage",
    "Traversal",
    "flipbook",
    "like_mnist",
]
