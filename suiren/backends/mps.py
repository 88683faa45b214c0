"""Without Metal. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-mps"""


def is_available() -> bool:
    """False: suiren computes on the CPU."""
    return False


def is_built() -> bool:
    """False."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """False: it asks whether MPS could be used."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """False: it asks whether MPS could be used."""
    return False
