"""The part of the Builder that steers: loops, branches, variables, calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager

from suiren.compiler.emit.values import REGISTER, Value, llvm_type
from suiren.dtypes import dtype, int64


class Var:
    """A value that changes, kept in a stack slot that LLVM turns back into registers."""

    __slots__ = ("_builder", "_like", "_slot")

    def __init__(self, builder, slot: str, like: Value):
        self._builder, self._slot, self._like = builder, slot, like

    def get(self) -> Value:
        like = self._like
        ref = self._builder._emit(f"load {like.llvm}, ptr {self._slot}")
        return Value(ref, like.type, like.lanes, like.dtype, like.llvm, like.scope)

    def set(self, x: Value) -> None:
        like = self._like
        if x.__class__ is not Value:
            x = self._builder.like(x, like)
        elif x.llvm != like.llvm:
            x = self._builder.splat(x, like.lanes)
            if x.llvm != like.llvm:
                raise TypeError(f"the variable holds {like.llvm}, got {x!r}")
        self._builder._append(f"  store {x.llvm} {x.ref}, ptr {self._slot}")


class CarriedLoop:
    """A loop with values that go from one round to the next: see `Builder.loop_carried`."""

    def __init__(self, i: Value, values: list[Value]):
        self.i, self.values = i, values
        self.nexts: list[Value] | None = None
        self.results: list[Value] = []

    def next(self, *values: Value) -> None:
        """What `values` are in the next round; called once, at the end of the body."""
        self.nexts = list(values)


class Control:
    """Methods of Builder."""

    def var(self, init: Value) -> Var:
        """A variable of the type of `init`: `.get()`, `.set(v)`."""
        var = Var(self, self._alloca(init.llvm), init)
        var.set(init)
        return var

    @contextmanager
    def loop(self, begin: int | Value, end: int | Value, step: int | Value = 1, unroll: int | None = None):
        """`with b.loop(0, n) as i:` runs the body for i = begin, begin + step, … while i < end (i64, step positive).

        `unroll`: how many rounds LLVM is to unroll it by; 1 forbids unrolling; None leaves it to LLVM.
        """
        with self.loop_carried(begin, end, step, (), unroll) as loop:
            yield loop.i
            loop.next()

    @contextmanager
    def loop_carried(
        self,
        begin: int | Value,
        end: int | Value,
        step: int | Value = 1,
        inits: Sequence[Value] = (),
        unroll: int | None = None,
    ):
        """As `loop`, with values that change: `with b.loop_carried(0, n, 1, [zero]) as loop:` gives `loop.i` and
        `loop.values`; the body ends with `loop.next(*new_values)`, and after the loop `loop.results` are the last
        ones."""
        n = self._label()
        begin, end, step = self.i64(begin), self.i64(end), self.i64(step)
        before = self._block
        # In rotated form, the test at the end: LLVM need not turn it round.
        if begin.is_constant and end.is_constant and int(begin.ref) < int(end.ref):
            self._append(f"  br label %body{n}")
        else:
            enter = self._emit(f"icmp slt i64 {begin.ref}, {end.ref}")
            self._append(f"  br i1 {enter}, label %body{n}, label %done{n}")
        guarded = not self._lines[-1].startswith("  br label")
        self._start(f"body{n}")
        i = Value(f"%i{n}", "i64", 1, int64, "i64")
        self._append(f"  %i{n} = phi i64 [ {begin.ref}, %{before} ], [ %i{n}.next, %latch{n} ]")
        values = []
        for k, init in enumerate(inits):
            ref = f"%c{n}.{k}"
            values.append(Value(ref, init.type, init.lanes, init.dtype, init.llvm, init.scope))
            self._append("")  # the phi, written when the next value is known
        holes = len(self._lines) - len(values)
        loop = CarriedLoop(i, values)
        yield loop
        nexts = loop.nexts or []
        if len(nexts) != len(values):
            raise ValueError(f"the loop carries {len(values)} values, but `next` was given {len(nexts)}")
        self._append(f"  br label %latch{n}")
        self._start(f"latch{n}")
        for k, (init, new) in enumerate(zip(inits, nexts)):
            if new.llvm != init.llvm:
                raise TypeError(f"carried value {k} is {init.llvm}, its next value {new!r}")
            self._lines[holes + k] = (
                f"  %c{n}.{k} = phi {init.llvm} [ {init.ref}, %{before} ], [ {new.ref}, %latch{n} ]"
            )
        self._append(f"  %i{n}.next = add nsw i64 %i{n}, {step.ref}")
        again = self._emit(f"icmp slt i64 %i{n}.next, {end.ref}")
        self._append(f"  br i1 {again}, label %body{n}, label %done{n}, !llvm.loop !{self.module.loop_notes(unroll)}")
        self._start(f"done{n}")
        for init, new in zip(inits, nexts):
            if guarded:
                ref = self._emit(f"phi {init.llvm} [ {init.ref}, %{before} ], [ {new.ref}, %latch{n} ]")
            else:
                ref = new.ref
            loop.results.append(Value(ref, init.type, init.lanes, init.dtype, init.llvm, init.scope))

    @contextmanager
    def while_(self, condition: Callable[[], Value]):
        """Runs the body as long as `condition()`, emitted before every round, is true."""
        n = self._label()
        self._append(f"  br label %test{n}")
        self._start(f"test{n}")
        self._append(f"  br i1 {condition().ref}, label %body{n}, label %done{n}")
        self._start(f"body{n}")
        yield
        self._append(f"  br label %test{n}, !llvm.loop !{self.module.loop_notes(1)}")
        self._start(f"done{n}")

    @contextmanager
    def if_(self, condition: Value, likely: bool | None = None):
        """The body runs where the scalar condition is true. `likely` tells LLVM which way it mostly goes."""
        n = self._label()
        self._append(f"  br i1 {condition.ref}, label %then{n}, label %done{n}{self._weights(likely)}")
        self._start(f"then{n}")
        yield
        self._append(f"  br label %done{n}")
        self._start(f"done{n}")

    @contextmanager
    def if_else(self, condition: Value, likely: bool | None = None):
        """`with b.if_else(c) as (then, otherwise):` and inside it `with then:` … `with otherwise:` …, in this order."""
        n = self._label()
        self._append(f"  br i1 {condition.ref}, label %then{n}, label %else{n}{self._weights(likely)}")
        yield self._branch(f"then{n}", f"done{n}"), self._branch(f"else{n}", f"done{n}")
        self._start(f"done{n}")

    @contextmanager
    def _branch(self, label: str, after: str):
        self._start(label)
        yield
        self._append(f"  br label %{after}")

    def choose(
        self,
        condition: Value,
        then: Callable[[], list[Value]],
        otherwise: Callable[[], list[Value]],
        likely: bool | None = None,
    ) -> list[Value]:
        """The values of one of two functions, of which only the chosen one runs."""
        found, blocks = [], []
        with self.if_else(condition, likely) as branches:
            for branch, make in zip(branches, (then, otherwise)):
                with branch:
                    found.append(make())
                    blocks.append(self._block)
        joined = []
        for x, y in zip(*found):
            ref = self._emit(f"phi {x.llvm} [ {x.ref}, %{blocks[0]} ], [ {y.ref}, %{blocks[1]} ]")
            joined.append(Value(ref, x.type, x.lanes, x.dtype, x.llvm, x.scope))
        return joined

    def call(
        self, function: str | Value, arguments: Sequence[Value], result: dtype | str | None = None, lanes: int = 1
    ) -> Value | None:
        """Calls a function by name (of this module or process) or by its address. `result`: a dtype, "ptr", or None for
        void."""
        given = ", ".join(f"{a.llvm} {a.ref}" for a in arguments)
        if isinstance(function, str):
            type = "void" if result is None else llvm_type("ptr" if result == "ptr" else REGISTER[result], lanes)
            self.module.declares.setdefault(
                function, f"declare {type} @{function}({', '.join(a.llvm for a in arguments)})"
            )
            name = f"@{function}"
        else:
            name = function.ref
        if result is None:
            self._append(f"  call void {name}({given})")
            return None
        type, d = ("ptr", None) if result == "ptr" else (REGISTER[result], result)
        return self._value(f"call {llvm_type(type, lanes)} {name}({given})", type, lanes, d)

    def ret(self, x: Value | None = None) -> None:
        """Returns from the function here. What is emitted behind it, up to the end of the block, is never reached."""
        self._append("  ret void" if x is None else f"  ret {x.llvm} {x.ref}")
        self._start(f"after{self._label()}")
