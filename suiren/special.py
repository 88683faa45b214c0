"""`torch.special`: functions of mathematics, element by element. Source: https://docs.pytorch.org/docs/stable/special.html

All take `out=`. Integers become the default float dtype. What is rare is computed by the interpreter, in float64.
"""

from __future__ import annotations

import math

from suiren import dtypes
from suiren.api import activation, pointwise, reductions
from suiren.api import special as _api
from suiren.api.surface import with_out
from suiren.dtypes import FLOAT
from suiren.names import absent_from as _absent_from
from suiren.ops import activation as _activation
from suiren.ops import creation, elementary
from suiren.ops import pointwise as ops
from suiren.ops import special as _special
from suiren.ops import special_bessel as _bessel
from suiren.trace.recording import binary, record, unary
from suiren.trace.storage import Stored


def _unary(op, doc: str):
    f = unary(op)
    f.__doc__ = doc
    return with_out(f, op.name)


def _binary(op, doc: str):
    f = binary(op, strict=True)
    f.__doc__ = doc
    return with_out(f, op.name)


def _same(f, name: str):
    """A function of `torch` under its name here."""
    return with_out(f, name)


erf, erfc, erfinv, exp2, expm1, log1p, sinc = (
    _same(getattr(pointwise, n), n) for n in ("erf", "erfc", "erfinv", "exp2", "expm1", "log1p", "sinc")
)  # fmt: skip
expit, logit, round, xlogy = (_same(getattr(pointwise, n), m) for n, m in (("sigmoid", "expit"), ("logit",) * 2, ("round",) * 2, ("xlogy",) * 2))
logsumexp = _same(reductions.logsumexp, "logsumexp")
digamma, gammaln, psi, i0 = (_same(getattr(_api, n), m) for n, m in (("digamma",) * 2, ("lgamma", "gammaln"), ("digamma", "psi"), ("i0",) * 2))
gammainc, gammaincc, multigammaln = (_same(getattr(_api, n), m) for n, m in (("igamma", "gammainc"), ("igammac", "gammaincc"), ("mvlgamma", "multigammaln")))
polygamma = _same(_api.polygamma, "polygamma")


def softmax(input, dim: int, *, dtype=None):
    """exp(input) / sum(exp(input)) along a dim."""
    return activation.softmax(input, dim, dtype)


def log_softmax(input, dim: int, *, dtype=None):
    """log(softmax(input)) along a dim, without loss of digits."""
    return activation.log_softmax(input, dim, dtype)


# ---------------------------------------------------------------- tails, and entropy

erfcx = _unary(_special.erfcx, "exp(x²) erfc(x).")
log_ndtr = _unary(_special.log_ndtr, "log of the normal distribution function.")
ndtri = _unary(_special.ndtri, "The normal quantile: the x with ndtr(x) = input.")


def _float(x):
    return x if x._spec.dtype.category >= FLOAT else creation.cast(x, dtype=dtypes.get_default_dtype())


def _ndtr(input):
    """The normal distribution function."""
    return ops.scale(elementary.erfc(ops.scale(_float(input), by=-math.sqrt(0.5))), by=0.5)


def _xlog1py(input, other):
    """input * log1p(other), 0 where input is 0, NaN where other is."""
    return record(_activation.xlog1py, (input, other), ())


ndtr, xlog1py = with_out(_ndtr, "ndtr"), with_out(_xlog1py, "xlog1py")
entr = _unary(_special.entr, "-x log(x): 0 at 0, -inf below.")
zeta = _binary(_special.zeta, "Hurwitz' zeta function: the sum of (other + k) ** -input for k = 0, 1, ….")

# ---------------------------------------------------------------- Bessel and Airy functions

i0e = _unary(_special.i0e, "exp(-|x|) i0(x).")
i1 = _unary(_special.i1, "The modified Bessel function of the first kind of order 1.")
i1e = _unary(_special.i1e, "exp(-|x|) i1(x).")


def _constant(op, name: str, doc: str):
    """An op without a gradient, as PyTorch has it for these."""
    f = unary(op)
    g = lambda input: f(creation.stop_gradient(input) if isinstance(input, Stored) and input._spec.requires_grad else input)
    g.__doc__ = doc
    return with_out(g, name)


modified_bessel_i0 = _constant(_special.i0, "modified_bessel_i0", "The modified Bessel function of the first kind of order 0; it has no gradient.")
modified_bessel_i1 = _constant(_special.i1, "modified_bessel_i1", "The modified Bessel function of the first kind of order 1; it has no gradient.")
airy_ai = _unary(_bessel.airy_ai, "The Airy function Ai. No gradient.")
bessel_j0 = _unary(_bessel.bessel_j0, "The Bessel function of the first kind of order 0. No gradient.")
bessel_j1 = _unary(_bessel.bessel_j1, "The Bessel function of the first kind of order 1. No gradient.")
bessel_y0 = _unary(_bessel.bessel_y0, "The Bessel function of the second kind of order 0. No gradient.")
bessel_y1 = _unary(_bessel.bessel_y1, "The Bessel function of the second kind of order 1. No gradient.")
modified_bessel_k0 = _unary(_bessel.modified_bessel_k0, "The modified Bessel function of the second kind of order 0. No gradient.")
modified_bessel_k1 = _unary(_bessel.modified_bessel_k1, "The modified Bessel function of the second kind of order 1. No gradient.")
scaled_modified_bessel_k0 = _unary(_bessel.scaled_modified_bessel_k0, "exp(x) modified_bessel_k0(x). No gradient.")
scaled_modified_bessel_k1 = _unary(_bessel.scaled_modified_bessel_k1, "exp(x) modified_bessel_k1(x). No gradient.")
spherical_bessel_j0 = _unary(_bessel.spherical_bessel_j0, "sin(x) / x, 1 at 0. No gradient.")

# ---------------------------------------------------------------- orthogonal polynomials: f(input, n)


def _polynomial(op):
    def f(input, n):
        return record(op, (input, n), ())

    f.__doc__ = f"{op.__doc__} Both may be tensors or one of them a number; no gradient."
    return with_out(f, op.name)


chebyshev_polynomial_t, chebyshev_polynomial_u, chebyshev_polynomial_v, chebyshev_polynomial_w = (
    _polynomial(getattr(_bessel, f"chebyshev_polynomial_{k}")) for k in "tuvw"
)  # fmt: skip
shifted_chebyshev_polynomial_t, shifted_chebyshev_polynomial_u, shifted_chebyshev_polynomial_v, shifted_chebyshev_polynomial_w = (
    _polynomial(getattr(_bessel, f"shifted_chebyshev_polynomial_{k}")) for k in "tuvw"
)  # fmt: skip
hermite_polynomial_h, hermite_polynomial_he = _polynomial(_bessel.hermite_polynomial_h), _polynomial(_bessel.hermite_polynomial_he)
laguerre_polynomial_l, legendre_polynomial_p = _polynomial(_bessel.laguerre_polynomial_l), _polynomial(_bessel.legendre_polynomial_p)

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v",
    "chebyshev_polynomial_w", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc", "gammaln",
    "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e", "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr",
    "log_softmax", "logit", "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr",
    "ndtri", "polygamma", "psi", "round", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "sinc", "softmax", "spherical_bessel_j0",
    "xlog1py", "xlogy", "zeta",
]  # fmt: skip

__getattr__ = _absent_from("special")
