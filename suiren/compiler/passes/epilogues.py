"""epilogues: which items a template can apply to its result while it is in registers."""

from __future__ import annotations

from suiren.compiler.passes.clusters import Cluster, Fusion, Item, TemplateItem
from suiren.compiler.passes.domain import broadcast, is_identity
from suiren.compiler.program import Access
from suiren.trace.trace import Number


def fits_epilogue(fusion: Fusion, item: Item, joined: Cluster) -> bool:
    """Whether an item can be applied to a template's result in registers."""
    template = joined.template
    if (
        item.kind != "pointwise"
        or item.checks
        or not item.full
        or not template.allowed
        or not _lies_like(fusion, item.outputs[0], template)
    ):
        return False
    return all(fits_result(fusion, a, joined, template) for a in item.inputs)


def fits_result(fusion: Fusion, a: Access | Number, joined: Cluster, template: TemplateItem) -> bool:
    if isinstance(a, Number):
        return "number" in template.allowed
    if a.value in fusion.program.constants:
        return True
    if a.value in fusion.free:
        item = fusion.free[a.value]
        return not item.node.op.takes_index and all(fits_result(fusion, x, joined, template) for x in item.inputs)
    if a.value == template.node.outputs[0]:
        return is_identity(a, fusion.specs[a.value].numel)
    if is_made_of(template, a.value):
        return False
    maker = fusion.by_value.get(a.value)
    if maker is not None and any(maker is i for i in joined.items):
        return is_identity(a, fusion.specs[a.value].numel) and _lies_like(fusion, a.value, template)
    return varies(fusion, a, template) in template.allowed


def is_made_of(template: TemplateItem | None, value: int) -> bool:
    return template is not None and value in template.node.outputs


def _lies_like(fusion: Fusion, value: int, template: TemplateItem) -> bool:
    return fusion.program.blocks.get(value, 0) == fusion.program.blocks.get(template.node.outputs[0], 0)


def varies(fusion: Fusion, a: Access, template: TemplateItem) -> str:
    """How an operand varies over a template's result: see Operand."""
    out = fusion.specs[template.node.outputs[0]]
    if (
        is_identity(a, fusion.specs[a.value].numel)
        and a.shape
        and fusion.specs[a.value].numel == out.numel
        and _lies_like(fusion, a.value, template)
    ):
        return "same"
    if fusion.program.blocks.get(a.value, 0):
        return "none"
    inner = next((d - len(a.shape) for d, (n, s) in enumerate(zip(a.shape, a.strides)) if n != 1 and s), 0)
    if inner and a.shape[inner:] != out.shape[inner:]:
        return "none"  # the chain is shaped otherwise than the result where it matters: (3, 2) of a result (3, 2, 1)
    a = broadcast(a, out.shape) if len(a.shape) <= len(out.shape) else a
    moving = [d for d, (n, s) in enumerate(zip(a.shape, a.strides)) if n != 1 and s]
    if not moving:
        return "scalar"
    if a.shape != out.shape or len(moving) > 1:
        return "none"
    rank = len(out.shape)
    if fusion.program.blocks.get(template.node.outputs[0], 0):
        return "last" if moving == [1] else "none"
    return "last" if moving == [rank - 1] else "first" if moving == [rank - 2] else "none"


__all__ = ["fits_epilogue", "fits_result", "is_made_of", "varies"]
