"""Explorers where people open them: JupyterLab and Notebook 7, themes, narrow windows, dead kernels."""

import json

import browser
import ipywidgets
import nbformat
import numpy as np
import pytest
from test_browser import EXPLORERS, SETUP, assert_healthy, notebook_of

from vaegan_helpers.widgets import base, points

LIVE = {name: source for name, source in EXPLORERS.items() if name != "flipbook"}
COUNT = """import gc, ipywidgets
gc.collect()
len([widget for widget in ipywidgets.widget._instances.values() if widget.comm is not None])"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorers") / "notebooks"
    folder.mkdir()
    for name, cells in {
        "explorers": [SETUP, *LIVE.values()],
        "restart": [
            SETUP,
            f"plane = {LIVE['plane']}\nplane",
            LIVE["two models"],
            "plane.set_state({'point': [None, 'a']}); print(plane.point)",  # a page that is wrong
        ],
        "busy": [f"{SETUP}\nimport time\nwait = 0", LIVE["plane"], "time.sleep(wait)\nwait = 15"],
        "again": [SETUP, LIVE["plane"], "shown = " + LIVE["sampler"] + "\nshown", COUNT],
    }.items():
        nbformat.write(notebook_of(cells), folder / f"{name}.ipynb")
    return folder


@pytest.fixture(scope="module", params=["vaegan_helpers", "notebook"])
def server(chromium, folder, request, tmp_path_factory):
    with browser.course_server(
        folder, tmp_path_factory.mktemp("jupyter"), request.param
    ) as address_and_token:
        yield request.param, *address_and_token


@pytest.fixture(scope="module")
def open_page(chromium, server):
    """A function that opens a notebook in JupyterLab or Notebook 7."""
    opened = []

    def open_page(path, width=1280, height=1000):
        program, address, token = server
        context = chromium.new_context(viewport={"width": width, "height": height})
        lab = browser.Lab(context, address, token)
        lab.open(path, "notebooks" if program == "notebook" else "doc/tree")
        lab.errors.clear()  # Notebook 7 stumbles over its own settings as it starts
        opened.append(lab)
        return lab

    yield open_page
    for lab in opened:
        lab.close()


@pytest.fixture(scope="module")
def lab(open_page):
    lab = open_page("explorers.ipynb")
    run(lab, len(LIVE))
    yield lab


def run(lab, explorers):
    lab.run_all()
    lab.page.wait_for_function(
        "(n) => document.querySelectorAll('.vg-explorer .vg-caption:not(:empty)').length === n",
        arg=explorers,
        timeout=90_000,
    )


def explorers_of(lab):
    return dict(zip(LIVE, browser.outputs_of(lab.page), strict=True))


BUSY = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"


def run_cell(lab, index, wait=True):
    """Runs one cell."""
    lab.page.evaluate(
        """async ([index, wait]) => {
        const panel = window.jupyterapp.shell.currentWidget;
        panel.content.activeCellIndex = index;
        const ran = window.jupyterapp.commands.execute('notebook:run-cell');
        if (wait) await ran;
    }""",
        [index, wait],
    )


def text_of_cell(lab, index):
    """The text of a cell's last output."""
    return "".join(lab.cells()[index]["outputs"][-1]["data"]["text/plain"])


def test_everything_moves_by_key_mouse_and_finger(lab):
    for name, output in explorers_of(lab).items():
        ways = {how.rpartition(" ")[2]: (how, move) for how, move in output.moves()}
        for how, move in ways.values():  # test_browser.py moves every single control
            assert output.changes(move), f"{name}, {how}: nothing changed"
    assert_healthy(lab)


LETTERS = [*"abcdefghijklmnopqrstuvwxyz", "Enter", "Shift+Enter", "Escape"]


def test_letters_pressed_in_an_explorer_stay_there_and_tab_leads_out(lab):
    page = lab.page
    kinds = lambda: [(cell["cell_type"], cell["source"]) for cell in lab.cells()]  # noqa: E731
    before = kinds()
    for kind in ("input[type=range]", ".vg-pad[tabindex]", "button", "select", "input[type=number]"):
        control = page.locator(f".vg-explorer {kind}").first
        for letter in LETTERS if kind != "button" else LETTERS[:26]:
            control.press(letter)
    assert kinds() == before
    for name, output in explorers_of(lab).items():
        focusable = "button, input, select, [tabindex='0']"
        output.root.locator(focusable).first.focus()
        for _ in range(output.root.locator(focusable).count() + 1):
            page.keyboard.press("Tab")
        assert not output.root.evaluate("(root) => root.contains(document.activeElement)"), (
            f"{name} keeps Tab"
        )
    assert kinds() == before


# Every text of an explorer that stands out less than 4.5 to 1 from what is behind it (WCAG 2.1, 1.4.3).
CONTRAST = """(root) => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (c) => c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(e).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const wrong = [];
  for (const e of root.querySelectorAll('*:not(option)')) {
    const words = [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!words || !e.getClientRects().length) continue;
    const drawn = e.namespaceURI.includes('svg'), style = getComputedStyle(e);
    const ink = channels(drawn ? style.fill : style.color), paper = drawn ? [255, 255, 255] : behind(e);
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) wrong.push(`${e.textContent}: ${ink} on ${paper}`);
  }
  return wrong;
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_text_stands_out_in_both_themes(lab, theme):
    lab.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    lab.page.wait_for_function(
        "(dark) => document.body.dataset.jpThemeLight === String(!dark)", arg="Dark" in theme
    )
    lab.page.wait_for_timeout(300)
    for name, output in explorers_of(lab).items():
        assert not output.root.evaluate(CONTRAST), name


@pytest.mark.parametrize("width", [1280, 800, 360])
def test_nothing_is_cut_off(lab, width):
    lab.page.set_viewport_size({"width": width, "height": 1000})
    lab.page.wait_for_timeout(500)
    for name, output in explorers_of(lab).items():
        assert not output.root.evaluate(browser.CROWDED), name
        right = output.root.evaluate("(root) => root.getBoundingClientRect().right")
        assert right <= width, name
    lab.page.set_viewport_size({"width": 1280, "height": 1000})


def test_a_handle_is_24_pixels_wide(lab):
    slider = explorers_of(lab)["KL playground"].root.locator("input[type=range]").first
    slider.evaluate("(e) => { e.value = 0; e.dispatchEvent(new Event('input')); }")
    slider.scroll_into_view_if_needed()
    box = None
    while box != (box := slider.bounding_box()):  # the page was narrow a moment ago, and is laid out anew
        lab.page.wait_for_timeout(300)
    assert box["height"] >= 24
    for away in (-11, 11):  # on the handle, the mouse takes hold of it where it is
        lab.page.mouse.move(box["x"] + box["width"] / 2 + away, box["y"] + box["height"] / 2)
        lab.page.mouse.down()
        lab.page.mouse.up()
        assert slider.evaluate("(e) => Number(e.value)") == 0
    lab.page.mouse.click(box["x"] + box["width"] / 2 + 20, box["y"] + box["height"] / 2)
    assert slider.evaluate("(e) => Number(e.value)") > 0


def test_a_kernel_that_was_restarted_leaves_the_explorer_alive(open_page):
    lab = open_page("restart.ipynb")
    run(lab, 2)
    own, mixed = browser.outputs_of(lab.page)
    own.root.locator(".vg-notice", has_text="makes no sense").wait_for()
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    for output in (own, mixed):
        output.root.locator(".vg-notice", has_text="run this cell again").wait_for()
    pad = own.root.locator(".vg-pad")
    assert own.changes(lambda: pad.press("ArrowRight"))
    assert mixed.changes(lambda: mixed.root.locator(".vg-pad").press("ArrowRight"))
    assert not lab.errors


def test_it_moves_while_the_kernel_is_busy_and_a_cell_hears_once_the_hand_rests(open_page):
    lab = open_page("busy.ipynb")
    sent = []
    lab.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    lab.page.reload()
    lab.wait()
    run(lab, 1)
    (plane,) = browser.outputs_of(lab.page)
    pad = plane.root.locator(".vg-pad")
    run_cell(lab, 2, wait=False)
    lab.page.wait_for_function(BUSY)
    comms = lambda: sum(b"comm_msg" in frame for frame in sent if isinstance(frame, bytes))  # noqa: E731
    before, box = comms(), pad.bounding_box()
    assert plane.changes(lambda: pad.press("ArrowRight"), seconds=1)
    lab.page.mouse.move(box["x"] + 100, box["y"] + 100)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 200, box["y"] + 150, steps=30)
    moving = comms()
    lab.page.wait_for_timeout(1000)
    lab.page.mouse.up()
    assert moving - before <= 1 and 1 <= comms() - before <= 2  # the key; the mouse at rest
    assert lab.page.evaluate(BUSY)


RUN_AGAIN = """async ([cells, times]) => {
  const { commands, shell } = window.jupyterapp;
  for (let k = 0; k < times; k++)
    for (const cell of cells) {
      shell.currentWidget.content.activeCellIndex = cell;
      await commands.execute('notebook:run-cell');
    }
}"""


def test_a_cell_run_50_times_leaves_nothing_behind(open_page, server):  # in Notebook 7, of the same parts, 10
    lab = open_page("again.ipynb")
    run(lab, 2)
    in_the_page = """async () => {
      const panel = window.jupyterapp.shell.currentWidget;
      return document.querySelectorAll('.vg-explorer').length;
    }"""
    run_cell(lab, 3)
    before, seen = text_of_cell(lab, 3), lab.page.evaluate(in_the_page)
    lab.page.evaluate(RUN_AGAIN, [[1, 2], 50 if server[0] == "vaegan_helpers" else 10])
    run_cell(lab, 3)
    assert text_of_cell(lab, 3) == before
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.vg-explorer .vg-caption:not(:empty)').length === 2"
    )
    assert lab.page.evaluate(in_the_page) == seen
    assert_healthy(lab)


@pytest.fixture(scope="module")
def made():
    """Every explorer, made in this process."""
    scope = {}
    exec(SETUP, scope)
    made = {name: eval(source, scope) for name, source in LIVE.items()}
    yield made
    for explorer in made.values():
        explorer.close()


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "dark")])
def test_an_exported_page_moves_without_kernel_and_network(chromium, made, tmp_path, width, scheme):
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, has_touch=True
    )
    for name, explorer in made.items():
        path, errors, asked = tmp_path / "page.html", [], []
        path.write_text(explorer.page(), encoding="utf-8")
        page = context.new_page()
        page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(path.as_uri())
        output = browser.Output(page, page.locator(".vg-explorer"))
        output.root.locator(".vg-caption:not(:empty)").wait_for()
        ways = {how.rpartition(" ")[2]: (how, move) for how, move in output.moves()}
        for how, move in ways.values():  # one by key, one by mouse, one by finger
            assert output.changes(move), f"{name}, {how}: nothing changed"
        if name == "two models":  # one of them is a learner's own, which only a kernel can compute
            output.root.locator(".vg-notice", has_text="this page has none").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert not output.root.evaluate(browser.CROWDED) and not output.root.evaluate(CONTRAST), name
        assert not errors and not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
        page.close()
    context.close()


def test_points_are_set_down_by_mouse_and_by_keyboard_the_same_every_time(chromium, tmp_path):
    drawn = points.DrawPoints()
    state = {"places": [], "notice": "", "data": drawn.data}
    (tmp_path / "page.html").write_text(
        f"""<style>{base.CSS}</style><main></main><script type="module">{base.script("page/stand_in.js")}
        {base.script_once(drawn._esm)}
        window.model = standIn({json.dumps(state)});
        shown.render({{ model, el: document.querySelector("main") }});</script>""",
        encoding="utf-8",
    )
    drawn.close()
    page = chromium.new_page()
    seen = []
    for _ in range(2):
        page.goto((tmp_path / "page.html").as_uri())
        pad = page.locator(".vg-pad")
        box = pad.bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        for x in (60, 61, 100, 181):  # a fast hand is heard of only now and then
            page.mouse.move(box["x"] + x, box["y"] + 20)
        page.mouse.up()
        page.mouse.move(box["x"] + 100, box["y"] + 100)  # the button is up
        for key in (" ", "ArrowDown", " ", "ArrowDown"):
            pad.press(key)
        seen.append(np.array(page.evaluate("() => model.get('places')")))
    assert len(seen[0]) == 23 and np.array_equal(*seen)  # every 8 pixels from 20 to 180, and two by key
    assert np.allclose(seen[0][:21, 1], 2.5 - 5 * 20 / 240, atol=0.15)
    assert np.allclose(np.diff(seen[0][:21, 0]), 8 * 5 / 240, atol=0.2)
    pad.press("Delete")
    assert page.evaluate("() => model.get('places')") == []
    page.close()


def test_an_exported_page_without_scripts_is_a_picture(chromium, made, tmp_path):
    (tmp_path / "page.html").write_text(made["plane"].page(), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert all(len(image.get_attribute("alt")) > 10 for image in page.locator("img").all())
    assert page.locator("img").count() == 2 and "Latent plane. Latent 1" in page.locator("body").inner_text()
    context.close()


def test_saved_with_the_state_of_its_widgets_it_lives_without_a_kernel(made, folder, open_page):
    plane = made["plane"]
    notebook = notebook_of(["widgets.LatentPlane(vae, codes, labels)"])
    cell = notebook.cells[0]
    cell.outputs = [nbformat.v4.new_output("execute_result", plane._repr_mimebundle_(), execution_count=1)]
    state = ipywidgets.Widget.get_manager_state(widgets=[plane, plane.layout])
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    nbformat.write(notebook, folder / "saved.ipynb")
    lab = open_page("saved.ipynb")  # its kernel knows nothing of the plane
    lab.page.evaluate("""() => {
        for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) cell.model.trusted = true;
    }""")
    lab.page.locator(".vg-explorer .vg-caption:not(:empty)").wait_for()
    output = browser.outputs_of(lab.page)[0]
    assert output.changes(lambda: output.root.locator(".vg-pad").press("ArrowRight"))
    assert output.changes(lambda: output.drag(output.root.locator(".vg-pad"), [(0.3, 0.4), (0.6, 0.7)]))
    assert not lab.errors
