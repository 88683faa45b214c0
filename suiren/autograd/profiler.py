"""Where the time goes: kernels and operations, by what they compute. Source: torch/autograd/profiler.py

A compiled program has no time for an operation by itself: what was fused to one kernel is one row, named by its operations.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Any

from suiren.trace import execution, pending


class Event:
    """One kernel or operation that ran, or one `record_function` block: name, start and length in microseconds."""

    def __init__(self, name: str, start: float, length: float, own: float | None = None):
        self.name = self.key = name
        self.start, self.cpu_time_total, self.is_user_annotation = start, length, own is not None
        self.self_cpu_time_total = length if own is None else own
        self.count = 1

    @property
    def cpu_time(self) -> float:
        """Microseconds of one, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    cpu_time_avg = cpu_time

    def __repr__(self) -> str:
        return f"<Event {self.key} cpu_time={self.cpu_time:.3f}us count={self.count}>"


class EventList(list):
    """Events, or sums of them by name."""

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all."""
        return sum(e.self_cpu_time_total for e in self)

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """One event for every name, with counts and times added up."""
        found: dict[str, Event] = {}
        for e in self:
            total = found.get(e.key)
            if total is None:
                total = found[e.key] = Event(e.key, e.start, 0.0, 0.0 if e.is_user_annotation else None)
                total.count = 0
            total.count += e.count
            total.cpu_time_total += e.cpu_time_total
            total.self_cpu_time_total += e.self_cpu_time_total
        return EventList(found.values())

    def total_average(self) -> Event:
        """All of them as one."""
        total = Event("Total", 0.0, 0.0)
        total.count = 0
        for e in self:
            total.count += e.count
            total.cpu_time_total += e.cpu_time_total
            total.self_cpu_time_total += e.self_cpu_time_total
        return total

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75, max_name_column_width: int = 55,
        max_shapes_column_width: int = 80, header: str | None = None, top_level_events_only: bool = False,
    ) -> str:  # fmt: skip
        """The events as text, the first `row_limit` by `sort_by` (`cpu_time_total`, `self_cpu_time_total`, `count`, …)."""
        events = list(self)
        if sort_by is not None:
            events.sort(key=lambda e: getattr(e, sort_by), reverse=True)
        whole = self.self_cpu_time_total or 1.0
        rows = [("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls")]
        for e in events[: row_limit if row_limit >= 0 else None]:
            name = e.key if len(e.key) <= max_name_column_width else e.key[: max_name_column_width - 3] + "..."
            rows.append((
                name, f"{100 * e.self_cpu_time_total / whole:.2f}%", _length(e.self_cpu_time_total), f"{100 * e.cpu_time_total / whole:.2f}%",
                _length(e.cpu_time_total), _length(e.cpu_time), str(e.count),
            ))  # fmt: skip
        widths = [max(len(row[i]) for row in rows) + 2 for i in range(len(rows[0]))]
        rule = "  ".join("-" * w for w in widths)
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths)) for row in rows]
        found = [rule, lines[0], rule, *lines[1:], rule]
        if header is not None:
            found.insert(0, header)
        return "\n".join(found) + f"\nSelf CPU time total: {_length(self.self_cpu_time_total)}\n"

    def export_chrome_trace(self, path: str) -> None:
        """Writes a file for chrome://tracing."""
        events = [
            {"name": e.name, "ph": "X", "ts": e.start, "dur": e.cpu_time_total, "tid": 0, "pid": "CPU functions", "args": {}} for e in self
        ]
        with open(path, "w") as file:
            json.dump(events, file)

    def __str__(self) -> str:
        return self.table()


def _length(us: float) -> str:
    """A time as PyTorch's tables write it."""
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


_running: list[profile] = []


class profile:
    """Measures what runs inside: `with profile() as prof: …`, then `prof.key_averages().table()`."""

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: str | None = None, record_shapes: bool = False, with_flops: bool = False,
        profile_memory: bool = False, with_stack: bool = False, with_modules: bool = False, use_kineto: bool = False, use_cpu: bool = True,
    ):  # fmt: skip
        self.enabled = enabled
        self._events: EventList | None = None

    def __enter__(self) -> profile:
        if not self.enabled:
            return self
        if self._events is not None:
            raise RuntimeError("Profiler context manager is not reentrant")
        self._start()
        return self

    def _start(self) -> None:
        pending.finish()
        self._events, self._began = EventList(), time.perf_counter()
        self._timer = execution.timed(self._interpreted)
        self._times = self._timer.__enter__()
        _running.append(self)

    def _interpreted(self, node: Any, seconds: float) -> None:
        self._add(node.op.name, seconds)

    def _add(self, name: str, seconds: float, own: float | None = None) -> None:
        """`own`: of a block, the seconds that none of its operations took."""
        end = 1e6 * (time.perf_counter() - self._began)
        self._events.append(Event(name, end - 1e6 * seconds, 1e6 * seconds, None if own is None else 1e6 * own))

    def _measured(self) -> float:
        """Seconds of kernels and operations so far."""
        return 1e-6 * sum(e.self_cpu_time_total for e in self._events) + sum(s for runs in self._times.values() for run in runs for s in run)

    def __exit__(self, *exception: object) -> None:
        if self.enabled:
            self._stop()

    def _stop(self) -> None:
        pending.finish()
        _running.remove(self)
        self._timer.__exit__(None, None, None)
        for ending, runs in self._times.items():
            calls = [(call, program.trace) for program in ending.executable.programs for call in program.calls]
            for seconds in runs:
                for (call, trace), s in zip(calls, seconds):
                    names = dict.fromkeys(trace.nodes[n].op.name for n in call.nodes)
                    self._add(" + ".join(names) or call.label, s)

    def _have(self) -> EventList:
        if self._events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self._events

    @property
    def function_events(self) -> EventList:
        """Everything that ran, one by one."""
        return self._have()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all kernels and operations."""
        return self._have().self_cpu_time_total

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Sums by name."""
        return self._have().key_averages()

    def total_average(self) -> Event:
        """All as one."""
        return self._have().total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **widths: Any) -> str:
        """Everything that ran, as text."""
        return self._have().table(sort_by, row_limit, **widths)

    def export_chrome_trace(self, path: str) -> None:
        """Writes a file for chrome://tracing."""
        self._have().export_chrome_trace(path)

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._events is None else repr(self._events)

    def __str__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._events is None else str(self._events)


class record_function:
    """Names a block (or a function it decorates): while a profiler is on, it is a row, with the time of all that was recorded in it."""

    def __init__(self, name: str, args: str | None = None):
        self.name = name

    def __enter__(self) -> record_function:
        if _running:
            pending.finish()
            self._before = _running[-1]._measured()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        if _running:
            pending.finish()
            seconds = time.perf_counter() - self._began
            _running[-1]._add(self.name, seconds, max(seconds - (_running[-1]._measured() - self._before), 0.0))

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def inside(*args, **kwargs):
            with record_function(self.name):
                return function(*args, **kwargs)

        return inside


__all__ = ["Event", "EventList", "profile", "record_function"]
