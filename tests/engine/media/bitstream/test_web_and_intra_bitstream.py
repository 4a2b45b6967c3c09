"""VP8, VP9, AV1 and the codecs without references, against FFmpeg's encoders and decoders."""

from __future__ import annotations

import pytest

from engine.errors import DamagedMedia
from engine.media.bitstream import av1, av1_sequence, intra, vp8, vp9
from engine.media.bitstream.bits import BitWriter
from engine.media.bitstream.facts import UnitFacts
from engine.media.bitstream.units import classify
from engine.model.frame_index import UnitKind

CLOSED_GOP, GLOBAL_HEADER = 1 << 31, 1 << 22
IDR, OTHER = UnitKind.IDR, UnitKind.OTHER
FAST = {"deadline": "realtime", "cpu-used": "8"}
ARF = {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "12", "arnr-strength": "3"}


def svt(coded, count, params="", **how):
    options = {"preset": "12", "crf": "40", "svtav1-params": f"lp=1{params}"}
    return coded("libsvtav1", count, options=options, flags=CLOSED_GOP | GLOBAL_HEADER, **how)


def frame_obus(packet):
    return [obu for obu in av1.obus(packet) if obu.kind in (av1.OBU_FRAME, av1.OBU_FRAME_HEADER)]


def test_vp8_keyframes_and_hidden_frames_are_told(coded):
    clip = coded("libvpx", 30, gop=10, options=ARF)
    facts = [vp8.facts(packet) for packet in clip.packets]
    assert sum(fact.shown for fact in facts) == 30
    assert facts[0] == UnitFacts(IDR)
    assert all(fact.kind is OTHER for fact in facts[1:5])


def test_a_hidden_vp8_frame_is_not_shown(coded):
    packet = coded("libvpx", 30, gop=10, options=ARF).packets[1]
    assert vp8.facts(packet).shown
    assert not vp8.facts(bytes((packet[0] & ~0x10,)) + packet[1:]).shown


def vp9_key(*, profile: int = 0, twelve_bits: bool = False, across: int = 1, down: int = 1, space: int = 2) -> bytes:
    """Write the start of a key frame of 168x100."""
    writer = BitWriter()
    for value, bits in ((2, 2), (profile & 1, 1), (profile >> 1, 1), *([(0, 1)] if profile == 3 else []),
                        (0b0010, 4), (0x498342, 24)):  # fmt: skip
        writer.bits(value, bits)
    if profile >= 2:
        writer.bits(twelve_bits, 1)
    writer.bits(space, 3)
    if space != 7:
        writer.bits(1, 1)
        if profile & 1:
            writer.bits(across << 2 | down << 1, 3)
    elif profile & 1:
        writer.bits(0, 1)
    writer.bits(167 << 16 | 99, 32)
    return writer.aligned() + b"\x00" * 4


@pytest.mark.parametrize(
    ("frame", "profile", "depth", "subsampling"),
    [
        (vp9_key(), 0, 8, (1, 1)),
        (vp9_key(profile=1, down=0), 1, 8, (1, 0)),
        (vp9_key(profile=2), 2, 10, (1, 1)),
        (vp9_key(profile=3, twelve_bits=True, across=0, down=1), 3, 12, (0, 1)),
        (vp9_key(profile=1, space=7), 1, 8, (0, 0)),
    ],
)
def test_the_format_of_a_vp9_keyframe_is_read(frame, profile, depth, subsampling):
    found = vp9.frame_head(frame).format
    assert found is not None
    assert (found.profile, found.bit_depth, found.subsampling) == (profile, depth, subsampling)
    assert (found.width, found.height, found.full_range) == (168, 100, True)


@pytest.mark.parametrize(("pix_fmt", "subsampling"), [("yuv420p", (1, 1)), ("yuv444p", (0, 0)), ("yuv422p", (1, 0))])
def test_the_vp9_keyframe_says_its_format(coded, pix_fmt, subsampling):
    clip = coded("libvpx-vp9", 3, pix_fmt=pix_fmt, size=(168, 100), options=FAST)
    head = vp9.frame_head(clip.packets[0])
    assert head.format is not None
    assert (head.format.bit_depth, head.format.subsampling) == (8, subsampling)
    assert (head.format.width, head.format.height, head.key, head.shown) == (168, 100, True, True)


def superframe(*frames: bytes) -> bytes:
    marker = bytes((0b110_01_000 | len(frames) - 1,))
    return b"".join(frames) + marker + b"".join(len(f).to_bytes(2, "little") for f in frames) + marker


def test_a_vp9_superframe_holds_a_hidden_and_a_shown_frame():
    hidden, shown = b"\x84" + b"\xaa" * 300, b"\x86" + b"\xbb" * 20
    assert vp9.frames(superframe(hidden, shown)) == [hidden, shown]
    assert vp9.facts(superframe(hidden, shown)) == UnitFacts(OTHER, shown=True)
    assert vp9.facts(hidden) == UnitFacts(OTHER, shown=False)
    assert vp9.facts(superframe(vp9_key(), shown)).kind is IDR


def test_a_superframe_index_that_does_not_add_up_is_none():
    packet = b"\x86" + b"\xaa" * 20
    for broken in (packet + b"\xc0", superframe(packet)[:-4] + b"\xff\xff\xc8", b"\xc8"):
        assert vp9.frames(broken) == [broken]


def test_vp9_keyframes_are_entries(coded, decoded):
    clip = coded("libvpx-vp9", 24, gop=8, options=FAST)
    kinds = [vp9.facts(packet).kind for packet in clip.packets]
    entries = [clip.shows[n] for n, kind in enumerate(kinds) if kind is IDR]
    assert entries[0] == 0
    assert len(entries) >= 3
    whole = decoded("vp9", b"", clip.packets)
    for entry in entries:
        assert decoded("vp9", b"", clip.packets[entry:]) == whole[entry:]


def test_vp9_frames_of_another_encode_decode_beside_the_source(coded, decoded):
    clip = coded("libvpx-vp9", 24, gop=8, options=FAST)
    entry = next(n for n, packet in enumerate(clip.packets) if n > 5 and vp9.facts(packet).kind is IDR)
    own = coded("libvpx-vp9", entry - 3, first=3, gop=99, options=ARF)
    frames = decoded("vp9", b"", [*clip.packets[:3], *own.packets, *clip.packets[entry:]])
    whole = decoded("vp9", b"", clip.packets)
    assert frames == whole[:3] + decoded("vp9", b"", own.packets) + whole[entry:]


def test_a_shown_again_vp9_frame_is_no_entry():
    assert vp9.facts(b"\x88\x00") == UnitFacts(OTHER, shown=True)


def test_av1_keyframes_that_are_shown_are_entries(coded):
    clip = svt(coded, 40, gop=16)
    facts = [av1.facts(packet) for packet in clip.packets]
    assert [n for n, fact in enumerate(facts) if fact.kind is IDR] == [0, 16, 32]
    assert all(fact.shown for fact in facts)
    assert len(frame_obus(clip.packets[1])) > 1


def test_an_av1_keyframe_that_is_hidden_at_first_is_no_entry(coded):
    shown = frame_obus(svt(coded, 40, gop=16).packets[0])[0]
    hidden = bytes((shown.data[0],)) + shown.data[1 : -len(shown.payload)] + bytes((shown.payload[0] & ~0x10,))
    hidden += shown.payload[1:]
    repeated = b"\x1a\x01\x80"
    assert av1.facts(hidden + repeated) == UnitFacts(OTHER, shown=True)
    assert av1.facts(hidden) == UnitFacts(OTHER, shown=False)
    assert av1.facts(shown.data) == UnitFacts(IDR)


@pytest.mark.parametrize(
    ("pix_fmt", "params", "expected"),
    [
        ("yuv420p", "", {"profile": 0, "bit_depth": 8, "subsampling": (1, 1), "film_grain": False}),
        ("yuv420p10le", ":film-grain=8", {"bit_depth": 10, "film_grain": True}),
        ("yuv420p", ":color-primaries=9:transfer-characteristics=16:matrix-coefficients=9:color-range=1",
         {"colour": (9, 16, 9), "full_range": True}),
    ],
)  # fmt: skip
def test_the_av1_sequence_header_says_what_the_encoder_was_told(coded, pix_fmt, params, expected):
    clip = svt(coded, 3, params, pix_fmt=pix_fmt, size=(168, 100))
    header = av1.sequence_header(clip.packets[0])
    assert header is not None
    sequence = av1_sequence.parse_sequence(header)
    assert {name: getattr(sequence, name) for name in expected} == expected
    assert (sequence.width, sequence.height) == (168, 100)


def test_an_av1c_describes_the_sequence_and_carries_it(coded, decoded):
    clip = svt(coded, 16, gop=16)
    header = av1.sequence_header(clip.packets[0])
    assert header is not None
    extradata = av1_sequence.make_av1c(header)
    assert extradata[:4] == b"\x81\x00\x0c\x00"
    assert av1_sequence.is_av1c(extradata)
    assert av1_sequence.config_obus(extradata) == header
    assert av1_sequence.config_obus(clip.extradata) == clip.extradata
    bare = [av1.without_delimiters(packet) for packet in clip.packets]
    assert all(obu.kind != av1.OBU_DELIMITER for packet in bare for obu in av1.obus(packet))
    assert decoded("libdav1d", extradata, bare) == decoded("libdav1d", clip.extradata, clip.packets)


def test_an_av1_sequence_may_change_at_an_entry_that_brings_its_own_header(coded, decoded):
    clip, own = svt(coded, 40, gop=16), svt(coded, 8, ":film-grain=10", first=8, gop=99)
    source_header, own_header = av1.sequence_header(clip.packets[0]), av1.sequence_header(own.packets[0])
    assert source_header is not None
    assert own_header is not None
    assert source_header != own_header
    assert av1_sequence.same_format(av1_sequence.parse_sequence(source_header), av1_sequence.parse_sequence(own_header))
    entry = clip.packets[16]
    bare = b"".join(obu.data for obu in av1.obus(entry) if obu.kind != av1.OBU_SEQUENCE)
    assert av1.sequence_header(bare) is None
    assert av1.with_sequence_header(bare, source_header) == entry
    assert av1.with_sequence_header(entry, own_header) == entry
    whole = decoded("libdav1d", clip.extradata, clip.packets)
    expected = whole[:8] + decoded("libdav1d", own.extradata, own.packets) + whole[16:]
    head = [*clip.packets[:8], *own.packets]
    for there in (entry, av1.with_sequence_header(bare, source_header)):
        assert decoded("libdav1d", clip.extradata, [*head, there, *clip.packets[17:]]) == expected


def test_sequences_of_another_format_are_not_the_same(coded):
    one, other, larger = (
        av1_sequence.parse_sequence(svt(coded, 1, pix_fmt=pix_fmt, size=size).packets[0])
        for pix_fmt, size in (("yuv420p", (160, 96)), ("yuv420p10le", (160, 96)), ("yuv420p", (176, 96)))
    )
    assert not av1_sequence.same_format(one, other)
    assert not av1_sequence.same_format(one, larger)


def test_data_without_a_sequence_header_is_damage():
    with pytest.raises(DamagedMedia, match="no AV1 sequence header"):
        av1_sequence.parse_sequence(b"\x12\x00")


def test_every_frame_of_an_intra_codec_is_an_entry(coded):
    for encoder, pix_fmt in (("mjpeg", "yuvj420p"), ("prores_ks", "yuv422p10le"), ("ffvhuff", "yuv420p")):
        clip = coded(encoder, 3, pix_fmt=pix_fmt, options={"strict": "-1"} if encoder == "mjpeg" else None)
        assert clip.codec in intra.CODECS
        assert {classify(clip.codec, packet, clip.extradata) for packet in clip.packets} == {UnitFacts(IDR)}


@pytest.mark.parametrize(
    "options", [{"level": "1"}, {"level": "3", "coder": "range_def"}, {"level": "3", "coder": "rice"}]
)
def test_the_keyframe_bit_of_ffv1_is_read(coded, options):
    clip = coded("ffv1", 9, gop=4, options=options)
    kinds = [classify("ffv1", packet, clip.extradata).kind for packet in clip.packets]
    assert kinds == [IDR, OTHER, OTHER, OTHER, IDR, OTHER, OTHER, OTHER, IDR]
