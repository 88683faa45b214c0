"""Views of memory that is there: remembered by spec and arguments, and views all the same."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.trace import shown
from suiren.trace.pending import local

CALLS = {
    "view": lambda x: x.view(6, 4), "view -1": lambda x: x.view(-1), "view of a list": lambda x: x.view([4, 6]), "reshape": lambda x: suiren.reshape(x, (2, 12)),
    "t": lambda x: x.reshape(4, 6).t(), "transpose": lambda x: x.transpose(0, -1), "permute": lambda x: x.permute(2, 0, 1), "squeeze": lambda x: x[:, :1].squeeze(),
    "unsqueeze": lambda x: x.unsqueeze(-1), "flatten": lambda x: x.flatten(1), "expand": lambda x: x.expand(5, -1, -1, -1), "diagonal": lambda x: x.diagonal(1, 1, 2),
    "narrow": lambda x: x.narrow(2, 1, 2), "select": lambda x: x.select(1, -1), "unfold": lambda x: x.unfold(2, 2, 1), "int": lambda x: x[1], "negative": lambda x: x[-1],
    "slice": lambda x: x[:1], "ints": lambda x: x[1, -2], "ints and slices": lambda x: x[1, :, 1:4:2], "None": lambda x: x[None, :, None, 2], "...": lambda x: x[..., 0],
    "named": lambda x: x.permute(dims=(1, 2, 0)), "all named": lambda x: suiren.transpose(input=x, dim0=0, dim1=2),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_shows_the_same_whether_known_or_not(name):
    f = CALLS[name]
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    there = [suiren.tensor(a) for _ in range(3)]
    for x in there:
        x.numpy()
    pending = suiren.tensor(a) * 1
    expected = f(pending)
    for x in there:
        depth = local.rec.node.depth
        y = f(x)
        assert local.rec.node.depth == depth or name == "narrow"  # nothing was recorded
        assert y.shape == expected.shape
        assert y.stride() == expected.stride()
        assert y.storage_offset() == expected.storage_offset()
        np.testing.assert_array_equal(y.numpy(), expected.numpy())
        if name != "expand":  # which shows elements more than once
            y[...] = -1.0
            assert (x.numpy() == -1).any()  # it is a view
        x.zero_()
        assert (y.numpy() == 0).all()  # both ways


def test_a_gradient_goes_through_a_view_of_what_is_there():
    w = suiren.arange(6.0).requires_grad_()
    w.detach().numpy()
    for _ in range(3):
        w.grad = None
        (w.view(2, 3)[1] * w[:3]).sum().backward()
        assert w.grad.tolist() == [3, 4, 5, 0, 1, 2]
    with suiren.no_grad():
        assert not w.view(3, 2).requires_grad or w.view(3, 2).grad_fn is None


def test_errors_are_raised_every_time():
    x = suiren.zeros(2, 3)
    x.numpy()
    for _ in range(3):
        with pytest.raises(IndexError, match="index 2 is out of bounds for dimension 0 with size 2"):
            x[2]
        with pytest.raises(RuntimeError, match="invalid for input of size 6"):
            x.view(4)
        with pytest.raises(IndexError, match="Dimension out of range"):
            x.transpose(0, 2)
        with pytest.raises(TypeError):
            suiren.reshape(3, (1,))


def test_an_index_that_is_a_tensor_is_looked_at_each_time():
    x, i = suiren.arange(6), suiren.tensor(1)
    for tensor in (x, i):
        tensor.numpy()
    assert x.narrow(0, i, 2).tolist() == [1, 2]
    i.add_(2)
    i.numpy()
    assert x.narrow(0, i, 2).tolist() == [3, 4]
    assert x[i].item() == 3


def test_true_is_no_one():
    x = suiren.arange(4).view(2, 2)
    x.numpy()
    assert x[1, 1].shape == ()
    assert x[True, 1].shape == (1, 2)
    assert x[1].shape == (2,)
    assert x[True].shape == (1, 2, 2)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(shown, "_MOST", 50)
    x = suiren.zeros(400)
    x.numpy()
    for i in range(200):
        assert x[i:].shape == (400 - i,)
    assert len(shown._known) <= 50
