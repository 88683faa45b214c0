"""Comparing tensors in tests, and making tensors to test with. Source: https://docs.pytorch.org/docs/stable/testing.html"""

from suiren.names import absent_from as _absent_from
from suiren.testing.comparison import assert_allclose as assert_allclose
from suiren.testing.comparison import assert_close as assert_close
from suiren.testing.creation import make_tensor as make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

__getattr__ = _absent_from("testing")
