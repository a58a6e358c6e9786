"""The tables of marks: what a person reads, and what Canvas and Moodle take."""

import csv
import sys

import grading
import pytest

sys.path.insert(0, str(grading.ASSIGNMENTS))
class_list = pytest.importorskip("class_list")
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # of nbgrader's own


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory):
    """Two assignments; Ada handed in both, Bo one that waits for a mark by hand, Cy none."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{tmp_path_factory.mktemp('marks') / 'gradebook.db'}") as book:
        for name in ("1_the_vae", "2_the_gan"):
            book.add_assignment(name)
            book.add_notebook(name, name)
            book.add_grade_cell("task", name, name, max_score=60, cell_type="code")
            book.add_grade_cell("question", name, name, max_score=40, cell_type="markdown")
        book.add_student("ada", last_name="Lee, the younger", first_name="Ada", lms_user_id="4711")
        book.add_student("bo", email="bo@example.org")
        book.add_student("cy")
        for student, name in (("ada", "1_the_vae"), ("ada", "2_the_gan"), ("bo", "1_the_vae")):
            (notebook,) = book.add_submission(name, student).notebooks
            for grade in notebook.grades:
                grade.needs_manual_grade = student == "bo" and grade.name == "question"
                if grade.name == "task":
                    grade.auto_score = 60
                elif student == "ada":
                    grade.manual_score = 30
        book.db.commit()
        yield book


def table(gradebook, exporter, path, **named):
    exporter(to=str(path), **named).export(gradebook)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_gets_the_columns_that_it_asks_for(gradebook, tmp_path):
    assert table(gradebook, class_list.ExportCanvas, tmp_path / "canvas.csv") == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "1_the_vae", "2_the_gan"],
        ["    Points Possible", "", "", "", "", "100.0", "100.0"],
        ["bo", "", "", "bo", "", "", ""],
        ["cy", "", "", "cy", "", "", ""],
        ["Lee, the younger, Ada", "4711", "", "", "", "90.0", "90.0"],
    ]


def test_moodle_gets_a_column_for_each_assignment(gradebook, tmp_path):
    assert table(gradebook, class_list.ExportMoodle, tmp_path / "moodle.csv", assignment=["1_the_vae"]) == [
        ["Username", "First name", "Last name", "Email address", "1_the_vae"],
        ["bo", "", "", "bo@example.org", ""],
        ["cy", "", "", "", ""],
        ["ada", "Ada", "Lee, the younger", "", "90.0"],
    ]


def test_a_mark_that_may_still_change_is_kept_back_and_told_of(gradebook, tmp_path, caplog):
    exporter = class_list.ExportMoodle(to=str(tmp_path / "moodle.csv"))
    exporter.log.propagate = True
    exporter.export(gradebook)
    assert "1_the_vae of bo is left out: question waits for a mark by hand" in caplog.text


def test_the_table_for_people_has_a_row_for_each_learner_and_assignment(gradebook, tmp_path):
    rows = table(gradebook, class_list.ExportMarks, tmp_path / "grades.csv", student=["bo", "cy"])
    head, *rows = rows
    rows = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["student_id"], row["score"], row["handed_in"], row["still_to_mark"]) for row in rows] == [
        ("bo", "60.0", "yes", "question"),
        ("cy", "", "no", ""),
        ("bo", "", "no", ""),
        ("cy", "", "no", ""),
    ]
