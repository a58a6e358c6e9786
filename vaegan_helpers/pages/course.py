"""The course as its notebooks tell it: which there are, in which order, what each asks and how long it is."""

import dataclasses
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

QUESTION = re.compile(r"^\*\*(.+\?)\*\*$", re.MULTILINE)
MINUTES = re.compile(r"^\*\*Time\.\*\* .*?(\d+) minutes? to read", re.MULTILINE)


@dataclasses.dataclass
class Chapter:
    """One notebook.

    Attributes:
      name: of its file without the ending, and so of its page.
      title: its first heading.
      question: the one it answers; empty where its first cell asks none.
      minutes: how long it takes to read; 0 where it does not say.
      notebook: as it is stored.
      folder: where it lies, and runs.
    """

    name: str
    title: str
    question: str
    minutes: int
    notebook: NotebookNode
    folder: Path

    @property
    def page(self) -> str:
        """The file name of its page."""
        return f"{self.name}.html"


def chapters(folder: Path) -> list[Chapter]:
    """Every notebook of a folder, in the order of the file names.

    Raises:
      ValueError: there are none, or one has no heading to begin with, or was never executed.
    """
    found = [_chapter(path) for path in sorted(folder.glob("*.ipynb"))]
    if not found:
        raise ValueError(f"the pages are made from the course's notebooks, and there are none in {folder}")
    return found


def _chapter(path):
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source if notebook.cells else ""
    heading = re.match(r"# (.+)", first)
    if heading is None:
        raise ValueError(f"{path.name}: wanted a first cell that begins with '# title', got {first[:40]!r}")
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if any(cell.execution_count is None for cell in code):
        raise ValueError(f"{path.name} is not stored with its outputs: execute it first")
    question, minutes = QUESTION.search(first), MINUTES.search(first)
    return Chapter(
        name=path.stem,
        title=heading[1].strip(),
        question=question[1] if question else "",
        minutes=int(minutes[1]) if minutes else 0,
        notebook=notebook,
        folder=path.parent,
    )
