"""The stored tables are found wherever a notebook lies, since they are part of the package."""

from pathlib import Path

import jax
import numpy as np
import pytest

from vaegan_helpers import models, results

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
        ValueError, match="no stored results 'hybird'; there are convolutional, fair_fight, head_to_head"
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


def test_weights_come_back_in_half_precision(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "_HERE", tmp_path)
    pair = tuple(models.Generator(2, 3, 4, key=jax.random.key(seed)) for seed in (0, 1))
    results.save_weights("pair", pair)
    other = tuple(models.Generator(2, 3, 4, key=jax.random.key(seed)) for seed in (2, 3))
    loaded = results.load_weights("pair", other)
    assert list(tmp_path.iterdir()) == [tmp_path / "pair.npz"]
    for was, now in zip(jax.tree.leaves(pair), jax.tree.leaves(loaded), strict=True):
        assert now.dtype == np.float32
        np.testing.assert_array_equal(now, np.float32(np.float16(was)))
    untouched = models.Generator(2, 3, 4, key=jax.random.key(2))
    np.testing.assert_array_equal(*(m.network.layers[0].kernel for m in (other[0], untouched)))


def test_weights_of_other_models_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "_HERE", tmp_path)
    model = models.Generator(2, 3, 4, key=jax.random.key(0))
    with pytest.raises(ValueError, match="no stored weights 'pair'; there are none"):
        results.load_weights("pair", model)
    results.save_weights("pair", model)
    with pytest.raises(ValueError, match=r"shapes \[.*\(2, 3\).*\]; wanted \[.*\(2, 5\)"):
        results.load_weights("pair", models.Generator(2, 5, 4, key=jax.random.key(1)))


def test_weights_that_do_not_fit_half_precision_or_cannot_be_read_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "_HERE", tmp_path)
    model = models.Generator(2, 3, 4, key=jax.random.key(0))
    for factor in (1e9, np.nan):
        with pytest.raises(ValueError, match="'pair' must be finite and below 65,504"):
            results.save_weights("pair", jax.tree.map(lambda leaf, factor=factor: factor * leaf, model))
    assert not list(tmp_path.iterdir())
    for content in (b"", b"no archive", b"PK\x03\x04 cut short"):
        (tmp_path / "pair.npz").write_bytes(content)
        with pytest.raises(ValueError, match="'pair' cannot be read: install vaegan_helpers again"):
            results.load_weights("pair", model)
