"""The dims of a nest while their order is decided: which one the lanes of vectors run along, which are loops, which count units."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from suiren.compiler.emit.target import Target
from suiren.compiler.nest import Nest
from suiren.dtypes import FLOAT

UNIT = 4096  # elements of a unit of pointwise work: some microseconds, so that units are worth sharing out …
UNIT_COST = 16  # … if an element takes no more operations than this; fewer elements otherwise
STRIP = 64  # lanes at a time where operands are contiguous along different dims: cache lines are used up before they go
LONG = 512  # … and how far along the other dim a unit goes then


@dataclass(eq=False)
class Dim:
    size: int
    inner: bool
    strides: list[int]  # of all operands, then of all stores
    name: int


class Dims:
    """All dims of a nest, outer ones and inner ones in their orders."""

    def __init__(self, nest: Nest):
        self.nest = nest
        self.operands = [*nest.operands, *(s.operand for s in nest.stores)]
        self.memory = [o.value >= 0 for o in self.operands]
        self.first_store = len(nest.operands)
        self.parts = {d: (counter, total) for counter, d, total in nest.parts}  # by name of the dim that goes over a part
        self.counters = {counter for counter, _, _ in nest.parts}
        self.dims = [
            Dim(size, inner, [o.strides[d] for o in self.operands], d)
            for d, (size, inner) in enumerate(zip(nest.sizes, nest.inner))
            if size != 1 or d in self.parts or d in self.counters
        ]
        self.weights = [prod(n for n, s in zip(nest.sizes, o.strides) if s) for o in self.operands]
        self.mode = "inner"
        self.is_scalar = False  # not worth vectors
        self.turned: list[int] = []  # operands whose squares are turned

    def is_fixed(self, dim: Dim) -> bool:
        """Whether a dim must stay as it is: it is one of a pair that stands for one dim."""
        return dim.name in self.parts or dim.name in self.counters

    def score(self, dim: Dim) -> int:
        """How well the lanes run along a dim: the elements of contiguous operands, less those of operands with gaps; a
        store counts double."""
        total = 0
        for k, (stride, memory) in enumerate(zip(dim.strides, self.memory)):
            if memory and stride:
                weight = self.weights[k] * (2 if k >= self.first_store else 1)
                total += weight if stride == 1 else -weight
        return total

    def merge(self) -> None:
        """Makes one dim of neighbours of the same class that all operands step through as one."""
        found: list[Dim] = []
        for dim in self.dims:
            last = found[-1] if found else None
            fits = last is not None and last.inner == dim.inner and not self.is_fixed(last) and not self.is_fixed(dim)
            if fits and all(a == b * dim.size for a, b in zip(last.strides, dim.strides)):
                found[-1] = Dim(last.size * dim.size, dim.inner, dim.strides, dim.name)
            else:
                found.append(dim)
        self.dims = found

    def move_last(self, dim: Dim) -> None:
        """Moves a dim behind all others of its class."""
        same = [d for d in self.dims if d.inner == dim.inner and d is not dim] + [dim]
        rest = [d for d in self.dims if d.inner != dim.inner]
        self.dims = rest + same if dim.inner else same + rest

    def make_inner(self, *dims: Dim) -> None:
        """Makes loops of some dims, the last ones in this order."""
        self.dims = [d for d in self.dims if d not in dims] + list(dims)
        for d in dims:
            d.inner = True

    def cut(self, dim: Dim, length: int, before: Dim | None = None) -> Dim:
        """Splits a dim into an outer one that counts parts, put last of the outer ones (or before another one), and
        itself, now a part; returns the counting dim."""
        name = max((d.name for d in self.dims), default=0) + 1
        counter = Dim(-(-dim.size // length), False, [s * length for s in dim.strides], name)
        self.parts[dim.name] = (name, dim.size)
        self.counters.add(name)
        dim.size = length
        outer = [d for d in self.dims if not d.inner]
        outer.insert(outer.index(before) if before is not None else len(outer), counter)
        self.dims = outer + [d for d in self.dims if d.inner]
        return counter


def lanes_of(nest: Nest, target: Target) -> int:
    """Lanes that fill a register with what is mostly computed: the widest dtype stored or reduced, floats before indices."""
    used = [s.operand.dtype for s in nest.stores]
    used += [nest.code[i.args[0]].dtype for i in nest.code if i.kind == "reduce"]
    used += [o.dtype for o in nest.operands if o.value >= 0]
    floats = [max(d.itemsize, 4) for d in used if d.category == FLOAT]
    return target.vector_bytes // max(floats or [d.itemsize for d in used])


# ---------------------------------------------------------------- without a reduction


def unit_of(nest: Nest) -> int:
    """How many elements make a unit of pointwise work."""
    unit = UNIT
    while unit > 256 and unit * nest.cost > UNIT * UNIT_COST:
        unit //= 2
    return unit


def pointwise_dims(nest: Nest, target: Target) -> Dims:
    """Every dim may be a loop or count units."""
    dims, lanes, unit = Dims(nest), lanes_of(nest, target), unit_of(nest)
    if not dims.dims:
        dims.dims = [Dim(1, True, [0] * len(dims.operands), 0)]
        return dims
    free = [d for d in dims.dims if d.name not in dims.counters]
    lane = max(free or dims.dims, key=lambda d: (dims.score(d), d.name in dims.parts, d.name))
    if dims.score(lane) > dims.score(dims.dims[-1]):
        dims.move_last(lane)
    dims.merge()
    if _turn(dims, dims.dims[-1], lanes):
        return dims
    # Blocks of channels that are not all full are the lanes.
    part = next((d for d in dims.dims if d.name in dims.parts), None)
    if part is not None:
        dims.move_last(part)
    lane = dims.dims[-1]
    if _go_down_columns(dims, lane, lanes):
        return dims
    if part is not None:
        dims.mode = "outer"
        return dims
    lane.inner = True
    if lane.size > 2 * unit or len(dims.dims) == 1:
        dims.cut(lane, unit)
        return dims
    work = lane.size
    for dim in reversed(dims.dims[:-1]):
        if dims.is_fixed(dim):
            break
        if work * dim.size > 2 * unit:
            if work * 4 <= unit:
                dim.inner = True
                dims.cut(dim, unit // work)
            break
        dim.inner = True
        work *= dim.size
    return dims


def _turn(dims: Dims, lane: Dim, lanes: int) -> bool:
    """Loops over a strip of lanes and the dim along which other operands are contiguous, if there are such."""
    crossed = [k for k in range(dims.first_store) if dims.memory[k] and lane.strides[k] not in (0, 1)]
    other = next((d for k in crossed for d in dims.dims if d is not lane and d.strides[k] == 1 and d.size > 1), None)
    if other is None or not {*dims.parts} <= {lane.name, other.name}:
        return False
    turned = [k for k in crossed if other.strides[k] == 1 and dims.operands[k].dtype.itemsize in (4, 8)]
    is_copy = not any(i.kind == "apply" for i in dims.nest.code)
    if min(lane.size, other.size) >= lanes and turned:
        dims.turned = turned
    elif is_copy:
        dims.is_scalar = True  # gathering vectors takes the same accesses and more
    elif other.size < 8 or dims.parts:
        return False
    dims.make_inner(other, lane)
    if other.size > 2 * LONG and not dims.is_fixed(other):
        dims.cut(other, LONG)
    if lane.size > STRIP and not dims.is_fixed(lane):
        dims.cut(lane, STRIP)
    return True


def _go_down_columns(dims: Dims, lane: Dim, lanes: int) -> bool:
    """Where rows are a few vectors, loops over the dim before: what is the same in every row stays in registers."""
    before = dims.dims[-2] if len(dims.dims) > 1 else None
    if before is None or dims.is_fixed(before):
        return False
    if lane.name not in dims.parts and (lane.size > 4 * lanes or before.size < 8):
        return False
    dims.make_inner(before)
    dims.mode = "outer"
    width = min(lane.size, lanes)
    unit = unit_of(dims.nest)
    if before.size * width > 2 * unit:
        dims.cut(before, max(16, unit // width), before=lane)
    return True


# ---------------------------------------------------------------- with a reduction


def reduction_dims(nest: Nest, target: Target) -> Dims:
    """Outer dims count units, inner ones are loops; the lanes may run along either."""
    dims = Dims(nest)
    outer, inner = [d for d in dims.dims if not d.inner], [d for d in dims.dims if d.inner]
    dims.dims = outer + inner
    search = any(i.kind == "reduce" and i.op.better for i in nest.code)
    # The place of a search's first hit depends on the order in which inner dims are gone through: it stays as it is.
    candidates = [d for d in (*outer, *(inner[-1:] if search else inner)) if d.name not in dims.counters]
    if not candidates:
        name = 1 + max((d.name for d in dims.dims), default=0)
        dims.dims.append(Dim(1, True, [0] * len(dims.operands), name))
        return dims
    order = {d: n for n, d in enumerate(dims.dims)}
    # A block of channels that units count is always the lanes: then those past the last channel are left out.
    lane = max(candidates, key=lambda d: (d.name in dims.parts and not d.inner, dims.score(d), d.inner, order[d]))
    dims.move_last(lane)
    dims.merge()
    dims.mode = "inner" if lane.inner else "outer"
    return dims
