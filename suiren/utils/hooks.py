"""Hooks: the handle that takes one away again, and what may be said of one. Source: torch/utils/hooks.py"""

from __future__ import annotations

from suiren.autograd.hooks import RemovableHandle as RemovableHandle


def unserializable_hook(f):
    """Marks a hook that a saved tensor need not warn about."""
    f.__torch_unserializable__ = True
    return f
