"""The tables of an MP4 or QuickTime file, read without a demuxer, say what FFmpeg's demuxer says."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.errors import DamagedMedia, MissingMedia, UnsupportedMedia
from engine.media.mp4.movie import Movie, read_movie
from engine.media.mp4.samples import SampleReader

FRAGMENTED = {"bbb_720p24_120s_aac_fmp4.mp4", "h264_fmp4_pq_tagged.mp4", "h264_open_gop_recovery.mp4"}


def read_packets(make, movie: Movie) -> dict:
    return {
        track.track_id: [
            make.packet(*row)
            for row in zip(
                track.packets.pts.tolist(),
                track.packets.dts.tolist(),
                track.packets.duration.tolist(),
                track.packets.size.tolist(),
                track.packets.position.tolist(),
                track.packets.sync.tolist(),
                track.packets.hidden.tolist(),
                strict=True,
            )
        ]
        for track in movie.tracks
    }


@st.composite
def video_tracks(draw):
    count = draw(st.integers(1, 40))
    unit = draw(st.sampled_from([1, 20, 512]))
    durations = draw(st.lists(st.sampled_from([unit, unit, unit * 2, 1, 0]), min_size=count, max_size=count))
    offsets = draw(
        st.none()
        | st.lists(st.sampled_from([-2, -1, 0, 1, 2, 4]), min_size=count, max_size=count).map(
            lambda steps: [step * unit for step in steps]
        )
    )
    keys = draw(st.none() | st.sets(st.integers(1, count), max_size=6).map(sorted))
    total = max(1, sum(durations))
    edits = draw(
        st.lists(st.tuples(st.integers(0, 2 * total), st.sampled_from([-1, 0]) | st.integers(0, total)), max_size=3)
    )
    sizes = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    return dict(
        durations=durations,
        offsets=offsets,
        keys=keys,
        edits=edits,
        sizes=sizes,
        samples_per_chunk=draw(st.integers(1, 5)),
        timescale=draw(st.sampled_from([600, 15360])),
    )


@st.composite
def sound_tracks(draw):
    count = draw(st.integers(1, 40))
    edits = draw(
        st.lists(
            st.tuples(st.integers(0, count * 14), st.sampled_from([-1, 0, 80]) | st.integers(0, count * 160)),
            max_size=3,
        )
    )
    sizes = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    return dict(durations=[160] * count, edits=edits, sizes=sizes, timescale=8000)


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(video=video_tracks(), sound=sound_tracks(), front=st.booleans(), timescale=st.sampled_from([600, 1000, 90000]))
def test_any_edit_list_gives_the_packets_that_a_demuxer_gives(make, tmp_path, video, sound, front, timescale):
    plan = make.film(
        [make.track(**video), make.track(handler=b"soun", entry=make.sound_entry(), **sound)], timescale, front
    )
    path = plan.write(tmp_path / "film.mp4")
    movie = read_movie(path)
    assume("share one time" not in movie.tracks[0].demux_reason)
    mine, theirs = read_packets(make, movie), make.demuxed(path)
    # Durations are left out: FFmpeg makes up those of sound it believes to be uncompressed and those that are 0.
    for number in (1, 2):
        assert [replace(p, duration=0) for p in mine[number]] == [replace(p, duration=0) for p in theirs[number]]


def test_an_edit_may_start_at_a_time_that_two_samples_share(make, tmp_path):
    track = make.track(
        durations=[1, 1, 1, 2, 2, 0, 1], keys=[1, 2, 3, 4, 7], edits=[(0, 7)], sizes=[1] * 7, samples_per_chunk=1
    )
    path = make.film([track]).write(tmp_path / "film.mp4")
    mine = [packet.position for packet in read_packets(make, read_movie(path))[1]]
    assert mine == [packet.position for packet in make.demuxed(path)[1]]


def test_a_track_that_replays_samples_asks_for_a_demuxer(make, tmp_path):
    track = make.track(durations=[20] * 10, sizes=[3] * 10, keys=[1], edits=[(100, 100), (100, 0)])
    movie = read_movie(make.film([track]).write(tmp_path / "film.mp4"))
    assert "twice" in movie.tracks[0].demux_reason
    assert not movie.tracks[0].packets.linear


def test_a_track_that_begins_with_samples_of_one_time_asks_for_a_demuxer(make, tmp_path):
    movie = read_movie(make.film([make.track(durations=[0, 20, 20], sizes=[3] * 3)]).write(tmp_path / "film.mp4"))
    assert "share one time" in movie.tracks[0].demux_reason


def test_an_edit_list_without_end_costs_no_memory(make, tmp_path):
    track = make.track(durations=[20] * 1000, sizes=[3] * 1000, keys=[1], edits=[(20_000, 0)] * 5000)
    movie = read_movie(make.film([track]).write(tmp_path / "film.mp4"))
    assert "edit list" in movie.tracks[0].demux_reason
    assert movie.tracks[0].packets.count <= 6000


def test_behind_an_empty_track_edit_lists_only_shift(make, tmp_path):
    empty = make.track(handler=b"text", entry=make.video_entry(b"text"))
    video = make.track(durations=[20] * 10, sizes=[3] * 10, keys=[1, 6], edits=[(60, -1), (100, 40)])
    path = make.film([empty, video]).write(tmp_path / "film.mp4")
    assert read_packets(make, read_movie(path))[2] == make.demuxed(path)[2]
    assert not read_movie(path).tracks[1].packets.hidden.any()


def test_sound_stored_as_single_frames_is_left_to_the_demuxer(make, tmp_path):
    sound = make.track(
        handler=b"soun", entry=make.sound_entry(), durations=[1], sizes=[3], timescale=8000, samples_per_chunk=1
    )
    movie = read_movie(make.film([sound]).write(tmp_path / "film.mp4"))
    assert "single frames" in movie.tracks[0].demux_reason
    assert movie.tracks[0].samples.count == 0


def test_a_header_says_language_timescale_and_entry(make, tmp_path):
    track = make.track(durations=[20] * 3, sizes=[3] * 3, entry=make.video_entry(b"avc1", make.box(b"avcC", b"\1abc")))
    movie = read_movie(make.film([track], timescale=1000).write(tmp_path / "film.mp4"))
    (only,) = movie.tracks
    assert (movie.timescale, only.timescale, only.language, only.handler) == (1000, 600, "eng", "vide")
    assert (only.entries[0].kind, only.entries[0].extradata) == (b"avc1", b"\1abc")
    assert movie.track(1) is only
    with pytest.raises(KeyError):
        movie.track(7)


def test_the_extradata_of_an_esds_is_inside_its_descriptors(make, tmp_path):
    decoder = b"\x04" + bytes([13 + 2 + 5]) + bytes(13) + b"\x05\x05hello"
    esds = make.full_box(
        b"esds", 0, b"\x03\x80\x80\x80" + bytes([3 + len(decoder) + 3]) + b"\0\1\0" + decoder + b"\6\1\2"
    )
    track = make.track(durations=[20], sizes=[3], entry=make.video_entry(b"mp4v", esds))
    movie = read_movie(make.film([track]).write(tmp_path / "film.mp4"))
    assert movie.tracks[0].entries[0].extradata == b"hello"


def test_encryption_is_seen(make, tmp_path):
    plain = make.track(durations=[20], sizes=[3])
    protected = make.track(durations=[20], sizes=[3], entry=make.video_entry(b"encv", make.box(b"sinf", bytes(20))))
    assert not read_movie(make.film([plain]).write(tmp_path / "a.mp4")).encrypted
    assert read_movie(make.film([plain, protected]).write(tmp_path / "b.mp4")).encrypted
    assert read_movie(make.film([plain], extra=make.box(b"pssh", bytes(24))).write(tmp_path / "c.mp4")).encrypted


def test_quicktime_terminators_do_no_harm(make, tmp_path):
    user_data = make.box(b"udta", make.box(b"\xa9nam", b"\0\1\0\0x"), bytes(4))
    track = make.track(durations=[20], sizes=[3])
    path = make.film([track], extra=user_data + bytes(4)).write(tmp_path / "film.mov")
    assert read_movie(path).tracks[0].packets.count == 1


def test_samples_are_read_by_position(make, tmp_path):
    track = make.track(durations=[20] * 3, sizes=[2, 3, 4])
    path = make.film([track]).write(tmp_path / "film.mp4", fill=b"aabbbcccc")
    packets = read_movie(path).tracks[0].packets
    with SampleReader(path) as reader:
        spans = zip(packets.position.tolist(), packets.size.tolist(), strict=True)
        assert [reader.read(*span) for span in spans] == [b"aa", b"bbb", b"cccc"]
        with pytest.raises(DamagedMedia, match="truncated"):
            reader.read(path.stat().st_size - 1, 2)


def test_two_hours_are_read_in_a_fifth_of_a_second(make, tmp_path):
    rng = np.random.default_rng(1)
    frames, sounds = 2 * 3600 * 30, 2 * 3600 * 48000 // 1024
    video = make.track(
        durations=np.full(frames, 512),
        timescale=15360,
        offsets=rng.integers(0, 5, frames) * 512,
        keys=range(1, frames, 60),
        sizes=rng.integers(5_000, 60_000, frames),
        edits=[(2 * 3600 * 600, 1024)],
        samples_per_chunk=15,
        wide_offsets=True,
    )
    sound = make.track(
        handler=b"soun",
        entry=make.sound_entry(),
        durations=np.full(sounds, 1024),
        timescale=48000,
        sizes=rng.integers(200, 400, sounds),
        edits=[(2 * 3600 * 600, 1024)],
        samples_per_chunk=23,
        wide_offsets=True,
    )
    path = make.film([video, sound]).write(tmp_path / "film.mp4")
    took = []
    for _ in range(5):
        started = time.perf_counter()
        movie = read_movie(path)
        took.append(time.perf_counter() - started)
    assert [track.packets.count for track in movie.tracks] == [frames, sounds]
    assert min(took) < 0.2


class TestDamage:
    """What is not sound is refused with the file's name and the value that is wrong."""

    def refused(self, path: Path, *words: str) -> None:
        with pytest.raises(DamagedMedia) as caught:
            read_movie(path)
        for word in (path.name, *words):
            assert word in str(caught.value)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(MissingMedia, match=r"gone\.mp4"):
            read_movie(tmp_path / "gone.mp4")
        with pytest.raises(MissingMedia, match=r"gone\.mp4"):
            SampleReader(tmp_path / "gone.mp4")

    def test_a_folder(self, tmp_path):
        self.refused(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"hello, I am a text file named .mp4\n" * 9, bytes(4096)])
    def test_no_film(self, tmp_path, content):
        path = tmp_path / "film.mp4"
        path.write_bytes(content)
        self.refused(path, "moov")

    def test_an_unfinished_recording(self, tmp_path):
        path = tmp_path / "film.mp4"
        path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + struct.pack(">I4s", 0, b"mdat") + bytes(99))
        self.refused(path, "not finished")

    def test_a_compressed_header(self, make, tmp_path):
        path = tmp_path / "film.mov"
        path.write_bytes(make.box(b"moov", make.box(b"cmov", bytes(20))))
        with pytest.raises(UnsupportedMedia, match="cmov"):
            read_movie(path)

    def test_a_header_larger_than_the_file(self, make, tmp_path):
        path = tmp_path / "film.mp4"
        path.write_bytes(struct.pack(">I4s", 0x7FFFFFFF, b"moov") + bytes(40))
        self.refused(path, "2147483647")

    def test_every_truncation_is_noticed(self, make, tmp_path):
        track = make.track(durations=[20] * 10, sizes=[30] * 10, keys=[1])
        for front in (True, False):
            whole = make.film([track], front=front).write(tmp_path / "whole.mp4").read_bytes()
            for length in range(len(whole)):
                path = tmp_path / "cut.mp4"
                path.write_bytes(whole[:length])
                self.refused(path)

    @pytest.mark.parametrize("kind", [b"stts", b"stsz", b"stco", b"stsc", b"ctts", b"stss"])
    def test_a_count_that_its_box_has_no_room_for(self, make, tmp_path, kind):
        track = make.track(durations=[20] * 10, sizes=[30] * 10, keys=[1], offsets=[0] * 10)
        path = make.film([track]).write(tmp_path / "film.mp4")
        data = bytearray(path.read_bytes())
        at = data.index(kind) + (12 if kind == b"stsz" else 8)
        data[at : at + 4] = b"\x7f\xff\xff\xff"
        path.write_bytes(data)
        self.refused(path, kind.decode(), str(0x7FFFFFFF))

    def test_a_count_that_needs_no_room_is_held_to_the_file(self, make, tmp_path):
        track = make.track(durations=[20] * 10, sizes=[30] * 10)
        path = make.film([track]).write(tmp_path / "film.mp4")
        data = bytearray(path.read_bytes())
        at = data.index(b"stsz") + 8
        data[at : at + 8] = struct.pack(">II", 1, 0x7FFFFFFF)
        at = data.index(b"stsc") + 8
        data[at + 4 : at + 16] = struct.pack(">III", 1, 0x7FFFFFFF, 1)
        path.write_bytes(data)
        self.refused(path, "stsz")

    def test_a_box_that_outgrows_its_parent(self, make, tmp_path):
        track = make.track(durations=[20] * 10, sizes=[30] * 10)
        path = make.film([track]).write(tmp_path / "film.mp4")
        data = bytearray(path.read_bytes())
        at = data.index(b"stts") - 4
        data[at : at + 4] = b"\0\xff\0\0"
        path.write_bytes(data)
        self.refused(path, "stts")

    def test_chunks_out_of_order(self, make, tmp_path):
        track = make.track(durations=[20] * 9, sizes=[30] * 9, samples_per_chunk=5)
        path = make.film([track]).write(tmp_path / "film.mp4")
        data = bytearray(path.read_bytes())
        at = data.index(b"stsc") + 12
        data[at : at + 4] = b"\0\0\0\x09"
        path.write_bytes(data)
        self.refused(path, "stsc")

    def test_random_damage_never_escapes_as_something_else(self, make, tmp_path):
        rng = np.random.default_rng(7)
        video = make.track(durations=[20] * 30, sizes=[9] * 30, keys=[1, 11], offsets=[20] * 30, edits=[(400, 20)])
        sound = make.track(handler=b"soun", entry=make.sound_entry(), durations=[160] * 30, sizes=[9] * 30)
        whole = make.film([video, sound]).write(tmp_path / "whole.mp4").read_bytes()
        path = tmp_path / "film.mp4"
        outcomes = set()
        for _ in range(600):
            data = bytearray(whole)
            for at in rng.integers(0, len(data), rng.integers(1, 4)):
                data[at] = rng.integers(0, 256)
            path.write_bytes(data)
            try:
                read_movie(path)
                outcomes.add("read")
            except (DamagedMedia, UnsupportedMedia):
                outcomes.add("refused")
        assert outcomes == {"read", "refused"}


@pytest.mark.media
def test_the_packets_of_the_real_clips_are_the_demuxers(make, media):
    """Differences that remain: chapter text tracks and data tracks of no duration, which FFmpeg discards."""
    seen = 0
    for path in sorted([*media.glob("*.mp4"), *media.glob("*.mov")]):
        movie = read_movie(path)
        assert movie.fragmented == (path.name in FRAGMENTED)
        if movie.fragmented:
            continue
        theirs = make.demuxed(path)
        for number, packets in read_packets(make, movie).items():
            if theirs[number] or movie.track(number).handler in ("vide", "soun"):
                assert packets == theirs[number], (path.name, number)
                seen += 1
            else:
                assert movie.track(number).handler in ("text", "meta"), (path.name, number)
    assert seen > 50
    assert read_movie(media / "editlist_3.mp4").tracks[0].demux_reason
