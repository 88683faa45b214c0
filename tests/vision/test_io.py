"""Images from and to files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren.vision.io import (
    ImageReadMode,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    decode_webp,
    encode_jpeg,
    encode_png,
    read_file,
    read_image,
    write_file,
    write_jpeg,
    write_png,
)  # fmt: skip

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 5, 6), np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(np.arange(48)[:, None] * 4, np.arange(64) * 3, np.uint8(90))).astype(np.uint8)


def tensor(a):
    return suiren.from_numpy(np.ascontiguousarray(a))


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return tensor(np.frombuffer(file.getvalue(), np.uint8).copy())


@pytest.mark.parametrize("channels", [1, 3])
def test_png_there_and_back(channels, tmp_path):
    image = tensor(PIXELS[:channels])
    write_png(image, tmp_path / "x.png", compression_level=9)
    assert np.array_equal(read_image(tmp_path / "x.png").numpy(), image.numpy()) and read_image(str(tmp_path / "x.png")).dtype is suiren.uint8
    assert np.array_equal(decode_png(encode_png(image)).numpy(), image.numpy()) and np.array_equal(decode_image(tmp_path / "x.png").numpy(), image.numpy())


def test_jpeg_there_and_back(tmp_path):
    image = tensor(SMOOTH)
    write_jpeg(image, tmp_path / "x.jpg", quality=95)
    found = read_image(tmp_path / "x.jpg").numpy().astype(int)
    assert np.abs(found - SMOOTH).max() < 12 and np.abs(found - SMOOTH).mean() < 2
    both = decode_jpeg(encode_jpeg([image, image[:1]], quality=90))
    assert [tuple(x.shape) for x in both] == [(3, 48, 64), (1, 48, 64)]


def test_modes():
    image = Image.fromarray(PIXELS.transpose(1, 2, 0))
    data = encoded(image, format="PNG")
    for mode, channels in (("RGB", 3), (ImageReadMode.GRAY, 1), ("gray_alpha", 2), (ImageReadMode.RGBA, 4), ("UNCHANGED", 3)):
        assert tuple(decode_image(data, mode).shape) == (channels, 5, 6)
    assert tuple(decode_png(encoded(image.convert("LA"), format="PNG")).shape) == (2, 5, 6)
    assert tuple(decode_png(encoded(image.convert("P"), format="PNG")).shape) == (3, 5, 6)
    assert decode_png(encoded(image.convert("1"), format="PNG")).unique().tolist() == [0, 255]
    assert np.array_equal(decode_webp(encoded(image, format="WEBP", lossless=True)).numpy(), PIXELS)


def test_gifs():
    frames = [Image.new("RGB", (4, 3), (i * 80, 0, 0)) for i in range(3)]
    one, many = encoded(frames[0], format="GIF"), encoded(frames[0], format="GIF", save_all=True, append_images=frames[1:])
    assert tuple(decode_gif(one).shape) == (3, 3, 4) and tuple(decode_image(many).shape) == (3, 3, 3, 4)
    assert decode_gif(many)[:, 0, 0, 0].tolist() == [0, 80, 160]


def test_photographs_that_lie_on_their_side():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    data = encoded(Image.fromarray(SMOOTH.transpose(1, 2, 0)), format="JPEG", exif=exif)
    assert tuple(decode_jpeg(data).shape) == (3, 48, 64) and tuple(decode_image(data, apply_exif_orientation=True).shape) == (3, 64, 48)


def test_files(tmp_path):
    write_file(tmp_path / "x", tensor(np.arange(9, dtype=np.uint8)))
    assert read_file(tmp_path / "x").tolist() == list(range(9))


@pytest.mark.parametrize(
    "attempt,error,match",
    [
        (lambda: read_image("/nowhere/x.png"), RuntimeError, r"\[Errno 2\] No such file or directory: '/nowhere/x.png'"),
        (lambda: decode_image(suiren.ones(9, dtype=suiren.uint8)), RuntimeError, "Unsupported image file. Only jpeg, png, webp and gif"),
        (lambda: decode_image(suiren.ones(9)), RuntimeError, "Expected a torch.uint8 tensor, got torch.float32"),
        (lambda: decode_png(suiren.ones(0, dtype=suiren.uint8)), RuntimeError, "must be 1-dimensional and non empty"),
        (lambda: decode_png(encode_jpeg(tensor(PIXELS))), RuntimeError, "Content is not png"),
        (lambda: decode_image(encode_png(tensor(PIXELS))[:60].clone()), RuntimeError, "is damaged"),
        (lambda: decode_png(encoded(Image.new("I;16", (2, 2)), format="PNG")), RuntimeError, "more than 8 bits a channel"),
        (lambda: decode_jpeg([]), ValueError, "at least one element"),
        (lambda: encode_png(suiren.ones(3, 2, 2)), RuntimeError, "dtype should be uint8"),
        (lambda: encode_png(tensor(PIXELS[0])), RuntimeError, "3-dimensional"),
        (lambda: encode_png(tensor(PIXELS[:2])), RuntimeError, "should be 1 or 3, got: 2"),
        (lambda: encode_png(tensor(PIXELS), 10), RuntimeError, "between 0 and 9"),
        (lambda: encode_jpeg(tensor(PIXELS), 0), ValueError, "between 1 and 100"),
        (lambda: write_file("/nowhere", suiren.ones(2)), RuntimeError, "dtype should be uint8"),
    ],
)
def test_bad_input(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()
