"""What functions of matrices ask of their arguments, in PyTorch's words."""

from __future__ import annotations

from suiren import dtypes
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.dtypes import FLOAT
from suiren.ops import movement
from suiren.trace.op import broadcast_shapes
from suiren.trace.pending import settle
from suiren.trace.recording import record, record1
from suiren.trace.storage import array_of

NARROW = (dtypes.float16, dtypes.bfloat16)


def check_float(function: str, x, kernel: str = "") -> None:
    """RuntimeError unless x is floating or complex; NotImplementedError (RuntimeError without a kernel's name) for narrow floats."""
    d = x._spec.dtype
    if d.category < FLOAT:
        raise RuntimeError(f"{function}: Expected a floating point or complex tensor as input. Got {TYPE_WORDS[d.name]}")
    if d in NARROW:
        if kernel:
            raise NotImplementedError(f"\"{kernel}\" not implemented for '{TYPE_WORDS[d.name]}'")
        raise RuntimeError(f"{function}: Low precision dtypes not supported. Got {TYPE_WORDS[d.name]}")


def check_matrices(function: str, x, name: str = "A", kernel: str = "") -> None:
    """RuntimeError unless x has at least two dims and a floating dtype."""
    check_tensor(function.split(".")[-1], x, name)
    if x._spec.ndim < 2:
        raise RuntimeError(f"{function}: The input tensor {name} must have at least 2 dimensions.")
    check_float(function, x, kernel)


def check_square(function: str, x, name: str = "A", kernel: str = "") -> None:
    """RuntimeError unless x is a batch of square matrices of a floating dtype."""
    check_tensor(function.split(".")[-1], x, name)
    if x._spec.ndim < 2:
        raise RuntimeError(f"{function}: The input tensor {name} must have at least 2 dimensions.")
    m, n = x._spec.shape[-2:]
    if m != n:
        raise RuntimeError(f"{function}: {name} must be batches of square matrices, but they are {m} by {n} matrices")
    check_float(function, x, kernel)


def check_same(function: str, a, b) -> None:
    """RuntimeError unless both have one dtype."""
    if a._spec.dtype is not b._spec.dtype:
        raise RuntimeError(
            f"{function}: Expected A and B to have the same dtype, but found A of type {TYPE_WORDS[a._spec.dtype.name]} "
            f"and B of type {TYPE_WORDS[b._spec.dtype.name]} instead"
        )


def check_fits(function: str, a, b, left: bool) -> None:
    """RuntimeError unless A X = B (X A = B) has a meaning."""
    n, shape = a._spec.shape[-1], b._spec.shape[-2:]
    if shape[0 if left else 1] != n:
        raise RuntimeError(
            f"{function}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} ({n}x{n} and {shape[0]}x{shape[1]})"
        )


def expanded(x, lead: tuple[int, ...], last: int = 2):
    """x with its leading dims broadcast; its `last` dims stay."""
    shape = (*lead, *x._spec.shape[x._spec.ndim - last :])
    return x if shape == x._spec.shape else record1(movement.expand, x, (shape,))


def of_one_batch(a, b):
    """Both with the leading dims of both."""
    lead = broadcast_shapes(a._spec.shape[:-2], b._spec.shape[:-2])
    return expanded(a, lead), expanded(b, lead)


def certain(op, inputs: tuple, params: tuple, check: str):
    """The results of an op that can fail because of its data. With `check`, the name of a function, it runs now, and fails on the user's line."""
    batched = any(x._interpret is not None for x in inputs)
    found = record(op, inputs, (*params, check if batched else ""))
    if check and not batched:
        told = found[op.fails[0]]
        settle(told)
        op.judge(array_of(told), check)
    return found
