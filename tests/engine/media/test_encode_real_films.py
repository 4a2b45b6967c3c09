"""Runs of real films are encoded anew between their own packets."""

from __future__ import annotations

import pytest

from engine.media.quality import FLOOR_DB, source_quality
from tests.corpus.segments import film, joined

# The film, how many of its packets are read, and the run: it ends at a keyframe, or at the last packet that was read.
RUNS = {
    "a phone's full range and high bit rate": ("android_pixel7_rot180.mp4", 24, 6, 24),
    "a phone's baseline": ("iphone4s_rot90.mov", 60, 10, 30),
    "x264 with B-frames": ("h264_bframes_firstpts_10s.mp4", 40, 0, 40),
    "a portable recorder": ("aspect_sar16x11.mp4", 40, 0, 40),
    "PQ in H.264": ("h264_fmp4_pq_tagged.mp4", 60, 0, 60),
    "a frame rate that varies": ("android9_screenrec_vfr.mp4", 20, 5, 20),
    "HDR10 by a camera": ("hdr10_pq_hevc_1080p.mp4", 12, 4, 12),
    "x265": ("hevc_open_gop_timelapse.mp4", 60, 0, 60),
    "HEVC in a transport stream": ("hevc_10bit_hls.ts", 40, 0, 40),
}


@pytest.mark.media
@pytest.mark.parametrize("kind", RUNS)
def test_copied_frames_stay_as_they_were_and_new_ones_are_faithful(kind, media):
    name, most, start, stop = RUNS[kind]
    whole = film(media / name, most)
    result = joined(whole, start, stop, source_quality(whole.video, [unit.data for unit in whole.units]))
    assert (result.differing, result.missing) == ((), ())
    assert result.worst_db >= FLOOR_DB
