"""From a nest to plans: which dim the lanes of vectors run along, which loops there are, what a unit is, and how a large reduction is cut.

All of it goes by sizes and strides, never by threads, so a result has the same bits on any number of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from suiren.compiler.emit.loops import CHAIN, Plan, PlanOperand
from suiren.compiler.emit.target import Target
from suiren.compiler.nest import Instr, Nest, NestOperand, NestStore
from suiren.compiler.passes.symbolic import DEAR, ask
from suiren.dtypes import FLOAT, dtype

UNIT = 4096  # elements of a unit of pointwise work: some microseconds, so that units are worth sharing out
SPLIT_OVER = 32768  # a reduction of more elements than this into few results is cut into parts
PART = 8192  # … of about this many elements
FEW_UNITS = 16  # … if it had fewer units than this: cores are kept busy without it otherwise
MAX_PARTS = 64


@dataclass(eq=False)
class Scheduled:
    """A plan with what one call of it needs: `words` come first among its arguments, `operands` are those of the plan."""

    plan: Plan
    words: list[int]
    operands: list[NestOperand]
    units: int
    nest: Nest


class _Dims:
    """The dims of a nest while they are moved and merged. Each is [size, is inner, strides of all operands, name]."""

    def __init__(self, nest: Nest):
        self.operands = [*nest.operands, *(s.operand for s in nest.stores)]
        self.memory = [o.value >= 0 for o in self.operands]
        self.stored = range(len(nest.operands), len(self.operands))
        self.parts = {d: (c, total) for c, d, total in nest.parts}
        counters = {c for c, _, _ in nest.parts}
        self.dims = [
            [size, inner, [o.strides[d] for o in self.operands], d]
            for d, (size, inner) in enumerate(zip(nest.sizes, nest.inner))
            if size != 1 or d in self.parts or d in counters
        ]
        self.fixed = {*self.parts, *counters}  # dims that may not be merged with others
        self.weights = [prod(n for n, s in zip(nest.sizes, o.strides) if s) for o in self.operands]

    def score(self, dim: list) -> int:
        """How well the lanes run along a dim: elements of contiguous operands, less those of operands with gaps; a store counts double."""
        total = 0
        for k, (stride, memory) in enumerate(zip(dim[2], self.memory)):
            if memory and stride:
                weight = self.weights[k] * (2 if k in self.stored else 1)
                total += weight if stride == 1 else -weight
        return total

    def merge(self) -> None:
        """Makes one dim of neighbours of the same class that all operands step through as one."""
        found: list[list] = []
        for dim in self.dims:
            last = found[-1] if found else None
            if (
                last
                and last[1] == dim[1]
                and not {last[3], dim[3]} & self.fixed
                and all(a == b * dim[0] for a, b in zip(last[2], dim[2]))
            ):
                found[-1] = [last[0] * dim[0], dim[1], dim[2], dim[3]]
            else:
                found.append(dim)
        self.dims = found

    def move_last(self, dim: list) -> None:
        """Moves a dim behind all others of its class (outer ones come first)."""
        same = [d for d in self.dims if d[1] == dim[1] and d is not dim] + [dim]
        rest = [d for d in self.dims if d[1] != dim[1]]
        self.dims = rest + same if dim[1] else same + rest

    def cut(self, dim: list, length: int) -> list:
        """Splits a dim into an outer one that counts parts and itself, now a part; returns the counting dim."""
        name = max([d[3] for d in self.dims], default=0) + 1
        counter = [-(-dim[0] // length), False, [s * length for s in dim[2]], name]
        self.parts[dim[3]] = (name, dim[0])
        self.fixed |= {name, dim[3]}
        dim[0] = length
        at = sum(not d[1] for d in self.dims)
        self.dims.insert(at, counter)
        return counter


def schedule(nest: Nest, target: Target, new_value: Callable[[tuple[int, ...], dtype], int]) -> list[Scheduled]:
    """The plans of a nest, in the order in which they run. `new_value(shape, dtype)` makes a temporary."""
    if not nest.reduces:
        return [_plan(nest, _pointwise_dims(nest, target), target)]
    dims, mode = _reduction_dims(nest, target)
    cut = _cut_of(nest, dims, mode, target)
    if cut is None:
        return [_plan(nest, (dims, mode), target)]
    partial, combine = _split(nest, dims, mode, cut, new_value)
    return [_plan(partial, _reduction_dims(partial, target), target), *schedule(combine, target, new_value)]


# ---------------------------------------------------------------- the order of dims


def _lanes(nest: Nest, target: Target) -> int:
    """Lanes that fill a register with what is mostly computed: the widest dtype stored or reduced, floats before indices."""
    used = [s.operand.dtype for s in nest.stores]
    used += [nest.code[i.args[0]].dtype for i in nest.code if i.kind == "reduce"]
    used += [o.dtype for o in nest.operands if o.value >= 0]
    floats = [d for d in used if d.category == FLOAT]
    size = max((max(d.itemsize, 4) for d in floats), default=0) or max(d.itemsize for d in used)
    return target.vector_bytes // size


def _pointwise_dims(nest: Nest, target: Target) -> tuple[_Dims, str]:
    """Without a reduction every dim may be a loop; inner ones become so here."""
    dims = _Dims(nest)
    if not dims.dims:
        dims.dims = [[1, True, [0] * len(dims.operands), 0]]
        return dims, "inner"
    # A value that lies in blocks keeps them in its lanes.
    lane = max(dims.dims, key=lambda d: (d[3] in dims.parts, dims.score(d), d[3]))
    if lane[3] in dims.parts or dims.score(lane) > dims.score(dims.dims[-1]):
        dims.move_last(lane)
    dims.merge()
    lane = dims.dims[-1]
    short = 4 * _lanes(nest, target)
    before = dims.dims[-2] if len(dims.dims) > 1 and dims.dims[-2][3] not in dims.fixed else None
    if before is not None and (lane[3] in dims.parts or (lane[0] <= short and before[0] >= 8)):
        # Rows of a few vectors: go down the columns, so that what is the same in every row stays in registers.
        before[1] = True
        dims.dims = [*(d for d in dims.dims if d is not before), before]
        width = min(lane[0], _lanes(nest, target))
        if before[0] * width > 2 * UNIT:
            counter = dims.cut(before, max(16, UNIT // width))
            dims.dims.remove(counter)
            dims.dims.insert(dims.dims.index(lane), counter)
        return dims, "outer"
    if lane[3] in dims.parts:
        return dims, "outer"
    crossed = _crossed(dims, lane)
    lane[1] = True
    if crossed is not None:
        # An operand is contiguous along another dim: go over a narrow strip of the lanes' dim, so that its cache lines are used up before they are lost.
        dims.dims.remove(crossed)
        dims.dims.insert(-1, crossed)
        crossed[1] = True
        if lane[0] > 64:
            dims.cut(lane, 64)
        elif crossed[0] * lane[0] > 2 * UNIT:
            dims.cut(crossed, UNIT // lane[0])
        return dims, "inner"
    work = lane[0]
    if work > 2 * UNIT or len(dims.dims) == 1:
        dims.cut(lane, UNIT)
        return dims, "inner"
    for dim in reversed(dims.dims[:-1]):
        if dim[3] in dims.fixed:
            break
        if work * dim[0] > 2 * UNIT:
            if work * 4 <= UNIT:
                dim[1] = True
                dims.cut(dim, UNIT // work)
            break
        dim[1] = True
        work *= dim[0]
    return dims, "inner"


def _crossed(dims: _Dims, lane: list) -> list | None:
    """The dim along which an operand is contiguous that is not so along the lanes."""
    for k, memory in enumerate(dims.memory):
        if memory and lane[2][k] not in (0, 1):
            for dim in dims.dims:
                if dim is not lane and dim[2][k] == 1 and dim[0] >= 8 and dim[3] not in dims.fixed:
                    return dim
    return None


def _reduction_dims(nest: Nest, target: Target) -> tuple[_Dims, str]:
    dims = _Dims(nest)
    outer = [d for d in dims.dims if not d[1]]
    inner = [d for d in dims.dims if d[1]]
    dims.dims = outer + inner
    search = any(i.kind == "reduce" and i.op.better for i in nest.code)
    # The place of a search's first hit depends on the order in which inner dims are gone through: it stays as it is.
    candidates = [*outer, *(inner[-1:] if search else inner)]
    lanes = [d for d in candidates if d[3] in dims.parts and d[3] not in {c for c, _ in dims.parts.values()}]
    counters = {c for c, _ in dims.parts.values()}
    candidates = [d for d in candidates if d[3] not in counters]
    if not candidates:
        dims.dims.append([1, True, [0] * len(dims.operands), 1 + max((d[3] for d in dims.dims), default=0)])
        return dims, "inner"
    order = {d[3]: n for n, d in enumerate(dims.dims)}
    lane = max(candidates, key=lambda d: (dims.score(d), d[1], order[d[3]]))
    if lanes and dims.score(lanes[0]) >= dims.score(lane):
        lane = lanes[0]
    dims.move_last(lane)
    dims.merge()
    return dims, "inner" if lane[1] else "outer"


# ---------------------------------------------------------------- plans


def _plan(nest: Nest, found: tuple[_Dims, str], target: Target) -> Scheduled:
    dims, mode = found
    order = [d for d in dims.dims if not d[1]] + [d for d in dims.dims if d[1]]
    place = {d[3]: n for n, d in enumerate(order)}
    outer, inner = sum(not d[1] for d in order), sum(d[1] for d in order)
    lane = order[outer - 1] if mode == "outer" else order[-1]
    lanes = _lanes(nest, target)
    if lane[3] in dims.parts and lane[0] <= lanes * 2 and mode == "outer":
        lanes = lane[0]  # a block of channels is one vector
    elif lane[0] < lanes:
        lanes = 1 << (lane[0] - 1).bit_length()
    # A masked access is one instruction for elements of 4 and 8 bytes only.
    wide = [o.dtype.itemsize for o, stride, memory in zip(dims.operands, lane[2], dims.memory) if memory and stride]
    masked = lanes > 1 and all(size in (4, 8) for size in wide)
    columns = max(1, min(4, lane[0] // lanes)) if mode == "outer" else 1
    unroll = 4 if nest.cost <= 8 else 2 if nest.cost <= 24 else 1
    if mode == "outer":
        unroll = max(1, unroll // columns)
    rounds = (order[-1][0] // lanes if mode == "inner" else order[-1][0]) if inner else 1
    while unroll > max(rounds, 1):
        unroll //= 2
    parts = sorted((place[c], place[d], total) for d, (c, total) in dims.parts.items())
    reduces = nest.reduces
    merged = mode == "inner" and outer == 1 and not reduces and [p[:2] for p in parts] == [(0, 1)]
    plan = Plan(
        outer=outer,
        inner=inner,
        mode=mode,
        lanes=lanes,
        unroll=unroll,
        columns=columns,
        masked=masked,
        parts=tuple(p[:2] for p in parts),
        merged=merged,
        flush=_flush([d[0] for d in order[outer:]], lanes * unroll if mode == "inner" else unroll) if reduces else -1,
        operands=tuple(
            PlanOperand(o.dtype, tuple(s if s in (0, 1) else None for s in (d[2][k] for d in order)), o.value >= 0)
            for k, o in enumerate(dims.operands)
        ),
        numbers=tuple(n.cls for n in nest.numbers),
        code=tuple(nest.code),
        stores=tuple(
            (s.instr, len(nest.operands) + k, _is_full(dims, order, outer, len(nest.operands) + k))
            for k, s in enumerate(nest.stores)
        ),
        checks=nest.check is not None,
    )
    if not reduces:
        plan = replace(plan, stores=tuple((n, at, True) for n, at, _ in plan.stores))
    counts = [d[0] for d in order[:outer]]
    if mode == "outer":
        counts[-1] = -(-counts[-1] // (lanes * columns))
    words = [d[0] for d in order] + counts + [total for _, _, total in parts]
    operands = [o._replace(strides=tuple(d[2][k] for d in order)) for k, o in enumerate(dims.operands)]
    return Scheduled(plan, words, operands, prod(counts), nest)


def _is_full(dims: _Dims, order: list, outer: int, k: int) -> bool:
    return any(d[2][k] for d in order[outer:])


def _flush(sizes: list[int], step: int) -> int:
    """The inner loop after which accumulators are folded, so that no chain of additions is much longer than CHAIN."""
    if not sizes:
        return -1
    rounds = -(-sizes[-1] // step)
    if rounds > 2 * CHAIN:
        return len(sizes) - 1
    for j in reversed(range(len(sizes) - 1)):
        if rounds * sizes[j] > 2 * CHAIN:
            return j
        rounds *= sizes[j]
    return -1


# ---------------------------------------------------------------- large reductions in two kernels


def _cut_of(nest: Nest, dims: _Dims, mode: str, target: Target) -> tuple[int, int] | None:
    """(the dim to cut, the length of its parts), where a nest reduces much into few results; both stay as they are otherwise."""
    if not any(i.kind == "reduce" for i in nest.code):
        return None
    counters = [(c, d) for d, (c, _) in dims.parts.items()]
    kinds = {d[3]: d for d in dims.dims}
    for c, _ in counters:
        if kinds[c][1]:  # blocks of channels that are reduced over: they become parts
            return c, 1
    inner = [d for d in dims.dims if d[1] and d[3] not in dims.fixed]
    if not inner:
        return None
    reduced = prod(d[0] for d in dims.dims if d[1])
    outer = [d[0] for d in dims.dims if not d[1]]
    if mode == "outer":
        outer[-1] = -(-outer[-1] // (4 * _lanes(nest, target)))
    units = prod(outer)
    work = prod(d[0] for d in dims.dims)
    if work <= SPLIT_OVER or units >= FEW_UNITS or reduced < 256:
        return None
    longest = max(inner, key=lambda d: d[0])
    wanted = min(MAX_PARTS, work // PART) // units
    length = -(-longest[0] // max(wanted, 2))
    if longest is dims.dims[-1]:
        length = -(-length // 64) * 64
    return (longest[3], length) if length < longest[0] else None


def _split(nest: Nest, dims: _Dims, mode: str, cut: tuple[int, int], new_value) -> tuple[Nest, Nest]:
    """The nest that reduces parts, and the one that combines their results and does what comes after the reduction."""
    name, length = cut
    parts = dict(dims.parts)
    kinds = {d[3]: d for d in dims.dims}
    target = kinds[name]
    for d in dims.dims:
        d[2] = list(d[2])
    if length == 1:
        target[1] = False
        counter = target
    else:
        counter = dims.cut(target, length)
    order = [d for d in dims.dims if not d[1] and d is not counter] + [counter] + [d for d in dims.dims if d[1]]
    place = {d[3]: n for n, d in enumerate(order)}
    sizes, inner = tuple(d[0] for d in order), tuple(d[1] for d in order)
    n_outer = sum(not d[1] for d in order)
    strides = [tuple(d[2][k] for d in order) for k in range(len(dims.operands))]
    operands = [o._replace(strides=strides[k]) for k, o in enumerate(nest.operands)]
    stores = [
        NestStore(s.instr, s.operand._replace(strides=strides[len(nest.operands) + k]))
        for k, s in enumerate(nest.stores)
    ]

    # Where lanes run along an outer dim, results of a part lie one after another; otherwise the results that are combined do.
    shape = [d[0] for d in order[:n_outer]]
    lie = [n_outer - 1, *range(n_outer - 1)] if mode == "outer" else list(range(n_outer))
    result_strides, step = [0] * len(order), 1
    for d in reversed(lie):
        result_strides[d] = step
        step *= shape[d]
    result_shape = tuple(shape[d] for d in lie)
    picks = [n for n, i in enumerate(nest.code) if i.kind == "pick"]
    temporaries = {}
    partial_stores = [s for s in stores if any(st for st, is_inner in zip(s.operand.strides, inner) if is_inner)]
    late = [s for s in stores if s not in partial_stores]
    code = list(nest.code)
    needed = {n for n, i in enumerate(code) if i.kind == "reduce"}
    for r in sorted(needed):
        wanted = (0, 1) if code[r].op.better else (0,)
        for which in wanted:
            at = next((p for p in picks if code[p].args[0] == r and code[p].at == which), None)
            if at is None:
                code.append(Instr("pick", code[code[r].args[which]].dtype, (r,), at=which))
                at = len(code) - 1
            d = code[at].dtype
            temporaries[r, which] = NestOperand(new_value(result_shape, d), d, tuple(result_strides))
            partial_stores.append(NestStore(at, temporaries[r, which]))
    new_parts = tuple((place[c], place[d], total) for d, (c, total) in dims.parts.items())
    partial = _pruned(
        replace(
            nest,
            sizes=sizes,
            inner=inner,
            operands=operands,
            code=code,
            stores=partial_stores,
            parts=new_parts,
            label=nest.label + " parts",
        )
    )

    # The second nest: the same outer dims, and the parts as the only inner one.
    keep = [n for n in range(n_outer) if n != place[counter[3]]] + [place[counter[3]]]
    moved: dict[int, int] = {}
    second: list[Instr] = []
    second_operands: list[NestOperand] = []

    def narrowed(o: NestOperand) -> NestOperand:
        return o._replace(strides=tuple(o.strides[n] for n in keep))

    def build(n: int) -> int:
        if n in moved:
            return moved[n]
        i = code[n]
        if i.kind == "reduce":
            args = []
            for which in (0, 1) if i.op.better else (0,):
                second_operands.append(narrowed(temporaries[n, which]))
                second.append(Instr("load", temporaries[n, which].dtype, at=len(second_operands) - 1))
                args.append(len(second) - 1)
            i = i._replace(args=tuple(args))
        elif i.kind in ("load", "index"):
            second_operands.append(narrowed(operands[i.at]))
            i = i._replace(at=len(second_operands) - 1)
        else:
            i = i._replace(args=tuple(build(a) for a in i.args))
        second.append(i)
        moved[n] = len(second) - 1
        return moved[n]

    second_stores = [NestStore(build(s.instr), narrowed(s.operand)) for s in late]
    outer_parts = tuple(
        (keep.index(place[c]), keep.index(place[d]), total)
        for d, (c, total) in parts.items()
        if place[d] in keep and place[c] in keep
    )
    combine = replace(
        nest,
        sizes=tuple(sizes[n] for n in keep),
        inner=tuple(n == place[counter[3]] for n in keep),
        operands=second_operands,
        code=second,
        stores=second_stores,
        parts=outer_parts,
        label=nest.label + " together",
    )
    return partial, combine


def _pruned(nest: Nest) -> Nest:
    """The nest without code and operands that no store needs."""
    code: list[Instr] = []
    operands: list[NestOperand] = []
    moved: dict[int, int] = {}
    seen: dict[int, int] = {}

    def build(n: int) -> int:
        if n not in moved:
            i = nest.code[n]
            if i.kind in ("load", "index"):
                if i.at not in seen:
                    operands.append(nest.operands[i.at])
                    seen[i.at] = len(operands) - 1
                i = i._replace(at=seen[i.at])
            else:
                i = i._replace(args=tuple(build(a) for a in i.args))
            code.append(i)
            moved[n] = len(code) - 1
        return moved[n]

    stores = [NestStore(build(s.instr), s.operand) for s in nest.stores]
    return replace(nest, operands=operands, code=code, stores=stores)


# ---------------------------------------------------------------- values that later stages need again


def keep_dear(s: Scheduled, new_value: Callable[[tuple[int, ...], dtype], int]) -> Scheduled:
    """Lets a later stage read again what is dear to compute: from where it is stored, or from memory that its own result is going to have."""
    plan, reload, stores = s.plan, {}, list(s.plan.stores)
    operands, plan_operands = list(s.operands), list(s.plan.operands)
    for stage in range(1, plan.n_stages):
        needed = plan.computed(stage)
        fresh = {a for n in needed if plan.stages[n] == stage for a in plan.code[n].args}
        fresh |= {a for n, i in enumerate(plan.code) if i.kind == "reduce" and plan.stages[n] == stage for a in i.args}
        fresh |= {n for n, _, full in stores if full and plan.store_stage(n, full) == stage}
        for n in sorted(fresh & set(needed)):
            if plan.stages[n] == stage or n in reload or _cost_again(plan, n) < 2 * DEAR:
                continue
            stored = [at for m, at, full in stores if m == n and full]
            last = max(k for k in range(stage, plan.n_stages) if n in plan.computed(k))
            later = [
                at
                for m, at, full in plan.stores
                if full and plan.store_stage(m, full) >= last and plan_operands[at].dtype is plan.code[n].dtype
            ]
            later = [at for at in later if at not in reload.values()]
            if stored:
                reload[n] = stored[0]
                continue
            if later:
                at = later[0]
            else:
                sizes = s.words[: plan.outer + plan.inner]
                lane = plan.outer - 1 if plan.mode == "outer" else len(sizes) - 1
                strides, step = [0] * len(sizes), 1
                for d in [lane, *(d for d in reversed(range(len(sizes))) if d != lane)]:
                    strides[d] = step
                    step *= sizes[d]
                at, d = len(operands), plan.code[n].dtype
                operands.append(NestOperand(new_value((step,), d), d, tuple(strides)))
                plan_operands.append(PlanOperand(d, tuple(x if x in (0, 1) else None for x in strides), True))
            stores.insert(0, (n, at, True))
            reload[n] = at
    if not reload:
        return s
    plan = replace(plan, operands=tuple(plan_operands), stores=tuple(stores), reload=tuple(sorted(reload.items())))
    return replace(s, plan=plan, operands=operands)


def _cost_again(plan: Plan, n: int) -> int:
    """What it costs to compute an instruction from memory and from what is known per outer index."""
    seen, stack, cost = set(), [n], 0
    while stack:
        m = stack.pop()
        if m in seen or plan.levels[m] <= 1:
            continue
        seen.add(m)
        i = plan.code[m]
        if i.kind == "apply":
            operands = tuple(plan.code[a].dtype for a in i.args)
            cost += ask(
                i.op,
                i.params,
                operands[:-1] if i.op.takes_index else operands,
                (None,) * (len(operands) - i.op.takes_index),
            ).cost
        stack.extend(i.args)
    return cost
