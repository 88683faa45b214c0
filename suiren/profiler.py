"""The profiler under its newer name, with a schedule of steps. Source: torch/profiler/profiler.py"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from suiren.autograd.profiler import profile as _profile
from suiren.autograd.profiler import record_function as record_function


class ProfilerActivity(Enum):
    """What can be measured; here the CPU is all there is."""

    CPU = 0
    CUDA = 1
    XPU = 2


class ProfilerAction(Enum):
    """What a schedule wants of a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0) -> Callable[[int], ProfilerAction]:
    """A schedule: skips `skip_first` steps, then again and again (or `repeat` times) waits, warms up and measures so many steps."""

    def action(step: int) -> ProfilerAction:
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        count = wait + warmup + active
        if repeat and step // count >= repeat:
            return ProfilerAction.NONE
        at = step % count
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < count - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


class profile(_profile):
    """Measures what runs inside, or the steps that `schedule` chooses; `step()` ends one. `on_trace_ready(prof)` is called with what was measured."""

    def __init__(
        self, *, activities: Iterable[ProfilerActivity] | None = None, schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None, record_shapes: bool = False, profile_memory: bool = False, with_stack: bool = False,
        with_flops: bool = False, with_modules: bool = False, experimental_config: Any = None, acc_events: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.activities = set(activities or (ProfilerActivity.CPU,))
        self.schedule, self.on_trace_ready, self.step_num = schedule, on_trace_ready, 0
        self._is_on = False

    def _wanted(self) -> ProfilerAction:
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begins, as a `with` block does."""
        self._switch(self._wanted())

    def stop(self) -> None:
        """Ends it."""
        if self._is_on:
            self._is_on = False
            self._stop()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def step(self) -> None:
        """The next step begins."""
        saves = self._wanted() is ProfilerAction.RECORD_AND_SAVE
        self.step_num += 1
        if saves:
            self.stop()
        self._switch(self._wanted())

    def _switch(self, action: ProfilerAction) -> None:
        wants = action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if wants and not self._is_on:
            self._is_on = True
            self._start()
        elif not wants and self._is_on:
            self.stop()

    def events(self) -> Any:
        """Everything that ran, one by one."""
        return self.function_events


__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule"]
