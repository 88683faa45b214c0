"""Functions of matrices under the names that they had before `suiren.linalg`, and those that live outside of it.

Source: https://docs.pytorch.org/docs/stable/torch.html#blas-and-lapack-operations
"""

from __future__ import annotations

from suiren import dtypes
from suiren.api import casting, return_types
from suiren.api import linalg_factors as factors
from suiren.api import linalg_solving as solving
from suiren.api.arguments import check_tensor, dim_of
from suiren.api.complex import conjugate_transpose
from suiren.api.linalg_checks import check_same, check_square, of_one_batch
from suiren.api.linalg_norms import matrix_norm, vector_norm
from suiren.api.surface import public
from suiren.ops import creation, elementary, movement, pointwise, reduce, scan_sort
from suiren.ops import solving as ops
from suiren.trace.recording import record
from suiren.trace.storage import Stored
from suiren.warned import warn_once

_DEPRECATED = {
    "cholesky": "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch release.\nL = torch.cholesky(A)\n"
    "should be replaced with\nL = torch.linalg.cholesky(A)\nand\nU = torch.cholesky(A, upper=True)\nshould be replaced with\n"
    "U = torch.linalg.cholesky(A).mH\nThis transform will produce equivalent results for all valid (symmetric positive definite) inputs.",
    "qr": "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\nThe boolean parameter 'some' has been "
    "replaced with a string parameter 'mode'.\nQ, R = torch.qr(A, some)\nshould be replaced with\n"
    "Q, R = torch.linalg.qr(A, 'reduced' if some else 'complete')",
    "lu": "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will be removed in a future PyTorch release.\n"
    "LU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\nLU, pivots = torch.linalg.lu_factor(A, compute_pivots)\nand\n"
    "LU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)\nshould be replaced with\n"
    "LU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)",
    "lu_solve": "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch release.\nNote that "
    "torch.linalg.lu_solve has its arguments reversed.\nX = torch.lu_solve(B, LU, pivots)\nshould be replaced with\n"
    "X = torch.linalg.lu_solve(LU, pivots, B)",
    "triangular_solve": "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future PyTorch release.\n"
    "torch.linalg.solve_triangular has its arguments reversed and does not return a copy of one of the inputs.\n"
    "X = torch.triangular_solve(B, A).solution\nshould be replaced with\nX = torch.linalg.solve_triangular(A, B).",
}


@public(out=True)
@casting.wide
def cholesky(input, upper: bool = False):
    """See `linalg.cholesky`."""
    warn_once(_DEPRECATED["cholesky"])
    check_square("cholesky", input, kernel="cholesky_cpu")
    return factors.triangle(input, upper, "cholesky")[0]


@public(out=True)
@casting.wide
def inverse(input):
    """See `linalg.inv`."""
    return solving.inv(input)


@public()
def det(input):
    """See `linalg.det`."""
    return solving.det(input)


@public(out=True)
def slogdet(input):
    """(sign, log of the magnitude) of the determinant."""
    return return_types.slogdet(*solving.slogdet(input))


@public()
def logdet(input):
    """The logarithm of the determinant; -inf where that is 0, NaN where it is negative."""
    check_square("linalg.slogdet", input, kernel="lu_cpu")
    sign, size = solving.slogdet(input)
    return pointwise.add(size, elementary.log(sign))


@public()
def matrix_exp(input):
    """See `linalg.matrix_exp`."""
    return solving.matrix_exp(input)


@public(out=True)
def matrix_power(input, n: int):
    """See `linalg.matrix_power`."""
    return solving.matrix_power(input, n)


@public()
@casting.wide
def pinverse(input, rcond=1e-15):
    """The pseudoinverse; singular values up to rcond times the largest count as 0."""
    return solving.pinv(input, rtol=rcond)


@public(out=True)
@casting.wide
def svd(input, some: bool = True, compute_uv: bool = True):
    """(U, S, V) of U diag(S) V^H; U and V are square unless `some`, and zeros unless `compute_uv`."""
    if not compute_uv:
        m, n = input._spec.shape[-2:]
        zeros = [creation.zeros((*input._spec.shape[:-2], k, k), input._spec.dtype) for k in (m, n)]
        return return_types.svd(zeros[0], factors.svdvals(input), zeros[1])
    u, s, vh = factors.svd(input, not some)
    return return_types.svd(u, s, conjugate_transpose(vh))


@public(out=True)
@casting.wide
def qr(input, some: bool = True):
    """(Q, R); Q is square unless `some`."""
    warn_once(_DEPRECATED["qr"])
    return return_types.qr(*factors.qr(input, "reduced" if some else "complete"))


@public()
@casting.wide
def lu(A, pivot: bool = True, get_infos: bool = False):
    """(LU, pivots), and info with `get_infos`: see `linalg.lu_factor_ex`."""
    warn_once(_DEPRECATED["lu"])
    found = factors.factored(A, pivot, "" if get_infos else "torch.linalg.lu_factor_ex")
    return found if get_infos else found[:2]


@public(method=False, out=True)
def lu_unpack(LU_data, LU_pivots, unpack_data: bool = True, unpack_pivots: bool = True):
    """(P, L, U) from what `lu_factor` gives; empty tensors for what is not asked for."""
    if unpack_pivots and LU_pivots._spec.dtype is not dtypes.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    return return_types.lu_unpack(*factors.unpacked(LU_data, LU_pivots, unpack_data, unpack_pivots))


@public(out=True)
@casting.wide
def lu_solve(input, LU_data, LU_pivots):
    """X of A X = input from the factors of A."""
    warn_once(_DEPRECATED["lu_solve"])
    return factors.lu_solve(LU_data, LU_pivots, input)


def _check_sizes(function: str, A, b) -> None:
    """RuntimeError unless A X = b has a meaning."""
    if b._spec.ndim < 2:
        raise RuntimeError(f"torch.{function}: Expected b to have at least 2 dimensions, but it has {b._spec.ndim} dimensions instead")
    (m, n), (rows, columns) = A._spec.shape[-2:], b._spec.shape[-2:]
    if m != rows:
        raise RuntimeError(f"Incompatible matrix sizes for {function}: each A matrix is {m} by {n} but each b matrix is {rows} by {columns}")


@public(out=True)
@casting.wide
def triangular_solve(input, A, upper: bool = True, transpose: bool = False, unitriangular: bool = False):
    """(X of A X = input, A) for triangular A; of A^T with `transpose`."""
    warn_once(_DEPRECATED["triangular_solve"])
    check_square("triangular_solve", A)
    check_same("triangular_solve", A, input)
    _check_sizes("triangular_solve", A, input)
    both = of_one_batch(A, input)
    if transpose:
        found = record(ops.solve_triangular, (ops.transposed(both[0]), both[1]), (not upper, bool(unitriangular)))
    else:
        found = record(ops.solve_triangular, both, (bool(upper), bool(unitriangular)))
    return return_types.triangular_solve(found, record(creation.copy, (both[0],), ()))


@public(out=True)
@casting.wide
def cholesky_solve(input, input2, upper: bool = False):
    """X of A X = input, from Cholesky's factor of A."""
    check_square("cholesky_solve", input2)
    check_same("cholesky_solve", input2, input)
    _check_sizes("cholesky_solve", input2, input)
    factor, b = of_one_batch(input2, input)
    return record(ops.cholesky_solve, (factor, b), (bool(upper),))


@public(out=True)
@casting.wide
def cholesky_inverse(input, upper: bool = False):
    """The inverse of A, from Cholesky's factor of A."""
    check_square("cholesky_inverse", input)
    shape = input._spec.shape
    one = ops.diagonal_matrix(creation.constant(value=1, shape=shape[:-1], dtype=input._spec.dtype))
    return record(ops.cholesky_solve, (input, one), (bool(upper),))


# ---------------------------------------------------------------- integrals by trapezoids


def _panels(y, x, dx, dim: int, function: str):
    """(dim, the area of every panel)."""
    check_tensor(function, y, "y")
    if x is not None and dx is not None:
        raise RuntimeError(f"{function} expected either x or dx, but got both")
    if y._spec.dtype.category == 0:
        raise RuntimeError(f"{function}: received a bool input for `y`, but bool is not supported")
    d = dim_of(dim, y._spec.ndim)
    n = y._spec.shape[d] if y._spec.ndim else 1
    first, second = _ends(y, d, n)
    sums = pointwise.add(first, second)
    if x is None:
        return d, pointwise.mul(sums, (1 if dx is None else dx) / 2.0)
    if x._spec.dtype.category == 0:
        raise RuntimeError(f"{function}: received a bool input for `x`, but bool is not supported")
    if x._spec.ndim == 1:
        if x._spec.shape[0] != n:
            raise RuntimeError(f"{function}: There must be one `x` value for each sample point")
        a, b = _ends(x, 0, n)
        width = pointwise.sub(b, a)
        width = movement.reshape(width, shape=(*width._spec.shape, *(1,) * (y._spec.ndim - d - 1)))
    else:
        at = x._spec.ndim + d - y._spec.ndim
        a, b = _ends(x, at, x._spec.shape[at])
        width = pointwise.sub(b, a)
    return d, pointwise.div(pointwise.mul(sums, width), 2.0)


def _ends(t, dim: int, n: int):
    """Without the last, without the first place of a dim."""
    shape = t._spec.shape
    sizes = (*shape[:dim], max(n - 1, 0), *shape[dim + 1 :])
    start = (*(0,) * dim, min(1, n), *(0,) * (len(shape) - dim - 1))
    steps = (1,) * len(shape)
    return movement.slice(t, starts=(0,) * len(shape), sizes=sizes, steps=steps), movement.slice(t, starts=start, sizes=sizes, steps=steps)


def _spacing(x, dx):
    return (None, x) if x is not None and not isinstance(x, Stored) else (x, dx)


@public(method=False)
def trapezoid(y, x=None, *, dx=None, dim: int = -1):
    """The integral of samples along a dim, by straight lines between them; they are `dx` (1) apart, or at the places `x`."""
    d, areas = _panels(y, x, dx, dim, "trapezoid")
    return record(reduce.sum, (areas,), ((d,), False))


@public(method=False)
def trapz(y, x=None, *, dx=None, dim: int = -1):
    """See `trapezoid`."""
    return trapezoid(y, x, dx=dx, dim=dim)


@public(method=False)
def cumulative_trapezoid(y, x=None, *, dx=None, dim: int = -1):
    """The running integral of samples along a dim: see `trapezoid`."""
    d, areas = _panels(y, x, dx, dim, "cumulative_trapezoid")
    return record(scan_sort.cumsum, (areas,), (d,))


# ---------------------------------------------------------------- norms by name


@public(method=False, out=True)
def frobenius_norm(input, dim=(), keepdim: bool = False):
    """The square root of the sum of squares, along dims."""
    return vector_norm(input, 2, tuple(dim) if isinstance(dim, (tuple, list)) else dim, keepdim)


@public(method=False, out=True)
def nuclear_norm(input, dim=(-2, -1), keepdim: bool = False):
    """The sum of the singular values of matrices."""
    if isinstance(dim, bool):  # nuclear_norm(input, keepdim)
        dim, keepdim = (-2, -1), dim
    return matrix_norm(input, "nuc", dim, keepdim)


# ---------------------------------------------------------------- names that PyTorch has kept to say what took their place

_GONE = "This function was deprecated since version 1.9 and is now removed."
_WHERE = {
    "eig": "`torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather than real tensors mimicking complex tensors.",
    "symeig": "The default behavior has changed from using the upper triangular portion of the matrix by default to using the lower triangular portion. "
    "See `torch.linalg.eigvalsh` and `torch.linalg.eigh`.",
    "solve": "`torch.solve` is deprecated in favor of `torch.linalg.solve`. `torch.linalg.solve` has its arguments reversed and does not return "
    "the LU factorization.",
    "lstsq": "`torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.",
    "matrix_rank": "Please use the `torch.linalg.matrix_rank` function instead.",
}


def _removed(name: str, text: str) -> None:
    def f(input, *args, **kwargs):
        raise RuntimeError(f"{_GONE}\n{text}" if name == "matrix_rank" else f"{_GONE} {text}")

    f.__name__ = name
    f.__doc__ = "Not there any more, in PyTorch neither: RuntimeError."
    public(name, method=name != "matrix_rank")(f)


for _name, _text in _WHERE.items():
    _removed(_name, _text)
