"""Captions in and out on the command line, burned in and as text."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from tests.corpus.small_clips import Recipe, make

SRT = "1\n00:00:00,200 --> 00:00:01,000\nHallo <i>Welt</i>\n\n2\n00:00:01,200 --> 00:00:02,000\nzwei\nZeilen\n"


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clip")
    return {kind: make(folder / f"film.{kind}", Recipe(frames=60, gop=20)) for kind in ("mp4", "mkv", "ts")}


@pytest.fixture(autouse=True)
def _own_cache(own_cache):
    pass


@pytest.fixture
def project(tmp_path, clips, run):
    def made(kind: str) -> Path:
        path = tmp_path / f"{kind}.dcut"
        assert run("new", path, clips[kind])[0] == 0
        (tmp_path / "in.srt").write_text(SRT, "utf-8")
        return path

    return made


def film_packets(path: Path) -> list[tuple[int, object, bytes]]:
    with av.open(str(path)) as container:
        return sorted(
            (packet.stream_index, packet.pts, bytes(packet))
            for packet in container.demux()
            if packet.size and packet.stream.type != "subtitle"
        )


def test_captions_come_back_as_they_went_in(project, tmp_path, run):
    path = project("mp4")
    status, facts, _ = run("captions", "import", path, tmp_path / "in.srt")
    assert (status, facts["captions"], facts["layer"]) == (0, 2, "Captions")
    assert run("captions", "export", path, tmp_path / "out.srt")[0] == 0
    assert (tmp_path / "out.srt").read_text("utf-8") == SRT
    assert run("captions", "export", path, tmp_path / "out.vtt")[0] == 0
    assert (tmp_path / "out.vtt").read_text("utf-8").startswith("WEBVTT\n\n00:00:00.200 --> 00:00:01.000\n")


def test_an_import_onto_a_new_layer_is_one_step_to_undo(project, tmp_path, run):
    path = project("mp4")
    assert run("captions", "import", path, tmp_path / "in.srt", "--layer", "Deutsch", "--soft")[0] == 0
    _, facts, _ = run("show", path)
    (layer,) = [layer for layer in facts["layers"] if layer["settings"]["name"] == "Deutsch"]
    assert len(layer["items"]) == 2
    assert layer["settings"]["captions"] == "soft"
    assert run("undo", path)[0] == 0
    _, facts, _ = run("show", path)
    assert "Deutsch" not in json.dumps(facts.get("layers", []))


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "mov_text"), ("mkv", "srt")])
def test_soft_captions_are_exported_without_encoding_a_picture(kind, codec, project, clips, tmp_path, run):
    path = project(kind)
    assert run("captions", "import", path, tmp_path / "in.srt", "--soft")[0] == 0
    out = tmp_path / f"out.{kind}"
    status, report, _ = run("export", path, "-o", out)
    assert status == 0
    assert report["frames_rendered"] == 0
    assert film_packets(out) == film_packets(clips[kind])
    with av.open(str(out)) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == codec
    assert run("verify", clips[kind], out)[1]["verified"]
    assert [path.name for path in tmp_path.iterdir() if "deltacut-" in path.name] == []


def test_burned_captions_change_their_frames_only(project, tmp_path, run):
    path = project("mp4")
    assert run("captions", "import", path, tmp_path / "in.srt", "--burn")[0] == 0
    _, plan, _ = run("plan", path)
    changed = [(s["start"], s["stop"]) for s in plan["segments"] if s["reason"] == "changed"]
    assert changed
    out = tmp_path / "out.mp4"
    status, report, _ = run("export", path, "-o", out)
    assert (status, report["verified"]) == (0, True)
    with av.open(str(out)) as container:
        assert not container.streams.subtitles


def test_soft_captions_that_a_format_cannot_hold_are_refused_at_once(project, tmp_path, run):
    path = project("ts")
    assert run("captions", "import", path, tmp_path / "in.srt", "--soft")[0] == 0
    status, _, err = run("export", path, "-o", tmp_path / "out.ts")
    assert status == 3
    assert "burn them in" in err
    assert not (tmp_path / "out.ts").exists()


def test_what_cannot_be_done_is_said(project, tmp_path, run):
    path = project("mp4")
    (tmp_path / "bad.srt").write_text("no captions", "utf-8")
    assert run("captions", "import", path, tmp_path / "bad.srt")[0] == 3
    assert run("captions", "import", path, tmp_path / "none.srt")[0] == 2
    assert run("captions", "export", path, tmp_path / "out.srt")[0] == 3
    assert run("captions", "export", path, tmp_path / "out.doc")[0] == 2
    assert run("captions", "export", path, tmp_path / "out.srt", "--layer", "X")[0] == 2
