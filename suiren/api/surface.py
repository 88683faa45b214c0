"""From one function to `suiren.f`, `Tensor.f`, `Tensor.f_` and `out=`: every public function is declared once, here nothing is repeated.

    @public(out=True, inplace=True)
    def exp2(input): ...

The plain function is the method, so a method costs no detour; `suiren.f` is the same function unless it takes `out=`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from suiren.api import casting, numpy_names
from suiren.ops.views import original
from suiren.trace.storage import Stored
from suiren.trace.views import write

F = TypeVar("F", bound=Callable)


class Entry(NamedTuple):
    """A declared function: what it is called where. An empty tuple: not there."""

    function: Callable
    functions: tuple[str, ...]  # names in `suiren`
    methods: tuple[str, ...]  # names in Tensor
    inplace: tuple[str, ...]  # names of Tensor methods that write the result into the tensor
    out: bool


ENTRIES: list[Entry] = []

# The in-place forms that are functions of `suiren` too, as in PyTorch: `suiren.exp_(x)`.
IN_PLACE_FUNCTIONS = frozenset((
    "abs_", "acos_", "acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "asin_", "asinh_", "atan_",
    "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "conj_physical_", "cos_", "cosh_", "deg2rad_", "erf_", "erfc_",
    "exp2_", "exp_", "expm1_", "fill_", "fix_", "floor_", "frac_", "gcd_", "i0_", "index_put_", "lcm_", "ldexp_", "log10_", "log1p_",
    "log2_", "log_", "logit_", "nan_to_num_", "neg_", "negative_", "rad2deg_", "reciprocal_", "relu_", "round_", "rsqrt_", "sigmoid_",
    "sin_", "sinc_", "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_",
))  # fmt: skip


def public(
    names: str | tuple[str, ...] = (), *, function: bool = True, method: bool = True, inplace: bool = False, out: bool = False
) -> Callable[[F], F]:
    """Declares a function under its own name, or under `names` (space-separated).

    `function`: it is `suiren.f`; `method`: it is `Tensor.f`; `inplace`: there is `Tensor.f_`; `out`: `suiren.f` takes `out=`.
    """

    def declare(f: F) -> F:
        called = tuple(names.split()) if isinstance(names, str) else names
        called = called or (f.__name__,)
        ENTRIES.append(Entry(f, called if function else (), called if method else (), tuple(n + "_" for n in called) if inplace else (), out))
        return f

    return declare


# The functions of a public module, such as suiren.linalg, by the module's name and their own.
MODULES: dict[str, dict[str, Callable]] = {}


def public_in(module: str, names: str = "", *, out: bool = False) -> Callable[[F], F]:
    """Declares a function of a module `suiren.<module>`, under its own name or under `names`; with `out`, it takes `out=` there."""

    def declare(f: F) -> F:
        for name in names.split() or (f.__name__,):
            MODULES.setdefault(module, {})[name] = _function(f, name, out)
        return f

    return declare


def fill(out: Stored, value):
    """Writes a result into `out`, resized if it has to be; of several results each into its own. Returns `out`."""
    if isinstance(value, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(value):
            raise TypeError(f"out= must be a tuple of {len(value)} Tensors")
        filled = [fill(o, v) for o, v in zip(out, value)]
        return type(value)(*filled) if hasattr(value, "_fields") else tuple(filled)
    if not isinstance(out, Stored):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if out._spec.requires_grad or value._spec.requires_grad:
        raise RuntimeError(
            f"{'' if out._spec.requires_grad else 'one of the inputs requires grad: '}"
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad."
        )
    if out._spec.shape != value._spec.shape:
        _resize(out, value)
    return write(out, value)


def _resize(out: Stored, value: Stored) -> None:
    """Gives `out` another shape, as PyTorch does (it warns only if `out` had elements)."""
    if out._spec.numel:
        import warnings

        warnings.warn(
            f"An output with one or more elements was resized since it had shape {list(out._spec.shape)}, which does not match the required "
            f"output shape {list(value._spec.shape)}. This behavior is deprecated.",
            UserWarning,
            stacklevel=4,
        )
    from suiren.api.creation import empty

    out.data = empty(value._spec.shape, dtype=out._spec.dtype)


def with_out(f: Callable, name: str = "") -> Callable:
    """f with `out=`: also for functions of a namespace (`special`, …), which are not in ENTRIES."""

    def g(*args, out=None, **kwargs):
        if out is None:
            return f(*args, **kwargs)
        return fill(out, casting.bare(f, *args, **kwargs) if casting.on else f(*args, **kwargs))

    _dress(g, f, name or f.__name__)
    return g


def _function(f: Callable, name: str, out: bool) -> Callable:
    """f as a function of a module."""
    if numpy_names.takes(f):
        return numpy_names.renaming(f, name, with_out(f, name) if out else None)
    return with_out(f, name) if out else f


def _method(f: Callable, name: str) -> Callable:
    return numpy_names.renaming(f, name) if numpy_names.takes(f) else f


def _in_place(f: Callable, name: str) -> Callable:
    """f as a method that writes its result into the tensor."""

    def f_(self, *args, **kwargs):
        before = original(self)
        return write(self, casting.bare(f, before, *args, **kwargs) if casting.on else f(before, *args, **kwargs))

    _dress(f_, f, name)
    f_.__doc__ = f"In place: see `{name[:-1]}`."
    return f_


def _dress(g: Callable, f: Callable, name: str) -> None:
    g.__name__ = g.__qualname__ = name
    g.__doc__ = f.__doc__
    g.__wrapped__ = f


def signature(f: Callable) -> inspect.Signature:
    """The signature of a public function as a user sees it, `out` included."""
    inner = getattr(f, "__wrapped__", f)
    if hasattr(f, "__signature__"):
        return inspect.signature(f)
    found = inspect.signature(inner)
    if inner is not f and not f.__name__.endswith("_"):
        parameters = list(found.parameters.values())
        at = next((i for i, p in enumerate(parameters) if p.kind is p.VAR_KEYWORD), len(parameters))
        parameters.insert(at, inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
        found = found.replace(parameters=parameters)
    return found


def load() -> None:
    """Imports every file of the API, so that ENTRIES is complete."""
    import suiren.api  # noqa: F401


def install(tensor_class: type) -> None:
    """Gives the class its methods, in-place forms included; what it defines itself stays."""
    load()
    own = set(vars(tensor_class))
    for e in ENTRIES:
        for name in e.methods:
            if name not in own:
                setattr(tensor_class, name, _method(e.function, name))
        for name in e.inplace:
            if name not in own:
                setattr(tensor_class, name, _in_place(_method(e.function, name), name))


def public_names() -> dict[str, Callable]:
    """The functions of the package `suiren`, by name."""
    load()
    found = {}
    for e in ENTRIES:
        for name in e.functions:
            found[name] = _function(e.function, name, e.out)
        for name in e.inplace:
            if name in IN_PLACE_FUNCTIONS:
                found[name] = _in_place(e.function, name)
    return found
