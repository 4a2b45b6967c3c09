"""Projects carried from place to place, and films exported in parts and other forms, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from app.main import main
from tests.corpus.small_clips import Recipe, make


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("film") / "film.mp4", Recipe(frames=60, gop=12))


@pytest.fixture
def project(film, tmp_path, capsys) -> Path:
    """Return a project of the film, with a patch, in a folder of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    shutil.copy2(film, folder / "film.mp4")
    path = folder / "film.dcut"
    assert main(["new", str(path), str(folder / "film.mp4")]) == 0
    command = ["patch", str(path), "--frames", "20:24", "--roi", "0.2,0.2,0.6,0.6", "--tool", "fill"]
    assert main([*command, "--colour", "#c83430"]) == 0
    capsys.readouterr()
    return path


@pytest.fixture
def run(capsys):
    """Return what runs a command and gives its exit status and its JSON."""

    def ran(*arguments: object, status: int = 0) -> dict:
        assert main([*map(str, arguments), "--json"]) == status
        out = capsys.readouterr().out
        return json.loads(out) if out else {}

    return ran


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_collected_folder_works_wherever_it_is_moved(project, run, tmp_path):
    done = run("collect", project, tmp_path / "all")
    assert Path(done["project"]).parent == tmp_path / "all"
    shutil.rmtree(project.parent)
    (tmp_path / "all").rename(tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / "film.dcut"
    assert run("relink", moved)["missing"] == []
    assert run("export", moved, "-o", tmp_path / "out.mp4")["verified"]


def test_a_folder_that_holds_something_is_not_collected_into(project, run, tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "mine.txt").write_text("mine")
    run("collect", project, tmp_path / "all", status=2)
    assert [file.name for file in (tmp_path / "all").iterdir()] == ["mine.txt"]


def test_a_film_that_moved_and_changed_its_name_is_found_by_its_content(project, run, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    (project.parent / "film.mp4").rename(elsewhere / "renamed.bin")
    assert [source["name"] for source in run("relink", project, status=3)["missing"]] == ["film.mp4"]
    assert list(run("relink", project, tmp_path)["found"].values()) == [str(elsewhere / "renamed.bin")]
    assert run("relink", project) == {"found": {}, "missing": []}


def test_a_folder_to_search_that_is_not_there_is_named(project, tmp_path, capsys):
    (project.parent / "film.mp4").unlink()
    assert main(["relink", str(project), str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_timeline_file_becomes_the_same_project_again(project, run, tmp_path):
    run("otio", "export", project, project.parent / "film.otio")
    run("otio", "import", project.parent / "film.otio", tmp_path / "back.dcut")
    before, after = run("show", project), run("show", tmp_path / "back.dcut")
    for facts in (before, after):
        facts.pop("id")
        facts.pop("history")
    assert after == before
    assert run("export", tmp_path / "back.dcut", "-o", tmp_path / "out.mp4")["verified"]


def test_a_timeline_whose_film_is_gone_becomes_a_project_that_can_be_relinked(project, run, tmp_path):
    run("otio", "export", project, tmp_path / "film.otio")
    (project.parent / "film.mp4").rename(tmp_path / "kept.mp4")
    assert run("otio", "import", tmp_path / "film.otio", tmp_path / "back.dcut")["missing"] == ["film.mp4"]
    assert list(run("relink", tmp_path / "back.dcut", tmp_path)["found"].values()) == [str(tmp_path / "kept.mp4")]


def test_a_timeline_of_another_editor_needs_its_film_and_finds_it_in_a_named_folder(project, run, tmp_path):
    run("otio", "export", project, tmp_path / "film.otio")
    timeline = json.loads((tmp_path / "film.otio").read_text())
    timeline["metadata"] = {}
    for track in timeline["tracks"]["children"]:
        track["metadata"] = {}
    (tmp_path / "film.otio").write_text(json.dumps(timeline))
    (tmp_path / "media").mkdir()
    shutil.move(project.parent / "film.mp4", tmp_path / "media" / "film.mp4")
    (tmp_path / "media").rename(tmp_path / "store")
    run("otio", "import", tmp_path / "film.otio", tmp_path / "back.dcut", status=3)
    assert not (tmp_path / "back.dcut").exists()
    found = run("otio", "import", tmp_path / "film.otio", tmp_path / "back.dcut", "--media", tmp_path / "store")
    assert found["clips"] == 1


def test_the_presets_are_listed_with_the_one_that_copies_first(run):
    found = run("presets")["presets"]
    assert found[0]["name"] == "source"
    assert {"web-mp4", "prores", "audio", "png", "gif", "preview"} <= {preset["name"] for preset in found}


def test_a_part_of_the_timeline_is_copied_but_for_its_edges(project, film, run, tmp_path):
    done = run("export", project, "-o", tmp_path / "part.mp4", "--range", "5:50")
    assert done["verified"]
    assert done["frames_total"] == 45
    assert done["frames_copied"] > 20
    whole, part = pictures(film), pictures(tmp_path / "part.mp4")
    assert len(part) == 45
    for number in (0, 9, 30, 44):
        assert np.abs(part[number].astype(int) - whole[number + 5]).mean() < 4


def test_frames_beyond_the_end_are_refused(project, run, tmp_path):
    run("export", project, "-o", tmp_path / "part.mp4", "--range", "50:90", status=2)
    assert not (tmp_path / "part.mp4").exists()


@pytest.mark.parametrize(
    ("preset", "name", "codec", "sound"),
    [("web-mp4", "out.mp4", "h264", "aac"), ("prores", "out.mov", "prores", "pcm_s24le")],
)
def test_a_film_is_encoded_for_a_purpose(project, film, run, tmp_path, preset, name, codec, sound):
    done = run("export", project, "-o", tmp_path / name, "--preset", preset, "--range", "10:40")
    assert done["frames"] == 30
    with av.open(str(tmp_path / name)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.codec.canonical_name, audio.codec_context.codec.canonical_name) == (codec, sound)
        assert float(audio.duration * audio.time_base) == pytest.approx(30 / 25, abs=0.06)
    shown, whole = pictures(tmp_path / name), pictures(film)
    assert len(shown) == 30
    assert np.abs(shown[0].astype(int) - whole[10]).mean() < 5
    # The patch of frame 20 is in frame 10: its red covers the middle.
    height, width = shown[10].shape[:2]
    assert np.abs(shown[10][height * 2 // 5, width * 2 // 5].astype(int) - (0xC8, 0x34, 0x30)).max() < 12


def test_a_web_film_plays_while_it_still_loads(project, run, tmp_path):
    run("export", project, "-o", tmp_path / "out.mp4", "--preset", "web-mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_sound_alone_is_copied_where_nothing_was_cut(project, film, run, tmp_path):
    assert run("export", project, "-o", tmp_path / "out.m4a", "--preset", "audio")["sound"] == "copied (AAC)"

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert packets(tmp_path / "out.m4a") == packets(film)


@pytest.mark.parametrize("suffix", [".m4a", ".mp3", ".wav", ".flac", ".opus", ".ogg", ".mka"])
def test_cut_sound_is_encoded_in_the_format_of_the_suffix(project, run, tmp_path, suffix):
    run("export", project, "-o", tmp_path / f"out{suffix}", "--preset", "audio", "--range", "10:35")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        count = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert count == pytest.approx(1.0, abs=0.08)


def test_pictures_go_into_a_new_folder(project, film, run, tmp_path):
    run("export", project, "-o", tmp_path / "frames", "--preset", "png", "--range", "3:9")
    names = sorted(file.name for file in (tmp_path / "frames").iterdir())
    assert names == [f"frame-{number:06}.png" for number in range(6)]
    with av.open(str(tmp_path / "frames" / "frame-000002.png")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(picture.astype(int) - pictures(film)[5]).mean() < 3
    run("export", project, "-o", tmp_path / "frames", "--preset", "png", status=2)


def test_a_gif_repeats_and_is_small(project, run, tmp_path):
    run("export", project, "-o", tmp_path / "out.gif", "--preset", "gif", "--range", "0:25")
    assert b"NETSCAPE2.0" in (tmp_path / "out.gif").read_bytes()
    assert 11 <= len(pictures(tmp_path / "out.gif")) <= 13


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "out.mkv", "--preset", "web-mp4"),
        ("-o", "out.mp4", "--preset", "nothing-like-it"),
        ("-o", "out.xyz", "--preset", "audio"),
        ("-o", "out.mp4", "--preset", "web-mp4", "--since", "earlier.mp4"),
        ("-o", "out.mp4", "--range", "5:20", "--since", "film.mp4"),
    ],
)
def test_what_cannot_be_exported_so_is_said_before_any_work(project, run, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(project.parent)
    before = sorted(file.name for file in project.parent.iterdir())
    run("export", project, *arguments, status=2)
    assert sorted(file.name for file in project.parent.iterdir()) == before
