"""A Function of one's own: y = w x + b with a hand-written backward, then one that is written in NumPy. `python practice/autograd_function.py`

Both are checked against finite differences, and train the notes' line.
"""

from __future__ import annotations

import argparse
import os

import matplotlib
import numpy as np
from matplotlib import pyplot as plt

import suiren as t
from suiren.autograd import Function, gradcheck


class MultiplyAdd(Function):
    """w x + b. Shapes are alike, or b is one number."""

    @staticmethod
    def forward(ctx, w, x, b):
        ctx.save_for_backward(w, x)
        ctx.bias_shape = b.shape
        return w * x + b

    @staticmethod
    def backward(ctx, grad_output):
        w, x = ctx.saved_tensors
        grad_b = grad_output.sum_to_size(ctx.bias_shape) if ctx.needs_input_grad[2] else None
        return (grad_output * x).sum_to_size(w.shape), (grad_output * w).sum_to_size(x.shape), grad_b


class Huber(Function):
    """The mean Huber loss, in NumPy: any library that works on arrays can be the inside of a Function."""

    @staticmethod
    def forward(ctx, predicted, wanted, delta):
        error = predicted.detach().numpy() - wanted.detach().numpy()
        ctx.slope = np.clip(error, -delta, delta) / error.size
        small = np.abs(error) <= delta
        loss = np.where(small, 0.5 * error**2, delta * (np.abs(error) - 0.5 * delta)).mean()
        return predicted.new_tensor(loss)

    @staticmethod
    def backward(ctx, grad_output):
        grad = t.from_numpy(ctx.slope) * grad_output
        return grad, -grad, None  # delta is a number


def main():
    parser = argparse.ArgumentParser(description="Functions of one's own.")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", default="out", help="the folder for the picture, where there is no screen")
    args = parser.parse_args()

    t.manual_seed(1000)
    inputs = [t.randn(4, 3, dtype=t.float64, requires_grad=True) for _ in range(3)]
    print("w x + b against finite differences:", gradcheck(MultiplyAdd.apply, inputs))
    print("Huber against finite differences:", gradcheck(lambda a, b: Huber.apply(a, b, 0.5), inputs[:2]))

    w = t.rand(1, 1, requires_grad=True)
    b = t.zeros(1, 1, requires_grad=True)
    losses = []
    for _ in range(args.steps):
        x = t.rand(8, 1) * 5
        y = x * 2 + 3 + t.randn(8, 1)
        loss = Huber.apply(MultiplyAdd.apply(w, x, b), y, 1.0)
        loss.backward()
        with t.no_grad():
            w -= 0.05 * w.grad
            b -= 0.05 * b.grad
        w.grad.zero_()
        b.grad.zero_()
        losses.append(loss.item())
    print("grad_fn:", MultiplyAdd.apply(w, x, b).grad_fn)
    print("w: ", w.item(), "b: ", b.item())
    plt.plot(losses)
    plt.xlabel("step")
    plt.ylabel("Huber loss")
    if matplotlib.get_backend().lower() == "agg":
        os.makedirs(args.out, exist_ok=True)
        path = os.path.join(args.out, "autograd-function.png")
        plt.savefig(path)
        print(f"there is no screen: the picture is {path}")
    else:
        plt.show()


if __name__ == "__main__":
    main()
