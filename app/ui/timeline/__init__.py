"""The tracks over time, and what an export will copy and re-encode."""

from app.ui.timeline.panel import TimelinePanel

__all__ = ["TimelinePanel"]
