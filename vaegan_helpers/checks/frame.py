"""How a check calls a learner's function, holds the answer against the truth, and says what was probably meant wrongly.

A check draws its inputs afresh at every call, so an answer that fits one example by luck does not pass. It prints one
line if all is well and raises `NotYet` otherwise, whose message names the likely slip.
"""

import contextlib
import io
import linecache
import os
import signal
import textwrap
import threading
import warnings

import jax
import numpy as np

# How long a check waits for one call of a learner's function, in seconds.
PATIENCE = float(os.environ.get("VAEGAN_HELPERS_PATIENCE", "20"))


class NotYet(AssertionError):
    """An answer that is not right yet; its text says what to look at."""

    def told(self):
        """The message as a learner reads it."""
        text = str(self)
        return f"Not yet. {text[:1].upper()}{text[1:]}"

    def _render_traceback_(self):
        """What a notebook shows: the message alone, in lines that no page of feedback cuts off."""
        return [
            part
            for line in self.told().splitlines()
            for part in textwrap.wrap(line, 95, subsequent_indent="    ")
        ]


class _TookTooLong(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


def passed(name):
    """Says that the answer is right."""
    print(f"{name}: right")


def cases(count):
    """`count` random generators, different at every call."""
    return [np.random.default_rng() for _ in range(count)]


def fresh_key(rng):
    """A key of JAX that is different at every call."""
    return jax.random.key(int(rng.integers(2**31)))


def hint(check, answer, *more, **named):
    """Runs a check for an exercise: prints what it says, and "no answer yet" for None, instead of stopping the notebook.

    Args:
      check: such as `checks.kl`.
      answer: the learner's, or None.
      more, named: passed on to the check.
    """
    if answer is None:
        print("no answer yet")
        return
    try:
        check(answer, *more, **named)
    except NotYet as problem:
        print(problem.told())


def answer(name, given, truth, hint, tolerance=0.005):
    """Says whether a short answer is right: a number, a word or a set of words. For the questions in a notebook.

    Prints one line: "no answer yet" for None, "right", or "not yet" with the hint. It never stops the notebook.

    Args:
      name: what the line begins with.
      given: the learner's answer, or None.
      truth: a number, a word (however it is capitalised) or a set (a list or tuple of the same things will do).
      hint: a sentence for an answer that is not right.
      tolerance: how far a number may be from the truth.
    """
    if given is None:
        print(f"{name}: no answer yet")
    else:
        print(f"{name}: right" if _matches(given, truth, tolerance) else f"{name}: not yet. {hint}")


def _matches(given, truth, tolerance):
    if isinstance(truth, str):
        return isinstance(given, str) and given.strip().lower() == truth.lower()
    try:
        if isinstance(truth, (set, frozenset)):
            return not isinstance(given, str) and set(given) == truth
        return bool(np.size(given) == 1 and np.all(np.abs(np.asarray(given, float) - truth) <= tolerance))
    except (TypeError, ValueError):  # words where a number is wanted, a number where a set is
        return False


def call(name, function, *arguments, seconds=None, **named):
    """Calls a learner's function, with a limit on its time; whatever goes wrong becomes a `NotYet`.

    Warnings and text on stderr are kept back, since a grader takes any text there for an error.

    Args:
      name: what the function is called in messages.
      function: the learner's.
      arguments, named: passed on.
      seconds: the limit, `PATIENCE` unless given. It needs a main thread and a system with alarms (not Windows).

    Returns:
      What the function returns.

    Raises:
      NotYet: it is no function, is not written yet, raised an error, or took too long.
    """
    if not callable(function):
        raise NotYet(f"{name} should be a function; it is {_described(function)}.")
    seconds = seconds or PATIENCE
    try:
        with _time_limit(seconds), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return jax.block_until_ready(function(*arguments, **named))
    except NotYet:
        raise
    except NotImplementedError:
        raise NotYet(
            f"{name}: not written yet. Put your code in the place of `raise NotImplementedError`."
        ) from None
    except _TookTooLong:
        raise NotYet(
            f"{name} was still running after {seconds:g} seconds, and was stopped. Does a loop in it "
            "never end?"
        ) from None
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}".strip().removesuffix(":")
        shortened = reason if len(reason) <= 400 else f"{reason[:400]} ..."
        raise NotYet(f"{name} raised {shortened}{_place_of(error)}") from error


def numbers(name, answer):
    """The answer as a NumPy array of floats.

    Raises:
      NotYet: it is nothing of the kind.
    """
    if answer is None:
        raise NotYet(f"{name} returned None: is there a `return`?")
    if isinstance(answer, (str, bytes, dict)) or callable(answer):
        raise NotYet(f"{name} should be numbers; it is {_described(answer)}.")
    if isinstance(answer, tuple) and any(np.ndim(part) for part in answer):
        raise NotYet(f"{name} should be one array; it is {_described(answer)}.")
    try:
        return np.asarray(answer, float)
    except (TypeError, ValueError):
        raise NotYet(f"{name} should be numbers; it is {_described(answer)}.") from None


def require_shape(name, answer, shape, meaning=""):
    """The answer as an array of this shape; `meaning` says what the axes are.

    Raises:
      NotYet: it has another shape.
    """
    answer = numbers(name, answer)
    if answer.shape != tuple(shape):
        raise NotYet(f"{name} has shape {answer.shape}; wanted {tuple(shape)}{meaning and f', {meaning}'}.")
    return answer


def require_finite(name, answer):
    """Raises `NotYet` if there is a NaN or an infinite value."""
    for bad, kind in [
        (np.isnan(answer), "not a number (NaN): is it the logarithm of a negative number, or 0/0?"),
        (np.isinf(answer), "infinite: is it the logarithm of 0, or the exponential of a large number?"),
    ]:
        if bad.any():
            raise NotYet(
                f"{name}: {bad.sum()} of {bad.size} values are {kind}" if bad.ndim else f"{name} is {kind}"
            )


def compare(name, answer, truth, slips=(), *, rtol=1e-3, atol=1e-4, meaning=""):
    """Holds an answer against the truth; if they differ, against what the known slips give on the same input.

    Args:
      name: what the message calls the answer.
      answer: the learner's.
      truth: the right array or number.
      slips: pairs (value, hint): what comes out of a known slip, and the sentence that names it. The first that fits
        is told. A value may have another shape than the truth, and may be NaN.
      rtol, atol: how far the answer may be from the truth; a slip is recognised by the same measure.
      meaning: what the axes of the answer are, such as "one number for each picture".

    Raises:
      NotYet: they differ. Where no slip fits, the message gives the constant factor or offset, if there is one.
    """
    answer, truth = numbers(name, answer), np.asarray(truth, float)
    if answer.shape == truth.shape and np.allclose(answer, truth, rtol=rtol, atol=atol):
        return
    for value, hint in slips:
        value = np.asarray(value, float)
        if answer.shape == value.shape and np.allclose(answer, value, rtol=rtol, atol=atol, equal_nan=True):
            raise NotYet(f"{name}: {hint}")
    require_shape(name, answer, truth.shape, meaning)
    require_finite(name, answer)
    raise NotYet(f"{name} {_difference(answer, truth)}")


def told_apart(truth, slips):
    """Whether the truth and all slips that give one finite number give different ones, so that a message is no guess."""
    values = np.array(
        [value for value in (truth, *(value for value, _ in slips)) if np.ndim(value) == 0], float
    )
    values = np.sort(values[np.isfinite(values)])
    return not np.isclose(values[1:], values[:-1], rtol=5e-3, atol=1e-3).any()


def _difference(answer, truth):
    """What separates two finite arrays of one shape, in words."""
    with np.errstate(all="ignore"):
        ratios = (answer / truth).ravel()
    ratio = ratios[0]
    if truth.all() and np.isfinite(ratio) and ratio and np.allclose(ratios, ratio, rtol=1e-2):
        if np.isclose(ratio, -1, rtol=1e-2):
            return "has the right size and the wrong sign."
        sign = "and has the wrong sign" if ratio < 0 else ""
        factor = max(abs(ratio), 1 / abs(ratio))
        if ratios.size == 1 and (factor < 1.5 or not np.isclose(factor, round(factor), rtol=1e-2)):
            return f"is {answer.ravel()[0]:.4g} where it should be {truth.ravel()[0]:.4g}."  # two numbers always have a ratio
        size = abs(ratio)
        words = f"{size:.3g} times too large" if size > 1 else f"{1 / size:.3g} times too small"
        return f"is {words} {sign}".strip() + ": is a sum taken for a mean, or a factor missing?"
    offsets = (answer - truth).ravel()
    if offsets.size > 1 and np.allclose(offsets, offsets[0], rtol=1e-2, atol=1e-4):
        return f"differs by {offsets[0]:+.3g} everywhere: is a constant missing?"
    worst = np.argmax(np.abs(offsets))
    return f"is {answer.ravel()[worst]:.4g} where it should be {truth.ravel()[worst]:.4g}."


def _described(value):
    """The kind of a value, for a message."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"of type {type(value).__name__}"


def _place_of(error):
    """The line of the learner's code that an error came from, if it stands in a notebook cell."""
    place, trace = ".", error.__traceback__
    while trace is not None:
        file, number = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        if "ipykernel_" in file or file.startswith("<ipython"):
            place = f"\n    in the line `{linecache.getline(file, number).strip()}`"
        trace = trace.tb_next
    return place


@contextlib.contextmanager
def _time_limit(seconds):
    """Raises `_TookTooLong` in the code within, again and again in case it is swallowed."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise _TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
