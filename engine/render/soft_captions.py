"""Put captions as tracks of text, and chapters, into a finished film, and prove that nothing else of it changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import CaptionError, VerificationFailed
from engine.media.caption_track import CaptionTrack, holds_captions, packet_digests, takes_texts, write_with_texts
from engine.media.text_tracks import read_chapters
from engine.model.chapters import Chapter

DRAFT_MARK = "-captions"
"""Ends the name of the draft with captions, before its suffix."""


def check_captions(target: Path, captions: Sequence[CaptionTrack]) -> None:
    """Refuse captions that the target's format cannot hold, before any work is done.

    Raises:
        CaptionError: it cannot.
    """
    if any(track.cues for track in captions) and not holds_captions(target):
        raise CaptionError(f"{target.name} cannot hold captions as text; export MP4, MOV, MKV or WebM, or burn them in")


def add_texts(
    film: Path,
    captions: Sequence[CaptionTrack],
    chapters: Sequence[Chapter],
    progress: Progress,
    cancel: CancelToken,
) -> tuple[str, ...]:
    """Put tracks of captions and chapters into a film; it is replaced once the new one has passed its check.

    Args:
        film: a finished film that nobody reads yet.
        captions: the tracks; those without a cue are left out.
        chapters: in seconds from the film's start, in place of those that it has; none to leave them as they are.
        progress: of the writing.
        cancel: looked at between packets.

    Returns:
        what a person should know, in sentences; none where nothing was added.

    Raises:
        CaptionError: the film's format holds no tracks of text.
        VerificationFailed: a packet of another track changed, or the chapters do not read back.
        NoSpace, StorageError, Cancelled: the film is as it was.
    """
    tracks = [track for track in captions if track.cues]
    notes: list[str] = []
    if chapters and not takes_texts(film):
        notes.append(f"the chapters are left out: {film.suffix} files of this kind hold none; MP4, MOV and MKV do")
        chapters = ()
    if not tracks and not chapters:
        return tuple(notes)
    draft = film.with_stem(film.stem + DRAFT_MARK)
    try:
        write_with_texts(film, draft, tracks, chapters, progress, cancel)
        if packet_digests(film, cancel) != packet_digests(draft, cancel):
            raise VerificationFailed(
                f"adding captions and chapters to {film.name} would have changed its picture or sound"
            )
        if chapters and [chapter.title for chapter in read_chapters(draft)] != [chapter.title for chapter in chapters]:
            raise VerificationFailed(f"the chapters did not come out as they were written to {film.name}")
        os.replace(draft, film)
    finally:
        draft.unlink(missing_ok=True)
    if tracks:
        cues = sum(len(track.cues) for track in tracks)
        count = "1 caption stands" if cues == 1 else f"{cues} captions stand"
        notes.append(f"{count} in the film as text; no picture was re-encoded for them.")
    if chapters:
        count = "1 chapter" if len(chapters) == 1 else f"{len(chapters)} chapters"
        notes.append(f"the film has {count}; no picture was re-encoded for them.")
    return tuple(notes)
