"""Submissions that go wrong or cheat, and what comes of them, in a small course through nbgrader itself."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import grading
import nbformat
import pytest

SETUP = (
    "import time\nimport jax\nimport jax.numpy as jnp\nimport numpy as np\nfrom vaegan_helpers import checks"
)
KL = "def kl(mean, logvar):\n    return 0.5 * jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=1)"
WRONG_KL = "def kl(mean, logvar):\n    return jnp.zeros(len(mean))"
DEVIATION = "def standard_deviation(logvar):\n    return jnp.exp(0.5 * logvar)"
HIDDEN = "checks.kl(kl, trials=3)  # a secret"


def marked(make, source, grade_id, **marks):
    marks = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3} | marks
    return make(source, metadata={"nbgrader": marks | {"grade_id": grade_id}})


def source_notebook():
    code, words = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell

    def solution(text, name):
        head, body = text.split("\n")
        return marked(
            code, f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION", name, solution=True
        )

    def test(text, name):
        return marked(code, text, name, grade=True, locked=True, points=5)

    cells = [
        code(SETUP),
        solution(KL, "kl"),
        test(f"checks.kl(kl)\n### BEGIN HIDDEN TESTS\n{HIDDEN}\n### END HIDDEN TESTS", "kl_value"),
        solution(DEVIATION, "deviation"),
        test("checks.standard_deviation(standard_deviation)", "deviation_value"),
        marked(words, "Why?", "why", grade=True, solution=True, points=10),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


class Small:
    """A course with one assignment of two tasks and a question."""

    def __init__(self, folder, settings=""):
        self.folder = folder
        folder.mkdir(parents=True)
        for file in grading.ASSIGNMENTS.glob("*.py"):
            shutil.copy(file, folder)
        with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as config:
            config.write(settings)
        place = folder / "source" / "small" / "small.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(source_notebook(), place)
        self.run("generate_assignment", "small")

    def run(self, *command):
        """`nbgrader` on the command line; gives what it said."""
        program = [sys.executable, "-c", "from nbgrader.apps.nbgraderapp import main; main()", *command]
        answer = subprocess.run(
            program, cwd=self.folder, capture_output=True, text=True, env=os.environ, timeout=500
        )
        self.log = answer.stdout + answer.stderr
        assert answer.returncode == 0, self.log
        return self.log

    def released(self, **answers):
        """The student edition with these cells filled in."""
        notebook = nbformat.read(self.folder / "release" / "small" / "small.ipynb", as_version=4)
        for name, text in ({"kl": KL, "deviation": DEVIATION, "why": "Because."} | answers).items():
            grading.find(notebook, name).source = text
        return notebook

    def submit(self, student, **answers):
        place = self.folder / "submitted" / student / "small" / "small.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(self.released(**answers), place)
        return place

    def graded(self, student):
        path = self.folder / "autograded" / student / "small" / "small.ipynb"
        return nbformat.read(path, as_version=4)

    def marks(self):
        """{student: row of the table of marks}"""
        self.run("export")
        with (self.folder / "grades.csv").open(encoding="utf-8", newline="") as file:
            return {row["student_id"]: row for row in csv.DictReader(file)}


def text_of(cell):
    return "\n".join(
        "\n".join(output.get("traceback", [])) + output.get("text", "") for output in cell.get("outputs", [])
    )


ENDLESS = "\nwhile True:\n    print('x' * 10_000)"
LONG_LINE = "\nprint('x' * 3_000_000)"
FRAME = "import sys\n\ndef kl(mean, logvar):\n    sys._getframe(1)\n    return jnp.zeros(len(mean))"
TRICKS = "\n".join(
    [
        WRONG_KL,
        "checks.kl = lambda *given, **named: None",
        "np.allclose = np.isclose = lambda *given, **named: np.True_",
        "checks.frame.require_shape.__code__ = (lambda *given, **named: None).__code__",
        "jax.numpy.abs = lambda x: 0",
    ]
)
SHELL = "\n".join(
    [
        WRONG_KL,
        "import ast",
        "class Nothing(ast.NodeTransformer):",
        "    def visit_Module(self, node):",
        "        return ast.Module([], [])",
        "get_ipython().ast_transformers.append(Nothing())",
    ]
)
INSIDE = "\n".join(
    [
        "def kl(mean, logvar):",
        "    import vaegan_helpers.checks.vae as room",
        "    room.compare = lambda *given, **named: None",
        "    return jnp.zeros(len(mean))",
    ]
)
SUBMISSIONS = {
    "honest": {},
    "another_program": {},
    "tricks": {"kl": TRICKS},
    "shell": {"kl": SHELL},
    "frame": {"kl": FRAME},
    "inside": {"kl": INSIDE},
    "names": {"kl": f"{KL}\nchecks = [1, 2]\nnp = None"},
    "reset": {"deviation": f"%reset -f\nimport jax.numpy as jnp\n{DEVIATION}"},
    "leaves": {"kl": f"{KL}\nexit()"},
    "crashes": {"kl": f"{KL}\nimport os\nos._exit(1)"},
    "endless": {"kl": KL + ENDLESS},
    "long_line": {"kl": KL + LONG_LINE},
}


def save_as_another_program(place):
    """As nbformat 4.0 in UTF-16, with ids that came later and keys of its own."""
    notebook = json.loads(place.read_text(encoding="utf-8")) | {"nbformat_minor": 0, "metadata": {"colab": 1}}
    for cell in notebook["cells"]:
        cell |= {"id": "two words", "cellView": "form"}
        cell.pop("execution_count", None)
    place.write_text(json.dumps(notebook), encoding="utf-16")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = Small(tmp_path_factory.mktemp("grading") / "small")
    for student, answers in SUBMISSIONS.items():
        place = course.submit(student, **answers)
        if student == "another_program":
            save_as_another_program(place)
    course.said = course.run("autograde", "small")
    course.run("generate_feedback", "small")
    course.table = course.marks()
    return course


@pytest.mark.parametrize(
    "student, score",
    [
        ("honest", 10),
        ("another_program", 10),
        ("tricks", 5),
        ("shell", 5),
        ("frame", 5),
        ("inside", 5),  # `compare` is taken from another room by then: nothing is won, and it is shown
        ("names", 10),
        ("reset", 10),
        ("leaves", 5),
        ("crashes", 5),
        ("endless", 10),
        ("long_line", 10),
    ],
)
def test_marks(course, student, score):
    assert float(course.table[student]["score"]) == score, text_of(course.graded(student).cells[2])


@pytest.mark.parametrize(
    "student, found",
    [
        ("tricks", "`vaegan_helpers.checks.kl`"),
        ("tricks", "`numpy.allclose`"),
        ("tricks", "`jax.numpy.abs`"),
        ("tricks", "`vaegan_helpers.checks.frame.require_shape`"),
        ("shell", "how cells are read"),
        ("frame", "_getframe"),
        ("inside", "`vaegan_helpers.checks.vae.compare` while it ran"),
        ("names", "`checks` was something else"),
        ("reset", "all names had been deleted"),
    ],
)
def test_what_was_tampered_with_is_put_back_and_shown_to_a_human(course, student, found):
    waiting = course.table[student]["still_to_mark"].split()
    (flagged,) = {"kl_value", "deviation_value"} & set(waiting)
    assert found in text_of(grading.find(course.graded(student), flagged))
    assert found in course.said


def test_an_honest_submission_waits_for_nobody_but_the_reader_of_its_answer(course):
    assert course.table["honest"]["still_to_mark"] == "why"


def test_a_kernel_that_ends_is_told_where_it_ended(course):
    for student in ("leaves", "crashes"):
        assert "KernelDied" in str(grading.find(course.graded(student), "kl").outputs)
        assert "NameError" in str(grading.find(course.graded(student), "kl_value").outputs)
        assert "right" in text_of(grading.find(course.graded(student), "deviation_value"))


@pytest.mark.parametrize("student", ["endless", "long_line"])
def test_output_is_cut_while_the_cell_runs(course, student):
    page = course.folder / "feedback" / student / "small" / "small.html"
    assert page.stat().st_size < 3_000_000
    kept = text_of(grading.find(course.graded(student), "kl"))
    assert len(kept) < 250_000 and "too long" in kept


def test_the_pages_of_feedback_show_no_hidden_test(course):
    for student in SUBMISSIONS:
        page = (course.folder / "feedback" / student / "small" / "small.html").read_text(encoding="utf-8")
        plain = re.sub(r"<[^>]+>", "", page)
        assert "a secret" not in plain and "HIDDEN" not in plain and "checks.kl(kl)" in plain


def test_no_warning_about_a_checksum_buries_the_real_ones(course):
    assert "checksum" not in course.said


# Time

OLD_CLOCK = """
import time, types
loaded = time.monotonic()
later = lambda: time.monotonic() + (10_000 if time.monotonic() > loaded + 0.01 else 0)
bad_submissions.time = types.SimpleNamespace(monotonic=later)
time.sleep(0.02)
c.ExecuteToTheEnd.notebook_seconds = 300
"""


def test_a_notebooks_time_begins_with_it_however_old_the_clock_is(tmp_path):
    course = Small(tmp_path / "old", OLD_CLOCK)
    course.submit("ann", kl=f"{KL}\ntime.sleep(2)", deviation=f"time.sleep(2)\n{DEVIATION}")
    course.run("autograde", "small")
    assert [float(row["score"]) for row in course.marks().values()] == [10]


# Names and files


def test_files_are_collected_under_the_whole_name_that_stands_before_the_underscores(tmp_path):
    course = Small(tmp_path / "names")
    archive = course.folder / "downloaded" / "small" / "archive"
    archive.mkdir(parents=True)
    mine = course.released()
    for name in (
        "Ann Lee__small",
        "Bo Lee__small",
        "Mu\u0308ller__small",
        "ada@example.org__small",
        "cy__small",
        "cy__small (1)",
        "cy__small (2)",
        "[odd]__small (1)",
    ):
        nbformat.write(mine, archive / f"{name}.ipynb")
    mine.cells[0].source = "# the newest"
    nbformat.write(mine, archive / "cy__small (10).ipynb")
    said = course.run("zip_collect", "small")
    handed_in = {
        path.name: path / "small" / "small.ipynb" for path in (course.folder / "submitted").iterdir()
    }
    assert set(handed_in) == {"Ann Lee", "Bo Lee", "M\u00fcller", "ada@example.org", "cy", "_odd_"}
    assert all(file.is_file() for file in handed_in.values())
    assert nbformat.read(handed_in["cy"], as_version=4).cells[0].source == "# the newest"
    assert "cy__small (10).ipynb" in said and "cy__small.ipynb" in said and "twice" in said


def test_who_handed_nothing_in_has_no_marks_in_the_table(tmp_path):
    course = Small(tmp_path / "table")
    course.run("db", "student", "add", "absent", "--last-name=Lee, the younger")
    row = course.marks()["absent"]
    assert (row["score"], row["handed_in"], row["last_name"]) == ("", "no", "Lee, the younger")


def test_brackets_in_the_path_are_told_of(tmp_path):
    with pytest.raises(AssertionError, match="in a path as patterns"):
        Small(tmp_path / "course [2026]")
