"""`python -m bench.gemm [--shapes REGEX] [--threads 1 2] [--rounds N]`: matrix products alone, suiren's native program beside torch.mm.

Both write into memory that is there already; a table in Markdown, the ratio is PyTorch's time over suiren's.
"""

from __future__ import annotations

import argparse
import ctypes
import re
from typing import NamedTuple

import numpy as np
import torch

import suiren
from bench.measure import Result, alternate
from suiren.compiler.pipeline import compile_trace
from suiren.dtypes import float32
from suiren.ops.matmul import matmul
from suiren.ops.movement import permute
from suiren.runtime.buffers import Buffer
from suiren.trace.spec import spec
from suiren.trace.trace import Node, Trace


class Shape(NamedTuple):
    """A product; `form` says for A and B whether they lie row by row (N) or are the transpose of what does (T)."""

    m: int
    n: int
    k: int
    form: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.m}×{self.n}×{self.k} {self.form}" + (f", {self.what}" if self.what else "")


def linear(batch: int, inputs: int, outputs: int) -> list[Shape]:
    """A Linear layer and its two gradients."""
    return [
        Shape(batch, outputs, inputs, "NT", "Linear"),
        Shape(batch, inputs, outputs, "NN", "grad input"),
        Shape(outputs, inputs, batch, "TN", "grad weight"),
    ]


SHAPES = [
    *(s for layer in ((400, 120), (120, 84), (84, 10)) for s in linear(4, *layer)),
    *linear(128, 400, 120),
    *(s for layer in ((784, 512), (512, 512), (512, 10)) for s in linear(64, *layer)),
    *(s for layer in ((20, 64), (64, 32), (32, 1)) for s in linear(32, *layer)),
    Shape(4, 1, 1, "NN", "regression"),
    Shape(1, 1, 32, "TN", "regression"),
    Shape(1000, 1, 1000, "NN", "matrix by column"),
    Shape(1, 1000, 1000, "NN", "row by matrix"),
    Shape(64, 20, 20000, "TN", "long K"),
    *(Shape(n, n, n, form) for n in (256, 512, 1024, 2048) for form in ("NN", "NT", "TN")),
]


def measure(shape: Shape, rounds: int) -> Result:
    m, n, k, form, _ = shape
    stored = [(m, k) if form[0] == "N" else (k, m), (k, n) if form[1] == "N" else (n, k)]
    leaves = tuple(spec(s, float32) for s in stored)
    nodes, inputs = [], []
    for i, letter in enumerate(form):
        if letter == "N":
            inputs.append(i)
            continue
        inputs.append(2 + len(nodes))
        nodes.append(Node(permute, (i,), ((1, 0),), (inputs[-1],), (spec(stored[i][::-1], float32),)))
    out = 2 + len(nodes)
    nodes.append(Node(matmul, tuple(inputs), (), (out,), (spec((m, n), float32),)))
    program = compile_trace(Trace(leaves, (), tuple(nodes), (out,)))
    numbers = np.random.default_rng(0)
    buffers = [Buffer(4 * x * y) for x, y in (*stored, (m, n))]
    arrays = []
    for buffer, (x, y) in zip(buffers, (*stored, (m, n))):
        array = np.ctypeslib.as_array((ctypes.c_float * (x * y)).from_address(buffer.addr)).reshape(x, y)
        array[...] = numbers.standard_normal((x, y), np.float32)
        arrays.append(torch.from_numpy(array))
    a, b = (x if letter == "N" else x.T for x, letter in zip(arrays, form))
    theirs = torch.empty(m, n)
    addresses = tuple(buffer.addr for buffer in buffers)
    torch.mm(a, b, out=theirs)
    program.run(addresses)
    exact = a.double() @ b.double()
    scale = a.double().abs() @ b.double().abs()
    assert ((arrays[2] - exact).abs() <= 2**-23 * k * scale).all(), f"{shape}: wrong"
    return alternate(lambda: program.run(addresses), lambda: torch.mm(a, b, out=theirs), rounds, round_seconds=0.03)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default="", metavar="REGEX", help="only the shapes whose name this matches")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    before = suiren.get_num_threads()
    print("| M×N×K | " + " | ".join(f"{t} thread{'s' * (t > 1)}: PyTorch µs | suiren µs | GFLOP/s | ratio" for t in args.threads) + " |")
    print("|---|" + "---|" * (4 * len(args.threads)))
    for shape in SHAPES:
        if not re.search(args.shapes, str(shape)):
            continue
        cells = []
        for threads in args.threads:
            torch.set_num_threads(threads)
            suiren.set_num_threads(threads)
            r = measure(shape, args.rounds)
            rate = 2e-9 * shape.m * shape.n * shape.k / r.suiren
            cells += [f"{1e6 * r.torch:.1f}", f"{1e6 * r.suiren:.1f}", f"{rate:.1f}", f"**{r.ratio:.2f}×** ({r.low:.2f}–{r.high:.2f})"]
        print(f"| {shape} | " + " | ".join(cells) + " |", flush=True)
    suiren.set_num_threads(before)


if __name__ == "__main__":
    main()
