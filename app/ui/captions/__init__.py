"""The captions as a table."""

from app.ui.captions.panel import CaptionsPanel

__all__ = ["CaptionsPanel"]
