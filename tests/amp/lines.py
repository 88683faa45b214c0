"""What autocast is tested with: lines of code whose results' dtypes count, and programs that train. Nothing here is of one framework: `t` is either."""

from __future__ import annotations

import warnings

# Evaluated with tensors of float32 and of bfloat16, outside of a region and in one of either dtype.
LINES = """
a @ a
a.T @ a
x @ x
x @ a
a @ x
b @ a
t.mm(a, a)
t.bmm(b, b)
t.matmul(b, a)
t.addmm(a, a, a)
t.addbmm(a, b, b)
t.baddbmm(b, b, b)
a.addmm(a, a, beta=2)
t.mv(a, x)
t.dot(x, x)
t.addmv(x, a, x)
t.addr(a, x, x)
t.outer(x, x)
t.inner(a, a)
t.tensordot(b, b, 2)
t.chain_matmul(a, a, a)
t.linalg.multi_dot([a, a, a])
t.linalg.matrix_power(a, 2)
t.linalg.vecdot(a, a)
t.linalg.vecdot(x, x)
t.einsum('ij,jk->ik', a, a)
t.einsum('i,j->ij', x, x)
t.einsum('bij,bjk->bik', b, b)
t.einsum('ij->i', a)
t.cov(a)
t.corrcoef(a)
t.kron(a, a)
F.linear(a, a)
F.linear(a, a, x)
F.linear(b, a, x)
F.bilinear(a, a, b, x[:2])
F.conv1d(v, w[:, :, 0])
F.conv1d(v, w[:, :, 0], padding='same')
F.conv2d(im, w)
F.conv2d(im, w, x[:2])
F.conv2d(im, w, padding='same')
F.conv3d(vol, w[:, :, None])
F.conv_transpose1d(v, w[:, :, 0])
F.conv_transpose2d(im, w)
F.conv_transpose3d(vol, w[:, :, None])
F.conv_tbc(b, a.reshape(1, 4, 4), x, 0)
F.prelu(a, x[:1])
F.scaled_dot_product_attention(b, b, b)
F.relu(a)
F.softmax(a, 0)
F.log_softmax(a, 0)
F.gelu(a)
F.layer_norm(a, (4,))
F.batch_norm(im, None, None, training=True)
F.group_norm(im, 2)
F.max_pool1d(v, 2)
F.max_pool2d(im, 2)
F.max_pool3d(vol, 2)
F.max_pool3d(vol, 2, return_indices=True)
F.avg_pool1d(v, 2)
F.avg_pool2d(im, 2)
F.avg_pool3d(vol, 2)
F.adaptive_avg_pool2d(im, 2)
F.adaptive_avg_pool3d(vol, 2)
F.adaptive_max_pool2d(im, 2)
F.adaptive_max_pool3d(vol, 2)
F.max_unpool1d(F.max_pool1d(v, 2), t.tensor([[[0, 2, 4], [0, 2, 4]]]), 2)
F.max_unpool2d(F.max_pool2d(im, 3), t.tensor([0, 3, 18, 21]).reshape(1, 1, 2, 2).expand(1, 2, 2, 2), 3)
F.max_unpool3d(F.max_pool3d(vol, 6), t.zeros(1, 2, 1, 1, 1, dtype=t.int64), 6)
F.fractional_max_pool2d(im, 2, 3)
F.fractional_max_pool3d(vol, 2, 3)
F.lp_pool2d(im, 2, 2)
F.pad(v, (1, 1))
F.pad(v, (1, 1), 'reflect')
F.pad(im, (1, 1, 1, 1), 'reflect')
F.pad(vol, (1, 1, 1, 1, 1, 1), 'reflect')
F.pad(v, (1, 1), 'replicate')
F.pad(vol, (1, 1, 1, 1, 1, 1), 'replicate')
F.pad(v, (1, 1), 'circular')
F.grid_sample(im, im[:, :, :2, :2].permute(0, 2, 3, 1), align_corners=False)
F.interpolate(im, scale_factor=2)
F.mse_loss(a, a + 1)
F.l1_loss(a, a + 1)
F.smooth_l1_loss(a, a + 1)
F.huber_loss(a, a + 1)
F.kl_div(a, a, reduction='sum')
F.poisson_nll_loss(a, a)
F.gaussian_nll_loss(a, a, a)
F.cosine_embedding_loss(a, a, i * 2 - 1)
F.cosine_similarity(a, a)
F.pairwise_distance(a, a + 1)
F.margin_ranking_loss(x, x, x)
F.triplet_margin_loss(a, a + 1, a + 2)
F.nll_loss(a, i)
F.nll_loss(im[:, :, :2, :2], i.reshape(1, 2, 2))
F.cross_entropy(a, i)
F.cross_entropy(a, p)
F.binary_cross_entropy(p, p)
F.binary_cross_entropy_with_logits(a, p)
F.soft_margin_loss(a, p)
F.hinge_embedding_loss(a, p)
F.multi_margin_loss(a, i)
F.multilabel_margin_loss(a, i.expand(4, 4))
F.multilabel_soft_margin_loss(a, p)
F.ctc_loss(t.log(b.permute(1, 0, 2)), t.ones(2, 2, dtype=t.int64), (4, 4), (2, 2))
F.dropout(a)
F.embedding(i, a)
t.prod(a)
t.prod(a, 0)
a.prod()
a.sum()
a.mean()
a.cumsum(0)
a.exp()
a.pow(2)
a.norm()
t.trace(a)
t.cdist(a, a)
F.pdist(a)
t.dist(a, a)
t.quantile(a, 0.5)
t.nanquantile(a, 0.5)
t.median(a)
t.polar(a, a)
t.complex(a, a)
t.view_as_complex(a.reshape(4, 2, 2))
t.stft(x.repeat(4), 4, return_complex=True, window=x)
t.fft.fft(x)
t.fft.ifft(x)
t.fft.rfft(x)
t.fft.irfft(x)
t.fft.hfft(x)
t.fft.ihfft(x)
t.fft.fft2(a)
t.fft.ifft2(a)
t.fft.rfft2(a)
t.fft.irfft2(a)
t.fft.fftn(a)
t.fft.ifftn(a)
t.fft.rfftn(a)
t.fft.irfftn(a)
t.fft.hfft2(a)
t.fft.ihfftn(a)
t.fft.fftshift(a)
t.linalg.cond(s)
t.linalg.cond(s, 'fro')
t.linalg.cond(s, 1)
t.linalg.matrix_rank(s)
t.linalg.solve(s, a)
t.linalg.solve_triangular(s.triu(), a, upper=True)
t.linalg.cholesky(s)
t.linalg.cholesky_ex(s)
t.linalg.svdvals(s)
t.linalg.svd(s)
t.linalg.eigvals(s)
t.linalg.eigvalsh(s)
t.linalg.eig(s)
t.linalg.eigh(s)
t.linalg.inv(s)
t.linalg.inv_ex(s)
t.linalg.pinv(s)
t.linalg.det(s)
t.linalg.slogdet(s)
t.linalg.lu(s)
t.linalg.lu_factor(s)
t.linalg.lstsq(s, a)
t.linalg.qr(s)
t.linalg.householder_product(s, x)
t.linalg.tensorinv(s, 1)
t.linalg.tensorsolve(s, x)
t.linalg.norm(a)
t.linalg.matrix_norm(a)
t.linalg.matrix_norm(a, 'nuc')
t.linalg.vector_norm(a)
t.linalg.cross(a[:, :3], a[:, :3])
t.cholesky_inverse(s)
t.cholesky_solve(a, s)
t.inverse(s)
t.pinverse(s)
t.geqrf(s)
t.orgqr(s, x)
t.ormqr(s, x, a)
t.svd(s)
t.qr(s)
t.triangular_solve(a, s)
t.lu(s)
t.lu_solve(a, s, t.tensor([1, 2, 3, 4], dtype=t.int32))
t.cat([a, a])
t.cat([a, a.float()])
t.cat([a, a.double()])
t.stack([a, a])
t.stack([a, a.bfloat16()])
t.hstack([a, a.bfloat16()])
t.index_copy(a, 0, i[:1], a[:1].bfloat16())
a.index_copy(0, i[:1], a[:1].float())
a.index_add(0, i[:1], a[:1])
a.clone().addmm_(a, a)
a.clone().index_copy_(0, i[:1], a[:1])
t.mm(a, a, out=t.empty(4, 4, dtype=a.dtype))
t.cat([a, a], out=t.empty(8, 4, dtype=a.dtype))
a + a.float()
a * 2
a.double() @ a.double()
a @ a.double()
(i @ i)
t.where(a > 1, a, 0.0)
nn.LSTM(4, 3)(b.float())
nn.LSTM(4, 3, proj_size=2)(b.float())
nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True)(b.float())
nn.GRU(4, 3)(b.float())
nn.RNN(4, 3)(b.float())
nn.LSTMCell(4, 3)(a.float())
nn.GRUCell(4, 3)(a.float())
nn.RNNCell(4, 3)(a.float())
nn.MultiheadAttention(4, 2)(b.float(), b.float(), b.float())
nn.TransformerEncoderLayer(4, 2, 8)(b.float())
F.affine_grid(a[:2, :3].reshape(1, 2, 3), (1, 1, 2, 2), align_corners=False)
F.interpolate(im, scale_factor=1.5, mode='bilinear')
F.interpolate(im, scale_factor=0.5, mode='bicubic', antialias=True)
F.interpolate(vol, size=3, mode='area')
t.cross(a[:, :3], a[:, :3])
F.normalize(a)
F.linear_cross_entropy(a, a, i)
t.block_diag(a, a)
t.cartesian_prod(x, x)
t.cumulative_trapezoid(x)
t.diff(a, prepend=a)
t.vander(x)
t.roll(a, 1)
t.tril(a)
F.embedding_bag(i[None], a)
F.adaptive_avg_pool2d(im, 4)
F.rms_norm(a, (4,))
F.local_response_norm(im, 2)
F.instance_norm(im)
F.unfold(im, 2)
t.renorm(a, 2, 0, 1.0)
t.combinations(x)
t.istft(t.stft(x.repeat(4), 4, return_complex=True, window=x), 4, window=x)
t.meshgrid(x, x, indexing='ij')
t.gradient(x)
t.trapezoid(x)
t.logsumexp(a, 0)
t.std(a)
t.svd_lowrank(a)
t.pca_lowrank(a)
""".strip().split("\n")


def tensors(t, dtype) -> dict:
    """The names that a line may use."""

    def positive(*shape):
        return t.rand(*shape) + 0.1

    t.manual_seed(0)
    return {
        "t": t, "F": t.nn.functional, "nn": t.nn, "x": positive(4).to(dtype), "a": (t.eye(4) * 4 + positive(4, 4)).to(dtype),
        "b": positive(2, 4, 4).to(dtype), "im": positive(1, 2, 6, 6).to(dtype), "w": positive(2, 2, 3, 3).to(dtype), "v": positive(1, 2, 6).to(dtype),
        "vol": positive(1, 2, 6, 6, 6).to(dtype), "i": t.tensor([1, 0, 1, 0]), "p": (positive(4, 4) / 2).to(dtype), "s": (t.eye(4) * 4 + 1).to(dtype),
    }  # fmt: skip


def _named(t, value) -> str:
    if isinstance(value, t.Tensor):
        return str(value.dtype).split(".")[-1]
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(_named(t, v) for v in value) + ")"
    return type(value).__name__


def dtypes_of(t, line: str) -> list[str]:
    """The dtypes of what a line gives, for each dtype of its tensors: outside, under bfloat16, under float16. "" where it raises."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in (t.float32, t.bfloat16):
            for region in (None, t.bfloat16, t.float16):
                names = tensors(t, dtype)
                try:
                    with t.autocast("cpu", dtype=region or t.bfloat16, enabled=region is not None):
                        found.append(_named(t, eval(line, names)))
                except (RuntimeError, NotImplementedError):
                    found.append("")
    return found


def _trained(t, net, x, y, loss_of, dtype, lr: float) -> list[float]:
    optimizer = t.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        with t.autocast("cpu", dtype=dtype or t.bfloat16, enabled=dtype is not None):
            loss = loss_of(net(x), y)
        loss.backward()
        assert loss.dtype == t.float32 and all(p.grad.dtype == t.float32 for p in net.parameters())
        optimizer.step()
        losses.append(loss.item())
    return losses


def mlp(t, dtype) -> list[float]:
    """Regression by a network of two layers."""
    t.manual_seed(0)
    net = t.nn.Sequential(t.nn.Linear(6, 16), t.nn.Tanh(), t.nn.Linear(16, 1))
    x = t.randn(24, 6)
    return _trained(t, net, x, x.sum(1, keepdim=True).sin(), t.nn.functional.mse_loss, dtype, 0.05)


def conv_net(t, dtype) -> list[float]:
    """Classification by a convolution, a normalisation, a pooling and a linear layer."""
    t.manual_seed(0)
    net = t.nn.Sequential(
        t.nn.Conv2d(2, 4, 3, padding=1), t.nn.BatchNorm2d(4), t.nn.ReLU(), t.nn.MaxPool2d(2), t.nn.Flatten(), t.nn.Linear(4 * 3 * 3, 3)
    )
    x = t.randn(8, 2, 6, 6)
    return _trained(t, net, x, t.arange(8) % 3, t.nn.functional.cross_entropy, dtype, 0.02)


PROGRAMS = {"mlp": mlp, "conv_net": conv_net}
