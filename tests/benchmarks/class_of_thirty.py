"""A class of simulated learners, each with a variant, from the release to the table of marks, with times.

    python tests/benchmarks/class_of_thirty.py 2_the_gan --learners 30 --processes 2

Most hand in what their own variant asks for; one copies a neighbour, one hands in the empty notebook, one
nothing at all.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import grading  # noqa: E402


def answered(handed_out, source):
    """The notebook that was handed out with the answers of a source."""
    for cell in handed_out.cells:
        marks = grading.marks_of(cell)
        if marks.get("solution"):
            cell.source = grading.SOLUTION.sub("", grading.find(source, marks.grade_id).source)
    return handed_out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("assignment")
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    name = options.assignment
    root = Path(tempfile.mkdtemp(prefix="class-")) / "assignments"
    shutil.copytree(grading.ASSIGNMENTS, root, ignore=shutil.ignore_patterns(*grading._generated()))
    people = [f"learner{i:02}" for i in range(1, options.learners + 1)]
    with (root / "class.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["student_id"], *([each] for each in people)])

    def run(*command):
        began = time.monotonic()
        done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True)
        print(f"{time.monotonic() - began:7.1f} s  {' '.join(command[-4:])}", flush=True)
        if done.returncode:
            raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
        return done.stdout + done.stderr

    began = time.monotonic()
    run("-m", "nbgrader", "generate_assignment", name)
    run("variants.py", name, "class.csv")
    archive = root / "downloaded" / name / "archive"
    archive.mkdir(parents=True)
    copier, whose, blank, absent = people[-4:]
    for each in people:
        if each == absent:
            continue
        file = f"{each}__{name}.ipynb"
        notebook = nbformat.read(root / "handout" / name / file, as_version=4)
        source = root / "variants" / name / (whose if each == copier else each) / "source" / name
        if each != blank:
            notebook = answered(notebook, nbformat.read(source / f"{name}.ipynb", as_version=4))
        nbformat.write(notebook, archive / file)
    run("-m", "nbgrader", "zip_collect", name)
    print(run("marking.py", name, "--processes", str(options.processes)))
    print(run("variants.py", name, "--report"))
    run("-m", "nbgrader", "generate_feedback", name)
    run("-m", "nbgrader", "export")
    print(f"{time.monotonic() - began:7.1f} s in all; load of the machine {os.getloadavg()}")
    print((root / "grades.csv").read_text(encoding="utf-8"))
    print(f"the course is left in {root}")


if __name__ == "__main__":
    main()
