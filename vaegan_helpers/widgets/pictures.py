"""From arrays to PNG bytes, fast enough to follow a hand."""

import contextlib
import io

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from vaegan_helpers import plots


def png(image, scale=8):
    """One picture as PNG bytes, dark ink on white paper.

    Args:
      image: (pixels,) or (side, side) ink in [0, 1]; 0 is paper. Values outside are clipped.
      scale: how many times larger each pixel is drawn.

    Returns:
      bytes.

    Raises:
      ValueError: the picture is not square or not finite.
    """
    _require_finite(image)
    return encode(_bytes(1 - np.clip(square(image), 0, 1)), scale)


def sheet(images, columns, scale=1, gap=2):
    """Several pictures in rows, as PNG bytes.

    Args:
      images: (n, pixels) ink in [0, 1].
      columns: pictures per row.
      scale: how many times larger each pixel is drawn.
      gap: white pixels between pictures.

    Returns:
      bytes.

    Raises:
      ValueError: the pictures are not square or not finite, or columns is below 1.
    """
    _require_finite(images)
    return encode(_bytes(plots.sheet(images, columns, gap)), scale)


def encode(pixels, scale=1):
    """8-bit pixels, grey (height, width) or colour (height, width, 3), as PNG bytes.

    Compression level 1: higher levels take several times longer for a few per cent.
    """
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if scale != 1:
        picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    out = io.BytesIO()
    picture.save(out, "png", compress_level=1)
    return out.getvalue()


@contextlib.contextmanager
def figure(size, dpi=120):
    """A figure in matplotlib's own style, whatever style the reader has set; size in inches."""
    with matplotlib.style.context("default"):
        fig = Figure(figsize=size, dpi=dpi)
        FigureCanvasAgg(fig)
        yield fig


def figure_png(fig):
    """A matplotlib figure as PNG bytes at its own dpi, drawn by Agg without pyplot."""
    if not hasattr(fig.canvas, "buffer_rgba"):
        FigureCanvasAgg(fig)
    fig.canvas.draw()
    return encode(np.asarray(fig.canvas.buffer_rgba())[..., :3])


def square(image):
    """The picture as (side, side), or ValueError."""
    image = np.asarray(image, np.float32)
    side = round(image.size**0.5)
    if image.size == 0 or side * side != image.size or image.shape not in [(side * side,), (side, side)]:
        raise ValueError(
            f"a picture is (pixels,) or (side, side) with as many rows as columns, got {image.shape}"
        )
    return image.reshape(side, side)


def _require_finite(image):
    if not np.isfinite(image).all():
        raise ValueError("the picture has pixels that are NaN or infinite")


def _bytes(paper):
    """From [0, 1], where 1 is paper, to 8 bits."""
    return (255 * paper + 0.5).astype(np.uint8)
