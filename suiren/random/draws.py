"""Random tensors, and the Tensor methods that fill a tensor in place: PyTorch's numbers, in PyTorch's order.

Every draw takes from the default generator unless it is given one, and is recorded like any other operation. A tensor that is not contiguous is
filled in the order of its memory. Source: https://docs.pytorch.org/docs/stable/torch.html#random-sampling
"""

from __future__ import annotations

import math
from math import prod
from typing import Any

from suiren.api.arguments import C_WORDS
from suiren.api.joining import cat
from suiren.api.surface import fill, public
from suiren.device import check_device
from suiren.dtypes import BOOL, COMPLEX, FLOAT, INTEGER, dtype, float32, float64, get_default_dtype, iinfo, int64
from suiren.formats import order_like
from suiren.ops.compare import ge, le, logical_and, logical_not, lt, where
from suiren.ops.complex import view_as_complex
from suiren.ops.creation import cast, check_index, copy
from suiren.ops.elementary import exp, log, tan
from suiren.ops.pointwise import add, ceil, div, mul, sub
from suiren.ops.rng import (
    WIDE_RANGE,
    rng_bernoulli,
    rng_exponential,
    rng_normal,
    rng_randint,
    rng_randperm,
    rng_uniform,
)
from suiren.ops.rng_rejection import chosen, rng_words
from suiren.random.generator import Generator, draw
from suiren.random.order import Make, in_order
from suiren.tensor import Tensor
from suiren.trace.op import broadcast_shapes
from suiren.trace.views import write

_UNIT = (0.0, 1.0)  # from 0 to 1, and mean 0 and standard deviation 1


def _shape(size: tuple) -> tuple[int, ...]:
    """The shape of a call f(2, 3) or f((2, 3)). RuntimeError, as in PyTorch, if a size is negative."""
    if len(size) == 1 and not hasattr(size[0], "__index__"):
        size = tuple(size[0])
    shape = tuple(n if type(n) is int else n.__index__() for n in size)
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    return shape


def _finished(t: Tensor, out: Tensor | None, requires_grad: bool) -> Tensor:
    if out is not None:
        return fill(out, t)
    return t.requires_grad_() if requires_grad else t


def _drawn(op, generator: Generator | None, numbers: tuple[float, float], shape: tuple[int, ...], d: dtype) -> Tensor:
    """Numbers of a floating dtype; complex ones are pairs of them, and each part of a normal one has half of the variance."""
    if d.category != COMPLEX:
        return draw(op, generator, numbers, (shape, d))
    if op is rng_normal:
        numbers = (numbers[0], numbers[1] / math.sqrt(2))
    return copy(view_as_complex(draw(op, generator, numbers, ((*shape, 2), d.to_real()))))


# ---------------------------------------------------------------- new tensors


@public(method=False)
def rand(
    *args, size=None, generator: Generator | None = None, out: Tensor | None = None, dtype: dtype | None = None, layout=None, device=None,
    requires_grad: bool = False, pin_memory: bool = False,
):  # fmt: skip
    """Uniform numbers from [0, 1): shape from `size`, of a floating dtype."""
    if size is not None:
        args = (size,)
    for n in args:
        if type(n) is not int or n < 0:
            args = _shape(args)
            break
    if device is not None:
        check_device(device)
    t = _drawn(rng_uniform, generator, _UNIT, tuple(args), dtype or get_default_dtype())
    return _finished(t, out, requires_grad) if requires_grad or out is not None else t


@public(method=False)
def randn(
    *args, size=None, generator: Generator | None = None, out: Tensor | None = None, dtype: dtype | None = None, layout=None, device=None,
    requires_grad: bool = False, pin_memory: bool = False,
):  # fmt: skip
    """Normal numbers of mean 0 and variance 1: shape from `size`, of a floating dtype."""
    if size is not None:
        args = (size,)
    for n in args:
        if type(n) is not int or n < 0:
            args = _shape(args)
            break
    if device is not None:
        check_device(device)
    t = _drawn(rng_normal, generator, _UNIT, tuple(args), dtype or get_default_dtype())
    return _finished(t, out, requires_grad) if requires_grad or out is not None else t


@public(method=False)
def rand_like(
    input, *, generator: Generator | None = None, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False,
    memory_format=None, pin_memory: bool = False,
):  # fmt: skip
    """Uniform numbers from [0, 1), with the shape and dtype of `input`."""
    check_device(device)
    d = dtype or input._spec.dtype
    t = in_order(input._spec.shape, order_like(input, memory_format), lambda shape: _drawn(rng_uniform, generator, _UNIT, shape, d))
    return _finished(t, None, requires_grad)


@public(method=False)
def randn_like(
    input, *, generator: Generator | None = None, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False,
    memory_format=None, pin_memory: bool = False,
):  # fmt: skip
    """Normal numbers of mean 0 and variance 1, with the shape and dtype of `input`."""
    check_device(device)
    d, order = dtype or input._spec.dtype, order_like(input, memory_format)
    normal = _drawn if order is None else _in_pairs
    return _finished(in_order(input._spec.shape, order, lambda shape: normal(rng_normal, generator, _UNIT, shape, d)), None, requires_grad)


def _integers(generator: Generator | None, low: int, high: int, shape: tuple[int, ...], d: dtype) -> Tensor:
    if d.category <= INTEGER:
        first, last = (0, 1) if d.category == BOOL else (iinfo(d).min, iinfo(d).max)
        for name, value in (("from", low), ("to - 1", high - 1)):
            if not first <= value <= last and low < high:
                raise RuntimeError(f"{name} is out of bounds for {C_WORDS.get(d.name, d.name)}")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return draw(rng_randint, generator, (low, high - 1), (shape, d))


@public(method=False)
def randint(
    low=None, high=None, size=None, *, generator: Generator | None = None, out: Tensor | None = None, dtype: dtype | None = None, layout=None,
    device=None, requires_grad: bool = False, pin_memory: bool = False,
):  # fmt: skip
    """Whole numbers from [low, high), or from [0, high): `randint(high, size)` or `randint(low, high, size)`. int64 unless said otherwise."""
    if size is None:
        low, high, size = 0, low, high
    elif low is None or high is None:
        low, high = 0, low if high is None else high
    if size is None or high is None:
        raise TypeError("randint() received an invalid combination of arguments: it takes (high, size) or (low, high, size)")
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, float):
            raise TypeError(f"randint(): argument '{name}' must be int, not float")
    check_device(device)
    t = _integers(generator, int(low), int(high), _shape((size,)), dtype or int64)
    return _finished(t, out, requires_grad)


@public(method=False)
def randint_like(
    input, low, high=None, *, generator: Generator | None = None, dtype: dtype | None = None, layout=None, device=None,
    requires_grad: bool = False, memory_format=None, pin_memory: bool = False,
):  # fmt: skip
    """Whole numbers from [low, high), or from [0, high), with the shape and dtype of `input`."""
    low, high = (0, low) if high is None else (low, high)
    d = dtype or input._spec.dtype
    t = in_order(input._spec.shape, order_like(input, memory_format), lambda shape: _integers(generator, int(low), int(high), shape, d))
    return _finished(t, None, requires_grad)


@public(method=False)
def randperm(
    n: int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: dtype = int64, layout=None, device=None,
    requires_grad: bool = False, pin_memory: bool = False,
):  # fmt: skip
    """0 … n - 1 in random order, int64 unless said otherwise. RuntimeError for a negative n."""
    if isinstance(n, float):
        raise TypeError("randperm(): argument 'n' (position 1) must be int, not float")
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    check_device(device)
    return _finished(draw(rng_randperm, generator, (), (int(n), dtype)), out, requires_grad)


@public(method=False)
def normal(
    mean=0.0, std=1.0, size=None, *, generator: Generator | None = None, out: Tensor | None = None, dtype: dtype | None = None,
    layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False,
):  # fmt: skip
    """Normal numbers. Of two numbers and a `size`; or `mean` or `std`, or both, are tensors that broadcast against each other.

    RuntimeError for a negative standard deviation. Nothing flows back: `distributions.Normal.rsample` is differentiable.
    """
    if not isinstance(std, Tensor) and std < 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    check_device(device)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        if size is None:
            raise TypeError("normal() of two numbers needs a size: normal(mean, std, size)")
        t = _drawn(rng_normal, generator, (float(mean), float(std)), _shape((size,)), dtype or get_default_dtype())
        return _finished(t, out, requires_grad)
    if isinstance(mean, Tensor) and isinstance(std, Tensor):
        shape = broadcast_shapes(mean._spec.shape, std._spec.shape)
        d = mean._spec.dtype
    else:
        tensor = mean if isinstance(mean, Tensor) else std
        shape, d = tensor._spec.shape, tensor._spec.dtype
    z = draw(rng_normal, generator, _UNIT, (shape, d))
    scale = std
    if isinstance(std, Tensor):
        scale = _where_it_holds(std.detach(), lt(std.detach(), 0.0), "normal expects all elements of std >= 0.0")
    found = add(mul(z, scale), mean.detach() if isinstance(mean, Tensor) else mean)
    for by in (mean, std):
        if isinstance(by, Tensor) and by._spec.requires_grad:
            found = chosen(found, by)
    return _finished(found, out, requires_grad)


def _where_it_holds(x: Tensor, wrong: Tensor, message: str) -> Tensor:
    """`x`, read together with a check: RuntimeError with `message` where `wrong` is true."""
    return where(lt(check_index(cast(wrong, dtype=int64), size=1, message=message, error="RuntimeError"), 1), x, 0.0)


def _check_p(p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    return float(p)


@public()
def bernoulli(input, p=None, *, generator: Generator | None = None, out: Tensor | None = None):
    """1 with the probability that `input` says at the same place, else 0; with `p`, 1 with probability p in the shape of `input`."""
    shape, d = input._spec.shape, input._spec.dtype
    if p is not None:
        return _finished(draw(rng_bernoulli, generator, (_check_p(p),), (shape, d)), out, False)
    if d.category != FLOAT:
        raise NotImplementedError(f'"bernoulli_tensor_cpu_p_" not implemented for \'{input.type()[6:-6]}\'')
    found = _of_probabilities(input.detach(), shape, d, generator)
    return _finished(chosen(found, input) if input._spec.requires_grad else found, out, False)


def _of_probabilities(p: Tensor, shape: tuple[int, ...], d: dtype, generator: Generator | None) -> Tensor:
    u = draw(rng_uniform, generator, _UNIT, (shape, float64 if p._spec.dtype is float64 else float32))
    wrong = logical_not(logical_and(ge(p, 0.0), le(p, 1.0)))
    return cast(lt(u, _where_it_holds(p, wrong, _NO_PROBABILITY)), dtype=d)


_NO_PROBABILITY = (
    "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request "
    "to PyTorch.)"
)


@public()
def multinomial(input, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Tensor | None = None):
    """Indices into the last dim, drawn with the weights that `input` (categories, or rows of them) gives them. int64.

    RuntimeError for weights that are negative or not finite, or for more samples without replacement than there are categories.
    """
    if input.dim() not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not input.is_floating_point():
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.type()[6:-6]}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    weights = input.detach()
    if weights._interpret is None:  # inside of vmap nobody can look
        largest, smallest = weights.max().item(), weights.min().item()
        if not (largest < math.inf and smallest >= 0):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        if not (weights.sum(-1) > 0).all():
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement or num_samples == 1:
        d = weights._spec.dtype
        q = div(weights, in_order(weights._spec.shape, order_like(input), lambda shape: draw(rng_exponential, generator, (1.0,), (shape, d))))
        found = q.argmax(-1, keepdim=True) if num_samples == 1 else q.topk(num_samples, -1)[1]
        return _finished(found, out, False)
    cumulative = weights.cumsum(-1)
    cumulative = cumulative / cumulative[..., -1:]
    u = draw(rng_uniform, generator, _UNIT, ((*weights._spec.shape[:-1], num_samples), float64))
    found = (cumulative[..., None, :-1] < u[..., None]).sum(-1)  # the first category whose cumulative weight is not below u
    return _finished(found, out, False)


# ---------------------------------------------------------------- filling a tensor


def _filled(t: Tensor, make: Make) -> Tensor:
    """Writes `make(shape)` into `t`."""
    return write(t, in_order(t._spec.shape, order_like(t), make))


def _in_pairs(op, generator: Generator | None, numbers: tuple[float, float], shape: tuple[int, ...], d: dtype) -> Tensor:
    """Normal numbers as PyTorch draws fewer than 16 of them, two at a time, whatever their number."""
    count = prod(shape)
    if count < (8 if d.category == COMPLEX else 16):
        return _drawn(op, generator, numbers, shape, d)
    # draws of fewer than 16 go on where the one before has stopped, in the middle of a pair too
    step = 7 if d.category == COMPLEX else 14
    return cat([_drawn(op, generator, numbers, (min(step, count - i),), d) for i in range(0, count, step)]).reshape(shape)


def _named(function: str, given: dict, low: Any, high: Any) -> tuple[Any, Any]:
    """`from` is a word of Python's: `t.uniform_(**{"from": 0})` is how it is given by name."""
    low = given.pop("from", low)
    if given:
        raise TypeError(f"{function}() got an unexpected keyword argument '{next(iter(given))}'")
    return low, high


@public(function=False)
def uniform_(self, low=0.0, to=1.0, *, generator: Generator | None = None, **given):
    """Fills itself with uniform numbers from [from, to)."""
    low, to = _named("uniform_", given, low, to)
    if low > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={to}")
    numbers, d = (float(low), float(to)), self._spec.dtype
    return _filled(self, lambda shape: _drawn(rng_uniform, generator, numbers, shape, d))


@public(function=False)
def normal_(self, mean=0.0, std=1.0, *, generator: Generator | None = None):
    """Fills itself with normal numbers. RuntimeError for a negative standard deviation.

    A tensor that is not contiguous is filled in pairs, as PyTorch fills one of fewer than 16 elements.
    """
    if std < 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    numbers, d = (float(mean), float(std)), self._spec.dtype
    normal = _drawn if self._parent is None or self.is_contiguous() else _in_pairs
    return _filled(self, lambda shape: normal(rng_normal, generator, numbers, shape, d))


# The largest whole number up to which a floating dtype has all of them.
_EXACT = {"float16": 1 << 11, "bfloat16": 1 << 8, "float32": 1 << 24, "float64": 1 << 53}


@public(function=False)
def random_(self, low=None, to=None, *, generator: Generator | None = None, **given):
    """Fills itself with whole numbers: of the dtype's whole range from 0 on, from [0, to), or from [from, to)."""
    low, to = _named("random_", given, low, to)
    d = self._spec.dtype
    if low is not None and to is None:
        low, to = 0, low
    if to is not None:
        low, to = int(low or 0), int(to)
        return _filled(self, lambda shape: _integers(generator, low, to, shape, d))
    if d.category == BOOL:
        last = 1
    elif d.category == FLOAT:
        last = _EXACT[d.name]
    elif d.category == INTEGER:
        last = (1 << 8 * d.itemsize - d.is_signed) - 1
    else:
        raise RuntimeError(f"random_ is not implemented for {d}")
    if WIDE_RANGE <= last < 1 << 32:
        # PyTorch takes 32 random bits for each number here, though it takes 64 for the same range given by `to`
        return _filled(self, lambda shape: draw(rng_words, generator, (), (shape, d)))
    return _filled(self, lambda shape: draw(rng_randint, generator, (0, last), (shape, d)))


@public(function=False)
def bernoulli_(self, p=0.5, *, generator: Generator | None = None):
    """Fills itself with 1 with probability `p`, a number or a tensor that broadcasts to its shape, else 0."""
    d = self._spec.dtype
    if isinstance(p, Tensor):
        return _filled(self, lambda shape: _of_probabilities(p.detach(), shape, d, generator))
    numbers = (_check_p(p),)
    return _filled(self, lambda shape: draw(rng_bernoulli, generator, numbers, (shape, d)))


@public(function=False)
def exponential_(self, lambd=1.0, *, generator: Generator | None = None):
    """Fills itself with exponentially distributed numbers of rate `lambd`."""
    if self._spec.dtype.category != FLOAT:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you specified "
            f"{self._spec.dtype.scalar_name}"
        )
    if not lambd > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    numbers, d = (float(lambd),), self._spec.dtype
    return _filled(self, lambda shape: draw(rng_exponential, generator, numbers, (shape, d)))


def _uniform64(generator: Generator | None, shape: tuple[int, ...]) -> Tensor:
    return draw(rng_uniform, generator, _UNIT, (shape, float64))


@public(function=False)
def cauchy_(self, median=0.0, sigma=1.0, *, generator: Generator | None = None):
    """Fills itself with numbers of a Cauchy distribution."""
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    d = self._spec.dtype

    def make(shape):
        angle = mul(sub(_uniform64(generator, shape), 0.5), math.pi)
        return cast(add(mul(tan(angle), float(sigma)), float(median)), dtype=d)

    return _filled(self, make)


@public(function=False)
def log_normal_(self, mean=1.0, std=2.0, *, generator: Generator | None = None):
    """Fills itself with numbers whose logarithms are normal with this mean and standard deviation."""
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    numbers, d = (float(mean), float(std)), self._spec.dtype
    return _filled(self, lambda shape: exp(_in_pairs(rng_normal, generator, numbers, shape, d)))


@public(function=False)
def geometric_(self, p, *, generator: Generator | None = None):
    """Fills itself with how many tries a success of probability `p` takes."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    d = self._spec.dtype

    def make(shape):
        tries = ceil(div(log(_uniform64(generator, shape)), math.log1p(-p)))
        return cast(tries, dtype=d)

    return _filled(self, make)


__all__ = [
    "bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm",
]  # fmt: skip
