"""How fast the explorers follow a hand: `python tests/benchmarks/bench_widgets.py [--browser]`.

In one run, in the kernel: from a slider's value to the PNG, for one picture and for a sheet of 10x10, beside `interact` with
`plt.show`. With --browser also from the press of a key to the new picture in JupyterLab, with the course's server and with a
plain one. Times are printed, not asserted: machines differ; the ratios travel better.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

import ipywidgets
import jax
import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np

from vaegan_helpers import models, widgets
from vaegan_helpers.widgets import base

REPEATS = 60


def measure(move, values):
    """Milliseconds of each call but the first ten, in which everything is compiled."""
    times = []
    for value in values:
        start = time.perf_counter()
        move(value)
        times.append(1000 * (time.perf_counter() - start))
    return np.array(times[10:])


def report(name, times, against=None):
    ratio = (
        ""
        if against is None
        else f"   {np.median(against) / np.median(times):5.1f} times as fast as interact"
    )
    print(
        f"{name:42s} median {np.median(times):6.1f} ms   p95 {np.quantile(times, 0.95):6.1f} ms{ratio}",
        flush=True,
    )


def interact_with_a_figure(model, columns):
    """What the explorers replace: interact, a new figure for each value, drawn and encoded by the inline backend's rules."""
    noise = np.random.default_rng(0).normal(size=(columns**2, 2))

    def draw(scale):
        images = base.decode(model, scale * noise)
        sheet = images.reshape(columns, columns, 28, 28).swapaxes(1, 2).reshape(28 * columns, 28 * columns)
        fig, ax = plt.subplots(figsize=(4.4, 4.4))
        ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
        ax.axis("off")
        fig.savefig(io.BytesIO(), format="png", bbox_inches="tight")  # what plt.show sends from a notebook
        plt.close(fig)

    controls = ipywidgets.interactive(draw, scale=(0.0, 2.0, 0.01))
    return lambda value: setattr(controls.children[0], "value", value)


def in_the_kernel():
    matplotlib.use("agg")
    model = models.VAE(key=jax.random.key(0))
    values = np.linspace(0.02, 1.98, REPEATS + 10)
    plane, samples, kl = widgets.LatentPlane(model), widgets.Sampler(model), widgets.KLPlayground()
    one, sheet = interact_with_a_figure(model, 1), interact_with_a_figure(model, 10)
    with contextlib.redirect_stdout(
        io.StringIO()
    ):  # where there is no page, interact clears the terminal instead
        slow_one, slow_sheet = measure(one, values), measure(sheet, values)
    report("interact and plt.show, one picture", slow_one)
    report(
        "LatentPlane, one picture of 28x28",
        measure(lambda x: setattr(plane, "point", (x, 0.5)), values),
        slow_one,
    )
    report("interact and plt.show, a 10x10 sheet", slow_sheet)
    report(
        "Sampler, two sheets of 10x10",
        measure(lambda x: setattr(samples, "temperature", x), values),
        slow_sheet,
    )
    alone = widgets.Sampler(model, draw_pixels=False)
    report(
        "Sampler, one sheet of 10x10", measure(lambda x: setattr(alone, "temperature", x), values), slow_sheet
    )
    report("KLPlayground, two charts", measure(lambda x: setattr(kl, "mean", x), values))


CELLS = [
    """import jax, matplotlib.pyplot as plt, ipywidgets
from vaegan_helpers import models, widgets
from vaegan_helpers.widgets import base
model = models.VAE(key=jax.random.key(0))""",
    "widgets.LatentPlane(model)",
    "widgets.Sampler(model, draw_pixels=False)",
    """def draw(x):
    plt.figure(figsize=(2.5, 2.5)); plt.imshow(base.decode(model, [[x, 0.5]])[0].reshape(28, 28)); plt.show()
ipywidgets.interact(draw, x=(0.0, 2.0, 0.01));""",
]

# From the press of a key until the picture has another address and is decoded.
PRESS = """async ([selector, picture, key, keyCode]) => {
  const handle = document.querySelector(selector), before = document.querySelector(picture).src;
  const start = performance.now();
  handle.dispatchEvent(new KeyboardEvent('keydown', {key, code: key, keyCode, bubbles: true, cancelable: true}));
  while (true) {
    const image = document.querySelector(picture);
    if (image && image.src !== before && image.complete) return performance.now() - start;
    if (performance.now() - start > 3000) return -1;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}"""


def in_the_browser():
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import browser
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as here, sync_playwright() as playwright:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        chromium = playwright.chromium.launch(
            executable_path=browser.chromium_path(), args=browser.CHROMIUM_ARGUMENTS
        )
        for name, module in [("the course's server", "vaegan_helpers"), ("a plain server", "jupyterlab")]:
            folder, settings = Path(here, module, "notebooks"), Path(here, module, "settings")
            folder.mkdir(parents=True)
            settings.mkdir()
            nbformat.write(notebook, folder / "bench.ipynb")
            with browser.course_server(folder, settings, module) as (address, token):
                lab = browser.Lab(
                    chromium.new_context(viewport={"width": 1280, "height": 2600}), address, token
                )
                lab.open("bench.ipynb").run_all()
                lab.page.wait_for_timeout(2000)
                for what, number, handle, picture in [
                    ("LatentPlane", 2, ".vg-pad", ".vg-picture img"),
                    ("Sampler, one sheet", 3, ".noUi-handle", ".vg-picture img"),
                    ("interact and plt.show", 4, ".noUi-handle", ".jp-RenderedImage img"),
                ]:
                    selectors = [
                        f".jp-Cell[data-windowed-list-index='{number - 1}'] {part}"
                        for part in (handle, picture)
                    ]
                    keys = [["ArrowRight", 39], ["ArrowLeft", 37]] * (
                        REPEATS // 2
                    )  # back and forth, within any slider
                    times = [lab.page.evaluate(PRESS, selectors + key) for key in keys][10:]
                    report(f"{what}, {name}", np.array(times))
                lab.close()
        chromium.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browser", action="store_true", help="measure in JupyterLab and Chromium as well")
    options = parser.parse_args()
    in_the_kernel()
    if options.browser:
        in_the_browser()
