"""Runs a notebook for what makes its explorers move, and keeps it: a build cut short goes on from there."""

import asyncio
import copy
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat import NotebookNode

import vaegan_helpers
from vaegan_helpers import cache
from vaegan_helpers.pages.course import Chapter
from vaegan_helpers.pages.live import ALIVE

START = """import os
if {cores}:
    os.sched_setaffinity(0, {cores})
from vaegan_helpers.pages import live
live.install()"""
AT_ONCE = 2  # kernels, of up to 2 GB each, and with cores of their own: XLA's threads would wait for others'
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


def lives_of(chapters: Sequence[Chapter], ended: Callable[[Chapter], object]) -> dict[str, Life]:
    """What the explorers and stages of notebooks need to move, from an earlier build or by running them.

    Args:
      chapters: notebooks with something that moves. The last ones begin: they train longest.
      ended: is called with the notebook after each of its cells.

    Returns:
      {name of a notebook: its life}.

    Raises:
      nbclient.exceptions.CellExecutionError: a cell failed. What other notebooks gave is kept.
    """
    return run_sync(_lives_of)(chapters, ended)


async def _lives_of(chapters, ended):
    waiting, lives = iter(chapters[::-1]), {}
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    places = min(AT_ONCE, os.cpu_count() or 1)

    async def take(place):
        for chapter in waiting:
            lives[chapter.name] = await _life_of(chapter, cores[place::places] or cores, ended)

    try:
        async with asyncio.TaskGroup() as group:  # one fails: the kernels of the others are ended, too
            for place in range(places):
                group.create_task(take(place))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return lives


async def _life_of(chapter, cores, ended):
    cells = to_run(chapter.notebook)
    kept = _kept(chapter, cells)
    try:
        life = {int(cell): outputs for cell, outputs in json.loads(kept.read_bytes()).items()}
        for _ in cells:
            ended(chapter)
        return life
    except (OSError, ValueError):  # none yet, or not whole
        life = await _run(chapter, cells, cores, ended)
    for older in kept.parent.glob(f"{chapter.name}-*.json"):
        older.unlink(missing_ok=True)
    try:
        cache.write_atomically(kept, lambda file: file.write(json.dumps(life).encode()))
    except OSError:  # nothing can be kept, as on a full disk: the next build runs it again
        pass
    return life


async def _run(chapter, cells, cores, ended):
    notebook = copy.copy(chapter.notebook)
    notebook.cells = [nbformat.v4.new_code_cell(START.format(cores=cores)), *copy.deepcopy(cells)]
    await NotebookClient(
        notebook,
        timeout=PATIENCE,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        store_widget_state=False,
        resources={"metadata": {"path": str(chapter.folder)}},
        on_cell_executed=lambda cell_index, **_: ended(chapter) if cell_index else None,
    ).async_execute()
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
