"""Join three clips of different cameras, with a title, captions and music, export, and play the result elsewhere.

    python -m tests.corpus.joined DIR [--out FOLDER]

DIR holds gopro_max_heromode.mp4, tmcd_dog_2997.mp4 and talking_head_480.mp4. Everything goes through the commands. The
film is then decoded by FFmpeg's own program, sought and played in Chromium where they are installed, and its sound is
compared with the sources': the lag at which each clip's sound is most like its source's.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from engine.model.edits import AddItems, AppendClip, Edit, ExtractClips, edit_to_json
from engine.model.overlay import Overlay, Title
from engine.model.place import OnTimeline
from engine.model.project import default_timing
from engine.model.storyline import Clip, Conformed, Native
from engine.model.time import Range
from tests.corpus.__main__ import command
from tests.corpus.browser import show
from tests.corpus.cuts import begin_of, cut_out, heard, lag_of, project_from_json

FILMS = ("gopro_max_heromode.mp4", "tmcd_dog_2997.mp4", "talking_head_480.mp4")
PARTS = ((0, 20, 140), (1, 40, 150), (0, 150, 285), (2, 60, 210), (1, 200, 270), (0, 142, 150))
"""Film, first frame and stop of each clip; the last film has another rate, so its frames are those of the canvas."""

CAPTIONS = "1\n00:00:01,000 --> 00:00:03,500\nThree cameras\n\n2\n00:00:09,000 --> 00:00:11,000\none film\n"
TITLE = Range(30, 90)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.joined", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, help="keep the films there")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        films = [given.folder / name for name in FILMS]
        project = project_of(films, folder)
        failures = 0
        for name, music in (("cut", False), ("mixed", True)):
            if music:
                command("sound", "add", project, tune(folder / "tune.wav"), "--at", 2, "--gain", -14, "--fade-in", 1,
                        "--fade-out", 2, "--duck", 12, "--json")  # fmt: skip
                command("sound", "mix", project, "--keep-original", "--loudness", -23, "--json")
            out = folder / f"{name}.mp4"
            report = command("export", project, "-o", out, "--json")
            facts = looked_at(project, films, out)
            print(json.dumps({"film": name, **facts, "notes": report["notes"]}, indent=1))
            print(f"{report['frames_copied']} frames copied, {report['frames_rendered']} rendered: {report['reason']}")
            failures += not facts["good"]
    return 1 if failures else 0


def project_of(films: list[Path], folder: Path) -> Path:
    path, edits, captions = folder / "joined.dcut", folder / "edits.json", folder / "captions.srt"
    path.unlink(missing_ok=True)
    command("new", path, films[0], "--json")
    for film in films[1:]:
        command("add", path, film, "--json")
    project = shown(path)
    steps: list[Edit] = [ExtractClips((project.storyline[0].id,))]
    for number, (film, start, stop) in enumerate(PARTS):
        source = project.sources[film]
        timing = default_timing(project, source)
        if isinstance(timing, Native):
            timing = Native(Range(start, stop))
        else:
            timing = Conformed(timing.start_s + start / project.canvas.rate, stop - start)
        steps.append(AppendClip(Clip(f"clip-{number}", source.id, timing)))
    steps.append(AddItems("overlays", (Overlay("title", OnTimeline(TITLE), Title("Deltacut")),)))
    edits.write_text("[" + ",".join(map(edit_to_json, steps)) + "]")
    command("edit", path, edits, "--json")
    captions.write_text(CAPTIONS)
    command("captions", "import", path, captions, "--burn", "--json")
    return path


def shown(path: Path):
    return project_from_json(json.dumps({k: v for k, v in command("show", path, "--json").items() if k != "history"}))


def tune(path: Path) -> Path:
    """Write twelve seconds of a chord."""
    rate = 48000
    at = np.arange(12 * rate) / rate
    sound = sum(np.sin(2 * np.pi * f * at) for f in (196.0, 246.9, 293.7)) / 3 * (0.6 + 0.4 * np.sin(2 * np.pi * at))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(np.rint(sound * 20000).astype("<i2"), 2).tobytes())
    return path


def looked_at(path: Path, films: list[Path], out: Path) -> dict[str, object]:
    """Return what other programs make of the film."""
    project = shown(path)
    with av.open(str(out)) as container:
        duration_s = float(container.duration / av.time_base)
        tracks = [f"{s.type} {s.codec_context.name}" for s in container.streams if s.codec_context is not None]
        own_sound = len(container.streams.audio) - 1
    facts: dict[str, object] = {"duration_s": duration_s, "tracks": tracks}
    program = shutil.which("ffmpeg")
    if program:
        done = subprocess.run(
            [program, "-v", "error", "-xerror", "-i", str(out), "-map", "0:v", "-map", "0:a", "-f", "null", "-"],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        facts["ffmpeg"] = done.stderr.strip() or "no complaint"
    lags = worst_lags(project, films, out, own_sound)
    facts["lags"] = lags
    times = [round(duration_s * part / 12, 3) for part in range(1, 12)]
    random.Random(3).shuffle(times)
    try:
        seen = show(out, times, max(0.0, duration_s - 4), 3.0)
        facts["chromium"] = seen.failure or (
            f"{len(seen.pictures)} of {len(times)} places sought, played to {seen.played_until_s:.2f} s of "
            f"{seen.wanted_until_s:.2f} s"
        )
        facts["good"] = not seen.failure and len(seen.pictures) == len(times)
    except FileNotFoundError as error:
        facts["chromium"], facts["good"] = str(error), True
    facts["good"] = bool(facts["good"]) and facts.get("ffmpeg", "no complaint") == "no complaint"
    facts["good"] = bool(facts["good"]) and all(abs(lag) <= 1 for lag in lags)
    return facts


def worst_lags(project, films: list[Path], out: Path, track: int) -> list[int]:
    """Return for each clip by how many samples its sound comes late."""
    ours, rate = heard(out, begin_of(out), track)
    lags: list[int] = []
    begun = Fraction(0)
    for number, (film, _, _) in enumerate(PARTS):
        clip = project.storyline[number]
        times = project.sources[film].picture.times
        theirs, _ = heard(films[film], Fraction(0), 0, rate)
        if isinstance(clip.timing, Native):
            first = times.time_of(clip.timing.source_range.start)
            end = times.time_of(clip.timing.source_range.stop)
        else:
            first = clip.timing.start_s
            end = first + clip.timing.frames / project.canvas.rate
        middle, size = (end - first) / 2, rate // 2
        wanted = cut_out(theirs, round((first + middle) * rate), size)
        lags.append(lag_of(wanted, cut_out(ours, round((begun + middle) * rate), size)))
        begun += end - first
    return lags


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
