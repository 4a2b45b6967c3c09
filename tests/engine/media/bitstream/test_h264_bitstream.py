"""H.264 packets and parameter sets, against x264 and FFmpeg's decoder."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import avcc, h264, nal, parameter_sets
from engine.media.bitstream.bits import BitWriter
from engine.media.bitstream.facts import Structure, is_field_pair
from engine.media.bitstream.h264_sets import (
    NO_SETS,
    ParameterSets,
    parse_pps,
    parse_sps,
    pps_ids_of,
    pps_with_ids,
    sps_id_of,
    sps_with_id,
)
from engine.media.bitstream.nal import Framing, reframed
from engine.model.frame_index import UnitKind

CODES, LENGTHS = Framing.START_CODES, Framing.LENGTH_4
IDR, RECOVERY, INTRA, OTHER = UnitKind.IDR, UnitKind.RECOVERY, UnitKind.INTRA, UnitKind.OTHER
QUIET = {"preset": "veryfast", "crf": "30"}


def x264(params: str) -> dict[str, str]:
    return QUIET | {"x264-params": f"scenecut=0:b-adapt=0:{params}"}


def sets(clip):
    sps, pps = avcc.sets_of(clip.extradata)
    return sps[0], pps[0]


def test_every_keyframe_of_a_closed_gop_is_an_idr(coded):
    clip = coded("libx264", 24, options=x264("keyint=8:min-keyint=8"))
    kinds = [h264.unit_kind(packet, CODES) for packet in clip.packets]
    assert [clip.shows[n] for n, kind in enumerate(kinds) if kind is IDR] == [0, 8, 16]
    assert set(kinds) == {IDR, OTHER}


def test_an_open_gop_has_recovery_points_behind_its_first_idr(coded):
    clip = coded("libx264", 24, options=x264("keyint=8:min-keyint=8:open-gop=1:bframes=2"))
    kinds = [h264.unit_kind(packet, CODES) for packet in clip.packets]
    assert kinds.count(IDR) == 1
    assert kinds.count(RECOVERY) == 2
    assert kinds.index(IDR) == 0


def test_a_recovery_point_says_after_how_many_frames_the_picture_is_right(coded):
    clip = coded("libx264", 24, options=x264("keyint=8:min-keyint=8:intra-refresh=1:bframes=0"))
    counts = [
        h264.recovery_point(unit)
        for packet in clip.packets
        for unit in nal.split(packet, CODES)
        if unit[0] & 31 == h264.NAL_SEI
    ]
    assert max(count for count in counts if count is not None) > 0


def test_an_i_picture_without_recovery_point_is_intra(coded):
    clip = coded("libx264", 24, options=x264("keyint=8:min-keyint=8:open-gop=1:bframes=2"))
    bare = [nal.join([u for u in nal.split(p, CODES) if u[0] & 31 != h264.NAL_SEI], LENGTHS) for p in clip.packets]
    kinds = [h264.unit_kind(packet, LENGTHS) for packet in bare]
    assert kinds.count(INTRA) == 2


def test_the_first_bytes_of_a_packet_are_enough(coded):
    clip = coded("libx264", 24, options=x264("keyint=8:min-keyint=8:slices=3"))
    framing, known = h264.stream(clip.extradata)
    for packet in clip.packets[1:]:
        assert h264.facts(packet[:64], framing, known) == h264.facts(packet, framing, known)


@pytest.mark.parametrize(
    ("pix_fmt", "params", "expected"),
    [
        ("yuv420p", "ref=4:bframes=3:b-pyramid=normal", {"max_num_ref_frames": 4, "profile": 100, "chroma_format": 1}),
        ("yuv420p", "cabac=0:8x8dct=0:bframes=0:ref=1", {"max_num_ref_frames": 1}),
        ("yuv420p10le", "", {"profile": 110, "luma_depth": 10, "chroma_depth": 10}),
        ("yuv422p10le", "", {"profile": 122, "luma_depth": 10, "chroma_format": 2}),
        ("yuv444p", "", {"profile": 244, "chroma_format": 3}),
        ("yuv420p", "interlaced=1", {"frame_mbs_only": False, "mbaff": True}),
    ],
)
def test_the_sequence_parameter_set_says_what_x264_was_told(coded, pix_fmt, params, expected):
    clip = coded("libx264", 2, pix_fmt=pix_fmt, size=(168, 100), options=x264(params))
    sps = parse_sps(sets(clip)[0])
    assert {name: getattr(sps, name) for name in expected} == expected
    assert (sps.width, sps.height) == (168, 100)
    assert sps.vui is not None
    assert sps.vui.reorder is not None
    assert sps.vui.tick == (1, 50)


def test_the_vui_carries_colour_range_and_hrd(coded):
    params = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:fullrange=on:sar=4/3:nal-hrd=vbr"
    options = QUIET | {"x264-params": f"{params}:vbv-maxrate=500:vbv-bufsize=500:bframes=2:b-adapt=0"}
    vui = parse_sps(sets(coded("libx264", 2, options=options))[0]).vui
    assert vui is not None
    assert (vui.colour, vui.full_range, vui.has_hrd) == ((9, 16, 9), True, True)
    assert vui.reorder is not None
    assert vui.reorder.max_num_reorder_frames == 2


def test_the_picture_parameter_set_says_what_x264_was_told(coded):
    weighted = parse_pps(sets(coded("libx264", 2, options=x264("cqm=jvt")))[1])
    plain = parse_pps(sets(coded("libx264", 2, options=x264("cabac=0:8x8dct=0:weightp=0:ref=2")))[1])
    rich = parse_pps(sets(coded("libx264", 2, options=x264("cabac=1:8x8dct=1:weightp=2:ref=3")))[1])
    assert (weighted.has_scaling_matrix, plain.has_scaling_matrix) == (True, False)
    assert (plain.cabac, plain.transform_8x8, plain.weighted_pred, plain.refs[0]) == (False, False, False, 2)
    assert (rich.cabac, rich.transform_8x8, rich.weighted_pred, rich.refs[0]) == (True, True, True, 3)


@pytest.mark.parametrize("number", [1, 6, 31])
def test_sets_with_another_id_are_those_that_x264_writes_for_it(coded, number):
    sps, pps = sets(coded("libx264", 2, options=x264("")))
    there_sps, there_pps = sets(coded("libx264", 2, options=x264(f"sps-id={number}")))
    assert sps_with_id(sps, number) == there_sps
    assert pps_with_ids(pps, number, number) == there_pps
    assert sps_with_id(there_sps, 0) == sps


# The first example makes the clip.
@settings(deadline=None)
@given(st.integers(0, 31), st.integers(0, 255))
def test_rewritten_ids_are_read_back_and_all_else_stays(coded, sps_id, pps_id):
    sps, pps = sets(coded("libx264", 2, pix_fmt="yuv422p10le", size=(168, 100), options=x264("")))
    moved_sps, moved_pps = sps_with_id(sps, sps_id), pps_with_ids(pps, pps_id, sps_id)
    assert sps_id_of(moved_sps) == sps_id
    assert pps_ids_of(moved_pps) == (pps_id, sps_id)
    assert sps_with_id(moved_sps, 0) == sps
    assert pps_with_ids(moved_pps, 0, 0) == pps


def test_frames_with_sets_of_their_own_decode_beside_the_source(coded, decoded):
    source = coded("libx264", 24, options=x264("keyint=8:min-keyint=8:bframes=2:ref=3"))
    own = coded("libx264", 8, first=8, options=x264("keyint=99:bframes=0:ref=1:cabac=0:8x8dct=0:sps-id=1"))
    extradata = avcc.avcc_from_annexb(source.extradata)
    sps, pps = avcc.sets_of(own.extradata)
    merged = avcc.merge_avcc(extradata, sps, pps)
    before, after = source.packet_of(8), source.packet_of(16)
    packets = [*source.packets[:before], *own.packets, *source.packets[after:]]
    frames = decoded("h264", merged, [reframed(packet, CODES, LENGTHS) for packet in packets])
    whole = decoded("h264", source.extradata, source.packets)
    assert frames == whole[:8] + decoded("h264", own.extradata, own.packets) + whole[16:]


def test_an_avcc_is_written_as_ffmpeg_reads_it_and_read_back(coded):
    for pix_fmt, tail in (("yuv420p", b"\xfd\xf8\xf8\x00"), ("yuv422p10le", b"\xfe\xfa\xfa\x00")):
        clip = coded("libx264", 2, pix_fmt=pix_fmt, options=x264(""))
        extradata = avcc.avcc_from_annexb(clip.extradata)
        record = avcc.parse_avcc(extradata)
        assert (record.sps + record.pps, record.tail, record.framing) == (sets(clip), tail, LENGTHS)
        assert avcc.serialised(record) == extradata


def test_merging_raises_the_level_keeps_the_tail_and_adds_nothing_twice(coded):
    low, high = (
        coded("libx264", 2, options=x264(f"level={level}:sps-id={number}")) for level, number in ((20, 0), (40, 1))
    )
    source = avcc.avcc_from_annexb(low.extradata)
    sps, pps = avcc.sets_of(high.extradata)
    merged = avcc.parse_avcc(avcc.merge_avcc(source, sps, pps))
    assert (merged.level, merged.tail) == (40, avcc.parse_avcc(source).tail)
    assert merged.sps == (sets(low)[0], *sps)
    assert avcc.merge_avcc(avcc.serialised(merged), sps, pps) == avcc.serialised(merged)


def test_sets_of_another_bit_depth_cannot_join_an_avcc(coded):
    eight, ten = (coded("libx264", 2, pix_fmt=fmt, options=x264("")) for fmt in ("yuv420p", "yuv420p10le"))
    with pytest.raises(UnsupportedMedia, match="bit depths"):
        avcc.merge_avcc(avcc.avcc_from_annexb(eight.extradata), *avcc.sets_of(ten.extradata))


def test_sets_join_extradata_with_start_codes_in_its_own_form(coded):
    source, own = (coded("libx264", 2, options=x264(f"sps-id={number}")) for number in (0, 3))
    added = parameter_sets.units_of("h264", own.extradata)
    merged = parameter_sets.merged_extradata("h264", source.extradata, added)
    assert parameter_sets.units_of("h264", merged) == [sets(source)[0], sets(own)[0], sets(source)[1], sets(own)[1]]
    assert parameter_sets.merged_extradata("h264", merged, added) == merged
    assert parameter_sets.merged_extradata("h264", source.extradata, ()) == source.extradata


def test_a_free_id_is_free_in_the_extradata_and_in_the_packets(coded):
    source = coded("libx264", 2, options=x264("sps-id=0"))
    in_band = [nal.join([*sets(coded("libx264", 2, options=x264("sps-id=1"))), *nal.split(p, CODES)], CODES)
               for p in source.packets]  # fmt: skip
    assert h264.free_id(source.extradata, source.packets) == 1
    assert h264.free_id(source.extradata, in_band) == 2
    assert h264.free_id(b"", in_band) == 0
    every = nal.join([sps_with_id(sets(source)[0], number) for number in range(32)], CODES)
    assert h264.free_id(every, ()) is None


def test_sets_go_into_a_packet_behind_its_delimiter(coded):
    clip = coded("libx264", 2, options=QUIET | {"aud": "1"})
    packet = parameter_sets.with_sets("h264", clip.packets[0], CODES, sets(clip))
    units = nal.split(packet, CODES)
    assert [unit[0] & 31 for unit in units[:3]] == [h264.NAL_AUD, h264.NAL_SPS, h264.NAL_PPS]
    assert parameter_sets.units_in("h264", [packet, packet], CODES) == list(sets(clip))


def test_the_settings_of_x264_are_read_from_its_note(coded):
    settings = h264.encoder_settings(coded("libx264", 2, options=x264("ref=2:bframes=1")).packets, CODES)
    assert (settings["encoder"], settings["ref"], settings["bframes"], settings["rc"]) == ("x264", "2", "1", "crf")
    assert int(settings["build"]) > 100


def field(*, bottom: bool, frame_num: int, idr: bool = False, slice_type: int = 5) -> bytes:
    """Write the start of a field's slice."""
    writer = BitWriter()
    writer.bits(0x65 if idr else 0x61, 8)
    for value in (0, slice_type, 0):
        writer.ue(value)
    writer.bits(frame_num, 4)
    writer.bits(0b11 if bottom else 0b10, 2)
    writer.bits(0b1010_1010_1, 9)
    return nal.escaped(writer.aligned())


@pytest.fixture(scope="module")
def field_sets(coded) -> ParameterSets:
    """The sets of an interlaced stream with a frame_num of 4 bits."""
    known = NO_SETS.updated(*avcc.sets_of(coded("libx264", 2, options=x264("interlaced=1:ref=1:bframes=0")).extradata))
    sps = known.sps_of(0)
    assert sps is not None
    assert (sps.frame_num_bits, sps.frame_mbs_only) == (4, False)
    return known


def test_two_packets_with_a_field_each_make_a_frame(field_sets):
    def facts(**slice_):
        return h264.facts(nal.join([field(**slice_)], LENGTHS), LENGTHS, field_sets)

    top, bottom = facts(bottom=False, frame_num=3), facts(bottom=True, frame_num=3)
    assert (top.structure, bottom.structure, top.number) == (Structure.TOP_FIELD, Structure.BOTTOM_FIELD, 3)
    assert is_field_pair(top, bottom)
    assert not is_field_pair(top, top)
    assert not is_field_pair(top, facts(bottom=True, frame_num=4))
    assert is_field_pair(facts(bottom=False, frame_num=0, idr=True), facts(bottom=True, frame_num=0))
    assert not is_field_pair(top, facts(bottom=True, frame_num=3, idr=True))


def test_a_packet_with_both_fields_is_a_frame(field_sets):
    packet = nal.join([field(bottom=False, frame_num=3, slice_type=7), field(bottom=True, frame_num=3)], LENGTHS)
    facts = h264.facts(packet, LENGTHS, field_sets)
    assert facts.structure is Structure.FRAME


def test_the_slice_types_of_all_slices_decide_whether_a_picture_is_intra(field_sets):
    def kind(*types):
        slices = [field(bottom=False, frame_num=1, slice_type=slice_type) for slice_type in types]
        return h264.facts(nal.join(slices, LENGTHS), LENGTHS, field_sets).kind

    assert kind(7) is INTRA
    assert kind(2, 2) is INTRA
    assert kind(2, 0) is OTHER
    assert kind(0, 2) is OTHER


@pytest.mark.parametrize(
    "damaged", [b"", b"\x01\x64\x00\x28\xff\xe1", b"\x01\x64\x00\x28\xff\xe1\x00\x20\x67", b"\x02" * 12]
)
def test_a_damaged_avcc_is_said_to_be_damaged(damaged):
    with pytest.raises(DamagedMedia):
        avcc.parse_avcc(damaged)
