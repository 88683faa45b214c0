"""Lines of PyTorch, by file of suiren/api: `t` is torch or suiren, the other names are in VARIABLES. The last statement is the result.

A line is run with both; what PyTorch gave (values, gradients of x, y and s, or the exception) is recorded in tests/recorded.
"""

from __future__ import annotations

import numpy as np


def variables() -> dict[str, np.ndarray]:
    r = np.random.RandomState(7)
    f = lambda *shape: r.uniform(-2, 2, shape).astype(np.float32)
    return {
        "x": f(3, 4), "y": f(3, 4), "p": np.abs(f(3, 4)) + 0.1, "v": f(4), "u": f(3), "w": f(4, 5), "m": f(3, 3), "b": f(2, 3, 4), "c": f(2, 4, 5),
        "s": f(), "e": f(0, 4), "d": r.uniform(-2, 2, (3, 4)), "i": r.randint(0, 3, (3, 4)), "k": r.randint(-5, 6, (3, 4)),
        "j": np.array([2, 0, 2]), "q": r.randint(0, 200, (3, 4)).astype(np.uint8), "mask": r.randint(0, 2, (3, 4)).astype(bool),
        "row": np.array([True, False, True]), "n": np.array([[1.0, np.nan, np.inf, 0.0]], np.float32), "z": np.zeros(4, np.float32),
    }  # fmt: skip


DIFFERENTIABLE = ("x", "y", "s", "v", "w", "b", "c", "m")

EXPRESSIONS: dict[str, list[str]] = {}

EXPRESSIONS["creation"] = """
t.tensor([1, 2]); t.tensor([1.5, 2]); t.tensor([True, False]); t.tensor(3); t.tensor([[1, 2], [3, 4]], dtype=t.float64); t.tensor([])
t.tensor([[1, 2], [3]]) ; t.tensor('a') ; t.tensor([1, 2.5]).dtype ; t.tensor([t.tensor(1), t.tensor(2)])
t.tensor(np.float64(2)); t.tensor(np.arange(3, dtype=np.int32)); t.as_tensor([1, 2]); t.from_numpy(np.arange(3)); t.from_numpy([1])
t.zeros(2, 3); t.zeros((2, 3)); t.zeros([2]); t.zeros(()); t.zeros(2, dtype=t.int64); t.ones(2); t.zeros(-1); t.zeros(2, 'a')
t.full((2, 2), 7); t.full((2,), 1.5); t.full((2,), True); t.full((2,), -1, dtype=t.uint8); t.full((2,), 2.5, dtype=t.int64)
t.zeros_like(x); t.ones_like(k); t.full_like(x, 3); t.zeros_like(x, dtype=t.int64); t.empty(2, 3).shape; t.empty_like(x).dtype
x.new_zeros(2); x.new_ones((2, 2)); x.new_full((2,), 5); x.new_tensor([1, 2]); k.new_zeros(2); x.new_empty(3).shape
t.arange(5); t.arange(1, 7, 2); t.arange(0, 1, 0.25); t.arange(5.0); t.arange(5, 1, -2); t.arange(3, dtype=t.float64); t.arange(5, 1); t.arange(0, 1, 0)
t.arange(2, 3.5); t.arange(0); t.linspace(0, 1, 5); t.linspace(3, -3, 4); t.linspace(0, 1, 1); t.linspace(0, 1, 0); t.linspace(0, 1, -1)
t.logspace(0, 2, 3); t.eye(3); t.eye(2, 3); t.eye(0); t.eye(-1); t.eye(2, dtype=t.int64); t.tensor(2.5, requires_grad=True)
a = x.detach().clone(); a.zero_(); a ;; a = x.detach().clone(); a.fill_(3); a ;; a = k.clone(); a.fill_(2); a ;; x.clone() ; x.detach()
t.Tensor([1, 2]); t.Tensor(2, 3).shape; t.scalar_tensor(2); t.asarray([1.0, 2.0]); t.ones(3, requires_grad=True)
t.zeros(size=(2, 3)); t.ones(size=[2]); t.empty(size=(2, 3)).shape; t.rand(size=(2, 3)).shape; t.randn(size=(2,)).shape; x.new_zeros(size=(2,)); x.new_ones(size=(2,), layout=t.strided)
x.new_empty((2,), pin_memory=False).shape; k.new_full((2,), 1, layout=t.strided, pin_memory=False); t.eye(3, pin_memory=False); t.linspace(0, 1, 3, pin_memory=False)
t.rand_like(x, pin_memory=False).shape; t.scalar_tensor(2.0, layout=t.strided, pin_memory=False); t.full((2, 3), 1, out=t.empty(0)); t.zeros(2, out=t.empty(2), dtype=t.int64)
o = t.empty(3); t.zeros(2, 3, out=o); o ;; o = t.empty(2, dtype=t.int64); t.ones(2, out=o); o ;; o = t.empty(0); t.range(0, 2, out=o); o ;; t.empty(2, 3, out=t.ones(1)).shape
t.full((2,), 300, dtype=t.uint8); t.full((2,), -1, dtype=t.uint8); t.full((2,), -0.5, dtype=t.uint8); t.full((2,), -300, dtype=t.uint8); t.full((2,), 2**40, dtype=t.int32); t.full((2,), 1e40); t.full((2,), 1e10, dtype=t.float16); t.full((2,), 1j, dtype=t.float64)
t.full((2,), float('nan'), dtype=t.int64); t.full((2,), float('inf')); t.full((2,), 2**63); t.full((2,), 2**33, dtype=t.uint32); t.full((2,), np.int32(2)); t.full((2,), np.float64(2)); t.full((2,), 40000, dtype=t.int16); t.full((2,), 400, dtype=t.int8)
t.tensor([300], dtype=t.uint8); t.tensor([-1], dtype=t.uint8); t.tensor(2**31, dtype=t.int32); t.tensor(float('nan'), dtype=t.int64); t.tensor(1j, dtype=t.float32); t.tensor(1e40); t.tensor([1e6], dtype=t.float16); t.tensor([10**30], dtype=t.float32); t.tensor([1.7, -1.7], dtype=t.int8)
a = k.clone(); a.fill_(1e30) ;; a = k.clone(); a.fill_(1j) ;; a = x.detach().clone(); a.masked_fill_(mask, 1j) ;; a = k.clone(); a[0] = 1j ;; a = x.detach().clone(); a[0] = 1e40 ;; a = q.clone(); a[0, 1:] = 256 ;; a = q.clone(); a[:] = -1; a
a = x.detach().clone(); a.copy_(1) ;; a = k.clone(); a.copy_(2.7) ;; a = x.detach().clone(); a.copy_('a')
"""

EXPRESSIONS["pointwise"] = """
t.add(x, y); t.add(x, 2); t.add(x, y, alpha=2); t.add(k, 1, alpha=0.5); x.add(y); x + 1; 1 + x; k + 1.5; q + k; q + 1; x + d; x + t.zeros(2)
t.sub(x, y, alpha=0.5); x - 1; 1 - x; mask - mask; t.rsub(x, 1); x * y; 2 * x; k * k; mask * mask; x * s; s * k; k * s
x / y; 1 / x; k / 2; k / k.abs().add(1); k // 2; k // -3; x // 0.7; k % 3; x % 0.7; -k % 3; k // 0; k % 0; 7 // (k.abs() + 1); 7 % (k.abs() + 1)
t.div(x, y, rounding_mode='floor'); t.div(x, y, rounding_mode='trunc'); t.div(k, 3, rounding_mode='trunc'); t.div(x, y, rounding_mode='up')
t.true_divide(k, 2); t.floor_divide(x.detach(), 0.3); t.fmod(x, 0.7); t.fmod(k, 3); t.remainder(x, 0.7); t.remainder(7, k.abs() + 1)
x ** 2; x ** 3; p ** 0.5; p ** -1; p ** 2.7; x ** 0; 2 ** x; k ** 2; k ** -1; k ** 0.5; p ** y; t.pow(x, 2); t.pow(2, k.abs()); t.pow(x, 'a'); p ** x
t.square(x); t.float_power(p, 2); t.sqrt(p); t.rsqrt(p); t.exp(x); t.exp(k); t.exp(2.0); t.exp('a'); t.log(p); t.log2(p); t.log10(p); t.log1p(p); t.expm1(x)
t.sin(x); t.cos(x); t.tan(x); t.asin(x / 3); t.arccos(x / 3); t.atan(x); t.sinh(x); t.cosh(x); t.tanh(x); t.asinh(x); t.acosh(p + 1); t.atanh(x / 3)
t.sigmoid(x); t.erf(x); t.erfc(x); t.erfinv(x / 3); t.abs(x); t.abs(k); abs(x); t.neg(x); -k; -mask; +x; t.sign(x); t.sgn(k); t.reciprocal(p)
t.floor(x); t.ceil(x); t.trunc(x); t.fix(x); t.round(x); t.round(x, decimals=2); t.round(d * 100, decimals=-1); t.frac(x); t.signbit(x); t.floor(k)
t.addcmul(x, y, y, value=0.5); t.addcdiv(x, y, p); t.addcdiv(k, k, k); t.lerp(x, y, 0.3); t.lerp(x, y, 0.7); t.lerp(x, y, p / 3); t.lerp(x, d, 0.5)
t.atan2(x, y); t.maximum(x, y); t.minimum(x, y); t.fmax(x, y); t.fmin(x, y); t.xlogy(p, p); t.hypot(x, y); t.copysign(x, y); t.copysign(x, -1.0)
t.logaddexp(x, y); t.logaddexp2(x, y); t.heaviside(x, y); t.logit(t.sigmoid(x)); t.logit(p / 3, eps=0.1); t.sinc(x.double()); t.deg2rad(x); t.rad2deg(x)
t.clamp(x, -1, 1); t.clamp(x, min=0); t.clamp(x, max=0.5); t.clamp(x); t.clip(x, y, y + 1); t.clamp(k, -2.5, 2); t.clamp_min(x, 0.1); t.clamp_max(x, 0.1)
t.nan_to_num(n); t.nan_to_num(n, 1, 2, 3); t.relu(x); x.relu(); t.positive(x); t.clamp(x, 1, -1); x.clamp(x.detach() - 1)
a = x.detach().clone(); a.add_(1).mul_(y.detach()); a ;; a = x.detach().clone(); a -= 1; a *= 2; a /= 3; a ;; a = k.clone(); a.add_(1.5)
a = x.detach().clone(); a.clamp_(-1, 1); a ;; a = x.detach().clone(); a.exp_(); a ;; a = t.zeros(4); a.add_(t.zeros(3, 4)) ;; a = k.clone(); a //= 2; a
a = x.detach().clone(); a.pow_(2); a ;; a = x.detach().clone(); a.sub_(y.detach(), alpha=2); a ;; o = t.empty(3, 4); t.add(x.detach(), 1, out=o); o
o = t.empty(0); t.exp(x.detach(), out=o); o ;; t.add(x, 'a') ;; t.mul('a', x) ;; x + 'a' ;; x.add_(1)
1 - mask; mask - 1; x - mask; mask - x; x - True; True - x; k - True; True - mask; t.rsub(mask, 1); a = mask.clone(); a.sub_(1) ;; mask.add(mask, alpha=2); mask.add(mask, alpha=0); mask.add(mask, alpha=2.5); t.add(k, mask, alpha=3)
t.addcmul(k, k, k, value=2.5); t.addcmul(k, x, k, value=2.5)
"""

EXPRESSIONS["comparison"] = """
x == y; k == i; k != 2; x < y; x <= 0; x > y; k >= i; t.eq(x, y); t.less(x, y); t.greater_equal(x, 0.1); 2 < k; x == None
t.logical_and(k, i); t.logical_or(x, mask); t.logical_xor(k, mask); t.logical_not(k); k & i; k | 3; k ^ i; ~k; ~mask; 3 & k; mask & (x > 0); x & x
k << 1; k >> 1; t.bitwise_and(k, 3); t.bitwise_not(x); t.isnan(n); t.isinf(n); t.isfinite(n); t.isnan(k); t.isposinf(n); t.isneginf(-n)
t.isclose(x, x + 1e-9); t.isclose(n, n); t.isclose(n, n, equal_nan=True); t.allclose(x, x); t.allclose(x, y); t.equal(x, x); t.equal(x, v); t.equal(k, k)
t.where(mask, x, y); t.where(mask, x, 0.0); t.where(mask, 1, 0); t.where(mask, 1.5, 0); t.where(x > 0, x, k); t.where(x, 1, 2); t.where(mask); x.where(mask, y)
x.masked_fill(mask, 9); x.masked_fill(mask, s); x.masked_fill(k, 1); x.masked_fill(row[:, None], 0); t.count_nonzero(k); t.count_nonzero(k, 0)
t.isin(k, t.tensor([1, 2])); t.isin(k, 1); a = k.clone(); a &= 3; a ;; a = mask.clone(); a |= True; a ;; a = x.detach().clone(); a.masked_fill_(mask, -1); a
mask.any(); bool((x == x).all()); t.eq(x, 'a')
t.isin(k, k[0], out=t.empty(0, dtype=t.bool))
"""

EXPRESSIONS["reductions"] = """
x.sum(); x.sum(0); x.sum((0, 1)); x.sum(-1, keepdim=True); t.sum(k); mask.sum(); q.sum(); x.sum(dtype=t.float64); k.sum(dtype=t.float32); s.sum(); s.sum(0); x.sum([])
x.sum(2); x.sum((0, 0)); e.sum(); e.sum(0); x.mean(); x.mean(1); x.mean((0, 1), keepdim=True); k.mean(); k.mean(dtype=t.float32); x.mean(dtype=t.int64); e.mean(0)
x.prod(); x.prod(1); k.prod(); s.prod(); t.nansum(n); t.nanmean(n); t.logsumexp(x, 1); t.logsumexp(x, (0, 1), keepdim=True); t.logsumexp(n, 1)
x.var(); x.var(1); x.var(0, unbiased=False); x.var(1, correction=0, keepdim=True); x.var(False); x.std(); x.std(1); k.std(); t.var_mean(x, 1); t.std_mean(x)
x.max(); x.max(1); x.max(0, keepdim=True); t.max(x, y); k.max(0); e.max(); e.max(0); e.max(1).values.shape; s.max(); s.max(0); x.max(5); n.max(); n.max(1)
x.min(); x.min(1); t.min(x, y); k.min(1); x.amax(); x.amax(1); x.amax((0, 1)); x.amin(0, keepdim=True); e.amax(0); t.aminmax(x); t.aminmax(x, dim=1)
x.argmax(); x.argmax(1); x.argmax(0, keepdim=True); k.argmin(); k.argmin(1); e.argmax(); e.argmax(0); mask.argmax(); n.argmax(1)
mask.any(); mask.all(1); k.any(0); k.all(); x.any(1, keepdim=True); q.any(); e.any(); e.all()
x.norm(); x.norm(1); x.norm(float('inf')); x.norm(3); x.norm(2, 1); x.norm(dim=0, keepdim=True); x.norm(0); t.norm(x, 'fro'); k.norm(); (x * 0).norm(); t.dist(x, y)
(x * 0).std(); t.sum('a'); t.sum(x, dim='a'); o = t.empty(4); t.sum(x.detach(), 0, out=o) ;; t.max(x, 1)[1] ;; t.max(x, dim=1).indices ;; repr(t.max(t.ones(2), 0))
"""

EXPRESSIONS["shapes"] = """
x.view(4, 3); x.view(-1); x.view(2, -1); x.view((6, 2)); x.view([12]); x.view(5); x.view(-1, -1); x.view(-1, 5); x.t().view(12); x.view_as(x.t().contiguous()); e.view(-1)
x.reshape(2, 6); x.t().reshape(12); t.reshape(x, (3, -1)); x.reshape(5); x.reshape_as(x.t()); x.flatten(); b.flatten(1); b.flatten(0, 1); b.flatten(1, 0); s.flatten(); t.ravel(x)
b.unflatten(2, (2, 2)); b.unflatten(2, (3, 2)); x.unsqueeze(0); x.unsqueeze(-1); x.unsqueeze(4); t.squeeze(x[None]); x[None].squeeze(1); x[None, :, None].squeeze((0, 2)); x.squeeze(4); s.unsqueeze(0)
x.t(); v.t(); b.t(); x.T; b.mT; v.mT; b.permute(2, 0, 1); b.permute((0, 2, 1)); t.permute(b, (1, 0, 2)); x.permute(0); x.permute(0, 0); b.transpose(0, 2); b.transpose(-1, -2); x.transpose(0, 3)
t.movedim(b, 0, 2); t.movedim(b, (0, 1), (1, 2)); b.swapaxes(0, 1); v.expand(3, 4); v.expand(3, -1); x.expand(3, 3); x.expand(3); x.expand(-1, 3, 4); v.expand_as(x); s.expand(2, 2); t.broadcast_to(v, (2, 4))
t.broadcast_tensors(v, x)[0]; t.broadcast_shapes((3, 1), (4,)); v.repeat(2); v.repeat(2, 2); x.repeat(2); x.repeat(1, 2, 1); t.tile(x, (2,)); x.tile(2, 1)
b.diagonal(); b.diagonal(1, 1, 2); m.diagonal(-1); m.diagonal(5); x.diagonal(0, 0, 0); x.unfold(1, 2, 1); x.unfold(1, 5, 1); v.unfold(0, 2, 2); x.as_strided((2, 2), (1, 2)); x.as_strided((9, 9), (9, 9))
x.flip(0); x.flip(0, 1); t.flip(b, (1, 2)); t.flip(b, dims=(-1,)); t.fliplr(x); t.flipud(x); t.rot90(x); t.rot90(x, 2); t.rot90(x, 3); t.roll(x, 1); t.roll(x, 1, 0); t.roll(x, (1, -1), (0, 1))
t.meshgrid(v, u, indexing='ij')[0]; t.meshgrid(v, u, indexing='xy')[1]; x.shape; x.size(0); x.size(-1); x.size(3); x.numel(); x.t().is_contiguous(); x.t().stride(); x[1:].storage_offset()
a = x.detach().clone(); a.view(-1)[0] = 9; a ;; a = x.detach().clone(); a.t().add_(v.detach()[:, None]); a ;; a = x.detach().clone(); a.flatten()[0] = 9; a ;; a = x.detach().clone(); a.diagonal().zero_(); a
a = x.detach().clone(); a.expand(2, 3, 4).add_(1)
t.swapaxes(x, axis0=0, axis1=1); x.swapaxes(axis0=0, axis1=1); x.view(size=(12,)); x.view(dtype=t.float32); x.sum_to_size(size=(1, 4)); x.swapdims(dim0=0, dim1=1)
x.view(t.int32); x.detach().view(t.uint8); x.detach().view(t.complex64); x.detach().view(t.float64); q.view(t.int16); s.detach().view(t.int32); s.detach().view(t.int16); x.detach()[1].view(t.int32); x.detach()[:, ::2].view(t.int32); x.detach().t().view(t.int32)
x.detach()[:, ::2].view(t.int16); x.detach()[:, :3].view(t.float64); x.detach()[:, 1:3].view(t.float64); m.detach()[:, :2].view(t.float64); x.view(dtype=t.int32).requires_grad; mask.view(t.uint8); x.detach().view(t.int32).view(2, 6); (x.detach().view(t.int32) >> 23) & 255
a = x.detach().clone(); a.view(t.int32)[0, 0] = 1065353216; a ;; a = x.detach().clone(); a.view(t.uint8)[:, 3] = 64; a ;; a = x.detach().clone(); o = a.view(t.int32); a.fill_(1); o += 1; [a, o] ;; a = x.detach().clone(); a.view(t.int32) is a ;; a = x.detach().clone(); a.view(t.int32).data_ptr() == a.data_ptr()
"""

EXPRESSIONS["joining"] = """
t.cat([x, y]); t.cat((x, y), 1); t.cat([x, d]); t.cat([x, k]); t.cat([x, t.zeros(0)]); t.cat([]); t.cat([x, v]); t.cat([x, m]); t.cat(x); t.cat([x, 1]); t.cat([x, y], dim=-1); t.concat([v, u])
t.stack([x, y]); t.stack([x, y], 1); t.stack([x, y], -1); t.stack([v, u]); t.stack([]); t.hstack([x, y]); t.hstack([v, u]); t.vstack([x, v]); t.dstack([x, y]); t.column_stack([u, x]); t.atleast_2d(v); t.atleast_1d(s)
x.narrow(1, 1, 2); x.narrow(1, 3, 2); x.narrow(0, -1, 1); x.select(1, 2); x.select(0, -1); x.select(0, 3); x.unbind()[1]; x.unbind(1)[3]; t.unbind(s)
t.split(x, 2)[1]; t.split(x, [1, 2])[1]; t.split(x, [1, 1]); x.split(3, dim=1)[1]; x.split(0); t.chunk(x, 2)[1]; t.chunk(x, 2, 1)[0]; t.chunk(x, 5)[2]; t.chunk(x, 0); len(t.chunk(x, 5))
t.tensor_split(x, 2, 1)[1]; t.tensor_split(v, (1, 3))[1]; t.tensor_split(v, 3)[0]; t.hsplit(x, 2)[1]; t.vsplit(x, 3)[1]; t.hsplit(x, 3)
a = x.detach().clone(); a.chunk(3)[1].zero_(); a ;; a = x.detach().clone(); a[0].mul_(2); a
t.hsplit(x, sections=2); t.vsplit(x, indices=[1]); t.dsplit(b, sections=2); t.tensor_split(x, sections=2); t.tensor_split(x, indices=[1], dim=1); x.hsplit(indices=(1,)); x.split(split_size=2)
t.split(x, split_size_or_sections=2)
t.cat([x.half(), y.bfloat16()]).float(); t.stack([v.bfloat16(), v.half()]).dtype; t.cat([v.bfloat16(), k[0]]).float()
"""

EXPRESSIONS["indexing"] = """
x[0]; x[-1]; x[3]; x[1, 2]; x[1][2]; x[0, 0, 0]; x[:, 1]; x[..., -1]; x[1:]; x[::2]; x[:, 1:3]; x[5:]; x[2:1]; x[0:3:-1]; x[None]; x[:, None]; x[...]; b[1, :, 2]; b[..., 0]; b[0, ..., 1:]; s[...]; s[0]; v[t.tensor(1)]
x[j]; x[:, j]; x[j, j]; x[j, 1]; x[[0, 2]]; x[[[0, 1], [2, 0]]]; b[:, j]; b[0, j]; b[:, j, j]; b[j[:2] // 2, :, j[:2]]; x[t.tensor([-1, 0])]; x[t.tensor([5])]; x[t.tensor([0, 1]), t.tensor([0, 1, 2])]; x[np.array([0, 1])]; x[t.tensor([])]
x[mask]; x[row]; x[:, t.tensor([True, False, True, False])]; x[t.tensor([True])]; x[row, 1]; x[True]; x[False].shape; x[x > 0]; x[1.5]; x['a']; x[j, None]; b[row[:2]]
a = x.detach().clone(); a[0] = 1; a ;; a = x.detach().clone(); a[:, 1] = v.detach()[:3]; a ;; a = x.detach().clone(); a[1:, ::2] = 7; a ;; a = x.detach().clone(); a[j] = u.detach()[:, None]; a ;; a = x.detach().clone(); a[mask] = 0; a
a = x.detach().clone(); a[x > 0] = s.detach(); a ;; a = x.detach().clone(); a[row] = y.detach()[:2]; a ;; a = x.detach().clone(); a[...] = 3; a ;; a = x.detach().clone(); a[0] = t.zeros(3) ;; a = x.detach().clone(); a[0, 0] = k[0, 0]; a ;; a = x.detach().clone(); a[:] = y.detach(); a
a = x.detach().clone(); a[j, :2] += 1; a ;; a = x * 1; a[0] = v; a ;; a = x * 1; a[:, 1] = 0; a ;; a = x * 1; a[j] = y; a ;; a = t.zeros(3, 4); a[0] = v; a ;; a = x.detach().clone(); a[0][1] = 5; a ;; a = x.detach().clone(); a[[0, 1]] = t.tensor([1.0, 2, 3, 4]); a
t.index_select(x, 0, j); t.index_select(x, 1, j); t.index_select(x, 0, t.tensor([5])); x.index_add(0, j, y); x.index_add(0, j, y, alpha=2); x.index_copy(0, t.tensor([2, 0, 1]), y); x.index_fill(1, j, 9); x.index_put((j, j), u.detach()); x.index_put((j,), y, accumulate=True)
t.take(x, i); x.put(t.tensor([0, 1]), t.tensor([7.0, 8.0])); t.gather(x, 0, i); t.gather(x, 1, i); t.gather(x, 0, t.tensor([[5]])); t.gather(x, 0, t.tensor([5])); x.scatter(0, i, y); x.scatter(1, i, 2.0); x.scatter_add(1, i, y); x.scatter(0, i, k); t.take_along_dim(x, i, 1)
t.nonzero(k); t.nonzero(mask, as_tuple=True)[1]; t.nonzero(s); t.argwhere(k); t.masked_select(x, mask); t.masked_select(x, row[:, None]); x.masked_scatter(mask, y); t.tril(x); t.triu(x, 1); t.tril(b, -1); t.tril(v); t.tril_indices(3, 3); t.triu_indices(3, 4, 1)
t.diag(v); t.diag(m); t.diag(m, 1); t.diag_embed(x); t.diag_embed(v, 1); t.diagflat(x[:1]); t.trace(m); t.select_scatter(x, v, 0, 1); t.slice_scatter(x, y[:2], 0, 1); t.diagonal_scatter(m, u.detach())
x.scatter_reduce(1, i, y, 'sum'); x.scatter_reduce(1, i, y, 'mean'); a = x.detach().clone(); a.index_add_(0, j, y.detach()); a ;; a = x.detach().clone(); a.scatter_(1, i, 0.5); a
t.nonzero(mask, out=t.empty(0, dtype=t.int64)); t.slice_scatter(x.detach(), t.zeros(1, 4), 0, 0, 1, out=t.empty(0)); t.take_along_dim(x.detach(), i, 0, out=t.empty(0))
x[..., ...]; x[0, ..., ...]; x[((0, 1), (1, 2))]; x[(0, 1), (1, 2)]; x[t.tensor([1, 0, 1], dtype=t.uint8)]; x[q > 50, None]; k[q]; x[t.tensor(1, dtype=t.uint8)]; x[t.tensor([1, 0], dtype=t.int8)]; x[np.array([1, 0], np.int8)]
x[1:2.5]; x['a':]; s[:]; x[t.tensor([-4])]; x[t.tensor([0, 1], dtype=t.int32)]; a = k.clone(); a[0] = x.detach()[0]; a ;; a = k.clone(); a[0, 0] = s.detach(); a ;; a = k.clone(); a[j] = x.detach()[:1] ;; a = k.clone(); a[k > 0] = 1.7; a
a = x.detach().clone(); a[(0, 1), (1, 2)] = 50; a ;; a = x.detach().clone(); a[0] = k[0]; a ;; a = x.detach().clone(); a[j] = k[0]
t.index_put(x, (j,), 5); x.index_put(([0],), s); x.index_put((None, j), s); t.index_select(x, 0, [0]); x.index_select(0, t.tensor([0], dtype=t.uint8)); k.index_fill(0, t.tensor([-1]), 7); k.index_fill(0, t.tensor([-4]), 7); k.index_fill(0, k, 1)
k.index_add(0, t.tensor([3]), k[:1]); k.index_add(0, t.tensor([-1]), k[:1]); k.index_add(0, j, k[:, :2]); k.index_add(0, j, k[:2]); k.index_add(0, t.tensor([0.0]), k[:1]); k.index_add(0, k, k); t.index_add(k, 0, j, 1)
k.index_copy(0, t.tensor([5]), k[:1]); k.index_copy(0, j, k[:, :2]); k.index_copy(0, j, k[:2]); k.index_copy(0, j, x.detach()); k.index_copy(0, t.tensor([0.0]), k[:1]); k.index_copy(0, k, k)
k.take(t.tensor([-13])); k.take(t.tensor([0.0])); k.put(t.tensor([0.0]), k[0, :1]); k.put(t.tensor([0]), t.tensor([1.0])); k.put(t.tensor([0, 1]), t.tensor([1])); k.put(t.tensor([12]), t.tensor([1]))
k.masked_scatter(k > 0, x.detach()); k.masked_scatter(k > -9, t.arange(3)); k.masked_select(t.tensor([True, False]))
"""

EXPRESSIONS["linalg"] = """
x.mm(w); x @ w; t.mm(x, x); t.mm(v, w); t.mm(x, w.double()); t.matmul(x, w); x.matmul(v); v @ w; v @ v; t.matmul(v, u); t.matmul(x, u); b @ w; b @ c; x @ c; t.matmul(b, b); t.matmul(x, x); t.bmm(b, c); t.bmm(b, b); t.bmm(x, x); t.mv(x, v); t.mv(x, u); t.dot(v, v); t.dot(v, u); x.t() @ x
t.outer(v, u); t.outer(x, v); t.inner(x, x); t.inner(v, v); t.addmm(y @ w, x, w); t.addmm(s, x, w, beta=0.5, alpha=2); t.addmm(w, x, x); t.addmv(u, x, v); t.addr(x, u, v); t.addmv(j, k[:, :3], j, beta=2, alpha=0.6); t.addr(i, j, k[0], beta=0.5); t.addr(i, j, k[0], alpha=2); t.baddbmm(b @ c, b, c, beta=0); t.addbmm(x @ w, b, c)
t.tensordot(x, w, 1); t.tensordot(b, x, ([1, 2], [0, 1])); t.tensordot(x, m, 1); t.chain_matmul(x, w); t.kron(m, x[:2, :2]); t.cross(m, m.flip(0), 1); t.cdist(x, y); t.cdist(x, y, p=1); k @ k.t(); k.mm(k)
t.einsum('ij,jk->ik', x, w); t.einsum('ij,ij->', x, y); t.einsum('ij->ji', x); t.einsum('ii->i', m); t.einsum('ii', m); t.einsum('bij,bjk->bik', b, c); t.einsum('i,j->ij', v, u); t.einsum('...ij,jk->...ik', b, w); t.einsum('ij,kj', x, y); t.einsum('bij,j->b', b, v); t.einsum('ij,jk', x, x); t.einsum('ij', x, y); t.einsum('ij,jk,kl->il', x, w, w.t())
t.einsum(x, [0, 1], [1, 0]); t.einsum(x, [0, 1], w, [1, 2], [0, 2]); t.einsum(v, [0], v, [1]); t.einsum(b, [..., 0, 1], w, [1, 2], [..., 0, 2]); t.einsum(m, [0, 0]); t.einsum(m, [30, 1], [1, 30]); t.einsum(m, [0, 52]); t.einsum('ij'); t.einsum(m)
"""

EXPRESSIONS["sorting"] = """
x.sort(); x.sort(0); x.sort(1, descending=True); k.sort(stable=True); x.argsort(); t.argsort(x, 0, descending=True); x.msort(); x.topk(2); x.topk(2, 0); x.topk(2, largest=False); x.topk(9); s.sort(); n.sort()
x.kthvalue(2); x.kthvalue(2, 0, keepdim=True); x.median(); x.median(1); k.median(0); n.median(); v.median(); x.kthvalue(9)
t.searchsorted(t.tensor([1.0, 2.0, 3.0]), t.tensor([0.5, 2.0, 9.0])); t.searchsorted(t.tensor([1.0, 2.0]), 1.5); t.bucketize(t.tensor([1, 5]), t.tensor([2, 4])); t.bucketize(t.tensor([2]), t.tensor([2, 4]), right=True)
t.unique(k); t.unique(k, return_counts=True); t.unique(k, return_inverse=True); t.unique(i, dim=0); t.unique_consecutive(t.tensor([1, 1, 2, 1])); t.bincount(j); t.bincount(j, minlength=5); t.bincount(j, u.detach()); t.histc(x.detach(), 4, -2, 2)
t.repeat_interleave(v, 2); t.repeat_interleave(x, 2, 1); t.repeat_interleave(x, t.tensor([1, 0, 2]), 0); t.repeat_interleave(j); x.cumsum(0); k.cumsum(1); x.cumprod(1); x.cumsum(1, dtype=t.float64); x.cummax(1); x.cummin(0); s.cummax(0); s.cummin(0); t.logcumsumexp(x * 50, 0); t.logcumsumexp(s, 0); t.logcumsumexp(k, 0); t.logcumsumexp(x, 1); t.diff(x); t.diff(k, dim=0); t.diff(v, 2); t.diff(v, 0, prepend=v); t.diff(v, -1); t.diff(s); t.diff(v, prepend=v[:1], append=v[:2]); x.cumsum(3)
t.searchsorted(t.arange(3.0), x, out=t.empty(0, dtype=t.int64)); t.bucketize(x, t.arange(3.0), out=t.empty(0, dtype=t.int64)); t.diff(x.detach(), out=t.empty(0))
t.histc(x.detach(), out=t.empty(0)); t.msort(x.detach(), out=t.empty(0))
"""

EXPRESSIONS["activation"] = """
t.softmax(x, 1); t.softmax(x, 0); x.softmax(-1); x.log_softmax(1); t.log_softmax(b, 1); s.softmax(0); k.softmax(0); k.softmax(0, dtype=t.float32); x.softmax(2); (x * 100).softmax(1); (x * 100).log_softmax(1); e.softmax(1); e.softmax(0)
t.selu(x); t.celu(x, 1.5); t.threshold(x, 0.5, 2.0); t.prelu(x, v[:1] * 1); t.prelu(x, v); t.prelu(x, u); t.hardshrink(x); t.relu(k); x.sigmoid(); x.tanh()
t.softmax(x.detach(), 0, out=t.empty(0)); t.log_softmax(x.detach(), 1, out=t.empty(0)); t.threshold(x.detach(), 1, 2, out=t.empty(0)); t.hardshrink(x.detach(), out=t.empty(0))
"""


EXPRESSIONS["special"] = """
p.lgamma(); t.lgamma(k); p.digamma(); t.digamma(k); t.polygamma(1, p + 3); p.polygamma(2); t.polygamma(-1, p); t.polygamma(0, p); t.mvlgamma(p + 2, 3); k.abs().add(3).mvlgamma(2); t.mvlgamma(p, 0); t.i0(x); x.i0()
t.igamma(p, p + 1); p.igammac(p + 1); t.igamma(x, p).sum().backward(); a = x.detach().clone(); a.lgamma_(); a ;; a = x.detach().clone(); a.digamma_(); a ;; a = p.clone(); a.polygamma_(1); a ;; a = p.clone(); a.igamma_(p); a ;; a = p + 2; a.mvlgamma_(2); a
t.special.gammaln(x); t.special.psi(x + 5); t.special.expit(x); t.special.exp2(x); t.special.erf(x); t.special.erfc(x); t.special.erfinv(x / 3); t.special.log1p(p); t.special.expm1(x); t.special.sinc(d); t.special.logit(p / 3); t.special.logit(p / 3, eps=0.2)
t.special.round(x, decimals=1); t.special.xlogy(p, p); t.special.xlog1py(x, p); t.special.xlog1py(2, p); t.special.logsumexp(x, 1); t.special.softmax(x, 1); t.special.log_softmax(x, 1, dtype=t.float64); t.special.gammainc(p, p); t.special.gammaincc(p, p); t.special.multigammaln(p + 2, 2); t.special.polygamma(1, p + 3)
t.special.ndtr(x); t.special.ndtr(k); t.special.entr(x); t.special.entr(n); t.special.entr(k); t.special.log_ndtr(x); t.special.ndtri(t.sigmoid(x)); t.special.erfcx(x); t.special.zeta(p + 1, 2.0); t.special.zeta(2.0, p); t.special.i0e(x); t.special.i1(x); t.special.i1e(x); t.special.i1(s * 0)
t.special.modified_bessel_i0(x); t.special.modified_bessel_i1(k); t.special.bessel_j0(k); t.special.bessel_y1(p); t.special.airy_ai(x); t.special.chebyshev_polynomial_t(x, 3); t.special.chebyshev_polynomial_u(2.0, k); t.special.hermite_polynomial_h(x, k); t.special.legendre_polynomial_p(x / 2, 4)
o = t.empty(3, 4); t.special.ndtr(x.detach(), out=o); o ;; o = t.empty(3, 4); t.polygamma(1, p, out=o); o
"""

EXPRESSIONS["statistics"] = """
t.quantile(x, 0.3); t.quantile(x, t.tensor([0.0, 0.25, 1.0]), 1); x.quantile(0.5, 0, keepdim=True); t.quantile(x, t.tensor([0.1, 0.9]), keepdim=True); t.quantile(x, 0.3, interpolation='lower'); t.quantile(x, 0.3, interpolation='higher'); t.quantile(x, 0.4, 1, interpolation='midpoint')
t.quantile(x, 0.3, 1, interpolation='nearest'); t.quantile(x, 2.0); t.quantile(k, 0.5); t.quantile(n, 0.5); t.quantile(n, 0.5, 0); t.nanquantile(n, 0.5); t.nanquantile(n, t.tensor([0.2, 0.6]), 1); t.quantile(x, 0.3, interpolation='a'); t.quantile(e, 0.5); t.quantile(s, 0.5, 0)
t.nanmedian(n); t.nanmedian(n, 1); x.nanmedian(0, keepdim=True); t.nanmedian(x); k.nanmedian(); s.nanmedian(0); t.mode(k, 1); t.mode(i, 0, keepdim=True); x.mode(1); s.mode(); mask.long().mode(0); t.mode(e, 0); t.mode(e, 1).values
t.histogram(x.detach(), 4); t.histogram(x.detach(), 4, range=(-1.0, 1.0)); t.histogram(x.detach(), t.tensor([-1.0, 0.0, 0.5, 2.0]), density=True); t.histogram(x.detach(), 3, weight=p); t.histogram(k, 3); t.histogram(x.detach(), 0); t.histogram(z, 3); x.detach().histogram(2)
t.histogramdd(m.detach(), (2, 3, 2)); t.histogramdd(m.detach(), 2, density=True); t.histogramdd(x.detach()[:, :2], (2, 2), range=(-1.0, 1.0, -2.0, 2.0)); t.histogramdd(x.detach()[:, :2], (t.tensor([-2.0, 0.0, 2.0]), t.tensor([-1.0, 1.0])))
t.cov(x); x.cov(correction=0); t.cov(v); t.cov(x, fweights=t.tensor([1, 2, 0, 3])); t.cov(x, aweights=p[0]); t.cov(x, fweights=t.tensor([1, 2, 0, 3]), aweights=p[0]); t.cov(k); t.cov(b); t.cov(mask); t.cov(s); t.corrcoef(x); t.corrcoef(v); t.corrcoef(b); x.corrcoef()
t.gradient(v); t.gradient(x); t.gradient(x, spacing=2.0); t.gradient(x, dim=1); t.gradient(x, dim=0, edge_order=2); t.gradient(v, spacing=(t.tensor([0.0, 1.0, 3.0, 3.5]),)); t.gradient(v, spacing=(t.tensor([0.0, 1.0, 3.0, 3.5]),), edge_order=2); t.gradient(x, spacing=[0.5, 2.0]); t.gradient(v[:1])
t.histogram(x.detach(), 3, out=(t.empty(0), t.empty(0)))
"""

EXPRESSIONS["scatter"] = """
x.scatter_reduce(1, i, y, 'sum'); x.scatter_reduce(1, i, y, 'mean', include_self=False); x.scatter_reduce(1, i, y, 'prod'); x.scatter_reduce(0, i, y, 'amax'); x.scatter_reduce(0, i, y, 'amin', include_self=False); x.scatter_reduce(1, i, y, 'prod', include_self=False); k.scatter_reduce(1, i, k, 'mean')
x.scatter_reduce(1, i, y, 'max'); k.scatter_reduce(1, i, k, 'amax', include_self=False); s.scatter_reduce(0, t.tensor(0), s * 2, 'prod'); x.scatter_reduce(1, i[:2, :1], y, 'amax'); a = x.detach().clone(); a.scatter_reduce_(1, i, y.detach(), 'amin'); a ;; x.scatter(1, i, 2.0, reduce='multiply')
x.index_reduce(0, j, y, 'prod'); x.index_reduce(0, j, y, 'mean'); x.index_reduce(1, j, y[:, :3], 'amax'); x.index_reduce(0, j, y, 'amin', include_self=False); x.index_reduce(0, j, y, 'sum'); x.index_reduce(0, j, d, 'prod'); a = x.detach().clone(); a.index_reduce_(0, j, y.detach(), 'mean', include_self=False); a
t.segment_reduce(v, 'sum', lengths=t.tensor([1, 0, 3])); t.segment_reduce(v, 'mean', lengths=t.tensor([1, 0, 3])); t.segment_reduce(x, 'max', lengths=t.tensor([2, 1])); t.segment_reduce(x, 'min', lengths=t.tensor([0, 3]), initial=5.0); t.segment_reduce(x, 'prod', offsets=t.tensor([0, 1, 3])); t.segment_reduce(v, 'a', lengths=t.tensor([4]))
t.segment_reduce(x, 'sum', lengths=t.tensor([[1, 3], [2, 2], [4, 0]]), axis=1); t.segment_reduce(v, 'sum')
k.scatter(1, t.zeros(4, 1, dtype=t.int64), 5); k.scatter(1, t.zeros(4, 1, dtype=t.int64), k); k.scatter(1, j, 5); t.scatter_add(k, 0, i, 1); t.gather(k, 1, t.zeros(4, 1, dtype=t.int64)); t.gather(k, 1, j)
"""

EXPRESSIONS["windows"] = """
t.hann_window(5); t.hann_window(5, False); t.hann_window(1); t.hann_window(0); t.hann_window(-1); t.hann_window(2.5); t.hamming_window(6); t.hamming_window(6, True, 0.4, 0.6); t.blackman_window(5, dtype=t.float64); t.bartlett_window(5); t.bartlett_window(4, False); t.kaiser_window(5); t.kaiser_window(6, False, 3.0); t.hann_window(3, requires_grad=True).requires_grad
t.signal.windows.hann(5); t.signal.windows.hann(5, sym=False); t.signal.windows.hamming(4); t.signal.windows.blackman(6); t.signal.windows.nuttall(5); t.signal.windows.bartlett(5); t.signal.windows.cosine(4); t.signal.windows.cosine(0); t.signal.windows.exponential(5, tau=2.0); t.signal.windows.exponential(5, center=1, sym=False); t.signal.windows.gaussian(5, std=2.0)
t.signal.windows.kaiser(5, beta=3.0); t.signal.windows.kaiser(1); t.signal.windows.general_cosine(5, a=[0.4, 0.3, 0.3]); t.signal.windows.general_hamming(5, alpha=0.6, sym=False); t.signal.windows.gaussian(5, std=-1.0); t.signal.windows.hann(-1); t.signal.windows.exponential(5, center=1); t.signal.windows.general_cosine(5, a=[]); t.signal.windows.hann(3, dtype=t.int64)
"""

EXPRESSIONS["copies"] = """
t.view_copy(x, (2, 6)); t.permute_copy(x, (1, 0)); t.transpose_copy(x, 0, 1); t.t_copy(x); t.expand_copy(v, (2, 4)); t.diagonal_copy(m); t.squeeze_copy(x[:1]); t.squeeze_copy(x[:1], 0); t.unsqueeze_copy(x, 1); t.unfold_copy(v, 0, 2, 1); t.unbind_copy(x); t.split_copy(x, 2); t.split_with_sizes_copy(x, [1, 2]); t.slice_copy(x, 1, 0, 4, 2); t.select_copy(x, 0, 1)
t.alias_copy(x); t.as_strided_copy(x, (2, 2), (1, 2)); t.narrow_copy(x, 1, 1, 2); x.narrow_copy(0, 1, 2); t.unsafe_chunk(x, 2); x.unsafe_split(2); x.unsafe_split_with_sizes([1, 2], 0); a = t.diagonal_copy(m.detach()); a.zero_(); m
t.view_copy(x, size=(12,)); t.unsafe_split(x, split_size=2); x.unsafe_split(split_size=2); t.detach_copy(x, out=t.empty(0)); t.select_copy(x, axis=0, index=1); t.diagonal_copy(input=x, offset=1)
"""

EXPRESSIONS["numbers"] = """
t.frexp(x); p.frexp(); t.frexp(k); t.frexp(n).mantissa; t.ldexp(x, i); t.ldexp(x, y); x.ldexp(i); t.nextafter(x, y); p.nextafter(p + 1); t.gcd(k, i); k.gcd(t.tensor(4)); t.lcm(k, i); q.lcm(q); t.gcd(x, y); a = k.clone(); a.gcd_(i); a ;; a = k.clone(); a.lcm_(i); a ;; a = p.clone(); a.ldexp_(i); a
"""

EXPRESSIONS["assembling"] = """
t.block_diag(x, v, s); t.block_diag(k, x); t.block_diag(b); t.block_diag(); t.cartesian_prod(v, u); t.cartesian_prod(j); t.cartesian_prod(x); t.combinations(v); t.combinations(j, 3); t.combinations(v, 2, with_replacement=True); t.combinations(v, 0); t.combinations(x); t.combinations(v, -1); t.vdot(v, v); t.vdot(v, u)
x.sum_to_size(4); x.sum_to_size(3, 1); x.sum_to_size((1, 1)); x.sum_to_size(3, 4); x.sum_to_size(2); t.unravel_index(t.tensor([5, 0, 11]), (3, 4)); t.unravel_index(t.tensor(7), 9); t.unravel_index(x, (3, 4)); t.nonzero_static(k, size=3); t.nonzero_static(mask, size=20, fill_value=7); t.nonzero_static(k, size=-1)
t.renorm(x, 2, 0, 1.0); x.renorm(1, 1, 0.5); t.renorm(v, 2, 0, 1.0); t.renorm(x, -1, 0, 1.0); t.empty_strided((2, 3), (1, 2)).stride(); t.empty_strided((2,), (1, 2)); x.new_empty_strided((2, 3), (4, 1)).shape; t.empty_permuted((2, 3), (1, 0)).stride(); t.empty_permuted((2,), (1, 0)); t.as_strided_scatter(x.detach(), y.detach()[:2, :2], (2, 2), (1, 2), 1)
a = x.clone(); t.zero_(a); a ;; a = x.clone(); a.zero_(); a + x ;; t.vander(v); t.vander(j, 2, True); t.vander(x); t.vander(v, 0); a = m.detach().clone(); a.fill_diagonal_(7); a ;; a = t.zeros(7, 3); a.fill_diagonal_(1, wrap=True); a ;; a = t.zeros(4); a.fill_diagonal_(1) ;; a = x.detach().clone(); a.renorm_(2, 0, 1.0); a
a = x.detach().clone(); t.exp_(a); a ;; a = x.detach().clone(); t.clamp_(a, 0, 1); a ;; a = d.clone(); a.float_power_(2); a ;; a = x.detach().clone(); a.float_power_(2) ;; a = d.clone(); a.sinc_(); a
x.detach().clone().resize_(size=(2, 6)); x.detach().clone().copy_(other=y); t.result_type(tensor=x, other=d); x.is_pinned(device=None); t.nonzero_static(mask, size=2, out=t.empty(0, dtype=t.int64))
"""

EXPRESSIONS["of_nn"] = """
t.conv1d(b, m[None, :, :2].expand(2, 3, 2)); t.conv_transpose1d(b, m[:, :2, None].expand(3, 2, 2)); t.convolution(b, m[:, :, None], None, [1], [0], [1], False, [0], 1); t.layer_norm(x, (4,), v, v); t.layer_norm(x, (4,), None, v); t.group_norm(b, 3); t.rms_norm(x, (4,)); t.batch_norm(x, v, v, t.zeros(4), t.ones(4), False, 0.1, 1e-5, False); t.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False)
t.instance_norm(b, None, None, None, None, True, 0.1, 1e-5, False); t.native_layer_norm(x, (4,), v, v, 1e-5); t.native_group_norm(b, None, None, 2, 3, 4, 3, 1e-5); t.native_batch_norm(x, v, v, None, None, True, 0.1, 1e-5); t.norm_except_dim(x, 2, 0); t.norm_except_dim(x, 2, -1); t.dropout(x, 0.5, False); t.native_dropout(x, 0.5, False); t.constant_pad_nd(x, (1, -1), 2.0)
t.embedding(x, j); t.max_pool1d(b, 2); t.adaptive_max_pool1d(b, 2); t.avg_pool1d(b, (2,)); t.max_pool1d_with_indices(b, 2); t.cosine_similarity(x, y); t.pairwise_distance(x, y); t.pdist(x); t.pixel_shuffle(t.ones(1, 4, 2, 2), 2).shape; t.bilinear(x, y, b.reshape(1, 2, 12)[:, :, :4].expand(4, 2, 4)[:, :1].expand(4, 4, 4))
t.kl_div(x, p); t.kl_div(x, p, 2); t.kl_div(x, p, 0, log_target=True); t.hinge_embedding_loss(x, x.sign(), 1.0, 2); t.margin_ranking_loss(x, y, x.sign(), 0.1, 1); t.binary_cross_entropy_with_logits(x, p / 3); t.poisson_nll_loss(x, p, True, False, 1e-8, 1); t.triplet_margin_loss(x, y, x * 2); t.cosine_embedding_loss(x, y, u.detach().sign(), 0.0, 1)
t.gru_cell(x, x[:, :2], t.ones(6, 4), t.ones(6, 2)); t.lstm_cell(x, (x[:, :2], y[:, :2]), t.ones(8, 4), t.ones(8, 2)); t.rnn_tanh_cell(x, x[:, :2], t.ones(2, 4), t.ones(2, 2)); t.affine_grid_generator(b[:, :2, :3], (2, 1, 2, 2), False); t.grid_sampler_2d(b[:, None], b[:, None, :, :2], 0, 0, False); a = x.detach().clone(); t.celu_(a); a ;; a = x.detach().clone(); t.threshold_(a, 0.0, -1.0); a
"""

EXPRESSIONS["masked"] = """
t.masked.sum(x, mask=mask); t.masked.sum(x, 1, keepdim=True, mask=mask); t.masked.sum(k, 0, mask=mask); t.masked.sum(x); t.masked.prod(x, 1, mask=mask); t.masked.prod(q, 1, mask=mask); t.masked.amax(x, 0, mask=mask); t.masked.amin(k, 1, mask=mask); t.masked.amax(mask, 0, mask=mask); t.masked.argmax(x, 1, mask=mask); t.masked.argmin(k, 1, mask=mask)
t.masked.mean(x, 1, mask=mask); t.masked.mean(x, mask=row[:, None]); t.masked.mean(k, mask=mask); t.masked.median(x, 1, mask=mask); t.masked.median(k, 1, mask=mask | (k > 0)); t.masked.norm(x, 2.0, 1, mask=mask); t.masked.norm(x, float('-inf'), 0, mask=mask); t.masked.var(x, 1, mask=mask); t.masked.std(x, 0, unbiased=False, mask=mask); t.masked.var(x)
t.masked.std(k, 1, correction=0, mask=mask); t.masked.softmax(x, 1, mask=mask); t.masked.log_softmax(x, 0, mask=row[:, None]); t.masked.softmin(x, 1, mask=mask); t.masked.normalize(x, 2.0, 1, mask=mask); t.masked.cumsum(x, 1, mask=mask); t.masked.cumprod(x, 0, mask=mask); t.masked.logsumexp(x, 1, mask=mask); t.masked.logaddexp(x, y, input_mask=mask, other_mask=mask); t.masked.sum(v, mask=mask)
"""

EXPRESSIONS["changing_views"] = """
a = x.detach().clone(); a.unsqueeze_(0); a ;; a = x.detach().clone(); a.t_(); a ;; a = b.detach().clone(); a.transpose_(0, 2); a ;; a = b.detach().clone(); a.swapaxes_(0, -1); a.shape ;; a = x.detach()[:1].clone(); a.squeeze_(); a ;; a = x.detach().clone(); a.squeeze_(0); a ;; a = v.detach().clone(); a.as_strided_((2, 2), (1, 2)); a
a = x.detach().clone(); o = a[0]; a.unsqueeze_(0); a.add_(1); o ;; a = x.detach().clone(); o = a[:, 1:]; a.t_(); o.zero_(); a ;; a = x.detach().clone(); o = a[0]; a.t_(); a.unsqueeze_(1); a[0] = 7; o ;; a = x.detach().clone(); o = a[1:]; o.unsqueeze_(0); o.mul_(2); a ;; a = x.detach().clone(); a.t_(); a.stride()
a = x * 2; a.unsqueeze_(0); a * a ;; a = x * 2; a.t_(); a @ x ;; a = x * 2; o = a[0]; a.unsqueeze_(1); o * a[0] ;; x.unsqueeze_(0) ;; a = b.detach().clone(); a.t_() ;; a = x.detach().clone(); a.unsqueeze_(5) ;; a = x * 2; a.squeeze_(); a ;; a = t.arange(4.0); t.as_strided_(a, (2,), (2,)); a
a = x.detach().clone(); a.swapaxes_(axis0=0, axis1=1); a
"""

EXPRESSIONS["unsigned"] = """
t.tensor([0, 5, 2**63, 2**64 - 1], dtype=t.uint64); t.tensor([65535, 1], dtype=t.uint16); t.tensor([-1], dtype=t.uint64); t.tensor([70000], dtype=t.uint16); t.zeros(2, dtype=t.uint16); t.full((2,), 2**64 - 1, dtype=t.uint64); t.full((2,), 70000, dtype=t.uint16)
o = t.tensor([0, 5, 2**63, 2**64 - 1], dtype=t.uint64); [o.double(), o.float(), o.long(), o.to(t.uint16), o.to(t.uint8), o.sum(), o[3].item(), o.tolist(), o[1:], o.reshape(2, 2), o == o, o.sort()[0], repr(o)]
o = t.tensor([65535, 1], dtype=t.uint16); [o.int(), o.float(), o.view(t.int16), o.sum(), o.clone(), t.cat([o, o]), o == 1, o * 2, o & 3, o + 1.5, repr(o), o.unique(), o.flip(0).shape if False else o.shape]
t.tensor([1e19, 3.7, 2.0**63], dtype=t.float64).to(t.uint64); t.tensor([3.7, 65535.5]).to(t.uint16); t.from_numpy(np.arange(3, dtype=np.uint16)); t.tensor(np.arange(3, dtype=np.uint64)); t.tensor([3], dtype=t.uint64).numpy().dtype; t.iinfo(t.uint16); t.iinfo(t.uint64); t.iinfo(t.int64)
t.promote_types(t.uint16, t.float32); t.uint16.is_signed; t.uint64.itemsize; t.tensor([3], dtype=t.uint16).type(); a = t.zeros(3, dtype=t.uint16); a[1] = 65535; a ;; a = t.zeros(3, dtype=t.uint64); a.fill_(2**64 - 1); a ;; a = t.zeros(2, dtype=t.uint16); a[0] = 70000
"""


def lines(file: str) -> list[str]:
    """The expressions of a file."""
    return parsed(EXPRESSIONS[file])


def parsed(text: str) -> list[str]:
    """The expressions of a text. A statement begins one that goes on to ' ;; ' or to the end of the line."""
    found = []
    for line in text.strip().splitlines():
        for group in line.split(" ;; "):
            parts = [part for part in group.strip().split("; ") if part.strip()]
            at = next((n for n, part in enumerate(parts) if part.lstrip()[:4] in ("a = ", "o = ")), len(parts))
            found.extend(part.strip() for part in parts[:at])
            if at < len(parts):
                found.append("; ".join(parts[at:]))
    return found

EXPRESSIONS["spectral"] = """
t.fft.fft(x); t.fft.fft(k); t.fft.fft(x, 6); t.fft.fft(x, 3, 0); t.fft.fft(x, norm='ortho'); t.fft.fft(x, norm='forward'); t.fft.ifft(x, 5).resolve_conj(); t.fft.ifft(t.fft.fft(x))
t.fft.rfft(x); t.fft.rfft(x, 5, 0, 'ortho'); t.fft.irfft(t.fft.rfft(x), 4); t.fft.irfft(t.fft.rfft(b, 5), 5); t.fft.irfft(x, norm='forward'); t.fft.hfft(x); t.fft.hfft(x, 5)
t.fft.ihfft(x).resolve_conj(); t.fft.ihfft(x, 7, 0).resolve_conj(); t.fft.fft2(b); t.fft.ifft2(b, (2, 5)); t.fft.fftn(b, dim=(0, 2)); t.fft.ifftn(b, norm='ortho'); t.fft.rfftn(b); t.fft.irfftn(b, (3, 5))
t.fft.rfft2(b); t.fft.irfft2(b); t.fft.hfft2(b); t.fft.ihfft2(b); t.fft.hfftn(b, (2, -1)); t.fft.ihfftn(b); t.fft.fftn(s); t.fft.fft(t.tensor([True, False]))
t.view_as_real(t.fft.rfft(x)); t.fft.rfft(x).abs(); (t.fft.rfft(b).abs() ** 2).sum(); t.fft.irfft(t.fft.rfft(x) * t.fft.rfft(y), 4); t.fft.fft2(x).real
t.fft.fftfreq(5); t.fft.fftfreq(4, 0.1); t.fft.rfftfreq(5, d=2.0); t.fft.fftfreq(1); t.fft.fftfreq(3, dtype=t.float64); t.fft.fftshift(x); t.fft.fftshift(v); t.fft.ifftshift(x, 1); t.fft.ifftshift(v)
t.fft.fft(x, 0); t.fft.fft(s); t.fft.fft(x, dim=2); t.fft.fft(x, norm='q'); t.fft.fft2(v); t.fft.fftn(x, s=(1, 2, 3)); t.fft.fftn(x, dim=(0, 0)); t.fft.fftn(x, s=(2,), dim=(0, 1))
t.fft.rfft(x + 0j); t.fft.ihfft(x + 0j); t.fft.irfft(x[:, :1]); t.fft.rfftn(s); t.fft.fft(x.half()); t.fft.fftfreq(-1); out = t.empty(3, 4, dtype=t.complex64); t.fft.fft(x.detach(), out=out); out
t.view_as_real(t.stft(b.reshape(-1), 8, return_complex=True)); t.view_as_real(t.stft(b.reshape(2, -1), 6, 2, 4, t.tensor([0.5, 1.0, 1.0, 0.5]), return_complex=True, normalized=True))
t.stft(b.reshape(-1), 8, return_complex=False, center=False, hop_length=3); t.view_as_real(t.stft(b.reshape(-1), 8, pad_mode='constant', onesided=False, return_complex=True)); t.stft(b.reshape(-1), 8)
t.stft(b.reshape(-1), 8, hop_length=0, return_complex=True); t.stft(b.reshape(-1), 60, return_complex=True); t.stft(b.reshape(-1), 8, window=v, return_complex=True); t.stft(b.reshape(-1) + 0j, 8, onesided=True)
t.istft(t.stft(b.reshape(-1), 8, return_complex=True), 8); t.istft(t.stft(b.reshape(2, -1), 6, 2, return_complex=True, normalized=True), 6, 2, normalized=True, length=11); t.istft(x, 8)
t.istft(t.stft(b.reshape(-1), 4, window=v.abs() + 1, onesided=False, return_complex=True), 4, window=v.abs() + 1); t.istft(x + 0j, 4, length=12); t.istft(x + 0j, 8)
"""

EXPRESSIONS["narrow"] = """
x.bfloat16(); (x.bfloat16() + y.bfloat16()).float(); x.bfloat16().sum().float(); x.bfloat16().mean(0).float(); (x.bfloat16() @ y.bfloat16().t()).float(); x.bfloat16().tolist()
t.softmax(x.bfloat16(), 1).float(); t.log_softmax(x.bfloat16(), 0).float(); x.bfloat16().logsumexp(1).float(); x.bfloat16().std().float(); x.bfloat16().var(0).float(); x.bfloat16().exp().float()
x.bfloat16().max(1).indices; t.sort(x.bfloat16(), 1).values.float(); t.cat([x.bfloat16(), y.bfloat16()]).float(); x.bfloat16()[j].float(); (x.bfloat16() < y.bfloat16()); x.bfloat16().cumsum(1).float()
(x.bfloat16() + y).dtype; (x.bfloat16() + y.half()).dtype; (k + x.bfloat16()).dtype; x.bfloat16().long(); x.bfloat16().argmax(1); x.bfloat16().norm().float()
t.tensor(3.14159, dtype=t.bfloat16).item(); str(x.bfloat16()); str(t.zeros(2, dtype=t.bfloat16)); t.ones(2, 3, dtype=t.bfloat16).float(); t.full((2,), 1e38, dtype=t.bfloat16).float(); x.bfloat16().numpy()
(x.half() + y.half()); x.half().sum(); (x.half() @ y.half().t()); t.softmax(x.half(), 1); x.half().std(); t.nn.functional.layer_norm(x.half(), (4,)); x.half().mean(1); t.nn.functional.layer_norm(x.bfloat16(), (4,)).float()
a = x.detach().bfloat16(); a[1] = 7; a.float() ;; a = x.detach().bfloat16(); a.mul_(2); a.float() ;; a = x.detach().bfloat16().requires_grad_(); (a * a).sum().backward(); a.grad.float()
"""

EXPRESSIONS["numpy_names"] = """
x.sum(axis=0); x.sum(axis=(0, 1), keepdims=True); t.mean(x, axis=1); t.max(x, axis=0); x.max(axis=1, keepdims=True); t.argmax(x, axis=0); t.cumsum(x, axis=0); x.cumsum(axis=1)
t.cat([x, y], axis=1); t.stack([x, y], axis=1); t.softmax(x, axis=0); x.log_softmax(axis=1); t.sort(x, axis=0); x.unsqueeze(axis=0); t.squeeze(x[None], axis=0); x.std(axis=1)
x.index_select(axis=1, index=j); t.gather(x, axis=0, index=i); x.unbind(axis=0); x.chunk(2, axis=1); x.topk(2, axis=0); t.linalg.norm(x, axis=0); x.any(axis=0)
t.sum(x.detach(), axis=0, out=t.empty(4)); x.cumsum(); t.gather(x, 0); t.linalg.vector_norm(x, axis=1, keepdims=True) ;; a = x.detach().clone(); a.cumsum_(axis=0); a
"""
