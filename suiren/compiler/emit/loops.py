"""Loop kernels: from a Plan, a nest whose loops are decided, to instructions.

A unit is one index of the outer dims. In a unit every stage runs over the inner dims:

    mode "inner"   the lanes of a vector run along the last inner dim; reductions end with a horizontal one; values per outer index are scalars
    mode "outer"   the lanes run along the last outer dim, `columns` vectors at a time; values per outer index are vectors

What an instruction depends on decides the *level* at which it is computed: 0 the kernel, 1 the unit, 2 + j inner loop j. So values that are broadcast
along a loop are computed before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.nest import Instr
from suiren.dtypes import dtype, int64

# How many rounds an accumulator goes before it is folded into a total: the error of a sum grows with the longest chain, and a
# chain of 128 is what NumPy's pairwise summation allows itself.
CHAIN = 128


@dataclass(frozen=True)
class PlanOperand:
    """`strides`: one per dim, 0, 1, or None where it is an argument. `memory` is false for an index."""

    dtype: dtype
    strides: tuple[int | None, ...]
    memory: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """All that the code of a loop kernel depends on. Its arguments, in order: the sizes of the dims, how many indices or blocks of each outer dim units
    count, the totals of `parts`, of every operand [pointer] or [offset] and its strides that are arguments, the numbers' indices, [the check's number]."""

    outer: int  # dims; they come first
    inner: int
    mode: str
    lanes: int
    unroll: int  # vectors (mode "inner") or rounds ("outer") of the innermost loop side by side
    columns: int  # mode "outer": vectors of the last outer dim side by side
    masked: bool  # what is left over is done by one masked vector, otherwise element by element
    parts: tuple[
        tuple[int, int], ...
    ]  # (outer dim, dim): the first counts parts of a whole, the second goes over a part; the last one may be shorter
    merged: (
        bool  # neighbouring units are one range of inner dim 0: the outer dim counts its parts, and nothing is reduced
    )
    flush: int  # after each round of this inner loop (the last one: each CHAIN rounds) accumulators are folded into totals; -1: never
    operands: tuple[PlanOperand, ...]
    numbers: tuple[type, ...]
    code: tuple[Instr, ...]
    stores: tuple[tuple[int, int, bool], ...]  # (instruction, operand, whether it varies over inner dims)
    reload: tuple[tuple[int, int], ...] = ()  # (instruction, operand): later stages read what an earlier one stored
    checks: bool = False

    @cached_property
    def key(self) -> tuple:
        operands = tuple((o.dtype.name, o.strides, o.memory) for o in self.operands)
        code = tuple(i.text() for i in self.code)
        shape = (
            self.outer,
            self.inner,
            self.mode,
            self.lanes,
            self.unroll,
            self.columns,
            self.masked,
            self.parts,
            self.merged,
            self.flush,
        )
        return (*shape, operands, tuple(n.__name__ for n in self.numbers), code, self.stores, self.reload, self.checks)

    # ------------------------------------------------------------ levels and stages

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Of each instruction."""
        found: list[int] = []
        for i in self.code:
            if i.kind in ("load", "index"):
                found.append(self.operand_level(i.at))
            elif i.kind == "pick":
                found.append(1)
            elif i.kind == "reduce":
                found.append(self.inner + 1)
            else:
                found.append(max((found[a] for a in i.args), default=0))
        return tuple(found)

    def operand_level(self, at: int) -> int:
        strides = self.operands[at].strides
        for d in reversed(range(self.outer + self.inner)):
            if strides[d] != 0:
                return max(1, 2 + d - self.outer)
        return 0

    @cached_property
    def wide(self) -> tuple[bool, ...]:
        """Of each instruction: whether its lanes differ."""
        found: list[bool] = []
        for i in self.code:
            if i.kind in ("load", "index"):
                found.append(self.is_wide(i.at))
            elif i.kind in ("pick", "reduce"):
                found.append(self.mode == "outer")
            else:
                found.append(any(found[a] for a in i.args))
        return tuple(found)

    def is_wide(self, at: int) -> bool:
        dim = self.outer - 1 if self.mode == "outer" else -1
        return self.lanes > 1 and self.operands[at].strides[dim] != 0

    @cached_property
    def stages(self) -> tuple[int, ...]:
        """Of each instruction at level 0 or 1, after which stage it is known (-1: from the start); of the others, the first stage that computes it."""
        found: list[int] = []
        for n, i in enumerate(self.code):
            if i.kind == "pick":
                found.append(found[i.args[0]])
            elif self.levels[n] <= 1 and i.kind != "reduce":
                found.append(max((found[a] for a in i.args), default=-1))
            else:
                found.append(max((found[a] + (self.levels[a] <= 1) for a in i.args), default=0))
        return tuple(found)

    def store_stage(self, instr: int, full: bool) -> int:
        return self.stages[instr] + (full and self.levels[instr] <= 1)

    @cached_property
    def n_stages(self) -> int:
        last = [self.stages[n] for n, i in enumerate(self.code) if i.kind == "reduce"]
        return 1 + max([*last, *(self.store_stage(i, full) for i, _, full in self.stores if full)], default=-1)

    def computed(self, stage: int) -> list[int]:
        """The instructions of inner levels that this stage computes, or reads again."""
        reload = dict(self.reload)
        wanted = [a for n, i in enumerate(self.code) if i.kind == "reduce" and self.stages[n] == stage for a in i.args]
        wanted += [i for i, _, full in self.stores if full and self.store_stage(i, full) == stage]
        found = set()
        while wanted:
            n = wanted.pop()
            if self.levels[n] > 1 and n not in found:
                found.add(n)
                if not (n in reload and self.stages[n] < stage):
                    wanted.extend(self.code[n].args)
        return sorted(found)

    def loads(self, stage: int) -> set[int]:
        """The operands that the inner loops of a stage read."""
        reload = dict(self.reload)
        return {
            self.code[n].at
            for n in self.computed(stage)
            if self.code[n].kind == "load" and not (n in reload and self.stages[n] < stage)
        }


def compute(b: Builder, i: Instr, args: list[Value], check: int | None = None) -> Value:
    """One instruction that is neither memory nor a reduction. Also what epilogues of templates are emitted with."""
    if i.kind == "const":
        return b.const(i.value, i.dtype)
    if i.kind == "convert":
        return b.convert(args[0], i.dtype)
    if i.op.takes_index:
        return i.op.emit(b, args[:-1], i.params, args[-1], check)
    return i.op.emit(b, args, i.params, None, check)


class _MaskedChecks:
    """A builder whose checks overlook the lanes that a mask leaves out."""

    def __init__(self, b: Builder, mask: Value):
        self._b, self._mask = b, mask

    def __getattr__(self, name: str):
        return getattr(self._b, name)

    def check(self, ok: Value, value: Value, check_word: int) -> None:
        if ok.lanes == self._mask.lanes:
            ok = self._b.or_(ok, self._b.not_(self._mask))
        self._b.check(ok, value, check_word)


class _Accumulator:
    """What one reduction carries round its loops: `n` independent vectors (for a search: of values and of their places), and a total."""

    def __init__(self, kernel: _LoopKernel, instr: int, columns: int, lanes: int):
        self.b, self.i = kernel.b, kernel.plan.code[instr]
        self.combine, self.better = self.i.op.combine, self.i.op.better
        b, n = self.b, kernel.plan.unroll
        d = kernel.plan.code[self.i.args[0]].dtype
        self.identity = b.const(self.i.op.identity(d), d, lanes)
        start = [self.identity]
        if (
            self.better is not None
        ):  # place 0: it is right where nothing is better than the identity, for then all are equal to it
            start.append(b.const(0, kernel.plan.code[self.i.args[1]].dtype, lanes))
        self.vars = [[[b.var(v) for v in start] for _ in range(n)] for _ in range(columns)]
        self.totals = (
            [[b.var(self.identity)] for _ in range(columns)] if kernel.plan.flush >= 0 and self.better is None else None
        )

    def add(self, column: int, k: int, values: list[Value], mask: Value | None) -> None:
        b, acc = self.b, self.vars[column][k]
        old = [v.get() for v in acc]
        values = [b.splat(v, old[0].lanes) for v in values]
        if self.better is None:
            x = values[0] if mask is None else b.select(mask, values[0], self.identity)
            acc[0].set(self.combine(b, old[0], x))
            return
        takes = self.better(b, values[0], old[0])
        if mask is not None:
            takes = b.and_(takes, mask)
        for var, x, best in zip(acc, values, old):
            var.set(b.select(takes, x, best))

    def merge(self, x: list[Value], y: list[Value]) -> list[Value]:
        """Of a search: the better one; of equal ones the one that comes first."""
        b = self.b
        if self.better is None:
            return [self.combine(b, x[0], y[0])]
        earlier = b.and_(b.not_(self.better(b, x[0], y[0])), b.lt(y[1], x[1]))
        takes = b.or_(self.better(b, y[0], x[0]), earlier)
        return [b.select(takes, new, old) for old, new in zip(x, y)]

    def _together(self, column: int) -> list[Value]:
        parts = [[v.get() for v in acc] for acc in self.vars[column]]
        while len(parts) > 1:
            parts = [self.merge(*parts[k : k + 2]) if k + 1 < len(parts) else parts[k] for k in range(0, len(parts), 2)]
        return parts[0]

    def fold(self) -> None:
        """Adds the accumulators to the total and starts them anew."""
        if self.totals is None:
            return
        for column, total in enumerate(self.totals):
            total[0].set(self.combine(self.b, total[0].get(), self._together(column)[0]))
            for acc in self.vars[column]:
                acc[0].set(self.identity)

    def result(self, column: int, horizontal: bool) -> list[Value]:
        found = self._together(column)
        if self.totals is not None:
            found = self.merge([self.totals[column][0].get()], found)
        if not horizontal or found[0].lanes == 1:
            return found
        if self.better is None:
            return [self.b.hreduce(found[0], lambda x, y: self.combine(self.b, x, y))]
        while found[0].lanes > 1:
            half = found[0].lanes // 2
            found = self.merge(*([self.b.slice(v, at, half) for v in found] for at in (0, half)))
        return found


class _LoopKernel:
    def __init__(self, b: Builder, plan: Plan):
        self.b, self.plan = b, plan
        self.rank = plan.outer + plan.inner
        self._read_arguments()
        # Of every level: pointers (or offsets, of an index), and values by (instruction, column).
        self.at: list[list[Value]] = [self.base, *([] for _ in range(plan.inner + 1))]
        self.values: list[dict[tuple[int, int], Value]] = [{} for _ in range(plan.inner + 2)]
        self.mask: Value | None = None
        self.lanes = plan.lanes
        self.columns = 1
        self.stage = 0

    # ------------------------------------------------------------ arguments

    def _read_arguments(self) -> None:
        b, plan, word = self.b, self.plan, 0

        def take() -> Value:
            nonlocal word
            word += 1
            return b.arg_int(word - 1)

        self.sizes = [take() for _ in range(self.rank)]
        self.counts = [take() for _ in range(plan.outer)]
        self.totals = [take() for _ in plan.parts]
        self.base, self.strides = [], []
        for o in plan.operands:
            if o.memory:
                self.base.append(b.arg_ptr(word))
                word += 2
            else:
                self.base.append(take())
            self.strides.append([take() if s is None else s for s in o.strides])
        self.numbers = list(range(word, word + len(plan.numbers)))
        self.check_word = word + len(plan.numbers)

    # ------------------------------------------------------------ where operands are

    def _advance(self, level: int, dims: dict[int, Value]) -> None:
        """Makes the pointers of a level from those of the level before, which stand at index 0 of `dims`."""
        b, found = self.b, []
        for o, before, strides in zip(self.plan.operands, self.at[level - 1], self.strides):
            offset = None
            for d, i in dims.items():
                if o.strides[d] == 0:
                    continue
                step = i if o.strides[d] == 1 else b.mul(i, strides[d])
                offset = step if offset is None else b.add(offset, step)
            if offset is not None:
                before = b.at(before, offset, o.dtype) if o.memory else b.add(before, offset)
            found.append(before)
        self.at[level] = found

    def _lane_stride(self, at: int):
        return self.strides[at][self.plan.outer - 1 if self.plan.mode == "outer" else -1]

    def _shifted(self, at: int, level: int, column: int) -> Value:
        """Where an operand's vector of this column begins."""
        b, here = self.b, self.at[level][at]
        if column and self.plan.is_wide(at):
            stride = self._lane_stride(at)
            offset = column * self.plan.lanes if stride == 1 else b.mul(stride, column * self.plan.lanes)
            here = (
                b.at(here, offset, self.plan.operands[at].dtype)
                if self.plan.operands[at].memory
                else b.add(here, offset)
            )
        return here

    def _lane_offsets(self, at: int) -> Value:
        stride = self._lane_stride(at)
        lanes = self.b.iota(int64, self.lanes)
        return lanes if stride == 1 else self.b.mul(lanes, stride)

    def _load(self, at: int, level: int, column: int) -> Value:
        b, o, here = self.b, self.plan.operands[at], self._shifted(at, level, column)
        if not self.plan.is_wide(at) or self.lanes == 1:
            return b.load(here, o.dtype)
        if self._lane_stride(at) == 1:
            return b.load(here, o.dtype, self.lanes, mask=self.mask)
        return b.gather(here, o.dtype, self._lane_offsets(at), self.mask)

    def _store(self, x: Value, at: int, level: int, column: int) -> None:
        b, here = self.b, self._shifted(at, level, column)
        if not self.plan.is_wide(at) or self.lanes == 1:
            b.store(x, here)
            return
        x = b.splat(x, self.lanes)
        if self._lane_stride(at) == 1:
            b.store(x, here, mask=self.mask)
        else:
            b.scatter(x, here, self._lane_offsets(at), self.mask)

    # ------------------------------------------------------------ values

    def _get(self, n: int, column: int) -> Value:
        return self.values[self.plan.levels[n]][n, column if self.plan.wide[n] else 0]

    def _evaluate(self, instructions: list[int], level: int) -> None:
        """Computes instructions of one level, for every column."""
        plan, reload = self.plan, dict(self.plan.reload)
        for n in instructions:
            i = plan.code[n]
            for column in range(self.columns if plan.wide[n] else 1):
                if n in reload and plan.stages[n] < self.stage:
                    value = self._load(reload[n], level, column)
                elif i.kind == "load":
                    value = self._load(i.at, level, column)
                elif i.kind == "index":
                    value = self._index(i, level, column)
                elif i.kind == "number":
                    value = self.b.number(self.numbers[i.at], plan.numbers[i.at], i.dtype)
                else:
                    args = [self._get(a, column) for a in i.args]
                    b = self.b
                    if plan.checks and self.mask is not None and plan.wide[n]:
                        b = _MaskedChecks(b, self.mask)
                    value = compute(b, i, args, self.check_word)
                self.values[level][n, column] = value

    def _index(self, i: Instr, level: int, column: int) -> Value:
        b = self.b
        x = b.convert(self._shifted(i.at, level, column), i.dtype)
        if not self.plan.is_wide(i.at) or self.lanes == 1:
            return x
        lanes = self._lane_offsets(i.at) if self._lane_stride(i.at) != 1 else b.iota(i.dtype, self.lanes)
        return b.add(b.splat(x, self.lanes), b.convert(lanes, i.dtype))

    def _outer_instructions(self, level: int, stage: int) -> list[int]:
        plan = self.plan
        kinds = ("reduce", "pick")
        return [
            n
            for n, i in enumerate(plan.code)
            if plan.levels[n] == level and plan.stages[n] == stage and i.kind not in kinds
        ]

    # ------------------------------------------------------------ the units

    def emit(self) -> None:
        b, plan = self.b, self.plan
        self._evaluate(self._outer_instructions(0, -1), 0)
        self.ranges = [(b.i64(0), n) for n in self.sizes[plan.outer :]]
        if plan.merged:
            length = self.sizes[1]
            self.ranges[0] = (b.mul(b.begin, length), self._least(b.mul(b.end, length), self.totals[0]))
            self._advance(1, {})
            self._stages()
            return
        with b.loop(b.begin, b.end, unroll=1) as unit:
            self._unit(self._decode(unit))

    def _least(self, x: Value, y: Value) -> Value:
        return self.b.select(self.b.lt(x, y), x, y)

    def _decode(self, unit: Value) -> list[Value]:
        """The outer index that a unit is; in mode "outer" the last one counts blocks of columns."""
        b, found = self.b, []
        for count in reversed(self.counts[1:]):
            found.append(b.trunc_rem(unit, count))
            unit = b.trunc_div(unit, count)
        return [unit, *reversed(found)] if self.plan.outer else []

    def _unit(self, outer: list[Value]) -> None:
        b, plan = self.b, self.plan
        lengths = list(self.sizes)
        for (counter, d), total in zip(plan.parts, self.totals):
            lengths[d] = self._least(lengths[d], b.sub(total, b.mul(outer[counter], lengths[d])))
        self.ranges = [(b.i64(0), n) for n in lengths[plan.outer :]]
        if plan.mode == "inner":
            self._advance(1, dict(enumerate(outer)))
            self._stages()
            return
        width = plan.lanes * plan.columns
        begin = b.mul(outer[-1], width)
        count = b.sub(lengths[plan.outer - 1], begin)
        with b.if_else(b.ge(count, width), likely=True) as (full, rest):
            with full:
                self._advance(1, dict(enumerate([*outer[:-1], begin])))
                self._columns(plan.columns, plan.lanes, None)
            with rest, b.loop(0, count, plan.lanes if plan.masked else 1, unroll=1) as i:
                self._advance(1, dict(enumerate([*outer[:-1], b.add(begin, i)])))
                if plan.masked:
                    self._columns(1, plan.lanes, b.lane_mask(b.sub(count, i), plan.lanes))
                else:
                    self._columns(1, 1, None)

    def _columns(self, columns: int, lanes: int, mask: Value | None) -> None:
        self.columns, self.lanes, self.mask = columns, lanes, mask
        self._stages()

    # ------------------------------------------------------------ the stages

    def _stages(self) -> None:
        plan = self.plan
        self._outer_values(-1)
        for self.stage in range(plan.n_stages):
            self._run_stage()
            self._outer_values(self.stage)

    def _outer_values(self, stage: int) -> None:
        """Computes and stores what is known per outer index after a stage."""
        plan = self.plan
        self._evaluate(self._outer_instructions(1, stage), 1)
        for n, at, full in plan.stores:
            if not full and plan.stages[n] == stage:
                for column in range(self.columns if plan.is_wide(at) else 1):
                    self._store(self._get(n, column), at, 1, column)

    def _run_stage(self) -> None:
        plan, stage = self.plan, self.stage
        self.needed: list[list[int]] = [[] for _ in range(plan.inner + 2)]
        for n in plan.computed(stage):
            self.needed[plan.levels[n]].append(n)
        self.reduces = [n for n, i in enumerate(plan.code) if i.kind == "reduce" and plan.stages[n] == stage]
        self.stored = [(n, at) for n, at, full in plan.stores if full and plan.store_stage(n, full) == stage]
        horizontal = plan.mode == "inner"
        lanes = self.lanes
        self.accumulators = {n: _Accumulator(self, n, self.columns, lanes) for n in self.reduces}
        if (
            horizontal and not plan.masked and lanes > 1 and self.reduces
        ):  # single elements have accumulators of their own
            self.singles = {n: _Accumulator(self, n, 1, 1) for n in self.reduces}
        else:
            self.singles = {}
        self._loops(0)
        for n, accumulator in self.accumulators.items():
            for column in range(self.columns):
                found = accumulator.result(column, horizontal)
                if n in self.singles:
                    found = accumulator.merge(found, self.singles[n].result(0, False))
                for p, i in enumerate(plan.code):
                    if i.kind == "pick" and i.args[0] == n:
                        self.values[1][p, column] = self.b.convert(found[i.at], i.dtype)

    def _loops(self, j: int) -> None:
        """Inner loop j and what is in it."""
        b, plan = self.b, self.plan
        if plan.inner == 0:
            self._bodies([{}])
            return
        lo, hi = self.ranges[j]
        if j == plan.inner - 1:
            self._innermost(lo, hi)
            return
        with b.loop(lo, hi, unroll=1) as i:
            self._advance(2 + j, {plan.outer + j: i})
            self._evaluate(self.needed[2 + j], 2 + j)
            self._loops(j + 1)
            if plan.flush == j:
                self._fold()

    def _fold(self) -> None:
        for accumulator in (*self.accumulators.values(), *self.singles.values()):
            accumulator.fold()

    def _innermost(self, lo: Value, hi: Value) -> None:
        b, plan = self.b, self.plan
        dim = self.rank - 1
        lanes = self.lanes if plan.mode == "inner" else 1
        step = lanes * plan.unroll
        whole = self._last_multiple(lo, hi, step)
        if plan.flush == plan.inner - 1:
            with b.loop(lo, whole, CHAIN * step, unroll=1) as block:
                self._rounds(block, self._least(b.add(block, CHAIN * step), whole), step, lanes)
                self._fold()
        else:
            self._rounds(lo, whole, step, lanes)
        if step == 1:
            return
        if plan.unroll > 1:
            single = self._last_multiple(whole, hi, lanes)
            self._rounds(whole, single, lanes, lanes)
            whole = single
        if lanes == 1:
            return
        if plan.masked:
            with b.if_(b.lt(whole, hi)):
                self.mask = b.lane_mask(b.sub(hi, whole), lanes)
                self._bodies([{dim: whole}])
                self.mask = None
        else:
            self.lanes = 1
            accumulators = self.accumulators
            self.accumulators = self.singles or accumulators
            with b.loop(whole, hi, unroll=1) as i:
                self._bodies([{dim: i}])
            self.lanes, self.accumulators = lanes, accumulators

    def _last_multiple(self, lo: Value, hi: Value, step: int) -> Value:
        """How far steps of this size (a power of two) from lo get without passing hi."""
        return self.b.add(lo, self.b.and_(self.b.sub(hi, lo), -step)) if step > 1 else hi

    def _rounds(self, lo: Value, hi: Value, step: int, lanes: int) -> None:
        b = self.b
        with b.loop(lo, hi, step, unroll=1) as i:
            self._bodies([{self.rank - 1: b.add(i, at) if at else i} for at in range(0, step, lanes)])

    def _bodies(self, places: list[dict[int, Value]]) -> None:
        """The body of the innermost loop at several places: first everything is computed, then it is stored."""
        plan, level = self.plan, self.plan.inner + 1
        stores = []
        for k, place in enumerate(places):
            if plan.inner:
                self._advance(level, place)
                self._evaluate(self.needed[level], level)
            for n, accumulator in self.accumulators.items():
                for column in range(self.columns):
                    mask = self.mask if plan.mode == "inner" else None
                    accumulator.add(column, k, [self._get(a, column) for a in plan.code[n].args], mask)
            for n, at in self.stored:
                for column in range(self.columns if plan.is_wide(at) else 1):
                    stores.append((self._get(n, column), at, self.at[level], column))
        for value, at, pointers, column in stores:
            self.at[level] = pointers
            self._store(value, at, level, column)


def emit(b: Builder, plan: Plan) -> None:
    """Writes the kernel of a plan."""
    _LoopKernel(b, plan).emit()
