"""Without OpenMP: threads are suiren's own. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-openmp"""


def is_available() -> bool:
    """False: suiren has threads of its own, and reads OMP_NUM_THREADS."""
    return False
