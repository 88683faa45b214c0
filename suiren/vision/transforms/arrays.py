"""Image arithmetic on arrays of (…, C, H, W): what the transforms do to tensors. Results are new arrays or views, in the input's dtype.

Source: torchvision/transforms/_functional_tensor.py; resizing: aten/src/ATen/native/cpu/UpSampleKernel.cpp
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suiren.nn.functional import resizing


def channels(a: np.ndarray) -> int:
    return 1 if a.ndim == 2 else a.shape[-3]


def check_channels(a: np.ndarray) -> None:
    if channels(a) not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {channels(a)}")


def is_float(dtype: np.dtype) -> bool:
    return dtype.kind in "fV"  # V: bfloat16


def float_of(dtype: np.dtype) -> np.dtype:
    """What an image of this dtype is computed in."""
    return dtype if is_float(dtype) else np.dtype(np.float32)


def highest(dtype: np.dtype) -> int:
    """The value that means white."""
    return 1 if is_float(dtype) else int(np.iinfo(dtype).max)


def plus_product(a: np.ndarray, b: np.ndarray, c: np.ndarray | float) -> np.ndarray:
    """a + b · c in a's dtype; of float32 rounded once, as vectors are computed in PyTorch's kernels."""
    if a.dtype == np.float32:
        return (a + b.astype(np.float64) * np.asarray(c, np.float32)).astype(np.float32)
    return a + b.astype(a.dtype, copy=False) * np.asarray(c, a.dtype)


def converted(a: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The image in another dtype, white staying white: floats are 0 to 1. RuntimeError where a float cannot hold the integers."""
    if a.dtype == dtype:
        return a
    if is_float(a.dtype) and is_float(dtype):
        return a.astype(dtype)
    if is_float(a.dtype):
        if (a.dtype.itemsize, dtype.itemsize) in ((4, 4), (4, 8), (8, 8)):
            raise RuntimeError(f"The cast from torch.{a.dtype.name} to torch.{dtype.name} cannot be performed safely.")
        return (a * a.dtype.type(highest(dtype) + 1.0 - 1e-3)).astype(dtype)  # 1e-3 below: the last step is as wide as the others
    if is_float(dtype):
        return a.astype(dtype) / dtype.type(highest(a.dtype))
    had, wanted = highest(a.dtype), highest(dtype)
    if had > wanted:
        return (a // ((had + 1) // (wanted + 1))).astype(dtype)
    return a.astype(dtype) * dtype.type((wanted + 1) // (had + 1))


# ---------------------------------------------------------------- places


def cropped(a: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """The box; what of it lies outside of the image is 0."""
    h, w = a.shape[-2:]
    right, bottom = left + width, top + height
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return a[..., top:bottom, left:right]
    out = np.zeros((*a.shape[:-2], height, width), a.dtype)
    rows, columns = slice(max(top, 0), max(min(bottom, h), 0)), slice(max(left, 0), max(min(right, w), 0))
    inside = a[..., rows, columns]
    y, x = max(-top, 0), max(-left, 0)
    out[..., y : y + inside.shape[-2], x : x + inside.shape[-1]] = inside
    return out


def padded(a: np.ndarray, sides: tuple[int, int, int, int], fill: float, mode: str) -> np.ndarray:
    """`sides`: left, top, right, bottom; negative ones crop. `mode`: constant, edge, reflect or symmetric."""
    left, top, right, bottom = sides
    h, w = a.shape[-2:]
    a = a[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
    widths = [(0, 0)] * (a.ndim - 2) + [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
    if mode == "constant":
        return np.pad(a, widths, "constant", constant_values=np.asarray(fill).astype(a.dtype))
    if mode == "reflect":
        for axis in (-1, -2):
            check_reflected(a.shape, axis, widths[axis])
    return np.pad(a, widths, mode)


def check_reflected(shape: tuple[int, ...], axis: int, pair: tuple[int, int]) -> None:
    """RuntimeError if so many pixels at the two ends of the axis, -1 or -2, cannot mirror what is within."""
    if max(pair) >= shape[axis]:
        raise RuntimeError(
            f"Argument #{2 - 2 * axis}: Padding size should be less than the corresponding input dimension, "
            f"but got: padding {pair} at dimension {4 + axis} of input {[int(np.prod(shape[:-3])), *shape[-3:]]}"
        )


# ---------------------------------------------------------------- resizing


def resized(a: np.ndarray, height: int, width: int, mode: str, antialias: bool) -> np.ndarray:
    """`mode`: nearest, nearest-exact, bilinear, bicubic or lanczos; with `antialias` the last three smooth before they shrink. Integers are rounded."""
    if mode in ("nearest", "nearest-exact"):
        rows, columns = (np.array(resizing.nearest(n, out, None, mode == "nearest-exact")) for n, out in zip(a.shape[-2:], (height, width)))
        return a[..., rows[:, None], columns]
    if mode not in resizing.FILTERS:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {max(a.ndim, 4)}D) for the modes: nearest | linear | bilinear | "
            f"bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    kind = a.dtype.type if a.dtype in (np.float32, np.float64) else np.float32
    rows, columns = (resizing.weights(n, out, None, mode, antialias, False).astype(kind) for n, out in zip(a.shape[-2:], (height, width)))
    out = rows.T @ (a.astype(kind, copy=False) @ columns)
    if a.dtype.kind in "iu":
        if a.dtype == np.uint8:
            out = out.clip(0, 255)
        out = np.round(out)
    return out.astype(a.dtype, copy=False)


def resized_bytes(a: np.ndarray, height: int, width: int, mode: str, antialias: bool) -> np.ndarray:
    """The same of bytes, by whole numbers, rounded after the rows and again after the columns: as Pillow does it, and `interpolate`."""
    for axis, out in ((-1, width), (-2, height)):
        matrix, bits = resizing.byte_weights(a.shape[axis], out, None, mode, antialias, False)
        wide = a.astype(np.float64)
        sums = wide @ matrix if axis == -1 else matrix.T @ wide
        a = ((sums + (1 << bits - 1)).astype(np.int64) >> bits).clip(0, 255).astype(np.uint8)
    return a


def blurred(a: np.ndarray, sizes: Sequence[int], sigmas: Sequence[float]) -> np.ndarray:
    """Gaussian blur with a kernel of `sizes` = (width, height), the edges reflected."""
    kind = float_of(a.dtype).type
    out = a.astype(kind, copy=False)
    for axis, size, sigma in ((-1, sizes[0], sigmas[0]), (-2, sizes[1], sigmas[1])):
        half = size // 2
        check_reflected(a.shape, axis, (half, half))
        x = np.linspace(-(size - 1) * 0.5, (size - 1) * 0.5, size)
        kernel = np.exp(-0.5 * (x / sigma) ** 2)
        kernel = (kernel / kernel.sum()).astype(kind)
        widths = [(0, 0)] * out.ndim
        widths[axis] = (half, half)
        out = np.lib.stride_tricks.sliding_window_view(np.pad(out, widths, "reflect"), size, axis) @ kernel
    return (np.round(out) if a.dtype.kind in "iu" else out).astype(a.dtype, copy=False)


# ---------------------------------------------------------------- colours


def gray(a: np.ndarray, copies: int = 1) -> np.ndarray:
    """(…, 3, H, W) -> (…, copies, H, W); what has one channel keeps it."""
    if a.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {a.ndim}")
    check_channels(a)
    if a.shape[-3] == 3:
        kind = float_of(a.dtype).type
        r, g, b = (a[..., i, :, :].astype(kind, copy=False) for i in range(3))
        one = (kind(0.2989) * r + kind(0.587) * g + kind(0.114) * b).astype(a.dtype)[..., None, :, :]
        return np.broadcast_to(one, (*a.shape[:-3], copies, *a.shape[-2:])) if copies > 1 else one
    return a.copy()


def blended(a: np.ndarray, b: np.ndarray, ratio: float) -> np.ndarray:
    """ratio of `a`, the rest of `b`, kept between black and white."""
    kind = float_of(a.dtype).type
    mixed = kind(ratio) * a.astype(kind, copy=False) + kind(1.0 - ratio) * b.astype(kind, copy=False)
    return mixed.clip(0, highest(a.dtype)).astype(a.dtype)


def at_least(a: np.ndarray, threshold: float) -> np.ndarray:
    """Where the image is as bright as that: compared as float32 unless it is of wider floats, as PyTorch compares with a number."""
    kind = float_of(a.dtype).type
    return a.astype(kind, copy=False) >= kind(threshold)


def contrasted(a: np.ndarray, factor: float) -> np.ndarray:
    kind = float_of(a.dtype).type
    mean = (gray(a) if channels(a) == 3 else a).astype(kind).mean(axis=(-3, -2, -1), keepdims=True, dtype=kind)
    return blended(a, mean, factor)


def hue_shifted(a: np.ndarray, shift: float) -> np.ndarray:
    """`shift` in turns of the colour circle."""
    sixths, s, v = sixths_saturation_value(converted(a, np.dtype(np.float32)))
    h = (np.fmod(sixths / 6 + 1, 1) + np.float32(shift)) % np.float32(1.0)
    sixth = np.floor(h * 6)
    f = h * 6 - sixth
    p, q, t = (np.clip(v * (1 - s * x), 0, 1) for x in (1, f, 1 - f))
    return converted(by_sector(sixth, v, p, q, t), a.dtype)


def sixths_saturation_value(rgb: np.ndarray) -> list[np.ndarray]:
    """(…, H, W) each; the hue is in sixths of the colour circle, from −1 to 5."""
    r, g, b = (rgb[..., i, :, :] for i in range(3))
    most, least = rgb.max(-3), rgb.min(-3)
    grays = most == least
    spread = np.where(grays, 1, most - least)  # grays have no hue: any divisor does
    saturation = (most - least) / np.where(grays, 1, most)
    rc, gc, bc = ((most - c) / spread for c in (r, g, b))
    is_r = most == r
    is_g = (most == g) & ~is_r
    hue = is_r * (bc - gc) + is_g * (2 + rc - bc) + (~is_r & ~is_g) * (4 + gc - rc)
    return [hue.astype(rgb.dtype), saturation.astype(rgb.dtype), most]


def by_sector(sixth: np.ndarray, v: np.ndarray, p: np.ndarray, q: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(…, H, W) each -> (…, 3, H, W): red, green and blue in the sixths of the colour circle."""
    sector = sixth.astype(np.int32) % 6
    return np.stack([np.choose(sector, c) for c in ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))], -3)


def softened(a: np.ndarray) -> np.ndarray:
    """Each pixel the mean of its neighbourhood, itself five times as much; the border stays."""
    kind = float_of(a.dtype).type
    kernel = np.ones((3, 3), kind)
    kernel[1, 1] = 5
    kernel /= kernel.sum()
    windows = np.lib.stride_tricks.sliding_window_view(a.astype(kind, copy=False), (3, 3), (-2, -1))
    inner = np.einsum("...ij,ij->...", windows, kernel)
    out = a.copy()
    out[..., 1:-1, 1:-1] = np.rint(inner) if a.dtype.kind in "iu" else inner
    return out


def stretched(a: np.ndarray) -> np.ndarray:
    """Each channel from black to white; one that has a single value stays."""
    kind = float_of(a.dtype).type
    white = kind(highest(a.dtype))
    least, most = (x.astype(kind) for x in (a.min((-2, -1), keepdims=True), a.max((-2, -1), keepdims=True)))
    flat = most == least
    scale = np.where(flat, kind(1), kind(1) / np.where(flat, kind(1), most - least) * white)  # rounded twice, as PyTorch divides a number
    return ((a.astype(kind, copy=False) - np.where(flat, kind(0), least)) * scale).clip(0, white).astype(a.dtype)


def equalized(a: np.ndarray) -> np.ndarray:
    """Each channel's values spread so that all are about as frequent: bytes."""
    out = np.empty_like(a)
    for place in np.ndindex(a.shape[:-2]):
        counts = np.bincount(a[place].reshape(-1), minlength=256)
        occurring = counts[counts != 0]
        step = occurring[:-1].sum() // 255
        if step == 0:
            out[place] = a[place]
            continue
        table = (np.cumsum(counts) + step // 2) // step
        out[place] = np.concatenate([[0], table[:-1]]).clip(0, 255)[a[place]]
    return out
