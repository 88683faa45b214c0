"""`python -m suiren run`: a program sees what python itself would show it, but that `import torch` gives suiren, in this process and its workers only."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import suiren

ROOT = Path(suiren.__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "SUIREN_TIER": "interpreter"}


def python(*arguments: str, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=ENVIRONMENT, input=stdin, capture_output=True, text=True, timeout=120)


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return str(path)


PLAIN = {
    "arguments": "import sys; print(sys.argv[1:], len(sys.argv[0]) > 0)",
    "main": "print(__name__, __doc__, __spec__, __package__); import __main__; print(__main__.PLACE if hasattr(__main__, 'PLACE') else None)",
    "its folder": "import sys, os; print(sys.path[0] == os.path.dirname(os.path.abspath(sys.argv[0])), os.path.basename(__file__))",
    "a module beside it": "import beside; print(beside.VALUE)",
    "input": "print(input().upper())",
    "exit status": "import sys; print('before'); sys.exit(7)",
    "exit text": "import sys; sys.exit('that was it')",
    "no exit status": "raise SystemExit",
    "an error": "def f():\n    return 1 / 0\n\nf()",
    "a chain of errors": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('second') from e",
    "a syntax error": "x = (1,\nprint(2",
    "an interrupt": "raise KeyboardInterrupt",
    "its name": "import sys, inspect; print(__file__, sys.argv[0]); print(inspect.getsource(sys.modules['__main__']))",
    "pickles": "import pickle\nclass C: pass\nprint(type(pickle.loads(pickle.dumps(C()))) is C)",
    "dataclasses": "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nprint(P(3))",
    "at exit": "import atexit; atexit.register(print, 'end'); print('work')",
}


@pytest.mark.parametrize("name", PLAIN)
def test_as_python_itself(name, tmp_path):
    """The same output, errors and exit status as python gives."""
    written(tmp_path, "beside.py", "VALUE = 41")
    written(tmp_path, "prog.py", PLAIN[name])
    ours = python("-m", "suiren", "run", "prog.py", "a", "--b=c", "-d", cwd=tmp_path, stdin="some text\n")
    theirs = python("prog.py", "a", "--b=c", "-d", cwd=tmp_path, stdin="some text\n")
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


def test_a_package_as_a_module(tmp_path):
    written(tmp_path, "pack/__init__.py", "import torch\nWHAT = torch.ones(2).sum().item()")
    written(tmp_path, "pack/__main__.py", "import sys\nfrom pack import WHAT\nfrom . import other\nprint(WHAT, other.X, sys.argv[1:], __package__)")
    written(tmp_path, "pack/other.py", "X = 5")
    done = python("-m", "suiren", "run", "-m", "pack", "x", "-y", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("2.0 5 ['x', '-y'] pack\n", "", 0)


def test_torch_is_suiren(tmp_path):
    path = written(
        tmp_path,
        "prog.py",
        """
        import sys
        import torch, torchvision
        import torch.nn as nn
        import torch.nn.functional as F
        from torch.utils.data import DataLoader
        from torchvision import transforms as T
        import torch.optim.lr_scheduler
        import suiren, suiren.vision
        print(torch is suiren, torchvision is suiren.vision, nn is suiren.nn, F is suiren.nn.functional, torch.utils.data.DataLoader is DataLoader)
        print(sys.modules["torch.nn"] is suiren.nn, suiren.nn.__name__, isinstance(torch.ones(2), suiren.Tensor))
        try:
            import torch.nothing_such
        except ModuleNotFoundError as error:
            print(error.name)
        """,
    )
    done = python("-m", "suiren", "run", path)
    assert done.stdout == "True True True True True\nTrue suiren.nn True\ntorch.nothing_such\n", done.stderr
    assert python("-c", "import suiren, sys; print('torch' in sys.modules)").stdout == "False\n"


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_a_loader_run_the_programs_classes(start, tmp_path):
    path = written(
        tmp_path,
        "prog.py",
        f"""
        import torch
        from torch.utils.data import DataLoader, Dataset

        class Squares(Dataset):
            def __len__(self):
                return 6

            def __getitem__(self, i):
                return torch.tensor(float(i)) ** 2

        if __name__ == "__main__":
            loader = DataLoader(Squares(), batch_size=3, num_workers=2, multiprocessing_context={start!r})
            print([b.tolist() for b in loader])
        """,
    )
    done = python("-m", "suiren", "run", path)
    assert done.stdout == "[[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]]\n", done.stderr


def test_what_cannot_be_run(tmp_path):
    done = python("-m", "suiren", "run", str(tmp_path / "none.py"))
    assert done.returncode == 2
    assert "can't open file" in done.stderr and "No such file or directory" in done.stderr
    written(tmp_path, "pack/__init__.py", "")
    for arguments, said in (
        (["-m", "none_such"], "No module named none_such"),
        (["-m", "pack"], "No module named pack.__main__; 'pack' is a package and cannot be directly executed"),
        (["pack"], "can't find '__main__' module in 'pack'"),
    ):
        done = python("-m", "suiren", "run", *arguments, cwd=tmp_path)
        assert (done.stderr, done.returncode) == (f"python -m suiren run: {said}\n", 1)
    for arguments in (["run"], ["run", "-m"], ["nonsense"], []):
        done = python("-m", "suiren", *arguments)
        assert (done.returncode, "python -m suiren run prog.py" in done.stdout + done.stderr) == (0 if not arguments else 2, True)


def test_explain_says_what_ran(tmp_path):
    path = written(tmp_path, "prog.py", "import torch\nx = torch.ones(3)\nfor _ in range(3):\n    print((x * 2 + 1).sum().item())")
    done = python("-m", "suiren", "explain", path)
    assert done.stdout.startswith("9.0\n9.0\n9.0\n")
    assert "prog.py:4" in done.stdout
    table = python("-m", "suiren", "explain", "--ops").stdout
    assert "conv_input_grad" in table and "matmul" in table


def test_doctor():
    done = python("-m", "suiren", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("suiren ")
