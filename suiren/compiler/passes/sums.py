"""sums: a sum of values that are zero but for a part each is put together from the parts, where these do not overlap.

So are gradients made that arrive slice by slice (unbind, chunk, a loop over x[i]): n slices of it would be n values of its full size, and n - 1 additions.
Changes no bit: in every place at most one of the terms is not zero, and zeros are still added to it once (what a -0.0 notices).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suiren.compiler.passes.symbolic import ask
from suiren.compiler.program import Program
from suiren.trace.spec import Spec
from suiren.trace.trace import Node, Number

Region = tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides, offset in a contiguous value
LARGEST = 1 << 26  # elements of a value up to which it is found out by marking them whether strided regions overlap


class _Assemble:
    """What replaces the sum: input k lies at region k. Not an Op: no trace holds it."""

    kind, name, params = "placement", "assemble", ("regions",)

    def parts(self, inputs, params):
        return tuple(enumerate(params[0]))


class _Region:
    """What lies at a region of a value."""

    kind, name, params = "movement", "region", ("shape", "strides", "offset")

    def restride(self, shape, strides, offset, params):
        return params


ASSEMBLE, REGION = _Assemble(), _Region()


class Part(NamedTuple):
    value: int
    region: Region


class _Terms(NamedTuple):
    """A value as a sum: `rest`, if there is one, and parts of zeros, which lie from element `low` to `high` of it."""

    rest: int | None
    parts: tuple[Part, ...]
    base: int  # the zeros
    low: int = 0
    high: int = -1


def assembled(program: Program) -> Program:
    """Replaces such sums. The constants of the program must be known."""
    if not any(node.op.kind == "placement" for node in program.nodes):
        return program
    uses: dict[int, int] = {}
    for v in [x for node in program.nodes for x in node.inputs if not isinstance(x, Number)] + program.wanted:
        uses[v] = uses.get(v, 0) + 1
    terms: dict[int, _Terms] = {}
    sums: dict[int, Node] = {}
    inside: set[int] = set()  # sums that are terms of others
    for node in program.nodes:
        if node.op.kind == "placement":
            part = _only_part(program, node)
            if part is not None:
                terms[node.outputs[0]] = _Terms(None, (part,), node.inputs[0], *_span(part.region))
        elif is_sum(program, node):
            found = _added(program, *(_terms(v, terms, uses) for v in node.inputs))
            if found is not None:
                terms[node.outputs[0]] = found
                sums[node.outputs[0]] = node
                inside.update(v for v in node.inputs if v in sums and uses[v] == 1)
    if sums:
        nodes = []
        for node in program.nodes:
            out = node.outputs[0]
            if sums.get(out) is node and out not in inside:
                nodes += _written(program, node, terms[out])
            elif out not in inside:
                nodes.append(node)
        program.nodes = nodes
    return program


def _only_part(program: Program, node: Node) -> Part | None:
    """The part of a placement that puts one value into zeros."""
    kinds = tuple(program.kind(x) for x in node.inputs)
    parts = node.op.parts(kinds, node.params)
    if len(parts) != 2 or any(isinstance(x, Number) for x in node.inputs) or repr(program.constants.get(node.inputs[parts[0][0]])) not in ("0", "0.0", "False"):
        return None
    (first, (shape, strides, offset)), (second, region) = parts
    out = node.specs[0]
    is_whole = first == 0 and shape == out.shape and strides == out.strides and offset == 0
    return Part(node.inputs[second], region) if is_whole and program.specs[node.inputs[second]].dtype is out.dtype else None


def is_sum(program: Program, node: Node) -> bool:
    """Whether a node is x + y, of values that are of one spec."""
    if node.op.kind != "pointwise" or len(node.inputs) != 2:
        return False
    specs = [program.kind(x) for x in node.inputs]
    if not all(s is program.specs[node.outputs[0]] for s in specs) or node.inputs[0] == node.inputs[1]:
        return False
    operands, result = node.op.types(tuple(specs), node.params)
    return result is specs[0].dtype and operands == (result, result) and ask(node.op, node.params, operands, (None, None)).is_sum


def _terms(v: int, terms: dict[int, _Terms], uses: dict[int, int]) -> _Terms:
    """What a term of a sum is: a part of zeros even if others want it, too; a sum only if nobody does."""
    found = terms.get(v)
    if found is None or (uses[v] > 1 and (found.rest is not None or len(found.parts) > 1)):
        return _Terms(v, (), -1)
    return found


def _added(program: Program, a: _Terms, b: _Terms) -> _Terms | None:
    if (a.rest is not None and b.rest is not None) or not (a.parts or b.parts):
        return None
    base = a.base if a.parts else b.base
    parts = (*a.parts, *b.parts)
    if not (a.high < b.low or b.high < a.low or not a.parts or not b.parts) and not are_apart([p.region for p in parts], program.specs[base]):
        return None
    spans = [(t.low, t.high) for t in (a, b) if t.parts]
    return _Terms(a.rest if a.rest is not None else b.rest, parts, base, min(low for low, _ in spans), max(high for _, high in spans))


def _span(region: Region) -> tuple[int, int]:
    """The first and the last element of a region."""
    shape, strides, offset = region
    reach = [(n - 1) * s for n, s in zip(shape, strides)]
    return offset + sum(r for r in reach if r < 0), offset + sum(r for r in reach if r > 0)


def are_apart(regions: list[Region], spec: Spec) -> bool:
    """Whether no element of a contiguous value is in two of the regions."""
    spans = sorted(_span(region) for region in regions if 0 not in region[0])
    if all(a[1] < b[0] for a, b in zip(spans, spans[1:])):
        return True
    if spec.numel > LARGEST:
        return False
    taken = np.zeros(spec.numel, np.bool_)
    for shape, strides, offset in regions:
        if 0 in shape:
            continue
        seen = np.lib.stride_tricks.as_strided(taken[offset:], shape, strides) if all(s >= 0 for s in strides) else None
        if seen is None or seen.any():
            return False
        seen[...] = True
    return True


def _written(program: Program, node: Node, terms: _Terms) -> list[Node]:
    """The nodes of a sum that is put together."""
    out, spec = node.outputs[0], node.specs[0]
    if len(terms.parts) == 1:
        return [node]
    nodes, inputs, regions, zeros = [], [], [], program.constants[terms.base]
    if sum(program.specs[p.value].numel for p in terms.parts) < spec.numel:
        inputs.append(terms.base)
        regions.append((spec.shape, spec.strides, 0))
    for value, region in terms.parts:
        part = program.specs[value]
        zero, added = (program.new_value(part.shape, part.dtype, program.origins.get(value, -1)) for _ in range(2))
        program.constants[zero] = zeros
        nodes.append(Node(REGION, (terms.base,), region, (zero,), (program.specs[zero],)))
        nodes.append(node._replace(inputs=(value, zero), outputs=(added,), specs=(program.specs[added],)))
        inputs.append(added)
        regions.append(region)
    whole = out if terms.rest is None else program.new_value(spec.shape, spec.dtype, program.origins.get(out, -1))
    nodes.append(Node(ASSEMBLE, tuple(inputs), (tuple(regions),), (whole,), (program.specs[whole],)))
    if terms.rest is not None:
        nodes.append(node._replace(inputs=(terms.rest, whole)))
    return nodes


__all__ = ["ASSEMBLE", "REGION", "assembled", "is_sum"]
