"""The stored tables are found wherever a notebook lies, since they are part of the package."""

from pathlib import Path

import pytest

from vaegan_helpers import results

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "notebooks" / "results").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_has_its_table_in_the_package(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert results.load(script.stem)["command"].endswith(f"notebooks/results/{script.name}")


def test_every_table_has_its_script():
    tables = {path.stem for path in Path(results.__file__).parent.glob("*.json")}
    assert tables == {script.stem for script in SCRIPTS} != set()


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(
        ValueError, match="no stored results 'hybird'; there are fair_fight, head_to_head, hybrid"
    ):
        results.load("hybird")


def test_a_script_goes_on_with_a_table_of_its_own_settings_only(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_HERE", tmp_path)
    assert results.begun("table", settings=(1, 2)) == {}
    results.save("table", {"settings": (1, 2), "rows": 3})
    assert results.begun("table", settings=(1, 2)) == {"settings": [1, 2], "rows": 3}
    assert results.begun("table", settings=(1, 3)) == {}


def test_a_package_without_tables_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_HERE", tmp_path)
    with pytest.raises(ValueError, match="install vaegan_helpers again"):
        results.load("hybrid")


def test_a_write_that_fails_leaves_the_old_table(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_HERE", tmp_path)
    results.save("table", {"rows": 1})
    with pytest.raises(TypeError):
        results.save("table", {"rows": object()})
    assert results.load("table") == {"rows": 1} and list(tmp_path.iterdir()) == [tmp_path / "table.json"]
