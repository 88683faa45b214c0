from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from suiren.runtime import native, threads
from suiren.runtime.threads import get_num_threads, pool, set_num_threads, usable_cores
from tests.runtime.kernels import UNIT, chain

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _threads():
    before = get_num_threads()
    yield
    set_num_threads(before)


def run_python(program: str, timeout: float = 60.0, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, cwd=ROOT, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


def works(units: int = 16) -> bool:
    d, x, y, addresses = chain(units, 3, 100.0)
    x[:] = np.arange(units * UNIT)
    d.run(addresses)
    return bool((y == np.arange(units * UNIT) * 8 + 7).all())


def test_set_num_threads():
    assert usable_cores() >= 1
    set_num_threads(3)
    assert get_num_threads() == 3
    for bad in (0, -1):
        with pytest.raises(RuntimeError, match="set_num_threads expects"):
            set_num_threads(bad)
    for bad in (2.0, "2", True):
        with pytest.raises(RuntimeError):
            set_num_threads(bad)


@pytest.mark.parametrize(("given", "count"), [("3", "3"), ("5,2", "5"), ("0", None), ("many", None), ("", None)])
def test_omp_num_threads(given, count):
    found = run_python("from suiren.runtime.threads import *; print(get_num_threads(), usable_cores())", OMP_NUM_THREADS=given)
    number, cores = found.stdout.split()
    assert number == (count or cores)


def test_workers_start_when_they_are_needed_and_follow_the_number():
    for count in (1, 2, 4, 3, 1):
        set_num_threads(count)
        assert works()
        assert len(pool().threads) == count - 1 == pool().words[threads.WORKERS]


def test_a_program_too_small_to_share_starts_no_worker():
    found = run_python(
        "from tests.runtime.kernels import chain\nfrom suiren.runtime.threads import pool\n"
        "d, x, y, a = chain(1, 3, 0.1)\nd.run(a)\nprint(len(pool().threads))",
        OMP_NUM_THREADS="2",
    )
    assert found.stdout == "0\n", found.stderr


@pytest.mark.parametrize("count", [2, 4])
def test_the_same_bits_with_any_number_of_threads(count):
    d, x, y, addresses = chain(50, 5, 200.0)
    start = np.random.default_rng(0).standard_normal(50 * UNIT).astype(np.float32)
    results = []
    for n in (1, count, count):
        set_num_threads(n)
        for _ in range(30):
            x[:] = start
            d.run(addresses)
            results.append(y.tobytes())
    assert len(set(results)) == 1


def test_workers_take_part():
    set_num_threads(2)
    d, x, y, addresses = chain(64, 3, 5000.0)
    words, took_part = pool().words, False
    deadline = time.monotonic() + 30
    while not took_part and time.monotonic() < deadline:
        words[threads.RESUME] = words[threads.CREDIT] = 0
        d.run(addresses)
        took_part = words[threads.CREDIT] > 0  # only chunks of others are a gain
    assert took_part


def test_sleeping_workers_wake():
    set_num_threads(2)
    assert works()
    woken, deadline = 0, time.monotonic() + 30
    while woken < 3 and time.monotonic() < deadline:
        while pool().words[threads.SLEEPERS] < 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)  # one that was called just now may not have got up yet
        wakes = pool().words[threads.WAKES]
        pool().words[threads.RESUME] = 0
        assert works()
        woken += pool().words[threads.WAKES] > wakes
    assert woken == 3


def test_a_program_runs_alone_while_another_has_the_pool():
    set_num_threads(2)
    assert works()
    assert native.acquire(pool().address)
    try:
        assert works() and not native.acquire(pool().address)
        set_num_threads(3)  # cannot be followed now, and need not be
        assert works() and len(pool().threads) == 1
    finally:
        pool().words[threads.OWNER] = 0
    assert works() and len(pool().threads) == 2


def test_sharing_pauses_when_it_has_cost_more_than_it_brought():
    set_num_threads(2)
    assert works()
    words = pool().words
    words[threads.RESUME] = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + 50_000_000 if hasattr(time, "clock_gettime_ns") else 1
    ticket = words[threads.TICKET]
    assert works() and words[threads.TICKET] == ticket  # nothing was posted
    deadline = time.monotonic() + 5
    while words[threads.TICKET] == ticket and time.monotonic() < deadline:
        assert works()
        time.sleep(0.005)
    assert words[threads.TICKET] != ticket and words[threads.RESUME] == 0


FORKS = """
import os, sys
from suiren.runtime.threads import pool, set_num_threads
from tests.runtime.test_threads import works
set_num_threads(2)
assert works() and len(pool().threads) == 1
for i in range(10):
    child = os.fork()
    if child == 0:
        ok = len(pool().threads) == 0 and works() and len(pool().threads) == 1 and works(30)
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if works() else 1)
        ok = ok and os.waitpid(grandchild, 0)[1] == 0
        if i % 2:
            os._exit(0 if ok else 1)
        sys.exit(0 if ok else 1)  # with everything that happens at exit
    assert works()
    assert os.waitpid(child, 0)[1] == 0
print("right")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_forked_children_start_workers_of_their_own():
    found = run_python(FORKS)
    assert found.stdout == "right\n", found.stderr


FORK_WHILE_RUNNING = """
import os, threading, time
from suiren.runtime.threads import set_num_threads
from tests.runtime.test_threads import works
from tests.runtime.kernels import chain
import warnings
warnings.simplefilter("ignore")  # newer Pythons warn of a fork while threads run, which this is about
set_num_threads(2)
stop = []
def busy():
    d, x, y, a = chain(64, 20, 500.0)
    while not stop:
        d.run(a)
thread = threading.Thread(target=busy)
thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        os._exit(0 if works() else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.append(1)
thread.join()
assert works()
print("right")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_forking_while_another_thread_runs_a_program():
    found = run_python(FORK_WHILE_RUNNING, timeout=300)  # four threads that never rest want the cores
    assert found.stdout == "right\n", found.stderr


FORK_WHILE_IMPORTING = """
import os, sys, threading, time, warnings
import suiren.runtime.forking
warnings.simplefilter("ignore")
sys.path.insert(0, {folder!r})
thread = threading.Thread(target=lambda: __import__("slow_to_import"))
thread.start()
while "slow_to_import" not in sys.modules:
    pass
child = os.fork()
if child == 0:
    import slow_to_import
    os._exit(0 if slow_to_import.done else 1)
assert os.waitpid(child, 0)[1] == 0
print("right")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_forking_while_another_thread_imports(tmp_path):
    (tmp_path / "slow_to_import.py").write_text("import time\ndone = False\ntime.sleep(1)\ndone = True\n")
    found = run_python(FORK_WHILE_IMPORTING.format(folder=str(tmp_path)), timeout=60)
    assert found.stdout == "right\n", found.stderr


EXITS = {
    "return": "",
    "sys.exit": "import sys; sys.exit(0)",
    "thread that runs on": "threading.Thread(target=forever, daemon=True).start(); time.sleep(0.05)",
    "run at exit": "atexit._run_exitfuncs(); assert works()",
    "at exit, registered before": "pass",
}


@pytest.mark.parametrize("how", EXITS)
def test_the_interpreter_exits_cleanly(how):
    before = "atexit.register(lambda: print('late', works()))\n" if how == "at exit, registered before" else ""
    program = (
        f"import atexit, threading, time\n{before}"
        "from suiren.runtime.threads import set_num_threads\nfrom tests.runtime.test_threads import works\nfrom tests.runtime.kernels import chain\n"
        "def forever():\n    d, x, y, a = chain(64, 20, 500.0)\n    while True:\n        d.run(a)\n"
        f"set_num_threads(4)\nassert works()\nprint('right', flush=True)\n{EXITS[how]}"
    )
    found = run_python(program, timeout=30)
    assert found.returncode == 0 and found.stdout.startswith("right"), found.stderr
    assert not before or "late True" in found.stdout


def test_workers_leave_signals_to_python():
    program = (
        "import signal, time, os, threading\nfrom suiren.runtime.threads import set_num_threads\nfrom tests.runtime.test_threads import works\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may have started the tests with it ignored
        "set_num_threads(4)\nassert works()\n"
        "try:\n    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n    time.sleep(60)\n    print('late')\n"
        "except KeyboardInterrupt:\n    print('right')"
    )
    assert run_python(program).stdout == "right\n"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_many_callers_and_a_changing_number_of_threads():
    stop, wrong = threading.Event(), []

    def work():
        while not stop.is_set():
            if not works(8):
                wrong.append(1)

    callers = [threading.Thread(target=work) for _ in range(3)]
    for c in callers:
        c.start()
    for i in range(60):
        set_num_threads(1 + i % 4)
        time.sleep(0.005)
    stop.set()
    for c in callers:
        c.join()
    assert not wrong
