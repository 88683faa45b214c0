"""Short-time Fourier transforms. Source: https://docs.pytorch.org/docs/stable/generated/torch.stft.html"""

from __future__ import annotations

import numpy as np

from suiren import fft
from suiren.api import casting
from suiren.api.complex import view_as_real
from suiren.api.creation import from_numpy, ones, zeros
from suiren.api.joining import cat
from suiren.api.picking import index_add, index_select
from suiren.api.shapes import unfold
from suiren.api.surface import public
from suiren.dtypes import COMPLEX
from suiren.tensor import Tensor
from suiren.warned import warn_once

# PyTorch's words for NumPy's modes of continuing a row.
_PAD_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _padded(x: Tensor, by: int, mode: str) -> Tensor:
    """The last dim continued by so many elements on either side."""
    n = x.size(-1)
    if mode == "constant":
        edge = zeros(*x.shape[:-1], by, dtype=x.dtype)
        return cat([edge, x, edge], -1)
    if mode not in _PAD_MODES:
        raise NotImplementedError("Unrecognised padding mode " + mode)
    if mode == "reflect" and by >= n:
        raise RuntimeError(
            f"Argument #4: Padding size should be less than the corresponding input dimension, but got: padding ({by}, {by}) at dimension 2 of input {[1, *x.shape] if x.dim() == 2 else [1, 1, n]}"
        )
    return index_select(x, -1, from_numpy(np.pad(np.arange(n), by, mode=_PAD_MODES[mode])))


_SUPPRESS = "To suppress this warning and use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`."
_NO_WINDOW = {
    "stft": ",which is known to cause spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are recommended to reduce "
    f"spectral leakage.{_SUPPRESS}",
    "istft": f".Please provide the same window used by stft to make the inversion lossless.{_SUPPRESS}",
}


def _window(x: Tensor, call: str, n_fft: int, win_length: int, window: Tensor | None) -> Tensor | None:
    """The window, continued with zeros to n_fft."""
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{call} : expected 0 < win_length <= n_fft, but got win_length={win_length}")
    if window is not None and tuple(window.shape) != (win_length,):
        raise RuntimeError(f"{call} : expected a 1D window tensor of size equal to win_length={win_length}, but got window with size {list(window.shape)}")
    if window is None:
        warn_once(f"A window was not provided. A rectangular window will be applied{_NO_WINDOW[call.partition('(')[0]]}")
        if win_length == n_fft:
            return None
        window = ones(win_length, dtype=x.dtype.to_real())
    left = (n_fft - win_length) // 2
    if win_length == n_fft:
        return window
    return cat([zeros(left, dtype=window.dtype), window, zeros(n_fft - win_length - left, dtype=window.dtype)])


def _call(name: str, x: Tensor, given: Tensor | None, shown: str, **numbers: object) -> str:
    """The call as PyTorch's messages show it."""
    seen = None if given is None else f"{given.type()}{{[{', '.join(map(str, given.shape))}]}}"
    return f"{name}({shown}{list(x.shape)}, " + ", ".join(f"{k}={seen if k == 'window' else v}" for k, v in numbers.items()) + ")"


@public(method=True)
@casting.wide
def stft(
    input, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window=None, center: bool = True, pad_mode: str = "reflect",
    normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None, align_to_window: bool | None = None,
):  # fmt: skip
    """The spectra of windows that slide along the last dim. (L) or (B, L) -> (…, N, frames) complex, N = n_fft // 2 + 1 if onesided, else n_fft.

    With `return_complex=False` (…, N, frames, 2). RuntimeError for sizes that do not fit, and for a real input without return_complex.
    """
    if align_to_window is not None and center:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if return_complex is None:
        if not is_complex:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in a future PyTorch release."
            )
        return_complex = True
    x = input
    if center and 1 <= x.dim() <= 2:
        x = _padded(x, n_fft // 2, pad_mode)
    call = _call(
        "stft", x, window, x.type(), n_fft=n_fft, hop_length=hop, win_length=length, window=None, normalized=int(normalized), onesided=onesided,
        return_complex=int(return_complex), align_to_window=align_to_window,
    )  # fmt: skip
    if not 1 <= x.dim() <= 2:
        raise RuntimeError(f"{call} : expected a 1D or 2D tensor")
    if not 0 < n_fft <= x.size(-1):
        raise RuntimeError(f"{call} : expected 0 < n_fft < {x.size(-1)}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{call} : expected hop_length > 0, but got hop_length={hop}")
    shape_window = _window(x, call, n_fft, length, window)
    if onesided is None:
        onesided = not is_complex
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = unfold(x, -1, n_fft, hop)  # (…, frames, n_fft)
    if shape_window is not None:
        frames = frames * shape_window
    norm = "ortho" if normalized else None
    found = (fft.rfft if onesided else fft.fft)(frames, norm=norm).transpose(-1, -2)
    return found if return_complex else view_as_real(found)


@public(method=True)
def istft(
    input, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window=None, center: bool = True, normalized: bool = False,
    onesided: bool | None = None, length: int | None = None, return_complex: bool = False,
):  # fmt: skip
    """The signal whose `stft` this is, in the sense of least squares. (…, N, frames) complex -> (…, L). RuntimeError where windows leave a gap."""
    if input._spec.dtype.category != COMPLEX:
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    hop = n_fft // 4 if hop_length is None else hop_length
    span = n_fft if win_length is None else win_length
    call = _call(
        "istft", input, window, "CPUComplexFloatType", n_fft=n_fft, hop_length=hop, win_length=span, window=None, center=int(center),
        normalized=int(normalized), onesided=onesided, length=length, return_complex=int(return_complex),
    )  # fmt: skip
    if not input.numel():
        raise RuntimeError(f"{call} : input tensor cannot be empty.")
    if not 2 <= input.dim() <= 3:
        raise RuntimeError(f"{call} : expected a tensor with 2 or 3 dimensions, but got {input.dim()}")
    bins, frames = input.shape[-2:]
    if onesided is None:
        onesided = bins != n_fft
    if bins != (n_fft // 2 + 1 if onesided else n_fft):
        wanted = "n_fft / 2 + 1 when onesided=True" if onesided else "n_fft when onesided=False"
        raise RuntimeError(f"{call} : expected the frequency dimension (3rd to the last) of the input tensor to match {wanted}, but got {bins}")
    if not 0 < hop <= span:
        raise RuntimeError(f"{call} : expected 0 < hop_length <= win_length")
    if onesided and (return_complex or (window is not None and window.is_complex())):
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    shape_window = _window(input, call, n_fft, span, window)
    if shape_window is None:
        shape_window = ones(n_fft, dtype=input.dtype.to_real())
    norm, spectra = "ortho" if normalized else None, input.transpose(-1, -2)
    if return_complex:
        pieces = fft.ifft(spectra, norm=norm)
    else:
        pieces = fft.irfft(spectra if onesided else spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    pieces = pieces * shape_window
    total = n_fft + hop * (frames - 1)
    places = from_numpy((np.arange(frames)[:, None] * hop + np.arange(n_fft)).reshape(-1))
    signal = index_add(zeros(*pieces.shape[:-2], total, dtype=pieces.dtype), -1, places, pieces.flatten(-2))
    squares = (shape_window * shape_window).expand(frames, n_fft).reshape(-1)
    weights = index_add(zeros(total, dtype=squares.dtype), 0, places, squares)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    signal, weights = signal[..., start:end], weights[start:end]
    if weights.numel() and weights.abs().min().item() <= 1e-11:
        raise RuntimeError(f"{call} window overlap add min: 1")
    signal = signal / weights
    if length is not None and end > total:
        signal = cat([signal, zeros(*signal.shape[:-1], end - total, dtype=signal.dtype)], -1)
    return signal


__all__ = ["istft", "stft"]
