"""Captions become a track of text, and nothing else in the file changes."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from engine.control import CancelToken, Progress
from engine.errors import CaptionError
from engine.media.caption_track import CaptionTrack, flattened, plain_text, write_with_texts
from engine.model.caption_files import Cue
from tests.corpus.small_clips import Recipe, make

CUES = (
    Cue(200, 900, "<i>Hallo</i> Wörld"),
    Cue(900, 1200, "zwei\nZeilen"),
    Cue(1500, 1900, "日本語 & <3"),
)
TRACK = CaptionTrack(CUES, "Deutsch", "deu")


def packets(path: Path) -> dict[int, list[tuple[object, ...]]]:
    found: dict[int, list[tuple[object, ...]]] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size and packet.stream.type in ("video", "audio"):
                found.setdefault(packet.stream_index, []).append(
                    (packet.pts, packet.dts, packet.duration, packet.is_keyframe, packet.time_base, bytes(packet))
                )
    return found


def texts(path: Path) -> list[tuple[int, int, str]]:
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles[0]):
            data = bytes(packet)
            text = data[2:] if container.format.name.startswith("mov") else data
            if text:
                start = round(float(packet.pts * packet.time_base) * 1000)
                found.append((start, start + round(float(packet.duration * packet.time_base) * 1000), text.decode()))
    return found


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    films = {
        "mp4": make(folder / "film.mp4", Recipe(frames=60, gop=20)),
        "mov": make(folder / "film.mov", Recipe(frames=60, gop=20)),
        "mkv": make(folder / "film.mkv", Recipe(frames=60, gop=20)),
        "ts": make(folder / "film.ts", Recipe(frames=60, gop=20)),
    }
    return films


@pytest.mark.parametrize("kind", ["mp4", "mov", "mkv"])
def test_a_track_of_text_is_added_and_every_other_packet_stays(kind, clips, tmp_path):
    out = tmp_path / f"out.{kind}"
    write_with_texts(clips[kind], out, [TRACK], (), Progress(), CancelToken())
    assert packets(out) == packets(clips[kind])
    with av.open(str(out)) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == ("srt" if kind == "mkv" else "mov_text")
        assert stream.metadata["language"] in ("deu", "ger")
        assert container.duration == pytest.approx(duration(clips[kind]), abs=50_000)
    expected = [(cue.start_ms, cue.stop_ms, cue.text if kind == "mkv" else plain_text(cue.text)) for cue in CUES]
    assert [(start, stop) for start, stop, _ in texts(out)] == [(start, stop) for start, stop, _ in expected]
    assert [text for *_, text in texts(out)] == [text for *_, text in expected]


def duration(path: Path) -> int:
    with av.open(str(path)) as container:
        return container.duration


def test_an_mp4_keeps_its_bytes_but_for_the_name_of_the_old_movie_box(clips, tmp_path):
    out = tmp_path / "out.mp4"
    write_with_texts(clips["mp4"], out, [TRACK, TRACK], (), Progress(), CancelToken())
    before, after = clips["mp4"].read_bytes(), out.read_bytes()
    differing = [at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
    at = before.index(b"moov")
    assert set(differing) <= set(range(at, at + 4))
    with av.open(str(out)) as container:
        assert len(container.streams.subtitles) == 2


def test_a_webm_gets_webvtt(tmp_path):
    options = {"cpu-used": "8"}
    recipe = Recipe(frames=30, gop=10, codec="libvpx-vp9", sound_codec="libopus", options=options)
    source = make(tmp_path / "film.webm", recipe)
    out = tmp_path / "out.webm"
    write_with_texts(source, out, [CaptionTrack(CUES[:1])], (), Progress(), CancelToken())
    assert packets(out) == packets(source)
    with av.open(str(out)) as container:
        assert container.streams.subtitles[0].codec_context.name == "webvtt"
    assert texts(out) == [(200, 900, CUES[0].text)]


def test_a_format_without_text_says_what_can_be_done(clips, tmp_path):
    with pytest.raises(CaptionError, match="burn them in"):
        write_with_texts(clips["ts"], tmp_path / "out.ts", [TRACK], (), Progress(), CancelToken())


def test_captions_that_overlap_stand_below_each_other():
    found = flattened((Cue(0, 1000, "a"), Cue(500, 1500, "b"), Cue(1500, 2000, "b")))
    assert [(text.start_ms, text.stop_ms, text.text) for text in found] == [
        (0, 500, "a"),
        (500, 1000, "a\nb"),
        (1000, 1500, "b"),
        (1500, 2000, "b"),
    ]
