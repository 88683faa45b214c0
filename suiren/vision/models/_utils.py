"""Layers out of the middle of a model, numbers of channels, and weights to begin with. Source: torchvision/models/_utils.py"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from suiren import Tensor, nn
from suiren.nn.modules.container import ModuleDict
from suiren.nn.modules.module import Module


class IntermediateLayerGetter(ModuleDict):
    """A model up to the last of the submodules in `return_layers`, {its name: the name of its output}; gives {that name: output}.

    The submodules must be used one after the other, in the order in which they were set. ValueError for a name that is no submodule's.
    """

    _version = 2

    def __init__(self, model: Module, return_layers: dict[str, str]):
        if not set(return_layers).issubset(name for name, _ in model.named_children()):
            raise ValueError("return_layers are not present in model")
        missing = {str(name) for name in return_layers}
        layers = OrderedDict()
        for name, module in model.named_children():
            layers[name] = module
            missing.discard(name)
            if not missing:
                break
        super().__init__(layers)
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                found[self.return_layers[name]] = x
        return found


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` nearest to `v`, but not more than a tenth below it."""
    found = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return found + divisor if found < 0.9 * v else found


def begin_weights(model: Module, linear: Callable[[Tensor], Tensor]) -> None:
    """What small models begin with: He's weights in convolutions, ones and zeros in normalisations; `linear` fills the weight of a Linear layer."""
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out")
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.ones_(m.weight)
            nn.init.zeros_(m.bias)
        elif isinstance(m, nn.Linear):
            linear(m.weight)
            nn.init.zeros_(m.bias)
