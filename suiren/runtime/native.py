"""The runtime's own machine code: walking a program's waves, sharing a wave with the workers, the workers' loop.

Layout of what it reads, in 64-bit words (made by driver.py; the pool's block by threads.py):

    block    program, pool, then the table of the run: base addresses by slot, numbers, two words of status
    program  waves, number of waves, calls, number of calls, whether it is worth waking workers at its start
    wave     calls, number of calls, chunks, number of chunks (0: not worth sharing), has a check, worth waking workers
    call     kernel, args, units, chunks, number of chunks, has a check
    chunk    kernel, args, begin, end

How a wave is shared. The caller writes chunks, count and table, sets PENDING to the count, and then writes TICKET: a new generation
above, the count below. Claiming is one compare-and-exchange that takes one from the count. The generation makes it fail for a worker
that looked at an older wave, and a claimed chunk keeps its wave from ending, so what is read after a claim is always of its own wave.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from suiren.compiler.program import STATUS
from suiren.dtypes import int32, int64
from suiren.runtime import threads as t

if TYPE_CHECKING:
    from suiren.compiler.emit.builder import Builder, Module, Value
    from suiren.compiler.emit.control import Var

BLOCK_PROGRAM, BLOCK_POOL, BLOCK_TABLE = 0, 1, 2
PROGRAM_WAVES, PROGRAM_WAVE_COUNT, PROGRAM_CALLS, PROGRAM_CALL_COUNT, PROGRAM_WAKES, PROGRAM_WORDS = range(6)
WAVE_CALLS, WAVE_CALL_COUNT, WAVE_CHUNKS, WAVE_CHUNK_COUNT, WAVE_CHECKS, WAVE_WAKES, WAVE_WORDS = range(7)
CALL_KERNEL, CALL_ARGS, CALL_UNITS, CALL_CHUNKS, CALL_CHUNK_COUNT, CALL_CHECKS, CALL_WORDS = range(7)
CHUNK_KERNEL, CHUNK_ARGS, CHUNK_BEGIN, CHUNK_END, CHUNK_WORDS = range(5)

NAMES = ("run", "run_timed", "work", "pause", "acquire", "wake")
COUNT_MASK = 0xFFFFFFFF
YIELD_EVERY = 256  # pauses of a waiting thread after which it lets others have the core
CLOCK_MONOTONIC = getattr(time, "CLOCK_MONOTONIC", 1)


@functools.cache
def functions() -> dict[str, int]:
    """The addresses of the functions of NAMES."""
    from suiren.runtime import jit

    return jit.load_functions("driver", (CLOCK_MONOTONIC,), NAMES, emit)


@functools.cache
def _on_pool(name: str):
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(functions()[name])


def acquire(pool: int) -> bool:
    """Takes the pool at this address if no program has it."""
    return bool(_on_pool("acquire")(pool))


def wake(pool: int) -> None:
    """Wakes the workers that sleep."""
    _on_pool("wake")(pool)


class _Emitter:
    """Defines the functions in a module, each from those before it."""

    def __init__(self, module: Module, symbol: Callable[[str], str]):
        self.module, self.symbol = module, symbol

    def define(self, name: str, parameters: list[str], result=None) -> tuple[Builder, list[Value]]:
        kinds = [(p, "ptr" if p in ("pool", "block", "program", "table", "chunks", "calls", "times") else int64) for p in parameters]
        b = self.module.function(self.symbol(name), kinds, result)
        return b, [b.parameter[p] for p in parameters]

    def call(self, b: Builder, name: str, *arguments: Value, result=None) -> Value | None:
        return b.call(self.symbol(name), list(arguments), result)


def _word(b: Builder, base: Value, k: int | Value) -> Value:
    return b.at(base, k, int64)


def _load(b: Builder, base: Value, k: int) -> Value:
    return b.load(base, int64, offset=k)


def _lib(b: Builder, pool: Value, function: int, *arguments: Value, result=int32) -> Value:
    """Calls a function of the C library, whose address stands in the pool."""
    return b.call(b.load_ptr(pool, function), list(arguments), result)


def _left(b: Builder, ticket: Value) -> Value:
    return b.and_(ticket, b.i64(COUNT_MASK))


@contextmanager
def _each(b: Builder, first: Value, count: Value, words: int) -> Iterator[tuple[Value, Value]]:
    """A loop over structures that lie one behind the other: (number, address) of each."""
    with b.loop(0, count, unroll=1) as i:
        yield i, _word(b, first, b.mul(i, words))


def _call_kernel(b: Builder, kernel: Value, table: Value, args: Value, begin: Value, end: Value) -> None:
    b.call(kernel, [table, args, begin, end])


def emit(module: Module, symbol: Callable[[str], str]) -> None:
    """Defines the functions of NAMES, and the ones they share, in a module."""
    e = _Emitter(module, symbol)
    for define in (_pause, _acquire, _wake, _claim, _post, _sleep, _work, _alone, _run, _run_timed):
        define(e)


def _pause(e: _Emitter) -> None:
    """pause(n): n pauses of a waiting loop."""
    b, (n,) = e.define("pause", ["n"])
    with b.loop(0, n, unroll=1):
        b.pause()


def _acquire(e: _Emitter) -> None:
    """acquire(pool) -> 1 if the caller now owns the pool."""
    b, (pool,) = e.define("acquire", ["pool"], int64)
    _, taken = b.compare_exchange(_word(b, pool, t.OWNER), b.i64(0), b.i64(1))
    b.ret(b.convert(taken, int64))


def _wake(e: _Emitter) -> None:
    """wake(pool): every sleeping worker wakes up and spins."""
    b, (pool,) = e.define("wake", ["pool"], int64)
    mutex = _word(b, pool, t.MUTEX)
    _lib(b, pool, t.LOCK, mutex)
    b.atomic_add(_word(b, pool, t.WAKES), b.i64(1), "seq_cst")
    _lib(b, pool, t.BROADCAST, _word(b, pool, t.CONDITION))
    _lib(b, pool, t.UNLOCK, mutex)
    b.ret(b.i64(0))


def _claim(e: _Emitter) -> None:
    """claim(pool) -> how many chunks it did before none was left to claim."""
    b, (pool,) = e.define("claim", ["pool"], int64)
    ticket_word, pending = _word(b, pool, t.TICKET), _word(b, pool, t.PENDING)
    done = b.var(b.i64(0))
    ticket = b.var(b.atomic_load(ticket_word, int64))
    with b.while_(lambda: b.ne(_left(b, ticket.get()), 0)):
        seen = ticket.get()
        _, claimed = b.compare_exchange(ticket_word, seen, b.sub(seen, 1))
        with b.if_(claimed):
            chunk = b.sub(_load(b, pool, t.COUNT), _left(b, seen))
            where = _word(b, b.load_ptr(pool, t.CHUNKS), b.mul(chunk, CHUNK_WORDS))
            _call_kernel(
                b, b.load_ptr(where, CHUNK_KERNEL), b.load_ptr(pool, t.TABLE), b.load_ptr(where, CHUNK_ARGS),
                _load(b, where, CHUNK_BEGIN), _load(b, where, CHUNK_END),
            )  # fmt: skip
            b.atomic_sub(pending, b.i64(1))
            done.set(b.add(done.get(), 1))
        ticket.set(b.atomic_load(ticket_word, int64))
    b.ret(done.get())


def _post(e: _Emitter) -> None:
    """post(pool, chunks, count, table, wakes): shares chunks with the workers; returns when all are done. The caller owns the pool."""
    b, (pool, chunks, count, table, wakes) = e.define("post", ["pool", "chunks", "count", "table", "wakes"])
    clock = b.scratch(16)
    began = _now(b, pool, clock)
    b.store(chunks, _word(b, pool, t.CHUNKS))
    b.store(count, _word(b, pool, t.COUNT))
    b.store(table, _word(b, pool, t.TABLE))
    b.atomic_store(count, _word(b, pool, t.PENDING))
    ticket_word = _word(b, pool, t.TICKET)
    generation = b.add(b.shr_logical(b.atomic_load(ticket_word, int64), b.i64(32)), 1)
    # Sequentially consistent, as is a worker's counting itself among the sleepers and then looking at the ticket: one sees the other.
    b.atomic_store(b.or_(b.shl(generation, b.i64(32)), count), ticket_word, "seq_cst")
    sleepers = b.atomic_load(_word(b, pool, t.SLEEPERS), int64, "seq_cst")
    with b.if_(b.and_(b.ne(wakes, 0), b.gt(sleepers, 0)), likely=False):
        e.call(b, "wake", pool, result=int64)
    mine = e.call(b, "claim", pool, result=int64)
    worked = _now(b, pool, clock)
    spins = b.var(b.i64(0))
    with b.while_(lambda: b.gt(b.atomic_load(_word(b, pool, t.PENDING), int64), 0)):
        _wait_a_little(b, pool, spins)
    _keep_account(b, pool, b.sub(worked, began), mine, b.sub(count, mine), spins, lambda: b.sub(_now(b, pool, clock), worked))


def _keep_account(b: Builder, pool: Value, spent: Value, mine: Value, others: Value, spins: Var, lost: Callable[[], Value]) -> None:
    """What a shared wave gained (the time of the others' chunks), less what its caller lost in waiting: see threads.py."""
    credit_word, penalty_word = _word(b, pool, t.CREDIT), _word(b, pool, t.PENALTY)
    gained = b.trunc_div(b.mul(spent, others), b.maximum(mine, b.i64(1)))
    credit = b.minimum(b.add(b.load(credit_word, int64), gained), b.i64(t.CREDIT_NS))
    penalty = b.load(penalty_word, int64)
    with b.if_else(b.gt(spins.get(), 4 * YIELD_EVERY), likely=False) as (waited, went_well):
        with went_well:
            b.store(credit, credit_word)
            b.store(b.sub(penalty, b.shr(penalty, b.i64(6))), penalty_word)
        with waited:
            credit = b.sub(credit, lost())
            b.store(b.maximum(credit, b.i64(0)), credit_word)
            with b.if_(b.lt(credit, 0)):
                least, most = t.PENALTY_NS
                penalty = b.minimum(b.maximum(b.add(penalty, penalty), b.i64(least)), b.i64(most))
                b.store(penalty, penalty_word)
                b.store(b.add(_now(b, pool, b.scratch(16)), penalty), _word(b, pool, t.RESUME))


def _now(b: Builder, pool: Value, clock: Value) -> Value:
    """Nanoseconds of a clock that only goes on; `clock` is 16 bytes to read it into."""
    _lib(b, pool, t.CLOCK, b.i32(CLOCK_MONOTONIC), clock)
    return b.add(b.mul(_load(b, clock, 0), 1_000_000_000), _load(b, clock, 1))


def _pays(b: Builder, pool: Value) -> Value:
    """Whether programs are shared at present, or run alone for a while because waiting for workers cost more than they brought."""
    resume_word = _word(b, pool, t.RESUME)
    resume = b.load(resume_word, int64)
    pays = b.var(b.convert(b.eq(resume, 0), int64))
    with b.if_(b.ne(resume, 0), likely=False), b.if_(b.ge(_now(b, pool, b.scratch(16)), resume)):
        b.store(b.i64(0), resume_word)
        pays.set(b.i64(1))
    return b.ne(pays.get(), 0)


def _wait_a_little(b: Builder, pool: Value, spins: Var) -> Value:
    """One round of a waiting loop; counts it. Whoever has been stopped by the system may need this core."""
    b.pause()
    n = b.add(spins.get(), 1)
    spins.set(n)
    with b.if_(b.eq(b.and_(n, b.i64(YIELD_EVERY - 1)), 0), likely=False):
        _lib(b, pool, t.YIELD)
    return n


def _sleep(e: _Emitter) -> None:
    """sleep(pool): returns when there is work, a wake-up call, or the end."""
    b, (pool,) = e.define("sleep", ["pool"])
    mutex = _word(b, pool, t.MUTEX)
    _lib(b, pool, t.LOCK, mutex)
    wakes, sleepers = _word(b, pool, t.WAKES), _word(b, pool, t.SLEEPERS)
    before = b.atomic_load(wakes, int64)
    b.atomic_add(sleepers, b.i64(1), "seq_cst")

    def nothing_to_do() -> Value:
        idle = b.eq(_left(b, b.atomic_load(_word(b, pool, t.TICKET), int64, "seq_cst")), 0)
        no_call = b.eq(b.atomic_load(wakes, int64), before)
        goes_on = b.eq(b.atomic_load(_word(b, pool, t.STOP), int64), 0)
        return b.and_(b.and_(idle, no_call), goes_on)

    with b.while_(nothing_to_do):
        _lib(b, pool, t.WAIT, _word(b, pool, t.CONDITION), mutex)
    b.atomic_sub(sleepers, b.i64(1), "seq_cst")
    _lib(b, pool, t.UNLOCK, mutex)


def _work(e: _Emitter) -> None:
    """work(pool): a worker's life, in the form that pthread_create wants."""
    b, (pool,) = e.define("work", ["pool"], "ptr")
    spins = b.var(b.i64(0))
    with b.while_(lambda: b.eq(b.atomic_load(_word(b, pool, t.STOP), int64), 0)):
        done = e.call(b, "claim", pool, result=int64)
        with b.if_else(b.gt(done, 0)) as (some, none):
            with some:
                spins.set(b.i64(0))
            with none:
                n = _wait_a_little(b, pool, spins)
                is_busy = b.ne(b.atomic_load(_word(b, pool, t.OWNER), int64), 0)
                patience = b.select(is_busy, _load(b, pool, t.SPIN_BUSY), _load(b, pool, t.SPIN_IDLE))
                with b.if_(b.ge(n, patience), likely=False):
                    e.call(b, "sleep", pool)
                    spins.set(b.i64(0))
    b.ret(b.null())


def _alone(e: _Emitter) -> None:
    """alone(calls, count, table): does calls on this thread."""
    b, (calls, count, table) = e.define("alone", ["calls", "count", "table"])
    with _each(b, calls, count, CALL_WORDS) as (_, call):
        _call_kernel(b, b.load_ptr(call, CALL_KERNEL), table, b.load_ptr(call, CALL_ARGS), b.i64(0), _load(b, call, CALL_UNITS))


def _start(e: _Emitter, b: Builder, block: Value) -> tuple[Value, Value, Value, Value, Value]:
    """(program, table, status, pool, whether this run owns the pool)."""
    program, pool = b.load_ptr(block, BLOCK_PROGRAM), b.load_ptr(block, BLOCK_POOL)
    table = _word(b, block, BLOCK_TABLE)
    status = b.load_ptr(table, STATUS)
    b.store(b.i64(0), status)
    owns = b.var(b.i64(0))
    with b.if_(b.gt(_load(b, pool, t.WORKERS), 0)), b.if_(_pays(b, pool)):
        owns.set(e.call(b, "acquire", pool, result=int64))
    return program, table, status, pool, owns.get()


def _finish(b: Builder, status: Value, pool: Value, owns: Value) -> None:
    with b.if_(b.ne(owns, 0)):
        b.atomic_store(b.i64(0), _word(b, pool, t.OWNER))
    b.ret(_load(b, status, 0))


def _stop_if_bad(b: Builder, checks: Value, status: Value, pool: Value, owns: Value) -> None:
    with b.if_(b.ne(checks, 0)), b.if_(b.ne(b.atomic_load(status, int64), 0), likely=False):
        _finish(b, status, pool, owns)


def _share(e: _Emitter, b: Builder, pool: Value, owns: Value, chunks: Value, count: Value, calls: Value, call_count: Value, table: Value, wakes: Value) -> None:
    """Does some calls: shared as chunks where there are chunks and the pool is ours, otherwise alone."""
    shares = b.var(b.i64(0))
    with b.if_(b.and_(b.ne(count, 0), b.ne(owns, 0))):
        shares.set(b.convert(_pays(b, pool), int64))
    with b.if_else(b.ne(shares.get(), 0)) as (shared, alone):
        with shared:
            e.call(b, "post", pool, chunks, count, table, wakes)
        with alone:
            e.call(b, "alone", calls, call_count, table)


def _run(e: _Emitter) -> None:
    """run(block) -> the first word of status: 0, or 1 + the number of the check that failed."""
    b, (block,) = e.define("run", ["block"], int64)
    program, table, status, pool, owns = _start(e, b, block)
    sleepers = b.atomic_load(_word(b, pool, t.SLEEPERS), int64)
    wakes = b.and_(b.gt(sleepers, 0), b.ne(_load(b, program, PROGRAM_WAKES), 0))
    with b.if_(b.and_(b.ne(owns, 0), wakes)):
        e.call(b, "wake", pool, result=int64)
    with _each(b, b.load_ptr(program, PROGRAM_WAVES), _load(b, program, PROGRAM_WAVE_COUNT), WAVE_WORDS) as (_, wave):
        calls, call_count = b.load_ptr(wave, WAVE_CALLS), _load(b, wave, WAVE_CALL_COUNT)
        chunks, count = b.load_ptr(wave, WAVE_CHUNKS), _load(b, wave, WAVE_CHUNK_COUNT)
        _share(e, b, pool, owns, chunks, count, calls, call_count, table, _load(b, wave, WAVE_WAKES))
        _stop_if_bad(b, _load(b, wave, WAVE_CHECKS), status, pool, owns)
    _finish(b, status, pool, owns)


def _run_timed(e: _Emitter) -> None:
    """run_timed(block, times) -> as run, one call after the other; adds the nanoseconds of call i to times[i]."""
    b, (block, times) = e.define("run_timed", ["block", "times"], int64)
    program, table, status, pool, owns = _start(e, b, block)
    clock = b.scratch(16)
    with _each(b, b.load_ptr(program, PROGRAM_CALLS), _load(b, program, PROGRAM_CALL_COUNT), CALL_WORDS) as (i, call):
        began = _now(b, pool, clock)
        _share(e, b, pool, owns, b.load_ptr(call, CALL_CHUNKS), _load(b, call, CALL_CHUNK_COUNT), call, b.i64(1), table, b.i64(1))
        spent = b.sub(_now(b, pool, clock), began)
        b.store(b.add(b.load(times, int64, offset=i), spent), _word(b, times, i))
        _stop_if_bad(b, _load(b, call, CALL_CHECKS), status, pool, owns)
    _finish(b, status, pool, owns)
