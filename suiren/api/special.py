"""Special functions that `torch` itself has a name for; `suiren.special` has the others.

Source: https://docs.pytorch.org/docs/stable/special.html. Integers become the default float dtype.
"""

from __future__ import annotations

import math

from suiren import dtypes
from suiren.api.arguments import TYPE_WORDS, check_tensor, integer
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import creation, movement, pointwise, reduce, special
from suiren.trace.recording import binary, record, unary


def _unary(op, doc: str, names: str):
    f = unary(op)
    f.__doc__ = doc
    return public(names, out=True, inplace=True)(f)


def _binary(op, doc: str, names: str):
    f = binary(op, strict=True)
    f.__doc__ = doc
    return public(names, out=True, inplace=True)(f)


lgamma = _unary(special.lgamma, "log|gamma(x)|; infinite at 0 and the negative integers.", "lgamma")
i0 = _unary(special.i0, "The modified Bessel function of the first kind of order 0.", "i0")
igamma = _binary(special.igamma, "The regularised lower incomplete gamma function P(input, other).", "igamma")
igammac = _binary(special.igammac, "The regularised upper incomplete gamma function Q(input, other).", "igammac")


@public(out=True, inplace=True)
def digamma(input):
    """The derivative of lgamma; NaN at negative integers."""
    return record(special.polygamma, (input,), (0,))


def _polygamma(n, input):
    n = integer(n)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    check_tensor("polygamma", input, "input", 2)
    return record(special.polygamma, (input,), (n,))


@public(method=False, out=True)
def polygamma(n: int, input):
    """The n-th derivative of digamma. RuntimeError for a negative n."""
    return _polygamma(n, input)


@public("polygamma", function=False, inplace=True)
def _polygamma_method(self, n: int):
    """The n-th derivative of digamma. RuntimeError for a negative n."""
    return _polygamma(n, self)


@public(out=True, inplace=True)
def mvlgamma(input, p: int):
    """log of the multivariate gamma function of dimension p, for elements above (p - 1) / 2. RuntimeError for a p below 1."""
    check_tensor("mvlgamma", input)
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    d = input._spec.dtype
    if d is dtypes.bool_:
        raise RuntimeError(f"The input tensor may not be a boolean tensor, but it is {TYPE_WORDS[d.name]}")
    x = input if d.category >= FLOAT else creation.cast(input, dtype=dtypes.get_default_dtype())
    halves = pointwise.scale(creation.cast(record(creation.iota, (), (p,)), dtype=x._spec.dtype), by=-0.5)  # 0, -1/2, …
    shifted = pointwise.add(movement.reshape(x, shape=(*x._spec.shape, 1)), halves)
    total = reduce.sum(special.lgamma(shifted), dims=(x._spec.ndim,), keepdim=False)
    return pointwise.add(total, p * (p - 1) * math.log(math.pi) / 4)
