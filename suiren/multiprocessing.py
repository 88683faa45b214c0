"""Python's multiprocessing under PyTorch's name. Tensors that are sent to another process are copied; `DataLoader` has shared memory of its own.

Source: https://docs.pytorch.org/docs/stable/multiprocessing.html
"""

from __future__ import annotations

import multiprocessing as _python
import sys
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any

_strategy = "file_system" if sys.platform in ("darwin", "win32") else "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """The words that `set_sharing_strategy` takes."""
    return {"file_system"} if sys.platform in ("darwin", "win32") else {"file_descriptor", "file_system"}


def get_sharing_strategy() -> str:
    """What `set_sharing_strategy` was told."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Kept: tensors are copied. AssertionError for a word that is none."""
    global _strategy
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(f"invalid strategy {new_strategy!r}, must be one of {sorted(get_all_sharing_strategies())}")
    _strategy = new_strategy


class ProcessException(Exception):
    """A process of `spawn` failed."""

    def __init__(self, msg: str, error_index: int, pid: int):
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid


class ProcessExitedException(ProcessException):
    """A process of `spawn` ended with a status or a signal."""

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int):
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code


class ProcessRaisedException(ProcessException):
    """A process of `spawn` raised an exception; the text is its traceback."""


class ProcessContext:
    """The processes of `spawn`."""

    def __init__(self, processes: list, errors: list):
        self.processes, self._errors = processes, errors

    def pids(self) -> list[int]:
        return [int(p.pid) for p in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Waits for them; True if all ended well. If one failed the others are ended, and its exception is raised here."""
        from multiprocessing.connection import wait

        running = {p.sentinel: i for i, p in enumerate(self.processes) if p.exitcode is None}
        ready = wait(running, timeout) if running else []
        for p in self.processes:
            if p.exitcode is None and p.sentinel in ready:
                p.join()
        failed = next((i for i, p in enumerate(self.processes) if p.exitcode not in (None, 0)), None)
        if failed is None:
            return all(p.exitcode == 0 for p in self.processes)
        for p in self.processes:
            if p.is_alive():
                p.terminate()
            p.join()
        process, errors = self.processes[failed], self._errors[failed]
        if not errors.empty():
            raise ProcessRaisedException(f"\n\n-- Process {failed} terminated with the following error:\n{errors.get()}", failed, process.pid)
        if process.exitcode < 0:
            raise ProcessExitedException(f"process {failed} terminated with signal {-process.exitcode}", failed, process.pid, process.exitcode)
        raise ProcessExitedException(f"process {failed} terminated with exit code {process.exitcode}", failed, process.pid, process.exitcode)


def _run(fn: Callable, i: int, args: tuple, errors: Any) -> None:
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        import traceback

        errors.put(traceback.format_exc())
        sys.exit(1)


def spawn(fn: Callable, args: tuple = (), nprocs: int = 1, join: bool = True, daemon: bool = False, start_method: str = "spawn") -> ProcessContext | None:
    """Calls ``fn(i, *args)`` in `nprocs` new processes; waits for them if `join`, otherwise gives their context."""
    python = _python.get_context(start_method)
    processes, errors = [], []
    for i in range(nprocs):
        errors.append(python.SimpleQueue())
        processes.append(python.Process(target=_run, args=(fn, i, args, errors[i]), daemon=daemon))
        processes[i].start()
    context = ProcessContext(processes, errors)
    if not join:
        return context
    while not context.join():
        pass
    return None


def start_processes(
    fn: Callable, args: tuple = (), nprocs: int = 1, join: bool = True, daemon: bool = False, start_method: str = "spawn"
) -> ProcessContext | None:
    """As `spawn`."""
    return spawn(fn, args, nprocs, join, daemon, start_method)


__all__ = [
    *_python.__all__, "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException", "get_all_sharing_strategies",
    "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]  # fmt: skip
