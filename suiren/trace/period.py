"""Where a recording ends that nobody looks at: a loop is cut at its own period, so that its body becomes the trace.

The bound on a recording alone would cut such a loop at a different phase every time, and every phase would be a new trace to compile.
"""

from __future__ import annotations

from suiren.trace import pending
from suiren.trace.liveness import History, alive
from suiren.trace.pending import Recording
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


# A program of fewer transitions is not worth a call: a short loop is cut after several rounds.
MIN_STEPS = 48


def rounds_together(period: int) -> int:
    """How many rounds of a loop are one program."""
    return max(1, -(-MIN_STEPS // period))


class Period:
    """A loop that is being cut: the transitions that the next part must have, and those of a whole part."""

    def __init__(self, expected: list[tuple], whole: list[tuple]):
        self.expected, self.whole = expected, whole
        self.steps = len(expected)

    def ends_at(self, node: TrieNode) -> bool:
        """Whether the recording that came to `node` is the part that was expected."""
        return [signature(step) for step in node.path() if step.kind is not LEAF] == self.expected

    def next(self) -> Period:
        return Period(self.whole, self.whole)


def reached_bound(rec: Recording) -> None:
    """Runs a recording that grew to its bound, and has the following ones end where its period ends."""
    steps = [signature(step) for step in rec.node.path() if step.kind is not LEAF]
    found = find_period(steps)
    history = History(rec.node)
    base = rec.base
    # a graph that is still being built (a recurrent network's forward) is not cut into rounds
    building = any(
        t._spec.requires_grad and history.is_node(t._id - base) and t._id - base not in rec.node.freed for t in alive(rec.values)
    )
    pending.finish()
    if found is not None and not building:
        period, start = found
        rounds = rounds_together(period)
        whole = steps[start : start + period]
        done = (len(steps) - start) % period
        rec.period = Period(whole[done:] if done else whole * rounds, whole * rounds)


pending.reached_bound = reached_bound
