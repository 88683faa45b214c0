"""Checkpoints: PyTorch's files are read, its names are written, damage and code are refused, and a file is replaced whole or not at all."""

from __future__ import annotations

import collections
import io
import json
import os
import pickle
import pickletools
import random
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest

import suiren
from suiren import serialization
from suiren.nn.parameter import Parameter
from tests import recorded
from tests.checkpoint_program import contents, facts, shared

FOLDER = os.path.dirname(recorded.__file__)
PYTORCHS = os.path.join(FOLDER, "checkpoint.pt")
with open(os.path.join(FOLDER, "loading.json")) as _file:
    RECORDED = json.load(_file)["checkpoint"]


def _same(found):
    assert json.loads(json.dumps(facts(found))) == RECORDED


def saved(obj) -> bytes:
    file = io.BytesIO()
    suiren.save(obj, file)
    return file.getvalue()


# ---------------------------------------------------------------- the format


@pytest.mark.parametrize("options", [{}, {"mmap": True}, {"weights_only": False}, {"map_location": "cpu"}, {"map_location": lambda s, place: s}])
def test_reads_pytorchs_file(options):
    found = suiren.load(PYTORCHS, **options)
    _same(found)
    assert all(shared(found))


@pytest.mark.parametrize("options", [{}, {"weights_only": False}])
def test_reads_its_own_file(options, tmp_path):
    path = tmp_path / "own.pt"
    suiren.save(contents(suiren), path)
    for f in (path, str(path), io.BytesIO(path.read_bytes())):
        found = suiren.load(f, **options)
        _same(found)
        assert all(shared(found))


def test_the_file_names_nothing_of_suiren():
    """Every name is one that torch.load(weights_only=True) allows; records are stored plainly, at multiples of 64."""
    data = saved(contents(suiren))
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = {arg for op, arg, _ in pickletools.genops(archive.read("archive/data.pkl")) if op.name == "GLOBAL"}
    storages = {f"torch {s}Storage" for s in ("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double", "Bool", "ComplexFloat")}
    assert names == storages | {
        "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3", "torch._utils _rebuild_parameter", "torch.storage UntypedStorage",
        "torch float16", "torch int64", "torch uint32", "torch Size", "torch device", "collections OrderedDict", "collections Counter", "_codecs encode",
        "__builtin__ set", "__builtin__ complex", "__builtin__ bytearray",
    }  # fmt: skip
    assert archive.read("archive/version") == b"3\n" and archive.read("archive/byteorder").decode() == sys.byteorder
    for info in archive.infolist():
        start = info.header_offset + 30 + sum(int.from_bytes(data[info.header_offset + k : info.header_offset + k + 2], "little") for k in (26, 28))
        assert info.compress_type == zipfile.ZIP_STORED and start % 64 == 0
    assert len([n for n in archive.namelist() if "/data/" in n]) == 1 + 2 + 11 + 2 + 2 + 3  # a storage is written once


def test_the_same_object_gives_the_same_bytes():
    assert saved(contents(suiren)) == saved(contents(suiren))


def test_other_byte_order():
    """A file of a machine of the other byte order: its storages are swapped here, and it says so."""
    source = zipfile.ZipFile(io.BytesIO(saved({"a": suiren.arange(5), "c": suiren.tensor([1 + 2j])})))
    other, swapped = {"little": "big", "big": "little"}[sys.byteorder], io.BytesIO()
    with zipfile.ZipFile(swapped, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data/0"):
                data = np.frombuffer(data, "i8").byteswap().tobytes()
            if name.endswith("data/1"):
                data = np.frombuffer(data, "c8").byteswap().tobytes()
            archive.writestr(name, other.encode() if name.endswith("byteorder") else data)
    swapped.seek(0)
    found = suiren.load(swapped)
    assert found["a"].tolist() == [0, 1, 2, 3, 4] and found["c"].tolist() == [1 + 2j]


def test_pending_and_converted_tensors():
    x = suiren.ones(3) * 2
    found = suiren.load(io.BytesIO(saved([x, x.to(suiren.float64), Parameter(x)])))
    assert [t.tolist() for t in found] == [[2.0] * 3] * 3 and type(found[2]) is Parameter


class Mine:
    def __init__(self, value):
        self.value = value


def test_other_classes():
    data = saved({"mine": Mine(suiren.ones(2))})
    with pytest.raises(pickle.UnpicklingError, match=rf"GLOBAL {__name__}.Mine was not an allowed global by default(.|\n)*add_safe_globals"):
        suiren.load(io.BytesIO(data))
    with serialization.safe_globals([Mine]):
        assert serialization.get_safe_globals() == [Mine]
        assert suiren.load(io.BytesIO(data))["mine"].value.tolist() == [1.0, 1.0]
    assert serialization.get_safe_globals() == []
    assert suiren.load(io.BytesIO(data), weights_only=False)["mine"].value.tolist() == [1.0, 1.0]
    serialization.add_safe_globals([(Mine, f"{__name__}.Mine")])
    assert suiren.load(io.BytesIO(data))["mine"].value.tolist() == [1.0, 1.0]
    serialization.clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        suiren.load(io.BytesIO(data))
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [f"{__name__}.Mine"]
    assert serialization.get_unsafe_globals_in_checkpoint(PYTORCHS) == []
    with pytest.raises(ValueError, match="Expected input to be a checkpoint returned by torch.save"):
        serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(b"hello"))


def test_the_environment_decides_where_the_program_does_not(monkeypatch):
    data = saved(Mine(3))
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    assert suiren.load(io.BytesIO(data)).value == 3
    with pytest.raises(pickle.UnpicklingError):
        suiren.load(io.BytesIO(data), weights_only=True)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "yes")
    with pytest.raises(RuntimeError, match="but both were set"):
        suiren.load(io.BytesIO(data))
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    with pytest.raises(pickle.UnpicklingError):
        suiren.load(io.BytesIO(data), weights_only=False)


def test_files_that_cannot_be_used(tmp_path):
    """PyTorch's words."""
    for attempt, error, match in (
        (lambda: suiren.save(1, tmp_path / "none" / "x"), RuntimeError, r"Parent directory .*none does not exist\."),
        (lambda: suiren.save(1, tmp_path), RuntimeError, r"File .* cannot be opened\."),
        (lambda: suiren.save(1, 5), AttributeError, "^expected 'f' to be string, path, or a file-like object with a 'write' attribute$"),
        (lambda: suiren.load(5), AttributeError, r"^'int' object has no attribute 'seek'\. You can only torch\.load from a file that is seekable\."),
        (lambda: suiren.load(saved_file(tmp_path), map_location=3), TypeError, "'int' object is not callable"),
        (lambda: suiren.load(saved_file(tmp_path), map_location="cuda"), RuntimeError, r"^Attempting to deserialize object on a CUDA device but torch\.cuda"),
        (lambda: suiren.load(saved_file(tmp_path), map_location={"cpu": "foo"}), RuntimeError, r"don't know how to restore .* \(tagged with foo\)"),
    ):
        with pytest.raises(error, match=match):
            attempt()


def saved_file(folder):
    suiren.save(suiren.ones(2), folder / "x.pt")
    return folder / "x.pt"


def test_numpy_arrays_are_harmless():
    obj = {"a": np.arange(6.0).reshape(2, 3), "s": np.float32(2)}
    found = suiren.load(io.BytesIO(saved(obj)))
    assert np.array_equal(found["a"], obj["a"]) and found["s"] == 2 and found["s"].dtype == np.float32


def test_devices():
    data = saved({"x": suiren.ones(2)})
    assert suiren.load(io.BytesIO(data), map_location={"cuda:0": "cpu"})["x"].tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        suiren.load(io.BytesIO(data), map_location="cuda")
    elsewhere = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x03\x00\x00\x00mps")
    fixed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(fixed, "w") as archive:
        for name in source.namelist():
            text = source.read(name)
            archive.writestr(name, text.replace(b"X\x03\x00\x00\x00cpu", b"X\x03\x00\x00\x00mps"))
    assert elsewhere != data
    with pytest.raises(RuntimeError, match=r"deserialize object on a MPS device but torch.backends.mps.is_available\(\) is False.*map_location=torch.device\('cpu'\)"):
        suiren.load(io.BytesIO(fixed.getvalue()))
    assert suiren.load(io.BytesIO(fixed.getvalue()), map_location="cpu")["x"].tolist() == [1, 1]


def test_arguments():
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        suiren.load(PYTORCHS, weights_only=True, pickle_module=pickle)
    with pytest.raises(ValueError, match="must be a file path"):
        suiren.load(io.BytesIO(), mmap=True)
    with pytest.raises(AttributeError, match="file-like object with a 'write' attribute"):
        suiren.save(1, 7)
    with pytest.raises(RuntimeError, match="zip format only"):
        suiren.save(1, io.BytesIO(), _use_new_zipfile_serialization=False)


def test_mmap_writes_stay_private(tmp_path):
    path = tmp_path / "x.pt"
    suiren.save({"x": suiren.ones(1000)}, path)
    before = path.read_bytes()
    found = suiren.load(path, mmap=True)
    found["x"] += 1
    assert found["x"].sum().item() == 2000 and path.read_bytes() == before


# ---------------------------------------------------------------- damage and code


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_short(part, tmp_path):
    data = saved(contents(suiren))
    path = tmp_path / "cut.pt"
    path.write_bytes(data[: int(len(data) * part)])
    kinds = (RuntimeError, "is cut short") if part > 0 else (EOFError, "Ran out of input")
    with pytest.raises(kinds[0], match=kinds[1]):
        suiren.load(path)


def test_a_file_with_a_flipped_bit_is_refused_or_reads_the_same(tmp_path):
    """Whatever bit is wrong: an exception of the documented kinds, or (where it means nothing) the right values."""
    data, numbers, refused = saved({"a": suiren.arange(100), "b": [suiren.ones(3), "text"]}), random.Random(0), 0
    for _ in range(150):
        damaged = bytearray(data)
        damaged[numbers.randrange(len(damaged))] ^= 1 << numbers.randrange(8)
        try:
            found = suiren.load(io.BytesIO(bytes(damaged)))
        except (RuntimeError, pickle.UnpicklingError):
            refused += 1
        else:
            assert found["a"].tolist() == list(range(100)) and found["b"][0].tolist() == [1, 1, 1] and found["b"][1] == "text"
    assert refused > 50


@pytest.mark.parametrize(
    "text,error,match",
    [(b"hello", pickle.UnpicklingError, "is no checkpoint"), (b"", EOFError, "Ran out of input"), (b"PK\x03\x04", RuntimeError, "is cut short")],
)
def test_what_is_no_checkpoint(text, error, match, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(text)
    with pytest.raises(error, match=match):
        suiren.load(path)
    with pytest.raises(FileNotFoundError):
        suiren.load(tmp_path / "none")


def archive_of(text: bytes, **records: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", text)
        for name, data in records.items():
            archive.writestr("archive/" + name.replace("_", "/"), data)
    file.seek(0)
    return file


class Calls:
    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_not_run(protocol, tmp_path):
    trap = tmp_path / "trap"
    for attack in (
        Calls(os.system, f"touch {trap}"),
        Calls(eval, f"open({str(trap)!r}, 'w')"),
        Calls(getattr, os, "getcwd"),
        Calls(np.load, str(trap)),
        {"nested": [Calls(subprocess.run, ["touch", str(trap)])]},
    ):
        try:
            text = pickle.dumps(attack, protocol)
        except Exception:
            continue  # a module as an argument
        with pytest.raises(pickle.UnpicklingError, match="not an allowed global|not allowed|is blocked"):
            suiren.load(archive_of(text))
    assert not trap.exists()




def _rebuild(offset, size, strides, count=2) -> bytes:
    """A pickle that makes a tensor of this layout over a storage of `count` floats."""
    text = io.BytesIO()

    class Text(pickle._Pickler):
        def persistent_id(self, obj):
            return ("storage", "TYPE", "0", "cpu", count) if obj == "STORAGE" else None

    Text(text, 2).dump(("STORAGE", offset, size, strides, False, collections.OrderedDict()))
    body = text.getvalue()[2:-1].replace(b"X\x04\x00\x00\x00TYPE", b"ctorch\nFloatStorage\n")
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + body + b"R."


def test_layouts_that_reach_beyond_their_storage():
    good = suiren.load(archive_of(_rebuild(1, (1,), (1,)), data_0=np.float32([1, 2]).tobytes()))
    assert good.tolist() == [2.0]
    for offset, size, strides in ((0, (3,), (1,)), (1, (2,), (1,)), (0, (2, 2), (1, 1)), (-1, (1,), (1,)), (0, (2,), (-1,)), (0, (1,), ()), (2, (1,), (1,))):
        with pytest.raises(pickle.UnpicklingError, match="cannot be|reaches beyond"):
            suiren.load(archive_of(_rebuild(offset, size, strides), data_0=np.float32([1, 2]).tobytes()))
    with pytest.raises(RuntimeError, match="should have 8 bytes, and has 4"):
        suiren.load(archive_of(_rebuild(0, (1,), (1,)), data_0=b"1234"))
    with pytest.raises(RuntimeError, match="the bytes of storage 0 are missing"):
        suiren.load(archive_of(_rebuild(0, (1,), (1,))))


@pytest.mark.parametrize(
    "text",
    [
        b"\x80\x02ctorch\nfloat32\n}X\x08\x00\x00\x00itemsizeK\x00sb.",  # sets an attribute of a dtype
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",  # … of a function
        b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb\x93.",  # looks a name up on the stack
        b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lso.",  # the old way of making an object
        b"\x80\x02(S'ls'\nios\nsystem\n.",
        b"\x80\x02\x82\x01.",  # an extension code
        b"\x80\x02]K\x01ctorch\nSize\n\x81.",
        b"\x80\x02X\x01\x00\x00\x00aQ.",  # a persistent id that is no storage
        b"\x80\x02K\x01K\x02K\x03s.",  # an item of a number
        b"\x80\x02ctorch\nSize\nK\x01a.",  # appends to a name
        b"\x80\x02c__builtin__\nbytes\nK\xff\x85R.",  # zeros by the million
    ],
)
def test_instructions_that_are_refused(text):
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        suiren.load(archive_of(text))
    assert suiren.float32.itemsize == 4


# ---------------------------------------------------------------- replacing a file


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pt"
    suiren.save({"a": 1}, path)

    class NotPicklable:
        def __reduce__(self):
            raise TypeError("not this one")

    with pytest.raises(TypeError):
        suiren.save({"a": NotPicklable()}, path)
    assert suiren.load(path) == {"a": 1} and os.listdir(tmp_path) == ["x.pt"]


def test_a_disk_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    suiren.save({"a": 1}, path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space"):
        suiren.save({"a": 2}, path)
    monkeypatch.undo()
    assert suiren.load(path) == {"a": 1} and os.listdir(tmp_path) == ["x.pt"]


def test_kill_9_while_saving_leaves_a_whole_file(tmp_path):
    """A process that saves over and over is killed: the file is one of those it wrote."""
    program = """
        import sys
        import suiren
        for i in range(10**6):
            suiren.save({"i": i, "x": suiren.full((50_000,), float(i))}, sys.argv[1])
            if i == 0:
                print("begun", flush=True)
    """
    path = tmp_path / "x.pt"
    for wait in (0.0, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(path)], stdout=subprocess.PIPE, env={**os.environ, "SUIREN_TIER": "interpreter"})
        process.stdout.readline()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            pass
        process.kill()
        process.communicate()
        found = suiren.load(path)
        assert (found["x"].numpy() == found["i"]).all()


def test_links_modes_and_devices(tmp_path):
    real, link = tmp_path / "real.pt", tmp_path / "link.pt"
    suiren.save(1, real)
    os.chmod(real, 0o640)
    link.symlink_to(real)
    suiren.save(2, link)
    assert link.is_symlink() and suiren.load(real) == 2 and os.stat(real).st_mode & 0o777 == 0o640
    mask = os.umask(0o027)
    try:
        suiren.save(3, tmp_path / "new.pt")
    finally:
        os.umask(mask)
    assert os.stat(tmp_path / "new.pt").st_mode & 0o777 == 0o640
    suiren.save(4, os.devnull)


def test_modules_and_optimizers_go_on_where_they_were(tmp_path, tier):
    nn, optim = suiren.nn, suiren.optim

    def make():
        suiren.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
        return net, optim.Adam(net.parameters(), lr=0.01)

    def steps(net, optimizer, n):
        losses = []
        for i in range(n):
            suiren.manual_seed(i)
            loss = net(suiren.randn(6, 4)).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    net, optimizer = make()
    steps(net, optimizer, 3)
    suiren.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "x.pt")
    expected = steps(net, optimizer, 3)
    again, its_optimizer = make()
    loaded = suiren.load(tmp_path / "x.pt")
    again.load_state_dict(loaded["net"])
    its_optimizer.load_state_dict(loaded["optimizer"])
    assert steps(again, its_optimizer, 3) == expected
