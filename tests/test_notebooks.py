"""The stored notebooks themselves; that their cells still give these outputs is nbval's part of the same test
run.
"""

import ast
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
# What CONTRIBUTING.md explains. No tag takes a cell out of the tests.
TAGS = {"raises-exception", "extra", "exercise", "solution"}
LONGEST_CELL = 25
LARGEST_FILE = 1_500_000


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    """(position in the notebook, cell) of each code cell."""
    return [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def outputs(notebook):
    return [(i, cell, output) for i, cell in code_cells(notebook) for output in cell.outputs]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def headings(notebook):
    text = re.sub(r"^```.*?^```", "", prose(notebook), flags=re.MULTILINE | re.DOTALL)
    return [(len(marks), title.strip()) for marks, title in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]


class Images(HTMLParser):
    """The attributes of every <img> in a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


def test_the_course_has_notebooks():
    assert PATHS, f"no notebook in {NOTEBOOKS}"


def test_every_cell_was_executed_in_order(notebook):
    counts = [cell.execution_count for _, cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run `python tests/execute_notebooks.py`"


def test_errors_stand_only_where_the_tag_announces_them(notebook):
    announced = {i for i, cell in code_cells(notebook) if "raises-exception" in cell.metadata.get("tags", [])}
    met = {i for i, _, output in outputs(notebook) if output.output_type == "error"}
    assert met == announced, f"cells with an error {sorted(met)}, announced {sorted(announced)}"


def test_tags_are_the_known_ones(notebook):
    unknown = {
        (i, tag)
        for i, cell in enumerate(notebook.cells)
        for tag in cell.metadata.get("tags", [])
        if tag not in TAGS
    }
    assert not unknown, f"(cell, tag) {sorted(unknown)}; known are {sorted(TAGS)}"


def test_no_comment_takes_a_cell_out_of_the_tests(notebook):
    marks = re.compile(r"^\s*#\s*(NBVAL_|PYTEST_VALIDATE_)\w+", re.MULTILINE)
    assert not [i for i, cell in code_cells(notebook) if marks.search(cell.source)]


def test_no_code_cell_is_empty(notebook):
    assert not [i for i, cell in code_cells(notebook) if not cell.source.strip()]


def test_code_cells_are_short_enough_to_take_in(notebook):
    long = {i: n for i, cell in code_cells(notebook) if (n := len(cell.source.splitlines())) > LONGEST_CELL}
    assert not long, f"more than {LONGEST_CELL} lines in {{cell: lines}} {long}"


def test_all_imports_stand_in_the_second_cell(notebook):
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[1].cell_type == "code"
    importing = [
        i
        for i, cell in code_cells(notebook)
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(ast.parse(cell.source)))
    ]
    assert importing == [1], f"imports stand in the cells {importing}"


def test_the_first_cell_says_what_to_expect(path, notebook):
    first = notebook.cells[0].source
    number = int(path.stem[:2])
    assert re.match(rf"# {number}\b.+", first), f"the title begins with the number {number}"
    assert "?" in first, "the question that the notebook answers"
    for expected in (r"goals", r"\bread\w*\b.{0,60}\bminutes?\b|\bminutes?\b.{0,60}\bread", r"\brun"):
        assert re.search(expected, first, re.IGNORECASE | re.DOTALL), (
            f"nothing like {expected!r} in the first cell"
        )


@pytest.mark.parametrize("wanted", ["Summary", "Exercises", "References"])
def test_the_usual_headings_are_there(notebook, wanted):
    titles = [title for level, title in headings(notebook) if level == 2]
    assert any(title.startswith(wanted) for title in titles), f"no heading {wanted!r} among {titles}"


def test_one_title_and_no_level_left_out(notebook):
    levels = [level for level, _ in headings(notebook)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), headings(notebook)


def test_the_learner_predicts_before_being_told(notebook):
    assert re.search(r"\bPredict\b", prose(notebook))


def test_solutions_are_folded(notebook):
    text = prose(notebook)
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>") > 0


def test_every_picture_has_an_alternative_text(notebook):
    for i, _, output in outputs(notebook):
        data = output.get("data", {})
        text = "".join(data.get("text/plain", ""))
        images = Images("".join(data.get("text/html", ""))).found
        assert "<Figure size" not in text, f"cell {i}: end it with plots.show(fig, alt)"
        if {"image/png", "image/jpeg", "image/svg+xml"} & data.keys():
            assert images, f"cell {i}: a picture without words; show it with plots.show(fig, alt)"
        for image in images:
            assert len(image.get("alt", "").split()) >= 4, f"cell {i}: alternative text {image.get('alt')!r}"
    for image in Images(prose(notebook)).found:
        assert image.get("alt"), f"a picture in the prose has no alternative text: {str(image)[:80]}"
    assert not re.search(r"!\[\s*\]\(", prose(notebook)), "a picture in the prose has no alternative text"


def test_nothing_but_results_is_stored(notebook):
    for i, _, output in outputs(notebook):
        text = "".join(output.get("text", "")) or "".join(output.get("data", {}).get("text/plain", ""))
        assert output.get("name") != "stderr", f"cell {i}: text on stderr: {text[:200]!r}"
        assert not re.search(r"<[\w.]+ object at |Traceback", text), f"cell {i}: {text[:200]!r}"
        assert not any("widget-view" in kind for kind in output.get("data", {})), (
            f"cell {i}: a live view is stored"
        )
        assert not re.match(r"\w+\((children|value|layout|description)=", text), (
            f"cell {i}: a bare widget: {text[:80]!r}"
        )


def test_the_file_is_small_enough(path):
    size = path.stat().st_size
    assert size <= LARGEST_FILE, f"{size / 1e6:.2f} MB, more than {LARGEST_FILE / 1e6} MB"


def test_its_links_to_other_files_lead_somewhere(path, notebook):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(notebook))
    lost = [
        t
        for t in targets
        if "://" not in t and not t.startswith("attachment:") and not (path.parent / t).exists()
    ]
    assert not lost, f"links to nothing: {lost}"
