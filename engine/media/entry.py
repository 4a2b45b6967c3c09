"""The first copied picture behind a re-encoded run: what must change in it so that it stands on its own."""

from __future__ import annotations

from engine.media.bitstream import av1, hevc, mpeg2, mpeg4
from engine.model.frame_index import UnitKind


def standing_alone(codec: str, unit: bytes, extradata: bytes) -> bytes:
    """Return an entry whose leading pictures are gone.

    HEVC: a CRA becomes a BLA_N_LP (H.265 7.4.2.2), so that a decoder starts anew and expects no leading pictures.
    MPEG-2: its group is closed (ISO/IEC 13818-2 6.3.8). Others are right as they are.
    """
    if codec == "hevc" and hevc.unit_kind(unit, hevc.framing(extradata)) is UnitKind.CRA:
        return hevc.cra_to_bla(unit, hevc.framing(extradata))
    if codec in ("mpeg1video", "mpeg2video"):
        return mpeg2.with_closed_group(unit)
    return unit


def with_lost_leading(codec: str, unit: bytes) -> bytes:
    """Return an entry whose leading pictures follow it and cannot be decoded, so that no decoder tries.

    MPEG-2: its group is open and its link broken (6.3.8). In others a decoder knows by itself.
    """
    return mpeg2.with_broken_link(unit) if codec in ("mpeg1video", "mpeg2video") else unit


def with_header(codec: str, unit: bytes, header: bytes) -> bytes:
    """Return an entry that brings its stream's own header, where the run before it brought another.

    Args:
        codec: FFmpeg's name.
        unit: an entry.
        header: the sequence header (AV1: the OBU; MPEG-1/2: with its extensions; MPEG-4: the layer's headers).
    """
    match codec:
        case "mpeg1video" | "mpeg2video":
            return unit if mpeg2.sequence_bytes(unit) is not None else header + unit
        case "mpeg4":
            return unit if mpeg4.header_bytes(unit) else header + unit
        case "av1":
            return av1.with_sequence_header(unit, header)
        case _:
            return unit
