"""What holds for every test: JAX's strictness, the browser, which tests are quick, and their order.

The notebooks run in kernels of their own, with the settings of a learner.
"""

import gc
import os
from pathlib import Path

import browser
import jax
import pytest

jax.config.update(
    "jax_numpy_rank_promotion", "raise"
)  # (batch, 1) against (batch,) would become (batch, batch)
jax.config.update("jax_debug_key_reuse", True)

SCREENSHOTS = Path(__file__).parent / "_screenshots"
# Files that need a browser, nbgrader or kernels, the longest first, so that both workers end together.
HEAVY = ["test_notebook_runs", "test_assignments", "test_stage_browser", "test_browser"]
# Tests that train for long or start many programs, by the file or by how the test's name begins.
LONG = {}
OPENED = pytest.StashKey()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Two workers for the whole suite and for the quick tests; none for tests that are named."""
    named = config.invocation_params.args and config.args_source.name == "ARGS"
    return 0 if named else 2


def is_long(item):
    names = LONG.get(item.path.stem, [])
    return item.path.stem in HEAVY or "" in names or item.name.startswith(tuple(names))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks what is quick, and puts the files with the longest work first."""
    for item in items:
        if not is_long(item) and "chromium" not in item.fixturenames:
            item.add_marker(pytest.mark.quick)
    first = {name: place for place, name in enumerate([*HEAVY, *LONG])}
    items.sort(key=lambda item: first.get(item.path.stem, len(first)))


@pytest.fixture(scope="module", autouse=True)
def forget_compiled_programs():
    """The programs of one file are of no use to the next, and all together they would fill the memory."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture(scope="session")
def chromium(request):
    """The browser, one for all tests of a process."""
    path = browser.chromium_path()
    if path is None:
        message = "there is no Chromium on this machine (for instance `apt-get install chromium`)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=browser.CHROMIUM_ARGUMENTS)
        request.config.stash[OPENED] = opened
        yield opened
        del request.config.stash[OPENED]
        opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """When a test fails, what its pages show at that moment is kept in tests/_screenshots."""
    report = yield
    opened = item.config.stash.get(OPENED, None)
    if report.failed and opened is not None:
        SCREENSHOTS.mkdir(exist_ok=True)
        (SCREENSHOTS / ".gitignore").write_text("*\n", encoding="utf-8")
        name = "".join(c if c.isalnum() else "_" for c in item.name)
        for number, page in enumerate(page for context in opened.contexts for page in context.pages):
            page.screenshot(path=SCREENSHOTS / f"{name}_{number}.png")
    return report
