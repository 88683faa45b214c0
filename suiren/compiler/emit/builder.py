"""Builder: writes one function as LLVM IR text.

The emitter is a list of lines: an instruction costs one formatted string and one `Value`, about a microsecond. What the
methods do is in the parts it is made of: arithmetic.py, vecmath.py, memory.py, vectors.py, control.py; here are the
text, the kernel's arguments and the module."""

from __future__ import annotations

from collections.abc import Sequence

from suiren.compiler.emit.arithmetic import Arithmetic
from suiren.compiler.emit.control import Control
from suiren.compiler.emit.memory import Memory
from suiren.compiler.emit.target import Target, host
from suiren.compiler.emit.values import REGISTER, Value
from suiren.compiler.emit.vectors import Vectors
from suiren.compiler.program import NUMBERS, STATUS
from suiren.dtypes import dtype, float64, int64

# void kernel(ptr table, ptr args, i64 begin, i64 end), see program.py
KERNEL_PARAMETERS = (
    ("table", "ptr noalias readonly"),
    ("args", "ptr noalias readonly"),
    ("begin", int64),
    ("end", int64),
)


class Module:
    """Functions that are compiled together, and the metadata they refer to by number."""

    # !0 is empty, !1 the domain of alias scopes, !2 and !3 branch weights, !4 a flag; then three numbers for every
    # scope or loop.
    _FIRST = 5

    def __init__(self, target: Target | None = None):
        self.target = target or host()
        self.functions: list[Builder] = []
        self.declares: dict[str, str] = {}
        self._constants: dict[str, str] = {}
        self._notes: list[int | str] = []  # for a scope its number, for a loop its text

    def function(
        self,
        name: str,
        parameters: Sequence[tuple[str, str | dtype]] = KERNEL_PARAMETERS,
        result: str | dtype | None = None,
    ) -> Builder:
        """A Builder of one more function."""
        return Builder(name=name, parameters=parameters, result=result, module=self)

    def constant(self, text: str) -> str:
        """The name of a constant in memory; equal ones are the same."""
        return self._constants.setdefault(text, f"@constant{len(self._constants)}")

    def new_scope(self) -> int:
        """A scope, by which LLVM knows that memory reached through one pointer is not reached through another one's."""
        n = self._FIRST + 3 * len(self._notes)
        self._notes.append(n)
        return n

    def loop_notes(self, unroll: int | None) -> int:
        """The metadata of a loop: LLVM never vectorizes here, because what can be a vector already is one."""
        n = self._FIRST + 3 * len(self._notes)
        hint = {None: "", 1: '!"llvm.loop.unroll.disable"'}.get(unroll, f'!"llvm.loop.unroll.count", i32 {unroll}')
        parts = [
            f"!{n} = distinct !{{!{n}, !{n + 1}{f', !{n + 2}' if hint else ''}}}",
            f'!{n + 1} = !{{!"llvm.loop.vectorize.enable", i1 false}}',
        ]
        self._notes.append("\n".join([*parts, f"!{n + 2} = !{{{hint}}}"] if hint else parts))
        return n

    def text(self, target: Target | None = None) -> str:
        """The module as LLVM IR."""
        target = target or self.target
        own = {f.name for f in self.functions}
        parts = [f'target triple = "{target.triple}"'] if target.triple else []
        parts += [text for name, text in self.declares.items() if name not in own]
        parts += [f"{name} = private unnamed_addr {text}" for text, name in self._constants.items()]
        parts += [f.text() for f in self.functions]
        parts.append(f"attributes #0 = {{ {target.attributes} }}")
        parts += ["!0 = !{}", "!1 = distinct !{!1}"]
        parts += ['!2 = !{!"branch_weights", i32 1000, i32 1}', '!3 = !{!"branch_weights", i32 1, i32 1000}']
        # Calls of the C library (memset, of which LLVM makes a loop that fills) go through the table of addresses: the
        # loader of the JIT reserves no memory for the other way, and ends the process.
        parts += ["!llvm.module.flags = !{!4}", '!4 = !{i32 7, !"RtLibUseGOT", i32 1}']
        scopes = [n for n in self._notes if isinstance(n, int)]
        for n in self._notes:
            if isinstance(n, int):
                others = ", ".join(f"!{m}" for m in scopes if m != n)
                n = f"!{n} = distinct !{{!{n}, !1}}\n!{n + 1} = !{{!{n}}}\n!{n + 2} = !{{{others}}}"
            parts.append(n)
        return "\n".join(parts) + "\n"


class Builder(Arithmetic, Memory, Vectors, Control):
    """Emits into one function, by default a kernel, of a module of its own or the one given. `module_text()` is the
    finished text."""

    def __init__(
        self,
        target: Target | None = None,
        name: str = "kernel",
        parameters: Sequence[tuple[str, str | dtype]] = KERNEL_PARAMETERS,
        result: str | dtype | None = None,
        module: Module | None = None,
    ):
        """`parameters`: (name, dtype or LLVM type with attributes); they are `b.parameter[name]`. `result`: a dtype,
        "ptr", or None for void."""
        self.module = module or Module(target)
        self.module.functions.append(self)
        self.target = self.module.target
        self.name = name
        self.result = result
        self._signature = []
        self.parameter: dict[str, Value] = {}
        for parameter, kind in parameters:
            text = kind if isinstance(kind, str) else REGISTER[kind]
            type = text.split()[0]
            self._signature.append(f"{text} %{parameter}")
            d = None if isinstance(kind, str) else kind
            self.parameter[parameter] = Value(f"%{parameter}", type, 1, d)
        self._lines: list[str] = []
        self._append = self._lines.append
        self._allocas: list[str] = []
        self._count = 0  # of values; LLVM wants rising numbers
        self._labels = 0
        self._block = "start"  # behind `entry`, which holds the allocas

    # ------------------------------------------------------------ text

    def _emit(self, text: str) -> str:
        """Appends an instruction that has a result; gives the result's name."""
        n = self._count
        self._count = n + 1
        self._append(f"  %{n} = {text}")
        return f"%{n}"

    def _value(self, text: str, type: str, lanes: int, dtype: dtype | None, llvm: str = "") -> Value:
        n = self._count
        self._count = n + 1
        self._append(f"  %{n} = {text}")
        return Value(f"%{n}", type, lanes, dtype, llvm or (type if lanes == 1 else f"<{lanes} x {type}>"))

    def _label(self) -> int:
        self._labels += 1
        return self._labels

    def _start(self, label: str) -> None:
        self._append(f"{label}:")
        self._block = label

    def _alloca(self, llvm: str, align: int = 0) -> str:
        name = f"%slot{len(self._allocas)}"
        self._allocas.append(f"  {name} = alloca {llvm}" + (f", align {align}" if align else ""))
        return name

    def _weights(self, likely: bool | None) -> str:
        return "" if likely is None else f", !prof !{2 if likely else 3}"

    def text(self) -> str:
        """The function."""
        result = "void" if self.result is None else "ptr" if self.result == "ptr" else REGISTER[self.result]
        head = f"define {result} @{self.name}({', '.join(self._signature)}) #0 {{"
        # After a `ret` there is an open block that nothing reaches.
        last = self._lines[-1] if self._lines else ""
        tail = "  unreachable" if self.result is not None or last.startswith("after") else "  ret void"
        return "\n".join([head, "entry:", *self._allocas, "  br label %start", "start:", *self._lines, tail, "}"])

    def module_text(self, name: str | None = None, target: Target | None = None) -> str:
        """The text of the function's module; `name` renames the function, `target` (as made for) may name the machine
        anew."""
        if name is not None:
            self.name = name
        return self.module.text(target)

    def lanes(self, dtype: dtype) -> int:
        """How many elements of a dtype the target's vectors hold."""
        return self.target.lanes(dtype)

    # ------------------------------------------------------------ the kernel's arguments

    @property
    def begin(self) -> Value:
        return self.parameter["begin"]

    @property
    def end(self) -> Value:
        return self.parameter["end"]

    def table_ptr(self, slot: int | Value) -> Value:
        """The base address in a slot of the table."""
        return self.load_ptr(self.parameter["table"], slot, invariant=True)

    def arg_int(self, k: int) -> Value:
        """Word k of the arguments, an i64."""
        return self.load(self.parameter["args"], int64, offset=k, invariant=True)

    def arg_float(self, k: int, dtype: dtype = float64) -> Value:
        """Word k of the arguments, the bits of a double, in a dtype."""
        return self.convert(self.load(self.parameter["args"], float64, offset=k, invariant=True), dtype)

    def arg_ptr(self, k: int, restrict: bool = False) -> Value:
        """The address of the Ptr whose two words (slot, byte offset) start at word k.

        `restrict` promises that while the kernel runs nothing that is written through this pointer, or through another
        one made with `restrict`, is also reached through the other: not to be claimed where an output may lie in the
        place of an input."""
        ptr = self.at(self.table_ptr(self.arg_int(k)), self.arg_int(k + 1))
        if restrict:
            ptr.scope = self.module.new_scope()
        return ptr

    def number(self, index_word: int, cls: type, dtype: dtype) -> Value:
        """The Python number of the trace whose index stands in word `index_word`, of class `cls`, converted to a
        dtype."""
        stored = float64 if cls is float else int64
        x = self.load(self.table_ptr(NUMBERS), stored, offset=self.arg_int(index_word), invariant=True)
        return self.convert(x, dtype)

    def check(self, ok: Value, value: Value, check_word: int) -> None:
        """Where `ok` is false (in some lane), reports `value` (that lane's) as bad data: 1 + word `check_word` into
        STATUS. The first report stays."""
        bad = self.not_(self.all(ok))
        with self.if_(bad, likely=False):
            value = self.convert(value, int64) if value.dtype is not int64 else value
            found = self.extract(value, 0)
            if ok.lanes > 1:
                for i in reversed(range(ok.lanes)):
                    found = self.select(self.extract(ok, i), found, self.extract(value, i))
            status = self.table_ptr(STATUS)
            _, first = self.compare_exchange(status, self.i64(0), self.add(self.arg_int(check_word), 1))
            with self.if_(first):
                self.store(found, status, offset=1)


__all__ = ["KERNEL_PARAMETERS", "Builder", "Module", "Value"]
