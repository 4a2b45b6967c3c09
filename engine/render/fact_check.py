"""Whether an export still says of itself what the source says: tracks, languages, colour, chapters, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from engine.media.survey import Survey, TrackFacts
from engine.model.codec_names import codec_name

# Each writing program puts its own name and layout there; in MXF into an identification set (SMPTE ST 377-1 A.3),
# and changed material gets a new identifier (SMPTE ST 330).
_OF_THE_WRITER = frozenset(
    {
        "encoder", "duration", "major_brand", "minor_version", "compatible_brands", "vendor_id", "handler_name",
        "software", "uid", "generation_uid", "company_name", "product_name", "product_uid", "product_version",
        "product_version_num", "toolkit_version_num", "application_platform", "modification_date",
        "material_package_umid", "file_package_umid",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrackPair:
    """A track of the source and the one that should be its copy."""

    source: TrackFacts
    out: TrackFacts


@dataclass(frozen=True, slots=True)
class FactFindings:
    """What was found.

    Attributes:
        pairs: the tracks that belong together, the edited one included.
        problems: what is wrong. notes: what a change of format brings with it, or what was known.
    """

    pairs: tuple[TrackPair, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def check_facts(source: Survey, out: Survey, dropped: frozenset[int], *, same_format: bool) -> FactFindings:
    """Compare everything that stands beside the packets.

    Args:
        source: the source.
        out: the export.
        dropped: streams of the source that are known not to fit into the export's format.
        same_format: both files are of one format; what another format cannot say is a note.
    """
    pairs, missing = _paired(source, out)
    problems: list[str] = []
    notes: list[str] = []
    for track in missing:
        known = track.stream in dropped
        (notes if known else problems).append(f"{track_name(track)} is not in the export")
    said = problems if same_format else notes
    said += _tags("the film", source.tags, out.tags)
    lost = {_begun(chapter) for chapter in source.chapters} - {_begun(chapter) for chapter in out.chapters}
    if lost:
        said.append(f"the chapters differ: {len(out.chapters)} instead of {len(source.chapters)}, or moved")
    elif source.chapters != out.chapters:
        notes.append(f"chapters were put in: {len(out.chapters)} instead of {len(source.chapters)}")
    for pair in pairs:
        name = track_name(pair.source)
        differing = {
            key: (value, pair.out.described.get(key, ""))
            for key, value in pair.source.described.items()
            if value != pair.out.described.get(key, "")
        }
        recoded = pair.source.stream == source.edited and pair.source.codec != pair.out.codec
        where = notes if recoded else said
        where += [f"{name}: {key} is {now} instead of {was}" for key, (was, now) in differing.items()]
        said += _tags(name, pair.source.tags, pair.out.tags)
    apart_s = abs(source.duration_s - out.duration_s)
    if source.duration_s and apart_s > 1:
        notes.append(
            f"the file says it lasts {float(out.duration_s):.3f} s, the source's {float(source.duration_s):.3f} s"
        )
    return FactFindings(tuple(pairs), tuple(problems), tuple(notes))


def _begun(chapter: tuple[Fraction, Fraction, str]) -> tuple[Fraction, str]:
    start_s, _, title = chapter
    return start_s, title


def track_name(track: TrackFacts) -> str:
    """Return how a track is called in a sentence."""
    return f"track {track.stream} ({track.kind}, {codec_name(track.codec)})"


def _paired(source: Survey, out: Survey) -> tuple[list[TrackPair], list[TrackFacts]]:
    if [t.kind for t in source.tracks] == [t.kind for t in out.tracks]:
        return [TrackPair(*pair) for pair in zip(source.tracks, out.tracks, strict=True)], []
    free = [track for track in out.tracks if track.stream != out.edited]
    pairs: list[TrackPair] = []
    missing: list[TrackFacts] = []
    for track in source.tracks:
        if track.stream == source.edited:
            pairs.append(TrackPair(track, out.video))
            continue
        copy = next((other for other in free if _alike(track, other)), None)
        if copy is None:
            missing.append(track)
        else:
            free.remove(copy)
            pairs.append(TrackPair(track, copy))
    return pairs, missing


def _alike(track: TrackFacts, other: TrackFacts) -> bool:
    if track.kind != other.kind:
        return False
    ours, theirs = other.rows.digest[:4], track.rows.digest[:4]
    return bool(np.array_equal(ours, theirs)) and (ours.size > 0 or track.codec == other.codec)


def _tags(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    was, now = _comparable(before), _comparable(after)
    return [
        f"{name}: tag {key} is {now.get(key, 'gone')!r} instead of {value!r}"
        for key, value in was.items()
        if now.get(key) != value
    ]


def _comparable(tags: Mapping[str, str]) -> dict[str, str]:
    return {
        key.lower(): value
        for key, value in tags.items()
        if key.lower() not in _OF_THE_WRITER and (key.lower(), value) != ("language", "und")
    }
