"""Records PyTorch's public names, section by section, as suiren/pytorch_names.txt.

    python -m tests.recorded.record_names          # with torch==2.13.0, from the repository's folder

A name is public if its module lists it in `__all__`; where there is no such list, if it is no module and PyTorch documents it.
"""

from __future__ import annotations

import importlib
import types
from pathlib import Path

import torch

FILE = Path(__file__).parents[2] / "suiren" / "pytorch_names.txt"
SECTIONS = """nn nn.functional nn.init nn.utils nn.utils.rnn nn.utils.parametrize nn.utils.parametrizations nn.utils.prune nn.attention
optim optim.lr_scheduler optim.swa_utils autograd autograd.functional autograd.graph autograd.profiler func linalg fft special signal.windows masked
distributions distributions.constraints distributions.transforms utils.data utils.checkpoint utils.dlpack random amp cuda cuda.amp
backends backends.cpu backends.cuda backends.cudnn backends.mkl backends.mkldnn backends.mps backends.openmp accelerator cpu mps xpu mtia
jit compiler testing profiler hub multiprocessing futures sparse nested distributed onnx export fx package overrides library quantization""".split()  # noqa: SIM905
# What `from torch import *` gives and nobody calls: parts of the compiler of scripts, hooks of other back ends.
INTERNAL = ("cudnn_", "miopen_", "mkldnn_", "fbgemm_", "quantized_", "fake_quantize_", "sym_", "autocast_", "merge_type_", "parse_", "unify_type_", "native_")
# Of the classes in `torch` itself, most of which belong to the compiler of scripts, what programs name.
CLASSES = ("AcceleratorError", "Event", "Generator", "GradScaler", "OutOfMemoryError", "Size", "Stream", "Tensor", "dtype", "device", "layout", "memory_format", "finfo", "iinfo")


# Of modules that are objects, what the documentation lists.
GIVEN = {
    "backends": "cpu cuda cudnn cusparselt mha miopen mkl mkldnn mps nnpack openmp opt_einsum quantized",
    "backends.cudnn": "allow_tf32 benchmark benchmark_limit deterministic enabled flags is_acceptable is_available set_flags version",
    "backends.mkldnn": "allow_tf32 deterministic enabled flags is_available set_flags verbose",
}  # fmt: skip


def documented(owner: object, name: str) -> bool:
    """Of what has no list: functions and classes of PyTorch's own with a text, and numbers, dtypes and layouts."""
    value = getattr(owner, name, None)
    module = getattr(value, "__module__", None) or "torch"
    if isinstance(value, types.ModuleType) or module in ("typing", "__future__", "torch.types", "torch.jit.annotations") or name.isupper():
        return False
    if isinstance(value, type):
        if owner is torch:
            return name in CLASSES or name.endswith(("Tensor", "Storage")) or not name[0].isupper()
        return module.startswith("torch") and module != "torch._C" and value is not torch.Tensor
    if callable(value):
        return bool(value.__doc__) and module.startswith("torch")
    return owner is torch and (value is None or isinstance(value, (float, torch.dtype, torch.layout, torch.memory_format)))


def names_of(section: str) -> list[str]:
    if section in GIVEN:
        return GIVEN[section].split()
    module = importlib.import_module(f"torch.{section}")
    listed = getattr(module, "__all__", None)
    found = listed if listed else [n for n in dir(module) if documented(module, n)]
    return sorted({n for n in found if not n.startswith("_") and n not in ("annotations", "torch", "m", "sys", "typing")})


def torch_names() -> list[str]:
    found = {n for n in dir(torch) if not n.startswith("_") and documented(torch, n) and not n.startswith(INTERNAL)}
    return sorted(found | {"Tensor", "utils", "version", "return_types"} | {section.split(".")[0] for section in SECTIONS})


def tensor_names() -> list[str]:
    methods = {n for n in dir(torch.Tensor) if not n.startswith("_")}
    return sorted(n for n in methods if not callable(getattr(torch.Tensor, n)) or getattr(torch.Tensor, n).__doc__)


def main() -> None:
    sections = {"": torch_names(), "Tensor": tensor_names(), **{s: names_of(s) for s in SECTIONS}}
    FILE.write_text("".join(f"{section}: {' '.join(names)}\n" for section, names in sections.items()))
    print(f"{sum(map(len, sections.values()))} names in {len(sections)} sections, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"names are recorded from PyTorch 2.13, this is {torch.__version__}")
    main()
