"""A page to draw a digit on, and its preparation in the way MNIST's digits were prepared."""

import ipywidgets
import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from vaegan_helpers import data
from vaegan_helpers.widgets import base, pictures
from vaegan_helpers.widgets.pen import Pen

PAGE = 252  # pixels along each side of the page: nine for each pixel of the digit
PEN = 18


def like_mnist(ink):
    """A drawing prepared as MNIST's digits were: cropped, scaled into 20x20, its centre of mass in the middle of 28x28.

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
    scale = 20 / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    small = np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BOX))
    down, across = (round(14 - centre) for centre in ndimage.center_of_mass(small))
    down, across = np.clip(down, 0, 28 - height), np.clip(across, 0, 28 - width)
    page = np.zeros((28, 28), np.float32)
    page[down : down + height, across : across + width] = small / small.max()
    return page.ravel()


class DrawDigit(Pen, base.Explorer):
    """A page to draw a digit on with a mouse, a finger or the keyboard, and the picture that a model gets of it.

    On the page the arrow keys move the pen (Shift: further), Space sets it down and lifts it, Delete clears. Lines are
    drawn again with a width that suits the digit's size, so that a small digit is not a blot. A stored digit stands
    on the page at first and makes way for the first stroke.

    Args:
      examples: stored digits, (n, 784) or one (784,); one test digit of each class unless given.
      labels: what they show, (n,).
      example: which of them to begin with, or None for an empty page.

    Attributes:
      image: the digit, (784,) float32 in [0, 1], prepared like MNIST.
      strokes: what was drawn, a list of lines, each a list of points (x, y) in [0, 28].

    Raises:
      ValueError: examples that are no digits, an index out of range, and from `image` an empty page.
    """

    def __init__(self, examples=None, labels=None, *, example=0):
        if examples is None:
            digits = data.load_mnist()
            first = [int(np.argmax(digits.test_labels == digit)) for digit in range(10)]
            examples, labels = digits.test_images[first], digits.test_labels[first]
        self.examples = np.atleast_2d(np.asarray(examples, np.float32))
        if self.examples.ndim != 2 or self.examples.shape[1] != 784:
            raise ValueError(f"examples must be digits (n, 784), got {np.shape(examples)}")
        labels = base.matching(
            "labels", None if labels is None else np.atleast_1d(labels), len(self.examples)
        )
        self._names = [
            f"no. {i}" + ("" if labels is None else f": a {labels[i]}") for i in range(len(self.examples))
        ]
        self.strokes, self._example, self._image, self._callbacks = [], None, None, []
        self._make_page(PAGE, PEN, PAGE / 28)
        self.page.line_cap = self.page.line_join = "round"
        self.page.line_width = PEN
        self.chooser = ipywidgets.Dropdown(
            options=[("your own drawing", None), *zip(self._names, range(len(self._names)))],
            description="Digit on the page",
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="290px"),
        )
        self.clear_button = ipywidgets.Button(description="Clear the page")
        self.prepared = base.Picture("what the model gets", 196)
        heading = ipywidgets.HTML('<div class="vg-heading">draw here</div>')
        super().__init__(
            "A page to draw a digit on",
            [
                base.controls(self.chooser, self.clear_button),
                base.row(ipywidgets.VBox([heading, self.layers]), self.prepared),
            ],
        )
        self.caption.canvas_label = (
            "Page to draw a digit on. Arrow keys move the pen, Space sets it down or lifts it, "
            "Delete clears the page."
        )
        self.watch(self.chooser, self._choose)
        self.clear_button.on_click(self.clear)
        if example is None:
            self.clear()
        else:
            self.show_example(example)

    @property
    def image(self):
        if self._image is None:
            raise ValueError("the page is empty: draw a digit first, or choose a stored one")
        return self._image

    @property
    def is_empty(self):
        """Whether there is nothing on the page."""
        return self._image is None

    def on_change(self, callback):
        """Calls `callback(image)` after each stroke and each choice; with None after the page was cleared."""
        self._callbacks.append(callback)

    def show_example(self, index):
        """Puts a stored digit on the page, by its index."""
        index = base.as_index(index, len(self.examples))
        if self.chooser.value == index:
            self._choose(index)
        self.chooser.value = index

    def clear(self, _=None):
        """Empties the page."""
        self.strokes, self._example = [], None
        self.chooser.value = None
        self._changed()

    def draw(self, strokes):
        """Draws lines on an empty page, each a list of points (x, y) in [0, 28]: x to the right, y down."""
        for stroke in strokes:
            if np.ndim(stroke) != 2 or np.shape(stroke)[1] != 2:
                raise ValueError(f"a stroke is a list of points (x, y), got {stroke!r}")
        self.strokes, self._example = [[tuple(point) for point in stroke] for stroke in strokes], None
        self.chooser.value = None
        self._changed()

    def close(self):
        if self.comm is not None:
            self._callbacks = []
            self._close_page()
        super().close()

    def _start_line(self, x, y):
        if self._example is not None:
            self._example = None
            self.chooser.value = None
            self.page.clear()
        self.strokes.append([(x * 28 / PAGE, y * 28 / PAGE)])
        self.page.fill_circle(x, y, PEN / 2)

    def _line_to(self, x, y):
        last = self.strokes[-1][-1]
        self.strokes[-1].append((x * 28 / PAGE, y * 28 / PAGE))
        self.page.stroke_line(last[0] * PAGE / 28, last[1] * PAGE / 28, x, y)

    def _choose(self, index):
        if index is not None:
            self.strokes, self._example = [], index
            self._changed()

    def _changed(self, redraw=True):
        if redraw:
            self._pen_down = False  # what it was drawing is gone
            self._redraw()
        if self._example is not None:
            self._image = self.examples[self._example]
            words = f"A stored digit, {self._names[self._example]}. Draw on the page to put your own in its place."
        elif self.strokes:
            self._image = like_mnist(_raster(self.strokes))
            words = f"Your drawing, {len(self.strokes)} {'stroke' if len(self.strokes) == 1 else 'strokes'}."
        else:
            self._image = None
            words = "The page is empty: draw a digit, or choose a stored one."
        blank = np.zeros(784) if self._image is None else self._image
        self.prepared.show(pictures.png(blank), f"28 by 28 pixels as the model gets them. {words}")
        self.say(words)
        for callback in self._callbacks:
            callback(self._image)

    def _redraw(self):
        self.page.clear()
        if self._example is not None:
            ink = np.kron(pictures.square(self.examples[self._example]), np.ones((PAGE // 28, PAGE // 28)))
            grey = (255.5 - 255 * np.clip(ink, 0, 1)).astype(np.uint8)
            self.page.put_image_data(np.dstack([grey] * 3 + [np.full_like(grey, 255)]))
        for stroke in self.strokes:
            points = np.asarray(stroke) * PAGE / 28
            self.page.fill_circle(*points[0], PEN / 2)
            if len(points) > 1:
                self.page.stroke_lines(points)


def _raster(strokes):
    """Lines drawn with a width of a sixth of the digit's size, with soft edges: (252, 252) in [0, 1]."""
    points = np.concatenate([np.asarray(stroke, float) for stroke in strokes])
    size = max(np.ptp(points, axis=0).max(), 6.0)
    scale, margin = 200 / size, 26
    picture = Image.new("L", (PAGE, PAGE))
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        line = [tuple((np.asarray(point) - points.min(axis=0)) * scale + margin) for point in stroke]
        pen.line(line, fill=255, width=33, joint="curve")
        for x, y in line:
            pen.ellipse((x - 16, y - 16, x + 16, y + 16), fill=255)
    return ndimage.gaussian_filter(np.asarray(picture, np.float32) / 255, 4)
