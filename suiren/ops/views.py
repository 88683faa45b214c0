"""Views that show the whole of a storage: what `detach`, `.data` and an in-place write of a leaf are made of."""

from __future__ import annotations

from suiren.ops.creation import cast, copy
from suiren.ops.movement import as_strided, expand
from suiren.ops.placement import view_write
from suiren.trace import views
from suiren.trace.op import NOT_DIFFERENTIABLE, Rewritten, movement
from suiren.trace.pending import local
from suiren.trace.recording import record
from suiren.trace.storage import Stored

detach = movement(
    "detach",
    infer=lambda x: x.plain,
    numpy=lambda x: x,
    restride=lambda shape, strides, offset: (shape, strides, offset),
    grad=NOT_DIFFERENTIABLE,
    whole=True,
    doc="The same storage, cut off from the graph.",
)

alias = movement(
    "alias",
    infer=lambda x: x.plain,
    numpy=lambda x: x,
    restride=lambda shape, strides, offset: (shape, strides, offset),
    grad=lambda g: (g,),
    whole=True,
    doc="The same storage as another tensor: a view of everything.",
)


class _LeafVersion(type(detach)):
    """A leaf that requires grad, after it was written without gradients: a leaf again, so its result requires grad and has no history."""

    def infer(self, inputs, params):
        return (inputs[0].with_grad,)


def _leaf(name: str, doc: str):
    return _LeafVersion(
        name,
        infer=lambda x: x,
        numpy=lambda x: x,
        restride=lambda shape, strides, offset: (shape, strides, offset),
        grad=NOT_DIFFERENTIABLE,
        view=False,
        whole=True,
        doc=doc,
    )


leaf_version = _leaf("leaf_version", "A leaf after it was written without gradients: a leaf again.")
leaf_version.renews = True
own_leaf = _leaf("own_leaf", "A leaf of a transform's own (func/), with the value of a tensor of the caller's.")

rewritten = Rewritten("rewritten", doc="A value with the history of what it took the place of.")


def original(t: Stored) -> Stored:
    """What the in-place form of an operation on `t` computes from: `t` as it was. What the gradient rule saves of it is then not what is written.

    (PyTorch's `original_self`. Another argument that is `t` too stands for itself: `x.mul_(x)` cannot be differentiated.)
    """
    return record(rewritten, (t, t), ()) if t._spec.requires_grad and local.rec.grad else t


views.use_ops(view_write=view_write, copy=copy, cast=cast, expand=expand, as_strided=as_strided, alias=alias, leaf_version=leaf_version, rewritten=rewritten)
