import pytest

from suiren.compiler.passes import domain


def test_bounds_are_the_same_for_the_same_space():
    assert domain.bounds_of((4, 10)) == domain.bounds_of((4, 1, 10, 1)) == (1, 10, 40)
    assert domain.bounds_of(()) == domain.bounds_of((1, 1)) == (1,)
    assert domain.bounds_of((3, 0)) is None


def test_refine_finds_the_common_cut_or_none():
    assert domain.refine((1, 10, 40), (1, 5, 40)) == (1, 5, 10, 40)
    assert domain.refine((1, 3, 6), (1, 2, 6)) is None


@pytest.mark.parametrize(
    "dims, outer", [((0,), (1, 6, 24)), ((1,), (1, 6, 12)), ((2,), (1, 4, 8)), ((0, 2), (1, 4)), ((), (1, 6, 24, 48))]
)
def test_outer_space(dims, outer):
    shape = (2, 4, 6)
    inner = domain.intervals_of(shape, dims)
    assert domain.outer_bounds(domain.bounds_of(shape), inner) == outer


def test_neighbouring_reduced_dims_are_one_interval():
    assert domain.intervals_of((2, 3, 4, 5), (1, 2)) == ((5, 60),)
    assert domain.intervals_of((2, 3, 4, 5), (1, 3)) == ((1, 5), (20, 60))


def test_a_finer_outer_space_cuts_the_full_one():
    bounds, inner = domain.bounds_of((12, 5)), domain.intervals_of((12, 5), (1,))
    assert domain.refine_outer(bounds, inner, (1, 4, 12)) == (1, 5, 20, 60)
    assert domain.refine_outer(bounds, inner, (1, 5, 12)) is None


def test_split_gives_strides_of_every_atom():
    assert domain.split((4, 10), (10, 1), (1, 5, 10, 20, 40)) == (20, 10, 5, 1)
    assert domain.split((4, 10), (1, 4), (1, 10, 40)) == (1, 4)
    assert domain.split((1, 4, 1, 10), (7, 0, 9, 3), (1, 10, 40)) == (0, 3)


def test_identity_is_an_access_to_everything_in_order():
    whole = domain.whole(0, (3, 4))
    assert domain.is_identity(whole, 12)
    assert domain.is_identity(whole._replace(shape=(12,), strides=(1,)), 12)
    assert not domain.is_identity(whole._replace(shape=(4, 3), strides=(1, 4)), 12)
    assert not domain.is_identity(domain.broadcast(domain.whole(0, (1, 4)), (3, 4)), 4)
