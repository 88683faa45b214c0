"""The elementary functions: errors in units of the last place over all exponents, special values, scalars as
vectors."""

import math

import numpy as np
import pytest

from suiren.dtypes import bfloat16, float16, float32, float64

# NumPy warns of overflow and NaN, which are what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# name -> (reference for arrays, for float the largest distance allowed from NumPy's float64 result rounded, for double
# from long double)
erf = np.vectorize(math.erf, otypes=[np.float64])
UNARY = {
    "exp": (np.exp, 2, 2),
    "exp2": (np.exp2, 2, 2),
    "expm1": (np.expm1, 2, 2),
    "log": (np.log, 1, 1),
    "log1p": (np.log1p, 2, 2),
    "log2": (np.log2, 2, 2),
    "sqrt": (np.sqrt, 0, 0),
    "tanh": (np.tanh, 2, 2),
    "sigmoid": (lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))), 2, 3),
    "erf": (erf, 1, 2),
    "sin": (np.sin, 2, 3),
    "cos": (np.cos, 2, 3),
    "tan": (np.tan, 2, 3),
    "atan": (np.arctan, 2, 2),
}
BINARY = {"pow": (np.power, 1, 2), "atan2": (np.arctan2, 2, 2), "trunc_rem": (np.fmod, 0, 0)}

SPECIAL = [
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    1e-45,
    -1e-45,
    1e-39,
    5e-324,
    1e30,
    -1e30,
    4.5,
    1e300,
]


def all_exponents(d, count, seed):
    """Random bits (every exponent, normal or not), the ranges where functions do something, and the ends of the range
    of exp."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 1 << (8 * d.itemsize - 1), count).astype(f"u{d.itemsize}").view(d.np)
    parts = [
        bits,
        -bits,
        rng.uniform(-1.5, 1.5, count),
        rng.uniform(-30, 30, count),
        rng.uniform(-110, 110, count),
        rng.uniform(-750, 750, count),
    ]
    edges = [
        88.722839,
        88.72284,
        -103.97,
        -103.98,
        -87.34,
        709.7827,
        709.7828,
        -745.13,
        -745.14,
        -1075.0,
        1024.0,
        128.0,
        -150.0,
        1e5,
        1e6,
    ]
    x = np.concatenate([SPECIAL, edges, *parts, 1 + rng.normal(0, 1e-3, count)]).astype(d.np)
    return np.resize(x, len(x) // 8 * 8 + 8)


def compute(run, target, names, arrays, d, lanes=8):
    """{name: the kernel's result}."""
    out = [np.zeros_like(arrays[0]) for _ in names]

    def emit(b):
        pointers = [b.arg_ptr(2 * k) for k in range(len(arrays) + len(out))]
        with b.loop(0, len(arrays[0]) // lanes) as i:
            at = b.mul(i, lanes)
            values = [b.load(p, d, lanes, at) for p in pointers[: len(arrays)]]
            for p, name in zip(pointers[len(arrays) :], names):
                b.store(getattr(b, name)(*values), p, at)

    run(emit, [*arrays, *out], target=target)
    return dict(zip(names, out))


def distance(got, want):
    """Units in the last place between floats of the same type; 0 for two NaNs; endless for zeros of different sign."""
    kind = np.int32 if got.dtype == np.float32 else np.int64
    line = lambda v: np.where(v.view(kind) < 0, np.iinfo(kind).min - v.view(kind), v.view(kind)).astype(
        object if kind is np.int64 else np.int64
    )
    d = np.abs(line(got) - line(want)).astype(np.float64)
    d[np.isnan(got) & np.isnan(want)] = 0
    d[(got == 0) & (want == 0) & (np.signbit(got) != np.signbit(want))] = np.inf
    return d


def worst(name, d, got, want, allowed, arrays):
    steps = distance(got, want.astype(got.dtype))
    k = int(np.argmax(steps))
    assert steps[k] <= allowed, (
        f"{name} of {[a[k] for a in arrays]} ({d}): {got[k]!r}, not {want[k]!r}: {steps[k]} units in the last place"
    )


@pytest.mark.parametrize("d", (float32, float64), ids=lambda d: d.name)
def test_errors_over_all_exponents(run, target, d):
    x = all_exponents(d, 4000 if d is float32 else 800, 1)
    found = compute(run, target, list(UNARY), [x], d)
    wide = np.float64 if d is float32 else np.longdouble
    for name, (reference, single, double) in UNARY.items():
        want = reference(x.astype(wide))
        worst(name, d, found[name], want, single if d is float32 else double, [x])


@pytest.mark.parametrize("d", (float32, float64), ids=lambda d: d.name)
def test_two_operands(run, target, d):
    x, y = all_exponents(d, 3000 if d is float32 else 600, 2), all_exponents(d, 3000 if d is float32 else 600, 3)
    rng = np.random.default_rng(4)
    y = rng.permutation(y)
    # powers that are neither 0 nor infinite
    near = (rng.uniform(-150, 128, len(x)) * (1 if d is float32 else 7.5) / np.log2(np.abs(x))).astype(d.np)
    y = np.where(rng.random(len(x)) < 0.5, near, y)
    table = np.array([(a, c) for a in SPECIAL for c in SPECIAL], np.float64).T
    x, y = (np.resize(np.concatenate([t.astype(d.np), v]), len(v) // 8 * 8 + 448) for t, v in zip(table, (x, y)))
    found = compute(run, target, list(BINARY), [x, y], d)
    wide = np.float64 if d is float32 else np.longdouble
    for name, (reference, single, double) in BINARY.items():
        want = reference(x.astype(wide), y.astype(wide))
        worst(name, d, found[name], want, single if d is float32 else double, [x, y])


@pytest.mark.parametrize("d", (float32, float64), ids=lambda d: d.name)
def test_remainders_with_pythons_sign(run, target, d):
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 100, 4096).astype(d.np), rng.normal(0, 3, 4096).astype(d.np)
    x[:1024], y[:1024] = rng.integers(-20, 20, 1024), rng.integers(-5, 6, 1024)
    found = compute(run, target, ["remainder", "floordiv"], [x, y], d)
    for name, want in (("remainder", np.remainder(x, y)), ("floordiv", np.floor_divide(x, y))):
        same = (found[name] == want) | (np.isnan(found[name]) & np.isnan(want))
        assert same.all(), (name, x[~same][:3], y[~same][:3], found[name][~same][:3], want[~same][:3])


@pytest.mark.parametrize("d", (float32, float64), ids=lambda d: d.name)
def test_scalars_and_vectors_have_the_same_bits(run, target, d):
    x = all_exponents(d, 200, 6)
    y = np.roll(x, 7)
    for names, arrays in ((list(UNARY), [x]), (list(BINARY), [x, y])):
        vectors = compute(run, target, names, arrays, d)
        scalars = compute(run, target, names, arrays, d, lanes=1)
        for name in names:
            numbers = ~np.isnan(vectors[name])
            assert np.array_equal(vectors[name][numbers], scalars[name][numbers]), name
            assert np.isnan(scalars[name][~numbers]).all(), name


def test_narrow_floats_are_computed_in_float_and_rounded_once(run, target):
    patterns = np.arange(1 << 16, dtype=np.uint16)
    half = compute(run, target, list(UNARY), [patterns.view(np.float16)], float16)
    wide = patterns.view(np.float16).astype(np.float64)
    for name, (reference, *_) in UNARY.items():
        want = reference(wide).astype(np.float16)
        numbers = ~np.isnan(want)
        steps = np.abs(half[name].view(np.int16)[numbers].astype(int) - want.view(np.int16)[numbers])
        assert steps.max() <= 1, name  # 1 where the error of float decides a near tie
        assert np.isnan(half[name][~numbers]).all(), name
    bits = compute(run, target, ["exp"], [patterns], bfloat16)["exp"]
    want = (
        np.exp((patterns.astype(np.uint32) << 16).view(np.float32).astype(np.float64))
        .astype(np.float32)
        .view(np.uint32)
    )
    numbers = ~np.isnan(want.view(np.float32))
    assert (
        np.abs(
            bits[numbers].astype(int) - ((want[numbers].astype(np.int64) + 0x7FFF + (want[numbers] >> 16 & 1)) >> 16)
        ).max()
        <= 1
    )


def test_integers_are_refused(run):
    from suiren.dtypes import int32

    def emit(b):
        with pytest.raises(TypeError, match="exp is a function of floats"):
            b.exp(b.const(1, int32))

    run(emit, [])


def test_the_runtimes_compiler_gives_the_same_bits(run):
    """The other tests compile in a way of their own, to reach any target; this one as programs are."""
    import ctypes

    from suiren.compiler.program import FIRST_FREE_SLOT, Kernel
    from suiren.config import config
    from suiren.runtime import jit

    x = all_exponents(float32, 300, 8)
    names = list(UNARY)
    here = compute(run, None, names, [x], float32)
    out = np.zeros((len(names), len(x)), np.float32)

    def emit(b):
        source, to = b.arg_ptr(0), b.arg_ptr(2)
        with b.loop(b.begin, b.end) as i:
            v = b.load(source, float32, 8, b.mul(i, 8))
            for k, name in enumerate(names):
                b.store(getattr(b, name)(v), to, b.add(b.mul(i, 8), k * len(x)))

    with config(cache="off"):
        (address,) = jit.load([Kernel("test_vecmath", (len(x),), emit)])
    table = np.array([0, 0, 0, x.ctypes.data, out.ctypes.data], np.int64)
    args = np.array([FIRST_FREE_SLOT, 0, FIRST_FREE_SLOT + 1, 0], np.int64)
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
    kernel(table.ctypes.data, args.ctypes.data, 0, len(x) // 8)
    for name, got in zip(names, out):
        numbers = ~np.isnan(got)
        assert np.array_equal(got[numbers].view(np.int32), here[name][numbers].view(np.int32)), name
        assert np.isnan(here[name][~numbers]).all()
