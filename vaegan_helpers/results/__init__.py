"""What takes too long for a notebook: tables, each made by the script of its name in notebooks/results."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    """A stored table, wherever the notebook that reads it lies.

    Args:
      name: of the script that measured it, such as "hybrid".

    Returns:
      The table, with the settings and seeds it was made with and, as "command", how to make it again.

    Raises:
      ValueError: there is no table of this name; the message says which there are.
    """
    stored = {path.stem: path for path in _HERE.glob("*.json")}
    if name not in stored:
        there = ", ".join(sorted(stored)) or "none: install vaegan_helpers again, its files are not complete"
        raise ValueError(f"there are no stored results {name!r}; there are {there}")
    return json.loads(stored[name].read_text(encoding="utf-8"))
