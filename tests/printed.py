"""Tensors to print: texts, each evaluated after `t.manual_seed(3)`; `t` is torch or suiren. With options before `::`, given to set_printoptions."""

from __future__ import annotations

import warnings

import numpy as np

_VALUES = [
    "[]", "[1.0]", "[1.5, 2.25, -3.125]", "[1.0, 2.0, 3.0]", "[1e-5, 1.0]", "[1e5, 1.0]", "[1e9]", "[1e8, 3.0]", "[123456.789]", "[0.0, 0.0]",
    "[float('nan')]", "[float('inf'), 1.0]", "[float('inf'), -1.5, float('nan')]", "[-0.0, 1.0]", "[1e-45]", "[99999.5]", "[0.00012, 0.1]",
    "[0.1, 100.5]", "[0.1, 1000.5]", "[[1.0, 2.0], [3.0, 4.5]]", "[[[1.0], [2.0]], [[3.0], [4.0]]]", "1.0", "1.5", "-0.0", "1e10", "1e-8",
    "float('nan')", "float('-inf')", "[1.0, float('nan'), 1e9]", "[16777216.0, 1.0]", "[1e7, 0.5]", "[3.14159] * 30", "[1.0] * 30",
]  # fmt: skip
_WHOLE = ["[]", "[1, 2, 3]", "[-1, 100, 7]", "5", "[[1, -2], [30, 4]]", "[]", "[0] * 40", "[[[1]]]"]
LINES = [
    *(f"t.tensor({v})" for v in _VALUES),
    *(f"t.tensor({v}, dtype=t.float64)" for v in _VALUES),
    *(f"t.tensor({v}, dtype=t.float16)" for v in _VALUES[:12]),
    *(f"t.tensor({v}, dtype=t.int64)" for v in _WHOLE),
    *(f"t.tensor({v}, dtype=t.{d})" for v in ("[1, 2, 3]", "7", "[[100], [1]]") for d in ("int32", "int16", "int8", "uint8")),
    "t.tensor([True, False])", "t.tensor(True)", "t.tensor([[True], [False]])", "t.tensor([], dtype=t.bool)", "t.tensor([True] * 40)",
    "t.zeros(0, 3)", "t.zeros(2, 0)", "t.zeros(2, 0, dtype=t.int64)", "t.zeros(0, dtype=t.float64)", "t.zeros(())", "t.zeros(1, 1, 1, 1)",
    *(f"t.{kind}{shape}" for kind in ("rand", "randn") for shape in ("(3)", "(2, 3)", "(2, 2, 2)", "(11)", "(20)", "(3, 30)", "(40, 40)", "(1001)", "(7, 7, 30)", "(1, 2, 3, 4)", "(1100, 1)", "(1, 1100)")),
    "t.arange(999)", "t.arange(1000)", "t.arange(1001)", "t.arange(2000).reshape(2, 1000)", "t.arange(2000).reshape(1000, 2)", "t.arange(10000.0)",
    "t.arange(1200).reshape(10, 10, 12)", "t.arange(1200.0).reshape(2, 600)", "t.randint(0, 1000, (50, 50))", "t.rand(1500) > 0.5",
    "t.rand(3, requires_grad=True)", "t.rand(3, requires_grad=True) * 2", "t.rand(3, requires_grad=True).sum()", "t.rand(3, 3, requires_grad=True).exp()",
    "t.rand(30, requires_grad=True) + 1", "t.rand(3, dtype=t.float64, requires_grad=True)", "t.rand(13, dtype=t.float64, requires_grad=True) * 3",
    "t.zeros(0, 2, requires_grad=True)", "t.rand(2, 3, requires_grad=True) @ t.rand(3, 2)", "t.rand(3, requires_grad=True)[0]",
    "t.rand(3, requires_grad=True).view(3, 1)",
    "t.rand(3, requires_grad=True).double()",
    "t.rand(3, requires_grad=True).clone()", "t.nn.Parameter(t.ones(2, 2))", "t.nn.Parameter(t.ones(2), requires_grad=False)",
    "t.nn.Parameter(t.ones(2, dtype=t.float64))", "t.nn.Linear(3, 2).weight", "list(t.nn.Linear(2, 1).parameters())",
    "t.nn.functional.relu(t.nn.Linear(3, 2)(t.ones(4, 3)))",
    "t.ones(2).t()", "t.rand(4, 4)[::2, 1:3]", "t.rand(2, 3).expand(2, 2, 3)", "[t.ones(2), t.zeros(1)]", "{'a': t.ones(2)}", "(t.tensor(1), 2)",
    "t.rand(5).max(0)", "t.rand(5).topk(2)", "t.rand(2, 3).sort()", "t.Size([1, 2])", "t.float32", "t.device('cpu')", "t.device('cuda:1')",
    *(f"t.tensor({v})" for v in ("1j", "[1 + 2j, 3.5 - 1j]", "[1e5 + 1j, 1e-5 - 2j]", "[[1j, 2], [3, -4j]]", "[complex(0, -0.0)]", "[complex(float('nan'), float('inf'))]", "[1 + 2j] * 20")),
    "t.tensor([1 + 2j, 3.5 - 1j], dtype=t.complex128)", "t.tensor([], dtype=t.complex64)", "t.tensor([2 + 3j, -1 - 10.5j])",
    *(f"{options} :: {value}" for options in (
        "precision=2", "precision=8", "precision=0", "threshold=5", "threshold=5, edgeitems=1", "threshold=5, edgeitems=0", "linewidth=40", "linewidth=200",
        "profile='short'", "profile='full'", "sci_mode=True", "sci_mode=False", "edgeitems=2, threshold=10, linewidth=30", "precision=3, sci_mode=True",
    ) for value in ("t.rand(3)", "t.rand(4, 9)", "t.arange(20)", "t.tensor([1e-6, 1.0, 2e4])", "t.arange(40.0).reshape(2, 4, 5)", "t.rand(12, dtype=t.float64, requires_grad=True)", "t.tensor([1.5 + 2j] * 9)", "t.tensor([2.0, 30.0])")),
]  # fmt: skip


def text(line: str, t) -> str:
    """What is printed."""
    options, _, value = line.rpartition(" :: ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t.manual_seed(3)
        if options:
            t.set_printoptions(**eval(f"dict({options})"))
        try:
            return str(eval(value, {"t": t, "np": np}))
        finally:
            t.set_printoptions(profile="default")
