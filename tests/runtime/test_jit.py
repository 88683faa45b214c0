from __future__ import annotations

import threading

import pytest

from suiren.compiler.program import Kernel
from suiren.config import config
from suiren.dtypes import float32, int64
from suiren.runtime import jit
from tests.runtime.kernels import affine


@pytest.fixture(autouse=True)
def _uncached():
    with config(cache="off"):
        yield


def counted(kernel: Kernel) -> tuple[Kernel, list]:
    made = []

    def emit(b):
        made.append(threading.get_ident())
        kernel.emit(b)

    return Kernel(kernel.family, kernel.key, emit), made


def test_a_kernel_is_compiled_once():
    kernel, made = counted(affine(0.125, 77.0))
    other, made_other = counted(affine(0.125, 77.0))
    first = jit.load([kernel, other, affine(0.25, 77.0)])
    assert first[0] == first[1] != first[2]
    assert jit.load([other]) == first[:1]
    assert len(made) + len(made_other) == 1


def test_equal_keys_of_different_types_are_different_kernels():
    def storing(value):
        return Kernel("storing", (value,), lambda b: b.store(b.const(float(value) + isinstance(value, bool), float32), b.arg_ptr(0)))

    assert len(set(jit.load([storing(1), storing(True), storing(1.0)]))) == 3


def test_threads_compile_a_kernel_once():
    kernels, counts = zip(*(counted(affine(k + 0.375, 1.0)) for k in range(6)))
    found = []
    threads = [threading.Thread(target=lambda: found.append(jit.load(kernels))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(f == found[0] for f in found) and all(len(c) == 1 for c in counts)


def test_kernels_are_compiled_on_several_threads(monkeypatch):
    from suiren.runtime import threads

    monkeypatch.setattr(threads, "usable_cores", lambda: 3)
    kernels, counts = zip(*(counted(affine(k + 0.625, 3.0)) for k in range(24)))
    jit.load(kernels)
    assert len({c[0] for c in counts}) > 1


def test_what_emit_raises_comes_out_and_nothing_stays():
    class Mine(Exception):
        pass

    def emit(b):
        raise Mine("on purpose")

    good = affine(11.0, 12.0)
    for _ in range(2):
        with pytest.raises(Mine, match="on purpose"):
            jit.load([good, Kernel("bad", (), emit)])
    assert jit.load([good])


def test_bad_ir_is_refused_with_its_text():
    with pytest.raises(RuntimeError, match="LLVM cannot read(.|\n)*what is this"):
        jit.load([Kernel("bad", ("ir",), lambda b: b._append("  what is this"))])


def test_a_missing_function_is_refused_and_does_not_end_the_process():
    with pytest.raises(RuntimeError, match="no_such_function_anywhere, which this process does not have"):
        jit.load([Kernel("bad", ("call",), lambda b: b.call("no_such_function_anywhere", []))])


def test_functions_of_the_c_library_are_there():
    def emit(b):
        from suiren.dtypes import float64

        b.store(b.call("fmod", [b.const(7.5, float64), b.const(2.0, float64)], float64), b.arg_ptr(0))

    import ctypes

    import numpy as np

    (address,) = jit.load([Kernel("libm", (), emit)])
    out, args = np.zeros(1), np.array([3, 0])
    table = np.array([0, 0, 0, out.ctypes.data])
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(address)(table.ctypes.data, args.ctypes.data, 0, 1)
    assert out[0] == 1.5


def test_functions_and_constants_of_two_kernels_with_the_same_names():
    def with_function(value):
        def emit(b):
            inner = b.module.function("inner", [], int64)
            inner.ret(inner.load(inner.table([value, value + 1], int64), int64, offset=1))
            b.store(b.call("inner", [], int64), b.arg_ptr(0))

        return Kernel("inner", (value,), emit)

    import ctypes

    import numpy as np

    found = []
    for address in jit.load([with_function(10), with_function(20)]):
        out, args = np.zeros(1, np.int64), np.array([3, 0])
        table = np.array([0, 0, 0, out.ctypes.data])
        ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(address)(table.ctypes.data, args.ctypes.data, 0, 1)
        found.append(out[0])
    assert found == [11, 21]


def test_texts_for_people():
    kernel = affine(2.0, 1.0)
    assert "define void @affine(" in jit.ir(kernel) and "fmul float" in jit.ir(kernel)
    assert jit.ir(kernel, optimised=True) != jit.ir(kernel)
    assert "affine:" in jit.assembly(kernel)


def test_debug_switches_print(capsys):
    with config(debug=1):
        jit.load([affine(3.0, 0.0625)])
    assert "compiled 1 of them" in capsys.readouterr().err
    with config(debug=5):
        jit.load([affine(3.0, 0.125)])
    assert "define void @affine(" in capsys.readouterr().err
    with config(debug=6):
        jit.load([affine(3.0, 0.25)])
    assert "affine:" in capsys.readouterr().err


def test_the_machine_is_described():
    triple, name, features = jit.host_machine()
    assert "-" in triple and name and isinstance(features, dict)
