"""Every gradient rule against finite differences, first and second order: ops whose case in cases.py does not say it, by programs that record them."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import suiren
import suiren.ops
from suiren.autograd import gradcheck, gradgradcheck
from suiren.config import config
from suiren.ops.conv import conv, conv_input_grad, conv_weight_grad
from suiren.ops.pool import avg_pool_grad, max_pool, max_pool_grad, max_pool_take
from suiren.trace.execution import timed
from suiren.trace.op import REGISTRY
from suiren.trace.pending import finish
from tests.ops.cases import CASES

for _module in pkgutil.iter_modules(suiren.ops.__path__, "suiren.ops."):
    importlib.import_module(_module.name)

F = suiren.nn.functional
L = suiren.linalg


def _positive(a):
    return a @ a.mT + 2 * suiren.eye(a.shape[-1], dtype=a.dtype)


def _symmetric(a):
    return a + a.mT


def _triangle(a):
    return a.tril() + 3 * suiren.eye(a.shape[-1], dtype=a.dtype)


_ONE = {"stride": (1,), "padding": ((1, 1),), "dilation": (1,), "groups": 1}
_WINDOW = {"kernel_size": (2,), "stride": (1,), "padding": (0,)}
_M, _V, _IMAGES = (3, 3), (2, 3), (1, 2, 4)

# op: (a function that records it, shapes of its inputs, the orders that are checked)
PROGRAMS = {
    "complex": (lambda x, y: suiren.view_as_real(suiren.complex(x, y)), (_V, _V), 2),
    "conj": (lambda x, y: suiren.view_as_real(suiren.complex(x, y).conj().resolve_conj() * 2j), (_V, _V), 2),
    "real": (lambda x, y: (suiren.complex(x, y) * suiren.complex(x, y)).real.exp(), (_V, _V), 2),
    "imag": (lambda x, y: (suiren.complex(x, y) * suiren.complex(x, y)).imag.exp(), (_V, _V), 2),
    "view_as_real": (lambda x, y: suiren.view_as_real(suiren.complex(x, y).exp()).sin(), (_V, _V), 2),
    "view_as_complex": (lambda x: suiren.view_as_complex(x).abs(), ((3, 2),), 2),
    "sgn": (lambda x, y: suiren.view_as_real(suiren.complex(x, y).sgn()), (_V, _V), 2),
    "fft_c2c": (lambda x, y: suiren.view_as_real(suiren.fft.ifft(suiren.complex(x, y))), (_V, _V), 2),
    "fft_r2c": (lambda x: suiren.view_as_real(suiren.fft.rfft(x)), (_V,), 2),
    "fft_c2r": (lambda x: suiren.fft.irfft(suiren.fft.rfft(x) * 1j, 3), (_V,), 2),
    "linalg_inv_ex": (lambda a: L.inv(_triangle(a)), (_M,), 2),
    "linalg_solve_ex": (lambda a, b: L.solve(_triangle(a), b), (_M, (3, 2)), 2),
    "linalg_solve_triangular": (lambda a, b: L.solve_triangular(_triangle(a), b, upper=False), (_M, (3, 2)), 2),
    "cholesky_solve": (lambda a, b: suiren.cholesky_solve(b, _triangle(a)), (_M, (3, 2)), 2),
    "linalg_det": (L.det, (_M,), 2),
    "cofactors": (lambda a: suiren.autograd.grad(L.det(a), a, create_graph=True)[0], (_M,), 1),
    "linalg_slogdet": (lambda a: L.slogdet(_triangle(a))[1], (_M,), 2),
    "linalg_matrix_exp": (suiren.matrix_exp, (_M,), 2),
    "linalg_pinv": (lambda a: L.pinv(_triangle(a)), (_M,), 2),
    "linalg_lstsq": (lambda a, b: L.lstsq(suiren.cat([_triangle(a), a]), b)[0], (_M, (6, 2)), 1),
    "linalg_cholesky_ex": (lambda a: L.cholesky(_positive(a)), (_M,), 2),
    "linalg_lu_factor_ex": (lambda a: L.lu_factor(_triangle(a))[0], (_M,), 2),
    "linalg_qr": (lambda a: suiren.cat(L.qr(_triangle(a))), (_M,), 2),
    "linalg_svd": (lambda a: L.svd(_triangle(a))[1], (_M,), 2),
    "linalg_eigh": (lambda a: L.eigh(_symmetric(a))[0], (_M,), 2),
    "linalg_eig": (lambda a: suiren.view_as_real(L.eigvals(_triangle(a) + suiren.diag(suiren.arange(3.0, dtype=a.dtype)))), (_M,), 2),
    "lobpcg": (lambda a: suiren.lobpcg(_positive(a), X=suiren.ones(4, 1, dtype=a.dtype), niter=200, tol=1e-12)[0], ((4, 4),), 1),
    "conv": (lambda x, w: conv(x, w, **_ONE), (_IMAGES, (2, 2, 3)), 2),
    "conv_input_grad": (lambda y, w: conv_input_grad(y, w, size=(4,), **_ONE), (_IMAGES, (2, 2, 3)), 2),
    "conv_weight_grad": (lambda x, y: conv_weight_grad(x, y, kernel_size=(3,), **_ONE), (_IMAGES, _IMAGES), 2),
    "max_pool": (lambda x: max_pool(x, **_WINDOW, dilation=(1,), ceil_mode=False)[0], (_IMAGES,), 2),
    "max_pool_grad": (lambda x, g: max_pool_grad(g, max_pool(x, **_WINDOW, dilation=(1,), ceil_mode=False)[1], size=(4,), **_WINDOW, dilation=(1,)), (_IMAGES, (1, 2, 3)), 2),
    "max_pool_take": (lambda x, g: max_pool_take(g, max_pool(x, **_WINDOW, dilation=(1,), ceil_mode=False)[1], **_WINDOW, dilation=(1,)), (_IMAGES, _IMAGES), 2),
    "avg_pool": (lambda x: F.avg_pool1d(x, 2, 1, 1), (_IMAGES,), 2),
    "avg_pool_grad": (lambda g: avg_pool_grad(g, size=(4,), **_WINDOW, ceil_mode=False, count_include_pad=True, divisor=None), ((1, 2, 3),), 2),
    "normalize": (lambda x, w, b: F.layer_norm(x, (3,), w, b), (_V, (3,), (3,)), 2),
    "binary_cross_entropy": (lambda x, y: F.binary_cross_entropy(x.sigmoid(), y.sigmoid()), (_V, _V), 2),
    "check_range": (lambda x: F.binary_cross_entropy(x.sigmoid(), suiren.full((2, 3), 0.3, dtype=x.dtype)), (_V,), 2),
}  # fmt: skip

# Rules that no difference can show, and where they are tested.
ELSEWHERE = {
    "through": "the user's own backward: tests/autograd",
    "rewritten": "a result written without gradients: tests/autograd",
    "scale_gradient": "a gradient that is not the value's: tests/nn (embedding with scale_grad_by_freq)",
    "phase_free": "a check of gradients that passes them on: tests of linalg",
    "rng_gamma": "a draw's derivative is that of its quantile: tests/random",
    "rng_dirichlet": "the same",
    "rng_poisson": "zeros: tests/random",
    "rng_binomial": "zeros: tests/random",
    "chosen": "a value with the derivative of another: tests of special functions",
    "nextafter": "zeros",
}


def arrays(shapes, seed: int = 5) -> tuple:
    random = np.random.RandomState(seed)
    return tuple(suiren.Tensor.from_array(random.uniform(-1, 1, s), copy=True).requires_grad_() for s in shapes)


@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives(name):
    function, shapes, orders = PROGRAMS[name]
    with config(tier="interpreter"):
        inputs, seen = arrays(shapes), set()
        with timed(lambda node, seconds: seen.add(node.op.name)):
            result = function(*inputs)
            finish()
        del result
        assert name in seen, f"the program does not record {name}, but {sorted(seen)}"
        assert gradcheck(function, inputs, atol=1e-4)
        if orders > 1:
            assert gradgradcheck(function, inputs, atol=1e-4)


def test_no_rule_is_left_out():
    covered = {c.op for c in CASES if c.orders} | set(PROGRAMS) | set(ELSEWHERE)
    missing = [name for name, op in REGISTRY.items() if op.grad is not None and name not in covered]
    assert not missing, f"gradient rules that nothing compares with finite differences: {missing}"
