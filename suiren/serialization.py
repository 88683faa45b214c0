"""`save` and `load` in PyTorch's file format, both ways.

A file is a zip archive, nothing compressed, of `data.pkl` (the object as a pickle in which storages are numbered), `data/<number>` (each storage's
bytes), `byteorder` and `version`. Tensors that share a storage do so again after loading. What `save` writes, `torch.load` reads with
`weights_only=True`; it names nothing of suiren.

Source: torch/serialization.py of PyTorch 2.13
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from suiren.device import check_device

if TYPE_CHECKING:
    from zipfile import ZipFile

    from suiren.checkpoint_pickle import LoadedStorage

FORMAT_VERSION = "3\n"
FOLDER = "archive"
ALIGNMENT = 64  # of every record's bytes in the file, so that they can be mapped
CHUNK = 16 << 20  # bytes read at once

FileLike = str | os.PathLike[str] | IO[bytes]


# ---------------------------------------------------------------- saving


def save(obj: Any, f: FileLike, pickle_module: Any = pickle, pickle_protocol: int = 2, _use_new_zipfile_serialization: bool = True) -> None:
    """Writes an object with its tensors to a path or a binary file.

    A file at a path is replaced at once, when the new one is complete and on the disk: whoever reads it sees the old or the new one.
    Objects of other classes are pickled by reference, as ever. RuntimeError where PyTorch's older format, which is not written here, is asked for.
    """
    if not _use_new_zipfile_serialization:
        raise RuntimeError("suiren.save writes PyTorch's zip format only: leave out _use_new_zipfile_serialization=False")
    from suiren.checkpoint_pickle import CheckpointPickler

    text = io.BytesIO()
    pickler = CheckpointPickler(text)
    pickler.dump(obj)
    if isinstance(f, (str, os.PathLike)):
        with replacing(f) as file:
            _write_archive(file, text.getvalue(), pickler.storages)
    elif hasattr(f, "write"):
        _write_archive(f, text.getvalue(), pickler.storages)
    else:
        raise AttributeError(f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {type(f).__name__}")


def _write_archive(file: IO[bytes], text: bytes, storages: dict[str, Any]) -> None:
    import zipfile

    import numpy as np

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _write_record(archive, "data.pkl", text)
        _write_record(archive, ".format_version", b"1")
        _write_record(archive, ".storage_alignment", str(ALIGNMENT).encode())
        _write_record(archive, "byteorder", sys.byteorder.encode())
        for key, root in storages.items():
            memory = root._buffer.array((root._spec.nbytes,), np.uint8)
            _write_record(archive, f"data/{key}", memory.data)
        _write_record(archive, "version", FORMAT_VERSION.encode())


def _write_record(archive: ZipFile, name: str, data: Any) -> None:
    """Writes a record, its bytes at a multiple of ALIGNMENT: an extra field of the header (PyTorch's, "FB") fills up to there."""
    import zipfile

    info = zipfile.ZipInfo(f"{FOLDER}/{name}")  # dated 1980: the same object gives the same bytes
    info.file_size = len(data)
    header = 30 + len(info.filename) + (20 if len(data) * 1.05 > zipfile.ZIP64_LIMIT else 0)
    fill = -(archive.fp.tell() + header + 4) % ALIGNMENT
    info.extra = b"FB" + fill.to_bytes(2, "little") + b"Z" * fill
    with archive.open(info, "w") as record:
        record.write(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` once it is complete; where that is no ordinary file, the file itself."""
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # a device, a pipe; a folder raises
        with open(target, "wb") as file:
            yield file
        return
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the name, too, is to be on the disk
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


# ---------------------------------------------------------------- loading


def load(
    f: FileLike,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what `save`, or PyTorch's, wrote.

    With `weights_only` (the default) tensors, containers, numbers and texts alone are made, and nothing that the file says is run; other
    classes must be allowed by `suiren.serialization.add_safe_globals`. With `weights_only=False` the file's pickle runs as it is: only for
    files you trust. `mmap` maps the tensors' memory from a file at a path (changes stay private). `map_location` must lead to the CPU.

    UnpicklingError for what is not allowed; RuntimeError for a file that is damaged or cut short, or of another device.
    """
    import zipfile
    import zlib

    weights_only = pickle_module is None if weights_only is None else weights_only
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    with contextlib.ExitStack() as opened:
        file = opened.enter_context(open(f, "rb")) if isinstance(f, (str, os.PathLike)) else f
        name = os.fspath(f) if isinstance(f, (str, os.PathLike)) else "the file"
        try:
            archive = opened.enter_context(zipfile.ZipFile(file))
        except zipfile.BadZipFile as error:
            archive = None
            if not _is_stream(file):
                raise RuntimeError(f"{_what_it_is(file, name)} ({error})") from None
        try:
            if archive is None:
                if mmap:
                    raise RuntimeError("mmap can only be used with files saved in PyTorch's zip format: load and save the file to bring it into that")
                return _load_stream(file, name, map_location, weights_only, pickle_load_args)
            return _Archive(archive, name, map_location, f if mmap else None).object(weights_only, pickle_load_args)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, zlib.error) as error:
            raise RuntimeError(f"{name} is damaged: {error}") from error
        except pickle.UnpicklingError as error:
            if not weights_only:
                raise
            raise pickle.UnpicklingError(
                f"Weights only load failed: {error}\n"
                f"If you trust where {name} comes from, load it with weights_only=False: that runs whatever code it holds."
            ) from None


def _is_stream(file: IO[bytes]) -> bool:
    """Whether a file begins as PyTorch's format from before version 1.6 does."""
    from suiren import checkpoint_stream

    file.seek(0)
    start = file.read(2)
    file.seek(0)
    return checkpoint_stream.begins_like_one(start)


def _load_stream(file: IO[bytes], name: str, map_location: Any, weights_only: bool, options: dict[str, Any]) -> Any:
    from suiren import checkpoint_stream

    encoding = options.pop("encoding", "utf-8")
    return checkpoint_stream.read(file, name, lambda location: _check_location(map_location, location), weights_only, encoding, options)


def _what_it_is(file: IO[bytes], name: str) -> str:
    try:
        file.seek(0)
        start = file.read(4)
    except OSError:
        start = b""
    if start[:2] == b"PK":
        return f"{name} is cut short: it begins as a checkpoint, but its table of contents is missing"
    return f"{name} is no checkpoint: it is no zip archive"


class _Archive:
    """An open checkpoint."""

    def __init__(self, archive: ZipFile, name: str, map_location: Any, mapped: str | os.PathLike | None):
        self.archive, self.name, self.map_location, self.mapped = archive, name, map_location, mapped
        names = archive.namelist()
        found = next((n for n in names if n.endswith("/data.pkl") and n.count("/") == 1), None)
        if found is None:
            raise RuntimeError(f"{name} is a zip archive but no checkpoint: there is no data.pkl in it")
        self.folder = found[: -len("data.pkl")]
        if self.folder + "constants.pkl" in names:
            raise RuntimeError(f"{name} is a TorchScript program, not a checkpoint: suiren.load cannot run it")
        order = self.folder + "byteorder"
        self.swapped = order in names and archive.read(order).decode() != sys.byteorder
        self.storages: dict[str, LoadedStorage] = {}

    def object(self, weights_only: bool, options: dict[str, Any]) -> Any:
        from suiren.checkpoint_pickle import load_fully, load_safely
        from suiren.trace import pending

        encoding = options.pop("encoding", "utf-8")
        text = io.BytesIO(self.archive.read(self.folder + "data.pkl"))
        try:
            if weights_only:
                if options:
                    raise TypeError(f"load() got unexpected keyword arguments {', '.join(options)} (weights_only=True takes `encoding`)")
                return load_safely(text, self.storage, encoding)
            return load_fully(text, self.storage, encoding, **options)
        finally:
            pending.finish()  # views that were made: they belong to no program of the user's

    def storage(self, pid: Any) -> LoadedStorage:
        """What a persistent id ('storage', type, number, place, elements) stands for."""
        from suiren.checkpoint_pickle import LoadedStorage, StorageType
        from suiren.safe_pickle import Refused

        if type(pid) is not tuple or len(pid) < 5 or pid[0] != "storage" or type(pid[1]) is not StorageType or type(pid[2]) is not str:
            raise Refused(f"the file refers to {pid!r:.80}, which is no storage")
        _, kind, key, location, numel = pid[:5]
        found = self.storages.get(key)
        if found is None:
            _check_location(self.map_location, location)
            itemsize = kind.dtype.itemsize if kind.dtype else 1
            try:
                info = self.archive.getinfo(f"{self.folder}data/{key}")
            except KeyError:
                raise RuntimeError(f"{self.name} is damaged: the bytes of storage {key} are missing") from None
            if info.file_size != numel * itemsize:
                raise RuntimeError(
                    f"{self.name} is damaged: storage {key} should have {numel * itemsize} bytes, and has {info.file_size}"
                )
            element = itemsize // 2 if kind.dtype and kind.dtype.is_complex else itemsize
            found = self.storages[key] = LoadedStorage(self._memory(info, element), kind.dtype)
        return found

    def _memory(self, info: Any, number_bytes: int) -> Any:
        """A Buffer with a record's bytes, which are numbers of `number_bytes` in the file's byte order."""
        import numpy as np

        from suiren.runtime.buffers import Buffer

        if self.mapped is not None and info.compress_type == 0 and info.file_size and not self.swapped:
            return Buffer.from_array(np.memmap(self.mapped, np.uint8, "c", self._place(info), (info.file_size,)))
        buffer = Buffer(info.file_size)
        memory = buffer.array((info.file_size,), np.uint8)
        at = 0
        with self.archive.open(info) as record:  # checks the sum of the bytes
            while part := record.read(CHUNK):
                memory[at : at + len(part)] = np.frombuffer(part, np.uint8)
                at += len(part)
        if at != info.file_size:
            raise RuntimeError(f"{self.name} is cut short: {info.filename} ends after {at} of {info.file_size} bytes")
        if self.swapped and number_bytes > 1:
            memory[:] = memory.reshape(-1, number_bytes)[:, ::-1].reshape(-1)
        return buffer

    def _place(self, info: Any) -> int:
        """Where a record's bytes begin in the file."""
        file = self.archive.fp
        file.seek(info.header_offset + 26)
        lengths = file.read(4)
        return info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


def _check_location(wanted: Any, location: Any) -> None:
    """RuntimeError unless `map_location` brings a storage to the CPU."""
    if callable(wanted):
        return  # it is given a storage that is on the CPU, and there is nowhere to move it to
    if isinstance(wanted, dict):
        wanted = wanted.get(location, location)
    if wanted is None:
        if location != "cpu":
            raise RuntimeError(
                f"Attempting to deserialize object on a {str(location).partition(':')[0].upper()} device but suiren computes on the CPU: "
                "please use suiren.load with map_location='cpu' to map your storages to the CPU."
            )
    else:
        check_device(wanted)


# ---------------------------------------------------------------- what weights_only allows


def add_safe_globals(safe_globals: list[Callable | tuple[Callable, str]]) -> None:
    """Allows checkpoints to name these classes and functions when loaded with `weights_only`."""
    from suiren.checkpoint_pickle import allow

    allow(safe_globals)


def get_safe_globals() -> list:
    """What `add_safe_globals` was given."""
    from suiren.checkpoint_pickle import allowed_objects

    return allowed_objects()


def clear_safe_globals() -> None:
    """Takes back everything that `add_safe_globals` was given."""
    from suiren.checkpoint_pickle import disallow

    disallow()


class safe_globals:
    """`with safe_globals([C]):` allows C inside."""

    def __init__(self, safe_globals: list):
        self.objects = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.objects)

    def __exit__(self, *exception: Any) -> None:
        from suiren.checkpoint_pickle import disallow

        disallow(self.objects)
