"""A run that was recorded: its frames in one compact file, and a page without a kernel that plays them."""

import base64
import html
import json
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from vaegan_helpers import plots
from vaegan_helpers.stage.page import script

FINEST = 1 / 1024  # of the plane's units, a twentieth of a pixel: what a recorded point is rounded to
MOST = 400  # frames; when there are more every second one is dropped


class Recording:
    """Frames of a run, as the page gets them from the kernel.

    Args:
      text: the settings and changes that rebuild the run, from `TrainingStage.text_of_run`.
      layers: names of what was switched on.
    """

    def __init__(self, text: str, layers: Iterable[str]) -> None:
        self.text, self.layers, self.still, self.alt = text, sorted(layers), b"", ""
        self.curves, self._frames = {}, []

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, header: dict, arrays: dict, curves: dict) -> None:
        """One more frame: what is said of it, {name: array}, and the curves of the run so far, which replace
        older ones."""
        header = {name: value for name, value in header.items() if name != "kept"}
        self._frames.append((header, {name: np.array(array) for name, array in arrays.items()}))
        self.curves = {name: np.asarray(array, "<f4") for name, array in curves.items()}
        if len(self._frames) > MOST:
            self._frames = self._frames[::2]

    def packed(self) -> bytes:
        """All of it as bytes: each array as the difference to the one before, in 8 or 16 bits, compressed
        together."""
        before, blob = {}, [array.tobytes() for array in self.curves.values()]

        def described(name, array):
            if name in ("surface", "optimum"):
                (levels, low, scale), kind = eight_bits(array), "u1"
            else:
                levels = np.clip(np.round(np.nan_to_num(array) / FINEST), -32768, 32767).astype("<i2")
                low, scale, kind = 0.0, FINEST, "i2"
            old = before.get(name)
            fresh = old is None or old.shape != levels.shape
            blob.append((levels if fresh else levels - old).tobytes())  # wraps around, as its sum does
            before[name] = levels
            return [name, kind, levels.shape, low, scale, fresh]

        curves = [[name, "f4", array.shape, 0, 1, True] for name, array in self.curves.items()]
        frames = [
            [header, [described(*named) for named in arrays.items()]] for header, arrays in self._frames
        ]
        head = {"text": self.text, "layers": self.layers, "frames": [[{}, curves], *frames]}
        said = json.dumps(head, separators=(",", ":")).encode()
        return zlib.compress(struct.pack("<I", len(said)) + said + b"".join(blob), 9)

    def html(self) -> str:
        """A whole page, which needs nothing else: it plays the recording, and shows a still picture without
        scripts."""
        data = base64.b64encode(self.packed()).decode()
        picture = base64.b64encode(self.still).decode()
        return PAGE.format(
            css=script.CSS, script=script.SCRIPT, data=data, picture=picture, alt=html.escape(self.alt)
        )

    def save(self, path: str | Path) -> Path:
        """Writes that page to a file and returns where it is."""
        path = Path(path)
        path.write_text(self.html(), encoding="utf-8")
        return path

    def _repr_mimebundle_(self, **kwargs):
        frame = (
            f'<iframe srcdoc="{html.escape(self.html())}" sandbox="allow-scripts allow-downloads" '
            f'title="{html.escape(self.alt)}" style="width: 100%; height: 760px; border: 0"></iframe>'
        )
        return {"text/html": frame, "text/plain": self.alt}


def eight_bits(array: Any) -> tuple[np.ndarray, float, float]:
    """An array in 256 levels: (levels, the value of 0, the value of one level). Probabilities keep the range
    0 to 1."""
    array = np.nan_to_num(np.asarray(array, np.float32))
    low, high = min(0.0, float(array.min())), max(1.0, float(array.max()))
    return np.round((array - low) * (255 / (high - low))).astype(np.uint8), low, (high - low) / 255


def still_html(png: bytes, alt: str, width: int = 1000) -> str:
    """A picture with its alternative text, as a notebook stores it."""
    data = base64.b64encode(plots.compact(png)).decode()
    return f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Training stage: a recorded run</title><style>
:root {{ color-scheme: light dark; }} body {{ margin: 8px; background: Canvas; color: CanvasText; }}
{css}
</style></head><body><main></main>
<noscript><img alt="{alt}" style="max-width: 100%" src="data:image/png;base64,{picture}"></noscript>
<script type="module">
{script}
replay(document.querySelector("main"), "{data}");
</script></body></html>
"""
