"""What a figure tells a screen reader, the layout of a sheet, and the artists that are drawn."""

import base64
import io
import re

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

matplotlib.use("Agg")
import contrast  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402

from vaegan_helpers import plots  # noqa: E402


@pytest.fixture
def ax():
    fig, ax = plots.figure()
    yield ax
    plt.close(fig)


@pytest.fixture
def displayed(monkeypatch):
    """Everything that is handed to IPython's display."""
    bundles = []
    monkeypatch.setattr(plots, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


# Alternative texts


def test_show_displays_a_picture_with_its_alternative_text(displayed):
    fig, _ = plots.figure(width=5.0, height=2.0)
    plots.show(fig, 'Two "curves" & one <line>')
    (bundle,) = displayed
    assert bundle["text/plain"] == 'Two "curves" & one <line>'
    assert 'alt="Two &quot;curves&quot; &amp; one &lt;line&gt;"' in bundle["text/html"]
    assert 'width="400"' in bundle["text/html"]  # 5 inches at 80 dots per inch
    png = base64.b64decode(re.search(r'base64,([^"]+)"', bundle["text/html"])[1])
    assert matplotlib.image.imread(io.BytesIO(png)).shape[:2] == (2 * 160, 2 * 400)  # drawn at twice its size
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_figure_without_alternative_text_is_refused(displayed, alt):
    fig, _ = plots.figure()
    with pytest.raises(
        ValueError, match=re.escape(f"alt must say in words what the figure shows; got {alt!r}")
    ):
        plots.show(fig, alt)
    assert displayed == []
    plt.close(fig)


def test_what_knows_no_html_gets_a_smaller_picture(displayed):
    fig, ax = plots.figure(width=5.0, height=2.0)
    ax.set_facecolor(plots.COLOURS["generated"])
    plots.show(fig, "An orange picture")
    (bundle,) = displayed
    png = base64.b64decode(bundle["image/png"])
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert pixels.shape == (160, 400, 3)
    wanted = np.array(matplotlib.colors.to_rgb(plots.COLOURS["generated"])) * 255
    np.testing.assert_allclose(pixels[80, 200], wanted, atol=4)
    assert 2 * len(bundle["image/png"]) < len(bundle["text/html"])


# The user's own style


def a_figure():
    fig, ax = plots.figure()
    ax.plot([0, 1], [1, 0], label="line")
    ax.set_title("title")
    ax.legend()
    plt.ylabel("by pyplot")
    return fig


STYLES = {
    "dark": lambda: plt.style.use("dark_background"),
    "xkcd": plt.xkcd,
    "large fonts": lambda: plt.rcParams.update({"font.size": 30, "lines.linewidth": 9}),
    "LaTeX that is not there": lambda: plt.rcParams.update({"text.usetex": True}),
    "tight pictures": lambda: plt.rcParams.update({"savefig.bbox": "tight", "savefig.transparent": True}),
}


@pytest.mark.parametrize("choose", STYLES.values(), ids=STYLES)
def test_the_user_s_style_reaches_no_figure_of_the_course_and_comes_back(displayed, choose):
    plots.show(a_figure(), "a line")
    with matplotlib.rc_context():
        choose()
        chosen = matplotlib.rcParams.copy()
        plots.show(a_figure(), "a line")
        assert matplotlib.rcParams == chosen
    assert displayed[0] == displayed[1]


def test_a_figure_that_is_not_shown_gives_the_user_s_style_back_at_the_end_of_the_cell():
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("import matplotlib.pyplot as plt; plt.rcParams['font.size'] = 30")
        shell.run_cell("from vaegan_helpers import plots; fig, ax = plots.figure()")
        assert plt.rcParams["font.size"] == 30
        shell.run_cell("plots.figure()[1].plot(); assert plt.rcParams['font.size'] == 10; 1 / 0")
        assert plt.rcParams["font.size"] == 30
    finally:
        plt.close("all")
        InteractiveShell.clear_instance()
        matplotlib.rcdefaults()


# Colours


def test_colours_have_one_meaning_each():
    assert {"real", "generated", "encoder", "decoder", "discriminator"} <= set(plots.COLOURS)
    assert len(set(plots.COLOURS.values())) == len(plots.COLOURS)
    assert len(set(plots.DIGIT_COLOURS)) == 10


def test_a_colour_map_runs_from_white_to_its_colour():
    colours = plots.colour_map("encoder")
    np.testing.assert_allclose(colours(0.0), (1, 1, 1, 1))
    np.testing.assert_allclose(colours(1.0), matplotlib.colors.to_rgba(plots.COLOURS["encoder"]), atol=1e-6)


# Sheets of pictures


def test_a_sheet_holds_every_picture_in_its_place_as_ink_on_paper():
    images = np.random.default_rng(0).random((5, 784)).astype(np.float32)
    paper = plots.sheet(images, columns=3, gap=2)
    assert paper.shape == (2 * 28 + 2, 3 * 28 + 2 * 2)
    for i, image in enumerate(images):
        top, left = 30 * (i // 3), 30 * (i % 3)
        np.testing.assert_allclose(
            paper[top : top + 28, left : left + 28], 1 - image.reshape(28, 28), rtol=1e-6
        )
    assert np.all(paper[28:30] == 1) and np.all(paper[:, 28:30] == 1)  # the gaps
    assert np.all(paper[30:, 60:] == 1)  # the place of the sixth, missing picture


def test_a_sheet_clips_what_lies_outside_the_unit_interval():
    paper = plots.sheet(np.array([[-1.0] * 392 + [2.0] * 392]), columns=1)
    assert paper.shape == (28, 28) and paper.min() == 0 and paper.max() == 1


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: plots.sheet(np.zeros((3, 783)), 3),
            r"images must be square pictures, \(n, pixels\); got \(3, 783\)",
        ),
        (
            lambda: plots.sheet(np.zeros(784), 3),
            r"images must be an array of shape \(n, pixels\); got \(784,\)",
        ),
        (
            lambda: plots.sheet(np.zeros((3, 28, 28)), 3),
            r"images must be .* got \(3, 28, 28\)",
        ),
        (
            lambda: plots.sheet(np.zeros((0, 784)), 3),
            r"images must be .* got \(0, 784\)",
        ),
        (
            lambda: plots.sheet(np.full((3, 784), 255, np.uint8), 3),
            r"images must lie in \[0, 1\]; got values from 255 to 255",
        ),
        (lambda: plots.sheet(np.zeros((3, 784)), 0), "columns must be a whole number of at least 1; got 0"),
    ],
)
def test_bad_pictures_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_pictures_are_drawn_dark_on_white(ax):
    images = np.random.default_rng(0).random((4, 784))
    artist = plots.show_images(ax, images, columns=2, title="Four")
    np.testing.assert_allclose(artist.get_array(), plots.sheet(images, 2))
    assert artist.get_clim() == (0, 1) and artist.get_cmap()(1.0)[:3] == (1, 1, 1)
    assert ax.get_title() == "Four" and len(ax.get_xticks()) == 0
    assert plots.show_images(ax, images).get_array().shape == (28, 4 * 30 - 2)  # one row unless told


# The plane of latents


def test_each_code_has_the_colour_of_its_digit_and_each_class_its_name(ax):
    codes, labels = np.arange(12.0).reshape(6, 2), np.array([3, 3, 3, 7, 7, 7])
    artist = plots.latent_scatter(ax, codes, labels, limit=4.0)
    np.testing.assert_allclose(artist.get_offsets(), codes)
    wanted = [matplotlib.colors.to_rgb(plots.DIGIT_COLOURS[label]) for label in labels]
    np.testing.assert_allclose(artist.get_facecolors()[:, :3], wanted)
    assert [(text.get_text(), text.get_position()) for text in ax.texts] == [("3", (2, 3)), ("7", (8, 9))]
    assert ax.get_xlim() == ax.get_ylim() == (-4, 4)
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_aspect() == 1


def test_the_names_of_the_classes_can_be_left_out(ax):
    plots.latent_scatter(ax, np.zeros((2, 2)), [0, 1], legend=False)
    assert len(ax.texts) == 0


@pytest.mark.parametrize(
    "codes, labels, said",
    [
        ((4, 3), (4,), r"codes must be an array of shape \(n, 2\); got \(4, 3\)"),
        ((4,), (4,), r"codes must be .* got \(4,\)"),
        ((4, 2), (3,), "labels must be 4 whole numbers, one for each row; got 3"),
        ((4, 2), (4, 1), r"labels must be .* got int64 of shape \(4, 1\)"),
    ],
)
def test_codes_and_labels_that_do_not_fit_are_named(ax, codes, labels, said):
    with pytest.raises(ValueError, match=said):
        plots.latent_scatter(ax, np.zeros(codes), np.zeros(labels, int))


# Curves


def test_curves_are_drawn_as_given_and_named_at_their_ends(ax):
    lines = plots.curves(
        ax,
        {"loss": ([3.0, 2.0, 1.0], "#000000"), "kl": ([0.0, 1.0, 2.0], "#0072B2")},
        x=[10, 20, 30],
        ylabel="nats",
    )
    assert [line.get_xydata().tolist() for line in lines] == [
        [[10, 3], [20, 2], [30, 1]],
        [[10, 0], [20, 1], [30, 2]],
    ]
    assert [(text.get_text(), tuple(text.xy)) for text in ax.texts] == [("loss", (30, 1)), ("kl", (30, 2))]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "nats")


def test_smoothing_is_a_running_mean_placed_at_the_middle_of_its_window(ax):
    values = np.array([1.0, 5.0, 3.0, 7.0, 2.0])
    (line,) = plots.curves(ax, {"loss": (values, "#000000")}, smooth=3)
    np.testing.assert_allclose(line.get_ydata(), [3, 5, 4])
    np.testing.assert_allclose(line.get_xdata(), [1, 2, 3])


def test_figures_have_one_axes_for_each_place():
    fig, axes = plots.figure(columns=3, rows=2, width=6.0, height=4.0)
    assert axes.shape == (2, 3) and fig.get_size_inches().tolist() == [6, 4]
    assert not any(ax.spines[side].get_visible() for ax in axes.flat for side in ("top", "right"))
    plt.close(fig)


def test_an_ellipse_reaches_two_standard_deviations_to_each_side():
    fig, ax = plots.figure()
    ellipses = plots.posterior_ellipses(ax, [[1.0, 2.0]], np.log([[0.25, 4.0]]), [3], limit=5)
    np.testing.assert_allclose(
        [2 * ellipses._widths[0], 2 * ellipses._heights[0]], [4 * 0.5, 4 * 2.0]
    )  # kept halved
    np.testing.assert_allclose(ellipses.get_offsets(), [[1, 2]])
    plots.plt.close(fig)


def test_ellipses_bear_their_digits_unless_told_otherwise():
    fig, (ax, bare) = plots.figure(columns=2)
    cloud = np.zeros((2, 2)), np.zeros((2, 2)), [3, 7]
    plots.posterior_ellipses(ax, *cloud, limit=5)
    plots.posterior_ellipses(bare, *cloud, limit=5, legend=False)
    assert [text.get_text() for text in ax.texts] == ["3", "7"] and not bare.texts
    plots.plt.close(fig)


def test_only_the_discriminator_is_handed_real_data():
    fig, ax = plots.figure()
    plots.two_players(ax)
    arrows = {text.xyann: text.xy for text in ax.texts if getattr(text, "arrowprops", None)}
    boxes = {text.get_text(): text.get_position() for text in ax.texts if "\n" in text.get_text()}
    (real,) = (place for words, place in boxes.items() if words.startswith("real"))
    from_real = [end for start, end in arrows.items() if start[1] == real[1]]
    assert len(arrows) == 5 and [end[0] for end in from_real] == [6.7]  # at the inspector's left side
    plots.plt.close(fig)


def test_ellipses_need_as_many_labels_as_means():
    fig, ax = plots.figure()
    with pytest.raises(ValueError, match="labels must be 2 whole numbers"):
        plots.posterior_ellipses(ax, np.zeros((2, 2)), np.zeros((2, 2)), [1])
    plots.plt.close(fig)


def test_a_compact_picture_keeps_its_pixels_and_turns_glass_to_white():
    glass = Image.fromarray(np.zeros((4, 4, 4), np.uint8))
    glass.putpixel((0, 0), (200, 10, 10, 255))
    png = io.BytesIO()
    glass.save(png, "png")
    kept = np.asarray(Image.open(io.BytesIO(plots.compact(png.getvalue()))).convert("RGB"))
    assert kept[0, 0].tolist() == [200, 10, 10] and (kept[1:] == 255).all()


def test_a_running_mean_longer_than_its_curve_is_refused():
    fig, ax = plots.figure()
    with pytest.raises(ValueError, match="smooth must be from 1 to the 3 values of loss; got 5"):
        plots.curves(ax, {"loss": ([1, 2, 3], "black")}, smooth=5)
    plots.plt.close(fig)


@pytest.mark.parametrize("part", plots.TEXT_COLOURS)
def test_letters_in_a_parts_colour_stand_out_from_white(part):
    letters = contrast.luminance(matplotlib.colors.to_rgb(plots.TEXT_COLOURS[part]))
    assert contrast.ratio(letters, 1.0) >= 4.5


def test_a_faint_text_is_found_and_a_dark_one_is_not():
    fig, ax = plots.figure(width=4, height=3)
    ax.text(0.2, 0.2, "pale", color=plots.COLOURS["accent"])
    ax.text(0.2, 0.5, "dark", color=plots.TEXT_COLOURS["accent"])
    ax.axhspan(0.7, 1, color="black")
    ax.text(0.2, 0.8, "black on black")
    ax.set(ylim=(0, 1))
    assert [text for text, _ in contrast.faint(fig)] == ["pale", "black on black"]
    plt.close(fig)


def test_the_pictures_of_the_package_have_no_faint_text():
    codes, labels = np.random.default_rng(0).normal(size=(100, 2)), np.arange(100) % 10
    fig, (left, middle, right) = plots.figure(columns=3, width=18, height=4)
    plots.latent_scatter(left, codes, labels)
    plots.two_players(middle)
    plots.curves(right, {part: ([n, n], colour) for n, (part, colour) in enumerate(plots.COLOURS.items())})
    assert contrast.faint(fig) == []
    plt.close(fig)
