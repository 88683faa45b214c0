"""Fetching data sets: downloads that go on where they stopped and appear only when complete, and archives that cannot write where they should not.

Source of the names: torchvision/datasets/utils.py
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

USER_AGENT = "suiren"
CHUNK = 1 << 18
TIMEOUT = 30.0  # seconds without a byte


def calculate_md5(fpath: str | os.PathLike, chunk_size: int = 1 << 20) -> str:
    """The MD5 sum of a file, in hexadecimal."""
    md5 = hashlib.md5(usedforsecurity=False)  # against damage, not against malice
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            md5.update(chunk)
    return md5.hexdigest()


def check_md5(fpath: str | os.PathLike, md5: str, **kwargs: Any) -> bool:
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath: str | os.PathLike, md5: str | None = None) -> bool:
    """Whether the file is there and, if an MD5 sum is given, has it."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


# ---------------------------------------------------------------- downloading


def download_url(
    url: str, root: str | os.PathLike, filename: str | None = None, md5: str | None = None, max_redirect_hops: int = 3
) -> None:
    """Fetches `url` to `root/filename`, unless a file with this MD5 sum is there already.

    Bytes go to `<filename>.part` first: another call goes on from there, and the file itself appears when it is complete and checked.
    RuntimeError when there is no connection, or when what came has another sum.
    """
    root = os.path.expanduser(root)
    path = os.path.join(root, filename or os.path.basename(url))
    if not check_integrity(path, md5):
        fetch(url, path, None if md5 is None else lambda p: check_md5(p, md5))


def fetch(url: str, path: str, is_right: Callable[[str], bool] | None = None, progress: bool = True) -> None:
    """Fetches `url` to `path`, as `download_url` does; `is_right(path)` says whether what came is what it should be."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    part = path + ".part"
    is_right = is_right or (lambda p: True)
    with _alone(folder):
        if os.path.isfile(path) and is_right(path):  # another process was at it
            return
        for is_last_try in (False, True):
            went_on = os.path.exists(part) and os.path.getsize(part) > 0
            _fetch(url, part, path, progress)
            if is_right(part):
                break
            os.remove(part)
            if is_last_try or not went_on:  # a part of something else may have been gone on with: once more, from the start
                raise RuntimeError(f"File not found or corrupted. {url} gave something with another checksum than it should have")
        os.replace(part, path)


def _fetch(url: str, part: str, path: str, progress: bool) -> None:
    """Appends to `part` what is missing of it."""
    import urllib.error
    import urllib.request

    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"User-Agent": USER_AGENT, **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as response:
            goes_on = have > 0 and response.status == 206
            length = response.headers.get("Content-Length")
            total = None if length is None else int(length) + have * goes_on
            shown = _progress(total, have * goes_on, os.path.basename(path), progress)
            with open(part, "ab" if goes_on else "wb") as file, shown as advance:
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    advance(len(chunk))
                if total is not None and file.tell() != total:
                    raise OSError(f"the connection ended after {file.tell()} of {total} bytes")
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing, or it is not a part of this: the checksum tells
            return
        raise RuntimeError(_no_luck(url, path, error)) from error
    except OSError as error:  # URLError, timeouts and broken connections are such
        raise RuntimeError(_no_luck(url, path, error)) from error


def _no_luck(url: str, path: str, error: Exception) -> str:
    return (
        f"Could not download {url}: {getattr(error, 'reason', None) or error}. Is there a network connection? What has come so far is kept, "
        f"and another try goes on from there. Or fetch the file elsewhere and put it at {path}"
    )


@contextlib.contextmanager
def _progress(total: int | None, done: int, name: str, is_shown: bool) -> Iterator[Callable[[int], Any]]:
    try:
        from tqdm import tqdm
    except ImportError:
        is_shown = False
    if not is_shown:
        yield lambda n: None
        return
    with tqdm(total=total, initial=done, unit="B", unit_scale=True, desc=name) as bar:
        yield bar.update


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """While another process downloads into the same folder, waits for it. Where folders cannot be locked the checksum has to do."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- unpacking


def _inside(folder: str, name: str) -> str:
    """The path of an archive's entry in `folder`. RuntimeError for one that would lie outside of it."""
    folder = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(folder, name))
    if os.path.isabs(name) or os.path.commonpath([folder, path]) != folder:
        raise RuntimeError(f"the archive has an entry {name!r}, which lies outside of the folder it is unpacked into")
    return path


def _write_whole(source: IO[bytes], path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    os.replace(path + ".part", path)


def _extract_tar(archive: str, folder: str) -> None:
    import tarfile

    with tarfile.open(archive) as tar:
        for member in tar:
            path = _inside(folder, member.name)
            if member.isdir():
                os.makedirs(path, exist_ok=True)
            elif member.isfile():
                _write_whole(tar.extractfile(member), path)
            else:
                raise RuntimeError(f"{archive} has an entry {member.name!r} that is no file and no folder; links are not unpacked")


def _extract_zip(archive: str, folder: str) -> None:
    import zipfile

    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            path = _inside(folder, info.filename)
            if info.is_dir():
                os.makedirs(path, exist_ok=True)
            else:
                with file.open(info) as source:
                    _write_whole(source, path)


_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
_TAR_ENDS = (".tar", ".tgz", ".tbz", ".tbz2", *(".tar" + end for end in _COMPRESSIONS))


def extract_archive(
    from_path: str | os.PathLike, to_path: str | os.PathLike | None = None, remove_finished: bool = False
) -> str:
    """Unpacks a tar or zip archive, or a compressed file, into a folder (its own); returns the folder, or the file.

    Entries that are links, or lie outside of the folder, are refused: RuntimeError.
    """
    import importlib

    source = os.fspath(from_path)
    folder = os.path.dirname(source) if to_path is None else os.fspath(to_path)
    found = folder
    base, end = os.path.splitext(source)
    if source.endswith(_TAR_ENDS):
        _extract_tar(source, folder)
    elif end == ".zip":
        _extract_zip(source, folder)
    elif end in _COMPRESSIONS:
        found = os.path.join(folder, os.path.basename(base))
        with importlib.import_module(_COMPRESSIONS[end]).open(source, "rb") as file:
            _write_whole(file, found)
    else:
        known = sorted({*_TAR_ENDS, ".zip", *_COMPRESSIONS})
        raise RuntimeError(f"Unknown compression or archive type: '{end}'.\nKnown suffixes are: '{known}'.")
    if remove_finished:
        os.remove(source)
    return found


def download_and_extract_archive(
    url: str,
    download_root: str | os.PathLike,
    extract_root: str | os.PathLike | None = None,
    filename: str | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """`download_url`, then `extract_archive`."""
    download_root = os.path.expanduser(download_root)
    filename = filename or os.path.basename(url)
    download_url(url, download_root, filename, md5)
    extract_archive(os.path.join(download_root, filename), extract_root or download_root, remove_finished)


def verify_str_arg(value: Any, arg: str | None = None, valid_values: Sequence[str] | None = None, custom_msg: str | None = None) -> str:
    """The value, if it is a text and one of these. ValueError otherwise, with `custom_msg` for another text."""
    if not isinstance(value, str):
        raise ValueError(f"Expected type str for argument {arg}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        if custom_msg is not None:
            raise ValueError(custom_msg)
        listed = "'" + "', '".join(valid_values) + "'"
        raise ValueError(f"Unknown value '{value}' for argument {arg}. Valid values are {{{listed}}}.")
    return value
