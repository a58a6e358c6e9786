"""The stage itself: it trains in small pieces, remembers, rewinds, and hands out what there is to see."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np
import optax

from vaegan_helpers import losses, mixtures, training
from vaegan_helpers.inputs import require_whole
from vaegan_helpers.stage.engine import export, networks, scene, slow_motion
from vaegan_helpers.stage.engine.networks import CURVES, MISSING, PATH, ROUNDS_PER_CALL, State
from vaegan_helpers.stage.engine.packed import pack
from vaegan_helpers.stage.engine.settings import (
    DATA,
    RESETS,
    Settings,
    check_points,
    check_settings,
)

MEASURED_EVERY = 50
KEPT_EVERY = 10  # rounds at first; doubled whenever the kept states outgrow their memory
KEPT_BYTES = 64e6  # memory for the kept states
MEASURED = ("modes", "quality", "kl", "js", "vae_modes", "vae_quality", "vae_kl", "vae_js")


class Diverged(training.Diverged):
    """A player or the VAE became NaN or infinite. The stage keeps the last good state.

    Attributes:
      step: the last good round, at which the stage stands.
      models: the `State` there, with `gan` and `vae`.
      history: the curves up to there.
    """

    def __init__(self, who: str, step: int, models: Any, history: dict) -> None:
        FloatingPointError.__init__(
            self,
            f"{who} is no longer finite after round {step + 1}. The stage stands at round {step}, the last "
            "good one: lower a learning rate, or rewind and change a setting.",
        )
        self.step, self.models, self.history = step, models, history


class Stage:
    """A GAN and a VAE that learn the same data side by side, one round after the other.

    Args:
      data: a name in `DATA`, or "drawn".
      seed: everything random follows from it.
      points: for drawn data, (n, 2) with n of at least 20, inside of the stage's plane.
      settings: fields of `Settings`.

    Attributes:
      settings: those that hold now.
      points: of drawn data, or None.
      step: rounds done.
      branch: another number whenever rounds that were once shown are no longer part of the timeline.
      first_settings, recipe: where the run began, and what was done since: settings that changed as
        dictionaries, and (who, rounds) for what was trained in between. `export` makes text and code of it.
    """

    def __init__(
        self, data: str | None = None, *, seed: int = 0, points: Any = None, **settings: Any
    ) -> None:
        if points is not None and data not in (None, "drawn"):
            raise ValueError(f"points are drawn data; they came together with data={data!r}")
        data = data or ("ring" if points is None else "drawn")
        self.settings = check_settings(Settings(), data=data, seed=seed, **settings)
        self.points, self.branch = None if points is None else check_points(points), 0
        if data == "drawn" and points is None:
            raise ValueError("data='drawn' needs points: an array (n, 2) with n of at least 20")
        self._begin()

    def _begin(self):
        s = self.settings
        self.branch, self.first_settings, self.recipe = self.branch + 1, s, ()
        self.mixture = DATA[s.data] if s.data != "drawn" else mixtures.around_points(self.points)
        root_key = jax.random.key(s.seed)
        data_key, model_key, props_key, self._gan_key, self._vae_key = jax.random.split(root_key, 5)
        if s.data == "Dirac":
            generator, discriminator, vae = networks.dirac(s.z_dim, s.generator_start, s.discriminator_start)
        else:
            generator, discriminator, vae = networks.networks(
                model_key, **{name: getattr(s, name) for name in networks.ARCHITECTURE}
            )
        self._data = networks.draw(self.mixture, data_key)
        self._props = scene.props(self.mixture, self._data, props_key, generator.z_dim, generator.categories)
        gan = training.gan_state(generator, discriminator, self.settings.optimizers)
        self._state = State(training.GanState(*pack(gan)), *pack((vae, optax.adam(0.0).init(vae))))
        size = sum(leaf.nbytes for leaf in jax.tree.leaves(self._state))
        self._most_kept = int(np.clip(KEPT_BYTES // size, 8, 200))
        self.step, self._interval, self._kept = 0, KEPT_EVERY, {}
        self._rows, self._measured = np.full((0, len(CURVES) + len(PATH)), np.nan, np.float32), {}
        self._arrive()

    def forget(self) -> None:
        """Lets go of every kept state but the one that is shown."""
        self._kept = {}

    @property
    def generator(self) -> Any:
        """G, whose averaged weights are what is shown."""
        return self._state.gan.averaged

    # Time

    @property
    def kept(self) -> list[int]:
        """The steps whose states are kept, of the past and of the future that a rewind has left."""
        return sorted({*self._kept, self.step})

    @property
    def end(self) -> int:
        """The last step of the timeline; later than `step` after a rewind."""
        return max(self.kept)

    def advance(self, rounds: int = 1, who: str = "both") -> None:
        """Trains for so many rounds from here; a future left by a rewind is dropped.

        Args:
          rounds: how many.
          who: "both" players and the VAE, or "discriminator" or "generator" alone.

        Raises:
          ValueError: bad arguments.
          Diverged: something became infinite; the stage stands at the last good round.
        """
        require_whole(rounds=rounds)
        if who not in ("both", "discriminator", "generator"):
            raise ValueError(f"who must be both, discriminator or generator; got {who!r}")
        self._drop_future()
        last = self.step + rounds
        while self.step < last:
            stops = (
                every * (self.step // every + 1)
                for every in (self._interval, MEASURED_EVERY, ROUNDS_PER_CALL)
            )
            length = min(last, *stops) - self.step
            state, rows, bad = self._run(length, who)
            if bad is not None and bad[0]:
                state, rows, _ = self._run(bad[0], who)
            if bad is None or bad[0]:
                self._accept(state, rows, who)
            if bad is not None:
                raise self._diverged(bad[1])

    def _diverged(self, who):
        return Diverged(who, self.step, self._state, self.history)

    def _run(self, length, who):
        """The state after `length` rounds, their rows, and (good rounds, who broke) or None. Changes
        nothing."""
        s = self.settings
        gan, gan_rows, gan_finite = networks.play(
            self._state.packed_gan,
            self._data,
            jax.random.clone(self._gan_key),
            self.step,
            length,
            s.traced(),
            game=s.game(who),
        )
        vae = self._state.packed_vae, self._state.packed_adam
        vae_rows, vae_finite = np.full((length, 4), np.nan), np.ones(length, bool)
        if who == "both":
            vae, vae_rows, vae_finite = networks.play_vae(
                vae,
                self._data,
                jax.random.clone(self._vae_key),
                self.step,
                length,
                float(s.vae_learning_rate),
                float(s.beta),
                s.batch_size,
            )
        gan_rows, vae_rows = np.asarray(gan_rows)[:length], np.asarray(vae_rows)[:length]
        rows = np.concatenate([gan_rows[:, :7], vae_rows[:, :3], gan_rows[:, 7:], vae_rows[:, 3:]], axis=1)
        rows = np.where(rows == MISSING, np.nan, rows)
        finite = {"the GAN": np.asarray(gan_finite)[:length], "the VAE": np.asarray(vae_finite)[:length]}
        broken = [(int(np.argmin(good)), who) for who, good in finite.items() if not good.all()]
        return State(gan, *vae), rows, min(broken) if broken else None

    def _accept(self, state, rows, who):
        self._state, self.step = state, self.step + len(rows)
        done = len(rows)
        if self.recipe and isinstance(self.recipe[-1], tuple) and self.recipe[-1][0] == who:
            done += self.recipe[-1][1]
            self.recipe = self.recipe[:-1]
        self.recipe += ((who, done),)
        self._rows = np.concatenate([self._rows, np.float32(rows)])
        self._arrive()

    def _arrive(self):
        """Measures this step and keeps its state, if it is a step for that; thins what is kept when it
        becomes too much.

        It depends on the step alone, so that a run is the same however it is cut.
        """
        if self.step % MEASURED_EVERY == 0:
            of_gan, of_vae = self._state.packed_gan.averaged, self._state.packed_vae
            measured = jax.device_get(scene.measure(of_gan, of_vae, self._props))
            self._measured[self.step] = [float(measured[name]) for name in MEASURED]
        if self.step % self._interval == 0:
            self._kept[self.step] = (self._state, self.settings, self.recipe)
        while len(self._kept) > self._most_kept:
            self._interval *= 2
            self._kept = {
                step: kept
                for step, kept in self._kept.items()
                if step % self._interval == 0 or step == self.step
            }

    def _drop_future(self):
        self.branch += len(self._rows) > self.step
        self._kept = {step: kept for step, kept in self._kept.items() if step <= self.step}
        self._measured = {step: row for step, row in self._measured.items() if step <= self.step}
        self._rows = self._rows[: self.step]

    def phases(self) -> Iterator[slow_motion.Phase]:
        """The next round in slow motion: an iterator of slow_motion.Phase. The last of them completes the
        round.

        All of them together are one `advance(1)`, to the bit. If the stage is changed in between, they end.

        Raises:
          Diverged: as `advance`, before the first phase.
        """
        before, s = self._state, self.settings
        after, rows, bad = self._run(1, "both")
        if bad is not None:
            raise self._diverged(bad[1])
        game = slow_motion.game_arrays(
            before.gan,
            after.gan,
            self._data,
            jax.random.clone(self._gan_key),
            self.step,
            self._props,
            loss=losses.GAN_LOSSES[s.loss],
            batch_size=s.batch_size,
            discriminator_steps=s.discriminator_steps,
            generator_steps=s.generator_steps,
        )
        of_vae = slow_motion.vae_arrays(
            before.vae, after.vae, self._data, jax.random.clone(self._vae_key), self.step, s.batch_size
        )
        moves = (s.discriminator_steps, s.generator_steps)
        of_d, of_g, of_vae = jax.device_get((*game, of_vae))
        row = dict(zip(CURVES, rows[0], strict=False))  # the row ends with the Dirac game's path
        steps = slow_motion.phases(of_d, of_g, of_vae, row, moves)
        for phase in steps:
            if self._state is not before or self.settings != s:
                return
            if phase is steps[-1]:
                self._drop_future()
                self._accept(after, rows, "both")
            yield phase

    def rewind(self, step: int) -> None:
        """Goes to the nearest kept state at or before `step`, past or future. The settings stay as they are
        now."""
        if not isinstance(step, (int, np.integer)) or step < 0:
            raise ValueError(f"step must be a whole number of at least 0; got {step!r}")
        self._kept.setdefault(self.step, (self._state, self.settings, self.recipe))
        self.step = max(kept for kept in self._kept if kept <= step)
        self._state, before, self.recipe = self._kept[self.step]
        self._go_on_from(before)

    def _go_on_from(self, old):
        """Notes what is another setting now. An optimiser that was exchanged begins without memory of
        gradients."""
        now, was = dataclasses.asdict(self.settings), dataclasses.asdict(old)
        if now != was:
            self.recipe += ({name: value for name, value in now.items() if value != was[name]},)
        gan, before, now = self._state.gan, old.optimizers, self.settings.optimizers
        if before == now:
            return
        fresh = training.gan_state(gan.generator, gan.discriminator, now)
        if before[0] != now[0]:
            gan = gan._replace(discriminator_optimizer=fresh.discriminator_optimizer)
        if before[1] != now[1]:
            gan = gan._replace(generator_optimizer=fresh.generator_optimizer)
        self._state = self._state._replace(packed_gan=training.GanState(*pack(gan)))

    def reset(self, seed: int | None = None) -> None:
        """Step 0 again, with another seed if one is given."""
        if seed is not None:
            self.settings = check_settings(self.settings, seed=seed)
        self._begin()

    def change(self, **settings: Any) -> bool:
        """Changes settings: at once, or, for those in `RESETS`, with a new beginning.

        Returns:
          Whether the stage began anew.

        Raises:
          ValueError: an unknown name or a bad value; then nothing is changed.
        """
        points = settings.pop("points", None)
        points = None if points is None else check_points(points)
        new = check_settings(self.settings, **settings | ({} if points is None else {"data": "drawn"}))
        if new.data == "drawn" and points is None and self.points is None:
            raise ValueError("data='drawn' needs points: an array (n, 2) with n of at least 20")
        old = self.settings
        self.settings, self.points = new, self.points if points is None else points
        anew = points is not None or any(getattr(new, name) != getattr(old, name) for name in RESETS)
        self._begin() if anew else self._go_on_from(old)
        return anew

    # What is shown

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The curves up to this step, each (step,); NaN where a player did not move."""
        return dict(zip(CURVES, self._rows[: self.step].T, strict=False))  # PATH stands after them

    @property
    def path(self) -> np.ndarray | None:
        """Of the Dirac game: the numbers of G, D and the VAE after each round, (step + 1, 3); else None."""
        if self.settings.data != "Dirac":
            return None
        g, d = self.first_settings.generator_start, self.first_settings.discriminator_start
        return np.concatenate([np.array([[g, d, g]], np.float32), self._rows[: self.step, len(CURVES) :]])

    def timeline(self) -> tuple[np.ndarray, np.ndarray]:
        """Everything from round 1 to `end`, also what a rewind has left ahead.

        Returns:
          CURVES and PATH in columns, (end, 13); the step and MEASURED in columns, (m, 9).
        """
        measured = [[step, *row] for step, row in sorted(self._measured.items())]
        return self._rows, np.array(measured, np.float32).reshape(-1, 1 + len(MEASURED))

    @property
    def measured(self) -> dict[str, np.ndarray]:
        """What was measured up to this step, every 50 rounds: "step" and each name of MEASURED, (m,).

        Modes and quality by the protocol of `metrics.modes_covered` (for the VAE on its decoder's means);
        "kl" is KL(p || q) and "js" the Jensen-Shannon divergence, in nats, of the densities that "optimum"
        compares. See `divergences` for how sure they are.
        """
        steps = sorted(step for step in self._measured if step <= self.step)
        table = np.array([self._measured[step] for step in steps]).reshape(len(steps), len(MEASURED))
        return {"step": np.array(steps, int)} | dict(zip(MEASURED, table.T, strict=True))

    def view(self, layers: Iterable[str] | None = None) -> dict[str, Any]:
        """Arrays for pictures, in NumPy, by compiled functions of fixed shape.

        Args:
          layers: names in `scene.ARRAYS`; only these are computed. None for all.

        Returns:
          Dictionary. Surfaces have the lowest y first; n = 400 samples, 64 cells, a mesh of 21 lines.
            "real", "generated": (n, 2), and "noise": (n, 2), the first two numbers of the noise behind
              "generated", as G takes them; with one number, 0 stands for the second.
            "surface": D's output at the middle of each cell, (cells, cells): a probability, or for least
              squares and Wasserstein a plain number. A D that judges packs or batches is asked about each
              point among generated ones.
            "optimum": the best D against this G, p / (p + q), there. Both densities are seen through a
              Gaussian kernel as wide as a cell: p exactly, q as the kernel estimate of 5,000 samples. (Noise
              has another dimension than the plane, and G may fold it, so a change of variables would not
              give q.) Wasserstein has no such optimum.
            "arrows": (48, 2, 2), generated points, and minus the gradient of G's loss there: where each is
              pulled.
            "manifold": (mesh, mesh, 2), a grid of noise as G warps it; with mixture noise, that of the first
              category.
            "vae_samples": (n, 2) from p(x | z), "vae_mean": the decoder's means of the same codes,
              "vae_manifold".
            "vae_ellipses": (48, 2, 2), mean and standard deviation of real points' codes.
            "vae_reconstructions": (48, 2, 2), these points and what the decoder makes of their mean codes.
            "per_mode", "vae_per_mode": (modes,), how many of 2,500 samples are of high quality at each mode.
            "extent": (x0, x1, y0, y1) of the plane, always.

        Raises:
          ValueError: an unknown layer.
        """
        wanted = scene.ARRAYS if layers is None else tuple(layers)
        unknown = set(wanted) - set(scene.ARRAYS)
        if unknown:
            raise ValueError(
                f"layers are {', '.join(scene.ARRAYS)}; got {', '.join(sorted(map(str, unknown)))}"
            )
        loss = losses.GAN_LOSSES[self.settings.loss]
        return scene.view(self._state.packed_gan, self._state.packed_vae, self._props, loss, wanted)

    def csv(self) -> str:
        """The history as text; see `export.csv`."""
        return export.csv(self)

    def code(self) -> str:
        """The line of code that rebuilds this stage at step 0, with the settings that hold now."""
        return export.line_of_code(self)
