"""The face of the training stage: watch, steer and rewind a GAN and a VAE that learn the same data."""

import collections
import dataclasses
import threading
import time

import ipywidgets

from vaegan_helpers.stage import engine
from vaegan_helpers.stage.page import board, controls, words
from vaegan_helpers.stage.page.layout import SPEEDS, WHO, Hands, Keep, Switches, Timeline, Toolbar, region
from vaegan_helpers.stage.page.player import Player
from vaegan_helpers.stage.page.slow import SlowMotion
from vaegan_helpers.stage.page import old_base as base

LEARN = {
    "both": ("discriminator", "generator", "encoder", "decoder"),
    "discriminator": ("discriminator",),
    "generator": ("generator",),
}
PHASE_SECONDS, CHARTS_EVERY, WORDS_EVERY = (
    2.5,
    0.25,
    4.0,
)  # between parts of the slow motion, charts and spoken lines, while it plays


class TrainingStage(base.Explorer):
    """A GAN and a VAE on the same data, to be watched, steered and rewound while they learn.

    Training begins when Play or Step is pressed; a cell drives it with `step`. On the pictures Space, the arrow keys, Home
    and End do what the buttons do.

    Args:
      data: a name in `engine.DATA`; "ring" unless a preset says otherwise.
      seed: everything random follows from it.
      points: data of your own, (n, 2) with n of at least 20, within ±2.7.
      preset: a name in `engine.PRESETS`; what is given besides goes before it.
      layers: what is switched on at first: names in `board.LAYERS` and `board.CHARTS`.
      settings: fields of `engine.Settings`.

    Attributes:
      state: the `engine.Stage` behind it.
      playing: whether it plays.
      layers: what is switched on, a set of names; may be set.

    Raises:
      ValueError: an unknown name, a bad value, or points that do not fit.
    """

    def __init__(self, data=None, *, seed=0, points=None, preset=None, layers=None, **settings):
        given = controls.of_preset(preset) | settings
        given["data"] = data if data is not None or points is not None else given.get("data", "ring")
        self.state = engine.Stage(seed=seed, points=points, **given)
        self._lock, self._asked, self._setting, self._training = (
            threading.RLock(),
            collections.deque(),
            False,
            False,
        )
        self.slow, self._view = SlowMotion(self.state), None
        self._charts_at, self._words_at, self._error, self._last_note = 0.0, 0.0, "", ""
        self._played = 0.0, 0  # when the play began, and how many pictures there were
        self.player = Player(
            self._work,
            self._show_playing,
            self._say_busy,
            lambda playing: self.toolbar.show(playing),
            self._stopped,
        )
        self.board = board.Board(board.checked(layers, preset))
        self._whole = base.Picture(width=1000)  # stands for the stage where there is no kernel
        self.hands, self.keep, self.toolbar, self.timeline = Hands(), Keep(), Toolbar(preset), Timeline()
        self.switches = Switches(self.board.layers, self._switch)
        self.controls = controls.Controls(self.state.settings, self._move_control, {"Keep": self.keep})
        self.message = ipywidgets.HTML()
        super().__init__(
            "Training stage",
            [
                self.toolbar,
                self.timeline,
                self.message,
                region(self.board, self.switches),
                self.board.chart_box,
                self.controls,
                self.hands,
            ],
        )
        self.add_class("vg-stage")
        self._listen()
        self.show()

    # Driving it from a cell

    @property
    def playing(self):
        return self.player.playing

    @property
    def layers(self):
        return set(self.board.layers)

    @layers.setter
    def layers(self, names):
        names = board.checked(names)
        with self._lock:
            self.board.layers = names
            self._set(
                lambda: [
                    setattr(check, "value", name in names) for name, check in self.switches.checks.items()
                ]
            )
            self.board.arrange()
        self.show()

    def play(self):
        """Trains on in the background until `pause`. A stage that plays elsewhere is paused.

        Raises:
          RuntimeError: there is no event loop, as outside of a notebook.
        """
        self.player.start()
        self._played = time.perf_counter(), self.player.pictures
        self._say_nothing()

    def pause(self):
        """Ends the play, after the rounds that are being trained."""
        self.player.stop()

    def step(self, rounds=1, who="both"):
        """Trains so many rounds at once and shows the result.

        Args:
          rounds: how many.
          who: "both", "discriminator" or "generator".

        Raises:
          ValueError: bad arguments.
          engine.Diverged: something became infinite; the last good state stays.
        """
        self._drive(lambda: self.state.advance(rounds, who))

    def rewind(self, step):
        """Goes to the nearest kept state at or before `step`. What is trained from there is a new future."""
        self._drive(lambda: self.state.rewind(step))

    def reset(self, seed=None):
        """Begins anew at round 0, with another seed if one is given."""
        self._drive(lambda: self.state.reset(seed))

    def change(self, **settings):
        """Changes settings as the controls do; `points=` gives data of your own. Returns whether the run began anew."""
        return self._drive(lambda: self.state.change(**settings))

    def png(self):
        """What is shown, as one picture: PNG bytes."""
        return self.board.whole()

    def csv(self):
        """The history, one row for each round."""
        return self.state.csv()

    def code(self):
        """The line of code that rebuilds this very stage at round 0."""
        line, layers = self.state.code(), self.board.layers
        return line if layers == set(board.DEFAULT) else f"{line[:-1]}, layers={sorted(layers)})"

    def close(self):
        if self.comm is not None:
            self.player.stop()
            self.hands.on_msg(self._heard, remove=True)
            self.timeline.on_msg(self._heard, remove=True)
            self._whole.image.close()
            self._whole.close()
        super().close()

    def _drive(self, act):
        self.pause()
        with self._lock:
            try:
                self.slow.finish()
                result = act()
                self._say_nothing()
                return result
            except Exception as error:
                self._say_error(error)
                raise
            finally:
                self.show()

    # What the page asks for

    def _listen(self):
        bar, keep = self.toolbar, self.keep
        for button, act in [
            (bar.play, self._toggle),
            (bar.step, lambda: self._ask(self._go_on)),
            (bar.again, lambda: self._ask(self._begin_anew)),
            (keep.png, lambda: self._download("training_stage.png", "image/png", self.png)),
            (keep.csv, lambda: self._download("training_stage.csv", "text/csv", lambda: self.csv().encode())),
            (keep.copy, lambda: self._ask(lambda: self.hands.send({"copy": self.code()}))),
        ]:
            button.on_click(lambda _, act=act: act())
        for field, act in [
            (bar.slow, self._switch_slow),
            (bar.preset, self._use_preset),
            (bar.who, lambda _: self.show()),
            (bar.speed, self._set_speed),
        ]:
            self.watch(field, lambda value, act=act: None if self._setting else act(value))
        self.hands.on_msg(self._heard)
        self.timeline.on_msg(self._heard)

    def _ask(self, act):
        """Does something to the state now, or right after the rounds that are being trained. Errors are said in the widget."""
        self._asked.append(act)
        self._answer()

    def _answer(self):
        # Messages may come in another thread than the one that plays, so one waits for the other, but not for training.
        while self._asked and self._lock.acquire(blocking=not self._training):
            try:
                if self._asked:  # another thread may have been faster
                    act = self._asked.popleft()
                    self._say_nothing()
                    act()
            except Exception as error:  # whatever went wrong is said in the widget
                self._say_error(error)
            finally:
                self._charts_at = self._words_at = 0.0  # the answer is not kept waiting
                self.show(fast=self.playing)
                self._lock.release()

    def _heard(self, _, content, buffers):
        key, far = content.get("key"), 10 if content.get("shift") else 1
        if "seen" in content:
            self.player.answered(content["seen"])
        elif "holds" in content:
            self._bring_up_to_date(content["holds"])
        elif "to" in content:
            self._scrub(content["to"])
        elif content.get("left"):  # the output was cleared
            self.pause()
        if key == " ":
            self._toggle()
        elif key == "ArrowRight":
            self._ask(lambda: self._go_on(far) if self.state.step >= self.state.end else self._leaf(far))
        elif key == "ArrowLeft":
            self._ask(lambda: self._leaf(-far))
        elif key in ("Home", "End"):
            self._ask(lambda: self._go_to(0 if key == "Home" else self.state.end))
        elif "copied" in content:
            words = (
                "The code is copied."
                if content["copied"]
                else "The page may not copy: mark the code and copy it by hand."
            )
            self._ask(lambda: setattr(self, "_last_note", words))

    def _bring_up_to_date(self, news):
        """Sends everything once more to a page that holds older news."""
        if news < self.hands.news and not self.playing:
            for widget in (
                self.hands,
                self.timeline,
                self.message,
                self.caption,
                self.keep.code,
                *self.board.sent(),
            ):
                widget.send_state()

    def _toggle(self):
        self.pause() if self.playing else self.play()

    def _go_on(self, rounds=1):
        self.pause()
        if self.toolbar.slow.value:
            self.slow.forward()
        else:
            self.state.advance(rounds, WHO[self.toolbar.who.value])

    def _leaf(self, places):
        """To the kept state so many places on or back."""
        kept = self.state.kept
        self._go_to(kept[min(len(kept) - 1, max(0, kept.index(self.state.step) + places))])

    def _scrub(self, to):
        """To the kept state that lies in the way of the hand."""

        def act():
            onwards = [kept for kept in self.state.kept if kept >= to] or [self.state.end]
            self._go_to(to if to < self.state.step else onwards[0])

        self._ask(act)

    def _go_to(self, step):
        self.pause()
        self.slow.finish()
        self.state.rewind(step)

    def _use_preset(self, name):
        if name == "none":
            return

        def act():
            self.layers = self.layers | board.WITH_PRESET.get(name, set())
            self._begin_anew(
                **dataclasses.asdict(
                    engine.Settings(**controls.of_preset(name), seed=self.state.settings.seed)
                )
            )

        self._ask(act)

    def _begin_anew(self, **settings):
        self.slow.drop()
        if not self.state.change(**settings):
            self.state.reset()

    def _move_control(self, name, value):
        def act():
            self.slow.drop()
            anew = self.state.change(**{name: value})
            self._set(lambda: setattr(self.toolbar.preset, "value", "none"))
            label = controls.LABELS.get(name, "Drawing")
            what = f"{label}: {value}." if name != "points" else f"{len(value)} drawn points."
            self._last_note = f"{what} The run began anew." if anew else what

        self._ask(act)

    def _switch(self, name, on):
        def act():
            self.board.layers = self.board.layers | {name} if on else self.board.layers - {name}
            self.board.arrange()
            self._view = None

        if not self._setting:
            self._ask(act)

    def _download(self, name, kind, make):
        def act():
            self.hands.send({"download": {"name": name, "kind": kind}}, buffers=[make()])
            self._last_note = f"{name} is handed to the browser."

        self._ask(act)

    def _set(self, act):
        """Moves controls without hearing them."""
        self._setting, before = True, self._setting
        try:
            act()
        finally:
            self._setting = before

    # Playing

    def _work(self, rounds):
        """One piece of training, in a thread; what the pictures need of it is computed here as well."""
        with self._lock:
            self._training = True
            try:
                if self.toolbar.slow.value:
                    self.slow.forward()
                else:
                    self.state.advance(rounds, WHO[self.toolbar.who.value])
                self._view = self._compute_view()
            finally:
                self._training = False

    def _show_playing(self):
        self._answer()
        self.show(fast=True)

    def _stopped(self, error):
        if self.comm is None:
            return
        self._answer()
        if error is not None:
            self._say_error(error)
        self.show()

    # Showing it

    def _compute_view(self):
        counts = () if self.state.settings.data == "drawn" else ("per_mode", "vae_per_mode")
        return self.state.view({*self.board.needs(), *counts})

    def _counts(self):
        return {
            model: self._view[name]
            for model, name in [("GAN", "per_mode"), ("VAE", "vae_per_mode")]
            if name in self._view
        }

    def show(self, fast=False):
        """Draws what the state is now. Fast: pictures as JPEG, charts and words only now and then."""
        if self.comm is None or not self._lock.acquire(blocking=not self._training):
            return  # closed, or a thread is training and its picture will follow
        try:
            now = time.perf_counter()
            if not fast or self._view is None:
                self._view = self._compute_view()
            self.board.draw_planes(self._view, self.slow.part, fast)
            self.hands.beat = self.player.pictures
            in_slow_motion = self.toolbar.slow.value
            self.board.show_networks(
                self.slow.trains if in_slow_motion else LEARN[WHO[self.toolbar.who.value]]
            )
            self.timeline.place(
                self.state.step, self.state.end, words.live(self._counts()), self._pictures_per_second(now)
            )
            if not fast or in_slow_motion or now - self._charts_at > CHARTS_EVERY:
                self._charts_at = now
                self._show_time()
            if not fast or now - self._words_at > WORDS_EVERY:
                self._words_at = now
                self._speak()
            if not fast:
                self.hands.news += 1
        finally:
            self._lock.release()

    def _pictures_per_second(self, now):
        seconds, pictures = now - self._played[0], self.player.pictures - self._played[1]
        return pictures / seconds if self.playing and seconds > 0.5 else 0.0

    def _show_time(self):
        """Charts, controls and message: what need not follow every picture."""
        self.board.draw_charts(
            self.state.history, self.state.measured, self.state.step, len(self.state.mixture.means)
        )
        self.controls.show(self.state.settings)
        self.keep.code.value = self.code()
        self.message.value = (
            words.alarm(self._error) if self._error else self.slow.banner() if self.toolbar.slow.value else ""
        )

    def _speak(self):
        """The line of words, and the alternative texts."""
        self.board.describe(self.state.step)
        part = self.slow.part if self.toolbar.slow.value else None
        self.say(
            f"{words.standing(self.state, self._counts())} {self._last_note}".strip(),
            f"Part {part.number}: {part.caption}" if part else "",
        )

    def _say_busy(self):
        self.message.value = words.BUSY
        self._charts_at = 0.0  # with the next picture the message goes

    def _say_error(self, error):
        self._error = words.explained(error, controls.LABELS)

    def _say_nothing(self):
        self._error = self._last_note = ""

    def _switch_slow(self, on):
        def act():
            self.board.slow, self._view = on, None
            self.board.arrange()
            if not on:
                self.slow.finish()

        self._set_speed(self.toolbar.speed.value)
        self._ask(act)

    def _set_speed(self, speed):
        self.player.speed = 1 / PHASE_SECONDS if self.toolbar.slow.value else SPEEDS[speed]

    def stored_pictures(self):
        self._whole.show(self.png(), self.stored_words)
        return [self._whole]
