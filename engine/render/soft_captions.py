"""Put captions as tracks of text into a finished film, and prove that nothing else of it changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import CaptionError, VerificationFailed
from engine.media.caption_track import CaptionTrack, holds_captions, packet_digests, write_with_captions

DRAFT_MARK = "-captions"
"""Ends the name of the draft with captions, before its suffix."""


def check_captions(target: Path, captions: Sequence[CaptionTrack]) -> None:
    """Refuse captions that the target's format cannot hold, before any work is done.

    Raises:
        CaptionError: it cannot.
    """
    if any(track.cues for track in captions) and not holds_captions(target):
        raise CaptionError(f"{target.name} cannot hold captions as text; export MP4, MOV, MKV or WebM, or burn them in")


def add_captions(
    film: Path, captions: Sequence[CaptionTrack], progress: Progress, cancel: CancelToken
) -> tuple[str, ...]:
    """Put tracks of captions into a film; it is replaced once the new one has passed its check.

    Args:
        film: a finished film that nobody reads yet.
        captions: the tracks; those without a cue are left out.
        progress: of the writing.
        cancel: looked at between packets.

    Returns:
        what a person should know: one sentence, none where no track was added.

    Raises:
        CaptionError: the film's format holds no tracks of text.
        VerificationFailed: a packet of another track changed.
        NoSpace, StorageError, Cancelled: the film is as it was.
    """
    tracks = [track for track in captions if track.cues]
    if not tracks:
        return ()
    draft = film.with_stem(film.stem + DRAFT_MARK)
    try:
        write_with_captions(film, draft, tracks, progress, cancel)
        if packet_digests(film, cancel) != packet_digests(draft, cancel):
            raise VerificationFailed(f"adding captions to {film.name} would have changed its picture or sound")
        os.replace(draft, film)
    finally:
        draft.unlink(missing_ok=True)
    cues = sum(len(track.cues) for track in tracks)
    return (f"{cues} captions stand in the film as text; no picture was re-encoded for them.",)
