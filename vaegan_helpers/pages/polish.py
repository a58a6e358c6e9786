"""From a notebook's HTML to the inside of a page: anchors, pictures as files, tables that can be read aloud,
predictions before results, links between pages."""

import base64
import dataclasses
import io
import json
import re
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag
from PIL import Image

from vaegan_helpers.pages.assets import Assets

DATA = re.compile(r"data:image/(png|jpeg|svg\+xml);base64,(.*)", re.DOTALL)
HEADINGS = ["h1", "h2", "h3", "h4"]
WIDE = 480  # pixels: a wider picture scrolls on a phone, where its letters would be too small


@dataclasses.dataclass
class Section:
    """A heading and what follows it up to the next one.

    Attributes:
      level: of the heading, 1 to 4.
      anchor: its address within the page; of the page's own heading it is empty.
      title, text: in plain words.
    """

    level: int
    anchor: str
    title: str
    text: str


def polished(html: str, assets: Assets) -> BeautifulSoup:
    """The inside of a page, whose pictures lie in `assets`."""
    soup = BeautifulSoup(html, "html.parser")
    _anchor_headings(soup)
    for book in soup.select("figure[data-frames]"):
        _leaf(soup, book, assets)
    for picture in soup.select("img"):
        _as_file(picture, assets)
    for picture in soup.select(".shown:not(.alive) > img[width], .flipbook > img[width]"):
        if int(str(picture["width"])) > WIDE:
            _wrapped(soup, picture, "div", "scroll")
    for table in soup.select("table"):
        _read_aloud(soup, table)
    for pre in soup.select("pre"):
        _wrapped(soup, pre, "div", "scroll")
    for link in soup.select("a[href]"):
        _to_page(link)
    _ask_before_showing(soup)
    return soup


def keep_marks(soup: BeautifulSoup) -> None:
    """A full stop or a comma stays on the line of the formula before it."""
    for formula in soup.select(".prose math"):
        frame = formula.find_parent(class_="long")
        before = formula if frame is None else frame
        after = before.next_sibling
        if not isinstance(after, NavigableString):
            continue
        mark = re.match(r"[.,;:?!)\]]+(?=\s|$)", after)
        if mark is not None:
            kept = before.wrap(soup.new_tag("span", attrs={"class": "together"}))
            after.replace_with(after[mark.end() :])
            kept.append(mark[0])


def plain(tag: Tag) -> str:
    """The words of an element, without its formulas' source and without what is only for the eye."""
    parts = [
        text
        for text in tag.find_all(string=True)
        if not any(parent.name in ("annotation", "script", "style") for parent in text.parents)
    ]
    return " ".join("".join(parts).split())


def sections(soup: BeautifulSoup) -> list[Section]:
    """The page's prose, cut at its headings, for the contents and for the search."""
    found: list[Section] = []
    for part in soup.select(".prose > *"):
        if part.name in HEADINGS:
            found.append(Section(int(part.name[1]), str(part.get("id", "")), plain(part), ""))
        elif found:
            found[-1].text = f"{found[-1].text} {plain(part)}".strip()
    return found


def slug(words: str, taken: set[str]) -> str:
    """An anchor made from words, unlike all that are taken; it is taken then, too."""
    stem = re.sub(r"\W+", "-", words.lower()).strip("-") or "section"
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name)
    return name


def _anchor_headings(soup):
    taken = {"main"}
    for heading in soup.find_all(HEADINGS):
        words = plain(heading)
        heading["id"] = slug(words, taken)
        if heading.name != "h1":
            label = {"class": "anchor", "href": f"#{heading['id']}", "aria-label": f"Link to “{words}”"}
            heading.append(soup.new_tag("a", attrs=label))


def _as_file(picture, assets):
    match = DATA.match(str(picture["src"]))
    if not match:
        return
    content = base64.b64decode(match[2])
    ending = {"png": ".png", "jpeg": ".jpg", "svg+xml": ".svg"}[match[1]]
    picture["src"] = assets.add(content, ending)
    if ending != ".svg":  # its place is kept while it loads
        width, height = Image.open(io.BytesIO(content)).size
        shown = int(str(picture.get("width", width)))
        picture["width"], picture["height"] = shown, round(shown * height / width)
    picture["loading"], picture["decoding"] = "lazy", "async"


def _leaf(soup, book, assets):
    """A flipbook whose frames are files, turned by the page's script instead of one in each attribute."""
    frames, captions = json.loads(book["data-frames"]), json.loads(book["data-captions"])
    book["data-frames"] = json.dumps([assets.add(base64.b64decode(frame), ".png") for frame in frames])
    book["data-captions"] = json.dumps(captions)
    book["class"] = "flipbook"
    del book["style"]
    for hint in book.find_all("p"):
        hint.decompose()
    picture, box, slider = book.find("img"), book.find("div"), book.find("input")
    for part, names in ((picture, ["onload"]), (slider, ["oninput", "style", "data-lm-suppress-shortcuts"])):
        for name in names:
            del part[name]
    del box["style"]
    box["hidden"] = ""  # until the script is there


def _read_aloud(soup, table):
    """A table with a caption, header cells that say what they head, and a frame that scrolls."""
    heading = table.find_previous(HEADINGS)
    caption = soup.new_tag("caption", attrs={"class": "unseen"})
    caption.string = f"Table: {plain(heading)}" if heading else "Table"
    table.insert(0, caption)
    for cell in table.select("thead th"):
        if plain(cell):
            cell["scope"] = "col"
        else:
            cell.name = "td"
    heads_rows = table.select_one("thead td") is not None  # an empty corner: each row begins with its name
    for row in table.select("tbody tr"):
        first = row.find(["td", "th"])
        if heads_rows and first is not None and plain(first):
            first.name, first["scope"] = "th", "row"
    _wrapped(soup, table, "div", "scroll")


def _wrapped(soup, part, name, kind):
    return part.wrap(soup.new_tag(name, attrs={"class": kind}))


def _to_page(link):
    """A link to a notebook leads to its page; one to another file of the course is only its words here."""
    address = str(link["href"])
    match = re.fullmatch(r"(?:\./)?([\w-]+)\.ipynb(#.*)?", address)
    if match:
        link["href"] = f"{match[1]}.html{match[2] or ''}"
    elif not re.match(r"#|[a-z]+:", address):
        link.unwrap()


def _ask_before_showing(soup):
    """What a cell shows after “Predict” is folded, until the reader has an answer; explorers stay open."""
    for mark in soup.select(".prose > p > strong:first-child"):
        if plain(mark) != "Predict.":
            continue
        question = mark.parent
        question["class"] = "predict"
        cell = question.find_parent(class_="cell").find_next_sibling(class_="cell")
        while cell is not None and "code" in cell["class"]:
            outputs = cell.find(class_="outputs")
            if outputs is not None and not outputs.select(".alive, .flipbook"):
                folded = _wrapped(soup, outputs, "details", "reveal")
                summary = soup.new_tag("summary")
                summary.string = "I have my prediction: show what happens"
                folded.insert(0, summary)
            cell = cell.find_next_sibling(class_="cell")


def attributes(**values: Any) -> str:
    """HTML attributes as text, escaped."""
    tag = Tag(name="x", attrs={name.replace("_", "-"): str(value) for name, value in values.items()})
    return str(tag)[2 : -len("></x>")]
