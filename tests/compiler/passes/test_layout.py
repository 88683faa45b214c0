"""layout: what lies in blocks of channels, and that everything else does not notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suiren.compiler import pipeline
from suiren.compiler.emit.target import AVX512
from suiren.compiler.passes.layout import layout
from suiren.compiler.program import program_of
from suiren.config import config

PLAIN = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
POOL = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil_mode": False}


def copies(program):
    return [call for call in program.calls if call.kernel.family == "loop" and call.label.startswith("copy")]


@pytest.mark.parametrize("channels", [1, 3, 8, 12, 16])
def test_a_chain_of_convolutions_stays_in_blocks(recorder, agree, elements, channels):
    r = recorder(
        elements((2, 8, 9, 9)),
        elements((channels, 8, 3, 3), seed=1),
        elements((5, channels, 3, 3), seed=2),
        elements((channels,), seed=3),
    )
    h = r("conv", 0, 1, **PLAIN)
    h = r("relu", r("add", h, r("reshape", 3, shape=(channels, 1, 1))))
    h = r("mul", h, r("sigmoid", h))
    y = r("conv", h, 2, **PLAIN)
    program = agree(r, r.trace(y), atol=1e-4)
    assert len(copies(program)) == 2  # the input into blocks, the output out of them


@pytest.mark.parametrize("channels", [1, 3, 8, 12])
def test_reductions_and_broadcasts_read_blocks(recorder, agree, elements, channels):
    r = recorder(elements((2, 8, 6, 5)), elements((channels, 8, 3, 3), seed=1), elements((1, channels, 1, 1), seed=2))
    h = r("conv", 0, 1, **PLAIN)
    mean = r("div", r("sum", h, dims=(0, 2, 3), keepdim=True), r.number(60))
    d = r("mul", r("sub", h, mean), 2)
    found = [r("sum", d, dims=dims, keepdim=False) for dims in ((0, 1, 2, 3), (1,), (2, 3), (0,), (3,))]
    found += [*r("max_with_index", d, dims=(1,), keepdim=True), r("amax", h, dims=(0, 2, 3), keepdim=False)]
    agree(r, r.trace(*found, d), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("channels", [3, 8])
def test_blocks_once_per_outer_index_of_a_plain_reduction(recorder, agree, elements, channels):
    """A block of one place, scaled by the mean of a plain value: the channels of the two are not the same dim."""
    r = recorder(elements((2, channels, 5, 6)), elements((channels, 2, 1, 1), seed=1), elements((2, 2, 1, 1), seed=2))
    scale = r("sigmoid", r("conv", 2, 1, **(PLAIN | {"padding": ((0, 0), (0, 0))})))
    mean = r("reshape", r("sum", r("mul", 0, 0), dims=(2, 3), keepdim=False), shape=(2, channels, 1, 1))
    agree(r, r.trace(r("mul", mean, scale)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3, 8])
def test_blocks_scaled_by_their_own_sum(recorder, agree, elements, channels):
    r = recorder(elements((2, 8, 5, 6)), elements((channels, 8, 3, 3), seed=1))
    h = r("sigmoid", r("conv", 0, 1, **PLAIN))
    agree(r, r.trace(r("mul", h, r("sum", h, dims=(0, 1, 2, 3), keepdim=False))), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("channels", [3, 8, 12])
@pytest.mark.parametrize("left_out", ["", "-layout", "-fuse", "-layout,-fuse,-reuse,-simplify"])
def test_views_of_blocks_see_plain_values(recorder, agree, elements, channels, left_out):
    r = recorder(elements((2, 8, 6, 6)), elements((channels, 8, 3, 3), seed=1))
    h = r("relu", r("conv", 0, 1, **PLAIN))
    flat = r("neg", r("reshape", h, shape=(2, channels * 36)))
    part = r("slice", h, starts=(0, 1, 2, 0), sizes=(2, channels - 1, 3, 6), steps=(1, 1, 1, 1))
    value, index = r("max_pool", h, **POOL)
    joined = r("cat", h, r("exp", r("tanh", h)), dim=1)
    with config(passes=left_out):
        agree(r, r.trace(flat, part, value, index, joined, r("permute", h, dims=(1, 0, 3, 2))), atol=1e-4)


def test_plain_operands_of_the_same_shape_are_read_as_they_lie(recorder, agree, elements):
    r = recorder(
        elements((2, 8, 6, 6)),
        elements((12, 8, 3, 3), seed=1),
        elements((2, 12, 6, 6), seed=2),
        elements((2, 12, 6, 6), "int64", seed=3),
    )
    h = r("conv", 0, 1, **PLAIN)
    y = r("sum", r("mul", r("mul", h, h), r("add", 2, 3)), dims=(1, 2, 3), keepdim=False)
    agree(r, r.trace(y, r("where", r("gt", 3, 4 if False else r.number(4)), h, 2)), rtol=1e-4, atol=1e-3)


def test_gradients_of_a_small_network(recorder, agree, elements):
    """Forward and backward of convolution, bias, relu and pooling, as a step records them."""
    r = recorder(
        elements((3, 8, 8, 8)), elements((10, 8, 3, 3), seed=1), elements((10,), seed=2), elements((3, 160), seed=3)
    )
    h = r("relu", r("add", r("conv", 0, 1, **PLAIN), r("reshape", 2, shape=(1, 10, 1, 1))))
    value, index = r("max_pool", h, **POOL)
    g = r("reshape", r("mul", 3, r("reshape", value, shape=(3, 160))), shape=(3, 10, 4, 4))
    g = r(
        "max_pool_grad", g, index, size=(8, 8), **{k: POOL[k] for k in ("kernel_size", "stride", "padding", "dilation")}
    )
    g = r("where", r("le", h, r.number(0)), r.number(0), g)
    bias = r("sum", g, dims=(0, 2, 3), keepdim=False)
    weight = r("conv_weight_grad", 0, g, kernel_size=(3, 3), **PLAIN)
    back = r("conv_input_grad", g, 1, size=(8, 8), **PLAIN)
    new = r("sub", 1, r("mul", weight, r.number(0.1)))
    program = agree(
        r, r.trace(bias, back, writes=((1, new), (2, r("sub", 2, r("mul", bias, r.number(0.1)))))), rtol=1e-4, atol=1e-3
    )
    assert program.blocks


def test_nothing_is_blocked_without_a_template_that_wants_it(recorder, elements):
    r = recorder(elements((2, 8, 6, 6)))
    assert not pipeline.lowered(r.trace(r("exp", 0))).blocks


@pytest.mark.parametrize("channels, piece_bytes, block", [(6, 32, 8), (16, 32, 16), (64, 32, 16), (6, 0, 16), (24, 32, 8)])
def test_a_block_is_half_a_vector_where_that_costs_less(recorder, elements, channels, piece_bytes, block):
    """On a processor that works on vectors in two pieces six channels take one piece; where a vector is one, nothing is gained."""
    r = recorder(elements((2, 4, 9, 9)), elements((channels, 4, 3, 3), seed=1))
    y = r("conv", 0, 1, **PLAIN)
    program = layout(program_of(r.trace(y), replace(AVX512, piece_bytes=piece_bytes)))
    assert program.block == block
    assert program.blocks and set(program.blocks.values()) == {block}
