import asyncio
import base64
import dataclasses
import gc
import io
import threading
import weakref

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from vaegan_helpers import stage
from vaegan_helpers.stage.page import board, controls, diagram, pictures
from vaegan_helpers.stage.page.player import Player

SMALL = {"hidden_dim": 8, "batch_size": 16}
LONG = 60  # seconds, for what a busy machine may make wait
CLOUD = np.random.default_rng(0).normal(size=(30, 2)).clip(-2, 2).astype(np.float32)


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def look(made):
    """What a reader sees: the bytes of the shown pictures, and the words."""
    return [picture.png for picture in made.board.shown()] + [
        made.text,
        made.message.value,
        made.timeline.step,
        made.board.diagrams.value,
    ]


def in_a_loop(coroutine):
    """Runs it in an event loop of its own, in a thread of its own: another test may have left a loop in this one."""
    result = []
    thread = threading.Thread(target=lambda: result.append(asyncio.run(coroutine)))
    thread.start()
    thread.join()
    return result[0]


@pytest.fixture(scope="module")
def shared():
    """Two stages of the module, since making one takes longer than most tests."""
    stages = stage.TrainingStage(**SMALL), stage.TrainingStage(**SMALL)
    yield stages
    for each in stages:
        each.close()


def like_new(made):
    """Puts a stage back to where it began."""
    made.pause()
    made.toolbar.slow.value, made.toolbar.who.value, made.toolbar.preset.value = False, "D and G", "none"
    made.toolbar.speed.value = "as fast as it goes"
    made.controls.drawing.clear()
    made.player.seen = None
    made.layers = board.DEFAULT
    if not made.change(**dataclasses.asdict(stage.Settings(**SMALL))):
        made.reset()
    return made


@pytest.fixture
def made(shared):
    return like_new(shared[0])


@pytest.fixture
def twin(shared):
    return like_new(shared[1])


# --- driven by a cell ---


def test_step_trains_and_everything_follows(made):
    before = look(made)
    made.step(50)
    assert made.state.step == made.timeline.step == 50 and made.text.startswith("Round 50. D's loss ≈ ")
    after = look(made)
    assert not any(old == new for old, new in zip(before[:8], after[:8]))  # three planes and five charts


def test_rewind_goes_back_and_a_new_future_begins(made):
    made.step(30)
    first = look(made)
    made.rewind(10)
    assert made.timeline.step == 10 and made.timeline.end == 30 and "Round 10 of 30." in made.text
    made.step(20)
    assert look(made) == first  # the same settings lead to the same state
    made.rewind(10)
    made.change(generator_learning_rate=0.02)
    made.step(20)
    assert made.timeline.end == 30 and look(made)[:3] != first[:3]


def test_a_seed_repeats_a_run(made):
    made.step(10)
    first = look(made)
    made.reset(seed=7)
    made.step(10)
    assert look(made)[:3] != first[:3]
    made.reset(seed=0)
    made.step(10)
    assert look(made) == first


@pytest.mark.parametrize(
    "act, said",
    [
        (lambda made: made.step(0), "rounds"),
        (lambda made: made.step(who="nobody"), "nobody"),
        (lambda made: made.change(generator_learning_rate=0.0), "must be a positive number"),
        (lambda made: made.change(points=CLOUD[:19]), "at least 20 points; got 19"),
        (lambda made: made.rewind(-1), "at least 0"),
        (lambda made: setattr(made, "layers", {"grass"}), "grass"),
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
    assert again.code() == made.code() and look(again) == look(made)
    made.close(), again.close()


@pytest.mark.parametrize("name", stage.PRESETS)
def test_every_preset_plays(name):
    made = stage.TrainingStage(
        preset=name, **{key: value for key, value in SMALL.items() if key not in stage.PRESETS[name]}
    )
    made.step(2)
    assert made.toolbar.preset.value == name and all(
        getattr(made.state.settings, key) == value for key, value in stage.PRESETS[name].items()
    )
    made.close()


def test_a_run_that_diverges_says_so_and_keeps_the_last_good_state(made):
    made.change(
        discriminator_optimizer="SGD",
        generator_optimizer="SGD",
        loss="least squares",
        discriminator_learning_rate=1e6,
    )
    with pytest.raises(stage.Diverged):
        made.step(50)
    assert "no longer finite" in made.message.value and "last good one" in made.message.value
    assert np.isfinite(made.state.view(("generated",))["generated"]).all()


# --- the controls ---

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
}


@pytest.mark.parametrize(
    "name", sorted(field for _, parts in controls.PAGES.items() for _, names in parts for field in names)
)
def test_every_control_changes_its_setting_and_says_so(made, name):
    made.step(1)
    field, before = made.controls.fields[name], look(made)
    value = OTHER.get(name, not field.value if isinstance(field.value, bool) else 2 * field.value or 0.5)
    if name == "momentum":
        value = 0.9
    field.value = value
    assert getattr(made.state.settings, name) == value and look(made) != before
    assert ("began anew" in made.text) == (made.state.step == 0) == (name in stage.RESETS)


def test_every_setting_has_a_control():
    shown = {field for parts in controls.PAGES.values() for _, names in parts for field in names}
    assert shown == {*stage.LIVE, *stage.RESETS}
    assert all(
        set(names) <= set(stage.RESETS if anew else stage.LIVE)
        for parts in controls.PAGES.values()
        for anew, names in parts
    )


def test_a_bad_value_in_a_control_is_answered_in_words_and_the_control_goes_back(made):
    field = made.controls.fields["generator_learning_rate"]
    for bad in (0.0, -1.0):
        field.value = bad
        assert (
            "Learning rate of G must be a positive number" in made.message.value
            and 'role="alert"' in made.message.value
        )
        assert field.value == made.state.settings.generator_learning_rate == 0.001
    made.toolbar.step.click()
    assert made.message.value == "" and made.state.step == 1


def test_numbers_are_doubled_and_halved():
    number = controls.Number("Weight", 0.3, 0.1)
    number.more.click()
    assert number.field.value == 0.6
    number.field.value = 0.0
    number.less.click()
    assert number.field.value == 0.0
    number.more.click()
    assert number.field.value == 0.1


def test_who_trains_is_who_was_chosen(made):
    for choice, moved, still in [
        ("D only", "discriminator_loss", "generator_loss"),
        ("G only", "generator_loss", "discriminator_loss"),
    ]:
        made.toolbar.who.value = choice
        made.toolbar.step.click()
        history = made.state.history
        assert np.isfinite(history[moved][-1]) and np.isnan(history[still][-1])


@pytest.mark.parametrize("name", [*board.LAYERS, *board.CHARTS])
def test_every_switch_changes_the_pictures_and_back(made, name):
    made.step(10)
    check, before = made.switches.checks[name], look(made)
    check.value = not check.value
    assert look(made) != before and (name in made.layers) == check.value
    check.value = not check.value
    assert look(made) == before


def test_a_preset_of_the_toolbar_begins_anew(made):
    made.step(3)
    made.toolbar.preset.value = "posterior collapse"
    assert (
        made.state.step == 0
        and made.state.settings.beta == stage.PRESETS["posterior collapse"]["beta"]
        and "ellipses" in made.layers
    )
    assert made.controls.fields["beta"].value == made.state.settings.beta
    made.controls.fields["beta"].value = 2.0
    assert made.toolbar.preset.value == "none"


@pytest.mark.parametrize(
    "key, shift, lands",
    [
        ("ArrowRight", False, 31),
        ("ArrowRight", True, 40),
        ("ArrowLeft", False, 20),
        ("ArrowLeft", True, 0),
        ("Home", False, 0),
        ("End", False, 30),
    ],
)
def test_keys_step_and_leaf(made, key, shift, lands):
    made.step(30)
    made._heard(None, {"key": key, "shift": shift}, [])
    assert made.state.step == lands


@pytest.mark.parametrize("to, lands", [(25, 20), (29, 20), (3, 0)])
def test_the_timeline_leads_to_kept_states(made, to, lands):
    made.step(30)
    made._scrub(to)
    assert made.timeline.step == lands
    made._scrub(lands + 1)
    assert made.timeline.step == lands + 10  # onwards to the next state that is kept


def test_slow_motion_is_one_round_in_parts(made, twin):
    twin.step(1)
    made.toolbar.slow.value = True
    seen = set()
    for number in range(1, 16):
        made.toolbar.step.click()
        assert f"{number} of 15: " in made.message.value and made.state.step == (number == 15)
        seen.add(tuple(look(made)))
    assert len(seen) == 15
    made.toolbar.slow.value = False
    assert [each.png for each in made.board.shown()][:3] == [each.png for each in twin.board.shown()][:3]


def test_a_round_begun_in_slow_motion_is_finished_before_another(made):
    made.toolbar.slow.value = True
    made.toolbar.step.click()
    made.toolbar.slow.value = False
    assert made.state.step == 1
    made.toolbar.slow.value = True
    made.toolbar.step.click()
    made.step(1)
    assert made.state.step == 3


# --- drawing ---


def test_a_drawing_is_learned_when_it_has_enough_points(made):
    made.controls.drawing.draw(CLOUD[:19])
    made.controls.learn.click()
    assert "at least 20 points; got 19" in made.message.value and made.state.settings.data == "ring"
    made.controls.drawing.draw(CLOUD)
    assert "30 points" in made.controls.count.value
    before = look(made)
    made.controls.learn.click()
    assert (
        made.state.settings.data == "drawn"
        and look(made)[:3] != before[:3]
        and "30 drawn points" in made.text
    )
    made.controls.fields["data"].value = "blobs"
    assert made.state.settings.data == "blobs"


# --- playing ---


def test_it_plays_until_it_is_paused_and_then_rests(made, twin):
    async def play():
        made.toolbar.play.click()
        assert made.playing and made.toolbar.play.description == "Pause"
        while made.state.step < 5:
            await asyncio.sleep(0.02)
        made.toolbar.play.click()
        task = made.player._task
        await asyncio.wait_for(task, LONG)
        stands = made.state.step, look(made)
        await asyncio.sleep(0.3)
        assert (
            (made.state.step, look(made)) == stands
            and not made.playing
            and made.toolbar.play.description == "Play"
        )
        assert (
            made.text.startswith(f"Round {stands[0]}.")
            and pixels(made.board.planes["game"].png).shape[2] == 3
        )
        twin.step(made.state.step)
        assert look(twin)[:3] == look(made)[:3]  # however the run was cut into pieces
        return True

    assert in_a_loop(play())


def test_a_second_stage_pauses_the_first_and_a_closed_one_trains_no_more(made):
    async def play():
        first, second = made, stage.TrainingStage(**SMALL)
        first.play()
        await asyncio.sleep(0.1)
        second.play()
        assert second.playing and not first.playing and first.toolbar.play.description == "Play"
        second.close()
        await asyncio.wait_for(asyncio.gather(first.player._task, second.player._task), LONG)
        assert not second.playing and Player.current is None
        return True

    assert in_a_loop(play())


def test_what_changes_while_it_plays_is_done_and_what_fails_is_said(made, monkeypatch):
    async def play():
        made.play()
        made.controls.fields["generator_learning_rate"].value = 0.004
        while made.state.settings.generator_learning_rate != 0.004:
            await asyncio.sleep(0.01)
        assert made.playing
        monkeypatch.setattr(made.state, "advance", lambda *_: 1 / 0)
        await asyncio.wait_for(made.player._task, LONG)
        assert not made.playing and "ZeroDivisionError" in made.message.value
        return True

    assert in_a_loop(play())


def test_nobody_watching_ends_the_play(made, monkeypatch):
    monkeypatch.setattr("vaegan_helpers.stage.page.player.GONE", 0.2)
    made.player.pictures = 0

    async def play():
        made._heard(None, {"seen": 0}, [])
        made.play()
        await asyncio.wait_for(made.player._task, LONG)
        assert not made.playing and made.player.pictures == 3
        made._heard(None, {"seen": 3}, [])
        made.play()
        await asyncio.sleep(0.05)
        made._heard(None, {"left": True}, [])
        assert not made.playing
        await asyncio.wait_for(made.player._task, LONG)
        return True

    assert in_a_loop(play())


def test_outside_of_a_notebook_play_says_what_to_call(made):
    found = []

    def outside():
        try:
            made.play()
        except RuntimeError as error:
            found.append(str(error))

    thread = threading.Thread(target=outside)
    thread.start()
    thread.join()
    assert "call step(rounds)" in found[0] and not made.playing


@pytest.mark.parametrize(
    "speed, rounds, seconds", [(1.0, 1, 1.0), (20.0, 1, 0.05), (100.0, 5, 0.05), (float("inf"), 1, 0.05)]
)
def test_the_speed_sets_rounds_and_pause(speed, rounds, seconds):
    player = Player(*[lambda *_: None] * 5)
    player.speed = speed
    assert player._pace() == pytest.approx((rounds, seconds))


# --- stored and closed ---


def test_stored_it_keeps_its_picture_and_its_words(made):
    made.step(5)
    bundle = made._repr_mimebundle_()
    assert (
        base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        and bundle["text/html"].count("<img alt=") == 1
    )
    assert bundle["text/plain"] == made.stored_words and bundle["text/plain"].startswith(
        "Training stage. Round 5."
    )
    assert all(len(alt) > 15 for alt in made.caption.alts) and len(made.caption.alts) == 10


def test_closed_it_holds_nothing():
    before = {widget for widget in ipywidgets.widget._instances.values() if widget.comm is not None}
    made = stage.TrainingStage(**SMALL)
    gone = weakref.ref(made)
    made.close()
    made.close()  # once more does no harm
    left = {widget for widget in ipywidgets.widget._instances.values() if widget.comm is not None} - before
    assert not [widget for widget in left if not isinstance(widget, (ipywidgets.Layout, ipywidgets.Style))]
    del made
    gc.collect()
    assert gone() is None


# --- pictures ---


def test_the_surface_lies_where_its_axes_say():
    plane = pictures.Plane()
    surface = np.full((64, 64), 0.5)
    surface[:32, :32] = 0.0  # generated, in the lower left
    surface[32:, 32:] = 1.0  # real, in the upper right
    seen = pixels(plane.draw((-3, 3, -3, 3), surface=surface)).astype(int)
    left, bottom, width, height = plane.ax.get_position().bounds
    at = lambda x, y: seen[
        round(len(seen) * (1 - bottom - y * height)), round(len(seen) * (left + x * width))
    ]
    assert (
        at(0.25, 0.25)[0] > at(0.25, 0.25)[2] + 60 and np.ptp(at(0.75, 0.75)) < 5 and at(0.75, 0.75)[0] < 190
    )
    assert at(0.25, 0.75).min() > 250


def test_a_kept_background_gives_the_picture_that_a_fresh_one_gives():
    plane, parts = (
        pictures.Plane(),
        {"points": {"real": CLOUD}, "ellipses": np.abs(CLOUD.reshape(-1, 1, 2)).repeat(2, 1)},
    )
    first = plane.draw((-3, 3, -3, 3), **parts)
    plane.draw((-2, 2, -2, 2), highlight=("real",), **parts)
    assert plane.draw((-3, 3, -3, 3), **parts) == first == pictures.Plane().draw((-3, 3, -3, 3), **parts)


def test_an_arrow_has_the_length_of_its_gradient():
    plane = pictures.Plane()
    ink = lambda gradient: (
        (
            pixels(plane.draw((-3, 3, -3, 3), arrows=np.array([[[0.0, 0.0], [gradient, 0.0]]])))[
                250:300, 280:500
            ]
            < 128
        )
        .any(2)
        .any(0)
        .sum()
    )
    assert ink(1e-4) <= 3 and ink(2.0) == pytest.approx(2 * ink(1.0), rel=0.12) and ink(100.0) == ink(50.0)


@pytest.mark.parametrize("value, wanted", [(1, 1), (1.01, 1.5), (7, 8), (0.031, 0.04), (1234, 1500)])
def test_ranges_are_few(value, wanted):
    assert pictures.nice(value) == pytest.approx(wanted)


def test_thinned_curves_keep_their_means_and_their_ends():
    steps, values = pictures.thinned(
        np.arange(1, 1001), np.where(np.arange(1000) % 2, np.nan, np.arange(1000.0))
    )
    assert len(steps) < 305 and steps[-1] == 1000 and values[0] == pytest.approx(1.0)
    assert pictures.thinned(np.arange(3), np.ones(3))[0].tolist() == [0, 1, 2]


def test_a_chart_stands_every_history():
    chart = pictures.Chart("t", {"a": ("A", "k", "-")}, log=True)
    for values in ([], [np.nan], [1.0], [0.0, 0.0], [1e-30, 1.0], [-5.0, 3.0], [np.inf, 1.0]):
        for each in (chart, pictures.Chart("t", {"a": ("A", "k", "-")})):
            assert each.draw({"a": np.arange(len(values))}, {"a": np.array(values)}).startswith(b"\x89PNG")


def test_the_diagram_says_who_learns():
    assert "D learns" in diagram.gan(("discriminator",)) and "G learns" not in diagram.gan(("discriminator",))
    assert "the encoder learns and the decoder learns" in diagram.vae(("encoder", "decoder"))
    assert "nothing is being trained" in diagram.gan()


# --- a page that fell behind ---


def test_a_page_that_holds_older_news_is_sent_everything_once_more(made, monkeypatch):
    made.step(3)
    sent = []
    for widget in (made.caption, made.timeline, *made.board.sent()):
        monkeypatch.setattr(widget, "send_state", lambda *_, widget=widget: sent.append(widget))
    made._heard(None, {"holds": made.hands.news}, [])
    assert not sent
    made._heard(None, {"holds": made.hands.news - 1}, [])
    assert sent[:2] == [made.timeline, made.caption] and len(sent) == 3 + len(made.board.shown())


def test_another_future_has_a_history_of_its_own(made):
    made.step(50)
    first = made.state.history["generator_loss"]
    made.rewind(20)
    assert len(made.state.history["generator_loss"]) == 20 and made.state.csv().count("\n") == 22
    made.change(loss="least squares")
    made.step(3)
    now = made.state.history["generator_loss"]
    assert len(now) == 23 == made.timeline.end and max(made.state.measured["step"]) <= 23
    assert np.array_equal(now[:20], first[:20]) and not np.isclose(now[20:], first[20:23]).any()


def test_a_changed_loss_is_another_game(made, twin):
    for each in (made, twin):
        each.step(5)
    made.change(loss="least squares")
    for each in (made, twin):
        each.step(5)
    assert np.array_equal(made.state.history["generator_loss"][:5], twin.state.history["generator_loss"][:5])
    assert not np.isclose(
        made.state.history["generator_loss"][5:], twin.state.history["generator_loss"][5:]
    ).any()
