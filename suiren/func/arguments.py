"""Which arguments a transform differentiates, and checks in PyTorch's words."""

from __future__ import annotations

from typing import Any

from suiren.func import tree
from suiren.tensor import Tensor


def _number(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def numbers_of(argnums: Any, count: int) -> int | tuple[int, ...]:
    """`argnums` counted from the front. RuntimeError for numbers that are not there, or twice."""
    if isinstance(argnums, int):
        return _number(argnums, count)
    if not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = tuple(_number(n, count) for n in argnums)
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return found


def chosen(args: tuple, argnums: int | tuple[int, ...] | None) -> Any:
    """The arguments that are differentiated: all, one, or a tuple of some."""
    if argnums is None:
        return args
    return args[argnums] if isinstance(argnums, int) else tuple(args[n] for n in argnums)


def replaced(args: tuple, argnums: int | tuple[int, ...] | None, new: Any) -> tuple:
    """The arguments with others in those places."""
    if argnums is None:
        return tuple(new)
    given = {argnums: new} if isinstance(argnums, int) else dict(zip(argnums, new))
    return tuple(given.get(i, a) for i, a in enumerate(args))


def structured_outputs(api: str, outputs: list) -> None:
    """RuntimeError unless a function gave tensors, at least one."""
    if not outputs or (len(outputs) == 1 and outputs[0] is None):
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = {outputs})")
    for y in outputs:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(y)}")


def real(api: str, args: Any, what: str) -> None:
    """RuntimeError for complex tensors."""
    for i, x in enumerate(tree.flatten(args)[0]):
        if isinstance(x, Tensor) and x.is_complex():
            raise RuntimeError(f"{api}: Expected all {what} to be real but received complex tensor at flattened input idx: {i}")
