"""The notes' linear regression with automatic differentiation. `python practice/linear_regression_autograd.py [--steps N] [--out FOLDER]`

Shows the line and the loss in a window; where there is no screen, as pictures in --out.
"""

from __future__ import annotations

import argparse
import os

import matplotlib
import numpy as np
from matplotlib import pyplot as plt

import suiren as t


def get_fake_data(batch_size=8):
    """(x, y), both (batch_size, 1): y = 2x + 3, with noise."""
    x = t.rand(batch_size, 1) * 5
    y = x * 2 + 3 + t.randn(batch_size, 1)
    return x, y


def draw(w, b):
    """The line that was learnt, and points that it was not trained on."""
    plt.cla()
    with t.no_grad():
        x = t.arange(0, 6).view(-1, 1)
        y = x.float().mm(w) + b.expand_as(x)
    x2, y2 = get_fake_data(batch_size=20)
    plt.plot(x.numpy(), y.numpy())
    plt.scatter(x2.numpy(), y2.numpy())
    plt.xlim(0, 5)
    plt.ylim(0, 13)


def main():
    parser = argparse.ArgumentParser(description="Linear regression with automatic differentiation.")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", default="out", help="the folder for the pictures, where there is no screen")
    args = parser.parse_args()
    has_screen = matplotlib.get_backend().lower() != "agg"

    t.manual_seed(1000)  # the numbers below are the same everywhere
    w = t.rand(1, 1, requires_grad=True)
    b = t.zeros(1, 1, requires_grad=True)
    losses = np.zeros(args.steps)
    lr = 0.02
    for step in range(args.steps):
        x, y = get_fake_data(batch_size=32)
        # forward
        y_pred = x.mm(w) + b.expand_as(y)
        loss = 0.5 * (y_pred - y) ** 2
        loss = loss.mean()
        losses[step] = loss.item()
        # backward
        loss.backward()
        # update
        w.data.sub_(lr * w.grad.data)
        b.data.sub_(lr * b.grad.data)
        # the gradients start from zero again
        w.grad.data.zero_()
        b.grad.data.zero_()
        if has_screen and step % 50 == 0:
            draw(w, b)
            plt.pause(0.5)
    print("w: ", w.item(), "b: ", b.item())
    if has_screen:
        plt.cla()
        plt.ioff()
        plt.plot(losses)
        plt.show()
        return
    os.makedirs(args.out, exist_ok=True)
    paths = [os.path.join(args.out, f"linear-regression-autograd-{name}.png") for name in ("line", "losses")]
    draw(w, b)
    plt.savefig(paths[0])
    plt.cla()
    plt.xlim(auto=True)
    plt.ylim(auto=True)
    plt.plot(losses)
    plt.savefig(paths[1])
    print(f"there is no screen: the pictures are {' and '.join(paths)}")


if __name__ == "__main__":
    main()
