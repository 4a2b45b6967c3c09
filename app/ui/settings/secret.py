"""Asks for a secret: a provider's key, or the passphrase of the vault that they are kept in."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from app.ui.provider_names import PROVIDER_NAMES
from app.ui.theme import Theme
from app.ui.widgets import ButtonKind, ButtonSize, IconLabel, Role, label, push_button, row

_KINDS = {"api-key": "API key", "access-key": "Access key", "secret-key": "Secret key"}
_ABOUT_KEY = "It is encrypted on this computer and never shown again."
_ABOUT_PASSPHRASE = "It opens the vault on this computer. It is not kept."


class SecretQuestion(QDialog):
    """One field that does not show what is typed.

    Args:
        what: what is asked for, as the keys' workflow names it: "gemini api-key", "the vault's passphrase".
    """

    def __init__(self, theme: Theme, what: str, parent: QWidget) -> None:
        super().__init__(parent)
        title, is_key = title_of(what)
        self.setWindowTitle("Provider keys")
        self.title = label(title, Role.TITLE)
        about = label(_ABOUT_KEY if is_key else _ABOUT_PASSPHRASE, tone="2")
        about.setWordWrap(True)
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setAccessibleName(title)
        self.field.textChanged.connect(self._typed)
        self.keep = push_button("Keep the key" if is_key else "Open the vault", ButtonKind.PRIMARY, ButtonSize.DIALOG)
        self.keep.setDefault(True)
        self.keep.clicked.connect(self.accept)
        cancel = push_button("Cancel", size=ButtonSize.DIALOG)
        cancel.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(12)
        layout.addLayout(row(IconLabel(theme, "key", "text.2"), self.title, None, gap=8))
        layout.addWidget(self.field)
        layout.addWidget(about)
        layout.addSpacing(4)
        layout.addLayout(row(None, cancel, self.keep))
        self.setFixedWidth(440)
        self._typed()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def secret(self) -> str:
        """Return what was typed."""
        return self.field.text()

    @Slot()
    def _typed(self) -> None:
        self.keep.setEnabled(bool(self.field.text().strip()))
        self.keep.setToolTip("" if self.keep.isEnabled() else "Type or paste it first")


def title_of(what: str) -> tuple[str, bool]:
    """Return what is asked for in a person's words, and whether it is a provider's key."""
    provider, _, kind = what.partition(" ")
    if kind not in _KINDS:
        return f"{what[:1].upper()}{what[1:]}".replace("'", "’"), False
    return f"{_KINDS[kind]} for {PROVIDER_NAMES.get(provider, provider.capitalize())}", True
