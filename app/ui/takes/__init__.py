"""The takes of the chosen patch, and the list of all patches."""

from app.ui.takes.panel import TakesPanel
from app.ui.takes.patches_list import PatchesList

__all__ = ["PatchesList", "TakesPanel"]
