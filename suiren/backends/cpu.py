"""The CPU. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-cpu"""


def get_cpu_capability() -> str:
    """The instruction set that kernels are compiled for, in PyTorch's words: DEFAULT, NEON, AVX2, AVX512."""
    from suiren.compiler.emit.target import host

    return {"avx512": "AVX512", "avx2": "AVX2", "neon": "NEON"}.get(host().isa.lower(), "DEFAULT")
