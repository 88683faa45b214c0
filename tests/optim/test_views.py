"""Parameters that are views of other tensors are updated as any other, and so is what they are views of."""

from __future__ import annotations

import pytest

import suiren as t
from suiren import optim
from suiren.nn import Linear, Parameter
from suiren.nn.utils.parametrizations import weight_norm

PARAMETERS = {
    "a detached result": lambda: (t.arange(6.0).view(2, 3) * 2).detach().requires_grad_(),
    "a Parameter of a Parameter's data": lambda: Parameter(Parameter(t.arange(6.0).view(2, 3) * 2).data),
    "rows": lambda: (t.arange(9.0).view(3, 3) * 2)[:2].requires_grad_(),
    "a transposed matrix": lambda: Parameter((t.arange(6.0) * 2).view(3, 2).t()),
}


def path(make, optimizer) -> list:
    p, found = make(), []
    step = optimizer([p])
    for _ in range(4):
        step.zero_grad()
        (p**2).sum().backward()
        step.step()
        found.append(p.detach().clone())
    return found


@pytest.mark.parametrize("optimizer", [lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda p: optim.AdamW(p, 0.1, amsgrad=True), lambda p: optim.RMSprop(p)])
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_view_is_updated(tier, name, optimizer):
    make = PARAMETERS[name]
    expected = path(lambda: make().detach().clone().requires_grad_(), optimizer)
    t.testing.assert_close(path(make, optimizer), expected)
    assert not expected[0].equal(make())


def test_what_it_is_a_view_of_changes_too(tier):
    base = t.ones(3, 2)
    row, rest = base[0].requires_grad_(), base[1:]
    step = optim.SGD([row], 0.5)
    for expected in (0.5, 0.25):
        step.zero_grad()
        (row**2).sum().mul(0.5).backward()
        step.step()
        assert base[0].tolist() == [expected] * 2
    assert rest.eq(1).all()


def test_both_parts_of_a_normalised_weight_learn():
    t.manual_seed(0)
    layer = weight_norm(Linear(3, 2))
    before = {k: p.detach().clone() for k, p in layer.named_parameters()}
    step = optim.SGD(layer.parameters(), 0.1)
    layer(t.randn(4, 3)).pow(2).sum().backward()
    step.step()
    for k, p in layer.named_parameters():
        t.testing.assert_close(p.detach(), before[k] - 0.1 * p.grad)
