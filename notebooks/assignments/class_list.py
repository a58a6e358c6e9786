"""What comes in under whose name, and the table of marks that goes out."""

import csv
import re
import unicodedata
from pathlib import Path

from nbgrader.api import MissingEntry
from nbgrader.plugins import ExportPlugin, FileNameCollectorPlugin
from traitlets import Unicode

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score", "handed_in", "still_to_mark"),
)


class CollectByName(FileNameCollectorPlugin):
    """Reads in a file's name who handed in what: all before the last `__` is the learner's.

    A browser calls a second download `… (1).ipynb`: the highest number is taken, both are named.
    """

    named_regexp = Unicode(r"(?P<student_id>.+)__(?P<file_id>.+)").tag(config=True)
    chosen = None  # {(learner, notebook): file}, once the first file is asked for

    def collect(self, submitted_file):
        """{"student_id", "file_id"} of a file; None if it is no submission, or not the newest."""
        if self.chosen is None:
            folder = self.parent._format_collect_path(self.parent.extracted_directory)
            self.chosen = self._choose(sorted(map(str, Path(folder).rglob("*.ipynb"))))
        read = self._read(submitted_file)
        if read is None or self.chosen.get(read[:2], submitted_file) != submitted_file:
            return None
        return {"student_id": read[0], "file_id": read[1]}

    def _choose(self, files):
        chosen = {}
        for file in files:
            if (read := self._read(file)) is None:
                continue
            other = chosen.get(read[:2])
            if other is not None:
                chosen[read[:2]] = max(other, file, key=lambda each: (self._read(each)[2], each))
                self.log.warning(
                    "%s handed in %s twice, as %s and as %s: the latter is taken",
                    *read[:2],
                    min(other, file, key=lambda each: each == chosen[read[:2]]),
                    chosen[read[:2]],
                )
            else:
                chosen[read[:2]] = file
        return chosen

    def _read(self, file):
        """(learner, notebook's file, number of the download) in a file's name, or None."""
        name = unicodedata.normalize("NFC", Path(file).name)
        found = super().collect(name)
        if not found:
            return None
        # To nbgrader brackets and stars are patterns, commas ends, leading dots hidden files.
        student = re.sub(r"[\[\]*?,{}]", "_", found["student_id"]).strip().lstrip(".") or "_"
        download = re.search(r"\s*\((\d+)\)(?=\.ipynb$)", found["file_id"])
        if download is None:
            return student, found["file_id"], 0
        return student, found["file_id"].replace(download[0], ""), int(download[1])


class ExportMarks(ExportPlugin):
    """The marks as CSV: a row for each learner and assignment.

    Nothing handed in is an empty score and not 0; what still waits for a human is named.
    """

    def export(self, gradebook):
        """Writes the table to `self.to`, or to grades.csv."""
        assignments, students = _wanted(self, gradebook)
        with open(self.to or "grades.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS, restval="")
            table.writeheader()
            for assignment in assignments:
                for student in students:
                    table.writerow(_row(gradebook, assignment, student))


class ExportCanvas(ExportPlugin):
    """The marks as Canvas imports them: a row for each learner, a column for each assignment.

    Canvas asks at the import which assignment a column is. A learner is found by `lms_user_id` if
    the gradebook has one, otherwise by the login, which is then the learner's name here. Where
    marks are missing or wait for a human, the field is empty, and Canvas leaves what it has.
    """

    def export(self, gradebook):
        """Writes the table to `self.to`, or to canvas.csv."""
        assignments, students = _wanted(self, gradebook)
        with open(self.to or "canvas.csv", "w", newline="", encoding="utf-8") as file:
            table, names = csv.writer(file), [each.name for each in assignments]
            table.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *names])
            points = [each.max_score for each in assignments]
            table.writerow(["    Points Possible", "", "", "", "", *points])
            for student in students:
                full = ", ".join(filter(None, [student.last_name, student.first_name]))
                known = student.lms_user_id or ""
                who = [full or student.id, known, "", "" if known else student.id, ""]
                table.writerow([*who, *_final(self, gradebook, assignments, student)])


class ExportMoodle(ExportPlugin):
    """The marks as Moodle imports them: a row for each learner, a column for each assignment.

    At the import, map *Username* or *Email address* to the user and each column to its item.
    Where marks are missing or wait for a human, the field is empty, and Moodle leaves what it has.
    """

    def export(self, gradebook):
        """Writes the table to `self.to`, or to moodle.csv."""
        assignments, students = _wanted(self, gradebook)
        with open(self.to or "moodle.csv", "w", newline="", encoding="utf-8") as file:
            table, names = csv.writer(file), [each.name for each in assignments]
            table.writerow(["Username", "First name", "Last name", "Email address", *names])
            for student in students:
                who = [student.id, student.first_name, student.last_name, student.email]
                marks = _final(self, gradebook, assignments, student)
                table.writerow([*(each or "" for each in who), *marks])


def _wanted(plugin, gradebook):
    """(assignments, students) that were asked for; all if none were named."""
    students, assignments = set(map(str, plugin.student)), set(map(str, plugin.assignment))
    return (
        [each for each in gradebook.assignments if not assignments or each.name in assignments],
        [each for each in gradebook.students if not students or each.id in students],
    )


def _final(plugin, gradebook, assignments, student):
    """The marks of a learner that nothing will change any more; empty fields otherwise."""
    rows = [_row(gradebook, assignment, student) for assignment in assignments]
    for row in rows:
        if row.get("still_to_mark"):
            waits = (row["assignment"], student.id, row["still_to_mark"])
            plugin.log.warning("%s of %s is left out: %s waits for a mark by hand", *waits)
    return ["" if row.get("still_to_mark") else row.get("score", "") for row in rows]


def _row(gradebook, assignment, student):
    row = {
        "assignment": assignment.name,
        "duedate": assignment.duedate,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "max_score": assignment.max_score,
    }
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row | {"handed_in": "no"}
    penalty = submission.late_submission_penalty or 0
    waiting = [
        grade.name
        for notebook in submission.notebooks
        for grade in notebook.grades
        if grade.needs_manual_grade
    ]
    return row | {
        "timestamp": submission.timestamp,
        "raw_score": submission.score,
        "late_submission_penalty": penalty,
        "score": max(0.0, submission.score - penalty),
        "handed_in": "yes",
        "still_to_mark": " ".join(waiting),
    }
