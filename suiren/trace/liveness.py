"""What of a recording somebody can still reach when it ends, and what a graph that may still run backward has to keep.

A recording holds every tensor it made (`Recording.values`); one that only the recording holds is dead. CPython's reference counts tell, in one
call per tensor and exactly at that moment; weak references would tell the same and cost 90 ns more for every operation recorded
(docs/internals/decisions/001-liveness-by-reference-counts.md).
"""

from __future__ import annotations

import sys

from suiren.trace.storage import Stored
from suiren.trace.trie import LEAF, OP, TrieNode


def _baseline() -> int:
    """What getrefcount says of an object that only a list holds, asked as `alive` asks."""
    values = [object()]
    return [sys.getrefcount(t) for t in values][0]


_HELD_BY_LIST = _baseline()


def alive(values: list[Stored]) -> list[Stored]:
    """The tensors that somebody besides this list holds."""
    count, baseline = sys.getrefcount, _HELD_BY_LIST
    return [t for t in values if count(t) > baseline]


def mark_inference(values: list[Stored], start: int) -> None:
    """Notes of the tensors from `start` on that somebody holds that they were made in inference mode."""
    count, baseline = sys.getrefcount, _HELD_BY_LIST + 1  # they stand in two lists now
    for t in [t for t in values[start:] if count(t) > baseline]:
        t._inference = True


class History:
    """The graph in the path of a recording: which transition made a slot, and what it needs to run backward."""

    def __init__(self, end: TrieNode):
        self.end = end
        self.path = end.path()
        self.producer: dict[int, TrieNode] = {}
        self.leaf_specs: list = []
        # slot -> (depth of the write, whether it counts as a version, the new slot) for what an in-place write has replaced
        self.overwritten: dict[int, tuple[int, bool, int]] = {}
        for step in self.path:
            if step.kind is OP:
                for i in range(len(step.specs)):
                    self.producer[step.out + i] = step
                if step.op.renews:
                    self.overwritten[step.refs[0]] = (step.depth, False, step.out)
            elif step.kind is LEAF:
                self.leaf_specs.append(step.spec)
            elif step.op is None and step.kind == "write":
                self.overwritten[step.refs[0]] = (step.depth, not step.params, step.refs[1])

    def spec(self, ref: int):
        if ref < 0:
            return self.leaf_specs[-1 - ref]
        step = self.producer[ref]
        return step.specs[ref - step.out]

    def is_node(self, ref: int) -> bool:
        """Whether a gradient rule stands behind this slot."""
        if ref < 0:
            return False
        step = self.producer[ref]
        if step.op.grad is None or not step.specs[ref - step.out].requires_grad:
            return False
        return not step.is_view or self.spec(step.refs[0]).requires_grad  # else it is a view that was made a leaf

    def needed_by(self, step: TrieNode) -> list[int]:
        """The slots whose values the gradient rule of `step` asks for, by the names of its parameters; none if they were packed."""
        return [] if step.packs else self.saved_by(step)

    def saved_by(self, step: TrieNode) -> list[int]:
        """The same, packed or not."""
        needed = []
        op = step.op
        for name in op.grad_needs:
            if name == "out":
                needed.append(self.current(step, step.out))
            elif name[:3] == "out" and name[3:].isdigit():
                needed.append(self.current(step, step.out + int(name[3:])))
            elif name in op.inputs:
                ref = step.refs[op.inputs.index(name)]
                if isinstance(ref, int):
                    needed.append(self.current(step, ref))
        return needed

    def current(self, step: TrieNode, ref: int) -> int:
        """Where the value that a step saved stands now: a write through `.data` is not seen by autograd, which computes with what is there."""
        written = self.overwritten.get(ref)
        while written is not None and not written[1] and written[0] > step.depth:
            ref = written[2]
            written = self.overwritten.get(ref)
        return ref

    def again(self, slots: list[int], freed: frozenset[int]) -> list[TrieNode]:
        """The freed nodes behind those slots whose backward can run again all the same, because no rule on the way needs a value."""
        found = []
        for slot in slots:
            if slot not in freed:
                continue
            nodes, stack, seen = [], [slot], set()
            while stack:
                step = self.producer[stack.pop()]
                if step.out in seen:
                    continue
                seen.add(step.out)
                if self.saved_by(step) and step.out in freed:
                    break
                nodes.append(step)
                stack.extend(r for r in step.refs if isinstance(r, int) and self.is_node(r))
            else:
                found += nodes
        return found

    def behind(self, slots: list[int], freed: frozenset[int]) -> tuple[list[TrieNode], list[int]]:
        """(the graph nodes that backward from `slots` passes, the slots they need, sorted)."""
        seen: set[int] = set()
        nodes, needed = [], set()
        stack = [s for s in slots if self.is_node(s) and s not in freed]
        while stack:
            slot = stack.pop()
            step = self.producer[slot]
            if step.out in seen:
                continue
            seen.add(step.out)
            nodes.append(step)
            needed.update(self.needed_by(step))
            stack.extend(r for r in step.refs if isinstance(r, int) and self.is_node(r) and r not in freed)
        return nodes, sorted(needed)
