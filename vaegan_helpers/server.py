"""The course's extension of a Jupyter server: explorers are saved as pictures, whichever server saves them.

Installing the package enables it for every server of the environment (`vaegan_helpers.json`, which
`pyproject.toml` puts into `etc/jupyter/jupyter_server_config.d`); `python -m vaegan_helpers` loads it also
where that file is missing.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NEWS = "@jupyterlab/apputils-extension:announcements"


def notebooks_folder() -> Path:
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


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp):
    serverapp.contents_manager.register_pre_save_hook(keep_pictures)
    serverapp.web_app.settings.setdefault("page_config_hook", without_news)
    KernelWebsocketHandler.open = sent_at_once(KernelWebsocketHandler.open)


def keep_pictures(model: dict, **_: Any) -> None:
    """Leaves the live view of each explorer out of a notebook that is saved: its picture is shown instead.

    Opened without its kernel, a live view is only an error message, and JupyterLab prefers it to the picture.
    A view without a picture, as of a bare slider, stays.
    """
    if model["type"] != "notebook" or not model.get("content"):
        return
    for cell in model["content"]["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output["data"].pop(WIDGET_VIEW, None)


def without_news(handler: Any, page_config: dict) -> dict:
    """Where the settings turn the news off, no question about them either: JupyterLab asks all the same."""
    news = page_config.get("news")
    if isinstance(news, dict) and news.get("disabled"):
        disabled = page_config.setdefault("disabledExtensions", [])
        if NEWS not in disabled:
            disabled.append(NEWS)
    return page_config


def sent_at_once(open_websocket: Any) -> Callable:
    """Switch off Nagle's algorithm, which holds a widget's new picture back for about 40 ms."""

    @functools.wraps(open_websocket)
    async def open_without_delay(handler, *args, **kwargs):
        handler.set_nodelay(True)
        await open_websocket(handler, *args, **kwargs)

    return open_without_delay
