"""memory: every temporary gets its place in the arena, and the calls their final order.

Time is counted in levels: a call's level is one more than that of the latest call it waits for, or, if that needs less memory,
one less than that of the first call that waits for it (packed weights, staged inputs). Calls are put in the order of their levels;
those of a level may run side by side, so memory is shared only between buffers whose lives, in levels, do not touch. Greedy best
fit, largest first.
"""

from __future__ import annotations

from suiren.compiler.program import Buffer, Call, Program

ALIGN = 64


def memory(program: Program) -> Program:
    levels = put_off(program.calls, levels_of(program.calls))
    order = sorted(range(len(levels)), key=levels.__getitem__)
    program.calls, levels = [program.calls[n] for n in order], [levels[n] for n in order]
    lives: dict[Buffer, list[int]] = {}
    for call, level in zip(program.calls, levels):
        for buffer in (*call.reads, *call.writes, *call.scratch):
            if buffer.slot is None:
                life = lives.setdefault(buffer, [level, level])
                life[0], life[1] = min(life[0], level), max(life[1], level)
    placed: list[tuple[int, int, list[int]]] = []  # (begin, end, life)
    share = "reuse" not in program.left_out
    for buffer in sorted(lives, key=lambda b: -b.nbytes):
        life, size = lives[buffer], max(ALIGN, -(-buffer.nbytes // ALIGN) * ALIGN)
        taken = sorted(
            (begin, end) for begin, end, other in placed if not share or (life[0] <= other[1] and other[0] <= life[1])
        )
        buffer.offset = _best_gap(taken, size)
        placed.append((buffer.offset, buffer.offset + size, life))
    program.arena_bytes = max((end for _, end, _ in placed), default=0)
    return program


def levels_of(calls: list[Call]) -> list[int]:
    """The level of each call: calls wait for the writers of what they read, and for the readers and writers of what they write; those that write into
    leaves or outputs, for all checks, which come before them."""
    written: dict[Buffer, int] = {}
    read: dict[Buffer, int] = {}
    found, last_check = [], -1
    for call in calls:
        level = max((written.get(b, -1) + 1 for b in (*call.reads, *call.writes)), default=0)
        level = max([level, *(read.get(b, -1) + 1 for b in call.writes)])
        if any(b.slot is not None for b in call.writes):
            level = max(level, last_check + 1)
        if call.check is not None:
            last_check = max(last_check, level)
        for b in call.reads:
            read[b] = max(read.get(b, -1), level)
        for b in call.writes:
            written[b] = level
        found.append(level)
    return found


def put_off(calls: list[Call], levels: list[int]) -> list[int]:
    """Levels in which a call runs just before it is waited for, where what it makes takes more memory than what it would keep alive."""
    found = list(levels)
    made: dict[Buffer, int] = {}  # the first call that touches a buffer
    for n, call in enumerate(calls):
        for b in (*call.reads, *call.writes):
            made.setdefault(b, n)
    next_write: dict[Buffer, int] = {}  # levels of the nearest calls behind this one
    next_read: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}  # the last level that needs a buffer
    for n in range(len(calls) - 1, -1, -1):
        call = calls[n]
        waiting = [next_write[b] for b in (*call.reads, *call.writes) if b in next_write]
        waiting += [next_read[b] for b in call.writes if b in next_read]
        late = min(waiting, default=found[n] + 1) - 1
        grows = sum(b.nbytes for b in set(call.writes) if b.slot is None and made[b] == n)
        keeps = sum(b.nbytes for b in set(call.reads) if b.slot is None and last.get(b, -1) < late)
        if late > found[n] and grows > keeps and call.check is None:
            found[n] = late
        for b in call.reads:
            next_read[b] = min(next_read.get(b, found[n]), found[n])
        for b in call.writes:
            next_write[b] = min(next_write.get(b, found[n]), found[n])
        for b in (*call.reads, *call.writes):
            last[b] = max(last.get(b, -1), found[n])
    return found


def _best_gap(taken: list[tuple[int, int]], size: int) -> int:
    """Where the smallest gap that is large enough begins; behind everything if there is none."""
    best, best_room, at = None, None, 0
    for begin, end in taken:
        room = begin - at
        if room >= size and (best_room is None or room < best_room):
            best, best_room = at, room
        at = max(at, end)
    return at if best is None else best
