"""The reading edition: a page says what its notebook says, leads where it points, is put in place whole.

In a real browser it is opened from the disk, without a network and without a kernel.
"""

import functools
import json
import os
import re
import time
from urllib.parse import unquote, urlsplit

import edition
import nbformat
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from nbclient.exceptions import CellExecutionError

from vaegan_helpers import __main__ as course_main
from vaegan_helpers import cache, pages
from vaegan_helpers.pages import builder, course, execution, formulas, glossary, polish

NAMES = [path.stem for path in sorted(edition.NOTEBOOKS.glob("*.ipynb"))]
MOVING = edition.ALL_THAT_MOVES
OTHERS = ["index", "glossary", "accessibility"]
WEIGHT = 3e6  # bytes of a page with all that belongs to it


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edition")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setattr(cache, "directory", lambda: folder / "cache")
        yield edition.build(folder)


@functools.cache
def soup_of(site, name):
    """A page; no test may change it."""
    return BeautifulSoup((site[1] / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def text_of(part, without=("math", "caption")):
    """What is written in a part of a page; formulas, and what the notebook has not, stay out."""
    inside = part.find_all(string=True)
    return " ".join(text for text in inside if not any(parent.name in without for parent in text.parents))


def words(part, **options):
    return re.findall(r"\w+", text_of(part, **options))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_its_notebook_says(site, name):
    """Prose by another renderer than the pages' own; code, printed lines and figures' words as they are."""
    page, notebook = soup_of(site, name), nbformat.read(site[0] / f"{name}.ipynb", as_version=4)
    markdown = MarkdownIt("commonmark").enable("table")
    for cell in notebook.cells:
        shown = page.find(id=f"cell-{cell.id}")
        if cell.cell_type == "markdown":
            plain = re.sub(r"\$\$.+?\$\$|\$[^$]+?\$", " ", cell.source, flags=re.DOTALL)
            assert words(shown) == words(BeautifulSoup(markdown.render(plain), "html.parser")), cell.source
            continue
        assert shown.select_one(".source pre").get_text().strip() == cell.source.strip()
        printed = [part.get_text() for part in shown.select(".outputs pre:not(.failed, .value)")]
        assert printed == [output.text for output in cell.outputs if output.output_type == "stream"]
        for output in execution.displayed(cell):
            stored = BeautifulSoup(output.data.get("text/html", ""), "html.parser")
            told = [picture["alt"] for picture in stored.select("img")]
            assert set(told) <= {picture["alt"] for picture in shown.select("img")}


@pytest.mark.parametrize("name", NAMES)
def test_the_start_page_maps_the_notebook(site, name):
    chapter = next(one for one in course.chapters(site[0]) if one.name == name)
    link = soup_of(site, "index").select_one(f".map a[href='{name}.html']")
    assert chapter.question and chapter.minutes
    assert [part.get_text() for part in link.select("b, span")] == [chapter.title, chapter.question]
    assert str(chapter.minutes) in link.small.get_text()


def test_every_link_and_anchor_leads_somewhere(site):
    anchors = {path.name: soup_of(site, path.stem) for path in site[1].glob("*.html")}
    assert len(anchors) == len(NAMES) + 4
    for name, soup in anchors.items():
        for link in soup.select("a[href]"):
            address = urlsplit(link["href"])
            if address.scheme:
                continue  # to elsewhere, by the reader's own click
            target = anchors[unquote(address.path) or name]
            assert not address.fragment or target.find(id=unquote(address.fragment)), (
                f"{name}: {link['href']}"
            )


def files_of(soup):
    """What a page loads, now or later."""
    for tag in soup.select("[src], link[href], [data-module], [data-index], [data-frames]"):
        for attribute in ("src", "data-module", "data-state", "data-stand", "data-index"):
            yield tag.get(attribute)
        yield from json.loads(tag.get("data-frames", "[]"))
        yield tag.get("href") if tag.name == "link" else None


def test_pages_load_what_lies_beside_them_and_weigh_little(site):
    for path in site[1].glob("*.html"):
        files = {file for file in files_of(soup_of(site, path.stem)) if file and not file.startswith("data:")}
        assert all(re.fullmatch(r"assets/[\w.]+", file) for file in files), path.name
        weight = path.stat().st_size + sum((site[1] / file).stat().st_size for file in files)
        assert len(files) >= 3 and weight < WEIGHT, f"{path.name}: {weight / 1e6:.1f} MB"
    used = {file for path in site[1].glob("*.html") for file in files_of(soup_of(site, path.stem)) if file}
    assert {f"assets/{file.name}" for file in (site[1] / "assets").iterdir()} <= used, (
        "a file that no page uses"
    )


def test_ids_are_given_once_and_headings_follow_in_order(site):
    for path in site[1].glob("*.html"):
        soup = soup_of(site, path.stem)
        ids = [tag["id"] for tag in soup.select("[id]")]
        assert len(ids) == len(set(ids)), path.name
        levels = [int(heading.name[1]) for heading in soup.select("main :is(h1, h2, h3, h4)")]
        assert levels[0] == 1 and levels.count(1) == 1, path.name
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False)), path.name
        assert soup.html["lang"] == "en" and all(picture.get("alt") for picture in soup.select("img"))


def test_tables_have_captions_and_header_cells(site):
    tables = [table for name in NAMES for table in soup_of(site, name).select("table")]
    assert tables
    for table in tables:
        assert (
            table.caption.get_text() and table.select("th[scope=col]") and not table.select("th:not([scope])")
        )


def test_no_formula_is_left_as_latex(site):
    for name in NAMES:
        soup = soup_of(site, name)
        text = text_of(soup.main, without=("code", "pre"))
        assert "$" not in text and "\\" not in text, name
        assert soup.select("math")


def test_formulas_have_limits_and_spaces_as_latex_sets_them():
    assert "<munder><mo>min</mo>" in formulas.mathml(r"\min_G V", block=True)
    assert "<msub><mo>min</mo>" in formulas.mathml(r"\min_G V")
    assert '<mi>log</mi><mspace width="0.167em" /><mi>p</mi>' in formulas.mathml(r"\log p")
    assert "<mi>log</mi><mo" in formulas.mathml(r"\log(p)")
    assert '<mo form="prefix">' in formulas.mathml("a = -b")
    assert "prefix" not in formulas.mathml("a - b") + formulas.mathml("|a| - 1")
    assert '<mo stretchy="true">→</mo>' in formulas.mathml(r"\xrightarrow{\text{encoder}}")


def test_the_glossary_speaks_in_the_notebooks_words(site):
    entries = soup_of(site, "glossary").select("dl > dt")
    assert {entry.get_text() for entry in entries} == set(glossary.TERMS)  # none is left unexplained
    assert ".." not in soup_of(site, "glossary").get_text()
    for entry in entries:
        sentence, link = entry.find_next("dd"), entry.find_next("dd").select("a")[-1]
        page, anchor = link["href"].split("#")
        place = soup_of(site, page.removesuffix(".html")).find(id=anchor).find_parent(["p", "li", "tr"])
        said, there = set(words(sentence, without=("math", "a"))), set(words(place))
        # a sentence that begins with "This is" brings the one before along
        assert said <= there | set(words(place.find_previous("p"))), entry.get_text()


def test_terms_lead_to_earlier_pages_once():
    inside = "<div class='prose'><p>Each <em>nat</em> is a unit of surprise in these pages.</p></div>"
    later = "<div class='prose'><p>Two nats, and a <code>nat</code>; four nats.</p></div>"
    soups = [BeautifulSoup(html, "html.parser") for html in (inside, later)]
    entries = glossary.explained([("a.html", "A", soups[0]), ("b.html", "B", soups[1])])
    assert [(entry.term, entry.page, entry.anchor) for entry in entries] == [("nat", "a.html", "term-nat")]
    glossary.link_terms("a.html", soups[0], entries)
    glossary.link_terms("b.html", soups[1], entries)
    assert not soups[0].select("a") and soups[1].get_text() == "Two nats, and a nat; four nats."
    assert [str(link) for link in soups[1].select("a")] == ['<a class="term" href="a.html#term-nat">nats</a>']


def test_the_search_knows_every_section(site):
    dialog = soup_of(site, "index").select_one("dialog")
    text = (site[1] / dialog["data-index"]).read_text(encoding="utf-8")
    index = json.loads(re.search(r"\", (\[.*\])\);", text, re.DOTALL)[1])
    assert len(index) > 100
    for address, page, title, _ in index:
        assert address and page and title
        assert (site[1] / address.split("#")[0]).is_file()


def test_a_prediction_comes_before_what_happens(site):
    fold = soup_of(site, MOVING).select_one("details.reveal")
    assert not fold.has_attr("open") and fold.select_one("pre").get_text() == "this\n"
    assert soup_of(site, NAMES[0]).select("details.reveal img")


def test_what_is_executed_is_kept_for_the_next_build(site, monkeypatch):
    chapter = next(one for one in course.chapters(site[0]) if one.name == MOVING)
    monkeypatch.setattr(execution, "_run", lambda *_: pytest.fail("it was executed again"))
    ended = []
    life = execution.lives_of([chapter], ended.append)[MOVING]
    kinds = [outputs[0]["kind"] for outputs in life.values()]
    assert kinds == ["explorer"] * 8 + ["stage"] * 2
    assert ended == [chapter] * len(execution.to_run(chapter.notebook))
    chapter.notebook.cells[1].source += "\n# another settings cell"
    with pytest.raises(pytest.fail.Exception, match="executed again"):
        execution.lives_of([chapter], ended.append)


def small(folder, name, source):
    """A notebook with this one cell, which stands for something that moves."""
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    still = {"text/html": "<figure ><p>moves</p>"}
    cell.outputs = [nbformat.v4.new_output("display_data", still)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), cell])
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture
def kept_here(tmp_path, monkeypatch):
    monkeypatch.setattr(execution.cache, "directory", lambda: tmp_path / "cache")


SHOWS = """from IPython.display import display
display({{"application/vnd.vaegan-helpers.alive+json": {life}}}, raw=True)"""


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or os.cpu_count() < 2, reason="needs two cores to choose"
)
def test_two_notebooks_run_at_once_each_with_cores_of_its_own(tmp_path, kept_here, monkeypatch):
    """Each waits until the other runs, and says on which cores it is."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})  # a worker of these tests has one
    names = ["01_one", "02_two", "03_three"]
    for name, other in zip(names, ["02_two", "01_one", "03_three"], strict=True):
        meet = f"""import os, pathlib, time
pathlib.Path("{name}.runs").touch()
end = time.time() + 60
while not pathlib.Path("{other}.runs").exists():
    assert time.time() < end
    time.sleep(0.05)
cores = sorted(os.sched_getaffinity(0))
"""
        small(tmp_path, name, meet + SHOWS.format(life="{'cores': cores}"))
    lives = execution.lives_of(course.chapters(tmp_path), lambda _: None)
    assert sorted(lives) == names
    assert sorted(lives[name][1][0]["cores"] for name in names[1:]) == [[0], [1]]


def test_a_failing_notebook_ends_the_others_and_keeps_what_was_run(tmp_path, kept_here):
    small(tmp_path, "03_good", SHOWS.format(life="{}"))
    small(tmp_path, "02_endless", "import time\nopen('endless.runs', 'w').close()\ntime.sleep(500)")
    small(
        tmp_path,
        "01_bad",
        "import pathlib, time\nwhile not pathlib.Path('endless.runs').exists():\n    time.sleep(0.05)\n1 / 0",
    )
    begun = time.monotonic()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execution.lives_of(course.chapters(tmp_path), lambda _: None)
    assert time.monotonic() - begun < 100
    assert [file.name[:7] for file in (tmp_path / "cache" / "pages").iterdir()] == ["03_good"]


def test_a_notebook_runs_up_to_the_last_thing_that_moves(site):
    chapter = next(one for one in course.chapters(site[0]) if one.name == MOVING)
    assert "SystemError" in chapter.notebook.cells[-1].source
    assert execution.to_run(chapter.notebook)[-1].source == edition.LAST
    assert execution.to_run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_explorer_of_the_course_is_known_as_one(name):
    """Where a cell makes an explorer or a stage, what it stored is known to move."""
    cells = nbformat.read(edition.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    made = [
        i
        for i, cell in enumerate(cells)
        if cell.cell_type == "code" and re.search(r"widgets\.[A-Z]\w+\(|TrainingStage\(", cell.source)
    ]
    moving = execution.moving_cells(nbformat.v4.new_notebook(cells=cells))
    assert all(any(i <= place <= i + 3 for place in moving) for i in made), f"cells {made}, known {moving}"


def test_a_failed_build_leaves_the_last_good_site(site, tmp_path, monkeypatch):
    def fails(self):
        (self.folder / "index.html").write_text("half", encoding="utf-8")
        raise ValueError("a template is wrong")

    folder = tmp_path / "site"
    folder.mkdir()
    (folder / builder.MARK).write_text("{}", encoding="utf-8")
    (folder / "index.html").write_text("good", encoding="utf-8")
    monkeypatch.setattr(builder.Site, "write", fails)
    with pytest.raises(ValueError, match="template"):
        pages.build(folder, site[0], executed=lambda _: False)
    assert (folder / "index.html").read_text(encoding="utf-8") == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_new_site_replaces_the_old_one_whole(site, tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    for name in (builder.MARK, "old.html"):
        (folder / name).write_text("{}", encoding="utf-8")
    monkeypatch.setattr(builder.Site, "write", lambda self: (self.folder / "index.html").write_text("new"))
    assert pages.build(folder, site[0], executed=lambda _: False) == folder / "index.html"
    assert sorted(path.name for path in folder.iterdir()) == ["assets", "index.html"]


def test_a_folder_with_something_else_is_left_alone(site, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ValueError, match="something else than an earlier site"):
        pages.build(tmp_path, site[0])
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_command_says_where_there_are_no_notebooks(tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "notebooks_folder", lambda: tmp_path / "notebooks")
    with pytest.raises(SystemExit, match="nothing was changed in .*there are none in"):
        course_main.main(["pages", str(tmp_path / "site")])
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "first, complaint", [("No heading", "begins with '# title'"), ("# One", "not stored with its outputs")]
)
def test_a_notebook_that_cannot_be_a_page_is_named(tmp_path, first, complaint):
    cells = [nbformat.v4.new_markdown_cell(first), nbformat.v4.new_code_cell("1 + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "01_one.ipynb")
    with pytest.raises(ValueError, match=f"01_one.*{complaint}"):
        course.chapters(tmp_path)


@pytest.mark.parametrize(
    "html, kept",
    [
        ("<math>x</math>. So", ["<math>x</math>."]),
        ("(<math>x</math>), so", ["<math>x</math>),"]),
        ("<span class='long'><math>x</math></span>; so", ['<span class="long"><math>x</math></span>;']),
        ("<math>x</math> is <math>y</math>-th", []),
    ],
)
def test_a_mark_stays_with_its_formula(html, kept):
    soup = BeautifulSoup(f"<div class='prose'><p>{html}</p></div>", "html.parser")
    before = soup.get_text()
    polish.keep_marks(soup)
    assert [part.decode_contents() for part in soup.select(".together")] == kept
    assert soup.get_text() == before


def test_a_wide_figure_scrolls_on_a_phone_and_is_whole_on_a_desk(reader):
    page = reader.open(NAMES[0]).page
    page.set_viewport_size({"width": 360, "height": 800})
    figure = page.locator(".shown > .scroll:has(> img)").first
    page.locator(".shown > .scroll[tabindex='0']:has(> img)").first.wait_for(state="attached")
    assert figure.evaluate("(part) => part.scrollWidth > part.clientWidth + 100")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert figure.evaluate("(part) => part.scrollWidth <= part.clientWidth + 1")


def test_a_recording_says_that_it_is_one(reader):
    assert (
        "This is a recording"
        in reader.open(MOVING).page.locator(".recorded:has(+ .alive[data-kind=stage])").first.inner_text()
    )


def test_a_picture_of_an_explorer_says_that_it_is_one(site):
    """An explorer whose buttons ask the kernel stays a picture, and the words stand beside it."""
    notebook = nbformat.read(site[0] / "01_encoder_and_decoder.ipynb", as_version=4)
    stills = sum(
        map(execution.is_still, [out for cell in notebook.cells for out in execution.displayed(cell)])
    )
    said = soup_of(site, "01_encoder_and_decoder").select(".shown:not(.alive) + .picture")
    assert len(said) == stills > 0


def test_names_are_unlike_and_words_are_plain():
    taken = {"main"}
    assert [polish.slug(text, taken) for text in ("The main!", "Main", "main", "ß: ½", "…")] == [
        "the-main", "main-2", "main-3", "ß-½", "section",
    ]  # fmt: skip
    soup = BeautifulSoup("<p>a <b>b</b>\n c<script>no</script></p>", "html.parser")
    assert polish.plain(soup) == "a b c"


@pytest.fixture
def reader(chromium, site, request):
    made = edition.Reader(chromium, site[1], **getattr(request, "param", {}))
    yield made
    strangers = [address for address in made.asked if not address.startswith(("file:", "data:", "blob:"))]
    assert strangers == [] and made.errors == []
    made.context.close()


# What is wider than the window, but for what scrolls in itself or is not to be seen.
STICKS_OUT = """() => [...document.querySelectorAll('main *, header *, footer *')].filter((part) =>
  part.getBoundingClientRect().right > innerWidth + 1
  && !part.closest('.scroll, .formula, .long, .unseen, .vg-spoken, .skip'))
  .map((part) => part.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize("name", [*OTHERS, *NAMES, MOVING])
def test_a_page_is_open_to_everyone(reader, name):
    """By axe-core, in the light and in the dark; no wider than the window on a phone, a tablet, a desk."""
    reader.open(name).wake_all()
    for scheme in ("light", "dark") if name in (*OTHERS, MOVING, NAMES[0]) else ("light",):
        reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert edition.violations(reader.page) == [], scheme
    for width in (360, 768, 1920):
        reader.page.set_viewport_size({"width": width, "height": 800})
        reader.page.wait_for_timeout(100)
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= width
        assert reader.page.evaluate(STICKS_OUT) == []


# All that one sees of an explorer or a stage.
LOOK = """(el) => [...el.querySelectorAll('canvas')].map((one) => one.toDataURL()).join('|')
  + [...el.querySelectorAll('svg, output, .vg-caption, .vg-marker, .vg-count, meter')]
    .map((one) => one.outerHTML).join('|')"""
KEYS = {
    "A page to draw a digit on": ("select", "ArrowDown"),
    "Latent plane": (".vg-pad[tabindex]", "ArrowRight"),
    "KL playground": ("input[type=range]", "ArrowRight"),
    "Interpolation": ("input[type=range]", "ArrowRight"),
    "Sampler": ("button", "Enter"),
    "Traversal": ("input[type=range]", "ArrowRight"),
    "You are the discriminator": ("button", "Enter"),
    "Models side by side": ("input[type=range]", "ArrowRight"),
}


def test_every_explorer_moves_by_keys_without_a_kernel(reader):
    reader.open(MOVING).wake_all()
    explorers = reader.page.locator(".alive[data-kind=explorer]")
    titles = [thing.locator(".vg-explorer").first.get_attribute("aria-label") for thing in explorers.all()]
    assert titles == list(KEYS)
    for thing, (control, key) in zip(explorers.all(), KEYS.values(), strict=True):
        thing.scroll_into_view_if_needed()
        before = thing.evaluate(LOOK)
        thing.locator(control).first.press(key)
        reader.page.wait_for_function(
            f"([el, before]) => ({LOOK})(el) !== before", arg=[thing.element_handle(), before]
        )
        assert thing.locator(".vg-notice").first.inner_text() == ""


def test_a_recorded_run_plays_without_a_kernel(reader):
    reader.open(MOVING).wake_all()
    stage = reader.page.locator(".alive[data-kind=stage]").first
    stage.locator(".vg-region").press("End")
    stage.get_by_text("Round 30").first.wait_for()
    before = stage.evaluate(LOOK)
    stage.locator(".vg-region").press("Home")
    reader.page.wait_for_function(
        f"([el, before]) => ({LOOK})(el) !== before", arg=[stage.element_handle(), before]
    )
    stage.get_by_role("button", name="Play").press("Enter")
    stage.get_by_text("Round 30").first.wait_for()


def test_a_flipbook_turns_and_loads_its_pictures(reader):
    book = reader.open(MOVING).page.locator(".flipbook")
    seen = set()
    for caption in ("black", "grey", "white"):
        assert book.locator("figcaption").inner_text() == caption
        seen.add(book.locator("img").get_attribute("src"))
        book.locator("input").press("ArrowLeft")
    assert (
        len(seen) == 3
        and book.locator("img").evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 0
    )


def test_what_needs_a_kernel_is_a_picture_and_the_page_says_so(reader):
    page = reader.open(MOVING).page
    assert "1 of its explorers is a picture here" in page.locator(".run").inner_text()
    page.locator(".shown:not(.alive) img[alt=still]").first.wait_for(state="attached")


def test_the_start_page_has_a_living_explorer(reader):
    page = reader.open("index").wake_all().page
    plane = page.locator(".alive .vg-explorer")
    assert plane.get_attribute("aria-label") == "Latent plane"
    assert page.evaluate("document.querySelector('.map a').href").endswith(f"{NAMES[0]}.html")


def test_code_is_folded_by_one_switch_and_stays_so_on_the_next_page(reader):
    page = reader.open(MOVING).page
    page.get_by_role("button", name="Fold the code").press("Enter")
    assert page.locator("details.source[open]").count() == 0
    reader.open(NAMES[0])
    assert page.locator("details.source[open]").count() == 0
    page.get_by_role("button", name="Show the code").click()
    assert page.locator("details.source:not([open])").count() == 0


def test_the_theme_follows_the_system_or_the_reader(reader):
    page, paper = reader.open("index").page, "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    page.get_by_role("button", name="Theme: system").click()
    assert page.evaluate(paper) == "rgb(255, 255, 255)" != dark
    reader.open("glossary")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Theme: light").click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == dark


def test_the_search_finds_a_section_by_keys_alone(reader):
    page = reader.open("index").page
    page.keyboard.press("/")
    page.get_by_label("Search all pages").fill("POSTERIOR collap")
    page.locator(".search li a", has_text="The KL term").first.wait_for()
    page.get_by_label("Search all pages").fill("all that mo")
    page.get_by_role("link", name="All that moves").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(MOVING))
    page.get_by_role("button", name="Search").press("Enter")
    page.get_by_label("Search all pages").fill("xyzzy")
    page.get_by_text("Nothing found.").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_the_contents_follow_the_reading(reader):
    page = reader.open(MOVING).page
    page.set_viewport_size({"width": 1280, "height": 500})
    page.locator("#a-flipbook").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#a-flipbook').scrollIntoView({ behavior: 'instant' })")
    page.locator(".contents a[aria-current=true]", has_text="A flipbook").wait_for()


def test_a_link_into_something_folded_opens_it(reader):
    page = reader.open(MOVING).page
    page.evaluate("document.querySelector('.reveal .outputs').id = 'inside'; location.hash = 'inside'")
    page.locator("details.reveal[open]").wait_for()


def test_code_is_copied(reader):
    page = reader.open(MOVING).page
    button = page.get_by_role("button", name="Copy").first
    button.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()


def test_wide_parts_scroll_by_keys(reader):
    page = reader.open(NAMES[0]).page
    page.set_viewport_size({"width": 360, "height": 800})
    wide = page.locator(".scroll[tabindex='0']").first
    wide.focus()
    wide.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_everything_can_be_read(reader):
    page = reader.open(MOVING).page
    assert page.locator("header button:visible").count() == 0
    assert page.locator(".alive img[alt=still]").count() == 8
    assert page.locator("details.source pre").first.is_visible()


def test_on_paper_nothing_stays_folded_away(reader):
    page = reader.open(MOVING).page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (
        page.locator("details.reveal:not([open])").count() == 0
        and not page.locator("header.top").is_visible()
    )


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_no_line_is_cut(reader, name):
    page = reader.open(name).page
    page.set_viewport_size({"width": 680, "height": 960})  # what the margins leave of a sheet of A4
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    cut = """[...document.querySelectorAll('main pre')].filter((pre) => pre.scrollWidth > pre.clientWidth + 1)
      .map((pre) => pre.textContent.slice(0, 80))"""
    assert page.evaluate(cut) == []
