"""simplify: what need not be computed. Changes no bit of any result, sums of products (products.py) apart.

Dead code; the same operation on the same inputs twice; operations that give back one of their inputs, or show it unmoved; results that are
one known number; sums of parts (sums.py) and of products (products.py). All of it is asked of the op (`symbolic.ask`, `op.restride`), so it holds for ops that do not exist yet.
"""

from __future__ import annotations

from suiren.compiler.passes.products import joined, swaps_last_dims
from suiren.compiler.passes.sums import assembled
from suiren.compiler.passes.symbolic import Symbol, SymbolicBuilder, ask
from suiren.compiler.program import Program
from suiren.trace.trace import Node, Number


def simplify(program: Program) -> Program:
    program = transposed(joined(without_dead_code(program)))
    same: dict[int, int] = {}  # value -> the one that it equals
    seen: dict[tuple, tuple[int, ...]] = {}
    nodes: list[Node] = []
    for node in program.nodes:
        inputs = tuple(x if isinstance(x, Number) else same.get(x, x) for x in node.inputs)
        if inputs != node.inputs:
            node = node._replace(inputs=inputs)
        key = (node.op, inputs, node.params)
        if key in seen:
            same.update((v, same.get(w, w)) for v, w in zip(node.outputs, seen[key]))
            continue
        seen[key] = node.outputs
        equal = _equal_input(program, node)
        if equal is None:
            nodes.append(node)
        else:
            same[node.outputs[0]] = equal
    program.nodes = nodes
    program.outputs = tuple(same.get(v, v) for v in program.outputs)
    program.writes = tuple((leaf, same.get(v, v)) for leaf, v in program.writes)
    return without_dead_code(assembled(without_dead_code(program)))


def transposed(program: Program) -> Program:
    """A product that is only looked at transposed is computed transposed: (AB)ᵀ = BᵀAᵀ, so that a weight's gradient lies as the weight does."""
    uses: dict[int, int] = {}
    for v in [x for node in program.nodes for x in node.inputs if not isinstance(x, Number)] + program.wanted:
        uses[v] = uses.get(v, 0) + 1
    made = {
        v: node for node in program.nodes if node.op.kind == "template" and node.op.transposes for v in node.outputs
    }
    nodes = []
    for node in program.nodes:
        product = made.get(node.inputs[0]) if node.op.kind == "movement" else None
        if product is None or uses[node.inputs[0]] > 1 or not swaps_last_dims(program, node):
            nodes.append(node)
            continue
        inputs = []
        for x in reversed(product.inputs):
            spec = program.specs[x]
            swapped = program.new_value(
                (*spec.shape[:-2], spec.shape[-1], spec.shape[-2]), spec.dtype, program.origins.get(x, -1)
            )
            nodes.append(node._replace(inputs=(x,), outputs=(swapped,), specs=(program.specs[swapped],)))
            inputs.append(swapped)
        program.origins[node.outputs[0]] = program.origins.get(product.outputs[0], -1)
        nodes.append(product._replace(inputs=tuple(inputs), outputs=node.outputs, specs=node.specs))
    program.nodes = nodes
    return without_dead_code(program)


def without_dead_code(program: Program) -> Program:
    """Keeps the nodes that a wanted value depends on."""
    live = set(program.wanted)
    kept = []
    for node in reversed(program.nodes):
        if any(v in live for v in node.outputs):
            kept.append(node)
            live.update(x for x in node.inputs if not isinstance(x, Number))
    program.nodes = kept[::-1]
    return program


def _equal_input(program: Program, node: Node) -> int | None:
    """The input that the node's one output equals. Notes results that are constant, too."""
    specs, op = program.specs, node.op
    if op.kind == "movement":
        x = specs[node.inputs[0]]
        if x is specs[node.outputs[0]] and op.restride(x.shape, x.strides, 0, node.params) == (x.shape, x.strides, 0):
            return node.inputs[0]
        if node.inputs[0] in program.constants:
            program.constants[node.outputs[0]] = program.constants[node.inputs[0]]
        return None
    if op.kind != "pointwise":
        return None
    said = ask_node(program, node)
    if said.same is not None:
        equal = node.inputs[said.same]
        if not isinstance(equal, Number) and specs[equal] is specs[node.outputs[0]]:
            return equal
    if said.constant is not None:
        program.constants[node.outputs[0]] = said.constant
    return None


def ask_node(program: Program, node: Node):
    """`symbolic.ask` of a pointwise node."""
    kinds = tuple(program.kind(x) for x in node.inputs)
    operands, _ = node.op.types(kinds, node.params)
    constants = tuple(converted(program, x, d) for x, d in zip(node.inputs, operands))
    return ask(node.op, node.params, operands, constants)


def converted(program: Program, x: int | Number, d):
    """The number that a constant value is when it is converted to dtype `d`; None if it is not known."""
    if isinstance(x, Number) or x not in program.constants:
        return None
    return SymbolicBuilder().convert(Symbol(program.specs[x].dtype, program.constants[x]), d).number
