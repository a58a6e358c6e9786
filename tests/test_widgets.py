import base64
import gc
import io
import re
import weakref

import ipywidgets
import jax
import jax.numpy as jnp
import matplotlib.style
import numpy as np
import pytest
from flax import nnx
from matplotlib.figure import Figure
from PIL import Image

from vaegan_helpers import losses, models, plots, widgets
from vaegan_helpers.widgets import networks, noise, pictures, points

VIEW = "application/vnd.jupyter.widget-view+json"


class Linear(nnx.Module):
    """A stand-in for a decoder: pixels are the sigmoid of a random linear map."""

    def __init__(self, z_dim=2, pixels=784, seed=0):
        self.weights = nnx.Param(jax.random.normal(jax.random.key(seed), (z_dim, pixels)))
        self.z_dim = z_dim

    def decode(self, z):
        return jax.nn.sigmoid(z @ self.weights[...])


class WithoutDecoder(nnx.Module):
    z_dim = 2


CODES = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
WIDE = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32) * [1, 3, 0.1, 2, 0, 1.5]
LABELS = np.arange(40) % 10
IMAGES = np.random.default_rng(2).random((40, 784)).astype(np.float32)

MAKERS = {
    "plane": lambda: widgets.LatentPlane(Linear(), CODES, LABELS),
    "interpolation": lambda: widgets.Interpolation(Linear(6), WIDE, IMAGES, LABELS),
    "traversal": lambda: widgets.Traversal(Linear(6), WIDE),
    "sampler": lambda: widgets.Sampler(Linear(), columns=3),
    "drawing": lambda: widgets.DrawDigit(IMAGES[:3], LABELS[:3]),
    "drawing with a model": lambda: widgets.DrawDigit(
        IMAGES[:3], LABELS[:3], model=vae(), codes=CODES, code_labels=LABELS
    ),
    "kl": lambda: widgets.KLPlayground(),
    "game": lambda: widgets.DiscriminatorGame(Linear(), judge(), IMAGES, rounds=6),
}


def vae(**options):
    return models.VAE(hidden_dim=8, key=jax.random.key(3), **options)


def judge(**options):
    return models.Discriminator(hidden_dim=8, key=jax.random.key(4), **options)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.fixture(params=MAKERS)
def explorer(request):
    made = MAKERS[request.param]()
    yield made
    made.close()


# --- pictures -------------------------------------------------------------------------------------


def test_a_picture_is_dark_ink_on_white_paper_enlarged_without_blur():
    ink = np.zeros((28, 28))
    ink[3, 5] = 1
    seen = pixels(pictures.png(ink.ravel(), scale=4))
    assert seen.shape == (112, 112)
    assert (
        (seen[12:16, 20:24] == 0).all() and (seen == 0).sum() == 16 and (seen == 255).sum() == seen.size - 16
    )


def test_a_sheet_holds_each_picture_in_its_place():
    images = np.stack([np.full(16, value) for value in (0.0, 0.25, 0.5, 0.75, 1.0)])
    seen = pixels(pictures.sheet(images, 2, gap=1))
    assert seen.shape == (14, 9)
    assert [int(seen[5 * (i // 2) + 1, 5 * (i % 2) + 1]) for i in range(6)] == [255, 191, 128, 64, 0, 255]


@pytest.mark.parametrize(
    "image", [np.zeros(783), np.zeros((28, 27)), np.zeros(0), np.full(784, np.nan), np.zeros((1, 784))]
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ValueError, match="picture"):
        pictures.png(image)


@pytest.mark.parametrize(
    "images, columns", [(np.zeros(784), 1), (np.zeros((0, 784)), 1), (np.zeros((2, 784)), 0)]
)
def test_what_is_no_sheet_is_refused(images, columns):
    with pytest.raises(ValueError, match="images must be|columns must be"):
        pictures.sheet(images, columns)


# --- every explorer -------------------------------------------------------------------------------


def test_stored_it_keeps_its_pictures_and_its_words(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == explorer.model_id
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/html"].count('<img alt="') == len(explorer.stored_pictures())
    assert 'alt=""' not in bundle["text/html"]
    headings = [still.heading for still in explorer.stored_pictures()]
    assert bundle["text/html"].count("<figcaption>") == sum(map(bool, headings))
    assert len(headings) == 1 or all(headings)  # several pictures are told apart
    assert explorer.stored_words == bundle["text/plain"]
    assert bundle["text/plain"].startswith(explorer.title)


def test_the_stored_words_are_the_same_every_time(explorer, request):
    again = MAKERS[request.node.callspec.params["explorer"]]()
    first, second = explorer._repr_mimebundle_(), again._repr_mimebundle_()
    assert first["text/html"] == second["text/html"] and first["text/plain"] == second["text/plain"]
    again.close()


def test_every_picture_has_an_alternative_text(explorer):
    assert explorer.text
    assert all(len(picture.alt) > 15 for picture in explorer.pictures + explorer.stored_pictures())


def open_widgets():
    return {widget for widget in ipywidgets.widget._instances.values() if widget.comm is not None}


def test_closed_it_holds_nothing_and_hears_nothing():
    for make in MAKERS.values():
        before = open_widgets()
        explorer = make()
        gone = weakref.ref(explorer)
        explorer.close()
        assert explorer.comm is None
        assert not open_widgets() - before
        assert not any(kept for kinds in explorer._trait_notifiers.values() for kept in kinds.values())
        explorer.close()  # once more does no harm
        del explorer
        gc.collect()
        assert gone() is None


MOVES = {
    "plane": ("point", (1.0, 1.0)),
    "interpolation": ("position", 0.25),
    "traversal": ("moved", [1.0] * 6),
    "sampler": ("temperature", 1.5),
    "drawing": ("example", 2),
    "drawing with a model": ("example", 2),
    "kl": ("mean", 1.5),
    "game": ("answers", [True]),
}


def test_a_failure_in_a_callback_reaches_whoever_set_the_slider(explorer, request):
    def fail(_):
        raise RuntimeError("seen")

    name, value = MOVES[request.node.callspec.params["explorer"]]
    explorer.observe(fail, name)
    with pytest.raises(RuntimeError, match="seen"):
        setattr(explorer, name, value)


def test_what_a_page_sends_without_sense_changes_nothing_and_is_answered_in_words(explorer, request):
    name, _ = MOVES[request.node.callspec.params["explorer"]]
    before = getattr(explorer, name)
    for nonsense in ("x", {"a": 1}, [[None]], 1e9):
        explorer.notice = ""
        explorer.set_state({name: nonsense})
        assert getattr(explorer, name) == before and "makes no sense" in explorer.notice


@pytest.mark.parametrize(
    "content, buffers", [({}, []), ("x", []), ({"what": "decode it", "rows": 1, "id": "7"}, [b""])]
)
def test_a_question_of_the_page_without_sense_is_answered(content, buffers):
    plane, sent = widgets.LatentPlane(Linear()), []
    plane.send = lambda content, buffers=None: sent.append(content)
    plane._answer(plane, content, buffers)
    assert "could not compute" in sent[0]["error"]
    plane.close()


def test_a_model_of_a_learner_is_computed_by_the_kernel_for_the_page():
    model, sent = Linear(), []
    plane = widgets.LatentPlane({"mine": model})
    assert plane.data["networks"] == {"mine": {}}
    plane.send = lambda content, buffers=None: sent.append((content, buffers))
    z = np.array([[0.5, 1], [2, -1]], np.float32)
    plane._answer(plane, {"what": "decode mine", "rows": 2, "id": "7"}, [z.tobytes()])
    (content, (pixels,)) = sent[0]
    assert content == {"id": "7"}
    np.testing.assert_allclose(np.asarray(pixels), model.decode(z), atol=1e-6)
    plane.close()


class Shell:
    """What IPython says about the cell that runs."""

    parent = {}

    def get_parent(self):
        return self.parent

    def run(self, cell, count):
        self.parent = {"header": {"msg_id": f"{cell} {count}"}, "metadata": {"cellId": cell}}


def test_a_cell_that_runs_again_closes_what_it_showed(monkeypatch):
    shell, before = Shell(), open_widgets()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    for count in range(5):
        shell.run("a", count)
        first, second = widgets.KLPlayground(), widgets.KLPlayground()
        assert first.comm is not None and second.comm is not None
        shell.run("b", count)
        first._repr_mimebundle_()  # shown by another cell: that one owns it now
        assert len(open_widgets() - before) == 2 * 2
    shell.run("a", 9)
    third = widgets.KLPlayground()
    assert first.comm is not None and second.comm is None
    for explorer in (first, third):
        explorer.close()
    assert not open_widgets() - before


@pytest.mark.parametrize("style", ["dark_background", "ggplot"])
def test_the_readers_matplotlib_style_stays_out_of_our_pictures(style, explorer):
    plain = [picture.png for picture in explorer.stored_pictures()]
    with matplotlib.style.context(style), matplotlib.rc_context({"font.size": 30, "text.usetex": True}):
        assert [picture.png for picture in explorer.stored_pictures()] == plain


# --- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda model: widgets.LatentPlane(model),
        lambda model: widgets.Interpolation(model, CODES),
        lambda model: widgets.Traversal(model, CODES),
        lambda model: widgets.Sampler(model),
    ],
)
@pytest.mark.parametrize("model", [WithoutDecoder(), "a model", None])
def test_a_model_without_a_decoder_is_refused(make, model):
    with pytest.raises(ValueError, match="decode"):
        make(model)


@pytest.mark.parametrize(
    "make",
    [
        lambda model: widgets.Interpolation(model, CODES),
        lambda model: widgets.Traversal(model, CODES),
        widgets.Sampler,
    ],
)
def test_several_models_are_refused_where_one_is_shown(make):
    with pytest.raises(ValueError, match="shows one model with decode.*dictionary of 1"):
        make({"VAE": Linear()})


def test_the_point_is_kept_on_the_plane():
    plane = widgets.LatentPlane(Linear(), limit=2.0)
    plane.point = (99, -99)
    assert plane.point == (2.0, -2.0)
    plane.close()


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: widgets.LatentPlane(Linear(3)), "3 dimensions, wanted 2"),
        (lambda: widgets.LatentPlane({"a": Linear(), "b": Linear(3)}), "b: latents have 3"),
        (lambda: widgets.LatentPlane({}), "at least one model"),
        (lambda: widgets.LatentPlane(Linear(), np.zeros((5, 3))), r"\(n, 2\).*\(5, 3\)"),
        (lambda: widgets.LatentPlane(Linear(), np.full((5, 2), np.nan)), "finite"),
        (lambda: widgets.LatentPlane(Linear(), CODES, LABELS[:3]), "got 3 and 40"),
        (lambda: widgets.LatentPlane(Linear(), point=(1, 2, 3)), "2 finite numbers"),
        (lambda: widgets.LatentPlane(Linear(), limit=-1), "positive, got -1"),
        (lambda: widgets.LatentPlane(Linear(pixels=700)), "as many rows as columns"),
        (lambda: widgets.Interpolation(Linear(), WIDE), r"\(n, 2\)"),
        (lambda: widgets.Interpolation(Linear(), CODES, start=40), "0 to 39, got 40"),
        (lambda: widgets.Interpolation(Linear(), CODES, end=-1), "0 to 39, got -1"),
        (lambda: widgets.Interpolation(Linear(), CODES, IMAGES[:3]), "got 3 and 40"),
        (lambda: widgets.Traversal(Linear(), CODES, start=1.5), "whole number"),
        (lambda: widgets.Traversal(Linear(), CODES, limit=0), "positive"),
        (lambda: widgets.Sampler(Linear(), columns=0), "at least 1"),
        (lambda: widgets.Sampler(Linear(), seed=-1), "seed"),
        (lambda: widgets.KLPlayground(std=0), "std is between 0.05 and 4, got 0"),
        (lambda: widgets.KLPlayground(samples=5000), "5000"),
        (lambda: widgets.DrawDigit(np.zeros((3, 100))), r"\(3, 100\)"),
        (lambda: widgets.DrawDigit(IMAGES[:3], example=3), "0 to 2, got 3"),
        (lambda: widgets.DrawDigit(IMAGES[:3], model=Linear()), "encode"),
        (lambda: widgets.DiscriminatorGame(Linear(), judge(packing=2), IMAGES), "of several"),
        (lambda: widgets.DiscriminatorGame(Linear(), judge(minibatch_std=True), IMAGES), "within a batch"),
        (lambda: widgets.DiscriminatorGame(Linear(), "D", IMAGES), "single pictures"),
        (lambda: widgets.DiscriminatorGame(Linear(), judge(), IMAGES[:, :9]), r"\(40, 9\)"),
        (lambda: widgets.DiscriminatorGame(Linear(), judge(), IMAGES, rounds=0), "got 0"),
        (lambda: widgets.LatentPlane(spoilt(vae())), "NaN or infinite"),
        (lambda: widgets.DiscriminatorGame(Linear(), spoilt(judge()), IMAGES), "NaN or infinite"),
    ],
)
def test_bad_input_is_refused_with_what_came_and_what_was_wanted(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_no_slider_recompiles():
    model, wide = Linear(), Linear(6)
    plane, walk = widgets.LatentPlane(model), widgets.Interpolation(wide, WIDE)
    traversal, samples = widgets.Traversal(wide, WIDE), widgets.Sampler(model, columns=3)
    plane.point, walk.position, samples.temperature = (1, 1), 0.3, 0.5
    traversal.sliders[1].value = 0.5
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if "backend_compile" in event else None
    )
    for value in np.linspace(0.05, 0.95, 7):
        plane.point, walk.position, samples.temperature = (value, -value), value, value
        traversal.sliders[3].value = value
    walk.choose(5, 9)
    samples.new_noise()
    widgets.LatentPlane(Linear(seed=5)).point = (
        0.5,
        0.5,
    )  # other weights are other data, not another program
    assert not compiled
    jax.jit(lambda z: 3 * z + 1)(1.0)
    assert compiled  # the counter counts


def spoilt(model):
    """The model with one weight that is not a number."""
    return jax.tree.map(lambda leaf: leaf.at[(0,) * leaf.ndim].set(jnp.nan), model)


# --- LatentPlane ----------------------------------------------------------------------------------


def test_the_plane_shows_what_the_model_decodes_at_the_point():
    model = Linear()
    plane = widgets.LatentPlane(model, CODES, LABELS)
    plane.point = (0.5, -1.25)
    expected = pictures.png(np.asarray(model.decode(jnp.array([[0.5, -1.25]])))[0])
    assert plane.decoded["decoded"].png == expected
    assert "0.50, latent 2 ≈ -1.25" in plane.text
    nearest = np.linalg.norm(CODES - [0.5, -1.25], axis=1).argmin()
    assert f"a {LABELS[nearest]}," in plane.text


def test_several_models_decode_the_same_point():
    plane = widgets.LatentPlane({"VAE": Linear(seed=1), "GAN": Linear(seed=2)})
    before = [picture.png for picture in plane.pictures]
    plane.point = (1, 1)
    after = [picture.png for picture in plane.pictures]
    assert len({*before, *after}) >= 3 and after[0] != after[1]


@pytest.mark.parametrize("point", [(1,), (1, 2, 3), (np.nan, 0), "ab"])
def test_a_point_of_the_wrong_size_is_refused(point):
    plane = widgets.LatentPlane(Linear())
    with pytest.raises(ValueError):
        plane.point = point


def test_the_stored_plane_has_the_marker_where_the_point_is():
    plane = widgets.LatentPlane(Linear(), limit=2.0, point=(1.0, -1.0))
    stored = pixels(plane.stored_pictures()[0].png)
    left, top, width, height = 0.13, 1 - 0.12 - 0.85, 0.85, 0.85  # of the axes
    row, column = stored.shape[0] * (top + 0.75 * height), stored.shape[1] * (left + 0.75 * width)
    assert tuple(stored[round(row), round(column)]) == (0xD5, 0x5E, 0x00)


# --- Interpolation --------------------------------------------------------------------------------


def test_both_walks_lead_from_one_digit_to_the_other():
    walk = widgets.Interpolation(Linear(6), WIDE, start=3, end=8)
    for z in walk.latents.values():
        assert np.array_equal(z[0], WIDE[3].astype(np.float32)) and np.array_equal(
            z[-1], WIDE[8].astype(np.float32)
        )
    middle = walk.now["linear"].png, walk.now["spherical"].png
    walk.position = 0.0
    assert walk.now["linear"].png == walk.now["spherical"].png != middle[0]
    assert middle[0] != middle[1]


def test_the_lengths_of_the_steps_are_those_of_the_frames():
    walk = widgets.Interpolation(Linear(6), WIDE, start=3, end=8)
    for name in ("linear", "spherical"):
        frames = walk.frames[name]
        assert np.allclose(walk.pixel_steps[name], np.linalg.norm(np.diff(frames, axis=0), axis=1), rtol=1e-4)
    assert np.allclose(walk.latent_steps["linear"].sum(), np.linalg.norm(WIDE[3] - WIDE[8]), rtol=1e-4)
    assert walk.latent_steps["spherical"].sum() > walk.latent_steps["linear"].sum()
    assert f"{walk.pixel_steps['linear'].max():.2f}" in walk.text


def test_drawn_digits_can_be_the_ends():
    walk = widgets.Interpolation(Linear(6), WIDE, IMAGES)
    strips = [strip.png for strip in walk.strips.values()]
    walk.set_ends(np.ones(6), -np.arange(6), IMAGES[0], IMAGES[1])
    assert np.array_equal(walk.latents["spherical"][0], np.ones(6))
    assert all(strip.png != old for strip, old in zip(walk.strips.values(), strips, strict=True))
    with pytest.raises(ValueError, match="6 finite numbers"):
        walk.set_ends(np.ones(5), np.ones(6))
    with pytest.raises(ValueError, match="opposite"):
        walk.set_ends(np.ones(6), -np.ones(6))


def test_a_position_or_index_out_of_range_is_refused():
    walk = widgets.Interpolation(Linear(6), WIDE)
    with pytest.raises(ValueError, match="between 0 and 1, got 1.5"):
        walk.position = 1.5
    with pytest.raises(ValueError, match="0 to 39, got 40"):
        walk.choose(0, 40)


# --- Traversal ------------------------------------------------------------------------------------


def test_dimensions_stand_in_the_order_of_their_activity():
    traversal = widgets.Traversal(Linear(6), WIDE)
    assert list(traversal.sliders) == list(np.argsort(-WIDE.var(axis=0)))
    assert list(traversal.sliders)[0] == 1 and list(traversal.sliders)[-1] == 4


def test_one_slider_moves_one_latent_and_reset_brings_it_back():
    traversal = widgets.Traversal(Linear(6), WIDE, start=7)
    before = traversal.after.png
    assert np.allclose(traversal.z, WIDE[7]) and before == pictures.png(
        networks.decode(traversal.model, WIDE[7:8])[0]
    )
    traversal.sliders[3].value = 2.0
    assert traversal.z[3] == 2.0 and np.allclose(np.delete(traversal.z, 3), np.delete(WIDE[7], 3))
    assert traversal.after.png != before and "latent 4 = 2.00" in traversal.text
    traversal.reset()
    assert np.allclose(traversal.z, WIDE[7]) and traversal.after.png == before


def test_only_the_most_active_dimensions_get_a_slider():
    traversal = widgets.Traversal(Linear(6), WIDE, most=2)
    assert list(traversal.sliders) == [1, 3]
    assert np.allclose(traversal.z, WIDE[0])


def test_another_start_is_chosen_by_index():
    traversal = widgets.Traversal(Linear(6), WIDE)
    traversal.start = 5
    assert np.allclose(traversal.z, WIDE[5])
    with pytest.raises(ValueError, match="0 to 39"):
        traversal.begin_at(40)


# --- Sampler --------------------------------------------------------------------------------------


def test_a_seed_repeats_its_noise_and_the_button_renews_it():
    samples = widgets.Sampler(Linear(), columns=3, seed=4)
    first, drawn = samples.mean.png, samples.draw.png
    samples.new_noise()
    assert samples.seed == 5 and samples.mean.png != first
    samples.seed = 4
    assert samples.mean.png == first and samples.draw.png == drawn


def test_temperature_scales_the_same_noise():
    samples = widgets.Sampler(Linear(), columns=3)
    one = samples.latents
    samples.temperature = 0.5
    assert np.allclose(samples.latents, one / 2)
    assert np.allclose(samples.means, jax.nn.sigmoid(samples.latents @ samples.model.weights[...]), atol=1e-5)
    samples.temperature = 0.0
    assert np.allclose(samples.means, 0.5)


def test_drawn_pixels_are_black_or_white_and_agree_with_their_mean():
    samples = widgets.Sampler(Linear(), columns=10)
    drawn = pixels(samples.draw.png)
    assert set(np.unique(drawn)) == {0, 255}
    cell = slice(0, 28)
    share = np.mean(
        [
            (drawn[30 * r : 30 * r + 28, 30 * c : 30 * c + 28] == 0).mean()
            for r in range(10)
            for c in range(10)
        ]
    )
    assert share == pytest.approx(samples.means.mean(), abs=0.01) and drawn[cell, cell].shape == (28, 28)


def test_a_generator_has_one_sheet():
    samples = widgets.Sampler(Linear(), columns=3, draw_pixels=False)
    assert samples.draw is None and len(samples.pictures) == 1


@pytest.mark.parametrize(
    "set_it", [lambda s: setattr(s, "temperature", 3), lambda s: setattr(s, "seed", 1.5)]
)
def test_temperature_and_seed_are_checked(set_it):
    samples = widgets.Sampler(Linear(), columns=3)
    with pytest.raises(ValueError):
        set_it(samples)


# --- KLPlayground ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mean, std", [(0, 1), (1, 0.5), (-2, 0.1), (2.5, 3)])
def test_the_playground_shows_the_closed_form_and_an_estimate_near_it(mean, std):
    kl = widgets.KLPlayground(mean, std, 1000)
    exact = float(losses.kl_to_standard_normal(jnp.array([[float(mean)]]), jnp.array([[2 * np.log(std)]]))[0])
    assert kl.exact == pytest.approx(exact, abs=1e-5)
    assert abs(kl.estimate - exact) < 4 * kl.standard_error + 1e-6
    assert f"exactly {exact:.3f}" in kl.text
    top, low, high = kl.ranges()
    assert top >= 1 / (std * np.sqrt(2 * np.pi)) and low <= exact <= high


def test_more_draws_make_the_error_bar_shorter_and_new_draws_move_the_estimate():
    kl = widgets.KLPlayground(1, 0.5, 20)
    wide, before = kl.standard_error, kl.picture.png
    kl.samples = 1000
    assert kl.standard_error < wide / 3 and kl.picture.png != before
    estimate = kl.estimate
    kl.new_draws()
    assert kl.estimate != estimate


def test_the_same_state_gives_the_same_picture():
    kl = widgets.KLPlayground(1, 0.5)
    before = kl.picture.png
    kl.mean, kl.std = -1.0, 0.2
    assert kl.picture.png != before
    kl.mean, kl.std = 1.0, 0.5
    assert kl.picture.png == before == widgets.KLPlayground(1, 0.5).picture.png


# --- DrawDigit ------------------------------------------------------------------------------------

SEVEN = [[(8, 4), (20, 4), (12, 24)]]


def test_it_starts_with_a_stored_digit_as_it_is():
    page = widgets.DrawDigit(IMAGES[:3], LABELS[:3], example=1)
    assert np.array_equal(page.image, IMAGES[1]) and "a 1" in page.text
    page.show_example(2)
    assert np.array_equal(page.image, IMAGES[2])


def test_a_drawing_is_prepared_like_mnist():
    page = widgets.DrawDigit(IMAGES[:1])
    page.draw(SEVEN)
    digit = page.image.reshape(28, 28)
    assert page.image.dtype == np.float32 and digit.min() == 0 and digit.max() == 1
    rows, columns = np.nonzero(digit > 0.1)
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    total = digit.sum()
    centre = [(digit.sum(axis=1 - axis) * np.arange(28)).sum() / total for axis in (0, 1)]
    assert np.allclose(centre, 14, atol=0.6)
    assert 60 < total < 160  # MNIST's digits have 40 to 200 pixels of ink, about 100 on average


@pytest.mark.parametrize("scale, shift", [(0.3, 0), (0.5, 12), (1.1, 2)])
def test_where_and_how_large_it_was_drawn_does_not_matter(scale, shift):
    page = widgets.DrawDigit(IMAGES[:1])
    page.draw(SEVEN)
    reference = page.image
    page.draw([[(scale * x + shift, scale * y + shift) for x, y in SEVEN[0]]])
    assert np.abs(page.image - reference).mean() < 0.02


def test_strokes_from_the_page_draw_and_are_told():
    page, heard = widgets.DrawDigit(IMAGES[:1]), []
    page.on_change(heard.append)
    page.set_state({"strokes": [[[5, 5], [20, 5]]], "example": None})
    assert len(heard) == 1 and np.array_equal(heard[0], page.image)
    page.set_state({"strokes": [[[5, 5], [20, 5]], [[20, 5], [10, 25]]]})
    assert len(heard) == 2 and not np.array_equal(heard[1], heard[0]) and "2 strokes" in page.text
    page.show_example(0)
    assert len(heard) == 3 and np.array_equal(heard[2], IMAGES[0]) and page.strokes == []
    page.set_state({"strokes": [], "example": None})
    assert page.is_empty and heard[3] is None


def test_a_model_finds_the_place_of_a_drawing_and_decodes_it():
    model = vae()
    page = widgets.DrawDigit(IMAGES[:1], model=model, codes=CODES, code_labels=LABELS)
    page.draw(SEVEN)
    mean, _ = model.encode(page.image[None])
    assert page.pictures[1].png == pictures.png(networks.decode(model, mean)[0])
    assert f"latent 1 ≈ {mean[0, 0]:.2f}, latent 2 ≈ {mean[0, 1]:.2f}" in page.text
    nearest = np.linalg.norm(CODES - np.asarray(mean[0]), axis=1).argmin()
    assert f"a {LABELS[nearest]}," in page.text and "latent 1" not in page.stored_words
    assert len(widgets.DrawDigit(IMAGES[:1], model=vae(z_dim=5)).pictures) == 2  # no plane of five latents


def test_an_empty_page_says_what_to_do():
    page = widgets.DrawDigit(IMAGES[:1])
    heard = []
    page.on_change(heard.append)
    page.clear()
    with pytest.raises(ValueError, match="draw a digit first"):
        _ = page.image
    assert "empty" in page.text and heard == [None]
    page.draw(SEVEN)
    assert np.array_equal(heard[1], page.image)


@pytest.mark.parametrize("strokes", [[(1, 2)], [[(1, 2, 3)]], [[1, 2, 3]]])
def test_strokes_are_lists_of_points(strokes):
    with pytest.raises(ValueError, match="list of points"):
        widgets.DrawDigit(IMAGES[:1]).draw(strokes)


@pytest.mark.parametrize(
    "ink, said",
    [
        (np.zeros((50, 50)), "empty"),
        (np.ones(784), "height, width"),
        (2 * np.ones((9, 9)), "in .0, 1"),
        (np.full((9, 9), np.nan), "in .0, 1"),
    ],
)
def test_preparing_wants_a_drawing(ink, said):
    with pytest.raises(ValueError, match=said):
        widgets.like_mnist(ink)


def test_preparing_a_real_digit_leaves_it_almost_as_it_was():
    digits = widgets.DrawDigit().examples
    assert digits.shape == (10, 784)
    for digit in digits:
        again = widgets.like_mnist(digit.reshape(28, 28))
        shifted = [
            np.roll(again.reshape(28, 28), (i, j), (0, 1)).ravel() for i in (-1, 0, 1) for j in (-1, 0, 1)
        ]
        assert min(np.abs(other - digit).mean() for other in shifted) < 0.02


# --- DrawPoints ---


def test_points_from_a_cell_or_the_page_are_told_and_kept_on_the_page():
    told = []
    page = points.DrawPoints(lambda: told.append(len(page.points)))
    assert page.points.shape == (0, 2)
    page.draw(CODES)
    assert page.points.dtype == np.float32
    np.testing.assert_allclose(page.points, np.clip(CODES, -2.5, 2.5), atol=1e-6)
    page.set_state({"places": [[9, 0], [0, -9]]})
    assert page.points.tolist() == [[2.5, 0], [0, -2.5]]
    page.clear()
    assert told == [40, 2, 0]
    page.draw(np.zeros((1000, 2)))
    assert len(page.points) == points.MOST
    for wrong in ([[1, 2, 3]], [1, 2], [[np.nan, 0]]):
        with pytest.raises(ValueError, match="array \\(n, 2\\) of finite"):
            page.draw(wrong)
    page.close()
    assert page.layout.comm is None


# --- DiscriminatorGame ---


def test_the_game_counts_your_answers_beside_the_discriminators():
    model, d = Linear(), judge()
    game = widgets.DiscriminatorGame(model, d, IMAGES, rounds=10, seed=3)
    fakes = np.asarray(model.decode(noise.normal(3, 20).reshape(10, 2)))
    for picture, fake, real in zip(game.examples, fakes, game.truth, strict=True):
        assert real == any(np.array_equal(picture, image) for image in IMAGES)
        assert real or np.allclose(picture, fake, atol=1e-6)
    assert 0 < game.truth.sum() < 10
    says = np.asarray(d(jnp.asarray(game.examples))) > 0
    game.answers = game.truth[:7].tolist()
    assert game.score == (7, (says[:7] == game.truth[:7]).sum()) and "7 of 7" in game.text
    game.answers = (~game.truth).tolist()
    assert game.score == (0, (says == game.truth).sum()) and "All 10" in game.text
    game.seed = 4
    assert game.answers == [] and "Picture 1 of 10" in game.text
    with pytest.raises(ValueError, match="at most 10"):
        game.answers = [True] * 11


def test_the_discriminator_answers_to_a_drawing():
    d = judge()
    game = widgets.DiscriminatorGame(Linear(), d, IMAGES)
    with pytest.raises(ValueError, match="draw a digit first"):
        _ = game.verdict
    game.strokes = SEVEN
    page = widgets.DrawDigit(IMAGES[:1])
    page.draw(SEVEN)
    assert game.verdict == pytest.approx(float(jax.nn.sigmoid(d(jnp.asarray(page.image[None])))[0]), abs=1e-6)


def test_real_pictures_may_be_fewer_than_rounds():
    assert widgets.DiscriminatorGame(Linear(), judge(), IMAGES[:2], rounds=9).examples.shape == (9, 784)


# --- Buttons ---


class Counter(widgets.Buttons):
    """Counts how often its button was pressed."""

    def __init__(self):
        self.pressed = -1
        super().__init__("Counter", {"More": self.press, "Fail": lambda: 1 / 0})
        self.press()

    def press(self):
        self.pressed += 1
        png = pictures.png(np.full(4, 0.1 * self.pressed))
        self.show(png, f"A grey square, {self.pressed}.", f"Pressed {self.pressed} times.")


def test_a_button_calls_the_kernel_which_draws():
    counter, sent = Counter(), []
    counter.send = lambda content, buffers=None: sent.append(content)
    before = counter.picture.png
    counter._answer(counter, {"what": "More", "rows": 1, "id": "1"}, [bytes(4)])
    assert counter.picture.png != before and counter.text == "Pressed 1 times." and sent == [{"id": "1"}]
    assert counter.stored_words == "Counter. Pressed 1 times." and counter.data["title"] == "Counter"
    counter._answer(counter, {"what": "Fail", "rows": 1, "id": "2"}, [bytes(4)])
    assert "division by zero" in sent[1]["error"]
    gone = weakref.ref(counter)
    counter.close()
    del counter
    gc.collect()
    assert gone() is None


# --- flipbook -------------------------------------------------------------------------------------


def test_the_flipbook_shows_its_last_frame_and_holds_them_all():
    book = widgets.flipbook(IMAGES[:3], ["one", "two", "three"], label="Step", alt="Three digits")
    last = base64.b64encode(plots.compact(pictures.png(IMAGES[2]))).decode()
    assert f'<img alt="Three digits" src="data:image/png;base64,{last}"' in book.html
    assert all(
        base64.b64encode(plots.compact(pictures.png(image))).decode() in book.html for image in IMAGES[:3]
    )
    assert 'min="0" max="2" value="2"' in book.html and ">three</figcaption>" in book.html
    assert book._repr_mimebundle_() == {"text/html": book.html, "text/plain": "Three digits"}
    assert "http" not in book.html


def test_the_flipbook_is_the_same_for_the_same_frames():
    def make(n):
        return widgets.flipbook(IMAGES[:n], label="Step", alt="Digits").html

    assert make(2) == make(2) != make(3)


def test_a_frame_keeps_the_dpi_of_its_figure():
    fig, _ = plots.figure(width=2, height=1)
    fig.set_dpi(150)
    book = widgets.flipbook([fig], label="Step", alt="A line")
    png = re.search('base64,([^"]+)"', book.html)[1]
    assert Image.open(io.BytesIO(base64.b64decode(png))).size == (300, 150)


def test_the_flipbook_takes_png_bytes_and_figures_and_escapes_words():
    fig = Figure(figsize=(1, 1))
    book = widgets.flipbook([pictures.png(IMAGES[0]), fig], ["<b>", '"'], label="<i>", alt='a "b" <c>')
    assert "<b>" not in book.html and "<i>" not in book.html and "<c>" not in book.html


@pytest.mark.parametrize(
    "frames, options, said",
    [
        ([], {"alt": "x"}, "at least one"),
        ([IMAGES[0]], {}, "alt"),
        ([IMAGES[0]], {"alt": " "}, "alt"),
        ([IMAGES[0]], {"alt": "x", "captions": ["a", "b"]}, "got 2 and 1"),
        ([b"GIF"], {"alt": "x"}, "PNG"),
        ([np.zeros(3)], {"alt": "x"}, "picture"),
    ],
)
def test_a_flipbook_wants_frames_and_words(frames, options, said):
    with pytest.raises(ValueError, match=said):
        widgets.flipbook(frames, **options)


@pytest.mark.parametrize("name, value", [("mean", 10), ("std", 100), ("std", 0), ("samples", 5)])
def test_the_kl_playground_refuses_what_its_slider_cannot_show(name, value):
    playground = widgets.KLPlayground()
    with pytest.raises(ValueError, match=f"{name} is between .* got {value}"):
        setattr(playground, name, value)
    playground.close()
