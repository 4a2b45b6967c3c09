"""Which pictures are taken, how they come out, and which are refused before they are decoded."""

import base64
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from av.codec import CodecContext

from engine.errors import PictureError
from engine.media.picture import LARGEST_PIXELS, decode_picture, read_picture
from engine.model.picture import PictureColour

CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUV"
    "FQwPFxgWFBgSFBUU/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIB"
    "AwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZH"
    "SElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV"
    "1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD48r9U6/VOvSK//9k="
)


def encoded(codec, array, pix_fmt, source="rgb24"):
    context = CodecContext.create(codec, "w")
    frame = av.VideoFrame.from_ndarray(array, format=source).reformat(format=pix_fmt)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, pix_fmt
    context.time_base = Fraction(1, 25)
    packets = list(context.encode(frame)) + list(context.encode(None))
    return b"".join(bytes(packet) for packet in packets)


def corner(width=24, height=16):
    """A black picture whose top left corner is red."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:8, :8] = (255, 0, 0)
    return picture


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def exif(orientation):
    return b"II*\0" + struct.pack("<IH HHIHH I", 8, 1, 274, 3, 1, orientation, 0, 0)


def with_orientation(codec, data, orientation):
    if codec == "png":
        return data[:33] + png_chunk(b"eXIf", exif(orientation)) + data[33:]
    body = b"Exif\0\0" + exif(orientation)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.mark.parametrize(("codec", "pix_fmt"), [("png", "rgb24"), ("mjpeg", "yuvj444p"), ("tiff", "rgb24")])
def test_colours_survive(codec, pix_fmt):
    picture = decode_picture(encoded(codec, corner(), pix_fmt), "a picture")
    assert picture.rgba.shape == (16, 24, 4)
    assert np.abs(picture.rgba[3, 3].astype(int) - (255, 0, 0, 255)).max() <= 6
    assert picture.rgba[12, 20, :3].max() <= 6


@pytest.mark.parametrize("codec", ["png", "mjpeg"])
@pytest.mark.parametrize(
    ("orientation", "red", "size"),
    [
        (1, "top left", (16, 24)),
        (2, "top right", (16, 24)),
        (3, "bottom right", (16, 24)),
        (4, "bottom left", (16, 24)),
        (5, "top left", (24, 16)),
        (6, "top right", (24, 16)),
        (7, "bottom right", (24, 16)),
        (8, "bottom left", (24, 16)),
    ],
)
def test_exif_orientation_is_applied(codec, orientation, red, size):
    data = encoded(codec, corner(), "rgb24" if codec == "png" else "yuvj444p")
    rgba = decode_picture(with_orientation(codec, data, orientation), "a picture").rgba
    assert rgba.shape[:2] == size
    row = 3 if "top" in red else -4
    column = 3 if "left" in red else -4
    assert rgba[row, column, 0] > 200
    assert (rgba[..., 0] > 128).sum() == 64


def test_sixteen_bits_are_kept():
    deep = np.full((8, 8, 3), 30001, np.uint16)
    rgba = decode_picture(encoded("png", deep, "rgb48be", "rgb48le"), "a picture").rgba
    assert rgba.dtype == np.uint16
    assert rgba[0, 0].tolist() == [30001, 30001, 30001, 65535]


def test_grey_and_its_alpha_are_kept():
    grey = decode_picture(encoded("png", np.full((8, 8), 77, np.uint8), "gray", "gray"), "grey").rgba
    assert grey[0, 0].tolist() == [77, 77, 77, 255]
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[..., :] = (10, 20, 30, 128)
    assert decode_picture(encoded("png", clear, "rgba", "rgba"), "clear").rgba[0, 0].tolist() == [10, 20, 30, 128]


def test_cmyk_is_converted():
    rgba = decode_picture(CMYK_JPEG, "print.jpg").rgba
    assert np.abs(rgba[4, 4].astype(int) - (33, 155, 155, 255)).max() <= 3


def png_saying(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))


def test_a_bomb_is_refused_from_its_header(monkeypatch):
    monkeypatch.setattr(CodecContext, "create", None)
    with pytest.raises(PictureError, match="30000x30000"):
        decode_picture(png_saying(30000, 30000) + png_chunk(b"IEND", b""), "bomb.png")
    assert LARGEST_PIXELS < 30000 * 30000


def test_a_jpeg_with_a_second_larger_size_is_refused():
    data = encoded("mjpeg", corner(), "yuvj444p")
    at = data.index(b"\xff\xc0")
    lie = bytearray(data)
    lie[at + 5 : at + 9] = struct.pack(">HH", 8, 8)
    with pytest.raises(PictureError):
        decode_picture(bytes(lie[: at + 19]) + data[at:], "two sizes.jpg")


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"II*\0", b"RIFF....WEBP", b"hello"]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(PictureError, match=r"x\.png"):
        decode_picture(data, "x.png")


@pytest.mark.parametrize(("codec", "pix_fmt"), [("png", "rgb24"), ("mjpeg", "yuvj444p"), ("tiff", "rgb24")])
def test_a_picture_cut_short_anywhere_is_refused_or_whole(codec, pix_fmt):
    data = encoded(codec, np.random.default_rng(3).integers(0, 255, (16, 24, 3)).astype(np.uint8), pix_fmt)
    refused = 0
    for length in range(0, len(data), max(1, len(data) // 60)):
        try:
            assert decode_picture(data[:length], "cut").rgba.shape == (16, 24, 4)
        except PictureError:
            refused += 1
    assert refused > 10


def test_bytes_flipped_at_random_never_escape_as_another_error():
    rng = np.random.default_rng(5)
    originals = [
        encoded("png", corner(), "rgb24"),
        encoded("mjpeg", corner(), "yuvj444p"),
        encoded("tiff", corner(), "rgb24"),
    ]
    outcomes = set()
    for data in originals:
        for _ in range(150):
            damaged = bytearray(data)
            for _ in range(3):
                damaged[rng.integers(len(damaged))] = rng.integers(256)
            try:
                decode_picture(bytes(damaged), "damaged")
                outcomes.add("decoded")
            except PictureError:
                outcomes.add("refused")
    assert outcomes == {"decoded", "refused"}


def test_a_profile_names_its_space():
    def profile(green):
        tags = struct.pack(">I4sII", 1, b"gXYZ", 144, 20)
        body = b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in green))
        return (b"\0" * 16 + b"RGB " + b"\0" * 108)[:128] + tags + body

    data = encoded("png", corner(), "rgb24")
    for green, colour in [
        ((0.3851, 0.7169, 0.0971), PictureColour.SRGB),
        ((0.2920, 0.6922, 0.0419), PictureColour.DISPLAY_P3),
        ((0.2053, 0.6257, 0.0609), PictureColour.ADOBE_RGB),
    ]:
        chunk = png_chunk(b"iCCP", b"name\0\0" + zlib.compress(profile(green)))
        assert decode_picture(data[:33] + chunk + data[33:], "profiled").colour is colour


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PictureError, match=r"nowhere\.png"):
        read_picture(tmp_path / "nowhere.png")


def test_a_file_is_read(tmp_path):
    path = tmp_path / "corner.png"
    path.write_bytes(encoded("png", corner(), "rgb24"))
    np.testing.assert_array_equal(read_picture(path).rgba[..., :3], corner())
