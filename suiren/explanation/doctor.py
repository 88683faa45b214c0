"""`python -m suiren doctor`: what suiren finds on this machine, and whether the compiled tier works on it."""

from __future__ import annotations

import platform
import sys
import time


def examine() -> int:
    """Prints what it finds; 0 if all is well, 1 if not."""
    import numpy as np

    import suiren
    from suiren.config import config

    print(f"suiren {suiren.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, {platform.system()} {platform.machine()}")
    try:
        import llvmlite

        from suiren.compiler.emit.target import host
        from suiren.runtime import kernel_cache

        target = host()
        print(f"llvmlite {llvmlite.__version__}; {target.name}: vectors of {target.vector_bytes} bytes, {target.registers} registers")
        print(f"threads: {suiren.get_num_threads()}; kernel cache: {getattr(kernel_cache.current(), 'folder', 'off')}")
        with config(tier="compiled", verify=2):
            x = suiren.ones(64, 64) * 0.5
            start = time.perf_counter()
            found = float((x @ x).exp().mean())
            took = time.perf_counter() - start
        wanted = float(np.exp(np.float32(16)))
        well = abs(found - wanted) < 1e-5 * wanted
        print(f"a compiled program gives {found:.2f}, {'as it must' if well else f'but {wanted:.2f} is right'} ({took:.2f} s with its compilation)")
        return 0 if well else 1
    except Exception as error:
        print(f"the compiled tier does not work here: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
