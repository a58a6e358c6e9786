"""Runs a notebook piece by piece in a kernel of its own and tells what came of each: for tests and the sweep.

A piece is a code cell, the same cell once more, a folded solution, or an exercise's cell after the solutions.
A piece that fails stops nothing, so one run tells everything that is wrong.
"""

import copy
import functools
import re
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

AGAIN = 2.0  # seconds: what took longer at first, mostly training and compiling, is not run a second time
# The first line of a solution that takes long, as its reader should know too.
LONG = re.compile(r"# (Takes )?[Aa]bout .*minutes?\b")
ROOT = "jax.random.key(0)"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Piece:
    """One piece of a notebook and what came of it.

    Attributes:
      kind: "first", "again", "solution" or "exercise".
      place: "cell 12", where all cells are counted from 0, or "solution 3", with the number of the exercise.
      seconds: how long it took.
      text: what it printed.
      error: the failing line and the exception, "" if all went well. One that its tag announces is none.
    """

    kind: str
    place: str
    seconds: float
    text: str
    error: str

    def __str__(self):
        twice = " (run a second time)" if self.kind == "again" else ""
        return f"{self.place}{twice}: {self.error or f'{self.seconds:.1f} s'}"


def solutions(notebook) -> dict[str, str]:
    """The code of the folded solutions: {number of the exercise: its blocks, joined}."""
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found, number = {}, None
    for match in re.finditer(r"^\*\*(\d+)\. |^```python\n(.*?)^```", prose, re.MULTILINE | re.DOTALL):
        number = match[1] or number
        if match[2] and number:
            found[number] = found.get(number, "") + match[2]
    return found


def run(path, *, seed=0, again=0.0, long_solutions=False, timeout=600) -> list[Piece]:
    """Every code cell in order, then the folded solutions, then the exercises' cells with these answers.

    Args:
      path: of the notebook; its kernel starts in the same folder.
      seed: of the root key, from which everything random follows.
      again: a cell that took less than so many seconds is run a second time at once.
      long_solutions: whether to run also those that say, in their first line, that they take minutes.
      timeout: of a piece, in seconds.

    Raises:
      ValueError: there is no root key to change.
    """
    notebook = nbformat.read(path, as_version=4)
    _reseed(notebook, seed)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        interrupt_on_timeout=True,
        error_on_timeout={"ename": "Timeout", "evalue": f"more than {timeout} seconds", "traceback": []},
        kernel_name="python3",
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(Path(path).resolve().parent)}},
    )
    cells = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    pieces = []
    with client.setup_kernel():

        def execute(kind, place, cell):
            piece = _execute(client, kind, place, cell)
            pieces.append(piece)
            return piece

        for i, cell in cells:
            first = execute("first", f"cell {i}", cell)
            if first.seconds < again and not first.error:
                execute("again", f"cell {i}", cell)
        for number, code in solutions(notebook).items():
            if long_solutions or not LONG.match(code):
                execute("solution", f"solution {number}", nbformat.v4.new_code_cell(code))
        for i, cell in cells:
            if "exercise" in cell.metadata.get("tags", []):
                # where the learner's answer stands in the place of None, the solution has put it already
                code = re.sub(r"^(\w+) = None", r'\1 = globals().get("\1")', cell.source, flags=re.MULTILINE)
                execute("exercise", f"cell {i}", nbformat.v4.new_code_cell(code))
    return pieces


# One run of a notebook serves several tests.
run_once = functools.cache(run)


def _reseed(notebook, seed):
    """Puts another root key in the place of `jax.random.key(0)`; other keys are made of this one."""
    if seed == 0:
        return
    for cell in notebook.cells:
        if cell.cell_type == "code" and ROOT in cell.source:
            cell.source = cell.source.replace(ROOT, f"jax.random.key({seed})", 1)
            return
    raise ValueError(f"no code cell makes a root key by {ROOT}")


def _execute(client, kind, place, cell):
    cell = copy.deepcopy(cell)
    index = len(client.nb.cells)
    client.nb.cells.append(cell)
    start, error = time.perf_counter(), ""
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as problem:
        error = _failure(cell, problem)
    except DeadKernelError:
        error = "the kernel died"
    seconds = time.perf_counter() - start
    text = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    return Piece(kind, place, seconds, text, error)


def _failure(cell, problem):
    """The line of the cell that failed, and the exception, in one line."""
    lines = [line for output in cell.outputs for line in output.get("traceback", [])]
    traceback = COLOUR.sub("", "\n".join(lines))
    line = re.search(r"^-+> \d+ (.*)", traceback, re.MULTILINE)
    words = f"{problem.ename}: {problem.evalue}".removesuffix(": ")
    return f"{line[1].strip()}  ->  {words}" if line else words
