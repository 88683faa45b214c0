"""Which values share memory: a result written over an operand that nobody reads any more, a leaf's new value over its old one.

Sharing is a chain: each value of it is read for the last time by the step that makes the next one, and there only at the element that is about
to be written. `reuse` may be left out (SUIREN_PASSES=-reuse): then every value has memory of its own, and leaves are written by copies at the end.
"""

from __future__ import annotations

from math import prod

from suiren.compiler.nest import NestOperand
from suiren.compiler.passes.schedule import Scheduled
from suiren.compiler.program import Access, Program, Task


class Lifetimes:
    """When each value is made and read, counted in steps."""

    def __init__(self, steps: list[Scheduled | Task]):
        self.steps = steps
        self.made: dict[int, list[int]] = {}
        self.read: dict[int, list[int]] = {}
        for n, step in enumerate(steps):
            for v in dict.fromkeys(reads_of(step)):
                self.read.setdefault(v, []).append(n)
            for v in dict.fromkeys(writes_of(step)):
                self.made.setdefault(v, []).append(n)

    def may_follow(self, new: int, old: int) -> bool:
        """Whether `new` may be written over `old`: what is read of it from then on is the element that is being written."""
        first = self.made[new][0]
        if old in self.made and self.made[old][-1] >= first:
            return False
        return all(
            n < first
            or (
                n in self.made[new]
                and reads_in_place(self.steps[n], new, old)
                and all(source == old for m in self.made[new] if m < n for v, source in sources_of(self.steps[m]) if v == new)
            )
            for n in self.read.get(old, ())
        )


def reads_of(step: Scheduled | Task) -> list[int]:
    return (
        step.reads
        if isinstance(step, Task)
        else [o.value for o, p in zip(step.operands, step.plan.operands) if p.memory][: _loads(step)]
    )


def writes_of(step: Scheduled | Task) -> list[int]:
    return step.writes if isinstance(step, Task) else [step.operands[at].value for _, at, _ in step.plan.stores]


def _loads(step: Scheduled) -> int:
    """How many memory operands come before those that are stored."""
    first = min(at for _, at, _ in step.plan.stores)
    return sum(p.memory for p in step.plan.operands[:first])


def reads_in_place(step: Scheduled | Task, new: int, old: int) -> bool:
    """Whether a step reads `old` only where, and not after, it writes `new`."""
    if isinstance(step, Task):
        inputs = [a.value for k, a in enumerate(step.inputs) if isinstance(a, Access) and k != step.node.op.overwrites]
        same = [
            k.varies == "same"
            for a, k in zip(step.operands, step.epilogue.operands)
            if isinstance(a, Access) and a.value == old
        ]
        return new in step.outputs[: len(step.epilogue.results)] and old not in inputs and all(same)
    plan, loaded = step.plan, min(at for _, at, _ in step.plan.stores)
    stores = [(n, at, full) for n, at, full in plan.stores if step.operands[at].value == new]
    where = {
        (step.operands[at].strides, step.operands[at].offset, step.operands[at].dtype.itemsize) for _, at, _ in stores
    }
    loads = [k for k, o in enumerate(step.operands) if o.value == old and plan.operands[k].memory and k < loaded]
    if len(where) != 1:
        return False
    sizes = step.words[: plan.outer + plan.inner]
    for (counter, d), total in zip(plan.parts, step.words[len(step.words) - len(plan.parts) :]):
        sizes[counter], sizes[d] = 1, total
    written = _span(step.operands[stores[0][1]], sizes)
    loads = [k for k in loads if not _apart(_span(step.operands[k], sizes), written)]
    if any(
        (step.operands[k].strides, step.operands[k].offset, step.operands[k].dtype.itemsize) not in where for k in loads
    ):
        return False
    if prod(step.words[: plan.outer + plan.inner]) == 1:
        return True
    written = min(plan.store_stage(n, full) for n, _, full in stores)
    # A value per outer index is read before the stages that come after it; one that is read in a later stage is read too late.
    late = [k for stage in range(written + 1, plan.n_stages) for k in plan.loads(stage)]
    return all(k not in late and (plan.operand_level(k) > 1) == stores[0][2] for k in loads)


def sources_of(step: Scheduled | Task) -> list[tuple[int, int | None]]:
    """(the value that is written, the one that lies at the same places and is copied from there, or None) of each store. The first part of a
    write through a view is such a copy: where both are one memory, it puts back what is there."""
    if isinstance(step, Task):
        return [(v, None) for v in step.writes]
    found = []
    for n, at, _ in step.plan.stores:
        i, to = step.plan.code[n], step.operands[at]
        source = step.operands[i.at] if i.kind == "load" else None
        found.append((to.value, source.value if source is not None and source._replace(value=to.value) == to else None))
    return found


def _span(o: NestOperand, sizes: list[int]) -> tuple[int, int]:
    """The first byte that an operand touches, and the one after the last."""
    reach = [(n - 1) * s for n, s in zip(sizes, o.strides)]
    low, high = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
    return (o.offset + low) * o.dtype.itemsize, (o.offset + high + 1) * o.dtype.itemsize


def _apart(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[1] <= b[0] or b[1] <= a[0]


def chains(program: Program, steps: list[Scheduled | Task], guarded: int) -> dict[int, int]:
    """value -> the one in whose memory it is written. A leaf stands for its own memory, into which none of the first `guarded` steps writes."""
    times = Lifetimes(steps)
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    if "reuse" in program.left_out:
        return before
    wanted = set(program.wanted)
    leaves = len(program.trace.leaves)

    def sizes_fit(new: int, old: int) -> bool:
        # layouts are alike, or an element would not be read where it is written
        return program.specs[new].nbytes == program.specs[old].nbytes and program.blocks.get(new) == program.blocks.get(
            old
        )

    def candidates(new: int) -> list[int]:
        found = []
        for n in times.made.get(new, ()):
            found += [old for old in reads_of(steps[n]) if old != new and sizes_fit(new, old)]
        return [
            old for old in dict.fromkeys(found) if old not in after and old not in wanted and times.may_follow(new, old)
        ]

    def way_to(leaf: int, value: int, depth: int = 8) -> list[int] | None:
        """The chain of values from a leaf's old value to its new one."""
        if value in before or times.made[value][0] < guarded:
            return None
        for old in candidates(value):
            if old == leaf:
                return [value]
            if old >= leaves and depth:
                rest = way_to(leaf, old, depth - 1)
                if rest is not None:
                    return [*rest, value]
        return None

    for leaf, value in program.writes:
        if value not in times.made:  # a leaf, or no elements at all
            continue
        way = way_to(leaf, value)
        if way is not None:
            for old, new in zip([leaf, *way], way):
                before[new], after[old] = old, new
        elif (
            value not in before
            and leaf not in after
            and times.made[value][0] >= guarded
            and _is_over(times, leaf, value)
        ):
            before[value], after[leaf] = leaf, value
    for step in steps:
        for new in dict.fromkeys(writes_of(step)):
            if new not in before:
                old = next((old for old in candidates(new) if old >= leaves), None)
                if old is not None:
                    before[new], after[old] = old, new
    return before


def _is_over(times: Lifetimes, leaf: int, value: int) -> bool:
    """Whether a leaf's old value has been read for the last time when the new one is begun."""
    return all(n < times.made[value][0] for n in times.read.get(leaf, ()))


__all__ = ["Lifetimes", "chains", "reads_of", "sources_of", "writes_of"]
