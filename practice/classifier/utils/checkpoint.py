"""Checkpoints: everything a training needs to go on as if nothing had happened. A write is whole or not at all: see suiren.save."""

from __future__ import annotations

import os
import re
from typing import Any

import suiren as t


def name_of(model: str, epoch: int) -> str:
    return f"{model}-{epoch:03}.pt"


def save(folder: str, model: str, epoch: int, content: dict[str, Any], keep: int = 2) -> str:
    """Writes the checkpoint of an epoch, and takes away all but the last `keep`; returns its path."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name_of(model, epoch))
    t.save(content, path)
    for old in paths(folder, model)[:-keep]:
        os.remove(old)
    return path


def paths(folder: str, model: str) -> list[str]:
    """The checkpoints of a model, in order of their epochs."""
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, f) for f in os.listdir(folder) if re.fullmatch(re.escape(model) + r"-\d+\.pt", f))


def last(folder: str, model: str) -> str:
    """The path of the newest. FileNotFoundError if there is none."""
    found = paths(folder, model)
    if not found:
        raise FileNotFoundError(f"there is no checkpoint of {model} in {folder!r}: `python main.py train` makes one")
    return found[-1]
