"""H.264 sequence and picture parameter sets: read them, change their ids.

Clauses are those of ITU-T H.264 (08/2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader, BitWriter, completed
from engine.media.bitstream.nal import escaped, unescaped
from engine.media.bitstream.vui import Vui, read_h264_vui

SPS_IDS = 32
PPS_IDS = 256

# 7.3.2.1.1: the profiles whose SPS carries chroma format, bit depths and scaling matrices.
HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set.

    Attributes:
        constraints: the byte of constraint_set flags.
        chroma_format: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        poc_lsb_bits: length of pic_order_cnt_lsb, 0 unless poc_type is 0.
        width, height: pixels after cropping. coded_width, coded_height: before.
    """

    sps_id: int
    profile: int
    constraints: int
    level: int
    chroma_format: int
    separate_planes: bool
    luma_depth: int
    chroma_depth: int
    has_scaling_matrix: bool
    frame_num_bits: int
    poc_type: int
    poc_lsb_bits: int
    max_num_ref_frames: int
    gaps_allowed: bool
    coded_width: int
    coded_height: int
    width: int
    height: int
    frame_mbs_only: bool
    mbaff: bool
    direct_8x8: bool
    vui: Vui | None


@dataclass(frozen=True, slots=True)
class Pps:
    """A picture parameter set, up to what an encoder needs to imitate it."""

    pps_id: int
    sps_id: int
    cabac: bool
    bottom_field_poc: bool
    slice_groups: int
    refs: tuple[int, int]
    weighted_pred: bool
    weighted_bipred: int
    transform_8x8: bool
    has_scaling_matrix: bool


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The sets a decoder knows at some point of a stream.

    Attributes:
        sps: sequence parameter sets by id.
        pps: by the id of a picture parameter set, the id of the SPS that it refers to.
    """

    sps: Mapping[int, Sps]
    pps: Mapping[int, int]

    def sps_of(self, pps_id: int) -> Sps | None:
        """Return the SPS that slices with this PPS id use, None where either set is missing."""
        sps_id = self.pps.get(pps_id)
        return None if sps_id is None else self.sps.get(sps_id)

    def updated(self, sps: Iterable[bytes], pps: Iterable[bytes]) -> ParameterSets:
        """Return the sets after the units were received; those that cannot be read are passed over."""
        known_sps, known_pps = dict(self.sps), dict(self.pps)
        for unit in sps:
            try:
                parsed = parse_sps(unit)
            except DamagedMedia:
                continue
            known_sps[parsed.sps_id] = parsed
        for unit in pps:
            try:
                pps_id, sps_id = pps_ids_of(unit)
            except DamagedMedia:
                continue
            known_pps[pps_id] = sps_id
        return ParameterSets(known_sps, known_pps)


NO_SETS = ParameterSets({}, {})


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set NAL unit (7.3.2.1.1).

    Raises:
        DamagedMedia: it ends early or holds a value that no stream can have.
    """
    reader = BitReader(unescaped(unit))
    reader.skip(8)
    profile, constraints, level = reader.bits(8), reader.bits(8), reader.bits(8)
    sps_id = _within(reader.ue(), SPS_IDS, "sequence parameter set id")
    chroma_format, separate, luma_depth, chroma_depth, scaling = 1, False, 8, 8, False
    if profile in HIGH_PROFILES:
        chroma_format = _within(reader.ue(), 4, "chroma_format_idc")
        separate = reader.flag() if chroma_format == 3 else False
        luma_depth = 8 + _within(reader.ue(), 7, "bit_depth_luma_minus8")
        chroma_depth = 8 + _within(reader.ue(), 7, "bit_depth_chroma_minus8")
        reader.skip(1)
        scaling = reader.flag()
        if scaling:
            _skip_scaling_matrix(reader, 8 if chroma_format != 3 else 12)
    frame_num_bits = 4 + _within(reader.ue(), 13, "log2_max_frame_num_minus4")
    poc_type = _within(reader.ue(), 3, "pic_order_cnt_type")
    poc_lsb_bits = 0
    if poc_type == 0:
        poc_lsb_bits = 4 + _within(reader.ue(), 13, "log2_max_pic_order_cnt_lsb_minus4")
    elif poc_type == 1:
        reader.skip(1)
        reader.se()
        reader.se()
        for _ in range(_within(reader.ue(), 256, "num_ref_frames_in_pic_order_cnt_cycle")):
            reader.se()
    max_num_ref_frames = reader.ue()
    gaps_allowed = reader.flag()
    coded_width = 16 * (reader.ue() + 1)
    map_units = reader.ue() + 1
    frame_mbs_only = reader.flag()
    mbaff = False if frame_mbs_only else reader.flag()
    coded_height = 16 * map_units * (1 if frame_mbs_only else 2)
    direct_8x8 = reader.flag()
    left = right = top = bottom = 0
    if reader.flag():
        left, right, top, bottom = reader.ue(), reader.ue(), reader.ue(), reader.ue()
    # 7.4.2.1.1, equations 7-18 to 7-22: crop offsets count chroma samples, and field lines where fields can occur.
    unit_x = 2 if chroma_format in (1, 2) and not separate else 1
    unit_y = (2 if chroma_format == 1 and not separate else 1) * (1 if frame_mbs_only else 2)
    width = coded_width - unit_x * (left + right)
    height = coded_height - unit_y * (top + bottom)
    if width <= 0 or height <= 0:
        raise DamagedMedia(f"a sequence parameter set crops {coded_width}x{coded_height} to nothing")
    vui = read_h264_vui(reader) if reader.flag() else None
    return Sps(
        sps_id, profile, constraints, level, chroma_format, separate, luma_depth, chroma_depth, scaling, frame_num_bits,
        poc_type, poc_lsb_bits, max_num_ref_frames, gaps_allowed, coded_width, coded_height, width, height,
        frame_mbs_only, mbaff, direct_8x8, vui,
    )  # fmt: skip


def parse_pps(unit: bytes) -> Pps:
    """Read a picture parameter set NAL unit (7.3.2.2).

    Raises:
        DamagedMedia: it ends early or holds a value that no stream can have.
    """
    reader = BitReader(unescaped(unit))
    reader.skip(8)
    pps_id = _within(reader.ue(), PPS_IDS, "picture parameter set id")
    sps_id = _within(reader.ue(), SPS_IDS, "sequence parameter set id")
    cabac, bottom_field_poc = reader.flag(), reader.flag()
    slice_groups = _within(reader.ue(), 8, "num_slice_groups_minus1") + 1
    if slice_groups > 1:
        _skip_slice_groups(reader, slice_groups)
    refs = (
        _within(reader.ue(), 32, "num_ref_idx_l0_default_active_minus1") + 1,
        _within(reader.ue(), 32, "num_ref_idx_l1_default_active_minus1") + 1,
    )
    weighted_pred, weighted_bipred = reader.flag(), reader.bits(2)
    reader.se(), reader.se(), reader.se()
    reader.skip(3)
    transform_8x8 = scaling = False
    if reader.rbsp_bits() > 0:
        transform_8x8, scaling = reader.flag(), reader.flag()
    return Pps(
        pps_id,
        sps_id,
        cabac,
        bottom_field_poc,
        slice_groups,
        refs,
        weighted_pred,
        weighted_bipred,
        transform_8x8,
        scaling,
    )


def sps_id_of(unit: bytes) -> int:
    """Return the id of a sequence parameter set, without reading the rest.

    Raises:
        DamagedMedia: it ends early, or no such id can be.
    """
    reader = BitReader(unescaped(unit[:16]))
    reader.skip(32)
    return _within(reader.ue(), SPS_IDS, "sequence parameter set id")


def pps_ids_of(unit: bytes) -> tuple[int, int]:
    """Return the id of a picture parameter set and that of the SPS it refers to.

    Raises:
        DamagedMedia: it ends early, or no such id can be.
    """
    reader = BitReader(unescaped(unit[:16]))
    reader.skip(8)
    return (
        _within(reader.ue(), PPS_IDS, "picture parameter set id"),
        _within(reader.ue(), SPS_IDS, "sequence parameter set id"),
    )


def sps_with_id(unit: bytes, sps_id: int) -> bytes:
    """Return the sequence parameter set under another id."""
    reader, writer = BitReader(unescaped(unit)), BitWriter()
    writer.copy(reader, 32)
    reader.ue()
    writer.ue(sps_id)
    return escaped(completed(writer, reader))


def pps_with_ids(unit: bytes, pps_id: int, sps_id: int) -> bytes:
    """Return the picture parameter set under another id, referring to another sequence parameter set."""
    reader, writer = BitReader(unescaped(unit)), BitWriter()
    writer.copy(reader, 8)
    reader.ue()
    reader.ue()
    writer.ue(pps_id)
    writer.ue(sps_id)
    return escaped(completed(writer, reader))


def _within(value: int, limit: int, name: str) -> int:
    if value >= limit:
        raise DamagedMedia(f"{name} is {value}; the most allowed is {limit - 1}")
    return value


def _skip_scaling_matrix(reader: BitReader, lists: int) -> None:
    for index in range(lists):
        if reader.flag():
            _skip_scaling_list(reader, 16 if index < 6 else 64)


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    # 7.3.2.1.1.1: a next scale of 0 ends the list.
    scale = following = 8
    for _ in range(size):
        if following:
            following = (scale + reader.se()) % 256
        scale = following or scale


def _skip_slice_groups(reader: BitReader, groups: int) -> None:
    kind = _within(reader.ue(), 7, "slice_group_map_type")
    if kind == 0:
        for _ in range(groups):
            reader.ue()
    elif kind == 2:
        for _ in range(groups - 1):
            reader.ue()
            reader.ue()
    elif kind in (3, 4, 5):
        reader.skip(1)
        reader.ue()
    elif kind == 6:
        reader.skip((reader.ue() + 1) * (groups - 1).bit_length())
