"""From a nest to plans: how many vectors go side by side, what a unit is, what later stages read again.

All of it goes by sizes and strides, never by threads, so a result has the same bits on any number of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from suiren.compiler.emit.plan import CHAIN, Plan, PlanOperand
from suiren.compiler.emit.target import Target
from suiren.compiler.nest import Nest, NestOperand
from suiren.compiler.passes.dims import Dims, lanes_of, pointwise_dims, reduction_dims
from suiren.compiler.passes.split import cut_of, split
from suiren.compiler.passes.symbolic import DEAR, ask
from suiren.dtypes import dtype

NewValue = Callable[[tuple[int, ...], dtype], int]

# Bytes between two rows from which on the machine does not foresee the next one, and how many rows ahead it is told.
FAR_ROWS, ROWS_AHEAD = 2048, 8


@dataclass(eq=False)
class Scheduled:
    """A plan with what one call of it needs: `words` come first among its arguments, `operands` are those of the plan."""

    plan: Plan
    words: list[int]
    operands: list[NestOperand]
    units: int
    nest: Nest


def schedule(nest: Nest, target: Target, new_value: NewValue) -> list[Scheduled]:
    """The plans of a nest, in the order in which they run. `new_value(shape, dtype)` makes a temporary."""
    if not nest.reduces:
        return [_plan(pointwise_dims(nest, target), target)]
    dims = reduction_dims(nest, target)
    cut = cut_of(dims, lanes_of(nest, target)) if _has_one_stage(nest) else None
    if cut is None:
        return [_with_kept(_plan(dims, target), new_value)]
    partial, combine = split(dims, cut, new_value)
    return [_plan(reduction_dims(partial, target), target), *schedule(combine, target, new_value)]


def _has_one_stage(nest: Nest) -> bool:
    """Whether nothing over the whole domain, and no other reduction, waits for a reduction."""
    late: set[int] = set()
    for n, i in enumerate(nest.code):
        if i.kind == "reduce" and any(a in late for a in i.args):
            return False
        if i.kind == "reduce" or any(a in late for a in i.args):
            late.add(n)
    stored = [s for s in nest.stores if any(step for step, inner in zip(s.operand.strides, nest.inner) if inner)]
    return not any(s.instr in late for s in stored)


# ---------------------------------------------------------------- plans


def _plan(dims: Dims, target: Target) -> Scheduled:
    nest, mode = dims.nest, dims.mode
    order = [d for d in dims.dims if not d.inner] + [d for d in dims.dims if d.inner]
    place = {d.name: n for n, d in enumerate(order)}
    outer = sum(not d.inner for d in order)
    inner = len(order) - outer
    lane = order[outer - 1] if mode == "outer" else order[-1]
    lanes = 1 if dims.is_scalar else lanes_of(nest, target)
    if lane.name in dims.parts and mode == "outer" and lane.size <= 2 * lanes:
        lanes = lane.size  # a block of channels is one vector
    elif lane.size < lanes:
        lanes = 1 << (lane.size - 1).bit_length()
    # A masked access is one instruction for elements of 4 and 8 bytes only.
    wide = [o.dtype.itemsize for o, s, memory in zip(dims.operands, lane.strides, dims.memory) if memory and s]
    columns = max(1, min(4 if nest.cost <= 16 else 2, lane.size // lanes)) if mode == "outer" else 1
    parts = sorted((place[c], place[d], total) for d, (c, total) in dims.parts.items())
    plan = Plan(
        outer=outer,
        inner=inner,
        mode=mode,
        lanes=lanes,
        columns=columns,
        masked=lanes > 1 and all(size in (4, 8) for size in wide),
        parts=tuple(p[:2] for p in parts),
        merged=mode == "inner" and outer == 1 and not nest.reduces and [p[:2] for p in parts] == [(0, 1)],
        flush=-1,
        operands=tuple(
            PlanOperand(o.dtype, tuple(_fixed(d.strides[k]) for d in order), o.value >= 0)
            for k, o in enumerate(dims.operands)
        ),
        numbers=tuple(n.cls for n in nest.numbers),
        code=tuple(nest.code),
        stores=tuple(
            (s.instr, k, not nest.reduces or any(d.strides[k] for d in order[outer:]))
            for k, s in enumerate(nest.stores, dims.first_store)
        ),
        turned=tuple(dims.turned),
        checks=nest.check is not None,
    )
    sizes = [d.size for d in order]
    plan = replace(plan, unroll=_unroll(plan, sizes))
    plan = replace(plan, flush=_flush(plan, sizes), ahead=_ahead(plan, dims, order) if inner else 0)
    counts = sizes[:outer]
    if mode == "outer":
        counts[-1] = -(-counts[-1] // (lanes * columns))
    words = sizes + counts + [total for _, _, total in parts]
    operands = [o._replace(strides=tuple(d.strides[k] for d in order)) for k, o in enumerate(dims.operands)]
    return Scheduled(plan, words, operands, prod(counts), nest)


def _fixed(stride: int) -> int | None:
    return stride if stride in (0, 1) else None


def _unroll(plan: Plan, sizes: list[int]) -> tuple[int, ...]:
    """Of every stage: enough independent work to hide the time an addition takes, not more than the loop has rounds."""
    rounds = 1
    if plan.inner:
        rounds = sizes[-1] // plan.lanes if plan.mode == "inner" else sizes[-1]
    found = []
    for stage in range(plan.n_stages):
        cost = sum(cost_of(plan, n) for n in plan.computed(stage)) + len(plan.reduces(stage))
        count = 4 if cost <= 8 else 2 if cost <= 40 else 1
        count = max(1, count // plan.columns)
        while count > max(rounds, 1):
            count //= 2
        found.append(count)
    return tuple(found)


def _flush(plan: Plan, sizes: list[int]) -> int:
    """The inner loop after which accumulators are folded, so that no chain of additions is much longer than CHAIN."""
    loops = sizes[plan.outer :]
    if not loops or not any(i.kind == "reduce" for i in plan.code):
        return -1
    step = min(plan.unroll) * (plan.lanes if plan.mode == "inner" else 1)
    rounds = -(-loops[-1] // step)
    if rounds > 2 * CHAIN:
        return len(loops) - 1
    for j in reversed(range(len(loops) - 1)):
        if rounds * loops[j] > 2 * CHAIN:
            return j
        rounds *= loops[j]
    return -1


def _ahead(plan: Plan, dims: Dims, order: list) -> int:
    if plan.mode != "outer" or order[-1].size < 4 * ROWS_AHEAD:
        return 0
    steps = [
        abs(order[-1].strides[i.at]) * plan.operands[i.at].dtype.itemsize
        for n, i in enumerate(plan.code)
        if i.kind == "load" and plan.levels[n] == plan.inner + 1 and plan.is_wide(i.at)
    ]
    return ROWS_AHEAD if max(steps, default=0) >= FAR_ROWS else 0


def cost_of(plan: Plan, n: int) -> int:
    """What one instruction costs, in additions."""
    i = plan.code[n]
    if i.kind != "apply":
        return 0
    operands = tuple(plan.code[a].dtype for a in i.args)
    operands = operands[:-1] if i.op.takes_index else operands
    return ask(i.op, i.params, operands, (None,) * len(operands)).cost


# ---------------------------------------------------------------- values that later stages need again


def _with_kept(s: Scheduled, new_value: NewValue) -> Scheduled:
    """Lets a later stage read again what is dear to compute: from where it is stored, or from memory that its own result
    is going to have."""
    plan, reload, stores = s.plan, {}, list(s.plan.stores)
    operands, plan_operands = list(s.operands), list(s.plan.operands)
    needed = [plan.computed(stage) for stage in range(plan.n_stages)]
    for stage in range(1, plan.n_stages):
        for n in _needed_again(plan, stage, needed[stage]):
            if n in reload or _cost_again(plan, n) < 2 * DEAR:
                continue
            last = max(k for k in range(stage, plan.n_stages) if n in needed[k])
            d, stored = plan.code[n].dtype, [at for m, at, full in stores if m == n and full]
            later = [at for m, at, full in plan.stores if full and plan.store_stage(m, full) >= last]
            later = [at for at in later if plan_operands[at].dtype is d and at not in reload.values()]
            if stored:
                reload[n] = stored[0]
                continue
            if not later:
                operands.append(_temporary(s, d, new_value))
                strides = tuple(_fixed(x) for x in operands[-1].strides)
                plan_operands.append(PlanOperand(d, strides, True))
                later = [len(operands) - 1]
            stores.insert(0, (n, later[0], True))
            reload[n] = later[0]
    if not reload:
        return s
    kept = replace(plan, operands=tuple(plan_operands), stores=tuple(stores), reload=tuple(sorted(reload.items())))
    kept = replace(kept, unroll=_unroll(kept, s.words[: plan.outer + plan.inner]))
    return replace(s, plan=kept, operands=operands)


def _needed_again(plan: Plan, stage: int, needed: list[int]) -> list[int]:
    """The instructions of earlier stages whose results are arguments of what this stage is there for."""
    found = {a for n in needed if plan.stages[n] == stage for a in plan.code[n].args}
    found |= {a for n in plan.reduces(stage) for a in plan.code[n].args} | {n for n, _ in plan.stored(stage)}
    return sorted(n for n in found & set(needed) if plan.stages[n] < stage)


def _temporary(s: Scheduled, d: dtype, new_value: NewValue) -> NestOperand:
    """Memory for a value over the whole domain, contiguous along the lanes."""
    sizes = s.words[: s.plan.outer + s.plan.inner]
    lane = s.plan.lane_dim
    strides, step = [0] * len(sizes), 1
    for dim in [lane, *(n for n in reversed(range(len(sizes))) if n != lane)]:
        strides[dim] = step
        step *= sizes[dim]
    return NestOperand(new_value((step,), d), d, tuple(strides))


def _cost_again(plan: Plan, n: int) -> int:
    """What it costs to compute an instruction from memory and from what is known per outer index."""
    seen, stack, cost = set(), [n], 0
    while stack:
        m = stack.pop()
        if m not in seen and plan.levels[m] > 1:
            seen.add(m)
            cost += cost_of(plan, m)
            stack.extend(plan.code[m].args)
    return cost
