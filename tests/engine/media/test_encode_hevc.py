"""HEVC: a re-encoded run uses the source's sequence parameter set where it can, and one of its own where it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.media.bitstream import hevc, nal, parameter_sets, sei
from engine.media.encoders.plan import CannotEncode
from engine.media.quality import FLOOR_DB
from tests.corpus.segments import Film, film, joined
from tests.corpus.small_clips import Recipe, make

MASTERING_DISPLAY, CONTENT_LIGHT = 137, 144

QUIET = "log-level=none:keyint=10:min-keyint=10:scenecut=0:open-gop=0:frame-threads=1:pools=2"


def recipe(extra: str = "", preset: str = "ultrafast", **kind) -> Recipe:
    options = {"preset": preset, "crf": "26", "x265-params": QUIET + extra}
    return Recipe(codec="libx265", frames=30, sounds=0, options=options, **kind)


KINDS = {
    "x265 with its usual blocks": ("mp4", recipe(preset="faster")),
    "small blocks": ("mp4", recipe(":ctu=16:min-cu-size=8:max-tu-size=16:sao=0:no-strong-intra-smoothing=1")),
    "all tools": ("mkv", recipe(":rect=1:amp=1:tu-inter-depth=3:tu-intra-depth=3:bframes=4:b-pyramid=1")),
    "10 bit": ("mp4", recipe(pix_fmt="yuv420p10le")),
    "4:2:2 10 bit": ("mp4", recipe(pix_fmt="yuv422p10le")),
    "4:4:4": ("mp4", recipe(pix_fmt="yuv444p")),
    "full range": ("mp4", recipe(pix_fmt="yuvj420p")),
    "grey": ("mp4", recipe(pix_fmt="gray")),
    "start codes": ("ts", recipe(":repeat-headers=1")),
    "odd size": ("mp4", recipe(width=150, height=90)),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Film:
    return film(make(tmp_path_factory.mktemp("hevc") / "film.mp4", recipe()))


@pytest.mark.parametrize("kind", KINDS)
def test_copied_frames_stay_as_they_were_and_new_ones_are_faithful(kind, tmp_path):
    suffix, made = KINDS[kind]
    result = joined(film(make(tmp_path / f"film.{suffix}", made)), 10, 20)
    assert (result.differing, result.missing) == ((), ())
    assert result.worst_db >= FLOOR_DB
    assert result.segment.worst_psnr_db == pytest.approx(result.worst_db, abs=0.01)


def sets_of(extradata):
    return [unit for unit in parameter_sets.units_of("hevc", extradata) if 32 <= hevc.nal_type(unit[0]) <= 34]


def test_where_the_tools_are_the_same_only_a_picture_parameter_set_is_added(source):
    plan = source.plan()
    added = [unit for unit in sets_of(plan.extradata) if unit not in sets_of(source.video.extradata)]
    assert [hevc.nal_type(unit[0]) for unit in added] == [hevc.NAL_PPS]


def test_an_encoder_that_cannot_follow_brings_its_own_sets_under_other_ids(tmp_path):
    # Scaling lists, which our encoder does not use, stand for any other encoder's tools.
    other = film(make(tmp_path / "film.mp4", recipe(":scaling-list=default")))
    theirs, ours = sets_of(other.video.extradata), sets_of(other.plan().extradata)
    assert [unit for unit in ours if unit in theirs] == theirs
    assert sorted(hevc.nal_type(unit[0]) for unit in ours if unit not in theirs) == [32, 33, 34]
    result = joined(other, 10, 20)
    assert (result.differing, result.missing) == ((), ())


def test_a_second_export_finds_the_parameter_sets_of_the_first(source):
    first = source.plan()
    again = replace(source, video=replace(source.video, extradata=first.extradata)).plan()
    assert again.extradata == first.extradata
    assert again.form == first.form


def test_keyframes_of_a_stream_with_start_codes_bring_their_sets(tmp_path):
    whole = film(make(tmp_path / "film.ts", recipe(":repeat-headers=1")))
    segment = joined(whole, 10, 20).segment
    kinds = [hevc.nal_type(unit[0]) for unit in nal.split(segment.units[0].data, nal.Framing.START_CODES)]
    assert kinds[:4] == [hevc.NAL_AUD, hevc.NAL_VPS, hevc.NAL_SPS, hevc.NAL_PPS]
    assert kinds[-1] in (hevc.NAL_IDR_W_RADL, hevc.NAL_IDR_N_LP)


def test_hdr_metadata_stands_in_every_keyframe(tmp_path):
    light = ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"
    options = {"color_primaries": "9", "color_trc": "16", "colorspace": "9", "color_range": "1"}
    made = recipe(light + ":hdr10=1", pix_fmt="yuv420p10le")
    whole = film(make(tmp_path / "film.mp4", replace(made, options=made.options | options)))
    assert whole.video.mastering_display is not None
    result = joined(whole, 10, 20)
    ours = messages(nal.split(result.segment.units[0].data, hevc.framing(whole.video.extradata)))
    theirs = messages(parameter_sets.units_of("hevc", whole.video.extradata))
    for kind in (MASTERING_DISPLAY, CONTENT_LIGHT):
        assert ours[kind] == theirs[kind]


def messages(units):
    return {
        kind: payload
        for unit in units
        if hevc.nal_type(unit[0]) == hevc.NAL_PREFIX_SEI
        for kind, payload in sei.messages(unit, 2)
    }


def test_a_second_layer_is_not_thrown_away(source):
    unit = source.units[0]
    framing = hevc.framing(source.video.extradata)
    upper = nal.join([bytes((nal.split(unit.data, framing)[-1][0] | 1, 1)) + b"\x80" * 20], framing)
    choice = replace(source, units=(replace(unit, data=unit.data + upper), *source.units[1:])).choice()
    assert isinstance(choice, CannotEncode)
    assert "layer" in choice.reason
