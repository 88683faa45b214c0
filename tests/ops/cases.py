"""One line per op: what it is given, and what PyTorch calls it. check.py tests an op completely from its line."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Given(NamedTuple):
    """An input. `make(random, wide)` gives the array (float64 if `wide`, for finite differences), or a Python number."""

    make: Callable
    is_real: bool  # a float tensor: it has a gradient
    shape: tuple[int, ...] | None  # None: a number


def real(low: float = -2.0, high: float = 2.0, shape: tuple[int, ...] = (3, 4)) -> Given:
    """Floats from a range, away from its ends."""

    def make(random, wide):
        return random.uniform(low, high, shape).astype(np.float64 if wide else np.float32)

    return Given(make, True, shape)


def values(*numbers: float) -> Given:
    """These very floats: kinks, poles, infinities, NaN."""
    return Given(lambda random, wide: np.array(numbers, np.float64 if wide else np.float32), True, (len(numbers),))


def whole(low: int = -9, high: int = 10, shape: tuple[int, ...] = (3, 4), kind: str = "int64") -> Given:
    """Integers low … high - 1."""
    return Given(lambda random, wide: random.randint(low, high, shape).astype(kind), False, shape)


def these(*numbers, kind: str = "int64") -> Given:
    return Given(lambda random, wide: np.array(numbers, kind), False, np.shape(numbers))


def flags(shape: tuple[int, ...] = (3, 4)) -> Given:
    """Bools."""
    return Given(lambda random, wide: random.randint(0, 2, shape).astype(bool), False, shape)


def number(value) -> Given:
    """A Python number."""
    return Given(lambda random, wide: value, False, None)


class Case(NamedTuple):
    """`torch(t, *inputs)` is the same in PyTorch. `orders`: how many derivatives finite differences check (0 at kinks and for ops without).

    `exact`: both tiers, and PyTorch, give the same bits; else `ulp` units in the last place of float32.
    """

    op: str
    inputs: tuple[Given, ...]
    params: dict[str, Any]
    torch: Callable
    orders: int
    exact: bool
    ulp: int
    id: str

    def arrays(self, wide: bool = False) -> list:
        random = np.random.RandomState(zlib.crc32(self.id.encode()))
        return [given.make(random, wide) for given in self.inputs]


CASES: list[Case] = []


def case(op: str, /, *inputs: Given, torch: Callable | str = "", orders: int = 2, exact: bool = False, ulp: int = 4, **params) -> None:
    name = torch or op
    call = (lambda t, *x: getattr(t, name)(*x)) if isinstance(name, str) else name
    taken = sum(c.op == op for c in CASES)
    CASES.append(Case(op, inputs, params, call, orders, exact, ulp, op if not taken else f"{op}-{taken + 1}"))


NAN, INF = float("nan"), float("inf")
SPECIAL = (NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5)

# ---------------------------------------------------------------- creation

case("constant", torch=lambda t: t.full((2, 3), 7), orders=0, exact=True, value=7, shape=(2, 3), dtype="int64")
case("full", number(2.5), torch=lambda t, v: t.full((2, 3), v), orders=0, exact=True, shape=(2, 3), dtype="float32")
case("iota", torch=lambda t: t.arange(5), orders=0, exact=True, size=5)
case("cast", real(-200, 200), torch=lambda t, x: x.to(t.int32), orders=0, exact=True, dtype="int32")
case("cast", whole(), torch=lambda t, x: x.to(t.float32), orders=0, exact=True, dtype="float32")
case("cast", values(*SPECIAL), torch=lambda t, x: x.to(t.bool), orders=0, exact=True, dtype="bool")
case("cast", real(), torch=lambda t, x: x.to(t.float64), exact=True, dtype="float64")
case("copy", real(), torch="clone", exact=True)
case("stop_gradient", real(), torch="detach", orders=0, exact=True)
case("scale_gradient", real(), real(shape=(3, 1)), torch=lambda t, x, f: x.detach() + (x - x.detach()) * f.detach(), orders=0, exact=True)
case("check_index", whole(0, 5), torch="clone", orders=0, exact=True, size=5, message="{value} of {size}", error="IndexError")

# ---------------------------------------------------------------- arithmetic

for name in ("add", "sub", "mul"):
    case(name, real(), real(), exact=True)
    case(name, real(shape=(3, 1)), real(shape=(2, 1, 4)), exact=True)
    case(name, real(), number(1.5), exact=True)
    case(name, whole(), whole(kind="int32"), orders=0, exact=True)
    case(name, whole(), number(0.5), orders=0, exact=True)
case("add", flags(), flags(), orders=0, exact=True)
case("mul", flags(), flags(), orders=0, exact=True)
case("sub", number(1.5), real(), torch=lambda t, a, x: a - x, exact=True)
case("div", real(), real(0.5, 2), exact=True)
case("div", number(3.0), real(0.5, 2), torch=lambda t, a, x: t.div(t.tensor(a), x), exact=True)
case("div", real(), number(3), exact=True)
case("div", whole(), whole(1, 9), orders=0, exact=True)
case("div", values(1, 0, -1, 0, NAN), values(0, 0, 0, 1, 1), orders=0, exact=True)
case("neg", real(), exact=True)
case("reciprocal", real(0.5, 2), exact=True)
case("scale", real(), torch=lambda t, x: x * 0.3, exact=True, by=0.3)
case("sign", real(), exact=True)
case("sign", values(*SPECIAL), orders=0, exact=True)
case("sign", whole(-1, 2), orders=0, exact=True)
case("abs", real(), exact=True)
case("abs", values(*SPECIAL), orders=0, exact=True)
case("abs", whole(), orders=0, exact=True)
for name, call in (
    ("floor_divide", lambda t, x, y: t.div(x, y, rounding_mode="floor")),
    ("trunc_divide", lambda t, x, y: t.div(x, y, rounding_mode="trunc")),
    ("remainder", lambda t, x, y: t.remainder(x, y)),
    ("fmod", lambda t, x, y: t.fmod(x, y)),
):
    case(name, real(), real(0.5, 1.5), torch=call, orders=1, exact=True)
    case(name, whole(-9, 10), whole(1, 5), torch=call, orders=0, exact=True)
    case(name, whole(-9, 10), these([-3, 2, -1, 4]), torch=call, orders=0, exact=True)
    case(name, values(5, -5, 5, -5, 0, NAN), values(INF, INF, -3, 0, 0, 1), torch=call, orders=0, exact=True)
for name in ("floor", "ceil", "trunc", "round"):
    case(name, real(), orders=1, exact=True)
    case(name, values(0.5, 1.5, -0.5, -1.5, 2.5, NAN, INF), orders=0, exact=True)
    case(name, whole(), orders=0, exact=True)
for name in ("maximum", "minimum", "fmax", "fmin"):
    case(name, real(), real(), exact=True)
    case(name, values(1, NAN, 3, 0, NAN), values(1, 2, NAN, INF, NAN), orders=0, exact=True)
    case(name, whole(), whole(), orders=0, exact=True)
case("clamp", real(), number(-0.5), number(1.0), exact=True)
case("clamp", real(), real(-1, 0), real(0.2, 1), exact=True)
case("clamp", values(0, 0.5, 1, 2, NAN, INF), number(0.0), number(1.0), orders=0, exact=True)
case("clamp", whole(), number(-2), number(3.5), orders=0, exact=True)
case("clamp_min", real(), number(0.3), exact=True)
case("clamp_min", values(0, 1, NAN), values(0, 2, 1), orders=0, exact=True)
case("clamp_max", real(), number(0.3), exact=True)
case("clamp_max", values(0, 1, NAN), values(0, 2, 1), orders=0, exact=True)

# ---------------------------------------------------------------- powers

case("pow", real(0.3, 2), real(-1.5, 2), ulp=8)
case("pow", real(0.3, 2), number(2.7), ulp=8)
case("pow", number(2), real(-1, 1.5), torch=lambda t, a, x: a**x, ulp=8)
case("pow", values(0, 0, 1, 0, -1), values(0, 2, 0, -1, 3), orders=0, ulp=8)
case("pow", whole(-3, 4), these([0, 1, 2, 3]), orders=0, exact=True)
case("pow", these(2, 1, -1, 0, -1), these(-1, -2, -3, 3, -2), orders=0, exact=True)
for exponent in (0, 1, 2, 3, -1, -2, 0.5, -0.5):
    case("pow_const", real(0.4, 2), torch=lambda t, x, e=exponent: x**e, exponent=exponent)
case("pow_const", values(0, 1, 4, -1), torch=lambda t, x: x**0.5, orders=0, exponent=0.5)
case("pow_const", values(0, 1, 4, -1), torch=lambda t, x: x**2, orders=0, exact=True, exponent=2)
case("pow_const", whole(), torch=lambda t, x: x**3, orders=0, exact=True, exponent=3)

# ---------------------------------------------------------------- functions

case("exp", real(-5, 5))
case("exp", values(*SPECIAL, 88.0, 89.0, -104.0), orders=0)
case("exp2", real(-5, 5))
case("expm1", real())
case("expm1", values(*SPECIAL, 1e-7, -1e-7), orders=0)
for name in ("log", "log2", "log10"):
    case(name, real(0.2, 5))
    case(name, values(NAN, INF, 0, -1, 1, 1e-38), orders=0)
case("log", whole(1, 9), orders=0)
case("log1p", real(-0.7, 4))
case("log1p", values(*SPECIAL, 1e-7), orders=0)
case("sqrt", real(0.3, 4))
case("sqrt", values(*SPECIAL), orders=0, exact=True)
case("rsqrt", real(0.3, 4))
for name in ("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh"):
    case(name, real(-1.3, 1.3))
    case(name, values(*SPECIAL, 3.0, -3.0), orders=0, ulp=8)
for name in ("asin", "acos", "atanh"):
    case(name, real(-0.8, 0.8))
    case(name, values(1, -1, 2, NAN, 0), orders=0)
case("acosh", real(1.2, 4))
case("atan2", real(), real(0.3, 2))
case("atan2", values(0, 0, 1, -1, INF), values(1, -1, 0, 0, INF), orders=0)
case("sigmoid", real(-5, 5))
case("sigmoid", values(*SPECIAL, 100.0, -100.0), orders=0)
case("erf", real())
case("erf", values(*SPECIAL, 3.0, 1e-8), orders=0)
case("erfc", real(-2, 5))
case("erfinv", real(-0.9, 0.9), ulp=16)
case("erfinv", values(1, -1, 0, 2, NAN), orders=0)

# ---------------------------------------------------------------- activations

F = lambda name: lambda t, *x: getattr(t.nn.functional, name)(*x)
case("relu", real(), exact=True)
case("relu", values(*SPECIAL), orders=0, exact=True)
case("leaky_relu", real(), number(0.1), torch=F("leaky_relu"), exact=True)
case("leaky_relu", values(*SPECIAL), number(0.1), torch=F("leaky_relu"), orders=0, exact=True)
case("hardtanh", real(), number(-1.0), number(1.0), torch=F("hardtanh"), exact=True)
case("hardtanh", values(-1, 0, 1, 2, NAN), number(-1.0), number(1.0), torch=F("hardtanh"), orders=0, exact=True)
case("gelu", real(-1, 3), torch=F("gelu"), ulp=16)
case("gelu", values(0, 1, -1, NAN, 30.0, -30.0), torch=F("gelu"), orders=0, ulp=16)
case("softplus", real(-3, 3), number(1.5), number(20.0), torch=F("softplus"), ulp=8)
case("softplus", values(-100, 0, 19, 21, 100), number(1.0), number(20.0), torch=F("softplus"), orders=0, ulp=8)
case("logsigmoid", real(-3, 3), torch=F("logsigmoid"), ulp=8)
case("logsigmoid", values(-100, 0, 100), torch=F("logsigmoid"), orders=0, ulp=8)
case("elu", real(), number(1.2), number(1.0), number(1.0), torch=lambda t, x, a, s, i: t.nn.functional.elu(x, a), ulp=8)
case("elu", real(), number(1.6732632423543773), number(1.0507009873554805), number(1.0), torch=lambda t, x, *_: t.selu(x), ulp=8)
case("elu", values(0, 100, -100), number(1.0), number(1.0), number(1.0), torch=lambda t, x, *_: t.nn.functional.elu(x), orders=0)
case("threshold", real(), number(0.5), number(-2.0), torch=F("threshold"), exact=True)
case("xlogy", real(0.3, 2), real(0.3, 2), ulp=8)
case("xlogy", values(0, 0, 0, 1, 0), values(0, 2, -1, 0, NAN), orders=0)

# ---------------------------------------------------------------- comparisons, logic, choosing

for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    case(name, whole(-1, 2), whole(-1, 2), orders=0, exact=True)
    case(name, values(NAN, 1, 1, INF), values(NAN, NAN, 1, INF), orders=0, exact=True)
    case(name, whole(), number(0.5), orders=0, exact=True)
for name in ("isnan", "isinf", "isfinite"):
    case(name, values(*SPECIAL), orders=0, exact=True)
    case(name, whole(), orders=0, exact=True)
for name in ("logical_and", "logical_or", "logical_xor"):
    case(name, whole(-1, 2), values(0, 1, NAN, -0.0), orders=0, exact=True)
case("logical_not", whole(-1, 2), orders=0, exact=True)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    case(name, whole(), whole(), orders=0, exact=True)
    case(name, flags(), flags(), orders=0, exact=True)
case("bitwise_not", whole(), orders=0, exact=True)
case("bitwise_not", flags(), orders=0, exact=True)
case("bitwise_left_shift", whole(), whole(0, 5), orders=0, exact=True)
case("bitwise_right_shift", whole(-99, 99), whole(0, 5), orders=0, exact=True)
case("where", flags(), real(), real(), exact=True)
case("where", flags((4,)), real(shape=(3, 1)), number(0.5), exact=True)

# ---------------------------------------------------------------- reductions

for name in ("sum", "prod"):
    case(name, real(), torch=lambda t, x, n=name: getattr(t, n)(x), dims=(0, 1), keepdim=False, ulp=16)
    case(name, real(), torch=lambda t, x, n=name: getattr(t, n)(x, 1, keepdim=True), dims=(1,), keepdim=True, ulp=16)
    case(name, whole(), torch=lambda t, x, n=name: getattr(t, n)(x, 0), dims=(0,), keepdim=False, orders=0, exact=True)
case("sum", real(shape=(2, 3, 4)), torch=lambda t, x: x.sum((0, 2)), dims=(0, 2), keepdim=False, ulp=16)
case("sum", flags(), torch=lambda t, x: x.sum(), dims=(0, 1), keepdim=False, orders=0, exact=True)
case("prod", values(2, 0, 3), torch=lambda t, x: x.prod(), dims=(0,), keepdim=False, ulp=16)
case("prod", values(2, 0, 0, 3), torch=lambda t, x: x.prod(), dims=(0,), keepdim=False, ulp=16)
for name in ("amax", "amin"):
    case(name, real(), torch=lambda t, x, n=name: getattr(t, n)(x, 1), dims=(1,), keepdim=False, exact=True)
    case(name, real(), torch=lambda t, x, n=name: getattr(t, n)(x), dims=(0, 1), keepdim=False, exact=True)
    case(name, values(1, 2, 2, 1), torch=lambda t, x, n=name: getattr(t, n)(x, 0), dims=(0,), keepdim=False, orders=0, exact=True)
    case(name, values(1, NAN, 2), torch=lambda t, x, n=name: getattr(t, n)(x, 0), dims=(0,), keepdim=False, orders=0, exact=True)
    case(name, whole(), torch=lambda t, x, n=name: getattr(t, n)(x, 0), dims=(0,), keepdim=False, orders=0, exact=True)
for name in ("max", "min"):
    case(f"{name}_with_index", real(), torch=lambda t, x, n=name: tuple(getattr(t, n)(x, 1)), dims=(1,), keepdim=False, exact=True)
    case(f"{name}_with_index", whole(-2, 2), torch=lambda t, x, n=name: tuple(getattr(t, n)(x, 0)), dims=(0,), keepdim=False, orders=0, exact=True)
    case(f"{name}_with_index", values(1, NAN, 2, NAN), torch=lambda t, x, n=name: tuple(getattr(t, n)(x, 0)), dims=(0,), keepdim=False, orders=0, exact=True)
    case(f"arg{name}", whole(-2, 2), torch=lambda t, x, n=name: getattr(t, "arg" + n)(x, 1), dims=(1,), keepdim=False, orders=0, exact=True)
    case(f"arg{name}", real(), torch=lambda t, x, n=name: getattr(t, "arg" + n)(x), dims=(0, 1), keepdim=False, orders=0, exact=True)
    case(f"arg{name}", values(1, NAN, 2, NAN), torch=lambda t, x, n=name: getattr(t, "arg" + n)(x, 0), dims=(0,), keepdim=False, orders=0, exact=True)
for name in ("any", "all"):
    case(name, flags(), torch=lambda t, x, n=name: getattr(t, n)(x, 1), dims=(1,), keepdim=False, orders=0, exact=True)
    case(name, whole(0, 2), torch=lambda t, x, n=name: getattr(t, n)(x), dims=(0, 1), keepdim=False, orders=0, exact=True)

# ---------------------------------------------------------------- views

cube = real(shape=(2, 3, 4))
case("reshape", cube, torch=lambda t, x: x.reshape(6, 4), exact=True, shape=(6, 4))
case("permute", cube, torch=lambda t, x: x.permute(2, 0, 1), exact=True, dims=(2, 0, 1))
case("expand", real(shape=(3, 1)), torch=lambda t, x: x.expand(2, 3, 4), exact=True, shape=(2, 3, 4))
case("slice", cube, torch=lambda t, x: x[:, 1:3, ::2], exact=True, starts=(0, 1, 0), sizes=(2, 2, 2), steps=(1, 1, 2))
case("slice", cube, torch=lambda t, x: x[:, 3:], exact=True, orders=0, starts=(0, 3, 0), sizes=(2, 0, 4), steps=(1, 1, 1))
case("select", cube, torch=lambda t, x: x[:, 1], exact=True, dim=1, index=1)
case("diagonal", cube, torch=lambda t, x: x.diagonal(1, 1, 2), exact=True, offset=1, dim1=1, dim2=2)
case("diagonal", real(), torch=lambda t, x: x.diagonal(-1), exact=True, offset=-1, dim1=0, dim2=1)
case("flip", cube, torch=lambda t, x: x.flip(0, 2), exact=True, dims=(0, 2))
case("unfold", real(shape=(2, 7)), torch=lambda t, x: x.unfold(1, 3, 2), exact=True, dim=1, size=3, step=2)
case("as_strided", real(shape=(12,)), torch=lambda t, x: x.as_strided((3, 3), (2, 1), 1), exact=True, shape=(3, 3), strides=(2, 1), offset=1)
case("detach", real(), orders=0, exact=True)
case("alias", real(), torch=lambda t, x: x[...], exact=True)
case("leaf_version", real(), torch="detach", orders=0, exact=True)

# ---------------------------------------------------------------- placement

case("cat", real(shape=(2, 3)), real(shape=(2, 1)), real(shape=(2, 2)), torch=lambda t, *x: t.cat(x, 1), exact=True, dim=1)
case("cat", whole(shape=(2,)), real(shape=(3,)), torch=lambda t, *x: t.cat(x), orders=0, exact=True, dim=0)
case("view_write", real(), real(shape=(4,)), torch=lambda t, x, v: t.select_scatter(x, v, 0, 1), exact=True, op="select", op_params=(0, 1))
case(
    "view_write", real(), real(shape=(3, 2)), torch=lambda t, x, v: t.slice_scatter(x, v, 1, 0, 4, 2), exact=True,
    op="slice", op_params=((0, 0), (3, 2), (1, 2)),
)  # fmt: skip

# ---------------------------------------------------------------- products

case("matmul", real(shape=(3, 4)), real(shape=(4, 5)), ulp=32)
case("matmul", real(shape=(2, 3, 4)), real(shape=(2, 4, 5)), ulp=32)
case("matmul", real(shape=(3, 0)), real(shape=(0, 2)), orders=0, exact=True)
case("matmul", whole(shape=(3, 4)), whole(shape=(4, 2)), orders=0, exact=True)

# ---------------------------------------------------------------- places that are data

rows = these([0, 2, 1], [2, 2, 0])
case("take", real(), rows, torch=lambda t, x, i: x[i], exact=True, dim=0)
case("take", real(), these(3, 0), torch=lambda t, x, i: x[:, i], exact=True, dim=1)
case("index_add", real(), these(2, 0, 2), real(shape=(3, 4)), torch=lambda t, x, i, v: x.index_add(0, i, v), dim=0)
case("index_copy", real(), these(3, 1), real(shape=(3, 2)), torch=lambda t, x, i, v: x.index_copy(1, i, v), exact=True, dim=1)
case("gather", real(), these([0, 2, 1, 0], [1, 1, 1, 2]), torch=lambda t, x, i: x.gather(0, i), exact=True, dim=0)
case("scatter", real(), these([0, 3], [1, 2], [3, 0]), real(shape=(3, 2)), torch=lambda t, x, i, v: x.scatter(1, i, v), exact=True, dim=1)
case("scatter_add", real(), these([0, 0], [1, 2], [3, 3]), real(shape=(3, 2)), torch=lambda t, x, i, v: x.scatter_add(1, i, v), dim=1)
case("searchsorted", these(1, 3, 5), whole(0, 7), torch="searchsorted", orders=0, exact=True, right=False)
case("searchsorted", these([1, 3, 5], [2, 2, 4]), whole(0, 7, (2, 3)), torch=lambda t, e, v: t.searchsorted(e, v, right=True), orders=0, exact=True, right=True)

# ---------------------------------------------------------------- running results and order

case("cumsum", real(), torch=lambda t, x: x.cumsum(1), dim=1, ulp=8)
case("cumsum", whole(), torch=lambda t, x: x.cumsum(0), dim=0, orders=0, exact=True)
case("cumprod", real(), torch=lambda t, x: x.cumprod(1), dim=1, ulp=8)
case("cumprod", values(2, 0, 3, 0, 4), torch=lambda t, x: x.cumprod(0), dim=0, orders=1)
case("cummax", real(), torch=lambda t, x: tuple(x.cummax(1)), dim=1, exact=True)
case("cummax", values(1, 1, NAN, 3), torch=lambda t, x: tuple(x.cummax(0)), dim=0, orders=0, exact=True)
case("cummin", real(), torch=lambda t, x: tuple(x.cummin(0)), dim=0, exact=True)
case("sort", real(), torch=lambda t, x: tuple(x.sort(1)), dim=1, descending=False, exact=True)
case("sort", values(2, NAN, 1, 2), torch=lambda t, x: tuple(t.sort(x, dim=0, descending=True, stable=True)), dim=0, descending=True, orders=0, exact=True)

case("logcumsumexp", real(), torch=lambda t, x: x.logcumsumexp(1), dim=1, ulp=16)
case("logcumsumexp", values(-200, 0, 3, -INF, 90), torch=lambda t, x: x.logcumsumexp(0), dim=0, orders=0, ulp=16)
case("mode_place", whole(0, 3, (3, 7)), torch=lambda t, x: t.mode(x, 1).indices, dim=1, orders=0, exact=True)
case("mode_place", whole(0, 2, (4, 3)), torch=lambda t, x: t.mode(x, 0).indices, dim=0, orders=0, exact=True)

# ---------------------------------------------------------------- what meets at one place

places = these([0, 3], [1, 1], [3, 0])
for name in ("prod", "amax", "amin"):
    case(f"scatter_{name}", real(), places, real(shape=(3, 2)), torch=lambda t, x, i, v, n=name: x.scatter_reduce(1, i, v, n), exact=True, dim=1)
    case(
        f"scatter_{name}", values(1, 0, 2), these(0, 1, 1, 2), values(1, 0, 3, 2), torch=lambda t, x, i, v, n=name: x.scatter_reduce(0, i, v, n),
        orders=0, exact=True, dim=0,
    )  # fmt: skip

# ---------------------------------------------------------------- special functions

S = lambda name: lambda t, *x: getattr(t.special, name)(*x)
case("lgamma", real(0.3, 6), ulp=16)
case("lgamma", values(*SPECIAL, -1.5, -2.0, 200.0, 1e-20), orders=0, ulp=16)
case("polygamma", real(3.2, 8), torch="digamma", ulp=16, n=0)
case("polygamma", values(*SPECIAL, -1.5, -2.0, 12.0), torch="digamma", orders=0, ulp=64, n=0)
case("polygamma", real(0.4, 5), torch=lambda t, x: t.polygamma(2, x), ulp=64, n=2)
case("zeta", number(2.5), real(0.5, 4), torch=S("zeta"), ulp=32)
case("zeta", these(1, 2, 3, 0, 2), values(2, -1.5, 0, 2, NAN), torch=S("zeta"), orders=0, ulp=32)
for name in ("igamma", "igammac"):
    case(name, number(2.5), real(0.5, 5), torch=lambda t, a, x, n=name: getattr(t, n)(t.tensor(a, dtype=x.dtype), x), ulp=64)
    case(name, these(0, 1, 2, -1, 3, 300), values(1, 0, INF, 1, NAN, 290), torch=lambda t, a, x, n=name: getattr(t, n)(a.to(x.dtype), x), orders=0, ulp=64)
case("erfcx", real(-1, 4), torch=S("erfcx"), ulp=16)
case("erfcx", values(NAN, INF, 0, 30, 1.25, -3), torch=S("erfcx"), orders=0, ulp=16)
case("log_ndtr", real(-4, 2), torch=S("log_ndtr"), ulp=64)
case("log_ndtr", values(-30, 0, 5, NAN), torch=S("log_ndtr"), orders=0, ulp=64)
case("ndtri", real(0.1, 0.9), torch=S("ndtri"), ulp=64)
case("ndtri", values(0, 1, 2, NAN, 1e-20, 0.01), torch=S("ndtri"), orders=0, ulp=64)
for name in ("i0", "i0e", "i1", "i1e"):
    case(name, real(0.2, 3), torch=S(name), ulp=32)
    case(name, values(0, -1, 9, -9, NAN), torch=S(name), orders=0, ulp=32)
case("entr", real(0.3, 2), torch=S("entr"))
case("entr", values(*SPECIAL), torch=S("entr"), orders=0)
case("xlog1py", real(0.3, 2), real(0.3, 2), torch=S("xlog1py"), ulp=8)
case("xlog1py", values(0, 0, 0, 1, 0), values(0, 2, -1, 0, NAN), torch=S("xlog1py"), orders=0)
for name in (
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "spherical_bessel_j0",
):  # fmt: skip
    case(name, values(0.3, 1.5, 3, 6, 0, -1, -7, NAN), torch=S(name), orders=0, ulp=256)
for kind in "tuvw":
    case(f"chebyshev_polynomial_{kind}", real(-1.2, 1.2), whole(-1, 12), torch=S(f"chebyshev_polynomial_{kind}"), orders=0, ulp=256)
    case(f"chebyshev_polynomial_{kind}", values(1, -1, 0.5), number(7.5), torch=S(f"chebyshev_polynomial_{kind}"), orders=0, ulp=256)
    case(f"shifted_chebyshev_polynomial_{kind}", real(-0.2, 1.2), whole(-1, 12), torch=S(f"shifted_chebyshev_polynomial_{kind}"), orders=0, ulp=1024)
for name in ("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"):
    case(name, real(-1.2, 1.2), whole(-1, 8), torch=S(name), orders=0, ulp=256)
    case(name, values(1, -1, 0, 2), these(3, 4, 5, 6), torch=S(name), orders=0, ulp=256)

# ---------------------------------------------------------------- what a float is made of

case("frexp_mantissa", real(0.3, 5), torch=lambda t, x: t.frexp(x).mantissa, exact=True)
case("frexp_exponent", values(0, 1, 0.3, -8, 1e-40, 3e38), torch=lambda t, x: t.frexp(x).exponent, orders=0, exact=True)
case("nextafter", values(1, 0, -1, 2, NAN, INF), values(2, -1, -1, 0, 1, 0), orders=0, exact=True)
case("gcd", whole(), whole(), orders=0, exact=True)
