"""Make films that something happened to after they were recorded: a folder for `python -m tests.corpus`.

    python -m tests.corpus.worn_films DIR

Joined from recordings of other settings, trimmed without being encoded anew, hit by wrong bits, cut off, with boxes
that other programs leave behind. Made with the `ffmpeg` command from a few small films.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.corpus.odd_films import make

_SIZES = ((320, 180), (640, 360))
_X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
_SETTINGS = (
    "keyint=25:bframes=3",
    "keyint=12:bframes=0:ref=4:cabac=0",
    "keyint=50:bframes=2:b-pyramid=none:ref=2",
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.worn_films", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        parts = [_recording(Path(made) / f"{n}.mp4", settings) for n, settings in enumerate(_SETTINGS)]
        wide = _recording(Path(made) / "wide.mp4", _SETTINGS[0], _SIZES[1])
        whole = _recording(Path(made) / "whole.mp4", _SETTINGS[0], seconds=4)
        for suffix in (".mp4", ".mkv", ".ts"):
            _joined(parts, folder / f"joined{suffix}")
            _joined([parts[0], wide], folder / f"grows{suffix}")
            _copied(whole, folder / f"trimmed{suffix}", "-ss", "0.5")
            _copied(whole, folder / f"kept{suffix}")
            _worn(folder / f"kept{suffix}", folder / f"hit{suffix}", _hit(20))
            _worn(folder / f"kept{suffix}", folder / f"cut_off{suffix}", lambda data: data[: len(data) * 6 // 10])
        front = _copied(whole, folder / "front.mp4", "-movflags", "faststart")
        _copied(whole, folder / "fragmented.mp4", "-movflags", "frag_keyframe+empty_moov")
        _worn(front, folder / "to_the_end.mp4", _with_open_end)
        _worn(front, folder / "garbage_behind.mp4", lambda data: data + random.Random(1).randbytes(5000))
        _worn(front, folder / "no_sync_table.mp4", lambda data: data.replace(b"stss", b"free"))
        _worn(front, folder / "foreign_boxes.mp4", lambda data: data + _box(b"free", 992) + _box(b"uuid", 32))
    return 0


def _recording(path: Path, settings: str, size: tuple[int, int] = _SIZES[0], seconds: int = 2) -> Path:
    picture = f"testsrc2=size={size[0]}x{size[1]}:rate=25:duration={seconds},noise=alls=12:allf=t"
    tone = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
    sources = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone]
    return _made(path, [*sources, *_X264, "-x264-params", settings, "-c:a", "aac", "-b:a", "64k"])


def _joined(parts: list[Path], path: Path) -> Path:
    listed = parts[0].with_suffix(".txt")
    listed.write_text("".join(f"file '{part}'\n" for part in parts))
    return _made(path, ["-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy"])


def _copied(source: Path, path: Path, *options: str) -> Path:
    before = options if "-ss" in options else ()
    behind = () if before else options
    return _made(path, [*before, "-i", str(source), "-c", "copy", *behind])


def _made(path: Path, arguments: list[str]) -> Path:
    left_out = make(path, arguments)
    if left_out:
        raise SystemExit(f"{path.name}: {left_out}")
    return path


def _worn(source: Path, path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(source.read_bytes()))


def _hit(bits: int) -> Callable[[bytes], bytes]:
    def hit(data: bytes) -> bytes:
        chance, worn = random.Random(3), bytearray(data)
        for _ in range(bits):
            worn[chance.randrange(len(worn) // 10, len(worn) * 8 // 10)] ^= 1 << chance.randrange(8)
        return bytes(worn)

    return hit


def _with_open_end(data: bytes) -> bytes:
    """Give the last box, the media data, no size: it reaches to the end of the file (ISO/IEC 14496-12 4.2)."""
    at = data.index(b"mdat") - 4
    return data[:at] + struct.pack(">I", 0) + data[at + 4 :]


def _box(kind: bytes, size: int) -> bytes:
    return struct.pack(">I", 8 + size) + kind + bytes(size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
