"""A residual block as a whole: the same bits whatever the number of threads, and the interpreter's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import suiren as t
from suiren import nn
from suiren.config import config
from suiren.trace import execution


@pytest.fixture(autouse=True)
def threads():
    before = t.get_num_threads()
    yield
    t.set_num_threads(before)


class Block(nn.Module):
    """Channels and a plane that Winograd pays for."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(48, 48, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(48)
        self.conv2 = nn.Conv2d(48, 48, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(48)

    def forward(self, x):
        return t.relu(self.bn2(self.conv2(t.relu(self.bn1(self.conv1(x))))) + x)


def step(tier: str, count: int = 1) -> list[np.ndarray]:
    """The gradients of one step, of the parameters and of the input."""
    t.set_num_threads(count)
    with config(tier=tier):
        t.manual_seed(0)
        block = Block()
        x = t.tensor(np.random.default_rng(0).standard_normal((2, 48, 24, 23)).astype(np.float32), requires_grad=True)
        (block(x) * t.linspace(0, 1, 23)).sum().backward()
        return [p.grad.numpy().copy() for p in (*block.parameters(), x)]


def test_the_same_bits_for_any_number_of_threads():
    first = step("compiled", 1)
    for count in (2, 4, 2):
        for a, b in zip(first, step("compiled", count)):
            assert a.tobytes() == b.tobytes()


def test_as_the_interpreter():
    for a, b in zip(step("compiled"), step("interpreter")):
        assert np.abs(a - b).max() <= 1e-3 * max(1.0, np.abs(b).max())


def test_three_by_three_goes_by_winograd():
    with execution.timed() as times:
        step("compiled")
    families = {call.kernel.family for ending in times for p in ending.executable.programs for call in p.calls}
    assert "conv_winograd" in families
