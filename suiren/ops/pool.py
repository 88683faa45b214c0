"""Max and average pooling over one, two or three spatial dims, and their gradients.

Shapes: x (N, C, *S), result (N, C, *Q). Parameters, one entry per spatial dim: kernel_size, stride, padding, dilation;
ceil_mode rounds Q up where the last window still starts inside the input or its low padding. Padding is never the
maximum, and counts as zeros in an average.

    max_pool       outputs (value, index): index counts in the row-major order of S, int64. Of equal elements the first
                   one is it, of NaNs the last one. A window that lies in padding alone (large dilation) has value -inf
                   and index -1.
    max_pool_grad  adds each element of g where the index of the same place says
    max_pool_take  picks the elements that the index names: the gradient of max_pool_grad
    avg_pool, avg_pool_grad   each other's gradients
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from suiren.dtypes import bool_, int64
from suiren.ops.creation import copy
from suiren.ops.movement import expand, reshape
from suiren.trace.op import FLOAT, template
from suiren.trace.recording import record
from suiren.trace.spec import Spec, spec


def output_size(size, kernel_size, stride, padding, dilation, ceil_mode) -> tuple[int, ...]:
    """Q of S: how many windows there are, per dim."""
    found = []
    for n, k, s, p, d in zip(size, kernel_size, stride, padding, dilation):
        room = n + 2 * p - d * (k - 1) - 1
        q = (room + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (q - 1) * s >= n + p:
            q -= 1  # it would start in the high padding
        found.append(q)
    return tuple(found)


# ---------------------------------------------------------------- shapes and dtypes, with PyTorch's messages


def _infer_pool(x: Spec, kernel_size, stride, padding, dilation, ceil_mode, name: str) -> tuple[int, ...]:
    dims = len(kernel_size)
    if any(k <= 0 for k in kernel_size):
        raise RuntimeError(f"kernel size should be greater than zero, but got {_sizes('k', kernel_size)}")
    if any(s <= 0 for s in stride):
        raise RuntimeError(
            "stride should not be zero"
            if 0 in stride
            else f"stride should be greater than zero, but got {_sizes('d', stride)}"
        )
    if any(d <= 0 for d in dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got {_sizes('dilation', dilation)}")
    for k, p, d in zip(kernel_size, padding, dilation):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, "
                f"but got pad={p}, kernel_size={k} and dilation={d}"
            )
    if x.ndim != dims + 2 or not prod(x.shape[1:]):
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(x.shape)}"
        )
    if x.dtype is bool_:
        raise NotImplementedError(f"\"{name}{max(dims, 2)}d\" not implemented for 'Bool'")
    out = output_size(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    if min(out) < 1:
        before, after = ("x".join(map(str, (x.shape[1], *s))) for s in (x.shape[2:], out))
        raise RuntimeError(f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small")
    return out


def _sizes(word: str, sizes) -> str:
    return " ".join(f"{word}{letter}: {n}" for letter, n in zip("THW"[-len(sizes) :], sizes))


def _infer_max_pool(x: Spec, *, kernel_size, stride, padding, dilation, ceil_mode):
    out = _infer_pool(x, kernel_size, stride, padding, dilation, ceil_mode, "max_pool")
    return spec((*x.shape[:2], *out), x.dtype), spec((*x.shape[:2], *out), int64)


def _infer_avg_pool(x: Spec, *, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    ones = (1,) * len(kernel_size)
    if x.dtype.category != FLOAT and x.dtype not in (bool_, int64):
        raise NotImplementedError(f"\"avg_pool{max(len(ones), 2)}d\" not implemented for '{x.dtype.scalar_name}'")
    return spec((*x.shape[:2], *_infer_pool(x, kernel_size, stride, padding, ones, ceil_mode, "avg_pool")), x.dtype)


def _infer_avg_pool_grad(g: Spec, *, size, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    out = output_size(size, kernel_size, stride, padding, (1,) * len(size), ceil_mode)
    if g.shape[2:] != out:
        raise RuntimeError(
            f"avg_pool_grad: a pool of size {list(size)} gives {list(out)}, but the gradient has size {list(g.shape)}"
        )
    return spec((*g.shape[:2], *size), g.dtype)


def _infer_max_pool_grad(g: Spec, index: Spec, *, size, kernel_size, stride, padding, dilation):
    _check_index(g, index)
    return spec((*g.shape[:2], *size), g.dtype)


def _infer_max_pool_take(x: Spec, index: Spec, *, kernel_size, stride, padding, dilation):
    if index.shape[:2] != x.shape[:2] or index.dtype is not int64:
        raise RuntimeError(f"max_pool_take: an index of {index} does not fit an input of {x}")
    return spec(index.shape, x.dtype)


def _check_index(g: Spec, index: Spec) -> None:
    if g.shape != index.shape or index.dtype is not int64:
        raise RuntimeError(f"max_pool_grad: an index of {index} does not fit a gradient of {g}")


# ---------------------------------------------------------------- NumPy: one tap of the window after the other


def _tap(tap, out, size, stride, padding, dilation):
    """For one tap of the window: which outputs it gives an element, and which elements these are (slices over Q and
    over S).
    """
    reads, sees = [], []
    for t, q, n, s, p, d in zip(tap, out, size, stride, padding, dilation):
        start = t * d - p  # where the first window reads
        first = max(0, -(start // s))  # the first window that reads inside
        last = min(q, (n - 1 - start) // s + 1)
        last = max(last, first)
        reads.append(slice(first, last))
        sees.append(
            slice(first * s + start, max((last - 1) * s + start + 1, 0) if last > first else first * s + start, s)
        )
    return (..., *reads), (..., *sees)


def _max_pool(x, *, kernel_size, stride, padding, dilation, ceil_mode):
    size = x.shape[2:]
    out = output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    places = np.arange(prod(size)).reshape(size)
    value = np.full((*x.shape[:2], *out), -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
    index = np.full(value.shape, -1, np.int64)
    for tap in product(*map(range, kernel_size)):
        reads, sees = _tap(tap, out, size, stride, padding, dilation)
        new, place = x[sees], places[sees]
        better = (new > value[reads]) | np.isnan(new) | (index[reads] < 0)
        value[reads] = np.where(better, new, value[reads])
        index[reads] = np.where(better, place, index[reads])
    return value, index


def _max_pool_grad(g, index, *, size, kernel_size, stride, padding, dilation):
    flat = np.zeros((*g.shape[:2], prod(size)), g.dtype)
    n, c, _ = np.indices((*g.shape[:2], 1), sparse=True)
    index = index.reshape(*g.shape[:2], prod(g.shape[2:]))
    inside = (index >= 0) & (index < prod(size))
    np.add.at(flat, (n, c, np.where(inside, index, 0)), np.where(inside, g.reshape(index.shape), g.dtype.type(0)))
    return flat.reshape(*g.shape[:2], *size)


def _max_pool_take(x, index, *, kernel_size, stride, padding, dilation):
    flat, places = (a.reshape(*a.shape[:2], prod(a.shape[2:])) for a in (x, index))
    inside = (places >= 0) & (places < flat.shape[2])
    taken = np.take_along_axis(flat, np.where(inside, places, 0), 2)
    return np.where(inside, taken, x.dtype.type(0)).reshape(index.shape)


def _divisors(size, out, kernel_size, stride, padding, count_include_pad, divisor, dtype):
    """What the sum of each window is divided by: an array that broadcasts to Q."""
    if divisor is not None:
        return np.full((1,) * len(out), divisor, dtype)
    counts = np.ones((), np.int64)
    for n, q, k, s, p in zip(size, out, kernel_size, stride, padding):
        begin = np.arange(q) * s - p
        end = np.minimum(begin + k, n + p)
        if not count_include_pad:
            begin, end = np.maximum(begin, 0), np.minimum(end, n)
        counts = np.multiply.outer(counts, end - begin)
    return np.maximum(counts, 1).astype(dtype)


def _divide(sums, divisors):
    return sums / divisors if sums.dtype.kind == "f" else np.trunc(sums / divisors).astype(sums.dtype)


def _avg_pool(x, *, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    size, ones = x.shape[2:], (1,) * len(kernel_size)
    out = output_size(size, kernel_size, stride, padding, ones, ceil_mode)
    sums = np.zeros((*x.shape[:2], *out), x.dtype)
    for tap in product(*map(range, kernel_size)):
        reads, sees = _tap(tap, out, size, stride, padding, ones)
        sums[reads] += x[sees]
    return _divide(sums, _divisors(size, out, kernel_size, stride, padding, count_include_pad, divisor, x.dtype))


def _avg_pool_grad(g, *, size, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    out, ones = g.shape[2:], (1,) * len(kernel_size)
    shares = _divide(g, _divisors(size, out, kernel_size, stride, padding, count_include_pad, divisor, g.dtype))
    grad_x = np.zeros((*g.shape[:2], *size), g.dtype)
    for tap in product(*map(range, kernel_size)):
        reads, sees = _tap(tap, out, size, stride, padding, ones)
        grad_x[sees] += shares[reads]
    return grad_x


# ---------------------------------------------------------------- batches


def _folded(op):
    """The rule of batching: the places of the batch are more images."""

    def batch(size, tensors, is_batched, /, **params):
        tensors = [t if batched else expand(t, shape=(size, *t._spec.shape)) for t, batched in zip(tensors, is_batched)]
        images = tensors[0]._spec.shape[1]
        tensors = [reshape(t if batched else copy(t), shape=(size * images, *t._spec.shape[2:])) for t, batched in zip(tensors, is_batched)]
        out = op()(*tensors, **params)
        several = out if isinstance(out, tuple) else (out,)
        found = tuple(reshape(t, shape=(size, images, *t._spec.shape[1:])) for t in several)
        return found if isinstance(out, tuple) else found[0]

    return batch


# ---------------------------------------------------------------- the ops


_WINDOW = ("kernel_size", "stride", "padding")
_AVERAGE = (*_WINDOW, "ceil_mode", "count_include_pad", "divisor")


def _max_pool_rule(g0, x_spec, out1, kernel_size, stride, padding, dilation):
    return (record(max_pool_grad, (g0, out1), (x_spec.shape[2:], kernel_size, stride, padding, dilation)),)


def _max_pool_grad_rule(g, index, kernel_size, stride, padding, dilation):
    return record(max_pool_take, (g, index), (kernel_size, stride, padding, dilation)), None


def _max_pool_take_rule(g, x_spec, index, kernel_size, stride, padding, dilation):
    return record(max_pool_grad, (g, index), (x_spec.shape[2:], kernel_size, stride, padding, dilation)), None


def _avg_pool_rule(g, x_spec, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    return (
        record(
            avg_pool_grad, (g,), (x_spec.shape[2:], kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)
        ),
    )


def _avg_pool_grad_rule(g, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    return (record(avg_pool, (g,), (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)),)


max_pool = template(
    "max_pool",
    batch=_folded(lambda: max_pool),
    family="pool",
    blocked=((0,), (0, 1)),
    inputs=("x",),
    params=(*_WINDOW, "dilation", "ceil_mode"),
    outputs=2,
    infer=_infer_max_pool,
    numpy=_max_pool,
    grad=_max_pool_rule,
    grad_name="MaxPoolWithIndicesBackward0",
    doc="The largest element of each window, and where it was.",
)

max_pool_grad = template(
    "max_pool_grad",
    batch=_folded(lambda: max_pool_grad),
    family="pool",
    blocked=((0, 1), (0,)),
    inputs=("g", "index"),
    params=("size", *_WINDOW, "dilation"),
    infer=_infer_max_pool_grad,
    numpy=_max_pool_grad,
    grad=_max_pool_grad_rule,
    doc="g added at the places that the index of a max_pool with these parameters names.",
)

max_pool_take = template(
    "max_pool_take",
    batch=_folded(lambda: max_pool_take),
    family="pool",
    blocked=((0, 1), (0,)),
    inputs=("x", "index"),
    params=(*_WINDOW, "dilation"),
    infer=_infer_max_pool_take,
    numpy=_max_pool_take,
    grad=_max_pool_take_rule,
    doc="The elements of x that the index of a max_pool with these parameters names.",
)

avg_pool = template(
    "avg_pool",
    batch=_folded(lambda: avg_pool),
    family="pool",
    blocked=((0,), (0,)),
    inputs=("x",),
    params=_AVERAGE,
    infer=_infer_avg_pool,
    numpy=_avg_pool,
    grad=_avg_pool_rule,
    doc="The mean of each window; `divisor`, unless None, takes the place of its number of elements.",
)

avg_pool_grad = template(
    "avg_pool_grad",
    batch=_folded(lambda: avg_pool_grad),
    family="pool",
    blocked=((0,), (0,)),
    inputs=("g",),
    params=("size", *_AVERAGE),
    infer=_infer_avg_pool_grad,
    numpy=_avg_pool_grad,
    grad=_avg_pool_grad_rule,
    doc="The gradient of avg_pool: g shared out over each window.",
)

__all__ = ["avg_pool", "avg_pool_grad", "max_pool", "max_pool_grad", "max_pool_take", "output_size"]
