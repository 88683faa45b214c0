"""Quantiles, modes, histograms, covariance, numerical gradients. Source: https://docs.pytorch.org/docs/stable/torch.html#reduction-ops"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.api import casting, return_types
from suiren.api.arguments import check_tensor, dim_of, is_number
from suiren.api.shapes import part, reshaped
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import combining, compare, creation, indexing, movement, pointwise, reduce, scan_sort
from suiren.tensor import Tensor
from suiren.trace.recording import record
from suiren.trace.storage import Stored

# ---------------------------------------------------------------- places in order

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(function: str, input, q, dim, keepdim: bool, interpolation: str, ignore_nan: bool):
    check_tensor(function, input)
    s = input._spec
    if not s.numel:
        raise RuntimeError(f"{function}() input tensor must be non-empty")
    if s.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(f"{function}() input tensor must be either float or double dtype")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(f"{function}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}")
    if isinstance(q, Stored):
        if q._spec.ndim > 1:
            raise RuntimeError(f"{function}() q must be a scalar or 1D tensor")
        if q._spec.dtype is not s.dtype:
            raise RuntimeError(f"{function}() q tensor must be same dtype as the input tensor")
        wanted = q.detach().numpy()
        if ((wanted < 0) | (wanted > 1)).any():
            raise RuntimeError(f"{function}() q values must be in the range [0, 1]")
    else:
        if not 0 <= q <= 1:
            raise RuntimeError(f"{function}() q must be in the range [0, 1] but got {q:g}")
        q = record(creation.full, (float(q),), ((), s.dtype))
    # the values in order along a last dim
    if dim is None:
        x, kept = reshaped(input, (1, s.numel)), (1,) * s.ndim
        left = ()
    else:
        d = dim_of(dim, s.ndim)
        rows = input if s.ndim else reshaped(input, (1,))
        order = (*(i for i in range(rows._spec.ndim) if i != d), d)
        left = tuple(rows._spec.shape[i] for i in order[:-1]) if s.ndim else ()
        moved = record(movement.permute, (rows,), (order,))
        x, kept = reshaped(moved, (-1 if rows._spec.numel else 0, rows._spec.shape[d])), tuple(1 if i == d else n for i, n in enumerate(s.shape))
    values, _ = record(scan_sort.sort, (x,), (1, False))
    n = x._spec.shape[1]
    column = reshaped(q, (1, q._spec.numel))
    if ignore_nan:
        present = reduce.sum(compare.logical_not(compare.isnan(values)), dims=(1,), keepdim=True)
        last = creation.cast(pointwise.maximum(pointwise.sub(present, 1), 0), dtype=s.dtype)
        ranks = pointwise.mul(column, last)
    else:  # NaN sorts last: a row with one gives it whatever is asked for
        ranks = compare.where(compare.isnan(part(values, 1, n - 1, 1)), n - 1, pointwise.mul(column, n - 1))
    rounding = {"lower": pointwise.floor, "higher": pointwise.ceil, "nearest": pointwise.round}.get(interpolation)
    if rounding is not None:
        found = indexing.gather(values, _whole(rounding(ranks)), dim=1)
    else:
        below = pointwise.floor(ranks)
        low, high = indexing.gather(values, _whole(below), dim=1), indexing.gather(values, _whole(pointwise.ceil(ranks)), dim=1)
        weight = creation.constant(value=0.5, shape=(), dtype=s.dtype) if interpolation == "midpoint" else pointwise.sub(ranks, below)
        from suiren.api.pointwise import lerp

        found = lerp(low, high, weight)
    found = movement.permute(found, dims=(1, 0))  # (q, rows)
    shape = kept if keepdim else left
    return reshaped(found, shape if not q._spec.ndim else (q._spec.numel, *shape))


def _whole(ranks):
    return creation.cast(ranks, dtype=dtypes.int64)


@public(out=True)
@casting.wide
def quantile(input, q, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"):
    """The q-quantiles (a number or a 1-dim tensor in [0, 1]) of all elements or along a dim, those of several q along a new first dim.

    RuntimeError for integers, for an empty tensor and for another `interpolation`.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@public(out=True)
@casting.wide
def nanquantile(input, q, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"):
    """As `quantile`, of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


@public(out=True)
def nanmedian(input, dim: int | None = None, keepdim: bool = False):
    """The middle one of the elements that are not NaN, the lower one of two; along a dim, (values, indices)."""
    check_tensor("nanmedian", input)
    s = input._spec
    if dim is None:
        if not s.numel:
            return creation.full(float("nan"), shape=(), dtype=s.dtype)
        return _nanmedian(reshaped(input, (s.numel,)), 0, False)[0]
    d = dim_of(dim, s.ndim)
    if not s.ndim:
        return return_types.nanmedian(record(creation.copy, (input,), ()), creation.zeros((), dtypes.int64))
    return return_types.nanmedian(*_nanmedian(input, d, keepdim))


def _nanmedian(x, d: int, keepdim: bool):
    values, indices = record(scan_sort.sort, (x,), (d, False))
    present = reduce.sum(compare.logical_not(compare.isnan(x)), dims=(d,), keepdim=True)
    middle = pointwise.maximum(pointwise.floor_divide(pointwise.sub(present, 1), 2), 0)
    found = indexing.gather(values, middle, dim=d), indexing.gather(indices, middle, dim=d)
    if keepdim:
        return found
    shape = x._spec.shape[:d] + x._spec.shape[d + 1 :]
    return tuple(movement.reshape(t, shape=shape) for t in found)


@public(out=True)
def mode(input, dim: int = -1, keepdim: bool = False):
    """(the most frequent value along a dim, its index); the smallest of equally frequent ones, where it comes last."""
    check_tensor("mode", input)
    d = dim_of(dim, input._spec.ndim)
    if not input._spec.ndim:
        return return_types.mode(record(creation.copy, (input,), ()), creation.zeros((), dtypes.int64))
    shape = input._spec.shape
    if not shape[d]:
        raise IndexError(f"mode(): Expected reduction dim {d} to have non-zero size.")
    index = record(combining.mode_place, (input,), (d,))
    kept = movement.reshape(index, shape=(*shape[:d], 1, *shape[d + 1 :]))
    value = indexing.gather(input, kept, dim=d)
    if keepdim:
        return return_types.mode(value, kept)
    return return_types.mode(movement.reshape(value, shape=index._spec.shape), index)


# ---------------------------------------------------------------- histograms


def _float_input(function: str, input) -> np.ndarray:
    check_tensor(function, input)
    if input._spec.dtype not in (dtypes.float32, dtypes.float64):
        word = {"int64": "Long", "int32": "Int", "bool": "Bool"}.get(input._spec.dtype.name, input._spec.dtype.name)
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{word}'")
    return input.detach().numpy()


def _edges(function: str, bins, a: np.ndarray, span) -> np.ndarray:
    """The edges of the bins of one dim, in the dtype of the data."""
    if isinstance(bins, Stored):
        return bins.detach().numpy().astype(a.dtype)
    if bins <= 0:
        raise RuntimeError(f"torch.{function}(): bins must be > 0, but got {bins} for dimension 0")
    low, high = span if span is not None else (a.min(), a.max()) if a.size else (0.0, 0.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"torch.{function}: dimension 0's range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.{function}: min should not exceed max, but got min {low:g} max {high:g} for dimension 0")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1).astype(a.dtype)


def _counted(rows: np.ndarray, edges: list[np.ndarray], weight, density: bool) -> np.ndarray:
    """The histogram of points (one a row) over a grid; the last bin of a dim includes its right edge."""
    inside = np.ones(len(rows), bool)
    places = []
    for column, e in zip(rows.T, edges):
        at = np.searchsorted(e, column, "right") - 1
        at = np.where(column == e[-1], len(e) - 2, at)
        inside &= (column >= e[0]) & (column <= e[-1])
        places.append(np.clip(at, 0, len(e) - 2))
    shape = tuple(len(e) - 1 for e in edges)
    flat = np.ravel_multi_index(tuple(p[inside] for p in places), shape) if len(rows) else np.zeros(0, np.int64)
    counts = np.bincount(flat, None if weight is None else weight[inside], int(np.prod(shape))).reshape(shape).astype(rows.dtype)
    if density:
        volume = np.ones((), rows.dtype)
        for e in edges:
            volume = np.multiply.outer(volume, np.diff(e))
        with np.errstate(all="ignore"):
            counts = counts / (counts.sum() * volume)
    return counts.astype(rows.dtype)


@public(out=True)
def histogram(input, bins, *, range=None, weight=None, density: bool = False):
    """(counts, edges) over `bins` equal bins of `range` (or of the data's), or between the edges of a tensor. Runs what is pending.

    `weight`: what each element counts; `density`: scaled so that the integral is 1. NotImplementedError for integers.
    """
    a = _float_input("histogram", input).reshape(-1)
    edges = _edges("histogram", bins, a, range)
    w = None if weight is None else weight.detach().numpy().reshape(-1)
    found = _counted(a[:, None], [edges], w, density)
    return return_types.histogram(Tensor.from_array(found, copy=True), Tensor.from_array(edges, copy=True))


@public()
def histogramdd(input, bins, *, range=None, weight=None, density: bool = False):
    """(counts, edges of each dim) of points, which are the last dim of `input`: see `histogram`."""
    a = _float_input("histogramdd", input)
    if a.ndim < 2:
        raise RuntimeError(f"torch.histogramdd: input tensor should have at least 2 dimensions, but got {a.ndim}")
    rows = a.reshape(-1, a.shape[-1])
    bins = [bins] * rows.shape[1] if isinstance(bins, int) else list(bins)
    if len(bins) != rows.shape[1]:
        raise RuntimeError(f"torch.histogramdd: expected {rows.shape[1]} sequences of bin edges for a {rows.shape[1]}-dimensional histogram but got {len(bins)}")
    spans = [None] * len(bins) if range is None else [tuple(range[2 * i : 2 * i + 2]) for i, _ in enumerate(bins)]
    edges = [_edges("histogramdd", b, column, span) for b, column, span in zip(bins, rows.T, spans)]
    w = None if weight is None else weight.detach().numpy().reshape(-1)
    found = Tensor.from_array(np.ascontiguousarray(_counted(rows, edges, w, density)), copy=True)
    return return_types.histogramdd(found, tuple(Tensor.from_array(e, copy=True) for e in edges))


# ---------------------------------------------------------------- covariance


@public()
def cov(input, *, correction: int = 1, fweights=None, aweights=None):
    """The covariance of the rows; `correction` is taken off the number of columns, which integer `fweights` repeat and `aweights` weigh."""
    from suiren.api.complex import conj
    from suiren.api.linalg import matmul

    check_tensor("cov", input)
    s = input._spec
    if s.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {s.ndim} dimensions")
    if s.dtype is dtypes.bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input if s.ndim == 2 else reshaped(input, (1, s.numel))
    n = x._spec.shape[1]
    w = None
    if fweights is not None:
        if fweights._spec.dtype.category >= FLOAT:
            raise RuntimeError(f"cov(): expected fweights to have integral dtype but got fweights with {fweights._spec.dtype.name} dtype")
        if fweights._spec.numel != n:
            raise RuntimeError(f"cov(): expected fweights to have the same numel as there are observations in the input but got {fweights._spec.numel} != {n}")
        w = fweights
    if aweights is not None:
        if aweights._spec.numel != n:
            raise RuntimeError(f"cov(): expected aweights to have the same numel as there are observations in the input but got {aweights._spec.numel} != {n}")
        w = aweights if w is None else pointwise.mul(w, aweights)
    total = n if w is None else reduce.sum(w, dims=tuple(range_of(w)), keepdim=False)
    weighted = x if w is None else pointwise.mul(x, w)
    average = pointwise.div(reduce.sum(weighted, dims=(1,), keepdim=True), total)
    if w is None:
        factor = n - correction
    elif correction == 0 or aweights is None:
        factor = pointwise.sub(total, correction)
    else:
        repeated = reduce.sum(pointwise.mul(w, aweights), dims=tuple(range_of(w)), keepdim=False)
        factor = pointwise.sub(total, pointwise.mul(pointwise.div(repeated, total), correction))
    factor = max(factor, 0) if is_number(factor) else pointwise.maximum(factor, 0)
    centred = pointwise.sub(x, average)
    right = record(movement.permute, (centred if w is None else pointwise.mul(centred, w),), ((1, 0),))
    if right._spec.dtype is not centred._spec.dtype:
        right = creation.cast(right, dtype=centred._spec.dtype)
    found = pointwise.div(matmul(centred, conj(right)), factor)
    return found if s.ndim == 2 and found._spec.numel != 1 else reshaped(found, ())


def range_of(x):
    return range(x._spec.ndim)


@public()
def corrcoef(input):
    """The correlation coefficients of the rows, in [-1, 1]."""
    from suiren.api.complex import real
    from suiren.api.pointwise import sqrt
    from suiren.ops.complex import complex, imag

    if input._spec.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input._spec.ndim} dimensions")
    c = cov(input)
    if not c._spec.ndim:
        return pointwise.div(c, c)
    spread = sqrt(real(record(movement.diagonal, (c,), (0, 0, 1))))
    n = c._spec.shape[0]
    c = pointwise.div(pointwise.div(c, movement.reshape(spread, shape=(n, 1))), spread)
    if c._spec.dtype.is_complex:
        return complex(*(pointwise.clamp(x, -1, 1) for x in (real(c), imag(c))))
    return pointwise.clamp(c, -1, 1)


# ---------------------------------------------------------------- numerical gradients


@public(method=False)
def gradient(input, *, spacing=None, dim=None, edge_order: int = 1):
    """Central differences along dims, at the ends one-sided ones of `edge_order` 1 or 2; a tensor per dim.

    `spacing`: one number, one number per dim, or coordinates (a 1-dim tensor) per dim.
    """
    check_tensor("gradient", input)
    ndim = input._spec.ndim
    dims = list(range(ndim)) if dim is None else [dim_of(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if spacing is None:
        spacings = [1.0] * len(dims)
    elif is_number(spacing):
        spacings = [spacing] * len(dims)
    else:
        spacings = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing]
    if len(spacings) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar or a list of length {len(dims)}, but got a list of length {len(spacings)}"
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if input._spec.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple(_differences(input, d, h, edge_order) for d, h in zip(dims, spacings))


def _differences(x, d: int, spacing, edge_order: int):
    from suiren.api.joining import cat

    n = x._spec.shape[d]
    if is_number(spacing):
        steps = None
        before = after = spacing
    else:
        if spacing._spec.shape != (n,):
            raise RuntimeError("torch.gradient expected each element of spacing to have the size of its dim")
        shape = (n - 1, *(1,) * (x._spec.ndim - d - 1))
        steps = movement.reshape(pointwise.sub(part(spacing, 0, 1, n - 1), part(spacing, 0, 0, n - 1)), shape=shape)
        before, after = part(steps, 0, 0, n - 2), part(steps, 0, 1, n - 2)
    at = lambda i, size: part(x, d, i, size)
    step = lambda i: spacing if steps is None else part(steps, 0, i, 1)
    if steps is None:
        inner = pointwise.div(pointwise.sub(at(2, n - 2), at(0, n - 2)), 2 * spacing)
    else:  # second order on a grid of uneven steps a and b: (a² f(+b) + (b² - a²) f(0) - b² f(-a)) / (a b (a + b))
        a, b = before, after
        total = pointwise.add(a, b)
        low = pointwise.div(pointwise.neg(b), pointwise.mul(a, total))
        mid = pointwise.div(pointwise.sub(b, a), pointwise.mul(a, b))
        high = pointwise.div(a, pointwise.mul(b, total))
        inner = pointwise.add(pointwise.add(pointwise.mul(low, at(0, n - 2)), pointwise.mul(mid, at(1, n - 2))), pointwise.mul(high, at(2, n - 2)))
    if edge_order == 1:
        first = pointwise.div(pointwise.sub(at(1, 1), at(0, 1)), step(0))
        last = pointwise.div(pointwise.sub(at(n - 1, 1), at(n - 2, 1)), step(n - 2))
    else:
        first = _one_sided(at(0, 1), at(1, 1), at(2, 1), step(0), step(1))
        last = pointwise.neg(_one_sided(at(n - 1, 1), at(n - 2, 1), at(n - 3, 1), step(n - 2), step(n - 3)))
    return cat([first, inner, last], d)


def _one_sided(f0, f1, f2, a, b):
    """The derivative at f0 towards f1 and f2, at distances a and a + b: second order."""
    number = is_number(a)
    add = (lambda x, y: x + y) if number else pointwise.add
    mul = (lambda x, y: x * y) if number else pointwise.mul
    div = (lambda x, y: x / y) if number else pointwise.div
    total = add(a, b)
    c0 = div(add(a, total), mul(a, total))
    c1 = div(total, mul(a, b))
    c2 = div(a, mul(b, total))
    return pointwise.sub(pointwise.sub(pointwise.mul(f1, c1), pointwise.mul(f0, c0)), pointwise.mul(f2, c2))
