"""inline: values that get no memory, because to compute them again where they are read costs less than a store, or than a kernel of their own."""

from __future__ import annotations

from suiren.compiler.passes.clusters import SMALL, Cluster, Fusion, Item
from suiren.compiler.passes.domain import is_identity, through
from suiren.compiler.passes.epilogues import fits_result, varies
from suiren.compiler.passes.symbolic import DEAR
from suiren.compiler.program import Access
from suiren.trace.trace import Number

# A value is computed again where it is read, instead of by a kernel of its own, if that costs less than about a call: a microsecond.
CHEAP_AGAIN = 4096  # additions
MOST_AGAIN = 32  # operations: each reader's code grows by them


def is_free(fusion: Fusion, item: Item) -> bool:
    """Whether it is worth no memory: known from numbers and indices with little work."""
    if item.outputs[0] in fusion.program.constants:
        return True
    needs = [fusion.free.get(a.value) for a in item.accesses if a.value not in fusion.program.constants]
    if any(n is None for n in needs):
        return False
    item.cost += sum(n.cost for n in needs)
    return item.cost <= 2 * DEAR


def is_uniform(fusion: Fusion, value: int) -> bool:
    """Whether a value is the same everywhere and known without memory."""
    if value in fusion.program.constants:
        return True
    item = fusion.free.get(value)
    return (
        item is not None
        and not item.node.op.takes_index
        and all(isinstance(a, Number) or is_uniform(fusion, a.value) for a in item.inputs)
    )


def can_be_inlined(fusion: Fusion, a: Access, item: Item | None = None) -> bool:
    """Whether strides can say how a value that is computed where it is read (or `item`, which is to be) reads its own inputs then."""
    item = item or fusion.again(a.value)
    if item is None or a.value in fusion.program.constants:
        return True
    for x in item.accesses:
        found = through(x, a.moves)
        maker = fusion.by_value.get(x.value)
        is_below = maker is not None and maker.cluster is item.cluster is not None and a.value not in fusion.masks
        if found is None or not can_be_inlined(fusion, found, maker if is_below else None):
            return False
    return True


# ---------------------------------------------------------------- after all nodes


def inline_small(fusion: Fusion) -> None:
    """Values of small pointwise clusters are computed again by the kernels that read them, if that is less work than a call."""
    readers: dict[int, list[Item]] = {}
    in_template: set[int] = set()
    for cluster in fusion.clusters:
        for item in cluster.items:
            for a in item.accesses:
                readers.setdefault(a.value, []).append(item)
        if cluster.template is not None:
            in_template.update(a.value for a in cluster.accesses)
    for cluster in sorted(fusion.clusters, key=fusion.order.__getitem__):
        if cluster.template is not None or cluster.inner is not None or not cluster.bounds or cluster.numel > SMALL:
            continue
        if any(item.kind != "pointwise" or item.checks for item in cluster.items):
            continue
        for item in cluster.items:
            value = item.outputs[0]
            outside = [r for r in readers.get(value, ()) if r.cluster is not cluster]
            if value in in_template or not outside or fusion.program.blocks.get(value, 0):
                continue
            work, operations, leaves = _work_of(fusion, item, cluster)
            if leaves > 3 or operations > MOST_AGAIN or not all(
                can_be_inlined(fusion, a, item) for r in outside for a in r.accesses if a.value == value
            ):
                continue
            again = work * sum(1 if cluster.numel == 1 else max(r.cluster.numel // 8, 1) for r in outside)
            if again <= CHEAP_AGAIN:
                fusion.inlined[value] = item


def inline_masks(fusion: Fusion) -> None:
    """What is cheap to tell from one value that lies in memory anyway (where it is positive) is told again where it is needed, not stored beside it."""
    readers: dict[int, set[Cluster]] = {}
    for cluster in fusion.clusters:
        for a in cluster.accesses:
            readers.setdefault(a.value, set()).add(cluster)
    leaves, wanted = len(fusion.program.trace.leaves), set(fusion.program.wanted)
    inputs = {a.value for c in fusion.clusters if c.template for a in c.template.accesses}

    def lies_anyway(v: int, cluster: Cluster) -> bool:
        return v < leaves or v in wanted or bool(readers.get(v, set()) - {cluster})

    for cluster in sorted(fusion.clusters, key=fusion.order.__getitem__):
        for item in cluster.items:
            value = item.outputs[0]
            outside = readers.get(value, set()) - {cluster}
            if (
                item.kind != "pointwise"
                or item.cost > 2
                or item.checks
                or not item.full
                or len(outside) != 1
                or value in inputs
                or value in fusion.inlined
            ):
                continue
            memory = list(dict.fromkeys(a for a in item.accesses if fusion.is_readable(a)))
            if len(memory) != 1 or value in wanted or not is_identity(memory[0], fusion.specs[value].numel):
                continue
            source = memory[0].value
            if (
                source in fusion.inlined
                or not lies_anyway(source, cluster)
                or fusion.program.blocks.get(source) != fusion.program.blocks.get(value)
            ):
                continue
            (reader,) = outside
            seen = [a for i in reader.items for a in i.accesses if a.value == value]
            if all(is_identity(a, fusion.specs[value].numel) for a in seen) and _reads_instead(fusion, reader, item, memory[0]):
                fusion.inlined[value] = item
                fusion.masks.add(value)
                readers.setdefault(source, set()).add(reader)


def _reads_instead(fusion: Fusion, reader: Cluster, item: Item, source: Access) -> bool:
    """Whether a cluster may read what a value is made of in the value's place."""
    template = reader.template
    return template is None or (
        all(fits_result(fusion, a, reader, template) for a in item.inputs if a != source)
        and varies(fusion, source, template) == "same"
    )


def _work_of(fusion: Fusion, item: Item, cluster: Cluster) -> tuple[int, int, int]:
    """(what an element costs when it is computed from memory, in how many operations, from how many operands)."""
    seen: set[int] = set()
    leaves: set[int] = set()
    stack, work = [item], 0
    while stack:
        i = stack.pop()
        if i in seen:
            continue
        seen.add(i)
        work += i.cost
        for a in i.accesses:
            maker = fusion.by_value.get(a.value)
            if maker is not None and (maker.cluster is cluster or a.value in fusion.inlined):
                stack.append(maker)
            elif fusion.is_readable(a):
                leaves.add(a.value)
    return work, len(seen), len(leaves)


__all__ = ["can_be_inlined", "inline_masks", "inline_small", "is_free", "is_uniform"]
