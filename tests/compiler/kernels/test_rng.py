"""Random number kernels against the NumPy rules of their ops (which tests/oracle compares with PyTorch): the same
numbers, the same state.
"""

import random

import numpy as np
import pytest

from suiren.compiler.kernels import rng
from suiren.compiler.program import Call, Kernel, Ptr
from suiren.dtypes import bool_, float16, float32, float64, int32, int64, uint8
from suiren.ops.rng import (
    STATE_WORDS,
    rng_bernoulli,
    rng_exponential,
    rng_normal,
    rng_randint,
    rng_randperm,
    rng_uniform,
)


def seeded(seed: int) -> np.ndarray:
    bits = np.random.MT19937()
    bits._legacy_seeding(seed)
    state = np.zeros(STATE_WORDS, np.uint32)
    state[:624], state[624] = bits.state["state"]["key"], bits.state["state"]["pos"]
    return state


def draw(runner, op, params, state, numbers=()):
    """(numbers, next state) by the kernels, checked against the rule: states agree in every word but a kept normal
    number, which may be off by its last places.
    """
    found, after = runner.run(rng.calls, op, params, (state, *numbers))
    again, after_again = runner.run(rng.calls, op, params, (state, *numbers), order=random.Random(1))
    assert found.tobytes() == again.tobytes() and after.tobytes() == after_again.tobytes()
    right, right_after = op.numpy(state, *numbers, **dict(zip(op.params, params)))
    assert (after[:626] == right_after[:626]).all()
    assert np.isclose(after[626:].view(np.float64)[0], right_after[626:].view(np.float64)[0], rtol=1e-14, atol=0)
    return found, right.astype(found.dtype), right_after


# Around the ends of the state's 624 words, of vectors, of blocks of 16 and of units.
COUNTS = (0, 1, 2, 15, 16, 17, 39, 312, 623, 624, 625, 1300, rng.UNIT, rng.UNIT + 9)


@pytest.mark.parametrize("d", [float32, float64, float16])
def test_uniform(runner, d):
    state = seeded(1)
    for n in COUNTS:
        found, right, state = draw(runner, rng_uniform, ((n,), d), state, (-0.3, 0.7))
        assert found.tobytes() == right.tobytes()


def test_bernoulli(runner):
    state = seeded(2)
    for n in COUNTS:
        for d in (float32, bool_, int64):
            found, right, state = draw(runner, rng_bernoulli, ((n,), d), state, (0.3,))
            assert found.tobytes() == right.tobytes()


# A range of 2^28 on takes two outputs for a number; up to 2^64 - 1 is counted without a sign; 2^64 is every number.
@pytest.mark.parametrize(
    ("low", "last"),
    [
        (0, 9),
        (-5, (1 << 28) - 7),
        (-5, (1 << 28) - 6),
        (-(1 << 62), 1 << 62),
        (0, (1 << 63) - 1),
        (-(1 << 63), 5),
        (-(1 << 63), (1 << 63) - 1),
        (7, 7),
    ],
)
def test_randint(runner, low, last):
    state = seeded(3)
    for n in (1, 700, rng.UNIT + 3):
        for d in (int64, float32, uint8) if last < 100 else (int64,):
            found, right, state = draw(runner, rng_randint, ((n,), d), state, (low, last))
            assert found.tobytes() == right.tobytes()


def test_randperm(runner):
    state = seeded(4)
    for n in (0, 1, 2, 10, 1000):
        for d in (int64, int32):
            found, right, state = draw(runner, rng_randperm, (n, d), state)
            assert found.tobytes() == right.tobytes()
            assert sorted(found.tolist()) == list(range(n))


def units_apart(found, right):
    """The largest distance, in units of the last place of the right number."""
    distance = np.abs(found.astype(np.float64) - right.astype(np.float64)) / np.spacing(np.abs(right)).astype(
        np.float64
    )
    return distance.max(initial=0)


@pytest.mark.parametrize("d", [float32, float64, float16])
def test_exponential(runner, d):
    state = seeded(5)
    for n in COUNTS:
        found, right, state = draw(runner, rng_exponential, ((n,), d), state, (1.7,))
        assert units_apart(found, right) <= 3


@pytest.mark.parametrize("d", [float32, float64, float16])
def test_normal(runner, d):
    """Logarithm, square root and cosine each contribute to the last places; a mean of 0 takes nothing away again."""
    state = seeded(6)
    for n in COUNTS:
        found, right, state = draw(runner, rng_normal, ((n,), d), state, (0.0, 1.0))
        assert units_apart(found, right) <= 5
        found, right, state = draw(runner, rng_normal, ((n,), d), state, (2.0, 3))  # a whole number is a number too
        assert np.allclose(
            found.astype(float), right.astype(float), rtol=0, atol={float32: 4e-6, float64: 1e-14, float16: 2e-2}[d]
        )


def test_kept_normal_number(runner):
    """Fewer than 16 are drawn in pairs; what is left over comes first next time, also with other draws in between, and
    for any mean.
    """
    state, kept = seeded(7), []
    for n in (3, 2, 1, 7, 0, 15):
        found, right, state = draw(runner, rng_normal, ((n,), float64), state, (1.0, 2.0))
        assert np.allclose(found, right, rtol=1e-13, atol=1e-14)
        kept.append(int(state[625]))
        _, _, state = draw(runner, rng_uniform, ((5,), float32), state, (0.0, 1.0))
    assert kept == [1, 1, 0, 1, 1, 0]


def test_state_in_its_own_place(host_runner):
    """The next state may be written over the old one."""
    for op, params, numbers in (
        (rng_normal, ((3,), float32), (0.0, 1.0)),
        (rng_uniform, ((2000,), float32), (0.0, 1.0)),
    ):
        state = seeded(8)
        state[625] = 1
        state[626:] = np.array([0.25]).view(np.uint32)
        right, right_after = op.numpy(state, *numbers, **dict(zip(op.params, params)))

        def over(site):
            old, new = site.inputs[0].ptr.buffer, site.others[0].ptr.buffer
            calls = rng.calls(site)
            for call in calls:
                call.args = [type(x)(old, x.offset) if getattr(x, "buffer", None) is new else x for x in call.args]
                call.reads = [old if buffer is new else buffer for buffer in call.reads]
                call.writes = [old if buffer is new else buffer for buffer in call.writes]
            return [*calls, copy_state(old, new)]

        found, after = host_runner.run(over, op, params, (state, *numbers))
        assert np.allclose(found, right, rtol=1e-6, atol=0)
        assert (after[:626] == right_after[:626]).all()


def copy_state(old, new):
    """So that the runner finds it where it looks for the result."""

    def emit(b):
        b.copy_bytes(b.arg_ptr(2), b.arg_ptr(0), 4 * STATE_WORDS)

    return Call(Kernel("test", ("copy state",), emit), [Ptr(old), Ptr(new)], 1, [old], [new])
