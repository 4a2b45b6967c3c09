"""Parameter sets added to a stream: one extradata from which decoders read the source's pictures and the new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.media.bitstream import avcc, h264, hevc, hvcc, nal
from engine.media.bitstream.nal import Framing


def framing(codec: str, extradata: bytes) -> Framing:
    """Return how packets of an H.264 or HEVC stream hold their NAL units.

    Raises:
        DamagedMedia: the extradata's length size is not allowed.
        ValueError: a codec without NAL units.
    """
    match codec:
        case "h264":
            return avcc.framing(extradata)
        case "hevc":
            return hvcc.framing(extradata)
    raise ValueError(f"{codec} has no NAL units")


def units_of(codec: str, extradata: bytes) -> list[bytes]:
    """Return the parameter sets (and what else there is) of an H.264 or HEVC stream's extradata, as NAL units.

    Raises:
        DamagedMedia: it cannot be read.
        ValueError: a codec without NAL units.
    """
    match codec:
        case "h264":
            sps, pps = avcc.sets_of(extradata)
            return [*sps, *pps]
        case "hevc":
            return hvcc.units_of(extradata)
    raise ValueError(f"{codec} has no NAL units")


def units_in(codec: str, packets: Iterable[bytes], framing: Framing) -> list[bytes]:
    """Return the parameter sets that stand within packets of an H.264 or HEVC stream, repeats left out."""
    found: dict[bytes, None] = {}
    for packet in packets:
        for start, stop in nal.spans(packet, framing):
            if _is_set(codec, packet[start]):
                found[packet[start:stop]] = None
    return list(found)


def merged_extradata(codec: str, extradata: bytes, added: Sequence[bytes]) -> bytes:
    """Return the stream's extradata with parameter sets added, in its own form; those it has are not repeated.

    Args:
        codec: "h264" or "hevc"; other codecs have no sets to add.
        extradata: the source's: avcC, hvcC, sets behind start codes, or nothing.
        added: NAL units under ids that are free in the source.

    Raises:
        DamagedMedia: the extradata or an added set cannot be read.
        UnsupportedMedia: the sets cannot share a stream.
        ValueError: sets for a codec that has none.
    """
    if not added:
        return extradata
    present = frozenset(units_of(codec, extradata))
    if codec == "h264" and avcc.is_avcc(extradata):
        sps, pps = avcc.sets_in(added)
        return avcc.merge_avcc(extradata, sps, pps)
    if codec == "hevc" and hvcc.is_hvcc(extradata):
        return hvcc.merge_hvcc(extradata, added)
    return extradata + nal.join((unit for unit in dict.fromkeys(added) if unit not in present), Framing.START_CODES)


def with_sets(codec: str, packet: bytes, framing: Framing, sets: Sequence[bytes]) -> bytes:
    """Return the packet with parameter sets in it, for streams that carry them in band.

    They stand ahead of everything but the access unit delimiter, which has to come first.

    Raises:
        DamagedMedia: the packet cannot be read.
    """
    units = nal.split(packet, framing)
    delimiters = [unit for unit in units if _is_delimiter(codec, unit[0])]
    others = [unit for unit in units if not _is_delimiter(codec, unit[0])]
    return nal.join([*delimiters, *sets, *others], framing)


def _is_delimiter(codec: str, header: int) -> bool:
    return header & 31 == h264.NAL_AUD if codec == "h264" else hevc.nal_type(header) == hevc.NAL_AUD


def _is_set(codec: str, header: int) -> bool:
    if codec == "h264":
        return header & 31 in (h264.NAL_SPS, h264.NAL_PPS)
    return hevc.nal_type(header) in (hevc.NAL_VPS, hevc.NAL_SPS, hevc.NAL_PPS)
