"""Pictures: arrays in, an axes to draw on, the artists out. Nothing here knows a model."""

import base64
import contextlib
import html
import io
import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, PathCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch
from PIL import Image

from vaegan_helpers.inputs import ArrayLike, as_array, as_labels, require_whole

# Okabe and Ito's palette, which colour-blind readers can tell apart; a colour means the same in every
# notebook.
COLOURS = {
    "real": "#000000",
    "generated": "#D55E00",
    "encoder": "#0072B2",
    "decoder": "#009E73",
    "discriminator": "#CC79A7",
    "prior": "#7F7F7F",
    "accent": "#E69F00",
}
# The same, darker where need be: letters on white have a contrast of at least 4.5 to 1.
TEXT_COLOURS = COLOURS | {
    "generated": "#BE5400",
    "decoder": "#00835F",
    "discriminator": "#9F5E82",
    "prior": "#747474",
    "accent": "#9A6B00",
}
# Ten classes need more than colour: their digit stands beside them wherever it can.
DIGIT_COLOURS = [
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#B8A900",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#7F7F7F",
    "#7B3FA0",
]


_drawing = contextlib.ExitStack()  # the course's style, while a figure of `figure` is being drawn


def style() -> contextlib.AbstractContextManager:
    """A context in which matplotlib draws as the course does, whatever style the user has chosen."""
    return plt.style.context("default")


def _end_of_cell(_):
    _drawing.close()


def show(fig: Figure, alt: str) -> None:
    """Displays a figure with its alternative text, then closes it.

    A picture in a notebook reaches a screen reader only as an HTML image: JupyterLab drops the alternative
    text of a plain PNG output. The figure is drawn at twice its size, so that it is sharp on any screen. A
    small PNG beside it is what LaTeX and other exports take, which know no HTML.

    Args:
      fig: a matplotlib figure.
      alt: one or two sentences that say what the picture shows.
    """
    if not alt or not alt.strip():
        raise ValueError(f"alt must say in words what the figure shows; got {alt!r}")
    png = io.BytesIO()
    with style():
        fig.savefig(png, format="png", dpi=2 * fig.dpi)
    plt.close(fig)
    _drawing.close()
    width = round(fig.get_figwidth() * fig.dpi)
    data = base64.b64encode(compact(png.getvalue())).decode()
    picture = f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'
    printed = base64.b64encode(_for_print(png.getvalue())).decode()
    display({"text/html": picture, "image/png": printed, "text/plain": alt}, raw=True)


def compact(png: bytes) -> bytes:
    """The same PNG made smaller for keeping in a notebook.

    At most 256 colours, compressed as far as it goes.
    """
    picture: Image.Image = Image.open(io.BytesIO(png))
    if picture.mode != "L":
        paper = Image.new("RGBA", picture.size, "white")  # shows through where the picture is transparent
        paper.alpha_composite(picture.convert("RGBA"))
        picture = paper.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, "png", optimize=True)
    return out.getvalue()


def _for_print(png):
    """The PNG at half its size and in 64 colours: a third of the bytes of `compact`."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").reduce(2)
    out = io.BytesIO()
    picture.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def figure(
    columns: int = 1, rows: int = 1, width: float = 9.0, height: float = 3.0, **options: Any
) -> tuple[Figure, Any]:
    """A figure and its axes, laid out so that labels do not overlap; options go to `plt.subplots`.

    What is drawn on it up to `show`, or to the end of the notebook's cell, has the course's style.
    """
    _drawing.close()
    _drawing.enter_context(style())
    if shell := get_ipython():
        shell.events.register("post_run_cell", _end_of_cell)  # once, however often it is said
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), dpi=80, layout="constrained", **options)
    for ax in np.ravel(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def sheet(images: ArrayLike, columns: int, gap: int = 2) -> np.ndarray:
    """Pictures laid out in rows as one large picture.

    Args:
      images: (n, pixels) square pictures, in [0, 1]; what lies a little outside, as a Gaussian decoder's
        pixels may, is clipped.
      columns: pictures per row.
      gap: pixels between pictures, left white.

    Returns:
      (height, width), in [0, 1]; 1 is white paper, 0 is black ink.
    """
    images = as_array("images", images, "n", "pixels", dtype=np.float32)
    side, low, high = math.isqrt(images.shape[1]), images.min(), images.max()
    if side**2 != images.shape[1]:
        raise ValueError(f"images must be square pictures, (n, pixels); got {images.shape}")
    if low < -2 or high > 3:
        raise ValueError(f"images must lie in [0, 1]; got values from {low:.3g} to {high:.3g}")
    require_whole(columns=columns)
    rows, cell = -(-len(images) // columns), side + gap
    cells = np.ones((rows * columns, cell, cell), np.float32)
    cells[: len(images), :side, :side] = 1 - np.clip(images, 0, 1).reshape(-1, side, side)
    paper = cells.reshape(rows, columns, cell, cell).swapaxes(1, 2).reshape(rows * cell, columns * cell)
    paper = paper[: rows * cell - gap, : columns * cell - gap]
    return paper


def show_images(
    ax: Axes, images: ArrayLike, columns: int | None = None, title: str | None = None, frame: bool = True
) -> AxesImage:
    """Draws pictures (n, 784) in rows, dark ink on white paper, with a light line around the sheet.

    Args:
      ax: axes to draw on.
      images: (n, 784), in [0, 1].
      columns: pictures per row; all in one row unless given.
      title: a line above.
      frame: whether to draw the line.

    Returns:
      The image artist.
    """
    paper = sheet(images, columns or len(images))
    artist = ax.imshow(paper, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(frame)
    ax.spines[:].set_color("#BBBBBB")
    if title:
        ax.set_title(title, fontsize=10)
    return artist


def latent_scatter(
    ax: Axes,
    codes: ArrayLike,
    labels: ArrayLike,
    size: float = 6,
    legend: bool = True,
    limit: float | None = None,
) -> PathCollection:
    """Encoded digits as points on the plane, one colour per class and the class written at its centre.

    Args:
      ax: axes to draw on.
      codes: (n, 2).
      labels: (n,), digits 0 to 9.
      size: of a point, in points squared.
      legend: whether to write each digit at the median of its points.
      limit: half the width of the picture; from the data unless given.

    Returns:
      The scatter artist.
    """
    codes = as_array("codes", codes, "n", 2, dtype=np.float64)
    labels = as_labels("labels", labels, 10, len(codes))
    colours = np.array(DIGIT_COLOURS)[labels]
    artist = ax.scatter(codes[:, 0], codes[:, 1], c=colours, s=size, alpha=0.6, linewidths=0)
    if limit:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
    if legend:
        _write_digits(ax, codes, labels)
    ax.set(xlabel="latent 1", ylabel="latent 2", aspect="equal")
    return artist


def _write_digits(ax, codes, labels):
    """Writes each digit at the median of its codes, apart from the others."""
    present = np.unique(labels)
    centres = np.array([np.median(codes[labels == digit], axis=0) for digit in present])
    for digit, (x, y) in zip(present, _apart(centres, np.ptp(ax.get_xlim()) / 13), strict=True):
        ax.text(
            x,
            y,
            str(digit),
            fontsize=12,
            fontweight="bold",
            ha="center",
            va="center",
            bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": DIGIT_COLOURS[digit], "lw": 2.5},
        )


def _apart(places, gap):
    """Moves labels (k, 2) away from each other until no two are nearer than the gap."""
    places = places.astype(float)
    for _ in range(200):
        away = places[:, None] - places[None]
        distance = np.linalg.norm(away, axis=-1, keepdims=True) + 1e-9
        places += np.sum(away / distance * np.clip(gap - distance, 0, None) * (distance > 1e-6), axis=1) / 4
    return places


def posterior_ellipses(
    ax: Axes,
    mean: ArrayLike,
    logvar: ArrayLike,
    labels: ArrayLike,
    limit: float | None = None,
    legend: bool = True,
) -> EllipseCollection:
    """Each digit's q(z | x) as an ellipse with semi-axes of two standard deviations, coloured by class.

    Args:
      ax: axes to draw on.
      mean, logvar: (n, 2).
      labels: (n,), digits 0 to 9.
      limit: half the width of the picture; from the data unless given.
      legend: whether to write each digit at the median of its means.

    Returns:
      The collection of ellipses.
    """
    mean = as_array("mean", mean, "n", 2, dtype=np.float64)
    std = np.exp(0.5 * as_array("logvar", logvar, len(mean), 2, dtype=np.float64))
    labels = as_labels("labels", labels, 10, len(mean))
    artist = EllipseCollection(
        4 * std[:, 0],
        4 * std[:, 1],
        np.zeros(len(std)),
        units="xy",
        offsets=mean,
        offset_transform=ax.transData,
        facecolors=np.array(DIGIT_COLOURS)[labels],
        alpha=0.5,
    )
    ax.add_collection(artist)
    limit = limit or 1.1 * np.abs(mean).max()
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="latent 1", ylabel="latent 2", aspect="equal")
    if legend:
        _write_digits(ax, mean, labels)
    return artist


def curves(
    ax: Axes,
    series: dict[str, tuple[ArrayLike, Any]],
    x: ArrayLike | None = None,
    xlabel: str = "step",
    ylabel: str = "nats per image",
    smooth: int = 1,
) -> list[Line2D]:
    """Named curves on one axes, each with its name at its right end instead of in a legend.

    Args:
      ax: axes to draw on.
      series: {name: (values, colour)}.
      x: positions shared by all curves; 0, 1, 2, … unless given.
      xlabel, ylabel: axis labels.
      smooth: window of a running mean.

    Returns:
      The line artists.
    """
    lines, letters = [], {COLOURS[part]: TEXT_COLOURS[part] for part in COLOURS}
    for name, (values, colour) in series.items():
        if not 1 <= smooth <= len(values):
            raise ValueError(f"smooth must be from 1 to the {len(values)} values of {name}; got {smooth}")
        positions = np.arange(len(values)) if x is None else x
        positions, values = (
            np.convolve(each, np.ones(smooth) / smooth, mode="valid") for each in (positions, values)
        )
        lines += ax.plot(positions, values, color=colour, label=name)
        ax.annotate(
            name,
            (positions[-1], values[-1]),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=letters.get(colour, colour) if isinstance(colour, str) else colour,
            fontsize=9,
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.02)
    return lines


def colour_map(name: str) -> LinearSegmentedColormap:
    """White to one of the course's colours, for heat maps that belong to that part of the model."""
    return LinearSegmentedColormap.from_list(name, ["#FFFFFF", COLOURS[name]])


def circle(radius: float, **style: Any) -> Circle:
    """A thin dotted circle for `ax.add_patch`: where the prior lies at so many standard deviations."""
    return Circle((0, 0), radius, fill=False, **{"linestyle": ":", "color": COLOURS["prior"], **style})


def two_players(ax: Axes) -> None:
    """Draws who hands what to whom in a GAN, with the names of a counterfeiter and an inspector."""
    boxes = [
        (1.0, 0.6, "noise\n$z \\sim N(0, I)$", "prior"),
        (4.1, 0.6, "counterfeiter\n= generator $G$", "generated"),
        (4.1, 2.4, "real data\n$x \\sim p_{data}$", "real"),
        (7.6, 1.5, "inspector =\ndiscriminator $D$", "discriminator"),
    ]
    for x, y, words, part in boxes:
        style: dict[str, Any] = {"boxstyle": "round,pad=0.05", "fc": "white", "lw": 2, "ec": COLOURS[part]}
        ax.add_patch(FancyBboxPatch((x - 0.9, y - 0.42), 1.8, 0.84, **style))
        ax.text(x, y, words, ha="center", va="center", fontsize=9.5, color=TEXT_COLOURS[part])
    back: dict[str, Any] = {"linestyle": "--", "connectionstyle": "angle3,angleA=90,angleB=0"}
    arrows: list[tuple] = [
        ((1.95, 0.6), (3.15, 0.6), "", "prior", {}),
        ((5.05, 2.4), (6.7, 1.75), "$x$", "real", {}),
        ((5.05, 0.6), (6.7, 1.25), "$G(z)$", "generated", {}),
        ((8.55, 1.5), (9.6, 1.5), "", "discriminator", {}),
        ((7.6, 1.02), (4.1, 0.1), "", "generated", back),
    ]
    for start, end, words, part, bend in arrows:
        line = {"arrowstyle": "-|>", "color": COLOURS[part], "lw": 1.4, **bend}
        ax.annotate("", end, start, arrowprops=line)
        middle = np.add(start, end) / 2
        ax.text(middle[0], middle[1] + 0.14, words, ha="center", fontsize=9, color=TEXT_COLOURS[part])
    answer, gradient = TEXT_COLOURS["discriminator"], TEXT_COLOURS["generated"]
    ax.text(9.7, 1.5, "$D$: probability\nof being real", va="center", fontsize=9.5, color=answer)
    words = "the gradient that teaches $G$ comes through $D$"
    ax.text(6.5, -0.12, words, ha="center", fontsize=9, color=gradient)
    ax.set(xlim=(0, 11.2), ylim=(-0.3, 2.95))
    ax.axis("off")
