"""What the explorers share: scripts, values that page and cells set alike, pictures for a stored notebook.

The page draws and computes; Python hands over arrays once, holds the few values that a cell may read and set,
and computes the same numbers when a cell asks for them. So nothing here runs while a hand moves.
"""

import base64
import functools
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import IPython
import numpy as np
import traitlets

from vaegan_helpers import plots
from vaegan_helpers.widgets import networks

HERE = Path(__file__).parent
CSS = (HERE / "page" / "explorer.css").read_text(encoding="utf-8")
_IMPORT = re.compile(r'^import .* from "(\.{1,2}/.+)";\n', re.MULTILINE)


@functools.cache
def script(name: str | Path) -> str:
    """A script with the modules that it imports in front, as the one module that anywidget takes.

    The name is an explorer's, or a whole path. Relative imports do not resolve in a page
    that gets its script as text.
    """
    parts: dict[Path, str] = {}

    def add(path):
        if path not in parts:
            text = path.read_text(encoding="utf-8")
            for imported in _IMPORT.findall(text):
                add((path.parent / imported).resolve())
            parts[path] = re.sub(r"^export (?!default)", "", _IMPORT.sub("", text), flags=re.MULTILINE)

    add(HERE / name)
    return "\n".join(parts.values())


class State(traitlets.TraitType):
    """A value that the page and a cell set alike.

    Args:
      default: where it begins.
      check: function of the explorer and a value; returns the value to keep or raises ValueError.
    """

    def __init__(self, default: Any, check: Callable[[Any, Any], Any]):
        super().__init__(default)
        self.check = check
        self.tag(sync=True)

    def validate(self, explorer: Any, value: Any) -> Any:
        return self.check(explorer, value)


class Still:
    """A picture of an explorer as it stands now, drawn in the kernel when somebody asks for it.

    Args:
      draw: gives PNG bytes.
      alt: gives the words for it.
      width: in CSS pixels.
      heading: what stands above it, as in the page.
    """

    def __init__(
        self, draw: Callable[[], bytes], alt: Callable[[], str], width: int = 224, heading: str = ""
    ):
        self._draw, self._alt, self.width, self.heading = draw, alt, width, heading

    @property
    def png(self) -> bytes:
        """The picture's bytes."""
        return self._draw()

    @property
    def alt(self) -> str:
        """The picture in words."""
        return self._alt()


class PageWidget(anywidget.AnyWidget):
    """A widget whose script draws in the page; what the page sends is checked before it is believed."""

    _css = CSS
    notice = traitlets.Unicode("").tag(sync=True)

    def set_state(self, sync_data: Any) -> None:
        """Takes values from the page; what makes no sense is left alone, and the page says so."""
        try:
            super().set_state(sync_data)
        except (traitlets.TraitError, ValueError, TypeError) as error:
            self.notice = f"The page sent what makes no sense, and nothing was changed: {error}"
            self.send_state(set(sync_data) & set(self.keys))

    def close(self) -> None:
        """Takes the widget off the page and lets go of everything."""
        if self.comm is not None:
            self.unobserve_all()
            self.layout.close()
        super().close()


class Explorer(PageWidget):
    """Controls and pictures that belong together.

    A subclass names its `title` and `_esm` and says what it shows: `pictures` (its Stills) and `words()` (the
    line under it, and the part of it that only the live page shows). What a stored notebook keeps must come
    out the same on every machine: numbers that depend on trained weights stand after the sign ≈, which the
    tests of the notebooks know, and words that do are left to the live page.
    """

    title = "Explorer"
    data = traitlets.Dict().tag(sync=True)
    _of_cell: dict[str, tuple[str, list]] = {}

    def __init__(self, models: dict[str, Any], state: dict[str, Any], **data: Any):
        self._models = models
        colours = {**plots.COLOURS, "digits": plots.DIGIT_COLOURS}
        super().__init__(data={"title": self.title, "colours": colours, **data}, **state)
        self.on_msg(self._answer)
        self._take_place()

    @property
    def pictures(self) -> list[Still]:
        """Every picture inside, in the order of the page."""
        raise NotImplementedError

    def words(self) -> tuple[str, str]:
        """The line under the explorer, and what only the live page adds."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """What is shown, in a sentence."""
        return " ".join(self.words()).strip()

    @property
    def stored_words(self) -> str:
        """What a stored notebook says."""
        return f"{self.title}. {self.words()[0]}"

    def stored_pictures(self) -> list[Still]:
        """The pictures that stand for the explorer where there are no scripts, the first one for it all."""
        return self.pictures

    def compute(self, what: str, x: np.ndarray) -> np.ndarray:
        """What the page asks the kernel for, where a model is not made of our layers: rows to rows."""
        kind, _, name = what.partition(" ")
        model = self._models[name]
        return {"decode": networks.decode, "encode": networks.encode, "judge": networks.judge}[kind](model, x)

    def _answer(self, _, content, buffers):
        try:
            x = np.frombuffer(buffers[0], "<f4").reshape(content["rows"], -1)
            y = np.asarray(self.compute(content["what"], x), "<f4")
            self.send({"id": content["id"]}, [np.ascontiguousarray(y).data])
        except Exception as error:  # whatever a learner's model raises is said where the learner looks
            asked = content.get("id") if isinstance(content, dict) else None
            self.send({"id": asked, "error": f"The kernel could not compute this picture: {error}"})

    def _take_place(self):
        """Closes what the same cell showed when it last ran: nothing else would ever free it."""
        shell = IPython.get_ipython()
        parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
        cell = parent.get("metadata", {}).get("cellId")
        if not cell:
            return
        for _, others in self._of_cell.values():
            if self in others:
                others.remove(self)
        run, shown = self._of_cell.get(cell, ("", []))
        if run != parent["header"]["msg_id"]:
            for explorer in list(shown):
                explorer.close()
            shown = []
        self._of_cell[cell] = parent["header"]["msg_id"], [*shown, self]

    def close(self) -> None:
        for _, others in self._of_cell.values():
            if self in others:
                others.remove(self)
        self._models = {}
        super().close()

    def _repr_mimebundle_(self, **kwargs):
        # Live, the view wins. Stored, the HTML is shown, which alone keeps an alternative text.
        self._take_place()
        stills = [(_base64(plots.compact(still.png)), still) for still in self.stored_pictures()]
        bundle = {
            "text/plain": self.stored_words,
            "image/png": stills[0][0],
            "text/html": self._in_html(stills),
        }
        if self.comm is not None:
            view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
            bundle["application/vnd.jupyter.widget-view+json"] = view
        return bundle

    def _in_html(self, stills):
        pictures = "\n".join(
            '<figure style="display: inline-block; margin: 0 8px 8px 0">'
            + f"<figcaption>{html.escape(still.heading)}</figcaption>" * bool(still.heading)
            + f'<img alt="{html.escape(still.alt)}" width="{still.width}" src="data:image/png;base64,{png}">'
            + "</figure>"
            for png, still in stills
        )
        return f"{pictures}<p>{html.escape(self.stored_words)}</p>"

    def portable_state(self) -> dict[str, Any]:
        """All that the explorer's script reads, for JSON: weights have 8 bits each, bytes are text.

        `page/stand_in.js` makes a model of it in a page without a kernel.
        """
        state = {
            name: getattr(self, name) for name in self.keys if not name.startswith("_") and name != "layout"
        }
        return _embedded(state)

    def fragment(self) -> str:
        """The explorer as a piece of HTML that moves without a kernel and without a network.

        Weights have 8 bits each. Where scripts do not run, it shows its stored pictures.
        """
        stored = json.dumps(self.portable_state()).replace("</", "<\\/")
        alive = script("page/stand_in.js") + script_once(self._esm)
        name = hashlib.sha256(stored.encode()).hexdigest()[:12]
        stills = [(_base64(plots.compact(still.png)), still) for still in self.stored_pictures()]
        return (
            f'<div data-explorer="{name}">{self._in_html(stills)}</div>\n'
            f'<script type="application/json" data-state="{name}">{stored}</script>\n'
            f'<script type="module">\n{alive}\nenliven("{name}", shown);\n</script>\n'
        )

    def page(self) -> str:
        """A whole page of HTML with the explorer in it, see `fragment`."""
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(self.title)}</title>"
            f"<style>:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }}\n{CSS}</style>"
        )
        return (
            f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{self.fragment()}</body></html>\n'
        )


def script_once(module: Any) -> str:
    """An explorer's module as part of a page's own script, under the name `shown`."""
    return str(module).replace("export default", "const shown =").replace("</script", "<\\/script")


def _base64(data):
    return base64.b64encode(data).decode()


def _embedded(value):
    """State for a page: bytes as text, and 8 bits for a weight."""
    if isinstance(value, (bytes, memoryview)):
        return {"base64": _base64(value)}
    if isinstance(value, dict):
        return {name: _embedded(inner) for name, inner in networks.in_8_bits(value).items()}
    return [_embedded(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def as_codes(codes: Any, z_dim: int) -> np.ndarray:
    """Encoded examples as a NumPy array (n, z_dim), or ValueError."""
    codes = np.asarray(codes, np.float32)
    if codes.ndim != 2 or codes.shape[1] != z_dim or not len(codes):
        raise ValueError(f"codes must have the shape (n, {z_dim}) to fit the model, got {codes.shape}")
    if not np.isfinite(codes).all():
        raise ValueError("codes must be finite, got NaN or infinity")
    return codes


def as_latent(z: Any, z_dim: int) -> np.ndarray:
    """One latent as a NumPy array (z_dim,), or ValueError."""
    z = np.asarray(z, np.float32)
    if z.shape != (z_dim,) or not np.isfinite(z).all():
        raise ValueError(f"a latent is {z_dim} finite numbers, got {z!r}")
    return z


def as_index(index: Any, count: int) -> int:
    """The number of an example, or ValueError."""
    if isinstance(index, bool) or not isinstance(index, (int, np.integer)) or not 0 <= index < count:
        raise ValueError(f"the index of an example is a whole number from 0 to {count - 1}, got {index!r}")
    return int(index)


def as_seed(seed: Any) -> int:
    """A seed, or ValueError."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= 999_999:
        raise ValueError(f"a seed is a whole number from 0 to 999999, got {seed!r}")
    return int(seed)


def within(name: str, low: float, high: float) -> Callable[[Any, Any], Any]:
    """A check that a number lies in a range, for State."""

    def check(_, value):
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ValueError(f"{name} is between {low} and {high}, got {value!r}")
        return value

    return check


def matching(name: str, values: Any, count: int) -> np.ndarray | None:
    """Optional labels or images beside the codes: None, or as many as codes."""
    if values is None:
        return None
    values = np.asarray(values)
    if len(values) != count:
        raise ValueError(f"{name} must be as many as codes, got {len(values)} and {count}")
    return values


def in_bytes(images: Any) -> bytes:
    """Pictures in [0, 1] with 8 bits for a pixel, as the page wants them."""
    return (255 * np.clip(np.asarray(images, np.float32), 0, 1) + 0.5).astype(np.uint8).tobytes()
