"""Runs what a template family makes of a Site: compiles its calls, gives every buffer memory with guards around it,
runs the units in any order.
"""

import ctypes
import random

import numpy as np
import pytest

from suiren.compiler.emit.builder import Builder
from suiren.compiler.emit.target import BY_ISA, host
from suiren.compiler.program import NUMBERS, STATUS, Buffer, Place, Ptr, Site, plain_epilogue
from suiren.dtypes import float32, from_numpy_dtype
from suiren.trace.spec import Spec, contiguous_strides, spec
from suiren.trace.trace import Number

GUARD = 256  # bytes before and after every buffer
FILL = 0xFF  # of guards and of memory that nobody has written: NaN, -1


class Memory:
    """An array somewhere between guards."""

    def __init__(self, nbytes: int):
        self.raw = np.full(nbytes + 2 * GUARD + 128, FILL, np.uint8)
        self.begin = GUARD + -(self.raw.ctypes.data + GUARD) % 64
        self.end = self.begin + nbytes
        self.address = self.raw.ctypes.data + self.begin

    def array(self, shape, dtype) -> np.ndarray:
        return self.raw[self.begin : self.end].view(dtype).reshape(shape)

    def check(self) -> None:
        assert (self.raw[: self.begin] == FILL).all(), "written before a buffer"
        assert (self.raw[self.end :] == FILL).all(), "written behind a buffer"


def to_blocked(x: np.ndarray, block: int) -> np.ndarray:
    """(N, C, *S) -> (N, ceil(C/block), *S, block), with lanes past C that must not be looked at."""
    n, c = x.shape[:2]
    out = np.full((n, -(-c // block), *x.shape[2:], block), np.nan if x.dtype.kind == "f" else -77, x.dtype)
    for i in range(c):
        out[:, i // block, ..., i % block] = x[:, i]
    return out


def from_blocked(x: np.ndarray, channels: int) -> np.ndarray:
    n, block = x.shape[0], x.shape[-1]
    return np.moveaxis(x, -1, 2).reshape(n, x.shape[1] * block, *x.shape[2:-1])[:, :channels]


def kinds_of(inputs) -> tuple[Spec | type, ...]:
    return tuple(spec(x.shape, from_numpy_dtype(x.dtype)) if isinstance(x, np.ndarray) else type(x) for x in inputs)


class Runner:
    """For one instruction set. Kernels are compiled once."""

    def __init__(self, target):
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.llvm, self.target = llvm, target
        self.block = target.lanes(float32)
        self.compiled: dict = {}

    # ---- kernels

    def function(self, kernel):
        key = (kernel.family, kernel.key)
        if key not in self.compiled:
            llvm = self.llvm
            b = Builder(self.target)
            kernel.emit(b)
            module = llvm.parse_assembly(b.module_text("kernel"))
            module.verify()
            words = {"cpu": self.target.name, "features": self.target.features} if self.target.name else {}
            machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(opt=2, jit=True, **words)
            passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
            passes.getModulePassManager().run(module, passes)
            engine = llvm.create_mcjit_compiler(module, machine)
            engine.finalize_object()
            address = engine.get_function_address("kernel")
            call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
            self.compiled[key] = (call, engine)
        return self.compiled[key][0]

    def calls(self, calls, memories: dict, numbers=(), order: random.Random | None = None) -> np.ndarray:
        """Runs calls; with `order`, unit by unit in random order. Gives the two words of STATUS."""
        memories = dict(memories)
        for call in calls:
            touched = [argument.buffer for argument in call.args if isinstance(argument, Ptr)]
            assert set(touched) <= {*call.reads, *call.writes, *call.scratch}, (
                "a call touches a buffer that it does not name"
            )
            for buffer in (*call.reads, *call.writes, *call.scratch):
                if buffer not in memories:
                    memories[buffer] = Memory(buffer.nbytes)
        status, words = np.zeros(2, np.int64), np.zeros(max(len(numbers), 1), np.int64)
        for i, x in enumerate(numbers):
            words[i : i + 1] = np.array([x], np.float64).view(np.int64) if isinstance(x, float) else x
        slots = {buffer: 8 + i for i, buffer in enumerate(memories)}
        table = np.zeros(8 + len(slots), np.uint64)
        table[NUMBERS], table[STATUS] = words.ctypes.data, status.ctypes.data
        for buffer, slot in slots.items():
            table[slot] = memories[buffer].address
        for call in calls:
            if not call.units:
                continue
            args = []
            for x in call.args:
                if isinstance(x, Ptr):
                    args += [slots[x.buffer], x.offset]
                else:
                    args.append(int(np.float64(x).view(np.int64)) if isinstance(x, float) else x)
            args = np.array(args, np.int64)
            function = self.function(call.kernel)
            units = [(0, call.units)]
            if order is not None:
                units = [(u, u + 1) for u in range(call.units)]
                order.shuffle(units)
            for begin, end in units:
                function(table.ctypes.data, args.ctypes.data, begin, end)
        for memory in memories.values():
            memory.check()
        return status

    # ---- whole nodes

    def reference(self, op, params, inputs) -> tuple[np.ndarray, ...]:
        """The results of op(inputs; params) as the interpreter computes them."""
        kinds = kinds_of(inputs)
        return op.interpret(list(inputs), kinds, params, op.infer(kinds, params))

    def place(self, x: np.ndarray, memories: dict, block: int = 0, strided: bool = False) -> Place:
        """A copy of x in memory of its own. `strided` keeps the strides of x (of positive steps, at most a whole array
        apart).
        """
        d = from_numpy_dtype(x.dtype)
        if strided:
            strides = tuple(s // x.itemsize for s in x.strides)
            extent = 1 + sum((n - 1) * s for n, s in zip(x.shape, strides)) if x.size else 0
            memory = Memory(extent * x.itemsize)
            flat = memory.array((extent,), x.dtype)
            np.lib.stride_tricks.as_strided(flat, x.shape, x.strides)[...] = x
        else:
            held = to_blocked(x, block) if block else x
            memory = Memory(held.nbytes)
            memory.array(held.shape, held.dtype)[...] = held
            strides = () if block else contiguous_strides(x.shape)
        buffer = Buffer(memory.end - memory.begin, "value")
        memories[buffer] = memory
        return Place(Ptr(buffer), d, x.shape, strides, block)

    def read(self, place: Place, memories: dict) -> np.ndarray:
        memory = memories[place.ptr.buffer]
        if not place.block:
            return memory.array(place.shape, place.dtype.np).copy()
        n, c, *size = place.shape
        return from_blocked(memory.array((n, -(-c // place.block), *size, place.block), place.dtype.np), c).copy()

    def run(
        self,
        make,
        op,
        params,
        inputs,
        *,
        plain=(),
        strided=(),
        epilogue=None,
        operands=(),
        in_place=None,
        order=None,
        target=None,
    ):
        """Runs op(inputs; params) through `make`, the family's `calls`: the list of its results.

        `plain`: blocked inputs that lie plain all the same; `strided`: inputs that keep their strides. `operands` of
        the epilogue are arrays (with "same" for one like the output, "last" for one element per channel told by their
        shape) or numbers; `in_place`: the operand whose memory is that of result 0.
        """
        memories: dict = {}
        numbers = [x for x in (*inputs, *operands) if not isinstance(x, np.ndarray)]
        count = iter(range(len(numbers)))
        specs: tuple[Spec, ...] = op.infer(kinds_of(inputs), params)
        blocked_in, blocked_out = getattr(op, "blocked", ((), ()))
        places = []
        for i, x in enumerate(inputs):
            if isinstance(x, np.ndarray):
                block = self.block if i in blocked_in and i not in plain else 0
                places.append(self.place(x, memories, block, i in strided))
            else:
                places.append(Number(next(count), type(x)))
        epilogue = epilogue or plain_epilogue(specs[0].dtype)
        extra = []
        for operand, x in zip(epilogue.operands, operands):
            if isinstance(x, np.ndarray):
                same = operand.varies == "same" and 0 in blocked_out
                extra.append(self.place(x, memories, self.block if same else 0))
            else:
                extra.append(Number(next(count), type(x)))
        outputs = []
        first = [(specs[0].shape, d) for d in epilogue.results]
        for i, (shape, d) in enumerate([*first, *((s.shape, s.dtype) for s in specs[1:])]):
            block = self.block if (0 if i < len(first) else i - len(first) + 1) in blocked_out else 0
            if i == 0 and in_place is not None:
                outputs.append(extra[in_place])
                continue
            size = (shape[0], -(-shape[1] // block), *shape[2:], block) if block else shape
            buffer = Buffer(int(np.prod(size)) * d.itemsize, "result")
            memories[buffer] = Memory(buffer.nbytes)
            outputs.append(Place(Ptr(buffer), d, shape, () if block else contiguous_strides(shape), block))
        site = Site(op, params, tuple(places), tuple(outputs), specs[0].dtype, epilogue, tuple(extra), self.target, self.block, 0)
        calls = make(site)
        status = self.calls(calls, memories, numbers, order)
        assert not status.any(), "a check failed"
        self.last_calls = calls
        return [self.read(p, memories) for p in outputs]


@pytest.fixture(scope="session", params=["sse2", "host"])
def runner(request):
    """The weakest and the strongest instruction set that run here."""
    if request.param == "sse2" and host().isa in ("sse2", "avx2", "avx512"):
        return Runner(BY_ISA["sse2"])
    return Runner(host())


@pytest.fixture(scope="session")
def host_runner():
    return Runner(host())
