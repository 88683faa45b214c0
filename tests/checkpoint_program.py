"""An object of everything that a checkpoint holds, made by torch or by suiren alike, and what is to be the same about it."""

from __future__ import annotations

import collections
from typing import Any

DTYPES = ("uint8", "int8", "int16", "int32", "int64", "uint32", "float16", "float32", "float64", "bool", "complex64")


def contents(t: Any) -> dict[str, Any]:
    base = t.arange(24).float().view(2, 3, 4)
    state = collections.OrderedDict([("conv.weight", t.ones(2, 1)), ("conv.bias", t.tensor([0.25, -1.5]))])
    state._metadata = collections.OrderedDict([("", {"version": 1}), ("conv", {"version": 1})])
    weight = t.nn.Parameter(t.tensor([1.0, 2.0, 3.0]))
    return {
        "base": base,
        "row": base[1],
        "permuted": base.permute(2, 0, 1),
        "strided": base.view(-1)[3:9:2],
        "again": base,
        "scalar": t.tensor(3.5),
        "empty": t.zeros(0, 3),
        "dtypes": [t.tensor([0, 1, 2]).to(getattr(t, name)) for name in DTYPES],
        "state": state,
        "optimizer": {
            "state": {0: {"step": t.tensor(3.0), "exp_avg": t.zeros(3)}},
            "param_groups": [{"lr": 0.001, "betas": (0.9, 0.999), "amsgrad": False, "foreach": None, "params": [0]}],
        },
        "parameter": weight,
        "frozen": t.nn.Parameter(t.ones(2), requires_grad=False),
        "leaf": t.ones(2, requires_grad=True),
        "names": [t.float16, t.int64, t.Size([1, 2]), t.device("cpu")],
        "plain": [1, -2.5, "ü", None, True, (1, (2,)), {3}, b"xy\xff", 1j, 10**20, bytearray(b"q"), [], {}],
        "counter": collections.Counter("aab"),
    }


def facts(obj: Any) -> Any:
    """What must be the same, as plain values: of a tensor its class, dtype, shape, strides, offset, flags and elements."""
    if hasattr(obj, "requires_grad"):
        elements = obj.detach().tolist()
        return [
            type(obj).__name__, str(obj.dtype), list(obj.shape), list(obj.stride()), obj.storage_offset(), obj.requires_grad, obj.is_leaf, repr(elements),
        ]  # fmt: skip
    if isinstance(obj, collections.OrderedDict):
        return ["OrderedDict", [[k, facts(v)] for k, v in obj.items()], repr(getattr(obj, "_metadata", None))]
    if isinstance(obj, dict):
        return [type(obj).__name__, [[repr(k), facts(v)] for k, v in obj.items()]]
    if isinstance(obj, (list, tuple)) and type(obj).__name__ != "Size":
        return [type(obj).__name__, [facts(v) for v in obj]]
    return [type(obj).__name__, repr(obj)]


def shared(obj: dict[str, Any]) -> list[bool]:
    """Whether what shared a storage does so again: writes to it."""
    obj["base"][1, 2, 3] = 99.0
    return [
        obj["again"] is obj["base"],
        obj["row"][2, 3].item() == 99.0,
        obj["permuted"][3, 1, 2].item() == 99.0,
        obj["strided"].tolist() == [3.0, 5.0, 7.0],
    ]
