"""Each notebook is run once, in JupyterLab in a real browser without a network, and looked at from all sides.

Every cell gives its stored output, by nbval's comparison. Everything in the page moves by keyboard and by
mouse. In the same kernel the cells run a second time, in order, and after them the exercises' folded
solutions. A second time are run only explorers and cells that took less than `runner.AGAIN` seconds, so few
that train: a learner runs those again as well, but a second training would double the time of the tests.
Solutions that take minutes say so in their first line and are left to `sweep.py`. Without a browser a
kernel alone does the same.
"""

import dataclasses
import os
import shutil
from pathlib import Path

import browser
import edition
import execute_notebooks
import nbformat
import pytest
import runner
from nbval.plugin import IPyNbFile, coalesce_streams
from test_browser import assert_everything_moves

NOTEBOOKS = browser.ROOT / "notebooks"
# What axe-core finds in JupyterLab's own page: rule, and a piece of each element that breaks it.
OF_JUPYTERLAB = {
    "aria-allowed-attr": "<jp-button",  # of its toolbar: pressed or not
    "aria-input-field-name": 'class="cm-content',  # a cell's editor has no label
    "aria-required-children": 'class="jp-WindowedPanel-viewport',  # its feed of cells holds no articles
    "button-name": 'class="jp-Button jp-collapseHeadingButton"',
}
# Before the first cell: a figure with a faint text ends its cell. It leaves no name behind.
WATCH = f"__import__('sys').path.append({str(browser.ROOT / 'tests')!r}); __import__('contrast').watch()"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a notebook.

    Attributes:
      path: of the stored notebook.
      cells: what became of it, as nbformat's cells.
      lab: the page it ran in, still open; None where there is no browser.
      connection: the file by which another client finds its kernel; None where there is no browser.
    """

    path: Path
    cells: list
    lab: browser.Lab | None
    connection: Path | None = None

    @property
    def code_cells(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the course, so that nothing in the tree changes."""
    folder = tmp_path_factory.mktemp("runs") / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return folder


@pytest.fixture(scope="module")
def settings_folder(tmp_path_factory):
    """Where the server keeps its settings and the files of its kernels."""
    return tmp_path_factory.mktemp("jupyter")


@pytest.fixture(scope="module")
def open_lab(chromium, folder, settings_folder):
    """A function that opens a notebook in a page of its own."""
    with browser.course_server(folder, settings_folder) as address_and_token:

        def open_lab(name):
            context = chromium.new_context(viewport={"width": 1280, "height": 1000})
            return browser.Lab(context, *address_and_token).open(name)

        yield open_lab


@pytest.fixture(scope="module", params=sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def run(request, folder, settings_folder):
    """A notebook after its only run."""
    path = request.param
    if browser.chromium_path() is None and not os.environ.get("CI"):
        notebook = nbformat.read(path, as_version=4)
        execute_notebooks.execute(notebook, folder)
        yield Run(path, notebook.cells, None)
        return
    lab = request.getfixturevalue("open_lab")(path.name)
    connection = settings_folder / "run" / f"kernel-{lab.kernel_id()}.json"
    with runner.attached(connection) as client:
        assert not runner.execute(client, "first", "contrast", WATCH).error
    lab.run_all(cell_seconds=120)
    yield Run(path, nbformat.reads(lab.notebook(), as_version=4).cells, lab, connection)
    lab.close()


@pytest.fixture(scope="module")
def pieces(run):
    """What came of the quick cells a second time, of the solutions, and of the exercises' checks of them."""
    if run.connection is None:
        return [piece for piece in runner.run(run.path, twice=True) if piece.kind != "first"]
    notebook = nbformat.v4.new_notebook(cells=run.cells)
    with runner.attached(run.connection) as client:
        return runner.after(client, notebook, runner.seconds_of(notebook))


def differences(run, session):
    """What nbval finds to differ between the run and the stored notebook, as text; nothing if all is well."""
    file = IPyNbFile.from_parent(session, path=run.path)
    file.setup_sanitize_files()
    stored = list(file.collect())
    assert len(stored) == len(run.code_cells)
    for cell, now in zip(stored, run.code_cells, strict=True):
        errors = [output for output in now.outputs if output.output_type == "error"]
        if errors and not cell.options["check_exception"]:
            yield f"{cell.name}: {errors[0].ename}: {errors[0].evalue}"
        elif not cell.compare_outputs(coalesce_streams(now.outputs), coalesce_streams(cell.cell.outputs)):
            yield "\n".join([f"{cell.name}:", *cell.comparison_traceback])


def test_every_cell_gives_its_stored_output(run, request):
    assert all(cell.execution_count for cell in run.code_cells)
    assert not (found := "\n\n".join(differences(run, request.session))), found


def test_everything_in_it_moves_by_keyboard_and_by_mouse(run):
    if run.lab is None:
        pytest.skip("there is no Chromium on this machine")
    outputs = browser.outputs_of(run.lab.page)
    stored = [
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in nbformat.read(run.path, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    stages = run.lab.page.locator(".jp-OutputArea-output .vg-stage")
    of_stages = ['alt="Training stage' in html for html in stored]
    of_explorers = ["data-frames" in html or "<p>" in html for html in stored]  # and of flipbooks
    assert stages.count() == sum(of_stages) and len(outputs) == sum(of_explorers) - sum(of_stages)
    for output in outputs:
        assert_everything_moves(output)
    for stage in stages.all():  # whose controls test_stage_browser.py tries
        count = stage.locator(".vg-count").first
        before = count.inner_text()
        stage.get_by_role("button", name="Step", exact=True).click()
        count.filter(has_not_text=before).wait_for()
    assert not run.lab.errors
    assert not run.lab.strangers


def test_nothing_of_ours_hinders_a_reader_in_jupyterlab(run):
    """By axe-core's rules for WCAG 2.1 A and AA, while the explorers are alive."""
    if run.lab is None:
        pytest.skip("there is no Chromium on this machine")
    ours = [
        (rule, element, wrong)
        for rule, element, wrong in edition.violations(run.lab.page)
        if OF_JUPYTERLAB.get(rule, element + "!") not in element
    ]
    assert not ours


def test_cells_run_a_second_time(run, pieces):
    again = [piece for piece in pieces if piece.kind == "again"]
    assert not (failed := [str(piece) for piece in again if piece.error]), "\n".join(failed)
    share = len(again) / len(run.code_cells)
    assert share > 0.6, f"only {share:.0%} of the cells were quick enough to be run a second time"


def test_folded_solutions_run_and_the_exercises_checks_accept_them(pieces):
    solutions = [piece for piece in pieces if piece.kind == "solution"]
    assert not (failed := [str(piece) for piece in solutions if piece.error]), "\n".join(failed)
    assert solutions
    exercises = [piece for piece in pieces if piece.kind == "exercise"]
    assert exercises, "no exercise is answered through the checks"
    for piece in exercises:
        lines = piece.text.splitlines()
        assert lines and all(line.endswith("right") for line in lines), f"{piece}: {piece.text}"


def written(path, source, output):
    """A notebook of one cell, stored with a text output."""
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=output)]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize(
    "now, same",
    [
        ("loss ≈ 1.34", True),
        ("loss ≈ 1.35", True),
        ("loss  ≈ 11.34", True),
        ("loss ≈ 1.34 7", False),
        ("loss 1.34", False),
        ("gain ≈ 1.34", False),
        ("", False),
    ],
)
def test_another_output_is_seen(tmp_path, request, now, same):
    stored = written(tmp_path / "a.ipynb", "print()", "loss ≈ 1.34")
    stored.cells[0].outputs[0].text = now
    run = Run(tmp_path / "a.ipynb", stored.cells, None)
    assert bool(list(differences(run, request.session))) == (not same)


def test_an_error_that_was_not_announced_is_seen(tmp_path, request):
    stored = written(tmp_path / "a.ipynb", "1 / 0", "")
    stored.cells[0].outputs = [
        nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])
    ]
    run = Run(tmp_path / "a.ipynb", stored.cells, None)
    assert list(differences(run, request.session)) == ["Cell 0: ZeroDivisionError: division by zero"]
