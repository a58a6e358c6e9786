"""The page's script and style: parts that are files of their own here, joined to one module, since a page
takes only one."""

import json
import re
from pathlib import Path

from vaegan_helpers.stage.page import tables

HERE = Path(__file__).parent
PARTS = ("dom", "source", "marks", "plane", "chart", "diagram", "controls", "drawing", "stage")


def _joined():
    parts = [(HERE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS]
    parts = [
        re.sub(r"^import .*\n", "", re.sub(r"^export ", "", part, flags=re.M), flags=re.M) for part in parts
    ]
    return f"const TABLES = {json.dumps(tables.for_the_script())};\n" + "\n".join(parts)


SCRIPT = _joined()  # defines render({ model, el }) and replay(el, packed)
CSS = (HERE / "stage.css").read_text(encoding="utf-8")
