"""The commands on a small film, from nothing to a verified export, and on everything that can be wrong with it."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.model.time import Range
from tests.corpus import mutate
from tests.corpus.small_clips import Recipe, make
from tests.films import with_edit_list

FRAMES, GOP = 60, 20
BOX = ("--roi", "0.3,0.3,0.6,0.7")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("clip") / "film.mp4", Recipe(frames=FRAMES, gop=GOP, options={"crf": "16"}))


@pytest.fixture(autouse=True)
def _own_cache(own_cache):
    pass


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    assert run("patch", path, "--frames", "25:30", *BOX, "--tool", "blur")[0] == 0
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "deltacut-" in path.name]


def test_info_tells_what_the_film_is(clip, run):
    status, facts, _ = run("info", clip)
    assert status == 0
    assert facts["container"].startswith("mov,mp4")
    video = facts["video"]
    assert (video["codec"], video["width"], video["height"], video["frames"]) == ("h264", 160, 96, FRAMES)
    assert (video["keyframes"], video["max_gop"], video["open_gop"], video["vfr"]) == (3, GOP, False, False)
    assert [track["codec"] for track in facts["audio"]] == ["aac"]


def test_the_plan_covers_the_film_and_names_its_reasons(project, run):
    status, plan, _ = run("plan", project)
    assert status == 0
    assert plan["mode"] == "differential"
    at = 0
    for segment in plan["segments"]:
        assert segment["start"] == at
        at = segment["stop"]
    assert at == FRAMES == plan["frames_total"]
    changed = [s for s in plan["segments"] if s["reason"] == "changed"]
    assert [(s["kind"], s["start"], s["stop"]) for s in changed] == [("render", 25, 30)]
    assert plan["frames_rendered"] <= GOP


def test_an_export_changes_the_region_and_copies_the_rest(project, clip, tmp_path, run):
    out = tmp_path / "out.mp4"
    status, report, _ = run("export", project, "-o", out)
    assert status == 0
    assert report["verified"]
    assert report["audio_identical"]
    assert report["packets_identical"] == report["frames_copied"] == FRAMES - report["frames_rendered"]
    assert sound(out) == sound(clip)
    before, after = pictures(clip), pictures(out)
    assert len(after) == FRAMES
    rendered = {frame for s in report["segments"] if s["kind"] == "render" for frame in Range(s["start"], s["stop"])}
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if number not in rendered:
            assert np.array_equal(old, new), f"copied frame {number} differs"
        elif number not in range(25, 30):
            error = float(np.mean((old.astype(float) - new.astype(float)) ** 2))
            assert 10 * np.log10(255**2 / max(error, 1e-9)) >= 42, f"unchanged frame {number}"
    luma_before, luma_after = before[27][:96], after[27][:96]
    inside = np.abs(luma_before[32:64, 52:92].astype(int) - luma_after[32:64, 52:92]).mean()
    outside = np.abs(luma_before[:24].astype(int) - luma_after[:24]).mean()
    assert inside > 5 * outside
    assert inside > 5
    assert left_behind(tmp_path) == []
    assert run("verify", clip, out)[1]["verified"]


def test_exporting_without_a_change_copies_every_packet(tmp_path, clip, run):
    path, out = tmp_path / "bare.dcut", tmp_path / "bare.mp4"
    run("new", path, clip)
    status, report, _ = run("export", path, "-o", out)
    assert status == 0
    assert (report["frames_rendered"], report["packets_identical"]) == (0, FRAMES)


def test_exporting_again_encodes_nothing_again(project, tmp_path, run):
    run("export", project, "-o", tmp_path / "one.mp4")
    first = (tmp_path / "one.mp4").read_bytes()
    _, report, _ = run("export", project, "-o", tmp_path / "two.mp4")
    assert (tmp_path / "two.mp4").read_bytes() == first
    assert report["seconds_encoding"] < 0.5


@pytest.mark.parametrize("place", ["--since-in-place", "--since-elsewhere"])
def test_an_export_on_top_of_an_earlier_one_equals_a_fresh_one(place, project, tmp_path, run):
    earlier, fresh = tmp_path / "earlier.mp4", tmp_path / "fresh.mp4"
    run("export", project, "-o", earlier)
    run("patch", project, "--frames", "45:47", *BOX, "--tool", "pixelate")
    out = earlier if place == "--since-in-place" else tmp_path / "later.mp4"
    status, report, _ = run("export", project, "-o", out, "--since", earlier)
    assert status == 0
    assert report["verified"]
    run("export", project, "-o", fresh)
    for built, anew in zip(pictures(out), pictures(fresh), strict=True):
        assert np.array_equal(built, anew)


@pytest.mark.parametrize(
    ("tool", "options"),
    [("blur", ["--radius", "9"]), ("pixelate", ["--block", "8"]), ("fill", ["--colour", "#20c040"]), ("image", [])],
)
def test_every_tool_ends_in_a_verified_export(tool, options, tmp_path, clip, run):
    path, out = tmp_path / "t.dcut", tmp_path / "t.mp4"
    picture = tmp_path / "sticker.png"
    cv2.imwrite(str(picture), np.full((40, 60, 3), (0, 0, 255), np.uint8))
    run("new", path, clip)
    extra = ["--image", picture] if tool == "image" else options
    lasso = ("--lasso", "0.2,0.2 0.7,0.25 0.6,0.8 0.25,0.7")
    status, _, err = run("patch", path, "--frames", "0:3", *lasso, "--tool", tool, "--feather", "3", *extra)
    assert (status, err) == (0, "")
    assert run("export", path, "-o", out)[1]["verified"]


BAD_FILMS = {
    "missing": (lambda clip, to: to, "is not there|no such file|not found"),
    "empty": (lambda clip, to: mutate.empty(to), "empty"),
    "text": (lambda clip, to: mutate.text_named(to), "not|no "),
    "truncated": (lambda clip, to: mutate.truncated(clip, to), ""),
    "sound alone": (lambda clip, to: mutate.without_video(clip, to), "picture|video"),
    "protected": (lambda clip, to: mutate.marked_protected(clip, to), "protected|encrypted"),
}


@pytest.mark.parametrize("what", BAD_FILMS)
@pytest.mark.parametrize("command", ["info", "new"])
def test_a_film_that_cannot_be_used_is_named_with_the_reason(what, command, clip, tmp_path, run):
    make_bad, words = BAD_FILMS[what]
    film = tmp_path / "bad.mp4"
    make_bad(clip, film)
    before = set(tmp_path.iterdir())
    project = tmp_path / "bad.dcut"
    status, _, err = run(*([command, film] if command == "info" else [command, project, film]))
    assert status == 3, err
    assert "bad.mp4" in err
    assert "Traceback" not in err
    assert err.count("\n") == 1

    assert re.search(words, err, re.IGNORECASE), err
    assert set(tmp_path.iterdir()) - before <= {tmp_path / "cache"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--frames", "58:70", *BOX, "--tool", "blur"], "70"),
        (["--frames", "5:9", *BOX, "--tool", "blur", "--anchor", "20"], "anchor"),
        (["--frames", "5:9", "--roi", "1.2,0.1,1.5,0.4", "--tool", "blur"], "outside"),
        (["--frames", "5:9", *BOX, "--tool", "image"], "--image"),
        (["--frames", "5:9", *BOX, "--tool", "blur", "--colour", "#ffffff"], "--colour"),
        (["--frames", "5:9", *BOX, "--tool", "blur", "--feather", "-4"], "feather"),
    ],
)
def test_a_patch_that_does_not_fit_the_film_is_refused(arguments, words, project, run):
    before = project.read_bytes()
    try:
        status, _, err = run("patch", project, *arguments)
    except SystemExit as usage:
        status, err = usage.code, words
    assert status == 2
    assert words in err
    assert project.read_bytes() == before


def test_the_source_is_never_overwritten(project, clip, run):
    before = clip.read_bytes()
    status, _, err = run("export", project, "-o", clip)
    assert status == 2
    assert "source itself" in err
    assert clip.read_bytes() == before


def test_a_source_that_changed_is_refused(tmp_path, clip, run):
    film, path = tmp_path / "changing.mp4", tmp_path / "p.dcut"
    film.write_bytes(clip.read_bytes())
    run("new", path, film)
    run("patch", path, "--frames", "3:5", *BOX, "--tool", "fill")
    data = bytearray(film.read_bytes())
    data[len(data) // 2] ^= 0xFF
    film.write_bytes(bytes(data))
    status, _, err = run("export", path, "-o", tmp_path / "o.mp4")
    assert status == 3
    assert "changing.mp4" in err
    assert not (tmp_path / "o.mp4").exists()


def test_a_source_that_only_got_another_time_is_recognised_by_its_content(tmp_path, clip, run):
    film, path = tmp_path / "touched.mp4", tmp_path / "p.dcut"
    film.write_bytes(clip.read_bytes())
    run("new", path, film)
    run("patch", path, "--frames", "3:5", *BOX, "--tool", "fill")
    os.utime(film, (1, 1))
    assert run("export", path, "-o", tmp_path / "o.mp4")[0] == 0


def test_a_damaged_project_is_refused(project, tmp_path, run):
    data = bytearray(project.read_bytes())
    data[100:4000] = os.urandom(3900)
    project.write_bytes(bytes(data))
    status, _, err = run("export", project, "-o", tmp_path / "o.mp4")
    assert status == 3
    assert "film.dcut" in err


def test_a_project_of_a_later_version_is_refused(project, tmp_path, run):
    with sqlite3.connect(project) as connection:
        connection.execute("PRAGMA user_version = 900")
    connection.close()
    before = project.read_bytes()
    status, _, err = run("plan", project)
    assert status == 3
    assert "later" in err or "newer" in err
    assert project.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX matter")
@pytest.mark.parametrize("room", [0, 1_000, 40_000, 80_000])
def test_a_full_disk_leaves_nothing_and_says_so(room, project, clip, tmp_path, run):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an older export")
    size = clip.stat().st_size
    assert size > 80_000
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}));"
        "from app.main import main; sys.exit(main(sys.argv[1:]))"
    )
    os.environ["DELTACUT_CACHE"] = str(tmp_path / "cache2")
    done = subprocess.run(
        [sys.executable, "-c", code, "export", str(project), "-o", str(out)], capture_output=True, text=True
    )
    assert done.returncode == 5, done.stderr
    assert "space" in done.stderr or "full" in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == b"an older export"
    assert left_behind(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_a_kill_during_the_export_leaves_the_old_file_and_the_next_one_cleans_up(project, tmp_path, run):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an older export")
    killed = 0
    for delay in (0.4, 0.7, 0.9, 1.1, 1.3):
        child = subprocess.Popen(
            [sys.executable, "-m", "app.main", "export", str(project), "-o", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        assert out.read_bytes() == b"an older export" or len(pictures(out)) == FRAMES
    assert killed
    assert run("export", project, "-o", out)[1]["verified"]
    assert left_behind(tmp_path) == []


def test_an_interrupt_stops_cleanly(project, tmp_path):
    out = tmp_path / "out.mp4"
    child = subprocess.Popen(
        [sys.executable, "-c", _SLOW_EXPORT, "export", str(project), "-o", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Stopped" in err
    assert "Traceback" not in err
    assert not out.exists()
    assert left_behind(tmp_path) == []


_SLOW_EXPORT = """
import sys, time
import engine.render.export as export
from engine.control import CancelToken
write = export.write
def slow(*arguments):
    (cancel,) = [argument for argument in arguments if isinstance(argument, CancelToken)]
    print("writing", flush=True)
    for _ in range(600):
        time.sleep(0.05)
        cancel.check()
    return write(*arguments)
export.write = slow
from app.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_result_that_fails_its_check_is_never_written(project, tmp_path, run, monkeypatch):
    import engine.render.export as module

    honest = module.write

    def spoilt(*arguments):
        written = honest(*arguments)
        data = bytearray(written.path.read_bytes())
        start = data.find(b"mdat") + 2000
        data[start : start + 50] = bytes(50)
        written.path.write_bytes(bytes(data))
        return written

    monkeypatch.setattr(module, "write", spoilt)
    out = tmp_path / "out.mp4"
    status, _, err = run("export", project, "-o", out)
    assert status == 4
    assert "did not pass its check" in err
    assert not out.exists()
    assert left_behind(tmp_path) == []


def test_a_join_that_fails_its_check_is_made_wider_and_checked_anew(project, tmp_path, run, monkeypatch):
    import engine.render.export as module

    honest, calls = module.write, []

    def spoilt_once(*arguments):
        written = honest(*arguments)
        calls.append(written)
        if len(calls) == 1:
            data = bytearray(written.path.read_bytes())
            start = data.find(b"mdat") + 2000
            data[start : start + 50] = bytes(50)
            written.path.write_bytes(bytes(data))
        return written

    monkeypatch.setattr(module, "write", spoilt_once)
    out = tmp_path / "out.mp4"
    status, report, _ = run("export", project, "-o", out, "--json")
    assert status == 0
    assert report["verified"]
    assert report["audio_identical"]
    assert any("widened" in note for note in report["notes"])
    assert len(calls) == 2


def test_verify_notices_a_changed_packet(project, clip, tmp_path, run):
    out = tmp_path / "out.mp4"
    run("export", project, "-o", out)
    data = bytearray(out.read_bytes())
    at = data.find(b"mdat") + 1500
    data[at] ^= 0x55
    out.write_bytes(bytes(data))
    status, report, _ = run("verify", clip, out)
    assert status == 4
    assert not report["verified"]
    assert report["problems"]


def test_the_project_and_the_source_stay_as_they_were(project, clip, tmp_path, run):
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    before = digest(project), digest(clip)
    run("plan", project)
    run("export", project, "-o", tmp_path / "out.mp4")
    assert (digest(project), digest(clip)) == before


@pytest.mark.parametrize("frames", ["0:1", "2:5"])
def test_a_film_trimmed_between_keyframes_is_changed_at_its_first_frames(tmp_path, run, frames):
    """Its edit list hides pictures that are stored behind the first one that is shown, and shown before it."""
    options = {"crf": "16", "bf": "3", "b_strategy": "0"}
    whole = make(tmp_path / "whole.mp4", Recipe(sounds=0, gop=20, options=options))
    with av.open(str(whole), options={"ignore_editlist": "1"}) as container:
        times = sorted(packet.pts for packet in container.demux(video=0) if packet.size)
    # The picture that three B-frames refer to would be the first one to be shown.
    film = with_edit_list(whole, tmp_path / "film.mp4", [(1500, times[8])])
    project, output = tmp_path / "film.dcut", tmp_path / "out.mp4"
    assert run("new", project, film)[0] == 0
    assert run("patch", project, "--frames", frames, *BOX, "--tool", "blur")[0] == 0
    status, report, err = run("export", project, "-o", output)
    assert status == 0, err
    assert report["mode"] == "differential"
    assert report["verified"]
    assert run("verify", film, output)[1]["verified"]
    before, after = pictures(film), pictures(output)
    assert len(before) == len(after)
