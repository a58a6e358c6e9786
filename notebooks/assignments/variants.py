"""A variant of an assignment for each learner, and who seems to have whose answers.

    python variants.py 1_the_vae class.csv          # one release for each student_id of the table
    python variants.py 1_the_vae --report           # answers that fit another one's variant

A variant changes constants, seeds, dots or faults; tasks, checks, points and grade ids stay. Which
one a learner gets follows from the name, the assignment and a secret word, `variants/secret.txt`.
"""

import argparse
import csv
import hashlib
import random
import re
import secrets
import shutil
import sys
from pathlib import Path

import nbformat
import sandbox
from nbclient import NotebookClient
from nbgrader.api import Gradebook
from nbgrader.utils import is_grade, is_locked
from parts import PARTS

COURSE = Path(__file__).resolve().parent


def secret():
    """The word from which all variants of this course follow; made once."""
    file = COURSE / "variants" / "secret.txt"
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        file.write_text(secrets.token_hex(16), encoding="utf-8")
    return file.read_text(encoding="utf-8").strip()


def choices(assignment, student, word):
    """{name of a part: choice} of a learner; the same at every call."""
    turn = random.Random(hashlib.sha256(f"{word}|{assignment}|{student}".encode()).digest())
    return {part.name: part.draw(turn) for part in PARTS[assignment]}


def variant(notebook, assignment, chosen):
    """A copy of a source notebook with these choices.

    Raises:
      ValueError: the source has changed, and a text that is to be replaced is not in it.
    """
    notebook = nbformat.from_dict(notebook)
    for part in PARTS[assignment]:
        within, first, last = part.tasks == ("", ""), *part.tasks
        cells = []
        for cell in notebook.cells:
            if not part.tasks[0] or cell.source.startswith(first):
                within = True
            elif cell.source.startswith(last):
                within = False
            if within:
                cells.append(cell)
        for old, new in part.changes(chosen[part.name]):
            if not any(old in cell.source for cell in cells):
                raise ValueError(f"{assignment} has no {old!r} any more, which {part.name} changes")
            for cell in cells:
                cell.source = cell.source.replace(old, new)
    return notebook


def names_in(table):
    """The column `student_id` of a CSV file; without such a column, the first one.

    Raises:
      ValueError: a name is there twice or cannot be the name of a folder.
    """
    with Path(table).open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    column = rows[0].index("student_id") if rows and "student_id" in rows[0] else 0
    names = [row[column].strip() for row in rows[("student_id" in rows[0]) :]] if rows else []
    for name in names:
        if not name or re.search(r"[\[\]*?/\\,{}]|^\.", name):
            raise ValueError(f"{name!r} cannot be the name of a folder that nbgrader finds")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"{table} has no names, or one twice: {sorted(names)[:3]} ...")
    return names


def release(assignment, students):
    """Makes source and student edition of each learner; gives the folder to hand out from."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    source = COURSE / "source" / assignment / f"{assignment}.ipynb"
    original, word = nbformat.read(source, as_version=4), secret()
    if not (COURSE / "gradebook.db").is_file():
        raise ValueError(f"first run: nbgrader generate_assignment {assignment}")
    out = COURSE / "handout" / assignment
    out.mkdir(parents=True, exist_ok=True)
    for student in students:
        own = COURSE / "variants" / assignment / student
        shutil.rmtree(own, ignore_errors=True)
        shutil.copytree(source.parent, own / "source" / assignment)
        made = variant(original, assignment, choices(assignment, student, word))
        nbformat.write(made, own / "source" / assignment / source.name)
        shutil.copy(COURSE / "gradebook.db", own)  # to make an empty one takes longer than the rest
        config = PyFileConfigLoader("nbgrader_config.py", path=str(COURSE)).load_config()
        config.CourseDirectory.root = str(own)
        done = NbGraderAPI(config=config).generate_assignment(assignment)
        if not done["success"]:
            raise ValueError(
                f"nbgrader made no release for {student}: {done.get('log', '')[-500:]}"
            )
        shutil.move(own / "release" / assignment / source.name, out / f"{student}__{source.name}")
        shutil.rmtree(own / "release")
    return out


def report(assignment, say=print):
    """Prints pairs of learners where one's answer fails in the own variant and fits the other's.

    Returns:
      [(learner, other learner, [names of parts])], those with most parts first.
    """
    root = COURSE / "variants" / assignment
    students = sorted(path.name for path in root.iterdir() if path.is_dir())
    chosen = {student: choices(assignment, student, secret()) for student in students}
    pairs = {}
    for student in students:
        failed = _failed(assignment, student)
        for part in PARTS[assignment]:
            own = chosen[student][part.name]
            others = sorted({repr(c[part.name]): c[part.name] for c in chosen.values()}.items())
            if not failed & set(part.cells):
                continue
            fits = _fits(
                assignment, student, part, [c for _, c in others if c != own], chosen[student]
            )
            for other in students:
                if chosen[other][part.name] in fits:
                    pairs.setdefault((student, other), []).append(part.name)
    found = sorted(
        ((a, b, parts) for (a, b), parts in pairs.items()), key=lambda pair: -len(pair[2])
    )
    for student, other, parts in found:
        say(f"{student}: fails in the own variant and fits that of {other}: {', '.join(parts)}")
    if not found:
        say("Nobody's answers fit the variant of somebody else better than the own.")
    return found


def _grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _failed(assignment, student):
    """The graded cells without marks of what was handed in; empty if nothing was."""
    with Gradebook(f"sqlite:///{COURSE / 'gradebook.db'}") as book:
        try:
            notebook = book.find_submission_notebook(assignment, assignment, student)
        except Exception:  # nothing was handed in
            return set()
        return {grade.name for grade in notebook.grades if grade.auto_score == 0}


def _fits(assignment, student, part, others, chosen):
    """With which other choices of a part the cells that depend on it pass, for these answers."""
    source = COURSE / "source" / assignment / f"{assignment}.ipynb"
    original = nbformat.read(source, as_version=4)
    path = COURSE / "autograded" / student / assignment / f"{assignment}.ipynb"
    answers = nbformat.read(path, as_version=4)
    places = [i for i, cell in enumerate(answers.cells) if _grade_id(cell) in part.cells]
    before = answers.cells[: max(places, default=0)]
    cells = [cell for cell in before if cell.cell_type == "code" and not is_grade(cell)]
    tried = {}
    for choice in others:
        made = variant(original, assignment, chosen | {part.name: choice})
        last = max(i for i, cell in enumerate(made.cells) if _grade_id(cell) in part.cells)
        for cell in made.cells[: last + 1]:
            if cell.cell_type == "code" and is_locked(cell):
                if is_grade(cell) and _grade_id(cell) not in part.cells:
                    continue
                cells.append(nbformat.v4.new_code_cell(cell.source))
                if is_grade(cell):
                    tried.setdefault(repr(choice), []).append(len(cells) - 1)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c.source) for c in cells])
    client = NotebookClient(
        notebook,
        timeout=300,
        allow_errors=True,
        kernel_name="python3",
        kernel_manager_class=sandbox.SandboxedKernel,
    )
    client.execute()
    passed = [
        choice
        for choice, places in tried.items()
        if not any(o.output_type == "error" for i in places for o in notebook.cells[i].outputs)
    ]
    return [choice for choice in others if repr(choice) in passed]


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("assignment", choices=sorted(PARTS))
    parser.add_argument("table", nargs="?", help="CSV file with a column student_id")
    parser.add_argument("--report", action="store_true", help="whose answers fit whose variant")
    options = parser.parse_args(arguments)
    try:
        if options.report:
            report(options.assignment)
        elif options.table:
            out = release(options.assignment, names_in(options.table))
            print(f"One file for each learner: {out.relative_to(COURSE)}/")
        else:
            parser.error("a table of the class, or --report")
    except (ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
