"""The interpreter: what a trace means. Node by node with NumPy; the compiler is tested against it, and it against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from suiren.trace.trace import Node, Number, Trace


class NodeFailed(Exception):
    """An operation's data were bad (an index out of range). `node` is its place in the trace, the cause is the user's exception."""

    def __init__(self, node: int, cause: Exception):
        super().__init__(str(cause))
        self.node, self.cause = node, cause


@np.errstate(all="ignore")  # an overflow is an infinity, as in machine code
def run(
    trace: Trace, arrays: list[np.ndarray], numbers: tuple, stop_at_nan: bool = False, clock: Callable[[Node, float], None] | None = None
) -> list[np.ndarray]:  # fmt: skip
    """The values of `trace.outputs`, then those of `trace.writes`, each contiguous and sharing memory with nothing.

    `arrays` are the leaves, which are only read. `stop_at_nan`: FloatingPointError at the first node that makes a NaN or an infinity.
    `clock` is told how many seconds each node took.
    """
    last_use = {v: i for i, node in enumerate(trace.nodes) for v in node.inputs if not isinstance(v, Number)}
    wanted = [*trace.outputs, *(value for _, value in trace.writes)]
    last_use.update(dict.fromkeys(wanted, len(trace.nodes)))
    values: dict[int, np.ndarray] = dict(enumerate(arrays))
    specs = trace.specs()
    for i, node in enumerate(trace.nodes):
        if not any(v in last_use for v in node.outputs):
            continue  # nobody looks at it
        inputs = [numbers[v.index] if isinstance(v, Number) else values[v] for v in node.inputs]
        kinds = tuple(v.cls if isinstance(v, Number) else specs[v] for v in node.inputs)
        start = perf_counter() if clock is not None else 0.0
        try:
            results = node.op.interpret(inputs, kinds, node.params, node.specs)
            if stop_at_nan and not all(np.isfinite(r).all() for r in results if r.dtype.kind in "fc"):
                raise FloatingPointError("the result has a NaN or an infinity")
        except Exception as cause:
            raise NodeFailed(i, cause) from cause
        if clock is not None:
            clock(node, perf_counter() - start)
        values.update(zip(node.outputs, results))
        for v in (*node.inputs, *node.outputs):  # let go of what nobody reads any more
            if not isinstance(v, Number) and last_use.get(v, -1) <= i:
                values.pop(v, None)
    results, given = [], {id(a) for a in arrays}
    for v in wanted:
        a = np.ascontiguousarray(values[v]).reshape(specs[v].shape)  # ascontiguousarray makes 0-dim arrays 1-dim
        if id(values[v]) in given or a.base is not None or not a.flags.writeable:
            a = a.copy()
        given.add(id(a))
        results.append(a)
    return results
