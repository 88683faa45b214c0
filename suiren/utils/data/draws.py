"""Random numbers drawn at once, as Python and NumPy numbers: for orders of samples and for augmentation, where a recorded draw would only cost.

They are the numbers that the recorded draws of `suiren/ops/rng.py` would give, and they move the same generator on.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from suiren.ops.rng import WIDE_RANGE
from suiren.random.generator import Generator, default_generator
from suiren.random.mt19937 import USED, WORDS
from suiren.trace.pending import settle

_FEW = 8  # up to so many outputs are tempered one by one: setting up NumPy's generator takes 10 µs


def _state_address(generator: Generator | None) -> int:
    state = (default_generator if generator is None else generator)._state()
    settle(state)
    state._version += 1
    return state._buffer.addr


def _outputs(generator: Generator | None, n: int) -> Sequence[int]:
    """The generator's next n outputs, 32 bits each."""
    address = _state_address(generator)
    place = ctypes.c_uint32.from_address(address + 4 * USED)
    used = place.value
    if n <= _FEW and used + n <= WORDS:
        place.value = used + n
        return [_tempered(word) for word in (ctypes.c_uint32 * n).from_address(address + 4 * used)]
    words = np.ctypeslib.as_array((ctypes.c_uint32 * WORDS).from_address(address))
    bits = np.random.MT19937(0)
    bits.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": used}}
    drawn = bits.random_raw(n)
    after = bits.state["state"]
    words[:], place.value = after["key"], after["pos"]
    return drawn


def _tempered(y: int) -> int:
    y ^= y >> 11
    y ^= y << 7 & 0x9D2C5680
    y ^= y << 15 & 0xEFC60000
    return y ^ y >> 18


def _outputs64(generator: Generator | None, n: int) -> np.ndarray:
    high, low = np.array(_outputs(generator, 2 * n), np.uint64).reshape(n, 2).T
    return high << np.uint64(32) | low


# ---------------------------------------------------------------- single numbers


def uniform(low: float = 0.0, high: float = 1.0, generator: Generator | None = None) -> float:
    """A float32 from [low, high): `torch.empty(1).uniform_(low, high).item()`; without bounds, `torch.rand(1).item()`."""
    u = (int(_outputs(generator, 1)[0]) & (1 << 24) - 1) * 2.0**-24
    if low == 0.0 and high == 1.0:
        return u
    # PyTorch rounds the bounds and the range to float32, and then once more, after a sum in float64
    return float(np.float32(u * float(np.float32(high) - np.float32(low)) + float(np.float32(low))))


def below(n: int, generator: Generator | None = None) -> int:
    """A whole number from 0 to n − 1: `torch.randint(n, (1,)).item()`."""
    return uniform_indices(n, 1, generator)[0]


def base_seed(generator: Generator | None = None) -> int:
    """63 random bits: `torch.empty((), dtype=torch.int64).random_().item()`."""
    return int(_outputs64(generator, 1)[0]) & (1 << 63) - 1


def fresh_generator() -> Generator:
    """A generator seeded by a draw from the default one."""
    return Generator().manual_seed(base_seed())


# ---------------------------------------------------------------- many numbers


def uniform_indices(n: int, count: int, generator: Generator | None = None) -> list[int]:
    """`count` whole numbers from 0 to n − 1: `torch.randint(n, (count,)).tolist()`."""
    if n <= 0:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from=0 >= to={n}")
    return [int(x) % n for x in (_outputs64 if n >= WIDE_RANGE else _outputs)(generator, count)]


def permutation(n: int, generator: Generator | None = None) -> list[int]:
    """0 … n − 1 in random order: `torch.randperm(n).tolist()`."""
    places = list(range(n))
    first = np.arange(max(n - 1, 0), dtype=np.uint64)
    partners = first + np.array(_outputs(generator, len(first)), np.uint64) % (np.uint64(n) - first)
    for i, j in enumerate(partners.tolist()):
        places[i], places[j] = places[j], places[i]
    return places


def choices(weights: Any, count: int, replacement: bool, generator: Generator | None = None) -> list[int]:
    """`count` places drawn in proportion to `weights` (a tensor (n,)): `torch.multinomial(weights, count, replacement).tolist()`.

    RuntimeError, as there, for weights that are negative, not finite or all zero, and for too few of them.
    """
    w = np.asarray(weights.detach().numpy(), np.float64)
    if not replacement and count > len(w):
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not np.isfinite(w).all() or (w < 0).any():
        if not replacement or count == 1:
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        what = "< 0" if (w < 0).any() else "= infinity or NaN"
        raise RuntimeError(f"invalid multinomial distribution (encountering probability entry {what})")
    if not w.sum() > 0:
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if replacement and count > 1:
        u = _doubles(generator, count)
        cumulative = np.cumsum(w) / np.sum(w)
        cumulative[-1] = 1.0
        return np.searchsorted(cumulative, u, side="left").tolist()
    race = w / -np.log1p(-_doubles(generator, len(w)))  # who arrives first, in proportion to the weights
    return np.argsort(-race, kind="stable")[:count].tolist()


def _doubles(generator: Generator | None, n: int) -> np.ndarray:
    return (_outputs64(generator, n) & np.uint64((1 << 53) - 1)).astype(np.float64) * 2.0**-53
