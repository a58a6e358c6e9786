"""Models whose arrays lie in one list, for compiled functions that are called many times a second.

JAX takes a module of NNX apart in Python at each call of a compiled function, and puts what comes back
together again: for the players of a stage that costs as much as a round.
"""

import functools
from collections.abc import Iterable
from typing import Any

import jax


@jax.tree_util.register_pytree_node_class
class Packed:
    """A pytree as a flat one.

    Attributes:
      whole: the pytree itself.
    """

    def __init__(self, tree: Any) -> None:
        self._leaves, self._structure = jax.tree.flatten(tree)

    @functools.cached_property
    def whole(self) -> Any:
        return jax.tree.unflatten(self._structure, self._leaves)

    def tree_flatten(self) -> tuple:
        return self._leaves, self._structure

    @classmethod
    def tree_unflatten(cls, structure: Any, leaves: Any) -> "Packed":
        made = object.__new__(cls)
        made._leaves, made._structure = leaves, structure
        return made


def pack(parts: Iterable[Any]) -> list[Packed]:
    """Each part packed by itself, so that a program depends on those alone that it uses."""
    return [Packed(part) for part in parts]


def whole(model: Any) -> Any:
    """A model, packed or not, as it is."""
    return model.whole if isinstance(model, Packed) else model
