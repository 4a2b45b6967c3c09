"""Measures of the picture: histogram, waveform, vectorscope."""

from app.ui.scopes.panel import ScopesPanel

__all__ = ["ScopesPanel"]
