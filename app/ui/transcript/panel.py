"""What is said in the film, as text: click a word to go there, choose words to cut or to caption, search."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QMenu, QStackedWidget, QTextEdit, QWidget

from app.ui.actions import ActionButton, ActionSpec
from app.ui.context import Context
from app.ui.transcript.words import WordText, WrittenWord
from app.ui.widgets import EmptyState, Panel, Role, label, push_button, row
from app.ui.words import timecode
from app.workflows.transcript import shown_words, word_under_playhead, words_captioned, words_cut
from engine.errors import DeltacutError, UsageError
from engine.features.search import Found, SearchHit, search

_SETTLE_MS = 150
_FOUND = {Found.TRANSCRIPT: "said", Found.CAPTION: "caption", Found.MARKER: "marker"}
_FRAME = int(Qt.ItemDataRole.UserRole)
_ITEM = _FRAME + 1


class TranscriptPanel(Panel):
    """The words of the film, the found places, and what to do with what is chosen."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Transcript", parent)
        self._context = context
        session = context.session
        self._document, self._transport, self._features = session.document, session.transport, session.features
        self._text = WordText("", ())
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search words")
        self._search.setAccessibleName("Search words and captions")
        self._search.setClearButtonEnabled(True)
        self._search.addAction(context.theme.icon("search", "text.3"), QLineEdit.ActionPosition.LeadingPosition)
        self._search.textChanged.connect(self._searched)
        self.words = _Words()
        self.words.setAccessibleName("Transcript")
        self.words.word_clicked.connect(self._go_to)
        self.words.selectionChanged.connect(context.actions.refresh_soon)
        self.words.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.words.customContextMenuRequested.connect(self._show_menu)
        self.hits = QListWidget()
        self.hits.setAccessibleName("Found places")
        self.hits.setFrameShape(QListWidget.Shape.NoFrame)
        self.hits.itemClicked.connect(self._go_to_hit)
        self.hits.itemActivated.connect(self._go_to_hit)
        button = push_button("Captions from speech")
        button.clicked.connect(self._transcribe)
        empty = EmptyState(
            "No words yet. Transcribe the film, or import captions; then the film can be cut by its words.", button
        )
        self._nothing = EmptyState("")
        self._pages = QStackedWidget()
        for page in (self.words, empty, self.hits, self._nothing):
            self._pages.addWidget(page)
        self._count = label("", Role.SMALL, "3")
        self.body.setContentsMargins(0, 8, 0, 8)
        self.body.setSpacing(6)
        buttons = [ActionButton(context.actions, id) for id in ("words.cut", "words.caption")]
        self.body.addLayout(row(self._search, *buttons, gap=4, margins=(12, 0, 8, 0)))
        self.body.addWidget(self._pages, 1)
        self.body.addLayout(row(self._count, margins=(12, 0, 12, 0)))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SETTLE_MS)
        self._soon.timeout.connect(self._refresh)
        self._features.changed.connect(self._soon.start)
        self._transport.frame_changed.connect(self._show_playhead)
        context.theme.changed.connect(self._refresh)
        self._refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        spec = ActionSpec
        chosen = self._needs_words
        return [
            spec("words.cut", "Cut the chosen words out", "Clip/Words", self._cut, "", "razor", chosen, section=45),
            spec(
                "words.caption",
                "Make captions of the chosen words",
                "Clip/Words",
                self._caption,
                "",
                "caption",
                chosen,
                section=45,
            ),
            spec(
                "words.find",
                "Search what is said",
                "Edit",
                self._find,
                "Ctrl+F",
                "search",
                self._needs_film,
                section=50,
            ),
        ]

    def _needs_film(self) -> str:
        return "" if self._document.project.storyline else "Open a film first"

    def _needs_words(self) -> str:
        return self._needs_film() or ("" if self.chosen else "Choose words in the transcript first")

    @property
    def chosen(self) -> tuple[WrittenWord, ...]:
        """Return the words that are selected."""
        cursor = self.words.textCursor()
        return self._text.between(cursor.selectionStart(), cursor.selectionEnd()) if cursor.hasSelection() else ()

    # --- what shows -------------------------------------------------------------------------------------------------

    @Slot()
    def _refresh(self) -> None:
        project, texts = self._document.project, self._features.texts
        rate = float(project.canvas.rate)
        # The texts may be those of a moment ago; words of a source that left the project are not shown.
        there = {source.id for source in project.sources}
        words = shown_words(project, {id: text for id, text in texts.items() if id in there})
        self._text = WordText.of(words, rate)
        if self.words.toPlainText() != self._text.text:
            self.words.setPlainText(self._text.text)
        self._mark_gone()
        gone = sum(1 for word in words if word.frames is None)
        count = f"{len(words):,} words" if words else ""
        self._count.setText(f"{count}, {gone:,} cut out" if gone else count)
        self._searched(self._search.text())
        self._show_playhead(self._transport.frame)

    def _mark_gone(self) -> None:
        """Strike out the words that the timeline no longer shows."""
        plain, gone = QTextCharFormat(), QTextCharFormat()
        plain.setForeground(self._context.theme.colour("text.1"))
        gone.setForeground(self._context.theme.colour("text.3"))
        gone.setFontStrikeOut(True)
        cursor = QTextCursor(self.words.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.setCharFormat(plain)
        for written in self._text.words:
            if written.word.frames is None:
                cursor.setPosition(written.start)
                cursor.setPosition(written.stop, QTextCursor.MoveMode.KeepAnchor)
                cursor.setCharFormat(gone)

    @Slot(int)
    def _show_playhead(self, frame: int) -> None:
        """Mark the word that is said under the playhead."""
        if not self.isVisible() or not self._text.words:
            return
        found = word_under_playhead(self._document.project, self._features.texts, frame)
        marked = next((w for w in self._text.words if (w.word.source_id, w.word.number) == found), None)
        selections = []
        if marked is not None:
            selection = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.words.document())
            cursor.setPosition(marked.start)
            cursor.setPosition(marked.stop, QTextCursor.MoveMode.KeepAnchor)
            selection.cursor = cursor
            form = QTextCharFormat()
            form.setBackground(self._context.theme.colour("accent.selected"))
            selection.format = form
            selections.append(selection)
        self.words.setExtraSelections(selections)

    # --- going there ------------------------------------------------------------------------------------------------

    @Slot(int)
    def _go_to(self, position: int) -> None:
        written = self._text.at(position)
        if written is None:
            return
        if written.word.frames is None:
            self._context.notices.say(f"“{written.word.text}” is cut out of the film")
        else:
            self._transport.seek(written.word.frames.start)

    @Slot(str)
    def _searched(self, text: str) -> None:
        if not text.strip():
            self._pages.setCurrentIndex(0 if self._text.words else 1)
            return
        try:
            found = search(self._document.project, tuple(self._features.texts.values()), text)
        except UsageError:
            found = ()
        self.hits.clear()
        rate = self._document.project.canvas.rate
        for hit in found[:500]:
            self.hits.addItem(_line_of(hit, f"{timecode(hit.frames.start, rate)}  {hit.text}  ({_FOUND[hit.found]})"))
        if not found:
            self._nothing.set_text(f"Nothing matches “{text.strip()}”.")
        self._pages.setCurrentIndex(2 if found else 3)

    @Slot(QListWidgetItem)
    def _go_to_hit(self, line: QListWidgetItem) -> None:
        self._transport.seek(int(line.data(_FRAME)))
        id = str(line.data(_ITEM) or "")
        if id:
            self._context.session.selection.choose(id)

    def _find(self) -> None:
        self._context.notices.show_panel("transcript")
        self._search.setFocus()
        self._search.selectAll()

    def _transcribe(self) -> None:
        """Have the film's speech written down, as the captions panel does."""
        actions = self._context.actions
        if actions.has("captions.transcribe"):
            hindrance = actions.spec("captions.transcribe").hindrance()
            if hindrance:
                self._context.notices.say(hindrance)
            else:
                self._context.notices.show_panel("captions")
                actions.spec("captions.transcribe").run()

    # --- doing ------------------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        self._with_chosen("cut")

    def _caption(self) -> None:
        self._with_chosen("caption")

    def _with_chosen(self, what: str) -> None:
        chosen = self.chosen
        if not chosen:
            return
        source_id = chosen[0].word.source_id
        numbers = [written.word.number for written in chosen if written.word.source_id == source_id]
        text = self._features.texts[source_id]
        words = range(min(numbers), max(numbers) + 1)
        project = self._document.project
        try:
            edit = words_cut(project, text, words) if what == "cut" else words_captioned(project, text, words)
        except DeltacutError as error:
            self._context.notices.say(str(error))
            return
        if self._document.do(edit):
            cursor = self.words.textCursor()
            cursor.clearSelection()
            self.words.setTextCursor(cursor)
            # The struck-out words show at once; the features follow in the background.
            self._refresh()

    @Slot(QPoint)
    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self._context.actions.refresh()
        for id in ("words.cut", "words.caption"):
            menu.addAction(self._context.actions.action(id))
        menu.exec(self.words.viewport().mapToGlobal(at))
        menu.deleteLater()


def _line_of(hit: SearchHit, text: str) -> QListWidgetItem:
    line = QListWidgetItem(text)
    line.setData(_FRAME, hit.frames.start)
    line.setData(_ITEM, hit.item_id)
    line.setToolTip(hit.text)
    return line


class _Words(QTextEdit):
    """The text; it is read, not written.

    Signals:
        word_clicked(int): a character was clicked, and nothing is selected.
    """

    word_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QTextEdit.Shape.NoFrame)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() is Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self.word_clicked.emit(self.cursorForPosition(event.position().toPoint()).position())
