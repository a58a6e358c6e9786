"""Marks many submissions: several at once, each by itself, resumable, with nbgrader's own marks.

    python marking.py 1_the_vae                # all that wait, one beside another for each core
    python marking.py 1_the_vae --only ada     # one, apart from all others: for an array of jobs
    python marking.py 1_the_vae --gather       # what such jobs left becomes marks

Each submission is autograded by nbgrader in a course of its own, `marking/<assignment>/<student>/`,
with a gradebook of its own. One process alone writes to the gradebook of the course.
"""

import argparse
import concurrent.futures
import contextlib
import csv
import hashlib
import json
import os
import queue
import shutil
import sqlite3
import subprocess
import sys
import time
import warnings
from pathlib import Path

import nbformat
import sandbox
from class_list import ExportMarks
from nbgrader.api import Gradebook
from sqlalchemy.exc import SAWarning
from tqdm import tqdm
from vaegan_helpers.cache import write_atomically

COLUMNS = ("student_id", "result", "score", "max_score", "still_to_mark", "seconds", "sandbox")
MARKED = "marked"
GRADE = ("auto_score", "needs_manual_grade")


class Course:
    """The folder of an nbgrader course, and what of it belongs to one assignment."""

    def __init__(self, root, assignment):
        self.root, self.assignment = Path(root).resolve(), assignment
        self.marking = self.root / "marking" / assignment
        if not (self.root / "source" / assignment).is_dir():
            known = sorted(path.name for path in (self.root / "source").glob("*"))
            raise ValueError(f"there is no assignment {assignment!r} in source/; there are {known}")
        if not self.gradebook_file.is_file():
            raise ValueError(f"first run: nbgrader generate_assignment {assignment}")

    @property
    def gradebook_file(self):
        return self.root / "gradebook.db"

    def submission(self, student):
        return self.root / "submitted" / student / self.assignment

    def students(self):
        """Who handed in, in order."""
        found = (self.root / "submitted").glob(f"*/{self.assignment}/{self.assignment}.ipynb")
        return sorted(path.parents[1].name for path in found)

    def fingerprint(self, student):
        """A number that changes with the submission and with what it is marked against."""
        files = sorted(path for path in self.submission(student).rglob("*") if path.is_file())
        files += sorted((self.source(student)).rglob("*.ipynb"))
        content = b"".join(path.name.encode() + path.read_bytes() for path in files)
        return hashlib.sha256(content).hexdigest()

    def source(self, student):
        """The learner's variant where there is one, the assignment otherwise."""
        variant = self.root / "variants" / self.assignment / student / "source" / self.assignment
        return variant if variant.is_dir() else self.root / "source" / self.assignment

    def result(self, student):
        """What came of marking this submission as it is now; None if it has to be done."""
        try:
            result = json.loads(
                (self.marking / student / "result.json").read_text(encoding="utf-8")
            )
        except (OSError, ValueError):
            return None
        return result if result["fingerprint"] == self.fingerprint(student) else None

    def waiting(self):
        """Who has not been marked as the submission is now, or where nbgrader failed."""
        results = {student: self.result(student) for student in self.students()}
        return [
            name for name, result in results.items() if not result or result["result"] != MARKED
        ]


def mark_one(course, student):
    """Autogrades one submission in a course of its own; `result.json` is the last that it writes.

    Returns:
      The result, a dictionary. Where nbgrader failed its "result" says so, and there are no grades.
    """
    own, began = course.marking / student, time.monotonic()
    fingerprint = course.fingerprint(student)
    shutil.rmtree(own, ignore_errors=True)
    (own / "source").mkdir(parents=True)
    shutil.copytree(course.source(student), own / "source" / course.assignment)
    shutil.copytree(course.submission(student), own / "submitted" / student / course.assignment)
    gradebook = course.source(student).parents[1] / "gradebook.db"
    with contextlib.closing(sqlite3.connect(gradebook)) as book:  # also while somebody writes to it
        with contextlib.closing(sqlite3.connect(own / "gradebook.db")) as copy:
            book.backup(copy)
    program = [sys.executable, "-m", "nbgrader", "autograde", course.assignment]
    program += [f"--student={student}", "--force", f"--CourseDirectory.root={own}"]
    with (own / "log.txt").open("w", encoding="utf-8") as log:
        done = subprocess.run(
            program, cwd=course.root, stdout=log, stderr=subprocess.STDOUT, env=_environment()
        )
    result = {"student": student, "fingerprint": fingerprint, "result": MARKED, "grades": {}}
    if done.returncode:
        result["result"] = f"failed: see {own.relative_to(course.root) / 'log.txt'}"
    else:
        result |= _marks(course, own, student)
    result["sandbox"] = next(_lines_with("Sandbox (", own / "log.txt"), "unknown")
    result["seconds"] = round(time.monotonic() - began, 1)
    for path in ("gradebook.db", "source", "submitted"):
        shutil.rmtree(own / path) if (own / path).is_dir() else (own / path).unlink()
    write_atomically(own / "result.json", lambda file: file.write(json.dumps(result).encode()))
    return result


def _environment():
    programs = str(Path(sys.executable).parent)  # nbgrader calls `alembic` by name
    return os.environ | {"PATH": os.pathsep.join([programs, os.environ.get("PATH", "")])}


def _lines_with(beginning, file):
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if beginning in line:
            yield line[line.index(beginning) :]


def _marks(course, own, student):
    """The marks in the gradebook of one submission."""
    with Gradebook(f"sqlite:///{own / 'gradebook.db'}") as book:
        submission = book.find_submission(course.assignment, student)
        return {
            "timestamp": submission.timestamp and submission.timestamp.isoformat(),
            "grades": {
                notebook.name: {
                    grade.name: {field: getattr(grade, field) for field in GRADE}
                    for grade in notebook.grades
                }
                for notebook in submission.notebooks
            },
            "comments": {
                notebook.name: {each.name: each.auto_comment for each in notebook.comments}
                for notebook in submission.notebooks
            },
            "penalties": {each.name: each.late_submission_penalty for each in submission.notebooks},
        }


def gather(course, results):
    """Writes results into the gradebook of the course, and lays the notebooks where nbgrader does.

    Marks by hand stay; as with nbgrader, a cell that has one waits to be looked at again.
    """
    warnings.filterwarnings("ignore", category=SAWarning)  # of nbgrader's own, for new learners
    with Gradebook(f"sqlite:///{course.gradebook_file}") as book:
        for result in results:
            if result["result"] != MARKED:
                continue
            student = result["student"]
            book.update_or_create_student(student)
            when = {"timestamp": result["timestamp"]} if result["timestamp"] else {}
            submission = book.update_or_create_submission(course.assignment, student, **when)
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    new = result["grades"][notebook.name][grade.name]
                    grade.auto_score = new["auto_score"]
                    by_hand = grade.manual_score is not None
                    grade.needs_manual_grade = new["needs_manual_grade"] or by_hand
                for comment in notebook.comments:
                    comment.auto_comment = result["comments"][notebook.name][comment.name]
                notebook.late_submission_penalty = result["penalties"][notebook.name]
            book.db.commit()
            place = Path("autograded") / student / course.assignment
            made = course.marking / student / place
            if made.is_dir():
                shutil.rmtree(course.root / place, ignore_errors=True)
                shutil.copytree(made, course.root / place)


def write_table(course):
    """One table: what came of each submission. Also renews `grades.csv`."""
    with Gradebook(f"sqlite:///{course.gradebook_file}") as book:
        ExportMarks(to=str(course.root / "grades.csv")).export(book)
    with (course.root / "grades.csv").open(encoding="utf-8", newline="") as file:
        marks = {
            row["student_id"]: row
            for row in csv.DictReader(file)
            if row["assignment"] == course.assignment
        }
    course.marking.mkdir(parents=True, exist_ok=True)
    path = course.marking.with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
        table.writeheader()
        for student in course.students():
            result = course.result(student) or {"result": "waits"}
            row = marks.get(student, {}) if result["result"] == MARKED else {}
            table.writerow(row | result | {"student_id": student})
    return path


def solution_runs(course):
    """Marks the model solution first: what it compiles is kept for all, and it must get its points.

    The instructor's own code is not shut in, so it may write to the cache that submissions read.

    Raises:
      ValueError: a cell of the model solution fails.
    """
    from nbclient import NotebookClient

    for path in (course.root / "source" / course.assignment).glob("*.ipynb"):
        stamp = course.root / "marking" / f"{path.stem}.ready"
        content = path.read_bytes() + str(sandbox.cache()).encode() + sys.version.encode()
        now = hashlib.sha256(content).hexdigest()
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == now:
            continue
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(notebook, timeout=600, allow_errors=True, kernel_name="python3")
        client.execute(cwd=str(path.parent), stderr=subprocess.DEVNULL)
        errors = [
            f"{output.ename}: {output.evalue}"
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if output.output_type == "error"
        ]
        if errors:
            raise ValueError(f"the model solution of {path.stem} fails here: {errors[0]}")
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(now, encoding="utf-8")


def _take_cores(free):
    """From now on what this thread starts runs on cores of its own.

    On cores that they share, XLA's threads of two kernels wait for one another.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, free.get())


def _shares_of_cores(count):
    """A queue of so many sets of cores, together all that this process may use."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    free = queue.SimpleQueue()
    for i in range(count):
        free.put(cores[i::count] or cores)
    return free


def mark_all(course, processes, again=False):
    """Marks what waits, several at once; a result that is there for the same submission stays.

    Returns:
      How many failed.
    """
    students = course.students() if again else course.waiting()
    gather(course, [course.result(each) for each in course.students() if each not in students])
    if students:
        solution_runs(course)
    failed = 0
    with (
        concurrent.futures.ThreadPoolExecutor(
            processes, initializer=_take_cores, initargs=[_shares_of_cores(processes)]
        ) as pool,
        tqdm(total=len(students), unit="submission") as bar,
    ):
        jobs = [pool.submit(mark_one, course, student) for student in students]
        try:
            for job in concurrent.futures.as_completed(jobs):
                result = job.result()
                gather(course, [result])
                bar.set_postfix_str(
                    f"{result['student']}: {result['result']}, {result['seconds']:.0f} s"
                )
                bar.update()
                failed += result["result"] != MARKED
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("assignment", help="such as 1_the_vae")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--again", action="store_true", help="also what has been marked already")
    parser.add_argument(
        "--only", metavar="STUDENT", help="mark one, and leave the marks to --gather"
    )
    parser.add_argument("--gather", action="store_true", help="take in what --only has left")
    parser.add_argument("--names", action="store_true", help="print who waits, one a line")
    options = parser.parse_args(arguments)
    try:
        course = Course(Path(__file__).parent, options.assignment)
        waiting = course.waiting()
        if options.names:
            print("\n".join(waiting))
            return 0
        if options.only:
            if options.only not in course.students():
                raise ValueError(f"{options.only!r} handed nothing in for {course.assignment}")
            if options.again or options.only in waiting:
                return int(mark_one(course, options.only)["result"] != MARKED)
            return 0
        print(sandbox.in_words(sandbox.best_way()), file=sys.stderr)
        if options.gather:
            gather(
                course, [course.result(each) for each in course.students() if each not in waiting]
            )
            failed = len(waiting)
        else:
            failed = mark_all(course, max(1, options.processes), options.again)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on from here.", file=sys.stderr)
        return 130
    print(f"The table is {write_table(course).relative_to(course.root)}", file=sys.stderr)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
