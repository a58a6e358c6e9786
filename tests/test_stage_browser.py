"""The training stage in JupyterLab and Notebook 7: played, steered, rewound and drawn on, by mouse, finger
and keyboard."""

import io
import json
import re
import time

import browser
import nbformat
import numpy as np
import pytest
from PIL import Image
from test_browser import assert_healthy, notebook_of

from vaegan_helpers import stage

CELLS = [
    "import time\nfrom vaegan_helpers import stage, widgets",
    "first = stage.TrainingStage(hidden_dim=16)\nfirst",
    "second = stage.TrainingStage('two Gaussians', hidden_dim=16)\nsecond",
    "second.step(12)\nprint('driven')",
]
TABS = ("Draw data", "GAN", "Remedies", "VAE", "Data", "Networks", "Keep")
OF_PAGE = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
KERNEL = """(code) =>
  window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code}).done"""
ACTIVE_CELL = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
UNNAMED = """(root) =>
  [...root.querySelectorAll('button, input, select, textarea, canvas:not([aria-hidden]), [tabindex="0"]')]
    .filter((control) => control.getClientRects().length && !control.getAttribute('aria-label')
      && !control.labels?.length && !control.textContent.trim() && !control.title)
    .map((control) => control.outerHTML)"""
CUT_LABELS = """(root) => [...root.querySelectorAll('.vg-switch')]
    .filter((label) => label.scrollWidth > label.clientWidth + 1).map((label) => label.textContent)"""
# Every text that can be seen whose contrast to what lies behind it is below 4.5 to 1.
PALE_TEXTS = """(root) => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
      if (a > 0.5) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), wrong = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    if (element.closest('option, :disabled')) continue;
    const svg = element.closest('svg'), ink = parse(svg ? style.fill : style.color);
    const inBox = svg && style.fill === 'rgb(34, 34, 34)'; // words of the diagrams stand in white boxes
    const paper = inBox ? [255, 255, 255] : behind(element);
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) wrong.push(`${walker.currentNode.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return wrong;
}"""


class Hand:
    """One stage on the page, and a hand that moves it."""

    def __init__(self, page, number=0):
        self.page = page
        self.root = page.locator(".vg-stage").nth(number)
        self.output = browser.Output(page, self.root)

    def find(self, selector, number=0):
        return self.root.locator(selector).nth(number)

    def button(self, name):
        return self.root.get_by_role("button", name=name).and_(self.root.locator("button:visible")).first

    def field(self, label):
        return (
            self.root.get_by_label(label, exact=True)
            .and_(self.root.locator("input:visible, select:visible"))
            .first
        )

    def switch(self, label):
        """The check box of a layer or a chart."""
        return self.root.locator(".vg-switch").filter(has_text=re.compile(f"^{label}$")).locator("input")

    def turn_to(self, page):
        self.find(".vg-chooser").get_by_role("button", name=page, exact=True).click()

    def until(self, condition, seconds=60, what=""):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (
                f"{what or 'what was awaited'} did not come; "
                f"{self.find('.vg-time').inner_text()!r}, {self.words!r}"
            )
            self.page.wait_for_timeout(20)

    @property
    def round(self):
        words = self.find(".vg-count").evaluate("e => e.firstChild?.textContent ?? 'Round -1'")
        return int(words.removeprefix("Round ").replace(",", ""))

    @property
    def words(self):
        return self.find(".vg-caption").inner_text()

    @property
    def readout(self):
        return self.find(".vg-readout").inner_text()

    @property
    def playing(self):
        return "Pause" in self.find(".vg-play").inner_text()

    def press_on_pictures(self, *keys):
        self.find(".vg-region").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def rest(self):
        """Paused, with the last picture on the page."""
        if self.playing:
            self.find(".vg-play").click()
        self.until(lambda: not self.playing and self.words.startswith(f"Round {self.round}"))
        self.output.settle()

    def begin_anew(self):
        self.rest()
        self.button("Start again").click()
        self.until(lambda: self.round == 0)
        self.output.settle()

    def go(self, rounds):
        """So many tens of rounds on, by key."""
        for _ in range(rounds // 10):
            begun = self.round
            self.press_on_pictures("Shift+ArrowRight")
            self.until(lambda: self.round == begun + 10)  # noqa: B023
        self.until(lambda: self.words.startswith(f"Round {self.round}"))
        self.output.settle()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage") / "notebooks"
    folder.mkdir()
    for name in ("stage", "again", "tabs", "seven"):
        nbformat.write(notebook_of(CELLS if name == "stage" else CELLS[:2]), folder / f"{name}.ipynb")
    return folder


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    with browser.course_server(folder, tmp_path_factory.mktemp("jupyter")) as (address, token):
        yield address, token


@pytest.fixture(scope="module")
def lab(chromium, server):
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, accept_downloads=True, has_touch=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab = browser.Lab(context, *server).open("stage.ipynb")
    lab.run_all()
    Hand(lab.page, 1).until(lambda: Hand(lab.page, 1).round == 12)
    yield lab
    lab.close()


@pytest.fixture
def hand(lab):
    """The first stage, paused at round 0."""
    hand = Hand(lab.page)
    hand.begin_anew()
    yield hand
    hand.rest()
    assert_healthy(lab)


def test_it_plays_and_pauses_by_mouse(hand):
    before = hand.output.look()
    hand.find(".vg-play").click()
    hand.until(lambda: hand.playing and hand.round > 20)
    assert hand.output.look() != before
    hand.rest()
    stands, words = hand.round, hand.words
    assert words.startswith(f"Round {stands}.") and "D's loss ≈" in words and "of 8 modes" in words
    hand.page.wait_for_timeout(600)
    assert hand.round == stands and hand.words == words


def test_it_plays_and_pauses_by_touch(hand):
    hand.find(".vg-play").tap()
    hand.until(lambda: hand.playing and hand.round > 5)
    hand.find(".vg-play").tap()
    hand.until(lambda: not hand.playing)
    hand.rest()
    hand.find(".vg-plane canvas", 1).tap()
    hand.until(lambda: "D says" in hand.readout)


def test_keys_on_the_pictures_play_step_and_go_back(hand):
    cell = hand.page.evaluate(ACTIVE_CELL)
    hand.press_on_pictures("Space")
    hand.until(lambda: hand.playing and hand.round > 12)
    hand.press_on_pictures("Space")
    hand.until(lambda: not hand.playing)
    hand.rest()
    end = hand.round
    hand.press_on_pictures("ArrowRight")
    hand.until(lambda: hand.round == end + 1)
    before = hand.output.look()
    hand.press_on_pictures("ArrowLeft")
    hand.until(lambda: hand.round <= end)
    hand.output.settle()
    assert hand.output.look() != before
    hand.press_on_pictures("Home")
    hand.until(lambda: hand.round == 0)
    hand.press_on_pictures("End")
    hand.until(lambda: hand.round == end + 1)
    assert hand.page.evaluate(ACTIVE_CELL) == cell


def test_step_moves_who_was_chosen(hand):
    hand.button("D only").click()
    hand.button("Step").click()
    hand.until(lambda: hand.round == 1)
    hand.until(lambda: "D's loss" in hand.words and "G's loss" not in hand.words)
    assert hand.root.get_by_role("img", name="Networks of the GAN: D learns", exact=True).count() == 1
    hand.button("G only").click()
    hand.button("Step").click()
    hand.until(lambda: hand.round == 2)
    hand.until(lambda: "G's loss" in hand.words and "D's loss" not in hand.words)
    hand.button("D and G").click()


def test_the_timeline_goes_back_by_mouse_and_by_key_and_another_future_begins(hand):
    hand.go(40)
    before = hand.output.look()
    slider = hand.find(".vg-time input")
    hand.output.drag(slider, [(0.99, 0.5), (0.5, 0.5)])
    hand.until(lambda: hand.round in (10, 20))
    hand.output.settle()
    assert hand.output.look() != before
    now = hand.round
    slider.press("ArrowRight")
    hand.until(lambda: hand.round == now + 10)
    slider.press("ArrowLeft")
    hand.until(lambda: hand.round == now)
    assert "of 40" in hand.find(".vg-count").inner_text()
    hand.button("Step").click()
    hand.until(lambda: hand.round == now + 1)
    assert "of 40" not in hand.find(".vg-count").inner_text()


def test_a_rate_and_a_loss_are_changed_while_it_runs(hand):
    hand.turn_to("GAN")
    hand.find(".vg-play").click()
    hand.until(lambda: hand.round > 5)
    twice = hand.root.get_by_role("button", name="Twice as much: Learning rate of D")
    clicked = "b => { b.click(); b.click(); return b.parentElement.querySelector('input').value; }"
    assert twice.evaluate(clicked) == "0.004", "the page moves at once, and no click is lost"
    hand.until(lambda: "Learning rate of D: 0.004" in hand.words)
    assert hand.field("Learning rate of D").input_value() == "0.004"
    changed = hand.round
    hand.until(lambda: hand.playing and hand.round > changed + 5)
    hand.field("Loss").select_option("least squares")
    hand.until(lambda: "Loss: least squares" in hand.words)
    hand.rest()
    hand.field("Learning rate of D").fill("0.001")
    hand.field("Learning rate of D").press("Enter")
    hand.until(lambda: "Learning rate of D: 0.001" in hand.words)
    hand.field("Loss").select_option("non-saturating")
    hand.until(lambda: "Loss: non-saturating" in hand.words)


HOLD = """import threading, time

def hold():
    with first._lock:
        time.sleep(2)
    first.send({"changed": True})

threading.Thread(target=hold).start()"""


def test_a_change_that_a_busy_stage_does_not_hear_is_put_back(hand):
    hand.turn_to("GAN")
    field = hand.field("Learning rate of G")
    stands = field.input_value()
    hand.page.evaluate(KERNEL, HOLD)
    field.fill("0.5")
    field.press("Enter")
    hand.until(lambda: "A cell is moving this stage" in hand.find(".vg-messages").inner_text())
    hand.until(lambda: field.input_value() == stands)
    hand.until(lambda: not hand.find(".vg-messages").inner_text())


def test_a_rate_of_zero_is_answered_in_words_and_nothing_changes(hand):
    hand.turn_to("GAN")
    field = hand.field("Learning rate of G")
    field.fill("0")
    field.press("Enter")
    hand.until(lambda: hand.root.get_by_role("alert").count() == 1)
    assert "Learning rate of G must be a positive number" in hand.root.get_by_role("alert").inner_text()
    assert field.input_value() == "0.001"
    hand.button("Step").click()
    hand.until(lambda: hand.round == 1 and hand.root.get_by_role("alert").count() == 0)


def test_a_distribution_is_drawn_by_mouse_and_by_keyboard(hand):
    hand.turn_to("Draw data")
    pad = hand.find(".vg-drawing .vg-pad")
    hand.output.drag(pad, [(0.4, 0.5), (0.5, 0.5)])

    def count():
        return int(hand.find(".vg-note[role=status]").inner_text().split()[0])

    hand.until(lambda: 0 < count() < 20)
    hand.button("Learn this drawing").click()
    hand.until(lambda: hand.root.get_by_role("alert").count() == 1)
    assert "at least 20 points" in hand.root.get_by_role("alert").inner_text()
    hand.button("Clear the page").click()
    hand.until(lambda: count() == 0)
    hand.output.drag(pad, [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)])
    hand.until(lambda: count() >= 20)
    before = hand.output.look()
    hand.button("Learn this drawing").click()
    hand.until(lambda: "drawn points" in hand.words and hand.round == 0)
    assert hand.output.look() != before and hand.root.get_by_role("alert").count() == 0
    pad.focus()
    for key in ["Delete", "Space", *["ArrowRight", "ArrowDown"] * 10, "Space"]:
        hand.page.keyboard.press(key)
    hand.until(lambda: count() > 20)
    drawn = count()
    hand.button("Learn this drawing").press("Enter")
    hand.until(lambda: f"{drawn} drawn points" in hand.words)
    hand.press_on_pictures("ArrowRight")
    hand.until(lambda: hand.round == 1)
    hand.turn_to("Data")
    hand.field("Data").select_option("ring")
    hand.until(lambda: "Data: ring" in hand.words)


def test_slow_motion_goes_through_a_round_in_captioned_parts(hand):
    hand.button("Slow motion").click()
    hand.until(lambda: hand.find(".vg-phase").count() == 1)
    looks = set()
    for number in range(1, 16):
        hand.press_on_pictures("ArrowRight")
        hand.until(lambda: f"{number} of 15:" in hand.find(".vg-phase").inner_text())  # noqa: B023
        hand.output.settle()
        looks.add(hand.output.look())
    assert len(looks) == 15 and hand.round == 1
    hand.button("Slow motion").click()
    hand.until(lambda: hand.root.locator(".vg-phase").count() == 0)


def test_every_layer_and_chart_is_switched(hand):
    hand.go(10)
    boxes = hand.root.locator(".vg-switch input:visible")
    assert boxes.count() == 17

    def seen():
        return hand.output.look(), hand.root.locator("canvas:visible").count()

    for i in range(boxes.count()):
        for act in (lambda: boxes.nth(i).press("Space"), boxes.nth(i).click):  # noqa: B023
            before = seen()
            act()
            hand.until(lambda: seen() != before, what=f"a change by switch {i}")  # noqa: B023


def test_what_was_found_is_kept(hand):
    hand.turn_to("Keep")
    hand.go(10)
    with hand.page.expect_download() as saved:
        hand.button("Save the picture").click()
    picture = Image.open(io.BytesIO(saved.value.path().read_bytes())).convert("RGB")
    assert (
        saved.value.suggested_filename == "training_stage.png"
        and min(picture.size) > 400
        and np.ptp(np.asarray(picture)) == 255
    )
    with hand.page.expect_download() as saved:
        hand.button("Save the history").click()
    rows = saved.value.path().read_text().splitlines()
    assert rows[0].startswith("round,discriminator_loss") and len(rows) == 12
    hand.turn_to("GAN")
    hand.turn_to("Keep")
    hand.until(lambda: hand.find(".vg-code textarea").input_value() != "")
    hand.root.get_by_title("Copies: Rebuilds this stage at round 0").click()
    hand.until(lambda: "Copied" in hand.words)
    code = hand.page.evaluate("() => navigator.clipboard.readText()")
    assert code == hand.find(".vg-code textarea").input_value()
    assert code.startswith("stage.TrainingStage('ring', seed=0")


def test_a_text_rebuilds_the_run_and_a_link_holds_it(hand):
    hand.go(20)
    words = hand.words
    hand.turn_to("GAN")
    hand.turn_to("Keep")
    text = hand.find(".vg-code textarea", 2)
    hand.until(lambda: '["both",20]' in text.input_value())
    hand.button("Copy as a link").click()
    hand.until(lambda: "Copied" in hand.words)
    assert "#stage=%7B%22settings" in hand.page.evaluate("() => navigator.clipboard.readText()")
    hand.button("Start again").click()
    hand.until(lambda: hand.round == 0)
    hand.button("Rebuild").click()
    hand.until(lambda: hand.round == 20 and hand.words == words)


def test_a_run_is_kept_and_seen_beside_the_next_one(hand):
    hand.go(20)
    hand.turn_to("Keep")
    hand.button("Keep this run to compare").click()
    hand.until(lambda: hand.switch("Kept run: samples").is_visible())
    hand.button("Start again").click()
    hand.until(lambda: hand.round == 0)
    hand.output.settle()
    before = hand.output.look()
    hand.switch("Kept run: samples").click()
    hand.until(lambda: hand.output.look() != before)
    hand.switch("Kept run: samples").click()
    hand.button("Let go of the kept run").click()
    hand.until(lambda: not hand.switch("Kept run: samples").is_visible())


def test_the_dirac_game_is_dragged_to_its_start(hand):
    hand.find(".vg-toolbar").get_by_label("Preset").select_option("Dirac")
    hand.until(lambda: "G's number ≈ 1.50" in hand.words)
    plane = hand.root.locator(".vg-plane:visible canvas").last
    hand.output.drag(plane, [(0.5, 0.5), (0.3, 0.3)])
    hand.until(lambda: "G's number ≈ -" in hand.words and "D's ≈ " in hand.words)
    dragged = hand.words
    hand.find(".vg-play").click()
    hand.until(lambda: hand.round > 20)
    hand.rest()
    hand.turn_to("Data")
    hand.field("Dirac: G begins at").fill("1")
    hand.field("Dirac: G begins at").press("Enter")
    hand.until(lambda: "G's number ≈ 1.00" in hand.words and hand.words != dragged)
    hand.find(".vg-toolbar").get_by_label("Preset").select_option("a healthy run")
    hand.until(lambda: "of 8 modes" in hand.words)
    hand.page.evaluate(
        KERNEL,
        "first.change(**vars(stage.Settings(hidden_dim=16))); first.layers = stage.page.tables.DEFAULT",
    )
    hand.until(lambda: hand.find(".vg-toolbar").get_by_label("Preset").input_value() == "none")


def test_a_pointer_and_the_keyboard_read_a_plane_out(hand):
    hand.go(10)
    canvas = hand.find(".vg-plane canvas", 1)
    canvas.hover(position={"x": 120, "y": 120})
    hand.until(lambda: "D says" in hand.readout and "exact optimum" in hand.readout)
    canvas.focus()
    hand.page.keyboard.press("Alt+ArrowRight")
    hand.until(lambda: hand.readout.startswith("x ") and "D says" in hand.readout)
    before = hand.readout
    hand.page.keyboard.press("Alt+ArrowUp")
    hand.until(lambda: hand.readout != before)
    hand.switch("Noise").click()
    noise = hand.find(".vg-plane canvas", 0)
    hand.until(lambda: noise.is_visible())
    hand.output.settle()
    box = noise.bounding_box()
    noise.hover(position={"x": 0.55 * box["width"], "y": 0.45 * box["height"]})
    hand.until(lambda: "which G sends to" in hand.readout)
    hand.switch("Noise").click()


def test_keys_pressed_inside_stay_inside_and_tab_leads_out(hand):
    """JupyterLab's own shortcuts would insert, cut or change cells."""
    cells = len(
        hand.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.type)"
        )
    )
    hand.turn_to("Draw data")
    for selector in (
        ".vg-region",
        ".vg-play",
        ".vg-time input",
        ".vg-switch input",
        ".vg-plane canvas:visible",
        ".vg-drawing .vg-pad",
        "select",
    ):
        hand.find(selector).focus()
        for key in ("a", "b", "x", "m", "y", "d", "d", "z", "Shift+M", "Enter", "i"):
            if not (key == "Enter" and selector == ".vg-play"):
                hand.page.keyboard.press(key)
    hand.page.wait_for_timeout(300)
    types = hand.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.type)"
    )
    assert len(types) == cells and set(types) == {"code"}
    inside = "() => Boolean(document.activeElement.closest('.vg-stage'))"
    for key in ("Tab", "Shift+Tab"):
        hand.find(".vg-drawing .vg-pad" if key == "Tab" else ".vg-play").focus()
        for _ in range(12):
            hand.page.keyboard.press(key)
            if not hand.page.evaluate(inside):
                break
        assert not hand.page.evaluate(inside) or key == "Tab"


def test_everything_has_a_name_and_a_visible_focus(hand):
    hand.go(10)
    for page in TABS:
        hand.turn_to(page)
        unnamed = hand.root.evaluate(UNNAMED)
        assert not unnamed
    for selector in (
        ".vg-region",
        ".vg-play",
        ".vg-time input",
        ".vg-switch input",
        ".vg-code textarea",
        ".vg-plane canvas:visible",
    ):
        control = hand.find(selector)
        hand.page.keyboard.press("Tab")
        control.focus()
        width, style = control.evaluate(
            "e => [getComputedStyle(e).outlineWidth, getComputedStyle(e).outlineStyle]"
        )
        assert float(width.removesuffix("px")) >= 2 and style != "none", f"{selector} hides its focus"


@pytest.mark.parametrize("width", [1280, 860, 800, 660, 360])
def test_nothing_sticks_out_or_overlaps(hand, width):
    hand.page.set_viewport_size({"width": width, "height": 800})
    for page in TABS:
        hand.turn_to(page)
        hand.page.wait_for_timeout(100)
        assert not hand.root.evaluate(browser.CROWDED), page
    assert hand.root.evaluate("(root) => root.scrollWidth <= root.clientWidth + 1")
    assert not hand.root.evaluate(CUT_LABELS)
    hand.page.set_viewport_size({"width": 1280, "height": 800})


def test_one_window_shows_pictures_charts_and_buttons_together(hand):
    """At 1280x800, without scrolling within the notebook."""
    hand.root.evaluate("(root) => root.scrollIntoView({ block: 'start' })")
    tall = hand.root.evaluate(
        "(root) => root.querySelector('.vg-charts').getBoundingClientRect().bottom"
        " - root.getBoundingClientRect().top"
    )
    window = hand.page.evaluate(
        "() => document.querySelector('.jp-NotebookPanel .jp-WindowedPanel-outer, .jp-Notebook').clientHeight"
    )
    assert tall <= window, (tall, window)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_text_stands_out_in_both_themes(hand, theme):
    hand.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    hand.page.wait_for_timeout(1000)
    hand.button("Slow motion").click()
    hand.press_on_pictures("ArrowRight")
    hand.until(lambda: "1 of 15" in hand.find(".vg-phase").inner_text())
    for page in TABS:
        hand.turn_to(page)
        assert not hand.root.evaluate(PALE_TEXTS), page
    hand.button("Slow motion").click()
    hand.turn_to("GAN")
    hand.field("Learning rate of G").fill("0")
    hand.field("Learning rate of G").press("Enter")
    hand.until(lambda: hand.root.get_by_role("alert").count() == 1)
    assert not hand.root.evaluate(PALE_TEXTS)
    hand.button("Step").click()
    hand.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })"
    )


def test_a_second_stage_pauses_the_first_and_run_all_does_not_wait(lab):
    first, second = Hand(lab.page), Hand(lab.page, 1)
    first.rest()
    first.find(".vg-play").click()
    first.until(lambda: first.playing)
    second.find(".vg-play").click()
    first.until(lambda: second.playing and not first.playing)
    begun = second.round
    second.until(lambda: second.round > begun)
    lab.run_all()
    assert "driven" in json.dumps(lab.cells()[-1]["outputs"])
    again = Hand(lab.page, 1)
    again.until(lambda: again.root.count() == 1 and again.round == 12 and not again.playing)
    assert not lab.page.get_by_text("This stage was closed").count()
    alive = lab.page.evaluate(
        KERNEL,
        "import ipywidgets; kinds = [type(each).__name__ for each in ipywidgets.widget._instances.values()];"
        "assert sorted(kinds) == ['Layout'] * 2 + ['TrainingStage'] * 2, kinds",
    )
    # the stages of the first run were closed
    assert alive["content"]["status"] == "ok", alive["content"].get("evalue")
    assert_healthy(lab)


def test_a_page_that_is_opened_again_comes_alive_and_a_restarted_kernel_is_said(chromium, server):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    lab = browser.Lab(context, *server).open("again.ipynb")
    lab.run_all()
    hand = Hand(lab.page)
    hand.until(lambda: hand.round == 0)
    hand.find(".vg-play").click()
    hand.until(lambda: hand.round > 5)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_timeout(1000)
    lab.page.reload()
    lab.wait()
    lab.page.wait_for_selector(".vg-stage, .jp-OutputArea-output img")
    lab.page.wait_for_timeout(2000)  # a picture may still come alive
    if lab.page.locator(".vg-stage").count():
        hand.until(lambda: hand.round > 5 and not hand.playing)
        stands = hand.round
        hand.button("Step").click()
        hand.until(lambda: hand.round == stands + 1)
    else:  # the notebook was saved with its picture: the cell makes the stage anew
        lab.run_all()
        hand.until(lambda: hand.round == 0)
    lab.page.evaluate(f"() => {{ {OF_PAGE}.restart(); }}")
    hand.until(lambda: hand.root.get_by_role("alert").count() == 1)
    assert "Run this cell again" in hand.root.get_by_role("alert").inner_text() and not hand.playing
    assert hand.find(".vg-play").is_disabled()
    # In the same page JupyterLab now and then loses cells that follow a restart at once
    lab.page.reload()
    lab.wait()
    lab.errors.clear()  # of views whose models went with the kernel
    lab.run_all()
    hand.until(lambda: hand.root.count() == 1 and hand.round == 0)
    assert_healthy(lab)
    lab.close()


def test_a_second_tab_takes_the_stage_over_and_the_first_one_says_so(chromium, server):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    tabs = [browser.Lab(context, *server).open("tabs.ipynb")]
    tabs[0].run_all()
    here = Hand(tabs[0].page)
    here.until(lambda: here.round == 0)
    here.find(".vg-play").click()
    here.until(lambda: here.round > 5)
    tabs[0].page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    tabs[0].page.wait_for_timeout(1000)
    tabs.append(browser.Lab(context, *server).open("tabs.ipynb"))
    tabs[1].page.locator(".jp-OutputArea-output img[alt^='Training stage']").wait_for(state="attached")
    begun = here.round
    here.until(lambda: here.round > begun)
    tabs[1].run_all()  # in the same kernel
    there = Hand(tabs[1].page)
    there.until(lambda: there.round == 0)
    tabs[0].page.get_by_text("This stage was closed").wait_for()
    there.find(".vg-play").click()
    there.until(lambda: there.round > 5)
    there.rest()
    for tab in tabs:
        assert_healthy(tab)
    tabs[1].close()


def test_it_plays_in_notebook_7(chromium, server):
    address, token = server
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/notebooks/seven.ipynb?token={token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_timeout(2000)
    page.get_by_text("Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    hand = Hand(page)
    hand.root.wait_for()
    hand.until(lambda: hand.round == 0)
    hand.press_on_pictures("Space")
    hand.until(lambda: hand.playing and hand.round > 5)
    hand.press_on_pictures("a", "x", "Space")
    hand.rest()
    assert page.locator(".jp-Cell").count() == 2
    assert not hand.root.evaluate(PALE_TEXTS)
    page.context.close()


def test_a_recording_plays_in_a_page_without_a_kernel(chromium, tmp_path):
    made = stage.TrainingStage(hidden_dim=16)
    recorded = made.record(rounds=40, frames=8, slow_rounds=1)
    made.close()
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    errors, asked = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(recorded.save(tmp_path / "run.html").as_uri())
    hand = Hand(page)
    hand.until(lambda: hand.round == 0)
    first = hand.output.look()
    assert not hand.root.locator(".vg-settings").is_visible() and hand.switch("Noise").count()
    hand.press_on_pictures("ArrowRight", "ArrowRight")
    hand.until(lambda: "2 of 15:" in hand.find(".vg-phase").inner_text())
    hand.press_on_pictures("End")
    hand.until(lambda: hand.round == 40 and hand.words.startswith("Round 40."))
    assert hand.output.look() != first
    hand.find(".vg-plane canvas:visible").hover(position={"x": 150, "y": 150})
    hand.until(lambda: "D says" in hand.readout)
    hand.output.drag(hand.find(".vg-time input"), [(0.9, 0.5), (0.8, 0.5)])
    hand.until(lambda: 0 < hand.round < 40)
    hand.find(".vg-play").click()
    hand.until(lambda: hand.round == 40 and not hand.playing)
    before = hand.output.look()
    hand.switch("D's surface").click()
    assert hand.output.look() != before
    assert not hand.root.evaluate(PALE_TEXTS) and not hand.root.evaluate(browser.CROWDED)
    assert not errors and not [url for url in asked if not url.startswith(("file:", "blob:", "data:"))]
    page.context.close()
