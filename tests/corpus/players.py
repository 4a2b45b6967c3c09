"""Let Chromium play and seek around the seams of exports, beside the source: a table for a folder of films.

    python -m tests.corpus.players DIR [--only NAME]

Only films that Chromium plays at all are tried (H.264, VP8, VP9, AV1); what it makes of the source is
the baseline. Copied frames must come out pixel for pixel as from the source, in whatever order they are sought.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.corpus.__main__ import Failure, Refusal, command
from tests.corpus.browser import compare

SUFFIXES = {".mp4", ".mov", ".webm", ".mkv", ".m4v"}
CODECS = {"h264", "vp8", "vp9", "av1"}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.players", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    given = parser.parse_args(argv)
    wrong = 0
    print(f"{'film':44s} {'codec':5s} {'copied frames: sought, equal':>29s} {'re-encoded: mean difference':>28s}  play")
    for film in sorted(given.folder.iterdir()):
        if film.suffix in SUFFIXES and given.only in film.name:
            try:
                wrong += not row(film)
            except (Refusal, Failure) as error:
                print(f"{film.name[:44]:44s} {error}")
                wrong += isinstance(error, Failure)
    return 1 if wrong else 0


def row(film: Path) -> bool:
    """Export a film with five frames changed in its middle and compare; return whether nothing is wrong."""
    facts = command("info", film, "--json")
    video = facts["video"]
    if video["codec"] not in CODECS:
        return True
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        project, out = work / "p.dcut", work / f"out{film.suffix}"
        start = max(0, video["frames"] // 2 - 2)
        command("new", project, film, "--json")
        box = "0.3,0.3,0.7,0.7"
        stop = min(start + 5, video["frames"])
        command("patch", project, "--frames", f"{start}:{stop}", "--roi", box, "--tool", "blur", "--json")
        report = command("export", project, "-o", out, "--json")
        times, rendered = moments(film, report)
        found = compare(film, out, times, times[0])
    if found["source_failure"]:
        print(f"{film.name[:44]:44s} {video['codec']:5s} the source itself: {found['source_failure']}")
        return True
    differences = found["largest_difference"]
    copied = [time for time in differences if time not in rendered]
    equal = [time for time in copied if differences[time] == 0]
    means = [found["mean_difference"].get(time, 255.0) for time in differences if time in rendered]
    played = found["output_played_s"] >= min(found["wanted_s"], found["source_played_s"]) - 0.2
    right = len(equal) == len(copied) and not found["output_failure"] and played
    print(
        f"{film.name[:44]:44s} {video['codec']:5s} {f'{len(copied)}, {len(equal)}':>29s} "
        f"{f'{max(means, default=0):.2f} of 255':>28s}  {'ok' if played else 'stalled'} {found['output_failure']}"
        f"{'' if right else '  WRONG ' + str({t: d for t, d in differences.items() if t not in rendered and d})}",
        flush=True,
    )
    return right


def moments(film: Path, report: dict) -> tuple[list[float], set[float]]:
    """Return times in the middle of frames around the seams, and which of them are re-encoded."""
    from engine.control import CancelToken, Progress
    from engine.index.frame_index import build_index
    from engine.media.probe import probe

    info = probe(film)
    index = build_index(film, info, Progress(), CancelToken())
    pts = index.frame_pts
    first = next(s["start"] for s in report["segments"] if s["kind"] == "render")
    last = max(s["stop"] for s in report["segments"] if s["kind"] == "render")
    wanted = {
        first - 30,
        first - 2,
        first - 1,
        first,
        first + 1,
        (first + last) // 2,
        last - 1,
        last,
        last + 1,
        last + 9,
    }
    wanted |= {0, len(pts) - 2}
    # In fragments Chromium seeks by decode times: between a keyframe's and its picture's time it shows that picture,
    # of a source before each of its keyframes too.
    entry_dts = int(index.dts[index.order[first:last].min()]) if info.fragmented else int(pts[first])
    times, rendered = [], set()
    # A player's clock starts at the film's first moment; an empty edit or a late start stays.
    zero = 0 if "mp4" in info.container else int(pts[0])
    for number in sorted(n for n in wanted if 0 <= n < len(pts) - 1):
        if not index.exact_timestamps and pts[number + 1] - pts[number] < 2:
            continue  # the file gives both frames one time, and which of them a player shows is its own affair
        if number < first and pts[number] + pts[number + 1] > 2 * entry_dts:
            continue
        time = round(float((int(pts[number]) + int(pts[number + 1]) - 2 * zero) * index.time_base / 2), 4)
        times.append(time)
        if first <= number < last:
            rendered.add(time)
    return times, rendered


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
