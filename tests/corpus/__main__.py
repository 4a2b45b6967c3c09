"""Edit and export every film of a folder: at the first frame, in the middle, at the last frame.

    python -m tests.corpus DIR [--only NAME] [--jobs N] [--frames N] [--json FILE]

Every case is a process of its own with a time limit: a crash or a hang is a row, not the end. A row ends in one of

    differential   part of the film was copied, and the export passed its check
    full           nothing could be copied, for the reason shown, and the export passed its check
    refused        a clear error, and nothing was left behind
    FAILED         anything else: a traceback, a hang, a file left behind, a check that a second look does not confirm
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

TIMEOUT_S = 600
COMMANDS = [sys.executable, "-m", "app.main"]


@dataclass(frozen=True, slots=True)
class Row:
    file: str
    place: str
    outcome: str
    frames: int = 0
    rendered: int = 0
    packets_identical: int = 0
    packets_total: int = 0
    audio: str = ""
    worst_psnr_db: float | None = None
    size_ratio: float = 0.0
    seconds: float = 0.0
    note: str = ""


class Failure(Exception):
    """A case that must not happen."""


class Refusal(Exception):
    """A command that ended with a clear error."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="films whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--frames", type=int, default=5, help="changed frames per edit")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    given = parser.parse_args(argv)
    films = sorted(
        path
        for path in given.folder.iterdir()
        if path.is_file() and given.only in path.name and path.suffix not in (".json", ".md", ".txt")
    )
    rows: list[Row] = []
    print(f"{'film':44s} {'edit':7s} {'outcome':13s} {'re-encoded':>14s} {'identical':>14s} {'sound':10s} "
          f"{'worst dB':>8s} {'size':>6s} {'s':>6s}  note")  # fmt: skip
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(lambda film: film_rows(film, given.frames), films):
            for row in result:
                rows.append(row)
                show(row)
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in sorted({r.outcome for r in rows})}
    print(f"{len(films)} films, {len(rows)} edits: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 1 if counts.get("FAILED") else 0


def show(row: Row) -> None:
    psnr = "" if row.worst_psnr_db is None else f"{row.worst_psnr_db:.1f}"
    print(
        f"{row.file[:44]:44s} {row.place:7s} {row.outcome:13s} {f'{row.rendered}/{row.frames}':>14s} "
        f"{f'{row.packets_identical}/{row.packets_total}':>14s} {row.audio:10s} {psnr:>8s} {row.size_ratio:6.3f} "
        f"{row.seconds:6.1f}  {row.note[:150]}",
        flush=True,
    )


def film_rows(film: Path, frames: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            facts = command("info", film, "--json")
        except Refusal as refusal:
            return [Row(film.name, "-", "refused", note=str(refusal))]
        except Failure as failure:
            return [Row(film.name, "-", "FAILED", note=str(failure))]
        total = facts["video"]["frames"]
        count = min(frames, total)
        middle = max(0, (total - count) // 2)
        places = {"first": 0, "middle": middle, "last": total - count}
        return [one_edit(film, work, place, start, start + count) for place, start in places.items()]


def one_edit(film: Path, work: Path, place: str, start: int, stop: int) -> Row:
    project, out = work / f"{place}.dcut", work / f"{place}{film.suffix}"
    try:
        command("new", project, film, "--json")
        box = "0.3,0.3,0.7,0.7"
        command("patch", project, "--frames", f"{start}:{stop}", "--roi", box, "--tool", "blur", "--json")
        plan = command("plan", project, "--json")
        started = time.monotonic()
        report = command("export", project, "-o", out, "--json")
        seconds = time.monotonic() - started
        if not report["verified"]:
            raise Failure("an export that did not verify was written")
        if (plan["frames_rendered"], plan["mode"]) != (report["frames_rendered"], report["mode"]) and not report[
            "notes"
        ]:
            raise Failure(f"planned {plan['frames_rendered']} frames, re-encoded {report['frames_rendered']}")
        again = command("verify", film, out, "--json") if report["mode"] == "differential" else {"verified": True}
        if not again["verified"]:
            raise Failure(f"a second look does not confirm it: {again['problems'][:2]}")
        row = Row(
            film.name,
            place,
            report["mode"],
            report["frames_total"],
            report["frames_rendered"],
            report["packets_identical"],
            report["packets_total"],
            f"{report['audio_packets']}{'=' if report['audio_identical'] else ' differ'}"
            if report["audio_packets"]
            else "",
            report["worst_psnr_db"],
            out.stat().st_size / film.stat().st_size,
            seconds,
            "; ".join([*report["notes"], report["reason"] if report["mode"] == "full" else ""]).strip("; "),
        )
        out.unlink()
        return row
    except Refusal as refusal:
        left = [path.name for path in work.iterdir() if path.suffix != ".dcut"]
        if left:
            return Row(film.name, place, "FAILED", note=f"left behind: {left}; {refusal}")
        return Row(film.name, place, "refused", note=str(refusal))
    except Failure as failure:
        return Row(film.name, place, "FAILED", note=str(failure))


def command(*arguments: object) -> dict:
    """Run one command; return its JSON."""
    line = [*COMMANDS, *map(str, arguments)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{arguments[0]} took more than {TIMEOUT_S} s") from None
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == 0:
        return json.loads(done.stdout)
    if "Traceback" in done.stderr or done.returncode not in (2, 3, 4, 5):
        raise Failure(f"{arguments[0]} ended with {done.returncode}: {last}")
    if done.returncode == 4 and arguments[0] == "verify":
        return json.loads(done.stdout)
    raise Refusal(last.removeprefix("deltacut: "))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
