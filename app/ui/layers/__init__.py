"""The stack of layers."""

from app.ui.layers.panel import LayersPanel

__all__ = ["LayersPanel"]
