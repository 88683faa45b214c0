"""Channel shuffle. Source: torch/nn/modules/channelshuffle.py"""

from __future__ import annotations

from suiren.nn import functional as F
from suiren.nn.modules.module import Module
from suiren.tensor import Tensor


class ChannelShuffle(Module):
    """The channels of the groups take turns."""

    def __init__(self, groups: int):
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
