"""clusters: what fuse.py works on: items, clusters of them, and the graph of which cluster waits for which."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from suiren.compiler.passes.domain import Bounds, Intervals, outer_bounds, whole
from suiren.compiler.program import Access, Program
from suiren.trace.trace import Node, Number

SMALL = 1 << 16  # elements up to which a kernel is small


@dataclass(eq=False)
class Item:
    """One thing to compute. `shape` is what it iterates over: of a reduction, its input's."""

    kind: str  # "pointwise", "reduction", "store"
    origin: int
    shape: tuple[int, ...]
    inputs: tuple[Access | Number, ...]
    outputs: tuple[int, ...]
    node: Node | None = None
    full: bool = True  # of its cluster's domain; otherwise of the outer one
    place: tuple[tuple[int, ...], int] | None = None  # of a store: strides and offset in its output
    cost: int = 1
    checks: bool = False
    cluster: Cluster | None = field(default=None, repr=False)

    @property
    def accesses(self) -> list[Access]:
        return [a for a in self.inputs if isinstance(a, Access)]


@dataclass(eq=False)
class Cluster:
    """Items of one kernel, in order. `bounds` and `inner` say what its domain is and what of it is reduced (None: nothing is)."""

    items: list[Item]
    bounds: Bounds | None
    inner: Intervals | None
    template: TemplateItem | None = None
    before: set[Cluster] = field(default_factory=set, repr=False)  # what has to run first
    after: set[Cluster] = field(default_factory=set, repr=False)
    place: int = 0  # in an order in which each comes after all that it waits for

    @property
    def numel(self) -> int:
        return self.bounds[-1] if self.bounds else 0

    @property
    def outer_numel(self) -> int:
        return outer_bounds(self.bounds, self.inner or ())[-1]

    @property
    def accesses(self) -> list[Access]:
        """What its items read, and its template, in this order."""
        found = [a for item in self.items for a in item.accesses]
        return found if self.template is None else [*found, *self.template.accesses]


@dataclass(eq=False)
class TemplateItem:
    """A node that a template computes. `allowed`: how operands of its epilogue may vary over its result (Operand.varies)."""

    node: Node
    origin: int
    inputs: tuple[Access | Number, ...]
    allowed: frozenset[str]

    @property
    def accesses(self) -> list[Access]:
        return [a for a in self.inputs if isinstance(a, Access)]


class Fusion:
    """The state of the pass: what is known of the values, and the clusters, each with its place in an order in which it may run."""

    def __init__(self, program: Program):
        self.program = program
        self.specs = program.specs
        self.fuses = "fuse" not in program.left_out
        self.access: dict[int, Access] = {}  # of the results of movement ops
        self.free: dict[int, Item] = {}  # values that need no memory to compute: computed where they are read
        self.inlined: dict[int, Item] = {}  # values that are computed again where they are read, with all that their cluster needs for them
        self.masks: set[int] = set()  # … of which the inputs are read from memory
        self.writers: dict[int, list[Cluster]] = {}
        self.clusters: set[Cluster] = set()
        self.by_value: dict[int, Item] = {}
        self.order: dict[Cluster, int] = {}

    # ------------------------------------------------------------ values

    def read(self, value: int) -> Access:
        return self.access.get(value) or whole(value, self.specs[value].shape)

    def again(self, value: int) -> Item | None:
        """The item of a value that is computed where it is read."""
        return self.free.get(value) or self.inlined.get(value)

    def is_readable(self, a: Access) -> bool:
        return a.value not in self.free and a.value not in self.program.constants

    # ------------------------------------------------------------ the graph

    def enter(self, cluster: Cluster, accesses: list[Access], outputs: tuple[int, ...]) -> None:
        self.clusters.add(cluster)
        cluster.place = self.order[cluster] = len(self.order)
        for a in accesses:
            for maker in self.writers.get(a.value, ()):
                self.link(maker, cluster)
        for v in dict.fromkeys(outputs):
            for earlier in self.writers.get(v, ()):
                self.link(earlier, cluster)  # a later part of a placement wins
            self.writers.setdefault(v, []).append(cluster)

    def link(self, first: Cluster, then: Cluster) -> None:
        if first is not then:
            first.after.add(then)
            then.before.add(first)

    def merge(self, a: Cluster, b: Cluster, joined: Cluster, full: dict[Item, bool]) -> None:
        """Puts `joined` in the place of two clusters; `full` says of each item what it goes over from now on."""
        for item in joined.items:
            item.full, item.cluster = full[item], joined
        joined.items = self.sorted_items(joined.items)
        for old in (a, b):
            for c in old.before - {a, b}:
                c.after.discard(old)
                self.link(c, joined)
            for c in old.after - {a, b}:
                c.before.discard(old)
                self.link(joined, c)
            self.clusters.discard(old)
        made = [v for item in joined.items for v in item.outputs] + list(joined.template.node.outputs if joined.template else ())
        for v in dict.fromkeys(made):
            self.writers[v][:] = dict.fromkeys(joined if m in (a, b) else m for m in self.writers[v])
        self.clusters.add(joined)
        self.order[joined] = max(self.order[a], self.order[b])

    def sorted_items(self, items: list[Item]) -> list[Item]:
        """Items so that each comes after those that it reads."""
        members, done, found = set(items), set(), []

        def visit(item: Item) -> None:
            if item in done:
                return
            done.add(item)
            for a in item.accesses:
                maker = self.by_value.get(a.value)
                if maker in members:
                    visit(maker)
            found.append(item)

        for item in items:
            visit(item)
        return found

    def between(self, first: Cluster, last: Cluster) -> list[Cluster] | None:
        """What waits for `first` and has its place before `last`, which must not wait for any of it; None if it does."""
        end = last.place
        found = [c for c in first.after if c.place < end]
        seen = set(found)
        for c in found:
            if last in c.after:
                return None
            for d in c.after:
                if d.place < end and d not in seen:
                    seen.add(d)
                    found.append(d)
        return found

    def give_place(self, joined: Cluster, first: Cluster, last: Cluster, between: list[Cluster]) -> None:
        """The place of two clusters that became one: behind what `last` waits for, before what waits for `first` (Pearce, Kelly: A dynamic
        topological sort algorithm for directed acyclic graphs, 2006)."""
        begin = first.place
        waited = [c for c in last.before if c.place > begin]
        seen = set(waited)
        for c in waited:
            for d in c.before:
                if d.place > begin and d not in seen:
                    seen.add(d)
                    waited.append(d)
        ordered = [*sorted(waited, key=_place), joined, *sorted(between, key=_place)]
        places = sorted([first.place, *(c.place for c in (*waited, *between))])
        for c, place in zip(ordered, places):
            c.place = place


def _place(cluster: Cluster) -> int:
    return cluster.place


def channels_of(shape: tuple[int, ...], block: int) -> tuple[int, int, int]:
    """(the bound under the channels of a shape (N, C, …), the one above, the block's size)."""
    low = prod(shape[2:])
    return low, low * shape[1], block


__all__ = ["SMALL", "Cluster", "Fusion", "Item", "TemplateItem", "channels_of"]
