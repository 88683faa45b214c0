"""`python -m suiren run prog.py ARGS`: a PyTorch program, unmodified, on suiren. `explain` also says what it ran; `new` writes a project; `doctor` checks the machine."""

from __future__ import annotations

import sys

USAGE = """\
python -m suiren run prog.py [ARGS …]      runs a PyTorch program: import torch and import torchvision give suiren
python -m suiren run -m package [ARGS …]   the same for a module
python -m suiren explain prog.py [ARGS …]  runs it, then prints what was recorded, compiled and measured
python -m suiren explain --ops             the primitive operations with their rules
python -m suiren new NAME                  writes a project that classifies pictures into the folder NAME
python -m suiren doctor                    what suiren finds on this machine, and whether it works
"""


def main(arguments: list[str]) -> None:
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command == "run" and rest:
        _run(rest)
    elif command == "explain" and rest == ["--ops"]:
        from suiren.explanation.text import ops_table

        print(ops_table())
    elif command == "explain" and rest:
        import atexit

        from suiren.explanation.text import print_everything

        atexit.register(print_everything)
        _run(rest)
    elif command == "new" and len(rest) == 1:
        from suiren.new import write_project

        raise SystemExit(write_project(rest[0]))
    elif command == "doctor":
        from suiren.explanation.doctor import examine

        raise SystemExit(examine())
    else:
        print(USAGE, end="", file=sys.stdout if command in ("help", "--help", "-h") else sys.stderr)
        raise SystemExit(0 if command in ("help", "--help", "-h") else 2)


def _run(rest: list[str]) -> None:
    from suiren import aliases, running

    aliases.install()
    aliases.install_in_children()
    if rest[0] == "-m":
        if len(rest) < 2:
            print(USAGE, end="", file=sys.stderr)
            raise SystemExit(2)
        running.run_module(rest[1], rest[2:])
    else:
        running.run_file(rest[0], rest[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
