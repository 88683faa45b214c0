"""Views: the same elements at other places.

Every rule comes twice, as in the rest of ops: `numpy` moves an array, `restride` says the same of (shape, strides, offset), in elements.
Gradients go back through the same movement (`embed`: zeros, with a value written through it), or add up where elements are shown more than once.
"""

from __future__ import annotations

from math import prod

import numpy as np

from suiren.ops.creation import iota, zeros, zeros_like
from suiren.trace.op import movement
from suiren.trace.spec import Spec, contiguous_strides, spec

# ---------------------------------------------------------------- reshape


def _reshape_strides(sizes, strides, start, *, shape):
    """PyTorch's rule (TensorUtils.cpp, computeStride): each run of dims that lie densely may be cut anew."""
    if 0 in sizes:
        return shape, contiguous_strides(shape), start
    dims = [(n, s) for n, s in zip(sizes, strides) if n != 1]
    runs: list[list[int]] = []  # [elements, the last stride]
    for n, s in dims:
        if runs and runs[-1][1] == n * s:
            runs[-1] = [runs[-1][0] * n, s]
        else:
            runs.append([n, s])
    result, at = [0] * len(shape), len(runs) - 1
    left, step = runs[at] if runs else (1, 1)
    for i in range(len(shape) - 1, -1, -1):
        n = shape[i]
        if left == 1 and n != 1 and at > 0:
            at -= 1
            left, step = runs[at]
        if left % n:
            return None
        result[i] = step
        left, step = left // n, step * n
    return shape, tuple(result), start


def _infer_reshape(x: Spec, *, shape):
    if prod(shape) != x.numel:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {x.numel}")
    return spec(shape, x.dtype)


def _whole_shape(sizes, inputs, *, shape):
    return {"shape": (*sizes, *shape)}


reshape = movement(
    "reshape",
    params=("shape",),
    lead=_whole_shape,
    infer=_infer_reshape,
    numpy=lambda x, *, shape: x.reshape(shape),
    restride=_reshape_strides,
    grad=lambda g, x_spec: (reshape(g, shape=x_spec.shape),),
    grad_name="ViewBackward0",
    doc="The same elements in row-major order in another shape.",
)

# ---------------------------------------------------------------- permute


def _infer_permute(x: Spec, *, dims):
    return spec(tuple(x.shape[d] for d in dims), x.dtype)


def _permute_strides(sizes, strides, start, *, dims):
    return tuple(sizes[d] for d in dims), tuple(strides[d] for d in dims), start


def _permute_grad(g, dims):
    back = [0] * len(dims)
    for i, d in enumerate(dims):
        back[d] = i
    return (permute(g, dims=tuple(back)),)


permute = movement(
    "permute",
    params=("dims",),
    lead=lambda sizes, inputs, *, dims: {"dims": (*range(len(sizes)), *(d + len(sizes) for d in dims))},
    infer=_infer_permute,
    numpy=lambda x, *, dims: x.transpose(dims),
    restride=_permute_strides,
    grad=_permute_grad,
    doc="Dim i of the result is dim dims[i] of x.",
)


def transpose(x, x_ndim: int, a: int = -2, b: int = -1):
    """x with dims a and b exchanged."""
    dims = list(range(x_ndim))
    dims[a], dims[b] = dims[b], dims[a]
    return permute(x, dims=tuple(dims))


# ---------------------------------------------------------------- expand


def _infer_expand(x: Spec, *, shape):
    for i in range(-1, -x.ndim - 1, -1):
        if x.shape[i] not in (1, shape[i]):
            raise RuntimeError(
                f"The expanded size of the tensor ({shape[i]}) must match the existing size ({x.shape[i]}) at non-singleton "
                f"dimension {len(shape) + i}.  Target sizes: {list(shape)}.  Tensor sizes: {list(x.shape)}"
            )
    return spec(shape, x.dtype)


def _expand_strides(sizes, strides, start, *, shape):
    new = len(shape) - len(sizes)
    return shape, (0,) * new + tuple(0 if n == 1 and m != 1 else s for n, m, s in zip(sizes, shape[new:], strides)), start


def _expand_batch(size, tensors, is_batched, *, shape):
    (x,) = tensors
    own = x._spec.shape[1:]
    return expand(reshape(x, shape=(size, *(1,) * (len(shape) - len(own)), *own)), shape=(size, *shape))


expand = movement(
    "expand",
    params=("shape",),
    batch=_expand_batch,
    infer=_infer_expand,
    numpy=lambda x, *, shape: np.broadcast_to(x, shape),
    restride=_expand_strides,
    grad=lambda g: (g,),  # the engine sums what was broadcast
    doc="x broadcast to a larger shape.",
)

# ---------------------------------------------------------------- parts


def _infer_slice(x: Spec, *, starts, sizes, steps):
    return spec(sizes, x.dtype)


def _slice(x, *, starts, sizes, steps):
    return x[tuple(np.s_[a : a + n * s if n else a : s] for a, n, s in zip(starts, sizes, steps))]


def _slice_strides(shape, strides, start, *, starts, sizes, steps):
    start += sum(a * s for a, s, n in zip(starts, strides, sizes) if n)
    return sizes, tuple(s * step for s, step in zip(strides, steps)), start


def _slice_grad(g, x_spec, starts, sizes, steps):
    return (embed(g, x_spec, slice, (starts, sizes, steps)),)


def _slice_lead(batch, inputs, *, starts, sizes, steps):
    return {"starts": (0,) * len(batch) + starts, "sizes": (*batch, *sizes), "steps": (1,) * len(batch) + steps}


slice = movement(
    "slice",
    params=("starts", "sizes", "steps"),
    lead=_slice_lead,
    infer=_infer_slice,
    numpy=_slice,
    restride=_slice_strides,
    grad=_slice_grad,
    window=True,
    doc="Per dim: `sizes` elements from `starts` on, every `steps`-th one.",
)


def _infer_select(x: Spec, *, dim, index):
    return spec(x.shape[:dim] + x.shape[dim + 1 :], x.dtype)


def _select(x, *, dim, index):
    return x[(np.s_[:],) * dim + (index, ...)]


def _select_strides(shape, strides, start, *, dim, index):
    return shape[:dim] + shape[dim + 1 :], strides[:dim] + strides[dim + 1 :], start + index * strides[dim]


select = movement(
    "select",
    params=("dim", "index"),
    infer=_infer_select,
    numpy=_select,
    restride=_select_strides,
    grad=lambda g, x_spec, dim, index: (embed(g, x_spec, select, (dim, index)),),
    window=True,
    doc="One place of a dim, which goes away.",
)


def _diagonal_shape(shape, offset, dim1, dim2):
    rest = tuple(n for i, n in enumerate(shape) if i not in (dim1, dim2))
    rows, columns = shape[dim1], shape[dim2]
    return (*rest, max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)))


def _diagonal_strides(shape, strides, start, *, offset, dim1, dim2):
    new = _diagonal_shape(shape, offset, dim1, dim2)
    if new[-1]:
        start += offset * strides[dim2] if offset >= 0 else -offset * strides[dim1]
    rest = tuple(s for i, s in enumerate(strides) if i not in (dim1, dim2))
    return new, (*rest, strides[dim1] + strides[dim2]), start


def _diagonal(x, *, offset, dim1, dim2):
    # not np.diagonal, whose result cannot be written
    new = _diagonal_shape(x.shape, offset, dim1, dim2)
    at = [np.s_[:]] * x.ndim
    at[dim2 if offset >= 0 else dim1] = np.s_[abs(offset) :]
    rest = tuple(s for i, s in enumerate(x.strides) if i not in (dim1, dim2))
    return np.lib.stride_tricks.as_strided(x[tuple(at)], new, (*rest, x.strides[dim1] + x.strides[dim2]))


diagonal = movement(
    "diagonal",
    params=("offset", "dim1", "dim2"),
    infer=lambda x, *, offset, dim1, dim2: spec(_diagonal_shape(x.shape, offset, dim1, dim2), x.dtype),
    numpy=_diagonal,
    restride=_diagonal_strides,
    grad=lambda g, x_spec, offset, dim1, dim2: (embed(g, x_spec, diagonal, (offset, dim1, dim2)),),
    doc="The diagonal of dims dim1 and dim2 as a last dim.",
)

# ---------------------------------------------------------------- other orders


def _flip_strides(shape, strides, start, *, dims):
    start += sum((shape[d] - 1) * strides[d] for d in dims if shape[d])
    return shape, tuple(-s if i in dims else s for i, s in enumerate(strides)), start


flip = movement(
    "flip",
    params=("dims",),
    infer=lambda x, *, dims: spec(x.shape, x.dtype),
    numpy=lambda x, *, dims: np.flip(x, dims),
    restride=_flip_strides,
    grad=lambda g, dims: (flip(g, dims=dims),),
    view=False,
    doc="The order of some dims reversed.",
)


def _unfold_shape(shape, dim, size, step):
    return (*shape[:dim], (shape[dim] - size) // step + 1, *shape[dim + 1 :], size)


def _unfold(x, *, dim, size, step):
    new = _unfold_shape(x.shape, dim, size, step)
    strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
    return np.lib.stride_tricks.as_strided(x, new, strides)


def _unfold_strides(shape, strides, start, *, dim, size, step):
    new = _unfold_shape(shape, dim, size, step)
    return new, (*strides[:dim], strides[dim] * step, *strides[dim + 1 :], strides[dim]), start


unfold = movement(
    "unfold",
    params=("dim", "size", "step"),
    infer=lambda x, *, dim, size, step: spec(_unfold_shape(x.shape, dim, size, step), x.dtype),
    numpy=_unfold,
    restride=_unfold_strides,
    grad=lambda g, x_spec, dim, size, step: (_add_through(g, x_spec, unfold, (dim, size, step)),),
    doc="All windows of `size` elements along a dim, `step` apart, as a last dim.",
)

# ---------------------------------------------------------------- any strides


def _as_strided(x, *, shape, strides, offset):
    size = x.dtype.itemsize
    if 0 in shape:
        return np.empty(shape, x.dtype)
    return np.lib.stride_tricks.as_strided(x.reshape(-1)[offset:], shape, tuple(s * size for s in strides))


def _infer_as_strided(x: Spec, *, shape, strides, offset):
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
    if 0 not in shape and last >= x.numel:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset}, and itemsize {x.dtype.itemsize} "
            f"requiring a storage size of {(last + 1) * x.dtype.itemsize} are out of bounds for storage of size {x.nbytes}"
        )
    return spec(shape, x.dtype)


def _as_strided_lead(sizes, inputs, *, shape, strides, offset):
    ahead = contiguous_strides((*sizes, max(inputs[0].numel, 1)))[:-1]
    return {"shape": (*sizes, *shape), "strides": (*ahead, *strides), "offset": offset}


as_strided = movement(
    "as_strided",
    params=("shape", "strides", "offset"),
    lead=_as_strided_lead,
    infer=_infer_as_strided,
    numpy=_as_strided,
    restride=lambda sizes, old, start, *, shape, strides, offset: (
        (shape, strides, offset) if start == 0 and old == contiguous_strides(sizes) else None
    ),
    grad=lambda g, x_spec, shape, strides, offset: (_add_through(g, x_spec, as_strided, (shape, strides, offset)),),
    doc="Any strides over the elements of a contiguous tensor.",
)


# ---------------------------------------------------------------- back through a view


def embed(g, x_spec: Spec, op, op_params: tuple):
    """Zeros like x with `g` in the places that the view `op` shows: the gradient of a view that shows no element twice."""
    from suiren.ops.placement import view_write

    return view_write(zeros_like(x_spec), g, op=op, op_params=op_params)


def _add_through(g, x_spec: Spec, op, op_params: tuple):
    """The gradient of a view that may show elements more than once: where each one comes from is the same view of 0, 1, 2, …"""
    from suiren.ops.indexing import index_add

    places = op(reshape(iota(size=x_spec.numel), shape=x_spec.shape), **dict(zip(op.params, op_params)))
    count = places.numel()
    flat = index_add(
        zeros((x_spec.numel,), x_spec.dtype), reshape(places, shape=(count,)), reshape(g, shape=(count,)), dim=0
    )
    return reshape(flat, shape=x_spec.shape)


__all__ = ["as_strided", "diagonal", "embed", "expand", "flip", "permute", "reshape", "select", "slice", "transpose", "unfold"]
