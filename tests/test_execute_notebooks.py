from pathlib import Path

import nbformat
import pytest
from execute_notebooks import find, main
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from vaegan_helpers import losses

WIDGET = """
import base64, ipywidgets
class Explorer(ipywidgets.VBox):
    def _repr_mimebundle_(self, **kwargs):
        words = "a picture"
        html = f'<img alt="{words}">'
        return {**super()._repr_mimebundle_(**kwargs), "text/plain": words, "text/html": html}
Explorer()
"""


def written(path, *sources):
    cells = [new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = written(
        tmp_path_factory.mktemp("stored") / "a.ipynb",
        "for i in range(3):\n    print(f'\\rstep {i}', end='', flush=True)",
        WIDGET,
        "1 / 0",
    )
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].metadata.update(tags=["raises-exception"], scrolled=True)
    nbformat.write(notebook, path)
    runs = []
    for _ in range(2):
        assert main([str(path)]) == 0
        runs.append(path.read_text())
    return runs


def test_a_second_run_stores_the_same_bytes(stored):
    assert stored[0] == stored[1]


def test_outputs_are_stored_without_what_changes_from_run_to_run(stored):
    notebook = nbformat.reads(stored[0], as_version=4)
    _, bar, widget, error = notebook.cells
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3]
    assert bar.outputs[0].text.strip("\r") == "step 2"
    assert dict(widget.outputs[0].data) == {"text/plain": "a picture", "text/html": '<img alt="a picture">'}
    assert error.outputs[0].ename == "ZeroDivisionError"
    assert error.metadata == {"tags": ["raises-exception"]}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info


def test_an_id_changes_with_its_own_cell_alone(tmp_path):
    ids = []
    for sources in (["1", "2", "2"], ["1", "3", "2", "2"]):
        path = written(tmp_path / "a.ipynb", *sources)
        assert main([str(path)]) == 0
        ids.append([cell.id for cell in nbformat.read(path, as_version=4).cells])
    before, after = ids
    assert len(set(after)) == len(after)
    assert before == after[:2] + after[3:]


def test_a_failed_notebook_stays_as_it_was(tmp_path, capsys):
    path = written(tmp_path / "a.ipynb", "print('before')", "1 / 0")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_stored_traceback_names_no_place_of_this_machine(tmp_path):
    path = written(
        tmp_path / "a.ipynb", "from vaegan_helpers import losses\nlosses.kl_to_standard_normal(1.0, 2.0)"
    )
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].metadata.tags = ["raises-exception"]
    nbformat.write(notebook, path)
    assert main([str(path)]) == 0
    (error,) = nbformat.read(path, as_version=4).cells[-1].outputs
    text = "\n".join(error.traceback)
    assert "vaegan_helpers/losses/vae.py" in text
    assert str(Path(losses.__file__).parents[1]) not in text


def test_names_stand_for_the_notebooks_that_begin_so(tmp_path):
    first, second = written(tmp_path / "01_a.ipynb"), written(tmp_path / "02_b.ipynb")
    assert find([], tmp_path) == [first, second]
    assert find(["02"], tmp_path) == [second]
    with pytest.raises(ValueError, match="no notebook '03'; there are 01_a, 02_b"):
        find(["03"], tmp_path)
