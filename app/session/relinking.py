"""Find films again that are not where they were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.session.document import Document
from app.session.jobs import JobKind, Jobs
from app.workflows.add_to_open import FoundSource, find_media
from app.workflows.caches import project_cache
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, UsageError
from engine.model.edits import ReplaceSource
from engine.model.source import Source
from engine.store.identity import content_hash
from engine.store.relink import Relinked, relink


@dataclass(frozen=True, slots=True)
class OtherContent:
    """A file that is not the film that was looked for.

    Attributes:
        difference: how the two differ, as a sentence. new: what the file is.
    """

    source_id: str
    path: Path
    difference: str
    new: Source


class Relinking(QObject):
    """Looks for films where the person says.

    Signals:
        other_content(OtherContent): the file that was named is another film. told(str): how it ended.
    """

    other_content = Signal(object)
    told = Signal(str)

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs

    def relink(self, source_id: str, path: Path) -> None:
        """Note that a film is at a path now, if it is that film."""
        file, project = self._document.file, self._document.project
        old = project.source(source_id)

        def work(progress: Progress, cancel: CancelToken) -> OtherContent | None:
            identity = content_hash(path, progress.part(0.0, 0.5), cancel)
            known = file.place(source_id).content_hash
            if identity in (known, "") or identity[:16] == source_id:
                file.place_media(source_id, path, identity)
                return None
            with project_cache(project.id) as cache:
                found = find_media(file, cache, path, progress.part(0.5, 1.0), cancel)
            if not isinstance(found, FoundSource):
                raise UsageError(f"{path.name} is no film")
            return OtherContent(source_id, path, _difference(old, found.source), found.source)

        self._jobs.start(f"Find {old.name}", JobKind.IMPORT, work).then(self._looked, self._failed)

    def search(self, folder: Path) -> None:
        """Look through a folder, and all below it, for every film that is missing."""
        file = self._document.file

        def work(progress: Progress, cancel: CancelToken) -> Relinked:
            return relink(file, folder, progress, cancel)

        self._jobs.start(f"Search {folder.name}", JobKind.IMPORT, work).then(self._searched, self._failed)

    def replace(self, other: OtherContent) -> None:
        """Put another content in place of a film everywhere; patches made on the old one become stale."""
        project = self._document.project
        if any(source.id == other.new.id for source in project.sources):
            self.told.emit(f"“{other.path.name}” is in the project already; put its clips in place of the others")
            return
        self._document.do(ReplaceSource(other.source_id, other.new))

    def _looked(self, other: OtherContent | None) -> None:
        if other is not None:
            self.other_content.emit(other)
            return
        self._document.find_films()
        self.told.emit("The film is at hand again")

    def _searched(self, relinked: Relinked) -> None:
        if relinked.found:
            self._document.find_films()
        found, missing = len(relinked.found), len(relinked.missing)
        self.told.emit(f"{found} found, {missing} still missing" if found or missing else "Every film is at hand")

    def _failed(self, error: DeltacutError) -> None:
        self.told.emit(str(error))


def _difference(old: Source, new: Source) -> str:
    same = "Same name, other content" if old.name == new.name else f"“{new.name}” is not “{old.name}”"
    if abs(old.duration_s - new.duration_s) >= 1:
        return f"{same}: {float(new.duration_s):.0f} s instead of {float(old.duration_s):.0f} s."
    if old.picture is not None and new.picture is not None:
        ours, theirs = old.picture, new.picture
        if (ours.width, ours.height) != (theirs.width, theirs.height):
            return f"{same}: {theirs.width} × {theirs.height} instead of {ours.width} × {ours.height}."
    return f"{same}: its bytes are others, though it is as long and as large."
