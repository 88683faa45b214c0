"""Small kernels and programs for the tests of the runtime."""

from __future__ import annotations

import numpy as np

from suiren.compiler.program import FIRST_FREE_SLOT, Buffer, Call, Kernel, Ptr
from suiren.dtypes import float32, int64
from suiren.runtime import buffers, jit
from suiren.runtime.driver import Driver

UNIT = 256  # elements of a unit


def affine(scale: float, shift: float) -> Kernel:
    """y = x * scale + shift; arguments x, y; a unit is UNIT elements of float32."""

    def emit(b):
        x, y = b.arg_ptr(0), b.arg_ptr(2)
        with b.loop(b.begin, b.end) as unit, b.loop(0, UNIT) as i:
            at = b.add(b.mul(unit, UNIT), i)
            b.store(b.add(b.mul(b.load(x, float32, offset=at), scale), shift), y, offset=at)

    return Kernel("affine", (scale, shift), emit)


def accumulate() -> Kernel:
    """y += x * number 0, an int argument, a float argument; arguments x, y, index of the number, int, float."""

    def emit(b):
        x, y = b.arg_ptr(0), b.arg_ptr(2)
        factor = b.number(4, float, float32)
        plus = b.add(b.convert(b.arg_int(5), float32), b.arg_float(6, float32))
        with b.loop(b.begin, b.end) as unit, b.loop(0, UNIT) as i:
            at = b.add(b.mul(unit, UNIT), i)
            value = b.add(b.mul(b.load(x, float32, offset=at), factor), plus)
            b.store(b.add(b.load(y, float32, offset=at), value), y, offset=at)

    return Kernel("accumulate", (), emit)


def non_negative() -> Kernel:
    """Checks that no element of x (int64) is negative; arguments x, the number of the check. A unit is one element."""

    def emit(b):
        x = b.arg_ptr(0)
        with b.loop(b.begin, b.end) as i:
            value = b.load(x, int64, offset=i)
            b.check(b.ge(value, 0), value, 2)

    return Kernel("non_negative", (), emit)


def call(kernel: Kernel, x: Buffer, y: Buffer, units: int, work: float = 0.0, **more) -> Call:
    """A call that reads x and writes y; `work` in microseconds is what the scheduler is told."""
    flops = int(work * 20_000)
    return Call(kernel, [Ptr(x), Ptr(y), *more.pop("args", ())], units, [x], [y], flops=flops, **more)


def driver(calls: list[Call], leaves: int, numbers: int = 0, arena_bytes: int = 0, threads: int = 2) -> Driver:
    addresses = jit.load([c.kernel for c in calls])
    return Driver(calls, addresses, FIRST_FREE_SLOT + leaves, numbers, arena_bytes, threads)


def leaf(index: int, units: int) -> Buffer:
    return Buffer(4 * UNIT * units, f"leaf{index}", FIRST_FREE_SLOT + index)


def chain(units: int, length: int, work: float) -> tuple[Driver, np.ndarray, np.ndarray, list[int]]:
    """A program that applies y = 2x + 1 to and fro between two leaves: (driver, arrays of the leaves, addresses)."""
    sides = [leaf(0, units), leaf(1, units)]
    step = affine(2.0, 1.0)
    d = driver([call(step, sides[i % 2], sides[1 - i % 2], units, work) for i in range(length)], 2)
    x, y = (buffers.Buffer(4 * UNIT * units) for _ in range(2))
    arrays = [b.array((units * UNIT,), np.float32) for b in (x, y)]
    for a in arrays:
        a[:] = 0
    return d, *arrays, [x.addr, y.addr]
