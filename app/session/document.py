"""The open project: its value, its history and its films; the one door through which it is changed.

There is no saving: an edit shows at once, and a single writer thread makes it durable in the order of the edits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.session.jobs import Jobs
from app.workflows.open_for_editing import Opened, films_at_hand
from app.workflows.step_names import named
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, EditRefused, MediaError
from engine.model.changes import changed_ranges
from engine.model.edits import Edit
from engine.model.project import Project
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.render.film import Film
from engine.store.cache import Cache
from engine.store.project_file import History, ProjectFile


@dataclass(frozen=True)
class Change:
    """Two values of the project."""

    before: Project
    after: Project

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """Return the timeline ranges whose pixels differ."""
        return changed_ranges(self.before, self.after)


_NO_HISTORY = History((), ())


class Document(QObject):
    """The project that the window shows, or none.

    Signals:
        opened, closed: another project, or none. changed(Change): the value. history_changed: steps to undo and redo.
        saved_changed(bool): whether everything is durable. refused(str): an edit that the project does not allow.
        failed(DeltacutError): an edit could not be saved; the project is as the file has it.
        films_changed: other films are at hand, or missing.
    """

    opened = Signal()
    closed = Signal()
    changed = Signal(object)
    history_changed = Signal()
    saved_changed = Signal(bool)
    refused = Signal(str)
    failed = Signal(object)
    films_changed = Signal()
    _written = Signal(object, object, object)
    _foreign = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._opened: Opened | None = None
        self._project = Project("")
        self._map: TimelineMap | None = None
        self._history = _NO_HISTORY
        self._films: Mapping[str, Film] = {}
        self._missing: Mapping[str, MediaError] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="project-writer")
        self._pending = 0
        self._moving = 0
        self._written.connect(self._on_written, Qt.ConnectionType.QueuedConnection)
        self._foreign.connect(self._on_foreign, Qt.ConnectionType.QueuedConnection)

    # --- what is open -----------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether there is a project."""
        return self._opened is not None

    @property
    def project(self) -> Project:
        """Return the project as it shows; an empty one where none is open."""
        return self._project

    @property
    def timeline(self) -> TimelineMap:
        """Return the timestamp map of the project."""
        if self._map is None:
            self._map = TimelineMap(self._project)
        return self._map

    @property
    def history(self) -> History:
        """Return the steps that stand and those that were undone, as far as they are saved."""
        return self._history

    @property
    def file(self) -> ProjectFile:
        """Return the open project file; any thread may use it."""
        return self._at_hand.file

    @property
    def cache(self) -> Cache:
        """Return the cache of the project; any thread may use it."""
        return self._at_hand.cache

    @property
    def path(self) -> Path | None:
        """Return where the project is, None where none is open."""
        return None if self._opened is None else self._opened.file.path

    @property
    def films(self) -> Mapping[str, Film]:
        """Return the films at hand, by source id."""
        return self._films

    @property
    def missing(self) -> Mapping[str, MediaError]:
        """Return why films are not at hand, by source id."""
        return self._missing

    @property
    def is_saved(self) -> bool:
        """Whether all that shows is durable."""
        return self._pending == 0

    @property
    def _at_hand(self) -> Opened:
        if self._opened is None:
            raise EditRefused("no project is open")
        return self._opened

    def adopt(self, opened: Opened) -> None:
        """Show a project that was opened; one that was open before is closed."""
        self.close()
        self._opened = opened
        self._project = opened.file.project
        self._map = None
        self._history = opened.file.history
        self._films, self._missing = opened.films, opened.missing
        opened.file.watch(self._foreign.emit)
        self.opened.emit()
        self.films_changed.emit()
        self.history_changed.emit()
        self.saved_changed.emit(True)

    def close(self) -> None:
        """Wait until everything is saved, and close the project."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        self._writer.submit(opened.close).result()
        self._project, self._map, self._history = Project(""), None, _NO_HISTORY
        self._films, self._missing, self._pending, self._moving = {}, {}, 0, 0
        self.closed.emit()

    # --- changing it ------------------------------------------------------------------------------------------------

    def do(self, edit: Edit) -> bool:
        """Apply an edit; it shows at once and is saved behind. Return whether the project allows it.

        A refusal is told by `refused`.
        """
        file = self._at_hand.file
        edit = named(self._project, edit)
        if not self._moving:
            try:
                after = edit.apply(self._project)
            except EditRefused as error:
                self.refused.emit(str(error))
                return False
            self._show(after)
        self._write(lambda: file.commit(edit))
        return True

    def undo(self, steps: int = 1) -> None:
        """Take back the last steps."""
        file = self._at_hand.file
        self._moving += 1
        self._write(lambda: file.undo(steps))

    def redo(self, steps: int = 1) -> None:
        """Do undone steps again."""
        file = self._at_hand.file
        self._moving += 1
        self._write(lambda: file.redo(steps))

    def go_to(self, steps: int) -> None:
        """Undo or redo until `steps` edits stand."""
        by = steps - len(self._history.done)
        if by < 0:
            self.undo(-by)
        elif by > 0:
            self.redo(by)

    def _write(self, action: Callable[[], Project]) -> None:
        opened = self._at_hand
        if self._pending == 0:
            self.saved_changed.emit(False)
        self._pending += 1

        def told(future: Future[tuple[Project, History]]) -> None:
            error = future.exception()
            self._written.emit(opened, None if error else future.result(), error)

        def written() -> tuple[Project, History]:
            project = action()
            return project, opened.file.history

        self._writer.submit(written).add_done_callback(told)

    @Slot(object, object, object)
    def _on_written(self, opened: Opened, result: tuple[Project, History] | None, error: BaseException | None) -> None:
        if opened is not self._opened:
            return
        self._pending -= 1
        if result is not None:
            self._history = result[1]
        if self._pending == 0:
            self._moving = 0
            self._show(result[0] if result is not None else opened.file.project)
            self._history = opened.file.history if result is None else self._history
            self.saved_changed.emit(True)
        self.history_changed.emit()
        if isinstance(error, EditRefused):
            self.refused.emit(str(error))
        elif isinstance(error, DeltacutError):
            self.failed.emit(error)
        elif error is not None:
            raise error

    @Slot()
    def _on_foreign(self) -> None:
        """Follow what a job committed by itself; own edits are followed when they are all saved."""
        opened = self._opened
        if opened is None or self._pending:
            return
        self._history = opened.file.history
        self._show(opened.file.project)
        self.history_changed.emit()

    def _show(self, after: Project) -> None:
        before = self._project
        if after is before or after == before:
            return
        self._project, self._map = after, None
        self.changed.emit(Change(before, after))
        if {source.id for source in after.sources} - self._films.keys() - self._missing.keys():
            self.find_films()

    # --- films ------------------------------------------------------------------------------------------------------

    def find_films(self) -> None:
        """Look, in the background, for the sources that are not at hand."""
        opened = self._at_hand
        project, known = self._project, dict(self._films)

        def work(progress: Progress, cancel: CancelToken) -> object:
            return opened, films_at_hand(opened.file, project, opened.cache, known, progress, cancel)

        self._jobs.start_quietly("Find films", work).then(self._found)

    def _found(self, result: tuple[Opened, tuple[dict[str, Film], dict[str, MediaError]]]) -> None:
        opened, (films, missing) = result
        if opened is self._opened:
            self._films, self._missing = films, missing
            self.films_changed.emit()

    def shut_down(self) -> None:
        """Close the project and end the writer; nothing can be opened afterwards."""
        self.close()
        self._writer.shutdown()
