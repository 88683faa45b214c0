"""What a reduction carries round the loops of a loop kernel."""

from __future__ import annotations

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.emit.plan import Plan


class Accumulator:
    """`count` independent vectors (of a search: of values, and of their places) for each column, and a total."""

    def __init__(self, b: Builder, plan: Plan, instr: int, columns: int, lanes: int, count: int):
        self.b, i = b, plan.code[instr]
        self.combine, self.better = i.op.combine, i.op.better
        value = plan.code[i.args[0]].dtype
        start = [b.const(i.op.identity(value), value, lanes)]
        if self.better is not None:
            # Place 0 is right where nothing is better than the identity: then all elements are equal to it.
            start.append(b.const(0, plan.code[i.args[1]].dtype, lanes))
        self.identity = start[0]
        self.vars = [[[b.var(v) for v in start] for _ in range(count)] for _ in range(columns)]
        self.totals = None
        if plan.flush >= 0 and self.better is None:
            self.totals = [b.var(self.identity) for _ in range(columns)]

    def add(self, column: int, k: int, values: list[Value], mask: Value | None) -> None:
        """Combines one more element per lane into vector k; lanes outside of the mask stay as they are."""
        b, acc = self.b, self.vars[column][k]
        old = [v.get() for v in acc]
        values = [b.splat(v, old[0].lanes) for v in values]
        if self.better is None:
            x = values[0] if mask is None else b.select(mask, values[0], self.identity)
            acc[0].set(self.combine(b, old[0], x))
            return
        takes = self.better(b, values[0], old[0])
        if mask is not None:
            takes = b.and_(takes, mask)
        for var, x, best in zip(acc, values, old):
            var.set(b.select(takes, x, best))

    def merge(self, x: list[Value], y: list[Value]) -> list[Value]:
        """Both together. Of a search: the better one; of equal ones the one that comes first."""
        b = self.b
        if self.better is None:
            return [self.combine(b, x[0], y[0])]
        earlier = b.and_(b.not_(self.better(b, x[0], y[0])), b.lt(y[1], x[1]))
        takes = b.or_(self.better(b, y[0], x[0]), earlier)
        return [b.select(takes, new, old) for old, new in zip(x, y)]

    def _together(self, column: int) -> list[Value]:
        parts = [[v.get() for v in acc] for acc in self.vars[column]]
        while len(parts) > 1:
            pairs = [parts[k : k + 2] for k in range(0, len(parts), 2)]
            parts = [self.merge(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
        return parts[0]

    def fold(self) -> None:
        """Adds the vectors to the total and starts them anew."""
        if self.totals is None:
            return
        for column, total in enumerate(self.totals):
            total.set(self.combine(self.b, total.get(), self._together(column)[0]))
            for acc in self.vars[column]:
                acc[0].set(self.identity)

    def result(self, column: int, horizontal: bool) -> list[Value]:
        """The value, and of a search its place; `horizontal`: of all lanes together."""
        found = self._together(column)
        if self.totals is not None:
            found = self.merge([self.totals[column].get()], found)
        if not horizontal or found[0].lanes == 1:
            return found
        if self.better is None:
            return [self.b.hreduce(found[0], lambda x, y: self.combine(self.b, x, y))]
        while found[0].lanes > 1:
            half = found[0].lanes // 2
            found = self.merge(*([self.b.slice(v, at, half) for v in found] for at in (0, half)))
        return found
