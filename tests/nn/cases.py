"""What nn is tested with: functions with their inputs, and modules with theirs. Evaluated here and, to record and to compare, with PyTorch.

`lib` is suiren or torch. The values that tests/nn compares with are recorded by tests/recorded/record_nn.py.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict

import numpy as np

# ---------------------------------------------------------------- functions


def normal(*shape, scale=1.0, shift=0.0):
    return lambda rng: (rng.standard_normal(shape) * scale + shift).astype(np.float32)


def unit(*shape):
    return lambda rng: rng.uniform(0.05, 0.95, shape).astype(np.float32)


def below(high, *shape):
    return lambda rng: rng.integers(0, high, shape)


def signs(*shape):
    return lambda rng: rng.choice([-1.0, 1.0], shape).astype(np.float32)


N = normal
FUNCTIONS = {
    # name: (function of (F, *inputs), inputs)
    "relu": (lambda F, x: F.relu(x), [N(3, 4)]),
    "leaky_relu": (lambda F, x: F.leaky_relu(x, 0.2), [N(3, 4)]),
    "elu": (lambda F, x: F.elu(x, 1.5), [N(3, 4)]),
    "selu": (lambda F, x: F.selu(x), [N(3, 4)]),
    "celu": (lambda F, x: F.celu(x, 0.7), [N(3, 4)]),
    "gelu": (lambda F, x: F.gelu(x), [N(3, 4)]),
    "gelu_tanh": (lambda F, x: F.gelu(x, approximate="tanh"), [N(3, 4)]),
    "silu": (lambda F, x: F.silu(x), [N(3, 4)]),
    "mish": (lambda F, x: F.mish(x), [N(3, 4)]),
    "softplus": (lambda F, x: F.softplus(x, 2.0, 3.0), [N(3, 4, scale=3)]),
    "hardtanh": (lambda F, x: F.hardtanh(x, -0.5, 0.7), [N(3, 4)]),
    "relu6": (lambda F, x: F.relu6(x), [N(3, 4, scale=6)]),
    "hardsigmoid": (lambda F, x: F.hardsigmoid(x), [N(3, 4, scale=3)]),
    "hardswish": (lambda F, x: F.hardswish(x), [N(3, 4, scale=3)]),
    "logsigmoid": (lambda F, x: F.logsigmoid(x), [N(3, 4, scale=3)]),
    "glu": (lambda F, x: F.glu(x, 1), [N(3, 4)]),
    "prelu": (lambda F, x, w: F.prelu(x, w), [N(3, 4), N(4)]),
    "threshold": (lambda F, x: F.threshold(x, 0.1, 20), [N(3, 4)]),
    "softmax": (lambda F, x: F.softmax(x, 1), [N(3, 4)]),
    "log_softmax": (lambda F, x: F.log_softmax(x, dim=-1), [N(3, 4)]),
    "softmin": (lambda F, x: F.softmin(x, dim=0), [N(3, 4)]),
    "linear": (lambda F, x, w, b: F.linear(x, w, b), [N(3, 4), N(5, 4), N(5)]),
    "linear_no_bias": (lambda F, x, w: F.linear(x, w), [N(3, 4), N(5, 4)]),
    "linear_1d": (lambda F, x, w, b: F.linear(x, w, b), [N(4), N(5, 4), N(5)]),
    "linear_4d": (lambda F, x, w, b: F.linear(x, w, b), [N(2, 3, 2, 4), N(5, 4), N(5)]),
    "linear_vector": (lambda F, x, w: F.linear(x, w), [N(3, 4), N(4)]),
    "bilinear": (lambda F, x, y, w, b: F.bilinear(x, y, w, b), [N(3, 4), N(3, 5), N(2, 4, 5), N(2)]),
    "embedding": (lambda F, i, w: F.embedding(i, w, padding_idx=1), [below(5, 3, 2), N(5, 4)]),
    "embedding_bag": (lambda F, i, w: F.embedding_bag(i, w, mode="sum"), [below(5, 3, 2), N(5, 4)]),
    "embedding_bag_mean": (lambda F, i, w: F.embedding_bag(i, w), [below(5, 3, 2), N(5, 4)]),
    "embedding_bag_max": (lambda F, i, w: F.embedding_bag(i, w, mode="max"), [below(5, 3, 2), N(5, 4)]),
    "one_hot": (lambda F, i: F.one_hot(i, 7), [below(5, 3, 2)]),
    "conv1d": (lambda F, x, w, b: F.conv1d(x, w, b, stride=2, padding=1), [N(2, 3, 9), N(4, 3, 3), N(4)]),
    "conv2d": (lambda F, x, w, b: F.conv2d(x, w, b, (2, 1), (1, 2), 1), [N(2, 3, 7, 8), N(4, 3, 3, 3), N(4)]),
    "conv2d_same": (lambda F, x, w, b: F.conv2d(x, w, b, padding="same"), [N(2, 3, 7, 8), N(4, 3, 4, 3), N(4)]),
    "conv2d_groups": (lambda F, x, w: F.conv2d(x, w, None, dilation=2, groups=2), [N(2, 4, 7, 8), N(6, 2, 3, 3)]),
    "conv2d_unbatched": (lambda F, x, w, b: F.conv2d(x, w, b), [N(3, 7, 8), N(4, 3, 3, 3), N(4)]),
    "conv3d": (lambda F, x, w, b: F.conv3d(x, w, b, padding=1), [N(1, 2, 4, 5, 4), N(3, 2, 3, 3, 3), N(3)]),
    "conv_transpose1d": (lambda F, x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1), [N(2, 3, 5), N(3, 4, 3), N(4)]),
    "conv_transpose2d": (
        lambda F, x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1, 2, 2), [N(2, 4, 4, 5), N(4, 3, 3, 3), N(6)],
    ),
    "conv_transpose3d": (lambda F, x, w: F.conv_transpose3d(x, w), [N(1, 2, 3, 3, 3), N(2, 2, 2, 2, 2)]),
    "unfold": (lambda F, x: F.unfold(x, (2, 3), (2, 1), 1, 2), [N(2, 3, 7, 8)]),
    "fold": (lambda F, x: F.fold(x, (6, 7), (2, 3), 1, 1, 2), [N(2, 12, 16)]),
    "max_pool1d": (lambda F, x: F.max_pool1d(x, 3, 2, 1), [N(2, 3, 9)]),
    "max_pool2d": (lambda F, x: F.max_pool2d(x, (3, 2), 2, 1, 1, True), [N(2, 3, 7, 8)]),
    "max_pool2d_indices": (lambda F, x: F.max_pool2d(x, 2, return_indices=True)[1], [N(2, 3, 6, 8)]),
    "max_pool2d_unbatched": (lambda F, x: F.max_pool2d(x, 2), [N(3, 6, 8)]),
    "max_pool3d": (lambda F, x: F.max_pool3d(x, 2), [N(2, 3, 4, 4, 6)]),
    "max_unpool2d": (lambda F, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), [N(2, 3, 6, 8)]),
    "avg_pool1d": (lambda F, x: F.avg_pool1d(x, 3, 2, 1), [N(2, 3, 9)]),
    "avg_pool2d": (lambda F, x: F.avg_pool2d(x, 3, 2, 1, True, False), [N(2, 3, 7, 8)]),
    "avg_pool2d_divisor": (lambda F, x: F.avg_pool2d(x, 2, divisor_override=3), [N(2, 3, 6, 8)]),
    "avg_pool3d": (lambda F, x: F.avg_pool3d(x, 2), [N(2, 3, 4, 4, 6)]),
    "adaptive_avg_pool1d": (lambda F, x: F.adaptive_avg_pool1d(x, 4), [N(2, 3, 9)]),
    "adaptive_avg_pool2d": (lambda F, x: F.adaptive_avg_pool2d(x, (3, None)), [N(2, 3, 7, 8)]),
    "adaptive_avg_pool2d_even": (lambda F, x: F.adaptive_avg_pool2d(x, (2, 4)), [N(2, 3, 6, 8)]),
    "adaptive_avg_pool2d_one": (lambda F, x: F.adaptive_avg_pool2d(x, 1), [N(2, 3, 6, 8)]),
    "adaptive_avg_pool3d": (lambda F, x: F.adaptive_avg_pool3d(x, 2), [N(2, 3, 4, 5, 6)]),
    "adaptive_max_pool1d": (lambda F, x: F.adaptive_max_pool1d(x, 4), [N(2, 3, 9)]),
    "adaptive_max_pool2d": (lambda F, x: F.adaptive_max_pool2d(x, (3, 5)), [N(2, 3, 7, 8)]),
    "adaptive_max_pool2d_indices": (lambda F, x: F.adaptive_max_pool2d(x, (3, 5), return_indices=True)[1], [N(2, 3, 7, 8)]),
    "lp_pool2d": (lambda F, x: F.lp_pool2d(x, 2.0, 2), [N(2, 3, 6, 8)]),
    "batch_norm_train": (
        lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True), [N(4, 3, 5, 2, shift=3), N(3), N(3)],
    ),
    "batch_norm_2d": (lambda F, x: F.batch_norm(x, None, None, training=True), [N(6, 3)]),
    "batch_norm_eval": (
        lambda F, x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b), [N(4, 3, 5), N(3), unit(3), N(3), N(3)],
    ),
    "instance_norm": (lambda F, x, w, b: F.instance_norm(x, None, None, w, b), [N(4, 3, 5, 2), N(3), N(3)]),
    "layer_norm": (lambda F, x, w, b: F.layer_norm(x, (5, 2), w, b), [N(4, 3, 5, 2), N(5, 2), N(5, 2)]),
    "layer_norm_plain": (lambda F, x: F.layer_norm(x, (6,)), [N(4, 6)]),
    "rms_norm": (lambda F, x, w: F.rms_norm(x, (6,), w), [N(4, 6), N(6)]),
    "group_norm": (lambda F, x, w, b: F.group_norm(x, 2, w, b), [N(4, 6, 5), N(6), N(6)]),
    "local_response_norm": (lambda F, x: F.local_response_norm(x, 3), [N(2, 5, 4, 4)]),
    "normalize": (lambda F, x: F.normalize(x, dim=1), [N(4, 6)]),
    "pad": (lambda F, x: F.pad(x, (1, 2, -1, 1), value=1.5), [N(2, 3, 4, 5)]),
    "pad_reflect": (lambda F, x: F.pad(x, (2, 1, 1, 3), mode="reflect"), [N(2, 3, 4, 5)]),
    "pad_replicate": (lambda F, x: F.pad(x, (2, 1, 1, 3), mode="replicate"), [N(2, 3, 4, 5)]),
    "pad_circular": (lambda F, x: F.pad(x, (2, 1, 1, 3), mode="circular"), [N(2, 3, 4, 5)]),
    "pixel_shuffle": (lambda F, x: F.pixel_shuffle(x, 2), [N(2, 8, 3, 4)]),
    "pixel_unshuffle": (lambda F, x: F.pixel_unshuffle(x, 2), [N(2, 3, 4, 6)]),
    "interpolate_nearest": (lambda F, x: F.interpolate(x, scale_factor=1.7), [N(2, 3, 5, 6)]),
    "interpolate_exact": (lambda F, x: F.interpolate(x, (7, 3), mode="nearest-exact"), [N(2, 3, 5, 6)]),
    "interpolate_linear": (lambda F, x: F.interpolate(x, 11, mode="linear"), [N(2, 3, 5)]),
    "interpolate_bilinear": (lambda F, x: F.interpolate(x, (8, 4), mode="bilinear"), [N(2, 3, 5, 6)]),
    "interpolate_corners": (
        lambda F, x: F.interpolate(x, (8, 4), mode="bilinear", align_corners=True), [N(2, 3, 5, 6)],
    ),
    "interpolate_factor": (lambda F, x: F.interpolate(x, scale_factor=2.3, mode="bilinear"), [N(2, 3, 5, 6)]),
    "interpolate_bicubic": (lambda F, x: F.interpolate(x, (8, 4), mode="bicubic"), [N(2, 3, 5, 6)]),
    "interpolate_trilinear": (lambda F, x: F.interpolate(x, 4, mode="trilinear"), [N(2, 3, 5, 6, 3)]),
    "interpolate_area": (lambda F, x: F.interpolate(x, (3, 4), mode="area"), [N(2, 3, 5, 6)]),
    "attention": (
        lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), [N(2, 3, 5, 4), N(2, 3, 5, 4), N(2, 3, 5, 6)],
    ),
    "attention_mask": (
        lambda F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), [N(2, 5, 4), N(2, 7, 4), N(2, 7, 6), N(5, 7)],
    ),
    "cross_entropy": (lambda F, x, t: F.cross_entropy(x, t), [N(6, 5), below(5, 6)]),
    "cross_entropy_weight": (
        lambda F, x, t, w: F.cross_entropy(x, t, w.detach(), ignore_index=2), [N(6, 5), below(5, 6), unit(5)],
    ),
    "cross_entropy_sum": (lambda F, x, t: F.cross_entropy(x, t, reduction="sum"), [N(6, 5, 2, 3), below(5, 6, 2, 3)]),
    "cross_entropy_none": (lambda F, x, t: F.cross_entropy(x, t, reduction="none"), [N(6, 5, 4), below(5, 6, 4)]),
    "cross_entropy_1d": (lambda F, x, t: F.cross_entropy(x, t), [N(5), below(5)]),
    "cross_entropy_smooth": (
        lambda F, x, t, w: F.cross_entropy(x, t, w.detach(), ignore_index=2, label_smoothing=0.1), [N(6, 5), below(5, 6), unit(5)],
    ),
    "cross_entropy_smooth_none": (
        lambda F, x, t: F.cross_entropy(x, t, ignore_index=2, label_smoothing=0.1, reduction="none"), [N(6, 5, 3), below(5, 6, 3)],
    ),
    "cross_entropy_smooth_mean": (
        lambda F, x, t: F.cross_entropy(x, t, ignore_index=2, label_smoothing=0.1), [N(6, 5, 3), below(5, 6, 3)],
    ),
    "cross_entropy_probabilities": (lambda F, x, t: F.cross_entropy(x, F.softmax(t, 1)), [N(6, 5), N(6, 5)]),
    "cross_entropy_probabilities_weight": (
        lambda F, x, t, w: F.cross_entropy(x, F.softmax(t, 1), w.detach(), label_smoothing=0.2, reduction="none"),
        [N(6, 5, 2), N(6, 5, 2), unit(5)],
    ),
    "nll_loss": (lambda F, x, t: F.nll_loss(F.log_softmax(x, 1), t), [N(6, 5), below(5, 6)]),
    "mse_loss": (lambda F, x, y: F.mse_loss(x, y), [N(3, 4), N(3, 4)]),
    "mse_loss_weight": (lambda F, x, y, w: F.mse_loss(x, y, weight=w), [N(3, 4), N(3, 4), unit(3, 4)]),
    "l1_loss": (lambda F, x, y: F.l1_loss(x, y, reduction="sum"), [N(3, 4), N(3, 4)]),
    "smooth_l1_loss": (lambda F, x, y: F.smooth_l1_loss(x, y, beta=0.7), [N(3, 4), N(3, 4)]),
    "huber_loss": (lambda F, x, y: F.huber_loss(x, y, delta=0.7, reduction="none"), [N(3, 4), N(3, 4)]),
    "binary_cross_entropy": (lambda F, x, y, w: F.binary_cross_entropy(x, y, w.detach()), [unit(3, 4), unit(3, 4), unit(4)]),
    "binary_cross_entropy_with_logits": (
        lambda F, x, y, w, p: F.binary_cross_entropy_with_logits(x, y, w.detach(), pos_weight=p.detach()), [N(3, 4), unit(3, 4), unit(3, 4), unit(4)],
    ),
    "kl_div": (lambda F, x, y: F.kl_div(F.log_softmax(x, 1), y, reduction="batchmean"), [N(3, 4), unit(3, 4)]),
    "kl_div_log": (lambda F, x, y: F.kl_div(x, y, reduction="sum", log_target=True), [N(3, 4), N(3, 4)]),
    "poisson_nll_loss": (lambda F, x, y: F.poisson_nll_loss(x, y, full=True), [N(3, 4), lambda r: r.uniform(0, 4, (3, 4)).astype("f4")]),
    "gaussian_nll_loss": (lambda F, x, y, v: F.gaussian_nll_loss(x, y, v, full=True), [N(3, 4), N(3, 4), unit(3, 4)]),
    "cosine_similarity": (lambda F, x, y: F.cosine_similarity(x, y), [N(3, 4), N(3, 4)]),
    "pairwise_distance": (lambda F, x, y: F.pairwise_distance(x, y), [N(3, 4), N(3, 4)]),
    "pdist": (lambda F, x: F.pdist(x), [N(4, 5)]),
    "cosine_embedding_loss": (lambda F, x, y, t: F.cosine_embedding_loss(x, y, t.detach(), 0.1), [N(3, 4), N(3, 4), signs(3)]),
    "margin_ranking_loss": (lambda F, x, y, t: F.margin_ranking_loss(x, y, t.detach(), 0.1), [N(5), N(5), signs(5)]),
    "hinge_embedding_loss": (lambda F, x, t: F.hinge_embedding_loss(x, t.detach()), [N(5), signs(5)]),
    "soft_margin_loss": (lambda F, x, t: F.soft_margin_loss(x, t.detach()), [N(5), signs(5)]),
    "multilabel_soft_margin_loss": (lambda F, x, t: F.multilabel_soft_margin_loss(x, t.detach()), [N(3, 5), unit(3, 5)]),
    "multi_margin_loss": (lambda F, x, t, w: F.multi_margin_loss(x, t, 2, 0.8, w.detach()), [N(3, 5), below(5, 3), unit(5)]),
    "multilabel_margin_loss": (
        lambda F, x, t: F.multilabel_margin_loss(x, t), [N(2, 4), lambda r: np.array([[3, 0, -1, 1], [2, -1, 0, 1]])],
    ),
    "triplet_margin_loss": (lambda F, a, p, n: F.triplet_margin_loss(a, p, n, swap=True), [N(3, 4), N(3, 4), N(3, 4)]),
    "grid_sample": (lambda F, x, g: F.grid_sample(x, g, align_corners=False), [N(2, 3, 4, 5), N(2, 3, 2, 2)]),
    "grid_sample_cubic": (lambda F, x, g: F.grid_sample(x, g, "bicubic", "reflection", True), [N(1, 2, 4, 5), N(1, 2, 2, 2)]),
    "affine_grid": (lambda F, a: F.affine_grid(a, [2, 1, 3, 4], align_corners=False), [N(2, 2, 3)]),
    "interpolate_antialias": (lambda F, x: F.interpolate(x, (4, 3), mode="bicubic", antialias=True), [N(1, 2, 9, 8)]),
    "fractional_max_pool2d": (lambda F, x, u: F.fractional_max_pool2d(x, 2, 3, _random_samples=u.detach()), [N(2, 3, 6, 7), unit(2, 3, 2)]),
    "ctc_loss": (lambda F, x, t: F.ctc_loss(F.log_softmax(x, 2), t + 1, [6, 5], [3, 2]), [N(6, 2, 4), below(3, 2, 3)]),
    "linear_cross_entropy": (lambda F, x, w, t: F.linear_cross_entropy(x, w, t), [N(4, 3), N(5, 3), below(5, 4)]),
    "embedding_scaled": (lambda F, i, w: F.embedding(i, w, scale_grad_by_freq=True), [below(3, 3, 2), N(5, 4)]),
    "embedding_max_norm": (lambda F, i, w: F.embedding(i, w.detach().clone(), max_norm=1.0), [below(5, 3, 2), N(5, 4)]),
    "attention_heads": (
        lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3, enable_gqa=True), [N(1, 4, 3, 5), N(1, 2, 6, 5), N(1, 2, 6, 5)],
    ),
    "triplet_margin_with_distance_loss": (
        lambda F, a, p, n: F.triplet_margin_with_distance_loss(a, p, n), [N(3, 4), N(3, 4), N(3, 4)],
    ),
}


def function_results(lib, name: str) -> dict[str, np.ndarray]:
    """{"out": the result, "grad0": the gradient of the first input, …} of a weighted sum of the result."""
    function, makers = FUNCTIONS[name]
    rng = np.random.default_rng(0)
    inputs = [lib.tensor(make(rng)) for make in makers]
    for t in inputs:
        if t.is_floating_point():
            t.requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = function(lib.nn.functional, *inputs)
    if out.requires_grad:
        weights = np.random.default_rng(1).standard_normal(tuple(out.shape)).astype(np.float32)
        (out * lib.tensor(weights)).sum().backward()
    found = {"out": out.detach().numpy().copy()}
    for i, t in enumerate(inputs):
        if t.grad is not None:
            found[f"grad{i}"] = t.grad.detach().numpy().copy()
    return found


# ---------------------------------------------------------------- modules

# text of a constructor -> shapes of its inputs (a whole number: class indices below it, of the batch's shape)
MODULES = {
    "nn.Identity(3, a=1)": [(2, 3)],
    "nn.Linear(4, 3)": [(2, 4)],
    "nn.Linear(4, 3, bias=False)": [(2, 4)],
    "nn.Bilinear(4, 3, 2)": [(5, 4), (5, 3)],
    "nn.Conv1d(3, 4, 3, 2, 1)": [(2, 3, 9)],
    "nn.Conv2d(3, 4, (3, 2), padding='same', bias=False)": [(2, 3, 5, 6)],
    "nn.Conv2d(4, 6, 3, padding=1, groups=2, dilation=2, padding_mode='reflect')": [(2, 4, 7, 6)],
    "nn.Conv3d(2, 3, 2)": [(1, 2, 3, 4, 3)],
    "nn.ConvTranspose1d(3, 4, 3)": [(2, 3, 5)],
    "nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2)": [(2, 4, 3, 4)],
    "nn.ConvTranspose3d(2, 3, 2)": [(1, 2, 3, 2, 3)],
    "nn.MaxPool1d(2)": [(2, 3, 6)],
    "nn.MaxPool2d(3, 2, 1)": [(2, 3, 6, 7)],
    "nn.MaxPool3d((1, 2, 2), ceil_mode=True)": [(2, 3, 2, 5, 4)],
    "nn.AvgPool1d(2)": [(2, 3, 6)],
    "nn.AvgPool2d(3, 2, 1)": [(2, 3, 6, 7)],
    "nn.AvgPool3d(2)": [(2, 3, 4, 4, 4)],
    "nn.LPPool2d(2, 2)": [(2, 3, 4, 4)],
    "nn.AdaptiveAvgPool1d(3)": [(2, 3, 7)],
    "nn.AdaptiveAvgPool2d((None, 2))": [(2, 3, 6, 7)],
    "nn.AdaptiveAvgPool3d(1)": [(2, 3, 4, 4, 4)],
    "nn.AdaptiveMaxPool2d((3, 2))": [(2, 3, 6, 7)],
    "nn.BatchNorm1d(3)": [(4, 3)],
    "nn.BatchNorm2d(3, eps=0.001, momentum=0.3)": [(4, 3, 2, 5)],
    "nn.BatchNorm2d(3, momentum=None)": [(4, 3, 2, 5)],
    "nn.BatchNorm3d(3, affine=False)": [(4, 3, 2, 2, 2)],
    "nn.BatchNorm1d(3, track_running_stats=False)": [(4, 3, 5)],
    "nn.InstanceNorm1d(3)": [(4, 3, 5)],
    "nn.InstanceNorm2d(3, affine=True, track_running_stats=True)": [(4, 3, 5, 2)],
    "nn.LayerNorm((5, 2))": [(4, 3, 5, 2)],
    "nn.LayerNorm(6, elementwise_affine=False)": [(4, 6)],
    "nn.LayerNorm(6, bias=False)": [(4, 6)],
    "nn.RMSNorm(6)": [(4, 6)],
    "nn.GroupNorm(2, 6)": [(4, 6, 3)],
    "nn.LocalResponseNorm(3)": [(2, 5, 4)],
    "nn.Dropout(0.3)": [(5, 6)],
    "nn.Dropout1d()": [(3, 4, 5)],
    "nn.Dropout2d(0.4)": [(3, 4, 2, 2)],
    "nn.Dropout3d()": [(3, 4, 2, 2, 2)],
    "nn.AlphaDropout(0.2)": [(5, 6)],
    "nn.FeatureAlphaDropout(0.5)": [(5, 6, 2)],
    "nn.Threshold(0.1, 2)": [(3, 4)],
    "nn.ReLU()": [(3, 4)],
    "nn.RReLU()": None,
    "nn.Hardtanh(-0.3, 0.4)": [(3, 4)],
    "nn.ReLU6()": [(3, 4)],
    "nn.Sigmoid()": [(3, 4)],
    "nn.Hardsigmoid()": [(3, 4)],
    "nn.Tanh()": [(3, 4)],
    "nn.SiLU()": [(3, 4)],
    "nn.Mish()": [(3, 4)],
    "nn.Hardswish()": [(3, 4)],
    "nn.ELU(0.7)": [(3, 4)],
    "nn.CELU()": [(3, 4)],
    "nn.SELU()": [(3, 4)],
    "nn.GLU()": [(3, 4)],
    "nn.GELU()": [(3, 4)],
    "nn.GELU('tanh')": [(3, 4)],
    "nn.Hardshrink()": [(3, 4)],
    "nn.Softshrink(0.2)": [(3, 4)],
    "nn.LeakyReLU(0.1, inplace=True)": None,
    "nn.LogSigmoid()": [(3, 4)],
    "nn.Softplus()": [(3, 4)],
    "nn.PReLU(4)": [(3, 4)],
    "nn.Softsign()": [(3, 4)],
    "nn.Tanhshrink()": [(3, 4)],
    "nn.Softmin(dim=1)": [(3, 4)],
    "nn.Softmax(dim=0)": [(3, 4)],
    "nn.LogSoftmax(dim=-1)": [(3, 4)],
    "nn.Softmax2d()": [(2, 3, 4, 2)],
    "nn.Flatten()": [(2, 3, 4)],
    "nn.Unflatten(1, (2, 3))": [(2, 6, 4)],
    "nn.Embedding(7, 3, padding_idx=2)": [7],
    "nn.EmbeddingBag(7, 3, mode='sum')": [7],
    "nn.LSTM(3, 4, 2, bidirectional=True)": [(3, 2, 3)],
    "nn.GRU(3, 4, batch_first=True)": [(2, 3, 3)],
    "nn.RNN(3, 4, nonlinearity='relu', bias=False)": [(3, 2, 3)],
    "nn.LSTMCell(3, 4)": [(2, 3)],
    "nn.GRUCell(3, 4)": [(2, 3)],
    "nn.RNNCell(3, 4)": [(2, 3)],
    "nn.MultiheadAttention(4, 2, dropout=0.2)": [(3, 2, 4), (5, 2, 4), (5, 2, 4)],
    "nn.TransformerEncoderLayer(4, 2, 8)": [(3, 2, 4)],
    "nn.TransformerDecoderLayer(4, 2, 8, batch_first=True, norm_first=True)": [(2, 3, 4), (2, 5, 4)],
    "nn.FractionalMaxPool2d(2, output_ratio=0.5)": [(2, 3, 6, 7)],
    "nn.RReLU(0.1, 0.3)": [(3, 4)],
    "nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4], 2.0)": [(5, 4), 6],
    "nn.SyncBatchNorm(3)": [(4, 3, 2)],
    "nn.PixelShuffle(2)": [(2, 8, 3, 2)],
    "nn.PixelUnshuffle(2)": [(2, 2, 4, 6)],
    "nn.ChannelShuffle(2)": None,
    "nn.Upsample(scale_factor=2, mode='bilinear')": [(2, 3, 4, 5)],
    "nn.UpsamplingNearest2d(size=(3, 7))": [(2, 3, 4, 5)],
    "nn.UpsamplingBilinear2d(scale_factor=2)": [(2, 3, 4, 5)],
    "nn.Unfold(2)": [(2, 3, 4, 5)],
    "nn.Fold((4, 5), 2)": [(2, 12, 12)],
    "nn.ZeroPad2d(1)": [(2, 3, 4, 5)],
    "nn.ConstantPad1d((1, 2), 0.5)": [(2, 3, 4)],
    "nn.ReflectionPad2d((1, 2, 0, 1))": [(2, 3, 4, 5)],
    "nn.ReplicationPad3d(1)": [(2, 3, 4, 5, 2)],
    "nn.CircularPad1d(2)": [(2, 3, 4)],
    "nn.PairwiseDistance()": [(3, 4), (3, 4)],
    "nn.CosineSimilarity()": [(3, 4), (3, 4)],
    "nn.CrossEntropyLoss(label_smoothing=0.1)": [(5, 4), 4],
    "nn.MSELoss()": [(3, 4), (3, 4)],
    "nn.L1Loss(reduction='sum')": [(3, 4), (3, 4)],
    "nn.SmoothL1Loss()": [(3, 4), (3, 4)],
    "nn.HuberLoss()": [(3, 4), (3, 4)],
    "nn.KLDivLoss(reduction='batchmean', log_target=True)": [(3, 4), (3, 4)],
    "nn.PoissonNLLLoss()": [(3, 4), (3, 4)],
    "nn.MarginRankingLoss()": [(4,), (4,), (4,)],
    "nn.TripletMarginLoss()": [(3, 4), (3, 4), (3, 4)],
    "nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.2), nn.Linear(8, 2))": [(6, 4)],
    "nn.Sequential(OrderedDict(a=nn.Conv2d(3, 4, 3), b=nn.Sequential(nn.ReLU(), nn.Flatten())))": [(2, 3, 4, 5)],
    "nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3), nn.ReLU()])": None,
    "nn.ModuleDict(dict(b=nn.Linear(2, 2), a=nn.ReLU()))": None,
    "nn.ParameterList([torch.zeros(2), torch.ones(2, 3), 'x'])": None,
    "nn.ParameterDict({'b': torch.zeros(2), 'a': torch.ones(2, 3)})": None,
}


def first(out):
    """The first of several results."""
    return out[0] if isinstance(out, tuple) else out


def module_results(lib, text: str) -> dict[str, np.ndarray | str]:
    """Its text, its state with a seed ("init a.weight"), the state after two batches, results in training and evaluation, gradients."""
    lib.manual_seed(11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = eval(text, {"nn": lib.nn, "torch": lib, "OrderedDict": OrderedDict})
        found: dict[str, np.ndarray | str] = {"text": repr(module)}
        found |= {f"init {k}": v.numpy().copy() for k, v in module.state_dict().items()}
        if MODULES[text] is None:
            return found
        rng = np.random.default_rng(5)
        inputs = []
        for shape in MODULES[text]:
            if isinstance(shape, int):
                inputs.append(lib.tensor(rng.integers(0, shape, (5,) if "Loss" in text or "Softmax" in text else (5, 3))))
            else:
                inputs.append(lib.tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=True))
        module(*inputs)
        out = first(module(*inputs))  # the second time: running statistics have moved
        weight = np.random.default_rng(1).standard_normal(tuple(out.shape)).astype(np.float32)
        (out * lib.tensor(weight)).sum().backward()
        found["out"] = out.detach().numpy().copy()
        found |= {f"state {k}": v.numpy().copy() for k, v in module.state_dict().items()}
        found["evaluated"] = first(module.eval()(*inputs)).detach().numpy().copy()
    gradients = [*((f"input{i}", t) for i, t in enumerate(inputs)), *module.named_parameters()]
    found |= {f"grad {name}": t.grad.numpy().copy() for name, t in gradients if t.grad is not None}
    return found


# ---------------------------------------------------------------- initial values

INITIAL = {
    "uniform_": lambda init, t: init.uniform_(t, -2, 3),
    "normal_": lambda init, t: init.normal_(t, 1, 2),
    "trunc_normal_": lambda init, t: init.trunc_normal_(t, 0.1, 1),
    "trunc_normal_narrow": lambda init, t: init.trunc_normal_(t, 0, 1, 2, 3),
    "constant_": lambda init, t: init.constant_(t, 3),
    "ones_": lambda init, t: init.ones_(t),
    "zeros_": lambda init, t: init.zeros_(t),
    "eye_": lambda init, t: init.eye_(t[:, :, 0, 0]),
    "dirac_": lambda init, t: init.dirac_(t, 2),
    "xavier_uniform_": lambda init, t: init.xavier_uniform_(t, 1.5),
    "xavier_normal_": lambda init, t: init.xavier_normal_(t),
    "kaiming_uniform_": lambda init, t: init.kaiming_uniform_(t, 0.2, "fan_out"),
    "kaiming_normal_": lambda init, t: init.kaiming_normal_(t, nonlinearity="relu"),
    "orthogonal_": lambda init, t: init.orthogonal_(t, 2),
    "sparse_": lambda init, t: init.sparse_(t.view(6, 36), 0.4),
}
# what ends in normal draws of 16 and more is a unit or two in the last place from PyTorch's; all else has the same bits
NOT_EXACT = {"normal_", "trunc_normal_", "xavier_normal_", "kaiming_normal_", "orthogonal_", "sparse_"}


def initial_values(lib, name: str) -> dict[str, np.ndarray]:
    """A tensor (6, 4, 3, 3) after initialisation, and the next number drawn."""
    lib.manual_seed(3)
    t = lib.zeros(6, 4, 3, 3)
    INITIAL[name](lib.nn.init, t)
    return {"values": t.numpy().copy(), "next": lib.rand(1).numpy().copy()}
