"""Buttons that call functions in the kernel, and the picture that it draws after each of them."""

from collections.abc import Callable

import numpy as np
import traitlets

from vaegan_helpers.widgets import base


class Buttons(base.Explorer):
    """A picture drawn by the kernel, with buttons: for what is too large for the page, such as training.

    A subclass, or a cell, calls `show` whenever there is something new to see.

    Args:
      title: names the explorer for screen readers.
      actions: {words on the button: function without arguments}.
      width: of the picture, in CSS pixels.
    """

    _esm = base.script("buttons.js")
    shown = traitlets.Dict().tag(sync=True)  # PNG bytes, alternative text, words

    def __init__(self, title: str, actions: dict[str, Callable[[], object]], *, width: int = 640):
        self.title, self._actions = title, actions
        self.picture = base.Still(lambda: self.shown["png"], lambda: self.shown["alt"], width)
        super().__init__({}, {}, actions=list(actions), width=width)

    @property
    def pictures(self):
        return [self.picture]

    def words(self):
        return self.shown["words"], ""

    def show(self, png: bytes, alt: str, words: str) -> None:
        """Puts a new picture in place, with an alternative text and the line under it."""
        self.shown = {"png": png, "alt": alt, "words": words}

    def compute(self, what, x):
        self._actions[what]()
        return np.zeros(1)

    def close(self):
        self._actions = {}
        super().close()
