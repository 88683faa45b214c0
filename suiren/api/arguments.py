"""Arguments made canonical before they are recorded: dims non-negative and sorted, shapes complete. Errors in PyTorch's words."""

from __future__ import annotations

import math
from math import prod

import numpy as np

from suiren.dtypes import ALL, FLOAT, INTEGER, dtype, finfo, iinfo, uint64
from suiren.trace.pending import settle
from suiren.trace.spec import Spec
from suiren.trace.storage import Stored, array_of

# All dims of a tensor of n dims.
ALL_DIMS = tuple(tuple(range(n)) for n in range(65))

# Answers that depend on a spec and on what the caller wrote alone; a loop asks the same thing again and again.
_known: dict[tuple, tuple] = {}
_MOST_KNOWN = 20_000


def remember(key: tuple, answer):
    """Keeps an answer for `key`, which begins with the name of the question."""
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known[key] = answer
    return answer


known = _known.get


def word(x) -> str:
    """A type as PyTorch's messages name it."""
    return "Tensor" if isinstance(x, Stored) else type(x).__name__


def must_be(function: str, argument: str, position: int, what: str, x) -> TypeError:
    return TypeError(f"{function}(): argument '{argument}' (position {position}) must be {what}, not {word(x)}")


def check_tensor(function: str, x, argument: str = "input", position: int = 1) -> None:
    """TypeError unless x is a tensor."""
    if not isinstance(x, Stored):
        raise must_be(function, argument, position, "Tensor", x)


def data_of(x: Stored) -> np.ndarray:
    """The elements, for a result whose size depends on them: to read, not to keep. Runs what is pending."""
    settle(x)
    return array_of(x)


# ---------------------------------------------------------------- dims


def dim_of(dim: int, ndim: int) -> int:
    """The dim counted from the front. IndexError if there is no such dim; a 0-dim tensor has dims 0 and -1."""
    n = ndim or 1
    if dim.__class__ is not int:
        dim = dim.__index__()
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim + n if dim < 0 else dim


def dims_of(dim, ndim: int) -> tuple[int, ...]:
    """Dims to reduce, sorted: all of them for None or an empty list. RuntimeError if one is named twice."""
    if dim is None:
        return ALL_DIMS[ndim]
    if dim.__class__ is int:
        return (dim_of(dim, ndim),) if ndim else _no_dims(dim)
    if not isinstance(dim, (tuple, list)):
        return dims_of(integer(dim), ndim)
    if not dim:
        return ALL_DIMS[ndim]
    found = [dim_of(d, ndim) for d in dim]
    if len(set(found)) != len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return tuple(sorted(found)) if ndim else ()


def _no_dims(dim: int) -> tuple:
    dim_of(dim, 0)
    return ()


# ---------------------------------------------------------------- shapes


def integer(x) -> int:
    """A size: an int, or what can stand for one (a NumPy integer, a one-element integer tensor). TypeError otherwise."""
    if x.__class__ is int:
        return x
    if isinstance(x, (float, str)) or not hasattr(x, "__index__"):
        raise TypeError(f"'{type(x).__name__}' object cannot be interpreted as an integer")
    return x.__index__()


def sizes(arguments: tuple) -> tuple[int, ...]:
    """The sizes of a call f(2, 3) or f((2, 3)), unchecked."""
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = arguments[0]
    return tuple([integer(n) for n in arguments])


def shape_of(function: str, arguments: tuple) -> tuple[int, ...]:
    """The shape of a call f(2, 3) or f((2, 3)). RuntimeError if a size is negative."""
    shape = sizes(arguments)
    for n in shape:
        if n < 0:
            raise RuntimeError(f"{function}: Dimension size must be non-negative.")
    return shape


def completed(shape: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """The shape with -1 worked out. RuntimeError if it does not hold `numel` elements."""
    if -1 in shape:
        if shape.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        rest = -prod(shape)
        if rest == 0:
            if numel == 0:
                raise RuntimeError(
                    f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be any "
                    "value and is ambiguous"
                )
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        if numel % rest:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        shape = tuple([numel // rest if n == -1 else n for n in shape])
    for n in shape:
        if n < 0:
            raise RuntimeError(f"invalid shape dimension {n}")
    if prod(shape) != numel:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return shape


# ---------------------------------------------------------------- numbers


def is_number(x) -> bool:
    return isinstance(x, (int, float, complex, np.number, np.bool_))


# The numbers that a dtype can hold.
_LIMITS = {d: (iinfo(d).min, iinfo(d).max) if d.category == INTEGER else (finfo(d).min, finfo(d).max) for d in ALL if d.category in (INTEGER, FLOAT)}
_C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int64": "int64_t", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t"}


def fitting(value, d: dtype):
    """A number as one that is recorded to fill a dtype. RuntimeError for one that it cannot hold. Source: overflows in c10/util/TypeCast.h"""
    limits = _LIMITS.get(d)
    if limits is None or not is_number(value):  # bool takes any number; complex does nearly so
        return value
    low, high = limits
    if isinstance(value, (complex, np.complexfloating)):
        fits = value.imag == 0 and low <= value.real <= high
    elif low <= value <= high:
        return value - (1 << 64) if value >= 1 << 63 and d is uint64 else value  # recorded integers have 64 bits and a sign
    elif d.category == FLOAT:
        fits = not math.isfinite(value)
    else:  # a negative integer wraps round in an unsigned dtype
        fits = not d.is_signed and isinstance(value, (int, np.integer)) and -high <= value < 0
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {_C_NAMES.get(d.name) or C_WORDS[d.name]} without overflow")
    return value


def kind(x) -> Spec | type:
    """What promotion sees of an argument."""
    return x._spec if isinstance(x, Stored) else type(x.item() if isinstance(x, np.generic) else x)


# A dtype in PyTorch's messages: as the kernels' names have it, and as C++ has it.
TYPE_WORDS = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int", "int16": "Short",
    "int8": "Char", "uint8": "Byte", "bool": "Bool", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip
C_WORDS = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long int", "int32": "int",
    "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
}  # fmt: skip
