"""The index of a film: as many frames as FFmpeg shows, at the same times, whichever way it was built."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, DamagedMedia, UnsupportedMedia
from engine.index.frame_index import build_index, by_demuxing
from engine.media.decode import FrameReader
from engine.media.probe import probe
from engine.model.frame_index import FrameIndex, UnitKind
from tests.corpus.mutate import truncated
from tests.corpus.small_clips import Recipe, make
from tests.films import digest, field_film, indexed, linear, with_edit_list, with_hidden_frames

ARRAYS = (
    "pts",
    "dts",
    "duration",
    "size",
    "position",
    "presented",
    "first_packet",
    "packet_count",
    "order",
    "frame_of",
)
NOT_IN_TABLES = (UnitKind.INTRA,)  # told by a look at samples that are no key samples, which the tables spare


def check_sound(index: FrameIndex) -> None:
    assert np.unique(index.pts).size == index.unit_count
    assert (np.diff(index.dts) >= 0).all()
    assert (index.dts <= index.pts).all()
    assert (np.diff(index.frame_pts) > 0).all()
    assert (index.frame_of[index.order] == np.arange(index.frame_count)).all()
    assert (index.presented == (index.frame_of >= 0)).all()


def check_against_ffmpeg(path: Path, index: FrameIndex, stream: int = 0) -> None:
    check_sound(index)
    assert index.frame_pts.tolist() == [pts for pts, _ in linear(path, stream)]


def check_routes_agree(path: Path, index: FrameIndex) -> None:
    demuxed = by_demuxing(path, probe(path), Progress(), CancelToken())
    for name in ARRAYS:
        assert getattr(index, name).tolist() == getattr(demuxed, name).tolist(), name
    unlike = index.kind != demuxed.kind
    assert np.isin(demuxed.kind[unlike], NOT_IN_TABLES).all()


FILMS = {
    "reordered frames": ("a.mp4", Recipe()),
    "negative offsets": ("a.mp4", Recipe(muxing={"movflags": "negative_cts_offsets"})),
    "no edit list": ("a.mp4", Recipe(muxing={"use_editlist": "0"})),
    "fragments": ("a.mp4", Recipe(muxing={"movflags": "frag_keyframe+empty_moov"})),
    "only key frames": ("a.mov", Recipe(gop=1)),
    "Matroska without decode times": ("a.mkv", Recipe()),
    "a transport stream": ("a.ts", Recipe()),
    "MPEG-2": ("a.ts", Recipe(codec="mpeg2video", options={"bf": "2"})),
    "a codec that is not read here": ("a.flv", Recipe(codec="flv")),
}


@pytest.mark.parametrize("name", FILMS)
def test_the_frames_are_those_that_ffmpeg_shows(tmp_path, name):
    file, recipe = FILMS[name]
    path = make(tmp_path / file, recipe)
    info, index = indexed(path)
    check_against_ffmpeg(path, index, info.video.stream)
    assert index.exact_timestamps
    assert index.packet_total == index.frame_count == 50
    if file.endswith(("mp4", "mov")) and not info.fragmented:
        check_routes_agree(path, index)


# Frames last 512 ticks of 12800 a second; the first is shown at 1024. Durations are in milliseconds.
EDITS = {
    "all of it": ([(2000, 1024)], 50),
    "from the middle of a GOP": ([(1000, 1024 + 512 * 13)], 25),
    "from between two frames": ([(1000, 1024 + 512 * 13 + 200)], 25),
    "up to the middle of a GOP": ([(640, 1024)], 16),
    "after a pause": ([(500, -1), (1000, 1024)], 25),
    "before the first frame": ([(2000, 0)], 48),
    "with a piece left out": ([(400, 1024), (400, 1024 + 512 * 30)], 20),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_list_hides_what_ffmpeg_hides(tmp_path, name):
    edits, frames = EDITS[name]
    path = with_edit_list(make(tmp_path / "whole.mp4", Recipe(sounds=0)), tmp_path / "edited.mp4", edits)
    _, index = indexed(path)
    assert index.frame_count == frames
    with av.open(str(path)) as film:
        assert index.unit_count == sum(packet.size > 0 for packet in film.demux(video=0))
    check_against_ffmpeg(path, index)
    check_routes_agree(path, index)
    # Two pieces that do not meet cannot be put on one clock with what lies between them.
    assert index.exact_timestamps == (name != "with a piece left out")


@pytest.mark.parametrize("edits", [[(1000, 1024), (1000, 1024)], [(1000, 1024 + 512 * 25), (1000, 1024)]])
def test_an_edit_list_that_repeats_or_turns_back_is_refused(tmp_path, edits):
    path = with_edit_list(make(tmp_path / "whole.mp4", Recipe(sounds=0)), tmp_path / "edited.mp4", edits)
    with pytest.raises(UnsupportedMedia, match="its edit list"):
        indexed(path)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_two_field_packets_are_one_unit(tmp_path, suffix):
    path = field_film(tmp_path / f"fields{suffix}")
    _, index = indexed(path)
    assert (index.unit_count, index.packet_total) == (18, 36)
    assert np.flatnonzero(index.kind == UnitKind.IDR).tolist() == [0, 6, 12]
    check_against_ffmpeg(path, index)


def test_a_hidden_frame_belongs_to_the_frame_behind_it(tmp_path):
    recipe = Recipe(codec="libvpx", sounds=0, options={"deadline": "realtime"})
    path = with_hidden_frames(make(tmp_path / "a.webm", recipe), tmp_path / "b.webm", [13, 30, 31])
    _, index = indexed(path)
    assert (index.unit_count, index.frame_count, index.packet_total) == (47, 47, 50)
    assert index.packet_count[[12, 13, 14, 29]].tolist() == [1, 2, 1, 3]
    check_against_ffmpeg(path, index)
    expected = linear(path)
    with FrameReader(path, probe(path), index) as frames:
        for number in (29, 3, 13, 46, 14):
            assert digest(frames.frame(number)) == expected[number][1]


@pytest.mark.parametrize("file", ["a.avi", "a.h264", "a.asf"])
def test_without_presentation_times_the_decoder_tells_the_order(tmp_path, file):
    known = make(tmp_path / "known.mkv", Recipe(sounds=0))
    path = make(tmp_path / file, Recipe(sounds=0))
    _, index = indexed(path)
    check_sound(index)
    assert not index.exact_timestamps
    assert index.order.tolist() == indexed(known)[1].order.tolist()


def test_leading_pictures_of_a_cut_recording_are_hidden_as_no_decoder_shows_them(tmp_path):
    whole = make(tmp_path / "whole.ts", Recipe(codec="mpeg2video", options={"bf": "2"}, sounds=0))
    position = int(indexed(whole)[1].position[10])
    path = tmp_path / "cut.ts"
    path.write_bytes(whole.read_bytes()[: 188 * 3] + whole.read_bytes()[position:])
    _, index = indexed(path)
    assert np.flatnonzero(~index.presented).tolist() == [1, 2]
    check_against_ffmpeg(path, index)


def test_recordings_put_one_after_the_other_are_one_film(tmp_path):
    part = make(tmp_path / "part.ts", Recipe(sounds=0)).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(part + part)
    _, index = indexed(path)
    check_sound(index)
    assert index.frame_count == 100
    assert not index.exact_timestamps
    assert np.diff(index.frame_pts).max() == 3600


def test_a_film_cut_off_in_its_pictures_is_damaged(tmp_path):
    front = make(tmp_path / "a.mp4", Recipe(sounds=0, muxing={"movflags": "faststart"}))
    cut = truncated(front, tmp_path / "cut.mp4", share=0.7)
    with pytest.raises(DamagedMedia, match=r"cut\.mp4 is truncated"):
        indexed(cut)
    with pytest.raises(DamagedMedia, match=r"cut\.mp4 is cut off"):
        by_demuxing(cut, probe(cut), Progress(), CancelToken())


def test_indexing_stops_on_request(tmp_path):
    cancel = CancelToken()
    cancel.cancel()
    path = make(tmp_path / "a.mp4")
    with pytest.raises(Cancelled):
        build_index(path, probe(path), Progress(), cancel)


@pytest.mark.media
def test_real_films_have_as_many_frames_as_ffmpeg_shows_and_both_routes_agree(media: Path):
    for entry in json.loads((media / "catalog.json").read_text())["files"]:
        path = media / entry["file"]
        info, index = indexed(path)
        check_sound(index)
        assert index.frame_count == entry["video"]["decoded_frames_libavcodec62"], entry["file"]
        start_s = float(index.frame_pts[0] * index.time_base)
        # The catalog's start is the first packet's, which in a cut recording is not the first picture's.
        assert start_s == pytest.approx(entry["video"]["start_s"], abs=0.04), entry["file"]
        if info.container.startswith("mov") and not info.fragmented:
            check_routes_agree(path, index)
        untimed = entry["file"] in ("discontinuity.ts", "webm_mediarecorder_chrome.webm")
        assert index.exact_timestamps != untimed, entry["file"]
