"""How checks call and compare, and the tables: each wrong function in one is told its own sentence."""

import functools
import inspect
import pydoc
import re
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from vaegan_helpers import checks, losses, models
from vaegan_helpers.checks import frame, gan


def message(check, answer, *more, **named):
    """What a check says of a wrong answer."""
    with pytest.raises(checks.NotYet) as caught:
        check(answer, *more, **named)
    return str(caught.value)


# The frame


def forever(*_):
    while True:
        pass


def forever_whatever_happens(*_):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def printing(mean, logvar):
    print("here I am")


ACCIDENTS = [
    (None, "should be a function; it is None"),
    (3.0, "should be a function; it is of type float"),
    (lambda mean, logvar: (_ for _ in ()).throw(NotImplementedError), "not written yet"),
    (lambda mean: mean, "raised TypeError"),
    (lambda mean, logvar: mean @ logvar, "raised"),
    (lambda mean, logvar: undefined_name, "NameError: name 'undefined_name'"),  # noqa: F821
    (lambda mean, logvar: exec("raise SystemExit"), "raised SystemExit"),
    (printing, "returned None: is there a `return`?"),
    (lambda mean, logvar: "12", "of type str"),
    (lambda mean, logvar: {"kl": 1}, "of type dict"),
    (lambda mean, logvar: (mean, logvar), "should be one array; it is a tuple of 2"),
    (lambda mean, logvar: (mean, {"kl": logvar}), "a tuple of 2"),
    (lambda mean, logvar: jnp.full(len(mean), jnp.nan), "not a number (NaN)"),
    (lambda mean, logvar: jnp.full(len(mean), jnp.inf), "infinite"),
    (lambda mean, logvar: jnp.zeros((len(mean), 17)), "has shape"),
    (lambda mean, logvar: 11 * losses.kl_to_standard_normal(mean, logvar), "11 times too large"),
    (lambda mean, logvar: losses.kl_to_standard_normal(mean, logvar) / 11, "11 times too small"),
    (lambda mean, logvar: losses.kl_to_standard_normal(mean, logvar) + 0.75, "differs by +0.75 everywhere"),
    (lambda mean, logvar: jnp.arange(len(mean)), "where it should be"),
    (lambda mean, logvar: 1.03 * losses.kl_to_standard_normal(mean, logvar), "is 3 % too large"),
    (
        lambda mean, logvar: -0.97 * losses.kl_to_standard_normal(mean, logvar),
        "too small and has the wrong sign",
    ),
]


@pytest.mark.parametrize("function, words", ACCIDENTS)
def test_accidents_become_messages(function, words):
    assert words in message(checks.kl, function)


@pytest.mark.parametrize("function", [forever, forever_whatever_happens])
def test_a_call_that_never_ends_is_stopped(function, monkeypatch):
    monkeypatch.setattr(frame, "PATIENCE", 0.3)
    start = time.monotonic()
    assert "still running after 0.3 seconds" in message(checks.kl, function)
    assert time.monotonic() - start < 10


def test_the_alarm_is_off_after_a_call(monkeypatch):
    monkeypatch.setattr(frame, "PATIENCE", 0.2)
    checks.standard_deviation(lambda logvar: jnp.exp(logvar / 2), trials=1)
    time.sleep(0.4)


def test_text_on_stderr_is_kept_back(capsys):
    def warning(logvar):
        import sys
        import warnings

        warnings.warn("only a warning", stacklevel=1)
        print("on stderr", file=sys.stderr)
        return jnp.exp(logvar / 2)

    checks.standard_deviation(warning)
    assert capsys.readouterr() == ("the standard deviation: right\n", "")


def test_a_function_with_a_blank_is_no_answer_yet(capsys):
    def named(mean, logvar):
        variance = ...
        return 0.5 * jnp.sum(mean**2 + variance - 1 - logvar, axis=1)

    def returned(mean, logvar):
        return ...

    def within(mean, logvar):
        def each(mean):
            return ...

        return each(mean).sum(axis=1)

    def with_an_index(mean, logvar):
        terms = (mean**2 + jnp.exp(logvar) - 1 - logvar)[..., None]
        return 0.5 * jnp.sum(terms[..., 0], axis=1)

    for function in (named, returned, within):
        checks.hint(checks.kl, function)
    assert capsys.readouterr().out == 3 * "no answer yet\n"
    checks.hint(checks.kl, with_an_index, trials=1)
    assert capsys.readouterr().out == "the KL: right\n"


def test_a_hint_prints_instead_of_stopping(capsys):
    checks.hint(checks.kl, None)
    checks.hint(checks.kl, lambda mean, logvar: -losses.kl_to_standard_normal(mean, logvar))
    checks.hint(checks.kl, losses.kl_to_standard_normal, trials=1)
    none, wrong, right = capsys.readouterr().out.splitlines()
    assert none == "no answer yet"
    assert wrong.startswith("Not yet. The KL: the sign")
    assert right == "the KL: right"


@pytest.mark.parametrize(
    "given, truth, right",
    [
        (4, 4, True),
        (np.float32(4.004), 4, True),
        (jnp.array([4.0]), 4, True),
        (4.1, 4, False),
        (float("nan"), 4, False),
        ("four", 4, False),
        ([4, 4], 4, False),
        (abs, 4, False),
        ("High ", "high", True),
        ("low", "high", False),
        (1, "high", False),
        (["a", "b"], {"b", "a"}, True),
        ({"a"}, {"b", "a"}, False),
        ("ab", {"b", "a"}, False),
        (3, {"b", "a"}, False),
    ],
)
def test_a_short_answer_is_right_or_gets_its_hint(given, truth, right, capsys):
    checks.answer("the question", given, truth, "Look again.")
    said = capsys.readouterr().out
    assert said == ("the question: right\n" if right else "the question: not yet. Look again.\n")


def test_no_short_answer_is_said_to_be_none_yet(capsys):
    checks.answer("the question", None, 4, "Look again.")
    assert capsys.readouterr().out == "the question: no answer yet\n"


def test_the_tolerance_of_a_short_answer_is_the_callers(capsys):
    checks.answer("the norm", 10.4, 10, "Look again.", 0.5)
    assert capsys.readouterr().out == "the norm: right\n"


def test_a_notebook_shows_the_message_alone():
    assert checks.NotYet("look at the sign")._render_traceback_() == ["Not yet. Look at the sign"]
    lines = checks.NotYet("word " * 50 + "\n    in the line `a`")._render_traceback_()
    assert (
        max(map(len, lines)) <= 95
        and "".join(lines).lower().count("word") == 50
        and lines[-1] == "    in the line `a`"
    )


def test_inputs_are_drawn_afresh():
    seen = []

    def remember(mean, logvar):
        seen.append(np.asarray(mean).tobytes())
        return losses.kl_to_standard_normal(mean, logvar)

    checks.kl(remember, trials=3)
    checks.kl(remember, trials=3)
    assert len(set(seen)) == 6


# What is not written yet


def left_as_it_was(mean, logvar):
    raise NotImplementedError


def calls_what_is_not_written(mean, logvar):
    return left_as_it_was(mean, logvar)


def refused_by_a_library(mean, logvar):
    raise NotImplementedError("complex numbers are not implemented")


def asks_the_keyboard(mean, logvar):
    return input("how many? ")


def asks_jax_for_too_much(mean, logvar):
    return jax.grad(lambda m: jnp.linalg.eig(jnp.diag(m[0]))[1].real.sum())(mean).sum(axis=1)


@pytest.mark.parametrize(
    "function, words, others",
    [
        (left_as_it_was, "Put your code in the place of", "calls"),
        (jax.jit(left_as_it_was), "Put your code in the place of", "calls"),
        (
            calls_what_is_not_written,
            "the KL calls `left_as_it_was`, which is not written yet",
            "Put your code",
        ),
        (refused_by_a_library, "raised NotImplementedError: complex numbers", "not written yet"),
        (asks_the_keyboard, "raised", "not written yet"),
        (asks_jax_for_too_much, "raised NotImplementedError", "not written yet"),
    ],
)
def test_only_the_untouched_stub_is_not_written_yet(function, words, others):
    said = message(checks.kl, function)
    assert words in said and others not in said


# Whatever is callable, and whatever holds numbers


class Counter:
    """A class of a learner's with the answer in it."""

    def kl(self, mean, logvar):
        return losses.kl_to_standard_normal(mean, logvar)

    __call__ = kl


def with_a_note(function):
    def noted(*arguments):
        return function(*arguments)

    return noted


@pytest.mark.parametrize(
    "function",
    [
        jax.jit(losses.kl_to_standard_normal),
        nnx.jit(losses.kl_to_standard_normal),
        functools.partial(losses.kl_to_standard_normal),
        Counter(),
        Counter().kl,
        with_a_note(losses.kl_to_standard_normal),
        lambda mean, logvar, axis=1: losses.kl_to_standard_normal(mean, logvar),
        lambda mean, logvar: tuple(losses.kl_to_standard_normal(mean, logvar)),
        lambda mean, logvar: [np.float32(k) for k in losses.kl_to_standard_normal(mean, logvar)],
    ],
)
def test_any_callable_with_the_right_numbers_passes(function):
    checks.kl(function)


def test_what_counts_is_the_time_that_a_function_computes(monkeypatch):
    """On a busy machine the clock on the wall runs on while a function waits for its turn."""
    monkeypatch.setattr(frame, "PATIENCE", 0.5)

    def waits(logvar):
        time.sleep(0.3)
        return jnp.exp(logvar / 2)

    checks.standard_deviation(waits)  # 0.9 s in all, and 0.3 s in each call

    def waits_longer(logvar):
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            time.sleep(0.1)
        return jnp.exp(logvar / 2)

    checks.standard_deviation(waits_longer, trials=1)


def test_half_of_a_vector_with_zeros_in_it_is_two_times_too_small():
    """A unit of a network that is switched off has a gradient of 0: there is no ratio there."""
    for _ in range(20):
        truth = np.random.default_rng().normal(size=30) * (np.random.default_rng().random(30) > 0.5)
        with pytest.raises(checks.NotYet, match="2 times too small"):
            frame.compare("the step", truth / 2, truth)


def test_a_constant_is_told_from_a_factor_though_all_numbers_are_nearly_alike():
    for _ in range(20):
        rng = np.random.default_rng()
        truth = np.float32(rng.uniform(43.8, 44.2, 5))
        with pytest.raises(checks.NotYet, match=r"differs by \+0.75 everywhere"):
            frame.compare("the KL", truth + np.float32(0.75), truth)
        with pytest.raises(checks.NotYet, match="is 3 % too large"):
            frame.compare("the KL", truth * np.float32(1.03), truth)


# The tables

PLAYERS = (
    models.Generator(
        z_dim=3, hidden_dim=6, x_dim=2, hidden_layers=1, output=models.identity, key=jax.random.key(0)
    ),
    models.Discriminator(x_dim=2, hidden_dim=6, hidden_layers=1, key=jax.random.key(1)),
)
CONTEXT = dict.fromkeys(["discriminator_step", "generator_step", "one_round"], PLAYERS)
PUBLIC = {name: check for name, check in vars(checks).items() if callable(check) and not name.startswith("_")}
TABLES = {name: check for name, check in PUBLIC.items() if isinstance(check, checks.Check)} | {
    "best_discriminator": gan._best,
    "best_discriminator_smoothed": gan._best_smoothed,
}
WRONG = [
    pytest.param(name, sentence, wrong, id=f"{name}_{i}")
    for name, table in TABLES.items()
    for i, (sentence, wrong) in enumerate(table.wrong_functions())
]


@pytest.fixture(autouse=True)
def as_a_learner():
    """A learner's kernel has neither setting of the unit tests."""
    with jax.numpy_rank_promotion("allow"), jax.debug_key_reuse(False):
        yield


@pytest.mark.parametrize("name, sentence, wrong", WRONG)
def test_a_wrong_function_is_always_told_its_own_sentence(name, sentence, wrong):
    around_numbers = [re.escape(piece) for piece in re.split(r"\{\d\}", sentence)]
    for _ in range(5):
        with pytest.raises(checks.NotYet, match=r"\d+".join(around_numbers)):
            TABLES[name](wrong, *CONTEXT.get(name, ()))


@pytest.mark.parametrize("name", TABLES)
def test_the_reference_of_a_table_passes(name, capsys):
    TABLES[name](TABLES[name].reference, *CONTEXT.get(name, ()), trials=10)
    assert capsys.readouterr().out == f"{TABLES[name].name}: right\n"


def test_a_sentence_stands_in_a_table_once():
    for table in TABLES.values():
        assert len(table.slips) == len(set(table.slips))


def test_inputs_that_hide_a_slip_are_refused():
    table = checks.Check(
        "x", "an `f(x)`.", lambda rng: [rng.normal(size=3)], np.abs, {"no": lambda x: x**2 / abs(x)}
    )
    with pytest.raises(RuntimeError, match="told apart"):
        table(np.abs)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in ("Check", "NotYet")])
def test_help_on_a_check_says_what_it_checks(name):
    text = inspect.getdoc(PUBLIC[name])
    assert text.startswith(("Checks ", "Runs ", "Says ")) and "Args:" in text
    assert text.splitlines()[0].endswith(".") or isinstance(PUBLIC[name], checks.Check)
    assert name in pydoc.render_doc(PUBLIC[name]) or "function: the learner's." in pydoc.render_doc(
        PUBLIC[name]
    )
