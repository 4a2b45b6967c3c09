"""What the person chooses once: appearance, keys of the keyboard and of providers, spending, the cache."""

from app.ui.settings.dialog import SettingsDialog

__all__ = ["SettingsDialog"]
