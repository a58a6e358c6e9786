"""Explorers of latents of any size: a walk between two of them, and one slider for each dimension."""

import ipywidgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vaegan_helpers import interpolation, plots
from vaegan_helpers.widgets import base, pictures

STEPS = 51  # positions of the slider, both ends included
STRIP = 11  # frames in a film strip: every fifth position
PATHS = {"linear": interpolation.linear_path, "spherical": interpolation.spherical_path}
COLOURS = {"linear": plots.COLOURS["encoder"], "spherical": plots.COLOURS["generated"]}


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
      latent_steps, pixel_steps: for each path the lengths of its steps, in latent and in pixel space.

    Raises:
      ValueError: a model without a decoder, codes that do not fit it, an index out of range.
    """

    def __init__(self, model, codes, images=None, labels=None, *, start=0, end=1):
        self.model = base.as_model(model)
        self.codes = base.as_codes(codes, self.model.z_dim)
        self.images = base.matching("images", images, len(self.codes))
        self.labels = base.matching("labels", labels, len(self.codes))
        count = len(self.codes)
        self.start = base.index_field("From digit no.", base.as_index(start, count), count)
        self.end = base.index_field("To digit no.", base.as_index(end, count), count)
        self.slider = base.slider("Position", 0.5, 0.0, 1.0, 1 / (STEPS - 1), readout_format=".2f")
        self.play = ipywidgets.Play(
            min=0, max=STEPS - 1, value=STEPS // 2, interval=60, show_repeat=False, description="Walk"
        )
        self.now = {name: base.Picture(name, 190) for name in PATHS}
        self.strips = {name: base.Picture(f"{name} path", 620) for name in PATHS}
        self._chart = _Chart()
        self.chart = base.Picture("Length of each step", 400)
        self.chart.add_class("vg-smooth")
        super().__init__(
            "Interpolation",
            [
                base.controls(self.start, self.end),
                base.controls(self.slider, self.play),
                base.row(*self.now.values(), self.chart),
                base.row(*self.strips.values(), gap="8px 24px"),
            ],
        )
        self.watch(self.start, self._choose)
        self.watch(self.end, self._choose)
        self.watch(self.slider, self.show)
        self.watch(self.play, self._advance)
        self._choose()

    @property
    def position(self):
        return self.slider.value

    @position.setter
    def position(self, position):
        if not 0 <= position <= 1:
            raise ValueError(f"position is between 0 and 1, got {position!r}")
        self.slider.value = position

    def set_ends(self, start, end, start_image=None, end_image=None):
        """Walks between any two latents, for instance of drawn digits.

        Args:
          start, end: latents, (z_dim,).
          start_image, end_image: the pictures they were encoded from, (pixels,), or None.

        Raises:
          ValueError: a latent of the wrong size.
        """
        start, end = (base.as_latent(z, self.model.z_dim) for z in (start, end))
        self._names = "the first latent", "the second latent"
        self._walk(start, end, start_image, end_image)

    def choose(self, start, end):
        """Walks between two of the encoded examples, by their index."""
        start, end = (base.as_index(index, len(self.codes)) for index in (start, end))
        self.start.value, self.end.value = start, end
        self._choose()

    def _choose(self, _=None):
        start, end = self.start.value, self.end.value
        self._names = self._name(start), self._name(end)
        ends = (None, None) if self.images is None else (self.images[start], self.images[end])
        self._walk(self.codes[start], self.codes[end], *ends)

    def _name(self, index):
        return f"digit no. {index}" + ("" if self.labels is None else f" (a {self.labels[index]})")

    def _walk(self, start, end, start_image, end_image):
        self.latents = {name: path(start, end, STEPS) for name, path in PATHS.items()}
        self.frames = {name: base.decode(self.model, z) for name, z in self.latents.items()}
        self.latent_steps = {name: interpolation.step_lengths(z) for name, z in self.latents.items()}
        self.pixel_steps = {name: interpolation.step_lengths(frames) for name, frames in self.frames.items()}
        for name, strip in self.strips.items():
            film = self.frames[name][:: (STEPS - 1) // (STRIP - 1)]
            film = np.stack([image for image in (start_image, *film, end_image) if image is not None])
            strip.show(
                pictures.sheet(film, len(film), scale=2),
                f"Film strip of the {name} path from {self._names[0]} to {self._names[1]}",
            )
        self.chart.show(
            self._chart.png(self.pixel_steps),
            "Length of each step in pixel space along both interpolation. " + self.summary(),
        )
        self.show(self.slider.value)

    def summary(self):
        """How long the steps are, in words."""
        parts = []
        for name in PATHS:
            pixels = self.pixel_steps[name]
            parts.append(
                f"{name.capitalize()} path: {STEPS - 1} steps of ≈ {self.latent_steps[name].mean():.2f} in latent space; "
                f"in pixel space ≈ {pixels.mean():.2f} on average, ≈ {pixels.max():.2f} at most, ≈ {pixels.sum():.1f} in all."
            )
        return "\n".join(parts)

    def show(self, position):
        """Shows both paths at a position from 0 to 1."""
        step = round(float(position) * (STEPS - 1))
        for name, picture in self.now.items():
            norm = np.linalg.norm(self.latents[name][step])
            picture.show(
                pictures.png(self.frames[name][step]),
                f"Picture {100 * position:.0f} % of the way from {self._names[0]} to {self._names[1]}, "
                f"{name} path, where the latent has norm ≈ {norm:.2f}",
            )
        if self.play.value != step:
            self.play.value = step
        self.say(
            f"{100 * position:.0f} % of the way from {self._names[0]} to {self._names[1]}.\n{self.summary()}"
        )

    def _advance(self, step):
        # The slider may stand between two steps; only another step moves it.
        if round(self.slider.value * (STEPS - 1)) != step:
            self.slider.value = step / (STEPS - 1)


class _Chart:
    """The lengths of the steps along both paths, on one figure that is kept."""

    def __init__(self):
        self._fig = Figure(figsize=(4, 2.1), dpi=200)
        FigureCanvasAgg(self._fig)
        self._ax = self._fig.add_axes([0.15, 0.22, 0.82, 0.73])
        self._lines = {
            name: self._ax.plot([0, 1], [0, 1], color=COLOURS[name], label=name, linestyle=style)[0]
            for name, style in [("linear", "-"), ("spherical", "--")]
        }
        self._ax.set(xlabel="position", ylabel="in pixel space", xlim=(0, 1))
        self._ax.spines[["top", "right"]].set_visible(False)
        self._ax.tick_params(labelsize=8)
        self._ax.legend(frameon=False, fontsize=8, ncols=2, loc="lower center")

    def png(self, lengths):
        for name, values in lengths.items():
            self._lines[name].set_data((np.arange(len(values)) + 0.5) / len(values), values)
        self._ax.set_ylim(0, 1.1 * max(values.max() for values in lengths.values()) or 1)
        return pictures.figure_png(self._fig)


class Traversal(base.Explorer):
    """One slider for each latent dimension, the most active first.

    How active a dimension is, is the variance of the encoded examples along it: near 0 the encoder ignores it.

    Args:
      model: decodes the latents.
      codes: encoded examples (posterior means), (n, z_dim).
      start: which example to begin with.
      limit: the sliders reach from -limit to limit.
      most: at most so many sliders; the other dimensions keep the values of the example.

    Attributes:
      z: the latent shown, (z_dim,).
      order: the dimensions, most active first.
      activity: variance of the codes along each dimension, (z_dim,).

    Raises:
      ValueError: a model without a decoder, codes that do not fit it, an index out of range.
    """

    def __init__(self, model, codes, *, start=0, limit=3.0, most=16):
        self.model = base.as_model(model)
        self.codes = base.as_codes(codes, self.model.z_dim)
        if not limit > 0 or most < 1:
            raise ValueError(f"limit must be positive and most at least 1, got {limit} and {most}")
        self.activity = self.codes.var(axis=0)
        self.order = np.argsort(-self.activity, kind="stable")
        count = len(self.codes)
        self.start = base.index_field("Start at digit no.", base.as_index(start, count), count)
        self.reset_button = ipywidgets.Button(description="Reset", tooltip="Back to the digit it started at")
        self.sliders = {
            int(k): base.slider(
                f"latent {k + 1} (variance {self.activity[k]:.2f})",
                0.0,
                -limit,
                limit,
                0.05,
                readout_format=".2f",
            )
            for k in self.order[:most]
        }
        self.before, self.after = base.Picture("start", 160), base.Picture("now", 224)
        sliders = ipywidgets.VBox(list(self.sliders.values()))
        sliders.add_class("vg-sliders")
        super().__init__(
            "Traversal",
            [
                base.controls(self.start, self.reset_button),
                base.row(sliders, base.row(self.before, self.after)),
            ],
        )
        for k, control in self.sliders.items():
            self.watch(control, lambda value, k=k: self._move(k, value))
        self.watch(self.start, self.begin_at)
        self.reset_button.on_click(self.reset)
        self.begin_at(start)

    def begin_at(self, index):
        """Starts at an encoded example, by its index."""
        self.origin = self.codes[base.as_index(index, len(self.codes))]
        self.start.value = index
        self.before.show(
            pictures.png(base.decode(self.model, self.origin[None])[0]),
            f"Digit no. {index} decoded from its code",
        )
        self.reset()

    def reset(self, _=None):
        """Sets every slider back to the example's code."""
        self.z = self.origin.copy()
        self._resetting = True
        try:
            for k, control in self.sliders.items():
                control.value = float(np.clip(self.origin[k], control.min, control.max))
        finally:
            self._resetting = False
        self.show(self.z)

    def _move(self, k, value):
        if not self._resetting:
            # A slider stands on multiples of its step; within one, the page only rounded what it was given.
            self.z[k] = value if abs(value - self.origin[k]) > self.sliders[k].step / 2 else self.origin[k]
            self.show(self.z)

    def show(self, z):
        """Decodes one latent (z_dim,) and shows the picture."""
        z = base.as_latent(z, self.model.z_dim)
        image = base.decode(self.model, z[None])[0]
        moved = [f"latent {k + 1} = {z[k]:.2f}" for k in self.sliders if abs(z[k] - self.origin[k]) > 1e-6]
        words = "Moved: " + ", ".join(moved) if moved else "Nothing moved yet"
        self.after.show(pictures.png(image), f"The picture decoded now. {words}")
        self.say(f"{words}. Distance from the start: ≈ {np.linalg.norm(z - self.origin):.2f}.")
