"""What a transform differentiates with respect to: leaves of its own, that nobody outside sees, and whether results depend on anything else."""

from __future__ import annotations

from suiren.autograd import engine, reach
from suiren.func import batched
from suiren.ops import creation, views
from suiren.tensor import Tensor
from suiren.trace import pending
from suiren.trace.pending import local
from suiren.trace.recording import record


def fresh(x: Tensor, outer: bool) -> Tensor:
    """`x` as an input of the function that is differentiated. Inside of vmap every place of the batch gets one of its own, so that gradients do not
    add up. If `outer` gradients are recorded and `x` has a history, it goes on behind the new one."""
    levels = batched.active()
    have = batched.aligned(x, levels, full=True) if levels else x
    if outer and have._spec.requires_grad:
        return batched.made(record(creation.copy, (have,), ()), levels)
    return batched.made(new_leaf(have), levels)


def new_leaf(x: Tensor) -> Tensor:
    """`x` as a leaf that requires grad."""
    leaf = record(views.own_leaf, (x,), ())
    rec = local.rec
    rec.owners[leaf._id - rec.base] = leaf
    return leaf


def let_go(leaves: list[Tensor]) -> None:
    """The transform is over: the leaves need not be computed for their own sake."""
    rec = local.rec
    for t in leaves:
        t = batched.physical(t)
        if rec.owners.get(t._id - rec.base) is t:
            del rec.owners[t._id - rec.base]


def depends_on_others(results: list[Tensor], leaves: list[Tensor]) -> bool:
    """Whether a way leads from the results to a tensor that requires grad and is none of these leaves."""
    roots = [batched.physical(t) for t in results if t._spec.requires_grad]
    own = {id(batched.physical(t)) for t in leaves}
    if not roots:
        return False
    run = engine.Pass(roots, create_graph=False, retain_graph=True, wanted=None)
    return not reach.reached(run, roots)[1] <= own


def cut(t: Tensor) -> Tensor:
    """A result without the graph of the transform."""
    return record(creation.stop_gradient, (t,), ()) if t._spec.requires_grad else t


class recording_gradients:
    """The function that is differentiated runs with gradients on, whatever is on around it; `outer` says whether they were."""

    def __enter__(self):
        self.outer = pending.set_grad_mode(True)
        return self

    def __exit__(self, *exception) -> None:
        pending.set_grad_mode(self.outer)
