"""What holds for every unit test; the notebooks run in kernels of their own, with the settings of a learner."""

import os

import browser
import jax
import pytest

jax.config.update(
    "jax_numpy_rank_promotion", "raise"
)  # (batch, 1) against (batch,) would become (batch, batch)
jax.config.update("jax_debug_key_reuse", True)


@pytest.fixture(scope="session")
def chromium():
    """The browser, one for all tests."""
    path = browser.chromium_path()
    if path is None:
        message = "there is no Chromium on this machine (for instance `apt-get install chromium`)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=browser.CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()
