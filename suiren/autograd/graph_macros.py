"""The backward of one graph as one transition: a pass through many recordings meets graphs of the same structure again and again.

Used by a pass that has paused (engine.py): the graph's steps are then the first of their recording. What is remembered lies with the program whose
graph it is, and goes with it.
"""

from __future__ import annotations

from typing import Any

from suiren.autograd import anomaly
from suiren.ops import creation
from suiren.trace import binding, macros, recording
from suiren.trace.macros import NumberPlan
from suiren.trace.pending import HALF_SPAN
from suiren.trace.recording import record
from suiren.trace.storage import Stored, awaiting

GRADIENT, KEPT, MADE = "gradient", "kept", "made"


class GraphMacro(macros.Macro):
    """`takes`: what its inputs are, gradients that came (which) and kept values (of which slot); `gives`: what comes out at which leaf of the graph."""

    __slots__ = ("freed", "gives", "takes")


def applies(run: Any, graph: Any) -> bool:
    """Whether nobody but the rules has a say in this graph's backward, it is at the start of a recording, and a graph like it was met before."""
    if run.wanted is not None or run.create_graph or graph.watched or graph.python or anomaly.enabled:
        return False
    return run.rec.node.depth == 0 and graph.graph.structure.count > 1


def key_of(run: Any, graph: Any, incoming: list[tuple[Any, list]]) -> tuple:
    """What decides the steps, besides the graph's structure: where gradients came, and what was consumed before."""
    came = tuple((step.out, *(g is not None for g in gradients)) for step, gradients in incoming)
    return came, frozenset(graph.freed), run.retain_graph


def replay(run: Any, graph: Any, key: tuple, gradients: list[Stored]) -> list[tuple[int, Stored]] | None:
    """What a known backward gives, as (slot of a leaf of the graph, gradient); None if it is not known."""
    kept, versions = graph.graph.tensors, graph.graph.versions
    for macro in graph.graph.structure.backwards.get(key, ()):
        tensors = [gradients[which] if kind is GRADIENT else kept.get(which) for kind, which in macro.takes]
        if any(t is None or kind is KEPT and t._version != versions[which] for t, (kind, which) in zip(tensors, macro.takes)):
            continue
        rec = run.rec
        if not macros.bind_all(rec, tensors, macro):
            continue
        rec.numbers += macro.numbers.numbers(graph.graph.numbers)
        rec.node = macro.end
        given = []
        for slot, kind, which, spec in macro.gives:
            if kind is GRADIENT:
                given.append((slot, gradients[which]))
            else:
                t = awaiting(recording._TENSOR, rec.base + which, spec)
                rec.values.append(t)
                given.append((slot, t))
        graph.freed.update(macro.freed)
        return given
    return None


def remember(run: Any, graph: Any, key: tuple, gradients: list[Stored], first_visited: int, outgoing: dict[int, Stored]) -> None:
    """Notes what the steps that have just been run took and gave. The recording holds nothing but them."""
    rec, base = run.rec, run.rec.base
    for slot, g in outgoing.items():
        if g._parent is not None:  # a view has no place of its own
            outgoing[slot] = record(creation.copy, (g,), ())
    entries = [(GRADIENT, i, binding.enter(rec, g), g._spec) for i, g in enumerate(gradients)]
    for ref in graph.read:
        t = graph.graph.tensors[ref]
        if t._parent is not None:
            return
        entries.append((KEPT, ref, binding.enter(rec, t), t._spec))
    if rec.base != base or any(slot >= 0 for _, _, slot, _ in entries):
        return
    gives = []
    for slot, g in outgoing.items():
        which = next((i for i, came in enumerate(gradients) if came is g), None)
        if which is not None:
            gives.append((slot, GRADIENT, which, g._spec))
        elif 0 <= g._id - base < HALF_SPAN:
            gives.append((slot, MADE, g._id - base, g._spec))
        else:
            return
    entries.sort(key=lambda e: -e[2])
    plan = NumberPlan(rec.numbers, len(graph.graph.numbers))
    macro = GraphMacro(tuple(e[2] for e in entries), tuple(e[3] for e in entries), rec.node, (), plan)
    macro.takes, macro.gives = tuple((kind, which) for kind, which, _, _ in entries), tuple(gives)
    visited = () if run.retain_graph else run.visited[first_visited:]
    macro.freed = frozenset(slot for _, step in visited for slot in range(step.out, step.out + len(step.specs)))
    graph.graph.structure.backwards.setdefault(key, []).append(macro)
