"""H.264 packets: what picture they hold, whether a decoder may start there, which parameter sets they carry.

Clauses are those of ITU-T H.264 (08/2021). Parameter sets are read in h264_sets, the avcC in avcc.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from engine.errors import DamagedMedia
from engine.media.bitstream import avcc, nal, sei
from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.facts import UNKNOWN, Structure, UnitFacts
from engine.media.bitstream.h264_sets import NO_SETS, PPS_IDS, SPS_IDS, ParameterSets, pps_ids_of, sps_id_of
from engine.media.bitstream.nal import Framing
from engine.model.frame_index import UnitKind

NAL_SLICE = 1
NAL_PARTITION_A = 2
NAL_IDR = 5
NAL_SEI = 6
NAL_SPS = avcc.NAL_SPS
NAL_PPS = avcc.NAL_PPS
NAL_AUD = 9

SLICES = (NAL_SLICE, NAL_PARTITION_A, NAL_IDR)
_I_SLICES = (2, 4, 7, 9)
_ALL_I = (7, 9)
# first_mb_in_slice, slice_type, pps id, frame_num and the field flags take at most 3 * 65 + 20 bits.
_SLICE_HEAD_BYTES = 32


@dataclass(frozen=True, slots=True)
class SliceHead:
    """The start of a slice header (7.3.3).

    Attributes:
        slice_type: 0 to 9; 5 to 9 promise that every slice of the picture is of the type 5 less (Table 7-6).
        frame_num: None where the SPS, which gives its length, is not known.
        structure: FRAME where the SPS is not known.
    """

    reference: bool
    idr: bool
    first_mb: int
    slice_type: int
    pps_id: int
    frame_num: int | None
    structure: Structure


def slice_head(unit: bytes, sets: ParameterSets) -> SliceHead:
    """Read the start of a slice's header from its NAL unit or the first 32 bytes of it.

    Raises:
        DamagedMedia: it ends early or holds a value that no stream can have.
    """
    reader = BitReader(nal.unescaped(unit[:_SLICE_HEAD_BYTES]))
    header = reader.bits(8)
    first_mb, slice_type, pps_id = reader.ue(), reader.ue(), reader.ue()
    if slice_type > 9 or pps_id >= PPS_IDS:
        raise DamagedMedia(f"no slice header: slice type {slice_type}, picture parameter set {pps_id}")
    frame_num, structure = None, Structure.FRAME
    if (sps := sets.sps_of(pps_id)) is not None:
        if sps.separate_planes:
            reader.skip(2)
        frame_num = reader.bits(sps.frame_num_bits)
        if not sps.frame_mbs_only and reader.flag():
            structure = Structure.BOTTOM_FIELD if reader.flag() else Structure.TOP_FIELD
    idr = header & 31 == NAL_IDR
    return SliceHead(header & 0x60 != 0, idr, first_mb, slice_type, pps_id, frame_num, structure)


def facts(packet: bytes, framing: Framing, sets: ParameterSets) -> UnitFacts:
    """Say what the packet, or its first bytes up to its first slice, holds.

    Args:
        packet: an access unit; both fields of a frame may stand in it.
        framing: how its NAL units are separated.
        sets: the stream's; those in the packet are added. Where the slice's are not known, a field looks like a frame.
    """
    recovery = False
    sps: list[bytes] = []
    pps: list[bytes] = []
    for start in nal.starts(packet, framing):
        kind = packet[start] & 31
        if kind in SLICES:
            return _slice_facts(packet, start, framing, sets.updated(sps, pps) if sps or pps else sets, recovery)
        if kind == NAL_SEI:
            recovery = recovery or recovery_point(nal.unit_at(packet, start, framing)) is not None
        elif kind == NAL_SPS:
            sps.append(nal.unit_at(packet, start, framing))
        elif kind == NAL_PPS:
            pps.append(nal.unit_at(packet, start, framing))
    return UNKNOWN


def unit_kind(packet: bytes, framing: Framing) -> UnitKind:
    """Return IDR, RECOVERY, INTRA or OTHER."""
    return facts(packet, framing, NO_SETS).kind


def recovery_point(unit: bytes) -> int | None:
    """Return recovery_frame_cnt of a recovery point message in the SEI unit, None where it has none (D.2.8)."""
    for kind, payload in sei.messages(unit, 1):
        if kind == sei.RECOVERY_POINT:
            try:
                return sei.recovery_frames(payload)
            except DamagedMedia:
                return None
    return None


@lru_cache(maxsize=8)
def stream(extradata: bytes) -> tuple[Framing, ParameterSets]:
    """Return the framing and the parameter sets of a stream; sets that cannot be read are passed over.

    Raises:
        DamagedMedia: the avcC's length size is not allowed.
    """
    framing = avcc.framing(extradata)
    try:
        sps, pps = avcc.sets_of(extradata)
    except DamagedMedia:
        return framing, NO_SETS
    return framing, NO_SETS.updated(sps, pps)


def encoder_settings(packets: Iterable[bytes], framing: Framing) -> dict[str, str]:
    """Return the settings that x264 left in the packets (see sei.encoder_settings); empty where there are none."""
    return sei.encoder_settings(
        (
            packet[start:stop]
            for packet in packets
            for start, stop in nal.spans(packet, framing)
            if packet[start] & 31 == NAL_SEI
        ),
        1,
    )


def used_ids(extradata: bytes, packets: Iterable[bytes]) -> tuple[frozenset[int], frozenset[int]]:
    """Return the SPS and PPS ids that the extradata or parameter sets within the packets take.

    Sets that cannot be read are passed over.
    """
    framing, _ = stream(extradata)
    try:
        sps, pps = (list(units) for units in avcc.sets_of(extradata))
    except DamagedMedia:
        sps, pps = [], []
    for packet in packets:
        for start, stop in nal.spans(packet, framing):
            kind = packet[start] & 31
            if kind == NAL_SPS:
                sps.append(packet[start:stop])
            elif kind == NAL_PPS:
                pps.append(packet[start:stop])
    sps_ids, pps_ids = set(), set()
    for unit in dict.fromkeys(sps):
        try:
            sps_ids.add(sps_id_of(unit))
        except DamagedMedia:
            continue
    for unit in dict.fromkeys(pps):
        try:
            pps_ids.add(pps_ids_of(unit)[0])
        except DamagedMedia:
            continue
    return frozenset(sps_ids), frozenset(pps_ids)


def free_id(extradata: bytes, packets: Iterable[bytes]) -> int | None:
    """Return the lowest id that neither an SPS nor a PPS of the stream takes, None where all are taken.

    One number for both, as x264's option sps-id sets both.
    """
    sps_ids, pps_ids = used_ids(extradata, packets)
    return next((number for number in range(SPS_IDS) if number not in sps_ids | pps_ids), None)


def _slice_facts(packet: bytes, start: int, framing: Framing, sets: ParameterSets, recovery: bool) -> UnitFacts:
    try:
        head = slice_head(packet[start : start + _SLICE_HEAD_BYTES], sets)
    except DamagedMedia:
        return UNKNOWN
    structure = head.structure
    if structure is not Structure.FRAME and any(
        other.structure is not structure for other in _slice_heads(packet, framing, sets)
    ):
        structure = Structure.FRAME
    if head.idr:
        kind = UnitKind.IDR
    elif recovery:
        kind = UnitKind.RECOVERY
    elif head.slice_type in _ALL_I or (
        head.slice_type in _I_SLICES
        and all(other.slice_type in _I_SLICES for other in _slice_heads(packet, framing, sets))
    ):
        kind = UnitKind.INTRA
    else:
        kind = UnitKind.OTHER
    return UnitFacts(kind, structure=structure, number=head.frame_num)


def _slice_heads(packet: bytes, framing: Framing, sets: ParameterSets) -> Iterator[SliceHead]:
    for start in nal.starts(packet, framing):
        if packet[start] & 31 in SLICES:
            try:
                yield slice_head(packet[start : start + _SLICE_HEAD_BYTES], sets)
            except DamagedMedia:
                return
