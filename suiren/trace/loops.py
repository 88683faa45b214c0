"""Loops that go round another number of times every time: the steps of an episode, the words of a sentence.

Their recordings would be another program for every number of rounds. So the loops of programs that come for the first time are counted
(`note`); one that was seen with several numbers is cut from then on, where it is recorded anew: after some rounds, and where it ends (`ends_before`).
What is run then are the same few programs, however long the loop.

A round begins with an operation that is called: views are recorded when somebody reads them, many of them by one operation (`stack`), which cannot be
cut in the middle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from suiren.trace import binding, pending
from suiren.trace.op import Op
from suiren.trace.pending import Recording
from suiren.trace.period import MIN_STEPS, rounds_together, signature
from suiren.trace.trie import LEAF, OP, TrieNode

# A loop that went round so many different numbers of times varies. One of few rounds can have as many programs as there are numbers, and runs faster so.
VARIES, FEW = 4, 16
# Periods that are tried, the most frequent distances between equal transitions first.
_TRIED = 8
_MOST = 2000
_counts: dict[tuple, set[int] | None] = {}  # the transitions of a body -> the numbers of rounds it was seen with; None once it is cut
_varying: dict[tuple, list[Body]] = {}  # the last transition, and the last operation, of a body -> the bodies of loops that vary


class Body:
    """The transitions of a round; how many of them are there before the views that the next round reads first; how many rounds are run together."""

    def __init__(self, steps: tuple):
        self.steps = steps
        self.called = len(steps)
        while steps[self.called - 1][0] is OP and steps[self.called - 1][1].is_view:
            self.called -= 1
        self.rounds = rounds_together(len(steps))


def find_loops(steps: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """(start, period, rounds) of the repetitions of at least three rounds and `MIN_STEPS` steps, each with its smallest period. None is no step."""
    last: dict = {}
    distances: Counter = Counter()
    for i, step in enumerate(steps):
        if step in last:
            distances[i - last[step]] += 1
        last[step] = i
    found: list[tuple[int, int, int]] = []
    for period in sorted(p for p, _ in distances.most_common(_TRIED)):
        run = 0  # how many steps up to here equal the ones a period earlier
        for i in range(period, len(steps) + 1):
            if i < len(steps) and steps[i] is not None and steps[i] == steps[i - period]:
                run += 1
                continue
            start, rounds = i - run - period, run // period + 1
            if rounds >= 3 and rounds * period >= MIN_STEPS and not any(s <= start and start + run <= s + p * (n + 1) for s, p, n in found):
                found.append((start, period, rounds))
            run = 0
    return found


def note(end: TrieNode) -> None:
    """Counts the rounds of the loops in a recording that came for the first time."""
    steps = [step for step in end.path() if step.kind is not LEAF]
    if len(steps) < MIN_STEPS:
        return
    found = find_loops([None if step.scope else _wherever(step) for step in steps])
    for start, period, rounds in found:
        views = 0
        while views < period and (steps[start + views].kind is not OP or steps[start + views].is_view):
            views += 1
        if views == period:
            continue
        start += views
        if len(_counts) >= _MOST:
            _counts.clear()
        key = tuple(map(_wherever, steps[start : start + period]))
        counts = _counts.setdefault(key, set())
        if counts is None:
            continue
        counts.add(rounds)
        if len(counts) >= VARIES and max(counts) > FEW:
            _counts[key] = None
            _cut_from_now_on([steps[at : at + period] for at in range(start, start + (rounds - 1) * period, period)])


def _wherever(step: TrieNode) -> tuple:
    """What must be the same in every round: for a window, all but where it looks."""
    return signature(step)[: 2 if step.kind is OP and step.op.is_window else None]


def _cut_from_now_on(rounds: list[list[TrieNode]]) -> None:
    """The loop of these rounds varies. Windows that move with it are leaves from now on, if their memory is there, and no part of the body then."""
    body = [_wherever(step) for step in rounds[0]]
    moves = [step.line is not None and any(other.params != step.params for other in same) for step, *same in zip(*rounds)]
    for step, does in zip(rounds[0], moves):
        if does:
            binding.moves_at(step.op, (step.line.file, step.line.line))
    if len(_varying) >= _MOST:
        _varying.clear()
    for steps in {tuple(body), tuple(one for one, does in zip(body, moves) if not does)}:
        varying = Body(steps)
        for last in {steps[-1], steps[varying.called - 1]}:
            _varying.setdefault(last, []).append(varying)


def ends_before(rec: Recording, op: Op, params: tuple) -> bool:
    """Whether the recording is to be run before this operation, which it does not know: enough rounds of a loop that varies are recorded, or it has
    ended."""
    if not _varying or rec.scope or rec.period is not None or rec.packing is not None:
        return False
    step = _before_leaves(rec.node)
    if not step.depth:
        return False
    for body in _varying.get(_wherever(step), ()):
        if _ends_with(step, body.steps * body.rounds):
            pending.cut_at(step)
            return True
    while step.is_view:  # what this operation reads
        step = _before_leaves(step.parent)
    if not step.depth:
        return False
    for body in _varying.get(_wherever(step), ()):
        if body.steps[0][1:3] != (op, params) and _ends_with(step, body.steps[: body.called]):
            return True
    return False


def _before_leaves(node: TrieNode) -> TrieNode:
    """The last transition up to this one that reads no leaf."""
    while node.kind is LEAF:
        node = node.parent
    return node


def _ends_with(step: TrieNode, expected: tuple) -> bool:
    """Whether the transitions up to `step` end with the expected ones."""
    for one in reversed(expected):
        if not step.depth or step.scope or _wherever(step) != one:
            return False
        step = _before_leaves(step.parent)
    return True


pending.note_loops, pending.ends_before = note, ends_before
