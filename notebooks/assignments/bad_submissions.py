"""Steps of autograding that let every submission be marked, whatever happened to it.

Without them nbgrader gives up on a submission with a file that is no notebook, a deleted pair of
cells or a kernel that dies, and such a submission has no marks and no feedback.
`nbgrader_config.py` puts them in their places.
"""

import time

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import Execute, NbGraderPreprocessor


class Clock:
    """How long a cell may take: `cell_seconds`, and one once `notebook_seconds` are used up."""

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
    """Reads a submitted file; one that is no notebook becomes a notebook that says so."""

    def from_filename(self, filename, resources=None, **named):
        try:
            notebook = nbformat.read(filename, as_version=4)
            nbformat.validate(notebook)
        except Exception as error:  # a broken file can raise almost anything
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            said = f"**This file could not be read as a notebook.** {reason}"
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(said)])
        return self.from_notebook_node(notebook, resources=resources, **named)


class RestoreCells(NbGraderPreprocessor):
    """Gives cells that nbgrader knows their own type and marks, and puts missing ones back.

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


class ExecuteToTheEnd(Execute):
    """Runs a notebook; if its kernel dies or answers no more, cells that did not run say so.

    These cells have no marks. A warning on stderr stays to be read and costs nothing: nbgrader
    would take any text there for an error.
    """

    def preprocess(self, notebook, resources, **named):
        try:
            notebook, resources = super().preprocess(notebook, resources, **named)
        except (DeadKernelError, CellTimeoutError):
            said = (
                "The kernel died or answered no more, here or in a cell above (out of memory, "
                "`exit`, a loop that cannot be interrupted?), so this cell did not run."
            )
            for cell in notebook.cells:
                if cell.cell_type == "code" and cell.execution_count is None:
                    cell.outputs = [
                        nbformat.v4.new_output(
                            "error", ename="KernelDied", evalue=said, traceback=[said]
                        )
                    ]
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if output.output_type == "stream":
                    output.name = "stdout"
        return notebook, resources
