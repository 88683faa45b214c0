"""L-BFGS, Muon, and averages of models follow PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.optim import LBFGS, Adafactor, Muon, lbfgs, swa_utils
from suiren.trace import execution
from tests.optim import cases
from tests.recorded import OPTIM_FILE, recorded


@pytest.mark.parametrize("name", cases.LBFGS)
def test_lbfgs(name):
    np.testing.assert_allclose(cases.lbfgs_path(suiren, name), recorded(f"LBFGS|{name}|path", file=OPTIM_FILE), rtol=1e-6)


def test_a_longer_history_of_lbfgs_makes_no_new_programs():
    suiren.manual_seed(0)
    matrix, x = suiren.randn(40, 40, dtype=suiren.float64), suiren.zeros(40, dtype=suiren.float64, requires_grad=True)
    step = LBFGS([x], lr=0.1, max_iter=1, history_size=100, tolerance_grad=0, tolerance_change=0)

    def closure():
        step.zero_grad()
        loss = (matrix @ x - 1).pow(2).sum() + x.cos().sum()
        loss.backward()
        return loss

    known = []
    for _ in range(5):
        for _ in range(2 * lbfgs.PAIRS):
            step.step(closure)
        known.append(len(execution.endings))
    assert len(step.state[x]["old_dirs"]) > 8 * lbfgs.PAIRS
    assert known[2] == known[4]


@pytest.mark.parametrize("k", range(len(cases.MUON)))
def test_muon(k, tier):
    """Orthogonalization is in bfloat16, with 8 bits, in either library."""
    np.testing.assert_allclose(cases.muon_path(suiren, cases.MUON[k]), recorded(f"Muon|{k}|path", file=OPTIM_FILE), rtol=0.05, atol=0.03)


@pytest.mark.parametrize("name", cases.AVERAGES)
def test_averaged_model(name):
    for key, value in cases.averaged(suiren, name).items():
        expected = recorded(f"average|{name}|{key}", file=OPTIM_FILE)
        assert (value.dtype, value.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6, err_msg=key)


@pytest.mark.parametrize(("strategy", "epochs"), [("cos", 5), ("linear", 7), ("cos", 0)])
def test_swalr(strategy, epochs):
    np.testing.assert_allclose(cases.swa_rates(suiren, strategy, epochs), recorded(f"SWALR|{strategy} {epochs}|rates", file=OPTIM_FILE), rtol=1e-9)


def test_bad_settings():
    p, v = suiren.ones(2, 2, requires_grad=True), suiren.ones(3, requires_grad=True)
    for make, words in (
        (lambda: LBFGS([{"params": [p]}, {"params": [v]}]), "doesn't support per-parameter options"),
        (lambda: LBFGS([p], lr=-1), "Invalid learning rate: -1"),
        (lambda: Muon([v]), "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([3])"),
        (lambda: Muon([p], adjust_lr_fn="x"), "Adjust learning rate function x is not supported"),
        (lambda: Adafactor([p], d=0.5), "Clipping threshold d should be >= 1 but is: 0.5"),
        (lambda: swa_utils.get_ema_avg_fn(2), "Invalid decay value 2 provided"),
    ):
        with pytest.raises(ValueError) as caught:
            make()
        assert words in str(caught.value)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        LBFGS([p], line_search_fn="x").step(lambda: p.sum())
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(suiren.nn.Linear(1, 1), None, lambda *a: None, lambda *a: None)
