"""A small course through nbgrader's own Python interface: generate, submit, autograde, feedback, marks.

The submissions of assignment `1_the_vae` stand in `submissions_1.py`, and so on: a list `SUBMISSIONS`.
"""

import csv
import dataclasses
import html
import importlib
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat

ASSIGNMENTS = Path(__file__).resolve().parents[1] / "notebooks" / "assignments"
NAMES = sorted(path.name for path in (ASSIGNMENTS / "source").iterdir() if path.is_dir())
# nbgrader calls a program of its environment, `alembic`, by name
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
SOLUTION = re.compile(r"^[ \t]*### BEGIN SOLUTION\n|^[ \t]*### END SOLUTION\n?", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Submission:
    """One learner's work, and the marks it should get.

    Attributes:
      name: of the learner; letters, digits and underscores.
      edits: what stands in the cell of this grade_id instead of the model solution.
      lost: grade_ids of the autograded cells without marks; all others have theirs. "all" for every one.
      says: for some of these cells, words that the feedback has below them.
      blank: whether it starts from the student edition instead of the model solution.
      bend: function that changes the notebook in place.
      bend_file: function of (notebook, path) that writes the file itself.
      cut: seconds after which the cell of this grade_id is cut off; the others have five minutes, so that a
        slow machine is not taken for an endless loop.
      patience: seconds that a check waits for one call.
    """

    name: str
    edits: dict[str, str] = dataclasses.field(default_factory=dict)
    lost: set[str] | str = frozenset()
    says: dict[str, str] = dataclasses.field(default_factory=dict)
    blank: bool = False
    bend: Callable | None = None
    bend_file: Callable | None = None
    cut: dict[str, int] = dataclasses.field(default_factory=dict)
    patience: int = 120


def submissions(assignment):
    """The table of an assignment."""
    return importlib.import_module(f"submissions_{assignment.split('_')[0]}").SUBMISSIONS


def source(assignment):
    """The notebook with solutions and hidden tests."""
    return nbformat.read(ASSIGNMENTS / "source" / assignment / f"{assignment}.ipynb", as_version=4)


def marks_of(cell):
    """nbgrader's part of a cell's metadata; empty for a plain cell."""
    return cell.metadata.get("nbgrader", {})


def graded_cells(notebook):
    """{grade_id: points} of the cells that are graded automatically."""
    return {
        marks_of(cell).grade_id: marks_of(cell).points
        for cell in notebook.cells
        if marks_of(cell).get("grade") and not marks_of(cell).get("solution")
    }


def find(notebook, grade_id):
    """The cell of this grade_id."""
    return next(cell for cell in notebook.cells if marks_of(cell).get("grade_id") == grade_id)


class Course:
    """A copy of the assignments, or of another course, in a folder of its own, with its own gradebook."""

    def __init__(self, folder, template=ASSIGNMENTS):
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

        self.folder = Path(folder)
        leave_out = _generated() if template == ASSIGNMENTS else []
        shutil.copytree(template, self.folder, ignore=shutil.ignore_patterns(*leave_out))
        config = PyFileConfigLoader("nbgrader_config.py", path=str(self.folder)).load_config()
        self.cut = {}
        config.ExecuteToTheEnd.cell_seconds = 300
        config.Execute.timeout_func = lambda cell: self.cut.get(marks_of(cell).get("grade_id"))
        config.Execute.iopub_timeout = 15  # how long an interrupted loop has to stop
        # In a sandbox the compiled programs are only read, and each submission here would compile them anew.
        # `test_marking.py` marks in the sandbox.
        config.SandboxedKernel.sandbox = "none"
        self.api = NbGraderAPI(config=config)

    def generate(self, assignment):
        """Make the student edition."""
        _succeed(self.api.generate_assignment(assignment))

    def release(self, assignment):
        """The student edition, as a notebook."""
        return nbformat.read(self.folder / "release" / assignment / f"{assignment}.ipynb", as_version=4)

    def submit(self, assignment, submission):
        """Lay a learner's file where nbgrader collects it."""
        notebook = self.release(assignment)
        solved = {
            marks_of(cell).grade_id: SOLUTION.sub("", cell.source)
            for cell in source(assignment).cells
            if marks_of(cell).get("solution")
        }
        for grade_id, text in (submission.edits if submission.blank else solved | submission.edits).items():
            find(notebook, grade_id).source = text
        if submission.name != "solution":
            _leave_out_what_follows_the_last_mark(notebook)
        if submission.bend:
            submission.bend(notebook)
        place = self.folder / "submitted" / submission.name / assignment / f"{assignment}.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(notebook, place) if not submission.bend_file else submission.bend_file(notebook, place)

    def autograde(self, assignment, submission):
        """Run a submission; the marks are in the gradebook then."""
        self.cut = submission.cut
        os.environ["VAEGAN_HELPERS_PATIENCE"] = str(submission.patience)  # the kernel inherits it
        _succeed(self.api.autograde(assignment, submission.name))

    def feedback(self, assignment, student):
        """The page that the learner gets back."""
        _succeed(self.api.generate_feedback(assignment, student))
        return (self.folder / "feedback" / student / assignment / f"{assignment}.html").read_text(
            encoding="utf-8"
        )

    def scores(self, assignment, student):
        """{grade_id: points} of the automatic marks."""
        with self.api.gradebook as gradebook:
            notebook = gradebook.find_submission_notebook(assignment, assignment, student)
            return {grade.cell.name: grade.auto_score for grade in notebook.grades}

    def export(self):
        """The marks of all as rows of the CSV file."""
        sys.path.insert(0, str(self.folder))
        from class_list import ExportMarks

        with self.api.gradebook as gradebook:
            ExportMarks(to=str(self.folder / "grades.csv")).export(gradebook)
        with (self.folder / "grades.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def _generated():
    lines = (ASSIGNMENTS / ".gitignore").read_text(encoding="utf-8").splitlines()
    return [line.strip("/") for line in lines if line and not line.startswith("#")] + ["__pycache__"]


def _leave_out_what_follows_the_last_mark(notebook):
    """Without the plain code cells below the last graded one: they take time, and nobody marks them."""
    last = notebook.cells.index(find(notebook, list(graded_cells(notebook))[-1]))
    notebook.cells[last + 1 :] = [cell for cell in notebook.cells[last + 1 :] if cell.cell_type != "code"]


def _succeed(result):
    assert result["success"], result.get("log", "") + result.get("error", "")


@dataclasses.dataclass(frozen=True)
class Graded:
    """What came of some submissions to one assignment.

    Attributes:
      release: the student edition.
      scores: {student: {grade_id: points}} of the automatic marks.
      feedback: {student: text of the page}.
      rows: the rows of the CSV file.
    """

    release: nbformat.NotebookNode
    scores: dict
    feedback: dict
    rows: list


def prepare(folder, assignment):
    """A course in which the student edition is made; gives its folder, the template of others."""
    Course(folder).generate(assignment)
    return folder


def grade(folder, template, assignment, names):
    """From a prepared course to marks, for the submissions with these names."""
    course, scores, feedback = Course(folder, template), {}, {}
    for submission in submissions(assignment):
        if submission.name in names:
            course.submit(assignment, submission)
            course.autograde(assignment, submission)
            scores[submission.name] = course.scores(assignment, submission.name)
            feedback[submission.name] = _text_of(course.feedback(assignment, submission.name))
    return Graded(course.release(assignment), scores, feedback, course.export())


def _text_of(page):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)))
