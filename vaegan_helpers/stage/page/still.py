"""The still picture of the stage, which a notebook stores: planes above, charts below, drawn by
matplotlib."""

import io
from collections.abc import Collection

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaegan_helpers import plots
from vaegan_helpers.stage.page import tables

_ENDS = [plots.COLOURS["generated"], "#FFFFFF", "#666666"]
# paler than the colours themselves, so that dots stand out
SURFACE = LinearSegmentedColormap.from_list(
    "surface", [tuple(0.65 * part + 0.35 for part in to_rgba(colour)[:3]) for colour in _ENDS]
)
# inches; fixed margins, since measuring all labels takes longer than drawing
WIDTH, CHART, LEFT, RIGHT, BELOW, ABOVE = 12, 2.1, 0.5, 0.1, 0.45, 0.4
ARROW, LONGEST_ARROW = 0.4, 1.0  # length where the gradient is 1 nat per unit, and at most


def picture(
    shown: Collection[str], view: dict, history: dict, measured: dict, path: np.ndarray | None, modes: int
) -> bytes:
    """All that is switched on, as PNG bytes.

    Args:
      shown: names of layers and charts.
      view: what `engine.Stage.view` gives.
      history, measured, path: those of the stage.
      modes: how many the data has.
    """
    planes = tables.shown_planes(shown, dirac=path is not None)
    charts = [name for name in tables.CHARTS if name in shown]
    below = CHART if charts else 0.0
    count = max(len(planes), 3)
    height = WIDTH / count - LEFT - RIGHT + BELOW + ABOVE  # square planes
    # in our own style, whatever the user's is
    with matplotlib.style.context("default"):
        fig = Figure(figsize=(WIDTH, height + below))
        FigureCanvasAgg(fig)
        for name, ax in zip(planes, _row(fig, count, height, below), strict=False):
            _draw_plane(ax, name, shown, view, path)
            ax.set_title(tables.PLANES[name][0], fontsize=min(11, 36 / count), loc="left", fontweight="bold")
        if charts:
            columns = max(len(charts), len(planes), 2)
            for name, ax in zip(charts, _row(fig, columns, below, 0), strict=False):
                _draw_chart(ax, name, history, measured, modes)
        out = io.BytesIO()
        fig.savefig(out, format="png", dpi=95)
    return out.getvalue()


def _row(fig, count, height, bottom):
    """Places for a row of axes, as they are asked for: its height and its lower edge are in inches."""
    width, total = WIDTH / count, fig.get_figheight()
    for i in range(count):
        box = [i * width + LEFT, bottom + BELOW, width - LEFT - RIGHT, height - BELOW - ABOVE]
        yield fig.add_axes([box[0] / WIDTH, box[1] / total, box[2] / WIDTH, box[3] / total])


def _draw_plane(ax, name, shown, view, path):
    _, edges, axes = tables.PLANES[name]
    ax.set(
        xlim=edges[:2], ylim=edges[2:], aspect="equal", **dict(zip(("xlabel", "ylabel"), axes, strict=False))
    )
    ax.tick_params(labelsize=8)
    for key, layer in tables.LAYERS.items():
        array = path if layer.mark == "path" else view.get(layer.array)
        if key in shown and name in layer.planes and array is not None:
            MARKS[layer.mark](ax, np.nan_to_num(array), layer.colour)


def _surface(ax, levels, _):
    edges = (*ax.get_xlim(), *ax.get_ylim())
    low, high = min(0, levels.min()), max(1, levels.max())
    ax.imshow(
        levels, origin="lower", extent=edges, cmap=SURFACE, vmin=low, vmax=high, interpolation="bicubic"
    )


def _grid(ax, mesh, colour):
    lines = [*mesh, *np.swapaxes(mesh, 0, 1)]
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=0.7, alpha=0.8))


def _ellipses(ax, gaussians, colour):
    mean, std = gaussians.swapaxes(0, 1)
    sizes = {"widths": 4 * std[:, 0], "heights": 4 * std[:, 1], "angles": np.zeros(len(std)), "units": "xy"}
    colours = {"facecolors": to_rgba(colour, 0.03), "edgecolors": to_rgba(colour, 0.55)}
    ax.add_collection(EllipseCollection(offsets=mean, offset_transform=ax.transData, **sizes, **colours))
    for radius in (1, 2):
        ax.add_patch(plots.circle(radius))


def _arrows(ax, arrows, colour):
    start, pull = arrows[:, 0], ARROW * arrows[:, 1]
    length = np.linalg.norm(pull, axis=1, keepdims=True)
    pull = pull * np.minimum(1, LONGEST_ARROW / np.maximum(length, 1e-12))
    ax.quiver(*start.T, *pull.T, angles="xy", scale_units="xy", scale=1, width=0.005, color=colour, zorder=4)


def _path(ax, path, colour):
    ax.axhline(0, color="#BBBBBB", lw=0.8), ax.axvline(0, color="#BBBBBB", lw=0.8)
    ax.plot(path[:, 2], 0 * path[:, 2], "--", color=plots.COLOURS["decoder"], lw=1.5)
    ax.plot(path[-1, 2], 0, "D", color=plots.COLOURS["decoder"], ms=6)
    ax.plot(*path[:, :2].T, color=colour, lw=1.3)
    ax.plot(*path[-1, :2], "o", color=colour, ms=8)


def _points(marker, size, **options):
    return lambda ax, points, colour: ax.plot(
        *points.T, marker, ms=size, color=colour, **{"mew": 0, **options}
    )


MARKS = {
    "surface": _surface,
    "grid": _grid,
    "ellipses": _ellipses,
    "links": lambda ax, links, colour: ax.add_collection(
        LineCollection(links, colors=colour, linewidths=0.9)
    ),
    "arrows": _arrows,
    "path": _path,
    "dots": _points("o", 2.6, alpha=0.75),
    "crosses": _points("x", 4, mew=0.9),
    "diamonds": _points("D", 3.4, mec="white", mew=0.4),
    "discs": _points("o", 4.4, mec="white", mew=0.4),
}


def _draw_chart(ax, name, history, measured, modes):
    title, series, options = tables.CHARTS[name]
    for curve, (label, colour, line) in series.items():
        if curve in measured:
            steps, values = measured["step"], measured[curve]
        else:
            steps, values = np.arange(1, 1 + len(history[curve])), history[curve]
        if options.get("log"):
            values = np.where(values > 0, values, np.nan)
        marker = "o" if np.isfinite(values).sum() == 1 else ""
        ax.plot(steps, values, color=colour, ls=line, lw=1.2, label=label, marker=marker, ms=3)
    if options.get("log") and any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
        ax.set_yscale("log")
    if "limits" in options:
        ax.set_ylim(*options["limits"])
    if "line" in options:
        ax.axhline(options["line"], color="#888888", lw=0.8, ls=":")
    if options.get("whole"):
        ax.set_ylim(0, 1.05 * modes)
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    last = max([np.max(line.get_xdata()) for line in ax.lines if len(line.get_xdata())], default=0)
    ax.set_xlim(0, max(last, 10))
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.set_title(title, fontsize=9, loc="left", fontweight="bold", pad=11)
    ax.legend(fontsize=6.5, loc="lower left", bbox_to_anchor=(0, 0.95), ncols=4, frameon=False, borderpad=0,
              columnspacing=0.6, handlelength=1.1, handletextpad=0.4)  # fmt: skip
    ax.tick_params(which="both", labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)
