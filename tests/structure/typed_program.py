"""A program as users write them, checked by pyright: layers, data, training, tensors, distributions; and what it knows of each result. Nothing here is run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import assert_type

import suiren as torch
import suiren.nn as nn
import suiren.nn.functional as F
from suiren import Tensor, optim
from suiren.autograd import Function
from suiren.distributions import Categorical, Normal, kl_divergence
from suiren.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau, StepLR
from suiren.utils.data import DataLoader, Dataset, Subset, TensorDataset, random_split
from suiren.vision import datasets, models, transforms


class Block(nn.Module):
    expansion: int = 1

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(dropout)
        self.scale = nn.Parameter(torch.ones(width, 1, 1))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm(self.conv(x)))
        return x + self.drop(y) * self.scale


class Net(nn.Module):
    def __init__(self, classes: int = 10, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, stride=2), nn.GELU())
        self.blocks = nn.ModuleList([Block(width) for _ in range(3)])
        self.heads = nn.ModuleDict({"a": nn.Linear(width, classes), "b": nn.Linear(width, 1)})
        self.embedding = nn.Embedding(classes, width)
        self.rnn = nn.LSTM(width, width, batch_first=True)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        n, c, h, w = x.shape
        batch = x.size(0)
        pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)
        tokens = x.flatten(2).transpose(1, 2)
        out, (hidden, cell) = self.rnn(tokens)
        mixed, weights = self.attention(out, out, out)
        pooled = pooled + mixed.mean(dim=1) + hidden[-1] * cell[-1]
        if labels is not None:
            pooled = pooled + self.embedding(labels)
        assert pooled.shape == (batch, c) and h * w == tokens.size(1) and n == batch and weights is not None
        return self.heads["a"](pooled), self.heads["b"](pooled).squeeze(-1)


class Exp(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, k: float) -> Tensor:
        y = (x * k).exp()
        ctx.save_for_backward(y)
        ctx.k = k
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return grad * y * ctx.k, None


class Pairs(Dataset[tuple[Tensor, int]]):
    def __init__(self, n: int, transform: Any = None) -> None:
        self.x = torch.randn(n, 3, 32, 32)
        self.y = torch.randint(0, 10, (n,))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        x = self.x[index]
        return (self.transform(x) if self.transform else x), int(self.y[index].item())


def loss_of(scores: Tensor, value: Tensor, y: Tensor) -> Tensor:
    loss = F.cross_entropy(scores, y, label_smoothing=0.1)
    loss += 0.5 * F.mse_loss(value, y.float(), reduction="mean")
    return loss - 1e-3 * F.softmax(scores, dim=-1).mul(F.log_softmax(scores, dim=-1)).sum()


def train(model: nn.Module, loader: DataLoader, epochs: int, device: torch.device | str = "cpu") -> list[float]:
    decay = [p for p in model.parameters() if p.ndim > 1 and p.requires_grad]
    rest = [p for name, p in model.named_parameters() if p.ndim <= 1 and "bias" not in name]
    optimizer = optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest}], lr=1e-3, betas=(0.9, 0.99))
    schedule = CosineAnnealingLR(optimizer, T_max=epochs)
    warm = LambdaLR(optimizer, lr_lambda=lambda e: min(1.0, (e + 1) / 5))
    plateau = ReduceLROnPlateau(optimizer, mode="min", patience=2)
    history: list[float] = []
    model.to(device).train()
    for epoch in range(epochs):
        running, seen = 0.0, 0
        for i, (x, y) in enumerate(loader):
            x, y = x.to(device, non_blocking=True), y.to(device)
            optimizer.zero_grad(set_to_none=True)
            scores, value = model(x)
            loss = loss_of(scores, value, y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            running += loss.item() * x.size(0)
            seen += x.shape[0]
            if i % 100 == 0 and math.isfinite(norm.item()):
                print(f"{epoch} {i:4d} {loss.item():.4f} {optimizer.param_groups[0]['lr']:.2e}")
        schedule.step()
        warm.step()
        plateau.step(running / seen)
        history.append(running / seen)
    return history


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader) -> tuple[float, Tensor]:
    model.eval()
    right = total = 0
    confusion = torch.zeros(10, 10, dtype=torch.int64)
    for x, y in loader:
        scores, _ = model(x)
        best, predicted = scores.max(1)
        top = scores.topk(3, dim=1)
        right += (predicted == y).sum().item()
        total += y.numel()
        confusion.index_put_((y, predicted), torch.ones_like(y), accumulate=True)
        assert top.indices.shape == (y.size(0), 3) and best.dtype == torch.float32
    return right / total, confusion


def tensors() -> float:
    x = torch.linspace(-1, 1, 12).view(3, 4)
    mask = (x > 0) & (x < 0.5) | ~torch.isfinite(x)
    x[mask] = 0.0
    x[:, 0] += 1
    x[0, ..., None] *= -2.0
    rows = x[torch.tensor([0, 2])]
    first, *others = x.unbind(0)
    a, b = x.split(2, dim=1)
    largest = x.max(1)
    values, order = torch.sort(x, dim=0, descending=True)
    peak: float = x.max().item()
    stacked = torch.stack([first, others[0]], dim=0)
    joined = torch.cat((a, b, rows.new_zeros(3, 1)), dim=-1)
    z = torch.einsum("ij,kj->ik", joined, joined) + torch.eye(3)
    q, r = torch.linalg.qr(z)
    u, s, vh = torch.linalg.svd(z)
    grid = torch.meshgrid(torch.arange(3), torch.arange(4), indexing="ij")
    array: np.ndarray = z.detach().cpu().numpy()
    back = torch.from_numpy(array).to(dtype=torch.float64).requires_grad_(True)
    (g,) = torch.autograd.grad(Exp.apply(back, 2.0).sum(), back)
    where = torch.where(x > 0, x, -x)
    found = torch.nonzero(mask)
    length = len(x) + x.dim() + x.ndim + x.shape[-1] + found.shape[0] + grid[0].numel() + order.stride(0)
    rest = (largest.values.sum() + largest.indices.float().mean() + u.norm() * s[0] + vh.std() + q.var() + r.trace()).item()
    numbers: list[Any] = values.tolist()
    with torch.no_grad(), torch.autograd.set_detect_anomaly(False):
        where.clamp_(0, 1).mul_(2)
    return peak + length + rest + float(g.abs().max()) + bool(stacked.any()) + len(numbers) + 2 ** int(where[0, 0])


def sampling(logits: Tensor) -> Tensor:
    policy = Categorical(logits=logits)
    action = policy.sample()
    normal = Normal(torch.zeros(3), torch.ones(3))
    x = normal.rsample((4,))
    return -(policy.log_prob(action).mean() + normal.log_prob(x).sum()) + kl_divergence(normal, Normal(0.0, 1.0)).sum() + policy.entropy().mean()


def main(folder: Path) -> None:
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    prepare = transforms.Compose([transforms.Resize(40), transforms.RandomCrop(32), transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    pictures = datasets.CIFAR10(root=str(folder), train=True, download=True, transform=prepare)
    data = Pairs(100)
    first, second = random_split(data, [80, 20], generator=torch.Generator().manual_seed(1))
    small = Subset(data, range(10))
    pairs = TensorDataset(torch.randn(10, 3), torch.randn(10))
    loader = DataLoader(first, batch_size=32, shuffle=True, num_workers=2, pin_memory=True, drop_last=True)
    model = Net()
    net = models.resnet18(weights=None, num_classes=10)
    net.fc = nn.Linear(net.fc.in_features, 10)
    sgd = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    step = StepLR(sgd, 10, gamma=0.1)
    history = train(model, loader, epochs=2, device=device)
    accuracy, confusion = evaluate(model, DataLoader(second, batch_size=10))
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(len(pictures), len(small), len(pairs), len(loader), len(loader.dataset), count, history, accuracy, confusion.diagonal(), pictures.classes, step.get_last_lr())
    torch.save({"model": model.state_dict(), "optimizer": sgd.state_dict()}, folder / "net.pt")
    state = torch.load(folder / "net.pt", map_location="cpu", weights_only=True)
    missing = model.load_state_dict(state["model"], strict=False)
    print(missing.missing_keys, sampling(torch.randn(4, 10)), tensors())
    compiled = torch.compile(model)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        x, label = data[0]
        print(compiled(x[None]), label, model.blocks[0].conv.weight.shape, model.heads["a"].weight.grad)


def known(x: Tensor, model: Net, loader: DataLoader[tuple[Tensor, ...]], labels: Tensor) -> None:
    assert_type(x.sum(), Tensor)
    assert_type(x.max(), Tensor)
    assert_type(x.max(1).values, Tensor)
    assert_type(torch.max(x, dim=1).indices, Tensor)
    assert_type(torch.max(x, x), Tensor)
    assert_type(x.median(), Tensor)
    assert_type(x.topk(3).values, Tensor)
    assert_type(torch.sort(x).indices, Tensor)
    assert_type(x.shape, torch.Size)
    assert_type(x.size(), torch.Size)
    assert_type(x.size(0), int)
    assert_type(x.shape[0], int)
    assert_type(x.shape[1:], torch.Size)
    assert_type(x.stride(), tuple[int, ...])
    assert_type(x.item(), int | float | bool)
    assert_type(x.dtype, torch.dtype)
    assert_type(x.device, torch.device)
    assert_type(x.T, Tensor)
    assert_type(x[0], Tensor)
    assert_type(x + 1, Tensor)
    assert_type(2 * x, Tensor)
    assert_type(x > 0, Tensor)
    assert_type(x @ x, Tensor)
    assert_type(x.add_(1), Tensor)
    assert_type(x.to("cpu"), Tensor)
    assert_type(x.view(-1, 2), Tensor)
    assert_type(x.reshape((-1, 2)), Tensor)
    assert_type(x.type(), str)
    assert_type(x.nonzero(), Tensor)
    assert_type(x.nonzero(as_tuple=True), tuple[Tensor, ...])
    assert_type(x.unique(), Tensor)
    assert_type(x.split(2), tuple[Tensor, ...])
    assert_type(torch.chunk(x, 2), tuple[Tensor, ...])
    assert_type(x.requires_grad, bool)
    assert_type(x.is_contiguous(), bool)
    assert_type(torch.zeros(2, 3), Tensor)
    assert_type(torch.zeros((2, 3), dtype=torch.float64), Tensor)
    assert_type(torch.randn(size=(2, 3)), Tensor)
    assert_type(torch.randint(10, (2, 3)), Tensor)
    assert_type(torch.randint(0, 10, (2, 3)), Tensor)
    assert_type(torch.linalg.svd(x).S, Tensor)
    assert_type(torch.linalg.norm(x), Tensor)
    assert_type(torch.fft.fft(x), Tensor)
    assert_type(torch.special.expit(x), Tensor)
    assert_type(torch.conv2d(x, x, padding=1), Tensor)
    assert_type(torch.std_mean(x), tuple[Tensor, Tensor])
    assert_type(torch.einsum("ij,jk->ik", x, x), Tensor)
    assert_type(F.relu(x), Tensor)
    assert_type(F.prelu(x, x), Tensor)
    assert_type(F.max_pool2d(x, 2), Tensor)
    assert_type(F.max_pool2d(x, 2, return_indices=True), tuple[Tensor, Tensor])
    assert_type(F.cross_entropy(x, labels), Tensor)
    assert_type(F.layer_norm(x, (4,)), Tensor)
    assert_type(F.scaled_dot_product_attention(x, x, x), Tensor)
    assert_type(model(x), Any)
    assert_type(model.state_dict(), dict[str, Any])
    assert_type(model.train().eval().to("cpu"), Net)
    assert_type(nn.Parameter(x), nn.Parameter)
    assert_type([name for name, _ in model.named_parameters()], list[str])
    assert_type(list(model.parameters()), list[nn.Parameter])
    assert_type(len(loader), int)
    assert_type(Normal(0.0, 1.0).sample((2,)), Tensor)
    assert_type(Normal(0.0, 1.0).loc, Tensor)
    assert_type(torch.autograd.grad(x.sum(), x), tuple[Tensor, ...])


@torch.no_grad
def quiet(x: Tensor) -> Tensor:
    return x


@torch.inference_mode()
def quieter(x: Tensor) -> Tensor:
    return x


def decorated(x: Tensor) -> None:
    assert_type(quiet(x), Tensor)
    assert_type(quieter(x), Tensor)
