"""The generator's state as numbers: seeding, and PyTorch's byte format for `get_state` and `set_state`. NumPy and struct only.

A state is uint32[628] as `suiren/ops/rng.py` lays it out: 624 twister words, how many of them are used up, and a normal number kept for the
next draw. PyTorch's bytes hold the same in another order.
Source: aten/src/ATen/core/MT19937RNGEngine.h, aten/src/ATen/CPUGeneratorImpl.cpp
"""

from __future__ import annotations

import struct

import numpy as np

WORDS = 624
USED, HAS_NORMAL = 624, 625  # places of the fields after the twister's words; the normal number's 64 bits follow
STATE_WORDS = 628

# the_initial_seed: u64, left: i32, seeded: i32, next: u64 | 624 words, each as u64 | normal_x, normal_y, normal_rho: f64, normal_is_valid: i32
# | next_float_normal_sample: f32, is_next_float_normal_sample_valid: bool
_HEAD, _WORDS, _TAIL = struct.Struct("<QiiQ"), f"<{WORDS}Q", struct.Struct("<dddi4xf?3x")
LEGACY_BYTES = _HEAD.size + 8 * WORDS + 32
STATE_BYTES = _HEAD.size + 8 * WORDS + _TAIL.size
assert (LEGACY_BYTES, STATE_BYTES) == (5048, 5056)


def seeded(seed: int) -> np.ndarray:
    """uint32[628]: the state after seeding with the low 32 bits of `seed`; the next draw twists first."""
    word = seed & 0xFFFFFFFF
    words = [word]
    for i in range(1, WORDS):
        word = (1812433253 * (word ^ (word >> 30)) + i) & 0xFFFFFFFF
        words.append(word)
    return np.array([*words, WORDS, 0, 0, 0], dtype=np.uint32)


def to_bytes(state: np.ndarray, initial_seed: int) -> bytes:
    """PyTorch's 5056 bytes of a state."""
    used = int(state[USED])
    # PyTorch counts what is left of 625 and starts at `next`, which seeding sets to 0 and a draw moves on
    fresh = used == WORDS and np.array_equal(state[:WORDS], seeded(initial_seed)[:WORDS])
    head = _HEAD.pack(initial_seed, WORDS + 1 - used, 1, 0 if fresh else used)
    normal = state[HAS_NORMAL + 1 :].copy().view(np.float64)[0]
    valid = bool(state[HAS_NORMAL])
    return head + state[:WORDS].astype("<u8").tobytes() + _TAIL.pack(0.0, normal if valid else 0.0, 0.0, valid, 0.0, False)


def from_bytes(data: bytes) -> tuple[np.ndarray, int]:
    """(state, initial seed) of PyTorch's bytes, the older 5048 too. RuntimeError for another length or an impossible position."""
    if len(data) == LEGACY_BYTES:
        data = data + bytes(STATE_BYTES - LEGACY_BYTES)
    if len(data) != STATE_BYTES:
        raise RuntimeError(
            f"Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state size to be {len(data)}"
        )
    initial_seed, left, is_seeded, position = _HEAD.unpack_from(data, 0)
    if is_seeded != 1 or not 0 < left <= WORDS or position > WORDS:
        raise RuntimeError("Invalid mt19937 state")
    state = np.zeros(STATE_WORDS, dtype=np.uint32)
    state[:WORDS] = np.frombuffer(data, "<u8", WORDS, _HEAD.size)
    state[USED] = WORDS + 1 - left
    _, normal, _, valid, _, _ = _TAIL.unpack_from(data, _HEAD.size + 8 * WORDS)
    if valid:
        state[HAS_NORMAL] = 1
        state[HAS_NORMAL + 1 :] = np.array([normal]).view(np.uint32)
    return state, initial_seed
