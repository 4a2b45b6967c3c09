"""The picture, the tools on it, and the transport below."""

from app.ui.viewer.area import ViewerArea

__all__ = ["ViewerArea"]
