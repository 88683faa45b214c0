"""In-place forms of operations whose gradient needs what they overwrite. The form that makes a new tensor is the oracle, except where PyTorch refuses."""

from __future__ import annotations

import pytest

import suiren as t
import suiren.nn.functional as F

FORMS = {
    "sin": (lambda h, w: h.sin_(), lambda h, w: h.sin()),
    "log1p": (lambda h, w: h.log1p_(), lambda h, w: h.log1p()),
    "abs": (lambda h, w: h.abs_(), lambda h, w: h.abs()),
    "clamp": (lambda h, w: h.clamp_(0.2, 0.5), lambda h, w: h.clamp(0.2, 0.5)),
    "pow": (lambda h, w: h.pow_(3), lambda h, w: h.pow(3)),
    "mul": (lambda h, w: h.mul_(w), lambda h, w: h.mul(w)),
    "div by a function of itself": (lambda h, w: h.div_(2 + h), lambda h, w: h.div(2 + h)),
    "*=": (lambda h, w: h.__imul__(w), lambda h, w: h * w),
    "/=": (lambda h, w: h.__itruediv__(w + 1), lambda h, w: h / (w + 1)),
    "**=": (lambda h, w: h.__ipow__(2), lambda h, w: h**2),
    "a chain": (lambda h, w: h.sin_().mul_(w).exp_(), lambda h, w: h.sin().mul(w).exp()),
    "a row": (lambda h, w: (h[0].cos_(), h)[1], lambda h, w: t.cat([h[:1].cos(), h[1:]])),
    **{
        name: (lambda h, w, f=f: f(h, inplace=True), lambda h, w, f=f: f(h))
        for name, f in {
            "leaky_relu": F.leaky_relu, "elu": F.elu, "celu": F.celu, "selu": F.selu, "relu6": F.relu6, "hardtanh": F.hardtanh, "silu": F.silu,
            "mish": F.mish, "hardswish": F.hardswish, "hardsigmoid": F.hardsigmoid,
        }.items()
    },
}  # fmt: skip


def gradients(form, when: str) -> list:
    """Of w and of a factor, through x @ w and `form`. `when`: where the recording ends on the way, or whether the gradient is differentiated."""
    t.manual_seed(0)
    x, w, factor = t.rand(3, 4), t.rand(4, 5, requires_grad=True), t.rand(3, 5, requires_grad=True)
    h = x @ w
    if when == "a look before":
        h.sum().item()
    loss = (form(h, factor) ** 2).sum()
    if when == "a look after":
        loss.item()
    if when == "twice":
        loss = sum((g**2).sum() for g in t.autograd.grad(loss, [w, factor], create_graph=True, allow_unused=True) if g is not None)
    loss.backward()
    return [w.grad, factor.grad]


@pytest.mark.parametrize("when", ["at once", "a look before", "a look after", "twice"])
@pytest.mark.parametrize("name", FORMS)
def test_what_an_in_place_form_overwrites_is_there_for_its_gradient(tier, name, when):
    written, made = FORMS[name]
    for found, expected in zip(gradients(written, when), gradients(made, when), strict=True):
        t.testing.assert_close(found, expected)


def test_the_graph_shows_one_node():
    h = t.ones(3, requires_grad=True) * 2
    h.sin_()
    assert h.grad_fn.name() == "SinBackward0"
    assert [f.name() for f, _ in h.grad_fn.next_functions] == ["MulBackward0"]


def test_another_argument_that_is_the_tensor_itself_is_gone():
    h = t.ones(3, requires_grad=True) * 2
    h.mul_(h)
    with pytest.raises(RuntimeError, match=r"is at version 1; expected version 0"):
        h.sum().backward()


def test_a_leaf_is_not_written_by_an_activation():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        F.leaky_relu(t.ones(3, requires_grad=True), inplace=True)


def test_a_power_assignment_writes_into_the_tensor():
    x = t.tensor([2.0, 3.0])
    y = x
    y **= 2
    assert x.tolist() == [4, 9]
