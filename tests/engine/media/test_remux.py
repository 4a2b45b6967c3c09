"""The remux writer puts re-encoded units into a film and leaves every other packet as it was."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.media.bitstream.nal import Framing, join, reframed, split
from engine.media.remux import CannotRemux, NewVideo, RemuxReport, remux, remux_with_new_video
from engine.model.time import Range
from engine.render.packet_check import Plan
from engine.render.verify import verify
from tests.corpus.small_clips import Recipe, facts, make, pictures, recoded, with_units

OTHER_IDS = {"x264-params": "sps-id=3:aud=1"}
ROOT = Path(__file__).resolve().parents[3]


def packets(path: Path) -> dict[int, list[tuple]]:
    with av.open(str(path)) as container:
        found = {stream.index: [] for stream in container.streams}
        for p in container.demux():
            if p.size:
                found[p.stream_index].append((bytes(p), p.pts, p.dts, p.duration, p.is_keyframe))
        return found


def write(source: Path, target: Path, splices=(), extradata: bytes | None = None) -> RemuxReport:
    info, index = facts(source)
    report = remux(
        source,
        info,
        index,
        splices,
        extradata or info.video.extradata,
        target,
        progress=Progress(),
        cancel=CancelToken(),
    )
    assert isinstance(report, RemuxReport), report
    return report


@pytest.mark.parametrize("suffix", [".ts", ".m2ts", ".mkv", ".flv", ".mov"])
def test_a_remux_without_a_splice_keeps_every_packet_and_its_times(tmp_path, suffix):
    source = make(tmp_path / f"film{suffix}")
    write(source, tmp_path / f"out{suffix}")
    assert packets(tmp_path / f"out{suffix}") == packets(source)


@pytest.mark.parametrize("suffix", [".ts", ".m2ts", ".mkv", ".flv"])
def test_only_the_units_of_a_splice_change(tmp_path, suffix):
    source = make(tmp_path / f"film{suffix}")
    info, index = facts(source)
    splice, _ = recoded(source, info, index, 20, 30, {"x264-params": "sps-id=3:aud=1"})
    if info.video.extradata.startswith(b"\x01"):
        splice = with_units(splice, lambda data: reframed(data, Framing.START_CODES, Framing.LENGTH_4))
    write(source, tmp_path / f"out{suffix}", [splice])
    before, after = packets(source), packets(tmp_path / f"out{suffix}")
    assert after[1] == before[1]
    assert after[0][:20] == before[0][:20]
    assert after[0][30:] == before[0][30:]
    assert [p[0] for p in after[0][20:30]] == [unit.data for unit in splice.units]
    assert [p[2] for p in after[0]] == [p[2] for p in before[0]]
    assert sorted(p[1] for p in after[0]) == sorted(p[1] for p in before[0])


def test_a_film_moves_into_another_container(tmp_path):
    """Start codes become lengths and back; packets keep pictures, sound and times to the coarser clock."""
    source = make(tmp_path / "film.ts", Recipe(sounds=2))
    for suffix in (".mp4", ".mkv", ".mov"):
        out = tmp_path / f"moved{suffix}"
        info, index = facts(source)
        splice, _ = recoded(source, info, index, 20, 30, OTHER_IDS)
        write(source, out, [splice], both_sets(info, splice))
        report = verify(source, out, Plan.of(index, [Range(20, 30)]), progress=Progress(), cancel=CancelToken())
        assert report.problems == ()
        assert report.packets_identical == 40
        assert report.audio_identical
        back = tmp_path / f"back{suffix}.ts"
        write(out, back)
        assert verify(out, back, progress=Progress(), cancel=CancelToken()).packets_identical == 50


def both_sets(info, splice) -> bytes:
    """Return start-code extradata with the source's parameter sets and the splice's."""
    sets = [u for u in split(splice.units[0].data, Framing.START_CODES) if u[0] & 0x1F in (7, 8)]
    return info.video.extradata + join(sets, Framing.START_CODES)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_everything_beside_the_packets_survives(tmp_path, suffix):
    source = tmp_path / f"film{suffix}"
    dress(make(tmp_path / "bare.mp4", Recipe(sounds=2)), source)
    write(source, tmp_path / f"out{suffix}")
    report = verify(source, tmp_path / f"out{suffix}", progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert report.notes == ()
    with av.open(str(source)) as before, av.open(str(tmp_path / f"out{suffix}")) as after:
        assert chapters(after) == chapters(before)
        assert [s.disposition for s in after.streams] == [s.disposition for s in before.streams]
        assert after.streams.video[0].sample_aspect_ratio == before.streams.video[0].sample_aspect_ratio
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation


def chapters(container) -> list[tuple]:
    return [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]) for c in container.chapters()]


def dress(bare: Path, target: Path) -> None:
    """Write a film with chapters, tags, a rotation, an aspect ratio, dispositions and, in Matroska, a font."""
    options = {"mpegts_copyts": "1"} if target.suffix == ".ts" else {}
    with av.open(str(bare)) as reader, av.open(str(target), "w", container_options=options) as writer:
        writer.metadata["title"] = "A dressed film"
        tracks = {}
        for stream in reader.streams:
            track = tracks[stream.index] = writer.add_stream_from_template(stream, opaque=True)
            track.metadata["language"] = ("eng", "deu", "fra")[stream.index]
        video = tracks[0]
        video.codec_context.sample_aspect_ratio = Fraction(4, 3)
        video.set_display_rotation(90)
        tracks[2].disposition = Disposition.comment
        if target.suffix == ".mkv":
            writer.add_attachment("font.ttf", "font/ttf", b"a font, or so it says")
        if target.suffix != ".ts":
            base = Fraction(1, 1000)
            writer.set_chapters(
                [
                    {"id": 1, "start": 0, "end": 1000, "time_base": base, "metadata": {"title": "One"}},
                    {"id": 2, "start": 1000, "end": 2000, "time_base": base, "metadata": {"title": "Two"}},
                ]
            )
        for packet in reader.demux():
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                writer.mux(packet)


def test_a_fragmented_film_stays_fragmented_and_keeps_its_start(tmp_path):
    for name, flags in (("a", "frag_keyframe+empty_moov"), ("b", "frag_keyframe+delay_moov")):
        source = make(tmp_path / f"{name}.mp4", Recipe(muxing={"movflags": flags}))
        write(source, tmp_path / f"{name}out.mp4")
        assert b"moof" in (tmp_path / f"{name}out.mp4").read_bytes()
        assert packets(tmp_path / f"{name}out.mp4") == packets(source)


def test_a_track_the_target_cannot_hold_is_named(tmp_path):
    source = tmp_path / "film.mkv"
    bare = make(tmp_path / "bare.mkv")
    (tmp_path / "words.srt").write_text("1\n00:00:00,100 --> 00:00:01,000\nHello\n\n")
    with (
        av.open(str(bare)) as reader,
        av.open(str(tmp_path / "words.srt")) as words,
        av.open(str(source), "w") as writer,
    ):
        tracks = {s: writer.add_stream_from_template(s, opaque=True) for s in (*reader.streams, *words.streams)}
        for packet in (*words.demux(), *reader.demux()):
            if packet.size:
                packet.stream = tracks[packet.stream]
                writer.mux(packet)
    report = write(source, tmp_path / "out.mp4")
    assert [(track.stream, track.kind) for track in report.dropped] == [(2, "subtitle")]
    kept = write(source, tmp_path / "out.mkv")
    assert kept.dropped == ()
    assert packets(tmp_path / "out.mkv")[2] == packets(source)[2]


def test_a_codec_the_target_cannot_hold_is_a_reason_not_an_error(tmp_path):
    source = make(tmp_path / "film.mkv", Recipe(codec="ffv1", sounds=0, frames=5))
    info, index = facts(source)
    outcome = remux(source, info, index, [], b"", tmp_path / "out.webm", progress=Progress(), cancel=CancelToken())
    assert isinstance(outcome, CannotRemux)
    assert "ffv1" in outcome.reason


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_picture_encoded_anew_stands_beside_the_copied_sound(tmp_path, suffix):
    source = make(tmp_path / "film.flv", Recipe())
    info, index = facts(source)
    splice, _ = recoded(source, info, index, 0, 50, {"x264-params": "aud=1", "bf": "0"})
    video = NewVideo("h264", b"", index.time_base, "yuv420p", iter(splice.units))
    out = tmp_path / f"out{suffix}"
    report = remux_with_new_video(source, info, video, out, progress=Progress(), cancel=CancelToken())
    assert isinstance(report, RemuxReport), report
    assert report.units_replaced == 50
    check = verify(source, out, Plan.of(index, [Range(0, 50)]), progress=Progress(), cancel=CancelToken())
    assert check.audio_identical
    assert len(pictures(out)) == 50


def test_another_codec_takes_the_place_of_the_sources(tmp_path):
    source = make(tmp_path / "film.mkv", Recipe(codec="mpeg4", gop=10))
    info, index = facts(source)
    splice, _ = recoded(source, info, index, 0, 50, {"x264-params": "aud=1", "bf": "0"})
    video = NewVideo("h264", b"", index.time_base, "yuv420p", iter(splice.units))
    report = remux_with_new_video(source, info, video, tmp_path / "out.ts", progress=Progress(), cancel=CancelToken())
    assert isinstance(report, RemuxReport), report
    with av.open(str(tmp_path / "out.ts")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert len(pictures(tmp_path / "out.ts")) == 50


def test_a_full_disk_is_said_as_such(tmp_path):
    """The file size limit of a process stands for the disk; the writer runs in a process of its own."""
    source = make(tmp_path / "film.mkv")
    program = f"""
import resource, signal
from pathlib import Path
from engine.control import CancelToken, Progress
from engine.errors import NoSpace
from engine.media.remux import remux
from tests.corpus.small_clips import facts
source = Path({str(source)!r})
info, index = facts(source)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
for name in ("out.mkv", "out.mp4", "out.ts"):
    try:
        remux(source, info, index, [], info.video.extradata, source.with_name(name), progress=Progress(),
              cancel=CancelToken())
    except NoSpace as error:
        print("full", name, error.exit_status)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert run.stdout.splitlines() == ["full out.mkv 5", "full out.mp4 5", "full out.ts 5"], run.stderr


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_writing_stops_on_request_and_tells_how_far_it_is(tmp_path, suffix):
    source = make(tmp_path / f"film{suffix}")
    info, index = facts(source)
    told: list[float] = []
    progress = Progress(lambda state: told.append(state.fraction))
    remux(
        source, info, index, [], info.video.extradata, tmp_path / f"a{suffix}", progress=progress, cancel=CancelToken()
    )
    assert told == sorted(told)
    assert told[-1] == 1.0
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        remux(source, info, index, [], info.video.extradata, tmp_path / f"b{suffix}", progress=progress, cancel=cancel)


@pytest.mark.media
@pytest.mark.parametrize(
    "name",
    [
        "ffv1_422.mkv",
        "h264_aac.flv",
        "h264_fmp4_pq_tagged.mp4",
        "bbb_720p24_120s_aac_fmp4.mp4",
        "hevc_10bit_hls.ts",
        "mpeg2_ps_cc0.mpg",
        "multitrack_subs.mkv",
        "numbered_frames_30fps.mkv",
        "vp8_720p_vorbis.webm",
        "webm_mediarecorder_chrome.webm",
        "webm_mediarecorder_firefox.webm",
        "wmv2.wmv",
    ],
)
def test_real_films_keep_every_packet_and_its_times(media, tmp_path, name):
    source = media / name
    write(source, tmp_path / name)
    assert packets(tmp_path / name) == packets(source)


@pytest.mark.media
def test_a_cover_goes_along_into_matroska_and_back(media, tmp_path):
    source = media / "cover_art.mp4"
    for name in ("a.mkv", "b.mkv", "c.mp4"):
        assert write(source, tmp_path / name).dropped == ()
        report = verify(source, tmp_path / name, progress=Progress(), cancel=CancelToken())
        assert report.problems == ()
        with av.open(str(tmp_path / name)) as container:
            covers = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
            assert len(covers) == 1
        source = tmp_path / name
    assert [track.kind for track in write(source, tmp_path / "d.ts").dropped] == ["video"]


def test_windows_media_sound_goes_along_into_matroska_beside_a_new_picture(tmp_path):
    source = make(tmp_path / "film.wmv", Recipe(codec="wmv2", sound_codec="wmav2"))
    info, index = facts(source)
    splice, _ = recoded(source, info, index, 0, 50, {"x264-params": "aud=1", "bf": "0"})

    def anew(name: str):
        video = NewVideo("h264", b"", index.time_base, "yuv420p", iter(splice.units))
        return remux_with_new_video(source, info, video, tmp_path / name, progress=Progress(), cancel=CancelToken())

    report = anew("out.mkv")
    assert isinstance(report, RemuxReport), report
    assert report.dropped == ()
    assert verify(source, tmp_path / "out.mkv", progress=Progress(), cancel=CancelToken()).audio_identical
    refusal = anew("out.wmv")
    assert isinstance(refusal, CannotRemux)
    assert "one time a packet" in refusal.reason
