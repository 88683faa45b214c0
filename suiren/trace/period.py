"""Where a recording ends that nobody looks at: a loop is cut at its own period, so that its body becomes the trace.

The bound on a recording alone would cut such a loop at a different phase every time, and every phase would be a new trace to compile.
"""

from __future__ import annotations

from suiren.trace import recording
from suiren.trace.liveness import History, alive
from suiren.trace.recording import Recording
from suiren.trace.trie import LEAF, TrieNode


def find_period(steps: list) -> tuple[int, int] | None:
    """(period, start) of a sequence whose end repeats at least three times; the smallest period. None if there is none."""
    n = len(steps)
    last = steps[-1]
    for p in range(1, n // 3 + 1):
        if steps[n - 1 - p] == last and steps[n - 2 * p :] == steps[n - 3 * p : n - p]:
            start = n - 3 * p
            while start > 0 and steps[start - 1] == steps[start - 1 + p]:
                start -= 1
            return p, start
    return None


def signature(step: TrieNode) -> tuple:
    """What of a transition must be the same in every round of a loop: all but the slots, which count on."""
    return step.kind, step.op, step.params, step.specs


def reached_bound(rec: Recording) -> None:
    """Runs a recording that grew to its bound, and has the following ones end where its period ends."""
    steps = [signature(step) for step in rec.node.path() if step.kind is not LEAF]
    found = find_period(steps)
    history = History(rec.node)
    base = rec.base
    # a graph that is still being built (a recurrent network's forward) is not cut into rounds
    building = any(t._spec.requires_grad and history.is_node(t._id - base) and t._id - base not in rec.node.freed for t in alive(rec.values))
    recording.finish()
    if found is not None and not building:
        period, start = found
        remaining = -(len(steps) - start) % period
        rec.period = (remaining or period, period)


recording.reached_bound = reached_bound
