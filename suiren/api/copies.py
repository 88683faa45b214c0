"""`view_copy`, `permute_copy`, …: what a view shows, as a tensor of its own; and splitting that PyTorch calls unsafe because it makes no view relation."""

from __future__ import annotations

import inspect

from suiren.api import indexing, joining, shapes
from suiren.api.surface import public
from suiren.ops import creation
from suiren.trace.recording import record
from suiren.trace.storage import Stored


def _copied(found):
    if isinstance(found, Stored):
        return record(creation.copy, (found,), ())
    return tuple(record(creation.copy, (x,), ()) for x in found)


def _copy_of(view, name: str):
    def f(input, *args, **kwargs):
        return _copied(view(input, *args, **kwargs))

    f.__name__ = f.__qualname__ = name
    f.__signature__ = _with_input(inspect.signature(view))
    f.__doc__ = f"A copy of what `{name.removesuffix('_copy')}` shows."
    return public(method=False, out=True)(f)


def _with_input(shown: inspect.Signature) -> inspect.Signature:
    """The signature of a function; what a method calls `self` and `tensor` is `input`."""
    first, *rest = shown.parameters.values()
    return shown.replace(parameters=[first.replace(name="input"), *rest])


def _alias(input):
    return input


def _slice(input, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1):
    d = shapes.dim_of(dim, input._spec.ndim)
    first, size, step = indexing.bounds_of(slice(start, end, step), input._spec.shape[d])
    return shapes.part(input, d, first, size, step)


as_strided_copy = _copy_of(shapes.as_strided, "as_strided_copy")
diagonal_copy = _copy_of(shapes.diagonal, "diagonal_copy")
permute_copy = _copy_of(shapes.permute, "permute_copy")
squeeze_copy = _copy_of(shapes.squeeze, "squeeze_copy")
t_copy = _copy_of(shapes.t, "t_copy")
transpose_copy = _copy_of(shapes.transpose, "transpose_copy")
unsqueeze_copy = _copy_of(shapes.unsqueeze, "unsqueeze_copy")
alias_copy = _copy_of(_alias, "alias_copy")
expand_copy = _copy_of(shapes.expand, "expand_copy")
unfold_copy = _copy_of(shapes.unfold, "unfold_copy")
view_copy = _copy_of(shapes.view, "view_copy")
slice_copy = _copy_of(_slice, "slice_copy")
select_copy = _copy_of(joining.select, "select_copy")
narrow_copy = _copy_of(joining.narrow, "narrow_copy")
split_copy = _copy_of(joining.split_method, "split_copy")
split_with_sizes_copy = _copy_of(joining.split_with_sizes, "split_with_sizes_copy")
unbind_copy = _copy_of(joining.unbind, "unbind_copy")
public("narrow_copy", function=False)(narrow_copy)


@public()
def unsafe_chunk(input, chunks: int, dim: int = 0):
    """As `chunk`, of copies."""
    return _copied(joining.chunk(input, chunks, dim))


@public()
def unsafe_split(input, split_size, dim: int = 0):
    """As `split`, of copies."""
    return _copied(joining.split(input, split_size, dim))


@public()
def unsafe_split_with_sizes(input, split_sizes, dim: int = 0):
    """As `split_with_sizes`, of copies."""
    return _copied(joining.split_with_sizes(input, split_sizes, dim))
