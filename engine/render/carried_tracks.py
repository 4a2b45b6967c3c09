"""What a cut film takes along beside picture and sound: chapters and text tracks, at their new times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.control import CancelToken
from engine.media.caption_track import CaptionTrack
from engine.media.text_tracks import TEXT_CODECS, read_chapters, read_texts
from engine.model.caption_files import Cue
from engine.model.chapters import SHORTEST_S, Chapter, with_marked
from engine.model.codec_names import codec_name
from engine.model.media import OtherStream
from engine.model.timeline import TimelineMap
from engine.render.film import Film
from engine.render.timeline import Timeline


@dataclass(frozen=True, slots=True)
class CarriedTracks:
    """What comes along, and what does not, in words."""

    chapters: tuple[Chapter, ...]
    captions: tuple[CaptionTrack, ...]
    notes: tuple[str, ...]


def carried_tracks(timeline: Timeline, cancel: CancelToken) -> CarriedTracks:
    """Return the chapters and text tracks of the films on a timeline where their content shows.

    The first text track of every film goes into the first one of the output, and so on; the reference film says how
    many there are, and their names.

    Raises:
        MissingMedia, DamagedMedia: a film cannot be read.
        Cancelled: on request.
    """
    places = TimelineMap(timeline.project)
    captions = []
    for number, track in enumerate(_texts(timeline.film)):
        cues = sorted(_cues(timeline, places, number, cancel), key=lambda cue: (cue.start_ms, cue.stop_ms))
        if cues:
            captions.append(CaptionTrack(tuple(cues), track.title, track.language or "und"))
    return CarriedTracks(film_chapters(timeline), tuple(captions), tuple(_left_out(timeline.film)))


def film_chapters(timeline: Timeline) -> tuple[Chapter, ...]:
    """Return the chapters of a timeline's film, in its seconds: those of its sources, and those that markers begin.

    Raises:
        MissingMedia, DamagedMedia: a film cannot be read.
    """
    places = TimelineMap(timeline.project)
    return with_marked(tuple(_chapters(timeline, places)), timeline.project, places)


def _texts(film: Film) -> list[OtherStream]:
    return [other for other in film.info.others if other.kind == "subtitle" and other.codec in TEXT_CODECS]


def _cues(timeline: Timeline, places: TimelineMap, number: int, cancel: CancelToken) -> Iterator[Cue]:
    for source_id, film in timeline.films.items():
        tracks = _texts(film)
        if number >= len(tracks):
            continue
        for shown in read_texts(film.path, tracks[number].stream, cancel):
            for start_s, stop_s in places.times_showing(source_id, shown.start_s, shown.stop_s):
                cue = Cue(round(start_s * 1000), round(stop_s * 1000), shown.text)
                if cue.stop_ms > cue.start_ms:
                    yield cue


def _chapters(timeline: Timeline, places: TimelineMap) -> Iterator[Chapter]:
    return (
        Chapter(start_s, stop_s, chapter.title)
        for source_id, film in timeline.films.items()
        if film.info.chapters
        for chapter in read_chapters(film.path)
        for start_s, stop_s in places.times_showing(source_id, chapter.start_s, chapter.stop_s)
        if stop_s - start_s >= SHORTEST_S
    )


def _left_out(film: Film) -> Iterator[str]:
    texts = {track.stream for track in _texts(film)}
    for other in film.info.others:
        # The texts of an MP4's chapters stand in a track that FFmpeg calls data.
        if other.stream in texts or (film.info.chapters and other.codec == "bin_data"):
            continue
        of_codec = codec_name(other.codec)
        yield f"track {other.stream} ({other.kind}, {of_codec}) is left out: it cannot be cut along with the picture"
