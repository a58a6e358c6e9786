"""What is taken away from a stage: the code that trains without it, and a recording that plays without a
kernel."""

import base64
import json
import struct
import zlib

import jax
import numpy as np
import pytest

from vaegan_helpers import stage
from vaegan_helpers.pages import live
from vaegan_helpers.stage.engine import export
from vaegan_helpers.stage.page import recording

SMALL = {"hidden_dim": 8, "hidden_layers": 1, "batch_size": 16}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"noise": "uniform", "loss": "saturating", "penalty": "none", "generator_optimizer": "SGD"},
        {"noise": "mixture", "fourier_features": True, "loss": "relativistic", "penalty": "r1 and r2"},
        {"data": "blobs", "packing": True, "spectral_norm": True, "unrolling": True, "beta": 3.0},
        {"points": np.random.default_rng(0).uniform(-2, 2, (30, 2)).tolist(), "averaging": True, "seed": 3},
        {"data": "Dirac", "discriminator_optimizer": "SGD", "generator_optimizer": "SGD"},
    ],
    ids=lambda settings: ", ".join(map(str, settings)) or "as it is",
)
def test_the_code_without_a_stage_gives_the_same_numbers(settings):
    s = stage.Stage(**SMALL | settings)
    s.advance(12)
    names = {}
    exec(export.fitting_code(s), names)
    history, vae_history = names["history"], names["vae_history"]
    for curve in ("discriminator_loss", "generator_loss", "fake_output", "generator_gradient_norm"):
        np.testing.assert_allclose(s.history[curve], history[curve], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(s.history["vae_loss"], vae_history["loss"], rtol=2e-3, atol=1e-4)
    noise = s._props.noise[:50]
    np.testing.assert_allclose(s.generator(noise), names["generator"](noise), atol=2e-3)


def test_the_code_says_what_it_leaves_out():
    s = stage.Stage(**SMALL)
    s.advance(3)
    assert "on the way" not in export.fitting_code(s)
    s.change(beta=2.0)
    assert "# On the stage something was changed on the way" in export.fitting_code(s)
    s.change(falling_rates=True)
    assert "steps=4000" in export.fitting_code(s)


@pytest.fixture(scope="module")
def made():
    made = stage.TrainingStage(**SMALL)
    yield made
    made.close()


def test_recording_trains_as_step_does_and_keeps_frames_on_the_way(made):
    made.reset()
    kept = made.record(rounds=40, frames=5, slow_rounds=1)
    rounds = [header["round"] for header, _ in kept._frames]
    assert rounds == [0] * 15 + [1] + [9, 17, 24, 32, 40] and made.state.step == 40
    assert [bool(header["part"]) for header, _ in kept._frames] == [False] + [True] * 15 + [False] * 5
    alone = stage.Stage(**SMALL)
    alone.advance(40)
    for one, other in zip(jax.tree.leaves(alone._state), jax.tree.leaves(made.state._state), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_recording_is_compact_and_its_page_needs_nothing_else():
    """A hundred frames with the layers that are on at first: about one megabyte."""
    made = stage.TrainingStage(hidden_dim=16)
    page = made.record(rounds=500, frames=99).html()
    made.close()
    assert len(page) < 1.1e6
    assert "http" not in page.replace("https://www.w3.org", "") and "src=" in page and "import " not in page
    assert "<noscript><img alt=" in page and "Training stage. Round 500." in page


def test_too_many_frames_are_thinned(made, monkeypatch):
    monkeypatch.setattr(recording, "MOST", 8)
    made.reset()
    kept = made.record(rounds=20, frames=20)
    assert len(kept) <= 8 and kept._frames[0][0]["round"] == 0


def test_eight_bits_keep_a_surface_to_a_level():
    for values in (np.linspace(0, 1, 64), np.linspace(-3, 5, 64), np.full(64, 0.25)):
        levels, low, scale = recording.eight_bits(values.reshape(8, 8))
        assert np.abs(low + scale * levels - values.reshape(8, 8)).max() <= 0.51 * scale
        assert low <= 0 and low + 255 * scale >= 1 - 1e-6


def test_a_page_records_until_the_button_is_pressed_again(made):
    made.reset()
    made.answer({"acts": [["record", True]]})
    for _ in range(3):
        made.answer({"advance": 4})
    header, _ = made.answer({"acts": [["record", False]]})
    assert header["file"]["name"].endswith(".html") and json.dumps(header)
    assert "replay(document" in header["file"]["text"] and made._recording is None


def test_displayed_it_is_a_frame_that_plays(made, tmp_path):
    made.reset()
    kept = made.record(rounds=5, frames=2)
    bundle = kept._repr_mimebundle_()
    assert bundle["text/html"].startswith("<iframe srcdoc=") and bundle["text/plain"].startswith(
        "Training stage"
    )
    path = kept.save(tmp_path / "run.html")
    assert path.read_text(encoding="utf-8") == kept.html()
    assert base64.b64encode(kept.packed()).decode() in kept.html()


def rounds_of(recorded):
    """The round of each frame, out of the packed file."""
    packed = zlib.decompress(recorded.packed())
    (length,) = struct.unpack("<I", packed[:4])
    return [header["round"] for header, _ in json.loads(packed[4 : 4 + length])["frames"][1:]]


def test_a_page_gets_a_run_from_where_the_cell_stands(monkeypatch):
    monkeypatch.setattr(live, "run", lambda made: made)
    monkeypatch.setattr(live, "ROUNDS", 20)
    monkeypatch.setattr(live, "FRAMES", 2)
    made = stage.TrainingStage(**SMALL)
    made.step(10)
    assert rounds_of(live.stage(made)) == [10, 20, 30]
    assert made.state.step == 10
