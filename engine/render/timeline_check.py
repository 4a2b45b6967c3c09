"""Whether an exported timeline is what was planned: read back packet by packet, and played at its joins."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia
from engine.index.frame_index import build_index
from engine.media.bitstream import nal
from engine.media.bitstream.nal import Framing
from engine.media.decode import FrameReader
from engine.media.film_file import open_film
from engine.media.probe import probe
from engine.media.replay import Broken, Entry, Replay, Shown
from engine.media.unit_bytes import read_units
from engine.model.frame_index import FrameIndex, Int64
from engine.model.gop import keyframes
from engine.model.media import MediaInfo, VideoStream
from engine.model.time import Range
from engine.plan.timeline_plan import CopyPiece, TimelinePlan
from engine.render.compose import Composer
from engine.render.timeline import Timeline, framing_of
from engine.render.timeline_sound import SoundPlan
from engine.render.timeline_sound_check import check_sound
from engine.render.timeline_write import copied_units
from engine.render.verify import VerifyReport

_BEFORE, _BEHIND = 6, 12
"""Frames that are compared on both sides of a join."""

_MOST_JOINS = 200
_DELIMITERS = {"h264": 9, "hevc": 35}


@dataclass
class _Found:
    """What the check has found so far; suspects are the joins with a fault, as output frames."""

    problems: list[str] = field(default_factory=list)
    suspects: set[int] = field(default_factory=set)
    identical: int = 0
    restated: int = 0
    compared: int = 0
    seeks: int = 0


@dataclass(frozen=True, slots=True)
class TimelineCheck:
    """What was found, and the output frames at whose joins something is wrong."""

    report: VerifyReport
    suspects: tuple[int, ...]


def check_timeline(
    timeline: Timeline,
    plan: TimelinePlan,
    starts: Int64,
    time_base: Fraction,
    entry_header: bytes,
    out: Path,
    sound: SoundPlan,
    codec: str,
    composer: Composer,
    progress: Progress,
    cancel: CancelToken,
) -> TimelineCheck:
    """Read an export back.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia: it cannot be read at all.
        Cancelled: on request.
    """
    info = probe(out)
    index = build_index(out, info, progress.part(0.0, 0.2), cancel)
    begin_s = int(index.frame_pts[0]) * index.time_base if index.frame_count else Fraction(0)
    heard = check_sound(sound, out, info.audio, begin_s, cancel)
    found = _Found(problems=list(heard.problems))
    _check_times(index, starts, time_base, timeline.frame_count, found)
    _check_facts(replace(timeline.film.info.video, codec=codec), info.video, found)
    if index.unit_count == timeline.frame_count == index.frame_count:
        _check_packets(timeline, plan, entry_header, (out, info, index), found, progress.part(0.2, 0.5), cancel)
        _check_joins(timeline, plan, (out, info, index), composer, found, progress.part(0.5, 1.0), cancel)
    report = VerifyReport(
        verified=not found.problems,
        packets_identical=found.identical,
        packets_restated=found.restated,
        packets_total=index.unit_count,
        audio_identical=heard.identical,
        audio_packets=heard.packets,
        changed_runs=tuple(piece.frames for piece in plan.pieces if not isinstance(piece, CopyPiece)),
        frames_compared=found.compared,
        seeks=found.seeks,
        worst_psnr_db=None,
        problems=tuple(found.problems),
        notes=(),
    )
    return TimelineCheck(report, tuple(sorted(found.suspects)))


_Out = tuple[Path, MediaInfo, FrameIndex]


def _check_times(index: FrameIndex, starts: Int64, time_base: Fraction, frames: int, found: _Found) -> None:
    if (index.unit_count, index.frame_count) != (frames, frames):
        found.problems.append(
            f"the export holds {index.unit_count:,} coded and {index.frame_count:,} shown pictures, not {frames:,}"
        )
        return
    factor = time_base / index.time_base
    wanted = (starts[:-1] - starts[0]).astype(np.float64) * float(factor)
    given = (index.frame_pts - index.frame_pts[0]).astype(np.float64)
    # Half a tick of either clock is lost where the container's is coarser.
    slack = 0.01 if factor.denominator == 1 else 1.01
    wrong = np.flatnonzero(np.abs(wanted - given) > slack)
    if wrong.size:
        first = int(wrong[0])
        off_ms = float((given[first] - wanted[first]) * float(index.time_base) * 1000)
        found.problems.append(f"{wrong.size:,} frames have the wrong time, frame {first:,} by {off_ms:.3f} ms")


def _check_facts(wanted: VideoStream, given: VideoStream, found: _Found) -> None:
    for name in ("codec", "width", "height", "pix_fmt", "sar", "rotation", "colour"):
        if getattr(wanted, name) != getattr(given, name):
            found.problems.append(f"the {name} became {getattr(given, name)}, not {getattr(wanted, name)}")


def _check_packets(
    timeline: Timeline,
    plan: TimelinePlan,
    entry_header: bytes,
    out: _Out,
    found: _Found,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    path, info, index = out
    video = timeline.film.info.video
    units = read_units(path, info, index, 0, index.unit_count)
    for piece in plan.pieces:
        cancel.check()
        progress.report("Checking the packets", piece.frames.start / max(1, timeline.frame_count))
        if not isinstance(piece, CopyPiece):
            for _ in piece.frames:
                next(units)
            continue
        film = timeline.films[piece.source_id]
        stretch = read_units(film.path, film.info, film.index, piece.units.start, piece.units.stop)
        originals = (
            data
            for unit, data in enumerate(stretch)
            if not 1 <= unit <= piece.skipped  # the entry's leading pictures stay behind
        )
        planned = copied_units(timeline.films, piece, entry_header)
        for number, (original, (wanted, _)) in enumerate(zip(originals, planned, strict=True)):
            given = next(units)
            if _same(given, original, info.video, video):
                found.identical += 1
            elif number == 0 and _same(given, wanted, info.video, video):
                found.restated += 1
            else:
                found.problems.append(
                    f"a copied packet among the frames {piece.frames.start:,} to {piece.frames.stop - 1:,} is not the "
                    "source's"
                )
                found.suspects.add(piece.frames.start)
                break


def _same(given: bytes, wanted: bytes, ours: VideoStream, theirs: VideoStream) -> bool:
    """Compare two packets; delimiters and the framing of NAL units do not count between formats."""
    if given == wanted:
        return True
    if ours.codec not in _DELIMITERS or ours.codec != theirs.codec:
        return False
    return _nal_units(given, ours.codec, framing_of(ours)) == _nal_units(wanted, theirs.codec, framing_of(theirs))


def _nal_units(data: bytes, codec: str, framing: Framing) -> list[bytes]:
    shift, mask = (0, 31) if codec == "h264" else (1, 63)
    units = nal.split(data, framing)
    return [unit.rstrip(b"\0") for unit in units if unit[0] >> shift & mask != _DELIMITERS[codec]]


def _check_joins(
    timeline: Timeline,
    plan: TimelinePlan,
    out: _Out,
    composer: Composer,
    found: _Found,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    path, _, index = out
    joins = [piece.frames.start for piece in plan.pieces[1:]]
    if len(joins) > _MOST_JOINS:
        joins = sorted(random.Random(len(joins)).sample(joins, _MOST_JOINS))
    joins = joins or [0]
    # In order first, then all over the place: what a decoder remembers from one place must not spoil another.
    shuffled = random.Random(timeline.frame_count).sample(joins, len(joins))
    expected = _expected(timeline, plan, composer, joins, cancel)
    ticks = index.frame_pts
    entries = keyframes(index)
    with open_film(path) as film:
        replay = Replay(film)
        for number, join in enumerate([*joins, *shuffled]):
            cancel.check()
            progress.report("Playing the joins", number / (2 * len(joins)))
            shown = _window(join, timeline.frame_count)
            before = entries[index.pts[entries] <= ticks[shown.start]]
            entry = int(before[-1]) if before.size else 0
            stop = int(ticks[shown.stop]) if shown.stop < timeline.frame_count else int(ticks[-1]) + (1 << 40)
            start = Entry(int(index.pts[entry]), int(index.dts[entry]), int(index.size[entry]))
            found.seeks += 1
            problem = _played(replay.stretch(start, stop), ticks, shown, expected, found)
            if problem is not None:
                found.suspects.add(join)
                found.problems.append(f"around the join at frame {join:,} {problem}")


def _window(join: int, total: int) -> Range:
    return Range(max(0, join - _BEFORE), min(total, join + _BEHIND))


def _expected(
    timeline: Timeline, plan: TimelinePlan, composer: Composer, joins: Sequence[int], cancel: CancelToken
) -> dict[int, int]:
    """Return the digest of every copied frame near a join, decoded from its source."""
    wanted = sorted({frame for join in joins for frame in _window(join, timeline.frame_count)})
    copied = [piece.frames for piece in plan.pieces if isinstance(piece, CopyPiece)]
    result: dict[int, int] = {}
    by_source: dict[str, list[tuple[int, int]]] = {}
    for frame, source in zip(wanted, map(composer.source_frame, wanted), strict=True):
        if source is not None and any(frame in part for part in copied):
            by_source.setdefault(source[0], []).append((source[1], frame))
    for source_id, pairs in by_source.items():
        film = timeline.films[source_id]
        with FrameReader(film.path, film.info, film.index) as reader:
            for number, frame in sorted(pairs):
                cancel.check()
                result[frame] = Shown(0, False, reader.frame(number)).digest()
    return result


def _played(
    stretch: Iterator[Shown | Broken], ticks: Int64, shown: Range, expected: dict[int, int], found: _Found
) -> str | None:
    """Return what is wrong with a stretch, None where it shows each frame of the window once and in order."""
    window = iter(shown)
    try:
        for picture in stretch:
            if isinstance(picture, Broken):
                return f"the decoder fails: {picture.reason}"
            if picture.pts < ticks[shown.start]:
                continue
            frame = next(window, None)
            if frame is None or picture.pts != ticks[frame]:
                return "frames are missing, or shown at another time"
            if frame in expected:
                found.compared += 1
                if picture.digest() != expected[frame]:
                    return f"the copied frame {frame:,} does not decode as in its source"
    except DamagedMedia as error:
        return str(error)
    left = next(window, None)
    return None if left is None else f"frame {left:,} is not shown"
