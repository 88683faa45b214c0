"""Inverses, systems of equations, determinants. Matrices are the last two dims; all dims before them are a batch, equal for all inputs.

Gradients hold for complex numbers too: x^H is the conjugate transpose. A rule that has a complex derivative is written for real numbers and turned
by `holomorphic`.
"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.ops import linalg_arrays as arrays
from suiren.ops.compare import ge, where
from suiren.ops.complex import complex, conjugate, holomorphic, imag, is_complex
from suiren.ops.creation import iota, wanted, zeros
from suiren.ops.matmul import matmul
from suiren.ops.movement import diagonal, embed, reshape, slice, transpose
from suiren.ops.placement import cat
from suiren.ops.pointwise import add, mul, neg, sub
from suiren.ops.reduce import sum
from suiren.trace.op import INTERPRETER_ONLY, Opaque
from suiren.trace.spec import Spec, spec


class _LinAlgError(RuntimeError):
    """Raised by torch.linalg function when the cause of error is a numerical inconsistency in the data."""


LinAlgError = _LinAlgError  # as in PyTorch, whose messages show the name with the underscore


class _OfMatrices(Opaque):
    """An opaque op on matrices: what it costs is their sizes' product.

    `fails`: (an output, words). Where the data can make it fail, that output says for which matrices: integers that are not 0, or floats that are NaN.
    Such an op has a last parameter `check`: with a function's name it raises in that name, with '' it goes on. Who calls it with a name
    should rather call it with '' and then `judge`: a program that raises leaves no values.
    """

    def __init__(self, name, *, fails=None, **kw):
        super().__init__(name, lower=INTERPRETER_ONLY, lead=lambda sizes, inputs, **params: params, **kw)
        self.fails = fails

    def run(self, arrays, inputs, params, specs):
        found = super().run(arrays, inputs, params, specs)
        if self.fails is not None and params[-1]:
            self.judge(found[self.fails[0]], params[-1])
        return found

    def judge(self, told: np.ndarray, check: str) -> None:
        """Raises, in the name of a function, if the output that tells of failures does."""
        if told.dtype.kind != "i":
            told = np.isnan(told).any(-1).astype(np.int32)
        if told.any():
            place = int(np.flatnonzero(told.reshape(-1))[0])
            batch = f"(Batch element {place}): " if told.ndim else ""
            raise self.fails[1](f"{check}: {batch}", int(told.reshape(-1)[place]))

    def work(self, inputs, specs, params):
        return max((s.numel * s.shape[-1] for s in (*inputs, *specs) if isinstance(s, Spec) and s.ndim > 1), default=1)


of_matrices = _OfMatrices

# ---------------------------------------------------------------- what the rules are written with


def shape_of(x) -> tuple[int, ...]:
    return x._spec.shape


def adjoint(x):
    """x^H."""
    return conjugate(transpose(x, x._spec.ndim))


def transposed(x):
    return transpose(x, x._spec.ndim)


def _corner(x, offset: int, below: bool):
    m, n = shape_of(x)[-2:]
    rows, columns = reshape(iota(size=m), shape=(m, 1)), iota(size=n)
    return where(ge(rows, sub(columns, offset)) if below else ge(columns, add(rows, offset)), x, 0)


def tril(x, offset: int = 0):
    """x on and below a diagonal, 0 above."""
    return _corner(x, offset, True)


def triu(x, offset: int = 0):
    return _corner(x, offset, False)


def diagonal_of(x):
    n = x._spec.ndim
    return diagonal(x, offset=0, dim1=n - 2, dim2=n - 1)


def diagonal_matrix(d):
    """(…, N) as the diagonals of (…, N, N)."""
    shape = shape_of(d)
    n = len(shape)
    return embed(d, spec((*shape, shape[-1]), d._spec.dtype), diagonal, (0, n - 1, n))


def as_row(d):
    """(…, N) -> (…, 1, N)."""
    return reshape(d, shape=(*shape_of(d)[:-1], 1, shape_of(d)[-1]))


def as_column(d):
    return reshape(d, shape=(*shape_of(d), 1))


def columns(x, start: int, stop: int):
    """Columns start … stop - 1."""
    shape = shape_of(x)
    return slice(x, starts=(0,) * (len(shape) - 1) + (start,), sizes=(*shape[:-1], stop - start), steps=(1,) * len(shape))


def rows(x, start: int, stop: int):
    shape = shape_of(x)
    return slice(x, starts=(0,) * (len(shape) - 2) + (start, 0), sizes=(*shape[:-2], stop - start, shape[-1]), steps=(1,) * len(shape))


def product(*factors):
    found = factors[0]
    for x in factors[1:]:
        found = matmul(found, x)
    return found


# ---------------------------------------------------------------- inverse


def _singular_inverse(start: str, place: int):
    return LinAlgError(f"{start}The diagonal element {place} is zero, the inversion could not be completed because the input matrix is singular.")


def _zero_pivots(a: np.ndarray) -> np.ndarray:
    """0, or the first zero pivot of elimination."""
    return arrays.lu(a)[2]


def _inv(a, *, check):
    try:
        return np.linalg.inv(a), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        return arrays.solve(a, np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)), _zero_pivots(a)


def _inv_grad(g0, out0):
    return (None if g0 is None else neg(product(adjoint(out0), g0, adjoint(out0))),)


inv = of_matrices(
    "linalg_inv_ex",
    inputs=("a",),
    params=("check",),
    outputs=2,
    infer=lambda a, *, check: (spec(a.shape, a.dtype), spec(a.shape[:-2], dtypes.int32)),
    numpy=_inv,
    fails=(1, _singular_inverse),
    grad=_inv_grad,
    doc="(the inverse, 0 or the first zero pivot). LinAlgError in the name of `check` if one is singular; with '' the inverse is not finite.",
)


def inverse(a):
    """The inverse for a gradient rule: not finite where there is none."""
    return inv(a, check="")[0]


# ---------------------------------------------------------------- systems of equations


def _infer_solve(a: Spec, b: Spec, **params):
    return spec(b.shape, b.dtype)


def _singular(start: str, place: int):
    return LinAlgError(f"{start}The solver failed because the input matrix is singular.")


def _solve(a, b, *, check):
    try:
        return np.linalg.solve(a, b), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        return arrays.solve(a, b), _zero_pivots(a)


def _solve_grad(g0, out0, a, a_spec):
    """B: A^-H g. A: that, times -X^H."""
    if g0 is None:
        return None, None
    grad_b = solution(adjoint(a), g0)
    return neg(matmul(grad_b, adjoint(out0))) if wanted(a_spec) else None, grad_b


solve = of_matrices(
    "linalg_solve_ex",
    inputs=("a", "b"),
    params=("check",),
    outputs=2,
    infer=lambda a, b, *, check: (_infer_solve(a, b), spec(a.shape[:-2], dtypes.int32)),
    numpy=_solve,
    fails=(1, _singular),
    grad=_solve_grad,
    doc="(X of A X = B, 0 or the first zero pivot) for (…, N, N) and (…, N, K). LinAlgError in the name of `check` if a matrix is singular.",
)


def solution(a, b):
    """X of A X = B for a gradient rule: not finite where A is singular."""
    return solve(a, b, check="")[0]


def _solve_triangular_grad(g, out, a, a_spec, upper, unit):
    grad_b = solve_triangular(adjoint(a), g, upper=not upper, unit=unit)
    if not wanted(a_spec):
        return None, grad_b
    grad_a = neg(matmul(grad_b, adjoint(out)))
    return triu(grad_a, int(unit)) if upper else tril(grad_a, -int(unit)), grad_b


solve_triangular = of_matrices(
    "linalg_solve_triangular",
    inputs=("a", "b"),
    params=("upper", "unit"),
    infer=_infer_solve,
    numpy=lambda a, b, *, upper, unit: arrays.substitute(a, b, upper, unit),
    grad=_solve_triangular_grad,
    doc="X of A X = B for triangular A, of which one triangle is read; `unit`: its diagonal counts as ones.",
)


def _cholesky_solve(factor, b, *, upper):
    other = np.conj(np.swapaxes(factor, -1, -2))
    low, high = (other, factor) if upper else (factor, other)
    return arrays.substitute(high, arrays.substitute(low, b, False, False), True, False)


def _cholesky_solve_grad(g, out, factor, factor_spec, upper):
    """Of A = L L^H as a whole: what L has above its diagonal is not read, but has a gradient, as in PyTorch."""
    grad_b = cholesky_solve(factor, g, upper=upper)
    if not wanted(factor_spec):
        return None, grad_b
    both = matmul(grad_b, adjoint(out))
    both = neg(add(both, adjoint(both)))
    return matmul(factor, both) if upper else matmul(both, factor), grad_b


cholesky_solve = of_matrices(
    "cholesky_solve",
    inputs=("factor", "b"),
    params=("upper",),
    infer=_infer_solve,
    numpy=_cholesky_solve,
    grad=_cholesky_solve_grad,
    doc="X of L L^H X = B; of U^H U X = B if `upper`.",
)

# ---------------------------------------------------------------- determinants


def _vanishing(x):
    """(…) -> (…, 1, 1)."""
    return reshape(x, shape=(*shape_of(x), 1, 1))


cofactors = of_matrices(
    "cofactors",
    inputs=("a",),
    infer=lambda a: spec(a.shape, a.dtype),
    numpy=arrays.cofactors,
    grad=holomorphic(lambda g, out, a: (_cofactors_grad(g, out, a),)),
    doc="The derivative of the determinant: det(A) A^-T, of singular matrices too.",
)


def _cofactors_grad(g, out, a):
    n = a._spec.ndim
    turned = transposed(inverse(a))
    whole = sum(mul(g, out), dims=(n - 2, n - 1), keepdim=True)
    return sub(mul(whole, turned), product(out, transposed(g), turned))


det = of_matrices(
    "linalg_det",
    inputs=("a",),
    infer=lambda a: spec(a.shape[:-2], a.dtype),
    numpy=np.linalg.det,
    grad=holomorphic(lambda g, a: (mul(_vanishing(g), cofactors(a)),)),
    doc="The determinant.",
)


def _slogdet_grad(g0, g1, out0, a, a_spec):
    """The logarithm moves with Re tr(A⁻¹ dA), the angle of the sign with its imaginary part."""
    if not is_complex(a_spec):
        return (None if g1 is None else mul(_vanishing(g1), adjoint(inverse(a))),)
    angle = None if g0 is None else neg(imag(mul(conjugate(g0), out0)))
    if g1 is None and angle is None:
        return (None,)
    along = zeros(a_spec.shape[:-2], a_spec.dtype.to_real()) if g1 is None else g1
    both = complex(along, zeros(a_spec.shape[:-2], a_spec.dtype.to_real()) if angle is None else angle)
    return (mul(_vanishing(both), adjoint(inverse(a))),)


slogdet = of_matrices(
    "linalg_slogdet",
    inputs=("a",),
    outputs=2,
    infer=lambda a: (spec(a.shape[:-2], a.dtype), spec(a.shape[:-2], a.dtype.to_real())),
    numpy=lambda a: tuple(np.linalg.slogdet(a)),
    grad=_slogdet_grad,
    doc="(sign, log of the magnitude) of the determinant.",
)

# ---------------------------------------------------------------- exponential


def _matrix_exp_grad(g, a, a_spec):
    """exp([[A^H, g], [0, A^H]]) has the gradient in its upper right corner."""
    n, turned = a_spec.shape[-1], adjoint(a)
    dim = a_spec.ndim - 1
    above = cat(turned, g, dim=dim)
    below = cat(zeros(a_spec.shape, a_spec.dtype), turned, dim=dim)
    return (columns(rows(matrix_exp(cat(above, below, dim=dim - 1)), 0, n), n, 2 * n),)


matrix_exp = of_matrices(
    "linalg_matrix_exp", inputs=("a",), infer=lambda a: spec(a.shape, a.dtype), numpy=arrays.matrix_exp, grad=_matrix_exp_grad, doc="e to the power of a matrix."
)

# ---------------------------------------------------------------- pseudoinverse, least squares


def _pinv(a, bound, *, hermitian):
    bound = np.asarray(bound)[..., None]
    if hermitian:
        s, u = np.linalg.eigh(a)
        vh = np.conj(np.swapaxes(u, -1, -2))
    else:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
    large = np.abs(s) > bound
    inverse_s = np.where(large, 1 / np.where(large, s, 1), 0).astype(s.dtype)
    return np.conj(np.swapaxes(vh, -1, -2)) * inverse_s[..., None, :] @ np.conj(np.swapaxes(u, -1, -2))


def _pinv_grad(g, out, a, a_spec):
    """Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems", 1973."""
    p, gh, ph = out, adjoint(g), adjoint(out)
    if a_spec.shape[-2] <= a_spec.shape[-1]:
        k = matmul(gh, p)
        kph = matmul(k, ph)
        found = add(add(neg(adjoint(matmul(p, k))), kph), neg(product(a, p, kph)))
        return add(found, matmul(matmul(ph, p), sub(gh, matmul(k, a)))), None
    k = matmul(p, gh)
    phk = matmul(ph, k)
    found = add(neg(adjoint(matmul(k, p))), product(sub(gh, matmul(a, k)), p, ph))
    return add(found, sub(phk, product(phk, p, a))), None


pinv = of_matrices(
    "linalg_pinv",
    inputs=("a", "bound"),
    params=("hermitian",),
    infer=lambda a, bound, *, hermitian: spec((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype),
    numpy=_pinv,
    grad=_pinv_grad,
    grad_name="LinalgPinvBackward0",
    doc="The pseudoinverse; singular values (of Hermitian matrices, magnitudes of eigenvalues) up to `bound`, one number per matrix, count as 0.",
)


def _lstsq(a, b, *, rcond):
    lead, (m, n), k = a.shape[:-2], a.shape[-2:], b.shape[-1]
    a, b = arrays.stacked(a), arrays.stacked(b)
    x = np.zeros((len(a), n, k), a.dtype)
    rank, s = np.zeros(len(a), np.int64), np.zeros((len(a), min(m, n)), a.real.dtype)
    for i in range(len(a)):
        if not a[i].size:
            continue
        if np.isfinite(a[i]).all():
            x[i], _, rank[i], s[i] = np.linalg.lstsq(a[i], b[i], rcond)
        else:
            x[i], s[i] = np.nan, np.nan
    return x.reshape(*lead, n, k), rank.reshape(lead), s.reshape(*lead, min(m, n))


def _lstsq_grad(g0, a, b, a_spec, b_spec, rcond):
    """X = A⁺ B."""
    if g0 is None:
        return None, None
    largest = zeros(a_spec.shape[:-2], a_spec.dtype.to_real())
    p = pinv(a, largest, hermitian=False)
    grad_a = _pinv_grad(matmul(g0, adjoint(b)), p, a, a_spec)[0] if wanted(a_spec) else None
    return grad_a, matmul(adjoint(p), g0) if wanted(b_spec) else None


lstsq = of_matrices(
    "linalg_lstsq",
    inputs=("a", "b"),
    params=("rcond",),
    outputs=3,
    infer=lambda a, b, *, rcond: (
        spec((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype),
        spec(a.shape[:-2], dtypes.int64),
        spec((*a.shape[:-2], min(a.shape[-2:])), a.dtype.to_real()),
    ),
    numpy=_lstsq,
    grad=_lstsq_grad,
    doc="(X with the least |A X - B|, rank, singular values); singular values below `rcond` times the largest count as 0.",
)

__all__ = [
    "LinAlgError", "adjoint", "as_column", "as_row", "cholesky_solve", "cofactors", "columns", "det", "diagonal_matrix", "diagonal_of", "inv", "inverse", "lstsq",
    "matrix_exp", "of_matrices", "pinv", "product", "rows", "shape_of", "slogdet", "solution", "solve", "solve_triangular", "transposed",
    "tril", "triu",
]  # fmt: skip
