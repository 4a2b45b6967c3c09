"""H.264: a re-encoded run stands between the source's packets under parameter sets of its own."""

from __future__ import annotations

import gc
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from av.filter import Graph

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, UnsupportedMedia
from engine.media.bitstream import avcc, h264, nal
from engine.media.bitstream.nal import Framing
from engine.media.encode import decode_all, encode_segment
from engine.media.encoders.plan import CannotEncode
from engine.media.fidelity import IDENTICAL_DB, planes
from engine.media.quality import FLOOR_DB, SourceQuality, source_quality
from tests.corpus.segments import Film, film, job, joined, unchanged
from tests.corpus.small_clips import Recipe, make

# Settings unlike ours, so that a mixed-up parameter set shows.
OTHER = {"preset": "slow", "crf": "24", "x264-params": "cabac=0:8x8dct=0:ref=5:keyint=12:min-keyint=12:scenecut=0"}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Film:
    return film(make(tmp_path_factory.mktemp("h264") / "film.mp4", Recipe(frames=48, options=OTHER, sounds=0)))


KINDS = {
    "b-pyramid": ("mp4", Recipe(options={"x264-params": "bframes=3:b-pyramid=normal:keyint=12:scenecut=0"})),
    "full range": ("mp4", Recipe(pix_fmt="yuvj420p", options=OTHER)),
    "4:2:2 10 bit": ("mp4", Recipe(pix_fmt="yuv422p10le", options=OTHER)),
    "4:4:4": ("mp4", Recipe(pix_fmt="yuv444p", options=OTHER)),
    "4:2:0 10 bit": ("mkv", Recipe(pix_fmt="yuv420p10le", options=OTHER)),
    "grey": ("mp4", Recipe(pix_fmt="gray", options=OTHER)),
    "baseline": ("mp4", Recipe(options={"profile": "baseline", "x264-params": "keyint=12:scenecut=0"})),
    "main": ("mov", Recipe(options={"profile": "main", "x264-params": "keyint=12:scenecut=0:bframes=1"})),
    "start codes": ("ts", Recipe(options=OTHER)),
    "top field first": ("mp4", Recipe(options={"x264-params": "interlaced=1:tff=1:keyint=12:scenecut=0:cabac=0"})),
    "bottom field first": ("mkv", Recipe(options={"x264-params": "bff=1:keyint=12:scenecut=0:ref=4"})),
    "odd size": ("mp4", Recipe(width=150, height=90, options=OTHER)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_copied_frames_stay_as_they_were_and_new_ones_are_faithful(kind, tmp_path):
    suffix, recipe = KINDS[kind]
    whole = film(make(tmp_path / f"film.{suffix}", replace(recipe, frames=48, sounds=0)))
    # From the middle of the first group of pictures to the second keyframe behind it.
    keys = [at for at, unit in enumerate(whole.units) if unit.key]
    start = head_before(whole, keys[0] + 6)
    result = joined(whole, start, keys[2])
    assert (result.differing, result.missing) == ((), ())
    assert result.worst_db >= FLOOR_DB
    assert result.segment.worst_psnr_db == pytest.approx(result.worst_db, abs=0.01)


def head_before(whole: Film, at: int) -> int:
    """The last position at or before `at` where everything decoded so far is shown before all that follows."""
    times = [unit.pts for unit in whole.units]
    return next(s for s in range(at, -1, -1) if max(times[:s], default=-(1 << 62)) < min(times[s:]))


def test_the_first_and_the_last_frames_can_be_encoded(source):
    count = len(source.units)
    for start, stop in ((0, 12), (36, count), (0, count)):
        result = joined(source, start, stop)
        assert (result.differing, result.missing) == ((), ())


def test_the_new_parameter_sets_have_an_id_that_the_source_does_not_use(source):
    result = joined(source, 12, 24)
    ours, theirs = avcc.sets_of(result.segment.extradata), avcc.sets_of(source.video.extradata)
    assert [unit for unit in ours[0] if unit in theirs[0]] == list(theirs[0])
    assert len(ours[0]) == len(theirs[0]) + 1
    assert len(ours[1]) == len(theirs[1]) + 1
    assert h264.used_ids(result.segment.extradata, [])[0] > h264.used_ids(source.video.extradata, [])[0]


def test_every_quality_figure_shares_the_same_parameter_sets(source):
    plan = source.plan()
    for figure in (4.0, 30.0):
        fixed = replace(plan, scale=replace(plan.scale, first=(figure, figure), finest=figure, coarsest=figure))
        work = job(source, fixed, 12, 24)
        segment = encode_segment(work, unchanged(source, work.pts), Progress(), CancelToken())
        assert segment.extradata == plan.extradata
        assert segment.quality == figure
        assert len(list(decode_all([unit.data for unit in segment.units], "h264", segment.extradata))) == 12


def test_a_second_export_finds_the_parameter_sets_of_the_first(source):
    first = source.plan()
    again = replace(source, video=replace(source.video, extradata=first.extradata)).plan()
    assert again.extradata == first.extradata
    assert again.options == first.options


def test_units_take_the_slots_in_order_and_begin_with_a_keyframe(source):
    segment = joined(source, 12, 24).segment
    run = source.units[12:24]
    assert [unit.dts for unit in segment.units] == [unit.dts for unit in run]
    assert [unit.pts for unit in segment.units] == sorted(unit.pts for unit in run)
    assert [unit.duration for unit in segment.units] == [unit.duration for unit in run]
    assert [unit.key for unit in segment.units] == [True] + [False] * 11
    kinds = [[nal[0] & 31 for nal in units(unit.data)] for unit in segment.units]
    assert kinds == [[h264.NAL_IDR]] + [[h264.NAL_SLICE]] * 11


def units(packet):
    return nal.split(packet, Framing.LENGTH_4)


def test_long_segments_get_keyframes(source):
    plan = replace(source.plan(), keyframe_interval=10)
    work = job(source, plan, 0, 36)
    segment = encode_segment(work, unchanged(source, work.pts), Progress(), CancelToken())
    assert [at for at, unit in enumerate(segment.units) if unit.key] == [0, 10, 20, 30]
    assert [at for at, unit in enumerate(segment.units) if units(unit.data)[0][0] & 31 == h264.NAL_IDR] == [
        0,
        10,
        20,
        30,
    ]


def test_colour_and_shape_are_said_as_in_the_source(tmp_path):
    options = OTHER | {"color_primaries": "9", "color_trc": "16", "colorspace": "9", "color_range": "1", "sar": "16:11"}
    whole = film(make(tmp_path / "film.mp4", Recipe(frames=24, options=options, sounds=0)))
    theirs, ours = (h264.stream(data)[1] for data in (whole.video.extradata, whole.plan().extradata))
    (their_sps,) = theirs.sps.values()
    (our_sps,) = [sps for number, sps in ours.sps.items() if number not in theirs.sps]
    assert their_sps.vui is not None
    assert our_sps.vui is not None
    for name in ("sar", "full_range", "colour", "tick"):
        assert getattr(our_sps.vui, name) == getattr(their_sps.vui, name), name
    assert our_sps.level >= their_sps.level


def test_frames_are_let_go_as_soon_as_they_came_back(source):
    plan = source.plan()
    work = job(source, plan, 0, 48)
    alive: list[int] = []

    def frames():
        for frame in unchanged(source, work.pts)():
            alive.append(sum(isinstance(item, av.VideoFrame) for item in gc.get_objects()))
            yield frame

    encode_segment(work, frames, Progress(), CancelToken())
    # What waits between the stages comes and goes; a frame that stayed would make one more each time.
    assert max(alive[40:]) <= max(alive[10:20]) + 6


def test_a_stop_is_heeded_between_frames(source):
    work = job(source, source.plan(), 0, 24)
    cancel = CancelToken()

    def frames():
        for number, frame in enumerate(unchanged(source, work.pts)()):
            if number == 5:
                cancel.cancel()
            yield frame

    with pytest.raises(Cancelled):
        encode_segment(work, frames, Progress(), cancel)


def test_frames_of_another_format_are_refused_instead_of_converted(source):
    work = job(source, source.plan(), 0, 12)

    def frames():
        for frame in unchanged(source, work.pts)():
            yield frame.reformat(format="yuv444p")

    with pytest.raises(UnsupportedMedia, match="yuv444p 160x96, not yuv420p 160x96"):
        encode_segment(work, frames, Progress(), CancelToken())


def test_too_few_frames_are_an_error(source):
    work = job(source, source.plan(), 0, 12)
    with pytest.raises(ValueError, match="11 frames came for 12 slots"):
        encode_segment(work, unchanged(source, work.pts[:11]), Progress(), CancelToken())


def test_a_slot_that_is_decoded_after_it_is_shown_is_an_error(source):
    work = job(source, source.plan(), 0, 12)
    with pytest.raises(ValueError, match="after it is shown"):
        encode_segment(
            replace(work, dts=(*work.dts[:-1], work.pts[-1] + 1)),
            unchanged(source, work.pts),
            Progress(),
            CancelToken(),
        )


def test_progress_reaches_the_end(source):
    work = job(source, source.plan(), 0, 12)
    seen = []
    encode_segment(
        work, unchanged(source, work.pts), Progress(lambda state: seen.append(state.fraction)), CancelToken()
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_profile_without_an_encoder_is_refused_with_the_reason(source):
    other = replace(source, video=replace(source.video, profile="Scalable High"))
    choice = other.choice()
    assert isinstance(choice, CannotEncode)
    assert "Scalable High" in choice.reason


def test_a_finely_coded_source_starts_finer(source):
    quality = source_quality(source.video, [unit.data for unit in source.units])
    assert quality.quantiser == pytest.approx(28, abs=4)
    plan = source.plan()
    coarse, fine = (
        encode_segment(work, unchanged(source, work.pts), Progress(), CancelToken())
        for work in (
            job(source, replace(plan, scale=replace(plan.scale, coarsest=22)), 0, 12, SourceQuality(q))
            for q in (30.0, 12.0)
        )
    )
    assert fine.quality < coarse.quality
    assert fine.worst_psnr_db > coarse.worst_psnr_db


def test_a_lossless_source_stays_lossless(tmp_path):
    lossless = {"qp": "0", "x264-params": "keyint=12:scenecut=0"}
    whole = film(make(tmp_path / "film.mp4", Recipe(frames=36, options=lossless, sounds=0)))
    assert whole.video.profile == "High 4:4:4 Predictive"
    result = joined(whole, 12, 24)
    assert (result.differing, result.missing) == ((), ())
    assert result.worst_db == IDENTICAL_DB


@pytest.fixture(scope="module", params=["tff", "bff"])
def interlaced(request, tmp_path_factory) -> Film:
    options = {"x264-params": f"{request.param}=1:keyint=12:scenecut=0:bframes=0"}
    path = tmp_path_factory.mktemp("fields") / f"{request.param}.mkv"
    return film(make(path, Recipe(frames=24, options=options, sounds=0)))


def test_interlaced_frames_keep_their_own_order_of_fields(interlaced):
    plan = interlaced.plan()
    work = job(interlaced, plan, 0, 12)
    segment = encode_segment(work, lambda: (interlaced.frames[pts] for pts in work.pts), Progress(), CancelToken())
    assert fields_of(segment) == {first_field(frame) for frame in interlaced.frames.values()}


def test_frames_that_do_not_say_it_get_the_streams_order_of_fields(interlaced):
    expected = {"tt": "top", "bb": "bottom"}[interlaced.video.field_order]
    assert fields_of(joined(interlaced, 0, 12).segment) == {expected}


def fields_of(segment):
    frames = list(decode_all([unit.data for unit in segment.units], "h264", segment.extradata))
    assert {frame.interlaced_frame for frame in frames} == {True}
    return {first_field(frame) for frame in frames}


def first_field(frame):
    """Which field FFmpeg shows first: it takes a frame apart in that order."""
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))
    apart, sink = graph.add("separatefields"), graph.add("buffersink")
    source.link_to(apart)
    apart.link_to(sink)
    graph.configure()
    graph.push(frame)
    first, whole = planes(graph.pull())[0], planes(frame)[0]
    return "top" if np.array_equal(first, whole[0::2]) else "bottom" if np.array_equal(first, whole[1::2]) else "none"
