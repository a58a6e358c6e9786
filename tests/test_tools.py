"""The tools find nothing to say, by hand, before a commit and on the forge; nor does Python warn about us."""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import conftest
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vaegan_helpers"
INSTALL = 'pip install -c constraints.txt -e ".[test]"'
# Code that takes the usual paths through the package. A warning about our own modules is an error here.
IN_DEVELOPMENT_MODE = """
import warnings
warnings.filterwarnings("error", module="vaegan_helpers")
import importlib, pkgutil
import vaegan_helpers
for module in pkgutil.walk_packages(vaegan_helpers.__path__, "vaegan_helpers."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
import jax
from vaegan_helpers import data, losses, metrics, mixtures, models, plots, stage, training
key, model_key, loss_key, fit_key, noise_key = jax.random.split(jax.random.key(0), 5)
digits = data.load_mnist()
images = digits.train_images[:64]
vae = models.VAE(hidden_dim=8, key=model_key)
loss, parts = losses.vae_loss(vae, images, loss_key, 1.0)
vae, history = training.fit_vae(vae, images, fit_key, steps=2, batch_size=32, progress=False)
ring = mixtures.gaussian_ring()
metrics.modes_covered(ring.sample(noise_key, 2_500), ring)
plots.sheet(images[:4], columns=2)
stage.TrainingStage().close()
print("done")
"""


def run(*arguments, **environment):
    """What a program of this Python answered."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_the_tools_find_nothing_to_say(command):
    answer = run("-m", *command.split())
    assert answer.returncode == 0, f"{command}:\n{answer.stdout[-6000:]}{answer.stderr[-2000:]}"


def test_before_a_commit_the_same_tools_run_from_this_environment():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local", "nothing is fetched: the versions are those of constraints.txt"
    assert all(hook["language"] == "system" for hook in repository["hooks"])
    entries = [hook["entry"].removesuffix(" --force-exclude") for hook in repository["hooks"]]
    assert entries == ["ruff check", "ruff format", "mypy"]


def unannotated(source):
    """(line, name) of each public function, and method of a public class, whose signature lacks a type."""

    def public(node):
        return not node.name.startswith("_") or node.name == "__init__"

    body = ast.parse(source).body
    functions = [(node, None) for node in body if isinstance(node, ast.FunctionDef) and public(node)]
    for owner in [node for node in body if isinstance(node, ast.ClassDef) and public(node)]:
        functions += [
            (node, owner) for node in owner.body if isinstance(node, ast.FunctionDef) and public(node)
        ]
    for function, owner in functions:
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        static = any(getattr(mark, "id", "") == "staticmethod" for mark in function.decorator_list)
        typed = [argument.annotation for argument in arguments[bool(owner) and not static :]]
        if function.name != "__init__":
            typed.append(function.returns)
        if None in typed:
            yield function.lineno, f"{owner.name}.{function.name}" if owner else function.name


@pytest.mark.parametrize(
    "source, names",
    [
        ("def f(x): ...", ["f"]),
        ("def f(x: int): ...", ["f"]),
        ("def f(x: int, *, y) -> int: ...", ["f"]),
        ("def f(x: int) -> int: ...", []),
        ("def _f(x): ...", []),
        ("class C:\n    def __init__(self, x): ...", ["C.__init__"]),
        ("class C:\n    def g(self) -> int: ...\n    def _h(self): ...", []),
        ("class C:\n    @staticmethod\n    def g(x) -> int: ...", ["C.g"]),
        ("class _C:\n    def g(self): ...", []),
    ],
)
def test_a_signature_without_a_type_is_seen(source, names):
    assert [name for _, name in unannotated(source)] == names


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if path.name[0] != "_"))
def test_public_signatures_have_types(room):
    files = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / room]
    lacking = [
        f"{file.relative_to(PACKAGE).as_posix()}:{line} {name}"
        for file in files
        for line, name in unannotated(file.read_text(encoding="utf-8"))
    ]
    assert not lacking, f"{len(lacking)} without: {', '.join(lacking)}"


def test_python_in_development_mode_has_no_word_for_our_own_modules():
    answer = run(
        "-X",
        "dev",
        "-X",
        "warn_default_encoding",
        "-c",
        IN_DEVELOPMENT_MODE,
        PYTHONUTF8="0",
        MPLBACKEND="agg",
    )
    assert answer.returncode == 0 and answer.stdout == "done\n", answer.stderr[-4000:]
    assert "vaegan_helpers" not in answer.stderr, answer.stderr[-4000:]


def test_development_mode_sees_a_file_opened_without_its_encoding():
    source = f"import warnings; warnings.filterwarnings('error'); open({str(ROOT / 'README.md')!r}).close()"
    answer = run("-X", "dev", "-X", "warn_default_encoding", "-c", source, PYTHONUTF8="0")
    assert "EncodingWarning" in answer.stderr


def test_a_deprecation_within_the_package_is_an_error_in_every_test(request):
    filters = request.config.getini("filterwarnings")
    for kind in ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"):
        assert f"error::{kind}:vaegan_helpers" in filters


def test_the_lists_of_long_tests_name_tests_that_are_there():
    for file, names in conftest.LONG.items():
        text = (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")
        assert not [name for name in names if f"\ndef {name.split('[')[0]}" not in text], file


def test_two_processes_collect_the_same_tests_in_the_same_order(request):
    # The workers of a run are processes of their own: a set's order or an address in a name would stop them.
    here = [item.nodeid for item in request.session.items]
    answer = run(
        *["-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"],
        *["--override-ini", "addopts=--strict-markers"],
        PYTHONHASHSEED="2" if os.environ.get("PYTHONHASHSEED") == "1" else "1",
        PYTEST_ADDOPTS="",
    )
    chosen = set(here)
    there = [line for line in answer.stdout.splitlines() if line in chosen]
    by_file = {"key": lambda name: name.split("::")[0]}  # named files come in the order of their naming
    assert sorted(there, **by_file) == sorted(here, **by_file), answer.stderr[-2000:]


def test_a_quick_test_needs_no_browser_no_grader_and_no_notebook(request):
    quick = [item for item in request.session.items if item.get_closest_marker("quick")]
    assert request.node in quick
    for item in quick:
        assert item.path.stem not in ("test_browser", "test_stage_browser", "test_notebook_runs"), item.nodeid
        assert not {"chromium", "graded", "lab"} & set(item.fixturenames), item.nodeid


def test_what_contributing_says_to_add_has_a_place_and_a_test():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| (a|an) ", line)]
    assert len(rows) == 8
    for row in rows:
        paths = [path for path in re.findall(r"`([^`]+)`", row) if "/" in path]
        assert any(path.startswith("tests/") for path in paths), row
        assert not [path for path in paths if not list(ROOT.glob(path))], row


# The forge


def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))


def commands(job):
    return [step["run"] for step in workflow()["jobs"][job]["steps"] if "run" in step]


def pythons(job):
    return workflow()["jobs"][job]["strategy"]["matrix"]["python"]


def test_the_forge_runs_the_documented_commands():
    said = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert commands("quick") == [INSTALL, "pytest -m quick"]
    assert commands("whole") == [".ci/run"]
    assert f"{INSTALL} && pytest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    for command in (f"{INSTALL} && pytest", "pytest -m quick", ".ci/run"):
        assert command in said, f"CONTRIBUTING.md does not name {command!r}"


def test_the_forge_runs_every_python_and_every_system():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert pythons("quick") == pythons("whole") == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == f">={pythons('whole')[0]}"
    matrix = workflow()["jobs"]["quick"]["strategy"]["matrix"]
    systems = matrix["system"] + [extra["system"] for extra in matrix["include"]]
    assert sorted(systems) == ["macos-latest", "ubuntu-latest", "windows-latest"]
    assert workflow()["jobs"]["quick"]["runs-on"] == "${{ matrix.system }}"


@pytest.mark.parametrize("job", ["quick", "whole"])
def test_the_forge_tests_with_the_python_that_it_names(job):
    (setup,) = [
        step["with"] for step in workflow()["jobs"][job]["steps"] if "setup-python" in step.get("uses", "")
    ]
    assert setup["python-version"] == "${{ matrix.python }}"


def test_the_forge_s_jobs_can_only_read_and_come_to_an_end():
    assert workflow()["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in workflow()["jobs"].values())


def test_the_script_of_the_whole_run_is_valid_and_may_be_started():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK) or os.name == "nt"
    text = script.read_text(encoding="utf-8")
    assert re.match(r"#!/usr/bin/env bash\n", text)
    assert all(shlex.split(line, comments=True) is not None for line in text.splitlines() if INSTALL in line)
