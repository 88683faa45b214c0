"""Tensors put together from parts: concatenation, and a value written through a view."""

from __future__ import annotations

import functools

import numpy as np

from suiren.dtypes import from_numpy_dtype, promote_types
from suiren.ops.creation import zeros_like
from suiren.ops.movement import slice
from suiren.trace.op import Movement, placement
from suiren.trace.spec import Spec, contiguous_strides, spec

# ---------------------------------------------------------------- cat


def _infer_cat(*tensors: Spec, dim: int):
    first, total, d = tensors[0], 0, tensors[0].dtype
    for i, x in enumerate(tensors):
        if x.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {x.ndim}")
        for at, (n, want) in enumerate(zip(x.shape, first.shape)):
            if at != dim and n != want:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {want} but got size {n} for tensor number {i} in the list."
                )
        total += x.shape[dim]
        d = promote_types(d, x.dtype)
    return spec((*first.shape[:dim], total, *first.shape[dim + 1 :]), d)


def _parts_of_cat(*tensors: Spec, dim: int):
    strides = contiguous_strides(_infer_cat(*tensors, dim=dim).shape)
    at = 0
    for i, x in enumerate(tensors):
        yield i, (x.shape, strides, at * strides[dim])
        at += x.shape[dim]


def _cat_grad(g, tensors_specs, dim):
    grads, at = [], 0
    for x in tensors_specs:
        starts = (0,) * dim + (at,) + (0,) * (x.ndim - dim - 1)
        grads.append(slice(g, starts=starts, sizes=x.shape, steps=(1,) * x.ndim) if x.requires_grad else None)
        at += x.shape[dim]
    return tuple(grads)


def _cat(*tensors, dim: int):
    if len({x.dtype for x in tensors}) > 1:  # NumPy knows no common dtype of the two narrow floats
        d = functools.reduce(promote_types, [from_numpy_dtype(x.dtype) for x in tensors]).np
        tensors = tuple([x.astype(d, copy=False) for x in tensors])
    return np.concatenate(tensors, axis=dim)


cat = placement(
    "cat",
    inputs=("*tensors",),
    params=("dim",),
    infer=_infer_cat,
    numpy=_cat,
    parts=lambda *tensors, dim: tuple(_parts_of_cat(*tensors, dim=dim)),
    grad=_cat_grad,
    doc="The tensors one after the other along a dim; they agree in all others.",
)

# ---------------------------------------------------------------- a write through a view


def _named(op: Movement, op_params: tuple) -> dict:
    return dict(zip(op.params, op_params))


def _seen(base: Spec, op: Movement, op_params: tuple):
    """(shape, strides, offset) of the view of a contiguous base."""
    return op.restride(base.shape, contiguous_strides(base.shape), 0, op_params)


def _infer_view_write(base: Spec, value: Spec, *, op, op_params):
    shape, strides, _ = _seen(base, op, op_params)
    if 0 not in shape and any(s == 0 and n > 1 for n, s in zip(shape, strides)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if value.shape != shape:
        raise RuntimeError(f"a view of shape {list(shape)} cannot take a value of shape {list(value.shape)}")
    return spec(base.shape, base.dtype)


def _view_write(base, value, *, op, op_params):
    out = base.copy()
    seen = op.numpy(out, **_named(op, op_params))
    if not seen.flags.writeable:  # NumPy refuses writes through broadcast_to; `infer` has refused those that are ambiguous
        seen.flags.writeable = True
    seen[...] = value
    return out


def _view_write_grad(g, value_spec, op, op_params):
    return view_write(g, zeros_like(value_spec), op=op, op_params=op_params), op(g, **_named(op, op_params))


def _view_write_lead(sizes, inputs, *, op, op_params):
    moved = op.lead(sizes, inputs[:1], **_named(op, op_params))
    return {"op": op, "op_params": tuple(moved[name] for name in op.params)}


view_write = placement(
    "view_write",
    inputs=("base", "value"),
    params=("op", "op_params"),
    lead=_view_write_lead,
    infer=_infer_view_write,
    numpy=_view_write,
    parts=lambda base, value, *, op, op_params: (
        (0, (base.shape, contiguous_strides(base.shape), 0)),
        (1, _seen(base, op, op_params)),
    ),
    grad=_view_write_grad,
    grad_name="CopySlices",
    doc="`base` with `value` where the movement `op` looks: an in-place write into a view, the gradient of a view, padding.",
)

__all__ = ["cat", "view_write"]
