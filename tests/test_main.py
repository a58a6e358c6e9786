import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import websocket

from vaegan_helpers import __main__ as course
from vaegan_helpers import server as server_extension
from vaegan_helpers.pages.course import chapters

# Reports, from inside the server, whether the kernel's websocket sends at once.
SERVER = """
import socket, sys
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from vaegan_helpers.__main__ import main

plain_open = KernelWebsocketHandler.open

async def reporting_open(handler, *args, **kwargs):
    option = handler.ws_connection.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    print("TCP_NODELAY", bool(option), file=sys.stderr, flush=True)
    await plain_open(handler, *args, **kwargs)

KernelWebsocketHandler.open = reporting_open
main()
"""


class Server:
    """JupyterLab as the course starts it, with its log in a file."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log_file = folder / "log"
        places = ("CONFIG", "RUNTIME", "DATA")
        own = {f"JUPYTER_{place}_DIR": str(folder / place.lower()) for place in places}
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    SERVER,
                    "--no-browser",
                    f"--port={self.port}",
                    "--ServerApp.port_retries=0",
                ],
                env={**os.environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log(self):
        return self.log_file.read_text(encoding="utf-8")

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, self.log()):
                return found
            time.sleep(0.1)
        raise AssertionError(f"no {pattern!r} in the server's log:\n{self.log()}")

    def wait_until_it_listens(self, seconds=20):
        end = time.monotonic() + seconds
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                assert time.monotonic() < end and self.process.poll() is None, self.log()
                time.sleep(0.1)

    def ask(self, path, token=None, **options):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", **options)
        if token:
            request.add_header("Authorization", f"token {token}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=30)


@pytest.fixture(scope="module")
def token(server):
    found = server.wait_for(rf"http://127\.0\.0\.1:{server.port}/lab\S*\?token=([0-9a-f]{{32,}})")
    server.wait_until_it_listens()  # it writes its address a moment earlier
    return found[1]


def test_jupyterlab_opens_on_the_notebooks(server, token):
    names = {entry["name"] for entry in json.loads(server.ask("api/contents", token))["content"]}
    assert {path.name for path in course.notebooks_folder().glob("*.ipynb")} <= names


def test_a_newcomer_sees_the_start_page_and_whole_file_names(server, token, chromium):
    """In a fresh profile, by the address that the browser is sent to; and no question about news."""
    page = chromium.new_context(viewport={"width": 1366, "height": 800}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{server.port}/lab/workspaces/{course.WORKSPACE}?token={token}")
    assert f"/lab/workspaces/{course.WORKSPACE}?token=" in server.log()
    page.locator(".jp-MarkdownViewer h1", has_text="VAE and GAN").wait_for()
    page.wait_for_timeout(2_000)  # the question comes a moment after everything else
    assert "Jupyter news" not in page.inner_text("body")
    names = page.locator(".jp-DirListing-itemText", has_text=".ipynb")
    assert names.count() == len(list(course.notebooks_folder().glob("*.ipynb")))
    assert names.evaluate_all("(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length") == 0
    assert page.locator(".jp-MarkdownViewer td a[href*='.ipynb']").count() == names.count()
    page.context.close()


@pytest.mark.parametrize("page", ["README.md", "notebooks/start.md"])
def test_a_map_names_every_notebook_and_its_question(page):
    root = course.notebooks_folder().parent
    text = (root / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(.+)\]\((?:notebooks/)?(.+)\.ipynb\) \| (.+) \|$", text, re.MULTILINE)
    told = [(one.title, one.name, one.question) for one in chapters(course.notebooks_folder())]
    assert rows == told


def test_without_the_token_nobody_gets_in(server, token):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        server.ask("api/contents")


def test_it_listens_on_this_machine_only(server, token):
    assert f"http://127.0.0.1:{server.port}/lab" in server.log()
    with socket.socket() as probe, pytest.raises(OSError):
        probe.settimeout(2)
        probe.connect(("127.0.0.2", server.port))


def test_no_news_pop_up(server, token):
    page = server.ask("lab", token)
    config = json.loads(
        re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1]
    )
    assert config["news"] == {"disabled": True}


def test_messages_of_the_kernel_are_sent_at_once(server, token):
    kernel = json.loads(server.ask("api/kernels", token, method="POST", data=b"{}"))["id"]
    channel = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/api/kernels/{kernel}/channels?token={token}", timeout=20
    )
    try:
        assert server.wait_for(r"TCP_NODELAY (\w+)", seconds=20)[1] == "True"
    finally:
        channel.close()
        server.ask(f"api/kernels/{kernel}", token, method="DELETE")


@pytest.mark.parametrize(
    "further, setting",
    [
        (["--ip=0.0.0.0"], "ServerApp.ip"),
        (["--notebook-dir=elsewhere"], "ServerApp.root_dir"),
        (["--ServerApp.ip=0.0.0.0"], "ServerApp.ip"),
        (["--ServerApp.allow_root=False"], "ServerApp.allow_root"),
    ],
)
def test_further_arguments_settle_what_they_name(further, setting):
    given = course.arguments(further)
    assert given[-len(further) :] == further
    ours = [argument for argument in given[: -len(further)] if argument.startswith(f"--{setting}=")]
    assert ours == []


def test_missing_notebooks_are_explained(monkeypatch, tmp_path):
    module = str(tmp_path / "vaegan_helpers" / "server.py")
    monkeypatch.setattr(server_extension, "__file__", module)
    with pytest.raises(SystemExit, match="no notebooks in .*pip install"):
        course.main([])
