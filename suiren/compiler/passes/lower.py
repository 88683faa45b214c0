"""lower: steps become calls of kernels. Which values share memory is decided here (reuse.py); where memory lies, in memory.py."""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import partial
from math import prod

from suiren.compiler.emit import loops
from suiren.compiler.nest import Instr, Nest, NestOperand, NestStore
from suiren.compiler.passes.reuse import Lifetimes, chains, reads_of, sources_of, writes_of
from suiren.compiler.passes.schedule import Scheduled, schedule
from suiren.compiler.program import FIRST_FREE_SLOT, Access, Buffer, Call, Kernel, Place, Program, Ptr, Site, Task
from suiren.trace.spec import contiguous_strides
from suiren.trace.trace import Number


def lower(program: Program) -> Program:
    steps: list[Scheduled | Task] = []
    for step in program.steps:
        steps += [step] if isinstance(step, Task) else _scheduled(program, step)
    steps, guarded = checks_first(steps)
    before = chains(program, steps, guarded)
    _place_buffers(program, steps, before)
    for leaf, value in program.writes:
        if program.buffers[value] is not program.buffers[leaf]:
            steps += _scheduled(program, _copy_into_leaf(program, leaf, value))
    program.calls = []
    for step in steps:
        program.calls += _task_calls(program, step) if isinstance(step, Task) else _loop_call(program, step)
    return program


def checks_first(steps: list[Scheduled | Task]) -> tuple[list[Scheduled | Task], int]:
    """The steps in an order in which those that check their data, and those before them, come first; and how many these are.

    Only what comes after them writes into leaves: where bad data are found, no leaf has changed yet (trace/salvage.py).
    """
    makers = Lifetimes(steps).made
    stack = [n for n, step in enumerate(steps) if not isinstance(step, Task) and step.plan.checks]
    needed: set[int] = set()
    while stack:
        n = stack.pop()
        if n not in needed:
            needed.add(n)
            stack += [m for v in (*reads_of(steps[n]), *writes_of(steps[n])) for m in makers.get(v, ()) if m < n]
    return [s for n, s in enumerate(steps) if n in needed] + [s for n, s in enumerate(steps) if n not in needed], len(needed)


def _scheduled(program: Program, nest: Nest) -> list[Scheduled]:
    return schedule(nest, program.target, program.new_value)


def _copy_into_leaf(program: Program, leaf: int, value: int) -> Nest:
    """A nest that copies a leaf's new value over its old one, at the end."""
    spec = program.specs[leaf]
    load, store = NestOperand(value, spec.dtype, (1,)), NestOperand(leaf, spec.dtype, (1,))
    origins = (program.origins[value],) if value in program.origins else ()
    return Nest(
        (spec.numel,),
        (False,),
        [load],
        [],
        [Instr("load", spec.dtype)],
        [NestStore(0, store)],
        origins=origins,
        label="copy into leaf",
    )


# ---------------------------------------------------------------- buffers


def _place_buffers(program: Program, steps: list, before: dict[int, int]) -> None:
    """Gives every value that is in memory its Buffer."""
    leaves = len(program.trace.leaves)
    for leaf in range(leaves):
        program.buffers[leaf] = Buffer(program.specs[leaf].nbytes, f"leaf {leaf}", FIRST_FREE_SLOT + leaf)
    slots = {v: FIRST_FREE_SLOT + leaves + n for n, v in enumerate(program.outputs)}
    made = dict.fromkeys(v for step in steps for v in writes_of(step))
    made.update(dict.fromkeys([*program.wanted, *(v for v, s in program.specs.items() if not s.numel)]))  # these have no step
    last = {}
    for v in made:  # the end of each chain says where all of it lies
        first = v
        while first in before:
            first = before[first]
        last[first] = v if v in slots or first not in last else last[first]
    for v in made:
        first = v
        while first in before:
            first = before[first]
        if first not in program.buffers:
            end = last[first]
            if end in slots:
                program.buffers[first] = Buffer(
                    _nbytes(program, end), f"output {program.outputs.index(end)}", slots[end]
                )
            else:
                program.buffers[first] = Buffer(_nbytes(program, first), f"%{first}")
        program.buffers[v] = program.buffers[first]


def _nbytes(program: Program, value: int) -> int:
    spec, block = program.specs[value], program.blocks.get(value, 0)
    if not block:
        return spec.nbytes
    n, c, *rest = spec.shape
    return n * -(-c // block) * block * prod(rest) * spec.dtype.itemsize


# ---------------------------------------------------------------- loop kernels


def _loop_call(program: Program, s: Scheduled) -> list[Call]:
    plan = s.plan
    where = program.buffers
    if all(source is not None and where[source] is where[v] for v, source in sources_of(s)):
        return []  # all that it writes is there
    args: list = list(s.words)
    for o, p in zip(s.operands, plan.operands):
        args.append(Ptr(program.buffers[o.value], o.offset * o.dtype.itemsize) if p.memory else o.offset)
        args += [stride for stride, fixed in zip(o.strides, p.strides) if fixed is None]
    args += [n.index for n in s.nest.numbers]
    if plan.checks:
        args.append(s.nest.check)
    stored = {at for _, at, _ in plan.stores}
    memory = [(k, o) for k, (o, p) in enumerate(zip(s.operands, plan.operands)) if p.memory]
    sizes = s.nest.sizes
    touched = [o for o in (*s.nest.operands, *(x.operand for x in s.nest.stores)) if o.value >= 0]
    traffic = sum(prod(n for n, x in zip(sizes, o.strides) if x) * o.dtype.itemsize for o in touched)
    call = Call(
        kernel=Kernel("loop", plan.key, partial(loops.emit, plan=plan)),
        args=args,
        units=s.units,
        reads=list(dict.fromkeys(program.buffers[o.value] for k, o in memory if k not in stored)),
        writes=list(dict.fromkeys(program.buffers[o.value] for k, o in memory if k in stored)),
        flops=s.nest.cost * prod(sizes),
        traffic=traffic,
        nodes=s.nest.origins,
        check=s.nest.check if plan.checks else None,
        label=f"{s.nest.label} {'x'.join(map(str, s.nest.sizes))}",
    )
    return [call]


# ---------------------------------------------------------------- templates


def _task_calls(program: Program, task: Task) -> list[Call]:
    node, specs = task.node, program.specs
    out = specs[node.outputs[0]]
    results = len(task.epilogue.results)
    outputs = [_place(program, v, out.shape if k < results else specs[v].shape) for k, v in enumerate(task.outputs)]
    site = Site(
        op=node.op,
        params=node.params,
        inputs=tuple(x if isinstance(x, Number) else _seen(program, x) for x in task.inputs),
        outputs=tuple(outputs),
        dtype=out.dtype,
        epilogue=task.epilogue,
        operands=tuple(
            _operand(program, x, k.varies, outputs[0]) for x, k in zip(task.operands, task.epilogue.operands)
        ),
        target=program.target,
        block=program.block,
        node=task.origin,
    )
    family = importlib.import_module(f"suiren.compiler.kernels.{node.op.family}")
    calls = family.calls(site)
    for call in calls:
        call.nodes = task.origins
        call.label = call.label or task.label
    return calls


def _place(program: Program, value: int, shape: tuple[int, ...]) -> Place:
    """Where a dense value lies."""
    block = program.blocks.get(value, 0)
    return Place(
        Ptr(program.buffers[value]),
        program.specs[value].dtype,
        shape,
        () if block else contiguous_strides(shape),
        block,
    )


def _seen(program: Program, a: Access) -> Place:
    if a.value in program.blocks:
        return _place(program, a.value, a.shape)
    d = program.specs[a.value].dtype
    return Place(Ptr(program.buffers[a.value], a.offset * d.itemsize), d, a.shape, a.strides)


def _operand(program: Program, x: Access | Number, varies: str, out: Place) -> Place | Number:
    if isinstance(x, Number):
        return x
    if varies == "same":
        return _place(program, x.value, out.shape)
    place = _seen(program, x)
    if varies == "scalar":
        return replace(place, shape=(), strides=())
    at = 1 if out.block else len(out.shape) - (1 if varies == "last" else 2)
    at += len(place.shape) - len(out.shape)
    return replace(place, shape=(place.shape[at],), strides=(place.strides[at],))
