"""The assignments through nbgrader itself: what learners are handed, and what marks their submissions get."""

import ast
import concurrent.futures
import multiprocessing
import os
import re

import grading
import nbformat
import pytest

# Courses that are graded side by side: two cores, and one that waits for a loop to be cut off. While another
# worker of pytest runs the notebooks, one at a time keeps both cores busy and the memory below 4 GB.
AT_ONCE = 1 if "PYTEST_XDIST_WORKER" in os.environ else 3
A_COURSE_TAKES = 4  # submissions at most
CASES = [(name, submission.name) for name in grading.NAMES for submission in grading.submissions(name)]


def chunks(assignment):
    """The names of its submissions, in groups small enough to be graded side by side."""
    names = [submission.name for submission in grading.submissions(assignment)]
    return [tuple(names[i : i + A_COURSE_TAKES]) for i in range(0, len(names), A_COURSE_TAKES)]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """function of (assignment, submission's name) giving the `Graded` that it is part of."""
    folder = tmp_path_factory.mktemp("courses")
    spawn = multiprocessing.get_context("spawn")  # JAX has threads, which a fork would not take along
    with concurrent.futures.ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        made = {name: pool.submit(grading.prepare, folder / name, name) for name in grading.NAMES}
        runs = {
            (assignment, names): pool.submit(
                grading.grade, folder / f"{assignment}_{i}", template.result(), assignment, names
            )
            for assignment, template in made.items()
            for i, names in enumerate(chunks(assignment))
        }

        def find(assignment, name):
            return next(run for (a, names), run in runs.items() if a == assignment and name in names).result()

        yield find


@pytest.fixture(params=grading.NAMES)
def assignment(request):
    return request.param


@pytest.fixture
def source(assignment):
    return grading.source(assignment)


def solutions_and_hidden_tests(notebook):
    """(the lines that only the instructor may see, the lines that all may see)."""
    inside, outside = [], set()
    for cell in notebook.cells:
        hidden = False
        for line in cell.source.splitlines():
            if line.strip().startswith("### BEGIN"):
                hidden = True
            elif line.strip().startswith("### END"):
                hidden = False
            elif hidden and line.strip():
                inside.append(line.strip())
            else:
                outside.add(line.strip())
    return inside, outside


# As they are stored


def test_points_sum_to_a_hundred(source):
    points = [grading.marks_of(cell).points for cell in source.cells if grading.marks_of(cell).get("grade")]
    assert sum(points) == 100


def test_headings_give_level_and_points(source):
    title, given = None, {}
    for cell in source.cells:
        if heading := re.match(r"## Task \d+ · .*", cell.source.strip()):
            title = heading[0]
            given[title] = 0
        elif title and grading.marks_of(cell).get("grade"):
            given[title] += grading.marks_of(cell).points
    levels = "easy|intermediate|advanced|open question"
    for title, points in given.items():
        assert re.search(rf"\((?:{levels}), {points} points\)$", title), (
            f"{title}: its cells have {points} points"
        )
    for level in ("easy", "intermediate", "advanced", "open question"):
        assert any(f"({level}," in title for title in given), f"no task is {level}"


def test_every_grade_id_is_used_once(source):
    names = [marks.grade_id for cell in source.cells if (marks := grading.marks_of(cell))]
    assert len(names) == len(set(names))


def test_sources_are_stored_clean(source):
    assert set(source.metadata) == {"kernelspec", "language_info"}
    for cell in source.cells:
        assert set(cell.metadata) <= {"nbgrader"}
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
            ast.parse(cell.source)
            assert len(cell.source.splitlines()) <= 25


def test_a_graded_cell_ends_in_a_check_that_returns_nothing(source):
    for name in grading.graded_cells(source):
        last = ast.parse(grading.find(source, name).source).body[-1]
        called = getattr(getattr(last, "value", None), "func", None)
        assert isinstance(called, ast.Attribute) and called.value.id == "checks", (
            f"{name}: a number would become its marks"
        )


def test_hints_are_folded_and_times_are_said(source):
    text = "\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>") > 2
    assert re.search(r"\d+ to \d+ minutes", source.cells[0].source)


# As they are handed out


def test_the_student_edition_holds_no_solution_and_no_hidden_test(assignment, source, graded):
    release = graded(assignment, "solution").release
    text = "\n".join(cell.source for cell in release.cells)
    assert not re.search(r"BEGIN|HIDDEN|END SOLUTION", text)
    shown = {line.strip() for line in text.splitlines()}
    secret, public = solutions_and_hidden_tests(source)  # a hint may show the frame of an answer
    assert secret and not [line for line in secret if line in shown - public]


def test_the_student_edition_keeps_everything_else(assignment, source, graded):
    release = graded(assignment, "solution").release
    assert len(release.cells) == len(source.cells)
    for cell, original in zip(release.cells, source.cells, strict=True):
        if "### BEGIN" not in original.source:
            assert cell.source == original.source
        if grading.marks_of(cell).get("solution") and cell.cell_type == "code":
            assert cell.source.rstrip().endswith("raise NotImplementedError")


# As they are marked


@pytest.mark.parametrize("assignment, name", CASES)
def test_marks(assignment, name, graded):
    points = grading.graded_cells(grading.source(assignment))
    (submission,) = (s for s in grading.submissions(assignment) if s.name == name)
    lost = set(points) if submission.lost == "all" else set(submission.lost)
    assert lost <= set(points)
    wanted = {grade_id: 0 if grade_id in lost else points[grade_id] for grade_id in points}
    scores = graded(assignment, name).scores[name]
    assert {grade_id: scores[grade_id] for grade_id in points} == wanted


@pytest.mark.parametrize("assignment, name", CASES)
def test_feedback_explains(assignment, name, graded):
    (submission,) = (s for s in grading.submissions(assignment) if s.name == name)
    page = graded(assignment, name).feedback[name]
    for grade_id, words in submission.says.items():
        assert words in page, f"{grade_id}: {words!r} is not on the page"
    assert page.strip()


def test_the_csv_file_has_a_row_for_each_submission(assignment, graded):
    points = grading.graded_cells(grading.source(assignment))
    for names in chunks(assignment):
        result = graded(assignment, names[0])
        assert {row["student_id"] for row in result.rows} == set(names)
        for row in result.rows:
            assert row["assignment"] == assignment and float(row["max_score"]) == 100
            scores = result.scores[row["student_id"]]
            assert float(row["score"]) == sum(scores[grade_id] for grade_id in points)


def test_an_open_question_waits_for_a_reader_and_a_blank_one_does_not(assignment, graded):
    open_questions = {
        grading.marks_of(cell).grade_id
        for cell in grading.source(assignment).cells
        if grading.marks_of(cell).get("grade") and grading.marks_of(cell).get("solution")
    }
    assert open_questions
    for name in open_questions:
        assert graded(assignment, "solution").scores["solution"][name] is None
        assert graded(assignment, "blank").scores["blank"][name] == 0


def test_every_table_has_a_solution_a_blank_slips_and_other_right_ways(assignment):
    table = {submission.name: submission for submission in grading.submissions(assignment)}
    assert table["solution"].edits == {} and not table["solution"].lost
    assert table["blank"].blank and table["blank"].lost == "all"
    points = grading.graded_cells(grading.source(assignment))
    failed = set().union(
        *(s.lost for s in table.values() if isinstance(s.lost, frozenset | set) and not s.blank)
    )
    assert failed == set(points), "a graded cell that no slip fails"
    assert [s for s in table.values() if s.edits and not s.lost], "no right solution written in another way"


def test_what_nbgrader_makes_is_not_kept():
    ignored = (grading.ASSIGNMENTS / ".gitignore").read_text()
    for name in ("release", "submitted", "autograded", "feedback", "gradebook.db"):
        assert name in ignored


def test_the_source_notebooks_are_valid(source):
    nbformat.validate(source)
