"""The buttons and fields of the training stage, and where they stand on the page."""

import html
from pathlib import Path

import anywidget
import ipywidgets
import traitlets

from vaegan_helpers.stage import engine
from vaegan_helpers.stage.page import board

HERE = Path(__file__).parent
WHO = {"D and G": "both", "D only": "discriminator", "G only": "generator"}
SPEEDS = {
    "1 round a second": 1.0,
    "5 rounds a second": 5.0,
    "20 rounds a second": 20.0,
    "100 rounds a second": 100.0,
    "500 rounds a second": 500.0,
    "as fast as it goes": float("inf"),
}
KEYS = (
    "Pictures of the stage. Space plays and pauses. Right arrow goes one round on, left arrow back to an earlier state, "
    "with Shift ten times as far. Home goes to the beginning, End to the latest round."
)
_AUTO = {"description_width": "initial"}


class Hands(anywidget.AnyWidget):
    """Hears keys on the stage, and hands files and code to the page."""

    _esm = HERE / "stage.js"
    _css = HERE / "stage.css"
    label = traitlets.Unicode(KEYS).tag(sync=True)
    news = traitlets.Int(0).tag(
        sync=True
    )  # counts what was shown at rest; the page answers with the number that it holds
    beat = traitlets.Int(0).tag(
        sync=True
    )  # how many pictures were sent; the page answers with the number it has seen


class Toolbar(ipywidgets.Box):
    """Play, step, who trains, how fast, and which preset."""

    def __init__(self, preset):
        self.play = ipywidgets.Button(description="Play", icon="play", tooltip="Play or pause (Space)")
        self.play.add_class("vg-play")
        self.step = ipywidgets.Button(
            description="Step",
            icon="step-forward",
            tooltip="One round, or one part of it in slow motion (right arrow)",
        )
        self.again = ipywidgets.Button(
            description="Start again", icon="undo", tooltip="Round 0 with the same seed and settings"
        )
        self.who = ipywidgets.ToggleButtons(
            options=list(WHO), description="Trains", style={"button_width": "auto", **_AUTO}
        )
        self.slow = ipywidgets.ToggleButton(
            description="Slow motion", tooltip="Goes through a round in numbered parts"
        )
        self.speed = ipywidgets.Dropdown(
            options=list(SPEEDS),
            value="as fast as it goes",
            description="Speed",
            style=_AUTO,
            layout={"width": "auto"},
        )
        self.preset = ipywidgets.Dropdown(
            options=["none", *engine.PRESETS],
            value=preset or "none",
            description="Preset (begins anew)",
            style=_AUTO,
            layout={"width": "auto"},
        )
        rest = ipywidgets.Box([self.speed, self.preset])  # these two move to the next line together
        rest.add_class("vg-together")
        super().__init__([self.play, self.step, self.again, self.who, self.slow, rest])
        self.add_class("vg-toolbar")

    def show(self, playing):
        """The play button says what it will do."""
        self.play.description, self.play.icon = ("Pause", "pause") if playing else ("Play", "play")


class Timeline(anywidget.AnyWidget):
    """Where the run stands: a counter, and a slider over the states that are kept. A hand on it sends {"to": step}."""

    _esm = HERE / "timeline.js"
    step = traitlets.Int(0).tag(sync=True)
    end = traitlets.Int(0).tag(sync=True)
    modes = traitlets.Unicode("").tag(sync=True)
    speed = traitlets.Float(0.0).tag(sync=True)  # pictures a second; 0 says nothing

    def place(self, step, end, modes="", speed=0.0):
        """Puts counter and slider where the run stands."""
        with self.hold_sync():
            self.step, self.end, self.modes, self.speed = step, end, modes, round(speed, 1)


class Keep(ipywidgets.VBox):
    """What can be taken away: the picture, the history, the line of code."""

    def __init__(self):
        self.png, self.csv, self.copy = (
            ipywidgets.Button(description=words, tooltip=tip)
            for words, tip in [
                ("Save the picture (PNG)", "Downloads what is shown"),
                ("Save the history (CSV)", "Downloads every round"),
                ("Copy the code", "Copies the line that rebuilds this stage"),
            ]
        )
        self.code = ipywidgets.Textarea(description="Rebuilds this stage", rows=2, style=_AUTO)
        self.code.add_class("vg-code")
        super().__init__([ipywidgets.HBox([self.png, self.csv, self.copy]), self.code])
        self.add_class("vg-part")


class Switches(ipywidgets.VBox):
    """A check box for each layer and chart, with the sign that stands for it in the pictures: switches and legend in one."""

    def __init__(self, on, switch):
        self.checks, lists = {}, []
        for heading, names in [("In the pictures", board.LAYERS), ("Charts", board.CHARTS)]:
            listed = ipywidgets.Box([self._made(name, name in on, switch) for name in names])
            listed.add_class("vg-list")
            lists += [ipywidgets.HTML(f'<div class="vg-heading">{heading}</div>'), listed]
        super().__init__(lists)
        self.add_class("vg-layers")

    def _made(self, name, on, switch):
        label, sign, colour = (
            board.LAYERS[name][:3] if name in board.LAYERS else (board.CHARTS[name][0], "∿", "#555")
        )
        check = ipywidgets.Checkbox(
            value=on, description=label.split(",")[0], indent=False, layout={"width": "auto"}
        )
        check.observe(lambda moved: switch(name, moved["new"]), "value")
        self.checks[name] = check
        mark = ipywidgets.HTML(
            f'<span class="vg-sign" aria-hidden="true" style="color:{colour}">{html.escape(sign)}</span>'
        )
        box = ipywidgets.HBox([mark, check])
        box.add_class("vg-switch")
        return box


def region(board, switches):
    """Planes with the diagram and the switches beside or below them: the part of the page that hears keys."""
    board.diagrams.add_class("vg-networks")
    side = ipywidgets.Box([board.diagrams, switches])
    side.add_class("vg-side")
    box = ipywidgets.Box([board.plane_box, side])
    box.add_class("vg-region")
    return box
