"""The start screen: open a video, a project or the sample; what was open lately; which providers are ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.session.settings import Settings
from app.ui.theme import Theme
from app.ui.widgets import (
    ButtonKind,
    ButtonSize,
    ElidedLabel,
    IconLabel,
    Role,
    column,
    empty,
    label,
    line,
    push_button,
    row,
)
from app.ui.window.opening_row import OpeningRow
from app.ui.window.step_pictures import Step, StepPicture

if TYPE_CHECKING:
    from app.session.jobs import Job

_STEPS = (
    (Step.REGION, "Draw a region", "Box or lasso, on any frame. The region follows the motion."),
    (Step.WIPE, "Compare takes", "From a provider or a local tool. You see what is sent, and the cost, first."),
    (Step.EXPORT, "Export the change", "Changed ranges are re-encoded. The rest is copied and checked."),
)
_PROVIDER_ROW = 30


class DropZone(QFrame):
    """Where files may be dropped."""

    dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dropZone")
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if paths_of(event):
            # Never a move: what is dropped stays where it is.
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._mark("true")

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._mark("false")

    def dropEvent(self, event: QDropEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._mark("false")
        self.dropped.emit(paths_of(event))

    def _mark(self, over: str) -> None:
        self.setProperty("over", over)
        self.style().unpolish(self)
        self.style().polish(self)


def paths_of(event: QDropEvent) -> list[Path]:
    """Return the local files that a drag holds."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


class FirstRun(QWidget):
    """What is shown while no project is open.

    Signals:
        video_wanted, project_wanted, sample_wanted, keys_wanted: the buttons. open_wanted(list): paths to open.
    """

    video_wanted = Signal()
    project_wanted = Signal()
    sample_wanted = Signal()
    keys_wanted = Signal()
    open_wanted = Signal(list)

    def __init__(self, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("app")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._settings = settings
        self._theme = theme
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._providers = QVBoxLayout()
        self._providers.setSpacing(0)
        left, right = self._left(), self._right()
        columns = QHBoxLayout()
        columns.setSpacing(32)
        columns.addLayout(left, 5)
        columns.addLayout(right, 2)
        inner = QWidget()
        inner.setMaximumWidth(1528)
        inner.setLayout(columns)
        inner.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        outer = QGridLayout(self)
        outer.setContentsMargins(24, 16, 24, 16)
        outer.setColumnStretch(0, 1)
        outer.setColumnStretch(1, 100)
        outer.setColumnStretch(2, 1)
        outer.addWidget(inner, 0, 1, Qt.AlignmentFlag.AlignVCenter)
        self.setFocusProxy(self.video)
        settings.changed.connect(self._setting_changed)
        self._show_recent()

    def show_providers(self, providers: Sequence[tuple[str, str]]) -> None:
        """Show whether the providers are ready: name and state, an empty state for "no key yet"."""
        empty(self._providers)
        self._providers.addLayout(self._provider("local-tool", "Local tools", "Ready, free"))
        for name, state in providers:
            self._providers.addLayout(self._provider("key", name, state))
        note = label("You can start without any. Keys are encrypted and never shown again.", Role.SMALL, "3")
        note.setWordWrap(True)
        self._providers.addSpacing(6)
        self._providers.addWidget(note)

    def show_sample_opening(self, job: Job) -> None:
        """Show beside its button how far the sample has come: the first time its film is made."""
        self.sample_opening.follow(job, "Making the sample")
        self._sample.setEnabled(False)
        job.ended.connect(self._sample_over)

    def show_film_opening(self, job: Job) -> None:
        """Show where films are dropped how far the opening of one has come: a long one is read for a while."""
        self.film_opening.follow(job, job.title.replace("Open ", "Opening ", 1))

    @Slot()
    def _sample_over(self) -> None:
        self._sample.setEnabled(True)

    def _left(self) -> QVBoxLayout:
        head = label("Change part of the picture.", Role.HERO)
        second = label("Leave the rest alone.", Role.HERO, "2")
        lead = label(
            "Deltacut edits a region of a finished film and re-encodes only the ranges that changed. "
            "All else is copied.",
            Role.LEAD,
            "2",
        )
        for words in (head, second, lead):
            words.setWordWrap(True)
        zone = DropZone()
        zone.dropped.connect(self.open_wanted)
        sign = row(None, IconLabel(self._theme, "film", "accent.text", 32), None)
        title = label("Drop a finished film here", Role.TITLE)
        kinds = label("MP4, MOV, MKV, WebM, TS and more. The file stays where it is and is never changed.", tone="2")
        for words in (title, kinds):
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            words.setWordWrap(True)
        self.video = push_button("Open a video…", ButtonKind.PRIMARY, ButtonSize.FIRST_RUN)
        self.video.setIcon(self._theme.icon("folder", "accent.on"))
        self.video.clicked.connect(self.video_wanted)
        project = push_button("Open a project…", size=ButtonSize.FIRST_RUN)
        project.clicked.connect(self.project_wanted)
        self.film_opening = OpeningRow()
        buttons = row(None, self.video, project, None, gap=12)
        zone.setLayout(column(sign, title, kinds, 8, buttons, self.film_opening, gap=6, margins=(24, 34, 24, 34)))
        steps = QHBoxLayout()
        steps.setSpacing(12)
        for number, (picture, name, text) in enumerate(_STEPS, 1):
            steps.addWidget(self._step(number, picture, name, text), 1)
        return column(head, second, 12, lead, 24, zone, 28, steps, None, gap=0)

    def _step(self, number: int, step: Step, name: str, text: str) -> QWidget:
        card = _card()
        picture = StepPicture(self._theme, step)
        words = label(text, tone="2")
        words.setWordWrap(True)
        count = label(str(number), Role.STEP, "3")
        card.setLayout(
            column(picture, 8, row(count, label(name, Role.STEP), None), words, None, gap=4, margins=(12, 12, 12, 16))
        )
        return card

    def _right(self) -> QVBoxLayout:
        self._clear = push_button("Clear", ButtonKind.LINK)
        self._clear.clicked.connect(self._clear_recent)
        recent = self._section("Recent", self._recent, self._clear)
        self._sample = push_button("Open the sample")
        self._sample.setIcon(self._theme.icon("play"))
        self._sample.clicked.connect(self.sample_wanted)
        sample = QVBoxLayout()
        sample.setSpacing(6)
        sample.addWidget(label("A mug, 20 seconds", Role.NAME))
        works = label("Works without a key or a network.", tone="2")
        works.setWordWrap(True)
        sample.addWidget(works)
        sample.addLayout(row(self._sample, None))
        self.sample_opening = OpeningRow()
        sample.addWidget(self.sample_opening)
        frame = StepPicture(self._theme, Step.FRAME)
        frame.setFixedSize(120, 68)
        about = QVBoxLayout()
        about.addLayout(row(frame, sample, gap=12))
        self.show_providers(())
        return column(
            recent,
            self._section("Sample", about),
            self._section("Providers", self._providers),
            None,
            gap=8,
        )

    def _section(self, title: str, content: QVBoxLayout, button: QPushButton | None = None) -> QWidget:
        card = _card()
        content.setContentsMargins(12, 10, 12, 12)
        head = row(label(title, Role.HEAD), None, *([button] if button else []), margins=(12, 0, 6, 0))
        title_bar = QWidget()
        title_bar.setLayout(head)
        title_bar.setFixedHeight(32)
        card.setLayout(column(title_bar, line(), content, gap=0))
        return card

    def _provider(self, icon: str, name: str, state: str) -> QHBoxLayout:
        sign = IconLabel(self._theme, icon, "approved.fg" if state else "text.3")
        title = label(name, Role.NAME)
        title.setMinimumHeight(_PROVIDER_ROW)
        made = row(sign, title, None, label(state or "No key yet", tone="2"), gap=8)
        made.setContentsMargins(0, 0, 0, 0)
        if not state:
            add = push_button("Add key…", ButtonKind.LINK)
            add.clicked.connect(self.keys_wanted)
            made.addWidget(add)
        return made

    def _show_recent(self) -> None:
        empty(self._recent)
        paths = [Path(name) for name in self._settings.choices.recent][:6]
        self._clear.setVisible(bool(paths))
        if not paths:
            hint = label("Films you open are listed here.", tone="3")
            hint.setWordWrap(True)
            self._recent.addWidget(hint)
        for path in paths:
            note = self._settings.choices.notes.get(str(path), "")
            self._recent.addWidget(RecentRow(self._theme, path, note, self.open_wanted.emit))

    @Slot()
    def _clear_recent(self) -> None:
        self._settings.set(recent=())

    @Slot(str)
    def _setting_changed(self, name: str) -> None:
        if name in ("recent", "notes"):
            self._show_recent()


class RecentRow(QPushButton):
    """A project that was open lately."""

    def __init__(
        self,
        theme: Theme,
        path: Path,
        note: str,
        open_paths: Callable[[list[Path]], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("kind", "row")
        self.setAccessibleName(f"Open {path.stem}" + (f", {note}" if note else ""))
        self.setToolTip(str(path))
        self._path = path
        self._open = open_paths
        try:
            age, missing = _age(path.stat().st_mtime), False
        except OSError:
            age, missing = "", True
        icon = IconLabel(theme, "link-broken" if missing else "film", "text.2", 20)
        name = ElidedLabel(path.stem, Role.NAME)
        where = ElidedLabel(
            "Not where it was" if missing else note or str(path.parent),
            Role.SMALL,
            "warning" if missing else "3",
            Qt.TextElideMode.ElideMiddle,
        )
        layout = row(icon, gap=8, margins=(0, 4, 0, 4))
        layout.addLayout(column(name, where, gap=1), 1)
        layout.addWidget(label(age, tone="3"))
        self.setLayout(layout)
        self.clicked.connect(self._clicked)

    def sizeHint(self) -> QSize:
        return QSize(200, 44)

    @Slot()
    def _clicked(self) -> None:
        self._open([self._path])


def _card() -> QFrame:
    card = QFrame()
    card.setObjectName("panel")
    return card


def _age(then_s: float) -> str:
    """Return how long ago a moment was, coarsely."""
    minutes = max(0, int((time.time() - then_s) // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    if minutes < 48 * 60:
        return "yesterday"
    moment = time.localtime(then_s)
    return f"{moment.tm_mday} {time.strftime('%b', moment)}"
