"""Target: what the emitter has to know of the machine. The only file that names an instruction set."""

from __future__ import annotations

import functools
import glob
from dataclasses import dataclass, replace
from pathlib import Path

from suiren.dtypes import FLOAT, dtype


@dataclass(frozen=True)
class Target:
    """One instruction set on one processor. `name` and `features` are LLVM's words for them."""

    isa: str
    vector_bytes: int
    registers: int  # vector registers
    l1: int  # bytes of a core's data cache
    l2: int
    name: str = ""
    features: str = ""
    triple: str = ""  # empty: the machine this runs on
    has_fma: bool = True
    has_half: bool = True  # converts float16 in hardware
    has_rounding: bool = True  # floor, ceil, … of vectors are instructions
    piece_bytes: int = 0  # of a vector that a pipe works on in a cycle, where that is less than all of it
    pause: str = ""  # the call with which a waiting thread leaves the core to its sibling

    def lanes(self, dtype: dtype) -> int:
        """How many elements of a dtype one vector register holds in the form they have there (narrow floats are floats,
        bools bytes)."""
        return self.vector_bytes // (max(dtype.itemsize, 4) if dtype.category == FLOAT else dtype.itemsize)

    def cycles(self, lanes: int) -> int:
        """How many pieces a float32 vector is worked on in."""
        return max(1, 4 * lanes // (self.piece_bytes or self.vector_bytes))

    @property
    def attributes(self) -> str:
        """The attributes of a function made for it. Without a fixed vector width LLVM may cut wide vectors in two."""
        words = ["nounwind", f'"prefer-vector-width"="{8 * self.vector_bytes}"']
        if self.name:
            words.append(f'"target-cpu"="{self.name}"')
        if self.features:
            words.append(f'"target-features"="{self.features}"')
        return " ".join(words)


# Processors that have registers of 64 bytes, and work on them in two halves. Source: AMD's Software Optimization Guide for Zen 4, 2.11.
_HALVED = {"znver4": 32}

_PAUSE = "@llvm.x86.sse2.pause()"
_HINT = "@llvm.aarch64.hint(i32 1)"

# Cache sizes are those of common cores; `host` puts the machine's own in their place where the system tells them.
SSE2 = Target("sse2", 16, 16, 32 << 10, 256 << 10, "x86-64", has_fma=False, has_half=False, has_rounding=False, pause=_PAUSE)
AVX2 = Target("avx2", 32, 16, 32 << 10, 512 << 10, "x86-64-v3", pause=_PAUSE)
AVX512 = Target("avx512", 64, 32, 48 << 10, 1 << 20, "x86-64-v4", pause=_PAUSE)
NEON = Target("neon", 16, 32, 64 << 10, 512 << 10, "generic", "+neon", pause=_HINT)
BY_ISA = {t.isa: t for t in (SSE2, AVX2, AVX512, NEON)}


def of(triple: str, name: str, features: dict[str, bool], l1: int = 0, l2: int = 0) -> Target:
    """The Target of a machine as LLVM describes it: triple, cpu, and for each feature whether it is there."""

    def has(*wanted: str) -> bool:
        return all(features.get(f) for f in wanted)

    if triple.startswith(("aarch64", "arm64")):
        like = NEON
    elif has("avx512f", "avx512bw", "avx512dq", "avx512vl", "fma", "f16c"):
        like = AVX512
    elif has("avx2", "fma", "f16c"):
        like = AVX2
    elif triple.startswith(("x86_64", "amd64")):
        like = SSE2
    else:
        raise NotImplementedError(f"suiren generates code for x86-64 and 64-bit ARM, not for {triple}")
    listed = ",".join(("+" if on else "-") + f for f, on in sorted(features.items()))
    sizes = {key: value for key, value in (("l1", l1), ("l2", l2)) if value}
    if like is SSE2:  # parts of AVX without the rest are not worth a target of their own
        return replace(SSE2, **sizes)
    return replace(like, name=name, features=listed, piece_bytes=_HALVED.get(name, 0), **sizes)


@functools.cache
def host() -> Target:
    """The Target of the machine this runs on."""
    from suiren.runtime import jit  # not at the top: `import suiren` does without LLVM

    return of(*jit.host_machine(), _cache_size(1), _cache_size(2))


def _cache_size(level: int) -> int:
    """Bytes of the data cache of this level, 0 where the system does not tell (Linux tells)."""
    for folder in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*"):
        try:
            found = {name: Path(folder, name).read_text().strip() for name in ("level", "type", "size")}
        except OSError:
            continue
        if found["level"] == str(level) and found["type"] in ("Data", "Unified") and found["size"].endswith("K"):
            return int(found["size"][:-1]) << 10
    return 0
