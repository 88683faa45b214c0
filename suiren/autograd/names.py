"""Names of graph nodes: a primitive's own (`Op.grad_name`), or, of what a composite is made of, the name of PyTorch's one node for it.

A composite says nothing while it is recorded. Where a program is new, a step notes which functions it was recorded in (`Line.calls`); here these are
looked up, from the user's call inward. The steps of one call are one node then: `edges` are what goes into the call from outside.
"""

from __future__ import annotations

from typing import Any

# Functions that PyTorch has one node for, under their own name.
_OWN = ["unsqueeze", "squeeze", "roll", "repeat", "topk", "softmax", "log_softmax", "var", "std", "var_mean", "std_mean", "addmm", "addmv", "addr", "baddbmm", "addbmm", "masked_fill", "masked_select", "masked_scatter", "tril", "triu", "trace", "diag_embed", "unbind", "aminmax", "median", "kthvalue", "logsumexp", "rot90", "addcmul", "addcdiv", "hypot", "copysign", "logaddexp", "logaddexp2", "logit", "sinc", "deg2rad", "rad2deg", "frac", "dist", "lerp", "index_copy", "index_fill", "take", "put", "select_scatter", "slice_scatter", "diagonal_scatter", "scatter_reduce", "cdist", "logcumsumexp", "celu", "hardshrink", "softshrink", "hardtanh", "hardsigmoid", "hardswish", "softplus", "gelu", "silu", "mish", "elu", "leaky_relu", "glu", "renorm", "cumprod", "mv", "dot", "bmm", "split_with_sizes", "nanmedian", "xlogy", "logsigmoid", "pixel_shuffle", "unfold", "stack"]

_PYTORCH = {
    "norm": "LinalgVectorNormBackward0", "vector_norm": "LinalgVectorNormBackward0", "t": "TBackward0", "transpose": "TransposeBackward0",
    "swapaxes": "TransposeBackward0", "swapdims": "TransposeBackward0", "mT": "TransposeBackward0", "cross": "LinalgCrossBackward0",
    "prelu": "PreluKernelBackward0", "nll_loss": "NllLossBackward0", "cross_entropy": "NllLossBackward0", "mse_loss": "MseLossBackward0",
    "smooth_l1_loss": "SmoothL1LossBackward0", "huber_loss": "HuberLossBackward0", "soft_margin_loss": "SoftMarginLossBackward0",
    "binary_cross_entropy_with_logits": "BinaryCrossEntropyWithLogitsBackward0", "binary_cross_entropy": "BinaryCrossEntropyBackward0",
    "layer_norm": "NativeLayerNormBackward0", "group_norm": "NativeGroupNormBackward0", "batch_norm": "NativeBatchNormBackward0",
    "embedding": "EmbeddingBackward0", "pad": "ConstantPadNdBackward0", "hardtanh": "HardtanhBackward0", "relu6": "HardtanhBackward0",
    "scaled_dot_product_attention": "ScaledDotProductFlashAttentionForCpuBackward0", "dropout": "MulBackward0", "diagonal": "DiagonalBackward0",
    "deg2rad": "Deg2RadBackward0", "rad2deg": "Rad2DegBackward0", "split": "SplitBackward0", "chunk": "SplitBackward0", "selu": "EluBackward0",
    "index_select": "IndexSelectBackward0", "index_put": "IndexPutBackward0", "swish": "SiluBackward0", "linear": "AddmmBackward0",
    "kl_div": "MulBackward0", "conv1d": "ConvolutionBackward0", "conv2d": "ConvolutionBackward0", "conv3d": "ConvolutionBackward0",
    "conv_transpose1d": "ConvolutionBackward0", "conv_transpose2d": "ConvolutionBackward0", "conv_transpose3d": "ConvolutionBackward0",
}  # fmt: skip


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_")) + "Backward0"


def _maker(step, position: int = 0):
    """The transition that made an input of a step: an op, or a leaf that was bound."""
    ref, at = step.refs[position], step.parent
    while at.parent is not None:
        if at.kind == "leaf" and at.leaves == -ref or at.kind == "op" and at.out <= ref < at.out + len(at.specs):
            return at
        at = at.parent
    return None


def _input_spec(step):
    """The spec of the first input of a step, if it is a tensor."""
    if not isinstance(step.refs[0], int):
        return None
    made = _maker(step)
    return made.specs[step.refs[0] - made.out if made.kind == "op" else 0]


def _over_dims(name: str):
    """One node for a reduction of everything, another where dims are given."""

    def named(step) -> str:
        dims, keepdim = step.params
        return f"{name}Backward{0 if len(dims) == _input_spec(step).ndim and not keepdim else 1}"

    return named


def _mean(step) -> str:
    """Named by the sum that it divides."""
    made = _maker(step) if isinstance(step.refs[0], int) else None
    return _over_dims("Mean")(made) if made is not None and made.op is not None and made.op.kind == "reduction" else "MeanBackward0"


def _power(step) -> str:
    first, second = isinstance(step.refs[0], int), len(step.refs) > 1 and isinstance(step.refs[1], int)
    return "PowBackward1" if first and second else "PowBackward0" if first else "PowBackward2"


def _clamped(step) -> str:
    return "ClampBackward0" if len(step.refs) > 1 and any(isinstance(r, int) for r in step.refs[1:]) else "ClampBackward1"


def _extreme(name: str):
    def named(step) -> str:
        return f"{name}Backward1" if step.op.grad_name == f"A{name.lower()}Backward0" else step.op.grad_name

    return named


def _subtracted(step) -> str:
    return step.op.grad_name if isinstance(step.refs[0], int) else "RsubBackward1"


def _divided(step) -> str:
    return step.op.grad_name if isinstance(step.refs[0], int) else "MulBackward0"


def _filled(step) -> str:
    return f"MaskedFillBackward{int(all(isinstance(r, int) for r in step.refs) and not _is_constant(step))}"


def _is_constant(step) -> bool:
    """Whether what is filled in was a number, which became a tensor."""
    made = _maker(step, 1)
    return made is not None and made.op is not None and not any(isinstance(r, int) for r in made.refs)


def _indexed(step) -> str:
    if step.op.kind in ("template", "opaque"):
        return "IndexBackward0"
    if step.op.grad_name != "ViewBackward0":
        return step.op.grad_name
    spec = _input_spec(step)
    return "SelectBackward0" if spec is None or spec.ndim > step.spec.ndim else "UnsqueezeBackward0" if spec.ndim < step.spec.ndim else "SliceBackward0"


def _product(step) -> str:
    if step.op.kind == "template":
        return "BmmBackward0" if step.spec.ndim > 2 else "MmBackward0"
    return step.op.grad_name


def _linear(step) -> str:
    if step.op.kind == "movement":
        return "TBackward0" if step.op.grad_name == "PermuteBackward0" else step.op.grad_name
    return _product(step) if step.op.kind == "template" else "AddmmBackward0" if step.spec.ndim == 2 else step.op.grad_name


def _pooled(name: str):
    return lambda step: f"{name.format(step.specs[0].ndim - 2)}Backward0"


# Where the name depends on the step.
_BY_STEP = {
    "max": _extreme("Max"), "min": _extreme("Min"), "add": lambda step: step.op.grad_name, "sub": _subtracted, "masked_fill": _filled,
    "diag": lambda step: "DiagEmbedBackward0" if step.spec.ndim > 1 else "DiagonalBackward0_copy",
    "lerp": lambda step: "LerpBackward1" if step.op.grad_name == "WhereBackward0" else "LerpBackward0",
    "median": lambda step: f"MedianBackward{int(step.spec.ndim > 0)}",
    "mean": _mean, "pow": _power, "__pow__": _power, "__rpow__": _power, "float_power": _power, "clamp": _clamped, "clip": _clamped,
    "clamp_min": lambda step: "ClampMinBackward0", "clamp_max": lambda step: "ClampMaxBackward0", "__getitem__": _indexed, "linear": _linear,
}  # fmt: skip
_BY_OP = {
    "MaxPoolWithIndicesBackward0": _pooled("MaxPool{}DWithIndices"), "AvgPoolBackward0": _pooled("AvgPool{}D"),
    "SubBackward0": _subtracted, "DivBackward0": _divided, "SumBackward0": _over_dims("Sum"), "ProdBackward0": _over_dims("Prod"), "MmBackward0": _product, "PowBackward0": _power,
    "ClampBackward0": _clamped, "CopySlices": lambda step: "torch::autograd::CopySlices", "FftC2cBackward0": lambda step: "FftC2CBackward0",
    "FftR2cBackward0": lambda step: "FftR2CBackward0", "FftC2rBackward0": lambda step: "FftC2RBackward0",
}  # fmt: skip
# Composites in PyTorch as well, apart from the ones in them that it has a node for; what they call is looked at.
_TABLE: dict[str, Any] = {**dict(zip(_OWN, map(_camel, _OWN))), **_PYTORCH, **_BY_STEP}
_OPEN = {
    "cross_entropy": ("log_softmax",), "glu": (), "scaled_dot_product_attention": (), "dropout": ()
}  # fmt: skip
NUMBERS_ARE_TENSORS = frozenset(("AddBackward0", "SubBackward0", "MulBackward0", "DivBackward0"))  # PyTorch's node has an edge for a number too
_EACH = frozenset(("__getitem__",))  # the steps of these calls are nodes of their own
_VIEWS_APART = frozenset(("linear",))  # their views are nodes of their own; what is added last comes first, as in `addmm`
_SEVERAL = frozenset(("var_mean", "std_mean", "aminmax", "unbind", "split", "chunk", "tensor_split", "add", "sub"))  # more than one result
_BACKWARD = frozenset(("_by_rule",))


def call_of(step, start: int = 0) -> int | None:
    """Which of the step's calls (an index into `line.calls`) PyTorch has a node for; None if the step is a node of its own."""
    line = step.line
    if line is None:
        return None
    found, inside = None, ()
    for i, (name, _, _) in enumerate(line.calls):
        if name in _BACKWARD:
            return None
        if found is None:
            if i >= start and name in _TABLE:
                found, inside = i, _OPEN.get(name, ())
        elif name in inside:
            found, inside = i, _OPEN.get(name, ())
    return found


def _goes_on(step, at: int) -> bool:
    """Whether a call did more after this step, when its path was first recorded: then a program that has the step for a result is another one, which
    came by this path with a call further in."""
    calls = step.line.calls
    stack = list(step.children.values())
    while stack:
        child = stack.pop()
        if child.kind == "leaf":
            stack.extend(child.children.values())
        elif child.kind == "op" and child.line is not None and len(child.line.calls) > at:
            theirs = child.line.calls
            if not any(s.requires_grad for s in child.specs):
                stack.extend(child.children.values())
            elif theirs[:at] == calls[:at] and theirs[at][:2] == calls[at][:2] and theirs[at][2] >= calls[at][2]:
                return True
    return False


def of(step) -> str:
    """PyTorch's name of the node that a step stands for."""
    at = call_of(step)
    while at is not None:
        name = step.line.calls[at][0]
        if name in _EACH or name in _SEVERAL or (name in _VIEWS_APART and step.op.kind == "movement") or not _goes_on(step, at):
            entry = _TABLE[name]
            return entry(step) if callable(entry) else entry
        at = call_of(step, at + 1)
    by_op = _BY_OP.get(step.op.grad_name)
    return by_op(step) if by_op is not None else step.op.grad_name


def is_same_call(inner, outer) -> bool:
    """Whether a step was recorded in the same call as a later one, whose node it is part of then."""
    at = call_of(outer)
    if at is None or inner.line is None or len(inner.line.calls) <= at or call_of(inner) != at:
        return False
    ours, theirs = outer.line.calls, inner.line.calls
    if ours[:at] != theirs[:at]:
        return False
    (name, frame, place), (other_name, other_frame, other_place) = ours[at], theirs[at]
    if name in _EACH or (name in _VIEWS_APART and (inner.op.kind == "movement" or outer.op.kind == "movement")):
        return False
    return name == other_name and frame == other_frame and other_place <= place


def shows_all(step) -> bool:
    """Whether PyTorch's node has an edge for what of the call's arguments needs no gradient, too."""
    at = call_of(step)
    return at is not None and step.line.calls[at][0] in ("mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss")


def is_last_first(step) -> bool:
    """Whether PyTorch's node has what this step adds as its first input."""
    at = call_of(step)
    return at is not None and step.line.calls[at][0] in _VIEWS_APART and step.op.kind == "pointwise"
