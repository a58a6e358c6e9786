"""The lists of what to install agree, the package's imports point one way, and the tree names no machine."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vaegan_helpers"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]

# The floors of the package, lowest first. A room imports from the floors below it and from within itself,
# nothing else.
FLOORS = [
    {"inputs", "cache", "server"},
    {"__init__", "data", "results", "mixtures", "models", "interpolation", "plots"},
    {"losses", "convolutional"},
    {"training", "metrics"},
    {"checks", "widgets", "stage.engine"},
    {"stage.page"},
    {"stage"},  # the front door of both parts of the stage
    {"pages"},
    {"__main__"},
]
# Who may know these libraries.
KNOWN_TO = {
    "matplotlib": {"plots", "widgets", "stage.page"},
    "ipywidgets": {"widgets", "stage.page"},
    "anywidget": {"widgets", "stage.page"},
    "traitlets": {"widgets", "stage.page"},
}


def room_of(name):
    """The room of a dotted name within the package: its first part, and of the stage the wing too."""
    parts = name.split(".")
    wing = parts[0] == "stage" and len(parts) > 1 and parts[1] in ("engine", "page")
    return ".".join(parts[: 2 if wing else 1])


def imports_of(source, package):
    """Full dotted names of everything that a module in `package` imports, wherever in its text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            home = ".".join(parents + ([node.module] if node.module else []))
            yield from (f"{home}.{name.name}" for name in node.names)


def edges():
    """(importing module, full name of what it imports) for the whole package."""
    for file in sorted(PACKAGE.rglob("*.py")):
        package = ".".join(file.relative_to(ROOT).parts[:-1])
        for name in imports_of(file.read_text(encoding="utf-8"), package):
            module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
            yield room_of(module), name


def imports_of_notebooks():
    """The same for the second cell of each notebook, which holds all its imports."""
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        for name in imports_of(
            "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][1]["source"]), ""
        ):
            yield path.name, name


def tracked_files():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def direct_dependencies():
    """Every dependency of the project and of its extras, but for the project itself."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    wanted = [Requirement(line) for one in lists for line in one]
    return [requirement for requirement in wanted if canonicalize_name(requirement.name) != PROJECT["name"]]


PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
SYSTEMS = {"linux": "posix", "darwin": "posix", "win32": "nt"}  # and what `os.name` says there


def pins_on(python, system="linux"):
    """The rows of constraints.txt that pip heeds there."""
    environment = default_environment() | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "os_name": SYSTEMS[system],
    }
    return [pin for pin in CONSTRAINTS if pin.marker is None or pin.marker.evaluate(environment)]


def versions_on(python, system="linux"):
    """{name: version} of these rows."""
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins_on(python, system)}


def pins(name):
    return [pin for pin in CONSTRAINTS if canonicalize_name(pin.name) == canonicalize_name(name)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("import a.b", ["a.b"]),
        ("from . import c", ["p.q.c"]),
        ("from .. import c", ["p.c"]),
        ("from ..d import c", ["p.d.c"]),
        ("def f():\n    from p import c", ["p.c"]),
    ],
)
def test_imports_are_recognised(text, expected):
    assert list(imports_of(text, "p.q")) == expected


def test_imports_between_our_modules_point_downwards():
    floor_of = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    for room, name in edges():
        assert room in floor_of, f"say in FLOORS where {room} stands"
        package, _, rest = name.partition(".")
        if package == PACKAGE.name and rest:
            target = room_of(rest)
            assert target == room or floor_of[target] < floor_of[room], f"{room} imports {name}"


def test_pictures_and_widgets_are_known_only_where_they_belong():
    for module, name in edges():
        allowed = KNOWN_TO.get(name.split(".")[0])
        assert allowed is None or module in allowed, f"{module} imports {name}"


def test_every_import_is_a_declared_dependency():
    names = {
        "sklearn": "scikit-learn",
        "PIL": "pillow",
        "jupyter_server": "jupyterlab",
        "jupyterlab_server": "jupyterlab",
        "bs4": "beautifulsoup4",
    }
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    for module, name in [*edges(), *imports_of_notebooks()]:
        top = name.split(".")[0]
        if top != PACKAGE.name and top not in sys.stdlib_module_names:
            assert canonicalize_name(names.get(top, top)) in declared, f"{module} imports {name}"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_dependency_is_pinned_and_the_pin_is_allowed(python, system):
    pinned = versions_on(python, system)
    for requirement in direct_dependencies():
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(pinned[name], prereleases=True), str(requirement)


def test_constraints_are_exact_and_without_addresses():
    for pin in CONSTRAINTS:
        assert [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)
        assert pin.url is None and not pin.extras, str(pin)
    assert "://" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_one_pin_for_each_package_and_platform(python, system):
    applying = [canonicalize_name(pin.name) for pin in pins_on(python, system)]
    assert len(applying) == len(set(applying))


def test_of_python_the_markers_know_the_two_stacks_alone():
    markers = {str(pin.marker) for pin in CONSTRAINTS if pin.marker and "python" in str(pin.marker)}
    assert markers == {'python_version < "3.12"', 'python_version >= "3.12"'}


def test_a_package_with_two_versions_has_the_newer_one_for_newer_pythons():
    old, new = versions_on("3.11"), versions_on("3.12")
    assert {name for name in old if name in new and old[name] != new[name]} >= {"jax", "jaxlib", "flax"}
    assert all(Version(old[name]) <= Version(new[name]) for name in old if name in new)
    twice = {canonicalize_name(pin.name) for pin in CONSTRAINTS if len(pins(pin.name)) > 1}
    assert all(old[name] != new[name] for name in twice), "one version needs one row"


def test_from_python_3_12_on_one_version_serves_all():
    assert versions_on("3.12") == versions_on("3.13") == versions_on("3.14")


@pytest.mark.parametrize("python", PYTHONS)
def test_jax_and_its_library_are_of_one_version(python):
    assert versions_on(python)["jax"] == versions_on(python)["jaxlib"]


def test_optax_has_one_version_for_every_python():
    (pin,) = pins("optax")
    assert pin.marker is None


def test_these_tests_run_with_the_pinned_versions():
    """Where the project was installed by the README's command, which is what CI does."""
    if not os.environ.get("CI"):
        pytest.skip("a virtual environment of one's own may be older or newer")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pinned = versions_on(python, sys.platform)
    for name in (
        "jax",
        "jaxlib",
        "flax",
        "optax",
        "numpy",
        "scipy",
        "matplotlib",
        "jupyterlab",
        "ruff",
        "mypy",
    ):
        assert importlib.metadata.version(name) == pinned[name]


def test_environment_takes_the_package_through_pip_and_nothing_else():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    python, pip, through_pip = environment["dependencies"]
    assert re.fullmatch(r"python=3\.\d+", python)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        python.removeprefix("python=")
    )
    assert pip == "pip"
    assert through_pip == {"pip": ["-c constraints.txt", "-e ."]}


@pytest.mark.skipif(os.name == "nt", reason="repo2docker builds on Linux and macOS")
def test_repo2docker_accepts_the_environment(tmp_path):
    for name in ("environment.yml", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    program = Path(sys.executable).with_name("jupyter-repo2docker")
    answer = subprocess.run(
        [program, "--no-build", "--debug", str(tmp_path)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
    )
    python = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"][
        0
    ].removeprefix("python=")
    assert answer.returncode == 0, answer.stderr
    assert f"Building conda environment for python={python}" in answer.stderr
    copied, installed = (
        answer.stdout.index("COPY --chown=0:0 src/"),
        answer.stdout.index('--file "environment.yml"'),
    )
    assert copied < installed, "the package must be there when pip is asked to install it"


@pytest.mark.parametrize(
    "command",
    [
        "pip install -c constraints.txt -e . && python -m vaegan_helpers",
        'pip install -c constraints.txt -e ".[test]" && pytest',
    ],
)
def test_the_readme_gives_the_commands(command):
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()


def test_the_test_command_of_the_readme_is_what_ci_runs():
    assert 'pip install -c constraints.txt -e ".[test]" && pytest' in (ROOT / ".ci" / "run").read_text(
        encoding="utf-8"
    )


def test_the_readme_maps_every_notebook():
    links = re.findall(r"\]\((notebooks/[^)]*\.ipynb)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links == sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb"))


def test_the_readme_s_picture_is_there_and_described():
    pictures = re.findall(r"!\[([^]]*)\]\(([^)]*)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert pictures
    for words, path in pictures:
        assert len(words.split()) >= 4
        assert (ROOT / path).is_file()


@pytest.mark.parametrize("editable", [[], ["-e"]], ids=["normal", "editable"])
def test_an_installation_has_every_file_and_enables_the_server_extension(tmp_path, editable):
    checkout, prefix = tmp_path / "checkout", tmp_path / "installed"
    shutil.copytree(PACKAGE, checkout / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    install = [sys.executable, "-m", "pip", "install", *offline, "--prefix", str(prefix)]
    subprocess.run([*install, *editable, str(checkout)], check=True, timeout=100)
    (enabled,) = prefix.rglob("etc/jupyter/jupyter_server_config.d/*.json")
    assert json.loads(enabled.read_text(encoding="utf-8")) == {
        "ServerApp": {"jpserver_extensions": {"vaegan_helpers.server": True}}
    }
    if editable:
        (link,) = prefix.rglob("*.pth")
        assert Path(link.read_text(encoding="utf-8").strip()).samefile(checkout)
    else:
        (package,) = prefix.rglob("site-packages/vaegan_helpers")
        wanted = {file.relative_to(PACKAGE) for file in tracked_files() if file.is_relative_to(PACKAGE)}
        assert wanted <= {file.relative_to(package) for file in package.rglob("*")}


@pytest.mark.parametrize(
    "file", [*PACKAGE.rglob("*.py"), *ROOT.glob("notebooks/assignments/*.py")], ids=lambda file: file.name
)
def test_text_is_read_and_written_as_utf_8_on_every_system(file):
    """Windows would take another encoding where none is named."""
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        of_image = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "Image"
        given = [part.value for part in call.args if isinstance(part, ast.Constant)]
        binary = any(isinstance(mode, str) and "b" in mode for mode in given)
        if name in ("open", "fdopen", "read_text", "write_text") and not of_image and not binary:
            assert "encoding" in {keyword.arg for keyword in call.keywords}, f"line {call.lineno}"


def test_no_file_names_a_place_on_a_machine():
    places = "|".join(("home", "root", "work", "Users", "mnt"))
    # Base64 holds slashes too, so a place counts only after a character that cannot stand in it.
    place = re.compile(rf"""(?:^|[\s"'`(=:\[])/(?:{places})/\w""", re.MULTILINE)
    for file in tracked_files():
        if file.suffix not in (".png", ".npz", ".gif", ".jpg"):
            found = place.search(file.read_text(encoding="utf-8"))
            assert not found, f"{file.relative_to(ROOT)}: {found[0]!r}"
