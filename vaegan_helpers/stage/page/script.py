"""The page's script and style: one module, since a page takes only one, with the tables in front."""

import json
from pathlib import Path

from vaegan_helpers.stage.page import tables
from vaegan_helpers.widgets import base

HERE = Path(__file__).parent
# defines render({ model, el }) and replay(el, packed)
SCRIPT = f"const TABLES = {json.dumps(tables.for_the_script())};\n{base.script(HERE / 'stage.js')}"
CSS = (HERE / "stage.css").read_text(encoding="utf-8")
