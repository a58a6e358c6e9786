"""Several models on one panel: there and back, the way between two digits, and samples, one row for each
model."""

from typing import Any

import numpy as np

from vaegan_helpers.widgets import base, networks, noise, pictures

STEPS = 41  # positions of the slider, both ends included
SAMPLES = 6
CELL, GAP, SPACE = 84, 8, 44  # in pixels: a digit three times its size, between digits, between groups
LABEL, HEAD = 150, 46  # room for the rows' names and for the headings
HEADINGS = ["there and back", "on the way", "samples"]


class SideBySide(base.Explorer):
    """Models of one latent size in rows: two digits there and back, the place on the way between them, and
    samples.

    The way is a straight line between the two digits' codes. A model without `encode` has no way back: that
    place says so, and its walk leads between its own first two samples. The first row shows the digits
    themselves, fading one into the other, and other real digits.

    Args:
      models: {name: model}, each with `decode` and z_dim; `encode` gives a code or (mean, logvar).
      images: digits to choose from, (n, 784).
      labels: which digits they are, (n,), or None.
      start, end: which of them to begin with.
      seed: of the first samples.

    Attributes:
      position: 0 at the start to 1 at the end; may be set.
      seed, start, end: may be set.
      shown: for each row a dictionary of what stands there: "back" (2, 784) or None, "way" (784,), "samples"
        (n, 784).

    Raises:
      ValueError: no model, one without a decoder, images or labels that do not fit, an index, seed or
        position out of range.
    """

    title = "Models side by side"
    _esm = base.script("side_by_side.js")
    position = base.State(0.5, base.within("position", 0, 1))
    start = base.State(0, lambda self, index: base.as_index(index, len(self.images)))
    end = base.State(1, lambda self, index: base.as_index(index, len(self.images)))
    seed = base.State(0, lambda _, seed: base.as_seed(seed))

    def __init__(
        self, models: Any, images: Any, labels: Any = None, *, start: int = 0, end: int = 1, seed: int = 0
    ):
        self.models = networks.as_models(models)
        self.images = base.as_codes(images, 784)
        self.labels = base.matching("labels", labels, len(self.images))
        self._z_dim = next(iter(self.models.values())).z_dim
        encode = {
            name: model for name, model in self.models.items() if callable(getattr(model, "encode", None))
        }
        self._codes = {
            name: base.as_codes(networks.encode(model, self.images), self._z_dim)
            for name, model in encode.items()
        }
        self.picture = base.Still(self._png, self._alt, 880)
        super().__init__(
            self.models,
            {"start": start, "end": end, "seed": seed},
            networks={name: networks.decoder(model) for name, model in self.models.items()},
            codes={name: codes.astype("<f4").tobytes() for name, codes in self._codes.items()},
            images=base.in_bytes(self.images),
            labels=None if labels is None else [str(label) for label in labels],
            count=len(self.images),
            z_dim=self._z_dim,
            steps=STEPS,
            samples=SAMPLES,
        )

    @property
    def pictures(self):
        return [self.picture]

    def new_samples(self) -> None:
        """Draws new samples, by the next seed."""
        self.seed = (self.seed + 1) % 1_000_000

    @property
    def shown(self) -> dict[str, dict[str, np.ndarray]]:
        t = self._step() / (STEPS - 1)
        ends = self.images[[self.start, self.end]]
        some = self.images[noise.choice(self.seed, len(self.images), SAMPLES)]
        rows = {"digits": {"back": ends, "way": (1 - t) * ends[0] + t * ends[1], "samples": some}}
        latents = noise.normal(self.seed, SAMPLES * self._z_dim).reshape(SAMPLES, -1)
        for name, model in self.models.items():
            codes = self._codes.get(name)
            first, last = latents[:2] if codes is None else codes[[self.start, self.end]]
            decoded = networks.decode(model, [first, last, (1 - t) * first + t * last, *latents])
            back = None if codes is None else decoded[:2]
            rows[name] = {"back": back, "way": decoded[2], "samples": decoded[3:]}
        return rows

    def _step(self):
        return round(float(self.position) * (STEPS - 1))

    def words(self):
        without = [name for name in self.models if name not in self._codes]
        words = (
            f"{100 * self._step() / (STEPS - 1):.0f} % of the way from {self._name(self.start)} "
            f"to {self._name(self.end)}; samples of seed {self.seed}."
        )
        if without:
            words += f" No encoder: {', '.join(without)}, which walks between its own first two samples."
        return words, ""

    def _name(self, index):
        return f"digit no. {index}" + ("" if self.labels is None else f" (a {self.labels[index]})")

    def _alt(self):
        return (
            f"Rows: the digits themselves, then {', '.join(self.models)}. In each row two digits there and "
            f"back, the place on the way between them, {SAMPLES} samples. {self.words()[0]}"
        )

    def _png(self):
        rows = self.shown
        paper = _paper(rows)
        for row, shown in enumerate(rows.values()):
            for left, group in zip(
                _lefts(), (shown["back"], shown["way"][None], shown["samples"]), strict=True
            ):
                if group is not None:
                    _paste(paper, group, left, HEAD + row * (CELL + GAP))
        return pictures.encode(paper)


def _lefts():
    """Where the three groups of a row begin, in pixels from the left."""
    back = LABEL
    way = back + 2 * (CELL + GAP) + SPACE
    return [back, way, way + CELL + GAP + SPACE]


def _paper(rows):
    """Names of rows, headings, and words where a model has no way back, as (height, width)."""
    width, height = _lefts()[-1] + SAMPLES * (CELL + GAP) + 2, HEAD + len(rows) * (CELL + GAP)
    with pictures.figure((width / 100, height / 100), dpi=100) as fig:

        def write(x, y, text, **style):
            fig.text(x / width, 1 - y / height, text, va="center", fontsize=15, **style)

        for left, heading in zip(_lefts(), HEADINGS, strict=True):
            write(left, HEAD / 2, heading, color="#444444")
        for row, (name, shown) in enumerate(rows.items()):
            middle = HEAD + row * (CELL + GAP) + CELL / 2
            write(6, middle, name, weight="bold")
            if shown["back"] is None:
                write(
                    LABEL + CELL + GAP / 2, middle, "no encoder:\nno way back", ha="center", color="#444444"
                )
        fig.canvas.draw()
        return np.asarray(fig.canvas.buffer_rgba())[..., 0].copy()  # grey: one channel says all


def _paste(paper, images, left, top):
    for i, image in enumerate(np.clip(images, 0, 1).reshape(-1, 28, 28)):
        cell = np.kron(255.5 - 255 * image, np.ones((CELL // 28, CELL // 28))).astype(np.uint8)
        x = left + i * (CELL + GAP)
        paper[top - 1 : top + CELL + 1, x - 1 : x + CELL + 1] = 190  # a light line around each digit
        paper[top : top + CELL, x : x + CELL] = cell
