"""Builds the whole site: `python -m vaegan_helpers pages [FOLDER]`. A whole one replaces the one before."""

import argparse
import importlib.metadata
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

from vaegan_helpers.pages import course, execution, glossary, polish, render
from vaegan_helpers.pages.assets import Assets
from vaegan_helpers.pages.course import Chapter
from vaegan_helpers.pages.live import ALIVE
from vaegan_helpers.server import notebooks_folder
from vaegan_helpers.stage.page import script as stage_script
from vaegan_helpers.widgets import base

TITLE = "VAE and GAN, side by side"
TEMPLATES = Path(__file__).parent / "site"
MARK = "edition.json"  # lies in every site, so that no other folder is ever replaced
# What the start page shows, if the course has it, and the words for it.
FIRST_CHOICE = "Latent plane"
FIRST_WORDS = {
    FIRST_CHOICE: "A VAE keeps each digit as a point of this plane. Take hold of the point, or move it with "
    "the arrow keys, and watch what it decodes to: between two digits lie shapes that nobody wrote."
}


def build(
    folder: Path,
    notebooks: Path,
    *,
    executed: Callable[[Chapter], bool] = lambda chapter: True,
    progress: bool = False,
) -> Path:
    """Makes the site in `folder`; whatever fails, the site that was there stays whole.

    Args:
      folder: new, empty, or with an earlier site in it.
      notebooks: the folder of the course's notebooks, stored with their outputs.
      executed: whether a notebook is run for what makes its explorers move. Where it is not, and where a
        notebook has nothing that moves, the page has what is stored: pictures.
      progress: whether a bar shows how far it is.

    Returns:
      The start page.

    Raises:
      ValueError: no notebooks, or a folder with something else in it.
      nbclient.exceptions.CellExecutionError: a cell of a notebook failed.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).exists())):
        raise ValueError(
            f"{folder} holds something else than an earlier site; wanted a new or an empty folder"
        )
    chapters = course.chapters(notebooks)
    to_run = {chapter.name: execution.to_run(chapter.notebook) for chapter in chapters if executed(chapter)}
    moving = [chapter for chapter in chapters if to_run.get(chapter.name)]
    total = sum(map(len, to_run.values()))
    with tqdm(total=total, unit="cell", disable=not (progress and total)) as bar:

        def ended(chapter: Chapter) -> None:
            bar.set_description(chapter.title, refresh=False)
            bar.update()

        lives = execution.lives_of(moving, ended)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        Site(Path(made) / "new", chapters, lives).write()
        old = Path(made) / "old"
        if folder.exists():
            folder.rename(old)
        try:
            (Path(made) / "new").rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    return folder / "index.html"


class Site:
    """One site while it is written.

    Args:
      folder: where to; it must not exist.
      chapters: the notebooks.
      lives: {name of a notebook: what makes it move}.
    """

    def __init__(self, folder: Path, chapters: list[Chapter], lives: dict[str, execution.Life]) -> None:
        self.folder, self.chapters, self.lives = folder, chapters, lives
        self.assets = Assets(folder)
        self.templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
        self.stand = self.assets.add_script(base.script("page/stand_in.js"), "{ standIn, revive }")
        self.moving: list[tuple[str, str, Chapter]] = []  # title of what moves, its HTML, where it is

    def write(self) -> None:
        """All pages and what belongs to them."""
        insides = [(chapter, self._inside(chapter)) for chapter in self.chapters]
        entries = glossary.explained((chapter.page, chapter.title, soup) for chapter, soup in insides)
        sections = {chapter.name: polish.sections(soup) for chapter, soup in insides}
        for chapter, soup in insides:
            glossary.link_terms(chapter.page, soup, entries)
            polish.keep_marks(soup)
        self.around = {
            "course": TITLE,
            "chapters": self.chapters,
            "repository": repository(),
            "style": self.assets.add(style(), ".css"),
            "script": self.assets.add('"use strict";\n' + base.script(TEMPLATES / "site.js"), ".js"),
            "index": self.assets.add_data(self._index(sections, entries)),
        }
        for place, (chapter, soup) in enumerate(insides):
            before, after = (
                self.chapters[i] if 0 <= i < len(self.chapters) else None for i in (place - 1, place + 1)
            )
            self._page(
                chapter.page,
                "chapter.html.j2",
                title=chapter.title,
                description=chapter.question or chapter.title,
                notebook=f"{chapter.name}.ipynb",
                inside=soup.decode(),
                contents=contents(sections[chapter.name]),
                alive=bool(soup.select(".alive")),
                stills=self._stills(chapter),
                before=before,
                after=after,
            )
        self._page("glossary.html", "glossary.html.j2", title="Glossary", entries=entries)
        self._page("accessibility.html", "accessibility.html.j2", title="Accessibility")
        self._page("index.html", "start.html.j2", title=TITLE, explorer=self._first())
        about = {"course": TITLE, "pages": [chapter.page for chapter in self.chapters]}
        (self.folder / MARK).write_text(json.dumps(about), encoding="utf-8")

    def _inside(self, chapter: Chapter) -> BeautifulSoup:
        def alive(life: dict) -> str:
            attributes = self._alive(life)
            self.moving.append((life["title"], f"<div class='shown alive'{attributes}></div>", chapter))
            return attributes

        notebook = execution.with_life(chapter.notebook, self.lives.get(chapter.name, {}))
        return polish.polished(render.html_of(notebook, alive), self.assets)

    def _alive(self, life: dict[str, Any]) -> str:
        """The attributes by which the page's script finds what it needs."""
        if life["kind"] == "stage":
            module = self.assets.add_script(stage_script.SCRIPT, "replay")
            state = self.assets.add_data(life["packed"])
        else:
            module = self.assets.add_script(life["module"], "shown")
            state = self.assets.add_data(life["state"])
        return polish.attributes(
            data_kind=life["kind"], data_module=module, data_state=state, data_stand=self.stand
        )

    def _stills(self, chapter: Chapter) -> int:
        """How many explorers of a page are only pictures of themselves."""
        notebook = execution.with_life(chapter.notebook, self.lives.get(chapter.name, {}))
        shown = [output for cell in notebook.cells for output in execution.displayed(cell)]
        return sum(execution.is_still(output) and ALIVE not in output.data for output in shown)

    def _first(self) -> dict[str, Any] | None:
        """What moves on the start page."""
        for title, html, chapter in sorted(self.moving, key=lambda moving: moving[0] != FIRST_CHOICE):
            words = FIRST_WORDS.get(title, f"{title}.")
            return {"words": words, "page": chapter.page, "title": chapter.title, "html": html}
        return None

    def _index(
        self, sections: dict[str, list[polish.Section]], entries: list[glossary.Entry]
    ) -> list[list[str]]:
        """What the search looks through: address, page, title, text."""
        found = []
        for chapter in self.chapters:
            for section in sections[chapter.name]:
                address = f"{chapter.page}#{section.anchor}" if section.level > 1 else chapter.page
                found.append([address, chapter.title, section.title, section.text])
        for entry in entries:
            words = polish.plain(BeautifulSoup(entry.html, "html.parser"))
            found.append([f"glossary.html#{entry.anchor}", "Glossary", entry.term, words])
        return found

    def _page(self, name, template, *, title, description="", **more):
        html = self.templates.get_template(template).render(
            **self.around, page=name, title=title, description=description or title, **more
        )
        (self.folder / name).write_text(html, encoding="utf-8")


def contents(sections: list[polish.Section]) -> list[dict[str, Any]]:
    """The headings of a page for its contents: those of the second level, with those of the third inside."""
    found: list[dict[str, Any]] = []
    for section in sections:
        if section.level == 2:
            found.append({"anchor": section.anchor, "title": section.title, "inner": []})
        elif section.level == 3 and found:
            found[-1]["inner"].append(section)
    return found


def style() -> str:
    """The style of the pages. Explorers and stage share names in theirs, so each keeps to its own place."""
    parts = [(TEMPLATES / "site.css").read_text(encoding="utf-8")]
    for kind, css in (("explorer", base.CSS), ("stage", stage_script.CSS)):
        parts.append(f'.alive[data-kind="{kind}"] {{\n{css}\n}}\n')
    return "\n".join(parts)


def repository() -> str | None:
    """The course's address, as the installed package knows it; None as long as it is only a placeholder."""
    try:
        lines = importlib.metadata.metadata("vaegan-helpers").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:  # used without being installed
        return None
    addresses = dict(line.split(", ", 1) for line in lines)
    address = addresses.get("Repository", "")
    return address if address and ".example" not in address else None


def main(given: Sequence[str]) -> None:
    """The command `python -m vaegan_helpers pages`; it ends with a message where it cannot build."""
    parser = argparse.ArgumentParser(
        prog="python -m vaegan_helpers pages",
        description="Builds the reading edition: the notebooks as pages that move without a kernel.",
    )
    parser.add_argument(
        "folder", nargs="?", default="site", type=Path, help="where to (default: %(default)s)"
    )
    parser.add_argument(
        "--stored", action="store_true", help="execute nothing: explorers are pictures, and it takes seconds"
    )
    options = parser.parse_args(given)
    try:
        start = build(
            options.folder, notebooks_folder(), executed=lambda _: not options.stored, progress=True
        )
    except (ValueError, OSError, CellExecutionError) as problem:
        sys.exit(f"vaegan_helpers pages: nothing was changed in {options.folder}. {problem}")
    except (KeyboardInterrupt, AssertionError, DeadKernelError):  # what nbclient makes of Control-C
        logging.disable()  # tasks that watched the kernels complain that they are gone
        sys.exit("vaegan_helpers pages: interrupted; the same command goes on with what was executed so far")
    size = sum(file.stat().st_size for file in start.parent.rglob("*") if file.is_file())
    print(f"{start.as_uri()}  ({size / 1e6:.1f} MB in all)")
