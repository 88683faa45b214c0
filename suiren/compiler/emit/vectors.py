"""The part of the Builder that moves values between the lanes of vectors and reduces over them."""

from __future__ import annotations

from collections.abc import Callable

from suiren.compiler.emit.values import Value, llvm_type
from suiren.dtypes import dtype, int64


class Vectors:
    """Methods of Builder."""

    def shuffle(self, a: Value, b: Value | None, indices: list[int] | tuple[int, ...]) -> Value:
        """Lane k of the result is lane indices[k] of a followed by b; -1 leaves it undefined. One index gives a
        scalar."""
        if len(indices) == 1:
            i = indices[0]
            return self.extract(a, i) if i < a.lanes else self.extract(b, i - a.lanes)
        a = self._as_vector(a)
        second = f"{a.llvm} poison" if b is None else f"{a.llvm} {self._as_vector(b).ref}"
        chosen = ", ".join("i32 poison" if i < 0 else f"i32 {i}" for i in indices)
        n = len(indices)
        return self._value(f"shufflevector {a.llvm} {a.ref}, {second}, <{n} x i32> <{chosen}>", a.type, n, a.dtype)

    def _as_vector(self, x: Value) -> Value:
        if x.lanes != 1:
            return x
        llvm = f"<1 x {x.type}>"
        return Value(self._emit(f"insertelement {llvm} poison, {x.type} {x.ref}, i64 0"), x.type, 1, x.dtype, llvm)

    def concat(self, a: Value, b: Value) -> Value:
        """The lanes of a, then those of b (vectors or scalars of any lane counts)."""
        if a.lanes != b.lanes:
            return self.pack([*self.unpack(a), *self.unpack(b)])
        return self.shuffle(a, b, range(a.lanes + b.lanes))

    def slice(self, x: Value, begin: int, lanes: int) -> Value:
        """`lanes` lanes of x from `begin` on."""
        if begin == 0 and lanes == x.lanes:
            return x
        return self.shuffle(x, None, range(begin, begin + lanes))

    def extract(self, x: Value, i: int | Value) -> Value:
        """One lane, as a scalar."""
        if x.lanes == 1:
            return x
        at = f"i64 {i}" if i.__class__ is not Value else f"{i.llvm} {i.ref}"
        return self._value(f"extractelement {x.llvm} {x.ref}, {at}", x.type, 1, x.dtype, x.type)

    def insert(self, x: Value, scalar: Value, i: int | Value) -> Value:
        """x with lane i replaced."""
        if x.lanes == 1:
            return scalar
        at = f"i64 {i}" if i.__class__ is not Value else f"{i.llvm} {i.ref}"
        return self._value(
            f"insertelement {x.llvm} {x.ref}, {x.type} {scalar.ref}, {at}", x.type, x.lanes, x.dtype, x.llvm
        )

    def pack(self, scalars: list[Value]) -> Value:
        """A vector of these scalars."""
        if len(scalars) == 1:
            return scalars[0]
        first, lanes = scalars[0], len(scalars)
        llvm = llvm_type(first.type, lanes)
        if all(s.is_constant for s in scalars):
            text = "<" + ", ".join(f"{s.type} {s.ref}" for s in scalars) + ">"
            return Value(text, first.type, lanes, first.dtype, llvm)
        x = Value("poison", first.type, lanes, first.dtype, llvm)
        for i, s in enumerate(scalars):
            x = self.insert(x, s, i)
        return x

    def unpack(self, x: Value) -> list[Value]:
        """All lanes as scalars."""
        return [self.extract(x, i) for i in range(x.lanes)]

    def iota(self, dtype: dtype = int64, lanes: int = 1, start: int | Value = 0, step: int = 1) -> Value:
        """start, start + step, …: one number per lane."""
        if start.__class__ is Value:
            return self.add(self.splat(start, lanes), self.iota(dtype, lanes, 0, step))
        return self.pack([self.const(start + i * step, dtype) for i in range(lanes)])

    def hreduce(self, x: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """All lanes combined into one scalar, always in this order: the lower half with the upper half, until one is
        left.

        An odd last lane is combined last. `combine(x, y)` gets vectors and scalars.
        """
        rest = []
        while x.lanes > 1:
            half = x.lanes // 2
            if x.lanes % 2:
                rest.append(self.extract(x, x.lanes - 1))
            x = combine(self.slice(x, 0, half), self.slice(x, half, half))
        for last in reversed(rest):
            x = combine(x, last)
        return x

    def transposed(self, rows: list[Value]) -> list[Value]:
        """The columns of a square: as many vectors as a vector has lanes, a power of two.

        First elements are interleaved within every 16 bytes, then whole 16 bytes change places: the cheapest shuffles.
        """
        lanes = rows[0].lanes
        near = min(lanes, max(16 // rows[0].dtype.itemsize, 1))
        width = 1
        while width < lanes:
            # Of every stretch, one half goes into the first result, the other into the second, `width` lanes at a time.
            stretch = near if width < near else 2 * width
            found = list(rows)
            for i in range(lanes):
                if i & width:
                    continue
                for half in range(2):
                    order = []
                    for start in range(half * stretch // 2, lanes, stretch):
                        for v in range(start, start + stretch // 2, width):
                            order += [*range(v, v + width), *range(lanes + v, lanes + v + width)]
                    found[i + half * width] = self.shuffle(rows[i], rows[i + width], order)
            rows = found
            width *= 2
        # Interleaving leaves the columns of every 16 bytes in the order of their numbers' bits read backwards.
        bits = near.bit_length() - 1
        backwards = [int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(near)]
        return [rows[i - i % near + backwards[i % near]] for i in range(lanes)]

    def any(self, mask: Value) -> Value:
        """Whether a lane is true, as a scalar bool."""
        return mask if mask.lanes == 1 else self._fold("or", mask)

    def all(self, mask: Value) -> Value:
        """Whether every lane is true, as a scalar bool."""
        return mask if mask.lanes == 1 else self._fold("and", mask)

    def _fold(self, op: str, mask: Value) -> Value:
        return self._value(
            f"call i1 @llvm.vector.reduce.{op}.v{mask.lanes}i1({mask.llvm} {mask.ref})", "i1", 1, mask.dtype
        )

    def lane_mask(self, count: Value, lanes: int) -> Value:
        """The mask whose first `count` (i64) lanes are true, for what is left over at the end of a row."""
        return self.lt(self.iota(int64, lanes), self.splat(count, lanes))
