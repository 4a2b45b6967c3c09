"""Takes by providers and by local tools: what is sent, what it costs, what came of it."""

from app.ui.generate.box import GenerateBox
from app.ui.generate.local_tools import LocalTools
from app.ui.generate.work_row import WorkRow

__all__ = ["GenerateBox", "LocalTools", "WorkRow"]
