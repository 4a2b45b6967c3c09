"""MPEG-2 and MPEG-4 part 2 packets, against FFmpeg's encoders and decoders."""

from __future__ import annotations

import pytest

from engine.errors import DamagedMedia
from engine.media.bitstream import mpeg2, mpeg4
from engine.media.bitstream.bits import BitWriter
from engine.media.bitstream.facts import Structure, UnitFacts, is_field_pair
from engine.model.frame_index import UnitKind

CLOSED_GOP, INTERLACED, GLOBAL_HEADER, QPEL = 1 << 31, 1 << 18 | 1 << 29, 1 << 22, 1 << 4
STEADY = {"sc_threshold": "1000000000"}
IDR, OPEN_I, OTHER = UnitKind.IDR, UnitKind.OPEN_I, UnitKind.OTHER


def entries(clip, kinds):
    return [(clip.shows[n], kind) for n, kind in enumerate(kinds) if kind is not OTHER]


def head_cut(clip, frame):
    """Return the last place where the packets so far show exactly the first frames, none of them from `frame` on."""
    return max(n for n in range(frame + 1) if sorted(clip.shows[:n]) == list(range(n)))


def without_leading(clip, entry):
    first = clip.shows[entry]
    return [packet for n, packet in enumerate(clip.packets) if n >= entry and clip.shows[n] >= first]


@pytest.mark.parametrize("encoder", ["mpeg2video", "mpeg1video"])
def test_an_open_group_starts_with_an_open_i(coded, encoder):
    clip = coded(encoder, 40, bframes=2, gop=12, options=STEADY)
    kinds = [mpeg2.unit_kind(packet) for packet in clip.packets]
    assert entries(clip, kinds) == [(0, IDR), (12, OPEN_I), (24, OPEN_I), (36, OPEN_I)]
    groups = [mpeg2.group(packet) for packet in clip.packets]
    assert [group for group in groups if group] == [mpeg2.Group(True, False)] + 3 * [mpeg2.Group(False, False)]


def test_a_closed_group_starts_with_an_idr(coded):
    clip = coded("mpeg2video", 40, bframes=2, gop=12, options=STEADY, flags=CLOSED_GOP)
    kinds = [mpeg2.unit_kind(packet) for packet in clip.packets]
    assert set(kinds) == {IDR, OTHER}
    assert kinds.count(IDR) >= 3


def test_an_i_picture_without_a_group_header_is_an_open_i(coded):
    packet = coded("mpeg2video", 40, bframes=2, gop=12, options=STEADY).packets[0]
    bare = packet[packet.index(b"\x00\x00\x01\x00") :]
    assert mpeg2.facts(bare) == UnitFacts(OPEN_I, number=0)
    assert mpeg2.group(bare) is None


def test_the_sequence_header_says_what_the_encoder_was_told(coded):
    progressive = mpeg2.parse_sequence(coded("mpeg2video", 2, size=(176, 100)).packets[0])
    assert (progressive.width, progressive.height, progressive.rate) == (176, 100, 3)
    assert (progressive.progressive, progressive.chroma_format, progressive.profile_level) == (True, 1, 0x48)
    wide = coded("mpeg2video", 2, pix_fmt="yuv422p", flags=INTERLACED)
    sequence = mpeg2.parse_sequence(wide.packets[0])
    assert (sequence.progressive, sequence.chroma_format) == (False, 2)
    assert (sequence.intra_matrix, sequence.inter_matrix) == (None, None)
    assert mpeg2.parse_sequence(coded("mpeg1video", 2).packets[0]).profile_level is None


def test_quantiser_matrices_are_read_from_the_sequence_header():
    writer = BitWriter()
    for value, bits in ((0x000001B3, 32), (704, 12), (576, 12), (3, 4), (3, 4), (37500, 18), (1, 1), (112, 10), (0, 1)):
        writer.bits(value, bits)
    intra = bytes(range(8, 72))
    writer.bits(1, 1)
    writer.bits(int.from_bytes(intra, "big"), 512)
    writer.bits(0, 1)
    sequence = mpeg2.parse_sequence(writer.aligned())
    assert (sequence.width, sequence.height, sequence.bit_rate, sequence.vbv_size) == (704, 576, 37500, 112)
    assert (sequence.intra_matrix, sequence.inter_matrix) == (intra, None)


def test_the_sequence_header_is_cut_out_with_its_extension(coded):
    packet = coded("mpeg2video", 40, bframes=2, gop=12, options=STEADY).packets[0]
    header = mpeg2.sequence_bytes(packet)
    assert header is not None
    assert packet.startswith(header + b"\x00\x00\x01\xb8")
    assert b"\x00\x00\x01\xb5" in header
    assert mpeg2.sequence_bytes(packet[len(header) :]) is None
    assert mpeg2.sequence_bytes(header) == header
    with pytest.raises(DamagedMedia, match="no MPEG sequence header"):
        mpeg2.parse_sequence(packet[len(header) :])


def test_a_picture_that_loads_matrices_is_noticed(coded):
    packet = coded("mpeg2video", 2).packets[0]
    at = packet.index(b"\x00\x00\x01\x01")
    with_matrices = packet[:at] + b"\x00\x00\x01\xb5\x38" + packet[at:]
    assert not mpeg2.has_matrix_extension(packet)
    assert mpeg2.has_matrix_extension(with_matrices)


@pytest.mark.parametrize("entry_as", [lambda packet: packet, mpeg2.with_closed_group])
def test_an_open_i_is_an_entry_once_its_leading_pictures_are_gone(coded, decoded, entry_as):
    clip = coded("mpeg2video", 40, bframes=2, gop=12, options=STEADY)
    entry = clip.packet_of(12)
    start = head_cut(clip, 6)
    own = coded("mpeg2video", 12 - start, first=start, bframes=0, gop=99, options=STEADY, flags=CLOSED_GOP)
    whole = decoded("mpeg2video", clip.extradata, clip.packets)
    rest = without_leading(clip, entry)
    frames = decoded("mpeg2video", clip.extradata, [*clip.packets[:start], *own.packets, entry_as(rest[0]), *rest[1:]])
    assert frames == whole[:start] + decoded("mpeg2video", own.extradata, own.packets) + whole[12:]


def test_a_group_whose_leading_pictures_are_gone_is_marked_closed(coded):
    clip = coded("mpeg2video", 40, bframes=2, gop=12, options=STEADY)
    packet = clip.packets[clip.packet_of(12)]
    closed = mpeg2.with_closed_group(packet)
    assert mpeg2.unit_kind(closed) is IDR
    assert mpeg2.group(closed) == mpeg2.Group(closed=True, broken_link=False)
    assert sum(a != b for a, b in zip(packet, closed, strict=True)) == 1
    no_group = clip.packets[1]
    assert mpeg2.with_closed_group(no_group) == no_group


def picture(*, structure: int, coding_type: int, number: int) -> bytes:
    """Write the headers of an MPEG-2 picture and the start of its first slice."""
    writer = BitWriter()
    for value, bits in ((0x00000100, 32), (number, 10), (coding_type, 3), (0xFFFF, 16), (0, 3),
                        (0x000001B5, 32), (8, 4), (0x1111, 16), (0, 2), (structure, 2), (0, 8),
                        (0x00000101, 32), (0x12, 8)):  # fmt: skip
        writer.bits(value, bits)
    return writer.aligned()


def test_two_packets_with_a_field_each_make_a_frame():
    top = mpeg2.facts(picture(structure=1, coding_type=1, number=5))
    bottom = mpeg2.facts(picture(structure=2, coding_type=2, number=5))
    assert (top.structure, bottom.structure) == (Structure.TOP_FIELD, Structure.BOTTOM_FIELD)
    assert is_field_pair(top, bottom)
    assert not is_field_pair(top, mpeg2.facts(picture(structure=2, coding_type=2, number=6)))


def test_a_packet_with_both_fields_is_a_frame():
    both = picture(structure=1, coding_type=1, number=5) + picture(structure=2, coding_type=2, number=5)
    assert mpeg2.facts(both) == UnitFacts(OPEN_I, structure=Structure.FRAME, number=5)


def test_an_mpeg4_i_picture_is_open_where_b_pictures_may_lead(coded):
    clip = coded("mpeg4", 40, bframes=2, gop=12, options=STEADY)
    kinds = [mpeg4.unit_kind(packet, clip.extradata) for packet in clip.packets]
    assert entries(clip, kinds) == [(0, OPEN_I), (12, OPEN_I), (24, OPEN_I), (36, OPEN_I)]


def test_an_mpeg4_i_picture_is_an_idr_where_there_are_no_b_pictures_or_the_group_is_closed(coded):
    simple = coded("mpeg4", 24, bframes=0, gop=12, options=STEADY)
    assert entries(simple, [mpeg4.unit_kind(p, simple.extradata) for p in simple.packets]) == [(0, IDR), (12, IDR)]
    closed = coded("mpeg4", 24, bframes=2, gop=12, options=STEADY, flags=CLOSED_GOP | GLOBAL_HEADER)
    kinds = [mpeg4.unit_kind(packet, closed.extradata) for packet in closed.packets]
    assert set(kinds) == {IDR, OTHER}
    assert kinds.count(IDR) >= 2


def test_the_mpeg4_layer_says_what_the_encoder_was_told(coded):
    layer = mpeg4.parse_layer(coded("mpeg4", 2, size=(176, 100), bframes=2, flags=INTERLACED | GLOBAL_HEADER).extradata)
    assert (layer.width, layer.height, layer.ticks_per_second) == (176, 100, 25)
    assert (layer.low_delay, layer.interlaced, layer.sprite) == (False, True, 0)
    assert mpeg4.parse_layer(coded("mpeg4", 2, bframes=0).extradata).low_delay


def test_mpeg4_layers_are_shared_where_pictures_mean_the_same(coded):
    def layer(**how):
        return mpeg4.parse_layer(coded("mpeg4", 2, **{"bframes": 2} | how).extradata)

    source = layer()
    assert mpeg4.can_share(source, layer(bframes=0))
    assert not mpeg4.can_share(source, layer(options={"mpeg_quant": "1"}))
    assert not mpeg4.can_share(source, layer(flags=QPEL | GLOBAL_HEADER))
    assert not mpeg4.can_share(source, layer(flags=INTERLACED | GLOBAL_HEADER))
    assert not mpeg4.can_share(source, layer(size=(176, 96)))


def test_mpeg4_frames_under_the_layer_of_the_source_decode_beside_it(coded, decoded):
    clip = coded("mpeg4", 40, bframes=2, gop=12, options=STEADY)
    entry, start = clip.packet_of(12), head_cut(clip, 6)
    own = coded("mpeg4", 12 - start, first=start, bframes=0, gop=99, options=STEADY)
    assert mpeg4.can_share(mpeg4.parse_layer(clip.extradata), mpeg4.parse_layer(own.extradata))
    whole = decoded("mpeg4", clip.extradata, clip.packets)
    frames = decoded("mpeg4", clip.extradata, [*clip.packets[:start], *own.packets, *without_leading(clip, entry)])
    assert frames == whole[:start] + decoded("mpeg4", own.extradata, own.packets) + whole[12:]


def test_a_packed_packet_and_its_placeholder_are_told(coded):
    clip = coded("mpeg4", 12, bframes=1, gop=12, options=STEADY)
    behind = {"first": clip.packets[1], "second": clip.packets[2]}
    packed = behind["first"] + behind["second"]
    assert mpeg4.is_packed(packed, clip.extradata)
    assert not mpeg4.is_packed(behind["first"], clip.extradata)
    # A VOP of type P, at time 0 and 7 of 25 ticks, with nothing coded.
    placeholder = BitWriter()
    for value, bits in ((0x000001B6, 32), (1, 2), (0, 1), (1, 1), (7, 5), (1, 1), (0, 1), (0x7F, 7)):
        placeholder.bits(value, bits)
    assert mpeg4.facts(placeholder.aligned(), clip.extradata) == UnitFacts(OTHER, shown=False)
    assert mpeg4.facts(packed, clip.extradata) == UnitFacts(OTHER, holds_next=True)


def test_the_headers_are_what_stands_before_the_first_picture(coded):
    clip = coded("mpeg4", 2, flags=0)
    headers = mpeg4.header_bytes(clip.packets[0])
    assert clip.packets[0].startswith(headers + b"\x00\x00\x01\xb3")
    assert mpeg4.parse_layer(headers) == mpeg4.parse_layer(clip.packets[0])
    assert mpeg4.header_bytes(clip.packets[1]) == b""


def test_a_stream_without_layer_header_is_damage():
    with pytest.raises(DamagedMedia, match="no MPEG-4 video object layer"):
        mpeg4.parse_layer(b"\x00\x00\x01\xb0\xf1")
