"""JIT: from a kernel's IR text to the address of its machine code. The only file that drives LLVM.

    load(kernels)   looks in the process, then in the cache on disk, and compiles what is in neither, on all cores
    ir, assembly    the texts, for people

Machine code stays until the process ends: its address may be held by any program or running thread.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from suiren.config import config
from suiren.runtime import forking, kernel_cache, threads

if TYPE_CHECKING:
    from suiren.compiler.emit.builder import Module
    from suiren.compiler.program import Kernel

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

# Level of optimisation. Our loops are already vectorised and unrolled where it pays, so of LLVM's pipeline only the part that
# simplifies functions is run (the whole one took twice as long and gave the same code), then what hints on loops ask for.
LEVEL = 2


@functools.cache
def host_machine() -> tuple[str, str, dict[str, bool]]:
    """(target triple, cpu name, cpu features) of this machine, in LLVM's words."""
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), dict(llvm.get_host_cpu_features())


@functools.cache
def _machine_words() -> str:
    triple, name, features = host_machine()
    return f"{triple} {name} {','.join(sorted(f for f, on in features.items() if on))}"


def _unlocked(name: str):
    """A function of LLVM without llvmlite's lock, which would let only one thread compile at a time.

    LLVM itself asks only that a context, and what was made in it, is used by one thread at a time.
    """
    function = getattr(ffi.lib, name)
    return getattr(function, "_cfn", function)


def _target_machine():
    _, name, features = host_machine()
    flags = ",".join(("+" if on else "-") + f for f, on in sorted(features.items()))
    # With "small" and "pic" a constant is an operand in memory relative to the instruction; the default for JITs ("large")
    # loads its address into a register first. It needs code and constants near each other: see `_Engine`.
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=name, features=flags, opt=LEVEL, reloc="pic", codemodel="small", jit=True
    )


class _Compiler:
    """One thread's own piece of LLVM: what it holds is never used by two threads at once."""

    def __init__(self):
        self.machine = _target_machine()
        self.tuning = llvm.create_pipeline_tuning_options(speed_level=LEVEL)
        self.tuning.loop_vectorization = self.tuning.slp_vectorization = False
        self.passes = llvm.create_pass_builder(self.machine, self.tuning)
        self.simplify = self.passes.getFunctionPassManager()
        self.unroll = llvm.create_new_function_pass_manager()
        self.unroll.add_loop_unroll_pass()
        self.unroll.add_instruction_combine_pass()
        self.unroll.add_simplify_cfg_pass()

    @contextmanager
    def optimised(self, text: str, symbols: Sequence[str]) -> Iterator[llvm.ModuleRef]:
        """The module of an IR text, of which only `symbols` can be seen from outside, after optimisation.

        Closed in order, not left to be collected: a module must not outlive its context.
        """
        with llvm.create_context() as context, self._parsed(text, symbols, context) as module:
            for constant in module.global_variables:
                constant.linkage = "internal"  # every module names its own the same
            run = _unlocked("LLVMPY_RunNewFunctionPassManager")
            for function in module.functions:
                if function.is_declaration:
                    self._must_exist(function.name)
                    continue
                if function.name not in symbols:
                    function.linkage = "internal"
                run(self.simplify, function, self.passes)
                run(self.unroll, function, self.passes)
            yield module

    @staticmethod
    def _parsed(text: str, symbols: Sequence[str], context: llvm.ContextRef) -> llvm.ModuleRef:
        with ffi.OutputString() as message:
            pointer = _unlocked("LLVMPY_ParseAssembly")(context, text.encode(), message)
            if not pointer:
                raise RuntimeError(f"LLVM cannot read the text of {', '.join(symbols)}: {message}\n{text}")
        return llvm.ModuleRef(pointer, context)

    @staticmethod
    def _must_exist(name: str) -> None:
        # LLVM ends the process when it links against a function that does not exist.
        if not name.startswith("llvm.") and llvm.address_of_symbol(name) is None:
            raise RuntimeError(f"generated code calls {name}, which this process does not have")

    def object_code(self, text: str, symbols: Sequence[str]) -> bytes:
        with self.optimised(text, symbols) as module:
            return self._emit(module, use_object=True)

    def assembly(self, text: str, symbols: Sequence[str]) -> str:
        with self.optimised(text, symbols) as module:
            return self._emit(module, use_object=False).decode()

    def _emit(self, module: llvm.ModuleRef, use_object: bool) -> bytes:
        with ffi.OutputString() as message:
            memory = _unlocked("LLVMPY_TargetMachineEmitToMemory")(self.machine, module, int(use_object), message)
            if not memory:
                raise RuntimeError(f"LLVM cannot generate machine code: {message}")
        try:
            start, size = ffi.lib.LLVMPY_GetBufferStart(memory), ffi.lib.LLVMPY_GetBufferSize(memory)
            return ffi.ctypes.string_at(start, size)
        finally:
            ffi.lib.LLVMPY_DisposeMemoryBuffer(memory)


_idle_compilers: list[_Compiler] = []


@contextmanager
def _borrowed_compiler() -> Iterator[_Compiler]:
    """Lends a compiler that no other thread has."""
    try:
        compiler = _idle_compilers.pop()
    except IndexError:
        compiler = _Compiler()
    yield compiler
    _idle_compilers.append(compiler)  # not after an error: what state it is in nobody knows


class _Engine:
    """Loads object code into this process."""

    def __init__(self):
        # use_lmm: llvmlite's own memory manager, which puts all sections of an object into one reserved piece of memory,
        # as the small code model needs.
        module = llvm.parse_assembly("", llvm.create_context())
        self._engine = llvm.create_mcjit_compiler(module, _target_machine(), use_lmm=True)

    def addresses(self, objects: Sequence[bytes], symbols: Sequence[str]) -> list[int]:
        for code in objects:
            self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        return [self._engine.get_function_address(s) for s in symbols]


@dataclass(eq=False)
class _Unit:
    """What is compiled, cached and loaded as one: a kernel, or some functions of the runtime."""

    digest: str
    symbols: tuple[str, ...]
    text: Callable[[], str]
    kernel: Kernel | None = None
    code: bytes | None = None
    addresses: tuple[int, ...] | None = None
    error: BaseException | None = None
    ready: threading.Event = field(default_factory=threading.Event)


_units: dict[str, _Unit] = {}  # by digest; what another thread is at work on is in it, not yet ready
_lock = threading.Lock()


@functools.cache
def _engine() -> _Engine:
    engine = _Engine()
    _forever.append(engine._engine)
    engine._engine._owned = True  # never disposed of, not even at exit, when a thread may still be inside the code
    return engine


_forever: list = []


# A process forks between two steps of loading, so that a child finds neither our lock nor llvmlite's taken by a thread it does not have.


def _before_fork() -> None:
    _lock.acquire()
    ffi.lib._lock.__enter__()


def _after_fork_in_parent() -> None:
    ffi.lib._lock.__exit__()
    _lock.release()


def _after_fork_in_child() -> None:
    """What other threads were compiling will not be finished by them."""
    _after_fork_in_parent()
    for digest in [d for d, u in _units.items() if not u.ready.is_set()]:
        del _units[digest]


forking.register(forking.JIT, _before_fork, _after_fork_in_parent, _after_fork_in_child)


def _identity(family: str, key: tuple) -> str:
    """The content hash that names a unit. By repr, because 1, True and 1.0 are the same key to a dict."""
    return kernel_cache.digest(family, repr(key), _machine_words())


def _kernel_unit(kernel: Kernel) -> _Unit:
    digest = _identity(kernel.family, kernel.key)
    symbol = f"{_word(kernel.family)}_{digest[:24]}"
    return _Unit(digest, (symbol,), lambda: _kernel_text(kernel, symbol), kernel)


def _kernel_text(kernel: Kernel, symbol: str) -> str:
    from suiren.compiler.emit.builder import Builder

    b = Builder(name=symbol)
    kernel.emit(b)
    return b.module_text()


def _word(family: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in family)


def load(kernels: Sequence[Kernel]) -> list[int]:
    """The address of each kernel's machine code. Compiles what is not known yet; raises what the first failing `emit` raised."""
    units = [_kernel_unit(k) for k in kernels]
    return [u.addresses[0] for u in _load(units)]


def load_functions(family: str, key: tuple, names: Sequence[str], emit: Callable[[Module, Callable[[str], str]], None]) -> dict[str, int]:
    """Loads functions of any signature, cached as kernels are. `emit(module, symbol)` defines each `name` as `module.function(symbol(name), …)`."""
    digest = _identity(family, (*key, *names))

    def symbol(name: str) -> str:
        return f"{_word(family)}_{name}_{digest[:24]}"

    def text() -> str:
        from suiren.compiler.emit.builder import Module

        module = Module()
        emit(module, symbol)
        return module.text()

    (unit,) = _load([_Unit(digest, tuple(symbol(n) for n in names), text)])
    return dict(zip(names, unit.addresses))


def _load(wanted: list[_Unit]) -> list[_Unit]:
    """The loaded units of these digests; each is compiled once, whoever asks."""
    found: dict[str, _Unit] = {}
    mine: list[_Unit] = []
    with _lock:
        for unit in wanted:
            known = _units.get(unit.digest)
            if known is None:
                _units[unit.digest] = known = unit
                mine.append(unit)
            found[unit.digest] = known
    if mine:
        _make(mine)
    for unit in found.values():
        unit.ready.wait()
        if unit.error is not None:
            raise unit.error
    return [found[u.digest] for u in wanted]


def _make(units: list[_Unit]) -> None:
    started = time.perf_counter()
    try:
        cache = kernel_cache.current()
        for unit in units:
            unit.code = cache.read(unit.digest)
        fresh = [u for u in units if u.code is None]
        _compile(fresh)
        with _lock:
            addresses = iter(_engine().addresses([u.code for u in units], [s for u in units for s in u.symbols]))
        for unit in units:
            unit.addresses = tuple(next(addresses) for _ in unit.symbols)
        for unit in fresh:
            cache.write(unit.digest, unit.code)
        _tell(units, len(fresh), time.perf_counter() - started)
    except BaseException as error:
        with _lock:
            for unit in units:  # whoever waits gets the error; the next to ask tries again
                unit.error = error
                _units.pop(unit.digest, None)
        raise
    finally:
        for unit in units:
            unit.code = None
            unit.ready.set()


def _compile(units: list[_Unit]) -> None:
    """Fills in `code`, on as many threads as there are cores; the caller's is one of them."""
    waiting = list(reversed(units))

    def work():
        with _borrowed_compiler() as compiler:
            while True:
                try:
                    unit = waiting.pop()
                except IndexError:
                    return
                try:
                    unit.code = compiler.object_code(unit.text(), unit.symbols)
                except BaseException as error:
                    unit.error = error
                    waiting.clear()

    others = [threading.Thread(target=work, daemon=True) for _ in range(min(threads.usable_cores(), len(units)) - 1)]
    for thread in others:
        thread.start()
    if units:
        work()
    for thread in others:
        thread.join()
    for unit in units:
        if unit.error is not None:
            raise unit.error


def _tell(units: list[_Unit], compiled: int, seconds: float) -> None:
    if config.debug >= 1:
        print(f"suiren: loaded {len(units)} kernels, compiled {compiled} of them, {1e3 * seconds:.1f} ms", file=sys.stderr)
    if config.debug >= 5:
        for unit in units:
            if unit.kernel is not None:
                print(f"; {unit.kernel.family} {unit.kernel.key!r}", file=sys.stderr)
                print(assembly(unit.kernel) if config.debug >= 6 else ir(unit.kernel), file=sys.stderr)


def ir(kernel: Kernel, optimised: bool = False) -> str:
    """The kernel as LLVM IR, as emitted or after LLVM's passes."""
    symbol = _word(kernel.family)
    text = _kernel_text(kernel, symbol)
    if not optimised:
        return text
    with _borrowed_compiler() as compiler, compiler.optimised(text, (symbol,)) as module:
        return str(module)


def assembly(kernel: Kernel) -> str:
    """The kernel as assembly of this machine."""
    symbol = _word(kernel.family)
    with _borrowed_compiler() as compiler:
        return compiler.assembly(_kernel_text(kernel, symbol), (symbol,))
