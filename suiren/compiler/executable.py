"""What a trace becomes: one native program, or, where an operation has no lowering, native parts with steps of the interpreter between them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np

from suiren.compiler.program import FIRST_FREE_SLOT, Program
from suiren.interpreter import NodeFailed
from suiren.runtime import jit
from suiren.runtime.buffers import Buffer
from suiren.runtime.driver import CheckFailed, Driver
from suiren.trace.op import Op
from suiren.trace.spec import Spec
from suiren.trace.trace import Node, Number, Trace


class Executable:
    """A trace as machine code. `program` is how it was compiled.

    `run(addresses, numbers)`: the data addresses of the leaves, then of the outputs (a multiple of 64 bytes each, contiguous). Written leaves are
    changed in place. Raises CheckFailed, with the trace's node, when a kernel found bad data: nothing that depends on it is written then.
    """

    def __init__(self, program: Program, threads: int | None = None):
        trace = program.trace
        self.trace, self.program = trace, program
        addresses = jit.load([call.kernel for call in program.calls])
        slots = FIRST_FREE_SLOT + len(trace.leaves) + len(trace.outputs)
        self.driver = Driver(program.calls, addresses, slots, len(trace.numbers), program.arena_bytes, threads)
        self.run = self.driver.run
        self.run_timed = self.driver.run_timed

    @property
    def programs(self) -> list[Program]:
        return [self.program]


class PartialExecutable:
    """A trace with operations that only the interpreter knows: `steps` are Executables of parts of it, and single nodes."""

    def __init__(self, trace: Trace, compile: Callable):
        self.trace = trace
        self.specs = {v: s.plain for v, s in trace.specs().items()}
        self.steps: list[
            tuple[Executable | Node, tuple[int, ...], tuple[int, ...], tuple[int, ...]]
        ] = []  # what runs, reads, makes, its nodes
        self.has_complex = complex in trace.numbers  # read by steps of the interpreter only
        direct = self._cut(compile)
        self.copies = tuple((leaf, v) for leaf, v in trace.writes if (leaf, v) not in direct)

    def _cut(self, compile) -> set[tuple[int, int]]:
        """Fills `steps`; returns the writes that a native part does in place."""
        trace, parts = self.trace, []
        for n, node in enumerate(trace.nodes):
            native = is_native(node, self.specs)
            if native and parts and parts[-1][0]:
                parts[-1][1].append(n)
            else:
                parts.append((native, [n]))
        wanted = {*trace.outputs, *(v for _, v in trace.writes)}
        made_by = {v: k for k, (_, nodes) in enumerate(parts) for n in nodes for v in trace.nodes[n].outputs}
        last_read = {
            v: k
            for k, (_, nodes) in enumerate(parts)
            for n in nodes
            for v in trace.nodes[n].inputs
            if not isinstance(v, Number)
        }
        direct = set()
        for k, (native, nodes) in enumerate(parts):
            made = [v for n in nodes for v in trace.nodes[n].outputs if v in wanted or last_read.get(v, -1) > k]
            reads = tuple(
                dict.fromkeys(
                    v
                    for n in nodes
                    for v in trace.nodes[n].inputs
                    if not isinstance(v, Number) and made_by.get(v, -1) != k
                )
            )
            if not native:
                self.steps.append((trace.nodes[nodes[0]], reads, tuple(made), tuple(nodes)))
                continue
            # Only the last part writes in place: an interpreter step that fails later must find nothing changed.
            writes = []
            for leaf, v in trace.writes if k == len(parts) - 1 else ():
                if v in made and v not in trace.outputs:
                    writes.append((leaf, v))
                    direct.add((leaf, v))
                    made.remove(v)
                    reads = reads if leaf in reads else (*reads, leaf)
            part = _part(trace, nodes, reads, made, writes, f"{trace.name}-part{k}")
            self.steps.append((compile(part), reads, tuple(made), tuple(nodes)))
        return direct

    @property
    def programs(self) -> list[Program]:
        return [step[0].program for step in self.steps if isinstance(step[0], Executable)]

    def run(self, addresses: Sequence[int], numbers: Sequence = ()) -> None:
        self._run(addresses, numbers, lambda part, *given: part.run(*given))

    def run_timed(self, addresses: Sequence[int], numbers: Sequence = ()) -> list[float]:
        """As `run`; the seconds that each call of the native parts took, in the order of `programs`."""
        seconds: list[float] = []
        self._run(addresses, numbers, lambda part, *given: seconds.extend(part.run_timed(*given)))
        return seconds

    def _run(self, addresses: Sequence[int], numbers: Sequence, run_part: Callable) -> None:
        trace, leaves = self.trace, len(self.trace.leaves)
        words = [0 if type(x) is complex else x for x in numbers] if self.has_complex else numbers
        at = dict(enumerate(addresses[:leaves]))
        held: dict[int, Buffer] = {}
        for v, address in zip(trace.outputs, addresses[leaves:]):
            at.setdefault(v, address)
        for step, reads, made, nodes in self.steps:
            for v in made:
                if v not in at:
                    held[v] = Buffer(self.specs[v].nbytes)
                    at[v] = held[v].addr
            if isinstance(step, Node):
                self._interpret(step, nodes[0], at, numbers)
                continue
            try:
                run_part(step, [*(at[v] for v in reads), *(at[v] for v in made)], words)
            except CheckFailed as failure:
                raise CheckFailed(nodes[failure.node], failure.value) from None
        for v, address in zip(trace.outputs, addresses[leaves:]):
            if at[v] != address:  # a leaf, or a value that is an output twice
                ctypes.memmove(address, at[v], self.specs[v].nbytes)
        # All of them are read before the first is written: one leaf's new value may be another one's old.
        new = [
            (leaf, ctypes.string_at(at[v], self.specs[v].nbytes) if v < leaves else None, v) for leaf, v in self.copies
        ]
        for leaf, data, v in new:
            ctypes.memmove(at[leaf], data if data is not None else at[v], self.specs[leaf].nbytes)

    def _interpret(self, node: Node, index: int, at: dict[int, int], numbers: Sequence) -> None:
        inputs = [numbers[x.index] if isinstance(x, Number) else _array(at[x], self.specs[x]) for x in node.inputs]
        kinds = tuple(x.cls if isinstance(x, Number) else self.specs[x] for x in node.inputs)
        try:
            results = node.op.interpret(inputs, kinds, node.params, node.specs)
        except Exception as cause:
            raise NodeFailed(index, cause) from cause
        for v, result in zip(node.outputs, results):
            if v in at:
                _array(at[v], self.specs[v])[...] = result


def is_native(node: Node, specs: dict[int, Spec]) -> bool:
    """Whether machine code can do it: the op has a lowering, as has the op that it writes through, and no operand is complex."""
    kinds = [x.cls is not complex if isinstance(x, Number) else bool(specs[x].dtype.llvm) for x in node.inputs]
    if any(isinstance(p, Op) and not p.is_compiled for p in node.params):
        return False
    return node.op.is_compiled and all(kinds) and all(s.dtype.llvm for s in node.specs)


def _part(
    trace: Trace, nodes: list[int], reads: tuple[int, ...], made: list[int], writes: list[tuple[int, int]], name: str
) -> Trace:
    """Some nodes as a trace of their own: what they read are its leaves."""
    specs = trace.specs()
    number = {v: n for n, v in enumerate(reads)}
    found = []
    for n in nodes:
        node = trace.nodes[n]
        for v in node.outputs:
            number[v] = len(number)
        inputs = tuple(x if isinstance(x, Number) else number[x] for x in node.inputs)
        found.append(node._replace(inputs=inputs, outputs=tuple(number[v] for v in node.outputs)))
    outputs = tuple(number[v] for v in made)
    return Trace(
        tuple(specs[v] for v in reads),
        trace.numbers,
        tuple(found),
        outputs,
        tuple((number[a], number[b]) for a, b in writes),
        name,
    )


def _array(address: int, spec: Spec) -> np.ndarray:
    """The elements at an address."""
    if not spec.nbytes:
        return np.empty(spec.shape, spec.dtype.np)
    memory = (ctypes.c_char * spec.nbytes).from_address(address)
    return np.frombuffer(memory, spec.dtype.np).reshape(spec.shape)
