"""A page to draw a data set on: points in the plane, set down with a mouse, a finger or the keyboard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets

from vaegan_helpers.widgets import base

LIMIT = 2.5  # the page reaches from -LIMIT to LIMIT on both axes
MOST = 600


def _as_points(_, points):
    points = (
        np.asarray(points, np.float32).reshape(-1, 2) if len(points) == 0 else np.asarray(points, np.float32)
    )
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"points are an array (n, 2) of finite numbers, got shape {points.shape}")
    return np.clip(points, -LIMIT, LIMIT)[:MOST].tolist()


class DrawPoints(base.PageWidget):
    """A page on which every line leaves points, a little shaken, as data has it.

    Args:
      on_change: called with no argument after each line, key and clearing.
      seed: of the shaking, so that the same lines give the same points.

    Attributes:
      points: (n, 2) float32, x to the right and y up, from -2.5 to 2.5.
    """

    _esm = base.script("points.js")
    places = base.State([], _as_points)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, on_change: Callable[[], Any] = lambda: None, *, seed: int = 0):
        super().__init__(data={"title": "Page to draw data on", "limit": LIMIT, "most": MOST, "seed": seed})
        self.observe(lambda _: on_change(), "places")

    @property
    def points(self) -> np.ndarray:
        return np.asarray(self.places, np.float32).reshape(-1, 2)

    def clear(self, _: Any = None) -> None:
        """Empties the page."""
        self.places = []

    def draw(self, points: Any) -> None:
        """Puts points (n, 2) on an empty page, as they are."""
        self.places = points
