"""HEVC packets: what picture they hold, whether a decoder may start there, and how a CRA becomes a BLA.

Clauses are those of ITU-T H.265 (08/2021). Parameter sets: hevc_sets. The hvcC: hvcc. Other ids: hevc_ids.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.media.bitstream import hvcc, nal, sei
from engine.media.bitstream.facts import UNKNOWN, UnitFacts
from engine.media.bitstream.nal import Framing
from engine.model.frame_index import UnitKind

# Table 7-1
NAL_RADL_N, NAL_RADL_R, NAL_RASL_N, NAL_RASL_R = 6, 7, 8, 9
NAL_BLA_W_LP, NAL_BLA_W_RADL, NAL_BLA_N_LP = 16, 17, 18
NAL_IDR_W_RADL, NAL_IDR_N_LP = 19, 20
NAL_CRA = 21
NAL_VPS, NAL_SPS, NAL_PPS = hvcc.NAL_VPS, hvcc.NAL_SPS, hvcc.NAL_PPS
NAL_AUD, NAL_PREFIX_SEI = 35, 39

# Types below 32 are coded slices (VCL).
_FIRST_NON_VCL = 32
_KINDS = {
    NAL_BLA_W_LP: UnitKind.BLA,
    NAL_BLA_W_RADL: UnitKind.BLA,
    NAL_BLA_N_LP: UnitKind.BLA,
    NAL_IDR_W_RADL: UnitKind.IDR,
    NAL_IDR_N_LP: UnitKind.IDR,
    NAL_CRA: UnitKind.CRA,
}
_LEADING = (NAL_RADL_N, NAL_RADL_R, NAL_RASL_N, NAL_RASL_R)
_NO_OUTPUT_OF_PRIOR_PICS = 0x40


def nal_type(header: int) -> int:
    """Return nal_unit_type of the first byte of a NAL unit (7.3.1.2)."""
    return header >> 1 & 63


def framing(extradata: bytes) -> Framing:
    """Return how the stream's packets hold their NAL units.

    Raises:
        DamagedMedia: the hvcC's length size is not allowed.
    """
    return hvcc.framing(extradata)


def picture_type(packet: bytes, framing: Framing) -> int | None:
    """Return nal_unit_type of the packet's first slice of the base layer, None where it has none."""
    for start in nal.starts(packet, framing):
        kind = packet[start] >> 1 & 63
        # nuh_layer_id is 0 in the base layer; its highest bit stands in the first byte, the others in the second.
        if (
            kind < _FIRST_NON_VCL
            and start + 1 < len(packet)
            and packet[start] & 0x81 == 0
            and packet[start + 1] >> 3 == 0
        ):
            return kind
    return None


def facts(packet: bytes, framing: Framing) -> UnitFacts:
    """Say what the packet, or its first bytes up to its first slice, holds."""
    kind = picture_type(packet, framing)
    if kind is None:
        return UNKNOWN
    return UnitFacts(_KINDS.get(kind, UnitKind.OTHER), leading=kind in _LEADING)


def unit_kind(packet: bytes, framing: Framing) -> UnitKind:
    """Return IDR, CRA, BLA or OTHER."""
    return facts(packet, framing).kind


def is_leading(packet: bytes, framing: Framing) -> bool:
    """Tell whether the packet holds a RASL or RADL picture: shown before the entry it follows in decode order."""
    return picture_type(packet, framing) in _LEADING


def cra_to_bla(packet: bytes, framing: Framing) -> bytes:
    """Return a CRA picture as BLA_N_LP, which tells decoders that its leading pictures are gone; others unchanged.

    The slice header has the same syntax for both (7.3.6.1: types 16 to 23 carry no_output_of_prior_pics_flag), so a
    slice changes in its type only. A decoder ignores that flag at a CRA but obeys it at a BLA (C.5.2.2), so it is
    cleared where an encoder set it, lest pictures before the splice be thrown away.

    Raises:
        DamagedMedia: a length reaches beyond the packet.
    """
    units = nal.split(packet, framing)
    if not any(nal_type(unit[0]) == NAL_CRA for unit in units):
        return packet
    return nal.join((_bla(unit) if nal_type(unit[0]) == NAL_CRA else unit for unit in units), framing)


def encoder_settings(extradata: bytes, packets: Iterable[bytes]) -> dict[str, str]:
    """Return the settings that x265 left in the extradata or the packets (see sei.encoder_settings); empty if none.

    Raises:
        DamagedMedia: the extradata cannot be read.
    """
    framed = hvcc.framing(extradata)
    noted = [unit for unit in hvcc.units_of(extradata) if nal_type(unit[0]) == NAL_PREFIX_SEI]
    for packet in packets:
        noted += [
            packet[start:stop] for start, stop in nal.spans(packet, framed) if nal_type(packet[start]) == NAL_PREFIX_SEI
        ]
    return sei.encoder_settings(noted, 2)


def _bla(unit: bytes) -> bytes:
    renamed = bytes((unit[0] & 0x81 | NAL_BLA_N_LP << 1,)) + unit[1:]
    if len(unit) > 2 and unit[2] & _NO_OUTPUT_OF_PRIOR_PICS:
        rbsp = nal.unescaped(renamed)
        renamed = nal.escaped(rbsp[:2] + bytes((rbsp[2] & ~_NO_OUTPUT_OF_PRIOR_PICS,)) + rbsp[3:])
    return renamed
