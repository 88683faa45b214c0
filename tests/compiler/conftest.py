"""Traces made by hand, and what their compiled form is compared with: the interpreter, and its own units run in pieces."""

from __future__ import annotations

import ctypes
import importlib

import numpy as np
import pytest

from suiren import interpreter
from suiren.compiler import pipeline
from suiren.compiler.program import ARENA, Ptr
from suiren.config import config
from suiren.dtypes import from_numpy_dtype
from suiren.runtime import jit
from suiren.runtime.buffers import Buffer
from suiren.trace.op import REGISTRY
from suiren.trace.spec import spec
from suiren.trace.trace import Node, Number, Trace
from suiren.trace.verify import verify


for _family in ("conv", "pool", "rng", "scan_sort", "views"):
    importlib.import_module(f"suiren.ops.{_family}")  # registers its primitives


class Recorder:
    """Writes a trace: `r("add", 0, 1)` appends a node and gives its value; leaves are counted first."""

    def __init__(self, *leaves: np.ndarray):
        self.arrays = [np.array(a) for a in leaves]
        self.specs = [spec(a.shape, from_numpy_dtype(a.dtype)) for a in self.arrays]
        self.leaves = tuple(self.specs)
        self.nodes: list[Node] = []
        self.numbers: list = []

    def number(self, value) -> Number:
        self.numbers.append(value)
        return Number(len(self.numbers) - 1, type(value))

    def __call__(self, name: str, *inputs, **params):
        op = REGISTRY[name]
        params = tuple(params[p] for p in op.params)
        kinds = tuple(x.cls if isinstance(x, Number) else self.specs[x] for x in inputs)
        specs = tuple(s.plain for s in op.infer(kinds, params))
        outputs = tuple(range(len(self.specs), len(self.specs) + len(specs)))
        self.specs += specs
        self.nodes.append(Node(op, tuple(inputs), params, outputs, specs))
        return outputs[0] if len(outputs) == 1 else outputs

    def trace(self, *outputs: int, writes=()) -> Trace:
        found = Trace(
            self.leaves, tuple(type(x) for x in self.numbers), tuple(self.nodes), outputs, tuple(writes), "test"
        )
        verify(found)
        return found


class Pieces:
    """A program run call by call, the units of each call in so many pieces, the last one first."""

    def __init__(self, program):
        self.program = program
        self.addresses = jit.load([c.kernel for c in program.calls])
        self.arena = Buffer(max(program.arena_bytes, 64))

    def run(self, arrays, numbers, pieces: int) -> list[np.ndarray]:
        program, trace = self.program, self.program.trace
        specs = trace.specs()
        memory = [Buffer(max(s.nbytes, 1)) for s in (*trace.leaves, *(specs[v] for v in trace.outputs))]
        for buffer, a in zip(memory, arrays):
            buffer.array(a.shape, a.dtype)[...] = a
        for buffer in (self.arena, *memory[len(arrays) :]):
            ctypes.memset(buffer.addr, 0xCC, buffer.nbytes)
        words = (ctypes.c_int64 * max(len(numbers), 1))()
        for n, x in enumerate(numbers):
            words[n] = ctypes.c_int64.from_buffer_copy(ctypes.c_double(x)).value if isinstance(x, float) else int(x)
        status = (ctypes.c_int64 * 2)()
        table = [self.arena.addr, ctypes.addressof(words), ctypes.addressof(status), *(b.addr for b in memory)]
        table = (ctypes.c_int64 * len(table))(*table)
        for call, address in zip(program.calls, self.addresses):
            args = _words(call)
            function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)(address)
            cuts = sorted({call.units * k // pieces for k in range(pieces + 1)})
            for begin, end in reversed(list(zip(cuts, cuts[1:]))):
                function(ctypes.addressof(table), ctypes.addressof(args), begin, end)
        places = [*range(len(trace.leaves), len(memory)), *(leaf for leaf, _ in trace.writes)]
        values = [*trace.outputs, *(v for _, v in trace.writes)]
        return [memory[p].array(specs[v].shape, specs[v].dtype.np).copy() for p, v in zip(places, values)]


def _words(call):
    found = []
    for a in call.args:
        if isinstance(a, Ptr):
            slot = ARENA if a.buffer.slot is None else a.buffer.slot
            found += [slot, a.buffer.offset + a.offset]
        elif isinstance(a, float):
            found.append(ctypes.c_int64.from_buffer_copy(ctypes.c_double(a)).value)
        else:
            found.append(a)
    return (ctypes.c_int64 * max(len(found), 1))(*found)


def _agree(r: Recorder, trace: Trace, rtol: float = 1e-5, atol: float = 1e-5, pieces=(1, 2, 5)):
    """Compiles a trace, compares it with the interpreter, and the pieces with each other, bit by bit; returns the program.

    The tolerances are those of sums in another order: some hundred additions in float32, each right to 6e-8.
    """
    program = pipeline.lowered(trace)
    expected = interpreter.run(trace, [a.copy() for a in r.arrays], tuple(r.numbers))
    runner = Pieces(program)
    first = None
    for count in pieces:
        got = runner.run(r.arrays, r.numbers, count)
        first = got if first is None else first
        for a, b in zip(got, first):
            assert a.tobytes() == b.tobytes(), f"{count} pieces give other bits than one"
    for a, b in zip(first, expected):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    return program


def _run(r: Recorder, trace: Trace, threads: int | None = None, executable=None) -> list[np.ndarray]:
    """The outputs, then the written leaves, of the compiled trace."""
    executable = executable or pipeline.compile_trace(trace, threads)
    specs = trace.specs()
    memory = [Buffer(a.nbytes) for a in r.arrays] + [Buffer(specs[v].nbytes) for v in trace.outputs]
    for buffer, a in zip(memory, r.arrays):
        buffer.array(a.shape, a.dtype)[...] = a
    executable.run([b.addr for b in memory], r.numbers)
    places = [*range(len(r.arrays), len(memory)), *(leaf for leaf, _ in trace.writes)]
    values = [*trace.outputs, *(v for _, v in trace.writes)]
    return [memory[p].array(specs[v].shape, specs[v].dtype.np).copy() for p, v in zip(places, values)]


@pytest.fixture(autouse=True)
def _uncached():
    """What random programs need is of use to nobody afterwards."""
    with config(cache="off"):
        yield


@pytest.fixture(scope="session")
def recorder():
    return Recorder


@pytest.fixture(scope="session")
def agree():
    return _agree


@pytest.fixture(scope="session")
def run_trace():
    return _run


@pytest.fixture(scope="session")
def elements():
    """elements(shape, dtype="float32", seed=0): random numbers around 0."""

    def make(shape, dtype="float32", seed=0):
        rng = np.random.default_rng(seed)
        if np.dtype(dtype).kind == "f":
            return rng.standard_normal(shape).astype(dtype)
        return rng.integers(0, 2 if dtype == "bool" else 9, shape).astype(dtype)

    return make
