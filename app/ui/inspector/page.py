"""A page of the inspector: the sections for one kind of thing that can be chosen."""

from __future__ import annotations

from collections.abc import Callable

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
        self._show_layer: Callable[[], None] = _nothing
        self._later: list[Callable[[], None]] = []
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

    def build_later(self, *builds: Callable[[], None]) -> None:
        """Have rows made in `build_part`, one function at a time, rather than at once with the page."""
        self._later += builds

    def build_part(self) -> bool:
        """Make some more of the page; tell whether there was any left to make."""
        if not self._later:
            return False
        self._later.pop(0)()
        return True

    def complete(self) -> None:
        """Make all that is left to make."""
        while self.build_part():
            pass

    def folded_section(self, title: str, build: Callable[[Section], None]) -> Section:
        """Add a section that begins folded; its rows are made when it is first opened."""
        made = self.section(title, folded=True)

        def open_it() -> None:
            build(made)
            self.refresh()

        made.build_when_opened(open_it)
        return made

    def layer_section(self, build: Callable[[Section], Callable[[], None]]) -> None:
        """Add the folded section of the item's layer; `build` returns what shows the layer in it."""

        def make(section: Section) -> None:
            self._show_layer = build(section)

        self.folded_section("Layer", make)

    def lock(self, locked: bool) -> None:
        """Let nothing be changed but the head of the layer, which holds the lock itself; or let all be changed."""
        for section in self.sections:
            section.lock(locked and section.title != "Layer")

    def show_layer(self) -> None:
        """Show the layer in its section, where that was opened."""
        self._show_layer()

    def refresh(self) -> None:
        """Show what is chosen as it is now."""

    def do(self, edit: Edit) -> None:
        """Change the project."""
        self.document.do(edit)

    def try_out(self, edit: Edit | None) -> None:
        """Show in the viewer what an edit would do, or again what is there."""
        self.session.preview.try_out(edit)

    def refused(self, why: str) -> None:
        """Say why a value is impossible."""
        self.context.notices.say(why)


def _nothing() -> None:
    """Show nothing: the section was not opened yet."""
