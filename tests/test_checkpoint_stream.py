"""Checkpoints in PyTorch's format from before version 1.6: read with everything shared as it was; damage and code are refused."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest

import suiren

FILE = Path(__file__).parent / "recorded/old_format.pth"
DATA = FILE.read_bytes()


def load(data: bytes, **options):
    return suiren.load(io.BytesIO(data), **options)


@pytest.mark.parametrize("weights_only", [True, False])
def test_what_pytorch_wrote_is_read(weights_only):
    found = suiren.load(FILE, weights_only=weights_only)
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(found["base"].numpy(), x)
    np.testing.assert_array_equal(found["turned"].numpy(), x.T[1:, ::2])
    assert isinstance(found["state"]["weight"], suiren.nn.Parameter)
    np.testing.assert_array_equal(found["state"]["weight"].detach().numpy(), np.ones((2, 3), np.float32) / 3)
    assert found["state"]["steps"].item() == 7
    assert found["half"].dtype is suiren.float16 and found["half"].tolist() == [1.5] * 3
    assert found["brain"].dtype is suiren.bfloat16 and found["brain"].tolist() == [2.5] * 2
    assert found["complex"].tolist() == [1 + 2j]
    assert found["bool"].tolist() == [True, False]
    assert found["empty"].shape == (0, 4)
    assert found["plain"] == [1, 2.5, "text", None, (True, {"k": b"bytes"})]


def test_storages_are_shared():
    found = suiren.load(FILE)
    found["base"].add_(100)
    assert found["row"].tolist() == [104, 105, 106, 107]
    assert found["turned"][0, 0].item() == 101
    assert found["same"][0, 0].item() == 100


def test_a_file_that_is_cut_short():
    for size in range(2, len(DATA) - 1, 7):
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            load(DATA[:size])


def test_a_damaged_file_is_refused_or_read():
    """Whatever a byte becomes, nothing but PyTorch's types of errors comes out, and no code runs."""
    random = np.random.default_rng(0)
    for place in random.integers(2, len(DATA), 400):
        data = bytearray(DATA)
        data[place] = random.integers(0, 256)
        try:
            load(bytes(data))
        except (RuntimeError, pickle.UnpicklingError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            assert str(error)


class Evil:
    def __reduce__(self):
        return eval, ("print('run')",)


def test_code_is_refused(capsys):
    stream = b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"x": Evil()}, []))
    with pytest.raises(pickle.UnpicklingError, match="eval"):
        load(stream)
    first = pickle.dumps(Evil(), 2)
    with pytest.raises(pickle.UnpicklingError, match="eval"):
        load(first)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((1, 1001, {}, {}, []), "is a pickle of something else"),
        ((0x1950A86A20F9469CFC6C, 1002, {}, {}, []), "Invalid protocol version: 1002"),
        ((0x1950A86A20F9469CFC6C, 1001, {}, {}, ["7"]), "no tensor refers to"),
    ],
)
def test_other_pickles(parts, words):
    with pytest.raises(RuntimeError, match=words):
        load(b"".join(pickle.dumps(x, 2) for x in parts))


def test_it_cannot_be_mapped():
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved in PyTorch's zip format"):
        suiren.load(FILE, mmap=True)
