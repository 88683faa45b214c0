"""Fixtures that compile and run what a Builder has emitted."""

import ctypes

import numpy as np
import pytest

from suiren.compiler.emit.builder import Builder
from suiren.compiler.emit.target import BY_ISA, host
from suiren.compiler.program import FIRST_FREE_SLOT, NUMBERS, STATUS

KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Machine:
    """Compiles modules in this process and keeps their code alive. `assembly` compiles for any target, also one that
    cannot run here."""

    def __init__(self):
        import llvmlite.binding as llvm

        self.llvm = llvm
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        self.engines = []

    def _optimized(self, text, target, triple):
        llvm = self.llvm
        module = llvm.parse_assembly(text)
        module.verify()
        machine = llvm.Target.from_triple(triple).create_target_machine(
            cpu=target.name, features=target.features, opt=2, jit=True
        )
        passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
        passes.getModulePassManager().run(module, passes)
        return module, machine

    def address(self, text, target, name="kernel"):
        module, machine = self._optimized(text, target, self.llvm.get_process_triple())
        engine = self.llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        self.engines.append(engine)
        return engine.get_function_address(name)

    def assembly(self, text, target, triple):
        module, machine = self._optimized(text, target, triple)
        return machine.emit_assembly(module)


@pytest.fixture(scope="session")
def machine():
    return Machine()


@pytest.fixture(scope="session", params=["sse2", "host"])
def target(request):
    """The weakest and the strongest instruction set that run here."""
    if request.param == "host":
        return host()
    if host().isa not in ("sse2", "avx2", "avx512"):
        return host()
    return BY_ISA[request.param]


@pytest.fixture
def run(machine):
    return lambda emit, arrays, **options: run_kernel(machine, emit, arrays, **options)


def run_kernel(machine, emit, arrays, words=(), numbers=(), units=1, target=None):
    """Runs a kernel on arrays: array k is the Ptr at word 2k, behind them come `words`. Returns the two words of
    STATUS."""
    b = Builder(target or host())
    emit(b)
    kernel = KERNEL(machine.address(b.module_text(), b.target))
    status, number_words = np.zeros(2, np.int64), np.array(numbers, np.int64)
    table = np.zeros(FIRST_FREE_SLOT + len(arrays), np.int64)
    table[NUMBERS], table[STATUS] = number_words.ctypes.data, status.ctypes.data
    table[FIRST_FREE_SLOT:] = [a.ctypes.data for a in arrays]
    args = [word for k in range(len(arrays)) for word in (FIRST_FREE_SLOT + k, 0)]
    args = np.array([*args, *words], np.int64)
    kernel(table.ctypes.data, args.ctypes.data, 0, units)
    return status
