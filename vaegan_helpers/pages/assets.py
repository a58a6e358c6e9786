"""The files beside the pages: pictures, scripts and what explorers need. Equal content is stored once."""

import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = "assets"


class Assets:
    """A folder of files that are named by what they hold.

    Scripts are plain ones, not modules, and data are scripts too: opened from a disk, a page may load nothing
    else.

    Args:
      site: the folder of the pages.
    """

    def __init__(self, site: Path) -> None:
        self.folder = site / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes | str, ending: str) -> str:
        """Stores a file and returns its address, seen from a page."""
        content = content.encode() if isinstance(content, str) else content
        name = _name_of(content, ending)
        (self.folder / name).write_bytes(content)
        return f"{FOLDER}/{name}"

    def add_script(self, module: str, gives: str) -> str:
        """Stores a module's text as a script that hands over one of its names under the script's address."""
        return self._register(f'(() => {{ "use strict";\n{module}\nreturn {gives}; }})()', ".js")

    def add_data(self, data: Any) -> str:
        """Stores what JSON can hold as a script that hands it over under the script's address."""
        return self._register(json.dumps(data, separators=(",", ":")), ".data.js")

    def _register(self, expression, ending):
        name = _name_of(expression.encode(), ending)
        text = f'edition.arrived("{FOLDER}/{name}", {expression});\n'
        (self.folder / name).write_text(text, encoding="utf-8")
        return f"{FOLDER}/{name}"


def _name_of(content, ending):
    return hashlib.sha256(content).hexdigest()[:16] + ending
