"""The small parts that panels are made of."""

from app.ui.widgets.ask_line import AskLine
from app.ui.widgets.badge import StateBadge
from app.ui.widgets.banner import Banner, BannerAction, Tone
from app.ui.widgets.buttons import ButtonKind, ButtonSize, icon_button, push_button
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.empty import EmptyState
from app.ui.widgets.icon_label import IconLabel, Swatch
from app.ui.widgets.labels import Role, label
from app.ui.widgets.layouts import column, empty, line, row, scrolled, upright
from app.ui.widgets.panel import Panel, PanelHead
from app.ui.widgets.segmented import Segmented

__all__ = [
    "AskLine",
    "Banner",
    "BannerAction",
    "ButtonKind",
    "ButtonSize",
    "ElidedLabel",
    "EmptyState",
    "IconLabel",
    "Panel",
    "PanelHead",
    "Role",
    "Segmented",
    "StateBadge",
    "Swatch",
    "Tone",
    "column",
    "empty",
    "icon_button",
    "label",
    "line",
    "push_button",
    "row",
    "scrolled",
    "upright",
]
