"""The KL divergence between two bell curves: exact, and estimated from ever more draws."""

import numpy as np

from vaegan_helpers import losses, plots
from vaegan_helpers.widgets import base, noise, pictures

MOST = 1000


class KLPlayground(base.Explorer):
    """Sliders for a Gaussian, its density beside the standard normal's, and the KL divergence of them in two
    ways.

    Left the two densities; right the estimate from the first 1, 2, 3, ... draws, with its error bar (two
    standard errors), running towards the closed form.

    Args:
      mean: where the mean slider begins, -3 to 3.
      std: where the standard deviation begins, 0.05 to 4.
      samples: how many draws to begin with, 10 to 1,000.
      seed: of the draws.

    Attributes:
      mean, std, samples, seed: may be set.
      exact: the closed form, in nats.
      estimate, standard_error: from the draws, in nats.

    Raises:
      ValueError: a value outside of its slider.
    """

    title = "KL playground"
    _esm = base.script("kl.js")
    mean = base.State(1.0, base.within("mean", -3, 3))
    std = base.State(0.5, base.within("std", 0.05, 4))
    samples = base.State(300, base.within("samples", 10, MOST))
    seed = base.State(0, lambda _, seed: base.as_seed(seed))

    def __init__(self, mean: float = 1.0, std: float = 0.5, samples: int = 300, *, seed: int = 0):
        self.picture = base.Still(
            self._png, lambda: f"Two densities and the running estimate. {self.text}", 900
        )
        super().__init__({}, {"mean": mean, "std": std, "samples": samples, "seed": seed}, most=MOST)

    @property
    def pictures(self):
        return [self.picture]

    @property
    def exact(self) -> float:
        mean, logvar = np.array([[self.mean]]), np.array([[2 * np.log(self.std)]])
        return float(losses.kl_to_standard_normal(mean, logvar)[0])

    @property
    def estimate(self) -> float:
        return float(self.running()[0][-1])

    @property
    def standard_error(self) -> float:
        return float(self.running()[1][-1])

    def running(self) -> tuple[np.ndarray, np.ndarray]:
        """The estimate from the first 1, 2, 3, ... draws, and its standard error, each (samples,), in
        nats."""
        draws = noise.normal(self.seed, MOST)[: self.samples].astype(float)
        # log q(z) - log p(z) at z = mean + std * draw; the constants cancel
        ratios = -np.log(self.std) - draws**2 / 2 + (self.mean + self.std * draws) ** 2 / 2
        counts = np.arange(1, len(draws) + 1)
        running = np.cumsum(ratios) / counts
        spread = np.sqrt(np.maximum(np.cumsum(ratios**2) / counts - running**2, 0))
        return running, spread / np.sqrt(np.maximum(counts - 1, 1))

    def new_draws(self) -> None:
        """Draws new noise, by the next seed."""
        self.seed = (self.seed + 1) % 1_000_000

    def words(self):
        return (
            f"KL of N({self.mean:.2f}, {self.std:.2f}²) from N(0, 1): exactly {self.exact:.3f} nats; "
            f"from {self.samples} draws {self.estimate:.3f} ± {self.standard_error:.3f} nats "
            "(one standard error).",
            "",
        )

    def ranges(self) -> tuple[float, float, float]:
        """Where the axis of the densities ends, and where that of the estimate begins and ends."""
        settled = self.running()[0][9:]
        low = min(self.exact, settled.min())
        return (
            _round_up(1.05 * max(1 / (self.std * np.sqrt(2 * np.pi)), 0.4)),
            -_round_up(-low) if low < -0.02 else 0.0,
            _round_up(1.5 * max(self.exact, settled.max(), 0.2)),
        )

    def _png(self):
        running, error = self.running()
        counts, z = np.arange(1, len(running) + 1), np.linspace(-6, 6, 301)
        top, low, high = self.ranges()
        with pictures.figure((9, 3)) as fig:
            density, estimate = fig.subplots(1, 2)
            fig.subplots_adjust(left=0.065, right=0.98, bottom=0.17, top=0.97, wspace=0.18)
            prior = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
            density.fill_between(z, prior, color=plots.COLOURS["prior"], alpha=0.25, linewidth=0)
            density.plot(z, prior, color=plots.COLOURS["prior"], linestyle="--", label="N(0, 1)")
            bell = np.exp(-(((z - self.mean) / self.std) ** 2) / 2) / (self.std * np.sqrt(2 * np.pi))
            density.plot(z, bell, color=plots.COLOURS["encoder"], linewidth=2, label="N(mean, std²)")
            density.set(xlim=(-6, 6), ylim=(0, top), xlabel="latent z", ylabel="density")
            colour = plots.COLOURS["generated"]
            estimate.fill_between(counts, running - 2 * error, running + 2 * error, color=colour, alpha=0.25)
            estimate.plot(counts, running, color=colour, label="estimate, with two standard errors")
            estimate.axhline(self.exact, color="black", linestyle="--", label="closed form")
            estimate.set(xlim=(1, MOST), ylim=(low, high), xscale="log", xlabel="draws", ylabel="KL, nats")
            estimate.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            for ax in (density, estimate):
                ax.spines[["top", "right"]].set_visible(False)
                ax.legend(frameon=False, fontsize=8, loc="upper right")
            return pictures.figure_png(fig)


def _round_up(value):
    """The next number of 0.1, 0.2, 0.5, 1, 2, 5, 10 and so on, so that the axes do not jump at every step."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * step for step in (1, 2, 5, 10) if power * step >= value * (1 - 1e-9)))
