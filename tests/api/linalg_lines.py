"""Lines of PyTorch for suiren/api/linalg_*.py and complex.py, written as those of expressions.py; what PyTorch gave is in tests/recorded/linalg.npz.

Signs and phases of singular vectors and eigenvectors are free, so lines look at magnitudes and products of them.
"""

from __future__ import annotations

from tests.api.expressions import parsed

LINES: dict[str, str] = {}

LINES["linalg_factors"] = """
t.linalg.cholesky(m @ m.T + t.eye(3)); t.linalg.cholesky(m @ m.T + t.eye(3), upper=True); t.linalg.cholesky(b @ b.mT + t.eye(3)); t.linalg.cholesky(t.zeros(0, 3, 3)); t.linalg.cholesky(t.zeros(0, 0))
t.linalg.cholesky(m); t.linalg.cholesky(t.zeros(2, 3, 3)); t.linalg.cholesky(x); t.linalg.cholesky(v); t.linalg.cholesky(k[:, :3]); t.linalg.cholesky(m.half()); t.linalg.cholesky(t.eye(3) * float('nan'))
t.linalg.cholesky_ex(t.tensor([[1.0, 2.0], [2.0, 1.0]])); t.linalg.cholesky_ex(m @ m.T + t.eye(3)); t.linalg.cholesky_ex(t.zeros(3, 3), check_errors=True); str(t.linalg.cholesky_ex(t.eye(1)))
a = t.complex(m, m.T); t.linalg.cholesky(a @ a.mH + t.eye(3)).abs() ;; a = t.complex(m, m.T); t.linalg.cholesky(a @ a.mH + t.eye(3), upper=True).real
a = t.zeros(2, 2) + 1; t.linalg.cholesky_ex(a)[1].item() ;; a = t.zeros(2, 2); o = t.ones(2, 2) * 2; t.linalg.cholesky(o + t.eye(2), out=a); a
t.linalg.lu_factor(m); t.linalg.lu_factor(x); t.linalg.lu_factor(x.T); t.linalg.lu_factor(b); t.linalg.lu(m); t.linalg.lu(x); t.linalg.lu(x.T); t.linalg.lu(b.mT); t.linalg.lu(t.complex(m, m.T))
t.linalg.lu_factor(t.zeros(2, 2)); t.linalg.lu_factor_ex(t.zeros(2, 2)); t.linalg.lu_factor(t.zeros(2, 2, 2)); t.linalg.lu_factor(m, pivot=False); t.linalg.lu_factor(v); t.linalg.lu_factor(k); t.linalg.lu(t.zeros(0, 3))
a = t.linalg.lu_factor(m); t.linalg.lu_solve(a.LU, a.pivots, x) ;; a = t.linalg.lu_factor(m); t.linalg.lu_solve(a.LU, a.pivots, x.T, left=False) ;; a = t.linalg.lu_factor(m); t.linalg.lu_solve(a.LU, a.pivots, x, adjoint=True)
a = t.linalg.lu_factor(b[:, :, :3]); t.linalg.lu_solve(a.LU, a.pivots, x) ;; a = t.linalg.lu_factor(t.complex(m, m.T)); t.linalg.lu_solve(a.LU, a.pivots, x + 0j, adjoint=True) ;; a = t.linalg.lu_factor(m); t.linalg.lu_solve(a.LU, a.pivots, w)
t.linalg.ldl_factor((m + m.T).detach()); t.linalg.ldl_factor(t.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])); t.linalg.ldl_factor_ex(t.zeros(2, 2)); t.linalg.ldl_factor(x.detach())
a = t.linalg.ldl_factor(t.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])); t.linalg.ldl_solve(a.LD, a.pivots, x.detach()) ;; a = t.linalg.ldl_factor((m + m.T).detach()); t.linalg.ldl_solve(a.LD, a.pivots, x.detach())
a = t.complex(m + m.T, m - m.T).detach(); o = t.linalg.ldl_factor(a, hermitian=True); [*o, t.linalg.ldl_solve(*o, x.detach() + 1j, hermitian=True)] ;; a = t.complex(m + m.T, m + m.T).detach(); o = t.linalg.ldl_factor(a); [*o, t.linalg.ldl_solve(*o, x.detach() + 1j)]
t.linalg.qr(x); t.linalg.qr(x.T); t.linalg.qr(b); t.linalg.qr(m, 'complete'); t.linalg.qr(x, 'r'); t.linalg.qr(x.T.detach(), 'complete'); t.linalg.qr(m, 'x'); t.linalg.qr(v); t.linalg.qr(t.complex(m, m.T)); t.linalg.qr(t.complex(x, y)); t.linalg.qr(t.zeros(3, 0))
a = t.linalg.qr(x.T, 'complete'); a.Q.sum().backward() ;; a = t.linalg.qr(x, 'r'); a.R.sum().backward() ;; a = t.geqrf(x.T.detach()); t.linalg.householder_product(*a) ;; a = t.geqrf(x.T.detach()); t.orgqr(*a)
t.linalg.householder_product(x.T, u); t.linalg.householder_product(x.T, u[:2]); t.linalg.householder_product(b.mT, x[:2, :3]); t.linalg.householder_product(x, u); t.ormqr(x.T, u, x.T); t.ormqr(x.T, u, x, left=False, transpose=True); t.geqrf(x.detach())
a = t.linalg.svd(x); [a.U.abs(), a.S, a.Vh[:3].abs()] ;; a = t.linalg.svd(x.T, full_matrices=False); [a.U.abs(), a.S, a.Vh.abs()] ;; a = t.linalg.svd(b, False); (a.U * (a.S ** 2)[:, None]) @ a.Vh ;; a = t.linalg.svd(t.complex(x, y), False); (a.U * a.S.sin()) @ a.Vh
t.linalg.svdvals(x); t.linalg.svdvals(b); t.linalg.svdvals(t.complex(x, y)); t.linalg.svd(n); t.linalg.svdvals(v); t.linalg.svd(k); t.linalg.svd(x.detach(), driver='gesvd'); t.linalg.svd(t.zeros(0, 3)).S; str(t.linalg.svd(t.eye(1)))
a = t.linalg.svd(t.complex(x, y), False); t.view_as_real(a.U).sum().backward(); x.grad.sum().item() ;; a = t.linalg.eigh(t.complex(m + m.T, m - m.T)); a[1].real.sum().backward(); m.grad.sum().item() ;; a = t.linalg.eig(t.complex(m, m.T)); a[1].real.sum().backward(); m.grad.sum().item()
a = t.linalg.eigh(m + m.T); [a[0], a[1].abs()] ;; a = t.linalg.eigh(m, UPLO='U'); [a[0], a[1].abs()] ;; a = t.linalg.eigh(b @ b.mT); (a[1] * a[0].exp()[:, None]) @ a[1].mT ;; a = t.linalg.eigh(t.complex(m + m.T, m - m.T)); (a[1] * a[0].sin()) @ a[1].mH
t.linalg.eigvalsh(m + m.T); t.linalg.eigvalsh(m, 'U'); t.linalg.eigvalsh(t.complex(m, m.T)); t.linalg.eigh(x); t.linalg.eigh(m, 'X'); t.linalg.eigh(k[:, :3]); t.linalg.eigh(t.zeros(0, 0)).eigenvalues
a = t.linalg.eig(t.complex(m, m.T)); o = a[0].abs().argsort(); a[0][o] ;; a = t.linalg.eig(m.double()); (a[1] * a[0].exp()) @ t.linalg.inv(a[1]) ;; a = t.linalg.eig(b[:, :, :3].double()); (a[1] * (a[0] ** 3)[:, None]) @ t.linalg.inv(a[1])
t.linalg.eig(t.tensor([[float('nan')]])); t.linalg.eig(x); t.linalg.eigvals(m + m.T).real.sort().values; t.linalg.eigvals(m.double()).sum(); t.linalg.eig(t.zeros(0, 0)).eigenvalues
"""

LINES["linalg_solving"] = """
t.linalg.solve(m, x); t.linalg.solve(m, u); t.linalg.solve(b[:, :, :3], x); t.linalg.solve(b[:, :, :3], x[:2, :3]); t.linalg.solve(m, x.T, left=False); t.linalg.solve(t.complex(m, m.T), t.complex(x, y)); t.linalg.solve(t.zeros(0, 3, 3), x)
t.linalg.solve(t.zeros(2, 2), t.ones(2, 2)); t.linalg.solve(t.zeros(2, 2, 2), t.ones(2, 2)); t.linalg.solve(m, w); t.linalg.solve(m, x.double()); t.linalg.solve(x, x); t.linalg.solve(k[:, :3], k); t.linalg.solve_ex(m, x); t.linalg.solve_ex(t.zeros(2, 2), t.ones(2, 1))[1]
t.linalg.solve_triangular(m, x, upper=True); t.linalg.solve_triangular(m, x, upper=False); t.linalg.solve_triangular(m, x.T, upper=True, left=False); t.linalg.solve_triangular(m, x, upper=False, unitriangular=True); t.linalg.solve_triangular(t.complex(m, m.T), x + 0j, upper=True)
t.linalg.solve_triangular(b[:, :, :3], x, upper=True); t.linalg.solve_triangular(m, w, upper=True); t.linalg.solve_triangular(m, u, upper=True); t.linalg.solve_triangular(t.zeros(2, 2), t.ones(2, 1), upper=False)
t.linalg.inv(m); t.linalg.inv(b[:, :, :3]); t.linalg.inv(t.complex(m, m.T)); t.linalg.inv(t.zeros(2, 2)); t.linalg.inv(t.stack([t.eye(2), t.ones(2, 2)])); t.linalg.inv(x); t.linalg.inv(v); t.linalg.inv(m.half()); t.linalg.inv_ex(t.ones(2, 2))[1]; m.inverse(); t.inverse(m)
t.linalg.det(m); t.linalg.det(b[:, :, :3]); t.linalg.det(t.complex(m, m.T)); t.linalg.det(t.zeros(0, 0)); t.linalg.det(x); t.linalg.det(k[:, :3]); t.det(m); m.det(); t.linalg.det(u[:, None] * u); t.linalg.det(u[:, None] * v[:3]); t.linalg.det(m * t.tensor([1.0, 1.0, 0.0]))
t.linalg.slogdet(m); t.linalg.slogdet(b[:, :, :3]); t.linalg.slogdet(t.complex(m, m.T)); t.slogdet(m); t.logdet(m @ m.T); t.logdet(-t.eye(3)); t.logdet(t.zeros(2, 2)); m.logdet(); t.linalg.slogdet(t.zeros(2, 2)); str(t.slogdet(t.eye(1)))
t.linalg.matrix_exp(m); t.linalg.matrix_exp(b[:, :, :3] * 5); t.linalg.matrix_exp(t.complex(m, m.T)); t.matrix_exp(m / 1000); t.linalg.matrix_exp(t.zeros(0, 0)); t.linalg.matrix_exp(x); m.matrix_exp()
t.linalg.matrix_power(m, 3); t.linalg.matrix_power(m, 0); t.linalg.matrix_power(m, -2); t.linalg.matrix_power(b[:, :, :3], 2); t.linalg.matrix_power(x, 2); t.linalg.matrix_power(t.zeros(2, 2), -1); m.matrix_power(1)
t.linalg.pinv(x.double()); t.linalg.pinv(x.T.double()); t.linalg.pinv(b.double()); t.linalg.pinv(t.complex(x, y)); t.linalg.pinv((m + m.T).double(), hermitian=True); t.linalg.pinv(x, atol=1.5); t.linalg.pinv(x.double(), rtol=t.tensor(0.4)); t.pinverse(x); t.linalg.pinv(t.zeros(0, 3)); t.linalg.pinv(v)
t.linalg.lstsq(x.T, w); t.linalg.lstsq(x, m); t.linalg.lstsq(b.mT, v); t.linalg.lstsq(x.T, w, driver='gels'); t.linalg.lstsq(x.T, w, driver='gelsd'); t.linalg.lstsq(t.complex(x, y).T, w + 0j).solution; t.linalg.lstsq(x, w); t.linalg.lstsq(x, m, driver='q'); t.linalg.lstsq(v, v)
t.linalg.tensorinv(w.reshape(4, 5)[:, :4].reshape(2, 2, 4) + t.eye(4).reshape(2, 2, 4) * 3, ind=2); t.linalg.tensorinv(x, 1); t.linalg.tensorinv(x, 0); t.linalg.tensorsolve(t.eye(6).reshape(2, 3, 6) * 2, x[:2, :3]); t.linalg.tensorsolve(t.eye(6).reshape(2, 6, 3) * 2, x[:2, :3], dims=(1,))
t.linalg.multi_dot([x, w]); t.linalg.multi_dot([u, x, w]); t.linalg.multi_dot([m, x, w, w.T, v]); t.linalg.multi_dot([x]); t.linalg.multi_dot([x, x]); t.linalg.multi_dot([b, x]); t.linalg.cross(m, m.T); t.linalg.cross(x, y, dim=0); t.linalg.cross(x, y); t.linalg.cross(m, u)
t.linalg.vecdot(x, y); t.linalg.vecdot(x, y, dim=0); t.linalg.vecdot(t.complex(x, y), t.complex(y, x)); t.linalg.diagonal(b); t.linalg.diagonal(b, offset=1, dim1=0); t.linalg.vander(v); t.linalg.vander(k, N=3); t.linalg.vander(v, N=1); t.linalg.matmul(x, w); t.vdot(v, v)
"""

LINES["linalg_norms"] = """
t.linalg.norm(x); t.linalg.norm(x, 'fro'); t.linalg.norm(x, 'nuc'); t.linalg.norm(x, 2); t.linalg.norm(x, -2); t.linalg.norm(x, 1); t.linalg.norm(x, float('inf')); t.linalg.norm(x, -1); t.linalg.norm(v, 3); t.linalg.norm(b, dim=(0, 2)); t.linalg.norm(b, 1, dim=(0, 2), keepdim=True)
t.linalg.norm(b, 2); t.linalg.norm(v, 'fro'); t.linalg.norm(b, 2, dim=(0, 1, 2)); t.linalg.norm(x, 'x'); t.linalg.norm(k); t.linalg.norm(x, dtype=t.float64); t.linalg.norm(t.complex(x, y), dim=1); t.linalg.norm(x, dtype=t.complex64); t.linalg.norm(z, 2); t.linalg.norm(b, 0, dim=1)
t.linalg.vector_norm(x); t.linalg.vector_norm(x, 1, 0); t.linalg.vector_norm(x, 0); t.linalg.vector_norm(x, float('inf'), (0, 1), True); t.linalg.vector_norm(x, -float('inf'), 1); t.linalg.vector_norm(x, 3.5, 1); t.linalg.vector_norm(x, -2); t.linalg.vector_norm(x, 'fro'); t.linalg.vector_norm(e, float('inf')); t.linalg.vector_norm(t.complex(x, y), 3)
t.linalg.matrix_norm(b); t.linalg.matrix_norm(b, 'nuc', (0, 1)); t.linalg.matrix_norm(b, 1, (1, 0)); t.linalg.matrix_norm(b, float('inf'), keepdim=True); t.linalg.matrix_norm(b, 2, keepdim=True); t.linalg.matrix_norm(x, 3); t.linalg.matrix_norm(v); t.linalg.matrix_norm(x, dim=(0, 0)); t.linalg.matrix_norm(t.complex(x, y), 'nuc')
t.linalg.cond(m); t.linalg.cond(m, 2); t.linalg.cond(m, -2); t.linalg.cond(m, 'fro'); t.linalg.cond(m, 'nuc'); t.linalg.cond(m, 1); t.linalg.cond(b[:, :, :3], float('inf')); t.linalg.cond(x); t.linalg.cond(x, 1); t.linalg.cond(t.ones(2, 2), 1); t.linalg.cond(m, 3); t.linalg.cond(v)
t.linalg.matrix_rank(x); t.linalg.matrix_rank(t.ones(3, 3)); t.linalg.matrix_rank(b); t.linalg.matrix_rank(x, atol=2.5); t.linalg.matrix_rank(x, rtol=0.5); t.linalg.matrix_rank(m + m.T, hermitian=True); t.linalg.matrix_rank(x, t.tensor(2.0)); t.linalg.matrix_rank(v); t.linalg.matrix_rank(t.zeros(0, 3)); t.linalg.matrix_rank(t.zeros(2, 2))
t.norm(x, 'nuc'); t.norm(t.complex(x, y)); x.norm('nuc'); t.norm(x, 2, 1)
"""

LINES["linalg_old"] = """
t.cholesky(m @ m.T + t.eye(3)); t.cholesky(m @ m.T + t.eye(3), True); t.cholesky(m); m.det(); t.slogdet(m); t.qr(x); t.qr(x, some=False); t.lu(m); m.lu(get_infos=True)
a = t.svd(x); [a.U.abs(), a.S, a.V.abs()] ;; a = t.svd(x, compute_uv=False); a ;; a = x.svd(some=False); [a.U.abs(), a.S, a.V[:, :3].abs()] ;; a = t.lu(m); t.lu_unpack(*a) ;; a = t.lu(m); t.lu_unpack(*a, unpack_data=False) ;; a = t.lu(m); t.lu_solve(x, *a)
t.triangular_solve(x, m); t.triangular_solve(x, m, upper=False); t.triangular_solve(x, m, transpose=True); t.triangular_solve(x, m, unitriangular=True); t.triangular_solve(w, m); x.triangular_solve(m).solution
t.cholesky_solve(x, t.tril(m)); t.cholesky_solve(x, t.triu(m), upper=True); t.cholesky_inverse(t.tril(m)); t.cholesky_inverse(t.triu(m), True); t.cholesky_solve(w, m); x.cholesky_solve(m.tril())
t.frobenius_norm(x, 1); t.frobenius_norm(b, (0, 1), True); t.nuclear_norm(x); t.nuclear_norm(b, (0, 2)); t.eig(m); t.symeig(m); t.solve(x, m); t.lstsq(x, m); t.matrix_rank(m); m.eig(); m.lstsq(x)
t.trapezoid(x); t.trapezoid(x, dx=0.5, dim=0); t.trapezoid(x, y); t.trapezoid(x, v); t.trapezoid(x, u, dim=0); t.trapezoid(x, u); t.trapz(x); t.trapezoid(x[:, :1]); t.trapezoid(mask); t.cumulative_trapezoid(x); t.cumulative_trapezoid(x, y, dim=0); t.cumulative_trapezoid(x, dx=2); t.trapezoid(k)
"""

LINES["complex"] = """
t.complex(x, y); t.complex(x, y.double()); t.complex(k, k); t.polar(p, x); t.real(x); t.real(t.complex(x, y)); t.imag(t.complex(x, y)); t.imag(x); t.complex(x, y).real; t.complex(x, y).imag; t.view_as_real(t.complex(x, y)); t.view_as_real(x); t.view_as_complex(t.stack([x, y], -1)); t.view_as_complex(x); t.view_as_complex(b.transpose(1, 2)[:, :2]); t.view_as_complex(x.T[:2].T)
t.conj(t.complex(x, y)).resolve_conj(); t.conj_physical(t.complex(x, y)); x.conj(); t.resolve_conj(x); t.resolve_neg(x); t.is_conj(x); x.is_neg(); t.isreal(t.complex(x, z)); t.isreal(x); t.is_complex(t.complex(x, y)); t.complex(x, y).mH.resolve_conj(); t.complex(x, y).H.resolve_conj(); t.adjoint(t.complex(x, y)).resolve_conj(); x.mH; v.mH; b.H; v.adjoint()
t.angle(t.complex(x, y)); t.angle(x); t.angle(k); t.angle(n); t.angle(t.zeros(2, dtype=t.complex64)); t.abs(t.complex(x, y)); abs(t.complex(x, x * 0)); t.sgn(t.complex(x, y)); t.sgn(t.zeros(2, dtype=t.complex64)); t.sgn(x); t.sgn(k)
x + 1j; 1j * x; x * t.complex(x, y); x / t.complex(x, y); t.complex(x, y) - 2; t.complex(x, y) ** 2; t.complex(x, y) ** -1; t.complex(x, y) ** 0.5; t.complex(x, y) ** t.complex(y, x); 2 ** t.complex(x, y); t.complex(x, y) ** 1.5j; p ** 1j; t.reciprocal(t.complex(x, y)); t.square(t.complex(x, y)); -t.complex(x, y); k + 1j; d + 1j
t.exp(t.complex(x, y)); t.log(t.complex(x, y)); t.log2(t.complex(x, y)); t.log10(t.complex(x, y)); t.log1p(t.complex(x, y)); t.expm1(t.complex(x, y)); t.exp2(t.complex(x, y)); t.sqrt(t.complex(x, y)); t.rsqrt(t.complex(x, y)); t.sin(t.complex(x, y)); t.cos(t.complex(x, y)); t.tan(t.complex(x, y)); t.sinh(t.complex(x, y)); t.cosh(t.complex(x, y)); t.tanh(t.complex(x, y))
t.asin(t.complex(x, y)); t.acos(t.complex(x, y)); t.atan(t.complex(x, y)); t.asinh(t.complex(x, y)); t.acosh(t.complex(x, y)); t.atanh(t.complex(x, y)); t.sigmoid(t.complex(x, y)); t.nn.functional.silu(t.complex(x, y).detach()); t.sinc(t.complex(x, y))
t.complex(x, y).sum(); t.complex(x, y).sum(0); t.complex(x, y).mean(1); t.complex(x, y).prod(); t.complex(x, y).prod(1); t.complex(x, y).cumsum(1); t.complex(x, y).cumprod(0); t.complex(x, y).var(); t.complex(x, y).std(0); t.complex(x, y) @ t.complex(w, w); t.complex(x, y).norm(); t.cov(t.complex(x, y)); t.corrcoef(t.complex(x, y)); t.vdot(t.complex(v, v), v + 1j); t.complex(x, y).logsumexp(1)
t.complex(x, y) == t.complex(x, y); t.complex(x, y).to(t.complex128); t.complex(x, y).float(); t.complex(x, y).to(t.bool); x.cfloat(); x.cdouble(); t.where(mask, t.complex(x, y), 0); t.complex(x, y)[0]; t.complex(x, y).T; t.cat([t.complex(x, y), x]); t.complex(x, y).reshape(-1); t.tensor([1 + 2j, 3]); t.tensor(1j, dtype=t.complex128); t.complex(s, s).item()
a = t.complex(x, y).detach(); a.real[0] = 7; a.imag.zero_(); a ;; a = t.complex(x, y).detach(); t.view_as_real(a)[0, :, 1] = 5; a ;; a = t.stack([x, y], -1).detach(); t.view_as_complex(a).mul_(1j); a ;; a = t.complex(x, y).detach(); a.real = y.detach(); a.imag = 1; a ;; a = t.complex(x, y).detach(); a.conj_physical_(); a
a = t.complex(x, y); a.backward(t.ones_like(a)) ;; a = t.complex(x, y).sum(); a.backward() ;; a = t.complex(x.detach(), y.detach()).requires_grad_(); (a * a.conj()).real.sum().backward(); a.grad ;; a = t.complex(x.detach(), y.detach()).requires_grad_(); a.abs().sum().backward(); a.grad.resolve_conj()
a = t.complex(x, y).detach(); str(a) ;; a = t.complex(x, y).detach(); [a.stride(), a.real.stride(), a.imag.storage_offset(), t.view_as_real(a).stride()] ;; a = t.tensor([1 + 1j], requires_grad=True); str(a * 2j)
t.result_type(x, 1j); t.result_type(t.complex(d, d), x); t.promote_types(t.complex64, t.float64); (x + t.tensor(1j)).dtype; (d * 1j).dtype; t.can_cast(t.complex64, t.float32); t.can_cast(t.float32, t.complex64); t.complex(x, y) < 1; t.complex(x, y).floor(); t.complex(x, y) % 2
"""

LINES["lowrank"] = """
a = t.manual_seed(1); o = t.svd_lowrank(x, 2); (o[0] * o[1]) @ o[2].T ;; a = t.manual_seed(1); o = t.svd_lowrank(b, 2, niter=0); [o[0].abs(), o[1], o[2].abs()] ;; a = t.manual_seed(1); o = t.svd_lowrank(x.T, 2, M=y.T); [o[0].abs(), o[1], o[2].abs()]
a = t.manual_seed(1); o = t.pca_lowrank(x, 2); [o[0].abs(), o[1], o[2].abs()] ;; a = t.manual_seed(1); o = t.pca_lowrank(x, 2, center=False); [o[0].abs(), o[1], o[2].abs()] ;; a = t.manual_seed(1); t.pca_lowrank(x)[1].shape ;; a = t.pca_lowrank(x, 4) ;; a = t.pca_lowrank(x, 2, niter=-1)
a = t.manual_seed(1); o = t.lobpcg((w @ w.T).double() + t.eye(4), 1, tol=1e-12); [o[0], o[1].abs()] ;; a = t.manual_seed(1); o = t.lobpcg((m @ m.T).double(), 1, tol=1e-12, largest=False); [o[0], o[1].abs()]
a = t.manual_seed(1); t.lobpcg((b @ b.mT).double(), tol=1e-12)[0] ;; a = t.lobpcg((m @ m.T).double().detach(), B=t.eye(3).double() * 2, X=u[:, None].double().detach(), tol=1e-12); [a[0], a[1].abs()]
t.lobpcg(m, 2); t.lobpcg(x.detach()); t.lobpcg(m.detach(), 1, B=t.eye(2))
"""


def lines(file: str) -> list[str]:
    """The lines of a file of suiren/api."""
    return parsed(LINES[file])
