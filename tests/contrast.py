"""Finds texts in figures that are hard to read. A kernel that calls `watch` refuses to show such a figure."""

import matplotlib.colors
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from vaegan_helpers import plots
from vaegan_helpers.widgets import pictures

LEAST = 4.5  # WCAG 2.1, criterion 1.4.3


def luminance(rgb):
    """Relative luminance as WCAG 2.1 defines it, of sRGB colours (..., 3) in [0, 1]."""
    rgb = np.asarray(rgb, float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def ratio(text, background):
    """Contrast of two colours, from 1 to 21."""
    lighter, darker = np.maximum(text, background), np.minimum(text, background)
    return (lighter + 0.05) / (darker + 0.05)


def faint(fig) -> list[tuple[str, float]]:
    """Texts of a matplotlib figure whose contrast is below 4.5, with that contrast.

    What lies behind a text is its own box or outline, if it has one, or the figure drawn without its texts.
    Where that varies, half of it counts.
    """
    if not hasattr(fig.canvas, "buffer_rgba"):
        FigureCanvasAgg(fig)  # as a figure without a window is saved
    with plots.style():
        fig.canvas.draw()
        texts = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
        boxes = [text.get_window_extent() for text in texts]
        alphas = [text.get_alpha() for text in texts]
        for text in texts:
            text.set_alpha(0)  # invisible ones would give their room to others
        fig.canvas.draw()
        picture = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3] / 255
        for text, alpha in zip(texts, alphas, strict=True):
            text.set_alpha(alpha)
    found = []
    for text, box, alpha in zip(texts, boxes, alphas, strict=True):
        left, right = np.clip([box.x0, box.x1], 0, picture.shape[1]).astype(int)
        low, high = np.clip([box.y0, box.y1], 0, picture.shape[0]).astype(int)
        behind = picture[low:high, left:right].reshape(-1, 3)
        if (box_of_its_own := text.get_bbox_patch()) is not None:
            behind = np.array([box_of_its_own.get_facecolor()[:3]])
        for effect in text.get_path_effects():
            if outline := getattr(effect, "_gc", {}).get("foreground"):
                behind = np.array([matplotlib.colors.to_rgb(outline)])
        if not len(behind):
            continue  # a tick beyond the axes
        *colour, opacity = matplotlib.colors.to_rgba(text.get_color(), alpha)
        seen = opacity * np.array(colour) + (1 - opacity) * behind
        contrast = float(np.median(ratio(luminance(seen), luminance(behind))))
        if contrast < LEAST:
            found.append((text.get_text(), round(contrast, 2)))
    return found


def watch():
    """From now on `plots.show`, flipbooks and stills of explorers refuse figures with faint texts."""

    def careful(show):
        def shown(fig, *more):
            assert not (found := faint(fig)), f"texts of a figure below {LEAST} to 1: {found}"
            return show(fig, *more)

        return shown

    plots.show, pictures.figure_png = careful(plots.show), careful(pictures.figure_png)
