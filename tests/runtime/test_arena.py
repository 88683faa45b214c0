from __future__ import annotations

import threading

from suiren.runtime import arena as module
from suiren.runtime.arena import PATIENCE, Arena, arena


def test_it_grows_and_then_stays():
    a = Arena()
    first = a.take(1000)
    assert first.nbytes >= 1000 and a.take(10) is first
    larger = a.take(5 << 20)
    assert larger.nbytes >= 5 << 20 and a.take(1000) is larger


def test_it_is_given_back_when_much_larger_than_needed_for_long():
    a = Arena()
    a.take(64 << 20)
    for _ in range(PATIENCE + 1):
        a.take(1 << 10)
    assert a.take(0).nbytes == 64 << 20  # the large run was among those
    for _ in range(PATIENCE + 1):
        a.take(2 << 20)
    assert a.take(0).nbytes == 2 << 20


def test_it_stays_when_it_is_needed_now_and_then():
    a = Arena()
    kept = a.take(64 << 20)
    for i in range(3 * PATIENCE):
        a.take(64 << 20 if i % 1000 == 0 else 64)
    assert a.take(0) is kept


def test_every_thread_has_its_own():
    found = []
    thread = threading.Thread(target=lambda: found.append(arena().take(100)))
    thread.start()
    thread.join()
    mine = arena().take(100)
    assert found[0] is not mine and found[0].addr != mine.addr
    module.release()
    assert arena().take(100) is not mine
