"""`python -m bench.readme [FOLDER]`: puts the table and the chart that `python -m bench` wrote into README.md and README.zh.md."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALT = {"README.md": "ratio of PyTorch's time to suiren's, a bar for each row of the table", "README.zh.md": "PyTorch 用时与 suiren 用时之比，每行一条"}


def main(folder: str) -> None:
    table = Path(folder, "bench.md").read_text().strip()
    shutil.copyfile(Path(folder, "bench.png"), ROOT / "docs/images/bench.png")
    for name, alt in ALT.items():
        path = ROOT / name
        between = f"<!-- bench -->\n{table}\n\n![{alt}](docs/images/bench.png)\n<!-- /bench -->"
        path.write_text(re.sub(r"<!-- bench -->.*<!-- /bench -->", lambda _: between, path.read_text(), flags=re.S))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "out")
