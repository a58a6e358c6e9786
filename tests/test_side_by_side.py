"""Several models side by side: what stands where, what follows the controls, and what is refused."""

import base64
import io

import jax
import numpy as np
import pytest
from PIL import Image

from vaegan_helpers import models, widgets
from vaegan_helpers.widgets import side_by_side as panels

IMAGES = np.random.default_rng(2).random((20, 784)).astype(np.float32)
LABELS = np.arange(20) % 10


@pytest.fixture(scope="module")
def family():
    keys = jax.random.split(jax.random.key(0), 3)
    return {
        "VAE": models.VAE(hidden_dim=8, z_dim=4, key=keys[0]),
        "GAN": models.Generator(4, 8, 784, key=keys[1]),
        "plain": models.Autoencoder(hidden_dim=8, z_dim=4, key=keys[2]),
    }


@pytest.fixture
def panel(family):
    made = widgets.SideBySide(family, IMAGES, LABELS, start=3, end=7, seed=5)
    yield made
    made.close()


def seen(panel):
    return np.asarray(Image.open(io.BytesIO(panel.picture.png)))


def test_reconstructions_are_the_digits_encoded_and_decoded(panel, family):
    ends = IMAGES[[3, 7]]
    np.testing.assert_array_equal(panel.shown["digits"]["back"], ends)
    np.testing.assert_allclose(
        panel.shown["VAE"]["back"], family["VAE"].decode(family["VAE"].encode(ends)[0]), atol=1e-5
    )
    np.testing.assert_allclose(
        panel.shown["plain"]["back"], family["plain"].decode(family["plain"].encode(ends)), atol=1e-5
    )


def test_a_model_without_an_encoder_has_no_way_back_and_walks_between_its_own_samples(panel):
    assert panel.shown["GAN"]["back"] is None
    assert "No encoder: GAN" in panel.text and "plain" not in panel.text.split("No encoder")[1]
    for position, sample in [(0.0, 0), (1.0, 1)]:
        panel.position = position
        np.testing.assert_allclose(
            panel.shown["GAN"]["way"], panel.shown["GAN"]["samples"][sample], atol=1e-5
        )


def test_the_way_begins_and_ends_at_the_reconstructions(panel):
    for position, end in [(0.0, 0), (1.0, 1)]:
        panel.position = position
        for name in ("digits", "VAE", "plain"):
            np.testing.assert_allclose(panel.shown[name]["way"], panel.shown[name]["back"][end], atol=1e-6)
    panel.position = 0.5
    np.testing.assert_allclose(panel.shown["digits"]["way"], (IMAGES[3] + IMAGES[7]) / 2, atol=1e-6)


def test_the_picture_and_the_words_follow_every_control(panel):
    moves = [
        lambda: setattr(panel, "position", 0.9),
        lambda: setattr(panel, "start", 4),
        lambda: setattr(panel, "end", 9),
        panel.new_samples,
        lambda: setattr(panel, "seed", 9),
    ]
    for move in moves:
        before, words = panel.picture.png, panel.text
        move()
        assert panel.picture.png != before and panel.text != words
    assert panel.seed == 9 and "90 % of the way from digit no. 4 (a 4) to digit no. 9 (a 9)" in panel.text


def test_moving_along_the_way_leaves_samples_and_reconstructions(panel):
    before = {name: (row["back"], row["samples"]) for name, row in panel.shown.items()}
    panel.position = 0.25
    for name, (back, samples) in before.items():
        now = panel.shown[name]
        np.testing.assert_array_equal(now["samples"], samples)
        assert (back is None) == (now["back"] is None)
        if back is not None:
            np.testing.assert_array_equal(now["back"], back)


def test_the_same_seed_draws_the_same_samples(panel):
    first = panel.shown["GAN"]["samples"]
    panel.new_samples()
    assert not np.array_equal(panel.shown["GAN"]["samples"], first)
    panel.seed = 5
    np.testing.assert_array_equal(panel.shown["GAN"]["samples"], first)


def test_each_digit_stands_in_its_place_on_the_picture(panel):
    panel.position = 1.0
    paper, cell = seen(panel), panels.CELL
    top = panels.HEAD + 1 * (cell + panels.GAP)  # the row of the VAE
    left = panels.LABEL + cell + panels.GAP  # its second digit
    wanted = (255.5 - 255 * panel.shown["VAE"]["back"][1].reshape(28, 28)).astype(np.uint8)
    np.testing.assert_array_equal(paper[top : top + cell : 3, left : left + cell : 3], wanted)


def test_stored_it_keeps_its_picture_and_words_that_are_the_same_every_time(panel, family):
    bundle = panel._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/html"].count("<img alt=") == 1 and bundle["text/plain"].startswith(
        "Models side by side. 50 % of the way"
    )
    again = widgets.SideBySide(family, IMAGES, LABELS, start=3, end=7, seed=5)
    assert again._repr_mimebundle_()["text/html"] == bundle["text/html"]
    again.close()


def test_closed_it_hears_nothing(family):
    panel = widgets.SideBySide(family, IMAGES)
    heard = []
    panel.observe(heard.append, "position")
    panel.close()
    panel.position = 0.1
    assert panel.comm is None and not heard


@pytest.mark.parametrize(
    "change, message",
    [
        ({"models": {}}, "at least one model"),
        ({"models": {"a": object()}}, "needs a model with decode"),
        ({"images": IMAGES[:, :700]}, r"shape \(n, 784\)"),
        ({"images": IMAGES[:0]}, r"shape \(n, 784\)"),
        ({"labels": LABELS[:3]}, "labels must be as many"),
        ({"start": 20}, "whole number from 0 to 19"),
        ({"end": -1}, "whole number from 0 to 19"),
        ({"seed": 1.5}, "whole number from 0 to 999999"),
    ],
)
def test_bad_input_is_named(family, change, message):
    with pytest.raises(ValueError, match=message):
        widgets.SideBySide(**{"models": family, "images": IMAGES, "labels": LABELS} | change)


def test_models_of_two_latent_sizes_are_refused(family):
    other = models.Generator(5, 8, 784, key=jax.random.key(1))
    with pytest.raises(ValueError, match="other: latents have 5 dimensions, wanted 4"):
        widgets.SideBySide(family | {"other": other}, IMAGES)


def test_a_position_outside_is_refused(panel):
    with pytest.raises(ValueError, match="between 0 and 1"):
        panel.position = 1.2
