"""Shapes and views. Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops

What PyTorch returns as a view is a view here: it shares its storage, and an in-place write through one is seen through the other.
"""

from __future__ import annotations

from math import prod

from suiren.api.arguments import check_tensor, completed, dim_of, known, remember, sizes
from suiren.api.surface import public
from suiren.ops import creation, movement, placement, views
from suiren.ops.reinterpret import viewed_as
from suiren.size import Size
from suiren.trace.recording import record, record1
from suiren.trace.shown import viewing
from suiren.warned import warn_once

# ---------------------------------------------------------------- one shape for another


def _fits_as_view(x, shape: tuple[int, ...]) -> bool:
    """Whether strides can say this shape: always, for a tensor that owns its storage."""
    if x._parent is None:
        return True
    strides, offset = x._layout()
    return movement.reshape.restride(x._spec.shape, strides, offset, (shape,)) is not None


def reshaped(x, arguments: tuple, must_view: bool = False):
    key = ("reshape", x._spec, arguments)
    try:
        params = known(key)
    except TypeError:  # a list, or a tensor, among the sizes
        key, params = ("reshape", x._spec, sizes(arguments)), None
    if params is None:
        params = remember(key, (completed(sizes(arguments), x._spec.numel),))
    if x._parent is not None and not _fits_as_view(x, params[0]):
        if must_view:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). "
                "Use .reshape(...) instead."
            )
        x = record(creation.copy, (x,), ())
    return record1(movement.reshape, x, params)


@public(function=False)
@viewing
def view(self, *args, size=None, dtype=None):
    """The same storage in another shape; one size may be -1. RuntimeError if it does not fit or the strides cannot say it."""
    if not args:
        args = (dtype,) if dtype is not None else () if size is None else (size,)
    if args and args[0].__class__ is not int and not isinstance(args[0], (tuple, list)) and not hasattr(args[0], "__index__"):
        return viewed_as(self, args[0])
    return reshaped(self, args, True)


@public(function=False)
def view_as(self, other):
    """A view in the shape of `other`."""
    return reshaped(self, other._spec.shape, True)


@public()
@viewing
def reshape(input, *args, shape=None):
    """The same elements in another shape, as a view where strides can say it; one size may be -1."""
    check_tensor("reshape", input)
    return reshaped(input, args if shape is None else (tuple(shape),), False)


@public(function=False)
def reshape_as(self, other):
    """Reshaped to the shape of `other`."""
    return reshaped(self, other._spec.shape, False)


@public()
@viewing
def flatten(input, start_dim: int = 0, end_dim: int = -1):
    """The dims from start_dim to end_dim as one. RuntimeError if they are the wrong way round."""
    check_tensor("flatten", input)
    key = ("flatten", input._spec, start_dim, end_dim)
    params = known(key)
    if params is not None and input._parent is None:
        return record1(movement.reshape, input, params)
    shape = input._spec.shape
    start, end = dim_of(start_dim, len(shape)), dim_of(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshaped(input, (1,), False)
    if start == end:
        return input
    params = remember(key, ((*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]),))
    return reshaped(input, params[0], False)


@public()
@viewing
def ravel(input):
    """All elements as one dim."""
    return reshaped(input, (input._spec.numel,), False)


@public()
@viewing
def unflatten(input, dim: int, sizes):
    """One dim cut into several; one size may be -1."""
    shape = input._spec.shape
    d = dim_of(dim, len(shape))
    try:
        inner = completed(tuple(sizes), shape[d])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} ({shape[d]}) in the input tensor"
        ) from None
    return reshaped(input, (*shape[:d], *inner, *shape[d + 1 :]), True)


@public(inplace=False)
@viewing
def squeeze(input, dim=None):
    """Without the dims of size 1: all of them, or those named."""
    check_tensor("squeeze", input)
    shape = input._spec.shape
    if dim is None:
        key = ("squeeze", input._spec)
        return record1(movement.reshape, input, known(key) or remember(key, (tuple([n for n in shape if n != 1]),)))
    named = {dim_of(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))}
    left = tuple([n for i, n in enumerate(shape) if n != 1 or i not in named])
    return record1(movement.reshape, input, (left,))


@public(inplace=False)
@viewing
def unsqueeze(input, dim: int):
    """With a dim of size 1 put in at `dim`."""
    check_tensor("unsqueeze", input)
    key = ("unsqueeze", input._spec, dim)
    params = known(key)
    if params is None:
        shape = input._spec.shape
        d = dim_of(dim, len(shape) + 1)
        params = remember(key, ((*shape[:d], 1, *shape[d:]),))
    return record1(movement.reshape, input, params)


# ---------------------------------------------------------------- the order of dims


@public()
@viewing
def permute(input, *args, dims=None):
    """The dims in another order. RuntimeError if a dim is missing or named twice."""
    check_tensor("permute", input)
    key = None
    if dims is None:
        key = ("permute", input._spec, args)
        try:
            params = known(key)
        except TypeError:  # a list
            key = params = None
        if params is not None:
            return record1(movement.permute, input, params)
    ndim = input._spec.ndim
    order = sizes(args if dims is None else (dims,))
    if len(order) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. "
            f"input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
        )
    order = tuple([dim_of(d, ndim) for d in order])
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return record1(movement.permute, input, (order,) if key is None else remember(key, (order,)))


@public("transpose swapdims")
@viewing
def transpose(input, dim0: int, dim1: int):
    """Two dims exchanged."""
    check_tensor("transpose", input)
    key = ("transpose", input._spec, dim0, dim1)
    params = known(key)
    if params is None:
        ndim = input._spec.ndim
        a, b = dim_of(dim0, ndim), dim_of(dim1, ndim)
        if not ndim:
            return record1(views.alias, input, ())
        order = list(range(ndim))
        order[a], order[b] = b, a
        params = remember(key, (tuple(order),))
    return record1(movement.permute, input, params)


@public()
def swapaxes(input, axis0: int, axis1: int):
    """Two dims exchanged: see `transpose`."""
    return transpose(input, axis0, axis1)


@public()
@viewing
def t(input):
    """A matrix transposed; a vector as it is. RuntimeError for more dims."""
    ndim = input._spec.ndim
    if ndim == 2:
        return record1(movement.permute, input, ((1, 0),))
    if ndim < 2:
        return record1(views.alias, input, ())
    raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")


def _property(name: str, doc: str):
    def declare(f):
        public(name, function=False)(property(f, doc=doc))
        return f

    return declare


_T_OF_NO_MATRIX = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a future release. Consider "
    "`x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."
)
_T_OF_A_NUMBER = "Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases."


@_property("T", "All dims in reverse order.")
def _reversed_dims(self):
    if self._spec.ndim != 2:
        warn_once(_T_OF_A_NUMBER if not self._spec.ndim else _T_OF_NO_MATRIX)
    return record1(movement.permute, self, (tuple(range(self._spec.ndim))[::-1],))


@_property("mT", "The last two dims exchanged. RuntimeError for fewer than two.")
def _matrix_transposed(self):
    if self._spec.ndim < 2:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {self._spec.ndim}-D tensor."
        )
    return transpose(self, -2, -1)


@public("movedim moveaxis")
@viewing
def movedim(input, source, destination):
    """Dims moved to other places; the others keep their order."""
    ndim = input._spec.ndim
    sources = [dim_of(d, ndim) for d in (source if isinstance(source, (tuple, list)) else (source,))]
    targets = [dim_of(d, ndim) for d in (destination if isinstance(destination, (tuple, list)) else (destination,))]
    if len(sources) != len(targets):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources} dims) should contain the same number of dims as destination ({targets} dims)"
        )
    for name, dims in (("source", sources), ("destination", targets)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    order = [d for d in range(ndim) if d not in sources]
    for target, src in sorted(zip(targets, sources)):
        order.insert(target, src)
    return record1(movement.permute, input, (tuple(order),))


# ---------------------------------------------------------------- larger ones


@public(function=False)
@viewing
def expand(self, *args, size=None, implicit: bool = False):
    """Dims of size 1 shown as larger, and new dims in front, without a copy; -1 leaves a size as it is."""
    key = ("expand", self._spec, args)
    try:
        params = known(key) if size is None else None
    except TypeError:  # a list, or a tensor, among the sizes
        key = params = None
    if params is not None:
        return record1(movement.expand, self, params)
    shape = sizes(args if size is None else (size,))
    have = self._spec.shape
    new = len(shape) - len(have)
    if new < 0:
        raise RuntimeError(
            f"expand(torch.{_tensor_word(self)}{{{list(have)}}}, size={list(shape)}): the number of sizes provided ({len(shape)}) must be greater or "
            f"equal to the number of dimensions in the tensor ({len(have)})"
        )
    for i, n in enumerate(shape):
        if n < 0 and (i < new or n != -1):
            raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}")
    params = (tuple([have[i - new] if n == -1 else n for i, n in enumerate(shape)]),)
    found = record1(movement.expand, self, params)  # checks the sizes
    if key is not None and size is None:
        remember(key, params)
    return found


def _tensor_word(x) -> str:
    from suiren.tensor import type_name

    return type_name(x._spec.dtype)


@public(function=False)
def expand_as(self, other):
    """Expanded to the shape of `other`."""
    shape = other._spec.shape
    if len(shape) < self._spec.ndim:
        return expand(self, shape)
    return record1(movement.expand, self, (shape,))


@public()
@viewing
def broadcast_to(input, size):
    """Expanded to a shape."""
    return expand(input, size)


@public(method=False)
def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape."""
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    from suiren.trace.op import broadcast_shapes as common

    shape = common(*(t._spec.shape for t in tensors))
    return tuple(record(movement.expand, (t,), (shape,)) for t in tensors)


@public(method=False)
def broadcast_shapes(*shapes):
    """The common shape. RuntimeError if there is none."""
    from suiren.trace.op import broadcast_shapes as common

    return Size(common(*((s,) if isinstance(s, int) else tuple(s) for s in shapes)))


@public(function=False)
def repeat(self, *args, repeats=None):
    """Copies side by side, so many along each dim; new dims come in front."""
    times = sizes(args if repeats is None else (repeats,))
    shape = self._spec.shape
    if len(times) < len(shape):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    shape = (1,) * (len(times) - len(shape)) + shape
    between = record(movement.reshape, (self,), (tuple(n for s in shape for n in (1, s)),))  # (1, s0, 1, s1, …)
    shown = record(movement.expand, (between,), (tuple(n for k, s in zip(times, shape) for n in (k, s)),))
    return record(creation.copy, (record(movement.reshape, (shown,), (tuple(k * s for k, s in zip(times, shape)),)),), ())


@public()
def tile(input, *args, dims=None):
    """As `repeat`, with missing leading counts taken as 1."""
    times = sizes(args if dims is None else (dims,))
    return repeat(input, (1,) * (input._spec.ndim - len(times)) + times)


# ---------------------------------------------------------------- diagonals, windows, other orders


def part(x, dim: int, start: int, size: int, step: int = 1):
    """`size` elements of a dim from `start` on, every step-th one."""
    return record1(movement.slice, x, part_of(x._spec.shape, dim, start, size, step))


def part_of(shape: tuple[int, ...], dim: int, start: int, size: int, step: int = 1) -> tuple:
    """The parameters of the slice that `part` is."""
    rest = len(shape) - dim - 1
    starts = (0,) * dim + (start,) + (0,) * rest
    steps = (1,) * dim + (step,) + (1,) * rest
    return starts, (*shape[:dim], size, *shape[dim + 1 :]), steps


@public()
@viewing
def diagonal(input, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """The diagonal of two dims, `offset` above the main one, as a last dim."""
    ndim = input._spec.ndim
    a, b = dim_of(dim1, ndim), dim_of(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return record1(movement.diagonal, input, (offset, a, b))


@public(function=False)
@viewing
def unfold(self, dimension: int, size: int, step: int):
    """All windows of `size` elements along a dim, `step` apart, as a last dim: a view that may show elements more than once."""
    d = dim_of(dimension, self._spec.ndim)
    n = self._spec.shape[d] if self._spec.ndim else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {n} but size is {size}")
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not self._spec.ndim:
        return part(reshaped(self, (1,)), 0, 0, size)
    return record1(movement.unfold, self, (d, size, step))


@public()
def as_strided(input, size, stride, storage_offset: int | None = None):
    """Any strides over the storage of `input`. RuntimeError if they lead outside."""
    root = input._root()
    offset = input._layout()[1] if storage_offset is None else storage_offset
    flat = record1(movement.reshape, root, ((root._spec.numel,),))
    return record1(movement.as_strided, flat, (sizes((tuple(size),)), sizes((tuple(stride),)), offset))


@public()
def flip(input, *args, dims=None):
    """The order of some dims reversed; a copy, as in PyTorch."""
    ndim = input._spec.ndim
    named = [dim_of(d, ndim) for d in sizes(args if dims is None else (dims,))]
    if len(set(named)) != len(named):
        raise RuntimeError(f"dim {next(d for d in named if named.count(d) > 1)} appears multiple times in the list of dims")
    if not ndim or not named:
        return record(creation.copy, (input,), ())
    return record(movement.flip, (input,), (tuple(sorted(named)),))


@public()
def fliplr(input):
    """Columns in reverse order."""
    if input._spec.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@public()
def flipud(input):
    """Rows in reverse order."""
    if input._spec.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@public()
def rot90(input, k: int = 1, dims=(0, 1)):
    """Turned by 90 degrees, k times, from the first dim towards the second."""
    a, b = (dim_of(d, input._spec.ndim) for d in dims)
    k %= 4
    if k == 0:
        return record(creation.copy, (input,), ())
    if k == 2:
        return flip(input, a, b)
    return transpose(flip(input, b), a, b) if k == 1 else flip(transpose(input, a, b), b)


@public()
def roll(input, shifts, dims=None):
    """Moved along dims (or, without dims, along the flattened elements); what leaves at one end comes in at the other."""
    if dims is None:
        flat = roll(reshaped(input, (input._spec.numel,), False), shifts if isinstance(shifts, int) else shifts[0], 0)
        return reshaped(flat, input._spec.shape, False)
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    x = input
    for shift, dim in zip(shifts, dims):
        d = dim_of(dim, x._spec.ndim)
        n = x._spec.shape[d] if x._spec.ndim else 0
        cut = shift % n if n else 0
        if cut:
            x = record(placement.cat, (part(x, d, n - cut, cut), part(x, d, 0, n - cut)), (d,))
    return x if x is not input else record(creation.copy, (input,), ())


@public(method=False)
def meshgrid(*tensors, indexing: str | None = None):
    """For vectors of lengths a, b, …: each one's value at every point of the grid, in tensors of shape (a, b, …)."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if indexing is None:
        warn_once("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    given = list(given)
    swap = indexing == "xy" and len(given) >= 2  # the first two count as columns, then rows
    if swap:
        given[0], given[1] = given[1], given[0]
    shape = tuple(x._spec.numel for x in given)
    grids = []
    for i, x in enumerate(given):
        column = reshaped(x, tuple(n if j == i else 1 for j, n in enumerate(shape)), False)
        grids.append(record(movement.expand, (column,), (shape,)))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)
