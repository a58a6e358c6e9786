"""How fast the training stage moves in a real browser: `python tests/benchmarks/bench_stage.py`.

In one run, in JupyterLab and Chromium: pictures a second with the default layers and with all of them, and
how long each control takes to answer while the stage plays and while it rests. Beside it what one would write
without it: `interact` over the round, and a loop with `clear_output`, each drawing the same pictures anew
with matplotlib. Times are printed, not asserted: machines differ; the ratios travel better.
"""

import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np

SECONDS = 8
REPEATS = 12

CELLS = [
    """from vaegan_helpers import stage, widgets
made = stage.TrainingStage()
made""",
    """import ipywidgets, matplotlib.pyplot as plt, numpy as np
from IPython.display import clear_output, display
plain = stage.Stage()
def draw():
    view, history, measured = plain.view(("real", "generated", "surface", "optimum", "arrows", "vae_mean")), plain.history, plain.measured
    fig, axes = plt.subplots(2, 4, figsize=(13, 6.5), layout="constrained")
    for ax, points, surface in zip(axes[0], ["generated", "generated", "vae_mean"], ["surface", "optimum", None]):
        if surface: ax.imshow(view[surface], origin="lower", extent=view["extent"], cmap="PuOr", vmin=0, vmax=1)
        for name in ("real", points): ax.scatter(*view[name].T, s=6)
        ax.set(xlim=(-3, 3), ylim=(-3, 3))
    axes[0, 0].quiver(*view["arrows"][:, 0].T, *view["arrows"][:, 1].T)
    for ax, names in zip([axes[0, 3], *axes[1]], [("discriminator_loss", "generator_loss"), ("real_output", "fake_output"),
                         ("discriminator_gradient_norm", "generator_gradient_norm")]):
        for name in names: ax.plot(history[name])
    for ax, names in zip(axes[1, 2:], [("modes", "vae_modes"), ("kl", "js", "vae_kl", "vae_js")]):
        for name in names: ax.plot(measured["step"], measured[name])
    plt.show()
def show(to):
    plain.advance(max(1, to - plain.step)); draw()
ipywidgets.interact(show, to=(1, 400));""",
    """import time
out = ipywidgets.Output()
display(out)""",
    """end = time.time() + 8
while time.time() < end:
    plain.advance(4)
    with out:
        clear_output(wait=True); draw()""",
]

# Counts how often a picture gets another address within some seconds.
COUNT = """async ([selector, seconds]) => {
  const start = performance.now(); let last = document.querySelector(selector)?.src, count = 0;
  while (performance.now() - start < 1000 * seconds) {
    const now = document.querySelector(selector)?.src;
    if (now && now !== last) { last = now; count += 1; }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return count / seconds;
}"""
# Milliseconds from an act until something that is watched is another.
ANSWER = """async ([act, watched]) => {
  const look = () => (0, eval)(watched), before = look(), start = performance.now();
  (0, eval)(act);
  while (look() === before) {
    if (performance.now() - start > 10000) return -1;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return performance.now() - start;
}"""
FIND = "document.querySelector('.vg-stage').querySelector"
KEY = "(key) => document.querySelector('.vg-region').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
CAPTION = f"{FIND}('.vg-caption').textContent"
PICTURE = f"{FIND}('.vg-planes img').src"
# control: (what is done, what answers)
CONTROLS = {
    "play and pause (Space)": (f"({KEY})(' ')", f"{FIND}('.vg-play').textContent"),
    "a learning rate (× 2, ÷ 2)": (f"{FIND}('.vg-number button[title^=\"%s\"]').click()", CAPTION),
    "a loss that was used before": (
        "(() => { const s = [...document.querySelectorAll('.vg-field select')][0]; s.selectedIndex = 1 - s.selectedIndex; "
        "s.dispatchEvent(new Event('change', {bubbles: true})); })()",
        CAPTION,
    ),
    "a layer": (f"{FIND}('.vg-switch input').click()", PICTURE),
}


def report(name, times):
    times = np.array(times)
    print(f"{name:52s} median {np.median(times):7.1f} ms   longest {times.max():7.1f} ms", flush=True)


def main():
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import browser
    from playwright.sync_api import sync_playwright

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
        with browser.course_server(folder, settings) as (address, token):
            lab = browser.Lab(
                chromium.new_context(viewport={"width": 1280, "height": 2600}), address, token
            ).open("bench.ipynb")
            measure(lab.page)
            lab.close()
        chromium.close()


def measure(page):
    def run(cell):
        page.evaluate(
            "(index) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", cell
        )
        return "() => window.jupyterapp.commands.execute('notebook:run-cell')"

    def answer(act, watched):
        time = page.evaluate(ANSWER, [act, watched])
        page.wait_for_timeout(250)
        return time

    page.evaluate(run(0))
    page.locator(".vg-planes img").first.wait_for()
    page.wait_for_timeout(1500)
    report(
        "stage at rest: one round (right arrow)",
        [answer(f"({KEY})('ArrowRight')", PICTURE) for _ in range(REPEATS)][2:],
    )
    report(
        "stage at rest: back and forth (arrows)",
        [answer(f"({KEY})('Arrow{way}')", PICTURE) for way in ("Left", "Right") * 6][2:],
    )
    play, watched = CONTROLS["play and pause (Space)"]
    answer(play, watched)
    page.wait_for_timeout(6000)  # everything is compiled
    of_stage = page.evaluate(COUNT, [".vg-planes img", SECONDS])
    print(f"{'stage, default layers':52s} {of_stage:7.1f} pictures a second")
    page.evaluate(
        "() => [...document.querySelectorAll('.vg-switch input')].filter((box) => !box.checked).forEach((box) => box.click())"
    )
    page.wait_for_timeout(3000)
    print(
        f"{'stage, all layers and charts':52s} {page.evaluate(COUNT, ['.vg-planes img', SECONDS]):7.1f} pictures a second"
    )
    page.evaluate(
        "() => [...document.querySelectorAll('.vg-switch input')].slice(4, 10).forEach((box) => box.click())"
    )
    for name, (act, watched) in CONTROLS.items():
        acts = [
            act % tip if "%s" in act else act for tip in ("Twice as much: Learning", "Half of it: Learning")
        ] * (REPEATS // 2 + 1)
        report(f"stage that plays: {name}", [answer(each, watched) for each in acts][2:])  # the first compile
    answer(play, watched)
    page.wait_for_timeout(500)
    if "Pause" in page.locator(".vg-play").inner_text():
        page.locator(".vg-play").click()

    page.evaluate(run(1))
    page.locator(".jp-RenderedImage img").first.wait_for()
    page.wait_for_timeout(1500)
    move = (
        "(() => { const handle = document.querySelector('.widget-interact .noUi-handle'); handle.dispatchEvent(new KeyboardEvent("
        "'keydown', {key: 'ArrowRight', code: 'ArrowRight', keyCode: 39, bubbles: true, cancelable: true})); })()"
    )
    report(
        "interact and plt.show: one round",
        [answer(move, "document.querySelector('.jp-RenderedImage img').src") for _ in range(REPEATS)][2:],
    )
    page.evaluate(run(2))
    page.wait_for_timeout(500)
    page.evaluate(
        "(index) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; "
        "window.jupyterapp.commands.execute('notebook:run-cell'); }",
        3,
    )
    page.wait_for_timeout(1000)
    of_loop = page.evaluate(
        COUNT,
        [
            ".jp-Cell:nth-of-type(3) .jp-RenderedImage img, .jupyter-widgets-output-area .jp-RenderedImage img",
            SECONDS - 2,
        ],
    )
    print(
        f"{'a loop with clear_output and plt.show':52s} {of_loop:7.1f} pictures a second: the stage shows {of_stage / max(of_loop, 0.1):.1f} times as many"
    )


if __name__ == "__main__":
    main()
