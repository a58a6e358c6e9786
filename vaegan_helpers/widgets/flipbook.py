"""Frames to leaf through in plain HTML: it works in an exported page, without kernel and network."""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt

from vaegan_helpers import plots
from vaegan_helpers.widgets import pictures

HINT = "To leaf through the frames, run this cell, or trust this notebook (in the menu File)."


class Flipbook:
    """Frames under a slider, as one piece of HTML. Made by `flipbook`.

    Attributes:
      html: the whole of it; the same frames give the same text.
      alt: what the frames show.
    """

    def __init__(self, html: str, alt: str):
        self.html, self.alt = html, alt

    def _repr_mimebundle_(self, **kwargs):
        return {"text/html": self.html, "text/plain": self.alt}


def flipbook(
    frames: Sequence[Any],
    captions: Sequence[str] | None = None,
    *,
    label: str = "Frame",
    alt: str = "",
    width: int | None = None,
) -> Flipbook:
    """Frames to leaf through with a slider, by mouse or by arrow keys, even in an exported page.

    Where scripts may not run, as in a notebook that is not trusted, the last frame stands alone. Every frame
    lies in the notebook, so keep them few and small: twenty sheets of 10x10 digits are about 0.6 MB.

    Args:
      frames: PNG bytes, pictures (side, side) or (pixels,) of ink in [0, 1], or matplotlib figures.
      captions: what each frame shows, as many as frames; "1 of n" and so on unless given.
      label: names the slider.
      alt: what the frames show together, in a sentence.
      width: in CSS pixels; the frames' own unless given.

    Returns:
      Flipbook, which a notebook displays.

    Raises:
      ValueError: no frames, no alternative text, captions that do not fit, a frame that is no picture.
    """
    encoded = [base64.b64encode(plots.compact(_as_png(frame))).decode() for frame in frames]
    if not encoded:
        raise ValueError("a flipbook needs at least one frame, got none")
    if not alt or not alt.strip():
        raise ValueError("alt must say in words what the frames show, got nothing")
    captions = (
        [f"{i + 1} of {len(encoded)}" for i in range(len(encoded))]
        if captions is None
        else [str(caption) for caption in captions]
    )
    if len(captions) != len(encoded):
        raise ValueError(f"captions must be as many as frames, got {len(captions)} and {len(encoded)}")
    last = len(encoded) - 1
    name = "flipbook-" + hashlib.sha256("".join([label, alt, *captions, *encoded]).encode()).hexdigest()[:12]
    size = "" if width is None else f' width="{int(width)}"'
    # Without scripts the slider would be dead, so it is hidden until the picture's own script shows it.
    unhide = (
        "this.onload=null;const f=this.closest('figure');f.querySelector('div').style.display='';"
        "f.querySelector('p').remove()"
    )
    turn = (
        "const f=this.closest('figure'),i=+this.value,"
        "b=JSON.parse(f.dataset.frames),c=JSON.parse(f.dataset.captions);"
        "f.querySelector('img').src='data:image/png;base64,'+b[i];f.querySelector('figcaption').textContent=c[i];"
        "this.setAttribute('aria-valuetext',c[i])"
    )
    source = f"data:image/png;base64,{encoded[last]}"
    quoted = {"frames": json.dumps(encoded), "captions": json.dumps(captions), "last": captions[last]}
    quoted |= {"alt": alt, "label": label, "unhide": unhide, "turn": turn}
    q = {name: html.escape(text) for name, text in quoted.items()}
    return Flipbook(
        f'<figure style="margin:0" data-frames="{q["frames"]}" data-captions="{q["captions"]}">'
        f'<img alt="{q["alt"]}"{size} src="{source}" onload="{q["unhide"]}">'
        f'<div style="display:none"><label for="{name}">{q["label"]}</label> '
        f'<input type="range" id="{name}" min="0" max="{last}" value="{last}" step="1" '
        f'style="width:min(24em,60%);height:24px" aria-valuetext="{q["last"]}" '
        f'data-lm-suppress-shortcuts="true" oninput="{q["turn"]}"></div><p>{HINT}</p>'
        f'<figcaption aria-live="polite">{q["last"]}</figcaption></figure>',
        alt,
    )


def _as_png(frame):
    if isinstance(frame, bytes):
        if not frame.startswith(b"\x89PNG"):
            raise ValueError("a frame given as bytes must be a PNG picture")
        return frame
    if not hasattr(frame, "canvas"):
        return pictures.png(frame)
    png = pictures.figure_png(frame)  # first: a closed figure forgets its dpi
    plt.close(frame)  # or the notebook would show the last of them once more
    return png
