"""The stored table of notebook 6's longer runs: a row of it comes out again, and the notebook quotes it."""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SCRIPT, NOTEBOOK = NOTEBOOKS / "results" / "longer_runs.py", NOTEBOOKS / "06_mode_collapse.ipynb"


def test_settings_in_the_file_are_those_of_the_script(script, table):
    assert table["settings"] == script["ROWS"] and table["seeds"] == script["SEEDS"]
    assert table["samples"] == script["SAMPLES"] and table["width"] == script["WIDTH"]
    assert all(len(runs) == len(table["seeds"]) for runs in table["rows"].values())


def test_a_row_comes_out_again(script, table):
    stored, again = table["rows"]["VAE, 4,000"][0], script["measure"]("VAE, 4,000", table["seeds"][0])
    assert again.keys() == stored.keys() and abs(again["modes"] - stored["modes"]) <= 1
    for name in ("quality", "between", "full_quality"):  # processors differ in the last digits
        assert again[name] == pytest.approx(stored[name], abs=0.03), name


def test_after_more_steps_the_vae_covers_and_bridges_where_the_gan_hits_and_misses(table):
    for vae, gan in zip(table["rows"]["VAE, 20,000"], table["rows"]["plain GAN, 20,000"], strict=True):
        assert vae["modes"] == 25 and gan["modes"] <= 20
        assert vae["between"] > gan["between"]


def test_after_few_steps_both_leave_most_samples_between_the_modes(table):
    for row in ("VAE, 4,000", "plain GAN, 4,000"):
        assert all(0.6 < run["between"] < 0.8 and run["quality"] < 0.1 for run in table["rows"][row])


@pytest.mark.parametrize(
    "row, name, scale",
    [("VAE, 20,000", "quality", 100), ("VAE, 20,000", "between", 100), ("VAE, 20,000", "full_quality", 100)]
    + [
        ("plain GAN, 20,000", name, scale)
        for name, scale in [("modes", 1), ("quality", 100), ("between", 100)]
    ],
)
def test_the_notebook_quotes_the_ranges(prose, table, row, name, scale):
    values = [scale * run[name] for run in table["rows"][row]]
    assert f"{min(values):.0f} to {max(values):.0f}" in prose[prose.index("**Then it fits.**") :]
