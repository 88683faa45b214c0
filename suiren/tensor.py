"""Tensor: what users hold. Properties, operators, conversions; the arithmetic itself is in `ops` and `api`.

Source: https://docs.pytorch.org/docs/stable/tensors.html
"""

from __future__ import annotations

import numpy as np

from suiren import dtypes, sharing
from suiren.device import check_device, cpu, device
from suiren.dtypes import dtype, from_numpy_dtype
from suiren.formats import lies_in, memory_format, order_of, strided
from suiren.ops import creation, movement, pointwise, views
from suiren.runtime.buffers import SCALARS, Buffer
from suiren.size import Size
from suiren.trace import loops, pending, recording, threads  # noqa: F401  (loops, and period with it, complete the recorder)
from suiren.trace.pending import settle
from suiren.trace.recording import binary, record, unary
from suiren.trace.spec import spec
from suiren.trace.storage import Stored, adopt, array_of
from suiren.trace.views import write


class Tensor(Stored):
    """An array of numbers that a program computes with, and that remembers how it was computed.

    Make one with `suiren.tensor`, `zeros`, `rand`, `from_numpy`, …; ``Tensor(2, 3)`` is the old form of `empty`, ``Tensor([1, 2])`` of `tensor`.
    """

    __slots__ = ()

    def __new__(cls, *args, **kwargs):
        from suiren.api.creation import legacy_constructor

        return legacy_constructor(cls, *args, **kwargs)

    # ------------------------------------------------------------ making one

    @classmethod
    def from_array(cls, array: np.ndarray, requires_grad: bool = False, copy: bool = False) -> Tensor:
        """A tensor over an ndarray's memory, or over a copy of it. TypeError for a dtype that tensors do not have."""
        d = from_numpy_dtype(array.dtype)
        if not array.dtype.isnative:
            raise ValueError(
                "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported."
            )
        if copy or not array.flags.c_contiguous:
            if not copy and not array.flags.c_contiguous:
                return _view_of_array(cls, array, d)
            buffer = Buffer(array.size * d.itemsize)
            buffer.array(array.shape, d.np)[...] = array
        else:
            buffer = Buffer.from_array(array)
        return adopt(cls, buffer, spec(tuple(array.shape), d, requires_grad))

    # ------------------------------------------------------------ what it is

    @property
    def shape(self) -> Size:
        """The sizes of its dims."""
        return self._spec.size

    def size(self, dim: int | None = None):
        """Its `Size`, or the size of one dim. IndexError for a dim that it does not have."""
        size = self._spec.size
        if dim is None:
            return size
        if not -len(size) <= dim < max(len(size), 1):
            raise IndexError(dim_out_of_range(dim, len(size)))
        return size[dim]

    @property
    def dtype(self) -> dtype:
        """The dtype of its elements."""
        return self._spec.dtype

    @property
    def device(self) -> device:
        """Where its memory is: the CPU."""
        return cpu

    @property
    def layout(self):
        """`strided`: suiren has no sparse tensors."""
        return strided

    @property
    def ndim(self) -> int:
        """The number of dims."""
        return self._spec.ndim

    def dim(self) -> int:
        """The number of dims."""
        return self._spec.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._spec.numel

    nelement = numel

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self._spec.dtype.itemsize

    def element_size(self) -> int:
        """Bytes per element."""
        return self._spec.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self._spec.nbytes

    def stride(self, dim: int | None = None):
        """Elements to the next one along each dim, or along one."""
        strides = self._layout()[0]
        if dim is None:
            return tuple(strides)
        if not -len(strides) <= dim < len(strides):
            raise IndexError(dim_out_of_range(dim, len(strides)))
        return strides[dim]

    def storage_offset(self) -> int:
        """Where its first element is in its storage, in elements."""
        return self._layout()[1]

    def is_contiguous(self, memory_format: memory_format | None = None) -> bool:
        """Whether its elements lie in row-major order, or in that of a memory format, without gaps."""
        shape = self._spec.shape
        if memory_format is not None and memory_format.order is not None:
            return len(shape) == len(memory_format.order) and lies_in(shape, self._layout()[0], memory_format.order)
        return self._parent is None or lies_in(shape, self._layout()[0], range(len(shape)))

    def is_floating_point(self) -> bool:
        """Whether its dtype is a floating one."""
        return self._spec.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether its dtype is a complex one."""
        return self._spec.dtype.is_complex

    def is_signed(self) -> bool:
        """Whether its dtype has negative numbers."""
        return self._spec.dtype.is_signed

    is_cpu = True
    is_cuda = is_sparse = is_sparse_csr = is_quantized = is_meta = is_mkldnn = is_nested = False
    is_mps = is_xpu = is_mtia = is_xla = is_ipu = is_maia = is_vulkan = False
    name = None

    def is_pinned(self, device=None) -> bool:
        """False: there is no device to copy to."""
        return False

    def is_shared(self) -> bool:
        """False: no memory is shared with other processes."""
        return False

    def data_ptr(self) -> int:
        """The address of its first element."""
        root = settle(self)
        return root._buffer.addr + self.storage_offset() * self.itemsize

    # ------------------------------------------------------------ looking at it

    def item(self):
        """The one element, as a Python number. RuntimeError if it has more or fewer."""
        try:
            if self._read_id is self._id:  # asked before, and since then nobody has written to it
                return self._reader.value
        except AttributeError:
            pass
        return self._item()

    def _item(self):
        s, at = self._spec, self._id
        if s.numel != 1:
            raise RuntimeError(f"a Tensor with {s.numel} elements cannot be converted to Scalar")
        if settle(self) is not self:
            return array_of(self).item()
        if s.dtype in SCALARS:  # else C does not have it
            self._reader, self._read_id = SCALARS[s.dtype][self._buffer.addr], at
        return self._buffer.read_scalar(s.dtype)

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """An ndarray that shares its memory. RuntimeError for a tensor that requires grad: detach it first."""
        if self._spec.requires_grad and not force and pending.local.rec.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self._spec.dtype is dtypes.bfloat16:
            raise TypeError("Got unsupported ScalarType BFloat16")
        threads.expose(self)
        return array_of(self)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        a = self.numpy()
        if dtype is not None and a.dtype != dtype:
            return a.astype(dtype)
        return a.copy() if copy else a

    def tolist(self):
        """Nested lists of Python numbers; of a 0-dim tensor, the number."""
        settle(self)
        return array_of(self).tolist()

    def __bool__(self) -> bool:
        if self._spec.numel != 1:
            if self._spec.numel == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.item())

    def _scalar(self):
        if self._spec.numel != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        value = self._scalar()
        if isinstance(value, complex):
            if value.imag:
                raise RuntimeError("value cannot be converted to type double without overflow")
            value = value.real
        return float(value)

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self._spec.dtype.category > dtypes.INTEGER or self._spec.numel != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self._spec.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._spec.shape[0]

    def __iter__(self):
        if not self._spec.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self._spec.shape[0])])

    def __reversed__(self) -> Tensor:
        return self.flip(0) if self._spec.ndim else self

    def __contains__(self, element) -> bool:
        if not isinstance(element, (Stored, int, float, complex, np.generic)):
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
        return bool((self == element).any())

    def __repr__(self, *, tensor_contents=None) -> str:
        from suiren.printing import tensor_text

        return tensor_text(self, tensor_contents)

    def __format__(self, form: str) -> str:
        if self._spec.ndim == 0 and type(self) is Tensor:
            return format(self.item(), form)
        return object.__format__(self, form)

    def __hash__(self) -> int:
        return id(self)

    # ------------------------------------------------------------ autograd

    @property
    def requires_grad(self) -> bool:
        """Whether backward gives it, or what was made of it, a gradient."""
        return self._spec.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not isinstance(wanted, bool):
            raise RuntimeError("requires_grad must be a bool")
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Says whether gradients are wanted for this leaf. RuntimeError for a dtype that has none, or for a non-leaf."""
        if requires_grad == self._spec.requires_grad:
            return self
        if requires_grad and self._spec.dtype.category < dtypes.FLOAT:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require "
                "differentiation use var_no_grad = var.detach()."
            )
        if requires_grad and self._root()._inference and pending.local.rec.inference is None:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        pending.finish()  # a leaf's data exist before anything is recorded of it
        self._spec = self._spec.twin
        if self._parent is not None:  # a view that becomes a leaf: the storage it shares stays shared
            self._view_id = 0
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether a graph did not make it."""
        return not self._spec.requires_grad or self._history() is None

    def _history(self):
        """(graph, slot), or None for a leaf."""
        from suiren.autograd.node import history_of

        return history_of(self)

    @property
    def grad_fn(self):
        """The node of the graph that made it; None for a leaf."""
        from suiren.autograd.node import grad_fn

        return grad_fn(self)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have summed up so far, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value._spec.shape != self._spec.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(self.shape)}'. Please ensure that the "
                    "gradient and the tensor are the same size"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._spec.dtype is not self._spec.dtype:
                from suiren.api.arguments import C_WORDS

                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{C_WORDS[value._spec.dtype.name]}' to a tensor with grad_dtype "
                    f"'{self._spec.dtype.scalar_name}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the "
                    "tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of "
                    "a tensor and its gradient may break downstream systems that assume they match."
                )
        self._grad = value

    @property
    def output_nr(self) -> int:
        """Which output of its `grad_fn` it is."""
        from suiren.autograd.node import output_nr

        return output_nr(self)

    @property
    def _version_counter(self) -> int:
        return self._root()._version

    def backward(self, gradient=None, retain_graph: bool | None = None, create_graph: bool = False, inputs=None) -> None:
        """Adds to `.grad` of every leaf behind it (or of `inputs` alone) the gradient of this tensor.

        `gradient` (of this tensor's shape) may be left out for one element. The graph can be used once unless `retain_graph`;
        with `create_graph` the gradients have histories of their own.
        """
        if inputs is not None:
            inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
            if not inputs:
                raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        pending.backward([self], [gradient] if gradient is None or isinstance(gradient, Tensor) else list(gradient), retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """A view of the same storage that is no part of the graph."""
        return sharing.detached(self)

    def detach_(self) -> Tensor:
        """Cuts it off from the graph that made it. RuntimeError for a view."""
        if self._parent is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and "
                "gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To "
                "fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
            )
        pending.finish()
        self._graph = None
        self._spec = self._spec.plain
        return self

    @property
    def data(self) -> Tensor:
        """The same storage without a graph; a write through it is not seen by autograd's version counters."""
        t = sharing.detached(self)
        t._silent = True
        return t

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        sharing.show(self, value)

    def is_inference(self) -> bool:
        """Whether it was made in `inference_mode`; a view is what it is a view of."""
        from suiren.autograd.modes import is_inference

        return is_inference(self)

    def retain_grad(self) -> None:
        """Keeps the gradient of this non-leaf in `.grad` when a backward passes."""
        if not self._spec.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        place = self._history()
        if place is not None:
            self._retains_grad = True
            place[0].watched[place[1]] = self

    @property
    def retains_grad(self) -> bool:
        """Whether it is no leaf and keeps its `.grad`: see `retain_grad`."""
        return self._retains_grad

    def register_hook(self, hook):
        """Calls `hook(gradient)` when this tensor's gradient is computed; what it returns, if anything, takes its place."""
        if not self._spec.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        from suiren.autograd.node import on_leaf

        place = self._history()
        if place is not None:
            place[0].watched[place[1]] = self
        return on_leaf(self, hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Calls `hook(tensor)` when a backward has added to this leaf's `.grad`."""
        if not self._spec.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        from suiren.autograd.node import on_leaf

        def after(variable):
            hook(variable)

        after.after_accumulation = True
        return on_leaf(self, after)

    # ------------------------------------------------------------ conversions

    def to(self, *args, dtype=None, device=None, copy: bool = False, non_blocking: bool = False, memory_format=None, other=None) -> Tensor:
        """Itself in another dtype or memory format; itself, unless `copy`, if nothing changes.

        Called as ``to(dtype)``, ``to(device, dtype)`` or ``to(other)``, each with ``non_blocking`` and ``copy`` behind.
        """
        flags = []
        for a in args if other is None else (*args, other):
            if isinstance(a, dtypes.dtype):
                dtype = a
            elif isinstance(a, Tensor):
                dtype = a._spec.dtype
            elif isinstance(a, bool):
                flags.append(a)
            elif a in dtypes.OF_CLASS:
                dtype = dtypes.OF_CLASS[a]
            elif a is not None:
                device = a
        if device is not None:
            check_device(device)
        copy = copy or len(flags) > 1 and flags[1]
        found = self
        if dtype is not None and dtype is not self._spec.dtype:
            found = record(creation.cast, (self,), (dtypes.OF_CLASS.get(dtype, dtype),))
        order = order_of(memory_format, self._spec.ndim)
        if order is not None and not lies_in(self._spec.shape, found._layout()[0], order):
            return _ordered(found, order)
        return record(creation.copy, (self,), ()) if copy and found is self else found

    __array_priority__ = 1000  # NumPy leaves operators to it

    def type(self, dtype=None, non_blocking: bool = False):
        """Its type's name (``'torch.FloatTensor'``), or itself converted to a dtype, to such a name or to such a type."""
        if dtype is None:
            return f"torch.{type_name(self._spec.dtype)}"
        return self.to(dtype if isinstance(dtype, dtypes.dtype) or dtype in dtypes.OF_CLASS else dtype_of_type(dtype))

    def type_as(self, other: Tensor) -> Tensor:
        """Itself in the dtype of `other`."""
        return self.to(other.dtype)

    def float(self, memory_format=None) -> Tensor:
        """As float32: see `to`."""
        return self.to(dtypes.float32, memory_format=memory_format)

    def double(self, memory_format=None) -> Tensor:
        """As float64: see `to`."""
        return self.to(dtypes.float64, memory_format=memory_format)

    def half(self, memory_format=None) -> Tensor:
        """As float16: see `to`."""
        return self.to(dtypes.float16, memory_format=memory_format)

    def bfloat16(self, memory_format=None) -> Tensor:
        """As bfloat16: see `to`."""
        return self.to(dtypes.bfloat16, memory_format=memory_format)

    def int(self, memory_format=None) -> Tensor:
        """As int32: see `to`."""
        return self.to(dtypes.int32, memory_format=memory_format)

    def long(self, memory_format=None) -> Tensor:
        """As int64: see `to`."""
        return self.to(dtypes.int64, memory_format=memory_format)

    def short(self, memory_format=None) -> Tensor:
        """As int16: see `to`."""
        return self.to(dtypes.int16, memory_format=memory_format)

    def char(self, memory_format=None) -> Tensor:
        """As int8: see `to`."""
        return self.to(dtypes.int8, memory_format=memory_format)

    def byte(self, memory_format=None) -> Tensor:
        """As uint8: see `to`."""
        return self.to(dtypes.uint8, memory_format=memory_format)

    def bool(self, memory_format=None) -> Tensor:
        """As bool: see `to`; all but zero is True."""
        return self.to(dtypes.bool_, memory_format=memory_format)

    def cpu(self, memory_format=None) -> Tensor:
        """Itself: its memory is the CPU's."""
        return self

    def cuda(self, device=None, non_blocking: bool = False) -> Tensor:
        """AssertionError, as PyTorch's CPU build raises: there is no CUDA device."""
        check_device("cuda" if device is None else device)
        return self

    def xpu(self, device=None, non_blocking: bool = False, memory_format=None) -> Tensor:
        """AssertionError, as PyTorch's CPU build raises: there is no XPU device."""
        check_device("xpu" if device is None else device)
        return self

    def pin_memory(self, device=None) -> Tensor:
        """Itself: there is no device to copy to."""
        return self

    def share_memory_(self) -> Tensor:
        """Itself: its memory is not moved for other processes."""
        return self

    def clone(self, *, memory_format: memory_format | None = None) -> Tensor:
        """A copy in memory of its own, differentiable; row-major unless a memory format says otherwise."""
        order = order_of(memory_format, self._spec.ndim)
        return _clone(self) if order is None else _ordered(self, order)

    def contiguous(self, memory_format: memory_format | None = None) -> Tensor:
        """Itself if it is contiguous (in that memory format), else a copy."""
        order = order_of(memory_format, self._spec.ndim)
        if self.is_contiguous(memory_format):
            return self
        return record(creation.copy, (self,), ()) if order is None else _ordered(self, order)

    def copy_(self, other: Tensor, non_blocking: bool = False) -> Tensor:
        """Writes the values of `other`, broadcast and converted, into it."""
        if not isinstance(other, Tensor):
            if not isinstance(other, (int, float, complex)):
                raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
            return self.fill_(other)
        if other._spec.dtype is not self._spec.dtype:
            other = record(creation.cast, (other,), (self._spec.dtype,))
        return write(self, other)

    def __copy__(self) -> Tensor:
        """A leaf that shares its memory."""
        found = sharing.detached(self)
        found.__class__ = type(self)
        found.__dict__.update({k: v for k, v in self.__dict__.items() if not k.startswith("_")})
        return found.requires_grad_(self._spec.requires_grad)

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you were attempting to "
                "deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001. "
                "Detach a tensor first: copy.deepcopy(t.detach())."
            )
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = sharing.copied(self, memo)
            found.__dict__.update({k: v for k, v in self.__dict__.items() if not k.startswith("_")})
            if self._grad is not None:
                found._grad = self._grad.__deepcopy__(memo)
        return found

    def __reduce_ex__(self, protocol):
        settle(self)
        named = {k: v for k, v in self.__dict__.items() if not k.startswith("_")}
        return _unpickled, (type(self), array_of(self).copy(), self._spec.requires_grad), named or None


# ---------------------------------------------------------------- operators

_clone = unary(creation.copy)

Tensor.__add__ = Tensor.__radd__ = binary(pointwise.add)
Tensor.__sub__, Tensor.__rsub__ = binary(pointwise.sub), binary(pointwise.sub, reflected=True)
Tensor.__mul__ = Tensor.__rmul__ = binary(pointwise.mul)
Tensor.__truediv__, Tensor.__rtruediv__ = binary(pointwise.div), binary(pointwise.div, reflected=True)
Tensor.__floordiv__, Tensor.__rfloordiv__ = binary(pointwise.floor_divide), binary(pointwise.floor_divide, reflected=True)
Tensor.__mod__, Tensor.__rmod__ = binary(pointwise.remainder), binary(pointwise.remainder, reflected=True)
Tensor.__neg__ = unary(pointwise.neg)
Tensor.__eq__, Tensor.__ne__ = binary(pointwise.eq, arrays=True), binary(pointwise.ne, arrays=True)
Tensor.__lt__, Tensor.__le__ = binary(pointwise.lt), binary(pointwise.le)
Tensor.__gt__, Tensor.__ge__ = binary(pointwise.gt), binary(pointwise.ge)


def _in_place(function):
    def f(self, other):
        value = function(views.original(self), other)
        return value if value is NotImplemented else write(self, value)

    return f


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    setattr(Tensor, f"__i{_name}__", _in_place(getattr(Tensor, f"__{_name}__")))

recording.use_tensor_class(Tensor)


# ---------------------------------------------------------------- small things of the class


def type_name(d: dtype) -> str:
    """What the old name of a tensor's type calls a dtype: FloatTensor."""
    return {"complex64": "ComplexFloatTensor", "complex128": "ComplexDoubleTensor"}.get(d.name, f"{d.scalar_name}Tensor")


def dtype_of_type(given) -> dtype:
    """The dtype of ``'torch.FloatTensor'`` or ``torch.FloatTensor``. ValueError for another name."""
    name = given if isinstance(given, str) else f"{getattr(given, '__module__', '')}.{getattr(given, '__qualname__', given)}"
    for d in dtypes.ALL:
        if name == f"torch.{type_name(d)}":
            return d
    if name == "torch.Tensor":
        return dtypes.get_default_dtype()
    raise ValueError(f"invalid type: {given!r}")


def _ordered(t: Tensor, order: tuple[int, ...]) -> Tensor:
    """A copy whose dims lie in memory in `order`, the outermost first."""
    copied = record(creation.copy, (movement.permute(t, dims=order),), ())
    return movement.permute(copied, dims=tuple(order.index(d) for d in range(len(order))))


def dim_out_of_range(dim: int, ndim: int) -> str:
    """PyTorch's words for a dim that is not there."""
    n = max(ndim, 1)
    return f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"


def _unpickled(cls: type, array: np.ndarray, requires_grad: bool) -> Tensor:
    return cls.from_array(array, requires_grad, copy=True)


def _view_of_array(cls: type, array: np.ndarray, d: dtype) -> Tensor:
    """A tensor over an array with gaps or in another order: a strided view of the storage that begins at its lowest address."""
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
            "(You can probably work around this by making a copy of your array  with array.copy().) "
        )
    if any(s % d.itemsize for s in array.strides):
        raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.")
    strides = tuple(s // d.itemsize for s in array.strides)
    size = 1 + sum((n - 1) * s for n, s in zip(array.shape, strides))
    root = adopt(cls, Buffer.from_array(_flat(array, size)), spec((size,), d))
    return movement.as_strided(root, shape=tuple(array.shape), strides=strides, offset=0)


def _flat(array: np.ndarray, size: int) -> np.ndarray:
    """The `size` elements from the first of an array on, in the order in which they lie in memory."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    if not base.flags.forc:
        return np.lib.stride_tricks.as_strided(array, (size,), (array.itemsize,), writeable=array.flags.writeable)
    memory = np.asarray(base).ravel(order="K").view(np.uint8)
    start = array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return memory[start : start + size * array.itemsize].view(array.dtype)
