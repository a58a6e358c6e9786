"""A page to draw a digit on, and its preparation in the way MNIST's digits were prepared."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vaegan_helpers import data
from vaegan_helpers.widgets import base, networks, pictures
from vaegan_helpers.widgets.plane import nearest_in_words, plane_data, plane_limit, plane_png

SIDE, SIZE, RADIUS, SOFT = 76, 60, 5, 2.4  # of raster, digit, pen and its edge; as in page/drawing.js


def like_mnist(ink: Any) -> np.ndarray:
    """A drawing prepared as MNIST's digits were: cropped, scaled into 20x20, centred by its mass in 28x28.

    Args:
      ink: the drawing, (height, width) in [0, 1]; 0 is paper.

    Returns:
      (784,) float32 in [0, 1].

    Raises:
      ValueError: the page is empty, or the array is not a drawing.

    References:
      LeCun, Cortes & Burges, The MNIST database of handwritten digits, 1998.
    """
    ink = np.asarray(ink, np.float32)
    if ink.ndim != 2 or not np.isfinite(ink).all() or ink.size == 0 or ink.min() < 0 or ink.max() > 1:
        raise ValueError(f"a drawing is an array (height, width) of ink in [0, 1], got shape {ink.shape}")
    rows, columns = np.nonzero(ink > 0.1)
    if not len(rows):
        raise ValueError("the page is empty: draw a digit first, or choose a stored one")
    digit = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, int(side * 20 / max(digit.shape) + 0.5)) for side in digit.shape)
    small = _shares(digit.shape[0], height) @ digit @ _shares(digit.shape[1], width).T
    centre = [(small.sum(axis=1 - axis) @ np.arange(small.shape[axis])) / small.sum() for axis in (0, 1)]
    down, across = (
        int(np.clip(np.floor(14.5 - c), 0, 28 - n)) for c, n in zip(centre, small.shape, strict=True)
    )
    page = np.zeros((28, 28), np.float32)
    page[down : down + height, across : across + width] = small / small.max()
    return page.ravel()


def _shares(old, new):
    """How much of each of the old pixels a new one covers, (new, old)."""
    edges = np.arange(new + 1)[:, None] * old / new
    pixels = np.arange(old)
    covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.clip(covered, 0, None) * new / old


def prepared(strokes: list) -> np.ndarray:
    """Strokes as a digit of MNIST, (784,): lines as wide as suits the digit's size, with soft edges."""
    lines = [np.asarray(stroke, float) for stroke in strokes]
    points = np.concatenate(lines)
    scale = SIZE / max(np.ptp(points, axis=0).max(), 6.0)
    grid = np.arange(SIDE) + 0.5
    far = np.full((SIDE, SIDE), np.inf)
    for line in lines:
        line = (line - points.min(axis=0)) * scale + (SIDE - SIZE) / 2
        for a, b in zip(line[:-1], line[1:], strict=True) if len(line) > 1 else [(line[0], line[0])]:
            way = b - a
            x, y = grid[None] - a[0], grid[:, None] - a[1]
            t = np.clip((x * way[0] + y * way[1]) / max(way @ way, 1e-12), 0, 1)
            far = np.minimum(far, np.hypot(x - t * way[0], y - t * way[1]))
    return like_mnist(np.clip((RADIUS - far) / SOFT + 0.5, 0, 1))


def as_strokes(_: Any, strokes: Any) -> list:
    """Lines, each a list of points (x, y), or ValueError."""
    for stroke in strokes:
        if np.ndim(stroke) != 2 or np.shape(stroke)[1] != 2 or not np.isfinite(stroke).all():
            raise ValueError(f"a stroke is a list of points (x, y), got {stroke!r}")
    return [[[float(x), float(y)] for x, y in stroke] for stroke in strokes]


class DrawDigit(base.Explorer):
    """A page to draw a digit on with a mouse, a finger or the keyboard, and what a model gets of it.

    On the page the arrow keys move the pen (Shift: further), Space sets it down and lifts it, Delete clears.
    Lines are drawn again with a width that suits the digit's size, so that a small digit is not a blot. A
    stored digit stands on the page at first and makes way for the first stroke. With a model, its
    reconstruction and, on a plane of two latents, the place of the digit follow while one draws.

    Args:
      examples: stored digits, (n, 784) or one (784,); one test digit of each class unless given.
      labels: what they show, (n,).
      example: which of them to begin with, or None for an empty page.
      model: with `encode` and `decode`, or None.
      codes: encoded examples to show as dots where the model has two latents, (n, 2).
      code_labels: their digits, (n,).

    Attributes:
      image: the digit, (784,) float32 in [0, 1], prepared like MNIST.
      strokes: what was drawn, a list of lines, each a list of points (x, y) in [0, 28].
      example: the stored digit on the page, or None.

    Raises:
      ValueError: examples that are no digits, an index out of range, a model without `encode`, and from
        `image` an empty page.
    """

    title = "A page to draw a digit on"
    _esm = base.script("drawing.js")
    strokes = base.State([], as_strokes)
    example = base.State(None, lambda self, i: None if i is None else base.as_index(i, len(self.examples)))

    def __init__(
        self,
        examples: Any = None,
        labels: Any = None,
        *,
        example: int | None = 0,
        model: Any = None,
        codes: Any = None,
        code_labels: Any = None,
    ):
        if examples is None:
            digits = data.load_mnist()
            first = [int(np.argmax(digits.test_labels == digit)) for digit in range(10)]
            examples, labels = digits.test_images[first], digits.test_labels[first]
        self.examples = np.atleast_2d(np.asarray(examples, np.float32))
        if self.examples.ndim != 2 or self.examples.shape[1] != 784:
            raise ValueError(f"examples must be digits (n, 784), got {np.shape(examples)}")
        count = len(self.examples)
        labels = base.matching("labels", None if labels is None else np.atleast_1d(labels), count)
        self._names = [f"no. {i}" + ("" if labels is None else f": a {labels[i]}") for i in range(count)]
        self.model, self.codes, self._callbacks, about = model, None, [], {}
        self.code_labels = None
        if model is not None:
            networks.as_model(model)
            if not callable(getattr(model, "encode", None)):
                raise ValueError(f"wanted a model with encode(x), got {type(model).__name__}")
            encode, decode = networks.encoder(model), networks.decoder(model)
            about = {"encode": encode, "decode": decode, "z_dim": model.z_dim}
            if model.z_dim == 2:
                self.codes = None if codes is None else base.as_codes(codes, 2)
                count = 0 if self.codes is None else len(self.codes)
                self.code_labels = base.matching("code_labels", code_labels, count)
                self.limit = plane_limit(self.codes)
                about |= {"plane": plane_data(self.codes, self.code_labels, self.limit)}
        alt = "28 by 28 pixels as the model gets them."
        self._drawn = base.Still(self._png, lambda: f"{alt} {self.words()[0]}", 196, "what the model gets")
        stored = {"names": self._names, "examples": base.in_bytes(self.examples)}
        super().__init__({"model": model}, {"example": example}, **stored, **about)
        self.observe(self._tell, ["strokes", "example"])

    @property
    def image(self) -> np.ndarray:
        if self.example is not None:
            return self.examples[self.example]
        if not self.strokes:
            raise ValueError("the page is empty: draw a digit first, or choose a stored one")
        return prepared(self.strokes)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing on the page."""
        return self.example is None and not self.strokes

    def on_change(self, callback: Callable[[np.ndarray | None], Any]) -> None:
        """Calls `callback(image)` after each stroke and each choice; with None after the page was cleared."""
        self._callbacks.append(callback)

    def show_example(self, index: int) -> None:
        """Puts a stored digit on the page, by its index."""
        self._set([], base.as_index(index, len(self.examples)))

    def clear(self) -> None:
        """Empties the page."""
        self._set([], None)

    def draw(self, strokes: list) -> None:
        """Draws lines on an empty page, each a list of points (x, y) in [0, 28]: x to the right, y down."""
        self._set(as_strokes(self, strokes), None)

    def _set(self, strokes, example):
        with self.hold_trait_notifications():
            self.strokes, self.example = strokes, example

    def _tell(self, change):
        drawn = self.example is None
        told = drawn if change["name"] == "strokes" else not (drawn and self.strokes)
        if not told:  # where both change at once, one of the changes is told
            return
        image = None if self.is_empty else self.image
        for callback in self._callbacks:
            callback(image)

    def close(self) -> None:
        self._callbacks = []
        super().close()

    @property
    def pictures(self) -> list[base.Still]:
        if self.model is None:
            return [self._drawn]
        alt = f"What the model decodes. {self.words()[0]}"
        back = base.Still(lambda: pictures.png(self._there()[1]), lambda: alt, 196, "what it decodes")
        if self.model.z_dim != 2:
            return [self._drawn, back]
        place = base.Still(
            lambda: plane_png(self.codes, self.code_labels, self.limit, self._there()[0]),
            lambda: "The plane of latents, with the place of the digit on it.",
            350,
            "where it lies",
        )
        return [self._drawn, back, place]

    def _there(self):
        """The digit's code and what is decoded from it."""
        if self.is_empty:
            return None, np.zeros(784)
        code = networks.encode(self.model, self.image[None])
        return code[0], networks.decode(self.model, code)[0]

    def _png(self):
        return pictures.png(np.zeros(784) if self.is_empty else self.image)

    def words(self) -> tuple[str, str]:
        if self.example is not None:
            name = self._names[self.example]
            words = f"A stored digit, {name}. Draw on the page to put your own in its place."
        elif self.strokes:
            words = f"Your drawing, {len(self.strokes)} {'stroke' if len(self.strokes) == 1 else 'strokes'}."
        else:
            return "The page is empty: draw a digit, or choose a stored one.", ""
        if self.model is None or self.model.z_dim != 2:
            return words, ""
        z = self._there()[0]
        near = nearest_in_words(z, self.codes, self.code_labels)
        return words, f"Its place: latent 1 ≈ {z[0]:.2f}, latent 2 ≈ {z[1]:.2f}. {near}"
