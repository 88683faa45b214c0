"""A tensor that an earlier recording made is written in place: backward goes through the write, and on to what made it."""

from __future__ import annotations

import pytest

import suiren


def whole(o):
    o.mul_(3)
    return (o * o).sum()


def through_a_view(o):
    w = o.reshape(2, 3)
    w.mul_(3)
    return (w * w).sum()


def part(o):
    w = o[1:3]
    w.mul_(3)
    return (o * o).sum()


def only_the_part(o):
    w = o[1:3]
    w.mul_(3)
    return (w * w).sum()


def another_view(o):
    w, v = o.reshape(2, 3), o[1:3]
    v.mul_(3)
    return (w * w).sum()


def looked_at_in_between(o):
    o.mul_(3)
    o.sum().item()
    o.mul_(2)
    o.sum().item()
    return (o * o).sum()


def read_before_it_was_written(o):
    before = o + 1  # of the value that it had: addition keeps nothing
    before.sum().item()
    o.mul_(3)
    o.sum().item()
    return (before * before).sum()


# PyTorch 2.13's gradients of y = 0 … 5, for o = 2 y
EXPECTED = {
    whole: [0, 72, 144, 216, 288, 360],
    through_a_view: [0, 72, 144, 216, 288, 360],
    part: [0, 72, 144, 24, 32, 40],
    only_the_part: [0, 72, 144, 0, 0, 0],
    another_view: [0, 72, 144, 24, 32, 40],
    looked_at_in_between: [0, 288, 576, 864, 1152, 1440],
    read_before_it_was_written: [4, 12, 20, 28, 36, 44],
}


@pytest.mark.parametrize("program", EXPECTED, ids=lambda f: f.__name__)
def test_gradients(program, tier):
    y = suiren.arange(6.0).requires_grad_()
    o = (y * 2).clone()
    o.sum().item()  # computed: what follows is another recording
    program(o).backward()
    assert y.grad.tolist() == EXPECTED[program]
    assert o.grad_fn is not None and o.grad_fn.next_functions
