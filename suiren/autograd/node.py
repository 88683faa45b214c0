"""Graph nodes as users see them: `grad_fn`, its name, its `next_functions`, its hooks. Made when somebody asks; the recording is the graph.

What Python has to say at a step of the graph (hooks of a node, a custom Function, values that `saved_tensors_hooks` took over) stands in the
recording's `python`, by the slot of the step's first output, and goes on to the `Graph` when the recording is run.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any

from suiren.autograd import anomaly, names
from suiren.autograd.hooks import RemovableHandle
from suiren.dtypes import FLOAT
from suiren.ops import views
from suiren.runtime.buffers import Buffer
from suiren.trace import recording
from suiren.trace.recording import record
from suiren.trace.storage import Stored, adopt


class Node:
    """One node of a graph. Source: torch/autograd/graph.py"""

    _hooks: OrderedDict | None = None
    _prehooks: OrderedDict | None = None
    _metadata: dict | None = None
    packed: dict | None = None  # slot -> (what pack_hook gave, unpack_hook)

    def name(self) -> str:
        """The name, as PyTorch has it: AddBackward0."""
        raise NotImplementedError

    @property
    def next_functions(self) -> tuple:
        """((node, which of its outputs), …), one for each input; (None, 0) where no gradient is wanted."""
        raise NotImplementedError

    @property
    def metadata(self) -> dict:
        """A dict for whatever somebody wants to keep with the node."""
        if self._metadata is None:
            self._metadata = {}
            self._attach()
        return self._metadata

    def register_hook(self, fn) -> RemovableHandle:
        """Calls `fn(grad_inputs, grad_outputs)` after the node has run; a tuple that it returns takes the place of `grad_inputs`."""
        if self._hooks is None:
            self._hooks = OrderedDict()
        handle = RemovableHandle(self._hooks)
        self._hooks[handle.id] = fn
        self._attach()
        return handle

    def register_prehook(self, fn) -> RemovableHandle:
        """Calls `fn(grad_outputs)` before the node runs; a tuple that it returns takes their place."""
        if self._prehooks is None:
            self._prehooks = OrderedDict()
        handle = RemovableHandle(self._prehooks)
        self._prehooks[handle.id] = fn
        self._attach()
        return handle

    def _attach(self) -> None:
        raise NotImplementedError

    @property
    def is_active(self) -> bool:
        """Whether a backward has to call it."""
        return bool(self._hooks or self._prehooks or self.packed)

    def before(self, gradients: list) -> list:
        for hook in list((self._prehooks or {}).values()):
            changed = hook(tuple(gradients))
            if changed is not None:
                gradients = _as_many(changed, gradients)
        return gradients

    def after(self, found: tuple, gradients: list, is_input: list[bool]) -> tuple:
        """The gradients of the inputs once the hooks have seen those of the inputs that are tensors."""
        for hook in list((self._hooks or {}).values()):
            shown = tuple(g for g, wants in zip(found, is_input) if wants)
            changed = hook(shown, tuple(gradients))
            if changed is not None:
                given = iter(_as_many(changed, shown))
                found = tuple(next(given) if wants else g for g, wants in zip(found, is_input))
        return found

    def release(self) -> None:
        """Lets go of what was saved: the node has run for the last time."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


def _as_many(changed, before) -> list:
    changed = list(changed) if isinstance(changed, (tuple, list)) else [changed]
    if len(changed) != len(before):
        raise RuntimeError(f"hook has returned an incorrect number of values (got {len(changed)}, but expected {len(before)})")
    return changed


class GraphNode(Node):
    """One recorded operation."""

    def __init__(self, graph, step):
        self._graph, self._step = graph, step

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple:
        return edges(self._graph, self._step)

    def _attach(self) -> None:
        self._graph.python[self._step.out] = self

    def _sequence_nr(self) -> int:
        """Its place in the order of recording."""
        return self._step.depth

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_saved_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")
        return self._saved(name[len("_saved_") :])

    def _saved(self, name: str):
        """`_saved_self`, `_saved_other`, `_saved_result` and static parameters by their names."""
        op, step, graph = self._step.op, self._step, self._graph
        if name in op.params:
            return step.params[op.params.index(name)]
        if name in ("result", "output") and "out" in op.grad_needs:
            return self._value(step.out)
        position = {"self": 0, "other": 1, "mat2": 1, "weight": 1, "input": 0}.get(name)
        position = op.inputs.index(name) if name in op.inputs else position
        if position is None or position >= len(op.inputs) or op.inputs[position] not in op.grad_needs:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '_saved_{name}'")
        ref = step.refs[position]
        if isinstance(ref, int):
            return self._value(ref)
        index = step.parent.numbers + sum(not isinstance(r, int) for r in step.refs[:position])
        return (graph.rec.numbers if hasattr(graph, "rec") else graph.graph.numbers)[index]

    def _value(self, ref: int) -> Stored:
        from suiren.autograd import engine

        graph = self._graph
        if self._step.out in graph.freed:
            raise RuntimeError(engine.FREED)
        if hasattr(graph, "rec") and graph.rec.base != graph.base:
            raise RuntimeError("the recording of this node has been run: ask the tensor for its grad_fn again")
        if ref < 0:
            return graph.tensor(ref)
        t = graph.value(self._step, ref)
        if t._buffer is None and hasattr(graph, "rec"):
            graph.rec.values.append(t)
        return t


_classes: dict[str, type] = {}
_faces: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # one object for a node, while somebody holds it


def class_of(name: str) -> type:
    """The class of the nodes of this name."""
    if name not in _classes:
        _classes[name] = type(name, (GraphNode,), {})
    return _classes[name]


class Packed(Node):
    """A step whose saved values are with the user's hooks."""

    def __init__(self, packed: dict):
        self.packed = packed

    def release(self) -> None:
        self.packed = {}


class AccumulateGrad(Node):
    """Where a gradient arrives at a leaf, `variable`. Its hooks run before and after the gradient is added."""

    next_functions = ()

    def __init__(self, variable: Stored):
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def _attach(self) -> None:
        """Its metadata live as long as it does."""

    def register_prehook(self, fn) -> RemovableHandle:
        return on_leaf(self.variable, lambda gradient: _first(fn((gradient,))))

    def register_hook(self, fn) -> RemovableHandle:
        def after(variable):
            fn((), (variable._grad,))

        after.after_accumulation = True
        return on_leaf(self.variable, after)

    def __eq__(self, other) -> bool:
        return isinstance(other, AccumulateGrad) and self.variable is other.variable

    def __hash__(self) -> int:
        return id(self.variable)


def _first(changed):
    return changed[0] if isinstance(changed, tuple) else changed


def on_leaf(t: Stored, hook) -> RemovableHandle:
    """Puts a hook with the hooks of a tensor."""
    if t._hooks is None:
        t._hooks = OrderedDict()
    handle = RemovableHandle(t._hooks)
    t._hooks[handle.id] = hook
    return handle


# ---------------------------------------------------------------- nodes of a graph


def history_of(t: Stored):
    """(graph, slot) of a tensor that a graph made, or None."""
    from suiren.autograd import engine

    if not t._spec.requires_grad:
        return None
    place = engine.Pass([t], create_graph=False, retain_graph=True, wanted=None).place(t)
    return None if place[0] == "leaf" else place


def name_of(graph, ref: int) -> str:
    """The name of the node that made a slot."""
    step = graph.history.producer[ref]
    python = graph.python.get(step.out)
    return python.name() if step.op.is_python and python is not None else names.of(step)


def node_at(graph, ref: int) -> tuple:
    """(the node that made a slot, which of its outputs the slot is)."""
    history = graph.history
    if history.is_node(ref):
        step = history.producer[ref]
        if step.op.passes and not step.op.is_python:
            return node_at(graph, step.refs[-1])
        python = graph.python.get(step.out)
        if python is not None and not isinstance(python, Packed):
            return python, ref - step.out
        key = (graph.base, step.out)
        face = _faces.get(key)
        if face is None:
            face = class_of(names.of(step))(graph, step)
            if graph.base is not None:
                _faces[key] = face
        return face, ref - step.out
    t = graph.tensor(ref)
    if t is None:
        return None, 0
    origin = graph.origin(ref)
    if origin is None:
        return AccumulateGrad(t), 0
    from suiren.autograd.graphs import Kept

    return node_at(Kept(origin[0]), origin[1])


def edges(graph, step) -> tuple:
    """The nodes behind a step's tensors; of a composite that PyTorch has one node for, those behind all of its steps."""
    found, seen, history = [], set(), graph.history
    is_composite = any(isinstance(r, int) and history.is_node(r) and names.is_same_call(history.producer[r], step) for r in step.refs)

    is_shown = names.of(step) == step.op.grad_name or names.shows_all(step)  # what needs no gradient: of a composite it may be a constant of its own

    def walk(of) -> None:
        for ref in of.refs[of.params[0] :] if of.op.is_python else of.refs:
            if not isinstance(ref, int) or (is_composite and ref in seen):
                continue
            seen.add(ref)
            if not history.spec(ref).requires_grad:
                if is_shown and history.spec(ref).dtype.category >= FLOAT:
                    found.append((None, 0))
                continue
            inner = history.producer[ref] if history.is_node(ref) else None
            if inner is not None and graph.python.get(inner.out) is None and names.is_same_call(inner, step):
                walk(inner)
            else:
                found.append(node_at(graph, ref))

    walk(step)
    if len(found) == 3 and names.is_last_first(step):
        found = [found[2], *found[:2]]
    if len(found) == 2 and names.of(step) == "ConvolutionBackward0":
        found.append((None, 0))  # the bias that there is not
    if not all(isinstance(r, int) for r in step.refs) and names.of(step) in names.NUMBERS_ARE_TENSORS:
        found.append((None, 0))  # a number, which PyTorch's node has an edge for here
    return tuple(found)


def grad_fn(t: Stored):
    """The node that made `t`, or None for a leaf."""
    place = history_of(t)
    return None if place is None else node_at(*place)[0]


def output_nr(t: Stored) -> int:
    """Which output of its node a tensor is."""
    place = history_of(t)
    return 0 if place is None else node_at(*place)[1]


# ---------------------------------------------------------------- running one in a backward pass


def applied(run, graph, step, python: Node | None, gradients: list) -> tuple:
    """The gradients of the step's inputs, with all that Python has to say: hooks, a custom Function, anomaly detection."""
    if python is not None:
        gradients = python.before(gradients)
    try:
        if step.op.is_python:
            found = (None,) * step.params[0] + python.run_backward(gradients)
        else:
            found = run._by_rule(graph, step, gradients, python.packed if python is not None else None)
        if anomaly.enabled:
            anomaly.check(name_of(graph, step.out), [g for r, g in zip(step.refs, found) if isinstance(r, int)])
    except Exception:
        if anomaly.enabled:
            anomaly.failed(name_of(graph, step.out), step.line)
        raise
    if python is not None:
        first = step.params[0] if step.op.is_python else 0
        found = python.after(found, gradients, [i >= first and isinstance(r, int) for i, r in enumerate(step.refs)])
    return found


def rejoined(graph, ref: int, t: Stored) -> Stored:
    """An unpacked value with the history of what was packed, to be differentiated again."""
    before = graph.tensor(ref)
    if graph.history.is_node(ref):
        spec = graph.history.spec(ref)
        before = adopt(recording._TENSOR, Buffer(spec.nbytes), spec)
        before._graph = (graph.graph, ref)
    return record(views.rewritten, (t.detach() if t._spec.requires_grad else t, before), ())


def unpacked(packed: tuple) -> Stored:
    """The value that the user's unpack_hook gives back."""
    what, unpack = packed
    t = unpack(what)
    if not isinstance(t, Stored):
        raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}")
    return t


__all__ = ["AccumulateGrad", "GraphNode", "Node", "grad_fn", "history_of", "output_nr"]
