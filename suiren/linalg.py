"""Linear algebra, `torch.linalg`: factorisations, systems of equations, norms. Source: https://docs.pytorch.org/docs/stable/linalg.html

Matrices are the last two dims, all others a batch. What fails because of its data raises `LinAlgError`.
"""

from __future__ import annotations

import suiren.api  # noqa: F401  declares the functions
from suiren.api.surface import MODULES
from suiren.names import absent_from as _absent_from
from suiren.ops.solving import LinAlgError as LinAlgError

globals().update(MODULES["linalg"])

__all__ = ["LinAlgError", *sorted(MODULES["linalg"])]

__getattr__ = _absent_from("linalg")
