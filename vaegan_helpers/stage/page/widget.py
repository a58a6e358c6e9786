"""The face of the training stage: the widget, and what a cell calls. `answering` answers its page."""

import base64
import html
import threading
import weakref
from collections.abc import Iterable
from typing import Any

import anywidget
import numpy as np
import traitlets
from IPython import get_ipython

from vaegan_helpers import plots
from vaegan_helpers.inputs import require_whole
from vaegan_helpers.stage import engine
from vaegan_helpers.stage.engine import export
from vaegan_helpers.stage.page import recording, script, tables, words
from vaegan_helpers.stage.page.answering import PARTS, Answering, of_preset

_VIEW = "application/vnd.jupyter.widget-view+json"
_OF_CELL = {}  # cell of the notebook: (its execution, the stages that it made)


class TrainingStage(Answering, anywidget.AnyWidget):
    """A GAN and a VAE on the same data, to be watched, steered and rewound while they learn.

    Training begins when Play or Step is pressed; a cell drives it with `step`. On the pictures Space, the
    arrow keys, Home and End do what the buttons do.

    Args:
      data: a name in `engine.DATA`; "ring" unless a preset says otherwise.
      seed: everything random follows from it.
      points: data of your own, (n, 2) with n of at least 20, within ±2.7.
      preset: a name in `engine.PRESETS`; what is given besides goes before it.
      layers: what is switched on at first: names in `tables.LAYERS` and `tables.CHARTS`.
      settings: fields of `engine.Settings`.

    Attributes:
      state: the `engine.Stage` behind it.
      playing: whether a page plays it.
      layers: what is switched on, a set of names; may be set.

    Raises:
      ValueError: an unknown name, a bad value, or points that do not fit.
    """

    _esm = script.SCRIPT + "\nexport default { render };"
    _css = script.CSS
    _shown = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        data: str | None = None,
        *,
        seed: int = 0,
        points: Any = None,
        preset: str | None = None,
        layers: Iterable[str] | None = None,
        **settings: Any,
    ) -> None:
        given = of_preset(preset) | settings
        given["data"] = data if data is not None or points is not None else given.get("data", "ring")
        Answering.__init__(self, engine.Stage(seed=seed, points=points, **given), preset)
        self._lock = threading.RLock()
        anywidget.AnyWidget.__init__(self, _shown=sorted(tables.checked(layers, preset)))
        self.on_msg(self._heard)
        _replace_what_this_cell_made(self)

    @classmethod
    def from_text(cls, text: str) -> "TrainingStage":
        """The stage that such a text describes, trained to where it stood; `text_of_run` and the page give
        it."""
        given, run, layers = export.read(text)
        made = cls(layers=layers, **given)
        export.replay(made.state, run, np.inf)
        return made

    # Driving it from a cell

    def play(self) -> None:
        """Asks the page to play until `pause`; where no page shows the stage, nothing moves."""
        self.send({"play": True})

    def pause(self) -> None:
        """Asks the page to pause."""
        self.playing = False
        self.send({"play": False})

    def step(self, rounds: int = 1, who: str = "both") -> None:
        """Trains so many rounds at once and shows the result.

        Args:
          rounds: how many.
          who: "both", "discriminator" or "generator".

        Raises:
          engine.Diverged: something became infinite; the last good state stays.
        """
        self._drive(lambda: self.state.advance(rounds, who))

    def rewind(self, step: int) -> None:
        """Goes to the nearest kept state at or before `step`. What is trained from there is a new future."""
        self._drive(lambda: self.state.rewind(step))

    def reset(self, seed: int | None = None) -> None:
        """Begins anew at round 0, with another seed if one is given."""
        self._drive(lambda: self.state.reset(seed))

    def change(self, **settings: Any) -> bool:
        """Changes settings as the controls do; `points=` gives data of your own. Returns whether the run
        began anew."""
        return self._drive(lambda: self._change(settings))

    def compare(self, on: bool = True) -> None:
        """Keeps the run as it is now, to be seen beside the next one; `compare(False)` lets go of it."""
        self._drive(lambda: self._keep_run(on))

    def record(
        self, rounds: int = 1000, frames: int = 100, who: str = "both", slow_rounds: int = 0
    ) -> recording.Recording:
        """Trains and keeps what is shown on the way.

        Args:
          rounds: how many; after them the stage stands there, as after `step`.
          frames: pictures, spread evenly over the rounds.
          who: "both", "discriminator" or "generator".
          slow_rounds: so many of the rounds, the first ones, are recorded in slow motion.

        Returns:
          recording.Recording: it plays where it is displayed, and `save("run.html")` makes a page of it.
        """
        require_whole(rounds=rounds, frames=frames)

        def act():
            begun, made = self.state.step, recording.Recording("", self._shown)
            self._recording, before = made, self._recording
            try:
                self._frame()
                for _ in range(min(slow_rounds, rounds) * PARTS):
                    self._forward()
                    self._frame()
                self._part = None
                left = rounds - (self.state.step - begun)
                for frame in range(min(frames, left)):
                    until = begun + rounds - left + round(left * (frame + 1) / min(frames, left))
                    self.state.advance(until - self.state.step, who)
                    self._frame()
            finally:
                self._recording = before
            return self._ended(made)

        return self._drive(act)

    def close(self) -> None:
        """Takes the stage off the page, and lets go of all that it keeps."""
        if self.comm is not None:
            self.on_msg(self._heard, remove=True)
            self.layout.close()
            super().close()
            self.state.forget()
            self._kept_run = self._recording = self._parts = None

    def _drive(self, act):
        with self._lock:
            self.pause()
            self._error = self._note = ""
            try:
                self._finish_round()
                self._todo = []
                return act()
            except Exception as error:
                self._error = words.explained(error)
                raise
            finally:
                self.send({"changed": True})

    # What the page asks for

    def _heard(self, _, ask, buffers):
        if "from" not in ask:
            return
        # a page may be heard in another thread than the one in which a cell drives the stage
        if not self._lock.acquire(blocking=False):
            self.send({"to": ask["from"], "busy": True})
            return
        try:
            header, arrays = self.answer(ask)
            packed = [_packed(name, array) for name, array in arrays.items()]
            header["arrays"] = [described for described, _ in packed]
            self.send(header | {"to": ask["from"]}, buffers=[data for _, data in packed])
        finally:
            self._lock.release()

    def _repr_mimebundle_(self, **kwargs):
        # Live, the view wins. Stored, JupyterLab and nbconvert show the HTML, which alone keeps an
        # alternative text.
        said, png = f"Training stage. {self.text}", self.png()
        picture = base64.b64encode(plots.compact(png)).decode()
        bundle = {"text/plain": said, "image/png": picture}
        bundle["text/html"] = f"{recording.still_html(png, said)}<p>{html.escape(said)}</p>"
        if self.comm is not None:
            bundle[_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle


def _packed(name, array):
    """An array as the page reads it: (what describes it, its bytes). Surfaces have 8 bits, all else 32."""
    if name in ("surface", "optimum"):
        levels, low, scale = recording.eight_bits(array)
        return [name, "u1", list(levels.shape), low, scale, 1], levels.tobytes()
    array = np.asarray(array, "<f4")
    return [name, "f4", list(array.shape), 0.0, 1.0, 1], array.tobytes()


def _replace_what_this_cell_made(made):
    """A cell that is run again takes the place of its own earlier stages: they are closed, so that memory
    stays flat."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent("shell") if kernel is not None else {}
    cell, run = parent.get("metadata", {}).get("cellId"), parent.get("header", {}).get("msg_id")
    if cell is None:
        return
    earlier, stages = _OF_CELL.get(cell, (run, []))
    if earlier != run:
        for stage in filter(None, (reference() for reference in stages)):
            stage.close()
        stages = []
    _OF_CELL[cell] = (run, [*stages, weakref.ref(made)])
