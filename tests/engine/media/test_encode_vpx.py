"""VP8 and VP9: a re-encoded run stands between the source's pictures in the source's format."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.control import CancelToken, Progress
from engine.media.bitstream import vp9
from engine.media.encode import encode_segment
from engine.media.encoders.plan import CannotEncode
from engine.media.quality import FLOOR_DB, SourceQuality, source_quality, starting_figure
from engine.model.frame_index import UnitKind
from tests.corpus.segments import Film, film, job, joined, unchanged
from tests.corpus.small_clips import Recipe, make

FAST = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "1M"}


def vpx(codec: str, options: dict[str, str], **others: object) -> Recipe:
    return Recipe(codec=codec, frames=40, gop=12, sounds=0, options=options, **others)


KINDS = {
    "VP8": ("webm", vpx("libvpx", FAST)),
    "VP8 of no even size": ("webm", vpx("libvpx", FAST, width=150, height=90)),
    "VP9": ("webm", vpx("libvpx-vp9", FAST)),
    "VP9 in 4:2:2": ("webm", vpx("libvpx-vp9", FAST, pix_fmt="yuv422p")),
    "VP9 in 4:4:4": ("mkv", vpx("libvpx-vp9", FAST, pix_fmt="yuv444p")),
    "VP9 in green, blue and red": ("mkv", vpx("libvpx-vp9", FAST, pix_fmt="gbrp")),
    "VP9 in MP4": ("mp4", vpx("libvpx-vp9", FAST | {"colorspace": "1", "color_range": "2"})),
}


@pytest.mark.parametrize("kind", KINDS)
def test_copied_frames_stay_as_they_were_and_new_ones_are_faithful(kind, tmp_path):
    suffix, recipe = KINDS[kind]
    whole = film(make(tmp_path / f"film.{suffix}", recipe))
    # Every frame is a place to begin at.
    result = joined(whole, 5, keys(whole)[2])
    assert (result.differing, result.missing) == ((), ())
    assert result.worst_db >= FLOOR_DB
    assert result.segment.worst_psnr_db == pytest.approx(result.worst_db, abs=0.01)


def keys(whole: Film) -> list[int]:
    return [at for at, unit in enumerate(whole.units) if unit.key]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Film:
    return film(make(tmp_path_factory.mktemp("vpx") / "film.webm", vpx("libvpx-vp9", FAST)))


def test_the_format_is_the_source_s_and_every_packet_shows_a_frame(source):
    segment = joined(source, 5, keys(source)[1]).segment
    theirs, ours = (vp9.frame_head(vp9.frames(data)[0]) for data in (source.units[0].data, segment.units[0].data))
    assert ours == theirs
    assert all(len(vp9.frames(unit.data)) == 1 for unit in segment.units)
    assert all(vp9.facts(unit.data).shown for unit in segment.units)
    kinds = [vp9.facts(unit.data).kind for unit in segment.units]
    assert kinds == [UnitKind.IDR] + [UnitKind.OTHER] * (len(kinds) - 1)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_long_segments_get_keyframes(codec, tmp_path):
    whole = film(make(tmp_path / "film.webm", vpx(codec, FAST)))
    work = job(whole, replace(whole.plan(), keyframe_interval=10), 0, 40)
    segment = encode_segment(work, unchanged(whole, work.pts), Progress(), CancelToken())
    coded = [at for at, unit in enumerate(segment.units) if is_key(unit.data, codec)]
    assert coded == [at for at, unit in enumerate(segment.units) if unit.key] == [0, 10, 20, 30]


def is_key(packet: bytes, codec: str) -> bool:
    return not packet[0] & 1 if codec == "libvpx" else vp9.facts(packet).kind is UnitKind.IDR


def test_a_finely_coded_source_starts_finer(source):
    quality = source_quality(source.video, [unit.data for unit in source.units])
    assert quality.quantiser == pytest.approx(80, abs=40)
    scale = source.plan().scale
    assert starting_figure(SourceQuality(60.0), scale, 0.1) < starting_figure(SourceQuality(120.0), scale, 0.1)


@pytest.mark.parametrize(
    ("recipe", "pix_fmt"), [(vpx("libvpx", FAST), "yuva420p"), (vpx("libvpx-vp9", FAST), "yuv420p10le")]
)
def test_a_pixel_format_without_an_encoder_is_refused_with_the_reason(recipe, pix_fmt, tmp_path):
    whole = film(make(tmp_path / "film.webm", recipe))
    choice = replace(whole, video=replace(whole.video, pix_fmt=pix_fmt)).choice()
    assert isinstance(choice, CannotEncode)
    assert pix_fmt in choice.reason


def test_a_stream_that_changes_its_format_is_refused(source, tmp_path):
    other = film(make(tmp_path / "film.webm", vpx("libvpx-vp9", FAST, width=128, height=96)))
    choice = replace(source, units=(*source.units, *other.units)).choice()
    assert isinstance(choice, CannotEncode)
    assert "changes its format" in choice.reason
