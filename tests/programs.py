"""Whole training programs, each written once for a module `t` that is suiren or PyTorch: their losses are compared."""

from __future__ import annotations

import numpy as np

from bench.programs import net


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The bundled digits as (N, 3, 32, 32) float32 in [-1, 1] and int64 classes, without any framework's transforms."""
    from suiren.vision.datasets import Digits

    data = Digits(train=True)
    images = np.stack([np.asarray(data[i][0].convert("L")) for i in range(400)]).astype(np.float32)
    scale = 32 // images.shape[-1]
    images = np.kron(images, np.ones((scale, scale), np.float32))
    images = (images / images.max() - 0.5) / 0.5
    classes = np.array([data[i][1] for i in range(400)])
    return np.repeat(images[:, None], 3, axis=1), classes


def net_losses(t, steps: int = 100) -> list[float]:
    """The notes' network on digits, batch 4, SGD with momentum, the order drawn from the same seed."""
    images, classes = digits()
    x, y = t.tensor(images), t.tensor(classes)
    model = net(t)
    optimizer = t.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = t.nn.CrossEntropyLoss()
    t.manual_seed(1)
    order = t.randperm(len(images))
    losses = []
    for i in range(steps):
        batch = order[4 * i : 4 * i + 4]
        optimizer.zero_grad()
        loss = criterion(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def tabular_losses(t, steps: int = 100) -> list[float]:
    """Batch norm, GELU, dropout and AdamW, everything drawn from one seed."""
    nn = t.nn
    t.manual_seed(7)
    model = nn.Sequential(
        nn.Linear(20, 64), nn.BatchNorm1d(64), nn.GELU(), nn.Dropout(0.1),
        nn.Linear(64, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Linear(32, 1),
    )  # fmt: skip
    optimizer = t.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    losses = []
    for _ in range(steps):
        x = t.randn(32, 20)
        y = x[:, :1] * 2 - x[:, 1:2] * x[:, 2:3]
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def mlp_losses(t, steps: int = 100) -> list[float]:
    """Adam on a two-layer network, the loss looked at before backward."""
    nn = t.nn
    t.manual_seed(3)
    model = nn.Sequential(nn.Linear(30, 40), nn.ReLU(), nn.Linear(40, 5))
    optimizer = t.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for i in range(steps):
        x = t.randn(16, 30)
        y = (t.arange(16) + i) % 5
        loss = t.nn.functional.cross_entropy(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def manual_regression(t, rounds: int = 50) -> list[float]:
    """The notes' linear regression with gradients by hand: w and b, printed by the notes' program."""
    t.manual_seed(1000)
    w, b, lr = t.rand(1, 1), t.zeros(1, 1), 0.02
    for ii in range(rounds):
        x = t.rand(4, 1) * 5
        y = x * 2 + 3 + t.randn(4, 1)
        y_pred = x.mm(w) + b.expand_as(y)
        dy_pred = 1 * (y_pred - y)
        dw, db = x.t().mm(dy_pred), dy_pred.sum()
        w.sub_(lr * dw)
        b.sub_(lr * db)
        if ii % 10 == 0:
            t.rand(32, 1), t.randn(32, 1)  # the points of the picture
    return [w.item(), b.item()]


PROGRAMS = {f.__name__: f for f in (net_losses, tabular_losses, mlp_losses, manual_regression)}
