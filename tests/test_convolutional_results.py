"""The stored convolutional pair of notebook 8 belongs to its script, and measures as it says."""

from pathlib import Path

import pytest

from vaegan_helpers import convolutional, results

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SCRIPT, NOTEBOOK = NOTEBOOKS / "results" / "convolutional.py", NOTEBOOKS / "08_vae_versus_gan.ipynb"


@pytest.fixture(scope="module")
def pair(script):
    """New models of both kinds, by name."""
    keys = script["keys"]()
    return {
        "VAE": convolutional.VAE(**script["SIZES"], key=keys["vae"]),
        "GAN": convolutional.Generator(**script["SIZES"], key=keys["generator"]),
    }


def test_settings_in_the_file_are_those_of_the_script(script, table):
    for name, value in script["MADE_WITH"].items():
        assert table[name] == value, name
    assert set(table["models"]) == {"VAE", "GAN"}


def test_the_weights_are_small():
    files = list(Path(results.__file__).parent.glob("*.npz"))
    assert len(files) == 2 and sum(file.stat().st_size for file in files) < 1_000_000


@pytest.mark.parametrize("name", ["VAE", "GAN"])
def test_a_row_comes_out_again_of_the_stored_weights(script, table, pair, name):
    again = script["measure"](results.load_weights(f"convolutional_{name}", pair[name]))
    for what, value in again.items():  # in half precision, and processors differ
        assert value == pytest.approx(table["models"][name][what], rel=0.05, abs=0.01), what


@pytest.mark.parametrize("name", ["VAE", "GAN"])
def test_training_makes_models_that_fit_the_stored_weights(script, name):
    model = script["trained"](name, steps=2, progress=False)
    assert results.load_weights(f"convolutional_{name}", model).z_dim == script["SIZES"]["z_dim"]
