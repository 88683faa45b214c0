"""Tensors that say what they are: images, videos, masks, boxes, points. `transforms.v2` treats each accordingly. Source: torchvision/tv_tensors

What is computed of one is a plain tensor, except by `clone`, `to`, `detach` and `requires_grad_`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from PIL import Image as _pil

from suiren import from_numpy
from suiren import tensor as _new
from suiren.dtypes import dtype as Dtype
from suiren.nn.parameter import sharing
from suiren.tensor import Tensor


def pure(t: Tensor) -> Tensor:
    """The same as a plain tensor; they share memory."""
    return t if type(t) is Tensor else Tensor.detach(t)


class TVTensor(Tensor):
    """Base of them."""

    def __new__(cls, data: Any, *, dtype: Dtype | None = None, device: Any = None, requires_grad: bool | None = None):
        if isinstance(data, _pil.Image):
            from suiren.vision.transforms.functional import pil_to_tensor

            data = pil_to_tensor(data)
        return cls._of(_tensor_of(data, dtype, requires_grad))

    @classmethod
    def _of(cls, t: Tensor, **meta: Any) -> Any:
        made = sharing(cls, pure(t), t.requires_grad)
        for name, value in meta.items():
            setattr(made, name, value)
        return made

    def _meta(self) -> dict[str, Any]:
        return {}

    @classmethod
    def wrap(cls, t: Tensor, like: Any, **changes: Any) -> Any:
        """`t` as the same sort as `like`, with what that says of itself, but for `changes`."""
        return cls._of(t, **{**like._meta(), **{k: v for k, v in changes.items() if k in like._meta()}})

    def as_subclass(self, cls: type) -> Any:
        """The same tensor as another class."""
        return pure(self) if cls is Tensor else cls.wrap(self, self)

    def clone(self, **options: Any) -> Any:
        return self.wrap(Tensor.clone(pure(self), **options), self)

    def to(self, *args: Any, **options: Any) -> Any:
        return self.wrap(Tensor.to(pure(self), *args, **options), self)

    def detach(self) -> Any:
        return self.wrap(Tensor.detach(self), self)

    def __deepcopy__(self, memo: dict) -> Any:
        return self.detach().clone().requires_grad_(self.requires_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _again, (type(self), pure(self), self._meta())

    def _text(self) -> str:
        name = type(self).__name__
        first, *rest = Tensor.__repr__(pure(self)).removeprefix("tensor").split("\n")
        more = len(name) - len("tensor")  # columns by which the rest moves
        return "\n".join([name + first, *(" " * more + line if more > 0 else line[-more:] for line in rest)])

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        extra = ", ".join(f"{key}={value}" for key, value in self._meta().items())
        return f"{self._text()[:-1]}, {extra})"


def _again(cls: type, t: Tensor, meta: dict) -> Any:
    return cls._of(t, **meta)


def _tensor_of(data: Any, dtype: Dtype | None, requires_grad: bool | None) -> Tensor:
    if isinstance(data, Tensor):
        t = pure(data) if dtype is None else pure(data).to(dtype)
    else:
        t = from_numpy(data) if isinstance(data, np.ndarray) else _new(data, dtype=dtype)
        t = t if dtype is None else t.to(dtype)
    wants = data.requires_grad if requires_grad is None and isinstance(data, Tensor) else bool(requires_grad)
    return t if t.requires_grad == wants else t.detach().requires_grad_(wants)


class Image(TVTensor):
    """An image, (…, C, H, W); of a PIL image, too. Two dims get a third. ValueError for fewer."""

    def __new__(cls, data: Any, **options: Any):
        made = super().__new__(cls, data, **options)
        if made.ndim < 2:
            raise ValueError
        return cls._of(pure(made).unsqueeze(0)) if made.ndim == 2 else made


class Video(TVTensor):
    """A video, (…, T, C, H, W). ValueError for fewer than four dims."""

    def __new__(cls, data: Any, **options: Any):
        made = super().__new__(cls, data, **options)
        if made.ndim < 4:
            raise ValueError
        return made


class Mask(TVTensor):
    """A mask of a segmentation, (…, H, W)."""

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return self._text()


class BoundingBoxFormat(Enum):
    """What the numbers of a box are: corners; a corner and the size; the middle and the size; R: turned by so many degrees."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


def is_rotated_bounding_format(format: BoundingBoxFormat | str) -> bool:
    """Whether boxes of this form may be turned."""
    if not isinstance(format, (BoundingBoxFormat, str)):
        raise ValueError(f"format should be str or BoundingBoxFormat, got {type(format)}")
    return getattr(format, "value", format) in ("XYWHR", "CXCYWHR", "XYXYXYXY")


class BoundingBoxes(TVTensor):
    """Boxes (N, 4), rotated ones (N, 5) or (N, 8), in an image of `canvas_size` = (height, width)."""

    def __new__(
        cls,
        data: Any,
        *,
        format: BoundingBoxFormat | str,
        canvas_size: tuple[int, int],
        clamping_mode: str | None = "soft",
        dtype: Dtype | None = None,
        device: Any = None,
        requires_grad: bool | None = None,
    ):
        t = _tensor_of(data, dtype, requires_grad)
        if not t.is_floating_point() and is_rotated_bounding_format(format):
            raise ValueError(f"Rotated bounding boxes should be floating point tensors, got {t.dtype}.")
        return cls._of(t, format=format, canvas_size=canvas_size, clamping_mode=clamping_mode)

    @classmethod
    def _of(cls, t: Tensor, **meta: Any) -> Any:
        if t.ndim == 1:
            t = t.unsqueeze(0)
        elif t.ndim != 2:
            raise ValueError(f"Expected a 1D or 2D tensor, got {t.ndim}D")
        if meta["clamping_mode"] not in (None, "hard", "soft"):
            raise ValueError(f"clamping_mode must be None, hard or soft, got {meta['clamping_mode']}.")
        if isinstance(meta["format"], str):
            meta["format"] = BoundingBoxFormat[meta["format"].upper()]
        return super()._of(t, **meta)

    def _meta(self) -> dict[str, Any]:
        return {"format": self.format, "canvas_size": self.canvas_size, "clamping_mode": self.clamping_mode}


class KeyPoints(TVTensor):
    """Points (…, 2), x and y, in an image of `canvas_size` = (height, width)."""

    def __new__(
        cls, data: Any, *, canvas_size: tuple[int, int], dtype: Dtype | None = None, device: Any = None, requires_grad: bool | None = None
    ):
        return cls._of(_tensor_of(data, dtype, requires_grad), canvas_size=canvas_size)

    @classmethod
    def _of(cls, t: Tensor, **meta: Any) -> Any:
        if t.ndim == 1:
            t = t.unsqueeze(0)
        elif t.shape[-1] != 2:
            raise ValueError(f"Expected a tensor of shape (..., 2), not {t.shape}")
        return super()._of(t, **meta)

    def _meta(self) -> dict[str, Any]:
        return {"canvas_size": self.canvas_size}


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """A tensor as the same sort as `like`: `tv_tensors.wrap(out, like=boxes, canvas_size=…)`."""
    return type(like).wrap(wrappee, like, **kwargs)
