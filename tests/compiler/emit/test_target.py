"""What is generated for instruction sets other than the one at hand, and how a machine is recognised."""

import re

import numpy as np
import pytest

from suiren import dtypes
from suiren.compiler.emit.builder import Builder
from suiren.compiler.emit.target import AVX2, AVX512, BY_ISA, NEON, SSE2, host, of
from suiren.dtypes import bfloat16, bool_, float16, float32, float64, int64, uint8

TRIPLES = {"neon": "aarch64-unknown-linux-gnu"}
FUNCTIONS = (
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "sqrt",
    "tanh",
    "sigmoid",
    "erf",
    "sin",
    "cos",
    "tan",
    "atan",
    "floor",
    "round",
    "trunc",
)


def emit_everything(b):
    source, to = b.arg_ptr(0), b.arg_ptr(2)
    for d in (float32, float64, float16, bfloat16):
        lanes = b.lanes(d)
        x, y = b.load(source, d, lanes), b.load(source, d, lanes, lanes)
        mask = b.lane_mask(b.begin, lanes)
        for k, value in enumerate(
            [getattr(b, f)(x) for f in FUNCTIONS] + [b.pow(x, y), b.atan2(x, y), b.remainder(x, y), b.maximum(x, y)]
        ):
            b.store(value, to, k * lanes, mask=mask)
        b.store(b.hreduce(b.gather(source, d, b.iota(int64, lanes), mask=mask), b.add), to)
    b.store(b.load(source, bool_, b.lanes(uint8)), to)
    b.prefetch(source)
    b.pause()


@pytest.mark.parametrize("target", BY_ISA.values(), ids=lambda t: t.isa)
def test_code_for_every_instruction_set(machine, target):
    b = Builder(target)
    emit_everything(b)
    assembly = machine.assembly(b.module_text(), target, TRIPLES.get(target.isa, "x86_64-unknown-linux-gnu"))
    called = set(re.findall(r"^\s+(?:callq?|bl|jmp)\s+\*?([a-z_]\w*)", assembly, re.M))
    # Nothing of libm, but for fma where the machine has none.
    assert called <= ({"fma", "fmaf"} if not target.has_fma else set())
    register = {"sse2": "%xmm15", "avx2": "%ymm15", "avx512": "%zmm16", "neon": r"v31\.4s"}[target.isa]
    assert re.search(register, assembly)
    assert bool(re.search(r"vfmadd|fmla", assembly)) == target.has_fma


def test_lanes():
    assert [AVX2.lanes(d) for d in (float32, float64, float16, bfloat16, uint8, bool_, int64)] == [
        8,
        4,
        8,
        8,
        32,
        32,
        4,
    ]
    assert [t.lanes(float32) for t in (SSE2, AVX2, AVX512, NEON)] == [4, 8, 16, 4]
    for d in dtypes.ALL:
        assert AVX512.lanes(d) == 2 * AVX2.lanes(d)


def test_machines_are_recognised():
    x86, avx2 = "x86_64-unknown-linux-gnu", dict.fromkeys(("avx2", "fma", "f16c"), True)
    full = {**avx2, **dict.fromkeys(("avx512f", "avx512bw", "avx512dq", "avx512vl"), True)}
    assert of(x86, "znver3", {**avx2, "avx512f": False}).isa == "avx2"
    assert of(x86, "sapphirerapids", full).isa == "avx512"
    assert of(x86, "sandybridge", {"avx": True, "avx2": False}) == SSE2
    assert of("arm64-apple-darwin24", "apple-m1", {"neon": True}).isa == "neon"
    assert of("aarch64-unknown-linux-gnu", "neoverse-n1", {}).isa == "neon"
    made = of(x86, "znver3", {**avx2, "avx512f": False}, l1=1 << 15, l2=1 << 20)
    assert (made.name, made.features, made.l1, made.l2) == ("znver3", "+avx2,-avx512f,+f16c,+fma", 1 << 15, 1 << 20)
    assert (
        made.attributes
        == 'nounwind "prefer-vector-width"="256" "target-cpu"="znver3" "target-features"="+avx2,-avx512f,+f16c,+fma"'
    )
    with pytest.raises(NotImplementedError, match="riscv64"):
        of("riscv64-unknown-linux-gnu", "generic", {})


def test_the_machine_at_hand(run):
    here = host()
    assert here is host()
    assert here.isa in BY_ISA
    assert here.l1 >= 8 << 10
    assert here.l2 > here.l1
    x, out = np.arange(here.lanes(float32), dtype=np.float32), np.zeros(here.lanes(float32), np.float32)
    run(lambda b: b.store(b.fma(b.load(b.arg_ptr(0), float32, b.lanes(float32)), 2.0, 1.0), b.arg_ptr(2)), [x, out])
    assert np.array_equal(out, 2 * x + 1)
