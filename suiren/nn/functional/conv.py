"""Convolutions over one, two and three dims. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#convolution-functions"""

from __future__ import annotations

from typing import Any

from suiren.api import casting
from suiren.api.arguments import check_tensor
from suiren.nn.common_types import Sizes
from suiren.nn.functional.sizes import per_dim
from suiren.ops.conv import conv as conv_op
from suiren.ops.conv import conv_input_grad
from suiren.ops.movement import reshape
from suiren.ops.pointwise import add
from suiren.tensor import Tensor
from suiren.trace.recording import binary, record1, record2

_sum = binary(add)
# (stride, padding, dilation, groups, dims, kernel size) as given -> the op's parameters; a loop asks the same again and again
_known: dict[tuple, tuple] = {}


def conv_params(stride: Any, padding: Any, dilation: Any, groups: int, kernel: tuple[int, ...]) -> tuple:
    """The parameters of the op: (stride, pairs of padding, dilation, groups). RuntimeError for what does not fit the dims."""
    try:
        key = (stride, padding, dilation, groups, kernel)
        found = _known.get(key)
    except TypeError:  # lists
        key = found = None
    if found is not None:
        return found
    dims = len(kernel)
    strides, dilations = per_dim("stride", stride, dims), per_dim("dilation", dilation, dims)
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        if padding == "same":
            if any(s != 1 for s in strides):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            total = [d * (k - 1) for d, k in zip(dilations, kernel)]
            pairs = tuple((t // 2, t - t // 2) for t in total)
        else:
            pairs = ((0, 0),) * dims
    else:
        pairs = tuple((p, p) for p in per_dim("padding", padding, dims))
    found = (strides, pairs, dilations, groups)
    if key is not None:
        if len(_known) > 10_000:
            _known.clear()
        _known[key] = found
    return found


def _check_dims(function: str, input: Tensor, dims: int) -> None:
    ndim = input._spec.ndim
    if ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, but got input of size: {list(input._spec.shape)}"
        )


def _with_bias(y: Tensor, bias: Tensor | None, weight: Tensor, channels: int) -> Tensor:
    if bias is None:
        return y
    if bias._spec.shape != (channels,):
        raise RuntimeError(
            f"Given weight of size {list(weight._spec.shape)}, expected bias to be 1-dimensional with {channels} elements, "
            f"but got bias of size {list(bias._spec.shape)} instead"
        )
    return _sum(y, record1(reshape, bias, ((1, channels, *(1,) * (y._spec.ndim - 2)),)))


def _convolution(function: str, dims: int, input, weight, bias, stride, padding, dilation, groups) -> Tensor:
    if casting.on and casting.here.enabled:
        return (casting.lowered if bias is None else casting.rounded_once)(_convolution, function, dims, input, weight, bias, stride, padding, dilation, groups)
    try:
        w = weight._spec.shape
        unbatched = input._spec.ndim != dims + 2
    except AttributeError:
        check_tensor(function, input)
        check_tensor(function, weight, "weight", 2)
        raise
    if unbatched:
        _check_dims(function, input, dims)
        input = reshape(input, shape=(1, *input._spec.shape))
    params = conv_params(stride, padding, dilation, groups, w[2:])
    y = _with_bias(record2(conv_op, input, weight, params), bias, weight, w[0])
    return reshape(y, shape=y._spec.shape[1:]) if unbatched else y


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes | str = 0, dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """(N, C, L), or (C, L), with weight (O, C / groups, K) to (N, O, L'). RuntimeError for sizes that do not fit."""
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes | str = 0, dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """(N, C, H, W), or (C, H, W), with weight (O, C / groups, KH, KW) to (N, O, H', W'). RuntimeError for sizes that do not fit."""
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes | str = 0, dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """(N, C, D, H, W), or (C, D, H, W), with weight (O, C / groups, KD, KH, KW). RuntimeError for sizes that do not fit."""
    return _convolution("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


_PLACES = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def _transposed(function: str, dims: int, input, weight, bias, stride, padding, output_padding, groups, dilation) -> Tensor:
    if casting.on and casting.here.enabled:
        return (casting.lowered if bias is None else casting.rounded_once)(_transposed, function, dims, input, weight, bias, stride, padding, output_padding, groups, dilation)
    check_tensor(function, input)
    check_tensor(function, weight, "weight", 2)
    _check_dims(function, input, dims)
    unbatched = input._spec.ndim == dims + 1
    if unbatched:
        input = reshape(input, shape=(1, *input._spec.shape))
    w = weight._spec.shape
    strides, pairs, dilations, _ = params = conv_params(stride, padding, dilation, groups, w[2:])
    extra = per_dim("output_padding", output_padding, dims)
    if any(e >= s and e >= d for e, s, d in zip(extra, strides, dilations)):
        words = [
            " ".join(f"{name}_{place}: {n}" for place, n in zip(_PLACES[dims], values))
            for name, values in (("output_padding", extra), ("stride", strides), ("dilation", dilations))
        ]
        raise RuntimeError("output padding must be smaller than either stride or dilation, but got " + " ".join(words))
    size = tuple(
        (q - 1) * s - low - high + d * (k - 1) + e + 1
        for q, s, (low, high), d, k, e in zip(input._spec.shape[2:], strides, pairs, dilations, w[2:], extra)
    )
    if any(n < 1 for n in size):
        raise RuntimeError(
            f"Given input size per channel: ({' x '.join(map(str, input._spec.shape[2:]))}). Calculated output size per channel: "
            f"({' x '.join(map(str, size))}). Output size is too small"
        )
    y = _with_bias(record2(conv_input_grad, input, weight, (size, *params)), bias, weight, w[1] * groups)
    return reshape(y, shape=y._spec.shape[1:]) if unbatched else y


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0, output_padding: Sizes = 0,
    groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d` for its input, as an operation: (N, C, L) with weight (C, O / groups, K) to (N, O, L')."""
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0, output_padding: Sizes = 0,
    groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d` for its input, as an operation: (N, C, H, W) with weight (C, O / groups, KH, KW) to (N, O, H', W')."""
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0, output_padding: Sizes = 0,
    groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d` for its input, as an operation: (N, C, D, H, W) with weight (C, O / groups, KD, KH, KW)."""
    return _transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)


@casting.lower
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """(T, B, C) with weight (K, C, O) and bias (O,) to (T', B, O): `conv1d` with the time first."""
    for name, t, ndim in (("Input", input, 3), ("Weight", weight, 3), ("Bias", bias, 1)):
        if t._spec.ndim != ndim:
            raise RuntimeError(f"{name} must have {ndim} dims: time, batch, {'in_channel' if name == 'Input' else 'out_channel'}")
    found = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad)
    return found.permute(2, 0, 1)


def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """The patches that a convolution sees: (N, C, H, W) to (N, C * KH * KW, places)."""
    from suiren.nn.functional.padding import pad

    unbatched = input._spec.ndim == 3
    if unbatched:
        input = reshape(input, shape=(1, *input._spec.shape))
    if input._spec.ndim != 4:
        raise RuntimeError(f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {list(input._spec.shape)}")
    (kh, kw), (dh, dw) = per_dim("kernel_size", kernel_size, 2), per_dim("dilation", dilation, 2)
    (ph, pw), (sh, sw) = per_dim("padding", padding, 2), per_dim("stride", stride, 2)
    x = pad(input, (pw, pw, ph, ph)) if ph or pw else input
    # (N, C, H, W) -> (N, C, places down, places across, KH, KW)
    x = x.unfold(2, dh * (kh - 1) + 1, sh).unfold(3, dw * (kw - 1) + 1, sw)[..., ::dh, ::dw]
    n, c, down, across = x._spec.shape[:4]
    found = x.permute(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, down * across)
    return found[0] if unbatched else found


def fold(input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Sums patches back to where `unfold` took them: (N, C * KH * KW, places) to (N, C, H, W)."""
    from suiren.api.creation import eye

    unbatched = input._spec.ndim == 2
    if unbatched:
        input = reshape(input, shape=(1, *input._spec.shape))
    if input._spec.ndim != 3:
        raise RuntimeError(f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {list(input._spec.shape)}")
    size, kernel = per_dim("output_size", output_size, 2), per_dim("kernel_size", kernel_size, 2)
    taps = kernel[0] * kernel[1]
    n, rows, places = input._spec.shape
    if rows % taps:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size=({kernel[0]}, {kernel[1]})."
        )
    strides, pairs, dilations, _ = conv_params(stride, padding, dilation, 1, kernel)
    blocks = tuple((m + 2 * p - d * (k - 1) - 1) // s + 1 for m, (p, _), d, k, s in zip(size, pairs, dilations, kernel, strides))
    if places != blocks[0] * blocks[1]:
        raise RuntimeError(
            f"Given output_size=({size[0]}, {size[1]}), kernel_size=({kernel[0]}, {kernel[1]}), dilation=({dilations[0]}, {dilations[1]}), "
            f"padding=({pairs[0][0]}, {pairs[1][0]}), stride=({strides[0]}, {strides[1]}), expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {blocks[0]} * {blocks[1]} = {blocks[0] * blocks[1]}, "
            f"but got input.size(2)={places}."
        )
    channels = rows // taps
    # each tap of each channel is a channel whose kernel is 1 at that tap: a transposed convolution in groups of channels
    one_tap = eye(taps, dtype=input._spec.dtype).reshape(taps, 1, *kernel).repeat(channels, 1, 1, 1)
    y = reshape(input, shape=(n, rows, *blocks))
    found = conv_input_grad(y, one_tap, size=size, stride=strides, padding=pairs, dilation=dilations, groups=channels)
    return reshape(found, shape=found._spec.shape[1:]) if unbatched else found


__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "conv_tbc", "fold", "unfold",
]  # fmt: skip
