"""The theme in use: its colours by token, its icons, its style sheet."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QRect, QRectF, QSize, Qt, QTemporaryDir, Signal, Slot
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app.session.settings import Settings
from app.ui.theme.dressing import Dressing

_DIRECTORY = files("resources")
_SIZES = {"compact": {"body": 12, "small": 11}, "comfortable": {"body": 13, "small": 12}}
_MOST_DRAWN = 600
# On the picture itself, the same in both themes: they must be seen on any film.
REGION_LINE = QColor("#F58AD6")
REGION_EDGE = QColor(0, 0, 0, 130)
HANDLE = QColor("#FFFFFF")
HANDLE_EDGE = QColor(0, 0, 0, 191)
PICTURE_LABEL = QColor(20, 21, 24, 204)
STAR = QColor("#F2C14E")


class Theme(QObject):
    """Colours and icons of the theme that the settings name.

    Icons follow the theme by themselves; whatever paints with `colour` listens to `changed`.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._icon_files = QTemporaryDir()
        self._dressing = Dressing(lambda: self._colours["focus"], self)
        self._sources: dict[str, str] = {}
        self._drawn: dict[tuple[str, int, int, int, float], QPixmap] = {}
        self._load()
        settings.changed.connect(self._setting_changed)

    @property
    def name(self) -> str:
        """Return "dark" or "light"."""
        return self._name

    @property
    def density_px(self) -> int:
        """Return how many pixels rows and controls are higher than in the compact density."""
        return 4 if self._settings.choices.density == "comfortable" else 0

    def colour(self, token: str) -> QColor:
        """Return the colour of a token, the caller's own: what is made of it changes nobody else's."""
        return QColor(self._colours[token])

    def icon(self, name: str, tone: str = "text.2") -> QIcon:
        """Return an icon of ours in a token's colour; switched on it has the accent's, disabled the disabled one."""
        return QIcon(_Engine(self, name, tone))

    def pixmap(self, name: str, token: str, size: int, ratio: float = 1.0) -> QPixmap:
        """Return an icon as a pixmap of `size` points at a device pixel ratio."""
        return self._pixmap(name, self._colours[token], QSize(round(size * ratio), round(size * ratio)), ratio)

    def apply(self, app: QApplication) -> None:
        """Give the application this theme: fonts, palette, style sheet, focus ring."""
        app.installEventFilter(self._dressing)
        self._dress(app)

    def leave(self, app: QApplication) -> None:
        """Stop dressing the application; it keeps its looks until another theme is applied.

        A style sheet that is taken away and set again ends the process at the next change: Qt watches for the end of
        widgets that had one before no longer, and looks at them once they are gone.
        """
        app.removeEventFilter(self._dressing)

    def _dress(self, app: QApplication) -> None:
        font = QFont(app.font())
        families = ["Inter", *font.families()]
        font.setFamilies(families)
        font.setPixelSize(self._sizes["body"])
        font.setFeature(QFont.Tag("tnum"), 1)
        app.setFont(font)
        palette = QPalette()
        for role, token in (
            (QPalette.ColorRole.Window, "surface.app"),
            (QPalette.ColorRole.Base, "surface.1"),
            (QPalette.ColorRole.Text, "text.1"),
            (QPalette.ColorRole.WindowText, "text.1"),
            (QPalette.ColorRole.ButtonText, "text.1"),
            (QPalette.ColorRole.Button, "surface.3"),
            (QPalette.ColorRole.Highlight, "accent.fill"),
            (QPalette.ColorRole.HighlightedText, "accent.on"),
            (QPalette.ColorRole.PlaceholderText, "text.3"),
            (QPalette.ColorRole.Link, "accent.text"),
        ):
            palette.setColor(role, self._colours[token])
        app.setPalette(palette)
        app.setStyleSheet(self._style_sheet())

    def _style_sheet(self) -> str:
        text = (_DIRECTORY / "themes" / "deltacut.qss").read_text(encoding="utf-8")
        for name, value in self._sizes.items():
            text = text.replace(f"${{{name}}}", str(value))

        def icon_file(match: re.Match[str]) -> str:
            return self._icon_file(match[1], match[2]).as_posix()

        def colour(match: re.Match[str]) -> str:
            return self._colours[match[1]].name()

        text = re.sub(r"\$([a-z-]+):([a-z.0-9]+)", icon_file, text)
        # A token's name ends before the next character that cannot be part of one, so none is taken for another.
        return re.sub(r"@([a-z]+(?:\.[a-z0-9]+)*)", colour, text)

    def _icon_file(self, name: str, token: str) -> Path:
        """Write an icon in a colour where a style sheet can name it."""
        path = Path(self._icon_files.path()) / f"{name}-{token}-{self._name}.svg"
        if not path.exists():
            path.write_text(self._source(name).replace("currentColor", self._colours[token].name()), encoding="utf-8")
        return path

    def _source(self, name: str) -> str:
        if name not in self._sources:
            self._sources[name] = (_DIRECTORY / "icons" / f"{name}.svg").read_text(encoding="utf-8")
        return self._sources[name]

    def _pixmap(self, name: str, colour: QColor, size: QSize, ratio: float) -> QPixmap:
        if size.isEmpty():
            # Of a button that a layout has squeezed to nothing for a moment.
            return QPixmap()
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        side = min(size.width(), size.height())
        # An icon that is wider than high has room at its right, before a text.
        self._draw(painter, name, colour, QRectF(0, (size.height() - side) / 2, side, side))
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def _draw(self, painter: QPainter, name: str, colour: QColor, place: QRectF) -> None:
        data = self._source(name).replace("currentColor", colour.name())
        QSvgRenderer(QByteArray(data.encode())).render(painter, place)

    def _load(self) -> None:
        wanted = self._settings.choices.theme
        if wanted == "system":
            scheme = QGuiApplication.styleHints().colorScheme()
            wanted = "light" if scheme is Qt.ColorScheme.Light else "dark"
        self._name = wanted if wanted in ("dark", "light") else "dark"
        values = json.loads((_DIRECTORY / "themes" / f"{self._name}.json").read_text(encoding="utf-8"))
        self._colours = {token: QColor(value) for token, value in values.items()}
        self._colours["field"] = self._colours["surface.app" if self._name == "dark" else "surface.3"]
        self._sizes = _SIZES.get(self._settings.choices.density, _SIZES["compact"])

    @Slot(str)
    def _setting_changed(self, name: str) -> None:
        if name in ("theme", "density"):
            self._load()
            app = QApplication.instance()
            if isinstance(app, QApplication):
                self._dress(app)
            self.changed.emit()


class _Engine(QIconEngine):
    """Draws an icon in the colour that its mode asks for, at the moment it is drawn."""

    def __init__(self, theme: Theme, name: str, tone: str) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._tone = tone

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        size = QSize(round(rect.width() * ratio), round(rect.height() * ratio))
        painter.drawPixmap(rect, self._theme._pixmap(self._name, self._colour(mode, state), size, 1.0))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self._theme._pixmap(self._name, self._colour(mode, state), size, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        # Qt asks in points (since 6.8) and sets the ratio itself.
        return self._theme._pixmap(self._name, self._colour(mode, state), size * scale, 1.0)

    def clone(self) -> QIconEngine:
        return _Engine(self._theme, self._name, self._tone)

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> QColor:
        if mode is QIcon.Mode.Disabled:
            return self._theme.colour("text.disabled")
        if state is QIcon.State.On and self._tone == "text.2":
            return self._theme.colour("accent.text")
        if mode is QIcon.Mode.Active and self._tone == "text.2":
            return self._theme.colour("text.1")
        return self._theme.colour(self._tone)
