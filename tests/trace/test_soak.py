"""Ten thousand steps of a training: what Python holds, what the pool of buffers holds and what the process holds stay as they are."""

from __future__ import annotations

import gc

import suiren
from suiren import nn, optim
from suiren.config import config
from suiren.trace import execution, trie


def resident() -> int:
    """Bytes of memory that the process has (Linux), 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0


def facts() -> tuple[int, int, int, int]:
    gc.collect()
    return len(gc.get_objects()), len(execution.endings), trie._size, resident()


def test_ten_thousand_steps_leave_nothing_behind():
    suiren.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10), nn.Dropout(0.5))
    optimizer, criterion = optim.SGD(net.parameters(), lr=0.01, momentum=0.9), nn.CrossEntropyLoss()

    def steps(n: int) -> None:
        for i in range(n):
            x, y = suiren.randn(8, 1, 8, 8), suiren.randint(0, 10, (8,))
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            optimizer.param_groups[0]["lr"] *= 0.9999  # a number that never comes again
            if i % 50 == 0:
                loss.item()

    with config(verify=0):
        steps(1000)
        objects, endings, nodes, memory = facts()
        steps(9000)
    after = facts()
    assert after[0] - objects < 200
    assert after[1:3] == (endings, nodes)
    assert after[3] - memory < 4 << 20


def test_the_trie_is_bounded(monkeypatch):
    """Programs that never come again: the least recently used ones go, their endings too, and the one in use stays."""
    monkeypatch.setattr(trie, "MAX_NODES", trie._size + 2000)
    x = suiren.ones(3)

    def known():
        return (x * 2 + 1).sum().item()

    with config(verify=0, tier="interpreter"):
        known()
        for n in range(1, 2000):
            suiren.zeros(n).add(1).mul(2).sum().item()
            assert known() == 9
            assert trie._size <= trie.MAX_NODES
    gc.collect()
    assert len(execution.endings) < 3000
    trie._evict()
    assert trie._size == sum(1 for _ in nodes_of(trie))


def nodes_of(module):
    stack = [child for root in module.ROOTS.values() for child in root.children.values()]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.children.values())
