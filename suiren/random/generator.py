"""Generators of random numbers: PyTorch's CPU generator, whose state is a tensor, so that draws are recorded like any other operation.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Generator.html
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from suiren.device import check_device, cpu, device
from suiren.dtypes import uint8
from suiren.random import mt19937
from suiren.tensor import Tensor
from suiren.trace import binding
from suiren.trace.binding import enter
from suiren.trace.op import Op
from suiren.trace.pending import HALF_SPAN, local
from suiren.trace.recording import record
from suiren.trace.storage import new
from suiren.trace.trie import WRITE

DEFAULT_SEED = 67280421310721  # of a new Generator


class Generator:
    """A source of random numbers with a state of its own. The same seed gives PyTorch's numbers, in the same order."""

    __slots__ = ("__weakref__", "_initial_seed", "_pending_seed", "_tensor")

    def __init__(self, device: Any = "cpu"):
        check_device(device)
        self._initial_seed = DEFAULT_SEED
        self._pending_seed: int | None = DEFAULT_SEED  # seeding is put off until somebody draws
        self._tensor: Tensor | None = None

    def _state(self) -> Tensor:
        """uint32[628], as ops/rng.py lays it out; draws write it in place."""
        if self._pending_seed is not None:
            self._tensor = Tensor.from_array(mt19937.seeded(self._pending_seed), copy=True)
            self._pending_seed = None
        return self._tensor

    @property
    def device(self) -> device:
        return cpu

    def manual_seed(self, seed: int) -> Generator:
        """Starts anew from `seed`, a whole number of at most 64 bits; returns the generator. ValueError or RuntimeError for another seed."""
        seed = _checked(seed)
        self._initial_seed = self._pending_seed = seed
        return self

    def seed(self) -> int:
        """Starts anew from a seed of the operating system, and returns it."""
        seed = int.from_bytes(os.urandom(8), "little")
        self._initial_seed = self._pending_seed = seed
        return seed

    def initial_seed(self) -> int:
        """The seed it started from."""
        return self._initial_seed

    def get_state(self) -> Tensor:
        """Its state as uint8[5056], PyTorch's bytes."""
        data = mt19937.to_bytes(self._state().numpy(), self._initial_seed)
        return Tensor.from_array(np.frombuffer(data, np.uint8), copy=True)

    def set_state(self, new_state: Tensor) -> Generator:
        """Goes on from a state that `get_state` gave, here or in PyTorch. TypeError or RuntimeError for anything else."""
        if not isinstance(new_state, Tensor) or new_state.dtype is not uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        state, self._initial_seed = mt19937.from_bytes(new_state.numpy().tobytes())
        self._tensor, self._pending_seed = Tensor.from_array(state, copy=True), None
        return self

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        other = Generator()
        other.set_state(self.get_state())
        return other

    def __reduce__(self):
        return _restored, (self._initial_seed, self._state().numpy().copy())

    def __deepcopy__(self, memo: dict) -> Generator:
        return _restored(self._initial_seed, self._state().numpy())


def _restored(initial_seed: int, state: np.ndarray) -> Generator:
    found = Generator()
    found._initial_seed, found._pending_seed = initial_seed, None
    found._tensor = Tensor.from_array(state, copy=True)
    return found


def _checked(seed: Any) -> int:
    """The seed as PyTorch takes it: 64 bits, a negative one counted from 2^64 down."""
    if not hasattr(seed, "__index__"):
        raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
    seed = int(seed)
    if not -(1 << 63) <= seed < 1 << 64:
        raise ValueError("Overflow when unpacking long long")
    return seed & (1 << 64) - 1


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator, which every draw without a generator of its own takes from; returns it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seeds the default generator from the operating system, and returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state as uint8[5056]."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Has the default generator go on from a state."""
    default_generator.set_state(new_state)


class fork_rng:
    """`with fork_rng():` draws inside leave the default generator as it was. Source: torch/random.py"""

    def __init__(self, devices: Any = None, enabled: bool = True, device_type: str = "cuda", **names: Any):
        self.enabled = enabled

    def __enter__(self) -> None:
        if self.enabled:
            self._before = default_generator.get_state()

    def __exit__(self, *exception: Any) -> None:
        if self.enabled:
            default_generator.set_state(self._before)


def draw(op: Op, generator: Generator | None, numbers: tuple, params: tuple) -> Tensor:
    """Records the rng op `op`: its numbers are the result, its second output becomes the generator's state.

    `numbers` must always have the same classes for the same op: then a draw that is recognised costs a few comparisons.
    """
    if local.rec.drawing is not None:
        drawing, local.rec.drawing = local.rec.drawing, None
        try:
            return drawing(op, generator, numbers, params, draw)
        finally:
            local.rec.drawing = drawing
    if generator is None:
        generator = default_generator
    state = generator._tensor if generator._pending_seed is None else generator._state()
    rec = local.rec
    at = state._id - rec.base
    if not -HALF_SPAN <= at < HALF_SPAN and not rec.node.cut:
        at = enter(rec, state)
    node = rec.node.likely
    if node.op is op and node.a == at and node.params == params:
        after = node.likely
        if after.kind is WRITE and after.refs == (at, node.out + 1) and rec.period is None:
            rec.numbers.extend(numbers)
            rec.node = after
            base = rec.base
            if state._id < base:
                rec.written.append((state, at))
            state._id = base + node.out + 1
            state._version += 1
            t = new(Tensor)
            t._id, t._spec, t._buffer, t._parent = base + node.out, node.spec, None, None
            rec.values.append(t)
            return t
    result, after_draw = record(op, (state, *numbers), params)
    drawn = local.rec.node
    binding.overwrite(state, after_draw)
    state._version += 1
    drawn.likely = local.rec.node  # the write that always follows: the next draw steps over both
    return result


def draw_for(op: Op, generator: Generator | None, *inputs: Tensor) -> Tensor:
    """Records an rng op that draws for the elements of tensors, as many numbers as it takes."""
    state = (generator or default_generator)._state()
    result, after_draw = record(op, (state, *inputs), ())
    binding.overwrite(state, after_draw)
    state._version += 1
    return result


__all__ = [
    "Generator", "default_generator", "draw", "draw_for", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state",
]  # fmt: skip
