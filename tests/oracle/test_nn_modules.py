"""Every module against PyTorch: its text, the names and values of its state with the same seed, its result and gradients."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import suiren

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle

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


def build(lib, text):
    from collections import OrderedDict

    lib.manual_seed(11)
    return eval(text, {"nn": lib.nn, "torch": lib, "OrderedDict": OrderedDict})


@pytest.mark.parametrize("text", MODULES)
def test_module(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = build(torch, text), build(suiren, text)
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values()):
            assert str(a.dtype) == str(b.dtype)
            if "Embedding" in text:  # normal draws are a unit in the last place apart
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)
            else:
                np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)
        if MODULES[text] is None:
            return
        rng = np.random.default_rng(5)
        arrays = [rng.integers(0, s, (5,) if "Loss" in text else (5, 3)) if isinstance(s, int) else
                  rng.standard_normal(s).astype(np.float32) for s in MODULES[text]]  # fmt: skip
        results = []
        for lib, module in ((torch, theirs), (suiren, ours)):
            inputs = [lib.tensor(a) for a in arrays]
            for t in inputs:
                if t.is_floating_point():
                    t.requires_grad_()
            for _ in range(2):  # running statistics move twice
                out = module(*inputs)
            weight = lib.tensor(np.random.default_rng(1).standard_normal(tuple(out.shape)).astype(np.float32))
            (out * weight).sum().backward()
            grads = [t.grad for t in (*inputs, *module.parameters())]
            state = [t.numpy().copy() for t in module.state_dict().values()]
            evaluated = module.eval()(*inputs)
            results.append([
                out.detach().numpy(), evaluated.detach().numpy(), *state,
                *[np.zeros(()) if g is None else g.numpy() for g in grads],
            ])  # fmt: skip
        for a, b in zip(*results):
            np.testing.assert_allclose(b, a, rtol=2e-5, atol=2e-5)
