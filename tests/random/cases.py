"""Draws to compare with PyTorch: texts, each evaluated with a seed. `t` is suiren or torch, `g` a generator with another seed."""

from __future__ import annotations

import numpy as np

DRAWS = [
    "t.rand(3)", "t.rand(4, 1)", "t.rand((2, 3))", "t.rand([2], dtype=t.float64)", "t.rand(5, generator=g)", "t.rand(0)", "t.rand(())",
    "t.randn(3)", "t.randn(5, 7)", "t.randn(16)", "t.randn(19, dtype=t.float64)", "t.cat([t.randn(3), t.randn(2)])",
    "t.rand_like(t.zeros(2, 3))", "t.randn_like(t.zeros(2, 3))", "t.randint(10, (5,))", "t.randint(-3, 4, (2, 3))",
    "t.randint(0, 2**40, (3,))", "t.randint(5, (4,), dtype=t.float32)", "t.randint_like(t.zeros(3), 7)", "t.randperm(10)",
    "t.randperm(1)", "t.randperm(7, generator=g)", "t.normal(2.0, 3.0, (4,))", "t.normal(t.arange(3.0), 0.5)",
    "t.normal(0.0, t.arange(1.0, 4.0))", "t.normal(t.zeros(2, 1), t.ones(3))", "t.bernoulli(t.full((6,), 0.3))",
    "t.bernoulli(t.full((6,), 0.3, dtype=t.float64))", "t.bernoulli(t.zeros(6), 0.4)", "t.zeros(5).uniform_(-1, 2)",
    "t.zeros(2, 3).t().uniform_()", "t.zeros(4, 5)[:, 1:3].uniform_()", "t.zeros(5).normal_(1, 2)", "t.zeros(20).normal_(1, 2)",
    "t.zeros(5).random_(7)", "t.zeros(5).random_(-3, 8)", "t.zeros(3, dtype=t.int64).random_()", "t.zeros(3).random_()",
    "t.zeros(9, dtype=t.uint8).random_()", "t.zeros(9, dtype=t.bool).random_()", "t.zeros(9, dtype=t.bool).bernoulli_(0.5)",
    "t.zeros(6).bernoulli_(0.2)", "t.zeros(2, 3).bernoulli_(t.tensor([0.1, 0.5, 0.9]))", "t.zeros(4).exponential_(2.0)",
    "t.zeros(4).cauchy_(1, 2)", "t.zeros(4).log_normal_()", "t.zeros(9).geometric_(0.3)",
    "t.multinomial(t.tensor([0.1, 0.2, 0.3, 0.4]), 3)", "t.multinomial(t.tensor([0.1, 0.2, 0.3, 0.4]), 8, replacement=True)",
    "t.multinomial(t.ones(3, 4), 1)", "t.multinomial(t.ones(3, 4), 5, True)",
    # what is made like a view lies in memory as the view does, and is drawn in that order
    "t.rand_like(t.zeros(3, 4).t())", "t.rand_like(t.zeros(2, 3, 4).permute(2, 0, 1), dtype=t.float64)", "t.rand_like(t.zeros(3, 1, 4).expand(3, 5, 4).transpose(0, 2))",
    "t.randint_like(t.zeros(4, 4)[::2, ::2].t(), 3, 9)", "t.randn_like(t.zeros(5, 4).t())", "t.randn_like(t.zeros(2, 3, 4, 5), memory_format=t.channels_last)",
    "t.randn_like(t.zeros(30, 30)[1:, 1:])", "t.randn_like(t.zeros(5, 4).t(), dtype=t.complex64)", "t.rand_like(t.zeros(3, 4).t(), memory_format=t.contiguous_format)",
    "t.empty_like(t.zeros(5, 4).t()).normal_()", "t.zeros(20).log_normal_()", "t.cat([t.zeros(5).normal_(), t.zeros(20).log_normal_()])",
    "t.multinomial(t.ones(5, 4).t(), 2)", "t.nn.functional.dropout(t.ones(5, 4).t())", "t.nn.init.trunc_normal_(t.zeros(5, 4).t())",
    "t.nn.functional.dropout(t.ones(8), 0.3)", "t.nn.functional.gumbel_softmax(t.zeros(5), dim=0)",
]  # fmt: skip
# Normal draws of 16 and more end in polynomials of PyTorch's own; logarithms and tangents of float64 differ in the last place
NOT_EXACT = ("normal", "randn(5, 7)", "randn(16)", "randn(19", "randn_like(", "exponential", "cauchy", "gumbel")


def draw(t, text: str) -> dict[str, np.ndarray]:
    """The draw, the number drawn next, and the states of both generators."""
    t.manual_seed(1000)
    g = t.Generator().manual_seed(5)
    found = eval(text, {"t": t, "g": g})
    return {
        "values": found.numpy().copy(), "next": t.rand(1).numpy().copy(), "state": t.get_rng_state().numpy().copy(),
        "other state": g.get_state().numpy().copy(),
    }  # fmt: skip
