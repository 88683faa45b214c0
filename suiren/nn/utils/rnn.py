"""Sequences of different lengths: padded to one tensor, or packed step by step. Source: torch/nn/utils/rnn.py

A packed sequence holds, for every step, the elements of the sequences that are that long: `batch_sizes` says how many, the longest sequences first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from suiren import dtypes
from suiren.api.creation import arange, as_tensor, from_numpy, full
from suiren.api.joining import stack
from suiren.device import check_device
from suiren.tensor import Tensor


class PackedSequence_(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """The data of sequences (elements, *), how many belong to each step, and the orders in which the sequences were sorted. Made by `pack_sequence`."""

    def __new__(
        cls, data: Any, batch_sizes: Tensor | None = None, sorted_indices: Tensor | None = None, unsorted_indices: Tensor | None = None
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __getnewargs__(self) -> tuple:
        return tuple(self)

    def _with(self, data: Tensor) -> PackedSequence:
        return self if data is self.data else type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data converted as by `Tensor.to`; itself if nothing changes."""
        return self._with(self.data.to(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Moves the data to a CUDA device, which fails: there is the CPU alone."""
        return self._with(self.data.cuda(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Itself: the data is on the CPU."""
        check_device(kwargs.get("device"))
        return self

    def pin_memory(self) -> PackedSequence:
        """Itself: there is no device to copy to."""
        return self

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory, which there is none of."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return False

    def double(self) -> PackedSequence:
        """The data as float64."""
        return self.to(dtypes.float64)

    def float(self) -> PackedSequence:
        """The data as float32."""
        return self.to(dtypes.float32)

    def half(self) -> PackedSequence:
        """The data as float16."""
        return self.to(dtypes.float16)

    def long(self) -> PackedSequence:
        """The data as int64."""
        return self.to(dtypes.int64)

    def int(self) -> PackedSequence:
        """The data as int32."""
        return self.to(dtypes.int32)

    def short(self) -> PackedSequence:
        """The data as int16."""
        return self.to(dtypes.int16)

    def char(self) -> PackedSequence:
        """The data as int8."""
        return self.to(dtypes.int8)

    def byte(self) -> PackedSequence:
        """The data as uint8."""
        return self.to(dtypes.uint8)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes a permutation; None of None."""
    if permutation is None:
        return None
    places = arange(permutation.numel(), dtype=permutation.dtype)
    return permutation.new_zeros(permutation.numel()).scatter(0, permutation, places)


def _steps(lengths: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(how many sequences are that long, for every step; for every packed element its step, and its sequence). `lengths` decrease."""
    counts = np.searchsorted(-np.array(lengths), -np.arange(lengths[0]), side="left")
    steps = np.repeat(np.arange(lengths[0]), counts)
    firsts = np.repeat(np.cumsum(counts) - counts, counts)
    return counts, steps, np.arange(len(steps)) - firsts


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """Packs (T, B, *), with `batch_first` (B, T, *), of sequences of these lengths. RuntimeError for lengths that do not fit or are not sorted."""
    lengths = lengths.to(dtypes.int64) if isinstance(lengths, Tensor) else as_tensor(lengths, dtype=dtypes.int64)
    sorted_indices, batch_dim = None, 0 if batch_first else 1
    if not enforce_sorted:
        lengths, sorted_indices = lengths.sort(descending=True)
        input = input.index_select(batch_dim, sorted_indices)
    long = lengths.tolist()
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    size = input.size(batch_dim)
    if len(long) != size:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(long)} (batch_size={size})")
    if long[-1] <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if any(a < b for a, b in zip(long, long[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
            "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability."
        )
    steps = input.size(1 - batch_dim)
    if long[0] > steps:
        raise RuntimeError(f"Expected sequence length to be at least {long[0]}, the longest of `lengths`, but got {steps}")
    counts, step, sequence = _steps(long)
    places = sequence * steps + step if batch_first else step * size + sequence
    rows = input.reshape(steps * size, *input.shape[2:])
    return PackedSequence(rows.index_select(0, from_numpy(places)), from_numpy(counts.astype(np.int64)), sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """((T, B, *) with `padding_value` behind the sequences, the lengths) of what was packed. ValueError for a `total_length` that is too short."""
    counts = sequence.batch_sizes.numpy()
    steps = len(counts)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    size = int(counts[0])
    lengths = (counts[None, :] > np.arange(size)[:, None]).sum(1)
    _, step, at = _steps(lengths.tolist())
    places = at * steps + step if batch_first else step * size + at
    rest = tuple(sequence.data.shape[1:])
    padded = full((steps * size, *rest), padding_value, dtype=sequence.data.dtype).index_copy(0, from_numpy(places), sequence.data)
    padded = padded.reshape(*((size, steps) if batch_first else (steps, size)), *rest)
    long = from_numpy(lengths.astype(np.int64))
    order = sequence.unsorted_indices
    return (padded, long) if order is None else (padded.index_select(0 if batch_first else 1, order), long[order])


def pad_sequence(sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right") -> Tensor:
    """Sequences (L, *) as one tensor (T, B, *), with `batch_first` (B, T, *); `padding_side` says where the padding is."""
    from suiren.nn.functional.padding import pad

    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    given = tuple(sequences)
    if not given:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(s.size(0) for s in given)

    def padded(s: Tensor) -> Tensor:
        missing = longest - s.size(0)
        sides = (missing, 0) if padding_side == "left" else (0, missing)
        return pad(s, (0, 0) * (s.dim() - 1) + sides, value=padding_value) if missing else s

    return stack([padded(s) for s in given], 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences (L, *) that were padded to (T, B, *), with `batch_first` (B, T, *)."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(rows.unbind(0), lengths.tolist(), strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences (L, *), the longest first unless `enforce_sorted` is False."""
    return pack_padded_sequence(pad_sequence(sequences), [s.size(0) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences (L, *) that were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)


def bind(optional: Any, fn: Callable[[Any], Any]) -> Any:
    """fn of what there is; None of None."""
    return None if optional is None else fn(optional)


__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence",
    "unpack_sequence", "unpad_sequence",
]  # fmt: skip
