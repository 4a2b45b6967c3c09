"""An MP4 or QuickTime file as its own header describes it, read without a demuxer.

Only the boxes' headers and the movie box are read, never the media data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.errors import DamagedMedia, MissingMedia, SourceChanged, UnsupportedMedia
from engine.media.mp4 import tables
from engine.media.mp4.boxes import Box, Malformed, TopLevel, boxes_between, children, scan
from engine.media.mp4.edits import MAX_EDITS, Edit, Packets, edit_list, packets, unedited
from engine.media.mp4.entries import SampleEntry, sample_entries
from engine.media.mp4.tables import Int64, Samples

MAX_MOOV_BYTES = 256 << 20
"""A day of film at 60 frames a second needs about 100 MB of tables."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A track.

    Attributes:
        track_id: the file's own number of the track.
        handler: 'vide', 'soun', 'text', 'sbtl', 'tmcd', 'meta' ...; '' where the track does not say.
        timescale: ticks per second of its times.
        duration: ticks, as its header says.
        language: ISO 639-2 code, "und" where the file does not say.
        entries: the sample entries of `stsd`.
        edits: the edit list.
        samples: its samples as stored, before the edit list; empty where `demux_reason` says why.
        chunks: int64, byte offsets of its chunks.
        packets: its packets as a demuxer gives them, with the edit list applied.
        demux_reason: why the caller has to demux instead of using `packets`; "" where it need not.
        external: its samples are in another file.
        trak: the box, in `Movie.moov`.
    """

    track_id: int
    handler: str
    timescale: int
    duration: int
    language: str
    entries: tuple[SampleEntry, ...]
    edits: tuple[Edit, ...]
    samples: Samples
    chunks: Int64
    packets: Packets
    demux_reason: str
    external: bool
    trak: Box

    @property
    def encrypted(self) -> bool:
        """Whether a sample entry says that its samples are encrypted."""
        return any(entry.encrypted for entry in self.entries)


@dataclass(frozen=True, slots=True, eq=False)
class Movie:
    """An MP4 or QuickTime file.

    Attributes:
        path: the file.
        size: bytes of the file when it was read.
        layout: its top-level boxes.
        moov: the bytes of the movie box with its header; boxes inside are found by offsets into it.
        moov_start: where the movie box stands in the file.
        timescale: ticks per second of the movie's times.
        tracks: in the order of the file.
        fragmented: samples are in fragments (`moof`), which the tracks here do not list.
        encrypted: a track is encrypted, or the file carries keys' headers (`pssh`).
    """

    path: Path
    size: int
    layout: TopLevel
    moov: bytes
    moov_start: int
    timescale: int
    tracks: tuple[Track, ...]
    fragmented: bool
    encrypted: bool

    def track(self, track_id: int) -> Track:
        """Return the track of that number.

        Raises:
            KeyError: there is none.
        """
        for track in self.tracks:
            if track.track_id == track_id:
                return track
        raise KeyError(track_id)


def read_movie(path: Path, track_id: int | None = None, view: Callable[[], BinaryIO] | None = None) -> Movie:
    """Read the header of an MP4 or QuickTime file.

    Args:
        path: the file.
        track_id: the only track whose samples are wanted, which saves the time for the others'; None for all.
        view: opens the file as it will be, where that is not yet what it shows.

    Raises:
        MissingMedia: there is no such file.
        DamagedMedia: it cannot be read, is no such file, or its tables contradict themselves or the file's size.
        UnsupportedMedia: its header is compressed, or larger than any film needs.
    """
    try:
        with path.open("rb") if view is None else view() as file:
            size = file.seek(0, 2)
            layout = scan(file, size)
            moov_box = _movie_box(path, layout)
            file.seek(moov_box.start)
            moov = file.read(moov_box.size)
    except FileNotFoundError as error:
        raise MissingMedia(f"{path} is not there; relink the source or choose another file") from error
    except OSError as error:
        raise DamagedMedia(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_movie(path, size, layout, moov, moov_box.start, track_id)


def check_unchanged(movie: Movie, source: BinaryIO) -> None:
    """Compare the source with what was read of it.

    Raises:
        SourceChanged: it has another size or another header.
    """
    size = source.seek(0, 2)
    source.seek(movie.moov_start)
    if size != movie.size or source.read(len(movie.moov)) != movie.moov:
        raise SourceChanged(f"{movie.path} has changed since it was read; open it again")


def parse_movie(
    path: Path, size: int, layout: TopLevel, moov: bytes, moov_start: int, track_id: int | None = None
) -> Movie:
    """Read a movie box that is in memory already.

    Args:
        path: the file it belongs to, for messages.
        size: bytes of that file.
        layout: its top-level boxes.
        moov: the movie box with its header.
        moov_start: where it stands in the file.
        track_id: as for read_movie.

    Raises:
        DamagedMedia, UnsupportedMedia: as read_movie.
    """
    try:
        return _movie(path, size, layout, moov, moov_start, track_id)
    except Malformed as error:
        raise DamagedMedia(
            f"{path} is damaged: {error}; repair or export it again with the program it came from"
        ) from error


def _movie_box(path: Path, layout: TopLevel) -> Box:
    moov = next((box for box in layout.boxes if box.kind == b"moov"), None)
    if moov is None:
        if any(box.kind == b"mdat" for box in layout.boxes):
            raise DamagedMedia(
                f"{path} has media data but no header (box 'moov'): the recording or download was not finished"
            )
        raise DamagedMedia(f"{path} is no MP4 or QuickTime file: it has no box 'moov'")
    if layout.truncated and moov is layout.boxes[-1]:
        raise DamagedMedia(
            f"{path} is truncated: its header (box 'moov') claims {moov.size} bytes and "
            f"{layout.tail - moov.start} are there"
        )
    if moov.size > MAX_MOOV_BYTES:
        raise UnsupportedMedia(
            f"{path} has a header of {moov.size >> 20} MB; at most {MAX_MOOV_BYTES >> 20} MB can be read"
        )
    return moov


def _movie(path: Path, size: int, layout: TopLevel, moov: bytes, moov_start: int, track_id: int | None) -> Movie:
    boxes = list(children(moov, root_box(moov)))
    kinds = [box.kind for box in boxes]
    if b"cmov" in kinds:
        raise UnsupportedMedia(f"{path} has a compressed header (box 'cmov'); save it again without header compression")
    if b"mvhd" not in kinds:
        raise Malformed("box 'mvhd' is missing")
    timescale = max(1, _media_header(moov, boxes[kinds.index(b"mvhd")])[0])
    fragmented = any(box.kind == b"moof" for box in layout.boxes)
    tracks = tuple(_tracks(moov, [box for box in boxes if box.kind == b"trak"], timescale, size, track_id))
    for track in tracks:
        _check_within_file(path, track, size)
    return Movie(
        path=path,
        size=size,
        layout=layout,
        moov=moov,
        moov_start=moov_start,
        timescale=timescale,
        tracks=tracks,
        fragmented=fragmented,
        encrypted=b"pssh" in kinds or any(track.encrypted for track in tracks),
    )


def _tracks(moov: bytes, traks: list[Box], movie_timescale: int, file_size: int, wanted: int | None) -> Iterator[Track]:
    edited = True
    for trak in traks:
        parts = _parts(moov, trak)
        stts = parts.stbl.get(b"stts", b"")
        # FFmpeg takes a track without samples for a sign of fragments, and applies no edit list from there on.
        edited = edited and int.from_bytes(stts[4:8], "big") > 0
        asked = wanted is None or wanted == parts.track_id
        yield _track(parts, edited, movie_timescale, file_size) if asked else _unread_track(parts, movie_timescale)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The boxes of a track that are understood here."""

    trak: Box
    track_id: int
    handler: str
    timescale: int
    duration: int
    language: str
    edits: tuple[Edit, ...]
    entries: tuple[SampleEntry, ...]
    stbl: dict[bytes, bytes]
    rap_groups: tables.Runs | None
    external: bool


def _parts(moov: bytes, trak: Box) -> _Parts:
    in_trak = _by_kind(moov, trak)
    in_mdia = _by_kind(moov, in_trak[b"mdia"]) if b"mdia" in in_trak else {}
    in_minf = _by_kind(moov, in_mdia[b"minf"]) if b"minf" in in_mdia else {}
    in_edts = _by_kind(moov, in_trak[b"edts"]) if b"edts" in in_trak else {}
    timescale, duration, language = _media_header(moov, in_mdia[b"mdhd"]) if b"mdhd" in in_mdia else (0, 0, "und")
    stbl: dict[bytes, bytes] = {}
    rap_groups = None
    entries: tuple[SampleEntry, ...] = ()
    if b"stbl" in in_minf:
        for box in children(moov, in_minf[b"stbl"]):
            body = moov[box.body : box.stop]
            if box.kind == b"sbgp" and body[4:8] == b"rap ":
                rap_groups = tables.group_runs(body)
            stbl.setdefault(box.kind, body)
            if box.kind == b"stsd":
                entries = sample_entries(moov, box)
    handler = ""
    if b"hdlr" in in_mdia:
        hdlr = in_mdia[b"hdlr"]
        handler = moov[hdlr.body + 8 : hdlr.body + 12].decode("latin-1")
    edits = edit_list(moov[in_edts[b"elst"].body : in_edts[b"elst"].stop]) if b"elst" in in_edts else ()
    return _Parts(
        trak=trak,
        track_id=_track_id(moov, in_trak),
        handler=handler,
        timescale=timescale,
        duration=duration,
        language=language,
        edits=edits,
        entries=entries,
        stbl=stbl,
        rap_groups=rap_groups,
        external=_external(moov, in_minf),
    )


def _track(parts: _Parts, edited: bool, movie_timescale: int, file_size: int) -> Track:
    timescale = parts.timescale or movie_timescale
    samples = tables.no_samples()
    chunks = np.zeros(0, np.int64)
    reason = ""
    if parts.external:
        reason = "its samples are in another file"
    elif parts.stbl:
        try:
            chunks = tables.chunks(parts.stbl)
            if _counts_sound_frames(parts):
                reason = "its sound is stored as single frames, which a demuxer gathers into packets"
            else:
                samples = tables.samples(parts.stbl, parts.rap_groups, file_size)
        except Malformed as error:
            if parts.handler in ("vide", "soun"):
                raise Malformed(f"track {parts.track_id}: {error}") from error
            reason = f"its tables are damaged ({error})"
    given = (
        packets(samples, parts.edits, parts.handler, timescale, movie_timescale)
        if edited
        else unedited(samples, parts.edits, timescale, movie_timescale)
    )
    return _assembled(parts, movie_timescale, samples, chunks, given, reason or _why_demux(parts, given))


def _unread_track(parts: _Parts, movie_timescale: int) -> Track:
    samples = tables.no_samples()
    chunks = np.zeros(0, np.int64)
    with suppress(Malformed):
        chunks = tables.chunks(parts.stbl)
    given = unedited(samples, (), 1, 1)
    return _assembled(parts, movie_timescale, samples, chunks, given, "its samples were not asked for")


def _assembled(
    parts: _Parts, movie_timescale: int, samples: Samples, chunks: Int64, given: Packets, reason: str
) -> Track:
    return Track(
        track_id=parts.track_id,
        handler=parts.handler,
        timescale=parts.timescale or movie_timescale,
        duration=parts.duration,
        language=parts.language,
        entries=parts.entries,
        edits=parts.edits,
        samples=samples,
        chunks=chunks,
        packets=given,
        demux_reason=reason,
        external=parts.external,
        trak=parts.trak,
    )


def _counts_sound_frames(parts: _Parts) -> bool:
    """Tell whether each "sample" is one sound frame, as QuickTime stores uncompressed sound."""
    if parts.handler != "soun" or b"stts" not in parts.stbl:
        return False
    runs = tables.sample_durations(parts.stbl[b"stts"])
    return runs.count.size == 1 and int(runs.value[0]) == 1


def _why_demux(parts: _Parts, given: Packets) -> str:
    if len(parts.edits) > MAX_EDITS:
        return f"its edit list has more than {MAX_EDITS} entries"
    if parts.handler == "vide" and given.count > 1 and given.dts[0] == given.dts[1]:
        # FFmpeg then makes up times until it has seen a second one.
        return "its first samples share one time"
    if not given.linear:
        return "its edit list shows some samples twice or out of order"
    if len({entry.kind for entry in parts.entries}) > 1:
        return "it mixes several codecs"
    return ""


def _check_within_file(path: Path, track: Track, size: int) -> None:
    """Refuse a file that ends before the samples it lists.

    Raises:
        DamagedMedia: a sample of a video or sound track lies beyond the end.
    """
    samples = track.samples
    if not samples.count or track.handler not in ("vide", "soun"):
        return
    ends = samples.position + samples.size
    if int(ends.max()) > size or int(samples.position.min()) < 0:
        beyond = int(((ends > size) | (samples.position < 0)).argmax())
        raise DamagedMedia(
            f"{path} is truncated: sample {beyond + 1} of {samples.count} of track {track.track_id} lies at bytes "
            f"{int(samples.position[beyond])} to {int(ends[beyond])}, and the file has {size}; copy it again"
        )


def _media_header(moov: bytes, box: Box) -> tuple[int, int, str]:
    """Return timescale, duration and language of `mvhd` or `mdhd` (ISO/IEC 14496-12, 8.2.2 and 8.4.2)."""
    body = moov[box.body : box.stop]
    at = 20 if body[:1] == b"\1" else 12
    width = 8 if body[:1] == b"\1" else 4
    if len(body) < at + 4 + width + 2:
        raise Malformed(f"box {box.kind.decode('latin-1')!r} has only {len(body)} bytes")
    timescale = int.from_bytes(body[at : at + 4], "big")
    duration = int.from_bytes(body[at + 4 : at + 4 + width], "big")
    packed = int.from_bytes(body[at + 4 + width : at + 6 + width], "big")
    # Below 0x400 it is a Macintosh language number, which ISO 639-2 codes never are: their letters count from 1.
    letters = "".join(chr(0x60 + (packed >> shift & 31)) for shift in (10, 5, 0)) if packed >= 0x400 else "und"
    return timescale, duration, letters if letters.isalpha() else "und"


def _track_id(moov: bytes, in_trak: dict[bytes, Box]) -> int:
    box = in_trak.get(b"tkhd")
    if box is None:
        return 0
    body = moov[box.body : box.stop]
    at = 20 if body[:1] == b"\1" else 12
    return int.from_bytes(body[at : at + 4], "big")


def _external(moov: bytes, in_minf: dict[bytes, Box]) -> bool:
    """Tell whether a track's samples are in another file (ISO/IEC 14496-12, 8.7.2).

    Some writers leave the flag "in this file" unset and name no file either; those mean this file.
    """
    if b"dinf" not in in_minf:
        return False
    dref = _by_kind(moov, in_minf[b"dinf"]).get(b"dref")
    if dref is None:
        return False
    references = boxes_between(moov, dref.body + 8, dref.stop)
    return any(
        not int.from_bytes(moov[box.body : box.body + 4], "big") & 1
        and bool(moov[box.body + 4 : box.stop].strip(b"\0"))
        for box in references
    )


def root_box(moov: bytes) -> Box:
    """Return a movie box as a box of its own buffer."""
    return Box(b"moov", 0, 16 if moov[:4] == b"\0\0\0\1" else 8, len(moov))


def _by_kind(moov: bytes, parent: Box) -> dict[bytes, Box]:
    """Return the first box of each kind inside a container."""
    found: dict[bytes, Box] = {}
    for box in boxes_between(moov, parent.body, parent.stop):
        found.setdefault(box.kind, box)
    return found
