"""The explorers in JupyterLab, moved by keyboard and by mouse in a real browser without a network."""

import shutil

import browser
import execute_notebooks
import nbformat
import pytest
from nbconvert import HTMLExporter

NOTEBOOKS = browser.ROOT / "notebooks"

SETUP = """
import jax, numpy as np
from flax import nnx
from vaegan_helpers import models, widgets

key = jax.random.key
vae, wide = models.VAE(key=key(1)), models.VAE(z_dim=4, key=key(2))
gan = models.Generator(4, key=key(3))

class Linear(nnx.Module):
    def __init__(self, z_dim):
        self.weights = nnx.Param(jax.random.normal(jax.random.key(0), (z_dim, 784)))
        self.z_dim = z_dim
    def decode(self, z):
        return jax.nn.sigmoid(z @ self.weights[...])

random = np.random.default_rng(0)
codes, four = random.normal(size=(60, 2)), random.normal(size=(60, 4))
labels, images = np.arange(60) % 10, random.random((60, 784)).astype(np.float32)
"""
EXPLORERS = {
    "plane": "widgets.LatentPlane(vae, codes, labels)",
    "two models": "widgets.LatentPlane({'VAE': vae, 'a model of a learner': Linear(2)})",
    "interpolation": "widgets.Interpolation(wide, four, images, labels)",
    "traversal": "widgets.Traversal(wide, four)",
    "sampler": "widgets.Sampler(vae)",
    "KL playground": "widgets.KLPlayground()",
    "drawing": "widgets.DrawDigit(model=vae, codes=codes, code_labels=labels)",
    "side by side": "widgets.SideBySide({'VAE': wide, 'GAN': gan}, images, labels)",
    "discriminator": "widgets.DiscriminatorGame(wide, models.Discriminator(key=key(4)), images)",
    "flipbook": "widgets.flipbook([image for image in images[:4]], label='Step', alt='Four pictures')",
}


def notebook_of(cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Copies of the course's notebooks, and the explorers in a notebook of their own, fresh and stored."""
    folder = tmp_path_factory.mktemp("browser") / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    cells = [SETUP, *EXPLORERS.values()]
    nbformat.write(notebook_of(cells), folder / "explorers.ipynb")
    nbformat.write(
        notebook_of(["from vaegan_helpers import widgets", "widgets.DrawDigit()"]), folder / "drawing.ipynb"
    )
    stored = notebook_of(cells)
    execute_notebooks.execute(stored, browser.ROOT)
    execute_notebooks.clean(stored)
    nbformat.write(stored, folder / "stored.ipynb")
    return folder


@pytest.fixture(scope="session")
def server(chromium, folder, tmp_path_factory):
    with browser.course_server(folder, tmp_path_factory.mktemp("jupyter")) as address_and_token:
        yield address_and_token


@pytest.fixture(scope="module")
def open_lab(chromium, server):
    """A function that opens a page of JupyterLab."""

    def open_lab(path, width=1280, height=1000, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        return browser.Lab(context, *server).open(path)

    return open_lab


@pytest.fixture
def new_lab(open_lab):
    """A function that opens a notebook in a page of its own; closed after the test, with its kernel."""
    opened = []

    def open_one(*args, **options):
        opened.append(open_lab(*args, **options))
        return opened[-1]

    yield open_one
    for lab in opened:
        lab.close()


@pytest.fixture(scope="module")
def explorers(open_lab):
    """The explorers' own notebook, run; one page for all tests that move it."""
    lab = open_lab("explorers.ipynb")
    lab.run_all()
    yield lab
    lab.close()


def assert_healthy(lab):
    failed = [
        output.get("evalue")
        for cell in lab.cells()
        if "raises-exception" not in cell["metadata"].get("tags", [])
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]
    assert not failed
    assert not lab.errors
    assert not lab.strangers


def assert_everything_moves(output):
    moved = []
    for name, move in output.moves():
        assert output.changes(move), f"{name}: nothing changed"
        moved.append(name)
    return moved


def test_every_explorer_moves_by_keyboard_and_by_mouse(explorers):
    outputs = browser.outputs_of(explorers.page)
    assert len(outputs) == len(EXPLORERS)
    moved = []
    for output in outputs:
        moved += assert_everything_moves(output)
    for what in (
        "pad",
        "Position",
        "Temperature",
        "Standard deviation",
        "drawing",
        "number",
        "flipbook",
        "Walk",
    ):
        assert f"{what} by key" in moved, " | ".join(moved)
    assert sum(name.startswith("latent") for name in moved) == 12
    assert_healthy(explorers)


def test_pictures_have_alternative_texts_and_controls_have_names_and_a_visible_focus(explorers):
    page = explorers.page
    page.wait_for_function(
        """() => [...document.querySelectorAll('.vg-explorer [role=img]')].every((image) =>
        image.getAttribute('aria-label')?.length > 10)"""
    )
    unnamed = page.evaluate("""() => [...document.querySelectorAll(
        '.vg-explorer [tabindex="0"], .vg-explorer :is(button, input, select)')].filter((control) =>
        !control.getAttribute('aria-label') && !control.labels?.length && !control.textContent.trim())
        .map((control) => control.outerHTML)""")
    assert not unnamed
    for kind in (".vg-pad[tabindex]", "button", "select", "input[type=range]", "input[type=number]"):
        control = page.locator(f".vg-explorer {kind}").first
        control.scroll_into_view_if_needed()
        page.keyboard.press("Tab")  # the keyboard was used last, so the browser shows the focus
        control.focus()
        width, style = control.evaluate(
            "e => [getComputedStyle(e).outlineWidth, getComputedStyle(e).outlineStyle]"
        )
        assert float(width.removesuffix("px")) >= 2 and style != "none", f"{kind} hides its focus"


def test_the_pad_takes_steps_larger_steps_and_goes_home(explorers):
    pad = explorers.page.locator(".vg-pad[tabindex]").first

    def point():
        numbers = pad.get_attribute("aria-label").split(": ")[1].rstrip(".")
        return [float(part) for part in numbers.split(", ")]

    pad.press("Home")
    pad.press("ArrowRight")
    step = point()[0]
    pad.press("Shift+ArrowUp")
    assert step > 0 and point()[1] == pytest.approx(5 * step, abs=0.02)
    for _ in range(80):
        pad.press("Shift+ArrowRight")
    edge = point()[0]
    pad.press("Shift+ArrowRight")
    assert point()[0] == edge
    pad.press("Home")
    assert point() == [0, 0]
    assert_healthy(explorers)


def test_a_walk_is_spoken_once_it_rests(explorers):
    output = browser.outputs_of(explorers.page)[list(EXPLORERS).index("interpolation")]
    spoken, line = output.root.locator(".vg-spoken"), output.root.locator(".vg-caption")
    spoken.evaluate(
        "(e) => { window.said = 0; new MutationObserver(() => window.said++).observe(e, {childList: true}); }"
    )
    handle = output.root.locator("input[type=range]").first
    handle.focus()
    for _ in range(5):
        handle.press("ArrowLeft")
        explorers.page.wait_for_timeout(100)
    explorers.page.wait_for_timeout(1200)
    assert spoken.text_content() == line.text_content()
    assert explorers.page.evaluate("() => window.said") == 1


@pytest.mark.parametrize("width", [1280, 800, 360])
def test_nothing_sticks_out_or_overlaps(explorers, width):
    explorers.page.set_viewport_size({"width": width, "height": 1000})
    explorers.page.wait_for_timeout(500)
    for output in browser.outputs_of(explorers.page):
        assert not output.root.evaluate(browser.CROWDED)


@pytest.mark.parametrize("trusted", [False, True])
def test_without_a_kernel_the_stored_pictures_and_their_words_are_shown(new_lab, trusted):
    lab = new_lab("stored.ipynb")
    page = lab.page
    if trusted:
        page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.forEach(
            (cell) => { cell.model.trusted = true; })"""
        )
    pictures = page.locator(".jp-OutputArea-output img")
    pictures.first.wait_for()
    alts = pictures.evaluate_all("images => images.map((image) => [image.alt, image.naturalWidth])")
    assert len(alts) >= len(EXPLORERS) and all(len(alt) >= 10 and width > 20 for alt, width in alts)
    text = page.locator(".jp-Notebook").inner_text()
    assert "VBox(" not in text and "Error displaying widget" not in text and "Loading widget" not in text
    book = page.locator("input[type=range]")
    assert book.is_visible() if trusted else not book.is_visible()
    if trusted:
        output = browser.Output(page, page.locator("figure[data-frames]"))
        assert output.changes(lambda: book.press("ArrowLeft"))
    assert_healthy(lab)


def test_saved_and_opened_again_without_its_kernel_an_explorer_is_a_picture(new_lab, folder):
    shutil.copy(folder / "drawing.ipynb", folder / "saved.ipynb")
    lab = new_lab("saved.ipynb")
    lab.run_all()
    lab.page.locator(".vg-pad").first.wait_for()
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert lab.page.locator(".vg-pad").first.is_visible(), "saving should leave the live explorer alone"
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page = new_lab("saved.ipynb").page
    picture = page.locator(".jp-OutputArea-output img").first
    picture.wait_for()
    assert len(picture.get_attribute("alt")) >= 10
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()


def test_the_exported_page_leafs_without_kernel_and_network(chromium, folder):
    html, _ = HTMLExporter(template_name="lab").from_filename(str(folder / "stored.ipynb"))
    page_path = folder / "stored.html"
    page_path.write_text(html, encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.route(lambda url: url.startswith("http"), lambda route: route.abort())
    page.goto(page_path.as_uri(), wait_until="domcontentloaded")
    book, picture, caption = (
        page.locator("input[type=range]"),
        page.locator("figure[data-frames] img"),
        page.locator("figure[data-frames] figcaption"),
    )
    assert book.is_visible() and caption.inner_text() == "4 of 4"
    seen = [picture.get_attribute("src")]
    for wanted in ("3 of 4", "2 of 4"):
        book.press("ArrowLeft")
        assert caption.inner_text() == wanted and book.get_attribute("aria-valuetext") == wanted
        seen.append(picture.get_attribute("src"))
    box = book.bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    assert caption.inner_text() == "1 of 4"
    assert len({*seen, picture.get_attribute("src")}) == 4
    assert page.evaluate("""() => [...document.querySelectorAll('.jp-OutputArea-output img')]
        .every((image) => image.alt && image.naturalWidth > 20)""")
    context.close()
