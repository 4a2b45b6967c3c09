"""Sample entries: what `stsd` says a track's samples are, and where it keeps the decoder's configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.media.mp4.boxes import Box, Malformed, boxes_between

_VISUAL_FIELDS = 78
"""Bytes between the header of a visual sample entry and its boxes (ISO/IEC 14496-12, 12.1.3)."""

CONFIGURATIONS = (b"avcC", b"hvcC", b"vvcC", b"av1C", b"esds")
"""Boxes whose payload holds what FFmpeg calls extradata; `esds` wraps it in descriptors."""

_PROTECTED = (b"encv", b"enca", b"enct", b"encs", b"drmi", b"drms", b"drmt")
"""Common encryption (ISO/IEC 14496-12, 8.12) and FairPlay."""


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """A sample entry.

    Attributes:
        kind: four-character code, e.g. b"avc1".
        box: the entry, in `Movie.moov`.
        data: its bytes with the header.
        configuration: the box of CONFIGURATIONS inside it, in `Movie.moov`; None where it has none.
        extradata: the decoder's configuration as FFmpeg gives it; empty where the entry has none.
    """

    kind: bytes
    box: Box
    data: bytes = field(repr=False)
    configuration: Box | None
    extradata: bytes = field(repr=False)

    @property
    def encrypted(self) -> bool:
        """Whether its samples are encrypted."""
        return self.kind in _PROTECTED


def sample_entries(moov: bytes, stsd: Box) -> tuple[SampleEntry, ...]:
    """Read the entries of `stsd` (ISO/IEC 14496-12, 8.5.2)."""
    declared = int.from_bytes(moov[stsd.body + 4 : stsd.body + 8], "big")
    entries: list[SampleEntry] = []
    for box in boxes_between(moov, stsd.body + 8, stsd.stop):
        if len(entries) == declared:
            break
        configuration = _configuration(moov, box)
        extradata = b""
        if configuration is not None:
            payload = moov[configuration.body : configuration.stop]
            extradata = decoder_specific_info(payload) if configuration.kind == b"esds" else payload
        entries.append(SampleEntry(box.kind, box, moov[box.start : box.stop], configuration, extradata))
    return tuple(entries)


def decoder_specific_info(esds: bytes) -> bytes:
    """Return the DecoderSpecificInfo of an `esds` payload, empty where there is none."""
    spans = descriptor_spans(esds)
    return esds[spans[2].payload : spans[2].stop] if spans else b""


@dataclass(frozen=True, slots=True)
class Span:
    """A descriptor: where its tag, its payload and what follows it begin."""

    start: int
    payload: int
    stop: int


def descriptor_spans(esds: bytes) -> tuple[Span, Span, Span] | None:
    """Find the ES, DecoderConfig and DecoderSpecificInfo descriptors of an `esds` payload (ISO/IEC 14496-1, 7.2.6).

    Each lies in the one before it. None where one is missing.
    """
    stream = _descriptor(esds, 4, len(esds), 0x03)
    if stream is None:
        return None
    config = _descriptor(esds, stream.payload + _es_fields(esds, stream.payload), stream.stop, 0x04)
    if config is None:
        return None
    info = _descriptor(esds, config.payload + 13, config.stop, 0x05)
    return (stream, config, info) if info is not None else None


def _es_fields(esds: bytes, payload: int) -> int:
    """Return the bytes of an ES descriptor before its sub-descriptors."""
    flags = esds[payload + 2] if payload + 2 < len(esds) else 0
    url = 1 + esds[payload + 3] if flags & 0x40 and payload + 3 < len(esds) else 0
    return 3 + (2 if flags & 0x80 else 0) + url + (2 if flags & 0x20 else 0)


def _descriptor(esds: bytes, at: int, stop: int, wanted: int) -> Span | None:
    """Find a descriptor by its tag among those between two offsets."""
    while at + 2 <= stop:
        start, tag = at, esds[at]
        length = 0
        at += 1
        for _ in range(4):
            if at >= stop:
                return None
            octet = esds[at]
            length = length << 7 | octet & 0x7F
            at += 1
            if not octet & 0x80:
                break
        if tag == wanted:
            return Span(start, at, min(stop, at + length))
        at += length
    return None


def _configuration(moov: bytes, entry: Box) -> Box | None:
    """Find the configuration box of a visual sample entry."""
    try:
        inside = list(boxes_between(moov, entry.body + _VISUAL_FIELDS, entry.stop))
    except Malformed:
        # Not a visual entry, or trailing bytes that are no box: without a configuration that can be trusted.
        return None
    return next((box for box in inside if box.kind in CONFIGURATIONS), None)
