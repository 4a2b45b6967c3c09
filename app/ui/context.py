"""What every panel is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.session.session import Session
from app.ui.actions import ActionTable
from app.ui.theme import Theme
from app.ui.widgets import Banner


class Notices(Protocol):
    """Where the window tells the person something."""

    def say(self, text: str) -> None:
        """Show a sentence in the status bar: what just happened, or why something cannot be."""

    def show_banner(self, banner: Banner) -> None:
        """Show a message above the viewer until the person puts it away."""

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front: "media", "layers", "takes", "inspector", "jobs", "history", "scopes", ..."""


@dataclass(frozen=True, slots=True)
class Context:
    """The session, the theme, the actions, and the window's places for messages."""

    session: Session
    theme: Theme
    actions: ActionTable
    notices: Notices
