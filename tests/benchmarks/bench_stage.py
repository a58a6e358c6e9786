"""How fast the training stage moves in a real browser: `python tests/benchmarks/bench_stage.py`.

In one run, in JupyterLab and Chromium: pictures and rounds a second with the layers that are on at first and
with all of them, how long each control takes to answer while the stage plays and while it rests, and how long
a preset takes to begin. Beside it what one would write without it: a loop with `clear_output` that draws the
same pictures anew with matplotlib. Times are printed, not asserted: machines differ; the ratios travel
better.
"""

import sys
import tempfile
import time
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
    view = plain.view(("real", "generated", "surface", "optimum", "arrows", "vae_mean"))
    history, measured, extent = plain.history, plain.measured, (-3, 3, -3, 3)
    fig, axes = plt.subplots(2, 4, figsize=(13, 6.5), layout="constrained")
    planes = [("generated", "surface"), ("generated", "optimum"), ("vae_mean", None)]
    for ax, (points, surface) in zip(axes[0], planes):
        if surface: ax.imshow(view[surface], origin="lower", extent=extent, cmap="PuOr", vmin=0, vmax=1)
        for name in ("real", points): ax.scatter(*view[name].T, s=6)
        ax.set(xlim=(-3, 3), ylim=(-3, 3))
    axes[0, 0].quiver(*view["arrows"][:, 0].T, *view["arrows"][:, 1].T)
    curves = [("discriminator_loss", "generator_loss"), ("real_output", "fake_output"),
              ("discriminator_gradient_norm", "generator_gradient_norm")]
    for ax, names in zip([axes[0, 3], *axes[1]], curves):
        for name in names: ax.plot(history[name])
    for ax, names in zip(axes[1, 2:], [("modes", "vae_modes"), ("kl", "js", "vae_kl", "vae_js")]):
        for name in names: ax.plot(measured["step"], measured[name])
    plt.show()""",
    """import time
out = ipywidgets.Output()
display(out)""",
    """end = time.time() + 8
while time.time() < end:
    plain.advance(4)
    with out:
        clear_output(wait=True); draw()""",
]

# Pictures and rounds a second: the counter of rounds is written with every picture. It is observed and not
# looked at in every frame, which would make the browser draw sixty of them.
COUNT = """async (seconds) => {
  const count = document.querySelector('.vg-count'), start = performance.now();
  const round = () => Number(count.firstChild.textContent.replace(/[^0-9]/g, ''));
  const begun = round();
  let last = begun, pictures = 0, longest = 0, at = start;
  const observer = new MutationObserver(() => {
    if (round() === last) return;
    last = round();
    longest = Math.max(longest, performance.now() - at);
    at = performance.now();
    pictures += 1;
  });
  observer.observe(count, { childList: true, subtree: true, characterData: true });
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  observer.disconnect();
  const passed = (performance.now() - start) / 1000;
  return [pictures / passed, (round() - begun) / passed, longest];
}"""
# How often an output's picture gets another address, a second.
COUNT_OUTPUTS = """async (seconds) => {
  const selector = '.widget-output .jp-RenderedImage img';
  const start = performance.now(); let last = null, count = 0;
  while (performance.now() - start < 1000 * seconds) {
    const now = document.querySelector(selector)?.src;
    if (now && now !== last) { last = now; count += 1; }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return count / seconds;
}"""
# Milliseconds from an act until what is watched is another.
ANSWER = """async ([act, watched]) => {
  const look = () => (0, eval)(watched), before = look(), start = performance.now();
  (0, eval)(act);
  while (look() === before) {
    if (performance.now() - start > 20000) return -1;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return performance.now() - start;
}"""
FIND = "document.querySelector('.vg-stage').querySelector"
KEY = (
    "(key) => document.querySelector('.vg-region')"
    ".dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
)
ROUND = f"{FIND}('.vg-count').textContent"
SAID = f"{FIND}('.vg-caption').textContent"


def report(name, times):
    times = np.array(times)
    print(f"{name:56s} median {np.median(times):7.1f} ms   longest {times.max():7.1f} ms", flush=True)


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
            context = chromium.new_context(viewport={"width": 1280, "height": 800})
            lab = browser.Lab(context, address, token)
            lab.page.set_default_timeout(300_000)
            measure(lab.open("bench.ipynb").page)
            lab.close()
        chromium.close()


def measure(page):
    def run(cell):
        page.evaluate(
            "(index) => { const notebook = window.jupyterapp.shell.currentWidget.content;"
            " notebook.activeCellIndex = index; window.jupyterapp.commands.execute('notebook:run-cell');"
            " notebook.scrollToItem(Math.min(index, 2), 'start'); }",
            cell,
        )

    def answers(acts, watched, wait=250):
        times = []
        for act in acts:
            times.append(page.evaluate(ANSWER, [act, watched]))
            page.wait_for_timeout(wait)
        return times[2:]  # the first may have to compile

    begun = time.perf_counter()
    run(0)
    page.wait_for_function("() => document.querySelector('.vg-count')?.textContent.startsWith('Round')")
    print(
        f"from running the cell to the first picture, imports included {time.perf_counter() - begun:6.1f} s"
    )
    page.wait_for_timeout(1500)
    first = page.evaluate(ANSWER, [f"({KEY})('ArrowRight')", ROUND])
    print(f"the first round {first / 1000:6.1f} s", flush=True)
    report("at rest: one round (right arrow)", answers([f"({KEY})('ArrowRight')"] * REPEATS, ROUND))
    ways = ("Left", "Right") * (REPEATS // 2)
    report("at rest: back and forth (arrows)", answers([f"({KEY})('Arrow{way}')" for way in ways], ROUND))
    play, name = f"({KEY})(' ')", f"{FIND}('.vg-play').textContent"
    page.evaluate(ANSWER, [play, name])
    page.wait_for_timeout(5000)  # everything is compiled
    said = "{:56s} {:6.1f} pictures a second, {:6.0f} rounds a second, longest pause {:5.0f} ms"
    at_first = page.evaluate(COUNT, SECONDS)
    print(said.format("the layers that are on at first", *at_first), flush=True)
    switch = (
        "() => document.querySelectorAll('.vg-switch input').forEach((box) => box.checked %s || box.click())"
    )
    page.evaluate(switch % "")
    page.wait_for_timeout(5000)
    print(said.format("all layers and charts", *page.evaluate(COUNT, SECONDS)), flush=True)
    page.evaluate(
        "() => [...document.querySelectorAll('.vg-switch input')].slice(2, 7).forEach((box) => box.click())"
    )
    report("while it plays: Pause and Play (Space)", answers([play] * REPEATS, name))
    rates = [
        f"{FIND}('button[title^=\"{tip}: Learning rate of D\"]').click()"
        for tip in ("Twice as much", "Half of it")
    ]
    rate = "[...document.querySelectorAll('.vg-number input')].map((field) => field.value).join()"
    report("while it plays: a learning rate", answers(rates * (REPEATS // 2), rate))
    page.evaluate(ANSWER, [play, name])
    page.wait_for_timeout(1000)
    pixels = "[...document.querySelectorAll('.vg-plane canvas')].map((canvas) => canvas.toDataURL()).join()"
    layer = f"{FIND}('.vg-switch input').click()"
    report("at rest: a layer", answers([layer] * REPEATS, pixels))
    for preset in ("oscillation", "mode collapse", "vanishing gradient"):
        act = (
            "(() => { const s = [...document.querySelectorAll('.vg-toolbar select')].at(-1);"
            f" s.value = '{preset}'; s.dispatchEvent(new Event('change')); }})()"
        )
        begun = page.evaluate(ANSWER, [act, SAID])
        page.wait_for_timeout(500)
        first = page.evaluate(ANSWER, [f"({KEY})('ArrowRight')", ROUND])
        print(
            f"the preset {preset}: picture after {begun / 1000:.1f} s, its first round {first / 1000:.1f} s",
            flush=True,
        )
    run(1)
    page.wait_for_timeout(2000)
    run(2)
    page.wait_for_timeout(1000)
    run(3)
    page.wait_for_timeout(1500)
    loop = page.evaluate(COUNT_OUTPUTS, SECONDS - 2)
    print(
        f"{'a loop with clear_output and plt.show':56s} {loop:6.1f} pictures a second: the stage shows "
        f"{at_first[0] / max(loop, 0.1):.1f} times as many"
    )


if __name__ == "__main__":
    main()
