"""A walk between two latents of any size, along the straight line and along the great circle."""

from typing import Any

import numpy as np

from vaegan_helpers import interpolation, plots
from vaegan_helpers.widgets import base, networks, pictures

STEPS = 51  # positions of the slider, both ends included
STRIP = 11  # frames in a film strip: every fifth position
PATHS = {"linear": interpolation.linear_path, "spherical": interpolation.spherical_path}
LINES = {"linear": (plots.COLOURS["encoder"], "-"), "spherical": (plots.COLOURS["generated"], "--")}


def _as_ends(walk, ends):
    if ends is None:
        return None
    start, end, *images = ends
    latents = [base.as_latent(z, walk.model.z_dim).tolist() for z in (start, end)]
    interpolation.spherical_path(*latents, 2)  # says what is wrong with opposite latents
    return [
        *latents,
        *(None if image is None else np.asarray(image, float).ravel().tolist() for image in images),
    ]


class Interpolation(base.Explorer):
    """A walk from one latent to another, along the straight line and along the great circle.

    Args:
      model: decodes the latents.
      codes: encoded examples to choose the ends from, (n, z_dim).
      images: the examples themselves, (n, pixels), shown at the ends of the film strips.
      labels: their digits, (n,).
      start, end: which examples to begin with.

    Attributes:
      position: 0 at the start to 1 at the end; may be set.
      start, end: indices of the examples; may be set.
      latents, frames: for each path its points, (51, z_dim), and their pictures, (51, pixels).
      latent_steps, pixel_steps: for each path the lengths of its steps, in latent and in pixel space.

    Raises:
      ValueError: a model without a decoder, codes that do not fit it, an index out of range.
    """

    title = "Interpolation"
    _esm = base.script("interpolation.js")
    position = base.State(0.5, base.within("position", 0, 1))
    start = base.State(0, lambda self, index: base.as_index(index, len(self.codes)))
    end = base.State(1, lambda self, index: base.as_index(index, len(self.codes)))
    ends = base.State(None, _as_ends)

    def __init__(
        self, model: Any, codes: Any, images: Any = None, labels: Any = None, *, start: int = 0, end: int = 1
    ):
        self.model = networks.as_model(model)
        self.codes = base.as_codes(codes, self.model.z_dim)
        self.images = base.matching("images", images, len(self.codes))
        self.labels = base.matching("labels", labels, len(self.codes))
        self.now = {name: self._still(name, self._now_png, self._now_alt, 190, name) for name in PATHS}
        self.strips = {
            name: self._still(name, self._strip_png, self._strip_alt, 620, f"{name} path") for name in PATHS
        }
        self.chart = base.Still(self._chart_png, self._chart_alt, 400, "length of each step")
        super().__init__(
            {"model": model},
            {"start": start, "end": end},
            network=networks.decoder(model),
            codes=self.codes.astype("<f4").tobytes(),
            images=None if images is None else base.in_bytes(images),
            labels=None if labels is None else [str(label) for label in labels],
            count=len(self.codes),
            steps=STEPS,
            strip=STRIP,
        )

    @staticmethod
    def _still(name, png, alt, width, heading):
        return base.Still(lambda: png(name), lambda: alt(name), width, heading)

    def set_ends(self, start: Any, end: Any, start_image: Any = None, end_image: Any = None) -> None:
        """Walks between any two latents, for instance of drawn digits.

        Args:
          start, end: latents, (z_dim,).
          start_image, end_image: the pictures they were encoded from, (pixels,), or None.

        Raises:
          ValueError: a latent of the wrong size, or two that are opposite.
        """
        self.ends = [start, end, start_image, end_image]

    def choose(self, start: int, end: int) -> None:
        """Walks between two of the encoded examples, by their index."""
        with self.hold_trait_notifications():
            self.start, self.end, self.ends = start, end, None

    @property
    def latents(self) -> dict[str, np.ndarray]:
        start, end = self.ends[:2] if self.ends else (self.codes[self.start], self.codes[self.end])
        return {name: path(start, end, STEPS) for name, path in PATHS.items()}

    @property
    def frames(self) -> dict[str, np.ndarray]:
        return {name: networks.decode(self.model, z) for name, z in self.latents.items()}

    @property
    def latent_steps(self) -> dict[str, np.ndarray]:
        return {name: interpolation.step_lengths(z) for name, z in self.latents.items()}

    @property
    def pixel_steps(self) -> dict[str, np.ndarray]:
        return {name: interpolation.step_lengths(frames) for name, frames in self.frames.items()}

    @property
    def pictures(self) -> list[base.Still]:
        return [*self.now.values(), self.chart, *self.strips.values()]

    def _names(self):
        return (
            ("the first latent", "the second latent")
            if self.ends
            else (self._name(self.start), self._name(self.end))
        )

    def _name(self, index):
        return f"digit no. {index}" + ("" if self.labels is None else f" (a {self.labels[index]})")

    def _way(self):
        first, second = self._names()
        return f"{100 * self.position:.0f} % of the way from {first} to {second}"

    def _step(self):
        return round(float(self.position) * (STEPS - 1))

    def _now_png(self, name):
        return pictures.png(networks.decode(self.model, self.latents[name])[self._step()])

    def _now_alt(self, name):
        norm = np.linalg.norm(self.latents[name][self._step()])
        return f"Picture {self._way()}, {name} path, where the latent has norm ≈ {norm:.2f}"

    def _strip_png(self, name):
        first, second = (
            (None, None) if self.images is None else (self.images[self.start], self.images[self.end])
        )
        if self.ends:
            first, second = [*self.ends[2:], None, None][:2]
        film = [first, *self.frames[name][:: (STEPS - 1) // (STRIP - 1)], second]
        film = np.stack([image for image in film if image is not None])
        return pictures.sheet(film, len(film), scale=2)

    def _strip_alt(self, name):
        return "Film strip of the {} path from {} to {}".format(name, *self._names())

    def _chart_png(self):
        with pictures.figure((4, 2.4), dpi=200) as fig:
            ax = fig.add_axes((0.15, 0.2, 0.82, 0.75))
            for name, lengths in self.pixel_steps.items():
                colour, style = LINES[name]
                ax.plot(
                    (np.arange(STEPS - 1) + 0.5) / (STEPS - 1), lengths, color=colour, ls=style, label=name
                )
            ax.set(xlabel="position", ylabel="step in pixel space", xlim=(0, 1))
            ax.set_ylim(bottom=0)
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=8)
            ax.legend(frameon=False, fontsize=8, ncols=2, loc="lower center")
            return pictures.figure_png(fig)

    def _chart_alt(self):
        return f"Length of each step in pixel space along both paths. {self.summary()}"

    def summary(self) -> str:
        """How long the steps are, in words."""
        latent = self.latent_steps
        return "\n".join(
            f"{name.capitalize()} path: {STEPS - 1} steps of ≈ {latent[name].mean():.2f} in latent space; "
            f"in pixel space ≈ {steps.mean():.2f} on average, "
            f"≈ {steps.max():.2f} at most, ≈ {steps.sum():.1f} in all."
            for name, steps in self.pixel_steps.items()
        )

    def words(self) -> tuple[str, str]:
        return f"{self._way()}.\n{self.summary()}", ""
