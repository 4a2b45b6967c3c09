"""Cut every film of a folder at random points, export it, and look at the result with plain FFmpeg.

    python -m tests.corpus.cuts DIR [--only NAME] [--jobs N] [--cuts N] [--seed N] [--json FILE]

Three patterns each: `all` splits the film and keeps every part, `turned` plays the parts in the reverse order, `some`
keeps every second part. Checked apart from the export's own check: the number of frames, the time of each (exact, or to
the container's tick), that as many packets as the report says are the source's, byte for byte, and that the sound of
every part lies where its pictures do: the lag at which it is most like the source's, in samples.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from engine.media.sound_packets import raw_packet
from engine.model.edits import AppendClip, Edit, ExtractClips, edit_to_json, project_from_json
from engine.model.project import Project
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from tests.corpus.__main__ import Failure, Refusal, command

PATTERNS = ("all", "turned", "some")
REACH, MOST_LAG = 1500, 60


@dataclass(frozen=True, slots=True)
class Row:
    file: str
    pattern: str
    outcome: str
    frames: int = 0
    copied: int = 0
    identical: int = 0
    off_ms: float = 0.0
    sound: str = ""
    sound_copied: int = 0
    lag: int = 0
    seconds: float = 0.0
    note: str = ""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.cuts", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="films whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cuts", type=int, default=3, help="cut points per film")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the rows there too")
    given = parser.parse_args(argv)
    films = sorted(
        path
        for path in given.folder.iterdir()
        if path.is_file() and given.only in path.name and path.suffix not in (".json", ".md", ".txt")
    )
    rows: list[Row] = []
    print(f"{'film':44s} {'parts':6s} {'outcome':8s} {'copied':>12s} {'identical':>9s} {'off ms':>8s} "
          f"{'sound':12s} {'copied':>6s} {'lag':>5s} "
          f"{'s':>6s}  note")  # fmt: skip
    with ThreadPoolExecutor(given.jobs) as pool:
        for found in pool.map(lambda film: film_rows(film, given.cuts, given.seed), films):
            for row in found:
                rows.append(row)
                print(
                    f"{row.file[:44]:44s} {row.pattern:6s} {row.outcome:8s} {f'{row.copied}/{row.frames}':>12s} "
                    f"{row.identical:9d} {row.off_ms:8.3f} {row.sound:12s} {row.sound_copied:6d} {row.lag:5d} "
                    f"{row.seconds:6.1f}  {row.note[:150]}",
                    flush=True,
                )
    counts = Counter(row.outcome for row in rows)
    print(f"{len(films)} films, {len(rows)} cuts: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 1 if counts.get("FAILED") else 0


def film_rows(film: Path, cuts: int, seed: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for pattern in PATTERNS:
            try:
                rows.append(one_cut(film, Path(folder), pattern, cuts, seed))
            except Refusal as refusal:
                rows.append(Row(film.name, pattern, "refused", note=str(refusal)))
            except Failure as failure:
                rows.append(Row(film.name, pattern, "FAILED", note=str(failure)))
        return rows


def one_cut(film: Path, folder: Path, pattern: str, cuts: int, seed: int) -> Row:
    path, out = folder / f"{pattern}.dcut", folder / f"{pattern}{film.suffix}"
    command("new", path, film, "--json")
    project = project_from_json(
        json.dumps({k: v for k, v in command("show", path, "--json").items() if k != "history"})
    )
    ranges = parts(project.frame_count, pattern, cuts, seed)
    edits = folder / "edits.json"
    edits.write_text("[" + ",".join(edit_to_json(edit) for edit in edits_for(project, ranges)) + "]")
    command("edit", path, edits, "--json")
    started = time.monotonic()
    report = command("export", path, "-o", out, "--json")
    seconds = time.monotonic() - started
    if not report["verified"]:
        raise Failure("an export that did not verify was written")
    off_ms = worst_time(project, ranges, film, out, exact=film.suffix.lower() in (".mp4", ".mov"))
    same = common_packets(film, out, report["mode"])
    if report["mode"] == "differential" and same < report["packets_identical"]:
        raise Failure(f"the report says {report['packets_identical']} packets are the source's, {same} are")
    sound = (
        f"{report['audio_packets']}{'=' if report['audio_identical'] else ' anew'}" if report["audio_packets"] else ""
    )
    sound_copied = common_sound(film, out) if sound else 0
    lag = worst_lag(project, ranges, film, out) if sound and not report["audio_identical"] else 0
    if abs(lag) > MOST_LAG:
        raise Failure(f"the sound lies {lag} samples beside the picture")
    row = Row(
        film.name,
        pattern,
        "cut" if report["mode"] == "differential" else "full",
        report["frames_total"],
        report["frames_copied"],
        report["packets_identical"],
        off_ms,
        sound,
        sound_copied,
        lag,
        seconds,
        "; ".join(
            [report["reason"]] * (report["mode"] == "full")
            + [n for n in report["notes"] if "wider" in n or "whole" in n]
        ),
    )
    out.unlink()
    return row


def parts(frames: int, pattern: str, cuts: int, seed: int) -> list[Range]:
    """Return the source frames of each clip."""
    points = sorted(random.Random(f"{seed} {frames}").sample(range(1, frames), min(cuts, frames - 1)))
    ranges = [Range(a, b) for a, b in zip([0, *points], [*points, frames], strict=True)]
    return {"all": ranges, "turned": ranges[::-1], "some": ranges[1::2] or ranges}[pattern]


def edits_for(project: Project, ranges: list[Range]) -> list[Edit]:
    (clip,) = project.storyline
    (source,) = project.sources
    new = [AppendClip(Clip(f"part-{n}", source.id, Native(part))) for n, part in enumerate(ranges)]
    return [ExtractClips((clip.id,)), *new]


def worst_time(project: Project, ranges: list[Range], film: Path, out: Path, *, exact: bool) -> float:
    """Return by how many ms the frame that is most off shows at another time than the cut says."""
    (source,) = project.sources
    times = source.picture.times
    wanted, begun = [], Fraction(0)
    for part in ranges:
        first = times.time_of(part.start)
        wanted += [begun + times.time_of(frame) - first for frame in part]
        begun += times.time_of(part.stop) - first
    base, given = picture_times(out)
    if [part.start for part in ranges] == sorted(part.start for part in ranges) and len(wanted) == source.frame_count:
        # The whole film: whatever its clock does, and whatever it holds that is never shown, stays.
        theirs = picture_times(film)
        if (base, given) == theirs:
            return 0.0
    if len(given) != len(wanted):
        raise Failure(f"{len(given)} frames, not {len(wanted)}")
    off = max(abs((pts - given[0]) * base - time_s) for pts, time_s in zip(given, wanted, strict=True))
    if off > (0 if exact else base):
        raise Failure(f"a frame is {float(off) * 1000:.3f} ms off")
    return float(off) * 1000


def picture_times(path: Path) -> tuple[Fraction, list[int]]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
        shown = [p.pts for p in container.demux(stream) if p.size and p.pts is not None and not p.is_discard]
        return stream.time_base, sorted(shown)


def common_packets(film: Path, out: Path, mode: str) -> int:
    """Return how many of the output's picture packets stand in the source too."""
    if mode != "differential":
        return 0
    theirs, ours = Counter(digests(film)), Counter(digests(out))
    # A part may stand in the output once only: each source packet counts once.
    return sum((theirs & ours).values())


def common_sound(film: Path, out: Path) -> int:
    """Return how many of the output's sound packets stand in the source too, headers of a transport left out."""
    theirs, ours = (Counter(map(raw_packet, sound_packets(path))) for path in (film, out))
    return sum((theirs & ours).values())


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as c:
        return [bytes(p) for p in c.demux(c.streams.audio[0]) if p.size]


def worst_lag(project: Project, ranges: list[Range], film: Path, out: Path) -> int:
    """Return by how many samples the sound of the part that is most off comes late."""
    (source,) = project.sources
    times = source.picture.times
    (theirs, rate), (ours, new_rate) = heard(film, Fraction(0)), heard(out, begin_of(out))
    if rate != new_rate:
        return 0
    lags, begun = [0], Fraction(0)
    for part in ranges:
        first, end = times.time_of(part.start), times.time_of(part.stop)
        middle = (end - first) / 2
        size = int(min(end - first, 1) * rate) // 2
        if size > 4 * REACH:
            wanted = cut_out(theirs, round((first + middle) * rate), size)
            given = cut_out(ours, round((begun + middle) * rate), size)
            lags.append(lag_of(wanted, given))
        begun += end - first
    return max(lags, key=abs)


def lag_of(wanted: np.ndarray, given: np.ndarray) -> int:
    """Return the lag at which two pieces of sound are most alike; 0 where there is too little to tell."""
    inner = wanted[REACH:-REACH]
    if not inner.size or (inner**2).mean() < 1e-7:
        return 0
    size = 1 << (given.size + inner.size).bit_length()
    like = np.fft.irfft(np.fft.rfft(given, size) * np.conj(np.fft.rfft(inner, size)), size)[: 2 * REACH + 1]
    # Where the sound grows louder, more of it is not more alike.
    power = np.concatenate([[0.0], np.cumsum(given**2)])
    like /= np.sqrt(power[inner.size : inner.size + like.size] - power[: like.size] + 1e-9)
    # A steady tone is as like itself a period later.
    return 0 if like[REACH] > 0.995 * like.max() else int(like.argmax()) - REACH


def cut_out(wave: np.ndarray, middle: int, size: int) -> np.ndarray:
    start = max(0, middle - size)
    return np.pad(wave, (0, size))[start : start + 2 * size]


def heard(path: Path, begin: Fraction, number: int = 0, wanted: int | None = None) -> tuple[np.ndarray, int]:
    """Return a sound track as plain FFmpeg gives it, mono, counted from second `begin`, and its rate.

    Another rate than its own is for tracks without gaps: where samples are left out, a resampler is a little late.
    """
    blocks: list[tuple[int, np.ndarray]] = []
    with av.open(str(path)) as container:
        track = container.streams.audio[number]
        rate = wanted or track.codec_context.sample_rate
        resampler = av.AudioResampler("fltp", "mono", rate)
        exact, at = track.time_base * rate <= 1, None
        for packet in container.demux(track):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                if frame.pts is None:
                    continue
                given = round((frame.pts * track.time_base - begin) * rate)
                if at is None or abs(given - at) > (2 if exact else rate // 50):
                    at = given
                for block in resampler.resample(frame):
                    blocks.append((at, block.to_ndarray()[0]))
                    at += block.samples
    end = max((start + block.size for start, block in blocks), default=0)
    wave = np.zeros(max(0, end), np.float64)
    for start, block in blocks:
        inside = block[max(0, -start) :]
        wave[max(0, start) : max(0, start) + inside.size] = inside
    return wave, rate


def begin_of(path: Path) -> Fraction:
    """Return the second at which a film's first picture shows."""
    with av.open(str(path)) as c:
        stream = next(s for s in c.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
        return (
            min(p.pts for p in c.demux(stream) if p.size and p.pts is not None and not p.is_discard) * stream.time_base
        )


def digests(path: Path) -> list[bytes]:
    with av.open(
        str(path), container_options={"advanced_editlist": "0"} if path.suffix in (".mp4", ".mov") else {}
    ) as c:
        stream = next(s for s in c.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
        return [hashlib.blake2b(bytes(p), digest_size=16).digest() for p in c.demux(stream) if p.size]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
