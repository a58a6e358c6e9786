"""The server extension under plain servers: explorers are saved as pictures, and no news are asked about."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from unittest.mock import MagicMock

import browser
import nbformat
import pytest
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

from vaegan_helpers import server

EXPLORER = """
import anywidget
from IPython.display import display

class Explorer(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.textContent = 'alive'; } }"

explorer = Explorer()
_ = explorer.comm
display({server_view: {"model_id": explorer.model_id, "version_major": 2, "version_minor": 0},
         "text/html": "<img alt='still picture' src='data:,'>", "text/plain": "still picture"}, raw=True)
""".replace("server_view", repr(server.WIDGET_VIEW))


def notebook_of(cell):
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@pytest.fixture(scope="module", params=["jupyterlab", "notebook"])
def plain_server(request, tmp_path_factory):
    """A server that somebody else starts; ours is an extension that it finds among the installed ones."""
    place = tmp_path_factory.mktemp(request.param)
    enabled = place / "etc" / "jupyter_server_config.d"
    enabled.mkdir(parents=True)
    shutil.copy(browser.ROOT / "vaegan_helpers" / "vaegan_helpers.json", enabled)
    (place / "notebooks").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_CONFIG_PATH", str(enabled.parent))
        with browser.course_server(place / "notebooks", place, module=request.param) as (address, token):
            yield address, token, place / "notebooks"


def ask(address, token, path, **options):
    request = urllib.request.Request(
        f"{address}/{path}", headers={"Authorization": f"token {token}"}, **options
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def saved(plain_server, data):
    """What one output of a notebook holds after the server has saved it."""
    address, token, folder = plain_server
    cell = nbformat.v4.new_code_cell("explorer", outputs=[nbformat.v4.new_output("display_data", data)])
    model = {"type": "notebook", "format": "json", "content": notebook_of(cell)}
    ask(address, token, "api/contents/a.ipynb", method="PUT", data=json.dumps(model).encode())
    return nbformat.read(folder / "a.ipynb", as_version=4).cells[0].outputs[0].data


def until(page, fact, seconds=30):
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "it did not come about"
        page.wait_for_timeout(100)


def test_a_saved_explorer_keeps_its_picture_and_not_its_live_view(plain_server):
    view = {server.WIDGET_VIEW: {"model_id": "a"}, "text/html": "<img alt='a 7'>", "text/plain": "a 7"}
    assert set(saved(plain_server, view)) == {"text/html", "text/plain"}


def test_a_saved_widget_without_a_picture_keeps_its_live_view(plain_server):
    view = {server.WIDGET_VIEW: {"model_id": "a"}, "text/plain": "IntSlider()"}
    assert set(saved(plain_server, view)) == set(view)


def outputs_in(path):
    """What the first cell of a stored notebook shows; nothing while it is just being written."""
    try:
        return nbformat.read(path, as_version=4).cells[0].outputs
    except nbformat.reader.NotJSONError:
        return []


def test_run_saved_closed_and_opened_again_an_explorer_is_its_picture(plain_server, chromium):
    address, token, folder = plain_server
    nbformat.write(notebook_of(nbformat.v4.new_code_cell(EXPLORER)), folder / "explorer.ipynb")
    path = "doc/tree" if "jupyterlab" in str(folder) else "notebooks"
    page = chromium.new_context().new_page()
    page.set_default_timeout(30_000)

    def kernels():
        try:
            return json.loads(ask(address, token, "api/kernels"))
        except urllib.error.HTTPError:  # one of them is just starting
            return [{"connections": 0}]

    page.goto(f"{address}/{path}/explorer.ipynb?token={token}")
    until(page, lambda: [kernel["connections"] for kernel in kernels()] == [1])
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(state="attached")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.get_by_text("alive", exact=True).wait_for()
    page.keyboard.press("Control+s")
    until(page, lambda: outputs_in(folder / "explorer.ipynb"))
    page.goto("about:blank")
    for kernel in kernels():
        ask(address, token, f"api/kernels/{kernel['id']}", method="DELETE")
    page.goto(f"{address}/{path}/explorer.ipynb?token={token}")
    page.locator(".jp-OutputArea img[alt='still picture']").wait_for(state="attached")
    page.wait_for_timeout(2_000)
    assert "model not found" not in page.inner_text("body")
    page.context.close()


def test_the_course_asks_no_question_about_news(chromium, tmp_path):
    with browser.course_server(tmp_path, tmp_path / "new") as (address, token):
        page = chromium.new_context().new_page()
        page.goto(f"{address}/lab?token={token}")
        page.wait_for_selector(".jp-LauncherCard")
        page.wait_for_timeout(3_000)  # the question comes a moment after everything else
        assert "Jupyter news" not in page.inner_text("body")
        page.context.close()


def test_whoever_wants_news_is_asked():
    config = {"news": {"disabled": False}, "disabledExtensions": []}
    assert server.without_news(None, config)["disabledExtensions"] == []


def test_a_server_that_takes_the_extension_does_not_load_jax():
    program = "import jupyter_server.serverapp, vaegan_helpers.server, sys; print('jax' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_messages_of_the_kernel_are_sent_at_once_by_any_server(monkeypatch):
    plain_open = KernelWebsocketHandler.open
    monkeypatch.setattr(KernelWebsocketHandler, "open", plain_open)  # and put back afterwards
    server._load_jupyter_server_extension(MagicMock())
    assert KernelWebsocketHandler.open.__wrapped__ is plain_open
