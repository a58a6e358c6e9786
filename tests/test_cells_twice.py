"""A learner runs a cell, changes a line and runs it again: nothing may depend on its being the first time.

Every code cell is run, and at once a second time if the first took less than `runner.AGAIN` seconds; so most
cells that train are run once only, as a second training would double the time of the tests. The same run of a
notebook serves test_solutions.py.
"""

from pathlib import Path

import pytest
import runner
from test_execute_notebooks import written

PATHS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_cell_runs_a_second_time(path):
    pieces = runner.run_once(path, again=runner.AGAIN)
    cells = [piece for piece in pieces if piece.kind in ("first", "again")]
    failed = [str(piece) for piece in cells if piece.error]
    assert not failed, "\n".join(failed)
    twice = sum(piece.kind == "again" for piece in cells) / sum(piece.kind == "first" for piece in cells)
    assert twice > 0.6, f"only {twice:.0%} of the cells were quick enough to be run twice"


def test_what_works_only_once_is_told(tmp_path):
    path = written(tmp_path / "a.ipynb", "n = 0", "n += 1\nprint(n)\nassert n < 2", "print('goes on')")
    pieces = runner.run(path, again=60.0)
    failed = [piece for piece in pieces if piece.error]
    assert [str(piece) for piece in failed] == [
        "cell 2 (run a second time): assert n < 2  ->  AssertionError"
    ]
    assert pieces[-1].text == "goes on\n"
