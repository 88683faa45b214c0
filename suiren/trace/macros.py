"""Macros: what the framework itself expands (a backward, an optimizer's step, a composite such as a loss) is one transition of the trie.

The first time, `expand` records ordinary operations. On replay one look-up binds the inputs, jumps the cursor over the whole expansion and sets the
new versions: a hundred parameters do not cost a hundred Python loops of arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

from suiren.trace import binding, pending, recording
from suiren.trace.binding import enter, entered
from suiren.trace.deferred import Deferred, settle_numbers
from suiren.trace.pending import HALF_SPAN, TAKEN, Recording, local
from suiren.trace.spec import Spec
from suiren.trace.storage import Stored, new
from suiren.trace.trie import MODE, OP, TrieNode

if TYPE_CHECKING:
    from suiren.trace.execution import Ending


class Macro:
    """A known expansion: what its inputs must be, where the cursor is afterwards, and what has changed then."""

    __slots__ = ("end", "numbers", "refs", "results", "specs")

    def __init__(self, refs, specs, end, results, numbers):
        self.refs: tuple[int, ...] = refs
        self.specs: tuple[Spec, ...] = specs
        self.end: TrieNode = end
        self.results = results
        self.numbers: NumberPlan = numbers


class NumberPlan:
    """The numbers that an expansion used, in order: given ones, constants of the expansion, and what is computed from given ones."""

    __slots__ = ("constants", "derived", "order")

    def __init__(self, used: list, given: int):
        constants, derived, order = [], [], []
        for n in used:
            if type(n) is not Deferred:
                order.append((1, len(constants)))
                constants.append(n)
            elif n.index is not None:
                order.append((0, n.index))
            else:
                order.append((2, len(derived)))
                derived.append(n.compute)
        starts = (0, given, given + len(constants))
        self.order = tuple(starts[kind] + i for kind, i in order)
        self.constants, self.derived = tuple(constants), tuple(derived)

    def numbers(self, given: Sequence) -> list:
        if not self.order:
            return []
        pool = [*given, *self.constants, *[f(given) for f in self.derived]]
        return [pool[i] for i in self.order]


def run(key: Hashable, inputs: Sequence[Stored], numbers: Sequence[float], expand: Callable, scope: str = "") -> None:
    """Records an expansion that writes some of its inputs in place.

    `key` is all that decides the structure, besides the inputs' specs and which of them alias. `numbers` are floats that may change from step to step.
    `expand(inputs, numbers)` records ops (with gradients off; its numbers are passed to ops, never computed with) and returns
    [(index of the input to overwrite, its new value)].
    """
    rec = local.rec
    if rec.node.cut:
        pending.settle_recording(rec)
    if pending.threaded:
        for t in inputs:
            pending.run_readers(t)
    macro = find(rec, (key, len(numbers)), inputs)
    if macro is None:
        _expand(rec, (key, len(numbers)), inputs, numbers, expand, scope)
        return
    rec.numbers += macro.numbers.numbers(numbers)
    base, written = rec.base, rec.written
    rec.node = macro.end
    for i, slot in macro.results:
        t = inputs[i]
        if t._id < base and t._buffer is not None:
            written.append((t, t._id - base))
        t._id = base + slot
        t._version += 1


def _expand(rec: Recording, key: tuple, inputs, numbers, expand, scope: str) -> None:
    while True:
        start, base, first_number = rec.node, rec.base, len(rec.numbers)
        refs = tuple(enter(rec, t) for t in inputs)
        if rec.base == base:  # else one was pending in another thread, and waiting for it ran this recording
            break
    bound = rec.node.leaves
    before, rec.scope = rec.scope, scope or str(key[0])
    grad = rec.grad
    pending.set_grad_mode(False)
    try:
        results = []
        for i, value in expand(inputs, [given_number(v, i) for i, v in enumerate(numbers)]):
            binding.overwrite(inputs[i], value)
            inputs[i]._version += 1
            results.append((i, inputs[i]._id - base))
        plan = NumberPlan(rec.numbers[first_number:], len(numbers))
    finally:
        settle_numbers(rec.numbers, first_number if rec.base == base else 0)
        pending.set_grad_mode(grad)
        rec.scope = before
    if rec.base == base and rec.node.leaves == bound and all(t._parent is None for t in inputs):
        specs = tuple(t._spec for t in inputs)
        remember(start, key, Macro(refs, specs, rec.node, tuple(results), plan))


def given_number(value, index: int) -> Deferred:
    """The `index`-th number that the caller of a macro gives."""
    return Deferred(value, lambda given: given[index], index)


def remember(start: TrieNode | Ending, key: Hashable, macro: Macro) -> None:
    """Notes what is known at a node, or of the graph of a program that has run."""
    if start.macros is None:
        start.macros = {}
    start.macros.setdefault(key, []).append(macro)


def find(rec: Recording, key: Hashable, tensors: Sequence[Stored]) -> Macro | None:
    """The known macro of this key at the cursor whose inputs these tensors can be; their leaves are bound then."""
    known = rec.node.macros
    if known is not None:
        for macro in known.get(key, ()):
            if bind_all(rec, tensors, macro):
                return macro
    return None


def bind_all(rec: Recording, tensors: Sequence[Stored], macro: Macro) -> bool:
    """Whether the tensors stand where the macro expects them; computed ones become the leaves it expects. False leaves nothing changed."""
    if len(tensors) != len(macro.refs):
        return False
    base, leaves, buffers = rec.base, rec.leaves, rec.buffers
    if pending.threaded:
        for t in tensors:
            if t._parent is None and not -HALF_SPAN <= t._id - base < HALF_SPAN:
                pending.await_other(t)
        if rec.base != base:  # meanwhile this recording was run
            return False
    bound: list[tuple[Stored, int]] = []
    for t, ref, spec in zip(tensors, macro.refs, macro.specs):
        at = t._id
        if at - base == ref:
            continue
        buffer = t._buffer
        if t._spec is spec and ref == -1 - len(leaves) and buffer is not None and t._parent is None and not -HALF_SPAN <= at - base < HALF_SPAN:
            bound.append((t, at))
            if buffer._export is None and not buffer.is_foreign:
                leaves.append(t)
                buffers.append(buffer)
                t._id = base + ref
            else:
                binding.bind(rec, t)
            continue
        for t, before in reversed(bound):
            t._id = before
            leaves.pop()
            buffers.pop()
            if rec.snapshots and rec.snapshots[-1][0] == len(leaves):
                rec.snapshots.pop()
        return False
    return True


# ---------------------------------------------------------------- writes and composites: known by what stands where, not by shapes


class Jump:
    """A known expansion: where the cursor is afterwards."""

    __slots__ = ("end",)
    end: TrieNode

    def __init__(self, end: TrieNode):
        self.end = end


class Write(Jump):
    """An in-place write: the slot that the storage has then, and whether it is an autograd leaf there (views.py)."""

    __slots__ = ("is_leaf", "slot")

    def __init__(self, end: TrieNode, slot: int, is_leaf: bool):
        self.end, self.slot, self.is_leaf = end, slot, is_leaf


class Composite(Jump):
    """What a function that only records made: the numbers it used, its results as (slot, spec)."""

    __slots__ = ("is_single", "numbers", "results")

    def __init__(self, end: TrieNode, numbers: tuple, results: tuple[tuple[int, Spec], ...], is_single: bool):
        self.end, self.numbers, self.results, self.is_single = end, numbers, results, is_single


_NOTHING: dict = {}


def known(rec: Recording, key: tuple) -> Jump | None:
    """The expansion of this key at the cursor. None while somebody has an eye on every step: a user, or the recorder on a loop's period."""
    if rec.packing is not None or rec.period is not None:
        return None
    return (rec.node.macros or _NOTHING).get(key)


def remember_jump(rec: Recording, start: TrieNode, key: tuple, jump: Jump) -> None:
    if rec.packing is None:
        if start.macros is None:
            start.macros = {}
        start.macros[key] = jump


def forget_jumps(cut: TrieNode) -> None:
    """Recordings end at `cut` from now on: nothing may jump over it."""
    node = cut.parent
    while node is not None:
        if node.macros:
            for key in [k for k, jump in node.macros.items() if isinstance(jump, Jump) and jump is not PLAIN and jump.end.depth > cut.depth]:
                del node.macros[key]
        node = node.parent


pending.forget_jumps = forget_jumps

# What is known of a composite that cannot be one transition.
PLAIN = Composite(None, (), (), False)  # type: ignore[arg-type]
# Composites known at one node: a function that is called with another number each time would fill the memory with them.
MOST_COMPOSITES = 32


def composed(function: Callable, args: tuple, kwargs: dict):
    """`function(*args, **kwargs)`, of a function whose result depends on its arguments alone and that does nothing but record operations.

    Its arguments are tensors and hashable settings; they, with the cursor, decide what it records. So where the same arguments (tensors: the same
    slots) were met at this node before, its checks need not be made again either.
    """
    rec = local.rec
    if rec.scope:  # part of another expansion
        return function(*args, **kwargs)
    if rec.node.cut or rec.node is TAKEN:
        pending.settle_recording(rec)
    base, given = rec.base, (*args, *kwargs.values()) if kwargs else args
    parts: list = [function, *kwargs, *map(type, given)]
    for x in given:
        if isinstance(x, Stored):
            if x._interpret is not None:
                return function(*args, **kwargs)
            parts.append(entered(x))
        else:
            parts.append(x)
    if rec.base != base:  # one was pending in another thread, and waiting for it ran this recording
        return composed(function, args, kwargs)
    key = tuple(parts)
    try:
        jump = known(rec, key)
    except TypeError:  # a list among the settings
        return function(*args, **kwargs)
    if type(jump) is not Composite:
        return _first(rec, key, function, args, kwargs)
    if jump is PLAIN:
        return function(*args, **kwargs)
    if jump.numbers:
        rec.numbers += jump.numbers
    rec.node = jump.end
    made = []
    for slot, spec in jump.results:
        t = new(recording._TENSOR)
        t._id, t._spec, t._buffer, t._parent = base + slot, spec, None, None
        made.append(t)
    rec.values += made
    return made[0] if jump.is_single else tuple(made)


def _first(rec: Recording, key: tuple, function: Callable, args: tuple, kwargs: dict):
    """Expands a composite, and remembers it if nothing but operations was recorded and its results are tensors made by them."""
    start, base, first_number, owners = rec.node, rec.base, len(rec.numbers), len(rec.owners)
    found = function(*args, **kwargs)
    if rec.base != base or start.macros is not None and len(start.macros) >= MOST_COMPOSITES:
        return found
    results = found if type(found) is tuple else (found,)
    is_known = (
        _only_operations(start, rec.node) and len(rec.owners) == owners
        and all(isinstance(t, Stored) and t._parent is None and t._id - base >= start.slots for t in results)
    )  # fmt: skip
    made = tuple((t._id - base, t._spec) for t in results) if is_known else ()
    jump = Composite(rec.node, tuple(rec.numbers[first_number:]), made, found is not results) if is_known else PLAIN
    remember_jump(rec, start, key, jump)
    return found


def _only_operations(start: TrieNode, end: TrieNode) -> bool:
    """Whether the path from one node to another has nothing but operations of which a replay need not know."""
    node = end
    while node is not start:
        if node is None or node.kind is not MODE and (node.kind is not OP or node.op is None or node.op.renews or node.op.is_python):
            return False
        node = node.parent
    return True
