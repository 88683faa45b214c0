"""Files in the safetensors format, beside those that safetensors.torch writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import suiren
from suiren import nn, safetensors

FILE = Path(__file__).parent / "recorded/tensors.safetensors"


def test_what_pytorch_wrote_is_read_and_written_again(tmp_path):
    found = safetensors.load_file(FILE)
    np.testing.assert_array_equal(found["base"].numpy(), np.arange(12, dtype=np.float32).reshape(3, 4))
    assert found["brain"].dtype is suiren.bfloat16 and found["brain"].tolist() == [2.5] * 2
    assert found["half"].tolist() == [1.5] * 3 and found["bool"].tolist() == [True, False]
    assert found["empty"].shape == (0, 4)
    path = tmp_path / "again.safetensors"
    safetensors.save_file(found, path, {"made by": "safetensors.torch"})
    again = safetensors.load_file(path)
    assert again.keys() == found.keys()
    for name, t in found.items():
        assert (again[name].dtype, again[name].shape) == (t.dtype, t.shape)
        assert again[name].tolist() == t.tolist()


def test_tied_weights(tmp_path):
    def model():
        net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
        net.add_module("again", net[0])
        return net

    first, second = model(), model()
    path = tmp_path / "model.safetensors"
    safetensors.save_model(first, path)
    assert "again.weight" not in safetensors.load_file(path)
    missing, unexpected = safetensors.load_model(second, path)
    assert not missing and not unexpected
    for a, b in zip(first.state_dict().values(), second.state_dict().values()):
        assert a.tolist() == b.tolist()


def test_what_cannot_be_written(tmp_path):
    x = suiren.ones(2, 3)
    for tensors, error, words in (
        ({"a": x.t()}, ValueError, "You are trying to save a non contiguous tensor: `a`"),
        ({"a": 3}, ValueError, "Key `a` is invalid, expected torch.Tensor but received <class 'int'>"),
        ([x], ValueError, "Expected a dict of"),
        ({"a": x, "b": x[0]}, RuntimeError, "Some tensors share memory"),
    ):
        with pytest.raises(error, match=words.replace("[", r"\[")):
            safetensors.save_file(tensors, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_damaged_files():
    from safetensors import SafetensorError

    data = FILE.read_bytes()
    for size in (0, 4, 8, 100, len(data) - 1):
        with pytest.raises(SafetensorError):
            safetensors.load(data[:size])
