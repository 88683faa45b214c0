"""Downloads that go on where they stopped, and archives that would write elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import threading
import zipfile

import pytest

from suiren.vision.datasets import utils

DATA = bytes(range(256)) * 4000  # 1 MB
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


def test_download(server, tmp_path):
    server.files["/x.bin"] = DATA
    utils.download_url(server.url + "/x.bin", tmp_path / "new", md5=MD5)
    assert (tmp_path / "new" / "x.bin").read_bytes() == DATA and os.listdir(tmp_path / "new") == ["x.bin"]
    utils.download_url(server.url + "/x.bin", tmp_path / "new", md5=MD5)
    utils.download_url(server.url + "/x.bin", str(tmp_path), "y.bin")
    assert (tmp_path / "y.bin").read_bytes() == DATA and len(server.requests) == 2
    assert utils.check_integrity(tmp_path / "y.bin", MD5) and not utils.check_integrity(tmp_path / "y.bin", "0") and not utils.check_integrity(tmp_path)


def test_goes_on_where_it_stopped(server, tmp_path):
    server.files["/x.bin"] = DATA
    server.cut = [300_000, 500_000]
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"(?s)Could not download .*another try goes on from there. Or fetch the file elsewhere and put it at"):
            utils.download_url(server.url + "/x.bin", tmp_path, md5=MD5)
        assert os.listdir(tmp_path) == ["x.bin.part"]
    utils.download_url(server.url + "/x.bin", tmp_path, md5=MD5)
    assert (tmp_path / "x.bin").read_bytes() == DATA and os.listdir(tmp_path) == ["x.bin"]
    ranges = [r for _, r in server.requests]
    assert ranges[0] is None and all(r.startswith("bytes=") for r in ranges[1:]) and len(ranges) == 3


def test_a_server_that_cannot_go_on(server, tmp_path):
    server.files["/x.bin"], server.ranges = DATA, False
    (tmp_path / "x.bin.part").write_bytes(DATA[:1000])
    utils.download_url(server.url + "/x.bin", tmp_path, md5=MD5)
    assert (tmp_path / "x.bin").read_bytes() == DATA


@pytest.mark.parametrize("part", [b"something else", DATA, DATA + b"more"])
def test_a_part_of_something_else(part, server, tmp_path):
    server.files["/x.bin"] = DATA
    (tmp_path / "x.bin.part").write_bytes(part)
    utils.download_url(server.url + "/x.bin", tmp_path, md5=MD5)
    assert (tmp_path / "x.bin").read_bytes() == DATA and os.listdir(tmp_path) == ["x.bin"]


def test_what_came_is_wrong(server, tmp_path):
    server.files["/x.bin"] = DATA[:-1]
    with pytest.raises(RuntimeError, match="File not found or corrupted"):
        utils.download_url(server.url + "/x.bin", tmp_path, md5=MD5)
    assert os.listdir(tmp_path) == []
    with pytest.raises(RuntimeError, match="Could not download .*404|Not Found"):
        utils.download_url(server.url + "/none.bin", tmp_path)


def test_offline(tmp_path):
    with pytest.raises(RuntimeError, match=r"Could not download http://127\.0\.0\.1:9/x.bin: .*Is there a network connection\?"):
        utils.download_url("http://127.0.0.1:9/x.bin", tmp_path, md5=MD5)


def test_two_at_once(server, tmp_path):
    server.files["/x.bin"] = DATA
    threads = [threading.Thread(target=utils.download_url, args=(server.url + "/x.bin", str(tmp_path), None, MD5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "x.bin").read_bytes() == DATA and len(server.requests) == 1


# ---------------------------------------------------------------- archives


def tar_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"data") if info.size else None)
    return out.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        [("../out", tarfile.REGTYPE, "")],
        [("a/../../out", tarfile.REGTYPE, "")],
        [("/tmp/suiren-test-out", tarfile.REGTYPE, "")],
        [("link", tarfile.SYMTYPE, "/"), ("link/tmp/suiren-test-out", tarfile.REGTYPE, "")],
        [("link", tarfile.LNKTYPE, "/etc/passwd")],
        [("link", tarfile.SYMTYPE, "..")],
        [("device", tarfile.CHRTYPE, "")],
        [("pipe", tarfile.FIFOTYPE, "")],
    ],
)
def test_entries_that_are_refused(members, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "x.tar.gz").write_bytes(tar_of(*members))
    with pytest.raises(RuntimeError, match="outside of the folder|is no file and no folder"):
        utils.extract_archive(inside / "x.tar.gz")
    assert os.listdir(tmp_path) == ["inside"] and os.listdir(inside) == ["x.tar.gz"] and not os.path.exists("/tmp/suiren-test-out")


def test_a_link_that_is_already_there(tmp_path):
    """An entry may not go through a link out of the folder, whoever made the link."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    (tmp_path / "x.tgz").write_bytes(tar_of(("link/out", tarfile.REGTYPE, "")))
    with pytest.raises(RuntimeError, match="outside of the folder"):
        utils.extract_archive(tmp_path / "x.tgz", tmp_path / "inside")


def test_archives(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_of(("d", tarfile.DIRTYPE, ""), ("d/f", tarfile.REGTYPE, "")))
    assert utils.extract_archive(tmp_path / "a.tar.gz", tmp_path / "out") == str(tmp_path / "out")
    assert (tmp_path / "out" / "d" / "f").read_bytes() == b"data"
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("e/f", b"zipped")
    utils.extract_archive(tmp_path / "b.zip", remove_finished=True)
    assert (tmp_path / "e" / "f").read_bytes() == b"zipped" and not (tmp_path / "b.zip").exists()
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"text"))
    assert utils.extract_archive(tmp_path / "c.txt.gz") == str(tmp_path / "c.txt") and (tmp_path / "c.txt").read_bytes() == b"text"
    with pytest.raises(RuntimeError, match="Unknown compression or archive type: '.rar'"):
        utils.extract_archive(tmp_path / "d.rar")
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("../out2", b"x")
    with pytest.raises(RuntimeError, match="outside of the folder"):
        utils.extract_archive(tmp_path / "e.zip", tmp_path / "out")


def test_verify_str_arg():
    assert utils.verify_str_arg("a", "split", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="Unknown value 'c' for argument split. Valid values are {'a', 'b'}."):
        utils.verify_str_arg("c", "split", ("a", "b"))
    with pytest.raises(ValueError, match="Expected type str"):
        utils.verify_str_arg(1, "split")
