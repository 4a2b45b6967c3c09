"""Frames of intra codecs are replaced one by one, in the profile of their film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from av.video.frame import VideoFrame

from engine.media.containers import Family
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.media.encoders.whole import choose_whole
from engine.media.fidelity import in_format, planes
from engine.media.probe import probe
from tests.corpus.segments import film, joined
from tests.corpus.small_clips import Recipe, make

FILMS = {
    "ProRes 422": Recipe("prores_ks", pix_fmt="yuv422p10le", options={"profile": "2"}, sounds=0),
    "ProRes 4444": Recipe("prores_ks", pix_fmt="yuv444p10le", options={"profile": "4"}, sounds=0),
    "ProRes 4444 with alpha": Recipe("prores_ks", pix_fmt="yuva444p10le", options={"profile": "4"}, sounds=0),
    "DNxHR SQ": Recipe("dnxhd", 12, 320, 192, pix_fmt="yuv422p", options={"profile": "dnxhr_sq"}, sounds=0),
    "DNxHR HQX": Recipe("dnxhd", 12, 320, 192, pix_fmt="yuv422p10le", options={"profile": "dnxhr_hqx"}, sounds=0),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_run_fits_between_the_films_own_frames(tmp_path, name):
    source = film(make(tmp_path / "film.mov", FILMS[name]), 12)
    assert isinstance(source.choice(), EncoderPlan)
    # A decoder that does not know the container's name of the profile gives 10 bits.
    source = replace(source, video=replace(source.video, pix_fmt=source.video.pix_fmt.replace("444p12", "444p10")))
    result = joined(source, 4, 7)
    assert result.differing == ()
    assert result.missing == ()
    assert result.worst_db > 40


def test_codes_of_fewer_bits_are_the_nearest_ones():
    frame = VideoFrame(32, 16, "yuv444p12le")
    codes = np.arange(512, dtype=np.uint16).reshape(16, 32) * 8 + 7
    for plane in planes(frame):
        plane[...] = codes
    for plane in planes(in_format(frame, "yuv444p10le")):
        assert (plane == np.minimum(np.round(codes / 4 + 1e-6), 1023)).all()


def test_a_grey_format_takes_the_luma_alone():
    frame = VideoFrame(32, 16, "yuv420p")
    for number, plane in enumerate(planes(frame)):
        plane[...] = 50 + number
    (luma,) = planes(in_format(frame, "gray"))
    assert (luma == 50).all()


def test_pixels_that_no_lossless_encoder_takes_are_named_with_the_way_out(tmp_path):
    video = probe(make(tmp_path / "film.mov", Recipe("png", pix_fmt="rgb24", sounds=0))).video
    outcome = choose_whole(video, Family.ISO)
    assert isinstance(outcome, CannotEncode)
    assert outcome.reason == (
        "no lossless encoder here takes its pixels (rgb24); convert the film to FFV1, ProRes or H.264 first"
    )
