"""products: a sum of matrix products is one product of the factors side by side, A₁B₁ + A₂B₂ + … = (A₁ A₂ …)(B₁; B₂; …).

So is the gradient of a weight that a loop uses at every step (a recurrent network's): n products of a few rows each read and write all of the
result, one product writes it once. The factors are put together where they are made, as what they are views of lies.
"""

from __future__ import annotations

from typing import NamedTuple

from suiren.compiler.passes.sums import ASSEMBLE, REGION, is_sum
from suiren.compiler.program import Program
from suiren.trace.trace import Node, Number

LEAST = 4  # products
LONGEST = 64  # rows of a factor, on the average: longer ones hide what their result costs


class _Factor(NamedTuple):
    """A factor of a product, as it lies: `value`, which `is_turned` (its last two dims are exchanged) or not."""

    value: int
    is_turned: bool


def joined(program: Program) -> Program:
    """Replaces such sums."""
    made: dict[int, Node] = {v: node for node in program.nodes for v in node.outputs}
    uses: dict[int, int] = {}
    for v in [x for node in program.nodes for x in node.inputs if not isinstance(x, Number)] + program.wanted:
        uses[v] = uses.get(v, 0) + 1
    sums = {node.outputs[0]: node for node in program.nodes if is_sum(program, node)}
    inside = {v for node in sums.values() for v in node.inputs if v in sums and uses[v] == 1}
    instead: dict[int, list[Node]] = {}
    gone: set[int] = set()
    for root, node in sums.items():
        if root in inside:
            continue
        terms, interior = _terms(root, sums, uses)
        products = [v for v in terms if v in made and uses[v] == 1 and _is_product(program, made[v])]
        if _pays(program, [made[v] for v in products]):
            instead[root] = _written(program, node, [v for v in terms if v not in set(products)], [made[v] for v in products], made)
            gone.update(interior)
            gone.update(products)
    if instead:
        nodes = []
        for node in program.nodes:
            out = node.outputs[0]
            nodes += instead.get(out, () if out in gone else (node,))
        program.nodes = nodes
    return program


def _terms(root: int, sums: dict[int, Node], uses: dict[int, int]) -> tuple[list[int], set[int]]:
    """(what is added up, in order; the sums on the way that nobody else wants)."""
    terms: list[int] = []
    interior: set[int] = set()
    stack = [*reversed(sums[root].inputs)]
    while stack:
        v = stack.pop()
        if v in sums and uses[v] == 1:
            interior.add(v)
            stack += reversed(sums[v].inputs)
        else:
            terms.append(v)
    return terms, interior


def _is_product(program: Program, node: Node) -> bool:
    return node.op.kind == "template" and node.op.transposes and node.specs[0].ndim == 2 and not any(isinstance(x, Number) for x in node.inputs)


def _pays(program: Program, products: list[Node]) -> bool:
    """Whether to put the factors together costs less than to read and write the result again and again."""
    if len(products) < LEAST:
        return False
    first = products[0]
    if any(node.op is not first.op or node.params != first.params or node.specs[0] is not first.specs[0] for node in products):
        return False
    rows = sum(program.specs[node.inputs[0]].shape[1] for node in products)
    m, n = first.specs[0].shape
    return rows <= LONGEST * len(products) and 2 * rows * (m + n) < (len(products) - 1) * m * n


def _written(program: Program, total: Node, others: list[int], products: list[Node], made: dict[int, Node]) -> list[Node]:
    """The nodes of a sum whose products are one; the others are added as before."""
    nodes: list[Node] = []
    out, spec = total.outputs[0], total.specs[0]
    factors = [_side_by_side(program, [_factor(program, node.inputs[k], made) for node in products], 1 - k, nodes) for k in (0, 1)]

    def new() -> int:
        return program.new_value(spec.shape, spec.dtype, program.origins.get(out, -1))

    last = new() if others else out
    nodes.append(products[0]._replace(inputs=tuple(factors), outputs=(last,), specs=(program.specs[last],)))
    for n, v in enumerate(others):
        target = out if n == len(others) - 1 else new()
        nodes.append(total._replace(inputs=(last, v), outputs=(target,), specs=(program.specs[target],)))
        last = target
    program.origins.setdefault(out, program.origins.get(products[0].outputs[0], -1))
    return nodes


def _factor(program: Program, value: int, made: dict[int, Node]) -> _Factor:
    node = made.get(value)
    if node is not None and node.op.kind == "movement" and program.specs[node.inputs[0]].ndim == 2 and swaps_last_dims(program, node):
        return _Factor(node.inputs[0], True)
    return _Factor(value, False)


def _side_by_side(program: Program, factors: list[_Factor], along: int, nodes: list[Node]) -> int:
    """The factors as one: they follow each other along dim `along` of the product's view of them. All lie as the first one does."""
    turned = factors[0].is_turned
    lies_along = 1 - along if turned else along
    values = []
    for f in factors:
        value, shape = f.value, program.specs[f.value].shape
        if f.is_turned is not turned:  # one that lies otherwise is seen so
            value = program.new_value(shape[::-1], program.specs[f.value].dtype, program.origins.get(f.value, -1))
            nodes.append(Node(REGION, (f.value,), (shape[::-1], (1, shape[1]), 0), (value,), (program.specs[value],)))
        values.append(value)
    shapes = [program.specs[v].shape for v in values]
    d = program.specs[values[0]].dtype
    total = sum(s[lies_along] for s in shapes)
    whole = (total, shapes[0][1]) if lies_along == 0 else (shapes[0][0], total)
    strides, at, regions = (whole[1], 1), 0, []
    for s in shapes:
        regions.append((s, strides, at * strides[lies_along]))
        at += s[lies_along]
    together = program.new_value(whole, d, program.origins.get(values[-1], -1))
    nodes.append(Node(ASSEMBLE, tuple(values), (tuple(regions),), (together,), (program.specs[together],)))
    if not turned:
        return together
    seen = program.new_value(whole[::-1], d, program.origins.get(values[-1], -1))
    nodes.append(Node(REGION, (together,), (whole[::-1], (1, whole[1]), 0), (seen,), (program.specs[seen],)))
    return seen


def swaps_last_dims(program: Program, node: Node) -> bool:
    """Whether a movement exchanges the last two dims and does nothing else."""
    x = program.specs[node.inputs[0]]
    if x.ndim < 2:
        return False

    def swapped(t: tuple) -> tuple:
        return (*t[:-2], t[-1], t[-2])

    # Sizes are given as they are, strides so that no two of them can be mistaken for each other.
    strides = tuple(2**n for n in range(x.ndim))
    return node.op.restride(x.shape, strides, 0, node.params) == (swapped(x.shape), swapped(strides), 0)


__all__ = ["joined", "swaps_last_dims"]
