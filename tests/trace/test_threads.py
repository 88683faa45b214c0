"""A recording belongs to a thread; what is pending in another thread is run for whoever reads it. Forking runs what is pending first."""

from __future__ import annotations

import os
import sys
import threading
import time

import numpy as np
import pytest

import suiren


def test_a_tensor_pending_in_a_sleeping_thread():
    made, stop = [], threading.Event()

    def worker():
        x = suiren.ones(4)
        made.append(x * 3.0)
        made.append(x + 1.0)
        stop.wait()

    thread = threading.Thread(target=worker)
    thread.start()
    while len(made) < 2:
        time.sleep(0.001)
    np.testing.assert_array_equal(made[0].numpy(), [3, 3, 3, 3])
    np.testing.assert_array_equal((made[1] * 2.0).numpy(), [4, 4, 4, 4])
    stop.set()
    thread.join()


@pytest.mark.parametrize("interval", [None, 1e-5], ids=["as usual", "switching all the time"])
def test_tensors_handed_between_busy_threads(interval):
    usual = sys.getswitchinterval()
    sys.setswitchinterval(interval or usual)
    try:
        for _ in range(1 if interval is None else 10):
            _hand_between_threads()
    finally:
        sys.setswitchinterval(usual)


def _hand_between_threads():
    failures, values = [], [[suiren.ones(8)] for _ in range(3)]
    start = threading.Barrier(3)

    def worker(k: int):
        start.wait()
        try:
            for i in range(60):
                mine, other = values[k][-1], values[(k + 1) % 3][-1]
                values[k].append((mine + other) * 0.5)
                if i % 7 == k:
                    got = values[(k + 2) % 3][-1].numpy()
                    if not np.allclose(got, 1):
                        failures.append(got)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=worker, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not any(t.is_alive() for t in threads), "threads wait for each other"
    assert not failures, failures[:2]
    for column in values:
        np.testing.assert_allclose(column[-1].numpy(), 1)


def test_fork_runs_what_is_pending_and_the_child_starts_clean():
    x = suiren.ones(1000) * 2.0
    y = x + 1.0
    child = os.fork()
    if child == 0:
        ok = bool((y.numpy() == 3).all()) and float((y * 2.0).sum().item()) == 6000.0
        os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert float(y.sum().item()) == 3000.0
