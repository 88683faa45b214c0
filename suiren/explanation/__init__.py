"""Looking inside: what was recorded, what it was compiled to, what it costs."""

from __future__ import annotations

from collections.abc import Callable

from suiren.explanation.text import explanation_of
from suiren.trace import execution, pending


class Explanation(str):
    """The text; prints as itself in an interactive session."""

    def __repr__(self) -> str:
        return str(self)


def explain(function: Callable, *args, runs: int = 5, **kwargs) -> Explanation:
    """What `function(*args, **kwargs)` does: its programs with the recorded operations and the user's lines, the kernels they were fused to, with
    shapes, FLOPs, bytes and measured time, and the memory plan.

    The function is called until its programs repeat and are compiled, and then `runs` times with a clock on every kernel. What it changes (parameters,
    random numbers) it changes each time.
    """
    pending.finish()
    for _ in range(3):
        function(*args, **kwargs)
        pending.finish()
    with execution.timed() as times:
        for _ in range(runs):
            function(*args, **kwargs)
            pending.finish()
    return Explanation(explanation_of(times))


__all__ = ["Explanation", "explain"]
