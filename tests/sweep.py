"""Every notebook on many root seeds: which asserts fail, and between what each printed number lies.

`python tests/sweep.py` runs all notebooks, folded solutions included, on the seeds 0 to 19, and
`python tests/sweep.py 01 05 --seeds 2` these two on 0 and 1. What has been run is kept in `sweep.json`, so a
sweep that was interrupted goes on where it stopped, and more seeds can be added later; a notebook whose code
has changed is run afresh. The report says how often each piece failed and on which seeds, and writes every
printed line with its numbers as ranges over the seeds: a range that the prose quotes comes from here.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

import nbformat
import runner
from execute_notebooks import find

NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
BAR = re.compile(r"\|#+\|")  # of progress
HERE = Path(__file__).resolve().parents[1]


def sweep(paths, seeds, store, *, long_solutions=True, twice=False):
    """Runs what `store` does not hold yet, and puts each run into it at once.

    Args:
      paths: of notebooks.
      seeds: of the root key.
      store: path of a JSON file.
      long_solutions, twice: as `runner.run` takes them.

    Returns:
      {name of the notebook: {seed: pieces, each a dictionary}}
    """
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    for path in paths:
        code = code_of(path)
        if kept.get(path.stem, {}).get("code") != code:
            kept[path.stem] = {"code": code, "runs": {}}
        for seed in seeds:
            if str(seed) in kept[path.stem]["runs"]:
                continue
            pieces = runner.run(path, seed=seed, twice=twice, long_solutions=long_solutions)
            kept[path.stem]["runs"][str(seed)] = [vars(piece) for piece in pieces]
            draft = store.with_suffix(".draft")
            draft.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")
            draft.replace(store)
            failed = [str(piece) for piece in pieces if piece.error]
            seconds = sum(piece.seconds for piece in pieces)
            print(f"{path.stem}, seed {seed}: {seconds:.0f} s, {len(failed)} failed", *failed, sep="\n  ")
            sys.stdout.flush()
    wanted = {str(seed) for seed in seeds}
    return {
        path.stem: {seed: run for seed, run in kept[path.stem]["runs"].items() if seed in wanted}
        for path in paths
    }


def code_of(path):
    """What identifies the code of a notebook, with that of its solutions."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    text = "\n".join([*cells, *runner.solutions(notebook).values()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def report(runs):
    """What the runs of one notebook say, in Markdown: {seed: pieces} to lines."""
    failures, printed = {}, {}
    for seed, pieces in runs.items():
        for piece in pieces:
            again = " again" if piece["kind"] == "again" else ""
            if piece["error"]:
                failures.setdefault((piece["place"] + again, piece["error"]), []).append(seed)
            if not again:
                lines = [line for line in piece["text"].splitlines() if not BAR.search(line)]
                for number, line in enumerate(lines):
                    printed.setdefault((piece["kind"], piece["place"], number), []).append(line)
    yield f"Seeds: {', '.join(runs)}"
    yield ""
    for (place, error), seeds in failures.items():
        yield f"- **failed on {len(seeds)} of {len(runs)} seeds** ({', '.join(seeds)}), {place}: `{error}`"
    if not failures:
        yield "- nothing failed"
    last = None
    for (_, place, _), lines in printed.items():
        if place != last:
            yield f"\n{place}\n"
            last = place
        yield from (f"    {line}" for line in ranges(lines))


def ranges(lines):
    """Lines that differ in their numbers alone as one, each number as from…to; others one after the other."""
    alike = {}
    for line in lines:
        alike.setdefault(NUMBER.sub("#", line.rstrip()), []).append(line)
    for some in alike.values():
        columns = list(zip(*(NUMBER.findall(line) for line in some), strict=True))
        spans = iter(_span(column) for column in columns)
        often = f"   [{len(some)} of {len(lines)} seeds]" if len(alike) > 1 else ""
        yield NUMBER.sub(lambda _, spans=spans: next(spans), some[0].rstrip()) + often


def _span(texts):
    """The smallest and the largest of some numbers, as they were printed."""
    by_size = sorted(texts, key=lambda text: float(text.replace(",", "").replace("−", "-")))
    return by_size[0] if by_size[0] == by_size[-1] else f"{by_size[0]}…{by_size[-1]}"


def main(arguments):
    """Runs the sweep and prints its report; returns how many runs had a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="paths, or how names begin; all without a name")
    parser.add_argument("--seeds", type=int, default=20, help="how many (20)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0); the others follow it")
    parser.add_argument("--twice", action="store_true", help="run quick cells twice, as the tests do")
    parser.add_argument("--short", action="store_true", help="leave out solutions that take minutes")
    parser.add_argument("--store", type=Path, default=HERE / "sweep.json", help="where runs are kept")
    parser.add_argument("--report", type=Path, help="a file for the report as well")
    given = parser.parse_args(arguments)
    try:
        paths = find(given.names)
    except ValueError as problem:
        parser.error(str(problem))
    seeds = range(given.first, given.first + given.seeds)
    found = sweep(paths, seeds, given.store, long_solutions=not given.short, twice=given.twice)
    text = "\n".join(f"## {name}\n\n" + "\n".join(report(runs)) + "\n" for name, runs in found.items())
    print(text)
    if given.report:
        given.report.write_text(text, encoding="utf-8")
    return sum(any(piece["error"] for piece in pieces) for runs in found.values() for pieces in runs.values())


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
