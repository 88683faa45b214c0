"""Numbers inside the expansion of a macro, which are computed anew at every replay."""

from __future__ import annotations

import operator
from collections.abc import Callable


def settle_numbers(numbers: list, first: int = 0) -> None:
    """Puts this time's values where an expansion left deferred numbers."""
    numbers[first:] = [n.value if type(n) is Deferred else n for n in numbers[first:]]


class Deferred:
    """A number inside the expansion of a macro (macros.py): at every replay it is computed anew from numbers that are known then.

    Arithmetic on it is deferred too. Nothing may be decided by its value: that would be structure.
    """

    __slots__ = ("compute", "index", "value")

    def __init__(self, value, compute: Callable[[list], object], index: int | None = None):
        self.value, self.compute = value, compute
        self.index = index  # into the numbers given at replay, if it is one of them

    def _derived(self, function, *others) -> Deferred:
        values = [o.value if isinstance(o, Deferred) else o for o in others]
        computes = [o.compute if isinstance(o, Deferred) else (lambda given, o=o: o) for o in others]
        return Deferred(function(*values), lambda given: function(*(c(given) for c in computes)))

    def __add__(self, other):
        return self._derived(operator.add, self, other)

    def __radd__(self, other):
        return self._derived(operator.add, other, self)

    def __sub__(self, other):
        return self._derived(operator.sub, self, other)

    def __rsub__(self, other):
        return self._derived(operator.sub, other, self)

    def __mul__(self, other):
        return self._derived(operator.mul, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._derived(operator.truediv, self, other)

    def __rtruediv__(self, other):
        return self._derived(operator.truediv, other, self)

    def __pow__(self, other):
        return self._derived(operator.pow, self, other)

    def __neg__(self):
        return self._derived(operator.neg, self)

    def __bool__(self):
        raise TypeError("a number that changes from step to step cannot decide what is recorded: make it a static parameter")

    __float__ = __int__ = __eq__ = __lt__ = __gt__ = __bool__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]
