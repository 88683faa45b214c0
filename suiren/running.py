"""Running a program as `__main__`, as python itself would: arguments, tracebacks and exit status included."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from types import CodeType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def run_file(path: str, arguments: list[str]) -> None:
    """Runs a program file. What it raises, SystemExit included, comes out of here."""
    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    _hide_own_frames()
    if os.path.isdir(path):
        with _found():
            runpy.run_path(path, run_name="__main__")
        return
    try:
        with open(path, "rb") as f:
            source = f.read()
    except OSError as error:
        print(f"python -m suiren run: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    file = os.path.join(os.getcwd(), path)  # as python calls a program's file, whatever the command line says
    _execute(compile(source, file, "exec"), file)


def _execute(code: CodeType, path: str) -> None:
    """In the module `__main__` itself, so that pickles and worker processes find what the program defines."""
    main = sys.modules["__main__"]
    main.__dict__.clear()
    main.__dict__.update(__name__="__main__", __file__=path, __builtins__=__builtins__, __doc__=None, __spec__=None, __package__=None, __loader__=None)
    exec(code, main.__dict__)


def run_module(name: str, arguments: list[str]) -> None:
    """Runs a module or package, as `python -m` does."""
    sys.argv = [name, *arguments]
    sys.path[0] = os.getcwd()
    _hide_own_frames()
    with _found():
        runpy.run_module(name, run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def _found() -> Iterator[None]:
    """A module or folder that cannot be run is said so in a line, as python does."""
    try:
        yield
    except ImportError as error:
        last = error.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        if "runpy" not in last.tb_frame.f_code.co_filename:  # the program's own import
            raise
        print(f"python -m suiren run: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _hide_own_frames() -> None:
    """An uncaught exception's traceback begins in the user's program."""

    def hook(kind, error, tb):
        first = tb
        while first is not None and _is_ours(first.tb_frame.f_code.co_filename):
            first = first.tb_next
        if first is None and not isinstance(error, SyntaxError):  # of a program that could not be compiled no frame is the user's
            first = tb
        traceback.print_exception(kind, error, first)

    sys.excepthook = hook


def _is_ours(file: str) -> bool:
    return file.startswith((_PACKAGE + "running", _PACKAGE + "__main__", "<frozen runpy", "<frozen importlib")) or file.endswith("runpy.py")
