"""Running a recording: which program it is, in which tier, with which memory.

The last transition and the set of slots still reachable find the `Ending`. It is interpreted the first time and compiled when it comes by again
(at once if it is too big to interpret in reasonable time): counts and sizes decide, never time, so the same program gives the same bits every time.
Where many programs were compiled that hardly came by again (every sentence another length), a new one has to come by more often first.
"""

from __future__ import annotations

import itertools
import operator
import sys
import threading
import time
import weakref
from contextlib import contextmanager
from math import prod

import numpy as np

from suiren import interpreter
from suiren.config import config
from suiren.runtime.buffers import Buffer
from suiren.runtime.driver import CheckFailed
from suiren.trace import liveness, pending, recording
from suiren.trace.liveness import History
from suiren.trace.pending import Recording
from suiren.trace.salvage import Past, salvage
from suiren.trace.storage import Stored, adopt
from suiren.trace.trace import Trace
from suiren.trace.trie import TrieNode, build_trace

# A new trace above this much work (elements computed, a template's multiplications counted by its op) is compiled the first time.
TOO_BIG_TO_INTERPRET = 1 << 31
# A compiled program has paid off after so many runs. For each so many that have not, the next ones must come by once more, up to a bound.
PAID_OFF, UNPAID, MOST_PATIENCE = 8, 16, 32

_id_of = operator.attrgetter("_id")
_clock = itertools.count(1)
_names = itertools.count()
counts = {"interpreter": 0, "compiled": 0}  # recordings run, by tier
unpaid = 0  # programs compiled, less those that have paid off
endings: weakref.WeakSet[Ending] = weakref.WeakSet()  # for `explain`; a trie that is cut back takes its endings along
_times: dict[Ending, list[list[float]]] | None = None  # seconds per kernel of every run, while somebody measures
_clock_nodes = None  # told of every node that is interpreted, and its seconds, while somebody measures that


@contextmanager
def timed(nodes=None):
    """Measures every kernel of the compiled programs that run inside; gives the dict that fills with it. `nodes(node, seconds)` is told of every
    node of those that are interpreted."""
    global _times, _clock_nodes
    before, _times, _clock_nodes = (_times, _clock_nodes), {}, nodes
    try:
        yield _times
    finally:
        _times, _clock_nodes = before


class Graph:
    """The history of the tensors that outlived a recording: its structure, and the values that backward needs."""

    __slots__ = ("__weakref__", "base", "freed", "numbers", "origins", "owners", "python", "sequence", "structure", "tensors", "versions", "watched")

    def __init__(self, structure: Ending, tensors: dict[int, Stored], numbers: list, base: int | None = None):
        self.numbers, self.base = numbers, base
        self.structure = structure
        self.tensors = tensors  # slot -> tensor: leaves, and saved values
        # leaf -> (graph, slot) that made it, as it was then: the tensor may be written in place later, and be made by another graph
        self.origins = {slot: tensors[slot]._graph for slot in structure.kept_leaves if tensors[slot]._graph is not None} if tensors else {}
        self.versions = {slot: t._version if t._parent is None else t._root()._version for slot, t in tensors.items()}
        self.freed = set(structure.end.freed)
        self.owners: dict[int, Stored] = {}  # slot -> the autograd leaf that it was a version of; what it held may be kept besides
        self.watched: dict[int, Stored] = {}
        self.python: dict[int, object] = {}
        self.sequence = next(_clock)

    @property
    def history(self) -> History:
        """The steps of the recording."""
        return self.structure.history

    def let_go(self) -> tuple[int, ...]:
        """Drops the saved values that no backward can ask for any more, and says which. (Also a tensor that holds this graph: memory does not wait for
        the collector of cycles.)"""
        freed, known = frozenset(self.freed), self.structure.spare
        slots = known.get(freed)
        if slots is None:
            history = self.history
            live = (s for s in history.path if s.kind == "op" and s.op.grad is not None and s.out not in freed and any(x.requires_grad for x in s.specs))
            needed = {r for step in live for r in history.needed_by(step)}
            slots = known[freed] = tuple(s for s in self.structure.kept_slots if history.is_node(s) and s not in needed)
        for s in slots:
            self.tensors.pop(s, None)
            self.origins.pop(s, None)
        return slots


class Ending:
    """One program: a path of the trie with what was reachable at its end."""

    def __init__(self, end: TrieNode, key: tuple[int, ...], live: list[Stored], rec: Recording | Past):
        self.end, self.key = end, key
        self.number = next(_names)  # in the order of creation
        self.name = f"program-{self.number}"
        self.count = self.compiled_runs = 0
        self.executable = None
        self.lock = threading.Lock()
        self._history: History | None = History(end)
        self._trace: Trace | None = None
        self.writes = tuple((old, t._id - rec.base) for t, old in rec.written)
        owned = {*key, *(slot for _, slot in self.writes)}
        roots = [s for s in owned if self.history.is_node(s)]
        nodes, needed = self.history.behind(roots, end.freed)
        again = self.history.again(roots, end.freed)
        needed = sorted({*needed, *(s for n in again if n.out not in end.freed for s in self.history.needed_by(n))})
        nodes += again
        self.has_graph = bool(roots)
        self.macros: dict | None = None  # as of a TrieNode: the known backwards of its graph
        self.spare: dict[frozenset[int], tuple[int, ...]] = {}  # which kept slots nobody needs any more, by what backward has consumed
        self.spent = None if nodes else Graph(self, {}, [])  # backward has run through all of it: nothing to keep
        # what backward needs and nobody holds becomes an output, kept by the Graph
        views = {s for s, t in rec.owners.items() if t._parent is not None}  # views that are autograd leaves keep themselves
        self.saved = tuple(s for s in needed if s >= 0 and s not in owned and s not in views)
        inputs = {r for n in nodes for r in n.refs if isinstance(r, int)}
        kept = {*needed, *(r for r in inputs if r < 0 or not self.history.is_node(r))} - set(self.saved)
        # where the values and the leaves of the graph are found: among the living, the written leaves, the leaves, the owners
        place, written = {s: i for i, s in enumerate(key)}, {slot: -1 - old for old, slot in self.writes}
        is_node = self.history.is_node
        self.kept_slots = (*kept, *self.saved)
        self.kept_leaves = tuple(r for r in kept if r < 0)
        self.kept_live = tuple((s, place[s]) for s in kept if s in place)
        self.kept_written = tuple((s, written[s]) for s in kept if s in written)
        self.kept_owned = tuple(s for s in (*kept, *self.saved) if s in rec.owners)
        self.saved_specs = tuple(self.history.spec(s).plain for s in self.saved)
        self.made_live = tuple((s, i) for i, s in enumerate(key) if is_node(s))  # a slot may have two tensors
        self.made_written = tuple((s, leaf) for s, leaf in written.items() if is_node(s))
        specs = self.trace.specs()
        self.out_specs = tuple(specs[v] for v in self.trace.outputs)
        self.out_bytes = tuple(s.nbytes for s in self.out_specs)
        self.work = work(self.trace)
        if not roots:
            self._history = None
        endings.add(self)

    @property
    def history(self) -> History:
        """Kept where a backward may ask for it, else made anew."""
        history = self._history
        if history is None:
            history = self._history = History(self.end)
        return history

    @property
    def trace(self) -> Trace:
        """Made anew after the first run: most programs that came once never come again."""
        trace = self._trace
        if trace is None:
            trace = self._trace = build_trace(self.end, self.key + self.saved, self.writes, self.name)
        return trace


def work(trace: Trace) -> int:
    """How much there is to compute, in elements and multiplications."""
    specs, total = trace.specs(), 0
    for node in trace.nodes:
        inputs = tuple(x.cls if isinstance(x, tuple) else specs[x] for x in node.inputs)
        total += node.op.work(inputs, node.specs, node.params)
    return total


def run(rec: Recording | Past, node: TrieNode) -> None:
    """Runs a recording that ended at `node`, gives its living tensors their memory, and starts the next."""
    base = rec.base
    if rec.inference is not None:
        liveness.mark_inference(rec.values, rec.inference)
        rec.inference = 0
    live = liveness.alive(rec.values)
    live.sort(key=_id_of)  # a macro that is replayed makes its tensors in an order of its own
    key = tuple([t._id - base for t in live])
    ends = node.ends
    ending = ends.get(key) if ends is not None else None
    if ending is None:
        if ends is None:
            ends = node.ends = {}
        if not key and not rec.written:
            rec.reset()
            return
        ending = ends[key] = Ending(node, key, live, rec)
        if not node.cut:
            pending.note_loops(node)
        if config.misses:
            from suiren.trace.pretty import report_miss

            report_miss(ending)
    node.used = next(_clock)
    buffers, numbers, leaves = rec.buffers, rec.numbers, rec.leaves
    snapshots, kept = rec.snapshots, (leaves, rec.owners, rec.watched, rec.python, numbers)
    written = rec.written
    rec.reset()  # before running: an error, or an interrupt, leaves a usable recorder
    out = [Buffer(n) for n in ending.out_bytes]
    failed = None
    try:
        _execute(ending, buffers, numbers, out)
    except _Failed as failure:
        failed = failure.node, failure.cause
    if failed is not None:  # raised from here: a traceback would hold arrays of the leaves, and who writes to memory that is shown runs at once
        past = Past()
        past.base, past.values, past.leaves, past.buffers, past.numbers, past.written = base, live, leaves, buffers, numbers, written
        past.snapshots, (_, past.owners, past.watched, past.python, _) = snapshots, kept
        salvage(past, node, failed[0])
        raise failed[1]
    for leaf, shared in snapshots:
        if any(-1 - old == leaf for old, _ in ending.writes):
            shared.copy_from(buffers[leaf], ending.trace.leaves[leaf].nbytes)
    for t, buffer in zip(live, out):
        t._buffer = buffer
    if ending.spent is not None and not kept[2] and not kept[3]:
        for slot, i in ending.made_live:  # the others are leaves, whose own gradient is not spent
            live[i]._graph = (ending.spent, slot)
    elif ending.has_graph:
        _keep_graph(ending, live, kept, out, base)


def _keep_graph(ending: Ending, live: list[Stored], rec: tuple, out: list[Buffer], base: int) -> None:
    """Gives the tensors that lived on their history, with the values that backward will ask for."""
    leaves, owners, watched, python, numbers = rec
    kept = {r: leaves[-1 - r] for r in ending.kept_leaves}
    for slot, i in ending.kept_live:
        kept[slot] = live[i]
    for slot, leaf in ending.kept_written:
        kept[slot] = leaves[leaf]
    for slot in ending.kept_owned:
        kept[slot] = owners[slot]
    for slot, spec, buffer in zip(ending.saved, ending.saved_specs, out[len(ending.key) :]):
        kept[slot] = adopt(recording._TENSOR, buffer, spec)
    graph = Graph(ending, kept, numbers, base)
    graph.owners = {slot: owners[slot] for slot in ending.kept_owned}
    graph.watched, graph.python = watched, python
    for node in python.values():
        node.graph = weakref.ref(graph)
    for slot, i in ending.made_live:
        live[i]._graph = (graph, slot)
    for slot, leaf in ending.made_written:
        leaves[leaf]._graph = (graph, slot)


def _execute(ending: Ending, buffers: list[Buffer], numbers: list, out: list[Buffer]) -> None:
    global unpaid
    ending.count += 1
    tier = config.tier
    if tier == "auto":
        comes_again = ending.executable is not None or ending.count > 1 + min(unpaid // UNPAID, MOST_PATIENCE)
        tier = "compiled" if comes_again or ending.work > TOO_BIG_TO_INTERPRET else "interpreter"
    if config.nans:
        tier = "interpreter"
    counts[tier] += 1
    if tier == "compiled":
        if ending.executable is None:
            _compile(ending)
        before = _copies(ending, buffers) if config.verify > 1 else None
        addresses = [b.addr for b in (*buffers, *out)]
        try:
            if _times is None:
                ending.executable.run(addresses, numbers)
            else:
                _times.setdefault(ending, []).append(ending.executable.run_timed(addresses, numbers))
        except CheckFailed as failure:
            node = ending.trace.nodes[failure.node]
            raise _Failed(ending.trace, failure.node, node.op.failure(failure.value, node.params)) from None
        except interpreter.NodeFailed as failure:  # in a part that is interpreted
            raise _Failed(ending.trace, failure.node, failure.cause) from None
        ending.compiled_runs += 1
        if ending.compiled_runs == PAID_OFF:
            unpaid -= 1
        if before is not None:
            _verify(ending, before, buffers, numbers, out)
        return
    if config.debug >= 1:
        print(f"[suiren] {ending.name}: interpreted, {len(ending.trace.nodes)} operations", file=sys.stderr)
    trace = ending.trace
    if ending.count == 1:
        ending._trace = None
    arrays = [b.array(s.shape, s.dtype.np) for b, s in zip(buffers, trace.leaves)]
    results = _interpret(trace, arrays, numbers)
    for a, buffer, s in zip(results, out, ending.out_specs):
        buffer.array(s.shape, s.dtype.np)[...] = a
    for a, (leaf, _) in zip(results[len(out) :], trace.writes):
        s = trace.leaves[leaf]
        buffers[leaf].array(s.shape, s.dtype.np)[...] = a


def _interpret(trace: Trace, arrays: list[np.ndarray], numbers: list) -> list[np.ndarray]:
    try:
        return interpreter.run(trace, arrays, tuple(numbers), stop_at_nan=bool(config.nans), clock=_clock_nodes)
    except interpreter.NodeFailed as failure:
        raise _Failed(trace, failure.node, failure.cause) from None


class _Failed(Exception):
    """An operation's data were bad. `node` is its place in the trace; `cause` the user's exception, saying which operation it was and on which line."""

    def __init__(self, trace: Trace, index: int, cause: Exception):
        node, specs = trace.nodes[index], trace.specs()
        shapes = ", ".join(str(list(specs[v].shape)) if isinstance(v, int) else v.cls.__name__ for v in node.inputs)
        where = f", recorded at {node.line.file}:{node.line.line} in {node.line.function}" if node.line else ""
        name = f"{node.scope}: {node.op.name}" if node.scope else node.op.name
        self.node, self.cause = index, type(cause)(f"{cause} [{name} of {shapes}{where}]")


def _compile(ending: Ending) -> None:
    from suiren.compiler.pipeline import compile_trace  # llvmlite is loaded when something is compiled first
    from suiren.trace.verify import verify

    global unpaid
    with ending.lock:
        if ending.executable is not None:
            return
        start = time.perf_counter()
        if config.verify:
            verify(ending.trace)
        ending.executable = compile_trace(ending.trace)
        unpaid += 1
        if config.debug >= 1:
            took = time.perf_counter() - start
            print(f"[suiren] {ending.name}: compiled {len(ending.trace.nodes)} operations in {took:.2f} s", file=sys.stderr)


def _copies(ending: Ending, buffers: list[Buffer]) -> list[np.ndarray]:
    return [b.array(s.shape, s.dtype.np).copy() for b, s in zip(buffers, ending.trace.leaves)]


def _verify(ending: Ending, before: list[np.ndarray], buffers: list[Buffer], numbers: list, out: list[Buffer]) -> None:
    """SUIREN_VERIFY=2: what the interpreter computes from the same leaves, value by value."""
    expected = _interpret(ending.trace, before, numbers)
    got = [b.array(s.shape, s.dtype.np) for b, s in zip(out, ending.out_specs)]
    got += [buffers[leaf].array(ending.trace.leaves[leaf].shape, ending.trace.leaves[leaf].dtype.np) for leaf, _ in ending.trace.writes]
    values = [*ending.trace.outputs, *(v for _, v in ending.trace.writes)]
    maker = {v: node for node in ending.trace.nodes for v in node.outputs}
    order = {v: i for i, v in enumerate(maker)}
    wrong = [
        (order.get(v, -1), v, float(np.max(np.abs(np.asarray(e, np.float64) - g))))
        for v, e, g in zip(values, expected, got)
        if not np.allclose(g, e, rtol=1e-3, atol=1e-4 * max(1.0, float(np.abs(e).max(initial=0)) if prod(e.shape) else 1), equal_nan=True)
    ]
    if wrong:
        _, v, difference = min(wrong)
        node = maker.get(v)
        raise AssertionError(f"{ending.name}: compiled and interpreted values of {node.op if node else 'a leaf'} (value {v}) differ by {difference:g}")


pending.run = run
