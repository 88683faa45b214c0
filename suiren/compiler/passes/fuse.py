"""fuse: nodes become kernels.

Movement ops disappear into the strides with which others read. What is left are *items* (a pointwise operation, a reduction, a store into a part of
something), and templates. Each starts as a cluster of its own; clusters are merged along the values that pass between them, as long as

- their domains are the same space (domain.py), or one is what the other has left after its reduction;
- an element that one computes and the other reads is at the same place of the domain, or belongs to the same outer index;
- no third cluster lies on a way between them;
- the merged kernel would not be slower: enough units, not too many operands.

A cluster with a template takes pointwise items as its epilogue. What is wanted afterwards, and by whom, never decides what is fused: a living
temporary costs a store and changes no bit. nests.py then writes each cluster down as a Nest or a Task.

Here nodes become items, and what is wanted gets a value of its own. clusters.py holds what is known meanwhile; merge.py says which clusters become
one, epilogues.py what a template takes, inline.py what gets no memory at all.
"""

from __future__ import annotations

import importlib

from suiren.compiler.passes.clusters import Cluster, Fusion, Item, TemplateItem
from suiren.compiler.passes.domain import bounds_of, broadcast, intervals_of, is_identity, moved, whole
from suiren.compiler.passes.inline import can_be_inlined, inline_masks, inline_small, is_free, is_uniform
from suiren.compiler.passes.merge import merge_readers, try_merge
from suiren.compiler.passes.nests import write_steps
from suiren.compiler.passes.simplify import ask_node
from suiren.compiler.program import Access, Place, Program, Ptr
from suiren.trace.trace import Node, Number


def fuse(program: Program) -> Program:
    fusion = Fusion(program)
    for node in program.nodes:
        _add_node(fusion, node)
    _place_wanted(fusion)
    if fusion.fuses:
        merge_readers(fusion)
        inline_small(fusion)
        inline_masks(fusion)
    program.steps = write_steps(fusion)
    return program


# ---------------------------------------------------------------- from nodes to items


def _add_node(fusion: Fusion, node: Node) -> None:
    kind, origin = node.op.kind, fusion.program.origins.get(node.outputs[0], -1)
    if kind == "movement":
        _add_movement(fusion, node, origin)
    elif kind == "pointwise":
        _add_pointwise(fusion, node, origin)
    elif kind == "reduction":
        a = fusion.read(node.inputs[0])
        _add(fusion, Item("reduction", origin, a.shape, (a,), node.outputs, node))
    elif kind == "placement":
        _add_placement(fusion, node, origin)
    elif kind == "copy":  # of layout.py: the same value in another layout
        value = node.outputs[0]
        _add(fusion, Item("store", origin, node.specs[0].shape, (fusion.read(node.inputs[0]),), (value,), place=(fusion.specs[value].strides, 0)))
    else:
        _add_template(fusion, node, origin)


def _add_movement(fusion: Fusion, node: Node, origin: int) -> None:
    a = fusion.read(node.inputs[0])
    found = moved(a, node.op, node.params)
    if found is None and is_uniform(fusion, a.value):
        shape = node.specs[0].shape
        found = Access(a.value, shape, (0,) * len(shape))
    if found is None or not can_be_inlined(fusion, found):
        found = moved(_copied(fusion, a, origin), node.op, node.params)
    fusion.access[node.outputs[0]] = found


def _add_pointwise(fusion: Fusion, node: Node, origin: int) -> None:
    shape = node.specs[0].shape
    inputs = tuple(x if isinstance(x, Number) else broadcast(fusion.read(x), shape) for x in node.inputs)
    said = ask_node(fusion.program, node)
    item = Item("pointwise", origin, shape, inputs, node.outputs, node, cost=said.cost, checks=said.checks)
    if not said.checks and is_free(fusion, item):
        fusion.free[node.outputs[0]] = item
    else:
        _add(fusion, item)


def _add_placement(fusion: Fusion, node: Node, origin: int) -> None:
    kinds = tuple(fusion.program.kind(x) for x in node.inputs)
    for k, (shape, strides, offset) in node.op.parts(kinds, node.params):
        a = broadcast(fusion.read(node.inputs[k]), shape)
        _add(fusion, Item("store", origin, shape, (a,), node.outputs, place=(strides, offset)))


def _add_template(fusion: Fusion, node: Node, origin: int) -> None:
    family = importlib.import_module(f"suiren.compiler.kernels.{node.op.family}")
    inputs = []
    for k, x in enumerate(node.inputs):
        if isinstance(x, Number):
            inputs.append(x)
            continue
        a = fusion.read(x)
        if not fusion.is_readable(a) or not _takes(fusion, family, node, k, a):
            a = _copied(fusion, a, origin)
        inputs.append(a)
    kinds = tuple(fusion.program.kind(x) for x in node.inputs)
    allowed = family.fuses(node.op, node.params, kinds) if fusion.fuses and hasattr(family, "fuses") else frozenset()
    template = TemplateItem(node, origin, tuple(inputs), allowed)
    cluster = Cluster([], bounds_of(node.specs[0].shape), None, template)
    fusion.enter(cluster, template.accesses, node.outputs)


def _takes(fusion: Fusion, family, node: Node, k: int, a: Access) -> bool:
    """Whether a template reads its input k as it lies."""
    block = fusion.program.blocks.get(a.value, 0)
    if block:
        return True  # layout.py has seen to it
    if not hasattr(family, "takes"):
        return is_identity(a, fusion.specs[a.value].numel)
    place = Place(Ptr(None), fusion.specs[a.value].dtype, a.shape, a.strides)
    return family.takes(node.op, node.params, k, place)


# ---------------------------------------------------------------- from items to clusters


def _add(fusion: Fusion, item: Item) -> None:
    bounds = bounds_of(item.shape)
    inner = None
    if item.kind == "reduction":
        inner = intervals_of(item.shape, item.node.op.param(item.node.params, "dims")) if bounds else ()
    cluster = Cluster([item], bounds, inner)
    item.cluster = cluster
    for v in item.outputs:
        fusion.by_value[v] = item
    fusion.enter(cluster, item.accesses, item.outputs)
    if not fusion.fuses:
        return
    makers = [m for a in item.accesses for m in fusion.writers.get(a.value, ()) if a.value not in fusion.free]
    # A template first: that saves a whole pass over its result. Then the largest.
    for maker in sorted(dict.fromkeys(makers), key=lambda c: (c.template is None, -c.numel, -fusion.order.get(c, 0))):
        if maker in fusion.clusters and item.cluster is not maker:
            try_merge(fusion, maker, item.cluster)


def _store(fusion: Fusion, a: Access, origin: int) -> int:
    """A new value, a contiguous copy of what an access shows; returns it."""
    value = fusion.program.new_value(a.shape, fusion.specs[a.value].dtype, origin)
    item = Item("store", origin, a.shape, (a,), (value,), place=(fusion.specs[value].strides, 0))
    _add(fusion, item)
    return value


def _copied(fusion: Fusion, a: Access, origin: int) -> Access:
    """A contiguous copy of what an access shows."""
    return whole(_store(fusion, a, origin), a.shape)


def _place_wanted(fusion: Fusion) -> None:
    """Every output and written value gets a value of its own that a kernel stores."""
    program, taken = fusion.program, set(range(len(fusion.program.trace.leaves)))

    def own(value: int) -> int:
        a = fusion.read(value)
        spec = fusion.specs[value]
        fresh = a.value not in taken and fusion.is_readable(a) and not program.blocks.get(a.value, 0)
        if fresh and is_identity(a, fusion.specs[a.value].numel):
            taken.add(a.value)
            return a.value
        copy = _store(fusion, a._replace(shape=spec.shape), program.origins.get(value, -1))
        taken.add(copy)
        return copy

    unchanged = {
        leaf
        for leaf, v in program.writes
        if fusion.read(v).value == leaf and is_identity(fusion.read(v), fusion.specs[leaf].numel)
    }
    program.writes = tuple((leaf, own(v)) for leaf, v in program.writes if leaf not in unchanged)
    program.outputs = tuple(own(v) for v in program.outputs)


__all__ = ["fuse"]
