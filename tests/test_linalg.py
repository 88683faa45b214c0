"""suiren.linalg: failures that are caught, batches of vmap, and derivatives of complex matrices. Values are compared in tests/api/test_linalg_*.py."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren import linalg
from suiren.autograd import gradcheck, gradgradcheck
from suiren.config import config


def _matrix(*shape: int, seed: int = 0) -> suiren.Tensor:
    return suiren.from_numpy(np.random.RandomState(seed).uniform(-1, 1, shape))


def test_a_failure_leaves_what_was_pending():
    a = suiren.ones(2, 2)
    b = a * 3  # pending while the factorisation fails
    with pytest.raises(linalg.LinAlgError, match="the leading minor of order 2 is not positive-definite"):
        linalg.cholesky(b)
    assert b.tolist() == [[3, 3], [3, 3]]
    np.testing.assert_allclose(linalg.cholesky(b + suiren.eye(2))[0, 0].item(), 2)


def test_a_failure_is_found_at_the_call():
    for f in (linalg.inv, linalg.lu_factor, lambda a: linalg.solve(a, a), lambda a: linalg.svd(a / a), lambda a: linalg.eigh(a / a)):
        with pytest.raises(RuntimeError):
            f(suiren.zeros(2, 2))
    assert issubclass(linalg.LinAlgError, RuntimeError) and linalg.LinAlgError.__name__ == "_LinAlgError"


def test_a_failure_in_a_graph_leaves_the_graph():
    x = suiren.ones(2, 2, requires_grad=True)
    y = x * 2
    with pytest.raises(linalg.LinAlgError):
        linalg.inv(y)
    y.sum().backward()
    assert x.grad.tolist() == [[2, 2], [2, 2]]


@pytest.mark.parametrize("f", [linalg.inv, linalg.det, lambda a: linalg.solve(a, a[:, :2]), lambda a: linalg.svdvals(a), lambda a: linalg.lu(a)[2]])
def test_vmap_is_every_matrix(f):
    a = _matrix(3, 4, 4)
    np.testing.assert_allclose(suiren.func.vmap(f)(a).numpy(), np.stack([f(x).numpy() for x in a]), rtol=1e-12)


def test_vmap_fails_too():
    with pytest.raises(linalg.LinAlgError, match=r"\(Batch element 1\)"):
        suiren.func.vmap(linalg.inv)(suiren.stack([suiren.eye(2), suiren.ones(2, 2)])).numpy()


def _hermitian(a):
    return a + a.mH


def _positive(a):
    return a @ a.mH + suiren.eye(a.shape[-1], dtype=a.dtype)


# Functions of decompositions in which signs and phases of the vectors do not count.


def _of_svd(a):
    u, s, vh = linalg.svd(a, full_matrices=False)
    return (u * s.sin()) @ vh


def _of_eigenvalues(a):
    values, vectors = linalg.eigh(_hermitian(a))
    return (vectors * values.sin()) @ vectors.mH


def _of_eig(a):
    values, vectors = linalg.eig(a)
    return (vectors * values.exp()) @ linalg.inv(vectors)


FUNCTIONS = {
    "inv": linalg.inv,
    "solve": lambda a: linalg.solve(a, a.mH[:, :1]),
    "solve_triangular": lambda a: linalg.solve_triangular(a, a.mT, upper=True, left=False),
    "det": linalg.det,
    "slogdet": lambda a: linalg.slogdet(a)[0] * linalg.slogdet(a)[1],
    "cholesky": lambda a: linalg.cholesky(_positive(a)),
    "cholesky_upper": lambda a: linalg.cholesky(_positive(a), upper=True),
    "lu": lambda a: linalg.lu(a)[1] @ linalg.lu(a)[2].cos(),
    "qr": lambda a: linalg.qr(a)[0].sin() @ linalg.qr(a)[1],
    "svd": _of_svd,
    "eigh": _of_eigenvalues,
    "eig": _of_eig,
    "pinv": linalg.pinv,
    "matrix_exp": linalg.matrix_exp,
    "householder_product": lambda a: linalg.householder_product(a, a[0]),
}
WIDE = ("qr", "svd", "pinv")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_of_complex_matrices(name):
    """First and second derivatives with respect to real and imaginary parts."""
    for shape in ((2, 2), (2, 3), (3, 2)) if name in WIDE else ((2, 2),):
        x, y = (_matrix(*shape, seed=n).requires_grad_() for n in (4, 5))

        def parts(x, y):
            return suiren.view_as_real(FUNCTIONS[name](suiren.complex(x, y)))

        with config(tier="interpreter"):
            assert gradcheck(parts, (x, y), fast_mode=True)
            assert gradgradcheck(parts, (x, y), fast_mode=True)
