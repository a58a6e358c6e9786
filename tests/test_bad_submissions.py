"""The steps that let a bad submission be marked; how they work together is in test_assignments.py."""

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


def test_a_readable_notebook_stays_as_it_is(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)
    output, _ = bad_submissions.ReadAnything().from_filename(str(path))
    assert [cell.source for cell in nbformat.reads(output, as_version=4).cells] == ["1 + 1"]
