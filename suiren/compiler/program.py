"""What stands between the passes and machine code: kernels, calls of them, and the operands they are given.

The kernel ABI, one for all kernels:

    void kernel(i64* table, i64* args, i64 begin, i64 end)

`table` holds base addresses, filled anew at every run (see the slots below). `args` holds this call's constant 64-bit words: for a `Ptr` two
words (its slot, its byte offset), for an int one word, for a float the bits of its double. A call is divided into `units` (rows, tiles, …)
and a kernel does units begin ≤ i < end. What a unit computes never depends on how units are divided among threads: the same bits on 1 core and on 64.
Sizes arrive as args wherever that costs no speed, so that one kernel serves many shapes; what is in `Kernel.key` is fixed in the machine code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from suiren.dtypes import dtype
from suiren.trace.op import Input, Op
from suiren.trace.spec import Spec, spec
from suiren.trace.trace import Node, Number, Trace

if TYPE_CHECKING:
    from suiren.compiler.emit.builder import Builder, Value
    from suiren.compiler.emit.target import Target
    from suiren.compiler.nest import Nest

# The first slots of every table; leaves and then outputs follow.
ARENA, NUMBERS, STATUS, FIRST_FREE_SLOT = 0, 1, 2, 3
# STATUS points to two i64: a kernel that finds bad data writes 1 + its call's `check` number, then the offending value.


@dataclass(frozen=True)
class Kernel:
    """A piece of machine code. `key` (nested tuples of str, int, float, bool, None) says all that its code depends on.

    `emit(b)` writes the function's body with a Builder; it may look at nothing but what is in `key`.
    """

    family: str  # "loop", "gemm", "conv", … : the module that emits it
    key: tuple
    emit: Callable[[Builder], None] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Ptr:
    """Where an operand lies: byte `offset` into the memory of `buffer`, which memory planning gives a table slot."""

    buffer: Buffer
    offset: int = 0


@dataclass(eq=False)
class Buffer:
    """Memory of a program: a leaf, an output, or a temporary in the arena. Temporaries are 64-byte aligned and padded."""

    nbytes: int
    name: str = ""
    slot: int | None = None  # leaf or output: its table slot; None: the arena, at `offset`
    offset: int = 0


@dataclass(eq=False)
class Call:
    """One entry of a program: a kernel with its arguments. `reads` and `writes` are what memory planning and scheduling go by."""

    kernel: Kernel
    args: list[Ptr | int | float]
    units: int
    reads: list[Buffer]
    writes: list[Buffer]
    flops: int = 0  # for choosing how many threads share it, and for `explain`
    traffic: int = 0  # bytes read and written
    scratch: list[Buffer] = field(default_factory=list)  # live during this call only
    nodes: tuple[int, ...] = ()  # which nodes of the trace it computes
    check: int | None = None  # the trace node whose data it checks, if it can set STATUS
    label: str = ""


@dataclass(frozen=True)
class Operand:
    """One input of a fused pointwise chain, as the template sees it: how it varies over the template's output."""

    dtype: dtype
    varies: str  # "same": like the output itself; "last": along its last dim (gemm: n, conv: channel) only; "first": along m only; "scalar": one element; "number": a Python number
    # gemm: "same" has the output's own row-major layout. conv, pool: "same" has the output's own (blocked) layout, "last" is one element per channel


@dataclass(frozen=True)
class Epilogue:
    """A pointwise chain that a template applies to its result while it is still in registers.

    `emit(b, x, operands)` gets the result vector and one vector per Operand and returns the vectors to store, one per entry of `results`
    (all with the output's layout). Without a chain: EPILOGUE_NONE, which stores the result itself.
    """

    key: tuple
    operands: tuple[Operand, ...]
    results: tuple[dtype, ...]
    emit: Callable[[Builder, Value, list[Value]], list[Value]] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Place:
    """How a value lies in memory: what a template reads or writes.

    `block` = 0: strided, element (i, j, …) at `ptr` + (i*strides[0] + j*strides[1] + …) elements; strides may be 0 (expanded) or negative (flipped).
    `block` = B: blocked channels, dense: logical (N, C, H, W) as (N, ceil(C/B), H, W, B); `strides` are () and must not be used.
    Outputs are always dense: contiguous where `block` is 0.
    """

    ptr: Ptr
    dtype: dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    block: int = 0


@dataclass(frozen=True)
class Site:
    """A template node with everything placed: what `kernels/<family>.py` turns into calls. See kernels/README.md.

    `inputs` follow the node's inputs, a Python number is a `Number` (loaded with `b.number`). `operands` are those of the epilogue:
    for `varies` "same" a Place with the output's own layout, "last" and "first" a 1-dim Place, "scalar" a 0-dim Place, "number" a Number.
    `outputs`: with one result in the epilogue and a one-output op, one Place; in general the places of `epilogue.results`, then those of the
    op's further outputs (an epilogue applies to output 0). The dtype of output 0 itself, before the epilogue, is `dtype`.
    """

    op: Op
    params: tuple
    inputs: tuple[Place | Number, ...]
    outputs: tuple[Place, ...]
    dtype: dtype
    epilogue: Epilogue
    operands: tuple[Place | Number, ...]
    target: Target
    block: int  # channels per block of what is blocked
    node: int  # its place in the trace: what `Call.check` is set to by a kernel that checks data

    def param(self, name: str) -> Any:
        return self.op.param(self.params, name)

    @property
    def results(self) -> tuple[Place, ...]:
        """Where the vectors that `epilogue.emit` returns go."""
        return self.outputs[: len(self.epilogue.results)]

    @property
    def others(self) -> tuple[Place, ...]:
        """The op's outputs after the first."""
        return self.outputs[len(self.epilogue.results) :]


def plain_epilogue(result: dtype) -> Epilogue:
    return Epilogue(key=("none", result.name), operands=(), results=(result,), emit=lambda b, x, operands: [x])


# ---------------------------------------------------------------- a program between the passes


class Access(NamedTuple):
    """How something reads a value: through `moves`, the movement ops from the value to it. `shape`, `strides` (in elements) and `offset`
    are what they make of the value's own contiguous layout."""

    value: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    moves: tuple[tuple[Op | None, tuple], ...] = ()  # (op, params); without an op: broadcast to the shape `params`


class _Copy:
    """What the layout pass puts into a program: the same value in another layout. Not an Op: no trace holds it."""

    kind = name = "copy"
    params = ()


COPY = _Copy()


@dataclass(eq=False)
class Task:
    """A template node, ready to be lowered: its inputs, and the pointwise chain it applies to its output 0, written as the code of a nest."""

    node: Node
    origin: int
    inputs: tuple[Access | Number, ...]
    outputs: tuple[int, ...]  # the values that are stored: results of the epilogue, then the op's other outputs
    epilogue: Epilogue
    operands: tuple[Access | Number, ...] = ()
    origins: tuple[int, ...] = ()
    label: str = ""

    @property
    def reads(self) -> list[int]:
        return [a.value for a in (*self.inputs, *self.operands) if isinstance(a, Access)]

    @property
    def writes(self) -> list[int]:
        return list(self.outputs)


@dataclass(eq=False)
class Program:
    """A trace on its way to machine code; every pass takes one and returns it, changed.

    simplify and layout work on `nodes`, fuse makes `steps` of them, lower makes `calls` of these, memory places their buffers.
    """

    trace: Trace
    target: Target
    nodes: list[Node]
    specs: dict[int, Spec]
    outputs: tuple[int, ...]
    writes: tuple[tuple[int, int], ...]
    origins: dict[int, int]  # value -> the trace node that computes it
    constants: dict[int, bool | int | float] = field(
        default_factory=dict
    )  # values that are the same known number everywhere
    block: int = 0  # channels per block, chosen by layout
    blocks: dict[int, int] = field(default_factory=dict)  # the values that lie so
    left_out: frozenset[str] = frozenset()  # optional passes that were left out: they bear on what later ones do
    steps: list[Nest | Task] = field(default_factory=list)
    buffers: dict[int, Buffer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    arena_bytes: int = 0
    last_value: int = field(init=False)

    def __post_init__(self):
        self.last_value = max(self.specs, default=-1)

    def new_value(self, shape: tuple[int, ...], dtype: dtype, origin: int = -1) -> int:
        """A value that the trace does not have."""
        value = self.last_value = self.last_value + 1
        self.specs[value] = spec(shape, dtype)
        if origin >= 0:
            self.origins[value] = origin
        return value

    def kind(self, x: int | Number) -> Input:
        """What an op's rules are asked with."""
        return x.cls if isinstance(x, Number) else self.specs[x]

    @property
    def wanted(self) -> list[int]:
        """The values that must be in memory at the end."""
        return [*self.outputs, *(value for _, value in self.writes)]


def program_of(trace: Trace, target: Target, left_out: frozenset[str] = frozenset()) -> Program:
    """A trace as a program that no pass has seen yet."""
    specs = {value: s.plain for value, s in trace.specs().items()}
    origins = {value: i for i, node in enumerate(trace.nodes) for value in node.outputs}
    return Program(trace, target, list(trace.nodes), specs, trace.outputs, trace.writes, origins, left_out=left_out)


__all__ = [
    "ARENA", "COPY", "FIRST_FREE_SLOT", "NUMBERS", "STATUS", "Access", "Any", "Buffer", "Call", "Epilogue", "Kernel", "Operand", "Place", "Program",
    "Ptr", "Site", "Task", "plain_epilogue", "program_of",
]  # fmt: skip
