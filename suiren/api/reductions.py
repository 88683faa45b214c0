"""Reductions. Source: https://docs.pytorch.org/docs/stable/torch.html#reduction-ops

`dim` is a dim, several, or None for all; `keepdim` leaves size 1 in their place. IndexError for a dim that is not there.
"""

from __future__ import annotations

import math

from suiren import dtypes
from suiren.api import casting, return_types
from suiren.api.arguments import ALL_DIMS, TYPE_WORDS, check_tensor, dim_of, dims_of
from suiren.api.surface import public
from suiren.dtypes import BOOL, FLOAT, dtype
from suiren.ops import compare, complex, creation, elementary, movement, pointwise, powers, reduce
from suiren.trace.recording import binary, record, record1
from suiren.trace.storage import Stored

_div = binary(pointwise.div)


def _prepared(function: str, input, dtype):
    """The tensor in the dtype that a reduction is asked to work in."""
    if dtype is not None and input._spec.dtype is not dtype:
        return creation.cast(input, dtype=dtype)
    return input


# ---------------------------------------------------------------- sums


@public(out=True)
def sum(input, dim=None, keepdim: bool = False, *, dtype: dtype | None = None):
    """The sum of the elements; whole numbers are summed as int64."""
    check_tensor("sum", input)
    if dtype is not None:
        input = _prepared("sum", input, dtype)
    ndim = input._spec.ndim
    dims = ALL_DIMS[ndim] if dim is None else dims_of(dim, ndim)
    total = record1(reduce.sum, input, (dims, keepdim))
    return creation.cast(total, dtype=dtype) if dtype is not None and total._spec.dtype is not dtype else total


def _count(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    return math.prod([shape[d] for d in dims])


@public(out=True)
def mean(input, dim=None, keepdim: bool = False, *, dtype: dtype | None = None):
    """The average. RuntimeError for integers, unless `dtype` is a floating one."""
    check_tensor("mean", input)
    s = input._spec
    if dtype is not None or s.dtype.category < FLOAT:
        wrong = s.dtype if dtype is None else dtype
        if wrong.category < FLOAT:
            raise RuntimeError(
                f"mean(): could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must be either a floating point or "
                f"complex dtype. Got: {TYPE_WORDS[wrong.name]}"
            )
        input = _prepared("mean", input, dtype)
    if dim is None:
        return _div(record1(reduce.sum, input, (ALL_DIMS[s.ndim], keepdim)), s.numel)
    dims = dims_of(dim, s.ndim)
    return _div(record1(reduce.sum, input, (dims, keepdim)), _count(s.shape, dims))


@public(out=True)
@casting.wide
def prod(input, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None):
    """The product of the elements; whole numbers are multiplied as int64."""
    check_tensor("prod", input)
    input = _prepared("prod", input, dtype)
    found = record(reduce.prod, (input,), (dims_of(dim, input._spec.ndim), keepdim))
    return creation.cast(found, dtype=dtype) if dtype is not None and found._spec.dtype is not dtype else found


@public(out=True)
def nansum(input, dim=None, keepdim: bool = False, *, dtype: dtype | None = None):
    """The sum of the elements that are not NaN."""
    return sum(compare.where(compare.isnan(input), 0, input), dim, keepdim, dtype=dtype)


@public(out=True)
def nanmean(input, dim=None, keepdim: bool = False, *, dtype: dtype | None = None):
    """The average of the elements that are not NaN."""
    present = creation.cast(compare.logical_not(compare.isnan(input)), dtype=input._spec.dtype)
    return pointwise.div(nansum(input, dim, keepdim, dtype=dtype), sum(present, dim, keepdim))


@public(out=True)
def logsumexp(input, dim, keepdim: bool = False):
    """log(sum(exp(input))) without overflow."""
    check_tensor("logsumexp", input)
    if input._spec.dtype.category < FLOAT:
        input = creation.cast(input, dtype=dtypes.get_default_dtype())
    s, dims = input._spec, dims_of(dim, input._spec.ndim)
    if s.dtype in dtypes.NARROW:
        return creation.cast(logsumexp(creation.cast(input, dtype=dtypes.float32), dim, keepdim), dtype=s.dtype)
    if 0 in s.shape and _count(s.shape, dims) == 0:
        return elementary.log(record(reduce.sum, (input,), (dims, keepdim)))
    top = creation.stop_gradient(reduce.amax(complex.real_part(input), dims=dims, keepdim=True))
    top = compare.where(compare.isinf(top), 0, top)  # of an infinite maximum the differences would be NaN
    total = reduce.sum(elementary.exp(pointwise.sub(input, top)), dims=dims, keepdim=True)
    found = pointwise.add(elementary.log(total), top)
    return found if keepdim else _without(found, dims)


def _without(t, dims: tuple[int, ...]):
    """t without these dims, which have size 1."""
    if not t._spec.ndim:
        return t
    return movement.reshape(t, shape=tuple([n for i, n in enumerate(t._spec.shape) if i not in dims]))


# ---------------------------------------------------------------- spread


def _moments(function: str, input, dim, correction, unbiased, keepdim: bool):
    """(variance, mean with the dims kept, dims): two passes, so that a large mean costs no digits."""
    check_tensor(function, input)
    if input._spec.dtype.category < FLOAT:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    correction = 1 if correction is None else correction
    s, dims = input._spec, dims_of(dim, input._spec.ndim)
    if s.dtype in dtypes.NARROW:
        found, average, dims = _moments(function, creation.cast(input, dtype=dtypes.float32), dim, correction, None, keepdim)
        return creation.cast(found, dtype=s.dtype), creation.cast(average, dtype=s.dtype), dims
    n = _count(s.shape, dims)
    if n - correction <= 0:
        import warnings

        warnings.warn(
            f"{function}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel divided by output numel).",
            UserWarning,
            stacklevel=3,
        )
    average = _div(record(reduce.sum, (input,), (dims, True)), n)
    total = record(reduce.sum, (_squares(pointwise.sub(input, average)),), (dims, keepdim))
    return _div(total, n - correction if n > correction else 0), average, dims


@public(out=True)
def var(input, dim=None, unbiased: bool | None = None, keepdim: bool = False, *, correction=None):
    """The variance: the squared distances from the mean, summed and divided by n - correction (1 unless given)."""
    return _moments("var", input, dim, correction, unbiased, keepdim)[0]


@public(out=True)
def std(input, dim=None, unbiased: bool | None = None, keepdim: bool = False, *, correction=None):
    """The standard deviation: the square root of `var`. Its gradient is 0 where it is 0."""
    if isinstance(input, Stored) and input._spec.dtype in dtypes.NARROW:
        return creation.cast(std(creation.cast(input, dtype=dtypes.float32), dim, unbiased, keepdim, correction=correction), dtype=input._spec.dtype)
    return _root(_moments("std", input, dim, correction, unbiased, keepdim)[0])


def _squares(t):
    """The square of each element; of complex ones of their magnitude."""
    if t._spec.dtype.is_complex:
        t = complex.view_as_real(t)
        return reduce.sum(powers.pow_const(t, exponent=2), dims=(t._spec.ndim - 1,), keepdim=False)
    return record(powers.pow_const, (t,), (2,))


def _root(t):
    """sqrt with gradient 0 at 0, where PyTorch's norms and std have it so."""
    zero = compare.eq(t, 0)
    return compare.where(zero, 0, elementary.sqrt(compare.where(zero, 1, t)))


@public()
def var_mean(input, dim=None, unbiased: bool | None = None, keepdim: bool = False, *, correction=None):
    """(variance, mean)."""
    found, average, dims = _moments("var_mean", input, dim, correction, unbiased, keepdim)
    return found, average if keepdim else _without(average, dims)


@public()
def std_mean(input, dim=None, unbiased: bool | None = None, keepdim: bool = False, *, correction=None):
    """(standard deviation, mean)."""
    found, average, dims = _moments("std_mean", input, dim, correction, unbiased, keepdim)
    return _root(found), average if keepdim else _without(average, dims)


# ---------------------------------------------------------------- the largest and the smallest


def _not_empty(function: str, input, dims: tuple[int, ...]) -> None:
    for d in dims:
        if input._spec.shape[d] == 0:
            raise IndexError(f"{function}(): Expected reduction dim {d} to have non-zero size.")


def _extreme(function: str, input, dim, keepdim, whole, with_index, of_two):
    check_tensor(function, input)
    s = input._spec
    if dim is None:
        if not s.numel:
            raise RuntimeError(
                f"{function}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
            )
        return record1(whole, input, (ALL_DIMS[s.ndim], keepdim))
    if isinstance(dim, Stored):
        return of_two(input, dim)
    dims = (dim_of(dim, s.ndim),) if s.ndim else dims_of(dim, 0)
    _not_empty(function, input, dims)
    return getattr(return_types, function)(*record(with_index, (input,), (dims, keepdim)))


@public(out=True)
def max(input, dim=None, keepdim: bool = False, *, other=None):
    """The largest element; along a dim, (values, indices); of two tensors, the larger elements. NaN counts as the largest.

    IndexError or RuntimeError where there is none. Equal elements: all share the gradient, or, along a dim, the first one gets it.
    """
    dim = other if other is not None else dim
    return _extreme("max", input, dim, keepdim, reduce.amax, reduce.max_with_index, pointwise.maximum)


@public(out=True)
def min(input, dim=None, keepdim: bool = False, *, other=None):
    """The smallest element; along a dim, (values, indices); of two tensors, the smaller elements. NaN counts as the smallest."""
    dim = other if other is not None else dim
    return _extreme("min", input, dim, keepdim, reduce.amin, reduce.min_with_index, pointwise.minimum)


def _along(function: str, op, input, dim, keepdim):
    check_tensor(function, input)
    dims = dims_of(dim, input._spec.ndim)
    _not_empty(function, input, dims)
    return record(op, (input,), (dims, keepdim))


@public(out=True)
def amax(input, dim=(), keepdim: bool = False):
    """The largest element along dims; equal ones share the gradient."""
    return _along("amax", reduce.amax, input, dim, keepdim)


@public(out=True)
def amin(input, dim=(), keepdim: bool = False):
    """The smallest element along dims; equal ones share the gradient."""
    return _along("amin", reduce.amin, input, dim, keepdim)


@public(out=True)
def aminmax(input, *, dim: int | None = None, keepdim: bool = False):
    """(smallest, largest)."""
    return return_types.aminmax(_along("aminmax", reduce.amin, input, dim, keepdim), _along("aminmax", reduce.amax, input, dim, keepdim))


def _place(function: str, op, input, dim, keepdim):
    check_tensor(function, input)
    s = input._spec
    if s.dtype.category == BOOL:
        raise RuntimeError(f"{function}(): does not support bool input")
    if dim is None:
        if not s.numel:
            raise IndexError(f"{function}(): Expected reduction dim to be specified for input.numel() == 0.")
        return record1(op, input, (ALL_DIMS[s.ndim], keepdim))
    dims = dims_of(dim, s.ndim)
    _not_empty(function, input, dims)
    return record1(op, input, (dims, keepdim))


@public(out=True)
def argmax(input, dim: int | None = None, keepdim: bool = False):
    """The index of the largest element, the first of equal ones: in the flattened tensor, or along a dim."""
    return _place("argmax", reduce.argmax, input, dim, keepdim)


@public(out=True)
def argmin(input, dim: int | None = None, keepdim: bool = False):
    """The index of the smallest element, the first of equal ones: in the flattened tensor, or along a dim."""
    return _place("argmin", reduce.argmin, input, dim, keepdim)


# ---------------------------------------------------------------- truth


def _truth(function: str, op, input, dim, keepdim):
    check_tensor(function, input)
    found = record1(op, input, (dims_of(dim, input._spec.ndim), keepdim))
    return creation.cast(found, dtype=dtypes.uint8) if input._spec.dtype is dtypes.uint8 else found


@public(out=True)
def any(input, dim=None, keepdim: bool = False):
    """Whether any element is true (not 0)."""
    return _truth("any", reduce.any, input, dim, keepdim)


@public(out=True)
def all(input, dim=None, keepdim: bool = False):
    """Whether all elements are true (not 0)."""
    return _truth("all", reduce.all, input, dim, keepdim)


# ---------------------------------------------------------------- norms


def vector_norm(input, p: float = 2.0, dims: tuple[int, ...] = (), keepdim: bool = False):
    """The p-norm of the elements along `dims` (canonical). Its gradient at 0 is 0."""
    if p == 2:
        return _root(record(reduce.sum, (_squares(input),), (dims, keepdim)))
    size = pointwise.abs(input)
    if p == math.inf or p == -math.inf:
        return record(reduce.amax if p > 0 else reduce.amin, (size,), (dims, keepdim))
    if p == 1:
        return record(reduce.sum, (size,), (dims, keepdim))
    if p == 0:
        present = compare.where(compare.ne(input, 0), 1, pointwise.sign(size))  # a step function: its gradient is 0
        return record(reduce.sum, (present,), (dims, keepdim))
    zero = compare.eq(size, 0)
    power = compare.where(zero, 0 if p > 0 else math.inf, powers.pow(compare.where(zero, 1, size), p))
    total = record(reduce.sum, (power,), (dims, keepdim))
    none = compare.eq(total, 0)
    return compare.where(none, 0, powers.pow(compare.where(none, 1, total), 1 / p))


@public(out=True)
def norm(input, p="fro", dim=None, keepdim: bool = False, dtype: dtype | None = None):
    """The norm of the elements: Euclidean for "fro" and 2, the largest magnitude for inf, how many are not 0 for 0, the p-norm else."""
    check_tensor("norm", input)
    input = _prepared("norm", input, dtype)
    if input._spec.dtype.category < FLOAT:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + TYPE_WORDS[input._spec.dtype.name]
        )
    if p == "nuc":
        from suiren.api.linalg_norms import matrix_norm

        return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)
    return vector_norm(input, 2.0 if p == "fro" or p is None else float(p), dims_of(dim, input._spec.ndim), keepdim)


@public()
def dist(input, other, p: float = 2):
    """The p-norm of input - other."""
    gap = pointwise.sub(input, other)
    return vector_norm(gap, float(p), ALL_DIMS[gap._spec.ndim])
