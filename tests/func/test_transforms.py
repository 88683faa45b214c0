"""Transforms that look at values inside."""

from __future__ import annotations

import suiren


def test_a_look_inside_changes_no_gradient(tier):
    seen = []

    def f(x):
        seen.append(x.sum().item())  # a look at a value ends the recording, of which the transform's leaf is a part
        y = x * x
        seen.append(float(y.detach().numpy()[0]))
        return (y * 2).sum()

    for i in range(1, 4):
        x = suiren.full((3,), float(i))
        assert suiren.func.grad(f)(x).tolist() == [4.0 * i] * 3
        assert suiren.func.jacrev(f)(x).tolist() == [4.0 * i] * 3
    assert seen[:2] == [3.0, 1.0]
