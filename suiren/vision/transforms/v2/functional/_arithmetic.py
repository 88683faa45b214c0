"""Arithmetic on arrays (…, C, H, W) where torchvision's second version has another order of it than its first, so that bytes round alike.

What the two versions compute in the same way is in `transforms.arrays`. Source: torchvision/transforms/v2/functional/_color.py, _misc.py
"""

from __future__ import annotations

import numpy as np

from suiren.vision.transforms import arrays
from suiren.vision.transforms.arrays import plus_product

_BITS = {"uint8": 8, "int8": 7, "int16": 15, "uint16": 16, "int32": 31, "int64": 63}


def check_channels(a: np.ndarray, text: str = "permitted channel values are 1 or 3") -> None:
    if a.shape[-3] not in (1, 3):
        raise TypeError(f"Input image tensor {text}, but found {a.shape[-3]}")


def _bits(dtype: np.dtype) -> int:
    if dtype.name not in _BITS:
        raise TypeError(f"Number of value bits is only defined for integer dtypes, but got torch.{dtype.name}.")
    return _BITS[dtype.name]


def converted(a: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The image in another dtype, white staying white: floats are 0 to 1. RuntimeError where a float cannot hold the integers."""
    if a.dtype == dtype:
        return a
    if arrays.is_float(a.dtype):
        if not arrays.is_float(dtype) and (a.dtype.itemsize, dtype.itemsize) in ((4, 4), (4, 8), (8, 8)):
            raise RuntimeError(f"The conversion from torch.{a.dtype.name} to torch.{dtype.name} cannot be performed safely.")
        return arrays.converted(a, dtype)
    if arrays.is_float(dtype):
        wide = np.promote_types(np.float32, dtype) if dtype.kind == "f" else np.dtype(np.float32)  # narrow floats are computed in float32
        return (a.astype(dtype).astype(wide) * wide.type(1.0 / arrays.highest(a.dtype))).astype(dtype)
    had, wanted = _bits(a.dtype), _bits(dtype)
    return (a >> had - wanted).astype(dtype) if had > wanted else a.astype(dtype) << dtype.type(wanted - had)


def _float(a: np.ndarray) -> np.ndarray:
    return a.astype(arrays.float_of(a.dtype), copy=False)


def gray(a: np.ndarray) -> np.ndarray:
    """(…, 3, H, W) -> (…, 1, H, W) of floats."""
    r, g, b = (a[..., i : i + 1, :, :] for i in range(3))
    r = _float(r)
    return plus_product(plus_product(r * r.dtype.type(0.2989), g, 0.587), b, 0.114)


def _kept(a: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return a.clip(0, arrays.highest(dtype)).astype(dtype)


def _blended(a: np.ndarray, b: np.ndarray, ratio: float) -> np.ndarray:
    x = _float(a)
    return _kept(plus_product(x * x.dtype.type(ratio), b, 1.0 - ratio), a.dtype)


def brightened(a: np.ndarray, factor: float) -> np.ndarray:
    check_channels(a)
    x = _float(a)
    return _kept(x * x.dtype.type(factor), a.dtype)


def _whole_gray(a: np.ndarray) -> np.ndarray:
    return gray(a) if arrays.is_float(a.dtype) else np.floor(gray(a))


def saturated(a: np.ndarray, factor: float) -> np.ndarray:
    check_channels(a)
    return a if a.shape[-3] == 1 else _blended(a, _whole_gray(a), factor)


def contrasted(a: np.ndarray, factor: float) -> np.ndarray:
    check_channels(a)
    grays = _whole_gray(a) if a.shape[-3] == 3 else _float(a)
    mean = grays.mean(axis=(-3, -2, -1), keepdims=True, dtype=np.float64).astype(grays.dtype)
    return _blended(a, mean, factor)


def hue_shifted(a: np.ndarray, shift: float) -> np.ndarray:
    """`shift` in turns of the colour circle."""
    check_channels(a)
    if a.shape[-3] == 1 or a.size == 0:
        return a
    x = converted(a, np.dtype(np.float32))
    one = np.float32
    sixths, s, v = arrays.sixths_saturation_value(x)
    h = np.mod(np.fmod(sixths * one(1.0 / 6.0) + one(1), one(1)) + one(shift), one(1))
    sixth = np.floor(h * one(6))
    f = h * one(6) - sixth
    q, t, p = ((x * v).clip(0, 1) for x in (one(1) - s * f, s * f + (one(1) - s), one(1) - s))
    return converted(arrays.by_sector(sixth, v, p, q, t), a.dtype)


def gamma_adjusted(a: np.ndarray, gamma: float, gain: float) -> np.ndarray:
    x = a if arrays.is_float(a.dtype) else converted(a, np.dtype(np.float32))
    x = x ** x.dtype.type(gamma)
    return converted(x if gain == 1 else (x * x.dtype.type(gain)).clip(0, 1), a.dtype)


def sharpened(a: np.ndarray, factor: float) -> np.ndarray:
    check_channels(a, "can have 1 or 3 channels")
    if a.size == 0 or min(a.shape[-2:]) <= 2:
        return a
    out = _float(a).copy()
    inner = out[..., 1:-1, 1:-1]
    soft = arrays.softened(a)[..., 1:-1, 1:-1].astype(out.dtype, copy=False)
    inner[...] = plus_product(inner, soft - inner, 1.0 - factor)
    return _kept(out, a.dtype)


def inverted(a: np.ndarray) -> np.ndarray:
    return a.dtype.type(arrays.highest(a.dtype)) - a


def posterized(a: np.ndarray, bits: int) -> np.ndarray:
    if not isinstance(bits, int) or not 0 <= bits <= 8:
        raise TypeError(f"bits must be a positive integer in the range [0, 8], got {bits} instead.")
    if arrays.is_float(a.dtype):
        one, steps = a.dtype.type, 1 << bits
        return np.floor(a * one(steps)).clip(0, steps - 1) * one(1.0 / steps)
    have = _bits(a.dtype)
    return a if bits >= have else a & a.dtype.type(((1 << bits) - 1) << have - bits)


def stretched(a: np.ndarray) -> np.ndarray:
    """Each channel from black to white; one that has a single value stays."""
    check_channels(a)
    if a.size == 0:
        return a
    x = _float(a)
    least, most = x.min((-2, -1), keepdims=True), x.max((-2, -1), keepdims=True)
    flat = most == least
    step = np.where(flat, x.dtype.type(1), (most - least) * x.dtype.type(1.0 / arrays.highest(a.dtype)))
    return _kept((x - np.where(flat, x.dtype.type(0), least)) / step, a.dtype)


def equalized(a: np.ndarray) -> np.ndarray:
    """Each channel's histogram made flat, over bytes."""
    return converted(arrays.equalized(converted(a, np.dtype(np.uint8))), a.dtype)
