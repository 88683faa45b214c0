"""The dicts of a module's parameters, buffers and submodules, mirrored into the module's own attributes."""

from __future__ import annotations

import weakref
from typing import Any

NAMES = ("_parameters", "_buffers", "_modules")
_MISSING = object()


class Registry(dict):
    """A dict whose every change is made to the attributes of its module too: `module.weight` is an ordinary attribute, found without `__getattr__`.

    The module is held weakly, so that a model nobody holds is freed at once. Pickled and copied, it is a plain dict: `Module.__setstate__`
    makes registries of those again.
    """

    __slots__ = ("__weakref__", "_module")

    def __init__(self, module: Any, items: dict | None = None):
        super().__init__()
        self._module = weakref.ref(module)
        if items:
            self.update(items)

    def belongs_to(self, module: Any) -> bool:
        return self._module() is module

    def _unset(self, name: str) -> None:
        module = self._module()
        if module is not None:
            module.__dict__.pop(name, None)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        module = self._module()
        if module is not None:
            module.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._unset(name)

    def pop(self, name: str, default: Any = _MISSING) -> Any:
        if name not in self:
            if default is _MISSING:
                raise KeyError(name)
            return default
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        item = super().popitem()
        self._unset(item[0])
        return item

    def clear(self) -> None:
        for name in self:
            self._unset(name)
        super().clear()

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def __ior__(self, other: Any) -> Registry:
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def copy(self) -> dict:
        return dict(self)

    def __reduce_ex__(self, protocol: int) -> tuple:
        return dict, (dict(self),)

    def __deepcopy__(self, memo: dict) -> dict:
        from copy import deepcopy

        return deepcopy(dict(self), memo)


def attach(module: Any, name: str, items: dict) -> Registry:
    """Makes `items` the registry `name` of `module`, in place of the one it has."""
    before = module.__dict__.get(name)
    if before is not None:
        for key in before:
            module.__dict__.pop(key, None)
    found = Registry(module, items)
    module.__dict__[name] = found
    return found
