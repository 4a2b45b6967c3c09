"""Bad files made from good ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import av
from av.packet import Packet


def truncated(source: Path, target: Path, *, share: float = 0.5) -> Path:
    """Write the first part of a file."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def empty(target: Path) -> Path:
    """Write a file of no bytes."""
    target.write_bytes(b"")
    return target


def text_named(target: Path) -> Path:
    """Write a text under the name of a film."""
    target.write_text("This is not a film.\n" * 40)
    return target


def without_video(source: Path, target: Path) -> Path:
    """Write the sound of a film alone."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        tracks = {s.index: writer.add_stream_from_template(s) for s in reader.streams.audio}
        for packet in reader.demux(*reader.streams.audio):
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                writer.mux(packet)
    return target


def with_flipped_bytes(source: Path, target: Path, *, seed: int, count: int = 8) -> Path:
    """Write the file with single bits flipped at seeded places."""
    data = bytearray(source.read_bytes())
    chance = random.Random(seed)
    for _ in range(count):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    target.write_bytes(bytes(data))
    return target


def marked_protected(source: Path, target: Path) -> Path:
    """Write an MP4 whose first video sample entry says that it is encrypted with Common Encryption.

    The entry becomes `encv` and gets a `sinf` with `frma`, `schm` cenc and `schi` (ISO/IEC 23001-7 4.2); the sizes of
    the boxes around it grow, and the offsets of the media data behind it. The pictures themselves stay clear.
    """
    data = bytearray(source.read_bytes())
    entry = next(at for kind in (b"avc1", b"hvc1", b"hev1", b"mp4v") if (at := _in_stsd(data, kind)) > 0)
    original = bytes(data[entry : entry + 4])
    schi = _box(b"schi", _box(b"tenc", bytes(6) + b"\x01\x08" + bytes(16)))
    sinf = _box(b"sinf", _box(b"frma", original) + _box(b"schm", bytes(4) + b"cenc" + b"\x00\x01\x00\x00") + schi)
    end = entry - 4 + int.from_bytes(data[entry - 4 : entry], "big")
    data[entry : entry + 4] = b"encv"
    for start in [entry - 4, *_ancestors(data, entry)]:
        size = int.from_bytes(data[start : start + 4], "big") + len(sinf)
        data[start : start + 4] = size.to_bytes(4, "big")
    moov = data.find(b"moov")
    if data.find(b"mdat") > moov:
        _shift_offsets(data, moov, len(sinf))
    data[end:end] = sinf
    target.write_bytes(bytes(data))
    return target


def rewritten(source: Path, target: Path, change: Callable[[list[Packet]], list[Packet]], **options: str) -> Path:
    """Write a film's packets anew, of all tracks in file order, after `change` had its way with the list."""
    kept = {"avoid_negative_ts": "disabled", **options}
    if target.suffix in (".ts", ".m2ts"):
        kept["mpegts_copyts"] = "1"
    with av.open(str(source)) as reader, av.open(str(target), "w", container_options=kept) as writer:
        writer.metadata.update(reader.metadata)
        tracks = {}
        for stream in reader.streams:
            track = tracks[stream.index] = writer.add_stream_from_template(stream, opaque=True)
            track.metadata.update(stream.metadata)
            track.disposition = stream.disposition
            track.time_base = stream.time_base
            if stream.type == "video":
                track.codec_context.framerate = stream.average_rate
                if "mpegts_copyts" in kept:
                    # Else the muxer puts the parameter sets of the extradata in front of keyframes that have none.
                    track.codec_context.extradata = None
        for packet in change([p for p in reader.demux() if p.size]):
            packet.stream = tracks[packet.stream_index]
            writer.mux(packet)
    return target


def replaced(packet: Packet, data: bytes) -> Packet:
    """Return a packet with other bytes and all else the same."""
    copy = Packet(data)
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, packet.stream
    return copy


def _box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def _in_stsd(data: bytearray, kind: bytes) -> int:
    stsd = data.find(b"stsd")
    at = data.find(kind, stsd)
    return at if 0 <= stsd < at < stsd + 64 else -1


def _ancestors(data: bytearray, entry: int) -> list[int]:
    """Return where the boxes around the sample entry start."""
    return [data.rfind(kind, 0, entry) - 4 for kind in (b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov")]


def _shift_offsets(data: bytearray, moov: int, by: int) -> None:
    """Add to every chunk offset of the movie (stco and co64: ISO/IEC 14496-12 8.7.5)."""
    stop = moov - 4 + int.from_bytes(data[moov - 4 : moov], "big")
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        at = data.find(kind, moov, stop)
        while at >= 0:
            count = int.from_bytes(data[at + 8 : at + 12], "big")
            for i in range(count):
                start = at + 12 + i * width
                offset = int.from_bytes(data[start : start + width], "big") + by
                data[start : start + width] = offset.to_bytes(width, "big")
            at = data.find(kind, at + 4, stop)
