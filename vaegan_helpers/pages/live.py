"""What the kernel of a build does besides: each explorer and each stage that a cell shows also says what a
page needs to bring it to life."""

import base64
from typing import Any

from IPython import get_ipython

from vaegan_helpers.stage import TrainingStage
from vaegan_helpers.stage.page import recording
from vaegan_helpers.widgets import Buttons
from vaegan_helpers.widgets.base import Explorer, script_once

ALIVE = "application/vnd.vaegan-helpers.alive+json"  # the private type of output that carries it
ROUNDS = 2000  # a stage's run is recorded so far beyond where it stands: enough to see how it ends
FRAMES = 80


def install() -> None:
    """Lets this kernel say it, by a formatter for each kind: the cells themselves stay as they are."""
    formatter = get_ipython().display_formatter.mimebundle_formatter
    formatter.for_type(Explorer, with_life(explorer))
    formatter.for_type(TrainingStage, with_life(stage))
    formatter.for_type(recording.Recording, with_life(run))


def with_life(describe: Any) -> Any:
    """A formatter that adds `describe(shown)` to what a cell shows anyway, or nothing where it is None."""

    def format(shown):
        bundle, life = shown._repr_mimebundle_(), describe(shown)
        return bundle if life is None else bundle | {ALIVE: life}

    return format


def explorer(shown: Explorer) -> dict[str, Any] | None:
    """The explorer's script and state; None for buttons, whose every press asks the kernel to compute."""
    if isinstance(shown, Buttons):
        return None
    return {
        "kind": "explorer",
        "title": shown.title,
        "module": script_once(shown._esm),
        "state": shown.portable_state(),
    }


def stage(shown: TrainingStage) -> dict[str, Any]:
    """A run recorded on a stage of the same settings, from where the cell's own one stands, as its text says;
    that one is left as it is."""
    other = TrainingStage.from_text(shown.text_of_run())
    try:
        return run(other.record(rounds=ROUNDS, frames=FRAMES))
    finally:
        other.close()


def run(shown: recording.Recording) -> dict[str, Any]:
    """A recording, with its last picture and the words for it."""
    return {
        "kind": "stage",
        "title": "Training stage",
        "packed": base64.b64encode(shown.packed()).decode(),
        "still": recording.still_html(shown.still, shown.alt),
        "alt": shown.alt,
    }
