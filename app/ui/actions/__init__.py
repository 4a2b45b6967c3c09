"""Everything the person can do, by name: menus, shortcuts, tooltips, and finding it by `/`."""

from app.ui.actions.button import ActionButton
from app.ui.actions.spec import ActionSpec
from app.ui.actions.table import ActionTable

__all__ = ["ActionButton", "ActionSpec", "ActionTable"]
