"""layout: which values lie in blocks of channels, (N, C, *S) as (N, ceil(C/B), *S, B).

Templates say which of their inputs and outputs do (`op.blocked`). Between them pointwise operations follow: what is computed from a blocked value of
the same shape is blocked, too. Whatever else reads a blocked value gets a plain copy of it, and a template that wants blocks a blocked copy of what is plain;
such a copy is a node of its own, which fuse merges into the kernel that makes the value where it can.

B is the same for all values of a program: the lanes of a vector, or half of them, whatever costs the templates less (`block_for`).

Without propagation (SUIREN_PASSES=-layout) every template stands between two copies.
"""

from __future__ import annotations

import importlib

from suiren.compiler.program import COPY, Place, Program, Ptr
from suiren.trace.trace import Node, Number


def block_for(program: Program) -> int:
    """How many channels make a block: with 6 of 16 lanes in use most of a product is wasted, with half a vector an instruction does less."""
    target, widest = program.target, program.target.vector_bytes // 4
    if target.piece_bytes == 0:
        return widest

    def cost(block: int) -> float:
        total = 0.0
        for node in program.nodes:
            if node.op.kind != "template" or not any(node.op.blocked):
                continue
            wants, gives = node.op.blocked
            spec = program.specs[node.outputs[gives[-1]] if gives else node.inputs[wants[-1]]]  # its channels are the lanes
            channels = spec.shape[1] if spec.numel else 1
            vectors = -(-channels // block)
            kinds = tuple(program.kind(x) for x in node.inputs)
            total += node.op.work(kinds, node.specs, node.params) / channels * vectors * (target.cycles(block) + 0.1)  # 0.1: the instruction itself
        return total

    return min((widest, widest // 2), key=cost)


def layout(program: Program) -> Program:
    program.block = block_for(program)
    if any(node.op.kind == "template" and any(node.op.blocked) for node in program.nodes):
        program.nodes = _Layout(program).nodes
    return program


class _Layout:
    def __init__(self, program: Program):
        self.program, self.specs, self.blocks = program, program.specs, program.blocks
        self.block = program.block
        self.follows = "layout" not in program.left_out
        self.nodes: list[Node] = []
        self.copies: dict[tuple[int, int], int] = {}
        for node in program.nodes:
            getattr(self, node.op.kind, self.plainly)(node)

    def plainly(self, node: Node) -> None:
        """A node that reads its inputs in any order of elements but their own."""
        self.nodes.append(node._replace(inputs=tuple(self.lying(x, 0) for x in node.inputs)))

    def reduction(self, node: Node) -> None:
        self.nodes.append(node)  # blocks are one more dim to a loop kernel

    def placement(self, node: Node) -> None:
        kinds = tuple(self.program.kind(x) for x in node.inputs)
        same = {
            k
            for k, (shape, *_) in node.op.parts(kinds, node.params)
            if not isinstance(node.inputs[k], Number) and shape == self.specs[node.inputs[k]].shape
        }
        self.nodes.append(
            node._replace(inputs=tuple(x if k in same else self.lying(x, 0) for k, x in enumerate(node.inputs)))
        )

    def pointwise(self, node: Node) -> None:
        shape = node.specs[0].shape
        inputs, follows = [], False
        for x in node.inputs:
            blocked = not isinstance(x, Number) and x in self.blocks
            if blocked and self.specs[x].shape != shape:
                x = self.lying(x, 0)
            elif blocked:
                follows = self.follows
            inputs.append(x)
        if follows:
            self.blocks[node.outputs[0]] = self.block
        self.nodes.append(node._replace(inputs=tuple(inputs)))

    def template(self, node: Node) -> None:
        wants, gives = node.op.blocked
        inputs = tuple(
            self.lying(x, self.block if k in wants and not self.takes(node, k, x) else 0)
            for k, x in enumerate(node.inputs)
        )
        self.nodes.append(node._replace(inputs=inputs))
        for k in gives:
            self.blocks[node.outputs[k]] = self.block

    def takes(self, node: Node, k: int, x: int | Number) -> bool:
        """Whether a template prefers a plain input, which it has, where it could have a blocked one."""
        if isinstance(x, Number) or x in self.blocks:
            return False
        family = importlib.import_module(f"suiren.compiler.kernels.{node.op.family}")
        spec = self.specs[x]
        return hasattr(family, "takes") and family.takes(
            node.op, node.params, k, Place(Ptr(None), spec.dtype, spec.shape, spec.strides)
        )

    def lying(self, x: int | Number, block: int) -> int | Number:
        """The value in the layout that is asked for: itself, or a copy."""
        if isinstance(x, Number) or self.blocks.get(x, 0) == block:
            return x
        if (x, block) not in self.copies:
            spec = self.specs[x]
            copy = self.program.new_value(spec.shape, spec.dtype, self.program.origins.get(x, -1))
            if block:
                self.blocks[copy] = block
            self.copies[x, block] = copy
            self.nodes.append(Node(COPY, (x,), (), (copy,), (spec,)))
        return self.copies[x, block]
