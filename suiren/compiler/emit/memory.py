"""The part of the Builder that reads and writes memory. Offsets count elements; a bool is one byte in memory, a narrow
float two."""

from __future__ import annotations

from collections.abc import Sequence

from suiren.compiler.emit.values import NARROW, REGISTER, Value, constant_text, llvm_type
from suiren.dtypes import bool_, dtype, int8, int16, int64, uint8


def memory_type(d: dtype) -> str:
    """The LLVM type of one element in memory."""
    return "i16" if d in NARROW else "i8" if d is bool_ else REGISTER[d]


class Memory:
    """Methods of Builder."""

    def at(self, ptr: Value, offset: int | Value, dtype: dtype | None = None) -> Value:
        """The pointer `offset` elements of `dtype` (without one: bytes) further on. A vector of offsets gives a vector
        of pointers."""
        if offset.__class__ is not Value:
            if offset == 0:
                return ptr
            text, lanes = f"i64 {offset}", 1
        else:
            if offset.type != "i64" and offset.lanes == 1:
                offset = self.i64(offset)
            text, lanes = f"{offset.llvm} {offset.ref}", offset.lanes
        element = "i8" if dtype is None else memory_type(dtype)
        ref = self._emit(f"getelementptr {element}, ptr {ptr.ref}, {text}")
        return Value(ref, "ptr", lanes, None, "ptr" if lanes == 1 else f"<{lanes} x ptr>", ptr.scope)

    def load(
        self,
        ptr: Value,
        dtype: dtype,
        lanes: int = 1,
        offset: int | Value | None = None,
        align: int | None = None,
        mask: Value | None = None,
        fill: bool | int | float = 0,
        invariant: bool = False,
    ) -> Value:
        """`lanes` elements that lie one after another. Lanes whose mask is false are not touched and read as `fill`.

        `align` in bytes, by default one element's. `invariant`: nobody writes this memory while the kernel runs.
        """
        if offset is not None:
            ptr = self.at(ptr, offset, dtype)
        element = memory_type(dtype)
        align = align or dtype.itemsize
        llvm = element if lanes == 1 else f"<{lanes} x {element}>"
        notes = _notes(ptr.scope)
        if invariant:
            notes += ", !invariant.load !0"
        if mask is None:
            ref = self._emit(f"load {llvm}, ptr {ptr.ref}, align {align}{notes}")
        else:
            rest = self._fill(fill, dtype, lanes)
            if lanes == 1:
                return self.choose(
                    mask,
                    lambda: [self.load(ptr, dtype, align=align, invariant=invariant)],
                    lambda: [self.const(fill, dtype)],
                )[0]
            ref = self._emit(
                f"call {llvm} @llvm.masked.load.v{lanes}{_mangled(element)}.p0"
                f"(ptr {ptr.ref}, i32 {align}, {mask.llvm} {mask.ref}, {llvm} {rest}){notes}"
            )
        return self._from_memory(Value(ref, element, lanes, dtype, llvm))

    def store(
        self,
        x: Value,
        ptr: Value,
        offset: int | Value | None = None,
        mask: Value | None = None,
        align: int | None = None,
    ) -> None:
        """Writes the lanes of x one after another; lanes whose mask is false leave memory as it is."""
        d = x.dtype
        if offset is not None:
            ptr = self.at(ptr, offset, d)
        if mask is not None and x.lanes == 1:
            with self.if_(mask):
                self.store(x, ptr, align=align)
            return
        x = self._to_memory(x)
        align = align or (8 if d is None else d.itemsize)
        notes = _notes(ptr.scope)
        if mask is None:
            self._append(f"  store {x.llvm} {x.ref}, ptr {ptr.ref}, align {align}{notes}")
        else:
            self._append(
                f"  call void @llvm.masked.store.v{x.lanes}{_mangled(x.type)}.p0"
                f"({x.llvm} {x.ref}, ptr {ptr.ref}, i32 {align}, {mask.llvm} {mask.ref}){notes}"
            )

    def gather(
        self, ptr: Value, dtype: dtype, index: Value, mask: Value | None = None, fill: bool | int | float = 0
    ) -> Value:
        """The elements ptr[index], one for every lane of the index; lanes whose mask is false are not touched and read
        as `fill`."""
        lanes = index.lanes
        if lanes == 1:
            return self.load(ptr, dtype, offset=index, mask=mask, fill=fill)
        element = memory_type(dtype)
        where = self.at(ptr, index, dtype)
        on = f"<{lanes} x i1> {'splat (i1 true)' if mask is None else mask.ref}"
        llvm = llvm_type(element, lanes)
        notes = _notes(ptr.scope)
        ref = self._emit(
            f"call {llvm} @llvm.masked.gather.v{lanes}{_mangled(element)}.v{lanes}p0"
            f"(<{lanes} x ptr> {where.ref}, i32 {dtype.itemsize}, {on}, {llvm} {self._fill(fill, dtype, lanes)}){notes}"
        )
        return self._from_memory(Value(ref, element, lanes, dtype, llvm))

    def scatter(self, x: Value, ptr: Value, index: Value, mask: Value | None = None) -> None:
        """ptr[index] = x, lane by lane in order: of equal indices the last lane wins."""
        d, lanes = x.dtype, x.lanes
        if lanes == 1:
            self.store(x, ptr, offset=index, mask=mask)
            return
        where = self.at(ptr, index, d)
        x = self._to_memory(x)
        on = f"<{lanes} x i1> {'splat (i1 true)' if mask is None else mask.ref}"
        notes = _notes(ptr.scope)
        self._append(
            f"  call void @llvm.masked.scatter.v{lanes}{_mangled(x.type)}.v{lanes}p0"
            f"({x.llvm} {x.ref}, <{lanes} x ptr> {where.ref}, i32 {d.itemsize}, {on}){notes}"
        )

    def load_ptr(self, ptr: Value, offset: int | Value | None = None, invariant: bool = False) -> Value:
        """A pointer kept in memory, `offset` pointers further on."""
        if offset is not None:
            ptr = self.at(ptr, offset, int64)
        notes = ", !invariant.load !0" if invariant else ""
        return Value(self._emit(f"load ptr, ptr {ptr.ref}, align 8{notes}"), "ptr", 1, None, "ptr")

    def null(self) -> Value:
        return Value("null", "ptr", 1, None, "ptr")

    def ptr_to_int(self, ptr: Value) -> Value:
        return self._value(f"ptrtoint ptr {ptr.ref} to i64", "i64", 1, int64)

    def int_to_ptr(self, address: Value) -> Value:
        return self._value(f"inttoptr i64 {address.ref} to ptr", "ptr", 1, None)

    def assume_aligned(self, ptr: Value, align: int) -> Value:
        """Promises that the pointer is a multiple of `align` bytes."""
        self._append(f'  call void @llvm.assume(i1 true) [ "align"(ptr {ptr.ref}, i64 {align}) ]')
        return ptr

    def prefetch(
        self,
        ptr: Value,
        offset: int | Value | None = None,
        dtype: dtype | None = None,
        write: bool = False,
        locality: int = 3,
    ) -> None:
        """Asks for a cache line ahead of time. `locality` 3 keeps it in all caches, 0 in none."""
        if offset is not None:
            ptr = self.at(ptr, offset, dtype)
        self._append(f"  call void @llvm.prefetch.p0(ptr {ptr.ref}, i32 {int(write)}, i32 {locality}, i32 1)")

    def copy_bytes(self, to: Value, source: Value, nbytes: int | Value) -> None:
        """Copies memory that does not overlap (LLVM's memcpy, inline where the count is a small constant)."""
        n = self.i64(nbytes)
        self._append(f"  call void @llvm.memcpy.p0.p0.i64(ptr {to.ref}, ptr {source.ref}, i64 {n.ref}, i1 false)")

    def fill_bytes(self, to: Value, nbytes: int | Value, byte: int = 0) -> None:
        n = self.i64(nbytes)
        self._append(f"  call void @llvm.memset.p0.i64(ptr {to.ref}, i8 {byte}, i64 {n.ref}, i1 false)")

    def scratch(self, nbytes: int, align: int = 64) -> Value:
        """Memory on the stack that lives as long as the function runs: a few kilobytes at most."""
        return Value(self._alloca(f"[{nbytes} x i8]", align), "ptr", 1, None, "ptr")

    def table(self, numbers: Sequence[int | float], dtype: dtype) -> Value:
        """A pointer to constants that are part of the kernel."""
        type = memory_type(dtype)
        items = ", ".join(f"{type} {constant_text(n, dtype)}" for n in numbers)
        name = self.module.constant(f"constant [{len(numbers)} x {type}] [{items}], align 64")
        return Value(name, "ptr", 1, None, "ptr")

    # ------------------------------------------------------------ between threads

    def atomic_load(self, ptr: Value, dtype: dtype, order: str = "acquire") -> Value:
        type = REGISTER[dtype]
        return self._value(f"load atomic {type}, ptr {ptr.ref} {order}, align {dtype.itemsize}", type, 1, dtype)

    def atomic_store(self, x: Value, ptr: Value, order: str = "release") -> None:
        self._append(f"  store atomic {x.llvm} {x.ref}, ptr {ptr.ref} {order}, align {x.dtype.itemsize}")

    def atomic_add(self, ptr: Value, x: Value, order: str = "acq_rel") -> Value:
        """Adds an integer to memory as one step; gives what was there before."""
        return self._atomic("add", ptr, x, order)

    def atomic_sub(self, ptr: Value, x: Value, order: str = "acq_rel") -> Value:
        return self._atomic("sub", ptr, x, order)

    def atomic_exchange(self, ptr: Value, x: Value, order: str = "acq_rel") -> Value:
        return self._atomic("xchg", ptr, x, order)

    def _atomic(self, op: str, ptr: Value, x: Value, order: str) -> Value:
        return self._value(
            f"atomicrmw {op} ptr {ptr.ref}, {x.llvm} {x.ref} {order}, align {x.dtype.itemsize}", x.type, 1, x.dtype
        )

    def compare_exchange(self, ptr: Value, expected: Value, new: Value, order: str = "acq_rel") -> tuple[Value, Value]:
        """Writes `new` where memory holds `expected`, as one step: (what was there, whether it was written)."""
        t = expected.llvm
        pair = self._emit(
            f"cmpxchg ptr {ptr.ref}, {t} {expected.ref}, {t} {new.ref} {order} acquire, align {expected.dtype.itemsize}"
        )
        old = self._value(f"extractvalue {{ {t}, i1 }} {pair}, 0", expected.type, 1, expected.dtype)
        return old, self._value(f"extractvalue {{ {t}, i1 }} {pair}, 1", "i1", 1, bool_)

    def fence(self, order: str = "seq_cst") -> None:
        self._append(f"  fence {order}")

    def pause(self) -> None:
        """Tells the core that this is a waiting loop."""
        if self.target.pause:
            self._append(f"  call void {self.target.pause}")

    # ------------------------------------------------------------ register form and memory form

    def _from_memory(self, x: Value) -> Value:
        d = x.dtype
        if d is bool_:
            return self.ne(Value(x.ref, "i8", x.lanes, uint8, x.llvm), 0)
        if d in NARROW:
            return self.from_bits(Value(x.ref, "i16", x.lanes, int16, x.llvm), d)
        return x

    def _to_memory(self, x: Value) -> Value:
        if x.dtype is bool_:
            return self._cast("zext", x, "i8", uint8)
        return self.to_bits(x) if x.dtype in NARROW else x

    def _fill(self, fill, dtype: dtype, lanes: int) -> str:
        if not fill:
            return "0" if lanes == 1 and not dtype.is_floating_point else "zeroinitializer"
        x = self.const(fill, int8 if dtype is bool_ else dtype, lanes)
        return self.to_bits(x).ref if dtype in NARROW else x.ref


def _notes(scope: int | None) -> str:
    """What to say of an access through a pointer of this alias scope."""
    return "" if scope is None else f", !alias.scope !{scope + 1}, !noalias !{scope + 2}"


def _mangled(type: str) -> str:
    return {"float": "f32", "double": "f64", "ptr": "p0"}.get(type, type)
