"""The verifier accepts a sound export and catches every kind of damage, from the two files alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, MediaError
from engine.media.bitstream.nal import Framing, join, reframed, split
from engine.media.film_file import FilmFile
from engine.media.remux import RemuxReport, remux
from engine.media.replay import Replay
from engine.model.time import Range
from engine.render.packet_check import Plan
from engine.render.seam_windows import Depth
from engine.render.verify import VerifyReport, verify
from tests.corpus.mutate import replaced, rewritten, with_flipped_bytes
from tests.corpus.small_clips import Recipe, facts, make, pictures, recoded, with_units

RUN = Range(20, 30)
OTHER_IDS = {"x264-params": "sps-id=3:aud=1"}


def exported(source: Path, target: Path, options=OTHER_IDS, change_splice=lambda splice: splice, **recoding) -> Path:
    info, index = facts(source)
    splice, _ = recoded(source, info, index, RUN.start, RUN.stop, options, **recoding)
    if info.video.extradata.startswith(b"\x01"):
        splice = with_units(splice, lambda data: reframed(data, Framing.START_CODES, Framing.LENGTH_4))
    outcome = remux(
        source,
        info,
        index,
        [change_splice(splice)],
        info.video.extradata,
        target,
        progress=Progress(),
        cancel=CancelToken(),
    )
    assert isinstance(outcome, RemuxReport), outcome
    return target


def checked(source: Path, out: Path, plan: Plan | None = None, depth: Depth = Depth.FULL) -> VerifyReport:
    return verify(source, out, plan, depth, progress=Progress(), cancel=CancelToken())


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A film with two sound tracks and its export, in two containers."""
    folder = tmp_path_factory.mktemp("films")
    found = {}
    for suffix in (".ts", ".mkv", ".mp4"):
        source = make(folder / f"film{suffix}", Recipe(sounds=2, tags={"title": "A film"}))
        found[suffix] = source, exported(source, folder / f"out{suffix}")
    return found


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_sound_export_is_verified(films, suffix, depth):
    source, out = films[suffix]
    _, index = facts(source)
    for plan in (None, Plan.of(index, [RUN])):
        report = checked(source, out, plan, depth)
        assert report.problems == ()
        assert report.verified
        assert report.packets_identical == 40
        assert report.packets_total == 50
        assert report.changed_runs == (RUN,)
        assert report.audio_identical
        assert report.audio_packets > 150
        assert report.frames_compared >= 18
        assert report.seeks >= 3


def test_a_file_is_its_own_copy(films):
    source, _ = films[".ts"]
    report = checked(source, source)
    assert report.verified
    assert report.packets_identical == report.packets_total == 50
    assert report.changed_runs == ()


def test_the_loss_of_re_encoded_frames_is_measured(films):
    source, out = films[".ts"]
    worst = checked(source, out).worst_psnr_db
    assert worst is not None
    assert 10 < worst < 35
    assert checked(source, out, depth=Depth.EXPORT).worst_psnr_db is None


def test_a_frame_that_was_to_be_copied_must_be_copied(films):
    source, out = films[".mkv"]
    _, index = facts(source)
    report = checked(source, out, Plan.of(index, [Range(20, 25)]))
    assert any("was to be copied" in problem for problem in report.problems)


def video(packets):
    return [i for i, packet in enumerate(packets) if packet.stream_index == 0]


def flip_byte_in_a_copied_picture(packets):
    at = video(packets)[12]
    data = bytearray(bytes(packets[at]))
    data[len(data) // 2] ^= 0x10
    packets[at] = replaced(packets[at], bytes(data))
    return packets


def flip_byte_in_a_keyframe(packets):
    at = video(packets)[10]
    data = bytearray(bytes(packets[at]))
    data[-9] ^= 0x10
    packets[at] = replaced(packets[at], bytes(data))
    return packets


def drop_a_picture(packets):
    del packets[video(packets)[12]]
    return packets


def double_a_picture(packets):
    at = video(packets)[12]
    twin = replaced(packets[at], bytes(packets[at]))
    twin.dts, twin.pts = twin.dts + 1, twin.pts + 1
    packets.insert(at + 1, twin)
    return packets


def move_a_picture_in_time(packets):
    packets[video(packets)[12]].pts += 1
    return packets


def swap_two_pictures(packets):
    a, b = video(packets)[12:14]
    packets[a], packets[b] = replaced(packets[a], bytes(packets[b])), replaced(packets[b], bytes(packets[a]))
    return packets


def drop_a_sound_packet(packets):
    del packets[next(i for i, packet in enumerate(packets) if packet.stream_index == 1 and i > 40)]
    return packets


def change_a_sound_packet(packets):
    at = next(i for i, packet in enumerate(packets) if packet.stream_index == 2 and i > 40)
    data = bytearray(bytes(packets[at]))
    data[-2] ^= 1
    packets[at] = replaced(packets[at], bytes(data))
    return packets


def move_a_sound_packet_in_time(packets):
    packet = next(p for i, p in enumerate(packets) if p.stream_index == 1 and i > 40)
    packet.pts += 2
    packet.dts += 2
    return packets


def empty_a_re_encoded_picture(packets):
    at = video(packets)[24]
    packets[at] = replaced(packets[at], bytes(packets[at])[:9])
    return packets


DAMAGE = [
    flip_byte_in_a_copied_picture,
    flip_byte_in_a_keyframe,
    drop_a_picture,
    double_a_picture,
    move_a_picture_in_time,
    swap_two_pictures,
    drop_a_sound_packet,
    change_a_sound_packet,
    move_a_sound_packet_in_time,
    empty_a_re_encoded_picture,
]


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_faithful_rewrite_of_the_export_stays_verified(films, tmp_path, suffix):
    source, out = films[suffix]
    report = checked(source, rewritten(out, tmp_path / f"again{suffix}", lambda packets: packets))
    assert report.problems == ()


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_is_caught(films, tmp_path, damage, suffix, depth):
    source, out = films[suffix]
    bad = rewritten(out, tmp_path / f"bad{suffix}", damage)
    _, index = facts(source)
    report = checked(source, bad, None, depth)
    for found in (report, checked(source, bad, Plan.of(index, [RUN], decoded=packets_of_the_run(out)), depth)):
        assert not found.verified
        assert found.problems
    if "sound" in damage.__name__:
        assert not report.audio_identical


def packets_of_the_run(out: Path) -> list[bytes]:
    with av.open(str(out)) as reader:
        found = [bytes(packet) for packet in reader.demux(video=0) if packet.size]
    return found[RUN.start : RUN.stop]


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_packets_that_were_decoded_before_are_not_decoded_again(films, monkeypatch, suffix):
    """Both seams are crossed and every seek is made all the same; frames at the end of the run are left out."""
    source, out = films[suffix]
    _, index = facts(source)
    shown = []

    def counting(replay, *given, **further):
        for frame in stretch(replay, *given, **further):
            shown.append(frame)
            yield frame

    stretch = Replay.stretch
    monkeypatch.setattr(Replay, "stretch", counting)
    reports, counts = [], []
    for decoded in ((), packets_of_the_run(out)):
        shown.clear()
        reports.append(checked(source, out, Plan.of(index, [RUN], decoded=decoded), Depth.EXPORT))
        counts.append(len(shown))
    assert reports[0] == reports[1]
    assert reports[1].verified
    assert counts[1] < counts[0]


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_packet_that_is_not_as_it_was_decoded_is_decoded(films, tmp_path, suffix):
    source, out = films[suffix]
    _, index = facts(source)
    plan = Plan.of(index, [RUN], decoded=packets_of_the_run(out))

    def empty_the_last_picture_of_the_run(packets):
        at = video(packets)[29]
        packets[at] = replaced(packets[at], bytes(packets[at])[:9])
        return packets

    bad = rewritten(out, tmp_path / f"bad{suffix}", empty_the_last_picture_of_the_run)
    assert not checked(source, bad, plan, Depth.EXPORT).verified


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_damage_of_the_source_is_not_held_against_the_export(films, tmp_path, suffix):
    """What is missing of the keyframe behind the run is filled from the pictures before it, which are others now."""

    def cut_off_the_keyframe_behind_the_run(packets):
        at = video(packets)[RUN.stop]
        data = bytes(packets[at])
        packets[at] = replaced(packets[at], data[: len(data) * 2 // 3])
        return packets

    pair = [
        rewritten(film, tmp_path / f"{name}{suffix}", cut_off_the_keyframe_behind_the_run)
        for name, film in zip(("film", "out"), films[suffix], strict=True)
    ]
    for depth in Depth:
        report = checked(*pair, None, depth)
        assert report.problems == ()
        assert report.packets_identical == 40


def test_a_lost_track_is_caught(films, tmp_path):
    source, out = films[".mkv"]
    with av.open(str(out)) as reader, av.open(str(tmp_path / "bad.mkv"), "w") as writer:
        tracks = {i: writer.add_stream_from_template(reader.streams[i], opaque=True) for i in (0, 1)}
        for packet in reader.demux():
            if packet.size and packet.stream_index in tracks:
                packet.stream = tracks[packet.stream_index]
                writer.mux(packet)
    report = checked(source, tmp_path / "bad.mkv")
    assert not report.audio_identical
    assert any("track 2" in problem and "not in the export" in problem for problem in report.problems)


def test_lost_tags_and_languages_are_caught(films, tmp_path):
    source, out = films[".mkv"]
    with av.open(str(out)) as reader, av.open(str(tmp_path / "bad.mkv"), "w") as writer:
        tracks = {s.index: writer.add_stream_from_template(s, opaque=True) for s in reader.streams}
        for packet in reader.demux():
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                writer.mux(packet)
    report = checked(source, tmp_path / "bad.mkv")
    assert any("title" in problem for problem in report.problems)
    assert sum("language" in problem for problem in report.problems) == 3


def without_own_sets_later(packets):
    """Take the parameter sets out of every source keyframe behind the run."""
    for at in video(packets)[30:]:
        units = split(bytes(packets[at]), Framing.START_CODES)
        kept = [unit for unit in units if unit[0] & 0x1F not in (7, 8)]
        packets[at] = replaced(packets[at], join(kept, Framing.START_CODES))
    return packets


def test_parameter_sets_that_collide_are_caught(tmp_path):
    """The run brings its own sets under the source's ids, and the container's own header stands for the rest."""
    source = make(tmp_path / "film.mkv")
    out = exported(source, tmp_path / "out.mkv", {"x264-params": "sps-id=0:cabac=0:ref=1", "bf": "0"})
    assert any("source" in problem or "refuses" in problem for problem in checked(source, out).problems)
    assert not checked(source, out, depth=Depth.EXPORT).verified


def test_a_run_that_stops_before_the_next_keyframe_is_caught(tmp_path):
    source = make(tmp_path / "film.ts")
    out = exported(
        source,
        tmp_path / "out.ts",
        change_splice=lambda splice: replace(splice, stop=splice.stop - 3, units=splice.units[:-3]),
    )
    for depth in Depth:
        report = checked(source, out, None, depth)
        assert any("looks different" in problem or "missing" in problem for problem in report.problems)


def test_a_wrong_picture_beside_the_run_is_caught(tmp_path):
    """The group of pictures behind the run is exchanged for another one, whole and well-formed."""
    source = make(tmp_path / "film.ts")
    info, index = facts(source)
    run, _ = recoded(source, info, index, 20, 30, OTHER_IDS)
    beside, _ = recoded(source, info, index, 30, 40, OTHER_IDS)
    outcome = remux(
        source,
        info,
        index,
        [run, beside],
        info.video.extradata,
        tmp_path / "out.ts",
        progress=Progress(),
        cancel=CancelToken(),
    )
    assert isinstance(outcome, RemuxReport)
    plan = Plan.of(index, [RUN])
    assert not checked(source, tmp_path / "out.ts", plan, Depth.EXPORT).verified
    assert checked(source, tmp_path / "out.ts", None).changed_runs == (Range(20, 40),)


def test_tables_of_which_a_player_makes_something_else_are_left_to_the_demuxer(films, tmp_path, monkeypatch):
    """By then the film was played already, and a film that is played gives no sound."""
    source, out = (rewritten(film, tmp_path / film.name, lambda packets: packets) for film in films[".mp4"])
    _, index = facts(source)
    asked = []

    def agrees(film: FilmFile, _tables: object) -> bool:
        asked.append(film.path)
        return film.path != out

    plan = Plan.of(index, [RUN])
    by_tables = checked(source, out, plan)
    monkeypatch.setattr("engine.render.verify.agrees", agrees)
    assert checked(source, out, plan) == by_tables
    assert asked == [source, out]
    assert by_tables.audio_packets > 150


def test_headers_are_restored_in_front_of_the_first_copied_picture(tmp_path):
    """A source that gives its parameter sets once: the run brings others under the same ids."""
    once = rewritten(make(tmp_path / "film.ts"), tmp_path / "once.ts", lambda packets: packets)
    stripped = tmp_path / "stripped.ts"
    rewritten(once, stripped, without_own_sets_later)
    assert len(pictures(stripped)) == 50
    out = exported(stripped, tmp_path / "out.ts", {"x264-params": "sps-id=0:cabac=0:ref=1:aud=1"})
    report = checked(stripped, out, depth=Depth.EXPORT)
    assert report.problems == ()
    assert report.packets_restated == 1
    # Who goes from the run to the group after that one, past the restored headers, has the run's: the ids were taken.
    (problem, *_) = checked(stripped, out, depth=Depth.FULL).problems
    assert problem == "frame 40, 41, 42 and 5 more is missing after a seek"


def test_two_recordings_put_together_are_spliced_and_verified(tmp_path):
    """The clock starts again in the middle: times lead to two places, and the index has made up others."""
    once = make(tmp_path / "once.ts")
    source = tmp_path / "twice.ts"
    source.write_bytes(once.read_bytes() * 2)
    info, index = facts(source)
    assert index.unit_count == 100
    later = np.repeat([0, int(index.pts[:50].max() - index.pts[:50].min()) + 3600], 50)
    order = np.argsort(index.pts + later).astype(np.int64)
    frame_of = np.empty(100, np.int64)
    frame_of[order] = np.arange(100)
    index = replace(
        index,
        pts=index.pts + later,
        dts=index.dts + later,
        order=order,
        frame_of=frame_of,
        exact_timestamps=False,
    )
    splice, _ = recoded(source, info, index, 70, 80, OTHER_IDS)
    outcome = remux(
        source,
        info,
        index,
        [splice],
        info.video.extradata,
        tmp_path / "out.ts",
        progress=Progress(),
        cancel=CancelToken(),
    )
    assert isinstance(outcome, RemuxReport)
    for depth in Depth:
        report = checked(source, tmp_path / "out.ts", Plan.of(index, [Range(70, 80)]), depth)
        assert report.problems == ()
        assert report.packets_identical == 90
        assert report.changed_runs == (Range(70, 80),)
        assert report.frames_compared >= 18
    wrong = checked(source, tmp_path / "out.ts", Plan.of(index, [Range(20, 30)]))
    assert any("was to be copied" in problem for problem in wrong.problems)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_damaged_file_is_refused_or_found_wrong_and_nothing_else_happens(films, tmp_path, suffix):
    source, out = films[suffix]
    verified = 0
    for seed in range(12):
        bad = with_flipped_bytes(out, tmp_path / f"bad{seed}{suffix}", seed=seed, count=4)
        try:
            verified += checked(source, bad, None, Depth.EXPORT).verified
        except MediaError:
            continue
    # A flip in padding or in a table that nothing reads is no damage.
    assert verified <= 3


def test_a_check_can_be_stopped(films):
    source, out = films[".ts"]
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        verify(source, out, progress=Progress(), cancel=cancel)
