"""Open the course: `python -m vaegan_helpers [arguments for JupyterLab]`."""

import functools
import sys
from pathlib import Path

from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from jupyterlab.labapp import LabApp

SETTINGS = {
    "ServerApp.ip": "127.0.0.1",
    "ServerApp.allow_root": "True",  # the usual user of a container; JupyterLab would refuse to start
    "LabApp.news_url": "None",  # no pop-up that asks about news, and no look for updates
    "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    "ContentsManager.pre_save_hook": "vaegan_helpers.__main__.keep_pictures",
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def notebooks_folder():
    """The course's notebooks: they lie beside the package in a checkout.

    Raises:
      FileNotFoundError: there are none, as after an installation that is not editable.
    """
    folder = Path(__file__).resolve().parents[1] / "notebooks"
    if not any(folder.glob("*.ipynb")):
        raise FileNotFoundError(
            f"there are no notebooks in {folder}: install the package from a checkout of the course "
            "with `pip install -c constraints.txt -e .`, or open your own copy with `jupyter lab FOLDER`"
        )
    return folder


def arguments(further):
    """The course's settings, each left out where the further arguments settle it, then the further arguments."""
    settings = {**SETTINGS, "ServerApp.root_dir": str(notebooks_folder())}
    settled = {argument.lstrip("-").split("=")[0] for argument in further}
    short = {"ip": "ServerApp.ip", "notebook-dir": "ServerApp.root_dir"}  # JupyterLab's short names
    settled |= {short[name] for name in settled & short.keys()}
    return [f"--{name}={value}" for name, value in settings.items() if name not in settled] + list(further)


def sent_at_once(open_websocket):
    """Switch off Nagle's algorithm, which holds a widget's new picture back for about 40 ms."""

    @functools.wraps(open_websocket)
    async def open_without_delay(handler, *args, **kwargs):
        handler.set_nodelay(True)
        await open_websocket(handler, *args, **kwargs)

    return open_without_delay


def keep_pictures(model, **_):
    """Leaves the live view of each explorer out of a notebook that is saved, so that its picture is shown
    instead.

    Opened without its kernel, a live view is only an error message: JupyterLab prefers it to the picture
    beside it. A view without a picture, as of a bare slider, stays.
    """
    if model["type"] != "notebook" or not model.get("content"):
        return
    for cell in model["content"]["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output["data"].pop(WIDGET_VIEW, None)


def main(further=None):
    """Start JupyterLab on the notebooks; `further` are its arguments, by default those of the command line."""
    try:
        argv = arguments(sys.argv[1:] if further is None else further)
    except FileNotFoundError as problem:
        sys.exit(f"vaegan_helpers: {problem}")
    KernelWebsocketHandler.open = sent_at_once(KernelWebsocketHandler.open)
    LabApp.launch_instance(argv)


if __name__ == "__main__":
    main()
