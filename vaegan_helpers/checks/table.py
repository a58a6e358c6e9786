"""A check as a table: inputs, a reference, and for each slip a sentence and the wrong function it names."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from vaegan_helpers.checks.frame import ATOL, RTOL, alike, call, cases, compare, copied, passed, require_parts

CLEARLY = 5  # so many times the tolerance lies between two answers that are told apart
DRAWS = 2_000  # of inputs, before a check gives up


def handed_over(argument: Any) -> Any:
    """What a learner's function gets: JAX's arrays, and models that it may change."""
    if isinstance(argument, np.ndarray):
        return jnp.asarray(argument)
    return copied(argument) if isinstance(argument, nnx.Module) else argument


class Check:
    """A learner's function, held against the reference on inputs that are drawn afresh.

    The inputs are such that the truth and all slips differ clearly: none of them passes by luck, and no
    sentence is a guess.

    Args:
      name: what messages call the answer.
      about: one sentence for `help`: what is checked, its arguments, what comes out, in which shape and unit.
      inputs: function of a NumPy generator giving the arguments; or several, for kinds of inputs that
        take turns. A slip may give the truth on one kind, if another shows it.
      reference: takes the same arguments.
      slips: {sentence: wrong function, or several}. `{0}`, `{1}` in a sentence are the sizes of the axes of
        all arguments.
      parts: if the answer is a pair, what messages call each part.
      meaning: what the axes of the answer are.
      trials: how many inputs it is tried on.
      hand_over: function of an argument giving what the learner's function is handed for it.
      read: function of (answer, *arguments) giving the numbers in it that are compared; raises `NotYet`.
      after: function of (what was handed over, arguments) that looks after the call whether it has changed.
      rtol, atol: how far the answer may be from the truth.
    """

    def __init__(
        self,
        name: str,
        about: str,
        inputs: Callable | Sequence[Callable],
        reference: Callable,
        slips: dict[str, Callable | Sequence[Callable]],
        *,
        parts: Sequence[str] = (),
        meaning: str = "",
        trials: int = 3,
        hand_over: Callable = handed_over,
        read: Callable | None = None,
        after: Callable | None = None,
        rtol: float = RTOL,
        atol: float = ATOL,
    ):
        self.name, self.reference, self.slips = name, reference, slips
        self.kinds = [inputs] if callable(inputs) else list(inputs)
        self.parts, self.meaning, self.trials = parts, meaning, trials
        self.hand_over, self.read, self.after = hand_over, read, after
        self.rtol, self.atol = rtol, atol
        self.__doc__ = f"""Checks {about}

        Args:
          function: the learner's.
          trials: how many random inputs it is tried on, {trials} unless given.

        Raises:
          NotYet: the answer is wrong; the message names the likely slip.
        """

    def __repr__(self):
        return f"<check of {self.name}>"

    def __call__(self, function: Callable, *context: Any, trials: int | None = None) -> None:
        """Tries the function; `context` is what `inputs` needs besides a generator, such as players."""
        kinds, hidden = itertools.cycle(self.kinds), self.wrong_functions()
        for rng in cases(max(trials or self.trials, len(self.kinds))):
            arguments, truth, slips, still_hidden = self.case(rng, next(kinds), hidden, *context)
            handed = [self.hand_over(argument) for argument in arguments]
            answer = call(self.name, function, *handed)
            if self.after:
                self.after(handed, arguments)
            answer = self._parts_of(answer, arguments)
            if not all(self._near(a, t, 1) for a, t in zip(answer, truth, strict=True)):
                # what an earlier trial would have shown is not this learner's slip
                self._tell(answer, truth, slips or self._values(self.wrong_functions(), arguments))
            hidden = still_hidden
        passed(self.name)

    def easier(self, name: str, about: str, inputs: Callable, without: Sequence[str]) -> "Check":
        """The same check on easier inputs.

        Args:
          name, about, inputs: as above.
          without: how the sentences of those slips begin that give the truth on these inputs.
        """
        slips = {told: wrong for told, wrong in self.slips.items() if not told.startswith(tuple(without))}
        return Check(
            name,
            about,
            inputs,
            self.reference,
            slips,
            meaning=self.meaning,
            trials=self.trials,
            rtol=self.rtol,
            atol=self.atol,
        )

    def case(
        self, rng: np.random.Generator, kind: Callable, hidden: list[tuple[str, Callable]], *context: Any
    ) -> tuple[Sequence, list, list, list]:
        """Inputs on which the slips that earlier trials left hidden are told apart.

        Returns:
          (arguments, parts of the truth, [(parts of a wrong answer, its sentence)] of the hidden slips, the
          slips that are hidden still, since they give the truth here).
        """
        for _ in range(DRAWS):
            arguments = kind(rng, *context)
            with np.errstate(all="ignore"):
                truth = self._parts_of(self.reference(*arguments), arguments)
            slips = self._values(hidden, arguments)
            shown = [self._first_wrong(value, truth) for value, _ in slips]
            if self._told_apart(truth, slips, shown):
                still = [slip for slip, part in zip(hidden, shown, strict=True) if part is None]
                return arguments, truth, slips, still
        raise RuntimeError(f"{self!r} found no inputs in {DRAWS} draws on which all slips are told apart")

    def wrong_functions(self) -> list[tuple[str, Callable]]:
        """Every wrong function with its sentence."""
        return [
            (sentence, wrong)
            for sentence, several in self.slips.items()
            for wrong in ([several] if callable(several) else several)
        ]

    def _values(self, slips, arguments):
        """[(the parts of what a wrong function gives, or None if it takes no such inputs; its sentence)]."""
        sizes = [size for argument in arguments for size in getattr(argument, "shape", ())]
        values = []
        for sentence, wrong in slips:
            try:
                with np.errstate(all="ignore"):
                    value = self._parts_of(wrong(*arguments), arguments)
            except ValueError:
                value = None
            values.append((value, sentence.format(*sizes)))
        return values

    def _parts_of(self, answer, arguments):
        if self.read:
            answer = self.read(answer, *arguments)
        if not self.parts:
            return [answer]
        return require_parts(self.name, answer, len(self.parts), ", ".join(self.parts))

    def _tell(self, answer, truth, slips):
        """Raises the `NotYet` of the first part that is wrong."""
        slips = [(value, sentence, self._first_wrong(value, truth)) for value, sentence in slips if value]
        for i, part in enumerate(self.parts or [self.name]):
            # a slip that leaves this part right has nothing to say of it, and one that begins before it less
            told = [
                (value[i], sentence)
                for value, sentence, first in sorted(slips, key=lambda slip: slip[2] != i)
                if not self._near(value[i], truth[i], 1)
            ]
            compare(part, answer[i], truth[i], told, meaning=self.meaning, rtol=self.rtol, atol=self.atol)

    def _near(self, a, b, times=CLEARLY):
        try:
            return alike(np.asarray(a, float), b, times * self.rtol, times * self.atol)
        except (TypeError, ValueError):  # no numbers
            return False

    def _first_wrong(self, value, truth):
        """The first part in which a slip differs from the truth; None if it does not."""
        parts = range(len(truth)) if value else ()
        return next((i for i in parts if not alike(value[i], truth[i], 1e-5, 1e-7)), None)

    def _told_apart(self, truth, slips, shown):
        """Whether each slip is clearly wrong (or right, if another kind shows it) and no two are alike."""
        wrong = [(i, value[i], told) for (value, told), i in zip(slips, shown, strict=True) if i is not None]
        if len(wrong) < len(slips) and len(self.kinds) == 1:
            return False
        if any(self._near(value, truth[i]) for i, value, _ in wrong):
            return False
        return not any(
            i == j and told != other and self._near(a, b)
            for (i, a, told), (j, b, other) in itertools.combinations(wrong, 2)
        )
