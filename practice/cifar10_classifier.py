"""The notes' CIFAR-10 classifier: trains on the handwritten digits that come with suiren, or on CIFAR-10 itself.

    python practice/cifar10_classifier.py                                   the digits, scaled to 32×32×3
    python practice/cifar10_classifier.py --data cifar10 --root DIR         CIFAR-10 from (or downloaded to) DIR

Writes a loss curve, a grid of predictions and a checkpoint to the folder --out.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import matplotlib
from tqdm import tqdm

import suiren as t
import suiren.nn as nn
import suiren.nn.functional as F
import suiren.vision as tv
import suiren.vision.transforms as transforms
from suiren import optim
from suiren.trace.execution import counts

matplotlib.use("Agg")  # pictures go to files: no screen is needed
from matplotlib import pyplot as plt  # noqa: E402

MEAN = STD = (0.5, 0.5, 0.5)


class Net(nn.Module):
    """The notes' network: two convolutions, pooling, three linear layers. (N, 3, 32, 32) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size()[0], -1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def datasets(args):
    """(training set, held-out set)"""
    to_tensor = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    if args.data == "cifar10":
        transform = transforms.Compose(to_tensor)
        return [tv.datasets.CIFAR10(args.root, train=train, download=True, transform=transform) for train in (True, False)]
    # The network wants what CIFAR-10 gives: 32×32 pixels in three channels.
    transform = transforms.Compose([transforms.Resize(32), transforms.Grayscale(3), *to_tensor])
    return [tv.datasets.Digits(train=train, transform=transform) for train in (True, False)]


def train(loader, net, args):
    """Trains for `args.epochs` epochs; returns the loss of every step, and the optimizer."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    losses = []
    for epoch in range(args.epochs):
        running_loss, correct, seen, shown = 0.0, 0, 0, 0.0
        with tqdm(total=len(loader.dataset), desc=f"epoch {epoch + 1:2}/{args.epochs}", unit=" images") as bar:
            for inputs, labels in loader:
                optimizer.zero_grad()
                outputs = net(inputs)
                loss = criterion(outputs, labels)
                loss.backward()
                hits = (outputs.argmax(1) == labels).sum()
                optimizer.step()

                losses.append(loss.item())
                running_loss += losses[-1] * len(labels)
                correct += hits.item()
                seen += len(labels)
                if time.perf_counter() > shown + 0.1:  # ten times a second is enough to read
                    bar.set_postfix_str(f"loss {running_loss / seen:.3f}, accuracy {correct / seen:.1%}", refresh=False)
                    shown = time.perf_counter()
                bar.update(len(labels))
            bar.set_postfix_str(f"loss {running_loss / seen:.3f}, accuracy {correct / seen:.1%}")
        scheduler.step()
    return losses, optimizer


def test(loader, net):
    """(accuracy, the predicted class of every image)"""
    correct, total, predictions = 0, 0, []
    with t.no_grad():
        for images, labels in loader:
            _, predicted = t.max(net(images), 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
            predictions += predicted.tolist()
    return correct / total, predictions


def draw_losses(losses, path):
    """The loss of every step, and its mean over a hundred."""
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(losses, color="#c9d4e3", linewidth=0.5, label="each step")
    window = min(100, len(losses))
    if window:
        means = [sum(losses[i - window : i]) / window for i in range(window, len(losses) + 1)]
        axes.plot(range(window - 1, len(losses)), means, color="#1f4e8c", label=f"mean of {window} steps")
    axes.set(xlabel="step", ylabel="cross entropy", title="Training", ylim=(0, None))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_predictions(dataset, predictions, path, rows=4, columns=8):
    """A grid of held-out images with what was predicted, wrong ones first and in red."""
    order = sorted(range(len(dataset)), key=lambda i: predictions[i] == dataset.targets[i])
    figure, axes = plt.subplots(rows, columns, figsize=(columns * 1.2, rows * 1.45))
    unnormalize = transforms.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])
    for axis in axes.flat:
        axis.axis("off")
    for axis, i in zip(axes.flat, order):
        image, label = dataset[i]
        axis.imshow(unnormalize(image).clamp(0, 1).permute(1, 2, 0).numpy())
        is_right = predictions[i] == label
        text = dataset.classes[predictions[i]] + ("" if is_right else f"\nis {dataset.classes[label]}")
        axis.set_title(text, fontsize=8, color="#1a7f37" if is_right else "#c0392b")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description="Trains the notes' CIFAR-10 network.")
    parser.add_argument("--data", choices=("digits", "cifar10"), default="digits", help="the bundled handwritten digits, or CIFAR-10")
    parser.add_argument("--root", default="./", help="where CIFAR-10 is, or is downloaded to")
    parser.add_argument("--epochs", type=int, help="12 for the digits, 2 for CIFAR-10")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--lr", type=float, help="0.002 for the digits, 0.001 for CIFAR-10")
    parser.add_argument("--workers", type=int, default=2, help="processes that load images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="out", help="the folder for pictures and the checkpoint")
    args = parser.parse_args()
    args.epochs = args.epochs or (12 if args.data == "digits" else 2)
    args.lr = args.lr or (0.002 if args.data == "digits" else 0.001)

    begun = time.perf_counter()
    t.manual_seed(args.seed)
    try:
        trainset, testset = datasets(args)
    except RuntimeError as error:
        sys.exit(str(error))
    loaders = [
        t.utils.data.DataLoader(dataset, batch_size=args.batch_size, shuffle=dataset is trainset, num_workers=args.workers)
        for dataset in (trainset, testset)
    ]
    net = Net()
    print(f"{len(trainset):,} images to train on, {len(testset):,} held out; {sum(p.numel() for p in net.parameters()):,} parameters")
    before = dict(counts)
    losses, optimizer = train(loaders[0], net, args)
    ran = {tier: counts[tier] - before[tier] for tier in counts}
    accuracy, predictions = test(loaders[1], net)
    print(f"accuracy on the {len(testset):,} held-out images: {accuracy:.2%}")

    os.makedirs(args.out, exist_ok=True)
    path = {name: os.path.join(args.out, f"{args.data}-{name}") for name in ("losses.png", "predictions.png", "net.pt")}
    draw_losses(losses, path["losses.png"])
    draw_predictions(testset, predictions, path["predictions.png"])
    t.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epochs": args.epochs, "seed": args.seed}, path["net.pt"])
    again = Net()
    again.load_state_dict(t.load(path["net.pt"])["net"])
    if test(loaders[1], again)[1] != predictions:
        sys.exit(f"the network loaded from {path['net.pt']} predicts something else than the one that was saved")
    print(f"wrote {', '.join(path.values())}; the checkpoint was loaded again and predicts the same")
    print(f"{len(losses):,} training steps: {ran['interpreter']:,} programs were interpreted, {ran['compiled']:,} ran compiled")
    print(f"{time.perf_counter() - begun:.1f} s in all")


if __name__ == "__main__":
    main()
