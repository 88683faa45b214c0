"""Functions, modules and initial values give what PyTorch gave, in both tiers."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from tests.nn import cases
from tests.recorded import NN_FILE, recorded


def assert_recorded(prefix: str, found: dict, exact: bool = False, rtol: float = 2e-5, atol: float = 2e-5) -> None:
    """Every value of `found` is the one recorded under `prefix`."""
    for name, value in found.items():
        expected = recorded(f"{prefix}|{name}", file=NN_FILE)
        if isinstance(value, str):
            assert value == expected
            continue
        assert (value.dtype, value.shape) == (expected.dtype, expected.shape), name
        if exact:
            np.testing.assert_array_equal(value, expected, err_msg=name)
        else:
            np.testing.assert_allclose(value, expected, rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", cases.FUNCTIONS)
def test_function(name, tier):
    assert_recorded(f"function|{name}", cases.function_results(suiren, name))


@pytest.mark.parametrize("text", cases.MODULES)
def test_module(text, tier):
    found = cases.module_results(suiren, text)
    first = {k: v for k, v in found.items() if k.startswith("init ")}
    # embeddings are normal draws, a unit in the last place from PyTorch's; all other initial weights have the same bits
    assert_recorded(f"module|{text}", first, exact="Embedding" not in text, rtol=1e-5, atol=1e-6)
    assert_recorded(f"module|{text}", {k: v for k, v in found.items() if k not in first})


@pytest.mark.parametrize("name", cases.INITIAL)
def test_initial_values(name, tier):
    found = cases.initial_values(suiren, name)
    assert_recorded(f"init|{name}", {"values": found["values"]}, exact=name not in cases.NOT_EXACT, rtol=1e-5, atol=1e-6)
    assert_recorded(f"init|{name}", {"next": found["next"]}, exact=True)
