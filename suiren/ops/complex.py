"""Complex numbers and their parts. Gradients are PyTorch's: the conjugate of Wirtinger's derivative, the direction in which a real loss grows.

A tensor of complex numbers is memory of pairs of floats, so `real`, `imag` and `view_as_real` are views of it. No complex dtype has a machine
type (`dtype.llvm` is empty): a program with complex numbers is compiled around them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from suiren import dtypes
from suiren.dtypes import COMPLEX
from suiren.ops.movement import embed
from suiren.trace.op import INTERPRETER_ONLY, common_dtype, movement, pointwise
from suiren.trace.spec import Spec, spec
from suiren.trace.storage import Stored

conj = pointwise("conj", inputs=("x",), numpy=np.conj, lower=INTERPRETER_ONLY, grad=lambda g: (conj(g),), doc="The imaginary part with the other sign.")


def conjugate(x):
    """The conjugate of a tensor or a number; what is real is returned as it is."""
    if isinstance(x, Stored):
        return conj(x) if x._spec.dtype.category == COMPLEX else x
    return x.conjugate()


def holomorphic(rule: Callable) -> Callable:
    """The gradient rule of a function with a complex derivative, from its rule g -> g f'(x): PyTorch's convention asks for g conj(f'(x))."""
    needs = [n for n in rule.__code__.co_varnames[: rule.__code__.co_argcount] if n == "g" or n[0] == "g" and n[1:].isdigit()]

    @functools.wraps(rule)
    def turned(**given):
        if not any(given[n] is not None and given[n]._spec.dtype.category == COMPLEX for n in needs):
            return rule(**given)
        given.update({n: None if given[n] is None else conjugate(given[n]) for n in needs})
        return tuple(None if found is None else conjugate(found) for found in rule(**given))

    return turned


# ---------------------------------------------------------------- parts, as views


def _doubled(shape, strides, start):
    return shape, tuple(2 * s for s in strides), 2 * start


def _part(name: str, rule, place: int):
    def restride(shape, strides, start):
        shape, strides, start = _doubled(shape, strides, start)
        return shape, strides, start + place

    op = movement(
        name,
        infer=lambda x: spec(x.shape, x.dtype.to_real()),
        numpy=rule,
        restride=restride,
        grad=lambda g, x_spec: (embed(g, x_spec, op, ()),),
    )
    return op


real = _part("real", lambda x: x.real, 0)
imag = _part("imag", lambda x: x.imag, 1)


def _pairs(x):
    """(…) complex -> (…, 2), the same memory if it lies densely enough."""
    return np.lib.stride_tricks.as_strided(x.real, (*x.shape, 2), (*x.strides, x.itemsize // 2))


def _pair_strides(shape, strides, start):
    shape, strides, start = _doubled(shape, strides, start)
    return (*shape, 2), (*strides, 1), start


view_as_real = movement(
    "view_as_real",
    infer=lambda x: spec((*x.shape, 2), x.dtype.to_real()),
    numpy=_pairs,
    restride=_pair_strides,
    grad=lambda g: (view_as_complex(g),),
    doc="(…) complex as (…, 2): real parts and imaginary parts.",
)


def _of_pairs(x):
    kind = np.complex64 if x.dtype == np.float32 else np.complex128
    return (x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)).view(kind)[..., 0]


def _number_strides(shape, strides, start):
    if strides[-1] != 1 or start % 2 or any(s % 2 for s in strides[:-1]):
        return None
    return shape[:-1], tuple(s // 2 for s in strides[:-1]), start // 2


view_as_complex = movement(
    "view_as_complex",
    infer=lambda x: spec(x.shape[:-1], x.dtype.to_complex()),
    numpy=_of_pairs,
    restride=_number_strides,
    grad=lambda g: (view_as_real(g),),
    doc="(…, 2) as (…) complex.",
)

# ---------------------------------------------------------------- put together


def _complex_types(inputs: tuple[Spec, ...], params):
    d = common_dtype(inputs)
    return d, d.to_complex()


def _complex(x, y):
    out = np.empty(np.broadcast(x, y).shape, np.complex64 if x.dtype == np.float32 else np.complex128)
    out.real, out.imag = x, y  # not x + 1j * y: that would make NaN of infinities
    return out


complex = pointwise(
    "complex",
    inputs=("x", "y"),
    promote=_complex_types,
    numpy=_complex,
    lower=INTERPRETER_ONLY,
    grad=lambda g: (real(g), imag(g)),
    doc="x + y j.",
)


def real_part(x: Stored):
    """The real parts of a tensor that may be real."""
    return real(x) if x._spec.dtype.category == COMPLEX else x


def is_complex(x: Spec | type) -> bool:
    """Whether an input of an op (a tensor's spec, or the class of a number) is complex."""
    return x.dtype.category == COMPLEX if isinstance(x, Spec) else dtypes.of_number(x).category == COMPLEX


__all__ = ["complex", "conj", "conjugate", "holomorphic", "imag", "is_complex", "real", "real_part", "view_as_complex", "view_as_real"]
