"""What an export will do, doing it, and the proof."""

from app.ui.export.page import ExportPage

__all__ = ["ExportPage"]
