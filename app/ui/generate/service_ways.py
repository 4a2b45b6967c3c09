"""The ways out of orders that put what they make into the project by themselves."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from app.session.generating import Ordered
from app.ui.context import Context
from app.ui.generate.words import WayOut
from providers.consent import Reach
from providers.jobs import Choice

NOT_FOR_SERVICES = frozenset({WayOut.TRY_LOCALLY, WayOut.EDIT_PROMPT})
"""No local tool writes down speech or films motion, and there is no prompt to edit."""

_DIALOGS = {WayOut.RAISE_CAP: "edit.spending", WayOut.ADD_KEY: "edit.keys", WayOut.REPLACE_KEY: "edit.keys"}
_REACHES = {WayOut.SEND_ONCE: Reach.REQUEST, WayOut.SEND_ALWAYS: Reach.PROJECT}
_CHOICES = {
    WayOut.OTHER_PROVIDER: Choice.NEXT_PROVIDER,
    WayOut.CACHED: Choice.USE_CACHED,
    WayOut.USE_ANYWAY: Choice.ACCEPT,
}


class ServiceWays(QObject):
    """Does what the buttons of such an order say."""

    def __init__(self, context: Context, parent: QObject) -> None:
        super().__init__(parent)
        self._actions = context.actions
        self._services = context.session.service_orders

    @Slot(object, object)
    def take(self, entry: Ordered, way: WayOut) -> None:
        """Take a way out."""
        if way in _DIALOGS:
            if self._actions.has(_DIALOGS[way]):
                self._actions.action(_DIALOGS[way]).trigger()
        elif way in _REACHES:
            self._services.answer(entry, Choice.AGREE, _REACHES[way])
        elif way in _CHOICES:
            self._services.answer(entry, _CHOICES[way])
        elif way is WayOut.TRY_AGAIN and entry.question is not None:
            self._services.answer(entry, Choice.TRY_AGAIN)
        elif way is WayOut.TRY_AGAIN:
            self._services.retry(entry)
        else:
            self._services.cancel(entry)
