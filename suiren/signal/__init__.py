"""`torch.signal`: windows."""

from suiren.signal import windows as windows

__all__ = ["windows"]
