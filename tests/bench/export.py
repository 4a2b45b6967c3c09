"""Exporting one changed second of a ten-minute film beside a copy, a remux, a full re-encode and a smart cutter.

    python -m tests.bench export [--folder DIR] [--minutes 10] [--keyint 60,250] [--skip full,smartcut]

The film is made once per folder: one minute of moving texture at 1080p30 (H.264 high, B-frames, AAC), about 8 Mb/s,
repeated packet for packet to the full length. Every row is a process of its own, measured by the kernel (wait4).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

RATE = 30
SIZE = (1920, 1080)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    wall_s: float
    cpu_s: float
    rss_mb: float
    written_mb: float
    note: str


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench export", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache" / "deltacut-bench")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--keyint", default="60,250")
    parser.add_argument("--skip", default="", help="rows to leave out: full, smartcut, long")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    skip = set(arguments.skip.split(","))
    for keyint in map(int, arguments.keyint.split(",")):
        film = made_film(folder, keyint, arguments.minutes)
        print_table(f"{film.name}: {size_mb(film):.0f} MB, keyint {keyint}", measured(film, folder, skip))
    if "long" not in skip:
        print_since(folder)
    return 0


def measured(film: Path, folder: Path, skip: set[str]) -> list[Row]:
    work = folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    warm(film)
    rows = [
        process("cp", ["cp", "--reflink=never", film, work / "cp.mp4"], work / "cp.mp4"),
        process(
            "ffmpeg -c copy",
            ["ffmpeg", "-v", "error", "-y", "-i", film, "-map", "0", "-c", "copy", work / "remux.mp4"],
            work / "remux.mp4",
        ),
    ]
    project = work / "film.dcut"
    start, stop = changed_frames(film)
    deltacut("new", project, film)
    deltacut("patch", project, "--frames", f"{start}:{stop}", "--roi", "0.4,0.4,0.5,0.5", "--tool", "blur")
    output = work / "deltacut.mp4"
    row, report = process_json(
        "Deltacut, one second changed", command("export", project, "-o", output, "--json"), output
    )
    rendered = report["frames_rendered"]
    rows.append(noted(row, f"{rendered} frames re-encoded, verified={report['verified']}"))
    first = min(part["start"] for part in report["segments"] if part["kind"] == "render")
    floor = [sys.executable, "-m", "tests.bench.export_floor", film, work / "floor.mp4", first, first + rendered]
    rows.insert(2, process("copy + decode + encode those frames", floor, work / "floor.mp4"))
    deltacut("patch", project, "--frames", f"{start}:{stop}", "--roi", "0.1,0.1,0.2,0.2", "--tool", "pixelate")
    again = work / "again.mp4"
    row, report = process_json(
        "Deltacut, same second again, --since",
        command("export", project, "-o", again, "--since", output, "--json"),
        again,
    )
    rows.append(noted(row, f"{report['frames_rendered']} frames re-encoded, verified={report['verified']}"))
    if "smartcut" not in skip:
        tool = smartcut(folder)
        seconds = start / RATE
        rows.append(
            process(
                "smartcut, one second cut out",
                [tool, film, work / "smartcut.mp4", "--cut", f"{seconds},{seconds + 1}"],
                work / "smartcut.mp4",
            )
        )
    if "full" not in skip:
        encode = ["ffmpeg", "-v", "error", "-y", "-i", film, "-c:v", "libx264", "-preset", "medium", "-crf", "20"]
        rows.append(process("full libx264 medium", [*encode, "-c:a", "copy", work / "full.mp4"], work / "full.mp4"))
    shutil.rmtree(work)
    return rows


def print_since(folder: Path) -> None:
    """Print what --since costs beyond the encode, for ten minutes and for two hours."""
    print("\n--since on a film of another length (wall of the second export, its encode, the difference)")
    for minutes in (10, 120):
        film = made_film(folder, 60, minutes)
        work = folder / "since"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        project = work / "film.dcut"
        start, stop = changed_frames(film)
        deltacut("new", project, film)
        deltacut("patch", project, "--frames", f"{start}:{stop}", "--roi", "0.4,0.4,0.5,0.5", "--tool", "blur")
        output = work / "out.mp4"
        deltacut("export", project, "-o", output)
        deltacut("patch", project, "--frames", f"{start}:{stop}", "--roi", "0.1,0.1,0.2,0.2", "--tool", "pixelate")
        _, report = process_json("since", command("export", project, "-o", output, "--since", output, "--json"), output)
        beyond = report["seconds"] - report["seconds_encoding"]
        print(
            f"  {minutes:4d} min {size_mb(film):7.0f} MB: {report['seconds']:6.2f} s, "
            f"encode {report['seconds_encoding']:.2f} s, beyond it {beyond:.3f} s"
        )
        shutil.rmtree(work)


def changed_frames(film: Path) -> tuple[int, int]:
    with av.open(str(film)) as container:
        frames = container.streams.video[0].frames
    start = frames // 2 + 7
    return start, start + RATE


def command(*arguments: object) -> list[object]:
    return [sys.executable, "-m", "app.main", *arguments]


def as_installed() -> dict[str, str]:
    """Return an environment in which modules are compiled once, as they are for everybody who has them installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "deltacut-bench-bytecode")}


def deltacut(*arguments: object) -> None:
    done = [str(part) for part in command(*arguments)]
    subprocess.run(done, check=True, stdout=subprocess.DEVNULL, env=as_installed())


def process(name: str, arguments: list[object], output: Path) -> Row:
    return _process(name, arguments, output)[0]


def process_json(name: str, arguments: list[object], output: Path) -> tuple[Row, dict]:
    row, text = _process(name, arguments, output)
    return row, json.loads(text)


def _process(name: str, arguments: list[object], output: Path) -> tuple[Row, str]:
    started = time.perf_counter()
    child = subprocess.Popen(
        [str(part) for part in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=as_installed()
    )
    text, errors = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    child.stderr.close()
    wall = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"{name} failed with status {child.returncode}: {errors}")
    row = Row(name, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, size_mb(output), "")
    return row, text


def noted(row: Row, note: str) -> Row:
    return Row(row.name, row.wall_s, row.cpu_s, row.rss_mb, row.written_mb, note)


def print_table(title: str, rows: list[Row]) -> None:
    ours = next(row for row in rows if row.name.startswith("Deltacut, one"))
    print(f"\n{title}")
    print(f"  {'':40s} {'wall s':>8s} {'CPU s':>8s} {'RSS MB':>7s} {'file MB':>8s} {'wall/ours':>9s} {'CPU/ours':>9s}")
    for row in rows:
        print(
            f"  {row.name:40s} {row.wall_s:8.2f} {row.cpu_s:8.2f} {row.rss_mb:7.0f} {row.written_mb:8.1f} "
            f"{row.wall_s / ours.wall_s:9.2f} {row.cpu_s / ours.cpu_s:9.2f}  {row.note}"
        )
    floor = next(row for row in rows if row.name.startswith("copy +"))
    print(f"  ours / (copy + decode + encode those frames): wall {ours.wall_s / floor.wall_s:.2f} x")


def warm(film: Path) -> None:
    """Read the film once, so that every row finds it in the page cache."""
    with film.open("rb") as file:
        while file.read(1 << 24):
            pass


def size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


def smartcut(folder: Path) -> Path:
    """Return the smartcut command, installed from the package index into an environment of its own."""
    environment = folder / "smartcut"
    tool = environment / ("Scripts" if os.name == "nt" else "bin") / "smartcut"
    if not tool.exists():
        venv.create(environment, with_pip=True, clear=True)
        subprocess.run([str(tool.with_name("python")), "-m", "pip", "install", "--quiet", "smartcut"], check=True)
    return tool


def made_film(folder: Path, keyint: int, minutes: int) -> Path:
    film = folder / f"film_{keyint}_{minutes}min.mp4"
    if film.exists():
        return film
    minute = folder / f"minute_{keyint}.mp4"
    if not minute.exists():
        print(f"making {minute.name} ...", flush=True)
        encode_minute(minute.with_suffix(".part.mp4"), keyint)
        minute.with_suffix(".part.mp4").rename(minute)
    print(f"making {film.name} ...", flush=True)
    part = film.with_suffix(".part.mp4")
    repeat(minute, part, minutes)
    part.rename(film)
    return film


def encode_minute(path: Path, keyint: int) -> None:
    """Encode a minute of panning texture with grain and a tone."""
    rng = np.random.default_rng(7)
    width, height = SIZE
    texture = rng.normal(128, 50, (height * 2, width * 2)).astype(np.float32)
    texture = sum(
        cv2.resize(cv2.GaussianBlur(texture, (0, 0), sigma), (width * 2, height * 2)) * sigma
        for sigma in (2.0, 9.0, 40.0)
    )
    texture = cv2.normalize(texture, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)
    grain = [rng.normal(0, 2.5, (height, width)).astype(np.int16) for _ in range(7)]
    options = {
        "preset": "veryfast",
        "b": "8M",
        "x264-params": f"keyint={keyint}:min-keyint={keyint}:scenecut=0:bframes=3",
    }
    with av.open(str(path), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=RATE, options=options)
        video.width, video.height, video.pix_fmt, video.bit_rate = width, height, "yuv420p", 8_000_000
        sound = out.add_stream("aac", rate=48_000)
        for number in range(60 * RATE):
            x = int((np.sin(number / 200) + 1) * (width / 2 - 1))
            y = int((np.cos(number / 170) + 1) * (height / 2 - 1))
            luma = texture[y : y + height, x : x + width].astype(np.int16) + grain[number % 7]
            planes = np.full((height * 3 // 2, width), 128, np.uint8)
            planes[:height] = np.clip(luma, 16, 235)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for number in range(60 * 48_000 // 1024):
            at = (np.arange(1024) + number * 1024) / 48_000
            samples = (np.sin(at * 440 * 2 * np.pi) * 0.2).astype(np.float32)
            audio = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
            audio.sample_rate, audio.pts = 48_000, number * 1024
            out.mux(sound.encode(audio))
        out.mux(sound.encode(None))


def repeat(minute: Path, path: Path, times: int) -> None:
    loop = ["ffmpeg", "-v", "error", "-y", "-stream_loop", str(times - 1), "-i", str(minute), "-map", "0", "-c", "copy"]
    subprocess.run([*loop, "-f", "mp4", str(path)], check=True)
