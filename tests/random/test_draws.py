"""Draws give PyTorch's numbers, and leave the generators in PyTorch's states, in both tiers."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from tests.random import cases
from tests.recorded import NN_FILE, recorded


@pytest.mark.parametrize("text", cases.DRAWS)
def test_draw(text, tier):
    found = cases.draw(suiren, text)
    for name, value in found.items():
        expected = recorded(f"draw|{text}|{name}", file=NN_FILE)
        if "state" in name:
            value = value[: len(expected)]
        assert value.dtype == expected.dtype
        if name == "values" and any(word in text for word in cases.NOT_EXACT):
            np.testing.assert_allclose(value, expected, rtol=2e-6, atol=5e-7)
        else:
            np.testing.assert_array_equal(value, expected, err_msg=name)


def test_a_draw_that_is_known_gives_the_same_numbers(tier):
    """The fast path of a recorded loop draws what single draws drew."""
    suiren.manual_seed(4)
    expected = [suiren.rand(2, 3).numpy() for _ in range(6)]
    suiren.manual_seed(4)
    for i in range(3):  # two draws a recording, the same program every time
        a, b = suiren.rand(2, 3), suiren.rand(2, 3)
        total = a + b
        np.testing.assert_array_equal(total.numpy(), expected[2 * i] + expected[2 * i + 1])


def test_draws_of_several_generators_in_one_recording(tier):
    for _ in range(3):
        g, h = suiren.Generator().manual_seed(1), suiren.Generator().manual_seed(2)
        a = suiren.rand(3, generator=g) + suiren.rand(3, generator=h)
        b = suiren.rand(3, generator=g)
        expected_g, expected_h = np.random.RandomState(1), np.random.RandomState(2)

        def uniform(state, n):
            return ((state.randint(0, 2**32, n, dtype=np.uint64) & 0xFFFFFF) / 2.0**24).astype(np.float32)

        first = uniform(expected_g, 3)
        np.testing.assert_array_equal(a.numpy(), first + uniform(expected_h, 3))
        np.testing.assert_array_equal(b.numpy(), uniform(expected_g, 3))


def test_a_leaf_that_requires_grad():
    t = suiren.rand(3, requires_grad=True)
    assert t.requires_grad
    assert t.is_leaf
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad is being used in an in-place operation"):
        t.uniform_()


def test_out():
    suiren.manual_seed(0)
    expected = suiren.rand(3).numpy()
    suiren.manual_seed(0)
    out = suiren.zeros(3)
    assert suiren.rand(3, out=out) is out
    np.testing.assert_array_equal(out.numpy(), expected)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: suiren.rand(-1), RuntimeError, r"Trying to create tensor with negative dimension -1: \[-1\]"),
        (lambda: suiren.zeros(2).uniform_(2, 1), RuntimeError, "uniform_ expects to return a"),
        (lambda: suiren.zeros(2).normal_(0, -1), RuntimeError, "normal expects std >= 0.0, but found std -1"),
        (lambda: suiren.zeros(2).bernoulli_(2), RuntimeError, r"bernoulli_ expects p to be in \[0, 1\], but got p=2"),
        (lambda: suiren.zeros(2).exponential_(0), RuntimeError, "exponential_ expects lambda > 0.0, but found lambda=0"),
        (lambda: suiren.zeros(2, dtype=suiren.int64).uniform_(), RuntimeError, "not implemented for 'Long'"),
        (lambda: suiren.randint(3, 3, (2,)), RuntimeError, "from=3 >= to=3"),
        (lambda: suiren.randperm(-1), RuntimeError, "n must be non-negative, got -1"),
        (lambda: suiren.multinomial(suiren.ones(2), 3), RuntimeError, "cannot sample n_sample > prob_dist.size"),
        (lambda: suiren.multinomial(suiren.tensor([1.0, -1.0]), 1), RuntimeError, "contains either `inf`, `nan` or element < 0"),
        (lambda: suiren.multinomial(suiren.zeros(2), 1), RuntimeError, "sum of probabilities <= 0"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
