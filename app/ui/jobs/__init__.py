"""What runs and what ran."""

from app.ui.jobs.panel import JobsPanel

__all__ = ["JobsPanel"]
