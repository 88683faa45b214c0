"""Small programs of layers and losses: `t` is torch or suiren. Each gives a list of tensors and texts, compared with PyTorch's by test_programs.py."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from tests.nn.evaluate import Draws, error, gradients, state

PROGRAMS: dict[str, Callable] = {}


def program(f: Callable) -> Callable:
    PROGRAMS[f.__name__] = f
    return f


# ---------------------------------------------------------------- modules that learn their sizes

LAZY = {
    "LazyLinear(3)": (2, 4),
    "LazyLinear(3, bias=False)": (2, 4),
    "LazyConv1d(4, 3, groups=2)": (2, 4, 6),
    "LazyConv2d(4, 3, padding=1)": (2, 4, 6, 5),
    "LazyConv3d(4, 2)": (2, 2, 3, 3, 3),
    "LazyConvTranspose1d(4, 3, 2)": (2, 4, 6),
    "LazyConvTranspose2d(4, 3, bias=False)": (4, 6, 5),
    "LazyConvTranspose3d(4, 2)": (2, 2, 3, 3, 3),
    "LazyBatchNorm1d()": (4, 3),
    "LazyBatchNorm2d(affine=False)": (4, 3, 2, 2),
    "LazyBatchNorm3d(track_running_stats=False)": (4, 3, 2, 2, 2),
    "LazyInstanceNorm1d()": (4, 3, 5),
    "LazyInstanceNorm2d(affine=False)": (4, 3, 2, 2),
    "LazyInstanceNorm3d()": (4, 3, 2, 2, 2),
}


@program
def lazy_modules(t) -> list:
    found, draws = [], Draws(t)
    for text, shape in LAZY.items():
        t.manual_seed(0)
        module, other = (eval("nn." + text, {"nn": t.nn}) for _ in range(2))
        found += [repr(module), repr(list(module.state_dict()))]
        found += [module(draws(*shape)), *state(module)]
        other.load_state_dict(module.state_dict())
        found.append(other.weight if other.weight is not None else repr(other))
    module = t.nn.LazyLinear(2)
    return found + [error(f) for f in (
        lambda: module.weight.shape, lambda: t.nn.LazyConv2d(3, 3)(draws(3, 3)), lambda: t.nn.LazyConv2d(4, 3, groups=2)(draws(3, 3, 3)),
        lambda: t.nn.Linear(2, 2).load_state_dict(module.state_dict()),
    )]  # fmt: skip


# ---------------------------------------------------------------- losses


@program
def adaptive_log_softmax(t) -> list:
    draws = Draws(t)
    t.manual_seed(0)
    module = t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [4, 8], div_value=2.0, head_bias=True)
    x, target = draws(6, 8), t.tensor([0, 3, 5, 9, 11, 4])
    found = module(x, target)
    return [
        repr(module), *found, *gradients(tuple(found), x, *module.parameters()), module.log_prob(x), module.predict(x), *module(x[0], target[0]),
        error(lambda: module(x, t.tensor([0, 3, 5, 9, 12, 4]))), error(lambda: module(x, target[:2])),
        error(lambda: t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [8, 4])), error(lambda: t.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [])),
    ]  # fmt: skip


@program
def ctc_loss(t) -> list:
    F, draws, found = t.nn.functional, Draws(t), []
    cases = ((7, 3, 5, [7, 7, 7], [3, 2, 3]), (7, 3, 5, [7, 5, 4], [3, 1, 0]), (3, 2, 4, [3, 3], [3, 1]), (6, 1, 3, [6], [1]))
    for (steps, count, classes, inputs, lengths), reduction, zero_infinity in product(cases, ("mean", "none"), (False, True)):
        x = draws(steps, count, classes)
        targets = draws.rng.integers(1, classes, (count, max(lengths)))
        if steps == 3:
            targets[0] = [1, 1, 2]  # does not fit: a blank has to lie between two equal labels
        if reduction == "mean":
            targets = np.concatenate([row[:n] for row, n in zip(targets, lengths)])
        log_p = F.log_softmax(x, 2)
        log_p.retain_grad()
        y = F.ctc_loss(log_p, t.tensor(targets), t.tensor(inputs), t.tensor(lengths), 0, reduction, zero_infinity)
        found.append(y)
        if zero_infinity or steps != 3:
            y.sum().backward()
            found += [log_p.grad, x.grad]
    log_p = F.log_softmax(draws(7, 5), 1)
    found.append(F.ctc_loss(log_p, t.tensor([1, 2]), t.tensor(7), t.tensor(2)))
    found.append(t.nn.CTCLoss(4, "none")(log_p, t.tensor([1, 2]), t.tensor([7]), t.tensor([2])))
    log_p, target = F.log_softmax(draws(4, 2, 3), 2), t.tensor([[1, 2], [1, 1]])
    return found + [error(f) for f in (
        lambda: F.ctc_loss(log_p, target, [4, 4], [2, 2], blank=3), lambda: F.ctc_loss(log_p, target, t.tensor([4]), t.tensor([2, 2])),
        lambda: F.ctc_loss(log_p, target, t.tensor([5, 4]), t.tensor([2, 2])), lambda: F.ctc_loss(log_p, target, t.tensor([4, 4]), t.tensor([2, 3])),
        lambda: F.ctc_loss(log_p, target, [4, 4], [2, 2], reduction="x"),
        lambda: F.ctc_loss(log_p, target.reshape(-1), t.tensor([4, 4]), t.tensor([2, 1])),
    )]  # fmt: skip


@program
def linear_cross_entropy(t) -> list:
    F, draws = t.nn.functional, Draws(t)
    t.manual_seed(1)
    module = t.nn.LinearCrossEntropyLoss(5, 4, bias=True, label_smoothing=0.1)
    several = t.nn.LinearCrossEntropyLoss(5, 4, out_features=(2,), reduction="none")
    x = draws(3, 5)
    y = module(x, t.tensor([1, 2, 3]))
    return [
        repr(module), y, *gradients(y, x, *module.parameters()), several(x, t.tensor([[1, 2], [3, 0], [0, 1]])),
        F.linear_cross_entropy(draws(5), draws(4, 5), t.tensor(2)), error(lambda: F.linear_cross_entropy(draws(5), draws(4, 6), t.tensor(2))),
        error(lambda: F.linear_cross_entropy(draws(5), draws(4), t.tensor(2))), error(lambda: F.linear_cross_entropy(draws(1, 2, 5), draws(4, 5), t.tensor(2))),
    ]  # fmt: skip


# ---------------------------------------------------------------- embeddings


@program
def embeddings(t) -> list:
    F, draws, found = t.nn.functional, Draws(t), []
    index = t.tensor([[0, 2, 2], [4, 2, 1]])
    table = draws(5, 3)
    y = F.embedding(index, table, padding_idx=1, scale_grad_by_freq=True)
    found += [y, *gradients(y, table)]
    table = draws(5, 3).detach()
    found += [F.embedding(index, table, max_norm=1.0), table]
    for mode, padding, offsets in product(("sum", "mean", "max"), (None, 2), (None, [0, 2, 2, 6], [0, 1, 6])):
        table, given = draws(5, 3), index if offsets is None else index.reshape(-1)
        weights = draws(*given.shape) if mode == "sum" else None
        last = offsets is not None and len(offsets) == 4
        y = F.embedding_bag(
            given, table, None if offsets is None else t.tensor(offsets), mode=mode, padding_idx=padding, per_sample_weights=weights,
            include_last_offset=last,
        )  # fmt: skip
        found += [y, *gradients(y, table, *([] if weights is None else [weights]))]
    bag = t.nn.EmbeddingBag.from_pretrained(table.detach(), mode="sum")
    return [*found, repr(bag), bag(index), repr(bag.weight.requires_grad), *(error(f) for f in (
        lambda: F.embedding_bag(index[0], table), lambda: F.embedding_bag(index, table, mode="x"),
        lambda: F.embedding_bag(index, table, per_sample_weights=draws(2, 3)), lambda: F.embedding_bag(index, table, mode="sum", per_sample_weights=draws(3)),
        lambda: F.embedding(index + 3, table).sum().item(), lambda: F.embedding(index.float(), table), lambda: F.embedding(index, table[0]),
    ))]  # fmt: skip


# ---------------------------------------------------------------- places


@program
def grid_sample(t) -> list:
    F, draws, found = t.nn.functional, Draws(t), []
    for mode, padding, corners, dims in product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True), (2, 3)):
        if dims == 3 and mode == "bicubic":
            continue
        x = draws(2, 3, 4, 5, 3) if dims == 3 else draws(2, 3, 4, 5)
        grid = draws.uniform(-1.6, 1.6, *((2, 3, 2, 2, 3) if dims == 3 else (2, 3, 4, 2)))
        y = F.grid_sample(x, grid, mode, padding, corners)
        found += [y, *gradients(y, x, grid)]
    for corners in (False, True):
        theta = draws(2, 2, 3)
        y = F.affine_grid(theta, [2, 3, 4, 5], align_corners=corners)
        found += [y, *gradients(y, theta), F.affine_grid(draws(2, 3, 4), [2, 3, 4, 5, 1], align_corners=corners)]
    x, grid = draws(2, 3, 4, 5), draws(2, 3, 4, 2)
    return found + [error(f) for f in (
        lambda: F.grid_sample(draws(2, 3, 4), draws(2, 3, 4)), lambda: F.grid_sample(x, draws(1, 3, 4, 2)), lambda: F.grid_sample(x, draws(2, 3, 4, 3)),
        lambda: F.grid_sample(draws(2, 3, 0, 5), grid), lambda: F.grid_sample(draws(2, 3, 4, 5, 1), draws(2, 3, 4, 2, 3), "bicubic"),
        lambda: F.grid_sample(x, grid, "x"), lambda: F.grid_sample(x, grid, padding_mode="x"), lambda: F.grid_sample(x, grid.double()),
        lambda: F.affine_grid(draws(2, 3, 3), [2, 3, 4, 5]), lambda: F.affine_grid(draws(2, 2, 3), [2, 3, 4]),
    )]  # fmt: skip


@program
def interpolate(t) -> list:
    F, draws, found = t.nn.functional, Draws(t), []
    for mode, corners, (size, factor) in product(
        ("bilinear", "bicubic", "lanczos"), (False, True), (((3, 4), None), ((12, 9), None), (None, 0.6), (None, 1.7), ((1, 1), None))
    ):
        if mode == "lanczos" and corners:
            continue
        x = draws(1, 2, 8, 10)
        y = F.interpolate(x, size=size, scale_factor=factor, mode=mode, align_corners=corners, antialias=True)
        found += [y, *gradients(y, x)]
    x = draws(1, 1, 4, 4)
    return found + [error(f) for f in (
        lambda: F.interpolate(x[0], 2, mode="linear", antialias=True), lambda: F.interpolate(x, 2, mode="lanczos"),
        lambda: F.interpolate(x[0], 2, mode="bilinear"), lambda: F.interpolate(x), lambda: F.interpolate(x, 2, 3), lambda: F.interpolate(x, (2, 2, 2)),
        lambda: F.interpolate(x, scale_factor=(2, 2, 2)), lambda: F.interpolate(x, 0), lambda: F.interpolate(x, 2, mode="nearest", align_corners=True),
        lambda: F.interpolate(x[0, 0], 2), lambda: F.interpolate(x, 2, recompute_scale_factor=True), lambda: F.interpolate(x, 2, mode="foo"),
    )]  # fmt: skip


@program
def interpolate_bytes(t) -> list:
    """Bytes are resized by whole numbers and rounded after each dim."""
    F, found = t.nn.functional, []
    x = (t.arange(2 * 3 * 7 * 9).reshape(2, 3, 7, 9) ** 2 * 37 % 256).to(t.uint8)
    for mode, antialias, (size, factor) in product(("bilinear", "bicubic"), (False, True), (((3, 4), None), ((12, 30), None), (None, 1.7))):
        found += [F.interpolate(x, size, factor, mode, corners, antialias=antialias) for corners in (False, True)]
    found.append(F.interpolate(x, (5, 20), mode="lanczos", antialias=True))
    return found + [error(f) for f in (
        lambda: F.interpolate(x.long(), (3, 4), mode="bilinear"), lambda: F.interpolate(x.int(), (3, 4), mode="bicubic"),
        lambda: F.interpolate(x.short(), (3, 4), mode="bicubic", antialias=True), lambda: F.interpolate(x[0], 3, mode="linear"),
    )]  # fmt: skip


@program
def fractional_max_pool(t) -> list:
    F, draws, found = t.nn.functional, Draws(t), []
    t.manual_seed(5)
    for options in ({"output_size": (3, 4)}, {"output_ratio": (0.5, 0.7)}, {"output_size": 1}):
        x = draws(2, 3, 8, 10)
        y, index = F.fractional_max_pool2d(x, (2, 3), return_indices=True, **options)
        found += [y, index, *gradients(y, x), F.fractional_max_pool2d(x[0], 2, **options)]
    x = draws(2, 3, 6, 8, 7)
    y, index = F.fractional_max_pool3d(x, (2, 3, 2), (3, 2, 4), return_indices=True)
    found += [y, index, *gradients(y, x), t.nn.FractionalMaxPool3d(2, output_ratio=0.5)(x[0]), repr(t.nn.FractionalMaxPool2d(2, 3))]
    return found + [error(f) for f in (
        lambda: t.nn.FractionalMaxPool2d(2), lambda: t.nn.FractionalMaxPool2d(2, 2, 0.5), lambda: t.nn.FractionalMaxPool2d(2, output_ratio=1.5),
        lambda: F.fractional_max_pool2d(draws(2, 3, 4), 4, 2), lambda: F.fractional_max_pool2d(draws(2, 3, 4), 2),
    )]  # fmt: skip


@program
def padding(t) -> list:
    pad, draws = t.nn.functional.pad, Draws(t)
    x = draws(2, 3, 4)
    return [
        pad(x, (-2, 3), "replicate"), pad(x, (5, -6), "replicate"), pad(x[..., :2], (-3, 5), "replicate"), pad(x, (-1, -2), "replicate"),
        pad(x, (-1, 2), "reflect"), pad(x, (2, -1), "circular"), pad(x, (1, -2, 0, 1)), *(error(f) for f in (
            lambda: pad(x, (-2, -2), "replicate"), lambda: pad(x, (-2, -2), "reflect"), lambda: pad(x, (4, 0), "reflect"),
            lambda: pad(x, (5, 0), "circular"), lambda: pad(x, (1,)), lambda: pad(x, (1, 1), "x"),
        )),
    ]  # fmt: skip


@program
def random_slopes(t) -> list:
    draws = Draws(t)
    t.manual_seed(6)
    x = draws(5, 7)
    y = t.nn.functional.rrelu(x, 0.1, 0.4, True)
    changed = x.detach().clone()
    t.nn.RReLU(inplace=True)(changed)
    return [y, *gradients(y, x), changed, t.rand(3), t.nn.RReLU().eval()(x)]


@program
def other_modules(t) -> list:
    nn, draws = t.nn, Draws(t)
    net = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(5), nn.Sequential(nn.BatchNorm2d(3, affine=False))))
    x = draws(3, 4).transpose(0, 1)
    t.manual_seed(0)
    return [
        repr(net), nn.Dropout(0.5)(x), nn.AlphaDropout(0.5)(x), nn.functional.multi_margin_loss(draws(1)[0], t.tensor(0)),
        nn.functional.multilabel_margin_loss(draws(1)[0], t.tensor(0)), nn.functional.batch_norm(t.zeros(0), t.zeros(0), t.zeros(0)),
        error(lambda: nn.NLLLoss2d()(draws(2, 3), t.tensor([1, 5])).item()), nn.NLLLoss2d()(draws(2, 3), t.tensor([1, 2])),
    ]  # fmt: skip


@program
def empty_inputs(t) -> list:
    """Nothing in, nothing out, and gradients all the same."""
    nn, F, draws = t.nn, t.nn.functional, Draws(t)
    none = t.zeros(0, dtype=t.int64)
    table, norm = draws(5, 3), nn.BatchNorm1d(3)
    given = [
        nn.LSTM(3, 4, 2, bidirectional=True)(draws(3, 0, 3))[0], nn.MultiheadAttention(4, 2)(*[draws(3, 0, 4)] * 3)[0],
        nn.MultiheadAttention(4, 2)(draws(0, 2, 4), *[draws(3, 2, 4)] * 2)[0], F.scaled_dot_product_attention(draws(2, 3, 4), draws(2, 0, 4), draws(2, 0, 4)),
        nn.Embedding(5, 3, max_norm=1.0, scale_grad_by_freq=True)(none.reshape(0, 2)), F.embedding_bag(none, table, none),
        F.embedding_bag(none, table, t.zeros(3, dtype=t.int64)), F.embedding_bag(none.reshape(0, 2), table, mode="max"),
        F.grid_sample(draws(0, 2, 3, 3), draws(0, 2, 2, 2), align_corners=False), F.grid_sample(draws(2, 0, 3, 3), draws(2, 2, 2, 2), align_corners=False),
        F.grid_sample(draws(2, 1, 3, 3), draws(2, 0, 2, 2), align_corners=False), F.interpolate(draws(0, 2, 3, 3), 5, mode="bilinear", antialias=True),
        F.fractional_max_pool2d(draws(0, 2, 3, 3), 2, 2), nn.LSTMCell(3, 4)(draws(0, 3))[0], nn.Bilinear(2, 3, 4)(draws(0, 2), draws(0, 3)),
        F.linear_cross_entropy(draws(0, 3), draws(4, 3), none, reduction="sum"), F.rrelu(draws(0, 3), training=True), norm(draws(0, 3, 2)),
        F.ctc_loss(F.log_softmax(draws(3, 2, 4), 2), t.zeros(2, 0, dtype=t.int64), t.tensor([3, 2]), t.zeros(2, dtype=t.int64), reduction="none"),
        F.max_pool2d(draws(0, 2, 4, 4), 2), F.adaptive_avg_pool2d(draws(0, 2, 4, 4), 3), F.group_norm(draws(0, 4, 3), 2), F.unfold(draws(0, 2, 4, 4), 2),
        F.conv_transpose2d(draws(0, 3, 4, 4), draws(3, 2, 3, 3)), F.cosine_similarity(draws(0, 3), draws(0, 3)), F.pdist(draws(1, 3)),
    ]  # fmt: skip
    given[4].sum().backward()
    given[17].sum().backward()
    return [*given, norm.weight.grad, norm.running_mean]
