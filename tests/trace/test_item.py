"""`item()` remembers where a tensor's number is: whatever is done to the tensor afterwards, it gives the number that is there now."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import suiren
from suiren import nn

WRITES = {
    "add_": lambda x: x.add_(1),
    "fill_": lambda x: x.fill_(3.5),
    "[...] =": lambda x: x.__setitem__(..., 3.5),
    "through a view": lambda x: x.view(1, 1)[0].mul_(2),
    "through an older view": lambda x: None,  # see below
    "through NumPy": lambda x: x.numpy().__setitem__(..., 3.5),
    "data =": lambda x: setattr(x, "data", suiren.tensor([3.5])),
    "data = a view": lambda x: setattr(x, "data", suiren.arange(4.0)[3:]),
    "data twice": lambda x: (setattr(x, "data", suiren.tensor([5.0])), x.item(), setattr(x, "data", suiren.tensor([3.5]))),
    "data.mul_": lambda x: x.data.mul_(3),
    "set_": lambda x: x.set_(suiren.tensor([3.5])),
    "resize_": lambda x: (x.resize_(2).fill_(7), x.resize_(1)),
    "unsqueeze_": lambda x: (x.unsqueeze_(0), x.item(), x.mul_(2)),
    "a computation, then a write": lambda x: ((x + 1).sum().item(), x.mul_(2)),
    "random": lambda x: x.uniform_(),
    "copy_ of itself": lambda x: x.copy_(x + 1),
    "dtype": lambda x: setattr(x, "data", suiren.tensor([7])),
    "a parameter of it": lambda x: nn.Parameter(x, requires_grad=False).mul_(2),
    "in another thread": lambda x: _in_a_thread(lambda: x.mul_(2)),
}


def _in_a_thread(f):
    thread = threading.Thread(target=f)
    thread.start()
    thread.join()


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize("made", ["by hand", "computed", "looked at while pending", "a leaf of what is recorded"])
def test_a_write_is_seen(tier, how, made):
    for _ in range(3):  # interpreted, then compiled
        x = suiren.tensor([1.5])
        if made == "computed":
            x = x + 1
            (x + 1).tolist()
        elif made == "looked at while pending":
            x = x + 1
        elif made == "a leaf of what is recorded":
            y = x + 1
        older = x.view(1, 1)
        assert x.item() == x.item() == x.tolist()[0]
        WRITES[how](x)
        if how == "through an older view":
            older.mul_(2)
        number = x.item()
        assert number == x.item() == np.asarray(x).item() == x.detach().clone().item()
        assert made == "a leaf of what is recorded" or how == "random" or number != (1.5 if made == "by hand" else 2.5)
        if made == "a leaf of what is recorded":
            assert y.item() == 2.5


def test_of_more_elements_than_one_after_it_had_one():
    x = suiren.tensor([1.5])
    assert x.item() == 1.5
    x.resize_(2)
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        x.item()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool", "complex64"])
def test_the_types_of_numbers(dtype):
    x = suiren.tensor(1, dtype=getattr(suiren, dtype))
    kind = {"float": float, "bfloa": float, "compl": complex, "bool": bool}.get(dtype[:5], int)
    for _ in range(3):
        assert type(x.item()) is kind and x.item() == 1


def test_of_copies():
    x = suiren.tensor(1.5)
    assert x.item() == 1.5
    others = [copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.clone(), x.detach()]
    assert [o.item() for o in others] == [1.5] * 5
    x.mul_(2)
    assert [o.item() for o in others] == [3.0, 1.5, 1.5, 1.5, 3.0]
