"""Pictures and requests that a patch cannot use, or only just: from the command line."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.moving_textures import HEIGHT, WIDTH


def png(path: Path, rgba: np.ndarray) -> Path:
    cv2.imwrite(str(path), rgba)
    return path


def turned_jpeg(path: Path) -> Path:
    """A JPEG that lies on its side: left half black, right half white, to be turned by 90 degrees."""
    side = np.zeros((40, 60, 3), np.uint8)
    side[:, 30:] = 255
    _, data = cv2.imencode(".jpg", side)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    raw = data.tobytes()
    path.write_bytes(raw[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + raw[2:])
    return path


def test_pictures_of_any_kind_are_placed(project, run, tmp_path):
    rng = np.random.default_rng(5)
    kinds = {
        "another size": png(tmp_path / "size.png", rng.integers(0, 255, (11, 300, 3), np.uint8)),
        "alpha": png(tmp_path / "alpha.png", rng.integers(0, 255, (30, 30, 4), np.uint8)),
        "16 bits": png(tmp_path / "deep.png", rng.integers(0, 65535, (30, 30, 3)).astype(np.uint16)),
        "turned": turned_jpeg(tmp_path / "turned.jpg"),
    }
    for number, (kind, image) in enumerate(kinds.items()):
        where = ("--frames", f"{number}:{number + 1}", "--roi", "0.3,0.3,0.6,0.6")
        assert run("patch", project, *where, "--tool", "image", "--image", image)[0] == 0, kind
        status, facts, _ = run("compare", project, "--frame", number, "-o", tmp_path / f"kind{number}")
        assert (status, facts["pixels_changed_outside"]) == (0, 0), kind
    after = cv2.imread(facts["files"]["after"], 0)
    top, bottom = after[int(0.37 * HEIGHT), int(0.45 * WIDTH)], after[int(0.53 * HEIGHT), int(0.45 * WIDTH)]
    assert top < 60
    assert bottom > 200


WRONG = {
    "a region off the frame": (("--roi", "1.2,0.2,1.5,0.5", "--tool", "blur"), "outside the picture"),
    "a window without an anchor": (("--window", "3:3", "--roi", "0,0,1,1", "--tool", "blur"), "--anchor"),
    "frames past the clip": (("--frames", "30:90", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur"), "30:90"),
    "an anchor past the clip": (("--anchor", "99", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur"), "99"),
    "an anchor outside the frames": (
        ("--frames", "2:6", "--anchor", "9", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur"),
        "anchor frame 9",
    ),
    "an option of another tool": (
        ("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur", "--text", "x"),
        "--text is for --tool text",
    ),
    "no place to clone from": (("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "clone"), "--from"),
    "a clone from beyond the film": (
        ("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "heal", "--from-frame", "500"),
        "no frame 502",
    ),
    "no words": (("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "text", "--text", " "), "--text"),
    "a font that is none": (
        (
            "--anchor",
            "4",
            "--roi",
            "0.2,0.2,0.4,0.4",
            "--tool",
            "text",
            "--text",
            "x",
            "--font",
            "/no/such.ttf",
            "--follow",
            "planar",
        ),
        "no/such.ttf",
    ),
    "no image": (("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "image"), "--image"),
    "strokes without refining": (
        ("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur", "--keep", "0.3,0.3"),
        "--edge refine",
    ),
    "the whole picture removed": (
        ("--anchor", "4", "--window", "1:1", "--roi", "0,0,1,1", "--tool", "remove", "--follow", "planar"),
        "no background",
    ),
    "further anchors of one that stays": (
        ("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur", "--also", "3:0.2,0.2,0.4,0.4"),
        "--follow",
    ),
    "a take with a place": (("--take-of", "1", "--roi", "0.2,0.2,0.4,0.4", "--tool", "blur"), "--take-of"),
    "a take of no patch": (("--take-of", "7", "--tool", "blur"), "no patch '7'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_saved(name, project, run):
    arguments, message = WRONG[name]
    status, _, err = run("patch", project, *arguments)
    assert status in (2, 3)
    assert message in err
    assert "Traceback" not in err
    assert run("takes", project, "list")[1]["patches"] == []


@pytest.mark.parametrize("kind", ["huge", "text", "gone"])
def test_images_that_cannot_be_used_are_refused(kind, project, run, tmp_path):
    image = tmp_path / "image.png"
    if kind == "huge":

        def chunk(name, body):
            return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

        header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
        image.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)))
    elif kind == "text":
        image.write_text("no picture at all")
    where = ("--frames", "2:6", "--roi", "0.2,0.2,0.4,0.4")
    status, _, err = run("patch", project, *where, "--tool", "image", "--image", image)
    assert status == 3
    assert "image.png" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pick",), "takes pick needs the take"),
        (("pick", "3.1"), "no patch '3'"),
        (("reject", "1.1"), "--reason"),
        (("export",), "-o DIR"),
        (("list", "1.1"), "--patch"),
        (("show", "1.1", "--reason", "x"), "takes reject"),
    ],
)
def test_wrong_use_of_takes_is_named(arguments, message, project, run):
    status, _, err = run("takes", project, *arguments)
    assert status == 2
    assert message in err


def test_a_frame_that_is_not_there_cannot_be_compared(project, run, tmp_path):
    status, _, err = run("compare", project, "--frame", 99, "-o", tmp_path / "none")
    assert status == 2
    assert "0:36" in err
