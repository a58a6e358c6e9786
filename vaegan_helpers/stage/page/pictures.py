"""The pictures of the training stage: arrays in, PNG or JPEG bytes out. What stands still is drawn once and kept."""

import io
import warnings

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from vaegan_helpers import plots
from vaegan_helpers.widgets import pictures

SCALE = 1.6  # pixels of the picture for each pixel of the page, so that it is sharp on most screens
SIDE = 340  # pixels of the page along each side of a plane
ARROW = 0.4  # length of an arrow, in units of the plane, where the gradient is 1 nat per unit
LONGEST = 0.16  # of an arrow, as a share of the plane's width
SURFACE = LinearSegmentedColormap.from_list("surface", [plots.COLOURS["generated"], "#FFFFFF", "#666666"])
_PALETTE = (255 * SURFACE(np.linspace(0, 1, 256))[:, :3] * 0.65 + 255 * 0.35).astype(
    np.uint8
)  # paler, so that dots stand out
_LUT = _PALETTE.tobytes()


def encode(canvas, fast):
    """A drawn canvas as JPEG (several times faster, for pictures that live a moment) or as PNG bytes."""
    width, height = canvas.get_width_height(physical=True)
    picture = Image.frombuffer("RGBX", (width, height), canvas.buffer_rgba(), "raw", "RGBX", 0, 1)
    if not fast:
        return pictures.encode(np.asarray(picture.convert("RGB")))
    out = io.BytesIO()
    picture.save(out, "jpeg", quality=88, subsampling=0)
    return out.getvalue()


class Kept:
    """A figure whose unmoving part is drawn once for each key and kept."""

    def __init__(self, width, height, scale=SCALE, most=12):
        self.fig = Figure(figsize=(width / 100, height / 100), dpi=100 * scale)
        self.canvas = FigureCanvasAgg(self.fig)
        self._most, self._backgrounds = most, {}

    def begin(self, key, prepare):
        """Puts the unmoving part in place; `prepare()` sets limits and words if the key is new."""
        if key not in self._backgrounds:
            if len(self._backgrounds) >= self._most:
                del self._backgrounds[next(iter(self._backgrounds))]
            prepare()
            self.canvas.draw()
            self._backgrounds[key] = self.canvas.copy_from_bbox(self.fig.bbox)
        else:
            prepare()
        self.canvas.restore_region(self._backgrounds[key])


class Plane(Kept):
    """One square plane: a surface, a warped grid, points, arrows and ellipses, each drawn if it is given."""

    def __init__(self, xlabel=None, ylabel=None, colour="generated"):
        super().__init__(SIDE, SIDE)
        self.ax = self.fig.add_axes([0.085, 0.07, 0.895, 0.915])
        self.ax.tick_params(labelsize=7, length=2, pad=2)
        if xlabel:
            self.ax.set_position([0.12, 0.105, 0.86, 0.88])
            self.ax.set_xlabel(xlabel, fontsize=8, labelpad=1)
            self.ax.set_ylabel(ylabel, fontsize=8, labelpad=0)
        still = {"animated": True, "linewidth": 0}
        colours = plots.COLOURS
        self._links = LineCollection([], colors=colours["decoder"], linewidths=0.9, animated=True)
        self.ax.add_collection(self._links)
        self._manifold = LineCollection([], colors=colours[colour], linewidths=0.7, alpha=0.8, animated=True)
        self.ax.add_collection(self._manifold)
        self._points = {
            "real": self.ax.plot([], [], "o", ms=2.6, mew=0, color=colours["real"], alpha=0.75, **still)[0],
            "noise": self.ax.plot(
                [], [], "x", ms=4, mew=0.9, color=colours["prior"], animated=True, linewidth=0
            )[0],
            "codes": self.ax.plot([], [], "o", ms=2.8, mew=0, color=colours["encoder"], **still)[0],
            "decoded": self.ax.plot(
                [], [], "D", ms=3.0, mec="white", mew=0.35, color=colours["decoder"], **still
            )[0],
            "generated": self.ax.plot(
                [], [], "o", ms=4.0, mec="white", mew=0.4, color=colours["generated"], **still
            )[0],
        }
        self._sizes = {name: artist.get_markersize() for name, artist in self._points.items()}
        self._alphas = {name: artist.get_alpha() or 1.0 for name, artist in self._points.items()}

    def draw(
        self,
        extent,
        *,
        surface=None,
        manifold=None,
        points=None,
        arrows=None,
        links=None,
        ellipses=None,
        circles=(),
        highlight=(),
        fast=False,
    ):
        """The plane as bytes.

        Args:
          extent: left, right, bottom, top.
          surface: (g, g) in [0, 1], rows from the bottom.
          manifold: (k, k, 2), a grid of points, or (k, 2), a line.
          points: {"real", "generated", "decoded", "noise" or "codes": (n, 2)}.
          arrows: (m, 2, 2), points and the gradients there.
          links: (m, 2, 2), both ends of a line.
          ellipses: (n, 2, 2), means and standard deviations.
          circles: radii around the origin.
          highlight: names of what is in the light; the rest steps back. Empty for all alike.
          fast: JPEG instead of PNG.

        Returns:
          bytes.
        """
        extent = tuple(float(edge) for edge in extent)
        self.begin((extent, tuple(circles)), lambda: self._frame(extent, circles))
        if surface is not None:
            self._paste(surface)
        light = lambda *names: 1.0 if not highlight or set(names) & set(highlight) else 0.22
        if manifold is not None:
            lines = (
                list(manifold) + list(np.swapaxes(manifold, 0, 1)) if np.ndim(manifold) == 3 else [manifold]
            )
            self._manifold.set_segments(lines)
            self._manifold.set_alpha(0.8 * light("manifold"))
            self._manifold.set_linewidths(1.3 if "manifold" in highlight else 0.7)
            self.ax.draw_artist(self._manifold)
        if ellipses is not None:
            self._draw_ellipses(ellipses, light("ellipses"))
        if links is not None:
            self._links.set_segments(list(links))
            self._links.set_alpha(light("links"))
            self.ax.draw_artist(self._links)
        for name, artist in self._points.items():
            if points and points.get(name) is not None:
                artist.set_data(*np.asarray(points[name]).T)
                artist.set_alpha(self._alphas[name] * light(name))
                artist.set_markersize(self._sizes[name] * (1.4 if name in highlight else 1))
                self.ax.draw_artist(artist)
        if arrows is not None:
            self._draw_arrows(arrows, extent[1] - extent[0], light("arrows"))
        return encode(self.canvas, fast)

    def _frame(self, extent, circles):
        self.ax.set(xlim=extent[:2], ylim=extent[2:])
        for patch in list(self.ax.patches):
            patch.remove()
        for radius in circles:
            self.ax.add_patch(plots.circle(radius))

    def _paste(self, surface):
        """Puts the heat map straight into the pixels, which is ten times faster than an image artist."""
        pixels = np.asarray(self.canvas.buffer_rgba())
        box, height = self.ax.bbox, len(pixels)
        left, right = round(box.x0) + 1, round(box.x1) - 1
        top, bottom = height - round(box.y1) + 1, height - round(box.y0) - 1
        grey = (255.5 * np.clip(np.nan_to_num(surface, nan=0.5), 0, 1)).astype(np.uint8)
        picture = Image.fromarray(grey[::-1]).resize((right - left, bottom - top), Image.Resampling.BICUBIC)
        picture.putpalette(_LUT)
        pixels[top:bottom, left:right] = np.asarray(picture.convert("RGBA"))

    def _draw_arrows(self, arrows, width, alpha):
        start, gradient = np.asarray(arrows)[:, 0], ARROW * np.nan_to_num(np.asarray(arrows)[:, 1])
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        gradient = gradient * np.minimum(1, LONGEST * width / np.maximum(length, 1e-12))
        quiver = self.ax.quiver(
            *start.T,
            *gradient.T,
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.0045,
            minlength=0.3,
            color="#222222",
            animated=True,
            alpha=alpha,
        )
        self.ax.draw_artist(quiver)
        quiver.remove()

    def _draw_ellipses(self, ellipses, alpha):
        mean, std = np.asarray(ellipses).swapaxes(0, 1)
        artist = EllipseCollection(
            4 * std[:, 0],
            4 * std[:, 1],
            np.zeros(len(std)),
            units="xy",
            offsets=mean,
            offset_transform=self.ax.transData,
            facecolors=to_rgba(plots.COLOURS["encoder"], 0.03 * alpha),
            edgecolors=to_rgba(plots.COLOURS["encoder"], 0.55 * alpha),
            linewidths=0.7,
            animated=True,
        )
        self.ax.add_collection(artist)
        self.ax.draw_artist(artist)
        artist.remove()


class Chart(Kept):
    """One small chart through time.

    Args:
      title: what it shows, with its unit.
      series: {name: (label, colour, line style)}.
      limits: of the vertical axis, or None to follow the values.
      lines: heights of dotted lines to compare with.
      log: whether the vertical axis is logarithmic.
      whole: whether it counts.
    """

    WIDTH, HEIGHT = 200, 138

    def __init__(self, title, series, *, limits=None, lines=(), log=False, whole=False):
        super().__init__(self.WIDTH, self.HEIGHT, scale=2)
        self.series, self.limits, self._log = series, limits, log
        self.ax = self.fig.add_axes([0.17, 0.145, 0.765, 0.63])
        self.ax.spines[["top", "right"]].set_visible(False)
        self.ax.tick_params(labelsize=6.3, length=2, pad=1.5)
        if log:
            self.ax.set_yscale("log")
            self.ax.minorticks_off()
        self.ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if not log:
            self.ax.yaxis.set_major_locator(MaxNLocator(4, integer=whole))
        self.ax.xaxis.set_major_formatter(
            lambda value, _: f"{value:g}" if value < 1000 else f"{value / 1000:g}k"
        )
        self.fig.text(0.02, 0.905, title, fontsize=7.4, fontweight="bold", color="#333333")
        left = 0.17
        for label, colour, style in series.values():
            self.fig.add_artist(self._sample(left, colour, style))
            words = self.fig.text(left + 0.075, 0.805, label, fontsize=6.8, color="#222222")
            left += 0.105 + words.get_window_extent(self.canvas.get_renderer()).width / self.fig.bbox.width
        for height in lines:
            self.ax.axhline(height, color="#888888", lw=0.8, ls=":")
        self._curves = {
            name: self.ax.plot([], [], color=colour, ls=style, lw=1.2, animated=True)[0]
            for name, (_, colour, style) in series.items()
        }
        (self._now,) = self.ax.plot([], [], color="#444444", lw=0.9, ls="--", animated=True)

    def _sample(self, left, colour, style):
        return Line2D([left, left + 0.06], [0.828, 0.828], color=colour, ls=style, lw=1.6)

    def draw(self, steps, values, now=None, fast=False):
        """The chart as bytes.

        Args:
          steps: {name: (n,)}, where the values were taken.
          values: {name: (n,)}; NaN leaves a gap.
          now: the step shown, marked by a line, or None.
          fast: JPEG instead of PNG.
        """
        shown = {name: thinned(steps[name], values[name]) for name in self.series}
        last = max([at[-1] for at, _ in shown.values() if len(at)], default=0)
        ranges = (nice(max(last, 10)), *self._range([value for _, value in shown.values()]))
        self.begin(ranges, lambda: self.ax.set(xlim=(0, ranges[0]), ylim=ranges[1:]))
        for name, curve in self._curves.items():
            curve.set_data(*shown[name])
            curve.set_marker("o" if len(shown[name][0]) == 1 else "")
            curve.set_markersize(2.5)
            self.ax.draw_artist(curve)
        if now is not None and now < last:
            self._now.set_data([now, now], ranges[1:])
            self.ax.draw_artist(self._now)
        return encode(self.canvas, fast)

    def _range(self, values):
        values = np.concatenate([np.ravel(value) for value in values]) if values else np.zeros(0)
        values = values[np.isfinite(values)]
        if self._log:
            values = values[values > 0]
            if not len(values):
                return 1e-2, 1e1
            low, high = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
            return 10.0 ** max(low, -12), 10.0 ** max(high, low + 1)
        if self.limits is not None:
            low, high = self.limits
            return (
                (low, high)
                if not len(values)
                else (
                    min(low, -nice(-values.min()) if values.min() < low else low),
                    max(high, nice(values.max()) if values.max() > high else high),
                )
            )
        if not len(values):
            return 0.0, 1.0
        low, high = values.min(), values.max()
        return (-nice(-low) if low < -1e-6 else 0.0), (
            nice(high) if high > 1e-6 else 0.1 * nice(max(-low, 1.0))
        )


def nice(value):
    """The next number of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten: few ranges, so that most pictures share one."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(
        next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * step >= value * (1 - 1e-9))
    )


def thinned(steps, values, most=300):
    """At most so many points of a curve: means of equal pieces, without what is not a number."""
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    piece = -(-len(steps) // most) if len(steps) else 1
    if piece == 1:
        return steps, values
    whole = len(steps) // piece * piece
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a piece in which a player did not move has no mean
        means = np.nanmean(np.where(np.isfinite(values), values, np.nan)[:whole].reshape(-1, piece), axis=1)
    return np.append(steps[:whole].reshape(-1, piece).mean(axis=1), steps[-1]), np.append(means, values[-1])


def together(planes, charts):
    """Planes with headings, and the charts below them, as one picture: PNG bytes.

    Args:
      planes: [(base.Picture, heading)].
      charts: [base.Picture].
    """
    planes = [(Image.open(io.BytesIO(picture.png)).convert("RGB"), heading) for picture, heading in planes]
    charts = [Image.open(io.BytesIO(picture.png)).convert("RGB") for picture in charts]
    side, gap, title = planes[0][0].width, 16, 40
    width = max(len(planes), 2) * (side + gap) + gap
    small = (width - gap) // max(len(charts), 3) - gap
    height = title + side + gap + (small * Chart.HEIGHT // Chart.WIDTH + gap if charts else 0)
    fig = Figure(figsize=(width / 100, height / 100), dpi=100)
    canvas = FigureCanvasAgg(fig)
    for place, (_, heading) in enumerate(planes):
        fig.text(
            (gap + place * (side + gap)) / width, 1 - 28 / height, heading, fontsize=15, fontweight="bold"
        )
    canvas.draw()
    page = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    for place, (picture, _) in enumerate(planes):
        page.paste(picture, (gap + place * (side + gap), title))
    for place, picture in enumerate(charts):
        picture = picture.resize((small, small * Chart.HEIGHT // Chart.WIDTH), Image.Resampling.LANCZOS)
        page.paste(picture, (gap + place * (small + gap), title + side + gap))
    return pictures.encode(np.asarray(page))
