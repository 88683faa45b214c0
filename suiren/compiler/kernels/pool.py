"""Pooling and its gradients in blocked layout. All are one loop: each place of the result gathers from a window of
places of its source.

    max_pool        the largest element of the window, and its place
    max_pool_grad   the sum of those g in whose window this place was the largest: the windows that hold a place are a
                    window too
    avg_pool        the sum over the window, divided
    avg_pool_grad   the sum of the divided g

Which window each place has is read from tables, one per dim (first place and count), so that padding, ceil_mode,
strides and dilation are the same loop. Where every window has the same extent the loop over it is written out. The
lanes of vectors are channels. max_pool_take alone goes lane by lane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.blocked import Finish, Writer, blocks
from suiren.compiler.kernels.words import Words, accumulator, divide
from suiren.compiler.program import Call, Kernel, Place, Site
from suiren.dtypes import dtype, int32, int64
from suiren.trace.op import Op
from suiren.trace.spec import Spec

LONGEST_WINDOW = 16  # places of a window that are written out
UNIT_WORK = 4096  # window places, each a vector of channels, that a unit should visit
AXES = "dhw"


def fuses(op: Op, params: tuple, inputs: tuple[Spec | type, ...]) -> frozenset[str]:
    return frozenset(("same", "last", "scalar", "number"))


def calls(site: Site) -> list[Call]:
    return [
        {"max_pool": _max_pool, "max_pool_grad": _max_pool_grad, "max_pool_take": _take}.get(site.op.name, _average)(
            site
        )
    ]


# ---------------------------------------------------------------- windows


class Window(NamedTuple):
    """One dim: for every place of the result, the first place of its window and how many it has, each `step` behind the
    one before.
    """

    size: int  # places of the source
    first: tuple[int, ...]
    count: tuple[int, ...]
    step: int

    @property
    def same_count(self) -> int | None:
        return self.count[0] if len(set(self.count)) == 1 else None


class Pool(NamedTuple):
    """One dim of a pool over `size` places with `out` windows."""

    size: int
    out: int
    kernel_size: int
    stride: int
    padding: int
    dilation: int

    def forward(self) -> Window:
        """For each window the places in it."""
        first, count = [], []
        for q in range(self.out):
            start = q * self.stride - self.padding
            skipped = max(-(start // self.dilation), 0) if start < 0 else 0
            end = min(self.kernel_size, -(-(self.size - start) // self.dilation))
            first.append(start + skipped * self.dilation)
            count.append(max(end - skipped, 0))
        return Window(self.size, tuple(first), tuple(count), self.dilation)

    def backward(self) -> Window:
        """For each place the windows that can hold it: with dilation, some of them step over it."""
        first, count = [], []
        for i in range(self.size):
            begin = max(-(-(i + self.padding - self.dilation * (self.kernel_size - 1)) // self.stride), 0)
            end = min((i + self.padding) // self.stride + 1, self.out)
            first.append(begin)
            count.append(max(end - begin, 0))
        return Window(self.out, tuple(first), tuple(count), 1)

    def divisors(self, count_include_pad: bool) -> list[int]:
        found = []
        for q in range(self.out):
            begin = q * self.stride - self.padding
            end = min(begin + self.kernel_size, self.size + self.padding)
            found.append(end - begin if count_include_pad else max(min(end, self.size) - max(begin, 0), 1))
        return found


def _pools(site: Site, size: tuple[int, ...], out: tuple[int, ...]) -> list[Pool]:
    """Three dims, with those in front that the pool does not have."""
    params = {name: site.param(name) for name in site.op.params}
    ones = (1,) * len(size)
    found = [
        Pool(*dim)
        for dim in zip(
            size, out, *(params.get(name, ones) for name in ("kernel_size", "stride", "padding", "dilation"))
        )
    ]
    return [Pool(1, 1, 1, 1, 0, 1)] * (3 - len(size)) + found


# ---------------------------------------------------------------- the loop

INTEGERS = (
    "channel_blocks",
    "chunks",
    "chunk",
    *(f"out_{a}" for a in AXES),
    *(f"size_{a}" for a in AXES),
    *(f"step_{a}" for a in AXES),
)


@dataclass(frozen=True)
class Gather:
    """Units: (image, block of channels, chunk of rows of the result), the last running fastest.

    `counts`, `steps`: of the window in each dim, if they are the same everywhere; else None. `place`: the dtype in
    which places are counted inside. `kind`: "max", "max grad", "sum", "divide" (sum, then divide) or "share" (divide,
    then sum).
    """

    kind: str
    counts: tuple[int, int, int] | None
    steps: tuple[int, int, int] | None
    source: dtype
    place: dtype
    finish: Finish
    divisor: int | None  # None: from tables

    @property
    def words(self) -> Words:
        pointers = {"max": ("source", "index"), "max grad": ("source", "index")}.get(self.kind, ("source",))
        tables = [f"window_{a}" for a in AXES]
        if self.kind in ("divide", "share") and self.divisor is None:
            tables += [f"divisor_{a}" for a in AXES]
        return Words((*pointers, *self.finish.pointers), (*INTEGERS, *self.finish.integers), tables)

    @property
    def kernel(self) -> Kernel:
        key = (self.kind, self.counts, self.steps, self.source.name, self.place.name, self.finish.key, self.divisor)
        return Kernel("pool", key, self.emit)

    @property
    def sum(self) -> dtype:
        return accumulator(self.source)

    def emit(self, b: Builder) -> None:
        words, block = self.words, self.finish.block
        n = {name: words.int(b, name) for name in INTEGERS}
        source = words.ptr(b, "source")
        index = words.ptr(b, "index") if self.kind in ("max", "max grad") else None
        windows = {a: words.table(b, f"window_{a}") for a in AXES}
        divisors = {a: words.table(b, f"divisor_{a}") for a in AXES} if "divisor_d" in words.tables else None
        writer = Writer(b, self.finish, words)
        rows = b.mul(n["out_d"], n["out_h"])
        source_plane = b.mul(b.mul(n["size_d"], n["size_h"]), b.mul(n["size_w"], block))
        with b.loop(b.begin, b.end, unroll=1) as unit:
            plane, chunk = divide(b, unit, n["chunks"])
            channel = writer.channel(divide(b, plane, n["channel_blocks"])[1])
            base = b.mul(plane, source_plane)
            row0 = b.mul(chunk, n["chunk"])
            with b.loop(row0, b.minimum(b.add(row0, n["chunk"]), rows), unroll=1) as row:
                d, h = divide(b, row, n["out_h"])
                outer = [self._window(b, windows[a], at) for a, at in (("d", d), ("h", h))]
                first = b.mul(row, n["out_w"])
                with b.loop(0, n["out_w"], unroll=1) as w:
                    place = b.add(first, w)
                    offset = b.mul(b.add(b.mul(b.mul(plane, rows), n["out_w"]), place), block)
                    found = [*outer, self._window(b, windows["w"], w)]
                    own = {"max": index, "max grad": place}.get(self.kind, (d, h, w))
                    x = getattr(self, "_" + self.kind.replace(" ", "_"))(
                        b, n, found, b.at(source, base, self.source), index, base, divisors, own, offset
                    )
                    writer.write(x, offset, channel)

    def _window(self, b: Builder, table: Value, at: Value) -> tuple[Value, Value]:
        at = b.mul(at, 2)
        return b.load(table, int64, offset=at), b.load(table, int64, offset=b.add(at, 1))

    def _visit(
        self, b: Builder, n: dict[str, Value], window: list[tuple[Value, Value]], state: list[Value], body: Callable
    ) -> list[Value]:
        """`body(d, h, w, place, state)` → state for every place of the window; `place` counts in the source's plane."""

        def at(d, h, w, state):
            place = b.add(b.mul(b.add(b.mul(d, n["size_h"]), h), n["size_w"]), w)
            return body(d, h, w, place, state)

        if self.counts is not None:
            starts = [first for first, _ in window]
            for d in range(self.counts[0]):
                for h in range(self.counts[1]):
                    for w in range(self.counts[2]):
                        state = at(
                            *(b.add(start, i * step) for start, i, step in zip(starts, (d, h, w), self.steps)), state
                        )
            return state
        return self._nest(b, n, window, AXES, (), state, at)

    def _nest(self, b, n, window, axes, outer, state, at) -> list[Value]:
        if not axes:
            return at(*outer, state)
        first, count = window[len(outer)]
        with b.loop_carried(0, count, 1, state, unroll=1) as loop:
            place = b.add(first, b.mul(loop.i, n[f"step_{axes[0]}"]))
            loop.next(*self._nest(b, n, window, axes[1:], (*outer, place), loop.values, at))
        return loop.results

    # ---- what is done with a window: the vector that goes to the writer

    def _load(self, b: Builder, source: Value, place: Value) -> Value:
        block = self.finish.block
        return b.convert(b.load(source, self.source, block, offset=b.mul(place, block)), self.sum)

    def _max(self, b, n, window, source, index, base, divisors, own, offset) -> Value:
        block = self.finish.block

        def visit(d, h, w, place, state):
            best, where = state
            x = self._load(b, source, place)
            # The first place wins over the -1 that stands for none; of NaNs the last.
            better = b.or_(b.gt(x, best), b.lt(where, 0))
            better = b.or_(better, b.isnan(x)) if x.is_float else better
            return [b.select(better, x, best), b.select(better, b.splat(b.convert(place, self.place), block), where)]

        lowest = (
            float("-inf")
            if self.sum.is_floating_point
            else 0
            if not self.sum.is_signed
            else -(1 << (8 * self.sum.itemsize - 1))
        )
        state = [b.const(lowest, self.sum, block), b.const(-1, self.place, block)]
        best, where = self._visit(b, n, window, state, visit)
        b.store(b.convert(where, int64), index, offset=offset)
        return best

    def _max_grad(self, b, n, window, source, index, base, divisors, own, offset) -> Value:
        block = self.finish.block
        index = b.at(index, base, int64)

        def visit(d, h, w, place, state):
            where = b.load(index, int64, block, offset=b.mul(place, block))
            x = self._load(b, source, place)
            return [b.add(state[0], b.select(b.eq(where, b.splat(own, block)), x, b.zero(x)))]

        return self._visit(b, n, window, [b.const(0, self.sum, block)], visit)[0]

    def _divide(self, b, n, window, source, index, base, divisors, own, offset) -> Value:
        def visit(d, h, w, place, state):
            return [b.add(state[0], self._load(b, source, place))]

        x = self._visit(b, n, window, [b.const(0, self.sum, self.finish.block)], visit)[0]
        return b.div(x, self._divisor(b, divisors, own))

    def _share(self, b, n, window, source, index, base, divisors, own, offset) -> Value:
        def visit(d, h, w, place, state):
            x = self._load(b, source, place)
            return [b.add(state[0], b.div(x, self._divisor(b, divisors, (d, h, w))))]

        return self._visit(b, n, window, [b.const(0, self.sum, self.finish.block)], visit)[0]

    def _divisor(self, b: Builder, tables: dict[str, Value] | None, at: tuple[Value, Value, Value]) -> Value:
        if tables is None:
            return b.const(self.divisor, self.sum, self.finish.block)
        d, h, w = (b.load(tables[a], int64, offset=i) for a, i in zip(AXES, at))
        return b.splat(b.convert(b.mul(b.mul(d, h), w), self.sum), self.finish.block)


def _gather(
    site: Site,
    kind: str,
    windows: list[Window],
    values: dict,
    divisor: int | None = None,
    divisors: list[list[int]] | None = None,
) -> Call:
    source, out = site.inputs[0], site.outputs[0]
    counts = tuple(w.same_count for w in windows)
    steps = tuple(w.step for w in windows)
    if None in counts or prod(counts) > LONGEST_WINDOW:
        counts = steps = None
    place = int32 if prod(w.size for w in windows) < 1 << 31 else int64
    finish = Finish.of(site)
    kernel = Gather(kind, counts, steps, source.dtype, place, finish, divisor)
    size = [len(w.first) for w in windows]
    channel_blocks = blocks(out.shape[1], site.block)
    work = max(
        size[2]
        * sum(windows[2].count)
        // max(size[2], 1)
        * max(max(windows[0].count, default=1) * max(windows[1].count, default=1), 1),
        1,
    )
    rows = size[0] * size[1]
    chunk = min(max(UNIT_WORK // work, 1), max(rows, 1))
    values = {"source": source.ptr, **values, **finish.values(site.results, site.operands)}
    values |= {"channel_blocks": channel_blocks, "chunks": blocks(rows, chunk), "chunk": chunk}
    for i, (a, w) in enumerate(zip(AXES, windows)):
        table = [word for pair in zip(w.first, w.count) for word in pair]
        values |= {f"out_{a}": len(w.first), f"size_{a}": w.size, f"step_{a}": w.step, f"window_{a}": table}
        if divisors:
            values[f"divisor_{a}"] = divisors[i]
    units = out.shape[0] * channel_blocks * values["chunks"]
    return _call(site, kernel.kernel, kernel.words.args(values), units if out.shape[1] and rows and size[2] else 0)


def _call(site: Site, kernel: Kernel, args: list, units: int) -> Call:
    places = [p for p in (*site.inputs, *site.operands) if isinstance(p, Place)]
    reads = list(dict.fromkeys(p.ptr.buffer for p in places))
    writes = list(dict.fromkeys(p.ptr.buffer for p in site.outputs))
    traffic = sum(p.dtype.itemsize * prod(p.shape) for p in (*places, *site.outputs))
    label = f"{site.op.name} {'x'.join(map(str, site.outputs[0].shape))}"
    return Call(kernel, args, units, reads, writes, traffic=traffic, label=label)


# ---------------------------------------------------------------- the ops


def _max_pool(site: Site) -> Call:
    pools = _pools(site, site.inputs[0].shape[2:], site.outputs[0].shape[2:])
    return _gather(site, "max", [p.forward() for p in pools], {"index": site.others[0].ptr})


def _max_pool_grad(site: Site) -> Call:
    g, index = site.inputs
    pools = _pools(site, site.outputs[0].shape[2:], g.shape[2:])
    return _gather(site, "max grad", [p.backward() for p in pools], {"index": index.ptr})


def _average(site: Site) -> Call:
    x, out = site.inputs[0], site.outputs[0]
    is_forward = site.op.name == "avg_pool"
    pools = _pools(site, *((x.shape[2:], out.shape[2:]) if is_forward else (out.shape[2:], x.shape[2:])))
    windows = [p.forward() if is_forward else p.backward() for p in pools]
    divisors = [p.divisors(site.param("count_include_pad")) for p in pools]
    divisor = site.param("divisor")
    if divisor is None and all(len(set(d)) == 1 for d in divisors):
        divisor = prod(d[0] for d in divisors)
    return _gather(
        site, "divide" if is_forward else "share", windows, {}, divisor, None if divisor is not None else divisors
    )


# ---------------------------------------------------------------- picking elements by index

TAKE_INTEGERS = ("channel_blocks", "plane", "source_plane")


@dataclass(frozen=True)
class Take:
    """Units: (image, block of channels). An index outside of the plane, as garbage lanes may have, gives 0."""

    source: dtype
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(("source", "index", *self.finish.pointers), (*TAKE_INTEGERS, *self.finish.integers))

    @property
    def kernel(self) -> Kernel:
        return Kernel("pool", ("take", self.source.name, self.finish.key), self.emit)

    def emit(self, b: Builder) -> None:
        words, block = self.words, self.finish.block
        n = {name: words.int(b, name) for name in TAKE_INTEGERS}
        source, index = words.ptr(b, "source"), words.ptr(b, "index")
        writer = Writer(b, self.finish, words)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            channel = writer.channel(divide(b, unit, n["channel_blocks"])[1])
            plane = b.at(source, b.mul(b.mul(unit, n["source_plane"]), block), self.source)
            with b.loop(0, n["plane"], unroll=1) as q:
                offset = b.mul(b.add(b.mul(unit, n["plane"]), q), block)
                where = b.load(index, int64, block, offset=offset)
                inside = b.and_(b.ge(where, 0), b.lt(where, b.splat(n["source_plane"], block)))
                at = b.add(b.mul(where, block), b.iota(lanes=block))
                writer.write(b.gather(plane, self.source, at, mask=inside), offset, channel)


def _take(site: Site) -> Call:
    x, index = site.inputs
    finish = Finish.of(site)
    kernel = Take(x.dtype, finish)
    channel_blocks = blocks(x.shape[1], site.block)
    values = {
        "source": x.ptr,
        "index": index.ptr,
        **finish.values(site.results, site.operands),
        "channel_blocks": channel_blocks,
    }
    values |= {"plane": prod(index.shape[2:]), "source_plane": prod(x.shape[2:])}
    return _call(site, kernel.kernel, kernel.words.args(values), x.shape[0] * channel_blocks)


__all__ = ["calls", "fuses"]
