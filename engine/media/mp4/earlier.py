"""An earlier export, read and doubted: what a new one may be written on top of."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.errors import MediaError, SourceChanged
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import Movie, check_unchanged, read_movie
from engine.media.mp4.record import Record, Slot, read_record, source_digest
from engine.media.mp4.samples import SampleReader
from engine.media.mp4.tables import Bool, Int64

SECTOR = 512
"""Bytes that a disk writes as a whole or not at all."""

_SPOT_CHECKS = 16


@dataclass(frozen=True, slots=True, eq=False)
class EarlierExport:
    """An earlier export that was found to be what it says; made by `read_earlier`.

    Attributes:
        movie: its own header.
        record: what it says of itself.
        active: the place of its header.
        other: the place for the next one, where it keeps one.
        position, size: int64, bytes of every sample of the edited track.
    """

    movie: Movie
    record: Record
    active: Slot
    other: Slot | None
    position: Int64
    size: Int64

    @property
    def new(self) -> Bool:
        """Tell which samples of the edited track are not the source's."""
        return self.position >= self.record.base_stop

    @property
    def wipe_pending(self) -> bool:
        """Tell whether an export on top of it was stopped, so that bytes nobody needs may be there still."""
        if self.movie.size > self.record.file_size:
            return True
        place = self.other.start if self.other is not None else -1
        return any(box.start == place and box.kind != b"free" for box in self.movie.layout.boxes)

    def moved(self, positions: Int64) -> Int64:
        """Return where byte offsets of the source stand in it."""
        return positions + np.where(positions >= self.record.moved_from, self.record.moved_by, 0)

    def at(self, path: Path) -> EarlierExport:
        """Return it as it stands in a clone of its file."""
        return replace(self, movie=replace(self.movie, path=path))

    def why_not_written(self) -> str | None:
        """Return why it must not be written to, None where it may: it is as it was read, and nobody else has it."""
        path = self.movie.path
        try:
            with path.open("rb") as file:
                check_unchanged(self.movie, file)
                links = os.fstat(file.fileno()).st_nlink
        except (SourceChanged, OSError) as error:
            return f"the earlier export cannot be built on ({error})"
        return f"{path} has a second name in the file system, which would change with it" if links > 1 else None


def read_earlier(movie: Movie, track_id: int, path: Path, identity: bytes) -> EarlierExport | CannotPatch:
    """Read an earlier export and doubt everything it says.

    Args:
        movie: the source.
        track_id: the edited track.
        path: the earlier export; nothing is written to it.
        identity: as for patch.
    """
    try:
        earlier = read_movie(path, track_id)
    except MediaError as error:
        return CannotPatch(f"the earlier export cannot be read ({error})")
    record = read_record(earlier)
    if record is None:
        return CannotPatch(f"{path} was not written by Deltacut, or was changed since")
    if record.source != source_digest(movie, identity):
        return CannotPatch(f"{path} was made from another source, or the source has changed since")
    if record.track_id != track_id:
        return CannotPatch(f"{path} has another track edited")
    if earlier.size < record.file_size:
        return CannotPatch(f"{path} is shorter than when it was written")
    active = next((slot for slot in record.slots if slot.start == earlier.moov_start), None)
    if active is None or active.size != len(earlier.moov):
        return CannotPatch(f"{path} does not have its header where it says")
    if (active.start + 4) % SECTOR > SECTOR - 4:
        return CannotPatch(f"the header of {path} lies across two disk sectors")
    other = next((slot for slot in record.slots if slot != active), None)
    samples = earlier.track(track_id).samples
    if samples.count != movie.track(track_id).samples.count:
        return CannotPatch(f"{path} has another number of samples than its source")
    found = EarlierExport(earlier, record, active, other, samples.position, samples.size)
    return found if _same_bytes(movie, track_id, found) else CannotPatch(f"{path} does not hold the source's bytes")


def _same_bytes(movie: Movie, track_id: int, earlier: EarlierExport) -> bool:
    """Compare a few samples that are said to be the source's with the source."""
    samples = movie.track(track_id).samples
    kept = np.flatnonzero(~earlier.new)
    rows = kept[np.linspace(0, kept.size - 1, min(_SPOT_CHECKS, kept.size)).astype(np.int64)]
    try:
        with SampleReader(movie.path) as ours, SampleReader(earlier.movie.path) as theirs:
            for row, at in zip(rows.tolist(), earlier.moved(samples.position[rows]).tolist(), strict=True):
                size = int(samples.size[row])
                if earlier.position[row] != at or earlier.size[row] != size:
                    return False
                if ours.read(int(samples.position[row]), size) != theirs.read(at, size):
                    return False
    except MediaError:
        return False
    return True
