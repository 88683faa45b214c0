"""Explanations name what a person looks for: the user's line, the fused kernel, its work, the memory."""

from __future__ import annotations

import subprocess
import sys

import suiren


def test_explain_a_step():
    w = suiren.ones(64, 32).requires_grad_()
    x = suiren.ones(128, 64)

    def step():
        w.grad = None
        (x @ w).relu().sum().backward()

    found = str(suiren.explain(step))
    assert "matmul(%0, %1)" in found
    assert "test_explain.py" in found
    assert "gemm 128x32x64" in found
    assert "GFLOP/s" in found
    assert "arena of" in found


def test_explain_nothing():
    assert "nothing was run" in suiren.explain(lambda: None)


def test_explain_an_operation_that_is_interpreted():
    x = suiren.randn(16)
    assert "sort" in suiren.explain(lambda: (x.sort()[0] * 2.0).sum().item())


def test_explain_ops_and_doctor():
    run = lambda *words: subprocess.run([sys.executable, "-m", "suiren", *words], capture_output=True, text=True, timeout=300)
    ops = run("explain", "--ops")
    assert ops.returncode == 0
    assert "matmul" in ops.stdout
    doctor = run("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "as it must" in doctor.stdout
    assert run("no-such-command").returncode == 2
