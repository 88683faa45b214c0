"""What belongs to no layer: loading data (`utils.data`), handles of hooks (`utils.hooks`). Imported when they are first asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from suiren.names import absent

if TYPE_CHECKING:
    from suiren.utils import checkpoint as checkpoint
    from suiren.utils import data as data
    from suiren.utils import dlpack as dlpack
    from suiren.utils import hooks as hooks


def __getattr__(name: str) -> Any:
    if name in ("checkpoint", "data", "dlpack", "hooks"):
        return importlib.import_module(f"suiren.utils.{name}")
    raise absent("utils", name)
