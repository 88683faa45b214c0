"""merge: two clusters become one, where they go over the same elements and the kernel of both is not slower. See fuse.py."""

from __future__ import annotations

from suiren.compiler.passes.clusters import SMALL, Cluster, Fusion, Item, channels_of
from suiren.compiler.passes.domain import (
    Bounds,
    Intervals,
    is_identity,
    is_inside,
    outer_bounds,
    refine,
    refine_outer,
    split,
    widened,
)
from suiren.compiler.passes.epilogues import fits_epilogue, is_made_of
from suiren.compiler.program import Access

# A kernel that goes over its domain several times works on whole outer indices: it must have units enough for many cores, or be small.
ENOUGH_UNITS = 8
MOST_ITEMS = 160  # longer chains gain nothing more and cost the compiler more than in proportion
MOST_OPERANDS = 20  # more pointers than registers: nothing is gained any more


def merge_readers(fusion: Fusion) -> None:
    """Merges clusters that read the same large value over the same domain."""
    readers: dict[int, list[Cluster]] = {}
    for cluster in sorted(fusion.clusters, key=fusion.order.__getitem__):
        if cluster.template is None:
            for v in {a.value for item in cluster.items for a in item.accesses if fusion.is_readable(a)}:
                readers.setdefault(v, []).append(cluster)
    current: dict[Cluster, Cluster] = {}

    def now(c: Cluster) -> Cluster:
        while c in current:
            c = current[c]
        return c

    for v, clusters in readers.items():
        for k, first in enumerate(clusters):
            for second in clusters[k + 1 :]:
                a, b = now(first), now(second)
                if a is b or a.numel != b.numel or a.numel != fusion.specs[v].numel:
                    continue
                before = set(fusion.clusters)
                if try_merge(fusion, a, b):
                    (joined,) = fusion.clusters - before
                    current[a] = current[b] = joined


def try_merge(fusion: Fusion, a: Cluster, b: Cluster) -> bool:
    """Makes one cluster of two, if that can be and pays; whether it did."""
    found = _merged_domain(fusion, a, b)
    if found is None:
        return False
    bounds, inner, lowered = found
    if _writes_same(a, b) or not _lie_alike(fusion, a, b, bounds) or sum(item.checks for item in (*a.items, *b.items)) > 1:
        return False
    full = {item: item.full and item.cluster is not lowered for item in (*a.items, *b.items)}
    joined = Cluster(a.items + b.items, bounds, inner, a.template or b.template)
    if not all(_fits(fusion, item, joined, (a, b), full) for item in joined.items):
        return False
    if joined.template is not None:  # what a template reads is there before it starts: its epilogue cannot make it
        read = {x.value for x in joined.template.accesses}
        if any(v in read for item in joined.items for v in item.outputs):
            return False
    first, last = (a, b) if a.place < b.place else (b, a)
    between = fusion.between(first, last)
    if between is None or not _pays(fusion, joined, full):
        return False
    fusion.give_place(joined, first, last, between)
    fusion.merge(a, b, joined, full)
    return True


# ---------------------------------------------------------------- whether they go over the same elements


def _merged_domain(fusion: Fusion, a: Cluster, b: Cluster) -> tuple[Bounds, Intervals | None, Cluster | None] | None:
    """(bounds, what is reduced, the cluster that covers the outer domain only) of both together."""
    if not a.bounds or not b.bounds or (a.template is not None and b.template is not None):
        return None
    if a.numel == b.numel:
        bounds = refine(a.bounds, b.bounds)
        if bounds is None or (a.inner is not None and b.inner is not None and a.inner != b.inner):
            return None
        inner = a.inner if a.inner is not None else b.inner
        return (bounds, inner, None)
    for large, small in ((a, b), (b, a)):
        if large.inner is not None and small.inner is None and small.template is None and large.outer_numel == small.numel:
            bounds = refine_outer(large.bounds, large.inner, small.bounds)
            return None if bounds is None else (bounds, large.inner, small)
    return None


def _writes_same(a: Cluster, b: Cluster) -> bool:
    mine = {v for item in a.items if item.kind == "store" for v in item.outputs}
    return any(v in mine for item in b.items if item.kind == "store" for v in item.outputs)


def _channels(fusion: Fusion, cluster: Cluster) -> set[tuple[int, tuple[int, int, int]]]:
    """The intervals of channels of the blocked values that a cluster reads and makes, with the block's size; before it the
    count of elements."""
    values = {v for item in cluster.items for v in (*(a.value for a in item.accesses), *item.outputs)}
    if cluster.template is not None:
        values.add(cluster.template.node.outputs[0])
    specs, blocks = fusion.specs, fusion.program.blocks
    return {(specs[v].numel, channels_of(specs[v].shape, blocks[v])) for v in values if v in blocks}


def _lie_alike(fusion: Fusion, a: Cluster, b: Cluster, bounds: Bounds) -> bool:
    """Whether one order of dims serves both: at most one of them is in blocks, or their channels are the same dim, which nothing
    cuts up. What there is once per outer index has its channels elsewhere in the whole domain: it does not lie like that."""
    if not fusion.program.blocks:
        return True
    found = _channels(fusion, a) | _channels(fusion, b)
    if len(found) > 1 or any(numel != bounds[-1] for numel, _ in found):
        return False
    return all(not low < cut < high for _, (low, high, _) in found for cut in bounds)


def _fits(fusion: Fusion, item: Item, joined: Cluster, pair: tuple[Cluster, Cluster], full: dict[Item, bool]) -> bool:
    """Whether what an item reads of the other cluster is at its own place of the joined domain."""
    if joined.template is not None and not fits_epilogue(fusion, item, joined):
        return False
    for a in item.accesses:
        if is_made_of(joined.template, a.value):
            continue
        maker = fusion.by_value.get(a.value)
        if maker is None or maker.cluster is item.cluster or maker.cluster not in pair:
            continue
        if maker.kind == "store":
            return False
        maker_full = full[maker] and maker.kind != "reduction"
        if full[item] == maker_full:
            if not is_identity(a, fusion.specs[a.value].numel):
                return False
        elif maker_full or not _is_per_outer(fusion, a, joined):
            return False
    return True


def _is_per_outer(fusion: Fusion, a: Access, joined: Cluster) -> bool:
    """Whether an access over the whole domain shows one element of a contiguous outer value per outer index."""
    if a.offset:
        return False
    outer = outer_bounds(joined.bounds, joined.inner)
    want = widened(tuple(reversed(outer[:-1])), joined.bounds, joined.inner)
    return split(a.shape, a.strides, joined.bounds) == want


# ---------------------------------------------------------------- what pays


def _pays(fusion: Fusion, joined: Cluster, full: dict[Item, bool]) -> bool:
    made = {v for item in joined.items for v in item.outputs}
    operands = {
        (a.value, a.strides, a.offset)
        for item in joined.items
        for a in item.accesses
        if a.value not in made and fusion.is_readable(a)
    }
    if joined.template is not None:
        return len(operands) <= 8
    if len(operands) > MOST_OPERANDS or len(joined.items) > MOST_ITEMS:
        return False
    if joined.inner is None or not _has_stages(fusion, joined, full):
        return True
    for _, (low, high, block) in _channels(fusion, joined):
        # Blocks that are not all full are reduced as parts (split.py), and parts have no later stage.
        if high // low % block and is_inside(low, joined.inner) and high > low:
            return False
    if joined.numel <= SMALL:
        return True
    outer = joined.outer_numel
    contiguous = is_inside(1, joined.inner)
    return (outer if contiguous else outer // 32) >= ENOUGH_UNITS


def _has_stages(fusion: Fusion, joined: Cluster, full: dict[Item, bool]) -> bool:
    """Whether something of the whole domain needs a reduction of it first."""
    late: set[int] = set()
    for item in fusion.sorted_items(joined.items):
        depends = any(a.value in late for a in item.accesses)
        if depends and full[item]:
            return True
        if depends or item.kind == "reduction":
            late.update(item.outputs)
    return False


__all__ = ["merge_readers", "try_merge"]
