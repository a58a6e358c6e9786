"""The training stage in JupyterLab: played, steered, rewound and drawn on, by mouse and by keyboard, in a real browser."""

import io
import json
import time

import browser
import nbformat
import numpy as np
import pytest
from PIL import Image
from test_browser import assert_healthy, keep_a_screenshot, notebook_of  # noqa: F401

CELLS = [
    "import time\nfrom vaegan_helpers import stage, widgets",
    "first = stage.TrainingStage(hidden_dim=16)\nfirst",
    "second = stage.TrainingStage('two Gaussians', hidden_dim=16)\nsecond",
    "second.step(12)\nprint('driven')",
]


KERNEL = """(code) => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code}).done"""


class Hand:
    """One stage on the page, and a hand that moves it."""

    def __init__(self, lab, number=0):
        self.lab, self.page = lab, lab.page
        self.root = lab.page.locator(".vg-stage").nth(number)
        self.output = browser.Output(lab.page, self.root)

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

    def turn_to(self, page):
        self.find(".vg-chooser").get_by_role("button", name=page, exact=True).click()

    def until(self, condition, seconds=60, what=""):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (
                f"{what or 'what was awaited'} did not come; {self.find('.vg-time').inner_text()!r}, {self.words!r}"
            )
            self.page.wait_for_timeout(20)

    @property
    def round(self):
        return int(
            self.find(".vg-count")
            .evaluate("e => e.firstChild.textContent")
            .removeprefix("Round ")
            .replace(",", "")
        )

    @property
    def words(self):
        return self.find(".vg-caption").inner_text()

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage") / "notebooks"
    folder.mkdir()
    nbformat.write(notebook_of(CELLS), folder / "stage.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(chromium, folder, tmp_path_factory):
    with browser.course_server(folder, tmp_path_factory.mktemp("jupyter")) as (address, token):
        context = chromium.new_context(viewport={"width": 1280, "height": 1500}, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        lab = browser.Lab(context, address, token).open("stage.ipynb")
        lab.run_all()
        lab.page.locator(".vg-stage .vg-time").nth(1).wait_for()
        yield lab
        lab.close()


@pytest.fixture
def hand(lab):
    """The first stage, paused at round 0."""
    hand = Hand(lab)
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


def test_keys_on_the_pictures_play_step_and_go_back(hand):
    cell = hand.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex")
    hand.press_on_pictures("Space")
    hand.until(lambda: hand.playing and hand.round > 12)
    hand.press_on_pictures("Space")
    hand.until(lambda: not hand.playing)
    hand.rest()
    end = hand.round
    hand.press_on_pictures("ArrowRight")
    hand.until(lambda: hand.round == end + 1)
    before = hand.output.look()
    hand.press_on_pictures("ArrowLeft", "ArrowLeft")
    hand.until(lambda: hand.round <= end - 1)
    hand.output.settle()
    assert hand.output.look() != before
    hand.press_on_pictures("Home")
    hand.until(lambda: hand.round == 0)
    hand.press_on_pictures("End")
    hand.until(lambda: hand.round == end + 1)
    assert hand.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == cell


def test_step_moves_who_was_chosen(hand):
    hand.button("D only").click()
    hand.button("Step").click()
    hand.until(lambda: hand.round == 1)
    hand.until(lambda: "D's loss" in hand.words and "G's loss" not in hand.words)
    hand.button("G only").click()
    hand.button("Step").click()
    hand.until(lambda: hand.round == 2)
    hand.until(lambda: "G's loss" in hand.words and "D's loss" not in hand.words)
    hand.button("D and G").click()


def test_the_timeline_goes_back_by_mouse_and_by_key_and_another_future_begins(hand):
    hand.press_on_pictures(*["Shift+ArrowRight"] * 4)
    hand.until(lambda: hand.round == 40)
    hand.output.settle()
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
    hand.root.get_by_role("button", name="Twice as much: Learning rate of D").click()
    hand.until(lambda: "Learning rate of D: 0.002" in hand.words)
    assert hand.playing and hand.field("Learning rate of D").input_value() == "0.002"
    changed = hand.round
    hand.field("Loss").select_option("least squares")
    hand.until(lambda: "Loss: least squares" in hand.words)
    hand.until(lambda: hand.playing and hand.round > changed + 5)
    hand.rest()
    hand.field("Learning rate of D").fill("0.001")
    hand.field("Learning rate of D").press("Enter")
    hand.field("Loss").select_option("non-saturating")
    hand.until(lambda: "Loss: non-saturating" in hand.words)


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
    canvas = hand.find("canvas")
    hand.output.drag(canvas, [(0.4, 0.5), (0.5, 0.5)])
    count = lambda: int(hand.find(".vg-note[role=status]").inner_text().split()[0])
    hand.until(lambda: 0 < count() < 20)
    hand.button("Learn this drawing").click()
    hand.until(lambda: hand.root.get_by_role("alert").count() == 1)
    assert "at least 20 points" in hand.root.get_by_role("alert").inner_text()
    hand.button("Clear the page").click()
    hand.until(lambda: count() == 0)
    hand.output.drag(canvas, [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)])
    hand.until(lambda: count() >= 20)
    before = hand.output.look()
    hand.button("Learn this drawing").click()
    hand.until(lambda: "drawn points" in hand.words and hand.round == 0)
    assert hand.output.look() != before and hand.root.get_by_role("alert").count() == 0
    canvas.focus()
    for key in ["Delete", "Space", *["ArrowRight", "ArrowDown"] * 10, "Space"]:
        hand.page.keyboard.press(key)
    hand.until(lambda: count() == 21)
    hand.button("Learn this drawing").press("Enter")
    hand.until(lambda: "21 drawn points" in hand.words)
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
        hand.until(lambda: f"{number} of 15:" in hand.find(".vg-phase").inner_text())
        hand.output.settle()
        looks.add(hand.output.look())
    assert len(looks) == 15 and hand.round == 1
    hand.button("Slow motion").click()
    hand.until(lambda: hand.root.locator(".vg-phase").count() == 0)


def test_every_layer_and_chart_is_switched(hand):
    hand.press_on_pictures("Shift+ArrowRight")
    hand.until(lambda: hand.round == 10)
    boxes = hand.root.locator(".vg-switch input")
    assert boxes.count() == 16
    seen = lambda: (hand.output.look(), hand.root.locator("img:visible").count())
    for i in range(boxes.count()):
        for act in (lambda: boxes.nth(i).press("Space"), boxes.nth(i).click):
            before = seen()
            act()
            hand.until(lambda: seen() != before, what=f"a change by switch {i}")


def test_what_was_found_is_kept(hand):
    hand.turn_to("Keep")
    hand.press_on_pictures("Shift+ArrowRight")
    hand.until(lambda: hand.round == 10)
    with hand.page.expect_download() as saved:
        hand.button("Save the picture").click()
    picture = Image.open(io.BytesIO(saved.value.path().read_bytes()))
    assert (
        saved.value.suggested_filename == "training_stage.png"
        and min(picture.size) > 400
        and np.ptp(np.asarray(picture)) == 255
    )
    with hand.page.expect_download() as saved:
        hand.button("Save the history").click()
    rows = saved.value.path().read_text().splitlines()
    assert rows[0].startswith("round,discriminator_loss") and len(rows) == 12
    hand.button("Copy the code").click()
    hand.until(lambda: "copied" in hand.words)
    code = hand.page.evaluate("() => navigator.clipboard.readText()")
    assert code == hand.find(".vg-code textarea").input_value() and code.startswith(
        "stage.TrainingStage('ring', seed=0"
    )


def test_a_second_stage_pauses_the_first_and_run_all_does_not_wait(lab):
    first, second = Hand(lab), Hand(lab, 1)
    first.rest()
    first.find(".vg-play").click()
    first.until(lambda: first.playing)
    second.find(".vg-play").click()
    first.until(lambda: second.playing and not first.playing)
    begun = second.round
    second.until(lambda: second.round > begun)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    assert "driven" in json.dumps(lab.cells()[-1]["outputs"])
    again = Hand(lab, 1)
    again.until(lambda: again.root.count() == 1 and again.round == 12 and not again.playing)
    assert_healthy(lab)


def test_an_older_state_on_the_page_is_replaced(lab):
    """As when a page is opened while cells run: it asks the kernel for the states, and the answer may be late."""
    second = Hand(lab, 1)
    lab.page.evaluate(
        KERNEL,
        """
import time
from vaegan_helpers import widgets
older = {"text": second.text, "alts": second.caption.alts}
second.step(3)
time.sleep(1)
for widget, state in [(second.caption, older), (second.timeline, {"step": 0}), (second.hands, {"news": 0})]:
    widget.comm.send({"method": "update", "state": state, "buffer_paths": []})
""",
    )
    second.until(lambda: second.round == 15 and second.words.startswith("Round 15."))


def test_everything_has_a_name_and_a_visible_focus(hand):
    hand.press_on_pictures("ArrowRight")
    for page in ("Draw data", "GAN", "Remedies", "VAE", "Data", "Networks", "Keep"):
        hand.turn_to(page)
        unnamed = hand.root.evaluate("""(root) => [...root.querySelectorAll('button, input, select, textarea, canvas, [tabindex="0"]')]
            .filter((control) => control.getClientRects().length && !control.getAttribute('aria-label') && !control.labels?.length
                && !control.textContent.trim() && !control.title).map((control) => control.outerHTML)""")
        assert not unnamed
    hand.page.wait_for_function(
        "() => [...document.querySelectorAll('.vg-stage img')].every((image) => image.alt.length > 15)"
    )
    for selector in (".vg-region", ".vg-play", ".vg-time input", ".vg-switch input", ".vg-code textarea"):
        control = hand.find(selector)
        hand.page.keyboard.press("Tab")
        control.focus()
        width, style = control.evaluate(
            "e => [getComputedStyle(e).outlineWidth, getComputedStyle(e).outlineStyle]"
        )
        assert float(width.removesuffix("px")) >= 2 and style != "none", f"{selector} hides its focus"


@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_sticks_out_or_overlaps(hand, width):
    hand.page.set_viewport_size({"width": width, "height": 1500})
    for page in ("Draw data", "GAN", "Remedies", "VAE", "Data", "Networks", "Keep"):
        hand.turn_to(page)
        hand.page.wait_for_timeout(100)
        assert not hand.root.evaluate(browser.CROWDED), page
    hand.page.set_viewport_size({"width": 1280, "height": 1500})
