"""Tensors made from data, from numbers or from nothing. Source: https://docs.pytorch.org/docs/stable/torch.html#creation-ops

`dtype` is the default float dtype unless data or numbers say otherwise; `device` may only be the CPU (RuntimeError).
"""

from __future__ import annotations

import math

import numpy as np

from suiren import dtypes
from suiren.api.arguments import TYPE_WORDS, fitting, integer, shape_of
from suiren.api.surface import fill as fill_out
from suiren.api.surface import public
from suiren.device import check_device
from suiren.dtypes import BOOL, COMPLEX, FLOAT, INTEGER, OF_CLASS, dtype, iinfo
from suiren.formats import check_layout, order_like, order_of
from suiren.ops import compare, creation, movement, pointwise
from suiren.runtime.buffers import Buffer
from suiren.tensor import Tensor
from suiren.trace.recording import record, record0
from suiren.trace.spec import spec
from suiren.trace.storage import Stored, adopt
from suiren.trace.views import write
from suiren.warned import warn

# ---------------------------------------------------------------- from data


@np.errstate(all="ignore")  # what is too large becomes an infinity
def _array_of(data, dtype: dtype | None) -> np.ndarray:
    """An array of nested lists, numbers, arrays or tensors. Python floats get the default dtype, ints int64."""
    dtype = OF_CLASS.get(dtype, dtype)
    if isinstance(data, (np.ndarray, np.generic)):
        return np.asarray(data, dtype.np if dtype is not None else None)
    plain = _without_tensors(data)
    _check_rectangular(plain)
    try:
        found = np.array(plain, np.uint64 if dtype is dtypes.uint64 else None)  # NumPy would take large and small ones together for floats
    except OverflowError:
        raise OverflowError("can't convert negative int to unsigned") from None
    except ValueError as error:
        raise ValueError(f"expected sequence of equal length at every dim: {error}") from None
    if found.dtype.kind in "OUSV":
        if dtype is not None and dtype.category >= FLOAT and found.dtype.kind == "O":
            try:
                return np.array(plain, np.complex128 if dtype.category == COMPLEX else np.float64).astype(dtype.np)  # integers of more than 64 bits
            except (TypeError, ValueError):
                pass
        culprit = next((x for x in np.array(plain, object).reshape(-1) if not isinstance(x, (bool, int, float, complex, np.generic))), 0)
        if culprit.__class__ is int:  # numbers, but integers of more than 64 bits
            raise ValueError("Overflow when unpacking long long")
        if isinstance(culprit, str):
            raise TypeError("new(): invalid data type 'str'")
        raise RuntimeError(f"Could not infer dtype of {type(culprit).__name__}")
    if dtype is not None:
        return _converted(found, dtype) if dtype.np != found.dtype else found
    if found.size == 0 or found.dtype.kind == "f" and not _of_numpy(plain):
        return found.astype(dtypes.get_default_dtype().np)
    if found.dtype.kind == "c":
        return found.astype(dtypes.get_default_dtype().to_complex().np)
    if found.dtype == np.uint64:
        raise ValueError("Overflow when unpacking long long")
    return found


def _converted(numbers: np.ndarray, d: dtype) -> np.ndarray:
    """Numbers of a list in a dtype. TypeError for complex ones where it is not complex, RuntimeError for ones that a whole dtype cannot hold."""
    if numbers.dtype.kind == "c" and d.category != COMPLEX:
        if d.category == BOOL:
            return numbers.astype(d.np)
        raise TypeError("must be real number, not complex")
    if d.category == INTEGER and numbers.dtype.kind in "iuf" and numbers.size:
        limits, whole = iinfo(d), np.trunc(numbers) if numbers.dtype.kind == "f" else numbers
        low = limits.min if d.is_signed else -limits.max  # a negative number wraps round in an unsigned dtype
        if not (whole.min() >= low and whole.max() <= limits.max):  # a NaN is neither
            raise RuntimeError(f"value cannot be converted to type {d.name} without overflow")
    return numbers.astype(d.np)


def _of_numpy(data) -> bool:
    """Whether the numbers in nested lists are NumPy's, which keep their dtype."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def _without_tensors(data):
    if isinstance(data, Stored):
        return data.detach().numpy() if data._spec.ndim else data.item()
    if isinstance(data, (list, tuple)):
        return [_without_tensors(x) for x in data]
    if isinstance(data, range):
        return list(data)
    return data


def _check_rectangular(data) -> None:
    """ValueError, PyTorch's, for nested lists of different lengths."""
    level, depth = data, 0
    while isinstance(level, list) and level and isinstance(level[0], list):
        want = len(level[0])
        for x in level:
            if not isinstance(x, list):
                raise TypeError("not a sequence")
            if len(x) != want:
                raise ValueError(f"expected sequence of length {want} at dim {depth + 1} (got {len(x)})")
        level, depth = [y for x in level for y in x], depth + 1


@public(method=False)
def tensor(data, *, dtype: dtype | None = None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """A tensor of a copy of `data`: a number, nested lists, an array, a tensor. Floats become the default dtype, ints int64."""
    check_device(device)
    dtype = OF_CLASS.get(dtype, dtype)
    if isinstance(data, Stored):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        found = data.detach()
        found = found.to(dtype) if dtype is not None and dtype is not found.dtype else found.clone()
        return found.requires_grad_(requires_grad)
    return _leaf(Tensor.from_array(_array_of(data, dtype), copy=True), requires_grad)


def _leaf(t, requires_grad: bool):
    return t.requires_grad_() if requires_grad else t


@public(method=False)
def as_tensor(data, dtype: dtype | None = None, device=None):
    """`data` as a tensor, without a copy where that can be: a tensor or an array of the right dtype shares its memory."""
    check_device(device)
    if isinstance(data, Stored):
        return data if dtype is None or data._spec.dtype is dtype else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or dtype.np == data.dtype):
        return Tensor.from_array(data)
    return tensor(data, dtype=dtype)


@public("asarray", method=False)
def asarray(obj, *, dtype: dtype | None = None, device=None, copy: bool | None = None, requires_grad: bool = False):
    """`obj` as a tensor, copied if `copy`, shared where that can be otherwise. ValueError if it cannot and `copy` is False."""
    shared = as_tensor(obj, dtype, device)
    if copy:
        shared = shared.clone()
    elif copy is False and not isinstance(obj, (Stored, np.ndarray)):
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    return _leaf(shared, requires_grad)


@public(method=False)
def from_numpy(ndarray):
    """A tensor over the memory of an array: a change of one is seen in the other. TypeError for anything else, and for dtypes that tensors lack."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return Tensor.from_array(ndarray)


@public(method=False)
def frombuffer(buffer, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False):
    """A 1-dim tensor over the memory of an object with Python's buffer protocol."""
    return _leaf(Tensor.from_array(np.frombuffer(buffer, dtype.np, count, offset)), requires_grad)


@public(method=False)
def scalar_tensor(s, *, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """A 0-dim tensor of a number."""
    return tensor(s, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad)


def legacy_constructor(cls, *args, device=None):
    """``Tensor(2, 3)``, uninitialised; ``Tensor([1, 2])``, of data; of the default float dtype both. Of a tensor, its memory, whatever the dtype."""
    if len(args) == 1 and isinstance(args[0], Stored):
        return args[0].detach()
    return typed_constructor(cls, dtypes.get_default_dtype(), args, device)


def typed_constructor(cls, d: dtype, args: tuple, device=None):
    """``FloatTensor(2, 3)``, uninitialised; ``FloatTensor([1, 2])``, of data. TypeError for a tensor of another dtype."""
    check_device(device)
    if len(args) == 1 and isinstance(args[0], Stored):
        if args[0]._spec.dtype is not d:
            raise TypeError(f"expected a tensor of {d} (got {args[0].type()})")
        return args[0].detach()
    if len(args) == 1 and isinstance(args[0], (float, complex, str)):
        raise TypeError(f"new(): data must be a sequence (got {type(args[0]).__name__})")
    if len(args) == 1 and not isinstance(args[0], int) and not hasattr(args[0], "numel"):
        return cls.from_array(_array_of(args[0], d), copy=True)
    return uninitialised(shape_of("empty", args) if args else (0,), d)


# ---------------------------------------------------------------- filled


def uninitialised(shape: tuple[int, ...], d: dtype, order: tuple[int, ...] | None = None):
    """A tensor over memory as it comes; with `order`, its dims lie in memory in that order, outermost first."""
    if order is not None:
        inner = uninitialised(tuple(shape[i] for i in order), d)
        return movement.permute(inner, dims=tuple(order.index(i) for i in range(len(shape))))
    s = spec(shape, OF_CLASS.get(d, d))
    return adopt(Tensor, Buffer(s.nbytes), s)


@public(method=False)
def empty(
    *args, size=None, out=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False, memory_format=None
):
    """Memory as it comes: shape from `size`, values undefined."""
    check_device(device)
    check_layout(layout)
    shape = shape_of("empty", args if size is None else (size,))
    if out is not None:
        return _into(out, _constant(0, shape, out._spec.dtype, False), dtype)
    return _leaf(uninitialised(shape, dtype or dtypes.get_default_dtype(), order_of(memory_format, len(shape))), requires_grad)


def _into(out, value, dtype):
    """`out`, with the values. RuntimeError for a dtype that is not that of `out`."""
    dtype = OF_CLASS.get(dtype, dtype)
    if dtype is not None and dtype is not out._spec.dtype:
        raise RuntimeError(f"dtype {TYPE_WORDS[dtype.name]} does not match dtype of out parameter ({TYPE_WORDS[out._spec.dtype.name]})")
    return fill_out(out, value)


def _constant(value, shape: tuple[int, ...], d: dtype, requires_grad: bool):
    return _leaf(record(creation.constant, (), (value, shape, OF_CLASS.get(d, d))), requires_grad)


@public(method=False)
def zeros(*args, size=None, out=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Zeros of a shape."""
    if device is not None:
        check_device(device)
    shape = shape_of("zeros", args if size is None else (size,))
    if out is not None:
        return _into(out, _constant(0, shape, out._spec.dtype, False), dtype)
    return _constant(0, shape, dtype or dtypes.get_default_dtype(), requires_grad)


@public(method=False)
def ones(*args, size=None, out=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Ones of a shape."""
    if device is not None:
        check_device(device)
    shape = shape_of("ones", args if size is None else (size,))
    if out is not None:
        return _into(out, _constant(1, shape, out._spec.dtype, False), dtype)
    return _constant(1, shape, dtype or dtypes.get_default_dtype(), requires_grad)


def _filled(value, shape: tuple[int, ...], d: dtype, requires_grad: bool):
    if isinstance(value, Stored) and value._spec.ndim:
        raise RuntimeError(f"full(): fill value must be a scalar, got a tensor of shape {list(value._spec.shape)}")
    d = OF_CLASS.get(d, d)
    value = fitting(value, d)
    return _leaf(record(creation.full, (value,), (shape, d)), requires_grad)


@public(method=False)
def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """One number everywhere; its dtype follows from the number: bool, int64, or the default float dtype."""
    check_device(device)
    shape = shape_of("full", (size,) if isinstance(size, int) else tuple(size))
    if out is not None:
        return _into(out, _filled(fill_value, shape, out._spec.dtype, False), dtype)
    if dtype is None:
        dtype = fill_value._spec.dtype if isinstance(fill_value, Stored) else dtypes.of_number(int if isinstance(fill_value, np.integer) else type(fill_value))
    return _filled(fill_value, shape, dtype, requires_grad)


@public(method=False)
def empty_like(input, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False, memory_format=None):
    """Memory as it comes, with the shape and dtype of `input`."""
    return _leaf(uninitialised(input._spec.shape, dtype or input._spec.dtype, order_like(input, memory_format)), requires_grad)


@public(method=False)
def zeros_like(input, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False, memory_format=None):
    """Zeros with the shape and dtype of `input`."""
    found = _constant(0, input._spec.shape, dtype or input._spec.dtype, False)
    return _leaf(found if memory_format is None else found.contiguous(memory_format=memory_format), requires_grad)


@public(method=False)
def ones_like(input, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False, memory_format=None):
    """Ones with the shape and dtype of `input`."""
    found = _constant(1, input._spec.shape, dtype or input._spec.dtype, False)
    return _leaf(found if memory_format is None else found.contiguous(memory_format=memory_format), requires_grad)


@public(method=False)
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False, memory_format=None):
    """One number everywhere, with the shape and dtype of `input`."""
    found = _filled(fill_value, input._spec.shape, dtype or input._spec.dtype, False)
    return _leaf(found if memory_format is None else found.contiguous(memory_format=memory_format), requires_grad)


@public(function=False)
def new_tensor(self, data, *, dtype=None, device=None, requires_grad: bool = False):
    """A tensor of a copy of `data`, of this tensor's dtype unless another is given."""
    return tensor(data, dtype=dtype or self._spec.dtype, device=device, requires_grad=requires_grad)


@public(function=False)
def new_empty(self, *args, size=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Memory as it comes, of this tensor's dtype."""
    return empty(*args, size=size, dtype=dtype or self._spec.dtype, device=device, requires_grad=requires_grad)


@public(function=False)
def new_zeros(self, *args, size=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Zeros, of this tensor's dtype."""
    return zeros(*args, size=size, dtype=dtype or self._spec.dtype, device=device, requires_grad=requires_grad)


@public(function=False)
def new_ones(self, *args, size=None, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Ones, of this tensor's dtype."""
    return ones(*args, size=size, dtype=dtype or self._spec.dtype, device=device, requires_grad=requires_grad)


@public(function=False)
def new_full(self, size, fill_value, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """One number everywhere, of this tensor's dtype."""
    return full(size, fill_value, dtype=dtype or self._spec.dtype, device=device, requires_grad=requires_grad)


# ---------------------------------------------------------------- sequences


@public(method=False, out=True)
def arange(start, end=None, step=1, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """start, start + step, … below `end` (0 … below `start` if there is no end). RuntimeError if step is 0 or leads away from the end."""
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, (Stored, np.generic)) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = all(isinstance(x, int) for x in (start, end, step))
    if dtype is None:
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    place = record(creation.iota, (), (count,))
    if dtype.category >= FLOAT:
        # in float64 as PyTorch's accumulation type, then rounded once
        place = pointwise.add(pointwise.mul(creation.cast(place, dtype=dtypes.float64), step), start)
    elif whole:
        place = place if step == 1 else pointwise.mul(place, step)
        place = place if start == 0 else pointwise.add(place, start)
    else:
        place = pointwise.add(pointwise.mul(place, int(step)), int(start))
    return _leaf(place if place._spec.dtype is dtype else creation.cast(place, dtype=dtype), requires_grad)


@public("range", method=False, out=True)
def range_with_end(start, end, step=1, *, dtype=None, layout=None, device=None, requires_grad: bool = False):
    """As arange, but float and with `end` included."""
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's range builtin. Instead, use "
        "torch.arange, which produces values in [start, end)."
    )
    return arange(start, end + step / 2 if step else end, step, dtype=dtype or dtypes.get_default_dtype(), requires_grad=requires_grad)


@public(method=False, out=True)
def linspace(start, end, steps: int, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """`steps` numbers from start to end, both included, evenly spaced; each half counted from its own end."""
    steps = integer(steps)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    start, end = (x.item() if isinstance(x, Stored) else x for x in (start, end))
    if isinstance(start, complex) or isinstance(end, complex):
        from suiren.ops.complex import complex as of_parts

        d = dtype or dtypes.get_default_dtype().to_complex()
        parts = [linspace(*(getattr(number, part) for number in (start, end)), steps, dtype=d.to_real()) for part in ("real", "imag")]
        return _leaf(of_parts(*parts), requires_grad)
    dtype = dtype or dtypes.get_default_dtype()
    place = record(creation.iota, (), (steps,))
    if steps == 1:
        return _leaf(record(creation.full, (start,), ((1,), dtype)), requires_grad)
    wide = creation.cast(place, dtype=dtypes.float64)
    step = (end - start) / (steps - 1) if steps else 0.0
    left = pointwise.add(pointwise.mul(wide, step), float(start))
    right = pointwise.sub(float(end), pointwise.mul(pointwise.sub(steps - 1, wide), step))
    return _leaf(creation.cast(compare.where(compare.lt(place, steps // 2), left, right), dtype=dtype), requires_grad)


@public(method=False, out=True)
def logspace(
    start, end, steps: int, base: float = 10.0, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False
):
    """base to the power of `linspace(start, end, steps)`."""
    from suiren.ops import powers

    has_complex = any(isinstance(x.item() if isinstance(x, Stored) else x, complex) for x in (start, end))
    exponents = linspace(start, end, steps, dtype=dtypes.complex128 if has_complex else dtypes.float64)
    d = dtypes.get_default_dtype()
    return _leaf(creation.cast(powers.pow(float(base), exponents), dtype=dtype or (d.to_complex() if has_complex else d)), requires_grad)


@public(method=False, out=True)
def eye(n: int, m: int | None = None, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Ones on the diagonal of an n by m matrix, zeros elsewhere."""
    for size, name in ((n, "n"), (m, "m")):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    m = n if m is None else m
    row = movement.reshape(record(creation.iota, (), (n,)), shape=(n, 1))
    on = compare.eq(row, record(creation.iota, (), (m,)))
    return _leaf(creation.cast(on, dtype=dtype or dtypes.get_default_dtype()), requires_grad)


@public(inplace=True)
def fill(input, value):
    """One number (or 0-dim tensor) everywhere."""
    s = input._spec
    if not isinstance(value, Stored):
        value = fitting(value, s.dtype)
        value = record(creation.full, (value,), ((), s.dtype))
    elif value._spec.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value._spec.ndim} dimensions.")
    elif value._spec.dtype is not s.dtype:
        value = creation.cast(value, dtype=s.dtype)
    if s.requires_grad:  # a part of the graph, through which nothing flows back to `input`
        return compare.where(record(creation.constant, (), (True, (), dtypes.bool_)), value, input)
    return record(movement.expand, (value,), (s.shape,))


@public()
def zero_(self):
    """Zeros, in place."""
    if self._spec.requires_grad:
        return write(self, fill(self, 0))
    return write(self, record0(creation.constant, (0, self._spec.shape, self._spec.dtype)))


@public()
def clone(input, *, memory_format=None):
    """A copy in memory of its own, differentiable."""
    return record(creation.copy, (input,), ())


@public()
def detach(input):
    """A view of the same storage that is no part of the graph."""
    return input.detach()
