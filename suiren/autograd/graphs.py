"""Graphs as a backward pass sees them: of the recording that is pending (`Live`), of one that has run (`Kept`), and values that were changed since."""

from __future__ import annotations

from suiren.autograd import node
from suiren.trace import recording
from suiren.trace.execution import Graph
from suiren.trace.liveness import History
from suiren.trace.pending import Recording, local
from suiren.trace.spec import Spec
from suiren.trace.storage import Stored, adopt, awaiting, new
from suiren.trace.trie import TrieNode


class Live:
    """The graph of the recording that is still pending, under the same face as a `Graph`."""

    def __init__(self, rec: Recording):
        self.rec, self.base = rec, rec.base
        self.history = History(rec.node)
        self.freed = set(rec.node.freed)
        self.watched, self.python, self.leaves, self.owners = rec.watched, rec.python, rec.leaves, rec.owners
        self.sequence = float("inf")

    def tensor(self, ref: int) -> Stored | None:
        """The user's tensor behind a leaf, or behind a slot that is an autograd leaf's new version."""
        return self.leaves[-1 - ref] if ref < 0 else self.owners.get(ref)

    def origin(self, ref: int) -> tuple[Graph, int] | None:
        """(graph, slot) of the earlier graph that made a leaf; None of an autograd leaf."""
        return self.leaves[-1 - ref]._graph if ref < 0 else None

    def value(self, step: TrieNode, ref: int) -> Stored:
        """A tensor of what the slot holds, for a gradient rule."""
        ref = self.history.current(step, ref)
        written = self.history.overwritten.get(ref)
        if written is not None and written[1] and written[0] > step.depth:
            return _modified(self, step, ref, *self._versions(ref))
        return awaiting(recording._TENSOR, self.base + ref, self.history.spec(ref))

    def _versions(self, ref: int) -> tuple[int, int]:
        """(the version of the storage that the slot is, the storage's version now)."""
        writes = {s.refs[0]: s.refs[1] for s in self.history.path if s.kind == "write" and not s.params}
        before, back = 0, {new: old for old, new in writes.items()}
        first, last, after = ref, ref, 0
        while first in back:
            first, before = back[first], before + 1
        while last in writes:
            last, after = writes[last], after + 1
        now = self.leaves[-1 - first]._version if first < 0 else before + after
        return now - after, now


class Kept:
    """The graph of a recording that has run."""

    def __init__(self, graph: Graph):
        self.graph, self.history = graph, graph.history
        self.freed, self.watched, self.python, self.sequence = graph.freed, graph.watched, graph.python, graph.sequence
        self.base = graph.base
        self.read: dict[int, None] = {}  # the slots whose values were asked for, in order
        self.joined: dict[int, Stored] = {}  # saved values as parts of the graph

    def tensor(self, ref: int) -> Stored | None:
        t = self.graph.owners.get(ref)
        return self.graph.tensors.get(ref) if t is None else t

    def origin(self, ref: int) -> tuple[Graph, int] | None:
        return self.graph.origins.get(ref)

    def value(self, step: TrieNode, ref: int) -> Stored:
        ref = self.history.current(step, ref)
        t = self.graph.tensors[ref]
        expected, now = self.graph.versions[ref], t._root()._version
        written = self.history.overwritten.get(ref)
        if now != expected:
            return _modified(self, step, ref, expected, now)
        if written is not None and written[1] and written[0] > step.depth:
            return _modified(self, step, ref, expected, expected + 1)
        self.read[ref] = None
        if local.rec.grad and t._graph is None and self.history.is_node(ref):
            return self._joined(ref, t)
        return t

    def _joined(self, ref: int, t: Stored) -> Stored:
        """A value that the graph saved for itself, with its history: what is computed with it can be differentiated again. (Kept so for good, it would
        hold the graph that holds it.)"""
        found = self.joined.get(ref)
        if found is None:
            found = self.joined[ref] = adopt(recording._TENSOR, t._buffer, self.history.spec(ref))
            found._graph = (self.graph, ref)
        return found


class _Modified(Stored):
    """Stands for a value that was changed in place since: a rule that uses it raises, one that only names it (mul's `x`, where nobody wants y's gradient) does not."""

    @property
    def _id(self):
        raise RuntimeError(self.message)


def _modified(graph, step: TrieNode, ref: int, expected: int, now: int) -> Stored:
    """What a rule gets for a value that is not there any more."""
    history, last, maker = graph.history, ref, ""
    is_own = step.out <= ref < step.out + len(step.specs)
    while last in history.overwritten and not is_own:
        last = history.overwritten[last][2]  # PyTorch names what made the tensor as it is now; of a node's own result, the node
    holder = graph.tensor(ref)
    place = node.history_of(holder) if holder is not None and last == ref and not is_own else None
    if place is not None:
        maker = made_by(*place)
    elif history.is_node(last):
        maker = made_by(graph, last)
    t = new(_Modified)
    t._spec, t._buffer, t._parent = history.spec(ref), None, None
    t.message = modified(t._spec, maker, expected, now, step.line)
    return t


def made_by(graph, ref: int) -> str:
    """Which output of which node a slot is, as PyTorch says it in the middle of a sentence."""
    name = node.name_of(graph, ref).partition("Backward")[0]
    return f", which is output {ref - graph.history.producer[ref].out} of {name},"


def modified(s: Spec, maker: str, expected: int, now: int, line=None) -> str:
    """PyTorch's words for a saved value that was changed before backward needed it, and the line that saved it."""
    where = f" It was saved by {line.file}:{line.line}." if line else ""
    return (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{s.dtype.scalar_name}Tensor {list(s.shape)}]{maker} is at version {now}; expected version {expected} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True)."
        f"{where}"
    )
