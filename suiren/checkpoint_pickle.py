"""The pickle inside of a checkpoint: objects with their tensors taken apart into numbered storages, and put together again.

Source: torch/_utils.py, torch/_weights_only_unpickler.py of PyTorch 2.13
"""

from __future__ import annotations

import _compat_pickle
import collections
import importlib
import pickle
import pickletools
from collections.abc import Callable
from typing import IO, Any

from suiren import dtypes
from suiren.device import device
from suiren.nn.parameter import Parameter
from suiren.ops.movement import as_strided
from suiren.runtime.buffers import Buffer
from suiren.safe_pickle import ARRAYS, PLAIN, Maker, Refused, SafeUnpickler, Value
from suiren.size import Size
from suiren.tensor import Tensor
from suiren.trace.pending import set_grad_mode, settle
from suiren.trace.spec import spec
from suiren.trace.storage import adopt

PROTOCOL = 2  # the one that torch.load(weights_only=True) expects

_STORAGE_NAMES = {
    "float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage", "bfloat16": "BFloat16Storage", "uint8": "ByteStorage",
    "int8": "CharStorage", "int16": "ShortStorage", "int32": "IntStorage", "int64": "LongStorage", "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage", "complex128": "ComplexDoubleStorage",
}  # fmt: skip


class _Name:
    """A name of PyTorch's that a pickle is to say; nothing of that name need exist here."""

    known: dict[tuple[str, str], _Name] = {}

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name

    def __call__(self) -> None:
        raise TypeError(f"{self.module}.{self.name} only stands for a name in a file")


def _named(module: str, name: str) -> _Name:
    return _Name.known.setdefault((module, name), _Name(module, name))


class _Storage:
    """The memory of a root tensor, where a pickle refers to it."""

    def __init__(self, root: Tensor, key: str):
        self.root, self.key = root, key


class _Data:
    """A parameter's tensor, without its being a parameter."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


class CheckpointPickler(pickle._Pickler):
    """Pickles an object as PyTorch does. `storages`: the roots whose memory belongs to the file, by their number as a text."""

    dispatch = dict(pickle._Pickler.dispatch)

    def __init__(self, file: IO[bytes]):
        super().__init__(file, PROTOCOL)
        self.storages: dict[str, Tensor] = {}
        self._by_root: dict[int, _Storage] = {}

    def _say(self, name: _Name) -> None:
        self.write(pickle.GLOBAL + f"{name.module}\n{name.name}\n".encode("ascii"))
        self.memoize(name)

    dispatch[_Name] = _say

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if isinstance(obj, dtypes.dtype):
            self.save(_named("torch", obj.name))
        else:
            super().save_global(obj, name)

    def persistent_id(self, obj: Any) -> tuple | None:
        if type(obj) is not _Storage:
            return None
        s = obj.root._spec
        name = _STORAGE_NAMES.get(s.dtype.name)
        if name is None:  # PyTorch has no storage class for the newer dtypes: bytes
            return "storage", _named("torch.storage", "UntypedStorage"), obj.key, "cpu", s.nbytes
        return "storage", _named("torch", name), obj.key, "cpu", s.numel

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Parameter):
            return _named("torch._utils", "_rebuild_parameter"), (_Data(obj), obj.requires_grad, collections.OrderedDict())
        if isinstance(obj, Tensor):
            return self._tensor(obj, obj.requires_grad)
        if type(obj) is _Data:
            return self._tensor(obj.tensor, False)
        if type(obj) is dtypes.dtype:
            return obj.name
        if type(obj) is Size:
            return _named("torch", "Size"), (tuple(obj),)
        if isinstance(obj, collections.OrderedDict) and type(obj).__module__.startswith("suiren."):  # a state dict: a plain one to others
            return collections.OrderedDict, (), vars(obj) or None, None, iter(obj.items())
        if type(obj) is device:
            return _named("torch", "device"), (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def _tensor(self, t: Tensor, requires_grad: bool) -> tuple:
        root = settle(t)
        storage = self._by_root.get(id(root))
        if storage is None:
            storage = self._by_root[id(root)] = _Storage(root, str(len(self.storages)))
            self.storages[storage.key] = root
        strides, offset = t._layout()
        layout = (storage, offset, tuple(t.shape), tuple(strides), requires_grad, collections.OrderedDict())
        if t.dtype.name in _STORAGE_NAMES:
            return _named("torch._utils", "_rebuild_tensor_v2"), layout
        return _named("torch._utils", "_rebuild_tensor_v3"), (*layout, t.dtype)


# ---------------------------------------------------------------- reading


class StorageType:
    """What a file names as the class of a storage: its dtype; None for bytes."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: dtypes.dtype | None):
        self.dtype = dtype


class LoadedStorage:
    """A storage of a file. The first tensor that shows all of it in order owns the memory; others are views."""

    def __init__(self, buffer: Buffer, dtype: dtypes.dtype | None):
        self.buffer, self.dtype = buffer, dtype
        self.root: Tensor | None = None

    def tensor(self, d: dtypes.dtype, offset: int, size: tuple, strides: tuple, requires_grad: bool) -> Tensor:
        numel = self.buffer.nbytes // d.itemsize
        _check_layout(numel, offset, size, strides)
        if self.root is None:
            whole = spec(tuple(size), d)
            if offset == 0 and whole.numel == numel and tuple(strides) == whole.strides:
                self.root = adopt(Tensor, self.buffer, whole.with_grad if requires_grad else whole)
                return self.root
            self.root = adopt(Tensor, self.buffer, spec((numel,), d))
        if self.root.dtype is not d:
            raise Refused(f"the file shows one storage as {self.root.dtype} and as {d}")
        before = set_grad_mode(False)
        try:
            view = as_strided(self.root, shape=tuple(size), strides=tuple(strides), offset=offset)
        finally:
            set_grad_mode(before)
        return view.requires_grad_() if requires_grad else view


def _check_layout(numel: int, offset: Any, size: Any, strides: Any) -> None:
    """UnpicklingError unless every element that a tensor would show lies in a storage of `numel` elements."""
    numbers = [offset, *size, *strides]
    if len(size) != len(strides) or any(type(n) is not int or n < 0 for n in numbers):
        raise Refused(f"the file has a tensor of size {size!r:.80} and strides {strides!r:.80} from {offset!r:.20} on, which cannot be")
    if 0 not in size and offset + sum((n - 1) * s for n, s in zip(size, strides)) >= numel:
        raise Refused(f"the file has a tensor of size {tuple(size)} that reaches beyond its storage of {numel} elements")


def _storage(storage: Any) -> LoadedStorage:
    if type(storage) is not LoadedStorage:
        raise Refused("the file makes a tensor of something that is no storage")
    return storage


def _rebuild_tensor(storage: Any, offset: Any, size: Any, strides: Any, requires_grad: Any = False, hooks: Any = None, metadata: Any = None) -> Tensor:
    stored = _storage(storage)
    return stored.tensor(stored.dtype or dtypes.uint8, offset, size, strides, bool(requires_grad))


def _rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, strides: Any, requires_grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    if not isinstance(dtype, dtypes.dtype):
        raise Refused("the file makes a tensor of an unknown dtype")
    return _storage(storage).tensor(dtype, offset, size, strides, bool(requires_grad))


def _rebuild_parameter(data: Any, requires_grad: Any = True, hooks: Any = None) -> Parameter:
    if not isinstance(data, Tensor):
        raise Refused("the file makes a parameter of something that is no tensor")
    return Parameter(data, bool(requires_grad))


def _rebuild_parameter_with_state(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Parameter:
    made = _rebuild_parameter(data, requires_grad)
    for name, value in (state or {}).items():
        if type(name) is not str or name.startswith("_") or hasattr(type(made), name):
            raise Refused(f"the file sets {name!r} of a parameter, which is not allowed")
        setattr(made, name, value)
    return made


def _size(sizes: Any = ()) -> Size:
    return Size(sizes)


def _device(*args: Any) -> device:
    return device(*args)


_FUNCTIONS: dict[tuple[str, str], Callable] = {
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _rebuild_tensor_v3,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter_with_state,
    ("torch.nn.parameter", "Parameter"): _rebuild_parameter,
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
}
_VALUES: dict[tuple[str, str], Any] = {
    **{("torch", d.name): d for d in dtypes.ALL},
    **{("torch", storage): StorageType(dtypes.by_name(name)) for name, storage in _STORAGE_NAMES.items()},
    **{("torch.storage", "UntypedStorage"): StorageType(None), ("torch", "UntypedStorage"): StorageType(None)},
}

# Names that the user allowed: (module, name) -> the object.
_user_allowed: dict[tuple[str, str], Any] = {}


def _user_maker(name: str, obj: Any) -> Maker:
    if not isinstance(obj, type):
        return Maker(name, obj)

    def build(made: Any, state: Any) -> None:
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
            return
        attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        for key, value in {**(attributes or {}), **(slots or {})}.items():
            setattr(made, key, value)

    return Maker(name, obj, new=lambda *args: obj.__new__(obj, *args), build=(obj, build))


def _today(module: str, name: str) -> tuple[str, str]:
    """Python 3's name: protocol 2 says Python 2's."""
    return _compat_pickle.NAME_MAPPING.get((module, name)) or (_compat_pickle.IMPORT_MAPPING.get(module, module), name)


def _allowed(module: str, name: str) -> Maker | Value | None:
    key = _today(module, name)
    if key in _user_allowed:
        return _user_maker(f"{module}.{name}", _user_allowed[key])
    if key in _FUNCTIONS:
        return Maker(f"{module}.{name}", _FUNCTIONS[key], new=_rebuild_parameter if name == "Parameter" else None)
    if key in _VALUES:
        return Value(_VALUES[key])
    return PLAIN.get(key) or ARRAYS.get(key)


def _hint(module: str, name: str) -> str:
    full = ".".join(_today(module, name)).removeprefix("builtins.")
    return (
        f"Unsupported global: GLOBAL {full} was not an allowed global by default. Please use "
        f"`torch.serialization.add_safe_globals([{full}])` or the `torch.serialization.safe_globals([{full}])` context manager "
        "to allowlist this global if you trust this class/function."
    )


_BLOCKED = ("sys", "os", "posix", "nt")  # whatever the user allows


def refused_names(text: bytes) -> list[str]:
    """What a pickle names and `load_safely` would refuse; the pickle is read, not run."""
    found, texts = set(), []
    for instruction, value, _ in pickletools.genops(text):
        if instruction.name == "GLOBAL":
            found.add(tuple(value.split(" ", 1)))
        elif instruction.name == "STACK_GLOBAL":
            found.add(tuple(texts[-2:]))
        elif isinstance(value, str):
            texts.append(value)
    return [".".join(_today(*name)) for name in sorted(found) if _allowed(*name) is None]


def load_safely(file: IO[bytes], load_stored: Callable[[Any], Any], encoding: str) -> Any:
    """The object in a checkpoint's pickle, made of tensors, containers, numbers and texts alone. UnpicklingError for anything else."""

    def allowed(module: str, name: str) -> Maker | Value:
        if module in _BLOCKED:
            raise Refused(f"Trying to load unsupported GLOBAL {module}.{name} whose module {module} is blocked.")
        found = _allowed(module, name)
        if found is None:
            raise Refused(_hint(module, name))
        return found

    return SafeUnpickler(file, allowed, load_stored, encoding).load()


class _FullUnpickler(pickle.Unpickler):
    """Runs whatever the file says, as pickles do. PyTorch's names mean suiren's."""

    load_stored: Callable[[Any], Any]

    def find_class(self, module: str, name: str) -> Any:
        key = (module, name)
        if key in _FUNCTIONS and name != "Parameter":
            return _FUNCTIONS[key]
        if key in _VALUES:
            return _VALUES[key]
        root, _, rest = module.partition(".")
        if root == "torch":
            return getattr(importlib.import_module("suiren" + "." * bool(rest) + rest), name)
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        return self.load_stored(pid)


def load_fully(file: IO[bytes], load_stored: Callable[[Any], Any], encoding: str, **options: Any) -> Any:
    """The object in a checkpoint's pickle, whatever it is; its code runs."""
    unpickler = _FullUnpickler(file, encoding=encoding, **options)
    unpickler.load_stored = load_stored
    return unpickler.load()


def allow(objects: list) -> None:
    """Lets checkpoints name these classes and functions, or (object, 'module.name') pairs."""
    for obj in objects:
        obj, path = obj if isinstance(obj, tuple) else (obj, f"{obj.__module__}.{obj.__qualname__}")
        module, _, name = path.rpartition(".")
        _user_allowed[_today(module, name)] = obj


def allowed_objects() -> list:
    """What `allow` was given."""
    return list(dict.fromkeys(_user_allowed.values()))


def disallow(objects: list | None = None) -> None:
    """Takes back what `allow` was given: these, or all."""
    wanted = None if objects is None else {id(o[0] if isinstance(o, tuple) else o) for o in objects}
    for key, obj in list(_user_allowed.items()):
        if wanted is None or id(obj) in wanted:
            del _user_allowed[key]
