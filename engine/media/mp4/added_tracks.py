"""Add texts and chapters to an MP4 or MOV: their samples and a new movie box go behind the file, all else stays."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from engine.media.mp4.boxes import Box, Malformed, box_bytes, children, scan
from engine.media.mp4.chapter_track import (
    TimedChapter,
    chapter_list,
    chapter_trak,
    chapters_of,
    handler,
    names,
    naming_chapters,
    track_id,
)
from engine.media.mp4.copying import clone
from engine.media.mp4.text_track import TextSamples, TextTrack, text_samples, text_trak


def add_tracks(
    source: Path,
    target: Path,
    texts: Sequence[TextTrack],
    chapters: Sequence[TimedChapter],
    size_px: tuple[int, int],
    duration_ms: int,
) -> None:
    """Write `target`: the source's bytes, then the samples of what is added and a movie box that names them.

    Args:
        source: an MP4 or MOV that is not fragmented; not modified.
        target: written anew.
        texts: tracks of text to add.
        chapters: take the place of the source's; none to leave these as they are.
        size_px: width and height of the picture as displayed.
        duration_ms: of the film; texts and chapters end with it.

    Raises:
        Malformed: the file has no movie box, or one that contradicts itself.
        OSError: the disk.
    """
    if target.exists() or not clone(source, target):
        shutil.copyfile(source, target)
    with target.open("r+b") as file:
        size = source.stat().st_size
        top = scan(file, size)
        movies = [box for box in top.boxes if box.kind == b"moov"]
        if len(movies) != 1 or any(box.kind == b"moof" for box in top.boxes) or top.truncated:
            raise Malformed("the file is fragmented or has no movie box")
        (movie,) = movies
        file.seek(movie.start)
        old = file.read(movie.size)
        if top.boxes[-1].open_ended:
            raise Malformed("the last box has no size of its own")
        chapters = [chapter for chapter in chapters if chapter.start_ms < duration_ms]
        samples = [text_samples(track, duration_ms) for track in texts]
        titles = names(chapters)
        file.seek(0, os.SEEK_END)
        at = file.tell() + 8
        file.write(box_bytes(b"mdat", b"".join([*(data for part in samples for data, _ in part), *titles])))
        new = _Movie(old)
        for track, part in zip(texts, samples, strict=True):
            new.add_text(track, part, at, size_px)
            at += sum(len(data) for data, _ in part)
        if chapters:
            new.set_chapters(chapters, [len(title) for title in titles], at, min(chapters[-1].stop_ms, duration_ms))
            new.set_list(b"" if _is_quicktime(file, top.boxes) else chapter_list(chapters))
        file.write(new.box())
        # The old movie box becomes free space: readers take the first one they meet.
        file.seek(movie.start + 4)
        file.write(b"free")


class _Movie:
    """A movie box that grows."""

    def __init__(self, old: bytes) -> None:
        whole = Box(b"moov", 0, 8 if struct.unpack_from(">I", old)[0] != 1 else 16, len(old))
        self._parts = [old[child.start : child.stop] for child in children(old, whole)]
        header = next((n for n, part in enumerate(self._parts) if _kind(part) == b"mvhd"), None)
        if header is None:
            raise Malformed("the movie box has no header")
        self._header = header
        data = self._parts[header]
        (self._scale,) = struct.unpack_from(">I", data, 8 + (20 if data[8] == 1 else 12))

    def add_text(self, track: TextTrack, samples: TextSamples, at: int, size_px: tuple[int, int]) -> None:
        self._append(text_trak(track, samples, at, self._new_id(), self._scale, size_px))

    def set_chapters(self, chapters: Sequence[TimedChapter], sizes: Sequence[int], at: int, end_ms: int) -> None:
        traks = {track_id(part): n for n, part in enumerate(self._parts) if _kind(part) == b"trak"}
        named = {number for n in traks.values() for number in chapters_of(self._parts[n])}
        # The track that names them now, unless it holds pictures of them.
        old = next((n for n in sorted(named) if n in traks and handler(self._parts[traks[n]]) in _OF_TEXT), None)
        number = self._new_id() if old is None else old
        trak = chapter_trak(chapters, sizes, at, number, self._scale, end_ms)
        if old is not None:
            self._parts[traks[old]] = trak
        else:
            for n in traks.values():
                if handler(self._parts[n]) in (b"vide", b"soun") and track_id(self._parts[n]) not in named:
                    self._parts[n] = naming_chapters(self._parts[n], number)
            self._append(trak)

    def set_list(self, new: bytes) -> None:
        """Put a list of chapters into the movie's user data, in place of the one there."""
        for n, part in enumerate(self._parts):
            if _kind(part) == b"udta":
                whole = Box(b"udta", 0, 8, len(part))
                kept = [part[box.start : box.stop] for box in children(part, whole) if box.kind != b"chpl"]
                self._parts[n] = box_bytes(b"udta", b"".join([*kept, new]))
                return
        if new:
            self._parts.append(box_bytes(b"udta", new))

    def box(self) -> bytes:
        return box_bytes(b"moov", b"".join(self._parts))

    def _append(self, trak: bytes) -> None:
        last = max((n for n, part in enumerate(self._parts) if _kind(part) == b"trak"), default=len(self._parts) - 1)
        self._parts.insert(last + 1, trak)

    def _new_id(self) -> int:
        data = self._parts[self._header]
        (number,) = struct.unpack_from(">I", data, len(data) - 4)
        # An id at its limit means that the ids in use are to be searched (ISO/IEC 14496-12, 8.2.2.3).
        if number >= 0xFFFFFFFE:
            raise Malformed("the file has no track id left")
        self._parts[self._header] = data[:-4] + struct.pack(">I", number + 1)
        return int(number)


_OF_TEXT = (b"text", b"sbtl")


def _is_quicktime(file: BinaryIO, top: Sequence[Box]) -> bool:
    """Tell whether a file is QuickTime's own: its brand says so, or it has none."""
    for box in top:
        if box.kind == b"ftyp":
            file.seek(box.body)
            brand = file.read(4)
            file.seek(0, os.SEEK_END)
            return brand == b"qt  "
    return True


def _kind(part: bytes) -> bytes:
    return part[4:8]
