"""Matrix products against float64, over random sizes, strides, dtypes and epilogues, with guards around all memory."""

import ctypes
import mmap
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suiren.compiler.emit.builder import Builder
from suiren.compiler.emit.target import BY_ISA
from suiren.compiler.kernels import gemm
from suiren.compiler.kernels.gemm_dot import sum_lanes
from suiren.compiler.kernels.gemm_tile import fits
from suiren.compiler.program import Buffer, Epilogue, Operand, Place, Ptr, Site, plain_epilogue
from suiren.dtypes import bfloat16, bool_, float16, float32, float64, from_numpy_dtype, int8, int16, int32, int64, uint8
from suiren.ops.matmul import matmul
from suiren.trace.spec import contiguous_strides, spec

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
FLOATS = (float32, float64, float16)


def elements(shape, d, seed=0):
    rng = np.random.default_rng(seed)
    if d.is_floating_point:
        return rng.standard_normal(shape).astype(d.np)
    return rng.integers(0 if not d.is_signed else -9, 10, shape).astype(d.np)


def lying(x: np.ndarray, how: str) -> np.ndarray:
    """The same elements with other strides."""
    if how == "transposed":
        return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
    if how == "sliced":  # rows farther apart than they are long
        wide = np.zeros((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
        wide[..., : x.shape[-1]] = x
        return wide[..., : x.shape[-1]]
    if how == "every second":
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if how == "rows first":  # the first dim is the innermost but one, as heads are in attention
        return np.ascontiguousarray(np.moveaxis(x, 0, -2)).swapaxes(0, -2) if x.ndim == 3 else x
    if how == "batch last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    return np.ascontiguousarray(x)


LYING = ("close", "close", "transposed", "transposed", "sliced", "every second", "rows first", "batch last")


def reference(a, b):
    """(the product, what its rounding errors are measured by), in float64 (or int64)."""
    wide = np.float64 if a.dtype.kind == "f" else np.int64
    a, b = a.astype(wide), b.astype(wide)
    return a @ b, np.abs(a) @ np.abs(b)


def assert_near(found, exact, scale, d, k):
    if not d.is_floating_point:
        assert (found == exact.astype(d.np)).all()
        return
    sums = float64 if d is float64 else float32
    eps = np.finfo(sums.np).eps
    bound = (k + 1) * eps * scale + np.finfo(d.np).eps * np.abs(exact)
    assert (np.abs(found.astype(np.float64) - exact) <= bound).all()


def check(runner, a, b):
    (found,) = runner.run(gemm.calls, matmul, (), (a, b), strided=(0, 1))
    kernels = [(c.kernel.key[0], c.units) for c in runner.last_calls]
    (again,) = runner.run(gemm.calls, matmul, (), (a, b), strided=(0, 1), order=random.Random(1))
    assert found.tobytes() == again.tobytes(), "the bits depend on how units are shared out"
    assert_near(found, *reference(a, b), from_numpy_dtype(a.dtype), a.shape[-1])
    return kernels


# ---------------------------------------------------------------- sizes and strides

sizes = st.one_of(st.integers(1, 9), st.integers(1, 40), st.sampled_from([16, 24, 48, 64, 100, 120]))


@QUICK
@given(sizes, sizes, sizes, st.sampled_from([(), (), (1,), (3,), (2, 3)]), st.sampled_from(LYING), st.sampled_from(LYING), st.sampled_from(FLOATS))
def test_random_products(runner, m, n, k, batch, how_a, how_b, d):
    check(runner, lying(elements((*batch, m, k), d), how_a), lying(elements((*batch, k, n), d, 1), how_b))


# Which kernels a product of a certain kind is meant for, on AVX2: (m, n, k), how A and B lie, kernels.
VARIANTS = {
    "a Linear layer of few rows": ((4, 120, 400), "close", "transposed", ["dot"]),
    "its input's gradient": ((4, 400, 120), "close", "close", ["tile"]),
    "its weight's gradient": ((120, 400, 4), "transposed", "close", ["thin"]),
    "K of one": ((7, 30, 1), "close", "close", ["thin"]),
    "thin, B lies along K": ((40, 30, 6), "close", "transposed", ["pack", "thin"]),
    "row by matrix": ((1, 77, 50), "close", "close", ["tile"]),
    "matrix by column": ((77, 1, 50), "close", "close", ["dot"]),
    "transposed matrix by column": ((77, 1, 50), "transposed", "close", ["tile"]),
    "row by large matrix": ((1, 1500, 301), "close", "close", ["row"]),
    "row by larger matrix": ((1, 700, 5003), "close", "close", ["row", "combine"]),
    "row by column": ((1, 1, 50), "close", "close", ["dot"]),
    "panels of B packed in the unit": ((60, 70, 80), "close", "close", ["tile"]),
    "the same, B lies along K": ((60, 70, 80), "close", "transposed", ["tile"]),
    "the same, B is strided": ((60, 70, 80), "close", "every second", ["tile"]),
    "B packed once": ((500, 50, 70), "close", "close", ["pack", "tile"]),
    "B packed once, lies along K": ((500, 50, 70), "close", "transposed", ["pack", "tile"]),
    "A packed": ((31, 110, 300), "transposed", "close", ["pack", "tile"]),
    "A packed, strided": ((31, 110, 300), "every second", "close", ["pack", "tile"]),
    "both packed": ((490, 100, 270), "transposed", "transposed", ["pack", "pack", "tile"]),
    "blocks of K": ((30, 60, 1700), "close", "close", ["tile"]),
    "parts of K": ((20, 30, 5000), "transposed", "close", ["tile", "combine"]),
    "parts of K, dot products": ((3, 5, 90000), "close", "transposed", ["dot", "combine"]),
    "parts and blocks of K": ((20, 30, 100000), "transposed", "close", ["tile", "combine"]),
    "many rows, one column of tiles": ((3000, 5, 20), "close", "close", ["tile"]),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(runner, name):
    (m, n, k), how_a, how_b, kernels = VARIANTS[name]
    found = check(runner, lying(elements((m, k), float32), how_a), lying(elements((k, n), float32, 1), how_b))
    if runner.target.isa == "avx2":
        assert [kernel for kernel, _ in found] == kernels


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 0), (30, 40, 0), (0, 0, 0)])
@pytest.mark.parametrize("batch", [(), (2,), (0,)])
def test_nothing_to_add(runner, shape, batch):
    m, n, k = shape
    (found,) = runner.run(gemm.calls, matmul, (), (elements((*batch, m, k), float32), elements((*batch, k, n), float32)))
    assert found.shape == (*batch, m, n) and (found == 0).all()


@pytest.mark.parametrize("d", [int8, uint8, int16, int32, int64], ids=str)
@pytest.mark.parametrize("shape", [(5, 9, 3), (4, 20, 90), (40, 33, 70), (30, 40, 20)])
def test_integers_wrap_around(runner, shape, d):
    m, n, k = shape
    for how_a, how_b in (("close", "close"), ("close", "transposed"), ("transposed", "every second")):
        a, b = elements((m, k), d), elements((k, n), d, 1)
        a[0, 0], b[0, 0] = np.iinfo(d.np).max, np.iinfo(d.np).max
        check(runner, lying(a, how_a), lying(b, how_b))


def test_one_matrix_for_a_whole_batch(runner):
    """A Linear layer on (B, T, K): the rows of all batches are one matrix; a batch of one operand is not copied."""
    a, b = elements((3, 5, 20), float32), elements((20, 12), float32, 1)
    check(runner, a, np.broadcast_to(b, (3, 20, 12)))
    assert runner.last_calls[-1].label == "gemm 15x12x20"
    check(runner, np.broadcast_to(a[0], (3, 5, 20)), elements((3, 20, 12), float32, 2))
    check(runner, np.broadcast_to(a[0], (3, 5, 20)), np.broadcast_to(b, (3, 20, 12)))
    # heads of attention: (B, T, H, D) read as (B, H, T, D)
    q, k = (elements((2, 9, 3, 16), float32, i).transpose(0, 2, 1, 3) for i in range(2))
    check(runner, q, k.swapaxes(-1, -2))
    check(runner, elements((2, 3, 9, 9), float32), k)


def test_expanded_operands(runner):
    """Gradients of sums: strides of zero along any dim."""
    ones = np.ones((1, 1), np.float32)
    for m, n, k in ((6, 11, 30), (50, 60, 70), (3, 40, 5), (1, 9, 9), (9, 1, 12)):
        x, y = elements((m, k), float32), elements((k, n), float32, 1)
        check(runner, np.broadcast_to(ones, (m, k)), y)
        check(runner, x, np.broadcast_to(ones, (k, n)))
        check(runner, np.broadcast_to(x[:1], (m, k)), np.broadcast_to(y[:, :1], (k, n)))


def test_flipped_operands(host_runner):
    """Negative strides: a Place whose pointer is its last element."""
    memories = {}
    a, b = elements((13, 30), float32), elements((30, 21), float32, 1)
    places = []
    for x in (a, b):
        place = host_runner.place(np.ascontiguousarray(x[::-1, ::-1]), memories)
        last = (x.size - 1) * x.itemsize
        places.append(Place(Ptr(place.ptr.buffer, last), place.dtype, x.shape, tuple(-s for s in place.strides)))
    out = host_runner.place(np.zeros((13, 21), np.float32), memories)
    host_runner.calls(gemm.calls(site(places, out, host_runner.target)), memories)
    assert_near(host_runner.read(out, memories), *reference(a, b), float32, 30)


def site(places, out, target, epilogue=None, operands=()):
    d = places[0].dtype
    return Site(matmul, (), tuple(places), (out,), d, epilogue or plain_epilogue(d), tuple(operands), target, 0, 0)


def test_bfloat16(host_runner):
    """NumPy has no such dtype: the high halves of floats."""
    wide = [elements(shape, float32, i).view(np.uint32) >> 16 for i, shape in enumerate([(5, 40), (40, 19)])]
    memories, places = {}, []
    for x in wide:
        place = host_runner.place(x.astype(np.int16), memories)
        places.append(Place(place.ptr, bfloat16, place.shape, place.strides))
    stored = host_runner.place(np.zeros((5, 19), np.int16), memories)
    out = Place(stored.ptr, bfloat16, stored.shape, stored.strides)
    host_runner.calls(gemm.calls(site(places, out, host_runner.target)), memories)
    found = (host_runner.read(stored, memories).astype(np.uint32) << 16).view(np.float32)
    exact, scale = reference(*((x << 16).view(np.float32) for x in wide))
    assert (np.abs(found - exact) <= 2.0**-8 * np.abs(exact) + 41 * 2.0**-23 * scale).all()


# ---------------------------------------------------------------- epilogues


def bias_and_relu(b, x, operands):
    return [b.maximum(b.add(x, operands[0]), 0)]


def everything(b, x, operands):
    """Two results of five operands; the second one is a bool."""
    same, last, first, scalar, number = operands
    y = b.add(b.mul(b.add(b.mul(x, b.convert(number, float32)), same), first), b.mul(last, b.convert(scalar, float32)))
    return [y, b.gt(y, 0)]


def numpy_everything(x, same, last, first, scalar, number):
    y = (x * np.float32(number) + same) * first[..., :, None] + last * np.float32(scalar)
    return y, y > 0


EVERYTHING = Epilogue(
    key=("everything",),
    operands=(Operand(float32, "same"), Operand(float32, "last"), Operand(float32, "first"), Operand(float64, "scalar"), Operand(float64, "number")),
    results=(float32, bool_),
    emit=everything,
)


@QUICK
@given(sizes, sizes, sizes, st.sampled_from([(), (3,)]), st.sampled_from(LYING), st.sampled_from(LYING), st.booleans())
def test_epilogues(runner, m, n, k, batch, how_a, how_b, in_place):
    a, b = lying(elements((*batch, m, k), float32), how_a), lying(elements((*batch, k, n), float32, 1), how_b)
    operands = (elements((*batch, m, n), float32, 2), elements((n,), float32, 3), elements((m,), float32, 4), np.array(0.75), 1.5)
    found = runner.run(gemm.calls, matmul, (), (a, b), strided=(0, 1), epilogue=EVERYTHING, operands=operands, in_place=0 if in_place else None)
    again = runner.run(
        gemm.calls, matmul, (), (a, b), strided=(0, 1), epilogue=EVERYTHING, operands=operands, in_place=0 if in_place else None, order=random.Random(2)
    )
    exact, scale = reference(a, b)
    y, _ = numpy_everything(exact, *operands)
    error = 1.5 * (k + 8) * np.finfo(np.float32).eps * (scale + np.abs(operands[0])) * np.abs(operands[2])[:, None] + 1e-5
    assert (np.abs(found[0] - y) <= error).all()
    assert (found[1] == (found[0] > 0)).all()
    assert all(x.tobytes() == y.tobytes() for x, y in zip(found, again))


@pytest.mark.parametrize("name", VARIANTS)
def test_bias_and_activation_in_every_variant(host_runner, name):
    (m, n, k), how_a, how_b, _ = VARIANTS[name]
    a, b = lying(elements((m, k), float32), how_a), lying(elements((k, n), float32, 1), how_b)
    epilogue = Epilogue(("bias, relu",), (Operand(float32, "last"),), (float32,), bias_and_relu)
    bias = elements((n,), float32, 2)
    (plain,) = host_runner.run(gemm.calls, matmul, (), (a, b), strided=(0, 1))
    (found,) = host_runner.run(gemm.calls, matmul, (), (a, b), strided=(0, 1), epilogue=epilogue, operands=(bias,))
    # The sum is the same sum: fusing changes no bits.
    assert (found == np.maximum(plain + bias, 0)).all()


def test_narrow_results_are_rounded_before_the_epilogue(host_runner):
    """What an epilogue is given has the op's dtype, so that fusing changes nothing."""
    a, b, bias = elements((9, 50), float16), elements((50, 21), float16, 1), elements((21,), float16, 2)
    epilogue = Epilogue(("bias, relu",), (Operand(float16, "last"),), (float16,), bias_and_relu)
    (plain,) = host_runner.run(gemm.calls, matmul, (), (a, b))
    (found,) = host_runner.run(gemm.calls, matmul, (), (a, b), epilogue=epilogue, operands=(bias,))
    assert (found == np.maximum(plain + bias, np.float16(0))).all()


def test_strided_vectors_in_the_epilogue(host_runner):
    memories = {}
    a, b, bias = elements((9, 20), float32), elements((20, 21), float32, 1), elements((21,), float32, 2)
    places = [host_runner.place(x, memories) for x in (a, b)]
    held = host_runner.place(np.repeat(bias, 3), memories)
    out = host_runner.place(np.zeros((9, 21), np.float32), memories)
    epilogue = Epilogue(("bias, relu",), (Operand(float32, "last"),), (float32,), bias_and_relu)
    for stride, exact in ((3, bias), (0, bias[:1])):
        operand = Place(held.ptr, float32, (21,), (stride,))
        host_runner.calls(gemm.calls(site(places, out, host_runner.target, epilogue, [operand])), memories)
        assert np.allclose(host_runner.read(out, memories), np.maximum(a @ b + exact, 0), atol=1e-4)


# ---------------------------------------------------------------- what it may not touch


class PageEnd:
    """Memory that ends, up to the next 64 bytes, where a page ends that may not even be read."""

    def __init__(self, nbytes: int):
        page = mmap.PAGESIZE
        room = -(-max(nbytes, 1) // 64) * 64
        pages = -(-room // page)
        self.map = mmap.mmap(-1, (pages + 1) * page)
        self.raw = np.frombuffer(self.map, np.uint8)
        start = self.raw.ctypes.data
        # Where there is no mprotect, it is memory like any other.
        if hasattr(mmap, "PROT_READ") and ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(start + pages * page), ctypes.c_size_t(page), 0):
            raise OSError(ctypes.get_errno(), "mprotect")
        self.begin = pages * page - room
        self.end = self.begin + nbytes
        self.address = start + self.begin

    def check(self) -> None:
        pass


@pytest.mark.parametrize("name", VARIANTS)
def test_reads_nothing_beyond_the_operands(host_runner, name):
    shape, how_a, how_b, _ = VARIANTS[name]
    for m, n, k in (shape, (shape[0] + 1, shape[1] + 1, shape[2] + (1 if shape[2] < 8 else 3))):
        operands = lying(elements((m, k), float32), how_a), lying(elements((k, n), float32, 1), how_b)
        memories, places = {}, []
        for x in operands:
            strides = tuple(s // x.itemsize for s in x.strides)
            extent = 1 + sum((size - 1) * stride for size, stride in zip(x.shape, strides))
            memory = PageEnd(4 * extent)
            flat = memory.raw[memory.begin : memory.end].view(np.float32)
            np.lib.stride_tricks.as_strided(flat, x.shape, x.strides)[...] = x
            buffer = Buffer(4 * extent)
            memories[buffer] = memory
            places.append(Place(Ptr(buffer), float32, x.shape, strides))
        out = Buffer(4 * m * n)
        memories[out] = PageEnd(4 * m * n)
        place = Place(Ptr(out), float32, (m, n), contiguous_strides((m, n)))
        calls = gemm.calls(site(places, place, host_runner.target))
        for call in calls:
            for buffer in (*call.reads, *call.writes, *call.scratch):
                memories.setdefault(buffer, PageEnd(buffer.nbytes))
        host_runner.calls(calls, memories)
        found = memories[out].raw[memories[out].begin : memories[out].end].view(np.float32).reshape(m, n)
        assert_near(found, *reference(*operands), float32, k)


def test_garbage_around_operands_stays_there(host_runner):
    """NaN between rows and behind them does not reach a result."""
    for (m, n, k), how_a, how_b, _ in VARIANTS.values():
        a, b = lying(elements((m, k), float32), how_a), lying(elements((k, n), float32, 1), how_b)
        (found,) = host_runner.run(gemm.calls, matmul, (), (a, b), strided=(0, 1))
        assert np.isfinite(found).all()


# ---------------------------------------------------------------- plans


@pytest.mark.parametrize("isa", BY_ISA)
def test_every_instruction_set(isa):
    """Tiles fill the registers and no more, and the kernels can be written for it."""
    target = BY_ISA[isa]
    for d in (float32, float64):
        lanes = target.lanes(d)
        rows, vectors = gemm.tile_shape(1000, 1000, lanes, target)
        assert fits(rows, vectors, target.registers) and rows * vectors >= 0.7 * target.registers
    for (m, n, k), how_a, how_b, _ in VARIANTS.values():
        buffers = [Buffer(4 * size) for size in (m * k, k * n, m * n)]
        strides = {"close": lambda r, c: (c, 1), "transposed": lambda r, c: (1, r), "every second": lambda r, c: (2 * c, 2)}
        places = [Place(Ptr(b), float32, s, strides[how](*s)) for b, s, how in zip(buffers, ((m, k), (k, n)), (how_a, how_b))]
        for call in gemm.calls(site(places, Place(Ptr(buffers[2]), float32, (m, n), (n, 1)), target)):
            b = Builder(target)
            call.kernel.emit(b)
            assert "define void @kernel" in b.module_text()


def test_large_products_have_units_for_many_threads():
    target = BY_ISA["avx2"]
    for size in (256, 512, 1024, 2048):
        buffers = [Buffer(4 * size * size) for _ in range(3)]
        x, y, z = (Place(Ptr(b), float32, (size, size), (size, 1)) for b in buffers)
        main = gemm.calls(site([x, y], z, target))[-1]
        assert main.flops == 2 * size**3 and main.units >= 11


def test_one_kernel_serves_many_sizes():
    target = BY_ISA["avx2"]
    keys = set()
    for m, n, k in ((60, 96, 100), (120, 240, 77), (180, 480, 230)):
        buffers = [Buffer(4 * size) for size in (m * k, k * n, m * n)]
        x, y, z = (Place(Ptr(b), float32, s, (s[1], 1)) for b, s in zip(buffers, ((m, k), (k, n), (m, n))))
        keys.add(gemm.calls(site([x, y], z, target))[-1].kernel.key)
    assert len(keys) == 1


def test_folding():
    """The shuffles themselves, on lists: sums over lanes."""

    class Lanes:
        def __init__(self, x, dtype):
            self.x, self.lanes, self.dtype = x, len(x), dtype

    class Lists:
        def shuffle(self, x, y, indices):
            both = x.x + y.x
            return Lanes([both[i] for i in indices], x.dtype)

        def add(self, x, y):
            return Lanes([p + q for p, q in zip(x.x, y.x)], x.dtype)

    for d, lanes in ((float32, 4), (float32, 8), (float32, 16), (float64, 2), (float64, 4), (float64, 8), (int8, 32)):
        for count in (1, 2, 3, 5, 8, 12):
            vectors = [Lanes([10**i * (j + 1) for j in range(lanes)], d) for i in range(count)]
            sums = {}
            for found, whose in sum_lanes(Lists(), vectors):
                sums.update({k: x for x, k in zip(found.x, whose) if k is not None})
            assert sums == {i: sum(v.x) for i, v in enumerate(vectors)}


def test_what_the_family_takes():
    x = Place(Ptr(Buffer(0)), float32, (3, 4), (7, 2))
    assert gemm.takes(matmul, (), 0, x)
    assert not gemm.takes(matmul, (), 0, Place(Ptr(Buffer(0)), float32, (3, 4, 1, 1), (), 8))
    assert gemm.fuses(matmul, (), (spec((3, 4), float32),) * 2) == {"same", "last", "first", "scalar", "number"}
