"""Imports point downward only. Every import statement of the package is read, those inside functions too."""

from __future__ import annotations

import ast
from pathlib import Path

import suiren

PACKAGE = Path(suiren.__file__).parent

# From the bottom: a file imports from its own group and from those above it in this list. The longest prefix counts.
# docs/internals/decisions/005 says why `compiler/program.py` and `compiler/emit` lie below the runtime, and `trace` above the compiler.
LAYERS: list[tuple[str, ...]] = [
    ("config", "dtypes", "size", "device", "version", "formats", "names"),
    ("runtime.forking", "runtime.buffers", "runtime.arena"),
    ("trace.spec", "trace.op", "trace.trace", "trace.verify", "interpreter"),
    ("compiler.program", "compiler.nest", "compiler.emit"),
    ("runtime",),
    ("compiler",),
    ("trace",),
    ("ops",),
    ("sharing", "tensor", "api", "autograd", "fft", "func", "printing", "storage", "legacy", "warned"),
    ("random", "linalg", "special"),
    ("utils.data", "utils.hooks", "safe_pickle"),
    ("nn", "optim", "utils"),
    ("checkpoint_pickle", "checkpoint_stream", "serialization", "safetensors", "cuda", "cpu_only", "backends", "distributed", "jit", "compilation", "settings", "testing", "amp", "distributions", "multiprocessing", "xpu", "mtia", "mps", "accelerator", "cpu"),
    ("",),
]

# Upward all the same, inside a function, with the reason.
ALLOWED = {
    ("compiler.emit.target", "runtime.jit"): "only the JIT speaks with LLVM, which knows the machine's name and features",
}

# With a leading underscore, and imported all the same: PyTorch has them under these names, and programs do so too.
PYTORCHS = {"_BatchNorm", "_ConvNd", "_ConvTransposeNd", "_InfiniteConstantSampler", "_NormBase", "_make_divisible", "_pair", "_x_log_x"}


def modules() -> dict[str, Path]:
    """name without `suiren.` -> file; a package is named by its folder."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        found[".".join(parts)] = path
    return found


def layer_of(module: str) -> int:
    def fits(prefix: str) -> bool:
        return prefix == "" or module == prefix or module.startswith(prefix + ".")

    return max((len(p), n) for n, group in enumerate(LAYERS) for p in group if fits(p))[1]


def imports(module: str, path: Path, known: dict[str, Path]) -> list[tuple[int, str]]:
    """(line, module without `suiren.`) of everything that a file imports of the package."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "suiren":
            base = node.module.removeprefix("suiren").removeprefix(".")
            for name in node.names:
                whole = f"{base}.{name.name}".removeprefix(".")
                found.append((node.lineno, whole if whole in known else base))
        elif isinstance(node, ast.Import):
            found += [(node.lineno, n.name.removeprefix("suiren").removeprefix(".")) for n in node.names if n.name.split(".")[0] == "suiren"]
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}:{node.lineno}: a relative import"
    return found


def test_imports_point_downward():
    known = modules()
    upward, used = [], set()
    for module, path in known.items():
        for line, other in imports(module, path, known):
            if layer_of(other) > layer_of(module):
                if (module, other) in ALLOWED:
                    used.add((module, other))
                else:
                    upward.append(f"{path.relative_to(PACKAGE.parent)}:{line}: {module} imports {other or 'suiren'}")
    assert not upward, "\n".join(upward)
    assert used == set(ALLOWED), f"no longer there: {set(ALLOWED) - used}"


def test_a_leading_underscore_is_private_to_the_file():
    """Of modules: private to the folder."""
    known, found = modules(), []
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "suiren":
                base = node.module.removeprefix("suiren").removeprefix(".")
                private = {n.name for n in node.names if n.name.startswith("_") and not n.name.startswith("__")}
                inside = {n for n in private if f"{base}.{n}" in known and module.startswith(base)}
                found += [f"{path.relative_to(PACKAGE.parent)}:{node.lineno}: {n} of {node.module}" for n in private - inside - PYTORCHS]
    assert not found, "\n".join(found)
