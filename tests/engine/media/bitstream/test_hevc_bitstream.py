"""HEVC packets and parameter sets, against x265 and FFmpeg's decoder."""

from __future__ import annotations

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import hevc, hevc_ids, hvcc, nal, parameter_sets, sei
from engine.media.bitstream.hevc_sets import can_share, parse_pps, parse_sps, pps_ids_of, sps_ids_of, vps_id_of
from engine.media.bitstream.nal import Framing, reframed
from engine.model.frame_index import UnitKind

CODES, LENGTHS = Framing.START_CODES, Framing.LENGTH_4
OPEN_GOP = "keyint=16:min-keyint=16:open-gop=1:bframes=3:b-adapt=0:scenecut=0:ctu=32:ref=3"
# What follows decodes neither under the sets of OPEN_GOP nor under ids of its own alone.
DIFFERENT = "keyint=99:bframes=0:ctu=16:no-sao=1:weightp=0:ref=1:no-signhide=1:no-info=1"
# The SPS means the same; the PPS does not.
ALIKE = "keyint=99:bframes=0:ctu=32:ref=1:cbqpoffs=2:no-info=1"


def x265(params: str) -> dict[str, str]:
    return {"preset": "ultrafast", "x265-params": f"log-level=none:pools=1:frame-threads=1:{params}"}


def of_type(kind, extradata):
    return next(unit for unit in hvcc.units_of(extradata) if hevc.nal_type(unit[0]) == kind)


def prefixed(packets):
    return [reframed(packet, CODES, LENGTHS) for packet in packets]


def test_an_open_gop_is_an_idr_then_cras_with_leading_pictures(coded):
    clip = coded("libx265", 40, options=x265(OPEN_GOP))
    kinds = [hevc.unit_kind(packet, CODES) for packet in clip.packets]
    entries = [(clip.shows[n], kind) for n, kind in enumerate(kinds) if kind is not UnitKind.OTHER]
    assert entries == [(0, UnitKind.IDR), (16, UnitKind.CRA), (32, UnitKind.CRA)]
    leading = {clip.shows[n] for n, packet in enumerate(clip.packets) if hevc.is_leading(packet, CODES)}
    assert leading == {13, 14, 15, 29, 30, 31}


def test_a_closed_gop_has_idrs_and_radl_pictures_lead(coded):
    clip = coded("libx265", 20, options=x265("keyint=8:min-keyint=8:open-gop=0:bframes=3:b-adapt=0:scenecut=0:radl=2"))
    kinds = [hevc.unit_kind(packet, CODES) for packet in clip.packets]
    assert [clip.shows[n] for n, kind in enumerate(kinds) if kind is UnitKind.IDR] == [0, 8, 16]
    types = {hevc.picture_type(packet, CODES) for packet in clip.packets}
    assert types & {hevc.NAL_RADL_N, hevc.NAL_RADL_R}
    assert any(hevc.is_leading(packet, CODES) for packet in clip.packets)


@pytest.mark.parametrize(
    ("pix_fmt", "params", "expected"),
    [
        ("yuv420p", "ctu=64:min-cu-size=8:max-tu-size=16", {"ctu": 64, "min_cu": 8, "max_tu": 16, "luma_depth": 8}),
        ("yuv420p", "ctu=16:amp=1:rect=1:sao=1", {"ctu": 16, "amp": True, "sao": True}),
        ("yuv420p", "tu-inter-depth=2:tu-intra-depth=3", {"tu_inter_depth": 1, "tu_intra_depth": 2}),
        ("yuv420p", "log2-max-poc-lsb=11:no-temporal-mvp=1", {"poc_lsb_bits": 11, "temporal_mvp": False}),
        ("yuv420p", "scaling-list=default:strong-intra-smoothing=1",
         {"scaling_lists": True, "strong_intra_smoothing": True}),
        ("yuv420p", "temporal-layers=2:bframes=3:b-adapt=0", {"temporal_layers": 2}),
        ("yuv420p", "hrd=1:vbv-maxrate=500:vbv-bufsize=500:bitrate=300", {"chroma_format": 1}),
        ("yuv420p10le", "", {"luma_depth": 10, "chroma_depth": 10}),
        ("yuv422p10le", "", {"chroma_format": 2}),
        ("yuv444p", "", {"chroma_format": 3}),
    ],
)  # fmt: skip
def test_the_sequence_parameter_set_says_what_x265_was_told(coded, pix_fmt, params, expected):
    colour = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=full:sar=4:chromaloc=2"
    clip = coded("libx265", 1, pix_fmt=pix_fmt, size=(168, 100), options=x265(f"{colour}:{params}"))
    sps = parse_sps(of_type(hevc.NAL_SPS, clip.extradata))
    assert {name: getattr(sps, name) for name in expected} == expected
    assert (sps.width, sps.height) == (168, 100)
    assert sps.vui is not None
    assert (sps.vui.sar, sps.vui.full_range) == ((16, 11), True)
    assert (sps.vui.colour, sps.vui.tick, sps.vui.has_hrd) == ((9, 16, 9), (1, 25), "hrd=1" in params)


def test_the_picture_parameter_set_says_what_x265_was_told(coded):
    plain, rich = (
        parse_pps(of_type(hevc.NAL_PPS, coded("libx265", 1, options=x265(params)).extradata))
        for params in (
            "no-signhide=1:aq-mode=0:no-cutree=1:weightp=0:no-wpp=1:qp=30",
            "signhide=1:aq-mode=1:weightp=1:weightb=1:wpp=1:tskip=1:rd=4:cbqpoffs=2:crqpoffs=-3:constrained-intra=1",
        )
    )
    assert (plain.sign_hiding, plain.weighted_pred, plain.wavefronts, plain.transform_skip) == (False,) * 4
    assert (rich.sign_hiding, rich.weighted_pred, rich.weighted_bipred, rich.wavefronts) == (True,) * 4
    assert (rich.transform_skip, rich.constrained_intra, rich.cu_qp_delta) == (True,) * 3
    assert rich.chroma_qp_offsets == (2, -3)


# The first example makes the clip.
@settings(deadline=None)
@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 63))
def test_rewritten_ids_are_read_back_and_all_else_stays(coded, vps_id, sps_id, pps_id):
    extradata = coded("libx265", 1, size=(168, 100), options=x265("temporal-layers=2:bframes=3")).extradata
    vps, sps, pps = (of_type(kind, extradata) for kind in (hevc.NAL_VPS, hevc.NAL_SPS, hevc.NAL_PPS))
    moved = (
        hevc_ids.vps_with_id(vps, vps_id),
        hevc_ids.sps_with_ids(sps, sps_id, vps_id),
        hevc_ids.pps_with_ids(pps, pps_id, sps_id),
    )
    assert (vps_id_of(moved[0]), sps_ids_of(moved[1]), pps_ids_of(moved[2])) == (
        vps_id,
        (sps_id, vps_id),
        (pps_id, sps_id),
    )
    assert parse_sps(moved[1]).coding == parse_sps(sps).coding
    assert hevc_ids.vps_with_id(moved[0], 0) == vps
    assert hevc_ids.sps_with_ids(moved[1], 0, 0) == sps
    assert hevc_ids.pps_with_ids(moved[2], 0, 0) == pps


def splice(coded, decoded, own_params, pix_fmt="yuv420p", entry=hevc.cra_to_bla):
    """Put frames 5 to 15 of another encode into an open GOP, up to its CRA at frame 16, and decode it all."""
    source = coded("libx265", 40, pix_fmt=pix_fmt, options=x265(OPEN_GOP))
    own = coded("libx265", 11, first=5, pix_fmt=pix_fmt, options=x265(own_params))
    extradata = hvcc.hvcc_from_annexb(source.extradata)
    joined = hevc_ids.adaptation(hvcc.units_of(extradata), hvcc.units_of(own.extradata))
    there = prefixed(source.packets)
    new = [hevc_ids.rewritten(packet, LENGTHS, joined.ids.pps) for packet in prefixed(own.packets)]
    cra = source.packet_of(16)
    behind = [p for n, p in enumerate(there) if n > cra and not (n < cra + 4 and hevc.is_leading(p, LENGTHS))]
    merged = parameter_sets.merged_extradata("hevc", extradata, joined.added)
    frames = decoded("hevc", merged, [*there[:5], *new, entry(there[cra], LENGTHS), *behind])
    whole = decoded("hevc", source.extradata, source.packets)
    alone = decoded("hevc", own.extradata, own.packets)
    return joined, frames, whole[:5] + alone + whole[16:]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv422p10le"])
@pytest.mark.parametrize("slices", ["", ":slices=3", ":wpp=1"])
def test_frames_under_rewritten_ids_decode_beside_the_source(coded, decoded, pix_fmt, slices):
    joined, frames, expected = splice(coded, decoded, DIFFERENT + slices, pix_fmt)
    assert joined.ids == hevc_ids.SetIds(vps=1, sps=1, pps=15)
    assert len(joined.added) == 3
    assert frames == expected


def test_frames_with_the_same_tools_use_the_sequence_parameter_set_of_the_source(coded, decoded):
    joined, frames, expected = splice(coded, decoded, ALIKE)
    assert joined.ids == hevc_ids.SetIds(vps=0, sps=0, pps=15)
    assert [hevc.nal_type(unit[0]) for unit in joined.added] == [hevc.NAL_PPS]
    assert frames == expected


def test_frames_coded_as_the_source_is_need_no_set_at_all(coded, decoded):
    joined, frames, expected = splice(coded, decoded, "keyint=99:bframes=0:ctu=32:ref=1:no-info=1")
    assert (joined.ids, joined.added) == (hevc_ids.SetIds(vps=0, sps=0, pps=0), ())
    assert frames == expected


def test_without_ids_of_their_own_the_frames_would_not_decode(coded, decoded):
    source = coded("libx265", 40, options=x265(OPEN_GOP))
    own = coded("libx265", 11, first=5, options=x265(DIFFERENT))
    packets = prefixed([*source.packets[:5], *own.packets])
    alone = decoded("hevc", own.extradata, own.packets)
    try:
        frames = decoded("hevc", hvcc.hvcc_from_annexb(source.extradata), packets)
    except av.error.FFmpegError:
        frames = []
    assert not set(alone) <= set(frames)


def test_a_second_export_finds_the_sets_of_the_first(coded):
    source = hvcc.hvcc_from_annexb(coded("libx265", 40, options=x265(OPEN_GOP)).extradata)
    for params in (DIFFERENT, ALIKE):
        own = hvcc.units_of(coded("libx265", 11, first=5, options=x265(params)).extradata)
        first = hevc_ids.adaptation(hvcc.units_of(source), own)
        merged = hvcc.merge_hvcc(source, first.added)
        again = hevc_ids.adaptation(hvcc.units_of(merged), own)
        assert (again.ids, again.sets, again.added) == (first.ids, first.sets, ())
        assert hvcc.merge_hvcc(merged, first.added) == merged


def test_sets_that_the_source_has_byte_for_byte_add_nothing(coded):
    units = hvcc.units_of(coded("libx265", 40, options=x265(OPEN_GOP)).extradata)
    assert hevc_ids.adaptation(units, units) == hevc_ids.Adaptation(hevc_ids.SetIds(0, 0, 0), tuple(units[:3]), ())


def test_ids_taken_within_the_packets_are_not_given_out(coded):
    clip = coded("libx265", 1, options=x265(OPEN_GOP))
    own = hvcc.units_of(coded("libx265", 11, first=5, options=x265(DIFFERENT)).extradata)
    vps, sps, pps = (of_type(kind, clip.extradata) for kind in (hevc.NAL_VPS, hevc.NAL_SPS, hevc.NAL_PPS))
    in_band = [
        nal.join([hevc_ids.sps_with_ids(sps, 1, 0), *(hevc_ids.pps_with_ids(pps, n, 0) for n in range(15, 20))], CODES)
    ]
    taken = [vps, sps, pps, *parameter_sets.units_in("hevc", in_band, CODES)]
    assert hevc_ids.adaptation(taken, own).ids == hevc_ids.SetIds(vps=1, sps=2, pps=20)
    full = [vps, sps, *(hevc_ids.pps_with_ids(pps, n, 0) for n in range(64))]
    with pytest.raises(UnsupportedMedia, match="no id free for another picture parameter set"):
        hevc_ids.adaptation(full, own)


def test_a_code_of_other_than_whole_bytes_more_is_refused(coded):
    packet = coded("libx265", 11, first=5, options=x265(DIFFERENT)).packets[0]
    with pytest.raises(UnsupportedMedia, match="by 2 bits"):
        hevc_ids.rewritten(packet, CODES, 1)


def test_sps_differ_where_slices_would_be_read_differently(coded):
    def sps(params, size=(160, 96)):
        return parse_sps(of_type(hevc.NAL_SPS, coded("libx265", 1, size=size, options=x265(params)).extradata))

    source = sps("ctu=32:bframes=3:b-adapt=0:range=full:colorprim=bt709")
    assert can_share(source, sps("ctu=32:bframes=0"))
    assert not can_share(sps("ctu=32:bframes=0:ref=1"), sps("ctu=32:bframes=3:ref=4:b-pyramid=1"))
    for other in ("ctu=16", "ctu=32:sao=1", "ctu=32:log2-max-poc-lsb=10", "ctu=32:no-temporal-mvp=1"):
        assert not can_share(source, sps(f"bframes=0:{other}"))
    assert not can_share(source, sps("ctu=32:bframes=0", size=(160, 104)))


def test_a_cra_becomes_a_bla_in_its_type_alone(coded):
    clip = coded("libx265", 40, options=x265(OPEN_GOP + ":slices=3"))
    cra = prefixed(clip.packets)[clip.packet_of(16)]
    bla = hevc.cra_to_bla(cra, LENGTHS)
    changed = [(old, new) for old, new in zip(cra, bla, strict=True) if old != new]
    assert changed == [(hevc.NAL_CRA << 1, hevc.NAL_BLA_N_LP << 1)] * 3
    assert hevc.unit_kind(bla, LENGTHS) is UnitKind.BLA
    assert hevc.cra_to_bla(bla, LENGTHS) == bla


def test_a_cra_that_would_throw_away_earlier_pictures_does_not_as_a_bla():
    # first_slice_segment_in_pic_flag 1, no_output_of_prior_pics_flag 1; then bytes that need escaping once it is 0.
    cra = b"\x2a\x01\xc0\x00\x00\x03\x01\x80"
    bla = nal.split(hevc.cra_to_bla(nal.join([cra], LENGTHS), LENGTHS), LENGTHS)[0]
    assert bla == b"\x24\x01\x80\x00\x00\x03\x01\x80"
    cra = b"\x2a\x01\x40\x00\x01\x80"
    bla = nal.split(hevc.cra_to_bla(nal.join([cra], LENGTHS), LENGTHS), LENGTHS)[0]
    assert nal.unescaped(bla) == b"\x24\x01\x00\x00\x01\x80"
    assert b"\x00\x00\x01" not in bla


def test_slices_of_another_layer_do_not_name_the_picture():
    other_layer, base = b"\x2a\x09\x80\x00\x80", b"\x02\x01\x80\x00\x80"
    assert hevc.picture_type(nal.join([other_layer, base], LENGTHS), LENGTHS) == 1
    assert hevc.picture_type(nal.join([other_layer], LENGTHS), LENGTHS) is None


def test_an_hvcc_is_written_as_ffmpeg_reads_it_and_read_back(coded, decoded):
    clip = coded("libx265", 11, first=5, pix_fmt="yuv422p10le", options=x265(DIFFERENT))
    extradata = hvcc.hvcc_from_annexb(clip.extradata)
    record = hvcc.parse_hvcc(extradata)
    assert hvcc.serialised(record) == extradata
    assert [(array.nal_type, array.complete, len(array.units)) for array in record.arrays] == [
        (32, True, 1), (33, True, 1), (34, True, 1)
    ]  # fmt: skip
    assert (record.head[16] & 3, record.head[17] & 7, record.head[18] & 7) == (2, 2, 2)
    assert decoded("hevc", extradata, prefixed(clip.packets)) == decoded("hevc", clip.extradata, clip.packets)


def test_merging_widens_what_the_record_promises(coded):
    low, high = (
        coded("libx265", 1, pix_fmt=fmt, options=x265(params)) for fmt, params in
        (("yuv420p", "level-idc=2"), ("yuv420p", "level-idc=4:ctu=16"))
    )  # fmt: skip
    source = hvcc.hvcc_from_annexb(low.extradata)
    joined = hevc_ids.adaptation(hvcc.units_of(source), hvcc.units_of(high.extradata))
    merged = hvcc.parse_hvcc(hvcc.merge_hvcc(source, joined.added))
    assert (source[12], merged.head[12]) == (60, 120)
    assert [len(array.units) for array in merged.arrays] == [2, 2, 2]
    assert all(array.complete for array in merged.arrays)


def test_sets_of_another_bit_depth_cannot_join_an_hvcc(coded):
    eight, ten = (coded("libx265", 1, pix_fmt=fmt, options=x265("")) for fmt in ("yuv420p", "yuv420p10le"))
    joined = hevc_ids.adaptation(hvcc.units_of(eight.extradata), hvcc.units_of(ten.extradata))
    with pytest.raises(UnsupportedMedia, match="bit depths"):
        hvcc.merge_hvcc(hvcc.hvcc_from_annexb(eight.extradata), joined.added)


def test_the_settings_of_x265_are_read_from_its_note(coded):
    clip = coded("libx265", 1, options=x265("ctu=32:no-sao=1:ref=2"))
    settings = hevc.encoder_settings(clip.extradata, clip.packets)
    assert (settings["encoder"], settings["ctu"], settings["sao"], settings["ref"]) == ("x265", "32", "0", "2")
    assert int(settings["build"]) > 100
    silent = coded("libx265", 1, options=x265("no-info=1"))
    assert hevc.encoder_settings(silent.extradata, silent.packets) == {}


def test_messages_that_name_a_parameter_set_are_left_out(coded):
    options = x265("hrd=1:vbv-maxrate=500:vbv-bufsize=500:bitrate=300:no-info=1:repeat-headers=1:aud=1")
    packet = coded("libx265", 1, options=options).packets[0]

    def messages(units):
        return [kind for unit in units if unit[0] >> 1 == hevc.NAL_PREFIX_SEI for kind, _ in sei.messages(unit, 2)]

    before, after = nal.split(packet, CODES), nal.split(hevc_ids.rewritten(packet, CODES, 15), CODES)
    assert set(messages(before)) - set(messages(after)) == {0, 129}
    assert [hevc.nal_type(unit[0]) for unit in after] == [hevc.NAL_AUD, hevc.NAL_PREFIX_SEI, hevc.NAL_IDR_N_LP]


@pytest.mark.parametrize("damaged", [b"", b"\x01" * 22, b"\x01" + b"\0" * 21 + b"\x01", b"\x01" * 40])
def test_a_damaged_hvcc_is_said_to_be_damaged(damaged):
    with pytest.raises(DamagedMedia):
        hvcc.parse_hvcc(damaged)
