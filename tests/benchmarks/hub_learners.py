"""Learners who open a notebook on the hub at once and run it: time to the first picture, and memory.

    pip install -c constraints.txt -e ".[grading,hub]" && npm install -g configurable-http-proxy
    python tests/benchmarks/hub_learners.py 04_the_minimax_game --learners 1 4 8

The hub is that of `notebooks/assignments/hub`, on the loopback address, with learners who need no account.
Cells that drive an explorer are run like the rest. `--cells 8` runs the first eight code cells. A folder that
`fill.sh` has made is used if `COURSE_SHARED` names it.
"""

import argparse
import concurrent.futures
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import nbformat
import psutil
import requests
import websocket

ROOT = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:18480"
TOKEN = secrets.token_hex(16)
CONFIG = """
import os
get_config = globals()["get_config"]
exec(compile(open({config!r}).read().replace("__file__", repr({config!r})), {config!r}, "exec"))
c = get_config()
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "a word for the class"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.pre_spawn_hook = lambda spawner: os.makedirs({homes!r} + "/" + spawner.user.name, exist_ok=True)
c.Spawner.cmd = c.Spawner.cmd + ["--allow-root"] if os.geteuid() == 0 else c.Spawner.cmd
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret_file = {homes!r} + "/cookie"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:18481"
c.JupyterHub.hub_port = 18482
c.JupyterHub.services = [{{"name": "bench", "api_token": {token!r}}}]
scopes = ["admin:users", "admin:servers", "access:servers"]
c.JupyterHub.load_roles = [{{"name": "bench", "scopes": scopes, "services": ["bench"]}}]
"""


class Learner:
    """One who logs in, starts a server and a kernel, and runs cells, as a browser does it."""

    def __init__(self, name):
        self.name, self.web, self.base = name, requests.Session(), f"{URL}/user/{name}/"
        self.web.headers["Authorization"] = f"token {TOKEN}"
        of_hub = f"{URL}/hub/api/users/{name}"
        assert self.web.post(of_hub, timeout=60).ok
        answer = self.web.post(f"{of_hub}/server", timeout=300)
        assert answer.ok, answer.text
        end = time.monotonic() + 300
        while not self.web.get(of_hub, timeout=60).json()["servers"].get("", {}).get("ready"):
            assert time.monotonic() < end, f"the server of {name} did not start"
            time.sleep(0.5)

    def run(self, cells):
        """Seconds to the first picture and to the end, and what went wrong."""
        began, first, errors = time.monotonic(), None, []
        answer = self.web.post(f"{self.base}api/kernels", json={"name": "python3"}, timeout=300)
        assert answer.ok, answer.text[:500]
        self.kernel = answer.json()["id"]
        channel = websocket.create_connection(
            f"{self.base}api/kernels/{self.kernel}/channels".replace("http", "ws", 1),
            header=[f"Authorization: token {TOKEN}"],
            timeout=600,
        )
        for cell in cells:
            asked = uuid.uuid4().hex
            head = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": asked}
            content = {"code": cell, "silent": False}
            message = {"header": head, "parent_header": {}, "metadata": {}, "content": content}
            channel.send(json.dumps(message | {"channel": "shell", "buffers": []}))
            while True:
                told = channel.recv()
                if not isinstance(told, str):  # a widget's arrays
                    continue
                told = json.loads(told)
                if told["parent_header"].get("msg_id") != asked:
                    continue
                if "image/png" in str(told["content"].get("data", "")) and first is None:
                    first = time.monotonic() - began
                if told["msg_type"] == "error":
                    errors.append(told["content"]["evalue"][:200])
                if told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
                    break
        return first, time.monotonic() - began, errors


def megabytes_of_servers(hub):
    """Memory of each learner's server with its kernel, largest first."""
    found = []
    for child in psutil.Process(hub.pid).children(recursive=True):
        if "jupyterhub-singleuser" in " ".join(child.cmdline()):
            family = [child, *child.children(recursive=True)]
            found.append(sum(each.memory_info().rss for each in family) / 2**20)
    return sorted(found, reverse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook")
    parser.add_argument("--learners", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--cells", type=int)
    options = parser.parse_args()
    notebook = nbformat.read(ROOT / "notebooks" / f"{options.notebook}.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"][: options.cells]
    homes = tempfile.mkdtemp(prefix="hub-")
    config = Path(homes) / "config.py"
    original = str(ROOT / "notebooks" / "assignments" / "hub" / "jupyterhub_config.py")
    config.write_text(CONFIG.format(config=original, homes=homes, token=TOKEN), encoding="utf-8")
    programs = str(Path(sys.executable).parent)
    environment = os.environ | {
        "COURSE_URL": URL,
        "COURSE_SHARED": os.environ.get("COURSE_SHARED", homes),
        "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
    }
    log = (Path(homes) / "hub.log").open("w")
    program = [sys.executable, "-m", "jupyterhub", "--config", str(config)]
    hub = subprocess.Popen(program, cwd=homes, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(240):
            try:
                if requests.get(f"{URL}/hub/health", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.5)
        for count in options.learners:
            names = [f"learner{count}x{i}" for i in range(count)]
            with concurrent.futures.ThreadPoolExecutor(count) as pool:
                learners = list(pool.map(Learner, names))
                outcome = list(pool.map(lambda each: each.run(cells), learners))
            firsts = [first for first, _, _ in outcome if first]
            memory = megabytes_of_servers(hub)[:count]
            print(
                f"{count} at once: first picture after {max(firsts, default=float('nan')):.0f} s at most, "
                f"all {len(cells)} cells after {max(end for _, end, _ in outcome):.0f} s, "
                f"{max(memory, default=0):.0f} MB for each; errors: {sum((e for _, _, e in outcome), [])}; "
                f"load {os.getloadavg()[0]:.0f}",
                flush=True,
            )
            for learner in learners:
                learner.web.delete(f"{learner.base}api/kernels/{learner.kernel}", timeout=60)
    except BaseException:
        log.flush()
        print((Path(homes) / "hub.log").read_text(encoding="utf-8")[-3000:])
        raise
    finally:
        hub.terminate()
        hub.wait(30)
        shutil.rmtree(homes, ignore_errors=True)


if __name__ == "__main__":
    main()
