from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suiren.config import config
from suiren.runtime import kernel_cache
from suiren.runtime.kernel_cache import MAGIC, KernelCache, NoCache

A, B = "a" * 64, "b" * 64
HAS_OWNERS = hasattr(os, "geteuid")


@pytest.fixture
def cache(tmp_path):
    kernel_cache._warn.cache_clear()
    return KernelCache(tmp_path / "kernels")


def entry(cache: KernelCache, digest: str) -> Path:
    return cache.folder / f"{digest}.o"


def test_what_was_written_is_read(cache):
    assert cache.read(A) is None
    cache.write(A, b"machine code")
    cache.write(B, b"")
    assert cache.read(A) == b"machine code" and cache.read(B) == b""
    assert KernelCache(cache.folder).read(A) == b"machine code"
    assert sorted(p.name for p in cache.folder.iterdir()) == [f"{A}.o", f"{B}.o", "swept"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[:10],
        lambda whole: whole[:-1],
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        lambda whole: whole[: len(MAGIC)] + bytes(32) + whole[len(MAGIC) + 32 :],
        lambda whole: b"another format\n\n" + whole[len(MAGIC) :],
        lambda whole: whole + b"x",
    ],
)
def test_a_damaged_entry_is_absent_and_made_anew(cache, damage):
    cache.write(A, b"machine code")
    path = entry(cache, A)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read(A) is None
    cache.write(A, b"machine code")
    assert cache.read(A) == b"machine code"


@pytest.mark.skipif(not HAS_OWNERS, reason="the platform has no owners and modes of files")
def test_what_others_could_have_written_is_refused(cache):
    cache.write(A, b"machine code")
    path = entry(cache, A)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    for mode in (0o620, 0o602, 0o666):
        path.chmod(mode)
        assert cache.read(A) is None
    path.chmod(0o644)
    assert cache.read(A) == b"machine code"
    for mode in (0o770, 0o707, 0o777):
        cache.folder.chmod(mode)
        with pytest.raises(PermissionError, match="can be written by others"):
            KernelCache(cache.folder)
    cache.folder.chmod(0o755)
    KernelCache(cache.folder)


@pytest.mark.skipif(not HAS_OWNERS or os.geteuid() != 0, reason="only root can give files away")
def test_what_others_own_is_refused(cache):
    cache.write(A, b"machine code")
    os.chown(entry(cache, A), 12345, 12345)
    assert cache.read(A) is None
    os.chown(cache.folder, 12345, 12345)
    with pytest.raises(PermissionError):
        KernelCache(cache.folder)


def test_links_are_not_followed(cache, tmp_path):
    cache.write(A, b"machine code")
    os.symlink(entry(cache, A), entry(cache, B))
    assert cache.read(B) is None


def test_a_folder_that_cannot_be_made_or_written(tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    kernel_cache._warn.cache_clear()
    with config(debug=1):
        kernel_cache._open.cache_clear()
        assert isinstance(kernel_cache._open(str(blocked / "kernels")), NoCache)
        cache = KernelCache(tmp_path / "kernels")
        cache.write(A, b"machine code")

        def refuse(*args, **kw):
            raise PermissionError(30, "Read-only file system")

        monkeypatch.setattr(os, "replace", refuse)
        cache.write(B, b"more")
        cache.write(B, b"more")
        assert cache.read(A) == b"machine code" and cache.read(B) is None
        assert not list(cache.folder.glob(".*"))  # nothing half-written stays
    said = capsys.readouterr().err
    assert said.count("are not kept") == 1 and said.count("cannot write") == 1
    kernel_cache._open.cache_clear()


def test_it_says_nothing_without_debug(tmp_path, capsys):
    kernel_cache._warn.cache_clear()
    kernel_cache._open.cache_clear()
    (tmp_path / "file").write_text("")
    assert kernel_cache._open(str(tmp_path / "file")).read(A) is None
    assert capsys.readouterr().err == ""
    kernel_cache._open.cache_clear()


def test_the_switch(tmp_path, monkeypatch):
    with config(cache="off"):
        assert isinstance(kernel_cache.current(), NoCache)
    with config(cache=str(tmp_path / "x")):
        assert kernel_cache.current().folder == tmp_path / "x"
    kernel_cache._open.cache_clear()
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernel_cache.default_folder() == tmp_path / "suiren"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kernel_cache.default_folder() == tmp_path / ".cache" / "suiren"


def test_the_size_is_bounded_and_the_longest_unused_goes_first(tmp_path):
    cache = KernelCache(tmp_path, bound=20 * 4096)
    for i in range(30):
        cache.write(f"{i:064}", bytes(100))
        os.utime(entry(cache, f"{i:064}"), (1000 + i, 1000 + i))
    assert cache.read(f"{0:064}") is not None  # used just now
    left_behind = tmp_path / ".dead.1.2"
    left_behind.write_bytes(b"half")
    os.utime(left_behind, (1000, 1000))
    in_work = tmp_path / ".alive.1.2"
    in_work.write_bytes(b"half")
    cache.sweep()
    kept = sorted(int(p.stem) for p in tmp_path.glob("*.o"))
    assert kept == [0, *range(16, 30)]
    assert not left_behind.exists() and in_work.exists()
    cache.sweep()
    assert len(list(tmp_path.glob("*.o"))) == 15  # under the bound nothing goes


def test_sweeping_happens_by_itself(tmp_path):
    cache = KernelCache(tmp_path, bound=4 * 4096)
    for i in range(9):
        (tmp_path / f"{i:064}.o").write_bytes(b"old")
    cache.write(A, b"machine code")
    assert len(list(tmp_path.glob("*.o"))) <= 4
    for i in range(9):
        (tmp_path / f"{i:064}.o").write_bytes(b"old")
    KernelCache(tmp_path, bound=4 * 4096).write(B, b"")  # somebody has looked within the hour
    assert len(list(tmp_path.glob("*.o"))) > 9
    os.utime(tmp_path / "swept", (1000, time.time() - 4000))
    KernelCache(tmp_path, bound=4 * 4096).write(B, b"")
    assert len(list(tmp_path.glob("*.o"))) <= 4


def test_a_digest_tells_everything_apart():
    digests = {kernel_cache.digest(f, k, m) for f in ("a", "b") for k in ("(1,)", "(True,)", "(1.0,)") for m in ("x", "y")}
    assert len(digests) == 12
    assert kernel_cache.digest("a", "(1,)", "x") in digests


PROGRAM = """
import os, sys
import numpy as np
from tests.runtime.kernels import affine
from suiren.runtime import jit
from suiren.config import config
kernels = [affine(float(i), 1.0) for i in range(12)]
if sys.argv[1] == "no emit":
    def emit(b):
        raise AssertionError("compiled")
    from suiren.compiler.program import Kernel
    kernels = [Kernel(k.family, k.key, emit) for k in kernels]
addresses = jit.load(kernels)
import ctypes
from suiren.runtime.buffers import Buffer
from tests.runtime.kernels import UNIT
for i, address in enumerate(addresses):
    x, y = Buffer(4 * UNIT), Buffer(4 * UNIT)
    x.array((UNIT,), np.float32)[:] = np.arange(UNIT)
    table = np.array([0, 0, 0, x.addr, y.addr])
    args = np.array([3, 0, 4, 0])
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(address)(table.ctypes.data, args.ctypes.data, 0, 1)
    assert (y.array((UNIT,), np.float32) == np.arange(UNIT) * i + 1).all()
print("right")
"""


def start(folder, mode="emit"):
    root = Path(__file__).parents[2]
    environment = {**os.environ, "SUIREN_CACHE": str(folder), "PYTHONPATH": str(root)}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, mode], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=root)


def finished(process) -> str:
    return process.communicate(timeout=120)[0]


def test_processes_share_a_cache(tmp_path):
    folder = tmp_path / "kernels"
    together = [start(folder) for _ in range(3)]
    assert [finished(p) for p in together] == ["right\n"] * 3
    assert finished(start(folder, "no emit")) == "right\n"
    for path in list(folder.glob("*.o"))[::2]:
        path.write_bytes(path.read_bytes()[:-7])
    assert "compiled" in finished(start(folder, "no emit"))
    assert finished(start(folder)) == "right\n"
    assert finished(start(folder, "no emit")) == "right\n"
    assert finished(start("off")) == "right\n"
