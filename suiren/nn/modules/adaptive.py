"""A softmax over many classes that spends little on the rare ones. Source: torch/nn/modules/adaptive.py, https://arxiv.org/abs/1609.04309"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from suiren.api.joining import cat
from suiren.nn import functional as F
from suiren.nn.modules.container import ModuleList, Sequential
from suiren.nn.modules.linear import Linear
from suiren.nn.modules.module import Module
from suiren.tensor import Tensor


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Frequent classes and clusters of rare ones in a head, the clusters' classes by small layers of their own.

    (N, in_features) and targets (N,) to (the log-probabilities of the targets (N,), minus their mean).
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False,
        device: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__()
        cutoffs = list(cutoffs)
        if len(cutoffs) == 0:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(set(cutoffs)) or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):  # fmt: skip
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between "
                "1 and n_classes-1"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            hidden = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, False, device, dtype), Linear(hidden, high - low, False, device, dtype)
                )
            )

    def reset_parameters(self) -> None:
        """Draws all weights anew."""
        self.head.reset_parameters()
        for projection in self.tail:
            for layer in projection:
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        dims = target_.dim()
        if dims == 1:
            if input_.size(0) != target_.size(0):
                raise RuntimeError("Input and target should have the same size in the batch dimension.")
            if input_.dim() != 2:
                raise RuntimeError(f"1D target tensor expects 2D input tensors, but found inputs with size {input_.size()}")
        elif dims == 0:
            if input_.dim() != 1:
                raise RuntimeError(f"0D target tensor expects 1D input tensors, but found inputs with size {input_.size()}")
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        input, target = (input_, target_) if dims else (input_.unsqueeze(0), target_.unsqueeze(0))
        output = self._log_prob_of(input, target)
        return _ASMoutput(output if dims else output.squeeze(0), -output.mean())

    def _log_prob_of(self, input: Tensor, target: Tensor) -> Tensor:
        """The log-probability of each target; a cluster's layers see only the inputs whose target is in it, so the targets are looked at."""
        low, high = int(target.min()), int(target.max())
        if low < 0 or high >= self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{low}, {high}] were found. "
            )
        head = F.log_softmax(self.head(input), dim=1)
        places, output = target, input.new_zeros(target.size(0))
        for i, (first, last) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            inside = (target >= first) & (target < last)
            rows = inside.nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            log_p = F.log_softmax(self.tail[i](input.index_select(0, rows)), dim=1)
            chosen = target.index_select(0, rows) - first
            places = places.masked_fill(inside, self.shortlist_size + i)
            output = output.index_copy(0, rows, log_p.gather(1, chosen.unsqueeze(1)).squeeze(1))
        return output + head.gather(1, places.unsqueeze(1)).squeeze(1)

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, projection in enumerate(self.tail):
            place = self.shortlist_size + i
            parts.append(F.log_softmax(projection(input), dim=1) + head[:, place : place + 1])
        return cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) to (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each input; the clusters' layers see only inputs whose likeliest entry of the head is a cluster."""
        head = self.head(input)
        best = head.argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel() == 0:
            return best
        log_p = self._get_full_log_prob(input.index_select(0, rows), head.index_select(0, rows))
        return best.index_copy(0, rows, log_p.argmax(1))
