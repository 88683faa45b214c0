"""Plan: a nest whose loops are decided, all that the code of a loop kernel depends on.

A unit of the kernel is one index of the outer dims. In a unit every stage runs over the inner dims:

    mode "inner"   the lanes of a vector run along the last inner dim; reductions end with a horizontal one;
                   values per outer index are scalars
    mode "outer"   the lanes run along the last outer dim, `columns` vectors at a time;
                   values per outer index are vectors

What an instruction depends on decides the *level* at which it is computed: 0 the kernel, 1 the unit, 2 + j inner loop j.
So values that are broadcast along a loop are computed before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from suiren.compiler.nest import Instr
from suiren.dtypes import dtype

# How many rounds an accumulator goes before it is folded into a total: the error of a sum grows with the longest chain,
# and a chain of 128 is what NumPy's pairwise summation allows itself.
CHAIN = 128


@dataclass(frozen=True)
class PlanOperand:
    """`strides`: one per dim, 0, 1, or None where it is an argument. `memory` is false for an index."""

    dtype: dtype
    strides: tuple[int | None, ...]
    memory: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """All that the code of a loop kernel depends on.

    Its arguments, in order: the sizes of the dims; how many indices, or blocks of columns, of each outer dim units count;
    the totals of `parts`; of every operand its pointer (its offset, if it is an index) and those strides that are
    arguments; the numbers' indices; the check's number.
    """

    outer: int  # dims; they come first
    inner: int
    mode: str
    lanes: int
    columns: int  # mode "outer": vectors of the last outer dim side by side
    masked: bool  # what is left over is done by one masked vector, otherwise element by element
    # (outer dim, dim): the first counts parts of a whole, the second goes over a part; the last one may be shorter
    parts: tuple[tuple[int, int], ...]
    # neighbouring units are one range of inner dim 0: the outer dim counts its parts, and nothing is reduced
    merged: bool
    # after each round of this inner loop (of the last one: each CHAIN rounds) accumulators are folded into totals; -1: never
    flush: int
    operands: tuple[PlanOperand, ...]
    numbers: tuple[type, ...]
    code: tuple[Instr, ...]
    stores: tuple[tuple[int, int, bool], ...]  # (instruction, operand, whether it varies over inner dims)
    reload: tuple[tuple[int, int], ...] = ()  # (instruction, operand): later stages read what an earlier one stored
    # of every stage, vectors (mode "inner") or rounds ("outer") of the innermost loop side by side
    unroll: tuple[int, ...] = (1,)
    # operands that are contiguous along the dim before the last: squares of them are turned in registers
    turned: tuple[int, ...] = ()
    ahead: int = 0  # mode "outer": how many rounds before they are needed vectors are fetched into the cache
    checks: bool = False

    @cached_property
    def key(self) -> tuple:
        shape = (self.outer, self.inner, self.mode, self.lanes, self.columns, self.masked, self.parts, self.merged)
        operands = tuple((o.dtype.name, o.strides, o.memory) for o in self.operands)
        code = tuple(i.text() for i in self.code)
        numbers = tuple(n.__name__ for n in self.numbers)
        rest = (self.flush, self.reload, self.unroll, self.turned, self.ahead, self.checks)
        return (*shape, *rest, operands, numbers, code, self.stores)

    # ------------------------------------------------------------ levels

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

    @property
    def lane_dim(self) -> int:
        return self.outer - 1 if self.mode == "outer" else self.outer + self.inner - 1

    def is_wide(self, at: int) -> bool:
        return self.lanes > 1 and self.operands[at].strides[self.lane_dim] != 0

    # ------------------------------------------------------------ stages

    @cached_property
    def stages(self) -> tuple[int, ...]:
        """Of each instruction at level 0 or 1, after which stage it is known (-1: from the start); of the others, the first
        stage that computes it."""
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
        last += [self.store_stage(i, full) for i, _, full in self.stores if full]
        return 1 + max(last, default=-1)

    def reduces(self, stage: int) -> list[int]:
        """The reductions of a stage."""
        return [n for n, i in enumerate(self.code) if i.kind == "reduce" and self.stages[n] == stage]

    def stored(self, stage: int) -> list[tuple[int, int]]:
        """(instruction, operand) of what the inner loops of a stage store."""
        return [(n, at) for n, at, full in self.stores if full and self.store_stage(n, full) == stage]

    def is_reread(self, n: int, stage: int) -> bool:
        """Whether a stage reads again what an earlier one computed and stored."""
        return self.stages[n] < stage and any(n == m for m, _ in self.reload)

    def computed(self, stage: int) -> list[int]:
        """The instructions of inner levels that a stage computes, or reads again."""
        wanted = [a for n in self.reduces(stage) for a in self.code[n].args] + [n for n, _ in self.stored(stage)]
        found = set()
        while wanted:
            n = wanted.pop()
            if self.levels[n] > 1 and n not in found:
                found.add(n)
                if not self.is_reread(n, stage):
                    wanted.extend(self.code[n].args)
        return sorted(found)

    def loads(self, stage: int) -> set[int]:
        """The operands that the inner loops of a stage read."""
        found = self.computed(stage)
        return {self.code[n].at for n in found if self.code[n].kind == "load" and not self.is_reread(n, stage)}
