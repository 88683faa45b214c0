"""Lanes that change places."""

import numpy as np
import pytest

from suiren.dtypes import float32, float64, int8


@pytest.mark.parametrize(("d", "lanes"), [(float32, 4), (float32, 8), (float32, 16), (float64, 2), (float64, 4), (float64, 8), (int8, 32)])
def test_a_square_is_turned_round(run, d, lanes):
    x = np.arange(lanes * lanes).reshape(lanes, lanes).astype(d.np)
    out = np.zeros_like(x)

    def emit(b):
        source, to = b.arg_ptr(0), b.arg_ptr(2)
        rows = [b.load(source, d, lanes, offset=b.i64(i * lanes)) for i in range(lanes)]
        for i, column in enumerate(b.transposed(rows)):
            b.store(column, to, offset=b.i64(i * lanes))

    run(emit, [x, out])
    assert np.array_equal(out, x.T)
