"""Programs of loading and augmentation that say nothing of which framework runs them: each is given the module, torch or suiren, and returns plain lists.

record_loading.py keeps what PyTorch gives; tests/utils/data compares.
"""

from __future__ import annotations

import collections
import random
import warnings
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    x: Any
    y: Any


def plain(value: Any) -> Any:
    """Tensors as [dtype, nested lists], containers with the names of their classes."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, dict):
        return {"class": type(value).__name__, **{str(k): plain(v) for k, v in value.items()}}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(plain(v) for v in value)]
    return [type(value).__name__, repr(value)]


def sampler_orders(t: Any) -> list:
    data = t.utils.data
    t.manual_seed(7)
    weights = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]
    samplers = [
        data.SequentialSampler(range(9)),
        data.RandomSampler(range(37)),
        data.RandomSampler(range(37), num_samples=100),
        data.RandomSampler(range(37), replacement=True, num_samples=70),
        data.RandomSampler(range(37), generator=t.Generator().manual_seed(5)),
        data.SubsetRandomSampler([3, 1, 4, 1, 5, 9, 2, 6]),
        data.SubsetRandomSampler([3, 1, 4], t.Generator().manual_seed(6)),
        data.WeightedRandomSampler(weights, 12),
        data.WeightedRandomSampler(weights, 6, replacement=False),
        data.WeightedRandomSampler(weights, 1),
        data.BatchSampler(data.RandomSampler(range(11)), 4, False),
        data.BatchSampler(data.RandomSampler(range(11)), 4, True),
    ]
    # twice each: what is drawn at the start of a pass, and what the generator is left at
    found: list = [[list(s), len(s), list(s)] for s in samplers]
    found += [[s.indices for s in data.random_split(range(20), lengths)] for lengths in ([7, 13], [0.3, 0.3, 0.4])]
    found.append([s.indices for s in data.random_split(range(6), [2, 4], t.Generator().manual_seed(42))])
    for shuffle in (True, False):
        for drop_last in (True, False):
            parts = [data.DistributedSampler(range(10), 3, rank, shuffle, 3, drop_last) for rank in range(3)]
            for part in parts:
                part.set_epoch(2)
            found.append([list(part) for part in parts])
    return [*found, t.rand(1).item()]


class Numbers:
    """Gives the key, and what the worker draws from each of its generators."""

    def __init__(self, t: Any, n: int):
        self.t, self.n = t, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple:
        info = self.t.utils.data.get_worker_info()
        drawn = (self.t.rand(1).item(), random.random(), float(np.random.rand()))
        return (i, -1 if info is None else info.id, -1 if info is None else info.seed % 1000003, *drawn)


def _passes(t: Any, loader: Any, stops: list) -> list:
    found = []
    for stop in stops:
        batches = []
        for i, batch in enumerate(loader):
            batches.append([part.tolist() for part in batch])
            if i + 1 == stop:
                break
        found.append(batches)
    return [*found, t.rand(1).item()]


def loader_without_workers(t: Any) -> list:
    t.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    return _passes(t, t.utils.data.DataLoader(Numbers(t, 11), batch_size=4, shuffle=True), [None, None])


def loader_with_workers(t: Any) -> list:
    t.manual_seed(4)
    return _passes(t, t.utils.data.DataLoader(Numbers(t, 45), batch_size=4, shuffle=True, num_workers=2), [None, 3, None])


def loader_with_a_generator(t: Any) -> list:
    generator = t.Generator().manual_seed(11)
    t.manual_seed(5)
    loader = t.utils.data.DataLoader(Numbers(t, 23), batch_size=3, shuffle=True, num_workers=2, generator=generator)
    found = []
    for _ in range(2):
        for batch in loader:  # draws in between from the generator that orders the data
            found.append([batch[0].tolist(), t.rand(1, generator=generator).item()])
    return found


def persistent_workers(t: Any) -> list:
    t.manual_seed(6)
    loader = t.utils.data.DataLoader(Numbers(t, 40), batch_size=4, shuffle=True, num_workers=2, persistent_workers=True, prefetch_factor=3)
    found = _passes(t, loader, [None, 2, None])
    del loader
    return found


class Drawing:
    """A sampler that draws from the default generator with every key: when it is asked can be seen."""

    def __init__(self, t: Any, n: int):
        self.t, self.n = t, n

    def __iter__(self) -> Any:
        for _ in range(self.n):
            yield int(self.t.randint(0, 100, (1,)).item())

    def __len__(self) -> int:
        return self.n


class Hundred:
    def __len__(self) -> int:
        return 100

    def __getitem__(self, i: int) -> int:
        return i


def own_sampler(t: Any) -> list:
    t.manual_seed(8)
    found = []
    loader = t.utils.data.DataLoader(Hundred(), batch_size=2, sampler=Drawing(t, 20), num_workers=2)
    for batch in loader:
        found.append([batch.tolist(), t.rand(1).item()])
    for batch in t.utils.data.DataLoader(Hundred(), batch_size=None, sampler=Drawing(t, 5)):
        found.append([repr(batch), t.rand(1).item()])
    return found


def iterable(t: Any) -> list:
    """Workers of different lengths: whose batch comes when, and which are short."""

    class Uneven(t.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            info = t.utils.data.get_worker_info()
            number, lengths = (0, [9]) if info is None else (info.id, [3, 11, 6])
            return iter(range(100 * number, 100 * number + lengths[number]))

    found = []
    for workers, size, drop_last in ((0, 2, False), (2, 2, False), (3, 2, False), (3, 4, True), (3, None, False), (1, 4, True)):
        loader = t.utils.data.DataLoader(Uneven(), batch_size=size, num_workers=workers, drop_last=drop_last)
        found.append([[b if isinstance(b, int) else b.tolist() for b in loader] for _ in range(2)])
    return found


def collating(t: Any) -> list:
    data = t.utils.data
    a = [np.arange(3, dtype=np.float32) + i for i in range(2)]
    batches: list = [
        [1, 2], [1.5, 2], [1, 2.5], [True, False], [1, True], ["a", "bc"], [b"a", b"b"], a, [t.from_numpy(x.copy()) for x in a],
        [np.float32(1), np.float64(2)], [np.int16(3), np.int16(4)], [np.bool_(True), np.bool_(False)], [np.arange(2), np.arange(2.0)],
        [t.ones(2), t.ones(2, dtype=t.int64)], [(0, 1.0), (2, 3.0)], [[0, "a"], [2, "b"]], [{"A": 0, "B": [1, 2]}, {"A": 100, "B": [3, 4]}],
        [Point(0, "u"), Point(1, "v")], [collections.OrderedDict(a=1), collections.OrderedDict(a=2)], [((1, 2), a[0]), ((3, 4), a[1])],
        [t.zeros(0, 2), t.zeros(0, 2)], [t.tensor(1), t.tensor(2)],
    ]  # fmt: skip
    found = [plain(data.default_collate(batch)) for batch in batches]
    single: list = [0, "a", np.array([0, 1]), np.float64(3), Point(0, 0), Point(np.array(0), np.array(0)), [np.array([0, 1]), "x"],
                    (1, np.array(2)), {"a": np.zeros(2)}, range(3), np.array(["a"]), None, t.ones(1)]  # fmt: skip
    found += [plain(data.default_convert(value)) for value in single]
    for bad in ([object()], [None], [np.array(["a"])], [t.ones(2), t.ones(3)], [[1, 2], [1]], [t.ones(2), np.ones(2)]):
        try:
            data.default_collate(bad)
            found.append("nothing raised")
        except Exception as error:
            found.append([type(error).__name__, str(error)])
    return found


def errors(t: Any) -> list:
    """Class and message of what is raised, or warned of, for bad arguments."""
    data = t.utils.data
    numbers = Hundred()

    class Stream(data.IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(3))

    class Half(data.Subset):
        def __getitem__(self, i: int) -> Any:
            return i

    loader = data.DataLoader(numbers)
    attempts = [
        lambda: data.DataLoader(numbers, num_workers=-1),
        lambda: data.DataLoader(numbers, timeout=-1),
        lambda: data.DataLoader(numbers, prefetch_factor=2),
        lambda: data.DataLoader(numbers, num_workers=1, prefetch_factor=-2),
        lambda: data.DataLoader(numbers, persistent_workers=True),
        lambda: data.DataLoader(Stream(), shuffle=True),
        lambda: data.DataLoader(Stream(), sampler=[1]),
        lambda: data.DataLoader(Stream(), batch_sampler=[[1]]),
        lambda: data.DataLoader(numbers, sampler=[1], shuffle=True),
        lambda: data.DataLoader(numbers, batch_sampler=[[1]], batch_size=2),
        lambda: data.DataLoader(numbers, batch_sampler=[[1]], drop_last=True),
        lambda: data.DataLoader(numbers, batch_size=None, drop_last=True),
        lambda: data.DataLoader(numbers, batch_size=0),
        lambda: data.DataLoader(numbers, batch_size=2.5),
        lambda: data.DataLoader(numbers, drop_last=1),
        lambda: data.DataLoader(numbers, multiprocessing_context="fork"),
        lambda: data.DataLoader(numbers, num_workers=1, multiprocessing_context=7),
        lambda: setattr(loader, "batch_size", 3),
        lambda: setattr(loader, "dataset", 3),
        lambda: data.RandomSampler(range(3), replacement=1),
        lambda: data.RandomSampler(range(3), num_samples=0),
        lambda: data.RandomSampler([]),
        lambda: data.WeightedRandomSampler([1.0], True),
        lambda: data.WeightedRandomSampler([1.0], 1, replacement=2),
        lambda: data.WeightedRandomSampler([[1.0]], 1),
        lambda: list(data.WeightedRandomSampler([1.0, 0.0], 2, replacement=False)),
        lambda: list(data.WeightedRandomSampler([1.0], 2, replacement=False)),
        lambda: list(data.WeightedRandomSampler([1.0, -1.0], 2)),
        lambda: list(data.WeightedRandomSampler([0.0, 0.0], 2)),
        lambda: data.random_split(range(4), [1, 2]),
        lambda: data.random_split(range(4), [1.5, -0.5]),
        lambda: data.ConcatDataset([]),
        lambda: data.ConcatDataset([Stream()]),
        lambda: data.ConcatDataset([range(3)])[-4],
        lambda: list(data.ChainDataset([range(3)])),
        lambda: data.TensorDataset(t.ones(2), t.ones(3)),
        lambda: data.StackDataset(),
        lambda: data.StackDataset(range(2), range(3)),
        lambda: data.StackDataset(range(2), a=range(2)),
        lambda: data.Dataset()[0],
        lambda: iter(data.IterableDataset()),
        lambda: Half(range(3), [0]),
        lambda: data.DistributedSampler(range(3), 2, 2),
        lambda: data.DistributedSampler(range(3)),
    ]
    found = []
    for attempt in attempts:
        try:
            attempt()
            found.append("nothing raised")
        except Exception as error:
            text = str(error)
            found.append([type(error).__name__, text.partition(" with")[0] if "abstract" in text else text])  # Python's own text varies
    return found


def lengths(t: Any) -> list:
    data = t.utils.data

    class Stream(data.IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(9))

        def __len__(self) -> int:
            return 5

    found: list = []
    for size in (1, 4, 10, None):
        for drop_last in (False, True):
            if size is not None or not drop_last:
                loaders = [data.DataLoader(d, batch_size=size, drop_last=drop_last) for d in (Hundred(), Stream())]
                found.append([len(loader) for loader in loaders])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loader = data.DataLoader(Stream())
        found.append([len(loader), len(list(loader))])
        found += [str(w.message).replace(str(loader.dataset), "it") for w in caught]
        found.append(len(list(data.DataLoader(Hundred(), batch_size=30, sampler=range(70)))))
        found.append([b.tolist() for b in data.DataLoader(Hundred(), batch_sampler=[[1, 2], [3]])])
    a, b = t.arange(6).view(3, 2), t.arange(3)
    for dataset in (data.TensorDataset(a, b), data.Subset(data.TensorDataset(a, b), [2, 0, 1]), data.StackDataset(x=b, y=a), data.StackDataset(a, b),
                    data.TensorDataset(a, b) + data.TensorDataset(a + 10, b + 10)):  # fmt: skip
        found += [plain(batch) for batch in data.DataLoader(dataset, batch_size=2)]
        found.append(len(dataset))
    found.append(list(Stream() + Stream()) + [len(Stream() + Stream())])
    return found


PROGRAMS = {
    f.__name__: f
    for f in (
        sampler_orders, loader_without_workers, loader_with_workers, loader_with_a_generator, persistent_workers, own_sampler, iterable, collating, errors, lengths,
    )
}  # fmt: skip
