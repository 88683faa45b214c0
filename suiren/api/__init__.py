"""PyTorch's functions, composed of ops. `surface.py` makes `suiren.f`, `Tensor.f`, `Tensor.f_` and `out=` of them."""

from suiren.api import (  # noqa: F401  each import declares its functions
    activation,
    comparison,
    creation,
    indexing,
    joining,
    linalg,
    pointwise,
    protocols,
    reductions,
    shapes,
    sorting,
)
