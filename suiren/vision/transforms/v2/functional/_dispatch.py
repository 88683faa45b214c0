"""How a function of `transforms.v2.functional` treats each sort of input."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from suiren.tensor import Tensor
from suiren.vision import tv_tensors
from suiren.vision.transforms.images import InterpolationMode, array_of, interpolation_mode, tensor_of


def is_pure_tensor(inpt: Any) -> bool:
    """Whether it is a tensor that does not say what it is."""
    return isinstance(inpt, Tensor) and not isinstance(inpt, tv_tensors.TVTensor)


def mode_of(interpolation: InterpolationMode | str | int) -> InterpolationMode:
    """The mode, given as itself, by its name or as PIL's number."""
    return interpolation_mode(InterpolationMode(interpolation.lower()) if isinstance(interpolation, str) else interpolation)


def dispatched(*, mask: Callable | None = None, boxes: Callable | None = None, points: Callable | None = None, pil: bool = True) -> Callable:
    """Makes a function of a PIL image or a plain tensor one of tv_tensors too; their sort and what they say of themselves are kept.

    `mask(tensor, **arguments)`; `boxes(array, format, canvas_size, clamping_mode, **arguments)` and `points(array, canvas_size, **arguments)`
    give an array, or an array and the new canvas size. What has no rule is refused, and PIL images without `pil`: TypeError.
    """

    def declare(f: Callable) -> Callable:
        takes_also = (Tensor, Image.Image) if pil else Tensor
        parameters = list(inspect.signature(f).parameters.values())

        def arguments(args: tuple, kwargs: dict) -> dict[str, Any]:
            bound = inspect.Signature(parameters[1:]).bind(*args, **kwargs)
            bound.apply_defaults()
            return bound.arguments

        @functools.wraps(f)
        def g(inpt: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(inpt, tv_tensors.TVTensor):
                if not isinstance(inpt, takes_also):
                    kinds = "PIL image or tensor" if pil else "tensor"
                    raise TypeError(f"Functional F.{f.__name__} supports inputs of type {kinds}, but got {type(inpt)} instead.")
                return f(inpt, *args, **kwargs)
            if isinstance(inpt, (tv_tensors.Image, tv_tensors.Video)):
                found = f(tv_tensors.pure(inpt), *args, **kwargs)
                if isinstance(found, tuple):
                    return tuple(tv_tensors.wrap(x, like=inpt) for x in found)
                return tv_tensors.wrap(found, like=inpt)
            rule = g.rules[next(sort for sort in g.rules if isinstance(inpt, sort))]
            if rule is None:
                raise TypeError(f"Functional F.{f.__name__} does not support inputs of type {type(inpt)}.")
            given = arguments(args, kwargs)
            if isinstance(inpt, tv_tensors.Mask):
                return tv_tensors.wrap(rule(tv_tensors.pure(inpt), **given), like=inpt)
            if isinstance(inpt, tv_tensors.BoundingBoxes) and tv_tensors.is_rotated_bounding_format(inpt.format):
                raise NotImplementedError(f"F.{f.__name__} of rotated boxes ({inpt.format.value}) is not in suiren")
            found = rule(array_of_any(inpt), **inpt._meta(), **given)
            array, size = found if isinstance(found, tuple) else (found, inpt.canvas_size)
            return tv_tensors.wrap(tensor_of(np.asarray(array)), like=inpt, canvas_size=tuple(size))

        g.rules = {tv_tensors.Mask: mask, tv_tensors.BoundingBoxes: boxes, tv_tensors.KeyPoints: points}
        return g

    return declare


def array_of_any(t: Tensor) -> np.ndarray:
    """The numbers of boxes or points, which may be of any shape."""
    plain = tv_tensors.pure(t)
    return array_of(plain) if plain.dim() >= 2 else plain.numpy()


def takes(f: Callable, inpt: Any) -> bool:
    """Whether the function has a rule for this sort of input; transforms leave the others alone."""
    rules = getattr(f, "rules", None)
    if rules is None:
        return True
    for sort, rule in rules.items():
        if isinstance(inpt, sort):
            return rule is not None
    return isinstance(inpt, (Tensor, Image.Image))
