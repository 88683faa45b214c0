import math

import pytest

from suiren import ops  # noqa: F401
from suiren.compiler.passes.symbolic import DEAR, ask
from suiren.dtypes import float32, int64
from suiren.trace.op import REGISTRY


def said(name, constants, d=float32, params=()):
    return ask(REGISTRY[name], params, (d,) * len(constants), tuple(constants))


@pytest.mark.parametrize(
    "name, constants, same",
    [
        ("mul", (None, 1.0), 0),
        ("mul", (1, None), 1),
        ("add", (None, -0.0), 0),
        ("sub", (None, 0.0), 0),
        ("div", (None, 1), 0),
        ("copy", (None,), 0),
    ],
)
def test_what_is_exact_is_the_identity(name, constants, same):
    assert said(name, constants).same == same


@pytest.mark.parametrize(
    "name, constants",
    [("add", (None, 0.0)), ("sub", (None, -0.0)), ("mul", (None, 0.0)), ("sub", (0.0, None)), ("div", (1, None))],
)
def test_what_is_not_exact_is_not(name, constants):
    # x + 0 is 0 where x is -0; x * 0 is NaN where x is infinite
    assert said(name, constants).same is None
    assert said(name, constants).constant is None


def test_whole_numbers_have_one_zero():
    assert said("add", (None, 0), int64).same == 0


def test_constants_are_computed_in_their_dtype():
    assert said("mul", (0.1, 3.0)).constant == pytest.approx(0.30000001192092896, abs=0)
    assert said("lt", (1.0, 2.0)).constant is True
    assert said("neg", (0.0,)).constant == 0 and math.copysign(1, said("neg", (0.0,)).constant) < 0


def test_a_known_condition_chooses():
    where = REGISTRY["where"]
    from suiren.dtypes import bool_

    assert ask(where, (), (bool_, float32, float32), (True, None, None)).same == 1
    assert ask(where, (), (bool_, float32, float32), (False, None, None)).same == 2


def test_costs_tell_dear_from_cheap():
    assert said("add", (None, None)).cost == 1
    assert said("exp", (None,)).cost >= DEAR


def test_a_check_is_neither_identity_nor_constant():
    check = REGISTRY["check_index"]
    found = ask(check, (3, "{value}", "IndexError"), (int64,), (None,))
    assert found.checks and found.same is None


@pytest.mark.parametrize(
    "op", [op for op in REGISTRY.values() if op.kind == "pointwise" and op.is_compiled], ids=lambda op: op.name
)
def test_every_rule_can_be_asked(op):
    """None falls back to the pessimistic answer because a builder's method is missing."""
    if op.params:
        return
    found = ask(
        op,
        (),
        tuple(op.types((float32,) * 0, ())[0]) if not op.inputs else (float32,) * len(op.inputs),
        (None,) * len(op.inputs),
    )
    assert found.cost >= 1
