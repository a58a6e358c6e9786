"""Explorers to touch: each is one line in a notebook, moves under the hand, says in words what it shows."""

from vaegan_helpers.widgets.buttons import Buttons
from vaegan_helpers.widgets.drawing import DrawDigit, like_mnist
from vaegan_helpers.widgets.flipbook import Flipbook, flipbook
from vaegan_helpers.widgets.game import DiscriminatorGame
from vaegan_helpers.widgets.interpolation import Interpolation
from vaegan_helpers.widgets.kl import KLPlayground
from vaegan_helpers.widgets.plane import LatentPlane
from vaegan_helpers.widgets.sampler import Sampler
from vaegan_helpers.widgets.side_by_side import SideBySide
from vaegan_helpers.widgets.traversal import Traversal

__all__ = [
    "Buttons",
    "DiscriminatorGame",
    "DrawDigit",
    "Flipbook",
    "Interpolation",
    "KLPlayground",
    "LatentPlane",
    "Sampler",
    "SideBySide",
    "Traversal",
    "flipbook",
    "like_mnist",
]
