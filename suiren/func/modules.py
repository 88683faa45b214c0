"""Modules as functions of their parameters. Source: torch/_functorch/functional_call.py, torch/nn/utils/stateless.py"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suiren.tensor import Tensor


def functional_call(
    module: Any, parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]], args: Any = None, kwargs: dict | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Calls `module` with these tensors in the places of its parameters and buffers, by dotted name; the others stay.

    `tie_weights`: what the module shares under several names is replaced under all of them. `strict`: every name must be given, and no other.
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        given = dict(parameter_and_buffer_dicts)
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        if not all(isinstance(d, dict) for d in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [name for d in parameter_and_buffer_dicts for name in d]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {name: t for d in parameter_and_buffer_dicts for name, t in d.items()}
    else:
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(parameter_and_buffer_dicts)}"
        )
    places = _places(module, given, tie_weights, strict)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    before = []
    try:
        for registry, name, t in places:
            before.append((registry, name, registry.get(name, _ABSENT)))
            registry[name] = t
        return module(*args, **(kwargs or {}))
    finally:
        for registry, name, t in reversed(before):
            if t is _ABSENT:
                del registry[name]
            else:
                registry[name] = t


_ABSENT: Any = object()  # in the place of what was not there


def _places(module: Any, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> list[tuple]:
    """(a module's registry, a name in it, the tensor that goes there)."""
    found, names_of, tensors = {}, {}, {}
    for prefix, inner in module.named_modules(remove_duplicate=False):
        for registry in (inner._parameters, inner._buffers):
            for name, t in registry.items():
                path = f"{prefix}.{name}" if prefix else name
                found[path], tensors[path] = (registry, name), t
                if t is not None:
                    names_of.setdefault(id(t), []).append(path)
    given = dict(given)
    if tie_weights:
        for path in list(given):
            if path not in tensors:
                continue
            tied = names_of.get(id(tensors[path]), ())
            values = {id(given[p]) for p in tied if p in given}
            if len(values) > 1:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(p for p in tied if p in given)}, which are tied. Consider using tie_weights=False"
                )
            given.update(dict.fromkeys(tied, given[path]))
    unknown = [path for path in given if path not in found]
    missing = [path for path in found if path not in given and tensors[path] is not None]
    if strict and (unknown or missing):
        text = []
        if unknown:
            text.append(f"Unexpected key(s): {', '.join(map(repr, unknown))}.")
        if missing:
            text.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(text))
    for path in unknown:  # there for this call
        prefix, _, name = path.rpartition(".")
        found[path] = (module.get_submodule(prefix)._buffers, name)
    return [(*found[path], t) for path, t in given.items()]


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Takes the running statistics from every batch norm layer of a module, in place: inside of vmap they could not be updated. Returns the module."""
    for inner in root.modules():
        is_batch_norm = any(c.__name__ == "_BatchNorm" for c in type(inner).__mro__)  # nn lies above
        if is_batch_norm and inner.track_running_stats:
            inner.running_mean = inner.running_var = inner.num_batches_tracked = None
            inner.track_running_stats = False
    return root


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of several modules of one kind, by name, each stacked along a first dim: what `vmap` of `functional_call` takes."""
    from suiren.api.joining import stack

    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if not all(type(m) is type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    states = []
    for kind in ("named_parameters", "named_buffers"):
        every = [dict(getattr(m, kind)()) for m in models]
        stacked = {}
        for name in every[0]:
            parts = tuple(each[name] for each in every)
            wants = parts[0].requires_grad
            if any(p.requires_grad is not wants for p in parts):
                raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
            stacked[name] = stack(parts).detach().requires_grad_() if wants else stack(parts)
        states.append(stacked)
    return states[0], states[1]
