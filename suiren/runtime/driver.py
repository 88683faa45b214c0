"""Driver: runs a program's calls, in one native call from Python."""

from __future__ import annotations


class CheckFailed(Exception):
    """A kernel found bad data (an index out of range). `node` is the trace node that its call computes, `value` the offending value."""

    def __init__(self, node: int, value: int):
        super().__init__(f"node {node} found bad data: {value}")
        self.node, self.value = node, value
