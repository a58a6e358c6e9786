"""How a check calls a learner's function, holds the answer against the truth, and names what went wrong.

A check draws its inputs afresh at every call, so an answer that fits one example by luck does not pass. It
prints one line if all is well and raises `NotYet` otherwise, whose message names the likely slip.
"""

import contextlib
import dis
import inspect
import io
import itertools
import linecache
import os
import signal
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# How long one call of a learner's function may compute, in seconds; with waiting, WAITING times as long.
PATIENCE = float(os.environ.get("VAEGAN_HELPERS_PATIENCE", "20"))
WAITING = 2.5
RTOL, ATOL = 1e-3, 1e-4  # how far an answer may be from the truth


class NotYet(AssertionError):
    """An answer that is not right yet; its text says what to look at."""

    def told(self) -> str:
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


def passed(name: str) -> None:
    """Says that the answer is right."""
    print(f"{name}: right")


def cases(count: int) -> list[np.random.Generator]:
    """`count` random generators, different at every call."""
    return [np.random.default_rng() for _ in range(count)]


def fresh_key(rng: np.random.Generator) -> jax.Array:
    """A key of JAX that is different at every call."""
    return jax.random.key(int(rng.integers(2**31)))


def key_bits(key: jax.Array) -> jax.Array:
    """The numbers behind a key: a typed one, or a raw one as `jax.random.PRNGKey` makes it."""
    return jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key


def typed_key(key: jax.Array) -> jax.Array:
    """A key as the library wants it, where a learner's loop makes raw ones with `jax.random.PRNGKey`."""
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)


def copied(model: Any) -> Any:
    """A second model with weights of its own: a learner's code may change or donate what it is handed."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), model)


def same_weights(model: Any, other: Any) -> bool:
    """Whether two models hold the same weights."""
    a, b = jax.tree.leaves(model), jax.tree.leaves(other)
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def hint(check: Callable, answer: Any, *more: Any, **named: Any) -> None:
    """Runs a check for an exercise: prints what it says and never stops the notebook.

    Args:
      check: such as `checks.kl`.
      answer: the learner's; None, or a function in which a blank `...` is left, is no answer yet.
      more, named: passed on to the check.
    """
    if answer is None or _has_a_blank(getattr(answer, "__code__", None)):
        print("no answer yet")
        return
    try:
        check(answer, *more, **named)
    except NotYet as problem:
        print(problem.told())


def _has_a_blank(code):
    """Whether `...` still stands where a value is to be named or returned, in a function or one within it."""
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    ends = [step for before, step in itertools.pairwise(steps) if before.argval is ...]
    ends += [step for step in steps if step.argval is ... and step.opname == "RETURN_CONST"]
    return any(step.opname.startswith(("STORE_FAST", "STORE_DEREF", "RETURN")) for step in ends) or any(
        _has_a_blank(part) for part in code.co_consts if inspect.iscode(part)
    )


def answer(name: str, given: Any, truth: Any, hint: str, tolerance: float = 0.005) -> None:
    """Says whether a short answer is right: a number, a word or a set of words.

    Prints one line: "no answer yet" for None, "right", or "not yet" with the hint. It never stops a notebook.

    Args:
      name: what the line begins with.
      given: the learner's answer, or None.
      truth: a number, a word (in any case of letters) or a set (for which a list or tuple will do as well).
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


def call(name: str, function: Callable, *arguments: Any, seconds: float | None = None, **named: Any) -> Any:
    """Calls a learner's function, with a limit on its time; whatever goes wrong becomes a `NotYet`.

    Warnings and text on stderr are kept back, since a grader takes any text there for an error.

    Args:
      name: what the function is called in messages.
      function: the learner's.
      arguments, named: passed on.
      seconds: how long it may compute, `PATIENCE` unless given. What counts is the computing time of the main
        thread, so that a busy machine costs nobody marks. It needs that thread and alarms (not Windows).

    Returns:
      What the function returns.

    Raises:
      NotYet: it is no function, is not written yet, raised an error, or took too long.
    """
    if not callable(function):
        raise NotYet(f"{name} should be a function; it is {described(function)}.")
    seconds = seconds or PATIENCE
    try:
        with _time_limit(seconds), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return jax.block_until_ready(function(*arguments, **named))
    except NotYet:
        raise
    except _TookTooLong:
        raise NotYet(
            f"{name} was still running after {seconds:g} seconds, and was stopped. Does a loop in it "
            "never end?"
        ) from None
    except (Exception, SystemExit) as error:
        where = _origin(error)
        if _is_stub(error, where):
            inside = where.f_code.co_name
            if inside.startswith("<") or inside == getattr(function, "__name__", inside):
                raise NotYet(
                    f"{name}: not written yet. Put your code in the place of `raise NotImplementedError`."
                ) from None
            raise NotYet(f"{name} calls `{inside}`, which is not written yet.") from None
        reason = f"{type(error).__name__}: {error}".strip().removesuffix(":")
        shortened = reason if len(reason) <= 400 else f"{reason[:400]} ..."
        raise NotYet(f"{name} raised {shortened}{_line_of(error)}") from error


def numbers(name: str, answer: Any) -> np.ndarray:
    """The answer as a NumPy array of floats.

    Raises:
      NotYet: it is nothing of the kind.
    """
    if answer is None:
        raise NotYet(f"{name} returned None: is there a `return`?")
    if isinstance(answer, (str, bytes, dict)) or callable(answer):
        raise NotYet(f"{name} should be numbers; it is {described(answer)}.")
    try:
        return np.asarray(answer, float)
    except (TypeError, ValueError):
        raise NotYet(f"{name} should be numbers; it is {described(answer)}.") from None


def require_shape(name: str, answer: Any, shape: Iterable[int], meaning: str = "") -> np.ndarray:
    """The answer as an array of this shape; `meaning` says what the axes are.

    Raises:
      NotYet: it has another shape.
    """
    array, shape = numbers(name, answer), tuple(shape)
    if array.shape != shape:
        if isinstance(answer, tuple):
            raise NotYet(f"{name} should be one array; it is {described(answer)}.")
        raise NotYet(f"{name} has shape {array.shape}; wanted {shape}{meaning and f', {meaning}'}.")
    return array


def require_finite(name: str, answer: np.ndarray) -> None:
    """Raises `NotYet` if there is a NaN or an infinite value."""
    for bad, kind in [
        (np.isnan(answer), "not a number (NaN): is it the logarithm of a negative number, or 0/0?"),
        (np.isinf(answer), "infinite: is it the logarithm of 0, or the exponential of a large number?"),
    ]:
        if bad.any():
            raise NotYet(
                f"{name}: {bad.sum()} of {bad.size} values are {kind}" if bad.ndim else f"{name} is {kind}"
            )


def require_parts(name: str, answer: Any, count: int, which: str) -> list:
    """The parts of an answer that should be `count` things, named by `which`: a tuple, a list or an array.

    Raises:
      NotYet: it is something else.
    """
    if isinstance(answer, (tuple, list)) or (hasattr(answer, "shape") and np.ndim(answer)):
        if len(answer) == count:
            return list(answer)
    if isinstance(answer, (tuple, list)):
        came = f"a {type(answer).__name__} of {len(answer)}."
    elif hasattr(answer, "shape"):
        came = f"an array of shape {answer.shape}."
    else:
        came = "None: is there a `return`?" if answer is None else f"one {type(answer).__name__}."
    raise NotYet(f"{name}: wanted {count} things, ({which}); got {came}")


def alike(a: Any, b: Any, rtol: float = RTOL, atol: float = ATOL) -> bool:
    """Whether two arrays have one shape and nearly the same values; NaN is like NaN."""
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True))


def compare(
    name: str,
    answer: Any,
    truth: Any,
    slips: Iterable[tuple[Any, str]] = (),
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
    meaning: str = "",
) -> None:
    """Holds an answer against the truth; if they differ, against what the known slips give on the same input.

    Args:
      name: what the message calls the answer.
      answer: the learner's.
      truth: the right array or number.
      slips: pairs (value, sentence): what a known slip gives, and the sentence that names it. The first
        that fits is told. A value may have another shape than the truth, and may be NaN.
      rtol, atol: how far the answer may be from the truth; a slip is recognised by the same measure.
      meaning: what the axes of the answer are, such as "one number for each picture".

    Raises:
      NotYet: they differ. Where no slip fits, the message gives the factor or offset, if it is one for all.
    """
    array, truth = numbers(name, answer), np.asarray(truth, float)
    if array.shape == truth.shape and np.allclose(array, truth, rtol=rtol, atol=atol):
        return
    for value, sentence in slips:
        if alike(array, np.asarray(value, float), rtol, atol):
            raise NotYet(f"{name}: {sentence}")
    require_shape(name, answer, truth.shape, meaning)
    require_finite(name, array)
    raise NotYet(f"{name} {_difference(array.ravel(), truth.ravel())}")


def _difference(answer, truth):
    """What separates two finite vectors, in words."""
    largest = np.abs(truth).max()
    # the factor of the whole vector: a single ratio would ask that no entry of the truth is 0
    factor = answer @ truth / (truth @ truth) if largest else 0.0
    size, alone = abs(factor), answer.size == 1  # two numbers always have a ratio
    offsets = answer - truth
    # a large truth that varies little has nearly one ratio to itself and a constant: the closer fit is told
    astray = np.abs(offsets - offsets.mean()).max(), np.abs(answer - factor * truth).max()
    shifted = not alone and np.allclose(offsets, offsets.mean(), rtol=1e-2, atol=1e-4)
    if shifted and astray[0] < 0.5 * astray[1]:
        return _shift(offsets)
    if factor and alike(answer, factor * truth, 1e-2, 1e-3 * largest * size):
        if alike(factor, -1.0, 1e-2):
            return "has the right size and the wrong sign."
        sign = " and has the wrong sign" if factor < 0 else ""
        times = max(size, 1 / size)
        if times > 1.05 and not alone or times > 1.5 and alike(times, round(times), 1e-2):
            words = f"{size:.3g} times too large" if size > 1 else f"{1 / size:.3g} times too small"
            return f"is {words}{sign}: is a sum taken for a mean, or a factor missing?"
        if times > 1.002 and not alone:
            return f"is {100 * abs(size - 1):.2g} % too {'large' if size > 1 else 'small'}{sign}."
    if shifted:
        return _shift(offsets)
    worst = np.argmax(np.abs(offsets))
    return f"is {answer[worst]:.4g} where it should be {truth[worst]:.4g}."


def _shift(offsets):
    return f"differs by {offsets.mean():+.3g} everywhere: is a constant missing?"


def described(value: Any) -> str:
    """The kind of a value, for a message."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"of type {type(value).__name__}"


def _origin(error):
    """The frame in which an error was raised."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame


def _is_stub(error, where):
    """Whether it is the line that a learner is to replace; libraries and `input` raise it otherwise."""
    return (
        type(error) is NotImplementedError
        and not error.args
        and "site-packages" not in where.f_code.co_filename
    )


def _line_of(error):
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
    computed, began = time.thread_time(), time.monotonic()

    def look(number, frame):
        if time.thread_time() - computed > seconds or time.monotonic() - began > WAITING * seconds:
            raise _TookTooLong

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, min(seconds / 4, 1.0), min(seconds / 4, 1.0))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
