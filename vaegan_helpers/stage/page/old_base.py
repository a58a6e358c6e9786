"""What the explorers share: pictures with words, a way to stop, and calls of a model that never recompile."""

import base64
import html
from pathlib import Path

import anywidget
import ipywidgets
import jax
import jax.numpy as jnp
import numpy as np
import traitlets

from vaegan_helpers import plots

HERE = Path(__file__).parent
_VIEW = "application/vnd.jupyter.widget-view+json"


class Caption(anywidget.AnyWidget):
    """The line under an explorer that says what is shown; screen readers speak it once it rests.

    In the page it also gives every picture of the explorer its alternative text and every slider its name, which
    ipywidgets leaves out.
    """

    _esm = HERE / "caption.js"
    _css = HERE / "explorer.css"
    text = traitlets.Unicode("").tag(sync=True)
    alts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    canvas_label = traitlets.Unicode("").tag(sync=True)


class Picture(ipywidgets.VBox):
    """PNG bytes with a short heading and an alternative text.

    Args:
      heading: one to three words above the picture.
      width: in the page, in CSS pixels.
    """

    def __init__(self, heading="", width=224):
        self.image = ipywidgets.Image(
            format="png", layout=ipywidgets.Layout(width=f"{width}px", max_width="100%")
        )
        above = [ipywidgets.HTML(f'<div class="vg-heading">{html.escape(heading)}</div>')] if heading else []
        self.width, self.alt = width, heading
        super().__init__([*above, self.image])
        self.add_class("vg-picture")

    @property
    def png(self):
        """The picture's bytes."""
        return self.image.value

    def show(self, png, alt):
        """Puts a new picture in place, with the words for it."""
        self.alt = alt
        self.image.value = png

    def html(self):
        """The picture as it is stored in a notebook."""
        data = base64.b64encode(plots.compact(self.png)).decode()
        return f'<img alt="{html.escape(self.alt)}" width="{self.width}" src="data:image/png;base64,{data}">'


class Explorer(ipywidgets.VBox):
    """Controls and pictures that belong together. Opened without a kernel, it still shows its pictures and its words.

    Args:
      title: names the explorer for screen readers.
      children: from top to bottom; the caption is added below.
    """

    def __init__(self, title, children):
        self.caption = Caption()
        self._observed = []
        self.title, self.stored_words = title, title
        super().__init__([*children, self.caption])
        self.add_class("vg-explorer")

    @property
    def pictures(self):
        """Every Picture inside, in the order of the page."""
        return [widget for widget in self._inside(self) if isinstance(widget, Picture)]

    @property
    def text(self):
        """What is shown, in a sentence."""
        return self.caption.text

    def stored_pictures(self):
        """The pictures that stand for the explorer where there is no kernel, the first one for it all."""
        return [picture for picture in self.pictures if picture.png]

    def watch(self, control, handler, name="value"):
        """Calls `handler(new value)` when a control changes, until the explorer is closed."""

        def observer(change):
            handler(change["new"])

        control.observe(observer, names=name)
        self._observed.append((control, observer, name))

    def say(self, text, live=""):
        """Writes the line under the pictures and hands their alternative texts to the page.

        What a stored notebook keeps must come out the same on every machine: numbers that depend on trained weights
        stand after the sign ≈, which the tests of the notebooks know, and words that do are left to the live page.
        """
        self.stored_words = f"{self.title}. {text}"
        with self.caption.hold_sync():
            self.caption.text = f"{text} {live}".strip()
            self.caption.alts = [picture.alt for picture in self.pictures]

    def close(self):
        """Stops what plays, lets go of every observer and takes the explorer off the page."""
        if self.comm is None:
            return
        for control, observer, name in self._observed:
            control.unobserve(observer, names=name)
        self._observed = []
        for widget in list(self._inside(self)):
            if hasattr(widget, "playing"):
                widget.playing = False
            widget.close()
        super().close()

    @classmethod
    def _inside(cls, box):
        for child in box.children:
            yield child
            if hasattr(child, "children"):
                yield from cls._inside(child)

    def _repr_mimebundle_(self, **kwargs):
        # Live, the view wins. Stored, JupyterLab and nbconvert show the HTML, which alone keeps an alternative text.
        words = self.stored_words
        bundle = {"text/plain": words}
        shown = self.stored_pictures()
        if shown:
            bundle["image/png"] = base64.b64encode(plots.compact(shown[0].png)).decode()
            bundle["text/html"] = (
                "\n".join(picture.html() for picture in shown) + f"<p>{html.escape(words)}</p>"
            )
        if self.comm is not None:
            bundle[_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle


def row(*children, gap="20px", flow="row wrap", flex=None):
    """Widgets side by side that move below each other where the page is narrow; with flow "row" they shrink instead."""
    return ipywidgets.HBox(
        children, layout=ipywidgets.Layout(flex_flow=flow, flex=flex, grid_gap=gap, align_items="flex-start")
    )


def controls(*children):
    """Sliders, fields and buttons in a row."""
    box = row(*children, gap="8px 20px")
    box.layout.align_items = "center"
    box.add_class("vg-controls")
    return box


def slider(description, value, low, high, step, **options):
    """A labelled slider; whole numbers give a slider of whole numbers."""
    whole = all(isinstance(number, int) for number in (value, low, high, step))
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="320px", max_width="100%"),
        **options,
    )


def index_field(description, value, count):
    """A labelled field for the number of an example, from 0 to count - 1."""
    return ipywidgets.BoundedIntText(
        value=value,
        min=0,
        max=count - 1,
        description=description,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="170px"),
    )


@jax.jit
def _decode(model, z):
    return model.decode(z)


def decode(model, z):
    """The model's pictures at latents z (n, z_dim), as a NumPy array (n, pixels).

    Compiled once for each model and number of latents; which model and where is data.
    """
    return np.asarray(_decode(model, jnp.asarray(z, jnp.float32)))


def as_models(models, z_dim=None):
    """One model or {name: model} as a dictionary, checked to decode latents of one size.

    Raises:
      ValueError: no model, a model without `decode` or `z_dim`, or latents of another size.
    """
    models = dict(models) if isinstance(models, dict) else {"decoded": models}
    if not models:
        raise ValueError("at least one model is needed, got none")
    for name, model in models.items():
        if not callable(getattr(model, "decode", None)) or not hasattr(model, "z_dim"):
            raise ValueError(
                f"{name}: an explorer needs a model with decode(z) and z_dim, got {type(model).__name__}"
            )
        wanted = z_dim or next(iter(models.values())).z_dim
        if model.z_dim != wanted:
            raise ValueError(f"{name}: latents have {model.z_dim} dimensions, wanted {wanted}")
    return models


def as_model(model):
    """One model, checked as `as_models` checks it."""
    if isinstance(model, dict):
        raise ValueError(f"this explorer shows one model with decode(z), got a dictionary of {len(model)}")
    return as_models(model)["decoded"]


def as_codes(codes, z_dim):
    """Encoded examples as a NumPy array (n, z_dim), or ValueError."""
    codes = np.asarray(codes, np.float32)
    if codes.ndim != 2 or codes.shape[1] != z_dim or not len(codes):
        raise ValueError(f"codes must have the shape (n, {z_dim}) to fit the model, got {codes.shape}")
    if not np.isfinite(codes).all():
        raise ValueError("codes must be finite, got NaN or infinity")
    return codes


def as_latent(z, z_dim):
    """One latent as a NumPy array (z_dim,), or ValueError."""
    z = np.asarray(z, np.float32)
    if z.shape != (z_dim,) or not np.isfinite(z).all():
        raise ValueError(f"a latent is {z_dim} finite numbers, got {z!r}")
    return z


def as_index(index, count):
    """The number of an example, or ValueError."""
    if not isinstance(index, (int, np.integer)) or not 0 <= index < count:
        raise ValueError(f"the index of an example is a whole number from 0 to {count - 1}, got {index!r}")
    return int(index)


def matching(name, values, count):
    """Optional labels or images beside the codes: None, or as many as codes."""
    if values is None:
        return None
    values = np.asarray(values)
    if len(values) != count:
        raise ValueError(f"{name} must be as many as codes, got {len(values)} and {count}")
    return values
