"""vmap: a function of one example, run for a batch of them at once. Source: torch/_functorch/vmap.py"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from suiren.api.joining import cat
from suiren.func import batched, tree
from suiren.func.batched import Level, made
from suiren.ops import movement
from suiren.tensor import Tensor
from suiren.trace.recording import record

_numbers = itertools.count(1)


def _name(function: Any) -> str:
    if hasattr(function, "__name__"):
        return function.__name__
    if isinstance(function, functools.partial):
        return f"functools.partial({_name(function.func)}, ...)"
    return repr(function)


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that maps `func` over a dim of its inputs.

    `in_dims`: that dim, for all inputs or in a nest like the inputs; None for one that every call is given whole. `out_dims`: where the dim goes in
    the results. `randomness`: 'error', 'same' (one draw for all) or 'different'. `chunk_size`: how many examples at once, all by default.
    ValueError, PyTorch's, for dims that do not fit. What reads values (`item`, `if`) is refused inside.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args, **kwargs):
        dims, flat, structure = _inputs(func, in_dims, args)
        size = _batch_size(dims, flat)
        named, named_structure = tree.flatten(kwargs)
        named_dims = [0 if isinstance(x, Tensor) else None for x in named]
        if chunk_size is None or chunk_size >= size:
            return _once(func, size, dims, flat, structure, named_dims, named, named_structure, out_dims, randomness)
        return _in_chunks(func, size, dims, flat, structure, named_dims, named, named_structure, out_dims, randomness, chunk_size)

    if not hasattr(func, "__name__"):
        mapped.__name__ = _name(func)
    return mapped


def _inputs(func, in_dims, args: tuple) -> tuple[list, list, tree.Structure]:
    """(the dim of every flat input or None, the flat inputs, their structure); the checks of PyTorch in its words."""
    start = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{start}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. "
            "The latter is unsupported."
        )
    flat, structure = tree.flatten(args)
    dims = tree.broadcast(in_dims, structure)
    if dims is None:
        raise ValueError(
            f"{start}in_dims is not compatible with the structure of `inputs`. in_dims has structure {tree.flatten(in_dims)[1]} but inputs has "
            f"structure {structure}."
        )
    for i, (x, d) in enumerate(zip(flat, dims)):
        if not isinstance(d, int) and d is not None:
            raise ValueError(f"{start}Got in_dim={d} for an input but in_dim must be either an integer dimension or None.")
        if isinstance(d, int) and not isinstance(x, Tensor):
            raise ValueError(
                f"{start}Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor arguments, please use None as "
                "the respective in_dim"
            )
        if d is not None and (d < -x.dim() or d >= x.dim()):
            raise ValueError(
                f"{start}Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.dim()} so expected in_dim to satisfy "
                f"-{x.dim()} <= in_dim < {x.dim()}."
            )
        if d is not None and d < 0:
            dims[i] = d + x.dim()
    return dims, flat, structure


def _batch_size(dims: list, flat: list) -> int:
    sizes = [x.shape[d] for x, d in zip(flat, dims) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(n != sizes[0] for n in sizes):
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped dimension")
    return sizes[0]


def add_level(x: Tensor, dim: int, number: int) -> Tensor:
    """`x` with its dim `dim` as the batch of the innermost level."""
    levels, have = batched.levels_of(x), batched.physical(x)
    n = len(levels)
    if dim:
        order = (*range(n), n + dim, *(n + d for d in range(x._spec.ndim) if d != dim))
        have = record(movement.permute, (have,), (order,))
    return made(have, (*levels, number))


def remove_level(y: Tensor, number: int, size: int, dim: int) -> Tensor:
    """`y` with the batch of the innermost level as its dim `dim`; the same everywhere if it has no such batch."""
    levels = batched.levels_of(y)
    ndim = y._spec.ndim + 1
    dim = movement_dim(dim, ndim)
    have = batched.physical(y)
    if number in levels:
        outer = levels[:-1]
    else:
        outer = levels
        n = len(outer)
        shape = have._spec.shape
        have = batched.reshaped(have, (*shape[:n], 1, *shape[n:]))
        have = record(movement.expand, (have,), ((*shape[:n], size, *shape[n:]),))
    n = len(outer)
    if dim:
        rest = [n + 1 + i for i in range(ndim - 1)]
        have = record(movement.permute, (have,), ((*range(n), *rest[:dim], n, *rest[dim:]),))
    return made(have, outer)


def movement_dim(dim: int, ndim: int) -> int:
    """The dim counted from the front. IndexError if there is no such dim."""
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")
    return dim + ndim if dim < 0 else dim


def _once(func, size, dims, flat, structure, named_dims, named, named_structure, out_dims, randomness):
    number = next(_numbers)
    for x, d in zip(named, named_dims):
        if d is not None and (not x.dim() or x.shape[0] != size):
            raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {[size, *x.shape[:1]]} for the mapped dimension")
    batched.enter(Level(number, size, randomness))
    try:
        inside = [x if d is None else add_level(x, d, number) for x, d in zip(flat, dims)]
        inside_named = [x if d is None else add_level(x, d, number) for x, d in zip(named, named_dims)]
        results = func(*tree.unflatten(inside, structure), **tree.unflatten(inside_named, named_structure))
        return _outputs(func, results, out_dims, number, size)
    finally:
        batched.leave()


def _outputs(func, results, out_dims, number: int, size: int):
    flat, structure = tree.flatten(results)
    name = _name(func)
    dims = _output_dims(func, out_dims, flat, structure)
    found = []
    for y, d in zip(flat, dims):
        if not isinstance(y, Tensor):
            if d is None:
                found.append(y)
                continue
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)}. Did you mean to set out_dims= to None for output?"
            )
        if d is None:
            if number in batched.levels_of(y):
                raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
            found.append(y)
        else:
            found.append(remove_level(y, number, size, d))
    return tree.unflatten(found, structure)


def _output_dims(func, out_dims, flat: list, structure: tree.Structure) -> list:
    if not isinstance(out_dims, (int, tuple, list, dict)) and out_dims is not None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints representing where in the "
            "outputs the vmapped dimension should appear."
        )
    if structure.kind is None and isinstance(out_dims, tuple) and len(out_dims) == 1:
        out_dims = out_dims[0]
    dims = tree.broadcast(out_dims, structure)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of `outputs`. "
            f"out_dims has structure {tree.flatten(out_dims)[1]} but outputs has structure {structure}."
        )
    return dims


def _in_chunks(func, size, dims, flat, structure, named_dims, named, named_structure, out_dims, randomness, chunk_size: int):
    """Some examples at once, and the results one after the other."""
    parts, whole = [], None
    for start in range(0, size, chunk_size):
        count = min(chunk_size, size - start)
        some = [x if d is None else x.narrow(d, start, count) for x, d in zip(flat, dims)]
        some_named = [x if d is None else x.narrow(d, start, count) for x, d in zip(named, named_dims)]
        out = _once(func, count, dims, some, structure, named_dims, some_named, named_structure, out_dims, randomness)
        leaves, whole = tree.flatten(out)
        parts.append(leaves)
    where = _output_dims(func, out_dims, parts[0], whole)
    found = [ys[0] if d is None else cat(ys, d if d >= 0 else ys[0].dim() + d) for ys, d in zip(zip(*parts), where)]
    return tree.unflatten(found, whole)


__all__ = ["add_level", "remove_level", "vmap"]
