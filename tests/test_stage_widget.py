"""The training stage's face in the kernel: what a cell calls, how a page is answered, and what is stored."""

import base64
import dataclasses
import gc
import io
import json
import threading
import weakref

import ipywidgets
import matplotlib
import numpy as np
import pytest
from PIL import Image

from vaegan_helpers import stage
from vaegan_helpers.stage.engine import scene
from vaegan_helpers.stage.page import script, still, tables, widget

SMALL = {"hidden_dim": 8, "batch_size": 16}
CLOUD = np.random.default_rng(0).normal(size=(30, 2)).clip(-2, 2).astype(np.float32)
ARRAYS = sorted(tables.arrays_of(tables.LAYERS) & set(scene.ARRAYS))


class Page:
    """What a page knows of a stage: it asks as the script does, and keeps what it is told."""

    def __init__(self, made):
        self.made, self.header, self.arrays, self.held = made, {}, {}, {"rows": [], "measured": []}

    def ask(self, *acts, arrays=ARRAYS, **more):
        constant = () if self.header.get("part") else ("real", "noise")
        holds = [name for name in constant if name in self.arrays]
        told = {"rows": len(self.held["rows"]), "measured": len(self.held["measured"]), "holds": holds}
        asked = {"acts": [list(act) for act in acts], "arrays": arrays, "branch": self.header.get("branch")}
        before = self.header.get("branch")
        self.header, new = self.made.answer(json.loads(json.dumps(asked | told | more)))
        json.dumps(self.header)  # all of it can be sent
        if self.header["branch"] != before:
            self.arrays = {}
        for name in self.held:
            self.held[name] = [*self.held[name][: self.header[f"{name}_from"]], *new.pop(name)]
        self.arrays |= new
        return self.header

    def look(self):
        """Everything that a reader sees."""
        header = self.ask()
        seen = {name: array.tobytes() for name, array in self.arrays.items() if name in ARRAYS}
        return (
            seen,
            np.array(self.held["rows"]).tobytes(),
            header["words"],
            header["error"],
            str(header["part"]),
        )


@pytest.fixture(scope="module")
def shared():
    """Two stages of the module, since making one takes longer than most tests."""
    stages = stage.TrainingStage(**SMALL), stage.TrainingStage(**SMALL)
    yield stages
    for each in stages:
        each.close()


def like_new(made):
    """Puts a stage back to where it began."""
    made.layers = tables.DEFAULT
    if not made.change(**dataclasses.asdict(stage.Settings(**SMALL))):
        made.reset()
    made.compare(False)
    return made


@pytest.fixture
def made(shared):
    return like_new(shared[0])


@pytest.fixture
def twin(shared):
    return like_new(shared[1])


# --- driven by a cell ---


def test_step_trains_and_everything_follows(made):
    page = Page(made)
    before = page.look()[0]
    made.step(50)
    assert made.state.step == 50 and made.text.startswith("Round 50. D's loss ≈ ")
    after = page.look()[0]
    assert page.header["round"] == 50 and len(page.held["rows"]) == 50 and len(page.held["measured"]) == 2
    assert [name for name in ARRAYS if before[name] == after[name]] == ["noise", "real"]


def test_rewind_goes_back_and_a_new_future_begins(made):
    page = Page(made)
    made.step(30)
    first = page.look()
    made.rewind(10)
    page.ask()
    assert (page.header["round"], page.header["end"]) == (10, 30) and "Round 10 of 30." in made.text
    assert len(page.held["rows"]) == 30  # the charts still show what lies ahead
    made.step(20)
    assert page.look() == first  # the same settings lead to the same state
    made.rewind(10)
    made.change(generator_learning_rate=0.02)
    made.step(20)
    again = page.look()
    assert page.header["end"] == 30 and again[0] != first[0] and len(page.held["rows"]) == 30
    np.testing.assert_array_equal(np.array(page.held["rows"]), made.state.timeline()[0])


def test_a_seed_repeats_a_run(made):
    page = Page(made)
    made.step(10)
    first = page.look()
    made.reset(seed=7)
    made.step(10)
    assert page.look()[0] != first[0]
    made.reset(seed=0)
    made.step(10)
    assert page.look() == first


@pytest.mark.parametrize(
    "act, said",
    [
        (lambda made: made.step(0), "rounds"),
        (lambda made: made.step(who="nobody"), "nobody"),
        (lambda made: made.change(generator_learning_rate=0.0), "must be a positive number"),
        (lambda made: made.change(points=CLOUD[:19]), "at least 20 points; got 19"),
        (lambda made: made.rewind(-1), "at least 0"),
        (lambda made: setattr(made, "layers", {"grass"}), "grass"),
        (lambda made: made.record(frames=0), "frames"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(made, act, said):
    before = made.state.settings, made.state.step, made.layers
    with pytest.raises(ValueError, match=said):
        act(made)
    assert (made.state.settings, made.state.step, made.layers) == before


@pytest.mark.parametrize(
    "options, said",
    [
        ({"preset": "luck"}, "preset must be one of vanishing gradient.*'luck'"),
        ({"data": "moon"}, "moon"),
        ({"layers": ["grass"]}, "grass"),
        ({"points": CLOUD[:3]}, "at least 20"),
        ({"generator_learning_rate": -1.0}, "positive"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_stage_of_bad_arguments_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        stage.TrainingStage(**options)


def test_its_code_rebuilds_it():
    made = stage.TrainingStage(
        points=CLOUD, seed=3, loss="least squares", layers=["real", "optimum"], **SMALL
    )
    again = eval(made.code(), {"stage": stage})
    for each in (made, again):
        each.step(5)
    assert again.code() == made.code() and Page(again).look() == Page(made).look()
    made.close(), again.close()


@pytest.mark.parametrize("name", stage.PRESETS)
def test_every_preset_plays(name):
    made = stage.TrainingStage(
        preset=name, **{key: value for key, value in SMALL.items() if key not in stage.PRESETS[name]}
    )
    made.step(2)
    page = Page(made)
    page.ask()
    assert page.header["preset"] == name and all(
        getattr(made.state.settings, key) == value for key, value in stage.PRESETS[name].items()
    )
    assert made.png().startswith(b"\x89PNG")
    made.close()


def test_a_run_that_diverges_says_so_and_keeps_the_last_good_state(made):
    made.change(
        discriminator_optimizer="SGD",
        generator_optimizer="SGD",
        loss="least squares",
        discriminator_learning_rate=1e6,
    )
    with pytest.raises(stage.Diverged) as caught:
        made.step(50)
    page = Page(made)
    page.ask()
    assert "the GAN is no longer finite" in page.header["error"] and "last good one" in page.header["error"]
    assert np.isfinite(made.state.view(("generated",))["generated"]).all()
    assert caught.value.step == made.state.step and len(caught.value.history["penalty"]) == made.state.step
    assert caught.value.models is made.state._state
    page.ask(advance=10)
    assert "no longer finite" in page.header["error"] and page.header["round"] == caught.value.step


# --- what a page asks ---

OTHER = {
    "data": "blobs",
    "seed": 5,
    "loss": "least squares",
    "penalty": "none",
    "noise": "uniform",
    "hidden_layers": 1,
    "hidden_dim": 16,
    "z_dim": 3,
    "batch_size": 32,
    "discriminator_optimizer": "SGD",
    "generator_optimizer": "RMSprop",
    "discriminator_steps": 2,
    "generator_steps": 2,
    "generator_start": 1.0,
    "momentum": 0.9,
}


@pytest.mark.parametrize("name", sorted(tables.LABELS))
def test_every_control_changes_its_setting_and_says_so(made, name):
    made.step(1)
    page, old = Page(made), getattr(made.state.settings, name)
    before = page.look()
    value = OTHER.get(name, not old if isinstance(old, bool) else 2 * old or 0.5)
    said = page.ask(["change", {name: value}])["words"]
    assert getattr(made.state.settings, name) == page.header["settings"][name] == value
    assert page.look() != before and f"{tables.LABELS[name]}: {value}." in said
    assert ("began anew" in said) == (made.state.step == 0) == (name in stage.RESETS)


def test_every_setting_has_a_control():
    shown = {field for parts in tables.PAGES.values() for _, names in parts for field in names}
    assert shown == {*stage.LIVE, *stage.RESETS} == set(tables.LABELS)
    assert all(
        set(names) <= set(stage.RESETS if anew else stage.LIVE)
        for parts in tables.PAGES.values()
        for anew, names in parts
    )


def test_a_bad_value_is_answered_in_words_and_changes_nothing(made):
    page = Page(made)
    for bad in (0.0, -1.0):
        error = page.ask(["change", {"generator_learning_rate": bad}])["error"]
        assert error.startswith("Learning rate of G must be a positive number")
        assert page.header["settings"]["generator_learning_rate"] == 0.001
    assert page.ask(advance=1)["error"] == "" and made.state.step == 1


def test_what_nobody_expected_is_said_too(made, monkeypatch):
    monkeypatch.setattr(made.state, "advance", lambda *_: 1 / 0)
    error = Page(made).ask(advance=1)["error"]
    assert "ZeroDivisionError" in error and "unexpected" in error


def test_who_trains_is_who_was_asked(made):
    page = Page(made)
    for who, moved, still_one in [
        ("discriminator", "discriminator_loss", "generator_loss"),
        ("generator", "generator_loss", "discriminator_loss"),
    ]:
        page.ask(advance=1, who=who)
        history = made.state.history
        assert page.header["trains"] == who
        assert np.isfinite(history[moved][-1]) and np.isnan(history[still_one][-1])


def test_an_answer_trains_as_asked_and_a_run_is_the_same_however_it_is_cut(made, twin):
    page = Page(made)
    for rounds in (1, 7, 30, 2):
        assert page.ask(advance=rounds)["trained"] == rounds and page.header["seconds"] > 0
    twin.step(40)
    assert page.look()[:2] == Page(twin).look()[:2]


def test_a_silent_answer_counts_no_modes_and_tells_nothing_but_a_recording_keeps_both(made):
    made.answer({"acts": [["record", True]]})
    header, _ = made.answer({"advance": 3, "silent": True})
    assert header["round"] == 3 and not {"modes", "words"} & header.keys()
    frame, _ = made._recording._frames[-1]
    assert frame["words"].startswith("Round 3.") and frame["modes"]
    assert made.answer({})[0]["words"].startswith("Round 3.")


def test_as_fast_as_it_goes_it_stops_where_a_state_is_kept(made):
    made.step(4)
    stops = [made.answer({"advance": rounds, "freely": True})[0]["round"] for rounds in (20, 8, 10, 19)]
    assert stops == [20, 28, 30, 40]
    assert made.answer({"advance": 15})[0]["round"] == 55


def test_an_answer_is_as_small_as_promised(made):
    """Of a stage that plays, with the layers that are on at first."""
    page = Page(made)
    made.step(60)
    page.ask()
    header, arrays = made.answer(
        {
            "advance": 12,
            "arrays": sorted(tables.arrays_of(tables.DEFAULT)),
            "branch": page.header.get("branch"),
            "holds": list(page.arrays),
            "rows": len(page.held["rows"]),
            "measured": len(page.held["measured"]),
        }
    )
    size = len(json.dumps(header)) + sum(
        len(widget._packed(name, array)[1]) for name, array in arrays.items()
    )
    assert 10_000 < size < 20_000 and "real" not in arrays


def test_a_preset_of_the_page_begins_anew(made):
    made.step(3)
    page = Page(made)
    page.ask(["preset", "posterior collapse"])
    assert page.header["round"] == 0 and "ellipses" in made.layers
    assert page.header["settings"]["beta"] == stage.PRESETS["posterior collapse"]["beta"]
    page.ask(["change", {"beta": 2.0}])
    assert page.header["preset"] == "none"


def test_only_rewinds_to_kept_states_are_made(made):
    made.step(30)
    page = Page(made)
    assert page.ask()["kept"] == [0, 10, 20, 30]
    for to, lands in [(25, 20), (29, 20), (3, 0)]:
        assert page.ask(["rewind", to])["round"] == lands


def test_slow_motion_is_one_round_in_parts(made, twin):
    twin.step(1)
    page, seen = Page(made), set()
    for number in range(1, 16):
        part = page.ask(advance=1, slow=True)["part"]
        assert (part["number"], part["of"]) == (number, 15) and made.state.step == (number == 15)
        assert all(name in page.arrays for name in part["about"])
        seen.add(tuple(page.arrays[name].tobytes() for name in sorted(page.arrays)) + (part["caption"],))
    assert len(seen) == 15
    page.ask(["finish", None])
    assert page.header["part"] is None and page.look()[:2] == Page(twin).look()[:2]


def test_a_round_begun_in_slow_motion_is_finished_before_another(made):
    page = Page(made)
    page.ask(advance=1, slow=True)
    page.ask(["finish", None])
    assert made.state.step == 1
    page.ask(advance=1, slow=True)
    made.step(1)
    assert made.state.step == 3


def test_a_drawing_is_learned_when_it_has_enough_points(made):
    page = Page(made)
    assert "at least 20 points; got 19" in page.ask(["change", {"points": CLOUD[:19].tolist()}])["error"]
    assert page.header["settings"]["data"] == "ring"
    assert "30 drawn points" in page.ask(["change", {"points": CLOUD.tolist()}])["words"]
    assert page.header["settings"]["data"] == "drawn" and page.header["modes"] == ""
    assert page.ask(["change", {"data": "blobs"}])["settings"]["data"] == "blobs"


def test_a_message_is_answered_to_the_page_that_asked_and_a_busy_stage_says_so(made, monkeypatch):
    sent = []
    monkeypatch.setattr(made, "send", lambda content, buffers=None: sent.append((content, buffers)))
    made._heard(None, {"from": "a:1", "arrays": ["generated", "surface"]}, [])
    content, buffers = sent.pop()
    assert content["to"] == "a:1" and len(buffers) == len(content["arrays"]) == 4
    described = {
        name: (kind, shape, len(data))
        for (name, kind, shape, *_), data in zip(content["arrays"], buffers, strict=True)
    }
    assert described["generated"] == ("f4", [400, 2], 3200) and described["surface"] == ("u1", [64, 64], 4096)
    made._heard(None, {"no": "question"}, [])
    assert not sent
    with made._lock:  # as while a cell drives it; a page may be heard in another thread
        thread = threading.Thread(target=made._heard, args=(None, {"from": "b:2"}, []))
        thread.start()
        thread.join()
    assert sent == [({"to": "b:2", "busy": True}, None)]


def test_a_cell_tells_the_page_that_it_moved_the_stage(made, monkeypatch):
    sent = []
    monkeypatch.setattr(made, "send", lambda content, buffers=None: sent.append(content))
    made.play()
    made.step(1)
    assert sent == [{"play": True}, {"play": False}, {"changed": True}]


# --- comparing and rebuilding ---


def test_a_kept_run_is_sent_once_and_stays_while_another_runs(made):
    page = Page(made)
    made.step(20)
    generated = made.state.view(["generated"])["generated"]
    page.ask(["compare", True])
    ghost = page.header["ghost"]
    np.testing.assert_array_equal(page.arrays["ghost_generated"], generated)
    assert page.arrays["ghost_rows"].shape == (20, len(stage.CURVES) + 3)
    page.arrays = {}
    made.reset(seed=4)
    made.step(3)
    assert page.ask(ghost=ghost)["ghost"] == ghost and "ghost_rows" not in page.arrays
    assert page.ask(["compare", False])["ghost"] is None


def test_the_text_of_a_run_rebuilds_it_with_all_that_was_changed_on_the_way(made):
    page = Page(made)
    made.step(13)
    made.change(generator_optimizer="SGD")
    made.change(generator_optimizer="Adam")  # and its memory is gone
    made.step(4, who="discriminator")
    made.step(20)
    made.rewind(30)
    made.change(beta=2.0)
    page.ask(advance=1, slow=True)  # one round in parts
    page.ask(["finish", None])
    made.step(5)
    again = stage.TrainingStage.from_text(made.text_of_run())
    assert again.text_of_run() == made.text_of_run() and Page(again).look()[:2] == Page(made).look()[:2]
    again.close()
    for text in ("", "{}", '{"settings": {}, "run": [["both", -1]]}', '{"settings": {"hue": 1}, "run": []}'):
        with pytest.raises(ValueError):
            stage.TrainingStage.from_text(text)


def test_a_page_rebuilds_a_run_in_pieces(made, twin):
    twin.step(400)
    text, page, left = twin.text_of_run(), Page(made), []
    page.ask(["rebuild", text])
    while page.header["left"]:
        left.append(page.header["left"])
        page.ask()
    assert page.look()[:2] == Page(twin).look()[:2] and left == sorted(left, reverse=True)
    assert "not the text of a run" in page.ask(["rebuild", "x"])["error"] and made.state.step == 400


# --- stored and closed ---


def test_stored_it_keeps_its_picture_and_its_words(made):
    made.step(5)
    bundle = made._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/html"].count("<img alt=") == 1
    assert bundle["text/plain"].startswith("Training stage. Round 5. D&#x27;s"[:24])
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == made.model_id


def widgets_alive():
    return {each for each in ipywidgets.widget._instances.values() if each.comm is not None}


def test_closed_it_holds_nothing():
    before = widgets_alive()
    made = stage.TrainingStage(**SMALL)
    made.step(20)
    gone = weakref.ref(made)
    made.close()
    made.close()  # once more does no harm
    assert widgets_alive() == before and not made.state._kept
    del made
    gc.collect()
    assert gone() is None


def test_a_cell_that_is_run_again_replaces_its_own_stages(monkeypatch):
    """Those of one execution stay, and so do those of other cells: each is one widget and its layout."""
    parent = {}

    class Shell:
        class kernel:
            get_parent = staticmethod(lambda _: parent)

    monkeypatch.setattr(widget, "get_ipython", lambda: Shell)
    monkeypatch.setattr(widget, "_OF_CELL", {})
    before, made = widgets_alive(), []

    def run(cell, execution, stages=1):
        parent.update(metadata={"cellId": cell}, header={"msg_id": execution})
        made.extend(stage.TrainingStage(**SMALL) for _ in range(stages))

    run("a", 1, stages=2)
    run("b", 2)
    assert len(widgets_alive() - before) == 6
    for execution in range(3, 23):
        run("a", execution, stages=2)
    assert len(widgets_alive() - before) == 6 and sum(each.comm is not None for each in made) == 3
    for each in made:
        each.close()
    assert widgets_alive() == before


# --- the still picture ---


@pytest.fixture(scope="module")
def still_picture(shared):
    """That of the module's second stage after two rounds."""
    made = like_new(shared[1])
    made.step(2)
    return made.png()


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "name", [*(name for name in tables.LAYERS if name not in ("codes", "path", "ghost")), *tables.CHARTS]
)
def test_every_switch_changes_the_still_picture(made, still_picture, name):
    made.step(2)
    before = still_picture
    made.layers = made.layers ^ {name}
    assert made.png() != before
    made.layers = made.layers ^ {name}
    assert made.png() == before


def test_the_surface_of_the_still_picture_lies_where_its_axes_say():
    surface = np.full((64, 64), 0.5)
    surface[:32, :32] = 0.0  # generated, in the lower left
    surface[32:, 32:] = 1.0  # real, in the upper right
    seen = pixels(still.picture({"surface"}, {"surface": surface}, {}, {}, None, 8))
    coloured = np.argwhere(seen[..., 0] > seen[..., 2] + 60)
    grey = np.argwhere((np.ptp(seen, axis=2) < 5) & (seen[..., 0] > 130) & (seen[..., 0] < 190))
    assert len(coloured) > 5000 and len(grey) > 5000
    assert coloured[:, 0].mean() > grey[:, 0].mean() + 50 and coloured[:, 1].mean() < grey[:, 1].mean() - 50


def test_the_user_s_style_does_not_reach_the_still_picture(made):
    before = made.png()
    with matplotlib.rc_context({"text.usetex": True, "figure.facecolor": "black", "font.size": 40}):
        assert made.png() == before


# --- the script ---


def test_the_script_is_one_module_without_imports():
    assert "\nimport " not in script.SCRIPT and "\nexport " not in script.SCRIPT
    assert "eval(" not in script.SCRIPT and "http://" not in script.SCRIPT and "https://" not in script.SCRIPT


def test_every_layer_has_a_mark_in_the_script_and_in_the_still_picture():
    marks = script.SCRIPT.split("const MARKS = {")[1]
    for layer in tables.LAYERS.values():
        assert layer.mark in marks and (layer.mark in still.MARKS or layer.mark == "rings")
