"""Matrix products. The kernel is `compiler/kernels/gemm.py`; transposes, biases and activations are folded into it there."""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.ops.complex import holomorphic
from suiren.ops.creation import wanted
from suiren.ops.movement import expand, reshape, transpose
from suiren.trace.op import Template
from suiren.trace.spec import Spec, spec

_WORDS = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long", "int32": "int",
    "int16": "short", "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
}  # fmt: skip


def _infer_matmul(a: Spec, b: Spec):
    """(…, M, K) and (…, K, N) of the same leading dims to (…, M, N)."""
    if a.dtype is not b.dtype:
        words = " != ".join(_WORDS.get(x.dtype.name, x.dtype.name) for x in (a, b))
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {words}")
    if a.shape[:-2] != b.shape[:-2]:
        raise RuntimeError(f"matmul of {list(a.shape)} and {list(b.shape)}: the leading dims differ")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})"
        )
    if a.dtype is dtypes.bool_:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return spec((*a.shape[:-1], b.shape[-1]), a.dtype)


def _matmul_grad(g, a, b, a_spec, b_spec):
    # (M, N) (N, K) -> (M, K);  (K, M) (M, N) -> (K, N)
    grad_a = matmul(g, transpose(b, b_spec.ndim)) if wanted(a_spec) else None
    grad_b = matmul(transpose(a, a_spec.ndim), g) if wanted(b_spec) else None
    return grad_a, grad_b


def _matmul_batch(size, tensors, is_batched):
    """A batch of left matrices with one right matrix is one product of more rows; else all of both."""
    a, b = tensors
    if is_batched == (True, False) and a._spec.ndim == 3:
        _, m, k = a._spec.shape
        return reshape(matmul(reshape(a, shape=(size * m, k)), b), shape=(size, m, b._spec.shape[-1]))
    a, b = (t if batched else expand(t, shape=(size, *t._spec.shape)) for t, batched in zip(tensors, is_batched))
    return matmul(a, b)


class _Matmul(Template):
    def work(self, inputs, specs, params):
        return specs[0].numel * inputs[0].shape[-1]


matmul = _Matmul(
    "matmul",
    family="gemm",
    transposes=True,
    batch=_matmul_batch,
    inputs=("a", "b"),
    infer=_infer_matmul,
    numpy=np.matmul,
    grad=holomorphic(_matmul_grad),
    grad_name="MmBackward0",
    doc="Products of matrices in the last two dims, batched over equal leading dims.",
)

__all__ = ["matmul"]
