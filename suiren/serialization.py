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

from suiren.device import check_device, device

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
        folder = os.path.dirname(os.fspath(f))
        if not os.path.isdir(folder or "."):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
        if os.path.isdir(f):
            raise RuntimeError(f"File {os.fspath(f)} cannot be opened.")
        with replacing(f) as file:
            _write_archive(file, text.getvalue(), pickler.storages)
    elif hasattr(f, "write"):
        _write_archive(f, text.getvalue(), pickler.storages)
    else:
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")


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
    Where `weights_only` is not given, the environment's TORCH_FORCE_WEIGHTS_ONLY_LOAD=1 or TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 decides.

    UnpicklingError for what is not allowed, and for a file of another kind; EOFError for an empty one; RuntimeError for a file that is damaged
    or cut short, or of another device.
    """
    import zipfile
    import zlib

    weights_only = _weights_only(weights_only, pickle_module)
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not (map_location is None or isinstance(map_location, (str, device, dict)) or callable(map_location)):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")
    with contextlib.ExitStack() as opened:
        file = opened.enter_context(open(f, "rb")) if isinstance(f, (str, os.PathLike)) else _seekable(f)
        name = os.fspath(f) if isinstance(f, (str, os.PathLike)) else "the file"
        try:
            archive = opened.enter_context(zipfile.ZipFile(file))
        except zipfile.BadZipFile as error:
            archive = None
            if not _is_stream(file):
                raise _of_another_kind(file, name, error) from None
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
            raise pickle.UnpicklingError(_refusal(str(error))) from None


def _weights_only(given: bool | None, pickle_module: Any) -> bool:
    """What `weights_only` comes to. RuntimeError where the environment wants both."""
    yes, no = (
        os.environ.get(f"TORCH_FORCE_{name}_LOAD", "0") in ("1", "y", "yes", "true") for name in ("WEIGHTS_ONLY", "NO_WEIGHTS_ONLY")
    )
    if yes and no:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but both were set."
        )
    if yes:
        return True
    if given is not None:
        return given
    return pickle_module is None and not no


_UNSAFE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to `True`. "
    "Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code execution. "
    "Do it only if you got the file from a trusted source."
)
_DOCUMENTED = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


def _refusal(why: str) -> str:
    """PyTorch's words about what `weights_only` does not load."""
    if "was not an allowed global by default" not in why:
        return f"Weights only load failed. {_UNSAFE}\n\n\n{why}{_DOCUMENTED}"
    return (
        "Weights only load failed. This file can still be loaded, to do so you have two options, "
        "\033[1mdo those steps only if you trust the source of the checkpoint\033[0m. "
        f"\n\t(1) {_UNSAFE}\n\t(2) Alternatively, to load with `weights_only=True` please check the recommended steps in the following "
        f"error message.\n\tWeightsUnpickler error: {why}{_DOCUMENTED}"
    )


def _seekable(file: Any) -> IO[bytes]:
    try:
        file.seek(file.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. "
            "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
        ) from None
    return file


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


def _of_another_kind(file: IO[bytes], name: str, error: Exception) -> Exception:
    file.seek(0)
    start = file.read(4)
    if not start:
        return EOFError("Ran out of input")
    if start[:2] == b"PK":
        return RuntimeError(f"{name} is cut short: it begins as a checkpoint, but its table of contents is missing ({error})")
    return pickle.UnpicklingError(f"{name} is no checkpoint: it is no zip archive ({error})")


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


_ACCELERATORS = {"cuda": "cuda", "xpu": "xpu", "mps": "backends.mps"}  # kind -> where PyTorch tells whether there is one


def _check_location(wanted: Any, location: Any) -> None:
    """RuntimeError unless `map_location` brings a storage to the CPU."""
    if isinstance(wanted, dict):
        location = wanted.get(location, location)
    elif isinstance(wanted, (str, device)):
        location = wanted
    elif wanted is not None:
        return  # it is given a storage that is on the CPU, and there is nowhere to move it to
    kind = str(location).partition(":")[0]
    if kind in _ACCELERATORS:
        raise RuntimeError(
            f"Attempting to deserialize object on a {kind.upper()} device but torch.{_ACCELERATORS[kind]}.is_available() is False. "
            "If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
        )
    if kind == "meta":
        check_device(location)
    if kind != "cpu":
        raise RuntimeError(f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})")


# ---------------------------------------------------------------- what weights_only allows


def get_unsafe_globals_in_checkpoint(f: FileLike) -> list[str]:
    """The names of classes and functions in a checkpoint that `weights_only` would refuse. ValueError for another file."""
    import zipfile

    from suiren.checkpoint_pickle import refused_names

    try:
        with zipfile.ZipFile(f) as archive:
            return refused_names(archive.read(_Archive(archive, "the file", None, None).folder + "data.pkl"))
    except zipfile.BadZipFile:
        raise ValueError("Expected input to be a checkpoint returned by torch.save") from None


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
