"""Appearance, the cache, and whether anything may be sent."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLayout, QSpinBox, QVBoxLayout, QWidget

from app.ui.context import Context
from app.ui.widgets import Role, column, label, push_button, row
from app.ui.words import bytes_text
from app.workflows.caches import cache_folder, most_bytes
from app.workflows.preferences import go_offline, go_online, preferences, set_cache_bytes, set_speech_choice
from app.workflows.speech_detector import SpeechChoice, chosen_detector, speech_choice
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from providers.network import Connectivity

_GB = 1_000_000_000
_THEMES = (("dark", "Dark"), ("light", "Light"), ("system", "As the system"))
_SPEECH = (("auto", "Automatic"), ("classic", "Classic"), ("neural", "Neural"))
_DENSITIES = (("compact", "Compact"), ("comfortable", "Comfortable"))


class GeneralPage(QWidget):
    """Every choice holds at once."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._settings = context.session.settings
        choices = self._settings.choices
        self.theme = _combo("Theme", _THEMES, choices.theme)
        self.theme.currentIndexChanged.connect(self._set_theme)
        self.density = _combo("Density", _DENSITIES, choices.density)
        self.density.currentIndexChanged.connect(self._set_density)
        self.speech = _combo("Detector of speech", _SPEECH, speech_choice().value)
        self.speech.currentIndexChanged.connect(self._set_speech)
        self._speech_note = label("", Role.SMALL, "3")
        self.most = QSpinBox()
        self.most.setAccessibleName("Largest cache")
        self.most.setRange(1, 2000)
        self.most.setSuffix(" GB")
        self.most.setValue(max(1, most_bytes() // _GB))
        self.most.editingFinished.connect(self._set_most)
        self._used = label("", tone="2")
        clear = push_button("Empty the cache")
        clear.clicked.connect(self._clear)
        show = push_button("Open folder")
        show.clicked.connect(self._show_folder)
        self.offline = QCheckBox("Offline: send nothing, use only local tools and results that are here")
        self.offline.toggled.connect(self._set_offline)
        self._offline_note = label("", Role.SMALL, "3")
        sent = label(
            "Deltacut sends nothing by itself: no statistics, no reports, no look for updates. "
            "Providers are reached through the system's proxy, where one is set.",
            tone="2",
        )
        where = label(
            f"It lies in {cache_folder()} and may be deleted at any time; that costs time, nothing else.", tone="3"
        )
        for text in (sent, where, self._offline_note, self._speech_note):
            text.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 24, 12)
        layout.setSpacing(20)
        layout.addLayout(_section("Appearance", _form(("Theme", self.theme), ("Density", self.density))))
        cache = column(
            _form(("Largest size of each project’s", self.most), ("In use", self._used)),
            row(clear, show, None),
            where,
            gap=8,
        )
        layout.addLayout(_section("Cache", cache))
        speech = column(_form(("Detector of speech", self.speech)), self._speech_note, gap=6)
        layout.addLayout(_section("Speech and pauses", speech))
        layout.addLayout(_section("Network", column(self.offline, self._offline_note, sent, gap=6)))
        layout.addStretch(1)

    def refresh(self) -> None:
        """Show what holds now."""
        try:
            forced = preferences().connectivity is Connectivity.OFFLINE
            note = ""
        except DeltacutError as error:
            forced, note = False, str(error)
        self.offline.blockSignals(True)
        self.offline.setChecked(forced)
        self.offline.blockSignals(False)
        self._offline_note.setText(note)
        self._offline_note.setVisible(bool(note))
        self._show_speech()
        document = self._context.session.document
        open_cache = document.cache if document.is_open else None

        def measure(progress: Progress, cancel: CancelToken) -> tuple[int, int | None]:
            return _cache_size(progress, cancel), None if open_cache is None else open_cache.size

        self._context.session.jobs.start_quietly("Measure the cache", measure).then(self._show_used)

    def _show_used(self, used: tuple[int, int | None]) -> None:
        every, this = used
        mine = "" if this is None else f"; {bytes_text(this)} by the open one"
        self._used.setText(f"{bytes_text(every)} by all projects{mine}")

    @Slot()
    def _set_theme(self) -> None:
        self._settings.set(theme=self.theme.currentData())

    @Slot()
    def _set_density(self) -> None:
        self._settings.set(density=self.density.currentData())

    @Slot()
    def _set_most(self) -> None:
        try:
            set_cache_bytes(self.most.value() * _GB)
        except DeltacutError as error:
            self._context.notices.say(str(error))

    @Slot()
    def _set_speech(self) -> None:
        try:
            set_speech_choice(SpeechChoice(self.speech.currentData()))
        except DeltacutError as error:
            self._context.notices.say(str(error))
        self._show_speech()
        self._context.session.features.measure_anew()

    def _show_speech(self) -> None:
        try:
            note = f"The {chosen_detector().value} detector is used where there are no words."
        except DeltacutError as error:
            note = str(error)
        self._speech_note.setText(note[:1].upper() + note[1:])

    @Slot(bool)
    def _set_offline(self, offline: bool) -> None:
        try:
            (go_offline if offline else go_online)()
        except DeltacutError as error:
            self._context.notices.say(str(error))
        self.refresh()

    @Slot()
    def _clear(self) -> None:
        document = self._context.session.document
        open_cache = document.cache if document.is_open else None

        def work(_progress: Progress, _cancel: CancelToken) -> int:
            before = _cache_size(_progress, _cancel)
            if open_cache is not None:
                open_cache.clear()
            open_name = "" if document.path is None or open_cache is None else open_cache.path.name
            for path in cache_folder().glob("*.sqlite*"):
                if not open_name or not path.name.startswith(open_name):
                    path.unlink(missing_ok=True)
            return before - _cache_size(_progress, _cancel)

        self._context.session.jobs.start_quietly("Empty the cache", work).then(self._cleared, self._not_cleared)

    def _cleared(self, freed: int) -> None:
        self._context.notices.say(f"The cache is empty: {bytes_text(max(0, freed))} freed")
        self.refresh()

    def _not_cleared(self, error: DeltacutError) -> None:
        self._context.notices.say(str(error))

    @Slot()
    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(cache_folder())))


def _cache_size(_progress: Progress, _cancel: CancelToken) -> int:
    def size(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:
            return 0

    return sum(size(path) for path in cache_folder().glob("*.sqlite*"))


def _combo(name: str, choices: tuple[tuple[str, str], ...], current: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    for key, text in choices:
        made.addItem(text, key)
    made.setCurrentIndex(max(0, made.findData(current)))
    return made


def _form(*rows: tuple[str, QWidget]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    grid.setColumnMinimumWidth(0, 120)
    grid.setColumnMinimumWidth(1, 180)
    grid.setColumnStretch(2, 1)
    for number, (name, widget) in enumerate(rows):
        grid.addWidget(label(name, tone="2"), number, 0)
        grid.addWidget(widget, number, 1)
    return grid


def _section(title: str, content: QLayout) -> QVBoxLayout:
    return column(label(title, Role.HEAD), content, gap=8)
