"""Films with properties that no encoder here gives, and what plain FFmpeg makes of a film."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from engine.control import CancelToken, Progress
from engine.index.frame_index import build_index
from engine.media.decode import FrameReader
from engine.media.probe import probe
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo


def indexed(path: Path) -> tuple[MediaInfo, FrameIndex]:
    """Probe a film and build its index."""
    info = probe(path)
    return info, build_index(path, info, Progress(), CancelToken())


def reader(path: Path) -> FrameReader:
    """Open a film for reading its frames."""
    return FrameReader(path, *indexed(path))


def digest(frame: VideoFrame) -> str:
    """Return a digest of a frame's visible pixels."""
    hasher = hashlib.blake2b(digest_size=12)
    wide = 1 + (max(component.bits for component in frame.format.components) > 8)
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        hasher.update(np.ascontiguousarray(rows[: plane.height, : plane.width * wide]))
    return hasher.hexdigest()


def linear(path: Path, stream: int = 0, most: int = 1 << 30) -> list[tuple[int | None, str]]:
    """Return (pts, digest) of the first frames that plain FFmpeg shows, decoding from the start."""
    shown: list[tuple[int | None, str]] = []
    with av.open(str(path)) as container:
        video = container.streams[stream]
        video.thread_type = "AUTO"
        for packet in container.demux(video):
            try:
                shown += [(frame.pts, digest(frame)) for frame in video.codec_context.decode(packet)]
            except av.error.InvalidDataError:
                continue
            if len(shown) >= most:
                break
    return shown[:most]


def with_edit_list(source: Path, target: Path, edits: Sequence[tuple[int, int]]) -> Path:
    """Write an MP4 whose first track has the edits (duration in movie ticks, media time); its moov must stand last."""
    data = source.read_bytes()
    at, size = _find(data, b"moov")
    assert at + size == len(data)
    moov = data[at + 8 :]
    track_at, track_size = _find(moov, b"trak")
    track = moov[track_at + 8 : track_at + track_size]
    if b"edts" in track:
        old, old_size = _find(track, b"edts")
        track = track[:old] + track[old + old_size :]
    rows = b"".join(struct.pack(">Iii", duration, time, 0x10000) for duration, time in edits)
    header_end = sum(_find(track, b"tkhd"))
    edts = _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(edits)) + rows))
    track = track[:header_end] + edts + track[header_end:]
    moov = moov[:track_at] + _box(b"trak", track) + moov[track_at + track_size :]
    target.write_bytes(data[:at] + _box(b"moov", moov))
    return target


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _find(data: bytes, wanted: bytes) -> tuple[int, int]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == wanted:
            return at, size
        at += size
    raise KeyError(wanted)


def field_film(path: Path, frames: int = 18, gop: int = 6) -> Path:
    """Write H.264 in which each field of a frame is a picture and a packet of its own (PAFF), 16x32 at 25 frames/s.

    The pictures are I_PCM macroblocks, so a bit writer is all the encoder there is (H.264 7.3).
    """
    fields = [_field(n, gop, bottom=bottom) for n in range(frames) for bottom in (0, 1)]
    raw = path.with_suffix(".h264")
    raw.write_bytes(b"".join(fields))
    with av.open(str(raw), format="h264") as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.time_base = Fraction(1, 90000)
        for n, data in enumerate(fields):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 90000)
            packet.pts = packet.dts = n * 1800
            packet.duration = 1800
            packet.is_keyframe = n % (2 * gop) == 0
            out.mux(packet)
    raw.unlink()
    return path


def _field(frame: int, gop: int, *, bottom: int) -> bytes:
    in_gop = frame % gop
    idr = in_gop == 0 and not bottom
    slice_ = _Bits().ue(0).ue(7).ue(0).u(4, in_gop).u(1, 1).u(1, bottom)
    if idr:
        slice_.ue(frame // gop % 2)
    slice_.u(8, in_gop * 2 + bottom).u(2 if idr else 1, 0).ue(0)
    slice_.ue(25).pcm(bytes(1 + (frame * 5 + bottom * 2 + i * 7) % 250 for i in range(384)))
    access_unit = b"\0\0\0\1\x09\x10"
    if idr:
        sps = _Bits().u(8, 77).u(8, 0).u(8, 20).ue(0).ue(0).ue(0).ue(4).ue(1).u(1, 0).ue(0).ue(0)
        sps.u(2, 0).u(1, 1).u(2, 0)  # fields allowed, no MBAFF; direct_8x8_inference; no cropping, no VUI
        pps = _Bits().ue(0).ue(0).u(2, 0).ue(0).ue(0).ue(0).u(3, 0).ue(0).ue(0).ue(0).u(3, 0)
        access_unit += sps.nal(0x67) + pps.nal(0x68)
    return access_unit + slice_.nal(0x65 if idr else 0x61)


class _Bits:
    def __init__(self) -> None:
        self._bits = ""

    def u(self, count: int, value: int) -> _Bits:
        self._bits += format(value, f"0{count}b")
        return self

    def ue(self, value: int) -> _Bits:
        code = format(value + 1, "b")
        self._bits += "0" * (len(code) - 1) + code
        return self

    def pcm(self, samples: bytes) -> _Bits:
        self._bits += "0" * (-len(self._bits) % 8) + "".join(format(sample, "08b") for sample in samples)
        return self

    def nal(self, header: int) -> bytes:
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        out, zeros = bytearray([header]), 0
        for byte in int(bits, 2).to_bytes(len(bits) // 8, "big"):
            if zeros >= 2 and byte <= 3:
                out.append(3)
                zeros = 0
            out.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes(out)


def with_hidden_frames(source: Path, target: Path, numbers: Sequence[int]) -> Path:
    """Write a VP8 film with some frames' show_frame bit cleared (RFC 6386 9.1), as alternate reference frames' are."""
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        stream = film.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for number, packet in enumerate(p for p in film.demux(stream) if p.size):
            data = bytearray(bytes(packet))
            if number in numbers:
                data[0] &= ~0x10
            new = av.Packet(bytes(data))
            new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
            new.stream, new.is_keyframe = copy, packet.is_keyframe
            out.mux(new)
    return target
