"""Writes the stubs of suiren: signatures and docstrings of everything that is put together at import, for editors and type checkers.

    python docs/stubs.py

What a public function takes comes from its own signature: from its annotations, or from what its arguments' names mean everywhere (`TAKES`). What it gives
is a Tensor unless it says so, has a named tuple of its name in `return_types`, or stands in `GIVES`; what it gives by what it is given is in `OVERLOADS`.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "suiren"

# Public functions and methods that give something else than a Tensor, where the source has no annotation.
_BOOL = """is_tensor is_storage is_floating_point is_complex is_signed is_nonzero is_same_size is_set_to is_conj is_neg is_inference is_grad_enabled equal
allclose can_cast is_contiguous is_pinned is_shared is_distributed is_coalesced"""
_TENSORS = """split chunk unbind tensor_split hsplit vsplit dsplit split_with_sizes broadcast_tensors meshgrid unsafe_split unsafe_chunk unsafe_split_with_sizes
split_copy split_with_sizes_copy unbind_copy unravel_index gradient"""
_INT = "numel nelement get_device const_data_ptr dim ndimension dense_dim sparse_dim element_size data_ptr storage_offset q_zero_point"
_ANY = """atleast_1d atleast_2d atleast_3d eig symeig lstsq lu tolist storage_type to_dlpack __dlpack__ __reduce_ex__ __torch_function__ __dir__
__getattr__"""
GIVES = {
    **dict.fromkeys(_BOOL.split(), "_bool"), **dict.fromkeys(_TENSORS.split(), "tuple[Tensor, ...]"), **dict.fromkeys(_INT.split(), "_int"),
    **dict.fromkeys(_ANY.split(), "Any"), **dict.fromkeys(("std_mean", "var_mean", "lobpcg"), "tuple[Tensor, Tensor]"),
    **dict.fromkeys(("pca_lowrank", "svd_lowrank"), "tuple[Tensor, Tensor, Tensor]"), "typename": "str", "result_type": "_dtype",
    "dim_order": "tuple[_int, ...]", "broadcast_shapes": "_Size", "storage": "TypedStorage", "untyped_storage": "UntypedStorage", "item": "_Real",
    "__dlpack_device__": "tuple[_int, _int]", "__iter__": "Iterator[Tensor]", "__setstate__": "None",
}  # fmt: skip

# What an argument takes that has no annotation, by its name. `_Number` is a number of Python or NumPy.
_OF_TENSOR = """input self tensor tensor1 tensor2 mat mat1 mat2 batch1 batch2 vec vec1 vec2 input2 input3 index mask x y x1 x2 a b A B LU LD LU_data LU_pivots
pivots tau condition elements window weights prepend append fweights aweights the_template boundaries sorted_sequence sorter real imag abs angle lengths
offsets M X iK count prob gradient"""
_OF_EITHER = "other value values end weight exponent min max fill_value src mean std test_elements atol rtol tol low high n"
_OF_NUMBER = "alpha beta start step correction dx to lambd median sigma initial"
_OF_INTS = "size stride sizes physical_layout"
_OF_INT_OR_INTS = "dim dims s shifts split_size split_size_or_sections split_sizes source destination"
TAKES = {
    **dict.fromkeys(_OF_TENSOR.split(), "Tensor"), **dict.fromkeys(_OF_EITHER.split(), "Tensor | _Number"),
    **dict.fromkeys(_OF_NUMBER.split(), "_Number"), **dict.fromkeys(_OF_INTS.split(), "Sequence[SupportsIndex]"),
    **dict.fromkeys(_OF_INT_OR_INTS.split(), "_int | Sequence[SupportsIndex]"), "indices_or_sections": "_int | Sequence[SupportsIndex] | Tensor",
    "sections": "_int", "tensors": "Sequence[Tensor]", "*tensors": "Tensor | Sequence[Tensor]", "*matrices": "Tensor",
    "*operands": "Tensor | Sequence[Tensor]", "*shapes": "_int | Sequence[SupportsIndex]", "repeats": "Tensor | _int | Sequence[SupportsIndex]",
    "dtype": "_dtype", "layout": "_layout", "device": "_device | str | _int", "memory_format": "_memory_format", "equation": "str",
    "ndarray": "np.ndarray", "filename": "str", "shape": "Sequence[SupportsIndex]", "hook": "Callable[..., Any]", "callable": "Callable[..., Any]",
    "p": "_Number | str", "q": "Tensor | _float | Sequence[_float]", "bins": "Tensor | _int | Sequence[Any]", "range": "Sequence[_float]",
    "pin_memory": "_bool", "ord": "_Number | str", "inputs": "Tensor | Sequence[Tensor]",
}  # fmt: skip
# Arguments of a name that means something else there.
TAKES_THERE = {
    **{(f, "source"): "Tensor" for f in ("index_add", "index_copy", "put", "masked_scatter", "index_reduce")},
    **{(f + "_", "source"): "Tensor" for f in ("index_add", "index_copy", "put", "masked_scatter", "index_reduce")},
    ("set_", "source"): "Any", ("select", "index"): "_int", ("select_copy", "index"): "_int", ("scalar_tensor", "s"): "_Number",
    ("expand_as", "other"): "Tensor", ("matmul", "other"): "Tensor", ("full", "size"): "_int | Sequence[SupportsIndex]",
    ("new_full", "size"): "_int | Sequence[SupportsIndex]", ("randint", "size"): "Sequence[SupportsIndex]",
    ("randint", "high"): "_int | Sequence[SupportsIndex]", ("from_file", "size"): "_int",
    ("narrow", "start"): "Tensor | _int", ("tensordot", "dims"): "_int | Sequence[Any] | Tensor", ("type", "dtype"): "_dtype | str",
    ("unravel_index", "shape"): "_int | Sequence[SupportsIndex] | Tensor", ("histogramdd", "bins"): "_int | Sequence[Any]",
    ("where", "input"): "Tensor | _Number", ("searchsorted", "input"): "Tensor | _Number", ("isin", "elements"): "Tensor | _Number",
    ("result_type", "tensor"): "Tensor | _Number", ("__getitem__", "index"): "Any", ("__setitem__", "index"): "Any", ("__setitem__", "value"): "Any",
}  # fmt: skip

# What PyTorch's stubs say by overloads: the arguments after the tensor, and what is given then. {out} is where a function takes `out=`.
_SORTED = (("{out}", "Tensor"), ("dim: _int, keepdim: _bool = False{out}", "return_types.{name}"))
_LARGEST = (*_SORTED, ("other: Tensor{out}", "Tensor"))
_FLAG = ("return_inverse: Literal[False] = False", "return_counts: Literal[False] = False")
OVERLOADS: dict[str, tuple[tuple[str, str], ...]] = {
    "max": _LARGEST, "min": _LARGEST, "median": _SORTED, "nanmedian": _SORTED,
    "unique": ((f"sorted: _bool = True, {', '.join(_FLAG)}, dim: _int | None = None", "Tensor"),
               ("sorted: _bool = True, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None", "tuple[Tensor, ...]")),
    "unique_consecutive": ((f"{', '.join(_FLAG)}, dim: _int | None = None", "Tensor"),
                           ("return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None", "tuple[Tensor, ...]")),
    "size": (("dim: None = None", "_Size"), ("dim: _int", "_int")),
    "stride": (("dim: None = None", "tuple[_int, ...]"), ("dim: _int", "_int")),
    "nonzero": (("*, as_tuple: Literal[False] = False{more}", "Tensor"), ("*, as_tuple: Literal[True]", "tuple[Tensor, ...]")),
    "type": (("dtype: None = None, non_blocking: _bool = False", "str"), ("dtype: _dtype | str | _type, non_blocking: _bool = False", "Tensor")),
    "view": (("*size: SupportsIndex", "Tensor"), ("size: Sequence[SupportsIndex]", "Tensor"), ("dtype: _dtype", "Tensor")),
    "to": (("dtype: _dtype, non_blocking: _bool = False, copy: _bool = False, *, memory_format: _memory_format | None = None", "Tensor"),
           ("device: _device | str | _int | None = None, dtype: _dtype | None = None, non_blocking: _bool = False, copy: _bool = False, *, "
            "memory_format: _memory_format | None = None", "Tensor"),
           ("other: Tensor, non_blocking: _bool = False, copy: _bool = False, *, memory_format: _memory_format | None = None", "Tensor")),
}  # fmt: skip
# A function `f(*args, size=None)` takes its sizes one by one or as one argument of this name.
_SEVERAL = ("size", "shape", "dims", "repeats")
# Names of a stub's own, where a class or a module has a dtype or a method of the name.
_WORDS = {
    "int": "_int", "float": "_float", "bool": "_bool", "complex": "_complex", "str": "str", "None": "None", "tuple": "tuple", "list": "list",
    "dict": "dict", "Any": "Any", "Callable": "Callable", "Tensor": "Tensor", "dtype": "_dtype", "device": "_device", "Size": "_Size",
    "Generator": "_Generator", "memory_format": "_memory_format", "layout": "_layout", "np": "np", "ndarray": "ndarray", "object": "object",
    "Iterable": "Iterable", "Sequence": "Sequence", "type": "_type", "dtypes": "dtypes",
}  # fmt: skip
_HEADER = '''# Generated by docs/stubs.py: do not edit.
# ruff: noqa
from builtins import bool as _bool
from builtins import complex as _complex
from builtins import float as _float
from builtins import int as _int
from builtins import type as _type
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias, overload

import numpy as np

from suiren import dtypes
from suiren.api import return_types
from suiren.device import device as _device
from suiren.dtypes import dtype as _dtype
from suiren.formats import layout as _layout
from suiren.formats import memory_format as _memory_format
from suiren.random.generator import Generator as _Generator
from suiren.size import Size as _Size
from suiren.storage import TypedStorage, UntypedStorage
{imports}

_Number: TypeAlias = _complex | np.number[Any] | np.bool_
_Real: TypeAlias = _int | _float | _bool
'''
# Attributes that programs use without asking whether they are None, and what has no annotation and is no tensor.
ATTRIBUTES = {"grad": "Tensor | Any", "grad_fn": "Any", "layout": "_layout"}


def annotated(given: object) -> str:
    """An annotation with the stub's words; Any where it speaks of something that the stub does not know."""
    text = given if isinstance(given, str) else getattr(given, "__name__", "Any")
    words = re.findall(r"[A-Za-z_][A-Za-z_0-9]*", text)
    if any(w not in _WORDS for w in words) or '"' in text or "'" in text:
        return "Any"
    return re.sub(r"[A-Za-z_][A-Za-z_0-9]*", lambda m: _WORDS[m.group()], text)


# ---------------------------------------------------------------- one function


def _parameter(function: str, p: inspect.Parameter, out: str) -> str:
    """One parameter with its type and its default; `out` is what `out=` takes."""
    stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    if p.annotation is not p.empty:
        kind = annotated(p.annotation)
    elif p.name == "out":
        kind = out
    else:
        there = TAKES_THERE.get((function, p.name)) or TAKES_THERE.get((function.rstrip("_"), p.name))
        kind = there or TAKES.get(stars + p.name, "Any")
    text = f"{stars}{p.name}: {kind}"
    if p.default is p.empty:
        return text
    simple = isinstance(p.default, (int, float, str, bool, type(None))) and repr(p.default) not in ("inf", "-inf", "nan")
    if p.default is None and kind not in ("Any", "object") and "None" not in kind:
        text += " | None"
    return f"{text} = {p.default!r}" if simple else f"{text} = ..."


def _parameters(function: str, parameters: list[inspect.Parameter], out: str) -> list[str]:
    """The parameters as they are written, with / and * among them."""
    shown, keyword_only, positional_only = [], False, False
    for p in parameters:
        if positional_only and p.kind is not p.POSITIONAL_ONLY:
            shown.append("/")
        positional_only = p.kind is p.POSITIONAL_ONLY
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            shown.append("*")
        keyword_only = keyword_only or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        shown.append(_parameter(function, p, out))
    return [*shown, "/"] if positional_only else shown


def _out(gives: str) -> str:
    """What `out=` takes, of a function that gives this."""
    return "tuple[Tensor, ...]" if gives.startswith(("tuple", "return_types")) else gives


def _of_table(name: str, takes_out: bool) -> list[tuple[list[str], str]]:
    """The overloads of a name in `OVERLOADS`, without the tensor."""
    found = []
    for text, gives in OVERLOADS[name]:
        gives = gives.format(name=name)
        out = f"out: {_out(gives)} | None = None" if takes_out else ""
        filled = text.format(out=f", *, {out}" if out else "", more=f", {out}" if out else "").removeprefix(", ")
        found.append(([filled] if filled else [], gives))
    return found


def _variants(name: str, parameters: list[inspect.Parameter], gives: str) -> list[tuple[list[str], str]]:
    """(parameters, what is given) of every overload: two, if sizes may be given one by one or together."""
    together = next((p for p in parameters if p.name in _SEVERAL and p.kind is p.KEYWORD_ONLY), None)
    at = next((i for i, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL and p.name == "args"), None)
    if together is None or at is None:
        return [(_parameters(name, parameters, _out(gives)), gives)]
    found = []
    for kind, written in (
        (inspect.Parameter.VAR_POSITIONAL, f"*{together.name}: SupportsIndex"),
        (inspect.Parameter.POSITIONAL_OR_KEYWORD, f"{together.name}: Sequence[SupportsIndex]"),
    ):
        chosen = [inspect.Parameter(together.name, kind) if i == at else p for i, p in enumerate(parameters) if p is not together]
        shown = _parameters(name, chosen, _out(gives))
        found.append(([written if text.split(":")[0].lstrip("*") == together.name else text for text in shown], gives))
    return found


def _documented(f: object, indent: str) -> str:
    """The body of a function: its docstring."""
    text = (inspect.getdoc(f) or "").replace("\\", "\\\\")
    if not text:
        return " ..."
    lines = text.splitlines()
    lines = [f'"""{text}"""'] if len(lines) == 1 else [f'"""{lines[0]}', *lines[1:], '"""']
    return "".join(f"\n{indent}    {line}".rstrip() for line in lines)


def declaration(name: str, f: Callable, method: bool, signature: inspect.Signature | None = None, indent: str = "", of: str = "") -> str:
    """A function of a stub, with its docstring. `of` stands before its name in the name of its named tuple: "linalg_"."""
    from suiren.api import return_types

    found = signature or inspect.signature(f)
    if found.return_annotation is not found.empty:
        gives = annotated(found.return_annotation)
    elif name.endswith("_") and not name.startswith("__"):
        gives = "Tensor"
    else:
        gives = GIVES.get(name) or (f"return_types.{of}{name}" if isinstance(vars(return_types).get(of + name), type) else "Tensor")
    parameters = list(found.parameters.values())
    first = ["self"] if method else []
    if name in OVERLOADS and not of:
        variants = _of_table(name, any(p.name == "out" for p in parameters))
        first = first or ["input: Tensor"]
    else:
        variants = _variants(name, parameters[1:] if method else parameters, gives)
    lines = []
    for i, (written, gives) in enumerate(variants):
        lines += [f"{indent}@overload"] if len(variants) > 1 else []
        lines.append(f"{indent}def {name}({', '.join(first + written)}) -> {gives}:{' ...' if i else _documented(f, indent)}")
    return "\n".join(lines)


# ---------------------------------------------------------------- suiren/tensor.pyi

_OPERATORS = """add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod rmod imod pow rpow ipow matmul rmatmul
and rand iand or ror ior xor rxor ixor lshift rlshift ilshift rshift rrshift irshift lt le gt ge""".split()  # noqa: SIM905
_UNARY = ("neg", "pos", "abs", "invert")
_NOT_MEMBERS = ("__new__", "__module__", "__doc__", "__slots__", "__hash__", "__eq__", "__ne__", "__annotations__", "__dict__", "__weakref__")


def tensor_stub() -> str:
    """The class with all its methods."""
    import suiren  # noqa: F401  completes the class
    from suiren.tensor import Tensor
    from suiren.names import Absent
    from suiren.trace.storage import Stored

    tree = ast.parse((PACKAGE / "tensor.py").read_text())
    module = sys.modules["suiren.tensor"]
    lines = [_HEADER.format(imports="from suiren.trace.storage import Stored"), "class Tensor(Stored):"]
    lines.append("    def __new__(cls, *args: Any, device: _device | str | _int | None = None) -> Tensor: ...")
    members = {}
    for kind in reversed((Tensor, *(k for k in Tensor.__mro__ if k not in (Tensor, Stored, object)))):
        members.update(vars(kind))
    operators = {f"__{name}__" for name in (*_OPERATORS, *_UNARY)}
    for name in sorted(members):
        value = members[name]
        if isinstance(value, Absent) or name in operators or name in vars(Stored) or name in _NOT_MEMBERS or (name[0] == "_" and name[:2] != "__"):
            continue
        if isinstance(value, property):
            gives = inspect.signature(value.fget).return_annotation
            kind = ATTRIBUTES.get(name) or ("Tensor" if gives is inspect.Signature.empty else annotated(gives))
            lines += ["    @property", f"    def {name}(self) -> {kind}:{_documented(value, '    ')}"]
            if value.fset is not None:
                lines += [f"    @{name}.setter", f"    def {name}(self, value: Any) -> None: ..."]
        elif isinstance(value, classmethod):
            lines += ["    @classmethod", declaration(name, value.__func__, True, indent="    ").replace("(self", "(cls", 1)]
        elif isinstance(value, staticmethod):
            lines += ["    @staticmethod", declaration(name, value.__func__, False, indent="    ")]
        elif inspect.isfunction(value):
            lines.append(declaration(name, value, True, inspect.signature(getattr(value, "__wrapped__", value)), "    "))
        else:
            lines.append(f"    {name}: {'_bool' if isinstance(value, bool) else '_int' if isinstance(value, int) else 'Any'}")
    lines += [f"    def __{name}__(self, other: Any) -> Tensor: ..." for name in _OPERATORS if hasattr(Tensor, f"__{name}__")]
    lines += [f"    def __{name}__(self) -> Tensor: ..." for name in _UNARY if hasattr(Tensor, f"__{name}__")]
    lines += [f"    def __{name}__(self, other: Any) -> Tensor: ...  # type: ignore[override]" for name in ("eq", "ne")]
    lines += ["    def __hash__(self) -> _int: ...", ""]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            lines.append(declaration(node.name, getattr(module, node.name), False))
    lines += ["", "strided: _layout"] if hasattr(module, "strided") else []
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- suiren/__init__.pyi


def package_stub() -> str:
    """The names of `suiren`: what it imports, modules that are imported later, dtypes under other names, the declared functions."""
    import suiren
    from suiren import of_nn
    from suiren.api import surface

    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imports, later = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("suiren"):
            for alias in node.names:
                if alias.asname == alias.name or (alias.asname and not alias.asname.startswith("_")):
                    imports.append((node.module, alias.name, alias.asname))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_LATER":
            later = sorted(ast.literal_eval(node.value))
    declared = surface.public_names()
    done = {asname for _, _, asname in imports} | set(later)
    names = [f"from {module} import {name} as {asname}" for module, name, asname in imports if asname not in later]
    names += [f"from suiren import {name} as {name}" for name in later if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()]
    names += [f"from suiren.of_nn import {name} as {name}" for name in set(of_nn.__all__) - done - set(declared)]
    names += ["from suiren.func import vmap as vmap"]
    lines = [_HEADER.format(imports="\n".join(sorted(set(names))))]
    for name in sorted(vars(suiren)):
        value = vars(suiren)[name]
        if name.startswith("_") or name in done or name in declared or inspect.ismodule(value) or name in ("Any", "TYPE_CHECKING", "annotations"):
            continue
        if type(value).__name__ == "dtype":
            lines.append(f"{name}: _dtype")
        elif isinstance(value, float):
            lines.append(f"{name}: _float")
        elif value is None:
            lines.append(f"{name}: None")
        elif isinstance(value, type):
            lines.append(f"{name}: {'_type[Tensor]' if name.endswith('Tensor') else 'Any'}")
    lines.append("")
    for name in sorted(declared):
        if name not in done and name.isidentifier():
            lines.append(declaration(name, declared[name], False, surface.signature(declared[name])))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- modules


def module_stub(module: str) -> str:
    """A module whose functions are put together at import: suiren.linalg, suiren.fft, suiren.special."""
    import importlib

    from suiren.api import surface

    found = importlib.import_module(f"suiren.{module}")
    functions = {name: getattr(found, name) for name in found.__all__}
    classes = [f"from {f.__module__} import {name} as {name}" for name, f in functions.items() if isinstance(f, type)]
    lines = [_HEADER.format(imports="\n".join(["from suiren.tensor import Tensor", *classes]))]
    for name, f in functions.items():
        if not isinstance(f, type):
            lines.append(declaration(name, f, False, surface.signature(f), of=f"{module}_"))
    return "\n".join(lines) + "\n"


def return_types_stub() -> str:
    """Named tuples."""
    from suiren.api import return_types

    lines = ["# Generated by docs/stubs.py: do not edit.", "from typing import NamedTuple", "", "from suiren.tensor import Tensor"]
    for name, kind in vars(return_types).items():
        if hasattr(kind, "_fields"):
            lines += ["", f"class {name}(NamedTuple):", f'    """{kind.__doc__}"""', *(f"    {field}: Tensor" for field in kind._fields)]
    return "\n".join(lines) + "\n"


STUBS: dict[str, Callable[[], str]] = {
    "__init__.pyi": package_stub, "tensor.pyi": tensor_stub, "api/return_types.pyi": return_types_stub,
    **{f"{module}.pyi": functools.partial(module_stub, module) for module in ("linalg", "fft", "special")},
}  # fmt: skip

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for file, make in STUBS.items():
        (PACKAGE / file).write_text(make())
        print(f"suiren/{file}: {len((PACKAGE / file).read_text().splitlines())} lines")
