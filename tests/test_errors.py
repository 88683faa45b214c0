"""Bad input: PyTorch's exception types, on the user's own line, with what was wrong; and everything stays usable and unharmed."""

from __future__ import annotations

import re
import traceback

import numpy as np
import pytest

import suiren
from suiren import nn, optim


def two(a, b):
    return suiren.ones(*a), suiren.ones(*b)


def changed_in_place():
    x = suiren.ones(3, requires_grad=True)
    y = x.exp()
    y.add_(1)
    y.sum().backward()


def backward_twice():
    x = suiren.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


def not_a_scalar():
    (suiren.ones(3, requires_grad=True) * 2).backward()


def no_graph():
    suiren.ones(()).backward()


def leaf_in_place():
    suiren.ones(3, requires_grad=True).add_(1)


def integers_with_gradients():
    suiren.ones(3, dtype=suiren.int64).requires_grad_()


def cross_entropy_shapes():
    nn.CrossEntropyLoss()(suiren.ones(4, 10), suiren.zeros(5, dtype=suiren.int64))


# name: (what is done, PyTorch's exception, words of its message and of ours)
BAD = {
    "broadcast": (lambda: suiren.ones(2, 3) + suiren.ones(4), RuntimeError, "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"),
    "matmul": (lambda: suiren.ones(2, 3) @ suiren.ones(4, 5), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
    "matmul dtypes": (lambda: suiren.ones(2, 3) @ suiren.ones(3, 2, dtype=suiren.float64), RuntimeError, "expected m1 and m2 to have the same dtype"),
    "dim": (lambda: suiren.ones(2, 3).sum(2), IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
    "view": (lambda: suiren.ones(2, 3).view(4), RuntimeError, "shape '[4]' is invalid for input of size 6"),
    "index": (lambda: suiren.ones(3)[3], IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
    "cat": (lambda: suiren.cat(two((2, 3), (2, 4))), RuntimeError, "Sizes of tensors must match except in dimension 0"),
    "linear": (lambda: nn.Linear(3, 4)(suiren.ones(2, 5)), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)"),
    "conv": (lambda: nn.Conv2d(3, 4, 3)(suiren.ones(1, 1, 8, 8)), RuntimeError, "expected input[1, 1, 8, 8] to have 3 channels, but got 1 channels instead"),
    "batch norm": (lambda: nn.BatchNorm2d(3)(suiren.ones(2, 3)), ValueError, "expected 4D input (got 2D input)"),
    "cross entropy": (cross_entropy_shapes, ValueError, "Expected input batch_size (4) to match target batch_size (5)."),
    "changed in place": (changed_in_place, RuntimeError, "one of the variables needed for gradient computation has been modified by an inplace operation"),
    "backward twice": (backward_twice, RuntimeError, "Trying to backward through the graph a second time"),
    "not a scalar": (not_a_scalar, RuntimeError, "grad can be implicitly created only for scalar outputs"),
    "no graph": (no_graph, RuntimeError, "element 0 of tensors does not require grad and does not have a grad_fn"),
    "leaf in place": (leaf_in_place, RuntimeError, "a leaf Variable that requires grad is being used in an in-place operation."),
    "integers": (integers_with_gradients, RuntimeError, "only Tensors of floating point dtype can require gradients"),
    "item": (lambda: suiren.ones(2).item(), RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar"),
    "bool": (lambda: bool(suiren.ones(2)), RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
    "numpy": (lambda: suiren.ones(2, requires_grad=True).numpy(), RuntimeError, "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."),
    "cuda": (lambda: suiren.ones(2).cuda(), (RuntimeError, AssertionError), "CUDA"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_raises_what_pytorch_raises_at_the_users_line(name, tier):
    do, cls, words = BAD[name]
    before = suiren.arange(4.0)
    pending = before * 2  # recorded, not computed: the error must not lose it
    with pytest.raises(cls) as caught:
        do()
    assert words in str(caught.value)
    assert any(frame.filename == __file__ and frame.name != "test_bad_input_raises_what_pytorch_raises_at_the_users_line" for frame in traceback.extract_tb(caught.value.__traceback__))
    assert pending.tolist() == [0, 2, 4, 6]
    assert (pending + before).sum().item() == 18


def test_a_target_out_of_range_leaves_the_parameters_unharmed(tier):
    suiren.manual_seed(0)
    net = nn.Linear(5, 3)
    optimizer, criterion = optim.SGD(net.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss()

    def step(targets):
        optimizer.zero_grad()
        loss = criterion(net(suiren.ones(2, 5)), suiren.tensor(targets))  # the line that the message names
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step([0, 2]) for _ in range(3)]
    kept = [p.detach().numpy().copy() for p in net.parameters()]
    with pytest.raises(IndexError, match="Target 3 is out of bounds") as caught:
        step([0, 3])
    found = re.search(r"recorded at (.*):(\d+)", str(caught.value))
    assert found is not None and found[1].endswith("test_errors.py")
    with open(__file__) as file:
        assert "the line that the message names" in file.readlines()[int(found[2]) - 1]
    for a, b in zip(kept, net.parameters()):
        np.testing.assert_array_equal(a, b.detach().numpy())
    assert step([0, 2]) < losses[-1]


def test_what_could_not_be_computed_says_so(tier):
    index = suiren.tensor([0, 7])
    picked = suiren.ones(3, 2)[index]
    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 0 with size 3"):
        picked.tolist()
    with pytest.raises(RuntimeError):
        picked.tolist()
    assert suiren.ones(3, 2)[suiren.tensor([0, 2])].sum().item() == 4


def test_an_interrupt_leaves_the_recording_usable(monkeypatch, tier):
    from suiren.trace import execution

    x = suiren.ones(3) + 1
    monkeypatch.setattr(execution, "_execute", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        x.tolist()
    monkeypatch.undo()
    assert (suiren.ones(3) * 3).tolist() == [3, 3, 3]
