"""Samples from a decoder or a generator: the prior's noise, warmer or colder."""

from typing import Any

import numpy as np

from vaegan_helpers.widgets import base, networks, noise, pictures


class Sampler(base.Explorer):
    """A sheet of samples at a temperature: the decoder's mean beside a draw of every pixel from it.

    The temperature is the standard deviation of the latents: 1 is the prior. Moving it keeps the noise, so
      that each
    picture can be followed.

    Args:
      model: a VAE, or a generator with the same interface.
      columns: the sheet is columns x columns pictures.
      seed: of the first noise.
      draw_pixels: False for a model whose output is the picture itself, not the probability of each pixel,
        such as a GAN's generator: then there is one sheet.

    Attributes:
      temperature, seed: may be set.
      latents: the noise times the temperature, (columns * columns, z_dim).
      means: what the decoder makes of them, (columns * columns, pixels).

    Raises:
      ValueError: a model without a decoder, a temperature or seed out of range.
    """

    title = "Sampler"
    _esm = base.script("sampler.js")
    temperature = base.State(1.0, base.within("temperature", 0, 2))
    seed = base.State(0, lambda _, seed: base.as_seed(seed))

    def __init__(self, model: Any, *, columns: int = 10, seed: int = 0, draw_pixels: bool = True):
        self.model = networks.as_model(model)
        if columns < 1:
            raise ValueError(f"columns must be at least 1, got {columns}")
        self.columns = columns
        self.mean = base.Still(
            lambda: pictures.sheet(self.means, columns),
            lambda: f"{self._shown()}: {'means' if draw_pixels else 'pictures'}",
            440,
            "decoder mean" if draw_pixels else "samples",
        )
        self.draw = None
        if draw_pixels:
            alt = lambda: f"{self._shown()}: every pixel drawn from its mean"  # noqa: E731
            self.draw = base.Still(lambda: pictures.sheet(self.draws, columns), alt, 440, "decoder sample")
        about = {"columns": columns, "z_dim": model.z_dim, "draw": draw_pixels}
        super().__init__({"model": model}, {"seed": seed}, network=networks.decoder(model), **about)

    @property
    def pictures(self) -> list[base.Still]:
        return [self.mean, self.draw] if self.draw else [self.mean]

    @property
    def latents(self) -> np.ndarray:
        count = self.columns**2
        return noise.normal(self.seed, count * self.model.z_dim).reshape(count, -1) * np.float32(
            self.temperature
        )

    @property
    def means(self) -> np.ndarray:
        return networks.decode(self.model, self.latents)

    @property
    def draws(self) -> np.ndarray:
        """Every pixel drawn from its mean, (columns * columns, pixels)."""
        means = self.means
        return (noise.uniform(self.seed, means.size, 2).reshape(means.shape) < means).astype(np.float32)

    def new_noise(self) -> None:
        """Draws new noise, by the next seed."""
        self.seed = (self.seed + 1) % 1_000_000

    def _shown(self):
        return f"{self.columns**2} samples at temperature {self.temperature:.2f}, seed {self.seed}"

    def words(self) -> tuple[str, str]:
        means = self.means
        grey = 100 * np.mean((means > 0.1) & (means < 0.9))
        return (
            f"{self._shown()}. Share of pixels that are neither ink nor paper (0.1 to 0.9): ≈ {grey:.0f} %.",
            "",
        )
