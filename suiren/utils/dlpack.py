"""Memory shared with other libraries by DLPack. Source: https://docs.pytorch.org/docs/stable/dlpack.html"""

from suiren.api.protocols import from_dlpack as from_dlpack
from suiren.api.protocols import to_dlpack as to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
