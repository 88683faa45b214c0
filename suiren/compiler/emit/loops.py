"""Loop kernels: the code of a Plan (plan.py)."""

from __future__ import annotations

from suiren.compiler.emit.accumulate import Accumulator
from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.emit.plan import CHAIN, Plan
from suiren.compiler.nest import Instr
from suiren.dtypes import int64

UNROLLED_TILE = 6  # instructions up to which all rows of a turned square are written out; then they stay in registers


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


class _LoopKernel:
    def __init__(self, b: Builder, plan: Plan):
        self.b, self.plan = b, plan
        self.rank = plan.outer + plan.inner
        self._read_arguments()
        # Of every level: pointers (of an index, offsets), and values by (instruction, column).
        self.at: list[list[Value]] = [self.base, *([] for _ in range(plan.inner + 1))]
        self.values: list[dict[tuple[int, int], Value]] = [{} for _ in range(plan.inner + 2)]
        self.mask: Value | None = None
        self.lanes = plan.lanes
        self.columns = 1
        self.stage = 0
        self.rows: dict[int, Value] = {}  # of turned operands: where the vector of the row at hand lies

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

    def _step(self, at: int, d: int, i: int | Value) -> Value | int:
        """How far index i along a dim is, in elements."""
        stride = self.strides[at][d]
        return i if stride == 1 else self.b.mul(stride, i)

    def _moved(self, at: int, here: Value, offset: int | Value) -> Value:
        if self.plan.operands[at].memory:
            return self.b.at(here, offset, self.plan.operands[at].dtype)
        return self.b.add(here, offset)

    def _advance(self, level: int, dims: dict[int, Value]) -> None:
        """Makes the pointers of a level from those of the level before, which stand at index 0 of `dims`."""
        b, found = self.b, []
        for at, (o, here) in enumerate(zip(self.plan.operands, self.at[level - 1])):
            offset = None
            for d, i in dims.items():
                if o.strides[d] != 0:
                    step = self._step(at, d, i)
                    offset = step if offset is None else b.add(offset, step)
            found.append(here if offset is None else self._moved(at, here, offset))
        self.at[level] = found

    def _lane_stride(self, at: int):
        return self.strides[at][self.plan.lane_dim]

    def _shifted(self, at: int, level: int, column: int) -> Value:
        """Where an operand's vector of this column begins."""
        here = self.at[level][at]
        if column and self.plan.is_wide(at):
            here = self._moved(at, here, self._step(at, self.plan.lane_dim, column * self.plan.lanes))
        return here

    def _lane_offsets(self, at: int) -> Value:
        stride = self._lane_stride(at)
        lanes = self.b.iota(int64, self.lanes)
        return lanes if stride == 1 else self.b.mul(lanes, stride)

    def _load(self, at: int, level: int, column: int) -> Value:
        b, o = self.b, self.plan.operands[at]
        if at in self.rows:
            return b.load(self.rows[at], o.dtype, self.lanes)
        here = self._shifted(at, level, column)
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
        for n in instructions:
            for column in range(self.columns if self.plan.wide[n] else 1):
                self.values[level][n, column] = self._value(n, level, column)

    def _value(self, n: int, level: int, column: int) -> Value:
        plan, i, b = self.plan, self.plan.code[n], self.b
        if plan.is_reread(n, self.stage):
            return self._load(dict(plan.reload)[n], level, column)
        if i.kind == "load":
            return self._load(i.at, level, column)
        if i.kind == "index":
            return self._index(i, level, column)
        if i.kind == "number":
            return b.number(self.numbers[i.at], plan.numbers[i.at], i.dtype)
        if plan.checks and self.mask is not None and plan.wide[n]:
            b = _MaskedChecks(b, self.mask)
        return compute(b, i, [self._get(a, column) for a in i.args], self.check_word)

    def _index(self, i: Instr, level: int, column: int) -> Value:
        b = self.b
        x = b.convert(self._shifted(i.at, level, column), i.dtype)
        if not self.plan.is_wide(i.at) or self.lanes == 1:
            return x
        unit = self._lane_stride(i.at) == 1
        lanes = b.iota(i.dtype, self.lanes) if unit else b.convert(self._lane_offsets(i.at), i.dtype)
        return b.add(b.splat(x, self.lanes), lanes)

    def _outer_instructions(self, level: int, stage: int) -> list[int]:
        plan = self.plan
        known = [n for n, i in enumerate(plan.code) if plan.levels[n] == level and plan.stages[n] == stage]
        return [n for n in known if plan.code[n].kind not in ("reduce", "pick")]

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
        self._outer_values(-1)
        for self.stage in range(self.plan.n_stages):
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
        b, plan, stage = self.b, self.plan, self.stage
        self.unroll = plan.unroll[min(stage, len(plan.unroll) - 1)]
        self.needed: list[list[int]] = [[] for _ in range(plan.inner + 2)]
        for n in plan.computed(stage):
            self.needed[plan.levels[n]].append(n)
        self.stored = plan.stored(stage)
        reduces, horizontal, lanes = plan.reduces(stage), plan.mode == "inner", self.lanes
        self.accumulators = {n: Accumulator(b, plan, n, self.columns, lanes, self.unroll) for n in reduces}
        self.singles = {}
        if horizontal and not plan.masked and lanes > 1:  # what is left over has accumulators of its own
            self.singles = {n: Accumulator(b, plan, n, 1, 1, 1) for n in reduces}
        self._loops(0)
        for n, accumulator in self.accumulators.items():
            for column in range(self.columns):
                found = accumulator.result(column, horizontal)
                if n in self.singles:
                    found = accumulator.merge(found, self.singles[n].result(0, False))
                for p, i in enumerate(plan.code):
                    if i.kind == "pick" and i.args[0] == n:
                        self.values[1][p, column] = b.convert(found[i.at], i.dtype)

    # ------------------------------------------------------------ the inner loops

    def _loops(self, j: int) -> None:
        """Inner loop j and what is in it."""
        b, plan = self.b, self.plan
        if plan.inner == 0:
            self._bodies([{}])
            return
        lo, hi = self.ranges[j]
        if plan.turned and j == plan.inner - 2:
            self._squares()
            return
        if j == plan.inner - 1:
            self._innermost(lo, hi)
            return
        with b.loop(lo, hi, unroll=1) as i:
            self._enter(j, i)
            self._loops(j + 1)
            if plan.flush == j:
                self._fold()

    def _enter(self, j: int, i: Value) -> None:
        """What is computed in loop j before the loops in it."""
        self._advance(2 + j, {self.plan.outer + j: i})
        self._evaluate(self.needed[2 + j], 2 + j)

    def _fold(self) -> None:
        for accumulator in (*self.accumulators.values(), *self.singles.values()):
            accumulator.fold()

    def _innermost(self, lo: Value, hi: Value) -> None:
        b, plan = self.b, self.plan
        lanes = self.lanes if plan.mode == "inner" else 1
        step = lanes * self.unroll
        whole = self._last_multiple(lo, hi, step)
        if plan.flush == plan.inner - 1:
            with b.loop(lo, whole, CHAIN * step, unroll=1) as block:
                self._rounds(block, self._least(b.add(block, CHAIN * step), whole), step, lanes)
                self._fold()
        else:
            self._rounds(lo, whole, step, lanes)
        if step == 1:
            return
        if self.unroll > 1:
            single = self._last_multiple(whole, hi, lanes)
            self._rounds(whole, single, lanes, lanes)
            whole = single
        if lanes > 1 and plan.masked:
            with b.if_(b.lt(whole, hi)):
                self.mask = b.lane_mask(b.sub(hi, whole), lanes)
                self._bodies([{self.rank - 1: whole}])
                self.mask = None
        elif lanes > 1:
            self._one_by_one(whole, hi)

    def _one_by_one(self, lo: Value, hi: Value) -> None:
        """What is left of the last dim, element by element."""
        lanes, accumulators = self.lanes, self.accumulators
        self.lanes, self.accumulators = 1, self.singles or accumulators
        with self.b.loop(lo, hi, unroll=1) as i:
            self._bodies([{self.rank - 1: i}])
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
            self._fetch_ahead(level)
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

    def _fetch_ahead(self, level: int) -> None:
        """Asks for what rounds to come will read: rows that lie in pages of their own are not foreseen by the machine."""
        plan, b = self.plan, self.b
        if not plan.ahead or self.mask is not None or self.lanes == 1:
            return
        for n in self.needed[level]:
            at = plan.code[n].at
            if plan.code[n].kind != "load" or not plan.is_wide(at):
                continue
            there = self._moved(at, self.at[level][at], self._step(at, self.rank - 1, plan.ahead))
            line = 64 // plan.operands[at].dtype.itemsize
            for first in range(0, self.columns * plan.lanes, line):
                b.prefetch(there, first, plan.operands[at].dtype)

    # ------------------------------------------------------------ squares that are turned

    def _squares(self) -> None:
        """The last two loops, where some operands are contiguous along the one before the last: square by square, the
        vectors of those operands turned in registers; what is left over at the edges element by element."""
        b, plan, lanes = self.b, self.plan, self.lanes
        j = plan.inner - 2
        (lo, hi), (first, last) = self.ranges[j], self.ranges[j + 1]
        whole, whole_last = self._last_multiple(lo, hi, lanes), self._last_multiple(first, last, lanes)
        space = {at: b.scratch(lanes * lanes * plan.operands[at].dtype.itemsize) for at in plan.turned}
        with b.loop(lo, whole, lanes, unroll=1) as o:
            with b.loop(first, whole_last, lanes, unroll=1) as i:
                self._turn(space, o, i)
                if sum(len(n) for n in self.needed) <= UNROLLED_TILE:
                    for k in range(lanes):
                        self._row(space, b.add(o, k), i, k)
                else:
                    with b.loop(0, lanes, unroll=1) as k:
                        self._row(space, b.add(o, k), i, k)
            with b.loop(0, lanes, unroll=1) as k:
                self._enter(j, b.add(o, k))
                self._one_by_one(whole_last, last)
        with b.loop(whole, hi, unroll=1) as o:
            self._enter(j, o)
            self._one_by_one(first, last)

    def _turn(self, space: dict[int, Value], o: Value, i: Value) -> None:
        """Writes a square of every turned operand into its space, row by row as it is needed."""
        b, plan, lanes = self.b, self.plan, self.lanes
        for at, to in space.items():
            o_dim, d = self.rank - 2, plan.operands[at].dtype
            here = self._moved(at, self.at[plan.inner - 1][at], self._step(at, o_dim, o))
            rows = []
            for k in range(lanes):
                rows.append(b.load(self._moved(at, here, self._step(at, self.rank - 1, b.add(i, k))), d, lanes))
            for k, row in enumerate(b.transposed(rows)):
                b.store(row, to, offset=k * lanes)

    def _row(self, space: dict[int, Value], o: Value, i: Value, k: int | Value) -> None:
        """One row of a square: the lanes from i on, at index o of the other dim."""
        self._enter(self.plan.inner - 2, o)
        for at, to in space.items():
            offset = k * self.lanes if k.__class__ is int else self.b.mul(k, self.lanes)
            self.rows[at] = self.b.at(to, offset, self.plan.operands[at].dtype)
        self._bodies([{self.rank - 1: i}])
        self.rows = {}


def emit(b: Builder, plan: Plan) -> None:
    """Writes the kernel of a plan."""
    _LoopKernel(b, plan).emit()
