"""Tensors, dtypes, devices and storages answer as PyTorch's do."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import suiren
from tests import protocol_lines

RECORDED = json.loads((Path(__file__).parent / "recorded" / "protocols.json").read_text())["lines"]


@pytest.mark.parametrize("line", protocol_lines.LINES)
def test_line(line):
    want, got = RECORDED[line], protocol_lines.answer(line, suiren)
    kind = want.partition(":")[0]
    if kind.endswith(("Error", "Exception", "Iteration")):  # the same type, and PyTorch's words in ours
        assert got.startswith(want), f"{line}: {got}"
    else:
        assert got == want


def test_channels_last_keeps_values_and_gradients(tier):
    x = suiren.arange(24.0).reshape(1, 2, 3, 4).requires_grad_()
    y = x.contiguous(memory_format=suiren.channels_last)
    assert y.is_contiguous(memory_format=suiren.channels_last) and y.storage_offset() == 0
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * x.detach().numpy())
    with suiren.no_grad():
        y.zero_()
    assert x.detach().sum().item() == 276


def test_a_storage_is_the_memory_of_its_tensor(tier):
    x = suiren.arange(4.0)
    storage = x.storage()
    x += 1  # pending when the storage is looked at
    assert storage.tolist() == [1.0, 2.0, 3.0, 4.0]
    storage[0] = 9
    assert x.tolist() == [9.0, 2.0, 3.0, 4.0]
    assert x[1:].storage() == storage and x[1:].untyped_storage().data_ptr() == x.data_ptr()


def test_dlpack_shares_memory_both_ways():
    a = np.arange(4.0)
    x = suiren.from_dlpack(a)
    x[0] = 7
    a[1] = 8
    assert a[0] == 7 and x[1].item() == 8
    back = np.from_dlpack(x)
    x[2] = 9
    assert back[2] == 9
    with pytest.raises(BufferError, match="Can't export tensors that require gradient"):
        np.from_dlpack(suiren.ones(1, requires_grad=True))


def test_pickles_keep_attributes():
    import copy
    import pickle

    x = suiren.ones(2)
    x.note = "kept"
    assert pickle.loads(pickle.dumps(x)).note == copy.copy(x).note == copy.deepcopy(x).note == "kept"


def test_a_file_as_a_tensor(tmp_path):
    path = str(tmp_path / "numbers")
    t = suiren.from_file(path, shared=True, size=3, dtype=suiren.int32)
    t.copy_(suiren.tensor([1, 2, 3], dtype=suiren.int32))
    assert np.fromfile(path, np.int32).tolist() == [1, 2, 3]
    own = suiren.from_file(path, size=2, dtype=suiren.int32)
    own += 1
    assert own.tolist() == [2, 3] and np.fromfile(path, np.int32).tolist() == [1, 2, 3]


def test_as_subclass():
    class Mine(suiren.Tensor):
        pass

    x = suiren.ones(2, requires_grad=True)
    y = x.as_subclass(Mine)
    assert type(y) is Mine and y.data_ptr() == x.data_ptr()
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="must be a type that inherits from Tensor"):
        x.as_subclass(int)
    assert issubclass(suiren.cuda.OutOfMemoryError, RuntimeError) and suiren.return_types.max


def test_what_is_pickled_requires_grad_as_before():
    p = suiren.ones(2, requires_grad=True)
    for x in (p, p * 2, p[:1]):
        y = pickle.loads(pickle.dumps(x))
        assert y.requires_grad and y.is_leaf
    assert not pickle.loads(pickle.dumps(p.detach())).requires_grad
