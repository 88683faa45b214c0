"""Elements picked and put by index tensors, against NumPy: unit by unit in any order, on two instruction sets."""

import random

import numpy as np
import pytest

from suiren.compiler.kernels import indexing
from suiren.ops import indexing as ops


def numbers(shape, kind, rng):
    x = rng.integers(-9, 9, shape)
    return x > 0 if kind == "bool" else np.abs(x).astype(kind) if kind == "uint8" else x.astype(kind)


@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "float16", "uint8"])
@pytest.mark.parametrize("name", ["take", "index_copy", "index_add"])
def test_rows(runner, name, kind):
    rng = np.random.default_rng(0)
    op = getattr(ops, name)
    for shape, dim, places in [((5, 70), 0, (7,)), ((3, 4, 1), 1, (2, 3)), ((2, 3, 9), 1, ()), ((40,), 0, (30,)), ((3, 2), 0, (0,)), ((1, 200), 0, (3,))]:
        index = rng.integers(0, shape[dim], places)
        inputs = [numbers(shape, kind, rng), index]
        if op.writes:
            inputs.append(numbers(shape[:dim] + places + shape[dim + 1 :], kind, rng))
        (got,) = runner.run(indexing.calls, op, (dim,), inputs, order=random.Random(1))
        assert np.array_equal(got, op.numpy(*inputs, dim=dim))


@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "float16", "uint8"])
@pytest.mark.parametrize("name", ["gather", "scatter", "scatter_add"])
def test_elements(runner, name, kind):
    rng = np.random.default_rng(0)
    op = getattr(ops, name)
    # the index may be smaller than the table in other dims, and longer or shorter along its own
    for shape, dim, places in [((5, 70), 0, (7, 66)), ((5, 7), 1, (4, 9)), ((2, 3, 4, 5), 2, (2, 1, 6, 5)), ((40,), 0, (30,)), ((3, 2), 0, (0, 2)), ((5, 1), 1, (5, 3))]:
        inputs = [numbers(shape, kind, rng), rng.integers(0, shape[dim], places)]
        if op.writes:
            inputs.append(numbers(places, kind, rng))
        (got,) = runner.run(indexing.calls, op, (dim,), inputs, order=random.Random(1))
        assert np.array_equal(got, op.numpy(*inputs, dim=dim))
