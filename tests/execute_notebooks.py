"""Execute notebooks afresh and store them with their outputs: `python tests/execute_notebooks.py [names]`.

Without names, all of them: `01` stands for the notebook whose name begins so. What is stored depends on
nothing but the notebook: no times, no versions, no random ids. Of a widget the picture is kept and not the
live view, which without a kernel shows nothing but an error. A notebook in which a cell fails stays as it
was.
"""

import argparse
import hashlib
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from vaegan_helpers.cache import write_atomically

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PLACE = re.compile(
    r"[~/][^\s\x1b]*/(?:site-packages/|(?=vaegan_helpers/))"
)  # where the packages lie on this machine
KEPT_OF_A_CELL = ("tags", "jupyter", "nbgrader")


def execute(notebook, folder):
    """Run every cell in a new kernel started in `folder`; the outputs land in the notebook.

    Raises:
      CellExecutionError: a cell failed that does not bear the tag `raises-exception`.
    """
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,  # a progress bar leaves its last line, as in nbval
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    ).execute()


def clean(notebook):
    """Reduce a notebook in place to what is worth storing."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken = set()
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in KEPT_OF_A_CELL if key in cell.metadata}
        )
        cell.id = _id_of(cell.source, taken)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
            if "traceback" in output:
                output.traceback = [PLACE.sub("", line) for line in output.traceback]


def _id_of(source, taken):
    """An id made from the cell's text: the same after every run, and no other cell's change touches it."""
    for copy in range(len(taken) + 1):
        name = hashlib.sha256(f"{copy} {source}".encode()).hexdigest()[:8]
        if name not in taken:
            break
    taken.add(name)
    return name


def store(notebook, path):
    """Write the notebook in one step, so that a run cut short leaves the old file whole."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def find(names, folder=NOTEBOOKS):
    """The notebooks that the names stand for: a path, or how a file name in `folder` begins; all without a
    name.

    Raises:
      ValueError: a name stands for no notebook.
    """
    found = [] if names else sorted(folder.glob("*.ipynb"))
    for name in names:
        matches = [Path(name)] if Path(name).is_file() else sorted(folder.glob(f"{name}*.ipynb"))
        if not matches:
            raise ValueError(f"no notebook {name!r}; there are {', '.join(p.stem for p in find([], folder))}")
        found += matches
    return found


def main(names):
    """Execute and store the notebooks; the exit code is the number of those that failed."""
    failed = 0
    for path in find(names):
        notebook = nbformat.read(path, as_version=4)
        start = time.perf_counter()
        try:
            execute(notebook, path.resolve().parent)
        except CellExecutionError as error:
            failed += 1
            print(f"{path.name}: stays as it was, since a cell failed\n{error}", file=sys.stderr)
            continue
        clean(notebook)
        store(notebook, path)
        print(
            f"{path.name}: {time.perf_counter() - start:.1f} s, {path.stat().st_size / 1e6:.2f} MB",
            flush=True,
        )
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", help="path of a notebook, or how its name begins; all without a name"
    )
    try:
        sys.exit(main(parser.parse_args().names))
    except ValueError as problem:
        parser.error(str(problem))
