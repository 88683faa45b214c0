"""What a float is made of, its neighbours, and common divisors."""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.dtypes import INTEGER
from suiren.ops.compare import eq, where
from suiren.ops.creation import cast, wanted, zeros_like
from suiren.ops.elementary import exp2
from suiren.ops.pointwise import mul, neg
from suiren.trace.op import INTERPRETER_ONLY, NOT_DIFFERENTIABLE, common_dtype, pointwise

frexp_exponent = pointwise(
    "frexp_exponent", inputs=("x",), promote="default", result=dtypes.int32, numpy=lambda x: np.frexp(x)[1], lower=INTERPRETER_ONLY,
    grad=NOT_DIFFERENTIABLE, doc="The e of x = m * 2**e with 1/2 <= |m| < 1.",
)  # fmt: skip
frexp_mantissa = pointwise(
    "frexp_mantissa", inputs=("x",), numpy=lambda x: np.frexp(x)[0], lower=INTERPRETER_ONLY,
    grad=lambda g, x, x_spec: (mul(g, exp2(neg(cast(frexp_exponent(x), dtype=x_spec.dtype)))),), grad_name="FrexpBackward0",
    doc="The m of x = m * 2**e with 1/2 <= |m| < 1.",
)  # fmt: skip
nextafter = pointwise(
    "nextafter", inputs=("x", "y"), numpy=np.nextafter, lower=INTERPRETER_ONLY, grad=lambda g, x, y, y_spec: (where(eq(x, y), 0, g), zeros_like(y_spec) if wanted(y_spec) else None),
    doc="The next float from x towards y.",
)  # fmt: skip


def _whole(inputs, params):
    d = common_dtype(inputs)
    if d.category != INTEGER:
        words = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "bool": "Bool"}
        raise NotImplementedError(f"\"gcd_cpu\" not implemented for '{words.get(d.name, d.name)}'")
    return d, d


gcd = pointwise(
    "gcd", inputs=("x", "y"), promote=_whole, numpy=np.gcd, lower=INTERPRETER_ONLY, grad=NOT_DIFFERENTIABLE, doc="The greatest common divisor."
)

__all__ = ["frexp_exponent", "frexp_mantissa", "gcd", "nextafter"]
