"""The configuration of the hub: what every learner gets, and that its parts name the same places."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from traitlets.config import PyFileConfigLoader

HUB = Path(__file__).resolve().parents[1] / "notebooks" / "assignments" / "hub"


def load(name, monkeypatch, **environment):
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    return PyFileConfigLoader(name, path=str(HUB)).load_config()


def test_every_learner_reads_one_cache_and_has_a_limit(monkeypatch):
    c = load("jupyterhub_config.py", monkeypatch, COURSE_SHARED="/srv/x", COURSE_MEGABYTES="1500")
    assert c.Spawner.environment["VAEGAN_HELPERS_CACHE"] == "/srv/x/cache"
    assert f"ulimit -d {1500 * 1024};" in c.Spawner.cmd[2]
    assert c.Spawner.cmd[-1].endswith("jupyterhub-singleuser")
    assert c.JupyterHub.bind_url.startswith("http://127.0.0.1:"), (
        "nobody reaches it without a server before it"
    )


def test_the_limit_ends_a_cell_and_not_the_program(monkeypatch):
    c = load("jupyterhub_config.py", monkeypatch, COURSE_MEGABYTES="300")
    greedy = "try:\n    x = bytearray(10**9)\nexcept MemoryError:\n    print('told')\nprint('alive')"
    command = [*c.Spawner.cmd[:-1], sys.executable, "-c", greedy]
    if sys.platform != "linux":
        pytest.skip("only Linux counts memory in this way")
    assert subprocess.run(command, capture_output=True, text=True).stdout.split() == ["told", "alive"]


def test_released_and_submitted_work_goes_through_one_exchange(monkeypatch):
    on_server = load("nbgrader_config.py", monkeypatch, COURSE_SHARED="/srv/vae-and-gan")
    assert on_server.Exchange.root == "/srv/vae-and-gan/exchange"
    instructors = (HUB.parent / "nbgrader_config.py").read_text(encoding="utf-8")
    assert f'course_id = "{on_server.CourseDirectory.course_id}"' in instructors
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))["singleuser"]
    of_pods = values["extraFiles"]["nbgrader"]["stringData"]
    assert f'"{on_server.CourseDirectory.course_id}"' in of_pods and f'"{on_server.Exchange.root}"' in of_pods


def test_pods_may_read_the_cache_and_not_write_it():
    values = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))["singleuser"]
    mounts = {each["mountPath"]: each for each in values["storage"]["extraVolumeMounts"]}
    assert mounts[values["extraEnv"]["VAEGAN_HELPERS_CACHE"]]["readOnly"]
    assert not mounts["/srv/vae-and-gan/exchange"].get("readOnly")
    assert values["memory"] == {"guarantee": "1G", "limit": "2G"}


def test_what_is_shared_is_made_by_a_script_that_runs():
    script = HUB / "fill.sh"
    assert script.stat().st_mode & 0o100
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
