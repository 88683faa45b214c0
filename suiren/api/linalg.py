"""Products of matrices. Source: https://docs.pytorch.org/docs/stable/torch.html#blas-and-lapack-operations"""

from __future__ import annotations

from math import prod

from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor, dim_of
from suiren.api.joining import stack
from suiren.api.reductions import vector_norm
from suiren.api.shapes import reshaped
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import movement, pointwise, reduce
from suiren.ops.matmul import matmul as op
from suiren.trace.op import broadcast_shapes
from suiren.trace.recording import binary, record1
from suiren.trace.storage import Stored
from suiren.warned import warn_once

_product = binary(op, strict=True)


@public(out=True)
def mm(input, mat2):
    """(M, K) times (K, N). RuntimeError for anything but matrices that fit."""
    if casting.on and casting.here.enabled:
        return casting.lowered(mm, input, mat2)
    try:
        if input._spec.ndim != 2:
            raise RuntimeError("self must be a matrix")
        if mat2._spec.ndim != 2:
            raise RuntimeError("mat2 must be a matrix")
    except AttributeError:
        check_tensor("mm", input)
        check_tensor("mm", mat2, "mat2", 2)
    return _product(input, mat2)


@public(out=True)
def bmm(input, mat2):
    """(B, M, K) times (B, K, N). RuntimeError for anything but batches of matrices that fit."""
    if casting.on and casting.here.enabled:
        return casting.lowered(bmm, input, mat2)
    a, b = input._spec.shape, mat2._spec.shape
    for name, shape in (("batch1", a), ("batch2", b)):
        if len(shape) != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if b[:2] != (a[0], a[2]):
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}].")
    return _product(input, mat2)


@public(out=True)
def dot(input, tensor):
    """The sum of products of two vectors."""
    for name, x in (("1D", input), ("1D", tensor)):
        if x._spec.ndim != 1:
            raise RuntimeError(f"{name} tensors expected, but got {input._spec.ndim}D and {tensor._spec.ndim}D tensors")
    if input._spec.dtype is not tensor._spec.dtype:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {TYPE_WORDS[input._spec.dtype.name]} and {TYPE_WORDS[tensor._spec.dtype.name]}")
    n, m = input._spec.numel, tensor._spec.numel
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, but got {n} and {m} elements respectively"
        )
    return record1(reduce.sum, pointwise.mul(input, tensor), ((0,), False))


@public(out=True)
def mv(input, vec):
    """(M, K) times (K,)."""
    a, b = input._spec.shape, vec._spec.shape
    if len(a) != 2 or len(b) != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {len(b)}, {len(a)}, {len(b)}")
    if a[1] != b[0]:
        raise RuntimeError(f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]})")
    return record1(movement.reshape, _product(input, record1(movement.reshape, vec, ((b[0], 1),))), ((a[0],),))


@public(out=True)
def matmul(input, other):
    """The product of vectors, matrices or batches of matrices; leading dims broadcast."""
    if casting.on and casting.here.enabled:
        return casting.lowered(matmul, input, other)
    check_tensor("matmul", input, "input")
    check_tensor("matmul", other, "other", 2)
    a, b = input._spec.shape, other._spec.shape
    n, m = len(a), len(b)
    if n == 2 and m == 2:
        return _product(input, other)
    if n == 0 or m == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")
    if n == 1 and m == 1:
        return dot(input, other)
    if n == 2 and m == 1:
        return mv(input, other)
    if n == 1:  # (K) (…, K, N) -> (…, N)
        found = matmul(reshaped(input, (1, a[0])), other)
        shape = found._spec.shape
        return record1(movement.reshape, found, ((*shape[:-2], shape[-1]),))
    if m == 1:
        found = matmul(input, reshaped(other, (b[0], 1)))
        return record1(movement.reshape, found, (found._spec.shape[:-1],))
    if m == 2:  # the batch is more rows of one product, as in PyTorch
        if a[-1] != b[0]:
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({prod(a[:-1])}x{a[-1]} and {b[0]}x{b[1]})")
        rows = _product(reshaped(input, (prod(a[:-1]), a[-1])), other)
        return record1(movement.reshape, rows, ((*a[:-1], b[1]),))
    batch = broadcast_shapes(a[:-2], b[:-2])
    if a[-1] != b[-2]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{prod(batch)}, {a[-1]}] but got: [{prod(batch)}, {b[-2]}]."
        )
    if a[:-2] != batch:
        input = record1(movement.expand, input, ((*batch, *a[-2:]),))
    if b[:-2] != batch:
        other = record1(movement.expand, other, ((*batch, *b[-2:]),))
    return _product(input, other)


@public(function=False)
def __matmul__(input, other):
    """See `matmul`."""
    return matmul(input, other) if isinstance(other, Stored) else NotImplemented


@public(function=False)
def __rmatmul__(input, other):
    """See `matmul`."""
    return matmul(other, input) if isinstance(other, Stored) else NotImplemented


@public("outer ger", out=True)
def outer(input, vec2):
    """Every product of an element of one vector with one of the other."""
    for name, x in (("self", input), ("vec2", vec2)):
        if x._spec.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x._spec.ndim}-D")
    return pointwise.mul(record1(movement.reshape, input, ((input._spec.numel, 1),)), vec2)


@public(out=True)
def inner(input, other):
    """The products of the last dims of both, summed: all pairs of rows."""
    a, b = input._spec.shape, other._spec.shape
    if not a or not b:
        return pointwise.mul(input, other)
    if a[-1] != b[-1]:
        raise RuntimeError(f"inner() the last dimension must match on both input tensors but got shapes {list(a)} and {list(b)}")
    if len(a) == 1 and len(b) == 1:
        return dot(input, other)
    left, right = reshaped(input, (prod(a[:-1]), a[-1])), reshaped(other, (prod(b[:-1]), b[-1]))
    return reshaped(mm(left, movement.transpose(right, 2)), (*a[:-1], *b[:-1]))


def _plus(input, product, beta, alpha):
    """beta * input + alpha * product; with beta 0 the input's values do not count, NaN included. Of whole numbers they are cut to whole numbers."""
    if product._spec.dtype.category < FLOAT:
        beta, alpha = int(beta), int(alpha)
    if alpha != 1:
        product = pointwise.mul(product, alpha)
    if beta == 0:
        shape = broadcast_shapes(input._spec.shape, product._spec.shape)
        return product if shape == product._spec.shape else movement.expand(product, shape=shape)
    return pointwise.add(input if beta == 1 else pointwise.mul(input, beta), product)


@public(out=True, inplace=True)
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta * input + alpha * mat1 @ mat2."""
    if casting.on and casting.here.enabled:
        return casting.lowered(addmm, input, mat1, mat2, beta=beta, alpha=alpha)
    return _plus(input, mm(mat1, mat2), beta, alpha)


@public(out=True, inplace=True)
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta * input + alpha * mat @ vec."""
    return _plus(input, mv(mat, vec), beta, alpha)


@public(out=True, inplace=True)
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta * input + alpha * outer(vec1, vec2). RuntimeError for whole numbers with a float beta or alpha."""
    if all(x._spec.dtype.category < FLOAT for x in (input, vec1, vec2)):
        for name, number in (("beta", beta), ("alpha", alpha)):
            if isinstance(number, float):
                raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    return _plus(input, outer(vec1, vec2), beta, alpha)


@public(out=True, inplace=True)
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta * input + alpha * batch1 @ batch2."""
    if casting.on and casting.here.enabled:
        return casting.lowered(baddbmm, input, batch1, batch2, beta=beta, alpha=alpha)
    return _plus(input, bmm(batch1, batch2), beta, alpha)


@public(out=True, inplace=True)
@casting.lower
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta * input + alpha * the sum of batch1 @ batch2 over the batch."""
    return _plus(input, reduce.sum(bmm(batch1, batch2), dims=(0,), keepdim=False), beta, alpha)


@public(method=False, out=True)
def tensordot(a, b, dims=2):
    """The product over several dims: the last `dims` of a and the first of b, or the two lists of dims."""
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        left, right = list(range(-dims, 0)), list(range(dims))
    else:
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    given = list(zip(left, right))
    left, right = [dim_of(d, a._spec.ndim) for d in left], [dim_of(d, b._spec.ndim) for d in right]
    for (i, j), (named, other) in zip(zip(left, right), given):
        n, m = a._spec.shape[i], b._spec.shape[j]
        if n != m and m == 1:  # a single element goes with all: they are summed first
            a = record1(reduce.sum, a, ((i,), True))
        elif n != m and n == 1:
            b = record1(reduce.sum, b, ((j,), True))
        elif n != m:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {n} in dim {named} and second has size {m} in dim {other}")
    rows = [d for d in range(a._spec.ndim) if d not in left]
    columns = [d for d in range(b._spec.ndim) if d not in right]
    shape = (*(a._spec.shape[d] for d in rows), *(b._spec.shape[d] for d in columns))
    inner_size = prod(a._spec.shape[d] for d in left)
    first = reshaped(record1(movement.permute, a, ((*rows, *left),)), (prod(a._spec.shape[d] for d in rows), inner_size))
    second = reshaped(record1(movement.permute, b, ((*right, *columns),)), (inner_size, prod(b._spec.shape[d] for d in columns)))
    return reshaped(mm(first, second), shape)


@public(method=False)
def chain_matmul(*matrices):
    """The product of matrices, from left to right."""
    warn_once(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot instead, which accepts a list of "
        "two or more tensors rather than multiple parameters."
    )
    found = matrices[0]
    for x in matrices[1:]:
        found = mm(found, x)
    return found


@public(out=True)
def kron(input, other):
    """Kronecker's product: every element of `input` times all of `other`."""
    n = max(input._spec.ndim, other._spec.ndim)
    a = (1,) * (n - input._spec.ndim) + input._spec.shape
    b = (1,) * (n - other._spec.ndim) + other._spec.shape
    left = reshaped(input, tuple(v for x in a for v in (x, 1)))
    right = reshaped(other, tuple(v for x in b for v in (1, x)))
    return reshaped(pointwise.mul(left, right), tuple(x * y for x, y in zip(a, b)))


@public(out=True)
@casting.plain
def cross(input, other, dim: int | None = None):
    """The cross product of vectors of 3 along a dim (the first of that size)."""
    shape = broadcast_shapes(input._spec.shape, other._spec.shape)
    if dim is None:
        warn_once(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or simply use torch.linalg.cross.\n"
            "The default value of dim will change to agree with that of linalg.cross in a future release."
        )
        dim = next((i for i, n in enumerate(shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    d = dim_of(dim, len(shape))
    if shape[d] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input._spec.shape[d]} and {other._spec.shape[d]}")
    a = [record1(movement.select, movement.expand(input, shape=shape), (d, i)) for i in range(3)]
    b = [record1(movement.select, movement.expand(other, shape=shape), (d, i)) for i in range(3)]
    parts = [pointwise.sub(pointwise.mul(a[i], b[j]), pointwise.mul(a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))]
    return stack(parts, d)


@public(method=False)
@casting.wide
def cdist(x1, x2, p: float = 2.0, compute_mode: str | None = None):
    """The p-norm distance of every row of x1 to every row of x2, over equal leading dims."""
    a, b = x1._spec, x2._spec
    if a.ndim < 2 or b.ndim < 2:
        raise RuntimeError(f"cdist only supports at least 2D tensors, X1 got: {a.ndim}D" if a.ndim < 2 else f"cdist only supports at least 2D tensors, X2 got: {b.ndim}D")
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {a.shape[-1]} X2: {b.shape[-1]}")
    left = reshaped(x1, (*a.shape[:-1], 1, a.shape[-1]))
    right = reshaped(x2, (*b.shape[:-2], 1, *b.shape[-2:]))
    gap = pointwise.sub(left, right)
    return vector_norm(gap, float(p), (gap._spec.ndim - 1,))


# ---------------------------------------------------------------- einsum


@public(method=False)
def einsum(equation, *operands):
    """Einstein's summation: "ij,jk->ik" names the dims of each operand, and those of the result; what is left out is summed.

    Or each operand is followed by the numbers of its dims, and those of the result come last: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    """
    if not operands:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list"
        )
    if isinstance(equation, Stored):
        equation, operands = _of_numbers((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    inputs, output = _parsed(equation, operands)
    sizes: dict[str, int] = {}
    terms = []
    for names, x in zip(inputs, operands):
        names, x = _diagonals(names, x)
        for name, n in zip(names, x._spec.shape):
            if n != 1 and sizes.setdefault(name, n) not in (1, n):
                raise RuntimeError(
                    f"einsum(): subscript {name} has size {n} for operand {len(terms)} which does not broadcast with previously seen size {sizes[name]}"
                )
            if n != 1:
                sizes[name] = n
            sizes.setdefault(name, n)
        terms.append((names, x))
    while len(terms) > 1:
        (a, x), (b, y) = terms[0], terms[1]
        later = set(output).union(*(names for names, _ in terms[2:]))
        terms[:2] = [_pair(a, x, b, y, later, sizes)]
    names, x = terms[0]
    gone = tuple(i for i, name in enumerate(names) if name not in output)
    if gone:
        x = record1(reduce.sum, x, (gone, False))
        names = [name for name in names if name in output]
    order = tuple(names.index(name) for name in output)
    return x if order == tuple(range(len(order))) else record1(movement.permute, x, (order,))


def _of_numbers(arguments: tuple) -> tuple[str, tuple]:
    """(the equation, the operands) of operands with the numbers of their dims."""

    def letter(n) -> str:
        if n is Ellipsis:
            return "..."
        if not 0 <= n < 52:
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return chr(ord("A") + n) if n < 26 else chr(ord("a") + n - 26)

    has_result = len(arguments) % 2 == 1
    equation = ",".join("".join(map(letter, numbers)) for numbers in arguments[1::2])
    return equation + ("->" + "".join(map(letter, arguments[-1])) if has_result else ""), arguments[: len(arguments) - has_result : 2]


def _parsed(equation: str, operands) -> tuple[list[list[str]], list[str]]:
    """The names of the dims of every operand and of the result; an ellipsis becomes names of its own."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): {'fewer' if len(terms) > len(operands) else 'more'} operands were provided than specified in the equation")
    hidden = max([x._spec.ndim - len(t.replace("...", "")) for t, x in zip(terms, operands) if "..." in t], default=0)
    inputs = []
    for i, (t, x) in enumerate(zip(terms, operands)):
        before, dots, after = t.partition("...")
        n = x._spec.ndim - len(before) - len(after)
        if n < 0 or (n and not dots):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(before) + len(after)}) does not match the number of dimensions ({x._spec.ndim}) for operand {i}"
                + ("" if dots else " and no ellipsis was given")
            )
        inputs.append([*before, *(f"...{hidden - n + k}" for k in range(n)), *after])
    rest = [f"...{k}" for k in range(hidden)]
    if arrow:
        before, dots, after = right.partition("...")
        output = [*before, *(rest if dots else ()), *after]
        for name in output:
            if output.count(name) > 1:
                raise RuntimeError(f"einsum(): output subscript {name} appears more than once in the output")
            if not any(name in names for names in inputs):
                raise RuntimeError(f"einsum(): output subscript {name} does not appear in the equation for any input operand")
        return inputs, output
    once = [name for name in sorted({n for names in inputs for n in names if not n.startswith("...")})
            if sum(names.count(name) for names in inputs) == 1]  # fmt: skip
    return inputs, [*rest, *once]


def _diagonals(names: list[str], x):
    """A name that an operand has twice is its diagonal."""
    while len(set(names)) != len(names):
        name = next(n for n in names if names.count(n) > 1)
        i = names.index(name)
        j = names.index(name, i + 1)
        if x._spec.shape[i] != x._spec.shape[j]:
            raise RuntimeError(f"einsum(): subscript {name} is repeated for operand 0 but the sizes don't match, {x._spec.shape[j]} != {x._spec.shape[i]}")
        x = record1(movement.diagonal, x, (0, i, j))
        names = [n for k, n in enumerate(names) if k not in (i, j)] + [name]
    return names, x


def _pair(a: list[str], x, b: list[str], y, later: set[str], sizes: dict[str, int]):
    """Two operands as one: a batched matrix product over the names that go away."""
    x, y = _expanded(a, x, sizes, set(b)), _expanded(b, y, sizes, set(a))
    for names, other, which in ((a, b, 0), (b, a, 1)):  # what only one of them has and nobody wants is summed first
        gone = tuple(i for i, n in enumerate(names) if n not in other and n not in later)
        if gone:
            if which == 0:
                x, a = record1(reduce.sum, x, (gone, False)), [n for n in names if n in other or n in later]
            else:
                y, b = record1(reduce.sum, y, (gone, False)), [n for n in names if n in other or n in later]
    batch = [n for n in a if n in b and n in later]
    inner_names = [n for n in a if n in b and n not in later]
    rows, columns = [n for n in a if n not in b], [n for n in b if n not in a]
    shape = lambda names: tuple(sizes[n] for n in names)
    left = record1(movement.permute, x, (tuple(a.index(n) for n in (*batch, *rows, *inner_names)),))
    right = record1(movement.permute, y, (tuple(b.index(n) for n in (*batch, *inner_names, *columns)),))
    m, k, n = prod(shape(rows)), prod(shape(inner_names)), prod(shape(columns))
    if not inner_names:
        # no sum: an outer product, which is cheaper element by element
        found = pointwise.mul(reshaped(left, (*shape(batch), m, 1)), reshaped(right, (*shape(batch), 1, n)))
    else:
        size = prod(shape(batch))
        found = bmm(reshaped(left, (size, m, k)), reshaped(right, (size, k, n))) if batch else mm(reshaped(left, (m, k)), reshaped(right, (k, n)))
    return [*batch, *rows, *columns], reshaped(found, shape((*batch, *rows, *columns)))


def _expanded(names: list[str], x, sizes: dict[str, int], shared: set[str]):
    """x with the dims of size 1 that it shares with the other one shown in full."""
    shape = tuple(sizes[n] if n in shared else s for n, s in zip(names, x._spec.shape))
    for n, s in zip(names, shape):
        sizes[n] = max(sizes[n], s)
    return x if shape == x._spec.shape else record1(movement.expand, x, (shape,))
