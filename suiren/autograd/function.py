"""Function: an operation of the user's own, with a forward and a backward in Python. Source: torch/autograd/function.py

Its node in the graph is a step whose outputs are its first inputs (`Through`): nothing is computed for it. The context, which is PyTorch's
`grad_fn` of the result too, stands with the recording's Python (node.py) and is called when a backward comes by.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from suiren.autograd import engine, graphs, node, saved
from suiren.autograd.modes import no_grad
from suiren.dtypes import FLOAT
from suiren.ops import creation, views
from suiren.trace import binding, pending
from suiren.trace.op import Through
from suiren.trace.pending import local
from suiren.trace.recording import record
from suiren.trace.storage import Stored
from suiren.trace.views import twin

_through = Through("through", doc="The outputs of a custom Function: the node of its backward.")


class _Mode(threading.local):
    forward = False  # whether this thread's pass is the first half of forward mode: then `jvp` says what a Function's derivative is


mode = _Mode()


class forward_mode:
    """The pass inside works out Jᵀu as a function of u, whose gradient is forward mode (docs/internals/decisions/007)."""

    def __enter__(self) -> None:
        self.before, mode.forward = mode.forward, True

    def __exit__(self, *exception: object) -> None:
        mode.forward = self.before


class FunctionCtx:
    """What `forward` leaves for `backward`: `ctx`."""

    _to_save: tuple = ()
    _to_save_for_forward: tuple = ()
    _dirty: tuple = ()
    _non_differentiable: tuple = ()
    _materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors (or None) for backward: `ctx.saved_tensors`. Once per forward."""
        self._to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keeps tensors for `jvp`."""
        for t in tensors:
            if not isinstance(t, Stored) and t is not None:
                raise TypeError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on ctx."
                )
        self._to_save_for_forward = tensors

    def mark_dirty(self, *args: Stored) -> None:
        """Says which inputs `forward` has changed in place. They must be among its outputs."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Stored) -> None:
        """Says which outputs have no gradient."""
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a gradient that did not arrive is given to `backward` as zeros (True, at first) or as None."""
        self._materialize = value


class FunctionNode(node.Node, FunctionCtx):
    """The node of one call of a Function."""

    _forward_cls: type
    is_active = True
    graph = None  # a weak reference to the graph, once its recording has run
    needs_input_grad: tuple = ()
    _step = None
    _base = -1
    _released = False
    _in_jvp = False
    _outputs: tuple = ()

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple:
        if self._step is None:
            return ()
        if local.rec.base == self._base:
            return node.edges(graphs.Live(local.rec), self._step)
        graph = self.graph() if self.graph is not None else None
        if graph is None:
            raise RuntimeError("the graph of this node is gone: no tensor of it is left")
        return node.edges(graphs.Kept(graph), self._step)

    def _attach(self) -> None:
        """It stands in its graph already."""

    def _save(self) -> None:
        """Takes over what `save_for_backward` was given."""
        for i, t in enumerate(self._to_save):
            if t is not None and not isinstance(t, Stored):
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}")
        self._saved = tuple(saved.keep(t) for t in self._to_save)
        if has_jvp(self._forward_cls):
            self._saved_for_forward = tuple(saved.keep(t) for t in self._to_save_for_forward)
        self._to_save = self._to_save_for_forward = ()

    @property
    def saved_tensors(self) -> tuple:
        """The tensors given to `save_for_backward`; inside of `jvp`, to `save_for_forward`. RuntimeError if the graph was freed or one of them was
        changed in place."""
        if self._released:
            raise RuntimeError(engine.FREED)
        if self._to_save:  # asked for inside of forward
            return self._to_save
        kept = self.__dict__.get("_saved_for_forward" if self._in_jvp else "_saved", ())
        return tuple(s.get() if s is not None else None for s in kept)

    @property
    def saved_variables(self) -> tuple:
        return self.saved_tensors

    def release(self) -> None:
        if self.__dict__.get("_saved"):
            self._saved, self._released = (), True
        self.__dict__.pop("_saved_for_forward", None)

    def apply(self, *gradients: Any) -> Any:
        """Calls the user's `backward` (or `vjp`)."""
        return backward_of(self._forward_cls)(self, *gradients)

    def run_backward(self, gradients: list) -> tuple:
        """One gradient, or None, for each input that wants one, from those of the differentiable outputs."""
        given, arrived = [], iter(gradients)
        for s in self._outputs:  # per output of forward: its spec, and whether it is part of the graph; None for no tensor
            g = next(arrived) if s is not None and s[1] else None
            if g is None and s is not None and self._materialize:
                g = creation.zeros_like(s[0].plain)
            given.append(g)
        by_jvp = mode.forward and (has_jvp(self._forward_cls) or backward_of(self._forward_cls) is Function.backward)
        before, mode.forward = mode.forward, False
        try:
            found = self._transposed(given) if by_jvp else self.apply(*given)
        finally:
            mode.forward = before
        found = found if isinstance(found, tuple) else (found,)
        count = len(self._inputs)
        if len(found) > count and all(g is None for g in found[count:]):
            found = found[:count]
        if len(found) != count:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected {count}, got {len(found)})")
        wanted = []
        for i, (g, s) in enumerate(zip(found, self._inputs)):
            if s is None:
                if g is not None:
                    raise RuntimeError(
                        f"function {self.name()} returned a gradient different than None at position {i + 1}, "
                        "but the corresponding forward input was not a Variable"
                    )
                continue
            if g is not None and not isinstance(g, Stored):
                raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
            if s.requires_grad:
                wanted.append(_fitting(self.name(), len(wanted), g, s))
        return tuple(wanted)

    def _transposed(self, given: list) -> tuple:
        """Jᵀu by the user's `jvp`, which is linear in the tangents t: the gradient of <jvp(t), u> with respect to t."""
        from suiren.func.leaves import let_go, new_leaf

        tangents: list[Stored | None] = []
        for s in self._inputs:
            if s is None or not (s.requires_grad or (self._materialize and s.dtype.category >= FLOAT)):
                tangents.append(None)
                continue
            zeros = creation.zeros_like(s.plain)
            tangents.append(new_leaf(zeros) if s.requires_grad else zeros)
        leaves = [t for t in tangents if t is not None and t._spec.requires_grad]
        before, self._in_jvp = pending.set_grad_mode(True), True
        try:
            found = self._forward_cls.jvp(self, *tangents)
        finally:
            self._in_jvp = False
            pending.set_grad_mode(before)
        changes = found if isinstance(found, tuple) else (found,)
        if len(changes) != len(given):
            raise RuntimeError(f"function {self.name()} returned an incorrect number of forward gradients (expected {len(given)}, got {len(changes)})")
        pairs = [(t, u) for t, u in zip(changes, given) if isinstance(t, Stored) and t._spec.requires_grad and u is not None]
        gradients = engine.grad([t for t, _ in pairs], leaves, [u for _, u in pairs], True, True, True) if pairs else [None] * len(leaves)
        let_go(leaves)
        arrived = iter(gradients)
        return tuple(next(arrived) if s is not None and s.requires_grad else None for s in self._inputs)


def has_jvp(cls: type) -> bool:
    return cls.jvp is not Function.jvp


def _fitting(name: str, index: int, g: Stored | None, s) -> Stored | None:
    """RuntimeError for a gradient that cannot be summed to the input's shape."""
    if g is None or g._spec.shape == s.shape:
        return g
    have, want = g._spec.shape, s.shape
    if len(have) < len(want) or any(n not in (1, m) for n, m in zip(reversed(want), reversed(have))):
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {index} - got {list(have)} but expected shape compatible with {list(want)}"
        )
    return g


class FunctionMeta(type):
    """Gives every Function the class of its nodes."""

    def __init__(cls, name: str, bases: tuple, attributes: dict):
        cls._backward_cls = type(name + "Backward", (FunctionNode,), {"_forward_cls": cls})
        super().__init__(name, bases, attributes)


class Function(metaclass=FunctionMeta):
    """An operation with a `forward` and a `backward` of its own, static methods both; call it with `apply`.

    `forward(ctx, *args)`, or `forward(*args)` with `setup_context(ctx, inputs, output)`, runs without gradients; it may use NumPy.
    `backward(ctx, *grad_outputs)` gives one gradient (or None) for each argument of forward.
    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.Function
    """

    generate_vmap_rule = False

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with static forward "
            "method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the results."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> Any:
        """Fills `ctx` after a forward that does not take it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes the gradients of the arguments from those of the results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Forward mode: the changes of the results along those of the arguments. Without it, suiren derives forward mode from `backward`."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """A rule for `vmap`: `info` has batch_size and randomness, `in_dims` a dim or None for each argument; gives (results, their dims)."""
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap static method or set generate_vmap_rule=True.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs forward, and makes its results part of the graph."""
        if kwargs:
            raise TypeError(f"{cls.__name__}.apply() takes no keyword arguments")
        for a in args:
            if isinstance(a, Stored) and a._interpret is not None:
                return a._interpret("function", args, (cls,))
        ctx = cls._backward_cls()
        takes_context = cls.setup_context is not Function.setup_context
        tensors = [a for a in args if isinstance(a, Stored)]
        ctx.needs_input_grad = tuple(isinstance(a, Stored) and a._spec.requires_grad for a in args)
        joins = local.rec.grad and any(ctx.needs_input_grad)
        edges = [_edge(a) if a._spec.requires_grad else a for a in tensors] if joins else []
        ctx._inputs = tuple(a._spec if isinstance(a, Stored) else None for a in args)
        with no_grad():
            if takes_context:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        several = isinstance(output, tuple)
        outputs = list(output) if several else [output]
        _joined(ctx, outputs, tensors, edges, joins)
        return tuple(outputs) if several else outputs[0]


def _edge(t: Stored) -> Stored:
    """What stands for an input in the graph, if forward should change it in place: a leaf itself, a twin of anything else."""
    rec = local.rec
    is_leaf = (t._buffer is not None and t._graph is None) or rec.owners.get(t._id - rec.base) is t
    return t if is_leaf or t._parent is not None else twin(t)


def _joined(ctx: FunctionNode, outputs: list, tensors: list, edges: list, joins: bool) -> None:
    """Makes forward's outputs what PyTorch makes of them; with `joins`, results of the node `ctx`."""
    dirty, flat = {id(t) for t in ctx._dirty}, {id(t) for t in ctx._non_differentiable}
    inputs = {id(t) for t in tensors}
    for t in ctx._dirty:
        if id(t) not in inputs:
            raise RuntimeError(
                "Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an input, there is no need to pass it to mark_dirty()."
            )
        if not any(t is o for o in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must "
                "all be outputs of the Function."
            )
    part = []  # the places of the outputs that get a gradient
    for i, o in enumerate(outputs):
        if not isinstance(o, Stored):
            continue
        is_flat = id(o) in flat or o._spec.dtype.category < 2
        if id(o) in inputs and id(o) not in dirty:
            with no_grad():
                outputs[i] = record(views.alias, (o,), ()) if is_flat or not joins else record(creation.copy, (o,), ())
        if joins and not is_flat:
            part.append(i)
    ctx._outputs = tuple((o._spec, i in part) if isinstance(o, Stored) else None for i, o in enumerate(outputs))
    if part:
        before = local.rec.grad
        raw = []
        for i in part:
            o = outputs[i]
            if id(o) in dirty:
                _check_dirty(o)
            raw.append(o)
        pending.set_grad_mode(before)
        made = record(_through, (*(_plain(o) for o in raw), *(e for e in edges if e._spec.requires_grad)), (len(raw),))
        rec = local.rec
        step = rec.node
        rec.python[step.out] = ctx
        ctx._step, ctx._base = step, rec.base
        for o, m in zip(raw, made):
            _take_over(o, m)
        del made
    if joins:
        ctx._save()
    ctx._dirty = ctx._non_differentiable = ()


def _plain(o: Stored) -> Stored:
    """A changed input's value without its history."""
    if not o._spec.requires_grad:
        return o
    with no_grad():
        return record(creation.copy, (o,), ())


def _check_dirty(t: Stored) -> None:
    """RuntimeError for an input that may not be changed in place."""
    if t._parent is not None:
        raise RuntimeError("suiren takes no view in ctx.mark_dirty(): clone it before the Function changes it in place.")
    if t._spec.requires_grad and t._graph is None and node.history_of(t) is None:
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")


def _take_over(o: Stored, made: Stored) -> None:
    """The tensor that forward returned is, from now on, the node's output."""
    if o._parent is not None:  # a view: a tensor of its own from now on
        o._id, o._parent, o._buffer, o._graph = made._id, None, None, None
        local.rec.values.append(o)
    else:
        binding.overwrite(o, made, silent=True)
    o._spec = made._spec


def backward_of(cls: type):
    """The user's backward, under either of its names."""
    backward, vjp = cls.backward, cls.vjp
    if backward is not Function.backward and vjp is not Function.vjp:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them."
        )
    return vjp if vjp is not Function.vjp else backward


class _Refused(Function):
    """Results that cannot be differentiated: the gradients of a backward that says so."""

    @staticmethod
    def forward(ctx, message, count, *tensors):
        ctx.message = message
        return tuple(t.clone() for t in tensors[:count])

    @staticmethod
    def backward(ctx, *gradients):
        raise RuntimeError(ctx.message)


def once_differentiable(fn):
    """Marks a backward whose gradients must not be differentiated again: doing so raises RuntimeError."""

    @functools.wraps(fn)
    def wrapper(ctx, *args):
        with no_grad():
            outputs = fn(ctx, *args)
        if not local.rec.grad or not any(isinstance(a, Stored) and a._spec.requires_grad for a in args):
            return outputs
        several = isinstance(outputs, tuple)
        given = list(outputs) if several else [outputs]
        places = [i for i, o in enumerate(given) if isinstance(o, Stored)]
        sources = [a for a in args if isinstance(a, Stored) and a._spec.requires_grad]
        message = "trying to differentiate twice a function that was marked with @once_differentiable"
        marked = _Refused.apply(message, len(places), *(given[i].detach() for i in places), *sources)
        for i, m in zip(places, marked):
            given[i] = m
        return tuple(given) if several else given[0]

    return wrapper


class InplaceFunction(Function):
    """A Function that may be asked to work in place. Source: torch/autograd/function.py"""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace


__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]
