"""Nested tuples, lists and dicts of tensors: taken apart and put together. Source: torch/utils/_pytree.py"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple


class Structure(NamedTuple):
    """How a nest is built: `kind` is its class (None for a leaf), `names` the keys of a dict, `parts` the structures of what is in it."""

    kind: type | None
    names: tuple = ()
    parts: tuple[Structure, ...] = ()

    @property
    def count(self) -> int:
        """How many leaves there are."""
        return 1 if self.kind is None else sum(p.count for p in self.parts)

    def __repr__(self) -> str:
        if self.kind is None:
            return "*"
        if self.names:
            return "{" + ", ".join(f"{n!r}: {p!r}" for n, p in zip(self.names, self.parts)) + "}"
        inside = ", ".join(map(repr, self.parts))
        return f"[{inside}]" if self.kind is list else f"({inside}{',' if len(self.parts) == 1 else ''})"


LEAF = Structure(None)


def flatten(tree: Any) -> tuple[list, Structure]:
    """(the leaves in order, the structure). None is a leaf of its own."""
    leaves: list = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: Any, leaves: list) -> Structure:
    kind = type(tree)
    if kind in (dict, OrderedDict):
        return Structure(kind, tuple(tree), tuple(_flatten(v, leaves) for v in tree.values()))
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return Structure(kind, (), tuple(_flatten(v, leaves) for v in tree))
    leaves.append(tree)
    return LEAF


def unflatten(leaves: list, structure: Structure) -> Any:
    """The nest of this structure with these leaves."""
    return _unflatten(iter(leaves), structure)


def _unflatten(leaves, structure: Structure) -> Any:
    if structure.kind is None:
        return next(leaves)
    parts = [_unflatten(leaves, p) for p in structure.parts]
    if structure.names:
        return structure.kind(zip(structure.names, parts))
    if structure.kind in (dict, OrderedDict):
        return structure.kind()
    return structure.kind(*parts) if hasattr(structure.kind, "_fields") else structure.kind(parts)


def map_leaves(function, tree: Any) -> Any:
    """The same nest with `function` of every leaf."""
    leaves, structure = flatten(tree)
    return unflatten([function(x) for x in leaves], structure)


def broadcast(tree: Any, structure: Structure, is_leaf=None) -> list | None:
    """One value for each leaf of `structure`: a value stands for everything below its place. None if the nests do not fit."""
    if structure.kind is None or not isinstance(tree, (tuple, list, dict)):
        return [tree] * structure.count if not isinstance(tree, (tuple, list, dict)) else None
    if isinstance(tree, dict):
        if tuple(tree) != structure.names:
            return None
        values: list = list(tree.values())
    else:
        if isinstance(tree, list) is not (structure.kind is list) or structure.names:
            return None
        values = list(tree)
    if len(values) != len(structure.parts):
        return None
    found: list = []
    for value, part in zip(values, structure.parts):
        inside = broadcast(value, part)
        if inside is None:
            return None
        found += inside
    return found
