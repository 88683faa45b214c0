"""Transforms of transforms. Source: torchvision/transforms/v2/_container.py"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from suiren import tensor
from suiren.nn.modules.container import ModuleList
from suiren.utils.data.draws import choices, permutation, uniform
from suiren.vision.transforms.v2._transform import Transform


def _check(transforms: Any, text: str = "Argument transforms should be a sequence of callables", kinds: tuple = (Sequence,)) -> None:
    if not isinstance(transforms, kinds):
        raise TypeError(text)
    if not transforms:
        raise ValueError("Pass at least one transform")


def _in_turn(transforms: Any, inputs: tuple) -> Any:
    outputs: Any = inputs if len(inputs) > 1 else inputs[0]
    for transform in transforms:
        outputs = transform(*outputs) if len(inputs) > 1 else transform(outputs)
    return outputs


class Compose(Transform):
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable]):
        super().__init__()
        _check(transforms)
        self.transforms = transforms

    def forward(self, *inputs: Any) -> Any:
        return _in_turn(self.transforms, inputs)

    def extra_repr(self) -> str:
        return "\n".join(f"    {t}" for t in self.transforms)


class RandomApply(Transform):
    """All of them with probability `p`, otherwise none."""

    def __init__(self, transforms: Sequence[Callable] | ModuleList, p: float = 0.5):
        super().__init__()
        _check(transforms, "Argument transforms should be a sequence of callables or a `nn.ModuleList`", (Sequence, ModuleList))
        self.transforms = transforms
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        if uniform() >= self.p:
            return inputs if len(inputs) > 1 else inputs[0]
        return _in_turn(self.transforms, inputs)

    def extra_repr(self) -> str:
        return "\n".join(f"    {t}" for t in self.transforms)


class RandomChoice(Transform):
    """One of them, with the weights `p`."""

    def __init__(self, transforms: Sequence[Callable], p: list[float] | None = None):
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence of callables")
        if p is None:
            p = [1] * len(transforms)
        elif len(p) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}")
        super().__init__()
        self.transforms = transforms
        self.p = [weight / sum(p) for weight in p]

    def forward(self, *inputs: Any) -> Any:
        return self.transforms[choices(tensor(self.p), 1, False)[0]](*inputs)


class RandomOrder(Transform):
    """All of them, in a random order."""

    def __init__(self, transforms: Sequence[Callable]):
        _check(transforms)
        super().__init__()
        self.transforms = transforms

    def forward(self, *inputs: Any) -> Any:
        return _in_turn([self.transforms[i] for i in permutation(len(self.transforms))], inputs)
