"""Trace: the structure of one recording, in static single assignment form. What both tiers take in.

Values are numbered: leaves first, in the order in which the recording first read them, then the outputs of the nodes.
Python numbers are not values: each use is a `Number`, an argument at run time whose class alone is structure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from suiren.trace.op import Op
from suiren.trace.spec import Spec


class Number(NamedTuple):
    """A Python number as an input: `index` counts the numbers of the trace, `cls` is bool, int, float or complex."""

    index: int
    cls: type


class Line(NamedTuple):
    """The user's own line that recorded a node. `calls`: the functions in between, from the user's inward, as (name, which call it is: the id of its
    frame and the place in it): the composites that the node is part of."""

    file: str
    line: int
    function: str
    calls: tuple[tuple[str, int, int], ...] = ()


class Node(NamedTuple):
    """One operation: `outputs[i]` is the id of its i-th result, of spec `specs[i]`."""

    op: Op
    inputs: tuple[int | Number, ...]
    params: tuple  # in the order of op.params
    outputs: tuple[int, ...]
    specs: tuple[Spec, ...]
    line: Line | None = None
    scope: str = ""  # the user's word for it (a composite's name, "backward", "SGD.step")


@dataclass(frozen=True)
class Trace:
    """A program's structure: `leaves[i]` is the spec of value i, `outputs` are the values that somebody can still reach.

    `writes` are (leaf, value): when the trace has run, the leaf's own buffer holds that value (an in-place write). A written
    value needs no other buffer; it is not repeated in `outputs`. Other reads of the leaf see what it held before.
    """

    leaves: tuple[Spec, ...]
    numbers: tuple[type, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    writes: tuple[tuple[int, int], ...] = ()
    name: str = field(default="", compare=False)

    def specs(self) -> dict[int, Spec]:
        """The spec of every value."""
        found = dict(enumerate(self.leaves))
        for node in self.nodes:
            found.update(zip(node.outputs, node.specs))
        return found
