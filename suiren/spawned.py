"""Imported first in processes that a program under `python -m suiren run` starts anew: PyTorch's names mean suiren there, too."""

from suiren import aliases

aliases.install()
