"""Many tensors that are there are joined at once: which of them are the same memory makes no new program."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.trace import execution


def test_a_replay_buffer(tier):
    memory = [suiren.full((1, 4), float(i)) for i in range(30)]
    for x in memory:
        x.numpy()
    draws, layer, seen = np.random.default_rng(0), suiren.nn.Linear(4, 2), []
    for _ in range(6):
        before = len(list(execution.endings))
        chosen = [int(i) for i in draws.integers(0, 30, 16)]
        batch = suiren.cat([memory[i] for i in chosen])
        following = suiren.stack([memory[i][0] for i in reversed(chosen)], 1)
        assert batch[:, 0].tolist() == chosen
        assert following[1].tolist() == chosen[::-1]
        layer(batch).sum().backward()
        layer.weight.grad = None
        layer.bias.grad.sum().item()
        layer.bias.grad = None
        seen.append(len(list(execution.endings)) - before)
    assert seen[-3:] == [0] * 3


def test_what_is_pending_or_wants_a_gradient_is_recorded(tier):
    w = suiren.ones(3, requires_grad=True)
    for _ in range(3):
        w.grad = None
        suiren.cat([w * i for i in range(10)]).sum().backward()
        assert w.grad.tolist() == [45.0] * 3
        x = suiren.zeros(2)
        x.numpy()
        x.add_(1)  # pending
        assert suiren.stack([x] * 9).sum().item() == 18


def test_errors_and_dtypes_are_the_same():
    there = [suiren.zeros(2, 3) for _ in range(9)]
    for x in there:
        x.numpy()
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        suiren.cat([*there, suiren.zeros(2, 2)], 0)
    mixed = [*there, suiren.ones(1, 3, dtype=suiren.int64)]
    mixed[-1].numpy()
    found = suiren.cat(mixed)
    assert found.dtype is suiren.float32
    assert found.shape == (19, 3)
    narrow = [suiren.full((2,), 1.5, dtype=suiren.bfloat16) for _ in range(9)]
    for x in narrow:
        x.float().numpy()
    assert suiren.cat(narrow).tolist() == [1.5] * 18
