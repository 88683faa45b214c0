"""A module called with other parameters than its own. Source: torch/nn/utils/stateless.py"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from suiren.nn.modules.module import Module
from suiren.tensor import Tensor

_ABSENT = object()


def _tied(module: Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """`given`, with every other name of a parameter or buffer that has several. ValueError for two values of one tensor."""
    names: dict[int, list[str]] = {}
    for name, t in (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)):
        names.setdefault(id(t), []).append(name)
    found = dict(given)
    for same in names.values():
        values = [given[name] for name in same if name in given]
        if len(same) == 1 or not values:
            continue
        if any(v is not values[0] for v in values):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(same)}, which are tied. Consider using tie_weights=False"
            )
        found.update(dict.fromkeys(same, values[0]))
    return found


def _check_names(module: Module, given: dict[str, Tensor]) -> None:
    have = {n for n, _ in (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False))}
    texts = []
    for what, keys in (("Unexpected", [k for k in given if k not in have]), ("Missing", [k for k in have if k not in given])):
        if keys:
            texts.append(f"{what} key(s): {', '.join(map(repr, sorted(keys)))}.")
    if texts:
        raise RuntimeError("Error(s) in reparametrizing for {}:\n\t{}".format(module._get_name(), "\n\t".join(texts)))


def _swap(module: Module, path: str, value: Any) -> Any:
    """Puts a tensor in the place of a parameter, buffer or attribute; returns what was there."""
    prefix, _, name = path.rpartition(".")
    owner = module.get_submodule(prefix)
    if value is not _ABSENT and value is not None and not isinstance(value, Tensor):
        raise TypeError(f"{value} is not an instance of torch.Tensor")
    for registry in ("_parameters", "_buffers"):
        members = owner._registry(registry)
        if name in members:
            before, members[name] = members[name], value
            return before
    before = getattr(owner, name, _ABSENT)
    if before is not _ABSENT and not isinstance(before, Tensor):
        raise TypeError(f"attribute '{name}': {before} is not an instance of torch.Tensor")
    if value is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
    return before


@contextlib.contextmanager
def reparametrized(module: Module, given: dict[str, Tensor], tie_weights: bool = False, strict: bool = False) -> Iterator[None]:
    """Within it the module has the given tensors, by dotted name, in the places of its own; `given` takes back what forward put there."""
    used = _tied(module, given) if tie_weights else given
    if strict:
        _check_names(module, used)
    before: dict[str, Any] = {}
    try:
        for path, value in used.items():
            before[path] = _swap(module, path, value)
        yield
    finally:
        for path, value in reversed(before.items()):
            now = _swap(module, path, value)
            if path in given:
                given[path] = now


def call_with(
    module: Module, parameters_and_buffers: dict[str, Tensor], args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """module(*args, **kwargs) with the given tensors in the places of its parameters and buffers of these names; see `func.functional_call`."""
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with reparametrized(module, parameters_and_buffers, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def functional_call(
    module: Module, parameters_and_buffers: dict[str, Tensor], args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """The older name of `func.functional_call`."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future version of PyTorch. "
        "Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


__all__ = ["call_with", "functional_call", "reparametrized"]
