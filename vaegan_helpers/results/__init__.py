"""What takes too long for a notebook: tables, and the weights of models that were trained for them.

Scripts in notebooks/results make them.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers.cache import write_atomically

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
    if name not in names():
        there = ", ".join(names()) or "none: install vaegan_helpers again, its files are not complete"
        raise ValueError(f"there are no stored results {name!r}; there are {there}")
    return json.loads((_HERE / f"{name}.json").read_text(encoding="utf-8"))


def begun(name: str, **made_with: Any) -> dict[str, Any]:
    """A stored table that a script may go on with: {} if there is none, or it was made with other settings.

    Args:
      name: of the script.
      made_with: entries of the table that must be as they are given here.
    """
    stored = load(name) if name in names() else {}
    as_stored = json.loads(json.dumps(made_with))  # tuples become lists
    return stored if all(stored.get(key) == value for key, value in as_stored.items()) else {}


def names() -> list[str]:
    """The tables that there are."""
    return sorted(path.stem for path in _HERE.glob("*.json"))


def save(name: str, table: dict[str, Any]) -> None:
    """Stores a table under the name of the script that measured it, whole or not at all."""
    text = json.dumps(table, indent=1) + "\n"
    write_atomically(_HERE / f"{name}.json", lambda file: file.write(text.encode()))


def save_weights(name: str, models: Any) -> None:
    """Stores the weights of a model, or of a tuple of models, in half precision, whole or not at all.

    Raises:
      ValueError: a weight is NaN, or not below 65,504, the largest number in half precision.
    """
    with np.errstate(over="ignore"):
        weights = [np.asarray(leaf, np.float16) for leaf in jax.tree.leaves(models)]
    if not all(np.isfinite(each).all() for each in weights):
        raise ValueError(f"the weights of {name!r} must be finite and below 65,504; some are not")
    write_atomically(_HERE / f"{name}.npz", lambda file: np.savez_compressed(file, *weights))


def load_weights(name: str, models: Any) -> Any:
    """Models with stored weights.

    Args:
      name: under which they were stored.
      models: new ones of the same kinds and sizes, in the same order; they are not changed.

    Raises:
      ValueError: there are no weights of this name, they cannot be read, or they are those of other models.
    """
    if not (path := _HERE / f"{name}.npz").exists():
        there = ", ".join(sorted(path.stem for path in _HERE.glob("*.npz")))
        raise ValueError(f"there are no stored weights {name!r}; there are {there or 'none'}")
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = [jnp.asarray(file[each], jnp.float32) for each in file.files]
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as problem:
        raise ValueError(
            f"the stored weights {name!r} cannot be read: install vaegan_helpers again"
        ) from problem
    leaves, structure = jax.tree.flatten(models)
    shapes = [[leaf.shape for leaf in some] for some in (stored, leaves)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the stored weights {name!r} have shapes {shapes[0]}; wanted {shapes[1]}")
    return jax.tree.unflatten(structure, stored)
