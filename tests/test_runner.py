"""The runner tells what fails a second time, runs solutions and hands them to the exercises' checks."""

import nbformat
import pytest
import runner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

EXERCISES = """**1. Add (easy).** Write `add`.

<details><summary>Solution</summary>

```python
def add(a, b):
    return a {sign} b
```
</details>

**2. Wait (easy).**

<details><summary>Solution</summary>

```python
# About two minutes.
1 / 0
```
</details>
"""
CHECK = "add = None  # your function\nprint('no answer yet' if add is None else f'add: {add(1, 2)}')"


def made(path, *sources, sign="+"):
    exercise = new_code_cell(CHECK, metadata={"tags": ["exercise"]})
    cells = [*map(new_code_cell, sources), new_markdown_cell(EXERCISES.replace("{sign}", sign)), exercise]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def kinds_and_places(pieces):
    return [(piece.kind, piece.place) for piece in pieces]


def test_an_exercise_is_answered_by_its_solution_and_long_solutions_wait(tmp_path):
    pieces = runner.run(made(tmp_path / "a.ipynb", "print('50 %\\r100 %')"))
    assert kinds_and_places(pieces) == [
        ("first", "cell 0"),
        ("first", "cell 2"),
        ("solution", "solution 1"),
        ("exercise", "cell 2"),
    ]
    assert [piece.text for piece in pieces] == ["100 %\n", "no answer yet\n", "", "add: 3\n"]
    assert not any(piece.error for piece in pieces)


def test_blanks_within_the_text_are_filled_by_the_answer_below_them(tmp_path):
    text = "**Write.** A blank.\n\n```python\ndef two():\n    return 2\n```"
    blank = "def two():\n    return ...\n\n\nprint('no answer yet' if two() is ... else f'two: {two()}')"
    cell = new_code_cell(blank, metadata={"tags": ["exercise"]})
    nbformat.write(new_notebook(cells=[new_markdown_cell(text), cell]), tmp_path / "a.ipynb")
    pieces = runner.run(tmp_path / "a.ipynb")
    assert kinds_and_places(pieces) == [
        ("first", "cell 1"),
        ("solution", "solution Write"),
        ("exercise", "cell 1"),
    ]
    assert [piece.text for piece in pieces] == ["no answer yet\n", "", "two: 2\n"]


def test_what_works_only_once_is_told_and_what_is_slow_is_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "AGAIN", 1.0)
    path = made(
        tmp_path / "a.ipynb",
        "n = 0",
        "import time\nn += 1\ntime.sleep(1)",
        "assert n < 1 + len('')",
        "m = n\nassert m < 2",
    )
    again = [piece for piece in runner.run(path, twice=True) if piece.kind == "again"]
    assert kinds_and_places(again) == [("again", f"cell {i}") for i in (0, 2, 3, 5)]


def test_what_fails_is_told_with_its_line(tmp_path):
    path = made(tmp_path / "a.ipynb", "k = 0", "k += 1\nassert k < 2, 'twice'", "l = k", sign="+ nothing +")
    told = [str(piece) for piece in runner.run(path, twice=True, long_solutions=True) if piece.error]
    assert told[0] == "solution 2: 1 / 0  ->  ZeroDivisionError: division by zero"
    assert told[1].startswith("cell 4:") and "NameError: name 'nothing' is not defined" in told[1]


def test_a_cell_that_takes_too_long_ends_the_run(tmp_path):
    path = made(tmp_path / "a.ipynb", "import time\ntime.sleep(60)", "print('never')")
    assert [piece.error for piece in runner.run(path, timeout=2)] == [
        "took more than 2 s; nothing was run after it"
    ]


@pytest.mark.parametrize("times", [{}, {"iopub.execute_input": "2026-01-01T00:00:00.5Z"}])
def test_cells_without_times_have_no_seconds(times):
    assert runner.seconds_of(new_notebook(cells=[new_code_cell("1", metadata={"execution": times})])) == {}


def test_the_times_that_jupyterlab_keeps_are_read():
    times = {
        "iopub.execute_input": "2026-01-01T00:00:00.500Z",
        "shell.execute_reply": "2026-01-01T00:00:02.000Z",
    }
    notebook = new_notebook(cells=[new_code_cell("1", metadata={"execution": times})])
    assert runner.seconds_of(notebook) == {0: 1.5}


def test_an_explorer_is_made_a_second_time_however_long_it_took():
    notebook = new_notebook(cells=[new_code_cell("live = 1\nlive"), new_code_cell("fit(live)")])

    class Client:
        def execute_interactive(self, code, **options):
            return {"content": {"status": "ok"}}

    assert kinds_and_places(runner.after(Client(), notebook, {0: 9.0, 1: 9.0})) == [("again", "cell 0")]
    assert runner.after(Client(), notebook, None) == []
