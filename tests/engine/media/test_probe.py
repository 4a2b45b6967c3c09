"""What a film is, as probing finds out; and what is said of files that cannot be used."""

from __future__ import annotations

import json
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from engine.errors import DamagedMedia, MissingMedia, ProtectedMedia, UnsupportedMedia
from engine.media.probe import clockwise_rotation, probe
from tests.corpus.mutate import empty, marked_protected, text_named, truncated, without_video
from tests.corpus.small_clips import Recipe, make

QUARTER = 1 << 16


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return struct.pack("=9i", a * QUARTER, b * QUARTER, 0, c * QUARTER, d * QUARTER, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(
    ("display_matrix", "degrees"),
    [
        (b"", 0),
        (matrix(1, 0, 0, 1), 0),
        (matrix(0, 1, -1, 0), 90),
        (matrix(-1, 0, 0, -1), 180),
        (matrix(0, -1, 1, 0), 270),
        (matrix(-1, 0, 0, 1), 0),  # mirrored left to right
        (matrix(1, 0, 0, -1), 180),  # upside down is mirrored and turned
    ],
)
def test_the_rotation_is_the_clockwise_turn_of_the_display_matrix(display_matrix, degrees):
    assert clockwise_rotation(display_matrix) == degrees


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_films_rotation_is_clockwise_whatever_sign_ffmpeg_uses(tmp_path, degrees):
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(-degrees)  # counter-clockwise there
        out.mux(stream.encode(VideoFrame(64, 48, "yuv420p")))
        out.mux(stream.encode(None))
    info = probe(path)
    assert info.video.rotation == degrees
    assert info.video.display_size == ((48, 64) if degrees in (90, 270) else (64, 48))


def test_the_facts_of_a_film_are_found(tmp_path):
    path = make(tmp_path / "a.mp4", Recipe(sounds=2, pix_fmt="yuv422p10le", tags={"title": "Attic"}))
    info = probe(path)
    assert info.container == "mov,mp4,m4a,3gp,3g2,mj2"
    assert 2 <= info.duration_s < Fraction(21, 10)  # the sound is a little longer
    assert ("title", "Attic") in info.metadata
    video = info.video
    assert (video.codec, video.codec_tag, video.profile) == ("h264", "avc1", "High 4:2:2")
    assert (video.width, video.height, video.pix_fmt, video.bit_depth) == (160, 96, "yuv422p10le", 10)
    assert (video.rate, video.time_base, video.sar) == (25, Fraction(1, 12800), 1)
    assert video.extradata.startswith(b"\x01")
    assert [(sound.codec, sound.sample_rate, sound.language) for sound in info.audio] == [
        ("aac", 48000, "eng"),
        ("aac", 48000, "deu"),
    ]


def test_full_range_is_known_from_the_pixel_format(tmp_path):
    assert probe(make(tmp_path / "a.avi", Recipe(codec="mjpeg", pix_fmt="yuvj420p"))).video.colour.full_range is True


def test_colour_is_read_and_hdr_known_by_its_transfer(tmp_path):
    colours = {"x264-params": "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=tv"}
    colour = probe(make(tmp_path / "a.mkv", Recipe(options=colours))).video.colour
    assert (colour.primaries, colour.transfer, colour.matrix, colour.full_range) == (9, 16, 9, False)
    assert colour.is_hdr


def test_fragments_are_noticed(tmp_path):
    assert not probe(make(tmp_path / "a.mp4")).fragmented
    fragments = Recipe(muxing={"movflags": "frag_keyframe+empty_moov"})
    assert probe(make(tmp_path / "b.mp4", fragments)).fragmented


def test_a_cover_is_never_the_edited_stream(tmp_path):
    path = tmp_path / "covered.mp4"
    with av.open(str(path), "w") as out:
        cover = out.add_stream("mjpeg", rate=1, pix_fmt="yuvj420p", width=600, height=600)
        film = out.add_stream("libx264", rate=25, pix_fmt="yuv420p", width=64, height=48)
        cover.disposition = av.stream.Disposition.attached_pic
        out.mux(cover.encode(VideoFrame.from_ndarray(np.zeros((900, 600), np.uint8), format="yuvj420p")))
        out.mux(film.encode(VideoFrame(64, 48, "yuv420p")))
        out.mux(film.encode(None))
    info = probe(path)
    assert info.video.width == 64
    assert info.others[0].kind == "cover"


def test_the_film_marked_as_default_goes_before_others(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("libx264", rate=25, pix_fmt="yuv420p", width=w, height=48) for w in (128, 64)]
        streams[0].disposition = av.stream.Disposition.visual_impaired
        streams[1].disposition = av.stream.Disposition.default
        for stream in streams:
            out.mux(stream.encode(VideoFrame(stream.width, 48, "yuv420p")))
            out.mux(stream.encode(None))
    assert probe(path).video.width == 64


def test_what_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingMedia, match=r"gone\.mp4 does not exist"):
        probe(tmp_path / "gone.mp4")
    with pytest.raises(MissingMedia, match="is a folder"):
        probe(tmp_path)


def test_what_is_no_film_is_damaged_and_named(tmp_path):
    for bad in (empty(tmp_path / "empty.mp4"), text_named(tmp_path / "text.mp4")):
        with pytest.raises(DamagedMedia, match=bad.name):
            probe(bad)


@pytest.mark.parametrize("file", ["a.mp4", "a.mkv", "a.ts"])
def test_a_film_cut_off_within_its_header_is_damaged(tmp_path, file):
    whole = make(tmp_path / file, Recipe(muxing={"movflags": "faststart"} if file == "a.mp4" else {}))
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(whole.read_bytes()[:300])
    with pytest.raises(DamagedMedia, match="cut"):
        probe(cut)


def test_a_recording_without_its_header_is_damaged(tmp_path):
    whole = make(tmp_path / "a.mp4")
    with pytest.raises(DamagedMedia, match="cut"):
        probe(truncated(whole, tmp_path / "cut.mp4"))


def test_sound_alone_is_unsupported(tmp_path):
    with pytest.raises(UnsupportedMedia, match="holds no video"):
        probe(without_video(make(tmp_path / "a.mp4"), tmp_path / "sound.mp4"))


def test_a_codec_that_leaves_pictures_out_is_unsupported_and_the_way_out_named(tmp_path, monkeypatch):
    film = make(tmp_path / "film.mp4")
    monkeypatch.setattr("engine.media.probe._WITHOUT_ALL_PICTURES", frozenset({"h264"}))
    with pytest.raises(UnsupportedMedia, match=r"film.mp4: .*convert it to H.264, VP9 or AV1 first"):
        probe(film)


def test_an_encrypted_film_is_protected(tmp_path):
    with pytest.raises(ProtectedMedia, match="encrypted"):
        probe(marked_protected(make(tmp_path / "a.mp4"), tmp_path / "b.mp4"))


def test_a_playlist_that_names_other_files_is_not_followed(tmp_path):
    make(tmp_path / "a.ts")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(DamagedMedia, match=r"list\.m3u8"):
        probe(playlist)


@pytest.mark.media
def test_real_films_are_what_their_catalog_says(media: Path):
    for entry in json.loads((media / "catalog.json").read_text())["files"]:
        info = probe(media / entry["file"])
        expected, video = entry["video"], info.video
        for name in ("codec", "pix_fmt", "width", "height"):
            assert getattr(video, name) == expected[name], (entry["file"], name)
        if expected["profile"] not in (None, "0"):
            assert video.profile == expected["profile"], entry["file"]
        assert video.rotation == -expected["rotation"] % 360, entry["file"]
        if expected["sar"]:
            assert video.sar == Fraction(expected["sar"].replace(":", "/")), entry["file"]
        assert video.field_order == (expected["field_order"] or "unknown"), entry["file"]
        assert float(info.duration_s) == pytest.approx(entry["duration_s"] or 0, abs=2e-3), entry["file"]
        assert [sound.codec for sound in info.audio] == [sound["codec"] for sound in entry["audio"]]
        assert info.fragmented == ("fragmented MP4" in entry["features"]), entry["file"]
        assert (video.dolby_vision is not None) == ("Dolby Vision" in entry["features"]), entry["file"]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_where_chroma_samples_lie_is_read_from_the_stream(tmp_path, codec, suffix):
    said = {"x264-params": "chromaloc=2"} if codec == "libx264" else {"x265-params": "log-level=error:chromaloc=2"}
    path = make(tmp_path / f"a{suffix}", Recipe(codec=codec, frames=3, options=said))
    assert probe(path).video.colour.chroma_location == 3  # FFmpeg counts from 1: top left
    unsaid = make(tmp_path / f"b{suffix}", Recipe(frames=3))
    assert probe(unsaid).video.colour.chroma_location == 0
