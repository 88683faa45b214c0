"""Which version this is: of torchvision's API, and of suiren. Decision 006 says why it begins with torchvision's."""

from __future__ import annotations

from suiren.version import suiren

api = "0.28.0"
__version__ = f"{api}+suiren.{suiren}"
