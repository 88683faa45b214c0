"""Worker processes: what goes through the ring, what goes wrong in a worker, and that nothing is left behind."""

from __future__ import annotations

import collections
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import NamedTuple

import numpy as np
import pytest

import suiren
from suiren.nn.parameter import Parameter
from suiren.utils.data import DataLoader, Dataset, IterableDataset, default_collate, get_worker_info, iterators
from suiren.utils.data import crew as crew_module

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


class Squares(Dataset):
    """(i, i² everywhere in `shape`)"""

    def __init__(self, n, shape=(3,)):
        self.n, self.shape = n, shape

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i, np.full(self.shape, i * i, np.float32)


def keys(loader):
    return [k for batch in loader for k in batch[0].tolist()]


def shared_memory():
    """What programs have put into the shared-memory mount."""
    return set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def nothing_left():
    """No process and no shared memory stays behind."""
    before = shared_memory()
    yield
    gc.collect()
    import multiprocessing

    wait_until(lambda: not multiprocessing.active_children())
    wait_until(lambda: shared_memory() <= before)  # tests that run beside this one take theirs away, too


# ---------------------------------------------------------------- what goes through


class Point(NamedTuple):
    x: object
    y: object


class Structures(Dataset):
    """Every kind of thing that a batch may be made of."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        shared = suiren.Tensor.from_array(np.arange(6.0).reshape(2, 3))
        return {
            "dtypes": [suiren.Tensor.from_array(np.ones(3, name)) for name in ("f4", "f8", "f2", "u1", "i1", "i2", "i4", "i8", "u4", "?", "c8")],
            "empty": [suiren.zeros(0, 4), np.zeros((2, 0))],
            "scalar": suiren.tensor(2.5),
            "view": suiren.arange(12).view(3, 4).t(),
            "pending": suiren.ones(2) + i,
            "twice": (shared, shared),
            "leaf": suiren.ones(2, requires_grad=True),
            "parameter": Parameter(suiren.ones(2)),
            "arrays": [np.asfortranarray(np.ones((2, 3))), np.zeros(2, [("a", "i4"), ("b", "f8")]), np.array(["text"]), np.array([None, 1]), np.array(7)],
            "point": Point(i, suiren.tensor([i])),
            "ordered": collections.OrderedDict(b=1, a="ü"),
            "plain": (1, 2.5, None, True, b"xy", {1, 2}, "text" * 100, 10**30, slice(1, 2)),
        }


def test_structures():
    direct, found = Structures()[2], list(DataLoader(Structures(), batch_size=None, num_workers=1, collate_fn=lambda x: x))[2]
    assert list(found) == list(direct)
    for a, b in zip(direct["dtypes"], found["dtypes"]):
        assert a.dtype is b.dtype and a.tolist() == b.tolist()
    assert tuple(found["empty"][0].shape) == (0, 4) and found["empty"][1].shape == (2, 0)
    assert found["scalar"].item() == 2.5 and found["view"].tolist() == direct["view"].tolist() and found["pending"].tolist() == [3.0, 3.0]
    assert found["twice"][0] is found["twice"][1]
    assert found["leaf"].requires_grad and found["leaf"].is_leaf and type(found["parameter"]) is Parameter and found["parameter"].requires_grad
    for a, b in zip(direct["arrays"], found["arrays"]):
        assert a.dtype == b.dtype and np.array_equal(a, b)
    assert found["point"].x == 2 and type(found["point"]) is Point and type(found["ordered"]) is collections.OrderedDict
    assert found["ordered"] == direct["ordered"] and found["plain"] == direct["plain"]


def test_a_gradient_does_not_cross():
    class NonLeaf(Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return suiren.ones(2, requires_grad=True) * 2

    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        next(iter(DataLoader(NonLeaf(), batch_size=None, num_workers=1)))


def test_batches_are_the_consumers_own():
    """Batches that are kept, and written to, are not overwritten by later ones."""
    kept = []
    for i, x in DataLoader(Squares(400), batch_size=2, num_workers=2):
        x += 1
        kept.append((i, x))
    for i, x in kept:
        assert (x.numpy() == i.numpy()[:, None].astype(np.float32) ** 2 + 1).all()


@pytest.mark.parametrize("slot_bytes", [64, 4096, 1 << 20])
@pytest.mark.parametrize("named", [False, True])
def test_any_size(slot_bytes, named, monkeypatch):
    """A batch that does not fit takes a block of its own, by descriptor or (elsewhere than on Linux) by name."""
    from suiren.utils.data import ring, shared_block

    if named:
        for module in (shared_block, ring, crew_module):
            monkeypatch.setattr(module, "Block", shared_block.NamedBlock)
    made = crew_module.Crew.__init__
    monkeypatch.setattr(crew_module.Crew, "__init__", lambda self, *args, **more: made(self, *args, slot_bytes=slot_bytes, **more))
    for in_order in (True, False):
        loader = DataLoader(Squares(40, (50, 60)), batch_size=3, num_workers=2, in_order=in_order)
        found = {}
        for i, x in loader:
            found.update(zip(i.tolist(), x.numpy().reshape(len(i), -1).mean(1).tolist()))
        assert found == {i: i * i for i in range(40)}


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_start_methods(method):
    loader = DataLoader(Squares(10), batch_size=3, num_workers=2, multiprocessing_context=method, collate_fn=default_collate)
    assert keys(loader) == list(range(10))


def test_large_keys():
    """A batch of 100,000 keys is more than a pipe holds."""
    loader = DataLoader(range(400_000), batch_size=100_000, num_workers=2, collate_fn=lambda batch: [len(batch), batch[-1]])
    assert list(loader) == [[100_000, n * 100_000 - 1] for n in range(1, 5)]


def test_many_batches_in_order():
    assert keys(DataLoader(Squares(3000), batch_size=2, num_workers=3)) == list(range(3000))


def test_any_order_gives_what_is_ready():
    class Slow(Dataset):
        def __len__(self):
            return 8

        def __getitem__(self, i):
            if i == 0:
                time.sleep(0.5)
            return i

    found = [b.item() for b in DataLoader(Slow(), num_workers=2, in_order=False)]
    assert sorted(found) == list(range(8)) and found[0] != 0


def test_runs_ahead_only_where_nothing_can_tell():
    ahead = iter(DataLoader(Squares(200), batch_size=1, shuffle=True, num_workers=2))
    given = iter(DataLoader(Squares(200), batch_size=1, num_workers=2, prefetch_factor=3))
    own = iter(DataLoader(Squares(200), batch_size=1, sampler=iter(range(200)), num_workers=2))
    large = iter(DataLoader(Squares(200, (1000, 1000)), batch_size=1, num_workers=2))
    for _ in range(50):
        next(ahead), next(given), next(own), next(large)
    assert ahead._outstanding == iterators.AHEAD and given._outstanding == 6 and own._outstanding == 4 and large._outstanding == 4


def test_worker_info_and_init_fn():
    seen = []

    class Info(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            info = get_worker_info()
            return info.id, info.num_workers, info.seed, len(info.dataset), int(info.dataset is self), self.set_by, suiren.get_num_threads()

    def init(number):
        get_worker_info().dataset.set_by = 10 + number

    suiren.manual_seed(0)
    for batch in DataLoader(Info(), num_workers=2, worker_init_fn=init):
        seen.append([part.item() for part in batch])
    base = seen[0][2]
    assert seen == [[i % 2, 2, base + i % 2, 4, 1, 10 + i % 2, 1] for i in range(4)]
    assert get_worker_info() is None


def test_persistent_workers_stay():
    loader = DataLoader(Squares(9), batch_size=2, num_workers=2, persistent_workers=True)
    assert keys(loader) == list(range(9))
    pids = [p.pid for p in loader._iterator._workers]
    assert keys(loader) == list(range(9)) and [p.pid for p in loader._iterator._workers] == pids
    del loader
    wait_until(lambda: not any(map(is_running, pids)))


def test_leaving_early_ends_the_workers():
    for _ in DataLoader(Squares(1000), num_workers=2):
        break
    iterator = iter(DataLoader(Squares(1000), num_workers=2))
    next(iterator)
    pids = [p.pid for p in iterator._workers]
    del iterator
    assert not any(map(is_running, pids))


def test_iterator_after_the_end():
    iterator = iter(DataLoader(Squares(3), num_workers=1))
    assert len(list(iterator)) == 3
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(iterator)
    assert len(iterator) == 3


def test_two_loaders_at_once():
    a, b = (DataLoader(Squares(60), batch_size=4, num_workers=2) for _ in range(2))
    assert [x[0].tolist() == y[0].tolist() for x, y in zip(a, b)] == [True] * 15


def test_a_recording_ends_where_a_batch_begins():
    from suiren.trace.pending import local

    for i, _ in DataLoader(Squares(6), num_workers=1):
        assert local.rec.node.depth == 0
        assert (suiren.ones(2) * i.item()).shape == (2,)
        assert local.rec.node.depth > 0


def test_empty_data_set():
    assert list(DataLoader(Squares(0), num_workers=2)) == []
    assert list(DataLoader(Squares(3), batch_size=4, drop_last=True, num_workers=2)) == []


# ---------------------------------------------------------------- what goes wrong


class Failing(Dataset):
    def __init__(self, error, at=3):
        self.error, self.at = error, at

    def __len__(self):
        return 8

    def __getitem__(self, i):
        if i == self.at:
            raise self.error
        return i


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def test_exceptions_come_back_and_the_pass_goes_on():
    iterator = iter(DataLoader(Failing(ValueError("no such image")), num_workers=2))
    assert [next(iterator).item() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match=r"^Caught ValueError in DataLoader worker process 1\.\nOriginal Traceback") as caught:
        next(iterator)
    assert "__getitem__" in str(caught.value) and str(caught.value).endswith("ValueError: no such image\n")
    assert [b.item() for b in iterator] == [4, 5, 6, 7]


def test_exceptions_of_all_kinds():
    class Local(Exception):
        pass

    for error, raised, text in (
        (KeyError("k"), KeyError, "Caught KeyError in DataLoader worker process 0.\nOriginal Traceback (most recent call last)"),
        (TwoArguments(1, 2), RuntimeError, "Caught TwoArguments in DataLoader worker process 0."),
        (Local("x"), RuntimeError, "Caught RuntimeError (Local) in DataLoader worker process 0."),
        (StopIteration("x"), StopIteration, "Caught StopIteration"),
    ):
        with pytest.raises(raised) as caught:
            next(iter(DataLoader(Failing(error, 0), num_workers=1, batch_size=None)))
        assert text in str(caught.value if raised is not StopIteration else caught.value.args[0])


def test_what_cannot_be_pickled_is_an_exception():
    with pytest.raises((AttributeError, TypeError, pickle_error()), match="Caught"):
        next(iter(DataLoader(Squares(3), num_workers=1, collate_fn=lambda batch: (x for x in batch))))


def pickle_error():
    import pickle

    return pickle.PicklingError


def test_an_exception_at_the_start():
    def init(number):
        if number == 1:
            raise OSError("no disk")

    iterator = iter(DataLoader(Squares(8), num_workers=2, worker_init_fn=init))
    assert next(iterator)[0].item() == 0
    with pytest.raises(OSError, match="Caught OSError in DataLoader worker process 1"):
        next(iterator)


def test_an_exception_in_an_iterable():
    class Broken(IterableDataset):
        def __iter__(self):
            yield 1
            raise RuntimeError("the stream broke")

    with pytest.raises(RuntimeError, match="the stream broke"):
        list(DataLoader(Broken(), num_workers=1))


class Hanging(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 1:
            time.sleep(60)
        return i


def test_timeout(monkeypatch):
    monkeypatch.setattr(crew_module, "PATIENCE", 0.1)
    iterator = iter(DataLoader(Hanging(), num_workers=2, timeout=0.3))
    next(iterator)
    with pytest.raises(RuntimeError, match=r"^DataLoader timed out after 0\.3 seconds$"):
        next(iterator)


class Dying(Dataset):
    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 40

    def __getitem__(self, i):
        if i == 5:
            if self.how == "exit":
                sys.exit(3)
            os.kill(os.getpid(), getattr(signal, self.how))
        return i


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "exit"])
@pytest.mark.parametrize("in_order", [True, False])
def test_a_worker_that_dies(how, in_order):
    iterator = iter(DataLoader(Dying(how), batch_size=2, num_workers=2, in_order=in_order))
    pids = [p.pid for p in iterator._workers]
    with pytest.raises(RuntimeError, match=r"^DataLoader worker \(pid\(s\) (\d+)\) exited unexpectedly"):
        list(iterator)
    assert not any(map(is_running, pids))
    with pytest.raises(RuntimeError, match="ended with an error"):
        next(iterator)


def test_a_worker_that_dies_between_batches():
    iterator = iter(DataLoader(Squares(100_000), batch_size=1, num_workers=2))
    next(iterator)
    os.kill(iterator._workers[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=rf"^DataLoader worker \(pid\(s\) {iterator._workers[0].pid}\) exited unexpectedly"):
        for _ in iterator:
            pass


def test_a_persistent_loader_recovers():
    loader = DataLoader(Squares(1000), num_workers=2, persistent_workers=True)
    iterator = iter(loader)
    os.kill(iterator._workers[1].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(iterator)
    assert len(list(loader)) == 1000


PARENT = """
    import os, sys, time
    import numpy as np
    import suiren
    from suiren.utils.data import DataLoader

    class Numbers:
        def __len__(self):
            return 10**6

        def __getitem__(self, i):
            if {busy} and i > 20:
                while True:
                    pass
            return np.zeros((100, 100), np.float32)

    iterator = iter(DataLoader(Numbers(), batch_size=2, num_workers=2, {options}))
    next(iterator)
    print(*(p.pid for p in iterator._workers), flush=True)
    for _ in iterator:
        {then}
"""


def start_parent(busy=False, options="", then="time.sleep(0.001)"):
    program = textwrap.dedent(PARENT.format(busy=busy, options=options, then=then))
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return parent, [int(pid) for pid in parent.stdout.readline().split()]


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("options", ["", "persistent_workers=True"])
def test_kill_9_of_the_parent(busy, options):
    """Workers end with their parent, though they be busy in an endless loop."""
    before = shared_memory()
    parent, pids = start_parent(busy, options)
    assert len(pids) == 2 and all(map(is_running, pids))
    time.sleep(0.1)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not any(map(is_running, pids)))
    wait_until(lambda: shared_memory() <= before)


def test_kill_9_of_a_worker_of_a_program():
    before = shared_memory()
    parent, pids = start_parent()
    os.kill(pids[0], signal.SIGKILL)
    _, errors = parent.communicate(timeout=60)
    assert f"RuntimeError: DataLoader worker (pid(s) {pids[0]}) exited unexpectedly" in errors
    assert not any(map(is_running, pids))
    wait_until(lambda: shared_memory() <= before)


@pytest.mark.parametrize("then", ["sys.exit(0)", "raise KeyError('the program failed')", "os.kill(os.getpid(), 2)"])
def test_a_program_that_ends_in_the_middle(then):
    before = shared_memory()
    parent, pids = start_parent(then=then)
    parent.communicate(timeout=60)
    wait_until(lambda: not any(map(is_running, pids)))
    wait_until(lambda: shared_memory() <= before)


class Pairs:
    def __len__(self):
        return 12

    def __getitem__(self, i):
        return np.full(3, i, np.float32), i


def test_batches_of_one_shape_are_read_by_a_plan_into_memory_of_their_own():
    from suiren.utils.data import ring

    ring._plans.clear()
    batches = list(DataLoader(Pairs(), batch_size=4, num_workers=2))
    assert len(ring._plans) == 1
    assert [b[1].tolist() for b in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    batches[0][0].zero_()
    assert batches[1][0].tolist() == [[i] * 3 for i in range(4, 8)]
    assert type(batches[0]) is list and batches[2][0].dtype is suiren.float32
