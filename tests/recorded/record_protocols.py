"""Records what PyTorch answers to the lines of tests/protocol_lines.py and tests/testing/lines.py, and the prints of tests/printed.py.

    python -m tests.recorded.record_protocols          # with torch==2.13.0, from the repository's folder
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests import printed, protocol_lines
from tests.testing import lines as testing_lines

FILE = Path(__file__).parent / "protocols.json"


def main() -> None:
    answers = {line: protocol_lines.answer(line, torch) for line in protocol_lines.LINES}
    prints = {line: printed.text(line, torch) for line in printed.LINES}
    close = {line: protocol_lines.full_answer(line, torch) for line in testing_lines.LINES}
    FILE.write_text(json.dumps({"lines": answers, "prints": prints, "assert_close": close}, indent=0, ensure_ascii=False) + "\n")
    print(f"{len(answers)} lines, {len(prints)} prints")


if __name__ == "__main__":
    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"answers are recorded from PyTorch 2.13, this is {torch.__version__}")
    main()
