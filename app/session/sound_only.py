"""Where the sound of sources without a picture is read: music, and voices of their own."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal, Slot

from app.session.document import Document
from app.session.jobs import Jobs
from app.workflows.caches import project_cache
from app.workflows.sound_sources import sound_sources
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from engine.render.sound_source import SoundSource
from engine.store.project_file import ProjectFile


class SoundOnly(QObject):
    """Finds the sound of sources that have no picture, in the background, as soon as the project has them.

    Signals:
        found: there is more to be heard.
    """

    found = Signal()

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._sounds: dict[str, SoundSource] = {}
        self._asked: frozenset[str] = frozenset()
        document.opened.connect(self._begin)
        document.closed.connect(self._forget)
        document.changed.connect(self._look)
        document.films_changed.connect(self._try_again)

    @property
    def sounds(self) -> Mapping[str, SoundSource]:
        """Return the sounds that are at hand, by source id."""
        return self._sounds

    @Slot()
    def _begin(self) -> None:
        self._forget()
        self._look()

    @Slot()
    def _forget(self) -> None:
        self._sounds, self._asked = {}, frozenset()

    @Slot()
    def _try_again(self) -> None:
        """Look once more for what was not where it should be."""
        self._asked = frozenset(self._sounds)
        self._look()

    @Slot()
    def _look(self) -> None:
        if not self._document.is_open:
            return
        wanted = frozenset(source.id for source in self._document.project.sources if source.picture is None)
        fresh = wanted - self._asked
        if not fresh:
            return
        self._asked |= fresh
        file, project_id = self._document.file, self._document.project.id

        def work(_progress: Progress, cancel: CancelToken) -> tuple[ProjectFile, dict[str, SoundSource]]:
            found: dict[str, SoundSource] = {}
            with project_cache(project_id) as cache:
                for source_id in fresh:
                    cancel.check()
                    try:
                        found |= sound_sources(file, {source_id}, cache)
                    except DeltacutError:
                        # The bin says what is missing; the others are heard all the same.
                        continue
            return file, found

        self._jobs.start_quietly("Find sounds", work).then(self._take)

    def _take(self, result: tuple[ProjectFile, dict[str, SoundSource]]) -> None:
        file, found = result
        if found and self._document.is_open and self._document.file is file:
            self._sounds |= found
            self.found.emit()
