"""Special functions with gradients: gamma and its kin, Bessel functions of the first kind, tails of the normal distribution.

They are rare in a training step, so they are left to the interpreter. Integers become the default float dtype.
"""

from __future__ import annotations

import math

import numpy as np

from suiren.ops import special_rules as rules
from suiren.ops.compare import gt, where
from suiren.ops.creation import as_tensor, cast, wanted
from suiren.ops.elementary import exp, log
from suiren.ops.pointwise import abs, add, div, mul, neg, reciprocal, scale, sign, sub
from suiren.trace.op import INTERPRETER_ONLY, pointwise


def wide(rule):
    """A rule on float64 arrays for arrays of any float dtype."""

    def numpy(*arrays, **params):
        return rule(*(np.asarray(a, np.float64) for a in arrays), **params).astype(arrays[0].dtype)

    return numpy


def _function(name: str, grad, doc: str, params: tuple[str, ...] = (), rule=None):
    return pointwise(
        name, inputs=("x",), params=params, promote="float", numpy=wide(rule or getattr(rules, name)), lower=INTERPRETER_ONLY, grad=grad, doc=doc
    )  # fmt: skip


# ---------------------------------------------------------------- gamma

lgamma = _function("lgamma", lambda g, x: (mul(g, polygamma(x, n=0)),), "log|gamma(x)|.")
polygamma = _function(
    "polygamma", lambda g, x, n: (mul(g, polygamma(x, n=n + 1)),), "The n-th derivative of digamma (which is n = 0).", params=("n",)
)


def _not_implemented(name: str):
    return NotImplementedError(f"the derivative for '{name}' is not implemented.")


def _zeta_grad(g, x, q, x_spec, q_spec):
    if wanted(x_spec):
        raise _not_implemented("zeta")
    return None, neg(mul(g, mul(x, zeta(add(x, 1), q)))) if wanted(q_spec) else None


zeta = pointwise(
    "zeta", inputs=("x", "q"), promote="float", numpy=wide(rules.zeta), lower=INTERPRETER_ONLY, grad=_zeta_grad,
    doc="Hurwitz' zeta function: the sum of (q + k) ** -x for k = 0, 1, ….",
)  # fmt: skip


def _incomplete(name: str, sign_of_slope: int, doc: str):
    def grad(g, a, x, a_spec, x_spec):
        if wanted(a_spec):
            raise _not_implemented(f"{name}: input")
        if not wanted(x_spec):
            return None, None
        order = as_tensor(a, a_spec, x_spec.dtype)
        order = order if order.dtype is x_spec.dtype else cast(order, dtype=x_spec.dtype)
        slope = mul(g, exp(sub(sub(mul(sub(order, 1), log(x)), x), lgamma(order))))
        return None, slope if sign_of_slope > 0 else neg(slope)

    return pointwise(name, inputs=("a", "x"), promote="float", numpy=wide(getattr(rules, name)), lower=INTERPRETER_ONLY, grad=grad, doc=doc)


igamma = _incomplete("igamma", 1, "The regularised lower incomplete gamma function P(a, x).")
igammac = _incomplete("igammac", -1, "The regularised upper incomplete gamma function Q(a, x).")

# ---------------------------------------------------------------- tails of the normal distribution

erfcx = _function("erfcx", lambda g, x, out: (mul(g, sub(scale(mul(x, out), by=2), 2 / math.sqrt(math.pi))),), "exp(x²) erfc(x).")
log_ndtr = _function(
    "log_ndtr",
    lambda g, x: (scale(div(g, erfcx(scale(x, by=-math.sqrt(0.5)))), by=math.sqrt(2 / math.pi)),),
    "log of the normal distribution function.",
)
ndtri = _function(
    "ndtri", lambda g, out: (scale(mul(g, exp(scale(mul(out, out), by=0.5))), by=math.sqrt(2 * math.pi)),), "The normal quantile."
)

entr = pointwise(
    "entr",
    inputs=("x",),
    promote="float",
    numpy=lambda x: np.where(np.isnan(x), x, np.where(x > 0, -x * np.log(x), np.where(x == 0, 0, -np.inf))),
    lower=lambda b, x: b.select(
        b.isnan(x), x, b.select(b.gt(x, 0), b.neg(b.mul(x, b.log(x))), b.select(b.eq(x, 0), b.zero(x), b.like(-math.inf, x)))
    ),
    grad=lambda g, x: (neg(mul(g, add(log(x), 1))),),
    doc="-x log(x): 0 at 0, -inf below.",
)

# ---------------------------------------------------------------- modified Bessel functions of the first kind


def _half_at_0(x, slope):
    """slope(x), with 1/2 where x is 0 (or NaN, as PyTorch has it)."""
    there = gt(abs(x), 0)
    return where(there, slope(where(there, x, 1)), 0.5)


i0 = _function("i0", lambda g, x: (mul(g, i1(x)),), "The modified Bessel function of the first kind of order 0.")
i1 = _function("i1", lambda g, x: (mul(g, _half_at_0(x, lambda y: sub(i0(y), div(i1(y), y)))),), "The same of order 1.")
i0e = _function("i0e", lambda g, x, out: (mul(g, sub(i1e(x), mul(sign(x), out))),), "exp(-|x|) i0(x).")
i1e = _function(
    "i1e", lambda g, x: (mul(g, _half_at_0(x, lambda y: sub(i0e(y), mul(i1e(y), add(sign(y), reciprocal(y)))))),), "exp(-|x|) i1(x)."
)

__all__ = ["entr", "erfcx", "i0", "i0e", "i1", "i1e", "igamma", "igammac", "lgamma", "log_ndtr", "ndtri", "polygamma", "wide", "zeta"]
