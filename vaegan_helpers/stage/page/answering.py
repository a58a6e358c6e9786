"""What the page of the stage asks for, and how it is answered: training, slow motion, acts, recordings.

The page asks: each question says what to do and what it wants to see, and is answered at once, with arrays.
It asks again when it has drawn them, so nothing piles up, and Pause is the page that does not ask.
"""

import dataclasses
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from vaegan_helpers import plots
from vaegan_helpers.stage import engine
from vaegan_helpers.stage.engine import export, scene
from vaegan_helpers.stage.page import recording, still, tables, words

LEARN = {
    "both": "discriminator generator encoder decoder",
    "discriminator": "discriminator",
    "generator": "generator",
    "encoder and decoder": "encoder decoder",
    "": "",
}
CONSTANT = {"real", "noise"}  # arrays that stay the same while the branch does
PARTS = 15  # of a round in slow motion
REPLAY_SECONDS = 0.2  # of work before an answer, while a run is rebuilt from its text


class Answering:
    """A stage that is asked: the state of a run, what is switched on, and what was said last.

    Attributes:
      state: the `engine.Stage` behind it.
      preset: name of the preset that it began with, None after a change.
      playing: whether a page plays it.
      layers: what is switched on, a set of names; may be set.
    """

    _shown: list[str]  # kept by the widget, which shares it with the page

    def __init__(self, state: engine.Stage, preset: str | None) -> None:
        self.state, self.preset, self.playing, self._note, self._error = state, preset, False, "", ""
        self._parts, self._part, self._todo = None, None, []
        self._kept_run, self._recording = None, None

    @property
    def layers(self) -> set[str]:
        return set(self._shown)

    @layers.setter
    def layers(self, names: Iterable[str]) -> None:
        self._shown = sorted(tables.checked(names))

    @property
    def text(self) -> str:
        """Where the run stands, in sentences."""
        return " ".join(filter(None, [words.standing(self.state, self._counts(self._view(()))), self._note]))

    def png(self) -> bytes:
        """What is shown, as one picture: PNG bytes."""
        names = tables.arrays_of(self._shown) & set(scene.ARRAYS)
        view, path = self.state.view(names), self.state.path
        history, measured = self.state.history, self.state.measured
        return still.picture(self._shown, view, history, measured, path, len(self.state.mixture.means))

    def csv(self) -> str:
        """The history, one row for each round."""
        return self.state.csv()

    def code(self) -> str:
        """The line of code that rebuilds this very stage at round 0."""
        line = self.state.code()
        return line if self.layers == set(tables.DEFAULT) else f"{line[:-1]}, layers={self._shown})"

    def fitting_code(self) -> str:
        """A cell that trains the same models with `fit_gan` and `fit_vae` instead, to the same numbers."""
        return export.fitting_code(self.state)

    def text_of_run(self) -> str:
        """Settings, layers and everything that was done, in a line of JSON that `from_text` understands."""
        return export.text_of(self.state, self._shown)

    def answer(self, ask: dict) -> tuple[dict, dict[str, Any]]:
        """Does what the page asks, and says how things stand.

        Args:
          ask: a dictionary. "acts": a list of [what, argument], done in order. "advance": rounds to train, or
            a part of the slow motion with "slow"; "who" trains. "arrays": names of the arrays wanted; of
            those that never change ("holds") only what the page does not hold yet. "silent": no modes are
            counted, and the answer has no "modes" and no "words". "freely": where a state is kept is a good
            place to stop a little earlier. "branch", "rows", "measured", "ghost": what it holds of the
            curves.

        Returns:
          (what can be said in JSON, {name: array}).
        """
        self.playing = bool(ask.get("playing"))
        extra, seconds, before = {}, 0.0, self.state.step
        if ask.get("acts") or ask.get("advance"):
            self._error = ""
        try:
            for name, argument in ask.get("acts", ()):
                self._note = ""
                extra |= getattr(self, f"_do_{name}")(argument) or {}
            begun = time.perf_counter()
            if self._todo:
                while self._todo and time.perf_counter() - begun < REPLAY_SECONDS:
                    self._todo = export.replay(self.state, self._todo, 50)
            elif ask.get("advance"):
                if ask.get("slow"):
                    self._forward()
                else:
                    self._finish_round()
                    rounds = ask["advance"]
                    if ask.get("freely") and rounds >= engine.KEPT_EVERY:
                        rounds -= (self.state.step + rounds) % engine.KEPT_EVERY  # one compiled call less
                    self.state.advance(rounds, ask.get("who", "both"))
            seconds = time.perf_counter() - begun
            if self._recording is not None and (ask.get("advance") or len(self._recording) == 0):
                self._frame()
        except Exception as error:  # whatever went wrong is said in the page
            self._error, self._todo = words.explained(error), []
        state = self.state
        names, same = set(ask.get("arrays", ())), ask.get("branch") == state.branch
        if same and self._part is None:
            names -= CONSTANT & set(ask.get("holds", ()))
        header, arrays = self._shown_now(names, ask.get("who", "both"), silent=ask.get("silent", False))
        rows, measured = state.timeline()
        first_row, first = (ask.get("rows", 0), ask.get("measured", 0)) if same else (0, 0)
        arrays |= {"rows": rows[first_row:], "measured": measured[first:]}
        header["moved"] = bool(ask.get("acts") or ask.get("advance"))
        header |= {"rows_from": first_row, "measured_from": first, "seconds": seconds}
        header |= {
            "trained": state.step - before,
            "left": sum(done[1] for done in self._todo if isinstance(done, tuple)),
        }
        kept = self._kept_run
        header["ghost"] = kept and kept["id"]
        if kept and ask.get("ghost") != kept["id"]:
            arrays |= {f"ghost_{name}": array for name, array in kept.items() if name != "id"}
        return header | extra, arrays

    def _shown_now(self, names, who, silent=False):
        """What is said of the state, and its arrays."""
        state, part = self.state, self._part
        view = self._view(set(names) & set(scene.ARRAYS), count=not silent)
        arrays = {
            name: array for name, array in view.items() if name not in ("extent", "per_mode", "vae_per_mode")
        }
        if part is not None:
            arrays |= {name: np.asarray(array) for name, array in part.arrays.items() if np.ndim(array) > 1}
            arrays["noise"] = (
                scene.shown_noise(arrays["noise"], state.generator)
                if "noise" in part.arrays
                else np.zeros((0, 2))
            )
        trains = LEARN[part.trains] if part else LEARN[who]
        header = {
            "round": state.step,
            "end": state.end,
            "kept": state.kept,
            "branch": state.branch,
            "settings": dataclasses.asdict(state.settings),
            "preset": self.preset or "none",
            "mode_count": len(state.mixture.means),
            "error": self._error,
            "trains": trains,
            "recording": -1 if self._recording is None else len(self._recording),
            "part": part
            and {"number": part.number, "of": PARTS, "caption": part.caption, "about": part.highlight},
        }
        if not silent:
            counts = self._counts(view)
            header["modes"] = words.live(counts)
            header["words"] = " ".join(filter(None, [words.standing(state, counts), self._note]))
        return header, arrays

    def _view(self, names, count=True):
        count = count and self.state.settings.data not in ("drawn", "Dirac")
        return self.state.view({*names, *(("per_mode", "vae_per_mode") if count else ())})

    @staticmethod
    def _counts(view):
        of = {"GAN": "per_mode", "VAE": "vae_per_mode"}
        return {model: view[name] for model, name in of.items() if name in view}

    # Slow motion

    def _forward(self):
        """The next part of a round; after the last one the next round begins."""
        if self._parts is None:
            self._parts = self.state.phases()
        self._part = next(self._parts, None)
        if self._part is None:
            self._parts = None
            self._forward()

    def _finish_round(self):
        for _ in self._parts or ():
            pass
        self._parts = self._part = None

    # Acts of the page: `_do_x` does what ["x", argument] says, and may return what is to be said besides

    def _do_change(self, settings):
        anew = self._change(settings)
        what = " ".join(
            f"{len(value)} drawn points." if name == "points" else f"{tables.LABELS[name]}: {value}."
            for name, value in settings.items()
        )
        self._note = f"{what} The run began anew." if anew else what

    def _change(self, settings):
        self._parts = self._part = None
        anew = self.state.change(**settings)
        self.preset = None
        return anew

    def _do_preset(self, name):
        if name in tables.WITH_PRESET or self.state.path is not None:
            self.layers = tables.checked(None, name)
        self._parts = self._part = None
        if not self.state.change(
            **dataclasses.asdict(engine.Settings(**of_preset(name), seed=self.state.settings.seed))
        ):
            self.state.reset()
        self.preset = name

    def _do_again(self, _):
        self._parts = self._part = None
        self.state.reset()

    def _do_rewind(self, step):
        self._finish_round()
        self.state.rewind(step)

    def _do_finish(self, _):
        self._finish_round()

    def _do_compare(self, on):
        self._keep_run(on)

    def _do_rebuild(self, text):
        given, run, layers = export.read(text)
        self.layers = layers if layers is not None else self.layers
        self.state, self.preset, self._todo = engine.Stage(**given), None, run
        self._parts = self._part = None

    def _do_record(self, on):
        if on:
            self._recording = recording.Recording("", self._shown)
            return {}
        made, self._recording = self._ended(self._recording), None
        return _file("training_stage.html", "text/html", made.html())

    def _do_csv(self, _):
        return _file("training_stage.csv", "text/csv", self.csv())

    def _do_code(self, _):
        return {"code": {"line": self.code(), "cell": self.fitting_code(), "text": self.text_of_run()}}

    def _keep_run(self, on):
        self._kept_run = None
        if on:
            rows, measured = self.state.timeline()
            view = self.state.view({"generated", "vae_mean"})
            self._kept_run = {"id": time.time_ns() // 1000, "rows": rows.copy(), "measured": measured}
            self._kept_run |= {name: view[name] for name in ("generated", "vae_mean")}

    def _frame(self):
        """Adds what is shown now to the recording."""
        header, arrays = self._shown_now(tables.arrays_of(self._shown), "both")
        self._recording.add(
            header, arrays, dict(zip(("rows", "measured"), self.state.timeline(), strict=True))
        )

    def _ended(self, made):
        made.text = self.text_of_run()
        made.still, made.alt = plots.compact(self.png()), f"Training stage. {self.text}"
        return made


def of_preset(name: str | None) -> dict[str, Any]:
    """The settings of a preset; none without a name. An unknown name raises ValueError."""
    if name is not None and name not in engine.PRESETS:
        raise ValueError(f"preset must be one of {', '.join(engine.PRESETS)}; got {name!r}")
    return dict(engine.PRESETS[name]) if name else {}


def _file(name, kind, text):
    return {"file": {"name": name, "kind": kind, "text": text}}
