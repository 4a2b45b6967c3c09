"""What the list of recent projects says of each: how far its patches are, as they were when it was last open."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from app.session.document import Document
from app.session.settings import Settings
from engine.model.patch import ReviewState
from engine.model.project import Project

_OPEN = (ReviewState.DRAFT, ReviewState.PROPOSED, ReviewState.STALE)


class RecentNotes(QObject):
    """Keeps a note of the open project in the settings, once it is closed."""

    def __init__(self, document: Document, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._settings = document, settings
        self._last: tuple[Path, Project] | None = None
        document.opened.connect(self._look)
        document.changed.connect(self._look)
        document.closed.connect(self._keep)

    @Slot()
    def _look(self) -> None:
        path = self._document.path
        if path is not None:
            self._last = (path.absolute(), self._document.project)

    @Slot()
    def _keep(self) -> None:
        if self._last is None:
            return
        (path, project), self._last = self._last, None
        choices = self._settings.choices
        known = {name: note for name, note in choices.notes.items() if name in choices.recent}
        self._settings.set(notes={**known, str(path): note_of(project)})


def note_of(project: Project) -> str:
    """Return how far the patches of a project are, such as "1 proposed, 1 approved"."""
    counts = Counter(patch.state for patch in project.patches)
    if not counts:
        return "No patches yet"
    if not any(counts[state] for state in _OPEN) and counts[ReviewState.APPROVED]:
        return "All approved"
    order = (*_OPEN, ReviewState.APPROVED, ReviewState.REJECTED)
    words = {state: state.value for state in order}
    if counts[ReviewState.DRAFT] > 1:
        words[ReviewState.DRAFT] = "drafts"
    return ", ".join(f"{counts[state]:,} {words[state]}" for state in order if counts[state])
