"""Questions about tensors and dtypes, and how tensors meet the rest of Python: storages, DLPack, Python functions over elements.

Source: https://docs.pytorch.org/docs/stable/torch.html#tensors, https://docs.pytorch.org/docs/stable/dlpack.html
"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.api.arguments import check_tensor, kind, shape_of
from suiren.api.surface import public
from suiren.device import check_device
from suiren.dtypes import dtype
from suiren.ops import movement, views
from suiren.tensor import Tensor, type_name
from suiren.trace.op import common_dtype
from suiren.trace.recording import view_of
from suiren.trace.storage import Stored
from suiren.trace.threads import expose
from suiren.trace.views import write

# ---------------------------------------------------------------- questions


@public(method=False)
def is_tensor(obj):
    """Whether `obj` is a tensor."""
    return isinstance(obj, Stored)


@public(method=False)
def is_floating_point(input):
    """Whether its dtype is a floating one (complex is not)."""
    check_tensor("is_floating_point", input)
    return input._spec.dtype.is_floating_point


@public(method=False)
def is_complex(input):
    """Whether its dtype is complex."""
    check_tensor("is_complex", input)
    return input._spec.dtype.is_complex


@public(method=False)
def is_signed(input):
    """Whether its dtype has negative numbers."""
    check_tensor("is_signed", input)
    return input._spec.dtype.is_signed


@public()
def is_nonzero(input):
    """Whether its one element is not zero. RuntimeError for more elements or none."""
    check_tensor("is_nonzero", input)
    return bool(input)


@public()
def is_same_size(input, other):
    """Whether both have the same shape."""
    return input._spec.shape == other._spec.shape


def _base(self):
    shown = self
    while shown._parent is not None and shown._view_op is not views.detach:
        shown = shown._parent
    return None if shown is self else shown


@public(function=False)
def _is_view(self):
    """Whether it shows the memory of another tensor. What `detach` gives does not count."""
    return _base(self) is not None


public("_base", function=False)(property(_base, doc="The tensor whose memory a view shows; None of what is no view."))


@public(function=False)
def is_set_to(self, tensor):
    """Whether both show the same memory in the same way."""
    return self._root() is tensor._root() and self._spec.shape == tensor._spec.shape and self._layout() == tensor._layout()


@public(method=False)
def numel(input):
    """The number of elements."""
    check_tensor("numel", input)
    return input._spec.numel


@public()
def get_device(input):
    """-1: it is on the CPU."""
    check_tensor("get_device", input)
    return -1


@public(method=False)
def typename(obj, /):
    """The type of an object by its full name; of a tensor ``'torch.FloatTensor'``."""
    if isinstance(obj, Stored):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", "") or ""
    return named.__qualname__ if module in ("builtins", "") else f"{module}.{named.__qualname__}"


@public(method=False)
def result_type(tensor, other):
    """The dtype that an operation on two tensors or numbers gives."""
    return common_dtype((kind(tensor), kind(other)))


@public(method=False)
def can_cast(from_: dtype, to: dtype):
    """Whether a result of one dtype may be written into a tensor of another."""
    return to.category >= from_.category or {from_.category, to.category} == {dtypes.INTEGER}


@public(function=False)
def dim_order(self, *, ambiguity_check=False):
    """The dims from the one that moves slowest in memory to the one that moves fastest."""
    strides = self.stride()
    return tuple(sorted(range(len(strides)), key=lambda i: (-strides[i], i)))


# ---------------------------------------------------------------- memory


@public(function=False)
def untyped_storage(self):
    """The memory behind it, as bytes."""
    from suiren.storage import UntypedStorage

    return UntypedStorage._of(self)


@public(function=False)
def storage(self):
    """The memory behind it, as elements of its dtype."""
    from suiren.storage import TypedStorage

    return TypedStorage(wrap_storage=untyped_storage(self), dtype=self._spec.dtype)


@public(function=False)
def storage_type(self):
    """The class of its storage."""
    from suiren.storage import KINDS

    return KINDS[type_name(self._spec.dtype).replace("Tensor", "Storage")]


@public(function=False)
def const_data_ptr(self):
    """The address of its first element."""
    return self.data_ptr()


@public(function=False)
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    """Shows other memory from now on: a tensor's, or a storage's from an offset, in a shape with strides. RuntimeError for another dtype."""
    if source is None:
        source = Tensor.from_array(np.empty(0, self._spec.dtype.np))
    elif not isinstance(source, Stored):
        root = source.untyped()._owner
        if root._spec.dtype is not self._spec.dtype:
            root = _reread(root, self._spec.dtype)
        shape = (root.numel() - storage_offset,) if size is None else tuple(size)
        steps = _steps(shape) if stride is None else tuple(stride)
        source = movement.as_strided(root.detach().reshape(-1), shape=shape, strides=steps, offset=storage_offset)
    elif source._spec.dtype is not self._spec.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {source._spec.dtype.scalar_name.lower()} to a tensor of type {self._spec.dtype.scalar_name.lower()}"
        )
    elif size is not None:
        shape = tuple(size)
        steps = _steps(shape) if stride is None else tuple(stride)
        source = movement.as_strided(source.detach(), shape=shape, strides=steps, offset=storage_offset)
    self.data = source
    return self


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    found, step = [], 1
    for n in reversed(shape):
        found.append(step)
        step *= max(n, 1)
    return tuple(reversed(found))


def _reread(root, d: dtype):
    """A tensor over the same memory, of another dtype."""
    expose(root)
    return Tensor.from_array(root._buffer.array((root._spec.nbytes // d.itemsize,), d.np))


@public(function=False)
def resize_(self, *args, size=None, memory_format=None):
    """Has another shape from now on: its elements in order as far as they go, the others undefined. RuntimeError if it requires grad.

    With another number of elements its memory is new, and no longer shared with its views.
    """
    if self._spec.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = shape_of("resize_", args if size is None else (size,))
    from suiren.api.creation import empty

    fresh = empty(shape, dtype=self._spec.dtype)
    both = min(fresh.numel(), self.numel())
    if both:
        fresh.view(-1)[:both] = self.detach().reshape(-1)[:both]
    self.data = fresh
    return self


@public()
def resize_as_(input, the_template, *, memory_format=None):
    """Has the shape of another tensor from now on: see `resize_`."""
    return resize_(input, the_template._spec.shape)


@public(function=False)
def new(self, *args, device=None):
    """A tensor of its dtype: uninitialised of a shape, or of data."""
    from suiren.api.creation import typed_constructor

    return typed_constructor(Tensor, self._spec.dtype, args, device)


@public(function=False)
def to_dense(self, dtype=None, *, masked_grad=None):
    """Itself: it is dense."""
    return self if dtype is None else self.to(dtype)


@public(function=False)
def dense_dim(self):
    """The number of dims: all of them are dense."""
    return self._spec.ndim


@public(function=False)
def sparse_dim(self):
    """0: no dim is sparse."""
    return 0


@public(function=False)
def as_subclass(self, cls):
    """The same tensor as an instance of a class derived from Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Stored)):
        raise RuntimeError(f"cls must be a type that inherits from Tensor, not {cls!r}")
    made = view_of(self, views.alias, (), self._spec)
    made.__class__ = cls
    return made


@public(method=False, out=True)
def detach_copy(input):
    """A copy in memory of its own, without a history."""
    return input.detach().clone()


@public(method=False)
def from_file(filename, shared=None, size=0, *, dtype=None, layout=None, device=None, pin_memory=False):
    """A 1-dim tensor of `size` elements over a file's memory: changes go to the file if `shared`, and are this process's alone if not."""
    check_device(device)
    kind = dtype or dtypes.get_default_dtype()
    if shared:
        with open(filename, "ab+") as file:
            file.truncate(max(file.seek(0, 2), size * kind.itemsize))
    return Tensor.from_array(np.memmap(filename, kind.np, "r+" if shared else "c", shape=(size,)))


@public(function=False)
def cfloat(self, memory_format=None):
    """Converted to complex64."""
    return self.to(dtypes.complex64, memory_format=memory_format)


@public(function=False)
def cdouble(self, memory_format=None):
    """Converted to complex128."""
    return self.to(dtypes.complex128, memory_format=memory_format)


# ---------------------------------------------------------------- Python functions over elements


def _each(function: str, self, callable_, *others):
    if self._spec.requires_grad:
        raise RuntimeError(f"Can't call {function} on Variable that requires grad. Use var.detach().{function} instead.")
    for other in others:
        check_tensor(function.removesuffix("()"), other, "other")
        if other._spec.dtype is not self._spec.dtype:
            raise TypeError(f"{function.removesuffix('()')}: expected a tensor of {self.type()}, but got {other.type()}")
    arrays = np.broadcast_arrays(self.numpy(), *(o.numpy() for o in others))
    flat = [callable_(*(v.item() for v in values)) for values in zip(*(a.flat for a in arrays))]
    value = np.array(flat, self._spec.dtype.np).reshape(arrays[0].shape)
    return write(self, Tensor.from_array(value, copy=True))


@public(function=False)
def apply_(self, callable):
    """Each element becomes what a Python function makes of it. Slow."""
    return _each("apply_()", self, callable)


@public(function=False)
def map_(self, tensor, callable):
    """Each element becomes what a Python function makes of it and of the other's element at that place. Slow."""
    return _each("map_()", self, callable, tensor)


@public(function=False)
def map2_(self, x, y, callable):
    """As `map_`, with two other tensors."""
    return _each("map2_()", self, callable, x, y)


# ---------------------------------------------------------------- NumPy and DLPack


@public("__array_wrap__", function=False)
def array_wrap(self, array, context=None, return_scalar=False):
    """What NumPy's functions of a tensor return: a tensor over the array."""
    if array.dtype == bool:
        array = array.astype(np.uint8)
    return Tensor.from_array(np.asarray(array))


@public("__dlpack_device__", function=False)
def dlpack_device(self):
    """(1, 0): the CPU, in DLPack's numbers."""
    return 1, 0


@public("__dlpack__", function=False)
def dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule of its memory, shared unless `copy`. BufferError if it requires grad."""
    if self._spec.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream not in (None, -1):
        raise BufferError("stream must be None on the CPU")
    if dl_device is not None and tuple(dl_device)[0] != 1:
        raise BufferError(f"suiren computes on the CPU: it has no device {tuple(dl_device)} of DLPack's")
    array = self.numpy()
    return (array.copy() if copy else array).__dlpack__(max_version=max_version)


@public(method=False)
def to_dlpack(tensor):
    """A DLPack capsule of its memory."""
    return dlpack(tensor)


class _Capsule:
    """A bare capsule as an object with DLPack's protocol."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **options):
        return self.capsule

    def __dlpack_device__(self):
        return 1, 0


class _Writable:
    """The memory of an array that NumPy marks as read-only because DLPack's older form cannot say whether it is."""

    def __init__(self, array: np.ndarray):
        self.array = array  # kept alive
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False), "strides": array.strides}


@public(method=False)
def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor over the memory of another library's array, by its `__dlpack__` or of a capsule; a copy if `copy`."""
    if device is not None:
        check_device(device)
    if isinstance(ext_tensor, Stored):
        if ext_tensor._spec.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return ext_tensor.clone() if copy else view_of(ext_tensor, views.detach, (), ext_tensor._spec)
    source = ext_tensor if hasattr(ext_tensor, "__dlpack__") else _Capsule(ext_tensor)
    if source.__dlpack_device__()[0] != 1:
        raise BufferError(f"suiren computes on the CPU: the memory is on device {source.__dlpack_device__()} of DLPack's")
    array = np.from_dlpack(source)
    if copy:
        return Tensor.from_array(array, copy=True)
    return Tensor.from_array(array if array.flags.writeable else np.asarray(_Writable(array)))


__all__ = ["from_dlpack", "is_tensor", "typename"]
