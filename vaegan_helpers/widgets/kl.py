"""The KL divergence between two bell curves: exact, and estimated from ever more draws."""

import ipywidgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vaegan_helpers import losses, plots
from vaegan_helpers.widgets import base, pictures

MOST = 1000
RANGES = {"mean": (-3, 3), "std": (0.05, 4), "samples": (10, MOST)}


class KLPlayground(base.Explorer):
    """Sliders for a Gaussian, its density beside the standard normal's, and the KL divergence between them two ways.

    Left the two densities; right the estimate from the first 1, 2, 3, ... draws, with its error bar (two standard
    errors), running towards the closed form.

    Args:
      mean: where the mean slider begins, -3 to 3.
      std: where the standard deviation begins, 0.05 to 4.
      samples: how many draws to begin with, 10 to 1,000.
      seed: of the draws.

    Attributes:
      mean, std, samples: the sliders' values; may be set.
      exact: the closed form, in nats.
      estimate, standard_error: from the draws, in nats.

    Raises:
      ValueError: a value outside of its slider.
    """

    def __init__(self, mean=1.0, std=0.5, samples=300, *, seed=0):
        mean, std, samples = _checked("mean", mean), _checked("std", std), _checked("samples", samples)
        self.mean_slider = base.slider("Mean", float(mean), -3.0, 3.0, 0.05, readout_format=".2f")
        self.std_slider = ipywidgets.FloatLogSlider(
            value=float(std),
            base=10,
            min=np.log10(0.05),
            max=np.log10(4),
            step=0.02,
            description="Standard deviation",
            readout_format=".2f",
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="340px"),
        )
        self.samples_slider = base.slider("Draws", int(samples), 10, MOST, 10)
        self.button = ipywidgets.Button(description="New draws")
        self.picture = base.Picture(width=900)
        self.picture.add_class("vg-smooth")
        self._seed = seed
        self._noise = np.random.default_rng(seed).normal(size=MOST)
        self._make_figure()
        super().__init__(
            "KL playground",
            [
                base.controls(self.mean_slider, self.std_slider, self.samples_slider, self.button),
                self.picture,
            ],
        )
        for control in (self.mean_slider, self.std_slider, self.samples_slider):
            self.watch(control, self.show)
        self.button.on_click(self.new_draws)
        self.show()

    @property
    def mean(self):
        return self.mean_slider.value

    @mean.setter
    def mean(self, mean):
        self.mean_slider.value = _checked("mean", mean)

    @property
    def std(self):
        return self.std_slider.value

    @std.setter
    def std(self, std):
        self.std_slider.value = _checked("std", std)

    @property
    def samples(self):
        return self.samples_slider.value

    @samples.setter
    def samples(self, samples):
        self.samples_slider.value = _checked("samples", samples)

    def new_draws(self, _=None):
        """Draws new noise, by the next seed."""
        self._seed += 1
        self._noise = np.random.default_rng(self._seed).normal(size=MOST)
        self.show()

    def show(self, _=None):
        """Computes both values of the KL divergence and draws the picture."""
        mean, std, n = self.mean, self.std, self.samples
        self.exact = float(losses.kl_to_standard_normal(np.array([[mean]]), np.array([[2 * np.log(std)]]))[0])
        noise = self._noise[:n]
        # log q(z) - log p(z) at z = mean + std * noise; the constants cancel
        ratios = -np.log(std) - noise**2 / 2 + (mean + std * noise) ** 2 / 2
        counts = np.arange(1, n + 1)
        running = np.cumsum(ratios) / counts
        spread = np.sqrt(np.maximum(np.cumsum(ratios**2) / counts - running**2, 0))
        error = spread / np.sqrt(np.maximum(counts - 1, 1))  # of the mean, from the draws so far
        self.estimate, self.standard_error = float(running[-1]), float(error[-1])
        words = (
            f"KL of N({mean:.2f}, {std:.2f}²) from N(0, 1): exactly {self.exact:.3f} nats; "
            f"from {n} draws {self.estimate:.3f} ± {self.standard_error:.3f} nats (one standard error)"
        )
        self.picture.show(
            self._draw(counts, running, error), f"Two densities and the running estimate. {words}"
        )
        self.say(f"{words}.")

    def _make_figure(self):
        self._fig = Figure(figsize=(9, 3), dpi=120)
        FigureCanvasAgg(self._fig)
        density, estimate = self._fig.subplots(1, 2)
        self._fig.subplots_adjust(left=0.065, right=0.98, bottom=0.17, top=0.9, wspace=0.18)
        self._z = np.linspace(-6, 6, 301)
        prior = np.exp(-(self._z**2) / 2) / np.sqrt(2 * np.pi)
        density.fill_between(self._z, prior, color=plots.COLOURS["prior"], alpha=0.25, linewidth=0)
        density.plot(self._z, prior, color=plots.COLOURS["prior"], linestyle="--")
        density.annotate(
            "N(0, 1)",
            (-1.1, 0.22),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            color="#555555",
            fontsize=9,
        )
        density.set(xlim=(-6, 6), ylim=(0, 1), xlabel="latent z", ylabel="density", title="the two densities")
        estimate.set(
            xlim=(1, MOST), xscale="log", xlabel="draws", ylabel="KL, nats", title="closed form and estimate"
        )
        (self._curve,) = density.plot([], [], color=plots.COLOURS["encoder"], linewidth=2, animated=True)
        (self._exact_line,) = estimate.plot([], [], color="black", linestyle="--", animated=True)
        (self._running,) = estimate.plot([], [], color=plots.COLOURS["generated"], animated=True)
        (self._band,) = estimate.fill(
            [1], [0], color=plots.COLOURS["generated"], alpha=0.25, linewidth=0, animated=True
        )
        for ax in (density, estimate):
            ax.spines[["top", "right"]].set_visible(False)
            ax.title.set_fontsize(10)
        estimate.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        self._running.set_label("estimate, with two standard errors")
        self._exact_line.set_label("closed form")
        estimate.legend(frameon=False, fontsize=8, loc="upper right")
        self._axes, self._background = (density, estimate), {}

    def _draw(self, counts, running, error):
        """The picture as PNG bytes. The axes are kept for each pair of ranges; only what moves is drawn again."""
        density, estimate = self._axes
        bell = np.exp(-(((self._z - self.mean) / self.std) ** 2) / 2) / (self.std * np.sqrt(2 * np.pi))
        settled = running[min(9, len(running) - 1) :]
        low = min(self.exact, settled.min())
        ranges = (
            _round_up(1.05 * max(bell.max(), 0.4)),
            _round_up(1.5 * max(self.exact, settled.max(), 0.2)),
            -_round_up(-low) if low < -0.02 else 0.0,
        )
        canvas = self._fig.canvas
        if ranges not in self._background:
            density.set_ylim(0, ranges[0])
            estimate.set_ylim(ranges[2], ranges[1])
            canvas.draw()
            self._background[ranges] = (
                canvas.copy_from_bbox(self._fig.bbox),
                density.get_ylim(),
                estimate.get_ylim(),
            )
        background, *limits = self._background[ranges]
        for ax, limit in zip(self._axes, limits):
            ax.set_ylim(limit)
        self._curve.set_data(self._z, bell)
        self._exact_line.set_data([1, MOST], [self.exact, self.exact])
        self._running.set_data(counts, running)
        around = np.concatenate([running - 2 * error, (running + 2 * error)[::-1]])
        self._band.set_xy(np.column_stack([np.concatenate([counts, counts[::-1]]), around]))
        canvas.restore_region(background)
        for ax, artist in [
            (density, self._curve),
            (estimate, self._band),
            (estimate, self._running),
            (estimate, self._exact_line),
        ]:
            ax.draw_artist(artist)
        return pictures.encode(np.asarray(canvas.buffer_rgba())[..., :3])


def _checked(name, value):
    low, high = RANGES[name]
    if not low <= value <= high:
        raise ValueError(f"{name} is between {low} and {high}, got {value!r}")
    return value


def _round_up(value):
    """The next number of 0.1, 0.2, 0.5, 1, 2, 5, 10 and so on: few ranges, so that most pictures share one."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * step for step in (1, 2, 5, 10) if power * step >= value * (1 - 1e-9)))
