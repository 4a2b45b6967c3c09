"""The films and pictures of the project."""

from app.ui.media.panel import MediaPanel

__all__ = ["MediaPanel"]
