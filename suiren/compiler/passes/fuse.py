"""fuse: nodes become kernels.

Movement ops disappear into the strides with which others read. What is left are *items* (a pointwise operation, a reduction, a store into a part of
something), and templates. Each starts as a cluster of its own; clusters are merged along the values that pass between them, as long as

- their domains are the same space (domain.py), or one is what the other has left after its reduction;
- an element that one computes and the other reads is at the same place of the domain, or belongs to the same outer index;
- no third cluster lies on a way between them;
- the merged kernel would not be slower: enough units, not too many operands.

A cluster with a template takes pointwise items as its epilogue. What is wanted afterwards, and by whom, never decides what is fused: a living
temporary costs a store and changes no bit. nests.py then writes each cluster down as a Nest or a Task.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from math import prod

from suiren.compiler.passes.domain import (
    Bounds,
    Intervals,
    bounds_of,
    broadcast,
    intervals_of,
    is_identity,
    is_inside,
    moved,
    outer_bounds,
    refine,
    refine_outer,
    split,
    through,
    whole,
    widened,
)
from suiren.compiler.passes.simplify import ask_node
from suiren.compiler.passes.symbolic import DEAR
from suiren.compiler.program import Access, Place, Program, Ptr
from suiren.trace.trace import Node, Number

# A kernel that goes over its domain several times works on whole outer indices: it must have units enough for many cores, or be small.
SMALL = 1 << 16  # elements
ENOUGH_UNITS = 8
MOST_ITEMS = 160  # longer chains gain nothing more and cost the compiler more than in proportion
MOST_OPERANDS = 20  # more pointers than registers: nothing is gained any more
# A value is computed again where it is read, instead of by a kernel of its own, if that costs less than about a call: a microsecond.
CHEAP_AGAIN = 4096  # additions
MOST_AGAIN = 32  # operations: each reader's code grows by them


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


@dataclass(eq=False)
class TemplateItem:
    node: Node
    origin: int
    inputs: tuple[Access | Number, ...]
    allowed: frozenset[str]


def _place(cluster: Cluster) -> int:
    return cluster.place


def channels_of(shape: tuple[int, ...], block: int) -> tuple[int, int, int]:
    """(the bound under the channels of a shape (N, C, …), the one above, the block's size)."""
    low = prod(shape[2:])
    return low, low * shape[1], block


class Fusion:
    """The state of the pass."""

    def __init__(self, program: Program):
        self.program = program
        self.specs = program.specs
        self.fuses = "fuse" not in program.left_out
        self.access: dict[int, Access] = {}  # of the results of movement ops
        self.free: dict[int, Item] = {}  # values that need no memory to compute: computed where they are read
        self.inlined: dict[
            int, Item
        ] = {}  # values that are computed again where they are read, with all that their cluster needs for them
        self.masks: set[int] = set()  # … of which the inputs are read from memory
        self.writers: dict[int, list[Cluster]] = {}
        self.clusters: set[Cluster] = set()
        self.by_value: dict[int, Item] = {}
        self.order: dict[Cluster, int] = {}

    # ------------------------------------------------------------ from nodes to items

    def read(self, value: int) -> Access:
        return self.access.get(value) or whole(value, self.specs[value].shape)

    def copied(self, a: Access, origin: int) -> Access:
        """A contiguous copy of what an access shows."""
        return whole(self.store(a, origin), a.shape)

    def store(self, a: Access, origin: int) -> int:
        """A new value, a contiguous copy of what an access shows; returns it."""
        value = self.program.new_value(a.shape, self.specs[a.value].dtype, origin)
        item = Item("store", origin, a.shape, (a,), (value,), place=(self.specs[value].strides, 0))
        self.add(item)
        return value

    def add_node(self, node: Node) -> None:
        kind, origin = node.op.kind, self.program.origins.get(node.outputs[0], -1)
        if kind == "movement":
            self.add_movement(node, origin)
        elif kind == "pointwise":
            self.add_pointwise(node, origin)
        elif kind == "reduction":
            a = self.read(node.inputs[0])
            self.add(Item("reduction", origin, a.shape, (a,), node.outputs, node))
        elif kind == "placement":
            self.add_placement(node, origin)
        elif kind == "copy":  # of layout.py: the same value in another layout
            value = node.outputs[0]
            self.add(
                Item(
                    "store",
                    origin,
                    node.specs[0].shape,
                    (self.read(node.inputs[0]),),
                    (value,),
                    place=(self.specs[value].strides, 0),
                )
            )
        else:
            self.add_template(node, origin)

    def add_movement(self, node: Node, origin: int) -> None:
        a = self.read(node.inputs[0])
        found = moved(a, node.op, node.params)
        if found is None and self.is_uniform(a.value):
            shape = node.specs[0].shape
            found = Access(a.value, shape, (0,) * len(shape))
        if found is None or not self.can_be_inlined(found):
            found = moved(self.copied(a, origin), node.op, node.params)
        self.access[node.outputs[0]] = found

    def again(self, value: int) -> Item | None:
        """The item of a value that is computed where it is read."""
        return self.free.get(value) or self.inlined.get(value)

    def can_be_inlined(self, a: Access, item: Item | None = None) -> bool:
        """Whether strides can say how a value that is computed where it is read (or `item`, which is to be) reads its own inputs then."""
        item = item or self.again(a.value)
        if item is None or a.value in self.program.constants:
            return True
        for x in item.accesses:
            found = through(x, a.moves)
            maker = self.by_value.get(x.value)
            below = (
                maker
                if maker is not None and maker.cluster is item.cluster is not None and a.value not in self.masks
                else None
            )
            if found is None or not self.can_be_inlined(found, below):
                return False
        return True

    def is_uniform(self, value: int) -> bool:
        """Whether a value is the same everywhere and known without memory."""
        if value in self.program.constants:
            return True
        item = self.free.get(value)
        return (
            item is not None
            and not item.node.op.takes_index
            and all(isinstance(a, Number) or self.is_uniform(a.value) for a in item.inputs)
        )

    def add_pointwise(self, node: Node, origin: int) -> None:
        shape = node.specs[0].shape
        inputs = tuple(x if isinstance(x, Number) else broadcast(self.read(x), shape) for x in node.inputs)
        said = ask_node(self.program, node)
        item = Item("pointwise", origin, shape, inputs, node.outputs, node, cost=said.cost, checks=said.checks)
        if not said.checks and self.is_free(item):
            self.free[node.outputs[0]] = item
        else:
            self.add(item)

    def is_free(self, item: Item) -> bool:
        """Whether it is worth no memory: known from numbers and indices with little work."""
        if item.outputs[0] in self.program.constants:
            return True
        needs = [self.free.get(a.value) for a in item.accesses if a.value not in self.program.constants]
        if any(n is None for n in needs):
            return False
        item.cost += sum(n.cost for n in needs)
        return item.cost <= 2 * DEAR

    def add_placement(self, node: Node, origin: int) -> None:
        kinds = tuple(self.program.kind(x) for x in node.inputs)
        for k, (shape, strides, offset) in node.op.parts(kinds, node.params):
            a = broadcast(self.read(node.inputs[k]), shape)
            self.add(Item("store", origin, shape, (a,), node.outputs, place=(strides, offset)))

    def add_template(self, node: Node, origin: int) -> None:
        family = importlib.import_module(f"suiren.compiler.kernels.{node.op.family}")
        inputs = []
        for k, x in enumerate(node.inputs):
            if isinstance(x, Number):
                inputs.append(x)
                continue
            a = self.read(x)
            if not self.is_readable(a) or not self.takes(family, node, k, a):
                a = self.copied(a, origin)
            inputs.append(a)
        kinds = tuple(self.program.kind(x) for x in node.inputs)
        allowed = family.fuses(node.op, node.params, kinds) if self.fuses and hasattr(family, "fuses") else frozenset()
        template = TemplateItem(node, origin, tuple(inputs), allowed)
        cluster = Cluster([], bounds_of(node.specs[0].shape), None, template)
        self.enter(cluster, [a for a in inputs if isinstance(a, Access)], node.outputs)

    def is_readable(self, a: Access) -> bool:
        return a.value not in self.free and a.value not in self.program.constants

    def takes(self, family, node: Node, k: int, a: Access) -> bool:
        """Whether a template reads its input k as it lies."""
        block = self.program.blocks.get(a.value, 0)
        if block:
            return True  # layout.py has seen to it
        if not hasattr(family, "takes"):
            return is_identity(a, self.specs[a.value].numel)
        place = Place(Ptr(None), self.specs[a.value].dtype, a.shape, a.strides)
        return family.takes(node.op, node.params, k, place)

    # ------------------------------------------------------------ clusters

    def add(self, item: Item) -> None:
        bounds = bounds_of(item.shape)
        inner = None
        if item.kind == "reduction":
            inner = intervals_of(item.shape, item.node.op.param(item.node.params, "dims")) if bounds else ()
        cluster = Cluster([item], bounds, inner)
        item.cluster = cluster
        for v in item.outputs:
            self.by_value[v] = item
        self.enter(cluster, item.accesses, item.outputs)
        if not self.fuses:
            return
        makers = [m for a in item.accesses for m in self.writers.get(a.value, ()) if a.value not in self.free]
        # A template first: that saves a whole pass over its result. Then the largest.
        for maker in sorted(dict.fromkeys(makers), key=lambda c: (c.template is None, -c.numel, -self.order.get(c, 0))):
            if maker in self.clusters and item.cluster is not maker:
                self.try_merge(maker, item.cluster)

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

    def try_merge(self, a: Cluster, b: Cluster) -> bool:
        found = self.merged_domain(a, b)
        if found is None:
            return False
        bounds, inner, lowered = found
        if self.writes_same(a, b) or not self.lie_alike(a, b, bounds) or sum(item.checks for item in (*a.items, *b.items)) > 1:
            return False
        full = {item: item.full and item.cluster is not lowered for item in (*a.items, *b.items)}
        joined = Cluster(a.items + b.items, bounds, inner, a.template or b.template)
        if not all(self.fits(item, joined, (a, b), full) for item in joined.items):
            return False
        if joined.template is not None:  # what a template reads is there before it starts: its epilogue cannot make it
            read = {x.value for x in joined.template.inputs if isinstance(x, Access)}
            if any(v in read for item in joined.items for v in item.outputs):
                return False
        first, last = (a, b) if a.place < b.place else (b, a)
        between = self.between(first, last)
        if between is None or not self.pays(joined, full):
            return False
        self.give_place(joined, first, last, between)
        self.merge(a, b, joined, full)
        return True

    def merge(self, a: Cluster, b: Cluster, joined: Cluster, full: dict[Item, bool]) -> None:
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

    def merged_domain(self, a: Cluster, b: Cluster) -> tuple[Bounds, Intervals | None, Cluster | None] | None:
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
            if (
                large.inner is not None
                and small.inner is None
                and small.template is None
                and large.outer_numel == small.numel
            ):
                bounds = refine_outer(large.bounds, large.inner, small.bounds)
                return None if bounds is None else (bounds, large.inner, small)
        return None

    def writes_same(self, a: Cluster, b: Cluster) -> bool:
        mine = {v for item in a.items if item.kind == "store" for v in item.outputs}
        return any(v in mine for item in b.items if item.kind == "store" for v in item.outputs)

    def channels(self, cluster: Cluster) -> set[tuple[int, tuple[int, int, int]]]:
        """The intervals of channels of the blocked values that a cluster reads and makes, with the block's size; before it the
        count of elements."""
        values = {a.value for item in cluster.items for a in item.accesses} | {
            v for item in cluster.items for v in item.outputs
        }
        if cluster.template is not None:
            values.add(cluster.template.node.outputs[0])
        specs, blocks = self.specs, self.program.blocks
        return {(specs[v].numel, channels_of(specs[v].shape, blocks[v])) for v in values if v in blocks}

    def lie_alike(self, a: Cluster, b: Cluster, bounds: Bounds) -> bool:
        """Whether one order of dims serves both: at most one of them is in blocks, or their channels are the same dim, which nothing
        cuts up. What there is once per outer index has its channels elsewhere in the whole domain: it does not lie like that."""
        if not self.program.blocks:
            return True
        found = self.channels(a) | self.channels(b)
        if len(found) > 1 or any(numel != bounds[-1] for numel, _ in found):
            return False
        return all(not low < cut < high for _, (low, high, _) in found for cut in bounds)

    def fits(self, item: Item, joined: Cluster, pair: tuple[Cluster, Cluster], full: dict[Item, bool]) -> bool:
        """Whether what an item reads of the other cluster is at its own place of the joined domain."""
        if joined.template is not None and not self.fits_epilogue(item, joined):
            return False
        for a in item.accesses:
            if self.is_made_of(joined.template, a.value):
                continue
            maker = self.by_value.get(a.value)
            if maker is None or maker.cluster is item.cluster or maker.cluster not in pair:
                continue
            if maker.kind == "store":
                return False
            maker_full = full[maker] and maker.kind != "reduction"
            if full[item] == maker_full:
                if not is_identity(a, self.specs[a.value].numel):
                    return False
            elif maker_full or not self.is_per_outer(a, joined):
                return False
        return True

    def is_per_outer(self, a: Access, joined: Cluster) -> bool:
        """Whether an access over the whole domain shows one element of a contiguous outer value per outer index."""
        if a.offset:
            return False
        outer = outer_bounds(joined.bounds, joined.inner)
        want = widened(tuple(reversed(outer[:-1])), joined.bounds, joined.inner)
        return split(a.shape, a.strides, joined.bounds) == want

    def is_made_of(self, template: TemplateItem | None, value: int) -> bool:
        return template is not None and value in template.node.outputs

    # ------------------------------------------------------------ epilogues

    def fits_epilogue(self, item: Item, joined: Cluster) -> bool:
        """Whether an item can be applied to a template's result in registers."""
        template = joined.template
        if (
            item.kind != "pointwise"
            or item.checks
            or not item.full
            or not template.allowed
            or not self.lies_like(item.outputs[0], template)
        ):
            return False
        return all(self.fits_result(a, joined, template) for a in item.inputs)

    def fits_result(self, a: Access | Number, joined: Cluster, template: TemplateItem) -> bool:
        if isinstance(a, Number):
            return "number" in template.allowed
        if a.value in self.program.constants:
            return True
        if a.value in self.free:
            item = self.free[a.value]
            return not item.node.op.takes_index and all(self.fits_result(x, joined, template) for x in item.inputs)
        if a.value == template.node.outputs[0]:
            return is_identity(a, self.specs[a.value].numel)
        if self.is_made_of(template, a.value):
            return False
        maker = self.by_value.get(a.value)
        if maker is not None and any(maker is i for i in joined.items):
            return is_identity(a, self.specs[a.value].numel) and self.lies_like(a.value, template)
        return self.varies(a, template) in template.allowed

    def lies_like(self, value: int, template: TemplateItem) -> bool:
        return self.program.blocks.get(value, 0) == self.program.blocks.get(template.node.outputs[0], 0)

    def varies(self, a: Access, template: TemplateItem) -> str:
        """How an operand varies over a template's result: see Operand."""
        out = self.specs[template.node.outputs[0]]
        if (
            is_identity(a, self.specs[a.value].numel)
            and a.shape
            and self.specs[a.value].numel == out.numel
            and self.lies_like(a.value, template)
        ):
            return "same"
        if self.program.blocks.get(a.value, 0):
            return "none"
        inner = next((d - len(a.shape) for d, (n, s) in enumerate(zip(a.shape, a.strides)) if n != 1 and s), 0)
        if inner and a.shape[inner:] != out.shape[inner:]:
            return "none"  # the chain is shaped otherwise than the result where it matters: (3, 2) of a result (3, 2, 1)
        a = broadcast(a, out.shape) if len(a.shape) <= len(out.shape) else a
        moving = [d for d, (n, s) in enumerate(zip(a.shape, a.strides)) if n != 1 and s]
        if not moving:
            return "scalar"
        if a.shape != out.shape or len(moving) > 1:
            return "none"
        rank = len(out.shape)
        if self.program.blocks.get(template.node.outputs[0], 0):
            return "last" if moving == [1] else "none"
        return "last" if moving == [rank - 1] else "first" if moving == [rank - 2] else "none"

    # ------------------------------------------------------------ what pays

    def pays(self, joined: Cluster, full: dict[Item, bool]) -> bool:
        made = {v for item in joined.items for v in item.outputs}
        operands = {
            (a.value, a.strides, a.offset)
            for item in joined.items
            for a in item.accesses
            if a.value not in made and self.is_readable(a)
        }
        if joined.template is not None:
            return len(operands) <= 8
        if len(operands) > MOST_OPERANDS or len(joined.items) > MOST_ITEMS:
            return False
        if joined.inner is None or not self.has_stages(joined, full):
            return True
        for _, (low, high, block) in self.channels(joined):
            # Blocks that are not all full are reduced as parts (split.py), and parts have no later stage.
            if high // low % block and is_inside(low, joined.inner) and high > low:
                return False
        if joined.numel <= SMALL:
            return True
        outer = joined.outer_numel
        contiguous = is_inside(1, joined.inner)
        return (outer if contiguous else outer // 32) >= ENOUGH_UNITS

    def has_stages(self, joined: Cluster, full: dict[Item, bool]) -> bool:
        """Whether something of the whole domain needs a reduction of it first."""
        late: set[int] = set()
        for item in self.sorted_items(joined.items):
            depends = any(a.value in late for a in item.accesses)
            if depends and full[item]:
                return True
            if depends or item.kind == "reduction":
                late.update(item.outputs)
        return False

    # ------------------------------------------------------------ after all nodes

    def merge_readers(self) -> None:
        """Merges clusters that read the same large value over the same domain."""
        readers: dict[int, list[Cluster]] = {}
        for cluster in sorted(self.clusters, key=self.order.__getitem__):
            if cluster.template is None:
                for v in {a.value for item in cluster.items for a in item.accesses if self.is_readable(a)}:
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
                    if a is b or a.numel != b.numel or a.numel != self.specs[v].numel:
                        continue
                    before = set(self.clusters)
                    if self.try_merge(a, b):
                        (joined,) = self.clusters - before
                        current[a] = current[b] = joined

    def inline_small(self) -> None:
        """Values of small pointwise clusters are computed again by the kernels that read them, if that is less work than a call."""
        readers: dict[int, list[Item]] = {}
        in_template: set[int] = set()
        for cluster in self.clusters:
            for item in cluster.items:
                for a in item.accesses:
                    readers.setdefault(a.value, []).append(item)
            if cluster.template is not None:
                in_template.update(a.value for a in cluster.template.inputs if isinstance(a, Access))
                in_template.update(a.value for item in cluster.items for a in item.accesses)
        for cluster in sorted(self.clusters, key=self.order.__getitem__):
            if cluster.template is not None or cluster.inner is not None or not cluster.bounds or cluster.numel > SMALL:
                continue
            if any(item.kind != "pointwise" or item.checks for item in cluster.items):
                continue
            for item in cluster.items:
                value = item.outputs[0]
                outside = [r for r in readers.get(value, ()) if r.cluster is not cluster]
                if value in in_template or not outside or self.program.blocks.get(value, 0):
                    continue
                work, operations, leaves = self.work_of(item, cluster)
                if leaves > 3 or operations > MOST_AGAIN or not all(
                    self.can_be_inlined(a, item) for r in outside for a in r.accesses if a.value == value
                ):
                    continue
                again = work * sum(1 if cluster.numel == 1 else max(r.cluster.numel // 8, 1) for r in outside)
                if again <= CHEAP_AGAIN:
                    self.inlined[value] = item

    def inline_masks(self) -> None:
        """What is cheap to tell from one value that lies in memory anyway (where it is positive) is told again where it is needed, not stored beside it."""
        readers: dict[int, set[Cluster]] = {}
        for cluster in self.clusters:
            for a in self.accesses_of(cluster):
                readers.setdefault(a.value, set()).add(cluster)
        leaves, wanted = len(self.program.trace.leaves), set(self.program.wanted)
        inputs = {a.value for c in self.clusters if c.template for a in c.template.inputs if isinstance(a, Access)}

        def lies_anyway(v: int, cluster: Cluster) -> bool:
            return v < leaves or v in wanted or bool(readers.get(v, set()) - {cluster})

        for cluster in sorted(self.clusters, key=self.order.__getitem__):
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
                    or value in self.inlined
                ):
                    continue
                memory = list(dict.fromkeys(a for a in item.accesses if self.is_readable(a)))
                if len(memory) != 1 or value in wanted or not is_identity(memory[0], self.specs[value].numel):
                    continue
                source = memory[0].value
                if (
                    source in self.inlined
                    or not lies_anyway(source, cluster)
                    or self.program.blocks.get(source) != self.program.blocks.get(value)
                ):
                    continue
                (reader,) = outside
                seen = [a for i in reader.items for a in i.accesses if a.value == value]
                if all(is_identity(a, self.specs[value].numel) for a in seen) and self.reads_instead(
                    reader, item, memory[0]
                ):
                    self.inlined[value] = item
                    self.masks.add(value)
                    readers.setdefault(source, set()).add(reader)

    def reads_instead(self, reader: Cluster, item: Item, source: Access) -> bool:
        """Whether a cluster may read what a value is made of in the value's place."""
        template = reader.template
        return template is None or (
            all(self.fits_result(a, reader, template) for a in item.inputs if a != source)
            and self.varies(source, template) == "same"
        )

    def accesses_of(self, cluster: Cluster) -> list[Access]:
        found = [a for item in cluster.items for a in item.accesses]
        if cluster.template is not None:
            found += [a for a in cluster.template.inputs if isinstance(a, Access)]
        return found

    def work_of(self, item: Item, cluster: Cluster) -> tuple[int, int, int]:
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
                maker = self.by_value.get(a.value)
                if maker is not None and (maker.cluster is cluster or a.value in self.inlined):
                    stack.append(maker)
                elif self.is_readable(a):
                    leaves.add(a.value)
        return work, len(seen), len(leaves)

    # ------------------------------------------------------------ what is wanted

    def place_wanted(self) -> None:
        """Every output and written value gets a value of its own that a kernel stores."""
        program, taken = self.program, set(range(len(self.program.trace.leaves)))

        def own(value: int) -> int:
            a = self.read(value)
            spec = self.specs[value]
            fresh = a.value not in taken and self.is_readable(a) and not program.blocks.get(a.value, 0)
            if fresh and is_identity(a, self.specs[a.value].numel):
                taken.add(a.value)
                return a.value
            copy = self.store(a._replace(shape=spec.shape), program.origins.get(value, -1))
            taken.add(copy)
            return copy

        unchanged = {
            leaf
            for leaf, v in program.writes
            if self.read(v).value == leaf and is_identity(self.read(v), self.specs[leaf].numel)
        }
        program.writes = tuple((leaf, own(v)) for leaf, v in program.writes if leaf not in unchanged)
        program.outputs = tuple(own(v) for v in program.outputs)


def fuse(program: Program) -> Program:
    from suiren.compiler.passes.nests import write_steps

    fusion = Fusion(program)
    for node in program.nodes:
        fusion.add_node(node)
    fusion.place_wanted()
    if fusion.fuses:
        fusion.merge_readers()
        fusion.inline_small()
        fusion.inline_masks()
    program.steps = write_steps(fusion)
    return program


__all__ = ["Cluster", "Fusion", "Item", "TemplateItem", "channels_of", "fuse"]
