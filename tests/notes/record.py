"""Records what the notes' programs give with PyTorch: `python -m tests.notes.record SETUP`.

With torch==2.13.0 and torchvision==0.28.0; SETUP is a Python file that is run first, if torchvision needs one on this machine.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
import tempfile
from pathlib import Path

from tests.notes.programs import AROUND, program, wrapper

PATH = Path(__file__).with_name("recorded.json")


def main() -> None:
    import torch

    kept = [runpy.run_path(setup) for setup in sys.argv[1:]]  # noqa: F841  what it declares lives as long as its names
    found = {"torch": torch.__version__}
    with tempfile.TemporaryDirectory() as folder:
        for name in AROUND:
            text, around = Path(folder, f"{name}.py"), Path(folder, f"run_{name}.py")
            text.write_text(program(name), encoding="utf-8")
            around.write_text(wrapper(name, str(text)), encoding="utf-8")
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                runpy.run_path(str(around), run_name="__main__")
            *lines, last = printed.getvalue().splitlines()
            found[name] = {"printed": lines, **json.loads(last)}
    PATH.write_text(json.dumps(found, ensure_ascii=False, indent=0))


if __name__ == "__main__":
    main()
