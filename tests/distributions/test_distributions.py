"""Distributions, divergences and transforms give PyTorch's numbers from the same seed, and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import suiren
from suiren.config import config
from tests.distributions import cases
from tests.recorded import recorded

FILE = Path(__file__).parents[1] / "recorded" / "distributions.npz"


def _same(got, want, what: str) -> None:
    if isinstance(want, str):
        first = want.partition(":")[0]
        if first.endswith("Error"):
            assert isinstance(got, str) and got.partition(":")[0] == first, f"{what}: {got!r}, want {want!r}"
        else:
            assert got == want, what
        return
    assert isinstance(got, np.ndarray), f"{what}: {got!r}"
    assert got.dtype == want.dtype and got.shape == want.shape, f"{what}: {got.dtype}{got.shape}, want {want.dtype}{want.shape}"
    # float32: logarithms of differences, Bessel and gamma functions lose a few digits
    np.testing.assert_allclose(got, want, rtol=5e-5, atol=5e-6, err_msg=what)


@pytest.mark.parametrize("text", cases.DISTRIBUTIONS)
def test_distribution(text):
    with config(tier="interpreter"):
        for part, got in cases.answers(text, suiren).items():
            _same(got, recorded(f"{text}|{part}", file=FILE), part)


@pytest.mark.parametrize("text", cases.DISTRIBUTIONS[1::12])
def test_distribution_compiled(text):
    with config(tier="compiled"):
        for part in ("d.sample((4,))", "d.log_prob(d.sample((3,)))"):
            names = {"t": suiren, "D": suiren.distributions}
            names["d"] = eval(text, names)
            _same(cases._answer(part, names), recorded(f"{text}|{part}", file=FILE), part)


@pytest.mark.parametrize("text", cases.DIVERGENCES)
def test_divergence(text):
    with config(tier="interpreter"):
        _same(cases.answer(text, suiren), recorded(text, file=FILE), text)


@pytest.mark.parametrize("text", cases.DRAWS)
def test_draw(text, tier):
    _same(cases.answer(text, suiren), recorded(text, file=FILE), text)


@pytest.mark.parametrize("text", cases.GRADIENTS)
def test_gradient(text):
    with config(tier="interpreter"):
        _same(cases.gradient(text, suiren), recorded(f"{text}|gradient", file=FILE), text)


@pytest.mark.parametrize("text", cases.TRANSFORMS)
def test_transform(text):
    with config(tier="interpreter"):
        for part, got in cases.transform_answers(text, suiren).items():
            _same(got, recorded(f"{text}|{part}", file=FILE), part)


@pytest.mark.parametrize("text", cases.ERRORS)
def test_error(text):
    want, got = recorded(text, file=FILE), cases.answer(text, suiren)
    assert isinstance(want, str) and "Error" in want
    assert " ".join(str(got).split("(")[0].split()) == " ".join(want.split("(")[0].split())
