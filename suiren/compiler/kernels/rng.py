"""Random numbers: one call draws the generator's outputs in order and moves its state on, another turns them into
numbers, on all threads.

Only the draw is sequential. The twist and the tempering are vectors all the same: an element of the state depends on
others at least 227 places away. What is drawn is what ops/rng.py says, number for number.
Source of the generator: M. Matsumoto, T. Nishimura, Mersenne Twister, ACM TOMACS 8 (1998).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.blocked import blocks
from suiren.compiler.kernels.words import Words
from suiren.compiler.program import Buffer, Call, Kernel, Ptr, Site
from suiren.dtypes import dtype, float32, float64, int64, uint32
from suiren.trace.trace import Number

N, M = 624, 397  # words of the state; how far apart the twist reaches
UPPER, LOWER, MATRIX = 0x80000000, 0x7FFFFFFF, 0x9908B0DF
USED, HAS_NORMAL, NORMAL = 624, 625, 626  # the fields behind the words
STATE_WORDS = 628
WIDE_RANGE = 1 << 28  # from this range on, randint takes 64 bits for a number
UNIT = 8192  # numbers in a unit, a multiple of 16


def calls(site: Site) -> list[Call]:
    return {"rng_randperm": _randperm, "rng_normal": _normal}.get(site.op.name, _simple)(site)


# ---------------------------------------------------------------- drawing


@dataclass(frozen=True)
class Draw:
    """The next outputs of a generator, tempered, and its state after them. One unit.

    How many outputs: `count` of the arguments ("fixed"), twice that for a wide range ("range"), or what fewer than 16
    normal numbers need ("normal").
    """

    count: str
    number_classes: tuple[str, ...] = ()  # of low and last, for "range"

    @property
    def words(self) -> Words:
        return Words(("state", "next", "words"), ("count", *(("low", "last") if self.count == "range" else ())))

    @property
    def kernel(self) -> Kernel:
        return Kernel("rng", ("draw", self.count, self.number_classes), self.emit)

    def emit(self, b: Builder) -> None:
        words = self.words
        state, following, out = (words.ptr(b, name) for name in ("state", "next", "words"))
        lanes = b.lanes(uint32)
        count = words.int(b, "count")
        if self.count == "range":
            size = _range(b, words, self.number_classes)[1]
            count = b.select(_is_wide(b, size), b.mul(count, 2), count)
        elif self.count == "normal":
            kept = b.convert(b.load(state, uint32, offset=HAS_NORMAL), int64)
            count = b.mul(b.shr(b.add(b.sub(count, kept), 1), 1), 4)  # two float64, of two outputs each, for a pair
        copied = N - N % lanes
        with b.loop(0, copied, lanes, unroll=1) as i:
            b.store(b.load(state, uint32, lanes, offset=i), following, offset=i)
        with b.loop(copied, STATE_WORDS, unroll=1) as i:
            b.store(b.load(state, uint32, offset=i), following, offset=i)
        used = b.var(b.convert(b.load(state, uint32, offset=USED), int64))
        drawn = b.var(b.i64(0))
        with b.while_(lambda: b.lt(drawn.get(), count)):
            with b.if_(b.ge(used.get(), N)):
                _twist(b, following, lanes)
                used.set(b.i64(0))
            take = b.minimum(b.sub(b.i64(N), used.get()), b.sub(count, drawn.get()))
            source, to = b.at(following, used.get(), uint32), b.at(out, drawn.get(), uint32)
            whole = b.and_(take, -lanes)
            with b.loop(0, whole, lanes, unroll=1) as i:
                b.store(_temper(b, b.load(source, uint32, lanes, offset=i)), to, offset=i)
            with b.loop(whole, take, unroll=1) as i:
                b.store(_temper(b, b.load(source, uint32, offset=i)), to, offset=i)
            used.set(b.add(used.get(), take))
            drawn.set(b.add(drawn.get(), take))
        b.store(b.convert(used.get(), uint32), following, offset=USED)


def _twist(b: Builder, state: Value, lanes: int) -> None:
    def new(i: Value | int, after: Value | int, other: Value | int, n: int) -> None:
        x, y, z = (b.load(state, uint32, n, offset=at) for at in (i, after, other))
        mixed = b.or_(b.and_(x, UPPER), b.and_(y, LOWER))
        odd = b.and_(b.neg(b.and_(y, 1)), MATRIX)
        b.store(b.xor(b.xor(z, b.shr(mixed, 1)), odd), state, offset=i)

    for begin, end, distance in ((0, N - M, M), (N - M, N - 1, M - N)):
        whole = begin + (end - begin) // lanes * lanes
        with b.loop(begin, whole, lanes, unroll=1) as i:
            new(i, b.add(i, 1), b.add(i, distance), lanes)
        with b.loop(whole, end, unroll=1) as i:
            new(i, b.add(i, 1), b.add(i, distance), 1)
    new(N - 1, 0, M - 1, 1)


def _temper(b: Builder, y: Value) -> Value:
    y = b.xor(y, b.shr(y, 11))
    y = b.xor(y, b.and_(b.shl(y, 7), 0x9D2C5680))
    y = b.xor(y, b.and_(b.shl(y, 15), 0xEFC60000))
    return b.xor(y, b.shr(y, 18))


def _draw(
    site: Site, count: str, n: int, words: int, numbers: dict | None = None, classes: tuple[str, ...] = ()
) -> tuple[Buffer, Call]:
    """`words`: the most that can be drawn."""
    (after,) = site.others
    state = site.inputs[0].ptr
    drawn = Buffer(4 * max(words, 1), "random words")
    draw = Draw(count, classes)
    args = draw.words.args({"state": state, "next": after.ptr, "words": Ptr(drawn), "count": n, **(numbers or {})})
    return drawn, Call(
        draw.kernel,
        args,
        1,
        [state.buffer],
        [after.ptr.buffer, drawn],
        traffic=4 * words,
        label=f"draw {words} random words",
    )


# ---------------------------------------------------------------- from outputs to numbers


def _random64(b: Builder, words: Value, i: Value, lanes: int = 1) -> Value:
    """Outputs 2i and 2i + 1 as one number of 64 bits (int64), the first one high."""
    x = b.load(words, int64, lanes, offset=i, align=4)
    low = b.and_(b.shr(x, 32), 0xFFFFFFFF)
    return b.or_(b.shl(x, 32), low)


def _uniform(b: Builder, words: Value, i: Value, lanes: int, d: dtype) -> Value:
    """Uniform numbers i, i + 1, … of [0, 1) in float32 or float64."""
    if d is float64:
        bits = b.and_(_random64(b, words, i, lanes), (1 << 53) - 1)
        return b.mul(b.convert(bits, float64), 2.0**-53)
    bits = b.and_(b.load(words, uint32, lanes, offset=i), (1 << 24) - 1)
    return b.mul(b.convert(bits, float32), 2.0**-24)


def _multiply_add(b: Builder, x: Value, y: Value, z: Value) -> Value:
    """x * y + z rounded once; y and z are scalars. In float32 by way of float64, to the bit what the NumPy rule
    does.
    """
    y, z = b.splat(y, x.lanes), b.splat(z, x.lanes)
    if x.dtype is float64:
        return b.fma(x, y, z)
    x, y, z = (b.convert(v, float64) for v in (x, y, z))
    return b.convert(b.add(b.mul(x, y), z), float32)


def _range(b: Builder, words: Words, classes: tuple[str, ...]) -> tuple[Value, Value]:
    """(low, how many numbers from low to last; 0 stands for 2^64)."""
    low, last = (words.number(b, name, _CLASSES[c], int64) for name, c in zip(("low", "last"), classes))
    return low, b.add(b.sub(last, low), 1)


def _is_wide(b: Builder, size: Value) -> Value:
    """Whether a range, without a sign and with 0 for 2^64, takes 64 bits."""
    return b.or_(b.lt(size, 1), b.ge(size, WIDE_RANGE))


_CLASSES = {cls.__name__: cls for cls in (bool, int, float)}


@dataclass(frozen=True)
class Convert:
    """Units: `UNIT` numbers each. `kind` is the op's name without its rng_; `computed` the dtype in which it
    computes.
    """

    kind: str
    computed: dtype
    result: dtype
    number_names: tuple[str, ...]
    number_classes: tuple[str, ...]

    @property
    def words(self) -> Words:
        return Words(("words", "result"), ("count", "first", *self.number_names))

    @property
    def kernel(self) -> Kernel:
        return Kernel(
            "rng", (self.kind, self.computed.name, self.result.name, self.number_names, self.number_classes), self.emit
        )

    def emit(self, b: Builder) -> None:
        words = self.words
        source, result, count = words.ptr(b, "words"), words.ptr(b, "result"), words.int(b, "count")
        if self.kind == "randint":
            return self._randint(b, words, source, result, count)
        numbers = [
            words.number(b, name, _CLASSES[c], self.computed) for name, c in zip(self.number_names, self.number_classes)
        ]
        if self.kind == "normal":
            return self._normal(b, words, source, result, count, *numbers)
        lanes = b.lanes(float32)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            begin = b.mul(unit, UNIT)
            end = b.minimum(b.add(begin, UNIT), count)
            whole = b.add(begin, b.and_(b.sub(end, begin), -lanes))
            for first, last, n in ((begin, whole, lanes), (whole, end, 1)):
                with b.loop(first, last, n, unroll=1) as i:
                    u = _uniform(b, source, i, n, self.computed)
                    b.store(b.convert(getattr(self, "_" + self.kind)(b, u, *numbers), self.result), result, offset=i)
        return None

    def _uniform(self, b: Builder, u: Value, low: Value, high: Value) -> Value:
        return _multiply_add(b, u, b.sub(high, low), low)

    def _bernoulli(self, b: Builder, u: Value, p: Value) -> Value:
        return b.lt(u, b.splat(p, u.lanes))

    def _exponential(self, b: Builder, u: Value, lambd: Value) -> Value:
        return b.mul(b.splat(b.div(b.like(-1.0, lambd), lambd), u.lanes), b.log1p(b.neg(u)))

    def _randint(self, b: Builder, words: Words, source: Value, result: Value, count: Value) -> None:
        low, size = _range(b, words, self.number_classes)
        is_wide = _is_wide(b, size)
        whole = b.eq(size, 0)
        low = b.select(whole, b.i64(0), low)

        def wide(i: Value) -> Value:
            x = _random64(b, source, i)
            return b.select(whole, x, _unsigned_remainder(b, x, size))

        def narrow(i: Value) -> Value:
            x = b.load(source, uint32, offset=i)
            return b.convert(b.trunc_rem(x, b.convert(size, uint32)), int64)

        with b.loop(b.begin, b.end, unroll=1) as unit:
            begin = b.mul(unit, UNIT)
            with b.loop(begin, b.minimum(b.add(begin, UNIT), count), unroll=1) as i:
                (x,) = b.choose(is_wide, lambda: [wide(i)], lambda: [narrow(i)])
                b.store(b.convert(b.add(x, low), self.result), result, offset=i)

    def _normal(
        self, b: Builder, words: Words, source: Value, result: Value, count: Value, mean: Value, std: Value
    ) -> None:
        """Blocks of 16; those at the end that are no whole block are made anew from the uniform numbers from `first`
        on, by the unit of the last block.
        """

        def block(uniform: Value, to: Value) -> None:
            u, angle = (_uniform(b, source, b.add(uniform, at), 8, self.computed) for at in (0, 8))
            radius = b.sqrt(b.mul(b.log(b.sub(b.like(1, u), u)), -2.0))
            angle = b.mul(angle, 2 * math.pi)
            for at, z in ((0, b.mul(radius, b.cos(angle))), (8, b.mul(radius, b.sin(angle)))):
                b.store(b.convert(_multiply_add(b, z, std, mean), self.result), result, offset=b.add(to, at))

        whole = b.and_(count, -16)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            begin = b.mul(unit, UNIT)
            with b.loop(begin, b.minimum(b.add(begin, UNIT), whole), 16, unroll=1) as i:
                block(i, i)
            # The whole blocks of this unit are written, and with them all that the last 16 places overlap.
            is_last = b.and_(b.lt(begin, whole), b.ge(b.add(begin, UNIT), whole))
            with b.if_(b.and_(is_last, b.lt(whole, count))):
                block(words.int(b, "first"), b.sub(count, 16))


def _unsigned_remainder(b: Builder, x: Value, y: Value) -> Value:
    """x mod y of int64 values read without a sign, y not 0. There is no uint64 among the dtypes."""
    # With y below 2^63: x = 2 h + l, and h mod y is a remainder of numbers with a sign. Above, x is less than twice y.
    half, low = b.and_(b.shr(x, 1), (1 << 63) - 1), b.and_(x, 1)
    r = b.trunc_rem(half, b.select(b.lt(y, 0), b.like(1, y), y))
    doubled = b.add(b.add(r, r), low)  # below 2 y, so without a sign
    small = b.select(_below(b, doubled, y), doubled, b.sub(doubled, y))
    large = b.select(_below(b, x, y), x, b.sub(x, y))
    return b.select(b.lt(y, 0), large, small)


def _below(b: Builder, x: Value, y: Value) -> Value:
    """x < y of int64 values read without a sign."""
    flip = -(1 << 63)
    return b.lt(b.xor(x, flip), b.xor(y, flip))


def _simple(site: Site) -> list[Call]:
    """Uniform, Bernoulli, exponential numbers and whole numbers: each from its own outputs."""
    out, kind = site.outputs[0], site.op.name.removeprefix("rng_")
    n = prod(out.shape)
    numbers, names, classes = _numbers(site)
    computed = float64 if kind != "uniform" or out.dtype is float64 else float32
    if kind == "randint":
        drawn, draw = _draw(site, "range", n, 2 * n, numbers, classes)
    else:
        count = n * (2 if computed is float64 else 1)
        drawn, draw = _draw(site, "fixed", count, count)
    return [draw, *_convert(site, Convert(kind, computed, out.dtype, names, classes), drawn, numbers, n, 0)]


def _numbers(site: Site) -> tuple[dict[str, int], tuple[str, ...], tuple[str, ...]]:
    """The Python numbers behind the state: their indices by name, their names and their classes."""
    found = {name: x for name, x in zip(site.op.inputs, site.inputs) if isinstance(x, Number)}
    return {name: x.index for name, x in found.items()}, tuple(found), tuple(x.cls.__name__ for x in found.values())


def _convert(site: Site, convert: Convert, drawn: Buffer, numbers: dict, n: int, first: int) -> list[Call]:
    out = site.outputs[0]
    args = convert.words.args({"words": Ptr(drawn), "result": out.ptr, "count": n, "first": first, **numbers})
    label = f"{site.op.name} {'x'.join(map(str, out.shape))}"
    return [
        Call(
            convert.kernel,
            args,
            blocks(n, UNIT),
            [drawn],
            [out.ptr.buffer],
            traffic=drawn.nbytes + n * out.dtype.itemsize,
            label=label,
        )
    ]


# ---------------------------------------------------------------- normal numbers


def _normal(site: Site) -> list[Call]:
    out = site.outputs[0]
    n = prod(out.shape)
    numbers, names, classes = _numbers(site)
    if n < 16:
        drawn, draw = _draw(site, "normal", n, 4 * blocks(n, 2))
        few = FewNormal(out.dtype, names, classes)
        state, after = site.inputs[0].ptr, site.others[0].ptr
        args = few.words.args(
            {"words": Ptr(drawn), "state": state, "next": after, "result": out.ptr, "count": n, **numbers}
        )
        # Where the new state takes the place of the old one, the fields that are read have the values they had.
        reads = [drawn, state.buffer, after.buffer]
        return [
            draw,
            Call(few.kernel, args, 1, reads, [out.ptr.buffer, after.buffer], traffic=4 * n, label=f"rng_normal {n}"),
        ]
    # A remainder takes 16 fresh numbers. Two-byte dtypes draw for whole blocks only before that.
    first = n if out.dtype.itemsize > 2 else n // 16 * 16
    count = first + (16 if n % 16 else 0)
    computed = float64 if out.dtype is float64 else float32
    words = count * (2 if computed is float64 else 1)
    drawn, draw = _draw(site, "fixed", words, words)
    return [draw, *_convert(site, Convert("normal", computed, out.dtype, names, classes), drawn, numbers, n, first)]


@dataclass(frozen=True)
class FewNormal:
    """Fewer than 16 normal numbers, in pairs; a second one that is left over goes into the state. One unit."""

    result: dtype
    number_names: tuple[str, ...]
    number_classes: tuple[str, ...]

    @property
    def words(self) -> Words:
        return Words(("words", "state", "next", "result"), ("count", *self.number_names))

    @property
    def kernel(self) -> Kernel:
        return Kernel("rng", ("few normal", self.result.name, self.number_names, self.number_classes), self.emit)

    def emit(self, b: Builder) -> None:
        words = self.words
        source, state, after, result = (words.ptr(b, name) for name in ("words", "state", "next", "result"))
        count = words.int(b, "count")
        mean, std = (
            words.number(b, name, _CLASSES[c], float64) for name, c in zip(self.number_names, self.number_classes)
        )

        def write(z: Value, i: Value) -> None:
            b.store(b.convert(_multiply_add(b, z, std, mean), self.result), result, offset=i)

        kept = b.convert(b.load(state, uint32, offset=HAS_NORMAL), int64)
        kept = b.select(b.gt(count, 0), kept, b.i64(0))
        with b.if_(b.gt(kept, 0)):
            write(b.load(b.at(state, NORMAL, uint32), float64, align=4), b.i64(0))
        with b.if_(b.gt(count, 0)):
            for field in (HAS_NORMAL, NORMAL, NORMAL + 1):
                b.store(b.const(0, uint32), after, offset=field)
        with b.loop(kept, count, 2, unroll=1) as i:
            first = b.sub(i, kept)
            u, v = (_uniform(b, source, b.add(first, k), 1, float64) for k in (0, 1))
            radius = b.sqrt(b.mul(b.log1p(b.neg(v)), -2.0))
            angle = b.mul(u, 2 * math.pi)
            write(b.mul(radius, b.cos(angle)), i)
            second, following = b.mul(radius, b.sin(angle)), b.add(i, 1)
            with b.if_else(b.lt(following, count)) as (inside, beyond):
                with inside:
                    write(second, following)
                with beyond:
                    b.store(b.const(1, uint32), after, offset=HAS_NORMAL)
                    b.store(second, b.at(after, NORMAL, uint32), align=4)


# ---------------------------------------------------------------- permutations


@dataclass(frozen=True)
class Shuffle:
    """0 … n - 1, place after place swapped with one drawn from those behind it. One unit; `places` is memory for n
    int64.
    """

    result: dtype

    @property
    def words(self) -> Words:
        return Words(("words", "places", "result"), ("count",))

    @property
    def kernel(self) -> Kernel:
        return Kernel("rng", ("shuffle", self.result.name), self.emit)

    def emit(self, b: Builder) -> None:
        words = self.words
        source, places, result = (words.ptr(b, name) for name in ("words", "places", "result"))
        count = words.int(b, "count")
        with b.loop(0, count) as i:
            b.store(i, places, offset=i)
        with b.loop(0, b.sub(count, 1), unroll=1) as i:
            drawn = b.convert(b.load(source, uint32, offset=i), int64)
            j = b.add(i, b.trunc_rem(drawn, b.sub(count, i)))
            x, y = b.load(places, int64, offset=i), b.load(places, int64, offset=j)
            b.store(y, places, offset=i)
            b.store(x, places, offset=j)
        if self.result is not int64:
            with b.loop(0, count) as i:
                b.store(b.convert(b.load(places, int64, offset=i), self.result), result, offset=i)


def _randperm(site: Site) -> list[Call]:
    out = site.outputs[0]
    n = out.shape[0]
    drawn, draw = _draw(site, "fixed", max(n - 1, 0), max(n - 1, 0))
    shuffle = Shuffle(out.dtype)
    if out.dtype is int64:
        places, scratch = out.ptr, []
    else:
        scratch = [Buffer(8 * max(n, 1), "places")]
        places = Ptr(scratch[0])
    args = shuffle.words.args({"words": Ptr(drawn), "places": places, "result": out.ptr, "count": n})
    return [
        draw,
        Call(
            shuffle.kernel,
            args,
            1,
            [drawn],
            [out.ptr.buffer],
            traffic=16 * n,
            scratch=scratch,
            label=f"rng_randperm {n}",
        ),
    ]


__all__ = ["calls"]
