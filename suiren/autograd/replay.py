"""A backward pass as one transition: what is remembered of a pass, and how it is played again."""

from __future__ import annotations

from typing import Any

from suiren.autograd import anomaly, engine, graphs
from suiren.trace import binding, macros, pending, recording
from suiren.trace.deferred import settle_numbers
from suiren.trace.macros import NumberPlan
from suiren.trace.pending import HALF_SPAN, Recording, local
from suiren.trace.storage import Stored, new


class BackwardMacro(macros.Macro):
    """`leaves`: the slots of the autograd leaves reached; `had`: whether each had a gradient; `reads`: the kept values that rules ask for."""

    __slots__ = ("drops", "freed", "had", "leaves", "reads", "slots_read")


SEVERAL: Any = object()  # what is known of a pass that goes on in the graphs of other recordings: each is a transition of its own (graph_macros.py)


def backward(roots: list[Stored], gradients: list, retain_graph: bool | None, create_graph: bool, inputs: list[Stored] | None) -> None:
    """Adds to `.grad` of the leaves (or of `inputs` alone) the gradients of the roots."""
    engine.check_roots(roots)
    retain = create_graph if retain_graph is None else retain_graph
    engine.prepare(local.rec)
    if len(roots) == 1 and inputs is None and not create_graph and roots[0]._parent is None and not anomaly.enabled:
        _of_one(local.rec, roots[0], gradients[0], retain)
    else:
        engine.run_pass(roots, gradients, retain, create_graph, inputs)


pending.backward = backward


def _of_one(rec: Recording, root: Stored, gradient: Stored | None, retain: bool) -> None:
    """`root.backward(gradient)`, replayed if it is known; else run, and remembered if it met no Python of the user's."""
    graph, slot = None, root._id - rec.base
    if not 0 <= slot < HALF_SPAN:
        graph = root._graph
        if graph is None:
            engine.run_pass([root], [gradient], retain, False, None)
            return
        graph, slot = graph
    if rec.watched or rec.python if graph is None else graph.watched or graph.python or any([t._hooks for t in graph.tensors.values()]):
        engine.run_pass([root], [gradient], retain, False, None)  # the user's Python may look at gradients: no number is left for later
        return
    start, base, first_number = rec.node, rec.base, len(rec.numbers)
    if graph is None:
        holder, key = start, ("backward", slot, gradient is None, retain)
    else:
        holder, key = graph.structure, ("backward", slot, gradient is None, retain, start, frozenset(graph.freed))
    for macro in holder.macros.get(key, ()) if holder.macros is not None else ():
        if macro is SEVERAL:
            engine.run_pass([root], [gradient], retain, False, None, apart=True)
            return
        if _replay(rec, macro, graph, gradient):
            return
    try:
        run, reached = engine.run_pass([root], [gradient], retain, False, None, is_macro=True)
        plan = NumberPlan(rec.numbers[first_number:], first_number if graph is None else len(graph.numbers))
    finally:
        settle_numbers(rec.numbers, first_number if rec.base == base else 0)
    macro = None
    if any(kept.graph is not graph for kept in run.graphs_used):
        macro = SEVERAL
    elif rec.base == base and run.is_plain:
        macro = _remembered(rec, run, reached, graph, gradient, plan)
        if macro is not None:
            macro.drops = () if graph is None or retain else graph.let_go()
    if macro is not None:
        macros.remember(holder, key, macro)
    engine.let_go(run)


def _remembered(rec: Recording, run, reached: list, graph, gradient, plan) -> BackwardMacro | None:
    source = run.live if graph is None else run.graphs_used[0]
    places = {id(t): ref for ref, t in _leaf_places(source, rec)}
    if any(id(t) not in places or t._grad._parent is not None for t, _ in reached):
        return None
    reads = [] if graph is None else list(source.read)
    entries = []  # (what it is, its slot now, its spec): in the order in which new leaves were bound
    if gradient is not None:
        entries.append(("gradient", 0, binding.enter(rec, gradient), gradient._spec))
    for i, (t, old) in enumerate(reached):
        if old is not None:
            entries.append(("grad", i, old, t._grad._spec))
    for ref in reads:
        t = graph.tensors[ref]
        if t._parent is not None:
            return None
        entries.append(("kept", ref, binding.enter(rec, t), t._spec))
    entries.sort(key=lambda e: -e[2] if e[2] < 0 else 0)
    macro = BackwardMacro(
        tuple(e[2] for e in entries), tuple(e[3] for e in entries), rec.node,
        tuple((t._grad._id - rec.base, t._grad._spec) for t, _ in reached), plan,
    )  # fmt: skip
    macro.reads = tuple((kind, which) for kind, which, _, _ in entries)
    macro.leaves = tuple(places[id(t)] for t, _ in reached)
    macro.had = tuple(old is not None for _, old in reached)
    macro.slots_read = tuple(reads)
    macro.freed = frozenset() if graph is None or run.retain_graph else frozenset(graph.freed)
    return macro


def _leaf_places(source, rec: Recording):
    if isinstance(source, graphs.Live):
        yield from ((-1 - j, t) for j, t in enumerate(rec.leaves))
        yield from rec.owners.items()
    else:
        yield from source.graph.tensors.items()


def _replay(rec: Recording, macro: BackwardMacro, graph, gradient) -> bool:
    if graph is None:
        owners, bound = rec.owners, rec.leaves
        leaves = [bound[-1 - ref] if ref < 0 else owners[ref] for ref in macro.leaves]
        kept = {}
    else:
        kept, versions = graph.tensors, graph.versions
        leaves = [kept[ref] for ref in macro.leaves]
        for ref in macro.slots_read:
            t = kept[ref]
            if (t if t._parent is None else t._root())._version != versions[ref]:
                return False
    for t, had in zip(leaves, macro.had):
        if (t._grad is not None) is not had or t._hooks or t._graph is not None:  # with a graph of its own it is no leaf of this one
            return False
    if macro.reads:
        tensors = [
            kept[which] if kind == "kept" else leaves[which]._grad if kind == "grad" else gradient  # type: ignore[misc]
            for kind, which in macro.reads
        ]
        if not macros.bind_all(rec, tensors, macro):
            return False
    if macro.numbers.order:
        rec.numbers += macro.numbers.numbers(rec.numbers if graph is None else graph.numbers)
    base = rec.base
    rec.node = macro.end
    tensor = recording._TENSOR
    for t, had, (slot, spec) in zip(leaves, macro.had, macro.results):
        if had:
            g = t._grad
            if g._id < base and g._buffer is not None:
                rec.written.append((g, g._id - base))
            g._version += 1
            g._id = base + slot
        else:
            g = t._grad = new(tensor)
            g._id, g._spec, g._buffer, g._parent = base + slot, spec, None, None
            rec.values.append(g)
    if graph is not None:
        graph.freed |= macro.freed
        for slot in macro.drops:
            kept.pop(slot, None)
            graph.origins.pop(slot, None)
    return True
