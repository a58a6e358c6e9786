"""Several models on one panel: there and back, the way between two digits, and samples, one row for each model."""

import ipywidgets
import jax
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vaegan_helpers import interpolation
from vaegan_helpers.widgets import base, pictures

STEPS = 41  # positions of the slider, both ends included
SAMPLES = 6
CELL, GAP, SPACE = 84, 8, 44  # in pixels: a digit three times its size, between digits, between groups
LABEL, HEAD = 150, 46  # room for the rows' names and for the headings
HEADINGS = ["there and back", "on the way", "samples"]


class SideBySide(base.Explorer):
    """Models of one latent size in rows: two digits there and back, the place on the way between them, and samples.

    The way is a straight line between the two digits' codes. A model without `encode` has no way back: that place says
    so, and its walk leads between its own first two samples. The first row shows the digits themselves, fading one into
    the other, and other real digits.

    Args:
      models: {name: model}, each with `decode` and z_dim; `encode` gives a code or (mean, logvar).
      images: digits to choose from, (n, 784).
      labels: which digits they are, (n,), or None.
      start, end: which of them to begin with.
      seed: of the first samples.

    Attributes:
      position: 0 at the start to 1 at the end; may be set.
      seed: may be set; so may `start` and `end` through their fields' `value`.
      shown: for each row a dictionary of what stands there: "back" (2, 784) or None, "way" (784,), "samples" (n, 784).

    Raises:
      ValueError: no model, one without a decoder, images or labels that do not fit, an index, seed or position out of
        range.
    """

    def __init__(self, models, images, labels=None, *, start=0, end=1, seed=0):
        self.models = base.as_models(models)
        self.images = base.as_codes(images, 784)
        count = len(self.images)
        self.labels = base.matching("labels", labels, count)
        self.start = base.index_field("From digit no.", base.as_index(start, count), count)
        self.end = base.index_field("To digit no.", base.as_index(end, count), count)
        self.slider = base.slider("Position", 0.5, 0.0, 1.0, 1 / (STEPS - 1), readout_format=".2f")
        self.seed_field = ipywidgets.BoundedIntText(
            value=0,
            min=0,
            max=999_999,
            description="Seed",
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="140px"),
        )
        self.button = ipywidgets.Button(description="New samples", tooltip="The next seed")
        self.picture = base.Picture(width=880)
        self.picture.add_class("vg-smooth")
        self._paper = _paper(
            ["digits", *self.models], [name for name in self.models if not self._encodes(name)]
        )
        super().__init__(
            "Models side by side",
            [
                base.controls(self.start, self.end, self.slider),
                base.controls(self.seed_field, self.button),
                self.picture,
            ],
        )
        self._z_dim = next(iter(self.models.values())).z_dim
        self.seed = seed
        for field in (self.start, self.end, self.seed_field):
            self.watch(field, self._renew)
        self.watch(self.slider, self.show)
        self.button.on_click(self.new_samples)
        self._renew()

    @property
    def position(self):
        return self.slider.value

    @position.setter
    def position(self, position):
        if not 0 <= position <= 1:
            raise ValueError(f"position is between 0 and 1, got {position!r}")
        self.slider.value = position

    @property
    def seed(self):
        return self.seed_field.value

    @seed.setter
    def seed(self, seed):
        self.seed_field.value = base.as_index(seed, 1_000_000)

    def new_samples(self, _=None):
        """Draws new samples, by the next seed."""
        self.seed = (self.seed + 1) % 1_000_000

    def _encodes(self, name):
        return callable(getattr(self.models[name], "encode", None))

    def _renew(self, _=None):
        """Everything that does not depend on the position, and every stop of every walk."""
        ends = self.images[[self.start.value, self.end.value]]
        latent_key, digit_key = jax.random.split(jax.random.key(self.seed))
        noise = np.asarray(jax.random.normal(latent_key, (SAMPLES, self._z_dim)))
        some = np.asarray(jax.random.permutation(digit_key, len(self.images)))[:SAMPLES]
        t = np.linspace(0, 1, STEPS)[:, None]
        self._walks = {"digits": (1 - t) * ends[0] + t * ends[1]}
        self.shown = {"digits": {"back": ends, "samples": self.images[some]}}
        for name, model in self.models.items():
            codes = self._codes(model, ends) if self._encodes(name) else noise[:2]
            walk = base.decode(model, interpolation.linear_path(*codes, STEPS))
            back = walk[[0, -1]] if self._encodes(name) else None
            self._walks[name] = walk
            self.shown[name] = {"back": back, "samples": base.decode(model, noise)}
        self.show(self.position)

    def _codes(self, model, images):
        code = model.encode(images)
        return base.as_codes(code[0] if isinstance(code, tuple) else code, self._z_dim)

    def show(self, position):
        """Shows every row at a position from 0 to 1."""
        step = round(float(position) * (STEPS - 1))
        paper = self._paper.copy()
        for row, (name, shown) in enumerate(self.shown.items()):
            shown["way"] = self._walks[name][step]
            groups = [shown["back"], shown["way"][None], shown["samples"]]
            for left, group in zip(_lefts(), groups):
                if group is not None:
                    _paste(paper, group, left, HEAD + row * (CELL + GAP))
        without = [name for name in self.models if not self._encodes(name)]
        words = (
            f"{100 * step / (STEPS - 1):.0f} % of the way from {self._name(self.start.value)} "
            f"to {self._name(self.end.value)}; samples of seed {self.seed}."
        )
        if without:
            words += f" No encoder: {', '.join(without)}, which walks between its own first two samples."
        rows = f"Rows: the digits themselves, then {', '.join(self.models)}. In each row two digits there and back, "
        self.picture.show(
            pictures.encode(paper), f"{rows}the place on the way between them, {SAMPLES} samples. {words}"
        )
        self.say(words)

    def _name(self, index):
        return f"digit no. {index}" + ("" if self.labels is None else f" (a {self.labels[index]})")


def _lefts():
    """Where the three groups of a row begin, in pixels from the left."""
    back = LABEL
    way = back + 2 * (CELL + GAP) + SPACE
    return [back, way, way + CELL + GAP + SPACE]


def _paper(rows, without_encoder):
    """What does not change: names of rows, headings, and words where a model has no way back, as (height, width)."""
    width, height = _lefts()[-1] + SAMPLES * (CELL + GAP) + 2, HEAD + len(rows) * (CELL + GAP)
    fig = Figure(figsize=(width / 100, height / 100), dpi=100)

    def write(x, y, text, **style):
        fig.text(x / width, 1 - y / height, text, va="center", fontsize=15, **style)

    for left, heading in zip(_lefts(), HEADINGS):
        write(left, HEAD / 2, heading, color="#444444")
    for row, name in enumerate(rows):
        middle = HEAD + row * (CELL + GAP) + CELL / 2
        write(6, middle, name, weight="bold")
        if name in without_encoder:
            write(LABEL + CELL + GAP / 2, middle, "no encoder:\nno way back", ha="center", color="#444444")
    FigureCanvasAgg(fig).draw()
    return np.asarray(fig.canvas.buffer_rgba())[..., 0].copy()  # grey: one channel says all


def _paste(paper, images, left, top):
    for i, image in enumerate(np.clip(images, 0, 1).reshape(-1, 28, 28)):
        cell = np.kron(255.5 - 255 * image, np.ones((CELL // 28, CELL // 28))).astype(np.uint8)
        x = left + i * (CELL + GAP)
        paper[top - 1 : top + CELL + 1, x - 1 : x + CELL + 1] = 190  # a light line around each digit
        paper[top : top + CELL, x : x + CELL] = cell
