"""Parameter: a tensor that a module trains. Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from suiren.api.surface import ENTRIES
from suiren.dtypes import FLOAT
from suiren.ops.movement import reshape
from suiren.ops.views import detach
from suiren.sharing import shown_by, take_place
from suiren.tensor import Tensor
from suiren.trace import pending
from suiren.trace.pending import settle
from suiren.trace.recording import record1
from suiren.trace.storage import adopt, new

T = TypeVar("T", bound=Tensor)


class Parameter(Tensor):
    """A tensor that modules register as their parameter when it is assigned to one of their attributes.

    It shares `data`'s storage and wants gradients unless `requires_grad` is False. RuntimeError for a dtype that has none.
    """

    __slots__ = ()

    def __new__(cls: type[T], data: Tensor | None = None, requires_grad: bool = True) -> T:
        return sharing(cls, _empty() if data is None else data, requires_grad)

    def __deepcopy__(self, memo: dict) -> Parameter:
        """A parameter of the same values; not of the same gradient, nor with what a program hung on it, as in PyTorch."""
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = type(self)(self.detach().clone(), self._spec.requires_grad)
        return found

    def __repr__(self, **options: Any) -> str:
        return "Parameter containing:\n" + super().__repr__(**options)


class Buffer(Tensor):
    """A tensor that modules register as their buffer when it is assigned; one that is not `persistent` stays out of the state dict."""

    __slots__ = ()

    def __new__(cls: type[T], data: Tensor | None = None, *, persistent: bool = True) -> T:
        data = _empty() if data is None else data
        made = sharing(cls, data, data.requires_grad)
        made.persistent = persistent
        return made


def _empty() -> Tensor:
    from suiren.api.creation import empty

    return empty(0)


def sharing(cls: type[T], data: Tensor, requires_grad: bool) -> T:
    """A leaf of class `cls` that shares the storage of `data`.

    Recordings work fastest with tensors that own their storage, so the new tensor takes it over: what owned it becomes a view of the new one,
    which nobody can tell apart. Only where `data` shows its storage in another order, or a part of it, or has a graph, is the new one a view.
    """
    if not isinstance(data, Tensor):
        raise TypeError(f"{cls.__name__}(): argument 'data' must be Tensor, not {type(data).__name__}")
    if requires_grad and data._spec.dtype.category < FLOAT:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    pending.finish()  # a leaf's data exist before anything is recorded of it
    spec = data._spec.with_grad if requires_grad else data._spec.plain
    root = data._root()
    if type(root) is not Tensor or root.numel() != data.numel() or not data.is_contiguous() or not root.is_leaf or not data.is_leaf:
        return _viewing(cls, data, spec)
    settle(root)
    made = adopt(cls, root._buffer, spec)
    made._version = root._version
    take_place(made, root)
    if root._spec.shape != spec.shape:
        root._view_op, root._view_params = reshape, (root._spec.shape,)
    return made


def _viewing(cls: type, data: Tensor, spec: Any) -> Tensor:
    seen = shown_by(record1(detach, data, ()), data)
    made = new(cls)
    made._id, made._buffer, made._spec = 0, None, spec
    made._parent, made._view_op, made._view_params, made._view_id, made._seen = seen, detach, (), 0, 0
    return made


def is_lazy(param: Any) -> bool:
    """Whether its shape is not known yet."""
    return isinstance(param, UninitializedTensor)


class UninitializedTensor:
    """What lazy parameters and buffers have in common: they get their shape, and become ordinary ones, by `materialize`."""

    __slots__ = ()

    cls_to_become: type

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Becomes an ordinary tensor of this shape, its values not set."""
        from suiren.api.creation import empty

        requires_grad = self._spec.requires_grad
        data = empty(tuple(shape), device=device, dtype=dtype or self._spec.dtype)
        self.data = data
        self.__class__ = self.cls_to_become
        if requires_grad:
            self.requires_grad_()

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
            "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters "
            "before accessing their attributes."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _refusing(name: str) -> Callable:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {name}. This error happens when you are using a `LazyModule` or explicitly "
            f"manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using LazyModules Call `forward` with a dummy batch to "
            "initialize the parameters before calling torch functions"
        )

    refuse.__name__ = name
    return refuse


# What does not need a shape works; every other operation, as a method or an operator, is refused.
_ALLOWED = {"bfloat16", "cpu", "detach", "double", "float", "half", "is_complex", "is_floating_point", "to", "type"}
_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lt", "le", "gt", "ge", "and", "or", "xor")

for _name in {name for entry in ENTRIES for name in (*entry.methods, *entry.inplace)} - _ALLOWED:
    setattr(UninitializedTensor, _name, _refusing(_name))
for _name in _OPERATORS:
    for _form in ("", "r", "i"):
        if hasattr(Tensor, f"__{_form}{_name}__"):
            setattr(UninitializedTensor, f"__{_form}{_name}__", _refusing(f"__{_form}{_name}__"))


class UninitializedParameter(UninitializedTensor, Parameter):
    """A parameter whose shape is not known yet."""

    __slots__ = ()

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None):
        from suiren.api.creation import empty

        return sharing(cls, empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict):
        return memo.setdefault(id(self), type(self)(self._spec.requires_grad, None, self._spec.dtype))

    def __reduce_ex__(self, protocol: int):
        return type(self), (self._spec.requires_grad, None, self._spec.dtype)


class UninitializedBuffer(UninitializedTensor, Tensor):
    """A buffer whose shape is not known yet."""

    __slots__ = ()

    cls_to_become = Tensor

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True):
        from suiren.api.creation import empty

        made = sharing(cls, empty(0, device=device, dtype=dtype), requires_grad)
        made.persistent = persistent
        return made


__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy", "sharing"]
