"""Open the course: `python -m vaegan_helpers [arguments for JupyterLab]`.

`python -m vaegan_helpers pages [FOLDER]` builds the reading edition instead.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from jupyterlab.commands import get_workspaces_dir
from jupyterlab.labapp import LabApp
from jupyterlab_server.workspaces_handler import WorkspacesManager

from vaegan_helpers import server
from vaegan_helpers.server import notebooks_folder

SETTINGS = {
    "ServerApp.ip": "127.0.0.1",
    "ServerApp.allow_root": "True",  # the usual user of a container; JupyterLab would refuse to start
    "LabApp.news_url": "None",  # no news, no question about them, and no look for updates
    "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
}
START, WORKSPACE = "start.md", "course"  # what a newcomer sees first, and the arrangement in which it stands
_VIEW = f"markdownviewer-widget:{START}"
# The start page beside a list of files that is wide enough for the notebooks' names.
ARRANGEMENT = {
    "layout-restorer:data": {
        "main": {"dock": {"type": "tab-area", "currentIndex": 0, "widgets": [_VIEW]}, "current": _VIEW},
        "left": {"collapsed": False, "visible": True, "current": "filebrowser", "widgets": ["filebrowser"]},
        "right": {"collapsed": True, "visible": True, "widgets": []},
        "relativeSizes": [0.29, 0.71, 0],
    },
    _VIEW: {"data": {"path": START, "factory": "Markdown Preview"}},
}


def arguments(further: Sequence[str]) -> list[str]:
    """The course's settings, without those that the further arguments settle, then the further arguments."""
    settings = {**SETTINGS, "ServerApp.root_dir": str(notebooks_folder())}
    settled = {argument.lstrip("-").split("=")[0] for argument in further}
    short = {"ip": "ServerApp.ip", "notebook-dir": "ServerApp.root_dir"}  # JupyterLab's short names
    settled |= {short[name] for name in settled & short.keys()}
    if "ServerApp.root_dir" not in settled:  # the start page lies among the course's own notebooks
        settings["LabApp.default_url"] = f"/lab/workspaces/{WORKSPACE}"
    return [f"--{name}={value}" for name, value in settings.items() if name not in settled] + list(further)


class Course(LabApp):
    """JupyterLab with the course's extension, also where an old installation has not enabled it."""

    get_extension_package = LabApp.get_extension_package  # still JupyterLab's

    @classmethod
    def make_serverapp(cls, jpserver_extensions: Any, **kwargs: Any) -> Any:
        """The server with our extension beside JupyterLab."""
        return super().make_serverapp(
            jpserver_extensions=jpserver_extensions | {server.__name__: True}, **kwargs
        )


def lay_out() -> None:
    """Lays out the course's workspace, unless the user already has it and perhaps rearranged it."""
    workspaces = WorkspacesManager(get_workspaces_dir())
    try:
        if not workspaces.load(WORKSPACE)["data"]:
            arrangement = {"data": ARRANGEMENT, "metadata": {"id": WORKSPACE}}
            workspaces.save(WORKSPACE, json.dumps(arrangement))
    except (OSError, ValueError):  # a full or damaged disk: JupyterLab's launcher will do
        pass


def main(further: Sequence[str] | None = None) -> None:
    """Start JupyterLab on the notebooks; `further` are its arguments, by default the command line's."""
    further = sys.argv[1:] if further is None else further
    if further[:1] == ["pages"]:
        from vaegan_helpers import pages  # only now: it brings JAX, for which a server need not wait

        return pages.main(further[1:])
    try:
        argv = arguments(further)
    except FileNotFoundError as problem:
        sys.exit(f"vaegan_helpers: {problem}")
    lay_out()
    Course.launch_instance(argv)


if __name__ == "__main__":
    main()
