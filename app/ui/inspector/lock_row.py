"""Says above the settings that a locked layer or track lets nothing be changed, and unlocks it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from app.ui.context import Context
from app.ui.widgets import ButtonKind, ElidedLabel, IconLabel, push_button, row
from engine.model.edits import ChangeLayer, ChangeTrack, Edit


class LockRow(QWidget):
    """A line with a lock, what is locked, and the way out; hidden where nothing is."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._selection = context.session.document, context.session.selection
        self._edit: Edit | None = None
        self.said = ElidedLabel()
        self.unlock = push_button("Unlock", ButtonKind.LINK)
        self.unlock.clicked.connect(self._unlock)
        across = row(IconLabel(context.theme, "lock", "text.2"), self.said, self.unlock, margins=(12, 8, 12, 0))
        across.setStretch(1, 1)
        self.setLayout(across)
        self.hide()

    def refresh(self) -> bool:
        """Look whether what is chosen is locked; return whether it is."""
        name, self._edit = self._locked()
        words = f"“{name}” is locked: nothing in it can be changed." if self._edit is not None else ""
        self.said.setText(words)
        self.unlock.setAccessibleName(f"Unlock {name}")
        return self._edit is not None

    def _locked(self) -> tuple[str, Edit | None]:
        layer, chosen = self._selection.layer, self._selection.items
        if layer is not None:
            settings = layer.settings
            return settings.name, ChangeLayer(layer.id, replace(settings, locked=False)) if settings.locked else None
        for track in self._document.project.tracks:
            if track.settings.locked and any(item.id in chosen for item in track.items):
                return track.settings.name, ChangeTrack(track.id, replace(track.settings, locked=False))
        return "", None

    @Slot()
    def _unlock(self) -> None:
        if self._edit is not None:
            self._document.do(self._edit)
