"""Any frame that is fetched equals the one that decoding from the film's start gives."""

from __future__ import annotations

import json
import random
from pathlib import Path

import av
import pytest

from engine.errors import DamagedMedia, SourceChanged, UnsupportedMedia, UsageError
from engine.media.decode import FrameReader
from tests.corpus.small_clips import Recipe, make
from tests.films import digest, field_film, indexed, linear, reader, with_edit_list

OPEN_GOP = {"x264-params": "open-gop=1:bframes=3"}
HEVC = {"x265-params": "log-level=error:keyint=10:open-gop=1:bframes=3"}
B2 = {"bf": "2"}
FILMS = {
    "H.264 in MP4": ("a.mp4", Recipe()),
    "H.264 in Matroska": ("a.mkv", Recipe()),
    "H.264 in a transport stream": ("a.ts", Recipe()),
    "H.264 in Flash": ("a.flv", Recipe()),
    "H.264 in fragments": ("a.mp4", Recipe(muxing={"movflags": "frag_keyframe+empty_moov"})),
    "open GOP in MP4": ("a.mp4", Recipe(options=OPEN_GOP)),
    "open GOP in a transport stream": ("a.ts", Recipe(options=OPEN_GOP)),
    "intra refresh": ("a.mp4", Recipe(options={"x264-params": "intra-refresh=1"})),
    "interlaced 4:2:2 10 bit": ("a.mov", Recipe(pix_fmt="yuv422p10le", options={"x264-params": "tff=1"})),
    "HEVC with leading pictures in MP4": ("a.mp4", Recipe(codec="libx265", options=HEVC)),
    "HEVC with leading pictures in a transport stream": ("a.ts", Recipe(codec="libx265", options=HEVC)),
    "MPEG-2 in a transport stream": ("a.ts", Recipe(codec="mpeg2video", options=B2)),
    "MPEG-2 in a program stream": ("a.mpg", Recipe(codec="mpeg2video", sound_codec="mp2", options=B2)),
    "MPEG-4 in AVI": ("a.avi", Recipe(codec="mpeg4", options=B2)),
    "reordered H.264 in AVI, which has no presentation times": ("a.avi", Recipe()),
    "a bare H.264 stream": ("a.h264", Recipe(sounds=0)),
    "VP8 in WebM": ("a.webm", Recipe(codec="libvpx", sound_codec="libopus", options={"deadline": "realtime"})),
    "VP9 in WebM": ("a.webm", Recipe(codec="libvpx-vp9", sound_codec="libopus", options={"cpu-used": "8"})),
    "AV1 in MP4": ("a.mp4", Recipe(codec="libsvtav1", options={"preset": "12"})),
    "ProRes in QuickTime": ("a.mov", Recipe(codec="prores_ks", pix_fmt="yuv422p10le")),
    "FFV1 in Matroska": ("a.mkv", Recipe(codec="ffv1")),
    "Motion JPEG in AVI": ("a.avi", Recipe(codec="mjpeg", pix_fmt="yuvj420p")),
}

LEAVES_OUT = ("libx264", "libx265", "mpeg2video")


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_fetched_in_random_order_is_the_one_of_a_linear_decode(tmp_path, name):
    file, recipe = FILMS[name]
    path = make(tmp_path / file, recipe)
    expected = [shown for _, shown in linear(path)]
    numbers = list(range(len(expected)))
    random.Random(name).shuffle(numbers)
    with reader(path) as frames:
        fetched = {number: digest(frames.frame(number)) for number in numbers}
        assert fetched == dict(enumerate(expected))
        assert [digest(frame) for frame in frames.frames(3, 40)] == expected[3:40]


@pytest.mark.parametrize("name", [name for name, (_, recipe) in FILMS.items() if recipe.codec in LEAVES_OUT])
def test_a_frame_that_is_gone_to_directly_is_the_one_of_a_linear_decode(tmp_path, name):
    file, recipe = FILMS[name]
    path = make(tmp_path / file, recipe)
    expected = [shown for _, shown in linear(path)]
    rng = random.Random(name)
    numbers = [rng.randrange(len(expected)) for _ in range(60)]
    with reader(path) as frames:
        for number in numbers:
            assert digest(frames.frame_directly(number, lambda: None)) == expected[number]
            beside = min(max(0, number + rng.choice((-1, 1, 2))), len(expected) - 1)
            assert digest(frames.frame(beside)) == expected[beside]


def test_going_to_a_frame_directly_stops_when_told_and_leaves_the_reader_exact(tmp_path):
    path = make(tmp_path / "a.mp4", Recipe(frames=40, gop=40))
    decoded = []

    class Given(Exception):
        pass

    def count(most: int):
        decoded.append(1)
        if len(decoded) == most:
            raise Given

    with reader(path) as frames:
        with pytest.raises(Given):
            frames.frame_directly(30, lambda: count(10))
        assert len(decoded) == 10
        expected = [shown for _, shown in linear(path)]
        assert [digest(frames.frame(number)) for number in (5, 31, 8, 30)] == [expected[n] for n in (5, 31, 8, 30)]


def test_two_packets_that_hold_a_frames_fields_are_one_frame(tmp_path):
    path = field_film(tmp_path / "fields.ts")
    expected = linear(path)
    with reader(path) as frames:
        assert [(f.pts, digest(f)) for f in frames.frames(0, 18)] == expected
        assert digest(frames.frame(7)) == expected[7][1]


def test_a_frame_carries_the_times_of_the_index(tmp_path):
    path = make(tmp_path / "a.mp4")
    info, index = indexed(path)
    with FrameReader(path, info, index) as frames:
        frame = frames.frame(17)
    assert frame.pts == index.frame_pts[17]
    assert frame.duration == index.duration[index.order[17]]
    assert frame.time_base == index.time_base


def test_pictures_that_an_edit_list_hides_are_there_by_their_rank(tmp_path):
    whole = make(tmp_path / "whole.mp4", Recipe(sounds=0, frames=70))
    film = with_edit_list(whole, tmp_path / "part.mp4", [(1000, 1024 + 512 * 13)])
    expected = [shown for _, shown in linear(whole)]
    with reader(film) as frames:
        assert [digest(frame) for frame in frames.frames(0, 25)] == expected[13:38]
        # FFmpeg begins at the keyframe before the edit and goes on to the second one behind it.
        assert [digest(frame) for frame in frames.pictures(0, 41)] == expected[10:51]


def test_a_picture_that_needs_what_was_cut_off_before_the_film_is_none(tmp_path):
    whole = make(tmp_path / "whole.ts", Recipe(codec="mpeg2video", options=B2, sounds=0))
    _, index = indexed(whole)
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: 188 * 3] + whole.read_bytes()[int(index.position[10]) :])
    expected = linear(cut)
    with reader(cut) as frames:
        pictures = list(frames.pictures(0, 5))
        assert [picture is None for picture in pictures] == [True, True, False, False, False]
        assert [digest(frame) for frame in frames.frames(0, 3)] == [shown for _, shown in expected[:3]]


def test_a_range_that_leaves_the_film_is_a_usage_error(tmp_path):
    with reader(make(tmp_path / "a.mp4")) as frames:
        for start, stop in ((-1, 3), (0, 51), (7, 3)):
            with pytest.raises(UsageError, match="0:50"):
                next(frames.frames(start, stop))


def test_a_film_that_was_replaced_behind_the_index_is_noticed(tmp_path):
    path = make(tmp_path / "a.mkv")
    info, index = indexed(path)
    make(path, Recipe(options={"crf": "40"}))
    with FrameReader(path, info, index) as frames, pytest.raises(SourceChanged, match=r"a\.mkv"):
        frames.frame(20)


def test_a_frame_that_does_not_decode_is_named(tmp_path):
    path = make(tmp_path / "a.mov", Recipe(codec="prores_ks", pix_fmt="yuv422p10le", sounds=0))
    info, index = indexed(path)
    data = bytearray(path.read_bytes())
    at, size = int(index.position[20]), int(index.size[20])
    data[at : at + size] = bytes(size)
    path.write_bytes(data)
    with FrameReader(path, info, index) as frames, pytest.raises(DamagedMedia, match="frame 20"):
        list(frames.frames(0, 50))


@pytest.mark.media
def test_frames_of_real_films_are_those_of_a_linear_decode(media: Path):
    for entry in json.loads((media / "catalog.json").read_text())["files"]:
        path = media / entry["file"]
        info, index = indexed(path)
        expected = linear(path, info.video.stream, most=2 if info.video.width > 2000 else 40)
        numbers = random.Random(1).sample(range(len(expected)), min(8, len(expected)))
        with FrameReader(path, info, index) as frames:
            frames.frame(index.frame_count - 1)
            for number in numbers:
                assert digest(frames.frame(number)) == expected[number][1], (entry["file"], number)


def test_a_picture_that_changes_its_size_is_refused_where_it_does(tmp_path):
    small, large = (make(tmp_path / f"{width}.ts", Recipe(width=width, sounds=0)) for width in (160, 320))
    with av.open(str(small)) as one, av.open(str(large)) as two, av.open(str(tmp_path / "both.ts"), "w") as out:
        track = out.add_stream_from_template(one.streams.video[0])
        for container, late in ((one, 0), (two, 90_000 * 2)):
            for packet in container.demux(video=0):
                if packet.size:
                    packet.pts, packet.dts, packet.stream = packet.pts + late, packet.dts + late, track
                    out.mux(packet)
    with reader(tmp_path / "both.ts") as film:
        assert next(film.frames(40, 41)).width == 160
        with pytest.raises(UnsupportedMedia, match=r"160x96 yuv420p to 320x96 yuv420p by frame 60; .*convert"):
            film.frame(60)
