"""A large reduction into few results, cut into two nests: one that reduces parts, and one that combines their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

from suiren.compiler.nest import Instr, Nest, NestOperand, NestStore
from suiren.compiler.passes.dims import Dims
from suiren.dtypes import dtype

SPLIT_OVER = 32768  # a reduction of more elements than this into few results is cut into parts
PART = 8192  # … of about this many elements
FEW_UNITS = 16  # … if it had fewer units than this: cores are kept busy without it otherwise
LEAST = 256  # … and if as many elements go into one result: reading the parts again costs more than it gains otherwise
MAX_PARTS = 64


def cut_of(dims: Dims, lanes: int) -> tuple[int, int] | None:
    """(the dim to cut, the length of its parts), where a nest of one stage reduces much into few results."""
    if not any(i.kind == "reduce" for i in dims.nest.code):
        return None
    counting = [d for d in dims.dims if d.name in dims.counters and d.inner]
    if counting:  # blocks of channels that are reduced over: they become parts
        return counting[0].name, 1
    inner = [d for d in dims.dims if d.inner and not dims.is_fixed(d)]
    outer = [d.size for d in dims.dims if not d.inner]
    if dims.mode == "outer":
        outer[-1] = -(-outer[-1] // (4 * lanes))
    units, work = prod(outer), prod(d.size for d in dims.dims)
    if not inner or work <= SPLIT_OVER or units >= FEW_UNITS or prod(d.size for d in dims.dims if d.inner) < LEAST:
        return None
    longest = max(inner, key=lambda d: d.size)
    wanted = min(MAX_PARTS, work // PART) // units
    length = -(-longest.size // max(wanted, 2))
    if longest is dims.dims[-1]:
        length = -(-length // 64) * 64
    return (longest.name, length) if length < longest.size else None


def split(dims: Dims, cut: tuple[int, int], new_value: Callable[[tuple[int, ...], dtype], int]) -> tuple[Nest, Nest]:
    """The nest that reduces parts, and the one that combines what they give and does what comes after the reduction."""
    nest, (name, length) = dims.nest, cut
    parts_before = dict(dims.parts)
    target = next(d for d in dims.dims if d.name == name)
    if length == 1:
        target.inner = False
        counter = target
    else:
        counter = dims.cut(target, length)
    outer = [d for d in dims.dims if not d.inner and d is not counter] + [counter]
    order = outer + [d for d in dims.dims if d.inner]
    place = {d.name: n for n, d in enumerate(order)}
    inner = tuple(d.inner for d in order)

    def over(k: int, o: NestOperand) -> NestOperand:
        return o._replace(strides=tuple(d.strides[k] for d in order))

    operands = [over(k, o) for k, o in enumerate(nest.operands)]
    stores = [NestStore(s.instr, over(len(operands) + k, s.operand)) for k, s in enumerate(nest.stores)]
    full = [s for s in stores if any(step for step, is_inner in zip(s.operand.strides, inner) if is_inner)]
    late = [s for s in stores if s not in full]

    # Where lanes run along an outer dim, results of a part lie one after another; otherwise those that are combined do.
    lie = [*range(len(outer))]
    if dims.mode == "outer":
        lie = [lie[-1], *lie[:-1]]
    strides, step = [0] * len(order), 1
    for d in reversed(lie):
        strides[d] = step
        step *= order[d].size
    shape = tuple(order[d].size for d in lie)

    code, results = list(nest.code), {}
    for r in [n for n, i in enumerate(code) if i.kind == "reduce"]:
        for which in range(len(code[r].args)):
            d = code[code[r].args[which]].dtype
            code.append(Instr("pick", d, (r,), at=which))
            results[r, which] = NestOperand(new_value(shape, d), d, tuple(strides))
            full.append(NestStore(len(code) - 1, results[r, which]))
    parts = tuple((place[c], place[d], total) for d, (c, total) in dims.parts.items())
    sizes = tuple(d.size for d in order)
    partial = replace(nest, sizes=sizes, inner=inner, operands=operands, code=code, stores=full, parts=parts)
    partial = pruned(replace(partial, label=f"{nest.label} parts"))

    keep = list(range(len(outer)))
    together = _Combine(operands, code, results, keep)
    second_parts = [(c, d, total) for d, (c, total) in parts_before.items() if {place[c], place[d]} <= set(keep)]
    combine = replace(
        nest,
        sizes=tuple(order[n].size for n in keep),
        inner=tuple(order[n] is counter for n in keep),
        stores=[NestStore(together.build(s.instr), together.narrowed(s.operand)) for s in late],
        operands=together.operands,
        code=together.code,
        parts=tuple((place[c], place[d], total) for c, d, total in second_parts),
        label=f"{nest.label} together",
    )
    return partial, combine


class _Combine:
    """Writes the code of the second nest: reductions are over what the first one stored."""

    def __init__(self, operands: list[NestOperand], code: list[Instr], results: dict, keep: list[int]):
        self.old_operands, self.old, self.results, self.keep = operands, code, results, keep
        self.operands: list[NestOperand] = []
        self.code: list[Instr] = []
        self.moved: dict[int, int] = {}

    def narrowed(self, o: NestOperand) -> NestOperand:
        return o._replace(strides=tuple(o.strides[n] for n in self.keep))

    def operand(self, o: NestOperand) -> int:
        self.operands.append(self.narrowed(o))
        return len(self.operands) - 1

    def load(self, o: NestOperand) -> int:
        self.code.append(Instr("load", o.dtype, at=self.operand(o)))
        return len(self.code) - 1

    def build(self, n: int) -> int:
        if n not in self.moved:
            i = self.old[n]
            if i.kind == "reduce":
                i = i._replace(args=tuple(self.load(self.results[n, which]) for which in range(len(i.args))))
            elif i.kind in ("load", "index"):
                i = i._replace(at=self.operand(self.old_operands[i.at]))
            else:
                i = i._replace(args=tuple(self.build(a) for a in i.args))
            self.code.append(i)
            self.moved[n] = len(self.code) - 1
        return self.moved[n]


def pruned(nest: Nest) -> Nest:
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
