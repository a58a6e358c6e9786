"""A notebook as HTML: nbconvert's exporter with a template of ours, and formulas as MathML."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters.datatypefilter import DataTypeFilter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from vaegan_helpers.pages import execution, formulas
from vaegan_helpers.pages.live import ALIVE

HERE = Path(__file__).parent
LONG = 24  # characters of LaTeX
SHOWN_FIRST = [ALIVE, "text/html", "text/markdown", "image/png", "text/plain"]


class Prose(IPythonRenderer):
    """Markdown as nbconvert renders it, but for the formulas."""

    def inline_math(self, body: str) -> str:
        """A formula within a line; one that may be wider than a phone scrolls there."""
        formula = formulas.mathml(body)
        return f'<span class="long">{formula}</span>' if len(body) > LONG else formula

    def block_math(self, body: str) -> str:
        """A formula on lines of its own; it scrolls where it is wider than the page."""
        return f'<span class="formula">{formulas.mathml(body, block=True)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        """A formula written as an environment."""
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def prose(source: str) -> str:
    """Markdown with formulas as HTML."""
    return MarkdownWithMath(renderer=Prose(escape=False, exclude_anchor_links=True)).render(source)


class Exporter(HTMLExporter):
    """nbconvert's exporter with the template in `reading`.

    Args:
      alive: gives the attributes of the element in which something moves, from what the kernel said of it.
    """

    def __init__(self, alive: Callable[[dict], str], **options: Any) -> None:
        super().__init__(template_name="reading", extra_template_basedirs=[str(HERE)], **options)
        self.register_filter("alive", alive)
        self.register_filter("is_still", execution.is_still)
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=self))
        chosen = DataTypeFilter(parent=self, display_data_priority=SHOWN_FIRST)
        self.register_filter("filter_data_type", chosen)

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """nbconvert's filters, with our own way from Markdown to HTML."""
        yield from super().default_filters()
        yield "markdown2html", prose


def html_of(notebook: NotebookNode, alive: Callable[[dict], str]) -> str:
    """The notebook as HTML, without the page around it."""
    # HTMLExporter's own way would go through all of the HTML once more, which is left to `polish`.
    body, _ = TemplateExporter.from_notebook_node(Exporter(alive), notebook)
    return str(body)
