"""A complex parameter is updated as the pairs of real numbers that it is."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren import optim
from suiren.config import config

START = np.array([0.5 - 0.2j, 1.0, -1j, 0.3 + 2j], np.complex64)
GOAL = suiren.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 3.0], [0.0, 0.0]])
NAMES = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "NAdam", "RAdam", "Adadelta", "Rprop", "ASGD", "LBFGS")


def _trained(name: str, p, pairs) -> np.ndarray:
    optimizer = getattr(optim, name)([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = ((pairs(p) - GOAL) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    return pairs(p).detach().numpy()


@pytest.mark.parametrize("name", NAMES)
def test_complex_parameters_are_pairs(name):
    with config(tier="interpreter"):
        p = suiren.nn.Parameter(suiren.from_numpy(START.copy()))
        q = suiren.nn.Parameter(suiren.view_as_real(suiren.from_numpy(START.copy())).clone())
        np.testing.assert_allclose(_trained(name, p, suiren.view_as_real), _trained(name, q, lambda x: x), rtol=1e-6)
