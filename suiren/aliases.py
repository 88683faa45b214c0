"""`import torch` and `import torchvision` give suiren: in this process and its workers only. What `python -m suiren run` installs."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType

ALIASES = {"torch": "suiren", "torchvision": "suiren.vision", "safetensors.torch": "suiren.safetensors"}


def target_of(name: str) -> str | None:
    """The suiren module that stands for a PyTorch module name, or None for a name that is no PyTorch name."""
    for theirs, ours in ALIASES.items():
        if name == theirs or name.startswith(theirs + "."):
            return ours + name[len(theirs) :]
    return None


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds suiren's modules under PyTorch's names; each is one module object under both."""

    def find_spec(self, name: str, path=None, target=None):
        wanted = target_of(name)
        if wanted is None:
            return None
        try:
            found = importlib.util.find_spec(wanted)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise ModuleNotFoundError(
                f"No module named {name!r}: suiren stands for PyTorch here (python -m suiren run), and has no {wanted!r} yet", name=name
            )
        return importlib.machinery.ModuleSpec(name, self, is_package=found.submodule_search_locations is not None)

    def create_module(self, spec) -> ModuleType:
        module = importlib.import_module(target_of(spec.name))
        self._kept = getattr(self, "_kept", {})
        self._kept[spec.name] = (module.__spec__, module.__loader__)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """The module has run already; its own spec, which the import system has just replaced, is put back."""
        name = module.__spec__.name
        module.__spec__, module.__loader__ = self._kept.pop(name)
        for loaded, inner in list(sys.modules.items()):
            parent, _, child = loaded.rpartition(".")
            # nn.utils.weight_norm is a function and a file: imported under a second name the file would take the function's place
            if parent == module.__name__ and getattr(module, child, inner) is not inner:
                sys.modules.setdefault(f"{name}.{child}", inner)


def install() -> None:
    """From now on PyTorch's names mean suiren in this process (and in what it forks or spawns, see `run`)."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())


def install_in_children() -> None:
    """The same in processes that multiprocessing starts anew (spawn, forkserver); those that are forked have it."""
    from multiprocessing import forkserver, spawn

    command_line = spawn.get_command_line

    def with_names(**info) -> list:
        """The command that starts a process, `python -c PROGRAM`; the interpreter's own name may be bytes."""
        begin = "from multiprocessing.spawn"
        return [p.replace(begin, "import suiren.spawned; " + begin, 1) if isinstance(p, str) else p for p in command_line(**info)]

    spawn.get_command_line = with_names
    forkserver.set_forkserver_preload(["__main__", "suiren.spawned"])


def remove() -> None:
    """PyTorch's names mean PyTorch again; for tests."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)]
    for name in [n for n in sys.modules if target_of(n) is not None and sys.modules[n].__name__ == target_of(n)]:
        del sys.modules[name]
