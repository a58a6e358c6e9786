"""A plane of latents under the hand: move a point, see what the decoder makes of it."""

import io

import anywidget
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from vaegan_helpers import plots
from vaegan_helpers.widgets import base, pictures


class Pad(anywidget.AnyWidget):
    """A picture of a plane with one point on it that is dragged, clicked or moved by the arrow keys.

    Shift makes five times larger steps, Home goes back to `home`. The point is kept inside the bounds.
    """

    _esm = base.HERE / "pad.js"
    point = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 0.0)).tag(sync=True)
    home = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 0.0)).tag(sync=True)
    bounds = traitlets.List(traitlets.Float()).tag(sync=True)  # left, right, bottom, top
    box = traitlets.List(traitlets.Float()).tag(
        sync=True
    )  # left, top, width, height: the axes within the picture
    background = traitlets.Bytes().tag(sync=True)
    size = traitlets.Int(350).tag(sync=True)
    step = traitlets.Float(0.05).tag(sync=True)
    label = traitlets.Unicode("Point").tag(sync=True)


class LatentPlane(base.Explorer):
    """A point on the plane of two latents, and the picture that each model decodes there.

    Args:
      models: a model with `decode` and z_dim 2, or {name: model} to see several decode the same point.
      codes: encoded examples to show as dots, (n, 2), or None for the prior's circles alone.
      labels: their digits, (n,), which colour the dots.
      limit: the plane reaches from -limit to limit; from the codes unless given.
      point: where to begin.

    Attributes:
      point: the latent under the marker, a tuple of two numbers; may be set.

    Raises:
      ValueError: a model without a decoder, latents that are not two-dimensional, labels that do not fit the codes.
    """

    def __init__(self, models, codes=None, labels=None, *, limit=None, point=(0.0, 0.0)):
        self.models = base.as_models(models, z_dim=2)
        self.codes = None if codes is None else base.as_codes(codes, 2)
        self.labels = base.matching("labels", labels, 0 if codes is None else len(self.codes))
        if limit is None:
            limit = 3.0 if codes is None else float(np.ceil(np.quantile(np.abs(self.codes), 0.998)))
        if not limit > 0:
            raise ValueError(f"limit must be positive, got {limit}")
        start = tuple(float(number) for number in base.as_latent(point, 2))
        background, box = _plane_png(self.codes, self.labels, limit)
        self.pad = Pad(
            point=start,
            home=start,
            bounds=[-limit, limit, -limit, limit],
            box=box,
            background=background,
            step=limit / 60,
            label="Point on the plane of latents",
        )
        width = 224 if len(self.models) == 1 else 180
        self.decoded = {name: base.Picture(name, width) for name in self.models}
        self._map = base.Picture(width=350)  # stands for the pad where there is no kernel
        super().__init__(
            "Latent plane",
            [base.row(self.pad, base.row(*self.decoded.values(), flex="1 1 200px"), gap="14px")],
        )
        self.watch(self.pad, self.show, "point")
        self.show(start)

    @property
    def pictures(self):
        return list(self.decoded.values())

    @property
    def point(self):
        return self.pad.point

    @point.setter
    def point(self, point):
        low, high = self.pad.bounds[:2]
        self.pad.point = tuple(float(np.clip(number, low, high)) for number in base.as_latent(point, 2))

    def close(self):
        if self.comm is not None:
            self._map.image.close()
            self._map.close()
        super().close()

    def show(self, point):
        """Decodes a point (2,) with every model and shows the pictures."""
        z = base.as_latent(point, 2)
        where = f"latent 1 ≈ {z[0]:.2f}, latent 2 ≈ {z[1]:.2f}"
        for name, picture in self.decoded.items():
            picture.show(
                pictures.png(base.decode(self.models[name], z[None])[0]),
                f"The picture decoded at {where} ({name})",
            )
        self.say(f"{where[0].upper()}{where[1:]}.", self._nearest(z))

    def _nearest(self, z):
        if self.codes is None:
            return f"Distance to the centre of the prior: {np.linalg.norm(z):.2f}."
        distance = np.linalg.norm(self.codes - z, axis=1)
        nearest = int(distance.argmin())
        kind = "digit" if self.labels is None else str(self.labels[nearest])
        return f"The nearest encoded example is a {kind}, {distance[nearest]:.2f} away."

    def stored_pictures(self):
        self._map.show(_with_marker(self.pad), self.stored_words)
        return [self._map, *self.pictures]


def _plane_png(codes, labels, limit):
    """The plane drawn once, and where its axes lie: left, top, width, height as shares of the picture."""
    fig = Figure(figsize=(4, 4), dpi=200)
    FigureCanvasAgg(fig)
    left, bottom, width, height = box = (0.12, 0.11, 0.86, 0.86)
    ax = fig.add_axes(box)
    if labels is not None:
        plots.latent_scatter(ax, codes, labels, size=5)
    elif codes is not None:
        ax.scatter(*codes.T, s=5, alpha=0.5, linewidths=0, color=plots.COLOURS["encoder"])
    angle = np.linspace(0, 2 * np.pi, 200)
    for radius in (1, 2):
        ax.plot(
            radius * np.cos(angle),
            radius * np.sin(angle),
            color=plots.COLOURS["prior"],
            linewidth=1,
            linestyle="--",
        )
    if 1.5 < limit < 10:
        ax.text(
            0.99,
            0.01,
            "dashed: 1 and 2 std of the prior",
            fontsize=7,
            color="#444444",
            ha="right",
            va="bottom",
            transform=ax.transAxes,
            bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.8},
        )
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="latent 1", ylabel="latent 2")
    ax.tick_params(labelsize=8)
    ax.xaxis.labelpad = ax.yaxis.labelpad = 1
    return pictures.figure_png(fig), [left, 1 - bottom - height, width, height]


def _with_marker(pad):
    """The plane with the point drawn into it, as PNG bytes."""
    plane = Image.open(io.BytesIO(pad.background)).convert("RGB")
    left, top, width, height = pad.box
    x0, x1, y0, y1 = pad.bounds
    x = plane.width * (left + width * (pad.point[0] - x0) / (x1 - x0))
    y = plane.height * (top + height * (y1 - pad.point[1]) / (y1 - y0))
    drawing = ImageDraw.Draw(plane)
    for radius, colour in [(19, "black"), (16, "white"), (12, plots.COLOURS["generated"])]:
        drawing.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return pictures.encode(np.asarray(plane))
