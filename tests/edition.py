"""A site of the reading edition for the tests: every notebook as it is stored, and a small one that is
executed, with one of each thing that moves."""

import base64
import shutil
from pathlib import Path

import nbformat
import numpy as np
from axe_playwright_python.sync_playwright import Axe

from vaegan_helpers import pages, widgets

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
ALL_THAT_MOVES = "99_all_that_moves"

START = """
import jax
import numpy as np
from vaegan_helpers import models, stage, widgets
from vaegan_helpers.pages import live

live.ROUNDS, live.FRAMES = 30, 6
x = np.random.default_rng(0).uniform(size=(12, 784)).astype(np.float32)
labels = np.arange(12) % 10
key = jax.random.key(0)
vae = models.VAE(784, 16, 2, 1, key=key)
generator, discriminator = models.Generator(4, 16, 784, key=key), models.Discriminator(784, 16, key=key)
codes = np.asarray(vae.encode(x)[0])
"""
# What makes each, and its title.
SHOWN = {
    "A page to draw a digit on": "widgets.DrawDigit(x, labels, model=vae, codes=codes, code_labels=labels)",
    "Latent plane": 'widgets.LatentPlane({"VAE": vae}, codes, labels)',
    "KL playground": "widgets.KLPlayground()",
    "Interpolation": "widgets.Interpolation(vae, codes, x, labels, start=0, end=1)",
    "Sampler": "widgets.Sampler(vae)",
    "Traversal": "widgets.Traversal(vae, codes, start=0)",
    "You are the discriminator": "widgets.DiscriminatorGame(generator, discriminator, x)",
    "Models side by side": 'widgets.SideBySide({"one": vae, "other": vae}, x, labels, start=0, end=1)',
    "Buttons": 'b = widgets.Buttons("Two buttons", {"Go": print}); b.show(plain, "a dot", "A dot."); b',
    "Training stage": "s = stage.TrainingStage(hidden_dim=8, hidden_layers=1, batch_size=16)\ns",
}
LAST = "assert s.state.step == 0, 'the recording has its own stage'\ns"


def small_notebook():
    """The small notebook as if it had been executed and stored: a still picture for each thing that moves."""
    png = base64.b64encode(widgets.pictures.png(np.zeros(784))).decode()
    still = {
        "text/html": f'<img alt="still" width="28" src="data:image/png;base64,{png}"><p>still</p>',
        "text/plain": "still",
    }
    book = widgets.flipbook(
        [np.full(784, ink) for ink in (0, 0.5, 1)], ["white", "grey", "black"], alt="Three greys."
    )
    cells = [
        nbformat.v4.new_markdown_cell(
            "# 99 · All that moves\n\n**Does it move?**\n\n**Time.** About 3 minutes to read."
        ),
        nbformat.v4.new_code_cell(START + f'import base64\nplain = base64.b64decode("{png}")'),
        nbformat.v4.new_markdown_cell("## Explorers\n\n**Predict.** What comes?"),
        nbformat.v4.new_code_cell("print('this')", outputs=[nbformat.v4.new_output("stream", text="this\n")]),
    ]
    for title, source in [*SHOWN.items(), ("the same stage", LAST)]:
        cells += [
            nbformat.v4.new_markdown_cell(f"### {title} here"),
            nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output("execute_result", still)]),
        ]
    shown = nbformat.v4.new_output("display_data", book._repr_mimebundle_())
    cells += [
        nbformat.v4.new_markdown_cell("## A flipbook\n\nSee [the KL term](02_the_kl_term.ipynb)."),
        nbformat.v4.new_code_cell(
            "raise SystemError('this comes after all that moves, so nobody runs it')", outputs=[shown]
        ),
    ]
    for cell in cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
    return nbformat.v4.new_notebook(cells=cells)


def build(folder):
    """The site in `folder`/site; gives the folder of the notebooks and that of the site."""
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, notebooks)
    nbformat.write(small_notebook(), notebooks / f"{ALL_THAT_MOVES}.ipynb")
    pages.build(folder / "site", notebooks, executed=lambda chapter: chapter.name == ALL_THAT_MOVES)
    return notebooks, folder / "site"


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
STANDARD = {"runOnly": RULES, "resultTypes": ["violations"], "preload": False}
# Everything that a reader may open, so that nothing stays unseen.
OPEN_ALL = "() => document.querySelectorAll('main details').forEach((fold) => { fold.open = true; })"


def violations(page):
    """What axe-core finds against WCAG 2.1 A and AA in a page: (rule, element, what is wrong)."""
    found = Axe().run(page, options=STANDARD).response["violations"]
    return [
        (rule["id"], node["html"][:400], node["failureSummary"]) for rule in found for node in rule["nodes"]
    ]


class Reader:
    """One page of the site in a browser without a network; what it asked for and complained about is kept."""

    def __init__(self, chromium, site, **options):
        self.site, self.errors, self.asked = site, [], []
        self.context = chromium.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, name, anchor=""):
        self.page.goto((self.site / f"{name}.html").as_uri() + anchor)
        return self

    def wake_all(self):
        """Brings everything that moves into sight, until it is awake."""
        self.page.evaluate(OPEN_ALL)
        for thing in self.page.locator(".alive").all():
            thing.scroll_into_view_if_needed()
            thing.locator("xpath=self::*[@data-awake]").wait_for(state="attached")
        return self

    def title(self):
        return self.page.locator("h1").inner_text()
