"""The course's terms, each with the sentence in which a notebook first sets it apart, and links to there."""

import dataclasses
import re
from collections.abc import Iterable

from bs4 import BeautifulSoup, NavigableString, Tag

from vaegan_helpers.pages.polish import plain

# Which words are terms, and other forms that notebooks use. What a term means stands in the notebooks alone.
TERMS: dict[str, list[str]] = {
    "active units": [],
    "aggregate posterior": [],
    "amortisation gap": [],
    "code": [],
    "coverage": [],
    "decoder": [],
    "density": [],
    "discriminator": [],
    "distortion": [],
    "effective beta": [],
    "effective number of classes": ["effective classes"],
    "encoder": [],
    "evidence lower bound": ["ELBO"],
    "Fréchet distance": [],
    "generator": [],
    "held out": ["held-out"],
    "high quality": [],
    "holes": ["hole"],
    "importance-weighted bounds": ["importance-weighted bound"],
    "Jensen-Shannon divergence": [],
    "KL annealing": [],
    "Kullback-Leibler divergence": ["Kullback-Leibler (KL) divergence", "KL divergence"],
    "latent space": [],
    "logit": ["logits"],
    "mode": [],
    "mode collapse": [],
    "nat": ["nats"],
    "non-saturating": [],
    "posterior": [],
    "posterior collapse": [],
    "precision": [],
    "prior": [],
    "R1 penalty": [],
    "rate": [],
    "recall": [],
    "relativistic": [],
    "reparameterisation": ["reparameterisation trick"],
    "reverse KL": [],
    "saturating": ["saturates"],
    "score-function": [],
    "shell": [],
    "sharpness": [],
    "unevenness": [],
    "unrolling": [],
    "vanishing gradient": ["vanishing gradients"],
}
# By default the explanation is where a notebook first sets the term apart, in italics or in bold. These terms
# are set apart elsewhere as well, so the sentence has to say this too; where none does they are left out.
SAYS = {
    "coverage": "share of",
    "density": "how many balls",
    "discriminator": "probability that",
    "Fréchet distance": "two Gaussians",
    "generator": "noise into",
    "mode": "Each is a mode",
    "mode collapse": "mode collapse (is|means)|called mode collapse",
    "non-saturating": "loses its gradient",
    "precision": "share of",
    "recall": "share of",
    "relativistic": "compares pairs",
    "saturating": "loses its gradient",
}
POINTS_BACK = ("This is", "These are", "Each is")  # a sentence that is nothing without the one before
# Words of everyday language too: they are explained, but not wherever they stand.
EVERYDAY = {
    "code", "coverage", "density", "high quality", "holes", "mode", "posterior", "precision", "prior", "rate",
    "recall", "shell",
}  # fmt: skip
ENDS = re.compile(r"(?<=[.?!])\s+(?=[^\sa-z])")


@dataclasses.dataclass
class Entry:
    """A term that a notebook explains.

    Attributes:
      term: as it is listed.
      html: the sentence that explains it.
      page, title: where that is.
      anchor: the place on that page.
    """

    term: str
    html: str
    page: str
    title: str
    anchor: str


def explained(pages: Iterable[tuple[str, str, BeautifulSoup]]) -> list[Entry]:
    """The terms that are explained on pages (name, title, inside), in the order of the alphabet.

    The place of each gets an anchor. A term that no page explains is left out.
    """
    found: dict[str, Entry] = {}
    names = {form.lower(): term for term, forms in TERMS.items() for form in [term, *forms]}
    for page, title, soup in pages:
        for block in soup.select(".prose p, .prose li, .prose tr"):
            if block.find_parent("details") or (block.name == "p" and block.find_parent("li")):
                continue
            for mark, sentence in _sentences(block):
                if mark is None:
                    words = [
                        form for form in names if names[form] in SAYS and form in plain_html(sentence).lower()
                    ]
                else:
                    words = [plain(mark).rstrip(".,:;").lower()]
                for term in filter(None, map(names.get, words)):
                    if term not in found and _explains(term, plain_html(sentence)):
                        anchor = "term-" + re.sub(r"\W+", "-", term.lower()).strip("-")
                        whole = sentence if sentence[-1] in ".?!" else f"{sentence.rstrip(';:,')}."
                        found[term] = Entry(term, whole, page, title, anchor)
                        _anchor(soup, mark or block, anchor)
    return sorted(found.values(), key=lambda entry: entry.term.lower())


def plain_html(html: str) -> str:
    """The words of a piece of HTML."""
    return plain(BeautifulSoup(html, "html.parser"))


def _explains(term, words):
    if term in SAYS:
        return re.search(SAYS[term], words) is not None
    return len(words.split()) > 5  # fewer are a heading in bold


def _anchor(soup, place, anchor):
    place = place.find(["th", "td"]) if place.name == "tr" else place
    place.insert(0, soup.new_tag("span", attrs={"id": anchor}))


def _sentences(block: Tag) -> Iterable[tuple[Tag | None, str]]:
    """Each sentence of a block as HTML, once for each of its words set apart and once for itself.

    Elements are set aside while the text is cut at its full stops. A row of a table is one sentence.
    """
    if block.name == "tr":
        head, *others = block.find_all(["th", "td"])
        if len(others) == 1:  # a word, and what it means
            yield head.find(["strong", "em"]), f"{head.decode_contents()}: {others[0].decode_contents()}"
        return
    parts: list[Tag] = []
    text = ""
    for child in block.children:
        if isinstance(child, Tag):
            if child.name in ("ul", "ol", "details"):
                break
            text += f"\0{len(parts)}\0"
            parts.append(child)
        else:
            text += str(child)
    before = ""
    for sentence in ENDS.split(text):
        words = re.split("\0(\\d+)\0", sentence.strip())
        inside = [parts[int(word)] for word in words[1::2]]
        html = "".join(str(parts[int(word)]) if i % 2 else _escaped(word) for i, word in enumerate(words))
        whole = f"{before} {html}" if html.startswith(POINTS_BACK) and before else html
        for part in inside:
            if part.name in ("em", "strong"):
                yield part, whole
        yield None, whole
        before = html


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link_terms(page: str, soup: BeautifulSoup, entries: list[Entry]) -> None:
    """Links the first place of each term on a page to its explanation, where that is on an earlier page."""
    forms = {
        form: entry
        for entry in entries
        if entry.term not in EVERYDAY and entry.page < page
        for form in [entry.term, *TERMS[entry.term]]
    }
    if not forms:
        return
    any_form = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])({any_form})(?![\w-])", re.IGNORECASE)
    lower = {form.lower(): entry for form, entry in forms.items()}
    done: set[str] = set()
    for block in soup.select(".prose p, .prose li"):
        if block.find_parent("details") or block.find_parent("li"):
            continue
        for text in block.find_all(string=True, recursive=False):
            _link_in(soup, text, pattern, lower, done)


def _link_in(soup, text, pattern, entries, done):
    rest = text
    while (match := pattern.search(rest)) is not None:
        entry = entries[match[1].lower()]
        before, after = rest[: match.start()], rest[match.end() :]
        if entry.term in done:
            made: Tag | NavigableString = NavigableString(before + match[1])
            rest_of = NavigableString(after)
            rest.replace_with(made, rest_of)
        else:
            done.add(entry.term)
            link = soup.new_tag(
                "a", attrs={"class": "term", "href": f"{entry.page}#{entry.anchor}"}, string=match[1]
            )
            rest_of = NavigableString(after)
            rest.replace_with(NavigableString(before), link, rest_of)
        rest = rest_of
