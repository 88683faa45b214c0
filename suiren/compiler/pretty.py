"""A program as a person reads it, after any pass."""

from __future__ import annotations

from suiren.compiler.nest import Nest
from suiren.compiler.program import Access, Call, Program, Task
from suiren.trace.trace import Number


def text(program: Program) -> str:
    """The nodes, or the steps, or the calls: whatever the last pass has made."""
    head = f"program {program.trace.name}: "
    if program.calls:
        lines = [f"{head}{len(program.calls)} calls, arena of {program.arena_bytes} bytes"]
        lines += [_call(n, c) for n, c in enumerate(program.calls)]
    elif program.steps:
        lines = [f"{head}{len(program.steps)} steps"]
        for step in program.steps:
            lines += _nest(step) if isinstance(step, Nest) else _task(step)
    else:
        lines = [f"{head}{len(program.nodes)} nodes"]
        for node in program.nodes:
            outs = ", ".join(_value(program, v) for v in node.outputs)
            params = [f"{k}={v!r}" for k, v in zip(node.op.params, node.params)]
            lines.append(f"  {outs} = {node.op.name}({', '.join([*map(_input, node.inputs), *params])})")
    lines.append("  return " + ", ".join(_value(program, v) for v in program.outputs))
    lines += [f"  %{leaf} := %{v}" for leaf, v in program.writes]
    return "\n".join(lines) + "\n"


def _value(program: Program, v: int) -> str:
    block = program.blocks.get(v)
    return f"%{v} {program.specs[v]}" + (f"/{block}" if block else "")


def _input(x: int | Number | Access) -> str:
    if isinstance(x, Number):
        return f"#{x.index}:{x.cls.__name__}"
    if isinstance(x, Access):
        return f"%{x.value}{list(x.shape)}:{list(x.strides)}" + (f"+{x.offset}" if x.offset else "")
    return f"%{x}"


def _nest(nest: Nest) -> list[str]:
    dims = " ".join(f"{'inner ' if i else ''}{n}" for n, i in zip(nest.sizes, nest.inner))
    lines = [f"  nest {nest.label}  [{dims}]"]
    for n, i in enumerate(nest.code):
        if i.kind in ("load", "index"):
            o = nest.operands[i.at]
            what = f"{f'%{o.value}' if o.value >= 0 else 'place'}{list(o.strides)}" + (
                f"+{o.offset}" if o.offset else ""
            )
        elif i.kind == "const":
            what = repr(i.value)
        elif i.kind == "number":
            what = _input(nest.numbers[i.at])
        else:
            what = ", ".join([*(f"v{a}" for a in i.args), *(map(repr, i.params))])
        name = i.op.name if i.op else i.kind
        lines.append(f"    v{n} {i.dtype.short if i.dtype else ''} = {name} {what}")
    lines += [
        f"    %{s.operand.value}{list(s.operand.strides)}{f'+{s.operand.offset}' if s.operand.offset else ''} := v{s.instr}"
        for s in nest.stores
    ]
    return lines


def _task(task: Task) -> list[str]:
    params = [f"{k}={v!r}" for k, v in zip(task.node.op.params, task.node.params)]
    lines = [
        f"  task {', '.join(f'%{v}' for v in task.outputs)} = {task.node.op.name}({', '.join([*map(_input, task.inputs), *params])})"
    ]
    if task.epilogue.operands or len(task.epilogue.results) > 1 or task.label != task.node.op.name:
        operands = [f"{k.varies} {_input(x)}" for k, x in zip(task.epilogue.operands, task.operands)]
        lines.append(f"    then {task.label} with {'; '.join(operands) or 'nothing'}")
    return lines


def _call(n: int, call: Call) -> str:
    def where(b) -> str:
        return b.name if b.slot is not None else f"arena+{b.offset}"

    reads, writes = ", ".join(map(where, call.reads)), ", ".join(map(where, call.writes))
    work = f"{call.units} units, {call.flops} flops, {call.traffic} bytes"
    return f"  {n:3} {call.kernel.family:12} {call.label:60} {reads} -> {writes}   [{work}]"
