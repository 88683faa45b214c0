"""`python -m suiren new NAME`: a classifier of pictures to start from, laid out as the notes' chapter 6 says."""

from __future__ import annotations

import os
import shutil
import sys

# A link to practice/classifier in the repository; the files themselves in an installed package.
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "project")
_LEFT_OUT = ("__pycache__", "*.pyc", "pictures", "*.pt", "*.png", "*.csv")


def write_project(name: str) -> int:
    """Writes the project into a new folder. 0; or 1, if the folder exists and has something in it, or cannot be written."""
    if os.path.exists(name) and not (os.path.isdir(name) and not os.listdir(name)):
        print(f"{name} exists already: give a name that is free", file=sys.stderr)
        return 1
    try:
        shutil.copytree(TEMPLATE, name, ignore=shutil.ignore_patterns(*_LEFT_OUT), dirs_exist_ok=True)
    except OSError as error:
        print(f"{name} cannot be written: {error}", file=sys.stderr)
        return 1
    print(f"wrote {name}/: see {os.path.join(name, 'README.md')}, or go there and run `python data/digits.py` and `python main.py train`")
    return 0
