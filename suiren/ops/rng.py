"""Random numbers as pure operations: a generator's state goes in, numbers and the next state come out.

The state is one contiguous uint32 tensor of shape (628,), PyTorch's CPU generator (mt19937) word for word:

    0 … 623    the twister's words
    624        how many of them are used up: 0 … 624; 624, as after seeding, means that the next draw twists first
    625        1 if a second normal number is kept for the next draw of fewer than 16, else 0
    626, 627   that number's float64 bits, the low 32 first (0 if there is none)

A draw of N numbers takes the generator's next outputs in order, as `random()` (one output) and `random64()` (two, the
first one high):

    rng_uniform      u = (random() mod 2^24) / 2^24 for float32, (random64() mod 2^53) / 2^53 for float64; then u *
                     (high - low) + low, rounded once
    rng_bernoulli    u < p with a float64 u
    rng_randint      random() mod range, random64() mod range from a range of 2^28 on; plus low. `last` is the largest
                     result; with a range of 2^64, random64() itself
    rng_exponential  -log1p(-u) / lambd with a float64 u
    rng_randperm     i from 0 to n - 2: swap places i and i + random() mod (n - i)
    rng_normal       fewer than 16 numbers: in pairs from two float64 u, v: sqrt(-2 log1p(-v)) * (cos 2πu, sin 2πu), a
                     sine that is left over is kept; from 16 on: u of the result's dtype for every place, then each 16
                     in a row become radius * (8 cosines, 8 sines) with radius = sqrt(-2 log(1 - u)) of the first 8 and
                     angle 2πu of the last 8; what remains makes the last 16 places anew from 16 fresh u; at the end std
                     * z + mean, rounded once

float16 results are float32 ones, rounded. Checked against PyTorch 2.13: the same bits everywhere, but for float32
normals from 16 on, where PyTorch's own polynomials are a unit or two in the last place away from ours.
Source: aten/src/ATen/core/{MT19937RNGEngine,DistributionsHelper,TransformationHelper}.h,
aten/src/ATen/native/cpu/DistributionTemplates.h
"""

from __future__ import annotations

import numpy as np

from suiren.dtypes import FLOAT, dtype, float64, uint32
from suiren.trace.op import NOT_DIFFERENTIABLE, template
from suiren.trace.spec import Spec, spec

STATE_WORDS = 628
WORDS = 624  # of the twister
USED, HAS_NORMAL, NORMAL = 624, 625, 626  # the places of the fields behind them

WIDE_RANGE = 1 << 28  # from this range on, randint takes 64 bits for a number


class Draws:
    """The generator of a state array, drawing in order; `state()` is the array of what comes next."""

    def __init__(self, state: np.ndarray):
        self.rest = state[WORDS + 1 :].copy()
        self._bits = np.random.MT19937(0)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": state[:WORDS], "pos": int(state[USED])}}

    def random(self, n: int) -> np.ndarray:
        """n outputs, as uint64."""
        return self._bits.random_raw(n)

    def random64(self, n: int) -> np.ndarray:
        high, low = self._bits.random_raw(2 * n).reshape(n, 2).T
        return high << np.uint64(32) | low

    def uniform(self, n: int, kind: np.dtype) -> np.ndarray:
        if kind == np.float64:
            return (self.random64(n) & np.uint64((1 << 53) - 1)).astype(np.float64) * 2.0**-53
        return (self.random(n) & np.uint64((1 << 24) - 1)).astype(np.float32) * np.float32(2.0**-24)

    def state(self) -> np.ndarray:
        twister = self._bits.state["state"]
        return np.concatenate([twister["key"].astype(np.uint32), np.array([twister["pos"]], np.uint32), self.rest])


def _infer(state: Spec, *numbers, shape: tuple[int, ...], dtype: dtype) -> tuple[Spec, Spec]:
    if state.dtype is not uint32 or state.shape != (STATE_WORDS,):
        raise RuntimeError(f"a generator's state is uint32[{STATE_WORDS}], got {state}")
    return spec(shape, dtype), spec((STATE_WORDS,), uint32)


def _computed_in(d: dtype, name: str) -> np.dtype:
    if d.category != FLOAT:
        raise NotImplementedError(f"\"{name}\" not implemented for '{d.scalar_name}'")
    return np.dtype(np.float64 if d is float64 else np.float32)


def _infer_float(name: str):
    def infer(state, *numbers, shape, dtype):
        _computed_in(dtype, name)
        return _infer(state, shape=shape, dtype=dtype)

    return infer


def _multiply_add(x: np.ndarray, y: np.floating, z: np.floating) -> np.ndarray:
    """x * y + z rounded once, as PyTorch's compiled code does it."""
    if x.dtype == np.float32:  # the product is exact in float64
        return (x.astype(np.float64) * y + z).astype(np.float32)
    product = x * y
    x_high, y_high = ((v * 134217729.0) - (v * 134217729.0 - v) for v in (x, y))  # 2^27 + 1: Dekker's halves of 26 bits
    x_low, y_low = x - x_high, y - y_high
    rest = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    total = product + z
    part = total - product
    return total + ((product - (total - part)) + (z - part) + rest)


def _uniform(state, low, high, *, shape, dtype):
    draws = Draws(state)
    kind = np.float64 if dtype is float64 else np.float32
    u = draws.uniform(int(np.prod(shape)), np.dtype(kind))
    return _multiply_add(u, kind(high) - kind(low), kind(low)).reshape(shape), draws.state()


rng_uniform = template(
    "rng_uniform",
    family="rng",
    inputs=("state", "low", "high"),
    params=("shape", "dtype"),
    outputs=2,
    infer=_infer_float("check_uniform_bounds"),
    numpy=_uniform,
    grad=NOT_DIFFERENTIABLE,
    doc="Uniform numbers from [low, high).",
)


def _bernoulli(state, p, *, shape, dtype):
    draws = Draws(state)
    return (draws.uniform(int(np.prod(shape)), np.dtype(np.float64)) < p).astype(dtype.np).reshape(shape), draws.state()


rng_bernoulli = template(
    "rng_bernoulli",
    family="rng",
    inputs=("state", "p"),
    params=("shape", "dtype"),
    outputs=2,
    infer=_infer,
    numpy=_bernoulli,
    grad=NOT_DIFFERENTIABLE,
    doc="1 with probability p, else 0.",
)


def _randint(state, low, last, *, shape, dtype):
    draws, n = Draws(state), int(np.prod(shape))
    size = int(last) - int(low) + 1
    if size >= 1 << 64:
        drawn = draws.random64(n)
    else:
        drawn = (draws.random64(n) if size >= WIDE_RANGE else draws.random(n)) % np.uint64(size)
    found = drawn.view(np.int64) + np.int64(low if size < 1 << 64 else 0)  # wraps around
    return found.astype(dtype.np).reshape(shape), draws.state()


rng_randint = template(
    "rng_randint",
    family="rng",
    inputs=("state", "low", "last"),
    params=("shape", "dtype"),
    outputs=2,
    infer=_infer,
    numpy=_randint,
    grad=NOT_DIFFERENTIABLE,
    doc="Whole numbers from low to last, both possible.",
)


def _exponential(state, lambd, *, shape, dtype):
    draws = Draws(state)
    u = draws.uniform(int(np.prod(shape)), np.dtype(np.float64))
    return (-1.0 / lambd * np.log1p(-u)).astype(dtype.np).reshape(shape), draws.state()


rng_exponential = template(
    "rng_exponential",
    family="rng",
    inputs=("state", "lambd"),
    params=("shape", "dtype"),
    outputs=2,
    infer=_infer_float("exponential"),
    numpy=_exponential,
    grad=NOT_DIFFERENTIABLE,
    doc="Exponentially distributed numbers of rate lambd.",
)


def _infer_randperm(state: Spec, *, n: int, dtype: dtype):
    return _infer(state, shape=(n,), dtype=dtype)


def _randperm(state, *, n, dtype):
    draws = Draws(state)
    places = np.arange(n)
    for i, drawn in enumerate(draws.random(max(n - 1, 0)).tolist()):
        j = i + drawn % (n - i)
        places[i], places[j] = places[j], places[i]
    return places.astype(dtype.np), draws.state()


rng_randperm = template(
    "rng_randperm",
    family="rng",
    inputs=("state",),
    params=("n", "dtype"),
    outputs=2,
    infer=_infer_randperm,
    numpy=_randperm,
    grad=NOT_DIFFERENTIABLE,
    doc="0 … n - 1 in random order.",
)


def _normal(state, mean, std, *, shape, dtype):
    draws, n = Draws(state), int(np.prod(shape))
    if n >= 16:
        kind = np.float64 if dtype is float64 else np.float32
        whole = n // 16 * 16
        first = first_uniforms(n, dtype)
        u = draws.uniform(first + (16 if n % 16 else 0), np.dtype(kind))
        z = np.empty(n, kind)
        z[:whole] = u[:whole]
        _box_muller_16(z[:whole])
        if n % 16:
            z[n - 16 :] = u[first:]
            _box_muller_16(z[n - 16 :])
        return _multiply_add(z, kind(std), kind(mean)).reshape(shape), draws.state()
    kept = [draws.rest[1:].view(np.float64)[0]] if draws.rest[0] and n else []
    u = draws.uniform((n - len(kept) + 1) // 2 * 2, np.dtype(np.float64))
    radius, angle = np.sqrt(-2.0 * np.log1p(-u[1::2])), 2.0 * np.pi * u[::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    z = np.concatenate([kept, pairs.ravel()])
    if n:
        left_over = z[n:]
        draws.rest[:] = 0
        draws.rest[0] = len(left_over)
        draws.rest[1:] = left_over.view(np.uint32) if len(left_over) else 0
    return _multiply_add(z[:n], np.float64(std), np.float64(mean)).astype(dtype.np).reshape(shape), draws.state()


def first_uniforms(n: int, dtype: dtype) -> int:
    """How many uniform numbers rng_normal draws for n places, before the 16 fresh ones of a remainder: float16 draws
    for whole blocks only.
    """
    return n if dtype.itemsize > 2 else n // 16 * 16


def _box_muller_16(z: np.ndarray) -> None:
    """In place, 16 at a time: uniform numbers become normal ones."""
    blocks = z.reshape(-1, 16)
    radius = np.sqrt(-2 * np.log(1 - blocks[:, :8]))
    angle = z.dtype.type(2 * np.pi) * blocks[:, 8:]
    blocks[:, 8:] = radius * np.sin(angle)
    blocks[:, :8] = radius * np.cos(angle)


rng_normal = template(
    "rng_normal",
    family="rng",
    inputs=("state", "mean", "std"),
    params=("shape", "dtype"),
    outputs=2,
    infer=_infer_float("normal_kernel_cpu"),
    numpy=_normal,
    grad=NOT_DIFFERENTIABLE,
    doc="Normal numbers: std * z + mean.",
)

__all__ = [
    "STATE_WORDS",
    "first_uniforms",
    "rng_bernoulli",
    "rng_exponential",
    "rng_normal",
    "rng_randint",
    "rng_randperm",
    "rng_uniform",
]
