"""Padding, and moving between channels and places. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#vision-functions"""

from __future__ import annotations

from typing import Any

from suiren.api import casting
from suiren.api.arguments import check_tensor
from suiren.api.creation import full
from suiren.api.joining import cat
from suiren.api.shapes import part
from suiren.dtypes import float32
from suiren.ops.movement import expand, flip, permute, reshape
from suiren.tensor import Tensor

_COMBINATIONS = (
    "Supported combinations for non-constant padding:\n  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
    "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
)


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """More elements around the last dims: `pad` is (before, after) of the last dim, then of the one before, …; negative ones take away.

    `mode`: "constant" (of `value`, 0 unless given), "reflect", "replicate", "circular". RuntimeError for sizes that do not fit.
    """
    check_tensor("pad", input)
    pads = [n.__index__() for n in pad]
    if len(pads) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    shape = input._spec.shape
    if len(pads) > 2 * len(shape):
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pads)} and input of dimension {len(shape)}"
        )
    pairs = [(len(shape) - 1 - i, pads[2 * i], pads[2 * i + 1]) for i in range(len(pads) // 2)]
    if mode == "constant":
        return _apart(_constant(input, pairs, 0.0 if value is None else value), input)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(pads) // 2 not in (1, 2, 3) or len(shape) not in (len(pads) // 2 + 1, len(pads) // 2 + 2):
        raise NotImplementedError(f"Padding size {len(pads)} is not supported for {len(shape)}D input tensor.\n{_COMBINATIONS}")
    if mode != "circular":
        _check_room(shape, pairs)
        if casting.on and casting.here.enabled and (mode == "replicate" or len(pads) < 6):  # reflection in three dims is on no list
            input = casting.converted(input, float32)
    padded = input
    for d, before, after in pairs:
        padded = _MODES[mode](padded, d, before, after, (before, after))
    return _apart(padded, input)


def _apart(padded: Tensor, input: Tensor) -> Tensor:
    """A result in memory of its own: what was only cut, or not changed at all, is copied."""
    return padded.clone() if padded is input or padded._parent is not None else padded


def _check_room(shape: tuple[int, ...], pairs: list) -> None:
    """RuntimeError if negative padding leaves nothing."""
    sizes = [(shape[d], shape[d] + before + after) for d, before, after in reversed(pairs)]
    if all(after < 1 for _, after in sizes):
        letters = "DHW"[3 - len(sizes) :]
        have = ("{}" if len(sizes) == 1 else "{}, {}" if len(sizes) == 2 else "{} {}, {}").format(
            *(f"{c}: {n}" for c, (n, _) in zip(letters, sizes))
        )
        left = " ".join(f"{c}: {n}" for c, (_, n) in zip(letters, sizes))
        raise RuntimeError(f"input ({have}) is too small. Calculated output {left}")


def _cut(x: Tensor, d: int, before: int, after: int) -> tuple[Tensor, int, int]:
    """x without what negative padding takes away, and the padding that is left."""
    n = x._spec.shape[d]
    low, high = max(-before, 0), max(-after, 0)
    if low + high > n:
        raise RuntimeError(
            f"The input size {n}, plus negative padding {min(before, 0)} and {min(after, 0)}, resulted in a negative output size, "
            f"which is invalid. Check dimension {d} of your input."
        )
    if low or high:
        x = part(x, d, low, n - low - high)
    return x, max(before, 0), max(after, 0)


@casting.plain
def _constant(x: Tensor, pairs: list, value: float) -> Tensor:
    for d, before, after in pairs:
        x, before, after = _cut(x, d, before, after)
        pieces = [x]
        for size, first in ((before, True), (after, False)):
            if size:
                shape = (*x._spec.shape[:d], size, *x._spec.shape[d + 1 :])
                piece = full(shape, value, dtype=x._spec.dtype)
                pieces = [piece, *pieces] if first else [*pieces, piece]
        if len(pieces) > 1:
            x = cat(pieces, d)
    return x


def _check_reflect(x: Tensor, d: int, before: int, after: int) -> None:
    n = x._spec.shape[d]
    if before >= n or after >= n:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {d} of input {list(x._spec.shape)}"
        )


@casting.plain
def _reflect(x: Tensor, d: int, before: int, after: int, given: tuple) -> Tensor:
    _check_reflect(x, d, before, after)
    x, before, after = _cut(x, d, before, after)
    n = x._spec.shape[d]
    pieces = []
    if before:
        pieces.append(flip(part(x, d, 1, before), dims=(d,)))
    pieces.append(x)
    if after:
        pieces.append(flip(part(x, d, n - 1 - after, after), dims=(d,)))
    return cat(pieces, d) if len(pieces) > 1 else x


@casting.plain
def _replicate(x: Tensor, d: int, before: int, after: int, given: tuple) -> Tensor:
    """Place j of the result is place j - before of x, or the end of x that is nearer."""
    shape, n = x._spec.shape, x._spec.shape[d]
    out = n + before + after
    first = min(max(before, 0), out)
    low, high = max(-before, 0), min(n, out - before)
    middle = max(high - low, 0)
    pieces = []
    if first:
        pieces.append(expand(part(x, d, 0, 1), shape=(*shape[:d], first, *shape[d + 1 :])))
    if middle:
        pieces.append(part(x, d, low, middle) if middle < n else x)
    if out - first - middle:
        pieces.append(expand(part(x, d, n - 1, 1), shape=(*shape[:d], out - first - middle, *shape[d + 1 :])))
    return cat(pieces, d) if len(pieces) > 1 else pieces[0] if pieces else part(x, d, 0, 0)


@casting.plain
def _circular(x: Tensor, d: int, before: int, after: int, given: tuple) -> Tensor:
    n = x._spec.shape[d]
    if before > n or after > n:
        raise RuntimeError("Padding value causes wrapping around more than once.")
    whole = x
    x, before, after = _cut(x, d, before, after)
    pieces = []
    if before:
        pieces.append(part(whole, d, n - before + min(given[1], 0), before))
    pieces.append(x)
    if after:
        pieces.append(part(whole, d, max(-given[0], 0), after))
    return cat(pieces, d) if len(pieces) > 1 else x


_MODES = {"reflect": _reflect, "replicate": _replicate, "circular": _circular}


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r², H, W) to (*, C, H r, W r). RuntimeError for a number of channels that does not fit."""
    r = upscale_factor
    *lead, c, h, w = _at_least_3d("pixel_shuffle", input)
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={c} is not divisible by {r * r}"
        )
    n = len(lead)
    x = reshape(input, shape=(*lead, c // (r * r), r, r, h, w))
    x = permute(x, dims=(*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return reshape(x, shape=(*lead, c // (r * r), h * r, w * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) to (*, C r², H, W). RuntimeError for sizes that do not fit."""
    r = downscale_factor
    *lead, c, h, w = _at_least_3d("pixel_unshuffle", input)
    for name, size, at in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({at})={size} is not divisible by {r}"
            )
    n = len(lead)
    x = reshape(input, shape=(*lead, c, h // r, r, w // r, r))
    x = permute(x, dims=(*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return reshape(x, shape=(*lead, c * r * r, h // r, w // r))


def _at_least_3d(function: str, input: Tensor) -> tuple[int, ...]:
    check_tensor(function, input)
    if input._spec.ndim < 3:
        raise RuntimeError(f"{function} expects input to have at least 3 dimensions, but got input with {input._spec.ndim} dimension(s)")
    return input._spec.shape


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, …): the channels of the groups take turns."""
    n, c, *rest = input._spec.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    x = reshape(input, shape=(n, groups, c // groups, *rest))
    x = permute(x, dims=(0, 2, 1, *range(3, x._spec.ndim)))
    return reshape(x, shape=input._spec.shape)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The same as `channel_shuffle`."""
    return channel_shuffle(input, groups)


__all__ = ["channel_shuffle", "native_channel_shuffle", "pad", "pixel_shuffle", "pixel_unshuffle"]
