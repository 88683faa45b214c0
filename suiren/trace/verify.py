"""Type-checks a trace: what every pass and both tiers rely on."""

from __future__ import annotations

from suiren.trace.spec import Spec
from suiren.trace.trace import Number, Trace


class IllTyped(AssertionError):
    """A trace breaks a rule; the message says which node and which rule."""


def verify(trace: Trace) -> None:
    """Every value is made once, before it is used; every spec is what the op infers; outputs and writes exist and fit."""
    known: dict[int, Spec] = dict(enumerate(trace.leaves))
    for i, node in enumerate(trace.nodes):
        kinds = []
        for x in node.inputs:
            if isinstance(x, Number):
                _require(0 <= x.index < len(trace.numbers), i, node, f"number {x.index} of {len(trace.numbers)}")
                _require(trace.numbers[x.index] is x.cls, i, node, f"number {x.index} is a {trace.numbers[x.index].__name__}")
                kinds.append(x.cls)
            else:
                _require(x in known, i, node, f"value {x} is used before it is made")
                kinds.append(known[x])
        _require(len(node.outputs) == len(node.specs) == node.op.n_outputs, i, node, "wrong number of outputs")
        for have, want in zip(node.specs, node.op.infer(tuple(kinds), node.params)):
            _require(have.plain is want.plain, i, node, f"has {have}, the op infers {want}")
        for v in node.outputs:
            _require(v not in known, i, node, f"value {v} is made twice")
        known.update(zip(node.outputs, node.specs))
    for v in trace.outputs:
        if v not in known:
            raise IllTyped(f"output {v} is never made")
    if len({leaf for leaf, _ in trace.writes}) != len(trace.writes):
        raise IllTyped("a leaf is written twice")
    for leaf, v in trace.writes:
        if not 0 <= leaf < len(trace.leaves) or v not in known or known[v].plain is not trace.leaves[leaf].plain:
            raise IllTyped(f"leaf {leaf} ({trace.leaves[leaf]}) cannot hold value {v} ({known.get(v)})")


def _require(condition: bool, index: int, node, what: str) -> None:
    if not condition:
        raise IllTyped(f"node {index} ({node.op.name}): {what}")
