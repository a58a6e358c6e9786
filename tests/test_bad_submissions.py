"""The steps that let a bad submission be marked; how they work together is in test_assignments.py."""

import json
import sys

import grading
import nbformat
import pytest

sys.path.insert(0, str(grading.ASSIGNMENTS))
bad_submissions = pytest.importorskip("bad_submissions")


def test_a_cell_has_its_time_until_the_notebook_has_used_up_its_own(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(bad_submissions.time, "monotonic", lambda: now[0])
    clock = bad_submissions.Clock(cell_seconds=60, notebook_seconds=600)
    assert clock.seconds_left(None) == 60
    now[0] += 570
    assert clock.seconds_left(None) == 30
    now[0] += 1_000
    assert clock.seconds_left(None) == 1
    clock.start(notebook=None)  # the next notebook
    assert clock.seconds_left(None) == 60


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"cells": 3}', '{"nbformat": 4, "nbformat_minor": 5}', "\x00\x01"]
)
def test_a_file_that_is_no_notebook_becomes_one_that_says_so(tmp_path, text):
    path = tmp_path / "1_the_vae.ipynb"
    path.write_text(text)
    output, _ = bad_submissions.ReadAnything().from_filename(str(path))
    (cell,) = nbformat.reads(output, as_version=4).cells
    assert "could not be read as a notebook" in cell.source


KERNEL = {"kernelspec": {"name": "ir", "display_name": "R", "language": 3}, "colab": {}}


def of_another_program(**changes):
    """A notebook of one cell as some program saves it, before it is encoded."""
    cell = {
        "cell_type": "code",
        "source": ["checks.kl(kl)  # ü\n", "1"],
        "metadata": {"nbgrader": {"grade_id": "kl_value"}, "colab": {"base_uri": "x"}},
        "outputs": [
            {"output_type": "stream", "text": "no name"},
            {"output_type": "display_data", "data": {}},
        ],
        "id": "a b c",
        "cellView": "form",
    }
    return {"cells": [cell], "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 0} | changes


CELLS = of_another_program()["cells"]
OLDER = {"nbformat": 3, "cells": None, "worksheets": [{"cells": [{"cell_type": "code", "input": "1"}]}]}


@pytest.mark.parametrize("minor", range(6))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_notebook_of_another_program_is_read(tmp_path, minor, encoding):
    path = tmp_path / "a.ipynb"
    text = json.dumps(of_another_program(nbformat_minor=minor), ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    for _ in range(2):  # nbgrader reads what it has written once more
        output, _ = bad_submissions.ReadAnything().from_filename(str(path))
        path.write_text(output, encoding="utf-8")
    notebook = nbformat.reads(output, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    (cell,) = notebook.cells
    assert (cell.cell_type, cell.source) == ("code", "checks.kl(kl)  # ü\n1")
    assert cell.metadata == {"nbgrader": {"grade_id": "kl_value"}}
    assert notebook.metadata == {"kernelspec": {"name": "ir", "display_name": "R"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"nbformat_minor": 99},
        {"metadata": None},
        {"metadata": {"kernelspec": 3, "language_info": None}},
        {"cells": [{"cell_type": "code", "source": "1", "metadata": {"tags": 3}}]},
        {"cells": [{"cell_type": "code", "source": "1", "metadata": None, "execution_count": "3"}]},
        {"cells": [{"cell_type": "markdown", "source": None, "attachments": 3}, *CELLS]},
        {"cells": [*CELLS, *CELLS]},
        {"cells": [{"cell_type": "heading", "source": "\ud800", "level": 2}, *CELLS]},
        OLDER,
    ],
)
def test_what_is_invalid_in_a_notebook_is_dropped(tmp_path, changes):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(of_another_program(**changes)), encoding="utf-8")
    output, _ = bad_submissions.ReadAnything().from_filename(str(path))
    notebook = nbformat.reads(output, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert "1" in notebook.cells[-1].source


def test_a_readable_notebook_stays_as_it_is(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)
    output, _ = bad_submissions.ReadAnything().from_filename(str(path))
    assert [cell.source for cell in nbformat.reads(output, as_version=4).cells] == ["1 + 1"]
