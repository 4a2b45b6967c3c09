"""Classification of packets of every codec: real clips, and bytes that make no sense."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import (
    av1,
    av1_sequence,
    avcc,
    h264,
    h264_sets,
    hevc,
    hevc_ids,
    hevc_sets,
    hvcc,
    mpeg2,
    mpeg4,
    nal,
    parameter_sets,
    sei,
    vp9,
)
from engine.media.bitstream.facts import UnitFacts
from engine.media.bitstream.nal import Framing
from engine.media.bitstream.units import classify, is_known
from engine.model.frame_index import UnitKind

CODECS = ("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vp8", "vp9", "av1", "ffv1", "prores", "mjpeg", "dnxhd")
SOURCES = {
    "h264": ("libx264", {"preset": "veryfast", "x264-params": "open-gop=1:keyint=8:bframes=2:interlaced=1"}),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:open-gop=1:keyint=8:bframes=2"}),
    "mpeg2video": ("mpeg2video", {}),
    "mpeg4": ("mpeg4", {}),
    "vp8": ("libvpx", {"deadline": "realtime"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime"}),
    "av1": ("libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}),
    "ffv1": ("ffv1", {}),
}


def outcome(call, *arguments) -> object:
    """Return what a call gives, or the kind of error it ends with."""
    try:
        return call(*arguments)
    except Exception as error:
        return type(error)


@settings(deadline=None)
@given(st.sampled_from(CODECS), st.binary(max_size=200))
def test_any_bytes_are_classified_and_raise_nothing(codec, packet):
    assert isinstance(classify(codec, packet, b""), UnitFacts)


@settings(deadline=None)
@given(st.sampled_from(CODECS), st.binary(max_size=60), st.binary(max_size=60))
def test_any_extradata_at_most_is_damage(codec, packet, extradata):
    found = outcome(classify, codec, packet, extradata)
    assert found is DamagedMedia or isinstance(found, UnitFacts)


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2video", "mpeg4", "vp8", "vp9", "av1"])
@pytest.mark.parametrize("garbage", [b"this is no film" * 20, b"\x00" * 300, b"\xff" * 300])
def test_garbage_is_no_entry(codec, garbage):
    assert classify(codec, garbage, b"").kind is UnitKind.OTHER


@pytest.mark.parametrize("codec", SOURCES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_packets_raise_nothing(coded, codec, data):
    encoder, options = SOURCES[codec]
    clip = coded(encoder, 12, bframes=None, options=options)
    extradata = clip.extradata
    if codec == "h264":
        extradata = avcc.avcc_from_annexb(extradata)
    framed = [nal.reframed(p, Framing.START_CODES, Framing.LENGTH_4) if codec == "h264" else p for p in clip.packets]
    packet = bytearray(data.draw(st.sampled_from(framed))[:400])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(packet) - 1), st.integers(0, 255)), max_size=8)):
        packet[at] = value
    cut = data.draw(st.integers(0, len(packet)))
    assert isinstance(classify(codec, bytes(packet[:cut]), extradata), UnitFacts)


READERS = {
    "H.264 SPS": h264_sets.parse_sps,
    "H.264 PPS": h264_sets.parse_pps,
    "H.264 SPS id": lambda data: h264_sets.sps_with_id(data, 3),
    "H.264 PPS ids": lambda data: h264_sets.pps_with_ids(data, 3, 3),
    "H.264 recovery point": h264.recovery_point,
    "H.264 ids": lambda data: h264.free_id(data, [data]),
    "avcC": avcc.parse_avcc,
    "avcC merge": lambda data: avcc.merge_avcc(data, [], []),
    "HEVC SPS": hevc_sets.parse_sps,
    "HEVC PPS": hevc_sets.parse_pps,
    "HEVC SPS ids": lambda data: hevc_ids.sps_with_ids(data, 3, 3),
    "HEVC PPS ids": lambda data: hevc_ids.pps_with_ids(data, 3, 3),
    "HEVC VPS id": lambda data: hevc_ids.vps_with_id(data, 3),
    "HEVC slice": lambda data: hevc_ids.rewritten(
        nal.join([b"\x02\x01" + data], Framing.LENGTH_4), Framing.LENGTH_4, 15
    ),
    "HEVC settings": lambda data: hevc.encoder_settings(data, [data]),
    "CRA": lambda data: hevc.cra_to_bla(nal.join([b"\x2a" + data], Framing.LENGTH_4), Framing.LENGTH_4),
    "hvcC": hvcc.parse_hvcc,
    "SEI": lambda data: sei.encoder_settings([data], 1),
    "H.264 sets": lambda data: parameter_sets.units_of("h264", data),
    "MPEG-2 sequence": lambda data: mpeg2.parse_sequence(b"\x00\x00\x01\xb3" + data),
    "MPEG-4 layer": lambda data: mpeg4.parse_layer(b"\x00\x00\x01\x20" + data),
    "MPEG-4 headers": mpeg4.header_bytes,
    "VP9": lambda data: vp9.frames(data + b"\xc9"),
    "AV1": lambda data: av1_sequence.parse_sequence(b"\x0a" + bytes((len(data) & 127,)) + data),
    "AV1 units": lambda data: list(av1.obus(data)),
}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=150, deadline=None)
@given(data=st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(lambda tail: b"\x67\x64\x00\x28" + tail),
                      st.binary(max_size=60).map(lambda tail: b"\x01\x64\x00\x28\xff\xe1\x00\x04" + tail)))  # fmt: skip
def test_readers_of_any_bytes_raise_damage_and_nothing_else(name, data):
    found = outcome(READERS[name], data)
    assert not isinstance(found, type) or found in (DamagedMedia, UnsupportedMedia)


def test_packets_of_codecs_that_are_not_known_are_other():
    assert not is_known("wmv2")
    assert classify("wmv2", b"\x00" * 10, b"") == UnitFacts(UnitKind.OTHER)
    assert all(is_known(codec) for codec in CODECS)


def test_an_empty_packet_is_other():
    assert {classify(codec, b"", b"") for codec in CODECS} == {UnitFacts(UnitKind.OTHER)}


def catalogued(media):
    for entry in json.loads((media / "catalog.json").read_text())["files"]:
        with av.open(str(media / entry["file"])) as container:
            stream = container.streams.video[0]
            packets = [(bytes(packet), packet.is_keyframe) for packet in container.demux(stream) if packet.size]
            yield entry, bytes(stream.codec_context.extradata or b""), packets


@pytest.mark.media
def test_every_keyframe_of_every_real_clip_is_told_from_every_other_frame(media):
    differing = []
    seen = 0
    for entry, extradata, packets in catalogued(media):
        codec, gop = entry["video"]["codec"], entry["gop"]
        if not is_known(codec):
            continue
        seen += 1
        kinds = Counter(classify(codec, packet, extradata).kind for packet, _ in packets)
        entries = sum(kinds.values()) - kinds[UnitKind.OTHER] - kinds[UnitKind.INTRA]
        found = {"keyframes": entries}
        if codec == "h264":
            found |= {"h264_idr": kinds[UnitKind.IDR], "h264_nonidr_keys": kinds[UnitKind.RECOVERY]}
        expected = {name: gop[name] for name in found}
        marked = [key for _, key in packets]
        ours = [
            classify(codec, packet, extradata).kind not in (UnitKind.OTHER, UnitKind.INTRA) for packet, _ in packets
        ]
        if found != expected or marked != ours:
            differing.append((entry["file"], found, expected))
    assert differing == []
    assert seen > 40


@pytest.mark.media
def test_the_nal_unit_types_of_every_real_hevc_clip_are_those_of_the_catalogue(media):
    counted = {}
    expected = {}
    for entry, extradata, packets in catalogued(media):
        if entry["video"]["codec"] != "hevc":
            continue
        framing = hevc.framing(extradata)
        types = Counter(hevc.nal_type(unit[0]) for packet, _ in packets for unit in nal.split(packet, framing))
        counted[entry["file"]] = {str(kind): count for kind, count in sorted(types.items()) if kind < 32}
        expected[entry["file"]] = entry["gop"]["hevc_nal_types"]
        leading = sum(hevc.is_leading(packet, framing) for packet, _ in packets)
        assert leading == entry["gop"]["leading_packets"]
    assert counted == expected
    assert expected


@pytest.mark.media
def test_the_parameter_sets_of_every_real_clip_are_read_rewritten_and_written_back(media):
    seen = Counter()
    for entry, extradata, packets in catalogued(media):
        codec, size = entry["video"]["codec"], (entry["video"]["width"], entry["video"]["height"])
        if codec not in ("h264", "hevc"):
            continue
        framing = parameter_sets.framing(codec, extradata)
        if framing is not Framing.START_CODES:
            again = (
                avcc.serialised(avcc.parse_avcc(extradata))
                if codec == "h264"
                else hvcc.serialised(hvcc.parse_hvcc(extradata))
            )
            assert again == extradata
        in_band = parameter_sets.units_in(codec, (packet for packet, _ in packets), framing)
        for unit in [*parameter_sets.units_of(codec, extradata), *in_band]:
            kind = unit[0] & 31 if codec == "h264" else hevc.nal_type(unit[0])
            seen[codec, kind] += 1
            if (codec, kind) == ("h264", h264.NAL_SPS):
                sps = h264_sets.parse_sps(unit)
                assert (sps.width, sps.height) == size
                assert h264_sets.sps_with_id(h264_sets.sps_with_id(unit, 31), sps.sps_id) == unit
            elif (codec, kind) == ("h264", h264.NAL_PPS):
                pps = h264_sets.parse_pps(unit)
                assert h264_sets.pps_with_ids(h264_sets.pps_with_ids(unit, 255, 31), pps.pps_id, pps.sps_id) == unit
            elif (codec, kind) == ("hevc", hevc.NAL_SPS):
                parsed = hevc_sets.parse_sps(unit)
                assert (parsed.width, parsed.height) == size
                moved = hevc_ids.sps_with_ids(unit, 15, 15)
                assert hevc_ids.sps_with_ids(moved, parsed.sps_id, parsed.vps_id) == unit
            elif (codec, kind) == ("hevc", hevc.NAL_PPS):
                parsed_pps = hevc_sets.parse_pps(unit)
                moved = hevc_ids.pps_with_ids(unit, 63, 15)
                assert hevc_ids.pps_with_ids(moved, parsed_pps.pps_id, parsed_pps.sps_id) == unit
    assert seen["h264", h264.NAL_SPS] > 20
    assert seen["hevc", hevc.NAL_SPS] >= 6


# What an iPhone's encoder does, in the words of x265: its slices then mean the same under the phone's own SPS.
LIKE_A_PHONE = (
    "ctu=32:min-cu-size=8:max-tu-size=32:tu-inter-depth=2:tu-intra-depth=1:scaling-list=default:no-amp=1:sao=1"
    ":log2-max-poc-lsb=11:no-strong-intra-smoothing=1:bframes=0:ref=1"
)


@pytest.mark.media
@pytest.mark.parametrize(("params", "sps_id"), [(LIKE_A_PHONE, 0), ("ctu=64:bframes=0:ref=1", 1)])
def test_new_frames_decode_in_front_of_the_cra_of_a_real_phone(media, decoded, params, sps_id):
    with av.open(str(media / "iphone14pro_hevc_hlg_dovi_rot90.mov")) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        extradata = bytes(stream.codec_context.extradata)
    data = [bytes(packet) for packet in packets]
    order = sorted(packet.pts for packet in packets)
    ranks = [order.index(packet.pts) for packet in packets]
    cra = next(n for n, packet in enumerate(data) if hevc.unit_kind(packet, Framing.LENGTH_4) is UnitKind.CRA)
    start = next(n for n in range(cra - 3, 0, -1) if sorted(ranks[:n]) == list(range(n)))
    context = av.VideoCodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = 1920, 1088, "yuv420p10le"
    context.time_base, context.framerate = Fraction(1, 24), Fraction(24)
    context.flags |= 1 << 22
    context.options = {"preset": "ultrafast", "x265-params": f"log-level=none:no-info=1:{params}"}
    new = []
    for number in [*range(ranks[cra] - start), None]:
        picture = None
        if number is not None:
            picture = av.VideoFrame.from_ndarray(np.full((1632, 1920), 200 + 40 * number, np.uint16), "yuv420p10le")
            picture.pts = number
        new += [bytes(packet) for packet in context.encode(picture)]
    joined = hevc_ids.adaptation(hvcc.units_of(extradata), hvcc.units_of(bytes(context.extradata)))
    assert joined.ids.sps == sps_id
    framed = [nal.reframed(packet, Framing.START_CODES, Framing.LENGTH_4) for packet in new]
    spliced = [
        *data[:start],
        *(hevc_ids.rewritten(packet, Framing.LENGTH_4, joined.ids.pps) for packet in framed),
        hevc.cra_to_bla(data[cra], Framing.LENGTH_4),
        *(p for n, p in enumerate(data) if n > cra and not hevc.is_leading(p, Framing.LENGTH_4)),
    ]
    merged = parameter_sets.merged_extradata("hevc", extradata, joined.added)
    frames = decoded("hevc", merged, spliced)
    whole = decoded("hevc", extradata, data)
    assert len(frames) == len(whole)
    assert frames[:start] == whole[:start]
    assert frames[ranks[cra] :] == whole[ranks[cra] :]
    assert not set(frames[start : ranks[cra]]) & set(whole)
