"""Custom Functions inside of vmap: by a rule of their own, or run for all places at once. Source: torch/_functorch/autograd_function.py"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from suiren.autograd.function import Function, backward_of, has_jvp
from suiren.func import batched, tree
from suiren.func.batched import Level, levels_of, lowered, made, physical, raised, running
from suiren.func.vmap import add_level, remove_level
from suiren.ops import reduce
from suiren.tensor import Tensor

_SEE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a Function's `vmap` is told of the map: how many examples, and what random numbers do."""

    batch_size: int
    randomness: str


def mapped(cls: type[Function], args: tuple) -> Any:
    """`cls.apply(*args)` where tensors are batched. RuntimeError, PyTorch's, for a Function that says nothing of vmap."""
    name = cls.__name__
    if cls.setup_context is Function.setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the setup_context "
            f"staticmethod. {_SEE}"
        )
    has_rule = cls.vmap is not Function.vmap
    if cls.generate_vmap_rule and has_rule:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it has both generate_vmap_rule=True and an overridden vmap staticmethod. Please set "
            f"generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid ambiguity. {_SEE}"
        )
    if not cls.generate_vmap_rule and not has_rule:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it does not have vmap support. Please override and implement the vmap staticmethod or set "
            f"generate_vmap_rule=True. {_SEE}"
        )
    return _by_rule(cls, args) if has_rule else _for_all_places(cls, args)


def _levels(args: tuple) -> list[Level]:
    """The running levels that some of the arguments are batched in."""
    numbers = {n for x in args for n in levels_of(x)}
    found = [level for level in running.levels if level.number in numbers]
    if len(found) < len(numbers):
        raise RuntimeError(batched.ENDED)
    return found


# ---------------------------------------------------------------- a rule of its own


def _by_rule(cls: type[Function], args: tuple) -> Any:
    """The innermost of the maps, by the Function's `vmap`, which runs outside of it."""
    level = _levels(args)[-1]
    before = batched.set_levels(running.levels[: running.levels.index(level)])
    try:
        in_dims = tuple([0 if level.number in levels_of(x) else None for x in args])
        plain = [x if d is None else remove_level(x, level.number, level.size, 0) for x, d in zip(args, in_dims)]
        result = cls.vmap(VmapInfo(level.size, level.randomness), in_dims, *plain)
    finally:
        batched.set_levels(before)
    expected = "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible with the output. "
    if not isinstance(result, tuple):
        raise RuntimeError(f"{expected}Got a {type(result)} instead")
    if len(result) != 2:
        raise RuntimeError(f"{expected}Got {len(result)} returns instead")
    outputs, structure = tree.flatten(result[0])
    dims = tree.broadcast(result[1], structure)
    if dims is None:
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. "
            f"Expected out_dims={result[1]} to be compatible with the structure of `output`. out_dims has structure {tree.flatten(result[1])[1]} but "
            f"output has structure {structure}. {_SEE}"
        )
    given = {id(p): x for p, x, d in zip(plain, args, in_dims) if d is not None}  # what was changed in place is still the caller's tensor
    return tree.unflatten([_raised_output(y, d, level, given) for y, d in zip(outputs, dims)], structure)


def _raised_output(y: Any, dim: int | None, level: Level, given: dict[int, Tensor]) -> Any:
    if dim is None or not isinstance(y, Tensor):
        return y
    return given[id(y)] if dim == 0 and id(y) in given else add_level(y, dim % y.dim(), level.number)


# ---------------------------------------------------------------- all places at once


class _Batch:
    """One call: the levels it runs in, and those of each argument."""

    def __init__(self, args: tuple):
        self.levels = _levels(args)
        self.numbers = tuple([level.number for level in self.levels])
        self.of_args = tuple([levels_of(x) for x in args])

    def __enter__(self) -> None:
        others = [level for level in self.levels if level not in running.levels]  # their vmap has ended: a backward comes by
        self.before = batched.set_levels(sorted([*running.levels, *others], key=lambda level: level.number))

    def __exit__(self, *exception: object) -> None:
        batched.set_levels(self.before)

    def inside(self, args: tuple) -> list:
        """Arguments, or tangents of them, as the Function sees them."""
        return [raised(x, own) if isinstance(x, Tensor) else x for x, own in zip(args, self.of_args)]

    def outside(self, y: Any) -> Any:
        """A result with all levels as its first dims."""
        return lowered(y, self.numbers) if isinstance(y, Tensor) else y

    def gradient(self, g: Any, own: tuple[int, ...]) -> Any:
        """The gradient of an argument: of one that all places share, the sum over them."""
        if not isinstance(g, Tensor):
            return g
        whole = lowered(g, self.numbers)
        shared = tuple([i for i, n in enumerate(self.numbers) if n not in own])
        return reduce.sum(whole, dims=shared, keepdim=False) if shared else whole


class _Context:
    """`ctx` as the Function sees it: the tensors it saves and gets back are batched."""

    def __init__(self, node: Any, batch: _Batch):
        object.__setattr__(self, "_node", node)
        object.__setattr__(self, "_batch", batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._node, name, value)

    @property
    def needs_input_grad(self) -> tuple:
        return self._node.needs_input_grad[1:]

    def save_for_backward(self, *tensors: Any) -> None:
        self._node._levels_saved = [levels_of(t) for t in tensors]
        self._node.save_for_backward(*[physical(t) for t in tensors])

    def save_for_forward(self, *tensors: Any) -> None:
        self._node._levels_saved_for_forward = [levels_of(t) for t in tensors]
        self._node.save_for_forward(*[physical(t) for t in tensors])

    def mark_non_differentiable(self, *tensors: Any) -> None:
        self._node.mark_non_differentiable(*[physical(t) for t in tensors])

    @property
    def saved_tensors(self) -> tuple:
        levels = self._node._levels_saved_for_forward if self._node._in_jvp else self._node._levels_saved
        return tuple([t if t is None else made(t, own) for t, own in zip(self._node.saved_tensors, levels)])


def _for_all_places(cls: type[Function], args: tuple) -> Any:
    """The Function's own methods on batched tensors, in the graph of the tensors that they hide."""
    batch = _Batch(args)
    found = _mapping(cls).apply(batch, *[physical(x) for x in args])
    results = [made(y, batch.numbers) if isinstance(y, Tensor) else y for y in (found if isinstance(found, tuple) else (found,))]
    return tuple(results) if isinstance(found, tuple) else results[0]


@functools.cache
def _mapping(cls: type[Function]) -> type[Function]:
    """The Function of whole batches that `cls` is one place of."""

    def forward(batch: _Batch, *args: Any) -> Any:
        with batch:
            found = cls.forward(*batch.inside(args))
            return tuple([batch.outside(y) for y in found]) if isinstance(found, tuple) else batch.outside(found)

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        ctx.batch = batch = inputs[0]
        with batch:
            several = isinstance(output, tuple)
            results = tuple([made(y, batch.numbers) if isinstance(y, Tensor) else y for y in (output if several else (output,))])
            cls.setup_context(_Context(ctx, batch), tuple(batch.inside(inputs[1:])), results if several else results[0])

    def backward(ctx: Any, *gradients: Any) -> tuple:
        batch = ctx.batch
        with batch:
            found = backward_of(cls)(_Context(ctx, batch), *[raised(g, batch.numbers) if isinstance(g, Tensor) else g for g in gradients])
            found = found if isinstance(found, tuple) else (found,)
            return None, *[batch.gradient(g, own) for g, own in zip(found, batch.of_args)], *found[len(batch.of_args) :]

    def jvp(ctx: Any, _: None, *tangents: Any) -> Any:
        batch = ctx.batch
        with batch:
            found = cls.jvp(_Context(ctx, batch), *batch.inside(tangents))
            return tuple([batch.outside(y) for y in found]) if isinstance(found, tuple) else batch.outside(found)

    rules = {"forward": forward, "setup_context": setup_context, "backward": backward, **({"jvp": jvp} if has_jvp(cls) else {})}
    return type(f"Vmapped{cls.__name__}", (Function,), {name: staticmethod(f) for name, f in rules.items()})


__all__ = ["VmapInfo", "mapped"]
