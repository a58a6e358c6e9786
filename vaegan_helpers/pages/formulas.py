"""Formulas: LaTeX becomes MathML, which browsers draw without a script and screen readers speak."""

import itertools
from xml.etree import ElementTree

from latex2mathml import converter

SPACE = "http://www.w3.org/1998/Math/MathML"
ElementTree.register_namespace("", SPACE)
WITH_LIMITS = {"\u2211", "\u220f", "min", "max"}  # what stands below and above them, on a line of its own
BELOW = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
FUNCTIONS = {"log", "exp", "sin", "cos", "tanh"}
BEFORE_A_SIGN = "=<>≤≥≈∼([{,;"
THIN = "0.167em"


def mathml(tex: str, block: bool = False) -> str:
    """A formula as MathML, on a line of its own where `block` says so."""
    text = converter.convert(tex.strip(), display="block" if block else "inline")
    root = ElementTree.fromstring(text)
    for part in list(root.iter()):
        if block and _kind(part) in BELOW and part[0].text in WITH_LIMITS:
            part.tag = f"{{{SPACE}}}{BELOW[_kind(part)]}"
        _set_functions_apart(part)
        _mark_signs(part)
        if _kind(part) == "mover" and _kind(part[1]) == "mpadded":
            _stretch(part)
    return ElementTree.tostring(root, encoding="unicode")


def _kind(element):
    return element.tag.removeprefix(f"{{{SPACE}}}")


def _new(kind, **attributes):
    return ElementTree.Element(f"{{{SPACE}}}{kind}", attributes)


def _set_functions_apart(row):
    """A thin space around "log" and its like, as TeX has it, but none before a bracket."""
    for name in [child for child in row if child.text in FUNCTIONS and _kind(child) in ("mi", "mo")]:
        if _kind(row) not in ("mrow", "math", "mstyle"):
            continue
        place = list(row).index(name)
        if place + 1 < len(row) and (row[place + 1].text or "") not in "()[],":
            row.insert(place + 1, _new("mspace", width=THIN))
        elif (
            place + 1 < len(row) and row[place + 1].text is None
        ):  # a fraction, a root, letters with an index
            row.insert(place + 1, _new("mspace", width=THIN))
        if place and _kind(row[place - 1]) not in ("mo", "mspace"):
            row.insert(place, _new("mspace", width=THIN))


def _mark_signs(row):
    """A minus after a relation, an opening bracket or a comma is a sign, and not a subtraction."""
    for before, sign in itertools.pairwise(row):
        follows = _kind(before) == "mo" and before.text and before.text in BEFORE_A_SIGN
        if follows and _kind(sign) == "mo" and sign.text in ("-", "\u2212"):
            sign.set("form", "prefix")


def _stretch(arrow):
    """An arrow as long as the words above it."""
    sign, words = next(arrow[0].iter(f"{{{SPACE}}}mo")), next(arrow[1].iter(f"{{{SPACE}}}mtext"))
    above = _new("mrow")
    above.extend([_new("mspace", width="0.4em"), words, _new("mspace", width="0.6em")])
    sign.set("stretchy", "true")
    arrow[:] = [sign, above]
