"""The settings of what is chosen."""

from app.ui.inspector.panel import InspectorPanel

__all__ = ["InspectorPanel"]
