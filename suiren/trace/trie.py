"""The trie of known traces. A recording is a walk from a root; every step is one transition that a recording makes.

    op       an operation: inputs (slots of this recording, or classes of Python numbers), static parameters -> the slots of its outputs
    leaf     a storage that already has data is read for the first time: it gets the next negative slot
    write    an in-place write: what a slot held is now held by another
    mode     gradients are switched on or off
    macro    a whole expansion (backward, an optimizer's step) at once, see macros.py

Only op transitions stand on the fast path; the others have `op` NONE, so they never match there.
"""

from __future__ import annotations

from suiren.trace.op import Op
from suiren.trace.spec import Spec
from suiren.trace.trace import Line, Node, Number, Trace

LEAF, WRITE, MODE, OP, START = "leaf", "write", "mode", "op", "start"


class TrieNode:
    """What a recording is after a transition. Fields past `children` never change once made."""

    __slots__ = (
        "a", "b", "bytes", "children", "cut", "depth", "ends", "freed", "is_view", "kind", "leaves", "likely", "line", "macros",
        "numbers", "op", "out", "packs", "params", "parent", "refs", "scope", "slots", "spec", "specs", "used", "windows",
    )  # fmt: skip

    likely: TrieNode  # the transition that followed last time
    children: dict[tuple, TrieNode]
    macros: dict[tuple, object] | None
    ends: dict[tuple, object] | None  # the programs of recordings that ended here, by what was still reachable
    cut: bool  # a recording ends here: the end of a loop's period
    used: int  # when it was last the end of a recording
    windows: dict | None  # where views looked that were read here first, to tell which of them move (binding.py)

    kind: str
    op: Op | None
    refs: tuple  # op: inputs; write: (what was, what is); leaf: ()
    params: tuple
    a: object  # the first two of refs, for the fast path
    b: object
    out: int  # the slot of the first output
    specs: tuple[Spec, ...]
    spec: Spec | None
    is_view: bool
    freed: frozenset[int]  # slots whose graph backward has consumed
    packs: bool  # what its gradient rule needs is kept by the user's `saved_tensors_hooks`, not by the graph
    slots: int  # so far, this transition included
    leaves: int
    numbers: int
    bytes: int
    depth: int

    def __init__(self, parent: TrieNode | None, kind: str, op=None, refs=(), params=(), specs=(), line=None, scope="", numbers=0):
        self.parent, self.kind, self.op, self.refs, self.params, self.specs = parent, kind, op, refs, params, specs
        self.a = refs[0] if refs else None
        self.b = refs[1] if len(refs) > 1 else None
        self.spec = specs[0] if specs else None
        self.line, self.scope = line, scope
        self.children, self.macros, self.ends, self.windows, self.cut, self.used = {}, None, None, None, False, 0
        self.is_view = op is not None and op.is_view
        self.likely, self.packs = NEVER, False
        if parent is None:
            self.slots = self.leaves = self.numbers = self.bytes = self.depth = self.out = 0
            self.freed = frozenset()
            return
        is_op = kind is OP
        self.out = parent.slots
        self.slots = parent.slots + (len(specs) if is_op else 0)
        self.leaves = parent.leaves + (kind is LEAF)
        self.numbers = parent.numbers + numbers
        self.bytes = parent.bytes + (sum(s.nbytes for s in specs) if is_op and not self.is_view else 0)
        self.depth = parent.depth + 1
        self.freed = parent.freed

    def path(self) -> list[TrieNode]:
        """The transitions from the start to here."""
        found, node = [], self
        while node.parent is not None:
            found.append(node)
            node = node.parent
        return found[::-1]

    def __repr__(self) -> str:
        return f"<{self.kind} {self.op or ''} {self.refs} {self.params or ''} -> {self.specs}>"


NEVER: TrieNode = object.__new__(TrieNode)  # what follows where nothing is expected: its op is no op
NEVER.op = NEVER.kind = NEVER.a = NEVER.b = None

# A recording starts at one of these, by whether gradients are on.
ROOTS = {True: TrieNode(None, START), False: TrieNode(None, START)}


def build_trace(end: TrieNode, outputs: tuple[int, ...], writes: tuple[tuple[int, int], ...], name: str = "") -> Trace:
    """The Trace of the recording that ended at `end`. Slots become value ids: leaf -1-j is value j, slot k is value leaves + k."""
    shift = end.leaves
    number = 0
    same: dict[int, int] = {}  # what only passes through a step of the graph
    leaves, nodes, numbers = [], [], []
    for step in end.path():
        if step.kind is LEAF:
            leaves.append(step.spec)
        elif step.kind is OP and step.op.passes:
            for i in range(len(step.specs)):
                v = value_id(step.refs[i], shift)
                same[shift + step.out + i] = same.get(v, v)
        elif step.kind is OP:
            inputs = []
            for ref in step.refs:
                if isinstance(ref, int):
                    v = value_id(ref, shift)
                    inputs.append(same.get(v, v))
                else:
                    inputs.append(Number(number, ref))
                    numbers.append(ref)
                    number += 1
            out = tuple(range(shift + step.out, shift + step.slots))
            nodes.append(Node(step.op, tuple(inputs), step.params, out, step.specs, step.line, step.scope))
    def value(slot: int) -> int:
        v = value_id(slot, shift)
        return same.get(v, v)

    return Trace(
        tuple(leaves), tuple(numbers), tuple(nodes), tuple(value(s) for s in outputs), tuple((-1 - leaf, value(s)) for leaf, s in writes), name
    )


def value_id(ref: int, leaves: int) -> int:
    return -1 - ref if ref < 0 else leaves + ref


_size = 0
MAX_NODES = 400_000


def grown(node: TrieNode) -> TrieNode:
    """Counts a new node; the least recently used branches go when there are too many."""
    global _size
    _size += 1
    if _size > MAX_NODES:
        _evict()
    return node


def _evict() -> None:
    """Drops the least recently used half of the roots' branches (programs whose traces never repeat must not grow without bound)."""
    global _size
    branches = []
    for root in ROOTS.values():
        for key, child in root.children.items():
            newest = count = 0
            stack = [child]
            while stack:
                node = stack.pop()
                newest, count = max(newest, node.used), count + 1
                stack.extend(node.children.values())
            branches.append((newest, count, root, key))
    branches.sort(key=lambda b: b[0])
    _size = sum(count for _, count, _, _ in branches)  # what grew on branches that were dropped is gone with them
    for _, count, root, key in branches:
        if _size <= MAX_NODES // 2:
            break
        if root.likely is root.children.pop(key):
            root.likely = NEVER
        _size -= count


__all__ = ["LEAF", "MODE", "NEVER", "OP", "ROOTS", "START", "WRITE", "Line", "TrieNode", "build_trace", "grown", "value_id"]
