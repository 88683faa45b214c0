"""How two frameworks are compared: in turn, in one process, medians of short rounds; the ratio is PyTorch's time over suiren's."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Result(NamedTuple):
    """Seconds per iteration of each, and the ratio of the rounds' medians with its quartiles."""

    torch: float
    suiren: float
    ratio: float
    low: float
    high: float


def once(step: Callable[[], object], count: int) -> float:
    """Seconds per call, over `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def alternate(ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 15, round_seconds: float = 0.12) -> Result:
    """Runs both in turn. The number of calls in a round is chosen so that a round takes about `round_seconds`."""
    for step in (ours, theirs):  # first traces, a loop's period, compilation, allocators
        end = time.perf_counter() + max(0.5, round_seconds)
        while time.perf_counter() < end:
            once(step, 5)
    counts = [max(1, int(round_seconds / max(once(step, 3), 1e-7))) for step in (ours, theirs)]
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for i, step in enumerate((ours, theirs)):
            once(step, 1)  # wakes the threads of this side, after the other's turn
            times[i].append(once(step, counts[i]))
    ratios = sorted(b / a for a, b in zip(*times))
    quarter = len(ratios) // 4
    return Result(
        statistics.median(times[1]), statistics.median(times[0]), statistics.median(ratios), ratios[quarter], ratios[-1 - quarter]
    )


def cost_of_loading(ours: tuple[Iterable, Callable], theirs: tuple[Iterable, Callable], rounds: int = 15, batches: int = 200, first: int = 50) -> Result:
    """Processor seconds that the training thread spends in its loader for a batch, while it trains. Each side is a loader and what is done with a batch.

    Processor time, not time: how long it waits is the workers' affair. Of the thread: PyTorch's compute threads spin for a while after a step. The
    first batches are left out: memory is mapped then.
    """
    spent: list[list[float]] = [[], []]
    for _ in range(rounds):
        for side, (loader, train) in zip(spent, (ours, theirs)):
            source, total = iter(loader), 0.0
            for i in range(first + batches):
                start = time.thread_time()
                batch = next(source)
                if i >= first:
                    total += time.thread_time() - start
                train(*batch)
            side.append(total / batches)
            del source
    ratios = sorted(b / a for a, b in zip(*spent))
    quarter = len(ratios) // 4
    return Result(statistics.median(spent[1]), statistics.median(spent[0]), statistics.median(ratios), ratios[quarter], ratios[-1 - quarter])


_FRESH = """
import sys, time
import {framework} as t
sys.modules["torch"] = sys.modules["suiren"] = t  # bench imports neither: the other one must not take memory
t.set_num_threads(t.get_num_threads())
from bench import networks
step = networks.training(t, {network!r}, {batch})
times = []
for _ in range(5):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
with open("/proc/self/status") as status:  # resource.getrusage would count the process that started this one, too
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(peak * 1024, sum(times[:-1]) - 4 * times[-1])
"""


def _fresh(framework: str, network: str, batch: int) -> tuple[float, float]:
    """(bytes of memory at its highest, seconds that the first four steps took longer than later ones) of a process that trains
    with no kernel cached."""
    code = _FRESH.format(framework=framework, network=network, batch=batch)
    environment = {**os.environ, "SUIREN_CACHE": "off"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    peak, cold = map(float, done.stdout.split())
    return peak, cold


def peak_memory(network: str, batch: int) -> Result:
    """Bytes in place of seconds."""
    theirs, ours = (_fresh(framework, network, batch)[0] for framework in ("torch", "suiren"))
    return Result(theirs, ours, theirs / ours, theirs / ours, theirs / ours)


def cold_compile(network: str, batch: int, allowed: float) -> Result:
    """Seconds until a training step is compiled, beside what is allowed."""
    ours = _fresh("suiren", network, batch)[1]
    return Result(allowed, ours, allowed / ours, allowed / ours, allowed / ours)


def beside_a_busy_process(build: Callable, allowed: float) -> Callable[[int], Result]:
    """Seconds that suiren's step takes beside a process that keeps a core busy, in place of PyTorch's `allowed` times what it takes without."""

    def measure(rounds: int) -> Result:
        import suiren

        step = build(suiren)
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            step()
        count = max(1, int(0.12 / max(once(step, 5), 1e-7)))
        quiet, busy = [], []
        for _ in range(rounds):
            quiet.append(once(step, count))
            other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            try:
                time.sleep(0.1)
                busy.append(once(step, count))
            finally:
                other.kill()
                other.wait()
        ratios = sorted(allowed * a / b for a, b in zip(quiet, busy))
        quarter = len(ratios) // 4
        return Result(allowed * statistics.median(quiet), statistics.median(busy), statistics.median(ratios), ratios[quarter], ratios[-1 - quarter])

    return measure


def imports(rounds: int = 7) -> Result:
    """Seconds that `import` takes in a fresh process."""
    times: dict[str, list[float]] = {"suiren": [], "torch": []}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # a user has compiled bytecode
    for round_ in range(rounds + 1):
        for name in times:
            code = f"import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
            seconds = float(done.stdout)
            if round_:  # the first one reads the files into memory
                times[name].append(seconds)
    ratios = sorted(b / a for a, b in zip(times["suiren"], times["torch"]))
    quarter = len(ratios) // 4
    return Result(
        statistics.median(times["torch"]), statistics.median(times["suiren"]), statistics.median(ratios), ratios[quarter], ratios[-1 - quarter]
    )
