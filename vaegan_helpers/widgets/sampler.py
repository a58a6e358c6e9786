"""Samples from a decoder or a generator: the prior's noise, warmer or colder."""

import ipywidgets
import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.widgets import base, pictures


@jax.jit
def _samples(model, noise, pixel_noise, temperature):
    mean = model.decode(temperature * noise)
    return mean, (pixel_noise < mean).astype(jnp.float32)


class Sampler(base.Explorer):
    """A sheet of samples at a temperature: the decoder's mean beside a draw of every pixel from it.

    The temperature is the standard deviation of the latents: 1 is the prior. Moving it keeps the noise, so that each
    picture can be followed.

    Args:
      model: a VAE, or a generator with the same interface.
      columns: the sheet is columns x columns pictures.
      seed: of the first noise.
      draw_pixels: False for a model whose output is the picture itself, not the probability of each pixel, such as
        a GAN's generator: then there is one sheet.

    Attributes:
      temperature, seed: may be set.
      latents: the noise times the temperature, (columns * columns, z_dim).
      means: what the decoder makes of them, (columns * columns, pixels).

    Raises:
      ValueError: a model without a decoder, a temperature or seed out of range.
    """

    def __init__(self, model, *, columns=10, seed=0, draw_pixels=True):
        self.model = base.as_model(model)
        if columns < 1:
            raise ValueError(f"columns must be at least 1, got {columns}")
        self.columns = columns
        self.temperature_slider = base.slider("Temperature", 1.0, 0.0, 2.0, 0.05, readout_format=".2f")
        self.seed_field = ipywidgets.BoundedIntText(
            value=_as_seed(seed),
            min=0,
            max=999_999,
            description="Seed",
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="140px"),
        )
        self.button = ipywidgets.Button(description="New noise", tooltip="The next seed")
        self.mean = base.Picture("decoder mean" if draw_pixels else "samples", 440)
        self.draw = base.Picture("decoder sample", 440) if draw_pixels else None
        sheets = [self.mean, self.draw] if draw_pixels else [self.mean]
        for sheet in sheets:
            sheet.add_class("vg-smooth")
        super().__init__(
            "Sampler",
            [
                base.controls(self.temperature_slider, self.seed_field, self.button),
                base.row(*sheets, flow="row"),
            ],
        )
        self.watch(self.temperature_slider, self.show)
        self.watch(self.seed_field, self._renew)
        self.button.on_click(self.new_noise)
        self._renew(seed)

    @property
    def temperature(self):
        return self.temperature_slider.value

    @temperature.setter
    def temperature(self, temperature):
        if not 0 <= temperature <= 2:
            raise ValueError(f"temperature is between 0 and 2, got {temperature!r}")
        self.temperature_slider.value = temperature

    @property
    def seed(self):
        return self.seed_field.value

    @seed.setter
    def seed(self, seed):
        self.seed_field.value = _as_seed(seed)

    def new_noise(self, _=None):
        """Draws new noise, by the next seed."""
        self.seed = (self.seed + 1) % 1_000_000

    def _renew(self, seed):
        latent_key, pixel_key = jax.random.split(jax.random.key(seed))
        count = self.columns**2
        self._noise = jax.random.normal(latent_key, (count, self.model.z_dim))
        pixels = self.model.decode(self._noise[:1]).shape[1]
        self._pixel_noise = jax.random.uniform(pixel_key, (count, pixels))
        self.show(self.temperature)

    def show(self, temperature):
        """Decodes the noise at a temperature and shows the sheets."""
        means, draws = _samples(self.model, self._noise, self._pixel_noise, jnp.float32(temperature))
        self.latents, self.means = np.asarray(self._noise) * temperature, np.asarray(means)
        words = f"{len(self.means)} samples at temperature {temperature:.2f}, seed {self.seed}"
        self.mean.show(
            pictures.sheet(self.means, self.columns), f"{words}: {'means' if self.draw else 'pictures'}"
        )
        if self.draw:
            self.draw.show(
                pictures.sheet(np.asarray(draws), self.columns), f"{words}: every pixel drawn from its mean"
            )
        grey = np.mean((self.means > 0.1) & (self.means < 0.9))
        self.say(
            f"{words}. Share of pixels that are neither ink nor paper (0.1 to 0.9): ≈ {100 * grey:.0f} %."
        )


def _as_seed(seed):
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed <= 999_999:
        raise ValueError(f"a seed is a whole number from 0 to 999999, got {seed!r}")
    return int(seed)
