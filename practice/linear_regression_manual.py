"""The notes' linear regression with gradients by hand: y = 2x + 3 with noise. `python practice/linear_regression_manual.py [--steps N] [--out FOLDER]`

Shows the line as it learns, in a window; where there is no screen, the last picture goes to a file in --out.
"""

from __future__ import annotations

import argparse
import os

import matplotlib
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
    x = t.arange(0, 6).view(-1, 1)
    y = x.float().mm(w) + b.expand_as(x)
    x2, y2 = get_fake_data(batch_size=32)
    plt.plot(x.numpy(), y.numpy())
    plt.scatter(x2.numpy(), y2.numpy())
    plt.xlim(0, 5)
    plt.ylim(0, 13)


def main():
    parser = argparse.ArgumentParser(description="Linear regression with gradients by hand.")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--out", default="out", help="the folder for the picture, where there is no screen")
    args = parser.parse_args()
    has_screen = matplotlib.get_backend().lower() != "agg"

    t.manual_seed(1000)  # the numbers below are the same everywhere
    w = t.rand(1, 1)
    b = t.zeros(1, 1)
    lr = 0.02
    for step in range(args.steps):
        x, y = get_fake_data(batch_size=4)
        # forward
        y_pred = x.mm(w) + b.expand_as(y)
        loss = 0.5 * (y_pred - y) ** 2
        loss = loss.mean()
        # backward, by hand
        dloss = 1
        dy_pred = dloss * (y_pred - y)
        dw = x.t().mm(dy_pred)
        db = dy_pred.sum()
        # update
        w.sub_(lr * dw)
        b.sub_(lr * db)
        if has_screen and step % 10 == 0:
            draw(w, b)
            plt.pause(0.5)
    print("w: ", w.item(), "b: ", b.item())
    if not has_screen:
        os.makedirs(args.out, exist_ok=True)
        path = os.path.join(args.out, "linear-regression-manual.png")
        draw(w, b)
        plt.savefig(path)
        print(f"there is no screen: the picture is {path}")


if __name__ == "__main__":
    main()
