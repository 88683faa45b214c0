"""grad, vjp, jvp, Jacobians: functions of functions, built on the engine. Source: torch/_functorch/eager_transforms.py

Forward mode is reverse mode taken twice: with g(u) = Jᵀu linear in u, the gradient of <g(u), v> with respect to u is Jv. In a recorded program this
costs nothing more than real forward mode, for the values of g(u) are never looked at, and so never computed (docs/internals/decisions/007).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from suiren.autograd import engine
from suiren.autograd.function import forward_mode
from suiren.dtypes import FLOAT
from suiren.func import tree
from suiren.func.arguments import chosen, numbers_of, real, replaced, structured_outputs
from suiren.func.leaves import cut, depends_on_others, fresh, let_go, recording_gradients
from suiren.ops import creation
from suiren.tensor import Tensor
from suiren.trace.pending import local


def _zeros(t: Tensor) -> Tensor:
    from suiren.ops.pointwise import mul

    s = t._spec
    return creation.zeros_like(s.plain) if t._interpret is None else mul(t.detach(), 0)


class Linearised:
    """A function at a point: its outputs, and the graph between its inputs and them."""

    def __init__(self, name: str, function: Callable, args: tuple, argnums, has_aux: bool):
        given = chosen(args, argnums)
        flat, self.structure = tree.flatten(given)
        for x in flat:
            if not isinstance(x, Tensor):
                raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
            if x._spec.dtype.category < FLOAT:
                raise RuntimeError("only Tensors of floating point dtype can require gradients")
        with recording_gradients() as mode:
            self.outer = mode.outer
            self.inputs = [fresh(x, mode.outer) for x in flat]
            out = function(*replaced(args, argnums, tree.unflatten(self.inputs, self.structure)))
            self.aux = None
            if has_aux:
                if not (isinstance(out, tuple) and len(out) == 2):
                    raise RuntimeError(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True")
                out, self.aux = out
            self.tree = out
            self.outputs, self.out_structure = tree.flatten(out)
            results = [t for t in (*self.outputs, *tree.flatten(self.aux)[0]) if isinstance(t, Tensor)]
            self.connected = mode.outer and depends_on_others(results, self.inputs)

    def finished(self, nest: Any) -> Any:
        """Results as the caller gets them: with a history only if they depend on something of the caller's that requires grad."""
        return tree.map_leaves(lambda t: self._shown(t) if isinstance(t, Tensor) else t, nest)

    def _shown(self, t: Tensor) -> Tensor:
        return t if self.connected and depends_on_others([t], self.inputs) else cut(t)

    def pulled(self, cotangents: list, create_graph: bool = False, retain: bool = True) -> list:
        """Jᵀu: one gradient for every input; zeros where the outputs do not depend on it."""
        pairs = [(y, u) for y, u in zip(self.outputs, cotangents) if y._spec.requires_grad]
        found: list = [None] * len(self.inputs)
        if pairs:
            ys, us = [y for y, _ in pairs], [u for _, u in pairs]
            found = engine.grad(ys, self.inputs, us, retain, create_graph, True)
        return [_zeros(x) if g is None else g for x, g in zip(self.inputs, found)]

    def transposed(self) -> tuple[list, list]:
        """(u, g): leaves like the outputs, and g = Jᵀu as a function of them."""
        with recording_gradients(), forward_mode():
            us = [fresh(_zeros(y), False) for y in self.outputs]
            return us, self.pulled(us, create_graph=True)

    def pushed(self, us: list, gs: list, tangents: list) -> list:
        """Jv: the gradient of <g(u), v> with respect to u."""
        pairs = [(g, v) for g, v in zip(gs, tangents) if g._spec.requires_grad]
        found: list = [None] * len(us)
        if pairs:
            create = self.connected or (self.outer and any(v._spec.requires_grad for v in tangents))
            found = engine.grad([g for g, _ in pairs], us, [v for _, v in pairs], True, create, True)
        return [_zeros(y) if t is None else t for y, t in zip(self.outputs, found)]


# ---------------------------------------------------------------- reverse mode


def grad_and_value(func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable:
    """A function that gives (the gradient of `func` with respect to its arguments `argnums`, its value). RuntimeError unless that is 0-dim."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        numbers = numbers_of(argnums, len(args))
        at = Linearised("grad_and_value(f)(*args)", functools.partial(func, **kwargs), args, numbers, has_aux)
        value = at.tree
        if not isinstance(value, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(value)}")
        if value.dim() != 0:
            raise RuntimeError(
                f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {value.dim()} dims. Maybe you wanted to use "
                "the vjp or jacrev APIs instead?"
            )
        found = at.pulled([None], create_graph=at.connected, retain=at.connected)
        result = (tree.unflatten(at.finished(found), at.structure), at.finished(value))
        aux = at.finished(at.aux)
        let_go(at.inputs)
        return (result[0], (result[1], aux)) if has_aux else result

    return wrapper


def grad(func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable:
    """A function that gives the gradient of `func` with respect to its arguments `argnums`; with `has_aux`, (gradient, aux)."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        gradient, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), a function from cotangents like the outputs to gradients of the primals); with `has_aux`, aux as a third."""
    at = Linearised("vjp(f, *primals)", func, primals, None, has_aux)
    structured_outputs("vjp", at.outputs)
    for y in at.outputs:
        if not (y.is_floating_point() or y.is_complex()):
            raise RuntimeError(f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {y.dtype}")

    def pull(cotangents, retain_graph: bool = True, create_graph: bool | None = None):
        flat, structure = tree.flatten(cotangents)
        if structure != at.out_structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {structure}, primal output: {at.out_structure}"
            )
        grads_on = local.rec.grad if create_graph is None else create_graph
        create = grads_on and (at.connected or any(u._spec.requires_grad for u in flat))
        found = at.pulled(flat, create_graph=create, retain=retain_graph)
        if create:
            found = [g if depends_on_others([g], at.inputs) else cut(g) for g in found]
        found = tree.unflatten(found, at.structure)
        return found

    shown = at.finished(at.tree)
    return (shown, pull, at.finished(at.aux)) if has_aux else (shown, pull)


def jacrev(
    func: Callable, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None, _preallocate_and_copy: bool = False
) -> Callable:
    """A function that gives the Jacobian of `func` by reverse mode, one row after the other in one batch: outputs' dims, then inputs'."""
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        real("jacrev", args, "inputs")
        at = Linearised("vjp(f, *primals)", functools.partial(func, **kwargs), args, numbers_of(argnums, len(args)), has_aux)
        structured_outputs("jacrev", at.outputs)
        real("jacrev", at.outputs, "outputs")
        rows = _over_basis(at.outputs, lambda us: at.pulled(us, create_graph=at.connected), chunk_size)
        found = []  # per output, per input
        for i, y in enumerate(at.outputs):
            found.append([r.reshape(*y.shape, *x.shape) for r, x in zip(rows[i], at.inputs)])
        result = tree.unflatten([tree.unflatten(at.finished(js), at.structure) for js in found], at.out_structure)
        aux = at.finished(at.aux)
        let_go(at.inputs)
        return (result, aux) if has_aux else result

    return wrapper


def _over_basis(like: list, function: Callable, chunk_size: int | None) -> list:
    """`function` of every unit vector of a space, batched: for each tensor that makes up the space, the results, with its elements as a first dim."""
    from suiren.api.creation import eye
    from suiren.func.vmap import vmap

    sizes = [t.numel() for t in like]
    total = sum(sizes)

    def at_row(row):
        parts = row.split(sizes)
        return function([p.reshape(t.shape).to(t.dtype) for p, t in zip(parts, like)])

    d = like[0].dtype
    results = vmap(at_row, chunk_size=chunk_size, randomness="same")(eye(total, dtype=d))
    found, start = [], 0
    for n in sizes:
        found.append([r.narrow(0, start, n) for r in results])
        start += n
    return found


# ---------------------------------------------------------------- forward mode


def _jvp(func: Callable, primals: tuple, tangents, argnums, has_aux: bool, strict: bool = False):
    name = "jvp(f, primals, tangents)"
    given = chosen(primals, argnums)
    flat, structure = tree.flatten(given)
    flat_tangents, tangent_structure = tree.flatten(tangents)
    if structure != tangent_structure:
        raise RuntimeError(
            f"{name}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, tangents also "
            f"must be. Got primals with structure {structure} and tangents with structure {tangent_structure}"
        )
    for what, values in (("primals", flat), ("tangents", flat_tangents)):
        if not values:
            raise RuntimeError(f"{name}: Expected {what} to contain at least one Tensor.")
        for x in values:
            if not isinstance(x, Tensor):
                raise RuntimeError(f"{name}: Expected {what} to only contain Tensors, got {type(x)}")
    for x, v in zip(flat, flat_tangents):
        if x.shape != v.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
                f"Tensor is of size {list(x.shape)} while the given forward gradient is of size {list(v.shape)}."
            )
    at = Linearised(name, func, primals, argnums, has_aux)
    for y in at.outputs:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"{name}: expected f(*args) to return only tensors, got unsupported type {type(y)}")
        if strict and not y._spec.requires_grad:
            raise RuntimeError("jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True.")
    us, gs = at.transposed()
    with recording_gradients():
        moved = at.pushed(us, gs, flat_tangents)
    return at, us, moved


def jvp(func: Callable, primals: tuple, tangents: tuple, *, strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), the change of the outputs along `tangents`); with `has_aux`, aux as a third."""
    if not isinstance(primals, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    at, us, moved = _jvp(func, primals, tangents, None, has_aux, strict)
    return _forward_results(at, us, moved, has_aux)


def _forward_results(at: Linearised, us: list, moved: list, has_aux: bool):
    private = [*at.inputs, *us]
    shown = [t if depends_on_others([t], private) else cut(t) for t in moved] if at.outer else [cut(t) for t in moved]
    result = (at.finished(at.tree), tree.unflatten(shown, at.out_structure))
    aux = at.finished(at.aux)
    let_go(private)
    return (*result, aux) if has_aux else result


def linearize(func: Callable, *primals: Any) -> tuple[Any, Callable]:
    """(func(*primals), a function from tangents like the primals to the change of the outputs), which can be called many times."""
    at = Linearised("linearize(f, *primals)", func, primals, None, False)
    us, gs = at.transposed()

    def push(*tangents):
        flat, structure = tree.flatten(tangents)
        if structure != at.structure:
            raise RuntimeError(f"Expected the tangents {structure} to have the same argspec as the primals {at.structure}")
        for i, (x, v) in enumerate(zip(at.inputs, flat)):
            if x.shape != v.shape:
                raise RuntimeError(
                    f"tangent:{i} with shape {v.shape} in flattened pytree doesn't match the shape {x.shape} of the corresponding primal."
                )
            if x.dtype is not v.dtype:
                raise RuntimeError(
                    f"tangent:{i} with dtype {v.dtype} in flattened pytree doesn't match the dtype {x.dtype} of the corresponding primal."
                )
        moved = at.pushed(us, gs, flat)
        return tree.unflatten([t if depends_on_others([t], [*at.inputs, *us]) else cut(t) for t in moved], at.out_structure)

    return at.finished(at.tree), push


def jacfwd(
    func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, chunk_size: int | None = None, randomness: str = "error"
) -> Callable:
    """A function that gives the Jacobian of `func` by forward mode: outputs' dims, then inputs'."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        real("jacfwd", args, "inputs")
        at = Linearised("jvp(f, primals, tangents)", functools.partial(func, **kwargs), args, numbers_of(argnums, len(args)), has_aux)
        structured_outputs("jacfwd", at.outputs)
        real("jacfwd", at.outputs, "outputs")
        us, gs = at.transposed()
        with recording_gradients():
            columns = _over_basis(at.inputs, lambda vs: at.pushed(us, gs, vs), chunk_size)
        found = []
        for j, y in enumerate(at.outputs):
            each = []
            for i, x in enumerate(at.inputs):
                c = columns[i][j].movedim(0, -1)  # (*y, elements of x)
                each.append(c.reshape(*y.shape, *x.shape))
            found.append(each)
        private = [*at.inputs, *us]
        shown = [[t if at.outer and depends_on_others([t], private) else cut(t) for t in js] for js in found]
        result = tree.unflatten([tree.unflatten(js, at.structure) for js in shown], at.out_structure)
        aux = at.finished(at.aux)
        let_go(private)
        return (result, aux) if has_aux else result

    return wrapper


def hessian(func: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that gives the second derivatives of `func`: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)


__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp"]
