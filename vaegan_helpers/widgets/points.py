"""A page to draw a data set on: points in the plane, set down with a mouse, a finger or the keyboard."""

import ipywidgets
import numpy as np

from vaegan_helpers import plots
from vaegan_helpers.widgets.pen import Pen

PAGE = 240  # pixels along each side
LIMIT = 2.5  # the page reaches from -LIMIT to LIMIT on both axes
APART = 8  # pixels between two points of one line
SHAKE = 0.03  # standard deviation of the hand that sets the points down, in units of the plane
MOST = 600
KEYS = (
    "Page to draw data on. Arrow keys move the pen, Space sets it down or lifts it, Delete clears the page."
)


class DrawPoints(Pen, ipywidgets.VBox):
    """A page on which every line leaves points, a little shaken, as data has it.

    Args:
      on_change: called with no argument after each line, key and clearing.
      seed: of the shaking, so that the same lines give the same points.

    Attributes:
      points: (n, 2) float32, x to the right and y up, from -2.5 to 2.5.
    """

    def __init__(self, on_change=lambda: None, *, seed=0):
        self._on_change, self._seed, self._places = on_change, seed, []
        self._random = np.random.default_rng(seed)
        self._make_page(PAGE, 12, PAGE / 24)
        self.page.line_width = 1
        super().__init__([self.layers])
        self._redraw()

    @property
    def points(self):
        return np.asarray(self._places, np.float32).reshape(-1, 2)

    def clear(self, _=None):
        """Empties the page."""
        self._places, self._random = [], np.random.default_rng(self._seed)
        self._changed()

    def draw(self, points):
        """Puts points (n, 2) on an empty page, as they are."""
        points = np.asarray(points, np.float32)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise ValueError(f"points are an array (n, 2) of finite numbers, got shape {points.shape}")
        self.clear()
        self._places = [tuple(map(float, point)) for point in points[:MOST]]
        self._changed()

    def close(self):
        if self.comm is not None:
            self._on_change = lambda: None
            self._close_page()
        super().close()

    def _start_line(self, x, y):
        self._set_down(x, y)

    def _line_to(self, x, y):
        way = np.subtract((x, y), self._last)
        for _ in range(int(np.hypot(*way) / APART)):  # a fast hand is heard of only now and then
            self._set_down(*np.add(self._last, APART * way / np.hypot(*way)))

    def _set_down(self, x, y):
        self._last = x, y
        if len(self._places) < MOST:
            shake = self._random.normal(size=2) * SHAKE
            point = np.clip(
                [x * 2 * LIMIT / PAGE - LIMIT + shake[0], LIMIT - y * 2 * LIMIT / PAGE + shake[1]],
                -LIMIT,
                LIMIT,
            )
            self._places.append(tuple(map(float, point)))
            self._dot(point)
            self._on_change()

    def _changed(self, redraw=True):
        if redraw:
            self._pen_down = False
            self._redraw()
        self._on_change()

    def _dot(self, point):
        self.page.fill_style = plots.COLOURS["real"]
        self.page.fill_circle(
            (point[0] + LIMIT) * PAGE / (2 * LIMIT), (LIMIT - point[1]) * PAGE / (2 * LIMIT), 2.2
        )

    def _redraw(self):
        self.page.clear()
        self.page.stroke_style = "#D0D4D9"
        for line in (-2, -1, 0, 1, 2):
            at = (line + LIMIT) * PAGE / (2 * LIMIT)
            self.page.stroke_line(at, 0, at, PAGE)
            self.page.stroke_line(0, at, PAGE, at)
        for point in self._places:
            self._dot(point)
