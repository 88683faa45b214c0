"""The programs that are measured. Each is written once, for a module `t` that is suiren or torch, and returns the function that does one iteration."""

from __future__ import annotations

import numpy as np


def net(t):
    """The notes' network for 32x32 colour images."""
    nn, functional = t.nn, t.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 5)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.fc1 = nn.Linear(16 * 5 * 5, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x):
            x = functional.max_pool2d(functional.relu(self.conv1(x)), (2, 2))
            x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
            x = x.view(x.size()[0], -1)
            x = functional.relu(self.fc1(x))
            x = functional.relu(self.fc2(x))
            return self.fc3(x)

    t.manual_seed(0)
    return Net()


def classifier(t, model, optimizer, inputs: np.ndarray, classes: int):
    x = t.tensor(inputs)
    y = t.tensor(np.arange(len(inputs)) % classes)
    criterion = t.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def net_step(t, batch: int):
    model = net(t)
    optimizer = t.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    images = np.random.default_rng(0).standard_normal((batch, 3, 32, 32)).astype(np.float32)
    return classifier(t, model, optimizer, images, 10)


def mlp_step(t):
    nn = t.nn
    t.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = t.optim.Adam(model.parameters(), lr=1e-3)
    images = np.random.default_rng(0).standard_normal((64, 784)).astype(np.float32)
    return classifier(t, model, optimizer, images, 10)


def tabular_step(t):
    nn = t.nn
    t.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(20, 64), nn.BatchNorm1d(64), nn.GELU(), nn.Dropout(0.1),
        nn.Linear(64, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Linear(32, 1),
    )  # fmt: skip
    optimizer = t.optim.AdamW(model.parameters(), lr=1e-3)
    numbers = np.random.default_rng(0)
    x = t.tensor(numbers.standard_normal((32, 20)).astype(np.float32))
    y = t.tensor(numbers.standard_normal((32, 1)).astype(np.float32))
    criterion = nn.MSELoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def manual_regression(t):
    """The notes' linear regression with gradients by hand, without its plot."""
    t.manual_seed(1000)
    w, b, lr = t.rand(1, 1), t.zeros(1, 1), 0.02

    def step():
        x = t.rand(4, 1) * 5
        y = x * 2 + 3 + t.randn(4, 1)
        y_pred = x.mm(w) + b.expand_as(y)
        loss = 0.5 * (y_pred - y) ** 2
        loss = loss.mean()
        dloss = 1
        dy_pred = dloss * (y_pred - y)
        dw = x.t().mm(dy_pred)
        db = dy_pred.sum()
        w.sub_(lr * dw)
        b.sub_(lr * db)

    return step


def autograd_regression(t):
    """The notes' linear regression with autograd, without its plot."""
    t.manual_seed(1000)
    w, b = t.rand(1, 1, requires_grad=True), t.zeros(1, 1, requires_grad=True)
    lr, losses = 0.02, np.zeros(1)

    def step():
        x = t.rand(32, 1) * 5
        y = x * 2 + 3 + t.randn(32, 1)
        y_pred = x.mm(w) + b.expand_as(y)
        loss = 0.5 * (y_pred - y) ** 2
        loss = loss.sum()
        losses[0] = loss.item()
        loss.backward()
        w.data.sub_(lr * w.grad.data)
        b.data.sub_(lr * b.grad.data)
        w.grad.data.zero_()
        b.grad.data.zero_()

    return step


def additions(t):
    """A chain of 20 additions of 8x8 tensors, looked at once."""
    x, y = t.ones(8, 8), t.ones(8, 8)

    def step():
        z = x
        for _ in range(20):
            z = z + y
        return z.numpy()

    return step


def gemm(t, size: int):
    t.manual_seed(0)
    a, b = t.randn(size, size), t.randn(size, size)

    def step():
        return a.mm(b)[0, 0].item()

    return step


def cifar_loader(t, images: np.ndarray, labels: np.ndarray, transforms):
    """The notes' loader: batches of 4 from two workers, shuffled; images as PIL images through ToTensor and Normalize."""
    from PIL import Image

    class Pictures(t.utils.data.Dataset):
        def __init__(self):
            self.transform = transforms.Compose(
                [transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]
            )

        def __len__(self):
            return len(images)

        def __getitem__(self, index):
            return self.transform(Image.fromarray(images[index])), int(labels[index])

    return t.utils.data.DataLoader(Pictures(), batch_size=4, shuffle=True, num_workers=2)


def cifar_training(t, images: np.ndarray, labels: np.ndarray, transforms) -> tuple:
    """The notes' program as written: its loader, and what it does with a batch."""
    loader = cifar_loader(t, images, labels, transforms)
    model = net(t)
    criterion = t.nn.CrossEntropyLoss()
    optimizer = t.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    running = [0.0]

    def train(inputs, targets):
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        running[0] += loss.item()

    return loader, train


def cifar_program(t, images: np.ndarray, labels: np.ndarray, transforms):
    """An iteration of the notes' training loop, with data loading."""
    loader, train = cifar_training(t, images, labels, transforms)

    def batches():
        while True:
            yield from loader

    source = batches()
    return lambda: train(*next(source))
