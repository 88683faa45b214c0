"""The backward of one graph as one transition, for passes that go through several recordings (engine.py, `Pass.apart`).

A pass meets graphs of the same structure again and again: the steps of an episode, the parts of a loop. What is remembered of one that has run lies
with the program whose graph it is, and goes with it; of the recording that is pending, at the node where the pass began.
"""

from __future__ import annotations

from typing import Any

from suiren.autograd import anomaly
from suiren.autograd.graphs import Live
from suiren.ops import creation
from suiren.trace import binding, macros, recording
from suiren.trace.macros import NumberPlan
from suiren.trace.pending import HALF_SPAN
from suiren.trace.recording import record
from suiren.trace.storage import Stored, awaiting

GRADIENT, KEPT, MADE = "gradient", "kept", "made"


class GraphMacro(macros.Macro):
    """`takes`: what its inputs are, gradients that came (which) and kept values (of which slot); `gives`: what comes out at which leaf of the graph;
    `visited`: the steps that were run."""

    __slots__ = ("gives", "takes", "visited")


class GraphPass:
    """What one graph is about to do in a pass: the gradients that have come to its steps."""

    def __init__(self, run: Any, graph: Any, incoming: list[tuple[Any, list]]):
        self.run, self.graph = run, graph
        self.gradients = [g for _, given in incoming for g in given if g is not None]
        came = tuple((step.out, *(g is not None for g in given)) for step, given in incoming)
        self.key = "graph", came, frozenset(graph.freed), run.retain_graph
        self.base = run.rec.base
        self.start, self.first_number, self.first_visited = run.rec.node, len(run.rec.numbers), len(run.visited)
        self.is_live = isinstance(graph, Live)
        self.holder = self.start if self.is_live else graph.graph.structure
        self.numbers = run.rec.numbers if self.is_live else graph.graph.numbers
        self.given_numbers = len(self.numbers)

    def applies(self) -> bool:
        """Whether nobody but the rules has a say in this graph's backward, and it may come again."""
        run, graph = self.run, self.graph
        if run.wanted is not None or run.create_graph or graph.watched or graph.python or anomaly.enabled:
            return False
        return self.is_live or (self.start.depth == 0 and graph.graph.structure.count > 1)

    def replay(self) -> dict[int, Stored] | None:
        """What a known backward gives, as leaf of the graph -> gradient; None if it is not known."""
        rec, kept = self.run.rec, {} if self.is_live else self.graph.graph.tensors
        for macro in (self.holder.macros or {}).get(self.key, ()):
            tensors = [self.gradients[which] if kind is GRADIENT else kept.get(which) for kind, which in macro.takes]
            if any(t is None or kind is KEPT and t._version != self.graph.graph.versions[which] for t, (kind, which) in zip(tensors, macro.takes)):
                continue
            if not macros.bind_all(rec, tensors, macro):
                continue
            if macro.numbers.order:
                rec.numbers += macro.numbers.numbers(self.numbers)
            rec.node = macro.end
            given = {}
            for slot, kind, which, spec in macro.gives:
                if kind is GRADIENT:
                    given[slot] = self.gradients[which]
                else:
                    t = given[slot] = awaiting(recording._TENSOR, rec.base + which, spec)
                    rec.values.append(t)
            self.run.visited += [(self.graph, step) for step in macro.visited]
            return given
        return None

    def remember(self, outgoing: dict[int, Stored]) -> None:
        """Notes what the steps that have just been run took and gave. Views among what they gave become tensors of their own."""
        rec, base = self.run.rec, self.base
        if rec.base != base or any(g._parent is not None for g in self.gradients):  # somebody looked; a view has no place of its own
            return
        for slot, g in outgoing.items():
            if g._parent is not None:
                outgoing[slot] = record(creation.copy, (g,), ())
        entries = [(GRADIENT, i, binding.enter(rec, g), g._spec) for i, g in enumerate(self.gradients)]
        for ref in () if self.is_live else self.graph.read:
            t = self.graph.graph.tensors[ref]
            if t._parent is not None:
                return
            entries.append((KEPT, ref, binding.enter(rec, t), t._spec))
        gives = []
        for slot, g in outgoing.items():
            which = next((i for i, came in enumerate(self.gradients) if came is g), None)
            if which is not None:
                gives.append((slot, GRADIENT, which, g._spec))
            elif 0 <= g._id - base < HALF_SPAN:
                gives.append((slot, MADE, g._id - base, g._spec))
            else:
                return
        if rec.base != base:
            return
        entries.sort(key=lambda e: -e[2] if e[2] < 0 else 0)
        plan = NumberPlan(rec.numbers[self.first_number :], self.given_numbers)
        macro = GraphMacro(tuple(e[2] for e in entries), tuple(e[3] for e in entries), rec.node, (), plan)
        macro.takes, macro.gives = tuple((kind, which) for kind, which, _, _ in entries), tuple(gives)
        macro.visited = tuple(step for _, step in self.run.visited[self.first_visited :])
        macros.remember(self.holder, self.key, macro)
