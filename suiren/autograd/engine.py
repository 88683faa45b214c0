"""The engine: backward passes over the graph that recordings already are.

A graph node is a transition of a recording's path whose op has a gradient rule. While the recording is pending, nothing else stands for it; when it has
run, its `Graph` keeps the values that the rules ask for. Rules are written in ops, so a backward pass is recorded like everything else.
A pass that ends in `.grad` and meets no Python of the user's is a macro: on replay, one look-up sets all gradients.
"""

from __future__ import annotations

import heapq
from typing import Any

from suiren.autograd import anomaly, node, reach
from suiren.autograd.graph_macros import GraphPass
from suiren.autograd.graphs import Kept, Live
from suiren.dtypes import FLOAT
from suiren.ops import creation, movement, pointwise, reduce
from suiren.trace import binding, macros, pending
from suiren.trace.deferred import Deferred, settle_numbers
from suiren.trace.execution import Graph
from suiren.trace.pending import Recording, local
from suiren.trace.recording import record
from suiren.trace.spec import Spec
from suiren.trace.storage import Stored
from suiren.trace.trie import TrieNode

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate "
    "values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)


TOGETHER = 2  # so many earlier recordings are gone through in one program, the first time


running: list[Pass] = []  # the passes that are going on, the innermost last


class Pass:
    """One run of the engine: gradients flow from the roots, last transition first. With `wanted`, only along the ways that lead there."""

    def __init__(
        self, roots: list[Stored], create_graph: bool, retain_graph: bool, wanted: list[Stored] | None, is_macro: bool = False, apart: bool = False
    ):
        self.is_macro = is_macro
        self.apart = apart  # every graph is gone through in a recording of its own
        self.create_graph, self.retain_graph = create_graph, retain_graph
        self.rec, self.roots = local.rec, roots
        for t in (*roots, *(wanted or ())):
            if t._parent is not None:
                binding.enter(self.rec, t)  # before the path is looked at, which ends here
        self.live = Live(self.rec)
        self.kept: dict[int, Kept] = {}
        self.gradients: dict[tuple[int, int], list] = {}  # (graph, slot of the first output) -> a gradient per output
        self.views: list[tuple[list, int]] = []  # the gradients among them that are views, since the last pause
        self.queue: list[tuple] = []
        self.outgoing: dict[Any, dict[int, Stored]] = {}  # graph -> slot of a leaf of it -> its gradient so far
        self.leaf_gradients: dict[int, tuple[Stored, Stored]] = {}
        self.visited: list[tuple[Any, TrieNode]] = []
        self.graphs_used: list = []
        self.is_plain = not create_graph  # no hook and no foreign graph was met: may become a macro
        self.wanted = None if wanted is None else {self.place(t): t for t in wanted}
        self.leads = None if wanted is None else reach.leading(self, roots)
        self.found: dict[Any, Stored] = {}  # gradients of the wanted tensors

    # -- where a tensor stands
    def place(self, t: Stored):
        """(graph, slot) of a tensor with a history; ("leaf", its root) of an autograd leaf."""
        if t._parent is not None:
            slot = binding.enter(self.rec, t)
            if slot not in self.live.history.producer:
                self.live = Live(self.rec)
            return (self.live, slot) if self.live.history.is_node(slot) else ("leaf", id(t))
        slot = t._id - self.rec.base
        if 0 <= slot < pending.HALF_SPAN and slot in self.live.history.producer and self.live.history.is_node(slot):
            return self.live, slot
        if t._graph is not None:
            graph, slot = t._graph
            return self.kept_graph(graph), slot
        return "leaf", id(t)

    def kept_graph(self, graph: Graph) -> Kept:
        kept = self.kept.get(id(graph))
        if kept is None:
            kept = self.kept[id(graph)] = Kept(graph)
            self.graphs_used.append(kept)
        return kept

    def send(self, t: Stored, gradient: Stored) -> None:
        """Adds a gradient of the tensor `t`."""
        graph, slot = self.place(t)
        if graph == "leaf":
            self._to_leaf(t, gradient)
        else:
            self._to_slot(graph, slot, gradient)

    def _to_leaf(self, t: Stored, gradient: Stored) -> None:
        if not t._spec.requires_grad or (self.wanted is not None and ("leaf", id(t)) not in self.wanted):
            return
        _, before = self.leaf_gradients.get(id(t), (t, None))
        self.leaf_gradients[id(t)] = (t, gradient if before is None else pointwise.add(before, gradient))

    def _to_slot(self, graph, slot: int, gradient: Stored) -> None:
        history = graph.history
        if slot < 0 or not history.is_node(slot):
            found = self.outgoing.setdefault(graph, {})
            found[slot] = gradient if slot not in found else pointwise.add(found[slot], gradient)
            return
        step = history.producer[slot]
        key = (id(graph), step.out)
        gradients = self.gradients.get(key)
        if gradients is None:
            gradients = self.gradients[key] = [None] * len(step.specs)
            heapq.heappush(self.queue, (-graph.sequence, -step.depth, len(self.gradients), graph, step))
        i = slot - step.out
        gradients[i] = gradient if gradients[i] is None else pointwise.add(gradients[i], gradient)
        if gradient._parent is not None:
            self.views.append((gradients, i))

    def _send_on(self) -> None:
        """Sends the gradients of a graph's leaves to where those come from: a tensor, or a slot of an earlier graph."""
        while self.outgoing:
            outgoing, self.outgoing = self.outgoing, {}
            for graph, found in outgoing.items():
                for slot, gradient in found.items():
                    t = graph.tensor(slot)
                    if t is None or not t._spec.requires_grad:
                        continue
                    origin = graph.origin(slot)
                    if origin is None:
                        self._to_leaf(t, gradient)
                    else:
                        self._to_slot(self.kept_graph(origin[0]), origin[1], gradient)

    # -- the run
    def run(self) -> None:
        running.append(self)
        try:
            self._run()
        finally:
            running.pop()

    def reaches(self, tensors: list[Stored]) -> int:
        """How many of the tensors get a gradient in this pass."""
        nodes, leaves = reach.reached(self, self.roots)
        count = 0
        for t in tensors:
            graph, slot = self.place(t)
            if graph == "leaf":
                count += slot in leaves and (self.wanted is None or (graph, slot) in self.wanted)
            else:
                key = (id(graph), graph.history.producer[slot].out)
                count += key in nodes and (self.leads is None or key in self.leads)
        return count

    def _run(self) -> None:
        self._send_on()
        last = None
        while self.queue:  # later graphs come first, and send to earlier ones alone
            graph = self.queue[0][3]
            self.apart = self.apart or last is not None and len(self.graphs_used) > TOGETHER and not self.create_graph
            if self.apart:
                if last is not None:
                    self._pause(last)
                self._through_again(graph)
            else:
                self._through(graph)
            self._send_on()
            last = graph
        for t, g in list(self.leaf_gradients.values()):
            if t._hooks:
                self.is_plain = False
                self.leaf_gradients[id(t)] = (t, run_hooks(t, g))

    def _through_again(self, graph) -> None:
        """The same as `_through`, as one transition if it is known."""
        items = []
        while self.queue and self.queue[0][3] is graph:
            items.append(heapq.heappop(self.queue))
        own = GraphPass(self, graph, [(item[4], self.gradients[id(graph), item[4].out]) for item in items])
        applies = own.applies()
        outgoing = own.replay() if applies else None
        if outgoing is not None:
            for *_, step in items:
                del self.gradients[id(graph), step.out]
            self.outgoing = {graph: outgoing}
            return
        for item in items:
            heapq.heappush(self.queue, item)
        self.is_macro = applies
        try:
            self._through(graph)
            if applies:
                own.remember(self.outgoing.get(graph, {}))
        finally:
            self.is_macro = False
            settle_numbers(self.rec.numbers, own.first_number if self.rec.base == own.base else 0)

    def _through(self, graph) -> None:
        """Runs the steps of a graph to which gradients have come; what comes to its leaves is in `outgoing` then."""
        while self.queue and self.queue[0][3] is graph:
            _, _, _, _, step = heapq.heappop(self.queue)
            gradients = self.gradients.pop((id(graph), step.out))
            for i in range(len(gradients)):
                self._look(graph, step.out + i, gradients, i)
            if self.leads is not None and (id(graph), step.out) not in self.leads:
                continue
            if step.out in graph.freed and not self._runs_again(graph, step):
                raise RuntimeError(FREED)
            for ref, g in zip(step.refs, self._apply(graph, step, gradients)):
                if g is None or not isinstance(ref, int):
                    continue
                s = graph.history.spec(ref)
                if s.requires_grad:
                    self._to_slot(graph, ref, fitted(g, s))
            self.visited.append((graph, step))

    def _pause(self, done: Any) -> None:
        """Between two graphs of many: what has been recorded is run, so that the next graph begins a recording, which is the same one for graphs that are
        the same. All together they would be a program that never comes again where their number is not the same every time (the steps of an episode)."""
        free(self)
        if isinstance(done, Kept) and not self.retain_graph:
            done.graph.let_go()
        self.visited.clear()
        for gradients, i in self.views:
            if gradients[i]._parent is not None:  # which part of what it shows would be another one in every recording
                gradients[i] = record(creation.copy, (gradients[i],), ())
        self.views.clear()
        self.is_macro = self.is_plain = False
        pending.finish()
        self.live = Live(self.rec)

    def _runs_again(self, graph, step: TrieNode) -> bool:
        """Whether a node that was freed has what it needs all the same: nothing."""
        if graph.history.saved_by(step):
            return False
        if graph is self.live:
            return True
        wanted = [r for r in step.refs if isinstance(r, int) and graph.history.spec(r).requires_grad]
        return all(graph.history.is_node(r) or r in graph.graph.tensors for r in wanted)

    def _look(self, graph, slot: int, gradients: list, i: int) -> None:
        """Hooks, retained gradients and gradients asked for by name, of an output whose gradient is complete."""
        t = graph.watched.get(slot)
        if t is not None and gradients[i] is not None:
            self.is_plain = False
            gradients[i] = run_hooks(t, gradients[i])
            if t._retains_grad:
                t._grad = gradients[i]
        if self.wanted is not None and gradients[i] is not None and (graph, slot) in self.wanted:
            self.found[(graph, slot)] = gradients[i]

    def _apply(self, graph, step: TrieNode, gradients: list) -> tuple:
        """The gradients of the step's inputs; the user's Python, if it stands at this step, has its say."""
        python = graph.python.get(step.out)
        scope = self.rec.scope
        self.rec.scope = f"backward of {step.scope or step.op.name}"
        try:
            if python is None and not anomaly.enabled:
                return self._by_rule(graph, step, gradients, None)
            self.is_plain = False
            return node.applied(self, graph, step, python, gradients)
        finally:
            self.rec.scope = scope

    def _by_rule(self, graph, step: TrieNode, gradients: list, packed: dict | None) -> tuple:
        """What the op's rule gives. `packed`: slots whose values the user's hooks keep."""
        op, history = step.op, graph.history

        def value(ref: int) -> Stored:
            if packed is None or ref not in packed:
                return graph.value(step, ref)
            t = node.unpacked(packed[ref])
            return node.rejoined(graph, ref, t) if self.create_graph and history.spec(ref).requires_grad else t

        given = {}
        for name in op.grad_needs:
            if name == "g":
                given[name] = gradients[0]
            elif name[0] == "g" and name[1:].isdigit():
                given[name] = gradients[int(name[1:])]
            elif name == "out":
                given[name] = value(step.out)
            elif name[:3] == "out" and name[3:].isdigit():
                given[name] = value(step.out + int(name[3:]))
            elif name in op.params:
                given[name] = step.params[op.params.index(name)]
            elif name in op.inputs:
                ref = step.refs[op.inputs.index(name)]
                given[name] = value(ref) if isinstance(ref, int) else self._number(graph, step, op.inputs.index(name))
            elif name.endswith("_specs"):
                given[name] = tuple(history.spec(r) if isinstance(r, int) else r for r in step.refs)
            elif name.endswith("_spec"):
                ref = step.refs[op.inputs.index(name[:-5])]
                given[name] = history.spec(ref) if isinstance(ref, int) else ref
            else:
                raise TypeError(f"the gradient rule of {op.name} asks for {name!r}, which the op does not have")
        found = op.grad(**given)
        return found if isinstance(found, tuple) else (found,)

    def _number(self, graph, step: TrieNode, position: int):
        """A Python number that a rule asks for: the one this recording was given."""
        index = step.parent.numbers + sum(not isinstance(r, int) for r in step.refs[:position])
        numbers = self.rec.numbers if graph is self.live else graph.graph.numbers
        value = numbers[index]
        if type(value) is Deferred or not self.is_macro:
            return value
        return macros.given_number(value, index)


def fitted(g: Stored, s: Spec) -> Stored:
    """`g` summed to the shape of the input that was broadcast, in the input's dtype."""
    have, want = g._spec.shape, s.shape
    if have != want:
        extra = len(have) - len(want)
        dims = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(want) if n == 1 and have[i + extra] != 1)
        if dims:
            g = reduce.sum(g, dims=dims, keepdim=False)
        if g._spec.shape != want:
            g = movement.reshape(g, shape=want)
    if g._spec.dtype is not s.dtype:
        g = creation.cast(g, dtype=s.dtype)
    return g


def run_hooks(t: Stored, gradient: Stored) -> Stored:
    for hook in list((t._hooks or {}).values()):
        if getattr(hook, "after_accumulation", False):
            continue
        changed = hook(gradient)
        if changed is not None:
            if not isinstance(changed, Stored):
                raise TypeError(f"expected Variable, but hook returned '{type(changed).__name__}'")
            if changed._spec.shape != gradient._spec.shape:
                raise RuntimeError("hook has changed the size of value")
            gradient = changed
    return gradient


def seed(t: Stored, gradient, index: int = 0) -> Stored:
    """The gradient that a backward starts with: ones for a scalar, else the caller's, checked."""
    if gradient is None:
        if t._spec.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if t._spec.dtype.category != FLOAT:
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {t._spec.dtype}")
        return creation.constant(value=1, shape=t._spec.shape, dtype=t._spec.dtype)
    if not isinstance(gradient, Stored):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient._spec.shape != t._spec.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {gradient._spec.size} and output[{index}] has a shape of {t._spec.size}."
        )
    return gradient


def check_roots(roots: list[Stored]) -> None:
    for i, t in enumerate(roots):
        if not t._spec.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")


def prepare(rec: Recording) -> None:
    """A pass walks a graph that must stand still: it ends no recording, and hooks, which may look at values, find the recording run."""
    leaves, python = rec.leaves, rec.python
    if (
        rec.node.cut or rec.watched or anomaly.enabled or (leaves and any([t._hooks for t in leaves]))
        or (python and any([n.is_active for n in python.values()]))
    ):  # fmt: skip
        pending.finish()


def run_pass(roots, gradients, retain: bool, create_graph: bool, inputs, is_macro: bool = False, apart: bool = False) -> tuple[Pass, list]:
    """A pass that ends in `.grad`: returns it with the leaves it reached and the slot of the gradient that each had before, or None."""
    rec = local.rec
    before, scope = pending.set_grad_mode(create_graph), rec.scope
    rec.scope = "backward"
    try:
        run = Pass(roots, create_graph, retain, inputs, is_macro, apart)
        for i, (t, g) in enumerate(zip(roots, gradients)):
            run.send(t, seed(t, g, i))
        run.run()
        free(run)
        reached = []
        wanted = None if inputs is None else {id(t) for t in inputs}
        given: set[int] = set()  # gradients that are somebody's `.grad` now
        for t, g in run.leaf_gradients.values():
            if wanted is None or id(t) in wanted:
                reached.append((t, None if t._grad is None else binding.enter(rec, t._grad)))
                accumulate(t, g, create_graph, not run.is_plain or id(g) in given)
                given.add(id(g))
        for place, g in run.found.items():
            accumulate(run.wanted[place], g, create_graph, not run.is_plain or id(g) in given)
            given.add(id(g))
        if not is_macro:
            let_go(run)
    finally:
        rec.scope = scope
        pending.set_grad_mode(before)
    return run, reached


def accumulate(t: Stored, g: Stored, create_graph: bool, is_held: bool) -> None:
    """`t.grad += g`. A first gradient is the tensor itself, unless somebody else could hold it: another leaf, the user's Python (`is_held`)."""
    if t._grad is None:
        if is_held or g._parent is not None or any(g is other for other in local.rec.leaves) or g._id < local.rec.base:
            g = record(creation.copy, (g,), ())
        t._grad = g
    elif create_graph:
        t._grad = pointwise.add(t._grad, g)
    else:
        from suiren.trace.views import write

        write(t._grad, pointwise.add(t._grad, g))
    if t._hooks:
        for hook in list(t._hooks.values()):
            if getattr(hook, "after_accumulation", False):
                hook(t)


def free(run: Pass) -> None:
    """Without `retain_graph`, what the pass visited cannot run again; in the pending recording that is part of the path."""
    if run.retain_graph:
        return
    freed_here = []
    for graph, step in run.visited:
        slots = range(step.out, step.out + len(step.specs))
        if graph is run.live:
            freed_here.extend(slots)
        else:
            graph.freed.update(slots)
        python = graph.python.get(step.out)
        if python is not None:
            python.release()
    if freed_here:
        rec = run.rec
        key = ("freed", tuple(freed_here))

        def make() -> TrieNode:
            node = TrieNode(rec.node, "freed", params=key)
            node.freed = rec.node.freed | frozenset(freed_here)
            return node

        pending.step(rec, key, make)


def let_go(run: Pass) -> None:
    """Drops what the graphs of a pass kept for it alone."""
    if not run.retain_graph:
        for kept in run.graphs_used:
            kept.graph.let_go()


def grad(outputs: list[Stored], inputs: list[Stored], gradients: list, retain: bool, create_graph: bool, allow_unused: bool) -> list:
    """The gradients of `outputs` with respect to `inputs`, without touching any `.grad`."""
    for t in (*outputs, *inputs):
        if t._interpret is not None:
            return t._interpret("grad", (outputs, inputs, gradients), (retain, create_graph, allow_unused))
    rec = local.rec
    check_roots(outputs)
    prepare(rec)
    before, scope = pending.set_grad_mode(create_graph), rec.scope
    rec.scope = "backward"
    try:
        run = Pass(outputs, create_graph, retain, inputs)
        places = [run.place(t) for t in inputs]
        for i, (t, g) in enumerate(zip(outputs, gradients)):
            run.send(t, seed(t, g, i))
        run.run()
        free(run)
        found = []
        for i, (t, place) in enumerate(zip(inputs, places)):
            g = run.found.get(place)
            if g is None and id(t) in run.leaf_gradients:
                g = run.leaf_gradients[id(t)][1]
            if g is None and not allow_unused:
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."
                )
            found.append(g)
        let_go(run)
        return found
    finally:
        rec.scope = scope
        pending.set_grad_mode(before)
