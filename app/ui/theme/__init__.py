"""Colours, type, icons and the focus ring."""

from app.ui.theme.theme import Theme

__all__ = ["Theme"]
