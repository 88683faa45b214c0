"""Explanations as text."""

from __future__ import annotations

import importlib
import os
import pkgutil
import statistics
from collections.abc import Mapping

from suiren.compiler.program import Program
from suiren.trace import execution, pretty
from suiren.trace.execution import Ending
from suiren.trace.op import REGISTRY


def explanation_of(times: Mapping[Ending, list[list[float]]]) -> str:
    """Every program that ran, with the median time of each kernel over its runs."""
    if not times:
        return "nothing was run: no operation was recorded whose value somebody can reach\n"
    return "\n".join(program_text(ending, runs) for ending, runs in times.items())


def program_text(ending: Ending, runs: list[list[float]]) -> str:
    """One program: its trace, its kernels, its memory."""
    lines = [pretty.text(ending.trace), ""]
    if ending.executable is None:
        return "\n".join([*lines, f"interpreted {ending.count} times, not compiled: it has not come by again", ""])
    medians = [statistics.median(t) for t in zip(*runs)] if runs and runs[0] else []
    at = 0
    for program in ending.executable.programs:
        here = medians[at : at + len(program.calls)]
        at += len(program.calls)
        lines += kernels_text(program, here) + [""] + memory_text(program) + [""]
    return "\n".join(lines)


def kernels_text(program: Program, seconds: list[float]) -> list[str]:
    """A table of the kernels in the order in which they run."""
    total = sum(seconds)
    head = f"kernels of {program.trace.name}: {len(program.calls)}"
    if seconds:
        head += f", {readable(total)} one after the other"
    lines = [head, f"  {'#':>3} {'kernel':34} {'units':>6} {'FLOPs':>9} {'bytes':>9} {'time':>9} {'GFLOP/s':>8} {'GB/s':>7}  operations"]
    for n, call in enumerate(program.calls):
        t = seconds[n] if seconds else 0.0
        rates = f"{call.flops / t / 1e9:8.1f} {call.traffic / t / 1e9:7.1f}" if t > 0 else f"{'':8} {'':7}"
        where = sorted({_line(program, node) for node in call.nodes} - {""})
        lines.append(
            f"  {n:3} {call.label[:34]:34} {call.units:6} {count(call.flops):>9} {count(call.traffic):>9} "
            f"{readable(t) if seconds else '':>9} {rates}  {', '.join(where)}"
        )
    return lines


def memory_text(program: Program) -> list[str]:
    """Where everything lies: leaves and outputs by slot, temporaries by their place in the arena."""
    found: dict[int, tuple] = {}
    for n, call in enumerate(program.calls):
        for buffer in (*call.reads, *call.writes, *call.scratch):
            first, _, _ = found.get(id(buffer), (n, n, buffer))
            found[id(buffer)] = (first, n, buffer)
    named = [b for _, _, b in found.values() if b.slot is not None]
    temporary = [entry for entry in found.values() if entry[2].slot is None]
    lines = [
        f"memory: {count(sum(b.nbytes for b in named))} bytes in {len(named)} leaves and outputs, "
        f"an arena of {count(program.arena_bytes)} bytes for {len(temporary)} temporaries ({count(sum(e[2].nbytes for e in temporary))} bytes if none were shared)"
    ]
    for first, last, b in sorted(temporary, key=lambda e: (e[2].offset, e[0])):
        lines.append(f"  {b.offset:>10} … {b.offset + b.nbytes:<10} kernels {first} to {last}  {b.name}")
    return lines


def _line(program: Program, node: int) -> str:
    if not 0 <= node < len(program.trace.nodes):
        return ""
    n = program.trace.nodes[node]
    where = f" {os.path.basename(n.line.file)}:{n.line.line}" if n.line else ""
    return (n.scope.split(" ")[0] + " " if n.scope else "") + n.op.name + where


def readable(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def count(n: float) -> str:
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= scale:
            return f"{n / scale:.3g} {unit}"
    return str(int(n))


def ops_table() -> str:
    """The primitives: kind, inputs, parameters, whether there is a gradient and a compiled form."""
    import suiren.ops

    for module in pkgutil.iter_modules(suiren.ops.__path__):  # they register themselves
        importlib.import_module(f"suiren.ops.{module.name}")
    lines = [f"{'op':22} {'kind':10} {'inputs':34} {'parameters':44} gradient needs"]
    for op in sorted(REGISTRY.values(), key=lambda op: (op.kind, op.name)):
        needs = ", ".join(op.grad_needs) if op.grad is not None else "no gradient"
        mark = "" if op.is_compiled else "  (interpreter only)"
        lines.append(f"{op.name:22} {op.kind:10} {', '.join(op.inputs):34} {', '.join(op.params):44} {needs}{mark}")
    return "\n".join(lines)


def print_everything() -> None:
    """What `python -m suiren explain prog.py` prints at the end: the programs that ran most."""
    ran = sorted((e for e in execution.endings if e.count), key=lambda e: (-e.count, e.number))
    print(f"\n{len(ran)} programs; runs: {execution.counts['compiled']} compiled, {execution.counts['interpreter']} interpreted")
    for ending in ran[:5]:
        print(f"\n{ending.name}: ran {ending.count} times")
        print(program_text(ending, []))
