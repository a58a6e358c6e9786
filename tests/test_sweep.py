"""The sweep tells what fails on which seed and between what numbers lie, and goes on where it stopped."""

import nbformat
import pytest
import sweep
from nbformat.v4 import new_code_cell, new_notebook

SETUP = "import jax\nkey = jax.random.key(0)\nseed = int(jax.random.key_data(key)[1])"
CLAIM = 'print(f\'about {seed + 0.5:.1f} of 10, {seed} {"bits" if seed else "nats"}\')\nassert seed < 2'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(SETUP), new_code_cell(CLAIM)]), path)
    return path


def test_the_seed_reaches_the_root_key_and_a_failing_claim_is_told(path, tmp_path, capsys):
    arguments = [str(path), "--seeds", "3", "--store", str(tmp_path / "kept.json")]
    assert sweep.main(arguments) == 1
    report = capsys.readouterr().out.split("## a\n")[1]
    assert "failed on 1 of 3 seeds** (2), cell 1: `assert seed < 2  ->  AssertionError`" in report
    assert "about 0.5 of 10, 0 nats   [1 of 3 seeds]" in report

    assert sweep.main(arguments) == 1, "a second time from what is kept"
    assert "seed 0:" not in capsys.readouterr().out


def test_a_notebook_whose_code_changed_is_run_afresh(path, tmp_path):
    store = tmp_path / "kept.json"
    sweep.sweep([path], [0], store)
    nbformat.write(new_notebook(cells=[new_code_cell("print('new')")]), path)
    assert [piece["text"] for piece in sweep.sweep([path], [0], store)["a"]["0"]] == ["new\n"]


def test_numbers_of_like_lines_become_ranges():
    lines = ["D ≈ 1.39, 2,500 samples, -3 %", "D ≈ 0.94, 2,500 samples, 12 %", "D ≈ 1.02, 2,500 samples, 4 %"]
    assert list(sweep.ranges(lines)) == ["D ≈ 0.94…1.39, 2,500 samples, -3…12 %"]


def test_a_number_within_a_name_is_no_number():
    assert list(sweep.ranges(["L_10 and x2 at 5e-3", "L_10 and x2 at 7e-3"])) == ["L_10 and x2 at 5e-3…7e-3"]


def test_a_notebook_without_a_root_key_cannot_be_swept(tmp_path):
    path = tmp_path / "b.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), path)
    with pytest.raises(ValueError, match="no code cell makes a root key"):
        sweep.sweep([path], [1], tmp_path / "kept.json")
