"""Files that PyTorch and safetensors.torch write, for suiren to read: `python -m tests.recorded.record_checkpoints`, in the environment of `make conformance`."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import safetensors.torch
import torch

FOLDER = Path(__file__).parent


def content() -> dict:
    x = torch.arange(12.0).view(3, 4)
    return {
        "state": OrderedDict(weight=torch.nn.Parameter(torch.ones(2, 3) / 3), steps=torch.tensor(7)),
        "base": x, "row": x[1], "turned": x.t()[1:, ::2], "same": x,
        "half": torch.ones(3).half() * 1.5, "brain": torch.ones(2).bfloat16() * 2.5, "complex": torch.tensor([1 + 2j]), "bool": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4), "plain": [1, 2.5, "text", None, (True, {"k": b"bytes"})],
    }  # fmt: skip


def main() -> None:
    torch.save(content(), FOLDER / "old_format.pth", _use_new_zipfile_serialization=False)
    tensors = {k: v.contiguous() for k, v in content().items() if isinstance(v, torch.Tensor) and k not in ("row", "turned", "same")}
    safetensors.torch.save_file(tensors, FOLDER / "tensors.safetensors", {"made by": "safetensors.torch"})


if __name__ == "__main__":
    main()
