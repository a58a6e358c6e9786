"""Marking many at once gives the marks of one after the other; a submission reaches nothing outside."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import grading
import nbformat
import pytest
from test_grading_runs import KL, TRICKS, Small, text_of

sys.path.insert(0, str(grading.ASSIGNMENTS))
marking = pytest.importorskip("marking")
sandbox = pytest.importorskip("sandbox")

SPY = """
import glob, os, socket
try:
    socket.create_connection(("127.0.0.1", {port}), 5)
    print("the network: reached")
except OSError as error:
    print("the network:", error)
seen = glob.glob("{course}/**", recursive=True)
print("of the course:", [path for path in seen if path.endswith((".db", ".py", ".ipynb"))])
print("here:", os.listdir("."))
print("secrets:", [name for name in os.environ if "SECRET" in name])
for folder in (".", os.path.expanduser("~"), os.environ["TMPDIR"]):
    open(os.path.join(folder, "mine.txt"), "w").write("x")
print("home:", os.path.expanduser("~"))
print("processes:", len(glob.glob("/proc/[0-9]*")))
"""
HOG = "\nheap = []\nwhile True:\n    heap.append(b'x' * 2**26)"
# less memory than a submission may have, so that the greedy one is stopped soon
SETTINGS = "\nc.SandboxedKernel.megabytes = 1500\n"
STUDENTS = {
    "honest": {},
    "tricks": {"kl": TRICKS},
    "crashes": {"kl": f"{KL}\nimport os\nos._exit(1)"},
    "hog": {"kl": KL + HOG},
}
NUMBER = re.compile(r"[-\d.]+")  # inputs are drawn afresh
COMPARED = ("honest", "tricks")


def mark(course, *more, code=0):
    """`python marking.py small` on the command line; gives what it said."""
    program = [sys.executable, "marking.py", "small", *more]
    done = subprocess.run(program, cwd=course.folder, capture_output=True, text=True, timeout=500)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def table_of(course):
    with (course.folder / "marking" / "small.csv").open(encoding="utf-8", newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A course that was marked two at a time, with the marks that some got one after the other."""
    folder = tmp_path_factory.mktemp("marking")
    course = Small(folder / "course", SETTINGS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        spy = SPY.format(port=server.getsockname()[1], course=course.folder)
        for student, answers in (STUDENTS | {"spy": {"kl": f"{KL}\n{spy}"}}).items():
            course.submit(student, **answers)
        (course.folder / "submitted" / "spy" / "small" / "data.csv").write_text("1,2", encoding="utf-8")
        alone = object.__new__(Small)
        alone.folder = folder / "alone"
        shutil.copytree(course.folder, alone.folder)
        for student in COMPARED:
            alone.run("autograde", "small", f"--student={student}")
        course.alone, course.alone_rows = alone, alone.marks()
        os.environ["A_SECRET"] = "x"
        course.said = mark(course, "--processes", "2")
        del os.environ["A_SECRET"]
    course.table, course.rows = table_of(course), course.marks()
    return course


def marks_in(course, student):
    with marking.Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook("small", "small", student)
        grades = {
            g.name: (g.auto_score, g.manual_score, g.needs_manual_grade, g.max_score) for g in notebook.grades
        }
        return grades, {c.name: c.auto_comment for c in notebook.comments}, notebook.late_submission_penalty


def said_in(notebook):
    """The lines below each cell; where one message ends and the next begins is chance."""
    return [[NUMBER.sub("n", line) for line in text_of(cell).splitlines() if line] for cell in notebook.cells]


@pytest.mark.parametrize("student", COMPARED)
def test_marks_are_those_of_one_after_the_other(marked, student):
    assert marks_in(marked, student) == marks_in(marked.alone, student)
    same = {"score", "max_score", "handed_in", "still_to_mark"}
    assert {k: marked.rows[student][k] for k in same} == {k: marked.alone_rows[student][k] for k in same}
    ours, theirs = marked.graded(student), marked.alone.graded(student)
    assert said_in(ours) == said_in(theirs)


def test_one_table_says_what_came_of_each(marked):
    assert {name: (row["result"], row["score"]) for name, row in marked.table.items()} == {
        "honest": ("marked", "10.0"),
        "tricks": ("marked", "5.0"),
        "crashes": ("marked", "5.0"),
        "hog": ("marked", "5.0"),
        "spy": ("marked", "10.0"),
    }
    assert all("Sandbox (" in row["sandbox"] and float(row["seconds"]) > 0 for row in marked.table.values())
    assert "5/5" in marked.said


def test_who_takes_too_much_memory_is_stopped_and_the_rest_is_marked(marked):
    notebook = marked.graded("hog")
    assert "KernelDied" in str(grading.find(notebook, "kl").outputs)
    assert "right" in text_of(grading.find(notebook, "deviation_value"))


def test_a_submission_reaches_neither_the_network_nor_the_files_of_others(marked):
    has = sandbox.WAYS[sandbox.best_way()][1]
    seen = dict(
        line.split(": ", 1)
        for line in text_of(grading.find(marked.graded("spy"), "kl")).splitlines()
        if ": " in line
    )
    assert seen["secrets"] == "[]"
    assert "kernel-" in seen["home"] and not os.path.exists(seen["home"])
    assert not list(marked.folder.rglob("mine.txt"))
    assert "data.csv" in seen["here"], "what was handed in beside the notebook"
    if "network" not in has:
        pytest.skip("this machine lets nobody shut a program off from the network")
    assert "reached" not in seen["the network"]
    assert int(seen["processes"]) < 10
    if "files" in has:
        assert seen["of the course"] == "[]"


def test_marking_goes_on_where_it_was_and_renews_what_has_changed(marked):
    assert "0.0 min" not in mark(marked), "somebody was marked once more"
    before = marks_in(marked, "honest")
    file = marked.folder / "submitted" / "honest" / "small" / "small.ipynb"
    notebook = nbformat.read(file, as_version=4)
    grading.find(notebook, "kl").source = "def kl(mean, logvar):\n    return 0"
    nbformat.write(notebook, file)
    assert mark(marked, "--names").split() == ["honest"]
    mark(marked, "--only", "honest")
    assert marks_in(marked, "honest") == before, "a job of its own has written to the gradebook of all"
    with marking.Gradebook(f"sqlite:///{marked.folder / 'gradebook.db'}") as book:
        grade = book.find_grade("why", "small", "small", "honest")
        grade.manual_score, grade.needs_manual_grade = 7, False
        book.db.commit()
    mark(marked, "--gather")
    grades = marks_in(marked, "honest")[0]
    assert grades["kl_value"][0] == 0 and grades["deviation_value"][0] == 5
    assert grades["why"][1] == 7, "a mark by hand is gone"
    assert grades["why"][2], "it should be looked at once more"


def test_what_was_interrupted_is_done_again(marked, tmp_path):
    course = marking.Course(marked.folder, "small")
    result = course.marking / "tricks" / "result.json"
    whole = result.read_text(encoding="utf-8")
    assert course.result("tricks") == json.loads(whole)
    for cut in ("", whole[:30]):
        result.write_text(cut, encoding="utf-8")
        assert course.result("tricks") is None
    result.write_text(whole, encoding="utf-8")


def test_a_submission_that_nbgrader_gives_up_on_is_told_and_costs_nobody_else(tmp_path, monkeypatch):
    for folder in ("source/small", "submitted/ann/small"):
        (tmp_path / folder).mkdir(parents=True)
        nbformat.write(nbformat.v4.new_notebook(), tmp_path / folder / "small.ipynb")
    (tmp_path / "gradebook.db").touch()
    course = marking.Course(tmp_path, "small")
    monkeypatch.setattr(marking.sys, "executable", "/bin/false")
    assert marking.mark_one(course, "ann")["result"] == "failed: see marking/small/ann/log.txt"
    assert course.result("ann") and course.waiting() == ["ann"], "it is not tried again"
    with pytest.raises(ValueError, match="there is no assignment '1'"):
        marking.Course(tmp_path, "1")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind to cores")
@pytest.mark.parametrize("processes", [1, 2, 5])
def test_submissions_that_run_side_by_side_have_cores_of_their_own(monkeypatch, processes):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3, 7})
    free = marking._shares_of_cores(processes)
    shares = [free.get() for _ in range(processes)]
    assert set().union(*shares) == {0, 2, 3, 7}
    if processes <= 4:
        assert sum(map(len, shares)) == 4
    else:
        assert all(shares)


def test_a_learner_with_a_variant_is_marked_against_it(tmp_path):
    for folder in ("source/small", "submitted/ann/small", "submitted/bo/small"):
        (tmp_path / folder).mkdir(parents=True)
        nbformat.write(nbformat.v4.new_notebook(), tmp_path / folder / "small.ipynb")
    (tmp_path / "gradebook.db").touch()
    course = marking.Course(tmp_path, "small")
    before = course.fingerprint("ann"), course.fingerprint("bo")
    own = tmp_path / "variants" / "small" / "ann" / "source" / "small"
    own.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(metadata={"a": "b"}), own / "small.ipynb")
    assert course.source("ann") == own and course.source("bo") == tmp_path / "source" / "small"
    assert course.fingerprint("ann") != before[0] and course.fingerprint("bo") == before[1]


def test_what_is_not_in_force_is_said():
    said = sandbox.in_words("none")
    assert "NOT in force: no network; sees Python and its own files only" in said
    assert "NOT" not in sandbox.in_words("bubblewrap, another user")


def test_a_sandbox_that_does_not_work_here_is_not_taken(monkeypatch):
    monkeypatch.setattr(sandbox, "works", lambda way: way == "unshare")
    sandbox.best_way.cache_clear()
    try:
        assert sandbox.best_way() == "unshare"
        with pytest.raises(RuntimeError, match="does not work on this machine"):
            sandbox.best_way("bubblewrap")
    finally:
        sandbox.best_way.cache_clear()
