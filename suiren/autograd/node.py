"""Graph nodes as users see them: `grad_fn`, its name and its `next_functions`. Made when somebody asks; the recording is the graph."""

from __future__ import annotations

from suiren.autograd import engine
from suiren.trace import recording
from suiren.trace.recording import local
from suiren.trace.storage import Stored


def history_of(t: Stored):
    """(graph, slot) of a tensor that a graph made, or None."""
    if not t._spec.requires_grad:
        return None
    place = engine.Pass(create_graph=False, retain_graph=True, wanted=None)._place(t)
    return None if place[0] == "leaf" else place


class AccumulateGrad:
    """Where a gradient arrives at a leaf, `variable`."""

    next_functions = ()

    def __init__(self, variable: Stored):
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {hex(id(self))}>"


class GraphNode:
    """One operation of a graph."""

    def __init__(self, graph, step):
        self._graph, self._step = graph, step

    def name(self) -> str:
        return self._step.op.grad_name

    @property
    def next_functions(self) -> tuple:
        found = []
        for ref in self._step.refs:
            if not isinstance(ref, int) or not self._graph.history.spec(ref).requires_grad:
                found.append((None, 0))
                continue
            found.append((node_at(self._graph, ref), 0))
        return tuple(found)

    def __eq__(self, other) -> bool:
        return isinstance(other, GraphNode) and (self._step, id(self._graph)) == (other._step, id(other._graph))

    def __hash__(self) -> int:
        return hash((id(self._step), id(self._graph)))

    def __repr__(self) -> str:
        return f"<{self.name()} object at {hex(id(self._step))}>"


def node_at(graph, ref: int):
    if graph.history.is_node(ref):
        return GraphNode(graph, graph.history.producer[ref])
    t = graph.tensor(ref)
    if t is None:
        return None
    return grad_fn(t) or AccumulateGrad(t)


def grad_fn(t: Stored):
    """The node that made `t`, or None for a leaf."""
    place = history_of(t)
    return None if place is None else GraphNode(place[0], place[0].history.producer[place[1]])


__all__ = ["AccumulateGrad", "GraphNode", "grad_fn", "history_of", "local", "recording"]
