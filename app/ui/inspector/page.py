"""A page of the inspector: the sections for one kind of thing that can be chosen."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.context import Context
from app.ui.inspector.section import Section
from engine.model.edits import Edit


class Page(QWidget):
    """Sections below each other; folded ones stay folded as long as the page lives."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.session = context.session
        self.document = context.session.document
        self.selection = context.session.selection
        self.sections: list[Section] = []
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)

    def section(self, title: str, *, folded: bool = False) -> Section:
        """Add a section."""
        made = Section(self.context.theme, title)
        made.fold(folded)
        self.sections.append(made)
        self.column.addWidget(made)
        return made

    def refresh(self) -> None:
        """Show what is chosen as it is now."""

    def do(self, edit: Edit) -> None:
        """Change the project."""
        self.document.do(edit)

    def refused(self, why: str) -> None:
        """Say why a value is impossible."""
        self.context.notices.say(why)
