"""The switches of a process, versions, `compile`, `jit`, mixed precision and the other devices."""

from __future__ import annotations

import pytest

import suiren
from suiren.version import TorchVersion


def test_deterministic_switches_are_kept():
    try:
        suiren.use_deterministic_algorithms(True, warn_only=True)
        assert suiren.are_deterministic_algorithms_enabled() and suiren.is_deterministic_algorithms_warn_only_enabled()
        assert suiren.get_deterministic_debug_mode() == 1
        suiren.set_deterministic_debug_mode("error")
        assert suiren.get_deterministic_debug_mode() == 2
        with pytest.raises(RuntimeError, match="expected one of `default`, `warn`, `error`, but got loud"):
            suiren.set_deterministic_debug_mode("loud")
    finally:
        suiren.set_deterministic_debug_mode(0)
    assert not suiren.are_deterministic_algorithms_enabled()


def test_precision_of_products_is_kept():
    suiren.set_float32_matmul_precision("high")
    assert suiren.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="fast is not one of 'highest', 'high', or 'medium'"):
        suiren.set_float32_matmul_precision("fast")
    suiren.set_float32_matmul_precision("highest")


def test_flags_of_backends_for_a_while():
    cudnn = suiren.backends.cudnn
    with cudnn.flags(enabled=False, benchmark=True):
        assert cudnn.benchmark and not cudnn.enabled
    assert cudnn.enabled and not cudnn.benchmark
    with suiren.backends.cuda.sdp_kernel(enable_flash=False):
        assert not suiren.backends.cuda.flash_sdp_enabled()
    assert suiren.backends.cuda.flash_sdp_enabled()
    assert suiren.backends.cpu.get_cpu_capability() in ("DEFAULT", "NEON", "AVX2", "AVX512")


@pytest.mark.parametrize(
    ("other", "order"),
    [("2.0", 1), ("2.4.1", 1), ((2, 0), 1), ("2.13.0", 1), ("2.13", 1), ("2.14", -1), ((3,), -1), ("2.13.0a0", 1), ("10.0", -1), ("1.9.0+cpu", 1)],
)
def test_version_compares_by_its_numbers(other, order):
    v = suiren.__version__
    assert isinstance(v, str) and isinstance(v, TorchVersion)
    if other == (2, 13):
        order = 0
    assert (v > other, v >= other, v < other, v <= other, v == other) == ((order > 0), (order >= 0), (order < 0), (order <= 0), (order == 0))


def test_version_is_parsed_as_programs_parse_it():
    v = suiren.__version__
    assert v == "2.13.0+suiren." + suiren.version.suiren and v != "2.13.0" and hash(v) == hash(str(v))
    assert [int(n) for n in v.split("+")[0].split(".")] == [2, 13, 0] and v.split(".")[:2] == ["2", "13"]
    assert TorchVersion("1.10.0") > "1.9" and TorchVersion("2.0.0rc1") < "2.0" and TorchVersion("2.0.0") == (2, 0)
    assert suiren.version.cuda is None


def test_compile_and_jit_give_back_what_they_were_given():
    net = suiren.nn.Linear(2, 1)
    assert suiren.compile(net) is net and suiren.compile(fullgraph=True)(net) is net and suiren.jit.script(net) is net
    with pytest.raises(RuntimeError, match="Either mode or options can be specified"):
        suiren.compile(net, mode="default", options={})
    with pytest.raises(RuntimeError, match="only implemented for modules in eval mode"):
        suiren.jit.freeze(net)
    with pytest.raises(NotImplementedError, match="no TorchScript files"):
        suiren.jit.save(net, "net.pt")

    class Net(suiren.jit.ScriptModule):
        @suiren.jit.script_method
        def forward(self, x):
            return x + 1

    assert Net()(suiren.zeros(1)).item() == 1
    assert suiren.jit.trace(net, suiren.ones(1, 2)) is net


def test_autocast_for_cuda_is_off():
    with pytest.warns(UserWarning, match="CUDA is not available"), suiren.autocast("cuda"):
        assert (suiren.ones(1) + 1).dtype is suiren.float32
    with suiren.autocast("cpu", enabled=False):
        pass


def test_grad_scaler_leaves_out_steps_with_infinite_gradients(tier):
    p = suiren.nn.Parameter(suiren.ones(2))
    optimizer = suiren.optim.SGD([p], lr=0.5)
    scaler = suiren.amp.GradScaler("cpu", init_scale=4.0, growth_interval=1)
    scaler.scale((p * 2).sum()).backward()
    assert p.grad.tolist() == [8.0, 8.0]
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [0.0, 0.0] and scaler.get_scale() == 8.0
    p.grad = suiren.tensor([float("inf"), 1.0])
    scaler.step(optimizer)
    assert p.tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called since the last update\(\)"):
        scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 4.0
    other = suiren.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 4.0
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert suiren.cuda.amp.GradScaler().scale(3) == 3


def _write(i, folder, numbers):
    if i == 2:
        raise ValueError("the third fails")
    (folder / str(i)).write_text(str((numbers + i).tolist()))


def test_spawn_calls_a_function_in_new_processes(tmp_path):
    mp = suiren.multiprocessing
    mp.spawn(_write, (tmp_path, suiren.tensor([1, 2])), nprocs=2, start_method="fork")
    assert (tmp_path / "1").read_text() == "[2, 3]"
    with pytest.raises(mp.ProcessRaisedException, match="the third fails"):
        mp.spawn(_write, (tmp_path, suiren.tensor([1, 2])), nprocs=3, start_method="fork")
    before = mp.get_sharing_strategy()
    mp.set_sharing_strategy("file_system")
    mp.set_sharing_strategy(before)
    with pytest.raises(AssertionError, match="invalid strategy"):
        mp.set_sharing_strategy("telepathy")
    assert mp.get_context("spawn").Process
