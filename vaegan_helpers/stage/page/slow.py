"""Slow motion: one round in numbered parts, each with words and with what it is about in the light."""

import html

COUNT = 15  # parts of a round
NAMES = {
    "discriminator": ("discriminator",),
    "generator": ("generator",),
    "encoder and decoder": ("encoder", "decoder"),
    "": (),
}


class SlowMotion:
    """Walks through the parts of a round of a stage.

    Attributes:
      part: the part that is shown, a `slow_motion.Phase`, or None between two rounds.
    """

    def __init__(self, state):
        self._state, self._parts, self.part = state, None, None

    def forward(self):
        """The next part; after the last one the next round begins."""
        if self._parts is None:
            self._parts = self._state.phases()
        self.part = next(self._parts, None)
        if self.part is None:
            self._parts = None
            self.forward()

    def finish(self):
        """Goes through what is left of the round, so that it is done whole."""
        if self._parts is not None:
            for _ in self._parts:
                pass
        self.drop()

    def drop(self):
        """Forgets the round that was begun."""
        self._parts, self.part = None, None

    @property
    def trains(self):
        """The networks that learn in this part."""
        return NAMES[self.part.trains] if self.part else ()

    def banner(self):
        """The part in words, as HTML."""
        if self.part is None:
            return (
                '<div class="vg-message vg-phase">Slow motion: each press of <b>Step</b> shows one part of a round, '
                "and <b>Play</b> shows them one after the other.</div>"
            )
        places = "".join(
            f"<li{' aria-current=step' if place == self.part.number else ''}>{place}</li>"
            for place in range(1, COUNT + 1)
        )
        return (
            f'<div class="vg-message vg-phase"><ol aria-hidden="true">{places}</ol>'
            f"{self.part.number} of {COUNT}: {html.escape(self.part.caption)}</div>"
        )
