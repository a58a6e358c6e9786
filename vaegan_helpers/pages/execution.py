"""Runs a notebook for what makes its explorers move, and keeps it: a build cut short goes on from there."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

import vaegan_helpers
from vaegan_helpers import cache
from vaegan_helpers.pages.course import Chapter
from vaegan_helpers.pages.live import ALIVE

START = "from vaegan_helpers.pages import live\nlive.install()"
PATIENCE = 600  # seconds for one cell, on a busy machine
Life = dict[int, list[Any]]  # cell: what each of its displayed outputs needs to move, or None


def displayed(cell: NotebookNode) -> list[NotebookNode]:
    """What a cell shows but does not print."""
    return [output for output in cell.get("outputs", []) if "data" in output]


def is_still(output: NotebookNode) -> bool:
    """Whether a stored output is the picture of something that moves in a kernel: pictures, then words."""
    html = output.get("data", {}).get("text/html", "")
    return html.startswith(("<img ", "<figure ")) and html.endswith("</p>")


def moving_cells(notebook: NotebookNode) -> list[int]:
    """The cells with something that moves. A notebook without any need not be executed."""
    return [i for i, cell in enumerate(notebook.cells) if any(map(is_still, displayed(cell)))]


def to_run(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells up to the last thing that moves; what follows need not run."""
    first_ones = notebook.cells[: max(moving_cells(notebook), default=-1) + 1]
    return [cell for cell in first_ones if cell.cell_type == "code" and cell.source.strip()]


def life_of(chapter: Chapter, ended: Callable[[], object] = lambda: None) -> Life:
    """What the notebook's explorers and stages need to move, from an earlier build or by running it.

    Args:
      chapter: a notebook.
      ended: is called after each cell.

    Raises:
      nbclient.exceptions.CellExecutionError: a cell failed.
    """
    cells = to_run(chapter.notebook)
    kept = _kept(chapter, cells)
    try:
        life = {int(cell): outputs for cell, outputs in json.loads(kept.read_bytes()).items()}
        for _ in cells:
            ended()
        return life
    except (OSError, ValueError):  # none yet, or not whole
        life = _run(chapter, cells, ended)
    for older in kept.parent.glob(f"{chapter.name}-*.json"):
        older.unlink(missing_ok=True)
    try:
        cache.write_atomically(kept, lambda file: file.write(json.dumps(life).encode()))
    except OSError:  # nothing can be kept, as on a full disk: the next build runs it again
        pass
    return life


def _run(chapter, cells, ended):
    notebook = copy.copy(chapter.notebook)
    notebook.cells = [nbformat.v4.new_code_cell(START), *copy.deepcopy(cells)]
    NotebookClient(
        notebook,
        timeout=PATIENCE,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        store_widget_state=False,
        resources={"metadata": {"path": str(chapter.folder)}},
        on_cell_executed=lambda cell_index, **_: ended() if cell_index else None,
    ).execute()
    place = {cell.id: i for i, cell in enumerate(chapter.notebook.cells)}
    life = {
        place[cell.id]: [output.data.get(ALIVE) for output in displayed(cell)] for cell in notebook.cells[1:]
    }
    return {i: outputs for i, outputs in life.items() if any(outputs)}


def _kept(chapter: Chapter, cells: list[NotebookNode]) -> Path:
    """The file for it, named by all that it depends on."""
    package = Path(vaegan_helpers.__file__).parent
    files = [file for file in package.rglob("*.*") if file.suffix in (".py", ".js", ".json")]
    digest = hashlib.sha256(jax.__version__.encode())
    for file in sorted(files):
        if file.parent != package / "pages" or file.stem == "live":  # how a page looks changes nothing here
            digest.update(file.read_bytes())
    for cell in cells:
        digest.update(cell.source.encode())
    return cache.directory() / "pages" / f"{chapter.name}-{digest.hexdigest()[:16]}.json"


def with_life(notebook: NotebookNode, life: Life) -> NotebookNode:
    """A copy of the stored notebook, in which what moves carries what it needs for that."""
    notebook = copy.deepcopy(notebook)
    for i, outputs in life.items():
        for output, alive in zip(displayed(notebook.cells[i]), outputs, strict=False):
            if alive is not None:
                output.data[ALIVE] = alive
    return notebook
