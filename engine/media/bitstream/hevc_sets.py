"""HEVC video, sequence and picture parameter sets: what the stream is, and how to imitate its encoder.

Clauses are those of ITU-T H.265 (08/2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.nal import unescaped
from engine.media.bitstream.vui import Vui, read_hevc_vui

VPS_IDS, SPS_IDS, PPS_IDS = 16, 16, 64

_GENERAL_PROFILE_BITS = 88
_LEVEL_BITS = 8
_MOST_RPS = 64


@dataclass(frozen=True, slots=True)
class Dpb:
    """The picture buffer of the highest temporal layer (7.4.3.2.1).

    Attributes:
        max_latency_increase: sps_max_latency_increase_plus1; 0 sets no limit.
    """

    max_dec_pic_buffering: int
    max_num_reorder: int
    max_latency_increase: int


@dataclass(frozen=True, slots=True)
class Sps:
    """A sequence parameter set.

    Attributes:
        profile_bytes: the 11 bytes of general profile space, tier, idc, compatibility and constraint flags.
        level: general_level_idc, 30 times the level's number.
        chroma_format: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        width, height: pixels after cropping. coded_width, coded_height: before.
        ctu, min_cu, max_tu, min_tu: block sizes in luma samples.
        rps_count: reference picture sets that slices can name instead of writing them out.
        coding: the bits that decide how slices are read and pictures rebuilt (not ids, level, cropping, DPB size, VUI).
    """

    sps_id: int
    vps_id: int
    temporal_layers: int
    temporal_nesting: bool
    profile_bytes: bytes
    level: int
    chroma_format: int
    coded_width: int
    coded_height: int
    width: int
    height: int
    luma_depth: int
    chroma_depth: int
    poc_lsb_bits: int
    dpb: Dpb
    ctu: int
    min_cu: int
    max_tu: int
    min_tu: int
    tu_inter_depth: int
    tu_intra_depth: int
    scaling_lists: bool
    amp: bool
    sao: bool
    pcm: bool
    rps_count: int
    long_term_refs: bool
    temporal_mvp: bool
    strong_intra_smoothing: bool
    vui: Vui | None
    coding: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pps:
    """A picture parameter set, up to what an encoder needs to imitate it."""

    pps_id: int
    sps_id: int
    sign_hiding: bool
    refs: tuple[int, int]
    init_qp: int
    constrained_intra: bool
    transform_skip: bool
    cu_qp_delta: bool
    chroma_qp_offsets: tuple[int, int]
    weighted_pred: bool
    weighted_bipred: bool
    lossless_blocks: bool
    tiles: bool
    wavefronts: bool


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set NAL unit of the base layer (7.3.2.2.1).

    Raises:
        DamagedMedia: it ends early or holds a value that no stream can have.
    """
    rbsp = unescaped(unit)
    reader = BitReader(rbsp)
    reader.skip(16)
    vps_id, layers = reader.bits(4), reader.bits(3) + 1
    nesting = reader.flag()
    profile_bytes = reader.bits(_GENERAL_PROFILE_BITS).to_bytes(11, "big")
    level = reader.bits(_LEVEL_BITS)
    _skip_sub_layers(reader, layers)
    sps_id = _within(reader.ue(), SPS_IDS, "sequence parameter set id")
    format_at = reader.position
    chroma_format = _within(reader.ue(), 4, "chroma_format_idc")
    separate = reader.flag() if chroma_format == 3 else False
    coded_width, coded_height = reader.ue(), reader.ue()
    window_at = reader.position
    left = right = top = bottom = 0
    if reader.flag():
        left, right, top, bottom = reader.ue(), reader.ue(), reader.ue(), reader.ue()
    # 6.2, Table 6-1: the window counts chroma samples.
    unit_x = 2 if chroma_format in (1, 2) and not separate else 1
    unit_y = 2 if chroma_format == 1 and not separate else 1
    width, height = coded_width - unit_x * (left + right), coded_height - unit_y * (top + bottom)
    if width <= 0 or height <= 0:
        raise DamagedMedia(f"a sequence parameter set crops {coded_width}x{coded_height} to nothing")
    depth_at = reader.position
    luma_depth = 8 + _within(reader.ue(), 9, "bit_depth_luma_minus8")
    chroma_depth = 8 + _within(reader.ue(), 9, "bit_depth_chroma_minus8")
    poc_lsb_bits = 4 + _within(reader.ue(), 13, "log2_max_pic_order_cnt_lsb_minus4")
    dpb_at = reader.position
    dpb = Dpb(0, 0, 0)
    for _ in range(layers if reader.flag() else 1):
        dpb = Dpb(reader.ue() + 1, reader.ue(), reader.ue())
    tools_at = reader.position
    min_cu_log2 = 3 + _within(reader.ue(), 4, "log2_min_luma_coding_block_size_minus3")
    ctu_log2 = min_cu_log2 + _within(reader.ue(), 4, "log2_diff_max_min_luma_coding_block_size")
    min_tu_log2 = 2 + _within(reader.ue(), 4, "log2_min_luma_transform_block_size_minus2")
    max_tu_log2 = min_tu_log2 + _within(reader.ue(), 4, "log2_diff_max_min_luma_transform_block_size")
    tu_inter_depth, tu_intra_depth = reader.ue(), reader.ue()
    scaling_lists = reader.flag()
    if scaling_lists and reader.flag():
        _skip_scaling_lists(reader)
    amp, sao, pcm = reader.flag(), reader.flag(), reader.flag()
    if pcm:
        reader.skip(8)
        reader.ue()
        reader.ue()
        reader.skip(1)
    rps_count = _within(reader.ue(), _MOST_RPS + 1, "num_short_term_ref_pic_sets")
    _skip_reference_sets(reader, rps_count)
    long_term_refs = reader.flag()
    if long_term_refs:
        for _ in range(_within(reader.ue(), 33, "num_long_term_ref_pics_sps")):
            reader.skip(poc_lsb_bits + 1)
    temporal_mvp, smoothing = reader.flag(), reader.flag()
    vui_at = reader.position
    vui = read_hevc_vui(reader, layers) if reader.flag() else None
    # The extensions come last, behind the VUI.
    end = reader.position + max(0, reader.rbsp_bits())
    coding = tuple(
        _bits(rbsp, start, stop)
        for start, stop in (
            (format_at, window_at),
            (depth_at, dpb_at),
            (tools_at, vui_at),
            (reader.position, end),
        )
    )
    return Sps(
        sps_id, vps_id, layers, nesting, profile_bytes, level, chroma_format, coded_width, coded_height, width, height,
        luma_depth, chroma_depth, poc_lsb_bits, dpb, 1 << ctu_log2, 1 << min_cu_log2, 1 << max_tu_log2,
        1 << min_tu_log2, tu_inter_depth, tu_intra_depth, scaling_lists, amp, sao, pcm, rps_count, long_term_refs,
        temporal_mvp, smoothing, vui, coding,
    )  # fmt: skip


def can_share(source: Sps, own: Sps) -> bool:
    """Tell whether slices coded under `own` mean the same under `source`, and its picture buffer holds them.

    All that slice headers and block decoding read is equal then. Level, cropping, VUI and VPS take no part: the
    source's apply, so `own` has to be coded in the source's coded size.
    """
    return (
        source.coding == own.coding
        and source.temporal_layers >= own.temporal_layers
        and source.dpb.max_dec_pic_buffering >= own.dpb.max_dec_pic_buffering
        and source.dpb.max_num_reorder >= own.dpb.max_num_reorder
        and _latency(own.dpb) <= _latency(source.dpb)
    )


def _latency(dpb: Dpb) -> float:
    # 7-9: SpsMaxLatencyPictures; no limit where the syntax element is 0.
    return dpb.max_num_reorder + dpb.max_latency_increase - 1 if dpb.max_latency_increase else math.inf


def parse_pps(unit: bytes) -> Pps:
    """Read a picture parameter set NAL unit (7.3.2.3.1).

    Raises:
        DamagedMedia: it ends early or holds a value that no stream can have.
    """
    reader = BitReader(unescaped(unit))
    reader.skip(16)
    pps_id = _within(reader.ue(), PPS_IDS, "picture parameter set id")
    sps_id = _within(reader.ue(), SPS_IDS, "sequence parameter set id")
    reader.skip(5)
    sign_hiding = reader.flag()
    reader.skip(1)
    refs = (reader.ue() + 1, reader.ue() + 1)
    init_qp = 26 + reader.se()
    constrained_intra, transform_skip, cu_qp_delta = reader.flag(), reader.flag(), reader.flag()
    if cu_qp_delta:
        reader.ue()
    offsets = (reader.se(), reader.se())
    reader.skip(1)
    weighted_pred, weighted_bipred = reader.flag(), reader.flag()
    lossless, tiles, wavefronts = reader.flag(), reader.flag(), reader.flag()
    return Pps(
        pps_id, sps_id, sign_hiding, refs, init_qp, constrained_intra, transform_skip, cu_qp_delta, offsets,
        weighted_pred, weighted_bipred, lossless, tiles, wavefronts,
    )  # fmt: skip


def vps_id_of(unit: bytes) -> int:
    """Return the id of a video parameter set (7.3.2.1).

    Raises:
        DamagedMedia: it ends early.
    """
    reader = BitReader(unit[:3])
    reader.skip(16)
    return reader.bits(4)


def sps_ids_of(unit: bytes) -> tuple[int, int]:
    """Return the id of a sequence parameter set and that of the VPS it refers to.

    Raises:
        DamagedMedia: it ends early, or no such id can be.
    """
    reader = BitReader(unescaped(unit))
    reader.skip(16)
    vps_id = reader.bits(4)
    skip_to_sps_id(reader)
    return _within(reader.ue(), SPS_IDS, "sequence parameter set id"), vps_id


def pps_ids_of(unit: bytes) -> tuple[int, int]:
    """Return the id of a picture parameter set and that of the SPS it refers to.

    Raises:
        DamagedMedia: it ends early, or no such id can be.
    """
    reader = BitReader(unescaped(unit[:16]))
    reader.skip(16)
    return (
        _within(reader.ue(), PPS_IDS, "picture parameter set id"),
        _within(reader.ue(), SPS_IDS, "sequence parameter set id"),
    )


def skip_to_sps_id(reader: BitReader) -> None:
    """Move a reader that stands behind an SPS's VPS id to the SPS's own id."""
    layers = reader.bits(3) + 1
    reader.skip(1 + _GENERAL_PROFILE_BITS + _LEVEL_BITS)
    _skip_sub_layers(reader, layers)


def _skip_sub_layers(reader: BitReader, layers: int) -> None:
    # 7.3.3, behind the general part: two flags per lower layer, padded to eight layers, then what they announce.
    flags = [(reader.flag(), reader.flag()) for _ in range(layers - 1)]
    if flags:
        reader.skip(2 * (8 - len(flags)))
    for has_profile, has_level in flags:
        reader.skip(_GENERAL_PROFILE_BITS * has_profile + _LEVEL_BITS * has_level)


def _skip_scaling_lists(reader: BitReader) -> None:
    # 7.3.4
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not reader.flag():
                reader.ue()
                continue
            if size > 1:
                reader.se()
            for _ in range(min(64, 1 << 4 + 2 * size)):
                reader.se()


def _skip_reference_sets(reader: BitReader, count: int) -> None:
    # 7.3.7, 7-61, 7-62: a predicted set keeps what its flags say of the pictures of the set before, and of itself.
    pictures = 0
    for index in range(count):
        if index and reader.flag():
            reader.skip(1)
            reader.ue()
            kept = 0
            for _ in range(pictures + 1):
                used = reader.flag()
                kept += used or reader.flag()
            pictures = kept
        else:
            pictures = _within(reader.ue(), 17, "num_negative_pics") + _within(reader.ue(), 17, "num_positive_pics")
            for _ in range(pictures):
                reader.ue()
                reader.skip(1)


def _bits(data: bytes, start: int, stop: int) -> int:
    reader = BitReader(data)
    reader.skip(start)
    # A leading one keeps runs of different length apart.
    return 1 << stop - start | reader.bits(stop - start)


def _within(value: int, limit: int, name: str) -> int:
    if value >= limit:
        raise DamagedMedia(f"{name} is {value}; the most allowed is {limit - 1}")
    return value
