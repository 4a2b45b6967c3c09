"""Video usability information: how a sequence parameter set wants the video shown (Annex E of H.264 and H.265)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader

# Table E-1 of both: sample aspect ratios by aspect_ratio_idc.
_RATIOS = (
    (0, 0), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11), (80, 33), (18, 11), (15, 11),
    (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
)  # fmt: skip
_EXTENDED_SAR = 255
_MOST_BUFFERS = 32


@dataclass(frozen=True, slots=True)
class Reorder:
    """The bitstream_restriction fields that size an H.264 decoder's picture buffer (E.2.1)."""

    max_num_reorder_frames: int
    max_dec_frame_buffering: int


@dataclass(frozen=True, slots=True)
class Vui:
    """Video usability information; numbers as in ISO/IEC 23091-2, None where not said.

    Attributes:
        sar: width and height of a sample; (0, 0) where unspecified.
        chroma_location: chroma_sample_loc_type of the top field.
        tick: num_units_in_tick and time_scale; a frame lasts two ticks in H.264, one in HEVC.
        fixed_frame_rate: H.264's promise of a constant rate; False in HEVC.
        field_seq: the pictures of an HEVC stream are fields; False in H.264.
        has_pic_struct: messages say how each frame is displayed.
        reorder: None in HEVC, which says it elsewhere.
    """

    sar: tuple[int, int] | None
    video_format: int | None
    full_range: bool | None
    colour: tuple[int, int, int] | None
    chroma_location: int | None
    tick: tuple[int, int] | None
    fixed_frame_rate: bool
    field_seq: bool
    has_hrd: bool
    has_pic_struct: bool
    reorder: Reorder | None


# What both standards begin with: the first five fields of Vui.
_Signal = tuple[tuple[int, int] | None, int | None, bool | None, tuple[int, int, int] | None, int | None]


def read_h264_vui(reader: BitReader) -> Vui:
    """Read the VUI of an H.264 SPS (E.1.1)."""
    signal = _signal(reader)
    tick, fixed, reorder = None, False, None
    if reader.flag():
        tick = (reader.bits(32), reader.bits(32))
        fixed = reader.flag()
    hrds = 0
    for _ in ("nal", "vcl"):
        if reader.flag():
            hrds += 1
            _skip_h264_hrd(reader)
    if hrds:
        reader.skip(1)
    has_pic_struct = reader.flag()
    if reader.flag():
        reader.skip(1)
        for _ in range(4):
            reader.ue()
        reorder = Reorder(reader.ue(), reader.ue())
    return Vui(*signal, tick, fixed, False, hrds > 0, has_pic_struct, reorder)


def read_hevc_vui(reader: BitReader, layers: int) -> Vui:
    """Read the VUI of an HEVC SPS with a number of temporal layers (E.2.1)."""
    signal = _signal(reader)
    reader.skip(1)
    field_seq, has_pic_struct = reader.flag(), reader.flag()
    if reader.flag():
        for _ in range(4):
            reader.ue()
    tick, has_hrd = None, False
    if reader.flag():
        tick = (reader.bits(32), reader.bits(32))
        if reader.flag():
            reader.ue()
        has_hrd = reader.flag()
        if has_hrd:
            _skip_hevc_hrd(reader, layers)
    if reader.flag():
        reader.skip(3)
        for _ in range(5):
            reader.ue()
    return Vui(*signal, tick, False, field_seq, has_hrd, has_pic_struct, None)


def _signal(reader: BitReader) -> _Signal:
    sar = video_format = full_range = colour = chroma_location = None
    if reader.flag():
        code = reader.bits(8)
        if code == _EXTENDED_SAR:
            sar = (reader.bits(16), reader.bits(16))
        else:
            sar = _RATIOS[code] if code < len(_RATIOS) else (0, 0)
    if reader.flag():
        reader.skip(1)
    if reader.flag():
        video_format, full_range = reader.bits(3), reader.flag()
        if reader.flag():
            colour = (reader.bits(8), reader.bits(8), reader.bits(8))
    if reader.flag():
        chroma_location = reader.ue()
        reader.ue()
    return sar, video_format, full_range, colour, chroma_location


def _skip_h264_hrd(reader: BitReader) -> None:
    # E.1.2
    buffers = _buffers(reader)
    reader.skip(8)
    for _ in range(buffers):
        reader.ue()
        reader.ue()
        reader.skip(1)
    reader.skip(20)


def _skip_hevc_hrd(reader: BitReader, layers: int) -> None:
    # E.2.2, E.2.3
    kinds = reader.flag() + reader.flag()
    by_part = False
    if kinds:
        by_part = reader.flag()
        reader.skip(19 * by_part + 8 + 4 * by_part + 15)
    for _ in range(layers):
        fixed = reader.flag() or reader.flag()
        low_delay = False
        if fixed:
            reader.ue()
        else:
            low_delay = reader.flag()
        buffers = 1 if low_delay else _buffers(reader)
        for _ in range(kinds * buffers):
            for _ in range(4 if by_part else 2):
                reader.ue()
            reader.skip(1)


def _buffers(reader: BitReader) -> int:
    count = reader.ue() + 1
    if count > _MOST_BUFFERS:
        raise DamagedMedia(f"cpb_cnt_minus1 is {count - 1}; the most allowed is {_MOST_BUFFERS - 1}")
    return count
