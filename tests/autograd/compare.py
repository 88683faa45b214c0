"""A program's results against PyTorch's."""

from __future__ import annotations

import numpy as np

from tests.recorded import AUTOGRAD_FILE, recorded


def same_as_recorded(name: str, got: list) -> None:
    """Each array within rounding, each text to the letter."""
    for i, value in enumerate(got):
        want = recorded(f"{name}/{i}", file=AUTOGRAD_FILE)
        if isinstance(want, str):
            assert value == want, f"{name}, result {i}: {value!r}, PyTorch: {want!r}"
        else:
            assert not isinstance(value, str), f"{name}, result {i}: {value!r}, PyTorch gave a tensor {want!r}"
            a = value.detach().numpy()
            assert a.shape == want.shape and a.dtype == want.dtype, f"{name}, result {i}: {a.dtype}{a.shape}, PyTorch: {want.dtype}{want.shape}"
            np.testing.assert_allclose(a, want, rtol=1e-5, atol=1e-6, err_msg=f"{name}, result {i}")
    assert recorded(f"{name}/{len(got)}", missing=None, file=AUTOGRAD_FILE) is None, f"{name} gives fewer results than in PyTorch"
