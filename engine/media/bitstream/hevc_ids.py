"""Other ids for an HEVC encoder's parameter sets, so that they can stand beside those of the source.

x265 cannot be told which ids to take: its sets are all number 0, as are most sources'. The sets are rewritten, and in
each slice header the id of its picture parameter set.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import hevc, nal, sei
from engine.media.bitstream.bits import BitReader, BitWriter, completed, ue_length
from engine.media.bitstream.hevc_sets import (
    PPS_IDS,
    SPS_IDS,
    VPS_IDS,
    Sps,
    can_share,
    parse_sps,
    pps_ids_of,
    skip_to_sps_id,
    sps_ids_of,
    vps_id_of,
)
from engine.media.bitstream.nal import Framing, escaped, unescaped

_FIRST_NON_VCL = 32
# 7.3.6.1: types 16 to 23 have no_output_of_prior_pics_flag before the id.
_IRAP = range(16, 24)
# Messages that name a sequence parameter set (D.2.2, D.2.21); they are not needed to decode.
_MESSAGES_WITH_IDS = frozenset({0, 129})


@dataclass(frozen=True, slots=True)
class SetIds:
    """The ids of a video, a sequence and a picture parameter set."""

    vps: int
    sps: int
    pps: int


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How an encoder's packets join a source.

    Attributes:
        ids: what the packets' slices refer to from now on.
        sets: the VPS, SPS and PPS with these ids.
        added: those of them that the source has not.
    """

    ids: SetIds
    sets: tuple[bytes, bytes, bytes]
    added: tuple[bytes, ...]


def adaptation(source: Sequence[bytes], encoder: Sequence[bytes]) -> Adaptation:
    """Choose ids for the encoder's parameter sets beside the source's.

    Where the source has an SPS under which the encoder's slices mean the same, they use it, and its VPS: no decoder has
    to start over at the splice then, and players that know SPS 0 only are content. Else the encoder's own VPS and SPS
    join under the lowest free ids. So does its PPS, unless the source has it.

    Args:
        source: NAL units of the source's extradata, and parameter sets found in its packets.
        encoder: NAL units of the encoder's extradata.

    Raises:
        DamagedMedia: the encoder's sets cannot be read, or one of the three is missing.
        UnsupportedMedia: the encoder has several sets of one kind, or the source leaves no id free.
    """
    own_vps, own_sps, own_pps = (_only(encoder, kind) for kind in (hevc.NAL_VPS, hevc.NAL_SPS, hevc.NAL_PPS))
    taken = _taken(source)
    shared = _shared_sets(taken, parse_sps(own_sps))
    if shared is not None:
        vps, sps = shared
        sps_id, vps_id = sps_ids_of(sps)
    else:
        vps_id = _free(range(VPS_IDS), taken.vps, "video")
        sps_id = _free(range(SPS_IDS), taken.sps, "sequence")
        vps, sps = vps_with_id(own_vps, vps_id), sps_with_ids(own_sps, sps_id, vps_id)
    movable = _movable_pps_ids(pps_ids_of(own_pps)[0])
    pps_id = next(
        (number for number in movable if taken.pps.get(number) == pps_with_ids(own_pps, number, sps_id)), None
    )
    if pps_id is None:
        pps_id = _free(movable, taken.pps, "picture")
    sets = (vps, sps, pps_with_ids(own_pps, pps_id, sps_id))
    return Adaptation(SetIds(vps_id, sps_id, pps_id), sets, tuple(unit for unit in sets if unit not in source))


def rewritten(packet: bytes, framing: Framing, pps_id: int) -> bytes:
    """Return an encoder's packet with its slices referring to another PPS, and without parameter sets.

    Messages that name a sequence parameter set are left out too.

    Args:
        packet: one whose slices all use one PPS, as x265 makes them.
        framing: how its NAL units are separated.
        pps_id: an id whose code is whole bytes longer than the packet's own: 15 to 30 in place of 0.

    Raises:
        DamagedMedia: the packet cannot be read.
        UnsupportedMedia: the id has no such code.
    """
    units = []
    for unit in nal.split(packet, framing):
        kind = hevc.nal_type(unit[0])
        if kind < _FIRST_NON_VCL:
            units.append(_slice_with_pps(unit, kind, pps_id))
        elif kind not in (hevc.NAL_VPS, hevc.NAL_SPS, hevc.NAL_PPS) and not _names_a_set(unit):
            units.append(unit)
    return nal.join(units, framing)


def vps_with_id(unit: bytes, vps_id: int) -> bytes:
    """Return the video parameter set under another id."""
    rbsp = unescaped(unit)
    if len(rbsp) < 3:
        raise DamagedMedia("a video parameter set of two bytes")
    return escaped(rbsp[:2] + bytes((vps_id << 4 | rbsp[2] & 15,)) + rbsp[3:])


def sps_with_ids(unit: bytes, sps_id: int, vps_id: int) -> bytes:
    """Return the sequence parameter set under another id, referring to another video parameter set."""
    rbsp = unescaped(unit)
    probe, reader, writer = BitReader(rbsp), BitReader(rbsp), BitWriter()
    probe.skip(20)
    skip_to_sps_id(probe)
    writer.copy(reader, 16)
    reader.skip(4)
    writer.bits(vps_id, 4)
    writer.copy(reader, probe.position - 20)
    reader.ue()
    writer.ue(sps_id)
    return escaped(completed(writer, reader))


def pps_with_ids(unit: bytes, pps_id: int, sps_id: int) -> bytes:
    """Return the picture parameter set under another id, referring to another sequence parameter set."""
    reader, writer = BitReader(unescaped(unit)), BitWriter()
    writer.copy(reader, 16)
    reader.ue()
    reader.ue()
    writer.ue(pps_id)
    writer.ue(sps_id)
    return escaped(completed(writer, reader))


def _slice_with_pps(unit: bytes, kind: int, pps_id: int) -> bytes:
    rbsp = unescaped(unit)
    reader, writer = BitReader(rbsp[:16]), BitWriter()
    writer.copy(reader, 18 if kind in _IRAP else 17)
    own = reader.ue()
    if own == pps_id:
        return unit
    moved = ue_length(pps_id) - ue_length(own)
    if moved % 8:
        # The slice's data starts on a byte and its arithmetic code cannot be moved by bits.
        raise UnsupportedMedia(
            f"picture parameter set id {own} cannot become {pps_id}: the codes differ by {moved} bits"
        )
    writer.ue(pps_id)
    writer.copy(reader, -reader.position % 8)
    return escaped(writer.aligned() + rbsp[reader.position // 8 :])


def _names_a_set(unit: bytes) -> bool:
    return hevc.nal_type(unit[0]) == hevc.NAL_PREFIX_SEI and any(
        kind in _MESSAGES_WITH_IDS for kind, _ in sei.messages(unit, 2)
    )


def _only(units: Iterable[bytes], kind: int) -> bytes:
    found = {unit for unit in units if hevc.nal_type(unit[0]) == kind}
    if not found:
        raise DamagedMedia(f"the encoder gave no parameter set of NAL unit type {kind}")
    if len(found) > 1:
        raise UnsupportedMedia(f"the encoder uses {len(found)} parameter sets of NAL unit type {kind}; one is expected")
    return found.pop()


def _movable_pps_ids(own: int) -> list[int]:
    # The slice behind the id must move by whole bytes, so that nothing in it changes: 15 to 30 take 9 bits, 0 takes 1.
    return [number for number in range(PPS_IDS) if (ue_length(number) - ue_length(own)) % 8 == 0]


@dataclass(frozen=True, slots=True)
class _Taken:
    """The source's sets by id; None where several different sets were sent under one id."""

    vps: dict[int, bytes | None]
    sps: dict[int, bytes | None]
    pps: dict[int, bytes | None]


def _taken(units: Iterable[bytes]) -> _Taken:
    taken = _Taken({}, {}, {})
    for unit in units:
        kind = hevc.nal_type(unit[0])
        try:
            if kind == hevc.NAL_VPS:
                known, number = taken.vps, vps_id_of(unit)
            elif kind == hevc.NAL_SPS:
                known, number = taken.sps, sps_ids_of(unit)[0]
            elif kind == hevc.NAL_PPS:
                known, number = taken.pps, pps_ids_of(unit)[0]
            else:
                continue
        except DamagedMedia:
            continue
        known[number] = unit if known.get(number, unit) == unit else None
    return taken


def _shared_sets(taken: _Taken, own: Sps) -> tuple[bytes, bytes] | None:
    """Return the source's VPS and SPS that the encoder's slices may use."""
    for unit in taken.sps.values():
        if unit is None:
            continue
        try:
            theirs = parse_sps(unit)
        except DamagedMedia:
            continue
        vps = taken.vps.get(theirs.vps_id)
        if vps is not None and can_share(theirs, own):
            return vps, unit
    return None


def _free(candidates: Iterable[int], taken: Container[int], name: str) -> int:
    for number in candidates:
        if number not in taken:
            return number
    raise UnsupportedMedia(f"the source leaves no id free for another {name} parameter set")
