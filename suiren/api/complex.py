"""Complex numbers. Source: https://docs.pytorch.org/docs/stable/complex_numbers.html

`real`, `imag` and `view_as_real` are views: writing into one writes the complex tensor. A conjugate is computed at once, where PyTorch may keep
the order to conjugate beside the data; `is_conj` is therefore never true.
"""

from __future__ import annotations

import math

from suiren import dtypes
from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.api.surface import public
from suiren.dtypes import COMPLEX, FLOAT
from suiren.ops import compare, creation, elementary, pointwise, views
from suiren.ops import complex as ops
from suiren.trace.recording import record, record1, unary
from suiren.trace.views import write

_sign = unary(pointwise.sign)


def _is_complex(x) -> bool:
    return x._spec.dtype.category == COMPLEX


# ---------------------------------------------------------------- parts


@public(method=False)
def real(input):
    """The real parts, a view; a real tensor as it is."""
    check_tensor("real", input)
    return record1(ops.real, input, ()) if _is_complex(input) else input


@public(method=False)
def imag(input):
    """The imaginary parts, a view. RuntimeError for a real tensor."""
    check_tensor("imag", input)
    if not _is_complex(input):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return record1(ops.imag, input, ())


def _set_real(self, value):
    write(real(self), creation.full(value, shape=(), dtype=real(self)._spec.dtype) if not hasattr(value, "_spec") else value)


def _set_imag(self, value):
    write(imag(self), creation.full(value, shape=(), dtype=imag(self)._spec.dtype) if not hasattr(value, "_spec") else value)


public("real", function=False)(property(real, _set_real, doc="The real parts, a view; a real tensor as it is."))
public("imag", function=False)(property(imag, _set_imag, doc="The imaginary parts, a view. RuntimeError for a real tensor."))


@public(method=False)
def view_as_real(input):
    """(…) complex as (…, 2) floats, a view. RuntimeError for a real tensor."""
    check_tensor("view_as_real", input)
    if not _is_complex(input):
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return record1(ops.view_as_real, input, ())


@public(method=False)
@casting.wide
def view_as_complex(input):
    """(…, 2) floats as (…) complex, a view. RuntimeError for other dtypes or shapes, or where pairs do not lie together."""
    check_tensor("view_as_complex", input)
    s = input._spec
    if s.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(
            f"view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {TYPE_WORDS[s.dtype.name]}"
        )
    if not s.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if s.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    strides, offset = input._layout()
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(x % 2 for x in strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if offset % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return record1(ops.view_as_complex, input, ())


# ---------------------------------------------------------------- put together


@public(method=False, out=True)
def complex(real, imag):
    """real + imag j, of two floating tensors of one dtype. RuntimeError for others."""
    check_tensor("complex", real, "real")
    check_tensor("complex", imag, "imag", 2)
    _check_parts(real, imag)
    return record(ops.complex, (real, imag), ())


def _check_parts(a, b) -> None:
    known = (dtypes.float32, dtypes.float64, dtypes.float16)
    first, second = a._spec.dtype, b._spec.dtype
    if first not in known or second not in known:
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {TYPE_WORDS[first.name]} and {TYPE_WORDS[second.name]}"
        )
    if first is not second:
        raise RuntimeError(f"Expected object of scalar type {TYPE_WORDS[first.name]} but got scalar type {TYPE_WORDS[second.name]} for second argument")
    if first is dtypes.float16:
        raise NotImplementedError("complex numbers of two halves (complex32) are not there: use float32")


@public(method=False, out=True)
@casting.wide
def polar(abs, angle):
    """abs (cos(angle) + sin(angle) j), of two floating tensors of one dtype. RuntimeError for others."""
    check_tensor("polar", abs, "abs")
    check_tensor("polar", angle, "angle", 2)
    _check_parts(abs, angle)
    return record(ops.complex, (pointwise.mul(abs, elementary.cos(angle)), pointwise.mul(abs, elementary.sin(angle))), ())


# ---------------------------------------------------------------- conjugates


@public()
def conj(input):
    """The conjugate; a real tensor as it is."""
    check_tensor("conj", input)
    return record1(ops.conj, input, ()) if _is_complex(input) else input


@public(out=True, inplace=True)
def conj_physical(input):
    """The conjugate; a real tensor as it is."""
    return conj(input)


@public()
def resolve_conj(input):
    """Itself: a conjugate is computed at once."""
    check_tensor("resolve_conj", input)
    return input


@public()
def resolve_neg(input):
    """Itself: a negation is computed at once."""
    check_tensor("resolve_neg", input)
    return input


@public()
def is_conj(input):
    """False: a conjugate is computed at once."""
    check_tensor("is_conj", input)
    return False


@public()
def is_neg(input):
    """False: a negation is computed at once."""
    check_tensor("is_neg", input)
    return False


# ---------------------------------------------------------------- angles


@public(out=True)
def angle(input):
    """The angle of a complex number, in radians; of a real one π below 0, else 0, and NaN of NaN. Integers become the default float dtype."""
    check_tensor("angle", input)
    d = input._spec.dtype
    if not _is_complex(input):
        x = input if d.category >= FLOAT else creation.cast(input, dtype=dtypes.get_default_dtype())
        still = pointwise.mul(pointwise.sign(x), 0.0)  # its gradient is 0 everywhere
        return compare.where(compare.isnan(x), creation.stop_gradient(x), compare.where(compare.lt(x, 0), math.pi, still))
    none = compare.eq(input, 0)
    y, x = ops.imag(input), ops.real(input)
    # at 0 atan2 has no gradient; its value there depends on the signs of the zeros
    return compare.where(none, creation.stop_gradient(elementary.atan2(y, x)), elementary.atan2(y, compare.where(none, 1, x)))


@public(out=True, inplace=True)
def sgn(input):
    """`sign`, and for complex numbers x / |x|, 0 at 0."""
    check_tensor("sgn", input)
    return record(pointwise.sgn, (input,), ()) if _is_complex(input) else _sign(input)


def conjugate_transpose(x):
    """The last two dims exchanged, of the conjugate."""
    from suiren.api.shapes import transpose

    return conj(transpose(x, -2, -1))


@public()
def adjoint(input):
    """The last two dims exchanged, of the conjugate. RuntimeError for one dim."""
    check_tensor("adjoint", input)
    if input._spec.ndim == 1:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return conjugate_transpose(input) if input._spec.ndim else record1(views.alias, conj(input), ())


def _adjoint_of_matrices(self):
    if self._spec.ndim < 2:
        raise RuntimeError(f"tensor.mH is only supported on matrices or batches of matrices. Got {self._spec.ndim}-D tensor.")
    return conjugate_transpose(self)


def _adjoint_of_a_matrix(self):
    if self._spec.ndim not in (0, 2):
        more = " For batches of matrices, consider using tensor.mH" if self._spec.ndim > 2 else ""
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self._spec.ndim}-D tensor.{more}")
    return conjugate_transpose(self) if self._spec.ndim else conj(self)


public("mH", function=False)(property(_adjoint_of_matrices, doc="The last two dims exchanged, of the conjugate. RuntimeError for fewer than two."))
public("H", function=False)(property(_adjoint_of_a_matrix, doc="A matrix transposed and conjugated."))
