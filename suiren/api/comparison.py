"""Comparisons, logic and bits. Source: https://docs.pytorch.org/docs/stable/torch.html#comparison-ops

Results are bool tensors; operands are compared in their promoted dtype.
"""

from __future__ import annotations

from suiren.api.arguments import C_WORDS, TYPE_WORDS, check_tensor, dims_of, fitting, is_number
from suiren.api.surface import public
from suiren.dtypes import FLOAT, float64
from suiren.ops import compare, complex, creation, movement, pointwise, reduce
from suiren.trace.recording import binary, record, unary
from suiren.trace.storage import Stored
from suiren.trace.views import write
from suiren.warned import warn_once


def _relation(op, names: str, doc: str):
    f = binary(op, strict=True)
    f.__doc__ = doc
    return public(names, out=True, inplace=True)(f)


eq = _relation(compare.eq, "eq", "input == other.")
ne = _relation(compare.ne, "ne not_equal", "input != other.")
lt = _relation(compare.lt, "lt less", "input < other.")
le = _relation(compare.le, "le less_equal", "input <= other.")
gt = _relation(compare.gt, "gt greater", "input > other.")
ge = _relation(compare.ge, "ge greater_equal", "input >= other.")
logical_and = _relation(compare.logical_and, "logical_and", "Whether both are true (not 0).")
logical_or = _relation(compare.logical_or, "logical_or", "Whether either is true (not 0).")
logical_xor = _relation(compare.logical_xor, "logical_xor", "Whether exactly one is true (not 0).")
bitwise_and = _relation(compare.bitwise_and, "bitwise_and", "The bits that both have. NotImplementedError for floats.")
bitwise_or = _relation(compare.bitwise_or, "bitwise_or", "The bits that either has. NotImplementedError for floats.")
bitwise_xor = _relation(compare.bitwise_xor, "bitwise_xor", "The bits that one of them has. NotImplementedError for floats.")
bitwise_left_shift = _relation(compare.bitwise_left_shift, "bitwise_left_shift", "input shifted left by `other` bits.")
bitwise_right_shift = _relation(compare.bitwise_right_shift, "bitwise_right_shift", "input shifted right by `other` bits.")


def _question(op, doc: str, out: bool = False, inplace: bool = False):
    f = unary(op)
    f.__doc__ = doc
    return public(out=out, inplace=inplace)(f)


logical_not = _question(compare.logical_not, "Whether it is false (0).", out=True, inplace=True)
bitwise_not = _question(compare.bitwise_not, "All bits turned over; of a bool, its negation. NotImplementedError for floats.", out=True, inplace=True)
isnan = _question(compare.isnan, "Whether it is NaN.")
isinf = _question(compare.isinf, "Whether it is infinite.")
isfinite = _question(compare.isfinite, "Whether it is neither infinite nor NaN.")


@public(out=True)
def isposinf(input):
    """Whether it is +infinity."""
    return compare.eq(input, float("inf"))


@public(out=True)
def isneginf(input):
    """Whether it is -infinity."""
    return compare.eq(input, float("-inf"))


@public()
def isreal(input):
    """Whether its imaginary part is 0; of a real tensor true everywhere."""
    if input._spec.dtype.is_complex:
        return compare.eq(complex.imag(input), 0)
    return compare.eq(compare.isnan(input), compare.isnan(input))


def _operator(name: str, op) -> None:
    fast, swapped = binary(op), binary(op, reflected=True)
    fast.__doc__ = swapped.__doc__ = f"See `bitwise_{name}`."
    public(f"__{name}__", function=False)(fast)
    public(f"__r{name}__", function=False)(swapped)

    def in_place(input, other):
        value = fast(input, other)
        return value if value is NotImplemented else write(input, value)

    in_place.__doc__ = f"In place: see `bitwise_{name}`."
    public(f"__i{name}__", function=False)(in_place)


for _name, _op in (
    ("and", compare.bitwise_and), ("or", compare.bitwise_or), ("xor", compare.bitwise_xor),
    ("lshift", compare.bitwise_left_shift), ("rshift", compare.bitwise_right_shift),
):  # fmt: skip
    _operator(_name, _op)

public("__invert__", function=False)(bitwise_not)


@public()
def isclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False):
    """Whether |input - other| <= atol + rtol * |other|; infinities are close to themselves, NaN to NaN with `equal_nan`."""
    close = compare.eq(input, other)
    if equal_nan:
        close = compare.logical_or(close, compare.logical_and(compare.isnan(input), compare.isnan(other)))
    if input._spec.dtype.category < FLOAT:
        input, other = creation.cast(input, dtype=float64), creation.cast(other, dtype=float64)
    error = pointwise.abs(pointwise.sub(input, other))
    bound = pointwise.add(pointwise.mul(pointwise.abs(other), rtol), atol)
    return compare.logical_or(close, compare.logical_and(compare.isfinite(error), compare.le(error, bound)))


@public()
def allclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as a Python bool."""
    close = isclose(input, other, rtol, atol, equal_nan)
    return bool(reduce.all(close, dims=tuple(range(close._spec.ndim)), keepdim=False))


@public()
def equal(input, other) -> bool:
    """Whether both have the same shape and elements, as a Python bool."""
    check_tensor("equal", input)
    check_tensor("equal", other, "other", 2)
    if input._spec.shape != other._spec.shape:
        return False
    same = compare.eq(input, other)
    return bool(reduce.all(same, dims=tuple(range(same._spec.ndim)), keepdim=False))


@public(out=True)
def isin(elements, test_elements, *, assume_unique: bool = False, invert: bool = False):
    """Whether each element is among the test elements."""
    if is_number(test_elements):
        found = compare.eq(elements, test_elements)
    elif is_number(elements):
        found = reduce.any(compare.eq(elements, test_elements), dims=tuple(range(test_elements._spec.ndim)), keepdim=False)
    else:
        tests = movement.reshape(test_elements, shape=(test_elements._spec.numel,))
        column = movement.reshape(elements, shape=(*elements._spec.shape, 1))
        found = reduce.any(compare.eq(column, tests), dims=(elements._spec.ndim,), keepdim=False)
    return compare.logical_not(found) if invert else found


# ---------------------------------------------------------------- choosing


def where(condition, input=None, other=None):
    """`input` where the condition (bool) holds, `other` elsewhere; with the condition alone, the places where it holds, as `nonzero(as_tuple=True)`.

    RuntimeError if the condition is not bool.
    """
    check_tensor("where", condition, "condition")
    if input is None and other is None:
        from suiren.api.picking import nonzero

        return nonzero(condition, as_tuple=True)
    d = condition._spec.dtype
    if d.name not in ("bool", "uint8"):
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {TYPE_WORDS[d.name]}")
    if d.name == "uint8":
        warn_once(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future version of PyTorch. Use a boolean "
            "condition instead."
        )
    return record(compare.where, (condition, input, other), ())


public(method=False, out=True)(where)


@public("where", function=False)
def _where_method(self, condition, other):
    """Itself where the condition holds, `other` elsewhere."""
    return where(condition, self, other)


@public(inplace=True)
def masked_fill(input, mask, value):
    """`input` with `value` (a number, or a 0-dim tensor) where the mask is true. RuntimeError for a mask that is not bool."""
    check_tensor("masked_fill", mask, "mask", 2)
    if mask._spec.dtype.name != "bool":
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {C_WORDS[mask._spec.dtype.name]}")
    if isinstance(value, Stored):
        if value._spec.ndim:
            raise RuntimeError(
                f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._spec.ndim} dimension(s)."
            )
        value = creation.cast(value, dtype=input._spec.dtype)
    else:
        value = fitting(value, input._spec.dtype)
        value = creation.full(value, shape=(), dtype=input._spec.dtype)
    return compare.where(mask, value, input)


@public()
def count_nonzero(input, dim=None):
    """How many elements are not 0, in all or along dims; int64."""
    return reduce.sum(compare.ne(input, 0), dims=dims_of(dim, input._spec.ndim), keepdim=False)

