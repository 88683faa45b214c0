"""How many threads share the work of a program, and the pool of them.

The workers are threads of the operating system inside a generated loop (native.py): they never hold Python's lock and Python never
sees them. All they share with a caller is the pool's block of memory. A wave of work is posted there as a number of chunks; whoever
is free claims the next one, the caller too, so the work is done even if no worker ever comes, and a worker that the system stops
holds up the one chunk it has claimed. Idle workers spin for some microseconds and then sleep.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import threading
import time

from suiren.runtime import forking
from suiren.runtime.buffers import Buffer

# Words (64 bits) of the pool's memory. What different threads write at the same time lies in different cache lines.
TICKET = 0  # generation << 32 | chunks of the posted wave that nobody has claimed
PENDING = 8  # chunks that are not finished
OWNER = 16  # 1 while a caller has the pool
CHUNKS, COUNT, TABLE = 24, 25, 26  # the posted wave: its chunks, how many, the table of the run
SLEEPERS, WAKES, STOP = 32, 33, 34
CREDIT, PENALTY, RESUME = 36, 37, 38  # nanoseconds: what sharing has gained, how long the next pause of it is, when the present one ends
SPIN_BUSY, SPIN_IDLE, WORKERS = 40, 41, 42  # pauses before a worker sleeps: while a program runs, between programs; how many workers there are
LOCK, UNLOCK, WAIT, BROADCAST, YIELD, CLOCK = 48, 49, 50, 51, 52, 53  # addresses of the C library's functions
MUTEX, CONDITION = 64, 96  # 256 bytes each, more than any C library needs
POOL_WORDS = 128

# Where other processes want the cores too, the system stops a worker in the middle of a chunk for some milliseconds, and its caller
# waits. So an account is kept: time gained by sharing, up to CREDIT_NS, less time lost in waiting. Overdrawn, programs run alone for
# a while, twice as long each time.
CREDIT_NS = 20_000_000
PENALTY_NS = (10_000_000, 200_000_000)

# A worker between two waves of a program, or between two programs of a loop, is wanted again soon. Waking one costs the caller
# about 5 µs and brings it after 30 to 60; spinning costs whoever else wants the core, such as the workers of a data loader.
BUSY_US = 200
IDLE_US = 50


def usable_cores() -> int:
    """The cores that this process may run on."""
    try:
        return max(len(os.sched_getaffinity(0)), 1)
    except (AttributeError, OSError):
        return max(os.cpu_count() or 1, 1)


def _default() -> int:
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdigit() and int(first) > 0 else usable_cores()


count: int | None = None


def get_num_threads() -> int:
    """How many threads share the work of one program; at first OMP_NUM_THREADS, or the cores this process may use."""
    global count
    if count is None:
        count = _default()
    return count


def set_num_threads(num: int) -> None:
    """Sets how many threads share the work of one program. RuntimeError, as in PyTorch, unless it is a positive int. No result depends on it."""
    global count
    if isinstance(num, bool) or not isinstance(num, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    count = num


class Pool:
    """The workers of this process and the memory they share with callers. It lives as long as the process, at one address."""

    def __init__(self):
        self.memory = Buffer(8 * POOL_WORDS)
        self.address = self.memory.addr
        self.words = (ctypes.c_int64 * POOL_WORDS).from_address(self.address)
        ctypes.memset(self.address, 0, 8 * POOL_WORDS)
        self.lock = threading.RLock()  # held to start or stop workers
        self.adjusted_for: int | None = None  # the number of threads that the workers and their caller are
        self.threads: list[ctypes.c_void_p] = []
        self.is_closed = False  # the interpreter is exiting
        try:
            self.libc = ctypes.CDLL(None)
            self.create = self.libc.pthread_create
        except (TypeError, OSError, AttributeError):  # no POSIX threads: every program runs on its caller's thread
            self.libc = self.create = None
            return
        names = ("pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_wait", "pthread_cond_broadcast", "sched_yield", "clock_gettime")
        for k, name in enumerate(names):
            self.words[LOCK + k] = ctypes.cast(getattr(self.libc, name), ctypes.c_void_p).value
        self._fresh()

    def _fresh(self) -> None:
        """The state without workers and without work."""
        for word in (TICKET, PENDING, OWNER, SLEEPERS, STOP, CREDIT, PENALTY, RESUME, WORKERS):
            self.words[word] = 0
        ctypes.memset(self.address + 8 * MUTEX, 0, 512)
        self.libc.pthread_mutex_init(ctypes.c_void_p(self.address + 8 * MUTEX), None)
        self.libc.pthread_cond_init(ctypes.c_void_p(self.address + 8 * CONDITION), None)

    def adjust(self) -> None:
        """Starts or stops workers so that with the caller there are `get_num_threads()` threads. Waits for nobody's program."""
        if self.adjusted_for == get_num_threads():
            return
        with self.lock:
            count = get_num_threads()
            wanted = 0 if self.is_closed or self.create is None else count - 1
            if self.threads and len(self.threads) != wanted and not self._stop():
                return  # another thread's program has the pool: the next run tries again
            if not self.threads and wanted:
                self._start(wanted)
            self.adjusted_for = count

    def _start(self, count: int) -> None:
        from suiren.runtime import native

        work, pause = native.functions()["work"], native.functions()["pause"]
        self._calibrate(pause)
        # Signals are for Python's threads: one that a worker got would not interrupt the main thread's sleep.
        before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        try:
            for _ in range(count):
                thread = ctypes.c_void_p()
                if self.create(ctypes.byref(thread), None, ctypes.c_void_p(work), ctypes.c_void_p(self.address)) != 0:
                    break  # a limit on threads: fewer workers do
                self.threads.append(thread)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.words[WORKERS] = len(self.threads)

    def _calibrate(self, pause: int) -> None:
        """Finds how many pauses of this processor last a microsecond: between 5 and 300."""
        call = ctypes.CFUNCTYPE(None, ctypes.c_int64)(pause)
        call(10)
        spent = []
        for _ in range(3):
            started = time.perf_counter()
            call(2000)
            spent.append(time.perf_counter() - started)
        per_us = max(1, round(2000 / (1e6 * min(spent))))
        self.words[SPIN_BUSY], self.words[SPIN_IDLE] = per_us * BUSY_US, per_us * IDLE_US

    def _stop(self) -> bool:
        """Ends the workers; False if a program has the pool. The lock is held."""
        from suiren.runtime import native

        if not native.acquire(self.address):
            return False
        self.words[STOP] = 1
        native.wake(self.address)
        for thread in self.threads:
            self.libc.pthread_join(thread, None)
        self.threads.clear()
        self._fresh()
        return True

    def close(self) -> None:
        """At exit: ends the workers before the code they run in goes away. Programs that still come run on their caller's thread."""
        with self.lock:
            self.is_closed, self.adjusted_for = True, None
            deadline = time.monotonic() + 1.0
            while self.threads and not self._stop() and time.monotonic() < deadline:
                time.sleep(0.001)

    def before_fork(self) -> None:
        """A process that forks has one thread if it can: the workers end, and start again when they are needed."""
        self.lock.acquire()
        if self.threads and self._stop():
            self.adjusted_for = None

    def after_fork_in_parent(self) -> None:
        self.lock.release()

    def after_fork_in_child(self) -> None:
        self.lock = threading.RLock()
        self.adjusted_for = None
        self.threads.clear()
        if self.create is not None:
            self._fresh()


_pool: Pool | None = None
_pool_lock = threading.Lock()


def pool() -> Pool:
    """The pool of this process; it has no workers before a program needs them."""
    global _pool
    if _pool is None:
        with _pool_lock:
            if _pool is None:
                _pool = Pool()
                atexit.register(_pool.close)
    return _pool


def _around_fork(method: str):
    def call():
        if _pool is not None:
            getattr(_pool, method)()

    return call


def _in_child() -> None:
    global _pool_lock
    _pool_lock = threading.Lock()
    _around_fork("after_fork_in_child")()


forking.register(forking.THREADS, _around_fork("before_fork"), _around_fork("after_fork_in_parent"), _in_child)
