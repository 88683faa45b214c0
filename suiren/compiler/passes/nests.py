"""nests: the second half of fuse, a cluster written down as a Nest, or as the epilogue of a Task; and the order in which they run."""

from __future__ import annotations

import heapq
from math import prod

from suiren.compiler.emit.loops import compute
from suiren.compiler.nest import Instr, Nest, NestOperand, NestStore
from suiren.compiler.passes.clusters import Cluster, Fusion, Item, channels_of
from suiren.compiler.passes.domain import (
    bounds_of,
    is_inside,
    outer_bounds,
    refine,
    refine_outer,
    split,
    through,
    widened,
)
from suiren.compiler.passes.epilogues import varies
from suiren.compiler.passes.symbolic import Symbol, SymbolicBuilder
from suiren.compiler.program import Access, Epilogue, Operand, Task, plain_epilogue
from suiren.dtypes import dtype, int32, int64
from suiren.trace.spec import contiguous_strides
from suiren.trace.trace import Number


class CodeWriter:
    """Instructions from items. Equal instructions are written once."""

    def __init__(self, fusion: Fusion, cluster: Cluster):
        self.fusion, self.cluster = fusion, cluster
        self.specs, self.constants = fusion.specs, fusion.program.constants
        self.code: list[Instr] = []
        self.seen: dict[tuple, int] = {}
        self.numbers: list[Number] = []
        self.cost = 0

    def instr(self, i: Instr) -> int:
        key = (*i[:-1], repr(i.value))  # 0.0 and -0.0 are equal
        found = self.seen.get(key)
        if found is None:
            self.code.append(i)
            found = self.seen[key] = len(self.code) - 1
        return found

    def convert(self, n: int, d: dtype) -> int:
        i = self.code[n]
        if i.dtype is d:
            return n
        if i.kind == "const":
            known = SymbolicBuilder().convert(Symbol(i.dtype, i.value), d).number
            if known is not None:
                return self.instr(Instr("const", d, value=known))
        return self.instr(Instr("convert", d, (n,)))

    def number(self, x: Number, d: dtype) -> int:
        if x not in self.numbers:
            self.numbers.append(x)
        return self.instr(Instr("number", d, at=self.numbers.index(x)))

    def pointwise(self, item: Item, moves: tuple, full: bool, index: Access | None, home: Cluster | None = None) -> int:
        """The result of an item, seen through `moves`, which its inputs are seen through, too; those that items of `home` make are computed, not read."""
        op, params = item.node.op, item.node.params
        kinds = tuple(self.fusion.program.kind(x) for x in item.node.inputs)
        operands, _ = op.types(kinds, params)
        args = []
        for x, d in zip(item.inputs, operands):
            if isinstance(x, Number):
                args.append(self.number(x, d))
            elif x.value in self.constants:
                args.append(self.convert(self.read(x, full), d))
            else:
                args.append(self.convert(self.read(through(x, moves), full, home), d))
        if op.takes_index:
            args.append(self.index(index, full))
        before = len(self.code)
        n = self.instr(Instr("apply", item.node.specs[0].dtype, tuple(args), op, params))
        if len(self.code) > before:
            self.cost += item.cost
        return n

    def read(self, a: Access, full: bool, home: Cluster | None = None) -> int:
        """The element that an access shows, at the full or the outer index."""
        if a.value in self.constants:
            return self.instr(Instr("const", self.specs[a.value].dtype, value=self.constants[a.value]))
        item = self.fusion.by_value.get(a.value)
        if item is not None and item.cluster is self.cluster:
            return self.computed(item, a.value)
        again = self.fusion.again(a.value) or (item if item is not None and item.cluster is home is not None else None)
        if again is not None:
            return self.pointwise(again, a.moves, full, a, again.cluster if a.value not in self.fusion.masks else None)
        return self.load(a, full)

    def computed(self, item: Item, value: int) -> int:
        """The value of an item of this cluster, at its own place."""
        raise NotImplementedError

    def load(self, a: Access, full: bool) -> int:
        raise NotImplementedError

    def index(self, a: Access, full: bool) -> int:
        raise NotImplementedError


class NestWriter(CodeWriter):
    def __init__(self, fusion: Fusion, cluster: Cluster):
        super().__init__(fusion, cluster)
        self.operands: list[NestOperand] = []
        self.results: dict[Item, dict[int, int]] = {}
        inner = cluster.inner or ()
        if cluster.bounds:  # the finest cut that any item makes
            for item in cluster.items:
                own = bounds_of(item.shape)
                cluster.bounds = refine(cluster.bounds, own) if item.full else refine_outer(cluster.bounds, inner, own)
        self.bounds, self.inner = cluster.bounds, inner
        self.outer = outer_bounds(self.bounds, inner) if self.bounds else None

    # ------------------------------------------------------------ operands

    def over_domain(self, shape: tuple[int, ...], strides: tuple[int, ...], full: bool) -> tuple[int, ...]:
        if self.bounds is None:
            return strides
        if full:
            return split(shape, strides, self.bounds)
        return widened(split(shape, strides, self.outer), self.bounds, self.inner)

    def operand(self, o: NestOperand) -> int:
        if o not in self.operands:
            self.operands.append(o)
        return self.operands.index(o)

    def load(self, a: Access, full: bool) -> int:
        d = self.specs[a.value].dtype
        at = self.operand(NestOperand(a.value, d, self.over_domain(a.shape, a.strides, full), a.offset))
        return self.instr(Instr("load", d, at=at))

    def index(self, a: Access, full: bool) -> int:
        at = self.operand(NestOperand(-1, int64, self.over_domain(a.shape, a.strides, full), a.offset))
        return self.instr(Instr("index", int64, at=at))

    # ------------------------------------------------------------ items

    def computed(self, item: Item, value: int) -> int:
        if item not in self.results:
            if item.kind == "reduction":
                self.results[item] = self.reduction(item)
            else:
                self.results[item] = {
                    item.outputs[0]: self.pointwise(
                        item, (), item.full, Access(value, item.shape, contiguous_strides(item.shape))
                    )
                }
        return self.results[item][value]

    def reduction(self, item: Item) -> dict[int, int]:
        op = item.node.op
        x = self.read(item.inputs[0], True)
        if op.better is None:
            x = self.convert(x, op.accumulate(self.code[x].dtype))
            args = (x,)
        else:
            args = (x, self.place_in(item))
        reduce = self.instr(Instr("reduce", None, args, op))
        self.cost += 1 if op.better is None else 4
        found = {}
        for value, what in zip(item.outputs, op.produces):
            d = int64 if what == "index" else self.code[x].dtype
            pick = self.instr(Instr("pick", d, (reduce,), at=int(what == "index")))
            found[value] = self.convert(pick, self.specs[value].dtype)
        return found

    def place_in(self, item: Item) -> int:
        """The row-major place of an element among those that are reduced together."""
        dims = item.node.op.param(item.node.params, "dims")
        strides, step = [0] * len(item.shape), 1
        for d in reversed(dims):
            strides[d] = step
            step *= item.shape[d]
        d = int32 if step < 1 << 31 else int64
        at = self.operand(NestOperand(-1, d, self.over_domain(item.shape, tuple(strides), True)))
        return self.instr(Instr("index", d, at=at))

    def stores(self, needed: set[int]) -> list[NestStore]:
        found = []
        for item in self.cluster.items:
            for value in item.outputs:
                if value not in needed:
                    continue
                spec = self.specs[value]
                if item.kind == "store":
                    n = self.convert(self.read(item.inputs[0], item.full), spec.dtype)
                    strides, offset = item.place
                    found.append(
                        NestStore(
                            n, NestOperand(value, spec.dtype, self.over_domain(item.shape, strides, item.full), offset)
                        )
                    )
                else:
                    full = item.full and item.kind != "reduction"
                    n = self.convert(self.computed(item, value), spec.dtype)
                    strides = self.result_strides(item, spec.shape, full)
                    found.append(NestStore(n, NestOperand(value, spec.dtype, strides)))
        return found

    def result_strides(self, item: Item, shape: tuple[int, ...], full: bool) -> tuple[int, ...]:
        if self.bounds is not None:
            return self.over_domain(shape, contiguous_strides(shape), full)
        if full:
            return contiguous_strides(item.shape)
        dims = item.node.op.param(item.node.params, "dims")  # a reduction of nothing: its own dims are the domain
        kept = [1 if d in dims else n for d, n in enumerate(item.shape)]
        return tuple(0 if d in dims else s for d, s in enumerate(contiguous_strides(tuple(kept))))

    def nest(self, needed: set[int]) -> Nest | None:
        stores = self.stores(needed)
        if not stores:
            return None
        first = self.cluster.items[0]
        if self.bounds is None:
            if not prod(self.specs[v].numel for v in first.outputs) or first.kind != "reduction":
                return None  # nothing to compute
            dims = first.node.op.param(first.node.params, "dims")
            sizes, inner = first.shape, tuple(d in dims for d in range(len(first.shape)))
        else:
            pairs = list(zip(self.bounds, self.bounds[1:]))[::-1]
            sizes, inner = (
                tuple(high // low for low, high in pairs),
                tuple(is_inside(low, self.inner) for low, _ in pairs),
            )
        checking = next((i.origin for i in self.cluster.items if i.checks), None)
        origins = tuple(dict.fromkeys(i.origin for i in self.cluster.items if i.origin >= 0))
        nest = Nest(
            sizes,
            inner,
            self.operands,
            self.numbers,
            self.code,
            stores,
            (),
            origins,
            label_of(self.cluster),
            checking,
            max(self.cost, 1),
        )
        if not any(i.kind == "reduce" for i in self.code):
            _without_reduction(nest)
        return self.in_blocks(nest) if self.fusion.program.blocks else nest

    # ------------------------------------------------------------ blocks of channels

    def in_blocks(self, nest: Nest) -> Nest:
        """The nest over (N, C/B, *S, B), if it touches values that lie so."""
        blocks = self.fusion.program.blocks
        found = {channels_of(self.specs[v].shape, blocks[v]) for v in (*nest.reads, *nest.writes) if v in blocks}
        if not found:
            return nest
        ((low, high, block),) = found
        count = -(-(high // low) // block)
        pairs = list(zip(self.bounds, self.bounds[1:]))[::-1]
        above = [
            n for n, (b, _) in enumerate(pairs) if b >= high
        ]  # positions of N's atoms, of the channels' and of what is below
        below = [n for n, (b, _) in enumerate(pairs) if b < low]
        own = next((n for n, (b, _) in enumerate(pairs) if low <= b < high), None)  # None: one channel

        def strides(o: NestOperand, stored: bool) -> tuple[int, ...]:
            if o.value in blocks:
                outer = tuple(pairs[n][0] // high * count * low * block for n in above)
                return (*outer, low * block, *(pairs[n][0] * block for n in below), 1)
            step = o.strides[own] if own is not None else int(stored)
            return (*(o.strides[n] for n in above), step * block, *(o.strides[n] for n in below), step)

        reduced = own is not None and nest.inner[own]
        sizes = (*(nest.sizes[n] for n in above), count, *(nest.sizes[n] for n in below), block)
        inner = (*(nest.inner[n] for n in above), reduced, *(nest.inner[n] for n in below), reduced)
        operands = [o._replace(strides=strides(o, False)) for o in nest.operands]
        stores = [s._replace(operand=s.operand._replace(strides=strides(s.operand, True))) for s in nest.stores]
        # The lanes past the last channel are left out, unless nothing but values that have such lanes would notice.
        plain = [o for o in (*operands, *(s.operand for s in stores)) if o.value not in blocks and o.strides[-1]]
        notices = (high // low) % block and (plain or reduced or nest.check is not None)
        nest.parts = ((len(above), len(sizes) - 1, high // low),) if notices else ()
        nest.sizes, nest.inner, nest.operands, nest.stores = sizes, inner, operands, stores
        return nest


def _without_reduction(nest: Nest) -> None:
    """Nobody wants what the cluster reduces: if all stores are of one kind, there are no inner dims any more."""
    is_full = [any(s for s, inner in zip(store.operand.strides, nest.inner) if inner) for store in nest.stores]
    if all(is_full):
        nest.inner = (False,) * len(nest.inner)
    elif not any(is_full):
        keep = [n for n, inner in enumerate(nest.inner) if not inner]

        def narrowed(o: NestOperand) -> NestOperand:
            return o._replace(strides=tuple(o.strides[n] for n in keep))

        nest.operands = [narrowed(o) for o in nest.operands]
        nest.stores = [s._replace(operand=narrowed(s.operand)) for s in nest.stores]
        nest.sizes, nest.inner = tuple(nest.sizes[n] for n in keep), (False,) * len(keep)


def label_of(cluster: Cluster) -> str:
    names = [i.node.op.name if i.node else "copy" for i in cluster.items]
    names = [n for k, n in enumerate(names) if k == 0 or names[k - 1] != n]
    return " ".join(names if len(names) <= 6 else [*names[:3], "…", *names[-2:]])


# ---------------------------------------------------------------- epilogues


class EpilogueWriter(CodeWriter):
    """The items of a template's cluster as an Epilogue; the template's own result is the load of operand -1."""

    def __init__(self, fusion: Fusion, cluster: Cluster):
        super().__init__(fusion, cluster)
        self.operands: list[Access | Number] = []
        self.kinds: list[Operand] = []

    def add(self, x: Access | Number, kind: Operand) -> int:
        for k, (have, its) in enumerate(zip(self.operands, self.kinds)):
            if have == x and its == kind:
                return self.instr(Instr("load", kind.dtype, at=k))
        self.operands.append(x)
        self.kinds.append(kind)
        return self.instr(Instr("load", kind.dtype, at=len(self.operands) - 1))

    def number(self, x: Number, d: dtype) -> int:
        return self.add(x, Operand(d, "number"))

    def load(self, a: Access, full: bool) -> int:
        template = self.cluster.template
        d = self.specs[a.value].dtype
        if a.value == template.node.outputs[0]:
            return self.instr(Instr("load", d, at=-1))
        return self.add(a, Operand(d, varies(self.fusion, a, template)))

    def computed(self, item: Item, value: int) -> int:
        return self.pointwise(item, (), True, None)

    def task(self, needed: set[int]) -> Task | None:
        template = self.cluster.template
        node, specs = template.node, self.specs
        values = [v for item in self.cluster.items for v in item.outputs if v in needed]
        if node.outputs[0] in needed or not values:
            values.insert(0, node.outputs[0])
        if not any(v in needed for v in (*values, *node.outputs)):
            return None
        results = []
        for v in values:
            n = (
                self.instr(Instr("load", specs[v].dtype, at=-1))
                if v == node.outputs[0]
                else self.computed(self.fusion.by_value[v], v)
            )
            results.append(self.convert(n, specs[v].dtype))
        origins = tuple(dict.fromkeys((template.origin, *(i.origin for i in self.cluster.items))))
        if values == [node.outputs[0]]:
            epilogue = plain_epilogue(specs[values[0]].dtype)
        else:
            epilogue = _epilogue(self.code, results, tuple(self.kinds), tuple(specs[v].dtype for v in values))
        label = " ".join([node.op.name, *(i.node.op.name for i in self.cluster.items)])
        return Task(
            node,
            template.origin,
            template.inputs,
            (*values, *node.outputs[1:]),
            epilogue,
            tuple(self.operands),
            origins,
            label,
        )


def _epilogue(code: list[Instr], results: list[int], kinds: tuple[Operand, ...], dtypes: tuple[dtype, ...]) -> Epilogue:
    key = (
        tuple(i.text() for i in code),
        tuple(results),
        tuple((k.dtype.name, k.varies) for k in kinds),
        tuple(d.name for d in dtypes),
    )

    def emit(b, x, operands):
        values = []
        for i in code:
            if i.kind == "load":
                values.append(x if i.at < 0 else operands[i.at])
            else:
                values.append(compute(b, i, [values[a] for a in i.args]))
        return [b.splat(values[n], x.lanes) for n in results]

    return Epilogue(key, kinds, dtypes, emit)


# ---------------------------------------------------------------- all clusters, and their order


def write_steps(fusion: Fusion) -> list[Nest | Task]:
    """The clusters as steps, in an order in which what is overwritten has been read before wherever that is possible."""
    clusters = _sorted(fusion.clusters, lambda c: c.before, lambda c: c.after, fusion.order.__getitem__)
    needed = set(fusion.program.wanted)
    steps: dict[Cluster, Nest | Task] = {}
    for cluster in reversed(clusters):
        if cluster.template is not None:
            step = EpilogueWriter(fusion, cluster).task(needed)
        else:
            step = NestWriter(fusion, cluster).nest(needed)
        if step is not None:
            steps[cluster] = step
            needed.update(step.reads)
    _read_before_overwriting(fusion, steps)
    clusters = _sorted(fusion.clusters, lambda c: c.before, lambda c: c.after, fusion.order.__getitem__)
    return [steps[c] for c in clusters if c in steps]


def _read_before_overwriting(fusion: Fusion, steps: dict[Cluster, Nest | Task]) -> None:
    """Puts the readers of what may be overwritten (a leaf that gets a new value, the base of a write through a view) before the writer,
    where no order is prescribed: then it is written in place."""
    overwritten = {value: leaf for leaf, value in fusion.program.writes}
    for node in fusion.program.nodes:
        if node.op.kind == "placement":
            for x in node.inputs:
                if not isinstance(x, Number) and fusion.specs[x] is fusion.specs[node.outputs[0]]:
                    overwritten.setdefault(node.outputs[0], fusion.read(x).value)
    readers: dict[int, list[Cluster]] = {}
    for cluster, step in steps.items():
        for v in step.reads:
            readers.setdefault(v, []).append(cluster)
    for new, old in overwritten.items():
        for writer in fusion.writers.get(new, ()):
            for reader in readers.get(old, ()):
                if reader is not writer and not _reaches(writer, reader):
                    fusion.link(reader, writer)


def _reaches(a: Cluster, b: Cluster) -> bool:
    seen, stack = set(), [a]
    while stack:
        c = stack.pop()
        if c is b:
            return True
        if c not in seen:
            seen.add(c)
            stack.extend(c.after)
    return False


def _sorted(clusters: set[Cluster], before, after, priority) -> list[Cluster]:
    """A topological order; of those that may run, the one that was recorded first."""
    waiting = {c: len(before(c)) for c in clusters}
    ready = [(priority(c), id(c), c) for c, n in waiting.items() if n == 0]
    heapq.heapify(ready)
    found = []
    while ready:
        c = heapq.heappop(ready)[2]
        found.append(c)
        for then in after(c):
            waiting[then] -= 1
            if waiting[then] == 0:
                heapq.heappush(ready, (priority(then), id(then), then))
    if len(found) != len(clusters):
        raise AssertionError("the clusters of a program wait for each other")
    return found


__all__ = ["write_steps"]
