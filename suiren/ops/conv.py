"""Convolution over one, two or three spatial dims, and its two gradients. The three are each other's gradients.

    conv              y[n, o, q] = sum over c, k of  weight[o, c, k] * x[n, c, q * stride + k * dilation - padding],
                      x being 0 outside
    conv_input_grad   the same triples (y, weight, x) summed for x: what PyTorch calls a transposed convolution
    conv_weight_grad  and summed for weight

Shapes: x (N, C, *S), weight (O, C / groups, *K), y (N, O, *Q). With groups, the outputs o of a group see the inputs c
of that group only. Parameters, one entry per spatial dim: stride, dilation; padding as pairs (low, high); groups.
`size` is S where it is the result's, `kernel_size` K. A sum in which high padding plays no part (both gradients)
ignores it. It may be negative, which leaves out what lies there: how a gradient says that the last inputs were never
reached.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from suiren.dtypes import bool_, dtype
from suiren.ops.complex import holomorphic
from suiren.ops.creation import copy
from suiren.ops.movement import expand, permute, reshape
from suiren.trace.op import Template
from suiren.trace.recording import record
from suiren.trace.spec import Spec, spec


def output_size(size, kernel_size, stride, padding, dilation) -> tuple[int, ...]:
    """Q of S: how many places a kernel has on a padded input, per dim."""
    return tuple(
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, (low, high), d in zip(size, kernel_size, stride, padding, dilation)
    )


def fitting_padding(size, out, kernel_size, stride, padding, dilation) -> tuple[tuple[int, int], ...]:
    """`padding` with the high side that makes `size` give exactly `out`."""
    return tuple(
        (low, (q - 1) * s + d * (k - 1) + 1 - n - low)
        for n, q, k, s, (low, _), d in zip(size, out, kernel_size, stride, padding, dilation)
    )


# ---------------------------------------------------------------- shapes and dtypes, with PyTorch's messages


def _check(x: Spec, weight: Spec, stride, padding, dilation, groups, transposed: bool = False) -> None:
    """RuntimeError for what does not fit. `x` is the input; of a transposed convolution that is what `conv_input_grad`
    calls g.
    """
    if any(low < 0 for low, _ in padding):
        raise RuntimeError("negative padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d <= 0 for d in dilation):
        raise RuntimeError("non-positive dilation is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    n_out = weight.shape[0]
    if n_out < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {list(weight.shape)} instead"
        )
    if n_out % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{list(weight.shape)}] instead"
        )
    if x.ndim != weight.ndim:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight {list(weight.shape)}, "
            f"but got {x.ndim}-dimensional input of size {list(x.shape)} instead"
        )
    expected = n_out if transposed else weight.shape[1] * groups
    if x.shape[1] != expected:
        given = "transposed=1" if transposed else f"groups={groups}"
        raise RuntimeError(
            f"Given {given}, weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
            f"{expected} channels, but got {x.shape[1]} channels instead"
        )
    _check_dtypes(x.dtype, weight.dtype, x.ndim - 2)


def _check_dtypes(x: dtype, weight: dtype, dims: int) -> None:
    if x is not weight:
        if x.name == "float32" and weight.is_floating_point:
            raise RuntimeError(
                f"Input type (torch.FloatTensor) and weight type (torch.{weight.scalar_name}Tensor) should be the same "
                "or input should be a MKLDNN tensor and weight is a dense tensor"
            )
        raise RuntimeError(f"expected scalar type {x.scalar_name} but found {weight.scalar_name}")
    if x is bool_:
        raise NotImplementedError(f"\"slow_conv{max(dims, 2)}d_cpu\" not implemented for 'Bool'")


def _infer_conv(x: Spec, weight: Spec, *, stride, padding, dilation, groups) -> Spec:
    _check(x, weight, stride, padding, dilation, groups)
    padded = [n + low + high for n, (low, high) in zip(x.shape[2:], padding)]
    kernel = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilation)]
    # Without high padding of its own a gradient may well see nothing of the input: only what a user can ask for is
    # refused.
    if any(p < k or not n for p, k, n in zip(padded, kernel, x.shape[2:])) and all(high >= 0 for _, high in padding):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). "
            f"Kernel size: ({' x '.join(map(str, kernel))}). Kernel size can't be greater than actual input size"
        )
    out = output_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return spec((x.shape[0], weight.shape[0], *out), x.dtype)


def _infer_input_grad(g: Spec, weight: Spec, *, size, stride, padding, dilation, groups) -> Spec:
    _check(g, weight, stride, padding, dilation, groups, transposed=True)
    return spec((g.shape[0], weight.shape[1] * groups, *size), g.dtype)


def _infer_weight_grad(x: Spec, g: Spec, *, kernel_size, stride, padding, dilation, groups) -> Spec:
    if x.shape[0] != g.shape[0] or x.ndim != g.ndim or x.shape[1] % groups or g.shape[1] % groups:
        raise RuntimeError(
            f"no convolution of {groups} groups takes an input of size {list(x.shape)} "
            f"to an output of size {list(g.shape)}"
        )
    _check_dtypes(x.dtype, g.dtype, x.ndim - 2)
    return spec((g.shape[1], x.shape[1] // groups, *kernel_size), x.dtype)


# ---------------------------------------------------------------- NumPy: im2col and a matrix product for each group


def _windows(x: np.ndarray, kernel_size, out, stride, padding, dilation) -> np.ndarray:
    """Every place of the kernel on the padded input: (N, C, *S) -> (N, C, *Q, *K), a view of a copy."""
    fit = fitting_padding(x.shape[2:], out, kernel_size, stride, padding, dilation)
    x = x[(..., *(slice(0, max(n + min(high, 0), 0)) for n, (_, high) in zip(x.shape[2:], fit)))]
    x = np.pad(x, [(0, 0), (0, 0), *((low, max(high, 0)) for low, high in fit)])
    reach = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation)]
    x = x[(..., *(slice(0, (q - 1) * s + r) for q, s, r in zip(out, stride, reach)))]  # what low padding alone exceeds
    view = sliding_window_view(x, reach, axis=tuple(range(2, x.ndim)))
    steps = [slice(None, None, s) for s in (*stride, *dilation)]
    return view[(slice(None), slice(None), *steps)]


def _columns(windows: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, *Q, *K) -> (groups, N * Q, C / groups * K)."""
    n, c = windows.shape[:2]
    dims = (windows.ndim - 2) // 2
    places, taps = prod(windows.shape[2 : 2 + dims]), prod(windows.shape[2 + dims :])
    split = windows.reshape(n, groups, c // groups, places, taps)  # copies
    return split.transpose(1, 0, 3, 2, 4).reshape(groups, n * places, c // groups * taps)


def _rows(y: np.ndarray, groups: int) -> np.ndarray:
    """(N, O, *Q) -> (groups, N * Q, O / groups)."""
    n, o = y.shape[:2]
    split = y.reshape(n, groups, o // groups, prod(y.shape[2:]))
    return split.transpose(1, 0, 3, 2).reshape(groups, -1, o // groups)


def _conv(x, weight, *, stride, padding, dilation, groups):
    kernel_size, n, o = weight.shape[2:], len(x), len(weight)
    out = output_size(x.shape[2:], kernel_size, stride, padding, dilation)
    columns = _columns(_windows(x, kernel_size, out, stride, padding, dilation), groups)
    y = columns @ weight.reshape(groups, o // groups, -1).swapaxes(1, 2)  # (groups, N * Q, O / groups)
    return y.reshape(groups, n, prod(out), o // groups).transpose(1, 0, 3, 2).reshape(n, o, *out)


def _conv_input_grad(g, weight, *, size, stride, padding, dilation, groups):
    kernel_size, out, n, o = weight.shape[2:], g.shape[2:], len(g), len(weight)
    c = weight.shape[1] * groups
    lows = [low for low, _ in padding]
    reach = [(q - 1) * s + d * (k - 1) + 1 for q, k, s, d in zip(out, kernel_size, stride, dilation)]
    padded = np.zeros((n, c, *(max(n_ + low, r) for n_, low, r in zip(size, lows, reach))), g.dtype)
    rows = _rows(g, groups)
    for tap in product(*map(range, kernel_size)):
        part = rows @ weight[(..., *tap)].reshape(groups, o // groups, c // groups)  # (groups, N * Q, C / groups)
        part = part.reshape(groups, n, prod(out), c // groups).transpose(1, 0, 3, 2).reshape(n, c, *out)
        places = [slice(t * d, t * d + (q - 1) * s + 1, s) for t, d, q, s in zip(tap, dilation, out, stride)]
        if prod(out):
            padded[(..., *places)] += part
    return padded[(..., *(slice(low, low + n_) for n_, low in zip(size, lows)))]


def _conv_weight_grad(x, g, *, kernel_size, stride, padding, dilation, groups):
    columns = _columns(_windows(x, kernel_size, g.shape[2:], stride, padding, dilation), groups)
    w = _rows(g, groups).swapaxes(1, 2) @ columns  # (groups, O / groups, C / groups * K)
    return w.reshape(g.shape[1], x.shape[1] // groups, *kernel_size)


# ---------------------------------------------------------------- batches of convolutions


def _batched(op):
    """The rule of batching: more images of one weight, or else a group of channels for every place of the batch."""

    def batch(size, tensors, is_batched, /, *, groups, **params):
        a, b = tensors
        if op() is not conv_weight_grad and is_batched == (True, False):
            images = a._spec.shape[1]
            out = op()(reshape(a, shape=(size * images, *a._spec.shape[2:])), b, groups=groups, **params)
            return reshape(out, shape=(size, images, *out._spec.shape[1:]))
        a, b = (t if batched else expand(t, shape=(size, *t._spec.shape)) for t, batched in zip(tensors, is_batched))
        a = _batch_in_channels(a)  # (B, N, C, *S) -> (N, B C, *S)
        if op() is conv_weight_grad:
            b = _batch_in_channels(b)
            out = op()(a, b, groups=groups * size, **params)  # (B O, C / groups, *K)
            return reshape(out, shape=(size, out._spec.shape[0] // size, *out._spec.shape[1:]))
        b = reshape(b, shape=(size * b._spec.shape[1], *b._spec.shape[2:]))
        out = op()(a, b, groups=groups * size, **params)
        n, channels, *rest = out._spec.shape
        out = reshape(out, shape=(n, size, channels // size, *rest))
        return permute(out, dims=(1, 0, *range(2, out._spec.ndim)))

    return batch


def _batch_in_channels(x):
    moved = permute(x, dims=(1, 0, *range(2, x._spec.ndim)))
    n, size, channels, *rest = moved._spec.shape
    return reshape(copy(moved), shape=(n, size * channels, *rest))


# ---------------------------------------------------------------- the ops


class _Convolution(Template):
    """A template whose work is counted in multiplications."""

    def work(self, inputs, specs, params):
        # Every place of y meets every weight once, whichever of the three is summed.
        a, b = inputs
        out = specs[0]
        y, weight = {conv: (out, b), conv_input_grad: (a, b), conv_weight_grad: (b, out)}[self]
        return y.shape[0] * prod(y.shape[2:]) * weight.numel


def _conv_grad(g, x, x_spec, weight, weight_spec, stride, padding, dilation, groups):
    common = (stride, padding, dilation, groups)
    return (
        record(conv_input_grad, (g, weight), (x_spec.shape[2:], *common)),
        record(conv_weight_grad, (x, g), (weight_spec.shape[2:], *common)),
    )


def _conv_input_grad_grad(g, y, y_spec, weight, weight_spec, size, stride, padding, dilation, groups):
    # g is the gradient of the result: it has the shape of the convolution's input.
    fit = fitting_padding(size, y_spec.shape[2:], weight_spec.shape[2:], stride, padding, dilation)
    return (
        record(conv, (g, weight), (stride, fit, dilation, groups)),
        record(conv_weight_grad, (g, y), (weight_spec.shape[2:], stride, padding, dilation, groups)),
    )


def _conv_weight_grad_grad(g, x, x_spec, y, y_spec, kernel_size, stride, padding, dilation, groups):
    # g is the gradient of the result: it has the shape of the weight.
    fit = fitting_padding(x_spec.shape[2:], y_spec.shape[2:], kernel_size, stride, padding, dilation)
    return (
        record(conv_input_grad, (y, g), (x_spec.shape[2:], stride, padding, dilation, groups)),
        record(conv, (x, g), (stride, fit, dilation, groups)),
    )


_COMMON = ("stride", "padding", "dilation", "groups")

conv = _Convolution(
    "conv",
    batch=_batched(lambda: conv),
    family="conv_direct",
    blocked=((0,), (0,)),
    inputs=("x", "weight"),
    params=_COMMON,
    infer=_infer_conv,
    numpy=_conv,
    grad=holomorphic(_conv_grad),
    grad_name="ConvolutionBackward0",
    doc="Cross-correlation of x (N, C, *S) with weight (O, C / groups, *K): (N, O, *Q).",
)

conv_input_grad = _Convolution(
    "conv_input_grad",
    batch=_batched(lambda: conv_input_grad),
    family="conv_direct",
    blocked=((0,), (0,)),
    inputs=("y", "weight"),
    params=("size", *_COMMON),
    infer=_infer_input_grad,
    numpy=_conv_input_grad,
    grad=holomorphic(_conv_input_grad_grad),
    grad_name="ConvolutionBackward0",
    doc="A transposed convolution: y (N, O, *Q) and weight (O, C / groups, *K) to (N, C, *size).",
)

conv_weight_grad = _Convolution(
    "conv_weight_grad",
    batch=_batched(lambda: conv_weight_grad),
    family="conv_direct",
    blocked=((0, 1), ()),
    inputs=("x", "y"),
    params=("kernel_size", *_COMMON),
    infer=_infer_weight_grad,
    numpy=_conv_weight_grad,
    grad=holomorphic(_conv_weight_grad_grad),
    grad_name="ConvolutionBackwardBackward0",
    doc="x (N, C, *S) and y (N, O, *Q) to the weight (O, C / groups, *kernel_size) that is their product's gradient.",
)

__all__ = ["conv", "conv_input_grad", "conv_weight_grad", "fitting_padding", "output_size"]
