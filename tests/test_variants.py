"""Each learner's variant is solved by its own answers, and not by another one's."""

import sys

import grading
import nbformat
import pytest

from vaegan_helpers import checks

sys.path.insert(0, str(grading.ASSIGNMENTS))
variants = pytest.importorskip("variants")
parts = pytest.importorskip("parts")

STUDENTS = [f"learner {i}" for i in range(30)]
PICTURES = ("first_look", "diagram")  # locked cells that train and draw, and define nothing
NEAR = {  # two choices of a part that lie close together
    "the learning rate": (0.004, 0.005),
    "the batch": (63, 64),
    "the faults of the round": ((2, 5), (1, 5)),
    "the label of real dots": (0.9, 0.95),
    "how near a good scoop is": (2.5, 2.7),
    "the dots on the page": (1, 2),
}
LOOKED_AT = [
    pytest.param(assignment, part, id=part.name)
    for assignment, of_it in parts.PARTS.items()
    for part in of_it
    if part.name in NEAR
]


@pytest.fixture(autouse=True)
def as_a_learner():
    """A learner's kernel has neither setting of the unit tests."""
    import jax

    with jax.numpy_rank_promotion("allow"), jax.debug_key_reuse(False):
        yield


def made(assignment, **chosen):
    """A variant; what is not chosen is as the first learner has it."""
    first = variants.choices(assignment, STUDENTS[0], "a word")
    return variants.variant(grading.source(assignment), assignment, first | chosen)


def mark(answers, given, part):
    """Runs the graded cells of a part as one learner was given them, on the answers of another."""
    names, cells = {}, zip(answers.cells, given.cells, strict=True)
    for number, (answer, cell) in enumerate(cells):
        marks = grading.marks_of(cell)
        name = marks.get("grade_id")
        if cell.cell_type != "code" or name in PICTURES:
            continue
        if marks.get("solution"):
            solution = answer.source
        elif name in part.cells:
            exec(solution, names)
            exec(cell.source, names)
        elif (marks.get("locked") and not marks.get("grade")) or number < 3:
            exec(cell.source, names)
        elif "first_dots" in answer.source:  # the page as it was when the answer was given
            exec(answer.source, names)
        if name == part.cells[-1]:
            return


@pytest.mark.parametrize("assignment, part", LOOKED_AT)
def test_an_answer_fits_its_own_variant_and_no_other(assignment, part):
    mine, other = (made(assignment, **{part.name: choice}) for choice in NEAR[part.name])
    mark(mine, mine, part)
    with pytest.raises(checks.NotYet):
        mark(other, mine, part)


@pytest.mark.parametrize("assignment", parts.PARTS)
def test_every_choice_changes_the_source_and_leaves_what_nbgrader_knows(assignment):
    source = grading.source(assignment)
    for student in STUDENTS:
        varied = variants.variant(source, assignment, variants.choices(assignment, student, "a word"))
        nbformat.validate(varied)
        assert [grading.marks_of(c) for c in varied.cells] == [grading.marks_of(c) for c in source.cells]
        assert [c.cell_type for c in varied.cells] == [c.cell_type for c in source.cells]
        assert varied != source
        for cell in varied.cells:
            if cell.cell_type == "code":
                compile(cell.source, "cell", "exec")


@pytest.mark.parametrize("assignment", parts.PARTS)
def test_every_graded_cell_of_a_part_is_one_of_the_assignment(assignment):
    known = grading.graded_cells(grading.source(assignment))
    assert {name for part in parts.PARTS[assignment] for name in part.cells} <= set(known)


def test_who_gets_which_variant_follows_from_name_and_word():
    def of(word):
        return [variants.choices("1_the_vae", student, word) for student in STUDENTS]

    assert of("a word") == of("a word") != of("another")
    assert len({str(choice) for choice in of("a word")}) == len(STUDENTS)


def test_a_source_that_has_changed_is_refused():
    source = grading.source("1_the_vae")
    for cell in source.cells:
        cell.source = cell.source.replace("learning rate of 0.002", "learning rate of 0.02")
    with pytest.raises(ValueError, match="has no 'learning rate of 0.002' any more"):
        variants.variant(source, "1_the_vae", variants.choices("1_the_vae", "ada", "a word"))


@pytest.mark.parametrize(
    "text, names",
    [
        ("last_name,student_id\nLee,ada\nMay,bo\n", ["ada", "bo"]),
        ("\ufeffada\nbo\n\n", ["ada", "bo"]),
        ("student_id\nada\nada\n", None),
        ("student_id\nada/../bo\n", None),
        ("student_id\n", None),
        ("", None),
    ],
)
def test_the_names_of_a_class_are_read(tmp_path, text, names):
    table = tmp_path / "class.csv"
    table.write_text(text, encoding="utf-8")
    if names is None:
        with pytest.raises(ValueError, match="no names|folder"):
            variants.names_in(table)
    else:
        assert variants.names_in(table) == names


def test_the_report_names_whose_variant_the_answers_fit(tmp_path, monkeypatch):
    """Bo hands in Ada's dots; Cy has dots of nobody."""
    name = "4_a_fair_comparison"
    monkeypatch.setattr(variants, "COURSE", tmp_path)
    (tmp_path / "source" / name).mkdir(parents=True)
    nbformat.write(grading.source(name), tmp_path / "source" / name / f"{name}.ipynb")
    for student, source in (("ada", "ada"), ("bo", "ada"), ("cy", "somebody else")):
        (tmp_path / "variants" / name / student).mkdir(parents=True)
        notebook = variants.variant(
            grading.source(name), name, variants.choices(name, source, variants.secret())
        )
        place = tmp_path / "autograded" / student / name
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{name}.ipynb")
    failed = {"ada": set(), "bo": {"my_points_fit"}, "cy": {"my_points_fit"}}
    monkeypatch.setattr(variants, "_failed", lambda assignment, student: failed[student])
    said = []
    assert variants.report(name, said.append) == [("bo", "ada", ["the dots on the page"])]
    assert said == ["bo: fails in the own variant and fits that of ada: the dots on the page"]
