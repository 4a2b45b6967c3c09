"""What may be dropped on the timeline: files, and things of the media bin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData

SOURCE_TYPE = "application/x-deltacut-source"
PICTURE_TYPE = "application/x-deltacut-picture"
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
CAPTION_FILES = frozenset({".srt", ".vtt"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was dropped: a source of the project, a picture of its bin, or files."""

    source_id: str = ""
    picture_id: str = ""
    paths: tuple[Path, ...] = ()

    @property
    def is_film(self) -> bool:
        """Whether it goes onto the storyline."""
        if self.paths:
            return any(path.suffix.lower() not in PICTURES | CAPTION_FILES for path in self.paths)
        return bool(self.source_id)


def dropped_in(data: QMimeData) -> Dropped | None:
    """Return what is dragged, None where the timeline cannot take it."""
    if data.hasFormat(SOURCE_TYPE):
        return Dropped(source_id=bytes(data.data(SOURCE_TYPE).data()).decode())
    if data.hasFormat(PICTURE_TYPE):
        return Dropped(picture_id=bytes(data.data(PICTURE_TYPE).data()).decode())
    paths = tuple(Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()) if data.hasUrls() else ()
    # A project replaces what is open: the window takes it.
    paths = tuple(path for path in paths if path.suffix.lower() != ".dcut")
    return Dropped(paths=paths) if paths else None
