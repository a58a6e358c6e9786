"""Runs a notebook piece by piece and tells what came of each: for tests and for the sweep over seeds.

A piece is a code cell, the same cell once more, a folded solution, or an exercise's cell after the solutions.
A piece that fails stops nothing, so one run tells everything that is wrong.
"""

import contextlib
import datetime
import re
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

AGAIN = 2.0  # seconds: what took longer at first, mostly training and compiling, is not run a second time
SHOWS = re.compile(
    r"(^|\n)\w+$"
)  # a cell that ends in the name of an explorer makes it anew: this has to work
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


@contextlib.contextmanager
def kernel(folder):
    """A kernel of its own, started in the folder."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def attached(connection_file):
    """A second client of a kernel that runs already."""
    client = BlockingKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()


def run(path, *, seed=0, twice=False, long_solutions=False, timeout=600) -> list[Piece]:
    """Every code cell in order in a new kernel, then what `after` does.

    Args:
      path: of the notebook; its kernel starts in the same folder.
      seed: of the root key, from which everything random follows.
      twice: whether quick cells are run a second time.
      long_solutions: whether to run also those that say, in their first line, that they take minutes.
      timeout: of a piece, in seconds; after one that takes longer nothing else is run.

    Raises:
      ValueError: there is no root key to change.
    """
    notebook = nbformat.read(path, as_version=4)
    _reseed(notebook, seed)
    pieces, seconds = [], {}
    with kernel(Path(path).resolve().parent) as client:
        for i, cell in code_cells(notebook):
            piece = execute(client, "first", f"cell {i}", cell.source, timeout, cell.metadata.get("tags", []))
            pieces.append(piece)
            seconds[i] = piece.seconds
            if piece.seconds > timeout:
                return pieces
        seconds = seconds if twice else None
        return pieces + after(client, notebook, seconds, long_solutions=long_solutions, timeout=timeout)


def after(client, notebook, seconds, *, long_solutions=False, timeout=600) -> list[Piece]:
    """What can be tried in a kernel that has run the whole notebook.

    The quick cells once more, in order; the folded solutions; the exercises' cells with these answers.

    Args:
      client: of the kernel.
      notebook: whose cells it has run.
      seconds: {index of a cell: how long it took}. Those that took `AGAIN` or longer are not run a second
        time, unless they show an explorer. None: no cell is.
      long_solutions, timeout: as in `run`.
    """
    todo = [
        ("again", f"cell {i}", cell.source, cell.metadata.get("tags", []))
        for i, cell in code_cells(notebook)
        if seconds is not None and (seconds.get(i, AGAIN) < AGAIN or SHOWS.search(cell.source))
    ]
    todo += [
        ("solution", f"solution {number}", code, [])
        for number, code in solutions(notebook).items()
        if long_solutions or not LONG.match(code)
    ]
    for i, cell in code_cells(notebook):
        if "exercise" in cell.metadata.get("tags", []):
            # where the learner's answer stands in the place of None, or of blanks in a function, the solution
            # has put it already
            code = re.sub(r"(?m)^(\w+) = None", r'\1 = globals().get("\1")', cell.source)
            code = re.sub(r"(?m)^def .*\n(?:[ \t]+.*\n|\n)+", "", code)
            todo.append(("exercise", f"cell {i}", code, []))
    pieces = []
    for kind, place, code, tags in todo:
        pieces.append(execute(client, kind, place, code, timeout, tags))
        if pieces[-1].seconds > timeout:
            break
    return pieces


def execute(client, kind, place, code, timeout=600, tags=()) -> Piece:
    """Runs some code in a kernel."""
    printed = []

    def keep(message):
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            printed.append(message["content"]["text"])

    start, error = time.perf_counter(), ""
    try:
        reply = client.execute_interactive(
            code, store_history=False, allow_stdin=False, output_hook=keep, timeout=timeout
        )
        if reply["content"]["status"] != "ok" and "raises-exception" not in tags:
            error = _failure(reply["content"])
    except TimeoutError:
        error = f"took more than {timeout} s; nothing was run after it"
    text = re.sub(r"^.*\r(?!\n)", "", "".join(printed), flags=re.MULTILINE)  # of a progress bar its end
    return Piece(kind, place, time.perf_counter() - start, text, error)


def _failure(reply):
    """The line of the cell that failed, and the exception, in one line."""
    if reply["status"] != "error":
        return reply["status"]
    traceback = COLOUR.sub("", "\n".join(reply["traceback"]))
    line = re.search(r"^-+> \d+ (.*)", traceback, re.MULTILINE)
    words = f"{reply['ename']}: {reply['evalue']}".removesuffix(": ")
    return f"{line[1].strip()}  ->  {words}" if line else words


def code_cells(notebook):
    """(index, cell) of each code cell."""
    return [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def seconds_of(notebook) -> dict[int, float]:
    """{index: how long the cell took}, where JupyterLab has kept the times."""
    found = {}
    for i, cell in code_cells(notebook):
        times = cell.metadata.get("execution", {})
        if {"iopub.execute_input", "shell.execute_reply"} <= times.keys():
            start, end = (
                datetime.datetime.fromisoformat(times[name].replace("Z", "+00:00"))
                for name in ("iopub.execute_input", "shell.execute_reply")
            )
            found[i] = (end - start).total_seconds()
    return found


def solutions(notebook) -> dict[str, str]:
    """The code of the folded solutions: {number of the exercise: its blocks, joined}.

    Those of functions with blanks that stand within the text, after **Write**, are joined under that word.
    """
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found, number = {}, None
    for match in re.finditer(
        r"^\*\*(\d+(?=\. )|Write)\b|^```python\n(.*?)^```", prose, re.MULTILINE | re.DOTALL
    ):
        number = match[1] or number
        if match[2] and number:
            found[number] = found.get(number, "") + match[2]
    return found


def _reseed(notebook, seed):
    """Puts another root key in the place of `jax.random.key(0)`; other keys are made of this one."""
    if seed == 0:
        return
    for _, cell in code_cells(notebook):
        if ROOT in cell.source:
            cell.source = cell.source.replace(ROOT, f"jax.random.key({seed})", 1)
            return
    raise ValueError(f"no code cell makes a root key by {ROOT}")
