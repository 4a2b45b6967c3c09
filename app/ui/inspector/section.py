"""A part of the inspector that folds: a head with its name, rows of a label and a control below."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import Role, label, line
from app.ui.widgets.labels import set_tone
from app.ui.widgets.layouts import Part, row

LABEL_WIDTH = 104


class Section(QWidget):
    """A folding part.

    Signals:
        folded(bool): the person folded it or opened it.
    """

    folded = Signal(bool)

    def __init__(self, theme: Theme, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.title = title
        self._build: Callable[[], None] | None = None
        self._usable, self._locked = True, False
        self._head = QToolButton()
        self._head.setText(title)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setIconSize(QSize(12, 12))
        self._head.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._head.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._head.setFixedHeight(28)
        self._head.setCheckable(False)
        font = self._head.font()
        font.setWeight(font.Weight.DemiBold)
        self._head.setFont(font)
        self._head.clicked.connect(self._toggle)
        self._head_row = QHBoxLayout()
        self._head_row.setContentsMargins(8, 0, 12, 0)
        self._head_row.setSpacing(4)
        self._head_row.addWidget(self._head)
        self._head_row.addStretch(1)
        self.content = QWidget()
        self._form = QFormLayout(self.content)
        self._form.setContentsMargins(12, 2, 12, 12)
        self._form.setHorizontalSpacing(8)
        self._form.setVerticalSpacing(6)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._head_row)
        layout.addWidget(self.content)
        layout.addWidget(line())
        self._show()

    def add(self, name: str, field: QWidget) -> QWidget:
        """Add a row; return the control."""
        text = label(name, tone="2")
        text.setFixedWidth(LABEL_WIDTH)
        text.setMinimumHeight(28)
        text.setBuddy(field)
        self._form.addRow(text, field)
        return field

    def add_wide(self, *parts: Part) -> None:
        """Add controls over the whole width, side by side."""
        self._form.addRow(row(*parts))

    def add_widget(self, widget: QWidget) -> None:
        """Add one control over the whole width."""
        self._form.addRow(widget)

    def add_to_head(self, *widgets: QWidget) -> None:
        """Put controls at the right end of the head."""
        for widget in widgets:
            self._head_row.addWidget(widget)

    def show_row(self, field: QWidget, shown: bool) -> None:
        """Show or hide a row."""
        self._form.setRowVisible(field, shown)

    def note(self) -> NoteLabel:
        """Add a line of text that explains; empty, it takes no room."""
        made = NoteLabel()
        self._form.addRow(made)
        return made

    @property
    def is_folded(self) -> bool:
        """Whether the rows are put away."""
        return self.content.isHidden()

    def set_usable(self, usable: bool) -> None:
        """Tell whether the rows concern anything at present; a lock keeps them shut all the same."""
        self._usable = usable
        self.content.setEnabled(self._usable and not self._locked)

    def lock(self, locked: bool) -> None:
        """Let the rows show and change nothing, or let them be used again."""
        self._locked = locked
        self.content.setEnabled(self._usable and not self._locked)

    def build_when_opened(self, build: Callable[[], None]) -> None:
        """Have the rows made when they are first to be seen: most sections that begin folded never are."""
        self._build = build

    def fold(self, folded: bool) -> None:
        """Put the rows away, or show them."""
        build = self._build
        if not folded and build is not None:
            self._build = None
            build()
        self.content.setHidden(folded)
        self._show()

    def _toggle(self) -> None:
        self.fold(not self.is_folded)
        self.folded.emit(self.is_folded)

    def _show(self) -> None:
        self._head.setIcon(self._theme.icon("chevron-right" if self.is_folded else "chevron-down"))
        self._head.setAccessibleName(f"{self.title}, {'folded' if self.is_folded else 'open'}")


class NoteLabel(QWidget):
    """A sentence that appears when there is something to say.

    It finds its height by itself: where one row of a form asks how wide it will be, Qt squeezes all the others.
    """

    def __init__(self) -> None:
        super().__init__()
        self._label = label("", Role.SMALL, "3")
        self._label.setWordWrap(True)
        # In no layout, which would ask it.
        self._label.setParent(self)
        self.hide()

    def say(self, text: str, tone: str = "3") -> None:
        """Show a sentence, or nothing."""
        self._label.setText(text)
        set_tone(self._label, tone)
        self._fit()
        self.setVisible(bool(text))

    @property
    def text(self) -> str:
        """Return what is said."""
        return self._label.text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        width = self.width()
        bounds = self._label.fontMetrics().boundingRect(
            QRect(0, 0, max(1, width), 10_000), int(Qt.TextFlag.TextWordWrap), self._label.text()
        )
        height = max(14, bounds.height())
        self._label.setGeometry(0, 0, width, height)
        self.setFixedHeight(height)
