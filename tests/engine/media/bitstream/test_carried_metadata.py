"""Captions, dynamic HDR and camera notes move from a source's packet to the new one of the same frame."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest

from engine.media.bitstream import carried, hevc, mpeg2, nal, sei
from engine.media.bitstream.nal import Framing, reframed

CODES, LENGTHS = Framing.START_CODES, Framing.LENGTH_4
# ATSC A/53 part 4, 6.2: the United States, its provider, "GA94", captions, one triplet that says "AB", an end mark.
CAPTION = bytes.fromhex("b5 0031 47413934 03 41 ff fc c1c2 ff")
CAMERA = bytes.fromhex("17ee8c60f84d11d98cd60800200c9a66") + b"MDPM" + bytes(300)
NOTE = bytes(16) + b"x264 - core 164 - options: cabac=1"


def side_data(codec, extradata, packets):
    """Return the kinds of side data on each decoded frame, and their bytes."""
    context = av.VideoCodecContext.create(codec, "r")
    context.thread_count = 1
    context.extradata = extradata or None
    frames = [frame for data in [*packets, None] for frame in context.decode(data and av.Packet(data))]
    return [{str(item.type).split(".")[-1]: bytes(item) for item in frame.side_data} for frame in frames]


def messages(packet, framing, header, header_bytes):
    return [
        message
        for unit in nal.split(packet, framing)
        if unit[0] == header
        for message in sei.messages(unit, header_bytes)
    ]


@pytest.mark.parametrize("framing", [CODES, LENGTHS])
def test_captions_of_h264_come_out_of_the_decoder_again(coded, framing):
    options = {"preset": "veryfast", "tune": "zerolatency", "x264-params": "slices=2:annexb=1"}
    clip = coded("libx264", 3, options=options)
    packets = [reframed(packet, CODES, framing) for packet in clip.packets]
    source = nal.join([sei.message_unit(b"\x06", sei.REGISTERED, CAPTION), b"\x41\x9a\x80"], framing)
    new = carried.with_carried("h264", packets[1], source, framing)
    found = side_data("h264", clip.extradata, [reframed(p, framing, CODES) for p in (packets[0], new, packets[2])])
    assert [frame.get("A53_CC") for frame in found] == [None, CAPTION[10:13], None]
    assert carried.with_carried("h264", new, source, framing) == new


def test_captions_of_hevc_come_out_of_the_decoder_again(coded):
    options = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:bframes=0"}
    clip = coded("libx265", 2, options=options)
    source = nal.join([sei.message_unit(b"\x4e\x01", sei.REGISTERED, CAPTION), b"\x02\x01\xd0\x80"], CODES)
    new = carried.with_carried("hevc", clip.packets[1], source, CODES)
    found = side_data("hevc", clip.extradata, [clip.packets[0], new])
    assert [frame.get("A53_CC") for frame in found] == [None, CAPTION[10:13]]


def test_captions_of_mpeg2_come_out_of_the_decoder_again(coded):
    clip = coded("mpeg2video", 2, bframes=0)
    user_data = b"\x00\x00\x01\xb2" + CAPTION[3:]
    at = clip.packets[1].index(b"\x00\x00\x01\x01")
    source = clip.packets[1][:at] + user_data + clip.packets[1][at:]
    assert mpeg2.picture_user_data(source) == user_data
    new = carried.with_carried("mpeg2video", clip.packets[1], source, CODES)
    assert new == source
    found = side_data("mpeg2video", clip.extradata, [clip.packets[0], new])
    assert [frame.get("A53_CC") for frame in found] == [None, CAPTION[10:13]]


def test_notes_of_the_camera_are_kept_and_notes_of_the_encoder_are_not():
    source = nal.join(
        [sei.message_unit(b"\x06", sei.UNREGISTERED, payload) for payload in (NOTE, CAMERA)] + [b"\x41\x9a\x80"], CODES
    )
    new = carried.with_carried("h264", nal.join([b"\x09\xf0", b"\x65\x88\x80"], CODES), source, CODES)
    assert [unit[0] & 31 for unit in nal.split(new, CODES)] == [9, 6, 5]
    assert messages(new, CODES, 6, 1) == [(sei.UNREGISTERED, CAMERA)]


def test_dolby_vision_stays_behind_the_slices():
    rpu = b"\x7c\x01\x19\x08\x09"
    source = nal.join([b"\x02\x01\xd0\x80", rpu], LENGTHS)
    new = carried.with_carried("hevc", nal.join([b"\x26\x01\xaf\x80"], LENGTHS), source, LENGTHS)
    assert nal.split(new, LENGTHS) == [b"\x26\x01\xaf\x80", rpu]


def test_a_packet_gets_nothing_where_there_is_nothing_to_carry(coded):
    clip = coded("libx264", 3, options={"preset": "veryfast"})
    assert carried.with_carried("h264", clip.packets[1], clip.packets[0], CODES) == clip.packets[1]
    assert carried.with_carried("vp9", b"\x82", b"\x82", CODES) == b"\x82"


@pytest.mark.media
@pytest.mark.parametrize(
    ("file", "kind"),
    [("hdr10_pq_hevc_1080p.mp4", "DYNAMIC_HDR_PLUS"), ("iphone14pro_hevc_hlg_dovi_rot90.mov", "DOVI_RPU_BUFFER")],
)
def test_dynamic_hdr_of_real_clips_is_read_from_the_new_frames(media, file, kind):
    with av.open(str(media / file)) as container:
        stream = container.streams.video[0]
        source = [bytes(packet) for packet in container.demux(stream) if packet.size][:3]
        extradata = bytes(stream.codec_context.extradata)
    context = av.VideoCodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = 320, 192, "yuv420p10le"
    context.time_base, context.framerate = Fraction(1, 24), Fraction(24)
    context.flags |= 1 << 22
    context.options = {"preset": "ultrafast", "x265-params": "log-level=none:bframes=0:no-info=1"}
    picture = av.VideoFrame(320, 192, "yuv420p10le")
    new = [bytes(packet) for frame in (picture, None) for packet in context.encode(frame)]
    framed = reframed(new[0], CODES, LENGTHS)
    joined = carried.with_carried("hevc", framed, source[0], LENGTHS)
    theirs = side_data("hevc", extradata, source[:1])
    ours = side_data("hevc", bytes(context.extradata), [reframed(joined, LENGTHS, CODES)])
    assert kind not in side_data("hevc", bytes(context.extradata), new)[0]
    assert ours[0][kind] == theirs[0][kind]
    assert hevc.unit_kind(joined, LENGTHS) is hevc.unit_kind(framed, LENGTHS)
