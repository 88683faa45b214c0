"""Type-checks a program between passes, and names the pass that broke it."""

from __future__ import annotations

from suiren.compiler.nest import Nest
from suiren.compiler.program import Program
from suiren.trace.trace import Number


class IllFormed(AssertionError):
    """A program breaks a rule; the message says after which pass, and which rule."""


def check(program: Program, after: str) -> None:
    """Values are made before they are read; nests, calls and buffers are consistent with each other."""

    def require(condition: bool, what: str) -> None:
        if not condition:
            raise IllFormed(f"after {after}: {what}")

    known = {*range(len(program.trace.leaves)), *(v for v, s in program.specs.items() if not s.numel)}  # no elements: no step
    if not program.steps:
        for node in program.nodes:
            for x in node.inputs:
                require(
                    isinstance(x, Number) or x in known, f"{node.op.name} reads value {x}, which is not made before"
                )
            require(
                all(program.specs[v] is s.plain for v, s in zip(node.outputs, node.specs)),
                f"{node.op.name} has other specs than its values",
            )
            known.update(node.outputs)
        for v in program.wanted:
            require(v in known, f"value {v} is wanted, and never made")
        return
    if not program.calls:
        for step in program.steps:
            require(
                all(v in known for v in step.reads), f"{step.label} reads one of {step.reads}, which is not made before"
            )
            if isinstance(step, Nest):
                check_nest(step, require)
            known.update(step.writes)
        for v in program.wanted:
            require(v in known, f"value {v} is wanted, and never made")
        return
    for call in program.calls:
        given = [a.buffer for a in call.args if hasattr(a, "buffer")]
        allowed = {*call.reads, *call.writes, *call.scratch}
        require(all(b in allowed for b in given), f"{call.label} has an argument in a buffer that it does not name")
        require(
            all(a.offset <= max(a.buffer.nbytes, 0) for a in call.args if hasattr(a, "buffer")),
            f"{call.label} reaches past a buffer",
        )
        require(call.units >= 0, f"{call.label} has {call.units} units")
        if after == "memory":
            require(
                all(b.slot is not None or b.offset + b.nbytes <= program.arena_bytes for b in allowed),
                f"{call.label}: a buffer outside the arena",
            )


def check_nest(nest: Nest, require) -> None:
    rank = len(nest.sizes)
    for o in (*nest.operands, *(s.operand for s in nest.stores)):
        require(len(o.strides) == rank, f"{nest.label}: operand {o} in a domain of {rank} dims")
    for n, i in enumerate(nest.code):
        require(all(0 <= a < n for a in i.args), f"{nest.label}: instruction {n} reads a later one")
        if i.kind in ("load", "index"):
            require(
                nest.operands[i.at].dtype is i.dtype,
                f"{nest.label}: instruction {n} loads {nest.operands[i.at].dtype} as {i.dtype}",
            )
    for s in nest.stores:
        require(
            nest.code[s.instr].dtype is s.operand.dtype,
            f"{nest.label}: {nest.code[s.instr].dtype} stored as {s.operand.dtype}",
        )
