"""A trace as a person reads it, and why a trace was not found."""

from __future__ import annotations

import os
import sys

from suiren.trace.trace import Number, Trace
from suiren.trace.trie import OP, ROOTS, TrieNode


def text(trace: Trace) -> str:
    """One line per node: values, op, inputs, parameters, the user's line.

    %0 f32[4,3] = leaf
    %2 f32[4,5] = matmul(%0, %1)            # net.py:12 forward
    """
    specs = trace.specs()
    lines = [f"trace {trace.name}: {len(trace.leaves)} leaves, {len(trace.nodes)} operations"]
    lines += [f"  %{i} {s} = leaf" for i, s in enumerate(trace.leaves)]
    for node in trace.nodes:
        inputs = [f"#{x.index}:{x.cls.__name__}" if isinstance(x, Number) else f"%{x}" for x in node.inputs]
        params = [f"{k}={v!r}" for k, v in zip(node.op.params, node.params)]
        outs = ", ".join(f"%{v} {s}" for v, s in zip(node.outputs, node.specs))
        body = f"  {outs} = {node.op.name}({', '.join(inputs + params)})"
        where = f"{os.path.basename(node.line.file)}:{node.line.line} {node.line.function}" if node.line else ""
        note = " ".join(part for part in (node.scope, where) if part)
        lines.append(f"{body:<76}# {note}" if note else body)
    lines.append("  return " + ", ".join(f"%{v} {specs[v]}" for v in trace.outputs))
    lines += [f"  %{leaf} := %{v}" for leaf, v in trace.writes]
    return "\n".join(lines)


def _describe(step: TrieNode) -> str:
    if step.kind is OP:
        where = f" at {step.line.file}:{step.line.line}" if step.line else ""
        return f"{step.op.name}{tuple(step.refs)} {step.params or ''} -> {', '.join(map(str, step.specs))}{where}"
    return f"{step.kind} {step.spec or step.params or step.refs}"


def report_miss(ending) -> None:
    """SUIREN_MISSES=1: the first transition in which this trace differs from the known one nearest to it, on stderr."""
    end = ending.end
    others = [e for e in (end.ends or {}).values() if e is not ending]
    if others:
        mine, theirs = set(ending.key), set(others[-1].key)
        print(
            f"[suiren] {ending.name}: known operations, but other tensors are still reachable at the end: "
            f"slots {sorted(mine - theirs)} now, {sorted(theirs - mine)} before",
            file=sys.stderr,
        )
        return
    node = end
    while node.parent is not None and len(node.parent.children) == 1:
        node = node.parent
    if node.parent is None or node.parent in ROOTS.values() and len(node.parent.children) == 1:
        print(f"[suiren] {ending.name}: the first trace of its kind", file=sys.stderr)
        return
    before = [c for c in node.parent.children.values() if c is not node]
    print(f"[suiren] {ending.name}: differs from a known trace at transition {node.depth}: {_describe(node)}", file=sys.stderr)
    print(f"[suiren]   known there: {'; '.join(_describe(c) for c in before[-3:])}", file=sys.stderr)
