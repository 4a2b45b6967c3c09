"""The text tracks of a film (subtitles that are text, not pictures) and its chapters, read as values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from engine.control import CancelToken
from engine.media.demux import opened, translated
from engine.model.chapters import Chapter

if TYPE_CHECKING:
    from av.container.core import Chapter as AvChapter

TEXT_CODECS = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})
_MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text and when it shows, in seconds of the film's own time."""

    start_s: Fraction
    stop_s: Fraction
    text: str


def read_texts(path: Path, stream: int, cancel: CancelToken) -> tuple[ShownText, ...]:
    """Return the texts of a text track, without their styles.

    Raises:
        MissingMedia, DamagedMedia: it cannot be read.
        Cancelled: on request.
    """
    found: list[ShownText] = []
    with opened(path) as container, translated(path):
        track = container.streams[stream]
        if not isinstance(track, SubtitleStream):
            return ()
        for packet in container.demux(track):
            cancel.check()
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            try:
                shown = packet.decode()
            except av.error.InvalidDataError:
                continue  # a player shows nothing
            lines = [rect.dialogue.decode("utf-8", "replace") for rect in shown if isinstance(rect, AssSubtitle)]
            text = "\n".join(line for part in lines for line in part.replace("\\N", "\n").splitlines() if line.strip())
            start_s = packet.pts * packet.time_base
            stop_s = start_s + (packet.duration or 0) * packet.time_base
            if text and stop_s > start_s:
                found.append(ShownText(start_s, stop_s, text))
    return tuple(found)


def read_chapters(path: Path) -> tuple[Chapter, ...]:
    """Return a film's chapters.

    Raises:
        MissingMedia, DamagedMedia: it cannot be read.
    """
    with opened(path) as container:
        return tuple(
            Chapter(
                chapter["start"] * (chapter["time_base"] or _MILLISECOND),
                chapter["end"] * (chapter["time_base"] or _MILLISECOND),
                chapter["metadata"].get("title", ""),
            )
            for chapter in container.chapters()
        )


def chapter_ms(time_s: Fraction) -> int:
    """Return when a chapter begins or ends, in the milliseconds of files.

    Upwards, so that a player that goes there shows the frame on which it begins, not the one before.
    """
    return math.ceil(time_s * 1000)


def chapters_for_av(chapters: Sequence[Chapter]) -> list[AvChapter]:
    """Return chapters as PyAV takes them."""
    return [
        {
            "id": number,
            "start": chapter_ms(chapter.start_s),
            "end": chapter_ms(chapter.stop_s),
            "time_base": _MILLISECOND,
            "metadata": {"title": chapter.title} if chapter.title else {},
        }
        for number, chapter in enumerate(chapters)
    ]
