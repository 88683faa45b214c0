"""Convolution kernels against the NumPy rules of their ops, over random geometry, with guards around all memory."""

import random
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from suiren.compiler.emit.builder import Builder
from suiren.compiler.emit.target import BY_ISA
from suiren.compiler.kernels import conv_direct, conv_geometry, conv_plan
from suiren.compiler.program import Epilogue, Operand, Place, Ptr
from suiren.dtypes import float16, float32, float64, from_numpy_dtype, int64
from suiren.ops.conv import conv, conv_input_grad, conv_weight_grad, output_size
from suiren.trace.spec import contiguous_strides

QUICK = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

# Sums are taken in another order: with n terms of size 1, errors are within n units of the last place, far less on
# average.
TOLERANCE = {float32: 2e-5, float64: 1e-12, float16: 4e-3, int64: 0}


@st.composite
def problems(draw):
    """(x shape, weight shape, stride, padding, dilation, groups) of a convolution that exists."""
    dims = draw(st.sampled_from([1, 2, 2, 2, 3]))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    size, kernel_size = each(1, 9), each(1, 4)
    stride, low, high, dilation = each(1, 3), each(0, 3), each(0, 3), each(1, 2)
    padding = tuple(zip(low, high))
    assume(all(n + a + z >= d * (k - 1) + 1 for n, (a, z), k, d in zip(size, padding, kernel_size, dilation)))
    kind = draw(st.sampled_from(["few", "dense", "dense", "groups", "depthwise"]))
    if kind == "few":
        groups, c, o = 1, draw(st.integers(1, 4)), draw(st.sampled_from([1, 8, 17]))
    elif kind == "dense":
        groups, c, o = 1, draw(st.sampled_from([1, 6, 8, 12, 19])), draw(st.sampled_from([3, 8, 16, 20, 24, 40]))
    elif kind == "groups":
        groups, c, o = (
            draw(st.sampled_from([2, 3])),
            draw(st.sampled_from([1, 3, 8, 10])),
            draw(st.sampled_from([2, 4, 8, 16])),
        )
    else:
        groups, c, o = draw(st.sampled_from([3, 8, 11])), 1, 1
    n = draw(st.integers(1, 3))
    return (n, c * groups, *size), (o * groups, c, *kernel_size), stride, padding, dilation, groups


def arrays(shape, d, seed):
    rng = np.random.default_rng(seed)
    if d is int64:
        return rng.integers(-9, 10, shape)
    return rng.standard_normal(shape).astype(d.np)


def check(runner, op, params, inputs, *, reference=None, **how):
    """Runs it whole and unit by unit: the same bits, near the NumPy rule's."""
    d = from_numpy_dtype(inputs[0].dtype)
    (found,) = runner.run(conv_direct.calls, op, params, inputs, **how)
    (again,) = runner.run(conv_direct.calls, op, params, inputs, order=random.Random(1), **how)
    assert found.tobytes() == again.tobytes(), "the bits depend on how units are shared out"
    if reference is None:
        (reference,) = runner.reference(op, params, inputs)
    wide = reference.astype(np.float64)
    assert np.allclose(
        found.astype(np.float64), wide, rtol=0, atol=TOLERANCE[d] * max(1.0, np.abs(wide).max(initial=0))
    )
    return found


def both_ends(x_shape, weight_shape, stride, padding, dilation, d):
    x, weight = arrays(x_shape, d, 0), arrays(weight_shape, d, 1)
    out = output_size(x_shape[2:], weight_shape[2:], stride, padding, dilation)
    return x, weight, arrays((x_shape[0], weight_shape[0], *out), d, 2)


@QUICK
@given(problems(), st.sampled_from([float32, float32, float64, float16, int64]), st.booleans())
def test_random_geometry(runner, problem, d, plain):
    x_shape, weight_shape, *params = problem
    x, weight, y = both_ends(x_shape, weight_shape, *params[:3], d)
    plain = (0,) if plain and params[-1] == 1 and x_shape[1] <= 4 else ()
    check(runner, conv, tuple(params), (x, weight), plain=plain)
    check(runner, conv_input_grad, (x_shape[2:], *params), (y, weight))
    check(runner, conv_weight_grad, (weight_shape[2:], *params), (x, y), plain=plain)


# Sizes at which units are cut differently: several chunks of places, of output channels, of rows, splits over images.
LAYERS = {
    "first layer": ((4, 3, 32, 32), (6, 3, 5, 5), 1, 0, 1),
    "few channels in, one block out": ((5, 6, 14, 14), (16, 6, 5, 5), 1, 0, 1),
    "many channels on a small plane": ((2, 96, 7, 7), (160, 96, 3, 3), 1, 1, 1),
    "large plane": ((1, 16, 40, 40), (32, 16, 3, 3), 1, 1, 1),
    "stride and border": ((2, 24, 17, 17), (40, 24, 3, 3), 2, 1, 1),
    "1x1, stride 2": ((3, 32, 14, 14), (48, 32, 1, 1), 2, 0, 1),
    "stem": ((1, 3, 45, 45), (64, 3, 7, 7), 2, 3, 1),
    "groups of whole blocks": ((2, 48, 9, 9), (32, 24, 3, 3), 1, 1, 2),
    "groups of half blocks": ((2, 24, 9, 9), (24, 4, 3, 3), 1, 1, 6),
    "depthwise": ((2, 40, 13, 13), (40, 1, 3, 3), 1, 1, 40),
    "depthwise, stride 2": ((2, 20, 13, 13), (20, 1, 5, 5), 2, 2, 20),
    "two outputs for each channel": ((2, 12, 9, 9), (24, 1, 3, 3), 1, 1, 12),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(host_runner, name):
    x_shape, weight_shape, s, p, groups = LAYERS[name]
    params = ((s, s), ((p, p), (p, p)), (1, 1), groups)
    x, weight, y = both_ends(x_shape, weight_shape, *params[:3], float32)
    plain = (0,) if x_shape[1] == 3 else ()
    check(host_runner, conv, params, (x, weight), plain=plain)
    check(host_runner, conv_input_grad, (x_shape[2:], *params), (y, weight))
    check(host_runner, conv_weight_grad, (weight_shape[2:], *params), (x, y), plain=plain)


def test_transposed_with_output_padding(runner):
    """An input larger than what the outputs reach: zeros there; an input smaller than that: what lies outside is left
    out.
    """
    weight, y = arrays((8, 5, 3, 2), float32, 0), arrays((2, 8, 4, 5), float32, 1)
    params = ((2, 3), ((1, 1), (0, 0)), (1, 2), 1)
    for size in ((8, 17), (7, 15), (9, 14), (3, 4)):
        check(runner, conv_input_grad, (size, *params), (y, weight))


@pytest.mark.parametrize(("shape", "weight"), [((0, 5, 6, 6), (4, 5, 3, 3)), ((2, 0, 6, 6), (4, 0, 3, 3))])
def test_nothing_to_sum(host_runner, shape, weight):
    params = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    x, weight, y = both_ends(shape, weight, *params[:3], float32)
    check(host_runner, conv, params, (x, weight))
    check(host_runner, conv_weight_grad, (weight.shape[2:], *params), (x, y))


def test_garbage_lanes_and_neighbours_stay_out(host_runner):
    """What is infinite or NaN reaches its own outputs only: not other groups, not images, not what lies in lanes past
    C.
    """
    params = ((1, 1), ((1, 1), (1, 1)), (1, 1), 3)
    x, weight, _ = both_ends((2, 9, 6, 6), (6, 3, 3, 3), *params[:3], float32)
    x[0, 3:6] = np.inf
    found = check_finite_where(host_runner, params, x, weight)
    assert np.isfinite(found[1]).all()
    assert np.isfinite(found[0, [0, 1, 4, 5]]).all()
    assert not np.isfinite(found[0, [2, 3]]).any()


def check_finite_where(runner, params, x, weight):
    (found,) = runner.run(conv_direct.calls, conv, params, (x, weight))
    with np.errstate(invalid="ignore"):
        reference = conv.numpy(x, weight, **dict(zip(conv.params, params)))
    assert (np.isfinite(found) == np.isfinite(reference)).all()
    return found


def test_strided_weights_and_input(runner):
    """`takes` says that weights may lie at any strides, and an input of few channels too."""
    params = ((1, 2), ((1, 1), (0, 1)), (1, 1), 1)
    weight = arrays((3, 3, 4, 5), float32, 0).transpose(3, 2, 1, 0)  # (5, 4, 3, 3)
    x = arrays((2, 6, 7, 4), float32, 1).transpose(0, 3, 2, 1)  # (2, 4, 7, 6)
    place = Place(Ptr(None), float32, x.shape, tuple(s // 4 for s in x.strides))
    assert conv_direct.takes(conv, params, 0, place)
    check(runner, conv, params, (x, weight), plain=(0,), strided=(0, 1))
    y = arrays((2, 5, 7, 3), float32, 2)
    check(runner, conv_input_grad, ((7, 6), *params), (y, weight), strided=(1,))
    check(runner, conv_weight_grad, ((3, 3), *params), (x, y), plain=(0,), strided=(0,))


def test_what_must_be_blocked_first():
    params = ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    plain = Place(Ptr(None), float32, (2, 32, 5, 5), contiguous_strides((2, 32, 5, 5)))
    assert not conv_direct.takes(conv, params, 0, plain)
    assert not conv_direct.takes(conv_weight_grad, ((1, 1), *params), 1, plain)


def _bias_residual_relu():
    def emit(b, x, operands):
        bias, residual, scale = operands
        x = b.add(b.add(x, bias), b.mul(residual, scale))
        return [b.maximum(x, 0), b.gt(x, 0)]

    from suiren.dtypes import bool_

    operands = (Operand(float32, "last"), Operand(float32, "same"), Operand(float32, "number"))
    return Epilogue(("bias residual relu",), operands, (float32, bool_), emit)


@pytest.mark.parametrize("groups", [1, 4])
def test_epilogue(runner, groups):
    """A bias per channel, a residual in the place of the result, a number, two results; also where groups do not fill
    their blocks.
    """
    params = ((1, 1), ((1, 1), (1, 1)), (1, 1), groups)
    x, weight, residual = both_ends((2, 12, 7, 5), (20, 12 // groups, 3, 3), *params[:3], float32)
    bias = arrays((20,), float32, 3)
    y = conv.numpy(x, weight, **dict(zip(conv.params, params))) + bias[:, None, None] + residual * np.float32(0.5)
    for order in (None, random.Random(2)):
        value, positive = runner.run(
            conv_direct.calls,
            conv,
            params,
            (x, weight),
            epilogue=_bias_residual_relu(),
            operands=(bias, residual, 0.5),
            in_place=1,
            order=order,
        )
        assert np.allclose(value, np.maximum(y, 0), rtol=0, atol=1e-4)
        sure = np.abs(y) > 1e-4
        assert (positive == (y > 0))[sure].all()


def test_kernels_serve_many_sizes(host_runner):
    """Sizes are arguments: the same machine code runs other planes, images and channels, as long as they divide into the same tiles."""
    keys = set()
    for n, c, o, size in ((2, 16, 32, (12, 28)), (3, 32, 64, (12, 56)), (1, 64, 128, (24, 28))):
        params = ((1, 1), ((2, 2), (1, 1)), (1, 1), 1)
        x, weight, _ = both_ends((n, c, *size), (o, c, 5, 3), *params[:3], float32)
        check(host_runner, conv, params, (x, weight))
        keys.add(tuple(call.kernel.key for call in host_runner.last_calls))
    assert len(keys) == 1


def test_work_counts_real_multiplications(host_runner):
    params = ((2, 2), ((1, 1), (1, 1)), (1, 1), 1)
    x, weight, y = both_ends((2, 16, 14, 14), (32, 16, 3, 3), *params[:3], float32)
    full = 2 * y.size * prod(weight.shape[1:])
    for op, more, inputs in (
        (conv, (), (x, weight)),
        (conv_input_grad, ((14, 14),), (y, weight)),
        (conv_weight_grad, ((3, 3),), (x, y)),
    ):
        host_runner.run(conv_direct.calls, op, (*more, *params), inputs)
        assert 0.9 * full <= sum(call.flops for call in host_runner.last_calls) <= full, (
            op
        )  # no multiplication by inserted zeros


@pytest.mark.parametrize("isa", BY_ISA)
def test_other_instruction_sets(isa, host_runner):
    """The text for every target is valid, and its register tile fits."""
    target = BY_ISA[isa]
    for lengths in ((1,), (1, 5), (1, 2, 4, 8)):
        for is_vector in (False, True):
            for channel_blocks, run, count in ((1, 10, 40), (4, 14, 60), (64, 1, 60)):
                machine = conv_plan.Machine(target, float32, target.lanes(float32), is_vector)
                ways, chunk = conv_plan.ways_over_rows(count, run), conv_geometry.Chunks(lengths, 1)
                rows, columns, length, run = conv_plan.shape(machine, ways, 1, channel_blocks, chunk, 72, True)
                assert rows * columns + columns + 1 <= target.registers
                assert length in lengths and rows % run == 0
    captured = []
    x, weight, _ = both_ends((1, 16, 8, 8), (32, 16, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), float32)
    host_runner.run(
        lambda site: captured.append(site) or conv_direct.calls(site),
        conv,
        ((1, 1), ((1, 1), (1, 1)), (1, 1), 1),
        (x, weight),
    )
    for call in conv_direct.calls(captured[0]):
        b = Builder(target)
        call.kernel.emit(b)
        host_runner.llvm.parse_assembly(b.module_text()).verify()


def test_phases_partition_the_input():
    """Every input belongs to one phase, and every (input, tap) that an output reaches is listed once."""
    size, out, kernel_size, stride, padding, dilation = 11, 4, 4, 3, (2, 1), 2
    (_, _, dim) = conv_geometry.backward_dims((size,), (out,), (kernel_size,), (stride,), (padding,), (dilation,))
    seen = []
    for phase in dim.phases:
        for m in range(phase.count):
            i = phase.origin + m * dim.out_step
            seen.append(i)
            reached = {(k, m + c) for k, c in phase.taps if 0 <= m + c < out}
            assert reached == {
                (k, q) for k in range(kernel_size) for q in range(out) if q * stride + k * dilation - padding[0] == i
            }
    assert sorted(seen) == list(range(size))
