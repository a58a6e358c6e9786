"""The settings of the training stage as controls: what changes at once stands apart from what begins the run anew."""

import ipywidgets

from vaegan_helpers.stage import engine
from vaegan_helpers.widgets.points import DrawPoints

LABELS = {
    "loss": "Loss",
    "penalty": "Penalty on D",
    "penalty_weight": "Weight of the penalty",
    "discriminator_learning_rate": "Learning rate of D",
    "generator_learning_rate": "Learning rate of G",
    "discriminator_optimizer": "Optimiser of D",
    "generator_optimizer": "Optimiser of G",
    "discriminator_steps": "Moves of D per round",
    "generator_steps": "Moves of G per round",
    "momentum": "Momentum",
    "batch_size": "Batch",
    "unrolling": "Unrolling: G looks 3 moves of D ahead",
    "averaging": "Averaged weights of G",
    "falling_rates": "Learning rates that fall",
    "packing": "Packing: D judges pairs",
    "minibatch_std": "D sees the spread of its batch",
    "spectral_norm": "Spectral normalisation of D",
    "waves": "Waves: D sees fine detail",
    "noise": "Kind of noise",
    "z_dim": "Numbers of noise",
    "hidden_layers": "Hidden layers",
    "hidden_dim": "Neurons in each",
    "data": "Data",
    "seed": "Seed",
    "beta": "Beta: weight of the KL term",
    "vae_learning_rate": "Learning rate of the VAE",
}
# page: its parts, each (whether it begins anew, the settings)
PAGES = {
    "GAN": [
        (False, ("loss", "penalty", "penalty_weight", "momentum", "batch_size")),
        (False, ("discriminator_learning_rate", "discriminator_optimizer", "discriminator_steps")),
        (False, ("generator_learning_rate", "generator_optimizer", "generator_steps")),
    ],
    "Remedies": [
        (False, ("unrolling", "averaging", "falling_rates")),
        (True, ("packing", "minibatch_std", "spectral_norm", "waves")),
    ],
    "VAE": [(False, ("beta", "vae_learning_rate"))],
    "Data": [(True, ("data", "seed"))],
    "Networks": [(True, ("hidden_layers", "hidden_dim", "z_dim", "noise"))],
}
HEADINGS = {
    "discriminator_learning_rate": "Discriminator <b>D</b>",
    "generator_learning_rate": "Generator <b>G</b>",
}  # parts that go on
AT_ONCE = "Changes <b>at once</b>, also while it trains."
ANEW = "The run <b>begins anew</b> at round 0."
SIZES = {"hidden_dim": (8, 16, 32, 64, 128, 256), "batch_size": (16, 32, 64, 128, 256, 512)}
SCALES = {"penalty_weight": 0.1, "beta": 0.1}  # what doubling makes of zero
_WIDE = {"description_width": "initial"}


class Number(ipywidgets.HBox):
    """A positive number to type, halve or double."""

    def __init__(self, description, value, from_zero=0.0):
        self._from_zero = from_zero
        self.field = ipywidgets.FloatText(
            value=value, description=description, style=_WIDE, continuous_update=False, step=None
        )
        self.less = ipywidgets.Button(description="÷ 2", tooltip=f"Half of it: {description}")
        self.more = ipywidgets.Button(description="× 2", tooltip=f"Twice as much: {description}")
        self.less.on_click(lambda _: self._scale(0.5))
        self.more.on_click(lambda _: self._scale(2))
        super().__init__([self.field, self.less, self.more])
        self.add_class("vg-number")

    def _scale(self, factor):
        value = self.field.value * factor or (self._from_zero if factor > 1 else 0.0)
        self.field.value = float(f"{value:.4g}")


class Controls(ipywidgets.VBox):
    """Every setting with its control, on pages of which one is shown.

    Args:
      settings: engine.Settings to begin with.
      change: function of (name, value), called when a control moves; with name "points" when a drawing is to be learned.
      extra: {page: widget}, further pages.
    """

    def __init__(self, settings, change, extra):
        self._change, self._showing = change, False
        self.fields = {}
        self.pages = {}
        for name, parts in PAGES.items():
            self.pages[name] = ipywidgets.Box([self._part(settings, anew, names) for anew, names in parts])
        self.pages["GAN"].add_class("vg-columns")
        self._add_drawing()
        self.pages |= extra
        for page in self.pages.values():
            page.add_class("vg-page")
        self.chooser = ipywidgets.ToggleButtons(
            options=list(self.pages), description="Settings", style={"button_width": "auto", **_WIDE}
        )
        self.chooser.add_class("vg-chooser")
        self.chooser.observe(lambda change: self.turn_to(change["new"]), "value")
        super().__init__([self.chooser, *self.pages.values()])
        self.add_class("vg-settings")
        self.turn_to("GAN")

    def turn_to(self, page):
        """Shows one page."""
        for name, box in self.pages.items():
            box.layout.display = None if name == page else "none"
        self.chooser.value = page

    def show(self, settings):
        """Moves every control to where the settings are, without a change being asked for."""
        self._showing = True
        try:
            for name, field in self.fields.items():
                value = getattr(settings, name)
                if isinstance(field, ipywidgets.Dropdown) and value not in field.options:
                    field.options = (*field.options, value)
                if field.value != value:
                    field.value = value
        finally:
            self._showing = False

    def _part(self, settings, anew, names):
        words = ipywidgets.HTML(
            f'<div class="vg-note{" vg-anew" if anew else ""}">{HEADINGS.get(names[0], ANEW if anew else AT_ONCE)}</div>'
        )
        inside = ipywidgets.Box([self._control(name, getattr(settings, name)) for name in names])
        inside.add_class("vg-fields")
        part = ipywidgets.VBox([words, inside])
        part.add_class("vg-part")
        return part

    def _control(self, name, value):
        label = LABELS[name]
        made = None
        if name in engine.CHOICES:
            options = [choice for choice in engine.CHOICES[name] if choice != "drawn" or value == "drawn"]
            field = ipywidgets.Dropdown(options=options, value=value, description=label, style=_WIDE)
        elif isinstance(value, bool):
            field = ipywidgets.Checkbox(value=value, description=label, indent=False)
        elif name in SIZES:
            field = ipywidgets.Dropdown(
                options=sorted({*SIZES[name], value}), value=value, description=label, style=_WIDE
            )
        elif isinstance(value, int):
            low, high = engine.WHOLE[name]
            field = ipywidgets.BoundedIntText(
                value=value, min=low, max=high, description=label, style=_WIDE, continuous_update=False
            )
        else:
            made = Number(label, value, SCALES.get(name, 0.0))
            field = made.field
        field.observe(lambda moved: self._moved(name, moved["new"]), "value")
        self.fields[name] = field
        (made or field).add_class("vg-field")
        return made or field

    def _moved(self, name, value):
        if not self._showing:
            self._change(name, value)

    def _add_drawing(self):
        self.count = ipywidgets.HTML()
        self.drawing = DrawPoints(lambda: self._count())
        self.learn = ipywidgets.Button(
            description="Learn this drawing", tooltip="Begins anew with the drawn points as data"
        )
        self.clear = ipywidgets.Button(description="Clear the page")
        self.learn.on_click(lambda _: self._change("points", self.drawing.points))
        self.clear.on_click(self.drawing.clear)
        words = ipywidgets.HTML(
            '<div class="vg-note vg-anew">Draw: every line leaves points; at least 20 are needed. '
            "<b>Learn this drawing</b> begins anew.</div>"
        )
        beside = ipywidgets.VBox([words, self.count, ipywidgets.HBox([self.learn, self.clear])])
        beside.add_class("vg-part")
        box = ipywidgets.Box([self.drawing, beside])
        box.add_class("vg-drawing")
        self.pages["Draw data"] = ipywidgets.Box([box])
        self._count()

    def _count(self):
        self.count.value = (
            f'<div class="vg-note" role="status">{len(self.drawing.points)} points so far.</div>'
        )


def of_preset(name):
    """The settings of a preset; none without a name. An unknown name raises ValueError."""
    if name is not None and name not in engine.PRESETS:
        raise ValueError(f"preset must be one of {', '.join(engine.PRESETS)}; got {name!r}")
    return dict(engine.PRESETS.get(name, {}))
