"""How fast the explorers follow a hand: `python tests/benchmarks/bench_widgets.py [--program jupyterlab]`.

In JupyterLab and Chromium, in one run: from the press of a key to new pixels, for the explorers and, for
comparison, for `interact` with `plt.show`; the same for the plane while the kernel runs a long cell; from the
end of a cell to the first picture; and how many bytes travel. Times are printed, not asserted: machines
differ; the ratios travel better.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import browser  # noqa: E402

REPEATS, WARM = 60, 10
CELLS = [
    """import jax, matplotlib.pyplot as plt, ipywidgets, time
from vaegan_helpers import models, widgets
from vaegan_helpers.widgets import networks
model = models.VAE(key=jax.random.key(0))
networks.decode(model, [[0, 0]])""",
    "widgets.LatentPlane(model)",
    "widgets.Sampler(model, draw_pixels=False)",
    """def draw(x):
    plt.figure(figsize=(2.5, 2.5))
    plt.imshow(networks.decode(model, [[x, 0.5]])[0].reshape(28, 28))
    plt.show()
ipywidgets.interact(draw, x=(0.0, 2.0, 0.01));""",
    "time.sleep(30)",
]

# From the press of a key until the picture says something else: a canvas is painted then, an image loaded.
PRESS = """async ([handleOf, pictureOf, key, keyCode]) => {
  const said = (picture) => picture?.getAttribute('aria-label') ?? (picture?.complete && picture.src);
  const handle = document.querySelector(handleOf), before = said(document.querySelector(pictureOf));
  const event = new KeyboardEvent('keydown', {key, code: key, keyCode, bubbles: true, cancelable: true});
  const start = performance.now();
  handle.dispatchEvent(event);
  if (handle.type === 'range') { // the browser moves it only for keys that come from outside
    handle[key === 'ArrowRight' ? 'stepUp' : 'stepDown']();
    handle.dispatchEvent(new Event('input', {bubbles: true}));
  }
  while (true) {
    const now = said(document.querySelector(pictureOf));
    if (now && now !== before) return performance.now() - start;
    if (performance.now() - start > 3000) return NaN;
    await new Promise((resolve) => setTimeout(resolve));
  }
}"""

RUN = """async ([index, first]) => {
  const { content } = window.jupyterapp.shell.currentWidget, cell = content.widgets[index];
  content.activeCellIndex = index;
  const start = performance.now();
  let ended = 0, seen = 0;
  window.jupyterapp.commands.execute('notebook:run-cell').then(() => { ended = performance.now(); });
  while (first && !(ended && seen)) {
    if (cell.node.querySelector(first)) seen ||= performance.now();
    if (performance.now() - start > 60000) break;
    await new Promise((resolve) => setTimeout(resolve));
  }
  return [ended - start, seen - ended];
}"""


def report(name, times, against=None):
    ratio = (
        f"   {np.median(against) / np.median(times):5.1f} times as fast as interact"
        if against is not None
        else ""
    )
    middle, late = np.nanmedian(times), np.nanquantile(times, 0.95)
    print(f"{name:44} median {middle:6.1f} ms   p95 {late:6.1f} ms{ratio}", flush=True)


def measure(page, cell, handle, picture):
    selectors = [f".jp-Cell[data-windowed-list-index='{cell}'] {part}" for part in (handle, picture)]
    keys = [["ArrowRight", 39], ["ArrowLeft", 37]] * (REPEATS // 2)  # back and forth, within any slider
    return np.array([page.evaluate(PRESS, selectors + key) for key in keys])[WARM:]


def main(program):
    traffic = {"sent": 0, "received": 0}

    def count(kind):
        def listen(frame):
            traffic[kind] += len(frame)

        return listen

    def listen_to(socket):
        socket.on("framesent", count("sent"))
        socket.on("framereceived", count("received"))

    with tempfile.TemporaryDirectory() as here, sync_playwright() as playwright:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        folder, settings = Path(here, "notebooks"), Path(here, "settings")
        folder.mkdir()
        settings.mkdir()
        nbformat.write(notebook, folder / "bench.ipynb")
        chromium = playwright.chromium.launch(
            executable_path=browser.chromium_path(), args=browser.CHROMIUM_ARGUMENTS
        )
        with browser.course_server(folder, settings, program) as (address, token):
            lab = browser.Lab(chromium.new_context(viewport={"width": 1280, "height": 2600}), address, token)
            lab.page.on("websocket", listen_to)
            page = lab.open("bench.ipynb").page
            page.evaluate(RUN, [0, ".jp-OutputArea-output"])
            for cell, name, first in [
                (1, "LatentPlane", ".vg-caption:not(:empty)"),
                (2, "Sampler", ".vg-caption:not(:empty)"),
                (3, "interact", "img"),
            ]:
                before = traffic["received"]
                whole, wait = page.evaluate(RUN, [cell, first])
                page.wait_for_timeout(500)
                size = (traffic["received"] - before) / 1000
                print(f"{name}: the cell {whole:.0f} ms, then {wait:.0f} ms to its picture, {size:.0f} KB")
            old = measure(page, 3, ".noUi-handle", ".jp-RenderedImage img")
            report("interact and plt.show", old)
            plane = (1, ".vg-pad", ".vg-picture canvas")
            report("LatentPlane", measure(page, *plane), old)
            report(
                "Sampler, a sheet of 10x10", measure(page, 2, "input[type=range]", ".vg-picture canvas"), old
            )
            page.wait_for_timeout(1000)
            before = dict(traffic)
            page.evaluate(RUN, [4, ""])  # the kernel is busy from here on
            report("LatentPlane while a cell runs", measure(page, *plane), old)
            page.wait_for_timeout(1000)
            for kind, size in traffic.items():
                print(f"{kind} in {REPEATS} key presses and the start of a cell: {size - before[kind]} bytes")
            lab.close()
        chromium.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="vaegan_helpers", help="or jupyterlab: a plain server")
    main(parser.parse_args().program)
