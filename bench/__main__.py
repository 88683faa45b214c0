"""`python -m bench [--rows REGEX] [--rounds N] [--out FOLDER]`: prints the table in Markdown, writes it and a bar chart."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

import suiren
from bench import networks, operations, programs, sequences
from bench.measure import Result, alternate, beside_a_busy_process, cold_compile, cost_of_loading, imports, peak_memory


class Row(NamedTuple):
    """What is measured, the ratio to reach, what the arithmetic would allow, and how."""

    work: str
    target: float
    limit: str
    measure: Callable[[int], Result]
    per: int = 1  # iterations of the work in one call
    is_memory: bool = False  # bytes, not seconds


def _pair(build: Callable, *args) -> Callable[[int], Result]:
    return lambda rounds: alternate(build(suiren, *args), build(torch, *args), rounds)


def _gemm(size: int, threads: int) -> Callable[[int], Result]:
    def measure(rounds: int) -> Result:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        suiren.set_num_threads(threads)
        try:
            return alternate(programs.gemm(suiren, size), programs.gemm(torch, size), rounds)
        finally:
            torch.set_num_threads(before)
            suiren.set_num_threads(before)

    return measure


def _sides(build: Callable) -> list:
    """What `build` makes for suiren and for PyTorch, of CIFAR-10's sizes."""
    from bench import torch_transforms
    from suiren.vision import transforms

    numbers = np.random.default_rng(0)
    images = numbers.integers(0, 256, (4000, 32, 32, 3), np.uint8)
    labels = numbers.integers(0, 10, 4000)
    return [build(suiren, images, labels, transforms), build(torch, images, labels, torch_transforms)]


def _program(rounds: int) -> Result:
    return alternate(*_sides(programs.cifar_program), rounds, round_seconds=0.6)


def _loader(rounds: int) -> Result:
    return cost_of_loading(*_sides(programs.cifar_training), rounds)


ROWS = [
    Row("the notes' program as written (batch 4, 2 workers), an iteration", 8, "12×", _program),
    Row("its loader: what a batch costs the training thread", 10, "", _loader),
    Row("Net, a training step with `loss.item()`, batch 4", 4, "16×", _pair(programs.net_step, 4)),
    Row("the same, compiling it cold, beside 2 s", 1, "", lambda rounds: cold_compile("net", 4, 2)),
    Row("Net, a training step, batch 128", 2, "4×", _pair(programs.net_step, 128)),
    Row("the notes' ResNet34, a training step, batch 8 at 224×224", 0.8, "1.3×, by Winograd 3.7×", _pair(networks.training, "resnet34", 8)),
    Row("the same, peak memory of the process", 1, "", lambda rounds: peak_memory("resnet34", 8), is_memory=True),
    Row("the same, compiling it cold, beside 20 s", 1, "", lambda rounds: cold_compile("resnet34", 8, 20)),
    Row("ResNet18 for 32×32 images, a training step, batch 64", 0.8, "", _pair(networks.training, "resnet18", 64)),
    Row("a depthwise-separable network, a training step, 16 images of 96×96", 1.5, "", _pair(networks.training, "mobilenet", 16)),
    Row("the notes' ResNet34, inference, batch 1", 1, "", _pair(networks.inference, "resnet34", 1)),
    Row("Net, inference, batch 1", 3, "", _pair(networks.inference, "net", 1)),
    Row("the notes' linear regression, manual gradients", 1.4, "2×", _pair(programs.manual_regression)),
    Row("the notes' linear regression, autograd", 2, "4×", _pair(programs.autograd_regression)),
    Row("MLP 784-512-512-10, batch 64, Adam", 1.3, "1.7×", _pair(programs.mlp_step)),
    Row("tabular network 20-64-32-1, batch 32, AdamW", 3, "", _pair(programs.tabular_step)),
    Row("a character LSTM, 2 layers of 256, 64 steps, batch 32, a training step", 0.85, "", _pair(sequences.lstm_step)),
    Row("a GPT of 4 layers, 4 heads, width 128, context 64, batch 12, AdamW, a training step", 1.3, "", _pair(sequences.gpt_step)),
    Row("a GRU cell in a loop of 20 to 100 steps, another number every time, a training step", 1, "", _pair(sequences.varying_step)),
    Row("actor-critic, an episode of 20 to 100 steps that are looked at", 1, "", _pair(sequences.episode_step)),
    Row("tabular network beside a process that keeps a core busy, beside twice its own time", 1, "", beside_a_busy_process(programs.tabular_step, 2)),
    Row("MLP beside a process that keeps a core busy, beside twice its own time", 1, "", beside_a_busy_process(programs.mlp_step, 2)),
    Row("a chain of 20 additions of 8×8, per addition", 1.1, "1.5×", _pair(programs.additions), 20),
    *[
        Row(f"recording {what}, an operation", 1, "", _pair(operations.repeated, expressions), operations.COUNT * len(expressions))
        for what, expressions in (
            ("pointwise operations", operations.POINTWISE), ("views", operations.VIEWS), ("indices of ints and slices", operations.INDEXING),
            ("reductions", operations.REDUCTIONS),
        )
    ],
    Row("`item()` of what is computed", 1, "", _pair(operations.items), operations.COUNT),
    *[
        Row(f"GEMM {n}³, {threads} thread{'s' * (threads > 1)}", 0.85, "1.0×", _gemm(n, threads))
        for n in (256, 512, 1024, 2048)
        for threads in (1, 2)
    ],
    Row("`import` in a fresh process", 5, "12×", lambda rounds: imports()),
]


def readable(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            break
    return f"{seconds * scale:.3g} {unit}"


def megabytes(count: float) -> str:
    return f"{count / 1e6:.0f} MB"


def machine() -> str:
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            name = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}, PyTorch {torch.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="", metavar="REGEX", help="only the rows whose name this matches")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each side")
    parser.add_argument("--out", default="out", metavar="FOLDER", help="where bench.md and bench.png go")
    args = parser.parse_args()
    torch.set_num_threads(suiren.get_num_threads())
    lines = [f"Measured on {machine()}, {suiren.get_num_threads()} threads, fp32.", ""]
    lines += ["| work | PyTorch | suiren | ratio (quartiles) | at least | limit |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    bars = []
    for row in ROWS:
        if not re.search(args.rows, row.work):
            continue
        r = row.measure(args.rounds)
        show = megabytes if row.is_memory else readable
        mark = "" if r.ratio >= row.target else " (missed)"
        line = (
            f"| {row.work} | {show(r.torch / row.per)} | {show(r.suiren / row.per)} "
            f"| **{r.ratio:.2f}×** ({r.low:.2f}–{r.high:.2f}){mark} | {row.target:g}× | {row.limit} |"
        )
        print(line, flush=True)
        lines.append(line)
        bars.append((row.work, r.ratio, row.target))
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "bench.md"), "w") as f:
        f.write("\n".join(lines) + "\n")
    chart(bars, os.path.join(args.out, "bench.png"))


def chart(bars: list[tuple[str, float, float]], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 0.42 * len(bars) + 1.2))
    names = [name.replace("`", "") for name, _, _ in bars][::-1]
    ratios = [r for _, r, _ in bars][::-1]
    targets = [target for _, _, target in bars][::-1]
    axes.barh(names, ratios, color=["#2a7f62" if r >= t else "#c2552d" for r, t in zip(ratios, targets)])
    axes.plot(targets, range(len(bars)), "k|", markersize=12, label="to reach")
    axes.axvline(1, color="grey", linewidth=0.8)
    for i, r in enumerate(ratios):
        axes.text(r, i, f" {r:.2f}×", va="center", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(right=1.6 * max(ratios))  # room for the numbers
    axes.margins(y=0.01)
    axes.set_xlabel("times as fast as PyTorch (logarithmic)")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    sys.exit(main())
