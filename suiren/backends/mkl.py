"""Without MKL: products are suiren's own. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-mkl"""

from suiren.backends.mkldnn import verbose as verbose

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    """False: suiren has kernels of its own."""
    return False
