"""Without opt_einsum. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-opt-einsum"""

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """False: products go from left to right."""
    return False


def get_opt_einsum() -> None:
    """None: it is not there."""
