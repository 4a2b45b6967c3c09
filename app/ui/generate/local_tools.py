"""The local tools as plain buttons: no network, no cost."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFileDialog, QGridLayout, QToolButton, QWidget

from app.session.patching import TOOL_TITLES
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.widgets import AskLine
from app.workflows.patch_tools import NO_SETTINGS, ToolSettings

TOOLS = (
    ("remove", "local-tool", "Put the background there that other frames show"),
    ("inpaint", "region", "Fill the region from what is around it"),
    ("blur", "mask", "Blur what is in the region"),
    ("pixelate", "grid", "Make blocks of what is in the region"),
    ("fill", "box", "Cover the region with one colour"),
    ("grade", "settings", "Change light and colour in the region"),
    ("clone", "after", "Copy the region from beside it"),
    ("heal", "brush", "Copy the texture from beside it, and keep the tone"),
    ("image", "image", "Put a picture there, fitted in"),
    ("text", "text", "Set words into the region"),
)
_ALSO = {
    "remove": "erase delete object clean away get rid paint out",
    "inpaint": "remove erase content aware",
    "blur": "hide face number plate censor soften",
    "pixelate": "hide face number plate censor mosaic",
    "fill": "hide paint over color",
    "grade": "brightness exposure contrast saturation tint color correct",
    "clone": "stamp duplicate",
    "heal": "repair retouch spot blemish",
    "image": "replace logo sticker photo file",
    "text": "replace title lettering label",
}
"""What else a tool may be looked for by, besides its name and what is said of it."""
_PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff)"


class LocalTools(QWidget):
    """A button for each tool; it works on the drawn region, else on the chosen patch."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._patching = context.session.patching
        self._selection = context.session.selection
        self.buttons: dict[str, QToolButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(4)
        for number, (name, icon, tip) in enumerate(TOOLS):
            button = QToolButton()
            button.setObjectName("menuButton")
            button.setText(_text(name))
            button.setIcon(context.theme.icon(icon))
            button.setIconSize(QSize(16, 16))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(self.sizePolicy().Policy.Expanding, self.sizePolicy().Policy.Fixed)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(f"{tip}. Nothing is sent.")
            button.setAccessibleName(TOOL_TITLES[name])
            button.clicked.connect(partial(self.use, name))
            self.buttons[name] = button
            grid.addWidget(button, number // 2, number % 2)

    def actions(self) -> list[ActionSpec]:  # type: ignore[override] # Qt's own actions are not used here
        """Return the tools as actions."""
        return [
            ActionSpec(
                f"tool.{name}",
                _text(name),
                "Region/Local tools",
                partial(self.use, name),
                icon=icon,
                hindrance=self.hindrance,
                section=20,
                also=f"{tip} {_ALSO[name]}",
            )
            for name, icon, tip in TOOLS
        ]

    def hindrance(self) -> str:
        """Say what keeps the tools from working."""
        if not self._context.session.document.is_open:
            return "Open a film first"
        there = self._selection.region is not None or self._selection.patch is not None
        return "" if there else "Draw a region first, or choose a patch"

    def use(self, name: str, *_checked: bool) -> None:
        """Use a tool, after asking for what it needs."""
        match name:
            case "image":
                self._ask_picture()
            case "text":
                ask = AskLine("Words to set into the region", "", "Set", self._set_text, self)
                if not self.isVisible():
                    # Asked for by name, from wherever one was.
                    self._context.notices.show_panel("inspector")
                button = self.buttons[name]
                ask.ask_below(button if button.isVisible() else self.window())
            case "clone" | "heal":
                self._patching.use_tool(name, ToolSettings(shift=self._beside()))
            case "grade":
                self._patching.use_tool(name, ToolSettings(exposure=0.0))
            case _:
                self._patching.use_tool(name, NO_SETTINGS)

    def _set_text(self, text: str) -> None:
        if text:
            self._patching.use_tool("text", ToolSettings(text=text))

    def _beside(self) -> tuple[float, float]:
        """Return where to copy from: one width of the region to the side with more room."""
        patch = self._selection.patch
        region = self._selection.region or (patch.region if patch is not None else None)
        if region is None:
            return 0.1, 0.0
        bounds = region.bounds
        width = (bounds.x1 - bounds.x0) * 1.05
        return (width, 0.0) if 1 - bounds.x1 >= bounds.x0 else (-width, 0.0)

    def _ask_picture(self) -> None:
        folders = self._context.session.settings.choices.folders
        chosen, _ = QFileDialog.getOpenFileName(self, "Put a picture there", folders.get("pictures", ""), _PICTURES)
        if chosen:
            self._context.session.settings.set(folders={**folders, "pictures": str(Path(chosen).parent)})
            self._patching.place_picture(Path(chosen))


def _text(name: str) -> str:
    return f"{TOOL_TITLES[name]}…" if name in ("image", "text") else TOOL_TITLES[name]
