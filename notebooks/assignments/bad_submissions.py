"""Steps of autograding that let every submission be marked, whatever happened to it.

Without them nbgrader gives up on a file that is no notebook or comes from another program, and on
a deleted pair of cells: no marks, no feedback. `nbgrader_config.py` puts them in their places;
`running.py` has the step that runs a notebook.
"""

import codecs
import contextlib
import json
import time
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters import strip_ansi
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells

# The longer ones first: UTF-32's begins with UTF-16's.
BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
MAKE_CELL = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}


class Clock:
    """How long a cell may take: `cell_seconds`; one second after `notebook_seconds` in all."""

    def __init__(self, cell_seconds, notebook_seconds):
        self.cell_seconds, self.notebook_seconds = cell_seconds, notebook_seconds
        self.start()

    def start(self, **_):
        self.began = time.monotonic()

    def seconds_left(self, cell):
        return int(
            min(self.cell_seconds, max(1, self.notebook_seconds - (time.monotonic() - self.began)))
        )


class ReadAnything(NotebookExporter):
    """Reads a submitted file of whatever program; one that is no notebook becomes one that says so.

    A cell keeps its type, its text and its marks. All else is made anew, so nothing can be invalid:
    ids, which came with nbformat 4.5, outputs without metadata, keys of another program.
    """

    def from_filename(self, filename, resources=None, **named):
        """The notebook in this file, as nbformat 4.5."""
        try:
            notebook = _normalised(json.loads(_text(Path(filename).read_bytes())))
        except Exception as error:  # a broken file can raise almost anything
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            said = f"**This file could not be read as a notebook.** {reason}"
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(said)])
        resources = ResourcesDict() if resources is None else resources
        known = resources.get("metadata") or ResourcesDict()
        resources["metadata"] = known
        known["path"] = str(Path(filename).parent)  # where it runs
        return self.from_notebook_node(notebook, resources=resources, **named)


def _text(content):
    """The text of a file in UTF-8, UTF-16 or UTF-32, with a byte order mark or without."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding)
    return content.decode(json.detect_encoding(content))


def _normalised(file):
    """A notebook of version 4.5 with the cells of one in any version.

    Raises:
      ValueError: there are no cells.
    """
    if isinstance(file, dict) and isinstance(file.get("worksheets"), list):  # version 3
        file = {"cells": [cell for sheet in file["worksheets"] for cell in sheet.get("cells", [])]}
    if not isinstance(file, dict) or not isinstance(file.get("cells"), list) or not file["cells"]:
        raise ValueError("there are no cells in it")
    notebook = nbformat.v4.new_notebook(
        cells=[_cell(cell) for cell in file["cells"] if isinstance(cell, dict)]
    )
    metadata = file.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    if isinstance(kernel, dict) and isinstance(kernel.get("name"), str):
        notebook.metadata.kernelspec = {
            "name": kernel["name"],
            "display_name": str(kernel.get("display_name", kernel["name"])),
        }
    return notebook


def _cell(cell):
    kind, source = cell.get("cell_type"), cell.get("source", cell.get("input", ""))
    make = MAKE_CELL.get(kind, nbformat.v4.new_markdown_cell)
    source = source if isinstance(source, str) else "".join(map(str, source or []))
    source = source.encode("utf-8", "replace").decode("utf-8")  # half of a pair of surrogates
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return make(source, metadata={"nbgrader": marks} if isinstance(marks, dict) else {})


class RestoreCells(NbGraderPreprocessor):
    """Gives every cell that nbgrader knows its own type and marks, and puts missing ones back.

    A copy of a cell becomes a plain cell. A graded cell that is missing comes back before the next
    one that is there: the learner's own cells above it have run by then. A missing solution cell
    stays away.
    """

    def preprocess(self, notebook, resources):
        of_course = resources["nbgrader"]
        with Gradebook(of_course["db_url"]) as gradebook:
            known = gradebook.find_notebook(of_course["notebook"], of_course["assignment"])
            points = {cell.name: cell.max_score for cell in known.grade_cells}
            solutions = {cell.name for cell in known.solution_cells}
            wanted = {
                cell.name: _as_handed_out(cell, points, solutions) for cell in known.source_cells
            }
        present = set()
        for cell in notebook.cells:
            name = _grade_id(cell)
            if name in wanted and name not in present:
                present.add(name)
                _become(cell, wanted[name])
            else:
                cell.metadata = {}
        names, notices = list(wanted), []
        for i, name in reversed(list(enumerate(names))):
            if name in present or (name in solutions and name not in points):
                continue
            later = [
                place
                for place, cell in enumerate(notebook.cells)
                if _grade_id(cell) in names[i + 1 :]
            ]
            place = min(later, default=len(notebook.cells))
            if place and notebook.cells[place - 1].get("id") in notices:
                place -= 1
            notice = nbformat.v4.new_markdown_cell(
                "*The next cell was missing from the submission; it was put back.*"
            )
            notices.append(notice.id)
            notebook.cells[place:place] = [notice, wanted[name]]
        return notebook, resources


def _as_handed_out(source, points, solutions):
    """A cell as nbgrader generated it, from what the gradebook keeps."""
    make = (
        nbformat.v4.new_code_cell if source.cell_type == "code" else nbformat.v4.new_markdown_cell
    )
    marks = {
        "schema_version": 3,
        "grade_id": source.name,
        "grade": source.name in points,
        "task": False,
        "solution": source.name in solutions,
        "locked": source.locked,
        "checksum": source.checksum,
        "cell_type": source.cell_type,
    }
    if source.name in points:
        marks["points"] = points[source.name]
    return make(source.source or "", metadata={"nbgrader": marks})


def _grade_id(cell):
    marks = cell.metadata.get("nbgrader")
    return marks.get("grade_id") if isinstance(marks, dict) else None


def _become(cell, wanted):
    """The cell keeps its text and takes type and marks of the one that was handed out."""
    text = cell.source
    cell.clear()
    cell.update(nbformat.from_dict(wanted), source=text)


def without_hidden_tests(source):
    """The text of a cell as learners were given it."""
    lines, hidden = [], False
    for line in source.split("\n"):
        if "BEGIN HIDDEN TESTS" in line:
            hidden = True
        elif "END HIDDEN TESTS" in line:
            hidden = False
        elif not hidden:
            lines.append(line)
    return "\n".join(lines)


class PutTestsBack(OverwriteCells):
    """Gives locked cells their text with the hidden tests; warns only where the learner changed it.

    nbgrader warns of each cell with hidden tests, since nobody hands those in.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        """Puts one cell right."""
        if grade_id := _grade_id(cell):
            with contextlib.suppress(MissingEntry):
                source = self.gradebook.find_source_cell(
                    grade_id, self.notebook_id, self.assignment_id
                )
                if (
                    source.locked
                    and without_hidden_tests(source.source).strip() == cell.source.strip()
                ):
                    cell.source = source.source
        return super().preprocess_cell(cell, resources, cell_index)


class HideTests(NbGraderPreprocessor):
    """Takes the hidden tests out of the pages of feedback, and of errors that quote them."""

    def preprocess_cell(self, cell, resources, cell_index):
        """Takes them out of one cell."""
        shown = without_hidden_tests(cell.source)
        if shown != cell.source:
            secret = {line.strip() for line in cell.source.split("\n")} - {
                line.strip() for line in shown.split("\n")
            }
            cell.source = shown.rstrip()
            for output in cell.get("outputs", []):
                text = strip_ansi("\n".join(output.get("traceback", [])))
                if any(line and line in text for line in secret):
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources
