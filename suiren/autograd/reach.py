"""Which steps of the graphs lead from the roots of a backward pass to the tensors whose gradients are asked for: the others are not run, nor freed."""

from __future__ import annotations

from suiren.trace.trie import OP


def leading(run, roots: list) -> set[tuple[int, int]]:
    """The steps, as (id of the graph, slot of the first output), from whose inputs a way leads to a wanted tensor."""
    graphs = _graphs_behind(run, roots)
    wanted = run.wanted
    leads: dict[int, set[int]] = {}  # id of the graph -> slots whose step leads to a wanted tensor
    found = set()
    for graph in sorted(graphs, key=lambda g: g.sequence):
        slots = leads[id(graph)] = set()
        history = graph.history
        tensors: dict[int, bool] = {}

        for step in history.path:
            if step.kind is not OP or step.op.grad is None:
                continue
            for ref in step.refs:
                if not isinstance(ref, int) or not history.spec(ref).requires_grad:
                    continue
                if history.is_node(ref):
                    leading_ref = ref in slots or (graph, ref) in wanted
                else:
                    leading_ref = tensors.get(ref)
                    if leading_ref is None:
                        leading_ref = tensors[ref] = _tensor_leads(run, graph, ref, leads)
                if leading_ref:
                    slots.update(range(step.out, step.out + len(step.specs)))
                    found.add((id(graph), step.out))
                    break
    return found


def _tensor_leads(run, graph, ref: int, leads: dict[int, set[int]]) -> bool:
    """Whether a way leads on from the tensor at which a graph ends: it is wanted, or an earlier graph goes on from it."""
    t = graph.tensor(ref)
    if t is None or not t._spec.requires_grad:
        return False
    if ("leaf", id(t)) in run.wanted:
        return True
    origin = graph.origin(ref)
    if origin is None:
        return False
    kept = run.kept_graph(origin[0])
    return (kept, origin[1]) in run.wanted or origin[1] in leads.get(id(kept), ())


def _graphs_behind(run, roots: list) -> list:
    """All graphs that a pass from the roots can come to."""
    stack = [graph for graph, _ in map(run.place, roots) if graph != "leaf"]
    seen: dict[int, object] = {}
    while stack:
        graph = stack.pop()
        if id(graph) in seen:
            continue
        seen[id(graph)] = graph
        origins = [t._graph for t in graph.leaves if t._graph is not None] if graph is run.live else graph.graph.origins.values()
        stack.extend(run.kept_graph(earlier) for earlier, _ in origins)
    return list(seen.values())


def reached(run, roots: list) -> tuple[set[tuple[int, int]], set[int]]:
    """(the steps that a pass from the roots comes to, the ids of the leaves)."""
    nodes: set[tuple[int, int]] = set()
    leaves: set[int] = set()
    stack = [run.place(t) for t in roots]
    while stack:
        graph, slot = stack.pop()
        if graph == "leaf":
            leaves.add(slot)
            continue
        history = graph.history
        step = history.producer[slot]
        if (id(graph), step.out) in nodes:
            continue
        nodes.add((id(graph), step.out))
        for ref in step.refs:
            if not isinstance(ref, int) or not history.spec(ref).requires_grad:
                continue
            t = None if history.is_node(ref) else graph.tensor(ref)
            if history.is_node(ref):
                stack.append((graph, ref))
            elif t is not None:
                origin = graph.origin(ref)
                stack.append(("leaf", id(t)) if origin is None else (run.kept_graph(origin[0]), origin[1]))
    return nodes, leaves
