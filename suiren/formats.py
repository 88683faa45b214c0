"""Memory formats and layouts: PyTorch's names for how elements lie in memory. Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html

A memory format is a hint: values and results are the same with every one. A tensor asked for `channels_last` has such strides (`Tensor.contiguous`,
`to`, `clone`); a module's `to` leaves its parameters as they are, because compiled programs choose layouts of their own.
"""

from __future__ import annotations


class memory_format:
    """How the elements of a tensor follow each other in memory. Instances are singletons: compare them with ``is``."""

    __slots__ = ("name", "order")

    name: str
    order: tuple[int, ...] | None  # the dims from the outermost to the innermost, where the format fixes them

    def __new__(cls, *args, **kwargs):
        raise TypeError("cannot create 'torch.memory_format' instances")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return _format_named, (self.name,)


class layout:
    """Whether a tensor is dense. There is one dense layout, `strided`; the names of the others exist and are refused."""

    __slots__ = ("name",)

    name: str

    def __new__(cls, *args, **kwargs):
        raise TypeError("cannot create 'torch.layout' instances")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return _layout_named, (self.name,)


def _format(name: str, order: tuple[int, ...] | None = None) -> memory_format:
    made = object.__new__(memory_format)
    made.name, made.order = name, order
    return made


def _layout(name: str) -> layout:
    made = object.__new__(layout)
    made.name = name
    return made


contiguous_format = _format("contiguous_format")
preserve_format = _format("preserve_format")
channels_last = _format("channels_last", (0, 2, 3, 1))
channels_last_3d = _format("channels_last_3d", (0, 2, 3, 4, 1))

strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc = map(
    _layout, ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc")
)

_FORMATS = {f.name: f for f in (contiguous_format, preserve_format, channels_last, channels_last_3d)}
_LAYOUTS = {found.name: found for found in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)}


def _format_named(name: str) -> memory_format:
    return _FORMATS[name]


def _layout_named(name: str) -> layout:
    return _LAYOUTS[name]


def order_of(format: memory_format | None, ndim: int) -> tuple[int, ...] | None:
    """The order of dims that a format asks of a tensor of `ndim` dims; None where it asks nothing. RuntimeError for another number of dims."""
    if format is None or format.order is None:
        return None
    if len(format.order) != ndim:
        raise RuntimeError(f"required rank {len(format.order)} tensor to use {format.name} format")
    return format.order


def memory_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """The dims, outermost first, of what PyTorch makes like a tensor with these strides. Source: infer_dense_strides in aten/src/ATen/ExpandUtils.cpp"""
    inner = list(reversed(range(len(shape))))  # innermost first
    for i in range(1, len(inner)):
        at = i
        for before in reversed(range(i)):
            a, b = inner[before], inner[at]
            if not strides[a] or not strides[b]:
                continue  # a dim that was expanded says nothing
            if strides[a] < strides[b] or (strides[a] == strides[b] and shape[a] <= shape[b]):
                if strides[a] < strides[b]:
                    break
                continue
            inner[before], inner[at], at = b, a, before
    return tuple(reversed(inner))


def order_like(t, format: memory_format | None = None) -> tuple[int, ...] | None:
    """The dims, outermost first, of a tensor made like `t`; None if it is contiguous."""
    shape = t._spec.shape
    if format not in (None, preserve_format):
        order = order_of(format, len(shape))
    elif t._parent is None or t.is_contiguous():
        return None
    else:
        order = memory_order(shape, t.stride())
    if order is not None:
        moving = [d for d in order if shape[d] != 1]
        if moving == sorted(moving):
            return None
    return order


def lies_in(shape: tuple[int, ...], strides: tuple[int, ...], order: tuple[int, ...]) -> bool:
    """Whether elements with these strides lie without gaps, dims in `order`."""
    expected = 1
    for d in reversed(order):
        if shape[d] != 1:
            if strides[d] != expected:
                return 0 in shape
            expected *= shape[d]
    return True


def check_layout(wanted: layout | None) -> None:
    """Accepts `strided` (or None). NotImplementedError for sparse layouts: tensors are dense here."""
    if wanted is None or wanted is strided:
        return
    if not isinstance(wanted, layout):
        raise TypeError(f"argument 'layout' must be torch.layout, not {type(wanted).__name__}")
    raise NotImplementedError(f"suiren has dense tensors only: there is no layout {wanted}")


__all__ = [
    "channels_last", "channels_last_3d", "check_layout", "contiguous_format", "layout", "lies_in", "memory_format", "memory_order", "order_like", "order_of", "preserve_format",
    "sparse_bsc", "sparse_bsr", "sparse_coo", "sparse_csc", "sparse_csr", "strided",
]  # fmt: skip
