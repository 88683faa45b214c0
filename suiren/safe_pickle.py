"""An unpickler that makes what it was allowed to make, and cannot run anything else.

A pickle is a program for a small machine. Here its instructions can build lists, dicts, sets, tuples, numbers and texts; what it names is looked up in
a table of allowed names and nowhere else, and only what that table gave can be called. Nothing of it is imported, and no attribute is set.
"""

from __future__ import annotations

import collections
import pickle
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

Refused = pickle.UnpicklingError


class Maker:
    """An allowed name that may be called. The machine sees this object and not the function: there is nothing in it to change."""

    __slots__ = ("build", "make", "name", "new")

    def __init__(
        self, name: str, make: Callable | None, new: Callable | None = None, build: tuple[type, Callable] | None = None
    ):
        """`make(*args)`; `new(*args)` where objects are made by `cls.__new__`; `build`: (class, function(object, state)) for what it makes."""
        self.name, self.make, self.new, self.build = name, make, new, build

    def __repr__(self) -> str:
        return f"<allowed: {self.name}>"


class Value:
    """An allowed name that stands for a value."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value


class SafeUnpickler(pickle._Unpickler):
    """Reads a pickle of `file`. `allowed(module, name)` gives a Maker, a Value, or None, which refuses the name.

    UnpicklingError for everything that is not allowed. `load_stored(pid)` gives what a persistent id stands for.
    """

    dispatch: dict[int, Callable] = {}

    def __init__(
        self,
        file: BinaryIO,
        allowed: Callable[[str, str], Maker | Value | None],
        load_stored: Callable[[Any], Any] | None = None,
        encoding: str = "ASCII",
    ):
        super().__init__(file, encoding=encoding)
        self.allowed, self.load_stored = allowed, load_stored
        self.builders: dict[type, Callable] = {collections.OrderedDict: _set_attributes}

    def load(self) -> Any:
        try:
            return super().load()
        except _MALFORMED as error:
            raise Refused(f"the pickle is malformed, or uses an instruction that is not allowed here ({type(error).__name__}: {error})") from error

    def find_class(self, module: str, name: str) -> Any:
        found = self.allowed(module, name)
        if found is None:
            raise Refused(f"Unsupported global: GLOBAL {module}.{name} was not an allowed global by default.")
        if isinstance(found, Value):
            return found.value
        if found.build is not None:
            self.builders[found.build[0]] = found.build[1]
        return found

    def persistent_load(self, pid: Any) -> Any:
        if self.load_stored is None:
            raise Refused("the pickle refers to data outside of it")
        return self.load_stored(pid)

    # -- the instructions that act on objects
    def _reduce(self) -> None:
        args = self.stack.pop()
        maker = self.stack[-1]
        if type(maker) is not Maker or maker.make is None or type(args) is not tuple:
            raise Refused(f"the pickle calls {maker!r}, which is not allowed")
        self.stack[-1] = maker.make(*args)

    def _new_object(self) -> None:
        args = self.stack.pop()
        maker = self.stack.pop()
        if type(maker) is not Maker or maker.new is None or type(args) is not tuple:
            raise Refused(f"the pickle makes an object of {maker!r}, which is not allowed")
        self.append(maker.new(*args))

    def _build(self) -> None:
        state = self.stack.pop()
        obj = self.stack[-1]
        builder = next((b for cls, b in self.builders.items() if isinstance(obj, cls)), None)  # each dtype of NumPy has a class of its own
        if builder is None:
            raise Refused(f"the pickle sets the state of a {type(obj).__name__}, which is not allowed")
        builder(obj, state)

    def _target(self, *classes: type) -> Any:
        if type(self.stack[-1]) not in classes:
            raise Refused(f"the pickle fills a {type(self.stack[-1]).__name__} as if it were a {classes[0].__name__}")
        return self.stack[-1]

    def _append(self) -> None:
        value = self.stack.pop()
        self._target(list).append(value)

    def _appends(self) -> None:
        values = self.pop_mark()
        self._target(list).extend(values)

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._target(*_MAPPINGS)[key] = value

    def _set_items(self) -> None:
        items = self.pop_mark()
        self._target(*_MAPPINGS).update(zip(items[::2], items[1::2]))

    def _add_items(self) -> None:
        items = self.pop_mark()
        self._target(set).update(items)


_MALFORMED = (IndexError, KeyError, TypeError, ValueError, AttributeError, EOFError, OverflowError, struct.error)
_MAPPINGS = (dict, collections.OrderedDict, collections.Counter)

# Instructions that only move values about or make numbers, texts and empty containers.
_HARMLESS = (
    "PROTO FRAME STOP MARK POP POP_MARK DUP GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 "
    "LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES "
    "BINBYTES8 BYTEARRAY8 EMPTY_LIST EMPTY_DICT EMPTY_SET EMPTY_TUPLE LIST DICT TUPLE TUPLE1 TUPLE2 TUPLE3 FROZENSET GLOBAL STACK_GLOBAL BINPERSID"
)
for _name in _HARMLESS.split():
    _code = getattr(pickle, _name)[0]
    SafeUnpickler.dispatch[_code] = pickle._Unpickler.dispatch[_code]
SafeUnpickler.dispatch |= {
    pickle.REDUCE[0]: SafeUnpickler._reduce,
    pickle.NEWOBJ[0]: SafeUnpickler._new_object,
    pickle.BUILD[0]: SafeUnpickler._build,
    pickle.APPEND[0]: SafeUnpickler._append,
    pickle.APPENDS[0]: SafeUnpickler._appends,
    pickle.SETITEM[0]: SafeUnpickler._set_item,
    pickle.SETITEMS[0]: SafeUnpickler._set_items,
    pickle.ADDITEMS[0]: SafeUnpickler._add_items,
}


def _set_attributes(obj: Any, state: Any) -> None:
    """The attributes of an OrderedDict: a state dict's `_metadata`."""
    if type(state) is not dict or any(type(key) is not str for key in state):
        raise Refused("the pickle gives an OrderedDict a state that is no dict of attributes")
    obj.__dict__.update(state)


# ---------------------------------------------------------------- what is allowed everywhere


def _ordered_dict(*items: Any) -> collections.OrderedDict:
    return collections.OrderedDict(*items)


def _bytes(*args: Any) -> bytes:
    """`bytes()`, or a text of code points below 256, as pickles of protocol 2 write bytes."""
    if not args:
        return b""
    if len(args) == 2 and type(args[0]) is str and args[1] in ("latin1", "latin-1"):
        return args[0].encode("latin-1")
    raise Refused(f"the pickle makes bytes of {args!r:.60}, which is not allowed")


def _byte_array(*args: Any) -> bytearray:
    return bytearray(args[0]) if len(args) == 1 and type(args[0]) is bytes else bytearray(_bytes(*args))


def _set(*args: Any) -> set:
    if len(args) > 1 or (args and type(args[0]) not in (list, tuple, set, frozenset)):
        raise Refused("the pickle makes a set of something strange")
    return set(*args)


def _number(cls: type) -> Callable:
    def make(*args: Any) -> Any:
        if any(type(a) not in (int, float, bool) for a in args):
            raise Refused(f"the pickle makes a {cls.__name__} of something that is no number")
        return cls(*args)

    return make


def _empty_array(cls: Any, shape: Any, typecode: Any) -> np.ndarray:
    """What NumPy's pickles call first; the array's state then brings shape, dtype and data."""
    if not (type(cls) is Maker and cls.name == "numpy.ndarray") or shape != (0,):
        raise Refused("the pickle makes an array in a way that NumPy does not")
    return np.ndarray((0,), np.int8)


def _filled_array(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """How pickles of protocol 5 make a contiguous array."""
    if type(data) not in (bytes, bytearray) or not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise Refused("the pickle makes an array in a way that NumPy does not")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _dtype(*args: Any) -> np.dtype:
    if not args or type(args[0]) is not str:
        raise Refused("the pickle makes a NumPy dtype of something that is no text")
    return np.dtype(args[0], *args[1:])


def _scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise Refused("the pickle makes a NumPy scalar of objects")
    return np.frombuffer(data.encode("latin-1") if type(data) is str else data, dtype, 1)[0]


def _set_state(obj: Any, state: Any) -> None:
    obj.__setstate__(state)


def _plain(name: str, make: Callable | None, **more: Any) -> dict[tuple[str, str], Maker]:
    module, _, last = name.rpartition(".")
    maker = Maker(name, make, **more)
    # Python 2's name of `builtins` is what pickles of protocol 2 say; NumPy 2 renamed its core.
    other = module.replace("builtins", "__builtin__").replace("numpy.core", "numpy._core")
    return {(m, last): maker for m in (module, other)}


PLAIN: dict[tuple[str, str], Maker | Value] = {
    **_plain("collections.OrderedDict", _ordered_dict, new=_ordered_dict),
    **_plain("collections.Counter", collections.Counter),
    **_plain("_codecs.encode", _bytes),
    **_plain("builtins.bytes", _bytes),
    **_plain("builtins.bytearray", _byte_array),
    **_plain("builtins.set", _set),
    **_plain("builtins.frozenset", lambda *args: frozenset(_set(*args))),
    **_plain("builtins.complex", _number(complex)),
}
ARRAYS: dict[tuple[str, str], Maker | Value] = {
    **_plain("numpy.ndarray", None),
    **_plain("numpy.dtype", _dtype, build=(np.dtype, _set_state)),
    **_plain("numpy.core.multiarray._reconstruct", _empty_array, build=(np.ndarray, _set_state)),
    **_plain("numpy.core.multiarray.scalar", _scalar),
    **_plain("numpy.core.numeric._frombuffer", _filled_array),
}


def load_arrays(file: BinaryIO) -> Any:
    """The object in a pickle of containers, numbers, texts and NumPy arrays; texts of Python 2 are read as Latin-1. UnpicklingError for more."""
    known = PLAIN | ARRAYS
    return SafeUnpickler(file, lambda module, name: known.get((module, name)), encoding="latin1").load()
