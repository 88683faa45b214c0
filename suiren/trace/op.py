"""Op: one primitive operation with all its rules, and the kinds that supply what operations have in common.

An op is described once, in `suiren/ops/`, by calling the factory of its kind. Everything below `ops` asks the op object, never its name.

    kind        rules written with the op                     what the kind supplies
    pointwise   numpy, lower, grad                            broadcasting, promotion, fusibility
    reduction   numpy, identity + combine (or better), grad   dims and keepdim, result shape
    movement    numpy, restride, grad, infer                  being a view: an affine map of indices
    placement   numpy, parts, grad, infer                     an output put together from parts (cat, a write through a view)
    template    numpy, family, grad, infer                    the kernel is compiler/kernels/<family>.py
    opaque      numpy, grad, infer                            runs in the interpreter only; a trace is compiled around it

Batching (`vmap`, see func/README.md) is said by the kind as well. A pointwise op broadcasts; ops with one input, and placements, take any number of
leading dims if their parameters are moved on: by `shifted` where they count dims, else by the op's own `lead(sizes, inputs, **params)`, which gives
the parameters for inputs with leading dims of `sizes`. A template or opaque op says `lead=` if that is so for it too, or brings a rule of its own,
`batch(size, tensors, is_batched, **params)`, for one leading dim; one that says neither is run for one place of the batch after the other.

A gradient rule is a function of ops. The names of its parameters say what it needs, and so what is saved for it:
`g` (or `g0`, `g1` … of an op with several outputs; None where no gradient arrived), `out` (`out0` …), an input by its name,
`<input>_spec` (its Spec, its data is not kept) and static parameters by theirs. It returns one gradient (or None) per input.
The engine sums a gradient that is larger than its input because of broadcasting, and casts it to the input's dtype.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.dtypes import BOOL, FLOAT, INTEGER, dtype, of_number, promote_types
from suiren.trace.spec import Spec, spec

NOT_DIFFERENTIABLE = "not differentiable"
INTERPRETER_ONLY = "interpreter only"

REGISTRY: dict[str, Op] = {}

# What an op gets for an input: the Spec of a tensor, or the class of a Python number.
Input = Spec | type


def shifted(sizes: tuple[int, ...], inputs: tuple, **params) -> dict:
    """Parameters that count dims, for inputs with as many more leading dims as there are `sizes`."""
    n, moved = len(sizes), {}
    for name, value in params.items():
        if name in ("dim", "dim1", "dim2"):
            value += n
        elif name == "dims":
            value = tuple(d + n for d in value)
        moved[name] = value
    return moved


class Op:
    """One primitive. Immutable once registered; compare with ``is``."""

    kind = "op"
    is_view = False  # whether its result shares the storage of its input
    is_window = False  # a view of one part, whose place may change from step to step
    renews = False  # its result is its input again: an autograd leaf after it was written
    passes = False  # its outputs are its first inputs: only a graph sees it, a trace is built without it
    is_python = False  # its gradient rule is the user's Python, kept per call (Through)

    def __init__(
        self,
        name: str,
        *,
        inputs: tuple[str, ...],
        params: tuple[str, ...] = (),
        outputs: int = 1,
        numpy: Callable,
        grad: Callable | str,
        infer: Callable | None = None,
        doc: str = "",
        grad_name: str = "",
        failure: Callable | None = None,
        lead: Callable | None = None,
        batch: Callable | None = None,
    ):
        if name in REGISTRY:
            raise ValueError(f"an op named {name!r} is registered already")
        if not callable(grad) and grad is not NOT_DIFFERENTIABLE:
            raise TypeError(f"op {name!r}: grad must be a rule or NOT_DIFFERENTIABLE, got {grad!r}")
        self.name, self.inputs, self.params, self.n_outputs = name, inputs, params, outputs
        self.numpy = numpy
        self.grad = grad if callable(grad) else None
        self.grad_needs: tuple[str, ...] = tuple(inspect.signature(grad).parameters) if callable(grad) else ()
        # PyTorch's name of the graph node: AddBackward0
        self.grad_name = grad_name or "".join(part.capitalize() for part in name.split("_")) + "Backward0"
        self.__doc__ = doc
        self._infer, self._failure = infer, failure
        self.lead = lead or (shifted if self.kind in ("pointwise", "reduction", "movement", "placement") else None)
        self.batch = batch
        REGISTRY[name] = self

    # -- what a recording asks
    def infer(self, inputs: tuple[Input, ...], params: tuple) -> tuple[Spec, ...]:
        """The plain specs of the outputs; raises PyTorch's exception for inputs that do not fit."""
        found = self._infer(*inputs, **dict(zip(self.params, params)))
        return found if isinstance(found, tuple) else (found,)

    # -- what the interpreter asks
    def run(self, arrays: list, inputs: tuple[Input, ...], params: tuple, specs: tuple[Spec, ...]) -> tuple[np.ndarray, ...]:
        """Computes the outputs with NumPy. `arrays` are ndarrays and Python numbers; the results have `specs`."""
        with np.errstate(all="ignore"):
            found = self.numpy(*arrays, **dict(zip(self.params, params)))
        found = found if isinstance(found, tuple) else (found,)
        return tuple(np.asarray(a, dtype=s.dtype.np).reshape(s.shape) for a, s in zip(found, specs))

    def interpret(self, arrays: list, inputs: tuple[Input, ...], params: tuple, specs: tuple[Spec, ...]) -> tuple[np.ndarray, ...]:
        """`run`; narrow floats are computed in float32 and rounded, as machine code and PyTorch do it."""
        if not any(s.dtype in dtypes.NARROW for s in (*inputs, *specs) if isinstance(s, Spec)) or self.kind in ("movement", "placement"):
            return self.run(arrays, inputs, params, specs)
        wide = [a.astype(np.float32) if isinstance(x, Spec) and x.dtype in dtypes.NARROW else a for a, x in zip(arrays, inputs)]
        found = self.run(wide, tuple(map(_widened, inputs)), params, tuple(map(_widened, specs)))
        return tuple(np.asarray(a).astype(s.dtype.np, copy=False) for a, s in zip(found, specs))

    def work(self, inputs: tuple[Input, ...], specs: tuple[Spec, ...], params: tuple) -> int:
        """About how many elements or multiplications it is to compute: decides what is too big to interpret."""
        return sum(s.numel for s in specs)

    def failure(self, value: int | float, params: tuple) -> Exception:
        """PyTorch's exception for the bad element `value` that a kernel's check found; `failure(value, **params)` is given with the op."""
        return self._failure(value, **dict(zip(self.params, params)))

    def param(self, params: tuple, name: str) -> Any:
        return params[self.params.index(name)]

    @property
    def is_compiled(self) -> bool:
        """Whether the compiler has a way to run it."""
        return True

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self):
        return REGISTRY.__getitem__, (self.name,)


def _widened(x: Input) -> Input:
    return spec(x.shape, dtypes.float32) if isinstance(x, Spec) and x.dtype in dtypes.NARROW else x


# ---------------------------------------------------------------- pointwise


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape, by NumPy's and PyTorch's rule; RuntimeError with PyTorch's message if there is none."""
    ndim = max(map(len, shapes), default=0)
    result = [1] * ndim
    for shape in shapes:
        for i, size in enumerate(reversed(shape)):
            at = ndim - 1 - i
            if size == 1 or size == result[at]:
                continue
            if result[at] != 1:
                raise RuntimeError(
                    f"The size of tensor a ({result[at]}) must match the size of tensor b ({size}) "
                    f"at non-singleton dimension {at}"
                )
            result[at] = size
    return tuple(result)


def common_dtype(inputs: tuple[Input, ...]) -> dtype:
    """PyTorch's promotion: tensors with dims before 0-dim tensors before numbers, unless the category is higher."""
    dims = zero = number = None
    for x in inputs:
        if isinstance(x, Spec):
            if x.ndim:
                dims = x.dtype if dims is None else promote_types(dims, x.dtype)
            else:
                zero = x.dtype if zero is None else promote_types(zero, x.dtype)
        else:
            d = of_number(x)
            number = d if number is None else promote_types(number, d)
    result = dims
    for lower in (zero, number):
        if lower is None:
            continue
        if result is None or lower.category > result.category:
            result = lower if result is None or lower.category != dtypes.COMPLEX else promote_types(result, lower)
    return result


def _promote_default(inputs):
    d = common_dtype(inputs)
    return d, d


def _promote_float(inputs):
    d = common_dtype(inputs)
    d = d if d.category >= FLOAT else dtypes.get_default_dtype()
    return d, d


def _promote_compare(inputs):
    return common_dtype(inputs), dtypes.bool_


def _promote_logical(inputs):
    return dtypes.bool_, dtypes.bool_


PROMOTIONS: dict[str, Callable] = {
    "default": _promote_default,  # one dtype for operands and result
    "float": _promote_float,  # the same, integers become the default float dtype (division, exp, sqrt)
    "compare": _promote_compare,  # operands in a common dtype, result bool
    "logical": _promote_logical,  # operands become bool, result bool
}


class Pointwise(Op):
    """Every element of the result depends on the elements at the same (broadcast) place. Takes Python numbers as inputs."""

    kind = "pointwise"

    def __init__(self, name, *, numpy, lower, grad, promote="default", condition=0, result=None, **kw):
        """`condition`: how many leading inputs are bool conditions, outside of promotion. `result`: fixed dtype of the result.
        `promote` is a key of PROMOTIONS, or a function of (inputs, params) to (operand dtype, result dtype).
        `lower` gets the builder, the operands, and by keyword those params that it names; where it names `index`, it gets the
        element's row-major place in the result (int64): `iota` is that and nothing else. An op without tensor inputs gives `infer`.
        Where it names `check`, it gets the check word for `b.check(ok, value, check)`; such an op says what is raised by `failure`."""
        names = tuple(inspect.signature(lower if callable(lower) else numpy).parameters)
        if callable(lower):
            names = names[1:]  # the builder
        inputs = kw.pop("inputs", None) or tuple(n for n in names if n not in (*kw.get("params", ()), "index", "check"))
        super().__init__(name, inputs=inputs, numpy=numpy, grad=grad, **kw)
        self.lower = lower if callable(lower) else None
        self.lower_params = tuple(n for n in self.params if n in names) if callable(lower) else ()
        self.takes_index = callable(lower) and "index" in names
        self.checks = callable(lower) and "check" in names
        self.condition, self.result = condition, result
        self._promote = promote

    @property
    def is_compiled(self) -> bool:
        return self.lower is not None

    def types(self, inputs: tuple[Input, ...], params: tuple) -> tuple[tuple[dtype, ...], dtype]:
        """(the dtype each operand is converted to, the result's dtype)."""
        if callable(self._promote):
            operand, result = self._promote(inputs, params)
        else:
            operand, result = PROMOTIONS[self._promote](inputs[self.condition :])
        operands = (dtypes.bool_,) * self.condition + (operand,) * (len(inputs) - self.condition)
        return operands, self.result or result

    def emit(self, b, values: list, params: tuple, index=None, check: int | None = None):
        """One element (or one vector of them) of the result, by the builder `b`; `values` have the dtypes of `types`."""
        named = {n: self.param(params, n) for n in self.lower_params}
        if self.takes_index:
            named["index"] = index
        if self.checks:
            named["check"] = check
        return self.lower(b, *values, **named)

    def infer(self, inputs, params):
        if self._infer is not None:
            return super().infer(inputs, params)
        _, result = self.types(inputs, params)
        shapes = [x.shape for x in inputs if isinstance(x, Spec)]
        shape = shapes[0] if len(shapes) == 1 else broadcast_shapes(*shapes)
        return (spec(shape, result),)

    def run(self, arrays, inputs, params, specs):
        operands, _ = self.types(inputs, params)
        ready = [np.asarray(a).astype(d.np, copy=False) for a, d in zip(arrays, operands)]
        with np.errstate(all="ignore"):
            found = self.numpy(*ready, **dict(zip(self.params, params)))
        out = np.asarray(found).astype(specs[0].dtype.np, copy=False)
        if out.shape != specs[0].shape:  # an op that ignores its operand's values (full_like, a constant)
            out = np.array(np.broadcast_to(out, specs[0].shape))
        return (out,)


# ---------------------------------------------------------------- reduction


def reduced_shape(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    if keepdim:
        return tuple(1 if i in dims else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in dims)


class Reduction(Op):
    """Reduces `dims` (sorted, non-negative, all of them named) of its one input. Parameters: dims, keepdim.

    A plain reduction gives `identity` (a function of dtype to a Python number) and `combine(b, acc, x)`.
    One that finds a place gives `better(b, x, best)`, the mask "x replaces best", and has outputs ("value", "index") or ("index",):
    the first of equal elements wins, an index is int64 and counts in the row-major order of the reduced dims.
    """

    kind = "reduction"

    def __init__(self, name, *, numpy, grad, identity=None, combine=None, better=None, result_dtype=None, accumulate=None, produces=("value",), **kw):
        super().__init__(name, inputs=("x",), params=("dims", "keepdim"), outputs=len(produces), numpy=numpy, grad=grad, **kw)
        self.identity, self.combine, self.better, self.produces = identity, combine, better, produces
        self.result_dtype = result_dtype or (lambda d: d)
        self.accumulate = accumulate or self.result_dtype  # the dtype it is combined in

    @property
    def is_compiled(self) -> bool:
        return (self.combine or self.better) is not None

    def infer(self, inputs, params):
        x, (dims, keepdim) = inputs[0], params
        shape = reduced_shape(x.shape, dims, keepdim)
        kinds = {"value": self.result_dtype(x.dtype), "index": dtypes.int64}
        return tuple(spec(shape, kinds[p]) for p in self.produces)


# ---------------------------------------------------------------- movement and placement


class Movement(Op):
    """Its output shows elements of its input at other places: a view wherever strides can say it.

    `restride(shape, strides, offset, **params)` maps a strided layout of the input to that of the output, strides in elements;
    it returns None where strides cannot say it (a reshape of something that is not contiguous: a copy comes first).
    `numpy` on a contiguous array returns a view of it. `view=False`: PyTorch's operation makes a copy (flip), here too for who looks.
    `whole=True`: it shows every element where it was (detach), so a write through it writes the base.
    `window=True`: its parameters say where to look, and may change from step to step while the shape stays (a slice): see trace/binding.py.
    """

    kind = "movement"

    def __init__(self, name, *, numpy, restride, grad, infer, params=(), view=True, whole=False, window=False, **kw):
        super().__init__(name, inputs=("x",), params=params, numpy=numpy, grad=grad, infer=infer, **kw)
        self._restride = restride
        self.is_view, self.is_whole, self.is_window = view, whole, window

    def restride(self, shape, strides, offset, params):
        return self._restride(shape, strides, offset, **dict(zip(self.params, params)))

    def run(self, arrays, inputs, params, specs):
        return (self.numpy(arrays[0], **dict(zip(self.params, params))),)


class Placement(Op):
    """Its output is put together from parts: each input goes to a strided place of the contiguous output; a later part wins.

    `parts(*specs, **params)` gives (input index, (shape, strides, offset)) in the order of writing; together they cover the output.
    """

    kind = "placement"

    def __init__(self, name, *, inputs, numpy, parts, grad, infer, params=(), **kw):
        super().__init__(name, inputs=inputs, params=params, numpy=numpy, grad=grad, infer=infer, **kw)
        self._parts = parts

    def parts(self, inputs, params):
        return self._parts(*inputs, **dict(zip(self.params, params)))


# ---------------------------------------------------------------- template and opaque


class Template(Op):
    """Its kernel is a loop nest of its own: `compiler/kernels/<family>.py`.

    `blocked` names the inputs and outputs, by position, that its kernels want in the layout of blocked channels (see compiler/README.md).
    `transposes`: exchanging the last two dims of its one output is the same as exchanging its two inputs and the last two dims of each.
    `overwrites`: the input, by position, in whose memory the output may be made: it is a changed copy of it.
    """

    kind = "template"

    def __init__(self, name, *, family, blocked=((), ()), transposes=False, overwrites=None, **kw):
        super().__init__(name, **kw)
        self.family, self.blocked, self.transposes, self.overwrites = family, blocked, transposes, overwrites


class Opaque(Op):
    """Runs with NumPy only; INTERPRETER_ONLY must be written out where it is made."""

    kind = "opaque"

    def __init__(self, name, *, lower, **kw):
        if lower is not INTERPRETER_ONLY:
            raise TypeError(f"op {name!r}: an opaque op says lower=INTERPRETER_ONLY")
        super().__init__(name, **kw)

    @property
    def is_compiled(self) -> bool:
        return False


class Through(Op):
    """Outputs that are its first inputs, unchanged: only a graph sees it, a trace is built without it. Its gradient rule is Python of the user's.

    Parameter `count`: how many outputs there are. The inputs after those are what gradients are wanted for.
    """

    kind = "through"
    passes = is_python = True

    def __init__(self, name, **kw):
        super().__init__(name, inputs=("*tensors",), params=("count",), outputs=0, numpy=lambda *tensors, count: tensors[:count], grad=lambda: (), **kw)

    def infer(self, inputs, params):
        return tuple(x.plain for x in inputs[: params[0]])


class Rewritten(Op):
    """A value with the history of another tensor: what that tensor is after it was written while gradients were off. Seen by graphs alone."""

    kind = "through"
    passes = True

    def __init__(self, name, **kw):
        super().__init__(name, inputs=("value", "before"), numpy=lambda value, before: value, grad=lambda g: (None, g), **kw)

    def infer(self, inputs, params):
        return (inputs[0].plain,)


# The factories read as sentences in ops/: `relu = pointwise("relu", ...)`.
pointwise, reduction, movement, placement, template, opaque = Pointwise, Reduction, Movement, Placement, Template, Opaque

__all__ = [
    "BOOL", "FLOAT", "INTEGER", "INTERPRETER_ONLY", "NOT_DIFFERENTIABLE", "Op", "REGISTRY",
    "movement", "opaque", "placement", "pointwise", "reduction", "template",
]  # fmt: skip
