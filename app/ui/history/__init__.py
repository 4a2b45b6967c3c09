"""Every change, and the way back to it."""

from app.ui.history.panel import HistoryPanel

__all__ = ["HistoryPanel"]
