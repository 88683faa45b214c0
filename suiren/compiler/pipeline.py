"""From a trace to something that runs: the ordered list of passes, and compile_trace."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from suiren.compiler import check, pretty
from suiren.compiler.emit.target import host
from suiren.compiler.executable import Executable, PartialExecutable, is_native
from suiren.compiler.passes.fuse import fuse
from suiren.compiler.passes.layout import layout
from suiren.compiler.passes.lower import lower
from suiren.compiler.passes.memory import memory
from suiren.compiler.passes.simplify import simplify
from suiren.compiler.program import Program, program_of
from suiren.config import config
from suiren.trace.trace import Trace


class Pass(NamedTuple):
    """One step. An optional one can be left out (SUIREN_PASSES): `simplify` altogether; of `layout` and `fuse` the choices, so that every template
    stands between copies and every operation is a kernel; and `reuse`, which `lower` and `memory` ask for, so that no memory is shared."""

    name: str
    run: Callable[[Program], Program]


PASSES = (
    Pass("simplify", simplify),
    Pass("layout", layout),
    Pass("fuse", fuse),
    Pass("lower", lower),
    Pass("memory", memory),
)


def lowered(trace: Trace) -> Program:
    """The program of a trace, all passes done."""
    program = program_of(trace, host(), config.passes)
    look(program, 0, "trace")
    for number, step in enumerate(PASSES, 1):
        if step.name != "simplify" or "simplify" not in config.passes:
            program = step.run(program)
        if config.verify:
            check.check(program, step.name)
        look(program, number, step.name)
    return program


def look(program: Program, number: int, name: str) -> None:
    """Shows the program after a pass, where one of the switches asks for it."""
    if config.debug < 4 and not config.dump:
        return
    found = pretty.text(program)
    if config.debug >= 4:
        print(f"[suiren] after {name}\n{found}", file=sys.stderr, end="")
    if config.dump:
        os.makedirs(config.dump, exist_ok=True)
        with open(os.path.join(config.dump, f"{program.trace.name or 'program'}-{number}-{name}.txt"), "w") as file:
            file.write(found)


def compile_trace(trace: Trace, threads: int | None = None) -> Executable | PartialExecutable:
    """Machine code for a trace, ready to run. `threads`: how many its work is cut for; the results are the same for any number."""
    specs = trace.specs()
    if all(is_native(node, specs) for node in trace.nodes):
        return Executable(lowered(trace), threads)
    return PartialExecutable(trace, lambda part: Executable(lowered(part), threads))
