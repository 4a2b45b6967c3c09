"""The takes of the chosen patch."""

from app.ui.takes.panel import TakesPanel

__all__ = ["TakesPanel"]
