"""MPEG-1, MPEG-2 and MPEG-4: a re-encoded run stands between the source's pictures under the source's headers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.control import CancelToken, Progress
from engine.media.bitstream import mpeg2, mpeg4
from engine.media.bitstream.bits import BitWriter
from engine.media.encode import encode_segment
from engine.media.encoders.plan import CannotEncode, FieldOrder
from engine.media.quality import FLOOR_DB, SourceQuality, source_quality, starting_figure
from tests.corpus.segments import Film, decoded, film, job, joined, unchanged
from tests.corpus.small_clips import Recipe, make

STEADY = {"sc_threshold": "1000000000", "qmin": "2", "qmax": "6"}
CLOSED = STEADY | {"bf": "2", "flags": "+cgop"}
FIELDS = STEADY | {"bf": "2", "flags": "+cgop+ildct+ilme"}


def mpeg(codec: str, options: dict[str, str], **others: object) -> Recipe:
    return Recipe(codec=codec, frames=40, gop=12, sounds=0, options=options, **others)


KINDS = {
    "MPEG-2": ("mkv", mpeg("mpeg2video", CLOSED)),
    "MPEG-2 in a transport stream": ("ts", mpeg("mpeg2video", CLOSED)),
    "MPEG-2 in fields": ("ts", mpeg("mpeg2video", FIELDS)),
    "MPEG-2 in 4:2:2": ("mov", mpeg("mpeg2video", FIELDS, pix_fmt="yuv422p")),
    "MPEG-2 of no even size": ("mkv", mpeg("mpeg2video", CLOSED, width=150, height=90)),
    "MPEG-2 in one direction": ("mkv", mpeg("mpeg2video", STEADY | {"bf": "0"})),
    "MPEG-1": ("mp4", mpeg("mpeg1video", CLOSED)),
    "MPEG-4": ("mp4", mpeg("mpeg4", CLOSED)),
    "MPEG-4 without B pictures": ("avi", mpeg("mpeg4", STEADY | {"bf": "0"})),
    "MPEG-4 in a transport stream": ("ts", mpeg("mpeg4", CLOSED)),
    "MPEG-4 with matrices": ("mp4", mpeg("mpeg4", CLOSED | {"mpeg_quant": "1"})),
    "MPEG-4 with quarter samples": ("mkv", mpeg("mpeg4", STEADY | {"bf": "1", "flags": "+cgop+qpel"})),
    "MPEG-4 in fields": ("mkv", mpeg("mpeg4", STEADY | {"bf": "0", "flags": "+cgop+ildct+ilme"})),
}


@pytest.mark.parametrize("kind", KINDS)
def test_copied_frames_stay_as_they_were_and_new_ones_are_faithful(kind, tmp_path):
    suffix, recipe = KINDS[kind]
    whole = film(make(tmp_path / f"film.{suffix}", recipe))
    result = joined(whole, head_before(whole, 6), keys(whole)[2])
    assert (result.differing, result.missing) == ((), ())
    # MPEG-1's finest quantiser gives no more for noise like this.
    assert result.worst_db >= (41.5 if kind == "MPEG-1" else FLOOR_DB)
    assert result.segment.worst_psnr_db == pytest.approx(result.worst_db, abs=0.01)


def keys(whole: Film) -> list[int]:
    return [at for at, unit in enumerate(whole.units) if unit.key]


def head_before(whole: Film, at: int) -> int:
    """The last position at or before `at` where everything decoded so far is shown before all that follows."""
    times = [unit.pts for unit in whole.units]
    return next(s for s in range(at, -1, -1) if max(times[:s], default=-(1 << 62)) < min(times[s:]))


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Film:
    return film(make(tmp_path_factory.mktemp("mpeg") / "film.mkv", mpeg("mpeg2video", CLOSED)))


def test_new_groups_begin_with_the_sequence_header_of_the_source_and_are_closed(source):
    header = mpeg2.sequence_bytes(source.units[0].data)
    segment = joined(source, *keys(source)[1:3]).segment
    assert mpeg2.sequence_bytes(segment.units[0].data) == header
    assert mpeg2.group(segment.units[0].data) == mpeg2.Group(closed=True, broken_link=False)
    assert all(mpeg2.sequence_bytes(unit.data) is None for unit in segment.units[1:])
    assert source.plan().entry_header == b""


def with_matrices(header: bytes) -> bytes:
    """Put other quantiser matrices into a sequence header that has none."""
    intra, inter = bytes([8, *range(17, 80)]), bytes(range(20, 84))
    writer = BitWriter()
    writer.bits(int.from_bytes(header[4:12], "big") >> 2, 62)
    for matrix in (intra, inter):
        writer.bits(1, 1)
        writer.bits(int.from_bytes(matrix, "big"), 512)
    return header[:4] + writer.aligned() + header[12:]


def read_with_matrices(source: Film, *, repeated: bool) -> Film:
    """Return the film as it looks under other matrices, which stand at each keyframe or at the first only."""
    plain = mpeg2.sequence_bytes(source.units[0].data)
    assert plain is not None
    header = with_matrices(plain)
    units = [
        replace(unit, data=unit.data.replace(plain, header if repeated or at == 0 else b""))
        for at, unit in enumerate(source.units)
    ]
    video = replace(source.video, extradata=header)
    return Film(video, tuple(units), decoded(video, [(unit.data, unit.pts) for unit in units], header))


@pytest.mark.parametrize("repeated", [True, False])
def test_matrices_of_the_source_are_in_force_again_behind_the_run(source, repeated):
    whole = read_with_matrices(source, repeated=repeated)
    plan = whole.plan()
    assert mpeg2.parse_sequence(plan.entry_header).inter_matrix == bytes(range(20, 84))
    result = joined(whole, *keys(whole)[1:3])
    assert (result.differing, result.missing) == ((), ())
    assert mpeg2.parse_sequence(result.segment.units[0].data).inter_matrix is None


def test_matrices_that_change_on_the_way_and_are_not_repeated_are_refused(source):
    whole = read_with_matrices(source, repeated=False)
    at = whole.units[3].data.index(b"\x00\x00\x01\x01")
    data = whole.units[3].data[:at] + b"\x00\x00\x01\xb5\x38" + whole.units[3].data[at:]
    changed = replace(whole, units=(*whole.units[:3], replace(whole.units[3], data=data), *whole.units[4:]))
    choice = changed.choice()
    assert isinstance(choice, CannotEncode)
    assert "matrices" in choice.reason


def test_progressive_frames_of_a_sequence_in_fields_are_coded_as_frames(tmp_path):
    whole = film(make(tmp_path / "film.mkv", mpeg("mpeg2video", FIELDS)))
    assert whole.plan().field_order is not FieldOrder.PROGRESSIVE
    marked = replace(whole, units=tuple(replace(unit, data=progressive(unit.data)) for unit in whole.units))
    plan = marked.plan()
    assert plan.field_order is FieldOrder.PROGRESSIVE
    work = job(whole, plan, *keys(whole)[1:3])
    segment = encode_segment(work, unchanged(whole, work.pts), Progress(), CancelToken())
    assert segment.worst_psnr_db >= FLOOR_DB
    assert not mpeg2.parse_sequence(segment.units[0].data).progressive
    flags = mpeg2.cadence(segment.units[0].data)
    assert flags is not None
    assert flags.progressive


def progressive(packet: bytes) -> bytes:
    """Mark a picture as progressive, whatever it is."""
    # The flag stands in the fifth byte of the extension behind the picture's header (ISO/IEC 13818-2 6.2.3.1).
    at = packet.index(b"\x00\x00\x01\xb5", packet.index(b"\x00\x00\x01\x00")) + 8
    return packet[:at] + bytes([packet[at] | 0x80]) + packet[at + 1 :]


@pytest.mark.parametrize("codec", ["mpeg1video", "mpeg2video", "mpeg4"])
def test_a_finely_coded_source_starts_finer(codec, tmp_path):
    whole = film(make(tmp_path / "film.mkv", mpeg(codec, CLOSED)))
    quality = source_quality(whole.video, [unit.data for unit in whole.units])
    assert quality.quantiser == pytest.approx(9, abs=4)
    scale = whole.plan().scale
    figures = [starting_figure(SourceQuality(quantiser), scale, 0.1) for quantiser in (3.0, 9.0, 20.0)]
    assert figures == sorted(figures)
    assert figures[0] < figures[2]


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_mpeg4_keyframes_bring_headers_where_the_source_s_do(suffix, tmp_path):
    whole = film(make(tmp_path / f"film.{suffix}", mpeg("mpeg4", CLOSED)))
    start, stop = keys(whole)[1:3]
    segment = joined(whole, start, stop).segment
    assert mpeg4.header_bytes(segment.units[0].data) == mpeg4.header_bytes(whole.units[start].data)
    assert all(mpeg4.header_bytes(unit.data) == b"" for unit in segment.units[1:])


def test_mpeg4_pictures_keep_the_clock_of_the_source(tmp_path):
    whole = film(make(tmp_path / "film.mp4", mpeg("mpeg4", CLOSED)))
    plan = whole.plan()
    assert plan.clock is not None
    assert 1 / plan.clock == mpeg4.parse_layer(whole.video.extradata).ticks_per_second


def test_a_packed_mpeg4_stream_is_refused_with_the_reason(tmp_path):
    whole = film(make(tmp_path / "film.mp4", mpeg("mpeg4", CLOSED)))
    packed = replace(whole.units[1], data=whole.units[1].data + whole.units[2].data)
    choice = replace(whole, units=(whole.units[0], packed, *whole.units[3:])).choice()
    assert isinstance(choice, CannotEncode)
    assert "two pictures" in choice.reason


def test_another_pixel_format_is_refused(source):
    choice = replace(source, video=replace(source.video, pix_fmt="yuv444p")).choice()
    assert isinstance(choice, CannotEncode)
    assert "yuv444p" in choice.reason
