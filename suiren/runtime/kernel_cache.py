"""The kernel cache: object code on disk by content hash, so that the second start of a program compiles nothing.

An entry is one file, `<digest>.o`: MAGIC, the sha256 of what follows, the object code. The digest covers everything that the code
depends on, so an entry never has to be found invalid, only absent, and any number of processes may write the same one at once.
An entry that cannot be trusted (damaged, truncated, or writable by somebody else, as ssh judges a key file) counts as absent.
A cache that cannot be used costs time, never the program.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import time
from pathlib import Path

from suiren.config import config

MAGIC = b"suiren object 1\n"
BOUND = 256 << 20  # bytes on disk; beyond it what was longest unused goes
BLOCK = 4096  # what the file system gives out
SWEEP_EVERY = 3600.0  # seconds between two looks at the whole folder
TOUCH_EVERY = 86400.0  # seconds after which using an entry is noted again
STALE_AFTER = 3600.0  # seconds after which a half-written file is nobody's any more

# What machine code is made by: a change in any of these files makes every older entry absent.
_SOURCES = ("compiler", "ops", "runtime", "trace/op.py", "dtypes.py")


@functools.cache
def source_hash() -> str:
    """The sha256 of the files that machine code is made by."""
    package = Path(__file__).parent.parent
    found = hashlib.sha256()
    for source in _SOURCES:
        path = package / source
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            found.update(file.relative_to(package).as_posix().encode() + b"\0")
            found.update(file.read_bytes())
    return found.hexdigest()


@functools.cache
def _versions() -> str:
    import llvmlite

    return f"{llvmlite.__version__} {source_hash()}"


def digest(family: str, key: str, machine: str) -> str:
    """The name of an entry: a hash of kernel family, `repr` of its key, the machine's words, LLVM's version and our own source."""
    return hashlib.sha256("\0".join((family, key, machine, _versions())).encode()).hexdigest()


def default_folder() -> Path:
    """The user's cache folder, by the conventions of the platform."""
    try:
        from platformdirs import user_cache_path

        return Path(user_cache_path("suiren", appauthor=False))
    except ImportError:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suiren"


def current() -> KernelCache | NoCache:
    """The cache that `config.cache` names: a folder, the user's own, or none."""
    return _open(config.cache)


@functools.cache
def _open(setting: str) -> KernelCache | NoCache:
    if setting == "off":
        return NoCache()
    try:
        return KernelCache(Path(setting).expanduser() if setting else default_folder())
    except (OSError, RuntimeError) as cause:  # RuntimeError: no home folder
        _warn(f"kernels are not kept: {cause}")
        return NoCache()


@functools.cache  # says it once
def _warn(text: str) -> None:
    if config.debug >= 1:
        print(f"suiren: {text}", file=sys.stderr)


def _only_ours(found: os.stat_result) -> bool:
    """Whether nobody but this user (and root) can have written it."""
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class NoCache:
    """Keeps nothing."""

    def read(self, digest: str) -> None:
        return None

    def write(self, digest: str, code: bytes) -> None:
        pass


class KernelCache:
    """A folder of entries. PermissionError if others may write in it, OSError if it cannot be made."""

    def __init__(self, folder: Path, bound: int = BOUND):
        self.folder, self.bound = folder, bound
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _only_ours(folder.stat()):
            raise PermissionError(f"{folder} can be written by others, who could put code there; `chmod go-w` it or set SUIREN_CACHE")
        self._written = 0

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.o"

    def read(self, digest: str) -> bytes | None:
        """The object code of an entry, or None if there is none that can be trusted."""
        path = self._path(digest)
        try:
            file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            return None
        except OSError as cause:
            _warn(f"cannot read kernels in {self.folder}: {cause}")
            return None
        with os.fdopen(file, "rb") as entry:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or not _only_ours(found):
                _warn(f"an entry in {self.folder} can be written by others and is not used")
                return None
            try:
                content = entry.read()
            except OSError:
                return None
        start = len(MAGIC) + 32
        code = content[start:]
        if content[: len(MAGIC)] != MAGIC or hashlib.sha256(code).digest() != content[len(MAGIC) : start]:
            _warn(f"a damaged entry in {self.folder} is made anew")
            return None
        if time.time() - found.st_mtime > TOUCH_EVERY:
            with contextlib.suppress(OSError):  # a folder that can only be read
                os.utime(path)
        return code

    def write(self, digest: str, code: bytes) -> None:
        """Keeps an entry. Whole or not at all: readers never see half of it, whatever happens to this process."""
        path = self._path(digest)
        partial = path.with_name(f".{digest[:16]}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            try:
                with os.fdopen(file, "wb") as entry:
                    entry.write(MAGIC + hashlib.sha256(code).digest() + code)
                os.replace(partial, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    partial.unlink()
                raise
        except OSError as cause:
            _warn(f"cannot write kernels to {self.folder}: {cause}")
            return
        self._written += 1
        if self._written % 256 == 1:
            self._sweep_if_due()

    def _sweep_if_due(self) -> None:
        """Looks at the whole folder, at most once an hour among all processes, and every 256 entries of one."""
        mark = self.folder / "swept"
        try:
            if self._written == 1 and time.time() - mark.stat().st_mtime < SWEEP_EVERY:
                return
        except OSError:
            pass
        with contextlib.suppress(OSError):
            mark.touch(mode=0o600)
            self.sweep()

    def sweep(self) -> None:
        """Deletes what is longest unused until at most three quarters of the bound are taken (if it was passed), and what dead processes left."""
        now, taken, entries = time.time(), 0, []
        for entry in os.scandir(self.folder):
            try:
                found = entry.stat(follow_symlinks=False)
                if entry.name.startswith("."):
                    if now - found.st_mtime > STALE_AFTER:
                        os.unlink(entry.path)
                elif entry.name.endswith(".o"):
                    size = (found.st_size + BLOCK - 1) // BLOCK * BLOCK
                    entries.append((found.st_mtime, size, entry.path))
                    taken += size
            except OSError:  # another process deleted it
                continue
        if taken <= self.bound:
            return
        for _, size, path in sorted(entries):
            if taken <= self.bound * 3 // 4:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            taken -= size
