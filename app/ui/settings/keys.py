"""The providers' keys: set, replaced, tested, removed; never shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.context import Context
from app.ui.provider_names import PROVIDER_NAMES
from app.ui.settings.secret import SecretQuestion
from app.ui.widgets import ButtonKind, IconLabel, Role, column, empty, label, line, push_button, row
from app.ui.widgets.labels import set_tone
from app.workflows.keys import KeyCheck, KeyState, check_keys, list_keys, remove_keys, set_keys
from engine.control import CancelToken, Progress
from engine.errors import Cancelled, DeltacutError

_USES = {
    "google": "Pictures (Nano Banana), films (Omni), emotions (Gemini)",
    "gemini": "Pictures (Nano Banana), films (Omni), emotions (Gemini)",
    "veo": "Films (Veo)",
    "kling": "Pictures and films",
    "kling-legacy": "Accounts with an access key and a secret",
    "elevenlabs": "Transcription",
}
"""What a key is good for, by provider."""


class KeysPage(QWidget):
    """One row for each provider that needs keys.

    Signals:
        changed: a key was set or removed.
    """

    changed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._asking = context.session.asking
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self._note = label("", tone="2")
        self._note.setWordWrap(True)
        about = label(
            "Keys are encrypted on this computer and never shown again. A key in the environment comes before one that "
            "is kept here. Local tools need none.",
            tone="2",
        )
        about.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 24, 12)
        layout.setSpacing(12)
        layout.addWidget(about)
        layout.addLayout(self._rows)
        layout.addWidget(self._note)
        layout.addStretch(1)

    def refresh(self) -> None:
        """Look which keys there are."""
        ask = self._ask

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[KeyState, ...]:
            return list_keys(ask)

        self._start("List keys", work, self._show)

    def _show(self, states: tuple[KeyState, ...]) -> None:
        empty(self._rows)
        by_provider: dict[str, list[KeyState]] = {}
        for state in states:
            by_provider.setdefault(state.provider, []).append(state)
        for provider, keys in by_provider.items():
            self._rows.addWidget(self._row(provider, keys))
            self._rows.addWidget(line())

    def _row(self, provider: str, keys: list[KeyState]) -> QWidget:
        made = QWidget()
        there = all(state.origin for state in keys)
        problem = next((state.problem for state in keys if state.problem), "")
        state = keys[-1]
        if problem:
            words, tone = problem, "error"
        elif there and state.origin == "environment":
            words, tone = f"From the environment, ends in {state.tail}" if state.tail else "From the environment", "2"
        elif there:
            words, tone = f"Set, ends in {state.tail}" if state.tail else "Set", "2"
        else:
            words, tone = "No key yet", "3"
        sign = IconLabel(self._context.theme, "key", "approved.fg" if there and not problem else "text.3")
        text = label(words, tone=tone)
        text.setWordWrap(True)
        users = label(_USES.get(provider, ", ".join(keys[0].users)), Role.SMALL, "3")
        users.setWordWrap(True)
        set_button = push_button("Replace…" if there else "Add…")
        set_button.clicked.connect(partial(self._set, provider))
        layout = row(sign, gap=8, margins=(0, 8, 0, 8))
        name = PROVIDER_NAMES.get(provider, provider.capitalize())
        layout.addLayout(column(label(name, Role.NAME), text, users, gap=1), 1)
        if there:
            test = push_button("Test", ButtonKind.LINK)
            test.clicked.connect(partial(self._test, keys[0].users))
            layout.addWidget(test)
        if there and state.origin == "vault":
            remove = push_button("Remove", ButtonKind.LINK)
            remove.clicked.connect(partial(self._remove, provider))
            layout.addWidget(remove)
        layout.addWidget(set_button)
        made.setLayout(layout)
        return made

    def _set(self, provider: str) -> None:
        ask = self._ask

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[KeyState, ...]:
            return set_keys(provider, ask)

        self._start("Keep a key", work, lambda _states: self._told("The key is kept, encrypted."))

    def _remove(self, provider: str) -> None:
        def work(_progress: Progress, _cancel: CancelToken) -> int:
            return remove_keys(provider)

        self._start("Remove a key", work, lambda _count: self._told("The key is removed."))

    def _test(self, users: tuple[str, ...]) -> None:
        ask = self._ask
        self._told("Asking the provider …", again=False)

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[KeyCheck, ...]:
            return tuple(check for user in users for check in check_keys(user, ask))

        self._start("Test a key", work, self._tested)

    def _tested(self, checks: tuple[KeyCheck, ...]) -> None:
        failed = [check for check in checks if check.problem]
        set_tone(self._note, "error" if failed else "good")
        self._note.setText(
            "; ".join(f"{check.provider}: {check.problem}" for check in failed)
            if failed
            else "The key was accepted. Nothing was charged."
        )

    def _told(self, text: str, *, again: bool = True) -> None:
        set_tone(self._note, "2")
        self._note.setText(text)
        if again:
            self.refresh()
            self.changed.emit()

    def _failed(self, error: DeltacutError) -> None:
        set_tone(self._note, "error")
        self._note.setText(str(error))

    def _start(self, title: str, work: Callable[[Progress, CancelToken], object], done: Callable[..., None]) -> None:
        self._context.session.jobs.start_quietly(title, work).then(done, self._failed)

    def _ask(self, what: str) -> str:
        """Ask for a secret, from a worker; what is typed is not shown."""

        def question() -> str:
            asks = SecretQuestion(self._context.theme, what, self.window())
            given = asks.exec() == SecretQuestion.DialogCode.Accepted
            secret = asks.secret
            asks.deleteLater()
            if not given:
                raise Cancelled("stopped on request")
            return secret

        return self._asking.call(question)
