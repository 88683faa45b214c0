"""Optimizer: what all optimizers derive from, and how one step over all parameters becomes one macro.

A subclass says which tensors it keeps for a parameter (`state_tensors`), which settings decide the structure of the update (`flags`), which numbers
it takes (`numbers`), and what it does to one parameter (`update`, in terms of ops). `step` collects every parameter, gradient and state tensor and hands
them to `trace.macros.run` (`views.run`): `update` is called only when the structure is new, so a known step costs a few list operations for each parameter.
Settings are numbers at run time: a scheduler that changes `lr`, or a bias correction, makes no new program.
Source: torch/optim/optimizer.py
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from operator import is_
from typing import Any

from suiren.autograd.modes import enable_grad
from suiren.dtypes import float32
from suiren.nn.modules.module import typename
from suiren.optim import views
from suiren.optim.pairs import updated
from suiren.runtime.buffers import Buffer
from suiren.tensor import Tensor
from suiren.trace import pending
from suiren.trace.spec import spec
from suiren.trace.storage import Stored, adopt
from suiren.utils.hooks import RemovableHandle

required = type("_RequiredParameter", (), {"__repr__": lambda self: "<required parameter>"})()

_global_pre_hooks: OrderedDict = OrderedDict()
_global_post_hooks: OrderedDict = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(optimizer, args, kwargs)` before every optimizer's step; it may return new (args, kwargs)."""
    return _added(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(optimizer, args, kwargs)` after every optimizer's step."""
    return _added(_global_post_hooks, hook)


def _added(hooks: OrderedDict, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def number(x: Any) -> float:
    """A setting as the float that a program takes; a tensor of one element is looked at."""
    return x if type(x) is float else float(x)


def filled(like: Stored, value: float = 0.0) -> Tensor:
    """A new tensor of the shape and dtype of `like`, every element (every part of a complex one) `value`: the start of a state tensor."""
    s = like._spec.plain
    buffer = Buffer(s.nbytes)
    if value == 0.0:
        buffer.array((s.nbytes,), "u1")[...] = 0
    else:
        buffer.array(s.shape, s.dtype.np)[...] = complex(value, value) if s.dtype.is_complex else value
    return adopt(Tensor, buffer, s)


class _States(defaultdict):
    """parameter -> its state. `changed` is set when an entry is added or taken away, so that plans are made anew."""

    def __init__(self, items: Iterable = ()):
        super().__init__(dict, items)
        self.changed = True

    def __missing__(self, key: Any) -> dict:
        self.changed = True
        return super().__missing__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.changed = True
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self.changed = True
        super().__delitem__(key)

    def clear(self) -> None:
        self.changed = True
        super().clear()

    def pop(self, *args: Any) -> Any:
        self.changed = True
        return super().pop(*args)

    def popitem(self) -> tuple:
        self.changed = True
        return super().popitem()

    def update(self, *args: Any, **kwargs: Any) -> None:
        self.changed = True
        super().update(*args, **kwargs)

    def __reduce__(self) -> tuple:
        return _States, (), None, None, iter(self.items())


class _Plan:
    """A group's parameters, as they were when the plan was made, with their states."""

    __slots__ = ("params", "states")

    def __init__(self, params: list[Tensor], states: _States):
        self.params = list(params)
        found = [states.get(p) for p in params]
        self.states = [{} if s is None else s for s in found]  # a new one is entered into `state` once it holds something


class Optimizer:
    """Base of all optimizers. One of one's own either defines the rules above, or `step`, as with PyTorch."""

    scalars: tuple[str, ...] = ()  # names of the Python numbers in a parameter's state ("step"); tensors in a state dict

    # ------------------------------------------------------------ what a subclass defines

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        """Names of the tensors in a parameter's state."""
        return ()

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        """Fills in what a parameter's state has not yet."""
        for name in self.scalars:
            state.setdefault(name, 0.0)
        for name in self.state_tensors(group):
            if name not in state:
                state[name] = filled(p)

    def flags(self, group: dict) -> tuple:
        """What of a group's settings decides which operations an update has."""
        return ()

    def phases(self, group: dict, states: list[dict]) -> list[tuple]:
        """For each parameter what decides its numbers besides the group's settings: its scalars. Empty if there is nothing."""
        return list(zip(*[[s[name] for s in states] for name in self.scalars]))

    def advance(self, group: dict, *scalars: Any) -> tuple[tuple, tuple[float, ...]]:
        """(the new values of the scalars, the numbers that `update` takes): called once for all parameters of the same phase."""
        return scalars, ()

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        """Records the new values of a parameter and of its state tensors, None where nothing changes. `n` are the numbers."""
        raise NotImplementedError

    # ------------------------------------------------------------ groups

    def __init__(self, params: Any, defaults: dict[str, Any]):
        self.defaults = defaults
        self._make_hooks()
        self._hook_own_step()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got " + typename(params)
            )
        self.state = _States()
        self.param_groups: list[dict[str, Any]] = []
        self._plans: list[_Plan | None] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        if any(group.get("differentiable") for group in self.param_groups):
            raise NotImplementedError(
                f"{type(self).__name__}: differentiable=True is not supported by suiren; write the update as ordinary operations"
            )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group of parameters with settings of its own; what it leaves out is taken from the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        given = list(params)
        names = [p[0] for p in given if isinstance(p, tuple)]
        params = param_group["params"] = [p[1] if isinstance(p, tuple) else p for p in given]
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + typename(p))
            if not self.defaults.get("differentiable", None) and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                current = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {current} to the optimizer"
                )
            if not set(group["params"]).isdisjoint(params):
                raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Takes the gradients away, or, without `set_to_none`, fills them with zeros."""
        if set_to_none:
            for group in self.param_groups:
                for p in group["params"]:
                    p._grad = None
            return
        for group in self.param_groups:
            for p in group["params"]:
                grad = p._grad
                if grad is not None:
                    if grad.grad_fn is not None:
                        grad.detach_()
                    else:
                        grad.requires_grad_(False)
                    grad.zero_()

    # ------------------------------------------------------------ the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient. `closure`, if given, computes the loss anew before; its result is returned."""
        if _global_pre_hooks or _global_post_hooks or self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks:
            return self._step_with_hooks(Optimizer._step, () if closure is None else (closure,), {})
        return self._step(closure)

    step.hooked = True  # it calls the hooks itself

    def _step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        inputs: list[Tensor] = []
        numbers: list[float] = []
        segments: list[tuple] = []
        for i, group in enumerate(self.param_groups):
            self._collect(i, group, inputs, numbers, segments)
        if inputs:
            cls, parts = type(self), tuple(segments)
            views.run((cls, parts), inputs, numbers, functools.partial(_expand, cls, parts), cls.__name__ + ".step")
            pending.finish()
        self._opt_called = True
        return loss

    def _collect(self, i: int, group: dict, inputs: list, numbers: list, segments: list) -> None:
        """Appends what a step over one group reads and writes: for each segment parameters, gradients, and each kind of state tensor."""
        params = group["params"]
        states = self._states_of(i, params)
        grads = [p._grad for p in params if p._grad is not None]
        if len(grads) != len(params):
            if not grads:
                return
            states = [s for p, s in zip(params, states) if p._grad is not None]
            params = [p for p in params if p._grad is not None]
        names = self.state_tensors(group)
        flags = self.flags(group)
        try:
            columns = [[s[name] for s in states] for name in names]
            phases = self.phases(group, states)
        except KeyError:
            for p, s in zip(params, states):
                self.prepare(group, p, s)
                dict.setdefault(self.state, p, s)
            columns = [[s[name] for s in states] for name in names]
            phases = self.phases(group, states)
        if not phases or phases.count(phases[0]) == len(phases):
            self._append(group, phases[0] if phases else (), flags, params, grads, states, columns, inputs, numbers, segments)
            return
        for phase in dict.fromkeys(phases):  # parameters that have been updated a different number of times
            at = [k for k, own in enumerate(phases) if own == phase]
            chosen = [[column[k] for k in at] for column in (params, grads, states, *columns)]
            self._append(group, phase, flags, *chosen[:3], chosen[3:], inputs, numbers, segments)

    def _append(self, group, phase, flags, params, grads, states, columns, inputs, numbers, segments) -> None:
        after, own = self.advance(group, *phase)
        for name, value in zip(self.scalars, after):
            for s in states:
                s[name] = value
        inputs += params
        inputs += grads
        for column in columns:
            inputs += column
        numbers += own
        segments.append((flags, len(params), len(columns), len(own)))

    def _states_of(self, i: int, params: list) -> list[dict]:
        if self.state.changed:
            self._plans = []
            self.state.changed = False
        plans = self._plans
        while len(plans) <= i:
            plans.append(None)
        plan = plans[i]
        if plan is None or len(plan.params) != len(params) or not all(map(is_, plan.params, params)):
            plan = plans[i] = _Plan(params, self.state)
            self.state.changed = False
        return plan.states

    # ------------------------------------------------------------ hooks

    def _make_hooks(self) -> None:
        for name in (
            "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "_optimizer_state_dict_pre_hooks",
            "_optimizer_state_dict_post_hooks", "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks",
        ):  # fmt: skip
            self.__dict__.setdefault(name, OrderedDict())

    def _hook_own_step(self) -> None:
        """A step that a subclass defines is wrapped once: the hooks are called around it, and the recording ends after it."""
        cls = type(self)
        own = cls.step
        if getattr(own, "hooked", False):
            return

        @functools.wraps(own)
        def step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
            result = self._step_with_hooks(own, args, kwargs)
            pending.finish()
            self._opt_called = True
            return result

        step.hooked = True
        cls.step = step

    def _step_with_hooks(self, step: Callable, args: tuple, kwargs: dict) -> Any:
        args = (self, *args)
        for hook in (*_global_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
                args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in (*self._optimizer_step_post_hooks.values(), *_global_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(optimizer, args, kwargs)` before a step; it may return new (args, kwargs)."""
        return _added(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(optimizer, args, kwargs)` after a step."""
        return _added(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer)` before `state_dict`."""
        return _added(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer, state_dict)` after `state_dict`; it may return another."""
        return _added(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer, state_dict)` before `load_state_dict`; it may return another."""
        return _added(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer)` after `load_state_dict`."""
        return _added(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # ------------------------------------------------------------ saving and loading

    def state_dict(self) -> dict[str, Any]:
        """{"state": parameter number -> its state, "param_groups": settings, with the parameters as numbers}, in PyTorch's format."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbered: dict[int, int] = {}
        groups, start = [], 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                numbered.setdefault(id(p), i)
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [numbered[id(p)] for p in group["params"]]
            start += len(packed["params"])
            groups.append(packed)
        state = {
            numbered[id(p)] if isinstance(p, Tensor) else p: self._packed(s) if isinstance(s, dict) else s
            for p, s in self.state.items()
        }
        found = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    def _packed(self, state: dict) -> dict:
        return {k: _as_tensor(v) if k in self.scalars else v for k, v in state.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict` gave. ValueError if the groups do not have the sizes they have here."""
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(groups, saved)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        params = {k: p for g, s in zip(groups, saved) for k, p in zip(s["params"], g["params"])}
        state = _States()
        for k, value in state_dict["state"].items():
            if k in params:
                state[params[k]] = self._loaded(params[k], value)
            else:
                state[k] = value
        for own, new in zip(groups, saved):
            new["params"] = own["params"]
            if "param_names" in own:
                new.setdefault("param_names", own["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def _loaded(self, p: Tensor, value: Any, name: Any = None) -> Any:
        """A copy of a saved value in the parameter's dtype; Python numbers where the optimizer keeps those."""
        if isinstance(value, Tensor):
            if name in self.scalars:
                return float(value)
            value = value.detach().to(p.dtype) if p.is_floating_point() else value.detach()
            return value.clone()
        if isinstance(value, dict):
            return {k: self._loaded(p, v, k) for k, v in value.items() if v is not None}
        if name in self.scalars:
            return float(value)
        return deepcopy(value)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not isinstance(self.state, _States):
            self.state = _States(self.state)
        self._plans = []
        self._make_hooks()
        self._hook_own_step()
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


def _expand(cls: type[Optimizer], segments: tuple, inputs: list, numbers: list) -> list[tuple[int, Tensor]]:
    """Records the updates of all segments: what the macro of a step is made of."""
    results, at, first_number = [], 0, 0
    for flags, count, columns, n_numbers in segments:
        n = numbers[first_number : first_number + n_numbers]
        for k in range(at, at + count):
            own = [k + count * column for column in range(columns + 2)]  # parameter, gradient, states
            values = zip([own[0], *own[2:]], updated(cls.update, flags, n, [inputs[j] for j in own]))
            results += [(j, value) for j, value in values if value is not None]
        at += count * (columns + 2)
        first_number += n_numbers
    return results


def _as_tensor(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    buffer = Buffer(4)
    buffer.array((), "f4")[...] = value
    return adopt(Tensor, buffer, spec((), float32))


__all__ = ["Optimizer", "filled", "number", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required"]
