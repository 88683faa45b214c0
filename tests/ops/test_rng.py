"""Random numbers: recorded values of PyTorch 2.13, how the state moves on, messages. tests/oracle compares with PyTorch
itself.
"""

import numpy as np
import pytest

from suiren.dtypes import bool_, float32, float64, int64, uint32
from suiren.ops.rng import (
    STATE_WORDS,
    rng_bernoulli,
    rng_exponential,
    rng_normal,
    rng_randint,
    rng_randperm,
    rng_uniform,
)
from suiren.trace.spec import spec


def seeded(seed: int) -> np.ndarray:
    bits = np.random.MT19937()
    bits._legacy_seeding(seed)
    state = np.zeros(STATE_WORDS, np.uint32)
    state[:624], state[624] = bits.state["state"]["key"], bits.state["state"]["pos"]
    return state


# torch.manual_seed(1000), then each of these as the first draw.
RECORDED = [
    (rng_uniform, ((4,), float32), (0.0, 1.0), [0.3189346194267273, 0.6135610938072205, 0.44177669286727905, 0.2580375671386719]),
    (rng_uniform, ((3,), float64), (-1.0, 2.0), [0.6544311602426381, 0.6026415019745244, -0.46204327069528683]),
    (rng_normal, ((5,), float32), (0.0, 1.0), [-1.1720491647720337, -0.3928842544555664, 0.5264794826507568, 1.1065099239349365, 0.927274763584137]),
    (rng_normal, ((17,), float64), (0.0, 1.0), [-1.2154461538574315, 0.14195019739622136, 1.5266540590287523, 1.6942040979879582, 0.686934164238327, 0.08465379401633272, -0.6303296934608397, 0.24212188691521302, -0.2858639193744273, -0.10745371357643978, 2.3828633672931447, 0.6121090889248673, 0.6351482578249169, -0.6480267492682024, -1.152424107902907, -0.8009705076204959, 0.4284478496810895]),
    (rng_bernoulli, ((8,), bool_), (0.4,), [False, False, True, False, False, False, True, False]),
    (rng_exponential, ((3,), float64), (2.0,), [0.4008977179180091, 0.3820143106982614, 0.09881034281786286]),
    (rng_randint, ((5,), int64), (-3, 96), [4, 76, 44, 45, 48]),
    (rng_randint, ((3,), int64), (0, (1 << 40) - 1), [769681855063, 307564252864, 1078080850270]),
    (rng_randperm, (9, int64), (), [7, 8, 4, 5, 3, 0, 2, 1, 6]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "params", "numbers", "right"), RECORDED)
def test_recorded_numbers(op, params, numbers, right):
    found, _ = op.numpy(seeded(1000), *numbers, **dict(zip(op.params, params)))
    assert np.array_equal(found, np.array(right, found.dtype))


def test_state_moves_on():
    """Two draws are one draw of both; nothing is written into the state that went in."""
    start = seeded(5)
    kept = start.copy()
    first, state = rng_uniform.numpy(start, 0.0, 1.0, shape=(700,), dtype=float32)
    second, state = rng_uniform.numpy(state, 0.0, 1.0, shape=(3, 5), dtype=float32)
    both, state_of_both = rng_uniform.numpy(start, 0.0, 1.0, shape=(715,), dtype=float32)
    assert np.array_equal(np.concatenate([first, second.ravel()]), both)
    assert np.array_equal(state, state_of_both) and np.array_equal(start, kept)


def test_a_second_normal_number_is_kept():
    """In pairs of their own, across draws of other kinds; from 16 on none is kept nor used."""
    state = seeded(6)
    pairs, _ = rng_normal.numpy(state, 0.0, 1.0, shape=(2,), dtype=float64)
    first, state = rng_normal.numpy(state, 0.0, 1.0, shape=(1,), dtype=float64)
    assert state[625] == 1
    _, state = rng_uniform.numpy(state, 0.0, 1.0, shape=(3,), dtype=float32)
    _, state = rng_normal.numpy(state, 0.0, 1.0, shape=(16,), dtype=float32)
    assert state[625] == 1
    second, state = rng_normal.numpy(state, 0.0, 1.0, shape=(1,), dtype=float64)
    assert np.array_equal(np.concatenate([first, second]), pairs) and state[625] == 0


def test_distributions():
    """Moments over many numbers, within five standard errors."""
    state, n = seeded(7), 200_000
    for op, numbers, d, mean, deviation in (
        (rng_uniform, (-1.0, 3.0), float32, 1.0, 4 / 12**0.5),
        (rng_normal, (2.0, 3.0), float32, 2.0, 3.0),
        (rng_exponential, (4.0,), float32, 0.25, 0.25),
        (rng_bernoulli, (0.3,), float32, 0.3, (0.3 * 0.7) ** 0.5),
        (rng_randint, (1, 6), int64, 3.5, (35 / 12) ** 0.5),
    ):
        x, state = op.numpy(state, *numbers, shape=(n,), dtype=d)
        assert abs(x.mean(dtype=np.float64) - mean) < 5 * deviation / n**0.5
        assert abs(x.std(dtype=np.float64) - deviation) < 0.01 * deviation


def test_messages():
    state = spec((STATE_WORDS,), uint32)
    with pytest.raises(RuntimeError, match="\"normal_kernel_cpu\" not implemented for 'Long'"):
        rng_normal.infer((state, float, float), ((3,), int64))
    with pytest.raises(RuntimeError, match="a generator's state is uint32"):
        rng_uniform.infer((spec((625,), uint32), float, float), ((3,), float32))
