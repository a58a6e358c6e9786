"""The exercises' folded solutions run after the notebook, and the exercises' checks accept their answers.

Solutions that take minutes say so in their first line; they are run by `python tests/sweep.py` alone.
"""

from pathlib import Path

import nbformat
import pytest
import runner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PATHS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
EXERCISE = """**1. Add (easy).** Write `add`.

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


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_folded_solutions_run(path):
    pieces = runner.run_once(path, again=runner.AGAIN)
    run = [piece for piece in pieces if piece.kind == "solution"]
    failed = [str(piece) for piece in run if piece.error]
    assert run and not failed, "\n".join(failed)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_exercises_accept_their_solutions(path):
    pieces = [piece for piece in runner.run_once(path, again=runner.AGAIN) if piece.kind == "exercise"]
    assert pieces, "no exercise is answered through the checks"
    for piece in pieces:
        lines = piece.text.splitlines()
        assert not piece.error and lines and all(line.endswith("right") for line in lines), (
            f"{piece}: {piece.text}"
        )


def made(path, sign):
    exercise = new_code_cell(CHECK, metadata={"tags": ["exercise"]})
    cells = [new_code_cell("n = 1"), new_markdown_cell(EXERCISE.replace("{sign}", sign)), exercise]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_an_exercise_is_answered_by_its_solution_and_long_ones_wait(tmp_path):
    pieces = runner.run(made(tmp_path / "a.ipynb", "+"))
    assert [(piece.kind, piece.place) for piece in pieces] == [
        ("first", "cell 0"),
        ("first", "cell 2"),
        ("solution", "solution 1"),
        ("exercise", "cell 2"),
    ]
    assert [pieces[1].text, pieces[-1].text] == ["no answer yet\n", "add: 3\n"]


def test_a_solution_that_fails_is_told(tmp_path):
    pieces = runner.run(made(tmp_path / "a.ipynb", "+ nothing +"), long_solutions=True)
    told = [str(piece) for piece in pieces if piece.error]
    assert told[0] == "solution 2: 1 / 0  ->  ZeroDivisionError: division by zero"
    assert told[1].startswith("cell 2:") and "NameError: name 'nothing' is not defined" in told[1]
