"""What a recording had come to before one of its operations failed: those before it count, as if each had been computed when it was called.

A program that fails has changed no leaf (compiler/passes/lower.py, runtime/waves.py). So the recording is taken back to where the operation was
called, and run to there.
"""

from __future__ import annotations

from suiren.runtime.buffers import Buffer
from suiren.trace import pending
from suiren.trace.storage import HELD, Stored
from suiren.trace.trie import OP, WRITE, TrieNode


class Past:
    """A recording as it was at an earlier node, in the form in which it is run. What it consists of is named as in `Recording`."""

    __slots__ = ("base", "buffers", "inference", "leaves", "numbers", "owners", "python", "snapshots", "values", "watched", "written")

    base: int
    values: list[Stored]
    leaves: list[Stored]
    buffers: list[Buffer]
    numbers: list
    written: list[tuple[Stored, int]]
    snapshots: list[tuple[int, Buffer]]
    owners: dict[int, Stored]
    watched: dict[int, Stored]
    python: dict[int, object]
    inference: int | None

    def reset(self) -> None:
        """The thread's recording has begun anew already."""


def salvage(recorded: Past, end: TrieNode, failed: int) -> None:
    """Runs what was recorded before the `failed`-th operation of the path to `end` that is computed. Raises what an earlier one raises.

    `recorded.values` are the tensors that are still alive. Those that were made later get no value; what was written later is as it was before.
    """
    path = end.path()
    node = [step for step in path if step.kind is OP and not step.op.passes][failed].parent
    earlier: dict[int, int] = {}  # slot that a storage took after `node` -> the one it had before
    for step in path[node.depth :]:
        if step.kind is WRITE:
            earlier[step.refs[1]] = step.refs[0]
        elif step.kind is OP and step.op.renews:
            earlier[step.out] = step.refs[0]

    def then(slot: int) -> int | None:
        while slot is not None and slot >= node.slots:
            slot = earlier.get(slot)
        return slot

    past, base = Past(), recorded.base
    past.base, past.inference = base, None
    past.leaves, past.buffers = recorded.leaves[: node.leaves], recorded.buffers[: node.leaves]
    past.numbers = recorded.numbers[: node.numbers]
    past.values, past.written = [], []
    for t in recorded.values:
        slot = then(t._id - base)
        if slot is not None:
            t._id = base + slot
            past.values.append(t)
    for t, leaf in recorded.written:
        slot = then(t._id - base)
        if slot is None or slot < 0:
            t._id = HELD
        else:
            t._id = base + slot
            past.written.append((t, leaf))
    past.snapshots = [(leaf, shared) for leaf, shared in recorded.snapshots if leaf < node.leaves]
    past.owners, past.watched, past.python = ({s: x for s, x in d.items() if s < node.slots} for d in (recorded.owners, recorded.watched, recorded.python))
    pending.run(past, node)


__all__ = ["Past", "salvage"]
