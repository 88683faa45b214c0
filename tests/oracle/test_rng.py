"""Random numbers beside a live PyTorch: the same bits, draw after draw from one generator, and the same place in the
stream afterwards.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from suiren.dtypes import bool_, float16, float32, float64, int64  # noqa: E402
from suiren.ops.rng import (  # noqa: E402
    STATE_WORDS,
    rng_bernoulli,
    rng_exponential,
    rng_normal,
    rng_randint,
    rng_randperm,
    rng_uniform,
)

pytestmark = pytest.mark.oracle


def seeded(seed: int) -> np.ndarray:
    bits = np.random.MT19937()
    bits._legacy_seeding(seed)
    state = np.zeros(STATE_WORDS, np.uint32)
    state[:624], state[624] = bits.state["state"]["key"], bits.state["state"]["pos"]
    return state


# NumPy's logarithm of float64 is a vectorised one on processors with AVX-512, a unit in the last place from the C library's, which PyTorch takes.
LOGARITHMS = 2


class Stream:
    """Draws from both generators; the numbers agree, and so, at the end, do the next outputs."""

    def __init__(self, seed):
        torch.manual_seed(seed)
        self.state = seeded(seed)

    def same(self, theirs, op, params, numbers=(), units=0):
        """`units`: of the last place (of 1, for smaller numbers), by which numbers may differ."""
        ours, self.state = op.numpy(self.state, *numbers, **dict(zip(op.params, params)))
        theirs = theirs.numpy()
        ours = ours.astype(theirs.dtype).reshape(theirs.shape)
        if units:
            assert (
                np.abs(ours - theirs) <= units * np.spacing(np.maximum(np.abs(theirs), 1).astype(theirs.dtype))
            ).all()
        else:
            assert ours.tobytes() == theirs.tobytes()

    def end(self):
        self.same(torch.randint(0, 1 << 20, (3,)), rng_randint, ((3,), int64), (0, (1 << 20) - 1))


COUNTS = (1, 3, 15, 16, 17, 40, 623, 1000)


@pytest.mark.parametrize(
    ("theirs", "ours"), [(torch.float32, float32), (torch.float64, float64), (torch.float16, float16)]
)
def test_uniform_and_exponential(theirs, ours):
    stream = Stream(1)
    for n in COUNTS:
        for low, high in (
            ((0.0, 1.0), (-0.5, 1.75), (-1 / 27**0.5, 1 / 27**0.5)) if theirs is not torch.float16 else ((0.0, 1.0),)
        ):
            stream.same(torch.empty(n, dtype=theirs).uniform_(low, high), rng_uniform, ((n,), ours), (low, high))
        stream.same(torch.empty(n, dtype=theirs).exponential_(1.7), rng_exponential, ((n,), ours), (1.7,), LOGARITHMS)
    stream.end()


def test_bernoulli():
    stream = Stream(2)
    for n in COUNTS:
        stream.same(torch.empty(n).bernoulli_(0.3), rng_bernoulli, ((n,), float32), (0.3,))
        stream.same(torch.empty(n, dtype=torch.bool).bernoulli_(0.3), rng_bernoulli, ((n,), bool_), (0.3,))
        mask = torch.nn.functional.dropout(torch.ones(n), 0.4, True) != 0
        stream.same(mask, rng_bernoulli, ((n,), bool_), (0.6,))
    stream.end()


@pytest.mark.parametrize("high", [10, 1 << 28, (1 << 28) - 1, 1 << 40, (1 << 62) + 5])
def test_randint(high):
    stream = Stream(3)
    for low in (0, -7, -(1 << 61)):
        stream.same(torch.randint(low, high, (100,)), rng_randint, ((100,), int64), (low, high - 1))
    stream.end()


def test_all_integers():
    stream = Stream(4)
    lowest, largest = -(1 << 63), (1 << 63) - 1
    stream.same(
        torch.empty(50, dtype=torch.int64).random_(lowest, None), rng_randint, ((50,), int64), (lowest, largest)
    )
    stream.same(torch.empty(50, dtype=torch.int64).random_(), rng_randint, ((50,), int64), (0, largest))
    stream.end()


def test_randperm():
    stream = Stream(5)
    for n in (0, 1, 2, 10, 1797):
        stream.same(torch.randperm(n), rng_randperm, (n, int64))
    stream.end()


def test_normal_float64_and_few():
    """To the last places: float64 always, float32 and float16 below 16 numbers; what is kept between draws too."""
    stream = Stream(6)
    for n in (3, 2, 1, 15, 16, 7, 17, 40, 1000, 1, 5):
        for mean, std in ((0.0, 1.0), (2.1, 3.3)):
            stream.same(
                torch.empty(n, dtype=torch.float64).normal_(mean, std), rng_normal, ((n,), float64), (mean, std), LOGARITHMS
            )
            if n < 16:
                stream.same(torch.empty(n).normal_(mean, std), rng_normal, ((n,), float32), (mean, std), LOGARITHMS)
                stream.same(
                    torch.empty(n, dtype=torch.float16).normal_(mean, std), rng_normal, ((n,), float16), (mean, std), LOGARITHMS
                )
    stream.end()


def test_normal_float32_and_float16():
    """PyTorch's logarithm, sine and cosine of float32 are polynomials of its own: the last places differ."""
    stream = Stream(7)
    for n in (16, 17, 40, 1000, 4099):
        stream.same(torch.randn(n), rng_normal, ((n,), float32), (0.0, 1.0), units=4)
        stream.same(torch.empty(n).normal_(2.0, 3.0), rng_normal, ((n,), float32), (2.0, 3.0), units=8)
        stream.same(torch.randn(n, dtype=torch.float16), rng_normal, ((n,), float16), (0.0, 1.0), units=1)
    stream.end()
