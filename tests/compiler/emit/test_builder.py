"""Every operation of the Builder against NumPy, as scalars and as vectors, for every dtype."""

from dataclasses import replace

import numpy as np
import pytest

from suiren import dtypes
from suiren.compiler.emit.target import host
from suiren.dtypes import FLOAT, bfloat16, bool_, float16, float32, float64, int32, int64, uint8

FLOATS = (float32, float64, float16, bfloat16)
INTEGERS = tuple(d for d in dtypes.ALL if d.category == dtypes.INTEGER)
COUNT = 24 * 16  # elements in a test: a multiple of all lane counts used
LANES = (1, 3, 8)


def round_bfloat(x):
    """float32 values rounded to bfloat16's, ties to even."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
    return np.where(np.isnan(x), x, rounded).astype(np.float32)


def to_memory(x, d):
    """An array as a kernel finds it in memory. bfloat16 is the upper half of a float32."""
    if d is bfloat16:
        return (round_bfloat(x).view(np.uint32) >> 16).astype(np.uint16)
    return np.ascontiguousarray(x, d.np)


def from_memory(x, d):
    if d is bfloat16:
        return (x.astype(np.uint32) << 16).view(np.float32)
    return x


def sample(d, seed):
    """Random numbers of a dtype, mixed with its difficult ones."""
    rng = np.random.default_rng(seed)
    if d is bool_:
        return rng.integers(0, 2, COUNT).astype(bool)
    if d.category == FLOAT:
        x = np.concatenate(
            [rng.normal(0, 3, COUNT // 2), rng.integers(-8, 9, COUNT // 4) / 2, 10 ** rng.uniform(-6, 4, COUNT // 4)]
        )
        x[rng.integers(0, COUNT, 40)] = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 1.5, 2.5, -1e-3], 40)
        with np.errstate(over="ignore"):
            return from_memory(to_memory(rng.permutation(x).astype(np.float32 if d is bfloat16 else d.np), d), d)
    info = np.iinfo(d.np)
    x = rng.integers(info.min, info.max, COUNT, dtype=d.np, endpoint=True)
    small = rng.integers(-9 if d.is_signed else 0, 10, COUNT).astype(d.np)
    x = np.where(rng.random(COUNT) < 0.5, x, small)
    x[rng.integers(0, COUNT, 60)] = rng.choice(np.array([info.min, info.max, 0, 1, info.max - 1], d.np), 60)
    if d.is_signed:
        x[rng.integers(0, COUNT, 40)] = -1
    return x


def trunc_div(x, y):
    q = [0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) for a, b in zip(x.tolist(), y.tolist())]
    return np.array(q, object).astype(np.uint64 if x.dtype == np.uint64 else np.int64).astype(x.dtype)


def trunc_rem(x, y):
    r = [0 if b == 0 else abs(a) % abs(b) * (1 if a >= 0 else -1) for a, b in zip(x.tolist(), y.tolist())]
    return np.array(r, object).astype(np.uint64 if x.dtype == np.uint64 else np.int64).astype(x.dtype)


def shifted(x, y, op):
    """Python's shift, where counts outside of the type's width shift everything out."""
    bits = 8 * x.dtype.itemsize
    fill = lambda a: a >> 70 if op == ">>" else 0
    pick = lambda a, n: fill(a) if not 0 <= n < bits else a >> n if op == ">>" else a << n
    wide = np.array([pick(a, n) & (1 << bits) - 1 for a, n in zip(x.tolist(), y.tolist())], object)
    return wide.astype(np.uint64).astype(x.dtype)


# name -> (NumPy's version, number of operands); the kernel calls the method of that name
COMMON = {
    "add": (np.add, 2), "sub": (np.subtract, 2), "mul": (np.multiply, 2), "minimum": (np.minimum, 2),
    "maximum": (np.maximum, 2), "fmin": (np.fmin, 2), "fmax": (np.fmax, 2),
    "neg": (lambda x: 0 - x if x.dtype.kind == "u" else -x, 1), "abs": (np.abs, 1), "floordiv": (np.floor_divide, 2),
    "remainder": (np.remainder, 2), "eq": (np.equal, 2), "ne": (np.not_equal, 2), "lt": (np.less, 2),
    "le": (np.less_equal, 2), "gt": (np.greater, 2), "ge": (np.greater_equal, 2),
    "floor": (lambda x: np.floor(x).astype(x.dtype), 1), "ceil": (lambda x: np.ceil(x).astype(x.dtype), 1),
    "isnan": (np.isnan, 1), "isinf": (np.isinf, 1), "isfinite": (np.isfinite, 1),
}  # fmt: skip
FLOAT_ONLY = {
    "div": (np.divide, 2), "sqrt": (np.sqrt, 1), "trunc": (np.trunc, 1), "round": (np.round, 1),
    "copysign": (np.copysign, 2), "trunc_rem": (np.fmod, 2),
}  # fmt: skip
INTEGER_ONLY = {
    "trunc_div": (trunc_div, 2), "trunc_rem": (trunc_rem, 2), "and_": (np.bitwise_and, 2), "or_": (np.bitwise_or, 2),
    "xor": (np.bitwise_xor, 2), "not_": (np.bitwise_not, 1), "shl": (lambda x, y: shifted(x, y, "<<"), 2),
    "shr": (lambda x, y: shifted(x, y, ">>"), 2),
}  # fmt: skip
BOOL_ONLY = {
    "add": (np.logical_or, 2), "mul": (np.logical_and, 2), "minimum": (np.logical_and, 2), "maximum": (np.logical_or,
    2), "and_": (np.logical_and, 2), "or_": (np.logical_or, 2), "xor": (np.logical_xor, 2), "not_": (np.logical_not, 1),
    "eq": (np.equal, 2), "ne": (np.not_equal, 2),
}  # fmt: skip


def operations(d):
    if d is bool_:
        return BOOL_ONLY
    return {**COMMON, **(FLOAT_ONLY if d.category == FLOAT else INTEGER_ONLY)}


def emit_over(lanes, operands, results, compute):
    """A kernel that computes arrays elementwise: `operands` and `results` are dtypes of the arrays in this order."""

    def emit(b):
        pointers = [b.arg_ptr(2 * k) for k in range(len(operands) + len(results))]
        with b.loop(0, COUNT // lanes) as i:
            at = b.mul(i, lanes)
            values = [b.load(p, d, lanes, at) for p, d in zip(pointers, operands)]
            for p, value in zip(pointers[len(operands) :], compute(b, *values)):
                b.store(value, p, at)

    return emit


def memory_for(d):
    return np.zeros(COUNT, np.uint16 if d is bfloat16 else d.np)


def check_equal(name, got, want, d):
    got = from_memory(got, d)
    want = want.astype(got.dtype)
    same = (got == want) | ((got != got) & (want != want))
    where = np.flatnonzero(~same)
    assert not len(where), f"{name} of {d} at {where[:5]}: {got[where[:5]]}, NumPy {want[where[:5]]}"


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("d", (*FLOATS, *INTEGERS, bool_), ids=lambda d: d.name)
def test_operations_agree_with_numpy(run, target, d, lanes):
    x, y = sample(d, 1), sample(d, 2)
    y[: COUNT // 8] = x[: COUNT // 8]
    if d.category == dtypes.INTEGER:  # some counts that a shift can use
        y[: COUNT // 4] = np.arange(COUNT // 4) % (8 * d.itemsize)
    table = operations(d)
    makes_bool = ("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite")
    kinds = [bool_ if name in makes_bool else d for name in table]
    out = [memory_for(kind) for kind in kinds]
    run(
        emit_over(
            lanes,
            (d, d),
            kinds,
            lambda b, a, c: [getattr(b, name)(*(a, c)[:arity]) for name, (_, arity) in table.items()],
        ),
        [to_memory(x, d), to_memory(y, d), *out],
        target=target,
    )
    for (name, (reference, arity)), kind, got in zip(table.items(), kinds, out):
        with np.errstate(all="ignore"):
            want = reference(*(x, y)[:arity])
        check_equal(name, got, round_bfloat(want) if kind is bfloat16 else want, kind)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("d", (*FLOATS, *INTEGERS), ids=lambda d: d.name)
def test_constants_and_fma(run, target, d, lanes):
    x, y = sample(d, 3), sample(d, 4)
    computed = lambda b, a, c: [
        b.add(a, 3),
        b.sub(2, a),
        b.mul(a, 0),
        b.select(b.lt(a, c), a, 1),
        b.fma(a, c, a),
        b.one(a),
        b.zero(a),
        b.like(7, a),
    ]
    out = [memory_for(d) for _ in range(8)]
    run(emit_over(lanes, (d, d), (d,) * 8, computed), [to_memory(x, d), to_memory(y, d), *out], target=target)
    with np.errstate(all="ignore"):
        wide = (lambda v: v.astype(np.longdouble)) if d.category == FLOAT else lambda v: v
        with_fma = wide(x) * wide(y) + wide(x)
        one = np.ones_like(x)
        want = [x + one * 3, one * 2 - x, x * (one * 0), np.where(x < y, x, one), with_fma, one, one * 0, one * 7]
        want = [w.astype(x.dtype) for w in want]
    for k, (got, expected) in enumerate(zip(out, want)):
        check_equal(f"result {k}", got, round_bfloat(expected) if d is bfloat16 else expected, d)


def converted(x, source, d):
    """PyTorch's conversion; float to integer is tested within the integer's range only."""
    if d is bool_:
        return x != 0
    if d in (float16, bfloat16):
        x = x.astype(np.float32)
    return round_bfloat(x) if d is bfloat16 else x.astype(d.np)


@pytest.mark.parametrize("lanes", (1, 8))
@pytest.mark.parametrize("source", (*FLOATS, *INTEGERS, bool_), ids=lambda d: d.name)
def test_conversions(run, target, source, lanes):
    x = sample(source, 5)
    if source.category == FLOAT:
        x = np.where(np.isfinite(x), x, 1).astype(x.dtype)
        x = np.clip(x, 0, 100)
    kinds = (*FLOATS, *INTEGERS, bool_)
    out = [memory_for(d) for d in kinds]
    run(
        emit_over(lanes, (source,), kinds, lambda b, v: [b.convert(v, d) for d in kinds]),
        [to_memory(x, source), *out],
        target=target,
    )
    for d, got in zip(kinds, out):
        with np.errstate(all="ignore"):
            check_equal(f"{source} to", got, converted(x, source, d), d)


@pytest.mark.parametrize("d", (int32, int64, uint8), ids=lambda d: d.name)
def test_negative_floats_become_integers_as_in_c(run, d):
    x = np.linspace(-100, 100, COUNT).astype(np.float32)
    out = memory_for(d)
    run(emit_over(8, (float32,), (d,), lambda b, v: [b.convert(v, d)]), [x, out])
    assert np.array_equal(out, x.astype(np.int64).astype(d.np))


@pytest.mark.parametrize("has_half", (True, False))
@pytest.mark.parametrize("d", (float16, bfloat16), ids=lambda d: d.name)
def test_every_pattern_of_the_narrow_floats(run, d, has_half):
    patterns = np.arange(1 << 16, dtype=np.uint16)
    wide, back = np.zeros(1 << 16, np.float32), np.zeros(1 << 16, np.uint16)

    def emit(b):
        source, to_wide, to_back = (b.arg_ptr(2 * k) for k in range(3))
        with b.loop(0, 1 << 16, 8) as i:
            x = b.load(source, d, 8, i)
            b.store(b.convert(x, float32), to_wide, i)
            b.store(x, to_back, i)

    run(emit, [patterns, wide, back], target=replace(host(), has_half=has_half and host().has_half))
    want = patterns.view(np.float16).astype(np.float32) if d is float16 else from_memory(patterns, d)
    numbers = ~np.isnan(want)
    assert np.array_equal(wide.view(np.uint32)[numbers], want.view(np.uint32)[numbers])
    assert np.isnan(wide[~numbers]).all()
    assert np.array_equal(back[numbers], patterns[numbers])
    again = back.view(np.float16) if d is float16 else from_memory(back, d)
    assert np.isnan(again[~numbers]).all()


@pytest.mark.parametrize("has_half", (True, False))
def test_rounding_to_the_narrow_floats(run, has_half):
    rng = np.random.default_rng(7)
    x = np.concatenate(
        [
            10 ** rng.uniform(-9, 6, 6000),
            np.arange(2048) / 2048 * 2.0**-13,
            [65519.9, 65520, 65504, 1e30, np.inf, np.nan, 0, -0.0],
        ]
    )
    x = np.concatenate([x, -x]).astype(np.float32)
    x = np.resize(x, len(x) // 8 * 8)
    half, bfloat = np.zeros(len(x), np.float16), np.zeros(len(x), np.uint16)

    def emit(b):
        source, to_half, to_bfloat = (b.arg_ptr(2 * k) for k in range(3))
        with b.loop(0, len(x), 8) as i:
            v = b.load(source, float32, 8, i)
            b.store(b.convert(v, float16), to_half, i)
            b.store(b.convert(v, bfloat16), to_bfloat, i)

    run(emit, [x, half, bfloat], target=replace(host(), has_half=has_half and host().has_half))
    with np.errstate(over="ignore"):
        want = x.astype(np.float16)
    number = ~np.isnan(x)
    assert np.array_equal(half.view(np.uint16)[number], want.view(np.uint16)[number])
    assert np.array_equal(bfloat[number], to_memory(x, bfloat16)[number])
    assert np.isnan(half[~number]).all()
    assert np.isnan(from_memory(bfloat, bfloat16)[~number]).all()


def test_bits(run):
    x = sample(float64, 8)
    out = [np.zeros(COUNT, np.int64), np.zeros(COUNT, np.float64), np.zeros(COUNT, np.int64)]
    bits = lambda b, v: [
        b.bitcast(v, int64),
        b.bitcast(b.bitcast(v, "i64"), "double"),
        b.shr_logical(b.bitcast(v, int64), 52),
    ]
    run(emit_over(4, (float64,), (int64, float64, int64), bits), [x, *out])
    assert np.array_equal(out[0], x.view(np.int64))
    assert np.array_equal(out[1].view(np.int64), x.view(np.int64))
    assert np.array_equal(out[2], (x.view(np.uint64) >> np.uint64(52)).astype(np.int64))


def test_operands_of_two_dtypes_are_refused(run):
    def emit(b):
        with pytest.raises(TypeError, match="differ in dtype"):
            b.add(b.const(1, float32), b.const(1, float64))
        with pytest.raises(TypeError, match="no constant"):
            b.const(1.5, int32)
        with pytest.raises(TypeError, match="when the kernel runs"):
            bool(b.const(1, float32))

    run(emit, [])
