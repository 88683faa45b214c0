"""Generators: seeds, states, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import suiren
from suiren.random import mt19937


def test_a_state_goes_there_and_back():
    g = suiren.Generator().manual_seed(3)
    suiren.randn(3, generator=g)
    state = g.get_state()
    assert (tuple(state.shape), state.dtype) == ((5056,), suiren.uint8)
    first = suiren.randn(4, generator=g).numpy()
    g.set_state(state)
    np.testing.assert_array_equal(suiren.randn(4, generator=g).numpy(), first)
    other = suiren.Generator()
    other.set_state(state)
    assert other.initial_seed() == 3
    np.testing.assert_array_equal(suiren.randn(4, generator=other).numpy(), first)


def test_bytes_of_a_state():
    for seed in (0, 5, 2**32 + 7, 2**64 - 1):
        state = mt19937.seeded(seed)
        data = mt19937.to_bytes(state, seed)
        back, initial = mt19937.from_bytes(data)
        np.testing.assert_array_equal(back, state)
        assert initial == seed
        old, _ = mt19937.from_bytes(data[:5048])  # the older format ends before the float sample
        np.testing.assert_array_equal(old, state)


def test_seeding_is_numpys_legacy_seeding():
    for seed in (0, 1, 1000, 2**32 - 1):
        np.testing.assert_array_equal(mt19937.seeded(seed)[:624], np.random.RandomState(seed).get_state()[1])


def test_seeds():
    g = suiren.Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(5) is g
    assert g.manual_seed(-3).initial_seed() == 2**64 - 3
    assert g.device == suiren.device("cpu")
    assert g.seed() == g.initial_seed()
    assert suiren.manual_seed(8) is suiren.default_generator
    assert suiren.initial_seed() == 8
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            g.manual_seed(bad)
    with pytest.raises(RuntimeError, match="manual_seed expected a long, but got float"):
        g.manual_seed(1.5)
    with pytest.raises(AssertionError, match="CUDA"):
        suiren.Generator("cuda")


def test_bad_states():
    g = suiren.Generator()
    with pytest.raises(TypeError, match="RNG state must be a torch.ByteTensor"):
        g.set_state(suiren.zeros(3))
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 3"):
        g.set_state(suiren.zeros(3, dtype=suiren.uint8))


def test_copies_draw_the_same():
    g = suiren.Generator().manual_seed(2)
    suiren.rand(5, generator=g)
    copies = [copy.deepcopy(g), pickle.loads(pickle.dumps(g)), g.clone_state()]
    expected = suiren.rand(3, generator=g).numpy()
    for other in copies:
        np.testing.assert_array_equal(suiren.rand(3, generator=other).numpy(), expected)


def test_fork_rng():
    suiren.manual_seed(1)
    expected = suiren.rand(2).numpy()
    suiren.manual_seed(1)
    with suiren.random.fork_rng():
        suiren.rand(100)
    np.testing.assert_array_equal(suiren.rand(2).numpy(), expected)


def test_rng_state_functions():
    suiren.manual_seed(1)
    state = suiren.get_rng_state()
    expected = suiren.rand(2).numpy()
    suiren.set_rng_state(state)
    np.testing.assert_array_equal(suiren.rand(2).numpy(), expected)


def test_seeding_in_the_middle_of_a_recording():
    suiren.manual_seed(1)
    a = suiren.rand(3)
    suiren.manual_seed(1)
    b = suiren.rand(3)
    assert bool((a == b).all())
