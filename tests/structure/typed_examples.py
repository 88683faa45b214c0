"""Ordinary programs that `make lint` checks with pyright: what editors know of suiren. Nothing here is run."""

from __future__ import annotations

from collections.abc import Iterator

import suiren as torch
from suiren import nn


class Net(nn.Module):
    def __init__(self, width: int = 8):
        super().__init__()
        self.hidden = nn.Linear(4, width)
        self.out = nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.hidden(x)))


@torch.no_grad()
def accuracy(net: nn.Module, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> float:
    right = total = 0
    for x, y in batches:
        right += int((net(x).argmax(dim=1) == y).sum().item())
        total += y.size(0)
    return right / total


def train(net: Net, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses: list[float] = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def arithmetic() -> torch.Tensor:
    a = torch.arange(6, dtype=torch.float32).reshape(2, 3).requires_grad_()
    b = (a * 2 + 1).sum(dim=0, keepdim=True)
    c = torch.where(b > 3, b, torch.zeros_like(b)) @ torch.ones(3, 1)
    shape: torch.Size = c.shape
    assert shape.numel() == 1 and c.dtype is torch.float32 and c.device == torch.device("cpu")
    c.backward()
    gradient = a.grad
    with torch.no_grad():
        a -= 0.1 * gradient
    values, indices = torch.max(a, 1)
    return torch.cat([values, indices.float()]).clamp_(min=0).detach().to(torch.float64)


def drawing(seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    normal = torch.distributions.Normal(torch.zeros(3), 1.0)
    return normal.sample((2,)) + torch.randn(2, 3, generator=generator) + torch.rand(3)
